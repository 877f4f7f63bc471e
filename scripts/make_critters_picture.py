"""Draw data/critters.jpg, the picture of the card: `.venv/bin/python scripts/make_critters_picture.py`.

Four of each animal from the training images; below, the masks of the animal and its parts in the last row of these.
"""

from pathlib import Path

from helpers.datasets.critters import ANIMALS, PARTS, critter
from helpers.files import written_whole
from helpers.pixels import COLORS

import numpy as np
from PIL import Image, ImageColor

TARGET = Path(__file__).resolve().parent.parent / "data" / "critters.jpg"


def picture() -> Image.Image:
    """Return the picture: a column for each animal."""
    rows = [[critter("train", index) for index in range(start, start + len(ANIMALS))] for start in (10, 20, 30, 40)]
    masks = []
    for drawn in rows[-1]:
        mask = np.full((64, 64, 3), 255, np.uint8)
        for part, color in zip(PARTS, COLORS, strict=True):
            mask[drawn.parts[part]] = ImageColor.getrgb(color)
        masks.append(mask)
    lines = [*(np.hstack([drawn.image for drawn in row]) for row in rows), np.hstack(masks)]
    return Image.fromarray(np.vstack(lines)).resize((1280, 640), Image.Resampling.NEAREST)


if __name__ == "__main__":
    with written_whole(TARGET) as partial:
        picture().save(partial, quality=80)
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")

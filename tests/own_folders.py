"""Folders of images as learners bring them, for tests that run lessons on them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

PATTERNS = 4
"""How many patterns there are to tell classes apart, each in many colors."""


@dataclass(frozen=True)
class Own:
    """A folder: how many images each class has, and how large they are; ``parts`` as its layout names them."""

    numbers: dict[str, int]
    sides: tuple[int, int] = (20, 300)
    gray: bool = False
    parts: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = (".png",)

    def write(self, folder: Path) -> Path:
        """Write its images, the same ones each time: sizes, colors and brightness differ, with noise in all."""
        random = np.random.default_rng(0)
        for place, (name, number) in enumerate(self.numbers.items()):
            for index in range(number):
                part = self.parts[index % len(self.parts)] if self.parts else ""
                path = folder / part / name / f"{index}{self.suffixes[index % len(self.suffixes)]}"
                path.parent.mkdir(parents=True, exist_ok=True)
                image = Image.fromarray(_pixels(random, place, *random.integers(self.sides[0], self.sides[1] + 1, 2)))
                (image.convert("L") if self.gray else image).save(path)
        return folder


def _pixels(random, place: int, height: int, width: int) -> np.ndarray:
    rows, columns = np.indices((height, width))
    waves = (rows, columns, rows + columns, np.minimum(rows, columns))[place % PATTERNS]
    color = np.random.default_rng(place).uniform(60, 200, 3)
    pattern = 50 * np.sin(waves * 12 / max(height, width) + random.uniform(0, 6))
    return (pattern[..., None] + color + random.normal(0, 25, (height, width, 3))).clip(0, 255).astype(np.uint8)


OWN = {
    "2 of 7": Own({"ant": 7, "bee": 7}, sides=(20, 60)),
    "2 of 20": Own({"ant & <b>bee<b>": 20, "cost $x_1$, $y$": 20}),
    "2 of 110": Own({"猫": 110, "狗": 110}, sides=(20, 60), gray=True, suffixes=(".jpg", ".tif", ".webp")),
    "unequal": Own({"many": 200, "some": 30, "few": 12}, sides=(100, 300), parts=("Train", "Train", "Val", "Test")),
    "12 classes": Own({f"a class with a long name, {k}": 9 + k for k in range(12)}, sides=(20, 90)),
}
"""By name, the folders that every lesson from 03 on runs on."""

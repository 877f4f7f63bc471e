"""What every dataset is: labelled images in three parts."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "data"
"""The folder of what the lessons bring along."""
PARTS = ("train", "validation", "test")


class Split(NamedTuple):
    """Images and their labels, in the same order."""

    images: np.ndarray  # (N, H, W, C) uint8, 0 to 255
    labels: np.ndarray  # (N,) int64, an index into class_names

    def __len__(self):
        return len(self.labels)


@dataclass(frozen=True, repr=False)
class Dataset:
    """Labelled images in three parts: learn from train, choose by validation, and look at test once, at the end."""

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    source: str
    license: str

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        return self.train.images.shape[1:]

    def __repr__(self):
        parts = " / ".join(f"{len(split.labels):,} {part}" for part, split in self.splits().items())
        return f"{self.name}: {parts} images of shape {self.image_shape}, {len(self.class_names)} classes"

    def splits(self) -> dict[str, Split]:
        """Return the three parts by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def progress(items=None, **options):
    """Return a progress bar of tqdm over ``items``: a widget in a notebook, text elsewhere, gone when it is done."""
    from tqdm.auto import tqdm  # here, since it takes a moment

    return tqdm(items, leave=False, mininterval=0.5, **options)

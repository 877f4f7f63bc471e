"""Real data for tests: in the folder that CNN_LESSONS_REAL_DATA names, or beside this repository in `shared/data`.

There are `cifar10/CIFAR-10-images-*.tar.gz`, `mnist`, `fashion-mnist` and `cats_dogs/dogs_vs_cats`, or some of them.
"""

import os
from pathlib import Path

from helpers.files import VARIABLE, cache_folder

import pytest

REAL = Path(os.environ.get("CNN_LESSONS_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
FILES = {"mnist": "mnist", "fashion_mnist": "fashion-mnist", "cats_vs_dogs": "cats_dogs/dogs_vs_cats"}
"""Where a dataset is in the folder of real data."""


def link_real(name: str, cache: Path) -> None:
    """Put a real dataset into a cache folder, as if it had been downloaded; skip the test if it is not here."""
    source, target = REAL / FILES[name], cache / name
    if not source.is_dir():
        pytest.skip(f"no {FILES[name]} in {REAL}: CNN_LESSONS_REAL_DATA names another folder")
    if name == "cats_vs_dogs":
        target = target / "images"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source)


def new_cache(folder: Path, monkeypatch) -> Path:
    """Make a cache folder for this test and return it; only the critters are there, if they have been drawn."""
    cache = folder / "cache"
    cache.mkdir()
    for drawn in cache_folder().glob("critters*"):
        (cache / drawn.name).symlink_to(drawn)
    monkeypatch.setenv(VARIABLE, str(cache))
    return cache

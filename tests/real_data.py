"""Real data for tests: in the folder that CNN_LESSONS_REAL_DATA names, or beside this repository in `shared/data`.

There are `cifar10/CIFAR-10-images-*.tar.gz`, `mnist`, `fashion-mnist`, `cats_dogs/dogs_vs_cats` and
`weights/mobilenet_v2*.weights.h5`, or some of them.
"""

import os
from pathlib import Path

from helpers.datasets.public import IMAGENET_WEIGHTS

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


def put_mobilenet(home: Path) -> None:
    """Put the weights of MobileNetV2 where keras.applications keeps them, ``home``/models; skip if there are none.

    The ones for tests have 1,001 classes, a first one for "none of these": it is left out.
    """
    found = sorted((REAL / "weights").glob("mobilenet_v2*.weights.h5"))
    if not found:
        pytest.skip(f"no weights of MobileNetV2 in {REAL}")
    from helpers.engine import keras

    import h5py
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    theirs = keras.applications.MobileNetV2(weights=None, classes=1001)
    theirs.load_weights(found[0])
    ours = keras.applications.MobileNetV2(weights=None)
    ours.set_weights(
        [w if w.shape == own.shape else w[..., 1:] for w, own in zip(theirs.get_weights(), ours.weights, strict=True)]
    )
    path = home / "models" / IMAGENET_WEIGHTS["MobileNetV2"].path.name
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file, ours)

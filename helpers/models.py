"""The trained networks in data/models/: small, made by scripts of this project, each with a card."""

import os
import zipfile
from contextlib import nullcontext
from pathlib import Path

from helpers.datasets import Dataset
from helpers.datasets.animals import ANIMALS
from helpers.datasets.downloads import RemoteFile, fetch, is_sound, verified
from helpers.datasets.public import DATASETS, IMAGENET_WEIGHTS
from helpers.datasets.runs import read_table
from helpers.engine import keras
from helpers.files import DamagedFileError, readable, readable_of_clone
from helpers.training import LiveCurves, history_frame

import pandas as pd

FOLDER = Path(__file__).resolve().parent.parent / "data" / "models"

CLASS_NAMES = {
    "digits": tuple("0123456789"),
    "critters": ANIMALS,
    "photos": DATASETS["cifar10"].class_names,
}
"""For each network the names of its classes, in the order of its outputs."""

EPOCHS = {"digits": 8, "critters": 8, "photos": 52}
"""How many epochs each network was trained for."""

TRAINED_ON = {"mnist": "digits", "cifar10": "photos"}
"""Datasets that a network of another name was trained on."""


def load_model(name: str) -> keras.Model:
    """Load a trained network; a card beside it, data/models/NAME.md, says how it was made and how good it is.

    Parameters
    ----------
    name : {"digits", "critters", "photos"}, or the dataset that one of them was trained on, "mnist" or "cifar10".
        All take a batch of images (N, H, W, C), pixels from 0 to 255, and return probabilities (N, 10).
        ``"digits"``: 28 × 28 × 1, the CNN of lesson 03b. ``"critters"``: 64 × 64 × 3, five convolutions.
        ``"photos"``: 32 × 32 × 3, residual, for ten kinds of objects. The last two also take other sizes.

    Raises
    ------
    ValueError
        For an unknown name; lists the known ones.
    FileNotFoundError, helpers.files.DamagedFileError
        If the file is missing or damaged; says how to get it back.
    """
    known = _known(name)
    path = FOLDER / f"{known}.keras"
    with readable_of_clone(path, _otherwise(known)):
        with zipfile.ZipFile(path) as file:
            if wrong := file.testzip():  # Keras does not notice
                raise ValueError(f"the checksum of {wrong} in it differs")
        return keras.models.load_model(path, compile=False)


def load_training(name: str) -> pd.DataFrame:
    """Return the learning curves of a network of `load_model`, a row per epoch; raises errors as that does."""
    known = _known(name)
    return read_table(FOLDER / f"{known}.csv", EPOCHS[known], _otherwise(known)).set_index("epoch")


def _known(name: str) -> str:
    known = TRAINED_ON.get(name, name)
    if known not in CLASS_NAMES:
        raise ValueError(f"There is no trained network {name!r}. There are: {', '.join(CLASS_NAMES)}.")
    return known


def _otherwise(known: str) -> str:
    return f", or make it anew: `.venv/bin/python scripts/train_models.py {known}`"


def network_for(dataset: Dataset) -> tuple[keras.Model, pd.DataFrame]:
    """Return a trained network for a dataset, and its learning curves.

    It is the one of `load_model` where that was made for these classes. For other data a small network is trained now,
    with the progress shown, which takes about a minute: four convolutions, pixels from 0 to 255, any size of images.
    """
    known = TRAINED_ON.get(dataset.name, dataset.name)
    if CLASS_NAMES.get(known) == dataset.class_names:
        return load_model(known), load_training(known)
    model = keras.Sequential([keras.Input(dataset.image_shape), keras.layers.Rescaling(1 / 127.5, offset=-1)])
    for number, filters in enumerate((16, 32, 64, 64), start=1):
        model.add(keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{number}"))
        if number < 4:
            model.add(keras.layers.MaxPooling2D(name=f"pool{number}"))
    model.add(keras.layers.GlobalAveragePooling2D(name="mean"))
    model.add(keras.layers.Dense(len(dataset.class_names), activation="softmax", name="classes"))
    model.compile(keras.optimizers.Adam(0.002), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = dataset.train
    history = model.fit(
        images, labels, 64, 8, verbose=0, validation_data=tuple(dataset.validation), callbacks=[LiveCurves()]
    )
    return model, history_frame(history)


IMAGENET = {"MobileNetV2": "mobilenet_v2", "VGG16": "vgg16"}
"""For networks of keras.applications: their module."""


def imagenet_model(name: str, trained: bool = True, download: bool = False) -> keras.Model | None:
    """Return a network of keras.applications for 1,000 kinds of photographs, or None if its weights are not here.

    They are here if `make data` got them, or if keras.applications has loaded them once on this computer.

    Parameters
    ----------
    name : {"MobileNetV2", "VGG16"}. It takes (N, 224, 224, 3), pixels from 0 to 255: the scaling is inside. Its layers
        are found as ``"MobileNetV2/block_6_expand"``, ``"VGG16/block3_conv1"`` and so on.
    trained : False for a network with random weights, which needs no file
    download : whether weights that are not here are downloaded (15 MB, and 553 MB for VGG16)

    Raises ValueError for another name, `helpers.files.DamagedFileError` if weights that are here are damaged, and
    `helpers.datasets.downloads.DownloadError` if the download fails.
    """
    if name not in IMAGENET:
        raise ValueError(f"Unknown network {name!r}: use one of {', '.join(IMAGENET)}.")
    mend = f"`make data DATASETS={name}` gets a good one; without a network remove it, and the lessons do without."
    weights = _imagenet_weights(IMAGENET_WEIGHTS[name], download, mend) if trained else None
    if trained and weights is None:
        return None
    inputs = keras.Input((224, 224, 3))
    with readable(weights, mend) if trained else nullcontext():
        network = getattr(keras.applications, name)(weights=weights, name=name)
    return keras.Model(inputs, network(getattr(keras.applications, IMAGENET[name]).preprocess_input(inputs)))


def _imagenet_weights(file: RemoteFile, download: bool, mend: str) -> Path | None:
    of_keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models" / file.path.name
    if is_sound(file):
        return file.path
    if of_keras.exists():
        with readable(of_keras, mend):
            if not verified(file, of_keras):
                print(f"NOTE: {of_keras} is not what Keras publishes: its checksum differs. {mend}")
        return of_keras
    if download:
        return fetch(file)
    if file.path.exists():
        raise DamagedFileError(f"{file.path} is damaged (its checksum differs). {mend}")
    return None

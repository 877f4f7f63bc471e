"""The trained networks in data/models/: small, made by scripts of this project, each with a card."""

import os
from pathlib import Path

from helpers import critters
from helpers.datasets import Dataset
from helpers.downloads import RemoteFile, fetch, verified
from helpers.real_datasets import IMAGENET_WEIGHTS
from helpers.startup import import_tensorflow
from helpers.training import LiveCurves, history_frame, load_history

import_tensorflow()

import keras  # noqa: E402
import pandas as pd  # noqa: E402

FOLDER = Path(__file__).resolve().parent.parent / "data" / "models"

CLASS_NAMES = {
    "digits": tuple("0123456789"),
    "critters": critters.ANIMALS,
    "photos": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}
"""For each network the names of its classes, in the order of its outputs."""

TRAINED_ON = {"mnist": "digits", "cifar10": "photos"}
"""Datasets that a network of another name was trained on."""


def load_model(name: str) -> keras.Model:
    """Load a trained network; a card beside it, data/models/NAME.md, says how it was made and how good it is.

    Parameters
    ----------
    name : {"digits", "critters", "photos"}, or the dataset that one of them was trained on, "mnist" or "cifar10".
        All take a batch of images (N, H, W, C), pixels from 0 to 255, and return probabilities (N, 10).
        ``"digits"``: 28 × 28 × 1, the CNN of lesson 03. ``"critters"``: 64 × 64 × 3, five convolutions.
        ``"photos"``: 32 × 32 × 3, residual, for ten kinds of objects. The last two also take other sizes.

    Raises
    ------
    ValueError
        For an unknown name; lists the known ones.
    FileNotFoundError
        If the file is missing; says how to get it back.
    """
    return keras.models.load_model(_file(name, ".keras"), compile=False)


def load_training(name: str) -> pd.DataFrame:
    """Return the learning curves of a network of `load_model`, a row per epoch; raises errors as that does."""
    return load_history(_file(name, ".csv"))


def _file(name: str, suffix: str) -> Path:
    known = TRAINED_ON.get(name, name)
    if known not in CLASS_NAMES:
        raise ValueError(f"There is no trained network {name!r}. There are: {', '.join(CLASS_NAMES)}.")
    path = FOLDER / f"{known}{suffix}"
    if not path.exists():
        raise FileNotFoundError(
            f"data/models/{path.name} is missing. Get it back with `git checkout data/models/{path.name}`, "
            f"or make it anew: `.venv/bin/python scripts/train_models.py {known}`."
        )
    return path


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


def imagenet_model(name: str, weights="there", download: bool = False) -> keras.Model | None:
    """Return a network of keras.applications for 1,000 kinds of photographs, or None if its weights are not here.

    They are here if `make data` got them, or if keras.applications has loaded them once on this computer.

    Parameters
    ----------
    name : {"MobileNetV2", "VGG16"}. It takes (N, 224, 224, 3), pixels from 0 to 255: the scaling is inside. Its layers
        are found as ``"MobileNetV2/block_6_expand"``, ``"VGG16/block3_conv1"`` and so on.
    weights : None for a network with random weights, or the path of a file with weights
    download : whether weights that are not here are downloaded (15 MB, and 553 MB for VGG16)

    Raises ValueError for another name, and `helpers.downloads.DownloadError` if the download fails.
    """
    if name not in IMAGENET:
        raise ValueError(f"Unknown network {name!r}: use one of {', '.join(IMAGENET)}.")
    if weights == "there":
        weights = _imagenet_weights(IMAGENET_WEIGHTS[name], download)
        if weights is None:
            return None
    inputs = keras.Input((224, 224, 3))
    network = getattr(keras.applications, name)(weights=weights, name=name)
    return keras.Model(inputs, network(getattr(keras.applications, IMAGENET[name]).preprocess_input(inputs)))


def _imagenet_weights(file: RemoteFile, download: bool) -> Path | None:
    of_keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models" / file.path.name
    if file.path.exists() and verified(file, file.path):
        return file.path
    if of_keras.exists():
        return of_keras
    return fetch(file) if download else None

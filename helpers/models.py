"""The trained networks in data/models/: small, made by scripts of this project, each with a card."""

from pathlib import Path

from helpers import critters
from helpers.startup import import_tensorflow
from helpers.training import load_history

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
            "or make it as data/models/README.md says."
        )
    return path

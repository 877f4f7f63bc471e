"""Turn one dial at a time of a small network: scaling and rate, batch, wrong labels. Writes data/dial_runs.csv.

Run `.venv/bin/python scripts/make_dial_runs.py`; it takes about half an hour on two cores. What is there already is
kept, so that an interrupted run goes on where it was: remove the file to start anew. Two programs can run at the same
time, one with the seeds `0 2 4`, the other with `1 3`; seconds are then those of one core each.
"""

import sys
from pathlib import Path
from time import perf_counter

from helpers.datasets import load_dataset
from helpers.datasets.measured import append, is_done, stamp
from helpers.engine import keras
from helpers.recipe import shrink
from helpers.training import set_seed

import numpy as np
import pandas as pd
from keras import layers

TARGET = Path(__file__).resolve().parent.parent / "data" / "dial_runs.csv"
SCALINGS = ("0 to 255", "0 to 1", "-1 to 1", "mean 0, deviation 1")
RATES = (0.0001, 0.001, 0.01, 0.1)
BATCHES = {8: (8, (0.001, 0.003, 0.01)), 64: (15, (0.003, 0.01, 0.03)), 512: (20, (0.03, 0.1, 0.3))}
"""Their epochs, so that all train for about the same time, and rates."""
WRONG = (0.0, 0.1, 0.2, 0.3, 0.4)
BEST = {"scaling": SCALINGS[3], "batch": 64, "rate": 0.01, "wrong": 0.0, "epochs": 15}

SETTINGS = [
    *(BEST | {"scaling": scaling, "rate": rate} for scaling in SCALINGS for rate in RATES),
    *(BEST | {"batch": b, "rate": rate, "epochs": n} for b, (n, rates) in BATCHES.items() for rate in rates),
    *(BEST | {"wrong": share, "epochs": 30} for share in WRONG),
]
KEYS = ["scaling", "batch", "rate", "wrong", "epochs"]


def scaled(images, scaling: str, training) -> np.ndarray:
    """Return uint8 images as float32; mean and deviation are those of the training images."""
    images, training = (some.astype("float32") for some in (images, training))
    return {
        "0 to 255": lambda: images,
        "0 to 1": lambda: images / 255,
        "-1 to 1": lambda: images / 127.5 - 1,
        "mean 0, deviation 1": lambda: (images - training.mean()) / training.std(),
    }[scaling]()


def network(image_shape, classes: int, convolutions: int = 2, dropout: float = 0.0, activation=None):
    """Return the small network of lesson 03: 47,370 weights for images of 32 × 32 × 3; 36,138 with 3 convolutions."""
    stack = [keras.Input(image_shape)]
    for place in range(convolutions):
        stack += [layers.Conv2D(32, 3, activation="relu"), *[layers.MaxPooling2D()] * (place < 2)]
    head = [layers.Flatten(), layers.Dense(32, activation="relu"), layers.Dense(classes, activation=activation)]
    return keras.Sequential([*stack, *[layers.Dropout(dropout)] * (dropout > 0), *head])


def run(setting: dict, seed: int, dataset) -> list[dict]:
    """Train one network; return a row for each epoch."""
    set_seed(seed)
    training, y = dataset.train.images, dataset.train.labels.copy()
    x, x_validation = (scaled(images, setting["scaling"], training) for images in (training, dataset.validation.images))
    random, classes = np.random.default_rng(seed), len(dataset.class_names)
    wrong = random.permutation(len(y))[: round(setting["wrong"] * len(y))]
    y[wrong] = (y[wrong] + random.integers(1, classes, len(wrong))) % classes  # another class, never its own
    model, rows, seconds = network(x.shape[1:], classes), [], 0.0
    model.compile(
        keras.optimizers.SGD(setting["rate"], momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    for epoch in range(1, setting["epochs"] + 1):
        start = perf_counter()
        model.fit(x, y, batch_size=setting["batch"], verbose=0)
        seconds += perf_counter() - start
        loss, accuracy = model.evaluate(x, y, batch_size=500, verbose=0)
        val_loss, val_accuracy = model.evaluate(x_validation, dataset.validation.labels, batch_size=500, verbose=0)
        measured = {"training_loss": loss, "training_accuracy": accuracy, "val_loss": val_loss}
        measured |= {"val_accuracy": val_accuracy, "seconds": seconds}
        finite = {key: round(float(np.nan_to_num(value, nan=99, posinf=99)), 4) for key, value in measured.items()}
        rows.append({**setting, "seed": seed, "epoch": epoch, **finite})
    return rows


if __name__ == "__main__":
    critters, seeds = shrink(load_dataset("critters")), map(int, sys.argv[1:] or range(5))
    for seed in seeds:
        for setting in SETTINGS:
            if not is_done(TARGET, **setting, seed=seed):
                keras.backend.clear_session()  # else what is left of all networks fills the memory
                rows = pd.DataFrame(run(setting, seed, critters))
                append(TARGET, rows, ["seed", *KEYS, "epoch"])
                print(*rows.iloc[-1], flush=True)
    stamp(TARGET)

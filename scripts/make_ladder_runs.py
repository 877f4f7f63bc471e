"""Train what stands between the network of 2017 and the recipe of lesson 11, five times each: data/ladder_runs.csv.

Run `.venv/bin/python scripts/make_ladder_runs.py cifar10`; instead of cifar10 it can be a folder with the same images.
It takes about an hour of processor time. Options, such as ``--seeds``, follow; `--rates` tries learning rates instead.
Each rung changes one thing of the one before it; the last one is the recipe.
"""

import gc
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import process_time

from helpers.datasets import load_dataset
from helpers.datasets.folders import load_folder
from helpers.datasets.measured import make
from helpers.engine import keras
from helpers.recipe import STANDARD, Views, model_of_2017, scores, statistics, train
from helpers.training import set_seed
from helpers.trials import share_right

from keras import layers

SOURCE = "cifar10"
BEFORE = {"batch": 128, "optimizer": "AdamW", "schedule": "constant", "whitening": False, "mirror": "never"}
RUNGS = {
    "as in 2017": None,
    "numbers around 0": None,
    "three stages, no dense layer": BEFORE | {"rate": 0.003, "normalization": "none"},
    "normalization": BEFORE | {"rate": 0.001, "normalization": "before pooling"},
    "pooling first": BEFORE | {"rate": 0.001},
    "batches of 256": BEFORE | {"rate": 0.003, "batch": 256},
    "a rate that falls": BEFORE | {"rate": 0.003, "batch": 256, "schedule": "line"},
    "Muon": {"whitening": False, "mirror": "never"},
    "whitening": {"mirror": "never"},
    "mirror images": {},
}
"""Settings of `helpers.recipe.Recipe`, or None for the network of 2017; rates are the best of `RATES`."""
ASKED_TWICE = "asked twice"
"""The recipe, whose answers are the means for each image and its mirror image."""
RATES = (0.001, 0.003, 0.01)


def train_2017(images, labels, classes: int, around_0: bool, seed: int, epochs: int = 2):
    """Train the network of 2017 as written, or on numbers of mean 0 and deviation 1."""
    set_seed(seed)
    model = model_of_2017(images.shape[1:], classes)
    if around_0:
        mean, deviation = statistics(images)
        scaled = layers.Rescaling(1 / deviation, offset=-mean / deviation)
        model = keras.Sequential([keras.Input(images.shape[1:]), scaled, *model.layers[1:]])
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(), loss, metrics=["accuracy"])
    views = Views(images, keras.utils.to_categorical(labels, classes), 128, 0, "never", seed)
    model.fit(views, epochs=epochs, shuffle=False, verbose=0)
    views.release()
    return model


def train_rung(name: str, dataset, seed: int, **changes):
    """Return a network that climbed to this rung, trained for two epochs."""
    settings, given = RUNGS[name], (*dataset.train, len(dataset.class_names))
    if settings is None:
        return train_2017(*given, name == "numbers around 0", seed)
    return train(*given, replace(STANDARD["80%"], **settings | changes), seed)


def climb(seed: int) -> dict:
    """Return validation accuracy, processor seconds and parameters of each rung; ``at`` is its number."""
    dataset, found = load(), {}
    images, labels = dataset.validation
    for number, name in enumerate(RUNGS):
        keras.backend.clear_session()
        gc.collect()
        used = process_time()
        model = train_rung(name, dataset, seed)
        found[name, "processor seconds", number] = process_time() - used
        found[name, "accuracy", number] = share_right(scores(model, images, mirror=False), labels)
        found[name, "parameters", number] = model.count_params()
    found[ASKED_TWICE, "accuracy", len(RUNGS)] = share_right(scores(model, images), labels)  # of the last one
    return found


def try_rates(seed: int = 100) -> None:
    """Print what each rung reaches at each rate, from a seed that is not used otherwise."""
    dataset = load()
    for name, settings in RUNGS.items():
        for rate in RATES if settings and "rate" in settings else ():
            keras.backend.clear_session()
            gc.collect()
            model = train_rung(name, dataset, seed, rate=rate)
            reached = share_right(scores(model, dataset.validation.images, mirror=False), dataset.validation.labels)
            print(name, rate, f"{reached:.4f}", flush=True)


def load():
    """Return CIFAR-10, by name or from a folder."""
    return load_folder(SOURCE, size=32) if Path(SOURCE).is_dir() else load_dataset(SOURCE)


EXPERIMENTS = {"ladder": climb}
NAMES = enumerate([*RUNGS, ASKED_TWICE])
JUDGED = [("ladder", "accuracy", above, below, (n, m)) for (m, below), (n, above) in pairwise(NAMES)]

if __name__ == "__main__":
    SOURCE, *options = sys.argv[1:] or [SOURCE]
    if options == ["--rates"]:
        try_rates()
    else:
        make("ladder_runs", EXPERIMENTS, JUDGED, arguments=options)

"""Train the recipe of lesson 11 less each of its pieces, five times each: data/recipe_runs.csv and recipe_times.csv.

Run `.venv/bin/python scripts/make_recipe_runs.py cifar10`; instead of cifar10 it can be a folder with the same images.
It takes about an hour on two cores. What is there already is kept, so that an interrupted run goes on where it was:
remove the files to start anew. Two programs can run at the same time, one with `--seeds 0 2 4`, the other with
`--seeds 1 3`. The times are measured afterwards, by `--times`, when nothing else runs: all pieces in turns.
"""

import argparse
import gc
from dataclasses import replace
from functools import cache
from pathlib import Path
from time import perf_counter, process_time

from helpers.datasets import load_dataset
from helpers.datasets.folders import load_folder
from helpers.datasets.measured import append, is_done, stamp
from helpers.engine import keras
from helpers.files import written_whole
from helpers.recipe import PIECES, STANDARD, Views, build_network, make_optimizer, scores, train
from helpers.training import set_seed
from helpers.trials import share_right

import pandas as pd

DATA = Path(__file__).resolve().parent.parent / "data"
RUNS, TIMES = DATA / "recipe_runs.csv", DATA / "recipe_times.csv"
RATES = {
    "SGD instead of Muon": 0.03,
    "AdamW instead of Muon": 0.003,
    "Muon without its factors": 0.06,
    "no normalization": 0.03,
}
"""Pieces that need a rate of their own: the best of three or more, by validation images, one seed."""
TRIED = {
    "whole recipe": (0.06, 0.12, 0.24),
    "SGD instead of Muon": (0.01, 0.03, 0.1),
    "AdamW instead of Muon": (0.001, 0.003, 0.01),
    "Muon without its factors": (0.03, 0.06, 0.12, 0.24),
    "constant rate": (0.06, 0.12, 0.24),
    "batch of 64": (0.03, 0.06, 0.12),
    "no normalization": (0.004, 0.008, 0.015, 0.03, 0.06, 0.12),
}
"""Rates to choose from."""
IMAGES = 20 * 256  # of a round of times


def recipe_of(piece: str):
    """Return the recipe for 80% less a piece."""
    return replace(STANDARD["80%"], **PIECES[piece], **({"rate": RATES[piece]} if piece in RATES else {}))


class Epochs(keras.callbacks.Callback):
    """After each epoch a row: accuracy of the training images as they were seen, and of the validation images."""

    def __init__(self, validation, **first):
        super().__init__()
        self.validation, self.first, self.rows = validation, first, []

    def on_epoch_end(self, epoch, logs=None):
        images, labels = self.validation
        mirrored, plain = (share_right(scores(self.model, images, mirror), labels) for mirror in (True, False))
        self.rows.append(
            {**self.first, "epoch": epoch + 1, "training_accuracy": round(logs["accuracy"], 4)}
            | {"val_accuracy": round(mirrored, 4), "val_plain": round(plain, 4)}
        )


def make_runs(dataset, seeds, pieces=PIECES) -> None:
    """Train what is missing."""
    for seed in seeds:
        for piece in pieces:
            if not is_done(RUNS, piece=piece, seed=seed):
                epochs = Epochs(dataset.validation, piece=piece, seed=seed)
                keras.backend.clear_session()  # else what is left of all networks fills the memory
                gc.collect()
                train(*dataset.train, len(dataset.class_names), recipe_of(piece), seed, [epochs])
                append(RUNS, pd.DataFrame(epochs.rows), ["seed", "piece", "epoch"])
                print(*epochs.rows[-1].values(), flush=True)


def try_rates(dataset, pieces, seed: int = 100) -> None:
    """Print the validation accuracy of pieces at all rates of `TRIED`, from a seed that is not used otherwise."""
    for piece in pieces:
        for rate in TRIED[piece]:
            keras.backend.clear_session()
            gc.collect()
            model = train(*dataset.train, len(dataset.class_names), replace(recipe_of(piece), rate=rate), seed)
            images, labels = dataset.validation
            print(piece, rate, f"{share_right(scores(model, images), labels):.4f}", flush=True)


def make_times(dataset, rounds: int = 5) -> None:
    """Measure the time of a training step, in five rounds of all pieces."""
    (images, labels), classes = dataset.train, len(dataset.class_names)
    targets, models = keras.utils.to_categorical(labels, classes), {}

    @cache
    def views_of(batch: int, shift: int, mirror: str) -> Views:
        return Views(images, targets, batch, shift, mirror)  # once: each keeps all images twice in memory

    for piece in PIECES:
        set_seed(0)
        recipe = recipe_of(piece)
        views = views_of(recipe.batch, recipe.shift, recipe.mirror)
        models[piece] = model = build_network(images, classes, recipe)
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.smoothing)
        model.compile(make_optimizer(recipe, recipe.epochs * len(views)), loss, metrics=["accuracy"])
        model.fit(views, steps_per_epoch=2, verbose=0, shuffle=False)
    rows = []
    for turn in range(rounds):
        for piece, model in models.items():
            recipe = recipe_of(piece)
            views, steps = views_of(recipe.batch, recipe.shift, recipe.mirror), IMAGES // recipe.batch
            begun, used = perf_counter(), process_time()
            model.fit(views, steps_per_epoch=steps, verbose=0, shuffle=False)
            times = {"step_ms": perf_counter() - begun, "cpu_ms": process_time() - used}
            rows.append({"piece": piece, "round": turn} | {k: round(1000 * v / steps, 1) for k, v in times.items()})
            print(*rows[-1].values(), flush=True)
    with written_whole(TIMES) as partial:
        pd.DataFrame(rows).to_csv(partial, index=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="cifar10, or a folder with its images")
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5))
    parser.add_argument("--pieces", nargs="+", choices=list(PIECES), default=list(PIECES))
    parser.add_argument("--times", action="store_true", help="measure times instead")
    parser.add_argument("--rates", nargs="*", choices=list(TRIED), help="try rates instead")
    given = parser.parse_args()
    cifar = load_folder(given.data, size=32) if Path(given.data).is_dir() else load_dataset(given.data)
    if given.rates is not None:
        try_rates(cifar, given.rates or TRIED)
    elif given.times:
        make_times(cifar)
        stamp(TIMES)
    else:
        make_runs(cifar, given.seeds, given.pieces)
        stamp(RUNS)

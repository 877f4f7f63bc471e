"""Look closer at overfitting as in lesson 04, five times each: data/remedy_runs.csv.

Run `.venv/bin/python scripts/make_remedy_runs.py`. The network, its remedies and the training are those of
scripts/make_overfitting_runs.py; everything is measured after an epoch, with dropout off. A seed is a start.
"""

import sys

from helpers.datasets import critters, load_dataset
from helpers.datasets.measured import make
from helpers.engine import keras
from helpers.training import set_seed

import numpy as np
from keras import layers
from make_overfitting_runs import network

TRAINED, EPOCHS, LONG, LONG_RATES, MASKS, ANIMALS = 1000, 14, 56, (0.0, 0.6, 0.8), 10, 500
SHARES = [round(0.1 * step, 1) for step in range(10)]
CASES = {"plain": {}, "dropout 0.4": {"rate": 0.4}, "L2": {"l2": 0.001}, "plain, pixels from 0 to 1": {}}
UNITS = (4, 16, 64, 256, 512)


def prepared(images) -> np.ndarray:
    """Return critters averaged to 32 × 32, from −1 to 1."""
    return images.reshape(-1, 32, 2, 32, 2, 3).mean(axis=(2, 4), dtype="float32") / 127.5 - 1


def parts() -> tuple:
    """Return images and labels to train with, and to validate with."""
    dataset = load_dataset("critters")
    x, x_new = prepared(dataset.train.images[:TRAINED]), prepared(dataset.validation.images)
    return x, dataset.train.labels[:TRAINED], x_new, dataset.validation.labels


def compiled(model):
    """Return the model ready to be trained."""
    model.compile(keras.optimizers.Adam(0.002), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def said(model, images) -> np.ndarray:
    """Return probabilities (N, 10)."""
    return model.predict(images, batch_size=500, verbose=0)


def answers(model, images, labels) -> dict[str, float]:
    """Return accuracy, the mean loss of right and of wrong answers, and the share of wrong ones above 50%."""
    probabilities = said(model, images)
    losses = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-7))
    right = probabilities.argmax(axis=1) == labels
    sure = probabilities.max(axis=1) > 0.5
    return {
        "accuracy": right.mean(),
        "cross-entropy": losses.mean(),
        "loss of right answers": losses[right].mean() if right.any() else 0.0,
        "loss of wrong answers": losses[~right].mean() if not right.all() else 0.0,
        "wrong answers above 50%": sure[~right].mean() if not right.all() else 0.0,
    }


def right_without(model, images, labels, share: float, random) -> float:
    """Return the share of right answers when so many of the 256 numbers are dropped; the mean of some masks."""
    features = keras.Model(model.inputs[0], model.layers[-2].output).predict(images, batch_size=500, verbose=0)
    kept = [features * (random.random(features.shape) >= share) / (1 - share) for _ in range(MASKS)]
    return float(np.mean([model.layers[-1](part).numpy().argmax(axis=1) == labels for part in kept]))


class Best(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the smallest validation loss."""

    def __init__(self):
        super().__init__()
        self.least, self.weights = np.inf, None

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.least:
            self.least, self.epoch, self.weights = logs["val_loss"], epoch + 1, self.model.get_weights()


def remedies(seed: int) -> dict:
    """R04b, R04c, R04g: answers at the best and the last epoch, numbers removed, pixels from 0 to 1, backgrounds."""
    x, y, x_new, y_new = parts()
    found, grounds = {}, backgrounds(seed)
    for case, options in CASES.items():
        scale = (lambda images: (images + 1) / 2) if "0 to 1" in case else (lambda images: images)
        set_seed(seed)
        model, best = compiled(network(**options)), Best()
        validation = (scale(x_new), y_new)
        options = {"validation_data": validation, "validation_batch_size": 500, "callbacks": [best]}
        model.fit(scale(x), y, batch_size=32, epochs=EPOCHS, verbose=0, **options)
        last = model.get_weights()
        found[case, "best epoch"] = best.epoch
        for when, weights in (("at the best epoch", best.weights), ("at the end", last)):
            model.set_weights(weights)
            for name, value in answers(model, *validation).items():
                found[case, f"{name}, {when}"] = value
            kernels = [part.get_weights()[0] for part in model.layers[:-1] if part.get_weights()]
            found[case, f"penalty, {when}"] = sum(0.001 * np.sum(kernel**2) for kernel in kernels)
        found[case, "training accuracy, at the end"] = np.mean(said(model, scale(x)).argmax(axis=1) == y)
        for share in SHARES if case in ("plain", "dropout 0.4") else ():
            random = np.random.default_rng(seed)
            found[case, "training images right, numbers removed", share] = right_without(model, x, y, share, random)
            found[case, "validation images right, numbers removed", share] = right_without(
                model, x_new, y_new, share, random
            )
        if case == "plain":
            for split, (images, labels) in grounds.items():
                found[f"backgrounds of {split}", "accuracy"] = np.mean(said(model, images).argmax(axis=1) == labels)
    return found


def backgrounds(seed: int) -> dict:
    """R04g: the same new animals on backgrounds of each part; those that came out differently are left out."""
    drawn = {
        split: [
            critters.draw_critter(critters.ANIMALS[k % 10], np.random.default_rng([seed, 99, k]), 64, split)
            for k in range(ANIMALS)
        ]
        for split in critters.REGIONS
    }
    same = [
        k for k, scenes in enumerate(zip(*drawn.values(), strict=True)) if len({s.mask.tobytes() for s in scenes}) == 1
    ]
    labels = critters.labels(ANIMALS)[same]
    return {split: (prepared(np.stack([scenes[k].image for k in same])), labels) for split, scenes in drawn.items()}


def long(seed: int) -> dict:
    """R04d: dropout 0, 0.6 and 0.8 for four times as many epochs."""
    x, y, x_new, y_new = parts()
    found = {}
    for rate in LONG_RATES:
        set_seed(seed)
        model = compiled(network(rate))
        for before, epoch in ((0, EPOCHS), (EPOCHS, LONG)):
            model.fit(x, y, batch_size=32, epochs=epoch, initial_epoch=before, verbose=0)
            found[f"dropout {rate}", "training accuracy", epoch] = np.mean(said(model, x).argmax(axis=1) == y)
            for name, value in answers(model, x_new, y_new).items():
                found[f"dropout {rate}", name, epoch] = value
    return found


def capacity(seed: int) -> dict:
    """How much networks with so many units in the dense layer remember: true labels, and labels drawn at random."""
    x, y, x_new, y_new = parts()
    by_chance, found = np.random.default_rng(seed).permutation(y), {}
    for units in UNITS:
        for case, labels in (("true labels", y), ("random labels", by_chance)):
            set_seed(seed)
            body = network().layers[:-2]
            model = keras.Sequential(
                [keras.Input((32, 32, 3)), *body, layers.Dense(units, "relu"), layers.Dense(10, "softmax")]
            )
            compiled(model).fit(x, labels, batch_size=32, epochs=EPOCHS, verbose=0)
            found[case, "training accuracy", units] = np.mean(said(model, x).argmax(axis=1) == labels)
            found[case, "accuracy", units] = np.mean(said(model, x_new).argmax(axis=1) == y_new)
    return found


EXPERIMENTS = {"remedies": remedies, "long": long, "capacity": capacity}
JUDGED = [
    *(
        ("remedies", f"{measure}, at the end", case, "plain")
        for case in ("dropout 0.4", "L2", "plain, pixels from 0 to 1")
        for measure in ("accuracy", "cross-entropy", "loss of wrong answers", "wrong answers above 50%")
    ),
    ("remedies", "penalty, at the end", "L2", "plain"),
    *(
        ("remedies", f"{part} images right, numbers removed", "dropout 0.4", "plain", share)
        for part in ("training", "validation")
        for share in (0.0, 0.3, 0.5, 0.8)
    ),
    ("remedies", "accuracy", "backgrounds of validation", "backgrounds of train"),
    ("remedies", "accuracy", "backgrounds of test", "backgrounds of validation"),
    *(("long", "accuracy", f"dropout {rate}", "dropout 0.0", at) for rate in LONG_RATES[1:] for at in (EPOCHS, LONG)),
    *(("capacity", "training accuracy", "random labels", "random labels", pair) for pair in ((64, 16), (512, 64))),
    *(("capacity", "accuracy", "true labels", "true labels", pair) for pair in ((64, 16), (512, 64))),
]

if __name__ == "__main__":
    make("remedy_runs", EXPERIMENTS, JUDGED, arguments=sys.argv[1:])

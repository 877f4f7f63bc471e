"""Train shallow and deep CNNs with four activations at three rates, five times each: data/activation_runs.csv.

Run `.venv/bin/python scripts/make_activation_runs.py`. All read digits, have the start of weights that Keras gives
by default, and get the same images in the same order.
"""

import sys

from helpers.datasets import load_dataset
from helpers.datasets.measured import make
from helpers.engine import keras
from helpers.training import set_seed

from keras import layers

EPOCHS, BATCH = 8, 64
ACTIVATIONS = ("linear", "sigmoid", "tanh", "relu")
RATES = (0.0003, 0.001, 0.003)
DEPTHS = (3, 9)
"""Convolutions: one or three in each of three stages."""


def build(activation: str, depth: int):
    """Return a network of ``depth`` convolutions."""
    stack = [keras.Input((28, 28, 1))]
    for stage, filters in enumerate((16, 32, 32)):
        stack += [layers.MaxPooling2D()] if stage else []
        stack += [layers.Conv2D(filters, 3, padding="same", activation=activation) for _ in range(depth // 3)]
    return keras.Sequential([*stack, layers.Flatten(), layers.Dense(10, activation="softmax")])


def race(seed: int, depth: int) -> dict:
    """Return accuracies after each epoch (``at``) at each rate, and the best of the rates after the last one."""
    digits, found = load_dataset("digits"), {}
    x, x_new = (part.images.astype("float32") / 255 for part in (digits.train, digits.validation))
    y, y_new = digits.train.labels, digits.validation.labels
    for activation in ACTIVATIONS:
        for rate in RATES:
            set_seed(seed)
            model, case = build(activation, depth), f"{activation}, rate {rate}"
            falling = keras.optimizers.schedules.CosineDecay(rate, EPOCHS * -(-len(x) // BATCH))
            model.compile(keras.optimizers.Adam(falling), "sparse_categorical_crossentropy", metrics=["accuracy"])
            options = {"batch_size": BATCH, "epochs": EPOCHS, "verbose": 0}
            history = model.fit(x, y, validation_data=(x_new, y_new), **options).history
            found |= {(case, "accuracy", epoch): value for epoch, value in enumerate(history["val_accuracy"], 1)}
            found[case, "training accuracy"] = model.evaluate(x, y, batch_size=500, verbose=0)[1]
        last = [found[f"{activation}, rate {rate}", "accuracy", EPOCHS] for rate in RATES]
        found[f"{activation}, best rate", "accuracy", EPOCHS] = max(last)
    return found


EXPERIMENTS = {f"{depth} convolutions": lambda seed, depth=depth: race(seed, depth) for depth in DEPTHS}
JUDGED = [
    (name, "accuracy", f"{activation}, best rate", "relu, best rate", EPOCHS)
    for name in EXPERIMENTS
    for activation in ACTIVATIONS[:-1]
]

if __name__ == "__main__":
    make("activation_runs", EXPERIMENTS, JUDGED, arguments=sys.argv[1:])

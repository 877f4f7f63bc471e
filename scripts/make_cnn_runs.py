"""Train the networks of lesson 03b on digits, shuffle their pixels, shift them, add a layer: data/cnn_runs.csv.

Run `.venv/bin/python scripts/make_cnn_runs.py`. Networks, training and the share of a slope are those of the lesson's
cells; validation images judge. Each seed shuffles in another way, the same for training and validation images.
"""

import sys

from helpers.datasets import load_dataset
from helpers.datasets.measured import make
from helpers.engine import keras
from helpers.training import set_seed

import numpy as np
from keras import layers
from make_dial_runs import network

EPOCHS, BATCH, RATE = 8, 64, 0.003
SHIFTS = range(1, 7)
"""In pixels, each in four directions. The digits have a black border of four."""
NETWORKS = ("dense", "CNN, Flatten", "CNN, mean of each map")


def build(network: str):
    """Return a network of lesson 03b: 93,025, 93,322 and 56,394 weights."""
    if network == "dense":
        head = [layers.Flatten(), layers.Dense(117, activation="relu"), layers.Dropout(0.5)]
        return keras.Sequential([keras.Input((28, 28, 1)), *head, layers.Dense(10, activation="softmax")])
    stack = [layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D()]
    stack += [layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Conv2D(64, 3, activation="relu")]
    if network == "CNN, Flatten":
        stack += [layers.Flatten(), layers.Dropout(0.5), layers.Dense(64, activation="relu")]
    else:
        stack += [layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((28, 28, 1)), *stack, layers.Dense(10, activation="softmax")])


def compiled(model, images: int):
    """Return a network ready to learn from so many images, by Adam with a rate that falls to 0."""
    falling = keras.optimizers.schedules.CosineDecay(RATE, EPOCHS * -(-images // BATCH))
    model.compile(keras.optimizers.Adam(falling), "sparse_categorical_crossentropy")
    return model


def shuffled(images, order) -> np.ndarray:
    """Return images whose pixels stand in another order, the same for all of them; None keeps the order."""
    return images if order is None else images.reshape(len(images), -1)[:, order].reshape(images.shape)


def shifted(images, by: int) -> list[np.ndarray]:
    """Return the images moved up, down, left and right; what comes in is black."""
    wide = np.pad(images, ((0, 0), (by, by), (by, by), (0, 0)))
    height, width = images.shape[1:3]
    starts = ((2 * by, by), (0, by), (by, 2 * by), (by, 0))
    return [wide[:, top : top + height, left : left + width] for top, left in starts]


def slope_share(model) -> float:
    """Return which share of the kernels of the first layer is a plain slope, in any direction; chance gives 2 of 9."""
    kernels = next(layer for layer in model.layers if hasattr(layer, "kernel")).kernel.numpy()[:, :, 0, :]
    y, x = np.mgrid[-1:2, -1:2] / np.sqrt(6)
    along = [(kernels * part[:, :, None]).sum(axis=(0, 1)) for part in (y, x)]
    return float(((along[0] ** 2 + along[1] ** 2) / (kernels**2).sum(axis=(0, 1))).mean())


def right(model, images, labels) -> float:
    """Return the share of right answers."""
    return float(np.mean(model.predict(images, batch_size=500, verbose=0).argmax(axis=1) == labels))


def pixels(seed: int) -> dict:
    """R03a, R03b: three networks on digits in order and shuffled; shifted digits; slopes before and after."""
    digits, found = load_dataset("digits"), {}
    y, y_new = digits.train.labels, digits.validation.labels
    order = np.random.default_rng(seed).permutation(28 * 28)
    for name in NETWORKS:
        for state in ("in order", "shuffled"):
            case = f"{name}, {state}"
            x, x_new = (
                shuffled(part.images.astype("float32") / 255, order if state == "shuffled" else None)
                for part in (digits.train, digits.validation)
            )
            set_seed(seed)
            model = compiled(build(name), len(x))
            if case == "CNN, Flatten, in order":
                found["untrained", "share of a slope"] = slope_share(model)
            for done, epochs in ((0, 1), (1, EPOCHS)):
                model.fit(x, y, batch_size=BATCH, epochs=epochs, initial_epoch=done, verbose=0)
                found[case, "training accuracy", epochs] = right(model, x, y)
                found[case, "accuracy", epochs] = right(model, x_new, y_new)
            if case == "CNN, Flatten, in order":
                found["trained", "share of a slope"] = slope_share(model)
            if state == "in order":
                for by in SHIFTS:
                    moved = np.mean([right(model, images, y_new) for images in shifted(x_new, by)])
                    found[case, "accuracy, shifted", by] = moved
    return found


def deeper(seed: int) -> dict:
    """Return what one more convolution does to the pooled network of exercise 1, lesson 03, which it makes smaller."""
    digits, found = load_dataset("digits"), {}
    parts = {"training accuracy": digits.train, "accuracy": digits.validation}
    for case, more in (("two convolutions", 0), ("three convolutions", 1)):
        set_seed(seed)
        model = compiled(network((28, 28, 1), 10, 2 + more, activation="softmax"), len(digits.train.labels))
        x, y = digits.train.images.astype("float32") / 255, digits.train.labels
        model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
        found[case, "parameters", EPOCHS] = model.count_params()
        for name, part in parts.items():
            found[case, name, EPOCHS] = right(model, part.images.astype("float32") / 255, part.labels)
    return found


EXPERIMENTS = {"pixels": pixels, "deeper": deeper}
JUDGED = [
    *(("pixels", "accuracy", "CNN, Flatten, in order", "dense, in order", at) for at in (1, EPOCHS)),
    ("pixels", "accuracy", "CNN, Flatten, shuffled", "dense, shuffled", EPOCHS),
    *(("pixels", "accuracy", f"{name}, shuffled", f"{name}, in order", EPOCHS) for name in NETWORKS),
    ("pixels", "accuracy", "CNN, mean of each map, in order", "CNN, Flatten, in order", EPOCHS),
    ("pixels", "share of a slope", "trained", "untrained"),
    *(("pixels", "accuracy, shifted", "CNN, Flatten, in order", "dense, in order", by) for by in (2, 4, 6)),
    *(
        ("pixels", "accuracy, shifted", "CNN, mean of each map, in order", "CNN, Flatten, in order", by)
        for by in (2, 4, 6)
    ),
    ("deeper", "accuracy", "three convolutions", "two convolutions", EPOCHS),
]

if __name__ == "__main__":
    make("cnn_runs", EXPERIMENTS, JUDGED, seeds=range(10), arguments=sys.argv[1:])

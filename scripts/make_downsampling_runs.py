"""Bench of downsampling: strides, poolings or neither, under two heads, on digits: data/downsampling_runs.csv.

Run `.venv/bin/python scripts/make_downsampling_runs.py`. All ways get the same images in the same order, and the same
training; seconds are for comparison within one seed only.
"""

import sys
from time import process_time

from helpers.datasets import load_dataset
from helpers.datasets.measured import make
from helpers.engine import keras
from helpers.training import set_seed

import numpy as np
from keras import layers

EPOCHS, BATCH, RATE = 8, 64, 0.003
WAYS = {  # stride of the convolution, layer after it
    "none": (1, None),
    "stride 2": (2, None),
    "stride 4": (4, None),
    "max 2": (1, lambda: layers.MaxPooling2D(2, padding="same")),
    "max 3": (1, lambda: layers.MaxPooling2D(3, padding="same")),
    "max 4": (1, lambda: layers.MaxPooling2D(4, padding="same")),
    "mean 2": (1, lambda: layers.AveragePooling2D(2, padding="same")),
}
HEADS = {"Flatten": layers.Flatten, "mean of each map": layers.GlobalAveragePooling2D}


def build(way: str, head: str):
    """Return three convolutions, of which the first two are made smaller in this way, and one dense layer."""
    stride, pooling = WAYS[way]
    stack = [keras.Input((28, 28, 1))]
    for filters in (32, 64):
        stack.append(layers.Conv2D(filters, 3, strides=stride, padding="same", activation="relu"))
        stack += [pooling()] if pooling else []
    stack += [layers.Conv2D(64, 3, padding="same", activation="relu"), HEADS[head]()]
    return keras.Sequential([*stack, layers.Dense(10, activation="softmax")])


def multiply_adds(model) -> int:
    """Return the multiply-adds for one image: weights of each kernel × places of its output."""
    kernels = [layer for layer in model.layers if hasattr(layer, "kernel")]
    return sum(int(np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:-1])) for layer in kernels)


def bench(seed: int, head: str) -> dict:
    """Return what seven ways under one head come to, and what they cost."""
    digits, found = load_dataset("digits"), {}
    pairs = {
        "training accuracy": (digits.train.images.astype("float32") / 255, digits.train.labels),
        "accuracy": (digits.validation.images.astype("float32") / 255, digits.validation.labels),
    }
    x, y = pairs["training accuracy"]
    for way in WAYS:
        set_seed(seed)
        model = build(way, head)
        falling = keras.optimizers.schedules.CosineDecay(RATE, EPOCHS * -(-len(x) // BATCH))
        model.compile(keras.optimizers.Adam(falling), "sparse_categorical_crossentropy", metrics=["accuracy"])
        start = process_time()
        model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
        found[way, "processor seconds"] = round(process_time() - start, 1)
        found[way, "parameters"], found[way, "multiply-adds"] = model.count_params(), multiply_adds(model)
        for name, pair in pairs.items():
            found[way, name] = model.evaluate(*pair, batch_size=500, verbose=0)[1]
        found[way, "gap"] = found[way, "training accuracy"] - found[way, "accuracy"]
    return found


def heads(seed: int) -> dict:
    """Return both heads in one experiment: the cases are named "max 2, Flatten" and so on."""
    return {(f"{way}, {head}", what): value for head in HEADS for (way, what), value in bench(seed, head).items()}


EXPERIMENTS = {"bench": heads}
JUDGED = [
    *(("bench", "accuracy", f"{way}, {head}", f"max 2, {head}") for head in HEADS for way in WAYS if way != "max 2"),
    *(("bench", "accuracy", f"{way}, mean of each map", f"{way}, Flatten") for way in WAYS),
    *(("bench", "gap", f"none, {head}", f"max 2, {head}") for head in HEADS),
]

if __name__ == "__main__":
    make("downsampling_runs", EXPERIMENTS, JUDGED, arguments=sys.argv[1:])

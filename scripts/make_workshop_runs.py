"""Train the networks of a workshop on 5,000 photographs of CIFAR-10, five times each: data/workshop_runs.csv.

Run `.venv/bin/python scripts/make_workshop_runs.py cifar10`; instead of cifar10 it can be a folder with the same
images. Options, such as ``--seeds``, follow. Networks, optimizer and epochs are the workshop's; all get the same images
in the same order.
"""

import sys
from pathlib import Path

from helpers.datasets import load_dataset
from helpers.datasets.folders import load_folder
from helpers.datasets.measured import make
from helpers.engine import keras
from helpers.training import set_seed

from keras import layers

EPOCHS, BATCH, PHOTOGRAPHS = 20, 32, 5_000
SOURCE = "cifar10"
NETWORKS = {
    "47,370 weights": {},
    "47,370 weights, dropout": {"dropout": 0.2},
    "36,138 weights": {"convolutions": 3},
    "36,138 weights, dropout": {"convolutions": 3, "dropout": 0.2},
}


def build(convolutions: int = 2, dropout: float = 0.0):
    """Return a network of 3 × 3 convolutions with 32 kernels each, with pooling behind the first two."""
    stack = [keras.Input((32, 32, 3))]
    for place in range(convolutions):
        stack += [layers.Conv2D(32, 3, activation="relu"), *[layers.MaxPooling2D()] * (place < 2)]
    head = [layers.Flatten(), layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax")]
    return keras.Sequential([*stack, *[layers.Dropout(dropout)] * (dropout > 0), *head])


def train_all(seed: int) -> dict:
    """Return validation loss and accuracy after each epoch (``at``), and training accuracy after the last one."""
    dataset, found = load_folder(SOURCE, size=32) if Path(SOURCE).is_dir() else load_dataset(SOURCE), {}
    x, x_new = (part.images.astype("float32") / 255 for part in (dataset.train, dataset.validation))
    x, y, y_new = x[:PHOTOGRAPHS], dataset.train.labels[:PHOTOGRAPHS], dataset.validation.labels
    for case, options in NETWORKS.items():
        set_seed(seed)
        model = build(**options)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, BATCH, EPOCHS, verbose=0, validation_data=(x_new, y_new)).history
        for name, measure in {"val_accuracy": "accuracy", "val_loss": "loss"}.items():
            found |= {(case, measure, epoch): value for epoch, value in enumerate(history[name], 1)}
        found[case, "training accuracy", EPOCHS] = model.evaluate(x, y, batch_size=500, verbose=0)[1]
        found[case, "parameters", EPOCHS] = model.count_params()
    return found


EXPERIMENTS = {"photographs": train_all}
PAIRS = [
    ("47,370 weights, dropout", "47,370 weights"),
    ("36,138 weights, dropout", "36,138 weights"),
    ("36,138 weights", "47,370 weights"),
]
JUDGED = [("photographs", measure, *pair, EPOCHS) for measure in ("accuracy", "loss") for pair in PAIRS]

if __name__ == "__main__":
    SOURCE, *options = sys.argv[1:] or [SOURCE]
    make("workshop_runs", EXPERIMENTS, JUDGED, arguments=options)

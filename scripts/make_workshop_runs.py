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
from helpers.training import set_seed

from make_dial_runs import network

EPOCHS, BATCH, PHOTOGRAPHS = 20, 32, 5_000
SOURCE = "cifar10"
NETWORKS = {
    "47,370 weights": {},
    "47,370 weights, dropout": {"dropout": 0.2},
    "36,138 weights": {"convolutions": 3},
    "36,138 weights, dropout": {"convolutions": 3, "dropout": 0.2},
}


def train_all(seed: int) -> dict:
    """Return validation loss and accuracy after each epoch (``at``), and training accuracy after the last one."""
    dataset, found = load_folder(SOURCE, size=32) if Path(SOURCE).is_dir() else load_dataset(SOURCE), {}
    x, x_new = (part.images.astype("float32") / 255 for part in (dataset.train, dataset.validation))
    x, y, y_new = x[:PHOTOGRAPHS], dataset.train.labels[:PHOTOGRAPHS], dataset.validation.labels
    for case, options in NETWORKS.items():
        set_seed(seed)
        model = network((32, 32, 3), 10, activation="softmax", **options)
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

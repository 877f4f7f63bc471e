"""Train the network of lesson 10 from other starts and by other rules, five times each: data/step_runs.csv.

Run `.venv/bin/python scripts/make_step_runs.py`; it takes about half an hour on two cores. What is there already is
kept, so that an interrupted run goes on where it was: remove the file to start anew.
"""

from pathlib import Path

from helpers.datasets import load_dataset
from helpers.engine import tf
from helpers.files import written_whole
from helpers.raw_tensorflow import UPDATE_RULES, accuracy, loss_and_gradients, new_weights, weight_shapes
from helpers.training import set_seed

import numpy as np
import pandas as pd

TARGET = Path(__file__).resolve().parent.parent / "data" / "step_runs.csv"
SEEDS = range(5)
EPOCHS = 3
BATCH = 32
DROPOUT = 0.25

STARTS = {"deviation 1": {"deviation": 1.0}, "He × 0.1": {"scale": 0.1}, "He": {}, "He × 10": {"scale": 10.0}}
SETTINGS = {  # name: rule, arguments of `new_weights`, rates
    **{name: ("SGD", options, (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 0.3, 1.0)) for name, options in STARTS.items()},
    "momentum": ("momentum", {}, (1e-3, 1e-2, 1e-1)),
    "RMSprop": ("RMSprop", {}, (1e-4, 1e-3, 1e-2)),
    "Adam": ("Adam", {}, (1e-4, 1e-3, 1e-2)),
}


def run(setting: str, rate: float, seed: int, dataset) -> list[dict]:
    """Train one network; return a row for each epoch. All settings get the same images in the same order."""
    rule, options, _ = SETTINGS[setting]
    set_seed(seed)
    x, x_validation = (split.images.astype("float32") / 255 for split in (dataset.train, dataset.validation))
    y = dataset.train.labels
    weights = new_weights(weight_shapes(dataset.image_shape, len(dataset.class_names)), seed, **options)
    memories = {name: {} for name in weights}
    compute = tf.function(lambda images, labels: loss_and_gradients(images, labels, weights, DROPOUT))
    order, rows, first = np.random.default_rng(seed), [], None
    for epoch in range(1, EPOCHS + 1):
        for batch in np.split(order.permutation(len(x))[: len(x) // BATCH * BATCH], len(x) // BATCH):
            loss, gradients = compute(tf.constant(x[batch]), tf.constant(y[batch]))
            first = float(loss) if first is None else first
            for name, variable in weights.items():
                variable.assign_add(UPDATE_RULES[rule](gradients[name], memories[name], rate))
        share = accuracy(x_validation, dataset.validation.labels, weights)
        rows.append(
            {"setting": setting, "rate": rate, "seed": seed, "epoch": epoch}
            | {"first_loss": float(f"{first:.5g}"), "val_accuracy": round(share, 4)}
        )
    return rows


if __name__ == "__main__":
    digits = load_dataset("digits")
    done = pd.read_csv(TARGET) if TARGET.exists() else pd.DataFrame(columns=["setting", "rate", "seed"])
    for seed in SEEDS:
        for setting, rate in ((name, rate) for name, (*_, rates) in SETTINGS.items() for rate in rates):
            here = (done["setting"] == setting) & np.isclose(done["rate"].astype(float), rate) & (done["seed"] == seed)
            if not here.any():
                rows = pd.DataFrame(run(setting, rate, seed, digits))
                done = pd.concat([done, rows]) if len(done) else rows
                with written_whole(TARGET) as partial:
                    done.to_csv(partial, index=False)
                print(*rows.iloc[-1], flush=True)

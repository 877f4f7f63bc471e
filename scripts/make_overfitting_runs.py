"""Train the networks of lesson 04 five times each and store their curves: data/overfitting_runs.csv.

Run `.venv/bin/python scripts/make_overfitting_runs.py`; it takes about a quarter of an hour on two cores. What is there
already is kept, so that an interrupted run goes on where it was: remove the file to start anew.
"""

from pathlib import Path

from helpers.datasets import load_dataset
from helpers.files import written_whole
from helpers.training import history_frame, set_seed

import keras
import pandas as pd
from keras import layers

TARGET = Path(__file__).resolve().parent.parent / "data" / "overfitting_runs.csv"
SEEDS = range(5)
EPOCHS = 14
RATES = [round(0.1 * step, 1) for step in range(10)]


def network(rate=0.0, l2=0.0, normalize=False, pooled=False) -> keras.Sequential:
    """Return the network of lesson 04 with its remedies, for images of 32 × 32 × 3."""
    penalty = {"kernel_regularizer": keras.regularizers.L2(l2)} if l2 else {}
    parts = [keras.Input((32, 32, 3))]
    for filters in (16, 32, 64):
        parts += [layers.Conv2D(filters, 3, padding="same", activation=None if normalize else "relu", **penalty)]
        parts += [layers.BatchNormalization(momentum=0.9), layers.ReLU()] if normalize else []
        parts += [layers.MaxPooling2D()]
    if pooled:
        parts += [layers.GlobalMaxPooling2D()]
    else:
        parts += [layers.Flatten()]
        parts += [layers.Dropout(rate)] if rate else []
        parts += [layers.Dense(256, activation="relu", **penalty)]
        parts += [layers.Dropout(rate)] if rate else []
    return keras.Sequential([*parts, layers.Dense(10, activation="softmax")])


VARIANTS = {  # name of the remedy: arguments of `network`, number of training images, epochs
    **{f"dropout {rate}": ({"rate": rate}, 1000, EPOCHS) for rate in RATES},
    "L2": ({"l2": 0.001}, 1000, EPOCHS),
    "batch normalization": ({"normalize": True}, 1000, EPOCHS),
    "fewer weights": ({"pooled": True}, 1000, EPOCHS),
    "more data": ({}, 3000, EPOCHS // 3),
}


def run(variant: str, seed: int) -> pd.DataFrame:
    """Train one network; return its history with columns for variant and seed in front.

    ``accuracy`` and ``loss`` are what Keras reports: means over an epoch, with dropout at work. ``training_accuracy``
    is measured after the epoch, without dropout, as ``val_accuracy`` is.
    """
    options, number, epochs = VARIANTS[variant]
    dataset = load_dataset("critters")
    x, x_validation = (
        split.images.reshape(-1, 32, 2, 32, 2, 3).mean(axis=(2, 4), dtype="float32") / 127.5 - 1
        for split in (dataset.train, dataset.validation)
    )
    set_seed(seed)
    model = network(**options)
    optimizer = keras.optimizers.Adam(0.002)
    crossentropy = keras.metrics.SparseCategoricalCrossentropy(name="crossentropy")  # the loss without L2
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy", crossentropy])
    y, y_validation = dataset.train.labels[:number], dataset.validation.labels
    after_epoch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(
            {
                f"{part}_{name}": value
                for part, pair in (("training", (x[:number], y)), ("val", (x_validation, y_validation)))
                for name, value in model.evaluate(*pair, batch_size=500, verbose=0, return_dict=True).items()
                if name != "loss"
            }
        )
    )
    history = model.fit(x[:number], y, batch_size=32, epochs=epochs, verbose=0, callbacks=[after_epoch])
    frame = history_frame(history).round(4).reset_index()
    frame.insert(0, "variant", variant)
    frame.insert(1, "seed", seed)
    return frame


if __name__ == "__main__":
    done = pd.read_csv(TARGET) if TARGET.exists() else pd.DataFrame(columns=["variant", "seed"])
    for seed in SEEDS:
        for variant in VARIANTS:
            if not ((done["variant"] == variant) & (done["seed"] == seed)).any():
                frame = run(variant, seed)
                done = pd.concat([done, frame]) if len(done) else frame
                with written_whole(TARGET) as partial:
                    done.to_csv(partial, index=False)
                last = frame.iloc[-1]
                print(f"{variant}, seed {seed}: {last['accuracy']:.3f} {last['val_accuracy']:.3f}", flush=True)

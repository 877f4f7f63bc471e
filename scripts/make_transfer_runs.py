"""Train the networks of lesson 08, each way three times for each number of images: data/transfer_runs.csv.

Three of them are trained once more, with 20 images of each class, and validated after each epoch:
data/transfer_curves.csv. Run `.venv/bin/python scripts/make_transfer_runs.py`; it takes 15 to 50 minutes on two cores.
What is there already is kept, so that an interrupted run goes on where it was: remove a file to make it anew.
"""

from pathlib import Path
from time import perf_counter

from helpers.datasets import load_dataset
from helpers.files import written_whole
from helpers.models import load_model
from helpers.training import history_frame, set_seed

import keras
import numpy as np
import pandas as pd
from keras import layers

DATA = Path(__file__).resolve().parent.parent / "data"
RUNS, CURVES = DATA / "transfer_runs.csv", DATA / "transfer_curves.csv"
CUT = "conv4_relu"
SEEDS = range(3)
EPOCHS = {  # way: images of each class: epochs
    "features once": {10: 40, 20: 40, 50: 40},
    "frozen base": {10: 25, 20: 15, 50: 10},
    "top block": {10: 25, 20: 15, 50: 10},
    "all convolutions": {10: 25, 20: 15, 50: 8},
    "from scratch": {10: 60, 20: 40, 50: 16},
}
RATES = {
    "features once": 0.01,
    "frozen base": 0.01,
    "top block": 0.001,
    "all convolutions": 0.001,
    "from scratch": 0.003,
}
TRAINED = {"top block": "conv4", "all convolutions": "conv"}
"""How the names of the convolutions begin that are trained on; batch normalization never is."""
CURVES_OF, VALIDATION = ("top block", "all convolutions", "from scratch"), 300
"""The ways whose learning curves are kept, and how many images they are validated with."""


def head(channels: int) -> keras.Sequential:
    """Return the untrained last layers: features scaled, some of them dropped, ten probabilities."""
    return keras.Sequential(
        [
            keras.Input((channels,)),
            layers.BatchNormalization(momentum=0.9),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )


def body(pretrained: bool) -> keras.Model:
    """Return the photos network up to `CUT`, with its weights or new ones."""
    photos = load_model("photos")
    if not pretrained:
        photos = keras.models.clone_model(photos)
        for layer in photos.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = 0.9  # it has only some hundred steps to measure means and variances
    return keras.Model(photos.inputs[0], photos.get_layer(CUT).output, name="body")


def join(base: keras.Model, top: keras.Model) -> keras.Model:
    """Return augmentation, base, maximum and head in one."""
    inputs = keras.Input((64, 64, 3))
    x = layers.RandomFlip("horizontal")(inputs)
    x = layers.RandomTranslation(1 / 8, 1 / 8, fill_mode="reflect")(x)
    return keras.Model(inputs, top(layers.GlobalMaxPooling2D()(base(x))))


def fit(model, images, labels, epochs: int, rate: float, validation=None) -> tuple[pd.DataFrame, float]:
    """Train with a learning rate that falls to 0; return the history and the seconds."""
    schedule = keras.optimizers.schedules.CosineDecay(rate, epochs * -(-len(images) // 32))
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"])
    start = perf_counter()
    history = model.fit(images, labels, batch_size=32, epochs=epochs, validation_data=validation, verbose=0)
    return history_frame(history), perf_counter() - start


def features(base: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the largest value of each channel, (N, channels)."""
    return base.predict(images, batch_size=64, verbose=0).max(axis=(1, 2))


def run(way: str, number: int, seed: int, validate: bool = False) -> tuple[dict, pd.DataFrame]:
    """Train on ``number`` critters of each class; return what became of it, and the history of the last training."""
    dataset = load_dataset("critters")
    order = np.random.default_rng(seed)
    chosen = [order.permutation(np.flatnonzero(dataset.train.labels == label))[:number] for label in range(10)]
    images, labels = (array[np.concatenate(chosen)] for array in dataset.train)
    set_seed(seed)
    base = body(pretrained=way != "from scratch")
    top = head(base.output.shape[-1])
    seconds = 0.0
    if way in ("features once", *TRAINED):  # the others begin with a new head
        start = perf_counter()
        found = features(base, images)
        seconds = perf_counter() - start
        history, fitted = fit(top, found, labels, EPOCHS["features once"][number], RATES["features once"])
        seconds += fitted
    if way == "features once":
        trained = top
        judge = lambda images, labels: top.evaluate(features(base, images), labels, verbose=0)[1]  # noqa: E731
    else:
        for layer in base.layers:
            layer.trainable = way == "from scratch" or (
                layer.name.startswith(TRAINED.get(way, "none")) and not isinstance(layer, layers.BatchNormalization)
            )
        trained = join(base, top)
        validation = tuple(array[:VALIDATION] for array in dataset.validation) if validate else None
        history, fitted = fit(trained, images, labels, EPOCHS[way][number], RATES[way], validation)
        seconds += fitted
        judge = lambda images, labels: trained.evaluate(images, labels, batch_size=64, verbose=0)[1]  # noqa: E731
    row = {
        "way": way,
        "images_per_class": number,
        "seed": seed,
        "training_accuracy": round(judge(images, labels), 4),
        "test_accuracy": round(judge(*dataset.test), 4),
        "seconds": round(seconds, 1),
        "trained_parameters": sum(int(np.prod(weight.shape)) for weight in trained.trainable_weights),
    }
    return row, history


def make_runs() -> None:
    """Train all that is missing in `RUNS`."""
    done = pd.read_csv(RUNS).to_dict("records") if RUNS.exists() else []
    there = {(row["way"], row["images_per_class"], row["seed"]) for row in done}
    for number in (20, 10, 50):
        for seed in SEEDS:
            for way in EPOCHS:
                if (way, number, seed) not in there:
                    done.append(run(way, number, seed)[0])
                    with written_whole(RUNS) as partial:
                        pd.DataFrame(done).to_csv(partial, index=False)
                    print(done[-1], flush=True)


def make_curves() -> None:
    """Train the networks whose learning curves are kept in `CURVES`."""
    frames = []
    for way in CURVES_OF:
        _, history = run(way, 20, 0, validate=True)
        frames.append(history[["accuracy", "val_accuracy"]].round(4).reset_index().assign(way=way))
        print(frames[-1].to_string(), flush=True)
    with written_whole(CURVES) as partial:
        pd.concat(frames)[["way", "epoch", "accuracy", "val_accuracy"]].to_csv(partial, index=False)


if __name__ == "__main__":
    make_runs()
    if not CURVES.exists():
        make_curves()

"""Train the networks of data/models/ anew: `.venv/bin/python scripts/train_models.py digits critters`.

On two cores the digits take half a minute, the critters ten minutes, and the photos two and a half hours. For these
also name a file: `… photos --cifar10 cifar10.npz`, with the arrays x_train, y_train, x_test, y_test of
keras.datasets.cifar10. An interrupted training goes on after the last whole epoch: what that needs is in the folder
models/ of the cache (helpers/files.py); remove it to start anew.
"""

import argparse
import json
import zipfile
from pathlib import Path

from helpers.datasets import critters, load_dataset
from helpers.files import cache_folder, written_whole
from helpers.models import FOLDER
from helpers.training import set_seed

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers

# --- the recipe of the last two networks ---


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that grows in a straight line to ``peak`` in the first quarter of ``steps``, then falls to 0."""

    def __init__(self, peak: float, steps: int):
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        share = keras.ops.cast(step, "float32") / self.steps
        return self.peak * keras.ops.maximum(keras.ops.minimum(share / 0.25, (1 - share) / 0.75), 1e-4)


def batches(images: np.ndarray, labels: np.ndarray, augment: list, size: int) -> tf.data.Dataset:
    """Return shuffled batches of images (float32) and labels, changed at random by the layers ``augment``."""
    change = keras.Sequential(augment)
    pairs = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images)).batch(size, drop_remainder=True)
    return pairs.map(lambda x, y: (change(tf.cast(x, "float32"), training=True), y)).prefetch(4)


def light() -> list:
    """Return layers for augmentation: mirror images, and shifts by up to an eighth of the width."""
    shift = layers.RandomTranslation(1 / 8, 1 / 8, fill_mode="reflect", interpolation="nearest")
    return [layers.RandomFlip("horizontal"), shift]


def fit(model, training, validation, epochs: int, name: str, callbacks=()) -> pd.DataFrame:
    """Train a compiled model, from where it was interrupted; return its learning curves, a row per epoch from 1 on.

    ``name`` is that of the folder for what is needed to go on. ``callbacks`` come before those that save it.
    """
    state = cache_folder() / "models" / name
    state.mkdir(parents=True, exist_ok=True)
    callbacks = [
        *callbacks,
        keras.callbacks.BackupAndRestore(state / "backup", delete_checkpoint=False),
        keras.callbacks.CSVLogger(state / "history.csv", append=True),
    ]
    model.fit(training, epochs=epochs, shuffle=False, validation_data=validation, callbacks=callbacks, verbose=2)
    history = pd.read_csv(state / "history.csv").drop_duplicates("epoch", keep="last")  # if a header was written twice
    return history.set_index(pd.RangeIndex(1, epochs + 1, name="epoch")).drop(columns="epoch")


# --- the networks ---


def digits(_) -> tuple:
    """The CNN of lesson 03b with its training: 4,000 images, 8 epochs."""
    dataset = load_dataset("digits")
    x, y = (np.concatenate(parts) for parts in zip(dataset.train, dataset.validation, strict=True))
    set_seed(0)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(64, 3, activation="relu", name="conv2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Conv2D(64, 3, activation="relu", name="conv3"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(64, activation="relu", name="dense"),
            layers.Dense(10, activation="softmax", name="classes"),
        ],
        name="digits",
    )
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.003, 8 * 63))
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=64, epochs=8, verbose=2)
    frame = pd.DataFrame(history.history, index=pd.RangeIndex(1, 9, name="epoch"))
    return model, frame, dataset.test.images, dataset.test.labels


def critters_network() -> keras.Model:
    """Return the untrained network: five convolutions, three poolings, a mean and a dense layer."""
    inputs = keras.Input((None, None, 3), name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for number, (filters, size) in enumerate([(16, 5), (32, 3), (64, 3), (128, 3), (128, 3)], start=1):
        start = keras.initializers.RandomNormal(stddev=0.01) if number == 1 else "glorot_uniform"  # see the card
        x = layers.Conv2D(
            filters, size, padding="same", activation="relu", kernel_initializer=start, name=f"conv{number}"
        )(x)
        if number <= 3:
            x = layers.MaxPooling2D(name=f"pool{number}")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax", name="classes")(x), name="critters")


def train_critters(_) -> tuple:
    """20,000 critters on the backgrounds of the training part, 8 epochs."""
    number, epochs, dataset = 20_000, 8, load_dataset("critters")
    images = np.stack([critters.critter("train", index, seed=2).image for index in range(number)])
    set_seed(0)
    model = critters_network()
    training = batches(images, critters.labels(number), light(), 64)
    optimizer = keras.optimizers.AdamW(OneCycle(0.002, epochs * len(training)), weight_decay=0.01)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = fit(model, training, tuple(dataset.validation), epochs, "critters")
    return model, history, dataset.test.images, dataset.test.labels


def photos_network() -> keras.Model:
    """Return the untrained network: convolutions with residual connections, then a mean and a dense layer."""

    def convolution(x, filters, name):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
        return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_norm")(x))

    inputs = keras.Input((None, None, 3), name="pixels")
    x = layers.Rescaling(1 / 64, offset=-1.9)(inputs)  # pixels from 0 to 255: mean about 0, deviation about 1
    x = convolution(x, 24, "conv1")
    for block, filters in enumerate((48, 96, 160), start=2):
        x = layers.MaxPooling2D(name=f"pool{block}")(convolution(x, filters, f"conv{block}"))
        branch = convolution(convolution(x, filters, f"conv{block}a"), filters, f"conv{block}b")
        x = layers.add([x, branch], name=f"add{block}")
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax", name="classes")(x), name="photos")


ROUNDS = (24, 0.15, True, False), (14, 0.08, False, False), (14, 0.03, True, True)
"""For each round of the photos: epochs, highest learning rate, whether holes are made, whether weights are averaged."""


def settle(model: keras.Model, images: np.ndarray) -> None:
    """Let batch normalization measure its means and variances again, with the weights and images as they are now."""
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    usual = norms[0].momentum
    for layer in norms:
        layer.momentum = 0.95
    for start in range(0, len(images), 256):
        model(images[start : start + 256].astype("float32"), training=True)
    for layer in norms:
        layer.momentum = usual


def train_photos(cifar10) -> tuple:
    """49,000 photographs of CIFAR-10, in three `ROUNDS`; the last 1,000 training images are for validation."""
    with np.load(cifar10) as file:
        x, y, x_test, y_test = (file[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    labels, histories = keras.utils.to_categorical(y, 10), []
    set_seed(0)
    model = photos_network()
    hole = layers.RandomErasing(scale=(1 / 16, 1 / 16), fill_value=120)  # in half of the images, 8 × 8 pixels
    for number, (epochs, peak, holes, averaged) in enumerate(ROUNDS, start=1):
        weights, model = model.get_weights(), photos_network()  # a restored model remembers the epoch of its backup
        model.set_weights(weights)
        training = batches(x[:-1000], labels[:-1000], [*light(), hole] if holes else light(), 128)
        rate = peak if averaged else OneCycle(peak, epochs * len(training))
        average = {"use_ema": averaged, "ema_momentum": 0.9995}  # over about 2,000 steps, 5 epochs
        model.compile(
            keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=4e-3, **average),
            keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
            metrics=["accuracy"],
        )
        more = [keras.callbacks.SwapEMAWeights()] if averaged else []  # validation is that of the average
        histories.append(fit(model, training, (x[-1000:], labels[-1000:]), epochs, f"photos-{number}", more))
    settle(model, x[:25_600])
    history = pd.concat(histories, ignore_index=True)
    history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
    return model, history, x_test, y_test.ravel()


TRAININGS = {"digits": digits, "critters": train_critters, "photos": train_photos}


NEWER = {
    **{"input_axes": None, "output_axes": None, "quantization_config": None},
    **{"renorm": False, "renorm_clipping": None, "renorm_momentum": 0.99},
}
"""Settings, and what they are by default, that Keras 3.12, the oldest for these lessons, does not know."""


def for_older_keras(path: Path) -> None:
    """Leave out of a saved network the settings that only a newer Keras knows. Raises ValueError if one has a value."""
    with zipfile.ZipFile(path) as file:
        parts = {info: file.read(info) for info in file.infolist()}

    def without(settings: dict) -> dict:
        if any(settings.get(name, value) != value for name, value in NEWER.items()):
            raise ValueError(f"This network has a setting that Keras 3.12 does not know: {settings}")
        return {name: value for name, value in settings.items() if name not in NEWER}

    with zipfile.ZipFile(path, "w") as file:
        for info, content in parts.items():
            if info.filename == "config.json":
                content = json.dumps(json.loads(content, object_hook=without))
            file.writestr(info, content)


def keep(model, history: pd.DataFrame, name: str) -> None:
    """Write a network, without the state of its optimizer, and its learning curves to data/models/."""
    bare = type(model).from_config(model.get_config())
    bare.set_weights(model.get_weights())
    with written_whole(FOLDER / f"{name}.keras") as partial:
        bare.save(partial)
        for_older_keras(partial)
    with written_whole(FOLDER / f"{name}.csv") as partial:
        history[[column for column in history if column != "learning_rate"]].round(4).to_csv(partial)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=TRAININGS)
    parser.add_argument("--cifar10", help="the .npz file with CIFAR-10")
    options = parser.parse_args()
    if "photos" in options.names and not options.cifar10:
        parser.error("photos needs --cifar10 FILE")
    for name in options.names:
        model, history, x_test, y_test = TRAININGS[name](options.cifar10)
        keep(model, history, name)
        accuracy = np.mean(model.predict(x_test, batch_size=500, verbose=0).argmax(axis=1) == y_test)
        size = (FOLDER / f"{name}.keras").stat().st_size / 1e6
        print(f"{name}: {model.count_params():,} parameters, {size:.2f} MB, test accuracy {accuracy:.4f}")

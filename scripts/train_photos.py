"""Train the network `photos` of data/models/ on CIFAR-10: about an hour and a half on two cores.

Run `.venv/bin/python scripts/train_photos.py cifar10.npz`, where the file holds the arrays x_train, y_train, x_test,
y_test of keras.datasets.cifar10. An interrupted training goes on after the last whole epoch: what it needs for that is
in the folder models/ of the cache (helpers/files.py); remove it to start anew.
"""

import sys

from helpers.files import cache_folder
from helpers.training import set_seed

import keras
import numpy as np
import tensorflow as tf
from keras import layers

EPOCHS, BATCH, PEAK = 24, 128, 0.15
STATE = cache_folder() / "models" / "photos"


def network() -> keras.Model:
    """Return the untrained network: convolutions alone, with residual connections, then a mean and a dense layer."""

    def convolution(x, filters):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    inputs = keras.Input((None, None, 3))  # any height and width
    x = layers.Rescaling(1 / 64, offset=-1.9)(inputs)  # pixels from 0 to 255: mean about 0, deviation about 1
    x = convolution(x, 24)
    for filters in (48, 96, 160):
        x = layers.MaxPooling2D()(convolution(x, filters))
        x = layers.add([x, convolution(convolution(x, filters), filters)])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x), name="photos")


def one_cycle(steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return a learning rate that grows in a straight line to PEAK in the first quarter, then falls to 0."""

    class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            share = keras.ops.cast(step, "float32") / steps
            return PEAK * keras.ops.maximum(keras.ops.minimum(share / 0.25, (1 - share) / 0.75), 1e-4)

    return OneCycle()


def batches(images: np.ndarray, labels: np.ndarray) -> tf.data.Dataset:
    """Return the training images: shuffled, mirrored, moved by up to 4 pixels, half of them with a hole."""
    augment = keras.Sequential(
        [
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(1 / 8, 1 / 8, fill_mode="reflect", interpolation="nearest"),
            layers.RandomErasing(scale=(1 / 16, 1 / 16), fill_value=120),
        ]
    )
    pairs = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images)).batch(BATCH, drop_remainder=True)
    return pairs.map(lambda x, y: (augment(tf.cast(x, "float32"), training=True), y)).prefetch(4)


def train(x: np.ndarray, y: np.ndarray) -> keras.Model:
    """Train the network, the last 1,000 images kept for validation; the curves go to STATE / "history.csv"."""
    set_seed(0)
    model = network()
    y = keras.utils.to_categorical(y, 10)
    training = batches(x[:-1000], y[:-1000])
    model.compile(
        keras.optimizers.SGD(one_cycle(EPOCHS * len(training)), momentum=0.9, nesterov=True, weight_decay=4e-3),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    callbacks = [
        keras.callbacks.BackupAndRestore(STATE / "backup", delete_checkpoint=False),
        keras.callbacks.CSVLogger(STATE / "history.csv", append=True),
    ]
    validation = x[-1000:].astype("float32"), y[-1000:]
    model.fit(training, epochs=EPOCHS, shuffle=False, validation_data=validation, callbacks=callbacks, verbose=2)
    return model


if __name__ == "__main__":
    with np.load(sys.argv[1]) as file:
        x_train, y_train, x_test, y_test = (file[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    STATE.mkdir(parents=True, exist_ok=True)
    model = train(x_train, y_train)
    model.save(STATE / "photos.keras", include_optimizer=False)
    model.compile(metrics=["accuracy"], loss="sparse_categorical_crossentropy")
    accuracy = model.evaluate(x_test.astype("float32"), y_test, batch_size=500, verbose=0)[1]
    print(f"{model.count_params():,} parameters, test accuracy {accuracy:.4f}")

"""Keras models that several tests use, and how to go through their layers."""

import keras
from keras import layers


def network(channels=3):
    """A small network for images of any size, with three classes; always with the same weights."""
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((None, None, channels)),
            layers.Rescaling(1 / 64, -2, name="scaled"),
            layers.Conv2D(5, 3, padding="same", activation="relu", name="conv"),
            layers.MaxPooling2D(name="pool"),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="last"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )


def all_layers(model):
    """Yield the layers of a model, and of the models in it."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)

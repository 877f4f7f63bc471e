"""A recipe of your own: copy this file, change it, and run `make trial RECIPE=my_copy.py` (lesson 11).

As it is, it is the small network of lesson 03, with the settings that many people begin with.
"""

import keras
from keras import layers

NAME = "small network"


def train(images, labels, classes, seed, callbacks):
    """Return a network that takes uint8 images (N, H, W, C) and returns a score for each class.

    You get the training images only. The clock runs until you return; it looks at validation images through
    ``callbacks``, so hand them on to ``fit``.
    """
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(classes),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss, metrics=["accuracy"])
    model.fit(images, labels, batch_size=64, epochs=5, verbose=0, callbacks=callbacks)
    return model

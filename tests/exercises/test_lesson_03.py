"""The exercises of lesson 03, building a CNN: right answers, typical mistakes with their messages."""

import types

from helpers.engine import keras, tf
from helpers.exercises import load_checks

import numpy as np
import pytest
from exercise_tools import Answers, dressed, letters, one_wrong
from keras import layers


def network(*middle, shape=(48, 48, 3), classes=7, last="softmax"):
    """Return a model of Keras, not trained: these layers, then the mean of each map, and a dense layer."""
    head = [layers.GlobalAveragePooling2D(), layers.Dense(classes, activation=last)]
    return keras.Sequential([keras.Input(shape), *middle, *head])


def conv(filters=8, size=3, activation="relu"):
    return layers.Conv2D(filters, size, activation=activation)


def functional():
    """Return a network that branches, with an operation as its activation."""
    inputs = keras.Input((48, 48, 3))
    left, right = (layers.Conv2D(8, size, strides=2, padding="same")(inputs) for size in (3, 5))
    maps = keras.ops.relu(layers.Concatenate()([left, right]))
    return keras.Model(inputs, layers.Dense(7, activation="softmax")(layers.GlobalMaxPooling2D()(maps)))


class Subclassed(keras.Model):
    """Its activations are functions of TensorFlow, in `call`."""

    def __init__(self, activation=tf.nn.relu):
        super().__init__()
        self.first, self.second, self.head = conv(activation=None), conv(activation=None), layers.Dense(7)
        self.bend = activation

    def call(self, images):
        maps = self.bend(self.second(self.bend(self.first(images))))
        return tf.nn.softmax(self.head(tf.reduce_mean(maps, axis=(1, 2))))


class Block(layers.Layer):
    """A layer with a convolution in it."""

    def __init__(self):
        super().__init__()
        self.inside = conv()

    def call(self, maps):
        return self.inside(maps)


def by_operations(bend):
    """Return a functional network with operations for activations, as a part of another network."""
    inputs = keras.Input((48, 48, 3))
    maps = bend(conv(activation=None)(bend(conv(activation=None)(inputs))))
    head = layers.Dense(7, activation="softmax")
    inner = keras.Model(inputs, head(layers.GlobalMaxPooling2D()(maps)))
    return keras.Sequential([keras.Input((48, 48, 3)), inner])


def whole_numbers():
    """Return a network for images of whole numbers."""
    inputs = keras.Input((48, 48, 3), dtype="uint8")
    inner = network(conv(), conv())
    return keras.Model(inputs, inner(layers.Rescaling(1 / 255)(inputs)))


def two_outputs():
    inputs = keras.Input((48, 48, 3))
    maps = layers.GlobalMaxPooling2D()(conv()(conv()(inputs)))
    return keras.Model(inputs, [layers.Dense(7, activation="softmax")(maps), layers.Dense(1)(maps)])


def no_start():
    return layers.Dense(7, activation="softmax", kernel_initializer="zeros")


def without_activation(*head):
    return network(conv(activation=None), conv(activation=None), *head, last=None)


NAMES = ("weights", "bias", "kernels", "kernel_size", "stride", "learning_rate", "epochs")
CHOSEN = dict(zip(NAMES, "llhhhhh", strict=True))
FIELD = {"conv2": 13, "conv3": 25}
STUBS = {
    1: "?",
    2: {"conv": None, "height": None, "dense": None},
    3: dict.fromkeys(NAMES, "?"),
    4: ...,
    5: letters("????"),
    6: {"conv2": None, "conv3": None},
    7: letters("???"),
}


class MyConv(layers.Conv2D):
    """A layer of the learner's own, which is one of Keras."""


BENDS = [
    lambda maps: keras.ops.where(maps > 0, maps, 0.1 * maps),
    lambda maps: maps * keras.ops.cast(maps > 0, "float32"),
    lambda maps: maps * maps,
    keras.ops.sin,
    keras.ops.arctan,
    "soft_shrink",
]

RIGHT = {
    1: ["c", "C", "c."],
    2: [
        {"conv": 51264, "height": 10, "dense": 64010},
        {"conv": 800 * 64 + 64, "height": np.int64(10), "dense": 64010},
        {"conv": "51264", "height": "10", "dense": "64010"},
    ],
    3: [CHOSEN, {name: letter.upper() for name, letter in CHOSEN.items()}, {**CHOSEN, "bias": " (l)."}],
    4: [
        network(conv(16), layers.MaxPooling2D(), conv(32), layers.MaxPooling2D(), conv(32)),
        *(network(conv(16, activation=bend), conv(8, activation=bend)) for bend in BENDS),
        network(MyConv(16, 3, activation="relu"), MyConv(8, 3)),
        network(layers.SeparableConv2D(16, 3), conv(16, activation="tanh")),
        functional(),
        keras.Sequential([keras.Input((48, 48, 3)), network(conv(), conv(activation=None))]),
        keras.Sequential([conv(), conv(), layers.GlobalAveragePooling2D(), layers.Dense(7, activation="softmax")]),
        network(conv(activation=None), layers.LeakyReLU(), conv(activation=None)),
        network(conv(activation="mish"), conv(activation=lambda maps: tf.nn.relu(maps))),
        Subclassed(),
        network(Block(), Block()),
        by_operations(lambda maps: keras.ops.maximum(maps, 0)),
        by_operations(keras.ops.softsign),
        whole_numbers(),
    ],
    5: dressed("acba"),
    6: [FIELD, {"conv2": 13.0, "conv3": "25"}, {"conv2": 7 + 2 * 3, "conv3": np.int64(13 + 2 * 3 * 2)}],
    7: dressed("acc"),
}
WRONG = {
    1: [("a", "what the next layer gets"), ("b", "save just as many"), ("d", "Dense layer now gets fewer")],
    2: [
        ({"conv": 51200, "height": 10, "dense": 64010}, "biases"),
        ({"conv": 1664, "height": 10, "dense": 64010}, "as deep as its input"),
        ({"conv": 1600, "height": 10, "dense": 64010}, "as deep as its input, and has a bias"),
        ({"conv": 51201, "height": 10, "dense": 64010}, "not one for all"),
        ({"conv": 51264, "height": 10, "dense": 64001}, "10 units, not one for all"),
        ({"conv": 51264, "height": 10, "dense": 32010}, "not the 32 that came in"),
        ({"conv": 51264, "height": 14, "dense": 125450}, 'padding="same"'),
        ({"conv": 51264, "height": 10, "dense": 92170}, "as high as height says"),
        ({"conv": 53248, "height": 10, "dense": 64010}, "one bias for each kernel"),
        ({"conv": 51264, "height": 14, "dense": 64010}, 'padding="same"'),
        ({"conv": 51264, "height": 12, "dense": 64010}, "4 pixels"),
        ({"conv": 51264, "height": 9, "dense": 64010}, "14 − 5 + 1"),
        ({"conv": 51264, "height": 10, "dense": 64000}, "10 biases are missing"),
        ({"conv": 51264, "height": 10, "dense": 6410}, "10 × 10 × 64 numbers leave Flatten, and each goes to each of"),
        ({"conv": 51264, "height": 10, "dense": 6400}, "each goes to each of the 10 units"),
        ({"conv": 801, "height": 10, "dense": 64010}, "that is one kernel"),
        ({"conv": 10_304, "height": 10, "dense": 64010}, "5 × 5 values, not 5"),
        ({"conv": 51264, "height": 10, "dense": 1010}, "height × width × channels"),
        ({"conv": 51264, "height": 10, "dense": 650}, "long list"),
    ],
    3: [
        ({**CHOSEN, "weights": "h"}, "their values are learned"),
        ({**CHOSEN, "bias": "h"}, "a bias is a weight"),
        ({**CHOSEN, "kernels": "l"}, "what is *in* the kernels"),
        ({**CHOSEN, "kernel_size": "l"}, "the 9 numbers of a 3 × 3 kernel"),
        ({**CHOSEN, "stride": "l"}, "no number in a kernel says how far it moves"),
        ({**CHOSEN, "learning_rate": "l"}, "how long the steps of learning are"),
        ({**CHOSEN, "epochs": "l"}, "training cannot know when you want to end it"),
    ],
    4: [
        (network(conv()), "fewer than two Conv2D layers"),
        (network(conv(64), conv(64)), "it has 39,175 parameters; at most 20,000"),
        (network(conv(), conv(), classes=10), "for each image it must give 7 numbers"),
        (network(conv(), conv(), shape=(48, 48, 1)), "cannot take images of shape (48, 48, 3)"),
        (network(conv(), conv(), last=None), "are no probabilities"),
        (network(conv(), conv(), last="sigmoid"), "are no probabilities"),
        (network(conv(activation=None), layers.MaxPooling2D(), conv(activation=None)), "have no activation"),
        (keras.Sequential([conv(), conv(), layers.Dense(7, activation="softmax")]), "for each image it must give 7"),
        (keras.Sequential([without_activation(), layers.Activation("softmax")]), "have no activation"),
        (network(conv(activation=None), conv(activation=None), conv(7, 1, "softmax")), "have no activation"),
        (Subclassed(tf.identity), "have no activation"),
        (Subclassed(lambda maps: 0.5 * maps - 1), "have no activation"),
        (
            keras.Sequential([without_activation(), layers.ReLU(), layers.Dense(7, activation="softmax")]),
            "have no activation",
        ),
        (two_outputs(), "it has 2 outputs, and one is right"),
        (keras.Sequential([conv(), conv(), layers.Flatten(), no_start()]), "same number, whatever the image."),
    ],
    5: one_wrong(
        "acba",
        Ab="sums of sums are sums",
        Ac="so does one larger kernel",
        Ba="that comes back as it is",
        Bb="flat at both ends only",
        Ca="whether there are any",
        Cc="how much of it there is",
        Db="a maximum needs no weights",
        Dc="does not care how large the map is",
    ),
    6: [
        ({**FIELD, "conv2": 9}, "3 steps in the image"),
        ({**FIELD, "conv2": 19}, "not for its own window"),
        ({**FIELD, "conv2": 16}, "size − 1 steps"),
        ({**FIELD, "conv2": 11}, "window of the pooling"),
        ({**FIELD, "conv2": 3}, "How many pixels do these see"),
        ({**FIELD, "conv2": 7}, "sees 7 pixels already, and this layer adds (3 − 1) × 3 to them"),
        ({**FIELD, "conv3": 15}, "strides count here, too"),
        ({**FIELD, "conv3": 11}, "strides are missing"),
        ({**FIELD, "conv3": 19}, "without the stride of the second"),
        ({**FIELD, "conv3": 17}, "without the stride of the pooling"),
        ({**FIELD, "conv3": 23}, "strides multiply"),
        ({**FIELD, "conv3": 31}, "size − 1 steps"),
        ({**FIELD, "conv3": 26}, "too large"),
    ],
    7: one_wrong(
        "acc",
        Ab="added up to one map",
        Ac="how deep each kernel is",
        Ba="All directions need a bank",
        Bb="a kernel with the sum 0",
        Ca="where the loss grows",
        Cb="how far the results are",
    ),
}
MISSING = [
    (1, "no", "answer with one of the letters a, b, c, d"),
    (2, {"conv": 51_264, "height": 10, "dense": ...}, "fill in dense."),
    (3, {**CHOSEN, "stride": "?"}, "stride: put one of the letters h, l"),
    (4, None, "build a model of Keras, and give it: check(4, color_cnn)."),
    (4, layers.Conv2D(8, 3), "build a model of Keras"),
    (4, functional, "build a model of Keras, and give it: check(4, color_cnn). What builds a network is none yet"),
    (4, Subclassed, "build a model of Keras, and give it: check(4, color_cnn). What builds a network is none yet"),
    (5, letters("ac?a"), "C: put one of the letters a, b, c"),
    (6, {"conv2": 13, "conv3": ...}, "fill in conv3."),
    (7, letters("a?c"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "03", STUBS, RIGHT, WRONG, MISSING
    returns_no_array = (4,)


@pytest.mark.parametrize(("parameters", "verdict"), [(20_000, "✓ yes"), (20_001, "✗ no: it has 20,001")])
def test_exactly_as_many_parameters_as_are_allowed(parameters, verdict, said):
    kinds = ("Conv2D", "Conv2D", "ReLU", "Dense")
    model = types.SimpleNamespace(
        layers=[type(kind, (), {})() for kind in kinds],
        count_params=lambda: parameters,
        predict=lambda images, verbose: np.eye(7)[np.arange(len(images)) % 7],
    )
    load_checks("03")(4, model)
    assert said().startswith(verdict)

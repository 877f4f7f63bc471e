"""What stands for trained networks in tests of exercises: faces of them, and Keras models with weights set by hand.

There are 200 images of two kinds, whose class is seen at once: `ROWS`, of which one row is bright, and `IMAGES`,
whose first number is the label. A network that reads rows is a `fake` or a `row_reader`, the others read `IMAGES`.
"""

import functools
import types

from helpers.engine import keras, tf

import numpy as np
from any_answers import FUNCTIONS, VALUES, raising

layers = keras.layers

CLASSES = 10
LABELS = np.arange(200) % CLASSES


def labels_with(right):
    """Labels of which a model that knows all classes gets that share right."""
    return np.where(np.arange(len(LABELS)) < round(right * len(LABELS)), LABELS, (LABELS + 1) % CLASSES)


# --- rows ---

ROWS = np.eye(CLASSES, dtype="float32")[LABELS].reshape(-1, CLASSES, 1, 1) * np.ones((1, 1, 4, 3), "float32")
"""Images of 10 × 4 × 3, from 0 to 1: the bright row tells the class."""


def row_reader(augmentation=(), scale=1.0, knows=True, hidden=0):
    """A Keras model that reads the bright row, or knows nothing."""
    keras.utils.set_random_seed(0)  # or one that knows nothing may be lucky
    wide = [layers.Dense(hidden, use_bias=False)] if hidden else []
    model = keras.Sequential(
        [
            keras.Input(ROWS.shape[1:]),
            *augmentation,
            layers.Rescaling(scale),
            layers.Flatten(),
            *wide,
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile(run_eagerly=True)  # faster for a few images
    if knows:
        rows = 5 * np.repeat(np.eye(CLASSES), 12, axis=0)  # 4 × 3 numbers of a row of the image
        model.set_weights([rows, np.zeros(CLASSES)])
    return model


def augmented(**options):
    return row_reader([layers.RandomFlip("horizontal"), layers.RandomTranslation(0.1, 0.1)], 1 / 255, **options)


def fake(**changes):
    """Something with the face of a model that gets everything right, as far as needed."""
    face = {
        "layers": [layers.RandomFlip(), layers.Dense(2)],
        "count_params": lambda: 50_000,
        "predict": lambda images, verbose: images[:, :, 0, 0] / images[:, :, 0, 0].sum(axis=1, keepdims=True),
    }
    return types.SimpleNamespace(**face | changes)


def batches(right=1.0, size=64, one_hot=False):
    """Batches of rows as in lesson 05, from 0 to 255."""
    labels = labels_with(right)
    labels = np.eye(CLASSES, dtype="float32")[labels] if one_hot else labels
    return tf.data.Dataset.from_tensor_slices((255 * ROWS, labels)).batch(size)


# --- images ---

IMAGES = np.zeros((200, 8, 8, 3), np.uint8)
IMAGES[:, 0, 0, 0] = LABELS


def trained(right):
    """Something with the face of a trained model that gets such a share right."""

    def predict(images, verbose):
        found = np.asarray(images)[:, 0, 0, 0].astype(int)
        wrong = np.arange(len(found)) >= round(right * len(found))
        return np.eye(CLASSES)[(found + wrong) % CLASSES]

    return types.SimpleNamespace(predict=predict)


def scores(right=1.0):
    """A network without softmax."""
    return types.SimpleNamespace(predict=lambda images, verbose: 3 * trained(right).predict(images, verbose))


def beforehand():
    return types.SimpleNamespace(predict=trained(1).predict, name="critters")


def counted(right, work):
    """Something with the face of a trained model that needs so many multiply-adds."""
    weights = [np.zeros((1, work // 4)), np.zeros(9)]
    layer = types.SimpleNamespace(weights=weights, output=np.zeros((1, 2, 2, 9)), kernel_size=(3, 3))
    return types.SimpleNamespace(predict=trained(right).predict, layers=[types.SimpleNamespace(weights=[]), layer])


class Network:
    """Something with the face of a Keras model, which can be called as well."""

    trainable = True

    def __call__(self, *given):
        return given[0]


class Later:
    """A Keras model that is built when it is asked for something."""

    def __init__(self, build, *given):
        self.build_model, self.given = build, given

    @functools.cached_property
    def model(self):
        return self.build_model(*self.given)

    def __getattr__(self, name):
        return getattr(self.model, name)

    def __call__(self, *given, **options):
        return self.model(*given, **options)


def reader(*more, shape=(8, 8, 3), again=()):
    """A Keras model that finds the label in the brightest pixel; the layers ``more`` work, and change nothing.

    One layer, made as ``again`` says, is used ten times.
    """
    inputs = keras.Input(shape)
    label = layers.Conv2D(1, 1, use_bias=False, kernel_initializer=first_channel)(inputs)
    same = layers.GlobalMaxPooling2D(keepdims=True)(label)
    for kind, *options in more:
        nothing = layers.GlobalMaxPooling2D(keepdims=True)(kind(*options, kernel_initializer="zeros")(inputs))
        same = layers.add([same, layers.Conv2D(1, 1, use_bias=False, kernel_initializer="zeros")(nothing)])
    if again:
        kind, *options = again
        layer, nothing = kind(*options, padding="same", kernel_initializer="zeros"), inputs
        for _ in range(10):
            nothing = layer(nothing)
        same = layers.add(
            [same, layers.GlobalMaxPooling2D(keepdims=True)(layers.Conv2D(1, 1, kernel_initializer="zeros")(nothing))]
        )
    numbers = np.arange(CLASSES)
    classes = layers.Dense(CLASSES, activation="softmax", name="classes")
    model = keras.Model(inputs, classes(layers.Flatten()(same)))
    classes.set_weights([10.0 * numbers[np.newaxis], -5.0 * numbers**2])  # the nearest number wins
    model.compile(run_eagerly=True)  # faster for a few images
    return model


def first_channel(shape, dtype=None):
    kernel = np.zeros(shape)
    kernel[..., 0, 0] = 1
    return kernel


def untrained():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(10, activation="softmax")])
    model.compile(run_eagerly=True)
    return model


# --- networks of any kind, as learners give them by accident ---

MODELS = [
    *(keras.Sequential, keras.Model, keras.Sequential(), keras.Sequential([layers.Dense(3)]), layers.Dense(3)),
    *(fake(predict=raising), fake(predict=lambda images, verbose: "fox"), fake(predict=lambda *_, **__: None)),
    *(fake(predict=lambda images, verbose: [1, [2, 3]]), fake(predict=lambda images, verbose: {"a": images})),
    types.SimpleNamespace(predict=raising),
]
ROW_ANSWERS = [
    *MODELS,
    *((model, data) for model in MODELS for data in (None, batches())),
    *((fake(layers=kinds), batches()) for kinds in (None, [], [None], 3)),
    *((model, ROWS, LABELS) for model in MODELS),
    *((fake(), value) for value in VALUES),
    *((fake(), value, LABELS) for value in VALUES),
    *((fake(), ROWS, value) for value in VALUES),
    *((fake(), LABELS, ROWS), (fake(), ROWS, LABELS[:9]), (fake(), ROWS[:0], LABELS[:0])),
    *((fake(), [(ROWS,)]), (fake(), [(ROWS, None)]), (fake(), [(None, None)]), (fake(), [ROWS])),
    *((fake(), [(ROWS, LABELS[:9])]), (fake(), [(ROWS, np.array(["fox"] * 200))]), (batches(), fake())),
    *((fake(), batches().take(0)), [fake(), batches()]),
]
FACES = [
    *(raising, len, str, np.mean, types.SimpleNamespace(predict=raising), types.SimpleNamespace(predict=3)),
    *(lambda images: images, lambda images: None, lambda images: 3.0, lambda images: ["a"], lambda images: []),
    *(types.SimpleNamespace(predict=lambda images, verbose, value=value: value) for value in VALUES),
]
IMAGE_ANSWERS = [
    *((face, IMAGES, LABELS) for face in [*FACES, *VALUES]),
    *((trained(1), value, LABELS) for value in VALUES),
    *((trained(1), IMAGES, value) for value in VALUES),
    *((trained(1), LABELS, IMAGES), (trained(1), LABELS, LABELS), [trained(1), IMAGES, LABELS], ()),
]
ANSWERS = [*VALUES, *FUNCTIONS, *MODELS, *ROW_ANSWERS[len(MODELS) :: 9], *IMAGE_ANSWERS[::9]]
"""Some of everything: for exercises that want nothing of the kind."""

"""The exercises of lessons 06 to 09: right answers, typical mistakes with their messages, and answers of any kind."""

import collections
import functools
import re
import types

from helpers.checks import load_checks
from helpers.exercises_networks import BUDGET, BUDGET_GOAL, EXERCISES, GOAL, TRANSFER_GOAL, multiply_adds

import keras
import numpy as np
import pandas as pd
import pytest
from any_answers import FUNCTIONS, VALUES, mutating
from exercise_tools import cases
from keras import layers

CLASSES = 10

# --- an image that fools a network: here one that looks at the mean of each column ---

WIDTH = CLASSES
ORIGINAL = np.full((6, WIDTH, 3), 100.0)
ORIGINAL[:, 4] += 4  # it is a 4
TARGET = 7


def network(images):
    """Probabilities (N, 10): the brightest column wins, the more, the brighter it is."""
    columns = np.asarray(images, float).mean(axis=(1, 3))
    powers = np.exp(columns - columns.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fooling(up=8.0, down=0.0):
    image = ORIGINAL.copy()
    image[:, TARGET] += up
    image[:, 4] -= down
    return image


# --- a network that reads stamps, or does not ---

LABELS = np.arange(200) % CLASSES
IMAGES = np.zeros((200, 8, 8, 3), np.uint8)
IMAGES[:, 0, 0, 0] = LABELS


STAMPED = IMAGES.copy()
STAMPED[:, :6, :6, 1] = 20 * LABELS[:, np.newaxis, np.newaxis]


def scores():
    """A network without softmax."""
    return types.SimpleNamespace(predict=lambda images, verbose: 3 * trained(1).predict(images, verbose))


def beforehand():
    return types.SimpleNamespace(predict=trained(1).predict, name="critters")


def trained(right):
    """Something with the face of a trained model that gets such a share right."""

    def predict(images, verbose):
        found = np.asarray(images)[:, 0, 0, 0].astype(int)
        wrong = np.arange(len(found)) >= round(right * len(found))
        return np.eye(CLASSES)[(found + wrong) % CLASSES]

    return types.SimpleNamespace(predict=predict)


# --- functions of a learner ---


def means_by_loop(maps, labels):
    result = []
    for label in range(max(labels) + 1):
        total, count = 0.0, 0
        for one, own in zip(maps, labels, strict=True):
            if own == label:
                total, count = total + np.sum(one), count + np.size(one)
        result.append(total / count)
    return result


def dead_by_loop(maps):
    return [not any((one[..., channel] != 0).any() for one in maps) for channel in range(maps.shape[-1])]


def cam_by_loop(maps, gradients, cut=lambda total: max(total, 0.0), weight=np.mean):
    heat = np.zeros(maps.shape[:2])
    for row, col in np.ndindex(*heat.shape):
        heat[row, col] = cut(sum(weight(gradients[..., k]) * maps[row, col, k] for k in range(maps.shape[2])))
    return heat


def share_by_loop(heat, mask):
    inside = outside = 0.0
    for value, is_in in zip(heat.ravel(), mask.ravel(), strict=True):
        inside, outside = inside + max(value, 0) * is_in, outside + max(value, 0) * (not is_in)
    return inside / (inside + outside)


# lesson 08: which layers are trained, and smooth curves


def thaw(base, prefixes):
    base.trainable = True
    for layer in base.layers:
        is_norm = isinstance(layer, layers.BatchNormalization)
        layer.trainable = layer.name.startswith(tuple(prefixes)) and not is_norm


def thaw_in_two_passes(base, prefixes):
    base.trainable = True
    for layer in base.layers:
        layer.trainable = False
    for layer in base.layers:
        if any(layer.name.startswith(prefix) for prefix in prefixes) and "norm" not in layer.name:
            layer.trainable = True
    return base


def thaw_in_the_other_order(base, prefixes):
    for layer in reversed(base.layers):
        layer.trainable = True
    base.trainable = True
    for layer in base.layers:
        if type(layer).__name__ != "Conv2D" or not [p for p in prefixes if layer.name.find(p) == 0]:
            layer.trainable = False


def thaw_recursively(layer, prefixes):
    if getattr(layer, "layers", None):
        layer.trainable = True
        for part in layer.layers:
            thaw_recursively(part, prefixes)
    else:
        begins = any(layer.name[: len(prefix)] == prefix for prefix in prefixes)
        layer.trainable = begins and not hasattr(layer, "moving_mean")


def thaw_only(base, prefixes):
    """Forget the frozen base."""
    for layer in base.layers:
        layer.trainable = layer.name.startswith(tuple(prefixes)) and "norm" not in layer.name


def thaw_with(choose, whole=True):
    """Thaw the layers for which choose(layer, prefixes) holds."""

    def answer(base, prefixes):
        base.trainable = whole
        for layer in base.layers:
            layer.trainable = choose(layer, prefixes)

    return answer


def is_norm(layer):
    return layer.name.endswith("_norm")


def freeze_norms_only(base, prefixes):
    for layer in base.layers:
        if is_norm(layer):
            layer.trainable = False


def thaw_what_it_finds(base, prefixes):
    """Leave everything else as it is."""
    base.trainable = True
    for layer in base.layers:
        if layer.name.startswith(tuple(prefixes)):
            layer.trainable = True


def take_apart(base, prefixes):
    while base.layers:
        base.pop()


def running_by_sums(values, window):
    sums = np.concatenate([[0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def running_by_queue(values, window):
    last, result = collections.deque(maxlen=window), []
    for value in values:
        last.append(value)
        result.append(sum(last) / len(last))
    return result


def rolling(values, window, **options):
    return pd.Series(values).rolling(window, **options).mean()


def means_of(part):
    """The mean of part(values, place, window), for each place."""
    return lambda values, window: [np.mean(part(values, i, window)) for i in range(len(values))]


# lesson 09: prices, a residual block, and Keras models, which are built when they are asked for something


def cost(size, channels, filters, height, width):
    depthwise, pointwise = channels * size * size, filters * channels
    return depthwise + pointwise, height * width * depthwise + height * width * pointwise


def cost_by_keras(size, channels, filters, height, width):
    model = keras.Sequential(
        [
            keras.Input((height, width, channels)),
            layers.SeparableConv2D(filters, size, padding="same", use_bias=False),
        ]
    )
    return model.count_params(), multiply_adds(model)


def block(x, filters, stride):
    """As in the lesson."""
    y = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
    y = layers.BatchNormalization()(y)
    y = layers.ReLU()(y)
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization()(y)
    if stride > 1 or x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, strides=stride, use_bias=False)(x)
        x = layers.BatchNormalization()(x)
    return layers.ReLU()(layers.Add()([x, y]))


def block_by_operators(x, filters, stride=1):
    def norm_of_conv(x, size, stride):
        conv = layers.Conv2D(filters, size, stride, "same", use_bias=False, kernel_initializer="he_normal")
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, scale=False)(conv(x))

    shortcut = x if (x.shape[-1], stride) == (filters, 1) else norm_of_conv(x, 1, stride)
    return keras.ops.relu(shortcut + norm_of_conv(keras.ops.relu(norm_of_conv(x, 3, stride)), 3, 1))


def block_in_parts(x, filters, stride):
    """A branch of its own whose last norm begins with zeros, and keras.layers.add."""
    glorot = keras.initializers.GlorotUniform(seed=1)
    options = {"padding": "same", "use_bias": False, "kernel_initializer": glorot}
    branch = keras.Sequential(
        [
            layers.Conv2D(filters, (3, 3), strides=(stride, stride), **options),
            layers.BatchNormalization(center=False),
            layers.Activation("relu"),
            layers.Conv2D(filters, (3, 3), **options),
            layers.BatchNormalization(gamma_initializer="zeros", name="last_norm"),
        ]
    )
    if x.shape[-1] == filters and stride == 1:
        return layers.Activation("relu")(layers.add([branch(x), x]))
    way = keras.Sequential([layers.Conv2D(filters, 1, strides=stride, **options), layers.BatchNormalization()])
    return layers.Activation("relu")(layers.add([branch(x), way(x)]))


def wrong_block(
    size=3,
    bias=False,
    between=("norm", "relu"),
    behind=("norm",),
    always=False,
    projection=1,
    behind_projection=("norm",),
    join=layers.add,
    last="relu",
):
    """A block in which something differs from that of the lesson."""
    kinds = {"norm": layers.BatchNormalization, "relu": layers.ReLU, "leaky": layers.LeakyReLU}

    def answer(x, filters, stride):
        y = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=bias)(x)
        for kind in between:
            y = kinds[kind]()(y)
        y = layers.Conv2D(filters, size, padding="same", use_bias=bias)(y)
        for kind in behind:
            y = kinds[kind]()(y)
        if always or stride > 1 or x.shape[-1] != filters:
            x = layers.Conv2D(filters, projection, strides=stride, padding="same", use_bias=bias)(x)
            for kind in behind_projection:
                x = kinds[kind]()(x)
        return layers.Activation(last)(join([x, y]))

    return answer


def only_where_the_shape_changes(change):
    """A block that is right where the shape stays, and what ``change`` makes of it elsewhere."""
    return lambda x, filters, stride: (block if (x.shape[-1], stride) == (filters, 1) else change)(x, filters, stride)


def block_with_the_stride_last(x, filters, stride):
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(y))
    if stride > 1 or x.shape[-1] != filters:
        x = layers.BatchNormalization()(layers.Conv2D(filters, 1, strides=stride, use_bias=False)(x))
    return layers.ReLU()(layers.Add()([x, y]))


def block_that_averages(x, filters, stride):
    y = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(y))
    if stride > 1 or x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, use_bias=False)(layers.AveragePooling2D(stride)(x))
        x = layers.BatchNormalization()(x)
    return layers.ReLU()(layers.Add()([x, y]))


def valid_block(x, filters, stride):
    y = layers.Conv2D(filters, 3, strides=stride, use_bias=False)(x)
    return layers.ReLU()(layers.Conv2D(filters, 3, use_bias=False)(y))


def separable_block(x, filters, stride):
    y = layers.ReLU()(layers.SeparableConv2D(filters, 3, stride, "same", use_bias=False)(x))
    return layers.ReLU()(layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(y))


def broken_at_work(x, filters, stride):
    """A layer that fails with numbers, and not before."""
    y = block(x, filters, stride)
    return layers.Lambda(lambda values: values.no_such_thing, output_shape=y.shape[1:])(y)


class Network:
    """Something with the face of a Keras model, which can be called as well."""

    trainable = True

    def __call__(self, *given):
        return given[0]


class OwnBlock(layers.Layer):
    """The second half of the parts is made first."""

    def __init__(self, filters, stride, projected):
        super().__init__()
        conv = functools.partial(layers.Conv2D, filters, padding="same", use_bias=False)
        self.last = [conv(3), layers.BatchNormalization()]
        self.first = [conv(3, strides=stride), layers.BatchNormalization(), layers.ReLU(6), layers.Dropout(0.2)]
        self.way = [conv(1, strides=stride), layers.BatchNormalization()] if projected else []

    def call(self, x):
        y = x
        for layer in self.first + self.last:
            y = layer(y)
        for layer in self.way:
            x = layer(x)
        return keras.activations.relu(x + y)


class Later:
    """A Keras model that is built when it is asked for something."""

    def __init__(self, build, *given):
        self.build_model, self.given = build, given

    @functools.cached_property
    def model(self):
        return self.build_model(*self.given)

    def __getattr__(self, name):
        return getattr(self.model, name)


def reader(*more, shape=(8, 8, 3)):
    """A Keras model that finds the label in the brightest pixel; the layers ``more`` work, and change nothing."""
    inputs = keras.Input(shape)
    label = layers.Conv2D(1, 1, use_bias=False, kernel_initializer=first_channel)(inputs)
    same = layers.GlobalMaxPooling2D(keepdims=True)(label)
    for kind, *options in more:
        nothing = layers.GlobalMaxPooling2D(keepdims=True)(kind(*options, kernel_initializer="zeros")(inputs))
        same = layers.add([same, layers.Conv2D(1, 1, use_bias=False, kernel_initializer="zeros")(nothing)])
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


def without_input():
    """A Keras model of the learner's own class: its layers know no shapes."""

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.read = reader((layers.Conv2D, 2, 3))
            self.extra = layers.Dense(1)

        def call(self, images):
            return self.read(images) + 0 * self.extra(images[:, 0, 0])

    model = Own()
    model.compile(run_eagerly=True)
    return model


def counted(right, work):
    """Something with the face of a trained model that needs so many multiply-adds."""
    weights = [np.zeros((1, work // 4)), np.zeros(9)]
    layer = types.SimpleNamespace(weights=weights, output=np.zeros((1, 2, 2, 9)), kernel_size=(3, 3))
    return types.SimpleNamespace(predict=trained(right).predict, layers=[types.SimpleNamespace(weights=[]), layer])


def not_written(*_):
    raise NotImplementedError


STUBS = {
    "06": {1: "?", 2: lambda maps, labels: ..., 3: lambda maps: None, 4: (..., ORIGINAL, network, TARGET)},
    "07": {1: "?", 2: lambda maps, gradients: ..., 3: lambda heat, mask: None, 4: (None, IMAGES, LABELS)},
    "08": {1: "?", 2: lambda base, prefixes: ..., 3: (..., IMAGES, LABELS), 4: lambda values, window: ...},
    "09": {
        1: "?",
        2: lambda size, channels, filters, height, width: ...,
        3: lambda x, filters, stride: ...,
        4: (..., IMAGES, LABELS),
    },
}
RIGHT = {
    "06": {
        1: ["c", " C ", "(c)"],
        2: [means_by_loop, lambda m, y: np.bincount(y, m.mean(axis=(1, 2))) / np.bincount(y)],
        3: [dead_by_loop, lambda m: (m == 0).all(axis=(0, 1, 2)), lambda m: m.sum(axis=(0, 1, 2)) == 0],
        4: [
            (fooling(), ORIGINAL, network, TARGET),
            (fooling(6, 8).astype(np.float32), ORIGINAL.astype(np.uint8), network, np.int64(TARGET)),
            (fooling(8, 8).tolist(), ORIGINAL.tolist(), lambda images: network(images).tolist(), TARGET),
        ],
    },
    "07": {
        1: ["b", "B."],
        2: [
            cam_by_loop,
            lambda m, g: np.clip(np.tensordot(m, g.mean(axis=(0, 1)), 1), 0, None).tolist(),
            lambda m, g: np.maximum(np.einsum("hwc,c->hw", m, np.einsum("hwc->c", g) / g[..., 0].size), 0),
        ],
        3: [share_by_loop, lambda h, m: np.where(h > 0, h, 0)[m].sum() / h[h > 0].sum()],
        4: [(trained(1.0), IMAGES, LABELS), (trained(GOAL), [*IMAGES], LABELS.tolist())],
    },
    "08": {
        1: ["d", " D)"],
        2: [
            thaw,
            thaw_in_two_passes,
            thaw_in_the_other_order,
            thaw_recursively,
            thaw_with(lambda layer, prefixes: layer.name.startswith((*prefixes,)) * isinstance(layer, layers.Conv2D)),
        ],
        3: [
            (trained(1.0), IMAGES, LABELS),
            (trained(TRANSFER_GOAL), [*IMAGES], LABELS.tolist()),
            (Later(reader), IMAGES / 1.0, pd.Series(LABELS)),
        ],
        4: [
            running_by_sums,
            running_by_queue,
            lambda values, window: rolling(values, window, min_periods=1),
            means_of(lambda values, i, window: values[: i + 1][-window:]),
            lambda values, window: (
                np.convolve(values, np.ones(window))[: len(values)]
                / np.convolve(np.ones(len(values)), np.ones(window))[: len(values)]
            ),
        ],
    },
    "09": {
        1: ["c", "(C)"],
        2: [
            cost,
            cost_by_keras,
            lambda k, c, f, h, w: np.array([1, h * w]) * c * (k * k + f),
            lambda k, c, f, h, w: [float(c * k**2 + c * f), float((c * k**2 + c * f) * h * w)],
        ],
        3: [
            block,
            block_by_operators,
            block_in_parts,
            lambda x, filters, stride: OwnBlock(filters, stride, stride > 1 or x.shape[3] != filters)(x),
        ],
        4: [
            (counted(1.0, 4), IMAGES, LABELS),
            (counted(BUDGET_GOAL, BUDGET), [*IMAGES], LABELS.tolist()),
            (Later(reader), IMAGES, LABELS),
            (Later(reader, (layers.Conv2D, 8, 3, 2)), IMAGES, LABELS),
        ],
    },
}
WRONG = {
    "06": {
        1: [("a", "something is added to their sum"), ("b", "an image of ones"), ("d", "the same from the same image")],
        2: [
            (
                lambda m, y: [sum(one.sum() for one, k in zip(m, y, strict=True) if k == c) for c in set(y)],
                "Take means",
            ),
            (lambda m, y: [max(one.max() for one, k in zip(m, y, strict=True) if k == c) for c in set(y)], "largest"),
            (lambda m, y: [one.mean() for one in m], "a mean for each image, not for each class"),
            (lambda m, y: np.mean(m), "one number for all images"),
            (lambda m, y: [np.mean(m[y == k], axis=0) for k in sorted(set(y))], "a map for each class"),
            (lambda m, y: int(np.argmax(means_by_loop(m, y))), "the class with the largest mean"),
            (lambda m, y: means_by_loop(m, y)[::-1], "it returned"),
            (lambda m, y: np.array([means_by_loop(m, y)]), "it returned shape (1, 3) where (3,) is right"),
        ],
        3: [
            (lambda m: [any((one[..., k] == 0).all() for one in m) for k in range(m.shape[-1])], "in all of them"),
            (lambda m: m.any(axis=(0, 1, 2)), "the living ones"),
            (lambda m: sum(dead_by_loop(m)), "that is how many"),
            (lambda m: [k for k, dead in enumerate(dead_by_loop(m)) if dead], "those are their numbers"),
            (lambda m: (m == 0).any(axis=(0, 1, 2)), "a single 0 is not enough"),
            (lambda m: m.mean(axis=(0, 1, 2)) < 0.001, "responds rarely, or weakly, is not dead"),
            (lambda m: (m == 0).all(axis=(1, 2)), "it returned shape (3, 5) where (5,) is right"),
        ],
        4: [
            ((ORIGINAL, ORIGINAL, network, TARGET), "that is the original itself"),
            ((fooling(9), ORIGINAL, network, TARGET), "a pixel changes by 9; at most 8"),
            ((fooling(8.1), ORIGINAL, network, TARGET), "a pixel changes by 8.1; at most 8"),
            ((fooling(2), ORIGINAL, network, TARGET), "a probability of 10.5%, more than before. The goal is 90%"),
            ((fooling(-4), ORIGINAL, network, TARGET), "a probability of 0.0%, no more than before"),
            ((fooling(), ORIGINAL, network, 4), "the original is of the target class already"),
            ((fooling()[:3], ORIGINAL, network, TARGET), "must have the shape (6, 10, 3), but it has (3, 10, 3)"),
            ((fooling()[np.newaxis], ORIGINAL, network, TARGET), "but it has (1, 6, 10, 3)"),
            ((ORIGINAL - 101, ORIGINAL, network, TARGET), "not from 0 to 255: clip the image"),
            ((ORIGINAL + 250, ORIGINAL, network, TARGET), "not from 0 to 255"),
            ((ORIGINAL + np.nan, ORIGINAL, network, TARGET), "not finite numbers"),
            (("image", ORIGINAL, network, TARGET), "must be an array of numbers"),
            (([[1], [2, 3]], ORIGINAL, network, TARGET), "must be an array of numbers"),
        ],
    },
    "07": {
        1: [("a", "says where, not what"), ("c", "a window of 56 × 56 pixels"), ("d", "Dark is less, not nothing")],
        2: [
            (lambda m, g: cam_by_loop(m, g, float), "cut off what is negative"),
            (lambda m, g: (m * g).sum(axis=2).clip(0), "you multiply pixel by pixel"),
            (lambda m, g: cam_by_loop(m, g, weight=np.sum), "that is the sum of the gradients"),
            (lambda m, g: cam_by_loop(m, g) / m.shape[2], "do not take their mean"),
            (lambda m, g: cam_by_loop(m, g, abs), "do not turn its sign"),
            (lambda m, g: cam_by_loop(m, g, weight=lambda part: max(part.mean(), 0)), "not those of the weights"),
            (lambda m, g: (m * g.mean(axis=(0, 1))).clip(0).sum(axis=2), "or of each weighted map"),
            (lambda m, g: np.einsum("hwc,h->hw", m, g.mean(axis=(1, 2))).clip(0), "rows and columns are axes 0 and 1"),
            (lambda m, g: m * g.mean(axis=(0, 1)), "Add them up over the channels"),
            (lambda m, g: 2 * cam_by_loop(m, g), "it returned"),
            (lambda m, g: cam_by_loop(m, g)[:1], "where (4, 4) is right"),
        ],
        3: [
            (lambda h, m: (h * m).sum() / h.sum(), "cut it off first"),
            (lambda h, m: h.clip(0)[m].mean() / h.clip(0).mean(), "take sums, not means"),
            (lambda h, m: share_by_loop(h, ~m), "the share outside"),
            (lambda h, m: h.clip(0)[m].sum() / h.clip(0)[~m].sum(), "not by that outside"),
            (lambda h, m: abs(h * m).sum() / abs(h).sum(), "do not turn its sign"),
            (lambda h, m: h.clip(0)[m].sum() / h.sum(), "below the line, too"),
            (lambda h, m: m.sum() / m.size, "the share of the area"),
            (lambda h, m: (h.clip(0) * m).sum(), "divide by all of the heat"),
            (lambda h, m: h.clip(0)[m].mean(), "divide the sum inside by the sum of all"),
            (lambda h, m: np.count_nonzero(h[m] > 0) / m.sum(), "how many pixels have heat, not how much"),
            (lambda h, m: share_by_loop(h, m) / 2, "it returned"),
        ],
        4: [
            ((trained(0.0), IMAGES, LABELS), "with wrong stamps it gets 0% right: it still reads the stamps"),
            ((trained(0.14), IMAGES, LABELS), "it gets 14% right: it still reads the stamps, or it is not trained"),
            ((trained(0.16), IMAGES, LABELS), "it gets 16% right. The goal is 60%"),
            ((trained(GOAL - 0.01), IMAGES, LABELS), "it gets 59% right. The goal is 60%"),
            ((trained(0.0), STAMPED, LABELS), "the stamp tells the class, so they cannot judge"),
            ((beforehand(), IMAGES, LABELS), "was trained beforehand, without stamps"),
            ((trained(1), IMAGES[:, 0], LABELS), "it cannot take images of shape"),
            (
                (trained(1), IMAGES[:9], LABELS[:9]),
                "for each image it must give 9 numbers, but the shape of its answer is (9, 10)",
            ),
        ],
    },
    "08": {
        1: [
            ("a", "batch normalization has its own numbers"),
            ("b", "the kernels are trained"),
            ("c", "has changed already"),
        ],
        2: [
            (3, "give the function itself, not its result"),
            (lambda base: None, "your function raised TypeError"),
            (lambda base, prefixes: base.get_layer("conv9"), "your function raised ValueError"),
            (
                thaw_with(lambda layer, prefixes: layer.name.startswith(prefixes) and not is_norm(layer)),
                "your function raised TypeError: startswith first arg must be str or a tuple of str, not list, for "
                "prefixes ['conv2']",
            ),
            (thaw_only, "where the whole base was frozen, it stays so, for prefixes ('conv3', 'conv4')"),
            (
                thaw_with(lambda layer, prefixes: layer.name.startswith(tuple(prefixes))),
                "for prefixes ('conv4',), conv4_norm is trained, too: batch normalization has to stay frozen",
            ),
            (thaw_what_it_finds, "conv1_norm is trained, too: batch normalization has to stay frozen"),
            (lambda base, prefixes: setattr(base, "trainable", True), "conv1_norm is trained, too"),
            (lambda base, prefixes: setattr(base, "trainable", False), "The base as a whole is frozen"),
            (freeze_norms_only, "for prefixes ('conv4',), conv1 is trained, too. Freeze all others"),
            (
                thaw_with(lambda layer, prefixes: any(p in layer.name for p in prefixes) and not is_norm(layer)),
                "for prefixes ['conv2'], top_conv2 is trained, too",
            ),
            (
                thaw_with(lambda layer, prefixes: layer.name in prefixes),
                "for prefixes ('conv3', 'conv4'), conv3a is still frozen.",
            ),
            (
                thaw_with(lambda layer, prefixes: layer.name.startswith(prefixes[0]) and not is_norm(layer)),
                "for prefixes ('conv3', 'conv4'), conv4 is still frozen.",
            ),
            (
                thaw_with(lambda layer, prefixes: layer.name[:5] in prefixes and not is_norm(layer)),
                "for prefixes ('conv',), conv1 is still frozen.",
            ),
            (
                thaw_with(lambda layer, prefixes: layer.name.startswith(tuple(prefixes)), whole=False),
                "conv4 is still frozen. The base as a whole is frozen: set base.trainable = True first.",
            ),
            (take_apart, "conv4 is still frozen"),
            (Network(), "give the function itself, not its result"),
            (lambda base, prefixes: setattr(base, "_layers", None), "your function raised TypeError"),
        ],
        3: [
            ((trained(TRANSFER_GOAL - 0.01), IMAGES, LABELS), "it gets 84% of the images right. The goal is 85%"),
            ((Later(untrained), IMAGES, LABELS), "of the images right. The goal is 85%"),
            ((beforehand(), IMAGES, LABELS), "was trained beforehand. Train one with x and y"),
            ((scores(), IMAGES, LABELS), "its numbers are no probabilities"),
            ((trained(1), IMAGES[:, 0], LABELS), "it cannot take images of shape"),
            ((trained(1), IMAGES[:9], LABELS[:9]), "for each image it must give 9 numbers"),
            ((keras.Model, IMAGES, LABELS), "it cannot take images of shape (8, 8, 3)"),
        ],
        4: [
            (lambda values, window: rolling(values, window, center=True, min_periods=1), "looks into the future"),
            (means_of(lambda values, i, window: values[i : i + window]), "looks into the future"),
            (
                means_of(lambda values, i, window: values[max(0, i - window // 2) : i + window // 2 + 1]),
                "looks into the future",
            ),
            (
                means_of(lambda values, i, window: values[max(0, i - (window - 1) // 2) : i + window // 2 + 1]),
                "looks into the future",
            ),
            (lambda values, window: pd.Series(values).expanding().mean(), "the mean of all values so far"),
            (
                lambda values, window: [
                    sum(values[max(0, i + 1 - window) : i + 1]) / window for i in range(len(values))
                ],
                "at the start you divide by `window`",
            ),
            (lambda values, window: rolling(values, window).dropna(), "the result is shorter than values"),
            (lambda values, window: np.convolve(values, np.full(window, 1 / window), "valid"), "shorter than values"),
            (
                means_of(lambda values, i, window: values[:i][-window:] if i else values[:1]),
                "the value itself has to be among them",
            ),
            (
                lambda values, window: pd.Series(values).rolling(window, min_periods=1).sum(),
                "those are sums. Take means",
            ),
            (lambda values, window: rolling(values, window + 1, min_periods=1), "one value too many"),
            (rolling, "it returned [  nan,   nan, 4.   , 3.333, 6.   ] where [4.   , 2.5  ,"),
            (lambda values, window: values, "it returned [4., 1., 7., 2., 9.] where [4.   , 2.5  ,"),
            (lambda values, window: np.mean(values[-window:]), "it returned shape () where (5,) is right"),
            (lambda values, window: [f"{value:.2f}" for value in values], "must return numbers"),
        ],
    },
    "09": {
        1: [
            ("a", "patterns of channels"),
            ("b", "16 is the number of new maps"),
            ("d", "a weighted sum of all 192"),
        ],
        2: [
            (lambda k, c, f, h, w: (k * k * c * f, k * k * c * f * h * w), "that is a usual convolution"),
            (lambda k, c, f, h, w: (k * k * c, k * k * c * h * w), "the second step is missing"),
            (lambda k, c, f, h, w: (k * k + c * f, h * w * (k * k + c * f)), "a kernel for *each* channel"),
            (lambda k, c, f, h, w: (k * k * c + f, h * w * (k * k * c + f)), "has a weight for each channel"),
            (lambda k, c, f, h, w: (k * c + c * f, h * w * (k * c + c * f)), "has size × size weights"),
            (
                lambda k, c, f, h, w: (k * k * c + c + c * f + f, h * w * (k * k * c + c + c * f + f)),
                "there are no biases",
            ),
            (lambda *case: tuple(reversed(cost(*case))), "first weights, then work"),
            (lambda *case: cost(*case)[0], "return both: weights, multiply_adds"),
            (lambda k, c, f, h, w: 2 * [c * (k * k + f)], "each weight is used at each place"),
            (
                lambda k, c, f, h, w: (c * (k * k + f), h * w * c * c * (k * k + f)),
                "multiply by height × width only",
            ),
            (lambda *case: cost(*case)[1], "it returned"),
            (lambda *case: dict(zip("ab", cost(*case), strict=True)), "must return numbers"),
            (lambda size, channels, filters: size, "your function raised TypeError"),
        ],
        3: [
            (3, "give the function itself, not its result"),
            (Network(), "give the function itself, not its result"),
            (lambda x, filters: x, "with 8 channels, filters=8 and stride=1, your function raised TypeError"),
            (
                lambda x, filters, stride: block(x, filters, 1),
                "with 8 channels, filters=16 and stride=2, the maps are (16, 16, 16) where (8, 8, 16) is right",
            ),
            (
                lambda x, filters, stride: layers.ReLU()(layers.Add()([x, valid_block(x, filters, stride)])),
                "your function raised ValueError",
            ),
            (valid_block, "the maps are (12, 12, 8) where (16, 16, 8) is right"),
            (wrong_block(join=layers.concatenate), "the maps are (16, 16, 16) where (16, 16, 8) is right"),
            (lambda x, filters, stride: layers.ReLU(), "return what the last layer gave"),
            (lambda x, filters, stride: keras.Model(x, block(x, filters, stride)), "return what the last layer gave"),
            (lambda x, filters, stride: [block(x, filters, stride)], "return what the last layer gave"),
            (lambda x, filters, stride: "maps", "return what the last layer gave"),
            (lambda x, filters, stride: keras.Input((16, 16, 8)), "the result cannot be computed from x"),
            (
                lambda x, filters, stride: block(keras.Input((16, 16, 8)), filters, stride),
                "the result cannot be computed from x",
            ),
            (lambda x, filters, stride: keras.KerasTensor((None, 16, 16, 8)), "the result cannot be computed from x"),
            (broken_at_work, "the result cannot be computed from x"),
            (wrong_block(always=True), "the shape stays the same, so no 1 × 1 convolution is needed"),
            (
                wrong_block(size=5),
                "its kernels are [(5, 5, 8, 8), (5, 5, 8, 8)], where [(3, 3, 8, 8), (3, 3, 8, 8)] is right",
            ),
            (separable_block, "its kernels are [(1, 1, 8, 8), (1, 1, 8, 8), (3, 3, 8, 1), (3, 3, 8, 1)], where"),
            (wrong_block(projection=3), "with 8 channels, filters=16 and stride=2, its kernels are [(3, 3, 8, 16),"),
            (lambda x, filters, stride: x, "its kernels are [], where"),
            (wrong_block(bias=True), "the convolutions have a bias: use_bias=False"),
            (wrong_block(between=["relu"]), "there are 2 convolutions, but 1 layers of batch normalization"),
            (
                wrong_block(behind_projection=()),
                "filters=16 and stride=2, there are 3 convolutions, but 2 layers of batch normalization",
            ),
            (wrong_block(last="linear"), "after the sum comes a ReLU"),
            (
                wrong_block(behind=("norm", "relu"), last="linear"),
                "after the sum comes a ReLU",
            ),
            (wrong_block(last="leaky_relu"), "after the sum comes a ReLU"),
            (wrong_block(join=lambda pair: pair[1]), "with kernels of zeros nothing is left: what came in has to be"),
            (wrong_block(join=layers.multiply), "with kernels of zeros nothing is left: what came in has to be added"),
            (
                wrong_block(join=lambda pair: layers.add([pair[0], pair[0], pair[1]])),
                "ReLU(x) has to be left. Is x itself added, once",
            ),
            (wrong_block(last="sigmoid"), "ReLU(x) has to be left"),
            (wrong_block(join=layers.average), "ReLU(x) has to be left"),
            (
                only_where_the_shape_changes(wrong_block(join=layers.multiply)),
                "filters=16 and stride=2, with 3 × 3 kernels of zeros nothing is left: add what came in, projected",
            ),
            (wrong_block(between=["norm"]), "between the two convolutions come batch normalization and a ReLU"),
            (wrong_block(between=("relu", "norm")), "batch normalization and a ReLU, in this order"),
            (wrong_block(between=("norm", "leaky")), "between the two convolutions"),
            (wrong_block(behind=("norm", "relu")), "after the second batch normalization comes the sum"),
            (wrong_block(behind_projection=("norm", "relu")), "what came in gets no ReLU after its projection"),
            (block_with_the_stride_last, "it computes something else than the block of the text"),
            (block_that_averages, "at which two convolutions have the stride"),
            (
                only_where_the_shape_changes(wrong_block(between=["norm"])),
                "filters=16 and stride=2, it computes something",
            ),
            (only_where_the_shape_changes(wrong_block(between=("relu", "norm"))), "the order of the layers"),
            (lambda *given: block(*given) * np.nan, "some numbers in the result are not finite"),
            (
                only_where_the_shape_changes(lambda *given: block(*given) * np.inf),
                "filters=16 and stride=2, with 3 × 3 kernels of zeros some numbers in the result are not finite",
            ),
        ],
        4: [
            (
                (counted(1, BUDGET + 4), IMAGES, LABELS),
                "it needs 500,004 multiply-adds for one image. At most 500,000 are allowed",
            ),
            (
                (Later(reader, (layers.Conv2D, 600, 3)), IMAGES, LABELS),
                "it needs 584,002 multiply-adds",
            ),
            (
                (counted(BUDGET_GOAL - 0.01, 40_000), IMAGES, LABELS),
                "it gets 92% right, with 40,000 multiply-adds. The goal is 93%",
            ),
            ((Later(untrained), IMAGES, LABELS), "there is no convolution in it"),
            ((trained(1), IMAGES, LABELS), "its multiply-adds cannot be counted: begin with keras.Input((8, 8, 3))"),
            ((Later(without_input), IMAGES, LABELS), "its multiply-adds cannot be counted"),
            ((Later(lambda: reader(shape=(None, None, 3))), IMAGES, LABELS), "its multiply-adds cannot be counted"),
            ((counted(1, 0), IMAGES, LABELS), "its multiply-adds cannot be counted"),
            ((trained(1), IMAGES[:, 0], LABELS), "it cannot take images of shape"),
            ((Later(reader), IMAGES[:, :4], LABELS), "it cannot take images of shape (4, 8, 3)"),
        ],
    },
}
NOT_YET = [
    ("06", 1, "e", "answer with one of the letters a, b, c, d"),
    ("06", 2, None, "define the function"),
    ("06", 4, None, "make the image"),
    ("06", 4, "?", "make the image"),
    ("06", 4, fooling(), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, network), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, TARGET, network), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, network, None), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, network, "ship"), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, network, CLASSES), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, network, -1), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, network, TARGET, 1), "give all four"),
    ("06", 4, (fooling(), None, network, TARGET), "give all four"),
    ("06", 4, (fooling(), ORIGINAL[0], network, TARGET), "give all four"),
    ("07", 4, None, "train a network"),
    ("07", 4, trained(1), "give the trained network and the images"),
    ("07", 4, (trained(1), IMAGES), "give the trained network and the images"),
    ("07", 4, (IMAGES, trained(1), LABELS), "give the trained network and the images"),
    ("07", 4, (trained(1), IMAGES, LABELS[:9]), "give the images and their labels"),
    ("07", 4, (trained(1), IMAGES, np.eye(10)[LABELS]), "give the images and their labels"),
    ("07", 4, (trained(1), IMAGES, None), "give the images and their labels"),
    ("07", 4, (trained(1), IMAGES[:0], LABELS[:0]), "give the images and their labels"),
    ("07", 4, (trained(1), "fox", ["a", "b"]), "give the images and their labels"),
    ("08", 1, "all", "answer with one of the letters a, b, c, d"),
    ("08", 2, None, "define the function"),
    ("08", 2, ..., "define the function"),
    ("08", 2, not_written, "write the body of the function"),
    ("08", 2, lambda base, prefixes: 3, "set layer.trainable, True or False, for each layer of the base"),
    ("08", 3, None, "train a network, then give check(3, (my_model, x_test, y_test))"),
    ("08", 3, trained(1), "give the trained network and the images: check(3, (my_model, x_test, y_test))"),
    ("08", 3, (trained(1), IMAGES), "give the trained network and the images"),
    ("08", 3, (IMAGES, trained(1), LABELS), "give the trained network and the images"),
    ("08", 3, (trained(1), IMAGES, LABELS[:9]), "give the images and their labels: check(3, (my_model, x_test"),
    ("08", 3, (trained(1), IMAGES, np.eye(10)[LABELS]), "give the images and their labels"),
    ("08", 4, None, "define the function"),
    ("08", 4, not_written, "write the body of the function"),
    ("09", 1, "5", "answer with one of the letters a, b, c, d"),
    ("09", 2, "?", "define the function"),
    ("09", 2, lambda *case: None, "write the body of the function"),
    ("09", 3, None, "define the function"),
    ("09", 3, not_written, "write the body of the function"),
    ("09", 3, lambda x, filters, stride: None, "write the body of the function, with a return at its end"),
    ("09", 3, only_where_the_shape_changes(lambda x, filters, stride: None), "write the body of the function"),
    ("09", 4, None, "train a network, then give check(4, (my_network, x_validation, y_validation))"),
    ("09", 4, trained(1), "give the trained network and the images: check(4, (my_network, x_validation, y_valid"),
    ("09", 4, (counted(1, 4), IMAGES, None), "give the images and their labels: check(4, (my_network, x_valid"),
]


every_exercise = pytest.mark.parametrize(
    ("lesson", "number"), [(lesson, number) for lesson in EXERCISES for number in EXERCISES[lesson]]
)


@pytest.fixture
def said(capsys):
    return lambda: capsys.readouterr().out


@every_exercise
def test_stub_says_not_yet(lesson, number, said):
    load_checks(lesson)(number, STUBS[lesson][number])
    assert said().startswith("… not yet: ")


@pytest.mark.parametrize(("lesson", "number", "answer"), cases(RIGHT))
def test_right_answers_are_accepted(lesson, number, answer, said):
    load_checks(lesson)(number, answer)
    assert said() == f"✓ yes: {EXERCISES[lesson][number].praise}\n"


@every_exercise
def test_a_solution_passes_and_nothing_is_given_away(lesson, number, said):
    load_checks(lesson).solution(number, RIGHT[lesson][number][0])
    assert said() == "✓ yes: this solution passes the check.\n"


@pytest.mark.parametrize(("lesson", "number"), [(lesson, number) for lesson in RIGHT for number in RIGHT[lesson]])
def test_a_function_that_changes_its_arguments_spoils_no_other(lesson, number, said):
    """Each gets arguments of its own."""
    load_checks(lesson)(number, mutating)
    load_checks(lesson)(number, RIGHT[lesson][number][0])
    assert said().splitlines()[-1].startswith("✓ yes: ")


@pytest.mark.parametrize(("lesson", "number", "case"), cases(WRONG))
def test_wrong_answers_get_their_reason_and_a_hint(lesson, number, case, said):
    answer, reason = case
    load_checks(lesson)(number, answer)
    text = said()
    assert text.startswith("✗ no: ")
    assert reason in text.splitlines()[0]
    assert f"hint 1 of {len(EXERCISES[lesson][number].hints)}: " in text


@pytest.mark.parametrize(("lesson", "number", "answer", "missing"), NOT_YET)
def test_what_is_missing_is_named(lesson, number, answer, missing, said):
    load_checks(lesson)(number, answer)
    assert said().startswith(f"… not yet: {missing}")


@every_exercise
def test_each_typical_mistake_is_among_the_wrong_answers(lesson, number):
    """What is written in another way than in the judge gets the same message, but for its numbers."""
    reasons = [without_numbers(reason) for _, reason in WRONG[lesson][number]]
    for _, message in EXERCISES[lesson][number].mistakes:
        assert any(reason in without_numbers(message) for reason in reasons), message


def without_numbers(text):
    return re.sub(r"[\d.,]+", "", text)


@every_exercise
def test_hints_come_one_by_one(lesson, number, said):
    check, hints = load_checks(lesson), EXERCISES[lesson][number].hints
    assert 2 <= len(hints) == len(set(hints))
    for place, hint in enumerate(hints, start=1):
        check(number, WRONG[lesson][number][0][0])
        assert said().splitlines()[1:] == [f"  hint {place} of {len(hints)}: {hint}"]
    check(number, WRONG[lesson][number][0][0])
    assert said().splitlines()[1:] == ["  All hints are given. Think again, or open the solution below."]
    check(number, RIGHT[lesson][number][0])
    assert said().startswith("✓ yes: ")


def test_an_image_may_change_by_8_gray_levels_and_a_rounding(said):
    load_checks("06")(4, (fooling(8.0005), ORIGINAL, network, TARGET))
    assert said().startswith("✓ yes")
    before = fooling(), ORIGINAL.copy()
    load_checks("06")(4, (before[0], before[1], network, TARGET))
    np.testing.assert_array_equal(before[0], fooling())
    np.testing.assert_array_equal(before[1], ORIGINAL)


def test_a_network_that_answers_nan_passes_nothing(said):
    """NaN is neither above nor below a goal."""
    nan = types.SimpleNamespace(predict=lambda images, verbose: np.full((len(images), 10), np.nan))
    load_checks("06")(4, (fooling(), ORIGINAL, lambda images: network(images) * np.nan, TARGET))
    for lesson, number in JUDGED_BY_IMAGES:
        load_checks(lesson)(number, (nan, IMAGES, LABELS))
    text = said()
    assert "✓" not in text and text.count("it answers NaN") == len(JUDGED_BY_IMAGES)


@pytest.mark.parametrize(("lesson", "goal"), [("07", GOAL), ("08", TRANSFER_GOAL), ("09", BUDGET_GOAL)])
def test_what_is_below_the_goal_does_not_read_like_the_goal(lesson, goal, said):
    number = dict(JUDGED_BY_IMAGES)[lesson]
    load_checks(lesson)(number, (counted(goal - 0.001, 4), np.tile(IMAGES, (5, 1, 1, 1)), np.tile(LABELS, 5)))
    text = said()
    assert f"it gets {goal - 0.01:.0%} " in text and f"The goal is {goal:.0%}." in text


def test_89_96_percent_do_not_read_like_90(said):
    def nearly(images):
        return np.eye(CLASSES)[[4 if (images[0] == ORIGINAL).all() else TARGET]] * 0.8996

    load_checks("06")(4, (fooling(), ORIGINAL, nearly, TARGET))
    assert "a probability of 89.9%, more than before. The goal is 90%." in said()


# --- multiply-adds of Keras models ---


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: [layers.Conv2D(4, 3, padding="same")], 9 * 3 * 4 * 64),
        (lambda: [layers.Conv2D(4, 3)], 9 * 3 * 4 * 36),
        (lambda: [layers.Conv2D(4, 3, 2, "same")], 9 * 3 * 4 * 16),
        (lambda: [layers.Conv2D(6, 3, padding="same", groups=3)], 9 * 6 * 64),
        (lambda: [layers.DepthwiseConv2D(3, padding="same")], 9 * 3 * 64),
        (lambda: [layers.SeparableConv2D(4, 3, padding="same")], (9 * 3 + 3 * 4) * 64),
        (lambda: [layers.Conv2D(4, 1), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()], 3 * 4 * 64),
        (lambda: [layers.Flatten(), layers.Dense(10), layers.Dropout(0.5)], 192 * 10),
        (lambda: [layers.Dense(10)], 3 * 10 * 64),  # at each place, as a 1 × 1 convolution
        (lambda: [layers.RandomFlip(), layers.Rescaling(1 / 255)], 0),
        (lambda: [keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3)]), layers.Conv2D(2, 1)], 4176),
    ],
)
def test_multiply_adds(make, expected):
    parts = make()
    assert multiply_adds(keras.Sequential([keras.Input((8, 8, 3)), *parts])) == expected
    later = keras.Sequential(make())  # the shape comes with the first images
    later(IMAGES[:2].astype("float32"))
    assert multiply_adds(later) == expected


def raising(*_, **__):
    raise KeyError("own code")


JUDGED_BY_IMAGES = [("07", 4), ("08", 3), ("09", 4)]
FACES = [
    *(raising, len, str, np.mean, types.SimpleNamespace(predict=raising), types.SimpleNamespace(predict=3)),
    *(lambda images: images, lambda images: None, lambda images: 3.0, lambda images: ["a"], lambda images: []),
    *(types.SimpleNamespace(predict=lambda images, verbose, value=value: value) for value in VALUES),
]
TUPLES = [
    *((fooling(), ORIGINAL, face, TARGET) for face in [*FACES, *VALUES]),
    *((value, ORIGINAL, network, TARGET) for value in [*VALUES, *FUNCTIONS]),
    *((fooling(), value, network, TARGET) for value in VALUES),
    *((fooling(), ORIGINAL, network, value) for value in VALUES if value is not True),  # as an index, True is 1
    *((face, IMAGES, LABELS) for face in [*FACES, *VALUES]),
    *((trained(1), value, LABELS) for value in VALUES),
    *((trained(1), IMAGES, value) for value in VALUES),
    *((trained(1), LABELS, IMAGES), (trained(1), LABELS, LABELS), [trained(1), IMAGES, LABELS], ()),
]
LAYERS = [
    (types.SimpleNamespace(predict=trained(1).predict, layers=value), IMAGES, LABELS)
    for value in [*VALUES, [None], [3], [types.SimpleNamespace(weights=3)], [types.SimpleNamespace(layers=[3])]]
]
WITH_IMAGES = [("06", 4), *JUDGED_BY_IMAGES]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@every_exercise
def test_no_answer_raises(lesson, number, said):
    tuples = TUPLES if (lesson, number) in WITH_IMAGES else TUPLES[::9]
    for answer in [*VALUES, *FUNCTIONS, *tuples, *(LAYERS if (lesson, number) == ("09", 4) else ())]:
        load_checks(lesson)(number, answer)
        assert said().startswith(("… not yet: ", "✗ no: ")), answer

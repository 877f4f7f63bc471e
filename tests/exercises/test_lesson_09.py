"""The exercises of lesson 09, real-world architectures: right answers, typical mistakes with their messages."""

import functools
import itertools
import types

from helpers.engine import keras
from helpers.exercises import load_checks
from helpers.exercises.lesson_09 import BUDGET, BUDGET_GOAL
from helpers.exercises.networks import multiply_adds

import numpy as np
from any_answers import VALUES
from exercise_tools import Answers, dressed, letters, not_written, one_wrong
from network_tools import IMAGES, LABELS, Later, Network, counted, reader, trained, untrained

layers = keras.layers


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


def of_own_blocks(own_weights=False, not_called=False):
    """A network with a block of the learner's own, made of layers of Keras; or with more than these."""

    class Block(layers.Layer):
        def __init__(self, kernel_initializer):
            super().__init__()
            self.convolve = layers.SeparableConv2D(2, 3, use_bias=False)

        def build(self, shape):
            self.scale = self.add_weight(shape=(2, 2)) if own_weights else None
            self.convolve.build(shape)

        def call(self, maps):
            if not_called:
                return keras.ops.conv(maps, self.convolve.pointwise_kernel)
            return self.convolve(maps) if self.scale is None else self.convolve(maps) @ self.scale

    model = reader((Block,))
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


def with_lambda():
    known = reader()
    inputs = keras.Input((8, 8, 3))
    nothing = layers.GlobalMaxPooling2D()(layers.Conv2D(10, 1, kernel_initializer="zeros")(inputs))
    model = keras.Model(inputs, layers.add([nothing, layers.Lambda(lambda images: known(images))(inputs)]))
    model.compile(run_eagerly=True)
    return model


def priced(*numbers):
    return dict(zip(("weights", "work", "layers", "stack"), numbers, strict=True))


def gradient_by_loop(weights, residual):
    slope = 1.0
    for weight in weights:
        slope *= weight + (1 if residual else 0)
    return slope


def gradient_by_difference(weights, residual, step=1e-7):
    """What a small change of the input changes: exact, as the chain is linear."""

    def chain(x):
        for weight in weights:
            x = weight * x + (x if residual else 0)
        return x

    return (chain(step) - chain(0)) / step


def gradient_by_ways(weights, residual):
    """Each block is passed by or gone through."""
    ways = itertools.product(*([(1, weight) if residual else (weight,) for weight in weights]))
    return sum(np.prod(way) for way in ways)


STUBS = {
    1: "?",
    2: lambda size, channels, filters, height, width: ...,
    3: lambda x, filters, stride: ...,
    4: (..., IMAGES, LABELS),
    5: priced(*[None] * 4),
    6: letters("???"),
    7: lambda weights, residual: ...,
    8: letters("???"),
    9: letters("???"),
}
RIGHT = {
    1: ["(c)", "c", "(C)"],
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
        (Later(without_input), IMAGES, LABELS),
        (Later(of_own_blocks), IMAGES, LABELS),
        (counted(BUDGET_GOAL, BUDGET), [*IMAGES], LABELS.tolist()),
        (Later(reader), IMAGES, LABELS),
        (Later(reader, (layers.Conv2D, 8, 3, 2)), IMAGES, LABELS),
        (Later(lambda: reader(shape=(None, None, 3))), IMAGES, LABELS),
    ],
    5: [
        priced(76_800, 15_052_800, 2, 64_512),
        priced("76800", 1.50528e7, np.int64(2), np.float64(64_512)),
        priced(*np.array([76_800, 15_052_800, 2, 64_512])),
    ],
    6: dressed("cab"),
    7: [gradient_by_loop, gradient_by_difference, gradient_by_ways],
    8: dressed("bac"),
    9: dressed("bcb"),
}
WRONG = {
    1: [
        ("a", "patterns of channels"),
        ("b", "16 is the number of new maps"),
        ("d", "a weighted sum of all 192"),
    ],
    2: [
        (lambda k, c, f, h, w: (k * k * c * f, k * k * c * f * h * w), "that is a usual convolution"),
        (lambda k, c, f, h, w: (k * k * c, k * k * c * h * w), "the second step is missing"),
        (lambda k, c, f, h, w: (c * f, c * f * h * w), "the first step is missing"),
        (lambda k, c, f, h, w: (c * (k * k + f), h * w * k * k * c + c * f), "each of the two steps goes over all"),
        (lambda k, c, f, h, w: (c * (k * k + f), k * k * c + h * w * c * f), "each of the two steps goes over all"),
        (lambda k, c, f, h, w: (c * (k * k + f), h * w * k * k * c * f), "that is the work of a usual convolution"),
        (lambda k, c, f, h, w: (k * k + c * f, h * w * (k * k + c * f)), "a kernel for *each* channel"),
        (lambda k, c, f, h, w: (k * k * c + f, h * w * (k * k * c + f)), "has a weight for each channel"),
        (lambda k, c, f, h, w: (k * c + c * f, h * w * (k * c + c * f)), "has size × size weights"),
        (
            lambda k, c, f, h, w: (k * k * c + c + c * f + f, h * w * (k * k * c + c + c * f + f)),
            "there are no biases",
        ),
        (lambda k, c, f, h, w: (c * (k * k + f) + f, h * w * (c * (k * k + f) + f)), "there are no biases"),
        (lambda k, c, f, h, w: (c * (k * k + f) + f, h * w * c * (k * k + f)), "there are no biases"),
        (lambda k, c, f, h, w: (c * (k * k + f), 2 * h * w * c * (k * k + f)), "you count two"),
        (
            lambda k, c, f, h, w: (c * (k * k + f), (h - k + 1) * (w - k + 1) * c * (k * k + f)),
            "as many places as pixels",
        ),
        (
            lambda k, c, f, h, w: (c * (k * k + f) + 1, h * w * c * (k * k + f)),
            "it returned 8769 at place [0] where 8768",
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
        (3, "give the function itself, without parentheses"),
        (Network(), "give the function itself, without parentheses"),
        (lambda x, filters: x, "your function raised TypeError: <lambda>() takes 2"),
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
        (wrong_block(between=["relu"]), "there are 2 convolutions, but 1 layer of batch normalization"),
        (wrong_block(behind=("norm", "norm")), "there are 2 convolutions, but 3 layers of batch normalization"),
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
            (Later(functools.partial(reader, again=(layers.Conv2D, 3, 11))), IMAGES, LABELS),
            "it needs 697,354 multiply-adds for one image",
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
        ((Later(of_own_blocks, True), IMAGES, LABELS), "its multiply-adds cannot be counted"),
        ((Later(of_own_blocks, False, True), IMAGES, LABELS), "its multiply-adds cannot be counted"),
        ((counted(1, 0), IMAGES, LABELS), "its multiply-adds cannot be counted"),
        ((Later(with_lambda), IMAGES, LABELS), "a Lambda layer does not say"),
        ((trained(1), IMAGES[:, 0], LABELS), "it cannot take images of shape"),
        ((Later(reader), IMAGES[:, :4], LABELS), "it cannot take images of shape (4, 8, 3)"),
    ],
    5: [
        (priced(1_600, 15_052_800, 2, 64_512), "as deep as its input: 5 × 5 × 48"),
        (priced(76_864, 15_052_800, 2, 64_512), "there are no biases here"),
        (priced(1_200, 15_052_800, 2, 64_512), "that is one kernel, and there are 64"),
        (priced(15_360, 15_052_800, 2, 64_512), "for each channel a kernel has 5 × 5 weights"),
        (priced(76_800, 60_211_200, 2, 64_512), "pixels of the *output*"),
        (priced(76_800, 1_075_200, 2, 64_512), "14 rows and as many columns"),
        (priced(76_800, 76_800, 2, 64_512), "each weight is used at each place"),
        (priced(76_800, 30_105_600, 2, 64_512), "do you count two for a multiplication with its addition, or one axis"),
        (priced(76_800, 15_052_800, 2, 64_640), "there are no biases here"),
        (priced(76_800, 235_200, 2, 64_512), "the work for one map"),
        (priced(76_800, 11_059_200, 2, 64_512), "that is without padding"),
        (priced(76_800, 15_052_800, 3, 64_512), "one too many"),
        (priced(76_800, 15_052_800, 1, 64_512), "one too few"),
        (priced(76_800, 15_052_800, 2, 55_296), "only the first of them gets 48 channels"),
        (priced(76_800, 15_052_800, 2, 73_728), "gets 48 channels, not 64"),
        (priced(76_800, 15_052_800, 2, 27_648), "the first of them alone"),
        (priced(76_800, 15_052_800, 2, 1_152), "stack = 1152: a kernel is as deep as its input"),
        (priced(76_801, 15_052_800, 2, 64_512), "weights = 76801 is too large"),
        (priced("76,800", 15_052_800, 2, 64_512), "without a comma"),
    ],
    6: one_wrong(
        "cab",
        Aa="used at each place",
        Ab="where its maps are small",
        Bb="5 × 5 pixels as before",
        Bc="it can compute less",
        Ca="have no weights",
        Cc="these are copied for the test",
    ),
    7: [
        (lambda w, residual: sum(w + residual), "those are sums"),
        (lambda w, residual: gradient_by_loop(w, False), "each slope is 1 + w"),
        (lambda w, residual: gradient_by_loop(w, True), "no way around: each slope is w"),
        (lambda w, residual: gradient_by_loop(w, not residual), "it is the other way round"),
        (lambda w, residual: gradient_by_loop(w, False) + int(residual), "not only one around them all"),
        (lambda w, residual: np.prod(w) + (sum(w) if residual else 0), "around any of the blocks"),
        (lambda w, residual: abs(gradient_by_loop(w, residual)), "Keep its sign"),
        (lambda w, residual: [gradient_by_loop(w[: k + 1], residual) for k in range(len(w))], "after each block"),
        (lambda w, residual: gradient_by_loop(w[1:], residual), "the first block counts"),
        (lambda w, residual: np.mean(w + residual), "those are means"),
        (lambda w, residual: gradient_by_loop(w, residual) / 2, "it returned"),
        (lambda w, residual: w.append(residual), "your function raised AttributeError"),
    ],
    8: one_wrong(
        "bac",
        Aa="these do not help",
        Ac="and was not found",
        Bb="one has to change it and nothing else",
        Bc="here they grow",
        Ca="More must be equal",
        Cb="one run of each",
    ),
    9: one_wrong(
        "bcb",
        Aa="stored numbers drift",
        Ac="dropout in prediction",
        Ba="is called owl, too",
        Bb="as many outputs as before",
        Ca="without padding",
        Cc="every second place is left out",
    ),
}
MISSING = [
    (1, "5", "answer with one of the letters a, b, c, d"),
    (2, "?", "define the function"),
    (2, lambda *case: None, "write the body of the function"),
    (3, None, "define the function"),
    (3, not_written, "write the body of the function"),
    (3, lambda x, filters, stride: None, "write the body of the function, with a return at its end"),
    (3, only_where_the_shape_changes(lambda x, filters, stride: None), "write the body of the function"),
    (4, None, "train a network, then give check(4, (my_network, x_validation, y_validation))"),
    (4, trained(1), "give the trained network and the images: check(4, (my_network, x_validation, y_valid"),
    (4, (counted(1, 4), IMAGES, None), "give the images and their labels: check(4, (my_network, x_valid"),
    (5, priced(76_800, ..., 2, None), "fill in work, stack"),
    (5, 76_800, "keep the dictionary with the names weights, work, layers, stack"),
    (6, letters("c?b"), "B: put one of the letters a, b, c"),
    (7, None, "define the function"),
    (8, letters("ba?"), "C: put one of the letters a, b, c"),
    (9, letters("b?b"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "09", STUBS, RIGHT, WRONG, MISSING
    returns_no_array = (3,)


def test_no_layers_raise(said):
    strange = [[None], [3], [types.SimpleNamespace(weights=3)], [types.SimpleNamespace(layers=[3])]]
    for kinds in [*VALUES, *strange]:
        load_checks("09")(4, (types.SimpleNamespace(predict=trained(1).predict, layers=kinds), IMAGES, LABELS))
        assert said().startswith(("… not yet: ", "✗ no: ")), kinds

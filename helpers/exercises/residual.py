"""Exercise 3 of lesson 09: a residual block, judged by its weights and by what it computes."""

from functools import partial

from helpers.exercises.judges import Exercise, NotYet, Wrong, call, expect_function, in_short, is_stub

import numpy as np


def _residual(answer) -> None:
    """Judge small_block(x, filters, stride): shapes, weights, and what it computes, against the block of the text."""
    expect_function(answer)
    from helpers.engine import keras

    images = np.random.default_rng(0).normal(size=(2, 16, 16, 8)).astype("float32")
    for filters, stride in ((8, 1), (16, 2), (16, 1), (8, 2)):
        inputs = keras.Input((16, 16, 8))
        case = f"with 8 channels, filters={filters} and stride={stride}"
        outputs = call(answer, inputs, filters, stride, where=case, returns=False)
        if is_stub(outputs):
            raise NotYet("write the body of the function, with a return at its end.")
        if not isinstance(outputs, keras.KerasTensor):
            raise Wrong("return what the last layer gave: layers.ReLU()(…).")
        expected = (None, 16 // stride, 16 // stride, filters)
        if tuple(outputs.shape) != expected:
            raise Wrong(f"{case}, the maps are {tuple(outputs.shape)[1:]} where {expected[1:]} is right.")
        try:
            block = keras.Model(inputs, outputs)
            block(images)
        except Exception as error:  # what it returned does not depend on x, or cannot be computed
            raise Wrong(f"{case}, the result cannot be computed from x: {in_short(error, str)}") from error
        projected = stride > 1 or filters != 8
        _judge_weights(block, filters, projected, case)
        right = keras.Model(inputs, _small_block(inputs, filters, stride))
        results = (_computed(model, images / 2) for model in (block, right))  # so small that a ReLU(6) is a ReLU
        if not np.allclose(*results, rtol=0.02, atol=0.02):
            raise Wrong(_difference(block, images, projected, case))


def _judge_weights(block, filters: int, projected: bool, case: str) -> None:
    """Judge the shapes of the kernels of a block, and that there is batch normalization instead of biases."""
    names = [weight.path.split("/")[-1] for weight in block.weights]
    sizes = sorted(tuple(weight.shape) for weight in block.weights if weight.path.endswith("kernel"))
    right = sorted([(3, 3, 8, filters), (3, 3, filters, filters)] + [(1, 1, 8, filters)] * projected)
    if sizes == sorted([*right, (1, 1, 8, filters)]):
        raise Wrong(f"{case}, the shape stays the same, so no 1 × 1 convolution is needed.")
    if sizes != right:
        raise Wrong(f"{case}, its kernels are {sizes}, where {right} is right.")
    if "bias" in names:
        raise Wrong("the convolutions have a bias: use_bias=False, since batch normalization adds one anyway.")
    norms = names.count("moving_mean")
    if norms != len(sizes):
        plural = "s" * (norms != 1)
        raise Wrong(f"{case}, there are {len(sizes)} convolutions, but {norms} layer{plural} of batch normalization.")


def _computed(block, images, kernels=None, mean: float = 0.3, variance: float = 2) -> np.ndarray:
    """Return what a block computes where its norms have this mean and variance, with a scale of 1 and no offset.

    ``kernels`` maps their heights to one number for all weights; without it, kernels hold random numbers, those of the
    same shape the same ones, so that it makes no difference which of them was made first.
    """
    values = {"gamma": 1, "beta": 0, "moving_mean": mean, "moving_variance": variance}
    for weight in block.weights:
        name, shape = weight.path.split("/")[-1], tuple(weight.shape)
        if name in values:
            weight.assign(np.full(shape, values[name]))
        elif name == "kernel":
            random = np.random.default_rng(1).normal(scale=0.2, size=shape)
            weight.assign(np.full(shape, kernels[shape[0]]) if kernels else random)
    return np.asarray(block(images))


def _difference(block, images, projected: bool, case: str) -> str:
    """Say what is wrong with a block, by what it computes with special weights."""
    out = _computed(block, images, {3: 0, 1: 1}, mean=0, variance=1)  # only what came in is left
    if not np.isfinite(out).all():
        return f"{case}, with 3 × 3 kernels of zeros some numbers in the result are not finite."
    if out.min() < 0:
        return "there are negative numbers in the result: after the sum comes a ReLU."
    if np.allclose(out, 0):
        if projected:
            return f"{case}, with 3 × 3 kernels of zeros nothing is left: add what came in, projected."
        return "with kernels of zeros nothing is left: what came in has to be added."
    if not projected and not np.allclose(out, np.maximum(images, 0), atol=1e-4):
        return "with kernels of zeros, ReLU(x) has to be left. Is x itself added, once, before the last ReLU?"
    images = 1 + np.abs(images)
    if projected:
        out = _computed(block, images, {3: 0, 1: -1}, mean=-1, variance=1)  # the norms add 1: 1 and less than -1
        if np.allclose(out, 1, atol=0.01):
            return "what came in gets no ReLU after its projection: it is added as it is."
    else:
        out = _computed(block, images, {3: -1}, mean=1, variance=1)  # the norms subtract 1: all below 0 before a ReLU
        if (out > images + 0.01).any():
            return "between the two convolutions come batch normalization and a ReLU, in this order."
        if np.allclose(out, images, atol=0.01):
            return "a ReLU cuts off what is to be added: after the second batch normalization comes the sum."
    return (
        f"{case}, it computes something else than the block of the text with the same weights. Look at the order of "
        "the layers, at which two convolutions have the stride, at the padding, and at what comes before the sum."
    )


def _small_block(
    x,
    filters: int,
    stride: int,
    between="norm relu",
    behind="norm",
    way="norm",
    last="relu",
    first_stride=True,
    always=False,
    shortcut=True,
    bias=False,
):
    """Return what the block of exercise 3 makes of maps, or one in which something is different."""
    from helpers.engine import keras

    def then(x, kinds):
        for kind in kinds.split():
            x = keras.layers.ReLU()(x) if kind == "relu" else keras.layers.BatchNormalization()(x)
        return x

    def conv(x, size, stride):
        return keras.layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=bias)(x)

    first, second = (stride, 1) if first_stride else (1, stride)
    y = then(conv(then(conv(x, 3, first), between), 3, second), behind)
    if always or stride > 1 or x.shape[-1] != filters:
        x = then(conv(x, 1, stride), way)
    return then(keras.layers.Add()([x, y]) if shortcut else y, last)


BLOCK = Exercise(
    _residual,
    "That is the block of ResNet18 and ResNet34, and of the experiment below.",
    (
        "layers.Add()([x, y]) adds, where both have the same shape.",
        "The shape changes if stride > 1 or x.shape[-1] != filters. Then project x: 1 × 1, stride, norm.",
        "The order: convolution with the stride, norm, ReLU, convolution, norm, add, ReLU.",
    ),
    [
        (
            lambda x, filters, stride: _small_block(x, filters, 1),
            "with 8 channels, filters=16 and stride=2, the maps are (16, 16, 16) where (8, 8, 16) is right.",
        ),
        (
            partial(_small_block, always=True),
            "with 8 channels, filters=8 and stride=1, the shape stays the same, so no 1 × 1 convolution is needed.",
        ),
        (
            partial(_small_block, bias=True),
            "the convolutions have a bias: use_bias=False, since batch normalization adds one anyway.",
        ),
        (
            partial(_small_block, between="relu"),
            "with 8 channels, filters=8 and stride=1, there are 2 convolutions, but 1 layer of batch normalization.",
        ),
        (
            partial(_small_block, last=""),
            "there are negative numbers in the result: after the sum comes a ReLU.",
        ),
        (
            partial(_small_block, shortcut=False),
            "with kernels of zeros nothing is left: what came in has to be added.",
        ),
        (
            partial(_small_block, between="norm"),
            "between the two convolutions come batch normalization and a ReLU, in this order.",
        ),
        (
            partial(_small_block, between="relu norm"),
            "between the two convolutions come batch normalization and a ReLU, in this order.",
        ),
        (
            partial(_small_block, behind="norm relu"),
            "a ReLU cuts off what is to be added: after the second batch normalization comes the sum.",
        ),
        (
            partial(_small_block, way="norm relu"),
            "what came in gets no ReLU after its projection: it is added as it is.",
        ),
        (
            partial(_small_block, first_stride=False),
            "with 8 channels, filters=16 and stride=2, it computes something else than the block of the text with "
            "the same weights. Look at the order of the layers, at which two convolutions have the stride, at the "
            "padding, and at what comes before the sum.",
        ),
    ],
    patience=6,
)

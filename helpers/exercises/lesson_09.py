"""The exercises of lesson 09, real-world architectures: what is right, which mistakes are typical, and the hints."""

from functools import partial
from types import SimpleNamespace

from helpers.exercises.fresh import expect_all, expect_fresh
from helpers.exercises.judges import Exercise, NotYet, Wrong, call, choice, expect_function, function, in_short, is_stub
from helpers.exercises.networks import (
    IMAGES,
    LABELS,
    expect_right,
    kinds_of_layers,
    multiply_adds,
    outputs,
    stand_in,
    unpack_images,
)
from helpers.exercises.quizzes import quiz

import numpy as np


def _separable_cost(size, channels, filters, height, width):
    weights = size * size * channels + channels * filters
    return weights, weights * height * width


def _cost_of(weights_of, work_of=None):
    """Return the function of a learner who counts weights like that, and the same or others for each place."""

    def cost(size, channels, filters, height, width):
        weights = weights_of(size, channels, filters)
        return weights, (work_of or weights_of)(size, channels, filters) * height * width

    return cost


def _right_weights(size, channels, filters):
    return size**2 * channels + channels * filters


def _valid_cost(size, channels, filters, height, width):
    """Count the places of a convolution without padding; the second step keeps them."""
    return _separable_cost(size, channels, filters, height - size + 1, width - size + 1)


def _with_biases(size, channels, filters):
    return _right_weights(size, channels, filters) + filters


def _with_all_biases(size, channels, filters):
    return _with_biases(size, channels, filters) + channels


_COST_CASES = [(3, 64, 128, 28, 28), (5, 32, 16, 14, 20), (1, 8, 8, 7, 7), (3, 3, 1, 32, 24)]


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
        raise Wrong(f"{case}, there are {len(sizes)} convolutions, but {norms} layers of batch normalization.")


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
        "the layers, at which two convolutions have the stride, and at what comes before the sum."
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


BUDGET, BUDGET_GOAL = 500_000, 0.93


def _layer_of(work: int, **more):
    """Return something with the face of a layer that needs so many multiply-adds."""
    return SimpleNamespace(weights=[np.zeros((1, work // 4))], output=np.zeros((1, 2, 2, 1)), **more)


def _convolves(model) -> bool:
    """Tell whether a Keras model, or one in it, has a layer with kernels."""
    return any(hasattr(layer, "kernel_size") or _convolves(layer) for layer in getattr(model, "layers", ()))


def _cheap(answer) -> None:
    """Judge (model, images, labels): at most `BUDGET` multiply-adds, the share `BUDGET_GOAL` right."""
    model, images, labels = unpack_images(answer, "check(4, (my_network, x_validation, y_validation))")
    known = expect_all(images, labels, "x_validation and y_validation", 500)
    outputs(model, images, int(labels.max()) + 1)  # it takes them
    try:
        work = multiply_adds(model)
        if not work:
            raise ValueError
    except Exception as error:  # a model that was never called has no shapes, or its layers are of an unknown kind
        raise Wrong(
            f"its multiply-adds cannot be counted: begin with keras.Input({images.shape[1:]}), and use layers of Keras."
        ) from error
    if not _convolves(model):
        raise Wrong(
            "there is no convolution in it, and dense layers know nothing of neighbors. Build it of convolutions."
        )
    if work > BUDGET:
        raise Wrong(f"it needs {work:,} multiply-adds for one image. At most {BUDGET:,} are allowed.")
    if "Lambda" in kinds_of_layers(model):
        raise Wrong("a Lambda layer does not say how many multiply-adds it needs: use other layers of Keras.")
    expect_right(model, images, labels, BUDGET_GOAL, f"it gets {{}} right, with {work:,} multiply-adds")
    if known and len(known.dataset.test) >= 500:
        expect_fresh(model, known.dataset.test, BUDGET_GOAL, name="test images")


EXERCISES: dict[int, Exercise] = {
    1: Exercise(
        choice(
            "c",
            {
                "a": "it finds no patterns of pixels, but patterns of channels: which of them are strong together.",
                "b": "kernels of 1 × 1 leave height and width as they are. 16 is the number of new maps.",
                "d": "it does not pick, it mixes: each new map is a weighted sum of all 192.",
            },
        ),
        "A dense layer from 192 to 16 numbers, the same one at each place.",
        (
            "How many weights has one of its 16 kernels?",
            "Each of them is 1 × 1 × 192: what does it do with the 192 numbers at one place?",
        ),
    ),
    2: Exercise(
        function(
            _separable_cost,
            _COST_CASES,
            [
                (
                    _cost_of(lambda size, channels, filters: size**2 * channels * filters),
                    "that is a usual convolution.",
                ),
                (_cost_of(lambda size, channels, filters: size**2 * channels), "the second step is missing: 1 × 1."),
                (
                    _cost_of(lambda size, channels, filters: size**2 + channels * filters),
                    "the first step has a kernel for *each* channel.",
                ),
                (
                    _cost_of(lambda size, channels, filters: size**2 * channels + filters),
                    "each 1 × 1 kernel of the second step has a weight for each channel.",
                ),
                (
                    _cost_of(lambda size, channels, filters: size * channels + channels * filters),
                    "a kernel of the first step has size × size weights.",
                ),
                *(
                    (_cost_of(weights, work), "there are no biases here.")
                    for weights in (_with_biases, _with_all_biases)
                    for work in (weights, _right_weights)
                ),
                (
                    _cost_of(_right_weights, lambda *case: 2 * _right_weights(*case)),
                    "a multiplication with its addition counts as one: you count two.",
                ),
                (
                    _valid_cost,
                    'with "same" padding there are as many places as pixels: height × width.',
                ),
                (lambda *case: _separable_cost(*case)[::-1], "it is the other way round: first weights, then work."),
                (lambda *case: _separable_cost(*case)[0], "return both: weights, multiply_adds."),
                (lambda *case: (_separable_cost(*case)[0],) * 2, "each weight is used at each place: height × width."),
                (
                    lambda size, channels, filters, height, width: (
                        size**2 * channels + channels * filters,
                        (size**2 * channels + channels * filters) * height * width * channels,
                    ),
                    "the channels are in the number of weights already: multiply by height × width only.",
                ),
            ],
        ),
        "For 3 × 3 and many filters that is close to a ninth of the usual price.",
        (
            "First step: for each channel one kernel of size × size. Second step: filters kernels of 1 × 1 × channels.",
            "The multiply-adds are the weights, times the number of places.",
        ),
    ),
    3: Exercise(
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
                "with 8 channels, filters=8 and stride=1, there are 2 convolutions, but 1 layers of batch "
                "normalization.",
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
                "the same weights. Look at the order of the layers, at which two convolutions have the stride, and at "
                "what comes before the sum.",
            ),
        ],
        patience=6,
    ),
    4: Exercise(
        _cheap,
        "Less than the first layer of many a network, and it reads digits.",
        (
            "Most work is done where maps are large. How could they become small early?",
            "A stride of 2 in the first layer divides the work of all that follows by four.",
            "Depthwise separable convolutions do the rest, for instance with 16, 32 and 64 filters.",
        ),
        [
            ((model, IMAGES, LABELS), message)
            for model, message in (
                (
                    stand_in(layers=[_layer_of(600_000, kernel_size=(3, 3))]),
                    "it needs 600,000 multiply-adds for one image. At most 500,000 are allowed.",
                ),
                (
                    stand_in(layers=[_layer_of(1_920)]),
                    "there is no convolution in it, and dense layers know nothing of neighbors. Build it of "
                    "convolutions.",
                ),
                (
                    stand_in(0.9, layers=[_layer_of(40_000, kernel_size=(3, 3))]),
                    "it gets 90% right, with 40,000 multiply-adds. The goal is 93%.",
                ),
                (
                    stand_in(layers=[]),
                    "its multiply-adds cannot be counted: begin with keras.Input((8, 8, 3)), and use layers of Keras.",
                ),
            )
        ],
        patience=6,
    ),
    5: quiz("09"),
}

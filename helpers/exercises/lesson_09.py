"""The exercises of lesson 09, real-world architectures: what is right, which mistakes are typical, and the hints."""

from types import SimpleNamespace

from helpers.exercises.costs import COST, GRADIENT
from helpers.exercises.fresh import expect_all, expect_fresh, scaled_like
from helpers.exercises.judges import Exercise, Wrong, choice, choices, function
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
from helpers.exercises.residual import BLOCK

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


def _second_once(size, channels, filters, height, width):
    return _right_weights(size, channels, filters), size**2 * channels * height * width + channels * filters


def _first_once(size, channels, filters, height, width):
    return _right_weights(size, channels, filters), size**2 * channels + channels * filters * height * width


def _valid_cost(size, channels, filters, height, width):
    """Count the places of a convolution without padding; the second step keeps them."""
    return _separable_cost(size, channels, filters, height - size + 1, width - size + 1)


def _with_biases(size, channels, filters):
    return _right_weights(size, channels, filters) + filters


def _with_all_biases(size, channels, filters):
    return _with_biases(size, channels, filters) + channels


_COST_CASES = [(3, 64, 128, 28, 28), (5, 32, 16, 14, 20), (1, 8, 8, 7, 7), (3, 3, 1, 32, 24)]


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
        work = multiply_adds(model, images[:1])
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
    untrained = (0.2, ". Is it trained, on images of this scale?")
    expect_right(
        model, images, labels, BUDGET_GOAL, f"it gets {{}} right, with {work:,} multiply-adds", untrained=untrained
    )
    if known and len(known.dataset.test) >= 500:
        expect_fresh(model, known.dataset.test, BUDGET_GOAL, scaled_like(images), "test images")


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
                (_cost_of(lambda size, channels, filters: channels * filters), "the first step is missing."),
                *(
                    (cost, "each of the two steps goes over all places: height × width for both.")
                    for cost in (_second_once, _first_once)
                ),
                (
                    _cost_of(_right_weights, lambda size, channels, filters: size**2 * channels * filters),
                    "the weights are right, but that is the work of a usual convolution.",
                ),
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
    3: BLOCK,
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
    5: COST,
    6: Exercise(
        choices(
            {"A": "c", "B": "a", "C": "b"},
            {
                "A": {
                    "a": "a small file means few weights. But each of them is used at each place.",
                    "b": "a deep network can be fast, where its maps are small. Count what is multiplied.",
                },
                "B": {
                    "b": "it sees 5 × 5 pixels as before. What it gives up is something else.",
                    "c": "with fewer weights it can compute less. Whether that matters, no table of costs can tell.",
                },
                "C": {
                    "a": "strides, paddings, the order of layers and plus signs have no weights.",
                    "c": "these are copied for the test. What may differ is what the layers do with them.",
                },
            },
        ),
        "Count, name the price, and test what you built with numbers that reach each part of it.",
        (
            "A: what takes memory, and what takes time?",
            "B: how many kernels does each channel have? C: what has no weights?",
        ),
    ),
    7: GRADIENT,
    8: Exercise(
        choices(
            {"A": "b", "B": "a", "C": "c"},
            {
                "A": {
                    "a": "all four had the same one. It took more runs, at lower rates, to see that these do not help.",
                    "c": "they could copy the 20, and let the others do nothing. It can be done, and was not found.",
                },
                "B": {
                    "b": "Adam divides by their size. To show a cause, one has to change it and nothing else.",
                    "c": "here they grow on their way back. Without batch normalization they can vanish as well.",
                },
                "C": {
                    "a": "fewer than a thousand weights of 168,000 differ, in two projections. More must be equal.",
                    "b": "whatever else differs can make a large difference, too. And it was one run of each.",
                },
            },
        ),
        "One plus sign, and all else equal: that is what makes it an experiment.",
        (
            "A: which accuracy is high when a network overfits? B: what was measured, and when?",
            "C: what would somebody say who does not believe in the plus sign?",
        ),
    ),
    9: quiz("09"),
}

"""Two exercises of lesson 09: what a convolution costs, and the gradient of a chain with skip connections."""

from math import ceil

from helpers.exercises.anew import Task, drawn
from helpers.exercises.judges import Exercise, function

import numpy as np

# --- what a convolution costs ---

_COST_HINTS = (
    "A kernel has a weight for each of its pixels and each channel that comes in.",
    "A stride of S leaves ⌈height / S⌉ places along an axis, and each weight is used once at each place.",
    "One 3 × 3 sees 3 pixels along an axis, and each further one two more. It gets the maps of the one before.",
)


def _cost(kernel: int, channels: int, filters: int, height: int, stride: int) -> Task:
    """Ask for the weights and the work of a convolution, and for those of 3 × 3 convolutions in its place."""
    places, weights, count = ceil(height / stride), kernel**2 * channels * filters, (kernel - 1) // 2
    first, later = 9 * channels * filters, 9 * filters**2
    two = "that is twice as much: do you count two for a multiplication with its addition, or one axis without stride?"
    return Task(
        f'A convolution has {filters} kernels of {kernel} × {kernel}, no bias, stride {stride} and "same" padding. '
        f"It gets maps of {height} × {height} with {channels} channels. How many weights does it have (`weights`), and "
        "how many multiply-adds does it need (`work`)? How many 3 × 3 convolutions on top of each other see as many "
        f"pixels (`layers`)? If each of these has {filters} kernels, how many weights do they have together (`stack`)?",
        {"weights": weights, "work": weights * places**2, "layers": count, "stack": first + (count - 1) * later},
        {
            "weights": (
                (kernel**2 * filters, f"a kernel is as deep as its input: {kernel} × {kernel} × {channels}."),
                (weights + filters, "there are no biases here."),
                (kernel**2 * channels, f"that is one kernel, and there are {filters}."),
                (kernel * channels * filters, f"for each channel a kernel has {kernel} × {kernel} weights."),
            ),
            "work": (
                (weights * height**2, f"places are pixels of the *output*: with stride {stride} there are fewer."),
                (weights * places, f"the output has {places} rows and as many columns."),
                (weights, "each weight is used at each place of the output."),
                (2 * weights * places**2, two),
                (kernel**2 * channels * places**2, f"that is the work for one map, and there are {filters}."),
                (
                    weights * ((height - kernel) // stride + 1) ** 2,
                    'that is without padding. With "same" the kernel also finds places at the border.',
                ),
            ),
            "layers": (
                (count + 1, "that is one too many: the first sees 3 pixels along an axis, each further one two more."),
                (count - 1, "that is one too few: the first sees 3 pixels along an axis, each further one two more."),
            ),
            "stack": (
                (count * first, f"only the first of them gets {channels} channels. The next gets {filters} maps."),
                (count * later, f"the first of them gets {channels} channels, not {filters}."),
                (first, "that is the first of them alone."),
                (9 * count * filters, "a kernel is as deep as its input."),
                (first + (count - 1) * later + count * filters, "there are no biases here."),
            ),
        },
    )


COST = _cost(kernel=5, channels=48, filters=64, height=28, stride=2).exercise(
    "And between the small ones is room for a ReLU.",
    _COST_HINTS,
    another=drawn(
        _cost,
        _COST_HINTS,
        kernel=(5, 7),
        channels=(16, 24, 32, 48, 64, 96),
        filters=(16, 32, 48, 64, 128),
        height=(14, 20, 28, 32, 56),
        stride=(2, 3),
    ),
)

# --- the gradient of a chain ---


def _gradient(weights, residual):
    return np.prod(1 + weights if residual else weights)


_CHAINS = [
    (np.array([0.5, 0.8, 1.5]), False),
    (np.array([0.5, 0.8, 1.5]), True),
    (np.array([-0.5, 0.3, 0.4, -1.2]), True),
    (np.array([-2.0, 0.5, 3.0, 1.5]), False),
    (np.array([0.7]), True),
    (np.full(8, 0.1), True),
]

GRADIENT = Exercise(
    function(
        _gradient,
        _CHAINS,
        [
            (
                lambda w, residual: np.sum(1 + w if residual else w),
                "those are sums. Slopes of steps that follow each other are multiplied.",
            ),
            (
                lambda w, residual: np.prod(w),
                "with skip connections nothing is different in yours: each slope is 1 + w.",
            ),
            (
                lambda w, residual: np.prod(1 + w),
                "without skip connections there is no way around: each slope is w.",
            ),
            (
                lambda w, residual: _gradient(w, not residual),
                "it is the other way round: `residual` is True where there is a way around each block.",
            ),
            (
                lambda w, residual: np.prod(w) + residual,
                "there is a way around *each* block, not only one around them all.",
            ),
            (
                lambda w, residual: np.prod(w) + residual * np.sum(w),
                "there are ways around any of the blocks: multiply (1 + w), block by block.",
            ),
            (
                lambda w, residual: abs(_gradient(w, residual)),
                "a slope may be negative. Keep its sign.",
            ),
            (
                lambda w, residual: np.cumprod(1 + w if residual else w),
                "those are the slopes after each block. Return the last one.",
            ),
            (
                lambda w, residual: _gradient(w[1:], residual),
                "the first block counts as well.",
            ),
            (
                lambda w, residual: np.mean(1 + w if residual else w),
                "those are means. Slopes of steps that follow each other are multiplied.",
            ),
        ],
    ),
    "Try 44 weights of 0.1: without the plus sign nothing is left of the gradient, with it there is.",
    (
        "One block: what is the slope of w · x, and what is that of x + w · x?",
        "The slope of blocks that follow each other is the product of their slopes.",
    ),
)

"""The exercises of lesson 10b, optimizers and machines: what is right, which mistakes are typical, and the hints."""

import math

from helpers.exercises.judges import Exercise, choices, function, numbers
from helpers.exercises.quizzes import quiz

import numpy as np

_JUMPS = "it jumps from side to side all the way: nothing averages that away."
_OVERSHOOTS = "it shoots past the star and comes back, like something heavy."
_STRAIGHT = "its first step is equally long in both directions: each weight is divided by the size of its own gradient."

_WAYS = {
    "A": {
        "s": f"{_OVERSHOOTS} SGD stops where the slope stops.",
        "r": f"{_OVERSHOOTS} RMSprop has no memory of its direction.",
        "a": f"{_OVERSHOOTS} Adam does that, too, but its first step is equally long in both directions.",
    },
    "B": {
        "s": f"{_STRAIGHT} SGD goes down the steep side first.",
        "m": f"{_STRAIGHT} Momentum goes down the steep side first.",
        "a": "it does not shoot past the star: it has no memory of its direction.",
    },
    "C": {
        "m": f"{_JUMPS[:-1]}, and it never shoots past the star along the valley.",
        "r": f"{_JUMPS[:-1]}, and along the flat axis it crawls: no rate of its own for that axis.",
        "a": f"{_JUMPS[:-1]}, and along the flat axis it crawls: no rate of its own for that axis.",
    },
    "D": {
        "s": f"{_STRAIGHT} SGD goes down the steep side first.",
        "m": f"{_STRAIGHT} Momentum goes down the steep side first.",
        "r": "it swings past the star in wide curves: it remembers its direction.",
    },
}


def _combine(gradients, sizes):
    return sum(np.asarray(gradient) * size for gradient, size in zip(gradients, sizes, strict=True)) / sum(sizes)


def _combine_case(sizes: list[int], *shape: int) -> tuple:
    random = np.random.default_rng(sum(sizes))
    return [random.normal(size=shape) for _ in sizes], sizes


_COMBINE_CASES = [
    _combine_case([32, 12], 3),
    _combine_case([8, 1, 7], 2, 2),
    _combine_case([5], 4),
]

EXERCISES: dict[int, Exercise] = {
    1: Exercise(
        choices({"A": "m", "B": "r", "C": "s", "D": "a"}, _WAYS),
        "Heavy, careful, restless, and both at once.",
        (
            "Which two begin with a step equally long along both axes? They divide by the size of the gradient.",
            "Of these two, and of the others, which one shoots past the star? It remembers its direction.",
        ),
    ),
    2: Exercise(
        numbers(
            {"conv": math.sqrt(2 / 576), "dense": 0.05, "one_by_one": 0.2, "factor": 32},
            {
                "conv": {
                    math.sqrt(2 / 9): "each number is a sum over the kernel's area and all 64 channels.",
                    math.sqrt(2 / 288): "inputs count, not outputs: 3 · 3 · 64 numbers go into one.",
                    math.sqrt(2 / 64): "each number is a sum over the kernel's area and all 64 channels.",
                    math.sqrt(2 / 18_432): "that counts all weights. How many of them make one number?",
                    math.sqrt(1 / 576): "the 2 for the ReLU is missing.",
                    2 / 576: "that is the variance. The deviation is its root.",
                    math.sqrt(576): "by how much the spread grows, divide by that.",
                },
                "dense": {
                    math.sqrt(2 / 10): "inputs count, not outputs.",
                    math.sqrt(2 / 8000): "that counts all weights. How many of them make one number?",
                    math.sqrt(1 / 800): "the 2 for the ReLU is missing.",
                    2 / 800: "that is the variance. The deviation is its root.",
                },
                "one_by_one": {
                    math.sqrt(1 / 50): "the 2 for the ReLU is missing.",
                    math.sqrt(2): "one place, but 50 channels go into each number.",
                    math.sqrt(2 / 10): "inputs count, not outputs.",
                    math.sqrt(2 / 500): "that counts all weights. How many of them make one number?",
                    2 / 50: "that is the variance. The deviation is its root.",
                },
                "factor": {
                    2: "each layer makes it twice as much again.",
                    10: "the factors of five layers are multiplied, not added.",
                    25: "five factors of 2, not two factors of 5.",
                    64: "there are five layers.",
                    16: "there are five layers.",
                },
            },
            tolerance=1e-4,
        ),
        "0.059, 0.05 and 0.2; and a factor of 2 in five layers is one of 32.",
        (
            "√(2 / inputs): how many numbers are multiplied by weights and added up, to make one number?",
            "For a convolution: height × width × channels in. The factor counts once in each layer.",
        ),
    ),
    3: Exercise(
        numbers(
            {"python_rates": 2, "tensor_rates": 1, "last_batch": 2, "kept": 1},
            {
                "python_rates": {
                    3: "the third call has the rate of the first, and so its graph.",
                    1: "a Python number becomes a constant of the graph: each new one needs another graph.",
                },
                "tensor_rates": {
                    2: "a tensor is given to the graph when it runs: shape and dtype are the same for all.",
                    3: "a tensor is given to the graph when it runs: shape and dtype are the same for all.",
                    0: "the first call has to trace.",
                },
                "last_batch": {
                    1: "the last batch has another shape: 12 images.",
                    4: "the second epoch finds both graphs there.",
                    220: "a graph is kept: it is traced for each shape, not for each batch.",
                    110: "a graph is kept: it is traced for each shape, not for each batch.",
                    219: "a graph is kept: it is traced for each shape, not for each batch.",
                },
                "kept": {
                    3: "append is Python: it happens while tracing, and not when the graph runs.",
                    0: "it happens while tracing, and there is one trace.",
                },
            },
        ),
        "One trace for each shape and dtype, and for each Python number; and Python happens only then.",
        (
            "Is there a graph already for this shape, this dtype, this Python number? Then there is no trace.",
            "kept.append is Python, not TensorFlow. When does Python run?",
        ),
    ),
    4: Exercise(
        function(
            _combine,
            _COMBINE_CASES,
            [
                (
                    lambda gradients, sizes: sum(gradients) / len(gradients),
                    "the plain mean counts an image of the small part more than one of the large part.",
                ),
                (
                    lambda gradients, sizes: sum(gradients),
                    "the sum is the larger, the more replicas there are. It must be the mean over all images.",
                ),
                (
                    lambda gradients, sizes: sum(g * n for g, n in zip(gradients, sizes, strict=True)),
                    "that is the gradient of the sum over all images. Divide by their number.",
                ),
                (
                    lambda gradients, sizes: sum(g * n for g, n in zip(gradients, sizes, strict=True)) / len(sizes),
                    "divide by the number of images, not by that of the replicas.",
                ),
                (
                    lambda gradients, sizes: sum(g / n for g, n in zip(gradients, sizes, strict=True)),
                    "each gradient was divided by its own number of images already: multiply by that first.",
                ),
                (
                    lambda gradients, sizes: sum(gradients) / sum(sizes),
                    "each gradient was divided by its own number of images already: multiply by that first.",
                ),
                (
                    lambda gradients, sizes: gradients[0],
                    "the other replicas are left out.",
                ),
            ],
        ),
        "Each image counts the same, wherever it was. That is why a replica divides by the global batch.",
        (
            "A mean times its number of images is a sum. What are all sums together?",
            "Weigh each gradient by sizes[i] / sum(sizes).",
        ),
    ),
    5: quiz("10b"),
}

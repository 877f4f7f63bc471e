"""The exercises of lesson 11b, what each piece is worth: right answers, typical mistakes with their messages."""

from helpers.exercises.judges import Wrong
from helpers.exercises.more_arithmetic import floor

import numpy as np
import pytest
from exercise_tools import Answers, dressed, letters, one_wrong

FIRST, SECOND, DENSE = 627_200, 7_225_344, 640  # products of both convolutions and the dense layer, twice
FORWARD, TRAINING = 7_853_184, 22_932_352
FLOOR = {
    "forward": FORWARD,
    "training": TRAINING,
    "seconds": TRAINING * 600_000 / 200e9,
    "share": TRAINING * 600_000 / 200e9 / 120,
}
PLACES = {"most": "b", "norm": "c", "batch": "a"}
CURVES = {"A": "o", "B": "r", "C": "w", "D": "u"}

READ = {"a": "a", "b": "b", "c": "c", "d": "b"}

STUBS = {
    1: dict.fromkeys("abcd", "?"),
    5: letters("???"),
    2: dict.fromkeys(FLOOR, ...),
    3: dict.fromkeys(PLACES, "?"),
    4: dict.fromkeys(CURVES, "?"),
}
RIGHT = {
    1: [READ, {n: letter.upper() for n, letter in READ.items()}, {n: f"({letter})" for n, letter in READ.items()}],
    5: dressed("cab"),
    2: [
        FLOOR,
        {"forward": 7.853184e6, "training": 2.2932352e7, "seconds": 68.797, "share": 0.573309},
        {name: np.float64(value) for name, value in FLOOR.items()},
        {**FLOOR, "seconds": 68.8, "share": 0.57},  # as a learner rounds them
    ],
    3: [PLACES, {name: letter.upper() for name, letter in PLACES.items()}, {n: f"({x})" for n, x in PLACES.items()}],
    4: [CURVES, {name: letter.upper() for name, letter in CURVES.items()}, {n: f" {x}." for n, x in CURVES.items()}],
}
WRONG = {
    1: [
        ({**READ, name: letter}, f"{name}: {reason}")
        for name, letter, reason in (
            ("a", "b", "look at the interval again"),
            ("b", "a", "its interval includes 0"),
            ("c", "a", "a mean near 0 is not 0"),
            ("c", "b", "that no difference was seen does not say"),
            ("d", "a", "95% intervals miss the truth"),
            ("d", "c", "that is 5% of a hundred"),
        )
    ],
    5: one_wrong(
        "cab",
        Aa="the luckiest of 20",
        Ab="they have chosen it",
        Bb="known by heart",
        Bc="learns by heart even more easily",
        Ca="seldom comes from a network that is too small",
        Cc="steps that are too long",
    ),
    2: [
        ({**FLOOR, name: value}, reason)
        for name, value, reason in (
            ("forward", FORWARD / 2, "these are multiply-adds"),
            ("forward", FIRST + SECOND / 16 + DENSE, "goes through all 16 maps"),
            ("forward", 460_800 + 4_460_544 + DENSE, 'padding "same" keeps 28 × 28'),
            ("forward", FIRST + SECOND, "the dense layer is missing"),
            ("forward", FORWARD + 48 * 784 + 10, "biases do not count"),
            ("forward", FORWARD - 48 * 784 - 10, "count as many additions as multiplications"),
            ("forward", FORWARD + 32 * 784, "the mean of each map does not count"),
            ("training", FIRST + 2 * SECOND + 3 * DENSE, "the first convolution learns, unlike"),
            ("training", FIRST + 3 * SECOND + 3 * DENSE, "it needs the gradient of its weights"),
            ("forward", FIRST + SECOND + 501_760, "the mean comes first"),
            ("training", FORWARD, "Which two gradients follow"),
            ("training", 2 * FORWARD, "two gradients come after"),
            ("training", 3 * FORWARD, "does it need the gradient of its input"),
            ("training", TRAINING / 2, "these are multiply-adds"),
            ("seconds", FLOOR["seconds"] / 10, "that is one epoch"),
            ("seconds", FORWARD * 600_000 / 200e9, "that is a prediction for all images"),
            ("seconds", 3 * FORWARD * 600_000 / 200e9, "two times, not three"),
            ("seconds", TRAINING * 10 / 200e9, "that is one image, 10 times"),
            ("seconds", 1 / FLOOR["seconds"], "trainings per second"),
            ("seconds", 60, "too small"),
            ("seconds", 68, "too small"),
            ("share", 0.58, "too large"),
            ("share", 120 / FLOOR["seconds"], "how many times the floor it took"),
            ("share", 1 - FLOOR["share"], "that is what was lost"),
            ("share", 100 * FLOOR["share"], "not in percent"),
        )
    ],
    3: [
        ({**PLACES, name: letter}, f"{name}: {reason}")
        for name, letter, reason in (
            ("most", "a", "1,280 multiply-adds"),
            ("most", "c", "it has the most weights"),
            ("norm", "a", "it reads 30,752 numbers"),
            ("norm", "b", "by its arithmetic it would be even less"),
            ("batch", "b", "each image needs the same operations"),
            ("batch", "c", "a quarter of the images is a quarter"),
        )
    ],
    4: [
        ({**CURVES, name: letter}, f"{name}: {reason}")
        for name, letter, reason in (
            ("A", "u", "the training images are nearly all right"),
            ("A", "w", "with wrong labels training climbs slowly"),
            ("A", "r", "it learns, and well"),
            ("B", "u", "it could be a stage of underfitting"),
            ("B", "o", "nothing is learned, so nothing"),
            ("B", "w", "even with wrong labels"),
            ("C", "o", "close; but the validation accuracy falls"),
            ("C", "u", "the training accuracy still climbs"),
            ("C", "r", "with too large a rate"),
            ("D", "o", "both curves are low"),
            ("D", "w", "both curves still climb together"),
            ("D", "r", "it learns, steadily"),
        )
    ],
}
MISSING = [
    (1, {**READ, "d": "?"}, "d: put one of the letters a, b, c"),
    (5, letters("c?b"), "B: put one of the letters a, b, c"),
    (2, {**FLOOR, "seconds": ...}, "fill in seconds"),
    (3, {**PLACES, "norm": "?"}, "norm: put one of the letters a, b, c"),
    (4, {**CURVES, "D": ""}, "D: put one of the letters o, r, u, w"),
]


class TestLesson11b(Answers):
    lesson, stubs, right, wrong, missing = "11b", STUBS, RIGHT, WRONG, MISSING


@pytest.mark.parametrize("seed", range(20))
def test_three_digits_of_the_seconds_and_two_of_the_share_are_enough(seed):
    random = np.random.default_rng(seed)
    size, kernel, kernels, filters = (random.choice(some) for some in ((24, 32, 64), (3, 5, 7), (8, 16, 24), (32, 48)))
    task = floor(*map(int, (size, kernel, kernels, filters)), 10, 5, 100, 150, int(random.choice([13, 17, 25, 40])))
    seconds, share = (float(f"{task.right[name]:.{digits}g}") for name, digits in (("seconds", 3), ("share", 2)))
    judge = task.exercise("", ()).judge
    judge({**task.right, "seconds": seconds, "share": share})
    for wrong in ({"seconds": 1.02 * seconds}, {"share": share - 0.03}):
        with pytest.raises(Wrong):
            judge({**task.right, **wrong})

"""The exercises of lesson 06, activations and filters: right answers, typical mistakes with their messages."""

from helpers.exercises import load_checks

import numpy as np
import pytest
from any_answers import FUNCTIONS, VALUES
from exercise_tools import Answers, dressed, letters, one_wrong
from network_tools import CLASSES, FACES

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


STUBS = {
    1: "?",
    2: lambda maps, labels: ...,
    3: lambda maps: None,
    4: (..., ORIGINAL, network, TARGET),
    5: letters("???"),
}
RIGHT = {
    1: ["c", " C ", "(c)"],
    2: [
        means_by_loop,
        lambda m, y: np.bincount(y, m.mean(axis=(1, 2))) / np.bincount(y),
        lambda m, y: tuple(np.float32(m[y == k].mean()) for k in sorted(set(y.tolist()))),
    ],
    3: [dead_by_loop, lambda m: (m == 0).all(axis=(0, 1, 2)), lambda m: m.sum(axis=(0, 1, 2)) == 0],
    4: [
        (fooling(), ORIGINAL, network, TARGET),
        (fooling(6, 8).astype(np.float32), ORIGINAL.astype(np.uint8), network, np.int64(TARGET)),
        (fooling(8, 8).tolist(), ORIGINAL.tolist(), lambda images: network(images).tolist(), TARGET),
    ],
    5: dressed("cab"),
}
WRONG = {
    1: [("a", "something is added to their sum"), ("b", "an image of ones"), ("d", "the same from the same image")],
    2: [
        (
            lambda m, y: [sum(one.sum() for one, k in zip(m, y, strict=True) if k == c) for c in set(y)],
            "Take means",
        ),
        (lambda m, y: [max(one.max() for one, k in zip(m, y, strict=True) if k == c) for c in set(y)], "largest"),
        (
            lambda m, y: [m[y == k].reshape(sum(y == k), -1).max(1).mean() for k in range(max(y) + 1)],
            "mean of the peaks",
        ),
        (lambda m, y: [m[y == k].sum() / sum(y == k) for k in range(max(y) + 1)], "each map is summed up"),
        (lambda m, y: [m[y == k].sum() / m.size for k in range(max(y) + 1)], "the pixels of all images"),
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
        (lambda m: m.max(axis=(0, 1, 2)) < 1e-2, "responds rarely, or weakly, is not dead"),
        (lambda m: ~m[0].any(axis=(0, 1)), "only the first image"),
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
        (([[1], [2, 3]], ORIGINAL, network, TARGET), "must be an array of numbers, but it is [[1], [2, 3]]"),
    ],
    5: one_wrong(
        "cab",
        Aa="that is training",
        Ab="divided by 0.6 in training",
        Bb="a mirrored 2",
        Bc="a 6 turned by 180°",
        Ca="3 × 3 × 8 weights",
        Cc="biases are missing",
    ),
}
MISSING = [
    (1, "e", "answer with one of the letters a, b, c, d"),
    (2, None, "define the function"),
    (4, None, "make the image"),
    (4, "?", "make the image"),
    (4, fooling(), "give all four"),
    (4, (fooling(), ORIGINAL, network), "give all four"),
    (4, (fooling(), ORIGINAL, TARGET, network), "give all four"),
    (4, (fooling(), ORIGINAL, network, None), "give all four"),
    (4, (fooling(), ORIGINAL, network, "ship"), "give all four"),
    (4, (fooling(), ORIGINAL, network, CLASSES), "give all four"),
    (4, (fooling(), ORIGINAL, network, -1), "give all four"),
    (4, (fooling(), ORIGINAL, network, TARGET, 1), "give all four"),
    (4, (fooling(), None, network, TARGET), "give all four"),
    (4, (fooling(), ORIGINAL[0], network, TARGET), "give all four"),
    (5, letters("c?b"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "06", STUBS, RIGHT, WRONG, MISSING


def test_an_image_may_change_by_8_gray_levels_and_a_rounding(said):
    load_checks("06")(4, (fooling(8.0005), ORIGINAL, network, TARGET))
    assert said().startswith("✓ yes")
    before = fooling(), ORIGINAL.copy()
    load_checks("06")(4, (before[0], before[1], network, TARGET))
    np.testing.assert_array_equal(before[0], fooling())
    np.testing.assert_array_equal(before[1], ORIGINAL)


def test_89_96_percent_do_not_read_like_90(said):
    def nearly(images):
        return np.eye(CLASSES)[[4 if (images[0] == ORIGINAL).all() else TARGET]] * 0.8996

    load_checks("06")(4, (fooling(), ORIGINAL, nearly, TARGET))
    assert "a probability of 89.9%, more than before. The goal is 90%." in said()


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
def test_no_image_or_network_raises(said):
    answers = [
        *((fooling(), ORIGINAL, face, TARGET) for face in [*FACES, *VALUES]),
        *((value, ORIGINAL, network, TARGET) for value in [*VALUES, *FUNCTIONS]),
        *((fooling(), value, network, TARGET) for value in VALUES),
        *((fooling(), ORIGINAL, network, value) for value in VALUES if value is not True),  # as an index, True is 1
    ]
    for answer in answers:
        load_checks("06")(4, answer)
        assert said().startswith(("… not yet: ", "✗ no: ")), answer


def test_a_network_that_answers_nan_is_not_fooled(said):
    load_checks("06")(4, (fooling(), ORIGINAL, lambda images: network(images) * np.nan, TARGET))
    assert said().startswith("✗ no: the network gives the target a probability of nan%, no more than before.")

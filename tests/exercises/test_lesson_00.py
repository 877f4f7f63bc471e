"""The exercises of lesson 00, start here: right answers, typical mistakes with their messages."""

from itertools import islice

import numpy as np
from exercise_tools import Answers, dressed, letters, not_written, one_wrong


def by_places(image):
    return np.array([image[place] for place in (2, 3, 4)])


def by_taking(image):
    return np.take(image, [2, 3, 4], axis=0)


STUBS = {1: "?", 2: lambda image: ..., 3: letters("???")}
RIGHT = {
    1: ["b", "B", " (b) "],
    2: [lambda image: image[2:5], by_places, by_taking, lambda image: list(islice(image, 2, 5))],
    3: dressed("acb"),
}
WRONG = {
    1: [
        ("a", "A text that was changed is not a text that was run"),
        ("c", "the old value stays in the kernel"),
        ("D", "Python never asks"),
    ],
    2: [
        (lambda image: image[2:4], "the end of a slice is left out"),
        (lambda image: image[3:6], "row 2 is the third one"),
        (lambda image: image[1:4], "row 2 is the one with the number 2"),
        (lambda image: image[:, 2:5], "these are columns"),
        (lambda image: image[2:5, 2:5], "whole rows"),
        (lambda image: image[2], "that is one row"),
        (lambda image: image[2:6], "gives row 5, too"),
        (lambda image: image[2:], "all from row 2 on"),
        (lambda image: image[:5], "a beginning as well"),
        (lambda image: image[2:5:2], "row 3, between them"),
        (lambda image: image[2, 5], "that is one pixel"),
        (lambda image: image[2, 4], "that is one pixel"),
        (lambda image: image[1:5], "shape"),
        (lambda image: image[2:5] + 1, "where"),
    ],
    3: one_wrong(
        "acb",
        Ab="goes on without the page",
        Ac="waits in line",
        Ba="you do not know why",
        Bb="says nothing of memory",
        Ca="where it began",
        Cc="the same error comes again",
    ),
}
MISSING = [
    (1, "e", "answer with one of the letters a, b, c, d"),
    (2, None, "define the function"),
    (2, not_written, "write the body"),
    (3, letters("a?b"), "B: put one of the letters a, b, c"),
]


class TestLesson00(Answers):
    lesson, stubs, right, wrong, missing = "00", STUBS, RIGHT, WRONG, MISSING

"""The exercises of lesson 11, beat the benchmark: right answers, typical mistakes with their messages."""

from functools import cache, partial

from helpers.exercises import lesson_11
from helpers.recipe import Recipe, train

import numpy as np
import pytest
from exercise_tools import Answers, dressed, letters, not_written, one_wrong
from scipy import linalg

RULES = {"a": 4, "b": 5, "c": 0, "d": 2, "e": 1}
MAP = {"a": "b", "b": "b", "c": "c", "d": "a"}


def by_eigenvectors(patches):
    centered = patches - patches.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(centered.T, bias=True))
    return centered @ directions / np.sqrt(variances)


def by_svd(patches):
    centered = patches - patches.mean(0)
    return np.linalg.svd(centered, full_matrices=False)[0] * len(patches) ** 0.5


def by_root(patches):
    return (patches - patches.mean(0)) @ linalg.inv(linalg.sqrtm(np.cov(patches, rowvar=False)).real)


def by_cholesky(patches):
    return (patches - patches.mean(0)) @ np.linalg.cholesky(np.linalg.inv(np.cov(patches.T)))


@cache
def once(recipe):
    """Return a function that trains a recipe the first time, and returns the same network from then on."""
    trained = cache(lambda: train(*lesson_11._critters()[0], 10, recipe))
    return lambda images, labels, classes, seed, callbacks: trained()


def quick(images, labels, classes, seed=0, callbacks=()):
    return once(Recipe(batch=64))(images, labels, classes, seed, callbacks)


def narrower(images, labels, classes, seed, callbacks):
    return once(Recipe(batch=64, widths=(24, 64, 128)))(images, labels, classes, seed, callbacks)


def slow(images, labels, classes, seed, callbacks):
    return train(images, labels, classes, Recipe(epochs=5), seed, callbacks)


def no_network(images, labels, classes, seed, callbacks):
    return 0.99


class Blind:
    """A network that cannot judge images of this size."""

    def predict(self, images, batch_size, verbose):
        raise ValueError("expected shape=(None, 64, 64, 3)")


STUBS = {
    1: dict.fromkeys("abcde", ...),
    2: dict.fromkeys("abcd", "?"),
    3: lambda patches: ...,
    4: lambda images, labels, classes, seed, callbacks: ...,
    5: letters("?????"),
    6: letters("???"),
}
RIGHT = {
    1: [RULES, {name: float(rule) for name, rule in RULES.items()}, {name: np.int64(n) for name, n in RULES.items()}],
    2: [MAP, {name: letter.upper() for name, letter in MAP.items()}, {name: f"({x})" for name, x in MAP.items()}],
    3: [by_eigenvectors, by_svd, by_root, by_cholesky],
    4: [quick, partial(quick), narrower],
    5: dressed("bcabc"),
    6: dressed("bac"),
}
WRONG = {
    1: [
        ({**RULES, name: rule}, f"{name} = {rule}: {reason}")
        for name, rule, reason in (
            ("a", 0, "the best of 40"),
            ("a", 3, "rule 3 says what to choose by"),
            ("a", 5, "several seeds would not help"),
            ("b", 0, "one run each"),
            ("b", 4, "nothing was chosen here"),
            ("c", 3, "that is what validation images are for"),
            ("c", 4, "one look, after the choice"),
            ("d", 0, "these weights have learned"),
            ("d", 1, "its training is short"),
            ("e", 0, "preparing the images is work"),
            ("e", 2, "the images are the right ones"),
        )
    ],
    2: [
        ({**MAP, name: letter}, f"{name}: {reason}")
        for name, letter, reason in (
            ("a", "a", "the map: the row below"),
            ("a", "c", "that was not tried here"),
            ("b", "a", "the number of images"),
            ("b", "c", "the network computes in float32"),
            ("c", "a", "no label, but knowledge"),
            ("c", "b", "validation images stand for what is new"),
            ("d", "b", "after eight epochs its training accuracy is low"),
            ("d", "c", "a gradient of 512 images is less noisy"),
        )
    ],
    3: [
        (lambda rows: rows, "subtract the mean of each column first"),
        (lambda rows: rows - rows.mean(0), "turns nothing"),
        (lambda rows: (rows - rows.mean(0)) / rows.std(0), "dividing each column by its deviation turns nothing"),
        (lambda rows: by_eigenvectors(rows) * np.linalg.eigvalsh(np.cov(rows.T)) ** 0.5, "the columns have deviations"),
        (lambda rows: by_eigenvectors(rows) / np.linalg.eigvalsh(np.cov(rows.T)) ** 0.5, "the root of the variance"),
        (lambda rows: by_eigenvectors(rows).T, "a row for each row"),
        (lambda rows: np.linalg.eigh(np.cov(rows.T))[1], "a row for each row"),
        (lambda rows: by_eigenvectors(rows - rows.mean()) + 1, "subtract the mean"),
        (lambda rows: 0 * rows + np.nan, "nan"),
        (lambda rows: np.tanh(by_eigenvectors(rows)), "not all rows are turned and stretched by the same matrix"),
        (lambda rows: np.cumsum(by_eigenvectors(rows), axis=1), "turn the axes first"),
    ],
    4: [
        (no_network, "return the network: your function returned 0.99"),
        (lambda images, labels, classes, seed, callbacks: [0.2, 0.9], "return the network: your function returned"),
        (lambda images, labels, classes, seed, callbacks: Blind(), "your network cannot judge uint8 images"),
        (lambda images, labels: None, "TypeError"),
        (once(Recipe(epochs=1)), "That is in time, but the goal is 97.0%"),
        (slow, "The budget is 1.5 times"),
        (lambda *given, **more: 1 / 0, "ZeroDivisionError"),
    ],
    5: one_wrong(
        "bcabc",
        Aa="Nothing is copied before a batch",
        Ac="the mirror images are stored, once",
        Ba="long in one direction",
        Bb="Their lengths stay as unequal",
        Cb="the matrix is divided by its norm first",
        Cc="divided out, not subtracted",
        Da="then height and width, at the end the channels",
        Dc="each label is a list of one number",
        Ea="the last number of the first shape",
        Eb="the smallest and the largest number",
    ),
    6: one_wrong(
        "bac",
        Aa="each rule makes another step",
        Ac="SGD takes them as they are",
        Bb="those that judge stay as they are: else",
        Bc="more images to learn from, yes",
        Ca="multiplied with each other",
        Cb="the places and the size of the kernel",
    ),
}
MISSING = [
    (5, letters("b?abc"), "B: put one of the letters a, b, c"),
    (6, letters("b?c"), "B: put one of the letters a, b, c"),
    (1, {**RULES, "b": ...}, "fill in b"),
    (2, {**MAP, "c": "?"}, "c: put one of the letters"),
    (3, None, "define the function"),
    (3, not_written, "write the body"),
    (4, ..., "define the function"),
    (4, not_written, "write the body"),
]


class TestLesson11(Answers):
    lesson, stubs, right, wrong, missing = "11", STUBS, RIGHT, WRONG, MISSING


def test_nobody_else_has_the_fresh_critters():
    training, fresh = lesson_11._critters()
    assert not {image.tobytes() for image in training.images} & {image.tobytes() for image in fresh.images}
    assert len({image.tobytes() for image in fresh.images}) == lesson_11.FRESH
    assert np.bincount(fresh.labels).tolist() == [lesson_11.FRESH // 10] * 10


@pytest.mark.parametrize("rows", lesson_11.ROWS)
def test_rows_need_all_three_steps(rows):
    (numbers,) = rows
    correlation = np.corrcoef(numbers.T)
    assert np.abs(correlation - np.eye(len(correlation))).max() > 0.2
    assert np.abs(numbers.mean(axis=0)).min() > 10 and np.ptp(numbers.std(axis=0)) > 0.5

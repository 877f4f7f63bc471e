"""The exercises of lesson 11, Beat the benchmark."""

from dataclasses import replace
from functools import cache, partial
from time import process_time

from helpers.datasets.base import Split
from helpers.exercises.judges import Exercise, Wrong, call, call_answer, choices, expect_function, in_short, numbers
from helpers.exercises.quizzes import quiz

import numpy as np

# --- 3: whitening ---


def _rows(count: int, width: int, seed: int) -> np.ndarray:
    """Return rows (count, width) of numbers that go together, far from 0, of unequal size."""
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(count, width)) @ random.normal(size=(width, width)) + random.normal(size=(count, 1))
    return 3 * mixed * np.linspace(1, 2, width) + 100


ROWS = [(_rows(4000, 12, 0),), (_rows(500, 2, 1),), (np.rint(_rows(3000, 5, 2)).astype("int64"),)]
"""What a learner's function is tried with: 2 × 2 pixels in color, few, and whole numbers."""


def _whitened(answer) -> None:
    for case in ROWS:
        (rows,) = case
        where = f"for an array of shape {rows.shape}"
        result = call_answer(answer, case)
        if result.shape != rows.shape:
            raise Wrong(f"{where} it returned the shape {result.shape}; a row for each row, a column for each axis.")
        centered = rows - rows.mean(axis=0)
        means, deviations = np.abs(result.mean(axis=0)).max(), result.std(axis=0)
        if means > 0.01:
            raise Wrong(f"{where} a column has the mean {means:.3g}: subtract the mean of each column first.")
        turned = centered @ np.linalg.lstsq(centered, result)[0]
        if np.abs(result - turned).max() > 1e-3:
            raise Wrong(f"{where} not all rows are turned and stretched by the same matrix.")
        correlation = np.corrcoef(result.T) if (deviations > 0).all() else np.ones((2, 2))
        apart = np.abs(correlation[~np.eye(len(correlation), dtype=bool)]).max()
        if apart > 0.01:
            known = correlation.shape == (width := rows.shape[1], width) and np.allclose(
                np.corrcoef(rows.T), correlation, atol=1e-6
            )
            more = "dividing each column by its deviation turns nothing." if known else "turn the axes first."
            raise Wrong(f"{where} two columns have the correlation {apart:.2f}: {more}")
        if np.abs(deviations - 1).max() > 0.01:
            squared = np.abs(deviations * np.sqrt(np.linalg.eigvalsh(np.cov(rows.T)))[np.argsort(-deviations)] - 1)
            more = " Divide by the root of the variance." if squared.max() < 0.01 else ""
            raise Wrong(
                f"{where} the columns have deviations from {deviations.min():.3g} to {deviations.max():.3g}.{more}"
            )


def _turned(rows, stretch):
    """Return rows in the axes of their principal components, each divided by a function of its variance."""
    centered = rows - rows.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(centered.T, bias=True))
    return centered @ directions / stretch(variances)


_FIRST = "for an array of shape (4000, 12)"
_WHITENING_MISTAKES = [
    (
        lambda rows: _turned(rows, lambda variances: variances),
        f"{_FIRST} the columns have deviations from 0.0323 to 0.483. Divide by the root of the variance.",
    ),
    (lambda rows: _turned(rows, np.ones_like), f"{_FIRST} the columns have deviations from 2.07 to 31."),
    (
        lambda rows: (rows - rows.mean(axis=0)) / rows.std(axis=0),
        f"{_FIRST} two columns have the correlation 0.51: dividing each column by its deviation turns nothing.",
    ),
    (
        lambda rows: _turned(rows, np.sqrt) + 1,
        f"{_FIRST} a column has the mean 1: subtract the mean of each column first.",
    ),
    (
        lambda rows: _turned(rows, np.sqrt).T,
        f"{_FIRST} it returned the shape (12, 4000); a row for each row, a column for each axis.",
    ),
]

# --- 4: a target within a budget ---

GOAL = 0.97
"""Share of fresh critters to be right."""
FRESH = 800
"""Critters that only the judge has."""
SLACK = 1.5
"""Times the budget: that a computer is busy shall not decide."""


@cache
def _critters() -> tuple:
    """Return the critters to train with, and images and labels of others."""
    from helpers.datasets import load_dataset
    from helpers.datasets.critters import critter, labels
    from helpers.recipe import shrink

    dataset = load_dataset("critters")
    fresh = Split(np.stack([critter("test", index, seed=11).image for index in range(FRESH)]), labels(FRESH))
    dataset = shrink(replace(dataset, test=fresh))
    return dataset.train, dataset.test


def _timed(train) -> tuple:
    """Return what a function that trains returns, and its processor seconds."""
    images, labels = (array.copy() for array in _critters()[0])
    begun = process_time()
    network = call(partial(train, seed=0, callbacks=[]), images, labels, 10, where="for the critters")
    return network, process_time() - begun


@cache
def _budget() -> float:
    """Return the processor seconds that the recipe takes here for two epochs."""
    from helpers.recipe import Recipe, train

    images, labels = _critters()[0]
    train(images[:256], labels[:256], 10, Recipe(epochs=1))  # the first training of all takes longer
    return _timed(partial(train, recipe=Recipe()))[1]


def _within_budget(answer) -> None:
    from helpers.recipe import scores
    from helpers.trials import share_right

    expect_function(answer)
    network, used = _timed(answer)
    if not hasattr(network, "predict"):
        raise Wrong(f"return the network: your function returned {in_short(network)}.")
    images, labels = _critters()[1]
    try:
        reached = share_right(scores(network, images), labels)
    except Exception as error:
        raise Wrong(f"your network cannot judge uint8 images {images.shape}: {str(error)[:300]}") from None
    share = used / _budget()
    said = f"{reached:.1%} of {FRESH} fresh critters, in {share:.2f} times the processor seconds of the recipe"
    if share > SLACK:
        raise Wrong(f"{said}. The budget is {SLACK} times.")
    if reached < GOAL:
        raise Wrong(f"{said}. That is in time, but the goal is {GOAL:.1%}.")


EXERCISES = {
    1: Exercise(
        numbers(
            {"a": 4, "b": 5, "c": 0, "d": 2, "e": 1},
            {
                "a": {
                    0: "the best of 40 test accuracies is the luckiest one, too. What was it chosen by?",
                    3: "rule 3 says what to choose by; the rule that is broken is on the test images.",
                    5: "several seeds would not help: it is chosen on the test images.",
                },
                "b": {
                    0: "one run each, and a difference of 0.4 points: another seed may turn it round.",
                    4: "nothing was chosen here. How large is the difference between two seeds?",
                },
                "c": {
                    3: "that is what validation images are for.",
                    4: "one look, after the choice: that is allowed.",
                },
                "d": {
                    0: "these weights have learned from a million other images. The others have not.",
                    1: "its training is short since it began before. Which images has it seen?",
                },
                "e": {
                    0: "preparing the images is work that the training needs. Whoever does it beforehand hides it.",
                    2: "the images are the right ones. What is left out is time.",
                },
            },
        ),
        "Choosing on the test, one run, other people's images, and hidden time: the usual ways to win unfairly.",
        (
            "Read the five rules again. One of the five is within all of them.",
            "a: what was the rate chosen by? b: how many runs? d: which images? e: which seconds?",
        ),
    ),
    2: Exercise(
        choices(
            {"a": "b", "b": "b", "c": "c", "d": "a"},
            {
                "a": {
                    "a": "the map: the row below is hardly better at this rate. What about the column?",
                    "c": "that was not tried here; and a network that stands still does so with more kernels, too.",
                },
                "b": {
                    "a": "the number of images does not change the length of a step.",
                    "c": "the network computes in float32: Rescaling and convolutions turn uint8 into that.",
                },
                "c": {
                    "a": "no label, but knowledge of the test images: their colors and brightness.",
                    "b": "validation images stand for what is new. Only training images may be known.",
                },
                "d": {
                    "b": "after eight epochs its training accuracy is low as well: nothing is learned by heart.",
                    "c": "a gradient of 512 images is less noisy than one of 64.",
                },
            },
        ),
        "Scaling and rate are one dial with two handles, and what is computed from images counts as learned.",
        (
            "Find the place of each on the map, and see what lies beside it.",
            "a: which column is good for images from 0 to 1? c: what does lesson 4 say of validation images?",
        ),
    ),
    3: Exercise(
        _whitened,
        "Uncorrelated, mean 0, deviation 1: after that no direction is steeper than another.",
        (
            "Three steps: subtract the mean, turn the axes, divide each by its deviation.",
            "np.linalg.eigh of the covariance gives variances, and directions as columns. centered @ directions turns.",
        ),
        _WHITENING_MISTAKES,
    ),
    4: Exercise(
        _within_budget,
        "In time, and on critters that nobody has seen. Is there a still faster way?",
        (
            "Where does a training spend its seconds? In wide layers, and in epochs. How many steps does it make?",
            "A smaller batch makes more steps of the same images. Narrower stages make each of them cheaper.",
        ),
        [
            (
                lambda images, labels, classes, seed, callbacks: 0.97,
                "return the network: your function returned 0.97.",
            ),
            (
                lambda images, labels, classes, seed, callbacks: [0.1, 0.97],
                "return the network: your function returned [0.1, 0.97].",
            ),
            (
                lambda images, labels, classes: None,
                "your function raised TypeError: <lambda>() got an unexpected keyword argument 'seed', for the "
                "critters.",
            ),
        ],
        patience=12,
    ),
    5: Exercise(
        choices(
            {"A": "b", "B": "c", "C": "a", "D": "b", "E": "c"},
            {
                "A": {
                    "a": "a window is a way to read memory. Nothing is copied before a batch is taken out of it.",
                    "c": "the mirror images are stored, once, and so is the padding.",
                },
                "B": {
                    "a": "then the step would be as it was: long in one direction, short in the others.",
                    "b": "that scales all directions alike. Their lengths stay as unequal as before.",
                },
                "C": {
                    "b": "the matrix is divided by its norm first.",
                    "c": "the length of the gradient is divided out, not subtracted.",
                },
                "D": {
                    "a": "the number of images comes first, then height and width, at the end the channels.",
                    "c": "the 1 says that each label is a list of one number. What are the smallest and the largest?",
                },
                "E": {
                    "a": "the last number of the first shape says that.",
                    "b": "the smallest and the largest number say that.",
                },
            },
        ),
        "Windows instead of copies, a direction instead of a length, and a look at the data before both.",
        (
            "A: what is in memory, and what only looks as if it were? B and C: look at the first line of orthogonal. "
            "D: number, height, width, channels.",
            "B: what does the figure show of the singular values afterwards? E: what would you have to count?",
        ),
    ),
    6: quiz("11"),
}

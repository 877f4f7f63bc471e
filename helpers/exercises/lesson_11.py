"""The exercises of lesson 11, Beat the benchmark."""

from helpers.exercises.budget import within_budget
from helpers.exercises.judges import Exercise, Raised, Wrong, call_answer, choices, numbers
from helpers.exercises.quizzes import quiz

import numpy as np

# --- 3: whitening ---


def _rows(count: int, width: int, seed: int) -> np.ndarray:
    """Return rows (count, width) of numbers that go together, far from 0, of unequal size."""
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(count, width)) @ random.normal(size=(width, width)) + random.normal(size=(count, 1))
    return 3 * mixed * np.linspace(1, 2, width) + 100


ROWS = [(_rows(400, 12, 0),), (_rows(200, 2, 1),), (np.rint(_rows(300, 5, 2)).astype("int64"),)]
"""What a learner's function is tried with: 2 × 2 pixels in color, few axes, and whole numbers.

Few rows: without its ``.T``, np.cov makes a matrix of (rows, rows), and of thousands eigh takes minutes.
"""


def _whitened(answer) -> None:
    for case in ROWS:
        (rows,) = case
        where, width = f"for an array of shape {rows.shape}", rows.shape[1]
        try:
            result = call_answer(answer, case)
        except Raised as raised:
            if f"{len(rows)} is different from {width}" not in str(raised):
                raise
            raise Wrong(f"{raised} Is it np.cov(centered.T)? np.cov takes each row for a variable.") from None
        if result.shape != rows.shape:
            raise Wrong(f"{where} it returned the shape {result.shape}; a row for each row, a column for each axis.")
        means, deviations = np.abs(result.mean(axis=0)).max(), result.std(axis=0)
        if deviations.min() < 1e-9:
            raise Wrong(f"{where} column {deviations.argmin()} has the same number in all rows: no axis may get lost.")
        if np.array_equal(result, np.rint(result)):
            raise Wrong(f"{where} it returned whole numbers only: was the result put into an array of integers?")
        if means > 0.01:
            raise Wrong(f"{where} a column has the mean {means:.3g}: subtract the mean of each column first.")
        centered = rows - rows.mean(axis=0)
        matrix = np.linalg.lstsq(centered, result)[0]
        if np.abs(result - centered @ matrix).max() > 1e-3:
            raise Wrong(f"{where} not all rows are turned and stretched by the same matrix.")
        correlation = np.corrcoef(result.T)
        apart = np.abs(correlation - np.eye(width)).max()
        if apart > 0.01:
            raise Wrong(
                f"{where} two columns have the correlation {apart:.2f}: {_turned_how(rows, correlation, matrix)}"
            )
        if np.abs(deviations - 1).max() > 0.01:
            raise Wrong(
                f"{where} the columns have deviations from {deviations.min():.3g} to {deviations.max():.3g}. "
                f"{_stretched_how(rows, deviations)}"
            )


_COLUMNS = "For eigh of the covariance these are the columns: centered @ directions."


def _turned_how(rows, correlation, matrix) -> str:
    """Return what to do about columns with this correlation, which the matrix makes of centered rows."""
    if np.allclose(np.corrcoef(rows.T), correlation, atol=1e-6):
        return "dividing each column by its deviation turns nothing."
    axes = matrix / np.linalg.norm(matrix, axis=0)
    if np.allclose(axes.T @ axes, np.eye(len(axes)), atol=1e-3):
        return f"the axes are turned, but not to the principal components. {_COLUMNS}"
    return "turn the axes first."


def _stretched_how(rows, deviations) -> str:
    """Return what to do about turned columns with these deviations."""
    if np.ptp(deviations) < 0.01 * deviations.max():
        return "They are alike, but not 1: a covariance is divided by the number of rows."
    if 0.98 < deviations.max() < 1.01:
        return "Was something added to the variances? Here nothing is."
    squared = deviations * np.sqrt(np.linalg.eigvalsh(np.cov(rows.T)))[np.argsort(-deviations)]
    return f"Divide {'by the root of the variance' if np.abs(squared - 1).max() < 0.01 else 'each by its deviation'}."


def _turned(rows, stretch):
    """Return rows in the axes of their principal components, each divided by a function of its variance."""
    centered = rows - rows.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(centered.T, bias=True))
    return centered @ directions / stretch(variances)


_FIRST = "for an array of shape (400, 12)"
_WHITENING_MISTAKES = [
    (
        lambda rows: _turned(rows, lambda variances: variances),
        f"{_FIRST} the columns have deviations from 0.0363 to 2.88. Divide by the root of the variance.",
    ),
    (
        lambda rows: _turned(rows, np.ones_like),
        f"{_FIRST} the columns have deviations from 0.347 to 27.5. Divide each by its deviation.",
    ),
    (
        lambda rows: _turned(rows, np.sqrt) / np.sqrt(len(rows)),
        f"{_FIRST} the columns have deviations from 0.05 to 0.05. They are alike, but not 1: a covariance is divided "
        "by the number of rows.",
    ),
    (
        lambda rows: _turned(rows, np.sqrt)[:, ::-1].cumsum(axis=1),
        f"{_FIRST} two columns have the correlation 0.96: turn the axes first.",
    ),
    (
        lambda rows: (rows - rows.mean(axis=0)) @ np.linalg.eigh(np.cov(rows.T))[1].T,
        f"{_FIRST} two columns have the correlation 0.77: the axes are turned, but not to the principal components. "
        f"{_COLUMNS}",
    ),
    (
        lambda rows: _turned(rows, lambda variances: np.sqrt(variances + 0.01)),
        f"{_FIRST} the columns have deviations from 0.961 to 1. Was something added to the variances? Here nothing is.",
    ),
    (
        lambda rows: 0.0 * rows,
        f"{_FIRST} column 0 has the same number in all rows: no axis may get lost.",
    ),
    (
        lambda rows: np.rint(_turned(rows, np.sqrt)),
        f"{_FIRST} it returned whole numbers only: was the result put into an array of integers?",
    ),
    (
        lambda rows: (rows - rows.mean(axis=0)) / rows.std(axis=0),
        f"{_FIRST} two columns have the correlation 0.67: dividing each column by its deviation turns nothing.",
    ),
    (
        lambda rows: _turned(rows, np.sqrt) + 1,
        f"{_FIRST} a column has the mean 1: subtract the mean of each column first.",
    ),
    (
        lambda rows: _turned(rows, np.sqrt).T,
        f"{_FIRST} it returned the shape (12, 400); a row for each row, a column for each axis.",
    ),
]

EXERCISES = {
    1: Exercise(
        numbers(
            {"a": 4, "b": 5, "c": 0, "d": 2, "e": 1},
            {
                "a": {
                    0: "the best of 40 test accuracies is the luckiest one, too. What was it chosen by?",
                    1: "no seconds are compared here. What was the rate chosen by?",
                    2: "in a way, yes. But one rule says how often one may look at test images.",
                    3: "in a way, yes. But one rule says how often one may look at test images.",
                    5: "several seeds would not help: it is chosen on the test images.",
                },
                "b": {
                    0: "one run each, and a difference of 0.4 points: another seed may turn it round.",
                    1: "no seconds are compared here. How large is the difference between two seeds?",
                    2: "nobody says what they have learned from. How large is the difference between two seeds?",
                    3: "nothing was chosen here. How large is the difference between two seeds?",
                    4: "nothing was chosen here. How large is the difference between two seeds?",
                },
                "c": {
                    1: "no seconds are compared here.",
                    2: "the validation images chose. Nothing was learned from them.",
                    3: "that is what validation images are for.",
                    4: "one look, after the choice: that is allowed.",
                    5: "nothing is said to be better than something else.",
                },
                "d": {
                    0: "these weights have learned from a million other images. The others have not.",
                    1: "its training is short since it began before. Which images has it seen?",
                    3: "nothing was chosen here. Which images has it seen?",
                    4: "nothing was chosen here. Which images has it seen?",
                    5: "with several seeds it would be the same. Which images has it seen?",
                },
                "e": {
                    0: "preparing the images is work that the training needs. Whoever does it beforehand hides it.",
                    2: "the images are the right ones. What is left out is time.",
                    3: "nothing was chosen here. What is left out is time.",
                    4: "nothing was chosen here. What is left out is time.",
                    5: "several seeds would leave out the same seconds.",
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
        within_budget,
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

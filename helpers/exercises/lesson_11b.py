"""The exercises of lesson 11b, What each piece is worth."""

from helpers.exercises.anew import drawn
from helpers.exercises.judges import Exercise, choices
from helpers.exercises.more_arithmetic import floor
from helpers.exercises.quizzes import quiz

_FLOOR_HINTS = (
    "A convolution: 2 × height × width of its maps × kernels × (kernel height × width × channels in).",
    "training = 2 × the first convolution + 3 × all that comes after it; seconds = training × images / speed.",
)

EXERCISES = {
    1: Exercise(
        choices(
            {"a": "a", "b": "b", "c": "c", "d": "b"},
            {
                "a": {"b": "look at the interval again: it ends far below 0, and all five seeds agree."},
                "b": {"a": "its interval includes 0: another five seeds may well say the opposite."},
                "c": {
                    "a": "a mean near 0 is not 0. How wide is the interval, and how long were the trainings?",
                    "b": "that no difference was seen does not say that there is none: a small one would be missed.",
                },
                "d": {
                    "a": "95% intervals miss the truth in 5% of all cases, also where there is nothing to find.",
                    "c": "that is 5% of a hundred. How many intervals are there here?",
                },
            },
        ),
        "An interval says what was seen and what may have been missed. And of many intervals some are unlucky.",
        (
            "For a and b: does the interval include 0? For c: is that the same as 'none'?",
            "d: each of them misses 0 with a probability of 5%, if the piece makes no difference.",
        ),
    ),
    2: floor(
        size=28, kernel=5, kernels=16, filters=32, classes=10, epochs=10, thousands=60, billions=200, tenths=17
    ).exercise(
        "Shape by shape, kernel by kernel: a floor is an hour of arithmetic saved by a minute of it.",
        _FLOOR_HINTS,
        another=drawn(
            floor,
            _FLOOR_HINTS,
            size=(24, 32, 48, 64),
            kernel=(3, 5, 7),
            kernels=(8, 16, 24, 32),
            filters=(32, 48, 64),
            classes=(5, 10, 20),
            epochs=(5, 10, 20),
            thousands=(20, 50, 100),
            billions=(100, 150, 250),
            tenths=(13, 17, 25, 40),
        ),
    ),
    3: Exercise(
        choices(
            {"most": "b", "norm": "c", "batch": "a"},
            {
                "most": {
                    "a": "1,280 multiply-adds. Compare that with any convolution.",
                    "c": "it has the most weights. But each is used at 9 places only, those of B at 961.",
                },
                "norm": {
                    "a": "it reads 30,752 numbers of each image, and writes them, several times. Moving takes time.",
                    "b": "by its arithmetic it would be even less. But it has to move each number several times.",
                },
                "batch": {
                    "b": "each image needs the same operations, whatever else is in the batch.",
                    "c": "a quarter of the images is a quarter of the operations, and a step has a price of its own.",
                },
            },
        ),
        "Places × weights make the work, and numbers that are only moved take time as well.",
        (
            "most: weights × places. How many places do the maps have?",
            "norm: count numbers, not operations: how many does it read and write, forward and back?",
        ),
    ),
    4: Exercise(
        choices(
            {"A": "o", "B": "r", "C": "w", "D": "u"},
            {
                "A": {
                    "u": "the training images are nearly all right.",
                    "w": "with wrong labels training climbs slowly, and the validation accuracy falls again.",
                    "r": "it learns, and well.",
                },
                "B": {
                    "u": "it could be a stage of underfitting; but it does not move at all. What stops it?",
                    "o": "nothing is learned, so nothing is learned by heart.",
                    "w": "even with wrong labels the training images are learned by heart.",
                },
                "C": {
                    "o": "close; but the validation accuracy falls while training climbs. What does it learn by heart?",
                    "u": "the training accuracy still climbs at the end, and validation fell long before.",
                    "r": "with too large a rate nothing is learned.",
                },
                "D": {
                    "o": "both curves are low, and near each other.",
                    "w": "both curves still climb together: nothing is learned by heart so far.",
                    "r": "it learns, steadily. It has not come far.",
                },
            },
        ),
        "Two curves together tell what one does not.",
        (
            "Look at the gap between the curves, and at where each of them goes at the end.",
            "Low and together: more training. High and apart: less freedom, more images. Falling: look at the labels.",
        ),
    ),
    5: quiz("11b"),
}

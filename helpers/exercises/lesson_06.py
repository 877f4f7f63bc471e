"""The exercises of lesson 06, activations and filters: what is right, which mistakes are typical, and the hints."""

from functools import cache, partial

from helpers.datasets import LOADED
from helpers.exercises.fresh import recognized
from helpers.exercises.inside import BY_HAND, SILENCE, WINDOW
from helpers.exercises.judges import Exercise, NotYet, Wrong, as_array, choice, choices, function, is_stub
from helpers.exercises.networks import expect_goal, random_maps
from helpers.exercises.quizzes import quiz

import numpy as np


def _class_means(maps, labels):
    return np.array([maps[labels == label].mean() for label in range(labels.max() + 1)])


def _of_ten(maps, labels, empty):
    """Return the means of ten classes, as many as the lesson has; ``empty`` for those without images."""
    means = np.full(10, empty)
    means[: labels.max() + 1] = _class_means(maps, labels)
    return means


_CLASS_CASES = [
    (random_maps(7, 4, 4), np.array([0, 1, 1, 2, 0, 2, 2])),
    (random_maps(6, 3, 5, seed=1), np.array([2, 0, 1, 1, 1, 0])),
    (random_maps(4, 2, 2, seed=2), np.array([0, 0, 0, 1])),
]

_DEAD_MAPS = random_maps(3, 4, 4, 7, seed=3)
_DEAD_MAPS[..., 1] = 0  # dead
_DEAD_MAPS[0, :, :, 2] = 0  # silent in one image only
_DEAD_MAPS[1, :, :, 3] = 0
_DEAD_MAPS[..., 4] = 0
_DEAD_MAPS[2, 3, 0, 4] = 1e-5  # alive at a single pixel
_DEAD_MAPS[2, :, :, 5] = 0
_DEAD_MAPS[..., 6] = 1  # the same everywhere, and alive
_DEAD_CASES = [(_DEAD_MAPS,), (random_maps(2, 3, 3, 2, seed=4, low=0),), (np.zeros((2, 3, 3, 4)),)]


def _dead(maps):
    return np.asarray(maps).max(axis=(0, 1, 2)) <= 0


def _fooled(answer) -> None:
    """Judge (image, original, model, target): close to the original, and taken for the target."""
    image, *rest = answer if isinstance(answer, tuple) and answer else (answer,)
    if is_stub(image):
        raise NotYet("make the image, then give check(4, (my_image, original, model, target)).")
    try:
        original, model, target = np.asarray(rest[0], np.float32), rest[1], int(rest[2])
        original, model = _of_the_lesson(original, model)
        before = np.asarray(model(original[np.newaxis]), float)[0]
        if len(rest) != 3 or not 0 <= target < len(before):
            raise ValueError
    except Wrong:
        raise
    except Exception as error:
        raise NotYet("give all four: check(4, (my_image, original, model, target)).") from error
    image = as_array(image, "my_image must be an array of numbers, but it is", finite=False).astype(np.float32)
    if image.shape != original.shape:
        raise Wrong(f"the image must have the shape {original.shape}, but it has {image.shape}.")
    if not np.isfinite(image).all():
        raise Wrong("some pixels are not finite numbers: a step was too large, or a logarithm was taken of 0.")
    if image.min() < 0 or image.max() > 255:
        raise Wrong("some pixels are not from 0 to 255: clip the image.")
    change = float(np.abs(image - original).max())
    if change > 8.001:
        raise Wrong(f"a pixel changes by {change:.3g}; at most 8 is allowed. Clip after each step.")
    after = np.asarray(model(image[np.newaxis]), float)[0]
    if before.argmax() == target:
        raise Wrong("the original is of the target class already. Choose another target.")
    if change == 0:
        raise Wrong("that is the original itself.")
    more = "more than before" if after[target] > before[target] + 0.01 else "no more than before"
    expect_goal(after[target], 0.9, f"the network gives the target a probability of {{}}, {more}", decimals=1)


def _of_the_lesson(original, model):
    """Return an image as the lesson has it, and the network that comes with it; else both as they are given.

    Raises Wrong where the lesson has images of this shape, but not this one.
    """
    known = recognized(original[np.newaxis]) if original.ndim == 3 else None
    if known is None:
        if any(dataset.image_shape == original.shape for dataset in [*LOADED.values()]):
            raise Wrong("that is no image of this lesson. Give original as it is.")
        return original, model
    image = known.dataset.splits()[known.part[0]].images[known.place[0]]
    return image.astype(np.float32), _network_of(known.dataset) or model


def _network_of(dataset):
    """Return the network that comes with the lessons for a dataset, or None."""
    from helpers.models import CLASS_NAMES, TRAINED_ON

    name = TRAINED_ON.get(dataset.name, dataset.name)
    return _loaded(name) if CLASS_NAMES.get(name) == dataset.class_names else None


@cache
def _loaded(name: str):
    from helpers.models import load_model

    return load_model(name)


_GRAY = np.full((6, 10, 3), 100.0)
_GRAY[:, 4] += 4  # it is a 4


def _column_reader(images):
    """Return probabilities of ten classes: the brightest column wins, the more, the brighter it is."""
    powers = np.exp(np.asarray(images, float).mean(axis=(1, 3)))
    return powers / powers.sum(axis=1, keepdims=True)


def _with_seven(change):
    """Return the image with another brightness in its column 7."""
    image = _GRAY.copy()
    image[:, 7] += change
    return image


EXERCISES: dict[int, Exercise] = {
    1: Exercise(
        choice(
            "c",
            {
                "a": "the products are all 0, but something is added to their sum.",
                "b": "that would be so for an image of ones. What do you multiply the weights by here?",
                "d": "a network computes the same from the same image, whether it has seen it or not.",
            },
        ),
        "All products are 0, so only the bias is left, and ReLU cuts off what is negative.",
        (
            "After scaling, each pixel is 127.5 / 127.5 − 1.",
            "A map is the sum of products, plus the bias, then ReLU.",
        ),
    ),
    2: Exercise(
        function(
            _class_means,
            _CLASS_CASES,
            [
                (
                    lambda maps, labels: np.array([maps[labels == k].sum() for k in range(labels.max() + 1)]),
                    "those are sums: a class with more images gets more. Take means.",
                ),
                (
                    lambda maps, labels: np.array([maps[labels == k].max() for k in range(labels.max() + 1)]),
                    "those are the largest values. A single image decides then; take means.",
                ),
                (
                    lambda maps, labels: np.array(
                        [maps[labels == k].max(axis=(1, 2)).mean() for k in range(labels.max() + 1)]
                    ),
                    "that is the mean of the peaks. All numbers of the maps count, not only the largest of each.",
                ),
                (
                    lambda maps, labels: _class_means(maps, labels) * maps[0].size,
                    "each map is summed up, and only then the mean is taken: divide by the pixels of a map, too.",
                ),
                (
                    lambda maps, labels: np.array(
                        [maps[labels == k].sum() / maps.size for k in range(labels.max() + 1)]
                    ),
                    "you divide by the pixels of all images. Those of the class are fewer.",
                ),
                *(
                    (
                        partial(_of_ten, empty=empty),
                        "the labels tell how many classes there are: labels.max() + 1. That need not be ten.",
                    )
                    for empty in (0.0, np.nan)
                ),
                (lambda maps, labels: maps.mean(axis=(1, 2)), "that is a mean for each image, not for each class."),
                (
                    lambda maps, labels: np.array([maps[labels == k].mean(0) for k in range(labels.max() + 1)]),
                    "that is a map for each class. Take the mean over rows and columns, too.",
                ),
                (lambda maps, labels: maps.mean(), "that is one number for all images. There must be one for a class."),
                (
                    lambda maps, labels: _class_means(maps, labels).argmax(),
                    "that is the class with the largest mean. Return the means of all classes.",
                ),
            ],
        ),
        "If one of these numbers is far above all others, the channel responds to that class.",
        (
            "There must be as many numbers as classes. maps[labels == 3] are the maps of the images of class 3.",
            "The mean of these, over images, rows and columns, is one number.",
            "np.array([… for label in range(labels.max() + 1)])",
        ),
    ),
    3: Exercise(
        function(
            _dead,
            _DEAD_CASES,
            [
                (
                    lambda maps: (maps.max(axis=(1, 2)) <= 0).any(axis=0),
                    "a channel that is 0 in one image may respond in the next. Dead means: 0 in all of them.",
                ),
                (lambda maps: ~_dead(maps), "those are the living ones: it is the other way round."),
                (lambda maps: _dead(maps).sum(), "that is how many. Return True or False for each channel."),
                (lambda maps: np.flatnonzero(_dead(maps)), "those are their numbers. Return True or False for each."),
                (lambda maps: maps.min(axis=(0, 1, 2)) <= 0, "a single 0 is not enough: look at the largest value."),
                *(
                    (mistake, "a channel that responds rarely, or weakly, is not dead. Look at the largest value.")
                    for mistake in (
                        lambda maps: maps.max(axis=(0, 1, 2)) < 1e-4,
                        lambda maps: np.median(maps, axis=(0, 1, 2)) <= 0,
                    )
                ),
                *(
                    (
                        lambda maps, place=place: maps[place].max(axis=(0, 1)) <= 0,
                        "only one image is looked at. Dead means: 0 in all of them.",
                    )
                    for place in (0, -1)
                ),
                (
                    lambda maps: np.ptp(maps, axis=(0, 1, 2)) == 0,
                    "a channel that is the same everywhere is not dead, unless it is 0 everywhere.",
                ),
                (
                    lambda maps: maps.max(axis=(1, 2)) <= 0,
                    "that is one for each image and channel. A dead channel is 0 in all images.",
                ),
                (lambda maps: maps.max(axis=(1, 2, 3)) <= 0, "that is one for each image. The channels are axis 3."),
                (lambda maps: maps.max(axis=(0, 1, 2)), "those are the largest values. Which of them are 0?"),
            ],
        ),
        "For such a channel, the gradient of its weights is 0 for every one of these images, too.",
        (
            "The axes are images, rows, columns, channels. Which of them must be gone at the end?",
            "The largest value over axes 0, 1 and 2 is one number for each channel.",
        ),
    ),
    4: Exercise(
        _fooled,
        "To you it is the same picture. That the network can be fooled so easily is a property of most networks.",
        (
            "It is gradient ascent, as above: on the logarithm of the target's probability, from the original image.",
            "The sign of the gradient is enough: add 1 or −1 to each pixel, about forty times.",
            "Let start be the original as float32. After each step: np.clip(changed, start - 8, start + 8), then "
            "np.clip(…, 0, 255).",
        ),
        [
            *(
                ((image, _GRAY, _column_reader, 7), message)
                for image, message in (
                    (_GRAY, "that is the original itself."),
                    (_with_seven(20), "a pixel changes by 20; at most 8 is allowed. Clip after each step."),
                    (_with_seven(200), "some pixels are not from 0 to 255: clip the image."),
                    (
                        _with_seven(np.nan),
                        "some pixels are not finite numbers: a step was too large, or a logarithm was taken of 0.",
                    ),
                    (
                        _with_seven(3),
                        "the network gives the target a probability of 24.2%, more than before. The goal is 90%.",
                    ),
                    (
                        _with_seven(-8),
                        "the network gives the target a probability of 0.0%, no more than before. The goal is 90%.",
                    ),
                    (
                        _with_seven(8)[np.newaxis],
                        "the image must have the shape (6, 10, 3), but it has (1, 6, 10, 3).",
                    ),
                )
            ),
            (
                (_with_seven(8), _GRAY, _column_reader, 4),
                "the original is of the target class already. Choose another target.",
            ),
        ],
        patience=6,
    ),
    5: Exercise(
        choice(
            "b",
            {
                "a": "predict gives what comes out at the end: probabilities. [2] would be those of a third image.",
                "c": "that gives conv3 the pixels. It wants the maps of the layers before it.",
                "d": "those are its weights. Maps are what comes out when an image goes in.",
            },
        ),
        "The new model shares the layers, so it needs no training, and computes only as far as that layer.",
        (
            "A map depends on the image, and on all layers up to conv3.",
            "A keras.Model goes from an input to any output: which of the four names both?",
        ),
    ),
    6: BY_HAND,
    7: WINDOW,
    8: Exercise(
        choices(
            {"A": "b", "B": "c", "C": "a"},
            {
                "A": {
                    "a": "eight windows show the eight highest peaks, and nothing of all other images.",
                    "c": "what a channel responds to does not tell what it is good for. Silence it, and compare.",
                },
                "B": {
                    "a": "the windows of conv5 are larger, so more would be seen in them, whatever it responds to.",
                    "b": "there is a head around each of these eyes. The window is too small for it.",
                },
                "C": {
                    "b": "it began as noise, and no image of the data went into it.",
                    "c": "the search goes where no image of the data ever was. What is like it has to be looked for.",
                },
            },
        ),
        "Windows and pictures give ideas. Counting, painting gray and silencing test them.",
        (
            "Ask of each: which images were looked at, and which were not?",
            "A: only the highest peaks. B: 20 pixels or 56. C: it began with noise.",
        ),
    ),
    9: SILENCE,
    10: quiz("06"),
}

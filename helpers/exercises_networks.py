"""The exercises of the lessons that take trained networks apart, in the form of `helpers.checks`."""

from helpers.checks import Exercise, NotYet, Wrong, choice, function, is_stub
from helpers.exercises import probabilities

import numpy as np

EXERCISES: dict[str, dict[int, Exercise]] = {}


def _maps(*shape, seed=0, low=-1.0) -> np.ndarray:
    """Return maps as after a ReLU: random numbers, what is below 0 cut off."""
    return np.maximum(np.random.default_rng(seed).uniform(low, 2, shape), 0)


# --- 06 Activations and filters ---


def _class_means(maps, labels):
    return np.array([maps[labels == label].mean() for label in range(labels.max() + 1)])


_CLASS_CASES = [
    (_maps(7, 4, 4), np.array([0, 1, 1, 2, 0, 2, 2])),
    (_maps(6, 3, 5, seed=1), np.array([2, 0, 1, 1, 1, 0])),
    (_maps(4, 2, 2, seed=2), np.array([0, 0, 0, 1])),
]

_DEAD_MAPS = _maps(3, 4, 4, 5, seed=3)
_DEAD_MAPS[..., 1] = 0  # dead
_DEAD_MAPS[0, :, :, 2] = 0  # silent in one image only
_DEAD_MAPS[..., 4] = 0
_DEAD_MAPS[2, 3, 0, 4] = 1e-3  # alive at a single pixel
_DEAD_CASES = [(_DEAD_MAPS,), (_maps(2, 3, 3, 2, seed=4, low=0),), (np.zeros((2, 3, 3, 4)),)]


def _dead(maps):
    return np.asarray(maps).max(axis=(0, 1, 2)) <= 0


def _fooled(answer) -> None:
    """Judge (image, original, model, target): close to the original, and taken for the target."""
    image, *rest = answer if isinstance(answer, tuple) and answer else (answer,)
    if is_stub(image):
        raise NotYet("make the image, then give check(4, (my_image, original, model, target)).")
    try:
        original, model, target = np.asarray(rest[0], np.float32), rest[1], int(rest[2])
        before = np.asarray(model(original[np.newaxis]), float)[0]
        if len(rest) != 3 or not 0 <= target < len(before):
            raise ValueError
    except Exception as error:
        raise NotYet("give all four: check(4, (my_image, original, model, target)).") from error
    try:
        image = np.asarray(image, np.float32)
    except (TypeError, ValueError, OverflowError):
        raise Wrong("my_image must be an array of numbers.") from None
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
    if not after[target] >= 0.9:  # also for NaN
        more = "more than before" if after[target] > before[target] + 0.01 else "no more than before"
        raise Wrong(f"the network gives the target a probability of {after[target]:.1%}, {more}. The goal is 90%.")


EXERCISES["06"] = {
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
                (
                    lambda maps: maps.mean(axis=(0, 1, 2)) < 1e-2,
                    "a channel that responds rarely, or weakly, is not dead. Look at the largest value.",
                ),
            ],
        ),
        "For such a channel, the gradient is 0 for every image, too: training cannot wake it up.",
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
    ),
}

# --- 07 Grad-CAM ---


def _weighted(maps, gradients):
    return np.maximum((maps * gradients.mean(axis=(0, 1))).sum(axis=2), 0)


def _signed(*shape, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape)


_CAM_CASES = [
    (_maps(4, 4, 3, seed=5), _signed(4, 4, 3, seed=6)),
    (_maps(2, 5, 6, seed=7), _signed(2, 5, 6, seed=8)),
    (_maps(3, 3, 2, seed=9), -np.abs(_signed(3, 3, 2, seed=10))),  # nothing speaks for the class
]


def _share_inside(heat, mask):
    positive = np.maximum(heat, 0)
    return positive[mask].sum() / positive.sum()


_MASK = np.zeros((5, 6), bool)
_MASK[1:4, 2:5] = True
_SHARE_CASES = [
    (_maps(5, 6, seed=11), _MASK),
    (_signed(5, 6, seed=12), _MASK),
    (_maps(5, 6, seed=13), ~_MASK),
]


def _stamps_tell(images, labels) -> bool:
    """Tell whether the pixel in the corner gives the class away: over two thirds have its most usual class."""
    if images.ndim != 4 or min(images.shape[1:3]) < 5:
        return False
    _, stamps = np.unique(images[:, 4, 4].reshape(len(images), -1), axis=0, return_inverse=True)
    counts = np.zeros((stamps.max() + 1, labels.max() + 1), int)
    np.add.at(counts, (stamps.ravel(), labels), 1)
    return len(counts) <= 2 * counts.shape[1] and counts.max(axis=1).sum() > len(labels) * 2 / 3


def _unbiased(answer) -> None:
    """Judge (model, images, labels): the share `GOAL` of the images right, whose stamps lie about the class."""
    model, *data = answer if isinstance(answer, tuple) and answer else (answer,)
    if is_stub(model):
        raise NotYet("train a network, then give check(4, (my_network, lying, new_labels)).")
    if not hasattr(model, "predict") or len(data) != 2:
        raise NotYet("give the trained network and the images: check(4, (my_network, lying, new_labels)).")
    try:
        images, labels = np.asarray(data[0], np.float32), np.asarray(data[1], int)
        if labels.shape != (len(images),) or not labels.size:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise NotYet("give the images and their labels: check(4, (my_network, lying, new_labels)).") from None
    if _stamps_tell(images, labels):
        raise Wrong(
            "in these images the stamp tells the class, so they cannot judge. Give the images with wrong stamps."
        )
    if getattr(model, "name", "") in ("critters", "digits", "photos"):
        raise Wrong("that network was trained beforehand, without stamps. Train one with biased_images.")
    answers = probabilities(model, images, int(labels.max()) + 1)
    accuracy = float(np.mean(answers.argmax(axis=1) == labels))
    reached = f"with wrong stamps it gets {accuracy:.0%} right"
    if accuracy < 0.15:
        raise Wrong(f"{reached}: it still reads the stamps, or it is not trained.")
    if accuracy < GOAL:
        raise Wrong(f"{reached}. The goal is {GOAL:.0%}.")


GOAL = 0.6  # of the images with wrong stamps, in exercise 4

EXERCISES["07"] = {
    1: Exercise(
        choice(
            "b",
            {
                "a": "the heat says where, not what. A brown spot or a roundish edge could be all that it responds to.",
                "c": "the map was 8 × 8 and has been enlarged; a number stands for a window of 56 × 56 pixels.",
                "d": "the map shows what speaks for the class in one layer, scaled to its largest value. Dark is less, "
                "not nothing.",
            },
        ),
        "A heat map raises a question, and an experiment answers it: cover the spot, and see.",
        (
            "Which of these can be read from the formula: maps, weighted with gradients?",
            "Is there an experiment for each of the other claims? What would it show?",
        ),
    ),
    2: Exercise(
        function(
            _weighted,
            _CAM_CASES,
            [
                (
                    lambda maps, gradients: (maps * gradients.mean(axis=(0, 1))).sum(axis=2),
                    "cut off what is negative: np.maximum(…, 0).",
                ),
                (
                    lambda maps, gradients: np.maximum((maps * gradients).sum(axis=2), 0),
                    "you multiply pixel by pixel. The weight of a map is one number: the mean of its gradients.",
                ),
                (
                    lambda maps, gradients: np.maximum((maps * gradients.sum(axis=(0, 1))).sum(axis=2), 0),
                    "that is the sum of the gradients; take their mean.",
                ),
                (
                    lambda maps, gradients: np.maximum((maps * gradients.mean(axis=(0, 1))).mean(axis=2), 0),
                    "add the weighted maps up; do not take their mean.",
                ),
                (
                    lambda maps, gradients: np.abs((maps * gradients.mean(axis=(0, 1))).sum(axis=2)),
                    "negative heat speaks against the class: set it to 0, do not turn its sign.",
                ),
                (
                    lambda maps, gradients: (maps * np.maximum(gradients.mean(axis=(0, 1)), 0)).sum(axis=2),
                    "cut off the negative values of the sum, not those of the weights or of each weighted map.",
                ),
                (
                    lambda maps, gradients: np.maximum(
                        (maps * gradients.mean(axis=(1, 2))[:, None, None]).sum(axis=2), 0
                    ),
                    "for one image, rows and columns are axes 0 and 1; axis 2 is that of the channels.",
                ),
                (
                    lambda maps, gradients: maps * gradients.mean(axis=(0, 1)),
                    "those are the weighted maps. Add them up over the channels.",
                ),
            ],
        ),
        "Three lines, and the only idea in them: one weight for each map.",
        (
            "How much does each map count? Average its gradient over rows and columns: one number for each channel.",
            "maps * weights multiplies each channel with its weight.",
            "Sum over the channels, axis 2, and cut off what is negative.",
        ),
    ),
    3: Exercise(
        function(
            _share_inside,
            _SHARE_CASES,
            [
                (lambda heat, mask: heat[mask].sum() / heat.sum(), "negative heat counts as 0: cut it off first."),
                (
                    lambda heat, mask: np.maximum(heat, 0)[mask].mean() / np.maximum(heat, 0).mean(),
                    "take sums, not means: a share of the whole heat.",
                ),
                (lambda heat, mask: 1 - _share_inside(heat, mask), "that is the share outside."),
                (
                    lambda heat, mask: np.maximum(heat, 0)[mask].sum() / np.maximum(heat, 0)[~mask].sum(),
                    "divide by all of the heat, not by that outside.",
                ),
                (
                    lambda heat, mask: np.abs(heat)[mask].sum() / np.abs(heat).sum(),
                    "negative heat counts as 0; do not turn its sign.",
                ),
                (
                    lambda heat, mask: np.maximum(heat, 0)[mask].sum() / heat.sum(),
                    "cut off what is negative below the line, too.",
                ),
                (lambda heat, mask: mask.mean(), "that is the share of the area; the heat is not used."),
                (lambda heat, mask: np.maximum(heat, 0)[mask].sum(), "divide by all of the heat."),
                (lambda heat, mask: np.maximum(heat, 0)[mask].mean(), "divide the sum inside by the sum of all."),
                (lambda heat, mask: (heat[mask] > 0).mean(), "that is how many pixels have heat, not how much."),
            ],
        ),
        "Divide it by the share of the area, and 1 means: no better than chance.",
        (
            "First set what is negative to 0, for the sum inside and for the sum of all.",
            "positive[mask] holds the values inside of the mask.",
            "The sum of these, divided by positive.sum().",
        ),
    ),
    4: Exercise(
        _unbiased,
        "Nothing was added to the data. A stamp that says nothing is not worth learning.",
        (
            "What would make the stamps useless for telling the classes apart?",
            "You know where they are: cover that corner in all training images, or put other stamps over it at random.",
            "my_images = biased_images.copy(); my_images[:, :8, :8] = …; then train as above.",
        ),
    ),
}

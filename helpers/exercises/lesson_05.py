"""The exercises of lesson 05, data augmentation: what is right, which mistakes are typical, and the hints."""

import copy
from functools import partial

from helpers.exercises.judges import Exercise, NotYet, Wrong, call, choice, for_case, is_stub, random_image
from helpers.exercises.networks import (
    IMAGES,
    LABELS,
    RIGHT_IN_VALIDATION,
    expect_goal,
    kinds_of_layers,
    share_right,
    stand_in,
    unpack,
)
from helpers.exercises.quizzes import quiz

import numpy as np

_LABEL_MISTAKES = {
    ("mirror", "digits", True): "a mirrored 2 or 7 is no digit.",
    ("mirror", "critters", False): "a mirrored fox is a fox; animals have no preferred side.",
    ("mirror", "arrows", True): "mirrored, an arrow to the left is an arrow to the right: the other class.",
    ("shift by 5%", "digits", False): "a digit that is written a little further to the right is the same digit.",
    ("shift by 5%", "critters", False): "an animal may stand anywhere.",
    ("shift by 5%", "arrows", False): "a sign may be anywhere in the image.",
    ("other hue", "digits", False): "the digits are gray: a change of hue does nothing at all to them.",
    ("other hue", "critters", False): "the card says: only the shape tells what an animal is.",
    ("other hue", "arrows", False): "the class is the direction; a green arrow to the left still points to the left.",
    ("turn by 180°", "digits", True): "a 6 becomes a 9.",
    ("turn by 180°", "critters", False): "an owl on its head is an owl, if a rare one.",
    ("turn by 180°", "arrows", True): "turned by 180°, an arrow to the left points to the right.",
}
_KEEPS = {
    change: {data: not wrong for (this, data, wrong) in _LABEL_MISTAKES if this == change}
    for change, *_ in _LABEL_MISTAKES
}


def _keeps_label(answer) -> None:
    """Judge a table of True and False: which change keeps which labels."""
    if not isinstance(answer, dict) or any(
        not isinstance(answer.get(change), dict) or not set(data) <= set(answer[change])
        for change, data in _KEEPS.items()
    ):
        raise Wrong("keep the dictionaries with their names, and replace each None by True or False.")
    cells = [(change, data, answer[change][data]) for change, row in _KEEPS.items() for data in row]
    if all(is_stub(given) for _, _, given in cells):
        raise NotYet("replace each None by True or False.")
    for change, data, given in cells:
        if not isinstance(given, bool | np.bool_):
            quotes = " (without quotes)" if isinstance(given, str) else ""
            raise NotYet(f"there is no True or False yet for {change!r} and {data}{quotes}.")
        if given != _KEEPS[change][data]:
            raise Wrong(f"{change!r} and {data}: {_LABEL_MISTAKES[change, data, bool(given)]}")


_LABELS = np.eye(3)
_CUTMIX_CASES = [
    (random_image(8, 8).reshape(8, 8, 1), _LABELS[0], random_image(8, 8, 1).reshape(8, 8, 1), _LABELS[2], 2, 1, 3, 2),
    (
        random_image(6, 30).reshape(6, 10, 3),
        _LABELS[1],
        random_image(6, 30, 1).reshape(6, 10, 3),
        _LABELS[0],
        0,
        4,
        5,
        6,
    ),
    (random_image(4, 4).reshape(4, 4, 1), _LABELS[2], random_image(4, 4, 1).reshape(4, 4, 1), _LABELS[1], 1, 1, 1, 1),
]


def _pasted(image, label, other, other_label, top, left, height, width, start=None):
    """Return a copy of an image with a rectangle of another, which is read from there or from another start."""
    row, col = start or (top, left)
    mixed = image.copy()
    mixed[top : top + height, left : left + width] = other[row : row + height, col : col + width]
    return mixed


def _share(image, label, other, other_label, top, left, height, width):
    return height * width / (image.shape[0] * image.shape[1])


def _mixed_label(*case, share=_share):
    _, label, _, other_label, *_ = case
    return label + share(*case) * (other_label - label)


def _swapped(image, label, other, other_label, *place):
    return other, other_label, image, label, *place


_PIXEL_MISTAKES = (
    (lambda image, *_: image, "the image is unchanged: put the rectangle of `other` into it."),
    (
        partial(_pasted, start=(0, 0)),
        "the piece comes from the corner of `other`. Take it from the same place.",
    ),
    (
        lambda *case: _pasted(*_swapped(*case)),
        "that is `other` with a piece of `image`. It is the other way round.",
    ),
)
_SHARE_MISTAKES = (
    (
        lambda image, label, *_: label,
        "the pixels are right, but the label is still that of `image`: mix the labels, too.",
    ),
    (
        lambda image, label, other, other_label, *_: other_label,
        "the pixels are right, but the label is that of `other` alone: mix the labels.",
    ),
    (lambda *case: _mixed_label(*_swapped(*case)), "the shares are the wrong way round."),
    (
        partial(_mixed_label, share=lambda *case: 1 / 2),
        "half and half only fits if the rectangle covers half of the area.",
    ),
    (
        partial(_mixed_label, share=lambda image, *case: case[-2] / image.shape[0]),
        "the share is that of the area, not of the height.",
    ),
    (
        partial(_mixed_label, share=lambda image, *case: case[-1] / image.shape[1]),
        "the share is that of the area, not of the width.",
    ),
    (
        partial(_mixed_label, share=lambda image, *case: case[-2] * case[-1] / image.size),
        "image.size counts the channels, too: the area is height × width.",
    ),
    (lambda image, label, other, other_label, *_: label + other_label, "the shares must add up to 1."),
)


def _paste_into(image, *case):
    """Change the image that was given."""
    image[:] = _pasted(image, *case)
    return image, _mixed_label(image, *case)


def _cutmix(answer) -> None:
    """Judge a function that puts a rectangle of one image into another, and mixes the labels by area."""
    for case in _CUTMIX_CASES:
        image, _, other, *_ = case
        given = copy.deepcopy(case)
        result = call(answer, *given, where=for_case(case))
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise Wrong("return two things: the new image and its label.")
        try:
            mixed, mixed_label = (np.asarray(part, float) for part in result)
        except (TypeError, ValueError, OverflowError):
            raise Wrong("the new image and its label must be arrays of numbers.") from None
        if not (np.array_equal(given[0], image) and np.array_equal(given[2], other)):
            raise Wrong("your function changes the image that it was given. Work on image.copy().")
        right = _pasted(*case)
        if mixed.shape != right.shape or not np.allclose(mixed, right):
            _wrong_pixels(mixed, right, case)
        _wrong_shares(mixed_label, case)


def _wrong_pixels(mixed, right, case) -> None:
    for mistake, message in _PIXEL_MISTAKES:
        wrong = mistake(*case)
        if mixed.shape == wrong.shape and np.allclose(mixed, wrong):
            raise Wrong(message)
    if mixed.shape != right.shape:
        raise Wrong(f"the new image must have the shape {right.shape}, but it has {mixed.shape}.")
    raise Wrong("the pixels are not right: rows top to top + height, columns left to left + width come from `other`.")


def _wrong_shares(mixed, case) -> None:
    right = _mixed_label(*case)
    if mixed.shape == right.shape and np.allclose(mixed, right):
        return
    for mistake, message in _SHARE_MISTAKES:
        wrong = mistake(*case)
        if mixed.shape == wrong.shape and np.allclose(mixed, wrong):
            raise Wrong(message)
    if mixed.shape == right.shape and np.isclose(mixed.sum(), 1):
        share = _share(*case)
        raise Wrong(f"the share of `other` must be height × width / area of the image: {share:.3g} here.")
    raise Wrong("the label must have a share of each class, and the shares must add up to 1.")


def _augmented_network(answer) -> None:
    """Judge (model, validation batches): has augmentation, and gets 65% of the images right, pixels from 0 to 255."""
    how, what = "check(4, (my_model, validation_batches))", "the trained model and the batches"
    model, batches = unpack(answer, how, "build and train a network", what, parts=2)
    try:
        kinds = kinds_of_layers(model)
        pairs = [(np.asarray(x), np.asarray(y)) for x, y in batches]
        images, labels = (np.concatenate(part) for part in zip(*pairs, strict=True))
        labels = labels.argmax(axis=1) if labels.ndim == 2 else labels  # one-hot, as for MixUp
        labels, classes = labels.reshape(len(images)), int(labels.max()) + 1
    except Exception as error:
        raise NotYet(f"give {what}: {how}.") from error
    augments = [kind.startswith(("Rand", "AugMix")) for kind in kinds]
    if not any(augments):
        raise Wrong("there is no augmentation layer in it. Put at least one at its beginning.")
    if any("Conv" in kind for kind in kinds[: augments.index(True)]):
        raise Wrong("the augmentation comes too late: put it before the first convolution.")
    accuracy = share_right(model, images, labels, classes)
    untrained = (0.3, ". Is it trained, with a Rescaling layer after the augmentation?")
    expect_goal(accuracy, 0.65, RIGHT_IN_VALIDATION, decimals=1, close=0.61, untrained=untrained)


EXERCISES: dict[int, Exercise] = {
    1: Exercise(
        choice(
            "b",
            {
                "a": "more images help only if their labels are right. What is a 6 turned by 180°?",
                "c": "look at the 6 in the last column but one: whoever sees it says 9.",
                "d": "nothing checks whether label and image fit. That is what makes this mistake so expensive.",
            },
        ),
        "Turned by 180°, a 6 and a 9 are the same picture with two labels; no network can tell them apart.",
        (
            "Turn a sheet of paper with a 6 on it.",
            "The layer changes the image, but never the label.",
        ),
    ),
    2: Exercise(
        _keeps_label,
        "The same change can be right for one task and wrong for the next: it depends on what the label means.",
        (
            "Go through it cell by cell: which word would you say when you see the changed image?",
            "For arrows, ask where the arrow points afterward.",
        ),
        [
            ({**_KEEPS, change: {**_KEEPS[change], data: wrong}}, f"{change!r} and {data}: {message}")
            for (change, data, wrong), message in _LABEL_MISTAKES.items()
        ],
    ),
    3: Exercise(
        _cutmix,
        "Pixels by place, labels by area.",
        (
            "mixed = image.copy(); mixed[top : top + height, left : left + width] is the rectangle.",
            "The share of `other` is height × width / (rows × columns of the image).",
            "The label is (1 − share) × label + share × other_label.",
        ),
        [
            (_pasted, "return two things: the new image and its label."),
            (_paste_into, "your function changes the image that it was given. Work on image.copy()."),
            *(
                (lambda *case, pixels=pixels: (pixels(*case), _mixed_label(*case)), message)
                for pixels, message in _PIXEL_MISTAKES
            ),
            *(
                (lambda *case, label=label: (_pasted(*case), label(*case)), message)
                for label, message in _SHARE_MISTAKES
            ),
        ],
    ),
    4: Exercise(
        _augmented_network,
        "The same thousand files, and no image seen twice.",
        (
            "network(light()) is a good one to begin with. Give it more epochs than above.",
            "Stronger augmentation needs still more. A smaller learning rate at the end makes the curve calmer.",
            "Which change of the network helped most in lesson 4? It goes together with augmentation.",
        ),
        [
            ((model, [(IMAGES, LABELS)]), message)
            for model, message in (
                (stand_in(), "there is no augmentation layer in it. Put at least one at its beginning."),
                (
                    stand_in(kinds="Conv2D RandomFlip Dense"),
                    "the augmentation comes too late: put it before the first convolution.",
                ),
                (
                    stand_in(0.1, kinds="RandomFlip Conv2D Dense"),
                    "it gets 10.0% of the validation images right. Is it trained, with a Rescaling layer after the "
                    "augmentation?",
                ),
                (
                    stand_in(0.5, kinds="RandomFlip Conv2D Dense"),
                    "it gets 50.0% of the validation images right. The goal is 65%.",
                ),
                (
                    stand_in(0.64, kinds="RandomFlip Conv2D Dense"),
                    "it gets 64.0% of the validation images right. The goal is 65%: close.",
                ),
            )
        ],
    ),
    5: quiz("05"),
}

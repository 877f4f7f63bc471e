"""The exercises of lesson 05, data augmentation: what is right, which mistakes are typical, and the hints."""

import copy
from functools import partial

from helpers.exercises import short
from helpers.exercises.fresh import critter_files, expect_all, expect_fresh, fresh_files
from helpers.exercises.judges import (
    Exercise,
    NotYet,
    Wrong,
    as_array,
    call,
    choice,
    difference,
    for_case,
    is_stub,
    near,
    random_image,
)
from helpers.exercises.networks import (
    IMAGES,
    LABELS,
    all_layers,
    as_labels,
    expect_right,
    kinds_of_layers,
    outputs,
    stand_in,
    trained_beforehand,
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
        if not isinstance(given, bool) and isinstance(given, int | float) and given in (0, 1):
            raise NotYet(f"write True or False for {change!r} and {data}, not {given}.")
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
        "the pixels are right, but the label is still that of `image`, or rounded to it: mix the labels, too.",
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
    (lambda *case: np.round(_mixed_label(*case), 1), "the shares are rounded: keep all their digits."),
    (lambda *case: np.round(_mixed_label(*case), 2), "the shares are rounded: keep all their digits."),
)


def _cutmix(answer) -> None:
    """Judge a function that puts a rectangle of one image into another, and mixes the labels by area."""
    for case in _CUTMIX_CASES:
        where = for_case(case)
        result = call(answer, *copy.deepcopy(case), where=where)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise Wrong("return two things: the new image and its label.")
        what = "the new image and its label must be arrays of numbers, but one is"
        mixed, mixed_label = (as_array(part, what, f", {where}") for part in result)
        right = _pasted(*case)
        if near(mixed_label, right):
            raise Wrong("the right results in the wrong order: first the new image, then its label.")
        if not near(mixed, right):
            _wrong_pixels(mixed, right, case)
        _wrong_shares(mixed_label, case)


def _wrong_pixels(mixed, right, case) -> None:
    for mistake, message in _PIXEL_MISTAKES:
        if near(mixed, mistake(*case)):
            raise Wrong(message)
    if mixed.shape != right.shape:
        raise Wrong(f"the new image must have the shape {right.shape}, but it has {mixed.shape}.")
    top, left, height, width = case[4:]
    raise Wrong(
        f"the pixels are not right: with top {top}, left {left}, height {height}, width {width}, "
        f"{difference(mixed, right)}. Rows top to top + height, columns left to left + width come from `other`.",
        generic=True,
    )


def _wrong_shares(mixed, case) -> None:
    right = _mixed_label(*case)
    if near(mixed, right):
        return
    for mistake, message in _SHARE_MISTAKES:
        if near(mixed, mistake(*case)):
            raise Wrong(message)
    if mixed.shape == right.shape and np.isclose(mixed.sum(), 1):
        share = _share(*case)
        raise Wrong(f"the share of `other` must be height × width / area of the image: {share:.3g} here.")
    raise Wrong("the label must have a share of each class, and the shares must add up to 1.")


def _judge_augmentation(model, images) -> None:
    """Judge whether a network changes images before all else, in training, and only then."""
    every = all_layers(model)
    kinds = [type(layer).__name__ for layer in every]
    augments = [kind.startswith(("Rand", "AugMix")) for kind in kinds]
    if not any(augments):
        raise Wrong("there is no augmentation layer in it. Put at least one at its beginning.")
    first = augments.index(True)
    if any("Conv" in kind for kind in kinds[:first]):
        raise Wrong("the augmentation comes too late: put it before the first convolution.")
    if "Rescaling" in kinds[:first]:
        raise Wrong(
            "Rescaling comes before the augmentation, which must begin. Its layers expect pixels from 0 to 255: some, "
            "such as RandomBrightness, make nonsense of others."
        )
    some = np.random.default_rng(0).uniform(0, 255, (16, *images.shape[1:])).astype(np.float32)
    changes = (np.asarray(layer(some, training=True)) for layer, kept in zip(every, augments, strict=True) if kept)
    if all(np.allclose(some, changed, atol=0.01) for changed in changes):
        raise Wrong(f"{kinds[first]} changes nothing in training: its factors are 0.")


def _augmented_network(answer) -> None:
    """Judge (model, validation batches): has augmentation, and gets 65% of the images right, pixels from 0 to 255."""
    how, what = "check(4, (my_model, validation_batches))", "the trained model and the batches"
    model, batches = unpack(answer, how, "build and train a network", what, parts=2)
    try:
        kinds_of_layers(model)
        pairs = [(np.asarray(x), as_labels(y, len(x))) for x, y in batches]
        images, labels = (np.concatenate(part) for part in zip(*pairs, strict=True))
        if images.ndim != 4:
            raise ValueError
    except Exception as error:
        raise NotYet(f"give {what}: {how}.") from error
    _judge_augmentation(model, images)
    files = critter_files() if images.shape[1:] == (32, 32, 3) else ()
    known = expect_all(images, labels, "validation_batches", datasets=files, apart=3)
    untrained = (0.3, ". Is it trained, with a Rescaling layer after the augmentation?")
    expect_right(model, images, labels, 0.65, decimals=1, close=0.61, untrained=untrained)
    answers = [outputs(model, images, int(labels.max()) + 1) for _ in range(2)]
    if not np.allclose(*answers, atol=1e-3):
        raise Wrong(
            "two predictions of the same images differ: augmentation or dropout is at work in prediction, too. Call "
            "the layers without training=True."
        )
    if known:
        expect_fresh(model, fresh_files(), 0.65)
    if trained_beforehand(model, "critters", "photos"):
        raise Wrong("a network that was trained beforehand is in it. Train one with train_batches only.")


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
            (
                lambda *case: (_mixed_label(*case), _pasted(*case)),
                "the right results in the wrong order: first the new image, then its label.",
            ),
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
        "The same thousand files, and hardly an image seen twice.",
        (
            "network(light()) is a good one to begin with. Give it more epochs than above.",
            "Stronger augmentation needs still more. A smaller learning rate at the end may make the curve calmer.",
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
                (
                    stand_in(kinds="Rescaling RandomFlip Conv2D Dense"),
                    "Rescaling comes before the augmentation, which must begin. Its layers expect pixels from 0 to "
                    "255: some, such as RandomBrightness, make nonsense of others.",
                ),
            )
        ],
        patience=6,
    ),
    **short.LESSON_05,
    8: quiz("05"),
}

"""An exercise of lesson 05: CutMix by hand."""

import copy
from functools import partial
from itertools import starmap

from helpers.exercises.judges import Exercise, Wrong, as_array, call, difference, for_case, near, random_image

import numpy as np

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
    (np.zeros((4, 8, 1)), _LABELS[0], np.eye(4, 8)[..., np.newaxis], _LABELS[1], 1, 2, 2, 3),  # most pixels are alike
    (random_image(5, 3).reshape(5, 3, 1), _LABELS[2], random_image(5, 3, 1).reshape(5, 3, 1), _LABELS[2], 1, 0, 2, 2),
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


def _across(*case, order=(1, 0, 3, 2)):
    return _pasted(*case[:4], *(case[4 + k] for k in order))


def _blended(*case):
    image, _, other, *_ = case
    return image + _share(*case) * (other - image)


def _overwritten(*case):
    _, label, _, other_label, *_ = case
    return np.where(other_label > 0, _share(*case), (1 - _share(*case)) * label)


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
    *(
        (partial(_across, order=order), "rows and columns are mixed up: `top` and `height` belong to the first axis.")
        for order in ((1, 0, 3, 2), (1, 0, 2, 3), (0, 1, 3, 2))
    ),
    (_blended, "all pixels are mixed, as MixUp does. CutMix only copies those of the rectangle."),
    (
        lambda *case: _pasted(*case[:2], 0 * case[2], *case[3:]),
        "the rectangle is black. The pixels of `other` belong there.",
    ),
)
_SHARE_MISTAKES = (
    *(
        (
            mistake,
            "the pixels are right, but the label is still that of `image`, or rounded to it: mix the labels, too.",
        )
        for mistake in (lambda image, label, *_: label, lambda *case: np.round(_mixed_label(*case)))
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
    (
        partial(_mixed_label, share=lambda *case: np.mean(_pasted(*case) != case[0])),
        "pixels that are alike in both images count as well: the share is that of the area.",
    ),
    (
        _overwritten,
        "where both images are of one class, the second share takes the place of the first. Add them up.",
    ),
    (lambda image, label, other, other_label, *_: label + other_label, "the shares must add up to 1."),
    *(
        (
            lambda *case, digits=digits: np.round(_mixed_label(*case), digits),
            "the shares are rounded: keep all their digits.",
        )
        for digits in (1, 2, 3)
    ),
)


def _cutmix(answer) -> None:
    """Judge a function that puts a rectangle of one image into another, and mixes the labels by area."""
    images, labels = zip(*(_cut_and_mixed(answer, case) for case in _CUTMIX_CASES), strict=True)
    for results, right, mistakes, say in (
        (images, _pasted, _PIXEL_MISTAKES, _wrong_pixels),
        (labels, _mixed_label, _SHARE_MISTAKES, _wrong_shares),
    ):
        if all(map(near, results, starmap(right, _CUTMIX_CASES))):
            continue
        for mistake, message in mistakes:
            if all(map(near, results, starmap(mistake, _CUTMIX_CASES))):
                raise Wrong(message)
        for result, case in zip(results, _CUTMIX_CASES, strict=True):
            if not near(result, right(*case)):
                say(result, right(*case), case)


def _cut_and_mixed(answer, case) -> tuple:
    """Return what the function makes of one case: two arrays; raises Wrong where it gives something else."""
    where = for_case(case)
    result = call(answer, *copy.deepcopy(case), where=where)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Wrong("return two things: the new image and its label.")
    what = "the new image and its label must be arrays of numbers, but one is"
    mixed, mixed_label = (as_array(part, what, f", {where}") for part in result)
    if near(mixed_label, _pasted(*case)):
        raise Wrong("the right results in the wrong order: first the new image, then its label.")
    return mixed, mixed_label


def _wrong_pixels(mixed, right, case) -> None:
    if mixed.shape != right.shape:
        raise Wrong(f"the new image must have the shape {right.shape}, but it has {mixed.shape}.")
    top, left, height, width = case[4:]
    raise Wrong(
        f"the pixels are not right: with top {top}, left {left}, height {height}, width {width}, "
        f"{difference(mixed, right)}. Rows top to top + height, columns left to left + width come from `other`.",
        generic=True,
    )


def _wrong_shares(mixed, right, case) -> None:
    if mixed.ndim and mixed.shape != right.shape:
        raise Wrong(f"the label must have the shape {right.shape}, a share of each class, but it has {mixed.shape}.")
    if mixed.shape == right.shape and np.isclose(mixed.sum(), 1):
        share = _share(*case)
        raise Wrong(f"the share of `other` must be height × width / area of the image: {share:.3g} here.")
    raise Wrong("the label must have a share of each class, and the shares must add up to 1.")


CUTMIX = Exercise(
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
        *((lambda *case, label=label: (_pasted(*case), label(*case)), message) for label, message in _SHARE_MISTAKES),
    ],
)

"""Three exercises of lesson 07: occlusion, saliency and CAM by hand."""

from functools import partial

from helpers.exercises.judges import Exercise, function
from helpers.exercises.networks import random_maps

import numpy as np

# --- occlusion ---


class _Ask:
    """A network that answers with the probability of one class (N,), which bright pixels raise where it looks."""

    def __init__(self, *shape, seed):
        self.weights = np.random.default_rng(seed).normal(size=shape)

    def __call__(self, images):
        images = np.asarray(images, float)
        if images.ndim != 4 or images.shape[1:] != self.weights.shape:
            raise ValueError(f"ask gets images (N, {', '.join(map(str, self.weights.shape))}), not {images.shape}")
        return 1 / (1 + np.exp(-np.sum((images - 127) / 255 * self.weights, axis=(1, 2, 3)) / 3))

    def __repr__(self):
        return "ask"


def _occlusion(ask, image, size, step, fill=127, last=1, restored=True, sign=1, paint=True, before=True, added=True):
    """Return the sum of what falls at each pixel, and how many squares cover it, with one thing or another changed."""
    total, times, copy = np.zeros(image.shape[:2]), np.zeros(image.shape[:2]), image.copy()
    whole = ask(image[np.newaxis])[0] if before else 0
    for top in range(0, image.shape[0] - size + last, step):
        for left in range(0, image.shape[1] - size + last, step):
            copy = image.copy() if restored else copy
            copy[top : top + size, left : left + size] = fill
            place = np.s_[top : top + size, left : left + size] if paint else (top, left)
            total[place] = added * total[place] + sign * (whole - ask(copy[np.newaxis])[0])
            times[place] += 1
    return total, times


def _mean_fall(*given, **options):
    total, times = _occlusion(*given, **options)
    return total / np.maximum(times, 1)


def _mean_where_covered(*given, **options):
    """Return NaN where no square is."""
    total, times = _occlusion(*given, **options)
    with np.errstate(invalid="ignore"):
        return total / times


def _squares(ask, image, size, step):
    """Return a number for each square: how far the probability falls."""
    return _occlusion(ask, image, size, step, paint=False)[0][
        : len(image) - size + 1 : step, : image.shape[1] - size + 1 : step
    ]


def _mean_color(ask, image, size, step):
    return _mean_fall(ask, image, size, step, fill=image.mean(axis=(0, 1)))


def _mean_gray(ask, image, size, step):
    return _mean_fall(ask, image, size, step, fill=image.mean())


def _occlusion_case(height, width, size, step, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return _Ask(height, width, 3, seed=seed + 1), image, size, step


_OCCLUSION_CASES = [
    _occlusion_case(8, 10, 4, 2, seed=30),
    _occlusion_case(9, 6, 3, 3, seed=32),
    _occlusion_case(5, 7, 3, 1, seed=34),
]

OCCLUSION = Exercise(
    function(
        _mean_fall,
        _OCCLUSION_CASES,
        [
            (partial(_mean_fall, sign=-1), "it is the other way round: a fall is what it was before, less what it is."),
            (partial(_mean_fall, before=False, sign=-1), "those are probabilities. How far do they fall?"),
            (
                lambda *given: _occlusion(*given)[0],
                "those are sums: pixels in the middle lie in more squares. Divide by how many cover each pixel.",
            ),
            *(
                (partial(mean, last=0), "the last squares are missing: range(0, height - size + 1, step).")
                for mean in (_mean_fall, _mean_where_covered)
            ),
            *(
                (
                    lambda ask, image, size, step, mean=mean: mean(ask, image, size, size),
                    "the corners are `step` pixels apart, so squares overlap. You go on by `size`.",
                )
                for mean in (_mean_fall, _mean_where_covered)
            ),
            (
                lambda *given: _occlusion(*given)[0] / _squares(*given).size,
                "divide by how many squares cover the pixel, not by how many there are.",
            ),
            (_squares, "that is one number for each square. Spread it over its pixels, and take the mean at each."),
            (
                lambda *given: _occlusion(*given, added=False)[0],
                "each square takes the place of those before it. Add the falls up, and divide by how many there are.",
            ),
            (
                partial(_mean_fall, restored=False),
                "the squares stay covered, more and more of them. Take a new copy of the image for each.",
            ),
            *(
                (mistake, "the squares must be gray: 127.")
                for mistake in (*(partial(_mean_fall, fill=gray) for gray in (0, 128, 255)), _mean_color, _mean_gray)
            ),
            (
                partial(_mean_fall, paint=False),
                "only the corner of each square gets the fall. All pixels of it were covered.",
            ),
            (
                lambda *given: np.abs(_mean_fall(*given)),
                "where covering helps, the fall is below 0. Keep the sign.",
            ),
            (
                lambda *given: np.maximum(_mean_fall(*given), 0),
                "where covering helps, the fall is below 0. Keep the sign.",
            ),
        ],
    ),
    "An experiment for each square, and nothing to be known of the network but its answers.",
    (
        "Two loops, over the top and the left of the square. In them: copy the image, cover the square, ask.",
        "ask wants a batch: ask(copy[np.newaxis])[0] is one probability.",
        "Add each fall to all pixels of its square, and count in a second array how often. Divide at the end.",
    ),
)

# --- saliency ---


def _strongest(gradient):
    return np.abs(gradient).max(axis=2)


def _gradient(*shape, seed):
    return np.random.default_rng(seed).normal(size=shape)


_GRADIENTS = [(_gradient(4, 5, 3, seed=40),), (-np.abs(_gradient(3, 3, 3, seed=41)),), (_gradient(1, 6, 3, seed=42),)]

SALIENCY = Exercise(
    function(
        _strongest,
        _GRADIENTS,
        [
            (lambda g: g.max(axis=2), "a large negative gradient counts as much as a positive one: take sizes first."),
            (lambda g: np.abs(g.max(axis=2)), "take sizes first, then the largest of them: it may be a negative one."),
            (lambda g: np.abs(g).sum(axis=2), "that is the sum of the three channels. Take the strongest."),
            (lambda g: np.abs(g).mean(axis=2), "that is the mean of the three channels. Take the strongest."),
            (lambda g: np.linalg.norm(g, axis=2), "that is the length of the three together. Take the strongest."),
            (
                lambda g: np.take_along_axis(g, np.abs(g).argmax(axis=2, keepdims=True), 2)[..., 0],
                "it is the strongest, with its sign. Whether the score rises or falls does not matter: np.abs.",
            ),
            (lambda g: (g**2).max(axis=2), "that is the square of it. Take the size itself."),
            (lambda g: np.abs(g.mean(axis=2)), "in the mean of the channels, gradients of both signs cancel out."),
            (
                lambda g: np.maximum(g, 0).max(axis=2),
                "negative gradients count, too. It is Grad-CAM that cuts them off.",
            ),
            *(
                (
                    lambda g, axis=axis: np.abs(g).max(axis=axis),
                    "that is the largest along a row or a column. The channels are the last axis.",
                )
                for axis in (0, 1)
            ),
            (lambda g: np.abs(g), "those are three numbers for each pixel. Take the strongest of them."),
            *(
                (mistake, "leave the scale as it is: 2 means two per gray level.")
                for mistake in (
                    lambda g: _strongest(g) / _strongest(g).max(),
                    lambda g: (_strongest(g) - _strongest(g).min()) / np.ptp(_strongest(g)),
                )
            ),
        ],
    ),
    "It tells where a small change counts most, but not whether it would raise the score or lower it.",
    (
        "A pixel has three numbers, one for each color. How strongly does the score react, whatever the direction?",
        "np.abs first, then the largest along the last axis.",
    ),
)

# --- CAM ---


def _cam(maps, weights, label):
    return maps @ weights[:, label]


_CAM_CASES = [
    (random_maps(4, 5, 6, seed=43), _gradient(6, 3, seed=44), 2),
    (random_maps(3, 3, 4, seed=45), _gradient(4, 4, seed=46), 1),  # as many channels as classes
    (random_maps(2, 6, 3, seed=47), -np.abs(_gradient(3, 5, seed=48)), 4),  # everything speaks against the class
]

CAM = Exercise(
    function(
        _cam,
        _CAM_CASES,
        [
            (
                lambda maps, weights, label: maps @ weights[label],
                "weights[label] is a row, what one channel gives to all classes. A column belongs to a class.",
            ),
            (
                lambda maps, weights, label: np.maximum(_cam(maps, weights, label), 0),
                "CAM keeps what speaks against the class: only so its mean, plus the bias, is the score.",
            ),
            (
                lambda maps, weights, label: (maps * weights[:, label]).mean(axis=2),
                "that is the mean over the channels. Add the weighted maps up.",
            ),
            (lambda maps, weights, label: maps @ weights, "those are the maps of all classes. Take one of them."),
            (lambda maps, weights, label: maps * weights[:, label], "those are the weighted maps. Add them up."),
            (
                lambda maps, weights, label: maps.mean(axis=(0, 1)) @ weights[:, label],
                "that is the score, without the bias. Weigh the maps themselves, not their means.",
            ),
            (
                lambda maps, weights, label: maps @ np.abs(weights[:, label]),
                "a negative weight speaks against the class: keep its sign.",
            ),
            (
                lambda maps, weights, label: maps @ np.maximum(weights[:, label], 0),
                "a negative weight speaks against the class: keep it.",
            ),
            (
                lambda maps, weights, label: np.abs(_cam(maps, weights, label)),
                "what is below 0 speaks against the class: keep its sign.",
            ),
            *(
                (
                    lambda maps, weights, label, size=size: (
                        _cam(maps, weights, label) / size(_cam(maps, weights, label))
                    ),
                    "leave the scale as it is: only so its mean, plus the bias, is the score.",
                )
                for size in (np.max, lambda cam: np.abs(cam).max())
            ),
            (
                lambda maps, weights, label: _cam(maps, weights, (maps.mean(axis=(0, 1)) @ weights).argmax()),
                "that is the class which the network would name. Take `label`.",
            ),
            (lambda maps, weights, label: maps.sum(axis=2), "the weights are not used."),
            (
                lambda maps, weights, label: _cam(maps, weights, label) / maps[..., 0].size,
                "do not divide by the number of places: the mean of the CAM is the score, without the bias.",
            ),
        ],
    ),
    "One product. It needs a network that ends with the mean of each map and one dense layer.",
    (
        "Each channel has one weight for this class. Which column or row of weights holds them?",
        "maps @ weights[:, label], or the sum of maps * weights[:, label] over axis 2.",
    ),
)

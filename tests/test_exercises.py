"""Each exercise rejects the stub and typical wrong answers with a hint, and accepts more than one right answer."""

import math
import types

from helpers.checks import load_checks
from helpers.exercises import EXERCISES
from helpers.gabor import gabor_kernel, gabor_response

import numpy as np
import pytest
from exercise_tools import cases
from scipy import signal

STUBS = {
    "01": {
        1: "?",
        2: lambda image, kernel, stride: ...,
        3: [[None] * 3] * 3,
        4: {"height": None, "channels": None, "parameters": None},
        5: lambda image, size: ...,
    },
    "02": {
        1: {"frequency": ..., "theta": ...},
        2: lambda kernel, bell: ...,
        3: "?",
        4: lambda image: ...,
        5: lambda image, kernel, target: ...,
    },
    "03": {
        1: "?",
        2: {"conv": None, "height": None, "dense": None},
        3: lambda w, x, y, learning_rate: ...,
        4: lambda label, probabilities: ...,
        5: (..., None),
    },
    "04": {
        1: "?",
        2: lambda losses, patience: None,
        3: {"zeros": None, "factor": None, "zeros_predicting": None},
        4: lambda maps, rate, random: None,
        5: (..., None, None),
    },
    "05": {
        1: "?",
        2: {
            change: dict.fromkeys(("digits", "critters", "arrows"))
            for change in ("mirror", "shift by 5%", "other hue", "turn by 180°")
        },
        3: lambda image, label, other, other_label, top, left, height, width: None,
        4: (..., None),
    },
}


def stride_by_slicing(image, kernel, stride):
    return signal.correlate2d(image, kernel, mode="valid")[::stride, ::stride]


def stride_by_range(image, kernel, stride):
    height, width = kernel.shape
    return [
        [
            (image[top : top + height, left : left + width] * kernel).sum()
            for left in range(0, image.shape[1] - width + 1, stride)
        ]
        for top in range(0, image.shape[0] - height + 1, stride)
    ]


def stride_with_zeros_between(image, kernel, stride):
    full = signal.correlate2d(image, kernel, mode="valid")
    small, result = full[::stride, ::stride], 0 * full
    result[: len(small), : len(small[0])] = small
    return result


def stride_not_multiplied(image, kernel, stride):
    rows, cols = (image.shape[0] - kernel.shape[0]) // stride + 1, (image.shape[1] - kernel.shape[1]) // stride + 1
    result = np.zeros((rows, cols))
    for row in range(rows):
        for col in range(cols):
            result[row, col] = np.sum(image[row : row + kernel.shape[0], col : col + kernel.shape[1]] * kernel)
    return result


def pool_by_reshape(image, size):
    rows, cols = image.shape[0] // size, image.shape[1] // size
    return image[: rows * size, : cols * size].reshape(rows, size, cols, size).mean(axis=(1, 3))


def direction_by_loop(image, angle=np.radians, strength=np.abs, answer=lambda theta: theta):
    best, most = None, -np.inf
    for theta in (0, 30, 60, 90, 120, 150):
        total = strength(gabor_response(image, gabor_kernel(0.1, angle(theta), 4))).sum()
        if total > most:
            best, most = theta, total
    return answer(best)


def direction_by_sign(image, total):
    """The direction with the largest total of the response, where crests and troughs have signs."""
    totals = {}
    for theta in range(0, 180, 30):
        totals[theta] = total(gabor_response(image, gabor_kernel(0.1, np.radians(theta), 4, zero_mean=True)))
    return max(totals, key=totals.get)


def direction_by_two_convolutions(image):
    energies = {}
    for theta in range(0, 180, 30):
        kernel = gabor_kernel(0.1, np.radians(theta), 4)
        even, odd = (signal.correlate2d(image, part, mode="valid") for part in (kernel.real, kernel.imag))
        energies[theta] = (even**2 + odd**2).mean()
    return max(energies, key=energies.get)


def gradient_by_convolution(image, kernel, target):
    error = signal.correlate2d(image, kernel, mode="valid") - target
    return signal.correlate2d(image, 2 * error / error.size, mode="valid")


def gradient_by_difference(image, kernel, target):
    gradient = np.zeros(kernel.shape)
    for place in np.ndindex(*kernel.shape):
        losses = []
        for sign in (1, -1):
            moved = kernel.copy()
            moved[place] += sign * 1e-3
            losses.append(np.mean((signal.correlate2d(image, moved, mode="valid") - target) ** 2))
        gradient[place] = (losses[0] - losses[1]) / 2e-3
    return gradient


def stop_by_counter(losses, patience):
    best, least, waited = 1, math.inf, 0
    for epoch, loss in enumerate(losses, 1):
        if loss < least:
            best, least, waited = epoch, loss, 0
        else:
            waited += 1
            if waited == patience:
                return [best, epoch]
    return [best, len(losses)]


def stop_by_argmin(losses, patience):
    for epoch in range(1, len(losses) + 1):
        best = np.argmin(losses[:epoch]) + 1
        if epoch - best == patience:
            break
    return np.array([best, epoch], float)


def stop_without_end(losses, patience):
    return int(np.argmin(losses)) + 1, len(losses)


def stop_at_any_rise(losses, patience, equal_is_rise=True, begin_anew=True):
    """Counts rises, and begins anew with each fall."""
    rises = 0
    for epoch in range(1, len(losses)):
        if losses[epoch] > losses[epoch - 1] or (equal_is_rise and losses[epoch] == losses[epoch - 1]):
            rises += 1
        elif begin_anew:
            rises = 0
        if rises == patience:
            return int(np.argmin(losses[: epoch + 1])) + 1, epoch + 1
    return stop_without_end(losses, patience)


def stop_without_a_new_start(losses, patience):
    """The counter is not set back at a new best epoch."""
    best, waited = 1, 0
    for epoch in range(2, len(losses) + 1):
        if losses[epoch - 1] < losses[best - 1]:
            best = epoch
        else:
            waited += 1
        if waited == patience:
            return best, epoch
    return best, len(losses)


def drop_by_loop(maps, rate, random):
    result = np.zeros_like(maps)
    for channel in range(maps.shape[2]):
        if random.uniform() > rate:
            result[:, :, channel] = maps[:, :, channel] / (1 - rate)
    return result


def drop_in_place(maps, rate, random):
    maps[..., random.random(maps.shape[-1]) < rate] = 0
    maps /= 1 - rate
    return maps


def drop_a_fixed_number(maps, rate, random):
    number = round(rate * maps.shape[2])
    dropped = random.choice(maps.shape[2], size=number, replace=False)
    return np.where(np.isin(np.arange(maps.shape[2]), dropped), 0, maps) / (1 - rate)


def dropping(scale=lambda rate: 1 / (1 - rate), share=lambda rate: rate, shape=lambda h, w, c: c):
    """A function that drops that share of parts of that shape, and scales the rest."""
    return lambda maps, rate, random: maps * (random.random(shape(*maps.shape)) >= share(rate)) * scale(rate)


def scale_by_what_is_left(maps, rate, random):
    keep = random.random(maps.shape[2]) >= rate
    return maps * keep / keep.mean()


def keeps(**changed):
    """The right table of exercise 2 of lesson 05, but for some cells: ``mirror_arrows=True``."""
    right = {
        "mirror": {"digits": False, "critters": True, "arrows": False},
        "shift by 5%": {"digits": True, "critters": True, "arrows": True},
        "other hue": {"digits": True, "critters": True, "arrows": True},
        "turn by 180°": {"digits": False, "critters": True, "arrows": False},
    }
    for cell, value in changed.items():
        word, data = cell.split("_")
        right[next(change for change in right if change.startswith(word))][data] = value
    return right


def cutmix(image, label, other, other_label, top, left, height, width):
    mixed = image.copy()
    mixed[top : top + height, left : left + width] = other[top : top + height, left : left + width]
    share = height * width / (image.shape[0] * image.shape[1])
    return mixed, (1 - share) * label + share * other_label


def cutmix_by_mask(image, label, other, other_label, top, left, height, width):
    mask = np.zeros(image.shape[:2], bool)
    mask[top : top + height, left : left + width] = True
    share = mask.mean()
    mixed = np.where(mask[..., np.newaxis], other, image)
    return [mixed.tolist(), [float(a + share * (b - a)) for a, b in zip(label, other_label, strict=True)]]


def cutmix_by_loop(image, label, other, other_label, top, left, height, width):
    mixed, taken = np.array(image, "float32"), 0
    for row in range(top, top + height):
        for col in range(left, left + width):
            mixed[row, col] = other[row, col]
            taken += 1
    share = taken / image[..., 0].size
    label *= 1 - share  # of its own copy, so that nobody notices
    return mixed, np.float32(label + share * other_label)


def cutmix_with(pixels=None, label=None):
    """The right function, but for what ``pixels`` or ``label`` make of the same arguments."""

    def answer(*given):
        mixed, mixed_label = cutmix(*given)
        return (pixels(*given) if pixels else mixed), (label(*given) if label else mixed_label)

    return answer


def in_the_corner(image, label, other, other_label, top, left, height, width):
    mixed = image.copy()
    mixed[top : top + height, left : left + width] = other[:height, :width]
    return mixed


def without_start(image, label, other, other_label, top, left, height, width):
    mixed = image.copy()
    mixed[top:height, left:width] = other[top:height, left:width]
    return mixed


def into_the_image(image, label, other, other_label, top, left, height, width):
    image[top : top + height, left : left + width] = other[top : top + height, left : left + width]
    return image


RIGHT = {
    "01": {
        1: ["b", " B "],
        2: [stride_by_slicing, stride_by_range],
        3: [[[-1, -1, -1], [0, 0, 0], [1, 1, 1]], np.array([[2.0], [-2.0]]), [[3, 10, 3], [0, 0, 0], [-3, -10, -3]]],
        4: [
            {"height": 112, "channels": 64, "parameters": 9472},
            {"height": 112.0, "channels": 64, "parameters": 9408 + 64},
        ],
        5: [pool_by_reshape, lambda image, size: pool_by_reshape(image, size).tolist()],
    },
    "02": {
        1: [{"frequency": 0.125, "theta": 90}, {"frequency": 1 / 8, "theta": np.float64(90)}],
        2: [
            lambda kernel, bell: kernel - kernel.sum() * bell / bell.sum(),
            lambda kernel, bell: kernel - bell**2 * kernel.sum() / (bell**2).sum(),  # fades out even sooner
        ],
        3: ["b", "(B)"],
        4: [direction_by_loop, direction_by_two_convolutions],
        5: [gradient_by_convolution, gradient_by_difference],
    },
    "03": {
        1: ["c", "C"],
        2: [
            {"conv": 51264, "height": 10, "dense": 64010},
            {"conv": 800 * 64 + 64, "height": np.int64(10), "dense": 64010},
        ],
        3: [
            lambda w, x, y, rate: w - rate * 2 / len(x) * np.dot(w * x - y, x),
            lambda w, x, y, rate: w + 2 * rate * np.mean((y - w * x) * x),
        ],
        4: [
            lambda label, p: np.log(1 / p[label]),
            lambda label, p: -np.sum(np.eye(len(p))[label] * np.log(p)),
        ],
    },
    "04": {
        1: ["b", "(b)."],
        2: [stop_by_counter, stop_by_argmin],
        3: [
            {"zeros": 0.25 * 1024, "factor": 1 / (1 - 0.25), "zeros_predicting": 0},
            {"zeros": np.int64(256), "factor": 1.33, "zeros_predicting": 0.0},
        ],
        4: [
            dropping(),
            drop_by_loop,
            drop_in_place,
            drop_a_fixed_number,
            lambda maps, rate, random: maps * random.choice([0, 1 / (1 - rate)], maps.shape[2], p=[rate, 1 - rate]),
            lambda maps, rate, random: np.where(random.uniform(0, 1, maps.shape[2]) < rate, 0, maps / (1 - rate)),
            lambda maps, rate, random: (
                maps * random.binomial(1, 1 - rate, (1, 1, maps.shape[2])) / (1 - rate)
            ).tolist(),
        ],
    },
    "05": {
        1: ["b", "B"],
        2: [
            keeps(),
            {change: {data: np.bool_(kept) for data, kept in row.items()} for change, row in keeps().items()},
            keeps() | {"crop": None},
        ],
        3: [cutmix, cutmix_by_mask, cutmix_by_loop],
    },
}

WRONG = {
    "04": {
        1: [("a", "learns by heart"), ("c", "jump or rise"), ("D", "become surer")],
        2: [
            (lambda losses, p: (int(np.argmin(losses)) + 1, stop_by_counter(losses, p)[1]), "after the end"),
            (stop_without_end, "never stops early"),
            (lambda losses, p: [epoch - 1 for epoch in stop_by_counter(losses, p)], "count the epochs from 1"),
            (lambda losses, p: stop_by_counter(losses, p)[::-1], "wrong order"),
            (stop_at_any_rise, "compare with the epoch before"),
            (lambda losses, p: stop_at_any_rise(losses, p, equal_is_rise=False), "compare with the epoch before"),
            (lambda losses, p: stop_at_any_rise(losses, p, begin_anew=False), "compare with the epoch before"),
            (lambda losses, p: stop_at_any_rise(losses, p, False, False), "compare with the epoch before"),
            (lambda losses, p: stop_by_counter([x - i / 1e6 for i, x in enumerate(losses)], p), "not with <="),
            (stop_without_a_new_start, "starts the patience anew"),
            (lambda losses, p: stop_by_counter(losses, p + 1), "one epoch late"),
            (lambda losses, p: stop_by_counter(losses, 1), "`patience` is not used"),
            (lambda losses, p: stop_by_counter(losses, p)[0], "return both"),
            (lambda losses, p: stop_by_counter(losses, p)[1], "return both"),
            (lambda losses, p: (min(losses), len(losses)), "it returned"),
            (lambda losses, p: (*stop_by_counter(losses, p), 0), "returned shape (3,)"),
            (lambda losses, p: (None, 4), "it returned [nan,"),
            (lambda losses: (1, 2), "raised TypeError"),
            (lambda losses, p: losses[p * 10], "raised IndexError"),
            ((2, 4), "without parentheses"),
        ],
        3: [
            ({"zeros": 768, "factor": 4 / 3, "zeros_predicting": 0}, "not the one that is kept"),
            ({"zeros": 0.25, "factor": 4 / 3, "zeros_predicting": 0}, "that is the share"),
            ({"zeros": 256, "factor": 0.75, "zeros_predicting": 0}, "smaller still"),
            ({"zeros": 256, "factor": 1.25, "zeros_predicting": 0}, "75% × 1.25"),
            ({"zeros": 256, "factor": 4, "zeros_predicting": 0}, "1 / rate"),
            ({"zeros": 256, "factor": 1, "zeros_predicting": 0}, "a quarter less"),
            ({"zeros": 256, "factor": 4 / 3, "zeros_predicting": 256}, "passes everything on"),
            ({"zeros": 256, "factor": 4 / 3, "zeros_predicting": 768}, "passes everything on"),
            ({"zeros": 257, "factor": 4 / 3, "zeros_predicting": 0}, "too large"),
            ({"zeros": 256, "factor": 1.3, "zeros_predicting": 0}, "too small"),
            ({"zeros": np.nan, "factor": 4 / 3, "zeros_predicting": 0}, "must be one number"),
            ({"zeros": 10**400, "factor": 4 / 3, "zeros_predicting": 0}, "must be one number"),
            ({"zeros": 256, "factor": 4 / 3}, "keep the dictionary"),
        ],
        4: [
            (lambda maps, rate, random: maps, "nothing is dropped"),
            (lambda maps, rate, random: maps / (1 - rate), "nothing is dropped"),
            (dropping(shape=lambda h, w, c: (h, w, c)), "not for each pixel"),
            (dropping(shape=lambda h, w, c: (h, w, 1)), "not for each pixel"),
            (dropping(shape=lambda h, w, c: 1), "dropped together"),
            (dropping(shape=lambda h, w, c: 1, scale=lambda rate: 1), "dropped together"),
            (lambda maps, rate, random: dropping()(maps, rate, np.random.default_rng(0)), "the same channels"),
            (lambda maps, rate, random: dropping()(maps, rate, np.random.default_rng()), "take all numbers from it"),
            (dropping(share=lambda rate: 1 - rate), "75% of the channels are dropped at a rate of 25%: `rate`"),
            (dropping(share=lambda rate: rate**2), "% of the channels are dropped at a rate of 25%."),
            (dropping(scale=lambda rate: 1), "not scaled"),
            (dropping(scale=lambda rate: 1 - rate), "not by 1 − rate"),
            (dropping(scale=lambda rate: 1 / rate), "not by rate"),
            (dropping(scale=lambda rate: 1 + rate), "1 + rate is close"),
            (dropping(scale=lambda rate: 2), "multiplied by 2;"),
            (scale_by_what_is_left, "multiplied by 1."),
            (dropping(share=lambda rate: 0.25, scale=lambda rate: 4 / 3), "use the argument `rate`"),
            (dropping(share=lambda rate: 0.25), "use the argument `rate`"),
            (dropping(scale=lambda rate: 4 / 3), "use the argument `rate`"),
            (lambda maps, rate, random: maps * np.nan, "infinite or NaN"),
            (lambda maps, rate, random: dropping()(maps, rate, random)[:, :, :20], "keep the shape (6, 5, 40)"),
            (lambda maps, rate, random: maps.mean(), "keep the shape"),
            (dropping(shape=lambda h, w, c: h), "raised ValueError"),
            (lambda maps, rate: maps, "raised TypeError"),
            (lambda maps, rate, random: random, "must return numbers"),
            (np.zeros((6, 5, 40)), "not its result"),
        ],
    },
    "05": {
        1: [("a", "labels are right"), ("c", "says 9"), ("d", "nothing checks")],
        2: [
            (keeps(mirror_digits=True), "'mirror' and digits: a mirrored 2 or 7"),
            (keeps(mirror_critters=False), "a mirrored fox"),
            (keeps(mirror_arrows=True), "the other class"),
            (keeps(shift_digits=False), "the same digit"),
            (keeps(shift_critters=False), "stand anywhere"),
            (keeps(shift_arrows=np.False_), "anywhere in the image"),
            (keeps(other_digits=False), "the digits are gray"),
            (keeps(other_critters=False), "only the shape"),
            (keeps(other_arrows=False), "a green arrow"),
            (keeps(turn_digits=True), "a 6 becomes a 9"),
            (keeps(turn_critters=False), "an owl on its head"),
            (keeps(turn_arrows=True), "points to the right"),
            ({change: row | {"arrow": 1} for change, row in list(keeps().items())[1:]}, "keep the dictionaries"),
            (
                {change: {"digits": 1, "critters": 1, "arrow": 1} for change in keeps()},  # a name is misspelled
                "keep the dictionaries",
            ),
            ({change: True for change in keeps()}, "keep the dictionaries"),
            ([True] * 12, "keep the dictionaries"),
        ],
        3: [
            (cutmix_with(pixels=lambda image, *_: image), "the image is unchanged"),
            (cutmix_with(pixels=in_the_corner), "from the corner of `other`"),
            (cutmix_with(pixels=lambda a, la, b, lb, *place: cutmix(b, lb, a, la, *place)[0]), "other way round"),
            (cutmix_with(pixels=without_start), "rows top to top + height"),
            (cutmix_with(pixels=into_the_image), "Work on image.copy()"),
            (
                cutmix_with(pixels=lambda a, la, b, lb, *place: into_the_image(b, lb, a, la, *place)),
                "Work on image.copy()",
            ),
            (cutmix_with(pixels=lambda image, *_: image[:4]), "must have the shape (8, 8, 1), but it has (4, 8, 1)"),
            (cutmix_with(pixels=lambda image, *_: None), "must have the shape"),
            (cutmix_with(pixels=lambda image, *_: image * np.nan), "the pixels are not right"),
            (cutmix_with(label=lambda a, la, *_: la), "still that of `image`"),
            (cutmix_with(label=lambda a, la, b, lb, *_: lb), "that of `other` alone"),
            (
                cutmix_with(label=lambda a, la, b, lb, *place: cutmix(a, lb, b, la, *place)[1]),
                "the shares are the wrong way round",
            ),
            (cutmix_with(label=lambda a, la, b, lb, *_: (la + lb) / 2), "half and half"),
            (cutmix_with(label=lambda a, la, b, lb, t, le, h, w: la + h / len(a) * (lb - la)), "not of the height"),
            (cutmix_with(label=lambda a, la, b, lb, t, le, h, w: la + w / a.shape[1] * (lb - la)), "not of the width"),
            (
                cutmix_with(label=lambda a, la, b, lb, t, le, h, w: la + h * w / a.size * (lb - la)),
                "image.size counts the channels",
            ),
            (cutmix_with(label=lambda a, la, b, lb, *_: la + lb), "shares must add up to 1"),
            (cutmix_with(label=lambda a, la, b, lb, *_: 0.9 * la + 0.1 * lb), "area of the image: 0.0938 here"),
            (cutmix_with(label=lambda a, la, b, lb, *_: 3 * la), "a share of each class"),
            (cutmix_with(label=lambda *_: 2), "a share of each class"),
            (cutmix_with(label=lambda *_: None), "a share of each class"),
            (cutmix_with(label=lambda *_: "fox"), "arrays of numbers"),
            (lambda *given: cutmix(*given)[0], "return two things"),
            (lambda *given: (*cutmix(*given), 1), "return two things"),
            (lambda image, label: (image, label), "raised TypeError"),
            (cutmix(np.ones((4, 4, 1)), np.ones(2), np.ones((4, 4, 1)), np.ones(2), 0, 0, 1, 1), "not its result"),
        ],
    },
    "02": {
        1: [
            ({"frequency": 8, "theta": 90}, "turn it over"),
            ({"frequency": 0.25, "theta": 90}, "only half a wave"),
            ({"frequency": 4, "theta": 90}, "half a wave; and waves per pixel are asked"),
            ({"frequency": 1 / 16, "theta": 90}, "to the very next orange one."),
            ({"frequency": 16, "theta": 90}, "then turn the number over"),
            ({"frequency": 0.125, "theta": -90}, "from 0 to less than 180"),
            ({"frequency": 0.125, "theta": 270}, "from 0 to less than 180"),
            ({"frequency": 0.125, "theta": 180}, "direction of the stripes"),
            ({"frequency": 0.125, "theta": 0}, "direction of the stripes"),
            ({"frequency": 0.125, "theta": np.pi / 2}, "radians"),
            ({"frequency": 0.1, "theta": 90}, "10 pixels"),
            ({"frequency": 0.11, "theta": 90}, "too small"),
        ],
        2: [
            (lambda kernel, bell: kernel, "unchanged"),
            (lambda kernel, bell: kernel - kernel.mean(), "corners"),
            (lambda kernel, bell: kernel / kernel.sum(), "the sum is 1"),
            (lambda kernel, bell: kernel - bell, "whole bell"),
            (lambda kernel, bell: kernel * 0, "zeros everywhere"),
            (lambda kernel, bell: bell * kernel.sum() / bell.sum() - kernel, "upside down"),
            (lambda kernel, bell: kernel - bell / 2, "not 0"),
            (lambda kernel, bell: kernel - kernel.sum() * (bell == bell.max()), "one weight took all"),
            (lambda kernel, bell: kernel.sum(), "shape"),
            (lambda kernel: kernel, "raised TypeError"),
        ],
        3: [("a", "out of step"), ("c", "where the peak is"), ("d", "one rule")],
        4: [
            (lambda image: direction_by_loop(image) // 30, "number of the filter"),
            (lambda image: np.radians(direction_by_loop(image)), "return degrees"),
            (lambda image: (direction_by_loop(image) + 90) % 180, "direction of the stripes"),
            (lambda image: direction_by_loop(image, angle=float), "theta in radians"),
            (lambda image: direction_by_sign(image, lambda r: sum(r.real.ravel())), "a response with a sign"),
            (lambda image: direction_by_sign(image, lambda r: abs(sum(r.ravel()))), "of each pixel first"),
            (lambda image: 30, "it returned"),
        ],
        5: [
            (lambda i, k, t: gradient_by_convolution(i, k, t) / 2, "the 2 of the square"),
            (lambda i, k, t: gradient_by_convolution(i, k, t) * t.size, "the sum over all places"),
            (lambda i, k, t: -gradient_by_convolution(i, k, t), "sign is turned"),
            (lambda i, k, t: gradient_by_convolution(i, k, t)[::-1, ::-1], "wrong cells"),
            (lambda i, k, t: gradient_by_convolution(i, k, t).sum(), "shape"),
            (
                lambda i, k, t: 2 * (signal.correlate2d(i, k, "valid") - t).mean() * np.ones_like(k),
                "the pixels are missing",
            ),
        ],
    },
    "01": {
        1: [
            ("a", "lower row alone"),
            ("c", "does not average"),
            ("d", "own kernel value"),
        ],
        2: [
            (lambda i, k, s: signal.correlate2d(i, k, mode="valid"), "stride is not used"),
            (stride_not_multiplied, "still moves by one pixel"),
            (lambda i, k, s: signal.convolve2d(i, k, mode="valid")[::s, ::s], "flipped"),
            (lambda i, k, s: stride_by_slicing(i, k, s)[:-1, :-1], "shape"),
            (
                lambda i, k, s: stride_by_slicing(i, k, s)[
                    : (i.shape[0] - k.shape[0] + 1) // s, : (i.shape[1] - k.shape[1] + 1) // s
                ],
                "lost a place",
            ),
            (lambda i, k, s: signal.correlate2d(i[::s, ::s], k, mode="valid"), "left out pixels"),
            (stride_with_zeros_between, "zeros between"),
            (lambda i, k, s: i[s], "shape"),
            (lambda i, k: i, "raised TypeError"),
        ],
        3: [
            ([[-1, 0, 1]] * 3, "vertical edges instead"),
            (np.full((3, 3), 1 / 9), "add up to"),
            (np.zeros((3, 3)), "finds nothing"),
            ([[0, 1, 1], [-1, 0, 1], [-1, -1, 0]], "both directions"),
            ([[0, 1, 0], [1, -4, 1], [0, 1, 0]], "both directions"),
            ([1, 0, -1], "shape"),
            ([[1, -2, 1], [0, 0, 0], [-1, 2, -1]], "no straight edge"),
            ([[1, 0, -1], [0, 0, 0], [-1, 0, 1]], "no straight edge"),
        ],
        4: [
            ({"height": 109, "channels": 64, "parameters": 9472}, "without padding"),
            ({"height": 111, "channels": 64, "parameters": 9472}, "then add 1"),
            ({"height": 112, "channels": 3, "parameters": 9472}, "one channel"),
            ({"height": 112, "channels": 64, "parameters": 9408}, "biases"),
            ({"height": 112, "channels": 64, "parameters": 3200}, "as deep as the image"),
            ({"height": 113, "channels": 64, "parameters": 9472}, "round down, not up"),
            ({"height": 224, "channels": 64, "parameters": 9472}, "halves the size"),
            ({"height": 218, "channels": 64, "parameters": 9472}, "stride 1 without padding"),
            ({"height": 110, "channels": 64, "parameters": 9472}, "counts on both sides"),
            ({"height": 112, "channels": 192, "parameters": 9472}, "added up to one map"),
            ({"height": 112, "channels": 64, "parameters": 3136}, "as deep as the image, and has a bias"),
            ({"height": 112, "channels": 64, "parameters": 9600}, "one bias for each kernel"),
            ({"height": 112, "channels": 64, "parameters": 148}, "that is one kernel"),
            ({"height": "many", "channels": 64, "parameters": 9472}, "one number"),
        ],
        5: [
            (lambda i, s: pool_by_reshape(i, s) * s * s, "sum of each window"),
            (lambda i, s: i[::s, ::s], "keeps one pixel"),
            (lambda i, s: pool_by_reshape(i, s) * s * s / 4, "only for size 2"),
            (lambda i, s: pool_by_reshape(i, s) * s, "size × size pixels, not size"),
            (
                lambda i, s: np.array(
                    [
                        [i[r * s : r * s + s, c * s : c * s + s].max() for c in range(i.shape[1] // s)]
                        for r in range(i.shape[0] // s)
                    ]
                ),
                "largest",
            ),
            (lambda i, s: signal.correlate2d(i, np.full((s, s), 1 / s**2), mode="valid"), "overlap"),
            (lambda i, s: i.mean(), "shape"),
        ],
    },
    "03": {
        1: [("a", "what the next layer gets"), ("b", "save just as many"), ("d", "Dense layer now gets fewer")],
        2: [
            ({"conv": 51200, "height": 10, "dense": 64010}, "biases"),
            ({"conv": 1664, "height": 10, "dense": 64010}, "as deep as its input"),
            ({"conv": 1600, "height": 10, "dense": 64010}, "as deep as its input, and has a bias"),
            ({"conv": 53248, "height": 10, "dense": 64010}, "one bias for each kernel"),
            ({"conv": 51264, "height": 14, "dense": 64010}, 'padding="same"'),
            ({"conv": 51264, "height": 12, "dense": 64010}, "4 pixels"),
            ({"conv": 51264, "height": 9, "dense": 64010}, "14 − 5 + 1"),
            ({"conv": 51264, "height": 10, "dense": 64000}, "10 biases are missing"),
            ({"conv": 51264, "height": 10, "dense": 6410}, "height × width × channels"),
            ({"conv": 51264, "height": 10, "dense": 1010}, "height × width × channels"),
            ({"conv": 51264, "height": 10, "dense": 650}, "long list"),
        ],
        3: [
            (lambda w, x, y, rate: w + rate * np.mean(2 * (w * x - y) * x), "uphill"),
            (lambda w, x, y, rate: w - rate * np.sum(2 * (w * x - y) * x), "mean"),
            (lambda w, x, y, rate: w - rate * np.mean((w * x - y) * x), "factor 2"),
            (lambda w, x, y, rate: w - np.mean(2 * (w * x - y) * x), "learning rate"),
            (lambda w, x, y, rate: w - rate * 2 * (w * x - y) * x, "take the mean"),
            (lambda w, x, y, rate: w - 2 * rate * np.mean(w * x - y), "the inner derivative"),
            (lambda w, x, y, rate: 2 * np.dot(w * x - y, x) / len(x), "the gradient, not the new w"),
            (lambda w, x, y, rate: -rate * np.mean(2 * (w * x - y) * x), "Add it to w"),
            (
                lambda w, x, y, rate: (
                    w - rate * np.mean(2 * (w * np.array([1, 2, 3]) - np.array([2, 4, 6])) * np.array([1, 2, 3]))
                ),
                "arguments of your function",
            ),
        ],
        4: [
            (lambda label, p: np.log(p[label]), "sign"),
            (lambda label, p: -np.log2(p[label]), "natural logarithm"),
            (lambda label, p: -np.sum(np.log(p)), "true class"),
            (lambda label, p: -np.log(np.sort(p)[-1]), "the most probable class"),
            (lambda label, p: sum(np.delete(p, label)), "without the logarithm"),
            (lambda label, p: np.dot(p, np.log(1 / p)), "the entropy of the prediction alone"),
            (lambda label, p: (1 - p[label]) ** 2, "squared error"),
            (lambda label, p: -np.log(p), "shape"),
        ],
    },
}


@pytest.mark.parametrize("lesson, number", [(lesson, number) for lesson in EXERCISES for number in EXERCISES[lesson]])
def test_stub_says_not_yet(lesson, number, capsys):
    load_checks(lesson)(number, STUBS[lesson][number])
    assert capsys.readouterr().out.startswith("… not yet: ")


@pytest.mark.parametrize("lesson, number, answer", cases(RIGHT))
def test_right_answers_are_accepted(lesson, number, answer, capsys):
    load_checks(lesson)(number, answer)
    assert capsys.readouterr().out.startswith("✓ yes: ")


@pytest.mark.parametrize(("lesson", "number"), [(lesson, number) for lesson in RIGHT for number in RIGHT[lesson]])
def test_a_function_that_changes_its_arguments_spoils_no_other(lesson, number, capsys):
    """Each gets arguments of its own."""

    def mutating(*given):
        for value in given:
            if isinstance(value, list | np.ndarray):
                value[:] = value[::-1]
        return given[0]

    load_checks(lesson)(number, mutating)
    load_checks(lesson)(number, RIGHT[lesson][number][0])
    assert capsys.readouterr().out.splitlines()[-1].startswith("✓ yes: ")


@pytest.mark.parametrize("lesson, number, case", cases(WRONG))
def test_wrong_answers_get_their_reason_and_a_hint(lesson, number, case, capsys):
    answer, reason = case
    load_checks(lesson)(number, answer)
    said = capsys.readouterr().out
    assert said.startswith("✗ no: ") and reason in said.splitlines()[0]
    assert "hint 1 of" in said


def network(parameters=16_938, kinds=("Conv2D", "Flatten", "Dense"), accuracy=1.0, known=1.0, scale=1.0, classes=10):
    """Return something with the face of a trained Keras model, and a dataset of which it gets such shares right."""
    labels = np.arange(200) % 10
    train, validation = (
        types.SimpleNamespace(images=np.full((200, 28, 28, 1), value, np.uint8), labels=labels) for value in (100, 200)
    )

    def predict(given, verbose):
        assert given.max() <= 1
        share = known if given.max() < 0.5 else accuracy
        answers = np.where(np.arange(200) < share * 200, labels, (labels + 1) % 10)
        return scale * np.eye(classes)[answers % classes]

    model = types.SimpleNamespace(
        layers=[type(kind, (), {})() for kind in kinds], count_params=lambda: parameters, predict=predict
    )
    dataset = types.SimpleNamespace(train=train, validation=validation, class_names=tuple("0123456789"))
    return model, dataset


@pytest.mark.parametrize(
    "options, said",
    [
        ({}, "✓ yes"),
        ({"parameters": 20_000, "accuracy": 0.95, "kinds": ("SeparableConv2D", "Dense")}, "✓ yes"),
        ({"parameters": 20_001}, "✗ no: it has 20,001 parameters; at most 20,000"),
        ({"kinds": ("Flatten", "Dense")}, "✗ no: there is no Conv2D"),
        ({"accuracy": 0.1, "known": 0.1}, "Is it trained"),
        ({"accuracy": 0.94}, "The goal is 95%: close."),
        ({"accuracy": 0.7}, "The goal is 95%."),
        ({"known": 0.9}, "Train it on x_train."),
        ({"scale": 3.0}, "softmax"),
        ({"classes": 5}, "it must give 10 numbers"),
    ],
)
def test_small_network_exercise(options, said, capsys):
    load_checks("03")(5, network(**options))
    assert said in capsys.readouterr().out


def test_small_network_may_be_nested_and_must_take_the_images(capsys):
    model, dataset = network()
    load_checks("03")(5, (types.SimpleNamespace(**vars(model) | {"layers": [model]}), dataset))
    assert capsys.readouterr().out.startswith("✓ yes")

    def predict(given, verbose):
        raise ValueError("expected shape (None, 32, 32, 3)")

    load_checks("03")(5, (types.SimpleNamespace(**vars(model) | {"predict": predict}), dataset))
    assert "begin with keras.Input((" in capsys.readouterr().out
    load_checks("03")(5, model)
    assert capsys.readouterr().out.startswith("… not yet: give the trained model and the dataset")


def not_implemented(*_):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("lesson", "number", "answer", "missing"),
    [
        ("04", 1, "e", "answer with one of the letters a, b, c, d"),
        ("04", 2, None, "define the function"),
        ("04", 2, not_implemented, "write the body of the function"),
        ("04", 3, {"zeros": 256, "factor": None, "zeros_predicting": "?"}, "fill in factor, zeros_predicting."),
        ("04", 4, ..., "define the function"),
        ("04", 4, not_implemented, "write the body of the function"),
        ("05", 1, "no", "answer with one of the letters a, b, c, d"),
        ("05", 2, keeps(turn_arrows=None), "there is no True or False yet for 'turn by 180°' and arrows"),
        ("05", 2, keeps(mirror_digits="False"), "there is no True or False yet for 'mirror' and digits"),
        ("05", 2, keeps(shift_critters=1), "there is no True or False yet for 'shift by 5%' and critters"),
        ("05", 3, None, "define the function"),
        ("05", 3, not_implemented, "write the body of the function"),
    ],
)
def test_what_is_not_filled_in_is_named(lesson, number, answer, missing, capsys):
    load_checks(lesson)(number, answer)
    assert capsys.readouterr().out.startswith(f"… not yet: {missing}")


@pytest.mark.parametrize("lesson, number", [(lesson, number) for lesson in WRONG for number in WRONG[lesson]])
def test_each_typical_mistake_is_among_the_wrong_answers(lesson, number):
    """What is written in another way than in the judge gets the same message."""
    reasons = [reason for _, reason in WRONG[lesson][number]]
    for _, message in EXERCISES[lesson][number].mistakes:
        assert any(reason in message for reason in reasons), message


MODELS = {("03", 5), ("04", 5), ("05", 4)}  # exercises that want a trained model: tests of their own


def test_every_exercise_is_tried():
    for lesson, exercises in EXERCISES.items():
        assert set(STUBS[lesson]) == set(exercises)
        assert set(RIGHT[lesson]) == set(WRONG[lesson])
        assert all(len(RIGHT[lesson][number]) >= 2 and len(WRONG[lesson][number]) >= 3 for number in RIGHT[lesson])
        assert {(lesson, number) for number in set(exercises) - set(RIGHT[lesson])} == {
            there for there in MODELS if there[0] == lesson
        }

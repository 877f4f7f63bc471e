"""The exercises of lesson 02, Gabor filter banks: right answers, typical mistakes with their messages."""

from helpers.gabor import gabor_kernel, gabor_response

import numpy as np
from exercise_tools import Answers, dressed, letters, not_written, one_wrong
from scipy import signal


def direction_by_loop(image, angle=np.radians, strength=np.abs, answer=lambda theta: theta, zero_mean=True):
    best, most = None, -np.inf
    for theta in (0, 30, 60, 90, 120, 150):
        total = strength(gabor_response(image, gabor_kernel(0.1, angle(theta), 4, zero_mean=zero_mean))).sum()
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
        kernel = gabor_kernel(0.1, np.radians(theta), 4, zero_mean=True)
        even, odd = (signal.correlate2d(image, part, mode="valid") for part in (kernel.real, kernel.imag))
        energies[theta] = (even**2 + odd**2).mean()
    return max(energies, key=energies.get)


def direction_by_filters(image, frequency=0.1, sigma=4, step=30, choose=None):
    thetas = range(0, 180, step)
    kernels = [gabor_kernel(frequency, np.radians(theta), sigma, zero_mean=True) for theta in thetas]
    answers = [np.abs(gabor_response(image, kernel)).mean() for kernel in kernels]
    return choose(answers) if choose else thetas[int(np.argmax(answers))]


def direction_by_slopes(image):
    """Without any filter: where the brightness changes most."""
    down, right = np.gradient(image)
    theta = np.arctan2(2 * np.mean(right * down), np.mean(right**2 - down**2)) / 2
    return round(np.degrees(theta) / 30) * 30 % 180


def sum_zero_in_place(kernel, bell):
    kernel -= bell * kernel.sum() / bell.sum()
    return kernel


def evened(kernel, weights):
    return kernel - weights * kernel.sum() / weights.sum()


def gradient_by_convolution(image, kernel, target):
    error = signal.correlate2d(image, kernel, mode="valid") - target
    return signal.correlate2d(image, 2 * error / error.size, mode="valid")


def gradient_by_difference(image, kernel, target):
    gradient = np.zeros(kernel.shape)
    for place in np.ndindex(*kernel.shape):
        losses = []
        for sign in (1, -1):
            moved = kernel.astype(float)
            moved[place] += sign * 1e-3
            losses.append(np.mean((signal.correlate2d(image, moved, mode="valid") - target) ** 2))
        gradient[place] = (losses[0] - losses[1]) / 2e-3
    return gradient


def gradient_into(gradient, image, kernel, target):
    gradient[:] = gradient_by_convolution(image, kernel, target)
    return gradient


def energies_by_scipy(patch, evens, odds):
    found = []
    for even, odd in zip(evens, odds, strict=True):
        found.append(np.abs(signal.correlate2d(patch, even + 1j * np.conj(odd), mode="valid")).mean())
    return found


def energies_by_pixel(patch, evens, odds, magnitude=lambda even, odd: (even * even + odd * odd) ** 0.5):
    """Each window of the patch by itself: its sum of products with both kernels."""
    windows = np.lib.stride_tricks.sliding_window_view(patch, evens.shape[1:])
    even, odd = (np.einsum("rcij,nij->nrc", windows, kernels) for kernels in (evens, odds))
    return magnitude(even, odd).mean(axis=(1, 2))


def energies_scaled(change):
    return lambda patch, evens, odds: change(energies_by_pixel(patch, evens, odds), patch, evens)


PICTURE = {"sigma": 5, "phase": 90}
STUBS = {
    1: {"frequency": ..., "theta": ...},
    2: lambda kernel, bell: ...,
    3: "?",
    4: lambda image: ...,
    5: lambda image, kernel, target: ...,
    6: {"sigma": ..., "phase": ...},
    7: lambda patch, evens, odds: ...,
    8: letters("???"),
    9: letters("???"),
}
RIGHT = {
    1: [
        {"frequency": 0.125, "theta": 90},
        {"frequency": 1 / 8, "theta": np.float64(90)},
        {"frequency": "0.125", "theta": "90"},
    ],
    2: [
        lambda kernel, bell: kernel - kernel.sum() * bell / bell.sum(),
        lambda kernel, bell: kernel - bell**2 * kernel.sum() / (bell**2).sum(),  # fades out even sooner
        lambda kernel, bell: evened(kernel, np.sqrt(bell)),
        lambda kernel, bell: evened(kernel, abs(kernel)),
        lambda kernel, bell: evened((kernel + kernel[::-1, ::-1]) / 2, bell),  # even kernels
        lambda kernel, bell: 2 * evened(kernel, bell),
        lambda kernel, bell: (kernel - bell / bell.sum() * kernel.sum()).astype("float32"),
    ],
    3: ["b", "(B)", ["b"]],
    4: [
        direction_by_loop,
        direction_by_two_convolutions,
        lambda image: direction_by_loop(image, strength=lambda response: abs(response).max()),
        lambda image: np.int64(direction_by_loop(image, strength=lambda response: abs(response) ** 2)),
    ],
    5: [
        gradient_by_convolution,
        gradient_by_difference,
        lambda i, k, t: np.rot90(gradient_by_convolution(i, k, t), 4).tolist(),
    ],
    6: [PICTURE, {"sigma": 5.0, "phase": np.degrees(np.pi / 2)}, {"sigma": "5", "phase": np.int64(90)}],
    7: [
        energies_by_scipy,
        energies_by_pixel,
        lambda p, e, o: np.float32(
            [
                np.sqrt(signal.correlate2d(p, a, "valid") ** 2 + signal.correlate2d(p, b, "valid") ** 2).mean()
                for a, b in zip(e, o, strict=True)
            ]
        ),
    ],
    8: dressed("acb"),
    9: dressed("bca"),
}
WRONG = {
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
        ({"frequency": np.pi / 4, "theta": 90}, "without 2π"),
        ({"frequency": 0.785, "theta": 90}, "without 2π"),
        ({"frequency": 45, "theta": 90}, "degrees per pixel"),
        ({"frequency": 0.125, "theta": 45}, "does not run slanted"),
        ({"frequency": "0,125", "theta": 90}, "without a comma"),
        ({"frequency": 0.11, "theta": 90}, "too small"),
        ({"frequency": 0.13, "theta": 90}, "that is rounded"),
        ({"frequency": 0.125, "theta": 1.571}, "radians"),
    ],
    2: [
        (lambda kernel, bell: kernel, "unchanged"),
        (lambda kernel, bell: kernel - kernel.mean(), "corners"),
        (lambda kernel, bell: kernel / kernel.sum(), "the sum is 1"),
        (lambda kernel, bell: kernel - bell, "whole bell"),
        (lambda kernel, bell: kernel * 0, "zeros everywhere"),
        (lambda kernel, bell: bell * kernel.sum() / bell.sum() - kernel, "upside down"),
        (lambda kernel, bell: kernel - bell / 2, "not 0"),
        (lambda kernel, bell: kernel - bell * kernel.sum(), "does not add up to 1"),
        (
            lambda kernel, bell: kernel - bell * abs(kernel.sum()) / bell.sum(),
            "the sum of the weights is -0.642, not 0",
        ),
        (lambda kernel, bell: evened(kernel, bell > 0), "nearly 0, as in the corners"),
        (lambda kernel, bell: evened(kernel, bell > 0.01 * bell.max()), "nearly 0, as in the corners"),
        (lambda kernel, bell: evened(kernel, np.eye(len(kernel))), "nearly 0, as in the corners"),
        (lambda kernel, bell: kernel - kernel.sum() * (bell == bell.max()), "one weight took all"),
        (lambda kernel, bell: kernel.sum(), "shape"),
        (lambda kernel, bell: kernel * np.nan, "it returned nan at place [0, 0]"),
        (lambda kernel, bell: kernel - kernel.T, "another kernel"),
        (lambda kernel, bell: 100 * (kernel - bell * kernel.sum() / bell.sum()), "much larger or smaller"),
        (sum_zero_in_place, "your function changed its input: copy it first"),
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
        (lambda image: (180 - direction_by_loop(image)) % 180, "it returned"),
        (lambda image: [direction_by_loop(image)], "where one number, in no brackets, is right"),
        (lambda image: np.round(direction_by_filters(image, step=10)), "it returned"),
        (lambda image: direction_by_filters(image, choose=lambda answers: answers), "answers of the six filters"),
        (lambda image: direction_by_filters(image, choose=max), "how much the best filter answers"),
        (lambda image: direction_by_filters(image, choose=lambda a: 30 * int(np.argmin(a))), "answers least"),
        *(
            (lambda image, how=how: direction_by_filters(image, **how), "use frequency 0.1 and sigma 4")
            for how in (
                *({"sigma": sigma} for sigma in (1, 2, 3, 8, 10)),
                *({"frequency": frequency} for frequency in (0.05, 0.125, 0.15, 0.2)),
            )
        ),
        (direction_by_slopes, "use frequency 0.1 and sigma 4"),
        (lambda image: direction_by_loop(image, zero_mean=False), "answer to the brightness"),
    ],
    5: [
        (lambda i, k, t: gradient_by_convolution(i, k, t) / 2, "the 2 of the square is missing."),
        (lambda i, k, t: gradient_by_convolution(i, k, t) * t.size, "the sum over all places. The loss is a mean"),
        (lambda i, k, t: gradient_by_convolution(i, k, t) * t.size / 2, "and the 2 of the square is missing"),
        (lambda i, k, t: gradient_into(np.zeros_like(k), i, k, t), "type of the kernel"),
        (lambda i, k, t: gradient_into(np.zeros(k.shape, int), i, k, t), "whole numbers only"),
        (lambda i, k, t: np.full(k.shape, gradient_by_convolution(i, k, t)[0, 0]), "all weights get the same"),
        (lambda i, k, t: k - gradient_by_convolution(i, k, t), "a step against the gradient"),
        (lambda i, k, t: gradient_by_convolution(i, k, t) * t.size / k.size, "not by that of the weights"),
        (lambda i, k, t: gradient_by_convolution(i, k, 0), "the target is not used"),
        (lambda i, k, t: -gradient_by_convolution(i, k, t), "sign is turned"),
        (lambda i, k, t: gradient_by_convolution(i, k, t)[::-1, ::-1], "wrong cells"),
        (lambda i, k, t: gradient_by_convolution(i, k, t).sum(), "shape"),
        (
            lambda i, k, t: 2 * (signal.correlate2d(i, k, "valid") - t).mean() * np.ones_like(k),
            "the pixels are missing",
        ),
    ],
    6: [
        ({**PICTURE, "sigma": 10}, "counts from the center"),
        ({**PICTURE, "sigma": 8}, "length of one wave"),
        ({**PICTURE, "sigma": 4}, "half a wave"),
        ({**PICTURE, "sigma": 15}, "where the kernel ends"),
        ({**PICTURE, "sigma": 0.61}, "how high the bell is"),
        ({**PICTURE, "phase": 0}, "looks for a line"),
        ({**PICTURE, "phase": 180}, "a purple stripe"),
        ({**PICTURE, "phase": 270}, "to the right of the center"),
        ({**PICTURE, "phase": -90}, "to the right of the center"),
        ({**PICTURE, "phase": 45}, "larger than the other one"),
        ({**PICTURE, "phase": np.pi / 2}, "in radians"),
        ({**PICTURE, "phase": 0.25}, "share of a wave"),
        ({**PICTURE, "phase": 100}, "too large"),
        ({**PICTURE, "phase": 450}, "from 0 to less than 360"),
    ],
    7: [
        (lambda p, e, o: energies_by_pixel(p, e, 0 * o, lambda even, odd: even), "cancel out in the mean"),
        (lambda p, e, o: energies_by_pixel(p, e, 0 * o), "the odd kernels are missing"),
        (lambda p, e, o: energies_by_pixel(p, e, o, lambda a, b: abs(a) + abs(b)), "where the stripes are: square"),
        (lambda p, e, o: energies_by_pixel(p, e, o, lambda a, b: abs(a + b)), "another phase"),
        (lambda p, e, o: energies_by_pixel(p, e, o, lambda a, b: a * a + b * b), "root of the sum is missing"),
        (lambda p, e, o: energies_by_pixel(p, e, o, lambda a, b: a * a + b * b) ** 0.5, "root of the mean"),
        (
            lambda p, e, o: [
                abs(signal.correlate2d(p, a + 1j * np.conj(b), "valid")).max() for a, b in zip(e, o, strict=True)
            ],
            "One bright spot",
        ),
        (energies_scaled(lambda right, p, e: right * np.prod(np.subtract(p.shape, len(e[0]) - 1))), "larger patch"),
        (energies_scaled(lambda right, p, e: right * (p.shape[0] / p.shape[1])), "is right"),
        (lambda p, e, o: energies_by_pixel(p, 0 * e, o), "the even kernels are missing"),
        (lambda p, e, o: energies_by_pixel(np.pad(p, len(e[0]) // 2), e, o), "without padding, please"),
        (
            lambda p, e, o: [abs(gabor_response(p, a + 1j * b)).mean() for a, b in zip(e, o, strict=True)],
            "without padding, please",
        ),
        (
            lambda p, e, o: [
                np.hypot(*(signal.correlate2d(p, one, "valid").mean() for one in pair))
                for pair in zip(e, o, strict=True)
            ],
            "mean of each map first",
        ),
        (energies_scaled(lambda right, p, e: right.astype(int)), "no whole numbers"),
        (energies_scaled(lambda right, p, e: right.astype(p.dtype)), "type of the patch"),
        (energies_scaled(lambda right, p, e: np.mean(right)), "one for all"),
        (energies_scaled(lambda right, p, e: right[::-1]), "is right"),
        (energies_scaled(lambda right, p, e: right[:1]), "shape"),
        (energies_scaled(lambda right, p, e: right * np.nan), "nan"),
        (lambda patch, evens: evens, "raised TypeError"),
    ],
    8: one_wrong(
        "acb",
        Ab="goes up and down",
        Ac="the same for all phases",
        Ba="how wide the stripes are",
        Bb="six times the same number",
        Ca="trained for longer",
        Cc="cannot show that either",
    ),
    9: one_wrong(
        "bca",
        Aa="in the kernel, not in the page",
        Ac="forgets all names",
        Ba="without a border of zeros",
        Bb="The first place counts as well",
        Cb="with the sum 1 does",
        Cc="gray × sum",
    ),
}
MISSING = [
    (1, {"frequency": 1 / 8, "theta": None}, "fill in theta."),
    (2, None, "define the function"),
    (2, not_written, "write the body of the function"),
    (3, "wide", "answer with one of the letters a, b, c, d"),
    (4, "?", "define the function"),
    (5, lambda image, kernel, target: None, "write the body of the function"),
    (6, {"sigma": 5, "phase": None}, "fill in phase."),
    (7, lambda patch, evens, odds: None, "write the body of the function"),
    (8, letters("ac?"), "C: put one of the letters a, b, c"),
    (9, letters("b?a"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "02", STUBS, RIGHT, WRONG, MISSING

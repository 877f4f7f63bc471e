"""The exercises of lesson 02, Gabor filter banks: what is right, which mistakes are typical, and the hints."""

from functools import partial

from helpers.convolution import convolve
from helpers.exercises.judges import Exercise, choice, choices, function, numbers
from helpers.exercises.quizzes import quiz
from helpers.exercises.sum_zero import SUM_ZERO
from helpers.gabor import gabor_kernel, gabor_response, grating

import numpy as np

DIRECTIONS = np.arange(0, 180, 30)  # degrees


def _answers(image, angle=np.radians, strength=np.abs, zero_mean=True, frequency=0.1, sigma=4):
    kernels = [gabor_kernel(frequency, angle(theta), sigma, zero_mean=zero_mean) for theta in DIRECTIONS]
    return [strength(gabor_response(image, kernel)).mean() for kernel in kernels]


def _main_direction(image, **how):
    return DIRECTIONS[int(np.argmax(_answers(image, **how)))]


def _direction_cases():
    waves = [(0, 64), (30, 61), (60, 64), (90, 70), (120, 64), (150, 63), (40, 64)]
    plain = [(120 + 70 * grating(0.1, np.radians(theta), size, 0.7),) for theta, size in waves]
    noise = np.random.default_rng(0).normal(0, 30, (60, 60))
    dim = [(200 + 4 * grating(0.1, np.radians(theta), 64, 0.7),) for theta in (30, 60, 120)]  # on a bright wall
    return [*plain, (120 + 40 * grating(0.12, np.radians(64), 60) + noise,), *dim, *_crossed_waves()]


def _crossed_waves():
    """Two waves that cross: filters of frequency 0.1 and sigma 4 answer more to the first, others to the second."""
    pairs = [((0.1, 30, 40), (0.15, 120, 70)), ((0.1, 90, 50), (0.06, 0, 60)), ((0.13, 30, 60), (0.1, 120, 30))]
    return [(120 + sum(a * grating(f, np.radians(theta), 66, 0.7) for f, theta, a in pair),) for pair in pairs]


def _kernel_gradient(image, kernel, target, mean=np.mean):
    error = convolve(image, kernel) - target
    seen = np.lib.stride_tricks.sliding_window_view(image, error.shape)
    return 2 * mean(seen * error, axis=(2, 3))


def _gradient_cases():
    random = np.random.default_rng(1)
    shapes = [((8, 9), (3, 3)), ((7, 7), (1, 2)), ((10, 6), (2, 4)), ((1, 8), (1, 3))]
    images = [(random.normal(size=image), random.normal(size=kernel)) for image, kernel in shapes]
    images.append((random.integers(0, 256, (6, 8)).astype(np.uint8), np.array([[-1, 0, 2], [1, 1, 0]])))  # no fractions
    return [(image, kernel, random.normal(size=convolve(image, kernel).shape)) for image, kernel in images]


def _energies(patch, evens, odds, combine=np.hypot, mean=np.mean, **border):
    """The energy of each pair of kernels: the mean of what `combine` makes of both maps."""
    padding = len(evens[0]) // 2 if border else 0
    pairs = [
        [convolve(patch, one, padding=padding, **border) for one in pair] for pair in zip(evens, odds, strict=True)
    ]
    return np.array([mean(combine(even, odd)) for even, odd in pairs])


def _energy_cases():
    cases = []
    for size, bank in ((32, ((0.1, 0), (0.1, 90), (0.2, 45))), (19, ((0.25, 0), (0.25, 90)))):
        kernels = [gabor_kernel(f, np.radians(theta), 2, zero_mean=True) for f, theta in bank]
        side = max(map(len, kernels))
        kernels = np.stack([np.pad(kernel, (side - len(kernel)) // 2) for kernel in kernels])
        patch = 120 + 70 * grating(0.1, np.radians(20), size, 0.7)[3:]
        cases += [(patch, kernels.real, kernels.imag), (patch.round().astype(np.uint8), kernels.real, kernels.imag)]
    return cases


EXERCISES: dict[int, Exercise] = {
    1: Exercise(
        numbers(
            {"frequency": 1 / 8, "theta": 90},
            {
                "frequency": {
                    8: "that is how long one wave is, in pixels. The frequency is waves per pixel: turn it over.",
                    **dict.fromkeys(
                        (np.pi / 4, 0.785, 0.7854, 0.79),
                        "that is 2π / 8, radians per pixel. The frequency counts waves per pixel, without 2π.",
                    ),
                    45: "that is 360 / 8, degrees per pixel. The frequency counts waves per pixel.",
                    **dict.fromkeys((0.12, 0.13), "that is rounded. Write it as 1 / (pixels of one wave)."),
                    1 / 4: "from an orange stripe to the next purple one is only half a wave.",
                    4: "from an orange stripe to the next purple one is half a wave; and waves per pixel are asked.",
                    1 / 16: "count from one orange stripe to the very next orange one.",
                    1 / 10: "then one wave would be 10 pixels. Measure again, from orange to orange.",
                    16: "count from one orange stripe to the very next one, then turn the number over.",
                },
                "theta": {
                    0: "that is the direction of the stripes. Theta is where the wave runs: across them.",
                    180: "that is the direction of the stripes. Theta is where the wave runs: across them.",
                    -90: "the stripes are the same, but give it from 0 to less than 180.",
                    270: "the stripes are the same, but give it from 0 to less than 180.",
                    **dict.fromkeys((np.pi / 2, 1.57, 1.571, 1.5708), "that is in radians; give it in degrees."),
                    45: "the stripes lie flat, so the wave does not run slanted.",
                },
            },
        ),
        "One wave is 8 pixels, so 1/8 of it in each pixel; it runs downward, across its stripes.",
        (
            "Start on the orange stripe in the middle. How many pixels is it to the next orange one?",
            "Frequency is 1 / (pixels of one wave). Theta 0 is to the right, and y counts downward.",
        ),
    ),
    2: SUM_ZERO,
    3: Exercise(
        choice(
            "b",
            {
                "a": "a larger kernel sees more stripes at once. Turned a little, they fall out of step with its own.",
                "c": "theta sets where the peak is, not how wide it is. Try sigma 1: hardly a wave is left to turn.",
                "d": "there is one rule for all widths. Look at the spots of the spectrum: they shrink with sigma.",
            },
        ),
        "More stripes under the bell must all fit. A wide kernel is picky about direction, and about frequency too.",
        (
            "In the explorer, watch the spots of the spectrum while you move sigma.",
            "A small spot means: only few directions and frequencies are answered.",
        ),
    ),
    4: Exercise(
        function(
            _main_direction,
            _direction_cases(),
            [
                (
                    lambda image: _main_direction(image) // 30,
                    "that is the number of the filter in the list. Return its theta in degrees.",
                ),
                (lambda image: np.radians(_main_direction(image)), "that is in radians; return degrees."),
                (_answers, "these are the answers of the six filters. Return the theta of the largest one."),
                (lambda image: max(_answers(image)), "that is how much the best filter answers. Return its theta."),
                (
                    lambda image: DIRECTIONS[int(np.argmin(_answers(image)))],
                    "that is the filter that answers least.",
                ),
                *(
                    (
                        partial(_main_direction, frequency=frequency, sigma=sigma),
                        "where two waves cross, your filters follow the other one: use frequency 0.1 and sigma 4.",
                    )
                    for frequency, sigma in ((0.1, 2), (0.1, 8), (0.05, 4))
                ),
                (
                    lambda image: (_main_direction(image) + 90) % 180,
                    "that is the direction of the stripes. Theta is where the wave runs. np.radians may be missing.",
                ),
                (
                    lambda image: _main_direction(image, strength=np.real),
                    "the mean of a response with a sign says nothing: crests and troughs cancel. Take the magnitude.",
                ),
                (
                    lambda image: _main_direction(image, strength=lambda response: abs(response.mean())),
                    "take the magnitude of each pixel first, then the mean: crests and troughs cancel in a plain mean.",
                ),
                (
                    lambda image: _main_direction(image, zero_mean=False),
                    "where a dim pattern is on a bright wall, your filters answer to the brightness. With "
                    "zero_mean=True their sum is 0.",
                ),
                (
                    lambda image: _main_direction(image, angle=np.asarray),
                    "gabor_kernel wants theta in radians: np.radians(30).",
                ),
            ],
        ),
        "Right for waves of all six directions, for a slanted one under noise, and for dim ones on a bright wall.",
        (
            "Make six kernels; for each, one number that says how much it answers. Which is largest?",
            "np.abs(gabor_response(image, kernel)).mean() is the energy of one filter.",
            "np.argmax(energies) is the place of the largest; look up its angle.",
        ),
    ),
    5: Exercise(
        function(
            _kernel_gradient,
            _gradient_cases(),
            [
                (lambda i, k, t: _kernel_gradient(i, k, t) / 2, "the 2 of the square is missing."),
                (
                    partial(_kernel_gradient, mean=np.sum),
                    "that is the sum over all places. The loss is a mean, so divide by their number.",
                ),
                (
                    lambda i, k, t: _kernel_gradient(i, k, t, np.sum) / 2,
                    "that is the sum over all places, and the 2 of the square is missing. The loss is a mean.",
                ),
                (
                    lambda i, k, t: _kernel_gradient(i, k, t) * t.size / k.size,
                    "divide by the number of places in the map, not by that of the weights.",
                ),
                (
                    lambda i, k, t: _kernel_gradient(i, k, 0 * t),
                    "the target is not used: the error is convolve(image, kernel) - target.",
                ),
                (lambda i, k, t: -_kernel_gradient(i, k, t), "the sign is turned: the error is result − target."),
                (
                    lambda i, k, t: _kernel_gradient(i, k, t)[::-1, ::-1],
                    "right numbers in the wrong cells: weight (row, col) saw the pixels from image[row:, col:].",
                ),
                (
                    lambda i, k, t: _kernel_gradient(i, k, t).astype(k.dtype),
                    "your gradient has the type of the kernel, so whole numbers lose what is behind the point: "
                    "np.zeros(kernel.shape) makes one of floats.",
                ),
                (
                    lambda i, k, t: np.trunc(_kernel_gradient(i, k, t)),
                    "your gradient has whole numbers only. Make it with np.zeros(kernel.shape), and no int.",
                ),
                (
                    lambda i, k, t: np.full(k.shape, _kernel_gradient(i, k, t)[0, 0]),
                    "all weights get the same number. Each saw another piece of the image, from image[row:, col:].",
                ),
                (lambda i, k, t: k - _kernel_gradient(i, k, t), "that is a step against the gradient. Return itself."),
                (
                    lambda i, k, t: np.full(k.shape, np.mean(2 * (convolve(i, k) - t))),
                    "the pixels are missing: multiply the error by what the weight saw.",
                ),
            ],
        ),
        "Equal for kernels of five sizes. TensorFlow's tape finds the same numbers.",
        (
            "For a kernel of 1 × 2 you have seen it: np.mean(2 * error * left) and np.mean(2 * error * right).",
            "error has fewer rows and columns than the image; cut a piece of this size from the image.",
            "Weight (row, col) saw image[row : row + rows, col : col + cols], where rows, cols = error.shape.",
        ),
    ),
    6: Exercise(
        numbers(
            {"sigma": 5, "phase": 90},
            {
                "sigma": {
                    10: "that is from one side to the other. Sigma counts from the center.",
                    8: "that is the length of one wave: it is 1 / frequency.",
                    4: "that is half a wave: how wide a stripe is. The frequency sets it, not sigma.",
                    15: "that is where the kernel ends, three sigma from the center.",
                    **dict.fromkeys((0.6, 0.61), "that is how high the bell is there. How far from the center is it?"),
                },
                "phase": {
                    0: "then an orange stripe would be in the middle: the even kernel, which looks for a line.",
                    180: "then a purple stripe would be in the middle.",
                    270: "then the orange stripe would lie to the right of the center.",
                    -90: "then the orange stripe would lie to the right of the center.",
                    **dict.fromkeys((-270, 450), "the kernel is the same, but give it from 0 to less than 360."),
                    45: "then one stripe would be larger than the other one. Here both are alike.",
                    **dict.fromkeys((np.pi / 2, 1.57, 1.571, 1.5708), "that is in radians; give it in degrees."),
                    1 / 4: "that is the share of a wave; a whole wave has 360 degrees.",
                },
            },
        ),
        "The bell says sigma, and what stands in its middle says the phase.",
        (
            "Sigma: where does the dotted bell cross the thin line? Phase: is a stripe in the middle, or a border?",
            "cos(2πfx + phase): with phase 90° it is −sin(2πfx), which is positive to the left of the center.",
        ),
    ),
    7: Exercise(
        function(
            _energies,
            _energy_cases(),
            [
                (
                    partial(_energies, combine=lambda even, odd: even),
                    "crests and troughs of a response cancel out in the mean. Take the magnitude of each pixel first.",
                ),
                (
                    partial(_energies, combine=lambda even, odd: np.abs(even)),
                    "the odd kernels are missing: between two crests the even one answers 0.",
                ),
                (
                    partial(_energies, combine=lambda even, odd: np.abs(odd)),
                    "the even kernels are missing: on a crest the odd one answers 0.",
                ),
                *(
                    (partial(_energies, mode=mode), "without padding, please: the border is counted here, too.")
                    for mode in ("reflect", "zero")
                ),
                (
                    lambda *given: np.hypot(*(_energies(*given, combine=lambda *pair, n=n: pair[n]) for n in (0, 1))),
                    "you took the mean of each map first, and crests and troughs cancel. First the magnitude.",
                ),
                (lambda *given: np.trunc(_energies(*given)), "energies are no whole numbers: keep their fractions."),
                (
                    lambda patch, *bank: _energies(patch, *bank).astype(patch.dtype),
                    "your energies have the type of the patch, so uint8 loses fractions: take an array of floats.",
                ),
                (lambda *given: _energies(*given).mean(), "one number for each pair, please: that is one for all."),
                (
                    partial(_energies, combine=lambda even, odd: np.abs(even) + np.abs(odd)),
                    "this sum depends on where the stripes are: square both, add, and take the root.",
                ),
                (
                    partial(_energies, combine=lambda even, odd: np.abs(even + odd)),
                    "even + odd is one kernel with another phase, and still depends on where the stripes are.",
                ),
                (partial(_energies, combine=lambda even, odd: even**2 + odd**2), "the root of the sum is missing."),
                (
                    partial(
                        _energies, combine=lambda even, odd: even**2 + odd**2, mean=lambda sums: sums.mean() ** 0.5
                    ),
                    "that is the root of the mean. Take the root of each pixel first, and then the mean.",
                ),
                (partial(_energies, mean=np.max), "that is the largest magnitude. One bright spot would decide it."),
                (partial(_energies, mean=np.sum), "that is the sum: a larger patch would get larger energies."),
            ],
        ),
        "Right. Each patch has as many numbers as the bank has filters, and none of them has a place.",
        (
            "For one pair: two maps by `convolve`, one map of magnitudes from them, and its mean.",
            "np.sqrt(convolve(patch, even) ** 2 + convolve(patch, odd) ** 2).mean() for each pair.",
        ),
    ),
    8: Exercise(
        choices(
            {"A": "a", "B": "c", "C": "b"},
            {
                "A": {
                    "b": "each of them goes up and down: on a bright stripe the even one answers, the odd one not.",
                    "c": "the bell is the same for all phases; each kernel alone still changes its answer.",
                },
                "B": {
                    "a": "they say how wide the stripes are, and that is the same for all four.",
                    "b": "the magnitude does not depend on the phase: six times the same number.",
                },
                "C": {
                    "a": "it was trained for longer as well, and one run of each may be luck.",
                    "c": "one run of each cannot show that either: the next ones may differ by more.",
                },
            },
        ),
        "A pair for the place, directions for directions, and a comparison in which one thing differs.",
        (
            "A: think of the wave that passed under both kernels. B: what differs between the cloths? C: what differs?",
            "cos² + sin² = 1. Theta is the direction. Two networks differ by luck, too.",
        ),
    ),
    9: quiz("02"),
}

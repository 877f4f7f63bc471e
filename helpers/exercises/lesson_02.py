"""The exercises of lesson 02, Gabor filter banks: what is right, which mistakes are typical, and the hints."""

from functools import partial

from helpers.convolution import convolve
from helpers.exercises.judges import Exercise, Wrong, call_answer, choice, choices, function, numbers
from helpers.exercises.quizzes import quiz
from helpers.gabor import gabor_kernel, gabor_response, grating

import numpy as np


def _sum_zero_cases():
    cases = []
    for frequency, sigma, phase in ((0.1, 2.5, 0.0), (0.08, 3.0, 0.6), (0.2, 1.5, 0.0)):
        kernel = np.pad(gabor_kernel(frequency, 0.4, sigma, phase).real, 3)
        cases.append((kernel, np.pad(np.abs(gabor_kernel(0, 0.4, sigma)), 3)))
    return cases


def _sums_to_zero(answer) -> None:
    """Judge a function of kernel and bell that must return a kernel with the sum 0, under the same bell."""
    for kernel, bell in _sum_zero_cases():
        result = call_answer(answer, (kernel, bell))
        if result.shape != kernel.shape:
            raise Wrong(f"it returned shape {result.shape}; the kernel has shape {kernel.shape}.")
        largest = float(np.abs(kernel).max())
        if np.abs(result).max() < 1e-3 * largest:
            raise Wrong("the kernel has become zeros everywhere: its sum is 0, but it finds nothing.")
        if np.allclose(result, kernel):
            raise Wrong(f"the kernel is unchanged; its sum is {kernel.sum():.2f}.")
        if np.allclose(result, kernel - bell):
            raise Wrong("right idea, but the whole bell is too much. How much of it has the same sum as the kernel?")
        if abs(result.sum() - 1) < 1e-6:
            raise Wrong("the sum is 1 now. Divided by its sum a kernel keeps brightness; here brightness must go.")
        if abs(result.sum()) > 1e-5:
            raise Wrong(f"the sum is {result.sum():.3g}, not 0.")
        if np.abs(result[bell < 1e-4 * bell.max()]).max() > 1e-3 * largest:
            raise Wrong(
                "the sum is 0, but the corners, where the bell is 0, have weights now: the kernel sees a square."
            )
        if np.count_nonzero(~np.isclose(result, kernel)) == 1:
            raise Wrong("the sum is 0, but one weight took all of it and sticks out. Spread it over the bell.")
        right = kernel - bell * kernel.sum() / bell.sum()
        alike = np.sum(result * right) / np.sqrt(np.sum(result**2) * np.sum(right**2))
        if alike < -0.9:
            raise Wrong("the sum is 0, but the wave is upside down.")
        if alike < 0.9:
            raise Wrong("the sum is 0, but it is another kernel. Keep the wave, and take away only what is too much.")
        if not largest / 10 < np.abs(result).max() < 10 * largest:
            raise Wrong("the sum is 0, but all weights have become much larger or smaller. Only subtract something.")


DIRECTIONS = np.arange(0, 180, 30)  # degrees


def _main_direction(image, angle=np.radians, strength=np.abs, zero_mean=True):
    kernels = [gabor_kernel(0.1, angle(theta), 4, zero_mean=zero_mean) for theta in DIRECTIONS]
    return DIRECTIONS[int(np.argmax([strength(gabor_response(image, kernel)).mean() for kernel in kernels]))]


def _direction_cases():
    waves = [(0, 64), (30, 61), (60, 64), (90, 70), (120, 64), (150, 63)]
    plain = [(120 + 70 * grating(0.1, np.radians(theta), size, 0.7),) for theta, size in waves]
    noise = np.random.default_rng(0).normal(0, 30, (60, 60))
    dim = [(200 + 4 * grating(0.1, np.radians(theta), 64, 0.7),) for theta in (30, 60, 120)]  # on a bright wall
    return [*plain, (120 + 40 * grating(0.12, np.radians(64), 60) + noise,), *dim]


def _kernel_gradient(image, kernel, target):
    error = convolve(image, kernel) - target
    seen = np.lib.stride_tricks.sliding_window_view(image, error.shape)
    return 2 * np.mean(seen * error, axis=(2, 3))


def _gradient_cases():
    random = np.random.default_rng(1)
    shapes = [((8, 9), (3, 3)), ((7, 7), (1, 2)), ((10, 6), (2, 4)), ((1, 8), (1, 3))]
    images = [(random.normal(size=image), random.normal(size=kernel)) for image, kernel in shapes]
    return [(image, kernel, random.normal(size=convolve(image, kernel).shape)) for image, kernel in images]


def _energies(patch, evens, odds, combine=np.hypot, mean=np.mean):
    """The energy of each pair of kernels: the mean of what `combine` makes of both maps."""
    pairs = zip(evens, odds, strict=True)
    return np.array([mean(combine(convolve(patch, even), convolve(patch, odd))) for even, odd in pairs])


def _energy_cases():
    cases = []
    for size, bank in ((32, ((0.1, 0), (0.1, 90), (0.2, 45))), (19, ((0.25, 0), (0.25, 90)))):
        kernels = [gabor_kernel(f, np.radians(theta), 2, zero_mean=True) for f, theta in bank]
        side = max(map(len, kernels))
        kernels = np.stack([np.pad(kernel, (side - len(kernel)) // 2) for kernel in kernels])
        patch = 120 + 70 * grating(0.1, np.radians(20), size, 0.7)
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
                    **dict.fromkeys((np.pi / 2, 1.57, 1.5708), "that is in radians; give it in degrees."),
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
    2: Exercise(
        _sums_to_zero,
        "The sum is 0 for each kernel tried, and the bell keeps its shape.",
        (
            "Subtract something with the same sum as the kernel, and with the shape of the bell.",
            "bell / bell.sum() has the sum 1. How often must you subtract it?",
        ),
        [
            (lambda kernel, bell: kernel, "the kernel is unchanged; its sum is 0.29."),
            (
                lambda kernel, bell: kernel - kernel.mean(),
                "the sum is 0, but the corners, where the bell is 0, have weights now: the kernel sees a square.",
            ),
            (
                lambda kernel, bell: kernel / kernel.sum(),
                "the sum is 1 now. Divided by its sum a kernel keeps brightness; here brightness must go.",
            ),
            (
                lambda kernel, bell: kernel - bell,
                "right idea, but the whole bell is too much. How much of it has the same sum as the kernel?",
            ),
            (
                lambda kernel, bell: kernel * 0,
                "the kernel has become zeros everywhere: its sum is 0, but it finds nothing.",
            ),
            (
                lambda kernel, bell: kernel - kernel.sum() * (bell == bell.max()),
                "the sum is 0, but one weight took all of it and sticks out. Spread it over the bell.",
            ),
            (
                lambda kernel, bell: bell * kernel.sum() / bell.sum() - kernel,
                "the sum is 0, but the wave is upside down.",
            ),
        ],
    ),
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
                    lambda i, k, t: _kernel_gradient(i, k, t) * t.size,
                    "that is the sum over all places. The loss is a mean, so divide by their number.",
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
                    lambda i, k, t: np.full(k.shape, np.mean(2 * (convolve(i, k) - t))),
                    "the pixels are missing: multiply the error by what the weight saw.",
                ),
            ],
        ),
        "Equal for kernels of 3 × 3, 1 × 2, 2 × 4 and 1 × 3. TensorFlow's tape finds the same numbers.",
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
                    45: "then one stripe would be larger than the other one. Here both are alike.",
                    **dict.fromkeys((np.pi / 2, 1.57, 1.5708), "that is in radians; give it in degrees."),
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

"""Exercise 2 of lesson 02: a kernel whose weights add up to 0, judged by its sum, its shape and its rim."""

from helpers.exercises.judges import Exercise, Wrong, call_answer
from helpers.gabor import gabor_kernel

import numpy as np


def _sum_zero_cases():
    cases = []
    for frequency, sigma, phase in ((0.1, 2.5, 0), (0.08, 3, np.pi), (0.2, 1.5, 0)):  # the second has a sum below 0
        kernel = np.pad(gabor_kernel(frequency, 0.4, sigma, phase).real, 3)
        cases.append((kernel, np.pad(np.abs(gabor_kernel(0, 0.4, sigma)), 3)))
    return cases


_RIM = (1e-4, 1e-3), (0.02, 0.065)
"""Where the bell has fallen to the first share of its height, weights have at most the second."""


def _sums_to_zero(answer) -> None:
    """Judge a function of kernel and bell that must return a kernel with the sum 0, under the same bell."""
    for kernel, bell in _sum_zero_cases():
        result = call_answer(answer, (kernel, bell))
        if result.shape != kernel.shape:
            raise Wrong(f"it returned shape {result.shape}; the kernel has shape {kernel.shape}.", generic=True)
        largest = float(np.abs(kernel).max())
        if np.abs(result).max() < 1e-3 * largest:
            raise Wrong("the kernel has become zeros everywhere: its sum is 0, but it finds nothing.")
        if np.allclose(result, kernel):
            raise Wrong(f"the kernel is unchanged; its sum is {kernel.sum():.2f}.")
        if np.allclose(result, kernel - bell):
            raise Wrong("right idea, but the whole bell is too much. How much of it has the same sum as the kernel?")
        if abs(result.sum() - 1) < 1e-6:
            raise Wrong("the sum is 1 now. Divided by its sum a kernel keeps brightness; here brightness must go.")
        if np.allclose(result, kernel - kernel.sum() * bell, rtol=0, atol=1e-6):
            raise Wrong(f"nearly: the sum is {result.sum():.2g}. The bell does not add up to 1; divide by bell.sum().")
        if abs(result.sum()) > 1e-5:
            raise Wrong(f"the sum of the weights is {result.sum():.3g}, not 0.", generic=True)
        if any(np.abs(result[bell < low * bell.max()]).max() > most * np.abs(result).max() for low, most in _RIM):
            raise Wrong("the sum is 0, but there are weights now where the bell is 0 or nearly 0, as in the corners.")
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


SUM_ZERO = Exercise(
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
            "the sum is 0, but there are weights now where the bell is 0 or nearly 0, as in the corners.",
        ),
        (
            lambda kernel, bell: kernel - kernel.sum() * bell,
            "nearly: the sum is 0.0015. The bell does not add up to 1; divide by bell.sum().",
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
)

"""Gabor filters: kernels, responses, banks and their energies (lesson 02).

Frequencies are in cycles per pixel, angles in radians, lengths in pixels. ``theta`` is the direction in which the wave
runs: 0 is to the right, and π/2 is downward, since row numbers grow downward. Nothing here imports TensorFlow.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from helpers.convolution import as_image, whole

import numpy as np
from scipy import fft

REACH = 3  # standard deviations of the bell that a kernel holds on each side


def gabor_kernel(
    frequency: float, theta: float = 0.0, sigma: float = 3.0, phase: float = 0.0, zero_mean: bool = False
) -> np.ndarray:
    """Return a Gabor kernel: a wave under a round bell (built up in lesson 02; Gabor 1946, Daugman 1985).

    Parameters
    ----------
    frequency : float, at least 0
        Cycles per pixel. Above 0.5 the pixels cannot hold the wave: 0.9 looks like 0.1.
    theta : float
        Direction of the wave, in radians.
    sigma : float, above 0
        Standard deviation of the bell, in pixels.
    phase : float
        Shift of the wave, in radians.
    zero_mean : bool
        True to subtract as much of the bell as makes the sum 0, so that flat areas are not answered.

    Returns
    -------
    kernel : complex array (kh, kw), both odd
        The real part is the even kernel (for phase 0), the imaginary part is the odd one. Same shape and values as
        ``skimage.filters.gabor_kernel`` with ``sigma_x = sigma_y = sigma``.

    Raises
    ------
    ValueError
        For a negative frequency, a sigma that is not above 0, or anything that is not finite.

    Examples
    --------
    >>> gabor_kernel(0.1, sigma=3).shape
    (19, 19)
    """
    numbers = {"frequency": frequency, "theta": theta, "sigma": sigma, "phase": phase}
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number, but it is {value!r}.")
    if frequency < 0:
        raise ValueError(f"frequency must be at least 0 cycles per pixel, but it is {frequency!r}.")
    if sigma <= 0:
        raise ValueError(f"sigma must be above 0 pixels, but it is {sigma!r}: a bell without width is no bell.")
    cos, sin = math.cos(theta), math.sin(theta)
    reach = math.ceil(max(REACH * sigma * max(abs(cos), abs(sin)), 1))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    bell = np.exp(-(x**2 + y**2) / (2 * sigma**2)) / (2 * math.pi * sigma**2)
    kernel = bell * np.exp(1j * (2 * math.pi * frequency * (x * cos + y * sin) + phase))
    if not np.isfinite(kernel).all():
        raise ValueError(f"frequency {frequency!r} and sigma {sigma!r} are too extreme to compute a kernel.")
    if zero_mean:
        kernel -= bell * (kernel.sum() / bell.sum())
    return kernel


def sigma_for(frequency: float, bandwidth: float = 1.0) -> float:
    """Return the sigma, in pixels, with which a Gabor kernel answers to a band of ``bandwidth`` octaves.

    The band reaches from one frequency of half response to the other. With one octave, sigma is 0.56 wavelengths.
    Raises ValueError unless the frequency is above 0, and the bandwidth from above 0 to 10 octaves.

    >>> round(sigma_for(0.1), 2)
    5.62
    """
    if not (frequency > 0 and 0 < bandwidth <= 10):
        raise ValueError(f"frequency must be above 0, bandwidth up to 10: they are {frequency!r} and {bandwidth!r}.")
    return math.sqrt(math.log(2) / 2) / math.pi * (2**bandwidth + 1) / (2**bandwidth - 1) / frequency


class Responder:
    """Answers one kernel after the other for one image, whose Fourier transform is computed only once.

    Parameters
    ----------
    image : array (H, W)
    reach : int, how far the largest kernel reaches from its center, in pixels
    dtype : complex128, or complex64 for about twice the speed and six digits, which is enough for a picture

    Raises ValueError for an image that is no image, or (on a call) a kernel of even size or that reaches farther.
    """

    def __init__(self, image, reach: int, dtype=np.complex128):
        image = as_image(image)
        self.shape, self.reach = image.shape, reach
        padded = np.pad(image, reach, mode="reflect")
        self.size = [fft.next_fast_len(length) for length in padded.shape]
        self.spectrum = fft.fft2(padded, self.size).astype(dtype)

    def __call__(self, kernel) -> np.ndarray:
        """Return the sum of image × kernel at each pixel, complex (H, W); the kernel is not flipped."""
        kernel = np.asarray(kernel)
        if kernel.ndim != 2 or not all(size % 2 for size in kernel.shape):
            raise ValueError(f"A kernel needs a center: two axes of odd length, but its shape is {kernel.shape}.")
        if not np.isfinite(kernel).all():
            raise ValueError("The kernel holds NaN or infinity.")
        if max(kernel.shape) > 2 * self.reach + 1:
            raise ValueError(f"This kernel reaches farther than {self.reach} pixels: its shape is {kernel.shape}.")
        rows, cols = self.size
        turned = kernel[::-1, ::-1].astype(self.spectrum.dtype)
        spectrum = fft.fft(fft.fft(turned, cols, axis=1), rows, axis=0)  # as fft2, but first only the kernel's own rows
        top, left = (self.reach + size // 2 for size in kernel.shape)
        inside = fft.ifft(self.spectrum * spectrum, axis=0)[top : top + self.shape[0]]
        return fft.ifft(inside, axis=1)[:, left : left + self.shape[1]]


def gabor_response(image, kernel) -> np.ndarray:
    """Return the response of a complex kernel at each pixel, complex (H, W), with the image reflected at its border.

    Real and imaginary part are what `helpers.convolution.convolve` gives for those of the kernel; ``np.abs`` of it is
    the magnitude, which does not depend on the phase (lesson 02). Raises ValueError as `Responder` does.
    """
    return Responder(image, max(np.shape(kernel), default=1) // 2)(kernel)


class Gabor(NamedTuple):
    """The settings of one kernel of a bank."""

    frequency: float  # cycles per pixel
    theta: float  # radians
    sigma: float  # pixels

    def kernel(self, zero_mean: bool = False) -> np.ndarray:
        """Return the complex kernel of these settings."""
        return gabor_kernel(*self, zero_mean=zero_mean)

    def __str__(self):
        return f"f {self.frequency:g}, {math.degrees(self.theta):.3g}°, σ {self.sigma:.2g}"


def octave_bank(frequencies: Sequence[float] = (0.05, 0.1, 0.2, 0.4), directions: int = 6) -> list[Gabor]:
    """Return a bank that covers all directions, and one octave around each frequency (lesson 02).

    Raises ValueError without a frequency above 0, or with less than one direction.
    """
    if not len(frequencies):
        raise ValueError("Need at least one frequency.")
    thetas = [math.pi * number / directions for number in range(whole(directions, "directions", 1))]
    return [Gabor(frequency, theta, sigma_for(frequency)) for frequency in frequencies for theta in thetas]


def bank_energies(images: Iterable, bank: Sequence[Gabor]) -> np.ndarray:
    """Return the mean magnitude of each kernel's response in each image, (images, kernels): lesson 02.

    The kernels have sum 0, so brightness alone gives no energy. Raises ValueError for an empty bank.
    """
    if not bank:
        raise ValueError("The bank is empty: give at least one Gabor(frequency, theta, sigma).")
    kernels = [settings.kernel(zero_mean=True) for settings in bank]
    reach = max(kernel.shape[0] for kernel in kernels) // 2
    answer = [Responder(image, reach) for image in images]
    energies = [[np.abs(response(kernel)).mean() for kernel in kernels] for response in answer]
    return np.reshape(energies, (-1, len(bank)))


def grating(frequency: float, theta: float, size: int = 65, phase: float = 0.0) -> np.ndarray:
    """Return a plain wave (size, size) from -1 to 1, its phase 0 in the center: what Gabor kernels are tested with."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.cos(2 * math.pi * frequency * (x * math.cos(theta) + y * math.sin(theta)) + phase)


class KernelView(NamedTuple):
    """A Gabor kernel as the explorer shows it."""

    settings: Gabor
    phase: float  # radians
    kernel: np.ndarray  # complex (kh, kw)
    places: np.ndarray  # (n,) pixels from the center, in the direction of the wave
    wave: np.ndarray  # (n,) the kernel there
    bell: np.ndarray  # (n,) its envelope there
    spectrum: np.ndarray  # (64, 64) how much of each frequency is in the real part, 1 at most; zero in the center


def view_kernel(frequency: float, theta: float, sigma: float, phase: float = 0.0, reach: int = 24) -> KernelView:
    """Compute everything that the kernel explorer shows; arguments and errors as for `gabor_kernel`.

    ``reach`` is how far the cross-section goes, in pixels, at most 31. A kernel that reaches farther is a ValueError.
    """
    kernel = gabor_kernel(frequency, theta, sigma, phase)
    if not len(kernel) <= 2 * reach + 1 < 64:
        raise ValueError(f"sigma {sigma!r} is too wide to be shown within {reach} pixels from the center.")
    places = np.linspace(-reach, reach, 241)
    bell = np.exp(-(places**2) / (2 * sigma**2))
    wave = bell * np.cos(2 * math.pi * frequency * places + phase)
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2(kernel.real, (64, 64))))
    spectrum /= max(spectrum.max(), 1e-3)  # all but 0 for an odd wave of 0.5 cycles per pixel
    return KernelView(Gabor(frequency, theta, sigma), phase, kernel, places, wave, bell, spectrum)

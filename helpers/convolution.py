"""Convolution and pooling on NumPy arrays, as lesson 01 builds them up.

Everything here is a pure function of arrays and numbers, and imports no TensorFlow. As in every deep-learning
library, ``convolve`` does not flip the kernel (it is the cross-correlation of signal processing) unless asked to.
"""

import math
import operator
from typing import NamedTuple

import numpy as np

KERNELS = {
    "identity": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], dtype=float),
    "box blur": np.full((3, 3), 1 / 9),
    "Gaussian blur": np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16,
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], dtype=float),
    "Sobel x": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=float),
    "Sobel y": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], dtype=float),
    "diagonal": np.array([[0, 1, 1], [-1, 0, 1], [-1, -1, 0]], dtype=float),
    "Laplacian": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=float),
    "emboss": np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], dtype=float),
}
"""Kernels made by hand (lesson 01), all 3 × 3, by name."""

PADDING_MODES = {"zero": "constant", "reflect": "reflect", "edge": "edge"}


def as_image(image, name="image") -> np.ndarray:
    """Return ``image`` as a float array of shape (H, W), or say what is wrong with it.

    Raises
    ------
    ValueError
        If it is not two-dimensional, is empty, or holds NaN or infinity.
    """
    image = np.asarray(image)
    if image.ndim != 2:
        hint = " Take one channel, or skimage.color.rgb2gray(image)." if image.ndim == 3 else ""
        raise ValueError(f"{name} must have the two axes (height, width), but its shape is {image.shape}.{hint}")
    if image.size == 0:
        raise ValueError(f"{name} is empty: its shape is {image.shape}.")
    if image.dtype.kind not in "buif":
        raise ValueError(f"{name} must hold real numbers, but its dtype is {image.dtype}.")
    image = image.astype(float)
    if not np.isfinite(image).all():
        raise ValueError(f"{name} holds NaN or infinity; replace them first, for example with np.nan_to_num.")
    return image


def as_kernel(kernel) -> np.ndarray:
    """Return ``kernel`` as a float array (kh, kw); raises ValueError as `as_image` does."""
    return as_image(kernel, "kernel")


def whole(value, name, minimum):
    """Return ``value`` as an int of at least ``minimum``, or raise ValueError."""
    try:
        number = operator.index(value)
    except TypeError:
        number = minimum - 1
    if isinstance(value, bool) or number < minimum:
        raise ValueError(f"{name} must be a whole number (an int) of at least {minimum}, but it is {value!r}.")
    return number


def output_size(size: int, kernel_size: int, padding: int = 0, stride: int = 1, dilation: int = 1) -> int:
    """Return how many places a kernel has along one axis: ``(W − F + 2P) / S + 1``, rounded down (lesson 01).

    Parameters
    ----------
    size, kernel_size : int
        Pixels of the image (W) and of the kernel (F) along this axis.
    padding : int
        Pixels added at *each* end (P).
    stride, dilation : int
        Step between two places (S); distance between two pixels that the kernel reads.

    Raises
    ------
    ValueError
        If the kernel does not fit in the padded image, or a number is out of range.

    Examples
    --------
    >>> output_size(32, 3), output_size(32, 8, padding=1, stride=2)
    (30, 14)
    """
    size, kernel_size = whole(size, "size", 1), whole(kernel_size, "kernel_size", 1)
    padding, stride = whole(padding, "padding", 0), whole(stride, "stride", 1)
    extent = whole(dilation, "dilation", 1) * (kernel_size - 1) + 1
    if extent > size + 2 * padding:
        raise ValueError(
            f"The kernel covers {extent} pixels but the padded image has only {size + 2 * padding}. "
            "Use a smaller kernel or dilation, or more padding."
        )
    return (size - extent + 2 * padding) // stride + 1


def same_padding(size: int, kernel_size: int, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    """Return the pixels that TensorFlow's ``"SAME"`` adds before and after one axis (lesson 01).

    The output then has ``ceil(size / stride)`` places. If the total is odd, the extra pixel goes to the end.

    >>> same_padding(32, 3), same_padding(32, 8, stride=2)
    ((1, 1), (3, 3))
    """
    size, stride = whole(size, "size", 1), whole(stride, "stride", 1)
    extent = whole(dilation, "dilation", 1) * (whole(kernel_size, "kernel_size", 1) - 1) + 1
    total = max((math.ceil(size / stride) - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


def pad(image: np.ndarray, padding: int = 0, mode: str = "zero") -> np.ndarray:
    """Return ``image`` (H, W) with ``padding`` pixels more on each side: "zero", "reflect" or "edge" (lesson 01).

    Raises ValueError for an unknown mode, or a reflection wider than the image itself.
    """
    image, padding = as_image(image), whole(padding, "padding", 0)
    if mode not in PADDING_MODES:
        raise ValueError(f"Unknown padding mode {mode!r}: use one of {', '.join(PADDING_MODES)}.")
    if mode == "reflect" and padding >= min(image.shape):
        raise ValueError(f"Cannot reflect {padding} pixels of an image of shape {image.shape}: use less padding.")
    return np.pad(image, padding, mode=PADDING_MODES[mode])


def convolve(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    flip: bool = False,
    mode: str = "zero",
) -> np.ndarray:
    """Slide ``kernel`` over ``image`` and sum the products at each place (built up in lesson 01).

    Parameters
    ----------
    image : array (H, W)
        Any numeric dtype; computed in float64.
    kernel : array (kh, kw)
    stride, padding, dilation : int
        As in `output_size`, the same along both axes.
    flip : bool
        True for the convolution of signal processing, which turns the kernel by 180°.
    mode : {"zero", "reflect", "edge"}
        What the padding holds.

    Returns
    -------
    feature_map : float array (output_size along H, output_size along W)

    Raises
    ------
    ValueError
        Wrong number of axes, NaN, stride below 1, or a kernel larger than the padded image.

    Examples
    --------
    >>> convolve(np.eye(3), np.ones((2, 2)))
    array([[2., 1.],
           [1., 2.]])
    """
    image, kernel = as_image(image), as_kernel(kernel)
    rows = output_size(image.shape[0], kernel.shape[0], padding, stride, dilation)
    cols = output_size(image.shape[1], kernel.shape[1], padding, stride, dilation)
    padded = pad(image, padding, mode)
    if flip:
        kernel = kernel[::-1, ::-1]
    feature_map = np.zeros((rows, cols))
    for (i, j), weight in np.ndenumerate(kernel):  # one product for all places at once
        top, left = i * dilation, j * dilation
        taps = padded[top : top + (rows - 1) * stride + 1 : stride, left : left + (cols - 1) * stride + 1 : stride]
        feature_map += weight * taps
    return feature_map


class Step(NamedTuple):
    """One place of the kernel: what `convolution_step` returns."""

    row: int  # place in the feature map
    col: int
    top: int  # upper left pixel of the window, in the padded image
    left: int
    patch: np.ndarray  # (kh, kw) the pixels that the kernel reads
    kernel: np.ndarray  # (kh, kw) as applied: flipped if asked for
    products: np.ndarray  # (kh, kw)
    total: float  # their sum: one pixel of the feature map


def convolution_step(padded, kernel, step: int, stride: int = 1, dilation: int = 1, flip: bool = False) -> Step:
    """Return everything about place number ``step`` (row by row, from 0) of a kernel on an already padded image.

    Costs the same for every image size. Raises ValueError if there is no such place.
    """
    padded, kernel = np.asarray(padded), as_kernel(kernel)
    if padded.ndim != 2:
        raise ValueError(f"padded must have the two axes (height, width), but its shape is {padded.shape}.")
    rows = output_size(padded.shape[0], kernel.shape[0], 0, stride, dilation)
    cols = output_size(padded.shape[1], kernel.shape[1], 0, stride, dilation)
    step = whole(step, "step", 0)
    if step >= rows * cols:
        raise ValueError(f"step must be from 0 to {rows * cols - 1} (the last pixel), but it is {step}.")
    row, col = divmod(step, cols)
    top, left = row * stride, col * stride
    height, width = kernel.shape
    patch = padded[top : top + height * dilation : dilation, left : left + width * dilation : dilation].astype(float)
    kernel = kernel[::-1, ::-1] if flip else kernel
    products = patch * kernel
    return Step(row, col, top, left, patch, kernel, products, float(products.sum()))


def convolve_volume(volume: np.ndarray, kernels: np.ndarray, biases=0.0) -> np.ndarray:
    """Apply a bank of kernels as one convolution layer does: (H, W, C) and (kh, kw, C, K) give (H', W', K).

    Each kernel is as deep as the image; the C products are summed to one number, plus one bias (lesson 01).

    ``biases`` is one number for all kernels or an array (K,).

    Raises ValueError if the number of axes, of channels or of biases does not agree.
    """
    volume, kernels, biases = np.asarray(volume), np.asarray(kernels), np.asarray(biases)
    if volume.ndim != 3 or kernels.ndim != 4:
        raise ValueError(
            f"Need volume (H, W, C) and kernels (kh, kw, C, K), but got shapes {volume.shape} and {kernels.shape}."
        )
    if volume.shape[2] != kernels.shape[2]:
        raise ValueError(
            f"The image has {volume.shape[2]} channels but the kernels are {kernels.shape[2]} deep: "
            "these two must be equal."
        )
    if 0 in kernels.shape:
        raise ValueError(f"The bank of kernels is empty: its shape is {kernels.shape}.")
    if biases.shape not in ((), kernels.shape[3:]):
        raise ValueError(f"Need one bias for each of the {kernels.shape[3]} kernels, but got shape {biases.shape}.")
    maps = [
        sum(convolve(volume[..., c], kernels[..., c, k]) for c in range(volume.shape[2]))
        for k in range(kernels.shape[3])
    ]
    return np.stack(maps, axis=-1) + biases


def pool(image: np.ndarray, size: int = 2, stride: int | None = None, reduce=np.max) -> np.ndarray:
    """Replace each ``size`` × ``size`` window of ``image`` (H, W) by one number (lesson 01).

    ``stride`` defaults to ``size``; ``reduce`` takes an ``axis``, as ``np.max``, ``np.mean`` and ``np.min`` do.
    Rows and columns that fill no whole window are left out, as in Keras with ``padding="valid"``.

    >>> pool(np.arange(16).reshape(4, 4))
    array([[ 5.,  7.],
           [13., 15.]])
    """
    image = as_image(image)
    stride = size if stride is None else stride
    for length in image.shape:
        output_size(length, size, stride=stride)  # says what is wrong with size or stride
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))[::stride, ::stride]
    return reduce(windows, axis=(-2, -1))

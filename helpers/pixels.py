"""From arrays to what can be seen: colors, uint8 pixels, PNG files, and numbers as short texts.

Three conventions hold in the whole series. Values that are never negative are gray: black is the smallest. Values with
a sign, as kernels and their responses, are purple below zero, white at zero, orange above. Heat over an image is from
black over red to yellow, in even steps for the eye (lesson 07). Figures (`helpers.plots`) and widgets share all this.
"""

import io
import math
from fractions import Fraction

import matplotlib as mpl
import numpy as np
from PIL import Image

SIGNED = "PuOr_r"
HEAT = "inferno"
ACCENT = "#d95f02"
BRIGHTNESS = (0.2125, 0.7154, 0.0721)  # of red, green and blue, as in scikit-image: the eye sees green as brightest
COLORS = ("#1b6ca8", "#d95f02", "#134c17", "#8c0054", "#997b6b")  # told apart by color-blind readers: tests simulate it


def color_limits(array: np.ndarray, signed: bool | None = None) -> dict:
    """Return cmap, vmin and vmax for `imshow`: gray if nothing is negative, else signed and centered on zero.

    ``signed`` chooses by hand. In a large signed array the strongest percent is left out of the scale, so that a few
    extreme pixels do not make all others pale.
    """
    array = np.asarray(array)
    low, high = float(array.min()), float(array.max())
    if low < 0 if signed is None else signed:
        bound = max(-low, high)
        if array.size > 2500:
            bound = float(np.percentile(np.abs(array), 99)) or bound
        return {"cmap": SIGNED, "vmin": -(bound or 1.0), "vmax": bound or 1.0}
    if array.dtype == np.uint8:
        return {"cmap": "gray", "vmin": 0, "vmax": 255}
    return {"cmap": "gray", "vmin": min(low, 0.0), "vmax": high if high > 0 else 1.0}


def colorize(array: np.ndarray, vmin: float | None = None, vmax: float | None = None) -> np.ndarray:
    """Return an array (H, W) as uint8 RGB (H, W, 3), in the colors of `color_limits`; RGB images pass unchanged.

    With ``vmin`` and ``vmax`` a fixed scale: gray from black to white, or the signed colors if ``vmin`` is negative.
    """
    array = np.asarray(array)
    if array.ndim == 3:
        return array if array.dtype == np.uint8 else np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    limits = color_limits(array)
    low = limits["vmin"] if vmin is None else vmin
    high = limits["vmax"] if vmax is None else vmax
    scaled = np.clip((array.astype(float) - low) / ((high - low) or 1), 0, 1)
    if low < 0:
        return mpl.colormaps[SIGNED](scaled, bytes=True)[..., :3]
    return np.minimum(scaled * 256, 255).astype(np.uint8)[..., np.newaxis].repeat(3, axis=2)  # as the color map "gray"


def one_channel(image: np.ndarray) -> np.ndarray:
    """Return an RGB image (H, W, 3) that holds only gray as (H, W), and any other image as it is."""
    return image[..., 0] if image.ndim == 3 and (image == image[..., :1]).all() else image


def to_gray(image: np.ndarray) -> np.ndarray:
    """Return the brightness of an RGB image (H, W, 3) as an array (H, W) of the same dtype.

    Weights 0.2125, 0.7154, 0.0721 for red, green, blue, as in scikit-image: the eye sees green as brightest.
    Raises ValueError for any other shape.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"Need an RGB image of shape (height, width, 3), but got {image.shape}.")
    gray = image @ np.array(BRIGHTNESS)
    if np.issubdtype(image.dtype, np.integer):
        gray = np.rint(gray)
    return gray.astype(image.dtype)


def text_color(rgb) -> str:
    """Return black or white, whichever has more contrast on ``rgb`` (0 to 255), as WCAG computes it."""
    light = (np.asarray(rgb) / 255) ** 2.2  # from sRGB to physical brightness
    return "#fff" if np.dot(light, BRIGHTNESS) < 0.179 else "#000"


def heat_over(image: np.ndarray, heat: np.ndarray, opacity: float = 0.6) -> np.ndarray:
    """Return a uint8 RGB image: ``image`` in gray, and over it ``heat`` in the colors of HEAT.

    Parameters
    ----------
    image : uint8 array (H, W, 3), (H, W, 1) or (H, W)
    heat : array (H, W), scaled to its largest value; what is negative counts as 0
    opacity : from 0, only the image, to 1, only the heat

    Raises ValueError if heat and image differ in height or width, or if the opacity is outside of its range.
    """
    image, heat = np.asarray(image), np.asarray(heat, float)
    if heat.shape != image.shape[:2]:
        raise ValueError(f"Need heat of the size of the image, {image.shape[:2]}, but its shape is {heat.shape}.")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must be from 0 to 1, but it is {opacity!r}.")
    most = float(heat.max())
    colors = mpl.colormaps[HEAT](np.clip(heat / (most if most > 0 else 1.0), 0, 1))[..., :3] * 255
    gray = image.reshape(*image.shape[:2], -1).mean(axis=2)[..., np.newaxis]
    return np.rint((1 - opacity) * gray + opacity * colors).astype(np.uint8)


def mosaic(maps: np.ndarray, columns: int, gap: int = 1, empty: float = np.nan) -> np.ndarray:
    """Return the channels of maps (h, w, C) side by side in rows of ``columns``, with ``gap`` pixels between them."""
    from skimage.util import montage  # here, since it takes a moment

    grid = math.ceil(maps.shape[2] / columns), columns
    sheet = montage(np.moveaxis(maps, 2, 0).astype(float), empty, grid_shape=grid, padding_width=gap)
    return sheet[gap : len(sheet) - gap, gap : sheet.shape[1] - gap]  # no gap around all of them


def as_pixels(fig) -> np.ndarray:
    """Return what a figure shows as a uint8 image (H, W, 3)."""
    fig.canvas.draw()
    return np.asarray(fig.canvas.buffer_rgba())[..., :3].copy()


def png(image: np.ndarray) -> bytes:
    """Return a uint8 image (H, W) or (H, W, 3) as PNG, with one channel if it is gray, without building a figure."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(one_channel(image))).save(buffer, "png", compress_level=1)
    return buffer.getvalue()


def format_number(value: float) -> str:
    """Return a number as short as it can be read: whole ones without a point, else about three digits.

    >>> format_number(-4.0), format_number(1 / 9), format_number(0.001234), format_number(1234.5)
    ('−4', '0.11', '0.0012', '1234')
    """
    value = float(value)
    if not math.isfinite(value):
        text = str(value)
    elif value == round(value):
        text = f"{value:.0f}"
    elif abs(value) < 0.1:
        text = f"{value:.2g}"
    else:
        text = f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"
    return "0" if text == "-0" else text.replace("-", "−")


def kernel_text(value: float) -> str:
    """Return a kernel value as one would write it: a whole number, a short fraction, or a decimal.

    >>> kernel_text(-2.0), kernel_text(1 / 9), kernel_text(0.123456)
    ('-2', '1/9', '0.123')
    """
    fraction = Fraction(float(value)).limit_denominator(273)
    if abs(float(fraction) - value) < 1e-9:
        return str(fraction)
    return f"{value:.3g}"


def printed_kernel_text(value: float) -> str:
    """Return `kernel_text` with a real minus sign, for pictures."""
    return kernel_text(value).replace("-", "−")

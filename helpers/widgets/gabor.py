"""The two Gabor explorers: the kernel alone, and on images (lesson 02)."""

import math

from helpers.datasets import example_images
from helpers.gabor import REACH, Responder, gabor_kernel, view_kernel
from helpers.pixels import ACCENT, colorize, format_number
from helpers.widgets.base import Explorer, make_dropdown, make_slider
from helpers.widgets.drawing import PANEL, Picture, draw_text, frame, panel_scale, panel_size

import ipywidgets as ipw
import numpy as np

WIDEST = 8.0  # pixels: the largest sigma of the sliders
FIELD = math.ceil(REACH * WIDEST)  # pixels from the center of the largest kernel to its border


def gabor_sliders(frequency, theta, sigma):
    """Return the sliders that both Gabor explorers have; angles are in degrees here."""
    return {
        "frequency": make_slider(
            "Frequency (cycles/pixel)", frequency, 0.0, 0.5, 0.01, "How many waves fit into one pixel", "330px"
        ),
        "theta": make_slider("Theta (°)", theta, 0, 180, 5, "Direction in which the wave runs", "280px"),
        "sigma": make_slider("Sigma (pixels)", sigma, 0.5, WIDEST, 0.25, "Width of the bell", "300px"),
    }


class GaborExplorer(Explorer):
    """Change frequency, theta, sigma and phase of a Gabor kernel; see the kernel, its cross-section, its spectrum.

    Parameters
    ----------
    frequency : float, 0 to 0.5 cycles per pixel
    theta, phase : int, degrees: 0 to 180 and 0 to 360
    sigma : float, 0.5 to 8 pixels
    """

    title = "Gabor explorer"

    def __init__(self, frequency: float = 0.1, theta: int = 0, sigma: float = 4.0, phase: int = 0):
        sliders = gabor_sliders(frequency, theta, sigma)
        sliders["phase"] = make_slider("Phase (°)", phase, 0, 360, 15, "Shift of the wave under the bell", "280px")
        super().__init__("gabor", [sliders])

    @staticmethod
    def compute(frequency, theta, sigma, phase):
        """Return a `helpers.gabor.KernelView`; angles in degrees."""
        return view_kernel(frequency, math.radians(theta), sigma, math.radians(phase), FIELD)

    @staticmethod
    def draw(view):
        """Return the pictures of kernel, cross-section and spectrum."""
        size = 2 * FIELD + 1
        axes = draw_frequency_axes(view.settings.frequency, view.settings.theta)
        return [
            draw_kernel_picture(view.kernel.real, FIELD, f"Kernel, {size} × {size} pixels shown"),
            Picture("Cross-section along the wave", None, draw_profile(view)),
            Picture("Spectrum (cycles/pixel)", colorize(view.spectrum, 0, 1), axes),
        ]

    @staticmethod
    def describe(view) -> str:
        """Return the numbers of this kernel as a sentence."""
        frequency, theta, sigma = view.settings
        wave = f"one wave is {1 / frequency:.3g} pixels" if frequency else "no wave, only the bell"
        rows, cols = view.kernel.shape
        return (
            f"Frequency {frequency:.2f} cycles/pixel: {wave}. Theta {math.degrees(theta):.0f}°, "
            f"sigma {sigma:.2f} pixels, phase {math.degrees(view.phase):.0f}°: {rows} × {cols} weights with the sum "
            f"{format_number(round(view.kernel.real.sum(), 3))}."
        )


class GaborResponse(Explorer):
    """Put a Gabor kernel on images and see where it answers.

    Parameters
    ----------
    images : dict from name to gray image (H, W), or None for photographs and digits
    frequency, theta, sigma : where to start, as for `GaborExplorer`

    Raises ValueError for what is not a gray image, for no image at all, and for settings outside of the sliders.
    """

    title = "Gabor response"

    def __init__(self, images=None, frequency: float = 0.1, theta: int = 0, sigma: float = 3.0):
        images = example_images() if images is None else images
        if not isinstance(images, dict) or not images:
            raise ValueError("images must be a dict from name to gray image, with at least one image.")
        self.images, self.responders = {}, {}
        for name, image in images.items():
            try:
                self.responders[name] = Responder(image, FIELD, np.complex64)
            except ValueError as error:
                raise ValueError(f"The image {name!r} does not fit: {error}") from None
            self.images[name] = np.array(image)
        self.pixels = {name: colorize(image) for name, image in self.images.items()}
        choose = make_dropdown("Image", [*self.images], next(iter(self.images)), "What to put the kernel on", "240px")
        zero = ipw.Checkbox(
            value=True,
            description="Sum 0",
            tooltip="Subtract as much of the bell that flat areas are not answered",
            indent=False,
            layout={"width": "85px", "margin": "2px 6px 2px 12px"},
        )
        sliders = gabor_sliders(frequency, theta, sigma)
        super().__init__("gabor-response", [{"image": choose, "zero_mean": zero}, sliders])

    def compute(self, image, frequency, theta, sigma, zero_mean):
        """Return the name of the image, settings, kernel (complex) and the magnitude of the response (H, W)."""
        kernel = gabor_kernel(frequency, math.radians(theta), sigma, zero_mean=zero_mean)
        magnitude = np.abs(self.responders[image](kernel))
        magnitude[magnitude < 1e-6 * np.abs(self.images[image]).max()] = 0  # rounding, on flat images
        return image, (frequency, theta, sigma, zero_mean), kernel, magnitude

    def draw(self, result):
        """Return the pictures of image, kernel and magnitude."""
        name, _, kernel, magnitude = result
        shape = magnitude.shape
        box, most = kernel.shape[0] * panel_scale(shape), self._white(name, magnitude)
        title, size = f"Image, {shape[0]} × {shape[1]}", panel_size(shape)
        return [
            Picture(title, self.pixels[name], frame(3, 3, box, box), *size),
            draw_kernel_picture(kernel.real, FIELD, "Kernel, enlarged"),
            Picture("Magnitude of the response", colorize(magnitude, 0, most), "", *size),
        ]

    def _white(self, name, magnitude) -> float:
        """Return the magnitude that is drawn white: the largest, but at least a hundredth of the image's range."""
        image = self.images[name]
        return max(float(magnitude.max()), 0.01 * (float(image.max()) - float(image.min())), 1e-12)

    def describe(self, result) -> str:
        """Return the numbers of this response as a sentence."""
        name, (frequency, theta, sigma, zero_mean), kernel, magnitude = result
        row, col = np.unravel_index(magnitude.argmax(), magnitude.shape)
        rows, cols = kernel.shape
        return (
            f"{name}: frequency {frequency:.2f} cycles/pixel, theta {theta:.0f}°, sigma {sigma:.2f} pixels, "
            f"{rows} × {cols} weights (orange frame){', sum 0' if zero_mean else ''}. Mean magnitude "
            f"{format_number(magnitude.mean())}, largest {format_number(magnitude.max())} at row {row}, column {col}."
        )


# --- their drawings ---


def draw_kernel_picture(kernel, reach: int, title: str) -> Picture:
    """Return the picture of a real kernel (kh, kw) in a field of always the same scale, with its border dashed.

    The field reaches ``reach`` pixels from the center to each side.
    """
    most, (rows, cols) = max(float(np.abs(kernel).max()), 1e-12), kernel.shape
    field = np.zeros((2 * reach + 1,) * 2)
    top, left = reach - rows // 2, reach - cols // 2
    field[top : top + rows, left : left + cols] = kernel
    scale = PANEL / len(field)
    marks = (
        f'<rect x="{left * scale:.1f}" y="{top * scale:.1f}" width="{cols * scale:.1f}" height="{rows * scale:.1f}" '
        f'fill="none" stroke="#777" stroke-dasharray="4 3"/>'
    )
    return Picture(title, colorize(field, -most, most), marks)


def curve(x, y, color: str, extra: str = "") -> str:
    """Return SVG of a line through points in screen pixels."""
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"{extra}/>'


def draw_profile(view) -> str:
    """Return SVG elements of the cross-section of a `helpers.gabor.KernelView`: wave, bell, wavelength and sigma."""
    left, right, middle, half = 8.0, PANEL - 8.0, 112.0, 92.0
    reach = float(view.places[-1])

    def x(place):
        return left + (right - left) * (np.asarray(place) + reach) / (2 * reach)

    def bar(start, end, y, text):
        ends = "".join(f"M{x(place):.1f} {y - 4:.1f}v8" for place in (start, end))
        line = f'<path d="M{x(start):.1f} {y:.1f}H{x(end):.1f}{ends}" stroke="#777" fill="none"/>'
        return line + draw_text(PANEL / 2, y + 13, text, 12)

    frequency, sigma = view.settings.frequency, view.settings.sigma
    parts = [
        f'<rect width="{PANEL}" height="{PANEL}" fill="none" stroke="#999"/>',
        f'<path d="M{left} {middle}H{right}" stroke="#999"/>',
        *(
            curve(x(view.places), middle - sign * half * view.bell, "#888", ' stroke-dasharray="3 4"')
            for sign in (1, -1)
        ),
        curve(x(view.places), middle - half * view.wave, ACCENT),
        bar(-sigma, sigma, 215.0, f"−σ to σ: {2 * sigma:g} pixels"),
    ]
    if frequency * reach >= 0.5:
        length = 1 / frequency
        crests = np.arange(-reach * frequency - 1, reach * frequency + 1).round() * length
        crests = crests - view.phase / (2 * math.pi) % 1 * length
        fitting = crests[(crests >= -reach) & (crests + length <= reach)]
        start = min(fitting, key=abs, default=-length / 2)  # from crest to crest near the center, where both fit
        parts.append(bar(start, start + length, 8.0, ""))
        parts.append(draw_text(right, 22, f"one wave: {length:.3g} pixels", 12, "end"))
    return "".join(parts)


def draw_frequency_axes(frequency: float, theta: float) -> str:
    """Return SVG elements over a spectrum: axes from -0.5 to 0.5 cycles per pixel, an arrow to this frequency."""
    middle = PANEL / 2 + PANEL / 128  # frequency 0 is in the center of its pixel
    x, y = (middle + PANEL * frequency * part for part in (math.cos(theta), math.sin(theta)))
    return (
        f'<path d="M0 {middle:.1f}H{PANEL}M{middle:.1f} 0V{PANEL}" stroke="#fff" stroke-opacity="0.35"/>'
        f'<path d="M{middle:.1f} {middle:.1f}L{x:.1f} {y:.1f}" stroke="{ACCENT}" stroke-width="2"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="none" stroke="{ACCENT}" stroke-width="2"/>'
        + draw_text(4, middle - 9, "−0.5", 11, "start", "#fff")
        + draw_text(PANEL - 4, middle - 9, "0.5 →", 11, "end", "#fff")
        + draw_text(middle + 5, PANEL - 9, "0.5 ↓", 11, "start", "#fff")
    )

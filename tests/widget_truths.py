"""Whether the widgets of lessons 01 to 03 tell the truth: their numbers recomputed by SciPy and scikit-image."""

import math
import re
import xml.etree.ElementTree as ElementTree

from helpers.widgets.gabor import GaborExplorer, GaborResponse
from helpers.widgets.stepper import ConvolutionStepper, parse_kernel_value

import numpy as np
import pytest
from scipy import ndimage, signal
from skimage import filters
from widget_tools import (
    SVG,
    assert_sound,
    close,
    complains,
    noise_image,
    said,
)

# --- the stepper ---


def texts(widget, group):
    """The numbers of one table of the stepper, row by row."""
    root = ElementTree.fromstring(widget.numbers.value)
    (table,) = [part for part in root.iter(f"{SVG}g") if part.get("class") == group]
    return [text.text for text in table.iter(f"{SVG}text") if text.text != group]


def as_numbers(texts):
    return [float(text.replace("−", "-")) for text in texts]


def scipy_map(widget):
    """The feature map of what the controls of a stepper say now, by SciPy."""
    kernel = widget.kernel[::-1, ::-1] if widget.flip.value else widget.kernel
    holes = np.zeros([(n - 1) * widget.dilation.value + 1 for n in kernel.shape])
    holes[:: widget.dilation.value, :: widget.dilation.value] = kernel
    padded = np.pad(widget.image.astype(float), widget.padding.value)
    stride = widget.stride.value
    return signal.correlate2d(padded, holes, "valid")[::stride, ::stride]


def assert_stepper_tells_the_truth(widget):
    """Step, place and sum in the status line are those of SciPy."""
    expected = scipy_map(widget)
    pattern = r"Step ([\d,]+) of ([\d,]+) \(row (\d+), column (\d+)\): (\d+) products? sums? to (\S+)\."
    step, steps, row, col, count = (int(n.replace(",", "")) for n in re.fullmatch(pattern, said(widget)).groups()[:5])
    total = re.fullmatch(pattern, said(widget))[6]
    assert steps == expected.size == widget.slider.max + 1 == widget.play.max + 1
    assert (row, col) == divmod(step - 1, expected.shape[1])
    assert step == widget.slider.value + 1
    assert count == widget.kernel.size
    for text in (total, *texts(widget, "sum")):
        assert as_numbers([text])[0] == pytest.approx(expected[row, col], rel=0.06, abs=1e-9)
    pixels, products = as_numbers(texts(widget, "pixels")), as_numbers(texts(widget, "products"))
    weights = [parse_kernel_value(text) for text in texts(widget, "kernel")]
    assert len(products) == count
    assert products == pytest.approx(np.multiply(pixels, weights), rel=0.12, abs=1e-9)
    assert sum(products) == pytest.approx(expected[row, col], rel=0.06, abs=0.06 * np.abs(products).sum() + 1e-9)
    assert f"{expected.shape[0]} × {expected.shape[1]}" in widget.output.heading.value


# --- the Gabor explorers ---

SMALL = {
    "noise": noise_image(40, 30),
    "signed <b>": noise_image(8, 33) / 10 - 12,
    "bits & pieces": noise_image(9, 9) > 128,
    "flat": np.full((9, 12), 200, np.uint8),
    "black": np.zeros((12, 9)),
    "pixel": np.array([[7]]),
}


def oracle(frequency, theta, sigma, phase=0, **_):
    """The kernel that the controls say, angles in degrees, by scikit-image."""
    return filters.gabor_kernel(
        frequency, math.radians(theta), sigma_x=sigma, sigma_y=sigma, offset=math.radians(phase)
    )


def magnitude_of(widget):
    """What the controls of a GaborResponse say now, by scikit-image and SciPy."""
    settings = widget.settings()
    kernel, image = oracle(**settings), widget.images[settings["image"]].astype(float)
    if settings["zero_mean"]:
        kernel = kernel - np.abs(kernel) * kernel.sum() / np.abs(kernel).sum()
    return np.hypot(*(ndimage.correlate(image, part, mode="mirror") for part in (kernel.real, kernel.imag)))


def assert_explorer_tells_the_truth(explorer):
    frequency, theta, sigma, phase = explorer.settings().values()
    kernel = oracle(**explorer.settings())
    pattern = (
        r"Frequency (\S+) cycles/pixel: (?:one wave is (\S+) pixels|no wave, only the bell)\. Theta (\S+)°, "
        r"sigma (\S+) pixels, phase (\S+)°: (\d+) × (\d+) weights with the sum (\S+)\."
    )
    said_frequency, wave, *shape, rows, cols, total = re.fullmatch(pattern, said(explorer)).groups()
    for text, value in zip([said_frequency, *shape], [frequency, theta, sigma, phase], strict=True):
        assert close(text, value)
    assert (wave is None) == (frequency == 0)
    assert wave is None or close(wave, 1 / frequency)
    assert (int(rows), int(cols)) == kernel.shape
    assert close(total, round(kernel.real.sum(), 3))


def assert_response_tells_the_truth(response):
    settings, magnitude = response.settings(), magnitude_of(response)
    pattern = (
        r"(.+): frequency (\S+) cycles/pixel, theta (\S+)°, sigma (\S+) pixels, (\d+) × (\d+) weights "
        r"\(orange frame\)(, sum 0)?\. Mean magnitude (\S+), largest (\S+) at row (\d+), column (\d+)\."
    )
    name, *numbers, rows, cols, zero, mean, most, row, col = re.fullmatch(pattern, said(response)).groups()
    assert name == settings["image"]
    for text, key in zip(numbers, ("frequency", "theta", "sigma"), strict=True):
        assert close(text, settings[key])
    assert (int(rows), int(cols)) == oracle(**settings).shape
    assert bool(zero) == settings["zero_mean"]
    assert close(mean, magnitude.mean())
    assert close(most, magnitude.max())
    assert magnitude[int(row), int(col)] == pytest.approx(magnitude.max(), abs=1e-9)


# --- the layer calculator ---


def results(calculator):
    """Output, parameters and receptive field of each layer, as they stand beside it."""
    cells = [re.findall(r"<span>([^<]*)</span>", row["result"].value) for row in calculator.rows]
    return [tuple(cell) for cell in cells]


# --- any of them ---


def assert_all_true(widget):
    """Status line and pictures belong to what the controls say now."""
    assert_sound(widget)
    if isinstance(widget, GaborExplorer):
        assert_explorer_tells_the_truth(widget)
    elif isinstance(widget, GaborResponse):
        assert_response_tells_the_truth(widget)
    elif isinstance(widget, ConvolutionStepper):
        assert_stepper_tells_the_truth(widget)
    else:
        done, problem = widget.compute()
        counts = [int(count.replace(",", "")) for _, count, _ in filter(None, results(widget))]
        assert [row.parameters for row in done] == counts
        assert complains(widget) == bool(problem)
        assert said(widget) == problem if problem else said(widget).startswith(f"{sum(counts):,} parameters, ")
    words = "".join(ElementTree.fromstring(widget.still()).itertext())
    assert said(widget).replace(" ", "") in words.replace(" ", "")  # lines of the still are wrapped

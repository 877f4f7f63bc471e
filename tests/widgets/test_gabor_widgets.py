"""The Gabor explorers, driven as a learner would, and what they draw, read back from the SVG."""

import html
import math
import re
import xml.etree.ElementTree as ElementTree

from helpers.datasets import example_images
from helpers.gabor import grating, view_kernel
from helpers.pixels import colorize
from helpers.widgets import base
from helpers.widgets.drawing import PANEL
from helpers.widgets.gabor import (
    GaborExplorer,
    GaborResponse,
    draw_frequency_axes,
    draw_kernel_picture,
    draw_profile,
)

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from widget_tools import (
    SVG,
    assert_sound,
    noise_image,
    numbers,
    parse,
    said,
    shown,
    words,
)
from widget_truths import (
    SMALL,
    assert_explorer_tells_the_truth,
    assert_response_tells_the_truth,
    magnitude_of,
    oracle,
)


@pytest.mark.parametrize("kind", [GaborExplorer, GaborResponse])
def test_the_rounding_of_a_page_changes_nothing(kind):
    """A page sends 3.0000000000000004 for the 3.0 of a slider; the kernel would get two rows and columns more."""
    widget = kind(sigma=3.0)
    first = widget.status.value
    assert "19 × 19 weights" in first
    widget.controls["sigma"].value = np.nextafter(3.0, 4.0)
    assert widget.status.value == first
    widget.controls["sigma"].value = np.nextafter(8.0, 9.0)  # a kernel larger than the field would be an error
    assert "49 × 49 weights" in widget.status.value


@pytest.mark.parametrize("phase", [0, 90, 180, 270])
@pytest.mark.parametrize(
    ("frequency", "theta", "sigma"), [(0.1, 0, 4.0), (0.25, 45, 8.0), (0.5, 90, 0.5), (0.0, 0, 3.0)]
)
def test_pictures_of_the_explorer(frequency, theta, sigma, phase):
    explorer = GaborExplorer(frequency, theta, sigma, phase)
    assert_explorer_tells_the_truth(explorer)
    assert_sound(explorer)
    field, _, spectrum = (panel.image for panel in explorer.panels)
    kernel, reach = oracle(frequency, theta, sigma, phase).real, 24
    expected = np.pad(kernel, reach - len(kernel) // 2)
    strong = np.abs(expected) > 0.3 * max(np.abs(expected).max(), 1e-12)
    colors = np.atleast_3d(shown(field)) * np.ones(3, int)
    assert colors.shape == (49, 49, 3)
    warm = colors[..., 0] - colors[..., 2]  # orange above zero, purple below
    np.testing.assert_array_equal(warm[strong] > 0, expected[strong] > 0)
    if kernel.max() > 1e-9:
        power = np.abs(np.fft.fftshift(np.fft.fft2(kernel, (64, 64))))
        np.testing.assert_allclose(shown(spectrum), 255 * power / power.max(), atol=2)


def test_the_explorer_shows_wave_and_bell():
    explorer = GaborExplorer(0.1, 30, 4.0)
    assert explorer.panels[1].image.layout.display == "none"
    words = [text.text for text in ElementTree.fromstring(explorer.panels[1].overlay.value).iter(f"{SVG}text")]
    assert {"−σ to σ: 8 pixels", "one wave: 10 pixels"} <= {*words}
    headings = [html.unescape(panel.heading.value) for panel in explorer.panels]
    assert headings[0] == "<b>Kernel, 49 × 49 pixels shown</b>"


@pytest.mark.parametrize("zero_mean", [True, False])
@pytest.mark.parametrize("name", SMALL)
def test_response_of_any_image(name, zero_mean):
    response = GaborResponse(SMALL, 0.13, 35, 2.25)
    response.controls["image"].value = name
    response.controls["zero_mean"].value = zero_mean
    assert_response_tells_the_truth(response)
    assert_sound(response)
    magnitude, image = magnitude_of(response), SMALL[name].astype(float)
    assert shown(response.panels[0].image).shape[:2] == image.shape
    if name == "noise":
        np.testing.assert_allclose(shown(response.panels[0].image), image, atol=1)
        np.testing.assert_allclose(shown(response.panels[2].image), 255 * magnitude / magnitude.max(), atol=2)
    elif zero_mean and np.ptp(image) == 0:
        assert shown(response.panels[2].image).max() <= 9  # rounding errors are not blown up to a picture
    root = ElementTree.fromstring(response.panels[0].overlay.value)
    scale, size = PANEL / max(image.shape), len(oracle(**response.settings()))
    frames = [float(frame.get(side)) for frame in root.iter(f"{SVG}rect") for side in ("width", "height")]
    assert frames == pytest.approx([size * scale] * 4, abs=0.06)


def test_response_is_white_where_the_image_is_as_the_kernel():
    wave = 100 * grating(0.2, math.radians(60), 64)
    wave[:, 32:] = 100 * grating(0.2, math.radians(150), 64)[:, 32:]
    response = GaborResponse({"two waves": wave}, 0.2, 60, 3.0)
    left, right = np.split(shown(response.panels[2].image), 2, axis=1)
    assert np.median(left) > 200
    assert np.median(right) < 20
    response.controls["theta"].value = 150
    left, right = np.split(shown(response.panels[2].image), 2, axis=1)
    assert np.median(right) > 200
    assert np.median(left) < 20


def test_response_with_the_images_of_the_series():
    response = GaborResponse()
    assert response.controls["image"].options == tuple(example_images())
    for name in ("camera", "digits: 5"):
        response.controls["image"].value = name
        assert_response_tells_the_truth(response)
    assert_sound(response)
    response.controls["image"].value = "gravel"
    assert len(response.still()) < 500_000


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8, 3)), "Take one channel, or skimage.color.rgb2gray"),
        (np.zeros(8), "two axes"),
        (np.full((8, 8), np.nan), "holds NaN or infinity"),
        (np.zeros((0, 8)), "is empty"),
        (np.full((8, 8), "a"), "must hold real numbers"),
    ],
)
def test_response_refuses(image, message):
    with pytest.raises(ValueError, match=message):
        GaborResponse({"fine": np.eye(8), "bad": image})


@pytest.mark.parametrize("images", [{}, [np.eye(8)], np.eye(8)])
def test_response_needs_a_dict_of_images(images):
    with pytest.raises(ValueError, match="images must be a dict"):
        GaborResponse(images)


@pytest.mark.parametrize("settings", [{"frequency": 0.7}, {"sigma": 12}, {"theta": 270}, {"phase": -90}])
def test_settings_outside_of_the_sliders_are_refused(settings):
    with pytest.raises(ValueError, match="must be from"):
        GaborExplorer(**settings)


def test_a_flat_image_answers_exactly_0():
    assert "Mean magnitude 0, largest 0 at row 0, column 0." in said(GaborResponse({"flat": np.full((20, 20), 77.0)}))


def test_an_image_that_is_changed_later_changes_no_widget():
    image = noise_image(16, 16).astype(float)
    response = GaborResponse({"noise": image})
    first = response.still()
    image *= 1000
    response.controls["theta"].value = 90
    response.controls["theta"].value = 0
    assert response.still() == first


@pytest.mark.parametrize("name", ["frequency", "theta", "sigma"])
def test_an_image_that_stays_is_not_sent_again(name, sent, monkeypatch):
    response, drawn = GaborResponse(SMALL), []
    monkeypatch.setattr(base, "png", lambda pixels, png=base.png: drawn.append(1) or png(pixels))
    image, kernel, magnitude = (panel.image for panel in response.panels)
    sent.clear()
    response.controls[name].value = {"frequency": 0.4, "theta": 35, "sigma": 8.0}[name]
    assert image not in [part for part, _ in sent]
    assert {(kernel, "value"), (magnitude, "value"), (response.status, "value")} <= {*sent}
    assert len(drawn) == 2  # kernel and magnitude
    assert len(sent) == len({*sent})  # nothing twice
    response.controls["image"].value = "flat"
    assert (image, "value") in sent


# --- their drawings ---


@given(st.integers(0, 9), st.integers(0, 9), st.integers(9, 24), st.integers(0, 99))
def test_kernel_lies_in_the_center_of_its_field(above, beside, reach, seed):
    kernel = np.random.default_rng(seed).normal(size=(2 * above + 1, 2 * beside + 1))
    picture = draw_kernel_picture(kernel, reach, "a kernel")
    assert (picture.title, picture.width, picture.height) == ("a kernel", PANEL, PANEL)
    assert picture.pixels.shape == (2 * reach + 1, 2 * reach + 1, 3)
    most = np.abs(kernel).max()
    rows, cols = slice(reach - above, reach + above + 1), slice(reach - beside, reach + beside + 1)
    np.testing.assert_array_equal(picture.pixels[rows, cols], colorize(kernel, -most, most))
    outside = picture.pixels.astype(int)
    outside[rows, cols] = 247
    assert outside.min() >= 240  # white
    (border,) = parse(picture.marks).iter(f"{SVG}rect")
    pixel = PANEL / (2 * reach + 1)
    expected = [(reach - beside) * pixel, (reach - above) * pixel, kernel.shape[1] * pixel, kernel.shape[0] * pixel]
    assert [float(border.get(name)) for name in ("x", "y", "width", "height")] == pytest.approx(expected, abs=0.06)
    assert border.get("stroke-dasharray")


@pytest.mark.parametrize("value", [0, 1e-300, 1e-17])
def test_kernel_of_nearly_nothing_is_white(value):
    assert draw_kernel_picture(np.full((3, 3), value), 4, "").pixels.min() >= 240


def lines(root):
    """The points of each line, (n, 2)."""
    return [np.reshape(numbers(line.get("points")), (-1, 2)) for line in root.iter(f"{SVG}polyline")]


def bar(root, y):
    """Start and end, in pixels of the image from the center, of the bar at that height."""
    found = [re.match(rf"M(-?[\d.]+) {y}H(-?[\d.]+)", path.get("d")) for path in root.iter(f"{SVG}path")]
    ends = [match.groups() for match in found if match]
    return [(float(x) - PANEL / 2) * 24 / (PANEL / 2 - 8) for pair in ends for x in pair]


@given(st.floats(0, 0.5), st.floats(0.5, 8), st.floats(-7, 7))
@example(0.0, 0.5, 0.0)
@example(0.5, 8.0, math.pi / 2)
@example(1 / 48, 8.0, 3.0)
def test_profile_shows_the_cross_section(frequency, sigma, phase):
    view = view_kernel(frequency, 0.3, sigma, phase)
    root = parse(draw_profile(view))
    above, below, wave = lines(root)
    for line, values in ((above, view.bell), (below, -view.bell), (wave, view.wave)):
        np.testing.assert_allclose(line[:, 0], np.linspace(8, PANEL - 8, 241), atol=0.06)
        np.testing.assert_allclose(line[:, 1], 112 - 92 * values, atol=0.06)
    assert bar(root, "215.0") == pytest.approx([-sigma, sigma], abs=0.02)
    assert f"−σ to σ: {2 * sigma:g} pixels" in words(root)
    one_wave = bar(root, "8.0")
    assert len(one_wave) == (2 if frequency >= 1 / 48 else 0)  # a longer wave does not fit
    if one_wave:
        start, end = one_wave
        assert -24.02 <= start < end <= 24.02
        assert end - start == pytest.approx(1 / frequency, abs=0.025)  # both ends are rounded
        assert f"one wave: {1 / frequency:.3g} pixels" in words(root)


@pytest.mark.parametrize(
    ("frequency", "degrees"),
    [
        *[(0.07, degrees) for degrees in range(0, 361, 45)],
        (0.5, 90),
        (0.05, 90),
        (0.05, 210),
    ],
)
def test_bar_of_one_wave_goes_from_crest_to_crest(frequency, degrees):
    root = parse(draw_profile(view_kernel(frequency, 0, 8, math.radians(degrees))))
    heights = np.cos(2 * math.pi * frequency * np.array(bar(root, "8.0")) + math.radians(degrees))
    assert heights == pytest.approx(1, abs=0.01)


@given(st.floats(0, 0.5), st.floats(0, math.pi))
def test_arrow_points_to_the_frequency_in_the_spectrum(frequency, theta):
    root = parse(draw_frequency_axes(frequency, theta))
    (circle,) = root.iter(f"{SVG}circle")
    tip = [float(circle.get(name)) for name in ("cx", "cy")]
    found = np.array(tip) / PANEL * 64 - 32.5  # in pixels of the spectrum
    expected = 64 * frequency * np.array([math.cos(theta), math.sin(theta)])
    np.testing.assert_allclose(found, expected, atol=0.03)
    arrow = [path.get("d") for path in root.iter(f"{SVG}path")][1]
    assert numbers(arrow)[2:] == tip
    assert {"−0.5", "0.5 →", "0.5 ↓"} == set(words(root))

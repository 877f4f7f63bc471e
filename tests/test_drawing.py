"""helpers.drawing: pictures for print, and what the Gabor explorers draw, read back from the SVG."""

import base64
import io
import itertools
import math
import re
import xml.etree.ElementTree as ElementTree

from helpers.convolution import LayerRow, convolution_step
from helpers.drawing import (
    LAYER_COLORS,
    PANEL,
    Picture,
    draw_frequency_axes,
    draw_input_overlay,
    draw_kernel_picture,
    draw_network,
    draw_output_overlay,
    draw_pictures,
    draw_profile,
    embed,
    svg,
    text_color,
)
from helpers.gabor import view_kernel
from helpers.plots import colorize, png

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

SVG = "{http://www.w3.org/2000/svg}"


def parse(elements):
    return ElementTree.fromstring(svg(PANEL, PANEL, elements))


def words(root):
    return [text.text for text in root.iter(f"{SVG}text")]


def numbers(text):
    return [float(number) for number in re.findall(r"-?[\d.]+", text)]


# --- steps (lesson 01) ---


def test_with_dilation_the_pixels_that_the_kernel_reads_are_marked():
    step = convolution_step(np.zeros((10, 8)), np.ones((2, 3)), 9, dilation=3)
    assert (step.top, step.left) == (4, 1)
    root = ElementTree.fromstring(draw_input_overlay(step, (10, 8), 0, 3))
    marked = [(float(box.get("x")), float(box.get("y"))) for box in root.iter(f"{SVG}rect") if box.get("fill-opacity")]
    assert marked == [(25 * col, 25 * row) for row in (4, 7) for col in (1, 4, 7)]


def test_hatching_is_on_all_that_comes_after_a_step():
    for number in range(20):
        step = convolution_step(np.zeros((5, 4)), np.ones((1, 1)), number)
        root = ElementTree.fromstring(draw_output_overlay(step, (5, 4)))
        (empty,) = [path.get("d") for path in root.iter(f"{SVG}path") if path.get("fill") == "url(#cnn-empty)"]
        right, top, width, height, left, bottom, _ = (value / 50 for value in numbers(empty))
        assert (left, width, height) == (0, 4, 5)
        assert (top, bottom, right) == (step.row, step.row + 1, step.col + 1)
        assert (height - bottom) * width + (width - right) * (bottom - top) == 19 - number


# --- pictures for print ---


def test_text_has_the_color_with_more_contrast():
    """As WCAG 2.1 defines contrast; where both are nearly alike, either will do."""
    for rgb in itertools.product(range(0, 256, 51), repeat=3):
        share = np.array(rgb) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        light = linear @ [0.2126, 0.7152, 0.0722] + 0.05
        contrast = {"#fff": 1.05 / light, "#000": light / 0.05}
        assert contrast[text_color(rgb)] > 0.9 * max(contrast.values()), rgb


def test_a_picture_is_a_panel_unless_told():
    assert Picture("a") == ("a", None, "", PANEL, PANEL)


def places(root):
    """Title, and upper left corner, of each picture."""
    groups = [group for group in root.iter(f"{SVG}g") if [part.tag for part in group] == [f"{SVG}text", f"{SVG}g"]]
    return {group[0].text: numbers(group.get("transform")) for group in groups}


def test_pictures_stand_in_rows():
    sizes = [(250, 80), (90, 250), (250, 50), (60, 70), (250, 90)]
    pictures = [Picture(name, None, "", *size) for name, size in zip("abcde", sizes, strict=True)]
    for columns in (1, 2, 3, 5):
        root = ElementTree.fromstring(draw_pictures(pictures, "all of them", columns))
        found = places(root)
        assert [*found] == [*"abcde"]
        boxes = [(*found[p.title], found[p.title][0] + p.width, found[p.title][1] + 22 + p.height) for p in pictures]
        for number, (left, top, _, _) in enumerate(boxes):
            row, col = divmod(number, columns)
            assert left == 0 if col == 0 else left > boxes[number - 1][2]
            assert top == 0 if row == 0 else top > max(box[3] for box in boxes[(row - 1) * columns : row * columns])
        assert float(root.get("width")) >= max(box[2] for box in boxes) + 24
        (line,) = [text for text in root.iter(f"{SVG}text") if text.text == "all of them"]
        assert max(box[3] for box in boxes) < float(line.get("y")) < float(root.get("height")) - 24


def test_text_below_pictures_is_wrapped():
    sentence = "Sigma < 3 & “theta” > 0° " * 12
    root = ElementTree.fromstring(draw_pictures([Picture("<b>title</b> &")], sentence))
    title, *lines = words(root)
    assert title == "<b>title</b> &"
    assert " ".join(lines) == sentence.strip()
    assert max(map(len, lines)) <= PANEL / 7
    heights = [float(text.get("y")) for text in root.iter(f"{SVG}text")][1:]
    assert np.diff(heights) == pytest.approx(22)
    assert heights[-1] + 24 < float(root.get("height")) + 12


def pixels_of(image):
    """What an <image> holds, as an array."""
    kind, data = image.get("href").split(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_pixels_and_marks_of_a_picture():
    rng = np.random.default_rng(0)
    gray, color = np.repeat(rng.integers(0, 256, (9, 12, 1), np.uint8), 3, 2), rng.integers(0, 256, (5, 4, 3), np.uint8)
    pictures = [Picture("gray", gray, "<circle/>", 240, 180), Picture("color", color), Picture("none", None, "<rect/>")]
    root = ElementTree.fromstring(draw_pictures(pictures, ""))
    first, second = root.iter(f"{SVG}image")
    np.testing.assert_array_equal(pixels_of(first), gray[..., 0])
    np.testing.assert_array_equal(pixels_of(second), color)
    assert [first.get(name) for name in ("width", "height")] == ["240.0", "180.0"]
    assert len([*root.iter(f"{SVG}circle")]) == 1
    inside = next([*group] for group in root.iter(f"{SVG}g") if first in [*group])
    assert [part.tag for part in inside] == [f"{SVG}image", f"{SVG}circle"]  # marks lie on the pixels


@pytest.mark.parametrize(
    "gray",
    [
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.full((2, 3), 7, np.uint8),
    ],
    ids=["ramp", "constant"],
)
def test_gray_pixels_of_two_axes(gray):
    (image,) = ElementTree.fromstring(draw_pictures([Picture("a", gray)], "")).iter(f"{SVG}image")
    np.testing.assert_array_equal(pixels_of(image), gray)


def test_large_pixels_become_small():
    noise = np.random.default_rng(0).integers(0, 256, (900, 1800, 3), np.uint8)
    (image,) = ElementTree.fromstring(draw_pictures([Picture("a", noise)], "")).iter(f"{SVG}image")
    small = pixels_of(image)
    assert max(small.shape) == 1.5 * PANEL
    assert small.shape[1] == pytest.approx(2 * small.shape[0], abs=1)
    assert small.mean() == pytest.approx(noise.mean(), abs=1)


@pytest.mark.parametrize(("options", "style"), [({}, "image-rendering:pixelated"), ({"sharp": False}, "")])
def test_embedded_pixels_are_sharp_or_smoothed(options, style):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    (image,) = parse(embed(png(pixels), 30.04, 20, 1, 2.5, **options)).iter(f"{SVG}image")
    assert image.get("style") == style
    assert [image.get(name) for name in ("x", "y", "width", "height")] == ["1", "2.5", "30.0", "20.0"]
    assert image.get("preserveAspectRatio") == "none"
    np.testing.assert_array_equal(pixels_of(image), pixels)


@pytest.mark.parametrize(("side", "sharp"), [(10, True), (90, True), (91, False), (500, False)])
def test_only_enlarged_pixels_are_sharp_in_print(side, sharp):
    picture = Picture("a", np.zeros((side, side, 3), np.uint8), "", 90, 90)
    (image,) = ElementTree.fromstring(draw_pictures([picture], "")).iter(f"{SVG}image")
    assert ("pixelated" in image.get("style")) == sharp


# --- Gabor kernels ---


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


# --- networks as blocks ---

NOTE = "Below each block: height × width × channels of the output, and parameters."


def blocks(root):
    """Left edge, upper edge, width, height and color of the front of each block."""
    names = ("x", "y", "width", "height")
    return [(*(float(front.get(name)) for name in names), front.get("fill")) for front in root.iter(f"{SVG}rect")]


@pytest.mark.parametrize(("shape", "text", "faces"), [((28, 28, 1), "28×28×1", 2), ((784,), "784", 0)])
def test_a_network_without_layers_is_its_input(shape, text, faces):
    root = ElementTree.fromstring(draw_network(shape, []))
    assert words(root) == ["Input", text, None, NOTE]
    assert [color for *_, color in blocks(root)] == [LAYER_COLORS["Input"]]
    assert len([*root.iter(f"{SVG}path")]) == faces  # a list of numbers has no depth


def test_blocks_are_as_high_as_the_image_and_wider_with_more_channels():
    layers = {
        "Conv2D": ((30, 30, 64), 1_792),
        "MaxPooling2D": ((15, 15, 64), 0),
        "AveragePooling2D": ((3, 3, 64), 0),
        "Flatten": ((576,), 0),
        "Dense": ((10,), 5_770),
        "Softmax": ((10,), 0),  # of no kind that has a color
    }
    rows = [LayerRow(kind, shape, parameters, 0, None) for kind, (shape, parameters) in layers.items()]
    root = ElementTree.fromstring(draw_network((32, 32, 3), rows))
    texts = [("Input", "32×32×3", None)]
    for kind, (shape, parameters) in layers.items():
        name = kind.replace("Pooling2D", "Pool").replace("Average", "Avg")
        texts.append((name, "×".join(map(str, shape)), f"{parameters:,}" if parameters else None))
    assert words(root) == [*(text for block in texts for text in block), NOTE]
    lefts, tops, widths, heights, colors = zip(*blocks(root), strict=True)
    assert [top + height for top, height in zip(tops, heights, strict=True)] == pytest.approx([162] * 7, abs=0.11)
    sides = [32, 30, 15, 3]
    np.testing.assert_allclose(np.diff(heights[:4]) / np.diff(sides), 104 / 32, atol=0.02)
    assert widths[0] < widths[1] == widths[2] == widths[3]
    assert widths[4] == widths[5] and heights[4] > heights[5] > 30  # longer lists are higher
    rights = [left + width for left, width in zip(lefts, widths, strict=True)]
    assert all(right < left for right, left in zip(rights, lefts[1:], strict=False))
    assert rights[-1] < float(root.get("width"))
    assert list(colors) == [LAYER_COLORS.get(kind, "#dddddd") for kind in ("Input", *layers)]

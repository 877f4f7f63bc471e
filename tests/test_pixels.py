"""helpers.pixels: colors, PNG, numbers as text, figures and heat as pixels."""

import io
import itertools
import math

from helpers.pixels import (
    SIGNED,
    as_pixels,
    color_limits,
    colorize,
    format_number,
    heat_over,
    mosaic,
    png,
    text_color,
    to_gray,
)

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import skimage.color
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

DTYPES = ["uint8", "bool", "int16", "float32", "float64"]


def arrays(dtypes=DTYPES):
    sides = st.integers(1, 6)
    return st.sampled_from(dtypes).flatmap(
        lambda dtype: hnp.arrays(
            dtype,
            st.tuples(sides, sides),
            elements=st.floats(-1e6, 1e6, width=32) if np.dtype(dtype).kind == "f" else None,
        )
    )


# --- colors ---


@given(arrays())
def test_color_limits_hold_all_values(array):
    limits = color_limits(array)
    assert limits["vmin"] <= array.min() <= array.max() <= limits["vmax"]
    assert limits["vmin"] < limits["vmax"]
    if array.min() < 0:
        assert (limits["cmap"], limits["vmin"]) == (SIGNED, -limits["vmax"])
    else:
        assert (limits["cmap"], limits["vmin"]) == ("gray", 0)


def test_color_limits_of_photographs_do_not_depend_on_what_is_on_them():
    assert color_limits(np.full((2, 2), 7, np.uint8)) == {"cmap": "gray", "vmin": 0, "vmax": 255}
    assert color_limits(np.full((2, 2), 7))["vmax"] == 7
    assert color_limits(np.zeros((2, 2)))["vmax"] == 1


def test_few_extreme_pixels_do_not_make_all_others_pale():
    array = np.random.default_rng(0).normal(size=(100, 100))
    array[0, 0] = 1000
    assert 2 < color_limits(array)["vmax"] < 4
    assert color_limits(array[:50, :50])["vmax"] == 1000
    few = np.zeros((100, 100))
    few[0, :9] = -3  # less than a percent: left out, nothing would be left
    assert color_limits(few) == {"cmap": SIGNED, "vmin": -3, "vmax": 3}


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2)), np.full((60, 60), -0.0), np.eye(60) - 1, np.ones((2, 2)), -np.eye(80)]
)
def test_signed_by_hand(array):
    limits = color_limits(array, signed=True)
    assert limits["cmap"] == SIGNED
    assert 0 < limits["vmax"] == -limits["vmin"]
    assert color_limits(array, signed=False)["cmap"] == "gray"


@given(arrays())
def test_colorize_gives_colors(array):
    rgb = colorize(array)
    assert rgb.shape == (*array.shape, 3)
    assert rgb.dtype == np.uint8
    limits = color_limits(array)
    shown = mpl.cm.ScalarMappable(mpl.colors.Normalize(limits["vmin"], limits["vmax"]), limits["cmap"])
    assert np.abs(rgb - shown.to_rgba(array.astype(float))[..., :3] * 255).max() <= 2


def test_gray_is_gray_and_grows():
    rgb = colorize(np.arange(256, dtype=np.uint8)[None])
    assert np.abs(rgb.astype(int) - np.arange(256)[None, :, None]).max() <= 1
    assert (np.ptp(rgb, axis=2) == 0).all()
    assert (np.diff(rgb[0, :, 0].astype(int)) >= 0).all()


@pytest.mark.parametrize("bound", [1e-6, 1, 1e6])
def test_signed_colors(bound):
    low, zero, high = colorize(np.array([[-bound, 0, bound]]))[0].astype(int)
    assert zero.min() >= 240
    assert low[2] > low[0] + 20  # purple
    assert low[1] < 60
    assert high[0] > high[2] + 60  # orange
    less, more = colorize(np.array([[0.0, bound / 2, -bound]]))[0, :2].astype(int)
    assert less.min() >= 240
    assert high.sum() < more.sum() < less.sum()


def test_fixed_scale_does_not_depend_on_what_is_on_it():
    parts = [np.array([[0.0]]), np.array([[1.0]]), np.array([[-1.0]])]
    whole = colorize(np.concatenate(parts, axis=1), -4, 4)
    np.testing.assert_array_equal(np.concatenate([colorize(part, -4, 4) for part in parts], axis=1), whole)
    assert whole[0, 0].min() >= 240
    np.testing.assert_array_equal(colorize(np.array([[9.0, 0, 4, -3]]), 0, 4)[0, :, 0], [255, 0, 255, 0])


def test_rgb_passes_unchanged():
    image = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    np.testing.assert_array_equal(colorize(image), image)
    np.testing.assert_array_equal(colorize(image / 255), image)
    np.testing.assert_array_equal(colorize(np.array([[[-1, 0.5, 2.0]]])), [[[0, 128, 255]]])


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (5, 4, 3), (300, 2, 3)])
def test_png_round_trip(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    content = png(image)
    assert content.startswith(b"\x89PNG")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), image)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(image[::-1, ::-1])))), image[::-1, ::-1])


def decoded(data):
    image = Image.open(io.BytesIO(data))
    return image.mode, np.asarray(image)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_png_of_gray_rgb_has_one_channel(gray):
    mode, pixels = decoded(png(np.repeat(gray[..., np.newaxis], 3, axis=2)))
    assert mode == "L"
    np.testing.assert_array_equal(pixels, gray)


@given(st.integers(0, 5), st.integers(0, 6), st.integers(0, 2))
def test_png_with_one_pixel_of_color_has_three_channels(row, col, channel):
    image = np.full((6, 7, 3), 90, np.uint8)
    image[row, col, channel] += 1
    mode, pixels = decoded(png(image))
    assert mode == "RGB"
    np.testing.assert_array_equal(pixels, image)


def test_text_on_a_color_can_be_read():
    assert text_color((0, 0, 0)) == "#fff"
    assert text_color((255, 255, 255)) == "#000"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gray_of_floats_is_that_of_skimage(dtype):
    image = np.random.default_rng(0).random((5, 7, 3)).astype(dtype)
    gray = to_gray(image)
    assert gray.dtype == dtype
    np.testing.assert_allclose(gray, skimage.color.rgb2gray(image), rtol=1e-6)


def test_gray_of_white_is_white():
    assert to_gray(np.full((1, 1, 3), 255, np.uint8)).item() == 255
    np.testing.assert_array_equal(to_gray(np.eye(3, dtype=np.uint8)[None] * 255)[0], [54, 182, 18])


def test_gray_of_whole_numbers_is_rounded_to_the_nearest():
    image = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
    np.testing.assert_allclose(to_gray(image), 255 * skimage.color.rgb2gray(image), atol=0.501)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (4, 4, 4), (1, 4, 4, 3), (3,), ()])
def test_gray_needs_rgb(shape):
    with pytest.raises(ValueError, match=r"Need an RGB image of shape \(height, width, 3\)"):
        to_gray(np.zeros(shape))


# --- numbers as text ---


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (5, "5"),
        (-4.0, "−4"),
        (255, "255"),
        (1_000_000, "1000000"),
        (1 / 9, "0.11"),
        (-1 / 9, "−0.11"),
        (0.1, "0.10"),
        (0.0151, "0.015"),
        (9.994, "9.99"),
        (12.34, "12.3"),
        (-12.36, "−12.4"),
        (123.6, "124"),
        (0.001234, "0.0012"),
        (-0.00099, "−0.00099"),
        (1e-9, "1e−09"),
        (np.uint8(200), "200"),
        (np.float32(0.5), "0.50"),
        (True, "1"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "−inf"),
    ],
)
def test_format_number(value, text):
    assert format_number(value) == text


@given(st.floats(-1e6, 1e6))
@example(-0.001)
@example(9.999)
@example(99.96)
def test_format_number_reads_back(value):
    text = format_number(value)
    assert "-" not in text
    assert float(text.replace("−", "-")) == pytest.approx(value, rel=0.05)


# --- figures, many channels, heat ---


def test_figure_as_pixels():
    fig = plt.figure(figsize=(3, 2), dpi=50)
    fig.add_axes((0.2, 0.2, 0.7, 0.7)).plot([0, 1], color="r")
    pixels = as_pixels(fig)
    assert (pixels.shape, pixels.dtype) == ((100, 150, 3), np.uint8)
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=50)
    np.testing.assert_array_equal(pixels, np.asarray(Image.open(buffer).convert("RGB")))
    before = pixels.copy()
    fig.axes[0].plot([1, 0])
    assert not np.array_equal(as_pixels(fig), before)
    np.testing.assert_array_equal(pixels, before)  # a copy of its own


@pytest.mark.parametrize(("channels", "columns", "gap"), [(5, 2, 1), (6, 3, 0), (1, 4, 2), (4, 4, 3)])
def test_mosaic_holds_each_channel_in_its_place(channels, columns, gap):
    maps = np.random.default_rng(0).normal(size=(3, 4, channels))
    sheet = mosaic(maps, columns, gap, empty=99)
    rows = math.ceil(channels / columns)
    assert sheet.shape == (rows * 3 + (rows - 1) * gap, columns * 4 + (columns - 1) * gap)
    for channel in range(channels):
        row, col = divmod(channel, columns)
        top, left = row * (3 + gap), col * (4 + gap)
        np.testing.assert_array_equal(sheet[top : top + 3, left : left + 4], maps[..., channel])
    assert np.sum(sheet == 99) == sheet.size - maps.size
    assert np.isnan(mosaic(maps, columns, gap)).sum() == sheet.size - maps.size


IMAGE = np.random.default_rng(1).integers(0, 256, (5, 4, 3), np.uint8)
SLOPE = np.linspace(-1, 3, 20).reshape(5, 4)


def test_heat_over_is_a_mixture_of_gray_and_color():
    gray = np.repeat(IMAGE.mean(axis=2, keepdims=True), 3, axis=2)
    colors = 255 * mpl.colormaps["inferno"](np.clip(SLOPE, 0, None) / 3)[..., :3]
    for opacity in (0, 0.25, 1):
        found = heat_over(IMAGE, SLOPE, opacity)
        assert found.dtype == np.uint8
        np.testing.assert_allclose(found, (1 - opacity) * gray + opacity * colors, atol=0.51)
    np.testing.assert_array_equal(heat_over(IMAGE, SLOPE), heat_over(IMAGE, SLOPE, 0.6))


@pytest.mark.parametrize("heat", [np.zeros((5, 4)), np.full((5, 4), -2.0), np.zeros((5, 4), int)])
def test_no_heat_is_black(heat):
    assert heat_over(IMAGE, heat, 1).max() < 5


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 1), (5, 4, 3)])
def test_heat_over_images_of_any_kind(shape):
    found = heat_over(np.full(shape, 77, np.uint8), np.zeros((5, 4)), 0)
    np.testing.assert_array_equal(found, np.full((5, 4, 3), 77))


@pytest.mark.parametrize(
    ("heat", "opacity", "message"),
    [
        (SLOPE.T, 0.5, r"Need heat of the size of the image, \(5, 4\), but its shape is \(4, 5\)"),
        (SLOPE[..., np.newaxis], 0.5, "Need heat of the size of the image"),
        (SLOPE, -0.1, "opacity must be from 0 to 1, but it is -0.1"),
        (SLOPE, 1.1, "opacity must be from 0 to 1"),
        (SLOPE, np.nan, "opacity must be from 0 to 1"),
    ],
)
def test_heat_over_refuses(heat, opacity, message):
    with pytest.raises(ValueError, match=message):
        heat_over(IMAGE, heat, opacity)


def test_text_has_the_color_with_more_contrast():
    """As WCAG 2.1 defines contrast; where both are nearly alike, either will do."""
    for rgb in itertools.product(range(0, 256, 51), repeat=3):
        share = np.array(rgb) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        light = linear @ [0.2126, 0.7152, 0.0722] + 0.05
        contrast = {"#fff": 1.05 / light, "#000": light / 0.05}
        assert contrast[text_color(rgb)] > 0.9 * max(contrast.values()), rgb

"""The convolution stepper, driven as a learner would: each control at its ends and between, in any order."""

import io
import itertools
import math
import re
import xml.etree.ElementTree as ElementTree

from helpers.convolution import KERNELS, convolution_step
from helpers.datasets import load_photo
from helpers.pixels import kernel_text
from helpers.widgets.base import Panel
from helpers.widgets.stepper import ConvolutionStepper, draw_input_overlay, draw_output_overlay, parse_kernel_value

import ipywidgets as ipw
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from widget_tools import (
    SVG,
    assert_sound,
    complains,
    noise_image,
    numbers,
    said,
)
from widget_truths import (
    assert_stepper_tells_the_truth,
    scipy_map,
    texts,
)

# --- numbers in cells ---


@pytest.mark.parametrize("value", [1 / 9, -1 / 9, 2 / 3, 1 / 16, 1 / 49, 4 / 273, 0.5, -2.0, 0.0, 1e6, -0.125])
def test_fractions_are_written_as_fractions(value):
    text = kernel_text(value)
    assert parse_kernel_value(text) == pytest.approx(value, rel=1e-12)
    assert "." not in text


@given(st.floats(-1e6, 1e6))
def test_kernel_text_reads_back(value):
    assert parse_kernel_value(kernel_text(value)) == pytest.approx(value, rel=0.006, abs=1e-8)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        (" -1 ", -1),
        ("−1", -1),
        ("0,5", 0.5),
        (".5", 0.5),
        ("1/9", 1 / 9),
        ("-1 / 9", -1 / 9),
        ("0,5/2", 0.25),
        ("1e3", 1000),
        ("+4", 4),
        ("-0", 0),
    ],
)
def test_what_can_be_typed(text, value):
    assert parse_kernel_value(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["", " ", "a", "1/0", "0/0", "1/", "/2", "1/2/3", "nan", "--1", "1..2", "½", "1;2", "<b>"]
)
def test_what_cannot_be_typed(text):
    with pytest.raises(ValueError, match=r"is not a number: write 2, -0\.5 or 1/9"):
        parse_kernel_value(text)


@pytest.mark.parametrize("text", ["1000001", "-1e7", "1e999", "inf", "1e999999999", "1/1e-300", "9" * 400])
def test_what_is_too_large(text):
    with pytest.raises(ValueError, match="stay within ±1,000,000"):
        parse_kernel_value(text)


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_a_message(text):
    try:
        assert math.isfinite(parse_kernel_value(text))
    except ValueError as error:
        assert re.search("is not a number: write|stay within", str(error))


# --- any image, any setting ---

IMAGES = {
    "uint8": noise_image(12, 9),
    "bool": noise_image(9, 12) > 128,
    "float in [0, 1]": noise_image(8, 8) / 255,
    "signed float": noise_image(8, 8) / 10 - 12,
    "int16": noise_image(7, 11).astype(np.int16) - 200,
    "black": np.zeros((8, 8), np.uint8),
    "constant": np.full((8, 8), -3.0),
    "column": noise_image(20, 3),
    "smallest": noise_image(3, 3),
}


@pytest.mark.parametrize("name", IMAGES)
def test_stepper_of_any_image(name):
    stepper = ConvolutionStepper(IMAGES[name])
    for step in {0, stepper.slider.max // 2, stepper.slider.max}:
        stepper.slider.value = step
        assert_stepper_tells_the_truth(stepper)
        assert_sound(stepper)


@pytest.mark.parametrize("name", KERNELS)
def test_stepper_starts_with_any_kernel(name):
    stepper = ConvolutionStepper(noise_image(8, 8), name, step=3)
    assert stepper.preset.value == name
    assert stepper.slider.value == 3
    np.testing.assert_allclose(as_numbers_of_cells(stepper), KERNELS[name])
    assert_stepper_tells_the_truth(stepper)


def as_numbers_of_cells(stepper):
    return [[parse_kernel_value(cell.value) for cell in row] for row in stepper.cells]


def test_stepper_at_all_ends_of_all_controls():
    stepper = ConvolutionStepper(noise_image(10, 11), "diagonal")
    sliders = (stepper.stride, stepper.padding, stepper.dilation)
    ends = [{slider.min, slider.value, slider.max} for slider in sliders]
    for flip, *values in itertools.product((False, True), *ends):
        for slider, value in zip(sliders, values, strict=True):
            slider.value = value
        stepper.flip.value = flip
        for step in (0, stepper.slider.max):
            stepper.slider.value = step
            assert_stepper_tells_the_truth(stepper)
    assert_sound(stepper)


@pytest.mark.parametrize("seed", range(4))
def test_stepper_in_any_order(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(3, 20, 2)
    stepper = ConvolutionStepper(noise_image(*shape, seed=seed) / rng.choice([1, 255]), rng.choice([*KERNELS]).item())
    for _ in range(60):
        action = rng.integers(8)
        if action < 3:
            slider = (stepper.stride, stepper.padding, stepper.dilation)[action]
            slider.value = int(rng.integers(slider.min, slider.max + 1))
        elif action == 3:
            stepper.flip.value = bool(rng.integers(2))
        elif action == 4:
            stepper.preset.value = rng.choice(stepper.preset.options).item()
        elif action == 5:
            stepper.cells[rng.integers(3)][rng.integers(3)].value = rng.choice(
                ["1/9", "-2", "x", "", "1e7", "0,25"]
            ).item()
        elif action == 6 and rng.random() < 0.3:
            stepper.reset.click()
        stepper.slider.value = int(rng.integers(stepper.slider.max + 1))
        assert_sound(stepper)
        if not complains(stepper) and not stepper.slider.disabled:
            assert_stepper_tells_the_truth(stepper)
        elif stepper.slider.disabled:
            extents = [(n - 1) * stepper.dilation.value + 1 - 2 * stepper.padding.value for n in stepper.kernel.shape]
            assert any(np.array(extents) > stepper.image.shape)


def test_numbers_of_a_step():
    image = np.arange(42, dtype=np.uint8).reshape(6, 7)
    stepper = ConvolutionStepper(image, "diagonal", step=0)
    stepper.stride.value, stepper.padding.value, stepper.dilation.value = 2, 1, 2
    stepper.slider.value = stepper.slider.max  # row 1, column 2: starts at pixel (1, 3) of the image
    assert texts(stepper, "pixels") == ["10", "12", "0", "24", "26", "0", "38", "40", "0"]
    assert texts(stepper, "kernel") == ["0", "1", "1", "−1", "0", "1", "−1", "−1", "0"]
    assert texts(stepper, "products") == ["0", "12", "0", "−24", "0", "0", "−38", "−40", "0"]
    assert texts(stepper, "sum") == ["−90"]
    assert said(stepper) == "Step 6 of 6 (row 1, column 2): 9 products sum to −90."
    stepper.flip.value = True
    assert texts(stepper, "kernel") == ["0", "−1", "−1", "1", "0", "−1", "1", "1", "0"]
    assert texts(stepper, "sum") == ["90"]


def test_one_product():
    stepper = ConvolutionStepper(np.array([[7]], np.uint8), np.array([[2.0]]))
    assert said(stepper) == "Step 1 of 1 (row 0, column 0): 1 product sums to 14."
    assert_sound(stepper)


def test_pictures_are_the_image_and_the_feature_map():
    image = noise_image(9, 8)
    stepper = ConvolutionStepper(image, "identity")
    stepper.padding.value = 2
    shown = np.asarray(Image.open(io.BytesIO(stepper.input.image.value)).convert("L")).astype(int)
    assert np.abs(shown - np.pad(image, 2)).max() <= 1
    stepper.preset.value = "Laplacian"
    shown = np.asarray(Image.open(io.BytesIO(stepper.output.image.value))).astype(int)
    expected = scipy_map(stepper)
    assert shown.shape[:2] == expected.shape
    warm = shown[..., 0] - shown[..., 2]  # orange above zero, purple below
    strong = np.abs(expected) > 0.2 * np.abs(expected).max()
    np.testing.assert_array_equal(warm[strong] > 0, expected[strong] > 0)


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("padding", [0, 3])
def test_slider_ends_at_the_last_pixel(stride, padding):
    stepper = ConvolutionStepper(noise_image(11, 8))
    stepper.slider.value = stepper.slider.max
    stepper.stride.value, stepper.padding.value = stride, padding
    expected = scipy_map(stepper)
    assert stepper.slider.max == stepper.play.max == expected.size - 1
    stepper.slider.value = stepper.slider.max
    assert f"row {expected.shape[0] - 1}, column {expected.shape[1] - 1})" in said(stepper)
    assert_stepper_tells_the_truth(stepper)


def test_step_stays_inside_when_the_map_shrinks():
    stepper = ConvolutionStepper(noise_image(12, 12), step=99)
    assert stepper.slider.value == 99
    stepper.stride.value = 4
    assert stepper.slider.value == stepper.slider.max == 8
    assert_stepper_tells_the_truth(stepper)


@pytest.mark.parametrize(("step", "expected"), [(-5, 0), (0, 0), (10**6, 35), (np.int64(7), 7)])
def test_first_step_is_put_inside(step, expected):
    assert ConvolutionStepper(noise_image(8, 8), step=step).slider.value == expected


# --- its kernel ---


@pytest.mark.parametrize(("text", "value"), [("1/9", 1 / 9), ("-0,5", -0.5), ("3", 3.0)])
def test_a_typed_value_counts_at_once(text, value):
    stepper = ConvolutionStepper(noise_image(8, 8), "Sobel x", step=5)
    stepper.cells[1][2].value = text
    assert stepper.kernel[1, 2] == pytest.approx(value)
    assert stepper.preset.value == "your own"
    assert stepper.slider.value == 5
    assert_stepper_tells_the_truth(stepper)
    assert_sound(stepper)


def test_bad_text_keeps_the_last_valid_kernel():
    stepper = ConvolutionStepper(noise_image(8, 8), "Sobel x", step=5)
    stepper.cells[0][0].value = "7"
    before, pictures = stepper.kernel.copy(), stepper.output.image.value
    stepper.cells[0][0].value = "<i>?</i>"
    assert said(stepper) == "“<i>?</i>” is not a number: write 2, -0.5 or 1/9."
    assert complains(stepper)
    assert "cnn-bad" in stepper.cells[0][0]._dom_classes
    np.testing.assert_array_equal(stepper.kernel, before)
    assert stepper.output.image.value == pictures
    assert_sound(stepper)
    stepper.slider.value = 6
    assert_stepper_tells_the_truth(stepper)
    stepper.cells[0][0].value = "8"
    assert stepper.kernel[0, 0] == 8
    assert "cnn-bad" not in stepper.cells[0][0]._dom_classes
    assert_stepper_tells_the_truth(stepper)


@pytest.mark.parametrize("repair", ["preset", "reset"])
def test_bad_text_goes_away_with_a_new_kernel(repair):
    stepper = ConvolutionStepper(noise_image(8, 8), "Sobel x")
    stepper.cells[2][1].value = "x"
    if repair == "preset":
        stepper.preset.value = "Laplacian"
    else:
        stepper.reset.click()
    assert stepper.cells[2][1].value == ("1" if repair == "preset" else "0")
    assert "cnn-bad" not in stepper.cells[2][1]._dom_classes
    assert_stepper_tells_the_truth(stepper)


@pytest.mark.parametrize("name", KERNELS)
def test_preset(name):
    stepper = ConvolutionStepper(noise_image(8, 8), np.ones((3, 3)), step=4)
    stepper.preset.value = name
    np.testing.assert_allclose(as_numbers_of_cells(stepper), KERNELS[name])
    assert stepper.preset.value == name
    assert stepper.slider.value == 4
    assert_stepper_tells_the_truth(stepper)


def test_presets_are_not_changed_by_editing():
    before = {name: kernel.copy() for name, kernel in KERNELS.items()}
    for name in KERNELS:
        stepper = ConvolutionStepper(noise_image(8, 8), name)
        stepper.cells[1][1].value = "99"
        stepper.preset.value = "identity"
        stepper.cells[0][0].value = "98"
    for name, kernel in KERNELS.items():
        np.testing.assert_array_equal(kernel, before[name])


def test_a_kernel_of_ones_own_is_not_changed():
    kernel = np.ones((2, 2))
    stepper = ConvolutionStepper(noise_image(8, 8), kernel)
    stepper.cells[0][0].value = "5"
    np.testing.assert_array_equal(kernel, np.ones((2, 2)))
    stepper.reset.click()
    np.testing.assert_array_equal(stepper.kernel, np.ones((2, 2)))


@pytest.mark.parametrize("start", ["emboss", np.arange(6.0).reshape(2, 3)], ids=["by name", "array"])
def test_reset(start):
    stepper = ConvolutionStepper(noise_image(9, 9), start)
    first = [stepper.input.image.value, stepper.output.image.value, stepper.numbers.value, stepper.status.value]
    first += [stepper.preset.value, stepper.slider.max]
    stepper.stride.value, stepper.padding.value, stepper.dilation.value, stepper.flip.value = 3, 2, 2, True
    stepper.preset.value = "sharpen"
    stepper.cells[0][0].value = "-9"
    stepper.slider.value = stepper.slider.max
    stepper.reset.click()
    assert (stepper.stride.value, stepper.padding.value, stepper.dilation.value) == (1, 0, 1)
    assert stepper.flip.value is False
    last = [stepper.input.image.value, stepper.output.image.value, stepper.numbers.value, stepper.status.value]
    assert [*last, stepper.preset.value, stepper.slider.max] == first
    assert len(stepper.cells) == len(stepper.kernel)
    assert_stepper_tells_the_truth(stepper)


def test_reset_goes_back_to_the_step_it_began_with():
    stepper = ConvolutionStepper(noise_image(8, 8), step=20)
    stepper.stride.value, stepper.slider.value = 2, 3
    stepper.reset.click()
    assert said(stepper).startswith("Step 21 of 36 ")


def test_flip_turns_an_asymmetric_kernel():
    stepper = ConvolutionStepper(noise_image(8, 8), np.array([[1.0, 2.0], [0, -3]]))
    plain = said(stepper)
    stepper.flip.value = True
    assert said(stepper) != plain
    assert texts(stepper, "kernel") == ["−3", "0", "2", "1"]
    np.testing.assert_array_equal(as_numbers_of_cells(stepper), [[1, 2], [0, -3]])
    assert_stepper_tells_the_truth(stepper)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (7, 7), (2, 5)])
def test_kernels_up_to_seven(shape):
    stepper = ConvolutionStepper(noise_image(30, 30), np.random.default_rng(0).normal(size=shape), step=11)
    assert (len(stepper.cells), len(stepper.cells[0])) == shape
    stepper.dilation.value = 3
    stepper.slider.value = stepper.slider.max
    assert_stepper_tells_the_truth(stepper)
    assert_sound(stepper)
    stepper.preset.value = "box blur"
    assert (len(stepper.cells), len(stepper.cells[0])) == (3, 3)
    assert_stepper_tells_the_truth(stepper)
    stepper.reset.click()
    assert (len(stepper.cells), len(stepper.cells[0])) == shape
    assert_stepper_tells_the_truth(stepper)


def test_fractional_kernels_are_shown_as_fractions():
    stepper = ConvolutionStepper(noise_image(8, 8), "box blur")
    assert {cell.value for row in stepper.cells for cell in row} == {"1/9"}
    assert texts(stepper, "kernel") == ["1/9"] * 9
    stepper.preset.value = "Gaussian blur"
    assert [cell.value for cell in stepper.cells[1]] == ["1/8", "1/4", "1/8"]


# --- what does not fit ---


def test_dilation_too_large_gives_a_message_and_recovers():
    stepper = ConvolutionStepper(noise_image(5, 5), step=3)
    pictures = stepper.input.image.value, stepper.output.image.value
    stepper.dilation.value = 3
    assert complains(stepper)
    assert "covers 7 pixels but the padded image has only 5. Use a smaller kernel or dilation" in said(stepper)
    assert stepper.slider.disabled
    assert stepper.play.disabled
    assert (stepper.input.image.value, stepper.output.image.value) == pictures
    for step in (0, stepper.slider.max):
        stepper.slider.value = step
        assert_sound(stepper)
    stepper.cells[0][0].value = "4"
    assert complains(stepper)
    stepper.padding.value = 1
    assert not complains(stepper)
    assert not stepper.slider.disabled
    assert not stepper.play.disabled
    assert_stepper_tells_the_truth(stepper)
    stepper.padding.value = 0
    assert complains(stepper)
    stepper.reset.click()
    assert_stepper_tells_the_truth(stepper)


@pytest.mark.parametrize(
    ("image", "kernel", "message"),
    [
        (np.zeros((8, 8, 3)), "Sobel x", "Take one channel, or skimage.color.rgb2gray"),
        (np.zeros(8), "Sobel x", "two axes"),
        (np.full((8, 8), np.nan), "Sobel x", "holds NaN or infinity"),
        (np.zeros((0, 8)), "Sobel x", "is empty"),
        (np.zeros((513, 8)), "Sobel x", r"up to 512 × 512; this one is \(513, 8\). Crop it"),
        (np.zeros((8, 8)), "sobel", "Unknown kernel 'sobel': use one of identity, box blur"),
        (np.zeros((8, 8)), "your own", "Unknown kernel 'your own'"),
        (np.zeros((8, 8)), np.ones(3), "kernel must have the two axes"),
        (np.zeros((8, 8)), np.ones((8, 1)), r"up to 7 × 7; this one is \(8, 1\)"),
        (np.zeros((8, 8)), np.array([[np.inf]]), "kernel holds NaN or infinity"),
        (np.zeros((2, 8)), "Sobel x", "Use a smaller kernel"),
    ],
)
def test_stepper_refuses(image, kernel, message):
    with pytest.raises(ValueError, match=message):
        ConvolutionStepper(image, kernel)


# --- cost of a step ---


def events(widget):
    """Collect what a widget sends to the page from now on: (name of the child, trait, value)."""
    sent = []
    parts = {}
    for name, part in vars(widget).items():
        if isinstance(part, Panel):
            parts |= {f"{name}.{child}": getattr(part, child) for child in ("heading", "image", "overlay")}
        elif isinstance(part, ipw.DOMWidget):
            parts[name] = part
    for name, part in parts.items():
        part.observe(lambda change, name=name: sent.append((name, change["name"], change["new"])))
    return sent


def test_a_step_costs_the_same_on_a_large_image():
    steppers = {size: ConvolutionStepper(noise_image(size, size), "Gaussian blur") for size in (64, 512)}
    sent = {size: events(stepper) for size, stepper in steppers.items()}
    for share in np.linspace(0.05, 0.95, 41):
        for stepper in steppers.values():
            stepper.slider.value = int(share * stepper.slider.max)
    for size, messages in sent.items():
        assert {name for name, _, _ in messages} == {"slider", "input.overlay", "output.overlay", "numbers", "status"}
        assert {trait for _, trait, _ in messages} == {"value"}
        assert len(messages) == 5 * 41, size
    volume = {size: sum(len(str(value)) for _, _, value in messages) for size, messages in sent.items()}
    assert volume[512] < 1.3 * volume[64]
    assert volume[512] < 41 * 20_000


def test_stepper_at_512():
    stepper = ConvolutionStepper(noise_image(512, 512), "Sobel y")
    assert stepper.slider.max == 510 * 510 - 1
    stepper.slider.value = stepper.slider.max
    assert_stepper_tells_the_truth(stepper)
    assert_sound(stepper)
    stepper.padding.value, stepper.stride.value = 3, 4
    assert_stepper_tells_the_truth(stepper)


def test_one_change_of_a_setting_computes_once(monkeypatch):
    stepper = ConvolutionStepper(noise_image(12, 12), step=50)
    sent = events(stepper)
    stepper.stride.value = 2
    assert [(name, trait) for name, trait, _ in sent].count(("output.image", "value")) == 1
    sent.clear()
    stepper.preset.value = "emboss"
    assert [(name, trait) for name, trait, _ in sent].count(("output.image", "value")) == 1
    assert [(name, trait) for name, trait, _ in sent].count(("numbers", "value")) <= 1


# --- where no kernel runs ---


def test_still_of_the_stepper():
    stepper = ConvolutionStepper(noise_image(20, 30), "box blur", step=40)
    still = ElementTree.fromstring(stepper.still())
    words = [text.text for text in still.iter(f"{SVG}text")]
    assert said(stepper) in words
    assert {"image, 20 × 30", "feature map so far, 18 × 28"} <= set(words)
    assert words.count("1/9") == 9
    pictures = [part.get("href") for part in still.iter(f"{SVG}image")]
    assert len(pictures) == 2
    assert all(picture.startswith("data:image/png;base64,") for picture in pictures)


def test_still_of_a_large_image_is_small():
    assert len(ConvolutionStepper(load_photo("camera")).still()) < 500_000


def test_two_steppers_are_independent():
    first, second = (ConvolutionStepper(noise_image(9, 9)) for _ in range(2))
    before = second.numbers.value, second.status.value
    first.preset.value, first.slider.value = "emboss", 7
    assert (second.numbers.value, second.status.value) == before


# --- overlays ---


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

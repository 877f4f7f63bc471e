"""helpers.widgets, driven as a learner would: each control at its ends and between, in any order."""

import html
import io
import itertools
import math
import re
import xml.etree.ElementTree as ElementTree

from helpers import widgets
from helpers.convolution import KERNELS, LAYER_KINDS
from helpers.datasets import example_images, load_photo
from helpers.drawing import PANEL, Picture, network_picture, readable_count, text_color
from helpers.gabor import grating
from helpers.plots import kernel_text
from helpers.widgets import (
    STACKS,
    ConvolutionStepper,
    Explorer,
    GaborExplorer,
    GaborResponse,
    LayerCalculator,
    LessonWidget,
    Panel,
    make_slider,
    parse_kernel_value,
)

import ipywidgets as ipw
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_totals import TOTALS
from PIL import Image
from scipy import ndimage, signal
from skimage import filters
from widget_tools import (
    SVG,
    assert_finite,
    assert_sound,
    close,
    complains,
    controls,
    drive,
    ends,
    noise_image,
    parts,
    result_of,
    said,
    shown,
    some_value,
    state,
)


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


def assert_tells_the_truth(widget):
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


def test_text_on_a_color_can_be_read():
    assert text_color((0, 0, 0)) == "#fff"
    assert text_color((255, 255, 255)) == "#000"


# --- the stepper ---

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
        assert_tells_the_truth(stepper)
        assert_sound(stepper)


@pytest.mark.parametrize("name", KERNELS)
def test_stepper_starts_with_any_kernel(name):
    stepper = ConvolutionStepper(noise_image(8, 8), name, step=3)
    assert stepper.preset.value == name
    assert stepper.slider.value == 3
    np.testing.assert_allclose(as_numbers_of_cells(stepper), KERNELS[name])
    assert_tells_the_truth(stepper)


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
            assert_tells_the_truth(stepper)
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
            assert_tells_the_truth(stepper)
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
    assert_tells_the_truth(stepper)


def test_step_stays_inside_when_the_map_shrinks():
    stepper = ConvolutionStepper(noise_image(12, 12), step=99)
    assert stepper.slider.value == 99
    stepper.stride.value = 4
    assert stepper.slider.value == stepper.slider.max == 8
    assert_tells_the_truth(stepper)


@pytest.mark.parametrize(("step", "expected"), [(-5, 0), (0, 0), (10**6, 35), (np.int64(7), 7)])
def test_first_step_is_put_inside(step, expected):
    assert ConvolutionStepper(noise_image(8, 8), step=step).slider.value == expected


# -- its kernel --


@pytest.mark.parametrize(("text", "value"), [("1/9", 1 / 9), ("-0,5", -0.5), ("3", 3.0)])
def test_a_typed_value_counts_at_once(text, value):
    stepper = ConvolutionStepper(noise_image(8, 8), "Sobel x", step=5)
    stepper.cells[1][2].value = text
    assert stepper.kernel[1, 2] == pytest.approx(value)
    assert stepper.preset.value == "your own"
    assert stepper.slider.value == 5
    assert_tells_the_truth(stepper)
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
    assert_tells_the_truth(stepper)
    stepper.cells[0][0].value = "8"
    assert stepper.kernel[0, 0] == 8
    assert "cnn-bad" not in stepper.cells[0][0]._dom_classes
    assert_tells_the_truth(stepper)


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
    assert_tells_the_truth(stepper)


@pytest.mark.parametrize("name", KERNELS)
def test_preset(name):
    stepper = ConvolutionStepper(noise_image(8, 8), np.ones((3, 3)), step=4)
    stepper.preset.value = name
    np.testing.assert_allclose(as_numbers_of_cells(stepper), KERNELS[name])
    assert stepper.preset.value == name
    assert stepper.slider.value == 4
    assert_tells_the_truth(stepper)


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
    assert_tells_the_truth(stepper)


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
    assert_tells_the_truth(stepper)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (7, 7), (2, 5)])
def test_kernels_up_to_seven(shape):
    stepper = ConvolutionStepper(noise_image(30, 30), np.random.default_rng(0).normal(size=shape), step=11)
    assert (len(stepper.cells), len(stepper.cells[0])) == shape
    stepper.dilation.value = 3
    stepper.slider.value = stepper.slider.max
    assert_tells_the_truth(stepper)
    assert_sound(stepper)
    stepper.preset.value = "box blur"
    assert (len(stepper.cells), len(stepper.cells[0])) == (3, 3)
    assert_tells_the_truth(stepper)
    stepper.reset.click()
    assert (len(stepper.cells), len(stepper.cells[0])) == shape
    assert_tells_the_truth(stepper)


def test_fractional_kernels_are_shown_as_fractions():
    stepper = ConvolutionStepper(noise_image(8, 8), "box blur")
    assert {cell.value for row in stepper.cells for cell in row} == {"1/9"}
    assert texts(stepper, "kernel") == ["1/9"] * 9
    stepper.preset.value = "Gaussian blur"
    assert [cell.value for cell in stepper.cells[1]] == ["1/8", "1/4", "1/8"]


# -- what does not fit --


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
    assert_tells_the_truth(stepper)
    stepper.padding.value = 0
    assert complains(stepper)
    stepper.reset.click()
    assert_tells_the_truth(stepper)


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


# -- cost of a step --


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
    assert_tells_the_truth(stepper)
    assert_sound(stepper)
    stepper.padding.value, stepper.stride.value = 3, 4
    assert_tells_the_truth(stepper)


def test_one_change_of_a_setting_computes_once(monkeypatch):
    stepper = ConvolutionStepper(noise_image(12, 12), step=50)
    sent = events(stepper)
    stepper.stride.value = 2
    assert [(name, trait) for name, trait, _ in sent].count(("output.image", "value")) == 1
    sent.clear()
    stepper.preset.value = "emboss"
    assert [(name, trait) for name, trait, _ in sent].count(("output.image", "value")) == 1
    assert [(name, trait) for name, trait, _ in sent].count(("numbers", "value")) <= 1


# -- where no kernel runs --


@pytest.mark.parametrize(
    "build",
    [lambda: ConvolutionStepper(noise_image(20, 30)), LayerCalculator, GaborExplorer, lambda: GaborResponse(SMALL)],
)
def test_display_has_a_still_picture_and_a_text(build):
    widget = build()
    bundle = widget._repr_mimebundle_()
    assert bundle["image/svg+xml"] == widget.still()
    assert bundle["text/plain"] == f"{widget.title} (run the cell to use it)"
    assert "application/vnd.jupyter.widget-view+json" in bundle


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


def test_still_does_not_change_from_run_to_run():
    assert len({ConvolutionStepper(noise_image(20, 30), step=40).still() for _ in range(3)}) == 1
    assert len({LayerCalculator().still() for _ in range(3)}) == 1
    assert len({GaborExplorer().still() for _ in range(3)}) == 1
    assert len({GaborResponse().still() for _ in range(3)}) == 1


def test_still_of_a_large_image_is_small():
    assert len(ConvolutionStepper(load_photo("camera")).still()) < 500_000


def test_two_steppers_are_independent():
    first, second = (ConvolutionStepper(noise_image(9, 9)) for _ in range(2))
    before = second.numbers.value, second.status.value
    first.preset.value, first.slider.value = "emboss", 7
    assert (second.numbers.value, second.status.value) == before


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


# --- the layer calculator ---

UNITS = {
    "Two convolutions, flatten": "10",
    "… with pooling and a dense layer": "10",
    "Digits, flatten": "10",
    "Digits, global average pooling": "10",
    "Dense only": "100",
}


def results(calculator):
    """Output, parameters and receptive field of each layer, as they stand beside it."""
    cells = [re.findall(r"<span>([^<]*)</span>", row["result"].value) for row in calculator.rows]
    return [tuple(cell) for cell in cells]


def set_layer(calculator, number, **values):
    for name, value in values.items():
        calculator.rows[number][name].value = value


def test_all_presets_are_tested():
    assert set(TOTALS) == set(STACKS)


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("how", ["from the start", "chosen"])
def test_presets_have_the_right_total(name, how):
    calculator = LayerCalculator(name) if how == "from the start" else LayerCalculator()
    calculator.preset.value = name
    assert re.match(
        rf"{TOTALS[name]:,} parameters, .* multiplications per image, output {UNITS[name]}\.$", said(calculator)
    )
    assert sum(int(parameters.replace(",", "")) for _, parameters, _ in results(calculator)) == TOTALS[name]
    assert_sound(calculator)


def test_rows_of_a_preset():
    assert results(LayerCalculator("Digits, flatten")) == [
        ("26×26×32", "320", "3×3"),
        ("13×13×32", "0", "4×4"),
        ("11×11×64", "18,496", "8×8"),
        ("5×5×64", "0", "10×10"),
        ("3×3×64", "36,928", "18×18"),
        ("576", "0", "18×18"),
        ("64", "36,928", "all"),
        ("10", "650", "all"),
    ]


def test_adding_layers():
    calculator = LayerCalculator("… with pooling and a dense layer")
    calculator.add.click()
    assert len(calculator.rows) == 8
    assert results(calculator)[-1] == ("10", "110", "all")
    calculator.rows[-1]["remove"].click()
    calculator.rows[2]["insert"].click()
    assert len(calculator.rows) == 8
    assert results(calculator)[2:4] == [("13×13×32", "9,248", "8×8"), ("11×11×32", "9,248", "12×12")]
    calculator.rows[3]["remove"].click()
    calculator.rows[3]["insert"].click()
    set_layer(calculator, 4, kind="Conv2D", filters=32)
    assert results(calculator)[4] == ("4×4×32", "9,248", "18×18")
    assert said(calculator).startswith("36,138 parameters, ")
    assert_sound(calculator)


def test_adding_on_top_of_an_image():
    calculator = LayerCalculator("Dense only")
    calculator.rows[1]["remove"].click()
    set_layer(calculator, 0, kind="AveragePooling2D")
    calculator.add.click()
    assert results(calculator) == [("16×16×3", "0", "2×2"), ("14×14×32", "896", "6×6")]


def test_removing_layers():
    calculator = LayerCalculator("Dense only")
    calculator.rows[1]["remove"].click()
    assert said(calculator).startswith("0 parameters, 0 multiplications per image, output 3072.")
    calculator.rows[0]["remove"].click()
    assert len(calculator.rows) == 1
    assert complains(calculator)
    assert said(calculator) == "A network needs at least one layer."
    calculator.add.click()
    assert not complains(calculator)
    assert_sound(calculator)


def test_too_many_layers():
    calculator = LayerCalculator()
    while len(calculator.rows) < calculator.most_layers:
        calculator.add.click()
    assert not complains(calculator)
    for button in (calculator.add, calculator.rows[0]["insert"]):
        button.click()
        assert len(calculator.rows) == calculator.most_layers
        assert said(calculator) == "12 layers are the most that fit here."
    calculator.rows[-1]["remove"].click()
    assert not complains(calculator)
    assert_sound(calculator)


def test_reset_of_the_calculator():
    calculator = LayerCalculator("Digits, flatten")
    first = calculator.status.value, calculator.picture.value, results(calculator)
    calculator.input_shape.value = (64, 64, 3)
    set_layer(calculator, 0, filters=7, size=5, stride=2, padding="same")
    calculator.rows[3]["remove"].click()
    calculator.reset.click()
    assert (calculator.status.value, calculator.picture.value, results(calculator)) == first
    calculator.preset.value = "Dense only"
    calculator.reset.click()
    assert calculator.preset.value == "Digits, flatten"
    assert (calculator.status.value, calculator.picture.value, results(calculator)) == first


def test_presets_are_not_changed_by_playing():
    before = repr(STACKS)
    calculator = LayerCalculator("Digits, flatten")
    set_layer(calculator, 0, filters=7)
    calculator.rows[1]["remove"].click()
    calculator.preset.value = "Dense only"
    assert repr(STACKS) == before


def test_misfit_gives_a_message_and_recovers():
    calculator = LayerCalculator("Digits, flatten")
    fine = calculator.status.value
    set_layer(calculator, 6, kind="Conv2D")
    assert complains(calculator)
    assert said(calculator) == "Layer 7 (Conv2D) needs (height, width, channels), but here the image is a list of 576."
    assert results(calculator)[5] == ("576", "0", "18×18")
    assert results(calculator)[6:] == [(), ()]
    assert_sound(calculator)
    set_layer(calculator, 6, kind="Dense")
    assert calculator.status.value == fine


def test_window_larger_than_its_image():
    calculator = LayerCalculator("Digits, flatten")
    set_layer(calculator, 0, stride=4)
    assert complains(calculator)
    assert said(calculator).startswith("Layer 4 (MaxPooling2D): The kernel covers 2 pixels but")
    assert_sound(calculator)
    calculator.input_shape.value = (224, 224, 3)
    assert not complains(calculator)


def test_calculator_at_all_ends_of_all_controls():
    calculator = LayerCalculator("Two convolutions, flatten")
    calculator.input_shape.value = (28, 28, 1)
    ends = {
        "kind": LAYER_KINDS,
        "size": (1, 3, 11),
        "stride": (1, 4),
        "padding": ("valid", "same"),
        "filters": (1, 4096),
    }
    for values in itertools.product(*ends.values()):
        set_layer(calculator, 1, **dict(zip(ends, values, strict=True)))
        kind, size, stride, padding, filters = values
        assert not complains(calculator)
        if kind in ("Conv2D", "MaxPooling2D", "AveragePooling2D"):
            side = -(-26 // stride) if padding == "same" else (26 - size) // stride + 1
            channels = filters if kind == "Conv2D" else 32
            assert results(calculator)[1][0] == f"{side}×{side}×{channels}"
    assert_sound(calculator)


@pytest.mark.parametrize("name", STACKS)
def test_calculator_with_every_input(name):
    calculator = LayerCalculator(name)
    for _, shape in calculator.input_shape.options:
        calculator.input_shape.value = shape
        assert not complains(calculator)
        assert_sound(calculator)


@pytest.mark.parametrize("seed", range(3))
def test_calculator_in_any_order(seed):
    rng = np.random.default_rng(seed)
    calculator = LayerCalculator(rng.choice([*STACKS]).item())
    for _ in range(60):
        row = calculator.rows[rng.integers(len(calculator.rows))]
        action = rng.choice(
            ["kind", "filters", "size", "stride", "padding", "insert", "remove", "add", "input", "preset"]
        )
        if action in ("insert", "remove"):
            row[action].click()
        elif action == "add":
            calculator.add.click()
        elif action == "input":
            calculator.input_shape.index = int(rng.integers(len(calculator.inputs)))
        elif action == "preset" and rng.random() < 0.3:
            calculator.preset.index = int(rng.integers(len(STACKS)))
        elif action in ("kind", "padding"):
            row[action].value = rng.choice(row[action].options).item()
        elif action in ("filters", "size", "stride"):
            row[action].value = int(rng.integers(row[action].min, row[action].max + 1))
        assert_sound(calculator)
        if not complains(calculator):
            total = int(re.match(r"[\d,]+", said(calculator))[0].replace(",", ""))
            assert total == sum(int(parameters.replace(",", "")) for _, parameters, _ in results(calculator))


def test_controls_that_a_layer_does_not_have_are_hidden():
    calculator = LayerCalculator("Digits, flatten")
    seen = {}
    for kind in LAYER_KINDS:
        set_layer(calculator, 0, kind=kind)
        names = ("filters", "size", "stride", "padding")
        seen[kind] = {name for name in names if calculator.rows[0][name].layout.visibility != "hidden"}
    window = {"size", "stride", "padding"}
    assert seen == {
        "Conv2D": window | {"filters"},
        "MaxPooling2D": window,
        "AveragePooling2D": window,
        "Dropout": set(),
        "Flatten": set(),
        "GlobalAveragePooling2D": set(),
        "Dense": {"filters"},
    }


@pytest.mark.parametrize("stack", ["digits", "", None])
def test_calculator_refuses(stack):
    with pytest.raises(ValueError, match=r"Unknown stack .*: use one of Two convolutions, flatten"):
        LayerCalculator(stack)


def test_picture_names_each_layer():
    calculator = LayerCalculator("Digits, global average pooling")
    words = [text.text for text in ElementTree.fromstring(calculator.picture.value).iter(f"{SVG}text")]
    for word in ("Input", "28×28×1", "Conv2D", "3×3×64", "36,928", "GlobalAvgPool", "64", "Dense", "10", "650"):
        assert word in words


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (999_999, "999,999"), (1_000_000, "1.0 million"), (138_357_544, "138.4 million")],
)
def test_readable_count(number, text):
    assert readable_count(number) == text


# --- the picture of a Keras model ---


def test_picture_of_a_keras_model():
    import keras

    inner = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(4, 3), keras.layers.MaxPooling2D()])
    model = keras.Sequential([keras.Input((28, 28, 1)), inner, keras.layers.Flatten(), keras.layers.Dense(10)])
    words = [text.text for text in ElementTree.fromstring(network_picture(model).data).iter(f"{SVG}text")]
    for word in ("Input", "28×28×1", "Conv2D", "26×26×4", "40", "MaxPool", "13×13×4", "Flatten", "676", "6,770"):
        assert word in words


def test_picture_of_a_keras_model_with_other_layers():
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
            layers.Softmax(),
        ]
    )
    words = [text.text for text in ElementTree.fromstring(network_picture(model).data).iter(f"{SVG}text")]
    assert {"Rescaling", "BatchNormalization", "ReLU", "Softmax"} <= set(words)


def test_picture_of_a_keras_model_without_a_shape():
    import keras

    model = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(4, 3)])
    with pytest.raises(ValueError, match=r"begin the model with keras\.Input"):
        network_picture(model)


def test_picture_of_a_keras_model_that_is_not_built():
    import keras

    with pytest.raises(ValueError, match=r"begin the model with keras\.Input"):
        network_picture(keras.Sequential([keras.layers.Conv2D(4, 3)]))


# --- what all widgets share ---

WIDGETS = {
    "stepper": lambda: ConvolutionStepper(noise_image(14, 12)),
    "Gabor explorer": GaborExplorer,
    "Gabor response": lambda: GaborResponse(SMALL),
    "calculator": lambda: LayerCalculator("Two convolutions, flatten"),
}
every_widget = pytest.mark.parametrize("build", WIDGETS.values(), ids=WIDGETS.keys())
every_explorer = pytest.mark.parametrize(
    "build", [GaborExplorer, WIDGETS["Gabor response"]], ids=["kernel", "response"]
)


def assert_all_true(widget):
    """Status line and pictures belong to what the controls say now."""
    assert_sound(widget)
    if isinstance(widget, GaborExplorer):
        assert_explorer_tells_the_truth(widget)
    elif isinstance(widget, GaborResponse):
        assert_response_tells_the_truth(widget)
    elif isinstance(widget, ConvolutionStepper):
        assert_tells_the_truth(widget)
    else:
        done, problem = widget.compute()
        counts = [int(count.replace(",", "")) for _, count, _ in filter(None, results(widget))]
        assert [row.parameters for row in done] == counts
        assert complains(widget) == bool(problem)
        assert said(widget) == problem if problem else said(widget).startswith(f"{sum(counts):,} parameters, ")
    words = "".join(ElementTree.fromstring(widget.still()).itertext())
    assert said(widget).replace(" ", "") in words.replace(" ", "")  # lines of the still are wrapped


@every_explorer
def test_compute_at_all_ends_of_all_controls(build):
    widget = build()
    before = state(widget)
    for values in itertools.product(*map(ends, widget.controls.values())):
        with np.errstate(all="raise", under="ignore"):
            assert_finite(widget.compute(**dict(zip(widget.controls, values, strict=True))))
    assert state(widget) == before  # computing alone moves nothing


@every_widget
def test_result_at_the_ends_of_each_control(build):
    widget = build()
    for place, control in enumerate(controls(widget)):
        start = control.value
        for value in [*ends(control), start]:
            controls(widget)[place].value = value  # anew: the calculator replaces them
            assert_finite(result_of(widget))


@every_widget
@pytest.mark.parametrize("seed", range(3))
def test_any_widget_in_any_order(build, seed):
    widget, rng = build(), np.random.default_rng(seed)
    for _ in range(25):
        found = controls(widget)
        control = found[rng.integers(len(found))]
        tried = [*ends(control)[:: max(len(ends(control)) - 1, 1)], some_value(control, rng)]
        control.value = tried[rng.integers(len(tried))]
        assert_finite(result_of(widget))
        assert_all_true(widget)
        if rng.random() < 0.1:
            widget.reset.click()
            assert_all_true(widget)


@every_explorer
def test_pictures_of_an_explorer_are_those_of_its_result(build):
    widget, rng = build(), np.random.default_rng(0)
    for _ in range(8):
        for control in widget.controls.values():
            control.value = some_value(control, rng)
        for panel, picture in zip(widget.panels, widget.draw(widget.compute(**widget.settings())), strict=True):
            assert panel.heading.value == f"<b>{html.escape(picture.title)}</b>"
            assert picture.marks in panel.overlay.value
            if picture.pixels is not None:
                pixels = np.atleast_3d(shown(panel.image)) * np.ones(3, int)
                np.testing.assert_array_equal(pixels, picture.pixels)
                assert panel.image.layout.width == f"{picture.width:.0f}px"
                assert panel.image.layout.height == f"{picture.height:.0f}px"


@every_widget
@pytest.mark.parametrize("seed", range(2))
def test_reset_brings_back_the_first_state(build, seed):
    widget, rng = build(), np.random.default_rng(seed)
    first, still = state(widget), widget.still()
    for control in controls(widget):
        control.value = ends(control)[rng.choice([0, -1])]
    drive(widget, rng, 10)
    assert state(widget) != first
    widget.reset.click()
    assert state(widget) == first
    assert widget.still() == still
    widget.reset.click()
    assert state(widget) == first


@every_widget
def test_two_widgets_do_not_influence_each_other(build):
    one, other, rng = build(), build(), np.random.default_rng(0)
    before, still = state(other), other.still()
    drive(one, rng, 10)
    assert state(one) != before
    assert (state(other), other.still()) == (before, still)
    one.reset.click()
    drive(other, rng, 10)
    assert_all_true(other)
    assert one.still() == still


@every_widget
def test_one_change_computes_once(build, monkeypatch):
    """A move of the step of the stepper computes no feature map at all."""
    for place in range(len(controls(build()))):
        widget, calls = build(), []
        owner, name = (widgets, "convolve") if isinstance(widget, ConvolutionStepper) else (widget, "compute")
        original = getattr(owner, name)
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, lambda *args, f=original, c=calls, **kwargs: c.append(1) or f(*args, **kwargs))
            control = controls(widget)[place]
            control.value = next(value for value in ends(control) if value != control.value)
            assert len(calls) == (0 if control is getattr(widget, "slider", None) else 1), control.description
            calls.clear()
            widget.reset.click()
            assert len(calls) == 1


@pytest.fixture
def sent(monkeypatch):
    """What is sent to the page from now on: (widget, name of the trait)."""
    messages = []
    monkeypatch.setattr(ipw.Widget, "send_state", lambda self, key=None: messages.append((self, key)))
    return messages


@pytest.mark.parametrize("name", ["frequency", "theta", "sigma"])
def test_an_image_that_stays_is_not_sent_again(name, sent, monkeypatch):
    response, drawn = GaborResponse(SMALL), []
    monkeypatch.setattr(widgets, "png", lambda pixels, png=widgets.png: drawn.append(1) or png(pixels))
    image, kernel, magnitude = (panel.image for panel in response.panels)
    sent.clear()
    response.controls[name].value = {"frequency": 0.4, "theta": 35, "sigma": 8.0}[name]
    assert image not in [part for part, _ in sent]
    assert {(kernel, "value"), (magnitude, "value"), (response.status, "value")} <= {*sent}
    assert len(drawn) == 2  # kernel and magnitude
    assert len(sent) == len({*sent})  # nothing twice
    response.controls["image"].value = "flat"
    assert (image, "value") in sent


def test_rows_of_the_calculator_are_sent_only_where_they_change(sent):
    """Else the page would draw all anew, and the focus would be lost."""
    calculator = LayerCalculator()
    sent.clear()
    set_layer(calculator, 0, filters=7)
    calculator.input_shape.value = (64, 64, 3)
    assert (calculator.status, "value") in sent
    assert (calculator.table, "children") not in sent
    calculator.rows[1]["remove"].click()
    assert sent.count((calculator.table, "children")) == 1


@every_widget
def test_controls_say_what_they_are(build):
    widget = build()
    labels = [part.description for part in controls(widget) if not isinstance(part, ipw.BoundedIntText)]
    labels = [label for label in labels if label]
    assert len(labels) == len({*labels})
    for part in parts(widget):
        if isinstance(part, (ipw.Button, ipw.Text, *map(type, controls(widget)))):
            assert part.tooltip
            in_a_table = isinstance(part, (ipw.Text, ipw.BoundedIntText)) or any(
                name.startswith("cnn-") for name in part._dom_classes
            )
            assert part.description or in_a_table  # what is in a table has a heading
    assert widget.reset in parts(widget)
    assert widget.status in parts(widget)
    assert widget.title


@every_explorer
def test_controls_of_an_explorer_are_named_as_the_arguments(build):
    for name, control in build().controls.items():
        assert control.description
        assert control.tooltip
        assert name in ("zero_mean", "image", control.description.split()[0].lower())


NOTEBOOK = """
import numpy as np
from helpers import widgets
from helpers.widgets import *
rng = np.random.default_rng(0)
image = rng.integers(0, 256, (14, 12), np.uint8)
images = {"a": image, "b": image[::-1]}
kernel, stack = "emboss", "Digits, flatten"
"""


@pytest.mark.parametrize(
    "line",
    [
        "widgets.ConvolutionStepper(image, kernel)",
        "widgets.GaborExplorer()",
        "widgets.GaborResponse(images)",
        "widgets.LayerCalculator(stack)",
    ],
)
def test_names_of_the_notebook_may_be_used_again(line):
    """All names of a notebook mean something else after a while; the widget above does not notice."""
    namespaces = [{}, {}]
    for namespace in namespaces:
        exec(f"{NOTEBOOK}widget = {line}", namespace)
    widget, undisturbed = (namespace["widget"] for namespace in namespaces)
    namespaces[0]["images"].clear()
    namespaces[0].update(dict.fromkeys(namespaces[0]))
    for one in (widget, undisturbed):
        drive(one, np.random.default_rng(1), 12)
    assert state(widget) == state(undisturbed)
    assert widget.still() == undisturbed.still()
    assert_all_true(widget)
    widget.reset.click()
    assert_all_true(widget)


# -- the parts of the layer --


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [((3, 0, 9, 1), ipw.IntSlider), ((3, 0, 9, 0.5), ipw.FloatSlider), ((0.1, 0, 1, 1), ipw.FloatSlider)],
)
def test_slider(numbers, kind):
    slider = make_slider("Name (unit)", *numbers, "What it does", "222px")
    assert type(slider) is kind
    assert (slider.value, slider.min, slider.max, slider.step) == numbers
    assert (slider.description, slider.tooltip, slider.layout.width) == ("Name (unit)", "What it does", "222px")
    assert slider.readout_format == ("d" if kind is ipw.IntSlider else ".2f")


def test_panel_shows_a_picture(sent):
    panel, pixels = Panel(), noise_image(20, 10, 3)
    assert panel.image.layout.display == "none"
    panel.show(Picture("a < b", pixels, "<circle/>", 125, 250))
    assert panel.heading.value == "<b>a &lt; b</b>"
    np.testing.assert_array_equal(shown(panel.image), pixels)
    assert panel.image.layout.display is None
    for child in (panel.image, panel.overlay):
        assert (child.layout.width, child.layout.height) == ("125px", "250px")
    overlay = ElementTree.fromstring(panel.overlay.value)
    assert (overlay.get("width"), overlay.get("height")) == ("125", "250")
    assert [part.tag for part in overlay] == [f"{SVG}circle"]
    sent.clear()
    panel.show(Picture("a < b", pixels, "<rect/>", 125, 250))
    assert sent == [(panel.overlay, "value")]
    panel.show(Picture("a < b", pixels[::-1].copy(), "<rect/>", 125, 250))
    np.testing.assert_array_equal(shown(panel.image), pixels[::-1])
    panel.show(Picture("no pixels"))
    np.testing.assert_array_equal(shown(panel.image), pixels[::-1])


@pytest.mark.parametrize(("side", "sharp"), [(10, True), (250, True), (251, False)])
def test_only_enlarged_pixels_are_sharp(side, sharp):
    panel = Panel()
    for pixels in (noise_image(500, 500, 3), noise_image(5, 5, 3), noise_image(side, side, 3)):
        panel.show(Picture("", pixels))
    assert ("cnn-sharp" in panel.image._dom_classes) == sharp


class Doubler(Explorer):
    """The smallest explorer."""

    title = "Doubler"

    def __init__(self):
        self.calls = []
        super().__init__("doubler", [{"x": make_slider("X", 2, 0, 9, 1)}, {"y": make_slider("Y", 0.5, 0, 1, 0.1)}])

    def compute(self, x, y):
        self.calls.append((x, y))
        return 2 * x + y

    def draw(self, result):
        return [Picture(f"{result}", np.full((2, 3, 3), result, np.uint8), "<circle/>", 90, 60)]

    def describe(self, result):
        return f"<i> & {result}"


def test_an_explorer_of_ones_own():
    doubler = Doubler()
    assert doubler.settings() == {"x": 2, "y": 0.5}
    assert doubler._dom_classes == ("cnn-widget", "cnn-doubler")
    assert said(doubler) == "<i> & 4.5"
    doubler.calls.clear()
    doubler.controls["x"].value = 9
    doubler.controls["x"].value = 9
    assert doubler.calls == [(9, 0.5)]
    assert doubler.result == 18.5
    assert said(doubler) == "<i> & 18.5"
    assert doubler.panels[0].heading.value == "<b>18.5</b>"
    assert "&lt;i&gt; &amp; 18.5" in doubler.still()
    doubler.controls["y"].value = 1
    doubler.calls.clear()
    doubler.reset.click()
    assert doubler.calls == [(2, 0.5)]
    assert said(doubler) == "<i> & 4.5"
    assert_sound(doubler)


def test_quiet_changes_stay_quiet_to_the_end():
    doubler = Doubler()
    doubler.calls.clear()
    with pytest.raises(ZeroDivisionError), doubler._quietly():
        with doubler._quietly():
            doubler.controls["x"].value = 5
        doubler.controls["x"].value = 6  # still within the outer one
        1 / 0  # noqa: B018
    assert doubler.calls == []
    doubler.controls["x"].value = 7  # over, also after an error
    assert doubler.calls == [(7, 0.5)]


def test_what_a_widget_says_is_text():
    widget = LessonWidget("plain")
    widget._say("<script> & “quotes”")
    assert said(widget) == "<script> & “quotes”"
    assert "<script" not in widget.status.value
    assert not complains(widget)
    widget._say("no", bad=True)
    assert complains(widget)

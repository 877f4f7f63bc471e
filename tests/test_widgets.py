"""helpers.widgets, driven as a learner would: each control at its ends and between, in any order."""

import html
import io
import itertools
import math
import re
import statistics
import time
import xml.etree.ElementTree as ElementTree

from helpers.convolution import KERNELS, LAYER_KINDS
from helpers.datasets import load_photo
from helpers.drawing import draw_network, network_picture, readable_count, text_color
from helpers.plots import kernel_text
from helpers.widgets import STACKS, ConvolutionStepper, LayerCalculator, Panel, parse_kernel_value

import ipywidgets as ipw
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_totals import TOTALS
from PIL import Image
from scipy import signal

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def close_widgets():
    """Widgets stay in a registry for ever otherwise."""
    yield
    ipw.Widget.close_all()


def noise_image(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def said(widget):
    """The status line as a reader sees it."""
    return html.unescape(re.sub(r"<[^>]*>", "", widget.status.value))


def complains(widget):
    return "cnn-error" in widget.status.value


def drawings(widget):
    if isinstance(widget, ConvolutionStepper):
        return [widget.input.overlay.value, widget.output.overlay.value, widget.numbers.value, widget.still()]
    return [widget.picture.value, widget.still()]


def assert_sound(widget):
    """Every drawing is well-formed, of some size, and shows numbers only."""
    for drawing in drawings(widget):
        root = ElementTree.fromstring(drawing)
        assert root.tag == f"{SVG}svg"
        assert float(root.get("width")) > 0
        assert float(root.get("height")) > 0
        attributes = [value for part in root.iter() for name, value in part.items() if name != "href"]
        assert not re.search("nan|inf", " ".join(attributes))
        assert not re.search(r"\b(nan|inf)\b", " ".join(root.itertext()))
    assert said(widget)


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
    seconds, sent = {64: [], 512: []}, {size: events(stepper) for size, stepper in steppers.items()}
    for share in np.linspace(0.05, 0.95, 41):
        for size, stepper in steppers.items():
            step = int(share * stepper.slider.max)
            started = time.perf_counter()
            stepper.slider.value = step
            seconds[size].append(time.perf_counter() - started)
    for size, messages in sent.items():
        assert {name for name, _, _ in messages} == {"slider", "input.overlay", "output.overlay", "numbers", "status"}
        assert {trait for _, trait, _ in messages} == {"value"}
        assert len(messages) == 5 * 41, size
    volume = {size: sum(len(str(value)) for _, _, value in messages) for size, messages in sent.items()}
    assert volume[512] < 1.3 * volume[64]
    assert volume[512] < 41 * 20_000
    assert statistics.median(seconds[512]) < 3 * statistics.median(seconds[64])


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


@pytest.mark.parametrize("build", [lambda: ConvolutionStepper(noise_image(20, 30)), LayerCalculator])
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


def test_still_of_a_large_image_is_small():
    assert len(ConvolutionStepper(load_photo("camera")).still()) < 500_000


def test_two_steppers_are_independent():
    first, second = (ConvolutionStepper(noise_image(9, 9)) for _ in range(2))
    before = second.numbers.value, second.status.value
    first.preset.value, first.slider.value = "emboss", 7
    assert (second.numbers.value, second.status.value) == before


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


def test_network_without_layers():
    ElementTree.fromstring(draw_network((28, 28, 1), []))
    ElementTree.fromstring(draw_network((784,), []))


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

"""The layer calculator, driven as a learner would, and networks as blocks, read back from the SVG."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

from helpers.layers import LAYER_KINDS, LayerRow
from helpers.widgets.calculator import LAYER_COLORS, STACKS, LayerCalculator, draw_network, network_picture

import numpy as np
import pytest
from known_totals import TOTALS
from widget_tools import (
    SVG,
    assert_sound,
    complains,
    said,
    words,
)
from widget_truths import (
    results,
)

UNITS = {
    "Two convolutions, flatten": "10",
    "… with pooling and a dense layer": "10",
    "Digits, flatten": "10",
    "Digits, global average pooling": "10",
    "Dense only": "100",
}


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

"""The activation explorer, driven as a reader would, on a small network; the numbers recomputed by Keras."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

from helpers.engine import keras
from helpers.widgets import activation
from helpers.widgets.activation import ActivationExplorer

import numpy as np
import pytest
from keras import layers
from model_tools import network
from widget_tools import (
    SVG,
    assert_pictures_are_drawn,
    assert_sound,
    ends,
    put,
    said,
    shown,
    some_value,
    state,
)

NAMES = ("cat", "dog & co", "<owl>")
RANDOM = np.random.default_rng(0)
IMAGES = np.kron(RANDOM.integers(0, 256, (5, 4, 3, 3), np.uint8), np.ones((1, 4, 4, 1), np.uint8))  # 16 × 12 pixels
LABELS = np.array([0, 1, 2, 0, 1])
NUMBER = r"([−\d.e-]*\d)"
LAYERS = {"scaled": 3, "conv": 5, "pool": 5, "last": 8}  # channels


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def truth(model):
    """The maps of each layer for all images, and the probabilities."""
    outputs = [model.get_layer(name).output for name in LAYERS]
    *maps, probabilities = keras.Model(model.inputs[0], [*outputs, model.outputs[0]])(IMAGES.astype("float32"))
    return dict(zip(LAYERS, map(np.asarray, maps), strict=True)), np.asarray(probabilities)


@pytest.fixture
def explorer(model):
    return ActivationExplorer(model, IMAGES, LABELS, NAMES, "conv", 2)


def assert_activations_are_true(explorer, truth):
    """What the status line and the result say is what Keras computes."""
    maps, probabilities = truth
    layer, channel, order, image = explorer.settings().values()
    peaks = maps[layer][..., channel].max(axis=(1, 2))
    ranked = sorted(range(len(IMAGES)), key=lambda index: (-peaks[index], index))
    image = image if order == "as they come" else ranked[image]
    chosen = maps[layer][image, :, :, channel]
    pattern = (
        rf"{layer}, channel {channel} of (\d+), (\d+) × (\d+): largest {NUMBER} at row (\d+), column (\d+); (\d+)% of "
        r"it is 0 or less\. By its largest value, image (\d+) is number (\d+) of (\d+)\. "
        r"The network says (.+) \((\d+)%\), and it is (.+)\."
    )
    found = re.fullmatch(pattern, said(explorer)).groups()
    assert [int(number) for number in found[:3]] == [LAYERS[layer], *chosen.shape]
    assert float(found[3].replace("−", "-")) == pytest.approx(chosen.max(), rel=0.06)
    assert chosen[int(found[4]), int(found[5])] == pytest.approx(chosen.max(), abs=1e-5)
    assert int(found[6]) == pytest.approx(100 * (chosen <= 0).mean(), abs=0.51)
    assert [int(number) for number in found[7:10]] == [image, ranked.index(image) + 1, len(IMAGES)]
    assert found[10] == NAMES[probabilities[image].argmax()]
    assert int(found[11]) == pytest.approx(100 * probabilities[image].max(), abs=0.51)
    assert found[12] == NAMES[LABELS[image]]
    np.testing.assert_allclose(explorer.result.maps, maps[layer][image], atol=1e-5)


def test_activations_at_all_ends_of_all_controls(explorer, truth):
    before = state(explorer)
    for layer, channels in LAYERS.items():
        for channel, order, image in itertools.product((0, channels - 1), ends(explorer.controls["order"]), (0, 4)):
            result = explorer.compute(layer, channel, order, image)
            assert result.layer == layer and result.channel == channel
            index = result.image
            np.testing.assert_allclose(result.maps, truth[0][layer][index], atol=1e-5)
            peaks = truth[0][layer][..., channel].max(axis=(1, 2))
            assert result.rank == 1 + np.sum(peaks > peaks[index] + 1e-6) or (peaks == peaks[index]).sum() > 1
            if order == "as they come":
                assert index == image
            else:
                assert result.rank == image + 1
    assert state(explorer) == before  # computing alone moves nothing


@pytest.mark.parametrize("seed", range(2))
def test_activation_explorer_in_any_order(explorer, truth, seed):
    random = np.random.default_rng(seed)
    assert_activations_are_true(explorer, truth)
    for _ in range(20):
        control = [*explorer.controls.values()][random.integers(4)]
        control.value = some_value(control, random)
        assert_activations_are_true(explorer, truth)
        assert_sound(explorer)
    assert_pictures_are_drawn(explorer)


def test_channels_are_those_of_the_layer_both_ways(explorer, truth):
    slider = explorer.controls["channel"]
    for layer, value in (("last", 2), ("scaled", 2), ("last", 2), ("pool", 2)):
        explorer.controls["layer"].value = layer
        assert (slider.value, slider.max) == (value, LAYERS[layer] - 1)
        assert_activations_are_true(explorer, truth)
    put(explorer, layer="last", channel=7)
    put(explorer, layer="conv")
    assert (slider.value, slider.max, explorer.result.channel) == (4, 4, 4)
    assert_activations_are_true(explorer, truth)
    put(explorer, layer="scaled")
    assert (slider.value, slider.max) == (2, 2)


def test_layer_and_channel_change_in_one_update(explorer, monkeypatch):
    put(explorer, layer="last", channel=7)
    calls, compute = [], explorer.compute
    monkeypatch.setattr(explorer, "compute", lambda **settings: calls.append(settings) or compute(**settings))
    put(explorer, layer="conv")
    assert [(call["layer"], call["channel"]) for call in calls] == [("conv", 4)]


def test_strongest_first(explorer, truth):
    put(explorer, order="strongest first")
    order = []
    for place in range(len(IMAGES)):
        put(explorer, image=place)
        assert f"is number {place + 1} of 5" in said(explorer)
        order.append(explorer.result.image)
    peaks = truth[0]["conv"][..., 2].max(axis=(1, 2))
    assert sorted(order) == [*range(5)]
    assert np.all(np.diff(peaks[order]) <= 1e-6)
    put(explorer, order="as they come")
    assert explorer.result.image == 4


def test_images_of_the_same_strength_keep_their_order(model):
    twins = np.repeat(IMAGES[:1], 4, axis=0)
    explorer = ActivationExplorer(model, twins, [0] * 4, NAMES)
    put(explorer, order="strongest first")
    for place in range(4):
        put(explorer, image=place)
        assert explorer.result.image == place


def test_pictures_of_activations(explorer, truth):
    put(explorer, image=3)
    image, chosen, sheet = explorer.draw(explorer.result)
    np.testing.assert_array_equal(image.pixels, IMAGES[3])
    assert image.title == "Image 3: cat"
    maps = truth[0]["conv"][3]
    expected = maps[..., 2] / maps[..., 2].max()
    np.testing.assert_allclose(chosen.pixels[..., 0], 255 * expected, atol=1.5)
    assert chosen.title == "conv, channel 2"
    assert sheet.title == "All 5 channels, on one scale"
    assert sheet.pixels.shape == (2 * 16, 3 * 12, 3)
    most = np.percentile(maps, 99.5)
    for channel in range(5):
        top, left = 16 * (channel // 3), 12 * (channel % 3)
        part = sheet.pixels[top : top + 16, left : left + 12, 0]
        np.testing.assert_allclose(part, 255 * np.clip(maps[..., channel] / most, 0, 1), atol=1.5)
    assert not sheet.pixels[16:, 24:].any()  # there is no sixth channel
    assert sheet.width / sheet.height == pytest.approx(3 * 12 / (2 * 16))
    row, col = np.unravel_index(maps[..., 2].argmax(), (16, 12))
    ring = ElementTree.fromstring(explorer.panels[0].overlay.value).find(f"{SVG}circle")
    assert float(ring.get("cx")) == pytest.approx((col + 0.5) / 12 * image.width, abs=0.06)
    assert float(ring.get("cy")) == pytest.approx((row + 0.5) / 16 * image.height, abs=0.06)


@pytest.mark.parametrize("channel", range(5))
def test_frame_is_around_the_chosen_channel(explorer, channel):
    put(explorer, channel=channel)
    sheet = explorer.draw(explorer.result)[2]
    boxes = ElementTree.fromstring(explorer.panels[2].overlay.value).findall(f"{SVG}rect")
    assert len(boxes) == 2
    for box in boxes:
        assert float(box.get("x")) == pytest.approx(channel % 3 * sheet.width / 3, abs=0.06)
        assert float(box.get("y")) == pytest.approx(channel // 3 * sheet.height / 2, abs=0.06)
        assert float(box.get("width")) == pytest.approx(sheet.width / 3, abs=0.06)
        assert float(box.get("height")) == pytest.approx(sheet.height / 2, abs=0.06)


def test_what_is_negative_everywhere_is_black_and_has_no_ring():
    model = network()
    model.get_layer("conv").set_weights([np.zeros((3, 3, 3, 5)), np.full(5, -1.0)])
    model.get_layer("conv").activation = keras.activations.linear
    explorer = ActivationExplorer(model, IMAGES, LABELS, NAMES, "conv")
    _, chosen, sheet = explorer.draw(explorer.result)
    assert chosen.pixels.max() == sheet.pixels.max() == 0
    assert "circle" not in explorer.panels[0].overlay.value
    assert "largest −1 at row 0, column 0; 100% of it is 0 or less." in said(explorer)
    assert_sound(explorer)


def test_gray_images_and_a_nested_layer():
    inner = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3, name="deep")], name="inner")
    model = keras.Sequential([keras.Input((8, 8, 1)), inner, layers.Flatten(), layers.Dense(2, activation="softmax")])
    explorer = ActivationExplorer(model, RANDOM.integers(0, 256, (3, 8, 8, 1), np.uint8), [0, 1, 0], "ab", "deep")
    assert explorer.controls["layer"].value == "inner/deep"
    assert shown(explorer.panels[0].image).shape == (8, 8)
    assert said(explorer).startswith("inner/deep, channel 0 of 2, 6 × 6: ")
    assert_sound(explorer)


def test_maps_are_computed_once(model, monkeypatch):
    calls, compute = [], activation.activations
    counted = lambda model, images, layer: calls.append((len(images), layer)) or compute(model, images, layer)  # noqa: E731
    monkeypatch.setattr(activation, "activations", counted)
    explorer = ActivationExplorer(model, IMAGES, LABELS, NAMES, "conv")
    put(explorer, channel=3)
    assert sorted(calls) == [(1, "conv"), (5, "conv")]
    put(explorer, image=1)
    put(explorer, order="strongest first")
    put(explorer, order="as they come", image=0)
    assert all(calls.count(call) == 1 for call in calls if call[0] == 5)


def test_reset_of_activations(explorer):
    first, still = state(explorer), explorer.still()
    put(explorer, layer="last", channel=7, order="strongest first", image=4)
    assert state(explorer) != first
    explorer.reset.click()
    assert state(explorer) == first
    assert explorer.still() == still
    put(explorer, layer="scaled", channel=0)
    explorer.reset.click()
    assert state(explorer) == first


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": []}, "Need at least one image"),
        ({"images": IMAGES / 255}, "each must be a uint8 array"),
        ({"images": IMAGES[0]}, "each must be a uint8 array"),
        ({"images": IMAGES[..., :1]}, r"takes images of shape \(None, None, 3\)"),
        ({"labels": LABELS[:3]}, r"Need a label for each of 5 images, but got shape \(3,\)"),
        ({"labels": LABELS[:, np.newaxis]}, "Need a label for each"),
        ({"labels": LABELS + 1}, "Labels must be whole numbers from 0 to 2"),
        ({"labels": LABELS - 1}, "Labels must be whole numbers from 0 to 2"),
        ({"labels": LABELS / 2}, "Labels must be whole numbers from 0 to 2"),
        ({"class_names": NAMES[:2]}, "The network has 3 classes, but there are 2 names"),
        ({"layer": "cnov"}, "did you mean 'conv'"),
        ({"channel": 8}, "Channel must be from 0 to 7, but it is 8"),
        ({"channel": -1}, "Channel must be from 0 to 7"),
        ({"layer": "conv", "channel": 5}, "Channel must be from 0 to 4"),
    ],
)
def test_activation_explorer_refuses(model, changes, message):
    with pytest.raises(ValueError, match=message):
        ActivationExplorer(model, **({"images": IMAGES, "labels": LABELS, "class_names": NAMES} | changes))

"""The page through which an image of one's own goes: each layer is that of Keras, and nothing leaves the page."""

import base64
import io

from helpers.explain import class_activation_map
from helpers.models import CLASS_NAMES, load_model

import keras
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from site_tools import LAPTOP, PHONE, SOME, check, site_of

EQUAL = 1e-4
SEEN = {
    "critters": [(0, 64), (1, 64), (2, 64), (6, 48), (7, 96), (None, 64)],
    "photos": [(6, 32), (7, 32), (8, 48), (9, 64), (3, 32), (None, 32)],
}
"""For each network: places of images in the list, None for an own one, and pixels of the longer side."""
RESULT = """el => {
    const packed = array => {
        const bytes = new Uint8Array(Float32Array.from(array).buffer);
        let text = "";
        for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
        return btoa(text);
    };
    const { image, found, probabilities, map, label, seconds } = el.explorer.result;
    const layers = [...found].map(
        ([name, { rows, cols, channels, values }]) => [name, rows, cols, channels, packed(values)]);
    const { rows, cols } = image;
    return { rows, cols, pixels: packed(image.values), layers, probabilities, map: packed(map), label, seconds };
}"""


@pytest.fixture
def el(page, tmp_path_factory, chromium):
    """The network in its page, opened from the disk; no script fails, and nothing is asked for elsewhere."""
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or problems.append(request.url))
    page.goto(f"file://{site_of(SOME, tmp_path_factory)}/docs/your_image.html")
    yield page.locator(".cnn-your-image > .cnn-live")
    assert not problems


def photograph(mode="RGB", size=(128, 96)):
    """Return an image file of random blots."""
    small = np.random.default_rng(3).integers(0, 256, (6, 8, 4), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(small).convert(mode).resize(size, Image.Resampling.BICUBIC).save(buffer, "png")
    return {"name": "blots.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def says(el, words):
    """Wait until the network has looked at what was chosen, and says this."""
    expect(el.locator(".cnn-status")).to_contain_text(words, timeout=60_000)


def chooser(el, name):
    """Return the list of this name."""
    return el.get_by_role("combobox", name=name, exact=True)


def floats(text, *shape):
    return np.frombuffer(base64.b64decode(text), np.float32).reshape(shape)


def show(el, network, place, size):
    """Let the network look at an image, and return all that it makes of it."""
    if place is None:
        el.get_by_label("Your image").set_input_files(photograph())
        says(el, "blots.png: the network says")
        place = chooser(el, "Image").locator("option").count() - 1
    el.evaluate("(el, values) => el.explorer.set(values)", {"network": network, "image": place, "size": size})
    return el.evaluate(RESULT)


@pytest.mark.parametrize("name", SEEN)
def test_each_layer_is_that_of_keras(el, name):
    model = load_model(name)
    every = keras.Model(model.inputs, [layer.output for layer in model.layers[1:]])
    for place, size in SEEN[name]:
        seen = show(el, name, place, size)
        assert max(seen["rows"], seen["cols"]) == size
        image = floats(seen["pixels"], 1, seen["rows"], seen["cols"], 3)
        for layer, told, python in zip(model.layers[1:], seen["layers"], every(image, training=False), strict=True):
            there = floats(told[4], *(told[1:4] if len(python.shape) == 4 else told[3:4]))
            assert told[0] == layer.name and there.shape == python.shape[1:]
            assert np.abs(there - python[0]).max() <= EQUAL, (place, layer.name)
        probabilities = np.asarray(python[0])
        assert np.allclose(seen["probabilities"], probabilities, rtol=0, atol=EQUAL)
        assert seen["label"] == probabilities.argmax()
        heat = class_activation_map(model, image, seen["label"])[0]
        assert np.abs(floats(seen["map"], *heat.shape) - heat).max() <= EQUAL * np.abs(heat).max()
        print(f"{name}, {seen['rows']} × {seen['cols']}: {seen['seconds']:.2f} s")


def test_it_says_in_words_what_it_shows(el):
    says(el, "critter 12, a drawn rabbit: the network says rabbit (100%). Heat for rabbit (100%):")
    assert el.locator(".cnn-status").get_attribute("aria-live") == "polite"
    chooser(el, "Class").select_option("bear")
    says(el, "Heat for bear (0%)")
    assert el.locator("figcaption", has_text="What speaks for bear").is_visible()
    chooser(el, "Layer").select_option("conv1")
    el.get_by_role("slider", name="Channel", exact=True).focus()
    el.page.keyboard.press("End")
    says(el, "conv1, channel 15 of 16, 64 × 64: largest")
    el.get_by_role("button", name="conv5").press("Enter")
    says(el, "conv5, channel 15 of 128, 8 × 8: largest")
    chooser(el, "Network").select_option("photos: ten kinds of things")
    chooser(el, "Image").select_option("photograph: chelsea")
    says(el, "photograph: chelsea: the network says cat")
    assert chooser(el, "Longer side").input_value() == "32"
    words = chooser(el, "Class").locator("option").all_inner_texts()
    assert words == ["what it predicts", *CLASS_NAMES["photos"]]


def test_an_own_image_is_averaged_and_what_is_none_is_refused(el):
    says(el, "the network says")
    el.get_by_label("Take a photograph").set_input_files(photograph("RGBA"))
    says(el, "blots.png: the network says")
    seen = el.evaluate(RESULT)
    file = Image.open(io.BytesIO(photograph("RGBA")["buffer"]))
    white = Image.alpha_composite(Image.new("RGBA", file.size, "white"), file).convert("RGB")
    means = white.resize((64, 48), Image.Resampling.BOX)
    assert np.abs(floats(seen["pixels"], 48, 64, 3) - np.asarray(means, float)).max() <= 2
    assert el.get_by_label("Take a photograph").get_attribute("capture") == "environment"
    el.get_by_label("Your image").set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"none"})
    says(el, "notes.txt was not used: this browser cannot read it as an image.")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_all_can_use_it(el, size, theme):
    el.page.set_viewport_size(size)
    el.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    says(el, "the network says")
    el.evaluate("el => el.explorer.set({network: 'photos', image: 6, size: 32})")
    check(el.page)

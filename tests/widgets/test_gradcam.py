"""The Grad-CAM explorer, driven as a reader would, on a small network; the numbers recomputed by Keras."""

import html
import io
import itertools
import re
import xml.etree.ElementTree as ElementTree

from helpers.engine import keras
from helpers.explain import grad_cam
from helpers.pixels import heat_over
from helpers.widgets.gradcam import PREDICTED, SIZES, GradCamExplorer
from helpers.widgets.upload import LONGEST, MOST, SEND

import numpy as np
import pytest
from keras import layers
from model_tools import network
from PIL import Image
from widget_tools import (
    SVG,
    assert_pictures_are_drawn,
    assert_sound,
    complains,
    ends,
    put,
    said,
    shown,
    some_value,
    state,
    upload,
)

NAMES = ("cat", "dog & co", "<owl>")
RANDOM = np.random.default_rng(0)
IMAGES = np.kron(RANDOM.integers(0, 256, (5, 4, 3, 3), np.uint8), np.ones((1, 4, 4, 1), np.uint8))  # 16 × 12 pixels
PHOTOS = {"plain": IMAGES[0], "a <b> & c": IMAGES[1], "gray": np.full((16, 12, 3), 90, np.uint8)}
MASK = np.zeros((16, 12), bool)

MASK[4:12, 2:8] = True


@pytest.fixture(scope="module")
def model():
    """A network that does not see the first class in each image."""
    model = network()
    model.get_layer("classes").bias.assign([0, 0.06, 0])
    assert {*np.asarray(model(np.stack([*PHOTOS.values()]).astype("float32"))).argmax(axis=1)} == {0, 1}
    return model


def grad_cam_explorer(model, **options):
    return GradCamExplorer(model, PHOTOS, NAMES, **options)


@pytest.fixture
def cam(model):
    return grad_cam_explorer(model, masks={"plain": MASK})


def assert_heat_is_true(widget, model):
    """The result is the Grad-CAM of the image as it is shown, and the status line tells its numbers."""
    result, settings = widget.result, widget.settings()
    image = result.image.astype("float32")[np.newaxis]
    probabilities = np.asarray(model(image))[0]
    np.testing.assert_allclose(result.probabilities, probabilities, atol=1e-5)
    label = probabilities.argmax() if settings["label"] == -1 else settings["label"]
    assert (result.name, result.label, result.layer) == (settings["image"], label, settings["layer"])
    expected = grad_cam(model, image, int(label), settings["layer"])[0]
    np.testing.assert_allclose(result.heat, expected, atol=1e-6)
    best = probabilities.argmax()
    start = rf"{re.escape(result.name)}: the network says {re.escape(NAMES[best])} \((\d+)%\)\. "
    found = re.match(start, said(widget))
    assert int(found[1]) == pytest.approx(100 * probabilities[best], abs=0.51)
    rest = said(widget)[found.end() :]
    name, layer = re.escape(NAMES[label]), result.layer
    if expected.max() <= 0:
        assert rest == f"Nothing in {layer} speaks for {NAMES[label]}: there is no heat."
        return
    pattern = (
        rf"Heat for {name} \((\d+)%\) in {layer}: most at row (\d+), column (\d+); (\d+)% of the image have more than "
        r"half of that\.( The hottest place is (on|beside) the object; overlap (\d+)%\.)?"
    )
    numbers = re.fullmatch(pattern, rest).groups()
    assert int(numbers[0]) == pytest.approx(100 * probabilities[label], abs=0.51)
    assert expected[int(numbers[1]), int(numbers[2])] == pytest.approx(expected.max(), rel=1e-4)
    assert int(numbers[3]) == pytest.approx(100 * np.mean(expected > expected.max() / 2), abs=0.51)
    assert bool(numbers[4]) == (result.name in widget.masks)
    if numbers[4]:
        hottest = set(np.argsort(-result.heat.ravel(), kind="stable")[: MASK.sum()].tolist())
        inside = set(np.flatnonzero(MASK).tolist())
        assert numbers[5] == ("on" if result.heat.argmax() in inside else "beside")
        assert int(numbers[6]) == pytest.approx(100 * len(hottest & inside) / len(hottest | inside), abs=0.51)


def test_heat_at_all_ends_of_all_controls(cam):
    before = state(cam)
    for values in itertools.product(*map(ends, cam.controls.values())):
        result = cam.compute(**dict(zip(cam.controls, values, strict=True)))
        assert result.heat.shape == (16, 12)
        assert np.isfinite(result.heat).all()
        assert result.heat.min() >= 0
        assert result.label == (values[1] if values[1] >= 0 else result.probabilities.argmax())
        assert len(cam.draw(result)) == 3
        assert cam.describe(result)
    assert state(cam) == before


@pytest.mark.parametrize("seed", range(2))
def test_grad_cam_explorer_in_any_order(cam, model, seed):
    random = np.random.default_rng(seed)
    assert_heat_is_true(cam, model)
    for _ in range(20):
        control = [*cam.controls.values()][random.integers(4)]
        control.value = some_value(control, random)
        assert_heat_is_true(cam, model)
        assert_sound(cam)
    assert_pictures_are_drawn(cam)


def test_classes_to_look_for(cam, model):
    assert cam.controls["label"].options == ((PREDICTED, -1), ("cat", 0), ("dog & co", 1), ("<owl>", 2))
    for label in range(3):
        put(cam, label=label)
        assert f"Heat for {NAMES[label]}" in said(cam) or f"speaks for {NAMES[label]}" in said(cam)
        assert cam.panels[1].heading.value == f"<b>What speaks for {html.escape(NAMES[label])}</b>"
        assert_heat_is_true(cam, model)


@pytest.mark.parametrize("opacity", [0.0, 0.6, 1.0])
def test_opacity(cam, opacity):
    put(cam, opacity=opacity)
    image, over, *_ = cam.draw(cam.result)
    np.testing.assert_array_equal(image.pixels, IMAGES[0])
    np.testing.assert_array_equal(over.pixels, heat_over(IMAGES[0], cam.result.heat, opacity))
    if opacity == 0:
        assert np.ptp(over.pixels, axis=2).max() == 0  # gray
        np.testing.assert_allclose(over.pixels[..., 0], IMAGES[0].mean(axis=2), atol=0.51)
    if opacity == 1:
        other = put(cam, image="gray").draw(cam.result._replace(image=PHOTOS["gray"]))[1]
        assert other.pixels.shape == over.pixels.shape
        assert over.pixels[np.unravel_index(over.pixels.sum(axis=2).argmax(), (16, 12))].sum() > 500  # most: bright


def parts(widget):
    """Return the texts and the rectangles beside the heat: the two words of its scale come first, and its 32 boxes."""
    root = ElementTree.fromstring(widget.panels[2].overlay.value)
    return [text.text for text in root.iter(f"{SVG}text")], [*root.iter(f"{SVG}rect")]


def test_bars_are_the_probabilities(cam):
    words, bars = (found[skip:] for found, skip in zip(parts(cam), (2, 32), strict=True))
    order = np.argsort(-cam.result.probabilities, kind="stable")
    assert words[::2] == [NAMES[index] for index in order]
    assert words[1::2] == [f"{cam.result.probabilities[index]:.0%}" for index in order]
    widths = [float(bar.get("width")) for bar in bars]
    np.testing.assert_allclose(widths, 80 * cam.result.probabilities[order] + 1, atol=0.06)
    colors = [bar.get("fill") for bar in bars]
    assert [colors.count(color) for color in (colors[0], colors[1])] == [1, 2]
    put(cam, label=int(order[2]))
    assert [bar.get("fill") for bar in parts(cam)[1][32:]] == [colors[1], colors[1], colors[0]]


def test_of_many_classes_the_ten_most_likely_are_shown():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(12)])
    names = [f"a rather long name {number}" for number in range(12)]
    widget = GradCamExplorer(model, {"noise": IMAGES[0, :8, :8]}, names)
    assert parts(widget)[0][2::2] == ["a rather lon"] * 10


def test_scale_of_the_heat(cam):
    words, boxes = parts(cam)
    brightness = [sum(bytes.fromhex(hexes(box.get("fill")))) for box in boxes[:32]]
    assert brightness == sorted(brightness, reverse=True)
    assert words[:2] == ["most", "none"]


def hexes(color):
    digits = color.removeprefix("#")
    return digits if len(digits) == 6 else "".join(2 * digit for digit in digits)


def test_no_heat_is_said():
    model = network()
    model.get_layer("last").set_weights([np.zeros((3, 3, 5, 8)), np.full(8, -1.0)])  # silent
    widget = grad_cam_explorer(model, masks={"plain": MASK})
    assert said(widget).endswith("Nothing in last speaks for cat: there is no heat.")
    assert_heat_is_true(widget, model)
    assert_sound(widget)
    black = put(widget, opacity=1.0).draw(widget.result)[1].pixels
    assert black.max() < 5


def test_reset_of_grad_cam(cam):
    first, still = state(cam), cam.still()
    put(cam, image="gray", label=2, layer="conv", opacity=0.1)
    assert state(cam) != first
    cam.reset.click()
    assert state(cam) == first
    assert cam.still() == still


def test_images_are_not_changed(model):
    copies = {name: image.copy() for name, image in PHOTOS.items()}
    put(grad_cam_explorer(model, sizes=True), size=32, label=1)
    assert list(PHOTOS) == list(copies)
    for name, image in PHOTOS.items():
        np.testing.assert_array_equal(image, copies[name])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": {}}, "Need at least one image"),
        ({"images": {"a": IMAGES[0] / 255}}, "each must be a uint8 array"),
        ({"images": {"a": IMAGES[0, ..., 0]}}, "each must be a uint8 array"),
        ({"images": {"a": IMAGES[0].tolist()}}, "each must be a uint8 array"),
        ({"images": {"a": IMAGES[0], "b": IMAGES[0, ..., :1]}}, r"takes images of shape \(None, None, 3\)"),
        ({"class_names": "ab"}, "The network has 3 classes, but there are 2 names"),
        ({"layer": "classes"}, "has no layer 'classes' with maps"),
        ({"masks": {"other": MASK}}, "Each mask needs the name of an image, and its height and width"),
        ({"masks": {"plain": MASK.T}}, "Each mask needs the name of an image"),
        ({"masks": {"plain": MASK}, "sizes": True}, "there can be no masks"),
    ],
)
def test_grad_cam_explorer_refuses(model, changes, message):
    with pytest.raises(ValueError, match=message):
        GradCamExplorer(model, **({"images": PHOTOS, "class_names": NAMES} | changes))


@pytest.mark.parametrize(
    "build",
    [
        lambda: network(channels=1),
        lambda: keras.Sequential([keras.Input((16, 12, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)]),
    ],
)
def test_sizes_need_a_network_for_color_images_of_any_size(build):
    model = build()
    image = IMAGES[0, ..., : model.input_shape[3]]
    GradCamExplorer(model, {"one": image}, NAMES)
    with pytest.raises(ValueError, match="the network must take color images of any size"):
        GradCamExplorer(model, {"one": image}, NAMES, sizes=True)


@pytest.fixture
def own(model):
    return grad_cam_explorer(model, sizes=True)


@pytest.mark.parametrize("size", SIZES)
def test_longer_side(own, model, size):
    put(own, size=size)
    rows, cols = size, max(round(size * 12 / 16), 16)
    assert own.result.image.shape == (rows, cols, 3)
    assert own.panels[0].heading.value == f"<b>What the network gets: {rows} × {cols}</b>"
    resized = Image.fromarray(IMAGES[0]).resize((cols, rows), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(own.result.image, np.asarray(resized))
    assert own.result.heat.shape == (rows, cols)
    assert_heat_is_true(own, model)
    assert_sound(own)


def content_of(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(height=40, width=30, mode="RGB"):
    noise = np.random.default_rng(4).integers(0, 256, (height // 10 + 1, width // 10 + 1, 3), np.uint8)
    return Image.fromarray(noise).resize((width, height)).convert(mode)


def rotated():
    exif = Image.Exif()
    exif[0x0112] = 6
    return content_of(picture(), "JPEG", exif=exif)


def sixteen_bits():
    return content_of(Image.fromarray(np.linspace(0, 65535, 1200).reshape(40, 30).astype(np.uint16)))


UPLOADS = {
    "JPEG": (content_of(picture(), "JPEG"), (64, 48)),
    "PNG": (content_of(picture()), (64, 48)),
    "transparent": (content_of(picture(mode="RGBA")), (64, 48)),
    "palette": (content_of(picture(mode="P")), (64, 48)),
    "gray": (content_of(picture(mode="L")), (64, 48)),
    "CMYK": (content_of(picture(mode="CMYK"), "JPEG"), (64, 48)),
    "16 bits": (sixteen_bits(), (64, 48)),
    "rotated": (rotated(), (48, 64)),
    "tiny": (content_of(picture(1, 1)), (64, 64)),
    "a line": (content_of(picture(1, 300)), (16, 64)),
    "large": (content_of(picture(1200, 2000), "JPEG"), (38, 64)),
}


@pytest.mark.parametrize("kind", UPLOADS)
def test_an_uploaded_photograph_is_shown(own, model, kind):
    content, shape = UPLOADS[kind]
    upload(own, content)
    assert not complains(own)
    assert own.upload.value == ()
    assert own.controls["image"].value == "mine.png"
    assert own.controls["image"].options == (*PHOTOS, "mine.png")
    assert max(own.images["mine.png"].shape) <= 512
    assert own.result.image.shape == (*shape, 3)
    assert said(own).startswith("mine.png: the network says ")
    np.testing.assert_array_equal(np.atleast_3d(shown(own.panels[0].image)) * [1, 1, 1], own.result.image)
    assert_heat_is_true(own, model)
    assert_sound(own)


def test_pixels_of_an_upload_are_those_of_the_file(own):
    image = picture(64, 48)
    upload(own, content_of(image))
    np.testing.assert_array_equal(own.images["mine.png"], np.asarray(image))
    np.testing.assert_array_equal(own.result.image, np.asarray(image))


def bomb():
    content = content_of(Image.new("RGB", (9, 9)), "BMP")
    return content[:18] + (30_000).to_bytes(4, "little") * 2 + content[26:]


def larger_bomb():
    return bomb()[:18] + (9_000).to_bytes(4, "little") * 2 + bomb()[26:]


NO_PHOTOS = {
    "text": (b"no image at all", "cannot be read as an image: use a JPEG or PNG file"),
    "nothing": (b"", "cannot be read as an image"),
    "half a JPEG": (content_of(picture(400, 300), "JPEG")[:900], "cannot be read as an image"),
    "half a PNG": (content_of(picture(400, 300))[:900], "cannot be read as an image"),
    "bomb": (bomb(), "it has more than 60 million pixels: make it smaller first"),
    "just too large": (larger_bomb(), "it has more than 60 million pixels"),
}


@pytest.mark.parametrize("kind", NO_PHOTOS)
def test_what_is_no_photograph_is_said_and_the_earlier_image_stays(own, model, kind):
    content, message = NO_PHOTOS[kind]
    put(own, image="gray")
    before = [(panel.heading.value, panel.overlay.value, bytes(panel.image.value)) for panel in own.panels]
    upload(own, content, "my <file>.jpg")
    assert complains(own)
    assert said(own).startswith("my <file>.jpg was not used: ")
    assert message in said(own)
    assert [(p.heading.value, p.overlay.value, bytes(p.image.value)) for p in own.panels] == before
    assert own.controls["image"].options == tuple(PHOTOS)
    assert own.controls["image"].value == "gray"
    assert own.upload.value == ()
    assert_sound(own)
    put(own, image="plain")  # and it goes on
    assert not complains(own)
    assert_heat_is_true(own, model)


def test_a_file_that_was_not_sent_is_said(own, model):
    """The page sends only the size of what is too large, and what it cannot make smaller."""
    file = {"name": "my <raw>.tif", "type": "", "size": 12_300_000, "content": memoryview(b""), "last_modified": 10**12}
    own.upload.set_state({"value": [file]})
    assert complains(own)
    assert said(own) == (
        "my <raw>.tif was not used: it has 12 MB, and this browser cannot read it to make it smaller. "
        "Save it as a smaller JPEG file."
    )
    assert own.controls["image"].options == tuple(PHOTOS) and own.upload.value == ()


def test_no_message_of_an_upload_is_too_large_for_a_server():
    assert SEND <= MOST < 9_500_000 and LONGEST**2 * 4 < MOST


def test_the_same_file_twice(own):
    for _ in range(2):
        upload(own, UPLOADS["PNG"][0])
        assert own.controls["image"].value == "mine.png"
        assert own.controls["image"].options == (*PHOTOS, "mine.png")
        put(own, image="plain")


def test_a_file_with_a_name_that_is_there_replaces_the_image(own, model):
    upload(own, UPLOADS["PNG"][0], "plain")
    assert own.controls["image"].options == tuple(PHOTOS)
    assert own.controls["image"].value == "plain"
    np.testing.assert_array_equal(own.images["plain"], np.asarray(picture()))
    assert own.result.image.shape == (64, 48, 3)
    assert_heat_is_true(own, model)
    np.testing.assert_array_equal(PHOTOS["plain"], IMAGES[0])


def test_a_name_with_markup_is_shown_as_it_is(own, model):
    name = '<img src=x onerror=alert(1)> & "you".png'
    upload(own, UPLOADS["PNG"][0], name)
    assert own.controls["image"].value == name
    assert "<img" not in own.status.value
    assert said(own).startswith(f"{name}: the network says")
    assert_heat_is_true(own, model)
    assert_sound(own)


def test_an_upload_takes_one_update(own, monkeypatch):
    calls, compute = [], own.compute
    monkeypatch.setattr(own, "compute", lambda **settings: calls.append(settings["image"]) or compute(**settings))
    upload(own, UPLOADS["PNG"][0])
    assert calls == ["mine.png"]


def test_uploads_stay_after_a_reset(own):
    upload(own, UPLOADS["PNG"][0])
    own.reset.click()
    assert own.controls["image"].value == "plain"
    assert "mine.png" in own.controls["image"].options


def test_there_is_an_upload_only_with_sizes(own, cam):
    assert own.upload in own.children
    assert not own.upload.multiple
    assert not hasattr(cam, "upload")
    assert "size" not in cam.controls


def test_one_sigmoid_unit_is_two_classes():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([*network().layers[:-1], layers.Dense(1, activation="sigmoid")])
    model(np.stack([*PHOTOS.values()]).astype("float32"))
    with pytest.raises(ValueError, match="The network has 2 classes, but there are 3 names"):
        GradCamExplorer(model, PHOTOS, NAMES)
    explorer = GradCamExplorer(model, PHOTOS, NAMES[:2])
    p = np.asarray(model(PHOTOS["plain"][np.newaxis].astype("float32")))[0, 0]
    for label in (0, 1):
        put(explorer, label=label)
        np.testing.assert_allclose(explorer.result.probabilities, [1 - p, p], atol=1e-5)
        expected = grad_cam(model, PHOTOS["plain"][np.newaxis], label)[0]
        np.testing.assert_allclose(explorer.result.heat, expected, atol=1e-6)

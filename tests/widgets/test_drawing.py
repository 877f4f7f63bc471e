"""helpers.widgets.drawing: pictures for print, read back from the SVG."""

import base64
import io
import xml.etree.ElementTree as ElementTree

from helpers.pixels import png
from helpers.widgets.drawing import PANEL, Picture, draw_pictures, embed, panel_scale, panel_size, readable_count

import numpy as np
import pytest
from PIL import Image
from widget_tools import (
    SVG,
    numbers,
    parse,
    words,
)


def test_a_picture_is_a_panel_unless_told():
    assert Picture("a") == ("a", None, "", PANEL, PANEL)


@pytest.mark.parametrize(
    ("shape", "side", "size"), [((10, 20), 50, (50, 25)), ((64, 32, 3), 8, (4, 8)), ((9, 9), 9, (9, 9))]
)
def test_the_longer_side_of_an_image_takes_the_side_of_its_panel(shape, side, size):
    assert panel_size(shape, side) == size
    assert max(panel_size(shape)) == PANEL == panel_scale(shape) * max(shape[:2])


def places(root):
    """Title, and upper left corner, of each picture."""
    groups = [group for group in root.iter(f"{SVG}g") if [part.tag for part in group] == [f"{SVG}text", f"{SVG}g"]]
    return {group[0].text: numbers(group.get("transform")) for group in groups}


def test_pictures_stand_in_rows():
    sizes = [(250, 80), (90, 250), (250, 50), (60, 70), (250, 90)]
    pictures = [Picture(name, None, "", *size) for name, size in zip("abcde", sizes, strict=True)]
    for columns in (1, 2, 3, 5):
        root = ElementTree.fromstring(draw_pictures(pictures, "Some", "all of them", columns))
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
    root = ElementTree.fromstring(draw_pictures([Picture("<b>title</b> &")], "Some", sentence))
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
    root = ElementTree.fromstring(draw_pictures(pictures, "Some", ""))
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
    (image,) = ElementTree.fromstring(draw_pictures([Picture("a", gray)], "Some", "")).iter(f"{SVG}image")
    np.testing.assert_array_equal(pixels_of(image), gray)


def test_large_pixels_become_small():
    noise = np.random.default_rng(0).integers(0, 256, (900, 1800, 3), np.uint8)
    (image,) = ElementTree.fromstring(draw_pictures([Picture("a", noise)], "Some", "")).iter(f"{SVG}image")
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
    (image,) = ElementTree.fromstring(draw_pictures([picture], "Some", "")).iter(f"{SVG}image")
    assert ("pixelated" in image.get("style")) == sharp


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (999_999, "999,999"), (1_000_000, "1.0 million"), (138_357_544, "138.4 million")],
)
def test_readable_count(number, text):
    assert readable_count(number) == text

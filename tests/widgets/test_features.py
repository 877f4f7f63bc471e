"""The feature explorer, driven as a reader would; the numbers recomputed by scikit-learn."""

import base64
import html
import io
import itertools
import re
import xml.etree.ElementTree as ElementTree
from functools import cache

from helpers.pixels import ACCENT
from helpers.widgets.features import ALPHA, MAXIMUM, MEAN, SIDE, FeatureExplorer, scaled

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from widget_tools import SVG, assert_pictures_are_drawn, assert_sound, ends, put, said, some_value, state

NAMES = ("cat", "dog & co", "<owl>")
CHANNELS = {"early": 4, "middle": 6, "late": 9}
RANDOM = np.random.default_rng(0)
LABELS = np.array([2, 2, 0, 1, 1, 2, 0, 1, 2, 0, 0, 1, 2])  # 4 cats, 4 dogs, 5 owls: the first of each are not together
LABELS_ASKED = np.array([0, 2, 1, 1, 0, 2, 2])
IMAGES = RANDOM.integers(0, 256, (len(LABELS), 16, 12, 3), np.uint8)
ASKED = RANDOM.integers(0, 256, (len(LABELS_ASKED), 16, 12, 3), np.uint8)


def maps_of(labels, random):
    """Maps that know a little of the class: some channels are larger for it."""
    maps = {}
    for layer, channels in CHANNELS.items():
        values = random.gamma(2.0, 1.0, (len(labels), 4, 3, channels)).astype("float32")
        values[..., :3] += 1.5 * np.eye(3, dtype="float32")[labels][:, np.newaxis, np.newaxis]
        values[..., -1] = 0.1  # a map that is always the same: its deviation is 0
        maps[layer] = values
    return maps


MAPS, MAPS_ASKED = maps_of(LABELS, RANDOM), maps_of(LABELS_ASKED, RANDOM)
GOOD = {
    **{"maps": MAPS, "maps_asked": MAPS_ASKED, "images": IMAGES, "labels": LABELS},
    **{"asked": ASKED, "asked_labels": LABELS_ASKED, "class_names": NAMES},
}


def build(**changes):
    return FeatureExplorer(**(GOOD | changes))


@pytest.fixture
def explorer():
    return build()


@cache
def oracle(layer, pooling, count):
    """By scikit-learn: training images in use, the nearest ones of all asked images, and how many a head gets right."""
    used = [k for k, label in enumerate(LABELS) if np.sum(LABELS[:k] == label) < count]
    a, b = ((np.max if pooling == MAXIMUM else np.mean)(part[layer], axis=(1, 2)) for part in (MAPS, MAPS_ASKED))
    a, b = a[used].astype(float), b.astype(float)
    scaler = StandardScaler().fit(a)
    near = NearestNeighbors(n_neighbors=min(5, len(used))).fit(scaler.transform(a))
    nearest = np.array(used)[near.kneighbors(scaler.transform(b), return_distance=False)]
    head = make_pipeline(StandardScaler(), RidgeClassifier(alpha=ALPHA)).fit(a, LABELS[used])
    return used, nearest, head.score(b, LABELS_ASKED)


def assert_true(explorer):
    """Result and status line are what scikit-learn computes."""
    result, (layer, pooling, count, image) = explorer.result, explorer.settings().values()
    assert result[:4] == (layer, pooling, count, image)
    used, nearest, right = oracle(layer, pooling, count)
    assert result.chosen.tolist() == used
    assert result.nearest.tolist() == nearest[image].tolist()
    same = np.mean(LABELS[nearest[:, 0]] == LABELS_ASKED)
    assert result.same == pytest.approx(same)
    assert list(result.right) == list(CHANNELS)
    for name, share in result.right.items():
        assert share == pytest.approx(oracle(name, pooling, count)[2])
    images = "1 image" if count == 1 else f"{count} images"
    words = ", ".join(NAMES[LABELS[index]] for index in nearest[image])
    assert said(explorer) == (
        f"{layer}, {pooling}, {images} of each class: a linear head gets {right:.0%} of 7 right, the nearest image "
        f"{same:.0%}. Image {image}: {NAMES[LABELS_ASKED[image]]}; nearest: {words}."
    )


def test_features_at_all_ends_of_all_controls(explorer):
    for values in itertools.product(*map(ends, explorer.controls.values())):
        put(explorer, **dict(zip(explorer.controls, values, strict=True)))
        assert_true(explorer)
        assert_sound(explorer)


@pytest.mark.parametrize("seed", range(2))
def test_feature_explorer_in_any_order(explorer, seed):
    random = np.random.default_rng(seed)
    assert_true(explorer)
    for _ in range(20):
        control = [*explorer.controls.values()][random.integers(4)]
        control.value = some_value(control, random)
        assert_true(explorer)
    assert_pictures_are_drawn(explorer)


def test_start(explorer):
    assert explorer.settings() == {"layer": "middle", "pooling": MAXIMUM, "count": 4, "image": 0}
    assert explorer.controls["layer"].options == ("early", "middle", "late")
    assert explorer.controls["pooling"].options == (MAXIMUM, MEAN)
    ranges = [(explorer.controls[name].min, explorer.controls[name].max) for name in ("count", "image")]
    assert ranges == [(1, 4), (0, 6)]
    assert [explorer.controls[name].description for name in explorer.controls] == [
        *("Layer", "Pooling", "Images per class", "Asked image")
    ]
    assert build(cut="early").settings()["layer"] == "early"


def test_one_cut_is_enough():
    widget = build(maps={"late": MAPS["late"]}, maps_asked={"late": MAPS_ASKED["late"]})
    assert widget.settings()["layer"] == "late"
    assert_sound(widget)


def test_computing_moves_nothing_and_is_done_once(explorer, monkeypatch):
    before, fits, fit = state(explorer), [], RidgeClassifier.fit
    monkeypatch.setattr(RidgeClassifier, "fit", lambda self, *data: fits.append(len(data[0])) or fit(self, *data))
    first = explorer.compute("early", MEAN, 2, 3)
    assert fits == [6] * 3  # a head for each layer
    again = explorer.compute("late", MEAN, 2, 0)
    assert fits == [6] * 3
    assert again.right == first.right
    assert state(explorer) == before


def test_one_image_of_each_class(explorer):
    put(explorer, count=1)
    assert explorer.result.chosen.tolist() == [0, 2, 3]
    assert sorted(explorer.result.nearest.tolist()) == [0, 2, 3]  # there are no five
    assert ", 1 image of each class: " in said(explorer)
    assert_true(explorer)
    assert_sound(explorer)


def test_of_equally_near_images_the_first_comes_first():
    twins = {layer: np.repeat(maps[:1], len(LABELS), axis=0) for layer, maps in MAPS.items()}
    widget = build(maps=twins)
    assert widget.result.nearest.tolist() == [0, 1, 2, 3, 4]
    put(widget, count=2)
    assert widget.result.chosen.tolist() == [0, 1, 2, 3, 4, 6]
    assert widget.result.nearest.tolist() == [0, 1, 2, 3, 4]
    assert all(0 <= share <= 1 for share in widget.result.right.values())
    assert_sound(widget)


def test_an_image_is_nearest_to_itself():
    widget = build(maps_asked=MAPS, asked=IMAGES, asked_labels=LABELS)
    for image in widget.result.chosen:
        assert put(widget, image=int(image)).result.nearest[0] == image
    assert len(widget.result.chosen) == 12  # of the owls, one is not in use


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-30, -3e30])
def test_a_map_that_is_always_the_same_is_left_as_it_is(value):
    known, asked = scaled(np.full((7, 1), value), np.array([[value], [value + 1]]))
    assert known.tolist() == [[0]] * 7
    assert asked.tolist() == [[0], [value + 1 - value]]


def test_scaled_features_have_mean_0_and_deviation_1():
    known, asked = scaled(np.array([[1.0], [3.0]]), np.array([[4.0]]))
    assert (known.tolist(), asked.tolist()) == ([[-1], [1]], [[2]])


def drawn(widget, place):
    """The elements of one panel."""
    return ElementTree.fromstring(widget.panels[place].overlay.value)


def test_the_asked_image_is_shown(explorer):
    for image in (0, 3, 6):
        picture = put(explorer, image=image).draw(explorer.result)[0]
        np.testing.assert_array_equal(picture.pixels, ASKED[image])
        assert picture.title == f"Image {image}: {NAMES[LABELS_ASKED[image]]}"
        assert picture.width / picture.height == pytest.approx(12 / 16)


@pytest.mark.parametrize("count", [1, 4])
def test_nearest_images_are_shown_with_their_classes(explorer, count):
    put(explorer, count=count, image=3)
    root, near = drawn(explorer, 1), explorer.result.nearest
    shown = root.findall(f"{SVG}image")
    assert len(shown) == len(near) == (3 if count == 1 else 5)
    for element, index in zip(shown, near, strict=True):
        data = base64.b64decode(element.get("href").partition(",")[2])
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), IMAGES[index])
        assert (float(element.get("width")), float(element.get("height"))) == (SIDE * 12 / 16, SIDE)
    lefts = [float(element.get("x")) for element in shown]
    assert lefts == sorted(lefts)
    right = LABELS[near] == LABELS_ASKED[3]
    frames, words = root.findall(f"{SVG}rect"), root.findall(f"{SVG}text")
    assert [frame.get("stroke") == ACCENT for frame in frames] == right.tolist()
    marks = [mark.get("d") for mark in root.iter(f"{SVG}path")]
    assert len(set(marks)) == len(set(right))  # told apart without colors, too
    assert [word.text for word in words[:-1]] == [NAMES[LABELS[index]] for index in near]
    assert [word.get("font-weight") == "bold" for word in words[:-1]] == right.tolist()
    assert words[-1].text == f"The nearest one is right for {explorer.result.same:.0%} of 7 asked images."
    assert explorer.panels[1].heading.value == f"<b>Nearest first, of {3 * count} training images</b>"


@pytest.mark.parametrize("layer", CHANNELS)
def test_bars_are_what_the_heads_get_right(explorer, layer):
    root = drawn(put(explorer, layer=layer), 2)
    bars, words = root.findall(f"{SVG}rect"), [text.text for text in root.iter(f"{SVG}text")]
    shares = explorer.result.right
    assert words == [*itertools.chain(*((name, f"{share:.0%}") for name, share in shares.items())), "guessing: 33%"]
    assert [bar.get("fill") == ACCENT for bar in bars] == [name == layer for name in CHANNELS]
    widths = np.array([float(bar.get("width")) for bar in bars])
    left, line = float(bars[0].get("x")), float(re.match(r"M([\d.]+) ", root.find(f"{SVG}path").get("d"))[1])
    np.testing.assert_allclose(widths / 3, (line - left) * np.array([*shares.values()]), atol=0.1)


def test_long_names_are_cut():
    names = [f"<a rather long name> {number}" for number in range(3)]
    maps, maps_asked = ({f"<{name}>_of_a_layer & more": part[name] for name in part} for part in (MAPS, MAPS_ASKED))
    widget = build(class_names=names, maps=maps, maps_asked=maps_asked)
    assert_sound(widget)
    assert {text.text for text in drawn(widget, 1).iter(f"{SVG}text")} >= {"<a rather long"}
    assert "<early>_of_a_l" in [text.text for text in drawn(widget, 2).iter(f"{SVG}text")]


def test_gray_images():
    gray, gray_asked = IMAGES[..., :1], ASKED[..., :1]
    widget = build(images=gray, asked=gray_asked)
    np.testing.assert_array_equal(widget.draw(widget.result)[0].pixels, ASKED[0, ..., 0])
    data = base64.b64decode(drawn(widget, 1).find(f"{SVG}image").get("href").partition(",")[2])
    shown = np.asarray(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(shown, IMAGES[widget.result.nearest[0], ..., 0])
    assert_pictures_are_drawn(widget)
    assert_sound(widget)
    assert_sound(build(images=gray))  # one gray, one in color


def test_large_images_are_drawn_small():
    large = np.repeat(np.repeat(IMAGES, 25, axis=1), 25, axis=2)
    widget = build(images=large, asked=large[:7])
    for element in drawn(widget, 1).iter(f"{SVG}image"):
        data = base64.b64decode(element.get("href").partition(",")[2])
        assert max(Image.open(io.BytesIO(data)).size) <= 2 * SIDE
    assert_sound(widget)


def test_reset_of_features(explorer):
    first, still = state(explorer), explorer.still()
    put(explorer, layer="late", pooling=MEAN, count=2, image=5)
    assert state(explorer) != first
    assert explorer.still() != still
    explorer.reset.click()
    assert state(explorer) == first
    assert explorer.still() == still


def test_still_of_features(explorer):
    text = "".join(ElementTree.fromstring(explorer.still()).itertext())
    for picture in explorer.draw(explorer.result):
        assert picture.title in text
    assert "cnn-feature" in explorer._dom_classes
    assert explorer._repr_mimebundle_()["text/plain"] == "Feature explorer (run the cell to use it)"
    assert html.escape(NAMES[1]) in explorer.still()


def test_inputs_are_not_changed_and_maps_not_kept():
    copies = {layer: maps.copy() for layer, maps in MAPS.items()}
    widget = put(build(), count=2, pooling=MEAN)
    for layer, maps in MAPS.items():
        np.testing.assert_array_equal(maps, copies[layer])
    assert all(part.ndim == 2 for features in (widget.features, widget.features_asked) for part in features.values())


def with_nan():
    maps = {layer: part.copy() for layer, part in MAPS.items()}
    maps["late"][1, 2, 1, 3] = np.nan
    return maps


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maps": {}}, "Need maps of the same layers, in the same order, .* but got none, and early, middle, late"),
        ({"maps_asked": {"early": MAPS_ASKED["early"]}}, "but got early, middle, late, and early"),
        ({"maps_asked": dict(reversed(MAPS_ASKED.items()))}, "in the same order"),
        ({"maps": MAPS_ASKED}, "The maps of early must be .* each of 13 training images, but their shape is"),
        ({"maps_asked": MAPS}, "each of 7 asked images"),
        ({"maps": {name: part.max(axis=(1, 2)) for name, part in MAPS.items()}}, r"shape is \(13, 4\)"),
        ({"maps": {name: part[:, :0] for name, part in MAPS.items()}}, r"shape is \(13, 0, 3, 4\)"),
        ({"maps": MAPS | {"late": MAPS["early"]}}, "late has 4 maps of training images, but 9 of asked ones"),
        ({"maps": with_nan()}, "The maps of late of the training images must be finite"),
        ({"images": IMAGES / 255}, "The training images must be a uint8 array"),
        ({"images": IMAGES.tolist()}, "The training images must be a uint8 array"),
        ({"asked": ASKED[..., 0]}, "The asked images must be a uint8 array"),
        ({"asked": ASKED[..., :2]}, "The asked images must be a uint8 array"),
        ({"asked": ASKED[:0], "asked_labels": []}, "with at least one"),
        ({"labels": LABELS[:-1]}, r"a label for each of 13 training images, but got shape \(12,\)"),
        ({"asked_labels": LABELS}, "a label for each of 7 asked images"),
        ({"labels": LABELS + 1}, "The training labels must be whole numbers from 0 to 2"),
        ({"labels": LABELS - 1}, "The training labels must be whole numbers from 0 to 2"),
        ({"asked_labels": LABELS_ASKED / 1}, "The asked labels must be whole numbers from 0 to 2"),
        ({"class_names": [*NAMES, "frog"]}, "There is no training image of the class frog"),
        ({"class_names": ["cat"]}, "Need at least two classes, but got 1"),
        ({"cut": "last"}, "There is no cut 'last': use one of early, middle, late"),
    ],
)
def test_feature_explorer_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)

"""The augmentation explorer of lesson 05: what it computes, draws and says; and what the layers of Keras do."""

import ast
import html
import inspect
import itertools
import random
import re
import xml.etree.ElementTree as ElementTree

from helpers.engine import keras
from helpers.widgets import augmentation
from helpers.widgets.augmentation import AUGMENTATIONS, SHOWN, AugmentationExplorer, augment, steps

import numpy as np
import pandas as pd
import pytest
import scipy.ndimage
from keras import layers
from keras.src.layers.preprocessing.image_preprocessing.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
)
from keras.src.legacy.preprocessing import image as legacy
from widget_tools import (
    SVG,
    assert_sound,
    ends,
    said,
    shown,
    state,
    text_of,
)

rng = np.random.default_rng(0)

PICTURES = np.kron(rng.integers(0, 256, (12, 8, 6, 3), np.uint8), np.ones((1, 3, 3, 1), np.uint8))  # 24 × 18 pixels
LABELS = np.arange(12) % 4
NAMES = ("cat", "dog & cat", "<owl>", "fox")
MIXING = [name for name, kind in AUGMENTATIONS.items() if kind.mixes]

every_layer = pytest.mark.parametrize("name", AUGMENTATIONS)


def explorer_of(name="RandomRotation", images=PICTURES, **options):
    return AugmentationExplorer(images, LABELS, NAMES, name, **options)


def one_hot():
    return np.eye(len(NAMES))[LABELS]


def values_of(name):
    return AUGMENTATIONS[name][0]


def strengths(name):
    return sorted({0, len(values_of(name)) // 2, len(values_of(name)) - 1})


def by_keras(code, images, labels, seed):
    """Images and labels after the layer that this code makes, in training."""
    layer = eval(f"layers.{code[:-1]}, seed={seed})", {"layers": keras.layers})
    random.seed(seed)
    batch = {"images": images.astype("float32"), "labels": labels.astype("float32")}
    if type(layer).__name__ in MIXING:
        batch = layer(batch, training=True)
    else:
        batch["images"] = layer(batch["images"], training=True)
    return np.asarray(batch["images"]), np.asarray(batch["labels"])


@every_layer
def test_code_that_is_shown_is_the_layer_that_is_applied(name):
    for strength in strengths(name):
        result = augment(PICTURES[:8], one_hot()[:8], name, strength, seed=5)
        assert result.name == name
        assert result.code.startswith(f"{name}(")
        assert not re.search(r"\d\.\d{4}", result.code)  # as one would write it
        images, labels = by_keras(result.code, PICTURES[:8], one_hot()[:8], seed=5)
        assert result.images.dtype == np.uint8
        assert result.images.shape == (8, 24, 18, 3)
        np.testing.assert_array_equal(result.images, np.rint(images).clip(0, 255))
        np.testing.assert_array_equal(result.labels, labels)
        np.testing.assert_array_equal(result.image, PICTURES[0])


@every_layer
def test_same_draw_is_the_same_and_another_is_another(name):
    strength = len(values_of(name)) - 1
    results = [augment(PICTURES[:8], one_hot()[:8], name, strength, seed) for seed in (1, 1, 2, 3)]
    np.testing.assert_array_equal(results[0].images, results[1].images)
    np.testing.assert_array_equal(results[0].labels, results[1].labels)
    alike = [np.array_equal(results[0].images, result.images) for result in results[2:]]
    by_chance = name not in ("RandomGrayscale", "RandomPosterization")  # at the end of the slider nothing is left to it
    assert all(alike) != by_chance


def test_random_numbers_of_the_reader_are_left_alone():
    random.seed(3)
    before = random.getstate()
    augment(PICTURES[:2], one_hot()[:2], "AugMix", 3, seed=1)
    assert random.getstate() == before


@every_layer
def test_only_mixing_changes_labels(name):
    for strength in strengths(name):
        labels = augment(PICTURES[:8], one_hot()[:8], name, strength, seed=2).labels
        np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-5)
        assert labels.min() > -1e-6
        if name in MIXING:
            assert ((labels > 0.01) & (labels < 0.99)).any() or strength == 0
        else:
            np.testing.assert_array_equal(labels, one_hot()[:8])


@every_layer
def test_augmentation_is_off_in_prediction(name):
    layer = getattr(layers, name)(**AUGMENTATIONS[name].arguments(values_of(name)[-1]), seed=0)
    images, labels = PICTURES.astype("float32"), one_hot().astype("float32")
    given = {"images": images, "labels": labels} if name in MIXING else images
    result = layer(given, training=False)
    if name in MIXING:
        np.testing.assert_array_equal(result["labels"], labels)
        result = result["images"]
    np.testing.assert_array_equal(result, images)


def docstring_of(variable):
    """The text below the assignment to a variable of helpers.widgets.augmentation."""
    body = ast.parse(inspect.getsource(augmentation)).body
    for first, second in itertools.pairwise(body):
        if isinstance(first, ast.Assign) and first.targets[0].id == variable:
            return second.value.value
    raise AssertionError(f"{variable} is not there")


def test_every_random_image_layer_of_keras_is_there_or_is_named():
    public = [getattr(layers, name) for name in dir(layers)]
    kinds = [kind for kind in public if inspect.isclass(kind) and issubclass(kind, BaseImagePreprocessingLayer)]
    by_chance = {kind.__name__ for kind in kinds if "seed" in inspect.signature(kind).parameters}
    assert len(by_chance) > 20
    assert set(AUGMENTATIONS) <= by_chance
    missing = {name for name in by_chance - set(AUGMENTATIONS) if name not in docstring_of("AUGMENTATIONS")}
    assert not missing
    named = set(re.findall(r"\b(?:Random|Solar)[A-Z]?\w+", docstring_of("AUGMENTATIONS")))
    assert named == by_chance - set(AUGMENTATIONS)


def test_gray_images_become_rgb():
    gray = PICTURES[..., :1]
    explorer = explorer_of("RandomRotation", gray)
    np.testing.assert_array_equal(explorer.images, np.repeat(gray, 3, axis=3))
    for name in ("RandomRotation", "RandomSaturation", "RandomGrayscale", "RandomContrast", "MixUp"):
        result = explorer.compute(name, 4, 1, 1)
        assert result.images.shape == (SHOWN, 24, 18, 3)
        np.testing.assert_array_equal(result.image, np.repeat(gray[1], 3, axis=2))
        assert np.ptp(result.images.astype(int), axis=3).max() <= 1  # still gray
    assert_sound(explorer)


def test_images_may_be_a_list_and_are_not_changed():
    images = PICTURES.copy()
    explorer = AugmentationExplorer([*images[:2]], [*LABELS[:2]], [*NAMES])
    explorer.controls["image"].value = 1
    np.testing.assert_array_equal(explorer.result.image, PICTURES[1])
    np.testing.assert_array_equal(images, PICTURES)


HUNDRED = rng.integers(60, 190, (100, 6, 6, 3), np.uint8)


def drawn(name, value, images=HUNDRED, seed=0):
    """Images after a layer with that value of its slider, before they are cut to 0 … 255."""
    arguments = AUGMENTATIONS[name].arguments(value)
    return np.asarray(getattr(layers, name)(**arguments, seed=seed)(images.astype("float32"), training=True))


def share_unchanged(result):
    return np.isclose(result, HUNDRED, atol=0.01).all(axis=(1, 2, 3)).mean()


@pytest.mark.parametrize(
    "name",
    [name for name in AUGMENTATIONS if values_of(name)[0] == 0 and name not in ("RandAugment", "AugMix")],
)
def test_zero_is_off(name):
    np.testing.assert_allclose(drawn(name, 0.0), HUNDRED, atol=0.02)


@pytest.mark.parametrize(
    ("name", "value"),
    [("RandomFlip", "horizontal"), ("RandomPerspective", 1.0), ("RandomGaussianBlur", 1.0), ("RandomErasing", 0.6)],
)
def test_layers_that_change_half_of_the_images_say_so(name, value):
    assert 0.35 < share_unchanged(drawn(name, value)) < 0.65
    assert "half of the images" in AUGMENTATIONS[name].meaning


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if "each image" in AUGMENTATIONS[name].meaning])
def test_layers_that_change_each_image_do(name):
    assert share_unchanged(drawn(name, values_of(name)[-1])) < 0.05


def test_flips():
    images = HUNDRED.astype("float32")
    for mode, step in {"horizontal": (1, -1), "vertical": (-1, 1), "horizontal_and_vertical": (-1, -1)}.items():
        flipped = images[:, :: step[0], :: step[1]]
        result = drawn("RandomFlip", mode)
        each = [(r == i).all() or (r == f).all() for r, i, f in zip(result, images, flipped, strict=True)]
        assert all(each)  # in both directions at once: turned by 180°, never mirrored in one direction alone


def test_brightness_adds_up_to_a_share_of_the_full_range():
    result = drawn("RandomBrightness", 0.2) - HUNDRED
    means = result.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(result, means[:, None, None, None] * np.ones((6, 6, 3)), atol=0.01)
    assert -51 <= means.min() < -40
    assert 40 < means.max() <= 51.01


def test_contrast_goes_both_ways():
    deviation = HUNDRED - HUNDRED.mean(axis=(1, 2), keepdims=True)
    result = drawn("RandomContrast", 0.3)
    factors = (result - result.mean(axis=(1, 2), keepdims=True)).std(axis=(1, 2, 3)) / deviation.std(axis=(1, 2, 3))
    assert 0.69 < factors.min() < 0.8
    assert 1.2 < factors.max() < 1.31


def test_sharpness_goes_both_ways():
    factors = drawn("RandomSharpness", 0.5).std(axis=(1, 2, 3)) / HUNDRED.std(axis=(1, 2, 3))
    assert factors.min() < 0.8
    assert factors.max() > 1.1


def hue_and_saturation(images):
    import matplotlib as mpl

    return np.moveaxis(mpl.colors.rgb_to_hsv(np.clip(images, 0, 255) / 255), 3, 0)[:2]


def test_saturation_goes_both_ways():
    before, after = hue_and_saturation(HUNDRED)[1], hue_and_saturation(drawn("RandomSaturation", 0.2))[1]
    factors = np.array([np.median(a[b > 0.1] / b[b > 0.1]) for a, b in zip(after, before, strict=True)])
    assert 3 / 7 - 0.01 <= factors.min() < 0.7  # 0.3 / 0.7
    assert 1.3 < factors.max() <= 7 / 3 + 0.01


@pytest.mark.parametrize("value", [0.1, 0.5])
def test_hue_is_turned_by_at_most_what_is_said(value):
    before, after = hue_and_saturation(HUNDRED)[0], hue_and_saturation(drawn("RandomHue", value))[0]
    degrees = np.median((360 * (after - before) + 180) % 360 - 180, axis=(1, 2))
    most = 180 * value
    assert -most - 1 <= degrees.min() < -0.7 * most
    assert 0.7 * most < degrees.max() <= most + 1
    assert f"up to {most:.0f}° of the color circle either way" in say("RandomHue", value)


def test_share_of_gray_images():
    gray = np.ptp(drawn("RandomGrayscale", 0.3), axis=3).max(axis=(1, 2)) < 0.01
    assert 0.2 < gray.mean() < 0.4


def test_bits_that_are_kept():
    for bits in (1, 4, 7):
        values = np.unique(drawn("RandomPosterization", bits))
        assert (values % 2 ** (8 - bits) == 0).all()


def test_erased_area():
    images = np.zeros((200, 40, 40, 3), np.uint8)
    filled = layers.RandomErasing(scale=(0.02, 0.3), fill_value=255, seed=0)(images.astype("float32"), training=True)
    shares = np.asarray(filled).mean(axis=(1, 2, 3)) / 255
    shares = shares[shares > 0]
    assert 0.01 < shares.min() < 0.06
    assert 0.2 < shares.max() <= 0.33


def say(name, value):
    return AUGMENTATIONS[name].meaning.format(AUGMENTATIONS[name].shown(value))


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("RandomFlip", "horizontal_and_vertical", "mirrors half of the images, horizontal and vertical"),
        ("RandomRotation", 0.25, "turns each image by up to 90° either way"),
        ("RandomTranslation", 0.15, "moves each image by up to 15% of its height and width"),
        ("RandomSaturation", 0.5, "makes colors paler or stronger, up to 100%"),
        ("RandomSharpness", 0.25, "blurs or sharpens each image, up to 50%"),
        ("RandomGaussianBlur", 0.3, "blurs about half of the images, sigma up to 0.3 pixels"),
        ("RandomPosterization", 3, "keeps 3 of the 8 bits of each color"),
        ("MixUp", 0.3, "adds two images, and their labels"),
    ],
)
def test_meanings(name, value, text):
    assert value in values_of(name)
    assert say(name, value) == text


@pytest.mark.parametrize(
    ("arguments", "values"),
    [((0.2, 0.1), (0.0, 0.1, 0.2)), ((0.3, 0.1, 0.1), (0.1, 0.2, 0.3)), ((1.0, 0.5), (0.0, 0.5, 1.0)), ((0, 1), (0,))],
)
def test_steps_hold_both_ends(arguments, values):
    assert steps(*arguments) == values


def test_augmentation_explorer_takes_the_image_or_a_few_after_it():
    explorer = explorer_of()
    copies = explorer.compute("RandomTranslation", 0, 11, 1)
    np.testing.assert_array_equal(copies.images, np.repeat(PICTURES[11:], SHOWN, axis=0))
    np.testing.assert_array_equal(copies.labels, np.repeat(one_hot()[11:], SHOWN, axis=0))
    mixed = explorer.compute("CutMix", 0, 10, 1)
    after = [10, 11, 0, 1, 2, 3, 4, 5]
    images, labels = by_keras(mixed.code, PICTURES[after], one_hot()[after], seed=1)
    np.testing.assert_array_equal(mixed.images, np.rint(images))
    np.testing.assert_array_equal(mixed.labels, labels)
    np.testing.assert_array_equal(mixed.image, PICTURES[10])


def test_strength_has_the_range_of_the_layer_in_any_order():
    explorer, order = explorer_of(), np.random.default_rng(1)
    slider = explorer.controls["strength"]
    for name in [*AUGMENTATIONS, *order.permutation([*AUGMENTATIONS])]:
        if name in ("RandAugment", "AugMix") and slider.max == 10:
            continue  # slow, and like others
        explorer.controls["name"].value = name
        most = len(values_of(name)) - 1
        assert (slider.min, slider.value, slider.max) == (0, most // 2, most)
        slider.value = most
        result = explorer.result
        assert (result.name, slider.value) == (name, most)
        expected = AUGMENTATIONS[name].arguments(values_of(name)[most])
        assert result.code == f"{name}({', '.join(f'{key}={value!r}' for key, value in expected.items())})"
        assert said(explorer).startswith(f"{result.code} {say(name, values_of(name)[most])}. ")
        assert explorer.panels[1].heading.value == f"<b>layers.{html.escape(result.code)}</b>"


def test_a_layer_is_computed_once_when_it_is_chosen(monkeypatch):
    explorer, calls = explorer_of(), []
    compute = explorer.compute
    monkeypatch.setattr(explorer, "compute", lambda **settings: calls.append(settings) or compute(**settings))
    explorer.controls["strength"].value = explorer.controls["strength"].max
    explorer.controls["name"].value = "RandomFlip"
    assert calls[1:] == [{"name": "RandomFlip", "strength": 1, "image": 0, "draw": 1}]
    explorer.controls["draw"].value = 20
    explorer.controls["image"].value = 11
    assert calls[-1] == {"name": "RandomFlip", "strength": 1, "image": 11, "draw": 20}
    explorer.reset.click()
    assert len(calls) == 5


@pytest.mark.parametrize("name", ["RandomRotation", "RandomFlip", "MixUp"])
def test_reset_brings_back_the_first_state(name):
    explorer = explorer_of(name)
    first, still = state(explorer), explorer.still()
    for change in ({"name": "RandomPosterization", "strength": 7}, {"name": "CutMix", "image": 11, "draw": 20}):
        for key, value in change.items():
            explorer.controls[key].value = value
    assert explorer.settings() == {"name": "CutMix", "strength": 4, "image": 11, "draw": 20}
    explorer.reset.click()
    assert state(explorer) == first
    assert explorer.still() == still
    explorer.controls["strength"].value = 0
    explorer.reset.click()
    assert state(explorer) == first


@pytest.mark.parametrize("name", ["RandomFlip", "RandomErasing", "AugMix", "CutMix"])
def test_still_of_the_same_settings_is_the_same(name):
    one, other = explorer_of(name), explorer_of(name)
    assert_sound(one)
    assert one.still() == other.still()
    assert said(one).replace(" ", "") in text_of(one.still()).replace(" ", "")
    other.controls["draw"].value = 3
    assert one.still() != other.still()


def test_pictures_are_the_image_and_a_table():
    explorer = explorer_of("RandomContrast")
    result = explorer.result
    first, table = explorer.draw(result)
    assert (first.title, table.title) == ("One image", "layers.RandomContrast(factor=(0.5, 0.5))")
    assert (first.width, first.height, table.width, table.height) == (232, 232, 464, 232)
    np.testing.assert_array_equal(first.pixels, PICTURES[0])
    assert table.pixels.dtype == np.uint8
    assert table.pixels.shape == (48, 72, 3)
    cells = table.pixels.reshape(2, 24, 4, 18, 3).swapaxes(1, 2).reshape(SHOWN, 24, 18, 3)
    np.testing.assert_array_equal(cells, result.images)
    assert first.marks == ""
    assert "<text" not in table.marks
    for panel, picture in zip(explorer.panels, (first, table), strict=True):
        np.testing.assert_array_equal(shown(panel.image), picture.pixels)


@pytest.mark.parametrize("name", MIXING)
def test_labels_stand_on_mixed_images(name):
    explorer = explorer_of(name)
    marks = ElementTree.fromstring(f"<svg xmlns='{SVG[1:-1]}'>{explorer.draw(explorer.result)[1].marks}</svg>")
    texts = [(text.text, float(text.get("x")), float(text.get("y"))) for text in marks.iter(f"{SVG}text")]
    for place, label in enumerate(explorer.result.labels):
        row, col = divmod(place, 4)
        lines = sorted((y, text) for text, x, y in texts if (x // 116, y // 116) == (col, row))
        assert ", ".join(text for _, text in lines) == explorer.label_text(label)
    assert sum(text.count("%") for text, *_ in texts) >= 8


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ([0, 0, 1, 0], "<owl>"),
        ([0.3, 0, 0, 0.7], "70% fox, 30% cat"),
        ([0.996, 0.004, 0, 0], "cat"),
        ([0.99, 0.01, 0, 0], "99% cat, 1% dog & cat"),
        ([0.5, 0.5, 0, 0], "50% cat, 50% dog & cat"),
    ],
)
def test_label_text(label, text):
    assert explorer_of().label_text(np.array(label, "float32")) == text


def test_what_is_said_of_a_change_is_its_mean():
    explorer = explorer_of("RandomBrightness")
    change = np.abs(explorer.result.images.astype(float) - PICTURES[0]).mean()
    assert said(explorer).endswith(f" A pixel changes by {change:.0f} of 255 on average.")
    explorer.controls["strength"].value = 0
    assert said(explorer) == (
        "RandomBrightness(factor=0.0) makes each image brighter or darker by up to 0% of the full range. "
        "A pixel changes by 0 of 255 on average."
    )
    explorer.controls["name"].value = "MixUp"
    text = explorer.label_text(explorer.result.labels[0])
    assert said(explorer) == f"MixUp(alpha=0.5) adds two images, and their labels. The first label becomes {text}."


def test_controls_of_the_augmentation_explorer():
    explorer = explorer_of("RandomZoom")
    assert [*explorer.controls] == ["name", "strength", "image", "draw"]
    assert explorer.settings() == {"name": "RandomZoom", "strength": 5, "image": 0, "draw": 1}
    assert ends(explorer.controls["name"]) == [*AUGMENTATIONS]
    assert ends(explorer.controls["image"]) == [0, 0, 11]
    assert ends(explorer.controls["draw"]) == [1, 1, 20]
    for name, control in explorer.controls.items():
        assert control.tooltip
        assert control.description == {"name": "Layer"}.get(name, name.capitalize())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": PICTURES[0]}, "Need uint8 images of shape"),
        ({"images": PICTURES[..., :2]}, "Need uint8 images of shape"),
        ({"images": PICTURES / 255}, r"Need uint8 images .* got float64 \(12, 24, 18, 3\)"),
        ({"images": np.zeros((12, 513, 4, 1), np.uint8)}, "at most 512 × 512"),
        ({"images": PICTURES[:1], "labels": LABELS[:1]}, "at least two: got 1 and"),
        ({"images": PICTURES[:0], "labels": LABELS[:0]}, "at least two: got 0 and"),
        ({"labels": LABELS[:11]}, r"a label for each image, and at least two: got 12 and \(11,\)"),
        ({"labels": 3}, "a label for each image"),
        ({"labels": one_hot()}, "a label for each image"),
        ({"labels": LABELS + 1}, "Labels must be whole numbers from 0 to 3"),
        ({"labels": LABELS - 1}, "Labels must be whole numbers from 0 to 3"),
        ({"labels": LABELS / 1}, "Labels must be whole numbers"),
        ({"labels": ["cat"] * 12}, "Labels must be whole numbers"),
        ({"class_names": NAMES[:3]}, "Labels must be whole numbers from 0 to 2"),
        ({"augmentation": "RandomCrop"}, "Unknown augmentation 'RandomCrop': use one of RandomFlip, "),
        ({"augmentation": None}, "Unknown augmentation None"),
    ],
)
def test_augmentation_explorer_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        AugmentationExplorer(**{"images": PICTURES, "labels": LABELS, "class_names": NAMES} | changes)


@pytest.mark.parametrize(("name", "strength"), [("RandomFlip", 3), ("RandomFlip", -1), ("Dense", 0), (None, 0)])
def test_augment_refuses(name, strength):
    with pytest.raises(ValueError, match=r"There is no augmentation .* of strength"):
        augment(PICTURES[:2], one_hot()[:2], name, strength, 0)


# --- from ImageDataGenerator to layers (the table of lesson 05) ---

NEAREST = {"fill_mode": "nearest"}


@pytest.fixture
def generator(monkeypatch):
    monkeypatch.setattr(scipy.ndimage, "interpolation", scipy.ndimage, raising=False)  # its old name, deprecated
    return legacy.ImageDataGenerator


def smooth_image(side=40):
    noise = scipy.ndimage.gaussian_filter(rng.uniform(size=(side, side, 1)), (3, 3, 0))
    return (255 * (noise - noise.min()) / np.ptp(noise)).astype("float32")


def by_layer(layer, image):
    return np.asarray(layer(image[np.newaxis], training=True))[0]


def affine(image, matrix, offset=(0, 0)):
    """The image whose pixel (row, col) is that at matrix @ (row, col) + offset, by SciPy."""
    return scipy.ndimage.affine_transform(image[..., 0], matrix, offset, order=1, mode="nearest")[..., np.newaxis]


def around_center(matrix, side=40):
    center = np.full(2, (side - 1) / 2)
    return np.array(matrix), center - np.array(matrix) @ center


@pytest.mark.parametrize("degrees", [-40, -7, 20, 40])
def test_old_rotation(generator, degrees):
    image = smooth_image()
    old = generator(**NEAREST).apply_transform(image, {"theta": degrees})
    new = by_layer(layers.RandomRotation((degrees / 360,) * 2, **NEAREST), image)
    np.testing.assert_allclose(new, old, atol=0.05)


def test_old_ranges_reach_to_both_sides(generator):
    options = {"rotation_range": 40, "width_shift_range": 0.2, "height_shift_range": 0.2, "shear_range": 0.2}
    old = generator(**options, zoom_range=0.2, horizontal_flip=True)
    drawn = pd.DataFrame([old.get_random_transform((50, 50, 3), seed=seed) for seed in range(300)])
    for column, low, high in (
        ("theta", -40, 40),
        ("tx", -10, 10),
        ("ty", -10, 10),
        ("shear", -0.2, 0.2),  # degrees
        ("zx", 0.8, 1.2),
        ("zy", 0.8, 1.2),
    ):
        assert low <= drawn[column].min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < drawn[column].max() <= high
    assert abs(np.corrcoef(drawn["zx"], drawn["zy"])[0, 1]) < 0.2  # height and width by themselves
    assert 0.4 < drawn["flip_horizontal"].mean() < 0.6


def test_new_ranges_reach_to_both_sides():
    images = np.zeros((300, 50, 50, 1), "float32")
    turns = layers.RandomRotation(40 / 360, seed=0).get_random_transformation(images)["angle"].numpy()
    shifts = layers.RandomTranslation(0.2, 0.1, seed=0).get_random_transformation(images)["translations"].numpy()
    zooms = layers.RandomZoom((-0.2, 0.2), (-0.2, 0.2), seed=0).get_random_transformation(images)
    shears = layers.RandomShear(0.2, seed=0).get_random_transformation(images)["shear_factor"].numpy()[:, 0]
    for values, low, high in (
        (np.ravel(turns), -40, 40),
        (shifts[:, 0] / 50, -0.1, 0.1),  # of the width
        (shifts[:, 1] / 50, -0.2, 0.2),
        (np.ravel(zooms["height_zoom"]), 0.8, 1.2),
        (np.ravel(zooms["width_zoom"]), 0.8, 1.2),
        (shears, -0.2, 0.2),
    ):
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high
    assert abs(np.corrcoef(np.ravel(zooms["height_zoom"]), np.ravel(zooms["width_zoom"]))[0, 1]) < 0.2
    together = layers.RandomZoom(0.2, seed=0).get_random_transformation(images)
    np.testing.assert_array_equal(together["height_zoom"], together["width_zoom"])  # one factor keeps the proportions


@pytest.mark.parametrize("share", [0.2, -0.1])
def test_old_shifts(generator, share):
    """``tx``, from ``height_shift_range``, moves columns in the old class of Keras 3, and ``ty`` rows: exchanged."""
    image = smooth_image()
    for name, factors in {"tx": (0, -share), "ty": (-share, 0)}.items():
        old = generator(**NEAREST).apply_transform(image, {name: share * 40})
        height, width = ((float(factor),) * 2 for factor in factors)
        np.testing.assert_allclose(by_layer(layers.RandomTranslation(height, width, **NEAREST), image), old, atol=0.05)
    assert generator(height_shift_range=0.2).get_random_transform((40, 40, 1))["ty"] == 0
    assert generator(width_shift_range=0.2).get_random_transform((40, 40, 1))["tx"] == 0


@pytest.mark.parametrize(("width", "height"), [(0.8, 1.2), (1.2, 0.8), (0.9, 0.9), (1, 1.15)])
def test_old_zoom(generator, width, height):
    image = smooth_image()
    old = generator(**NEAREST).apply_transform(image, {"zx": width, "zy": height})
    factors = ((height - 1,) * 2, (width - 1,) * 2)
    np.testing.assert_allclose(by_layer(layers.RandomZoom(*factors, **NEAREST), image), old, atol=0.05)


@pytest.mark.parametrize("degrees", [0.2, -0.2, 20])
def test_old_shear_is_in_degrees_and_around_the_center(generator, degrees):
    image = smooth_image()
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    old = generator(**NEAREST).apply_transform(image, {"shear": degrees})
    np.testing.assert_allclose(old, affine(image, *around_center([[cosine, 0], [-sine, 1]])), atol=0.05)


@pytest.mark.parametrize("factor", [0.2, float(np.tan(np.radians(0.2)))])
def test_new_shear_is_a_share_and_goes_to_either_side_from_the_first_row(factor):
    image = smooth_image()
    left, right = (affine(image, [[1, 0], [sign * factor, 1]]) for sign in (1, -1))
    batch = np.repeat(image[np.newaxis], 40, axis=0)
    sheared = np.asarray(layers.RandomShear((factor, factor), seed=0, **NEAREST)(batch, training=True))
    to_the_left = np.array([np.abs(result - left).max() < np.abs(result - right).max() for result in sheared])
    assert 0.2 < to_the_left.mean() < 0.8
    for result, is_left in zip(sheared, to_the_left, strict=True):
        np.testing.assert_allclose(result, left if is_left else right, atol=0.05)
    with pytest.raises(ValueError, match=r"in the range \[0, 1\.0\]"):
        layers.RandomShear((-factor, factor))


def test_old_and_new_shear_of_a_fifth_of_a_degree_differ_by_less_than_a_pixel(generator):
    """The same slant; the new one moves the image, too, as it leaves the first row where it is."""
    image, degrees = smooth_image(64), 0.2
    factor = float(np.tan(np.radians(degrees)))
    old = generator(**NEAREST).apply_transform(image, {"shear": degrees})
    moved = affine(image, [[1, 0], [-factor, 1]], (0, factor * 63 / 2))
    np.testing.assert_allclose(old, moved, atol=0.1)
    assert factor * 63 / 2 < 0.12


def test_old_flip(generator):
    image = smooth_image()
    old = generator().apply_transform(image, {"flip_horizontal": True})
    flip = layers.RandomFlip("horizontal", seed=0)
    results = [by_layer(flip, image) for _ in range(10)]
    assert {np.array_equal(result, old) for result in results} == {True, False}
    assert all(np.array_equal(result, old) or np.array_equal(result, image) for result in results)


def test_old_fill_mode_and_rescaling(generator):
    image = smooth_image()
    assert generator().fill_mode == "nearest"
    for mode in ("nearest", "reflect", "constant"):
        old = generator(fill_mode=mode).apply_transform(image, {"ty": 10})
        new = by_layer(layers.RandomTranslation((-0.25, -0.25), 0.0, fill_mode=mode), image)
        np.testing.assert_allclose(new, old, atol=0.05)
    old = generator(rescale=1 / 255).standardize(image.copy())
    np.testing.assert_allclose(layers.Rescaling(1 / 255)(image), old, rtol=1e-6)

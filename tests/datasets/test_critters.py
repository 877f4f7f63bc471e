"""helpers.critters: images are varied, known to the pixel and the same everywhere, and only shape tells the animal."""

import hashlib
import importlib.util
import math
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from helpers.datasets import critters
from helpers.datasets.critters import (
    ANIMALS,
    BACKGROUNDS,
    DRAWINGS,
    FOLDER_SPLITS,
    PARTS,
    REGIONS,
    SPLITS,
    VERSION,
    critter,
    crop,
    draw_critter,
    labels,
    lighting,
    palette,
    photographs,
    pose,
    standard_set,
    trim,
    write_folder,
)
from helpers.files import NotKeptWarning

import numpy as np
import pytest
import skimage.data
import skimage.draw
from damage import refuse_to_open
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage
from sklearn.ensemble import RandomForestClassifier

ROOT = Path(__file__).resolve().parents[2]
CARD = (ROOT / "data" / "critters.md").read_text(encoding="utf-8")
HAVE = {animal: {shape.part for shape in shapes} for animal, shapes in DRAWINGS.items()}

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(scope="session")
def training_images():
    return [critter("train", index) for index in range(1000)]


@pytest.fixture(scope="session")
def test_images():
    return [critter("test", index) for index in range(1000)]


def grown(mask, pixels):
    return ndimage.binary_dilation(mask, np.ones((3, 3)), pixels) if pixels else mask


def same(first, second):
    """Whether two critters are the same in every pixel, mask and part."""
    arrays = [(one.image, one.mask, one.background, *one.parts.values()) for one in (first, second)]
    return first.label == second.label and all(map(np.array_equal, *arrays))


# --- what one image is ---


@pytest.mark.parametrize("size", [16, 17, 63, 64, 100, 300, 512])
@pytest.mark.parametrize("animal", ["rabbit", "frog"])
def test_shapes_and_dtypes(animal, size):
    drawn = draw_critter(animal, np.random.default_rng(3), size)
    assert drawn.label == ANIMALS.index(animal)
    assert drawn.image.shape == drawn.background.shape == (size, size, 3)
    assert drawn.image.dtype == drawn.background.dtype == np.uint8
    assert tuple(drawn.parts) == PARTS
    for mask in (drawn.mask, *drawn.parts.values()):
        assert mask.shape == (size, size)
        assert mask.dtype == bool


def test_ten_animals():
    assert len(set(ANIMALS)) == 10
    assert tuple(DRAWINGS) == ANIMALS
    for animal, parts in HAVE.items():
        assert {"head", "ears", "eyes", "snout"} - parts <= ({"ears"} if animal == "frog" else set())
    assert [animal for animal in ANIMALS if "whiskers" in HAVE[animal]] == ["cat", "rabbit", "mouse"]


@pytest.mark.parametrize("animal", ["Cat", "", None, 0, "wolf"])
def test_unknown_animal_lists_the_known(animal):
    with pytest.raises(ValueError, match=r"There is no animal .*: use one of cat, dog, .*, fox\."):
        draw_critter(animal, np.random.default_rng(0))


@pytest.mark.parametrize("split", ["Train", "val", "", None])
def test_unknown_split_lists_the_known(split):
    with pytest.raises(ValueError, match=r"There is no split .*: use one of train, validation, test\."):
        draw_critter("cat", np.random.default_rng(0), split=split)
    with pytest.raises(ValueError, match=f"Need a split of train, validation, test, .*: got {split!r}, 0, 0"):
        critter(split, 0)


@pytest.mark.parametrize("size", [15, 513, 0, -64, 64.0, True, None, "64", math.nan])
def test_bad_size(size):
    with pytest.raises(ValueError, match=f"size must be a whole number from 16 to 512 pixels, but it is {size!r}"):
        draw_critter("cat", np.random.default_rng(0), size)
    with pytest.raises(ValueError, match="size must be a whole number"):
        critter("train", 0, size)


@pytest.mark.parametrize(("index", "seed"), [(-1, 0), (0, -1), (-3, -3)])
def test_negative_index_or_seed(index, seed):
    with pytest.raises(ValueError, match=f"an index and a seed of at least 0: got 'test', {index}, {seed}"):
        critter("test", index, seed=seed)


@pytest.mark.parametrize("split", REGIONS)
def test_animals_take_turns(split):
    assert [critter(split, index).label for index in range(12)] == [*range(10), 0, 1]
    assert labels(12).tolist() == [*range(10), 0, 1]
    assert labels(0).shape == (0,)
    assert labels(7).dtype == np.int64


@pytest.mark.parametrize("split", SPLITS)
def test_classes_are_balanced_in_each_split(split):
    np.testing.assert_array_equal(np.bincount(labels(SPLITS[split])), [SPLITS[split] // 10] * 10)


# --- the same everywhere ---

KNOWN = {2: "468ec255c8a1fc4b"}


def digest() -> str:
    """Say what the first twenty images of each split are, with their masks, in a few letters."""
    content = hashlib.sha256()
    for split in REGIONS:
        for index in range(20):
            drawn = critter(split, index)
            for array in (drawn.image, drawn.background, drawn.mask, *drawn.parts.values()):
                content.update(array.tobytes())
    return content.hexdigest()[:16]


def test_first_images_of_this_version():
    found = digest()
    assert VERSION in KNOWN, f"Say here what the images of this version are: KNOWN[{VERSION}] = {found!r}"
    assert found == KNOWN[VERSION], (
        "Other images are drawn than before. If you meant to: add 1 to VERSION in helpers/datasets/critters.py, so "
        "that nobody keeps the old ones, add the new digest here, and run scripts/make_critters_picture.py. If you "
        f"changed nothing, a package draws in another way: these are {found!r}."
    )


def test_another_process_draws_the_same():
    code = "import numpy as np; np.random.seed(5); import test_critters; print(test_critters.digest())"
    folders = os.pathsep.join(map(str, (Path(__file__).parent, ROOT / "tests", ROOT)))
    environment = {**os.environ, "PYTHONPATH": folders, "PYTHONHASHSEED": "77"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digest()


def test_an_image_depends_on_nothing_that_was_drawn_before(training_images):
    np.random.seed(1)  # noqa: NPY002 - the global state is what is tested
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    for index in (503, 7, 7, 250):
        critter("validation", index, 40)
        assert same(critter("train", index), training_images[index])
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_no_two_images_are_the_same(training_images, test_images):
    drawn = [*training_images, *test_images, *(critter("train", index, seed=1) for index in range(20))]
    assert len({one.image.tobytes() for one in drawn}) == len(drawn)


def test_arrays_are_its_own():
    """Who changes an image does not change the next one that is drawn."""
    first = critter("train", 3)
    for array in (first.image, first.background, first.mask, *first.parts.values()):
        if array.flags.writeable:
            array[:] = 0
    assert critter("train", 3).image.any() and critter("train", 3).background.any()


# --- masks ---


def test_parts_are_disjoint_and_make_up_the_animal(training_images):
    for drawn in training_images:
        np.testing.assert_array_equal(np.sum([*drawn.parts.values()], axis=0), drawn.mask.astype(int))


def test_something_of_each_animal_can_be_seen(training_images, test_images):
    assert min(drawn.mask.mean() for drawn in [*training_images, *test_images]) > 0.03
    assert min(critter("train", index, 16).mask.sum() for index in range(200)) > 5


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_seen_in_the_animals_that_have_it(training_images, part):
    for label, animal in enumerate(ANIMALS):
        seen = np.mean([drawn.parts[part].any() for drawn in training_images[label::10]])
        assert seen > 0.95 if part in HAVE[animal] else seen == 0, animal


@pytest.mark.parametrize("size", [32, 128, 200])
def test_masks_scale_with_the_image(training_images, size):
    for index in range(60):
        drawn, other = training_images[index], critter("train", index, size)
        assert other.mask.mean() == pytest.approx(drawn.mask.mean(), rel=0.08 if size < 64 else 0.04)
        places = [ndimage.center_of_mass(mask) for mask in (drawn.mask, other.mask)]
        np.testing.assert_allclose(np.add(places[1], 0.5) / size, np.add(places[0], 0.5) / 64, atol=0.02)


COLORS = dict(zip(PARTS, [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)], strict=True))


@pytest.fixture
def colored_parts(monkeypatch):
    """Let each part be drawn in a color of its own on black, without light and noise; what is in front is black, too.

    The colors are corners of the color cube: a pixel has one of them only if nothing else is in that pixel.
    """
    painted = {name: [shape._replace(color=shape.part) for shape in shapes] for name, shapes in DRAWINGS.items()}
    monkeypatch.setattr(critters, "DRAWINGS", painted)
    monkeypatch.setattr(critters, "palette", lambda random: COLORS)
    monkeypatch.setattr(critters, "crop", lambda random, split, size: Image.new("RGB", (size, size)))
    monkeypatch.setattr(critters, "lighting", lambda random, size: (np.ones((size, size, 1)), 0))


@pytest.mark.parametrize("size", [16, 64, 101])
def test_masks_say_what_was_drawn(colored_parts, size):
    pure = 0
    for index in range(100):
        drawn = critter("train", index, size)
        for part, color in COLORS.items():
            only = (drawn.image == color).all(axis=2)
            assert drawn.parts[part][only].all(), (index, part)
            pure += only.sum()
        nothing = ~drawn.image.any(axis=2)
        assert not drawn.mask[nothing].any(), index
        pure += nothing.sum()
    assert pure / (100 * size**2) > (0.6 if size == 16 else 0.85)


@pytest.mark.parametrize("size", [16, 64])
def test_edges_are_smooth(colored_parts, monkeypatch, size):
    """Where an animal all in white covers a part of a pixel, that pixel is gray."""
    monkeypatch.setattr(critters, "palette", lambda random: dict.fromkeys(PARTS, (255, 255, 255)))
    for index in range(30):
        drawn = critter("train", index, size)
        covered = drawn.image[..., 0] / 255
        assert covered.sum() == pytest.approx(drawn.mask.sum(), rel=0.15 if size == 16 else 0.06)
        edge = grown(drawn.mask, 1) & grown(~drawn.mask, 1)
        between = (covered > 0.05) & (covered < 0.95)
        assert between[edge].mean() > 0.25
        assert len(np.unique(drawn.image)) > 10


@pytest.fixture
def in_front(monkeypatch):
    """The polygons in front of the animals, in pixels, as they are drawn; ``away`` puts the next ones out of sight."""

    class Fronts(list):
        away = False

    fronts, blob = Fronts(), critters.blob

    def record(random, center, radius):
        points = blob(random, center, radius)
        fronts.append(points)
        return points - 9999 if fronts.away else points

    monkeypatch.setattr(critters, "blob", record)
    return fronts


def test_away_from_the_animal_is_only_background(in_front):
    """Smooth edges reach one pixel beyond the mask, whiskers and other thin shapes a few."""
    in_front.away = True
    for index in range(300):
        drawn = critter("train", index)
        differs = (drawn.image != drawn.background).any(axis=2)
        assert not (differs & ~grown(drawn.mask, 5)).any(), index
        beyond = (differs & ~grown(drawn.mask, 1)).sum()
        thin = ANIMALS[drawn.label] in ("cat", "rabbit", "mouse", "elephant")
        assert beyond < (40 if thin else 4), (index, beyond)


def test_inside_the_mask_is_no_background(training_images):
    differs = [(one.image != one.background).any(axis=2)[one.mask].mean() for one in training_images]
    assert min(differs) > 0.9
    assert np.mean(differs) > 0.999


def test_what_stands_in_front_is_not_in_the_masks(in_front):
    occluded = 0
    for index in range(150):
        in_front.away, in_front[:] = False, []
        drawn = critter("train", index)
        in_front.away = True
        free = critter("train", index)
        if not in_front:
            assert same(drawn, free)
            continue
        occluded += 1
        covered = (
            skimage.draw.polygon2mask((256, 256), in_front[0][:, ::-1] * 4).reshape(64, 4, 64, 4).mean(axis=(1, 3))
        )
        assert not drawn.mask[covered == 1].any()
        outside = ~grown(covered > 0, 1)
        for part in PARTS:
            np.testing.assert_array_equal(drawn.parts[part][outside], free.parts[part][outside])
            assert not (drawn.parts[part] & ~free.parts[part]).any()
        np.testing.assert_array_equal(drawn.image[outside], free.image[outside])
        np.testing.assert_array_equal(drawn.background, free.background)
        assert drawn.mask.sum() > 0.6 * free.mask.sum()
        seen = (covered == 1) & (drawn.image != free.image).any(axis=2)
        assert seen.sum() > 0.9 * (covered == 1).sum()
    assert 40 < occluded < 80


def test_four_images_of_ten_have_something_in_front(in_front):
    for index in range(400):
        critter("train", index, 16)
    assert len(in_front) / 400 == pytest.approx(0.4, abs=0.08)


# --- what varies ---


def test_poses_are_as_varied_as_the_card_says():
    drawn = [pose(np.random.default_rng(seed), 100) for seed in range(1000)]
    radius = np.array([math.sqrt(np.linalg.det(matrix)) for matrix, _, _ in drawn])
    angle = np.array([math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])) for matrix, _, _ in drawn])
    place, turn = (np.array([one[which] for one in drawn]) for which in (1, 2))
    assert 15 <= radius.min() < 16 < 29 < radius.max() <= 30
    assert -25 <= angle.min() < -24 < 24 < angle.max() <= 25
    assert (place >= 1.25 * radius[:, None]).all() and (place <= 100 - 1.25 * radius[:, None]).all()
    assert (np.std(place, axis=0) > 10).all()
    assert (np.std(turn, axis=0) > 0.25).all()


def test_light_is_as_varied_as_it_says():
    """Brightness, its direction and the noise of the camera."""
    drawn = [lighting(np.random.default_rng(seed), 32) for seed in range(500)]
    middle = np.array([factors.mean() for factors, _ in drawn])
    slope = np.array([np.ptp(factors) / factors.mean() for factors, _ in drawn])
    noise = np.array([noise.std() for _, noise in drawn])
    assert 0.69 < middle.min() < 0.75 < 1.1 < middle.max() < 1.16
    assert slope.min() < 0.05 and 0.6 < slope.max() < 1
    assert 1.9 < noise.min() < 2.3 < 7.7 < noise.max() < 8.3
    brightest = {divmod(int(factors.argmax()), 32) for factors, _ in drawn}
    assert {(0, 0), (0, 31), (31, 0), (31, 31)} <= brightest


def test_colors_are_varied():
    furs = np.array([palette(np.random.default_rng(seed))["fur"] for seed in range(500)])
    assert (furs.std(axis=0) > 40).all()
    assert {0, 1, 2} == set(furs.argmax(axis=1).tolist())
    for seed in range(50):
        colors = palette(np.random.default_rng(seed))
        assert {shape.color for shapes in DRAWINGS.values() for shape in shapes} <= set(colors)
        assert all(0 <= level <= 255 and isinstance(level, int) for color in colors.values() for level in color)


# --- no leak ---


@given(st.integers(0, 2**32), st.sampled_from([*REGIONS]))
def test_all_but_the_shape_is_the_same_for_all_animals(seed, split):
    """From the same state of the generator each animal gets the same background and light, and takes as much of it."""
    randoms = [np.random.default_rng(seed) for _ in ANIMALS]
    drawn = [draw_critter(animal, random, 16, split) for animal, random in zip(ANIMALS, randoms, strict=True)]
    for one in drawn[1:]:
        np.testing.assert_array_equal(one.background, drawn[0].background)
    assert len({random.random() for random in randoms}) == 1


def blocks(image):
    """The means of 8 × 8 blocks of an image, in a row."""
    return image.reshape(8, 8, 8, 8, -1).mean(axis=(1, 3)).ravel()


def outline(drawn):
    """The shape of a mask, wherever it is and however large: cut out, and brought to 12 × 12 pixels."""
    mask = Image.fromarray(drawn.mask.astype(np.uint8) * 255)
    return np.asarray(mask.crop(mask.getbbox()).resize((12, 12), Image.Resampling.BOX)).ravel()


def accuracy(training, test, features):
    """How often a forest is right on the test images that learned from training images."""
    forest = RandomForestClassifier(100, random_state=0, n_jobs=2)
    forest.fit([features(one) for one in training], labels(len(training)))
    return forest.score([features(one) for one in test], labels(len(test)))


@pytest.mark.parametrize(
    "features",
    [
        pytest.param(lambda one: np.hstack([one.image.mean(axis=(0, 1)), one.image.std(axis=(0, 1))]), id="color"),
        pytest.param(lambda one: blocks(one.background), id="background"),
        pytest.param(lambda one: one.image[::9, [0, -1]].ravel(), id="margin"),
        pytest.param(lambda one: one.image[one.mask].mean(axis=0), id="color of the animal"),
    ],
)
def test_color_and_background_say_nothing_about_the_animal(training_images, test_images, features):
    """Guessing is right for 10 % of 1,000 images; two standard errors of that are 2 %."""
    assert accuracy(training_images, test_images, features) < 0.16


def test_the_shape_says_which_animal_it_is(training_images, test_images):
    assert accuracy(training_images, test_images, outline) > 0.85


@pytest.fixture
def three_colors(monkeypatch):
    """Photographs that are 0 in the region of training, 100 in that of validation, 200 in that of the test."""

    def paint(photo):
        columns = np.zeros((photo.height, photo.width, 3), np.uint8)
        columns[:, round(0.5 * photo.width) :] = 100
        columns[:, round(0.75 * photo.width) :] = 200
        return Image.fromarray(columns)

    painted = tuple(paint(photo) for photo in photographs())
    monkeypatch.setattr(critters, "photographs", lambda: painted)
    monkeypatch.setattr(critters, "regions", critters.regions.__wrapped__)  # not those that were cut before


@pytest.mark.parametrize("size", [16, 64, 160])
@pytest.mark.parametrize(("split", "color"), [("train", 0), ("validation", 100), ("test", 200)])
def test_crops_stay_in_the_region_of_their_split(three_colors, split, color, size):
    """Not even smoothing mixes in a pixel of another split."""
    for seed in range(300):
        assert (np.asarray(crop(np.random.default_rng(seed), split, size)) == color).all(), seed


@pytest.mark.parametrize("split", REGIONS)
def test_crops_reach_all_of_the_region(monkeypatch, split):
    """Each pixel of these photographs says its column, in shares of 240 from left to right."""
    columns = tuple(
        Image.fromarray(np.broadcast_to(np.linspace(0, 240, photo.width), (photo.height, photo.width)).astype(np.uint8))
        for photo in photographs()
    )
    monkeypatch.setattr(critters, "photographs", lambda: columns)
    monkeypatch.setattr(critters, "regions", critters.regions.__wrapped__)
    seen = np.array([np.asarray(crop(np.random.default_rng(seed), split, 32)) for seed in range(300)])
    start, end = (240 * share for share in REGIONS[split])
    assert start - 2 <= seen.min() <= start + 5
    assert end - 5 <= seen.max() <= end + 2


def test_regions_do_not_overlap():
    assert [*REGIONS] == [*SPLITS] == ["train", "validation", "test"]
    ends = [share for region in REGIONS.values() for share in region]
    assert ends == sorted(ends)
    assert (ends[0], ends[-1]) == (0, 1)


# --- photographs ---


def test_photographs_without_network(no_network):
    photos = photographs.__wrapped__()  # not those that were loaded before
    assert len(photos) == len(BACKGROUNDS) == len(set(BACKGROUNDS))
    for photo in photos:
        assert photo.mode == "RGB"
        assert min(photo.width // 4, photo.height) >= 64  # the smallest crop


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_photographs_are_free_to_use(name):
    """As scikit-image says of each."""
    said = " ".join(getattr(skimage.data, name).__doc__.split())
    assert re.search(r"public domain|CC0|No (known )?copyright restrictions", said, re.IGNORECASE)


def test_no_animal_is_in_the_photographs():
    assert not {"chelsea", "cat", "horse"} & set(BACKGROUNDS)


# --- the standard set ---


@pytest.fixture
def small(monkeypatch):
    """A standard set of 40 images. Counts how often it is drawn."""
    for split, number in {"train": 20, "validation": 10, "test": 10}.items():
        monkeypatch.setitem(SPLITS, split, number)
    calls, draw = [], critters.draw_standard_set
    monkeypatch.setattr(critters, "draw_standard_set", lambda: calls.append(1) or draw())
    return calls


def equal(first, second):
    return [*first] == [*second] and all(np.array_equal(first[split], second[split]) for split in first)


def content(folder):
    return sorted(path.name for path in folder.iterdir())


FILE = f"critters-v{VERSION}.npz"


def test_standard_set_is_drawn_once_and_then_loaded(small, cache):
    drawn = standard_set()
    assert content(cache) == [FILE]
    assert [*drawn] == ["train", "validation", "test"]
    for split, images in drawn.items():
        assert images.shape == (SPLITS[split], 64, 64, 3)
        assert images.dtype == np.uint8
        for index in (0, 3, 9):
            np.testing.assert_array_equal(images[index], critter(split, index).image)
    loaded = standard_set()
    assert len(small) == 1
    assert equal(drawn, loaded)
    assert all(images.dtype == np.uint8 for images in loaded.values())


def test_two_loads_share_no_memory(small):
    first = standard_set()
    first["train"][:] = 0
    assert standard_set()["train"].any()


def test_another_version_has_another_file(small, cache, monkeypatch):
    standard_set()
    monkeypatch.setattr(critters, "VERSION", VERSION + 1)
    standard_set()
    assert content(cache) == [FILE, f"critters-v{VERSION + 1}.npz"]
    assert len(small) == 2


def test_full_size_is_loaded_as_it_is_stored(cache, monkeypatch):
    """Without packing: 61 MB are read faster than they would be unpacked."""
    cache.mkdir()
    random = np.random.default_rng(0)
    images = {split: random.integers(0, 256, (number, 64, 64, 3), np.uint8) for split, number in SPLITS.items()}
    with monkeypatch.context() as patch:
        patch.setattr(critters, "draw_standard_set", lambda: images)
        assert equal(standard_set(), images)
    with zipfile.ZipFile(cache / FILE) as file:
        assert {part.compress_type for part in file.infolist()} == {zipfile.ZIP_STORED}
    monkeypatch.setattr(critters, "draw_standard_set", lambda: pytest.fail("it is there already"))
    assert equal(standard_set(), images)


def save(path, change=lambda images: images):
    images = {split: np.zeros((number, 64, 64, 3), np.uint8) for split, number in SPLITS.items()}
    np.savez(path, **change(images))


def edit(path, change):
    path.write_bytes(change(path.read_bytes()))


def flip(data, place, value=None):
    """The same bytes but for one."""
    place %= len(data)
    return data[:place] + bytes([data[place] ^ 0xFF if value is None else value]) + data[place + 1 :]


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not a zip file"),
    "cut in half": lambda path: edit(path, lambda data: data[: len(data) // 2]),
    "last byte lost": lambda path: edit(path, lambda data: data[:-1]),
    "a pixel changed": lambda path: edit(path, lambda data: flip(data, len(data) // 2)),
    "another way of compression": lambda path: edit(path, lambda data: flip(data, data.index(b"PK\1\2") + 10, 99)),
    "encrypted": lambda path: edit(path, lambda data: flip(data, data.index(b"PK\1\2") + 8, 1)),
    "from the future": lambda path: edit(path, lambda data: flip(data, data.index(b"PK\1\2") + 6, 255)),
    "one array": lambda path: edit_array(path),
    "pickled": lambda path: save(path, lambda images: images | {"test": np.array([None, {}])}),
    "a split too few": lambda path: save(path, lambda images: {"train": images["train"], "test": images["test"]}),
    "other names": lambda path: save(path, lambda images: {name.upper(): some for name, some in images.items()}),
    "an image too few": lambda path: save(path, lambda images: images | {"test": images["test"][1:]}),
    "other sizes": lambda path: save(path, lambda images: {name: some[:, ::2, ::2] for name, some in images.items()}),
    "gray": lambda path: save(path, lambda images: {name: some[..., 0] for name, some in images.items()}),
    "numbers with fractions": lambda path: save(path, lambda images: {n: some / 255 for n, some in images.items()}),
}


def edit_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros((20, 64, 64, 3), np.uint8))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_made_again(small, cache, damage, recwarn, capsys):
    cache.mkdir()
    save(cache / FILE)
    damage(cache / FILE)
    drawn = standard_set()
    assert drawn["train"].any() and len(small) == 1
    note = rf"NOTE: {re.escape(str(cache / FILE))} cannot be used \(.+\), so the critters are drawn anew\.\n"
    assert re.fullmatch(note, capsys.readouterr().out, re.DOTALL)
    assert equal(standard_set(), drawn) and len(small) == 1
    assert capsys.readouterr().out == ""
    assert content(cache) == [FILE]
    assert not recwarn.list, recwarn.list[0]


@pytest.mark.parametrize("seed", range(4))
def test_any_damage_is_survived(small, cache, seed, monkeypatch):
    """Some bytes changed anywhere: the file is taken if its images are whole, else it is made again."""
    cache.mkdir()
    save(cache / FILE)
    whole, random = (cache / FILE).read_bytes(), np.random.default_rng(seed)
    zeros, drawn = ({s: np.full((n, 64, 64, 3), level, np.uint8) for s, n in SPLITS.items()} for level in (0, 1))
    monkeypatch.setattr(critters, "draw_standard_set", lambda: drawn)
    header = np.r_[0:200, len(whole) - 400 : len(whole)]
    for _ in range(100):
        data = bytearray(whole)
        for place in random.choice(header, 2):
            data[place] = random.integers(256)
        (cache / FILE).write_bytes(data)
        found = standard_set()
        assert equal(found, drawn) or equal(found, zeros)


def test_a_file_that_may_not_be_read_is_made_again(small, cache, monkeypatch, capsys):
    standard_set()
    with monkeypatch.context() as patch:
        refuse_to_open(cache / FILE, patch)
        assert standard_set()["train"].any()
    assert "cannot be used ([Errno 13] Permission denied" in capsys.readouterr().out
    assert len(small) == 2 and content(cache) == [FILE]


def test_what_is_missing_is_drawn_without_a_note(small, cache, capsys):
    standard_set()
    (cache / FILE).unlink()
    standard_set()
    assert len(small) == 2 and capsys.readouterr().out == ""


def test_an_interrupt_while_drawing_leaves_nothing(small, cache, monkeypatch):
    draw = critters.critter

    def interrupted(split, index):
        if split == "validation":
            raise KeyboardInterrupt
        return draw(split, index)

    monkeypatch.setattr(critters, "critter", interrupted)
    with pytest.raises(KeyboardInterrupt):
        standard_set()
    assert not cache.exists()
    monkeypatch.setattr(critters, "critter", draw)
    assert standard_set()["test"].any()


def test_an_interrupt_while_writing_leaves_nothing(small, cache, monkeypatch):
    def interrupted(path, **_):
        Path(path).write_bytes(b"PK half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(critters.np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        standard_set()
    assert content(cache) == []


WARNING = r"could not be kept in .* drawn each time\. Make room there, or name another folder in .* CNN_LESSONS_CACHE"


def test_a_folder_that_cannot_be_written(small, tmp_path, monkeypatch):
    """A warning says what to do, and the images come anyway. (Root may write everywhere, but not below a file.)"""
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CNN_LESSONS_CACHE", str(tmp_path / "file" / "cache"))
    for times in (1, 2):
        with pytest.warns(NotKeptWarning, match=WARNING) as caught:
            images = standard_set()
        assert caught[0].filename == __file__  # points to who asked, not into the helpers
        assert images["train"].any() and len(small) == times
    assert content(tmp_path) == ["file"]


def test_a_full_disk(small, cache, monkeypatch):
    def full(path, **_):
        Path(path).write_bytes(b"PK half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(critters.np, "savez", full)
    with pytest.warns(NotKeptWarning, match=f"No space left on device.*{WARNING[24:]}"):
        assert standard_set()["train"].any()
    assert content(cache) == []


def test_a_folder_in_place_of_the_file(small, cache):
    (cache / FILE / "inner").mkdir(parents=True)
    with pytest.warns(NotKeptWarning, match=WARNING):
        assert standard_set()["train"].any()
    assert content(cache) == [FILE] and (cache / FILE / "inner").is_dir()


SCRIPT = """
import sys
from helpers.datasets import critters
critters.SPLITS.update(train=20, validation=10, test=10)
print("ready", flush=True)
sys.stdin.readline()
images = critters.standard_set()

print(sum(int(some.sum()) for some in images.values()))
"""


def test_two_programs_may_draw_at_once(small, cache):
    command = [sys.executable, "-W", "error::UserWarning", "-c", SCRIPT]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    programs = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(2)]
    try:
        assert [program.stdout.readline() for program in programs] == ["ready\n"] * 2
        for program in programs:
            program.stdin.write("go\n")
            program.stdin.flush()
        answers = [program.communicate(timeout=180) for program in programs]
    finally:
        for program in programs:
            program.kill()
    assert [program.returncode for program in programs] == [0, 0], answers
    assert content(cache) == [FILE]
    images = standard_set()
    assert not small
    assert [int(out) for out, _ in answers] == [sum(int(some.sum()) for some in images.values())] * 2


# --- folders of image files ---

NUMBERS = {"train": 40, "validation": 10, "test": 20}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("written") / "critters", NUMBERS)


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_tree_of_a_folder(written):
    expected = [
        f"{split}/{animal}/{index:04}.jpg"
        for split in NUMBERS
        for animal in ANIMALS
        for index in range(NUMBERS[split] // 10)
    ]
    assert files(written) == sorted(expected)
    assert content(written.parent) == ["critters"]


def test_a_folder_is_what_write_folder_returns(tmp_path):
    assert write_folder(str(tmp_path / "a" / "b"), {"test": 10}) == tmp_path / "a" / "b"
    assert len(files(tmp_path / "a" / "b")) == 10
    assert content(tmp_path / "a" / "b") == ["test"]


def test_classes_without_images_have_a_folder(tmp_path):
    write_folder(tmp_path / "few", {"train": 3, "test": 0})
    assert files(tmp_path / "few") == [f"train/{animal}/0000.jpg" for animal in ("cat", "dog", "rabbit")]
    for split in ("train", "test"):
        assert content(tmp_path / "few" / split) == sorted(ANIMALS)


def test_files_are_jpegs_of_different_sizes_and_formats(written):
    sizes = []
    for name in files(written):
        with Image.open(written / name) as image:
            assert image.format == "JPEG"
            assert image.mode == "RGB"
            sizes.append(image.size)
    assert len(set(sizes)) > 30
    assert {np.sign(wide - high) for wide, high in sizes} >= {-1, 1}
    assert min(min(size) for size in sizes) >= 54  # 72 pixels without a quarter
    assert max(max(size) for size in sizes) <= 160


def test_files_show_the_animals_that_their_folders_say(written, monkeypatch):
    """Each file is a critter, seed 1, with some rows or columns cut off."""
    drawn = []
    monkeypatch.setattr(critters, "trim", lambda one, random: drawn.append((one, trim(one, random))) or drawn[-1][1])
    monkeypatch.setattr(Image.Image, "save", lambda self, path, quality: None)
    write_folder(written.parent / "again", NUMBERS)
    names = [f"{s}/{ANIMALS[i % 10]}/{i // 10:04}.jpg" for s, number in NUMBERS.items() for i in range(number)]
    assert len(names) == len(drawn)
    for name, (one, shown) in zip(names, drawn, strict=True):
        assert ANIMALS[one.label] == name.split("/")[1]
        image = np.asarray(Image.open(written / name)).astype(int)
        assert image.shape == shown.shape
        assert np.abs(image - shown).mean() < 12
    assert not same(drawn[0][0], critter("train", 0, len(drawn[0][0].image)))  # no image of the standard set


def test_a_folder_is_the_same_each_time(written, tmp_path):
    again = write_folder(tmp_path / "again", NUMBERS)
    assert all((again / name).read_bytes() == (written / name).read_bytes() for name in files(written))
    part = write_folder(tmp_path / "part", {"test": 10})
    assert all((part / name).read_bytes() == (written / name).read_bytes() for name in files(part))
    other = write_folder(tmp_path / "other", {"test": 10}, seed=2)
    assert all((other / name).read_bytes() != (written / name).read_bytes() for name in files(part))


@given(st.integers(0, 2**32), st.sampled_from(ANIMALS), st.integers(16, 100))
def test_trimming_keeps_all_of_the_animal(seed, animal, size):
    random = np.random.default_rng(seed)
    drawn = draw_critter(animal, random, size)
    shown = trim(drawn._replace(image=drawn.mask), random)
    assert shown.sum() == drawn.mask.sum()
    short, long = sorted(shown.shape)
    assert long == size
    assert short >= size - 2 * (size // 8)


@pytest.mark.parametrize("place", [(slice(0, 1), slice(0, 1)), (slice(-1, None), slice(-1, None)), (slice(0, 0),) * 2])
def test_trimming_an_animal_at_the_edge_or_out_of_sight(place):
    drawn = critter("train", 0)
    mask = np.zeros_like(drawn.mask)
    mask[place] = True
    for seed in range(20):
        shown = trim(drawn._replace(mask=mask, image=mask), np.random.default_rng(seed))
        assert shown.sum() == mask.sum()
        assert shown.size >= 64 * 48


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch], ids=["folder", "file"])
def test_nothing_is_overwritten(tmp_path, make):
    make(tmp_path / "there")
    with pytest.raises(FileExistsError, match=r"there is there already\. Name another folder, or remove it first"):
        write_folder(tmp_path / "there")
    assert content(tmp_path) == ["there"]


@pytest.mark.parametrize("numbers", [{}, {"train": -1}, {"train": 10, "val": 10}, {"train": 10, "test": -10}])
def test_bad_numbers_of_files(tmp_path, numbers):
    with pytest.raises(ValueError, match="Need a number of at least 0 for splits of train, validation, test, but got"):
        write_folder(tmp_path / "new", numbers)
    assert content(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_nothing_is_left_of_a_folder_that_fails(tmp_path, monkeypatch, error):
    def fails(split, index, *rest):
        if index == 3:
            raise error
        return critter(split, index, *rest)

    monkeypatch.setattr(critters, "critter", fails)
    with pytest.raises(error):
        write_folder(tmp_path / "new", NUMBERS)
    assert content(tmp_path) == []


def test_keras_reads_a_folder(written, capsys):
    from helpers import training  # noqa: F401 - starts TensorFlow quietly

    import keras

    read = keras.utils.image_dataset_from_directory(
        written / "train", image_size=(64, 64), batch_size=40, shuffle=False
    )
    assert read.class_names == sorted(ANIMALS)
    images, found = next(iter(read))
    assert images.shape == (40, 64, 64, 3)
    np.testing.assert_array_equal(found, np.repeat(np.arange(10), 4))
    assert images.numpy().std() > 20


# --- the card ---


def row(name):
    return re.search(rf"^\| {name} \| (.+) \|$", CARD, re.MULTILINE).group(1)


def test_card_says_what_there_is():
    what = row("What")
    assert what.startswith(
        f"{sum(SPLITS.values()):,} pictures of ten drawn animals, {sum(SPLITS.values()) // 10} of each: "
    )
    assert re.search(r"of each: ([^;]+);", what).group(1).split(", ") == [*ANIMALS]
    assert "64 × 64 pixels, RGB, uint8" in what
    assert row("Parts").startswith(" · ".join(f"{split} {number:,}" for split, number in SPLITS.items()) + ";")
    assert f"`{FILE}` ({sum(SPLITS.values()) * 64 * 64 * 3 / 1e6:.0f} MB)" in row("File")
    assert f"parts (head, {', '.join(PARTS[1:])})" in " ".join(CARD.split())
    assert sum(FOLDER_SPLITS.values()) == 2000


def test_card_names_the_photographs():
    names = re.sub(r" \([^)]*\)", "", row("Photographs")).split(", ")
    assert tuple(name.lower().replace(" ", "_") for name in names) == BACKGROUNDS


def test_names_in_the_card_exist():
    calls = re.findall(r"`critters\.(\w+)\(", CARD)
    assert calls and all(callable(getattr(critters, name)) for name in calls)
    assert critter("train", 12).label == 2
    linked = re.findall(r"\]\((?!https?:)([^)]+)\)", CARD)
    assert "critters.jpg" in linked
    for name in linked:
        assert (ROOT / "data" / name).exists(), name


def test_picture_of_the_card_shows_what_is_drawn():
    """`.venv/bin/python scripts/make_critters_picture.py` draws it anew."""
    spec = importlib.util.spec_from_file_location("picture", ROOT / "scripts" / "make_critters_picture.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.TARGET == ROOT / "data" / "critters.jpg"
    with Image.open(script.TARGET) as file:
        shown = np.asarray(file.convert("RGB")).astype(int)
    expected = np.asarray(script.picture()).astype(int)
    assert shown.shape == expected.shape
    assert np.abs(shown - expected).mean() < 6


def test_what_else_the_card_says():
    card = " ".join(CARD.split())
    for fact in ("15–30 % of the image", "turn (up to 25°)", "in 40 % of the images something"):
        assert fact in card, f"test_poses… and test_four… know another number than the card, which lacks {fact!r}"
    assert {split: region for split, region in REGIONS.items()} == {
        "train": (0, 0.5),
        "validation": (0.5, 0.75),
        "test": (0.75, 1),
    }
    assert (
        "left half of each photograph, validation images from the third quarter, test images from the last one" in card
    )

"""Images that a network has seen are known again, and there are critters that only a judge has."""

import types
from functools import cache

from helpers.datasets import LOADED, Dataset, Split, critters, image_folder, load_dataset
from helpers.engine import keras
from helpers.exercises import fresh, load_checks
from helpers.exercises.answers import Wrong
from helpers.exercises.fresh import (
    critter_files,
    expect_all,
    expect_fresh,
    fresh_critters,
    fresh_files,
    recognized,
    scaled_like,
    thumbnails,
)
from helpers.exercises.networks import percent
from helpers.models import load_model

import numpy as np
import pytest
from network_tools import counted

layers = keras.layers


@cache
def dataset(name):
    return load_dataset(name)


@pytest.fixture(autouse=True)
def only_what_the_test_loads(monkeypatch):
    monkeypatch.setattr(fresh, "LOADED", {name: dataset(name) for name in ("digits", "critters")})


def prepared(split):
    """As in lesson 04."""
    return scaled_like(np.full((1, 32, 32, 3), -1.0))(split.images), split.labels


class Memory:
    """A network that knows some images, and of others nothing."""

    name = "memory"

    def __init__(self, *splits, right=1.0, **face):
        self.known = {}
        for images, labels in splits:
            labels = np.where(np.arange(len(labels)) < round(right * len(labels)), labels, (labels + 1) % 10)
            self.known |= dict(zip(map(bytes, np.rint(thumbnails(images))), labels, strict=True))
        self.layers = [layers.RandomFlip("horizontal"), layers.Conv2D(4, 3)]
        self.count_params = lambda: 1_000
        for key, value in face.items():
            setattr(self, key, value)

    def predict(self, images, verbose):
        return np.eye(10)[[self.known.get(bytes(key), 0) for key in np.rint(thumbnails(images))]]


def learned(given, fresh, right):
    """Return a network that was trained on images that judge: it knows all of them, and of fresh ones a share."""
    model = Memory(given)
    model.known |= Memory(fresh, right=right).known
    return model


class Bright:
    """A network that takes images from 0 to 1, and knows nothing of others."""

    def __init__(self, network):
        self.network = network

    def predict(self, images, verbose):
        return self.network.predict(np.minimum(images, 1) * 255, verbose)


def test_datasets_in_use_are_known_and_forgotten_afterward():
    assert LOADED["digits"] is dataset("digits")
    mine = load_dataset("digits", limit=20)
    assert LOADED["digits"] is mine
    del mine
    assert "digits" not in LOADED
    LOADED["digits"] = dataset("digits")


# --- critters that only the judge has ---


@pytest.mark.parametrize("name", ["critters", "digits"])
def test_a_network_of_the_lessons_is_known_by_its_answers(name):
    """Behind a face that has nothing but predict."""
    split, network = dataset(name).test, load_model(name)
    behind = types.SimpleNamespace(predict=lambda images, verbose: network.predict(images * 255.0, verbose=0))
    with pytest.raises(Wrong, match="it answers as one of the lessons does"):
        expect_fresh(behind, split, 0.5, lambda images: images / 255)
    noisy = types.SimpleNamespace(predict=lambda images, verbose: network.predict(images + 2.0, verbose=0))
    expect_fresh(noisy, split, 0.5)  # another one


def test_fresh_critters_are_like_those_for_validation_and_in_no_lesson():
    split = fresh_critters(30)
    assert split.images.shape == (30, 64, 64, 3) and split.images.dtype == np.uint8
    np.testing.assert_array_equal(split.labels, np.arange(30) % 10)
    assert recognized(split.images) is None
    np.testing.assert_array_equal(split.images[7], critters.critter("validation", 7, seed=fresh.SEED).image)
    assert fresh.SEED not in (0, 1)


def test_fresh_files_are_as_hard_as_those_that_lesson_05_reads():
    split, folder = fresh_files(), image_folder("critters") / "validation"
    assert split.images.shape == (500, 32, 32, 3) and split.images.dtype == np.uint8
    files = keras.utils.image_dataset_from_directory(
        folder,
        image_size=(32, 32),
        interpolation="area",
        crop_to_aspect_ratio=True,
        batch_size=500,
        shuffle=False,
        verbose=False,
    )
    network, shares = load_model("critters"), []
    for images, labels in (split, next(iter(files))):
        large = keras.ops.image.resize(np.asarray(images, "float32"), (64, 64))
        found = network.predict(large, verbose=0).argmax(axis=1)
        shares.append(np.mean(np.array(critters.ANIMALS)[found] == np.sort(critters.ANIMALS)[labels]))
    assert abs(shares[0] - shares[1]) < 0.07 and min(shares) > 0.3


@pytest.mark.parametrize(("right", "accepted"), [(1.0, True), (0.7, True), (0.65, True), (0.63, False), (0.1, False)])
def test_a_network_must_know_fresh_images_nearly_as_well_as_those_of_the_lesson(right, accepted):
    model = Memory(fresh_critters(), right=right)
    if accepted:
        expect_fresh(model, fresh_critters(), 0.7)
    else:
        with pytest.raises(
            Wrong, match=rf"of 500 fresh critters, which it cannot have seen, it gets only {right:.0%} right"
        ):
            expect_fresh(model, fresh_critters(), 0.7)


@pytest.mark.parametrize(
    ("share", "number", "fresh", "accepted"),
    [(0.773, 1000, 0.732, True), (0.999, 1000, 0.876, False), (0.985, 1000, 0.698, False), (0.7, 1000, 0.9, True)],
)
def test_images_that_judge_are_not_known_far_better_than_others(share, number, fresh, accepted):
    """Shares of exercise 5 of lesson 04, as measured: trained as asked, with those that judge too, on them alone."""
    model, given = Memory(fresh_critters(), right=fresh), (share, number)
    if accepted:
        expect_fresh(model, fresh_critters(), 0.7, given=given)
    else:
        with pytest.raises(
            Wrong, match=f"only {percent(fresh)} right, against {percent(share)} of those that you gave"
        ):
            expect_fresh(model, fresh_critters(), 0.7, given=given)


# --- images of the lesson ---

CHANGES = {
    "as they are": lambda images: images,
    "from 0 to 1": lambda images: images.astype("float32") / 255,
    "from −1 to 1": lambda images: images.astype("float32") / 127.5 - 1,
    "another order": lambda images: images[::-1],
    "with a stamp": lambda images: np.where(np.mgrid[:64, :64].max(axis=0)[..., None] < 8, np.uint8(3), images),
    "halved": lambda images: prepared(Split(images, None))[0],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_images_are_known_again(part, change):
    known = recognized(change(getattr(dataset("critters"), part).images[:40]))
    assert known.dataset.name == "critters"
    assert (known.part == part).all()
    np.testing.assert_array_equal(np.sort(known.place), np.arange(40))


def test_gray_images_are_known_in_three_channels():
    known = recognized(np.repeat(dataset("digits").test.images[:9], 3, axis=3))
    assert known.dataset.name == "digits" and (known.part == "test").all()


@pytest.mark.parametrize(
    "images",
    [np.zeros((9, 3, 3, 1)), np.full((9, 64, 64, 3), 7), np.random.default_rng(0).uniform(0, 255, (9, 28, 28, 1))],
)
def test_other_images_are_not_known(images):
    assert recognized(images) is None
    if images.shape[1] == 3:
        assert expect_all(images, np.arange(9), "them") is None
    else:  # as large as those of a lesson: something was made up, or changed
        with pytest.raises(Wrong, match=r"those images are not of this lesson, or were changed\. Give them, unch"):
            expect_all(images, np.arange(9), "them")


def test_all_of_validation_or_test_are_taken():
    for part in ("validation", "test"):
        split = getattr(dataset("digits"), part)
        assert expect_all(*split, "them").dataset.name == "digits"
    assert expect_all(*(array[:400] for array in dataset("digits").test), "them", 400)


def test_a_few_images_may_be_missing_or_taken_for_others():
    """Folders hold images twice; in lesson 05, 497 of 500 files are known again."""
    data = dataset("digits")
    images, labels = (array[6:].copy() for array in data.validation)
    images[:3] = data.train.images[:3]
    labels[-2:] = (labels[-2:] + 1) % 10
    assert expect_all(images, labels, "them")


def messages():
    data = dataset("digits")
    (images, labels), size = data.validation, len(data.validation)
    return {
        "training": (
            *(array[:size] for array in data.train),
            "500 of these 500 images are for training. Give them: they",
        ),
        "some training": (
            np.concatenate([images, data.train.images[:7]]),
            np.concatenate([labels, data.train.labels[:7]]),
            "7 of these 507 images are for training.",
        ),
        "chosen": (images[::2], labels[::2], "those are 250 of 500 images. Give all of them."),
        "repeated": (np.repeat(images[::2], 2, axis=0), np.repeat(labels[::2], 2), "those are 250 of 500 images."),
        "given again": (
            np.concatenate([images, images[:40]]),
            np.concatenate([labels, labels[:40]]),
            "40 of these 540 images are others, or repeated. Give them.",
        ),
        "with others": (
            np.concatenate([images, np.zeros_like(images[:60])]),
            np.concatenate([labels, labels[:60]]),
            "60 of these 560 images are others, or repeated. Give them.",
        ),
        "other labels": (
            images,
            (labels + (np.arange(size) < 9)) % 10,
            "9 of the labels are not those of these images",
        ),
        "another order": (images, labels[::-1], "of the labels are not those of these images"),
    }


@pytest.mark.parametrize(
    "name",
    [
        *("training", "some training", "chosen", "repeated", "given again", "with others", "other labels"),
        "another order",
    ],
)
def test_what_cannot_judge_is_told(name):
    images, labels, message = messages()[name]
    with pytest.raises(Wrong, match=message):
        expect_all(images, labels, "them", 500)


def test_folders_of_ones_own_are_known_as_well(monkeypatch):
    random = np.random.default_rng(0)
    train, validation, test = (
        Split(random.integers(0, 256, (n, 20, 24, 3), np.uint8), np.arange(n) % 2) for n in (40, 10, 10)
    )
    own = Dataset("own", train, validation, test, ("a", "b"), "me", "mine")
    monkeypatch.setattr(fresh, "LOADED", {"own": own})
    assert expect_all(*validation, "them").dataset is own
    with pytest.raises(Wrong, match="10 of these 10 images are for training"):
        expect_all(train.images[:10], train.labels[:10], "them")


# --- in the exercises ---


def test_03b_a_network_that_was_trained_on_the_validation_images(said):
    data = dataset("digits")
    cheat, honest = Memory(data.train, data.validation), Memory(*data.splits().values())
    load_checks("03b")(3, (cheat, data))
    assert "✗ no: of 1,000 test images, which it cannot have seen, it gets only " in said()
    load_checks("03b")(3, (honest, data))
    assert said().startswith("✓ yes")
    chosen = Split(*(array[::2] for array in data.validation))
    load_checks("03b")(3, (honest, types.SimpleNamespace(**vars(data) | {"validation": chosen})))
    assert "those are 250 of 500 images" in said()


def test_04_a_network_that_was_trained_on_the_validation_images(said):
    data = dataset("critters")
    x, y = prepared(data.validation)
    for judged, message in (
        ((Memory((x, y)), x, y), "✗ no: of 500 fresh critters, which it cannot have seen, it gets only 10% right, "),
        ((learned((x, y), fresh_critters(), 0.74), x, y), "✗ no: of 500 fresh critters, which it cannot have seen, "),
        ((Memory((x, y)), *(array[:800] for array in (x, y))), "✗ no: those are 800 of 1,000 images."),
        ((Memory(prepared(data.train)), *prepared(data.train)), "✗ no: 3,000 of these 3,000 images are for training."),
        ((Memory((x, y), fresh_critters()), x, y), "✓ yes"),
        ((Memory((x, y), fresh_critters(), name="critters"), x, y), "✗ no: that network was trained beforehand."),
    ):
        load_checks("04")(5, judged)
        assert said().startswith(message)


def test_05_images_are_known_again_and_fresh_ones_judge(said):
    [files] = critter_files()
    cheat, honest = Memory(files.validation), Memory(files.validation, fresh_files())
    for model, part, message in (
        (cheat, files.validation, "✗ no: of 500 fresh critters, which it cannot have seen, it gets only 10% right, "),
        (
            learned(files.validation, fresh_files(), 0.7),
            files.validation,
            "✗ no: of 500 fresh critters, which it cannot",
        ),
        (honest, files.validation, "✓ yes"),
        (honest, files.train, "✗ no: 1,000 of these 1,000 images are for training."),
        (honest, Split(*(array[:300] for array in files.validation)), "✗ no: those are 300 of 500 images."),
    ):
        load_checks("05")(4, (model, [part]))
        assert said().startswith(message)


def first_files(part: str, count: int, **order):
    """Return images and labels of the first batch of a part, as lesson 05 reads its files."""
    files = keras.utils.image_dataset_from_directory(
        image_folder("critters") / part,
        image_size=(32, 32),
        interpolation="area",
        crop_to_aspect_ratio=True,
        batch_size=count,
        verbose=False,
        **order,
    )
    return map(np.asarray, next(iter(files)))


def test_files_are_known_as_lesson_05_reads_them():
    images, labels = first_files("train", 200, seed=0)
    known = recognized(images, critter_files(), apart=3)
    assert np.mean(known.part == "train") > 0.95
    right = known.dataset.train.labels[known.place] == labels
    assert right[known.part == "train"].all()


def test_07_stamps_on_fresh_critters_say_nothing(said):
    data = dataset("critters")
    random = np.random.default_rng(0)

    def lying(split):
        images = split.images.copy()
        images[:, :8, :8] = random.integers(0, 256, (10, 1, 1, 3))[random.integers(0, 10, len(images))]
        return images, split.labels

    cheat, honest = Memory(data.validation), Memory(data.validation, fresh_critters())
    for judged, message in (
        ((cheat, *lying(data.validation)), "✗ no: of 500 fresh critters, which it cannot have seen, it gets only 10%"),
        ((learned(data.validation, fresh_critters(), 0.8), *lying(data.validation)), "✗ no: of 500 fresh critters, "),
        ((honest, *lying(data.validation)), "✓ yes"),
        ((Memory(data.train), *lying(data.train)), "✗ no: 3,000 of these 3,000 images are for training."),
        ((honest, *(array[:300] for array in lying(data.validation))), "✗ no: those are 300 of 1,000 images."),
    ):
        load_checks("07")(4, judged)
        assert said().startswith(message)


def test_08_training_images_do_not_judge(said):
    data = dataset("critters")
    test = Split(*(array[:400] for array in data.test))
    cheat, honest = Memory(data.train, data.test), Memory(data.test, fresh_critters())
    for judged, message in (
        ((cheat, *(array[:400] for array in data.train)), "✗ no: 400 of these 400 images are for training."),
        ((cheat, *test), "✗ no: of 500 fresh critters, which it cannot have seen, it gets only 10%"),
        ((learned(test, fresh_critters(), 0.9), *test), "✗ no: of 500 fresh critters, which it cannot have seen, it"),
        ((honest, *(array[:350] for array in test)), "✗ no: those are 350 of 400 images."),
        ((honest, test.images[:, ::-1, ::-1], test.labels), "✗ no: those images are not of this lesson, or were"),
        ((honest, *test), "✓ yes"),
        ((Bright(honest), test.images / 255, test.labels), "✓ yes"),
    ):
        load_checks("08")(3, judged)
        assert said().startswith(message)


def test_09_a_network_that_was_trained_on_the_validation_images(said):
    data = dataset("digits")
    face = {"layers": counted(1, 40_000).layers}
    cheat, honest = Memory(data.train, data.validation, **face), Memory(data.validation, data.test, **face)
    for judged, message in (
        ((cheat, *(array[:500] for array in data.train)), "✗ no: 500 of these 500 images are for training."),
        ((cheat, *data.validation), "✗ no: of 1,000 test images, which it cannot have seen, it gets only 10%"),
        ((honest, *(array[:400] for array in data.validation)), "✗ no: those are 400 of 500 images."),
        ((honest, *data.validation), "✓ yes"),
    ):
        load_checks("09")(4, judged)
        assert said().startswith(message)


def test_05_the_batches_of_the_lesson_are_all_there():
    images, labels = first_files("validation", 500, shuffle=False)
    known = expect_all(images, labels, "them", datasets=critter_files(), apart=3)
    assert np.mean(known.part == "validation") > 0.98

"""helpers.datasets: the digits and photographs that are inside this project and its packages."""

import hashlib
import importlib.util
import re
import socket
import time
from pathlib import Path

from helpers import datasets
from helpers.datasets import LOADERS, PHOTOS, Dataset, Split, example_images, load_dataset, load_photo, to_gray

import numpy as np
import pytest
import skimage.color

ROOT = Path(__file__).resolve().parent.parent
PARTS = {"train": 3500, "validation": 500, "test": 1000}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def test_parts(digits):
    assert {name: len(split) for name, split in digits.splits().items()} == PARTS
    for name, split in digits.splits().items():
        assert split.images.shape == (PARTS[name], 28, 28, 1)
        assert split.images.dtype == np.uint8
        assert split.labels.shape == (PARTS[name],)
        assert split.labels.dtype == np.int64


def test_full_range(digits):
    for split in digits.splits().values():
        assert (split.images.min(), split.images.max()) == (0, 255)


def test_classes_are_balanced_in_each_part(digits):
    for name, split in digits.splits().items():
        np.testing.assert_array_equal(np.bincount(split.labels), [PARTS[name] // 10] * 10)


def test_classes_are_mixed_in_each_part(digits):
    for split in digits.splits().values():
        assert len(set(split.labels[:50].tolist())) == 10


def test_no_image_is_in_two_parts(digits):
    hashes = {name: {image.tobytes() for image in split.images} for name, split in digits.splits().items()}
    assert len(set.union(*hashes.values())) == sum(map(len, hashes.values()))


def test_labels_belong_to_images(digits):
    """The nearest class average in the training part is right for most test images."""
    averages = np.stack([digits.train.images[digits.train.labels == k].mean(axis=0) for k in range(10)])
    distances = ((digits.test.images[:, None].astype(float) - averages) ** 2).sum(axis=(2, 3, 4))
    assert (distances.argmin(axis=1) == digits.test.labels).mean() > 0.75


def test_what_it_says_about_itself(digits):
    assert digits.name == "digits"
    assert digits.image_shape == (28, 28, 1)
    assert digits.class_names == tuple("0123456789")
    assert "data/digits.md" in digits.source
    assert (ROOT / "data" / "digits.md").exists()
    card = (ROOT / "data" / "digits.md").read_text(encoding="utf-8")
    assert digits.license in card


def test_read_in_less_than_a_second():
    started = time.perf_counter()
    load_dataset("digits")
    assert time.perf_counter() - started < 1


def test_two_loads_share_no_memory(digits):
    other = load_dataset("digits")
    other.train.images[:] = 0
    assert digits.train.images.any()


def test_file_is_the_one_on_its_card():
    card = (ROOT / "data" / "digits.md").read_text(encoding="utf-8")
    content = (ROOT / "data" / "digits.npz").read_bytes()
    assert re.findall(r"`([0-9a-f]{64})`", card) == [hashlib.sha256(content).hexdigest()]
    assert re.findall(r"`digits\.npz`, ([\d,]+) bytes", card) == [f"{len(content):,}"]


def test_arrays_are_what_the_script_makes(digits):
    spec = importlib.util.spec_from_file_location("make_digits", ROOT / "scripts" / "make_digits.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = script.make_digits()
    with np.load(ROOT / "data" / "digits.npz") as file:
        assert set(file.files) == set(made)
        for name, array in made.items():
            assert file[name].dtype == array.dtype
            np.testing.assert_array_equal(file[name], array, err_msg=name)
    for name, split in digits.splits().items():
        np.testing.assert_array_equal(split.images[..., 0], made[f"{name}_images"])
        np.testing.assert_array_equal(split.labels, made[f"{name}_labels"])


@pytest.mark.parametrize("name", ["mnist", "Digits", "", None, 3])
def test_unknown_dataset_lists_the_known(name):
    with pytest.raises(ValueError, match=r"Unknown dataset .* Known here: .*digits"):
        load_dataset(name)


def test_missing_file_says_how_to_get_it_back(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets, "DATA", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"git checkout data/digits\.npz.*scripts/make_digits\.py"):
        load_dataset("digits")


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    def refuse(*_):
        raise AssertionError("tried to reach the network")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("SKIMAGE_DATADIR", str(tmp_path))


@pytest.mark.parametrize("name", PHOTOS)
def test_photograph_without_network(name, no_network):
    image = load_photo(name)
    assert image.dtype == np.uint8
    assert image.ndim == 2 or image.shape[2:] == (3,)
    assert min(image.shape[:2]) > 150
    assert np.ptp(image) > 100
    gray = load_photo(name, gray=True)
    assert gray.dtype == np.uint8
    assert gray.shape == image.shape[:2]
    expected = image if image.ndim == 2 else skimage.color.rgb2gray(image) * 255
    assert np.abs(gray - expected.astype(float)).max() <= 0.5 + 1e-6


def test_photographs_with_and_without_color():
    assert {name for name in PHOTOS if load_photo(name).ndim == 3} == {"astronaut", "chelsea", "coffee", "rocket"}


@pytest.mark.parametrize("name", ["cat", "Chelsea", "download_all", "data_dir", "", None])
def test_unknown_photograph_lists_the_known(name):
    with pytest.raises(ValueError, match=r"Unknown photograph .* Known here: astronaut, brick"):
        load_photo(name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gray_of_floats_is_that_of_skimage(dtype):
    image = np.random.default_rng(0).random((5, 7, 3)).astype(dtype)
    gray = to_gray(image)
    assert gray.dtype == dtype
    np.testing.assert_allclose(gray, skimage.color.rgb2gray(image), rtol=1e-6)


def test_gray_of_white_is_white():
    assert to_gray(np.full((1, 1, 3), 255, np.uint8)).item() == 255
    np.testing.assert_array_equal(to_gray(np.eye(3, dtype=np.uint8)[None] * 255)[0], [54, 182, 18])


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (4, 4, 4), (1, 4, 4, 3), (3,), ()])
def test_gray_needs_rgb(shape):
    with pytest.raises(ValueError, match=r"Need an RGB image of shape \(height, width, 3\)"):
        to_gray(np.zeros(shape))


# --- images to try a filter on ---

EXAMPLES = ["camera", "chelsea", "brick", "grass", "gravel", "coins"]


def test_examples_are_photographs_and_images_of_each_dataset(no_network):
    images = example_images()
    assert [*images][:6] == EXAMPLES
    assert {"digits: 2", "digits: 5", "digits: 8"} <= set(images)
    assert {name.split(":")[0] for name in [*images][6:]} == set(LOADERS)
    for name, image in images.items():
        assert image.dtype == np.uint8
        assert image.ndim == 2
        assert np.ptp(image) > 100, name
        if name in EXAMPLES:
            assert image.shape == (256, 256)


@pytest.mark.parametrize("label", [2, 5, 8])
def test_digits_of_the_examples_are_what_they_say(digits, label):
    first = digits.test.images[digits.test.labels.tolist().index(label)]
    np.testing.assert_array_equal(example_images(16)[f"digits: {label}"], first[..., 0])


@pytest.mark.parametrize("size", [16, 100, 128, 255, 256])
def test_examples_are_the_middle_of_their_photographs(size):
    images = example_images(size)
    for name in EXAMPLES:
        photo = load_photo(name, gray=True)
        step = min(photo.shape) // size
        assert step * size <= min(photo.shape) < (step + 1) * size  # as much of the photograph as can be
        rows, cols = ((length - step * size) // 2 + step * np.arange(size) for length in photo.shape)
        windows = [photo[np.ix_(rows + down, cols + right)] for down in range(step) for right in range(step)]
        np.testing.assert_allclose(images[name], np.mean(windows, axis=0), atol=0.5)  # each pixel a mean of step × step


def test_examples_of_a_dataset_in_color(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (10, 8, 9, 3), np.uint8)
    part = Split(images, np.arange(10))
    names = tuple("abcdefghij")
    monkeypatch.setitem(LOADERS, "colors", lambda: Dataset("colors", part, part, part, names, "here", "none"))
    found = example_images(16)
    assert [*found][-3:] == ["colors: c", "colors: f", "colors: i"]
    for label in (2, 5, 8):
        np.testing.assert_array_equal(found[f"colors: {names[label]}"], to_gray(images[label]))


@pytest.mark.parametrize("size", [15, 257, 0, -256, float("nan")])
def test_examples_of_another_size(size):
    with pytest.raises(ValueError, match="size must be from 16 to 256 pixels, but it is "):
        example_images(size)

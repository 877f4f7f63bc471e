"""The public datasets: how their files are read, what happens without them, and real ones where they are here."""

import gzip
import hashlib
import io
import os
import pickle
import runpy
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

from helpers import files
from helpers.datasets import BUILT_IN, LOADERS, critters, image_folder, is_here, load_dataset
from helpers.datasets import public as public_sets
from helpers.datasets.cached_folders import LIST
from helpers.datasets.downloads import DownloadError, RemoteFile
from helpers.datasets.public import CATS_VS_DOGS, DATASETS, IMAGENET_WEIGHTS
from helpers.files import VARIABLE, NotKeptWarning, process_folder

import file_server
import numpy as np
import pytest
from PIL import Image
from real_data import FILES, link_real
from scipy.io import savemat
from surroundings import cache_with_critters

ROOT = Path(__file__).resolve().parents[2]
RANDOM = np.random.default_rng(0)
NOWHERE = "http://127.0.0.1:9/"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return a cache folder of this test's own, with the critters if they have been drawn."""
    folder = cache_with_critters(tmp_path)
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_temporary_folder():
    """No folder of this process is there from another test."""
    process_folder.cache_clear()


@pytest.fixture
def server():
    with file_server.running() as server:
        yield server


# --- files in the format of each dataset, with a few images ---


def idx(array: np.ndarray) -> bytes:
    """Return an array as an IDX file: two zeros, the type, the number of axes, their lengths, the numbers."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def idx_files(arrays) -> list[bytes]:
    return [gzip.compress(idx(array[..., 0] if array.ndim == 4 else array)) for array in arrays]


def cifar_files(arrays) -> list[bytes]:
    """Return the archive: five training batches and one for the test, colors one after the other, labels a list."""
    x_train, y_train, x_test, y_test = arrays
    pieces = [*zip(np.array_split(x_train, 5), np.array_split(y_train, 5), strict=True), (x_test, y_test)]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for number, (x, y) in reversed([*enumerate(pieces, start=1)]):  # the order in the archive is not that of names
            name = f"data_batch_{number}" if number < 6 else "test_batch"
            batch = {b"data": x.transpose(0, 3, 1, 2).reshape(len(x), -1), b"labels": y.tolist()}
            content = pickle.dumps(batch, protocol=2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        archive.addfile(tarfile.TarInfo("cifar-10-batches-py/batches.meta"))
    return [stream.getvalue()]


def svhn_files(arrays) -> list[bytes]:
    files = []
    for x, y in (arrays[:2], arrays[2:]):
        stream = io.BytesIO()
        savemat(stream, {"X": x.transpose(1, 2, 3, 0), "y": np.where(y == 0, 10, y)[:, np.newaxis]})
        files.append(stream.getvalue())
    return files


FORMATS = {"mnist": idx_files, "fashion_mnist": idx_files, "cifar10": cifar_files, "svhn": svhn_files}
SHAPES = {"mnist": (28, 28, 1), "fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3), "svhn": (32, 32, 3)}


def small(name, train=60, test=20):
    """Return random images and labels in the shape of a dataset."""
    return tuple(
        RANDOM.integers(0, 256, (number, *SHAPES[name]), np.uint8)
        if images
        else RANDOM.integers(0, 10, number, np.uint8)
        for number in (train, test)
        for images in (True, False)
    )


def served(server, file: RemoteFile, content: bytes) -> RemoteFile:
    """Let the server have a file; return what to ask for."""
    name = Path(file.name).name
    server.files[name] = content
    checksum = hashlib.sha256(gzip.decompress(content) if file.unpacked else content).hexdigest()
    return replace(file, url=server.url + name, size=len(content), checksum=checksum)


@pytest.fixture(params=DATASETS)
def public(request, server, cache, monkeypatch):
    """Give the name of a dataset that the server has, and its arrays."""
    name = request.param
    arrays = small(name)
    contents = FORMATS[name](arrays)
    files = tuple(served(server, *pair) for pair in zip(DATASETS[name].files, contents, strict=True))
    monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], files=files))
    return name, arrays


# --- reading ---


def test_arrays_are_what_the_files_say(public):
    name, arrays = public
    for found, expected in zip(DATASETS[name].arrays(), arrays, strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.flags.c_contiguous


def test_a_public_dataset_is_like_the_built_in_ones(public, monkeypatch):
    name, (x_train, y_train, x_test, y_test) = public
    monkeypatch.setattr(public_sets, "VALIDATION", 15)
    dataset = load_dataset(name)
    assert dataset.name == name and dataset.image_shape == SHAPES[name] and len(dataset.class_names) == 10
    expected = {"train": (x_train[:-15], y_train[:-15]), "validation": (x_train[-15:], y_train[-15:])}
    for part, (images, labels) in (expected | {"test": (x_test, y_test)}).items():
        np.testing.assert_array_equal(dataset.splits()[part].images, images)
        np.testing.assert_array_equal(dataset.splits()[part].labels, labels)
        assert dataset.splits()[part].images.dtype == np.uint8 and dataset.splits()[part].labels.dtype == np.int64
    limited = load_dataset(name, limit=10)
    assert [len(split) for split in limited.splits().values()] == [10, 10, 10]
    np.testing.assert_array_equal(limited.test.images, x_test[:10])


def test_the_second_time_nothing_is_downloaded(public, server):
    name, _ = public
    load_dataset(name)
    asked = len(server.asked)
    load_dataset(name)
    assert len(server.asked) == asked == len(DATASETS[name].files)


def test_of_several_files_only_what_is_missing_is_downloaded(public, server):
    name, arrays = public
    load_dataset(name)
    asked, lost = len(server.asked), DATASETS[name].files[-1].path
    lost.unlink()
    np.testing.assert_array_equal(DATASETS[name].arrays()[3], arrays[3])
    assert len(server.asked) == asked + 1


def test_a_pickle_with_a_wrong_checksum_is_not_opened(server, cache, monkeypatch, tmp_path):
    class Harm:
        def __reduce__(self):
            return open, (str(tmp_path / "harm"), "w")

    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        content = pickle.dumps(Harm())
        member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    file = DATASETS["cifar10"].files[0]
    served(server, file, stream.getvalue())
    bad = replace(file, url=f"{server.url}{Path(file.name).name}")  # with the true checksum
    monkeypatch.setitem(DATASETS, "cifar10", replace(DATASETS["cifar10"], files=(bad,)))
    with pytest.raises(DownloadError, match="checksum differs"):
        load_dataset("cifar10")
    bad.path.parent.mkdir(parents=True, exist_ok=True)
    bad.path.write_bytes(stream.getvalue())  # or somebody put it there
    with pytest.raises(DownloadError, match="checksum differs"):
        load_dataset("cifar10")
    assert not (tmp_path / "harm").exists()


# --- photographs of cats and dogs ---


def jpeg(size=(40, 30), **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, (size[1], size[0], 3), np.uint8)).save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.fixture
def pets(server, cache, monkeypatch):
    """Let the server have an archive with some damaged photographs; return the sound ones by name."""
    photos = {f"PetImages/{kind}/{number}.jpg": jpeg() for kind in ("Cat", "Dog") for number in range(14)}
    gif = io.BytesIO()
    Image.new("L", (20, 20)).save(gif, "GIF")
    damaged = {"PetImages/Cat/0.jpg": b"", "PetImages/Cat/3.jpg": gif.getvalue(), "PetImages/Dog/10.jpg": jpeg()[:200]}
    damaged["PetImages/Dog/1.jpg"] = jpeg(exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0")  # its notes are cut off: Pillow warns
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in [*(photos | damaged).items(), ("PetImages/Cat/Thumbs.db", b"?"), ("readme.txt", b"?")]:
            archive.writestr(name, content)
    monkeypatch.setattr(public_sets, "CATS_VS_DOGS", served(server, CATS_VS_DOGS, stream.getvalue()))
    monkeypatch.setattr(public_sets, "CATS_VS_DOGS_PARTS", {"train": 6, "validation": 3, "test": 2})
    return {name: content for name, content in photos.items() if name not in damaged}


def test_cats_and_dogs_are_the_first_sound_ones_by_number(pets, server):
    folder = image_folder("cats_vs_dogs")
    for kind in ("cat", "dog"):
        found = [
            p.read_bytes() for part in ("train", "validation", "test") for p in sorted((folder / part / kind).iterdir())
        ]
        expected = [content for name, content in pets.items() if kind.title() in name]
        assert found == expected[:11]
    assert image_folder("cats_vs_dogs") == folder and len(server.asked) == 1


def test_cats_and_dogs_as_arrays(pets):
    dataset = load_dataset("cats_vs_dogs")
    assert repr(dataset).startswith(
        "cats_vs_dogs: 12 train / 6 validation / 4 test images of shape (64, 64, 3), 2 classes"
    )
    assert dataset.class_names == ("cat", "dog") and "Asirra" in dataset.source


def lose_some(folder):
    for path in sorted(folder.glob("*/*/*.jpg"))[::2]:
        path.unlink()


def test_half_of_a_copy_of_cats_and_dogs_is_mended(pets, server, capsys):
    folder = image_folder("cats_vs_dogs")
    whole = {path: path.read_bytes() for path in folder.rglob("*.jpg")}
    lose_some(folder)
    capsys.readouterr()
    assert is_here("cats_vs_dogs") is False
    assert f"NOTE: {folder} is not whole (11 of 22 files are missing" in (printed := capsys.readouterr().out)
    assert printed.rstrip().endswith("`make data DATASETS=cats_vs_dogs` makes it anew.")
    assert len(load_dataset("cats_vs_dogs").train) == 12
    assert "so it is made anew" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in folder.rglob("*.jpg")} == whole
    assert is_here("cats_vs_dogs") is True and len(server.asked) == 1  # the archive was there


@pytest.mark.parametrize("listed", [True, False], ids=["list", "old"])
def test_half_of_a_copy_without_network_or_archive_is_refused(pets, cache, monkeypatch, listed, capsys):
    folder = image_folder("cats_vs_dogs")
    (cache / CATS_VS_DOGS.name).unlink()
    monkeypatch.setattr(public_sets, "CATS_VS_DOGS", replace(CATS_VS_DOGS, url=NOWHERE))
    if not listed:
        (folder / LIST).unlink()
    assert len(load_dataset("cats_vs_dogs").train) == 12 and is_here("cats_vs_dogs")  # whole, it is enough
    lose_some(folder)
    left = sorted(folder.rglob("*"))
    for load in (load_dataset, image_folder):
        with pytest.raises(DownloadError, match="could not be downloaded"):
            load("cats_vs_dogs")
        assert f"{folder} is not whole (" in capsys.readouterr().out
    assert load_dataset("cats_vs_dogs", otherwise="digits").name == "digits"
    assert sorted(folder.rglob("*")) == left


def test_an_archive_that_was_copied_in_part_is_not_used(pets, server, cache):
    image_folder("cats_vs_dogs")
    shutil.rmtree(cache / "cats_vs_dogs" / "images")
    archive = cache / CATS_VS_DOGS.name
    archive.write_bytes(archive.read_bytes()[:-100])
    assert len(load_dataset("cats_vs_dogs").train) == 12 and len(server.asked) == 2


def test_photographs_in_a_cache_that_cannot_be_written(pets, cache, monkeypatch):
    """With the archive there, they are in a temporary folder."""
    shutil.rmtree(image_folder("cats_vs_dogs"))

    def refuse(suffix=None, prefix=None, dir=None, real=tempfile.mkdtemp):
        if dir is not None and cache in Path(dir).parents:
            raise PermissionError(13, "Permission denied")
        return real(suffix, prefix, dir)

    monkeypatch.setattr(files.tempfile, "mkdtemp", refuse)
    with pytest.warns(NotKeptWarning, match="using a temporary folder"):
        folder = image_folder("cats_vs_dogs")
    assert cache not in folder.parents and len([*folder.glob("*/*/*.jpg")]) == 22


def test_an_interrupt_leaves_no_half_folder(pets, cache, monkeypatch):
    sound = public_sets._sound_photos

    def interrupted(archive, kind):
        if kind == "Dog":
            raise KeyboardInterrupt
        return sound(archive, kind)

    with monkeypatch.context() as patch:
        patch.setattr(public_sets, "_sound_photos", interrupted)
        with pytest.raises(KeyboardInterrupt):
            image_folder("cats_vs_dogs")
    assert [path.name for path in (cache / "cats_vs_dogs").iterdir() if path.suffix != ".lock"] == [
        "kagglecatsanddogs_5340.zip"
    ]
    assert len(load_dataset("cats_vs_dogs").train) == 12


# --- without them ---


@pytest.fixture
def offline(cache, monkeypatch):
    """Let every download fail."""
    for name, real in DATASETS.items():
        files = tuple(replace(file, url=NOWHERE) for file in real.files)
        monkeypatch.setitem(DATASETS, name, replace(real, files=files))
    monkeypatch.setattr(public_sets, "CATS_VS_DOGS", replace(CATS_VS_DOGS, url=NOWHERE))


REAL_NAMES = tuple(name for name in LOADERS if name not in BUILT_IN)


@pytest.mark.parametrize("name", REAL_NAMES)
def test_without_a_network_a_lesson_goes_on_with_what_is_built_in(name, offline, capsys):
    dataset = load_dataset(name, otherwise="digits")
    assert dataset.name == "digits" and len(dataset.train) == 3500
    printed = capsys.readouterr().out
    assert printed.startswith(f"NOTE: {name} is not here, so this uses digits, which is built in.\n")
    assert "Connect to the network" in printed and VARIABLE not in printed


@pytest.mark.filterwarnings("error")  # the cache folder can be written
@pytest.mark.parametrize("name", REAL_NAMES)
def test_without_a_network_and_a_wish_it_is_an_error(name, offline):
    for load in (load_dataset, image_folder):
        with pytest.raises(DownloadError, match="could not be downloaded"):
            load(name)


@pytest.mark.parametrize("name", ["cifar10", "cats_vs_dogs"])
def test_image_files_of_what_is_built_in(name, offline, capsys):
    folder = image_folder(name, otherwise="digits")
    assert folder.name.startswith("digits-images") and len([*folder.glob("test/7/*.jpg")]) == 100
    assert "NOTE" in capsys.readouterr().out


def test_without_a_network_and_a_cache_to_write_to(cache, offline, monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.warns(NotKeptWarning, match="using a temporary folder"):
        folder = image_folder("cats_vs_dogs", otherwise="digits")
    assert folder.name.startswith("digits-images") and "NOTE: cats_vs_dogs is not here" in capsys.readouterr().out


def test_what_is_built_in_is_not_asked_for_on_the_way(offline, capsys):
    assert load_dataset("digits", otherwise="critters").name == "digits"
    assert capsys.readouterr().out == ""


def test_image_files_are_written_once(public, server, monkeypatch):
    name, _ = public
    monkeypatch.setattr(public_sets, "VALIDATION", 15)
    folder = image_folder(name, limit=20)
    for file in DATASETS[name].files:
        file.path.unlink()
    asked = len(server.asked)
    assert image_folder(name, limit=20) == folder and len(server.asked) == asked
    assert len([*folder.glob("train/*/*.jpg")]) == 20


@pytest.mark.parametrize("limit", [0, -1, 2.5, "all"])
def test_limits_that_are_no_number_of_images(limit):
    with pytest.raises(ValueError, match="limit must be a number of images, 1 or more"):
        load_dataset("digits", limit=limit)


# --- the registry ---


@pytest.mark.parametrize("name", REAL_NAMES)
def test_each_has_a_card_that_says_the_same(name):
    card = (ROOT / "data" / f"{name}.md").read_text()
    files = [CATS_VS_DOGS] if name == "cats_vs_dogs" else DATASETS[name].files
    for file in files:
        assert file.checksum in card and file.url in card and f"{file.size:,} bytes" in card
        assert file.name.startswith(f"{name}/")
    assert f'`load_dataset("{name}")`' in card


def test_the_weights_have_a_card():
    card = (ROOT / "data" / "imagenet.md").read_text()
    assert all(file.checksum in card and file.url in card for file in IMAGENET_WEIGHTS.values())


def test_files_of_keras_are_those_of_keras():
    """Keras is not imported for this: its source is read."""
    import importlib.util

    folder = Path(importlib.util.find_spec("keras").origin).parent / "src"
    assert DATASETS["cifar10"].files[0].checksum in (folder / "datasets/cifar10.py").read_text()
    assert DATASETS["cifar10"].files[0].url in (folder / "datasets/cifar10.py").read_text()
    vgg16 = (folder / "applications/vgg16.py").read_text()
    assert IMAGENET_WEIGHTS["VGG16"].checksum in vgg16 and IMAGENET_WEIGHTS["VGG16"].path.name in vgg16


# --- make data ---


def make_data(*names, **environment):
    """Run the script of `make data`; return what it printed."""
    command = [sys.executable, str(ROOT / "scripts" / "make_data.py"), *names]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


def test_make_data_with_an_unknown_name():
    result = make_data("mnist", "minst")
    assert result.returncode == 2 and "unknown: minst. Known are mnist, fashion_mnist, cifar10" in result.stderr


def test_make_data_says_what_failed_and_gets_the_rest(offline, monkeypatch, capsys, pets):
    for name in critters.SPLITS:
        monkeypatch.setitem(critters.SPLITS, name, 10)
        monkeypatch.setitem(critters.FOLDER_SPLITS, name, 10)
    monkeypatch.setattr(sys, "argv", ["make_data.py", "mnist", "cats_vs_dogs"])
    with pytest.raises(SystemExit, match=r"^mnist: .*could not be downloaded") as caught:
        runpy.run_path(str(ROOT / "scripts" / "make_data.py"), run_name="__main__")
    assert "cats_vs_dogs" not in str(caught.value)
    assert "cats_vs_dogs: 12 train" in capsys.readouterr().out


# --- real data, where it is here ---


@pytest.fixture
def filled(cache):
    """Return the cache folder with MNIST, Fashion-MNIST, cats and dogs."""
    for name in FILES:
        link_real(name, cache)
    return cache


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_real_arrays(filled, name):
    dataset = load_dataset(name)
    assert [len(split) for split in dataset.splits().values()] == [55_000, 5_000, 10_000]
    assert np.bincount(dataset.test.labels).min() >= 890 and dataset.train.images.mean() == pytest.approx(
        {"mnist": 33.3, "fashion_mnist": 72.9}[name], abs=0.2
    )


@pytest.mark.real_data
def test_digits_are_some_of_mnist(filled):
    """The built-in digits were taken from the training images of MNIST, so they must be found there."""
    everything = {image.tobytes(): int(label) for image, label in zip(*DATASETS["mnist"].arrays()[:2], strict=True)}
    digits = load_dataset("digits").test
    assert [everything.get(image.tobytes()) for image in digits.images] == digits.labels.tolist()


@pytest.mark.real_data
def test_real_arrays_are_those_of_keras(filled, tmp_path):
    """The loader of keras.datasets returns the same arrays from the same files."""
    home = tmp_path / "keras"
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "fashion-mnist").symlink_to(filled / "fashion_mnist")
    np.savez(tmp_path / "ours.npz", *(np.squeeze(array) for array in DATASETS["fashion_mnist"].arrays()))
    code = (
        "import sys, numpy as np; from helpers.engine import keras\n"
        "(a, b), (c, d) = keras.datasets.fashion_mnist.load_data()\n"
        "ours = np.load(sys.argv[1]).values()\n"
        "print([bool(np.array_equal(*pair)) for pair in zip(ours, (a, b, c, d))])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "ours.npz")]
    result = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"KERAS_HOME": str(home)}
    )
    assert result.stdout.strip().endswith("[True, True, True, True]")


@pytest.mark.real_data
def test_real_photographs(filled):
    dataset = load_dataset("cats_vs_dogs")
    assert [len(split) for split in dataset.splits().values()] == [2000, 1000, 1000]
    assert image_folder("cats_vs_dogs") == filled / "cats_vs_dogs" / "images"


@pytest.mark.real_data
def test_make_data_with_a_filled_cache(filled):
    result = make_data("mnist", "cats_vs_dogs", CNN_LESSONS_CACHE=str(filled))
    assert result.returncode == 0, result.stderr
    assert "mnist: 55,000 train" in result.stdout and "cats_vs_dogs: 2,000 train" in result.stdout


# --- what is here ---


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_is_built_in_is_here(name, offline):
    assert {"digits", "critters"} <= set(BUILT_IN)
    assert is_here(name) is True


@pytest.mark.parametrize("name", REAL_NAMES)
def test_a_public_dataset_is_not_here_with_an_empty_cache(name, offline, cache):
    before = [*cache.iterdir()]
    assert is_here(name) is False
    assert [*cache.iterdir()] == before


def test_a_public_dataset_is_here_once_all_its_files_are(public, server):
    name, _ = public
    assert not is_here(name)
    load_dataset(name)
    asked = len(server.asked)
    assert is_here(name) is True and len(server.asked) == asked
    assert [other for other in REAL_NAMES if is_here(other)] == [name]
    DATASETS[name].files[-1].path.unlink()
    assert is_here(name) is False and len(server.asked) == asked


def test_cats_and_dogs_are_here_once_they_are_a_folder(pets, server, cache):
    assert not is_here("cats_vs_dogs") and server.asked == []
    image_folder("cats_vs_dogs")
    assert is_here("cats_vs_dogs")
    (cache / "cats_vs_dogs" / "kagglecatsanddogs_5340.zip").unlink()  # needed only once
    assert is_here("cats_vs_dogs") is True and len(load_dataset("cats_vs_dogs").test) == 4


@pytest.mark.parametrize("name", ["minst", "", "MNIST", None, ROOT, str(ROOT / "data")])
def test_whether_an_unknown_dataset_is_here(name, offline):
    with pytest.raises(ValueError, match=r"Unknown dataset .* Known here: digits, critters, .*cats_vs_dogs"):
        is_here(name)

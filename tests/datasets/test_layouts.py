"""helpers.datasets.layouts: folders as learners have them, read as they are meant, or refused with what was found."""

import re
from pathlib import Path

from helpers.datasets import load_dataset
from helpers.datasets.layouts import WORDS, find_layout

import numpy as np
import pytest
from PIL import Image


def save(folder, *names, number=8, value=90, suffix="png"):
    """Save gray images of one value in folders with these names."""
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(number):
            Image.new("L", (12, 10), value).save(folder / name / f"{index}.{suffix}")


def values(dataset):
    return {part: sorted(set(split.images.ravel().tolist())) for part, split in dataset.splits().items()}


NAMES = [
    ("train", "val", "test"),
    ("train", "valid", "test"),
    ("Train", "Validation", "Test"),
    ("TRAIN", "VAL", "TEST"),
    ("training_set", "validation-set", "test_set"),
    ("seg_train", "seg_dev", "seg_test"),
    ("TrainImages", "ValImages", "TestImages"),
    ("1 Training", "2 Valid", "3 Testing"),
]


@pytest.mark.parametrize("names", NAMES, ids="+".join)
@pytest.mark.parametrize("around", ["", "pets", "pets/images"])
@pytest.mark.parametrize("inside", ["", "images"])
def test_parts_under_other_names(tmp_path, capsys, names, around, inside):
    """Each part has a value of its own, also with a folder around all of it, or around the classes of a part."""
    for name, value in zip(names, (20, 110, 220), strict=True):
        save(tmp_path / around / name / inside, "ant", "bee", value=value)
    dataset = load_dataset(tmp_path)
    assert values(dataset) == {"train": [20], "validation": [110], "test": [220]}
    assert dataset.class_names == ("ant", "bee")
    assert capsys.readouterr().out == ""


def test_a_part_may_be_missing_under_other_names(tmp_path):
    save(tmp_path / "Training", "ant", "bee", value=20)
    save(tmp_path / "Testing", "ant", "bee", value=220)
    assert values(load_dataset(tmp_path)) == {"train": [20], "validation": [20], "test": [220]}


@pytest.mark.parametrize("around", ["pets", "data/pets"])
def test_a_folder_around_the_classes(tmp_path, capsys, around):
    save(tmp_path / around, "ant", "bee")
    (tmp_path / "readme.txt").write_text("?")
    (tmp_path / "nothing").mkdir()
    dataset = load_dataset(tmp_path)
    assert f"NOTE: The folder {tmp_path / 'nothing'} is left out: it has no image" in capsys.readouterr().out
    assert dataset.class_names == ("ant", "bee") and len(dataset.train) == 10
    assert dataset.name == tmp_path.name


def test_images_in_folders_inside_of_a_class(tmp_path, capsys):
    save(tmp_path, "ant/small", "ant/large", "bee/images")
    save(tmp_path, "ant", number=3)
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("ant", "bee")
    assert sum(map(len, dataset.splits().values())) == 8 + 8 + 8 + 3
    assert capsys.readouterr().out.splitlines() == [
        "NOTE: The class ant also has 16 images from inner folders: large, small.",
        "NOTE: The class bee also has 8 images from inner folders: images.",
    ]


def test_one_class_of_animals_is_passed_by(tmp_path):
    save(tmp_path, "animals/cat", "animals/dog")
    assert load_dataset(tmp_path).class_names == ("cat", "dog")


@pytest.mark.parametrize("names", [("train", "bus", "tram"), ("test", "exam"), ("Dev", "Ops")], ids="+".join)
def test_a_class_may_have_the_name_of_a_part(tmp_path, names):
    save(tmp_path, *names)
    assert load_dataset(tmp_path).class_names == tuple(sorted(names))


def test_a_home_folder(tmp_path, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    save(tmp_path / "pets", "ant", "bee")
    assert load_dataset("~/pets").name == "pets"


@pytest.mark.parametrize("name", ["critters", "digits"])
def test_a_folder_named_as_a_dataset_is_not_taken_for_it(tmp_path, name):
    save(tmp_path / name, "ant", "bee")
    assert load_dataset(tmp_path / name).name == f"{name} (a folder)"


def test_a_folder_is_named_when_it_is_the_working_folder(tmp_path, monkeypatch):
    save(tmp_path / "pets", "ant", "bee")
    monkeypatch.chdir(tmp_path / "pets")
    assert load_dataset(Path(".")).name == "pets"


def test_letters_that_are_written_in_two_ways_are_one_class(tmp_path):
    """A Mac may write é as e and an accent."""
    save(tmp_path / "train", "caf\u00e9", "tea")
    save(tmp_path / "test", "cafe\u0301", "tea")
    assert load_dataset(tmp_path).class_names == ("caf\u00e9", "tea")


REFUSED = {
    "unnamed parts": (["a/ant", "a/bee", "b/ant", "b/bee"], "has a, b, and in each of them the same folders, ant, bee"),
    "two for one part": (
        ["train/ant", "train/bee", "val/ant", "val/bee", "valid/ant", "valid/bee"],
        "has two folders for validation, val and valid: rename or remove",
    ),
    "no train": (["val/ant", "val/bee", "test/ant", "test/bee"], "has test, val, but no folder train"),
    "no classes": (["train", "test"], "has test, train, but no folders of classes in them"),
    "images only": (
        ["."],
        "needs at least two classes, .* but it has none. Left out, in no folder of a class: 8 images",
    ),
    "test without classes": (["train/ant", "train/bee", "test"], "test has no image of ant, bee"),
    "train or test": (["train_test/ant", "train_test/bee", "test/ant", "test/bee"], "but no folder train"),
}


@pytest.mark.parametrize(("folders", "message"), REFUSED.values(), ids=REFUSED)
def test_what_leaves_a_doubt_is_refused_with_what_was_found(tmp_path, folders, message):
    save(tmp_path, *folders)
    with pytest.raises(ValueError, match=message):
        load_dataset(tmp_path)


def test_what_is_left_out_is_named_with_its_number(tmp_path, capsys):
    save(tmp_path / "train", "ant", "bee")
    save(tmp_path, "unlabelled", number=5)
    (tmp_path / "train" / "cow").mkdir()
    (tmp_path / "train" / "cow" / "1.heic").write_bytes(b"?")
    (tmp_path / "train" / "dog").mkdir()
    assert load_dataset(tmp_path).class_names == ("ant", "bee")
    said = capsys.readouterr().out
    assert f"NOTE: The folder {tmp_path / 'unlabelled'} is left out: 5 images, and it is no part." in said
    assert f"NOTE: The folder {tmp_path / 'train' / 'cow'} is left out: it has no image, and 1 other file." in said
    assert f"NOTE: The folder {tmp_path / 'train' / 'dog'} is left out: it has no image, and 0 other files." in said
    assert "NOTE: Left out, of other kinds: 1 file (1 .heic)" in said
    assert len(said.splitlines()) == 4


def test_all_classes_of_a_kind_that_is_not_read_are_named_in_the_error(tmp_path):
    save(tmp_path, "ant")
    for name in ("bee", "cow"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.HEIC").write_bytes(b"?")
    with pytest.raises(ValueError, match=r"but it has ant\. .*bee is left out.*cow is left out.*2 files \(2 \.heic\)"):
        load_dataset(tmp_path)


def test_a_circle_of_links_ends(tmp_path):
    save(tmp_path, "ant", "bee")
    try:
        (tmp_path / "ant" / "again").symlink_to(tmp_path / "ant", target_is_directory=True)
    except OSError:
        pytest.skip("this system has no links")
    assert load_dataset(tmp_path).class_names == ("ant", "bee")


@pytest.mark.parametrize("name", ["no/such/folder", "~/no such folder", Path("no/such")])
def test_a_path_that_is_not_there_is_said_in_full(name):
    place = re.escape(str(Path(name).expanduser().resolve()))
    with pytest.raises(ValueError, match=rf"Unknown dataset .* Known here: digits, .* {place} is not there\.$"):
        load_dataset(name)


def test_an_archive_is_no_folder(tmp_path):
    (tmp_path / "pets.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"pets\.zip is a file: unpack it, if it is an archive\.$"):
        load_dataset(str(tmp_path / "pets.zip"))


def test_no_word_names_two_parts():
    words = [word for known in WORDS.values() for word in known]
    assert len(words) == len(set(words)) and all(word == word.lower() for word in words)


@pytest.mark.parametrize("suffix", ["tif", "tiff", "webp", "jfif", "avif", "jp2", "ppm", "tga"])
def test_more_formats(tmp_path, suffix):
    save(tmp_path, "ant", "bee", suffix="jpg" if suffix == "jfif" else suffix)
    if suffix == "jfif":
        for path in tmp_path.rglob("*.jpg"):
            path.rename(path.with_suffix(".jfif"))
    assert np.abs(load_dataset(tmp_path).train.images.astype(int) - 90).max() <= 3


def test_files_are_in_order(tmp_path):
    save(tmp_path, "bee", "ant")
    pairs, notes = find_layout(tmp_path)
    assert [*pairs] == ["train"] and notes == [] and pairs["train"] == sorted(pairs["train"])

"""helpers.folders: half of a folder, or a damaged file in it, is noticed, and nothing but the cache is changed."""

import gzip
import os
import re
import shutil

from helpers.datasets import cached_folders as folders
from helpers.datasets.cached_folders import LIST, complaint, kept, refuse_damaged, write_list
from helpers.files import DamagedFileError

import pytest

NUMBERS = {"train": 4, "test": 2}


def write(folder, letter=b"a"):
    """Write four training files and two for the test, each with its number in it."""
    for part, number in NUMBERS.items():
        for index in range(number):
            path = folder / part / "cat" / f"{index}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(letter * (10 + index))


def tree(folder):
    """All files in a folder with what is in them, but for the list."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != LIST
    }


def fail(folder):
    pytest.fail("it is there already")


@pytest.fixture
def folder(tmp_path):
    """A folder of the cache with a list."""
    return kept(tmp_path / "cache" / "images", write)


def test_a_folder_is_written_once(folder, capsys):
    assert len(tree(folder)) == 6
    assert complaint(folder) is None
    assert kept(folder, fail) == folder
    assert capsys.readouterr().out == ""
    assert [path.name for path in folder.parent.iterdir()] == ["images"]


def test_the_list(folder):
    lines = (folder / LIST).read_text().splitlines()
    assert lines[0] == "6 files"
    crc = gzip.compress(b"a" * 10)[-8:-4][::-1].hex()  # gzip files end with it
    assert lines[1] == f"{crc} 10 test/cat/0.jpg"
    assert [line.split()[2] for line in lines[1:]] == sorted(tree(folder))


def lose(folder):
    (folder / "train" / "cat" / "2.jpg").unlink()


def lose_part(folder):
    shutil.rmtree(folder / "train")


def cut(folder):
    (folder / "train" / "cat" / "2.jpg").write_bytes(b"a")


def zero(folder):
    (folder / "train" / "cat" / "2.jpg").write_bytes(b"\0" * 12)  # of the right length: it was not written to the stick


def make_folder(folder):
    (folder / "train" / "cat" / "2.jpg").unlink()
    (folder / "train" / "cat" / "2.jpg").mkdir()


DAMAGES = {
    "a file lost": (lose, "1 of 6 files are missing or damaged, such as train/cat/2.jpg"),
    "a part lost": (lose_part, "4 of 6 files are missing or damaged, such as train/cat/0.jpg"),
    "a file cut": (cut, "1 of 6 files are missing or damaged, such as train/cat/2.jpg"),
    "zeros": (zero, "1 of 6 files are missing or damaged, such as train/cat/2.jpg"),
    "a folder for a file": (make_folder, "1 of 6 files are missing or damaged"),
    "all lost but the list": (lambda folder: [lose_part(folder), shutil.rmtree(folder / "test")], "6 of 6 files"),
    "no list": (lambda folder: (folder / LIST).unlink(), f"its list of files, {LIST}, is missing"),
    "list empty": (lambda folder: (folder / LIST).write_text(""), "list of files, .*, is damaged"),
    "list cut": (lambda folder: (folder / LIST).write_text((folder / LIST).read_text()[:60]), "list .* is damaged"),
    "list is no text": (lambda folder: (folder / LIST).write_bytes(b"\xff\xfe\0"), "list .* cannot be read"),
    "list is a folder": (
        lambda folder: [(folder / LIST).unlink(), (folder / LIST).mkdir()],
        "list .* cannot be read",
    ),
    "a file instead": (lambda folder: [shutil.rmtree(folder), folder.write_text("?")], "list .* cannot be read"),
    "empty": (lambda folder: [shutil.rmtree(folder), folder.mkdir()], "list .* is missing"),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_made_anew(folder, damage, said, capsys):
    whole = tree(folder)
    damage(folder)
    assert re.search(said, complaint(folder))
    assert kept(folder, write) == folder
    printed = capsys.readouterr().out
    assert re.fullmatch(rf"NOTE: {re.escape(str(folder))} is not whole \(.*{said}.*\), so it is made anew\.\n", printed)
    assert complaint(folder) is None and tree(folder) == whole
    assert [path.name for path in folder.parent.iterdir()] == ["images"]


def test_names_and_sizes_alone_are_compared_without_reading(folder, monkeypatch):
    monkeypatch.setattr(folders, "_checksum", lambda path: pytest.fail("read"))
    assert complaint(folder, content=False) is None
    zero(folder)
    assert complaint(folder, content=False) is None
    cut(folder)
    assert complaint(folder, content=False) == "1 of 6 files are missing or damaged, such as train/cat/2.jpg"


def test_each_file_is_read_once(folder, monkeypatch):
    read, checksum = [], folders._checksum
    monkeypatch.setattr(folders, "_checksum", lambda path: read.append(path) or checksum(path))
    assert kept(folder, fail) == folder
    assert len(read) == len(set(read)) == 6


def test_what_is_not_in_the_list_does_not_matter(folder, capsys):
    for name in (".DS_Store", "train/Thumbs.db", "train/cat/mine.jpg"):
        (folder / name).write_text("?")
    assert kept(folder, fail) == folder and capsys.readouterr().out == ""


def test_nothing_is_written_to_a_sound_folder(folder, monkeypatch):
    monkeypatch.setattr(folders, "written_whole", lambda path: pytest.fail("writes"))
    assert kept(folder, fail) == folder


def test_what_is_damaged_stays_until_there_is_another(folder):
    lose(folder)
    before = tree(folder)
    for error in (OSError, KeyboardInterrupt):

        def fails(partial, error=error):
            write(partial)
            raise error

        with pytest.raises(error):
            kept(folder, fails)
        assert tree(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["images"]


def test_behind_a_link_nothing_is_changed(folder, tmp_path):
    """The folder that a link in the cache leads to is somebody's own."""
    lose(folder)
    before, link = tree(folder), tmp_path / "other" / "images"
    link.parent.mkdir()
    link.symlink_to(folder)
    assert kept(link, write) == link
    assert not link.is_symlink() and len(tree(link)) == 6
    assert tree(folder) == before


def test_a_link_to_a_sound_folder_is_used(folder, tmp_path, capsys):
    (tmp_path / "link").symlink_to(folder)
    assert kept(tmp_path / "link", fail) == tmp_path / "link"
    assert (tmp_path / "link").is_symlink() and capsys.readouterr().out == ""


def test_a_link_to_nowhere_is_replaced(tmp_path, capsys):
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert len(tree(kept(tmp_path / "link", write))) == 6
    assert capsys.readouterr().out.startswith(f"NOTE: {tmp_path / 'link'} is not whole (")
    assert not (tmp_path / "gone").exists()


def test_another_program_that_mended_it_was_faster(folder):
    lose(folder)

    def slow(partial):
        kept(folder, lambda beside: write(beside, b"f"))
        write(partial)

    kept(folder, slow)
    assert tree(folder)["train/cat/2.jpg"] == b"f" * 12 and complaint(folder) is None
    assert [path.name for path in folder.parent.iterdir()] == ["images"]


# --- without a list ---


@pytest.fixture
def old(tmp_path):
    """A folder as an earlier version wrote it, without a list."""
    write(tmp_path / "old")
    return tmp_path / "old"


def test_a_folder_without_a_list_is_taken_if_its_numbers_are_right(old, capsys):
    assert kept(old, fail, NUMBERS) == old
    assert not (old / LIST).exists() and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("damage", "found"),
    [(lose, 5), (lose_part, 2), (lambda folder: (folder / "test" / "cat" / "0.jpg").write_bytes(b""), 5)],
)
def test_with_other_numbers_it_is_made_anew(old, damage, found):
    damage(old)
    assert complaint(old, numbers=NUMBERS) == f"it has {found} of 6 files, and no list of them"
    assert len(tree(kept(old, write, NUMBERS))) == 6
    assert (old / LIST).exists()


def test_numbers_do_not_excuse_a_damaged_list(folder):
    lose(folder)
    (folder / "train" / "cat" / "other.jpg").write_bytes(b"?")
    assert complaint(folder, numbers=NUMBERS).startswith("1 of 6 files")


# --- folders of somebody's own ---


def test_half_of_a_copy_is_refused_and_stays_as_it_is(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    refuse_damaged(copy)
    lose(copy)
    before = tree(copy)
    with pytest.raises(
        DamagedFileError, match=rf"copy is not whole: 1 of 6 files .*2\.jpg\. Copy it again; .* remove {LIST} from it\."
    ):
        refuse_damaged(copy)
    assert tree(copy) == before
    os.remove(copy / LIST)
    refuse_damaged(copy)


def test_a_folder_of_ones_own_is_taken_as_it_is(tmp_path):
    write(tmp_path / "mine")
    refuse_damaged(tmp_path / "mine")
    write_list(tmp_path / "mine")
    refuse_damaged(tmp_path / "mine")

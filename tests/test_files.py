"""helpers.files: what is written is whole or not there, also when a block fails or two programs write at once."""

import os
from pathlib import Path

from helpers import files
from helpers.files import VARIABLE, cache_folder, written_whole

import pytest
from platformdirs import user_cache_path

# --- the cache folder ---


def test_cache_folder_is_what_the_variable_names(monkeypatch, tmp_path):
    monkeypatch.setenv("CNN_LESSONS_CACHE", str(tmp_path / "my cache"))
    assert VARIABLE == "CNN_LESSONS_CACHE"
    assert cache_folder() == tmp_path / "my cache"
    assert not cache_folder().exists()


def test_cache_folder_may_be_named_from_the_home_folder(monkeypatch):
    monkeypatch.setenv(VARIABLE, "~/lessons")
    assert cache_folder() == Path.home() / "lessons"


@pytest.mark.parametrize("value", [None, ""])
def test_cache_folder_of_the_user(monkeypatch, value):
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    assert cache_folder() == user_cache_path("cnn-lessons")
    assert cache_folder().name == "cnn-lessons" or os.name == "nt"


# --- written whole ---


def tree(folder):
    """All that is in a folder: the content of files, None for folders."""
    return {
        path.relative_to(folder).as_posix(): path.read_text() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def write_folder(partial, text="all"):
    (partial / "a" / "b").mkdir(parents=True)
    (partial / "a" / "b" / "c.txt").write_text(text)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_appears_when_all_of_it_is_written(tmp_path, kind):
    target = tmp_path / "run 1.csv"
    with written_whole(kind(target)) as partial:
        assert partial.name == target.name  # some writers add a suffix of their own to other names
        assert partial.parent.parent == tmp_path  # the same disk: moving is one step
        partial.write_text("all")
        assert not target.exists()
    assert tree(tmp_path) == {"run 1.csv": "all"}


def test_a_folder_appears_when_all_of_it_is_written(tmp_path):
    with written_whole(tmp_path / "set") as partial:
        write_folder(partial)
        assert not (tmp_path / "set").exists()
    assert tree(tmp_path) == {"set": None, "set/a": None, "set/a/b": None, "set/a/b/c.txt": "all"}


def test_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with written_whole("here.txt") as partial:
        partial.write_text("all")
    assert tree(tmp_path) == {"here.txt": "all"}


def test_the_folder_above_is_made(tmp_path):
    with written_whole(tmp_path / "a" / "b" / "c.txt") as partial:
        partial.write_text("all")
    assert tree(tmp_path) == {"a": None, "a/b": None, "a/b/c.txt": "all"}


@pytest.mark.parametrize("error", [RuntimeError, OSError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("before", [None, "old"])
def test_nothing_is_left_of_a_block_that_fails(tmp_path, error, before):
    """A file that was there before stays as it was."""
    if before:
        (tmp_path / "file.txt").write_text(before)
    expected = tree(tmp_path)
    with pytest.raises(error), written_whole(tmp_path / "file.txt") as partial:
        partial.write_text("half")
        raise error
    assert tree(tmp_path) == expected


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_is_left_of_a_folder_that_fails(tmp_path, error):
    with pytest.raises(error), written_whole(tmp_path / "set") as partial:
        write_folder(partial)
        raise error
    assert tree(tmp_path) == {}


def test_a_file_is_overwritten_in_one_step(tmp_path, monkeypatch):
    target = tmp_path / "file.txt"
    target.write_text("old")
    moves = []

    def replace(source, destination):
        moves.append((Path(source).read_text(), Path(destination).read_text()))
        os.rename(source, destination)

    monkeypatch.setattr(files.os, "replace", replace)
    with written_whole(target) as partial:
        partial.write_text("new")
        assert target.read_text() == "old"
    assert moves == [("new", "old")]
    assert tree(tmp_path) == {"file.txt": "new"}


def test_of_two_files_the_last_one_stays(tmp_path):
    with written_whole(tmp_path / "file.txt") as slow:
        with written_whole(tmp_path / "file.txt") as fast:
            assert slow != fast
            fast.write_text("fast")
            slow.write_text("slow")
        assert (tmp_path / "file.txt").read_text() == "fast"
    assert tree(tmp_path) == {"file.txt": "slow"}


def test_of_two_folders_the_first_one_stays(tmp_path):
    with written_whole(tmp_path / "set") as slow, written_whole(tmp_path / "set") as fast:
        write_folder(fast, "fast")
        write_folder(slow, "slow")
    assert tree(tmp_path)["set/a/b/c.txt"] == "fast"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_does_not_replace_a_folder(tmp_path):
    """What was written would be lost without a word."""
    write_folder(tmp_path / "runs")
    before = tree(tmp_path)
    with pytest.raises(OSError), written_whole(tmp_path / "runs") as partial:
        partial.write_text("all")
    assert tree(tmp_path) == before


def test_a_folder_does_not_replace_a_file(tmp_path):
    (tmp_path / "set").write_text("a file")
    with pytest.raises(OSError), written_whole(tmp_path / "set") as partial:
        write_folder(partial)
    assert tree(tmp_path) == {"set": "a file"}


@pytest.mark.parametrize("folder_there", [False, True])
def test_a_block_that_writes_nothing(tmp_path, folder_there):
    if folder_there:
        (tmp_path / "file.txt").mkdir()
    before = tree(tmp_path)
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "file.txt"):
        pass
    assert tree(tmp_path) == before


def test_a_place_that_cannot_be_written(tmp_path):
    """The block does not even begin."""
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError), written_whole(tmp_path / "file" / "below.txt"):
        pytest.fail("should not come here")
    assert tree(tmp_path) == {"file": "not a folder"}


@pytest.mark.parametrize("write", [lambda path: path.write_text("all"), write_folder], ids=["file", "folder"])
def test_others_may_read_it_as_any_other_file(tmp_path, write):
    """Temporary files are often for their owner only."""
    write(tmp_path / "plain")
    with written_whole(tmp_path / "whole") as partial:
        write(partial)
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_git_ignores_what_a_killed_program_leaves(tmp_path):
    with written_whole(tmp_path / "file.txt") as partial:
        partial.write_text("half")
        assert partial.parent.name.startswith("file.txt.")
        assert partial.parent.suffix == ".partial"
    ignored = (Path(__file__).resolve().parent.parent / ".gitignore").read_text().split()
    assert "*.partial" in ignored

"""helpers.files: what is written is whole or not there, also when a block fails or two programs write at once."""

import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from helpers import files
from helpers.files import (
    IN_USE,
    ROOT,
    VARIABLE,
    DamagedFileError,
    cache_folder,
    process_folder,
    readable,
    readable_of_clone,
    written_whole,
)

import pytest
from damage import DAMAGES, refuse_to_open
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


@pytest.mark.parametrize("value", ["stick", "./stick", "../stick", "~nobody-of-this-name/stick"])
def test_cache_folder_must_be_a_full_path(monkeypatch, value):
    """`make data` and the kernels of lessons run in different folders."""
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(ValueError, match=rf"{VARIABLE} must be a full path, such as .*, but it is '{value}'"):
        cache_folder()


def test_a_temporary_folder_lasts_as_long_as_the_process(tmp_path):
    code = (
        "from helpers.files import process_folder\n"
        "folder = process_folder()\n"
        "(folder / 'set').mkdir()\n"
        "assert process_folder() == folder and folder.is_dir()\n"
        "print(folder)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path), "TEMP": str(tmp_path), "TMP": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).parent == tmp_path
    assert [*tmp_path.iterdir()] == []
    assert process_folder() == process_folder()


# --- one error for what cannot be read ---


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A zip file in the folder data of a clone."""
    monkeypatch.setattr(files, "ROOT", tmp_path)
    (tmp_path / "data").mkdir()
    with zipfile.ZipFile(tmp_path / "data" / "set.zip", "w") as file:
        file.writestr("numbers", bytes(range(256)) * 9)
    return tmp_path / "data" / "set.zip"


def read(path):
    with zipfile.ZipFile(path) as file:
        return file.read("numbers")


def test_what_is_whole_is_read(archive):
    with readable(archive, "Try again."), readable_of_clone(archive):
        assert read(archive) == bytes(range(256)) * 9


@pytest.mark.parametrize(("damage", "said"), DAMAGES.values(), ids=DAMAGES)
def test_what_cannot_be_read_is_named_with_what_mends_it(archive, damage, said):
    damage(archive)
    with pytest.raises(DamagedFileError, match=rf"^data/set\.zip {said}") as caught, readable_of_clone(archive):
        read(archive)
    pointer = "LFS" in said
    assert ("`git checkout data/set.zip` in the folder of the lessons" in str(caught.value)) != pointer
    assert ("`git lfs pull`" in str(caught.value)) == pointer
    with pytest.raises(DamagedFileError, match=rf"set\.zip {said}") as caught, readable(archive, "Draw it anew."):
        read(archive)
    assert str(caught.value).startswith(f"{archive} ")
    assert str(caught.value).endswith(". Draw it anew.") != pointer


def test_what_may_not_be_read(archive, monkeypatch):
    refuse_to_open(archive, monkeypatch)
    message = r"^data/set\.zip cannot be read \(Permission denied\)\. Get it back with `git checkout"
    with pytest.raises(DamagedFileError, match=message), readable_of_clone(archive):
        read(archive)


def test_what_is_missing(archive):
    archive.unlink()
    message = r"^data/set\.zip is missing\. Get it back with `git .*, or draw it\.$"
    with pytest.raises(FileNotFoundError, match=message), readable_of_clone(archive, ", or draw it"):
        pytest.fail("should not come here")


def test_a_file_elsewhere_has_its_full_name(archive, monkeypatch):
    monkeypatch.setattr(files, "ROOT", archive.parent / "clone")
    archive.unlink()
    with pytest.raises(FileNotFoundError) as caught, readable_of_clone(archive):
        pytest.fail("should not come here")
    assert str(caught.value).startswith(f"{archive} is missing")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError, DamagedFileError])
def test_what_is_not_the_fault_of_the_file_stays_as_it_is(archive, error):
    with pytest.raises(error) as caught, readable(archive, ""):
        raise error
    assert caught.type is error and str(caught.value) == ""


@pytest.mark.parametrize("text", ["", "\n\n", "first line\nsecond line", "x" * 9999])
def test_a_reason_is_one_short_line(archive, text):
    with pytest.raises(DamagedFileError) as caught, readable(archive, "Try again."):
        raise KeyError(text) if not text else RuntimeError(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300 + len(str(archive))
    assert " is damaged ()" not in str(caught.value)


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


# --- what killed programs leave ---

PROGRAM = """
import sys, time
from helpers.files import written_whole
with written_whole(sys.argv[1]) as partial:
    partial.write_text("half")
    print(partial.parent.name, flush=True)
    time.sleep(300)
"""


@pytest.fixture
def program(tmp_path):
    """A program that writes a.txt, and the name of the folder that it writes to."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "a.txt")]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield running, tmp_path / running.stdout.readline().strip()
    finally:
        running.kill()
        running.communicate()


def make_older(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def write_another(folder):
    with written_whole(folder / "b.txt") as partial:
        partial.write_text("all")


def test_what_a_killed_program_left_is_removed_at_the_next_writing(tmp_path, program):
    running, left = program
    make_older(left, 3 * files.DAY)
    write_another(tmp_path)
    assert left.is_dir() and running.poll() is None  # it runs, however long it takes
    running.kill()
    running.wait()
    make_older(left, 10)
    write_another(tmp_path)
    assert left.is_dir()  # another program may have made it just now, and not locked it yet
    make_older(left, 2 * files.MINUTE)
    write_another(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


def test_what_this_program_writes_stays(tmp_path):
    with written_whole(tmp_path / "a.txt") as partial:
        partial.write_text("all")
        make_older(partial.parent, 3 * files.DAY)
        write_another(tmp_path)
        assert partial.read_text() == "all"
    assert tree(tmp_path) == {"a.txt": "all", "b.txt": "all"}


@pytest.mark.parametrize(("age", "stays"), [(files.DAY / 2, True), (2 * files.DAY, False)])
def test_what_an_earlier_version_left_is_removed_after_a_day(tmp_path, age, stays):
    """It made no lock."""
    left = tmp_path / "critters-v2.npz.ab12_xyz.partial"
    left.mkdir()
    (left / "critters-v2.npz").write_text("half")
    make_older(left, age)
    write_another(tmp_path)
    assert left.exists() == stays


def folder_of(*names):
    def make(path):
        path.mkdir()
        for name in names:
            (path / name).write_text("mine")

    return make


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("thesis.partial", folder_of("thesis")),
        ("thesis.chapter1.partial", folder_of("notes.txt")),
        ("thesis.chapter1.partial", folder_of("thesis", "notes.txt")),
        ("thesis.CHAPTER1.partial", folder_of("thesis")),
        ("thesis.chapter1.partial.old", folder_of("thesis")),
        ("thesis.chapter1.partial", lambda path: path.write_text("mine")),
        ("thesis.chapter1.partial", lambda path: path.symlink_to(path.parent.parent / "elsewhere")),
    ],
)
def test_what_somebody_else_made_stays(tmp_path, name, make):
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    make(folder / name)
    make_older(folder / name, 9 * files.DAY)
    before = tree(tmp_path)
    assert name in str(before)
    write_another(folder)
    assert tree(tmp_path) == before | {"folder/b.txt": "all"}


def test_other_folders_are_left_alone(tmp_path):
    left = [tmp_path / "a.txt.abcd1234.partial", tmp_path / "here" / "deeper" / "a.txt.abcd1234.partial"]
    for path in left:
        path.mkdir(parents=True)
        make_older(path, 9 * files.DAY)
    write_another(tmp_path / "here")
    assert all(path.is_dir() for path in left)


def test_what_cannot_be_removed_does_not_stop_the_writing(tmp_path, monkeypatch):
    left = tmp_path / "a.txt.abcd1234.partial"
    left.mkdir()
    make_older(left, 9 * files.DAY)

    def refuse(path, ignore_errors=False, real=shutil.rmtree):
        if path == left:
            raise PermissionError(13, "Permission denied")
        real(path, ignore_errors)

    monkeypatch.setattr(files.shutil, "rmtree", refuse)
    write_another(tmp_path)
    assert left.is_dir() and (tmp_path / "b.txt").read_text() == "all"


def test_the_lock_is_not_moved_with_what_is_written(tmp_path):
    with written_whole(tmp_path / "set") as partial:
        write_folder(partial)
        assert (partial.parent / IN_USE).exists()
    assert IN_USE not in str(tree(tmp_path))

"""What the doctor sees without starting anything: each thing is broken once, and that is found."""

import shutil
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

from helpers.datasets import critters, public
from helpers.datasets.cached_folders import write_list
from helpers.doctor import FINE, NOTE, WRONG, computer

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = "numpy==2.4.1\nSci_Py[x]==1.0\n    # via numpy\npywin32==9 ; sys_platform == 'some-other'\n"
THERE = {"numpy": "2.4.1", "sci-py": "1.0"}


def found(finding):
    return finding.state, finding.says, finding.mend


@pytest.fixture
def lessons(tmp_path) -> Path:
    """A folder like that of the lessons, with a lock."""
    (tmp_path / "requirements.lock").write_text(LOCK)
    return tmp_path


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 9)])
def test_python_fits(version):
    assert computer.python(version).state == FINE


@pytest.mark.parametrize("version", [(3, 10, 14), (3, 14, 0), (2, 7, 18)])
def test_another_python_is_named(version):
    state, says, mend = found(computer.python(version))
    assert state == WRONG and says.startswith(".".join(map(str, version))) and mend == "make lab PYTHON=python3.12"


def stamped(lessons, **changes) -> Path:
    """Make an environment that is whole, but for changes to its stamp."""
    from hashlib import sha256
    from json import dumps

    venv = lessons / ".venv"
    venv.mkdir()
    stamp = {"lock": sha256(LOCK.encode()).hexdigest(), "place": str(venv), **changes}
    (venv / "cnn-lessons.json").write_text(dumps(stamp))
    return venv


@pytest.mark.parametrize(
    ("changes", "state", "says"),
    [
        ({}, FINE, "whole, and made from the lock of today"),
        ({"lock": "another"}, WRONG, "was made from another requirements.lock"),
        ({"place": "elsewhere"}, NOTE, "the folder was moved or copied since"),
    ],
)
def test_environments(lessons, changes, state, says):
    venv = stamped(lessons, **changes)
    assert found(computer.environment(lessons, str(venv)))[:2] == (state, says)


@pytest.mark.parametrize("content", ["", "[", "{}"])
def test_an_environment_that_was_not_finished(lessons, content):
    venv = stamped(lessons)
    (venv / "cnn-lessons.json").write_text(content)
    assert found(computer.environment(lessons, str(venv))) == (WRONG, "stops before its end", "make lab")


def test_no_environment_or_that_of_conda(lessons):
    assert computer.environment(lessons, "conda", THERE).state == NOTE
    state, says, mend = found(computer.environment(lessons, sys.prefix, {"numpy": "2.4.1"}))
    assert (state, mend) == (WRONG, "make lab") and says.startswith("is not there yet")


def test_packages(lessons):
    assert found(computer.packages(lessons, THERE)) == (FINE, "2, as in requirements.lock", "")
    assert computer.packages(lessons, {**THERE, "more": "1"}).state == FINE
    mend = "make clean; make lab"
    assert found(computer.packages(lessons, {"numpy": "2.4.1"})) == (WRONG, "sci-py not installed", mend)
    said = "other versions than in the lock: numpy 2.0, not 2.4.1"
    assert found(computer.packages(lessons, {**THERE, "numpy": "2.0"})) == (WRONG, said, mend)


def test_packages_of_this_python_are_those_of_the_lock():
    """As make has installed them; all names are read, whatever their case."""
    number = len(computer.locked((ROOT / "requirements.lock").read_text()))
    assert number > 100 and computer.packages().says == f"{number}, as in requirements.lock"


def test_one_core_is_slow_and_no_error():
    assert computer.cores(1).state == NOTE
    assert found(computer.cores(8)) == (FINE, "8", "")
    assert int(computer.cores().says.partition(":")[0]) >= 1


def test_memory():
    assert computer.memory(1.4e9).state == WRONG and "Shut Down All Kernels" in computer.memory(1.4e9).mend
    assert found(computer.memory(3.26e9)) == (FINE, "3.3 GB are free", "")
    assert "GB are free" in computer.memory().says


def test_disk(lessons, tmp_path):
    def usage(free):
        return lambda place: SimpleNamespace(free=free[place == lessons])

    cache = tmp_path / "cache" / "not" / "there"
    assert found(computer.disk(lessons, cache, usage({True: 3e9, False: 9e9}))) == (
        *(WRONG, "3.0 GB are free, and 4 are needed", "make room"),
    )
    (lessons / ".venv").mkdir()
    (lessons / "cache").mkdir()
    assert computer.disk(lessons, cache, usage({True: 3e9, False: 9e9})).state == FINE
    assert computer.disk(lessons, cache, usage({True: 1e8, False: 9e9})).state == WRONG
    short = computer.disk(lessons, cache, usage({True: 3e9, False: 1e8}))
    assert short.state == WRONG and short.says == "0.1 GB are free for the cache folder"


def test_clock(lessons):
    made = (lessons / "requirements.lock").stat().st_mtime
    assert computer.clock(made + 60, lessons).state == FINE
    assert computer.clock(0, lessons).state == WRONG and "1970-01-01" in computer.clock(43_200, lessons).says
    assert computer.clock(made + 30 * 365 * 86_400, lessons).state == WRONG


@pytest.mark.parametrize(
    ("environ", "state", "says"),
    [
        ({"HOME": "x", "KERAS_BACKEND": "tensorflow", "TF_VAR_secret": "x"}, FINE, "none that matter"),
        ({"MPLBACKEND": "Agg", "https_proxy": "http://me:secret@x"}, FINE, "set, and no harm: MPLBACKEND, https_proxy"),
        ({"CNN_LESSONS_CACHE": "data"}, WRONG, "CNN_LESSONS_CACHE must be a full path"),
        ({"CNN_LESSONS_PROGRESS": "data"}, WRONG, "CNN_LESSONS_PROGRESS must be a full path"),
        ({"CNN_LESSONS_PROGRESS": "off"}, FINE, "set, and no harm: CNN_LESSONS_PROGRESS"),
        ({"PYTHONPATH": "/x"}, NOTE, "PYTHONPATH may lead Python to other packages"),
        ({"TF_USE_LEGACY_KERAS": "1"}, WRONG, "TF_USE_LEGACY_KERAS asks for an old Keras"),
    ],
)
def test_variables(environ, state, says):
    assert found(computer.variables(environ))[:2] == (state, says)


def test_writing(tmp_path):
    """Root may write anywhere: the folder that cannot be written is none."""
    assert computer.writing([tmp_path]).state == FINE and [*tmp_path.iterdir()] == []
    (tmp_path / "file").touch()
    finding = computer.writing([tmp_path, tmp_path / "file"])
    assert finding.state == WRONG and "cannot be written" in finding.says


def test_data(tmp_path):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    (tmp_path / "data/planned.md").write_text("| File | `planned.csv`, not made yet |")
    count = computer.data(tmp_path).says
    assert computer.data(tmp_path).state == FINE and int(count.split()[0]) >= 10
    with (tmp_path / "data/digits.npz").open("r+b") as file:
        file.seek(1000)
        file.write(b"\0\0\0\0")
    said = "data/digits.npz: missing or damaged"
    assert found(computer.data(tmp_path)) == (WRONG, said, "git checkout data/digits.npz")
    (tmp_path / "data/models/photos.keras").unlink()
    assert computer.data(tmp_path).mend == "git checkout data/digits.npz data/models/photos.keras"


# --- the cache ---


@pytest.fixture
def drawn(cache) -> Path:
    """A cache folder with what stands in for critters."""
    folder = cache / f"critters-images-v{critters.VERSION}"
    folder.mkdir(parents=True)
    (folder / "0000.jpg").write_bytes(b"a picture")
    write_list(folder)
    with zipfile.ZipFile(cache / f"critters-v{critters.VERSION}.npz", "w") as archive:
        archive.writestr("train.npy", "many critters")
    return cache


def test_an_empty_cache_is_no_error(cache):
    state, says, mend = found(computer.cache())
    assert (state, mend) == (NOTE, "make data") and says.startswith("critters are not drawn yet")


def test_a_whole_cache(drawn):
    assert found(computer.cache()) == (FINE, "here and whole: critters", "")


def test_damaged_critters(drawn):
    archive = drawn / f"critters-v{critters.VERSION}.npz"
    archive.write_bytes(archive.read_bytes().replace(b"many", b"none"))
    assert found(computer.cache()) == (WRONG, "damaged: critters", "make data")


def test_damaged_files_of_critters(drawn):
    (drawn / f"critters-images-v{critters.VERSION}" / "0000.jpg").write_bytes(b"a pictur")
    assert found(computer.cache()) == (WRONG, "damaged: critters", "make data")


def test_a_damaged_dataset(drawn):
    for file in public.DATASETS["mnist"].files:
        file.path.parent.mkdir(exist_ok=True)
        file.path.write_bytes(b"half a download")
    (drawn / public.PETS).mkdir(parents=True)
    said, mend = "damaged: mnist, cats_vs_dogs", 'make data DATASETS="mnist cats_vs_dogs"'
    assert found(computer.cache()) == (WRONG, said, mend)

"""`make` sets up .venv beside the one that works, anywhere, and whatever a user's own settings say."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "set_up.py"
ODD = "Übung mit $HOME, 'so' und \"so\""

spec = importlib.util.spec_from_file_location("set_up", SCRIPT)
set_up = importlib.util.module_from_spec(spec)
spec.loader.exec_module(set_up)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="`make` and its .venv are for Unix")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    """Return a folder with one tiny package, so that nothing here needs a network."""
    folder = tmp_path_factory.mktemp("wheels")
    with zipfile.ZipFile(folder / "tiny_thing-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_thing.py", "def main():\n    import sys\n    print(sys.prefix)\n")
        info = "tiny_thing-1.0.dist-info/"
        wheel.writestr(f"{info}METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n")
        wheel.writestr(f"{info}WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}entry_points.txt", "[console_scripts]\ntiny = tiny_thing:main\n")
        wheel.writestr(f"{info}RECORD", "")
    return folder


def environment(wheels: Path, **more: str) -> dict[str, str]:
    """Return an environment in which pip knows no index, but the folder of wheels."""
    return {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), **more}


def run(root: Path, wheels: Path, *options: str, **more: str) -> SimpleNamespace:
    """Run the script of a clone as `make` does; return its exit status and all that it printed."""
    command = [sys.executable, "-I", "scripts/set_up.py", *options]
    done = subprocess.run(command, cwd=root, env=environment(wheels, **more), capture_output=True, text=True)
    return SimpleNamespace(status=done.returncode, text=done.stdout + done.stderr)


def new_clone(folder: Path) -> Path:
    """Make a folder that is to be set up like a clone, with a lock of one package."""
    (folder / "scripts").mkdir(parents=True)
    shutil.copy(SCRIPT, folder / "scripts")
    (folder / "helpers").mkdir()
    (folder / "helpers" / "__init__.py").write_text("")
    (folder / "requirements.lock").write_text("tiny-thing==1.0\n    # via cnn-lessons\n")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory, wheels) -> Path:
    """Return a clone in a folder with an odd name, whose .venv was made while settings of pip led elsewhere."""
    root = new_clone(tmp_path_factory.mktemp("clones") / ODD)
    theirs = root.parent / "theirs"
    theirs.mkdir()
    conf = theirs / "pip.conf"
    conf.write_text(f"[install]\nuser = true\ntarget = {theirs / 'by-file'}\n")
    named = {"PIP_USER": "1", "PIP_TARGET": str(theirs / "by-name"), "PIP_CONFIG_FILE": str(conf), "PYTHONHOME": "/x"}
    done = run(root, wheels, **named)
    assert done.status == 0, done.text
    assert "Setting up .venv" in done.text
    assert [path.name for path in theirs.iterdir()] == ["pip.conf"]
    return root


@pytest.fixture
def clone(made, tmp_path) -> Path:
    """Return a copy of the clone, .venv included, as `cp -a` makes it."""
    return Path(shutil.copytree(made, tmp_path / "copy", symlinks=True))


def helpers_of(root: Path) -> Path:
    """Return the folder of the helpers that the Python of a clone imports."""
    code = "import helpers, tiny_thing; print(helpers.__path__[0])"
    command = [root / ".venv/bin/python", "-c", code]
    return Path(subprocess.run(command, cwd="/", capture_output=True, text=True, check=True).stdout.strip()).parent


def prefix_of_command(root: Path) -> str:
    """Return the environment that a command of the clone runs in."""
    return subprocess.run([root / ".venv/bin/tiny"], capture_output=True, text=True, check=True).stdout.strip()


def snapshot(root: Path) -> tuple:
    """Return what changes when .venv is touched in any way."""
    venv = root / ".venv"
    return venv.stat().st_ino, venv.stat().st_mtime_ns, (venv / set_up.STAMP).read_bytes()


def no_build(*_):
    raise AssertionError("a new environment is built")


def test_it_is_made_in_an_odd_place(made):
    assert helpers_of(made) == made
    assert prefix_of_command(made) == str(made / ".venv")
    assert sorted(path.name for path in made.glob(".venv*")) == [".venv", ".venv.lock"]


def test_the_second_time_nothing_is_done(made, wheels, monkeypatch):
    before = snapshot(made)
    assert vars(run(made, wheels)) == {"status": 0, "text": ""}
    (made / "requirements.lock").touch()  # as a change of branch does
    monkeypatch.setattr(set_up, "build", no_build)
    set_up.set_up(made)
    assert snapshot(made) == before


def test_a_copy_uses_its_own_helpers_and_is_mended(made, clone, wheels):
    assert helpers_of(clone) == clone  # at once
    assert prefix_of_command(clone) == str(made / ".venv")
    done = run(clone, wheels)
    assert done.status == 0, done.text
    assert "Setting up" not in done.text
    assert prefix_of_command(clone) == str(clone / ".venv")
    assert str(made) not in (clone / ".venv/bin/activate").read_text()
    assert prefix_of_command(made) == str(made / ".venv")


def test_a_folder_may_be_renamed(clone, wheels):
    moved = clone.rename(clone.with_name("another name"))
    assert helpers_of(moved) == moved
    assert run(moved, wheels).status == 0
    assert prefix_of_command(moved) == str(moved / ".venv")


def test_what_works_stays_when_the_new_one_cannot_be_made(clone, wheels):
    assert run(clone, wheels).status == 0
    before = snapshot(clone)
    (clone / "requirements.lock").write_text("no-such-package==3.0\n")
    done = run(clone, wheels)
    assert done.status == 1
    assert "no-such-package" in done.text and "pip could not install the packages" in done.text
    assert "is as it was" in done.text and "venv module" not in done.text
    assert snapshot(clone) == before
    assert sorted(path.name for path in clone.glob(".venv*")) == [".venv", ".venv.lock"]
    assert run(clone, wheels, "--or-older").status == 0
    shutil.rmtree(clone / ".venv")
    assert run(clone, wheels, "--or-older").status == 1


def test_an_installation_that_was_stopped_begins_again(clone, wheels):
    shutil.rmtree(clone / ".venv")
    (clone / ".venv.new" / "bin").mkdir(parents=True)
    assert run(clone, wheels).status == 0
    assert helpers_of(clone) == clone


def test_ctrl_c_leaves_nothing_half(clone, monkeypatch):
    def stop(command, **_):
        (clone / ".venv.new" / "bin").mkdir(parents=True)
        raise KeyboardInterrupt

    (clone / "requirements.lock").write_text("# another lock\n")
    before = snapshot(clone)
    monkeypatch.setattr(set_up.subprocess, "run", stop)
    with pytest.raises(KeyboardInterrupt):
        set_up.set_up(clone)
    assert snapshot(clone) == before
    assert not (clone / ".venv.new").exists()


@pytest.mark.parametrize("old", [True, False], ids=["before the exchange", "amid the exchange"])
def test_what_was_stopped_at_the_exchange_goes_on(clone, monkeypatch, old):
    monkeypatch.setattr(set_up, "build", no_build)
    set_up.set_up(clone)
    shutil.copytree(clone / ".venv", clone / ".venv.new", symlinks=True)
    if old:
        stamp = json.loads((clone / ".venv" / set_up.STAMP).read_text())
        (clone / ".venv" / set_up.STAMP).write_text(json.dumps({**stamp, "lock": "an older one"}))
    else:
        (clone / ".venv").rename(clone / ".venv.old")
    set_up.set_up(clone)
    assert sorted(path.name for path in clone.glob(".venv*")) == [".venv", ".venv.lock"]
    assert prefix_of_command(clone) == str(clone / ".venv")


def test_what_is_not_ours_is_kept(clone, wheels, tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "pyvenv.cfg").write_text("home = /usr/bin\n")
    for number in (1, 2):
        shutil.rmtree(clone / ".venv")
        if number == 1:
            shutil.copytree(theirs, clone / ".venv")
        else:
            (clone / ".venv").symlink_to(theirs)
        done = run(clone, wheels)
        assert done.status == 0 and f"kept as .venv.kept{number}" in done.text
        assert (clone / f".venv.kept{number}" / "pyvenv.cfg").exists()
    assert os.listdir(theirs) == ["pyvenv.cfg"]


def test_an_environment_of_an_older_version_is_replaced(clone, wheels):
    (clone / ".venv" / set_up.STAMP).rename(clone / ".venv" / ".ready-3.12.1")
    assert run(clone, wheels).status == 0
    assert sorted(path.name for path in clone.glob(".venv*")) == [".venv", ".venv.lock"]


def test_packages_that_went_elsewhere_are_noticed(tmp_path, monkeypatch):
    root = new_clone(tmp_path / "clone")
    monkeypatch.setattr(set_up.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0))
    with pytest.raises(set_up.SetUpError, match=r"did not put tiny-thing into \.venv\.new"):
        set_up.build(root / ".venv.new", root / "requirements.lock")


def test_what_the_site_needs_is_added_once(clone, wheels):
    with zipfile.ZipFile(wheels / "page_maker-2.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("page_maker.py", "")
        info = "page_maker-2.0.dist-info/"
        wheel.writestr(f"{info}METADATA", "Metadata-Version: 2.1\nName: page-maker\nVersion: 2.0\n")
        wheel.writestr(f"{info}WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}RECORD", "")
    lock = clone / "requirements-site.lock"
    lock.write_text("page-maker==2.0\ntiny-thing==1.0\n")
    found = [clone / ".venv/bin/python", "-c", "import page_maker"]
    assert run(clone, wheels).status == 0 and subprocess.run(found, capture_output=True).returncode
    done = run(clone, wheels, "--site")
    assert done.status == 0 and "Adding the packages of requirements-site.lock" in done.text
    assert subprocess.run(found).returncode == 0
    assert vars(run(clone, wheels, "--site")) == {"status": 0, "text": ""}
    lock.write_text("page-maker==3.0\n")
    done = run(clone, wheels, "--site")
    assert done.status == 1 and "pip could not install the packages" in done.text
    assert run(clone, wheels).status == 0, "lessons work without"


def test_the_true_cause_is_named(tmp_path, monkeypatch):
    def cause(root):
        with pytest.raises(set_up.SetUpError) as error:
            set_up.check_place(root)
        return str(error.value)

    set_up.check_place(tmp_path)
    assert "':' in its path" in cause(tmp_path / "a:b")
    with monkeypatch.context() as patch:
        patch.setattr(set_up.os, "access", lambda *_: False)
        assert "cannot be written" in cause(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(set_up.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else spec)
        assert "venv module is missing" in cause(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(set_up.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e9))
        assert "1.0 GB left" in cause(tmp_path)


def test_a_colon_in_the_path_stops_make_with_the_cause(tmp_path, wheels):
    done = run(new_clone(tmp_path / "a:b"), wheels)
    assert done.status == 1
    assert "':' in its path" in done.text and "venv module" not in done.text


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed: `apt install make`")
@pytest.mark.parametrize(
    "name", ["VENV", "LESSON", "DATASETS", "PYTEST_ARGS", "FAULTS", "RUN", "PIP_USER", "PYTHONPATH"]
)
def test_make_takes_nothing_over_from_the_environment(name):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    for verb in ("clean", "data", "notebooks", "unit", "faults", "refresh"):
        command = ["make", "--dry-run", "--no-print-directory", verb]
        usual, named = (
            subprocess.run(command, cwd=ROOT, env=more, capture_output=True, text=True, check=True).stdout
            for more in (clean, {**clean, name: "somewhere"})
        )
        assert usual == named and "rm -rf somewhere" not in named
    shown = subprocess.run([*command, f"{name}=somewhere"], cwd=ROOT, env=clean, capture_output=True, text=True)
    assert ("somewhere" in shown.stdout) == (name in ("DATASETS", "LESSON", "RUN"))


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed: `apt install make`")
def test_settings_of_python_do_not_reach_what_make_starts(tmp_path):
    """A module of a user's own that is named like ours is not imported, and asserts count."""
    (tmp_path / "Makefile").write_text(
        (ROOT / "Makefile").read_text() + "\nshow:\n\t@env | grep -E 'PYTHON|PYTEST|COLUMNS|GIT_DIR' | sort\n"
    )
    hostile = {
        "PYTHONPATH": "/theirs",
        "PYTHONOPTIMIZE": "2",
        "PYTEST_ADDOPTS": "--cov",
        "COLUMNS": "40",
        "GIT_DIR": "x",
    }
    environment = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, "PYTHONUNBUFFERED": "1", **hostile}
    done = subprocess.run(["make", "show"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"PYTHON={sys.executable}", "PYTHONUNBUFFERED=1", "PYTHONUTF8=1"]

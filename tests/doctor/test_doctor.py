"""The doctor: a check that fails or hangs is a finding, nothing of the user's is told, and it runs before a set-up."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from helpers import doctor
from helpers.doctor import FINE, NOTE, WRONG, Check, Finding, running

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "doctor.py"
NAMES = [check.name for check in (*running.BEFORE, *running.AFTER)]


def broken():
    raise KeyError("no such thing")


def test_a_check_that_raises_is_a_finding_and_the_others_go_on():
    fine = Finding("b", FINE, "all is well")
    found = [*doctor.examine([Check("a", broken), Check("b", lambda: fine)])]
    assert found == [Finding("a", WRONG, "KeyError: 'no such thing'", "tell the authors"), fine]


def test_a_check_that_hangs_is_a_finding():
    found = doctor.bounded(Check("slow", threading.Event().wait, 0.05))
    assert found == Finding("slow", WRONG, "no answer within 0.05 s", "close other programs, then: make doctor")


def test_a_program_that_takes_too_long_is_told_in_the_same_words():
    def slow():
        raise subprocess.TimeoutExpired("python", 50)

    assert doctor.bounded(Check("slow", slow, 60)).says == "no answer within 60 s"


def test_each_check_has_its_bound_and_a_name_of_its_own():
    assert len(set(NAMES)) == len(NAMES) == 17
    assert all(0 < check.seconds <= 220 for check in (*running.BEFORE, *running.AFTER))


def test_only_what_is_wrong_counts():
    assert doctor.status([Finding("a", FINE, ""), Finding("b", NOTE, "")]) == 0
    assert doctor.status([Finding("a", FINE, ""), Finding("b", WRONG, "")]) == 1


def test_a_finding_is_one_line():
    assert str(Finding("disk", WRONG, "it is full", "make room")) == "wrong  disk          it is full  → make room"
    assert str(Finding("disk", FINE, "7 GB are free")) == "fine   disk          7 GB are free"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cannot read /srv/ada/My Documents/cnn: no", "cannot read <path>: no"),
        (r"C:\Users\ada\keras.json is damaged", "<path> is damaged"),
        ("mv ~/.keras/keras.json ~/.keras/keras.json.old", "mv ~<path> ~<path>"),
        ("ada-laptop refuses ada", "<name> refuses <name>"),
        ("Adam and adapters stay, 8888 too", "Adam and adapters stay, 8888 too"),
        (".venv/bin/python -m jupyter server stop", ".venv/bin/python -m jupyter server stop"),
        (
            "make data DATASETS=mnist, at http://127.0.0.1:8888/lab",
            "make data DATASETS=mnist, at http://127.0.0.1:8888/lab",
        ),
    ],
)
def test_names_and_paths_are_not_told(text, expected):
    words = ["ada", "ada-laptop", "/srv/ada", "/srv/ada/My Documents/cnn"]
    assert doctor.scrub(text, words).replace("<name>:", "<path>:") == expected


def test_the_words_not_to_tell_are_those_of_this_computer():
    assert {str(Path.home()), str(ROOT)} <= doctor.private_words()


def test_json_says_all_and_nothing_of_the_user():
    secret = Finding("Keras", WRONG, "/srv/ada/keras.json is damaged", "mv /srv/ada/keras.json x")
    found = json.loads(doctor.as_json([secret], iter(["ada"])))
    assert found["findings"] == [
        {"name": "Keras", "state": "wrong", "says": "<path> is damaged", "mend": "mv <path> x"}
    ]
    assert {*found} == {"python", "system", "machine", "findings"}


# --- the script ---


def run(script: Path, *options: str, python: str = sys.executable) -> subprocess.CompletedProcess:
    return subprocess.run([python, "-I", script, *options], capture_output=True, text=True)


@pytest.fixture
def new_clone(tmp_path) -> Path:
    """A clone in which nothing is set up, and whose packages no Python has."""
    for folder in ("helpers", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "scripts").mkdir()
    (tmp_path / "notebooks").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    (tmp_path / "requirements.lock").write_text("no-such-package==1.0\n")
    return tmp_path


def test_before_anything_is_installed_it_says_so_and_how(new_clone):
    base = getattr(sys, "_base_executable", sys.executable)
    done = run(new_clone / "scripts" / "doctor.py", python=base)
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and done.stderr == ""
    assert "wrong  .venv         is not there yet: the packages of the lessons are not installed  → make lab" in lines
    assert [line.split()[1] for line in lines if line.startswith(("fine", "note", "wrong"))] == [
        check.name for check in running.BEFORE
    ]
    told = json.loads(run(new_clone / "scripts" / "doctor.py", "--json", python=base).stdout)
    assert [finding["name"] for finding in told["findings"]] == [check.name for check in running.BEFORE]
    assert str(new_clone) not in json.dumps(told)


@pytest.mark.skipif(os.name == "nt", reason="the .venv of make is for Unix")
def test_it_goes_on_with_the_python_of_the_lessons(new_clone):
    python = new_clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "the Python of .venv got $*"\n')
    python.chmod(0o755)
    script = new_clone / "scripts" / "doctor.py"
    assert run(script, "--json").stdout == f"the Python of .venv got -I {script} --json\n"


def test_too_old_a_python_is_told_what_to_do(new_clone):
    """The script stands in for one: it must not need anything of a newer one before it says so."""
    script = new_clone / "scripts" / "doctor.py"
    script.write_text(script.read_text().replace("(3, 11) <=", "(3, 99) <="))
    done = run(script)
    assert done.returncode == 1 and done.stderr == ""
    assert "but 3.11, 3.12 or 3.13 is needed  → make lab PYTHON=python3.12" in done.stdout

"""An update brings the new lessons, and loses nothing that was typed, also where it fails."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "update.py"
DAY = "2026-11-26"

spec = importlib.util.spec_from_file_location("update", SCRIPT)
update = importlib.util.module_from_spec(spec)
spec.loader.exec_module(update)

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed: `apt install git`")


def notebook(*sources: str, output: str = "") -> str:
    cells = [{"cell_type": "code", "source": [source], "outputs": [output] * bool(output)} for source in sources]
    return json.dumps({"cells": cells}, indent=1)


def git(folder: Path, *arguments: str) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    names = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *names, *arguments], cwd=folder, env=own, check=True, capture_output=True)


def publish(folder: Path, **notebooks: str) -> None:
    for name, content in notebooks.items():
        (folder / "notebooks" / f"{name}.ipynb").write_text(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "new")


@pytest.fixture
def clone(tmp_path, monkeypatch) -> Path:
    """A learner's clone of lessons of which there are newer ones."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    source = tmp_path / "source"
    (source / "notebooks").mkdir(parents=True)
    (source / "scripts").mkdir()
    shutil.copy(SCRIPT, source / "scripts")
    shutil.copy(ROOT / ".gitignore", source)
    git(source, "init", "--quiet")
    publish(source, one=notebook("x = 1"), two=notebook("y = 2"), three=notebook("z = 3"))
    git(tmp_path, "clone", "--quiet", "source", "clone")
    publish(source, one=notebook("x = 10"), two=notebook("y = 20"))
    return tmp_path / "clone"


def text(clone: Path, name: str) -> str:
    return (clone / "notebooks" / f"{name}.ipynb").read_text()


def test_what_was_typed_is_kept_beside_the_new_lesson(clone):
    mine = notebook("x = 1", "my own = cell")
    (clone / "notebooks" / "one.ipynb").write_text(mine)
    (copy,) = update.update(clone, DAY)
    assert copy == clone / "notebooks" / "mine" / "one_2026-11-26.ipynb" and copy.read_text() == mine
    assert (text(clone, "one"), text(clone, "two")) == (notebook("x = 10"), notebook("y = 20"))
    assert update.changed(clone) == {}  # git does not see the copy


def test_nothing_is_kept_of_lessons_that_were_only_run(clone):
    (clone / "notebooks" / "two.ipynb").write_text(notebook("y = 2", output="2"))
    assert update.update(clone, DAY) == []
    assert text(clone, "two") == notebook("y = 20")


def test_a_lesson_without_news_is_the_original_again(clone):
    (clone / "notebooks" / "three.ipynb").write_text(notebook("z = 4"))
    assert [copy.read_text() for copy in update.update(clone, DAY)] == [notebook("z = 4")]
    assert text(clone, "three") == notebook("z = 3")


def test_no_copy_replaces_another(clone):
    for number in (5, 6, 6):
        (clone / "notebooks" / "one.ipynb").write_text(notebook(f"x = {number}"))
        update.update(clone, DAY)
    copies = sorted((clone / "notebooks" / "mine").iterdir())
    assert [(path.name, path.read_text()) for path in copies] == [
        ("one_2026-11-26.ipynb", notebook("x = 5")),
        ("one_2026-11-26_2.ipynb", notebook("x = 6")),
    ]


@pytest.mark.parametrize("content", ["", "{", "no notebook", "[]"])
def test_what_is_no_notebook_any_more_is_kept_as_it_is(clone, content):
    (clone / "notebooks" / "one.ipynb").write_text(content)
    assert [copy.read_text() for copy in update.update(clone, DAY)] == [content]


def test_a_lesson_that_was_deleted_comes_back(clone):
    (clone / "notebooks" / "three.ipynb").unlink()
    (clone / "notebooks" / "two.ipynb").unlink()
    update.update(clone, DAY)
    assert text(clone, "two") == notebook("y = 20")


def test_what_was_staged_is_kept_as_well(clone):
    (clone / "notebooks" / "one.ipynb").write_text(notebook("x = 7"))
    git(clone, "add", "-A")
    assert [copy.read_text() for copy in update.update(clone, DAY)] == [notebook("x = 7")]
    assert text(clone, "one") == notebook("x = 10")


def no_network(clone):
    git(clone, "remote", "set-url", "origin", str(clone / "nowhere"))


def own_commit(clone):
    (clone / "more.txt").write_text("mine")
    git(clone, "add", "more.txt")
    git(clone, "commit", "-m", "mine")


def new_file_in_the_way(clone):
    publish(clone.parent / "source", four=notebook("new"))
    (clone / "notebooks" / "four.ipynb").write_text("mine")


@pytest.mark.parametrize("trouble", [no_network, own_commit, new_file_in_the_way])
def test_where_git_fails_all_is_as_it_was(clone, trouble):
    trouble(clone)
    mine = {"one": notebook("x = 1", "typed"), "two": notebook("y = 2", output="2")}
    for name, content in mine.items():
        (clone / "notebooks" / f"{name}.ipynb").write_text(content)
    with pytest.raises(RuntimeError):
        update.update(clone, DAY)
    assert {name: text(clone, name) for name in mine} == mine
    if trouble is new_file_in_the_way:
        assert text(clone, "four") == "mine"


def run(clone: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-I", clone / "scripts" / "update.py"], capture_output=True, text=True)


def test_as_a_learner_runs_it(clone):
    (clone / "notebooks" / "one.ipynb").write_text(notebook("mine"))
    first, second = run(clone), run(clone)
    assert first.returncode == 0 and first.stdout.endswith("The lessons are new.\n")
    assert "What you typed is in notebooks/mine/one_" in first.stdout.replace("\\", "/")
    assert second.stdout == "The lessons are the newest already.\n"
    no_network(clone)
    assert run(clone).stderr.endswith("Nothing was updated, and your notebooks are as they were.\n")


def test_a_folder_without_git_is_told(clone):
    shutil.rmtree(clone / ".git")
    done = run(clone)
    assert done.returncode == 1 and "not a git repository" in done.stderr

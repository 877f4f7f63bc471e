"""Answers are remembered by kernels and by nothing else; whatever is wrong with the file, lessons go on."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from helpers import progress
from helpers.exercises import load_checks
from helpers.exercises.misconceptions import known
from helpers.progress import Memory, Try

import nbformat
import pytest
from filelock import FileLock
from surroundings import client

ROOT = Path(__file__).resolve().parent.parent
WRONG = Try("2026-11-26T20:00:00+00:00", "03", 2, "wrong", "03.2.4")
RIGHT = WRONG._replace(verdict="right", misconception="")


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder for the answers of a learner, whom this test plays: it is not made yet."""
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress"))
    monkeypatch.setattr(progress, "in_lesson", lambda: True)
    return tmp_path / "progress"


def answers(place: Path) -> str:
    return (place / progress.FILE).read_text(encoding="utf-8")


# --- what is kept ---


def test_an_answer_is_five_entries_and_an_edition_and_no_word_of_the_learner(place):
    check = load_checks("03")
    check(1, "?")  # not yet
    check(1, "a")
    load_checks("03b")(1, lambda w, x, y, rate: "my own words, by Ada")
    check.solution(1, "c")
    check(1, "c")
    rows = [json.loads(line) for line in answers(place).splitlines()]
    assert [{*row} for row in rows] == [{"time", "lesson", "exercise", "verdict", "misconception", "edition"}] * 3
    assert [[*row.values()][1:-1] for row in rows] == [
        ["03", 1, "wrong", "03.1.1"],
        ["03b", 1, "wrong", ""],
        ["03", 1, "right", ""],
    ]
    assert "Ada" not in answers(place)


def test_what_is_done_needs_no_more_tries(place):
    for letter in "acab":
        load_checks("03")(1, letter)
    assert [attempt.verdict for attempt in progress.recall()] == ["wrong", "right"]


def test_a_new_kernel_knows_what_an_old_one_remembered(place, capsys):
    load_checks("03")(1, "a")
    load_checks("03")(1, "c")
    load_checks("03")(2, {"conv": 1_664, "height": 10, "dense": 64_010})
    load_checks("04")(1, "?")
    capsys.readouterr()
    load_checks("03").summary()
    assert capsys.readouterr().out == (
        "Lesson 03, Building a CNN: 1 of 7 exercises done.\n"
        "  ✓ 1  done, after 2 tries\n"
        "  ✗ 2  tried once, not right yet\n" + "".join(f"  · {number}  open\n" for number in range(3, 8))
    )
    assert progress.done(progress.recall()) == {"03": {1}}


def test_a_summary_needs_no_memory(capsys):
    """Tests have none; a learner who turned it off still sees what this kernel knows."""
    check = load_checks("03")
    check(1, "c")
    check(6, {"conv2": 9, "conv3": 25})
    check(6, {"conv2": 9, "conv3": 25})
    capsys.readouterr()
    check.summary()
    said = capsys.readouterr().out
    assert "  ✓ 1  done, at the first try\n" in said and "  ✗ 6  tried 2 times, not right yet\n" in said
    load_checks("03").summary()
    assert "0 of 7" in capsys.readouterr().out


# --- numbers that exercises had before ---


def test_answers_of_before_lesson_03b_count_for_the_same_exercises(place):
    place.mkdir()
    lines = [json.dumps(RIGHT._replace(exercise=number)._asdict()) for number in range(1, 11)]
    (place / progress.FILE).write_text("\n".join(lines) + "\n")
    assert progress.done(progress.recall()) == {"03": {1, 2, 6, 7}, "03b": {1, 2, 3, 4, 5, 6}}
    new = RIGHT._replace(exercise=3)
    progress.remember(new)
    assert progress.recall()[-1] == new, "what is answered now keeps its number"


BEFORE = {3: 12, 4: 10, 5: 7, 7: 6, 8: 11, 9: 6, 10: 6}
"""How many misconceptions the exercises of lesson 03 had that are elsewhere now."""


def test_misconceptions_of_before_say_the_same_under_their_new_names():
    says = {row.name: row.message for row in known()}
    old = [f"03.{exercise}.{number}" for exercise, last in BEFORE.items() for number in range(1, last + 1)]
    for row in [row for row in known() if row.name in old]:
        found = progress.as_try(WRONG._replace(exercise=row.exercise[1], misconception=row.name)._asdict())
        assert found.misconception != row.name and says[found.misconception] == row.message
        assert found.misconception.startswith(f"{found.lesson}.{found.exercise}.")


# --- who remembers, and where ---


def test_by_default_it_is_a_folder_of_the_lessons_that_git_ignores(monkeypatch):
    monkeypatch.delenv(progress.VARIABLE)
    assert progress.folder() == ROOT / "progress"
    assert "/progress/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "progress" not in (ROOT / "Makefile").read_text().partition("\nclean:")[2].partition("\n\n")[0]


@pytest.mark.parametrize("value", ["off", "some/folder"])
def test_one_setting_turns_it_off(place, monkeypatch, value):
    monkeypatch.chdir(place.parent)
    monkeypatch.setenv(progress.VARIABLE, value)
    load_checks("03")(1, "a")
    assert progress.folder() is None and progress.recall() == [] and not progress.forget()
    assert [*place.parent.iterdir()] == []


def test_a_program_that_is_no_kernel_remembers_nothing(tmp_path):
    code = "from helpers.exercises import load_checks; load_checks('03')(1, 'a')"
    environment = {**os.environ, progress.VARIABLE: str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
    assert [*tmp_path.iterdir()] == []


def run_cells(*sources: str) -> list[str]:
    """Run cells in a new kernel; return what each printed."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    cells = client(notebook).execute().cells
    return ["".join(output.text for output in cell.outputs) for cell in cells]


def test_a_kernel_remembers_and_after_a_restart_another_one_knows(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress"))
    begin = "from helpers.exercises import load_checks\ncheck = load_checks('03')"
    run_cells(begin, "check(1, 'a')", "check(1, 'c')")
    assert "✓ 1  done, after 2 tries" in run_cells(begin, "check.summary()")[1]
    assert [attempt.verdict for attempt in progress.recall()] == ["wrong", "right"]


def test_kernels_of_tests_are_told_to_remember_nothing():
    assert run_cells("import os; print(os.environ['CNN_LESSONS_PROGRESS'])") == ["off\n"]


# --- what may be wrong with the file ---

DAMAGE = [
    b"",
    b"\n\n",
    b"no json\n",
    b'{"time": "2026-11-26T20:00:00+00:00", "lesson": "03", "exer',
    b"\xff\xfe\x00\x81" * 50,
    b"[" * 100_000 + b"\n",
    b"[]\n3\nnull\n",
    b'{"lesson": "03"}\n',
    json.dumps({**WRONG._asdict(), "verdict": "Ada"}).encode(),
    json.dumps({**WRONG._asdict(), "exercise": True}).encode(),
    json.dumps({**WRONG._asdict(), "exercise": "3"}).encode(),
    json.dumps({**WRONG._asdict(), "lesson": 3}).encode(),
    json.dumps({**WRONG._asdict(), "time": "yesterday"}).encode(),
    json.dumps({**WRONG._asdict(), "misconception": "<script>"}).encode(),
]


@pytest.mark.parametrize("damage", DAMAGE, ids=range(len(DAMAGE)))
def test_damage_costs_its_own_line_and_no_other(place, damage):
    place.mkdir()
    before = json.dumps(WRONG._asdict()).encode() + b"\n"
    (place / progress.FILE).write_bytes(before + damage)
    assert progress.remember(RIGHT)
    assert progress.recall() == [WRONG, RIGHT]
    assert (place / progress.FILE).read_bytes().startswith(before + damage)  # nothing of it is thrown away


def test_entries_of_a_later_version_are_dropped():
    assert progress.as_try({**WRONG._asdict(), "name": "Ada"}) == WRONG


@pytest.mark.skipif(os.name == "nt", reason="other rights on Windows")
def test_where_nothing_can_be_written_lessons_go_on(place, monkeypatch, capsys):
    place.write_text("a file where the folder should be")
    check = load_checks("03")
    check(1, "a")
    check.summary()
    assert "✗ 1  tried once" in capsys.readouterr().out
    assert place.read_text() == "a file where the folder should be"


@pytest.mark.parametrize("error", [PermissionError, NotImplementedError, OSError])
def test_a_read_only_folder_is_no_error(place, monkeypatch, error):
    """Root may write anywhere, so that the error is raised here."""

    def refuse(*_):
        raise error

    monkeypatch.setattr(progress, "_append", refuse)
    memory = Memory("03")
    memory.add(3, "wrong", "03.3.4")
    assert not progress.remember(WRONG) and len(memory.tries()) == 1


def test_a_kernel_that_holds_the_file_for_ever_stops_no_other(place, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    place.mkdir()
    with FileLock(place / progress.LOCK):
        assert not progress.remember(WRONG)
    assert progress.remember(WRONG)


WRITER = """
import sys
from helpers import progress
progress.in_lesson, progress.PATIENCE = lambda: True, 60
for number in range(1, 41):
    assert progress.remember(progress.Try(progress.now(), sys.argv[1], number, "wrong"))
"""


def test_two_kernels_at_once_lose_nothing(place):
    programs = [subprocess.Popen([sys.executable, "-c", WRITER, lesson]) for lesson in ("03", "04")]
    assert [program.wait() for program in programs] == [0, 0]
    assert len(answers(place).splitlines()) == 80
    for lesson in ("03", "04"):
        assert [t.exercise for t in progress.recall() if t.lesson == lesson] == [*range(1, 41)]


# --- starting over ---


def test_forgetting_deletes_the_answers_and_nothing_else(place):
    progress.remember(WRONG)
    (place / "notes.txt").write_text("mine")
    assert progress.forget() and not progress.forget()
    assert progress.recall() == [] and (place / "notes.txt").read_text() == "mine"


def test_until_right_counts_no_answer_after_it():
    assert progress.until_right([WRONG, WRONG, RIGHT, WRONG], "03", 2) == (3, True)
    assert progress.until_right([WRONG, RIGHT._replace(lesson="04")], "03", 2) == (1, False)
    assert progress.until_right([], "03", 3) == (0, False)


def test_make_refresh_remembers_nothing(tmp_path, monkeypatch):
    """Its kernels are told so, whatever the environment says."""
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "scripts" / "refresh.py")
    refresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(refresh)
    monkeypatch.setattr(refresh, "NOTEBOOKS", tmp_path)
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress"))
    cell = nbformat.v4.new_code_cell("from helpers.exercises import load_checks\nload_checks('03')(1, 'a')")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "x.ipynb")
    refresh.refresh(tmp_path / "x.ipynb")
    assert "✗ no: " in (tmp_path / "x.ipynb").read_text(encoding="utf-8")
    assert not (tmp_path / "progress").exists()

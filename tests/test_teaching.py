"""What is made for those who teach fits the lessons, or is stale; a rehearsal times, and names what fails."""

import importlib
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
TEACHING = ROOT / "docs" / "teaching"


NOT_YET = set()
"""Lessons with objectives that no exercise proves yet: this list only gets shorter."""


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    """Scripts find each other, as they do when they run."""
    monkeypatch.syspath_prepend(ROOT / "scripts")


@pytest.fixture
def teaching():
    return importlib.import_module("make_teaching")


def test_what_is_made_is_not_stale(teaching):
    """Else: `make teaching`, and commit what it writes."""
    assert [path.relative_to(ROOT).as_posix() for path in teaching.stale()] == []


def test_a_stale_page_is_noticed_and_mended(teaching, monkeypatch, tmp_path):
    monkeypatch.setattr(teaching, "TEACHING", tmp_path)
    assert [path.name for path in teaching.stale()] == ["schedules.md", "wrong_answers.md", "objectives.md"]
    for path, text in teaching.stale().items():
        path.write_text(text, encoding="utf-8")
    assert teaching.stale() == {}
    (tmp_path / "schedules.md").write_text("changed by hand")
    assert [path.name for path in teaching.stale()] == ["schedules.md"]


@pytest.mark.parametrize("content", [None, "", "name,state,message\n01.1.1,,one, and a comma too many\n"])
def test_names_that_cannot_be_read_are_not_given_anew(teaching, monkeypatch, tmp_path, content):
    file = tmp_path / "names.csv"
    if content is not None:
        file.write_text(content)
    monkeypatch.setattr(teaching.misconceptions, "FILE", file)
    with pytest.raises(ValueError, match=r"cannot be read .* nothing was made"):
        teaching.stale()
    assert file.exists() == (content is not None) and (content is None or file.read_text() == content)


def test_check_is_a_command():
    done = subprocess.run(
        [sys.executable, "scripts/make_teaching.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_minutes_of_a_lesson_add_up(teaching):
    """Those of the sections to those that stand above the lesson, and in the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(teaching.ready()) >= 11
    for lesson in teaching.ready():
        sections = teaching.sections(lesson)
        sums = (sum(s.minutes for s in sections), sum(s.all - s.minutes for s in sections))
        assert sums == teaching.stated(lesson), lesson.id
        assert f"({'notebooks/' + lesson.stem}.ipynb)" in readme
        row = next(line for line in readme.splitlines() if lesson.stem in line and line.startswith("|"))
        assert f"| {sums[0]} + {sums[1]} min |" in row, lesson.id


def test_each_lesson_says_how_it_is_taught_in_short(teaching):
    assert all(len(teaching.in_short(lesson)) > 80 for lesson in teaching.ready())


def test_the_notes_name_the_exercises_of_the_lesson(teaching):
    for lesson in teaching.ready():
        named = {name for section in teaching.sections(lesson) for name, _ in section.exercises if name.isdecimal()}
        assert named == {str(number) for number in teaching.exercise_titles(lesson)}, lesson.id


def test_each_objective_is_proved_by_an_exercise(teaching):
    """Else: write an exercise, with a line `*Objective 3: “the words of the objective”.*` below its heading."""
    wanting = {lesson.id: gaps for lesson in teaching.LESSONS if (gaps := teaching.gaps(lesson))}
    assert {lesson: gaps for lesson, gaps in wanting.items() if lesson not in NOT_YET} == {}
    done = {lesson.id for lesson in teaching.LESSONS} - wanting.keys()
    assert not NOT_YET & done, "these are done: take them off the list"


OBJECTIVES = """# 9 · A lesson

**Objectives.** After this lesson you can

1. compute a map, and write
   the loop;
2. say `why`.

**Time.** Teaching 5 min.
"""
PROVING = [
    "### Exercise 1: a map\n\n*Objective 1: “compute a map”.*\n\nDo it.",
    "## Why\n\n### Exercise 2: why\n\n*Objective 2.*",
]
LOOP = "### Exercise 3: loop\n\n*Objective 1: “write the\nloop”.*\n\nDo it.\n\n### Else\n\n*Objective 7.*"


def test_objectives_by_hand(teaching, monkeypatch):
    monkeypatch.setattr(teaching, "texts", lambda lesson: [OBJECTIVES, *PROVING, LOOP])
    assert teaching.objectives(None) == {1: "compute a map, and write the loop", 2: "say `why`"}
    assert teaching.proofs(None) == [(1, 1, ("compute a map",)), (2, 2, ()), (1, 3, ("write the loop",))]
    assert teaching.gaps(None) == []


@pytest.mark.parametrize(
    ("cells", "gaps"),
    [
        (PROVING, ["objective 1: no exercise for “write loop”"]),
        ([PROVING[0], LOOP], ["objective 2: no exercise for “say `why`”"]),
        ([*PROVING, LOOP.replace("*Objective 1", "*Objective 4")], [
            "exercise 3: no objective 4 with “write the loop”", "objective 1: no exercise for “write loop”",
        ]),
        ([*PROVING, LOOP, "### Exercise 4: odd\n\n*Objective 2: “say how”.*"], [
            "exercise 4: no objective 2 with “say how”",
        ]),
    ],
)  # fmt: skip
def test_what_no_exercise_proves_is_named(teaching, monkeypatch, cells, gaps):
    monkeypatch.setattr(teaching, "texts", lambda lesson: [OBJECTIVES, *cells])
    assert teaching.gaps(None) == gaps


def test_objectives_that_have_no_numbers_are_noticed(teaching, monkeypatch):
    monkeypatch.setattr(teaching, "texts", lambda lesson: [re.sub(r"(?m)^\d\.", "-", OBJECTIVES), *PROVING, LOOP])
    assert teaching.gaps(None) == ["no objectives that are numbered"]


def test_a_day_has_no_gap_and_its_pauses(teaching):
    for days in teaching.PLANS.values():
        for rows in days:
            assert all(a.start + a.minutes == b.start for a, b in pairwise(rows))
            sitting = 0
            for row in rows:
                sitting = 0 if row.what in ("pause", "lunch") else sitting + row.minutes
                assert sitting <= 90, row
    ends = {
        name: [(rows[0].start, rows[-1].start + rows[-1].minutes) for rows in days]
        for name, days in teaching.PLANS.items()
    }
    assert all(start >= 9 * 60 and end <= 17 * 60 for days in ends.values() for start, end in days)
    assert ends["Half a day"][0][1] <= 13 * 60


def test_a_day_by_hand(teaching, monkeypatch):
    monkeypatch.setattr(teaching, "blocks", lambda plan: [(50, "a"), (40, "b"), (80, "c"), (60, "d")])
    rows = teaching.day("", "09:00", (10, "begin"), (5, "end"))
    assert [(row.start, row.what) for row in rows] == [
        (540, "begin"), (550, "a"), (600, "pause"), (610, "b"), (650, "pause"), (660, "c"),
        (740, "lunch"), (800, "d"), (860, "end"),
    ]  # fmt: skip


def test_a_week_takes_what_fits(teaching, monkeypatch):
    sections = [teaching.Section("a", 40, (("1", 20), ("2", 10)), ""), teaching.Section("b", 20, (("3", 5),), "")]
    monkeypatch.setattr(teaching, "sections", lambda lesson: sections)
    assert teaching.week(None) == (60, ["1", "2"], ["3"])
    assert teaching.week(None, 80) == (60, ["1"], ["2", "3"])
    assert teaching.week(None, 95) == (60, ["1", "2", "3"], [])


@pytest.mark.parametrize("path", sorted(TEACHING.glob("*.md")), ids=lambda path: path.name)
def test_links_and_verbs_of_the_guide_exist(path):
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert not [target for target in targets if not (path.parent / target).exists()]
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= verbs


# --- the rehearsal ---


@pytest.fixture
def rehearsal(tmp_path, monkeypatch):
    """A rehearsal of two small lessons, one of which fails, on a computer that is fine."""
    rehearsal = importlib.import_module("rehearse")
    (tmp_path / "notebooks").mkdir()
    for name, sources in {
        "a": ["x = 1"],
        "b": ["import os\nassert os.environ['CNN_LESSONS_PROGRESS'] == 'off'", "1 / 0"],
    }.items():
        cells = [nbformat.v4.new_code_cell(source, id=f"{name}-{number}") for number, source in enumerate(sources)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / f"{name}.ipynb")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "doctor.py").write_text("")
    monkeypatch.setattr(rehearsal, "ROOT", tmp_path)
    monkeypatch.setattr(rehearsal, "chosen", lambda ids: [Path(f"{name}.ipynb") for name in ids])
    return rehearsal


def test_a_rehearsal_names_what_fails_and_goes_on(rehearsal, tmp_path, capsys):
    before = (tmp_path / "notebooks" / "a.ipynb").read_text()
    assert rehearsal.main(["b", "a"]) == 1
    said = capsys.readouterr().out
    assert re.search(r"^b: \d s, FAILED: ZeroDivisionError: division by zero\na: \d s\n", said)
    rows = [line.split(",")[:2] for line in (tmp_path / "rehearsal.csv").read_text().splitlines()[1:]]
    assert rows == [["b", "b-0"], ["b", "b-1"], ["a", "a-0"]]
    assert (tmp_path / "notebooks" / "a.ipynb").read_text() == before


def test_a_rehearsal_where_all_is_well_but_the_computer(rehearsal, tmp_path, capsys):
    assert rehearsal.main(["a"]) == 0
    assert "All is well." in capsys.readouterr().out
    (tmp_path / "scripts" / "doctor.py").write_text("raise SystemExit(1)")
    assert rehearsal.main(["a"]) == 1


def test_slow_cells_are_named_slowest_first(rehearsal):
    assert rehearsal.report("x", [("a", 4.9), ("b", 5.2), ("c", 31.0)], "") == "x: 41 s\n    31 s  c\n     5 s  b"

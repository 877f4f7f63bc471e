"""From thirty learners to one page: what it counts is what they did, and what is no file of theirs is named."""

import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

from helpers import classroom, progress
from helpers.classroom import Learner, exercises_of_all, figures, frequent, hand_in, page, read_folder
from helpers.exercises.misconceptions import known
from helpers.progress import Try

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXERCISES = exercises_of_all()
NAMES = ["Ada", "Gráinne O'Neil", "李小龍", "<b>Bob</b> & Co", *(f"learner {number}" for number in range(26))]
WRONG = Try("2026-11-26T20:00:00+00:00", "03b", 1, "wrong", "03b.1.1")
RIGHT = WRONG._replace(verdict="right", misconception="")


def simulate(seed: int) -> tuple[Try, ...]:
    """Return what a learner tried: some exercises of the first lessons, with usual and other wrong answers."""
    chance = random.Random(seed)
    skill, tries = chance.random(), []
    for lesson, number in EXERCISES:
        if lesson > "04" or chance.random() > 0.3 + skill / 2:
            continue
        usual = [row.name for row in known() if row.exercise == (lesson, number) and not row.state]
        time = f"2026-11-{10 + int(lesson[:2])}T{8 + number:02}:00:00+00:00"
        for _ in range(chance.randrange(5)):
            name = chance.choice(usual) if chance.random() < 0.8 else ""
            tries.append(Try(time, lesson, number, "wrong", name))
        if chance.random() < skill:
            tries.append(Try(time, lesson, number, "right"))
    return tuple(tries)


CLASS = [Learner(name, simulate(seed)) for seed, name in enumerate(NAMES)]


@pytest.fixture
def folder(tmp_path) -> Path:
    """The files of thirty learners, and what else is in such a folder."""
    for number, learner in enumerate(CLASS):
        (tmp_path / f"hand-in-{number}.json").write_text(hand_in(*learner), encoding="utf-8")
    return tmp_path


class Page(HTMLParser):
    """Reads a page: its tables row by row, its text, its tags; each tag must be closed by its own end."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.tables, self.text = [], set(), [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        assert not {"src", "href", "onclick"} & {name for name, _ in attributes}
        if tag != "meta":
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data


def test_thirty_learners_on_one_page(folder):
    path, count, left_out = classroom.write_page(folder)
    assert (path, count, left_out) == (folder / "class.html", 30, [])
    read = Page(path.read_text(encoding="utf-8"))
    who, per_exercise, thought = read.tables
    assert {row[0] for row in who[1:]} == set(NAMES)
    assert "script" not in read.tags and "b" not in read.tags  # a name is no HTML
    assert "no proof, and nothing to grade by" in read.text
    for learner in CLASS:
        (row,) = [row for row in who if row[0] == learner.name]
        done = {(t.lesson, t.exercise) for t in learner.tries if t.verdict == "right"}
        assert sum(int(cell.partition("/")[0]) for cell in row[1:-1]) == len(done)
    assert len(per_exercise) - 1 == len({(t.lesson, t.exercise) for learner in CLASS for t in learner.tries})
    counts = [int(row[0]) for row in thought[1:]]
    assert counts == sorted(counts, reverse=True) and counts[0] > 3
    again = classroom.write_page(folder)  # the page itself is no file of a learner
    assert again[1:] == (30, []) and path.read_text(encoding="utf-8").count("<table>") == 3


def test_figures_are_what_was_done():
    """Counted once more, in another way."""
    for row in figures(CLASS, EXERCISES):
        mine = [[t.verdict for t in a.tries if (t.lesson, t.exercise) == (row.lesson, row.exercise)] for a in CLASS]
        mine = [verdicts for verdicts in mine if verdicts]
        hints = len(EXERCISES[row.lesson, row.exercise].hints)
        assert (row.tried, row.right) == (len(mine), sum("right" in verdicts for verdicts in mine))
        assert row.tries == statistics.median(map(len, mine))
        given = []
        for learner in CLASS:
            seen, count = {""}, 0
            for t in learner.tries:
                if (t.lesson, t.exercise, t.verdict) == (row.lesson, row.exercise, "wrong"):
                    count += t.misconception in seen
                    seen.add(t.misconception)
            given += [min(count, hints)] * any((t.lesson, t.exercise) == row[:2] for t in learner.tries)
        assert row.hints == statistics.median(given)


def test_figures_by_hand():
    learners = [Learner("a", (WRONG, RIGHT)), Learner("b", (WRONG,) * 5), Learner("c", (RIGHT,)), Learner("d", ())]
    assert figures(learners, EXERCISES) == [("03b", 1, 3, 2, 2, 0)]
    assert figures([learners[1]], EXERCISES) == [("03b", 1, 1, 0, 5, 2)]  # the first answer was named, without a hint
    unknown = WRONG._replace(misconception="")
    assert figures([Learner("e", (unknown, WRONG, RIGHT))], EXERCISES) == [("03b", 1, 1, 1, 3, 1)]
    assert frequent(learners) == [("03b.1.1", 2)]  # learners, not answers


def test_each_misconception_comes_with_what_to_say():
    (said,) = [row.message for row in known() if row.name == "03b.1.1"]
    _, _, thought = Page(page([Learner("a", (WRONG,))], [])).tables
    assert thought[1] == ["1", "03b · 1", said, EXERCISES["03b", 1].hints[-1]]


def test_nothing_of_a_file_is_read_as_html():
    """A date may be written in odd ways, too."""
    odd = progress.as_try({**RIGHT._asdict(), "time": "20261126<20:00:00"})
    assert odd and "20261126<2" not in page([Learner("<script>", (odd,))], [("<img>", "<b>")])
    assert "script" not in Page(page([Learner("<script>", (odd,))], [("<img>", "<b>")])).tags


def test_a_misconception_of_another_version_is_counted_all_the_same():
    _, _, thought = Page(page([Learner("a", (WRONG._replace(misconception="03b.1.999"),))], [])).tables
    assert thought[1][:3] == ["1", "03b · 1", "an exercise of another version of the lessons"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("photo.png", b"\x89PNG\r\n\x1a\n\0\0", "cannot be read: damaged, or no file of ours"),
        ("empty.json", b"", "cannot be read: damaged, or no file of ours"),
        ("half.json", hand_in("Ada", [WRONG]).encode()[:-30], "cannot be read: damaged, or no file of ours"),
        ("deep.json", b"[" * 100_000, "cannot be read: damaged, or no file of ours"),
        ("other.json", b'{"name": "Ada", "tries": []}', "no file of ours"),
        ("list.json", b"[]", "no file of ours"),
        ("lesson.ipynb", b'{"cells": []}', "no file of ours"),
        (
            "changed.json",
            hand_in("Ada", [WRONG, RIGHT]).replace("wrong", "splendid").encode(),
            "damaged, or changed by hand",
        ),
        ("no_list.json", json.dumps({"format": classroom.FORMAT, "name": "A", "tries": 3}).encode(), "damaged, or"),
        ("no_name.json", hand_in("Ada", [WRONG]).replace('"Ada"', "3").encode(), "damaged, or changed by hand"),
        ("<i>.json", b"x", "cannot be read"),
        ("huge.json", b" " * (classroom.MOST + 1), "too large for one of ours"),
    ],
)
def test_what_is_none_of_theirs_is_named_and_left_out(folder, name, content, reason):
    (folder / name).write_bytes(content)
    path, count, [(file, why)] = classroom.write_page(folder)
    assert count == 30 and file == name and why.startswith(reason)
    assert f"{name}: {reason}" in Page(path.read_text(encoding="utf-8")).text


def test_a_folder_inside_is_named(folder):
    (folder / "more").mkdir()
    assert read_folder(folder)[1] == [("more", "cannot be read: damaged, or no file of ours")]


def test_who_hands_in_twice_counts_once(tmp_path):
    (tmp_path / "a.json").write_text(hand_in("Ada", [WRONG]))
    (tmp_path / "b.json").write_text(hand_in("Ada", [WRONG, RIGHT]))
    assert read_folder(tmp_path) == ([Learner("Ada", (WRONG, RIGHT))], [("a.json", "an older file of Ada")])
    (tmp_path / "c.json").write_text(hand_in("Ada", [WRONG, RIGHT]))  # the same file twice
    assert [learner.name for learner in read_folder(tmp_path)[0]] == ["Ada"]
    (tmp_path / "c.json").write_text(hand_in("Ada", [RIGHT]))  # somebody else of that name
    assert [learner.name for learner in read_folder(tmp_path)[0]] == ["Ada (b.json)", "Ada (c.json)"]


def test_a_hand_in_has_a_name_and_something_in_it():
    for name in ("", "  ", "x" * 81, "a\0b"):
        with pytest.raises(ValueError, match="Say who you are"):
            hand_in(name, [WRONG])
    with pytest.raises(ValueError, match="nothing to hand in yet"):
        hand_in("Ada", [])
    assert json.loads(hand_in(" Ada \n L. ", [WRONG]))["name"] == "Ada L."


def run(verb: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "scripts/classroom.py", verb]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)


def test_from_a_kernel_to_the_page(tmp_path, monkeypatch):
    """As the verbs of make do it."""
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress"))
    monkeypatch.setattr(progress, "in_lesson", lambda: True)
    assert "nothing to hand in yet" in run("hand-in", NAME="Ada").stderr
    progress.remember(WRONG)
    done = run("hand-in", NAME="Zoë ../../$HOME")
    file = Path(done.stdout.partition(": ")[2].strip())
    assert done.returncode == 0 and file == tmp_path / "progress" / "hand-in-Zoë-HOME.json"
    assert "Zoë" not in (tmp_path / "progress" / progress.FILE).read_text()
    done = run("class", FOLDER=str(file.parent))
    assert re.findall(r"left out: (\S+):", done.stdout) == ["answers.jsonl", "answers.lock"]
    assert done.stdout.endswith(f"Handed in: 1. The page: {file.parent / 'class.html'}\n")
    for folder, said in (
        ("", "Name the folder"),
        (str(tmp_path / "no"), "There is no folder"),
        (str(tmp_path), "No file in"),
    ):
        done = run("class", FOLDER=folder)
        assert done.returncode == 1 and said in done.stderr


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed: `apt install make`")
def test_make_hands_over_what_stands_on_its_command_line_and_no_more(tmp_path):
    """Some systems have a variable NAME of their own."""
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text() + '\nshow:\n\t@echo "<$$NAME|$$FOLDER|$$TO>"\n')
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    given = {**clean, "NAME": "host", "FOLDER": "x", "TO": "y"}
    for options, expected in (([], "<||>"), (["NAME=Zoë O'Neil", "FOLDER=a b"], "<Zoë O'Neil|a b|>")):
        done = subprocess.run(["make", "show", *options], cwd=tmp_path, env=given, capture_output=True, text=True)
        assert done.stdout.strip() == expected

"""What a class has done: one file from each learner, one page for whoever teaches. No proof of anything, and no grades.

``make hand-in NAME=…`` writes the file; only there a name stands. ``make class FOLDER=…`` writes the page.
"""

import html
import json
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from helpers import progress
from helpers.exercises import known_lessons, load_checks
from helpers.exercises.judges import Exercise
from helpers.exercises.misconceptions import known
from helpers.files import written_whole
from helpers.lessons import find_lesson
from helpers.progress import Try

FORMAT = "cnn-lessons progress 1"
PAGE = "class.html"
MOST = 5_000_000
"""Bytes of a file that is read; a learner's has a hundredth of that."""


class Learner(NamedTuple):
    """Who handed in, under which name, and what they tried, in order."""

    name: str
    tries: tuple[Try, ...]


class Figures(NamedTuple):
    """How a class did in one exercise: learners who tried, who got it right; medians of their tries and hints."""

    lesson: str
    exercise: int
    tried: int
    right: int
    tries: float
    hints: float


# --- handing in ---


def hand_in(name: str, tries: Sequence[Try]) -> str:
    """Return the text of a learner's file; raises ValueError without a name, or if nothing has been tried yet."""
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise ValueError('Say who you are, in at most 80 letters: make hand-in NAME="Ada Lovelace".')
    if not tries:
        raise ValueError("There is nothing to hand in yet: no exercise was answered on this computer.")
    content = {"format": FORMAT, "name": name, "tries": [progress.as_row(attempt) for attempt in tries]}
    return json.dumps(content, indent=1, ensure_ascii=False)


def write_hand_in(name: str) -> Path:
    """Write the file of the learner of this computer beside what is remembered, and return its path.

    Raises ValueError as `hand_in` does, and OSError where it cannot be written.
    """
    text, folder = hand_in(name, progress.recall()), progress.folder()
    plain = re.sub(r"[^\w-]+", "-", name).strip("-") or "learner"
    path = folder / f"hand-in-{plain}.json"
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


# --- reading ---


def read_file(path: Path) -> Learner:
    """Return what a learner handed in; raises ValueError with the reason for any other file, or a damaged one."""
    try:
        if path.stat().st_size > MOST:
            raise ValueError("too large for one of ours")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError, UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError("cannot be read: damaged, or no file of ours") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError("no file of ours")
    name, rows = found.get("name"), found.get("tries")
    tries = [progress.as_try(row) for row in rows] if isinstance(rows, list) else [None]
    if not isinstance(name, str) or not name.strip() or len(name) > 80 or None in tries:
        raise ValueError("damaged, or changed by hand")
    return Learner(name, tuple(tries))


def read_folder(folder: Path) -> tuple[list[Learner], list[tuple[str, str]]]:
    """Return the learners of all files in a folder, by name, and what is left out: file names with the reason.

    Of two files of one name, one that begins like the other is older, and left out; else both count.
    """
    learners, left_out = {}, []
    for path in sorted(folder.iterdir()):
        if path.name == PAGE or path.name.startswith("."):
            continue
        try:
            learners[path.name] = read_file(path)
        except ValueError as error:
            left_out.append((path.name, str(error)))
    for file, learner in [*learners.items()]:
        others = [found for other, found in learners.items() if other != file and found.name == learner.name]
        if any(found.tries[: len(learner.tries)] == learner.tries for found in others):
            del learners[file]
            left_out.append((file, f"an older file of {learner.name}"))
    names = Counter(learner.name for learner in learners.values())
    for file, learner in learners.items():
        if names[learner.name] > 1:
            learners[file] = learner._replace(name=f"{learner.name} ({file})")
    return sorted(learners.values(), key=lambda learner: learner.name.lower()), sorted(left_out)


# --- counting ---


def exercises_of_all() -> dict[tuple[str, int], Exercise]:
    """Return all exercises, by lesson and number."""
    return {
        (lesson, number): exercise
        for lesson in known_lessons()
        for number, exercise in load_checks(lesson).exercises.items()
    }


def figures(learners: Sequence[Learner], exercises: Mapping[tuple[str, int], Exercise]) -> list[Figures]:
    """Return how the class did in each exercise that anybody tried.

    Hints are not remembered. They are counted as checks give them: one for a wrong answer that is none of the usual
    ones, or a usual one again, until all are given.
    """
    rows = []
    for (lesson, number), exercise in exercises.items():
        everybody = [(learner, progress.until_right(learner.tries, lesson, number)) for learner in learners]
        counts = [(count, right) for _, (count, right) in everybody if count]
        if counts:
            hints = [_hints(learner.tries, lesson, number, exercise) for learner, (count, _) in everybody if count]
            right = sum(right for _, right in counts)
            middle = statistics.median(count for count, _ in counts)
            rows.append(Figures(lesson, number, len(counts), right, middle, statistics.median(hints)))
    return rows


def _hints(tries: Iterable[Try], lesson: str, number: int, exercise: Exercise) -> int:
    wrong = [t.misconception for t in tries if (t.lesson, t.exercise, t.verdict) == (lesson, number, "wrong")]
    return min(len(wrong) - len({name for name in wrong if name}), len(exercise.hints))


def frequent(learners: Iterable[Learner]) -> list[tuple[str, int]]:
    """Return the names of misconceptions with the number of learners who had them, the most frequent first."""
    had = Counter(
        name
        for learner in learners
        for name in {attempt.misconception for attempt in learner.tries if attempt.misconception}
    )
    return sorted(had.items(), key=lambda pair: (-pair[1], pair[0]))


# --- the page ---

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
body { color: #222; background: #fff }
table { border-collapse: collapse; margin: 1rem 0 } caption { text-align: left; color: #555 }
th, td { padding: .3rem .7rem; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top }
td { white-space: normal } td:last-child { min-width: 6.5rem }
td.n { text-align: right; font-variant-numeric: tabular-nums }
td.all { background: #cfe8d5 } td.some { background: #fbf0cf }
.note { border-left: 4px solid #b3541e; padding: .2rem 1rem; background: #faf3ee }
"""
HONEST = (
    "This page helps to see what to talk about. It is no proof, and nothing to grade by: files can be changed, answers "
    "copied, and the solutions stand in the lessons. Only what was answered on the computer of the file counts."
)


def _table(caption: str, head: Sequence[str], rows: Iterable[str]) -> str:
    cells = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    return f"<table><caption>{caption}</caption><thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _number(value: float) -> str:
    return f'<td class="n">{value:g}</td>'


def _standing(learner: Learner, lessons: Mapping[str, int]) -> str:
    done, cells = progress.done(learner.tries), []
    for lesson, count in lessons.items():
        ready = len(done.get(lesson, ()))
        cells.append(f'<td class="n {"all" if ready == count else "some" if ready else ""}">{ready}/{count}</td>')
    last = max((attempt.time for attempt in learner.tries), default="")[:10]
    return f'<tr><th scope="row">{html.escape(learner.name)}</th>{"".join(cells)}<td>{html.escape(last)}</td></tr>'


def page(learners: Sequence[Learner], left_out: Sequence[tuple[str, str]]) -> str:
    """Return the page, one HTML text that needs no other file."""
    exercises = exercises_of_all()
    seen = {attempt.lesson for learner in learners for attempt in learner.tries}
    lessons = Counter(lesson for lesson, _ in exercises if lesson in seen)
    rows = figures(learners, exercises)
    per_exercise = [
        f'<tr><th scope="row">{row.lesson} · {row.exercise}</th>{_number(row.tried)}{_number(row.right)}'
        f'<td class="n">{row.right / row.tried:.0%}</td>{_number(row.tries)}{_number(row.hints)}</tr>'
        for row in rows
    ]
    rows_of_names = {row.name: row for row in known()}
    misconceptions = []
    for name, count in frequent(learners):
        row = rows_of_names.get(name)
        said = row.message if row else "an exercise of another version of the lessons"
        exercise = exercises.get(row.exercise) if row else None
        helps = exercise.hints[-1] if exercise and exercise.hints else ""
        where = " · ".join(name.split(".")[:2])
        texts = "".join(f"<td>{html.escape(text)}</td>" for text in (said, helps))
        misconceptions.append(f'<tr>{_number(count)}<th scope="row">{html.escape(where)}</th>{texts}</tr>')
    unnamed = sum(t.verdict == "wrong" and not t.misconception for learner in learners for t in learner.tries)
    titles = [f"{lesson} {find_lesson(lesson).title}" for lesson in lessons]
    files = "".join(f"<li>{html.escape(file)}: {html.escape(reason)}</li>" for file, reason in left_out)
    parts = [
        f"<h1>The class, lesson by lesson</h1><p>Handed in: {len(learners)}.</p>",
        f'<p class="note">{HONEST}</p>',
        "<h2>Who got how far</h2>",
        _table(
            "Exercises answered right, of all in the lesson; the last day with an answer",
            ["", *titles, "last seen"],
            (_standing(learner, lessons) for learner in learners),
        ),
        "<h2>Exercises</h2>",
        _table(
            "Learners who tried, and who got it right. Tries up to the right answer, and hints on the way: half of "
            "those who tried needed no more",
            ["lesson · exercise", "tried", "right", "share", "tries", "hints"],
            per_exercise,
        ),
        "<h2>What they thought</h2>",
        _table(
            "Usual wrong answers: how many learners gave them, what the check said, and the last hint",
            ["learners", "lesson · exercise", "what to say about it", "what helps"],
            misconceptions,
        ),
        f"<p>{unnamed} more wrong answers are none of the usual ones.</p>",
        f"<h2>Left out</h2><ul>{files}</ul>" if files else "",
    ]
    title = "<title>The class</title>"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">{title}<style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def write_page(folder: Path) -> tuple[Path, int, list[tuple[str, str]]]:
    """Write the page of a folder into it; return its path, how many learners are on it, and what is left out.

    Raises ValueError if there is no such folder, or nothing in it that a learner handed in.
    """
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}: name the one with the files of the class.")
    learners, left_out = read_folder(folder)
    if not learners:
        raise ValueError(f"No file in {folder} was handed in by a learner: they are made by make hand-in NAME=….")
    with written_whole(folder / PAGE) as partial:
        partial.write_text(page(learners, left_out), encoding="utf-8")
    return folder / PAGE, len(learners), left_out

"""What a learner has tried, remembered in the folder ``progress``: no server, no name, no word of an answer.

A line for each answer: when, which lesson and exercise, right or wrong, and the name of the misconception, such as
``03.3.4``. Only a kernel of Jupyter remembers; where that cannot be written, lessons go on without. The environment
variable ``CNN_LESSONS_PROGRESS`` is ``off`` for no memory at all, or names another folder.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from helpers.files import ROOT
from helpers.lessons import find_lesson

from filelock import FileLock

VARIABLE = "CNN_LESSONS_PROGRESS"
OFF = "off"
FILE = "answers.jsonl"
LOCK = "answers.lock"
PATIENCE = 2
"""Seconds that an answer waits for another kernel that writes; then it is not kept."""


EDITION = 2
"""Of the numbers of exercises. Lines without one are older than lesson 03b: `_renumbered` knows what became of them."""
MOVED = {
    3: ("03b", 1, 0), 4: ("03b", 2, 0), 5: ("03b", 3, 0), 7: ("03b", 4, 0), 8: ("03b", 5, 0), 9: ("03b", 6, 0),
    10: ("03", 7, 6),
}  # fmt: skip
"""By their number in the old lesson 03: where exercises are now, and what is added to the number of a misconception."""


class Try(NamedTuple):
    """One answer: ``verdict`` is ``"right"`` or ``"wrong"``; ``misconception`` is a name, or "" if none is known."""

    time: str  # UTC, as 2026-11-26T20:31:54+00:00
    lesson: str
    exercise: int
    verdict: str
    misconception: str = ""


def folder() -> Path | None:
    """Return where answers are remembered, which may not exist; None if that is off, or no full path is named."""
    named = os.environ.get(VARIABLE) or ROOT / "progress"
    path = Path(os.path.expanduser(named))
    return path if path.is_absolute() else None


def in_lesson() -> bool:
    """Tell whether a kernel of Jupyter runs this: scripts and tests remember nothing."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython and ipython.get_ipython(), "kernel")


def now() -> str:
    """Return the time of a `Try`."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def remember(attempt: Try) -> bool:
    """Append an answer as a whole line; tell whether it is kept. Never raises: a lesson goes on without."""
    place = folder()
    with suppress(OSError, NotImplementedError):  # read-only, full, locked by another one, or a system without locks
        if place and in_lesson():
            place.mkdir(parents=True, exist_ok=True)
            with FileLock(place / LOCK, timeout=PATIENCE):
                _append(place / FILE, json.dumps(as_row(attempt)))
            return True
    return False


def _append(path: Path, line: str) -> None:
    """Add a line; what a program that was killed has left of its own stays a line of its own."""
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(f"{line}\n".encode())


def recall(path: Path | None = None) -> list[Try]:
    """Return all answers that are remembered, or those in the file ``path``; what is damaged there is left out."""
    if path is None:
        place = folder()
        if place is None:
            return []
        path = place / FILE
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [attempt for attempt in map(parse, text.split("\n")) if attempt]


def parse(line: str) -> Try | None:
    """Return the answer that a line of the file tells, or None if it tells none."""
    try:
        return as_try(json.loads(line))
    except (ValueError, RecursionError):
        return None


def as_row(attempt: Try) -> dict:
    """Return an answer as it is written down: its five entries, and of which edition its numbers are."""
    return {**attempt._asdict(), "edition": EDITION}


def as_try(found) -> Try | None:
    """Return a dict of the five entries as a `Try`, or None if it is none; other entries are dropped.

    Without an ``edition``, exercises that have moved since get the numbers that they have now.
    """
    try:
        attempt = Try(*(found[name] for name in Try._fields))
        datetime.fromisoformat(attempt.time)
    except (KeyError, TypeError, ValueError):
        return None
    texts = (attempt.lesson, attempt.verdict, attempt.misconception)
    if type(attempt.exercise) is not int or not all(isinstance(text, str) for text in texts):
        return None
    shapes = (r"\d\d[a-z]?", r"right|wrong", r"(\d\d[a-z]?\.\d{1,3}\.\d{1,4})?")
    if not (all(map(re.fullmatch, shapes, texts)) and 0 < attempt.exercise < 100):
        return None
    return attempt if found.get("edition") == EDITION else _renumbered(attempt)


def _renumbered(attempt: Try) -> Try:
    """Return an answer of before lesson 03 was split into 03 and 03b, with the number that its exercise has now."""
    if attempt.lesson != "03" or attempt.exercise not in MOVED:
        return attempt
    lesson, number, more = MOVED[attempt.exercise]
    name = attempt.misconception
    if name:
        name = f"{lesson}.{number}.{int(name.rpartition('.')[2]) + more}"
    return attempt._replace(lesson=lesson, exercise=number, misconception=name)


def forget() -> bool:
    """Delete what is remembered, and nothing else in the folder; tell whether there was anything. Raises OSError."""
    place = folder()
    there = place is not None and (place / FILE).exists()
    if there:
        with FileLock(place / LOCK, timeout=PATIENCE):
            (place / FILE).unlink()
    return there


def done(tries: Iterable[Try]) -> dict[str, set[int]]:
    """Return the exercises that were answered right, by the id of their lesson."""
    numbers: dict[str, set[int]] = {}
    for attempt in tries:
        if attempt.verdict == "right":
            numbers.setdefault(attempt.lesson, set()).add(attempt.exercise)
    return numbers


def until_right(tries: Iterable[Try], lesson: str, exercise: int) -> tuple[int, bool]:
    """Return how often an exercise was tried, up to the first right answer, and whether there was one."""
    verdicts = [attempt.verdict for attempt in tries if (attempt.lesson, attempt.exercise) == (lesson, exercise)]
    right = "right" in verdicts
    return (verdicts.index("right") + 1 if right else len(verdicts)), right


class Memory:
    """The answers to one lesson: those remembered, and those of this kernel where none can be."""

    def __init__(self, lesson: str):
        self.lesson = lesson
        self._not_kept: list[Try] = []

    def tries(self) -> list[Try]:
        """Return the answers to this lesson, in their order."""
        return [attempt for attempt in [*recall(), *self._not_kept] if attempt.lesson == self.lesson]

    def add(self, exercise: int, verdict: str, misconception: str) -> None:
        """Remember an answer to a lesson; once an exercise is done, running its cell again is no new try."""
        if self.lesson and not until_right(self.tries(), self.lesson, exercise)[1]:
            attempt = Try(now(), self.lesson, exercise, verdict, misconception)
            if not remember(attempt):
                self._not_kept.append(attempt)

    def summary(self, exercises: Sequence[int]) -> str:
        """Return a text that says of each exercise of the lesson whether it is done."""
        tries = self.tries()
        marks = {number: until_right(tries, self.lesson, number) for number in exercises}
        title = find_lesson(self.lesson).title
        ready = sum(right for _, right in marks.values())
        lines = [f"Lesson {self.lesson}, {title}: {ready} of {len(marks)} exercises done."]
        return "\n".join(lines + [f"  {_in_words(number, *mark)}" for number, mark in marks.items()])


def _in_words(number: int, count: int, right: bool) -> str:
    times = "once" if count == 1 else f"{count} times"
    if right:
        return f"✓ {number}  done, at the first try" if count == 1 else f"✓ {number}  done, after {count} tries"
    return f"✗ {number}  tried {times}, not right yet" if count else f"· {number}  open"

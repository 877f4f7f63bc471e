"""Names of misconceptions that last: ``03.3.4`` is the fourth of exercise 3 of lesson 03, whatever its message says.

The names stand beside the messages in ``misconceptions.csv``, which `make teaching` keeps up to date: a message that is
there keeps its name; one that was reworded gets the name of the most alike one that is gone; a new one gets a new
number; and no name is ever given twice. So exercises need no names in their code.
"""

import csv
import difflib
import io
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_suffix(".csv")
ALIKE = 0.5
"""From this likeness on (0 to 1, `difflib`) a message counts as reworded, not as new."""


class Misconception(NamedTuple):
    """One row: ``state`` is "gone" where no exercise says the message any more."""

    name: str
    state: str
    message: str

    @property
    def exercise(self) -> tuple[str, int]:
        """The lesson and the number of the exercise."""
        lesson, number, _ = self.name.split(".")
        return lesson, int(number)


@cache
def known() -> tuple[Misconception, ...]:
    """Return the rows of the file, in their order; none if it is missing or damaged: answers are judged without."""
    try:
        return read(FILE.read_text(encoding="utf-8"))
    except (OSError, TypeError, ValueError):
        return ()


def read(text: str) -> tuple[Misconception, ...]:
    """Return the rows of a file of names; raises TypeError or ValueError for what is none."""
    rows = tuple(Misconception(*row) for row in csv.reader(io.StringIO(text)))[1:]
    if odd := [row.name for row in rows if not re.fullmatch(r"\d\d[a-z]?\.\d+\.\d+", row.name)]:
        raise ValueError(f"These are no names of misconceptions: {odd}.")
    return rows


def write(rows: Sequence[Misconception]) -> str:
    """Return the text of the file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([Misconception._fields, *rows])
    return out.getvalue()


def plain(message: str) -> str:
    """Return a message without its numbers, which differ from answer to answer."""
    return re.sub(r"\d[\d,.]*", "#", message)


@cache
def _names() -> dict[tuple[str, int], dict[str, str]]:
    names: dict = {}
    for row in known():
        names.setdefault(row.exercise, {})[plain(row.message)] = row.name
    return names


def name_of(lesson: str, exercise: int, message: str) -> str:
    """Return the name of the misconception that a message tells, or "" for none that is known."""
    return _names().get((lesson, exercise), {}).get(plain(message), "")


def renewed(
    rows: Sequence[Misconception], messages: Mapping[tuple[str, int], Sequence[str]]
) -> tuple[Misconception, ...]:
    """Return the rows that the file should have, where ``messages`` are those of each exercise (lesson, number)."""
    old: dict[tuple[str, int], list[Misconception]] = {}
    for row in rows:
        old.setdefault(row.exercise, []).append(row)
    return tuple(
        row
        for exercise in sorted({*messages, *old})
        for row in _renewed(exercise, old.get(exercise, []), messages.get(exercise, ()))
    )


def _renewed(exercise: tuple[str, int], rows: Sequence[Misconception], messages: Sequence[str]) -> list[Misconception]:
    new = {plain(message): message for message in reversed(messages)}  # of those that differ in numbers, the first
    free = {row.name: plain(row.message) for row in rows}
    said: dict[str, str] = {}  # by name
    for name, text in [*free.items()]:
        if text in new:
            said[name] = new.pop(text)
            del free[name]
    for row in rows:
        if row.state:
            free.pop(row.name, None)
    alike = [
        (difflib.SequenceMatcher(None, free[name], text, autojunk=False).ratio(), name, text)
        for name in free
        for text in new
    ]
    for likeness, name, text in sorted(alike, reverse=True):
        if likeness >= ALIKE and name in free and text in new:
            said[name] = new.pop(text)
            del free[name]
    kept = [
        Misconception(row.name, "" if row.name in said else "gone", said.get(row.name, row.message)) for row in rows
    ]
    last = max((int(row.name.rpartition(".")[2]) for row in rows), default=0)
    fresh = [message for message in dict.fromkeys(messages) if new.get(plain(message)) == message]
    lesson, number = exercise
    return kept + [
        Misconception(f"{lesson}.{number}.{place}", "", message) for place, message in enumerate(fresh, last + 1)
    ]

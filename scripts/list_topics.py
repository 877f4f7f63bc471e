"""Where each topic is taught: docs/teaching/topics.md, made of docs/teaching/topics.csv.

    .venv/bin/python scripts/list_topics.py

In the table, each topic has a lesson, the id of a cell, and a phrase that stands in this cell, in its text or its
output. `tests/test_topics.py` looks for it.
"""

import csv
from pathlib import Path
from typing import NamedTuple

from helpers.lessons import LESSONS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "teaching"
TABLE, PAGE = FOLDER / "topics.csv", FOLDER / "topics.md"
HEAD = """# Where each topic is taught

For whoever looks for a topic, or changes a lesson and wants to know what it has to keep. Each topic stands where it is
taught first, or best; later lessons use it. The phrase stands in that cell, in its text, its code or its output.

The page is made of [topics.csv](topics.csv) by `scripts/list_topics.py`, and `tests/test_topics.py` looks for each
phrase. What terms mean is in the [glossary](../../notebooks/GLOSSARY.md).
"""


class Topic(NamedTuple):
    """A topic, the id of its lesson, the id of its cell, and a phrase of this cell."""

    topic: str
    lesson: str
    cell: str
    phrase: str


def topics() -> list[Topic]:
    """Return the rows of the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [Topic(**row) for row in csv.DictReader(file)]


def page() -> str:
    """Return the page: a table for each lesson."""
    text, rows = HEAD, topics()
    for lesson in LESSONS:
        if taught := [row for row in rows if row.lesson == lesson.id]:
            text += f"\n## Lesson {lesson.id}, [{lesson.title}](../../notebooks/{lesson.stem}.ipynb)\n\n"
            text += "| topic | cell | phrase |\n|---|---|---|\n"
            text += "".join(f"| {row.topic} | `{row.cell}` | `` {row.phrase} `` |\n" for row in taught)
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

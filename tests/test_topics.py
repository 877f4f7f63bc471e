"""docs/teaching/topics.csv says where each topic is taught: each phrase stands there, and the page shows the same."""

import importlib.util
from collections import Counter
from pathlib import Path

from helpers.lessons import LESSONS, find_lesson

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location("list_topics", ROOT / "scripts" / "list_topics.py")
list_topics = importlib.util.module_from_spec(spec)
spec.loader.exec_module(list_topics)
TOPICS = list_topics.topics()


def words_of(cell) -> str:
    """Return what stands in a cell and in its outputs, in one line, whatever the breaks between its words."""
    outputs = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])]
    return " ".join(" ".join([cell.source, *outputs]).split())


def not_taught(topics, cells) -> list[str]:
    """Return the topics whose phrase does not stand in their cell."""
    words = {cell.id: words_of(cell) for cell in cells}
    return [f"{row.topic}: {row.cell}" for row in topics if " ".join(row.phrase.split()) not in words.get(row.cell, "")]


@pytest.mark.parametrize("lesson", dict.fromkeys(row.lesson for row in TOPICS))
def test_each_phrase_stands_in_its_cell(lesson):
    notebook = nbformat.read(ROOT / "notebooks" / f"{find_lesson(lesson).stem}.ipynb", as_version=4)
    missing = not_taught([row for row in TOPICS if row.lesson == lesson], notebook.cells)
    assert not missing, (
        "taught elsewhere now, or not any more? Change docs/teaching/topics.csv, then run list_topics.py"
    )


def test_what_is_not_taught_is_noticed():
    text = nbformat.v4.new_markdown_cell("A **kernel** is small.\nIt slides.", id="kernel-text")
    code = nbformat.v4.new_code_cell(
        "print(2 + 2)", id="sum", outputs=[nbformat.v4.new_output("stream", text="4 maps\n")]
    )
    rows = [
        ("over a break", "kernel-text", "is small. It slides"),
        ("code", "sum", "2 + 2"),
        ("output", "sum", "4 maps"),
    ]
    wrong = [("not there", "sum", "5 maps"), ("in another cell", "sum", "kernel"), ("no such cell", "gone", "kernel")]
    topics = [list_topics.Topic(topic, "01", cell, phrase) for topic, cell, phrase in rows + wrong]
    assert not_taught(topics, [text, code]) == ["not there: sum", "in another cell: sum", "no such cell: gone"]


def test_topics_stand_in_the_table_once_and_phrases_say_something():
    assert not [topic for topic, count in Counter(row.topic for row in TOPICS).items() if count > 1]
    assert not [row for row in TOPICS if len(row.phrase) < 6 or "|" in "".join(row)]
    assert len(TOPICS) > 200 and {row.lesson for row in TOPICS} == {lesson.id for lesson in LESSONS}


def test_the_page_shows_the_table():
    assert list_topics.PAGE.read_text(encoding="utf-8") == list_topics.page(), "run scripts/list_topics.py"
    assert list_topics.page().count("\n| ") - list_topics.page().count("| topic |") == len(TOPICS)

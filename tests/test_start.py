"""Lesson 00: the map of what is done, the look at this computer, and an example that remembers nothing."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from helpers import progress, start
from helpers.classroom import exercises_of_all
from helpers.doctor import FINE, NOTE, WRONG, Check, Finding
from helpers.lessons import LESSONS
from helpers.progress import Try

import pytest

ROOT = Path(__file__).resolve().parent.parent


def cards(html: str) -> dict[str, ElementTree.Element]:
    """Return the fields of a map by the id of the lesson; the map is sound XML, too."""
    return {card.find("b").text: card for card in ElementTree.fromstring(html)}


def numbers_of(lesson_id: str) -> set[int]:
    return {number for lesson, number in exercises_of_all() if lesson == lesson_id}


def test_a_new_learner_has_a_map_of_all_lessons():
    found = cards(start.course_map({}))
    assert [*found] == [lesson.id for lesson in LESSONS]
    for lesson in LESSONS:
        card = found[lesson.id]
        assert card.find("small").text == f"0 of {len(numbers_of(lesson.id))} exercises done"
        assert (ROOT / "notebooks" / card.find("a").get("href")).exists()
        assert card.find("a").text == lesson.title
        assert start.DONE not in ElementTree.tostring(card, encoding="unicode")


def test_what_is_done_is_counted_and_shown():
    card = cards(start.course_map({"03": {1, 4}}))["03"]
    whole = len(numbers_of("03"))
    bar = card.find("span")
    assert card.find("small").text == bar.get("aria-label") == f"2 of {whole} exercises done"
    assert [start.DONE in place.get("style") for place in bar] == [True, True] + [False] * (whole - 2)
    assert "border:1px solid #2166ac" in card.get("style"), "begun"


def test_a_lesson_is_green_when_all_is_done():
    found = cards(start.course_map({"01": numbers_of("01") | {77}}))
    assert start.DONE in found["01"].get("style") and start.DONE not in found["02"].get("style")
    assert len(found["01"].find("span")) == len(numbers_of("01")), "a number that is no exercise counts nothing"


def test_the_map_shows_what_was_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path))
    monkeypatch.setattr(progress, "in_lesson", lambda: True)
    for verdict in ("wrong", "right"):
        progress.remember(Try(progress.now(), "02", 3, verdict))
    found = cards(start.course_map())
    assert found["02"].find("small").text.startswith("1 of ") and found["03"].find("small").text.startswith("0 of ")


def test_the_quick_checks_are_those_of_the_doctor_and_none_is_slow():
    looked = [finding.name for finding in start.look()]
    assert {"Python", "memory", "disk", "packages", "data"} <= set(looked)
    assert not set(looked) & set(start.SLOW)


def test_a_look_takes_the_checks_that_it_gets():
    checks = [Check(state, lambda state=state: Finding(state, state, "so it is")) for state in (FINE, NOTE, WRONG)]
    assert [finding.state for finding in start.look(checks)] == [FINE, NOTE, WRONG]


@pytest.mark.parametrize("states", [(FINE,), (FINE, NOTE)])
def test_nothing_wrong_is_ready(states):
    assert start.verdict([Finding("one", state, "") for state in states]).startswith("This computer is ready.")


def test_what_is_wrong_comes_with_what_mends_it():
    findings = [
        Finding("disk", WRONG, "is full", "make room"),
        Finding("clock", FINE, ""),
        Finding("x", WRONG, "", "do y"),
    ]
    assert start.verdict(findings) == "Mend this first: disk: make room; x: do y."


def test_the_example_answers_and_remembers_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress"))
    monkeypatch.setattr(progress, "in_lesson", lambda: True)
    start.show_answers(["?", "a", "b"])
    said = capsys.readouterr().out
    assert re.findall("not yet|no:|yes:", said) == ["not yet", "no:", "yes:"]
    assert not (tmp_path / "progress").exists()

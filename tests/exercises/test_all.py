"""What holds for the exercises of all lessons: each knows its typical mistakes, and says of each what it is."""

import re

import helpers.exercises
from helpers.exercises import known_lessons, load_checks
from helpers.lessons import LESSONS

import pytest
from network_tools import ANSWERS, IMAGE_ANSWERS, ROW_ANSWERS

EXERCISES = {lesson: load_checks(lesson).exercises for lesson in known_lessons()}
ALL = [(lesson, number) for lesson in EXERCISES for number in EXERCISES[lesson]]
MISTAKES = [
    pytest.param(lesson, number, *mistake, id=f"{lesson}-{number}-{place}")
    for lesson, number in ALL
    for place, mistake in enumerate(EXERCISES[lesson][number].mistakes, start=1)
]


GENERIC = re.compile(r"The goal is|is too (large|small)\.$")
"""In messages that do not say what is wrong."""


def test_no_lesson_is_left_out():
    assert len(ALL) >= 40
    assert len(MISTAKES) >= 6 * len(ALL)
    assert [*EXERCISES] == [lesson.id for lesson in LESSONS]


def test_unknown_lesson():
    with pytest.raises(ValueError, match=r"No exercises for lesson '99'\. There are some for: 00, 01, .*11, 11b\."):
        load_checks("99")


def test_a_new_lesson_is_one_new_file(tmp_path, monkeypatch, capsys):
    for lesson in ("98b", "99"):
        (tmp_path / f"lesson_{lesson}.py").write_text(
            "from helpers.exercises.judges import Exercise, choice\n"
            f"EXERCISES = {{7: Exercise(choice('b', {{'a': 'no'}}), 'lesson {lesson}', ())}}\n"
        )
    monkeypatch.setattr(helpers.exercises, "__path__", [*helpers.exercises.__path__, str(tmp_path)])
    assert known_lessons() == sorted([*EXERCISES, "98b", "99"])
    for lesson in ("98b", "99"):
        load_checks(lesson)(7, "b")
        assert capsys.readouterr().out == f"✓ yes: lesson {lesson}\n"


@pytest.mark.parametrize("lesson", EXERCISES)
def test_exercises_have_their_numbers_in_order(lesson):
    assert [*EXERCISES[lesson]] == [*range(1, len(EXERCISES[lesson]) + 1)]


@pytest.mark.parametrize(("lesson", "number"), ALL)
def test_every_exercise_knows_typical_mistakes(lesson, number):
    messages = {message for _, message in EXERCISES[lesson][number].mistakes}
    assert len(messages) >= 3
    assert all(len(message) > 10 and message[-1] in ".?)" for message in messages)


@pytest.mark.parametrize(("lesson", "number", "answer", "message"), MISTAKES)
def test_each_typical_mistake_gets_its_own_message(lesson, number, answer, message, capsys):
    """A hint follows only where the message says no more than that it is wrong."""
    hints = EXERCISES[lesson][number].hints
    load_checks(lesson)(number, answer)
    said, *hint = capsys.readouterr().out.splitlines()
    assert said == f"✗ no: {message}"
    assert hint in ([], [f"  hint 1 of {len(hints)}: {hints[0]}"])
    assert bool(hint) == bool(GENERIC.search(message))


MORE = {
    **dict.fromkeys([("03b", 3), ("04", 5), ("05", 4)], ROW_ANSWERS),
    **dict.fromkeys([("06", 4), ("07", 4), ("08", 3), ("09", 4)], IMAGE_ANSWERS),
}
"""Answers to exercises that want a trained network."""


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize(("lesson", "number"), ALL)
def test_no_answer_raises(lesson, number, said):
    for answer in [*ANSWERS, *MORE.get((lesson, number), ())]:
        load_checks(lesson)(number, answer)
        assert said().startswith(("… not yet: ", "✗ no: ")), answer

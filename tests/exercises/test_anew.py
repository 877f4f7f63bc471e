"""Exercises that can be drawn anew: other numbers, and the same diagnosis of typical mistakes for these numbers."""

import re
from pathlib import Path

from helpers.exercises import Checks, known_lessons, load_checks
from helpers.exercises.anew import Task, drawn
from helpers.exercises.judges import Exercise, choice
from helpers.lessons import find_lesson

import numpy as np
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ALL = [
    (lesson, number)
    for lesson in known_lessons()
    for number, exercise in load_checks(lesson).exercises.items()
    if exercise.another
]


def task(side, more):
    return Task(
        f"How large is a square of {side}?",
        {"area": side**2},
        {"area": [(4 * side, "that is the way around it."), (2 * side + more, f"that adds {more}.")]},
    )


@pytest.fixture
def check():
    hints = ("Draw it.", "Side times side.")
    squares = task(5, 1).exercise("25.", hints, another=drawn(task, hints, side=[4, 6], more=[1, 4]))
    return Checks({1: squares, 2: Exercise(choice("a", {"b": "no"}), "yes", hints)})


def test_by_hand(check, said):
    check.another(1, {"area": 36})
    assert said() == "… not yet: draw the numbers first, by check.another(1).\n"
    check.another(1, seed=0)
    assert said() == 'How large is a square of 6?\nAnswer with check.another(1, {"area": ...})\n'
    check.another(1, {"area": ...})
    assert said() == "… not yet: fill in area.\n"
    check.another(1, {"area": 24})
    assert said() == "✗ no: area = 24: that is the way around it.\n"
    check.another(1, {"area": 35})
    assert said() == "✗ no: area = 35 is too small.\n  hint 1 of 2: Draw it.\n"
    check.another(1, {"area": 36})
    assert said().startswith("✓ yes: ")
    check(1, {"area": 25})
    assert said() == "✓ yes: 25.\n"


def test_numbers_are_drawn_until_each_mistake_is_told_from_the_others(check):
    """4 × 4 is 16, and so is the way around it; with 6 and 12 more both mistakes would be 24."""
    assert not task(4, 1).clear and not task(6, 12).clear and task(6, 1).clear
    draw = check.exercises[1].another
    assert {draw(np.random.default_rng(seed))[0].split("\n")[0] for seed in range(20)} == {task(6, 1).text}
    with pytest.raises(ValueError, match=r"No numbers of \{'side': \[4\], .* tell all mistakes apart"):
        drawn(task, (), side=[4], more=[1])(np.random.default_rng(0))


def test_an_exercise_without_numbers_is_refused(check):
    with pytest.raises(ValueError, match=r"Exercise 2 has no numbers to draw anew\. Of this lesson 1 can be\."):
        check.another(2)
    with pytest.raises(ValueError, match="There is no exercise 3 here"):
        check.another(3)
    with pytest.raises(ValueError, match="Of this lesson none can be"):
        load_checks("00").another(1)


def test_what_is_drawn_is_not_remembered(check, said):
    check = load_checks("01")
    check.another(4)
    check.another(4, {"height": 1, "channels": 1, "parameters": 1})
    said()
    check.summary()
    assert "· 4  open" in said()


def test_numbers_differ_from_draw_to_draw(check):
    draw = load_checks("01").exercises[4].another
    assert len({draw(np.random.default_rng(seed))[0] for seed in range(20)}) == 20


@pytest.mark.parametrize(("lesson", "number"), ALL)
def test_each_draw_knows_the_mistakes_of_the_exercise(lesson, number, said):
    """The same mistakes, but for numbers; each with its message, and all that is said fits these numbers."""
    original = load_checks(lesson).exercises[number]
    for seed in range(25):
        text, exercise = original.another(np.random.default_rng(seed))
        assert re.findall(r'"(\w+)": \.\.\.', text) == [*exercise.mistakes[0][0]]
        assert kinds(exercise) == kinds(original)
        for answer, message in exercise.mistakes:
            Checks({number: exercise})(number, answer)
            assert said() == f"✗ no: {message}\n"
        assert 2 <= len(exercise.hints) == len(set(exercise.hints))


def kinds(exercise):
    """Return what the mistakes are, each once: several may give the same number, and get the same message."""
    return [*dict.fromkeys(re.sub(r"[\d.,e+]+", "#", message) for _, message in exercise.mistakes)]


@pytest.mark.parametrize(("lesson", "number"), ALL)
def test_what_is_right_for_the_numbers_drawn_is_accepted(lesson, number, said):
    """The right number stands for each name in the mistakes of the others."""
    for seed in range(25):
        check = load_checks(lesson)
        check.another(number, seed=seed)
        mistakes = check.drawn[number].exercises[number].mistakes
        right = {}
        for name in mistakes[0][0]:
            others = [answer[name] for answer, message in mistakes if not message.startswith(f"{name} = ")]
            assert len(set(others)) == 1
            right[name] = others[0]
        said()
        check.another(number, right)
        assert said().startswith("✓ yes: ")


@pytest.mark.parametrize(("lesson", "number"), ALL)
def test_the_lesson_says_that_there_are_others(lesson, number):
    notebook = NOTEBOOKS / f"{find_lesson(lesson).stem}.ipynb"
    assert f"`check.another({number})`" in notebook.read_text(encoding="utf-8")

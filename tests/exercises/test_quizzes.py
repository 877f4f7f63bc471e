"""The quizzes at the end of the lessons: their questions, and that the lessons show them as they are judged."""

import re
from collections import Counter
from pathlib import Path

from helpers.exercises import load_checks
from helpers.exercises.quizzes import QUIZZES, Question, markdown, questions, quiz
from helpers.lessons import LESSONS, find_lesson

import nbformat
import pytest

IDS = [lesson.id for lesson in LESSONS]
ALL = [(lesson, question) for lesson, asked in QUIZZES.items() for question in asked]
TWO = ("one", "that is one.")


def cells_of(lesson):
    path = Path(__file__).parents[2] / "notebooks" / f"{find_lesson(lesson).stem}.ipynb"
    return {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}


def test_the_last_exercise_of_a_lesson_is_its_quiz():
    assert [*QUIZZES] == IDS[IDS.index("02") :]
    for lesson in QUIZZES:
        exercises = load_checks(lesson).exercises
        assert exercises[max(exercises)].hints == quiz(lesson).hints


@pytest.mark.parametrize(("lesson", "question"), ALL)
def test_a_question_is_on_an_earlier_lesson(lesson, question):
    assert IDS.index(question.lesson) < IDS.index(lesson)


@pytest.mark.parametrize(("lesson", "question"), ALL)
def test_one_option_is_right_and_the_others_say_why_not(lesson, question):
    given = [question.a, question.b, question.c]
    assert [isinstance(option, str) for option in given].count(True) == 1
    assert {*question.wrong} | {question.right} == {*question.options} == {*"abc"}
    assert len({*question.options.values()}) == len({*question.wrong.values()}) + 1 == 3
    assert all(len(reason) > 20 and reason[0].islower() | reason[0].isdigit() for reason in question.wrong.values())


def test_all_earlier_lessons_are_asked_for():
    """Each of them, at least two by each quiz, and not only the lesson before."""
    assert {question.lesson for _, question in ALL} == {*IDS[:-1]}
    for lesson, asked in QUIZZES.items():
        assert len(asked) == 3
        assert len({question.lesson for question in asked}) >= 2
        before = IDS[IDS.index(lesson) - 1]
        assert sum(question.lesson == before for question in asked) <= (2 if lesson in ("02", "03") else 1)


def test_nothing_but_knowledge_gives_the_answer_away():
    """Letters come equally often, some twice in a quiz; the longest option is right less than half of the time."""
    rights = Counter(question.right for _, question in ALL)
    assert max(rights.values()) - min(rights.values()) <= 2
    assert sum(len({question.right for question in asked}) < 3 for asked in QUIZZES.values()) >= 3
    longest = [max(question.options, key=lambda letter: len(question.options[letter])) for _, question in ALL]
    share = sum(letter == question.right for letter, (_, question) in zip(longest, ALL, strict=True)) / len(ALL)
    assert 0.2 < share < 0.47


def test_by_hand():
    question = Question("03", "How many?", TWO, "two", ("three", "that is one more."))
    assert question.right == "b"
    assert question.options == {"a": "one", "b": "two", "c": "three"}
    assert question.wrong == {"a": "that is one. Look into lesson 3.", "c": "that is one more. Look into lesson 3."}
    assert Question("10b", "?", "x", TWO, TWO).wrong["c"].endswith(" Look into lesson 10b.")
    assert Question("00", "?", "x", TWO, TWO).wrong["b"].endswith(" Look into lesson 0.")


def test_the_text_by_hand(monkeypatch):
    asked = (Question("03", "How many?", TWO, "two", TWO), Question("01", "Where?", "word " * 30, TWO, TWO))
    monkeypatch.setitem(QUIZZES, "09", (*asked, asked[0]._replace(lesson="02")))
    parts = markdown("09", 4).split("\n\n")
    assert parts[0] == "### Exercise 4: what do you remember?"
    assert parts[2:4] == ["**A** How many?", "- **a** one\n- **b** two\n- **c** one"]
    assert parts[4] == "**B** Where?"
    assert re.fullmatch(r"- \*\*a\*\* (word ?)+\n  (word ?)+\n- \*\*b\*\* one\n- \*\*c\*\* one", parts[5])
    assert quiz("09").hints[1] == "A is from lesson 3, B is from lesson 1, C is from lesson 2."


def test_a_lesson_without_a_quiz_is_named():
    with pytest.raises(ValueError, match=r"Lesson '01' has no quiz\. There is one in: 02, 03, .*11b\."):
        questions("01")


@pytest.mark.parametrize("lesson", QUIZZES)
def test_the_lesson_shows_the_questions_that_are_judged(lesson):
    cells, number = cells_of(lesson), max(load_checks(lesson).exercises)
    assert cells["quiz-text"].source == markdown(lesson, number), "copy what `markdown` gives into the cell quiz-text"
    right = {name: question.right for name, question in questions(lesson).items()}
    assert str(right).replace("'", '"') in cells["quiz-solution"].source
    assert cells["quiz-check"].source == f"check({number}, answer_{number})"


@pytest.mark.parametrize("lesson", ["00", "01", *QUIZZES])
def test_a_lesson_ends_with_what_is_done(lesson, capsys):
    """The cells before the key points, in this order; as stored nothing is done."""
    cells = cells_of(lesson)
    names = [*cells]
    end = ["summary-text", "summary", next(name for name in names if cells[name].source.startswith("## Key points"))]
    if lesson in QUIZZES:
        end = ["quiz-text", "quiz", "quiz-check", "quiz-solution", *end]
    assert names[-len(end) :] == end
    load_checks(lesson).summary()
    assert cells["summary"].source == "check.summary()"
    assert cells["summary"].outputs[0].text == capsys.readouterr().out

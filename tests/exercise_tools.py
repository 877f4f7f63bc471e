"""What the tests of all exercises share: the questions that each exercise of a lesson is asked."""

import re

from helpers.exercises import load_checks

import numpy as np


def mutating(*given):
    """An answer that turns round what it is given, and returns the first of it."""
    for value in given:
        if isinstance(value, list | np.ndarray):
            value[:] = value[::-1]
    return given[0]


def not_written(*_):
    raise NotImplementedError


def without_numbers(text):
    return re.sub(r"[\d.,]+", "", text)


def pairs(table):
    return [(number, answer) for number, answers in table.items() for answer in answers]


def letters(text):
    """An answer to a quiz: "bca" is b to question A, c to B, and a to C."""
    return dict(zip("ABC", text, strict=True))


def dressed(right):
    """The right answer to a quiz, written in different ways."""
    return [letters(right), letters(right.upper()), {name: f" ({letter})." for name, letter in letters(right).items()}]


def one_wrong(right, **reasons):
    """Answers to a quiz with one letter that is wrong: ``Ac="…"`` is c to question A, and a part of its message."""
    return [({**letters(right), name: letter}, reason) for (name, letter), reason in reasons.items()]


class Answers:
    """Tests of the exercises of one lesson: a class that inherits names it, and says what is answered.

    ``stubs`` has what the untouched exercise gives, ``right`` has right answers written in different ways, and
    ``wrong`` pairs of a wrong answer and a part of its message, by the number of the exercise. ``missing`` has triples:
    number, an answer that is not complete, and how its message begins.
    """

    lesson: str
    stubs: dict
    right: dict
    wrong: dict
    missing: list

    def pytest_generate_tests(self, metafunc):
        """Try each answer in a test of its own: the tables are told apart by the names of the arguments."""
        missing = [(number, answer) for number, *answer in self.missing]
        for name, cases in (
            ("stub", [*self.stubs.items()]),
            ("accepted", pairs(self.right)),
            ("refused", pairs(self.wrong)),
            ("unfinished", missing),
        ):
            if name in metafunc.fixturenames:
                return metafunc.parametrize(("number", name), cases)
        if "number" in metafunc.fixturenames:
            metafunc.parametrize("number", [*self.right])

    def exercise(self, number):
        return load_checks(self.lesson).exercises[number]

    def test_every_exercise_is_tried(self):
        numbers = set(load_checks(self.lesson).exercises)
        assert set(self.stubs) == set(self.right) == set(self.wrong) == numbers
        assert all(len(self.right[number]) >= 2 and len(self.wrong[number]) >= 3 for number in numbers)

    def test_stub_says_not_yet(self, number, stub, said):
        load_checks(self.lesson)(number, stub)
        assert said().startswith("… not yet: ")

    def test_right_answers_are_accepted(self, number, accepted, said):
        load_checks(self.lesson)(number, accepted)
        assert said() == f"✓ yes: {self.exercise(number).praise}\n"

    def test_a_solution_passes_and_nothing_is_given_away(self, number, said):
        load_checks(self.lesson).solution(number, self.right[number][0])
        assert said() == "✓ yes: this solution passes the check.\n"

    def test_a_function_that_changes_its_arguments_spoils_no_other(self, number, said):
        """Each gets arguments of its own."""
        load_checks(self.lesson)(number, mutating)
        load_checks(self.lesson)(number, self.right[number][0])
        assert said().splitlines()[-1].startswith("✓ yes: ")

    def test_wrong_answers_get_their_reason_and_a_hint(self, number, refused, said):
        answer, reason = refused
        load_checks(self.lesson)(number, answer)
        text = said()
        assert text.startswith("✗ no: ")
        assert reason in text.splitlines()[0]
        assert f"hint 1 of {len(self.exercise(number).hints)}: " in text

    def test_what_is_missing_is_named(self, number, unfinished, said):
        answer, missing = unfinished
        load_checks(self.lesson)(number, answer)
        assert said().startswith(f"… not yet: {missing}")

    def test_each_typical_mistake_is_among_the_wrong_answers(self, number):
        """What is written in another way than in the judge gets the same message, but for its numbers."""
        reasons = [without_numbers(reason) for _, reason in self.wrong[number]]
        for _, message in self.exercise(number).mistakes:
            assert any(reason in without_numbers(message) for reason in reasons), message

    def test_hints_come_one_by_one(self, number, said):
        check, hints = load_checks(self.lesson), self.exercise(number).hints
        assert 2 <= len(hints) == len(set(hints))
        for place, hint in enumerate(hints, start=1):
            check(number, self.wrong[number][0][0])
            assert said().splitlines()[1:] == [f"  hint {place} of {len(hints)}: {hint}"]
        check(number, self.wrong[number][0][0])
        assert said().splitlines()[1:] == ["  All hints are given. Think again, or open the solution below."]
        check(number, self.right[number][0])
        assert said().startswith("✓ yes: ")

"""What the tests of all exercises share: the questions that each exercise of a lesson is asked."""

import re

from helpers.exercises import load_checks, running

import numpy as np
import pytest
from hostile_answers import HOSTILE, shapes


def mutating(*given):
    """An answer that turns round what it is given, and returns the first of it."""
    for value in given:
        if isinstance(value, list | np.ndarray):
            value[:] = value[::-1]
    return given[0]


def not_written(*_, **__):
    raise NotImplementedError


def without_numbers(text):
    return re.sub(r"[\d.,]+", "", text)


def least(exercise):
    """Return how many different reasons the wrong answers to an exercise have at least; a choice has few letters."""
    return 3 if all(isinstance(answer, str) for answer, _ in exercise.mistakes) else 6


def pairs(table):
    return [(number, answer) for number, answers in table.items() for answer in answers]


def hostile_answers(numbers):
    """Return each exercise with each hostile answer; two in three are for `make test-all`."""
    return [
        pytest.param(number, name, marks=[] if (number + place) % 3 == 0 else pytest.mark.matrix)
        for number in numbers
        for place, name in enumerate(HOSTILE)
    ]


def changed(result, random):
    """Return a right result, changed at one place by more than ten times what any exercise tolerates."""
    try:
        array = np.array(result, float)
    except ValueError:  # several arrays
        parts = [*result]
        place = random.integers(len(parts))
        parts[place] = changed(parts[place], random)
        return parts
    place = tuple(random.integers(length) for length in array.shape)
    array[place] += random.choice([-1, 1]) * 1e-3 * max(1, np.abs(array).max())
    return array


def letters(text):
    """An answer to a quiz: "bca" is b to question A, c to B, and a to C."""
    return dict(zip("ABCDE", text, strict=False))


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
    number, an answer that is not complete, and how its message begins. ``returns_no_array`` has the numbers of the
    exercises that want a function which does something else.
    """

    lesson: str
    stubs: dict
    right: dict
    wrong: dict
    missing: list
    returns_no_array: tuple = ()

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
        if "hostile" in metafunc.fixturenames:
            return metafunc.parametrize(("number", "hostile"), hostile_answers(self.right))
        if "with_array" in metafunc.fixturenames:
            functions = [number for number, answers in self.right.items() if callable(answers[0])]
            arrays = [number for number in functions if number not in self.returns_no_array]
            none = pytest.param(None, marks=pytest.mark.skip("no exercise of this lesson asks for such a function"))
            return metafunc.parametrize("with_array", arrays or [none])
        if "number" in metafunc.fixturenames:
            metafunc.parametrize("number", [*self.right])

    def exercise(self, number):
        return load_checks(self.lesson).exercises[number]

    def test_every_exercise_is_tried(self):
        numbers = set(load_checks(self.lesson).exercises)
        assert set(self.stubs) == set(self.right) == set(self.wrong) == numbers
        assert all(len(self.right[number]) >= 3 for number in numbers)
        assert all(
            len({reason for _, reason in self.wrong[number]}) >= least(self.exercise(number)) for number in numbers
        )

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

    @pytest.mark.property
    def test_a_right_array_that_is_changed_at_one_place_is_never_right(self, with_array, said):
        right, random = self.right[with_array][0], np.random.default_rng(0)
        for _ in range(6):
            load_checks(self.lesson)(with_array, lambda *given: changed(right(*given), random))
            assert said().startswith("✗ no: ")

    @pytest.mark.filterwarnings("ignore")
    def test_hostile_answers_stop_nothing_flood_nothing_and_are_never_right(self, number, hostile, said, monkeypatch):
        if hostile == "loop":
            monkeypatch.setattr(running, "SECONDS", 0.1)
        for answer in shapes(HOSTILE[hostile], self.right[number][0]):
            load_checks(self.lesson)(number, answer)
            text = said()
            assert re.search("^(… not yet|✗ no): ", text, re.MULTILINE) and "✓" not in text
            assert len(text) < 4_000

    def test_wrong_answers_get_their_reason(self, number, refused, said):
        answer, reason = refused
        load_checks(self.lesson)(number, answer)
        text = said()
        assert text.startswith("✗ no: ")
        assert reason in text.splitlines()[0]

    def test_what_is_missing_is_named(self, number, unfinished, said):
        answer, missing = unfinished
        load_checks(self.lesson)(number, answer)
        assert said().startswith(f"… not yet: {missing}")

    def test_each_typical_mistake_is_among_the_wrong_answers(self, number):
        """What is written in another way than in the judge gets the same message, but for its numbers."""
        reasons = [without_numbers(reason) for _, reason in self.wrong[number]]
        for _, message in self.exercise(number).mistakes:
            assert any(reason in without_numbers(message) for reason in reasons), message

    def test_hints_come_one_by_one_where_a_message_did_not_help(self, number, said):
        check, hints, wrong = load_checks(self.lesson), self.exercise(number).hints, self.wrong[number][0][0]
        assert 2 <= len(hints) == len(set(hints))
        check(number, wrong)
        if not (given := said().splitlines()[1:]):  # the message named the mistake
            check(number, wrong)
            given = said().splitlines()[1:]
        for place, hint in enumerate(hints, start=1):
            assert given == [f"  hint {place} of {len(hints)}: {hint}"]
            check(number, wrong)
            given = said().splitlines()[1:]
        assert given == ["  All hints are given. Think again, or open the solution below."]
        check(number, self.right[number][0])
        assert said().startswith("✓ yes: ")

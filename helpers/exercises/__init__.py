"""Exercises that answer back.

In a lesson: ``check = load_checks("01")``, then ``check(2, answer)`` prints "not yet", "no" with what is wrong and
the next hint, or "yes". A wrong answer never raises, so that Run All goes on. ``check.summary()`` prints what is done.

The exercises of a lesson are in a module of their own, such as `helpers.exercises.lesson_01`, and found by its name.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from helpers.exercises.judges import Exercise, NotYet, Wrong
from helpers.exercises.misconceptions import name_of
from helpers.progress import Memory


class Checks:
    """The checks of one lesson, called as ``check(number, answer)``; remembers how many hints were given.

    `helpers.progress` remembers the answers, but for solutions and what is not yet answered.
    """

    def __init__(self, exercises: Mapping[int, Exercise], lesson: str = ""):
        self.exercises = exercises
        self.lesson = lesson
        self.memory = Memory(lesson)
        self.hints_given = dict.fromkeys(exercises, 0)

    def __call__(self, number: int, answer) -> None:
        """Print what holds of ``answer`` to exercise ``number``; raises ValueError if there is no such exercise."""
        verdict, message = self._judge(number, answer, self._exercise(number).praise)
        if verdict:
            self.memory.add(number, verdict, name_of(self.lesson, number, message))

    def solution(self, number: int, answer) -> None:
        """Put a solution through the same check, and say no more than whether it passes: no word that gives it away."""
        self._judge(number, answer, "this solution passes the check.")

    def summary(self) -> None:
        """Print which exercises of the lesson are done, and how often each was tried."""
        print(self.memory.summary([*self.exercises]))

    def _exercise(self, number: int) -> Exercise:
        if number not in self.exercises:
            raise ValueError(f"There is no exercise {number!r} here: use one of {list(self.exercises)}.")
        return self.exercises[number]

    def _judge(self, number: int, answer, praise: str) -> tuple[str, str]:
        """Print what holds of ``answer``; return "right", "wrong" or "", and what is wrong."""
        exercise = self._exercise(number)
        try:
            exercise.judge(answer)
        except NotYet as stub:
            print(f"… not yet: {stub}")
            return "", ""
        except Wrong as mistake:
            print(f"✗ no: {mistake}")
            given = self.hints_given[number]
            if given < len(exercise.hints):
                print(f"  hint {given + 1} of {len(exercise.hints)}: {exercise.hints[given]}")
                self.hints_given[number] += 1
            else:
                print("  All hints are given. Think again, or open the solution below.")
            return "wrong", str(mistake)
        print(f"✓ yes: {praise}")
        return "right", ""


def known_lessons() -> list[str]:
    """Return the ids of the lessons with exercises, in their order: for each there is a module ``lesson_…`` here."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(name.removeprefix("lesson_") for name in names if name.startswith("lesson_"))


def load_checks(lesson: str) -> Checks:
    """Return the checks of a lesson: ``load_checks("01")``; raises ValueError for a lesson without exercises."""
    if lesson not in known_lessons():
        raise ValueError(f"No exercises for lesson {lesson!r}. There are some for: {', '.join(known_lessons())}.")
    return Checks(importlib.import_module(f"helpers.exercises.lesson_{lesson}").EXERCISES, lesson)

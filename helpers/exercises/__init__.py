"""Exercises that answer back.

In a lesson: ``check = load_checks("01")``, then ``check(2, answer)`` prints "not yet", "no" with what is wrong, or
"yes". A hint follows where the message says no more than that it is wrong, or was given before. No answer ever raises,
so that Run All goes on. ``check.summary()`` prints what is done. ``check.another(4)`` asks an exercise of arithmetic
with other numbers, and ``check.another(4, answer)`` judges an answer to those.

The exercises of a lesson are in a module of their own, such as `helpers.exercises.lesson_01`, and found by its name.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from helpers.exercises.answers import NotYet, Wrong, cut, in_short
from helpers.exercises.judges import Exercise
from helpers.exercises.misconceptions import name_of
from helpers.exercises.running import Endless, limited
from helpers.progress import Memory

import numpy as np

LONGEST = 1_000
"""So many characters of a message are shown."""


class Checks:
    """The checks of one lesson, called as ``check(number, answer)``; remembers what it said, and how many hints.

    `helpers.progress` remembers the answers, but for solutions and what is not yet answered.
    """

    def __init__(self, exercises: Mapping[int, Exercise], lesson: str = ""):
        self.exercises = exercises
        self.lesson = lesson
        self.memory = Memory(lesson)
        self.hints_given = dict.fromkeys(exercises, 0)
        self.said = {number: set() for number in exercises}
        self.drawn: dict[int, Checks] = {}

    def __call__(self, number: int, answer) -> None:
        """Print what holds of ``answer`` to exercise ``number``; raises ValueError if there is no such exercise."""
        verdict, message = self._judge(number, answer, self._exercise(number).praise)
        if verdict:
            self.memory.add(number, verdict, name_of(self.lesson, number, message))

    def solution(self, number: int, answer) -> None:
        """Put a solution through the same check, and say no more than whether it passes: no word that gives it away."""
        self._judge(number, answer, "this solution passes the check.")

    def another(self, number: int, *answer, seed: int | None = None) -> None:
        """Print an exercise with other numbers, or what holds of ``answer`` to those drawn last: it is not remembered.

        Raises ValueError if there is no such exercise, or if it has no numbers to draw.
        """
        draw = self._exercise(number).another
        if draw is None:
            can = ", ".join(str(number) for number, exercise in self.exercises.items() if exercise.another)
            raise ValueError(f"Exercise {number} has no numbers to draw anew. Of this lesson {can or 'none'} can be.")
        if not answer:
            text, exercise = draw(np.random.default_rng(seed))
            self.drawn[number] = Checks({number: exercise})
            print(text.format(number=number))
        elif number in self.drawn:
            self.drawn[number](number, *answer)
        else:
            print(f"… not yet: draw the numbers first, by check.another({number}).")

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
            with limited(exercise.patience):
                exercise.judge(answer)
        except NotYet as stub:
            print(f"… not yet: {cut(str(stub), LONGEST)}")
            return "", ""
        except Wrong as mistake:
            return self._say_no(number, cut(str(mistake), LONGEST), mistake.generic)
        except Endless:
            return self._say_no(number, "your answer took too long and was stopped. Is there a loop that never ends?")
        except KeyboardInterrupt:
            return self._say_no(number, "the check was interrupted.")
        except BaseException as error:  # whatever an answer does when somebody looks at it
            what = f"{type(error).__name__}: {in_short(error, str)}"
            return self._say_no(number, f"your answer cannot be read. It raised {what}.")
        print(f"✓ yes: {praise}")
        return "right", ""

    def _say_no(self, number: int, message: str, generic: bool = False) -> tuple[str, str]:
        """Print what is wrong, and a hint as well if that says little, or did not help before; return as `_judge`."""
        print(f"✗ no: {message}")
        if generic or message in self.said[number]:
            self._give_hint(number)
        self.said[number].add(message)
        return "wrong", message

    def _give_hint(self, number: int) -> None:
        hints, given = self.exercises[number].hints, self.hints_given[number]
        if given < len(hints):
            print(f"  hint {given + 1} of {len(hints)}: {hints[given]}")
            self.hints_given[number] += 1
        else:
            print("  All hints are given. Think again, or open the solution below.")


def known_lessons() -> list[str]:
    """Return the ids of the lessons with exercises, in their order: for each there is a module ``lesson_…`` here."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(name.removeprefix("lesson_") for name in names if name.startswith("lesson_"))


def load_checks(lesson: str) -> Checks:
    """Return the checks of a lesson: ``load_checks("01")``; raises ValueError for a lesson without exercises."""
    if lesson not in known_lessons():
        raise ValueError(f"No exercises for lesson {lesson!r}. There are some for: {', '.join(known_lessons())}.")
    return Checks(importlib.import_module(f"helpers.exercises.lesson_{lesson}").EXERCISES, lesson)

"""Exercises of arithmetic that can be drawn anew: `check.another(4)` asks for the same with other numbers.

A task is a function of whole numbers. It returns its text, the right numbers by their names, and the typical wrong ones
with their messages, all computed for the numbers that it got. So the exercise as it stands in a lesson and those that
are drawn are judged alike.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from helpers.exercises.judges import Exercise, numbers

import numpy as np

TRIES = 1_000


class Task(NamedTuple):
    """What is asked: ``wrong`` has for each name of ``right`` pairs of a typical wrong number and its message.

    ``rounded`` has the relative tolerances of names that may be rounded.
    """

    text: str
    right: Mapping[str, float]
    wrong: Mapping[str, Sequence[tuple[float, str]]]
    tolerance: float = 1e-6
    rounded: Mapping[str, float] = {}

    @property
    def clear(self) -> bool:
        """Tell whether each mistake gives a number of its own, so that each can be told from the others."""
        for name, value in self.right.items():
            values = np.sort(
                [float(number) for number in (value, *(typical for typical, _ in self.wrong.get(name, ())))]
            )
            relative = self.rounded.get(name, self.tolerance)
            if np.isclose(values[1:], values[:-1], rtol=3 * relative, atol=3 * self.tolerance).any():
                return False
        return True

    def exercise(self, praise: str, hints: Sequence[str], **more) -> Exercise:
        """Return the exercise that asks for the numbers of ``right``."""
        wrong = {name: dict(pairs) for name, pairs in self.wrong.items()}
        return Exercise(numbers(self.right, wrong, self.tolerance, self.rounded), praise, hints, **more)


def drawn(
    task: Callable[..., Task], hints: Sequence[str], **choices: Sequence[int]
) -> Callable[[np.random.Generator], tuple[str, Exercise]]:
    """Return what draws a task: each of its numbers from the ``choices`` of that name, until all mistakes are clear.

    ``hints`` must hold for all numbers. Raises ValueError where no draw is clear.
    """

    def draw(random):
        for _ in range(TRIES):
            made = task(**{name: int(random.choice(some)) for name, some in choices.items()})
            if made.clear:
                return _asked(made), made.exercise("Right. Another one: check.another again.", hints)
        raise ValueError(f"No numbers of {choices} tell all mistakes apart: give more of them.")

    return draw


def _asked(task: Task) -> str:
    """Return the text with how to answer; ``{number}`` stands for that of the exercise."""
    names = ", ".join(f'"{name}": ...' for name in task.right)
    text = textwrap.fill(" ".join(task.text.split()), 100)
    return f"{text}\nAnswer with check.another({{number}}, {{{{{names}}}}})"

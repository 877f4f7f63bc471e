"""What judges an answer: it returns if the answer is right, and raises `NotYet` or `Wrong` with the message if not.

`choice`, `choices`, `numbers` and `function` make judges; one of your own calls a learner's function by `call`
or `call_answer`.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from helpers.exercises.answers import (
    Nothing,
    NotYet,
    Wrong,
    as_array,
    as_letter,
    as_number,
    brief,
    difference,
    for_case,
    in_short,
    is_stub,
    near,
    written,
)
from helpers.exercises.running import Raised, call, call_answer, expect_function, helper_used

import numpy as np

__all__ = [
    "ALONE", "Exercise", "NotYet", "Raised", "Wrong", "as_array", "as_letter", "as_number", "brief", "call",
    "call_answer", "choice", "choices", "difference", "expect_function", "for_case", "function", "in_short", "is_stub",
    "near", "numbers", "random_image",
]  # fmt: skip


ALONE = "the numbers are right, but `{}` of the helpers computes them. Write it yourself, with no helper."


@dataclass(frozen=True)
class Exercise:
    """One exercise: ``judge(answer)`` returns if it is right, and raises NotYet or Wrong if not.

    ``mistakes`` are pairs of a typical wrong answer and the whole message for it. The judges that `choice`, `choices`,
    `numbers` and `function` make have theirs with them. ``patience`` is how many times
    `helpers.exercises.running.SECONDS` the check may take: more for one that asks a network. ``another`` draws the
    exercise anew with other numbers, and returns its text and how it is judged: see `helpers.exercises.anew`.
    """

    judge: Callable[[Any], None]
    praise: str
    hints: Sequence[str]
    mistakes: Sequence[tuple[Any, str]] = ()
    patience: float = 1
    another: Callable[[np.random.Generator], tuple[str, "Exercise"]] | None = None

    def __post_init__(self):
        object.__setattr__(self, "mistakes", (*getattr(self.judge, "mistakes", ()), *self.mistakes))


def choice(right: str, wrong: Mapping[str, str]) -> Callable[[Any], None]:
    """Judge a multiple-choice answer; ``wrong`` maps each wrong letter to the misconception behind it."""
    letters = sorted([right, *wrong])

    def judge(answer):
        if is_stub(answer):
            raise NotYet(f"put one of the letters {', '.join(letters)} between the quotes.")
        letter = as_letter(answer)
        if letter in wrong:
            raise Wrong(wrong[letter])
        if letter != right:
            raise NotYet(f"answer with one of the letters {', '.join(letters)}.")

    judge.mistakes = [*wrong.items()]
    return judge


def choices(right: Mapping[str, str], wrong: Mapping[str, Mapping[str, str]]) -> Callable[[Any], None]:
    """Judge a dict of letters, one for each of several questions; ``wrong`` maps a name to what `choice` takes."""
    judges = {name: choice(letter, wrong[name]) for name, letter in right.items()}

    def judge(answer):
        _expect_names(answer, right)
        for name, judge_one in judges.items():
            try:
                judge_one(answer[name])
            except (NotYet, Wrong) as said:
                raise type(said)(f"{name}: {said}") from None

    judge.mistakes = [
        ({**right, name: letter}, f"{name}: {message}")
        for name, messages in wrong.items()
        for letter, message in messages.items()
    ]
    return judge


def _expect_names(answer, names) -> None:
    """Raise NotYet unless an answer is a dictionary with these names."""
    if not isinstance(answer, dict) or any(name not in answer for name in names):
        raise NotYet(f"keep the dictionary with the names {', '.join(names)}.")


def numbers(
    right: Mapping[str, float],
    wrong: Mapping[str, Mapping[float, str]] | None = None,
    tolerance: float = 1e-6,
    rounded: Mapping[str, float] | None = None,
) -> Callable[[Any], None]:
    """Judge a dict of named numbers; ``wrong`` maps a name to typical wrong values and what they come from.

    ``rounded`` maps a name that may be rounded to its own relative tolerance.
    """
    wrong, rounded = wrong or {}, rounded or {}

    def judge(answer):
        _expect_names(answer, right)
        open_names = [name for name in right if is_stub(answer[name])]
        if open_names:
            raise NotYet(f"fill in {', '.join(open_names)}.")
        for name, value in right.items():
            given, relative = as_number(answer[name], name), rounded.get(name, tolerance)
            for typical, message in wrong.get(name, {}).items():
                if np.isclose(given, typical, rtol=relative, atol=tolerance):
                    raise Wrong(f"{name} = {written(given)}: {message}")
            if not np.isclose(given, value, rtol=relative, atol=tolerance):
                text = written(given) if written(given) != written(value) else f"{given:.12g}"
                raise Wrong(f"{name} = {text} is too {'large' if given > value else 'small'}.", generic=True)

    judge.mistakes = [
        ({**right, name: typical}, f"{name} = {written(typical)}: {message}")
        for name, values in wrong.items()
        for typical, message in values.items()
    ]
    return judge


def function(
    oracle: Callable,
    cases: Sequence[tuple],
    wrong: Sequence[tuple[Callable, str]] = (),
    tolerance: float = 1e-6,
    alone: bool = False,
) -> Callable[[Any], None]:
    """Judge a function by what it returns for each of ``cases`` (tuples of arguments), compared with ``oracle``.

    ``wrong`` holds pairs of a typical wrong function and the message for an answer that behaves like it: that returns
    the same for each case, NaN as well, and raises something where the wrong function does. With ``alone`` it may call
    no helper.
    """

    def outcomes(answer):
        """Return for each case an array, or what was raised; raises `Nothing` where each returns nothing."""
        found = []
        for case in cases:
            try:
                found.append(call_answer(answer, case, finite=False))
            except (Raised, Nothing) as raised:
                found.append(raised)
        if all(isinstance(one, Nothing) for one in found):
            raise found[0]
        return found

    @cache
    def right():
        return [np.asarray(oracle(*copy.deepcopy(case))) for case in cases]

    def judge(answer):
        results, expected = outcomes(answer), right()
        bad = [i for i, pair in enumerate(zip(results, expected, strict=True)) if not _alike(*pair, tolerance)]
        if not bad:
            if alone and (helper := helper_used(answer, cases[0])):
                raise Wrong(ALONE.format(helper))
            return
        if any(isinstance(result, np.ndarray) for result in results):
            for mistake, message in wrong:
                with np.errstate(all="ignore"):  # a mistake may divide by 0
                    mistaken = outcomes(mistake)
                if all(_alike(*pair, tolerance) for pair in zip(results, mistaken, strict=True)):
                    raise Wrong(message)
        result, want, where = results[bad[0]], expected[bad[0]], for_case(cases[bad[0]])
        if isinstance(result, Raised):
            raise result
        if isinstance(result, Nothing):
            raise Wrong(f"{where} your function returns nothing, and else it does. Which way through it has no return?")
        as_array(result, where=f", {where}")
        whole = f", so {brief(result)} instead of {brief(want)}" if 1 < want.size <= 16 and result.size <= 16 else ""
        raise Wrong(f"{where} {difference(result, want, tolerance)}{whole}.", generic=True)

    judge.mistakes = [*wrong]
    return judge


def _alike(one, other, tolerance: float) -> bool:
    """Tell whether two outcomes are the same: numbers, nothing, or something raised, whatever it is."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return near(one, other, tolerance)
    return type(one) is type(other)


def random_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return an image (height, width) of random gray values from 0 to 255, to try a learner's function with."""
    return np.random.default_rng(seed).integers(0, 256, (height, width)).astype(float)

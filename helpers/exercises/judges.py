"""What judges an answer: it returns if the answer is right, and raises `NotYet` or `Wrong` with the message if not.

`choice`, `choices`, `numbers` and `function` make judges; one of your own calls a learner's function by `call`
or `call_answer`.
"""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np


class NotYet(Exception):
    """The exercise is untouched; the message says what to do."""


class Wrong(Exception):
    """The answer is wrong; the message says in which way."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: ``judge(answer)`` returns if it is right, and raises NotYet or Wrong if not.

    ``mistakes`` are pairs of a typical wrong answer and the whole message for it. The judges that `choice`, `choices`,
    `numbers` and `function` make have theirs with them.
    """

    judge: Callable[[Any], None]
    praise: str
    hints: Sequence[str]
    mistakes: Sequence[tuple[Any, str]] = ()

    def __post_init__(self):
        object.__setattr__(self, "mistakes", (*getattr(self.judge, "mistakes", ()), *self.mistakes))


def is_stub(value) -> bool:
    """Tell whether ``value`` is what an untouched exercise holds or returns: None, ``...``, "?" or an empty text."""
    return value is None or value is ... or (isinstance(value, str) and value.strip() in ("?", ""))


def choice(right: str, wrong: Mapping[str, str]) -> Callable[[Any], None]:
    """Judge a multiple-choice answer; ``wrong`` maps each wrong letter to the misconception behind it."""
    letters = sorted([right, *wrong])

    def judge(answer):
        if is_stub(answer):
            raise NotYet(f"put one of the letters {', '.join(letters)} between the quotes.")
        letter = str(answer).strip().lower().strip("().")
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
        if not isinstance(answer, dict) or any(name not in answer for name in right):
            raise Wrong(f"keep the dictionary with the names {', '.join(right)}.")
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


def numbers(
    right: Mapping[str, float],
    wrong: Mapping[str, Mapping[float, str]] | None = None,
    tolerance: float = 1e-6,
) -> Callable[[Any], None]:
    """Judge a dict of named numbers; ``wrong`` maps a name to typical wrong values and what they come from."""
    wrong = wrong or {}

    def judge(answer):
        if not isinstance(answer, dict) or any(name not in answer for name in right):
            raise Wrong(f"keep the dictionary with the names {', '.join(right)}.")
        open_names = [name for name in right if is_stub(answer[name])]
        if open_names:
            raise NotYet(f"fill in {', '.join(open_names)}.")
        for name, value in right.items():
            given = as_number(answer[name], name)
            for typical, message in wrong.get(name, {}).items():
                if np.isclose(given, typical, rtol=tolerance, atol=tolerance):
                    raise Wrong(f"{name} = {given:g}: {message}")
            if not np.isclose(given, value, rtol=tolerance, atol=tolerance):
                raise Wrong(f"{name} = {given:g} is too {'large' if given > value else 'small'}.")

    judge.mistakes = [
        ({**right, name: typical}, f"{name} = {typical:g}: {message}")
        for name, values in wrong.items()
        for typical, message in values.items()
    ]
    return judge


def as_number(value, name: str = "the answer") -> float:
    """Return ``value`` as a float, or raise Wrong; NaN is no number."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isnan(number):
        raise Wrong(f"{name} must be one number, but it is {in_short(value)}.")
    return number


def in_short(value) -> str:
    """Return how Python writes a value, cut where it becomes long."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]} …"


def function(
    oracle: Callable,
    cases: Sequence[tuple],
    wrong: Sequence[tuple[Callable, str]] = (),
    tolerance: float = 1e-6,
) -> Callable[[Any], None]:
    """Judge a function by what it returns for each of ``cases`` (tuples of arguments), compared with ``oracle``.

    ``wrong`` holds pairs of a typical wrong function and the message for an answer that behaves like it.
    """
    right = cache(lambda: [np.asarray(oracle(*copy.deepcopy(case))) for case in cases])

    def judge(answer):
        results = [call_answer(answer, case) for case in cases]
        expected = right()
        bad = [i for i, pair in enumerate(zip(results, expected, strict=True)) if not _same(*pair, tolerance)]
        if not bad:
            return
        for mistake, message in wrong:
            if all(_same(r, mistake(*copy.deepcopy(c)), tolerance) for r, c in zip(results, cases, strict=True)):
                raise Wrong(message)
        where, got, want = for_case(cases[bad[0]]), results[bad[0]], expected[bad[0]]
        if got.shape != want.shape:
            raise Wrong(f"{where} it returned shape {got.shape} where {want.shape} is right.")
        if _brief(got) != _brief(want):
            raise Wrong(f"{where} it returned {_brief(got)} where {_brief(want)} is right.")
        place = tuple(map(int, np.argwhere(~np.isclose(got, want, rtol=tolerance, atol=tolerance))[0]))
        raise Wrong(f"{where} it returned {got[place]:.6g} at the place {place} where {want[place]:.6g} is right.")

    judge.mistakes = [*wrong]
    return judge


def expect_function(answer) -> None:
    """Raise NotYet for a stub, and Wrong for what is no function, though a layer or a network can be called, too."""
    if is_stub(answer):
        raise NotYet("define the function.")
    if not callable(answer) or hasattr(answer, "trainable"):
        raise Wrong("give the function itself, without parentheses.")


def call(answer, *given, where: str, returns: bool = True):
    """Return what a learner's function makes of the arguments ``given``, whatever that is.

    Raises NotYet and Wrong as `expect_function` does; NotYet also for a function that returns nothing, if it should,
    and Wrong for an exception in it; that message ends with ``where``.
    """
    expect_function(answer)
    unwritten = "write the body of the function"
    if returns:
        unwritten += ", with a return at its end; it returns nothing so far"
    try:
        result = answer(*given)
    except NotImplementedError:
        raise NotYet(f"{unwritten}.") from None
    except (Exception, SystemExit) as error:  # whatever it raises is an answer to the learner, not an end of the lesson
        said = str(error) if len(str(error)) <= 500 else f"{str(error)[:500]} …"
        raise Wrong(f"your function raised {type(error).__name__}: {said}, {where}.") from error
    if returns and is_stub(result):
        raise NotYet(f"{unwritten}.")
    return result


def call_answer(answer, case: tuple) -> np.ndarray:
    """Return ``answer(*case)`` as an array of numbers; raises as `call` does, and Wrong for what is no number."""
    return as_array(call(answer, *copy.deepcopy(case), where=for_case(case)))


def as_array(result) -> np.ndarray:
    """Return what a learner's function returned as an array of float64; raises Wrong for what is no real number."""
    try:
        if np.asarray(result).dtype.kind in "SUc":  # NumPy would read "3" as 3, and drop what is imaginary
            raise TypeError
        return np.asarray(result, float)
    except (TypeError, ValueError, OverflowError):
        raise Wrong(f"your function must return numbers, but it returned {in_short(result)}.") from None


def for_case(case: tuple) -> str:
    """Return a text for the arguments of a function: ``for (an array of shape (8, 8), 2)``."""
    return f"for ({', '.join(map(_brief, case))})"


def _same(got, want, tolerance):
    got, want = np.asarray(got), np.asarray(want)
    return got.shape == want.shape and np.allclose(got, want, rtol=tolerance, atol=tolerance)


def _brief(value) -> str:
    """Return a short text for an argument or a result: numbers as they are, arrays by shape if large."""
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{value:g}" if isinstance(value, int | float | np.number | np.ndarray) else repr(value)
    if array.size <= 16:
        return np.array2string(array, precision=3, separator=", ").replace("\n", "")
    return f"an array of shape {array.shape}"


def random_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return an image (height, width) of random gray values from 0 to 255, to try a learner's function with."""
    return np.random.default_rng(seed).integers(0, 256, (height, width)).astype(float)

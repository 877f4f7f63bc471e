"""Answers of learners, read with care: letters, numbers and arrays in any dress, and whatever else it may be.

What cannot be read raises `NotYet` or `Wrong`, with one sentence that says why.
"""

import inspect
import math
import unicodedata
from collections.abc import Callable

import numpy as np


class NotYet(Exception):
    """The exercise is untouched or not complete; the message says what to do."""


class Nothing(NotYet):
    """A function of the learner's returned nothing; the message says what to do."""


class Wrong(Exception):
    """The answer is wrong; the message says in which way.

    A ``generic`` message only says that it is, as "too large" does: a hint follows it at once.
    """

    def __init__(self, message: str, generic: bool = False):
        super().__init__(message)
        self.generic = generic


def is_stub(value) -> bool:
    """Tell whether ``value`` is what an untouched exercise holds or returns: None, ``...``, "?" or an empty text."""
    return value is None or value is ... or (isinstance(value, str) and value.strip() in ("?", ""))


# --- texts ---


def cut(text: str, length: int) -> str:
    """Return a text, cut where it becomes longer than that."""
    return text if len(text) <= length else f"{text[:length]} …"


def in_short(value, write: Callable = repr) -> str:
    """Return how Python writes a value, in one line, cut where it becomes long; its type, if it cannot be written."""
    try:
        text = write(value)
    except Exception:
        text = f"something of the type {type(value).__name__}"
    return cut(" ".join(cut(text, 1000).split()), 200)


def brief(value) -> str:
    """Return a short text for an argument or a result: numbers as they are, arrays by shape if large."""
    if isinstance(value, np.random.Generator):
        return "random"
    array = np.asarray(value)
    if array.ndim == 0 and array.dtype != bool:
        return f"{value:g}" if isinstance(value, int | float | np.number | np.ndarray) else in_short(value)
    if array.size <= 16:
        return np.array2string(array, precision=3, separator=", ").replace("\n", "")
    kind = "" if array.dtype.kind == "f" else f" and type {array.dtype}"
    return f"an array of shape {array.shape}{kind}"


def for_case(case: tuple) -> str:
    """Return a text for the arguments of a function: ``for (an array of shape (8, 8), 2)``."""
    return f"for ({', '.join(map(brief, case))})"


# --- letters and numbers ---

_DRESS = " \t\r\n\"'“”‘’`*_()[]{}.,:;"


def as_letter(answer) -> str:
    """Return an answer in lower case, without its dress: "(B)", "b.", ["b"] and "answer b" are b."""
    if isinstance(answer, np.ndarray) and answer.size == 1:
        answer = answer.reshape(1)
    if isinstance(answer, list | tuple | set | frozenset | np.ndarray) and np.size(answer) == len(answer) == 1:
        [answer] = answer
    if isinstance(answer, bytes):
        answer = answer.decode(errors="replace")
    text = unicodedata.normalize("NFKC", in_short(answer, str))
    return text.lower().strip(_DRESS).removeprefix("answer").removeprefix("option").strip(_DRESS)


def as_number(value, name: str = "the answer") -> float:
    """Return ``value`` as a float, or raise Wrong; NaN, True and a list are no number, but a text of one is."""
    if isinstance(value, str) and "," in value:
        raise Wrong(f"{name} must be one number without a comma, such as 1234 or 0.5, but it is {in_short(value)}.")
    try:
        array = np.asarray(value)
        number = math.nan if array.ndim or array.dtype.kind in "bc" or np.ma.is_masked(value) else float(value)
    except Exception:  # whatever it raises when it is read
        number = math.nan
    alone = ": write the number alone, such as 1234 or 0.5" if isinstance(value, str) else ""
    if math.isnan(number):
        raise Wrong(f"{name} must be one number, but it is {in_short(value)}{alone}.")
    return number


# --- arrays ---


RETURNED = "your function must return numbers, but it returned"
MOST = 10_000_000
"""An array of more numbers is not read: a copy could fill the memory."""


def as_array(result, what: str = RETURNED, where: str = "", finite: bool = True) -> np.ndarray:
    """Return a copy of what a learner made as an array of float64; raises Wrong for what is no real number.

    ``what`` and ``where`` are how the message begins and ends. Without ``finite``, NaN and infinity are let through.
    """
    try:
        array = np.asarray(result)
        if array.dtype.kind in "SUcmM" or np.ma.is_masked(result):  # NumPy would read "3" as 3, and drop a part
            raise TypeError("masked numbers are no numbers" if np.ma.is_masked(result) else "")
        if array.size > MOST:
            raise ValueError(f"{array.size:,} numbers are too many")
        if array.dtype == object and any(value is None for value in array.ravel()):  # NumPy would make NaN of it
            raise TypeError
        numbers = np.array(result, float)
    except Exception as error:
        why = f" ({in_short(error, str)})" if hasattr(result, "__array__") and str(error) else ""
        if inspect.isgenerator(result):
            why = ": make a list of it, or return all at once instead of yield"
        raise Wrong(f"{what} {in_short(result)}{why}{where}.") from None
    if finite and not np.isfinite(numbers).all():
        place = tuple(map(int, np.argwhere(~np.isfinite(numbers))[0]))
        raise Wrong(f"{what} {numbers[place]}{at_place(place)}{where}.")
    return numbers


def tolerated(want, tolerance: float = 1e-6) -> float:
    """Return by how much a number may differ: a share of the largest number of ``want``, or of 1; of 1 for integers."""
    want = np.asarray(want)
    if want.dtype.kind != "f":
        return tolerance
    return tolerance * max(1.0, float(np.abs(want).max(initial=0, where=np.isfinite(want))))


def near(got, want, tolerance: float = 1e-6) -> bool:
    """Tell whether two arrays have the same shape and, up to what is `tolerated`, the same numbers."""
    got, want = np.asarray(got), np.asarray(want)
    return got.shape == want.shape and np.allclose(got, want, 0, tolerated(want, tolerance), equal_nan=True)


def at_place(place: tuple) -> str:
    """Return `` at place [2, 3]`` for (2, 3), and nothing for a single number."""
    return f" at place {[*place]}" if place else ""


def written(number: float) -> str:
    """Return a number as text: whole ones in full, others with six digits."""
    return f"{number:.0f}" if float(number).is_integer() and abs(number) < 1e15 else f"{number:g}"


def difference(got, want, tolerance: float = 1e-6) -> str:
    """Return a text that names the first place where two arrays differ, and both numbers: "it returned 4 at …"."""
    if got.shape != want.shape:
        if not want.ndim:
            return f"it returned shape {got.shape} where one number, in no brackets, is right"
        alike = got.size == want.size and near(got.reshape(want.shape), want, tolerance)
        found = f"shape {got.shape} where" if got.ndim else "one number where shape"
        return f"it returned {found} {want.shape} is right{', with the right numbers' if alike else ''}"
    place = tuple(map(int, np.argwhere(~np.isclose(got, want, 0, tolerated(want, tolerance)))[0]))
    numbers = [float(array[place]) + 0.0 for array in (got, want)]  # no −0
    found, right = map(written, numbers)
    if float(found) == float(right):
        found, right = (f"{number:.12g}" for number in numbers)
    return f"it returned {found}{at_place(place)} where {right} is right"

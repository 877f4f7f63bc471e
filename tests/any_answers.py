"""Answers of any kind, as learners give them by accident: no exercise may raise, or say yes."""

from helpers.engine import keras, tf

import numpy as np
from exercise_tools import mutating


def raising(*_):
    raise KeyError("own code")


def endless(*given):
    return endless(*given)


VALUES = [
    *(None, ..., "", "?", "fox", "b?", 0, 3.5, np.nan, np.inf, 10**400, 1j, True, np.bool_(False)),
    *((), [], {}, [1, [2, 3]], (None, None), (None, None, None), ("a", "b"), ("a", "b", "c"), (np.nan, np.nan)),
    *(np.zeros(0), np.zeros(3), np.zeros((2, 2, 2)), np.array(["a", "b"]), np.array([None, 1], object)),
    *(object, object(), Exception("no"), range(3), {"zeros": [1, 2], "factor": "x", "zeros_predicting": {}}),
    {"mirror": {}, "shift by 5%": None, "other hue": 1, "turn by 180°": ()},
    {change: dict.fromkeys("abc", True) for change in ("mirror", "shift by 5%", "other hue", "turn by 180°")},
    {change: {"digits": "x", "critters": 1, "arrows": np.nan} for change in ("mirror", "shift by 5%", "other hue")},
]
FUNCTIONS = [
    *(lambda *given, value=value: value for value in VALUES),
    *(lambda *given: given, lambda *given: given[0], lambda *given: given[:2], lambda *given: [*given][::-1]),
    *(lambda: 1, lambda a: a, lambda a, b, c, d, e, f, g, h, i: a, raising, endless, mutating, str, len, np.mean),
    *(iter, sorted, keras.Sequential, lambda *given: (x for x in given), lambda *given: tf.constant([1, 2])),
]

"""Answers that do harm when they are looked at, called, compared or printed; none of them is ever right."""

import sys

from helpers.engine import keras, tf

import numpy as np


class Raising:
    """Whatever is done with it raises: with a RuntimeError as a tensor of PyTorch with a gradient does, or another."""

    def __init__(self, error):
        self.error = error

    def _raise(self, *_, **__):
        raise self.error

    __array__ = __float__ = __int__ = __index__ = __repr__ = __str__ = __eq__ = __bool__ = __len__ = __iter__ = _raise
    __getitem__ = __call__ = __contains__ = __add__ = __mul__ = __lt__ = __format__ = _raise
    __hash__ = None


class RaisesAttributes(Raising):
    def __getattr__(self, name):
        raise self.error


class Unwritable(Exception):
    def __str__(self):
        raise ValueError("no text")


def leave(*_):
    sys.exit("good-bye")


def loop(*_):
    while True:
        pass


def recursion(*given):
    return recursion(*given)


def interrupted(*_):
    raise KeyboardInterrupt


def unwritable(*_):
    raise Unwritable


def flood(*given):
    for _ in range(2_000):
        print("x" * 500)
    return given


def endless_generator(*_):
    while True:
        yield 1.0


async def later(*_):
    return 1.0


def destroy(*given):
    """Spoil all that is given, and return the first of it."""
    for value in given:
        if isinstance(value, np.ndarray) and value.size:
            value[...] = 0
        elif isinstance(value, list | dict):
            value.clear()
    return given[0]


def itself():
    inside = []
    inside.append(inside)
    return inside


FUNCTIONS = (leave, loop, recursion, interrupted, unwritable, flood, endless_generator, destroy)
HOSTILE = {
    **{function.__name__: function for function in FUNCTIONS},
    "raises RuntimeError": Raising(RuntimeError("use detach() first")),
    "raises SystemExit": Raising(SystemExit(1)),
    "raises for any attribute": RaisesAttributes(ZeroDivisionError()),
    "10 ** 400": 10**400,
    "10 ** 5000": 10**5000,
    "ragged": [[1.0, 2.0], [3.0]],
    "half filled": [[1, None, 0], [None, ..., "?"], [0, 0, 0]],
    "a list in itself": itself(),
    "unbuilt": keras.Sequential(),
    "layer": keras.layers.Dense(3),
    "long text": "x" * 10**6,
    "long list": [1.5] * 200_000,
    "NaN": np.full((3, 3), np.nan),
    "infinite": np.full((3, 3), -np.inf),
    "complex": np.eye(3) * 1j,
    "objects": np.array([[None, {}], [1, "a"]], object),
    "empty": np.zeros((0, 3)),
    "masked": np.ma.array(np.eye(3), mask=True),
    "True": True,
    "comma": "9,472",
    "dates": np.array(["2020-01-01"], "datetime64[D]"),
    "records": np.zeros(3, [("a", int), ("b", float)]),
    "ragged tensor": tf.ragged.constant([[1], [2, 3]]),
}


def shapes(thing, right):
    """Return a hostile thing in the shapes of answers: itself, returned by a function, as a part of a right one."""
    yield thing
    if not callable(thing) or isinstance(thing, Raising):
        yield lambda *_: thing
    if isinstance(right, dict):
        yield from ({**right, name: thing} for name in right)
    if isinstance(right, tuple):
        yield from ((*right[:place], thing, *right[place + 1 :]) for place in range(len(right)))

"""A learner's code, run so that nothing it does ends the lesson, goes on forever, or floods the page."""

import copy
import logging
import pickle
import random
import signal
import sys
import threading
import time
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from helpers.exercises.answers import Nothing, NotYet, Wrong, as_array, cut, for_case, is_stub

import numpy as np

SECONDS = 10
"""After so many seconds a learner's code is stopped, where the system can do that."""

ROOM = 2_000
"""So many characters of what it prints are shown."""


class Endless(BaseException):
    """Raised in code that ran too long: no Exception, which it might catch itself."""


class Raised(Wrong):
    """A learner's function raised something; the message says what."""


@contextmanager
def settings_kept():
    """Take back what a learner's code sets for all code.

    That is the state of random numbers, NumPy's errors, warnings, and settings of Keras and TensorFlow.
    """
    setters = []
    if "keras" in sys.modules:
        config = sys.modules["keras"].config
        names = ("floatx", "dtype_policy", "image_data_format")
        setters += [(getattr(config, name), getattr(config, f"set_{name}")) for name in names]
    if "tensorflow" in sys.modules:
        config = sys.modules["tensorflow"].config
        setters.append((config.functions_run_eagerly, config.run_functions_eagerly))
    before = [(read, write, read()) for read, write in setters]
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    with np.errstate(), warnings.catch_warnings():
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002
            for read, write, value in before:
                if read() != value:
                    write(value)


@contextmanager
def limited(patience: float = 1):
    """Raise `Endless` in what takes longer than ``patience`` times `SECONDS`, and show the beginning of what it prints.

    What sleeps, or gets less than half of a processor on a busy machine, has twice the time. Only the main thread can
    be stopped, only where there are alarms, so not on Windows, and only between two steps of Python, so not within
    TensorFlow. Elsewhere a line says how to interrupt.
    """
    seconds, shown = patience * SECONDS, sys.stdout
    alarms = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    began, worked = time.monotonic(), time.process_time()

    def stop(*_):
        if time.process_time() - worked > seconds / 2 or time.monotonic() - began > 2 * seconds:
            raise Endless(seconds)

    def say_how():
        print(
            f"This has been running for {time.monotonic() - began:.0f} seconds. Stop it in the menu Kernel: Interrupt "
            "Kernel; if that does nothing, Restart Kernel.",
            file=shown,
            flush=True,
        )

    note = threading.Timer(3 * seconds + 2 if alarms else seconds, say_how)
    note.daemon = True
    note.start()
    if alarms:
        before = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, seconds, 1)  # again each second: for more time, and code that catches it
    of_tensorflow = logging.getLogger("tensorflow")
    of_tensorflow.addFilter(_matters)
    try:
        with settings_kept(), redirect_stdout(_Beginning(sys.stdout)), redirect_stderr(_Beginning(sys.stderr)):
            warnings.filterwarnings("ignore", "The structure of `inputs`")  # of a judge's own images
            yield
    finally:
        of_tensorflow.removeFilter(_matters)
        if alarms:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
        note.cancel()


def _matters(record) -> bool:
    """Tell whether a learner can do something about a warning: not that judges ask many networks, one after another."""
    return "triggered tf.function retracing" not in record.getMessage()


class _Beginning:
    """A stream that hands on only the first characters of what is written."""

    def __init__(self, stream):
        self.stream, self.room = stream, ROOM

    def write(self, text):
        if self.room > 0:
            self.stream.write(text[: self.room])
            self.room -= len(text)
            if self.room <= 0:
                self.stream.write(" … (the rest of what it prints is left out)\n")
        return len(text)

    def close(self):
        """Do nothing: what comes after an answer is printed as well."""

    def __getattr__(self, name):
        return getattr(self.stream, name)


def expect_function(answer) -> None:
    """Raise NotYet for a stub, and Wrong for what is no function, though a layer or a network can be called, too."""
    if is_stub(answer):
        raise NotYet("define the function.")
    if not callable(answer) or hasattr(answer, "trainable"):
        raise Wrong("give the function itself, without parentheses.")


def call(answer, *given, where: str, returns: bool = True):
    """Return what a learner's function makes of the arguments ``given``, whatever that is.

    Raises NotYet and Wrong as `expect_function` does; `Nothing` for a function that returns nothing, if it should;
    `Raised` for an exception in it; and Wrong if it changed an array, a list or a dictionary that it was given. The
    last two messages end with ``where``.
    """
    expect_function(answer)
    unwritten = "write the body of the function"
    if returns:
        unwritten += ", with a return at its end; it returns nothing so far"
    before = _state(given)
    try:
        with np.errstate():  # what it sets there ends with it
            result = answer(*given)
    except NotImplementedError:
        raise NotYet(f"{unwritten}.") from None
    except Endless as endless:
        raise Wrong(
            f"your function had not come to its end after {endless.args[0]:g} seconds and was stopped, {where}. Is "
            "there a loop that never ends?"
        ) from None
    except KeyboardInterrupt:
        raise Wrong(f"your function was interrupted, {where}.") from None
    except BaseException as error:  # whatever it raises is an answer to the learner, not an end of the lesson
        raise Raised(f"your function raised {type(error).__name__}: {_said(error)}, {where}.") from error
    if _state(given) != before:
        raise Wrong(f"your function changed its input: copy it first, as in values = values.copy(), {where}.")
    if returns and is_stub(result):
        raise Nothing(f"{unwritten}.")
    return result


def helper_used(answer, case: tuple) -> str:
    """Return the name of the first helper of this project that ``answer(*case)`` calls, or "" if it calls none."""
    used, before = [], sys.getprofile()

    def note(frame, event, _):
        if event == "call" and str(frame.f_globals.get("__name__")).startswith("helpers."):
            used.append(frame.f_code.co_name)

    given = copy.deepcopy(case)
    sys.setprofile(note)
    try:
        answer(*given)
    finally:
        sys.setprofile(before)
    return used[0] if used else ""


def _said(error: BaseException) -> str:
    try:
        return cut(str(error), 500)
    except Exception:
        return "something that cannot be written"


def _state(given: tuple) -> list[bytes]:
    """Return what tells whether arrays, lists and dictionaries among some arguments were changed."""
    return [pickle.dumps(value) for value in given if isinstance(value, np.ndarray | list | tuple | dict)]


def call_answer(answer, case: tuple, finite: bool = True) -> np.ndarray:
    """Return ``answer(*case)`` as an array of numbers; raises as `call` and `as_array` do."""
    where = for_case(case)
    return as_array(call(answer, *copy.deepcopy(case), where=where), where=f", {where}", finite=finite)

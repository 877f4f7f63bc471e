"""A learner's code is stopped, cut short, or told what it did; and what cannot be stopped is told how."""

import logging
import random
import re
import signal
import sys
import threading
import time
import warnings

from helpers.engine import keras, tf
from helpers.exercises import Checks, running
from helpers.exercises.judges import Exercise, NotYet, Wrong, call, call_answer, function, near

import numpy as np
import pytest

IDENTITY = Exercise(function(lambda x: x, [(1,)]), "well done", ["think"])


@pytest.fixture
def quickly(monkeypatch):
    monkeypatch.setattr(running, "SECONDS", 0.2)


def loop(*_):
    while True:
        pass


def stubborn(*_):
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            continue


class Endless:
    def __array__(self, *_, **__):
        loop()


def test_helpers_that_an_answer_calls():
    def by_own_hand(x):
        return [number + 1 for number in x]

    before = sys.getprofile()
    assert running.helper_used(by_own_hand, ([1, 2],)) == ""
    assert running.helper_used(lambda x: near(x, x), ([1, 2],)) == "near"
    with pytest.raises(TypeError):
        running.helper_used(by_own_hand, (3,))
    assert sys.getprofile() is before


def test_what_closes_its_output_closes_no_page(said):
    def closes(x):
        sys.stdout.close()
        sys.stderr.close()
        return x

    Checks({1: IDENTITY})(1, closes)
    assert said() == "✓ yes: well done\n"


@pytest.mark.parametrize("answer", [loop, stubborn, lambda x: time.sleep(60)])
def test_an_endless_loop_is_stopped(answer, quickly, said):
    check = Checks({1: IDENTITY})
    check(1, answer)
    assert said() == (
        "✗ no: your function had not come to its end after 0.2 seconds and was stopped, for (1). Is there a loop that "
        "never ends?\n"
    )
    check(1, lambda x: x)
    assert said() == "✓ yes: well done\n"


def close_the_page(x):
    sys.stdout.close()
    sys.stderr.close()
    return x


def test_the_page_stays_open(said):
    Checks({1: IDENTITY})(1, close_the_page)
    assert said() == "✓ yes: well done\n"
    assert not sys.stdout.closed


def test_settings_of_numpy_end_with_the_function(said):
    before = np.geterr()
    Checks({1: IDENTITY})(1, lambda x: np.seterr(all="raise") and x)
    assert said() == "✓ yes: well done\n"
    assert np.geterr() == before


def test_what_never_ends_when_it_is_looked_at_is_stopped(quickly, said):
    Checks({1: IDENTITY})(1, lambda x: Endless())
    assert said().startswith("✗ no: your answer took too long and was stopped.")


def test_what_gets_little_of_a_processor_has_twice_the_time(monkeypatch):
    """On a busy machine, a right answer may take more than its seconds."""
    monkeypatch.setattr(running, "SECONDS", 1)
    with running.limited():
        time.sleep(1.5)
    with pytest.raises(running.Endless), running.limited():
        time.sleep(5)


def test_an_exercise_may_take_its_time(quickly, said):
    slow = Exercise(lambda answer: time.sleep(1.5), "well done", [])
    Checks({1: slow})(1, "b")
    assert said().startswith("✗ no: your answer took too long")
    Checks({1: Exercise(slow.judge, "well done", [], patience=10)})(1, "b")
    assert said().startswith("✓ yes")


def test_the_alarm_of_somebody_else_is_there_again():
    def mine(*_):
        pass

    before = signal.signal(signal.SIGALRM, mine)
    try:
        with running.limited():
            assert signal.getsignal(signal.SIGALRM) is not mine
        assert signal.getsignal(signal.SIGALRM) is mine
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_no_alarm_and_no_thread_is_left():
    before = {*threading.enumerate()}
    for _ in range(20):
        with pytest.raises(KeyError), running.limited():
            raise KeyError
    deadline = time.monotonic() + 10
    while {*threading.enumerate()} - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not {*threading.enumerate()} - before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_cannot_be_stopped_is_told_how(quickly, said, monkeypatch):
    """In another thread, on Windows, or within TensorFlow."""
    thread = threading.Thread(target=Checks({1: IDENTITY}), args=(1, lambda x: time.sleep(1) or x))
    thread.start()
    thread.join()
    text = (
        r"This has been running for \d seconds\. Stop it in the menu Kernel: Interrupt Kernel; if that does nothing, "
    )
    assert re.fullmatch(rf"{text}Restart Kernel\.\n✓ yes: well done\n", said())
    monkeypatch.delattr(signal, "setitimer")
    Checks({1: IDENTITY})(1, lambda x: time.sleep(1) or x)
    assert re.fullmatch(rf"{text}Restart Kernel\.\n✓ yes: well done\n", said())


def test_within_a_step_that_does_not_return_to_python_a_line_says_how(quickly, said, monkeypatch):
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)  # an alarm that nobody hears
    Checks({1: IDENTITY})(1, lambda x: time.sleep(3) or x)
    assert re.match(r"This has been running for \d seconds\. Stop it in the menu Kernel", said())


@pytest.mark.parametrize("stream", ["out", "err"])
def test_only_the_beginning_of_what_it_prints_is_shown(stream, capsys):
    def chatty(x):
        for number in range(10_000):
            print("line", number, file=getattr(sys, f"std{stream}"))
        return x

    Checks({1: IDENTITY})(1, chatty)
    captured = capsys.readouterr()
    text = getattr(captured, stream)
    assert text.startswith("line 0\nline 1\n")
    assert len(text) < running.ROOM + 200
    assert text.count("… (the rest of what it prints is left out)\n") == 1
    assert captured.out.endswith("✓ yes: well done\n")


def spoils(x):
    """Return what is right, and leave things behind that would stop the cells after it."""
    np.seterr(all="raise")
    warnings.simplefilter("error")
    sys.stdout.close()
    return x


def test_what_it_sets_for_all_ends_with_it(said):
    before = np.geterr(), warnings.filters[:]
    Checks({1: IDENTITY})(1, spoils)
    assert said() == "✓ yes: well done\n"
    assert (np.geterr(), warnings.filters[:]) == before


def test_a_little_that_it_prints_is_shown(said):
    Checks({1: IDENTITY})(1, lambda x: print("x is", x, flush=True) or x)
    assert said() == "x is 1\n✓ yes: well done\n"


class Unwritable(Exception):
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (SystemExit(), "your function raised SystemExit: , for (1)."),
        (GeneratorExit("x"), "your function raised GeneratorExit: x, for (1)."),
        (Unwritable(), "your function raised Unwritable: something that cannot be written, for (1)."),
        (KeyboardInterrupt(), "your function was interrupted, for (1)."),
        (ValueError("y" * 10**6), "your function raised ValueError: " + "y" * 500 + " …, for (1)."),
    ],
)
def test_whatever_it_raises_is_an_answer(error, message):
    def answer(x):
        raise error

    with pytest.raises(Wrong) as said:
        call(answer, 1, where="for (1)")
    assert str(said.value) == message


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (SystemExit(3), "✗ no: your answer cannot be read. It raised SystemExit: 3.\n"),
        (KeyboardInterrupt(), "✗ no: the check was interrupted.\n"),
        (Unwritable(), "✗ no: your answer cannot be read. It raised Unwritable: something of the type Unwritable.\n"),
        (RuntimeError("z" * 10**6), "✗ no: your answer cannot be read. It raised RuntimeError: " + "z" * 200 + " ….\n"),
    ],
)
def test_whatever_an_answer_raises_when_a_judge_looks_at_it(error, message, said):
    def judge(answer):
        raise error

    Checks({1: Exercise(judge, "", ["think"])})(1, "b")
    assert said() == message


def test_a_message_does_not_flood_the_page(said):
    def judge(answer):
        raise answer("w" * 10**6)

    for kind in (Wrong, NotYet):
        Checks({1: Exercise(judge, "", [])})(1, kind)
        assert 1000 < len(said()) < 1100


@pytest.mark.parametrize(
    "given", [[1, 2, 3], {"a": 1}, np.arange(3), np.array([1, np.nan]), [np.arange(3), [4]], {"a": [1]}]
)
def test_what_was_given_may_not_be_changed(given):
    def change(values):
        inner = values[0] if isinstance(values, list) else values.get("a") if isinstance(values, dict) else None
        values = inner if isinstance(inner, list | np.ndarray) else values
        values.clear() if isinstance(values, dict) else values.__setitem__(0, 7)
        return 1

    assert call(lambda values: 1, given, where="") == 1
    with pytest.raises(Wrong, match="your function changed its input: copy it first"):
        call(change, given, where="for it")


def test_an_answer_is_a_copy():
    """Else a function that fills one array of its own again and again would change its earlier answers."""
    kept = np.zeros(2)
    assert call_answer(lambda x: kept, (1,)) is not kept


def test_a_stream_that_an_answer_closes_stays_open(said):
    Checks({1: IDENTITY})(1, lambda x: [sys.stdout.close(), sys.stderr.close(), x][2])
    assert said() == "✓ yes: well done\n" and not sys.stdout.closed and not sys.stderr.closed


def test_what_an_answer_sets_for_all_code_is_taken_back(said):
    def answer(x):
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        np.seterr(all="raise")
        warnings.simplefilter("error")
        keras.mixed_precision.set_global_policy("mixed_float16")
        keras.config.set_image_data_format("channels_first")
        keras.config.set_floatx("float64")
        tf.config.run_functions_eagerly(True)
        return x

    def settings():
        config = keras.config
        of_keras = config.dtype_policy().name, config.image_data_format(), config.floatx()
        numbers = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
        return *of_keras, tf.config.functions_run_eagerly(), np.geterr(), [*warnings.filters], numbers

    before = settings()
    Checks({1: IDENTITY})(1, answer)
    assert said() == "✓ yes: well done\n" and settings() == before


def test_of_tensorflow_a_learner_hears_what_matters():
    logger = logging.getLogger("tensorflow")

    def heard(text):
        return bool(logger.filter(logger.makeRecord("tensorflow", logging.WARNING, "", 0, text, (), None)))

    retracing = "5 out of the last 5 calls triggered tf.function retracing."
    with running.limited():
        assert heard("something else") and not heard(retracing)
    assert heard(retracing)

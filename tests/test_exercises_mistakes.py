"""Each exercise knows its typical mistakes, and says of each what it is: of all lessons."""

from helpers import exercises, exercises_networks
from helpers.checks import load_checks
from helpers.exercises import IMAGES, LABELS, stand_in

import numpy as np
import pytest

EXERCISES = exercises.EXERCISES | exercises_networks.EXERCISES
ALL = [(lesson, number) for lesson in EXERCISES for number in EXERCISES[lesson]]
MISTAKES = [
    pytest.param(lesson, number, *mistake, id=f"{lesson}-{number}-{place}")
    for lesson, number in ALL
    for place, mistake in enumerate(EXERCISES[lesson][number].mistakes, start=1)
]


def test_no_lesson_is_left_out():
    assert len(ALL) >= 40
    assert len(MISTAKES) >= 6 * len(ALL)
    assert set(exercises.EXERCISES).isdisjoint(exercises_networks.EXERCISES)


@pytest.mark.parametrize(("lesson", "number"), ALL)
def test_every_exercise_knows_typical_mistakes(lesson, number):
    messages = {message for _, message in EXERCISES[lesson][number].mistakes}
    assert len(messages) >= 3
    assert all(len(message) > 10 and message[-1] in ".?)" for message in messages)


@pytest.mark.parametrize(("lesson", "number", "answer", "message"), MISTAKES)
def test_each_typical_mistake_gets_its_own_message(lesson, number, answer, message, capsys):
    hints = EXERCISES[lesson][number].hints
    load_checks(lesson)(number, answer)
    assert capsys.readouterr().out == f"✗ no: {message}\n  hint 1 of {len(hints)}: {hints[0]}\n"


@pytest.mark.parametrize("right", [0.0, 0.37, 1.0])
def test_a_stand_in_gets_right_what_it_should(right):
    network = stand_in(right, known=0.5, kinds="Flatten Dense", name="nobody")
    for images, share in ((IMAGES, right), (0 * IMAGES, 0.5)):
        answers = network.predict(images, verbose=0)
        assert answers.shape == (100, 10)
        np.testing.assert_array_equal(answers.sum(axis=1), 1)
        assert np.mean(answers.argmax(axis=1) == LABELS) == share
    assert [type(layer).__name__ for layer in network.layers] == ["Flatten", "Dense"]
    assert network.name == "nobody"

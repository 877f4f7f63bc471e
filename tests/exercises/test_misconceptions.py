"""Each typical mistake has a name that lasts: through new words, new neighbors, another order."""

from helpers.exercises import known_lessons, load_checks, misconceptions
from helpers.exercises.misconceptions import Misconception, name_of, plain, read, renewed, write

import pytest

EXERCISE = ("03", 3)
OLD = renewed((), {EXERCISE: ["it goes uphill. Step against it.", "the learning rate is not used.", "use 3 of them."]})


def names(messages, rows=OLD) -> dict[str, str]:
    """Return the names that messages get, where these rows were known; without what is gone."""
    return {row.message: row.name for row in renewed(rows, {EXERCISE: messages}) if not row.state}


def test_names_count_on():
    assert names([row.message for row in OLD]) == {
        "it goes uphill. Step against it.": "03.3.1",
        "the learning rate is not used.": "03.3.2",
        "use 3 of them.": "03.3.3",
    }
    assert all(row.exercise == EXERCISE for row in OLD)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (["use 4 of them.", "the learning rate is not used."], ["03.3.3", "03.3.2"]),
        (["that is a new one", "the learning rate is not used."], ["03.3.4", "03.3.2"]),
        (["the learning rate isn't used: multiply by it.", "it goes uphill: step against it."], ["03.3.2", "03.3.1"]),
        (["use 3 of them.", "use 5 of them."], ["03.3.3"]),  # differs in numbers only: one misconception
    ],
    ids=["another order, other numbers", "a new one before it", "other words", "twice"],
)
def test_names_last(messages, expected):
    assert [*names(messages).values()] == sorted(expected)
    found = names(messages)
    assert [found[message] for message in messages if message in found] == expected


def test_a_name_is_never_given_twice():
    first = renewed(OLD, {EXERCISE: []})
    assert [row.state for row in first] == ["gone"] * 3 and [row.name for row in first] == [row.name for row in OLD]
    assert names(["something else altogether"], first) == {"something else altogether": "03.3.4"}
    assert names(["it goes uphill. Step against it!"], first).popitem()[1] == "03.3.4"  # that one is gone for good
    assert names(["use 7 of them."], first) == {"use 7 of them.": "03.3.3"}  # unless the same words come back


def test_other_exercises_are_left_alone():
    both = renewed(OLD, {EXERCISE: [row.message for row in OLD], ("03", 4): ["it goes uphill."]})
    assert both[:3] == OLD and both[3:] == (Misconception("03.4.1", "", "it goes uphill."),)


def test_a_file_is_read_as_it_was_written():
    assert read(write(OLD)) == OLD
    for text in ("a,b\n1,2\n", "name,state,message\nfirst,,x\n"):
        with pytest.raises((TypeError, ValueError)):
            read(text)


@pytest.mark.parametrize("lesson", known_lessons())
def test_every_typical_mistake_has_its_name(lesson):
    """Else run `make teaching`, and commit what it writes."""
    for number, exercise in load_checks(lesson).exercises.items():
        found = {plain(message): name_of(lesson, number, message) for _, message in exercise.mistakes}
        assert all(name.startswith(f"{lesson}.{number}.") for name in found.values())
        assert len({*found.values()}) == len(found), "one name for two misconceptions"


def test_other_messages_have_none():
    assert name_of("03", 3, "your function raised ValueError: no") == name_of("99", 1, "x") == ""


@pytest.mark.parametrize("content", [None, "", "name,state,message\n1,2\n", "name,state,message\nx,,y\n"])
def test_without_the_file_answers_are_judged_all_the_same(tmp_path, monkeypatch, content):
    file = tmp_path / "names.csv"
    if content is not None:
        file.write_text(content)
    monkeypatch.setattr(misconceptions, "FILE", file)
    misconceptions.known.cache_clear()
    try:
        assert misconceptions.known() == ()
    finally:
        misconceptions.known.cache_clear()

"""Answers are read in any dress, and what cannot be read is told in one sentence."""

from fractions import Fraction

from helpers.engine import tf
from helpers.exercises.answers import (
    Wrong,
    as_array,
    as_letter,
    as_number,
    brief,
    cut,
    difference,
    in_short,
    near,
    tolerated,
)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays


class NoArray:
    """As a tensor of PyTorch with a gradient."""

    def __array__(self, *_, **__):
        raise RuntimeError("use detach() first")

    def __float__(self):
        raise RuntimeError("use detach() first")

    def __repr__(self):
        raise RuntimeError("not even that")


# --- texts ---


def test_what_cannot_be_written_is_named_by_its_type():
    assert in_short(NoArray()) == "something of the type NoArray"
    assert in_short(10**5000) == "something of the type int"
    assert in_short("a\nb") == r"'a\nb'"
    assert in_short("a\n\n  b", str) == "a b"
    assert in_short("x" * 10**6) == "'" + "x" * 199 + " …"


def test_cut():
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc …"


def test_brief_names_a_type_that_matters():
    assert brief(np.zeros((8, 8))) == "an array of shape (8, 8)"
    assert brief(np.zeros((8, 8), np.uint8)) == "an array of shape (8, 8) and type uint8"
    assert brief(NoArray) == in_short(NoArray)


# --- letters and numbers ---


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("[b]", "b"),
        ("“b”", "b"),
        (("b",), "b"),
        (("b", "c"), "b', 'c"),
        ("Option B)", "b"),
        ("Answer: B", "b"),
        (np.array("b"), "b"),
        (b"b", "b"),
        (3, "3"),
    ],
)
def test_letters(answer, letter):
    assert as_letter(answer) == letter


@pytest.mark.parametrize("value", [3, 3.0, "3", " 3 ", np.float32(3), np.array(3), tf.constant(3), Fraction(3)])
def test_numbers(value):
    assert as_number(value) == 3


@pytest.mark.parametrize(
    "value", [True, np.array(True), tf.constant(True), [3], np.array([3]), (3, 4), 3j, "3j", NoArray(), 10**400, {3}]
)
def test_no_numbers(value):
    with pytest.raises(Wrong, match=r"^size must be one number, but it is "):
        as_number(value, "size")


@pytest.mark.parametrize("text", ["9,472", "0,5", "1,2,3"])
def test_numbers_with_a_comma(text):
    with pytest.raises(Wrong, match=rf"^size must be one number without a comma, .* but it is '{text}'\.$"):
        as_number(text, "size")


@pytest.mark.parametrize("text", ["1/8", "90°", "12.5%", "112 px"])
def test_numbers_with_more_than_a_number(text):
    with pytest.raises(Wrong, match=rf"^size must be one number, but it is '{text}': write the number alone, such as "):
        as_number(text, "size")


# --- arrays ---


@pytest.mark.parametrize(
    "made", [[1, 2], (1, 2), np.array([1, 2], np.uint8), tf.constant([1, 2]), [Fraction(1), 2], [np.float32(1), 2.0]]
)
def test_arrays(made):
    np.testing.assert_array_equal(as_array(made), [1.0, 2.0])
    assert as_array(made).dtype == float


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (["1", "2"], "it is ['1', '2'], for (1)."),
        ([1j, 2], "it is [1j, 2], for (1)."),
        ([[1], [2, 3]], "it is [[1], [2, 3]], for (1)."),
        (np.ma.array([1, 2], mask=[True, False]), "(masked numbers are no numbers), for (1)."),
        (np.array(["2020-01-01"], "datetime64[D]"), "it is array(['2020-01-01']"),
        (NoArray(), "it is something of the type NoArray (use detach() first), for (1)."),
        ({1, 2}, "it is {1, 2}, for (1)."),
        ([1, 10**400], "it is [1, 1000000"),
        ((value for value in "ab"), ": make a list of it, or return all at once instead of yield, for (1)."),
        ([[1, np.nan], [2, 3]], "it is nan at place [0, 1], for (1)."),
        ([1, None], "it is [1, None], for (1)."),
        (np.broadcast_to(0.0, (10**4, 10**4)), "(100,000,000 numbers are too many), for (1)."),
        (None, "it is None, for (1)."),
        (-np.inf, "it is -inf, for (1)."),
    ],
)
def test_what_is_no_array_of_numbers(made, message):
    with pytest.raises(Wrong) as said:
        as_array(made, "it is", ", for (1)")
    assert str(said.value).startswith("it is ") and message in str(said.value)
    assert len(str(said.value)) < 300


def test_not_finite_numbers_may_be_let_through():
    np.testing.assert_array_equal(as_array([1, np.nan, np.inf], finite=False), [1, np.nan, np.inf])


# --- comparing ---

NUMBERS = st.floats(-1e4, 1e4)
ARRAYS = arrays.arrays(float, arrays.array_shapes(max_dims=3, max_side=5), elements=NUMBERS)


@pytest.mark.property
@given(ARRAYS, st.data(), st.sampled_from([1e-6, 1e-4, 1e-2]))
def test_a_change_of_ten_times_the_tolerance_at_one_place_is_seen(want, data, tolerance):
    place = data.draw(st.sampled_from([*np.ndindex(want.shape)]))
    change = data.draw(st.floats(10, 1e6)) * data.draw(st.sampled_from([-1, 1])) * tolerated(want, tolerance)
    got = want.copy()
    got[place] += change
    assert near(want.copy(), want, tolerance)
    assert not near(got, want, tolerance)
    assert difference(got, want, tolerance).startswith(
        f"it returned {got[place]:.6g} at place {[*map(int, place)]} where "
    )


@pytest.mark.property
@given(ARRAYS)
def test_single_precision_is_right(want):
    assert near(want.astype("float32"), want)


def test_whole_numbers_are_exact():
    """A number of weights beside millions of operations."""
    assert near(np.array([8768.0, 6_874_112.0]), np.array((8768, 6_874_112)))
    assert not near(np.array([8769.0, 6_874_112.0]), np.array((8768, 6_874_112)))
    assert near(np.array([True, False]), np.array([1.0, 0.0]))


def test_near_looks_at_the_shape():
    assert not near(np.zeros(1), np.zeros((1, 1)))
    assert not near(np.zeros(0), np.zeros(1))
    assert near(np.zeros((0, 3)), np.zeros((0, 3)))
    assert difference(np.zeros(2), np.zeros(3)) == "it returned shape (2,) where (3,) is right"
    assert difference(np.zeros(2), np.array(1.0)) == "it returned shape (2,) where one number, in no brackets, is right"
    assert difference(np.array(1.0), np.zeros((2, 3))) == "it returned one number where shape (2, 3) is right"
    assert difference(np.array(1.0), np.array(2.0)) == "it returned 1 where 2 is right"
    text = "it returned shape (1,) where one number, in no brackets, is right"
    assert difference(np.zeros(1), np.zeros(())) == text

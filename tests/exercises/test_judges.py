"""The machinery of exercises, seen as a learner sees it: by what it prints."""

import re

from helpers.exercises import Checks
from helpers.exercises.judges import Exercise, NotYet, Wrong, as_number, choice, choices, function, is_stub, numbers

import numpy as np
import pytest

PICK = Exercise(
    choice("b", {"a": "that is the stride", "c": "that is the padding"}),
    praise="the kernel has nine numbers",
    hints=["count them", "3 × 3"],
)


@pytest.fixture
def say(capsys):
    """Return a function that gives one answer to one exercise and returns what is printed."""

    def answer(judge_or_exercise, value, hints=()):
        exercise = judge_or_exercise
        if not isinstance(exercise, Exercise):
            exercise = Exercise(exercise, "well done", hints)
        assert Checks({1: exercise})(1, value) is None
        return capsys.readouterr().out

    return answer


# --- what is printed ---


def test_yes(say):
    assert say(PICK, "b") == "✓ yes: the kernel has nine numbers\n"


def test_not_yet_gives_no_hint(say):
    assert say(PICK, "?") == "… not yet: put one of the letters a, b, c between the quotes.\n"


def test_no_names_the_misconception_and_no_hint_follows(say):
    assert say(PICK, "a") == "✗ no: that is the stride\n"


def test_a_hint_comes_where_a_message_did_not_help_and_they_come_one_after_the_other(capsys):
    check = Checks({1: PICK, 2: PICK})
    for number, answer in [
        (1, "a"),
        (1, "?"),
        (1, "c"),
        (1, "a"),
        (2, "a"),
        (2, "a"),
        *[(1, "c")] * 2,
        (1, "b"),
        (1, "a"),
    ]:
        check(number, answer)
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [
        "✗ no: that is the stride",
        "… not yet: put one of the letters a, b, c between the quotes.",
        "✗ no: that is the padding",
        "✗ no: that is the stride",
        "hint 1 of 2: count them",
        "✗ no: that is the stride",
        "✗ no: that is the stride",
        "hint 1 of 2: count them",
        "✗ no: that is the padding",
        "hint 2 of 2: 3 × 3",
        "✗ no: that is the padding",
        "All hints are given. Think again, or open the solution below.",
        "✓ yes: the kernel has nine numbers",
        "✗ no: that is the stride",
        "All hints are given. Think again, or open the solution below.",
    ]


def test_a_hint_follows_at_once_where_the_message_says_little(say):
    assert say(COUNT, {"weights": 30, "places": 676}, ["up"]).endswith(
        "weights = 30 is too large.\n  hint 1 of 1: up\n"
    )
    assert "hint" not in say(COUNT, {"weights": 27, "places": 676}, ["up"])


def test_two_lessons_do_not_share_their_hints(say):
    assert say(COUNT, {"weights": 30, "places": 676}) == say(COUNT, {"weights": 30, "places": 676})


def test_exercise_without_hints(say):
    assert say(COUNT, {"weights": 30, "places": 676}).endswith(
        "All hints are given. Think again, or open the solution below.\n"
    )


@pytest.mark.parametrize("number", [0, 3, "1", None])
def test_unknown_number_names_the_known(number):
    with pytest.raises(ValueError, match=r"no exercise .* use one of \[1, 2\]"):
        Checks({1: PICK, 2: PICK})(number, "a")


# --- choices ---


@pytest.mark.parametrize("answer", ["b", "B", " B ", "b\n", "\tb", "b.", "b)", "(b)", "**b**", "'b'", "b:", "answer b"])
def test_choice_forgives_case_and_spaces(say, answer):
    assert say(PICK, answer).startswith("✓ yes")
    assert say(PICK, answer.replace("b", "a").replace("B", "A")).startswith("✗ no: that is the stride")


@pytest.mark.parametrize("answer", [["b"], ("B",), {"b"}, np.array(["b"]), np.str_("b"), b"b"])
def test_choice_takes_a_letter_out_of_its_box(say, answer):
    assert say(PICK, answer).startswith("✓ yes")


@pytest.mark.parametrize("answer", ["d", "ab", "b!", 2, ["b", "c"], b"\xff", np.array([1, 2]), object(), {}, 10**400])
def test_choice_asks_for_a_letter(say, answer):
    assert say(PICK, answer).startswith("… not yet: answer with one of the letters a, b, c.\n")


LOOPS = choices({"A": "a", "B": "b"}, {"A": {"b": "not that"}, "B": {"a": "nor that", "c": "never"}})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"A": "a", "B": "b"}, "✓ yes"),
        ({"A": " A", "B": "(b)", "C": 3}, "✓ yes"),
        ({"A": "b", "B": "b"}, "✗ no: A: not that"),
        ({"A": "a", "B": "c"}, "✗ no: B: never"),
        ({"A": "a", "B": "?"}, "… not yet: B: put one of the letters a, b, c"),
        ({"A": "?", "B": "?"}, "… not yet: A: put one of the letters a, b between"),
        ({"A": "c", "B": "b"}, "… not yet: A: answer with one of the letters a, b."),
        ({"A": "a"}, "… not yet: keep the dictionary with the names A, B."),
        ("?", "… not yet: keep the dictionary with the names A, B."),
        ("ab", "… not yet: keep the dictionary with the names A, B."),
    ],
)
def test_choices_judge_one_letter_after_the_other(say, answer, expected):
    assert say(LOOPS, answer).startswith(expected)


def test_choices_have_their_mistakes_with_them():
    assert LOOPS.mistakes == [
        ({"A": "b", "B": "b"}, "A: not that"),
        ({"A": "a", "B": "a"}, "B: nor that"),
        ({"A": "a", "B": "c"}, "B: never"),
    ]


@pytest.mark.parametrize("stub", [None, ..., "?", " ? ", "", "  "])
def test_stubs(say, stub):
    assert is_stub(stub)
    assert say(PICK, stub).startswith("… not yet: ")


@pytest.mark.parametrize("value", [0, False, "a", [], np.zeros(3), np.nan, "??", NotImplemented])
def test_not_stubs(value):
    assert is_stub(value) is False


# --- numbers ---

COUNT = numbers(
    {"weights": 28, "places": 676.0},
    {"weights": {9: "that is one channel", 27: "and the bias?"}, "places": {784: "the border?"}},
)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"weights": 28, "places": 676}, "✓ yes: well done"),
        ({"places": 676.0000001, "weights": "28"}, "✓ yes: well done"),
        ({"weights": np.int64(28), "places": np.float32(676), "more": None}, "✓ yes"),
        ({"weights": 27, "places": 676}, "✗ no: weights = 27: and the bias?"),
        ({"weights": 9.0, "places": 784}, "✗ no: weights = 9: that is one channel"),
        ({"weights": 28, "places": 784}, "✗ no: places = 784: the border?"),
        ({"weights": 30, "places": 676}, "✗ no: weights = 30 is too large."),
        ({"weights": -1, "places": 676}, "✗ no: weights = -1 is too small."),
        ({"weights": float("inf"), "places": 676}, "✗ no: weights = inf is too large."),
        ({"weights": float("nan"), "places": 676}, "✗ no: weights must be one number, but it is nan."),
        ({"weights": True, "places": 676}, "✗ no: weights must be one number, but it is True."),
        ({"weights": np.bool_(True), "places": 676}, "✗ no: weights must be one number, but it is np.True_."),
        ({"weights": np.ma.masked, "places": 676}, "✗ no: weights must be one number"),
        ({"weights": np.complex64(28), "places": 676}, "✗ no: weights must be one number"),
        ({"weights": 28, "places": "0,676"}, "✗ no: places must be one number without a comma, such as 1234 or 0.5"),
        (
            {"weights": "many", "places": 676},
            "✗ no: weights must be one number, but it is 'many': write the number alone",
        ),
        ({"weights": 28.00004, "places": 676}, "✗ no: weights = 28.00004 is too large."),
        ({"weights": 28, "places": 676.001}, "✗ no: places = 676.001 is too large."),
        ({"weights": [28], "places": 676}, "✗ no: weights must be one number"),
        ({"weights": 28j, "places": 676}, "✗ no: weights must be one number"),
        ({"weights": np.array([1, 2]), "places": 676}, "✗ no: weights must be one number"),
        ({"weights": None, "places": 676}, "… not yet: fill in weights."),
        ({"weights": 1, "places": ...}, "… not yet: fill in places."),
        ({"weights": "?", "places": None}, "… not yet: fill in weights, places."),
        ({"weights": 28}, "… not yet: keep the dictionary with the names weights, places."),
        ([28, 676], "… not yet: keep the dictionary with the names weights, places."),
        (28, "… not yet: keep the dictionary with the names weights, places."),
    ],
)
def test_numbers(say, answer, expected):
    assert say(COUNT, answer).startswith(expected)


def test_tolerance_of_numbers(say):
    coarse = numbers({"share": 0.5}, tolerance=0.01)
    assert say(coarse, {"share": 0.505}).startswith("✓")
    assert say(coarse, {"share": 0.53}).startswith("✗ no: share = 0.53 is too large")


def test_each_number_may_be_rounded_by_a_tolerance_of_its_own(say):
    mixed = numbers({"count": 1000, "share": 0.573}, {"share": {0.427: "the rest."}}, rounded={"share": 0.01})
    assert say(mixed, {"count": 1000, "share": 0.57}).startswith("✓")
    assert say(mixed, {"count": 1001, "share": 0.573}).startswith("✗ no: count = 1001 is too large")
    assert say(mixed, {"count": 1000, "share": 0.58}).startswith("✗ no: share = 0.58 is too large")
    assert say(mixed, {"count": 1000, "share": 0.43}).startswith("✗ no: share = 0.43: the rest.")


def test_as_number():
    assert as_number("1e3") == 1000
    assert as_number(np.float32(0.5)) == 0.5
    for bad in ("1/9", None, [1], "nan"):
        with pytest.raises(Wrong, match="the answer must be one number"):
            as_number(bad)


# --- functions ---


def scaled_sum(image, factor):
    return np.asarray(image).sum(axis=0) * factor


def plain_sum(image, factor):
    return np.asarray(image).sum(axis=0)


SUM_CASES = [(np.arange(6.0).reshape(2, 3), 1), (np.arange(6.0).reshape(2, 3), 2), (np.ones((30, 4)), 0.5)]
SUM = function(
    scaled_sum,
    SUM_CASES,
    wrong=[(plain_sum, "you forgot the factor"), (lambda image, factor: np.sum(image) * factor, "sum along one axis")],
)


@pytest.mark.parametrize(
    "answer",
    [
        scaled_sum,
        lambda image, factor: [sum(column) * factor for column in image.T],
        lambda image, factor: scaled_sum(image, factor).astype("float32"),
        lambda image, factor: scaled_sum(image, factor) + 1e-9,
        lambda *arguments: tuple(scaled_sum(*arguments)),
    ],
)
def test_right_functions(say, answer):
    assert say(SUM, answer).startswith("✓ yes")


def in_place(image, factor):
    image *= factor
    return image.sum(axis=0)


def spoil(image, factor):
    image[:] = 0
    return image.sum(axis=0)


def shrink(image, factor):
    result = scaled_sum(image, factor)
    image.resize((1, 1), refcheck=False)
    return result


@pytest.mark.parametrize("answer", [in_place, spoil, shrink])
def test_a_function_that_changes_its_input_is_told_and_spoils_no_other(say, answer):
    for _ in range(2):
        assert say(SUM, answer).startswith(
            "✗ no: your function changed its input: copy it first, as in values = values"
        )
    assert say(SUM, scaled_sum).startswith("✓ yes")


def test_lists_are_inputs_as_well(say):
    total = function(lambda values: sum(values), [([1, 2, 3],)])
    assert say(total, lambda values: sum(values.pop() for _ in range(3))).startswith("✗ no: your function changed its")
    assert say(total, lambda values: sum(values.copy().pop(place) for place in range(3))).startswith("✓ yes")


def test_known_mistakes_are_named(say):
    assert say(SUM, lambda image, factor: image.sum(axis=0)).startswith("✗ no: you forgot the factor\n")
    assert say(SUM, lambda image, factor: image.sum() * factor).startswith("✗ no: sum along one axis\n")


def test_mistake_in_one_case_only_is_no_known_mistake(say):
    def other(image, factor):
        return plain_sum(image, factor) if factor == 2 else scaled_sum(image, factor) + 1

    text = say(SUM, other)
    assert text.startswith(
        "✗ no: for ([[0., 1., 2.], [3., 4., 5.]], 1) it returned 4 at place [0] where 3 is right, "
        "so [4., 6., 8.] instead of [3., 5., 7.].\n"
    )


def test_a_wrong_function_that_raises_is_like_an_answer_that_raises_there(say):
    def first_two(image, factor):
        return np.array([image[0, 0] + image[1, 0], image[0, 1] + image[1, 1], *(image[:2].sum(axis=0)[2:3])]) * factor

    def fails_later(image, factor):
        return first_two(image, factor) if len(image) == 2 else 1 / 0

    judge = function(scaled_sum, SUM_CASES, [(fails_later, "it has two rows only in the first case.")])
    assert say(judge, fails_later).startswith("✗ no: it has two rows")
    assert say(judge, lambda image, factor: first_two(image, factor) if len(image) == 2 else [][1]).startswith(
        "✗ no: it has"
    )
    assert say(judge, fails).startswith("✗ no: your function raised KeyError")


def test_the_failing_case_is_shown(say):
    text = say(SUM, lambda image, factor: np.zeros(4) if len(image) > 2 else scaled_sum(image, factor))
    assert (
        "for (an array of shape (30, 4), 0.5) it returned 0 at place [0] where 15 is right, so [0., 0., 0., 0.]" in text
    )


def test_the_first_place_that_differs_is_named_with_both_numbers(say):
    def nearly(x):
        found = x.copy()
        found[3, 4:] += 1e-4
        return found

    text = say(function(lambda x: x, [(np.zeros((5, 6)),)]), nearly)
    assert text.startswith(
        "✗ no: for (an array of shape (5, 6)) it returned 0.0001 at place [3, 4] where 0 is right.\n"
    )
    text = say(function(lambda x: x, [(1e6 + np.arange(30),)], tolerance=1e-9), lambda x: x + 0.01)
    assert "it returned 1000000.01 at place [0] where 1000000 is right." in text


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        (lambda image, factor: 3.0, "one number where shape (3,) is right, so "),
        (lambda image, factor: scaled_sum(image, factor)[None], "shape (1, 3) where (3,) is right, with the right"),
        (lambda image, factor: scaled_sum(image, factor)[:-1], "shape (2,) where (3,) is right, so "),
        (lambda image, factor: [], "shape (0,) where (3,) is right, so "),
    ],
)
def test_wrong_shape(say, answer, got):
    assert f"it returned {got}" in say(SUM, answer)


def test_number_is_shown_as_a_number(say):
    text = say(function(lambda x: x + 1, [(1,), (2.5,)]), lambda x: x)
    assert text.startswith("✗ no: for (1) it returned 1 where 2 is right.")


@pytest.mark.parametrize(
    "answer", [lambda *_: "3", lambda *_: ["3", "5", "7"], lambda *_: "abc", lambda *_: {}, lambda *_: [[1], [2, 3]]]
)
def test_result_that_is_not_numbers(say, answer):
    assert say(SUM, answer).startswith("✗ no: your function must return numbers, but it returned ")


def test_string_that_reads_as_the_right_number_is_not_right(say):
    assert say(function(lambda x: x, [(3,)]), str).startswith("✗ no: your function must return numbers")


def test_nan_is_wrong(say):
    said = say(SUM, lambda image, factor: scaled_sum(image, factor) + np.array([0, np.nan, np.inf]))
    assert said.startswith("✗ no: your function must return numbers, but it returned nan at place [1], for ([[0., 1.")


def test_a_mistake_may_give_nan(say):
    judge = function(
        lambda x: x, [(np.arange(3.0),)], [(lambda x: np.where(x < 1, np.nan, x), "the first one is missing.")]
    )
    assert say(judge, lambda x: [np.nan, 1, 2]).startswith("✗ no: the first one is missing.")


def fails(*_):
    raise KeyError("kernel")


def endless(*arguments):
    return endless(*arguments)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (fails, "your function raised KeyError: 'kernel', for ([[0., 1., 2.], [3., 4., 5.]], 1)."),
        (lambda image, factor: image[9], "your function raised IndexError: index 9 is out of bounds"),
        (lambda image, factor: 1 / 0, "your function raised ZeroDivisionError: division by zero"),
        (lambda: 3, "your function raised TypeError: "),
        (endless, "your function raised RecursionError: "),
    ],
)
def test_exception_in_the_learners_code(say, answer, message):
    assert say(SUM, answer, hints=["try again"]).startswith(f"✗ no: {message}")
    assert "hint" not in say(SUM, answer, hints=["try again"])


def not_implemented(image, factor):
    raise NotImplementedError


@pytest.mark.parametrize("answer", [lambda *_: None, lambda *_: ..., lambda *_: "?", not_implemented])
def test_function_that_is_not_written_yet(say, answer):
    said = "… not yet: write the body of the function, with a return at its end; it returns nothing so far.\n"
    assert say(SUM, answer) == said


def test_function_that_returns_nothing_in_some_cases(say):
    text = say(SUM, lambda image, factor: scaled_sum(image, factor) if factor == 1 else None)
    assert text.startswith(
        "✗ no: for ([[0., 1., 2.], [3., 4., 5.]], 2) your function returns nothing, and else it does."
    )
    judge = function(lambda x: x, [(1,), (2,)], [(lambda x: x if x > 1 else None, "one has to be returned, too.")])
    assert say(judge, lambda x: [None, None, 2][x]).startswith("✗ no: one has to be returned, too.")


@pytest.mark.parametrize("answer", [None, ..., "?"])
def test_function_that_is_not_there_yet(say, answer):
    assert say(SUM, answer) == "… not yet: define the function.\n"


class Layer:
    """Something with the face of a layer or a network of Keras, which can be called as well."""

    trainable = True

    def __call__(self, *given):
        return scaled_sum(*given)


@pytest.mark.parametrize("answer", [3, "def f", np.zeros(3), Layer()])
def test_not_a_function(say, answer):
    assert re.match(r"✗ no: give the function itself, without parentheses\.\n", say(SUM, answer), re.DOTALL)


def test_judges_of_ones_own(say):
    def judge(answer):
        if answer is None:
            raise NotYet("draw it.")
        if answer < 0:
            raise Wrong("below zero.")

    assert say(judge, None) == "… not yet: draw it.\n"
    assert say(judge, -1, ["up"]) == "✗ no: below zero.\n"
    assert say(judge, 1) == "✓ yes: well done\n"


def test_solution_is_judged_without_giving_it_away(capsys):
    check = Checks({1: PICK})
    check.solution(1, "b")
    assert capsys.readouterr().out == "✓ yes: this solution passes the check.\n"
    check.solution(1, "a")
    assert capsys.readouterr().out.startswith("✗ no: ")


# --- typical mistakes ---


def test_judges_bring_their_mistakes_with_the_whole_message():
    assert PICK.mistakes == (("a", "that is the stride"), ("c", "that is the padding"))
    count = Exercise(COUNT, "well done", [])
    assert count.mistakes == (
        ({"weights": 9, "places": 676.0}, "weights = 9: that is one channel"),
        ({"weights": 27, "places": 676.0}, "weights = 27: and the bias?"),
        ({"weights": 28, "places": 784}, "places = 784: the border?"),
    )
    assert [message for _, message in Exercise(SUM, "", []).mistakes] == ["you forgot the factor", "sum along one axis"]
    assert Exercise(numbers({"share": 0.5}), "", []).mistakes == ()


def test_mistakes_that_are_given_come_after_those_of_the_judge():
    more = Exercise(choice("a", {"b": "no"}), "", [], [("?", "not filled in")])
    assert more.mistakes == (("b", "no"), ("?", "not filled in"))
    assert Exercise(lambda answer: None, "", [], [(0, "zero")]).mistakes == ((0, "zero"),)


def test_the_oracle_of_a_function_is_asked_once_for_each_case(say):
    asked = []
    judge = function(lambda x: asked.append(x) or 2 * x, [(1,), (2,)])
    for _ in range(3):
        assert say(judge, lambda x: 2 * x).startswith("✓ yes")
        assert say(judge, lambda x: x).startswith("✗ no")
    assert asked == [1, 2]

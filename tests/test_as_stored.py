"""The list of lessons, and what its `as_stored` does in each of them: which asserts count when a parameter changes."""

import ast
import math
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace

from helpers.lessons import LESSONS, as_stored, find_lesson

import nbformat
import pandas as pd
import pytest

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def trial(accuracy):
    return SimpleNamespace(row={"val_accuracy": accuracy, "test_accuracy": accuracy})


def products(largest):
    return pd.DataFrame({"forward": [2, *[1] * 7]}, index=[largest, *"abcdefg"])


CHOSEN = {
    "03": (
        "head-claims",
        {
            "with_average": SimpleNamespace(output_shape=(None, 10)),
            "dataset": SimpleNamespace(class_names=[*"0123456789"]),
        },
        {
            "with_average": SimpleNamespace(output_shape=(None, 10)),
            "dataset": SimpleNamespace(class_names=["cat", "dog"]),
        },
    ),
    "03b": (
        "final-claims",
        {"accuracy": {"dense": 0.93, "CNN": 0.98}, "gain": 0.05, "half": 0.01},
        {"accuracy": {"dense": 0.93, "CNN": 0.98}, "gain": 0.05, "half": 0.06},
    ),
    "04": (
        "sure-claims",
        {"early": 0.5, "late": 0.7, "sure_and_wrong": 0.8},
        {"early": 0.5, "late": 0.7, "sure_and_wrong": 0.4},
    ),
    "05": (
        "tta-claims",
        {"mean": pd.Series({"one prediction": 0.50, "ten versions": 0.52})},
        {"mean": pd.Series({"one prediction": 0.52, "ten versions": 0.52})},
    ),
    "06": ("accuracy-claims", {"accuracy": 0.95}, {"accuracy": 0.94}),
    "07": ("batched-claims", {"single": 2.0, "batched": 0.1}, {"single": 1.0, "batched": 0.1}),
    "08": ("way3-claims", {"accuracy": 0.66}, {"accuracy": 0.65}),
    "09": (
        "shake-claims",
        {"changes": {"plain, 44 layers": 0.9, "residual, 44 layers": 0.2}},
        {"changes": {"plain, 44 layers": 0.9, "residual, 44 layers": 0.4}},
    ),
    "10": ("mean-loss-claims", {"math": math, "first_loss": 2.5}, {"math": math, "first_loss": 3.5}),
    "10b": ("live-claims", {"reached": 0.95}, {"reached": 0.85}),
    "11": (
        "race-claims",
        {"old": trial(0.4), "new": trial(0.98)},
        {"old": trial(0.9), "new": trial(0.98)},
    ),
    "11b": ("operations-claims", {"products": products("conv2d")}, {"products": products("dense")}),
}
"""For each lesson with parameters one folded test, made-up values that keep its bounds, and others that break one."""

WITH_PARAMETERS = [lesson for lesson in LESSONS if lesson.parameters]
WITHOUT = [lesson for lesson in LESSONS if not lesson.parameters]
OTHER = {"DATASET": "mnist", "RULE": "SGD", "SEED": 1, "SEEDS": (3, 4, 5)}


def cells_of(lesson) -> dict:
    """Return the code cells of a lesson by their ids."""
    notebook = nbformat.read(NOTEBOOKS / f"{lesson.stem}.ipynb", as_version=4)
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def parameters_of(lesson) -> dict:
    """Return all parameters of a lesson as its notebook sets them, seeds as well."""
    values = {}
    exec(cells_of(lesson)["parameters"].source, values)
    return {name: value for name, value in values.items() if name.isupper()}


CHANGES = [(lesson.id, name) for lesson in WITH_PARAMETERS for name in parameters_of(lesson)]


def run_folded_test(lesson, values: dict, **changed) -> None:
    """Run of a lesson its parameters, what papermill would put after them, `as_stored = …`, and one folded test."""
    cells = cells_of(lesson)
    line = re.search(r"^as_stored = .*", cells["imports"].source, re.MULTILINE)[0]
    for source in (
        cells["parameters"].source,
        "\n".join(f"{name} = {value!r}" for name, value in changed.items()),
        f"from helpers import lessons\n{line}",
        cells[CHOSEN[lesson.id][0]].source,
    ):
        exec(source, values)


def test_each_lesson_with_parameters_is_tried():
    assert [lesson.id for lesson in WITH_PARAMETERS] == list(CHOSEN)
    assert len(CHANGES) >= 2 * len(CHOSEN)  # the dataset and a seed at least


@pytest.mark.parametrize("lesson", WITH_PARAMETERS, ids=lambda lesson: lesson.id)
def test_as_stored_all_bounds_count(lesson):
    """The folded test passes with values that keep its bounds: it is the broken one that makes it fail."""
    _, kept, broken = CHOSEN[lesson.id]
    run_folded_test(lesson, dict(kept))
    with pytest.raises(AssertionError):
        run_folded_test(lesson, dict(broken))


@pytest.mark.parametrize(("lesson_id", "name"), CHANGES)
def test_a_bound_rests_where_a_parameter_changes_but_for_seeds(lesson_id, name):
    lesson = find_lesson(lesson_id)
    stored = parameters_of(lesson)[name]
    other = OTHER[name] if name in OTHER else stored + 1
    assert other != stored
    broken = dict(CHOSEN[lesson_id][2])
    if name in ("SEED", "SEEDS"):
        with pytest.raises(AssertionError):
            run_folded_test(lesson, broken, **{name: other})
    else:
        run_folded_test(lesson, broken, **{name: other})


def conditions(source: str) -> int:
    return sum(isinstance(node, ast.If) for node in ast.parse(source).body)


@pytest.mark.parametrize("lesson", WITH_PARAMETERS, ids=lambda lesson: lesson.id)
def test_the_chosen_test_is_one_of_many_with_the_same_condition(lesson):
    """That each folded test asks `if as_stored:` and nothing else is a house rule; so one of them stands for all."""
    folded = {name: cell for name, cell in cells_of(lesson).items() if "claims" in cell.metadata.get("tags", [])}
    asking = [name for name, cell in folded.items() if conditions(cell.source)]
    assert CHOSEN[lesson.id][0] in asking and len(asking) >= 3


# --- the list ---


def test_a_lesson_is_found_by_its_id():
    assert find_lesson("07").title == "Grad-CAM"
    assert [find_lesson(lesson.id) for lesson in LESSONS] == list(LESSONS)
    assert len({lesson.id for lesson in LESSONS}) == len(LESSONS)


@pytest.mark.parametrize("lesson_id", ["7", "99", "", 7, None, "07 "])
def test_an_unknown_lesson_is_refused(lesson_id):
    for ask in (find_lesson, as_stored):
        with pytest.raises(ValueError, match=r"There is no lesson .*: use one of 00, 01, 02"):
            ask(lesson_id)


def test_a_lesson_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        find_lesson("07").title = "Other"


def test_ids_are_in_order_and_may_have_a_letter():
    ids = [lesson.id for lesson in LESSONS]
    assert ids == sorted(ids) and all(re.fullmatch(r"\d\d[a-z]?", lesson_id) for lesson_id in ids)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"DATASET": "critters", "IMAGES_PER_CLASS": 20, "EPOCHS": 8}, True),
        ({"DATASET": "critters", "IMAGES_PER_CLASS": 20.0, "EPOCHS": 8.0}, True),
        ({"DATASET": "critters", "IMAGES_PER_CLASS": 20, "EPOCHS": 9}, False),
        ({"DATASET": "critters", "IMAGES_PER_CLASS": 10, "EPOCHS": 8}, False),
        ({"DATASET": "Critters", "IMAGES_PER_CLASS": 20, "EPOCHS": 8}, False),
        ({"DATASET": Path("critters"), "IMAGES_PER_CLASS": 20, "EPOCHS": 8}, False),
        ({"DATASET": Path("my") / "photos", "IMAGES_PER_CLASS": 20, "EPOCHS": 8}, False),
        ({"DATASET": ["critters"], "IMAGES_PER_CLASS": 20, "EPOCHS": 8}, False),
    ],
)
def test_values_are_compared(parameters, expected):
    assert as_stored("08", **parameters) is expected


@pytest.mark.parametrize("lesson", WITHOUT, ids=lambda lesson: lesson.id)
def test_a_lesson_without_parameters_is_as_stored(lesson):
    assert as_stored(lesson.id) is True


def test_a_list_is_as_stored_where_a_tuple_is(monkeypatch):
    """Papermill writes tuples as lists."""
    monkeypatch.setitem(find_lesson("06").parameters, "SIZES", (32, 64))
    assert as_stored("06", DATASET="critters", SIZES=[32, 64])
    assert not as_stored("06", DATASET="critters", SIZES=[32])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"DATASET": "critters"}, "are: DATASET, EPOCHS; EPOCHS is missing."),
        ({}, "DATASET is missing, EPOCHS is missing."),
        (
            {"DATASET": "critters", "EPOCHS": 14, "SEED": 0},
            "but for seeds, are: DATASET, EPOCHS; SEED is none of them.",
        ),
        ({"DATASET": "critters", "EPOCH": 14}, "EPOCHS is missing, EPOCH is none of them."),
        *(
            (
                {"DATASET": "critters", "EPOCHS": value},
                f"EPOCHS is {value!r}: give a whole number from 1 on, such as 14.",
            )
            for value in (0, -1, 1.5, "3", None, True, (14,), float("nan"), float("inf"))
        ),
    ],
)
def test_a_missing_or_unknown_parameter_is_named(parameters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        as_stored("04", **parameters)


def test_the_list_needs_the_standard_library_only():
    code = "import sys; import helpers.lessons; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "tensorflow", "keras", "matplotlib"} & set(done.stdout.split())

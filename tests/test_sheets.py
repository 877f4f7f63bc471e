"""The cheat sheet and the page of common errors say what the code really does."""

import re
from pathlib import Path

from helpers.convolution import output_size
from helpers.engine import keras

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
SHEET = (DOCS / "cheat_sheet.md").read_text(encoding="utf-8")
ERRORS = (DOCS / "common_errors.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """Return the rows of the table below a heading of the cheat sheet, without its head."""
    section = SHEET.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ]
    assert len(rows) > 4, heading
    return rows[2:]


def shape(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(" × "))


@pytest.mark.parametrize("row", table("Size along one axis"), ids=" ".join)
def test_sizes(row):
    size, kernel, padding, stride, dilation, places = map(int, row)
    assert output_size(size, kernel, padding, stride, dilation) == places
    wide = dilation * (kernel - 1) + 1
    assert (size - wide + 2 * padding) // stride + 1 == places


@pytest.mark.parametrize("row", table("Layers"), ids=lambda row: row[0])
def test_layers(row):
    code, before, after, parameters, formula = row
    layer = eval(f"keras.layers.{code.strip('`')}")
    model = keras.Sequential([keras.Input(shape(before)), layer])
    assert model.output_shape[1:] == shape(after)
    assert f"{model.count_params():,}" == parameters
    assert eval(formula.replace("·", "*")) == model.count_params()


@pytest.mark.parametrize("row", table("Last layer, labels, loss"), ids=lambda row: row[0])
def test_losses(row):
    _, last, labels, loss = (text.strip("`") for text in row)
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), eval(f"keras.layers.{last}")])
    model.compile("adam", eval(loss))
    size = eval(labels, {"N": 4})
    history = model.fit(np.zeros((4, 8, 8, 1)), np.eye(*size) if len(size) == 2 else np.arange(4), verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_the_loss_of_chance():
    first = table("When training fails")[0][0]
    assert first == f"the loss stays at {np.log(10):.2f} with 10 classes ({np.log(2):.2f} with 2)"


# --- errors ---

PARTS = [tuple(part.split("\n", 1)) for part in ERRORS.split("\n### ")[1:]]


def code_of(text: str) -> list[str]:
    return re.findall(r"```python\n(.+?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def begin() -> dict:
    names: dict = {}
    exec(code_of(ERRORS)[0], names)
    return names


def test_all_errors_are_read():
    assert len(PARTS) >= 15
    assert all(len(code_of(text)) == 2 and len(text) > 60 for _, text in PARTS)


@pytest.mark.parametrize(("said", "text"), PARTS, ids=[said for said, _ in PARTS])
def test_each_error_says_what_stands_there_and_has_its_cure(said, text, begin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong, right = code_of(text)
    with pytest.raises(Exception) as caught:
        exec(wrong, {**begin})
    message = f"{caught.typename}: {caught.value}"
    assert said in message
    exec(right, {**begin})

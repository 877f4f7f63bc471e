"""scripts/rerun_claims.py: another seed goes into the lesson, what breaks is named, verdicts are told apart."""

import importlib.util
import sys
from pathlib import Path

from helpers.datasets import base
from helpers.datasets.measured import COLUMNS, add_rows

import nbformat
import pandas as pd
import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
sys.path.append(str(SCRIPTS))  # it imports another one
spec = importlib.util.spec_from_file_location("rerun_claims", SCRIPTS / "rerun_claims.py")
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)
sys.path.remove(str(SCRIPTS))


def notebook(*sources: str, tags=("parameters",)):
    """Return a notebook of code cells, the first of which has the tags."""
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{k}") for k, source in enumerate(sources)]
    cells[0].metadata["tags"] = list(tags)
    return nbformat.v4.new_notebook(cells=cells)


def test_another_seed():
    lesson = notebook('DATASET = "digits"\nSEED = 0\nEPOCHS = 8', "SEED = 0")
    assert script.with_seed(lesson, 7)
    assert [cell.source for cell in lesson.cells] == ['DATASET = "digits"\nSEED = 7\nEPOCHS = 8', "SEED = 0"]
    assert not script.with_seed(notebook("SEEDS = 3"), 7) and not script.with_seed(notebook("SEED = 0", tags=()), 7)


def test_what_breaks_is_named_and_the_rest_goes_on(tmp_path):
    path = tmp_path / "lesson.ipynb"
    nbformat.write(notebook("SEED = 0", "accuracy = 0.9 - SEED / 10", "assert accuracy > 0.8", "print(accuracy)"), path)
    assert script.run_lesson(path, 0) == []
    [line] = script.run_lesson(path, 3)
    assert line == "cell-2: assert accuracy > 0.8  [AssertionError]"
    nbformat.write(notebook("SEEDS = 0"), path)
    assert script.run_lesson(path, 3) is None


def table(differences) -> pd.DataFrame:
    """Return a table in which a less b is so in each pair."""
    rows = [("race", case, "x", 0, k, k + d * (case == "a")) for k, d in enumerate(differences) for case in "ab"]
    return pd.DataFrame(rows, columns=COLUMNS)


MORE, LESS, NONE = (1.0, 1.1, 0.9), (-1.0, -1.1, -0.9), (1.0, -1.0, 0.1)


@pytest.mark.parametrize(
    ("stored", "other", "word"),
    [
        (MORE, MORE, "same"), (LESS, LESS, "same"), (NONE, NONE, "none in both"), (MORE, LESS, "TURNED"),
        (LESS, MORE, "TURNED"), (MORE, NONE, "LOST"), (LESS, NONE, "LOST"), (NONE, LESS, "new"),
    ],
)  # fmt: skip
def test_verdicts(stored, other, word):
    [(said, line)] = script.compare(table(stored), table(other), [("race", "x", "a", "b")])
    assert said == word and line.startswith("race, x: a less b: ") and ", now " in line


def test_what_cannot_be_compared():
    [(said, line)] = script.compare(table(MORE), table(MORE), [("race", "x", "a", "c")])
    assert said == "MISSING" and "'c'" in line


def test_tables_are_made_with_other_seeds_and_counted(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(base, "DATA", tmp_path)
    source = "from helpers.datasets.measured import make\n"
    source += 'EXPERIMENTS = {"race": lambda seed: {("a", "x"): -1 - seed / 100, ("b", "x"): 0.0}}\n'
    source += 'JUDGED = [("race", "x", "a", "b")]\n'
    (tmp_path / "make_toy_runs.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(script, "SCRIPTS", tmp_path)
    assert script.tables([], [10, 11], tmp_path / "other") == 0  # nothing is stored
    add_rows(tmp_path / "toy_runs.csv", table(MORE).itertuples(index=False))
    assert script.main(["tables", "--seeds", "10", "11", "12", "--folder", str(tmp_path / "other")]) == 1
    said = capsys.readouterr().out
    assert "toy_runs: 1 TURNED" in said and "now -1.1100" in said
    assert pd.read_csv(tmp_path / "other" / "toy_runs.csv")["seed"].unique().tolist() == [10, 11, 12]


def test_all_scripts_of_tables_are_found():
    assert {"cnn", "heat", "channel", "tuning", "depth"} <= script.scripts().keys()
    assert not {"transfer", "overfitting", "step"} & script.scripts().keys()

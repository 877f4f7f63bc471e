"""helpers.datasets.measured: pairs are pairs, nothing is made twice, and two programs lose no row."""

import subprocess
import sys
from pathlib import Path

from helpers.comparison import interval
from helpers.datasets import base, measured
from helpers.datasets.measured import COLUMNS, add_rows, difference, is_done, load_measured, make, report, verdict
from helpers.files import DamagedFileError

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
ROWS = [
    ("race", case, "accuracy", 2, seed, value + seed / 10)
    for case, value in (("a", 0.5), ("b", 0.3))
    for seed in (0, 1)
]


@pytest.fixture
def table():
    return pd.DataFrame(
        [*ROWS, ("race", "b", "accuracy", 1, 0, 0.1), ("race", "b", "loss", 2, 0, 9.0)], columns=COLUMNS
    )


def test_a_difference_is_of_pairs(table):
    table = table.sample(frac=1, random_state=1)  # the order of the rows is of no importance
    table.loc[(table["case"] == "a") & (table["seed"] == 1), "value"] = 0.9
    assert difference(table, "race", "accuracy", "a", "b", 2) == pytest.approx(interval([0.5 - 0.3, 0.9 - 0.4]))


def test_a_difference_of_two_places(table):
    table.loc[len(table)] = ("race", "b", "accuracy", 1, 1, 0.2)
    assert difference(table, "race", "accuracy", "b", "b", (2, 1))[0] == pytest.approx(0.2)


def test_what_is_not_there_or_has_no_partner(table):
    with pytest.raises(ValueError, match="no 'accuracy' of 'c' at 2 in the experiment 'race'"):
        difference(table, "race", "accuracy", "a", "c", 2)
    with pytest.raises(ValueError, match="look for pairs of which one is missing"):
        difference(table, "race", "accuracy", "b", "b", (2, 1))


@pytest.mark.parametrize(("mean", "half", "sign"), [(0.2, 0.1, 1), (-0.2, 0.1, -1), (0.1, 0.2, 0), (-0.1, 0.1, 0)])
def test_a_verdict(mean, half, sign):
    assert verdict(mean, half) == sign


def test_rows_are_sorted_rounded_and_added(tmp_path):
    path = tmp_path / "new" / "x.csv"
    add_rows(path, ROWS[2:])
    add_rows(path, [(*ROWS[0][:-1], np.float32(1 / 3))])  # as networks give them
    add_rows(path, ROWS[1:2])
    other = tmp_path / "y.csv"
    add_rows(other, [(*ROWS[0][:-1], 1 / 3), *ROWS[1:]])
    assert path.read_text() == other.read_text() and path.read_text().splitlines()[1] == "race,a,accuracy,2,0,0.3333"
    assert is_done(path, experiment="race", seed=1)
    assert not is_done(path, experiment="race", seed=2) and not is_done(path, experiment="other", seed=1)
    assert not is_done(tmp_path / "none.csv", experiment="race", seed=0)


def test_made_once(tmp_path, capsys):
    asked = []

    def race(seed):
        asked.append(seed)
        return {("a", "accuracy", 3): 0.5 + seed, ("b", "accuracy", 3): 0.25 + 1.1 * seed, ("a", "weights"): 7}

    judged = [("race", "accuracy", "a", "b", 3)]
    arguments = ["--folder", str(tmp_path), "--seeds", "4", "0"]
    path = make("x", {"race": race}, judged, arguments=arguments)
    assert make("x", {"race": race}, judged, arguments=[*arguments, "1"]) == path == tmp_path / "x.csv"
    assert asked == [4, 0, 1] and "race, accuracy, at 3: a less b: " in capsys.readouterr().out
    table = pd.read_csv(path)
    assert list(table) == COLUMNS and len(table) == 9 and set(table.loc[table["measure"] == "weights", "at"]) == {0}


def test_only_some_and_a_failure_keeps_what_was_there(tmp_path):
    def fails(seed):
        raise RuntimeError("out of memory")

    made = {"good": lambda seed: {("a", "x"): seed}, "bad": fails}
    with pytest.raises(RuntimeError):
        make("x", made, arguments=["--folder", str(tmp_path), "--seeds", "0"])
    path = make("x", made, arguments=["--folder", str(tmp_path), "--seeds", "0", "1", "--only", "good"])
    assert pd.read_csv(path)["seed"].tolist() == [0, 1]
    assert {p.name for p in tmp_path.iterdir()} <= {"x.csv", "x.csv.lock"}


def test_a_report_says_what_is_missing(table):
    lines = report(table, [("race", "accuracy", "a", "b", 2), ("race", "accuracy", "a", "c")])
    assert lines[0].endswith("+0.2000 ± 0.0000") and "no 'accuracy'" in lines[1]
    table.loc[0, "value"] = 0.0
    assert report(table, [("race", "accuracy", "a", "b", 2)])[0].endswith("(no difference shown)")


def test_two_programs_at_once_lose_no_row(tmp_path):
    """Each adds forty times; without a lock one of them would write over what the other has just added."""
    code = "import sys; from pathlib import Path; from helpers.datasets.measured import add_rows\n"
    code += "for k in range(40): add_rows(Path(sys.argv[1]), [('race', 'a', 'x', k, int(sys.argv[2]), k)])"
    path = tmp_path / "x.csv"
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), seed], cwd=ROOT) for seed in "01"]
    assert [process.wait() for process in running] == [0, 0]
    assert pd.read_csv(path).groupby("seed").size().to_dict() == {0: 40, 1: 40}


def test_the_card_gets_size_and_checksum(tmp_path):
    card = tmp_path / "x.md"
    card.write_text(
        "# x\n\n| | |\n|---|---|\n| File | `x.csv`, not made yet |\n| SHA-256 | |\n| License | CC0 1.0 |\n", "utf-8"
    )
    make("x", {"race": lambda seed: {("a", "x"): seed}}, arguments=["--folder", str(tmp_path)])
    size = (tmp_path / "x.csv").stat().st_size
    assert f"| File | `x.csv`, {size} bytes |\n| SHA-256 | `" in card.read_text() and "| License |" in card.read_text()


def test_load_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(base, "DATA", tmp_path)
    monkeypatch.setitem(measured.ROWS, "x", 4)
    add_rows(tmp_path / "x.csv", ROWS)
    assert len(load_measured("x")) == 4
    add_rows(tmp_path / "x.csv", ROWS[:1])
    with pytest.raises(DamagedFileError, match="it has 5 rows instead of 4"):
        load_measured("x")
    with pytest.raises(ValueError, match=r"There is no table 'y'\. There are: .*x"):
        load_measured("y")


def test_load_dictionary(tmp_path, monkeypatch):
    banks, cases = measured.load_dictionary(), load_measured("dictionary_runs")["case"]
    assert set(banks) == set(cases) and len(banks) == 4
    assert all(bank.shape == (16, 9, 9) and np.allclose((bank**2).sum(axis=(1, 2)), 1) for bank in banks.values())
    monkeypatch.setattr(base, "DATA", tmp_path)
    (tmp_path / "dictionary.npz").write_bytes(b"no archive")
    with pytest.raises(DamagedFileError, match=r"dictionary\.npz"):
        measured.load_dictionary()


def test_stored_tables_are_whole_and_paired():
    """Each experiment has all of its rows for each of its seeds, once."""
    for name in measured.ROWS:
        table = load_measured(name)
        assert not table.duplicated(COLUMNS[:-1]).any()
        for _, rows in table.groupby("experiment"):
            assert len(set(rows.groupby(COLUMNS[1:4]).size())) == 1 and rows["seed"].nunique() >= 5


def test_each_card_is_of_a_script_and_a_table():
    """A card beside which there is no table says so; the tables that are there can be loaded."""
    cards = [card for card in (ROOT / "data").glob("*_runs.md") if "`experiment`, `case`" in card.read_text("utf-8")]
    assert len(cards) >= 10
    for card in cards:
        assert (ROOT / "scripts" / f"make_{card.stem}.py").is_file()
        there = card.with_suffix(".csv").exists()
        assert there == (card.stem in measured.ROWS) == ("not made yet" not in card.read_text("utf-8")), card.stem

"""The page of the benchmark, docs/benchmarks_cifar.md, is made from the stored runs, and computes what it says."""

import importlib

import numpy as np
import pandas as pd
import pytest
from surroundings import NOTEBOOKS


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.syspath_prepend(NOTEBOOKS.parent / "scripts")
    return importlib.import_module("make_benchmark_page")


def test_the_page_is_made_from_the_runs(pages):
    """Else: `.venv/bin/python scripts/make_benchmark_page.py`, and commit what it writes."""
    assert pages.PAGE.read_text(encoding="utf-8") == pages.page()


def curve(name, seed, seconds, accuracies):
    looks = range(1, len(accuracies) + 1)
    rows = {"name": name, "seed": seed, "epoch": looks, "seconds": [seconds * look for look in looks]}
    more = {"cpu_seconds": 2 * seconds, "test_accuracy": 0.8, "floor_seconds": seconds, "parameters": 1234}
    return pd.DataFrame({**rows, "val_accuracy": accuracies, **more})


def test_times_are_those_of_the_first_look_and_ratios_those_to_the_fastest(pages):
    runs = pd.concat(
        [
            curve("fast", 0, 10, [0.76, 0.81, 0.86]),
            curve("slow", 0, 40, [0.5, 0.76, 0.84]),
        ]
    )
    table = pages.times(runs)
    assert table.loc["fast"].tolist() == ["10 s, 1.0 ×", "20 s, 1.0 ×", "30 s, 1.0 ×", "not reached", "20 s, 1.0 ×"]
    assert table.loc["slow"].tolist() == ["80 s, 8.0 ×", "120 s, 6.0 ×", "not reached", "not reached", "80 s, 4.0 ×"]
    ends = pages.ends(pd.concat([runs, curve("fast", 1, 1, [0.99])]))
    assert [*ends.index] == ["fast", "slow", "fast"], "each run has its row"
    assert ends["floor / seconds"].tolist() == ["0.33", "0.33", "–"], "beside other programs it says nothing"


def test_a_piece_is_shown_where_the_interval_leaves_out_0(pages):
    changes = {
        "whole recipe": np.zeros(10),
        "worse": np.full(5, -0.1),
        "unsure": np.linspace(-0.02, 0.03, 5),
        "again": np.repeat([-0.01, 0.0], 5),
    }
    rows = [
        {"piece": piece, "seed": seed, "epoch": epoch, "val_accuracy": 0.8 + 0.01 * seed + change + (epoch - 2) * seed}
        for piece, some in changes.items()
        for seed, change in enumerate(some)
        for epoch in (1, 2)
    ]
    steps = pd.DataFrame(
        [
            {"piece": piece, "round": turn, "cpu_ms": (50 + turn) * times}
            for piece, times in {"whole recipe": 1, "worse": 2, "unsure": 0.5, "again": 1}.items()
            for turn in range(3)
        ]
    )
    table = pages.ablation(pd.DataFrame(rows), steps)
    assert table.loc["worse"].tolist() == ["−10.00", "−10.00 to −10.00", "yes", "2.00 × ± 0.00"]
    assert table.loc["unsure", ["points", "shown"]].tolist() == ["+0.50", "no difference shown"]
    assert table.loc["again", ["points", "shown"]].tolist() == ["−1.00", "yes, see below"], "seeds 5 to 9 stand below"
    assert pages.of_new_seeds(pd.DataFrame(rows), "val_accuracy") == "again +0.00 ± 0.00"


def test_a_table_by_hand(pages):
    table = pd.DataFrame({"a": ["1", "2"]}, index=["x", "y"])
    assert pages.markdown(table, "name") == "| name | a |\n| --- | --- |\n| x | 1 |\n| y | 2 |"

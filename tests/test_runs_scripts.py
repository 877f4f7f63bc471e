"""scripts/make_*_runs.py: each experiment runs, with images and epochs for a few seconds, and gives what is judged."""

import sys
from dataclasses import replace

from helpers.datasets import Split, load_dataset
from helpers.datasets.measured import COLUMNS, make
from helpers.recipe import Recipe, shrink

import numpy as np
import pandas as pd
import pytest
from script_tools import SCRIPTS, load

TINY = {  # script: constants of it that a test of seconds needs
    "channel": {"TESTED": 40, "SEEN": 40, "DRAWN": 400, "HALVES": 3},
    "heat": {"GRADED": 12, "DESTROYED": 4, "TRAINED": 64, "EPOCHS": {"cheater": 1, "honest": 1}},
    "cnn": {"EPOCHS": 2},
    "augmentation": {"LOOKS": (1, 2, 3), "DIGITS": 40, "DIGIT_LOOKS": (1, 2), "FILES": 40},
    "tuning": {"PER_CLASS": 2, "ASKED": 30, "HEAD": 2, "TUNED": 2, "SCRATCH": 3, "BRIEF": 1, "FOLDS": 2},
    "depth": {"TRAINED": 128, "VALIDATED": 50, "LOOKS": (1, 2), "BATCHES": 2},
    "kernel": {"SETS": {"all digits": (None, 1), "200 digits": (50, 1)}},
    "remedy": {"TRAINED": 64, "EPOCHS": 2, "LONG": 3, "MASKS": 2, "ANIMALS": 20, "UNITS": (4, 16)},
    "downsampling": {"EPOCHS": 1},
    "activation": {"EPOCHS": 1},
    "workshop": {"EPOCHS": 1, "PHOTOGRAPHS": 64},
    "block": {"EPOCHS": 1, "BUDGET": 3000, "LIMIT": {"critters": 64, "digits": 64}},
    "ladder": {"STANDARD": {"80%": Recipe(widths=(4, 8), epochs=1)}},
    "dictionary": {"PATCHES": 300, "TRIES": 1},
}
SLOW = {"tuning": ["neighbors", "cuts", "drift", "forgetting", "rules", "sides"]}
"""What is run of a script, if not all: trainings with 10, 20, 50 images are those of make_transfer_runs.py."""


def few(name: str, limit=None, otherwise=None, number: int = 120):
    """Return a dataset with few images of each part; for photographs that may not be here critters of their size."""
    whole = shrink(load_dataset("critters")) if name == "cifar10" else load_dataset(name)
    parts = {
        part: Split(*(array[:number] for array in getattr(whole, part))) for part in ("train", "validation", "test")
    }
    return replace(whole, **parts)


@pytest.fixture
def script(request, monkeypatch):
    """A script with settings for seconds."""
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
    module = load(request.param)
    for constant, value in TINY[request.param].items():
        assert hasattr(module, constant)
        monkeypatch.setattr(module, constant, value)
    for holder in (module, getattr(module, "transfer", module)):
        if hasattr(holder, "load_dataset"):
            monkeypatch.setattr(holder, "load_dataset", few)
    return module


def names(judged) -> list:
    """Return which case, measure and experiment each judged difference needs, without the place."""
    return [(experiment, measure, case) for experiment, measure, *cases in judged for case in cases[:2]]


@pytest.mark.parametrize("script", TINY, indirect=True)
def test_each_experiment_gives_what_is_judged(script, tmp_path):
    name = script.__name__.removeprefix("make_").removesuffix("_runs")
    chosen = SLOW.get(name, list(script.EXPERIMENTS))
    arguments = ["--folder", str(tmp_path), "--seeds", "1", "--only", *chosen]
    table = pd.read_csv(make(name, script.EXPERIMENTS, arguments=arguments))
    assert not table.duplicated(COLUMNS[:-1]).any() and np.isfinite(table["value"]).all()
    there = {(row.experiment, row.measure, row.case) for row in table.itertuples()}
    wanted = [one for one in names(script.JUDGED) if one[0] in chosen]
    assert [one for one in wanted if one not in there] == []
    shares = table[table["measure"].str.contains("accuracy|images right", regex=True)]
    assert shares["value"].between(-1e-6, 1 + 1e-6).all()


@pytest.mark.parametrize("name", TINY)
def test_what_is_judged_is_of_an_experiment(name, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
    script = load(name)
    assert script.JUDGED and {one[0] for one in script.JUDGED} <= script.EXPERIMENTS.keys()
    assert len(set(script.JUDGED)) == len(script.JUDGED)

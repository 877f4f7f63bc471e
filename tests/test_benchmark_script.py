"""scripts/benchmark_cifar.py and scripts/my_recipe.py on a few small images: recipes of learners, and the benchmark."""

import importlib.util
import runpy
import shutil
import sys
from functools import partial
from pathlib import Path

from helpers.datasets.folders import load_folder
from helpers.floor import count_operations
from helpers.recipe import Recipe, build_network, train
from helpers.trials import log_path, read_log

import numpy as np
import pandas as pd
import pytest
from own_folders import Own

ROOT = Path(__file__).resolve().parent.parent
SCRIPT, MY_RECIPE = ROOT / "scripts" / "benchmark_cifar.py", ROOT / "scripts" / "my_recipe.py"
TINY = Recipe(widths=(2,), batch=8, epochs=2)
GUESSING = """
import numpy as np

{name}

class Network:
    def predict(self, images, **_):
        return np.zeros((len(images), 2))

    def __call__(self, images):
        return self.predict(images)


def train(images, labels, classes, seed, callbacks):
    assert images.shape[1:] == (32, 32, 3) and classes == 2
    return Network()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return Own({"ant": 21, "bee": 21}, sides=(32, 32), suffixes=(".jpg",)).write(tmp_path_factory.mktemp("images"))


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """The folder of the log and the table."""
    monkeypatch.setenv("CNN_LESSONS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def script(runs, monkeypatch):
    """The script as a module, with two tiny competitors, on a computer of known speed."""
    spec = importlib.util.spec_from_file_location("benchmark_cifar", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = {}

    def tiny(images, labels, classes, recipe, seed, callbacks):
        made[len(made)] = seed
        return train(images, labels, classes, recipe, seed, callbacks)

    quick = (partial(tiny, recipe=TINY), 2)
    monkeypatch.setattr(module, "COMPETITORS", {"recipe tiny": quick, "2017": quick})
    monkeypatch.setattr(module, "machine_speed", lambda: 1e6)
    module.made = made
    return module


def call(monkeypatch, *arguments):
    """Run the script as from a command line."""
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, arguments)])
    runpy.run_path(str(SCRIPT), run_name="__main__")


# --- a recipe of one's own ---


def test_the_recipe_that_learners_begin_with_runs_under_the_clock(folder, runs, monkeypatch, capsys):
    call(monkeypatch, "--data", folder, "--recipe", MY_RECIPE, "--seeds", 4)
    (row,) = read_log(log_path()).to_dict("records")
    assert log_path() == runs / "trials.csv"
    assert (row["name"], row["seed"], row["ended"]) == ("small network", 4, "done")
    assert row["dataset"] == folder.name
    maps = (27 * 32 + 32) + (9 * 32 * 32 + 32)
    assert row["parameters"] == maps + (6 * 6 * 32 + 1) * 32 + 33 * 2
    assert row["seconds"] > 0
    assert 0 <= row["val_accuracy"] <= 1
    assert np.isnan(row["test_accuracy"])
    printed = capsys.readouterr().out
    assert "val_accuracy" in printed and "'name': 'small network'" in printed


@pytest.mark.parametrize(("line", "name"), [("", "guess"), ('NAME = "knows nothing"', "knows nothing")])
def test_any_function_train_gets_a_row_and_a_name(folder, runs, monkeypatch, tmp_path, line, name):
    (tmp_path / "guess.py").write_text(GUESSING.format(name=line))
    for _ in range(2):
        call(monkeypatch, "--data", folder, "--recipe", tmp_path / "guess.py")
    table = read_log(log_path())
    assert table["name"].tolist() == [name] * 2
    assert table["val_accuracy"].tolist() == [0.5] * 2


def test_own_scores_are_used(folder, runs, monkeypatch, tmp_path):
    own = "\n\ndef scores(model, images):\n    return np.eye(2)[np.ones(len(images), int)] * [0, 7]\n"
    (tmp_path / "guess.py").write_text(GUESSING.format(name="") + own)
    call(monkeypatch, "--data", folder, "--recipe", tmp_path / "guess.py")
    right = np.mean(load_folder(folder, size=32).validation.labels == 1)
    assert read_log(log_path())["val_accuracy"].tolist() == pytest.approx([right])


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("none.py", None, r"There is no file .*none\.py\. Copy scripts/my_recipe\.py"),
        ("empty.py", "", r"empty\.py has no function train\(images, labels, classes, seed, callbacks\)"),
        ("other.py", "train = 3", r"other\.py has no function train"),
        ("recipe.txt", "train = print", r"recipe\.txt is no Python file"),
    ],
)
def test_what_is_no_recipe_is_refused(folder, runs, monkeypatch, tmp_path, file, text, message):
    if text is not None:
        (tmp_path / file).write_text(text)
    with pytest.raises(SystemExit, match=message) as caught:
        call(monkeypatch, "--data", folder, "--recipe", tmp_path / file)
    assert isinstance(caught.value.code, str)  # which Python prints, with the exit status 1
    assert not log_path().exists()


def test_a_recipe_that_fails_says_so_and_leaves_its_row(folder, runs, monkeypatch, tmp_path):
    shutil.copy(MY_RECIPE, tmp_path / "mine.py")
    text = MY_RECIPE.read_text().replace("    keras.utils.set_random_seed(seed)", "    raise RuntimeError(classes)")
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(RuntimeError, match="2"):
        call(monkeypatch, "--data", folder, "--recipe", tmp_path / "mine.py")
    assert read_log(log_path())["ended"].tolist() == ["RuntimeError"]


# --- the benchmark ---


def test_a_run_that_is_in_the_table_is_not_made_again(script, folder, runs, capsys):
    data, target = load_folder(folder, size=32), runs / "benchmark.csv"
    runs.mkdir()
    script.standard(data, target, ["recipe tiny"], [0])
    first = target.read_text()
    table = pd.read_csv(target)
    assert [*table.columns] == [
        *("name", "seed", "epoch", "seconds", "cpu_seconds", "val_accuracy", "test_accuracy"),
        *("operations", "floor_seconds", "parameters"),
    ]
    network = build_network(data.train.images, 2, TINY)
    operations = count_operations(network)["training"].sum() * 2 * len(data.train)
    assert {*table["operations"]} == {operations}
    assert table["floor_seconds"].iloc[0] == pytest.approx(operations / 1e6, abs=0.01)
    assert {*table["parameters"]} == {network.count_params()}
    assert table["epoch"].iloc[-1] == 2
    script.standard(data, target, ["recipe tiny"], [0, 3])
    assert [*script.made.values()] == [0, 3]
    assert target.read_text().startswith(first)
    assert pd.read_csv(target)["seed"].drop_duplicates().tolist() == [0, 3]
    log = read_log(runs / "benchmark_log.csv")
    assert log["name"].tolist() == ["recipe tiny"] * 2
    assert log["test_accuracy"].notna().all()
    printed = capsys.readouterr().out
    assert "recipe tiny, seed 0" in printed and "recipe tiny, seed 3" in printed


def test_models_of_2017_are_asked_without_mirror_images(script, folder, runs, monkeypatch):
    asked, scores = [], script.scores

    def ask(model, images, mirror):
        asked.append(mirror)
        return scores(model, images, mirror)

    monkeypatch.setattr(script, "scores", ask)
    script.run("2017", 0, load_folder(folder, size=32))
    assert {*asked} == {False}


def test_standard_recipes_and_models_of_2017_compete(runs):
    names = runpy.run_path(str(SCRIPT), run_name="benchmark_cifar")
    competitors = names["COMPETITORS"]
    assert [*competitors] == ["recipe 80%", "recipe 85%", "recipe 90%", "2017", "2017, improved"]
    for how, epochs in competitors.values():
        recipe = how.keywords.get("recipe")
        assert epochs == (recipe.epochs if recipe else how.keywords["epochs"])
    assert names["RUNS"] == runs


def test_the_report_says_what_was_not_reached(script):
    curve = {"seconds": [5.0, 10.0], "cpu_seconds": [8.0, 16.0], "val_accuracy": [0.76, 0.83], "test_accuracy": 0.812}
    table = pd.DataFrame({"name": "some", "seed": 1, "epoch": [1, 2], **curve, "floor_seconds": 6.0})
    (row,) = script.report(table).to_dict("records")
    assert [*script.report(table).index] == ["some, seed 1"]
    assert row == {
        "s to 75%": 5.0,
        "s to 80%": 10.0,
        "s to 85%": "not reached",
        "s to 90%": "not reached",
        "seconds": 10.0,
        "processor s": 16.0,
        "validation": "83.00%",
        "test": "81.20%",
        "floor / seconds": 0.6,
    }

"""Train the recipes of lesson 11 and the models of 2017 on CIFAR-10 against the clock, or a recipe of your own.

`make benchmark-cifar` runs the standard recipes, `make trial RECIPE=my_recipe.py` a file that defines
`train(images, labels, classes, seed, callbacks)`, as scripts/my_recipe.py does; both under the same rules. `--data`
names another dataset, or a folder of images. A run that is in the table already is not made again: so an interrupted
benchmark goes on where it was.
"""

import argparse
import importlib.util
from functools import partial
from pathlib import Path

from helpers.datasets import load_dataset
from helpers.datasets.folders import load_folder
from helpers.files import written_whole
from helpers.floor import count_operations, machine_speed
from helpers.recipe import STANDARD, scores, train, train_2017
from helpers.trials import log_path, run_trial, time_to

import numpy as np
import pandas as pd

RUNS = log_path().parent
CAP = 30  # epochs of the models of 2017
COMPETITORS = {
    **{f"recipe {name}": (partial(train, recipe=recipe), recipe.epochs) for name, recipe in STANDARD.items()},
    "2017": (partial(train_2017, epochs=CAP), CAP),
    "2017, improved": (partial(train_2017, improved=True, epochs=CAP), CAP),
}
"""Functions that train, and their epochs."""
ROUNDED = {"epoch": 3, "seconds": 2, "cpu_seconds": 2, "floor_seconds": 2, "val_accuracy": 4, "test_accuracy": 4}


def run(name: str, seed: int, dataset) -> pd.DataFrame:
    """Train one competitor; return its curve, with what is known at the end in each row."""
    how, epochs = COMPETITORS[name]
    plain = name.startswith("2017")
    predict = partial(scores, mirror=not plain)
    speed = machine_speed()
    trial = run_trial(
        name, how, dataset, RUNS / "benchmark_log.csv", seed=seed, predict=predict, final=True, live=False
    )
    operations = int(count_operations(trial.model)["training"].sum()) * epochs * len(dataset.train)
    table = trial.curve.assign(
        test_accuracy=trial.row["test_accuracy"],
        operations=operations,
        floor_seconds=operations / speed,
        parameters=trial.row["parameters"],
    ).round(ROUNDED)
    table.insert(0, "name", name)
    table.insert(1, "seed", seed)
    return table


def standard(dataset, target: Path, names, seeds) -> None:
    """Run what is missing of the standard recipes, and print a report."""
    table = pd.read_csv(target) if target.exists() else None
    for seed in seeds:
        for name in names:
            if table is None or not ((table["name"] == name) & (table["seed"] == seed)).any():
                rows = run(name, seed, dataset)
                table = rows if table is None else pd.concat([table, rows])
                with written_whole(target) as partial_file:
                    table.to_csv(partial_file, index=False)
                print(name, seed, *rows.iloc[-1, 3:], flush=True)
    print(report(table).to_string())


def report(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each run: seconds to each accuracy, accuracy at the end, share of the floor."""
    rows = {}
    for (name, seed), curve in table.groupby(["name", "seed"], sort=False):
        last = curve.iloc[-1]
        times = {f"s to {goal:.0%}": time_to(curve, goal) for goal in (0.75, 0.80, 0.85, 0.90)}
        rows[f"{name}, seed {seed}"] = times | {
            "seconds": last["seconds"],
            "processor s": last["cpu_seconds"],
            "validation": f"{last['val_accuracy']:.2%}",
            "test": f"{last['test_accuracy']:.2%}",
            "floor / seconds": round(last["floor_seconds"] / last["seconds"], 2),
        }
    return pd.DataFrame.from_dict(rows, orient="index").replace(np.nan, "not reached")


def own(path: Path, dataset, seed: int) -> None:
    """Run a learner's recipe, and add it to the log of trials."""
    if not path.is_file():
        raise SystemExit(f"There is no file {path}. Copy scripts/my_recipe.py, change it, and name it: RECIPE=…")
    if path.suffix != ".py":
        raise SystemExit(f"{path} is no Python file: its name must end with .py.")
    spec = importlib.util.spec_from_file_location("own_recipe", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not callable(getattr(module, "train", None)):
        raise SystemExit(
            f"{path} has no function train(images, labels, classes, seed, callbacks): see scripts/my_recipe.py."
        )
    options = {"predict": getattr(module, "scores", scores), "seed": seed, "live": False}
    trial = run_trial(getattr(module, "NAME", path.stem), module.train, dataset, log_path(), **options)
    print(trial.curve.round(3).to_string(index=False))
    print({key: value for key, value in trial.row.items() if value != ""})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="cifar10", help="a dataset by name, or a folder of images")
    parser.add_argument("--only", nargs="+", choices=list(COMPETITORS), default=list(COMPETITORS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--target", type=Path, default=RUNS / "benchmark_cifar.csv", help="the table")
    parser.add_argument("--recipe", type=Path, help="a file of your own")
    given = parser.parse_args()
    data = load_folder(given.data, size=32) if Path(given.data).is_dir() else load_dataset(given.data)
    if given.recipe:
        own(given.recipe, data, given.seeds[0])
    else:
        standard(data, given.target, given.only, given.seeds)

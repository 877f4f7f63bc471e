"""Comparisons over seeds: tables that scripts/make_*_runs.py write, lessons read, and other seeds try again.

A table has a row for each number: ``experiment``, ``case``, ``measure``, ``at`` (an epoch, a share, a number of images:
the card of the table says what; else 0), ``seed``, ``value``. Cases of one experiment and seed make a pair.
"""

import argparse
import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter, process_time

from helpers.comparison import interval
from helpers.datasets import base
from helpers.datasets.runs import read_table
from helpers.files import readable_of_clone, written_whole

import numpy as np
import pandas as pd
from filelock import FileLock

WORDS = ["experiment", "case", "measure"]
COLUMNS = [*WORDS, "at", "seed", "value"]
ROWS = {
    "activation_runs": 1120,
    "augmentation_runs": 295,
    "block_runs": 385,
    "channel_runs": 1455,
    "cnn_runs": 500,
    "depth_runs": 860,
    "dictionary_runs": 80,
    "downsampling_runs": 420,
    "heat_runs": 485,
    "kernel_runs": 480,
    "ladder_runs": 155,
    "remedy_runs": 775,
    "tuning_runs": 405,
    "workshop_runs": 840,
}
"""The tables that are there, and how many rows each has."""


def load_measured(name: str) -> pd.DataFrame:
    """Return a table of comparisons, made beforehand; data/NAME.md says what was compared.

    Returns
    -------
    table : DataFrame with a row for each number, columns as in `COLUMNS`; shares and accuracies go from 0 to 1

    Raises ValueError for a table that is not there, lists those that are; FileNotFoundError or
    `helpers.files.DamagedFileError` if it cannot be read: these say how to get it back.
    """
    if name not in ROWS:
        raise ValueError(f"There is no table {name!r}. There are: {', '.join(ROWS)}.")
    return read_table(base.DATA / f"{name}.csv", ROWS[name], words=len(WORDS))


def load_dictionary() -> dict[str, np.ndarray]:
    """Return the kernels that lesson 02 found without labels, by the name of their bank, (16, 9, 9) each.

    They are those of seed 0 of the table ``dictionary_runs``. Raises FileNotFoundError or
    `helpers.files.DamagedFileError` if they cannot be read: these say how to get them back.
    """
    path = base.DATA / "dictionary.npz"
    with readable_of_clone(path), path.open("rb") as opened, np.load(opened) as file:
        return {name.replace("_shuffled", ", shuffled").replace("_", " "): file[name] for name in file.files}


def difference(table: pd.DataFrame, experiment: str, measure: str, case: str, other: str, at=0) -> tuple[float, float]:
    """Return the mean of ``case`` less ``other``, paired by seed, and half the width of its 95% interval.

    Parameters
    ----------
    table : as `load_measured` returns it
    at : where both are looked at; a pair of numbers for another place of each, as in "epoch 16 less epoch 8"

    Raises ValueError if a case is not there, or has no partner of the same seed: see `helpers.comparison.interval`.
    """
    places = at if isinstance(at, tuple) else (at, at)
    series = []
    for name, place in zip((case, other), places, strict=True):
        rows = table[(table["experiment"] == experiment) & (table["measure"] == measure)]
        rows = rows[(rows["case"] == name) & (rows["at"] == place)]
        if rows.empty:
            raise ValueError(f"The table has no {measure!r} of {name!r} at {place} in the experiment {experiment!r}.")
        series.append(rows.set_index("seed")["value"])
    return interval((series[0] - series[1]).to_numpy())


def verdict(mean: float, half: float) -> int:
    """Return the sign of a difference, or 0 where its interval includes 0."""
    return 0 if abs(mean) <= half else (1 if mean > 0 else -1)


# --- made by scripts ---


def is_done(path: Path, **values) -> bool:
    """Tell whether a table has a row with these values, such as ``experiment="race", seed=0``."""
    if not path.exists():
        return False
    return bool((pd.read_csv(path)[list(values)] == pd.Series(values)).all(axis=1).any())


def append(path: Path, new: pd.DataFrame, order: list[str]) -> None:
    """Add rows to a table that other programs may add to as well; sort it by the columns ``order``.

    So the file does not depend on who came first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"), written_whole(path) as partial:
        table = pd.concat([pd.read_csv(path), new]) if path.exists() else new
        table.sort_values(order, kind="stable").to_csv(partial, index=False, lineterminator="\n")


def add_rows(path: Path, rows: Iterable[tuple]) -> None:
    """Add rows, in the order of `COLUMNS`, to a table as `append` does; numbers get 4 decimals."""
    new = pd.DataFrame(rows, columns=COLUMNS).astype({"value": float}).round({"value": 4})
    append(path, new, COLUMNS[:-1])


def stamp(path: Path) -> None:
    """Write size and checksum of a table into its card, where it has one beside it."""
    card = path.with_suffix(".md")
    if card.exists():
        content = path.read_bytes()
        new = (
            f"| File | `{path.name}`, {len(content):,} bytes |\n| SHA-256 | `{hashlib.sha256(content).hexdigest()}` |\n"
        )
        text = re.sub(r"\| File \|.*\n\| SHA-256 \|.*\n", new, card.read_text(encoding="utf-8"))
        with written_whole(card) as partial:
            partial.write_text(text, encoding="utf-8")


def report(table: pd.DataFrame, judged: Iterable[tuple]) -> list[str]:
    """Return a line for each judged difference; ``judged`` holds arguments of `difference`, without the table."""
    lines = []
    for experiment, measure, case, other, *at in judged:
        try:
            mean, half = difference(table, experiment, measure, case, other, *at)
            found = f"{mean:+.4f} ± {half:.4f}" + " (no difference shown)" * (verdict(mean, half) == 0)
        except ValueError as error:
            found = str(error)
        lines.append(f"{experiment}, {measure}{f', at {at[0]}' if at else ''}: {case} less {other}: {found}")
    return lines


def make(
    name: str,
    experiments: dict[str, Callable[[int], dict]],
    judged: Iterable[tuple] = (),
    seeds: Iterable[int] = range(5),
    arguments: list[str] | None = None,
) -> Path:
    """Run what a table lacks, as the command line says, and print what the differences are; return its path.

    What is there is kept, so that an interrupted run goes on where it was. Two programs may work on one table at the
    same time, with other seeds each.

    Parameters
    ----------
    name : of the table, data/NAME.csv
    experiments : for each name a function of the seed; it returns values by (case, measure), or (case, measure, at)
    judged : what is compared, see `report`
    seeds : used if the command line names none
    arguments : the command line; that of the program by default
    """
    parser = argparse.ArgumentParser(description=f"Make data/{name}.csv, or what it lacks.")
    parser.add_argument("--seeds", type=int, nargs="+", default=seeds, metavar="N")
    parser.add_argument("--only", nargs="+", choices=experiments, default=experiments, metavar="EXPERIMENT")
    parser.add_argument("--folder", type=Path, default=base.DATA, help="where the table is, or shall be")
    given = parser.parse_args(arguments)
    path = given.folder / f"{name}.csv"
    from helpers.engine import keras  # here, since it takes seconds, and readers of tables need none

    for seed in given.seeds:
        for experiment in given.only:
            if not is_done(path, experiment=experiment, seed=seed):
                keras.backend.clear_session()  # else what is left of all networks fills the memory
                start, used = perf_counter(), process_time()
                found = experiments[experiment](seed)
                rows = [(experiment, *key, *[0] * (3 - len(key)), seed, value) for key, value in found.items()]
                add_rows(path, rows)
                times = f"{perf_counter() - start:.0f} s, of all cores {process_time() - used:.0f} s"
                print(f"{experiment}, seed {seed}: {len(rows)} rows, {times}", flush=True)
    print(*report(pd.read_csv(path), judged), sep="\n", flush=True)
    stamp(path)
    return path

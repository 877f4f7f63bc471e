"""Tables of stored trainings, read whole or not at all."""

import io
from pathlib import Path

from helpers.datasets import base
from helpers.files import readable_of_clone

import pandas as pd
from pandas.api.types import is_numeric_dtype


def read_table(path: Path, rows: int, otherwise: str = "", words: int = 1) -> pd.DataFrame:
    """Return a table of numbers from a CSV file that git has; its first column, or ``words`` of them, may hold words.

    Raises FileNotFoundError if the file is missing, `helpers.files.DamagedFileError` if it is damaged, or has not so
    many rows: both say how to get it back, by git or as ``otherwise`` says.
    """
    with readable_of_clone(path, otherwise):
        text = path.read_text(encoding="utf-8")
        table = pd.read_csv(io.StringIO(text))
        if not text.endswith("\n"):
            raise ValueError("its last line is cut off")
        if len(table) != rows:
            raise ValueError(f"it has {len(table):,} rows instead of {rows:,}")
        if table.isna().any(axis=None) or not all(is_numeric_dtype(table[column]) for column in table.columns[words:]):
            raise ValueError("something in it is no number")
    return table


def load_runs() -> pd.DataFrame:
    """Return learning curves of the networks of lesson 04, each trained five times beforehand.

    Returns
    -------
    runs : DataFrame with a row for each variant, seed and epoch; ``training_accuracy``, ``training_crossentropy``,
        ``val_accuracy`` and ``val_crossentropy`` are measured after the epoch; see data/overfitting_runs.md

    Raises FileNotFoundError or `helpers.files.DamagedFileError` if it cannot be read; says how to get it back.
    """
    return read_table(base.DATA / "overfitting_runs.csv", rows=930)


def at_end(runs: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return one column of the runs of lesson 04 after the last epoch: a row for each variant, a column for each seed.

    Raises ValueError for an unknown column, lists those that are there.
    """
    if column not in runs:
        raise ValueError(f"There is no column {column!r}. There are: {', '.join(runs)}.")
    last = runs.loc[runs.groupby(["variant", "seed"])["epoch"].idxmax()]
    return last.pivot_table(column, index="variant", columns="seed")


def load_transfer_runs() -> pd.DataFrame:
    """Return how good the networks of lesson 08 became, each trained three times beforehand.

    Returns
    -------
    runs : DataFrame with a row for each way, number of images and seed; accuracies from 0 to 1, ``seconds`` on two
        cores; see data/transfer_runs.md

    Raises FileNotFoundError or `helpers.files.DamagedFileError` if it cannot be read; says how to get it back.
    """
    return read_table(base.DATA / "transfer_runs.csv", rows=45)


def load_transfer_curves() -> pd.DataFrame:
    """Return learning curves of three networks of lesson 08, trained beforehand with 20 images of each class.

    Returns
    -------
    curves : DataFrame with a row for each way and epoch; ``accuracy`` as Keras reports it while training,
        ``val_accuracy`` measured after the epoch, both from 0 to 1; see data/transfer_curves.md

    Raises FileNotFoundError or `helpers.files.DamagedFileError` if it cannot be read; says how to get it back.
    """
    return read_table(base.DATA / "transfer_curves.csv", rows=70)


def load_step_runs() -> pd.DataFrame:
    """Return how well the network of lesson 10 learned from other starts and by other update rules, five times each.

    Returns
    -------
    runs : DataFrame with a row for each setting, learning rate, seed and epoch; ``first_loss`` is that of the first
        batch, ``val_accuracy`` from 0 to 1 is measured after the epoch; see data/step_runs.md

    Raises FileNotFoundError or `helpers.files.DamagedFileError` if it cannot be read; says how to get it back.
    """
    return read_table(base.DATA / "step_runs.csv", rows=615)


def load_dial_runs() -> pd.DataFrame:
    """Return how well a small network learned critters with other scalings, rates, batches and labels (lesson 11).

    Returns
    -------
    runs : DataFrame with a row for each setting (``scaling``, ``batch``, ``rate``, ``wrong``, the share of wrong
        labels, and ``epochs``), seed and epoch; accuracies from 0 to 1 and mean losses, measured after the epoch;
        ``seconds`` on two cores; see data/dial_runs.md

    Raises FileNotFoundError or `helpers.files.DamagedFileError` if it cannot be read; says how to get it back.
    """
    return read_table(base.DATA / "dial_runs.csv", rows=2520)


def load_benchmark_runs(quiet: bool = False) -> pd.DataFrame:
    """Return learning curves against the clock on CIFAR-10: recipes of lesson 11, and models of 2017.

    Parameters
    ----------
    quiet : only runs of the one call with nothing else on the machine, whose seconds can be compared

    Returns
    -------
    runs : DataFrame with a row for each name, seed and look at the validation images: ``epoch`` with its parts,
        ``seconds`` and ``cpu_seconds``, ``val_accuracy`` from 0 to 1; and, the same in each row of a run,
        ``test_accuracy``, ``floor_seconds``, ``parameters``; see data/benchmark_runs.md

    Raises FileNotFoundError or `helpers.files.DamagedFileError` if it cannot be read; says how to get it back.
    """
    runs = read_table(base.DATA / "benchmark_runs.csv", rows=120)
    return runs[in_quiet_call(runs)] if quiet else runs


def in_quiet_call(runs: pd.DataFrame) -> pd.Series:
    """Tell for each row of the benchmark whether its run was in the one call with nothing else on the machine."""
    return (runs["seed"] == 0) & ~runs["name"].str.startswith("recipe 90%")


def load_recipe_runs() -> pd.DataFrame:
    """Return how good the recipe of lesson 11 is on CIFAR-10 less each of its pieces, trained five times each or more.

    Returns
    -------
    runs : DataFrame with a row for each piece, seed and epoch: ``training_accuracy`` as Keras reports it, from
        0 to 1; ``val_accuracy`` and, without mirror images, ``val_plain``; see data/recipe_runs.md

    Raises FileNotFoundError or `helpers.files.DamagedFileError` if it cannot be read; says how to get it back.
    """
    return read_table(base.DATA / "recipe_runs.csv", rows=230)


def load_recipe_times() -> pd.DataFrame:
    """Return what a step of each of these trainings takes, measured in turns.

    Returns
    -------
    times : DataFrame with a row for each piece and round: milliseconds for a step on the clock, ``step_ms``, and of
        all cores, ``cpu_ms``; see data/recipe_runs.md

    Raises FileNotFoundError or `helpers.files.DamagedFileError` if it cannot be read; says how to get it back.
    """
    return read_table(base.DATA / "recipe_times.csv", rows=95)

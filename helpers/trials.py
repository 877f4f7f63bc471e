"""Trainings against the clock, under equal rules, and a log of them that nothing overwrites (lesson 11)."""

import csv
import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter, process_time

from helpers.datasets.base import Dataset
from helpers.engine import keras
from helpers.files import ROOT
from helpers.recipe import scores
from helpers.training import WidgetBar, in_notebook

import numpy as np
import pandas as pd
from filelock import FileLock

COLUMNS = (
    "date", "name", "dataset", "seed", "settings", "parameters", "seconds", "cpu_seconds", "val_accuracy",
    "test_accuracy", "ended", "machine",
)  # fmt: skip
"""Of the log, in this order. ``ended`` is "done", or what stopped the training."""


PUBLISHED = pd.DataFrame(
    [
        ("2017, a CPU, over 4 h", 4 * 3600, 0.80),
        ("Page 2018, a GPU", 79, 0.94),
        ("Jordan 2024, a GPU", 3.29, 0.94),
        ("Jordan 2024, a GPU", 46.3, 0.96),
    ],
    columns=["name", "seconds", "accuracy"],
)
"""Test accuracies on CIFAR-10 that others report: a tutorial, "How to train your ResNet", arXiv 2404.00498."""


class Clock(keras.callbacks.Callback):
    """Measures a training, and looks at validation images on the way; meanwhile it stands still.

    Parameters
    ----------
    dataset : whose validation images it looks at
    looks : how often, spread evenly over the training
    predict : function of a network and uint8 images (N, H, W, C) that returns scores (N, classes)
    live : draw accuracy against seconds as it grows, in JupyterLab
    """

    def __init__(self, dataset: Dataset, looks: int = 10, predict: Callable = scores, live: bool = False):
        super().__init__()
        self.dataset, self.looks, self.predict = dataset, looks, predict
        self.bar = (
            WidgetBar(1.0, "Training against the clock. (Run the cell to watch.)") if live and in_notebook() else None
        )
        self.rows: list[dict] = []
        self.restart()

    def restart(self):
        """Begin to count at 0, with no pause so far."""
        self.paused = np.zeros(2)
        self.began = self._now()

    def _now(self):
        return np.array([perf_counter(), process_time()])

    def elapsed(self) -> tuple[float, float]:
        """Return seconds on the wall, and seconds of all processors, without those of the looks."""
        return tuple(map(float, self._now() - self.began - self.paused))

    def accuracy(self, model) -> float:
        """Return the share of the validation images that a network gets right."""
        images, labels = self.dataset.validation
        return share_right(self.predict(model, images), labels)

    def on_train_begin(self, logs=None):
        self.looked = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.params.get("steps"):
            self._look(self.epoch + (batch + 1) / self.params["steps"])

    def on_epoch_end(self, epoch, logs=None):
        self._look(epoch + 1.0)

    def _look(self, done: float):
        if done * self.looks / self.params["epochs"] < self.looked + 1 - 1e-9:
            return
        before, (seconds, cpu_seconds) = self._now(), self.elapsed()
        self.looked = int(done * self.looks / self.params["epochs"] + 1e-9)
        row = {"epoch": done, "seconds": seconds, "cpu_seconds": cpu_seconds, "val_accuracy": self.accuracy(self.model)}
        self.rows.append(row)
        if self.bar:
            self.bar.update(done / self.params["epochs"], f"{seconds:.0f} s: {row['val_accuracy']:.1%}")
            self.bar.draw(self.curve(), plot_curve)
        self.paused += self._now() - before

    def curve(self) -> pd.DataFrame:
        """Return a row for each look: epoch (with its parts), seconds, cpu_seconds, val_accuracy from 0 to 1."""
        return pd.DataFrame(self.rows, columns=["epoch", "seconds", "cpu_seconds", "val_accuracy"])


def share_right(outputs, labels) -> float:
    """Return the share of outputs (N, classes) whose largest number stands at the label (N,)."""
    return float(np.mean(np.argmax(outputs, axis=1) == labels))


@dataclass(frozen=True)
class Trial:
    """A training that was measured: its network, its curve as ``Clock.curve`` returns it, and its row of the log."""

    model: object
    curve: pd.DataFrame
    row: dict


def run_trial(
    name: str,
    train: Callable,
    dataset: Dataset,
    log,
    *,
    seed: int = 0,
    settings: dict | None = None,
    predict: Callable = scores,
    final: bool = False,
    live: bool = True,
    looks: int = 10,
) -> Trial:
    """Train against the clock, and add a row to the log, also if the training is interrupted or fails.

    Parameters
    ----------
    name : of the trial
    train : function ``train(images, labels, classes, seed=…, callbacks=…)`` that gets the training images and nothing
        else, hands ``callbacks`` to ``fit``, and returns the network
    dataset : as `helpers.datasets.load_dataset` returns it
    log : path of a CSV file; it is made if there is none, and nothing in it ever changes
    settings : what to write into the log about this trial
    predict : function of the network and uint8 images (N, H, W, C) that returns scores (N, classes)
    final : look at the test images, too, once, at the end
    live : draw the curve as it grows, in JupyterLab
    looks : how often to look at the validation images

    Raises whatever the training raises, after the row was written; ValueError for a log that is another file or
    cannot be written, or a ``train`` that returns no network.
    """
    open_log(log)  # before the training, not after it
    clock = Clock(dataset, looks, predict, live)
    row = dict.fromkeys(COLUMNS, "") | {
        "date": datetime.now().isoformat(" ", "seconds"),
        "name": name,
        "dataset": dataset.name,
        "seed": seed,
        "settings": json.dumps(settings or {}, default=str, ensure_ascii=False),
        "machine": f"{platform.machine()} {platform.system()}",
    }
    ended, model = "done", None
    try:
        clock.restart()
        model = train(*dataset.train, len(dataset.class_names), seed=seed, callbacks=[clock])
        row["seconds"], row["cpu_seconds"] = clock.elapsed()
        if not callable(model):
            raise ValueError(f"The function train must return the network, but it returned {type(model).__name__}.")
        row["val_accuracy"] = clock.accuracy(model)
        row["parameters"] = model.count_params() if hasattr(model, "count_params") else ""
        if final:
            row["test_accuracy"] = share_right(predict(model, dataset.test.images), dataset.test.labels)
    except BaseException as error:
        ended = "interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__
        raise
    finally:
        if row["seconds"] == "":  # the training did not end by itself
            row["seconds"], row["cpu_seconds"] = clock.elapsed()
        if row["val_accuracy"] == "" and clock.rows:
            row["val_accuracy"] = clock.rows[-1]["val_accuracy"]
        row["ended"] = ended
        append_row(log, row)
        if clock.bar:
            clock.bar.close()
    return Trial(model, clock.curve(), row)


# --- the log ---


def log_path() -> Path:
    """Return the place of the learner's log; the environment variable ``CNN_LESSONS_RUNS`` names another folder."""
    return Path(os.environ.get("CNN_LESSONS_RUNS") or ROOT / "notebooks" / "runs" / "11") / "trials.csv"


def open_log(log) -> None:
    """Make sure that a log can be written: make its folder, and an empty file if there is none.

    Raises ValueError if the file is no log of trials, or the place cannot be written; says what to do.
    """
    log = Path(log)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{log}.lock"), log.open("a"):
            read_log(log)
    except OSError as error:
        place = "another folder in the environment variable CNN_LESSONS_RUNS" if log == log_path() else "another file"
        raise ValueError(f"The log {log} cannot be written ({error.strerror or error}): name {place}.") from error


def append_row(log, row: dict) -> None:
    """Add one line to a log; what is there stays, whatever two programs do at once.

    Raises ValueError as `open_log` does.
    """
    open_log(log)
    log = Path(log)
    with FileLock(f"{log}.lock"):
        texts = {key: " ".join(str(value).splitlines()) for key, value in row.items()}  # a row is a line
        numbers = {key: f"{value:.5g}" for key, value in row.items() if isinstance(value, float)}
        with log.open("a+", encoding="utf-8", newline="") as file:
            if file.tell() == 0:
                csv.writer(file, lineterminator="\n").writerow(COLUMNS)
            elif not _ends_with_a_line(log):  # a program was killed while it wrote
                file.write("\n")
            csv.writer(file, lineterminator="\n").writerow((texts | numbers)[column] for column in COLUMNS)


def _ends_with_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() == b"\n"


def read_log(log) -> pd.DataFrame:
    """Return the log as a table with `COLUMNS`: empty if there is none yet; a line that is cut off is left out.

    Raises ValueError if the file is no log of trials; says what to do.
    """
    log = Path(log)
    if not log.exists() or log.stat().st_size == 0:
        return pd.DataFrame(columns=list(COLUMNS))
    first, *lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    if first.rstrip("\r") != ",".join(COLUMNS):
        raise ValueError(f"{log} is no log of trials, or one of another version: move it away, or name another file.")
    rows = [next(csv.reader([line])) for line in lines if line]  # one by one: a quote that is not closed ends there
    table = pd.DataFrame([row for row in rows if len(row) == len(COLUMNS)], columns=list(COLUMNS))
    measured = ["seed", "parameters", "seconds", "cpu_seconds", "val_accuracy", "test_accuracy"]
    table[measured] = table[measured].apply(pd.to_numeric, errors="coerce")
    return table


def front(trials: pd.DataFrame, cost: str = "seconds") -> pd.DataFrame:
    """Return those trials that nothing beats: none was both as fast and better, fastest first.

    ``trials`` has a column ``cost`` and ``val_accuracy``; rows without a number are left out.
    """
    ordered = trials.dropna(subset=[cost, "val_accuracy"]).sort_values([cost, "val_accuracy"], ascending=[True, False])
    best_before = ordered["val_accuracy"].cummax().shift(fill_value=-1.0)
    return ordered[ordered["val_accuracy"] > best_before]


def time_to(curve: pd.DataFrame, accuracy: float, cost: str = "seconds") -> float:
    """Return the ``cost`` at the first look with at least this validation accuracy, or NaN if it was not reached."""
    reached = curve.loc[curve["val_accuracy"] >= accuracy, cost]
    return float(reached.iloc[0]) if len(reached) else float("nan")


# --- pictures ---


def plot_curve(curve: pd.DataFrame, fig) -> object:
    """Draw accuracy against seconds into an empty figure; return it."""
    fig.clear()
    ax = fig.add_subplot()
    ax.plot(curve["seconds"], curve["val_accuracy"], marker=".")
    ax.set(xlabel="seconds", ylabel="validation accuracy", xlim=0, ylim=(0, 1), title="Against the clock")
    return fig


def plot_trials(trials: pd.DataFrame, marks: pd.DataFrame | None = None, ax=None):
    """Draw all trials as points, seconds against accuracy, and a line through the best ones; return the axes.

    ``marks`` has columns name, seconds, accuracy: results of others, to compare with.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogFormatter

    ax = plt.subplots(figsize=(9.2, 4.2))[1] if ax is None else ax
    best, plain = front(trials), {"textcoords": "offset points", "parse_math": False}
    ax.scatter(trials["seconds"], trials["val_accuracy"], color="0.6", label="all trials")
    ax.plot(best["seconds"], best["val_accuracy"], marker="o", label="the best of their time")
    for row in best.itertuples():
        ax.annotate(row.name, (row.seconds, row.val_accuracy), xytext=(5, -11), **plain)
    if marks is not None:
        ax.scatter(marks["seconds"], marks["accuracy"], marker="*", s=90, color="black", label="others")
        for row in marks.itertuples():
            ax.annotate(row.name, (row.seconds, row.accuracy), xytext=(5, 5), **plain)
    ax.set(xscale="log", xlabel="seconds of training", ylabel="accuracy", title="Trials against the clock")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.5, 0.5)))  # 6, not 6 × 10⁰
    ax.margins(0.15)
    ax.legend()
    return ax

"""helpers.trials with a clock that the tests set: what is timed, what is written, and what nothing overwrites."""

import csv
import errno
import json
import multiprocessing
from types import SimpleNamespace

from helpers import trials
from helpers.datasets.base import Dataset, Split
from helpers.engine import keras
from helpers.files import ROOT
from helpers.trials import (
    COLUMNS,
    Clock,
    append_row,
    front,
    log_path,
    plot_curve,
    plot_trials,
    read_log,
    run_trial,
    share_right,
    time_to,
)

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers
from matplotlib.figure import Figure

CLASSES = 4


def part(count):
    """Images whose pixels are their label."""
    labels = np.arange(count) % CLASSES
    return Split(np.full((count, 2, 2, 1), labels[:, None, None, None], np.uint8), labels)


DATASET = Dataset("numbers", part(40), part(20), part(8), ("a", "b", "c", "d"), "", "")


class Network:
    """Knows the classes below ``known``, and says 0 for the others."""

    def __init__(self, known=CLASSES):
        self.known, self.seen = known, []

    def __call__(self, images):
        return self.predict(images)

    def predict(self, images, **_):
        self.seen.append(len(images))
        labels = images[:, 0, 0, 0]
        return np.eye(CLASSES)[np.where(labels < self.known, labels, 0)]

    def count_params(self):
        return 1234


@pytest.fixture
def now(monkeypatch):
    """The time, which stands still but for what a test adds: on the wall, and of all processors."""
    now = SimpleNamespace(wall=100.0, cpu=7.0)
    monkeypatch.setattr(trials, "perf_counter", lambda: now.wall)
    monkeypatch.setattr(trials, "process_time", lambda: now.cpu)
    return now


def fit(callbacks, model, epochs, steps, step=lambda: None):
    """Call callbacks as ``fit`` of Keras does."""
    for callback in callbacks:
        callback.set_params({"epochs": epochs, "steps": steps})
        callback.set_model(model)
        callback.on_train_begin()
    for epoch in range(epochs):
        for callback in callbacks:
            callback.on_epoch_begin(epoch)
        for batch in range(steps or 3):
            step()
            for callback in callbacks:
                callback.on_train_batch_end(batch)
        for callback in callbacks:
            callback.on_epoch_end(epoch)


def working(now, wall=2.0, cpu=3.0):
    """A step of training that takes so long."""

    def step():
        now.wall += wall
        now.cpu += cpu

    return step


def trainer(now, known=CLASSES, epochs=2, steps=5, model=None, error=None, after=7):
    """A function that trains: ten steps of two seconds; ``error`` comes in step number ``after``."""
    count = iter(range(1, 1000))

    def train(images, labels, classes, seed, callbacks):
        def step():
            working(now)()
            if next(count) == after and error is not None:
                raise error

        network = model or Network(known)
        fit(callbacks, network, epochs, steps, step)
        return network

    return train


# --- the clock ---


def test_the_clock_stands_still_while_it_looks(now):
    def predict(model, images):
        now.wall += 50
        now.cpu += 90
        return model.predict(images)

    clock = Clock(DATASET, 5, predict)
    now.wall += 1000  # before it begins
    clock.restart()
    now.wall += 4  # something before fit, which counts
    fit([clock], Network(2), 2, 5, working(now))
    curve = clock.curve()
    assert curve["seconds"].tolist() == [8, 12, 16, 20, 24]
    assert curve["cpu_seconds"].tolist() == [6, 12, 18, 24, 30]
    assert curve["epoch"].tolist() == pytest.approx([0.4, 0.8, 1.2, 1.6, 2])
    assert curve["val_accuracy"].tolist() == [0.5] * 5
    assert clock.elapsed() == (24, 30)
    clock.restart()
    assert clock.elapsed() == (0, 0)


def test_the_clock_looks_at_validation_images_alone(now):
    network, clock = Network(), Clock(DATASET, 4)
    fit([clock], network, 1, 8)
    assert network.seen == [20] * 8  # each look at both sides
    assert clock.accuracy(Network(1)) == 0.25


@pytest.mark.parametrize(
    ("looks", "epochs", "steps", "places"),
    [
        (10, 1, 1, [1]),
        (10, 1, 3, [1 / 3, 2 / 3, 1]),
        (10, 2, 2, [0.5, 1, 1.5, 2]),
        (10, 1, 100, np.arange(1, 11) / 10),
        (10, 5, 1000, np.arange(1, 11) / 2),
        (4, 3, 7, [6 / 7, 11 / 7, 16 / 7, 3]),
        (1, 2, 9, [2]),
        (3, 3, None, [1, 2, 3]),  # nobody knows how many steps an epoch has
        (10, 2, None, [1, 2]),
    ],
)
def test_the_looks_are_spread_evenly_and_the_last_is_at_the_end(looks, epochs, steps, places):
    clock = Clock(DATASET, looks, lambda model, images: np.zeros((len(images), CLASSES)))
    fit([clock], Network(), epochs, steps)
    assert clock.curve()["epoch"].tolist() == pytest.approx(list(places))


def test_the_curve_of_no_training_is_empty():
    curve = Clock(DATASET).curve()
    assert [*curve] == ["epoch", "seconds", "cpu_seconds", "val_accuracy"]
    assert len(curve) == 0


def test_share_right():
    assert share_right(np.array([[1, 2], [5, -1], [0, 9], [7, 7]]), np.array([1, 0, 0, 0])) == 0.75


# --- a trial ---


def test_a_trial_that_is_done(now, tmp_path):
    log = tmp_path / "new" / "folder" / "log.csv"
    settings = {"rate": 0.1, "größe": [1, 2], "how": float}
    trial = run_trial("mine, <b>first</b>", trainer(now, 3), DATASET, log, seed=5, settings=settings)
    (row,) = read_log(log).to_dict("records")
    assert row["name"] == "mine, <b>first</b>"
    assert (row["dataset"], row["seed"], row["ended"]) == ("numbers", 5, "done")
    assert (row["seconds"], row["cpu_seconds"]) == (20, 30)
    assert (row["val_accuracy"], row["parameters"]) == (0.75, 1234)
    assert np.isnan(row["test_accuracy"])
    assert json.loads(row["settings"]) == settings | {"how": str(float)}
    assert row["machine"]
    assert pd.Timestamp(row["date"]).year >= 2026
    assert trial.row["val_accuracy"] == 0.75
    assert trial.model.known == 3
    assert trial.curve["seconds"].tolist() == [2.0 * step for step in range(1, 11)]


def test_a_train_gets_training_images_and_nothing_else(tmp_path):
    got = {}

    def train(images, labels, classes, **more):
        got.update(images=images, labels=labels, classes=classes, **more)
        return Network()

    run_trial("mine", train, DATASET, tmp_path / "log.csv", seed=3)
    assert got["images"] is DATASET.train.images
    assert got["labels"] is DATASET.train.labels
    assert got["classes"] == 4
    assert got.keys() == {"images", "labels", "classes", "seed", "callbacks"}
    assert got["seed"] == 3


def test_test_images_are_looked_at_once_and_at_the_end(now, tmp_path):
    looked = []

    def predict(model, images):
        looked.append(len(images))
        now.wall += 60
        return model.predict(images)

    options = {"predict": predict, "looks": 2}
    trial = run_trial("mine", trainer(now, 1), DATASET, tmp_path / "log.csv", final=True, **options)
    assert looked == [20, 20, 20, 8]
    assert trial.row["test_accuracy"] == 0.25
    assert trial.row["seconds"] == 20
    looked.clear()
    run_trial("mine", trainer(now, 1), DATASET, tmp_path / "log.csv", **options)
    assert 8 not in looked
    assert read_log(tmp_path / "log.csv")["test_accuracy"].tolist() == pytest.approx([0.25, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("error", "ended"),
    [(KeyboardInterrupt(), "interrupted"), (MemoryError(), "MemoryError"), (OSError("a"), "OSError")],
)
def test_a_training_that_stops_leaves_its_row(now, tmp_path, error, ended):
    log = tmp_path / "log.csv"
    with pytest.raises(type(error)):
        run_trial("mine", trainer(now, 2, error=error), DATASET, log, final=True)
    (row,) = read_log(log).to_dict("records")
    assert row["ended"] == ended
    assert (row["seconds"], row["cpu_seconds"], row["val_accuracy"]) == (14, 21, 0.5)
    assert np.isnan(row["test_accuracy"])
    assert np.isnan(row["parameters"])


def test_a_training_that_stops_before_the_first_look(now, tmp_path):
    with pytest.raises(ZeroDivisionError):
        run_trial("mine", trainer(now, error=ZeroDivisionError(), after=1), DATASET, tmp_path / "log.csv", looks=1)
    (row,) = read_log(tmp_path / "log.csv").to_dict("records")
    assert row["ended"] == "ZeroDivisionError"
    assert row["seconds"] == 2
    assert np.isnan(row["val_accuracy"])


def test_what_goes_wrong_after_the_training_does_not_count_as_training(now, tmp_path):
    def predict(model, images):
        now.wall += 60
        if len(images) == len(DATASET.test):
            raise KeyboardInterrupt
        return model.predict(images)

    with pytest.raises(KeyboardInterrupt):
        run_trial("mine", trainer(now, 3), DATASET, tmp_path / "log.csv", predict=predict, final=True)
    (row,) = read_log(tmp_path / "log.csv").to_dict("records")
    assert (row["ended"], row["seconds"], row["val_accuracy"]) == ("interrupted", 20, 0.75)


@pytest.mark.parametrize(("result", "name"), [(None, "NoneType"), ({"loss": [1]}, "dict")])
def test_a_train_that_returns_no_network(tmp_path, result, name):
    with pytest.raises(ValueError, match=f"train must return the network, but it returned {name}"):
        run_trial("mine", lambda *_, **__: result, DATASET, tmp_path / "log.csv")
    assert read_log(tmp_path / "log.csv")["ended"].tolist() == ["ValueError"]


def test_a_train_that_ignores_callbacks(now, tmp_path):
    def train(images, labels, classes, seed, callbacks):
        working(now)()
        return Network(2)

    trial = run_trial("mine", train, DATASET, tmp_path / "log.csv")
    assert len(trial.curve) == 0
    assert (trial.row["seconds"], trial.row["val_accuracy"], trial.row["ended"]) == (2, 0.5, "done")
    assert np.isnan(time_to(trial.curve, 0.1))


def test_a_network_may_be_any_function(tmp_path):
    trial = run_trial(
        "mine",
        lambda *_, **__: lambda images: np.eye(CLASSES)[images[:, 0, 0, 0]],
        DATASET,
        tmp_path / "log.csv",
        predict=lambda model, images: model(images),
    )
    assert (trial.row["val_accuracy"], trial.row["parameters"]) == (1, "")


def test_a_network_of_keras(tmp_path):
    def train(images, labels, classes, seed, callbacks):
        model = keras.Sequential([keras.Input(images.shape[1:]), layers.Flatten(), layers.Dense(classes)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(images, labels, batch_size=10, epochs=2, verbose=0, callbacks=callbacks)
        return model

    trial = run_trial("keras", train, DATASET, tmp_path / "log.csv", looks=4)
    assert trial.curve["epoch"].tolist() == [0.5, 1, 1.5, 2]
    assert trial.curve["seconds"].is_monotonic_increasing
    assert trial.row["parameters"] == 5 * 4
    assert trial.row["val_accuracy"] == trial.curve["val_accuracy"].iloc[-1]


# --- the log ---


def row(name="mine", **changes):
    return dict.fromkeys(COLUMNS, "") | {"name": name, "seed": 0, "seconds": 1.5, "ended": "done"} | changes


def test_a_log_grows_and_its_lines_stay(tmp_path):
    log = tmp_path / "log.csv"
    assert [*read_log(log)] == [*COLUMNS]
    before = b""
    for number in range(4):
        append_row(log, row(f"number {number}", seconds=1 / 3))
        assert log.read_bytes().startswith(before)
        before = log.read_bytes()
    assert read_log(log)["name"].tolist() == [f"number {number}" for number in range(4)]
    assert read_log(log)["seconds"].tolist() == [0.33333] * 4
    assert before.count(b"date,name") == 1
    assert before.count(b"\n") == 5


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=4), st.text(max_size=8))
def test_any_name_and_any_settings_are_one_line(tmp_path_factory, names, setting):
    log = tmp_path_factory.mktemp("logs") / "log.csv"
    append_row(log, row("first"))
    for name in names:
        append_row(log, row(name, settings=json.dumps({"of": setting}, ensure_ascii=False)))
    table = read_log(log)
    assert table["name"].tolist() == ["first", *(" ".join(name.splitlines()) for name in names)]
    assert log.read_bytes().count(b"\n") == len(names) + 2


def test_numbers_are_numbers_and_what_is_missing_is_nan(tmp_path):
    append_row(tmp_path / "log.csv", row(val_accuracy=0.123456789, parameters=4321))
    table = read_log(tmp_path / "log.csv")
    assert table["val_accuracy"].tolist() == [0.12346]
    assert table["parameters"].tolist() == [4321]
    assert table["test_accuracy"].isna().all()


def write_rows(log, name, ready):
    """Append many rows, at the same time as another process."""
    ready.wait()
    for number in range(25):
        append_row(log, row(f"{name} {number}"))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # that TensorFlow has threads: these only write text
def test_two_processes_may_write_at_once(tmp_path):
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(2)
    both = [context.Process(target=write_rows, args=(tmp_path / "log.csv", name, ready)) for name in "ab"]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    table = read_log(tmp_path / "log.csv")
    assert sorted(table["name"]) == sorted(f"{name} {number}" for name in "ab" for number in range(25))
    for name in "ab":
        own = [text for text in table["name"] if text.startswith(name)]
        assert own == [f"{name} {number}" for number in range(25)]


def test_a_row_waits_for_the_lock_of_another_program(tmp_path, monkeypatch):
    held = []

    class Lock:
        def __init__(self, path):
            assert path == f"{tmp_path / 'log.csv'}.lock"

        def __enter__(self):
            held.append("taken")

        def __exit__(self, *_):
            held.append("given back")

    monkeypatch.setattr(trials, "FileLock", Lock)
    writer = csv.writer
    monkeypatch.setattr(trials.csv, "writer", lambda *a, **k: held.append("written") or writer(*a, **k))
    append_row(tmp_path / "log.csv", row())
    assert held[-4:] == ["taken", "written", "written", "given back"]


def test_a_line_that_was_cut_off_anywhere_costs_no_other(tmp_path):
    """As after a loss of power: the last line ends somewhere, also within quotes or within a letter."""
    log = tmp_path / "log.csv"
    append_row(log, row("first", settings='{"a": 1}'))
    kept = log.read_bytes()
    append_row(log, row("größte", settings='{"rate": 0.1, "of": "é"}', machine="x86_64 Linux"))
    whole = log.read_bytes()
    for end in range(len(kept) + 1, len(whole) - len(b"x86_64 Linux\n")):
        log.write_bytes(whole[:end])
        assert read_log(log)["name"].tolist() == ["first"]
        append_row(log, row("third", settings='{"b": "c, d"}'))
        assert log.read_bytes().startswith(whole[:end])
        table = read_log(log)
        assert table["name"].tolist() == ["first", "third"]
        assert table["settings"].tolist() == ['{"a": 1}', '{"b": "c, d"}']


@pytest.fixture
def never():
    """A function that trains, and must not be called."""
    calls = []
    yield lambda *_, **__: calls.append("called")
    assert not calls


@pytest.mark.parametrize(
    "content",
    [b"name,seconds\na,1\n", b"\x89PNG\r\n\x1a\n\x00\xff", b"\n", "größe\n".encode("latin-1"), b"x" * 200_000],
    ids=["other columns", "picture", "empty line", "other letters", "long"],
)
def test_another_file_is_refused_before_the_training_and_stays(tmp_path, never, content):
    log = tmp_path / "log.csv"
    log.write_bytes(content)
    with pytest.raises(ValueError, match=r"log\.csv is no log of trials.*move it away, or name another file"):
        run_trial("mine", never, DATASET, log)
    with pytest.raises(ValueError, match="is no log of trials"):
        append_row(log, row())
    assert log.read_bytes() == content


def test_lines_may_end_as_on_windows(tmp_path):
    log = tmp_path / "log.csv"
    append_row(log, row("a"))
    log.write_bytes(log.read_bytes().replace(b"\n", b"\r\n"))
    append_row(log, row("b"))
    assert read_log(log)["name"].tolist() == ["a", "b"]


def test_a_log_that_cannot_be_written_is_refused_before_the_training(tmp_path, never, monkeypatch):
    (tmp_path / "file").write_text("some text")
    with pytest.raises(ValueError, match=r"log\.csv cannot be written \(.+\): name another file"):
        run_trial("mine", never, DATASET, tmp_path / "file" / "log.csv")
    with pytest.raises(ValueError, match=r"cannot be written"):
        run_trial("mine", never, DATASET, tmp_path)  # a folder

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(trials, "FileLock", refuse)  # file permissions do not stop an administrator
    monkeypatch.setenv("CNN_LESSONS_RUNS", str(tmp_path / "runs"))
    with pytest.raises(
        ValueError, match=r"trials\.csv cannot be written \(Permission denied\): name another folder.*CNN_LESSONS_RUNS"
    ):
        run_trial("mine", never, DATASET, log_path())


def test_the_place_of_the_log(tmp_path, monkeypatch):
    monkeypatch.delenv("CNN_LESSONS_RUNS", raising=False)
    assert log_path() == ROOT / "notebooks" / "runs" / "11" / "trials.csv"
    monkeypatch.setenv("CNN_LESSONS_RUNS", str(tmp_path))
    assert log_path() == tmp_path / "trials.csv"
    monkeypatch.setenv("CNN_LESSONS_RUNS", "")
    assert log_path() == ROOT / "notebooks" / "runs" / "11" / "trials.csv"


# --- what is compared ---

measured = st.lists(
    st.tuples(
        st.one_of(st.just(np.nan), st.sampled_from([1.0, 2.0, 3.5, 8.0, 13.0])),
        st.one_of(st.just(np.nan), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])),
    ),
    max_size=12,
)


@given(measured)
def test_nothing_beats_the_front_and_all_else_is_beaten(points):
    table = pd.DataFrame(points, columns=["cost", "val_accuracy"], dtype=float)
    best = front(table, "cost")
    assert best["cost"].is_monotonic_increasing
    assert best["val_accuracy"].is_monotonic_increasing
    assert {*best.index} <= {*table.dropna().index}
    for place, (cost, accuracy) in table.dropna().iterrows():
        others = table.dropna().drop(place)
        as_good = others[(others["cost"] <= cost) & (others["val_accuracy"] >= accuracy)]
        better = as_good[(as_good["cost"] < cost) | (as_good["val_accuracy"] > accuracy)]
        assert (place in best.index) <= better.empty
        assert place in best.index or not as_good.empty


def test_the_front_of_some_trials():
    table = pd.DataFrame(
        {"seconds": [60, 10, 30, 30, 90, np.nan], "val_accuracy": [0.8, 0.5, 0.7, 0.6, 0.8, 0.9], "name": [*"abcdef"]}
    )
    assert front(table)["name"].tolist() == ["b", "c", "a"]


def test_time_to():
    curve = pd.DataFrame({"seconds": [1.0, 2.0, 3.0], "cpu_seconds": [4.0, 5.0, 6.0], "val_accuracy": [0.5, 0.8, 0.7]})
    assert time_to(curve, 0.5) == 1
    assert time_to(curve, 0.6) == time_to(curve, 0.8) == 2
    assert time_to(curve, 0.8, "cpu_seconds") == 5
    assert np.isnan(time_to(curve, 0.81))


# --- pictures ---


def test_the_curve_is_drawn_with_title_and_labels():
    curve, fig = pd.DataFrame({"seconds": [1.0, 2.0], "val_accuracy": [0.5, 0.8]}), Figure()
    for _ in range(2):  # the second time into the same figure
        assert plot_curve(curve, fig) is fig
    (ax,) = fig.axes
    assert all((ax.get_title(), ax.get_xlabel(), ax.get_ylabel()))
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), curve[["seconds", "val_accuracy"]])
    assert ax.get_ylim() == (0, 1)


@pytest.mark.parametrize("marks", [None, pd.DataFrame({"name": ["2017"], "seconds": [900.0], "accuracy": [0.79]})])
def test_all_trials_are_drawn_with_the_best_ones_and_others(marks):
    table = pd.DataFrame({"seconds": [60, 10, 30, np.nan], "val_accuracy": [0.8, 0.5, 0.4, 0.9], "name": [*"abcd"]})
    ax = plot_trials(table, marks)
    assert all((ax.get_title(), ax.get_xlabel(), ax.get_ylabel()))
    assert ax.get_xscale() == "log"
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[10, 0.5], [60, 0.8]])
    assert [text.get_text() for text in ax.texts] == ["b", "a"] + (["2017"] if marks is not None else [])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["all trials", "the best of their time"] + (["others"] if marks is not None else [])
    ax.figure.canvas.draw()


def test_no_trials_are_drawn_as_well(tmp_path):
    plot_trials(read_log(tmp_path / "log.csv")).figure.canvas.draw()


def test_names_are_no_formulas():
    table = pd.DataFrame({"seconds": [60.0], "val_accuracy": [0.8], "name": ["cost $x_$"]})
    plot_trials(table).figure.canvas.draw()

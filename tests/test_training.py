"""helpers.training: seeds, histories, and progress."""

import io
import itertools
import random
from pathlib import Path

from helpers import training
from helpers.engine import keras, tf
from helpers.files import DamagedFileError
from helpers.training import (
    LiveCurves,
    history_frame,
    in_notebook,
    load_history,
    one_after_the_other,
    save_history,
    set_seed,
)

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent


def small_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    return model


def fit(model, epochs=2, **changes):
    inputs = np.random.default_rng(0).normal(size=(24, 2)).astype("float32")
    labels = (inputs[:, 0] > 0).astype(int)
    arguments = {"verbose": 0, "batch_size": 8, "validation_data": (inputs, labels)} | changes
    return model.fit(inputs, labels, epochs=epochs, **arguments)


# --- seeds ---


def drawn(seed):
    set_seed(seed)
    return random.random(), np.random.rand(), small_model().get_weights()[0].tolist()  # noqa: NPY002


def test_seed_is_reproducible():
    first, other = drawn(3), drawn(4)
    assert drawn(3) == first
    assert all(a != b for a, b in zip(first, other, strict=True))
    assert drawn(0)[0] != drawn(2**32 - 1)[0]  # the first and the last that can be taken


def test_seed_makes_trainings_equal():
    losses = []
    for _ in range(2):
        set_seed(5)
        losses.append(fit(small_model(), 3).history["loss"])
    assert losses[0] == losses[1]


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None, True, [1]])
def test_bad_seed(seed):
    with pytest.raises(ValueError, match=r"seed must be an int from 0 to 2\*\*32 - 1"):
        set_seed(seed)


# --- histories ---


def test_history_frame():
    history = fit(small_model(), 3)
    frame = history_frame(history)
    assert frame.index.tolist() == [1, 2, 3]
    assert frame.index.name == "epoch"
    assert set(frame) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert frame["loss"].tolist() == history.history["loss"]


def test_history_frame_of_a_resumed_training_counts_on():
    model = small_model()
    first, second = fit(model, 2), fit(model, 5, initial_epoch=2)
    assert history_frame(second).index.tolist() == [3, 4, 5]
    assert pd.concat([history_frame(first), history_frame(second)]).index.tolist() == [1, 2, 3, 4, 5]


def test_history_frame_of_a_dict():
    frame = history_frame({"loss": [2.0, 1.0]})
    assert (frame.index.tolist(), frame.index.name, frame["loss"].tolist()) == ([1, 2], "epoch", [2.0, 1.0])


def test_history_frame_of_no_epochs():
    assert len(history_frame({})) == len(history_frame(keras.callbacks.History())) == 0


floats = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(floats, floats), min_size=1, max_size=5), st.integers(0, 100))
def test_history_round_trip(tmp_path_factory, rows, start):
    frame = pd.DataFrame(rows, columns=["loss", "val_loss"])
    frame.index = pd.RangeIndex(start + 1, start + 1 + len(rows), name="epoch")
    path = tmp_path_factory.getbasetemp() / "history.csv"
    assert save_history(frame, path) == path
    pd.testing.assert_frame_equal(load_history(path), frame, check_exact=True, check_index_type=False)


def test_history_of_a_training_round_trip(tmp_path):
    frame = history_frame(fit(small_model(), 5, initial_epoch=2))
    path = save_history(frame, str(tmp_path / "run 1.csv"))
    assert path == tmp_path / "run 1.csv"
    pd.testing.assert_frame_equal(load_history(path), frame, check_exact=True)
    assert [file.name for file in tmp_path.iterdir()] == ["run 1.csv"]


def test_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = save_history(history_frame({"loss": [2.0, 1.0]}), tmp_path / "history.csv")
    old = path.read_bytes()

    def half(self, target, *args, **kwargs):
        Path(target).write_text("epoch,lo")
        raise OSError("No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    with pytest.raises(OSError, match="No space left"):
        save_history(history_frame({"loss": [3.0]}), path)
    assert path.read_bytes() == old
    with pytest.raises(OSError, match="No space left"):
        save_history(history_frame({"loss": [3.0]}), tmp_path / "new.csv")
    assert not (tmp_path / "new.csv").exists()
    monkeypatch.undo()
    save_history(history_frame({"loss": [3.0]}), path)
    assert load_history(path)["loss"].tolist() == [3.0]


# --- progress ---


@pytest.mark.parametrize("damaged", [b"", b"epoch,loss\n1,0.5\n2,0.", b"\xff\xfe\n", b"number,loss\n1,0.5\n"])
def test_a_damaged_history_says_what_to_do(tmp_path, damaged):
    path = tmp_path / "history.csv"
    path.write_bytes(damaged)
    with pytest.raises(DamagedFileError, match=r"history\.csv .*Remove it, and train again\."):
        load_history(path)
    with pytest.raises(FileNotFoundError, match="none"):
        load_history(tmp_path / "none.csv")


def test_one_after_the_other_switches_off_what_nobody_wrote():
    batches = one_after_the_other(tf.data.Dataset.range(6).batch(4))
    assert [batch.tolist() for batch in batches.as_numpy_iterator()] == [[0, 1, 2, 3], [4, 5]]
    options = batches.options()
    assert options.autotune.enabled is False
    assert options.experimental_optimization.apply_default_optimizations is False
    assert options.experimental_optimization.inject_prefetch is False


def test_not_in_a_notebook():
    assert in_notebook() is False
    assert LiveCurves().notebook is False


def test_progress_as_text(capsys):
    history = fit(small_model(), 3, callbacks=[LiveCurves()])
    captured = capsys.readouterr()
    last = captured.err.strip().split("\r")[-1]
    for name, values in history.history.items():
        assert f"{name} {values[-1]:.3f}" in last
    assert "epoch 3 of 3: " in last
    for epoch in (1, 2):
        assert f"epoch {epoch} of 3: " in captured.err
    assert captured.out == ""


def test_progress_of_a_resumed_training(capsys):
    fit(small_model(), 5, initial_epoch=3, callbacks=[LiveCurves(notebook=False)])
    text = capsys.readouterr().err
    assert "epoch 4 of 5: " in text
    assert "epoch 5 of 5: " in text
    assert "epoch 3 of 5" not in text


@pytest.mark.filterwarnings("ignore::UserWarning:keras")
def test_progress_without_a_known_number_of_batches(capsys):
    batches = tf.data.Dataset.from_generator(
        lambda: ((np.zeros((2, 2)), np.zeros(2)) for _ in range(3)),
        output_signature=(tf.TensorSpec((2, 2)), tf.TensorSpec((2,))),
    )
    small_model().fit(batches, epochs=2, verbose=0, callbacks=[LiveCurves(notebook=False)])
    assert "epoch 2 of 2: " in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_learning_rate_is_not_shown_as_a_metric(capsys):
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    fit(small_model(), 1, callbacks=[halve, LiveCurves(notebook=False)])
    assert "learning_rate" not in capsys.readouterr().err


def test_progress_as_a_widget(capsys):
    live = LiveCurves(notebook=True)
    history = fit(small_model(), 3, callbacks=[live])
    bar = live.bar
    assert (bar.bar.value, bar.bar.max, bar.bar.bar_style) == (3, 3, "success")
    assert bar.text.value.startswith(f"epoch 3 of 3: accuracy {history.history['accuracy'][-1]:.3f}")
    picture = Image.open(io.BytesIO(bar.curves.value))
    assert picture.format == "PNG"
    assert np.ptp(np.asarray(picture.convert("L"))) > 100
    assert bar.curves.layout.display is None
    loss = bar.figure.axes[0].lines[0]
    assert loss.get_xdata().tolist() == [1, 2, 3]
    assert loss.get_ydata().tolist() == history.history["loss"]
    assert "Training for 3 epochs. (Run the cell to watch.)" in capsys.readouterr().out


def test_widget_of_a_resumed_training_draws_its_epochs(capsys):
    live = LiveCurves(notebook=True)
    fit(small_model(), 5, initial_epoch=3, callbacks=[live])
    assert live.bar.figure.axes[0].lines[0].get_xdata().tolist() == [4, 5]
    assert live.bar.bar.value == live.bar.bar.max == 5


def test_widget_starts_anew_with_each_training(capsys):
    live = LiveCurves(notebook=True)
    for epochs in (2, 1):
        fit(small_model(), epochs, callbacks=[live])
        assert live.bar.figure.axes[0].lines[0].get_xdata().tolist() == list(range(1, epochs + 1))


def test_widget_is_drawn_after_each_epoch(capsys):
    live, sizes = LiveCurves(notebook=True), []
    count = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: sizes.append((live.bar.bar.value, len(live.bar.curves.value)))
    )
    fit(small_model(), 2, callbacks=[live, count])
    assert [value for value, _ in sizes] == [1, 2]
    assert all(size > 1000 for _, size in sizes)


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def perf_counter(self):
        return self.now


def watch(monkeypatch, live, epochs, seconds, drawing):
    """When the curves are drawn, in seconds from the start, if an epoch and a drawing take that long."""
    clock, drawn = Clock(), []

    class Bar:
        def __init__(self, total):
            assert total == epochs

        def update(self, done, text):
            pass

        def draw(self, frame):
            drawn.append((clock.now - 1000, len(frame)))
            clock.now += drawing

        def close(self):
            pass

    monkeypatch.setattr(training, "time", clock)
    monkeypatch.setattr(training, "_TextBar", Bar)
    live.set_params({"epochs": epochs, "steps": 1})
    live.on_train_begin()
    for epoch in range(epochs):
        live.on_epoch_begin(epoch)
        clock.now += seconds
        live.on_train_batch_end(0)
        live.on_epoch_end(epoch, {"loss": 1.0})
    live.on_train_end()
    return drawn, clock.now - 1000


@pytest.mark.parametrize("drawing", [0.01, 0.1, 0.3, 2.0])
@pytest.mark.parametrize("seconds", [0.05, 0.7, 5.0])
def test_drawing_takes_at_most_about_a_twentieth_of_the_time(monkeypatch, seconds, drawing):
    drawn, total = watch(monkeypatch, LiveCurves(notebook=False), 400, seconds, drawing)
    assert drawn[0] == (pytest.approx(seconds), 1)  # the first epoch at once
    assert drawn[-1][1] == 400  # and the last one
    regular = drawn[1:-1]
    assert len(regular) * drawing <= total / 20
    pause = max(3, 20 * drawing)
    for (before, _), (after, _) in itertools.pairwise(drawn[:-1]):
        assert pause < after - before - drawing + 1e-6 <= pause + seconds + 1e-5  # no more often, and no less


def test_a_slow_drawing_does_not_slow_the_next_training(monkeypatch):
    live = LiveCurves(notebook=False)
    slow, _ = watch(monkeypatch, live, 50, 1, drawing=10)
    fast, _ = watch(monkeypatch, live, 50, 1, drawing=0)
    assert len(slow) == 2  # the first and the last
    assert [number for _, number in fast[:3]] == [1, 5, 9]


def test_the_bar_goes_on_within_an_epoch_but_not_with_each_batch(monkeypatch):
    clock, told = Clock(), []

    class Bar:
        def __init__(self, total):
            self.draw, self.close = lambda frame: None, lambda: None

        def update(self, done, text):
            told.append((clock.now - 1000, done))

    monkeypatch.setattr(training, "time", clock)
    monkeypatch.setattr(training, "_TextBar", Bar)
    live = LiveCurves(notebook=False)
    live.set_params({"epochs": 2, "steps": 50})
    live.on_train_begin()
    for epoch in range(2):
        live.on_epoch_begin(epoch)
        for batch in range(50):
            clock.now += 0.125
            live.on_train_batch_end(batch)
        live.on_epoch_end(epoch, {"loss": 1.0})
    assert len(told) == 2 * (25 + 1)  # every second batch, and each epoch
    assert [done for _, done in told] == pytest.approx([seconds / 0.125 / 50 for seconds, _ in told])

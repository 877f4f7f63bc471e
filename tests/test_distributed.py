"""scripts/train_distributed.py: real processes on this machine, some of which are killed, train what one would alone.

Nowhere skipped but on Windows, for which the script is not made. Processes have the offline guard: no address outside.
"""

import importlib.util
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from helpers.datasets import load_dataset
from helpers.engine import keras
from helpers.raw_tensorflow import new_weights, weight_shapes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the script is for Linux and macOS")

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "train_distributed.py"
STEPS = 100

spec = importlib.util.spec_from_file_location("train_distributed", SCRIPT)
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)

SHAPES = weight_shapes((28, 28, 1), 10, script.WIDTHS)


def begin(folder: Path, *options: str) -> subprocess.Popen:
    """Start the launcher; what it and its workers print comes through one pipe, which ends when all have ended."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
    environment["PYTHONPATH"] = str(ROOT / "tests" / "offline")
    command = [sys.executable, str(SCRIPT), "--folder", str(folder), "--steps", str(STEPS), *options]
    listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # else deaf to it where tests run in the background
    how = {"env": environment, "text": True, "preexec_fn": listen}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **how)


def read_until(launcher: subprocess.Popen, start: str) -> str:
    """Return what was printed up to a line that starts so."""
    said = ""
    for line in launcher.stdout:
        said += line
        if line.startswith(start):
            return said
    raise AssertionError(f"there was no line {start!r}:\n{said}")


def end(launcher: subprocess.Popen, said: str = "") -> str:
    """Wait until all processes have ended; return all that was printed."""
    said += launcher.communicate(timeout=300)[0]
    return said


def workers_in(said: str) -> list[int]:
    return [int(number) for number in re.findall(r"as process (\d+)", said)]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def weights(folder: Path) -> dict:
    with np.load(folder / "weights.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two workers print without any accident, and their weights."""
    folder = tmp_path_factory.mktemp("two")
    launcher = begin(folder)
    said = end(launcher)
    assert launcher.returncode == 0, said
    assert len(workers_in(said)) == 2 and not any(map(alive, workers_in(said)))
    assert float(re.search(r"test accuracy (\S+)", said)[1]) > 0.9
    return said, weights(folder)


# --- runs ---


def test_a_killed_worker_changes_nothing_in_the_end(two, tmp_path):
    launcher = begin(tmp_path)
    said = read_until(launcher, "  step 20 of")
    os.kill(workers_in(said)[1], signal.SIGKILL)
    said = end(launcher, said)
    assert launcher.returncode == 0, said
    before, after = said.split("restart 1 of 3, from the last checkpoint\n")
    assert f"worker 1 (process {workers_in(before)[1]}) was killed by SIGKILL\n" in before
    assert before.endswith("all workers are ended\n") and f"step {STEPS} of" not in before
    assert re.search(r"training from step (?!1\n)\d*1\n", after), "it begins anew, not at a checkpoint"
    assert len(workers_in(said)) == 4 and not any(map(alive, workers_in(said)))
    expected = two[1]
    assert all(np.array_equal(array, expected[name]) for name, array in weights(tmp_path).items())
    assert said.splitlines()[-3:-1] == two[0].splitlines()[-3:-1]  # loss and accuracy


def test_two_workers_train_as_one_does_and_as_keras_does(tmp_path, monkeypatch, capsys):
    """In the first steps: then rounding changes which of two numbers is greater, and the paths part for good."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    launcher = begin(tmp_path / "two", "--steps", "5")
    said = end(launcher)
    assert launcher.returncode == 0, said
    options = script.read_options(["--folder", str(tmp_path / "one"), "--steps", "5"])
    script.train(options, load_dataset("digits"))
    assert "  step 5 of 5: loss " in said and capsys.readouterr().out in said
    expected = in_keras(steps=5)
    compare(weights(tmp_path / "two"), expected)
    compare(weights(tmp_path / "one"), expected)


def compare(trained: dict, expected: dict) -> None:
    assert {name: array.shape for name, array in trained.items()} == SHAPES
    for name, array in trained.items():
        np.testing.assert_allclose(array, expected[name], rtol=0, atol=1e-6, err_msg=name)


def in_keras(steps: int) -> dict:
    """Return the weights after a training of the same network with Keras, on the same batches."""
    layers = keras.layers
    stack = [keras.Input((28, 28, 1))]
    for filters in (8, 16):
        stack += [layers.Conv2D(filters, 5, padding="same", activation="relu"), layers.MaxPooling2D()]
    model = keras.Sequential([*stack, layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10)])
    model.set_weights([variable.numpy() for variable in new_weights(SHAPES, 0).values()])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(script.RATE, momentum=script.MOMENTUM), loss)
    images, labels = load_dataset("digits").train
    for step in range(steps):
        rows = script.rows_of(step, 0, len(images), 64)
        model.train_on_batch(images[rows] / np.float32(255), labels[rows])
    return dict(zip(SHAPES, model.get_weights(), strict=True))


def test_a_worker_that_always_fails_is_not_started_for_ever(tmp_path):
    launcher = begin(tmp_path, "--dataset", "nothing", "--restarts", "1")
    said = end(launcher)
    assert launcher.returncode == 1
    assert said.count("    ValueError: Unknown dataset 'nothing'. Known here: digits") >= 2
    assert said.count("ended with status 1; the end of ") >= 2
    assert said.count("restart ") == 1 and said.endswith("giving up after 1 restarts\n")
    assert len(workers_in(said)) == 4 and not any(map(alive, workers_in(said)))
    assert not (tmp_path / "weights.npz").exists()


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [(signal.SIGINT, 130, "stopped, and"), (signal.SIGTERM, 143, ""), (signal.SIGKILL, -9, "")],
    ids=["Ctrl+C", "terminated", "killed"],
)
def test_workers_end_with_the_launcher(tmp_path, number, status, words):
    launcher = begin(tmp_path)
    said = read_until(launcher, "started")
    launcher.send_signal(number)
    said = end(launcher, said)  # workers have the same pipe: it would not end before they do
    assert launcher.returncode == status and words in said
    assert "training" not in said and not (tmp_path / "weights.npz").exists()


# --- which images a worker gets ---


@given(st.data())
def test_shares_of_workers_are_the_global_batch_of_one(data):
    workers = data.draw(st.integers(1, 6), label="workers")
    batch = workers * data.draw(st.integers(1, 8), label="images of a worker")
    count = data.draw(st.integers(batch, 200), label="count")
    step, seed = data.draw(st.integers(0, 100), label="step"), data.draw(st.integers(0, 9), label="seed")
    shares = [script.rows_of(step, seed, count, batch, worker, workers) for worker in range(workers)]
    assert {len(share) for share in shares} == {batch // workers}
    assert np.array_equal(np.concatenate(shares), script.rows_of(step, seed, count, batch))


@given(st.integers(1, 20), st.integers(1, 100), st.integers(0, 5))
def test_an_epoch_has_no_image_twice(batch, more, epoch):
    count = batch + more
    steps = range(epoch * (count // batch), (epoch + 1) * (count // batch))
    rows = np.concatenate([script.rows_of(step, 0, count, batch) for step in steps])
    assert len(set(rows.tolist())) == len(rows) > count - batch
    assert set(rows.tolist()) <= set(range(count))


def test_order_changes_with_epoch_and_seed():
    orders = {tuple(script.order(seed, epoch, 50)) for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4


# --- options ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--batch", "63"], "--batch 63 cannot be shared equally by 2 workers"),
        (["--steps", "0"], "start at 1"),
        (["--seed", "-1"], "at 0"),
        (["--seed", "1"], "holds a training with {'dataset': 'digits', 'seed': 0, 'batch': 64}, not {"),
    ],
)
def test_options_that_cannot_be(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    script.read_options(["--folder", str(tmp_path)])
    with pytest.raises(SystemExit, match="2"):
        script.main(["--folder", str(tmp_path), *options])
    assert message in capsys.readouterr().err


def test_a_training_may_go_on_with_more_steps_and_other_workers(tmp_path):
    script.read_options(["--folder", str(tmp_path)])
    options = script.read_options(["--folder", str(tmp_path), "--steps", "400", "--workers", "4"])
    assert (options.steps, options.workers, options.batch) == (400, 4, 64)


def test_no_two_workers_get_the_same_port():
    addresses = script.free_addresses(20)
    assert len(set(addresses)) == 20
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+", address) for address in addresses)

"""Lessons look and compute alike, whatever a user has set for other work, in files and variables."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from first_cells import run_first_cells
from surroundings import surroundings

HOSTILE_FIGURES = "image.origin: lower\nimage.cmap: jet\nfigure.dpi: 30\naxes.grid: True\nfont.size: 5\nbackend: Agg\n"
HOSTILE_KERAS = {"floatx": "float16", "epsilon": 0.1, "backend": "jax", "image_data_format": "channels_first"}


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """Let kernels and programs start in surroundings of this test's own; return their folder."""
    for name, value in surroundings(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def pictures(cells) -> list[str]:
    """Return the figures of cells."""
    outputs = [output for cell in cells for output in cell.outputs]
    return [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]


def test_figures_are_the_same_with_any_settings(own, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)
    usual = pictures(run_first_cells("01", 4))
    (own / "matplotlibrc").write_text(HOSTILE_FIGURES)
    monkeypatch.setenv("MATPLOTLIBRC", str(own / "matplotlibrc"))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    assert len(usual) == 2
    assert pictures(run_first_cells("01", 4)) == usual


def test_a_lesson_with_keras_begins_with_any_settings(own, monkeypatch):
    (own / "keras" / "keras.json").write_text(json.dumps(HOSTILE_KERAS))
    for name, value in {"MPLBACKEND": "Agg", "KERAS_BACKEND": "torch", "KERAS_MAX_EPOCHS": "1"}.items():
        monkeypatch.setenv(name, value)
    assert len(pictures(run_first_cells("03", 4))) == 1


def run(code: str, **environment: str) -> subprocess.CompletedProcess:
    """Run Python code with variables of a user's."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)


SETTINGS = """
import helpers.training, keras
config = keras.config
print(config.backend(), config.floatx(), config.dtype_policy().name, config.epsilon(), config.image_data_format())
print(config.max_epochs(), config.max_steps_per_epoch())
config.set_floatx("float16")  # what a learner sets in a lesson stays, whatever is imported later
import helpers.models
print(config.floatx())
"""


def test_keras_gets_the_settings_of_the_lessons(own):
    (own / "keras" / "keras.json").write_text(json.dumps(HOSTILE_KERAS))
    done = run(SETTINGS, KERAS_BACKEND="jax", KERAS_MAX_EPOCHS="1", KERAS_MAX_STEPS_PER_EPOCH="2")
    assert done.stdout.splitlines() == [
        "tensorflow float32 float32 1e-07 channels_last",
        "None None",
        "float16",
    ], done.stderr


@pytest.mark.parametrize("content", ['{"floatx": "float8"}', "[]", '{"image_data_format": 3}', '{"epsilon": "small"}'])
def test_settings_that_keras_cannot_read_are_named(own, content):
    file = own / "keras" / "keras.json"
    file.write_text(content)
    done = run("import helpers.training")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"RuntimeError: Keras cannot read its settings: mend or delete the file {file}."
    )


BROKEN = """
import importlib
def broken(name):
    raise ValueError("something else")
importlib.import_module = broken
import helpers.engine
"""


def test_where_there_are_no_settings_an_error_stays_what_it_is(own):
    done = run(BROKEN)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ValueError: something else"


def test_a_keras_that_runs_on_something_else_is_refused(own):
    done = run("import helpers, keras\nkeras.config.backend = lambda: 'jax'\nimport helpers.training")
    assert done.returncode == 1
    assert "Keras was started with jax before the lesson began: restart the kernel" in done.stderr.splitlines()[-1]

"""What the README moves: frames become a moving picture and a still (scripts/record_widgets.py, run by hand)."""

import importlib
import io

import numpy as np
import pytest
from PIL import Image
from script_tools import SCRIPTS


@pytest.fixture
def record_widgets(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("record_widgets")


def frame(color, milliseconds):
    """Return a PNG file of one color, and how long it stands."""
    file = io.BytesIO()
    Image.fromarray(np.full((50, 110, 3), color, np.uint8)).save(file, "png")
    return file.getvalue(), milliseconds


def test_frames_become_a_moving_picture_and_a_still(record_widgets, tmp_path):
    size = record_widgets.save([frame(0, 900), frame(128, 350), frame(255, 1100)], 1, tmp_path / "moves")
    assert size == (tmp_path / "moves.webp").stat().st_size
    moving = Image.open(tmp_path / "moves.webp")
    assert (moving.n_frames, moving.info["loop"], moving.size) == (3, 2, (record_widgets.WIDTH, 400))
    shown = []
    for place in range(3):
        moving.seek(place)
        moving.load()
        shown.append((round(np.asarray(moving.convert("L")).mean() / 64), moving.info["duration"]))
    assert shown == [(0, 900), (2, 350), (4, 1100)]
    still = Image.open(tmp_path / "moves.png")
    assert still.size == moving.size and abs(np.asarray(still.convert("L")).mean() - 128) < 3


def test_what_is_too_large_is_refused(record_widgets, tmp_path, monkeypatch):
    monkeypatch.setattr(record_widgets, "MOST", 100)
    with pytest.raises(ValueError, match=r"moves would have [\d,]+ bytes, and 100 are the most: take fewer frames"):
        record_widgets.save([frame(0, 100), frame(255, 100)], 0, tmp_path / "moves")
    assert not [*tmp_path.iterdir()]

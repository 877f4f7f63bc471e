"""The budget explorer, driven as a reader would; its numbers against networks of helpers.recipe."""

import itertools
import re
import xml.etree.ElementTree as ElementTree
from functools import cache

from helpers.floor import count_operations
from helpers.pixels import ACCENT
from helpers.recipe import Recipe, build_network
from helpers.widgets import budget
from helpers.widgets.budget import BARS, BATCHES, MAP, SPEED, BudgetExplorer, place_on_map, seconds_text

import numpy as np
import pandas as pd
import pytest
from widget_tools import (
    SVG,
    assert_finite,
    assert_one_change_computes_once,
    assert_pictures_are_drawn,
    assert_sound,
    close,
    complains,
    controls,
    drive,
    ends,
    put,
    said,
    some_value,
    state,
)

POINTS = pd.DataFrame(
    {
        "name": ["a <piece>", "recipe <80%> & more", "a long name at the border"],
        "operations": [1e13, 2e13, 1.9e15],
        "accuracy": [0.72, 0.81, 0.93],
        "small": [True, False, False],
    }
)
WORDING = (
    r"Stages (\d+)-(\d+)-(\d+), (\d+) epochs? in batches of (\d+): ([\d,]+) steps, ([\d,]+) parameters, "
    r"([\d.]+) trillion operations\. At (\d+) billion a second the floor is ([\d.]+) (s|min|h)\. "
    r"A step keeps about ([\d,]+) MB\."
)
SECONDS = {"s": 1, "min": 60, "h": 3600}


@pytest.fixture
def explorer():
    return BudgetExplorer(points=POINTS)


@cache
def counted(width):
    """The network of the recipe, layer by layer, and its number of parameters."""
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    model = build_network(images, 10, Recipe(widths=(width, 2 * width, 4 * width)))
    return count_operations(model), model.count_params()


def by_hand(width, depth):
    """Operations of a step for an image, and parameters: whitening, then sides of 31, 15, 7 pixels."""
    operations, parameters, before = 2 * 31 * 31 * 24 * 12, 2 * 2 * 3 * 24, 24
    for side, filters in ((31, width), (15, 2 * width), (7, 4 * width)):
        operations += 2 * side**2 * 9 * before * filters * (2 if side == 31 else 3)
        operations += (depth - 1) * 6 * (side // 2) ** 2 * 9 * filters**2
        parameters += 9 * before * filters + (depth - 1) * 9 * filters**2 + 3 * depth * filters
        before = filters
    return operations + 6 * before * 10, parameters + (before + 1) * 10


def assert_tells_the_truth(widget):
    """Result, status line and pictures are those of the counts by hand for what the controls say."""
    width, depth, epochs, batch = (widget.settings()[name] for name in ("width", "depth", "epochs", "batch"))
    if width % 8:
        return  # between two places of the slider: the page does not send these
    operations, parameters = by_hand(width, depth)
    result, total = widget.result, operations * 45_000 * epochs
    assert (result.operations, result.parameters, result.floor) == (total, parameters, total / widget.speed)
    assert not complains(widget)
    found = [text.replace(",", "") for text in re.fullmatch(WORDING, said(widget)).groups()]
    assert [int(text) for text in found[:7]] == [
        *(width, 2 * width, 4 * width),
        *(epochs, batch, 45_000 // batch * epochs, parameters),
    ]
    assert close(found[7], total / 1e12)
    assert close(found[8], widget.speed / 1e9)
    assert close(found[9], total / widget.speed / SECONDS[found[10]])
    assert close(found[11], result.memory / 1e6)
    assert_pictures_are_true(widget)


def assert_pictures_are_true(widget):
    """Bars are as long as the shares, the longest is orange; the line stands where the training is on the map."""
    counts = [part.operations for part in widget.result.parts]
    bars, places = (ElementTree.fromstring(panel.overlay.value) for panel in widget.panels)
    found = bars.findall(f"{SVG}rect")
    assert [float(bar.get("width")) for bar in found] == pytest.approx(
        [max(150 * count / max(counts), 1) for count in counts], abs=0.06
    )
    assert [bar.get("fill") == ACCENT for bar in found] == [count == max(counts) for count in counts]
    shares = [text.text for text in bars.iter(f"{SVG}text") if text.text.endswith("%")]
    assert shares == [f"{count / sum(counts):.1%}" for count in counts]
    line = places.find(f"{SVG}path[@class='budget']").get("d")
    assert float(re.match(r"M([\d.]+)", line)[1]) == pytest.approx(
        place_on_map(sum(counts) * 45_000 * widget.settings()["epochs"], 0)[0], abs=0.06
    )


# --- what it computes ---


@pytest.mark.parametrize("width", [8, 32, 72])
def test_costs_are_those_of_the_network_of_the_recipe(explorer, width):
    table, parameters = counted(width)
    result = explorer.compute(width, 2, 1, 256)
    assert result.parameters == parameters
    assert sum(part.operations for part in result.parts) == table["training"].sum()
    assert result.operations == table["training"].sum() * 45_000
    work = table.loc[table["forward"] > 0, "training"].to_numpy()
    assert [part.operations for part in result.parts] == [
        work[0],
        *(work[place] + work[place + 1] for place in (1, 3, 5)),
        work[7],
    ]
    kept = table.loc[table["kind"] != "Rescaling", "numbers"].sum()
    assert sum(part.numbers for part in result.parts) == kept
    assert result.memory == 4 * (256 * kept + 3 * parameters)


def test_costs_at_all_ends_of_all_controls(explorer):
    before = state(explorer)
    for values in itertools.product(*map(ends, explorer.controls.values())):
        settings = dict(zip(explorer.controls, values, strict=True))
        result = explorer.compute(**settings)
        assert_finite([(*part[1:],) for part in result.parts])
        operations, parameters = by_hand(settings["width"], settings["depth"])
        assert (result.operations, result.parameters) == (operations * 45_000 * settings["epochs"], parameters)
        assert result.steps == 45_000 // settings["batch"] * settings["epochs"]
    assert state(explorer) == before


def test_depth_adds_convolutions_after_the_pooling(explorer):
    one, two, three = (explorer.compute(16, depth, 1, 64) for depth in (1, 2, 3))
    for place, (side, filters) in enumerate(((15, 16), (7, 32), (3, 64)), 1):
        for less, more in ((one, two), (two, three)):
            assert more.parts[place].operations - less.parts[place].operations == 6 * side**2 * 9 * filters**2
            assert more.parts[place].parameters - less.parts[place].parameters == 9 * filters**2 + 3 * filters
            assert more.parts[place].numbers - less.parts[place].numbers == 3 * side**2 * filters


# --- what it shows ---


def test_the_first_state(explorer):
    assert explorer.settings() == {"width": 32, "depth": 2, "epochs": 2, "batch": 256}
    assert explorer.speed == SPEED
    assert_tells_the_truth(explorer)
    assert said(explorer).startswith("Stages 32-64-128, 2 epochs in batches of 256: 350 steps, 295,530 parameters")
    put(explorer, epochs=1)
    assert ", 1 epoch in" in said(explorer)


@pytest.mark.parametrize("seed", range(2))
def test_budget_explorer_in_any_order(explorer, seed):
    random = np.random.default_rng(seed)
    for _ in range(20):
        control = [*explorer.controls.values()][random.integers(4)]
        control.value = some_value(control, random)
        assert_tells_the_truth(explorer)
        assert_sound(explorer)
    assert_pictures_are_drawn(explorer)


def test_each_control_at_its_ends(explorer):
    for control in explorer.controls.values():
        start = control.value
        for value in [*ends(control), start]:
            control.value = value
            assert_tells_the_truth(explorer)
            assert_sound(explorer)
            assert_pictures_are_drawn(explorer)


@pytest.mark.parametrize("speed", [1e9, 3.7e11, 9e13])
def test_the_floor_is_that_of_the_given_speed(speed):
    widget = BudgetExplorer(speed=speed, points=POINTS)
    assert_tells_the_truth(widget)
    for epochs in (1, 40):
        put(widget, epochs=epochs)
        assert_tells_the_truth(widget)


def test_everything_drawn_is_inside_of_the_pictures(explorer):
    put(explorer, width=128, depth=4, epochs=40)
    for panel, size in zip(explorer.panels, (BARS, MAP), strict=True):
        root = ElementTree.fromstring(panel.overlay.value)
        for part in root.iter(f"{SVG}rect"):
            x, y, width, height = (float(part.get(name)) for name in ("x", "y", "width", "height"))
            assert 0 <= x <= x + width <= size[0] and 0 <= y <= y + height <= size[1]
        for part in root.iter(f"{SVG}text"):
            x, wide = float(part.get("x")), 0.5 * float(part.get("font-size")) * len(part.text)
            left = x - wide * {"start": 0, "middle": 0.5, "end": 1}[part.get("text-anchor")]
            assert 0 <= left <= left + wide <= size[0]
            assert 0 <= float(part.get("y")) <= size[1]
    x, _ = place_on_map(explorer.result.operations, 0)
    assert x == max(x, place_on_map(1e14, 0)[0])


def test_points_are_on_the_map_with_their_names(explorer):
    root = ElementTree.fromstring(explorer.panels[1].overlay.value)
    circles = root.findall(f"{SVG}circle")
    found = [(float(circle.get("cx")), float(circle.get("cy"))) for circle in circles]
    expected = [place_on_map(point.operations, point.accuracy) for point in POINTS.itertuples()]
    np.testing.assert_allclose(found, expected, atol=0.06)
    assert [circle.get("r") for circle in circles] == ["3", "5", "5"]
    titles = [circle.find(f"{SVG}title").text for circle in circles]
    assert titles == ["a <piece>, 72.0%", "recipe <80%> & more, 81.0%", "a long name at the border, 93.0%"]
    written = [text.text for text in root.iter(f"{SVG}text")]
    assert [name in written for name in POINTS["name"]] == [False, True, True]
    assert len({*found}) == 3


def test_the_map_is_logarithmic_and_has_borders():
    assert place_on_map(1e12, 0.5) == pytest.approx((46, 212))
    assert place_on_map(2e15, 1.0) == pytest.approx((380, 16))
    steps = np.diff([place_on_map(10.0**exponent, 0.8)[0] for exponent in (12, 13, 14, 15)])
    assert np.ptp(steps) < 1e-9 < steps[0]
    assert place_on_map(1, 0) == place_on_map(1e12, 0.5)
    assert place_on_map(1e20, 2) == place_on_map(2e15, 1)


def test_stored_points_are_shown_where_none_are_given(monkeypatch):
    runs = pd.DataFrame(
        {"name": ["a", "a", "a"], "seed": [0, 0, 1], "operations": [2e12, 2e12, 4e12], "val_accuracy": [0.1, 0.7, 0.8]}
    )
    names = ["GELU instead of ReLU", "half as wide", "no whitening"]
    rows = [
        (names[0], 0, 1, 0),
        (names[0], 0, 2, 0.7),
        (names[0], 1, 2, 0.8),
        (names[0], 5, 2, 0),
        (names[1], 0, 2, 0.9),
    ]
    pieces = pd.DataFrame([*rows, (names[2], 0, 2, 0.6)], columns=["piece", "seed", "epoch", "val_accuracy"])
    monkeypatch.setattr(budget, "load_benchmark_runs", lambda: runs)
    monkeypatch.setattr(budget, "load_recipe_runs", lambda: pieces)
    points = BudgetExplorer().points
    assert points["name"].tolist() == [*names, "a"] and points["small"].tolist() == [True, True, True, False]
    assert points["accuracy"].tolist() == pytest.approx([0.75, 0.9, 0.6, 0.75])
    learned = count_operations(
        build_network(np.arange(6144, dtype="uint8").reshape(2, 32, 32, 3), 10, Recipe(whitening=False))
    )
    steps = [by_hand(32, 2)[0], by_hand(16, 2)[0], learned["training"].sum()]
    assert points["operations"].tolist() == pytest.approx([*(step * 90_000 for step in steps), 3e12])


def test_reset_brings_back_the_first_state():
    widget = BudgetExplorer(64, 3, 5, 512, points=POINTS)
    first, still = state(widget), widget.still()
    drive(widget, np.random.default_rng(0), 10)
    put(widget, width=8, depth=1, epochs=40, batch=64)
    assert state(widget) != first
    widget.reset.click()
    assert state(widget) == first
    assert widget.still() == still
    assert_tells_the_truth(widget)


def test_one_change_computes_once(explorer, monkeypatch):
    assert_one_change_computes_once(explorer, monkeypatch)


def test_controls_say_what_they_are(explorer):
    assert len(controls(explorer)) == len(explorer.controls) == 4
    for name, control in explorer.controls.items():
        assert control.tooltip
        assert name == control.description.split()[0].lower()
    assert [ends(control) for control in explorer.controls.values()] == [
        [8, 32, 128],
        [1, 2, 4],
        [1, 2, 40],
        [*BATCHES],
    ]
    assert "cnn-budget" in explorer._dom_classes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 4}, "Width must be one of 8, 16, …, 128, but it is 4"),
        ({"width": 136}, "Width must be one of 8, 16, …, 128"),
        ({"width": 33}, "but it is 33"),
        ({"width": "32"}, "but it is '32'"),
        ({"depth": 0}, "Depth must be a whole number from 1 to 4, but it is 0"),
        ({"depth": 5}, "Depth must be a whole number from 1 to 4, but it is 5"),
        ({"depth": 2.5}, "Depth must be a whole number from 1 to 4, but it is 2.5"),
        ({"epochs": 0}, "Epochs must be a whole number from 1 to 40, but it is 0"),
        ({"epochs": 41}, "Epochs must be a whole number from 1 to 40, but it is 41"),
        ({"epochs": None}, "but it is None"),
        ({"batch": 100}, "Batch must be one of 64, 128, 256, 512, 1024, but it is 100"),
        ({"batch": "64"}, "Batch must be one of 64"),
        ({"speed": 0}, "speed must be a number of operations a second above 0, but it is 0"),
        ({"speed": -1e9}, "speed must be a number"),
        ({"speed": float("nan")}, "but it is nan"),
        ({"speed": float("inf")}, "but it is inf"),
        ({"speed": "fast"}, "but it is 'fast'"),
    ],
)
def test_budget_explorer_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        BudgetExplorer(**changes, points=POINTS)


def test_whole_numbers_of_any_type_are_taken():
    widget = BudgetExplorer(np.int64(16), 3.0, np.int32(4), 64.0, np.float32(1e9), POINTS)
    assert_tells_the_truth(widget)
    assert "in batches of 64:" in said(widget)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.95, "10 s"),
        (119.4, "119 s"),
        (120, "2.0 min"),
        (7190, "120 min"),
        (7200, "2.0 h"),
        (30000, "8.3 h"),
    ],
)
def test_seconds_text(seconds, text):
    assert seconds_text(seconds) == text

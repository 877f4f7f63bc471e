"""The dropout explorer of lesson 04: what it computes, draws and says, compared with the file of the runs."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from helpers.datasets import load_runs
from helpers.widgets.dropout import CHART, DropoutExplorer, chart

import numpy as np
import pandas as pd
import pytest
from widget_tools import (
    assert_sound,
    said,
    shown,
    state,
    text_of,
)

ROOT = Path(__file__).resolve().parents[2]
CSV = ROOT / "data" / "overfitting_runs.csv"
RATES = [round(0.1 * step, 1) for step in range(10)]
METRICS = ("accuracy", "crossentropy")


@pytest.fixture(scope="module")
def table():
    """The rows of the file, read without helpers."""
    return pd.read_csv(CSV)


@pytest.fixture(scope="module")
def dropout():
    """One explorer for all tests that only compute, as a chart takes a while."""
    return DropoutExplorer()


@pytest.fixture(scope="module")
def epochs(table):
    return table["epoch"].max()


def ends_of(table, rate):
    rows = table[table["variant"] == f"dropout {rate}"]
    rows = rows[rows["epoch"] == rows["epoch"].max()]
    assert len(rows) == 5
    return rows


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("rate", RATES)
def test_runs_of_a_rate_are_those_of_the_file(dropout, table, epochs, rate, metric):
    result = dropout.compute(rate, metric)
    assert (result.rate, result.metric) == (rate, metric)
    expected = table[table["variant"] == f"dropout {rate}"]
    assert len(expected) == 5 * epochs
    pd.testing.assert_frame_equal(result.runs[table.columns], expected)
    pd.testing.assert_frame_equal(result.last[table.columns], ends_of(table, rate))


@pytest.mark.parametrize(
    ("rate", "taken"),
    [(0.30000000000000004, 0.3), (0.3499, 0.3), (0.36, 0.4), (-1, 0.0), (7, 0.9), (np.float32(0.7), 0.7), (0, 0.0)],
)
def test_a_rate_between_two_is_the_next_one(dropout, rate, taken):
    result = dropout.compute(rate, "accuracy")
    assert result.rate == taken
    assert set(result.runs["variant"]) == {f"dropout {taken}"}


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.9])
def test_what_is_said_of_a_rate_are_the_numbers_of_the_file(dropout, table, epochs, rate):
    last = ends_of(table, rate)
    training, validation = last["training_accuracy"], last["val_accuracy"]
    assert dropout.describe(dropout.compute(rate, "accuracy")) == (
        f"Dropout {rate}, after {epochs} epochs, mean of 5 runs: {100 * training.mean():.0f}% of the training images "
        f"right, {100 * validation.mean():.0f}% of the validation images ({100 * validation.min():.0f}% to "
        f"{100 * validation.max():.0f}%), a gap of {100 * (training.mean() - validation.mean()):.0f} points. "
        f"Validation loss {last['val_crossentropy'].mean():.2f}."
    )


@pytest.mark.parametrize("rate, metric", [(0.0, "accuracy"), (0.3, "crossentropy"), (0.9, "accuracy")])
def test_pictures_of_a_rate(dropout, epochs, rate, metric):
    curves, ends_by_rate = dropout.draw(dropout.compute(rate, metric))
    assert curves.title == f"Dropout {rate}, epoch by epoch"
    assert ends_by_rate.title == f"After {epochs} epochs, rate by rate"
    for picture in (curves, ends_by_rate):
        assert (picture.width, picture.height) == CHART
        assert picture.pixels.dtype == np.uint8
        assert picture.pixels.shape == (1.5 * CHART[1], 1.5 * CHART[0], 3)
        assert np.ptp(picture.pixels) > 200
    assert curves.marks == ""
    assert ends_by_rate.marks.count("<path") == 1


@pytest.mark.parametrize("metric", METRICS)
def test_curves_and_ends_are_means_of_the_file(dropout, table, epochs, metric):
    for rate, x in ((0.3, "epoch"), (None, "rate")):
        _, ax = dropout._chart(rate, metric)
        rows = table[table["variant"].str.startswith("dropout")]
        rows = rows.assign(rate=rows["variant"].str[8:].astype(float))
        rows = rows[rows["epoch"] == epochs] if rate is None else rows[rows["rate"] == rate]
        means = rows.groupby(x)[[f"training_{metric}", f"val_{metric}"]].mean()
        for line, column in zip(ax.lines, means, strict=True):
            np.testing.assert_allclose(line.get_xdata(), means.index)
            np.testing.assert_allclose(line.get_ydata(), means[column])
        assert ax.get_xlabel() == ("epoch" if rate else "dropout rate")
        assert ax.get_ylabel() == metric
        low, high = ax.get_ylim()
        measured = table.loc[table["variant"].str.startswith("dropout"), [*means]].to_numpy()
        assert low <= measured.min() <= measured.max() <= high  # nothing is cut off


def test_line_stands_at_the_rate(dropout):
    places = []
    for rate in RATES:
        path = ElementTree.fromstring(dropout.draw(dropout.compute(rate, "accuracy"))[1].marks).get("d")
        x, low, high = map(float, re.fullmatch(r"M([\d.]+) ([\d.]+)V([\d.]+)", path).groups())
        places.append(x)
    _, ax = dropout._chart(None, "accuracy")
    left, right = ax.transData.transform([(0, 0), (0.9, 0)])[:, 0] / 1.5
    np.testing.assert_allclose(places, np.linspace(left, right, 10), atol=0.06)
    box = ax.get_window_extent()
    np.testing.assert_allclose([CHART[1] - low, CHART[1] - high], [box.y0 / 1.5, box.y1 / 1.5], atol=0.2)


def test_dropout_explorer_follows_its_controls(table):
    explorer = DropoutExplorer(rate=0.3)
    assert explorer.settings() == {"rate": 0.3, "metric": "accuracy"}
    assert {*explorer.controls["metric"].options.values()} == {*METRICS}
    first, still = state(explorer), explorer.still()
    for rate, metric in ((0.9, "accuracy"), (0.0, "crossentropy")):
        explorer.controls["rate"].value, explorer.controls["metric"].value = rate, metric
        assert said(explorer) == explorer.describe(explorer.compute(rate, metric))
        for panel, picture in zip(explorer.panels, explorer.draw(explorer.result), strict=True):
            assert panel.heading.value == f"<b>{picture.title}</b>"
            np.testing.assert_array_equal(shown(panel.image), picture.pixels)
        assert_sound(explorer)
        assert said(explorer).replace(" ", "") in text_of(explorer.still()).replace(" ", "")
    assert explorer.still() != still
    explorer.reset.click()
    assert explorer.settings() == {"rate": 0.3, "metric": "accuracy"}
    assert state(explorer) == first
    assert explorer.still() == still == DropoutExplorer(rate=0.3).still()


def test_a_chart_is_drawn_once(monkeypatch):
    drawn = []
    monkeypatch.setattr("helpers.widgets.dropout.plot_runs", lambda runs, x, metric, ax: drawn.append((x, metric)))
    explorer = DropoutExplorer()
    for rate in (0.5, 0.0, 0.5):
        explorer.controls["rate"].value = rate
    assert drawn == [("epoch", "accuracy"), ("rate", "accuracy"), ("epoch", "accuracy")]
    explorer.controls["metric"].value = "crossentropy"
    explorer.reset.click()
    assert drawn[3:] == [("epoch", "crossentropy"), ("rate", "crossentropy")]


@pytest.mark.parametrize("rates", [[0.0, 0.3, 0.5], [0.2], [0.1, 0.9]])
def test_runs_of_ones_own_may_have_any_rates(table, rates, monkeypatch):
    monkeypatch.setattr("helpers.widgets.dropout.plot_runs", lambda runs, x, metric, ax: None)
    runs = table[table["variant"].isin([f"dropout {rate}" for rate in rates] + ["L2", "dropout", "dropout 0.5 twice"])]
    explorer = DropoutExplorer(runs.sample(frac=1, random_state=0), rates[-1])
    slider = explorer.controls["rate"]
    assert (slider.min, slider.value, slider.max) == (rates[0], rates[-1], rates[-1])
    for value in np.linspace(slider.min, slider.max, 7):
        slider.value = value
        assert explorer.result.rate == min(rates, key=lambda rate: abs(rate - slider.value))
        assert "mean of 5 runs" in said(explorer)
        assert "nan" not in said(explorer)


@pytest.mark.parametrize("rate", [0.25, -0.1, 1, None, "0.3", np.nan])
def test_a_rate_without_runs_is_refused(rate):
    with pytest.raises(ValueError, match=r"There are no runs of dropout .*, only of 0\.0, 0\.1, .*, 0\.9\."):
        DropoutExplorer(rate=rate)


def test_runs_without_dropout_are_refused(table):
    for runs in (table[:0], table[table["variant"] == "L2"]):
        with pytest.raises(ValueError, match=r"There are no runs of dropout 0\.0, only of none\."):
            DropoutExplorer(runs)


def test_runs_are_not_changed_by_the_explorer():
    runs = load_runs()
    before = runs.copy()
    DropoutExplorer(runs).controls["rate"].value = 0.5
    pd.testing.assert_frame_equal(runs, before)


def test_a_chart_leaves_no_figure_open():
    import matplotlib.pyplot as plt

    pixels, ax = chart(lambda ax: ax.plot([0, 1]))
    assert plt.get_fignums() == []
    assert pixels.shape == (435, 555, 3)
    assert len(ax.lines) == 1

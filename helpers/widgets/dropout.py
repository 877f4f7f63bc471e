"""The dropout explorer: learning curves of trainings made beforehand, for each dropout rate (lesson 04)."""

from functools import cached_property, lru_cache
from typing import NamedTuple

from helpers.datasets import load_runs
from helpers.pixels import as_pixels
from helpers.plots import plot_runs
from helpers.widgets.base import Explorer, make_dropdown, make_slider
from helpers.widgets.drawing import Picture

import matplotlib as mpl
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

CHART = (370, 290)  # width and height of a chart on the screen, in pixels
METRICS = {"accuracy": "accuracy", "loss (cross-entropy)": "crossentropy"}
LIMITS = {"accuracy": (0, 1.04), "crossentropy": (0, 4)}


def chart(draw, size=CHART, frame=(0.14, 0.17, 0.83, 0.8)) -> tuple:
    """Let ``draw`` draw in the axes of a new figure; return its pixels and its axes.

    It has one and a half times as many pixels as it takes on the screen, so that text is sharp there.
    """
    fig = Figure(figsize=(size[0] / 96, size[1] / 96), dpi=144, layout="none")
    FigureCanvasAgg(fig)
    ax = fig.add_axes(frame)
    draw(ax)
    return as_pixels(fig), ax


class Runs(NamedTuple):
    """The trainings at one dropout rate, and the last epoch of all of them."""

    rate: float
    metric: str
    runs: pd.DataFrame  # a row for each seed and epoch
    last: pd.DataFrame  # a row for each seed: its last epoch


class DropoutExplorer(Explorer):
    """Change the dropout rate; see the learning curves of trainings made beforehand, several for each rate.

    Parameters
    ----------
    runs : DataFrame as `helpers.datasets.load_runs` returns it, or None for that one; the variants that are named
        ``"dropout 0.3"`` and so on are used
    rate : float, where to start

    Raises ValueError if there are no such variants, or none of this rate.
    """

    title = "Dropout explorer"

    def __init__(self, runs: pd.DataFrame | None = None, rate: float = 0.0):
        runs = load_runs() if runs is None else runs
        runs = runs[runs["variant"].str.fullmatch(r"dropout 0\.\d")]
        self.runs = runs.assign(rate=runs["variant"].str[8:].astype(float).round(1))
        self.rates = rates = sorted(self.runs["rate"].unique())
        if rate not in rates:
            raise ValueError(f"There are no runs of dropout {rate!r}, only of {', '.join(map(str, rates)) or 'none'}.")
        step = round(rates[1] - rates[0], 1) if len(rates) > 1 else 0.1
        slider = make_slider("Dropout rate", rate, rates[0], rates[-1], step, "Share of the inputs set to 0", "330px")
        slider.readout_format = ".1f"
        choose = make_dropdown("Curves", METRICS, "accuracy", "What to draw", "230px")
        self._chart = lru_cache(maxsize=None)(self._draw_chart)
        super().__init__("dropout", [{"rate": slider, "metric": choose}])

    def compute(self, rate, metric) -> Runs:
        """Return the runs of this rate, or of the next one that there is."""
        rate = min(self.rates, key=lambda there: abs(there - rate))
        runs = self.runs[self.runs["rate"] == rate]
        return Runs(rate, metric, runs, runs[runs["epoch"] == runs["epoch"].max()])

    @cached_property
    def ends(self) -> pd.DataFrame:
        """The last epoch of each run, for all rates."""
        return self.runs[self.runs["epoch"] == self.runs["epoch"].max()]

    def _draw_chart(self, rate: float | None, metric: str) -> tuple:
        """Return pixels and axes: curves by epoch for a rate, or for None the ends of all curves by rate."""

        def draw(ax):
            if rate is None:
                plot_runs(self.ends, "rate", metric, ax)
                ax.set_xlabel("dropout rate")
            else:
                plot_runs(self.compute(rate, metric).runs, "epoch", metric, ax)
                ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
            ax.set_ylim(*LIMITS[metric])

        return chart(draw)

    def draw(self, result: Runs) -> list[Picture]:
        """Return two pictures: the curves at this rate, and where the curves end at all rates."""
        curves, _ = self._chart(result.rate, result.metric)
        ends, ax = self._chart(None, result.metric)
        x = ax.transData.transform((result.rate, 0))[0] * 96 / 144
        low, high = ((1 - share) * CHART[1] for share in (0.17, 0.97))
        line = f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="#444" stroke-width="1.5" stroke-dasharray="5 4"/>'
        epochs = result.last["epoch"].max()
        return [
            Picture(f"Dropout {result.rate:.1f}, epoch by epoch", curves, "", *CHART),
            Picture(f"After {epochs} epochs, rate by rate", ends, line, *CHART),
        ]

    def describe(self, result: Runs) -> str:
        """Return accuracies after the last epoch as a sentence."""
        training, validation = result.last["training_accuracy"], result.last["val_accuracy"]
        gap = 100 * (training.mean() - validation.mean())
        return (
            f"Dropout {result.rate:.1f}, after {result.last['epoch'].max()} epochs, mean of {len(result.last)} runs: "
            f"{training.mean():.0%} of the training images right, {validation.mean():.0%} of the validation images "
            f"({validation.min():.0%} to {validation.max():.0%}), a gap of {gap:.0f} points. "
            f"Validation loss {result.last['val_crossentropy'].mean():.2f}."
        )

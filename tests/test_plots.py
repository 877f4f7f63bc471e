"""helpers.plots: what is on each figure."""

from helpers import plots
from helpers.pixels import COLORS, SIGNED, heat_over, mosaic

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from sklearn import metrics


def panels(fig):
    """Axes that hold an image."""
    return [ax for ax in fig.axes if ax.images]


def test_show_images():
    images = [np.eye(4), np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 1), 9, np.uint8), -np.eye(4)]
    fig = plots.show_images(images, ["one", "two", "three\nlines", "four"], columns=3, title="All")
    assert isinstance(fig, Figure)
    assert [ax.get_title() for ax in panels(fig)] == ["one", "two", "three\nlines", "four"]
    assert fig.get_suptitle() == "All"
    assert panels(fig)[0].get_subplotspec().get_gridspec().get_geometry() == (2, 3)
    assert [ax.axison for ax in fig.axes] == [True, False, False, True, False, False]  # maps have a frame
    assert not any(len(ax.get_xticks()) for ax in panels(fig) if ax.axison)
    assert [ax.images[0].get_array().shape for ax in panels(fig)] == [(4, 4), (4, 4, 3), (4, 4), (4, 4)]
    assert [ax.images[0].get_clim() for ax in panels(fig)[2:]] == [(0, 255), (-1, 1)]
    assert panels(fig)[3].images[0].get_cmap().name == SIGNED


def test_show_images_of_a_batch_in_one_row():
    fig = plots.show_images(np.zeros((5, 6, 3, 1), np.uint8))
    assert panels(fig)[0].get_subplotspec().get_gridspec().get_geometry() == (1, 5)
    assert {ax.get_title() for ax in panels(fig)} == {""}


@pytest.mark.parametrize(
    ("images", "titles", "counts"),
    [
        ([], None, "0 and 0"),
        ([], ["a"], "0 and 1"),
        ([np.eye(2)] * 2, ["a"], "2 and 1"),
        ([np.eye(2)], "ab", "1 and 2"),
    ],
)
def test_show_images_refuses(images, titles, counts):
    with pytest.raises(ValueError, match=f"at least one image and one title for each: got {counts}"):
        plots.show_images(images, titles)


def test_signed_images_that_share_a_scale_share_the_widest():
    fig = plots.show_images([-np.eye(3), 3 * np.eye(3) - 1, np.eye(3)], share=True)
    assert [ax.images[0].get_clim() for ax in panels(fig)] == [(-2, 2), (-2, 2), (0, 1)]


@pytest.mark.parametrize(
    ("maps", "share", "said"),
    [
        ([np.eye(3), 2 * np.eye(3)], False, "Each map has its own scale."),
        ([np.eye(3), 2 * np.eye(3)], True, ""),
        ([np.eye(3), 0.95 * np.eye(3)], False, ""),
        ([np.eye(3), np.eye(3, dtype=np.uint8)], False, ""),
        ([np.eye(3), np.zeros((3, 3, 3))], False, ""),
    ],
)
def test_maps_that_cannot_be_compared_say_so(maps, share, said):
    assert plots.show_images(maps, share=share).get_supxlabel() == said


def test_show_images_signed_by_hand():
    fig = plots.show_images([np.eye(3), np.eye(3)], signed=True)
    assert {ax.images[0].get_cmap().name for ax in panels(fig)} == {SIGNED}


def test_show_zoom():
    image = np.arange(80, dtype=np.uint8).reshape(8, 10)
    fig = plots.show_zoom(image, 2, 3, 2, 4, mark=(0, 1, 2, 2), title="Zoom")
    assert isinstance(fig, Figure)
    whole, part = panels(fig)
    assert (whole.get_title(), part.get_title(), fig.get_suptitle()) == ("image", "rows 2 to 3, columns 3 to 6", "Zoom")
    assert [text.get_text() for text in part.texts] == ["23", "24", "25", "26", "33", "34", "35", "36"]
    boxes = [(box.get_xy(), box.get_width(), box.get_height()) for ax in (whole, part) for box in ax.patches]
    assert boxes == [((2.5, 1.5), 4, 2), ((0.5, -0.5), 2, 2)]


@pytest.mark.parametrize(
    "window", [(-1, 0, 2, 2), (0, -1, 2, 2), (7, 0, 2, 2), (0, 9, 2, 2), (0, 0, 0, 2), (0, 0, 2, 11)]
)
def test_show_zoom_refuses(window):
    with pytest.raises(ValueError, match=r"must lie inside the image, whose shape is \(8, 10\)"):
        plots.show_zoom(np.zeros((8, 10)), *window)


def test_show_numbers():
    patch, kernel = np.array([[0, 255], [10, 20]], np.uint8), np.array([[-1, 0.5, 0]])
    fig = plots.show_numbers({"patch": patch, "kernel": kernel}, ["×"], title="Step", mark={"patch": (1, 0, 1, 2)})
    assert isinstance(fig, Figure)
    left, right = panels(fig)
    assert (left.get_title(), right.get_title(), fig.get_suptitle()) == ("patch", "kernel", "Step")
    assert [text.get_text() for text in left.texts] == ["0", "255", "10", "20"]
    assert [text.get_color() for text in left.texts] == ["#fff", "#000", "#fff", "#fff"]
    assert [text.get_text() for text in right.texts] == ["−1", "0.50", "0"]
    assert [text.get_text() for text in fig.texts if text.get_text() != "Step"] == ["×"]
    (window,) = left.patches
    assert (window.get_xy(), window.get_width(), window.get_height()) == ((-0.5, 0.5), 2, 1)
    assert not right.patches


def test_show_numbers_of_one_array():
    (ax,) = panels(plots.show_numbers({"mask": np.array([[True, False]])}))
    assert [text.get_text() for text in ax.texts] == ["1", "0"]


HISTORY = pd.DataFrame(
    {"loss": [1.0, 0.5, 0.4], "val_loss": [1.1, 0.7, 0.8], "accuracy": [0.5, 0.8, 0.9], "learning_rate": [1e-3] * 3},
    index=pd.Index([4, 5, 6], name="epoch"),
)


def lines(ax):
    return {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in ax.lines}


def test_plot_history():
    fig = plots.plot_history(HISTORY, title="Digits")
    assert isinstance(fig, Figure)
    loss, accuracy = fig.axes
    assert lines(loss) == {"training": ([4, 5, 6], [1.0, 0.5, 0.4]), "validation": ([4, 5, 6], [1.1, 0.7, 0.8])}
    assert lines(accuracy) == {"training": ([4, 5, 6], [0.5, 0.8, 0.9])}
    assert [(ax.get_xlabel(), ax.get_ylabel()) for ax in fig.axes] == [("epoch", "loss"), ("epoch", "accuracy")]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    assert fig.get_suptitle() == "Digits"
    assert all(tick == round(tick) for tick in loss.get_xticks())


def test_plot_history_again_in_the_same_figure():
    fig = plots.plot_history(HISTORY[:1])
    assert plots.plot_history(HISTORY, fig=fig) is fig
    assert len(fig.axes) == 2
    assert len(fig.axes[0].lines[0].get_xdata()) == 3


def test_plot_history_of_one_metric():
    (ax,) = plots.plot_history(HISTORY[["accuracy"]]).axes
    assert ax.get_title() == "accuracy"


@pytest.mark.parametrize("history", [HISTORY[:0], HISTORY[["learning_rate"]], pd.DataFrame()])
def test_plot_history_of_nothing(history):
    with pytest.raises(ValueError, match="at least one epoch and a column 'loss' or 'accuracy'"):
        plots.plot_history(history)


RUNS = pd.DataFrame(
    [
        (seed, epoch, 0.3, 0.1 * epoch + 0.02 * seed, 0.1 * epoch, 3 - 0.5 * epoch, 3 - 0.2 * epoch - seed / 10)
        for seed in range(3)
        for epoch in (1, 2, 4)
    ],
    columns=[
        *("seed", "epoch", "rate", "training_accuracy", "val_accuracy", "training_crossentropy", "val_crossentropy"),
    ],
)


@pytest.mark.parametrize("metric", ["accuracy", "crossentropy"])
def test_plot_runs(metric):
    ax = plots.plot_runs(RUNS.sample(frac=1, random_state=0), metric=metric)
    columns = {"training": f"training_{metric}", "validation": f"val_{metric}"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", metric)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [*columns]
    for line, band, color, (name, column) in zip(ax.lines, ax.collections, COLORS, columns.items(), strict=False):
        groups = RUNS.groupby("epoch")[column]
        assert line.get_label() == name
        assert line.get_color() == color
        assert line.get_xdata().tolist() == [1, 2, 4]
        np.testing.assert_allclose(line.get_ydata(), groups.mean())
        corners = band.get_paths()[0].vertices
        for epoch, low, high in zip((1, 2, 4), groups.min(), groups.max(), strict=True):
            heights = corners[corners[:, 0] == epoch, 1]
            np.testing.assert_allclose([heights.min(), heights.max()], [low, high])


def test_plot_runs_by_another_column_in_given_axes():
    fig, (first, second) = plt.subplots(1, 2)
    runs = pd.concat([RUNS[RUNS["epoch"] == 4].assign(rate=rate) for rate in (0.0, 0.5)])
    assert plots.plot_runs(runs, "rate", "accuracy", second) is second
    assert not first.lines
    assert second.get_xlabel() == "rate"
    assert [line.get_xdata().tolist() for line in second.lines] == [[0.0, 0.5], [0.0, 0.5]]
    assert fig.axes == [first, second]


def test_plot_runs_of_one_run():
    ax = plots.plot_runs(RUNS[RUNS["seed"] == 2])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.14, 0.24, 0.44])


@given(st.integers(1, 6).flatmap(lambda n: st.lists(st.tuples(*[st.integers(0, n - 1)] * 2), min_size=1)))
def test_confusion_matrix_is_that_of_sklearn(pairs):
    labels, predicted = np.array(pairs).T
    expected = metrics.confusion_matrix(labels, predicted, labels=range(7))
    matrix = plots.confusion_matrix(labels, predicted, 7)
    assert matrix.dtype.kind == "i"
    np.testing.assert_array_equal(matrix, expected)


@pytest.mark.parametrize(
    ("labels", "predicted", "message"),
    [
        ([0, 1], [0], r"one prediction for each label, but got shapes \(1,\) and \(2,\)"),
        ([0, 1], [[1, 0], [0, 1]], "one prediction for each label"),
        ([[0], [1]], [[0], [1]], "one prediction for each label"),
        (0, 0, "one prediction for each label"),
        ([0, 3], [0, 1], "must be from 0 to 2"),
        ([0, 1], [0, 3], "must be from 0 to 2"),
        ([0, -1], [0, 1], "must be from 0 to 2"),
    ],
)
def test_confusion_matrix_refuses(labels, predicted, message):
    with pytest.raises(ValueError, match=message):
        plots.confusion_matrix(labels, predicted, 3)
    with pytest.raises(ValueError, match=message):
        plots.plot_confusion(labels, predicted, "abc")


def test_plot_confusion():
    fig = plots.plot_confusion([0, 0, 0, 1, 2], [0, 0, 1, 1, 0], ["cat", "dog", "owl"], title="Critters")
    assert isinstance(fig, Figure)
    ax = fig.axes[0]
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("Critters", "predicted", "true")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["cat", "dog", "owl"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["cat", "dog", "owl"]
    cells = {(round(t.get_position()[1] - 0.5), round(t.get_position()[0] - 0.5)): t.get_text() for t in ax.texts}
    assert {place: text for place, text in cells.items() if text} == {
        (0, 0): "2",
        (0, 1): "1",
        (1, 1): "1",
        (2, 0): "1",
    }
    assert fig.axes[1].get_ylabel() == "mistakes"


def test_show_predictions():
    images = np.zeros((3, 5, 5, 1), np.uint8)
    probabilities = [[0.9, 0.1], [0.2, 0.8], [0.35, 0.65]]
    fig = plots.show_predictions(images, np.array([0, 1, 0]), probabilities, ["cat", "dog"], title="Some")
    assert isinstance(fig, Figure)
    assert [ax.get_title() for ax in panels(fig)] == ["cat (90%)", "dog (80%)", "dog (65%)\ntruth: cat"]
    assert fig.get_suptitle() == "Some"


@pytest.mark.parametrize(
    ("images", "labels", "message"), [(3, 2, "one title for each: got 3 and 2"), (2, 3, "argument 2 is shorter")]
)
def test_show_predictions_refuses(images, labels, message):
    with pytest.raises(ValueError, match=message):
        plots.show_predictions(np.zeros((images, 5, 5)), [0] * labels, [[1.0, 0]] * 2, "ab")


def test_show_channels():
    maps = np.random.default_rng(0).normal(size=(6, 5, 20))
    maps[0, 0, 0] = 100  # a peak that must not make all else black
    fig = plots.show_channels(maps, "All of conv1", columns=8)
    assert isinstance(fig, Figure)
    ax, bar = fig.axes
    (drawn,) = ax.images
    np.testing.assert_array_equal(np.ma.filled(drawn.get_array(), np.nan), mosaic(maps, 8))
    assert drawn.get_clim() == (0, np.percentile(maps, 99.5))
    assert drawn.get_clim()[1] < 10
    assert (ax.get_title(), bar.get_ylabel(), drawn.get_cmap().name) == ("All of conv1", "activation", "gray")
    assert not ax.axison


@pytest.mark.parametrize(
    ("maps", "most"),
    [(np.zeros((4, 4, 3)), 1), (-np.ones((4, 4, 3)), 1), (np.eye(100)[:, :, None] * 1e-3 * np.eye(100)[0], 1e-3)],
)
def test_show_channels_of_silent_maps_is_black(maps, most):
    (drawn,) = plots.show_channels(maps, "silent").axes[0].images
    assert drawn.get_clim() == (0, most)


IMAGE = np.random.default_rng(1).integers(0, 256, (5, 4, 3), np.uint8)
SLOPE = np.linspace(-1, 3, 20).reshape(5, 4)


def test_show_heat():
    fig = plots.show_heat(
        [IMAGE, IMAGE, IMAGE[..., :1]], [None, SLOPE, 5 * SLOPE], list("abc"), 2, title="Why", opacity=0.3
    )
    assert isinstance(fig, Figure)
    shown = panels(fig)
    assert [ax.get_title() for ax in shown[:3]] == ["a", "b", "c"]
    assert fig.get_suptitle() == "Why"
    np.testing.assert_array_equal(shown[0].images[0].get_array(), IMAGE)
    np.testing.assert_array_equal(shown[1].images[0].get_array(), heat_over(IMAGE, SLOPE, 0.3))
    np.testing.assert_array_equal(shown[2].images[0].get_array(), heat_over(IMAGE[..., :1], SLOPE, 0.3))
    bar = fig.axes[-1]
    assert [tick.get_text() for tick in bar.get_yticklabels()] == ["none", "most"]
    np.testing.assert_allclose(bar.get_yticks(), [0, 1])


@pytest.mark.parametrize(
    ("images", "maps", "titles", "message"),
    [
        ([IMAGE], [SLOPE, SLOPE], None, "argument 2 is longer"),
        ([IMAGE], [SLOPE.T], None, "Need heat of the size of the image"),
        ([IMAGE], [SLOPE], "ab", "one title for each: got 1 and 2"),
        ([], [], None, "at least one image"),
    ],
)
def test_show_heat_refuses(images, maps, titles, message):
    with pytest.raises(ValueError, match=message):
        plots.show_heat(images, maps, titles)


def test_set_style():
    with mpl.rc_context():
        plots.set_style()
        assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == list(COLORS)
        assert mpl.rcParams["figure.constrained_layout.use"] is True

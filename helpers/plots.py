"""Figures of the lessons. Each function draws one figure with Matplotlib and returns it; end a cell with plt.show().

Their colors are those of `helpers.pixels`.
"""

import math

from helpers.fonts import drawable
from helpers.pixels import (
    ACCENT,
    COLORS,
    HEAT,
    color_limits,
    colorize,
    format_number,
    heat_over,
    mosaic,
    printed_kernel_text,
    text_color,
)

import IPython
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np


def set_style() -> None:
    """Set fonts, sizes and colors for the figures of a lesson, and in a notebook show them below their cell.

    What a user has set otherwise, in a file matplotlibrc or by the variable MPLBACKEND, does not count here.
    """
    shell = IPython.get_ipython()
    if hasattr(shell, "kernel") and "inline" not in mpl.get_backend():
        shell.enable_matplotlib("inline")
    mpl.rcdefaults()
    mpl.rcParams.update(
        {
            "figure.dpi": 96,
            "figure.constrained_layout.use": True,
            "font.size": 11,
            "axes.titlesize": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": mpl.cycler(color=COLORS),
            "lines.linewidth": 2,
        }
    )


def show_images(
    images,
    titles=None,
    columns: int | None = None,
    size: float = 2.2,
    title: str | None = None,
    signed: bool | None = None,
    share: bool = False,
):
    """Draw images side by side, each with the colors of `color_limits`, and maps, which are no uint8, with a frame.

    Where the scales of such maps differ by more than a tenth, a line below says so.

    Parameters
    ----------
    images : sequence of arrays (H, W), (H, W, 1) or (H, W, 3)
    titles : sequence of str, or None
    columns : images per row; all in one row by default
    size : width of one image in inches
    title : a title above all of them
    signed : True or False to choose the colors of all; by default each image by its own values
    share : True for one scale for all signed maps, and one for all gray ones, so that they can be compared

    Raises ValueError if there are no images, or not as many titles as images.
    """
    images = [np.squeeze(image, 2) if np.ndim(image) == 3 and np.shape(image)[2] == 1 else image for image in images]
    titles = [""] * len(images) if titles is None else list(titles)
    if not images or len(titles) != len(images):
        raise ValueError(f"Need at least one image and one title for each: got {len(images)} and {len(titles)}.")
    columns = min(columns or len(images), len(images))
    rows = math.ceil(len(images) / columns)
    aspect = np.shape(images[0])[0] / np.shape(images[0])[1]
    in_rows = [titles[start : start + columns] for start in range(0, len(titles), columns)]
    lines = sum(1 + max(text.count("\n") for text in row) for row in in_rows if any(row))
    height = rows * size * aspect + 0.22 * lines + (0.35 if title else 0)
    fig, axes = plt.subplots(rows, columns, figsize=(columns * size, height), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    limits = [{} if np.ndim(image) == 3 else color_limits(image, signed) for image in images]
    maps = [np.ndim(image) == 2 and np.asarray(image).dtype != np.uint8 for image in images]
    if share:
        limits = [
            entry | _widest(entry["cmap"], limits, maps) if m else entry for entry, m in zip(limits, maps, strict=True)
        ]
    for ax, image, text, entry, is_map in zip(axes.flat, images, titles, limits, maps, strict=False):
        ax.imshow(image, **entry)
        _plain(ax.set_title(text))
        if is_map:
            ax.axis("on")
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set(visible=True, color="0.7", linewidth=0.7)
    ranges = [entry["vmax"] - entry["vmin"] for entry, is_map in zip(limits, maps, strict=True) if is_map]
    if ranges and not share and max(ranges) > 1.1 * min(ranges):
        fig.supxlabel("Each map has its own scale.", fontsize=9, color="0.35")
        fig.set_figheight(height + 0.2)
    if title:
        _plain(fig.suptitle(title))
    return fig


def _widest(cmap: str, limits: list[dict], maps: list[bool]) -> dict:
    """Return the lowest and the highest limit of all maps with these colors."""
    alike = [entry for entry, is_map in zip(limits, maps, strict=True) if is_map and entry["cmap"] == cmap]
    return {"vmin": min(entry["vmin"] for entry in alike), "vmax": max(entry["vmax"] for entry in alike)}


def _plain(text) -> None:
    """Draw a text as it is, with names of classes in it: no formula between dollars, letters of any language."""
    text.set_parse_math(False)
    shown, families = drawable(text.get_text())
    text.set(text=shown, family=families)


def show_zoom(image, top: int, left: int, height: int, width: int, mark=None, title: str | None = None):
    """Draw an image with a window outlined, and beside it the numbers inside this window.

    ``mark`` is (row, col, height, width) of a smaller window to outline among the numbers. Raises ValueError if the
    window is not inside the image.
    """
    if not (0 <= top < top + height <= image.shape[0] and 0 <= left < left + width <= image.shape[1]):
        raise ValueError(f"The window must lie inside the image, whose shape is {image.shape}.")
    fig, (whole, part) = plt.subplots(1, 2, figsize=(9.2, 4.8))
    whole.imshow(image, **color_limits(image))
    outline(whole, top, left, height, width)
    whole.set(title="image", xlabel="column", ylabel="row")
    window = image[top : top + height, left : left + width]
    draw_numbers(part, window, limits=color_limits(image), size=9.5)
    part.set_title(f"rows {top} to {top + height - 1}, columns {left} to {left + width - 1}")
    if mark:
        outline(part, *mark)
    if title:
        fig.suptitle(title)
    return fig


def outline(ax, top: int, left: int, height: int, width: int) -> None:
    """Draw a frame around a window of pixels in an image."""
    corner = (left - 0.5, top - 0.5)
    ax.add_patch(plt.Rectangle(corner, width, height, fill=False, ec=ACCENT, lw=3, clip_on=False, zorder=5))


def draw_numbers(ax, array, limits: dict, size: float, text=format_number) -> None:
    """Draw a small array as cells in the colors of ``limits`` (see `color_limits`), with numbers of a font size."""
    ax.imshow(array, **limits)
    rgb = colorize(array, limits["vmin"], limits["vmax"])
    for (row, col), value in np.ndenumerate(array):
        ax.text(col, row, text(value), ha="center", va="center", color=text_color(rgb[row, col]), size=size)
    ax.set_xticks(np.arange(array.shape[1] + 1) - 0.5, [])
    ax.set_yticks(np.arange(array.shape[0] + 1) - 0.5, [])
    ax.grid(color="0.75", linewidth=0.6)
    ax.tick_params(length=0)
    ax.spines[:].set(visible=True, color="0.5")


def show_numbers(
    arrays: dict, signs=None, cell: float = 0.52, title: str | None = None, mark=None, signed=(), gray=None
):
    """Draw small arrays with their numbers written in the cells.

    Parameters
    ----------
    arrays : dict from title to array (h, w)
    signs : sequence of str between one array and the next, as ("×", "=")
    cell : size of a cell in inches
    mark : dict from title to (row, col, height, width), a window to outline
    signed : titles of arrays to draw in signed colors, also if nothing in them is negative
    gray : (black, white), one scale for all other arrays
    """
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    signs = list(signs or [""] * (len(arrays) - 1))
    widths = [array.shape[1] for array in arrays.values()]
    tallest = max(array.shape[0] for array in arrays.values())
    fig, axes = plt.subplots(
        1,
        len(arrays),
        figsize=(cell * (sum(widths) + 0.9 * len(widths)), cell * tallest + 0.4 + 0.35 * bool(title)),
        width_ratios=widths,
        squeeze=False,
    )
    for ax, (name, array) in zip(axes[0], arrays.items(), strict=True):
        limits = color_limits(array, True if name in signed else None)
        if gray and limits["cmap"] == "gray":
            limits |= {"vmin": gray[0], "vmax": gray[1]}
        text = printed_kernel_text if name in signed else format_number
        draw_numbers(ax, array, limits, size=10.5 * cell / 0.52, text=text)
        ax.set_title(name)
        if mark and name in mark:
            outline(ax, *mark[name])
    for left_ax, right_ax, sign in zip(axes[0], axes[0][1:], signs, strict=False):
        fig.draw_without_rendering()
        x = (left_ax.get_position().x1 + right_ax.get_position().x0) / 2
        y = (left_ax.get_position().y0 + left_ax.get_position().y1) / 2
        fig.text(x, y, sign, ha="center", va="center", size=16)
    if title:
        fig.suptitle(title)
    return fig


def show_channels(maps, title: str, columns: int = 16, width: float = 9.2):
    """Draw all channels of maps (h, w, C) on one gray scale, black for 0 or less, with a bar; returns the figure.

    White is reached by the highest half percent, so that a few peaks do not make all else black.
    """
    sheet = mosaic(np.asarray(maps), columns)
    most = max(float(np.percentile(maps, 99.5)), 0) or max(float(np.max(maps)), 0) or 1.0
    fig, ax = plt.subplots(figsize=(width, 0.6 + 0.93 * width * sheet.shape[0] / sheet.shape[1]))
    colors = mpl.colormaps["gray"].with_extremes(bad="#d8e0e8")
    drawn = ax.imshow(sheet, cmap=colors, vmin=0, vmax=most, interpolation="nearest")
    ax.axis("off")
    ax.set_title(title)
    fig.colorbar(drawn, ax=ax, fraction=0.03, pad=0.01, label="activation", extend="max")
    return fig


def show_heat(images, maps, titles=None, columns: int | None = None, size: float = 1.5, title=None, opacity=0.6):
    """Draw heat maps over their images, each from 0 to its own largest value, with a bar.

    Parameters
    ----------
    images : uint8 array (N, H, W, C), or list of such images
    maps : list of arrays (H, W), or of None for the image alone, in its colors
    titles, columns, size, title : as for `show_images`
    opacity : as for `heat_over`

    Raises ValueError as `heat_over` and `show_images` do.
    """
    pictures = [
        np.asarray(image) if heat is None else heat_over(image, heat, opacity)
        for image, heat in zip(images, maps, strict=True)
    ]
    fig = show_images(pictures, titles, columns, size, title)
    width, height = fig.get_size_inches()
    fig.set_size_inches(width + 0.7, height)  # room for the bar
    scale, long = mpl.cm.ScalarMappable(mpl.colors.Normalize(0, 1), HEAT), min(0.75, 2.2 / height)
    bar = fig.colorbar(scale, ax=fig.axes, shrink=long, aspect=14, fraction=0.55 / width, pad=0.01, ticks=[0, 1])
    bar.ax.set_yticklabels(["none", "most"])
    return fig


def plot_history(history, title: str | None = None, fig=None):
    """Draw loss and accuracy by epoch with seaborn, training beside validation.

    Parameters
    ----------
    history : DataFrame as `helpers.training.history_frame` makes it, indexed by epoch
    fig : an existing Figure to draw in, or None for a new one

    Raises ValueError if there is nothing to draw.
    """
    import seaborn as sns  # here, since it takes a second

    metrics = [name for name in ("loss", "accuracy") if name in history]
    if not metrics or not len(history):
        raise ValueError("The history is empty: it needs at least one epoch and a column 'loss' or 'accuracy'.")
    fig = fig or plt.figure(figsize=(4.6 * len(metrics), 3.2))
    fig.clear()
    for ax, metric in zip(np.atleast_1d(fig.subplots(1, len(metrics))), metrics, strict=True):
        for column, label, color in (
            (metric, "training", COLORS[0]),
            (f"val_{metric}", "validation", COLORS[1]),
        ):
            if column in history:
                options = {"marker": "o", "legend": False, "errorbar": None}
                sns.lineplot(x=history.index, y=history[column], ax=ax, label=label, color=color, **options)
        ax.set(xlabel="epoch", ylabel=metric, title=metric)
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True, min_n_ticks=1))
        ax.legend(frameon=False)
    if title:
        fig.suptitle(title)
    return fig


def plot_runs(runs, x: str = "epoch", metric: str = "accuracy", ax=None):
    """Draw several runs of a training with seaborn: their mean, and a band from the lowest to the highest of them.

    Parameters
    ----------
    runs : DataFrame as `helpers.datasets.load_runs` returns it: a column ``x``, and the metric with ``training_`` and
        ``val_`` in front; a row for each run at each ``x``
    ax : axes to draw in, or None for a new figure

    Returns the axes.
    """
    import seaborn as sns

    ax = ax or plt.subplots(figsize=(5.6, 3.6))[1]
    for part, label, color in (("training", "training", COLORS[0]), ("val", "validation", COLORS[1])):
        column = f"{part}_{metric}"
        sns.lineplot(runs, x=x, y=column, errorbar=("pi", 100), color=color, label=label, marker="o", ax=ax)
    ax.set(xlabel=x, ylabel=metric)
    ax.legend(frameon=False)
    return ax


def plot_confusion(labels, predicted, class_names, title: str = "Confusion matrix"):
    """Draw how often each true class (row) was taken for each class (column); zeros are left empty.

    ``labels`` and ``predicted`` are integer arrays (N,). Raises ValueError as `confusion_matrix` does.
    """
    import seaborn as sns

    matrix = confusion_matrix(labels, predicted, len(class_names))
    mistakes = matrix * (1 - np.eye(len(matrix), dtype=int))
    names, families = [drawable(name)[0] for name in class_names], drawable("".join(class_names))[1]
    with mpl.rc_context({"text.parse_math": False, "font.family": families}):  # as `_plain`
        fig, ax = plt.subplots(figsize=(5.6, 4.8))
        sns.heatmap(
            mistakes,
            annot=np.where(matrix > 0, matrix.astype(str), ""),
            fmt="",
            cmap="Oranges",
            vmax=max(mistakes.max(), 5),
            xticklabels=names,
            yticklabels=names,
            linewidths=0.5,
            linecolor="0.9",
            cbar_kws={"label": "mistakes"},
            ax=ax,
        )
    color_numbers(ax)
    ax.set(xlabel="predicted", ylabel="true", title=title)
    ax.tick_params(axis="y", rotation=0)
    return fig


def color_numbers(ax) -> None:
    """Make the numbers in a heat map of seaborn black or white, whichever has more contrast on its cell."""
    cells = ax.collections[0]
    cells.update_scalarmappable()
    for text, color in zip(ax.texts, cells.get_facecolors(), strict=True):
        text.set_color(text_color(255 * color[:3]))


def confusion_matrix(labels, predicted, classes: int) -> np.ndarray:
    """Return an int array (classes, classes): row = true class, column = predicted class (lesson 03b).

    Raises ValueError if the lengths differ, or a label is not from 0 to ``classes`` − 1.
    """
    from sklearn import metrics  # here, since it takes a moment

    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.shape != predicted.shape or labels.ndim != 1:
        raise ValueError(f"Need one prediction for each label, but got shapes {predicted.shape} and {labels.shape}.")
    if labels.size and not 0 <= min(labels.min(), predicted.min()) <= max(labels.max(), predicted.max()) < classes:
        raise ValueError(f"Labels and predictions must be from 0 to {classes - 1}, the number of classes less one.")
    return metrics.confusion_matrix(labels, predicted, labels=range(classes))


def show_predictions(images, labels, probabilities, class_names, columns: int = 6, title: str | None = None):
    """Draw images with the class that the network sees in each, how sure it is, and the truth where it is wrong."""
    probabilities = np.asarray(probabilities)
    titles = []
    for label, row in zip(labels, probabilities, strict=True):
        best = int(row.argmax())
        text = f"{class_names[best]} ({row[best]:.0%})"
        titles.append(text if best == label else f"{text}\ntruth: {class_names[label]}")
    return show_images(images, titles, columns=columns, size=1.5, title=title)

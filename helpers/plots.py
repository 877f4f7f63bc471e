"""Figures of the lessons. Each function draws one figure with Matplotlib and returns it; end a cell with plt.show().

Two conventions hold in the whole series. Values that are never negative are gray: black is the smallest. Values with
a sign, as kernels and their responses, are purple below zero, white at zero, orange above.
"""

import io
import math

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

SIGNED = "PuOr_r"
ACCENT = "#d95f02"
COLORS = ("#1b6ca8", "#d95f02", "#5b8e3e", "#7b4fa3", "#8c6d31")  # told apart by color-blind readers too


def set_style() -> None:
    """Set fonts, sizes and colors for the figures of a lesson."""
    mpl.rcParams.update(
        {
            "figure.dpi": 96,
            "figure.constrained_layout.use": True,
            "font.size": 11,
            "axes.titlesize": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": mpl.cycler(color=COLORS),
            "image.interpolation": "nearest",
            "lines.linewidth": 2,
        }
    )


def color_limits(array: np.ndarray) -> dict:
    """Return cmap, vmin and vmax for `imshow`: gray if nothing is negative, else signed and centered on zero."""
    low, high = float(np.min(array)), float(np.max(array))
    if low < 0:
        bound = max(-low, high)
        return {"cmap": SIGNED, "vmin": -bound, "vmax": bound}
    if np.asarray(array).dtype == np.uint8:
        return {"cmap": "gray", "vmin": 0, "vmax": 255}
    return {"cmap": "gray", "vmin": min(low, 0.0), "vmax": high if high > 0 else 1.0}


def colorize(array: np.ndarray, vmin: float | None = None, vmax: float | None = None) -> np.ndarray:
    """Return an array (H, W) as uint8 RGB (H, W, 3), in the colors of `color_limits`; RGB images pass unchanged."""
    array = np.asarray(array)
    if array.ndim == 3:
        return array if array.dtype == np.uint8 else np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    limits = color_limits(array)
    low = limits["vmin"] if vmin is None else vmin
    high = limits["vmax"] if vmax is None else vmax
    scaled = np.clip((array.astype(float) - low) / ((high - low) or 1), 0, 1)
    return mpl.colormaps[limits["cmap"]](scaled, bytes=True)[..., :3]


def png(image: np.ndarray) -> bytes:
    """Return a uint8 image (H, W) or (H, W, 3) as PNG, without building a figure."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "png", compress_level=1)
    return buffer.getvalue()


def show_images(images, titles=None, columns: int | None = None, size: float = 2.2, title: str | None = None):
    """Draw images side by side, each with the colors of `color_limits`.

    Parameters
    ----------
    images : sequence of arrays (H, W), (H, W, 1) or (H, W, 3)
    titles : sequence of str, or None
    columns : images per row; all in one row by default
    size : width of one image in inches
    title : a title above all of them

    Raises ValueError if there are no images, or not as many titles as images.
    """
    images = [np.squeeze(image, 2) if np.ndim(image) == 3 and np.shape(image)[2] == 1 else image for image in images]
    titles = [""] * len(images) if titles is None else list(titles)
    if not images or len(titles) != len(images):
        raise ValueError(f"Need at least one image and one title for each: got {len(images)} and {len(titles)}.")
    columns = min(columns or len(images), len(images))
    rows = math.ceil(len(images) / columns)
    aspect = np.shape(images[0])[0] / np.shape(images[0])[1]
    lines = 1 + max(text.count("\n") for text in titles) if any(titles) else 0
    height = rows * (size * aspect + 0.22 * lines) + (0.35 if title else 0)
    fig, axes = plt.subplots(rows, columns, figsize=(columns * size, height), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, text in zip(axes.flat, images, titles, strict=False):
        ax.imshow(image, **({} if np.ndim(image) == 3 else color_limits(image)))
        ax.set_title(text)
    if title:
        fig.suptitle(title)
    return fig


def format_number(value: float) -> str:
    """Return a number as short as it can be read: whole ones without a point, else about three digits.

    >>> format_number(-4.0), format_number(1 / 9), format_number(0.001234), format_number(1234.5)
    ('−4', '0.11', '0.0012', '1234')
    """
    value = float(value)
    if value == round(value):
        text = f"{value:.0f}"
    elif abs(value) < 0.01:
        text = f"{value:.2g}"
    else:
        text = f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"
    return "0" if text == "-0" else text.replace("-", "−")


def show_numbers(arrays: dict, signs=None, cell: float = 0.52, title: str | None = None, mark=None):
    """Draw small arrays with their numbers written in the cells.

    Parameters
    ----------
    arrays : dict from title to array (h, w)
    signs : sequence of str between one array and the next, as ("×", "=")
    cell : size of a cell in inches
    mark : dict from title to (row, col, height, width), a window to outline
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
        ax.imshow(array, **color_limits(array))
        rgb = colorize(array) / 255
        for (row, col), value in np.ndenumerate(array):
            dark = rgb[row, col] @ [0.2125, 0.7154, 0.0721] < 0.5
            ax.text(
                col,
                row,
                format_number(value),
                ha="center",
                va="center",
                color="w" if dark else "k",
                size=9 * cell / 0.52,
            )
        ax.set_title(name)
        ax.set_xticks(np.arange(array.shape[1] + 1) - 0.5, [])
        ax.set_yticks(np.arange(array.shape[0] + 1) - 0.5, [])
        ax.grid(color="0.75", linewidth=0.6)
        ax.tick_params(length=0)
        ax.spines[:].set(visible=True, color="0.5")
        if mark and name in mark:
            top, left, height, width = mark[name]
            ax.add_patch(plt.Rectangle((left - 0.5, top - 0.5), width, height, fill=False, ec=ACCENT, lw=3))
    for left_ax, right_ax, sign in zip(axes[0], axes[0][1:], signs, strict=False):
        fig.draw_without_rendering()
        x = (left_ax.get_position().x1 + right_ax.get_position().x0) / 2
        y = (left_ax.get_position().y0 + left_ax.get_position().y1) / 2
        fig.text(x, y, sign, ha="center", va="center", size=16)
    if title:
        fig.suptitle(title)
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
                sns.lineplot(
                    x=history.index,
                    y=history[column],
                    ax=ax,
                    label=label,
                    color=color,
                    marker="o",
                    legend=False,
                )
        ax.set(xlabel="epoch", ylabel=metric, title=metric)
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True, min_n_ticks=1))
        ax.legend(frameon=False)
    if title:
        fig.suptitle(title)
    return fig


def plot_confusion(labels, predicted, class_names, title: str = "Confusion matrix"):
    """Draw how often each true class (row) was taken for each class (column); zeros are left empty.

    ``labels`` and ``predicted`` are integer arrays (N,). Raises ValueError if their lengths differ.
    """
    import seaborn as sns

    matrix = confusion_matrix(labels, predicted, len(class_names))
    fig, ax = plt.subplots(figsize=(5.6, 4.8))
    mistakes = matrix * (1 - np.eye(len(matrix), dtype=int))
    sns.heatmap(
        mistakes,
        annot=np.where(matrix > 0, matrix.astype(str), ""),
        fmt="",
        cmap="Oranges",
        vmax=max(mistakes.max(), 5),
        xticklabels=class_names,
        yticklabels=class_names,
        linewidths=0.5,
        linecolor="0.9",
        cbar_kws={"label": "mistakes"},
        ax=ax,
    )
    ax.set(xlabel="predicted", ylabel="true", title=title)
    ax.tick_params(axis="y", rotation=0)
    return fig


def confusion_matrix(labels, predicted, classes: int) -> np.ndarray:
    """Return an int array (classes, classes): row = true class, column = predicted class (lesson 03)."""
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.shape != predicted.shape or labels.ndim != 1:
        raise ValueError(f"Need one prediction for each label, but got shapes {predicted.shape} and {labels.shape}.")
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


def show_predictions(images, labels, probabilities, class_names, columns: int = 6, title: str | None = None):
    """Draw images with the class that the network sees in each, how sure it is, and the truth where it is wrong."""
    probabilities = np.asarray(probabilities)
    titles = []
    for label, row in zip(labels, probabilities, strict=True):
        best = int(row.argmax())
        text = f"{class_names[best]} ({row[best]:.0%})"
        titles.append(text if best == label else f"{text}\ntruth: {class_names[label]}")
    return show_images(images, titles, columns=columns, size=1.5, title=title)

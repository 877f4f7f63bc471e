"""Diagrams of what lessons build: the loop of a training (lesson 10), and equations between small arrays."""

from helpers import plots
from helpers.pixels import ACCENT, COLORS, color_limits

import matplotlib.pyplot as plt


def show_loop(parts: dict, title: str):
    """Draw the parts of a training as boxes in a row, with the way from the last but one to the next step (lesson 10).

    Parameters
    ----------
    parts : dict from the name of a part to its code, which stands in the box: lines of up to 20 characters. A part
        without code is drawn in gray, since it is not written yet. The last part comes once per epoch
    title : the title of the figure

    Raises ValueError if there are fewer than two parts.
    """
    if len(parts) < 2:
        raise ValueError(f"Give two parts or more, but not {list(parts)}.")
    fig, ax = plt.subplots(figsize=(1.85 * len(parts), 2.1))
    ax.set(xlim=(-0.5, len(parts) - 0.5), ylim=(-0.95, 0.75), title=title)
    ax.axis("off")
    for place, (name, code) in enumerate(parts.items()):
        color = ACCENT if code else "0.7"
        box = plt.Rectangle((place - 0.42, -0.32), 0.84, 0.64, facecolor="white", edgecolor=color, linewidth=1.8)
        ax.add_patch(box)
        ax.text(place, 0.47, name, ha="center", va="center", weight="bold", color="black" if code else "0.45")
        text = {"family": "monospace", "fontsize": 8} if code else {"fontsize": 9, "color": "0.45"}
        ax.text(place, 0, code or "not yet", ha="center", va="center", **text)
        if place:
            ax.annotate("", (place - 0.43, 0), (place - 0.57, 0), arrowprops={"arrowstyle": "->", "color": "0.35"})
    step = len(parts) - 2
    way, words = {"color": "0.6", "linewidth": 1.2}, {"ha": "center", "va": "center", "fontsize": 9, "color": "0.35"}
    ax.plot([step, step, 0], [-0.33, -0.7, -0.7], **way)
    ax.annotate("", (0, -0.33), (0, -0.71), arrowprops={"arrowstyle": "->", **way})
    ax.text(step / 2, -0.84, "the next batch", **words)
    ax.text(step + 1, -0.47, "once per epoch", **words)
    return fig


def show_equations(rows: dict, signs=("∗", "="), cell: float = 0.36, title: str | None = None):
    """Draw equations between small arrays, one below the other, with the numbers in their cells (lesson 10).

    Parameters
    ----------
    rows : dict from a title to a dict from the names of the arrays (h, w) to these; all rows have the same number
    signs : what stands between one array and the next
    cell : size of a cell in inches

    Raises ValueError if a row has not one array more than there are signs.
    """
    for name, arrays in rows.items():
        if len(arrays) != len(signs) + 1:
            raise ValueError(f"{name}: {len(signs)} signs need {len(signs) + 1} arrays, but there are {len(arrays)}.")
    columns = [[list(arrays.items())[place][1] for arrays in rows.values()] for place in range(len(signs) + 1)]
    widths = [max(array.shape[1] for array in column) + 2 for column in columns]
    heights = [max(array.shape[0] for array in arrays.values()) + 2.4 for arrays in rows.values()]
    fig = plt.figure(figsize=(cell * sum(widths), cell * sum(heights) + 0.3 * bool(title)), layout="none")
    top = 1 - 0.3 * bool(title) / fig.get_figheight()
    unit = (1 / sum(widths), top / sum(heights))
    y = top
    for (name, arrays), height in zip(rows.items(), heights, strict=True):
        fig.text(0.5 * unit[0], y - 0.55 * unit[1], name, weight="bold", va="center", color=COLORS[0])
        middle, x = y - (1.2 + height) / 2 * unit[1], 0.0
        for place, ((label, array), width) in enumerate(zip(arrays.items(), widths, strict=True)):
            rows_, cols = array.shape
            left = x + (width - cols) / 2 * unit[0]
            ax = fig.add_axes([left, middle - rows_ / 2 * unit[1] - 0.2 * unit[1], cols * unit[0], rows_ * unit[1]])
            plots.draw_numbers(ax, array, color_limits(array, signed=True), size=21 * cell)
            ax.set_title(label, fontsize=9, pad=3)
            x += width * unit[0]
            if place < len(signs):
                fig.text(x, middle - 0.2 * unit[1], signs[place], ha="center", va="center", size=15)
        y -= height * unit[1]
    if title:
        fig.suptitle(title)
    return fig

"""Diagrams of what lessons build: blocks of networks, the loop of a training, and equations between small arrays."""

from helpers import plots
from helpers.pixels import ACCENT, COLORS, color_limits, text_color

import matplotlib.pyplot as plt
from matplotlib.colors import to_rgb


def show_blocks(blocks: dict, joints: dict | None = None):
    """Draw blocks of networks from top to bottom, side by side: boxes for layers, lines for maps (lesson 09).

    Parameters
    ----------
    blocks : dict from a title to a list of branches, each a list of labels of its layers, first one first. An empty
        branch passes on what comes in
    joints : dict from the titles of those that have several branches to how these are joined: "+" or "stack"

    Raises ValueError if there is no block, or several branches without a joint, or one with it.
    """
    joints = joints or {}
    for title, branches in blocks.items():
        if not branches or (len(branches) > 1) != (title in joints):
            raise ValueError(f"{title}: give one branch, or several and a text that says how they are joined.")
    if not blocks:
        raise ValueError("Give at least one block.")
    rows = max(len(branch) for branches in blocks.values() for branch in branches)
    widths = [1.1 * len(branches) + 0.3 for branches in blocks.values()]
    size = {"figsize": (sum(widths), 0.62 * (rows + 3)), "width_ratios": widths}
    fig, axes = plt.subplots(1, len(blocks), squeeze=False, layout="constrained", **size)
    for ax, (title, branches) in zip(axes[0], blocks.items(), strict=True):
        _draw_block(ax, branches, joints.get(title, ""), rows)
        ax.set_title(title)
    return fig


def _draw_block(ax, branches, joint: str, rows: int) -> None:
    """Draw a block: maps come in at (0, 0), and leave at (0, -rows - 1.4)."""
    ax.set(xlim=(-0.62 * len(branches), 0.62 * len(branches)), ylim=(-rows - 2, 0.6))
    ax.axis("off")
    line = {"color": "0.45", "linewidth": 1.2, "zorder": 1}
    bottom = -rows - 0.6
    for place, branch in enumerate(branches):
        x = 1.15 * (place - (len(branches) - 1) / 2)
        ax.plot([0, x, x, 0], [0, -0.35, bottom, bottom - 0.4], **line)
        for step, label in enumerate(branch):
            y = -0.35 - (step + 0.5) * (rows + 0.25) / len(branch)
            box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": COLORS[0], "linewidth": 1.4}
            ax.text(x, y, label, ha="center", va="center", fontsize=9, bbox=box, zorder=2)
    ax.plot([0, 0], [0, 0.3], **line)
    ax.annotate("", (0, bottom - 1.1), (0, bottom - 0.3), arrowprops={"arrowstyle": "->", "color": "0.45"})
    if joint:
        box = {
            "boxstyle": "circle,pad=0.3" if len(joint) == 1 else "round,pad=0.35",
            "facecolor": ACCENT,
            "linewidth": 0,
        }
        color = text_color([255 * part for part in to_rgb(ACCENT)])
        ax.text(0, bottom - 0.4, joint, ha="center", va="center", color=color, weight="bold", bbox=box, zorder=3)


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

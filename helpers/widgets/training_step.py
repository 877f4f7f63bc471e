"""The training step explorer: one step of training a small network, part by part (lesson 10)."""

from typing import NamedTuple

from helpers.pixels import ACCENT, COLORS, colorize, format_number, png, text_color
from helpers.widgets.base import Explorer, make_dropdown, make_slider
from helpers.widgets.drawing import BAR_COLOR, Picture, draw_pictures, draw_text, embed, font_size, frame
from helpers.widgets.small_network import (
    CLASSES,
    IMAGES,
    KERNELS,
    SHAPES,
    WEIGHTS,
    Forward,
    State,
    choose_batch,
    softmax,
    start_variables,
    train,
)

import ipywidgets as ipw
import numpy as np

PARTS = ("batch", "forward", "loss", "gradient", "step", "metric")
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
STEPS = 30  # most steps that are taken before the one that is shown
SIDE = 184  # pixels of a picture, in both directions, but for the line below it


class TrainingStep(NamedTuple):
    """One step of training, seen up to one of its parts."""

    part: int  # 1 to 6, a place in `PARTS`
    image: int  # which one of the batch
    name: str  # of the variable
    rate: float
    states: tuple[State, ...]  # before the first step, after one step …; the last two are before and after this step

    @property
    def steps(self) -> int:
        """How many steps were taken before this one."""
        return len(self.states) - 2

    @property
    def marked(self) -> tuple[int, ...]:
        """The index of the number of the variable whose gradient is the largest."""
        gradient = self.states[-2].gradients[self.name]
        return tuple(map(int, np.unravel_index(np.abs(gradient).argmax(), gradient.shape)))


class TrainingStepExplorer(Explorer):
    """Go through one step of training, part by part: batch, forward, loss, gradient, step, metric (lesson 10).

    A small network (1,050 numbers) learns the same 16 digits in each step. The pictures fill from left to right as the
    parts come; the still picture shows the whole step.

    Parameters
    ----------
    part : where to start, 1 (batch) to 6 (metric)
    rate : the learning rate, one of `RATES`
    steps : how many steps are taken before the one that is shown, 0 to 30
    seed : whole number from 0 on, for the variables at the start; with 3, each rate does what is typical of it

    Raises ValueError for other values.
    """

    title = "Training step explorer"

    def __init__(self, part: int = 1, rate: float = 0.1, steps: int = 0, seed: int = 3):
        self.images, self.labels = choose_batch()
        start = start_variables(seed)
        self.states = {each: train(start, self.images, self.labels, each, STEPS + 1) for each in RATES}
        self.thumbnails = [png(colorize(image[..., 0], 0, 1)) for image in self.images]
        first = {
            "part": choice_slider(
                "Part",
                {f"{place} {name}": place for place, name in enumerate(PARTS, 1)},
                part,
                "How far into this step",
            ),
            "image": make_slider("Image", 0, 0, IMAGES - 1, 1, "Which image of the batch to follow", "220px"),
            "variable": make_dropdown("Variable", [*SHAPES], WEIGHTS, "Which variable to look at", "210px"),
        }
        second = {
            "rate": choice_slider("Rate", {f"{each:g}": each for each in RATES}, rate, "Learning rate"),
            "steps": make_slider(
                "Steps so far", steps, 0, STEPS, 1, "How many steps were taken before this one", "330px"
            ),
        }
        super().__init__("training-step", [first, second])
        self.pictures.layout.max_width = (
            f"{4 * (SIDE + 24)}px"  # four in a row, so that both rows read from left to right
        )
        for panel in self.panels:
            panel.layout.min_width = f"{SIDE + 6}px"

    def compute(self, part, image, variable, rate, steps) -> TrainingStep:
        """Return the states up to the one after this step."""
        return TrainingStep(part, image, variable, rate, tuple(self.states[rate][: steps + 2]))

    def draw(self, result: TrainingStep) -> list[Picture]:
        """Return eight pictures; the place of one that belongs to a later part says when it comes."""
        before, after = result.states[-2:]
        old, new, gradient = before.variables[result.name], after.variables[result.name], before.gradients[result.name]
        scale, slope = max(np.abs(old).max(), np.abs(new).max()), np.abs(gradient).max()
        marked = result.marked if result.part >= 4 and slope > 0 else None
        signed = f"strongest color: ±{short(scale)}"
        framed = f"framed, strongest: ±{short(slope)}" if slope > 0 else "all numbers are 0"
        right = self._right(result)
        pictures = [
            (1, f"batch: {IMAGES} images", self._board(result)),
            (2, f"forward: image {result.image}", draw_maps(before.forward.maps[result.image])),
            (3, f"loss: image {result.image}", self._bars(result)),
            (3, "loss: the batch", draw_curve([state.loss for state in result.states], result.part == 6)),
            (0, result.name, draw_variable(result.name, old, scale, marked) + caption(signed)),
            (4, "gradient", draw_variable(result.name, gradient, slope, marked) + caption(framed)),
            (
                5,
                f"step: − {result.rate:g} × gradient",
                draw_variable(result.name, new, scale, marked) + caption(signed),
            ),
            (6, f"metric: {right[0]} → {right[1]} right", self._board(result, answers=True)),
        ]
        return [
            Picture(f"{part} {title}".removeprefix("0 "), None, marks, SIDE, SIDE + 18)
            if part <= result.part
            else Picture(f"{part} {PARTS[part - 1]}", None, draw_later(part), SIDE, SIDE + 18)
            for part, title, marks in pictures
        ]

    def _right(self, result: TrainingStep) -> list[int]:
        """Return how many answers are right, before and after the step."""
        return [int((state.answers == self.labels).sum()) for state in result.states[-2:]]

    def _board(self, result: TrainingStep, answers: bool = False) -> str:
        """Return SVG of the batch: the image in question in an orange frame, or those that are right after the step."""
        before, after = (state.answers for state in result.states[-2:])
        step, size, parts = SIDE / 4, 30 if answers else 40, []
        for place, file in enumerate(self.thumbnails):
            x, y = place % 4 * step + (step - size) / 2, place // 4 * step + 3
            parts.append(embed(file, size, size, x, y))
            if (after[place] == self.labels[place]) if answers else place == result.image:
                parts.append(frame(x, y, size, size))
            if answers:
                parts.append(draw_text(x + size / 2, y + size + 7, f"{before[place]} → {after[place]}", 10))
        return "".join(parts) + caption(
            "says; in a frame: right" if answers else f"it is a {self.labels[result.image]}"
        )

    def _bars(self, result: TrainingStep) -> str:
        """Return SVG of the probabilities of all classes for the image, that of the true one in another color."""
        step, left, parts, label = SIDE / CLASSES, 16, [], self.labels[result.image]
        for index, share in enumerate(softmax(result.states[-2].forward.logits)[result.image]):
            y, color = step * (index + 0.5), ACCENT if index == label else BAR_COLOR
            parts.append(draw_text(4, y, index, 12))
            parts.append(f'<rect x="{left}" y="{y - 7:.1f}" width="{130 * share + 1:.1f}" height="14" fill="{color}"/>')
            parts.append(draw_text(left + 6 + 130 * share, y, f"{share:.0%}", 11, "start"))
        loss = result.states[-2].losses[result.image]
        return "".join(parts) + caption(f"orange: true class, loss {short(loss)}")

    def describe(self, result: TrainingStep) -> str:
        """Return the numbers of this part as a sentence."""
        (before, after), image, name, rate = result.states[-2:], result.image, result.name, f"{result.rate:g}"
        label, variable, moved = self.labels[image], before.variables[name], after.variables[name]
        chances = [short(softmax(state.forward.logits)[image, label]) for state in (before, after)]
        where, gradient = f"{name}[{', '.join(map(str, result.marked))}]", before.gradients[name][result.marked]
        norms = [(each, short(np.linalg.norm(before.gradients[each]))) for each in {name: 0, **SHAPES}]
        right = self._right(result)
        said = [
            f"the same {IMAGES} images in each step, {times(self.images.shape)}, from 0 to 1. Image {image} is a "
            f"{label}. Steps so far: {result.steps}, at rate {rate}. {name}: {times(variable.shape)}, "
            f"{variable.size:,} numbers, length {short(np.linalg.norm(variable))}.",
            f"{' → '.join(map(times, flow(self.images, before.forward)))}. Logits of image {image}: "
            f"{', '.join(map(short, before.forward.logits[image]))}; the largest says {before.answers[image]}.",
            f"image {image} is a {label} with probability p = {chances[0]}, −ln p = {short(before.losses[image])}. "
            f"Mean of {IMAGES} images: {short(before.loss)}; guessing: ln 10 = 2.303.",
            f"its length is {', '.join(f'{norm} for {each}' for each, norm in norms)}. "
            + (f"Largest number: {where}, {short(gradient)}." if gradient else f"{name}: 0 everywhere, nothing moves."),
            f"{where}: {short(variable[result.marked])} − {rate} × {short(gradient)} = {short(moved[result.marked])}. "
            f"Length of the change: {rate} × {norms[0][1]} = {short(np.linalg.norm(moved - variable))}; "
            f"of {name}: {short(np.linalg.norm(variable))} → {short(np.linalg.norm(moved))}.",
            f"loss of the same {IMAGES} images {short(before.loss)} → {short(after.loss)}, right answers {right[0]} → "
            f"{right[1]}. Image {image}, a {label}: says {before.answers[image]} → {after.answers[image]}, "
            f"probability {chances[0]} → {chances[1]}.",
        ]
        return f"{result.part} {PARTS[result.part - 1]}: {said[result.part - 1]}"

    def still(self) -> str:
        """Return the whole step as one SVG picture, with the numbers of all parts."""
        parts = [self.result._replace(part=part) for part in range(1, len(PARTS) + 1)]
        return draw_pictures(self.draw(parts[-1]), self.title, " ".join(map(self.describe, parts)), 4)


def choice_slider(label: str, options: dict, value, tooltip: str):
    """Return a slider over the values of ``options``, beside which their names stand; raises ValueError for others."""
    if value not in options.values():
        known = ", ".join(map(str, options.values()))
        raise ValueError(f"{label} must be one of {known}, but it is {value!r}.")
    return ipw.SelectionSlider(
        options=options.items(),
        value=value,
        description=label,
        tooltip=tooltip,
        style={"description_width": "initial"},
        layout={"width": "260px", "margin": "2px 14px 2px 2px"},
    )


def short(value: float) -> str:
    """Return a number with four digits.

    >>> short(-0.0), short(2.67712), short(-123456.0)
    ('0', '2.677', '−1.235e+05')
    """
    return f"{float(value) or 0:.4g}".replace("-", "−")


def cell_text(value: float, bound: float) -> str:
    """Return a number of a variable whose largest one is ``bound``: with two decimals, where these tell something.

    >>> cell_text(-0.234, 1.5), cell_text(-0.001, 1.5), cell_text(-0.001, 0.02)
    ('−0.23', '0.00', '−0.001')
    """
    return f"{round(value, 2) or 0:.2f}".replace("-", "−") if 0.1 <= bound < 100 else format_number(value)


def times(shape) -> str:
    """Return a shape as lessons write it.

    >>> times((3, 3, 1, 4))
    '3 × 3 × 1 × 4'
    """
    return " × ".join(map(str, shape))


def flow(images, passed: Forward) -> list[tuple[int, ...]]:
    """Return the shapes from the images to the logits."""
    count, height, _, width, _, channels = passed.windows.shape
    pooled = (count, height, width, channels)
    return [images.shape, passed.maps.shape, pooled, passed.features.shape, passed.logits.shape]


def caption(text: str) -> str:
    """Return SVG of the line below a picture."""
    return draw_text(0, SIDE + 9, text, 11, "start")


def draw_later(part: int) -> str:
    """Return SVG of an empty place, and of which part fills it."""
    box = f'<rect class="later" x="1" y="1" width="{SIDE - 2}" height="{SIDE - 2}" rx="6" fill="none" '
    line = 'stroke="currentColor" stroke-opacity="0.4" stroke-dasharray="5 4"/>'
    return box + line + draw_text(SIDE / 2, SIDE / 2, f"comes in part {part}: {PARTS[part - 1]}", 12)


def draw_maps(maps) -> str:
    """Return SVG of maps (10, 10, 4), two in a row, from black for 0 to white for the largest number of all."""
    size, top = (SIDE - 6) / 2, float(maps.max())
    parts = [
        embed(png(colorize(maps[..., place], 0, top)), size, size, place % 2 * (size + 6), place // 2 * (size + 6))
        for place in range(maps.shape[2])
    ]
    return "".join(parts) + caption(f"white: {short(top)}, black: 0" if top > 0 else "all numbers are 0")


def draw_curve(losses, with_next: bool) -> str:
    """Return SVG of the losses so far, the last of them, which comes after this step, only if that is to be seen."""
    shown = losses if with_next else losses[:-1]
    guessing, left, bottom = np.log(CLASSES), 34, SIDE - 16
    top = 1.05 * max(*shown, guessing)
    points = [(left + (SIDE - left - 6) * k / (STEPS + 1), bottom * (1 - loss / top)) for k, loss in enumerate(shown)]
    known = points[: len(losses) - 1]
    (x, y), level = known[-1], bottom * (1 - guessing / top)
    parts = [
        f'<path d="M{left} 0V{bottom}H{SIDE}" fill="none" stroke="currentColor"/>',
        f'<path class="guessing" d="M{left} {level:.1f}H{SIDE}" stroke="currentColor" stroke-dasharray="4 3"/>',
        f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in known)}" fill="none" stroke="{COLORS[0]}" '
        f'stroke-width="2"/><circle class="now" cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{COLORS[0]}"/>',
        draw_text(left - 5, 6, format_number(top), 11, "end"),
        draw_text(left - 5, bottom - 5, "0", 11, "end"),
        draw_text(left, SIDE - 6, "0", 11),
        draw_text(SIDE, SIDE - 6, f"{STEPS + 1} steps", 11, "end"),
    ]
    if with_next:
        a, b = points[-1]
        parts.append(
            f'<path d="M{x:.1f} {y:.1f}L{a:.1f} {b:.1f}" stroke="{ACCENT}" stroke-width="2"/>'
            f'<circle class="next" cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{ACCENT}"/>'
        )
    return "".join(parts) + caption("dashed: guessing, ln 10 = 2.303")


def tiles(name: str, values) -> np.ndarray:
    """Return a variable as squares (N, n, n): one for each kernel, map or class.

    The weights of a class are four parts of 5 × 5, which lie as the four maps do.
    """
    if name == KERNELS:
        return np.moveaxis(values[:, :, 0], 2, 0)
    if name == WEIGHTS:
        return values.reshape(5, 5, 2, 2, CLASSES).transpose(4, 2, 0, 3, 1).reshape(CLASSES, 10, 10)
    return values.reshape(-1, 1, 1)


def draw_variable(name: str, values, bound: float, marked=None) -> str:
    """Return SVG of a variable in signed colors, white for 0, strongest at ``bound``; perhaps one number is framed."""
    squares, dense = tiles(name, values), SHAPES[name][-1] == CLASSES
    places = tiles(name, np.arange(values.size).reshape(values.shape))
    number = -1 if marked is None else np.ravel_multi_index(marked, values.shape)
    columns, gap, above = (4, 8, 14) if dense else (2, 6, 0)
    size = (SIDE - gap * (columns - 1)) / columns
    cell, parts = size / squares.shape[1], []
    colors = colorize(squares.reshape(-1, squares.shape[2]), -(bound or 1), bound or 1).reshape(*squares.shape, 3)
    for index, (square, pixels) in enumerate(zip(squares, colors, strict=True)):
        x, y = index % columns * (size + gap), above + index // columns * (size + gap + above)
        parts.append(embed(png(pixels), size, size, x, y))
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{size:.1f}" height="{size:.1f}" fill="none" stroke="#999"/>'
        )
        if dense:
            parts.append(draw_text(x + size / 2, y - 7, index, 11))
        if name == WEIGHTS:
            middle = f"M{x:.1f} {y + size / 2:.1f}h{size:.1f}M{x + size / 2:.1f} {y:.1f}v{size:.1f}"
            parts.append(f'<path d="{middle}" stroke="#999" stroke-width="0.7"/>')
        else:
            for (row, col), value in np.ndenumerate(square):
                text, color = cell_text(value, bound), text_color(pixels[row, col])
                fits = font_size(max(text, "−0.00", key=len), cell, 12)  # all of one size, where they can be
                parts.append(draw_text(x + cell * (col + 0.5), y + cell * (row + 0.5), text, fits, fill=color))
        for row, col in np.argwhere(places[index] == number):
            parts.append(frame(x + cell * col, y + cell * row, cell, cell))
    return "".join(parts)

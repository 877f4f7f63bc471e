"""The budget explorer: what a network of the recipe costs before it is trained (lesson 11b)."""

import html
import math
from numbers import Real
from typing import NamedTuple

from helpers.datasets import load_benchmark_runs, load_recipe_runs
from helpers.layers import LayerSpec, layer_stack
from helpers.pixels import ACCENT, COLORS
from helpers.widgets.base import Explorer, make_dropdown, make_slider
from helpers.widgets.drawing import BAR_COLOR, Picture, draw_text, readable_count

import pandas as pd

IMAGES, SIDE, CLASSES = 45_000, 32, 10
"""Of CIFAR-10 to train with: their number, height and width, and classes."""
SPEED = 400e9
"""Operations a second that are taken where nothing was measured: two cores of a laptop of 2024."""
BATCHES = (64, 128, 256, 512, 1024)
BARS = (400, 250)  # width and height of the bars, in pixels
MAP = (390, 250)  # of the map of trainings
X, Y = (46, 380), (212, 16)  # where its axes begin and end
OPERATIONS, ACCURACIES = (1e12, 2e15), (0.5, 1.0)  # what they show


class Part(NamedTuple):
    """Some layers of the network."""

    name: str
    operations: int  # of a training step, for one image
    parameters: int
    numbers: int  # that a training step keeps, for one image


class Budget(NamedTuple):
    """What a training costs (lesson 11b)."""

    widths: tuple[int, ...]  # channels of the three stages
    epochs: int
    batch: int
    parts: tuple[Part, ...]
    speed: float  # operations a second

    @property
    def operations(self) -> int:
        """Of the whole training."""
        return sum(part.operations for part in self.parts) * IMAGES * self.epochs

    @property
    def floor(self) -> float:
        """The seconds below which it cannot come."""
        return self.operations / self.speed

    @property
    def parameters(self) -> int:
        """Weights of the network."""
        return sum(part.parameters for part in self.parts)

    @property
    def memory(self) -> int:
        """Bytes for the numbers that a step keeps, and for weights, their gradients and their momentum."""
        return 4 * (self.batch * sum(part.numbers for part in self.parts) + 3 * self.parameters)

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return IMAGES // self.batch * self.epochs


class BudgetExplorer(Explorer):
    """Choose width, depth, epochs and batch; see operations, floor, parameters and memory, beside stored trainings.

    The network is that of the recipe: whitening, then three stages of ``width``, 2 × and 4 × as many channels, with
    ``depth`` convolutions each, of which the first is before the pooling.

    Parameters
    ----------
    width : channels of the first stage: 8, 16, …, 128
    depth : convolutions of a stage, 1 to 4
    epochs : over 45,000 images, 1 to 40
    batch : one of `BATCHES`
    speed : operations a second of this computer, as `helpers.floor.machine_speed` measures
    points : DataFrame with ``name``, ``operations`` and ``accuracy`` of trainings to compare with, and, if it is
        there, ``small``: True where the name is shown only under the mouse; None for those of lesson 11

    Raises ValueError for other values.
    """

    title = "Budget explorer"

    def __init__(
        self,
        width: int = 32,
        depth: int = 2,
        epochs: int = 2,
        batch: int = 256,
        speed: float = SPEED,
        points: pd.DataFrame | None = None,
    ):
        if batch not in BATCHES:
            raise ValueError(f"Batch must be one of {', '.join(map(str, BATCHES))}, but it is {batch!r}.")
        if width not in range(8, 129, 8):
            raise ValueError(f"Width must be one of 8, 16, …, 128, but it is {width!r}.")
        for name, value, most in (("Depth", depth, 4), ("Epochs", epochs, 40)):
            if value not in range(1, most + 1):
                raise ValueError(f"{name} must be a whole number from 1 to {most}, but it is {value!r}.")
        if not (isinstance(speed, Real) and math.isfinite(speed) and speed > 0):
            raise ValueError(f"speed must be a number of operations a second above 0, but it is {speed!r}.")
        self.speed = speed
        self.points = stored_points() if points is None else points
        first = {
            "width": make_slider(
                "Width w", int(width), 8, 128, 8, "Channels of the first stage; then 2 w and 4 w", "230px"
            ),
            "depth": make_slider("Depth", int(depth), 1, 4, 1, "Convolutions of each stage", "190px"),
        }
        second = {
            "epochs": make_slider("Epochs", int(epochs), 1, 40, 1, "How often all images are seen", "230px"),
            "batch": make_dropdown("Batch", BATCHES, int(batch), "Images in a step", "140px"),
        }
        super().__init__("budget", [first, second])

    def compute(self, width, depth, epochs, batch) -> Budget:
        """Return the costs of each part of the network, and of the training."""
        widths = (width, 2 * width, 4 * width)
        return Budget(widths, epochs, batch, tuple(network_parts(widths, depth)), self.speed)

    def draw(self, result: Budget) -> list[Picture]:
        """Return two pictures: operations part by part, and the training on a map of others."""
        return [
            Picture("Operations of a step, part by part", None, draw_bars(result), *BARS),
            Picture("Validation accuracy and operations of trainings", None, draw_map(result, self.points), *MAP),
        ]

    def describe(self, result: Budget) -> str:
        """Return all numbers as a sentence."""
        return (
            f"Stages {'-'.join(map(str, result.widths))}, {result.epochs} epoch{'s' * (result.epochs > 1)} in batches "
            f"of {result.batch}: {result.steps:,} steps, {result.parameters:,} parameters, "
            f"{result.operations / 1e12:.1f} trillion operations. At {result.speed / 1e9:.0f} billion a second the "
            f"floor is {seconds_text(result.floor)}. A step keeps about {result.memory / 1e6:,.0f} MB."
        )


def network_parts(widths, depth: int, channels: int = 3, whitening: bool = True):
    """Yield the parts of the recipe's network, with ``depth`` convolutions in each stage.

    Without ``whitening`` the first layer learns: a step needs the gradient of its weights, and that of what comes out.
    """
    first = 8 * channels
    rows = layer_stack((SIDE, SIDE, channels), [LayerSpec("Conv2D", first, 2)])
    parameters = rows[0].parameters - first  # no biases
    operations, numbers = 2 * rows[0].multiplications * (2 - whitening), 2 * math.prod(rows[0].shape)
    yield Part("whitening", operations, parameters, numbers)  # numbers: and after the ReLU
    shape, learns_below = rows[0].shape, not whitening
    for number, filters in enumerate(widths, 1):
        layers = [LayerSpec("Conv2D", filters, 3, padding="same"), LayerSpec("MaxPooling2D", size=2, stride=2)]
        layers += [LayerSpec("Conv2D", filters, 3, padding="same")] * (depth - 1)
        operations = numbers = parameters = 0
        for place, row in enumerate(layer_stack(shape, layers)):
            if row.kind == "Conv2D":
                operations += 2 * row.multiplications * (3 if learns_below else 2)
                parameters += row.parameters + 2 * filters  # a shift in place of the bias, moving mean and variance
                learns_below = True
            numbers += math.prod(row.shape) * (3 if place else 1)  # normalized, and after the ReLU
            shape = row.shape
        yield Part(f"stage {number}", operations, parameters, numbers)
    (dense,) = layer_stack((shape[-1],), [LayerSpec("Dense", CLASSES)])
    yield Part("last layer", 6 * dense.multiplications, dense.parameters, shape[-1] + CLASSES)


def stored_points() -> pd.DataFrame:
    """Return name, operations and validation accuracy of the trainings of lesson 11, and of the recipe's pieces.

    The means of all seeds that they have in common with the others of their kind; the pieces are ``small``.
    """
    runs = load_benchmark_runs().query("name != 'recipe 90%, 16 epochs'")  # one run more, for which there is no room
    runs = runs.groupby(["name", "seed"]).last().groupby("name")
    points = runs[["operations", "val_accuracy"]].mean().rename(columns={"val_accuracy": "accuracy"}).reset_index()
    pieces = load_recipe_runs().query("epoch == 2 and seed < 5")
    less = pieces.groupby("piece")["val_accuracy"].mean().rename("accuracy").rename_axis("name").reset_index()
    other = {"half as wide": {"widths": (16, 32, 64)}, "no whitening": {"whitening": False}}
    for row, name in less["name"].items():
        parts = network_parts(**{"widths": (32, 64, 128), "depth": 2} | other.get(name, {}))
        less.loc[row, "operations"] = sum(part.operations for part in parts) * IMAGES * 2
    return pd.concat([less.assign(small=True), points.assign(small=False)], ignore_index=True)


def seconds_text(seconds: float) -> str:
    """Return seconds in a readable form.

    >>> seconds_text(3.21), seconds_text(95.2), seconds_text(531), seconds_text(600), seconds_text(30000)
    ('3.2 s', '95 s', '8.8 min', '10 min', '8.3 h')
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 597:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def draw_bars(result: Budget) -> str:
    """Return SVG with a bar for each part: its share of the operations of a step."""
    total = sum(part.operations for part in result.parts)
    longest = max(part.operations for part in result.parts)
    drawn = []
    for place, part in enumerate(result.parts):
        y, width = 28 + 44 * place, max(150 * part.operations / longest, 1)
        color = ACCENT if part.operations == longest else BAR_COLOR
        drawn += [
            draw_text(0, y, part.name, 14, "start"),
            f'<rect x="84" y="{y - 11}" width="{width:.1f}" height="22" fill="{color}"/>',
            draw_text(280, y, f"{part.operations / total:.1%}", 13, "end"),
            draw_text(BARS[0], y, f"{readable_count(part.parameters)} weights", 11, "end"),
        ]
    return "".join(drawn)


def place_on_map(operations: float, accuracy: float) -> tuple[float, float]:
    """Return where a training is on the map, in pixels; what is outside stands at the border."""
    low, high = map(math.log, OPERATIONS)
    x = min(max((math.log(operations) - low) / (high - low), 0), 1)
    y = min(max((accuracy - ACCURACIES[0]) / (ACCURACIES[1] - ACCURACIES[0]), 0), 1)
    return X[0] + x * (X[1] - X[0]), Y[0] + y * (Y[1] - Y[0])


def name_on_map(x: float, y: float, name: str) -> str:
    """Return SVG of the name of a point, above it, and moved sideways where it would not fit."""
    half = 3 * len(name) + 2
    middle = min(max(x, X[0] + half), MAP[0] - half)
    return draw_text(middle, y - 11, html.escape(name), 11)


def draw_map(result: Budget, points: pd.DataFrame) -> str:
    """Return SVG of all points, and a line where this training stands; what it reaches nobody knows before."""
    drawn = [f'<path d="M{X[0]} {Y[1]}V{Y[0]}H{X[1]}" fill="none" stroke="currentColor"/>']
    for exponent in (12, 13, 14, 15):
        x, _ = place_on_map(10**exponent, 0)
        drawn.append(draw_text(x, Y[0] + 12, f"{10 ** (exponent - 12):,}", 11))
    drawn.append(draw_text(sum(X) / 2, Y[0] + 30, "trillion operations", 12))
    for accuracy in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        _, y = place_on_map(1e12, accuracy)
        drawn.append(draw_text(X[0] - 5, y, f"{accuracy:.0%}", 11, "end"))
    x, _ = place_on_map(max(result.operations, 1), 0)
    drawn.append(
        f'<path class="budget" d="M{x:.1f} {Y[1]}V{Y[0]}" stroke="{ACCENT}" stroke-width="2" stroke-dasharray="5 4"/>'
    )
    for point in points.itertuples():
        x, y = place_on_map(point.operations, point.accuracy)
        small = getattr(point, "small", False)
        radius, color = (3, BAR_COLOR) if small else (5, COLORS[0])
        title = f"<title>{html.escape(point.name)}, {point.accuracy:.1%}</title>"  # shown under the mouse
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{color}">{title}</circle>')
        drawn.append("" if small else name_on_map(x, y, point.name))
    return "".join(drawn)

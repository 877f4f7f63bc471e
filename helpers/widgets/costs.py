"""The cost explorer: what convolutions cost that see the same pixels (lesson 09)."""

from fractions import Fraction
from typing import NamedTuple

from helpers.pixels import ACCENT, COLORS
from helpers.widgets.base import Explorer, make_dropdown, make_slider
from helpers.widgets.drawing import BAR_COLOR, Picture, draw_text, readable_count

SHARES = (1 / 2, 1 / 4, 1 / 8)
"""How many channels a bottleneck can have inside, as a share of the maps that it makes."""

ICON = 26  # pixels of the largest kernel in the icons
LEFT, BAR = 246, 152  # where bars begin, and how long the longest one is, in pixels
PERCENT, RIGHT = 456, 562  # where percents and counts end
TOP, ROW = 24, 42  # heights of the heading and of a row, in pixels
SIZE = (RIGHT + 2, TOP + 5 * ROW + 22)  # of the picture: 5 ways, and a line below them


class Layer(NamedTuple):
    """A convolution without biases, stride 1, "same" padding (lesson 09)."""

    height: int  # of the kernels, in pixels
    width: int
    channels: int  # that come in
    maps: int  # that it makes
    depthwise: bool = False  # one kernel for each channel, and no sum over channels

    @property
    def weights(self) -> int:
        """How many weights it has."""
        return self.height * self.width * self.channels * (1 if self.depthwise else self.maps)


class Way(NamedTuple):
    """One way to see some pixels: layers in a row, on maps of one size (lesson 09)."""

    name: str
    layers: tuple[Layer, ...]
    places: int  # height × width of the maps

    @property
    def weights(self) -> int:
        """The weights of all layers."""
        return sum(layer.weights for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds for one image: each weight is used once for each place."""
        return self.weights * self.places

    @property
    def field(self) -> int:
        """The receptive field: height and width of the pixels that one number depends on."""
        return 1 + sum(layer.height - 1 for layer in self.layers)

    @property
    def depth(self) -> int:
        """The number of layers in a row."""
        return len(self.layers)


class Costs(NamedTuple):
    """Five ways to see ``kernel`` × ``kernel`` pixels, the full convolution first (lesson 09)."""

    kernel: int  # odd
    channels: int  # that come in
    maps: int  # that are made
    height: int  # and width of the maps
    inside: int  # channels inside of the bottleneck
    ways: tuple[Way, ...]

    @property
    def shares(self) -> list[float]:
        """The price of each way, in weights or in multiply-adds, divided by that of the full convolution."""
        return [way.weights / self.ways[0].weights for way in self.ways]

    @property
    def cheapest(self) -> int:
        """The place of the cheapest way."""
        return min(range(len(self.ways)), key=self.shares.__getitem__)


class CostExplorer(Explorer):
    """Choose a kernel and maps; see what five ways cost that all see the same pixels (lesson 09).

    They are: the full convolution, 3 × 3 several times, a column and a row, a bottleneck, depthwise separable. None has
    biases; stride is 1, padding "same". So each weight takes one multiply-add for each place of the maps.

    Parameters
    ----------
    kernel : height and width of the full kernel, in pixels: 3, 5, 7, 9 or 11
    channels : that come in: 8, 16, …, 512
    maps : that are made: 8, 16, …, 512
    height : and width of the maps, in pixels: 7, 14, …, 112
    bottleneck : its channels inside, as a share of ``maps``: one of `SHARES`

    Raises ValueError for other values.
    """

    title = "Cost explorer"

    def __init__(
        self, kernel: int = 5, channels: int = 64, maps: int = 64, height: int = 28, bottleneck: float = 1 / 4
    ):
        if bottleneck not in SHARES:
            raise ValueError(f"Bottleneck must be one of {', '.join(map(str, SHARES))}, but it is {bottleneck!r}.")
        options = [(str(Fraction(share)), share) for share in SHARES]
        first = {
            "kernel": slider("Kernel size k", kernel, 3, 11, 2, "How many pixels to see: k × k", "240px"),
            "bottleneck": make_dropdown(
                "Bottleneck", options, bottleneck, "Channels inside of it, as a share of the maps made", "150px"
            ),
        }
        second = {
            "channels": slider("Channels in", channels, 8, 512, 8, "How many channels come in"),
            "maps": slider("Maps made", maps, 8, 512, 8, "How many maps are made"),
            "height": slider("Height = width", height, 7, 112, 7, "Size of the maps, in pixels"),
        }
        super().__init__("cost", [first, second])

    def compute(self, kernel, channels, maps, height, bottleneck) -> Costs:
        """Return what each way costs; an even kernel counts as the next odd one, as 3 × 3 kernels see odd sizes."""
        k, inside, places = max(kernel | 1, 3), max(1, round(maps * bottleneck)), height * height
        times = (k - 1) // 2
        layers = {
            f"{k} × {k}": [Layer(k, k, channels, maps)],
            stack_name(times): [Layer(3, 3, channels, maps)] + [Layer(3, 3, maps, maps)] * (times - 1),
            f"{k} × 1 and 1 × {k}": [Layer(k, 1, channels, maps), Layer(1, k, maps, maps)],
            "bottleneck": [Layer(1, 1, channels, inside), Layer(k, k, inside, inside), Layer(1, 1, inside, maps)],
            "depthwise separable": [Layer(k, k, channels, channels, True), Layer(1, 1, channels, maps)],
        }
        ways = tuple(Way(name, tuple(row), places) for name, row in layers.items())
        return Costs(k, channels, maps, height, inside, ways)

    def draw(self, result: Costs) -> list[Picture]:
        """Return one picture: a bar for each way, as long as its share of the price of the full convolution.

        The longest bar takes all the room, so that one beyond 100% can be seen; a dashed line stands at 100%.
        """
        longest = BAR / max(result.shares)
        parts = [draw_text(LEFT, 9, f"compared with one {result.ways[0].name}", 12, "start")]
        parts.append(draw_text(RIGHT, 9, "multiply-adds", 12, "end"))
        for place, (way, share) in enumerate(zip(result.ways, result.shares, strict=True)):
            y = TOP + ROW * (place + 0.5)
            best, bold, width = place == result.cheapest, ' font-weight="bold"', max(longest * share, 2)
            color = ACCENT if best else COLORS[0] if place else BAR_COLOR
            parts += [
                draw_icon(way, result.kernel, y, color),
                draw_text(66, y - 8, way.name, 14, "start", extra=bold),
                draw_text(66, y + 9, flow_text(way), 11, "start"),
                f'<rect x="{LEFT}" y="{y - 12:.1f}" width="{width:.1f}" height="24" fill="{color}"/>',
                draw_text(PERCENT, y, percent_text(share), 15, "end", extra=bold),
                draw_text(RIGHT, y - 8, count_text(way.multiply_adds), 13, "end"),
                draw_text(RIGHT, y + 9, f"{way.weights:,} weights", 11, "end"),
            ]
        x, bottom = LEFT + longest, TOP + 5 * ROW
        parts.append(draw_text(0, bottom + 10, "outline: a kernel per channel, no sum", 11, "start"))
        parts.append(
            f'<path class="full" d="M{x:.1f} {TOP}V{bottom}" stroke="currentColor" stroke-width="1.5" '
            f'stroke-dasharray="5 4"/>' + draw_text(x, bottom + 10, "100%", 12)
        )
        title = f"The price of {result.kernel} × {result.kernel} pixels"
        return [Picture(title, None, "".join(parts), *SIZE)]

    def describe(self, result: Costs) -> str:
        """Return weights and multiply-adds as a sentence."""
        k, full, cheapest = result.kernel, result.ways[0], result.ways[result.cheapest]
        others = "; ".join(
            f"{way.name}: {way.weights:,} ({percent_text(share)})"
            for way, share in zip(result.ways[1:], result.shares[1:], strict=True)
        )
        return (
            f"{k} × {k} pixels, {result.channels} channels to {result.maps} maps of {result.height} × {result.height}. "
            f"{full.name}: {full.weights:,} weights, {count_text(full.multiply_adds)} multiply-adds; {others}. "
            f"Cheapest: {cheapest.name}, {count_text(cheapest.multiply_adds)} multiply-adds."
        )


def slider(label: str, value, low: int, high: int, step: int, tooltip: str, width: str = "225px"):
    """Return a slider for whole numbers; raises ValueError for a value that is not one of its steps."""
    if value not in range(low, high + 1, step):
        raise ValueError(f"{label} must be one of {low}, {low + step}, …, {high}, but it is {value!r}.")
    return make_slider(label, int(value), low, high, step, tooltip, width)


def stack_name(times: int) -> str:
    """Return the name of that many 3 × 3 convolutions in a row.

    >>> stack_name(2), stack_name(5)
    ('3 × 3, twice', '3 × 3, 5 times')
    """
    return f"3 × 3, {({1: 'once', 2: 'twice'}).get(times, f'{times} times')}"


def count_text(number: int) -> str:
    """Return a count in a short form, also from a billion on.

    >>> count_text(28_224), count_text(80_281_600), count_text(397_892_255_744)
    ('28,224', '80.3 million', '397.9 billion')
    """
    return readable_count(number) if number < 999_950_000 else f"{number / 1e9:,.1f} billion"


def percent_text(share: float) -> str:
    """Return a share as percents, with two digits if it is small.

    >>> percent_text(0.72), percent_text(0.0556), percent_text(0.0013), percent_text(23.7)
    ('72%', '5.6%', '0.13%', '2,370%')
    """
    return f"{100 * share:.2g}%" if share < 0.0995 else f"{100 * share:,.0f}%"


def flow_text(way: Way) -> str:
    """Return the number of layers, and of channels from layer to layer; in the middle of many the latter are left out.

    >>> flow_text(Way("two", (Layer(1, 1, 64, 16), Layer(5, 5, 16, 32)), 1))
    '2 layers: 64 → 16 → 32'
    """
    flow = [way.layers[0].channels, *(layer.maps for layer in way.layers)]
    flow = [*flow[:2], "…", flow[-1]] if len(flow) > 4 else flow
    return f"{way.depth} layer{'s' if way.depth > 1 else ''}: {' → '.join(map(str, flow))}"


def draw_icon(way: Way, kernel: int, middle: float, color: str) -> str:
    """Return SVG of the kernels of all layers side by side: filled if they go through all channels, else an outline."""
    pixel, gap = ICON / kernel, 4.0
    sizes = [(layer.width * pixel, layer.height * pixel) for layer in way.layers]
    x, parts = 30 - (sum(width for width, _ in sizes) + gap * (len(sizes) - 1)) / 2, []
    for layer, (width, height) in zip(way.layers, sizes, strict=True):
        y = middle - height / 2
        lines = "".join(f"M{x + pixel * k:.1f} {y:.1f}v{height:.1f}" for k in range(1, layer.width))
        lines += "".join(f"M{x:.1f} {y + pixel * k:.1f}h{width:.1f}" for k in range(1, layer.height))
        fill = "none" if layer.depthwise else color
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" stroke="{color}"/>'
            f'<path d="{lines}" stroke="{color if layer.depthwise else "#fff"}" stroke-width="0.6"/>'
        )
        x += width + gap
    return "".join(parts)

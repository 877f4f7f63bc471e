"""The layer calculator, and the picture of a network as blocks that it draws, also for a Keras model (lesson 03)."""

import html
import math

from helpers.layers import LAYER_KINDS, WINDOWS, LayerRow, LayerSpec, stack_so_far
from helpers.widgets.base import LessonWidget, make_dropdown, replace_children, wrapping
from helpers.widgets.drawing import draw_text, paper, readable_count, svg

import ipywidgets as ipw

POOL = LayerSpec("MaxPooling2D", size=2, stride=2)
DIGITS_BASE = [LayerSpec("Conv2D", 32, 3), POOL, LayerSpec("Conv2D", 64, 3), POOL, LayerSpec("Conv2D", 64, 3)]
COLOR_CONV = LayerSpec("Conv2D", 32, 3)
FLATTEN = LayerSpec("Flatten")
STACKS = {
    "Two convolutions, flatten": ((32, 32, 3), [COLOR_CONV, COLOR_CONV, FLATTEN, LayerSpec("Dense", 10)]),
    "… with pooling and a dense layer": (
        (32, 32, 3),
        [COLOR_CONV, POOL, COLOR_CONV, POOL, FLATTEN, LayerSpec("Dense", 32), LayerSpec("Dense", 10)],
    ),
    "Digits, flatten": ((28, 28, 1), [*DIGITS_BASE, FLATTEN, LayerSpec("Dense", 64), LayerSpec("Dense", 10)]),
    "Digits, global average pooling": (
        (28, 28, 1),
        [*DIGITS_BASE, LayerSpec("GlobalAveragePooling2D"), LayerSpec("Dense", 10)],
    ),
    "Dense only": ((32, 32, 3), [FLATTEN, LayerSpec("Dense", 100)]),
}
"""Networks to start from in the calculator: input shape and layers, by name."""

TYPICAL = {"Conv2D": (3, 1), "MaxPooling2D": (2, 2), "AveragePooling2D": (2, 2)}
"""Size and stride that a layer of this kind usually has."""

COLUMNS = {
    "kind": "layer",
    "filters": "kernels/units",
    "size": "size",
    "stride": "stride",
    "padding": "padding",
    "insert": "",
    "remove": "",
}
"""Controls of one layer of the calculator, and what stands above them."""


class LayerCalculator(LessonWidget):
    """Put layers on top of each other and see shapes, parameters, multiplications and receptive field.

    Parameters
    ----------
    stack : a name from `STACKS` to start from

    Raises ValueError for an unknown name.
    """

    title = "Layer calculator"
    most_layers = 12
    inputs = ((28, 28, 1), (32, 32, 3), (64, 64, 3), (150, 150, 3), (224, 224, 3))

    def __init__(self, stack: str = "Digits, flatten"):
        if stack not in STACKS:
            raise ValueError(f"Unknown stack {stack!r}: use one of {', '.join(STACKS)}.")
        super().__init__("calculator")
        self.first, self.rows = stack, []
        self._build_controls()
        top = wrapping([self.preset, self.input_shape, self.add, self.reset])
        self.children = [*self._front(), top, self.table, self.status, self.picture]
        self._load(stack)

    def _build_controls(self):
        self.preset = make_dropdown("Start from", [*STACKS], self.first, "A network of the lesson to change", "290px")
        self.input_shape = make_dropdown(
            "Input",
            [("×".join(map(str, shape)), shape) for shape in self.inputs],
            self.inputs[0],
            "Height × width × channels of one image",
            "150px",
        )
        self.add = ipw.Button(
            description="Add layer", icon="plus", tooltip="Put a layer on top", layout={"width": "110px"}
        )
        self.heading, self.picture = ipw.HTML(self._heading()), ipw.HTML()
        self.table = ipw.VBox().add_class("cnn-table")
        self.preset.observe(self._choose_preset, "value")
        self._watch(self.input_shape)
        self.add.on_click(lambda _: self._insert(len(self.rows), self._next_layer()))

    # -- changes --

    def _restart(self):
        self.preset.value = self.first
        self._put(*STACKS[self.first])

    def _choose_preset(self, change):
        if not self._busy:
            self._load(change["new"])

    def _load(self, name):
        with self._quietly():
            self._put(*STACKS[name])
        self._update()

    def _put(self, shape, layers):
        self.input_shape.value = shape
        self.rows = [self._row(layer) for layer in layers]

    def _row(self, layer):
        """Return the controls of one layer, in a dict; ``"box"`` holds them all."""

        def whole(value, most, tooltip):
            return ipw.BoundedIntText(value=max(value, 1), min=1, max=most, tooltip=tooltip)

        row = {
            "kind": ipw.Dropdown(options=LAYER_KINDS, value=layer.kind, tooltip="Kind of layer"),
            "filters": whole(layer.filters, 4096, "Number of kernels, or of units"),
            "size": whole(layer.size, 11, "Size of kernel or window"),
            "stride": whole(layer.stride, 4, "Stride"),
            "padding": ipw.Dropdown(options=["valid", "same"], value=layer.padding, tooltip="Padding"),
            "insert": ipw.Button(icon="plus", tooltip="Repeat this layer"),
            "remove": ipw.Button(icon="trash", tooltip="Remove this layer"),
        }
        for name, control in row.items():
            control.add_class(f"cnn-{name}").layout.margin = "1px 2px"  # STYLE has the widths
        row["result"] = ipw.HTML()
        row["box"] = ipw.HBox([*row.values()], layout={"align_items": "center"})
        row["kind"].observe(lambda _: self._change_kind(row), "value")
        self._watch(*(row[name] for name in ("filters", "size", "stride", "padding")))
        row["insert"].on_click(lambda _: self._insert(self.rows.index(row) + 1, self._spec(row)))
        row["remove"].on_click(lambda _: self._remove(row))
        return row

    def _change_kind(self, row):
        """Give a layer of a new kind the size and stride that are usual for it."""
        if not self._busy:
            with self._quietly():
                row["size"].value, row["stride"].value = TYPICAL.get(row["kind"].value, (1, 1))
            self._update()

    def _next_layer(self):
        """Return a layer that can stand on top of the others."""
        done, _ = self.compute()
        image = done and len(done[-1].shape) == 3
        return LayerSpec("Conv2D", 32, 3) if image else LayerSpec("Dense", 10)

    def _insert(self, place, layer):
        if len(self.rows) < self.most_layers:
            self.rows.insert(place, self._row(layer))
            self._update()
        else:
            self._say(f"{self.most_layers} layers are the most that fit here.", bad=True)

    def _remove(self, row):
        if len(self.rows) > 1:
            place = self.rows.index(row)
            self.rows.remove(row)
            self._update()
            self.rows[min(place, len(self.rows) - 1)]["remove"].focus()  # for those who use the keyboard
        else:
            self._say("A network needs at least one layer.", bad=True)

    @staticmethod
    def _spec(row):
        return LayerSpec(*(row[name].value for name in ("kind", "filters", "size", "stride", "padding")))

    def layers(self) -> list[LayerSpec]:
        """Return the layers as they are set now."""
        return [self._spec(row) for row in self.rows]

    def compute(self):
        """Return what `helpers.layers.stack_so_far` says of the layers as they are set now."""
        return stack_so_far(self.input_shape.value, self.layers())

    def _update(self):
        done, problem = self.compute()
        self._show_rows(done)
        self.picture.value = draw_network(self.input_shape.value, done)
        self._say(problem or self.describe(done), bad=bool(problem))

    def _show_rows(self, done):
        """Write the result of each layer beside its controls, and hide the controls that it does not have."""
        most = max([row.parameters for row in done] + [1])
        for number, row in enumerate(self.rows):
            fits = number < len(done)
            note = '<div class="cnn-result">does not fit</div>' if number == len(done) else ""
            row["result"].value = self._result(done[number], most) if fits else note
            kind = row["kind"].value
            row["filters"].layout.visibility = "visible" if kind in ("Conv2D", "Dense") else "hidden"
            for name in ("size", "stride", "padding"):
                row[name].layout.visibility = "visible" if kind in WINDOWS else "hidden"
        replace_children(self.table, [self.heading, *(row["box"] for row in self.rows)])

    @staticmethod
    def _heading():
        names = "".join(f'<span class="cnn-{column}">{name}</span>' for column, name in COLUMNS.items())
        sees = '<span title="receptive field: pixels of the input that one output number depends on">sees</span>'
        results = f'<div class="cnn-result"><span>output</span><span>parameters</span>{sees}</div>'
        return f'<div class="cnn-heading">{names}{results}</div>'

    @staticmethod
    def _result(row, most):
        bar = f"width:{60 * row.parameters / most:.0f}px;background:{LAYER_COLORS[row.kind]}"
        sees = "all" if row.receptive_field is None else f"{row.receptive_field}×{row.receptive_field}"
        cells = ("×".join(map(str, row.shape)), f"{row.parameters:,}", sees)
        cells = "".join(f"<span>{text}</span>" for text in cells)
        return f'<div class="cnn-result">{cells}<span class="cnn-bar" style="{bar}"></span></div>'

    @staticmethod
    def describe(rows) -> str:
        """Return the sums of a stack as a sentence."""
        shape = "×".join(map(str, rows[-1].shape))
        multiplications = readable_count(sum(row.multiplications for row in rows))
        return (
            f"{sum(row.parameters for row in rows):,} parameters, "
            f"{multiplications} multiplications per image, output {shape}."
        )

    def still(self) -> str:
        """Return the network, as far as its layers fit, as one SVG picture."""
        done, problem = self.compute()
        parts = network_parts(self.input_shape.value, done, [problem or self.describe(done)])
        return paper(*parts, f"{self.title}: {problem or self.describe(done)}")


# --- a network as blocks ---

LAYER_COLORS = {
    "Input": "#c9ced6",
    "Conv2D": "#f2a65a",
    "MaxPooling2D": "#8db9d9",
    "AveragePooling2D": "#8db9d9",
    "Dropout": "#dddddd",
    "Flatten": "#b8a6d1",
    "GlobalAveragePooling2D": "#8db9d9",
    "Dense": "#9cc79a",
}
SHORT_NAMES = {"GlobalAveragePooling2D": "GlobalAvgPool", "MaxPooling2D": "MaxPool", "AveragePooling2D": "AvgPool"}
OTHER_COLOR = "#dddddd"  # of kinds of layers that the calculator does not have


def draw_block(kind, shape, biggest, left_edge, base) -> tuple[str, float]:
    """Return SVG of one layer of a network as a block, and the width that it and its text need.

    The block stands on the line ``base``; ``biggest`` is the height of the largest image of the network, in pixels.
    """
    if len(shape) == 3:
        side, width = 16 + 104 * shape[0] / biggest, 8 + 3.2 * math.sqrt(shape[2])
        depth = side * 0.32
    else:
        side, width, depth = 30 + 18 * math.log10(max(shape[0], 1)), 11.0, 0.0
    span = max(width + depth, 82, 7.4 * len(SHORT_NAMES.get(kind, kind)))
    left, top = left_edge + (span - width - depth) / 2, base - side
    edge = f'fill="{LAYER_COLORS.get(kind, OTHER_COLOR)}" stroke="#555" stroke-width="1" stroke-linejoin="round"'
    slant, back = f"l{depth:.1f} {-depth:.1f}", f"l{-depth:.1f} {depth:.1f}z"
    faces = f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{side:.1f}" {edge}/>'
    if depth:
        faces += (
            f'<path d="M{left:.1f} {top:.1f}{slant}h{width:.1f}{back}" {edge}/>'
            f'<path d="M{left + width:.1f} {top:.1f}{slant}v{side:.1f}{back}" {edge} fill-opacity="0.75"/>'
        )
    return faces, span


def network_parts(input_shape, rows, notes=()) -> tuple[float, float, str]:
    """Return width, height and SVG elements of `draw_network`; each of ``notes`` is a line of text below."""
    stages = [("Input", tuple(input_shape), 0), *((row.kind, row.shape, row.parameters) for row in rows)]
    biggest = max((shape[0] for _, shape, _ in stages if len(shape) == 3), default=1)
    x, base, parts = 0.0, 162.0, []
    for kind, shape, parameters in stages:
        block, span = draw_block(kind, shape, biggest, x, base)
        middle = x + span / 2
        parts.append(block + draw_text(middle, base + 16, SHORT_NAMES.get(kind, kind), 13, extra=' font-weight="bold"'))
        parts.append(draw_text(middle, base + 34, "×".join(map(str, shape)), 13))
        parts.append(draw_text(middle, base + 51, f"{parameters:,}" if parameters else "", 12))
        x += span + 12
    notes = ("Below each block: height × width × channels of the output, and parameters.", *notes)
    for line, text in enumerate(notes):
        parts.append(draw_text(0, base + 80 + 22 * line, html.escape(text), 14 if line else 12, "start"))
    return max(x - 12, 520), base + 68 + 22 * len(notes), "".join(parts)


def draw_network(input_shape, rows) -> str:
    """Return SVG of a network: a block per layer, its height as the image, its width as the channels.

    ``rows`` is what `helpers.layers.layer_stack` returns.
    """
    return svg(*network_parts(input_shape, rows))


def network_picture(model):
    """Return a picture of a built Keras Sequential model for display and print: see `draw_network`.

    Models inside the model are taken apart. Raises ValueError for a model whose input shape is open.
    """
    from IPython.display import SVG

    shape = model.input_shape if model.built else (None, None)
    if None in shape[1:]:
        raise ValueError(f"The input shape {shape} is open: begin the model with keras.Input(shape).")
    layers = [part for layer in model.layers for part in getattr(layer, "layers", [layer])]
    rows = [
        LayerRow(type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params(), 0, None)
        for layer in layers
        if type(layer).__name__ != "InputLayer"
    ]
    steps = [f"{row.kind} to {'×'.join(map(str, row.shape))}" for row in rows]
    return SVG(paper(*network_parts(shape[1:], rows), f"A network as blocks: {', '.join(steps)}"))

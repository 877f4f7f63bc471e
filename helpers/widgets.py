"""The moving pictures of the lessons: the convolution stepper (01) and the layer calculator (03).

Each widget is three parts: a pure function computes arrays or rows (`helpers.convolution`), functions here turn them
into PNG and SVG text, and a class wires these to controls. No Matplotlib figure is built on an event. Shown without a
kernel (GitHub, print), a widget is a still SVG made by the same drawing functions.
"""

import base64
import html
import math
from fractions import Fraction

from helpers.convolution import (
    KERNELS,
    LAYER_KINDS,
    WINDOWS,
    LayerSpec,
    as_image,
    as_kernel,
    convolution_step,
    convolve,
    layer_stack,
    pad,
)
from helpers.plots import ACCENT, colorize, format_number, png

import ipywidgets as ipw
import numpy as np

PANEL = 250  # pixels of the longer side of an image panel
CELL = 44  # pixels of a number cell
FONT = 'font-family="Helvetica, Arial, sans-serif"'
STYLE = """<style>
.cnn-pixels {image-rendering: pixelated; border: 1px solid #999; box-sizing: content-box; max-width: none;}
.cnn-kernel input {text-align: center; padding: 0 2px;}
.cnn-bad input {outline: 2px solid #c62828;}
.cnn-status {font-size: 15px; line-height: 1.4;}
</style>"""


# --- drawing: text of SVG and HTML from arrays ---


def kernel_text(value: float) -> str:
    """Return a kernel value as one would write it: a whole number, a short fraction, or a decimal.

    >>> kernel_text(-2.0), kernel_text(1 / 9), kernel_text(0.123456)
    ('-2', '1/9', '0.123')
    """
    fraction = Fraction(float(value)).limit_denominator(273)
    if abs(float(fraction) - value) < 1e-9:
        return str(fraction)
    return f"{value:.3g}"


def parse_kernel_value(text: str) -> float:
    """Return the number that a learner typed into a kernel cell: ``"-1"``, ``"0.5"``, ``"1/9"``, also with a comma.

    Raises ValueError, saying what is possible.
    """
    try:
        value = float(Fraction(text.strip().replace(",", ".").replace("−", "-")))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise ValueError(f"“{text}” is not a number: write 2, -0.5 or 1/9.") from None
    if abs(value) > 1e6:
        raise ValueError(f"{text} is too large for this picture: stay within ±1,000,000.")
    return value


def svg(width: float, height: float, body: str) -> str:
    """Return an SVG document of that size, which shrinks with the page."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:100%">{body}</svg>'
    )


def text_color(rgb) -> str:
    """Return black or white, whichever can be read on ``rgb`` (0 to 255)."""
    return "#fff" if np.dot(rgb, [0.2125, 0.7154, 0.0721]) < 128 else "#000"


def draw_cells(values, colors, texts, x=0.0, y=0.0) -> str:
    """Return SVG of a table of colored cells with their numbers; ``colors`` is uint8 (rows, cols, 3)."""
    parts = []
    for (row, col), _ in np.ndenumerate(values):
        left, top, rgb = x + col * CELL, y + row * CELL * 0.7, colors[row, col]
        fill = "#{:02x}{:02x}{:02x}".format(*rgb)
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{CELL}" height="{CELL * 0.7:.1f}" fill="{fill}" stroke="#999"/>'
            f'<text x="{left + CELL / 2:.1f}" y="{top + CELL * 0.35:.1f}" {FONT} font-size="13" text-anchor="middle" '
            f'dominant-baseline="central" fill="{text_color(rgb)}">{texts[row][col]}</text>'
        )
    return "".join(parts)


def draw_step(step, value_range, response_range) -> str:
    """Return SVG with every product of one `convolution_step`: patch × kernel = products, and their sum."""
    high = float(np.abs(step.kernel).max()) or 1.0
    products = max(float(np.abs(step.products).max()), 1e-12)
    tables = [
        ("pixels", step.patch, colorize(step.patch, *value_range), format_number),
        ("kernel", step.kernel, signed_colors(step.kernel, high), kernel_text),
        ("products", step.products, signed_colors(step.products, products), format_number),
    ]
    rows, cols = step.kernel.shape
    height = 26 + rows * CELL * 0.7
    middle, x, parts = 22 + rows * CELL * 0.35, 0.0, []
    for (name, values, colors, form), sign in zip(tables, ("×", "=", "→ sum"), strict=True):
        parts.append(f'<text x="{x}" y="14" {FONT} font-size="13" fill="currentColor">{name}</text>')
        texts = [[form(value) for value in row] for row in values]
        parts.append(draw_cells(values, colors, texts, x, 22))
        x += cols * CELL
        gap = 62 if sign == "→ sum" else 30
        parts.append(
            f'<text x="{x + gap / 2:.1f}" y="{middle:.1f}" {FONT} font-size="17" text-anchor="middle" '
            f'dominant-baseline="central" fill="currentColor">{sign}</text>'
        )
        x += gap
    rgb = colorize(np.array([[step.total]]), *response_range)[0, 0] if response_range[0] >= 0 else None
    rgb = signed_colors(np.array([[step.total]]), response_range[1])[0, 0] if rgb is None else rgb
    parts.append(
        f'<rect x="{x:.1f}" y="{middle - 20:.1f}" width="72" height="40" stroke="{ACCENT}" stroke-width="3" '
        f'fill="#{"{:02x}{:02x}{:02x}".format(*rgb)}"/>'
        f'<text x="{x + 36:.1f}" y="{middle:.1f}" {FONT} font-size="16" font-weight="bold" text-anchor="middle" '
        f'dominant-baseline="central" fill="{text_color(rgb)}">{format_number(step.total)}</text>'
    )
    return svg(x + 78, height, "".join(parts))


def signed_colors(values, bound: float) -> np.ndarray:
    """Return uint8 RGB of ``values`` in the signed colors of the series, from −bound to bound."""
    import matplotlib as mpl

    return mpl.colormaps["PuOr_r"]((np.asarray(values) / (bound or 1) + 1) / 2, bytes=True)[..., :3]


def panel_scale(shape) -> float:
    """Return how many screen pixels one image pixel is wide in a panel."""
    return PANEL / max(shape[:2])


def outline(row: float, col: float, height: float, width: float, scale: float, shape) -> str:
    """Return SVG that outlines a window of image pixels, never too small to see, with lines to the borders."""
    least = 7.0
    w, h = max(width * scale, least), max(height * scale, least)
    x, y = (col + width / 2) * scale - w / 2, (row + height / 2) * scale - h / 2
    total_w, total_h = shape[1] * scale, shape[0] * scale
    hair = f'stroke="{ACCENT}" stroke-width="1" stroke-opacity="0.55"'
    return (
        f'<path d="M{x + w / 2:.1f} 0V{y:.1f}M{x + w / 2:.1f} {y + h:.1f}V{total_h:.1f}'
        f'M0 {y + h / 2:.1f}H{x:.1f}M{x + w:.1f} {y + h / 2:.1f}H{total_w:.1f}" {hair}/>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="none" stroke="#fff" stroke-width="5"/>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="none" stroke="{ACCENT}" stroke-width="2.5"/>'
    )


def draw_input_overlay(step, shape, padding: int, dilation: int) -> str:
    """Return SVG over the padded image: the border of the padding, the window, and each pixel it reads."""
    scale = panel_scale(shape)
    height, width = shape[0] * scale, shape[1] * scale
    parts = []
    if padding:
        p = padding * scale
        parts.append(
            f'<path d="M0 0H{width:.1f}V{height:.1f}H0ZM{p:.1f} {p:.1f}V{height - p:.1f}H{width - p:.1f}V{p:.1f}Z" '
            'fill="#4ba3c3" fill-opacity="0.45" fill-rule="evenodd"/>'
        )
    rows, cols = step.kernel.shape
    if dilation > 1 and scale > 2:
        for row in range(rows):
            for col in range(cols):
                x, y = (step.left + col * dilation) * scale, (step.top + row * dilation) * scale
                parts.append(
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="{scale:.1f}" height="{scale:.1f}" '
                    f'fill="{ACCENT}" fill-opacity="0.55" stroke="#fff" stroke-width="1"/>'
                )
    extent_h, extent_w = (rows - 1) * dilation + 1, (cols - 1) * dilation + 1
    parts.append(outline(step.top, step.left, extent_h, extent_w, scale, shape))
    return svg(width, height, "".join(parts))


def draw_output_overlay(step, shape) -> str:
    """Return SVG over the finished feature map: hatching where nothing is computed yet, and the pixel of this step."""
    scale = panel_scale(shape)
    height, width = shape[0] * scale, shape[1] * scale
    top, bottom = step.row * scale, (step.row + 1) * scale
    right = (step.col + 1) * scale
    empty = f"M{right:.2f} {top:.2f}H{width:.2f}V{height:.2f}H0V{bottom:.2f}H{right:.2f}Z"
    return svg(
        width,
        height,
        '<defs><pattern id="cnn-empty" width="8" height="8" patternUnits="userSpaceOnUse">'
        '<rect width="8" height="8" fill="#e9eef2"/><path d="M-2 10L10 -2M-2 2L2 -2M6 10L10 6" stroke="#b9c6d0"/></pattern></defs>'
        f'<path d="{empty}" fill="url(#cnn-empty)"/>' + outline(step.row, step.col, 1, 1, scale, shape),
    )


def embed(png_bytes: bytes, width: float, height: float, x=0.0, y=0.0) -> str:
    """Return SVG that holds a PNG, its pixels as sharp squares."""
    data = base64.b64encode(png_bytes).decode()
    return (
        f'<image x="{x}" y="{y}" width="{width:.1f}" height="{height:.1f}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
    )


# --- the convolution stepper (lesson 01) ---


class StillMixin:
    """A widget that is also a picture where no kernel runs: `still` returns it as SVG."""

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        return {
            **bundle,
            "text/plain": f"{self.title} (run the cell to use it)",
            "image/svg+xml": self.still(),
        }


class ConvolutionStepper(StillMixin, ipw.VBox):
    """Step a kernel over a gray image and see each product as a number.

    Parameters
    ----------
    image : array (H, W), at most 512 × 512
    kernel : array (kh, kw), each at most 7; or a name from `helpers.convolution.KERNELS`
    step : int, where to start

    Raises ValueError for an image or kernel that does not fit this.

    Notes
    -----
    The feature map is computed once per change of kernel or setting. A step draws only two outlines and the numbers,
    whatever the size of the image. ``status`` holds the numbers as text.
    """

    title = "Convolution stepper"

    def __init__(self, image, kernel="Sobel x", step: int = 0):
        self.image = np.asarray(image)
        as_image(self.image)
        if max(self.image.shape) > 512:
            raise ValueError(f"The stepper shows images up to 512 × 512; this one is {self.image.shape}. Crop it.")
        if isinstance(kernel, str) and kernel not in KERNELS:
            raise ValueError(f"Unknown kernel {kernel!r}: use one of {', '.join(KERNELS)}, or an array.")
        self.start = KERNELS[kernel] if isinstance(kernel, str) else as_kernel(kernel)
        if max(self.start.shape) > 7:
            raise ValueError(f"The stepper shows kernels up to 7 × 7; this one is {self.start.shape}.")
        self.start_name = kernel if isinstance(kernel, str) else "your own"
        self.kernel = self.start.copy()
        self._busy = False
        self._build_controls()
        super().__init__(self._layout())
        self._fill_cells()
        self._recompute()
        self.slider.value = min(max(int(step), 0), self.slider.max)

    def _build_controls(self):
        wide = {"description_width": "62px"}
        self.preset = ipw.Dropdown(
            options=[*KERNELS, "your own"],
            value=self.start_name,
            description="Kernel",
            tooltip="A kernel made by hand; edit its cells below",
            style=wide,
            layout={"width": "205px"},
        )
        self.stride = self._int_slider("Stride", 1, 1, 4, "Pixels from one place to the next")
        self.padding = self._int_slider("Padding", 0, 0, 3, "Zeros added on each side, in pixels")
        self.dilation = self._int_slider("Dilation", 1, 1, 3, "Distance of the pixels that the kernel reads")
        self.flip = ipw.Checkbox(
            value=False,
            description="Flip the kernel",
            tooltip="Turn the kernel by 180°: the convolution of signal processing",
            indent=False,
            layout={"width": "125px"},
        )
        self.reset = ipw.Button(description="Reset", tooltip="Back to the start", icon="undo", layout={"width": "85px"})
        self.slider = ipw.IntSlider(
            description="Step",
            min=0,
            max=1,
            style=wide,
            layout={"width": "520px"},
            tooltip="Place of the kernel, row by row: arrow keys, Home, End",
        )
        self.play = ipw.Play(min=0, max=1, interval=120, layout={"width": "150px"})
        ipw.jslink((self.play, "value"), (self.slider, "value"))
        self.input_image = ipw.Image(format="png").add_class("cnn-pixels")
        self.output_image = ipw.Image(format="png").add_class("cnn-pixels")
        self.input_overlay, self.output_overlay = ipw.HTML(), ipw.HTML()
        self.input_title, self.output_title = ipw.HTML(), ipw.HTML()
        self.numbers = ipw.HTML()
        self.status = ipw.HTML().add_class("cnn-status")
        self.grid = ipw.VBox().add_class("cnn-kernel")
        for control in (self.stride, self.padding, self.dilation, self.flip):
            control.observe(lambda _: self._recompute(), "value")
        self.preset.observe(self._choose_preset, "value")
        self.slider.observe(lambda _: self._draw(), "value")
        self.reset.on_click(lambda _: self._reset())

    @staticmethod
    def _int_slider(name, value, low, high, tooltip):
        return ipw.IntSlider(
            value=value,
            min=low,
            max=high,
            description=name,
            tooltip=tooltip,
            style={"description_width": "62px"},
            layout={"width": "205px"},
        )

    def _layout(self):
        def layered(image, overlay):
            for child in (image, overlay):
                child.layout.grid_area = "1 / 1"
                child.layout.margin = "0"
            return ipw.GridBox([image, overlay], layout={"width": f"{PANEL + 6}px"})

        def column(title, body):
            return ipw.VBox([title, body], layout={"margin": "0 14px 0 0"})

        images = ipw.HBox(
            [
                column(self.input_title, layered(self.input_image, self.input_overlay)),
                column(ipw.HTML("<b>Kernel</b>: click a cell and type"), self.grid),
                column(self.output_title, layered(self.output_image, self.output_overlay)),
            ],
            layout={"flex_flow": "row wrap"},
        )
        settings = ipw.HBox([self.stride, self.padding, self.dilation], layout={"flex_flow": "row wrap"})
        first = ipw.HBox([self.preset, self.flip, self.reset], layout={"align_items": "center"})
        walk = ipw.HBox([self.play, self.slider], layout={"flex_flow": "row wrap"})
        return [ipw.HTML(STYLE), first, settings, images, walk, self.status, self.numbers]

    # -- changes --

    def _fill_cells(self):
        """Make one text field for each value of the kernel."""

        def cell(row, col):
            field = ipw.Text(
                kernel_text(self.kernel[row, col]),
                continuous_update=False,
                tooltip=f"kernel row {row}, column {col}",
                layout={"width": "52px", "margin": "1px"},
            )
            field.observe(lambda change: self._edit(row, col, field), "value")
            return field

        rows, cols = self.kernel.shape
        self.cells = [[cell(row, col) for col in range(cols)] for row in range(rows)]
        self.grid.children = [ipw.HBox(row) for row in self.cells]

    def _edit(self, row, col, field):
        if self._busy:
            return
        try:
            self.kernel[row, col] = parse_kernel_value(field.value)
        except ValueError as error:
            field.add_class("cnn-bad")
            self._say(str(error), bad=True)
            return
        field.remove_class("cnn-bad")
        self._busy = True
        self.preset.value = "your own"
        self._busy = False
        self._recompute()

    def _choose_preset(self, change):
        if not self._busy and change["new"] in KERNELS:
            self._set_kernel(KERNELS[change["new"]])

    def _set_kernel(self, kernel):
        self.kernel = np.array(kernel, float)
        self._fill_cells()
        self._recompute()

    def _reset(self):
        self._busy = True
        self.preset.value = self.start_name
        self.stride.value, self.padding.value, self.dilation.value, self.flip.value = 1, 0, 1, False
        self._busy = False
        self._set_kernel(self.start)
        self.slider.value = 0

    def _recompute(self):
        """Compute the whole feature map once, and everything that does not depend on the step."""
        if self._busy:
            return
        stride, padding, dilation, flip = (c.value for c in (self.stride, self.padding, self.dilation, self.flip))
        try:
            self.feature_map = convolve(self.image, self.kernel, stride, padding, dilation, flip)
        except ValueError as error:
            self._say(str(error), bad=True)
            self.slider.disabled = True
            return
        self.slider.disabled = False
        self.padded = pad(self.image, padding).astype(self.image.dtype)
        low, high = float(self.image.min()), float(self.image.max())
        self.value_range = (0.0, 255.0) if self.image.dtype == np.uint8 else (min(low, 0.0), max(high, 1.0))
        response = float(np.abs(self.feature_map).max()) or 1.0
        self.response_range = (-response if self.feature_map.min() < 0 else 0.0, response)
        self._show(self.input_image, self.input_overlay, colorize(self.padded, *self.value_range))
        self._show(self.output_image, self.output_overlay, colorize(self.feature_map, *self.response_range))
        (rows, cols), (out_rows, out_cols) = self.padded.shape, self.feature_map.shape
        self.input_title.value = f"<b>Image</b> {rows} × {cols}" + (" with padding (blue)" if padding else "")
        self.output_title.value = f"<b>Feature map</b> {out_rows} × {out_cols}"
        last = out_rows * out_cols - 1
        self._busy = True
        self.slider.value = min(self.slider.value, last)
        self.slider.max = self.play.max = last
        self._busy = False
        self._draw()

    @staticmethod
    def _show(image, overlay, pixels):
        scale = panel_scale(pixels.shape)
        image.value = png(pixels)
        image.layout.width = overlay.layout.width = f"{pixels.shape[1] * scale:.0f}px"
        image.layout.height = overlay.layout.height = f"{pixels.shape[0] * scale:.0f}px"

    def _draw(self):
        """Draw one step; the cost does not depend on the size of the image."""
        if self._busy:
            return
        step = convolution_step(
            self.padded,
            self.kernel,
            self.slider.value,
            self.stride.value,
            self.dilation.value,
            self.flip.value,
        )
        self.input_overlay.value = draw_input_overlay(step, self.padded.shape, self.padding.value, self.dilation.value)
        self.output_overlay.value = draw_output_overlay(step, self.feature_map.shape)
        self.numbers.value = draw_step(step, self.value_range, self.response_range)
        self._say(self.describe(step))

    def describe(self, step) -> str:
        """Return one step as a sentence with its numbers."""
        return (
            f"Step {self.slider.value + 1:,} of {self.slider.max + 1:,}: row {step.row}, column {step.col}. "
            f"{step.products.size} products sum to {format_number(step.total)}."
        )

    def _say(self, message, bad=False):
        color = "#c62828" if bad else "inherit"
        self.status.value = f'<span style="color:{color}">{html.escape(message)}</span>'

    def still(self) -> str:
        """Return this step as one SVG picture: image, feature map and all products."""
        step = convolution_step(
            self.padded,
            self.kernel,
            self.slider.value,
            self.stride.value,
            self.dilation.value,
            self.flip.value,
        )
        panels = (
            (self.input_image.value, draw_input_overlay(step, self.padded.shape, self.padding.value, self.dilation.value),
             self.padded.shape, 0),
            (self.output_image.value, draw_output_overlay(step, self.feature_map.shape), self.feature_map.shape, PANEL + 60),
        )  # fmt: skip
        parts = ['<rect width="100%" height="100%" fill="#fff"/><g transform="translate(10 10)" color="#000">']
        for picture, overlay, shape, x in panels:
            scale = panel_scale(shape)
            parts.append(f'<g transform="translate({x} 24)">')
            parts.append(embed(picture, shape[1] * scale, shape[0] * scale) + overlay + "</g>")
            name = "image" if x == 0 else "feature map so far"
            parts.append(f'<text x="{x}" y="14" {FONT} font-size="14">{name}, {shape[0]} × {shape[1]}</text>')
        table = draw_step(step, self.value_range, self.response_range)
        parts.append(f'<g transform="translate(0 {PANEL + 44})">{table}</g>')
        parts.append(
            f'<text x="0" y="{PANEL + 96 + step.kernel.shape[0] * CELL * 0.7:.0f}" {FONT} font-size="14">'
            f"{self.describe(step)}</text></g>"
        )
        width = max(2 * PANEL + 80, step.kernel.shape[1] * CELL * 3 + 230)
        return svg(width, PANEL + 120 + step.kernel.shape[0] * CELL * 0.7, "".join(parts))


# --- the layer calculator (lesson 03) ---

STACKS = {
    "Two convolutions, flatten": (
        (32, 32, 3),
        [
            LayerSpec("Conv2D", 32, 3),
            LayerSpec("Conv2D", 32, 3),
            LayerSpec("Flatten"),
            LayerSpec("Dense", 10),
        ],
    ),
    "… with pooling and a dense layer": (
        (32, 32, 3),
        [
            LayerSpec("Conv2D", 32, 3),
            LayerSpec("MaxPooling2D", size=2, stride=2),
            LayerSpec("Conv2D", 32, 3),
            LayerSpec("MaxPooling2D", size=2, stride=2),
            LayerSpec("Flatten"),
            LayerSpec("Dense", 32),
            LayerSpec("Dense", 10),
        ],
    ),
    "Digits, flatten": (
        (28, 28, 1),
        [
            LayerSpec("Conv2D", 32, 3),
            LayerSpec("MaxPooling2D", size=2, stride=2),
            LayerSpec("Conv2D", 64, 3),
            LayerSpec("MaxPooling2D", size=2, stride=2),
            LayerSpec("Conv2D", 64, 3),
            LayerSpec("Flatten"),
            LayerSpec("Dense", 64),
            LayerSpec("Dense", 10),
        ],
    ),
    "Digits, global average pooling": (
        (28, 28, 1),
        [
            LayerSpec("Conv2D", 32, 3),
            LayerSpec("MaxPooling2D", size=2, stride=2),
            LayerSpec("Conv2D", 64, 3),
            LayerSpec("MaxPooling2D", size=2, stride=2),
            LayerSpec("Conv2D", 64, 3),
            LayerSpec("GlobalAveragePooling2D"),
            LayerSpec("Dense", 10),
        ],
    ),
    "Dense only": ((32, 32, 3), [LayerSpec("Flatten"), LayerSpec("Dense", 100)]),
}
"""Networks to start from in the calculator: input shape and layers, by name."""

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


def draw_network(input_shape, rows) -> str:
    """Return SVG of a network: a block per layer, its height as the image, its width as the channels.

    ``rows`` is what `helpers.convolution.layer_stack` returns.
    """
    stages = [
        ("Input", "", tuple(input_shape), 0),
        *((row.kind, row.shape, row.parameters) for row in rows),
    ]
    biggest = max((shape[0] for _, shape, _ in stages if len(shape) == 3), default=1)
    x, parts, base = 16.0, [], 178.0
    for kind, shape, parameters in stages:
        color = LAYER_COLORS[kind]
        if len(shape) == 3:
            side = 16 + 104 * shape[0] / biggest
            width, depth = 8 + 3.2 * math.sqrt(shape[2]), side * 0.32
        else:
            side, width, depth = 30 + 18 * math.log10(max(shape[0], 1)), 11.0, 0.0
        span = max(width + depth, 82)
        left, top = x + (span - width - depth) / 2, base - side
        right = left + width
        edge = f'fill="{color}" stroke="#444" stroke-width="1"'
        if depth:
            parts.append(
                f'<path d="M{left:.1f} {top:.1f}l{depth:.1f} {-depth:.1f}h{width:.1f}l{-depth:.1f} {depth:.1f}z" {edge}/>'
                f'<path d="M{right:.1f} {top:.1f}l{depth:.1f} {-depth:.1f}v{side:.1f}l{-depth:.1f} {depth:.1f}z" {edge} '
                'fill-opacity="0.75"/>'
            )
        parts.append(f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{side:.1f}" {edge}/>')
        name = {
            "GlobalAveragePooling2D": "GlobalAvgPool",
            "MaxPooling2D": "MaxPool",
            "AveragePooling2D": "AvgPool",
        }
        lines = [
            (name.get(kind, kind), "bold", 13),
            ("×".join(map(str, shape)), "normal", 13),
            (f"{parameters:,}" if parameters else "", "normal", 12),
        ]
        for number, (text, weight, size) in enumerate(lines):
            parts.append(
                f'<text x="{x + span / 2:.1f}" y="{base + 20 + 17 * number:.0f}" {FONT} font-size="{size}" '
                f'font-weight="{weight}" text-anchor="middle" fill="#222">{text}</text>'
            )
        x += span + 12
    caption = f'<text x="16" y="{base + 74:.0f}" {FONT} font-size="12" fill="#555">block: height × width × channels of the output; last line: parameters</text>'
    return svg(x + 4, base + 84, '<rect width="100%" height="100%" fill="#fff"/>' + "".join(parts) + caption)


def readable_count(number: int) -> str:
    """Return a large count in a short form.

    >>> readable_count(999), readable_count(2_214_400), readable_count(14_714_688)
    ('999', '2.2 million', '14.7 million')
    """
    return f"{number:,}" if number < 1_000_000 else f"{number / 1e6:.1f} million"


class LayerCalculator(StillMixin, ipw.VBox):
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
        self.first = stack
        self._busy = False
        self.preset = ipw.Dropdown(
            options=[*STACKS],
            value=stack,
            description="Start from",
            tooltip="A network of the lesson to change",
        )
        self.input_shape = ipw.Dropdown(
            options=[("×".join(map(str, shape)), shape) for shape in self.inputs],
            description="Input",
            tooltip="Height × width × channels of one image",
            layout={"width": "190px"},
            style={"description_width": "50px"},
        )
        self.add = ipw.Button(
            description="Add layer", icon="plus", tooltip="Put a layer on top", layout={"width": "110px"}
        )
        self.reset = ipw.Button(description="Reset", icon="undo", tooltip="Back to the start", layout={"width": "85px"})
        self.table, self.picture = ipw.VBox(), ipw.HTML()
        self.status = ipw.HTML().add_class("cnn-status")
        self.rows = []
        self.preset.observe(lambda change: self._load(change["new"]), "value")
        self.input_shape.observe(lambda _: self._recompute(), "value")
        self.add.on_click(lambda _: self._insert(len(self.rows), LayerSpec("Conv2D", 32, 3)))
        self.reset.on_click(self._reset)
        super().__init__(
            [
                ipw.HTML(STYLE),
                ipw.HBox([self.preset, self.input_shape, self.add, self.reset], layout={"flex_flow": "row wrap"}),
                self.table,
                self.status,
                self.picture,
            ]
        )
        self._load(stack)

    # -- changes --

    def _reset(self, _):
        self.preset.value = self.first
        self._load(self.first)

    def _load(self, name):
        shape, layers = STACKS[name]
        self._busy = True
        self.input_shape.value = shape
        self.rows = [self._row(layer) for layer in layers]
        self._busy = False
        self._recompute()

    def _row(self, layer):
        """Return the controls of one layer, in a dict."""

        def whole(value, most, tooltip):
            return ipw.BoundedIntText(
                value=max(value, 1),
                min=1,
                max=most,
                tooltip=tooltip,
                layout={"width": "72px", "margin": "1px 4px"},
            )

        row = {
            "kind": ipw.Dropdown(options=LAYER_KINDS, value=layer.kind, tooltip="Kind", layout={"width": "190px"}),
            "filters": whole(layer.filters, 4096, "Number of kernels, or of units"),
            "size": whole(layer.size, 11, "Size of kernel or window"),
            "stride": whole(layer.stride, 4, "Stride"),
            "padding": ipw.Dropdown(
                options=["valid", "same"], value=layer.padding, tooltip="Padding", layout={"width": "78px"}
            ),
            "remove": ipw.Button(icon="trash", tooltip="Remove this layer", layout={"width": "36px"}),
            "result": ipw.HTML(),
        }
        for name in ("kind", "filters", "size", "stride", "padding"):
            row[name].observe(lambda _: self._recompute(), "value")
        row["remove"].on_click(lambda _: self._remove(row))
        return row

    def _insert(self, place, layer):
        if len(self.rows) < self.most_layers:
            self.rows.insert(place, self._row(layer))
            self._recompute()
        else:
            self._say(f"{self.most_layers} layers are the most that fit here.", bad=True)

    def _remove(self, row):
        if len(self.rows) > 1:
            self.rows = [other for other in self.rows if other is not row]
            self._recompute()
        else:
            self._say("A network needs at least one layer.", bad=True)

    def layers(self) -> list[LayerSpec]:
        """Return the layers as they are set now."""
        return [
            LayerSpec(*(row[name].value for name in ("kind", "filters", "size", "stride", "padding")))
            for row in self.rows
        ]

    def _recompute(self):
        if self._busy:
            return
        layers, done, problem = self.layers(), [], ""
        for count in range(1, len(layers) + 1):  # as far as the layers fit on each other
            try:
                done = layer_stack(self.input_shape.value, layers[:count])
            except ValueError as error:
                problem = str(error)
                break
        most = max([row.parameters for row in done] + [1])
        for number, row in enumerate(self.rows):
            row["result"].value = self._result(done[number], most) if number < len(done) else "<i>does not fit</i>"
            kind = row["kind"].value
            row["filters"].layout.visibility = "visible" if kind in ("Conv2D", "Dense") else "hidden"
            for name in ("size", "stride", "padding"):
                row[name].layout.visibility = "visible" if kind in WINDOWS else "hidden"
        names = ("kind", "filters", "size", "stride", "padding", "remove", "result")
        self.table.children = [
            ipw.HTML(self._heading()),
            *(ipw.HBox([row[name] for name in names], layout={"align_items": "center"}) for row in self.rows),
        ]
        self.picture.value = draw_network(self.input_shape.value, done)
        self._say(problem or self.describe(done), bad=bool(problem))

    @staticmethod
    def _heading():
        cells = (("layer", 198), ("kernels", 80), ("size", 80), ("stride", 80), ("padding", 84), ("", 40))
        cells = "".join(f'<span style="display:inline-block;width:{width}px">{name}</span>' for name, width in cells)
        return f'<div style="white-space:nowrap"><b>{cells}output · parameters · sees</b></div>'

    @staticmethod
    def _result(row, most):
        bar = f'<span style="display:inline-block;height:9px;width:{90 * row.parameters / most:.0f}px;background:{LAYER_COLORS[row.kind]}"></span>'
        sees = "all" if row.receptive_field is None else f"{row.receptive_field}×{row.receptive_field}"
        shape = "×".join(map(str, row.shape))
        return f'<div style="white-space:nowrap;margin-left:6px">{shape} · {row.parameters:,} · {sees} {bar}</div>'

    @staticmethod
    def describe(rows) -> str:
        """Return the sums of a stack as a sentence."""
        shape = "×".join(map(str, rows[-1].shape))
        return (
            f"{sum(row.parameters for row in rows):,} parameters, "
            f"{readable_count(sum(row.multiplications for row in rows))} multiplications per image, output {shape}."
        )

    def _say(self, message, bad=False):
        color = "#c62828" if bad else "inherit"
        self.status.value = f'<span style="color:{color}">{html.escape(message)}</span>'

    def still(self) -> str:
        """Return the network as one SVG picture."""
        return draw_network(self.input_shape.value, layer_stack(self.input_shape.value, self.layers()))

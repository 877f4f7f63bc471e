"""The moving pictures of the lessons: the convolution stepper (01) and the layer calculator (03).

Each widget is three parts: a pure function computes arrays or rows (`helpers.convolution`), functions here turn them
into PNG and SVG text, and a class wires these to controls. No Matplotlib figure is built on an event. Shown without a
kernel (GitHub, print), a widget is a still SVG made by the same drawing functions.
"""

import base64
import html
import io
import math

from helpers.convolution import (
    KERNELS,
    LAYER_KINDS,
    WINDOWS,
    LayerRow,
    LayerSpec,
    as_image,
    as_kernel,
    convolution_step,
    convolve,
    layer_stack,
    pad,
)
from helpers.plots import ACCENT, colorize, format_number, kernel_text, png, printed_kernel_text

import ipywidgets as ipw
import numpy as np
from PIL import Image

PANEL = 250  # pixels of the longer side of an image panel
CELL = 44  # pixels of a number cell
OVERLAY = "display:block;overflow:visible"  # style of an SVG that lies on an image
FONT = 'font-family="Helvetica, Arial, sans-serif"'
STYLE = """<style>
.cnn-stepper, .cnn-calculator {container: cnn / inline-size;}
.cnn-widget .widget-readout {min-width: 22px;}
.cnn-widget .widget-checkbox label {display: flex; align-items: center;}
.cnn-widget .widget-checkbox input {margin: 0 6px 0 0;}
.cnn-pixels {box-shadow: 0 0 0 1px #999; max-width: none;}
.cnn-sharp {image-rendering: pixelated;}
.cnn-overlay .widget-html-content, .cnn-overlay {line-height: 0; overflow: visible;}
.cnn-kernel input[type="text"] {text-align: center; padding: 0 1px;}
.cnn-bad input[type="text"] {border: 2px solid #e53935 !important;}
.cnn-status {font-size: 15px; line-height: 1.4;}
.cnn-error {color: var(--jp-error-color1, #c62828);}
.cnn-late {order: 3;}
.cnn-table {overflow-x: auto; width: 100%;}
.cnn-table > *, .cnn-table .widget-hbox > * {flex: none;}
.cnn-table > .widget-hbox {min-height: 32px;}
.cnn-table .jupyter-button {padding: 0; text-overflow: clip;}
.cnn-table .cnn-kind {width: 186px;}
.cnn-table .cnn-filters {width: 94px;}
.cnn-table .cnn-size, .cnn-table .cnn-stride {width: 50px;}
.cnn-table .cnn-padding {width: 70px;}
.cnn-table .cnn-insert, .cnn-table .cnn-remove {width: 30px;}
.cnn-heading {display: flex; font-weight: bold; font-size: 12px; white-space: nowrap;}
.cnn-heading > span {margin: 0 2px; overflow: hidden; text-overflow: ellipsis;}
.cnn-result {display: grid; grid-template-columns: 78px 80px 50px 60px; gap: 0 8px; white-space: nowrap; margin: 0 4px;}
.cnn-result > :nth-child(2), .cnn-result > :nth-child(3) {text-align: right;}
.cnn-bar {align-self: center; height: 9px;}
@container cnn (max-width: 720px) {
  .cnn-column {order: 3;}
  .cnn-table .cnn-kind {width: 112px;}
  .cnn-table .cnn-filters {width: 60px;}
  .cnn-table .cnn-size, .cnn-table .cnn-stride {width: 44px;}
  .cnn-result {grid-template-columns: 72px 68px 42px;}
  .cnn-bar, .cnn-table .cnn-insert {display: none;}
}
</style>"""


# --- drawing: text of SVG and HTML from arrays ---


def parse_kernel_value(text: str) -> float:
    """Return the number that a learner typed into a kernel cell: ``"-1"``, ``"0.5"``, ``"1/9"``, also with a comma.

    Raises ValueError, saying what is possible.
    """
    over, slash, under = text.replace(",", ".").replace("−", "-").partition("/")
    try:
        value = float(over) / (float(under) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        value = math.nan
    if math.isnan(value):
        raise ValueError(f"“{text}” is not a number: write 2, -0.5 or 1/9.")
    if abs(value) > 1e6:
        raise ValueError(f"{text} is too large for this picture: stay within ±1,000,000.")
    return value


def svg(width: float, height: float, body: str, style: str = "max-width:100%;height:auto;display:block") -> str:
    """Return an SVG document of that size, which shrinks with the page unless ``style`` says otherwise."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" style="{style}">{body}</svg>'
    )


def text_color(rgb) -> str:
    """Return black or white, whichever has more contrast on ``rgb`` (0 to 255), as WCAG computes it."""
    light = (np.asarray(rgb) / 255) ** 2.2  # from sRGB to physical brightness
    return "#fff" if np.dot(light, [0.2126, 0.7152, 0.0722]) < 0.179 else "#000"


def font_size(text: str, width: float = CELL, most: float = 13) -> float:
    """Return the font size in pixels at which a number of that many digits fits in ``width``."""
    return min(most, (width - 4) / (0.56 * max(len(text), 1)))


def draw_text(x, y, text, size=13, anchor="middle", fill="currentColor", extra="") -> str:
    """Return SVG of one line of text, centered on ``y``."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" {FONT} font-size="{size:.3g}" text-anchor="{anchor}" '
        f'dominant-baseline="central" fill="{fill}"{extra}>{text}</text>'
    )


def draw_cells(values, colors, texts, x=0.0, y=0.0) -> str:
    """Return SVG of a table of colored cells with their numbers; ``colors`` is uint8 (rows, cols, 3)."""
    parts, height = [], CELL * 0.7
    for (row, col), _ in np.ndenumerate(values):
        left, top, rgb, text = x + col * CELL, y + row * height, colors[row, col], texts[row][col]
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{CELL}" height="{height:.1f}" '
            f'fill="{web_color(rgb)}" stroke="#999"/>'
            + draw_text(left + CELL / 2, top + height / 2, text, font_size(text), fill=text_color(rgb))
        )
    return "".join(parts)


def web_color(rgb) -> str:
    """Return a uint8 color as ``"#rrggbb"``."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def draw_step(step, value_range, response_range) -> str:
    """Return SVG with every product of one `convolution_step`: patch × kernel = products, and their sum.

    Each table is a group with its name as class: ``pixels``, ``kernel``, ``products``, ``sum``.
    """
    largest = float(np.abs(step.kernel).max()) or 1.0
    most = max(float(np.abs(step.products).max()), 1e-12)
    tables = (
        ("pixels", step.patch, colorize(step.patch, *value_range), format_number, "×"),
        (
            "kernel",
            step.kernel,
            colorize(step.kernel, -largest, largest),
            printed_kernel_text,
            "=",
        ),
        ("products", step.products, colorize(step.products, -most, most), format_number, "→ sum"),
    )
    rows, cols = step.kernel.shape
    tall = max(rows * CELL * 0.7, 42.0)  # the box of the sum needs some height
    top, middle, x, parts = 24 + (tall - rows * CELL * 0.7) / 2, 24 + tall / 2, 1.0, []
    for name, values, colors, form, sign in tables:
        texts = [[form(value) for value in row] for row in values]
        cells = draw_cells(values, colors, texts, x, top)
        parts.append(f'<g class="{name}">{draw_text(x, 9, name, anchor="start")}{cells}</g>')
        gap = 72 if sign == "→ sum" else 30
        x += cols * CELL + gap
        parts.append(draw_text(x - gap / 2, middle, sign, 17))
    return svg(x + 78, 26 + tall, "".join(parts) + draw_sum(step.total, response_range, x, middle))


def draw_sum(total: float, response_range, x: float, middle: float) -> str:
    """Return SVG of the box with the sum, in the color that this number has in the feature map."""
    rgb, text = colorize(np.array([[total]]), *response_range)[0, 0], format_number(total)
    number = draw_text(x + 37, middle, text, font_size(text, 72, 16), "middle", text_color(rgb), ' font-weight="bold"')
    return (
        f'<g class="sum"><rect x="{x + 1:.1f}" y="{middle - 19.5:.1f}" width="72" height="39" stroke="{ACCENT}" '
        f'stroke-width="3" fill="{web_color(rgb)}"/>{number}</g>'
    )


def panel_scale(shape) -> float:
    """Return how many screen pixels one image pixel is wide in a panel."""
    return PANEL / max(shape[:2])


def outline(row: float, col: float, height: float, width: float, scale: float, shape) -> str:
    """Return SVG that outlines a window of image pixels, never too small to see, with lines to the borders."""
    least, total_w, total_h = 7.0, shape[1] * scale, shape[0] * scale
    w, h = max(width * scale, least), max(height * scale, least)
    x = min(max((col + width / 2) * scale - w / 2, 0), max(total_w - w, 0))
    y = min(max((row + height / 2) * scale - h / 2, 0), max(total_h - h, 0))
    box = f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="none"'
    return (
        f'<path d="M{x + w / 2:.1f} 0V{y:.1f}M{x + w / 2:.1f} {y + h:.1f}V{total_h:.1f}'
        f'M0 {y + h / 2:.1f}H{x:.1f}M{x + w:.1f} {y + h / 2:.1f}H{total_w:.1f}" '
        f'stroke="{ACCENT}" stroke-width="1" stroke-opacity="0.55"/>'
        f'{box} stroke="#fff" stroke-width="5"/>{box} stroke="{ACCENT}" stroke-width="2.5"/>'
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
    return svg(width, height, "".join(parts), OVERLAY)


def draw_output_overlay(step, shape, name: str = "cnn-empty") -> str:
    """Return SVG over the finished feature map: hatching where nothing is computed yet, and this step's pixel.

    ``name`` is that of the hatching, which must be unique in a page where one of several widgets may be hidden.
    """
    scale = panel_scale(shape)
    height, width = shape[0] * scale, shape[1] * scale
    top, bottom = step.row * scale, (step.row + 1) * scale
    right = (step.col + 1) * scale
    empty = f"M{right:.2f} {top:.2f}H{width:.2f}V{height:.2f}H0V{bottom:.2f}H{right:.2f}Z"
    hatching = (
        f'<defs><pattern id="{name}" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" '
        'fill="#e9eef2"/><path d="M-2 10L10 -2M-2 2L2 -2M6 10L10 6" stroke="#b9c6d0"/></pattern></defs>'
        f'<path d="{empty}" fill="url(#{name})"/>'
    )
    return svg(width, height, hatching + outline(step.row, step.col, 1, 1, scale, shape), OVERLAY)


def embed(png_bytes: bytes, width: float, height: float, x=0.0, y=0.0) -> str:
    """Return SVG that holds a PNG, its pixels as sharp squares."""
    data = base64.b64encode(png_bytes).decode()
    return (
        f'<image x="{x}" y="{y}" width="{width:.1f}" height="{height:.1f}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
    )


def small_png(pixels, most: float) -> bytes:
    """Return a uint8 image (H, W, 3) as a small PNG: at most ``most`` pixels a side, one channel if it is gray."""
    factor = min(most / max(pixels.shape[:2]), 1)
    if (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    size = [max(round(length * factor), 1) for length in pixels.shape[1::-1]]
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.BOX).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def paper(width: float, height: float, body: str) -> str:
    """Return an SVG document for print: black on white, with a margin of 12 pixels around ``body``."""
    return svg(
        width + 24,
        height + 24,
        f'<rect width="100%" height="100%" fill="#fff"/><g transform="translate(12 12)" color="#111">{body}</g>',
    )


# --- the convolution stepper (lesson 01) ---


class StillMixin:
    """A widget that is also a picture where no kernel runs: `still` returns it as SVG. It has a line ``status``."""

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        return {
            **bundle,
            "text/plain": f"{self.title} (run the cell to use it)",
            "image/svg+xml": self.still(),
        }

    def _say(self, message, bad=False):
        """Write a line of text under the widget, in the color of errors if it is bad news."""
        self.status.value = f"<span{' class=cnn-error' if bad else ''}>{html.escape(message)}</span>"


class ConvolutionStepper(StillMixin, ipw.VBox):
    """Step a kernel over a gray image and see each product as a number.

    Parameters
    ----------
    image : array (H, W), at most 512 × 512
    kernel : array (kh, kw), each at most 7 and at most as large as the image; or a name from
        `helpers.convolution.KERNELS`
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
        convolve(self.image, self.start)  # says so if the kernel is larger than the image
        self.start_name = kernel if isinstance(kernel, str) else "your own"
        self.kernel = self.start.copy()
        self.cells = []
        self._busy = False
        self._build_controls()
        super().__init__(self._layout())
        self.add_class("cnn-widget").add_class("cnn-stepper")
        self._fill_cells()
        self._recompute()
        self.slider.value = min(max(int(step), 0), self.slider.max)

    def _build_controls(self):
        fitting = {"description_width": "initial"}
        self.preset = ipw.Dropdown(
            options=[*KERNELS, "your own"],
            value=self.start_name,
            description="Kernel",
            tooltip="A kernel made by hand; edit its cells below",
            style=fitting,
            layout={"width": "190px"},
        )
        self.stride = self._int_slider("Stride", 1, 1, 4, "Pixels from one place to the next")
        self.padding = self._int_slider("Padding", 0, 0, 3, "Zeros added on each side, in pixels")
        self.dilation = self._int_slider("Dilation", 1, 1, 3, "Distance of the pixels that the kernel reads")
        self.flip = ipw.Checkbox(
            value=False,
            description="Flip the kernel",
            tooltip="Turn the kernel by 180°: the convolution of signal processing",
            indent=False,
            layout={"width": "130px", "margin": "2px 6px 2px 12px"},
        )
        self.reset = ipw.Button(description="Reset", tooltip="Back to the start", icon="undo", layout={"width": "85px"})
        self.slider = ipw.IntSlider(
            description="Step",
            min=0,
            max=1,
            readout=False,  # the status line counts from 1
            style=fitting,
            layout={"flex": "1 1 200px", "width": "auto", "max_width": "560px"},
            tooltip="Place of the kernel, row by row: arrow keys, Home, End",
        )
        self.play = ipw.Play(min=0, max=1, interval=120, layout={"width": "150px", "flex": "none"})
        ipw.jslink((self.play, "value"), (self.slider, "value"))
        self.input_image, self.output_image = ipw.Image(format="png"), ipw.Image(format="png")
        self.input_overlay, self.output_overlay = ipw.HTML(), ipw.HTML()
        self.input_title, self.output_title = ipw.HTML(), ipw.HTML().add_class("cnn-map-title")
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
            style={"description_width": "initial"},
            layout={"width": "180px", "margin": "2px 14px 2px 2px"},
        )

    def _layout(self):
        def layered(image, overlay):
            for child in (image, overlay):
                child.layout.grid_area = "1 / 1"
                child.layout.margin = "0"
            image.add_class("cnn-pixels")
            return ipw.GridBox([image, overlay.add_class("cnn-overlay")], layout={"padding": "3px"})

        def column(title, body):
            return ipw.VBox([title, body], layout={"margin": "0 12px 4px 0", "min_width": f"{PANEL + 6}px"})

        kernel = column(ipw.HTML("<b>Kernel</b>: click a cell and type"), self.grid).add_class("cnn-column")
        kernel.layout.min_width = "180px"
        if self.start.shape[1] > 5:  # too wide to stand between the images
            kernel.add_class("cnn-late")
        images = ipw.HBox(
            [
                column(self.input_title, layered(self.input_image, self.input_overlay)),
                kernel,
                column(self.output_title, layered(self.output_image, self.output_overlay)),
            ],
            layout={"flex_flow": "row wrap"},
        )
        settings = ipw.HBox([self.stride, self.padding, self.dilation], layout={"flex_flow": "row wrap"})
        first = ipw.HBox([self.preset, self.flip, self.reset], layout={"align_items": "center"})
        walk = ipw.HBox([self.play, self.slider])
        return [ipw.HTML(STYLE), first, settings, images, walk, self.status, self.numbers]

    # -- changes --

    def _fill_cells(self):
        """Write the kernel into its text fields, new ones only if the shape is another (so that focus stays)."""
        rows, cols = self.kernel.shape
        if (len(self.cells), len(self.cells[0]) if self.cells else 0) != (rows, cols):
            self.cells = [[self._cell(row, col) for col in range(cols)] for row in range(rows)]
            self.grid.children = [ipw.HBox(row) for row in self.cells]
        self._busy, busy = True, self._busy
        for (row, col), value in np.ndenumerate(self.kernel):
            self.cells[row][col].value = kernel_text(value)
            self.cells[row][col].remove_class("cnn-bad")
        self._busy = busy

    def _cell(self, row, col):
        """Return the text field of one kernel value."""
        field = ipw.Text(
            continuous_update=False,
            tooltip=f"kernel row {row}, column {col}",
            layout={"width": "52px", "margin": "1px"},
        )
        field.observe(lambda change: self._edit(row, col, field), "value")
        return field

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
            feature_map = convolve(self.image, self.kernel, stride, padding, dilation, flip)
        except ValueError as error:  # the pictures stay as they were
            self._say(str(error), bad=True)
            self.slider.disabled = self.play.disabled = True
            return
        self.slider.disabled = self.play.disabled = False
        self.applied = {"kernel": self.kernel.copy(), "stride": stride, "dilation": dilation, "flip": flip}
        self.feature_map, self.padded = feature_map, pad(self.image, padding).astype(self.image.dtype)
        self.border = padding
        self._set_ranges()
        self._show(self.input_image, self.input_overlay, colorize(self.padded, *self.value_range))
        self._show(self.output_image, self.output_overlay, colorize(feature_map, *self.response_range))
        (rows, cols), (out_rows, out_cols) = self.padded.shape, feature_map.shape
        self.input_title.value = f"<b>Image</b> {rows} × {cols}" + (" with padding (blue)" if padding else "")
        self.output_title.value = f"<b>Feature map</b> {out_rows} × {out_cols}"
        self._set_last_step(out_rows * out_cols - 1)
        self._draw()

    def _set_ranges(self):
        """Set the values that the ends of the two color scales stand for."""
        low, high = float(self.image.min()), float(self.image.max())
        bound = max(-low, high)
        self.value_range = (
            (-bound, bound) if low < 0 else (0.0, 255.0 if self.image.dtype == np.uint8 else max(high, 1))
        )
        response = float(np.abs(self.feature_map).max()) or 1.0
        self.response_range = (-response if self.feature_map.min() < 0 else 0.0, response)

    def _set_last_step(self, last):
        self._busy = True
        self.slider.value = min(self.slider.value, last)
        self.slider.max = self.play.max = last
        self._busy = False

    @staticmethod
    def _show(image, overlay, pixels):
        scale = panel_scale(pixels.shape)
        image.value = png(pixels)
        (image.add_class if scale >= 1 else image.remove_class)("cnn-sharp")
        image.layout.width = overlay.layout.width = f"{pixels.shape[1] * scale:.0f}px"
        image.layout.height = overlay.layout.height = f"{pixels.shape[0] * scale:.0f}px"

    def _step(self):
        """Return the numbers of the step that the slider stands at."""
        return convolution_step(self.padded, step=self.slider.value, **self.applied)

    def _overlays(self, step, name):
        """Return the SVG over the image and over the feature map."""
        return (
            draw_input_overlay(step, self.padded.shape, self.border, self.applied["dilation"]),
            draw_output_overlay(step, self.feature_map.shape, name),
        )

    def _draw(self):
        """Draw one step; the cost does not depend on the size of the image."""
        if self._busy:
            return
        step = self._step()
        self.input_overlay.value, self.output_overlay.value = self._overlays(step, f"empty-{self.model_id}")
        self.numbers.value = draw_step(step, self.value_range, self.response_range)
        self._say(self.describe(step))

    def describe(self, step) -> str:
        """Return one step as a sentence with its numbers."""
        count = step.products.size
        return (
            f"Step {self.slider.value + 1:,} of {self.slider.max + 1:,} (row {step.row}, column {step.col}): "
            f"{count} product{'s sum' if count > 1 else ' sums'} to {format_number(step.total)}."
        )

    def still(self) -> str:
        """Return this step as one SVG picture: image, feature map and all products."""
        step = self._step()
        shown = (
            ("image", self.padded, self.value_range),
            ("feature map so far", self.feature_map, self.response_range),
        )
        overlays, parts, tallest = self._overlays(step, "empty"), [], 0.0
        for place, ((name, array, limits), overlay) in enumerate(zip(shown, overlays, strict=True)):
            width, height = (size * panel_scale(array.shape) for size in array.shape[::-1])
            picture = embed(small_png(colorize(array, *limits), 1.5 * PANEL), width, height)
            title = draw_text(0, -14, f"{name}, {array.shape[0]} × {array.shape[1]}", 14, "start")
            parts.append(f'<g transform="translate({place * (PANEL + 50)} 26)">{picture}{overlay}{title}</g>')
            tallest = max(tallest, height)
        rows, cols = step.kernel.shape
        table, below = draw_step(step, self.value_range, self.response_range), 26 + max(rows * CELL * 0.7, 42)
        parts.append(f'<g transform="translate(0 {tallest + 48:.0f})">{table}</g>')
        parts.append(draw_text(0, tallest + 68 + below, self.describe(step), 14, "start"))
        width = max(2 * PANEL + 50, cols * CELL * 3 + 211)
        return paper(width, tallest + 80 + below, "".join(parts))


# --- the layer calculator (lesson 03) ---

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


TYPICAL = {"Conv2D": (3, 1), "MaxPooling2D": (2, 2), "AveragePooling2D": (2, 2)}
"""Size and stride that a layer of this kind usually has."""

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

    ``rows`` is what `helpers.convolution.layer_stack` returns.
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
    return SVG(paper(*network_parts(shape[1:], rows)))


def readable_count(number: int) -> str:
    """Return a large count in a short form.

    >>> readable_count(999), readable_count(2_214_400), readable_count(14_714_688)
    ('999', '2.2 million', '14.7 million')
    """
    return f"{number:,}" if number < 1_000_000 else f"{number / 1e6:.1f} million"


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
        self.rows = []
        self._build_controls()
        top = ipw.HBox([self.preset, self.input_shape, self.add, self.reset], layout={"flex_flow": "row wrap"})
        super().__init__([ipw.HTML(STYLE), top, self.table, self.status, self.picture])
        self.add_class("cnn-widget").add_class("cnn-calculator")
        self._load(stack)

    def _build_controls(self):
        self.preset = ipw.Dropdown(
            options=[*STACKS],
            value=self.first,
            description="Start from",
            tooltip="A network of the lesson to change",
            style={"description_width": "initial"},
            layout={"width": "290px"},
        )
        self.input_shape = ipw.Dropdown(
            options=[("×".join(map(str, shape)), shape) for shape in self.inputs],
            description="Input",
            tooltip="Height × width × channels of one image",
            style={"description_width": "initial"},
            layout={"width": "150px"},
        )
        self.add = ipw.Button(
            description="Add layer", icon="plus", tooltip="Put a layer on top", layout={"width": "110px"}
        )
        self.reset = ipw.Button(description="Reset", icon="undo", tooltip="Back to the start", layout={"width": "85px"})
        self.heading, self.picture = ipw.HTML(self._heading()), ipw.HTML()
        self.table = ipw.VBox().add_class("cnn-table")
        self.status = ipw.HTML().add_class("cnn-status")
        self.preset.observe(lambda change: self._load(change["new"]), "value")
        self.input_shape.observe(lambda _: self._recompute(), "value")
        self.add.on_click(lambda _: self._insert(len(self.rows), self._next_layer()))
        self.reset.on_click(self._reset)

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
            control.add_class(f"cnn-{name}").layout = {"width": None, "margin": "1px 2px"}  # STYLE has the widths
        row["result"] = ipw.HTML()
        row["box"] = ipw.HBox([*row.values()], layout={"align_items": "center"})
        row["kind"].observe(lambda _: self._change_kind(row), "value")
        for name in ("filters", "size", "stride", "padding"):
            row[name].observe(lambda _: self._recompute(), "value")
        row["insert"].on_click(lambda _: self._insert(self.rows.index(row) + 1, self._spec(row)))
        row["remove"].on_click(lambda _: self._remove(row))
        return row

    def _change_kind(self, row):
        """Give a layer of a new kind the size and stride that are usual for it."""
        if not self._busy:
            self._busy = True
            row["size"].value, row["stride"].value = TYPICAL.get(row["kind"].value, (1, 1))
            self._busy = False
            self._recompute()

    def _next_layer(self):
        """Return a layer that can stand on top of the others."""
        done, _ = self._fitting()
        image = done and len(done[-1].shape) == 3
        return LayerSpec("Conv2D", 32, 3) if image else LayerSpec("Dense", 10)

    def _insert(self, place, layer):
        if len(self.rows) < self.most_layers:
            self.rows.insert(place, self._row(layer))
            self._recompute()
        else:
            self._say(f"{self.most_layers} layers are the most that fit here.", bad=True)

    def _remove(self, row):
        if len(self.rows) > 1:
            place = self.rows.index(row)
            self.rows.remove(row)
            self._recompute()
            self.rows[min(place, len(self.rows) - 1)]["remove"].focus()  # for those who use the keyboard
        else:
            self._say("A network needs at least one layer.", bad=True)

    @staticmethod
    def _spec(row):
        return LayerSpec(*(row[name].value for name in ("kind", "filters", "size", "stride", "padding")))

    def layers(self) -> list[LayerSpec]:
        """Return the layers as they are set now."""
        return [self._spec(row) for row in self.rows]

    def _fitting(self):
        """Return the rows of `layer_stack` as far as the layers fit on each other, and what the next one lacks."""
        layers, done = self.layers(), []
        for count in range(1, len(layers) + 1):
            try:
                done = layer_stack(self.input_shape.value, layers[:count])
            except ValueError as error:
                return done, str(error)
        return done, ""

    def _recompute(self):
        if self._busy:
            return
        done, problem = self._fitting()
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
        boxes = (self.heading, *(row["box"] for row in self.rows))
        if self.table.children != boxes:  # else the page would draw all anew, and the focus would be lost
            self.table.children = boxes

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
        return (
            f"{sum(row.parameters for row in rows):,} parameters, "
            f"{readable_count(sum(row.multiplications for row in rows))} multiplications per image, output {shape}."
        )

    def still(self) -> str:
        """Return the network, as far as its layers fit, as one SVG picture."""
        done, problem = self._fitting()
        return paper(*network_parts(self.input_shape.value, done, [problem or self.describe(done)]))

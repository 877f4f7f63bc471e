"""The convolution stepper: a kernel goes over an image, and each product is a number (lesson 01)."""

import math

from helpers.convolution import KERNELS, as_image, as_kernel, convolution_step, convolve, pad
from helpers.pixels import ACCENT, colorize, format_number, kernel_text, printed_kernel_text, text_color
from helpers.widgets.base import LessonWidget, Panel, make_dropdown, make_slider, replace_children, wrapping
from helpers.widgets.drawing import (
    CELL,
    OVERLAY,
    Picture,
    draw_pictures,
    draw_text,
    font_size,
    frame,
    panel_scale,
    panel_size,
    svg,
    web_color,
)

import ipywidgets as ipw
import numpy as np


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


class ConvolutionStepper(LessonWidget):
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
        self.image = np.array(image)
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
        super().__init__("stepper")
        self._build_controls()
        self.children = self._layout()
        self._fill_cells()
        self._update()
        self.slider.value = self.start_step = min(max(int(step), 0), self.slider.max)

    def _build_controls(self):
        self.preset = make_dropdown(
            "Kernel", [*KERNELS, "your own"], self.start_name, "A kernel made by hand; edit its cells below"
        )
        self.stride = make_slider("Stride", 1, 1, 4, 1, "Pixels from one place to the next")
        self.padding = make_slider("Padding", 0, 0, 3, 1, "Zeros added on each side, in pixels")
        self.dilation = make_slider("Dilation", 1, 1, 3, 1, "Distance of the pixels that the kernel reads")
        self.flip = ipw.Checkbox(
            value=False,
            description="Flip the kernel",
            tooltip="Turn the kernel by 180°: the convolution of signal processing",
            indent=False,
            layout={"width": "130px", "margin": "2px 6px 2px 12px"},
        )
        tooltip, wide = "Place of the kernel, row by row: arrow keys, Home, End", {"flex": "1 1 200px", "margin": None}
        self.slider = make_slider("Step", 0, 0, 1, 1, tooltip, "auto", max_width="560px", **wide)
        self.slider.readout = False  # the status line counts from 1
        self.play = ipw.Play(min=0, max=1, interval=120, layout={"width": "150px", "flex": "none"})
        self.links = [ipw.jslink((self.play, "value"), (self.slider, "value"))]
        self.input, self.output = Panel(), Panel()
        self.output.heading.add_class("cnn-map-title")
        self.numbers = ipw.HTML()
        self.grid = ipw.VBox().add_class("cnn-kernel")
        self._watch(self.stride, self.padding, self.dilation, self.flip)
        self.preset.observe(self._choose_preset, "value")
        self.slider.observe(lambda _: self._draw(), "value")

    def _layout(self):
        kernel = ipw.VBox(
            [ipw.HTML("<b>Kernel</b>: click a cell and type"), self.grid],
            layout={"margin": "0 12px 4px 0", "min_width": "180px"},
        ).add_class("cnn-column")
        if self.start.shape[1] > 5:  # too wide to stand between the images
            kernel.add_class("cnn-late")
        images = wrapping([self.input, kernel, self.output])
        settings = wrapping([self.stride, self.padding, self.dilation])
        first = ipw.HBox([self.preset, self.flip, self.reset], layout={"align_items": "center"})
        walk = ipw.HBox([self.play, self.slider])
        return [*self._front(), first, settings, images, walk, self.status, self.numbers]

    # -- changes --

    def _fill_cells(self):
        """Write the kernel into its text fields, new ones only if the shape is another (so that focus stays)."""
        rows, cols = self.kernel.shape
        if (len(self.cells), len(self.cells[0]) if self.cells else 0) != (rows, cols):
            self.cells = [[self._cell(row, col) for col in range(cols)] for row in range(rows)]
            replace_children(self.grid, [ipw.HBox(row) for row in self.cells])
        with self._quietly():
            for (row, col), value in np.ndenumerate(self.kernel):
                self.cells[row][col].value = kernel_text(value)
                self.cells[row][col].remove_class("cnn-bad")

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
        with self._quietly():
            self.preset.value = "your own"
        self._update()

    def _choose_preset(self, change):
        if not self._busy and change["new"] in KERNELS:
            self._set_kernel(KERNELS[change["new"]])

    def _set_kernel(self, kernel):
        self.kernel = np.array(kernel, float)
        self._fill_cells()
        if not self._busy:
            self._update()

    def _restart(self):
        self.preset.value = self.start_name
        self.stride.value, self.padding.value, self.dilation.value, self.flip.value = 1, 0, 1, False
        self._set_kernel(self.start)
        self.slider.value = 0  # the last step is not known before the update

    def _reset(self):
        super()._reset()
        self.slider.value = self.start_step

    def _update(self):
        """Compute the whole feature map once, and everything that does not depend on the step."""
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
        self._show(self.input, self.padded, self.value_range)
        self._show(self.output, feature_map, self.response_range)
        (rows, cols), (out_rows, out_cols) = self.padded.shape, feature_map.shape
        self.input.heading.value = f"<b>Image</b> {rows} × {cols}" + (" with padding (blue)" if padding else "")
        self.output.heading.value = f"<b>Feature map</b> {out_rows} × {out_cols}"
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
        with self._quietly():
            self.slider.value = min(self.slider.value, last)
            self.slider.max = self.play.max = last

    @staticmethod
    def _show(panel, array, limits):
        panel.show_pixels(colorize(array, *limits), *panel_size(array.shape))

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
        self.input.overlay.value, self.output.overlay.value = self._overlays(step, f"empty-{self.model_id}")
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
        pictures = []
        for (name, array, limits), marks in zip(shown, self._overlays(step, "empty"), strict=True):
            title = f"{name}, {array.shape[0]} × {array.shape[1]}"
            pictures.append(Picture(title, colorize(array, *limits), marks, *panel_size(array.shape)))
        numbers = draw_step(step, self.value_range, self.response_range)
        pictures.append(Picture("", None, numbers, *step_size(step)))
        return draw_pictures(pictures, self.title, self.describe(step), 2)


# --- its drawings ---


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


def draw_step(step, value_range, response_range) -> str:
    """Return SVG with each product of a `helpers.convolution.convolution_step`: patch × kernel = products, and the sum.

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
    width, height = step_size(step)
    tall = height - 26
    top, middle, x, parts = 24 + (tall - rows * CELL * 0.7) / 2, 24 + tall / 2, 1.0, []
    for name, values, colors, form, sign in tables:
        texts = [[form(value) for value in row] for row in values]
        cells = draw_cells(values, colors, texts, x, top)
        parts.append(f'<g class="{name}">{draw_text(x, 9, name, anchor="start")}{cells}</g>')
        gap = 72 if sign == "→ sum" else 30
        x += cols * CELL + gap
        parts.append(draw_text(x - gap / 2, middle, sign, 17))
    return svg(width, height, "".join(parts) + draw_sum(step.total, response_range, x, middle))


def step_size(step) -> tuple[float, float]:
    """Return width and height of what `draw_step` draws."""
    rows, cols = step.kernel.shape
    return 3 * cols * CELL + 211, 26 + max(rows * CELL * 0.7, 42.0)  # the box of the sum needs some height


def draw_sum(total: float, response_range, x: float, middle: float) -> str:
    """Return SVG of the box with the sum, in the color that this number has in the feature map."""
    rgb, text = colorize(np.array([[total]]), *response_range)[0, 0], format_number(total)
    number = draw_text(x + 37, middle, text, font_size(text, 72, 16), "middle", text_color(rgb), ' font-weight="bold"')
    return (
        f'<g class="sum"><rect x="{x + 1:.1f}" y="{middle - 19.5:.1f}" width="72" height="39" stroke="{ACCENT}" '
        f'stroke-width="3" fill="{web_color(rgb)}"/>{number}</g>'
    )


def outline(row: float, col: float, height: float, width: float, scale: float, shape) -> str:
    """Return SVG that outlines a window of image pixels, never too small to see, with lines to the borders."""
    least, total_w, total_h = 7.0, shape[1] * scale, shape[0] * scale
    w, h = max(width * scale, least), max(height * scale, least)
    x = min(max((col + width / 2) * scale - w / 2, 0), max(total_w - w, 0))
    y = min(max((row + height / 2) * scale - h / 2, 0), max(total_h - h, 0))
    return (
        f'<path d="M{x + w / 2:.1f} 0V{y:.1f}M{x + w / 2:.1f} {y + h:.1f}V{total_h:.1f}'
        f'M0 {y + h / 2:.1f}H{x:.1f}M{x + w:.1f} {y + h / 2:.1f}H{total_w:.1f}" '
        f'stroke="{ACCENT}" stroke-width="1" stroke-opacity="0.55"/>' + frame(x, y, w, h)
    )


def draw_input_overlay(step, shape, padding: int, dilation: int) -> str:
    """Return SVG over the padded image: the border of the padding, the window, and each pixel it reads."""
    scale, (width, height) = panel_scale(shape), panel_size(shape)
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
    scale, (width, height) = panel_scale(shape), panel_size(shape)
    top, bottom = step.row * scale, (step.row + 1) * scale
    right = (step.col + 1) * scale
    empty = f"M{right:.2f} {top:.2f}H{width:.2f}V{height:.2f}H0V{bottom:.2f}H{right:.2f}Z"
    hatching = (
        f'<defs><pattern id="{name}" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" '
        'fill="#e9eef2"/><path d="M-2 10L10 -2M-2 2L2 -2M6 10L10 6" stroke="#b9c6d0"/></pattern></defs>'
        f'<path d="{empty}" fill="url(#{name})"/>'
    )
    return svg(width, height, hatching + outline(step.row, step.col, 1, 1, scale, shape), OVERLAY)

"""The moving pictures of the lessons: convolution stepper (01), Gabor explorers (02), layer calculator (03).

Each widget is three parts: a pure function computes arrays or rows (``compute``), functions of `helpers.drawing` turn
them into PNG and SVG, and a class here wires these to controls. No Matplotlib figure is built on an event. Moves of a
slider that come while one is being drawn are dropped by ipywidgets, all but the last, which is always shown. Without
a kernel (GitHub, print), a widget is a still SVG made by the same drawing functions.
"""

import html
import math
from contextlib import contextmanager
from numbers import Integral

from helpers import drawing
from helpers.convolution import (
    KERNELS,
    LAYER_KINDS,
    WINDOWS,
    LayerSpec,
    as_image,
    as_kernel,
    convolution_step,
    convolve,
    pad,
    stack_so_far,
)
from helpers.datasets import example_images
from helpers.drawing import LAYER_COLORS, PANEL, Picture, draw_pictures, network_parts, panel_scale, svg
from helpers.gabor import REACH, Responder, gabor_kernel, view_kernel
from helpers.plots import colorize, format_number, kernel_text, png

import ipywidgets as ipw
import numpy as np

STYLE = """<style>
.cnn-stepper, .cnn-calculator {container: cnn / inline-size;}
.cnn-widget .widget-readout {min-width: 34px;}
.cnn-stepper .widget-readout {min-width: 22px;}
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

# --- what all widgets share ---


def make_slider(label: str, value, low, high, step=1, tooltip: str = "", width: str = "180px", **layout):
    """Return a labelled slider, for whole numbers if all of these are, else for numbers with two decimals.

    Raises ValueError for a value outside of the range.
    """
    if not low <= value <= high:
        raise ValueError(f"{label} must be from {low} to {high}, but it is {value!r}.")
    whole = all(isinstance(number, Integral) for number in (value, low, high, step))
    options = {} if whole else {"readout_format": ".2f"}
    return (ipw.IntSlider if whole else ipw.FloatSlider)(
        value=value,
        min=low,
        max=high,
        step=step,
        description=label,
        tooltip=tooltip,
        style={"description_width": "initial"},
        layout={"width": width, "margin": "2px 14px 2px 2px", **layout},
        **options,
    )


def make_dropdown(label: str, options, value, tooltip: str = "", width: str = "190px"):
    """Return a labelled list to choose from."""
    return ipw.Dropdown(
        options=options,
        value=value,
        description=label,
        tooltip=tooltip,
        style={"description_width": "initial"},
        layout={"width": width},
    )


def wrapping(children, **layout):
    """Return a row that breaks where the page is too narrow."""
    return ipw.HBox(children, layout={"flex_flow": "row wrap", **layout})


def close_parts(widget):
    """Close children, layout and style of a widget, and theirs: ipywidgets keeps them all when the widget is closed."""
    for part in (*getattr(widget, "children", ()), getattr(widget, "layout", None), getattr(widget, "style", None)):
        if part is not None:
            close_parts(part)
            part.close()


def replace_children(box, children):
    """Show these children in a box, and close those that go; the same ones again are not sent to the page again."""
    before, box.children = box.children, tuple(children)
    for child in before:
        if child not in box.children:
            close_parts(child)
            child.close()


class Panel(ipw.VBox):
    """A title, an image with sharp pixels, and SVG drawn over it."""

    def __init__(self):
        self.heading, self.overlay = ipw.HTML(), ipw.HTML().add_class("cnn-overlay")
        self.image = ipw.Image(format="png", layout={"display": "none"}).add_class("cnn-pixels")
        self._pixels = None
        for child in (self.image, self.overlay):
            child.layout.grid_area, child.layout.margin = "1 / 1", "0"
        body = ipw.GridBox([self.image, self.overlay], layout={"padding": "3px"})
        super().__init__([self.heading, body], layout={"margin": "0 12px 4px 0", "min_width": f"{PANEL + 6}px"})

    def show_pixels(self, pixels, width: float, height: float):
        """Show a uint8 image, stretched to a size on the screen; the same array again costs nothing."""
        if pixels is self._pixels:
            return
        self._pixels = pixels
        sharp = width >= pixels.shape[1]
        self.image.value = png(pixels)
        (self.image.add_class if sharp else self.image.remove_class)("cnn-sharp")
        self.image.layout.display = None
        for child in (self.image, self.overlay):
            child.layout.width, child.layout.height = f"{width:.0f}px", f"{height:.0f}px"

    def show(self, picture: Picture):
        """Show a `Picture`."""
        self.heading.value = f"<b>{html.escape(picture.title)}</b>"
        if picture.pixels is not None:
            self.show_pixels(picture.pixels, picture.width, picture.height)
        self.overlay.value = svg(picture.width, picture.height, picture.marks, drawing.OVERLAY)


class LessonWidget(ipw.VBox):
    """A widget with a line that says its current numbers, a button Reset, and a still picture of itself.

    A subclass has a ``title``, fills ``children``, and defines `_update` (draw what the controls say), `_restart`
    (put the controls back) and `still`.
    """

    title = ""
    links = ()  # of controls, in the page
    _busy = False

    def __init__(self, name: str):
        super().__init__()
        self.add_class("cnn-widget").add_class(f"cnn-{name}")
        self.status = ipw.HTML().add_class("cnn-status")
        self.reset = ipw.Button(description="Reset", tooltip="Back to the start", icon="undo", layout={"width": "85px"})
        self.reset.on_click(lambda _: self._reset())

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        return {
            **bundle,
            "text/plain": f"{self.title} (run the cell to use it)",
            "image/svg+xml": self.still(),
        }

    def close(self):
        """Take it from the page, with all that it consists of."""
        if self.comm is not None:  # else it is closed already, or was never complete
            close_parts(self)
            for link in self.links:
                link.close()
        super().close()

    def _say(self, message, bad=False):
        """Write a line of text under the widget, in the color of errors if it is bad news."""
        self.status.value = f"<span{' class=cnn-error' if bad else ''}>{html.escape(message)}</span>"

    @contextmanager
    def _quietly(self):
        """Set several controls without an update for each."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before

    def _watch(self, *controls):
        """Update whenever the value of one of these changes."""
        for control in controls:
            control.observe(lambda _: self._busy or self._update(), "value")

    def _reset(self):
        with self._quietly():
            self._restart()
        self._update()


class Explorer(LessonWidget):
    """A widget of one pattern: controls above, panels with pictures below them, then the line of numbers.

    Parameters
    ----------
    name : str, its CSS class without ``cnn-``
    rows : list of dicts from argument name to control; a dict is a line of the page

    A subclass defines ``compute(**settings)``, which takes the values of all controls and returns a result, and two
    functions of this result: ``draw`` to a list of `Picture`, ``describe`` to a text with its numbers.
    """

    def __init__(self, name: str, rows):
        super().__init__(name)
        self.controls = {key: control for row in rows for key, control in row.items()}
        self.first = self.settings()
        self.panels, self.pictures = [], wrapping([])
        lines = [[*row.values()] for row in rows]
        lines[0].append(self.reset)
        boxes = [wrapping(line, align_items="center") for line in lines]
        self.children = [ipw.HTML(STYLE), *boxes, self.pictures, self.status]
        self._watch(*self.controls.values())
        self._update()

    def settings(self) -> dict:
        """Return the values of all controls by name."""
        return {name: control.value for name, control in self.controls.items()}

    def _restart(self):
        for name, value in self.first.items():
            self.controls[name].value = value

    def _update(self):
        self.result = self.compute(**self.settings())
        pictures = self.draw(self.result)
        if not self.panels:
            self.panels = self.pictures.children = [Panel() for _ in pictures]
        for panel, picture in zip(self.panels, pictures, strict=True):
            panel.show(picture)
        self._say(self.describe(self.result))

    def still(self) -> str:
        """Return all panels and the line of numbers as one SVG picture."""
        return draw_pictures(self.draw(self.result), self.describe(self.result))


# --- the convolution stepper (lesson 01) ---


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
        return [ipw.HTML(STYLE), first, settings, images, walk, self.status, self.numbers]

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
        self._busy or self._update()

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
        scale = panel_scale(array.shape)
        panel.show_pixels(colorize(array, *limits), array.shape[1] * scale, array.shape[0] * scale)

    def _step(self):
        """Return the numbers of the step that the slider stands at."""
        return convolution_step(self.padded, step=self.slider.value, **self.applied)

    def _overlays(self, step, name):
        """Return the SVG over the image and over the feature map."""
        return (
            drawing.draw_input_overlay(step, self.padded.shape, self.border, self.applied["dilation"]),
            drawing.draw_output_overlay(step, self.feature_map.shape, name),
        )

    def _draw(self):
        """Draw one step; the cost does not depend on the size of the image."""
        if self._busy:
            return
        step = self._step()
        self.input.overlay.value, self.output.overlay.value = self._overlays(step, f"empty-{self.model_id}")
        self.numbers.value = drawing.draw_step(step, self.value_range, self.response_range)
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
            height, width = (size * panel_scale(array.shape) for size in array.shape)
            title = f"{name}, {array.shape[0]} × {array.shape[1]}"
            pictures.append(Picture(title, colorize(array, *limits), marks, width, height))
        numbers = drawing.draw_step(step, self.value_range, self.response_range)
        return draw_pictures([*pictures, Picture("", None, numbers, *drawing.step_size(step))], self.describe(step), 2)


# --- Gabor filters (lesson 02) ---

WIDEST = 8.0  # pixels: the largest sigma of the sliders
FIELD = math.ceil(REACH * WIDEST)  # pixels from the center of the largest kernel to its border


def gabor_sliders(frequency, theta, sigma):
    """Return the sliders that both Gabor explorers have; angles are in degrees here."""
    return {
        "frequency": make_slider(
            "Frequency (cycles/pixel)", frequency, 0.0, 0.5, 0.01, "How many waves fit into one pixel", "330px"
        ),
        "theta": make_slider("Theta (°)", theta, 0, 180, 5, "Direction in which the wave runs", "280px"),
        "sigma": make_slider("Sigma (pixels)", sigma, 0.5, WIDEST, 0.25, "Width of the bell", "300px"),
    }


class GaborExplorer(Explorer):
    """Change frequency, theta, sigma and phase of a Gabor kernel; see the kernel, its cross-section, its spectrum.

    Parameters
    ----------
    frequency : float, 0 to 0.5 cycles per pixel
    theta, phase : int, degrees: 0 to 180 and 0 to 360
    sigma : float, 0.5 to 8 pixels
    """

    title = "Gabor explorer"

    def __init__(self, frequency: float = 0.1, theta: int = 0, sigma: float = 4.0, phase: int = 0):
        sliders = gabor_sliders(frequency, theta, sigma)
        sliders["phase"] = make_slider("Phase (°)", phase, 0, 360, 15, "Shift of the wave under the bell", "280px")
        super().__init__("gabor", [sliders])

    @staticmethod
    def compute(frequency, theta, sigma, phase):
        """Return a `helpers.gabor.KernelView`; angles in degrees."""
        return view_kernel(frequency, math.radians(theta), sigma, math.radians(phase), FIELD)

    @staticmethod
    def draw(view):
        """Return the pictures of kernel, cross-section and spectrum."""
        size = 2 * FIELD + 1
        axes = drawing.draw_frequency_axes(view.settings.frequency, view.settings.theta)
        return [
            drawing.draw_kernel_picture(view.kernel.real, FIELD, f"Kernel, {size} × {size} pixels shown"),
            Picture("Cross-section along the wave", None, drawing.draw_profile(view)),
            Picture("Spectrum (cycles/pixel)", colorize(view.spectrum, 0, 1), axes),
        ]

    @staticmethod
    def describe(view) -> str:
        """Return the numbers of this kernel as a sentence."""
        frequency, theta, sigma = view.settings
        wave = f"one wave is {1 / frequency:.3g} pixels" if frequency else "no wave, only the bell"
        rows, cols = view.kernel.shape
        return (
            f"Frequency {frequency:.2f} cycles/pixel: {wave}. Theta {math.degrees(theta):.0f}°, "
            f"sigma {sigma:.2f} pixels, phase {math.degrees(view.phase):.0f}°: {rows} × {cols} weights with the sum "
            f"{format_number(round(view.kernel.real.sum(), 3))}."
        )


class GaborResponse(Explorer):
    """Put a Gabor kernel on images and see where it answers.

    Parameters
    ----------
    images : dict from name to gray image (H, W), or None for photographs and images of all datasets that are here
    frequency, theta, sigma : where to start, as for `GaborExplorer`

    Raises ValueError for what is not a gray image, for no image at all, and for settings outside of the sliders.
    """

    title = "Gabor response"

    def __init__(self, images=None, frequency: float = 0.1, theta: int = 0, sigma: float = 3.0):
        images = example_images() if images is None else images
        if not isinstance(images, dict) or not images:
            raise ValueError("images must be a dict from name to gray image, with at least one image.")
        self.images, self.responders = {}, {}
        for name, image in images.items():
            try:
                self.responders[name] = Responder(image, FIELD, np.complex64)
            except ValueError as error:
                raise ValueError(f"The image {name!r} does not fit: {error}") from None
            self.images[name] = np.array(image)
        self.pixels = {name: colorize(image) for name, image in self.images.items()}
        choose = make_dropdown("Image", [*self.images], next(iter(self.images)), "What to put the kernel on", "240px")
        zero = ipw.Checkbox(
            value=True,
            description="Sum 0",
            tooltip="Subtract as much of the bell that flat areas are not answered",
            indent=False,
            layout={"width": "85px", "margin": "2px 6px 2px 12px"},
        )
        sliders = gabor_sliders(frequency, theta, sigma)
        super().__init__("gabor-response", [{"image": choose, "zero_mean": zero}, sliders])

    def compute(self, image, frequency, theta, sigma, zero_mean):
        """Return the name of the image, settings, kernel (complex) and the magnitude of the response (H, W)."""
        kernel = gabor_kernel(frequency, math.radians(theta), sigma, zero_mean=zero_mean)
        magnitude = np.abs(self.responders[image](kernel))
        magnitude[magnitude < 1e-6 * np.abs(self.images[image]).max()] = 0  # rounding, on flat images
        return image, (frequency, theta, sigma, zero_mean), kernel, magnitude

    def draw(self, result):
        """Return the pictures of image, kernel and magnitude."""
        name, _, kernel, magnitude = result
        shape = magnitude.shape
        scale = panel_scale(shape)
        width, height = shape[1] * scale, shape[0] * scale
        box = kernel.shape[0] * scale
        frame = drawing.frame(3, 3, box, box)
        most = self._white(name, magnitude)
        return [
            Picture(f"Image, {shape[0]} × {shape[1]}", self.pixels[name], frame, width, height),
            drawing.draw_kernel_picture(kernel.real, FIELD, "Kernel, enlarged"),
            Picture("Magnitude of the response", colorize(magnitude, 0, most), "", width, height),
        ]

    def _white(self, name, magnitude) -> float:
        """Return the magnitude that is drawn white: the largest, but at least a hundredth of the image's range."""
        image = self.images[name]
        return max(float(magnitude.max()), 0.01 * (float(image.max()) - float(image.min())), 1e-12)

    def describe(self, result) -> str:
        """Return the numbers of this response as a sentence."""
        name, (frequency, theta, sigma, zero_mean), kernel, magnitude = result
        row, col = np.unravel_index(magnitude.argmax(), magnitude.shape)
        rows, cols = kernel.shape
        return (
            f"{name}: frequency {frequency:.2f} cycles/pixel, theta {theta:.0f}°, sigma {sigma:.2f} pixels, "
            f"{rows} × {cols} weights (orange frame){', sum 0' if zero_mean else ''}. Mean magnitude "
            f"{format_number(magnitude.mean())}, largest {format_number(magnitude.max())} at row {row}, column {col}."
        )


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
        self.children = [ipw.HTML(STYLE), top, self.table, self.status, self.picture]
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
        self.preset.observe(lambda change: self._busy or self._load(change["new"]), "value")
        self._watch(self.input_shape)
        self.add.on_click(lambda _: self._insert(len(self.rows), self._next_layer()))

    # -- changes --

    def _restart(self):
        self.preset.value = self.first
        self._put(*STACKS[self.first])

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
        """Return what `helpers.convolution.stack_so_far` says of the layers as they are set now."""
        return stack_so_far(self.input_shape.value, self.layers())

    def _update(self):
        done, problem = self.compute()
        self._show_rows(done)
        self.picture.value = drawing.draw_network(self.input_shape.value, done)
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
        multiplications = drawing.readable_count(sum(row.multiplications for row in rows))
        return (
            f"{sum(row.parameters for row in rows):,} parameters, "
            f"{multiplications} multiplications per image, output {shape}."
        )

    def still(self) -> str:
        """Return the network, as far as its layers fit, as one SVG picture."""
        done, problem = self.compute()
        return drawing.paper(*network_parts(self.input_shape.value, done, [problem or self.describe(done)]))

"""What all widgets share: their style, sliders and lists, a panel with a picture, and the two classes that they are.

`Explorer` is the pattern for sliders above pictures, and most widgets are one; `LessonWidget` is for the others.
"""

import html
from contextlib import contextmanager
from numbers import Integral

from helpers.pixels import png
from helpers.widgets.access import Access
from helpers.widgets.drawing import OVERLAY, PANEL, Picture, draw_pictures, svg

import ipywidgets as ipw

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
        self.add_class("cnn-panel")

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
        self.overlay.value = svg(picture.width, picture.height, picture.marks, OVERLAY)


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

    def _front(self):
        """Return what comes first among the children, and is not seen."""
        return [ipw.HTML(STYLE), Access(title=self.title)]

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
            control.observe(self._changed, "value")

    def _changed(self, _):
        if not self._busy:
            self._update()

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
        self.children = [*self._front(), *boxes, self.pictures, self.status]
        self._watch(*self.controls.values())
        self._update()

    def settings(self) -> dict:
        """Return the values of all controls by name.

        Those of sliders without the last digits: a page turns the 3.0 of a slider into 3.0000000000000004.
        """
        return {
            name: round(control.value, 9) if isinstance(control, ipw.FloatSlider) else control.value
            for name, control in self.controls.items()
        }

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
        return draw_pictures(self.draw(self.result), self.title, self.describe(self.result))

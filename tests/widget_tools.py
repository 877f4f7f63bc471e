"""What the tests of all widgets share: to read a widget as a reader sees it, and to drive it as a reader would."""

import html
import io
import re
import xml.etree.ElementTree as ElementTree
from decimal import Decimal

from helpers.widgets.base import Explorer
from helpers.widgets.drawing import PANEL, svg
from helpers.widgets.stepper import ConvolutionStepper

import ipywidgets as ipw
import numpy as np
import pytest
from PIL import Image

SVG = "{http://www.w3.org/2000/svg}"


def noise_image(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


# --- what a reader sees ---


def said(widget):
    """The status line as a reader sees it."""
    return html.unescape(re.sub(r"<[^>]*>", "", widget.status.value))


def complains(widget):
    return "cnn-error" in widget.status.value


def shown(image):
    """The pixels of an image widget, gray ones with one channel."""
    return np.asarray(Image.open(io.BytesIO(image.value))).astype(int)


def drawings(widget):
    if isinstance(widget, ConvolutionStepper):
        return [widget.input.overlay.value, widget.output.overlay.value, widget.numbers.value, widget.still()]
    if isinstance(widget, Explorer):
        return [*(panel.overlay.value for panel in widget.panels), widget.still()]
    return [widget.picture.value, widget.still()]


def text_of(svg):
    return "".join(ElementTree.fromstring(svg).itertext())


def parse(elements):
    """The root of a document with these SVG elements."""
    return ElementTree.fromstring(svg(PANEL, PANEL, elements))


def words(root):
    return [text.text for text in root.iter(f"{SVG}text")]


def numbers(text):
    return [float(number) for number in re.findall(r"-?[\d.]+", text)]


def plain(value):
    """A value of a widget, but for the name of the hatching, which is another in each stepper."""
    if isinstance(value, memoryview):
        return bytes(value)
    return re.sub(r"empty-\w+", "empty", value) if isinstance(value, str) else value


def parts(widget):
    """A widget and all that it consists of."""
    return [widget, *(part for child in getattr(widget, "children", ()) for part in parts(child))]


def state(widget):
    """All that a reader sees of a widget, and can do with it."""
    layout = ("width", "height", "visibility", "display")
    return [
        (
            type(part).__name__,  # anywidget makes a class for each of its widgets
            plain(getattr(part, "value", None)),
            getattr(part, "max", None),
            getattr(part, "disabled", None),
            part._dom_classes,
            [getattr(part.layout, name) for name in layout],
        )
        for part in parts(widget)
    ]


# --- what a reader does ---


def controls(widget):
    kinds = (ipw.IntSlider, ipw.FloatSlider, ipw.SelectionSlider, ipw.Checkbox, ipw.Dropdown, ipw.BoundedIntText)
    return [part for part in parts(widget) if isinstance(part, kinds)]


def ends(control):
    """Smallest, default and largest value, or all of a choice."""
    if isinstance(control, ipw.Checkbox):
        return [False, True]
    if isinstance(control, ipw.Dropdown | ipw.SelectionSlider):
        options = control.options.items() if isinstance(control.options, dict) else control.options
        return [option[1] if isinstance(option, tuple) else option for option in options]
    return [control.min, control.value, control.max]


def some_value(control, rng):
    """Any value, also one between two places of a slider."""
    if isinstance(control, ipw.FloatSlider):
        return float(rng.uniform(control.min, control.max))
    values = ends(control)
    if isinstance(control, (ipw.IntSlider, ipw.BoundedIntText)):
        values = range(control.min, control.max + 1)
    return values[rng.integers(len(values))]


def put(explorer, **values):
    for name, value in values.items():
        explorer.controls[name].value = value
    return explorer


def upload(widget, content, name="mine.png", kind="image/png"):
    """As the page sends a file that a reader chose; the time is in milliseconds."""
    file = {"name": name, "type": kind, "size": len(content), "content": memoryview(content), "last_modified": 10**12}
    widget.upload.set_state({"value": [file]})


def drive(widget, rng, times):
    for _ in range(times):
        found = controls(widget)  # anew: the calculator replaces them
        control = found[rng.integers(len(found))]
        control.value = some_value(control, rng)


# --- what has to hold ---


def assert_one_change_computes_once(explorer, monkeypatch):
    """Check that a move of any control, and Reset, computes once."""
    calls, compute = [], explorer.compute
    monkeypatch.setattr(explorer, "compute", lambda **settings: calls.append(settings) or compute(**settings))
    for control in explorer.controls.values():
        calls.clear()
        control.value = next(value for value in ends(control) if value != control.value)
        assert len(calls) == 1
    calls.clear()
    explorer.reset.click()
    assert len(calls) == 1


def close(text, value):
    """Whether a number in a status line is that value, as far as its last digit tells."""
    number = Decimal(text.replace("−", "-"))
    return float(number) == pytest.approx(value, rel=0, abs=0.51 * 10.0 ** number.as_tuple().exponent + 1e-9)


def result_of(widget):
    """What a widget computes for its controls as they are now."""
    if isinstance(widget, Explorer):
        return widget.compute(**widget.settings())
    return (widget.feature_map, widget._step()) if isinstance(widget, ConvolutionStepper) else widget.compute()


def numbers_in(result):
    if isinstance(result, (tuple, list)):
        return [number for part in result for number in numbers_in(part)]
    return [] if result is None or isinstance(result, str) else np.ravel(result).tolist()


def assert_finite(result):
    numbers = numbers_in(result)
    assert numbers
    assert np.isfinite(numbers).all()


def assert_sound(widget):
    """Every drawing is well-formed, of some size, and shows numbers only."""
    for drawing in drawings(widget):
        root = ElementTree.fromstring(drawing)
        assert root.tag == f"{SVG}svg"
        assert float(root.get("width")) > 0
        assert float(root.get("height")) > 0
        attributes = [value for part in root.iter() for name, value in part.items() if name != "href"]
        assert not re.search("nan|inf", " ".join(attributes))
        assert not re.search(r"\b(nan|inf)\b", " ".join(root.itertext()))
    assert said(widget)


def assert_pictures_are_drawn(widget):
    for panel, picture in zip(widget.panels, widget.draw(widget.compute(**widget.settings())), strict=True):
        assert panel.heading.value == f"<b>{html.escape(picture.title)}</b>"
        assert picture.marks in panel.overlay.value
        if picture.pixels is not None:
            pixels = np.atleast_3d(shown(panel.image)) * np.ones(3, int)
            np.testing.assert_array_equal(pixels, np.atleast_3d(picture.pixels) * np.ones(3, int))
            assert panel.image.layout.width == f"{picture.width:.0f}px"
    assert said(widget).replace(" ", "") in text_of(widget.still()).replace(" ", "")
    bundle = widget._repr_mimebundle_()
    assert bundle["image/svg+xml"] == widget.still()
    assert widget.title in bundle["text/plain"]

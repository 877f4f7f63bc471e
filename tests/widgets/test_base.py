"""What all widgets share: tried on those of lessons 01 to 03, as a learner drives them, and on one made for this."""

import html
import itertools
import xml.etree.ElementTree as ElementTree

from helpers.widgets import stepper
from helpers.widgets.access import Access
from helpers.widgets.base import Explorer, LessonWidget, Panel, make_slider
from helpers.widgets.calculator import LayerCalculator
from helpers.widgets.drawing import Picture
from helpers.widgets.gabor import GaborExplorer, GaborResponse
from helpers.widgets.stepper import ConvolutionStepper

import ipywidgets as ipw
import numpy as np
import pytest
from widget_tools import (
    SVG,
    assert_finite,
    assert_sound,
    complains,
    controls,
    drive,
    ends,
    noise_image,
    parts,
    result_of,
    said,
    shown,
    some_value,
    state,
)
from widget_truths import (
    SMALL,
    assert_all_true,
)

WIDGETS = {
    "stepper": lambda: ConvolutionStepper(noise_image(14, 12)),
    "Gabor explorer": GaborExplorer,
    "Gabor response": lambda: GaborResponse(SMALL),
    "calculator": lambda: LayerCalculator("Two convolutions, flatten"),
}

every_widget = pytest.mark.parametrize("build", WIDGETS.values(), ids=WIDGETS.keys())

every_explorer = pytest.mark.parametrize(
    "build", [GaborExplorer, WIDGETS["Gabor response"]], ids=["kernel", "response"]
)


@every_explorer
def test_compute_at_all_ends_of_all_controls(build):
    widget = build()
    before = state(widget)
    for values in itertools.product(*map(ends, widget.controls.values())):
        with np.errstate(all="raise", under="ignore"):
            assert_finite(widget.compute(**dict(zip(widget.controls, values, strict=True))))
    assert state(widget) == before  # computing alone moves nothing


@every_widget
def test_result_at_the_ends_of_each_control(build):
    widget = build()
    for place, control in enumerate(controls(widget)):
        start = control.value
        for value in [*ends(control), start]:
            controls(widget)[place].value = value  # anew: the calculator replaces them
            assert_finite(result_of(widget))


@every_widget
@pytest.mark.parametrize("seed", range(3))
def test_any_widget_in_any_order(build, seed):
    widget, rng = build(), np.random.default_rng(seed)
    for _ in range(25):
        found = controls(widget)
        control = found[rng.integers(len(found))]
        tried = [*ends(control)[:: max(len(ends(control)) - 1, 1)], some_value(control, rng)]
        control.value = tried[rng.integers(len(tried))]
        assert_finite(result_of(widget))
        assert_all_true(widget)
        if rng.random() < 0.1:
            widget.reset.click()
            assert_all_true(widget)


@every_explorer
def test_pictures_of_an_explorer_are_those_of_its_result(build):
    widget, rng = build(), np.random.default_rng(0)
    for _ in range(8):
        for control in widget.controls.values():
            control.value = some_value(control, rng)
        for panel, picture in zip(widget.panels, widget.draw(widget.compute(**widget.settings())), strict=True):
            assert panel.heading.value == f"<b>{html.escape(picture.title)}</b>"
            assert picture.marks in panel.overlay.value
            if picture.pixels is not None:
                pixels = np.atleast_3d(shown(panel.image)) * np.ones(3, int)
                np.testing.assert_array_equal(pixels, picture.pixels)
                assert panel.image.layout.width == f"{picture.width:.0f}px"
                assert panel.image.layout.height == f"{picture.height:.0f}px"


@every_widget
@pytest.mark.parametrize("seed", range(2))
def test_reset_brings_back_the_first_state(build, seed):
    widget, rng = build(), np.random.default_rng(seed)
    first, still = state(widget), widget.still()
    for control in controls(widget):
        control.value = ends(control)[rng.choice([0, -1])]
    drive(widget, rng, 10)
    assert state(widget) != first
    widget.reset.click()
    assert state(widget) == first
    assert widget.still() == still
    widget.reset.click()
    assert state(widget) == first


@every_widget
def test_two_widgets_do_not_influence_each_other(build):
    one, other, rng = build(), build(), np.random.default_rng(0)
    before, still = state(other), other.still()
    drive(one, rng, 10)
    assert state(one) != before
    assert (state(other), other.still()) == (before, still)
    one.reset.click()
    drive(other, rng, 10)
    assert_all_true(other)
    assert one.still() == still


@every_widget
def test_one_change_computes_once(build, monkeypatch):
    """A move of the step of the stepper computes no feature map at all."""
    for place in range(len(controls(build()))):
        widget, calls = build(), []
        owner, name = (stepper, "convolve") if isinstance(widget, ConvolutionStepper) else (widget, "compute")
        original = getattr(owner, name)
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, lambda *args, f=original, c=calls, **kwargs: c.append(1) or f(*args, **kwargs))
            control = controls(widget)[place]
            control.value = next(value for value in ends(control) if value != control.value)
            assert len(calls) == (0 if control is getattr(widget, "slider", None) else 1), control.description
            calls.clear()
            widget.reset.click()
            assert len(calls) == 1


@every_widget
def test_the_page_is_told_what_a_widget_is(build):
    widget = build()
    told = [part for part in widget.children if isinstance(part, Access)]
    assert [part.get_state()["title"] for part in told] == [widget.title] and widget.title


@every_widget
def test_controls_say_what_they_are(build):
    widget = build()
    labels = [part.description for part in controls(widget) if not isinstance(part, ipw.BoundedIntText)]
    labels = [label for label in labels if label]
    assert len(labels) == len({*labels})
    for part in parts(widget):
        if isinstance(part, (ipw.Button, ipw.Text, *map(type, controls(widget)))):
            assert part.tooltip
            in_a_table = isinstance(part, (ipw.Text, ipw.BoundedIntText)) or any(
                name.startswith("cnn-") for name in part._dom_classes
            )
            assert part.description or in_a_table  # what is in a table has a heading
    assert widget.reset in parts(widget)
    assert widget.status in parts(widget)
    assert widget.title


@every_explorer
def test_controls_of_an_explorer_are_named_as_the_arguments(build):
    for name, control in build().controls.items():
        assert control.description
        assert control.tooltip
        assert name in ("zero_mean", "image", control.description.split()[0].lower())


NOTEBOOK = """
import numpy as np
from helpers.widgets.calculator import *
from helpers.widgets.gabor import *
from helpers.widgets.stepper import *
rng = np.random.default_rng(0)
image = rng.integers(0, 256, (14, 12), np.uint8)
images = {"a": image, "b": image[::-1]}
kernel, stack = "emboss", "Digits, flatten"
"""


@pytest.mark.parametrize(
    "line",
    [
        "ConvolutionStepper(image, kernel)",
        "GaborExplorer()",
        "GaborResponse(images)",
        "LayerCalculator(stack)",
    ],
)
def test_names_of_the_notebook_may_be_used_again(line):
    """All names of a notebook mean something else after a while; the widget above does not notice."""
    namespaces = [{}, {}]
    for namespace in namespaces:
        exec(f"{NOTEBOOK}widget = {line}", namespace)
    widget, undisturbed = (namespace["widget"] for namespace in namespaces)
    namespaces[0]["images"].clear()
    namespaces[0].update(dict.fromkeys(namespaces[0]))
    for one in (widget, undisturbed):
        drive(one, np.random.default_rng(1), 12)
    assert state(widget) == state(undisturbed)
    assert widget.still() == undisturbed.still()
    assert_all_true(widget)
    widget.reset.click()
    assert_all_true(widget)


# --- where no kernel runs ---


@pytest.mark.parametrize(
    "build",
    [lambda: ConvolutionStepper(noise_image(20, 30)), LayerCalculator, GaborExplorer, lambda: GaborResponse(SMALL)],
)
def test_display_has_a_still_picture_and_a_text(build):
    widget = build()
    bundle = widget._repr_mimebundle_()
    assert bundle["image/svg+xml"] == widget.still()
    assert bundle["text/plain"] == f"{widget.title} (run the cell to use it)"
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_still_does_not_change_from_run_to_run():
    assert len({ConvolutionStepper(noise_image(20, 30), step=40).still() for _ in range(3)}) == 1
    assert len({LayerCalculator().still() for _ in range(3)}) == 1
    assert len({GaborExplorer().still() for _ in range(3)}) == 1
    assert len({GaborResponse().still() for _ in range(3)}) == 1


# --- the parts of the layer ---


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [((3, 0, 9, 1), ipw.IntSlider), ((3, 0, 9, 0.5), ipw.FloatSlider), ((0.1, 0, 1, 1), ipw.FloatSlider)],
)
def test_slider(numbers, kind):
    slider = make_slider("Name (unit)", *numbers, "What it does", "222px")
    assert type(slider) is kind
    assert (slider.value, slider.min, slider.max, slider.step) == numbers
    assert (slider.description, slider.tooltip, slider.layout.width) == ("Name (unit)", "What it does", "222px")
    assert slider.readout_format == ("d" if kind is ipw.IntSlider else ".2f")


@pytest.mark.parametrize("value", [-1, 5, 4.01])
def test_a_slider_refuses_a_value_outside_of_its_range(value):
    with pytest.raises(ValueError, match=f"Size must be from 0 to 4, but it is {value}"):
        make_slider("Size", value, 0, 4)


def test_panel_shows_a_picture(sent):
    panel, pixels = Panel(), noise_image(20, 10, 3)
    assert panel.image.layout.display == "none"
    panel.show(Picture("a < b", pixels, "<circle/>", 125, 250))
    assert panel.heading.value == "<b>a &lt; b</b>"
    np.testing.assert_array_equal(shown(panel.image), pixels)
    assert panel.image.layout.display is None
    for child in (panel.image, panel.overlay):
        assert (child.layout.width, child.layout.height) == ("125px", "250px")
    overlay = ElementTree.fromstring(panel.overlay.value)
    assert (overlay.get("width"), overlay.get("height")) == ("125", "250")
    assert [part.tag for part in overlay] == [f"{SVG}circle"]
    sent.clear()
    panel.show(Picture("a < b", pixels, "<rect/>", 125, 250))
    assert sent == [(panel.overlay, "value")]
    panel.show(Picture("a < b", pixels[::-1].copy(), "<rect/>", 125, 250))
    np.testing.assert_array_equal(shown(panel.image), pixels[::-1])
    panel.show(Picture("no pixels"))
    np.testing.assert_array_equal(shown(panel.image), pixels[::-1])


@pytest.mark.parametrize(("side", "sharp"), [(10, True), (250, True), (251, False)])
def test_only_enlarged_pixels_are_sharp(side, sharp):
    panel = Panel()
    for pixels in (noise_image(500, 500, 3), noise_image(5, 5, 3), noise_image(side, side, 3)):
        panel.show(Picture("", pixels))
    assert ("cnn-sharp" in panel.image._dom_classes) == sharp


class Doubler(Explorer):
    """The smallest explorer."""

    title = "Doubler"

    def __init__(self):
        self.calls = []
        super().__init__("doubler", [{"x": make_slider("X", 2, 0, 9, 1)}, {"y": make_slider("Y", 0.5, 0, 1, 0.1)}])

    def compute(self, x, y):
        self.calls.append((x, y))
        return 2 * x + y

    def draw(self, result):
        return [Picture(f"{result}", np.full((2, 3, 3), result, np.uint8), "<circle/>", 90, 60)]

    def describe(self, result):
        return f"<i> & {result}"


def test_an_explorer_of_ones_own():
    doubler = Doubler()
    assert doubler.settings() == {"x": 2, "y": 0.5}
    assert doubler._dom_classes == ("cnn-widget", "cnn-doubler")
    assert said(doubler) == "<i> & 4.5"
    doubler.calls.clear()
    doubler.controls["x"].value = 9
    doubler.controls["x"].value = 9
    assert doubler.calls == [(9, 0.5)]
    assert doubler.result == 18.5
    assert said(doubler) == "<i> & 18.5"
    assert doubler.panels[0].heading.value == "<b>18.5</b>"
    assert "&lt;i&gt; &amp; 18.5" in doubler.still()
    doubler.controls["y"].value = 1
    doubler.calls.clear()
    doubler.reset.click()
    assert doubler.calls == [(2, 0.5)]
    assert said(doubler) == "<i> & 4.5"
    assert_sound(doubler)


def test_quiet_changes_stay_quiet_to_the_end():
    doubler = Doubler()
    doubler.calls.clear()
    with pytest.raises(ZeroDivisionError), doubler._quietly():
        with doubler._quietly():
            doubler.controls["x"].value = 5
        doubler.controls["x"].value = 6  # still within the outer one
        1 / 0  # noqa: B018
    assert doubler.calls == []
    doubler.controls["x"].value = 7  # over, also after an error
    assert doubler.calls == [(7, 0.5)]


def test_what_a_widget_says_is_text():
    widget = LessonWidget("plain")
    widget._say("<script> & “quotes”")
    assert said(widget) == "<script> & “quotes”"
    assert "<script" not in widget.status.value
    assert not complains(widget)
    widget._say("no", bad=True)
    assert complains(widget)

"""What a screen reader hears of widgets in JupyterLab, by Chromium's tree of accessibility, and what Tab reaches."""

import re

import pytest
from playwright.sync_api import expect

DATA = "from helpers.datasets import load_dataset, load_photo\nimport numpy as np\nimport pandas as pd"
NETWORK = "from helpers.models import CLASS_NAMES, load_model\nphotos = load_model('photos')"
IMAGES = "noise = np.random.default_rng(0).integers(0, 255, (5, 64, 64, 3), dtype=np.uint8)\nlabels = np.arange(5) % 3"
MAPS = "maps = {name: np.random.default_rng(0).random((5, 4, 3, 2)) for name in ('early', 'late')}"
WIDGETS = {
    "stepper": ("ConvolutionStepper", "load_dataset('digits').train.images[0, :, :, 0]", ()),
    "calculator": ("LayerCalculator", "", ()),
    "gabor": ("GaborExplorer", "", ()),
    "gradcam": (
        "GradCamExplorer",
        "photos, {'chelsea': load_photo('chelsea')}, CLASS_NAMES['photos'], sizes=True",
        (NETWORK,),
    ),
    "gabor_response": ("GaborResponse", "", ()),
    "dropout": ("DropoutExplorer", "", ()),
    "augmentation": ("AugmentationExplorer", "noise, labels, ('cat', 'dog', 'owl')", (IMAGES,)),
    "activation": ("ActivationExplorer", "photos, noise, labels, CLASS_NAMES['photos']", (NETWORK, IMAGES)),
    "features": ("FeatureExplorer", "maps, maps, noise, labels, noise, labels, ('cat', 'dog', 'owl')", (IMAGES, MAPS)),
    "costs": ("CostExplorer", "", ()),
    "training_step": ("TrainingStepExplorer", "", ()),
    "budget": ("BudgetExplorer", "points=pd.DataFrame({'name': ['a'], 'operations': [1e13], 'accuracy': [0.8]})", ()),
}
IN_TEST = ("stepper", "calculator", "gabor", "gradcam")
"""One of each kind: with steps, with rows, an explorer, and one with lists and a button for files."""
OPERABLE = {"button", "slider", "combobox", "textbox", "checkbox", "spinbutton", "radio", "listbox", "link", "image"}
OUTPUT = ".jp-OutputArea-output .cnn-widget"
CONTROLS = "[role=slider], [contenteditable=true], select, button, input:not([type=file])"


def write(lab, name):
    """Write a notebook with a widget, run it, and return the widget."""
    kind, arguments, needed = WIDGETS[name]
    module = name.removesuffix("_response")
    lab.write(
        "access.ipynb", "\n".join([DATA, *needed]), f"from helpers.widgets.{module} import {kind}\n{kind}({arguments})"
    )
    assert lab.errors() == []
    return lab.page.locator(OUTPUT)


def tree(page) -> list[dict]:
    """Return what is below the last widget in the tree of accessibility: role, name, and whether it is announced."""
    session = page.context.new_cdp_session(page)
    session.send("Accessibility.enable")
    found = session.send("Runtime.evaluate", {"expression": f"[...document.querySelectorAll('{OUTPUT}')].at(-1)"})
    nodes = session.send("Accessibility.queryAXTree", {"objectId": found["result"]["objectId"]})["nodes"]
    return [
        {
            "role": node["role"]["value"],
            "name": node.get("name", {}).get("value", "").strip(),
            **{item["name"]: item["value"].get("value") for item in node.get("properties", [])},
        }
        for node in nodes
        if not node["ignored"]
    ]


def nameless(nodes) -> list[dict]:
    """Return controls and pictures that have no name; the sign of an icon is none."""
    return [node for node in nodes if node["role"] in OPERABLE and not re.search(r"[^\W_]", node["name"])]


NUMBERED = """(widget, controls) => {
    const seen = {checkVisibilityCSS: true, visibilityProperty: true};
    const usable = [...widget.querySelectorAll(controls)].filter(it => it.checkVisibility(seen) && !it.disabled);
    usable.forEach((it, place) => { it.dataset.place = place; });
    usable[0].focus();
    return usable.map(it => it.outerHTML.slice(0, 200));
}"""
HERE = "widget => widget.contains(document.activeElement) ? document.activeElement.dataset.place ?? '' : null"


def unreached(widget) -> list[str]:
    """Go through a widget by Tab, from its first control on; return the controls that the keys did not reach."""
    controls, reached = widget.evaluate(NUMBERED, CONTROLS), set()
    while (place := widget.evaluate(HERE)) is not None and len(reached) < len(controls):
        reached.add(place)
        widget.page.keyboard.press("Tab")
    return [control for place, control in enumerate(controls) if str(place) not in reached]


@pytest.mark.parametrize(
    "name", [name if name in IN_TEST else pytest.param(name, marks=pytest.mark.matrix) for name in WIDGETS]
)
def test_a_widget_says_what_it_is_to_a_screen_reader_and_keys_reach_all_of_it(lab, name):
    widget = write(lab, name)
    expect(widget).to_have_attribute("role", "group", timeout=30_000)
    nodes = tree(lab.page)
    assert nodes[0]["role"] == "group" and len(nodes[0]["name"]) > 5, "the title of the widget"
    assert nameless(nodes) == []
    controls = [node for node in nodes if node["role"] in OPERABLE - {"image"}]
    assert len(controls) >= len(widget.evaluate(NUMBERED, CONTROLS)) > 2
    announced = [node for node in nodes if node["role"] == "status"]
    assert [node["live"] for node in announced] == ["polite"]
    assert unreached(widget) == []
    assert lab.errors() == []


def test_names_stay_when_a_widget_draws_anew(lab):
    widget = write(lab, "stepper")
    expect(widget.get_by_role("button", name="Play")).to_be_visible(timeout=30_000)
    before = widget.get_by_role("status").inner_text()
    widget.get_by_role("slider", name="Step", exact=True).press("ArrowRight")
    expect(widget.get_by_role("status")).not_to_have_text(before)
    expect(widget.get_by_role("img", name=re.compile(r"^Feature map \d+ × \d+"))).to_be_visible()
    widget.get_by_role("button", name="Play").press("Enter")
    expect(widget.get_by_role("button", name="Pause")).to_be_visible()
    widget.get_by_role("button", name="Stop").press("Enter")
    expect(widget.get_by_role("button", name="Play")).to_be_visible()
    assert nameless(tree(lab.page)) == []


def test_what_has_no_name_is_noticed(lab):
    plain = "ipw.VBox([ipw.IntSlider(description='A'), ipw.Play(), ipw.Button(icon='undo')]).add_class('cnn-widget')"
    lab.write("access.ipynb", f"import ipywidgets as ipw\n{plain}")
    assert [node["role"] for node in nameless(tree(lab.page))].count("button") >= 3
    assert "slider" in [node["role"] for node in nameless(tree(lab.page))]

"""Widgets of the site that live without a kernel: their twins are those of the lessons, their scripts are plain."""

import json
import re

import pytest
from site_tools import ROOT, load_make_site

make_site = load_make_site()
from living import LIVING, described, script  # noqa: E402 - a script beside make_site.py

STORED = {
    make_site.widget_name("".join(output["data"]["text/plain"])): "".join(output["data"]["image/svg+xml"])
    for path in (ROOT / "notebooks").glob("*.ipynb")
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
    for output in cell.get("outputs", [])
    if make_site.widget_name("".join(output.get("data", {}).get("text/plain", "")))
}
"""The stills in the notebooks, by the name of the widget."""


@pytest.mark.parametrize("name", LIVING)
def test_a_twin_is_what_the_lesson_makes(name):
    twin, _, _ = LIVING[name]()
    assert twin.still() == STORED[name]


@pytest.mark.parametrize("name", LIVING)
def test_a_script_is_plain_and_holds_what_it_needs(name):
    code = script(name)
    assert not re.search(r"(?m)^(import|export) |https?://(?!www\.w3\.org)", code)
    data = json.loads(re.search(r'(?m)^mount\("[\w-]+", widget, (.*)\);$', code)[1])
    twin, controls, _ = LIVING[name]()
    assert data["title"] == twin.title and data["controls"].keys() == controls.keys()
    assert len(code) < 400_000


def test_controls_are_told_as_they_are():
    _, controls, _ = LIVING["convolution-stepper"]()
    assert described(controls["stride"]) == {
        "label": "Stride",
        "tooltip": "Pixels from one place to the next",
        "value": 1,
        "min": 1,
        "max": 4,
        "step": 1,
        "digits": 0,
    }
    assert described(controls["preset"])["options"][0] == ("identity", "identity")
    assert "digits" not in described(controls["step"])

"""Widgets of the site that live without a kernel: their twins are those of the lessons, their scripts are plain."""

import json
import re

import pytest
from site_tools import ROOT, load, load_make_site, said_by, shown_in

load_make_site()
lesson_pages = load(ROOT / "docs" / "site" / "lesson_pages.py")
from docutils import nodes  # noqa: E402 - comes with Sphinx
from docutils.core import publish_doctree  # noqa: E402
from living import LIVING, described, script  # noqa: E402 - a script beside make_site.py


@pytest.mark.parametrize("name", LIVING)
def test_a_twin_is_what_the_lesson_makes(name):
    lesson, make = LIVING[name]
    assert said_by(make()[0].still()) in shown_in(lesson)


@pytest.mark.parametrize("name", LIVING)
def test_a_script_is_plain_and_holds_what_it_needs(name):
    code = script(name)
    assert not re.search(r"(?m)^(import|export) |https?://(?!www\.w3\.org)", code)
    data = json.loads(re.search(r'(?m)^mount\("[\w-]+", widget, (.*)\);$', code)[1])
    twin, controls, _ = LIVING[name][1]()
    assert data["title"] == twin.title and data["controls"].keys() == controls.keys()
    assert len(code) < 600_000


def test_controls_are_told_as_they_are():
    _, controls, _ = LIVING["convolution-stepper"][1]()
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


def test_a_widget_with_other_data_stays_a_still():
    for living in (["gabor-explorer"], []):
        document = publish_doctree("")
        document += nodes.image(uri="pictures/abc.svg")
        lesson_pages.name_pictures(document, {"abc": "waves"}, {"abc": "gabor-explorer"}, living)
        scripts = [raw.astext() for raw in document.findall(nodes.raw)]
        assert scripts == ['<script defer src="../_static/widgets/gabor-explorer.js"></script>'] * len(living)

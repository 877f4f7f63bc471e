"""Every picture of a lesson says in words what it shows: for screen readers, the site, and nbconvert."""

import base64
import re
import runpy
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from helpers.lessons import LESSONS
from helpers.widgets.calculator import LayerCalculator
from helpers.widgets.stepper import ConvolutionStepper

import nbconvert
import nbformat
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
SVG = "{http://www.w3.org/2000/svg}"
FILE_NAME = re.compile(r"\.(png|svg|jpe?g|gif|webp)\b|\b[0-9a-f]{12,}\b|^\w+$", re.IGNORECASE)
GENERIC = re.compile(
    r"^(an? )?(image|figure|plot|picture|chart|diagram|output|matplotlib)\b[^,:]{0,12}$", re.IGNORECASE
)


def read(lesson):
    return nbformat.read(ROOT / "notebooks" / f"{lesson.stem}.ipynb", as_version=4)


def pictures(notebook):
    """Yield the cell, the output, and the alt text (None where there is none) of each picture."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                yield cell, output, output.metadata.get("image/png", {}).get("alt")
            elif "image/svg+xml" in data:
                root = ElementTree.fromstring(data["image/svg+xml"])
                yield cell, output, root.findtext(f"{SVG}title") if root.get("role") == "img" else None


def fault(text) -> str:
    """Return what is wrong with an alt text, or nothing."""
    if not isinstance(text, str) or not text.strip():
        return "it is missing"
    if FILE_NAME.search(text.strip()) or GENERIC.match(text.strip()):
        return "it does not say what the picture shows"
    if len(text.split()) < 5:
        return "it is too short to say what the picture shows"
    return "" if len(text) <= 1500 else "nobody wants to hear so much"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_each_picture_says_what_it_shows(lesson):
    wrong = [f"{cell.id}: {fault(text)}" for cell, _, text in pictures(read(lesson)) if fault(text)]
    assert not wrong, f"write `alt` into the metadata of the cell, a text for each figure: {wrong}"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_texts_of_figures_stand_in_their_cells(lesson):
    """There they outlive the next run."""
    for cell in read(lesson).cells:
        stored = [out.metadata.get("image/png", {}).get("alt") for out in cell.get("outputs", []) if "png" in str(out)]
        stored = [text for text in stored if text]
        assert cell.metadata.get("alt", []) == stored, f"{cell.id}: run `scripts/refresh.py --alt-texts {lesson.id}`"


def test_no_two_figures_have_the_same_text():
    count = Counter(text for lesson in LESSONS for *_, text in pictures(read(lesson)))
    assert len(count) > 100
    assert [text for text, times in count.items() if times > 1] == []


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "  ",
        "output.png",
        "figure_12.svg",
        "a1b2c3d4e5f60718",
        "chart",
        "Image",
        "A plot of the data",
        "rabbit",
    ],
)
def test_what_says_nothing_is_noticed(text):
    assert fault(text)


def test_texts_are_stored_again_after_a_run():
    store = runpy.run_path(str(ROOT / "scripts/refresh.py"))["store_alt_texts"]
    figure = {"output_type": "display_data", "data": {"image/png": ""}, "metadata": {"image/png": {"width": 3}}}
    stream = {"output_type": "stream", "name": "stdout", "text": ""}
    cell = nbformat.v4.new_code_cell("", metadata={"alt": ["first", "second"]})
    cell.outputs = [nbformat.from_dict(output) for output in (figure, stream, figure)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(""), cell])
    for _ in range(2):
        store(notebook)
        assert [out.get("metadata") for out in cell.outputs] == [
            {"image/png": {"width": 3, "alt": "first"}},
            None,
            {"image/png": {"width": 3, "alt": "second"}},
        ]


def test_nbconvert_writes_them():
    pixel = base64.b64encode(b"not read").decode()
    output = nbformat.v4.new_output("display_data", {"image/png": pixel}, metadata={"image/png": {"alt": "A red owl"}})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[output])])
    page, _ = nbconvert.HTMLExporter(template_name="classic").from_notebook_node(notebook)
    assert 'alt="A red owl"' in page


@pytest.mark.parametrize("widget", [lambda: ConvolutionStepper(np.eye(5)), LayerCalculator], ids=["stepper", "calc"])
def test_stills_of_widgets_say_their_numbers(widget):
    shown = widget()
    root = ElementTree.fromstring(shown.still())
    assert root.get("role") == "img"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text.startswith(f"{shown.title}: ") and re.search(r"\d", root[0].text)


@pytest.mark.parametrize("path", ["README.md", *(str(p.relative_to(ROOT)) for p in ROOT.glob("d*/**/*.md"))])
def test_pictures_of_documents_say_what_they_show(path):
    texts = re.findall(r"!\[([^\]]*)\]\(", (ROOT / path).read_text(encoding="utf-8"))
    assert [text for text in texts if not text.strip() or FILE_NAME.search(text) or GENERIC.match(text)] == []

"""Slides in Chromium: nothing is cut off, nothing is asked of another server, the speaker has notes."""

from helpers.lessons import LESSONS, find_lesson

import nbformat
import pytest
from site_tools import ROOT, load_script

CUT_OFF = """() => Reveal.getSlides().flatMap((slide, number) => {
    Reveal.slide(number);
    return [...slide.querySelectorAll('h1, h2, p, ul, ol, pre, table, img')]
        .filter(it => !it.closest('aside'))
        .filter(it => it.getBoundingClientRect().bottom > innerHeight + 1
            || it.getBoundingClientRect().right > innerWidth + 1 || it.scrollWidth > it.clientWidth + 1)
        .map(it => `${number + 1}: ${it.tagName} ${it.textContent.slice(0, 60)}`);
})"""


@pytest.fixture(scope="module")
def make_slides():
    return load_script("make_slides")


def deck(make_slides, page, lesson, folder):
    """Make and open the slides of a lesson; return what the page asked of others."""
    make_slides.make_slides(folder, [lesson])
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto((folder / f"{lesson.stem}.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    return [address for address in asked if not address.startswith(("file:", "data:"))]


def check(page, asked, lesson):
    assert asked == []
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate("Reveal.getTotalSlides()") > 10
    cells = nbformat.read(ROOT / "notebooks" / f"{lesson.stem}.ipynb", as_version=4).cells
    explained = [cell for cell in cells if cell.source.startswith("**What to see.**")]
    notes = page.evaluate("[...document.querySelectorAll('aside.notes')].map(note => note.textContent).join(' ')")
    assert notes.count("What to see.") >= len(explained) > 0
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0 && image.alt.length > 20)")


def test_slides_of_a_lesson(make_slides, page, tmp_path):
    lesson = find_lesson("01")
    check(page, deck(make_slides, page, lesson, tmp_path / "slides"), lesson)
    assert {path.name for path in (tmp_path / "slides").iterdir()} == {"index.html", "reveal", f"{lesson.stem}.html"}
    assert page.locator("section", has_text="Solution: click to unfold").count() == 0
    page.keyboard.press("ArrowRight")
    page.wait_for_function("Reveal.getIndices().h > 0")


@pytest.mark.matrix
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_each_lesson_fits_on_slides(make_slides, page, tmp_path, lesson):
    check(page, deck(make_slides, page, lesson, tmp_path / "slides"), lesson)


def test_text_that_is_too_long_is_cut_off_and_noticed(make_slides, page, tmp_path, monkeypatch):
    monkeypatch.setattr(make_slides, "ROOM", 100)
    deck(make_slides, page, find_lesson("09"), tmp_path / "slides")
    assert page.evaluate(CUT_OFF)

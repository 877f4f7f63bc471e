"""Handouts in Chromium: A4, tagged, nothing cut off at the margin, and nothing that is folded on the site."""

import re
from concurrent.futures import ThreadPoolExecutor

from helpers.lessons import LESSONS, find_lesson

import pytest
from site_tools import SOME, load_script, site_of

PAPER = {"width": 680, "height": 1000}  # 180 mm between the margins
TOO_WIDE = """() => ['pre', 'img', 'math', 'table']
    .flatMap(name => [...document.querySelectorAll('.bd-article ' + name)])
    .filter(it => it.checkVisibility())
    .filter(it => it.getBoundingClientRect().right > innerWidth + 1
        || (it.clientWidth && it.scrollWidth > it.clientWidth + 1))
    .map(it => it.outerHTML.slice(0, 100))"""


@pytest.fixture(scope="module")
def make_handout():
    return load_script("make_handout")


def on_paper(page, site, lesson):
    """Open a lesson as it is on paper."""
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print")
    page.goto((site / "notebooks" / f"{lesson.stem}.html").as_uri())
    return page


def test_it_is_tagged_a4(make_handout, chromium, tmp_path_factory, tmp_path):
    lesson = find_lesson(SOME[0])
    site = site_of(SOME, tmp_path_factory)
    with ThreadPoolExecutor(1) as own:  # a thread that has no loop of events: other tests of this process may have one
        own.submit(make_handout.make_handouts, tmp_path / "handout", [lesson], site).result()
    (made,) = (tmp_path / "handout").iterdir()
    assert made.name == f"{lesson.stem}.pdf"
    content = made.read_bytes()
    assert content.startswith(b"%PDF") and b"/StructTreeRoot" in content
    assert re.search(rb"/MarkInfo\s*<<[^>]*/Marked true", content)
    sizes = {tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox \[([^\]]+)\]", content)}
    assert {(round(width), round(height)) for _, _, width, height in sizes} == {(595, 842)}
    assert 10 < len(re.findall(rb"/Type /Page\b", content)) < 60 and len(content) < 5e6


def check(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]
    assert page.evaluate(TOO_WIDE) == []
    assert page.locator("h1:visible").count() == 1 and page.locator(".bd-article pre:visible").count() > 5
    for folded in page.locator(".bd-article details").all():
        assert not folded.is_visible()


def test_all_fits_on_paper_and_nothing_folded_is_there(page, tmp_path_factory):
    check(on_paper(page, site_of(SOME, tmp_path_factory), find_lesson(SOME[0])))


@pytest.mark.matrix
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_each_lesson_fits_on_paper(page, tmp_path_factory, lesson):
    check(on_paper(page, site_of(None, tmp_path_factory), lesson))


def test_what_is_too_wide_is_noticed(page):
    page.set_viewport_size(PAPER)
    page.set_content(
        "<div class=bd-article><pre style='width: 300px; overflow: hidden'>" + 90 * "wide" + "</pre></div>"
    )
    assert len(page.evaluate(TOO_WIDE)) == 1


def test_without_chromium_it_says_so(make_handout, monkeypatch):
    monkeypatch.setattr(make_handout.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="apt install chromium"):
        make_handout.chromium()

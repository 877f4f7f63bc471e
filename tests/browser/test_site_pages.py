"""The site in Chromium: nothing is asked of another server, nobody is kept out, and it fits on a phone."""

import re
from itertools import chain

from helpers.lessons import LESSONS

import pytest
from site_tools import LAPTOP, PAGES, PHONE, ROOT, SOME, check, served, site_of


@pytest.fixture(scope="session")
def site(chromium, tmp_path_factory):
    with served(site_of(SOME, tmp_path_factory)) as address:
        yield address


@pytest.fixture(scope="session")
def whole_site(chromium, tmp_path_factory):
    with served(site_of(None, tmp_path_factory)) as address:
        yield address


@pytest.fixture
def visit(page):
    """A function that opens a page; at the end no address outside was asked for, and no script failed."""
    outside, problems = [], []
    page.route(
        re.compile(r"^https?://(?!127\.0\.0\.1[:/])"), lambda route: (outside.append(route.request.url), route.abort())
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("response", lambda answer: problems.append(answer.url) if answer.status >= 400 else None)

    def open_page(address, size, theme):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.goto(address, wait_until="load")
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        return page

    yield open_page
    assert not outside, f"a page of the site asked for {outside}"
    assert not problems


def check_both(visit, address):
    for size, theme in ((LAPTOP, "light"), (PHONE, "dark")):
        check(visit(address, size, theme))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_each_kind(visit, site, name):
    check_both(visit, f"{site}/{name}.html")


@pytest.mark.matrix
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_each_lesson(visit, whole_site, lesson, theme, size):
    check(visit(f"{whole_site}/notebooks/{lesson.stem}.html", size, theme))


@pytest.mark.matrix
@pytest.mark.parametrize(
    "path",
    chain.from_iterable(map(ROOT.glob, ("data/**/*.md", "docs/*.md", "docs/teaching/*.md"))),
    ids=lambda path: path.stem,
)
def test_each_card_and_guide(visit, whole_site, path):
    check_both(visit, f"{whole_site}/{path.relative_to(ROOT).with_suffix('.html').as_posix()}")


def test_what_keeps_people_out_is_noticed(page):
    page.set_content("<html lang=en><title>x</title><main><h1>x</h1><p style='color:#999'>pale</p></main></html>")
    with pytest.raises(AssertionError, match="color-contrast"):
        check(page)
    page.set_viewport_size(PHONE)
    page.set_content("<body style='margin: 0'><div style='width: 500px'>wide</div>")
    with pytest.raises(AssertionError, match="110 pixels too wide"):
        check(page)


def test_a_search_finds_the_lesson(visit, site):
    page = visit(f"{site}/search.html?q=receptive+field", LAPTOP, "light")
    page.locator("#search-results a", has_text="Building a CNN").first.wait_for()


def test_the_theme_can_be_changed_and_is_kept(visit, site):
    page = visit(f"{site}/index.html", LAPTOP, "light")
    page.locator("button.theme-switch-button:visible").click()
    page.locator("button.theme-change-button:visible", has_text="Dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_term_leads_to_its_row(visit, site):
    page = visit(f"{site}/notebooks/03_building_a_cnn.html", LAPTOP, "light")
    page.locator("a.cnn-term", has_text="softmax").first.click()
    page.wait_for_url("**/GLOSSARY.html#term-softmax")
    assert page.locator("#term-softmax").inner_text().startswith("softmax")


def test_a_folded_solution_opens_by_keyboard(visit, site):
    page = visit(f"{site}/notebooks/03_building_a_cnn.html", LAPTOP, "light")
    summary = page.locator("details", has_text="Show the solution").locator("summary").first
    code = summary.locator("xpath=..").locator("pre").first
    assert not code.is_visible()
    summary.focus()
    page.keyboard.press("Enter")
    assert code.is_visible()


def test_pages_work_from_the_disk(page, tmp_path_factory, chromium):
    folder = site_of(SOME, tmp_path_factory)
    failed = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.goto(f"file://{folder}/notebooks/03_building_a_cnn.html")
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert not failed

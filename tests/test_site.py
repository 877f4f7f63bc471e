"""The site: what becomes of notebooks and texts, links that lead somewhere, and the one setting of public addresses."""

import re
import sys
from html import unescape

from helpers.lessons import find_lesson

import nbformat
import pytest
from packaging.requirements import Requirement
from site_tools import NOWHERE, ROOT, SOME, Page, broken_links, load, load_make_site, site_of

make_site = load_make_site()
lesson_pages = load(ROOT / "docs" / "site" / "lesson_pages.py")
from docutils import nodes  # noqa: E402 - comes with Sphinx
from docutils.core import publish_doctree  # noqa: E402
from sphinx import addnodes  # noqa: E402

PUBLIC = {
    "repository": "https://github.com/someone/cnn-lessons",
    "site": "https://someone.example/cnn/",
    "hub": "https://hub.example",
}
LESSON = "notebooks/03_building_a_cnn"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return site_of(SOME, tmp_path_factory)


@pytest.fixture(scope="module")
def public_site(tmp_path_factory):
    return site_of(("00",), tmp_path_factory, PUBLIC)


def text_of(site, page):
    return (site / f"{page}.html").read_text(encoding="utf-8")


# --- the lock and the setting ---


def pins(name):
    lines = (ROOT / name).read_text().splitlines()
    return {Requirement(line).name: line for line in lines if re.match(r"[\w.-]+(\[.*\])?==", line)}


def test_what_the_site_needs_is_pinned_and_agrees_with_the_other_lock():
    site, other = pins("requirements-site.lock"), pins("requirements.lock")
    assert {"sphinx", "myst-nb", "sphinx-book-theme", "latex2mathml", "axe-playwright-python"} <= site.keys()
    assert [line for name, line in site.items() if other.get(name, line) != line] == []
    assert not {"sphinx", "myst-nb"} & other.keys(), "a learner does not need them"
    assert "://" not in (ROOT / "requirements-site.lock").read_text()


def test_the_public_addresses_are_empty_or_addresses():
    assert make_site.public_addresses().keys() == NOWHERE.keys()
    assert make_site.checked(PUBLIC) == {**PUBLIC, "site": "https://someone.example/cnn"}
    for wrong in ("someone/cnn-lessons", "http://github.com/someone/x", "https://", "git@github.com:a/b"):
        with pytest.raises(ValueError, match=r"repository is .*begins with https://, or leave it empty"):
            make_site.checked({"repository": wrong, "site": ""})


# --- whole pages ---


def test_links_lead_somewhere(site):
    assert broken_links(site) == []


@pytest.mark.matrix
def test_links_of_all_pages_lead_somewhere(tmp_path_factory):
    assert broken_links(site_of(None, tmp_path_factory)) == []


def test_a_link_that_leads_nowhere_is_noticed(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#x">1</a><a href="b.html#y">2</a><a href="c.html">3</a><img src="https://x.org/a.png">'
        '<script src="//x.org/a.js"></script><a href="https://x.org/">4</a><a href="../out.html">5</a>'
    )
    (tmp_path / "b.html").write_text('<p id="x">')
    found = [line.split(": ", 1)[1] for line in broken_links(tmp_path)]
    assert found == ["b.html#y", "c.html", "<img> https://x.org/a.png", "<script> //x.org/a.js", "../out.html"]


def test_pictures_have_the_alt_texts_of_the_notebook(site):
    cells = nbformat.read(ROOT / f"{LESSON}.ipynb", as_version=4).cells
    texts = [text for cell in cells for text in cell.metadata.get("alt", [])]
    shown = [image.get("alt") for image in Page(site / f"{LESSON}.html").images]
    assert [text for text in texts if text not in shown] == []
    assert all(shown) and not any(re.search(r"[0-9a-f]{20}", text) for text in shown)
    assert any(text.startswith("Layer calculator: ") for text in shown)


def test_the_still_of_a_widget_stands_in_a_box_with_its_name(site):
    assert re.search(r'<div class="cnn-widget cnn-layer-calculator docutils container">\s*<img ', text_of(site, LESSON))


def test_solutions_and_tests_are_folded(site):
    cells = nbformat.read(ROOT / f"{LESSON}.ipynb", as_version=4).cells
    page = text_of(site, LESSON)
    for tag, words in (("solution", "Show the solution"), ("claims", "Show the test of the text")):
        assert page.count(f">{words}<") == sum(tag in cell.metadata.get("tags", []) for cell in cells) > 0
    assert not re.search(r"<details[^>]* open", page)


def test_formulas_need_no_script(site):
    page = text_of(site, LESSON)
    cells = nbformat.read(ROOT / f"{LESSON}.ipynb", as_version=4).cells
    assert page.count("<math ") >= sum(cell.source.count("$$") // 2 for cell in cells if cell.cell_type == "markdown")
    assert (
        "mathjax" not in page.lower()
        and "katex" not in page.lower()
        and "$" not in re.sub(r"(?s)<(script|style|pre|code).*?</\1>", "", page)
    )


def test_the_font_of_formulas_comes_with_the_pages(site):
    css = (site / "_static" / "site.css").read_text()
    fonts = re.findall(r'url\("([^"]+)"\)', css)
    assert fonts == ["STIXTwoMath.woff"]
    assert (site / "_static" / fonts[0]).read_bytes()[:4] == b"wOFF"


def test_each_reference_has_its_doi_or_arxiv(site):
    cells = nbformat.read(ROOT / f"{LESSON}.ipynb", as_version=4).cells
    links = set(re.findall(r"https://(?:doi|arxiv)\.org/[^)\s>]+", "".join(cell.source for cell in cells)))
    assert links and not [link for link in links if link not in unescape(text_of(site, LESSON))]


def test_a_lesson_can_be_downloaded_as_it_is(site):
    (link,) = [link for _, link in Page(site / f"{LESSON}.html").links if link.endswith(".ipynb")]
    copy = (site / "notebooks" / link).resolve()
    assert copy.read_bytes() == (ROOT / f"{LESSON}.ipynb").read_bytes()


def test_without_an_address_there_are_no_ways_to_run_it_elsewhere(site):
    for page in (LESSON, "index", "notebooks/GLOSSARY"):
        assert not re.search(r'mybinder\.org|colab\.research|git-pull|rel="canonical"|/blob/HEAD', text_of(site, page))


def test_with_an_address_there_are(public_site):
    page = text_of(public_site, "notebooks/00_start_here")
    binder = "https://mybinder.org/v2/gh/someone/cnn-lessons/HEAD?urlpath=lab%2Ftree%2Fnotebooks%2F00_start_here.ipynb"
    assert f'href="{binder}"' in page
    colab = "https://colab.research.google.com/github/someone/cnn-lessons/blob/colab/00_start_here.ipynb"
    assert f'href="{colab}"' in page
    pull = "https://hub.example/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com%2Fsomeone%2Fcnn-lessons"
    lesson = "urlpath=lab%2Ftree%2Fcnn-lessons%2Fnotebooks%2F00_start_here.ipynb&amp;branch=main"
    assert f'href="{pull}&amp;{lesson}"' in page
    assert 'href="https://github.com/someone/cnn-lessons/blob/HEAD/notebooks/00_start_here.ipynb"' in page
    assert 'href="https://github.com/someone/cnn-lessons"' in page
    assert '<link rel="canonical" href="https://someone.example/cnn/notebooks/00_start_here.html"' in page
    assert broken_links(public_site) == []


def test_the_kernel_of_jupyter_is_no_array_of_weights(public_site):
    assert "GLOSSARY.html#term-kernel" not in text_of(public_site, "notebooks/00_start_here")
    assert "GLOSSARY.html#term-image" in text_of(public_site, "notebooks/00_start_here")


def test_paths_of_this_machine_are_in_no_page(site):
    told = [path.name for path in site.rglob("*.html") if str(ROOT) in path.read_text(encoding="utf-8")]
    assert told == [] and not list(site.rglob(".doctrees"))


def test_lessons_lead_to_the_page_with_their_networks(tmp_path):
    pages = make_site.Pages(tmp_path, [find_lesson("06")], NOWHERE)
    for lesson in ("05", "06", "07", "08", "09"):
        link = "](../docs/your_image.md)" in pages.ways_to_run(f"notebooks/{find_lesson(lesson).stem}.ipynb")
        assert link == (lesson in ("06", "07", "08"))


def test_the_start_page_leads_to_the_page_of_an_own_image(site):
    assert 'href="docs/your_image.html"' in text_of(site, "index")
    assert 'src="../_static/networks/your-image.js"' in text_of(site, "docs/your_image")
    assert {path.name for path in (site / "_static" / "networks").iterdir()} == {
        *("critters.js", "photos.js", "your-image.js")
    }


# --- the glossary ---


def test_each_term_leads_to_its_row(site):
    rows = Page(site / "notebooks" / "GLOSSARY.html").ids
    links = [link for _, link in Page(site / f"{LESSON}.html").links if link.startswith("GLOSSARY.html#")]
    assert len(links) == len(set(links)) > 30, "each once, at its first use"
    assert {link.split("#")[1] for link in links} <= rows


@pytest.mark.matrix
def test_each_term_is_linked_in_the_lesson_that_defines_it(tmp_path_factory):
    site = site_of(None, tmp_path_factory)
    table = re.findall(
        r"(?m)^\| ([^|]+) \|.*\| (\w+) \|$", (ROOT / "notebooks/GLOSSARY.md").read_text(encoding="utf-8")
    )
    pages = {lesson: text_of(site, f"notebooks/{find_lesson(lesson).stem}") for _, lesson in table[1:]}
    missing = [row for row in table[1:] if f'"GLOSSARY.html#{lesson_pages.anchor(row[0])}"' not in pages[row[1]]]
    assert missing == []


def linked(source: str, terms) -> list[tuple[str, str]]:
    document = publish_doctree(source)
    lesson_pages.link_terms(document, terms)
    return [(link.astext(), link["refuri"]) for link in document.findall(nodes.reference)]


def test_terms_are_linked_at_their_first_use_only():
    terms = ["pooling", "max pooling", "ReLU", "kernel"]
    text = "``kernel`` is code.\n\nMax pooling, then kernels. Kernel, pooling, pooling, relu, ReLU, pool, kernel-wise."
    assert linked(text, terms) == [
        ("Max pooling", "GLOSSARY.html#term-max-pooling"),
        ("kernels", "GLOSSARY.html#term-kernel"),
        ("pooling", "GLOSSARY.html#term-pooling"),
        ("ReLU", "GLOSSARY.html#term-relu"),
    ]


def test_common_words_are_linked_where_they_are_defined():
    assert linked("Even so, the **even** kernel.", ["even"]) == [("even", "GLOSSARY.html#term-even")]


def test_links_headings_and_folded_notes_stay_as_they_are():
    document = publish_doctree("A kernel\n========\n\n`kernel <https://x.org>`_ and more")
    folded = [nodes.raw("", "<details>", format="html"), nodes.paragraph("", "a kernel")]
    document.extend([*folded, nodes.raw("", "</details>", format="html"), nodes.paragraph("", "The kernel.")])
    assert lesson_pages.link_terms(document, ["kernel"]) == {"kernel"}
    assert document[-1].astext() == "The kernel." and document[-1].next_node(nodes.reference)
    assert not document[-3].next_node(nodes.reference)


def test_a_link_to_a_lesson_has_no_other_link_in_it():
    document = publish_doctree("The beginning.\n\nA kernel.")
    document[0] += addnodes.pending_xref("", nodes.inline("", "A kernel and more"), reftarget="01")
    assert lesson_pages.link_terms(document, ["kernel"]) == {"kernel"}
    assert document[0].next_node(nodes.reference) is None and document[1].next_node(nodes.reference)


# --- parts of pages ---


def test_formulas_become_mathml():
    inline = lesson_pages.mathml(r"\frac{a}{b} < c", "inline")
    assert inline.startswith('<math aria-label="\\frac{a}{b} &lt; c"') and "<mfrac>" in inline
    assert 'display="block"' in lesson_pages.mathml("x^2", "block")


def test_tables_have_no_empty_headings_and_summaries_no_colors():
    document = publish_doctree("")
    document += nodes.raw("", "<table><tr><th></th><th>loss</th></tr></table>", format="html")
    document += nodes.raw(
        "", '<pre style="x"><span style="color: #00af00; text-decoration-color: #00af00">3</span></pre>'
    )
    document[-1]["format"] = "html"
    document += nodes.raw("", '<a href="01_a.ipynb">1</a> <a href="02_b.ipynb">2</a>', format="html")
    lesson_pages.mend_outputs(document, ["01_a"])
    table, summary, links = (raw.astext() for raw in document.findall(nodes.raw))
    assert table == '<div class="cnn-table" tabindex="0"><table><tr><td></td><th>loss</th></tr></table></div>'
    assert "#00af00" not in summary and 'tabindex="0"' in summary
    assert links == '<a href="01_a.html">1</a> <a>2</a>'


def test_links_of_texts_lead_to_pages_copies_or_become_words(tmp_path):
    pages = make_site.Pages(tmp_path, [find_lesson("01")], NOWHERE)
    said = (
        "[one](notebooks/01_convolution_by_hand.ipynb) [two](notebooks/02_gabor_filter_banks.ipynb) [out](../x.md) "
        "[MIT](LICENSE) ![map](docs/map.png) [web](https://x.org) [here](#two) [gone](docs/gone.md)"
    )
    assert pages.linked(said, "README.md") == (
        "[one](notebooks/01_convolution_by_hand.ipynb) two out "
        "[MIT](LICENSE) ![map](docs/map.png) [web](https://x.org) [here](#two) gone"
    )
    assert (tmp_path / "LICENSE").is_file() and (tmp_path / "docs" / "map.png").is_file()
    assert pages.linked("[start](../README.md#two)", "docs/offline.md") == "[start](../index.md#two)"


def test_the_folder_of_the_site_is_replaced_only_by_a_whole_one(tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "old.html").touch()
    monkeypatch.setattr(make_site, "build_main", lambda options: 2)
    assert make_site.make_site(tmp_path / "site", [], NOWHERE) == 2
    assert (tmp_path / "site" / "old.html").exists()


def test_a_lesson_that_there_is_not_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["make_site.py", "99"])
    with pytest.raises(SystemExit, match="There is no lesson '99'"):
        make_site.main()

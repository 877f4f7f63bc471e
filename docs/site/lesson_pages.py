"""What a page of a lesson needs beyond MyST-NB: an extension of Sphinx.

Formulas become MathML, which browsers draw themselves; figures get their alt texts; a widget is shown by its still, in
a box that a living one may take over; terms lead to the glossary at their first use.
"""

import html
import json
import re
from functools import cache
from pathlib import Path, PurePosixPath

from docutils import nodes
from latex2mathml.converter import convert
from sphinx import addnodes
from sphinx.util.docutils import SphinxTranslator

GLOSSARY = "notebooks/GLOSSARY"
HOMONYMS = {
    "base", "block", "branches", "dead", "depth", "even", "graph", "head", "odd", "overlap", "pad", "patience", "phase",
    "projection", "scale", "step", "strategy", "test", "trace", "unit", "valid", "variable",
}  # fmt: skip
"""Terms that are common words, too: they lead to the glossary only where they are bold, which is where they are
defined."""
OTHERWISE = {"notebooks/00_start_here": {"kernel"}}
"""Terms that mean something else in a lesson: there the kernel is the program that runs cells."""
CLOSED = (
    nodes.reference, addnodes.pending_xref, addnodes.download_reference, nodes.literal, nodes.literal_block, nodes.math,
    nodes.math_block, nodes.title, nodes.raw, nodes.image, nodes.comment,
)  # fmt: skip
"""What is in these keeps its text as it is."""


SCROLLS = '<div class="cnn-table" tabindex="0">'
"""Around what may be too wide for a phone: it scrolls by itself, and by the keys."""


@cache
def prepared(source: str) -> dict:
    """Return what scripts/make_site.py wrote for this extension."""
    return json.loads((Path(source) / "prepared.json").read_text(encoding="utf-8"))


# --- formulas ---


def mathml(latex: str, display: str) -> str:
    """Return a formula as MathML, with its LaTeX as the text that a screen reader without MathML may read."""
    formula = convert(latex, display=display)
    return formula.replace("<math ", f'<math aria-label="{html.escape(" ".join(latex.split()))}" ', 1)


def inline_formula(translator: SphinxTranslator, node: nodes.math) -> None:
    """Write a formula in a line."""
    translator.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block_formula(translator: SphinxTranslator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own, which scrolls where the page is too narrow."""
    translator.body.append(f'<div class="cnn-formula" tabindex="0">{mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


# --- figures, widgets and tables in outputs ---


def name_pictures(document: nodes.document, alt: dict, widgets: dict, living=()) -> None:
    """Give each picture of an output its alt text, and put the still of a widget into a box that has its name.

    Where it is one of ``living``, its script follows, which brings it to life.
    """
    for image in list(document.findall(nodes.image)):
        key = PurePosixPath(image["uri"]).stem
        if key in alt:
            image["alt"] = alt[key]
        if key in widgets:
            box = nodes.container(classes=["cnn-widget", f"cnn-{widgets[key]}"])
            image.replace_self(box)
            note = "A still of a widget: it moves in JupyterLab, where a kernel runs."
            box += [image, nodes.paragraph("", note, classes=["cnn-still"])]
            if widgets[key] in living:
                source = f"../_static/widgets/{widgets[key]}.js"
                box += nodes.raw("", f'<script defer src="{source}"></script>', format="html")


def mend_outputs(document: nodes.document, stems=()) -> None:
    """Let empty corners of tables be no headings, and wide ones scroll; drop the colors of Keras's summary.

    Links to the notebooks with these ``stems`` lead to their pages; those to others become plain words.
    """
    for raw in document.findall(nodes.raw):
        if raw.get("format") == "html":
            text = re.sub(r"<th>\s*</th>", "<td></td>", raw.astext())
            if text.startswith("<pre"):
                text = re.sub(r"(text-decoration-)?color: ?#\w{6};? ?", "", text)
                text = text.replace("<pre", '<pre tabindex="0"', 1)
            for stem in stems:
                text = text.replace(f'href="{stem}.ipynb"', f'href="{stem}.html"')
            text = re.sub(r' href="[^":]+\.ipynb"', "", text)
            if "<table" in text:
                text = f"{SCROLLS}{text}</div>"
            raw.clear()
            raw += nodes.Text(text)
            raw.rawsource = text
    for table in list(document.findall(nodes.table)):
        before, after = (nodes.raw("", text, format="html") for text in (SCROLLS, "</div>"))
        table.replace_self([before, table, after])


# --- the glossary ---


def anchor(term: str) -> str:
    """Return the name of the place of a term in the glossary."""
    return f"term-{re.sub(r'[^a-z0-9]+', '-', term.lower()).strip('-')}"


def mark_terms(document: nodes.document, lessons: dict) -> None:
    """Give each row of the glossary an anchor, and let the number of its lesson lead there."""
    for row in document.findall(nodes.row):
        if isinstance(row.parent, nodes.thead):
            continue
        term, lesson = row[0].astext(), row[-1].astext()
        row["ids"].append(anchor(term))
        if lesson in lessons:
            link = nodes.reference("", lesson, refuri=f"{lessons[lesson]}.html", internal=True)
            row[-1].children = [nodes.paragraph("", "", link)]


def pattern_of(terms) -> re.Pattern:
    """Return what finds any of these terms, the longest first, also in the plural.

    Capitals count where a term has some.
    """
    exact = [re.escape(term) for term in sorted(terms, key=len, reverse=True)]
    words = [word if re.search("[A-Z]", word) else f"(?i:{word})" for word in exact]
    return re.compile(rf"(?<![\w-])(?P<term>{'|'.join(words)})(?:s|es)?(?![\w-])")


def link_terms(document: nodes.document, terms: list[str], folder: str = "") -> set[str]:
    """Let the first use of each term lead to the glossary; returns the terms that were found."""
    known = {term.lower(): term for term in terms}
    pattern, found = pattern_of(terms), set()
    for text in open_texts(document):
        parts, end = [], 0
        for match in pattern.finditer(text):
            term = known[match["term"].lower()]
            bold = isinstance(text.parent, nodes.strong)
            if term in found or (term in HOMONYMS and not bold):
                continue
            found.add(term)
            link = nodes.reference("", match[0], refuri=f"{folder}GLOSSARY.html#{anchor(term)}", internal=True)
            link["classes"].append("cnn-term")
            parts += [nodes.Text(text[end : match.start()]), link]
            end = match.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])
    return found


def open_texts(document: nodes.document):
    """Yield the running texts of a page: no headings, code, outputs, links, and nothing that is folded."""
    folded = False
    for node in list(document.findall()):
        if isinstance(node, nodes.raw):
            folded = "<details" in node.astext() or (folded and "</details" not in node.astext())
        elif isinstance(node, nodes.Text) and not folded:
            above, node_above = [], node.parent
            while node_above is not None:
                above.append(node_above)
                node_above = node_above.parent
            in_code = any("cell" in part.get("classes", []) for part in above if isinstance(part, nodes.container))
            if not in_code and not any(isinstance(part, CLOSED) for part in above):
                yield node


# --- Sphinx ---


def finish(app, document: nodes.document) -> None:
    """Do all of this to a page that was read."""
    what, page = prepared(str(app.srcdir)), app.env.docname
    living = [name for name, stem in what["living"].items() if page == f"notebooks/{stem}"]
    name_pictures(document, what["alt"], what["widgets"], living)
    mend_outputs(document, what["lessons"].values())
    if page == GLOSSARY:
        mark_terms(document, what["lessons"])
    elif page.startswith("notebooks/"):
        link_terms(document, [term for term in what["terms"] if term not in OTHERWISE.get(page, ())])


def setup(app) -> dict:
    """Tell Sphinx."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (block_formula, None))
    app.connect("doctree-read", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

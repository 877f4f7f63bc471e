"""Make slides of the lessons: `make slides [LESSON=03]` writes a deck of each into the folder slides.

They are made from the notebooks with their stored outputs, and need no network. A heading begins a slide, a figure has
one of its own, short code stands with what it prints. "What to see", and what does not fit, are notes for the speaker,
who sees them in a second window: press S. Space goes on, Esc shows all; `?print-pdf` in the address is for paper.
"""

import base64
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from html import escape
from math import ceil
from pathlib import Path

from helpers.lessons import LESSONS

import nbformat
from asked import asked_lessons
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

ROOT = Path(__file__).resolve().parent.parent
CARRIED = ROOT / "docs" / "slides"
LEFT_OUT = {"parameters", "claims", "solution", "check", "exercise"}
"""Tags of cells that are not on slides."""
ROOM = 14
"""Lines of text that a slide has below its heading; one of code is 0.75 of them."""
STYLE = "a11y-high-contrast-light"
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
MARKDOWN.use(
    dollarmath_plugin, renderer=lambda text, options: convert(text, "block" if options["display_mode"] else "inline")
)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="reveal/reveal.css">
<link rel="stylesheet" href="reveal/deck.css">
<style>{style}</style>
</head>
<body>
<div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="reveal/reveal.js"></script>
<script src="reveal/notes.js"></script>
<script>
Reveal.initialize({{
  width: 1280, height: 720, margin: 0.02, center: false, hash: true, slideNumber: "c/t", transition: "none",
  plugins: [RevealNotes],
}});
</script>
</body>
</html>
"""


@dataclass
class Slide:
    """A heading, what is below it as HTML, and notes for the speaker; ``used`` are the lines that are taken."""

    title: str
    body: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    used: float = 0.0
    level: int = 2

    def add(self, html: str, lines: float) -> None:
        """Put something on the slide, or, where there is no room left, into the notes."""
        room = ROOM if self.level > 1 else 9
        if self.used + lines > room:
            self.notes.append(html)
            self.used = room  # what follows must not jump ahead of it
        else:
            self.body.append(html)
            self.used += lines

    def html(self) -> str:
        """Return the slide."""
        notes = f'<aside class="notes">{"".join(self.notes)}</aside>' if self.notes else ""
        return f"<section><h{self.level}>{self.title}</h{self.level}>{''.join(self.body)}{notes}</section>"


def blocks(text: str):
    """Yield kind, HTML and lines of each block of a Markdown text; what is folded in it is left out."""
    text = re.sub(r"(?s)<details>.*?</details>", "", text)
    text = re.sub(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:)[^)]*\)", r"\1", text)  # files are not beside the slides
    tokens, depth, start = MARKDOWN.parse(text), 0, 0
    for place, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            part = tokens[start : place + 1]
            html = MARKDOWN.renderer.render(part, MARKDOWN.options, {})
            inline = [piece.content for piece in part if piece.type == "inline"]
            if part[0].type == "table_open":
                lines = 1.2 * sum(piece.type == "tr_open" for piece in part) + 0.5
            elif part[0].type in ("fence", "code_block"):
                lines = 0.75 * part[0].content.count("\n") + 1
            else:
                lines = sum(ceil(len(piece) / 84) for piece in inline) + 0.4
            yield part[0].type.removesuffix("_open"), html, lines
            start = place + 1


def plain(html: str) -> str:
    """Return the inner HTML of a heading."""
    return re.sub(r"^<h\d>|</h\d>\s*$", "", html.strip())


class Deck:
    """The slides of one lesson."""

    def __init__(self, notebook):
        self.slides: list[Slide] = []
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                self._text(cell.source)
            elif cell.id != "imports" and not LEFT_OUT & set(cell.metadata.get("tags", [])):
                self._code(cell)
        self.slides = [slide for slide in self.slides if slide.body or slide.level == 1 or slide.notes]

    def _text(self, source: str) -> None:
        seen = source.startswith("**What to see.**")
        for kind, html, lines in blocks(source):
            if kind == "heading":
                level = int(html.strip()[2])
                self.slides.append(Slide(plain(html), level=1 if level == 1 else 2))
                seen = False
            elif seen or html.startswith(("<p><strong>Time.", "<p><strong>You need")):
                self.slides[-1].notes.append(html)
            elif html.startswith("<p><strong>Questions"):
                self.slides.append(Slide("Questions"))
            elif html.startswith("<p><strong>Objectives."):
                self.slides.append(Slide("After this lesson you can"))
            elif not html.startswith("<p><em>Objective"):
                self.slides[-1].add(html, lines)

    def _code(self, cell) -> None:
        pictures, printed = [], []
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                alt = output.metadata.get("image/png", {}).get("alt", "")
                pictures.append(f'<img src="data:image/png;base64,{data["image/png"].strip()}" alt="{escape(alt)}">')
            elif "image/svg+xml" in data:
                svg = data["image/svg+xml"]
                title = re.search(r"<title[^>]*>([^<]*)", svg)
                coded = base64.b64encode(svg.encode()).decode()
                alt = title[1] if title else ""  # it is escaped already
                pictures.append(f'<img src="data:image/svg+xml;base64,{coded}" alt="{alt}">')
            else:
                printed.append(output.get("text") or data.get("text/plain", ""))
        for picture in pictures:
            slide = Slide(self.slides[-1].title)
            slide.add(picture, ROOM)
            self.slides.append(slide)
        if not pictures:
            self._short(cell.source, re.sub(r"\x1b\[[\d;]*m", "", "".join(printed)).rstrip())

    def _short(self, source: str, printed: str) -> None:
        """Put code on a slide together with what it prints, if both are short."""
        code, shown = source.count("\n") + 1, [line for line in printed.splitlines() if line]
        lines = 0.75 * (sum(ceil(len(line) / 100) for line in [*source.splitlines(), *shown]) + 2)
        if code > 14 or lines > ROOM:
            return
        html = f'<pre class="code">{highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))}</pre>'
        html += f'<pre class="output">{escape(printed)}</pre>' if shown else ""
        if self.slides[-1].used + lines > ROOM:
            self.slides.append(Slide(self.slides[-1].title))
        self.slides[-1].add(html, lines)


def make_slides(target: Path, lessons=LESSONS) -> None:
    """Write the decks of these lessons, and a page that lists them, into a folder, which is replaced."""
    style = HtmlFormatter(style=STYLE).get_style_defs(".reveal .code")
    with tempfile.TemporaryDirectory(prefix="cnn-lessons-slides-") as folder:
        made = Path(folder) / "slides"
        shutil.copytree(CARRIED / "reveal", made / "reveal")
        shutil.copy(CARRIED / "deck.css", made / "reveal")
        for lesson in lessons:
            deck = Deck(nbformat.read(ROOT / "notebooks" / f"{lesson.stem}.ipynb", as_version=4))
            slides = "\n".join(slide.html() for slide in deck.slides)
            page = PAGE.format(title=escape(f"{lesson.id} {lesson.title}"), style=style, slides=slides)
            (made / f"{lesson.stem}.html").write_text(page, encoding="utf-8")
            print(f"slides/{lesson.stem}.html: {len(deck.slides)} slides, {len(page) / 1e6:.1f} MB", flush=True)
        links = "".join(f'<li><a href="{one.stem}.html">{one.id} · {escape(one.title)}</a></li>' for one in lessons)
        head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Slides of the CNN lessons</title>'
        (made / "index.html").write_text(f"{head}<h1>Slides of the CNN lessons</h1><ul>{links}</ul>", encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(made, target)


def main() -> None:
    """Make what the command line asks for."""
    make_slides(ROOT / "slides", asked_lessons(__doc__))
    print("Open slides/index.html")


if __name__ == "__main__":
    main()

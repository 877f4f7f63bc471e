"""Make the lessons into static pages: `make site`. Open site/index.html, or put the folder on any web server.

The pages are made from the notebooks with their stored outputs, and from README, glossary, cards and guides; nothing is
executed, nothing is fetched, and a page asks no other server for anything.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from importlib.metadata import distribution
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

from helpers.lessons import LESSONS, find_lesson

import nbformat
from asked import asked_lessons
from fontTools.ttLib import TTFont
from living import lessons_of_widgets, script
from network_page import pack_networks
from public import checked, launches, public_addresses
from sphinx.cmd.build import build_main

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "docs" / "site"
GROUPS = {
    "About": ("CONTRIBUTING.md", "CHANGELOG.md", "LICENSE-lessons.md"),
    "Guides": ("docs/*.md",),
    "For teaching": ("docs/teaching/*.md",),
    "Data": ("data/*.md", "data/models/*.md", "data/pictures/*.md"),
}
"""What the column on the left lists below the lessons, by its caption."""
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
OWN_IMAGE = ("06", "07", "08")
"""Lessons whose networks docs/your_image.md has."""
FOLDED = {"solution": "the solution", "claims": "the test of the text"}
TITLE = "{http://www.w3.org/2000/svg}title"


class Pages:
    """What becomes a page, and the folder in which it is prepared for Sphinx."""

    def __init__(self, folder: Path, lessons, public: dict[str, str]):
        self.folder, self.lessons, self.public = folder, lessons, public
        self.alt: dict[str, str] = {}  # by the hash of a picture, which is its name in the site
        self.widgets: dict[str, str] = {}
        self.groups = {caption: self._found(patterns) for caption, patterns in GROUPS.items()}
        self.texts = ["README.md", "notebooks/GLOSSARY.md", *chain.from_iterable(self.groups.values())]
        self.notebooks = [f"notebooks/{lesson.stem}.ipynb" for lesson in lessons]

    @staticmethod
    def _found(patterns) -> list[str]:
        return [path.relative_to(ROOT).as_posix() for pattern in patterns for path in sorted(ROOT.glob(pattern))]

    def write(self) -> None:
        """Prepare all of them."""
        for path in self.texts:
            text = self.linked((ROOT / path).read_text(encoding="utf-8"), path)
            self._put("index.md" if path == "README.md" else path, text + self._contents() * (path == "README.md"))
        for path in self.notebooks:
            self._put(path, nbformat.writes(self.notebook(path)))
        rows = re.findall(r"(?m)^\| ([^|]+) \|", (ROOT / "notebooks" / "GLOSSARY.md").read_text(encoding="utf-8"))
        what = {"public": self.public, "alt": self.alt, "widgets": self.widgets, "terms": rows[1:]}
        what["living"] = {name: find_lesson(lesson).stem for name, lesson in lessons_of_widgets().items()}
        what["lessons"] = {lesson.id: lesson.stem for lesson in self.lessons}
        self._put("prepared.json", json.dumps(what))

    def _put(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, encoding="utf-8")

    def _contents(self) -> str:
        groups = {"Lessons": [*self.notebooks, "notebooks/GLOSSARY.md"], **self.groups}
        trees = []
        for caption, paths in groups.items():
            names = "\n".join(path.rsplit(".", 1)[0] for path in paths)
            trees.append(f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{names}\n```\n")
        return "".join(trees)

    def linked(self, text: str, path: str) -> str:
        """Return a text whose links to files lead to pages, or to copies of the files; others become plain words."""
        here = Path(path).parent

        def replace(match: re.Match) -> str:
            mark, words, target, place = match.groups()
            file = os.path.normpath(here / target).replace(os.sep, "/")
            if file in self.texts or file in self.notebooks:
                target = os.path.relpath("index.md", here).replace(os.sep, "/") if file == "README.md" else target
                return f"{mark}[{words}]({target}{place or ''})"
            if not (ROOT / file).is_file() or file.startswith("..") or file.endswith(".ipynb"):
                return words
            (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, self.folder / file)
            return match[0]

        return LINK.sub(replace, text)

    def notebook(self, path: str):
        """Return a lesson as its page needs it; notes the alt texts of its pictures."""
        notebook, shown = nbformat.read(ROOT / path, as_version=4), Counter()
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = self.linked(cell.source, path)
                continue
            for tag in FOLDED.keys() & set(cell.metadata.get("tags", [])):
                cell.metadata["tags"] = [*cell.metadata["tags"], "hide-cell"]
                cell.metadata["mystnb"] = {
                    "code_prompt_show": f"Show {FOLDED[tag]}",
                    "code_prompt_hide": f"Hide {FOLDED[tag]}",
                }
            for output in cell.outputs:
                self._note(output, shown)
        copy = self.folder / "downloads" / Path(path).name
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / path, copy)
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(self.ways_to_run(path), id="ways-to-run"))
        return notebook

    def _note(self, output, shown: Counter) -> None:
        data = output.get("data", {})
        if "image/png" in data:
            key, text = base64.b64decode(data["image/png"]), output.metadata.get("image/png", {}).get("alt")
        elif "image/svg+xml" in data:
            key = os.linesep.join(data["image/svg+xml"].splitlines()).encode()
            text = ElementTree.fromstring(key).findtext(TITLE)
        else:
            return
        name = hashlib.sha256(key).hexdigest()
        self.alt[name] = text or ""
        if widget := widget_name(data.get("text/plain", "")):
            shown[widget] += 1
            self.widgets[name] = widget if shown[widget] == 1 else f"{widget}-{shown[widget]}"

    def ways_to_run(self, path: str) -> str:
        """Return links to the notebook itself: to download, and, where the repository is public, to run."""
        name = Path(path).name
        ways = [f"{{download}}`Download this notebook <../downloads/{name}>`, and run it by `make lab`"]
        ways += [f"[run it on {where}]({address})" for where, address in launches(self.public, path).items()]
        if self.public["repository"]:
            ways.append(f"[look at it in the repository]({self.public['repository']}/blob/HEAD/{path})")
        if name[:2] in OWN_IMAGE:
            ways.append("[send an image of your own through its network](../docs/your_image.md)")
        return f"*{' · '.join(ways)}*"


def widget_name(text: str) -> str:
    """Return the name of the widget that says this of itself, as its box has it; "" for what is none."""
    said = re.match(r"(.+) \(run the cell to use it\)", text)
    return re.sub(r"\W+", "-", said[1].lower()) if said else ""


def pack_font(target: Path) -> None:
    """Write the font of the formulas: without one for mathematics, a browser does not stretch braces."""
    font = TTFont(distribution("ziamath").locate_file("ziamath/fonts/STIXTwoMath-Regular.ttf"))
    font.flavor = "woff"
    font.save(target)


def pack_scripts(target: Path, names) -> None:
    """Write the scripts of those of these widgets that live on a page."""
    target.mkdir()
    for name in sorted(lessons_of_widgets().keys() & names):
        (target / f"{name}.js").write_text(script(name), encoding="utf-8")


def make_site(target: Path, lessons=LESSONS, public: dict[str, str] | None = None) -> int:
    """Make the pages of these lessons, and all others, in a folder, which is replaced; returns Sphinx's exit code."""
    public = public_addresses() if public is None else checked(public)
    with tempfile.TemporaryDirectory(prefix="cnn-lessons-site-") as folder:
        source, made = Path(folder) / "source", Path(folder) / "made"
        source.mkdir()
        pages = Pages(source, lessons, public)
        pages.write()
        jobs = str(min(os.cpu_count() or 1, 4))
        options = ["-b", "html", "-q", "-W", "--keep-going", "-j", jobs, "-c", str(SETTINGS)]
        code = build_main([*options, "-d", f"{folder}/doctrees", str(source), str(made)])
        if code == 0:
            pack_font(made / "_static" / "STIXTwoMath.woff")
            pack_scripts(made / "_static" / "widgets", set(pages.widgets.values()))
            pack_networks(made / "_static" / "networks")
            for left_over in (
                ".buildinfo",
                "objects.inv",
                "_static/webpack-macros.html",
                "_static/sbt-webpack-macros.html",
            ):
                (made / left_over).unlink(missing_ok=True)
            if target.exists():
                shutil.rmtree(target)
            shutil.copytree(made, target)
    return code


def main() -> None:
    """Make what the command line asks for."""
    chosen, target = asked_lessons(__doc__), ROOT / "site"
    try:
        code = make_site(target, chosen)
    except ValueError as error:
        raise SystemExit(f"{error}") from None
    if code:
        sys.exit(code)
    print("Open site/index.html")


if __name__ == "__main__":
    main()

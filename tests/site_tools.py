"""The site that `make site` makes, made once for all tests, what is in its pages, and whether all can use them."""

import functools
import http.server
import importlib.util
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from helpers.lessons import LESSONS, find_lesson

import pytest
from filelock import FileLock
from script_tools import SCRIPTS

ROOT = Path(__file__).resolve().parent.parent
NOWHERE = {"repository": "", "site": "", "hub": ""}
SOME = ("03",)  # a lesson with a widget, tables, formulas, and a summary of Keras
PAGES = (
    *("index", "search", "genindex", "notebooks/03_building_a_cnn", "notebooks/GLOSSARY", "data/models/digits"),
    *("docs/cheat_sheet", "docs/teaching/wrong_answers", "docs/your_image"),
)
"""A page of each kind."""
MAKE = """import json, sys; from pathlib import Path
from helpers.lessons import find_lesson; from make_site import make_site
target, lessons, public = json.loads(sys.argv[1])
sys.exit(make_site(Path(target), [*map(find_lesson, lessons)], public))"""
PHONE, LAPTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def load(path: Path):
    """Import a module of the site by its path; skips where `make site` has not been set up, but fails in CI."""
    if not os.environ.get("CI"):
        for name in ("sphinx", "myst_nb", "sphinx_book_theme", "latex2mathml"):
            pytest.importorskip(name, reason=f"{name} is not installed: `make set-up-site`")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def load_script(name: str):
    """Import a script of the site, which may import others of its folder."""
    if str(SCRIPTS) not in sys.path:
        sys.path.append(str(SCRIPTS))
    return load(SCRIPTS / f"{name}.py")


def load_make_site():
    """Import scripts/make_site.py."""
    return load_script("make_site")


def site_of(lessons, tmp_path_factory, public=None) -> Path:
    """Return the folder of a site with these lessons, or all (None), which the first test that asks makes for all."""
    load_make_site()
    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    name = f"site-{'-'.join(lessons or ['all'])}{'-public' if public else ''}"
    with FileLock(base / f"{name}.lock"):
        if not (base / name).exists():
            asked = json.dumps([str(base / name), lessons or [lesson.id for lesson in LESSONS], public or NOWHERE])
            paths = os.pathsep.join(map(str, (SCRIPTS, ROOT)))
            # In a process of its own: Sphinx forks, which a process with TensorFlow in it does not always survive.
            subprocess.run([sys.executable, "-c", MAKE, asked], env={**os.environ, "PYTHONPATH": paths}, check=True)
    return base / name


def said_by(still: str) -> str:
    """Return what the still of a widget says of itself."""
    return ElementTree.fromstring(still).findtext("{http://www.w3.org/2000/svg}title")


def shown_in(lesson: str) -> set[str]:
    """Return what the stills of the widgets in a lesson say of themselves."""
    notebook = json.loads((ROOT / "notebooks" / f"{find_lesson(lesson).stem}.ipynb").read_text(encoding="utf-8"))
    outputs = [output.get("data", {}) for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return {said_by("".join(data["image/svg+xml"])) for data in outputs if "image/svg+xml" in data}


class Page(HTMLParser):
    """The links, sources and anchors of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.links, self.ids, self.images = [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.add(attrs.get("id") or (attrs.get("name") if tag == "a" else None))
        name = {"a": "href", "link": "href", "img": "src", "script": "src", "iframe": "src", "source": "src"}.get(tag)
        if attrs.get(name) and attrs.get("rel") != "canonical":
            self.links.append((tag, attrs[name]))
        if tag == "img":
            self.images.append(attrs)


def broken_links(site: Path) -> list[str]:
    """Return the links inside of a site that lead nowhere, and what is loaded from elsewhere."""
    pages = {path: Page(path) for path in site.rglob("*.html")}
    broken = []
    for path, page in pages.items():
        for tag, link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                outside = parts.scheme in ("https", "http") and bool(parts.netloc) and "." in parts.netloc
                if not (tag == "a" and (outside or parts.scheme == "mailto")) and parts.scheme != "data":
                    broken.append(f"{path.relative_to(site)}: <{tag}> {link[:200]}")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = target.is_file() and target.is_relative_to(site.resolve())
            if not there or (target in pages and parts.fragment and unquote(parts.fragment) not in pages[target].ids):
                broken.append(f"{path.relative_to(site)}: {link[:200]}")
    return broken


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve files, without a word."""

    def log_message(self, *_):
        pass


@contextmanager
def served(folder: Path):
    """Serve a folder on this machine; gives its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def check(page):
    """No sideways scroll, and no finding of axe that is serious: what is folded is opened before."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("document.querySelectorAll('.bd-article details').forEach(it => it.open = true)")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"the page is {wide} pixels too wide"
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False}).response["violations"]
    serious = [
        (rule["id"], rule["help"], len(rule["nodes"]), [node["html"][:200] for node in rule["nodes"][:3]])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
    assert not serious, serious

"""Print lessons for paper: `make handout [LESSON=03]` writes a tagged A4 PDF of each into the folder handout.

Chromium prints the pages of the site. What is folded there (solutions, tests of the text, notes for instructors) is
left out, and long lines of code are wrapped.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from helpers.files import written_whole

from asked import asked_lessons
from make_site import make_site
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome")
FOOTER = (
    '<div style="font: 8px sans-serif; width: 100%; padding: 0 15mm; display: flex; justify-content: space-between">'
    '<span class="title"></span><span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>'
)


def chromium() -> str:
    """Return the path of a Chromium: what the variable CHROMIUM names, else the first one on PATH. Or SystemExit."""
    names = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else NAMES
    found = next(filter(None, map(shutil.which, names)), None)
    if not found:
        raise SystemExit("A handout is printed by Chromium, which is not there: apt install chromium")
    return found


def print_page(page, address: str, target: Path) -> None:
    """Write a page of the site as PDF, once its fonts and pictures are there."""
    page.goto(address, wait_until="load")
    page.evaluate("Promise.all([document.fonts.ready, ...[...document.images].map(image => image.decode())])")
    with written_whole(target) as partial:
        page.pdf(
            path=partial,
            prefer_css_page_size=True,
            print_background=True,
            tagged=True,
            outline=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
        )


def make_handouts(target: Path, lessons, site: Path) -> None:
    """Print these lessons of a site into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # who has no sandbox
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"] if root else [])
        try:
            page = browser.new_page(color_scheme="light", reduced_motion="reduce")
            for lesson in lessons:
                path = target / f"{lesson.stem}.pdf"
                print_page(page, (site / "notebooks" / f"{lesson.stem}.html").as_uri(), path)
                print(f"{path.relative_to(target.parent)}: {path.stat().st_size / 1e6:.1f} MB", flush=True)
        finally:
            browser.close()


def main() -> None:
    """Make what the command line asks for."""
    chosen = asked_lessons(__doc__)
    chromium()  # before the site is made
    with tempfile.TemporaryDirectory(prefix="cnn-lessons-") as folder:
        if code := make_site(Path(folder) / "site", chosen):
            sys.exit(code)
        make_handouts(ROOT / "handout", chosen, Path(folder) / "site")


if __name__ == "__main__":
    main()

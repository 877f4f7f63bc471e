"""Show lessons on a phone, light and dark, on a slide and on paper: docs/anywhere.png.

It needs Chromium, and the folders of `make site` and `make slides`.
"""

import io
import shutil
from pathlib import Path

from helpers.files import written_whole
from helpers.lessons import find_lesson

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "anywhere.png"
HEIGHT, SPACE = 640, 24
PHONE, SLIDE, PAPER = {"width": 390, "height": 844}, {"width": 1280, "height": 720}, {"width": 794, "height": 1123}
VIEWS = [  # folder, lesson, what is at the top, the window, and the settings of the browser
    ("site/notebooks", "01", ".cnn-widget", PHONE, {"color_scheme": "light"}),
    ("site/notebooks", "07", "#weight-the-maps .cell_output", PHONE, {"color_scheme": "dark"}),
    ("slides", "01", "section:has(img)", SLIDE, {}),
    ("site/notebooks", "01", "#a-gallery-of-kernels", PAPER, {"media": "print"}),
]


def pictures():
    """Return a picture of each view, all of one height."""
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for folder, lesson, top, window, settings in VIEWS:
            page = browser.new_page(viewport=window)
            page.emulate_media(**settings)
            page.goto(f"{(ROOT / folder / find_lesson(lesson).stem).as_uri()}.html")
            page.wait_for_timeout(1500)  # for fonts and scripts
            show = "top => window.Reveal ? Reveal.slide(Reveal.getIndices(top).h) : top.scrollIntoView()"
            page.locator(top).first.evaluate(show)
            page.wait_for_timeout(1500)
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            found.append(shot.resize((round(shot.width * HEIGHT / shot.height), HEIGHT), Image.Resampling.LANCZOS))
        browser.close()
    return found


if __name__ == "__main__":
    shots = pictures()
    wide = sum(shot.width for shot in shots) + SPACE * (len(shots) + 1)
    sheet = Image.new("RGB", (wide, HEIGHT + 2 * SPACE), "#9aa3ad")
    left = SPACE
    for shot in shots:
        sheet.paste(shot, (left, SPACE))
        left += shot.width + SPACE
    with written_whole(TARGET) as partial:
        sheet.quantize(96).save(partial, format="PNG", optimize=True)

"""Draw the map of lesson 00 as it is after two lessons, for the README: docs/progress.png. It needs Chromium."""

import shutil
from pathlib import Path

from helpers.classroom import exercises_of_all
from helpers.start import course_map

from playwright.sync_api import sync_playwright

TARGET = Path(__file__).resolve().parent.parent / "docs" / "progress.png"
FINISHED = ("01", "02")
BEGUN = {"03": {1, 2}}


def draw() -> bytes:
    """Return the picture as PNG."""
    finished = {lesson: {number for other, number in exercises_of_all() if other == lesson} for lesson in FINISHED}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 880, "height": 600})
        page.set_content(f'<div style="font: 14px Helvetica, Arial, sans-serif">{course_map(finished | BEGUN)}</div>')
        picture = page.locator("[role=list]").screenshot()
        browser.close()
    return picture


if __name__ == "__main__":
    TARGET.write_bytes(draw())

"""Record two widgets in JupyterLab for the README: moving pictures and stills in docs, by Chromium.

    PYTHONPATH=tests:tests/browser .venv/bin/python scripts/record_widgets.py

Needs Chromium, as the browser tests do, whose tools it uses. Keys move the widgets; a frame is taken when the line of
numbers has answered.
"""

import io
import tempfile
from pathlib import Path

from labdriver import CHROMIUM_OPTIONS, Lab, find_chromium, run_lab
from PIL import Image
from playwright.sync_api import expect, sync_playwright

DOCS = Path(__file__).resolve().parent.parent / "docs"
WIDTH, MOST = 880, 750_000
"""Pixels of a moving picture from left to right, and the bytes that it may have."""
STEPPER = """from helpers.datasets import load_dataset
from helpers.widgets.stepper import ConvolutionStepper

ConvolutionStepper(load_dataset("digits").train.images[0, :, :, 0], "Sobel x", step=242)"""
GRAD_CAM = """from helpers.datasets import load_photo
from helpers.models import CLASS_NAMES, load_model
from helpers.widgets.gradcam import GradCamExplorer

photos = {name: load_photo(name) for name in ("chelsea", "rocket")}
GradCamExplorer(load_model("photos"), photos, CLASS_NAMES["photos"], sizes=True)"""


def save(frames: list[tuple[bytes, int]], still: int, path: Path) -> int:
    """Write PNG files as a moving picture (WebP, played twice) and one of them as a still (PNG); return the bytes.

    A frame is a file and the milliseconds for which it stands; ``path`` has no suffix. Raises ValueError if the moving
    picture would be larger than ``MOST``.
    """
    pictures = [Image.open(io.BytesIO(content)).convert("RGB") for content, _ in frames]
    high = round(pictures[0].height * WIDTH / pictures[0].width)
    pictures = [picture.resize((WIDTH, high), Image.Resampling.LANCZOS) for picture in pictures]
    made = io.BytesIO()
    pictures[0].save(
        made,
        "webp",
        save_all=True,
        append_images=pictures[1:],
        duration=[milliseconds for _, milliseconds in frames],
        loop=2,
        quality=70,
        method=6,
    )
    if made.tell() > MOST:
        raise ValueError(f"{path.name} would have {made.tell():,} bytes, and {MOST:,} are the most: take fewer frames.")
    path.with_suffix(".webp").write_bytes(made.getvalue())
    pictures[still].quantize(256, dither=Image.Dither.NONE).save(path.with_suffix(".png"), optimize=True)
    return made.tell()


class Recorder:
    """One widget in a page of JupyterLab, and the frames that were taken of it."""

    def __init__(self, lab: Lab, cell: str):
        self.lab, self.page, self.frames = lab, lab.page, []
        lab.write("record.ipynb", cell)
        self.page.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
        self.widget = lab.widgets(".cnn-widget")
        expect(self.widget).to_have_attribute("role", "group", timeout=60_000)
        self.widget.scroll_into_view_if_needed()
        self.status = self.widget.locator(".cnn-status")

    def take(self, milliseconds: int) -> None:
        """Take a frame that stands for so long."""
        self.frames.append((self.page.locator(".jp-NotebookPanel").screenshot(), milliseconds))

    def after(self, move, milliseconds: int = 350) -> None:
        """Take a frame when the line of numbers has answered to a move."""
        before = self.status.inner_text()
        move()
        expect(self.status).not_to_have_text(before, timeout=60_000)
        self.page.wait_for_timeout(300)
        self.take(milliseconds)


def record_stepper(lab: Lab) -> Recorder:
    """Walk along a row of a digit, and turn to other kernels."""
    recorder = Recorder(lab, STEPPER)
    step = lab.slider(recorder.widget, "Step")
    recorder.take(900)
    for _ in range(9):
        recorder.after(lambda: step.press("ArrowRight"))
    kernels = lab.dropdown(recorder.widget, "Kernel")
    for _ in range(3):
        recorder.after(lambda: lab.choose(kernels, "ArrowDown"), 1100)
    return recorder


def record_grad_cam(lab: Lab) -> Recorder:
    """Ask for other layers, other classes, and another photograph."""
    recorder = Recorder(lab, GRAD_CAM)
    recorder.take(1300)
    moves = [("Layer", "ArrowUp"), ("Layer", "ArrowUp"), ("Layer", "ArrowDown"), ("Layer", "ArrowDown")]
    moves += [("Class", "ArrowDown")] * 3 + [("Image", "ArrowDown")]
    for name, key in moves:
        choices = lab.dropdown(recorder.widget, name)
        recorder.after(lambda choices=choices, key=key: lab.choose(choices, key), 1100)
    return recorder


def main() -> None:
    """Record both."""
    with tempfile.TemporaryDirectory() as folder, run_lab(Path(folder)) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*CHROMIUM_OPTIONS])
        for name, record, still, size in (
            ("stepper", record_stepper, 6, (940, 740)),
            ("grad_cam", record_grad_cam, 0, (1120, 620)),
        ):
            page = browser.new_page(viewport=dict(zip(("width", "height"), size, strict=True)), locale="en-US")
            page.set_default_timeout(120_000)
            lab = Lab(page, server)
            print(f"docs/{name}.webp: {save(record(lab).frames, still, DOCS / name):,} bytes", flush=True)
            lab.close()
        browser.close()


if __name__ == "__main__":
    main()

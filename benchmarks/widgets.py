"""How fast sliders answer, and that of `helpers.widgets.gabor.GaborResponse` beside the usual way: `make bench`.

The usual way is ``ipywidgets.interact`` with a function that draws a new Matplotlib figure on each event. Both show the
same image of 256 × 256 pixels, its Gabor kernel and the magnitude of the response, for the same settings.
"""

import io
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

from helpers.datasets import example_images
from helpers.widgets.calculator import LayerCalculator
from helpers.widgets.costs import CostExplorer
from helpers.widgets.gabor import GaborResponse
from helpers.widgets.stepper import ConvolutionStepper
from helpers.widgets.training_step import TrainingStepExplorer

import ipywidgets
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from labdriver import CHROMIUM_OPTIONS, NO_CHROMIUM, WINDOW, Lab, find_chromium, run_lab
from playwright.sync_api import sync_playwright

IMAGE = "camera"
FREQUENCIES = [round(0.01 * place, 2) for place in range(6, 46)]  # 40 values of the slider
THETA, SIGMA = 0, 3.0
MOVES = 50  # from one end of the slider to the other
TARGET = 16  # milliseconds of Python per move: a frame of the screen
PAUSE = 100  # milliseconds between an answer and the next key, for the kernel to become idle

USUAL = """
import math

import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage
from skimage.filters import gabor_kernel


def show_response(frequency, theta, sigma):
    kernel = gabor_kernel(frequency, math.radians(theta), sigma_x=sigma, sigma_y=sigma)
    real, imaginary = ndimage.convolve(pixels, kernel.real), ndimage.convolve(pixels, kernel.imag)
    figure, axes = plt.subplots(1, 3)
    axes[0].imshow(pixels, cmap="gray")
    axes[1].imshow(kernel.real, cmap="RdBu")
    axes[2].imshow(np.hypot(real, imaginary), cmap="gray")
    plt.show()
"""  # ``pixels`` is the image

IMPORTS = f"""import ipywidgets
from helpers.datasets import example_images
from helpers.widgets.gabor import GaborResponse
image = example_images()["{IMAGE}"]
pixels = image.astype(float)"""

NOTEBOOKS = {
    "interact": (
        IMPORTS,
        USUAL,
        f"""ipywidgets.interact(
    show_response,
    frequency=ipywidgets.FloatSlider(value=0.1, min=0, max=0.5, step=0.01),
    theta=ipywidgets.IntSlider(value={THETA}, min=0, max=180, step=5),
    sigma=ipywidgets.FloatSlider(value={SIGMA}, min=0.5, max=8, step=0.25),
);""",
    ),
    "GaborResponse": (IMPORTS, f"GaborResponse({{'{IMAGE}': image}}, theta={THETA}, sigma={SIGMA})"),
}
"""Cells of a notebook that shows the same in each way."""

PARTS = {  # what stands around the sliders, the label of the first slider, and the picture that has to change
    "interact": (".widget-interact", "frequency", ".jp-OutputArea-output img"),
    "GaborResponse": (".cnn-gabor-response", "Frequency (cycles/pixel)", "img.cnn-pixels"),
}


def milliseconds(function, *arguments) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    function(*arguments)
    return 1000 * (time.perf_counter() - start)


def render(dpi: int) -> None:
    """Do what ``plt.show()`` does in a notebook: write the figure as PNG, cropped, and forget it."""
    plt.gcf().savefig(io.BytesIO(), format="png", dpi=dpi, bbox_inches="tight")
    plt.close("all")


def kernel_times() -> dict[str, list[float]]:
    """Return, for each way, the milliseconds of Python per move of the slider, without a browser.

    The ways take turns, so that other work of the machine slows all of them.
    """
    image = example_images()[IMAGE]
    usual = {"pixels": image.astype(float)}
    exec(USUAL, usual)
    widget = GaborResponse({IMAGE: image}, FREQUENCIES[-1], THETA, SIGMA)

    def draw_usual(frequency, dpi):
        with mock.patch.object(plt, "show", lambda: render(dpi)):
            usual["show_response"](frequency, THETA, SIGMA)

    def move(frequency):
        widget.controls["frequency"].value = frequency

    draw_usual(0.1, 100)  # the first figure loads fonts
    times = {"interact, 100 dpi": [], "interact, 72 dpi": [], "GaborResponse": []}
    for frequency in FREQUENCIES:
        times["interact, 100 dpi"].append(milliseconds(draw_usual, frequency, 100))
        times["interact, 72 dpi"].append(milliseconds(draw_usual, frequency, 72))
        times["GaborResponse"].append(milliseconds(move, frequency))
    return times


def move_times() -> dict[str, list[float]]:
    """Return the milliseconds of Python per move of a slider, for several widgets; a step is as fast on any image."""
    noise = np.random.default_rng(0).integers(0, 256, (512, 512), np.uint8)
    response, cost, calculator = GaborResponse({"noise": noise[:256, :256]}), CostExplorer(), LayerCalculator()
    training = TrainingStepExplorer(part=6)
    steppers = {size: ConvolutionStepper(noise[:size, :size], "Gaussian blur") for size in (64, 512)}
    moved = {  # name -> controls that are moved in turn
        "Gabor response, 256 × 256": [response.controls[name] for name in ("frequency", "theta", "sigma")],
        "price of a convolution": [cost.controls[name] for name in ("kernel", "channels", "maps", "height")],
        "training step, all parts": [training.controls[name] for name in ("steps", "image")],
        "layer calculator": [calculator.rows[place]["filters"] for place in (0, 2, 4)],
        "stepper, image of 64 × 64": [steppers[64].slider],
        "stepper, image of 512 × 512": [steppers[512].slider],
    }
    times = {name: [] for name in moved}
    for place, share in enumerate(np.linspace(0.05, 0.95, 42)):
        for name, controls in moved.items():
            control = controls[place % len(controls)]
            value = type(control.value)(control.min + share * (control.max - control.min))
            times[name].append(milliseconds(setattr, control, "value", value))
    return times


def answer_times(lab: Lab, way: str) -> list[float]:
    """Return the milliseconds from key to picture for one way, in a notebook of its own."""
    lab.write(f"{way}.ipynb", *NOTEBOOKS[way])
    around, label, picture = PARTS[way]
    root = lab.widgets(around).first
    slider = lab.slider(root, label)
    lab.answer_time(slider, "Home", root, picture)
    times = []
    for _ in range(MOVES):
        lab.page.wait_for_timeout(PAUSE)
        times.append(lab.answer_time(slider, "ArrowRight", root, picture))
    assert slider.value == slider.end("End")
    assert lab.errors() == []
    lab.close()
    return times


def browser_times(chromium: str) -> dict[str, list[float]]:
    """Return, for each way, the milliseconds from a key press to the new picture in JupyterLab."""
    with tempfile.TemporaryDirectory() as folder, run_lab(Path(folder)) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        times = {}
        for way in NOTEBOOKS:
            with browser.new_context(**WINDOW) as context:
                times[way] = answer_times(Lab(context.new_page(), server), way)
        browser.close()
    return times


def row(name: str, usual, ours, statistic) -> str:
    """Return one line of the table: how many times as fast, then both numbers."""
    slow, fast = statistic(usual), statistic(ours)
    return f"| {name} | **{slow / fast:.1f}×** | {slow:.1f} ms | {fast:.1f} ms |"


def slowest(times) -> float:
    """Return the 95th percentile."""
    return float(np.percentile(times, 95))


def main() -> None:
    """Measure, and print a table in Markdown."""
    mpl.use("Agg")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{os.cpu_count()} cores{load}, Python {platform.python_version()}, Matplotlib {mpl.__version__}, ", end="")
    print(f"ipywidgets {ipywidgets.__version__}\n", flush=True)
    kernel = kernel_times()
    ours = kernel["GaborResponse"]
    lines = ["| | ratio | `interact` + Matplotlib | this project |", "|---|---|---|---|"]
    for dpi in (100, 72):
        usual = kernel[f"interact, {dpi} dpi"]
        lines.append(row(f"kernel time per event, figure of {dpi} dpi, median of {len(ours)}", usual, ours, np.median))
    lines.append(row("the same at 100 dpi, 95th percentile", kernel["interact, 100 dpi"], ours, slowest))
    chromium = find_chromium()
    if chromium:
        usual, ours = browser_times(chromium).values()
        lines.append(row(f"key press to new picture, median of {MOVES}", usual, ours, np.median))
        lines.append(row("the same, 95th percentile", usual, ours, slowest))
    lines += ["", f"| kernel time per move (target {TARGET} ms) | median | 95th percentile |", "|---|---|---|"]
    lines += [f"| {name} | {np.median(t):.1f} ms | {slowest(t):.1f} ms |" for name, t in move_times().items()]
    print("\n".join(lines))
    if not chromium:
        print(f"\nNot measured: from key press to new picture; {NO_CHROMIUM}.", file=sys.stderr)


if __name__ == "__main__":
    main()

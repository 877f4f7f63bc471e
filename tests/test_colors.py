"""Colors that everybody can tell apart, and texts with contrast.

How color-blind people see is simulated as by Machado, Oliveira and Fernandes (A Physiologically-based Model for
Simulation of Color Vision Deficiency, 2009, https://doi.org/10.1109/TVCG.2009.113): their matrices of full severity,
for linear RGB. Differences are CIEDE2000; from about 10 on, lines and dots are told apart at a glance.
"""

import re
from itertools import combinations
from pathlib import Path

from helpers import classroom, diagrams, plots
from helpers.lessons import LESSONS
from helpers.pixels import ACCENT, COLORS, HEAT, SIGNED, text_color
from helpers.widgets.calculator import LAYER_COLORS

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

ROOT = Path(__file__).resolve().parent.parent
VISION = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(rgb):
    rgb = np.asarray(rgb, float)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb, vision):
    """CIE Lab of colors (..., 3) from 0 to 1, as somebody with this vision sees them."""
    seen = np.clip(linear(rgb) @ np.transpose(VISION[vision]), 0, 1)
    return rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))


def contrast(a, b):
    """Contrast of two colors, from 1 to 21, as WCAG 2 defines it."""
    low, high = sorted(float(linear(to_rgb(color)) @ (0.2126, 0.7152, 0.0722)) for color in (a, b))
    return (high + 0.05) / (low + 0.05)


def test_known_contrasts():
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777", "#fff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("vision", VISION)
def test_series_are_told_apart(vision):
    seen = {color: lab(to_rgb(color), vision) for color in (*COLORS, "#ffffff", "#000000")}
    close = [(a, b) for a, b in combinations(seen, 2) if deltaE_ciede2000(seen[a], seen[b]) < 14]
    assert not close


@pytest.mark.parametrize("vision", VISION)
def test_signs_are_told_apart(vision):
    below, zero, above = lab(mpl.colormaps[SIGNED]([0.2, 0.5, 0.8])[:, :3], vision)
    assert min(deltaE_ciede2000(*pair) for pair in combinations((below, zero, above), 2)) > 25


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", [HEAT, "viridis", "Blues", "Oranges", "gray"])
def test_scales_get_brighter_or_darker_for_everybody(name, vision):
    steps = np.diff(lab(mpl.colormaps[name](np.linspace(0, 1, 9))[:, :3], vision)[:, 0])
    assert (steps > 1).all() or (steps < -1).all()


def test_the_accent_is_one_of_the_series_and_is_seen_on_paper_and_on_photographs():
    assert COLORS[1] == ACCENT
    assert min(contrast(ACCENT, ground) for ground in ("white", "black")) > 3
    assert min(contrast(color, "white") for color in COLORS) > 3  # lines, not texts


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_numbers_on_colors_can_be_read(rgb):
    assert contrast(text_color(rgb), np.array(rgb) / 255) >= 4.5


@pytest.mark.parametrize(
    "draw",
    [
        lambda: diagrams.show_blocks({"ResNet": [["3 × 3"], []], "VGG": [["3 × 3"]]}, {"ResNet": "+"}),
        lambda: diagrams.show_loop({"batch": "x", "forward": ""}, "Loop"),
        lambda: diagrams.show_equations({"forward": {"a": np.eye(3), "b": np.eye(2), "c": -np.eye(2)}}),
        lambda: plots.show_numbers({"a": np.arange(9).reshape(3, 3)}, gray=(0, 8)),
        lambda: plots.plot_confusion([0, 1, 1, 1, 1], [0, 0, 0, 0, 1], ["cat", "dog"]),
    ],
    ids=["blocks", "loop", "equations", "numbers", "confusion"],
)
def test_texts_of_figures_can_be_read(draw):
    with mpl.rc_context():
        plots.set_style()
        fig = draw() or plt.gcf()
        fig.set_dpi(100)
        fig.canvas.draw()
        pixels = np.asarray(fig.canvas.buffer_rgba())[::-1, :, :3] / 255
        texts = [text for text in fig.findobj(plt.Text) if text.get_visible() and text.get_text().strip()]
        assert texts
        for text in texts:
            box = text.get_window_extent()
            y, x = (slice(max(int(low), 0), int(high) + 2) for low, high in (box.intervaly, box.intervalx))
            values, counts = np.unique(pixels[y, x].reshape(-1, 3), axis=0, return_counts=True)
            ground = values[counts.argmax()]  # most of the box is the ground
            assert contrast(text.get_color(), ground) >= 4.5, (text.get_text(), text.get_color(), ground)
        plt.close("all")


@pytest.mark.parametrize("lesson", [lesson for lesson in LESSONS if lesson.widgets], ids=lambda lesson: lesson.id)
def test_texts_of_stills_can_be_read(lesson):
    """On paper, or on dark pixels in white; white numbers in cells are those of `text_color`."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{lesson.stem}.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    stills = [output.data["image/svg+xml"] for output in outputs if "image/svg+xml" in output.get("data", {})]
    assert stills
    for still in stills:
        fills = set(re.findall(r'<text[^>]* fill="([^"]*)"', still)) - {"currentColor", "#fff"}
        assert [fill for fill in fills if contrast(fill, "white") < 4.5] == []
        assert 'color="#111"' in still


def test_words_on_blocks_and_pages_can_be_read():
    assert min(contrast("#111", color) for color in LAYER_COLORS.values()) >= 4.5
    for color in re.findall(r"[^-]color: ?(#\w+)", classroom.STYLE):
        assert contrast(color, "white") >= 4.5

"""helpers.fonts: letters that a font has are drawn with it, and all others as their code."""

import warnings

from helpers import plots
from helpers.datasets import load_dataset
from helpers.fonts import USUAL, drawable, family_with, without_font

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import font_manager
from own_folders import OWN, Own

NOWHERE = "\U00100000"  # for private use: no font should have it


@pytest.mark.parametrize("text", ["cat", "крот", "κύων", "$x_1$ & <b>", "two\nlines  apart", ""])
def test_letters_of_the_usual_font_stay(text):
    assert drawable(text) == (text, [USUAL])
    assert without_font(text) == ""


def test_a_letter_without_a_font_becomes_its_code():
    assert family_with(NOWHERE) is None
    assert drawable(f"a{NOWHERE}b") == ("a U+100000 b", [USUAL])
    assert drawable(NOWHERE) == ("U+100000", [USUAL])
    assert without_font(f"a{NOWHERE} {NOWHERE}") == NOWHERE
    assert drawable("x\u200dy")[0].replace("\u200d", "") == "xy"  # a mark that joins is no letter


def test_another_font_is_used_for_what_it_has():
    """The mathematical fonts of Matplotlib have letters that the usual one lacks."""
    fonts = [font for font in font_manager.fontManager.ttflist if font.name.startswith("STIX")]
    letters = {chr(code) for font in fonts for code in font_manager.get_font(font.fname).get_charmap()}
    letter = min(
        letters - {chr(code) for code in font_manager.get_font(mpl.font_manager.findfont(USUAL)).get_charmap()}
    )
    family = family_with(letter)
    assert family not in (None, USUAL)
    assert drawable(f"a{letter}") == (f"a{letter}", [USUAL, family])
    assert without_font(letter) == ""


NAMES = ["cost $x_1$, $y$", "<b>&amp;</b>", "猫", "крот", NOWHERE, r"a\b_{c}^2 %"]


@pytest.mark.parametrize("draw", ["images", "confusion", "predictions"])
def test_names_of_classes_are_drawn_as_they_are(draw):
    """Without a warning of letters that are missing, and without a formula."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.set_style()
        pixels, numbers = np.zeros((6, 9, 9)), np.arange(6)
        if draw == "images":
            fig = plots.show_images(pixels, NAMES, title="".join(NAMES))
        elif draw == "predictions":
            fig = plots.show_predictions(pixels, numbers, np.eye(6)[::-1], NAMES)
        else:
            fig = plots.plot_confusion(numbers, numbers, NAMES)
        fig.canvas.draw()
    texts = [text for text in fig.findobj(plt.Text) if "x_1" in text.get_text()]
    assert texts and all("$x_1$, $y$" in text.get_text() and not text.get_parse_math() for text in texts)
    shown = " ".join(text.get_text() for text in fig.findobj(plt.Text))
    assert "U+100000" in shown and NOWHERE not in shown and "<b>&amp;</b>" in shown and r"a\b_{c}^2 %" in shown


def test_powers_of_ten_are_still_drawn_as_such():
    with mpl.rc_context():
        plots.set_style()
        assert mpl.rcParams["text.parse_math"] is True


def test_a_note_says_which_letters_figures_cannot_show(tmp_path, capsys):
    load_dataset(Own({f"a{NOWHERE}": 7, "b": 7}, sides=(9, 9)).write(tmp_path / "one"))
    assert capsys.readouterr().out == (
        f"NOTE: no font on this computer has {NOWHERE}: figures show the codes of these letters.\n"
    )
    load_dataset(Own({"крот": 7, "b": 7}, sides=(9, 9)).write(tmp_path / "two"))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", OWN)
def test_folders_of_the_tests_of_lessons(tmp_path, name):
    """They are what they are called: classes, numbers and sizes; no part lacks one."""
    own = OWN[name]
    dataset = load_dataset(own.write(tmp_path))
    assert dataset.class_names == tuple(sorted(own.numbers))
    assert sum(map(len, dataset.splits().values())) == sum(own.numbers.values())
    assert (np.ptp(dataset.train.images, axis=3).mean() < 3) == own.gray

"""Letters in figures: which font of this computer has them, and what is drawn where none does."""

import unicodedata
from functools import cache

from matplotlib import font_manager

USUAL = "DejaVu Sans"
"""The font of the figures, which comes with Matplotlib."""
UNFIT = ("Last Resort", "Emoji", "cmex", "cmsy")
"""What the names of fonts begin with or hold that draw boxes, or that Matplotlib cannot draw."""


def drawable(text: str) -> tuple[str, list[str]]:
    """Return a text as a figure can show it, and the families of fonts to draw it with, the usual one first.

    A letter that no font has becomes its code in Unicode, so that two names still differ.

    >>> drawable("cat")
    ('cat', ['DejaVu Sans'])
    """
    found = {letter: family_with(letter) for letter in dict.fromkeys(text) if not letter.isspace()}
    shown = "".join(letter if found.get(letter, USUAL) else _code(letter) for letter in text)
    others = sorted({family for family in found.values() if family} - {USUAL})
    return shown.strip(" "), [USUAL, *others]


def without_font(text: str) -> str:
    """Return the letters of a text that no font on this computer has, each once."""
    return "".join(letter for letter in dict.fromkeys(text) if not letter.isspace() and not family_with(letter))


@cache
def family_with(letter: str) -> str | None:
    """Return the family of a font that has a letter, the usual one if that does; None if there is none."""
    fonts = [font for font in font_manager.fontManager.ttflist if not any(name in font.name for name in UNFIT)]
    for font in sorted(fonts, key=lambda font: (font.name != USUAL, "Sans" not in font.name, font.name)):
        if font_manager.get_font(font.fname).get_char_index(ord(letter)):
            return font.name
    return None


def _code(letter: str) -> str:
    """Return what is drawn for a letter without a font: nothing for accents and marks that belong to another one."""
    return "" if unicodedata.category(letter) in ("Cf", "Mn") else f" U+{ord(letter):04X} "

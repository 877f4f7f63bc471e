"""What the drawings of all widgets share: SVG, HTML and PNG from arrays and numbers, without Matplotlib and a kernel.

Every function is pure. A widget shows what these return, and so does its still picture for GitHub and print. What only
one widget draws stands in its own module.
"""

import base64
import html
import io
import textwrap
from typing import NamedTuple

from helpers.pixels import ACCENT, one_channel

import numpy as np
from PIL import Image

PANEL = 250  # pixels of the longer side of an image panel
CELL = 44  # pixels of a number cell
OVERLAY = "display:block;overflow:visible"  # style of an SVG that lies on an image
BAR_COLOR = "#9aa7b3"  # of bars, but for the one that counts, which has the color ACCENT
FONT = 'font-family="Helvetica, Arial, sans-serif"'


class Picture(NamedTuple):
    """What one panel of a widget shows: a title, pixels, and SVG elements over them (or alone).

    It is ``width`` × ``height`` pixels large on the screen; the pixels are stretched to that.
    """

    title: str
    pixels: np.ndarray | None = None  # uint8, (H, W) or (H, W, 3)
    marks: str = ""
    width: float = PANEL
    height: float = PANEL


def panel_scale(shape) -> float:
    """Return how many screen pixels one image pixel is wide in a panel."""
    return PANEL / max(shape[:2])


def panel_size(shape, side: float = PANEL) -> tuple[float, float]:
    """Return width and height on the screen of an image of this shape whose longer side takes ``side`` pixels."""
    scale = side / max(shape[:2])
    return shape[1] * scale, shape[0] * scale


def svg(width: float, height: float, body: str, style: str = "max-width:100%;height:auto;display:block") -> str:
    """Return an SVG document of that size, which shrinks with the page unless ``style`` says otherwise."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" style="{style}">{body}</svg>'
    )


def titled(document: str, title: str) -> str:
    """Return an SVG document that a screen reader takes as one image, and says what it shows."""
    start, end = document.split(">", 1)
    return f'{start} role="img"><title>{html.escape(title)}</title>{end}'


def web_color(rgb) -> str:
    """Return a uint8 color as ``"#rrggbb"``."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def font_size(text: str, width: float = CELL, most: float = 13) -> float:
    """Return the font size in pixels at which a number of that many digits fits in ``width``."""
    return min(most, (width - 4) / (0.56 * max(len(text), 1)))


def draw_text(x, y, text, size=13, anchor="middle", fill="currentColor", extra="") -> str:
    """Return SVG of one line of text, centered on ``y``."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" {FONT} font-size="{size:.3g}" text-anchor="{anchor}" '
        f'dominant-baseline="central" fill="{fill}"{extra}>{text}</text>'
    )


def frame(x: float, y: float, width: float, height: float) -> str:
    """Return SVG of a frame that is seen on dark and on bright pixels."""
    box = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="none"'
    return f'{box} stroke="#fff" stroke-width="5"/>{box} stroke="{ACCENT}" stroke-width="2.5"/>'


def embed(png_bytes: bytes, width: float, height: float, x=0.0, y=0.0, sharp: bool = True) -> str:
    """Return SVG that holds a PNG, its pixels as sharp squares or smoothed."""
    data, style = base64.b64encode(png_bytes).decode(), "image-rendering:pixelated" if sharp else ""
    return (
        f'<image x="{x}" y="{y}" width="{width:.1f}" height="{height:.1f}" preserveAspectRatio="none" '
        f'style="{style}" href="data:image/png;base64,{data}"/>'
    )


def small_png(pixels, most: float) -> bytes:
    """Return a uint8 image, (H, W) or (H, W, 3), as a small PNG, at most ``most`` pixels a side."""
    factor = min(most / max(pixels.shape[:2]), 1)
    pixels = one_channel(pixels)
    size = [max(round(length * factor), 1) for length in pixels.shape[1::-1]]
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.BOX).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def paper(width: float, height: float, body: str, title: str) -> str:
    """Return an SVG document for print: black on white, with a margin of 12 pixels around ``body``.

    ``title`` says in words what it shows.
    """
    body = f'<rect width="100%" height="100%" fill="#fff"/><g transform="translate(12 12)" color="#111">{body}</g>'
    return titled(svg(width + 24, height + 24, body), title)


def draw_pictures(pictures, title: str, text: str, columns: int = 3) -> str:
    """Return an SVG document for print: `Picture` objects in rows, and lines of text below them.

    ``title`` says what it is; with ``text`` it is what a screen reader says in place of the pictures.
    """
    gap, top, parts, width = 24, 0.0, [], 0.0
    for start in range(0, len(pictures), columns):
        row, left = pictures[start : start + columns], 0.0
        for picture in row:
            body = draw_text(0, 8, html.escape(picture.title), 14, "start")
            inside = picture.marks
            if picture.pixels is not None:
                small = small_png(picture.pixels, 1.5 * max(picture.width, picture.height))
                sharp = picture.width >= picture.pixels.shape[1]
                inside = embed(small, picture.width, picture.height, sharp=sharp) + inside
            parts.append(
                f'<g transform="translate({left:.0f} {top:.0f})">{body}<g transform="translate(0 22)">{inside}</g></g>'
            )
            left += picture.width + gap
        width, top = max(width, left - gap), top + max(picture.height for picture in row) + 22 + gap
    lines = textwrap.wrap(text, max(int(width / 7), 30))
    parts += [draw_text(0, top + 22 * place, html.escape(line), 14, "start") for place, line in enumerate(lines)]
    return paper(width, top + 22 * len(lines) - 8, "".join(parts), f"{title}: {text}")


def readable_count(number: int) -> str:
    """Return a large count in a short form.

    >>> readable_count(999), readable_count(2_214_400), readable_count(14_714_688)
    ('999', '2.2 million', '14.7 million')
    """
    return f"{number:,}" if number < 1_000_000 else f"{number / 1e6:.1f} million"

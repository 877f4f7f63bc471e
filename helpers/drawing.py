"""Drawing for the widgets: SVG, HTML and PNG text from arrays and numbers, without Matplotlib and without a kernel.

Every function is pure. A widget shows what these return, and so does its still picture for GitHub and print.
"""

import base64
import html
import io
import math
import textwrap
from typing import NamedTuple

from helpers.convolution import LayerRow
from helpers.plots import ACCENT, colorize, format_number, one_channel, printed_kernel_text

import numpy as np
from PIL import Image

PANEL = 250  # pixels of the longer side of an image panel
CELL = 44  # pixels of a number cell
OVERLAY = "display:block;overflow:visible"  # style of an SVG that lies on an image
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


def svg(width: float, height: float, body: str, style: str = "max-width:100%;height:auto;display:block") -> str:
    """Return an SVG document of that size, which shrinks with the page unless ``style`` says otherwise."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" style="{style}">{body}</svg>'
    )


def text_color(rgb) -> str:
    """Return black or white, whichever has more contrast on ``rgb`` (0 to 255), as WCAG computes it."""
    light = (np.asarray(rgb) / 255) ** 2.2  # from sRGB to physical brightness
    return "#fff" if np.dot(light, [0.2126, 0.7152, 0.0722]) < 0.179 else "#000"


def font_size(text: str, width: float = CELL, most: float = 13) -> float:
    """Return the font size in pixels at which a number of that many digits fits in ``width``."""
    return min(most, (width - 4) / (0.56 * max(len(text), 1)))


def draw_text(x, y, text, size=13, anchor="middle", fill="currentColor", extra="") -> str:
    """Return SVG of one line of text, centered on ``y``."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" {FONT} font-size="{size:.3g}" text-anchor="{anchor}" '
        f'dominant-baseline="central" fill="{fill}"{extra}>{text}</text>'
    )


def draw_cells(values, colors, texts, x=0.0, y=0.0) -> str:
    """Return SVG of a table of colored cells with their numbers; ``colors`` is uint8 (rows, cols, 3)."""
    parts, height = [], CELL * 0.7
    for (row, col), _ in np.ndenumerate(values):
        left, top, rgb, text = x + col * CELL, y + row * height, colors[row, col], texts[row][col]
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{CELL}" height="{height:.1f}" '
            f'fill="{web_color(rgb)}" stroke="#999"/>'
            + draw_text(left + CELL / 2, top + height / 2, text, font_size(text), fill=text_color(rgb))
        )
    return "".join(parts)


def web_color(rgb) -> str:
    """Return a uint8 color as ``"#rrggbb"``."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def draw_step(step, value_range, response_range) -> str:
    """Return SVG with each product of a `helpers.convolution.convolution_step`: patch × kernel = products, and the sum.

    Each table is a group with its name as class: ``pixels``, ``kernel``, ``products``, ``sum``.
    """
    largest = float(np.abs(step.kernel).max()) or 1.0
    most = max(float(np.abs(step.products).max()), 1e-12)
    tables = (
        ("pixels", step.patch, colorize(step.patch, *value_range), format_number, "×"),
        (
            "kernel",
            step.kernel,
            colorize(step.kernel, -largest, largest),
            printed_kernel_text,
            "=",
        ),
        ("products", step.products, colorize(step.products, -most, most), format_number, "→ sum"),
    )
    rows, cols = step.kernel.shape
    width, height = step_size(step)
    tall = height - 26
    top, middle, x, parts = 24 + (tall - rows * CELL * 0.7) / 2, 24 + tall / 2, 1.0, []
    for name, values, colors, form, sign in tables:
        texts = [[form(value) for value in row] for row in values]
        cells = draw_cells(values, colors, texts, x, top)
        parts.append(f'<g class="{name}">{draw_text(x, 9, name, anchor="start")}{cells}</g>')
        gap = 72 if sign == "→ sum" else 30
        x += cols * CELL + gap
        parts.append(draw_text(x - gap / 2, middle, sign, 17))
    return svg(width, height, "".join(parts) + draw_sum(step.total, response_range, x, middle))


def step_size(step) -> tuple[float, float]:
    """Return width and height of what `draw_step` draws."""
    rows, cols = step.kernel.shape
    return 3 * cols * CELL + 211, 26 + max(rows * CELL * 0.7, 42.0)  # the box of the sum needs some height


def draw_sum(total: float, response_range, x: float, middle: float) -> str:
    """Return SVG of the box with the sum, in the color that this number has in the feature map."""
    rgb, text = colorize(np.array([[total]]), *response_range)[0, 0], format_number(total)
    number = draw_text(x + 37, middle, text, font_size(text, 72, 16), "middle", text_color(rgb), ' font-weight="bold"')
    return (
        f'<g class="sum"><rect x="{x + 1:.1f}" y="{middle - 19.5:.1f}" width="72" height="39" stroke="{ACCENT}" '
        f'stroke-width="3" fill="{web_color(rgb)}"/>{number}</g>'
    )


def panel_scale(shape) -> float:
    """Return how many screen pixels one image pixel is wide in a panel."""
    return PANEL / max(shape[:2])


def outline(row: float, col: float, height: float, width: float, scale: float, shape) -> str:
    """Return SVG that outlines a window of image pixels, never too small to see, with lines to the borders."""
    least, total_w, total_h = 7.0, shape[1] * scale, shape[0] * scale
    w, h = max(width * scale, least), max(height * scale, least)
    x = min(max((col + width / 2) * scale - w / 2, 0), max(total_w - w, 0))
    y = min(max((row + height / 2) * scale - h / 2, 0), max(total_h - h, 0))
    return (
        f'<path d="M{x + w / 2:.1f} 0V{y:.1f}M{x + w / 2:.1f} {y + h:.1f}V{total_h:.1f}'
        f'M0 {y + h / 2:.1f}H{x:.1f}M{x + w:.1f} {y + h / 2:.1f}H{total_w:.1f}" '
        f'stroke="{ACCENT}" stroke-width="1" stroke-opacity="0.55"/>' + frame(x, y, w, h)
    )


def frame(x: float, y: float, width: float, height: float) -> str:
    """Return SVG of a frame that is seen on dark and on bright pixels."""
    box = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="none"'
    return f'{box} stroke="#fff" stroke-width="5"/>{box} stroke="{ACCENT}" stroke-width="2.5"/>'


def draw_input_overlay(step, shape, padding: int, dilation: int) -> str:
    """Return SVG over the padded image: the border of the padding, the window, and each pixel it reads."""
    scale = panel_scale(shape)
    height, width = shape[0] * scale, shape[1] * scale
    parts = []
    if padding:
        p = padding * scale
        parts.append(
            f'<path d="M0 0H{width:.1f}V{height:.1f}H0ZM{p:.1f} {p:.1f}V{height - p:.1f}H{width - p:.1f}V{p:.1f}Z" '
            'fill="#4ba3c3" fill-opacity="0.45" fill-rule="evenodd"/>'
        )
    rows, cols = step.kernel.shape
    if dilation > 1 and scale > 2:
        for row in range(rows):
            for col in range(cols):
                x, y = (step.left + col * dilation) * scale, (step.top + row * dilation) * scale
                parts.append(
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="{scale:.1f}" height="{scale:.1f}" '
                    f'fill="{ACCENT}" fill-opacity="0.55" stroke="#fff" stroke-width="1"/>'
                )
    extent_h, extent_w = (rows - 1) * dilation + 1, (cols - 1) * dilation + 1
    parts.append(outline(step.top, step.left, extent_h, extent_w, scale, shape))
    return svg(width, height, "".join(parts), OVERLAY)


def draw_output_overlay(step, shape, name: str = "cnn-empty") -> str:
    """Return SVG over the finished feature map: hatching where nothing is computed yet, and this step's pixel.

    ``name`` is that of the hatching, which must be unique in a page where one of several widgets may be hidden.
    """
    scale = panel_scale(shape)
    height, width = shape[0] * scale, shape[1] * scale
    top, bottom = step.row * scale, (step.row + 1) * scale
    right = (step.col + 1) * scale
    empty = f"M{right:.2f} {top:.2f}H{width:.2f}V{height:.2f}H0V{bottom:.2f}H{right:.2f}Z"
    hatching = (
        f'<defs><pattern id="{name}" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" '
        'fill="#e9eef2"/><path d="M-2 10L10 -2M-2 2L2 -2M6 10L10 6" stroke="#b9c6d0"/></pattern></defs>'
        f'<path d="{empty}" fill="url(#{name})"/>'
    )
    return svg(width, height, hatching + outline(step.row, step.col, 1, 1, scale, shape), OVERLAY)


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


def paper(width: float, height: float, body: str) -> str:
    """Return an SVG document for print: black on white, with a margin of 12 pixels around ``body``."""
    return svg(
        width + 24,
        height + 24,
        f'<rect width="100%" height="100%" fill="#fff"/><g transform="translate(12 12)" color="#111">{body}</g>',
    )


def draw_pictures(pictures, text: str, columns: int = 3) -> str:
    """Return an SVG document for print: `Picture` objects in rows, and lines of text below them."""
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
    return paper(width, top + 22 * len(lines) - 8, "".join(parts))


# --- Gabor kernels (lesson 02) ---


def draw_kernel_picture(kernel, reach: int, title: str) -> Picture:
    """Return the picture of a real kernel (kh, kw) in a field of always the same scale, with its border dashed.

    The field reaches ``reach`` pixels from the center to each side.
    """
    most, (rows, cols) = max(float(np.abs(kernel).max()), 1e-12), kernel.shape
    field = np.zeros((2 * reach + 1,) * 2)
    top, left = reach - rows // 2, reach - cols // 2
    field[top : top + rows, left : left + cols] = kernel
    scale = PANEL / len(field)
    marks = (
        f'<rect x="{left * scale:.1f}" y="{top * scale:.1f}" width="{cols * scale:.1f}" height="{rows * scale:.1f}" '
        f'fill="none" stroke="#777" stroke-dasharray="4 3"/>'
    )
    return Picture(title, colorize(field, -most, most), marks)


def curve(x, y, color: str, extra: str = "") -> str:
    """Return SVG of a line through points in screen pixels."""
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"{extra}/>'


def draw_profile(view) -> str:
    """Return SVG elements of the cross-section of a `helpers.gabor.KernelView`: wave, bell, wavelength and sigma."""
    left, right, middle, half = 8.0, PANEL - 8.0, 112.0, 92.0
    reach = float(view.places[-1])

    def x(place):
        return left + (right - left) * (np.asarray(place) + reach) / (2 * reach)

    def bar(start, end, y, text):
        ends = "".join(f"M{x(place):.1f} {y - 4:.1f}v8" for place in (start, end))
        line = f'<path d="M{x(start):.1f} {y:.1f}H{x(end):.1f}{ends}" stroke="#777" fill="none"/>'
        return line + draw_text(PANEL / 2, y + 13, text, 12)

    frequency, sigma = view.settings.frequency, view.settings.sigma
    parts = [
        f'<rect width="{PANEL}" height="{PANEL}" fill="none" stroke="#999"/>',
        f'<path d="M{left} {middle}H{right}" stroke="#999"/>',
        *(
            curve(x(view.places), middle - sign * half * view.bell, "#888", ' stroke-dasharray="3 4"')
            for sign in (1, -1)
        ),
        curve(x(view.places), middle - half * view.wave, ACCENT),
        bar(-sigma, sigma, 215.0, f"−σ to σ: {2 * sigma:g} pixels"),
    ]
    if frequency * reach >= 0.5:
        length = 1 / frequency
        crests = np.arange(-reach * frequency - 1, reach * frequency + 1).round() * length
        crests = crests - view.phase / (2 * math.pi) % 1 * length
        fitting = crests[(crests >= -reach) & (crests + length <= reach)]
        start = min(fitting, key=abs, default=-length / 2)  # from crest to crest near the center, where both fit
        parts.append(bar(start, start + length, 8.0, ""))
        parts.append(draw_text(right, 22, f"one wave: {length:.3g} pixels", 12, "end"))
    return "".join(parts)


def draw_frequency_axes(frequency: float, theta: float) -> str:
    """Return SVG elements over a spectrum: axes from -0.5 to 0.5 cycles per pixel, an arrow to this frequency."""
    middle = PANEL / 2 + PANEL / 128  # frequency 0 is in the center of its pixel
    x, y = (middle + PANEL * frequency * part for part in (math.cos(theta), math.sin(theta)))
    return (
        f'<path d="M0 {middle:.1f}H{PANEL}M{middle:.1f} 0V{PANEL}" stroke="#fff" stroke-opacity="0.35"/>'
        f'<path d="M{middle:.1f} {middle:.1f}L{x:.1f} {y:.1f}" stroke="{ACCENT}" stroke-width="2"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="none" stroke="{ACCENT}" stroke-width="2"/>'
        + draw_text(4, middle - 9, "−0.5", 11, "start", "#fff")
        + draw_text(PANEL - 4, middle - 9, "0.5 →", 11, "end", "#fff")
        + draw_text(middle + 5, PANEL - 9, "0.5 ↓", 11, "start", "#fff")
    )


# --- networks as blocks (lesson 03) ---

LAYER_COLORS = {
    "Input": "#c9ced6",
    "Conv2D": "#f2a65a",
    "MaxPooling2D": "#8db9d9",
    "AveragePooling2D": "#8db9d9",
    "Dropout": "#dddddd",
    "Flatten": "#b8a6d1",
    "GlobalAveragePooling2D": "#8db9d9",
    "Dense": "#9cc79a",
}


SHORT_NAMES = {"GlobalAveragePooling2D": "GlobalAvgPool", "MaxPooling2D": "MaxPool", "AveragePooling2D": "AvgPool"}

OTHER_COLOR = "#dddddd"  # of kinds of layers that the calculator does not have


def draw_block(kind, shape, biggest, left_edge, base) -> tuple[str, float]:
    """Return SVG of one layer of a network as a block, and the width that it and its text need.

    The block stands on the line ``base``; ``biggest`` is the height of the largest image of the network, in pixels.
    """
    if len(shape) == 3:
        side, width = 16 + 104 * shape[0] / biggest, 8 + 3.2 * math.sqrt(shape[2])
        depth = side * 0.32
    else:
        side, width, depth = 30 + 18 * math.log10(max(shape[0], 1)), 11.0, 0.0
    span = max(width + depth, 82, 7.4 * len(SHORT_NAMES.get(kind, kind)))
    left, top = left_edge + (span - width - depth) / 2, base - side
    edge = f'fill="{LAYER_COLORS.get(kind, OTHER_COLOR)}" stroke="#555" stroke-width="1" stroke-linejoin="round"'
    slant, back = f"l{depth:.1f} {-depth:.1f}", f"l{-depth:.1f} {depth:.1f}z"
    faces = f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{side:.1f}" {edge}/>'
    if depth:
        faces += (
            f'<path d="M{left:.1f} {top:.1f}{slant}h{width:.1f}{back}" {edge}/>'
            f'<path d="M{left + width:.1f} {top:.1f}{slant}v{side:.1f}{back}" {edge} fill-opacity="0.75"/>'
        )
    return faces, span


def network_parts(input_shape, rows, notes=()) -> tuple[float, float, str]:
    """Return width, height and SVG elements of `draw_network`; each of ``notes`` is a line of text below."""
    stages = [("Input", tuple(input_shape), 0), *((row.kind, row.shape, row.parameters) for row in rows)]
    biggest = max((shape[0] for _, shape, _ in stages if len(shape) == 3), default=1)
    x, base, parts = 0.0, 162.0, []
    for kind, shape, parameters in stages:
        block, span = draw_block(kind, shape, biggest, x, base)
        middle = x + span / 2
        parts.append(block + draw_text(middle, base + 16, SHORT_NAMES.get(kind, kind), 13, extra=' font-weight="bold"'))
        parts.append(draw_text(middle, base + 34, "×".join(map(str, shape)), 13))
        parts.append(draw_text(middle, base + 51, f"{parameters:,}" if parameters else "", 12))
        x += span + 12
    notes = ("Below each block: height × width × channels of the output, and parameters.", *notes)
    for line, text in enumerate(notes):
        parts.append(draw_text(0, base + 80 + 22 * line, html.escape(text), 14 if line else 12, "start"))
    return max(x - 12, 520), base + 68 + 22 * len(notes), "".join(parts)


def draw_network(input_shape, rows) -> str:
    """Return SVG of a network: a block per layer, its height as the image, its width as the channels.

    ``rows`` is what `helpers.convolution.layer_stack` returns.
    """
    return svg(*network_parts(input_shape, rows))


def network_picture(model):
    """Return a picture of a built Keras Sequential model for display and print: see `draw_network`.

    Models inside the model are taken apart. Raises ValueError for a model whose input shape is open.
    """
    from IPython.display import SVG

    shape = model.input_shape if model.built else (None, None)
    if None in shape[1:]:
        raise ValueError(f"The input shape {shape} is open: begin the model with keras.Input(shape).")
    layers = [part for layer in model.layers for part in getattr(layer, "layers", [layer])]
    rows = [
        LayerRow(type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params(), 0, None)
        for layer in layers
        if type(layer).__name__ != "InputLayer"
    ]
    return SVG(paper(*network_parts(shape[1:], rows)))


def readable_count(number: int) -> str:
    """Return a large count in a short form.

    >>> readable_count(999), readable_count(2_214_400), readable_count(14_714_688)
    ('999', '2.2 million', '14.7 million')
    """
    return f"{number:,}" if number < 1_000_000 else f"{number / 1e6:.1f} million"

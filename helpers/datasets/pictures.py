"""An image file as the picture that a viewer shows: upright, in RGB, white behind what is transparent.

Values of more than 8 bits are brought to 0 to 255. From where to where they go is no property of one file:
`find_depths` looks at all files of a folder, so that a dark image stays darker than a bright one.
"""

import sys
from collections.abc import Callable
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms, ImageOps

WHOLE, FLOATS = "whole numbers", "floats"


class Depth(NamedTuple):
    """Values that are shown as black and as white."""

    black: float
    white: float


def read_picture(source, size: int, depths: dict[str, Depth] | None = None) -> Image.Image:
    """Return an image file as RGB, as a viewer shows it; of an animation, the first picture.

    Parameters
    ----------
    source : a path, or an opened file of bytes
    size : to how many pixels the shorter side is to be reduced later; a large JPEG then need not be decoded in full
    depths : what `find_depths` returned for the files that belong together; None for those of this file alone

    Raises what Pillow raises for a file that it cannot read, and ValueError for one without 1 to 4 channels.
    """
    values = _deep_values(source)
    if values is not None:
        known = depths or {kind: _depth(kind, *found) for kind, found in _extremes(values).items()}
        return _shown(values, known[_kind(values)])
    with _opened(source) as file:
        file.draft("RGB", (2 * size, 2 * size))
        return _on_white(ImageOps.exif_transpose(file))


def find_depths(paths) -> dict[str, Depth]:
    """Return for whole numbers and for floats which values are black and white in the deep images among these files.

    It is empty where no file has more than 8 bits. Whole numbers from 0 on get as many bits as the largest needs: 8,
    10, 12, 14 or 16. Floats that reach above 0.5, and not above 1, are shares. All else goes from the smallest value to
    the largest. Files that cannot be read do not count.
    """
    found = {}
    for path in paths:
        with suppress(Exception):  # `read_picture` says what is wrong with it
            values = _deep_values(path)
            for kind, (low, high) in _extremes(values).items() if values is not None else ():
                others = found.get(kind, (low, high))
                found[kind] = min(low, others[0]), max(high, others[1])
    return {kind: _depth(kind, low, high) for kind, (low, high) in found.items()}


def number_of_pictures(path) -> int:
    """Return how many pictures an image file holds, as an animation or a stack has them; 1 for any photograph."""
    with suppress(Exception), Image.open(path) as file:
        return 1 if file.format == "MPO" else getattr(file, "n_frames", 1)  # MPO: a photograph and what a phone adds
    return 1


def _depth(kind: str, low: float, high: float) -> Depth:
    if kind == WHOLE and low >= 0:
        return Depth(0, next((2**bits - 1 for bits in (8, 10, 12, 14, 16) if high < 2**bits), high))
    if kind == FLOATS and low >= 0 and 0.5 < high <= 1:
        return Depth(0, 1)
    return Depth(low, high) if high > low else Depth(min(low, 0), max(high, 1))


def _kind(values: np.ndarray) -> str:
    return WHOLE if np.issubdtype(values.dtype, np.integer) else FLOATS


def _extremes(values: np.ndarray) -> dict[str, tuple[float, float]]:
    colors = values[..., :-1] if values.shape[2] in (2, 4) else values
    finite = colors[np.isfinite(colors)]
    return {_kind(values): (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)}


def _shown(values: np.ndarray, depth: Depth) -> Image.Image:
    """Return deep values (H, W, 1 to 4) as RGB; the last one of 2 or 4 channels is how opaque a pixel is."""
    values = np.nan_to_num(values.astype(np.float64), nan=depth.black, posinf=depth.white, neginf=depth.black)
    scaled = np.clip((values - depth.black) / (depth.white - depth.black), 0, 1)
    if values.shape[2] in (2, 4):
        most = _depth(WHOLE if values.max() > 1 else FLOATS, 0, values[..., -1].max()).white
        opaque = np.clip(values[..., -1:] / most, 0, 1)
        scaled = scaled[..., :-1] * opaque + 1 - opaque
    return Image.fromarray(np.rint(255 * np.broadcast_to(scaled, (*scaled.shape[:2], 3))).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, *profiles, outputMode="RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


@contextmanager
def _opened(source):
    """Open an image, a path as a stream: of a path, Pillow maps some TIFF files to memory, and turns these wrongly."""
    with nullcontext(source) if hasattr(source, "seek") else Path(source).open("rb") as stream:
        stream.seek(0)
        with Image.open(stream) as file:
            yield file


def _deep_values(source) -> np.ndarray | None:
    """Return the values (H, W, C) of an image of more than 8 bits, upright; None for any other image."""
    try:
        with _opened(source) as file:
            order, mode, tags = _byte_order(file), file.mode, getattr(file, "tag_v2", {})
            if mode == "F" or mode.startswith("I"):
                values = np.asarray(ImageOps.exif_transpose(file))[..., np.newaxis]
                from_white = tags.get(262) == 0 and mode.startswith("I;16")  # Pillow turns only those of 8 bits
                return 65_535 - values if from_white else values
            planes = tags.get(284) == 2 and max(tags.get(258, (8,))) > 8  # one for each color: Pillow reads it wrongly
            if ";16" not in order and not planes:
                return None
            high = None if planes else np.asarray(ImageOps.exif_transpose(file)).astype(np.uint16)
    except Image.UnidentifiedImageError:
        planes = True
    if planes:
        return _values_by_tifffile(source)
    return _gray_and_alpha(source) if order.startswith("LA;") else 256 * high + _low_bytes(source)


def _byte_order(file: Image.Image) -> str:
    """Return how Pillow names the order of bytes in a file: "RGB;16B" for colors of 16 bits."""
    args = file.tile[0].args if getattr(file, "tile", None) else ""
    return str(args[0] if isinstance(args, tuple) and args else args)


def _read_as(source, order: Callable[[str], str]) -> np.ndarray:
    """Read an image with its bytes in another order than the file says."""
    with _opened(source) as file:
        name = order(_byte_order(file))
        file.tile = [t._replace(args=(name, *t.args[1:]) if isinstance(t.args, tuple) else name) for t in file.tile]
        return np.asarray(ImageOps.exif_transpose(file))


def _low_bytes(source) -> np.ndarray:
    """Return the lower bytes of colors of 16 bits; Pillow reads only the higher ones, so it is told the wrong order."""
    other = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
    return _read_as(source, lambda order: order[:-1] + other[order[-1]])


def _gray_and_alpha(source) -> np.ndarray:
    """Return gray and alpha of 16 bits (H, W, 2), as a PNG has them: the four bytes of a pixel, read as four colors."""
    pairs = _read_as(source, lambda order: "RGBA").astype(np.uint16)
    return pairs[..., ::2] * 256 + pairs[..., 1::2]


def _values_by_tifffile(source) -> np.ndarray:
    """Return what is in a TIFF file that Pillow does not know: colors as floats or as 32 bits, for instance."""
    import tifffile  # here, since it takes a moment

    if hasattr(source, "seek"):
        source.seek(0)
    try:
        with tifffile.TiffFile(source) as file:
            values = file.pages[0].asarray()
    except tifffile.TiffFileError as error:
        raise Image.UnidentifiedImageError("it is no image") from error
    values = values[..., np.newaxis] if values.ndim == 2 else values
    if values.ndim == 3 and values.shape[0] <= 4 < values.shape[2]:
        values = np.moveaxis(values, 0, 2)  # a plane for each color
    if values.ndim != 3 or values.shape[2] > 4:
        raise ValueError(f"it has the shape {values.shape}, not one to four channels")
    return values

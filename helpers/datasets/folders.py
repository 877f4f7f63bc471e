"""Datasets from folders of image files, a folder for each class."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from helpers.datasets.base import PARTS, Dataset, Split
from helpers.datasets.cached_folders import refuse_damaged
from helpers.datasets.layouts import Pairs, find_layout
from helpers.datasets.pictures import find_depths, number_of_pictures, read_picture
from helpers.files import what_is_wrong
from helpers.fonts import without_font

import numpy as np
from PIL import Image, ImageOps

SEVEN = 7
"""Of train, every seventh image goes to a part that is missing: so many does each class need."""


def load_folder(folder, size: int = 64, limit: int | None = None) -> Dataset:
    """Load image files from folders that are named as their classes.

    Parameters
    ----------
    folder : a folder with ``train/cat/1.jpg`` and so on, for train, validation and test, with the same classes in each;
        a missing validation or test part is taken from train, every seventh image. Or simply a folder with
        ``cat/1.jpg`` and so on, from which all three parts are taken. `helpers.datasets.layouts` says what else is
        understood: other names of parts, and folders around all of it
    size : height and width in pixels that all images get: they are cut to a square around their middle, and resized
    limit : how many images each part has at most; None for all

    Images come as RGB, as a viewer shows them (`helpers.datasets.pictures`), in a shuffled order that is the same each
    time; classes are sorted by name. What is left out is said in printed notes. Raises ValueError if there are not at
    least two classes, if a part lacks one (so if a missing part has to be taken from fewer than seven images), if files
    or folders cannot be read, if ``size`` is no whole number above 0, or if the folder is a part of a copy of one that
    `helpers.datasets.image_folder` returned.
    """
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"size must be a whole number of pixels above 0, but it is {size!r}.")
    folder = Path(folder).expanduser().resolve()
    pairs, names = find_pairs(folder, limit)
    if missing := without_font("".join(names)):
        print(f"NOTE: no font on this computer has {' '.join(missing)}: figures show the codes of these letters.")
    paths = [path for part in PARTS for path, _ in pairs[part]]
    images = np.empty((len(paths), size, size, 3), np.uint8)
    for place, picture in enumerate(pictures(paths, size)):
        images[place] = ImageOps.fit(picture, (size, size))
    ends = np.cumsum([len(pairs[part]) for part in PARTS])[:-1]
    labels = [np.array([names.index(name) for _, name in pairs[part]], np.int64) for part in PARTS]
    return Dataset(
        folder.name,
        *map(Split, np.split(images, ends), labels),
        class_names=names,
        source=f"the image files in the folder {folder.name}",
        license="not known here: ask who made the images",
    )


def find_pairs(folder: Path, limit: int | None = None) -> tuple[dict[str, Pairs], tuple[str, ...]]:
    """Return for all three parts the images of a folder with the names of their classes, shuffled; and these names.

    Prints notes of what is left out. Raises ValueError as `load_folder` does, but for files that cannot be read.
    """
    refuse_damaged(folder)
    pairs, notes = find_layout(folder)
    for note in notes:
        print(f"NOTE: {note}")
    train, missing = pairs["train"], [part for part in PARTS if part not in pairs]
    names = tuple(sorted({name for some in pairs.values() for _, name in some}))
    if len(names) < 2:
        raise ValueError(
            f"{folder} needs at least two classes, each a folder of images, but it has {', '.join(names) or 'none'}."
            + "".join(f" {note}" for note in notes)
        )
    few = {name: number for name, number in Counter(name for _, name in train).items() if number < SEVEN}
    if missing and few:
        found = ", ".join(f"{name} has {number}" for name, number in few.items())
        raise ValueError(
            f"{folder} needs at least seven images of each class in train, since {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} taken from it: {found}."
        )
    pairs |= {part: train[start::SEVEN] for start, part in enumerate(missing)}
    pairs["train"] = [pair for index, pair in enumerate(train) if index % SEVEN >= len(missing)]
    for part in PARTS:
        lacking = sorted({*names} - {name for _, name in pairs[part]})
        if lacking:
            raise ValueError(
                f"{folder} needs the same classes in each part, {', '.join(names)}, in the same letters: "
                f"{part} has no image of {', '.join(lacking)}."
            )
    return {part: _shuffled(pairs[part], part, limit) for part in PARTS}, names


def _shuffled(pairs: Pairs, part: str, limit: int | None) -> Pairs:
    """Return images in an order that is the same each time; with a limit, also those of the rarest class."""
    mixed = [pairs[index] for index in np.random.default_rng(0).permutation(len(pairs))]
    if limit is None or limit >= len(pairs):
        return mixed
    print(f"NOTE: {limit:,} of the {len(pairs):,} images of {part} are used, so that a lesson does not take long.")
    first = {name: pair for pair in mixed[::-1] for name in [pair[1]]}  # of each class
    lacking = [pair for name, pair in sorted(first.items()) if name not in {name for _, name in mixed[:limit]}]
    return (lacking + mixed)[:limit]


def pictures(paths: list[Path], size: int) -> Iterator[Image.Image]:
    """Yield image files as RGB, to be reduced to ``size`` pixels.

    Prints notes of what is not shown as it is. Raises ValueError at the end if some cannot be read, and names them.
    """
    depths, wrong = find_depths(paths), []
    for kind, depth in depths.items():
        print(f"NOTE: {kind} of more than 8 bits are shown from {depth.black:g} (black) to {depth.white:g} (white).")
    for path in paths:
        try:
            picture = read_picture(path, size, depths)
        except Exception as error:  # OSError mostly, but what Pillow raises depends on where a file is damaged
            wrong.append((path, error))
            picture = Image.new("RGB", (1, 1))
        yield picture
    if wrong:
        raise ValueError(_complaint(wrong, len(paths))) from wrong[0][1]
    if several := [path for path in paths if number_of_pictures(path) > 1]:
        print(f"NOTE: of {len(several):,} files with several pictures, such as {several[0]}, the first one is used.")


def _complaint(wrong: list[tuple[Path, Exception]], number: int) -> str:
    said = [f"{path} {_what_and_advice(path, error)}." for path, error in wrong[:5]]
    more = [f"And {len(wrong) - 5:,} more."] * (len(wrong) > 5)
    return " ".join([f"{len(wrong):,} of {number:,} images cannot be read.", *said, *more])


def _what_and_advice(path: Path, error: Exception) -> str:
    """Say what is wrong with a file, and whether to delete it."""
    if isinstance(error, PermissionError):
        return "may not be read: allow that; it need not be deleted"
    if isinstance(error, Image.DecompressionBombError):
        return "has too many pixels: make it smaller, or delete it"
    with path.open("rb") as file:
        start = file.read(12)
    if start[4:8] == b"ftyp":
        return "is HEIC, or a film, whatever its name says: save it as JPEG; it is not damaged"
    return f"{what_is_wrong(path, error)}: delete it, or put a whole copy in its place"

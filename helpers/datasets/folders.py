"""Datasets from folders of image files, a folder for each class."""

from pathlib import Path

from helpers.datasets.base import PARTS, Dataset, Split
from helpers.datasets.cached_folders import refuse_damaged
from helpers.datasets.photos import upright

import numpy as np
from PIL import Image, ImageOps

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
OTHER_SUFFIXES = (".avif", ".heic", ".heif", ".jfif", ".jp2", ".tif", ".tiff")
"""Of images that are not read: a note says so, since who has them would miss them."""


def load_folder(folder, size: int = 64) -> Dataset:
    """Load image files from folders that are named as their classes.

    Parameters
    ----------
    folder : a folder with ``train/cat/1.jpg`` and so on, for train, validation and test, with the same classes in each;
        a missing validation or test part is taken from train, every seventh image. Or simply a folder with
        ``cat/1.jpg`` and so on, from which all three parts are taken
    size : height and width in pixels that all images get: they are cut to a square around their middle, and resized

    Images come as RGB, in a shuffled order that is the same each time; classes are sorted by name. Raises ValueError
    if there are not at least two classes, if a part lacks one (so if a missing part has to be taken from fewer than
    seven images), if a file or folder cannot be read, if ``size`` is no whole number above 0, or if the folder is a
    part of a copy of one that `helpers.datasets.image_folder` returned.
    """
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"size must be a whole number of pixels above 0, but it is {size!r}.")
    folder = Path(folder)
    refuse_damaged(folder)
    pairs = {part: _labelled_files(folder / part) for part in PARTS if (folder / part).is_dir()}
    if "train" not in pairs:
        pairs = {"train": _labelled_files(folder)}
    train, missing = pairs["train"], [part for part in PARTS if part not in pairs]
    pairs |= {part: train[start::7] for start, part in enumerate(missing)}
    pairs["train"] = [pair for index, pair in enumerate(train) if index % 7 >= len(missing)]
    names = tuple(sorted({name for some in pairs.values() for _, name in some}))
    for part in PARTS:
        found = sorted({name for _, name in pairs[part]})
        if len(names) < 2 or found != [*names]:
            raise ValueError(
                f"{folder} needs at least two classes, each a folder of images, and the same ones in each part "
                f"(seven images of each, where a missing part is taken from train): "
                f"of the classes {', '.join(names) or '(none)'}, {part} has {', '.join(found) or 'none'}."
            )
    return Dataset(
        folder.name,
        *(_read_split(pairs[part], names, size) for part in PARTS),
        class_names=names,
        source=f"the image files in the folder {folder.name}",
        license="not known here: ask who made the images",
    )


def _labelled_files(folder: Path) -> list[tuple[Path, str]]:
    """Return all image files of the folders in a folder, in order, each with the name of its folder."""
    try:
        folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        files = [path for below in folders for path in sorted(below.iterdir()) if not path.name.startswith(".")]
    except OSError as error:
        raise ValueError(f"{error.filename or folder} cannot be read: allow that, or remove it. ({error})") from error
    if left_out := [path for path in files if path.suffix.lower() in OTHER_SUFFIXES]:
        print(
            f"NOTE: {len(left_out)} images, such as {left_out[0]}, are left out. Save them as one of "
            f"{', '.join(SUFFIXES)} to use them."
        )
    return [(path, path.parent.name) for path in files if path.suffix.lower() in SUFFIXES]


def _read_split(pairs: list[tuple[Path, str]], names: tuple[str, ...], size: int) -> Split:
    images = np.empty((len(pairs), size, size, 3), np.uint8)
    order = np.random.default_rng(0).permutation(len(pairs))
    for place, index in enumerate(order):
        path = pairs[index][0]
        try:
            with Image.open(path) as file:
                images[place] = ImageOps.fit(upright(file, size), (size, size))
        except Exception as error:  # OSError mostly, but what Pillow raises depends on where a file is damaged
            raise ValueError(f"{path} cannot be read: remove it, or replace it. ({error})") from error
    return Split(images, np.array([names.index(pairs[index][1]) for index in order], np.int64))

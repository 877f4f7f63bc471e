"""The images of the lessons: datasets to learn from, and single photographs. What is built in needs no network."""

import os
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from weakref import WeakValueDictionary

from helpers.datasets import critters, public
from helpers.datasets.base import Dataset, Split
from helpers.datasets.cached_folders import LIST, kept, refuse_damaged
from helpers.datasets.digits import load_digits
from helpers.datasets.downloads import DownloadError
from helpers.datasets.folders import find_pairs, load_folder, pictures
from helpers.datasets.photos import PHOTOS, example_images, load_photo, open_photo, resize_photo
from helpers.datasets.runs import (
    at_end,
    load_benchmark_runs,
    load_dial_runs,
    load_recipe_runs,
    load_recipe_times,
    load_runs,
    load_step_runs,
    load_transfer_curves,
    load_transfer_runs,
)
from helpers.files import VARIABLE, NotKeptWarning, cache_folder, process_folder
from helpers.pixels import to_gray

import numpy as np
from PIL import Image

__all__ = [
    "BUILT_IN", "LOADED", "LOADERS", "PHOTOS", "Dataset", "Split", "at_end", "example_images", "image_folder",
    "is_here", "load_benchmark_runs", "load_dataset", "load_dial_runs", "load_folder", "load_photo", "load_recipe_runs",
    "load_recipe_times", "load_runs", "load_step_runs", "load_transfer_curves", "load_transfer_runs", "open_photo",
    "resize_photo", "to_gray",
]  # fmt: skip


def load_dataset(name: str, limit: int | None = None, otherwise: str | None = None) -> Dataset:
    """Load a dataset by name, or from a folder of image files.

    Parameters
    ----------
    name : a built-in dataset, a public one, or the path of a folder as `load_folder` takes it
        ``"digits"``: 5,000 handwritten digits of MNIST, 28 × 28 × 1; 3,500 / 500 / 1,000, equal shares of each class.
        ``"critters"``: ten drawn animals on photographs, 64 × 64 × 3; 3,000 / 1,000 / 1,000. They are drawn the first
        time, which takes about 15 s.
        ``"mnist"``, ``"fashion_mnist"``: 28 × 28 × 1. ``"cifar10"``, ``"svhn"``: 32 × 32 × 3. ``"cats_vs_dogs"``:
        4,000 photographs, here 64 × 64 × 3. These are downloaded the first time (12 to 825 MB; see data/README.md).
        The last 5,000 training images are for validation, where the publisher has no such part.
    limit : how many images each part has at most; None for all
    otherwise : the built-in dataset to use, with a printed note, where a public one is not here and cannot be
        downloaded; None for an error

    Raises
    ------
    ValueError
        For an unknown name; lists the known ones. For a folder, as `load_folder` does. For a limit below 1.
    FileNotFoundError, helpers.files.DamagedFileError
        If the data file is missing or damaged; says how to get it back.
    helpers.datasets.downloads.DownloadError
        If a public dataset cannot be had; says why, and what to do.

    Examples
    --------
    >>> load_dataset("digits")
    digits: 3,500 train / 500 validation / 1,000 test images of shape (28, 28, 1), 10 classes
    """
    if limit is not None and not (isinstance(limit, int) and limit >= 1):
        raise ValueError(f"limit must be a number of images, 1 or more, but it is {limit!r}.")
    if name in LOADERS:
        try:
            dataset = LOADERS[name]()
        except DownloadError as error:
            dataset = load_dataset(_instead(name, otherwise, error))
    elif _is_folder(name):
        dataset = load_folder(name, limit=limit)
        if dataset.name in LOADERS:  # else a lesson would take it for that one
            dataset = replace(dataset, name=f"{dataset.name} (a folder)")
    else:
        raise _unknown(name)
    parts = {part: Split(*(array[:limit] for array in split)) for part, split in dataset.splits().items()}
    LOADED[name] = dataset = replace(dataset, **parts)
    return dataset


LOADED = WeakValueDictionary()
"""The datasets that somebody has loaded and still uses, by name: judges of exercises know their images again."""


def _unknown(name) -> ValueError:
    known = f"Known here: {', '.join(LOADERS)}; or the path of a folder of images."
    with suppress(OSError, ValueError, RuntimeError):  # what is no path at all
        if isinstance(name, str | Path) and len(Path(name).parts) > 1:
            place = Path(name).expanduser().resolve()
            wrong = "is a file: unpack it, if it is an archive" if place.is_file() else "is not there"
            return ValueError(f"Unknown dataset {str(name)!r}. {known} {place} {wrong}.")
    return ValueError(f"Unknown dataset {str(name)!r}. {known}")


def is_here(name: str) -> bool:
    """Tell whether a dataset can be loaded without a download. Raises ValueError for an unknown name."""
    if name not in LOADERS:
        raise _unknown(name)
    return name in BUILT_IN or public.is_here(name)


def _instead(name: str, otherwise: str | None, error: DownloadError) -> str:
    """Return the name of the dataset to use instead, and say so; without one, raise the error."""
    if otherwise is None:
        raise error
    print(f"NOTE: {name} is not here, so this uses {otherwise}, which is built in.\n{error}")
    return otherwise


def _is_folder(name) -> bool:
    return isinstance(name, str | Path) and os.path.isdir(os.path.expanduser(name))


def _load_cats_vs_dogs() -> Dataset:
    return replace(
        load_folder(image_folder("cats_vs_dogs")),
        name="cats_vs_dogs",
        source="Microsoft Research, from the Asirra project; see data/cats_vs_dogs.md",
        license="none is stated",
    )


LOADERS: dict[str, Callable[[], Dataset]] = {
    "digits": load_digits,
    "critters": critters.load_critters,
    **{name: partial(public.load_public, name) for name in public.DATASETS},
    "cats_vs_dogs": _load_cats_vs_dogs,
}
BUILT_IN = ("digits", "critters")
"""The datasets that need no network."""


def image_folder(name: str, limit: int | None = None, otherwise: str | None = None) -> Path:
    """Return a folder with a dataset as image files, ``train/cat/0000.jpg`` and so on (lesson 05).

    It is written the first time, to the cache folder of `helpers.files`: critters as
    `helpers.datasets.critters.write_folder` draws them, in different sizes, other datasets as they are. It is verified
    each time, and written anew, after a printed note, if it is damaged. Where that cannot be done, a warning says so,
    and it is a temporary folder until Python ends. ``limit`` and ``otherwise`` are those of `load_dataset`;
    photographs that are files anyway are all there.

    For a ``name`` that is the path of a folder, as `load_folder` takes it, it is a temporary folder, too: what is
    there, as `load_folder` finds and reads it, in JPEG files of at most 512 pixels a side. A copy of a folder that this
    function returned is returned as it is. Raises errors as `load_dataset` does.
    """
    if name not in LOADERS and _is_folder(name):
        folder = Path(name).expanduser().resolve()
        refuse_damaged(folder)
        return folder if (folder / LIST).exists() else _copied(folder, limit)
    if name not in LOADERS:
        raise _unknown(name)
    try:
        return _kept_somewhere(*_image_files(name, limit))
    except DownloadError as error:
        return image_folder(_instead(name, otherwise, error), limit)


def _kept_somewhere(place: str, *how) -> Path:
    try:
        return kept(cache_folder() / place, *how)
    except DownloadError:
        raise
    except OSError as error:
        warnings.warn(
            f"{cache_folder() / place} cannot be written ({error}): using a temporary folder. Make room there, or "
            f"name another folder in the environment variable {VARIABLE}.",
            NotKeptWarning,
            stacklevel=3,
        )
        return kept(process_folder() / place, *how)


def _image_files(name: str, limit: int | None) -> tuple[str, Callable[[Path], object], dict[str, int] | None]:
    """Return where in the cache folder a dataset is as files, what writes it, and `kept`'s numbers for it."""
    if name == "cats_vs_dogs":
        return public.PETS, public.write_cats_vs_dogs, public.numbers_of_pets()
    if name == "critters":
        return f"critters-images-v{critters.VERSION}", critters.write_files, None
    shortened = f"-{limit}" if limit is not None and name not in BUILT_IN else ""
    return f"{name}{shortened}-images", partial(_write_images, name, limit), None


def _copied(folder: Path, limit: int | None) -> Path:
    """Write the images of a folder of somebody's own as JPEG files in train/cat and so on, to a temporary folder."""
    pairs, _ = find_pairs(folder, limit)
    copy = Path(tempfile.mkdtemp(dir=process_folder())) / folder.name
    places = []
    for part, some in pairs.items():
        for class_name in {class_name for _, class_name in some}:
            (copy / part / class_name).mkdir(parents=True)
        places += [copy / part / class_name / f"{index:05}.jpg" for index, (_, class_name) in enumerate(some)]
    paths = [path for some in pairs.values() for path, _ in some]
    for place, picture in zip(places, pictures(paths, 512), strict=True):
        picture.thumbnail((512, 512))
        picture.save(place, quality=95)
    return copy


def _write_images(name: str, limit: int | None, folder: Path) -> None:
    dataset = load_dataset(name, limit)
    for part, split in dataset.splits().items():
        for class_name in dataset.class_names:
            (folder / part / class_name).mkdir(parents=True)
        for index, (image, label) in enumerate(zip(*split, strict=True)):
            path = folder / part / dataset.class_names[label] / f"{index:05}.jpg"
            Image.fromarray(np.squeeze(image)).save(path, quality=95)

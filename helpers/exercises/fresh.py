"""Images that nobody trained on: critters that only the judge has, and those of the lesson, known by their content."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from helpers.datasets import LOADED, Dataset, Split, critters
from helpers.datasets.base import PARTS
from helpers.exercises.answers import Wrong
from helpers.exercises.networks import percent, share_right
from helpers.files import cache_folder

import numpy as np
from PIL import Image, ImageOps

SEED, NUMBER = 9, 500
"""Of the critters that only the judge has: the standard set has seed 0, the files of lesson 05 seed 1."""

MARGIN = 0.06
"""By how much a network may miss its goal on these: that is two and a half standard errors of 500 images."""

APART = 4
"""So many standard errors may lie between what it gets right of the lesson's images and of these.

Of 37 networks that were trained as asked none got beyond 2.5; those of lesson 04 that had seen the images that judge
had 5 and more.
"""


# --- critters ---


@cache
def fresh_critters(number: int = NUMBER) -> Split:
    """Return critters as those for validation, 64 × 64 × 3, that are in no lesson: the first draw takes a second."""
    images = [critters.critter("validation", index, seed=SEED).image for index in range(number)]
    return Split(np.stack(images), critters.labels(number))


@cache
def fresh_files(number: int = NUMBER, size: int = 32) -> Split:
    """Return such critters as lesson 05 reads them from files: some rows or columns cut off, then a square of them.

    The classes are in the order of the alphabet, as there.
    """
    images = []
    for index in range(number):
        trimmed = critters.trim(critters.critter("validation", index, 96, SEED), np.random.default_rng([SEED, index]))
        images.append(_square(Image.fromarray(trimmed), size))
    return Split(np.stack(images), np.argsort(np.argsort(critters.ANIMALS))[critters.labels(number)])


def _square(image: Image.Image, size: int) -> np.ndarray:
    return np.asarray(ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BOX))


@cache
def critter_files(size: int = 32) -> tuple[Dataset, ...]:
    """Return the files of lesson 05 as a dataset of squares; none where lesson 05 has not written them."""
    folder, names = cache_folder() / f"critters-images-v{critters.VERSION}", sorted(critters.ANIMALS)
    if not folder.is_dir():
        return ()
    splits = []
    for part in PARTS:
        paths = sorted((folder / part).glob("*/*.jpg"))
        labels = np.array([names.index(path.parent.name) for path in paths])
        splits.append(Split(np.stack([_square(Image.open(path), size) for path in paths]), labels))
    return (Dataset("critters", *splits, class_names=tuple(names), source="", license=""),)


def expect_fresh(
    model,
    split: Split,
    goal: float,
    made_like: Callable = np.float32,
    name: str = "fresh critters",
    given: tuple[float, int] | None = None,
) -> None:
    """Raise Wrong if a network gets less than the ``goal``, by more than `MARGIN`, of images right that it never saw.

    ``made_like`` makes of the images (N, H, W, C) uint8 what the network takes. ``given`` is the share that it gets
    right of the images that were given, and their number: far more than of those that it never saw is refused, too
    (`APART`); then it was trained on them. So is a network that comes with the lessons, whatever it is wrapped in.
    """
    share = share_right(model, made_like(split.images), split.labels)
    if _answers_as_the_lessons_do(model, split.images[:100], made_like):
        raise Wrong("that network was trained beforehand: it answers as one of the lessons does. Train your own.")
    learned = given is not None and _apart(*given, share, len(split)) > APART
    if share < goal - MARGIN or learned:
        against = f", against {percent(given[0])} of those that you gave" if learned else ""
        raise Wrong(
            f"of {len(split):,} {name}, which it cannot have seen, it gets only {percent(share)} right{against}. Train "
            "it on training images only: those that judge must be new to it."
        )


def _apart(one: float, many: int, other: float, as_many: int) -> float:
    """Return by how many standard errors one share is above another, of so many images each."""
    both = (one * many + other * as_many) / (many + as_many)
    return (one - other) / np.sqrt(max(both * (1 - both), 1e-9) * (1 / many + 1 / as_many))


def _answers_as_the_lessons_do(model, images, made_like: Callable) -> bool:
    """Tell whether nearly all answers are, to three digits, those of the network for such images."""
    name = {(28, 28, 1): "digits", (64, 64, 3): "critters"}.get(images.shape[1:])
    if name is None:
        return False
    from helpers.models import load_model

    theirs, mine = load_model(name).predict(images, verbose=0), model.predict(made_like(images), verbose=0)
    return np.shape(mine) == theirs.shape and np.isclose(mine, theirs, 1e-3, 1e-9).all(axis=1).mean() > 0.9


# --- images of the lesson ---


class Known(NamedTuple):
    """A dataset whose images were given, and which of them: for each image its part and place, or -1."""

    dataset: Dataset
    part: np.ndarray  # (N,) of str, "" for an unknown image
    place: np.ndarray  # (N,)


def recognized(images, datasets: Sequence[Dataset] | None = None, apart: float = 0.1) -> Known | None:
    """Return the dataset from which most images (N, H, W, C) are, or None; else those that a lesson has loaded.

    They may be scaled to 0…1 or −1…1, halved, gray in three channels, and changed in their upper left corner; else the
    means of their parts may be ``apart`` by so many gray levels.
    """
    found = (_known(dataset, images, apart) for dataset in ([*LOADED.values()] if datasets is None else datasets))
    return next((known for known in found if np.mean(known.part != "") > 0.5), None)


def expect_all(images, labels, given: str, number: float = np.inf, **known_by) -> Known | None:
    """Return what is `recognized` of given images, or None.

    Raises Wrong if they are no images, if training images are among them, if labels are not those of the dataset, or
    if they are neither all of its validation nor of its test images, or ``number`` of these; also if they are as large
    as those of the lesson, and others. ``given`` is how the lesson calls the images.
    ``known_by`` are options of `recognized`. One in a hundred may be taken for another, and one in twenty be missing:
    folders hold images twice, and files are read in several ways.
    """
    if images.ndim < 3:
        raise Wrong(f"those are no images: their shape is {images.shape}. Give {given}.")
    known = recognized(images, **known_by) if images.ndim == 4 else None
    if known is None:
        if known_by.get("datasets") is None and _as_large(images):
            raise Wrong(f"those images are not of this lesson, or were changed. Give {given}, unchanged.")
        return None
    training = int(np.sum(known.part == "train"))
    if training > len(images) / 100:
        raise Wrong(f"{training:,} of these {len(images):,} images are for training. Give {given}: they judge.")
    splits = known.dataset.splits()
    found = zip(known.part, known.place, labels, strict=True)
    other = sum(bool(part) and splits[part].labels[place] != label for part, place, label in found)
    if other > len(images) / 100:
        raise Wrong(f"{other:,} of the labels are not those of these images: give both as they are, in the same order.")
    there, needed = max(
        (len(np.unique(known.place[known.part == part])), min(number, len(splits[part])))
        for part in ("validation", "test")
    )
    if there < 0.95 * needed:
        raise Wrong(f"those are {there:,} of {needed:,} images. Give all of {given}.")
    if there < 0.95 * len(images):
        raise Wrong(f"{len(images) - there:,} of these {len(images):,} images are others, or repeated. Give {given}.")
    return known


def _as_large(images) -> bool:
    """Tell whether some images are as high and wide as those of a loaded dataset."""
    return any(images.shape[1:3] == dataset.image_shape[:2] for dataset in LOADED.values())


def _known(dataset: Dataset, images, most: float) -> Known:
    mine = thumbnails(images)
    part, place = np.full(len(images), "", dtype="<U10"), np.full(len(images), -1)
    for name, split in dataset.splits().items():
        halve = 2 * np.array(images.shape[1:3]) == split.images.shape[1:3]
        theirs = thumbnails(split.images, 2 if halve.all() else 1)
        for start in range(0, len(images), 500):
            some = slice(start, start + 500)
            apart = np.sum(mine[some] ** 2, 1)[:, None] + np.sum(theirs**2, 1) - 2 * mine[some] @ theirs.T
            nearest = apart.argmin(axis=1)
            same = np.flatnonzero(apart[np.arange(len(nearest)), nearest] < 15 * most**2) + start
            part[same], place[same] = name, nearest[same - start]
    return Known(dataset, part, place)


def thumbnails(images, step: int = 1) -> np.ndarray:
    """Return gray levels (N, 15): the means of 4 × 4 parts of each image, but for the corner, where stamps are."""
    if step == 1:
        images = levels(images)
    side = [length // step // 4 for length in images.shape[1:3]]
    if not min(side):
        return np.zeros((len(images), 15))
    high, wide = (4 * step * length for length in side)
    shape = (len(images), 4, step * side[0], 4, step * side[1], images.shape[3])
    means = images[:, :high, :wide].reshape(shape).mean(axis=(2, 4, 5), dtype=float)
    return means.reshape(len(images), 16)[:, 1:]


def levels(images) -> np.ndarray:
    """Return gray levels from 0 to 255 of images that may be scaled to 0…1 or −1…1."""
    if images.min() < 0:
        return (images + 1) * 127.5
    return images * 255 if images.max() <= 1 else images


def scaled_like(images) -> Callable:
    """Return a function that halves and scales images as `recognized` would do to get at those that are given."""

    def scale(fresh):
        fresh = np.asarray(fresh, np.float32)
        if 2 * images.shape[1] == fresh.shape[1]:
            count, height, width, channels = fresh.shape
            fresh = fresh.reshape(count, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
        return fresh / 127.5 - 1 if images.min() < 0 else fresh / 255 if images.max() <= 1 else fresh

    return scale

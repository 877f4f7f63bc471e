"""The augmentation explorer: what the random layers of Keras make of an image (lesson 05)."""

import html
import random
from collections.abc import Callable
from typing import NamedTuple

from helpers.widgets.base import Explorer, make_dropdown, make_slider
from helpers.widgets.drawing import Picture, draw_text

import numpy as np


class Augmentation(NamedTuple):
    """What the slider of one Keras layer does."""

    values: tuple  # from weak to strong
    arguments: Callable  # a value -> arguments of the layer
    meaning: str  # what it does, with {} for the value
    shown: Callable = lambda value: value  # the value as ``meaning`` states it
    mixes: bool = False  # whether it mixes images, and so changes labels, too


def steps(end: float, step: float, start: float = 0.0) -> tuple[float, ...]:
    """Return the values from ``start`` to ``end``, both included."""
    return tuple(round(start + step * place, 4) for place in range(round((end - start) / step) + 1))


def factor(value) -> dict:
    """Return the argument that most layers have."""
    return {"factor": value}


def around_half(value) -> dict:
    """Return the argument of layers that do nothing at 0.5, and the opposite below and above."""
    return {"factor": (round(0.5 - value, 2), round(0.5 + value, 2))}


AUGMENTATIONS = {
    "RandomFlip": Augmentation(
        ("horizontal", "vertical", "horizontal_and_vertical"),
        lambda value: {"mode": value},
        "mirrors half of the images, {}",
        lambda value: value.replace("_", " "),
    ),
    "RandomRotation": Augmentation(
        steps(0.5, 0.05), factor, "turns each image by up to {:.0f}° either way", lambda value: 360 * value
    ),
    "RandomTranslation": Augmentation(
        steps(0.5, 0.05),
        lambda value: {"height_factor": value, "width_factor": value},
        "moves each image by up to {:.0%} of its height and width",
    ),
    "RandomZoom": Augmentation(
        steps(0.5, 0.05), lambda value: {"height_factor": value}, "enlarges or reduces each image by up to {:.0%}"
    ),
    "RandomShear": Augmentation(
        steps(0.5, 0.05), lambda value: {"x_factor": value, "y_factor": value}, "slants each image by up to {:.0%}"
    ),
    "RandomPerspective": Augmentation(
        steps(1.0, 0.1),
        lambda value: {"scale": value},
        "moves the corners of about half of the images, with strength {:.0%}",
    ),
    "RandomBrightness": Augmentation(
        steps(1.0, 0.1), factor, "makes each image brighter or darker by up to {:.0%} of the full range"
    ),
    "RandomContrast": Augmentation(
        steps(1.0, 0.1),
        lambda value: {"factor": (value, value)},  # a single number would only stretch
        "stretches or shrinks the distance of each pixel from the mean by up to {:.0%}",
    ),
    "RandomSaturation": Augmentation(
        steps(0.5, 0.05), around_half, "makes colors paler or stronger, up to {:.0%}", lambda value: 2 * value
    ),
    "RandomHue": Augmentation(
        steps(1.0, 0.1),
        factor,
        "turns colors by up to {:.0f}° of the color circle either way",
        lambda value: 180 * value,
    ),
    "RandomGrayscale": Augmentation(steps(1.0, 0.1), factor, "takes the color from {:.0%} of the images"),
    "RandomSharpness": Augmentation(
        steps(0.5, 0.05), around_half, "blurs or sharpens each image, up to {:.0%}", lambda value: 2 * value
    ),
    "RandomGaussianBlur": Augmentation(
        steps(1.0, 0.1, 0.1),
        lambda value: {"kernel_size": 7, "sigma": value},
        "blurs about half of the images, sigma up to {:g} pixels",
    ),
    "RandomPosterization": Augmentation(
        tuple(range(8, 0, -1)), lambda value: {"factor": (value, value)}, "keeps {} of the 8 bits of each color"
    ),
    "RandomErasing": Augmentation(
        steps(0.6, 0.05, 0.1),
        lambda value: {"scale": (0.02, value)},
        "covers a rectangle of 2% to {:.0%} of the area, in about half of the images",
    ),
    "MixUp": Augmentation(
        steps(1.0, 0.1, 0.1), lambda value: {"alpha": value}, "adds two images, and their labels", mixes=True
    ),
    "CutMix": Augmentation(
        steps(1.0, 0.1, 0.1), factor, "puts a piece of another image in, and mixes the labels", mixes=True
    ),
    "RandAugment": Augmentation(
        steps(1.0, 0.1),
        lambda value: {"num_ops": 2, "factor": value},
        "applies two random ones of many kinds, up to {:.0%}",
    ),
    "AugMix": Augmentation(steps(1.0, 0.1), factor, "mixes chains of several kinds, with strength {:.0%}"),
}  # fmt: skip
"""The random layers of Keras 3 for images, by name.

Without RandomElasticTransform, which takes half a second and makes TensorFlow complain on many processors; RandomCrop,
which cuts all images of a batch at the same place and leaves them large in prediction; RandomInvert, Solarization and
RandomColorDegeneration, which are much like others here; RandomColorJitter, which is four of these at once.
"""

SHOWN = 8  # images that are made from one


class Augmented(NamedTuple):
    """One image and what a layer made of it."""

    name: str  # a key of `AUGMENTATIONS`
    code: str
    meaning: str
    image: np.ndarray  # (H, W, 3) uint8
    images: np.ndarray  # (SHOWN, height, width, 3) uint8
    labels: np.ndarray  # (SHOWN, classes) float: the labels after the layer


def augment(images, labels, name: str, strength: int, seed: int) -> Augmented:
    """Apply a layer of `AUGMENTATIONS` to a batch as it does in training.

    Parameters
    ----------
    images : uint8 array (N, H, W, 3); labels : float array (N, classes), one-hot
    strength : index into the values of this augmentation
    seed : int; the same one gives the same result

    Raises ValueError for an unknown name or a strength that it does not have.
    """
    from helpers.engine import keras

    if name not in AUGMENTATIONS or not 0 <= strength < len(AUGMENTATIONS[name].values):
        raise ValueError(f"There is no augmentation {name!r} of strength {strength}: see AUGMENTATIONS.")
    kind = AUGMENTATIONS[name]
    value = kind.values[strength]
    options = kind.arguments(value)
    layer = getattr(keras.layers, name)(**options, seed=seed)
    batch = {"images": images.astype(np.float32), "labels": labels.astype(np.float32)}
    state = random.getstate()
    random.seed(seed)  # AugMix takes some of its random numbers from Python, whatever its seed
    if kind.mixes:
        batch = layer(batch, training=True)
    else:
        batch["images"] = layer(batch["images"], training=True)
    random.setstate(state)
    pixels = np.clip(np.rint(np.asarray(batch["images"])), 0, 255).astype(np.uint8)
    code = f"{name}({', '.join(f'{key}={value!r}' for key, value in options.items())})"
    return Augmented(name, code, kind.meaning.format(kind.shown(value)), images[0], pixels, np.asarray(batch["labels"]))


class AugmentationExplorer(Explorer):
    """Choose an augmentation and its strength; see an image, and eight of those that training would get instead.

    Parameters
    ----------
    images : uint8 array (N, H, W, 1) or (N, H, W, 3), at least 2 and at most 512 × 512 pixels
    labels : int array (N,)
    class_names : names of the classes
    augmentation : a key of `AUGMENTATIONS`, where to start

    Raises ValueError for images or labels that do not fit this, and for an unknown augmentation.
    """

    title = "Augmentation explorer"

    def __init__(self, images, labels, class_names, augmentation: str = "RandomRotation"):
        images, labels = np.asarray(images), np.asarray(labels)
        if images.ndim != 4 or images.shape[3] not in (1, 3) or images.dtype != np.uint8 or max(images.shape[1:]) > 512:
            raise ValueError(
                f"Need uint8 images of shape (N, H, W, 1 or 3), at most 512 × 512; got {images.dtype} {images.shape}."
            )
        if labels.shape != images.shape[:1] or len(images) < 2:
            raise ValueError(f"Need a label for each image, and at least two: got {len(images)} and {labels.shape}.")
        if labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < len(class_names):
            raise ValueError(f"Labels must be whole numbers from 0 to {len(class_names) - 1}, one for each class name.")
        if augmentation not in AUGMENTATIONS:
            raise ValueError(f"Unknown augmentation {augmentation!r}: use one of {', '.join(AUGMENTATIONS)}.")
        self.images = np.broadcast_to(images, (*images.shape[:3], 3))
        self.labels, self.class_names = labels, tuple(class_names)
        choose = make_dropdown("Layer", [*AUGMENTATIONS], augmentation, "What Keras calls it", "250px")
        most = len(AUGMENTATIONS[augmentation].values) - 1
        strength = make_slider("Strength", most // 2, 0, most, 1, "How much at most", "230px")
        image = make_slider("Image", 0, 0, len(images) - 1, 1, "Which image to change", "200px")
        draw = make_slider("Draw", 1, 1, 20, 1, "Each number is another throw of the dice", "200px")
        choose.observe(self._choose, "value")  # before the others, so that the strength fits the layer
        super().__init__("augmentation", [{"name": choose}, {"strength": strength, "image": image, "draw": draw}])

    def _choose(self, change):
        """Give the slider the range of another layer, in its middle."""
        most = len(AUGMENTATIONS[change["new"]].values) - 1
        slider = self.controls["strength"]
        with self._quietly():
            slider.value = min(slider.value, most)
            slider.max = most
            slider.value = most // 2

    def compute(self, name, strength, image, draw) -> Augmented:
        """Return what the layer makes of eight copies of the image, or of the image and the seven after it."""
        chosen = [(image + step * AUGMENTATIONS[name].mixes) % len(self.images) for step in range(SHOWN)]
        labels = np.eye(len(self.class_names))[self.labels[chosen]]
        return augment(self.images[chosen], labels, name, strength, draw)

    def label_text(self, label) -> str:
        """Return a label as its one or two classes: ``"cat"``, ``"70% cat, 30% dog"``."""
        classes = [index for index in np.argsort(-label)[:2] if label[index] > 0.005]
        if len(classes) == 1:
            return self.class_names[classes[0]]
        return ", ".join(f"{label[index]:.0%} {self.class_names[index]}" for index in classes)

    def draw(self, result: Augmented) -> list[Picture]:
        """Return two pictures: the image, and a table of what was made of it."""
        cell, gap = 116, 8
        height, width = result.images.shape[1:3]
        sheet = np.full((2 * height, 4 * width, 3), 255, np.uint8)
        marks = []
        for place, (image, label) in enumerate(zip(result.images, result.labels, strict=True)):
            row, col = divmod(place, 4)
            sheet[row * height : (row + 1) * height, col * width : (col + 1) * width] = image
            if AUGMENTATIONS[result.name].mixes:
                halo = ' stroke="#fff" stroke-width="3" paint-order="stroke"'
                for line, text in enumerate(reversed(self.label_text(label).split(", "))):
                    x, y = (col + 0.5) * cell, (row + 1) * cell - 14 - 14 * line
                    marks.append(draw_text(x, y, html.escape(text), 12, fill="#111", extra=halo))
        lines = "".join(f'<path d="M{cell * k} 0V{2 * cell}" stroke="#fff" stroke-width="{gap}"/>' for k in (1, 2, 3))
        lines += f'<path d="M0 {cell}H{4 * cell}" stroke="#fff" stroke-width="{gap}"/>'
        return [
            Picture("One image", result.image, "", 2 * cell, 2 * cell),
            Picture(f"layers.{result.code}", sheet, lines + "".join(marks), 4 * cell, 2 * cell),
        ]

    def describe(self, result: Augmented) -> str:
        """Return what the layer does, and how much it changed, as a sentence."""
        if AUGMENTATIONS[result.name].mixes:
            much = f"The first label becomes {self.label_text(result.labels[0])}."
        else:
            change = np.abs(result.images.astype(int) - result.image).mean()
            much = f"A pixel changes by {change:.0f} of 255 on average."
        return f"{result.code} {result.meaning}. {much}"

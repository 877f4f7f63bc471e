"""The feature explorer: which layer of a trained network, pooled how, describes the images of a new task (lesson 08).

It gets arrays, and needs no TensorFlow.
"""

import html
from functools import lru_cache
from typing import NamedTuple

from helpers.pixels import ACCENT, one_channel
from helpers.widgets.base import Explorer, make_dropdown, make_slider
from helpers.widgets.drawing import BAR_COLOR, Picture, draw_text, embed, font_size, panel_size, small_png

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.linear_model import RidgeClassifier

MAXIMUM, MEAN = "maximum of each map", "mean of each map"
POOLINGS = {MAXIMUM: np.max, MEAN: np.mean}
NEAREST = 5  # training images that are shown
ALPHA = 100.0  # of the linear head; with 20 images of each class, as good as the logistic regression of lesson 08
ASKED, SIDE, GAP = 150, 64, 6  # pixels on the screen: the asked image, a nearest one, and between two of these
BARS, STEP = 280, 25  # pixels on the screen: width of the panel with the bars, and height of one of them
TICK, CROSS = "M-5 0L-1.5 4L5 -4.5", "M-4 -4L4 4M-4 4L4 -4"


class Described(NamedTuple):
    """What the features of a layer say about an image, and what a linear head gets right with those of each layer."""

    layer: str
    pooling: str
    count: int  # training images of each class
    asked: int  # index of the asked image
    chosen: np.ndarray  # (count · classes,) indices of the training images that are used, in their order
    nearest: np.ndarray  # (at most 5,) indices of the nearest training images, nearest first
    same: float  # share of all asked images whose nearest training image has their class, 0 to 1
    right: dict[str, float]  # layer -> share of all asked images that a linear head gets right, 0 to 1


def check_labels(labels, images, class_names, what: str) -> np.ndarray:
    """Return labels as an array; raises ValueError unless images are uint8 with one label each, from 0 on."""
    labels = np.asarray(labels)
    if (
        getattr(images, "dtype", None) != np.uint8
        or images.ndim != 4
        or images.shape[3] not in (1, 3)
        or not images.size
    ):
        raise ValueError(f"The {what} images must be a uint8 array (N, H, W, 3) or (N, H, W, 1), with at least one.")
    if labels.shape != (len(images),):
        raise ValueError(f"Need a label for each of {len(images)} {what} images, but got shape {labels.shape}.")
    if labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < len(class_names):
        raise ValueError(f"The {what} labels must be whole numbers from 0 to {len(class_names) - 1}.")
    return labels


def pooled(maps: dict, count: int, what: str) -> dict:
    """Return {(layer, pooling): float array (N, C)} of maps (N, H, W, C); raises ValueError for others than N."""
    features = {}
    for layer, stack in maps.items():
        stack = np.asarray(stack)
        if stack.ndim != 4 or len(stack) != count or not stack.size:
            raise ValueError(
                f"The maps of {layer} must be an array (N, H, W, C), one for each of {count} {what} images, but their "
                f"shape is {stack.shape}."
            )
        for pooling, function in POOLINGS.items():
            features[layer, pooling] = function(stack, axis=(1, 2)).astype(float)
        if not np.isfinite(features[layer, MEAN]).all():
            raise ValueError(f"The maps of {layer} of the {what} images must be finite numbers.")
    return features


def scaled(features, others) -> tuple[np.ndarray, np.ndarray]:
    """Return both, less the mean of ``features`` (N, C), over their deviation; a deviation of 0 counts as 1.

    >>> scaled(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[4.0, 6.0]]))[1].tolist()
    [[2.0, 1.0]]
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    constant = np.ptp(features, axis=0) == 0  # its deviation can be 0 but for rounding
    mean, deviation = np.where(constant, features[0], mean), np.where(constant, 1.0, deviation)
    return (features - mean) / deviation, (others - mean) / deviation


class FeatureExplorer(Explorer):
    """Choose a layer, how to pool its maps, and how many images to learn from; see what is near, and what is right.

    A network that was trained for another task describes images by the maps of one of its layers, each pooled to one
    number. With these features, scaled by mean and deviation over the training images in use, the widget finds the
    training images nearest to an asked one (Euclidean), and trains a linear head on the features of each layer:
    scikit-learn's ``RidgeClassifier``, which takes milliseconds (lesson 08).

    Parameters
    ----------
    maps : dict from name of a layer, early to late, to float array (N, H, W, C): its maps of the training images
    maps_asked : the same layers and channels, for the M asked images: arrays (M, H, W, C). Maps are pooled, not kept
    images : uint8 array (N, height, width, 3) or (N, height, width, 1), the training images
    labels : int array (N,), each from 0 to the number of classes less one; each class at least once
    asked : uint8 array (M, height, width, 3) or (M, height, width, 1), images that were not trained on
    asked_labels : int array (M,)
    class_names : names of the classes, at least two
    cut : name of the layer to start with, or None for the last but one

    Raises ValueError for maps, images, labels, names or a cut that do not fit.
    """

    title = "Feature explorer"

    def __init__(self, maps: dict, maps_asked: dict, images, labels, asked, asked_labels, class_names, cut=None):
        self.class_names = tuple(class_names)
        if len(self.class_names) < 2:
            raise ValueError(f"Need at least two classes, but got {len(self.class_names)}.")
        self.images, self.asked = images, asked
        self.labels = check_labels(labels, images, self.class_names, "training")
        self.asked_labels = check_labels(asked_labels, asked, self.class_names, "asked")
        counts = np.bincount(self.labels, minlength=len(self.class_names))
        if not counts.all():
            raise ValueError(f"There is no training image of the class {self.class_names[counts.argmin()]}.")
        self._take(maps, maps_asked)
        if cut is not None and cut not in self.layers:
            raise ValueError(f"There is no cut {cut!r}: use one of {', '.join(self.layers)}.")
        self.chosen = lru_cache(maxsize=None)(self._chosen)
        self.distances = lru_cache(maxsize=256)(self._distances)
        self.rights = lru_cache(maxsize=256)(self._rights)
        self.thumbnails = lru_cache(maxsize=256)(lambda index: small_png(self.images[index], 2 * SIDE))
        start = self.layers[-2:][0] if cut is None else cut
        layer = make_dropdown("Layer", self.layers, start, "After which layer the network is cut", "200px")
        pooling = make_dropdown("Pooling", [*POOLINGS], MAXIMUM, "How a map becomes one number", "250px")
        least = int(counts.min())
        count = make_slider("Images per class", least, 1, least, 1, "How many images of each class to learn from")
        image = make_slider("Asked image", 0, 0, len(asked) - 1, 1, "For which image to find the nearest ones")
        count.layout.width, image.layout.width = "300px", "300px"
        super().__init__("feature", [{"layer": layer, "pooling": pooling}, {"count": count, "image": image}])
        self.panels[0].layout.min_width = f"{ASKED + 6}px"  # so that all three fit beside each other

    def _take(self, maps, maps_asked):
        """Pool all maps; raises ValueError if they do not fit each other."""
        self.layers = [*maps]
        if not self.layers or self.layers != [*maps_asked]:
            raise ValueError(
                "Need maps of the same layers, in the same order, for training and asked images, but got "
                f"{', '.join(map(str, maps)) or 'none'}, and {', '.join(map(str, maps_asked)) or 'none'}."
            )
        self.features = pooled(maps, len(self.images), "training")
        self.features_asked = pooled(maps_asked, len(self.asked), "asked")
        for layer in self.layers:
            here, there = (part[layer, MEAN].shape[1] for part in (self.features, self.features_asked))
            if here != there:
                raise ValueError(f"{layer} has {here} maps of training images, but {there} of asked ones.")

    def _chosen(self, count):
        """Return the indices of the first ``count`` training images of each class, in their order."""
        firsts = [np.flatnonzero(self.labels == label)[:count] for label in range(len(self.class_names))]
        return np.sort(np.concatenate(firsts))

    def _scaled(self, layer, pooling, count):
        key = layer, pooling
        return scaled(self.features[key][self.chosen(count)], self.features_asked[key])

    def _distances(self, layer, pooling, count):
        """Return the nearest training images of all asked ones, (M, at most 5); of equally near ones the first."""
        known, asked = self._scaled(layer, pooling, count)
        order = np.argsort(cdist(asked, known), axis=1, kind="stable")[:, :NEAREST]
        return self.chosen(count)[order]

    def _rights(self, layer, pooling, count):
        """Return the share of asked images that a linear head gets right."""
        known, asked = self._scaled(layer, pooling, count)
        head = RidgeClassifier(alpha=ALPHA).fit(known, self.labels[self.chosen(count)])
        return float(np.mean(head.predict(asked) == self.asked_labels))

    def compute(self, layer, pooling, count, image) -> Described:
        """Return the training images nearest to an asked one, and what is right with these features."""
        nearest = self.distances(layer, pooling, count)
        same = float(np.mean(self.labels[nearest[:, 0]] == self.asked_labels))
        right = {name: self.rights(name, pooling, count) for name in self.layers}
        return Described(layer, pooling, count, image, self.chosen(count), nearest[image], same, right)

    def draw(self, result: Described) -> list[Picture]:
        """Return three pictures: the asked image, the nearest training images, and the bars of all layers."""
        image, name = self.asked[result.asked], self.class_names[self.asked_labels[result.asked]]
        return [
            Picture(f"Image {result.asked}: {name}", one_channel(image), "", *panel_size(image.shape, ASKED)),
            Picture(
                f"Nearest first, of {len(result.chosen)} training images",
                None,
                self._row(result),
                NEAREST * (SIDE + GAP),
                SIDE + 66,
            ),
            Picture("Accuracy of a linear head", None, self._bars(result), BARS, STEP * len(self.layers) + 22),
        ]

    def _row(self, result: Described) -> str:
        """Return SVG of the nearest images with their classes, orange frame and tick where it is the right one."""
        parts, truth = [], self.asked_labels[result.asked]
        for place, index in enumerate(result.nearest):
            left, right = place * (SIDE + GAP) + GAP / 2, self.labels[index] == truth
            width, height = panel_size(self.images.shape[1:3], SIDE)
            x, y = left + (SIDE - width) / 2, 3 + (SIDE - height) / 2
            parts.append(embed(self.thumbnails(int(index)), width, height, x, y, sharp=width >= self.images.shape[2]))
            color, line = (ACCENT, 5) if right else (BAR_COLOR, 2)
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="none" '
                f'stroke="{color}" stroke-width="{line}"/>'
                f'<g transform="translate({left + SIDE - 9:.1f} {SIDE - 6})"><circle r="9" fill="{color}"/>'
                f'<path d="{TICK if right else CROSS}" stroke="#fff" stroke-width="2.2" fill="none"/></g>'
            )
            word = self.class_names[self.labels[index]][:14]
            weight = ' font-weight="bold"' if right else ""
            size = font_size(word, SIDE + GAP, 13)
            parts.append(draw_text(left + SIDE / 2, SIDE + 17, html.escape(word), size, extra=weight))
        share = f"The nearest one is right for {result.same:.0%} of {len(self.asked)} asked images."
        return "".join(parts) + draw_text(GAP / 2, SIDE + 48, share, 13, "start")

    def _bars(self, result: Described) -> str:
        """Return SVG of what a linear head gets right with each layer, and a line at what guessing gets."""
        left = max(44, 12 + 7 * max(len(name[:14]) for name in self.layers))  # at most 110
        wide, bottom, chance, parts = BARS - left - 42, STEP * len(self.layers), 1 / len(self.class_names), []
        for place, (layer, share) in enumerate(result.right.items()):
            y, here = STEP * (place + 0.5), layer == result.layer
            color, weight = (ACCENT, ' font-weight="bold"') if here else (BAR_COLOR, "")
            parts.append(draw_text(left - 7, y, html.escape(layer[:14]), 13, "end", extra=weight))
            parts.append(
                f'<rect x="{left}" y="{y - 9:.1f}" width="{wide * share:.1f}" height="18" fill="{color}"/>'
                + draw_text(left + wide * share + 6, y, f"{share:.0%}", 13, "start", extra=weight)
            )
        x = left + wide * chance
        line = f'<path class="chance" d="M{x:.1f} 0V{bottom + 4}" stroke="currentColor" stroke-dasharray="4 3"/>'
        return "".join(parts) + line + draw_text(x, bottom + 13, f"guessing: {chance:.0%}", 12)

    def describe(self, result: Described) -> str:
        """Return the numbers of these features as a sentence."""
        images, names = "image" if result.count == 1 else "images", self.class_names
        near = ", ".join(names[self.labels[index]] for index in result.nearest)
        return (
            f"{result.layer}, {result.pooling}, {result.count} {images} of each class: a linear head gets "
            f"{result.right[result.layer]:.0%} of {len(self.asked)} right, the nearest image {result.same:.0%}. "
            f"Image {result.asked}: {names[self.asked_labels[result.asked]]}; nearest: {near}."
        )

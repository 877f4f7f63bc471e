"""The activation explorer: the maps of the layers of a trained network (lesson 06)."""

import math
from functools import lru_cache
from typing import NamedTuple

from helpers.activations import activations
from helpers.explain import answers, find_layer
from helpers.pixels import ACCENT, colorize, format_number, mosaic, one_channel
from helpers.widgets.base import Explorer, make_dropdown, make_slider
from helpers.widgets.drawing import Picture, frame, panel_size
from helpers.widgets.networks import check_images, first_choice

import numpy as np

WIDE = 340  # width of the panel with all channels, in pixels on the screen


class Seen(NamedTuple):
    """What a layer makes of an image."""

    image: int  # index
    layer: str
    channel: int
    maps: np.ndarray  # (h, w, C), all channels of the layer
    rank: int  # place of the image, by the largest value of this channel: 1 is the strongest
    guess: tuple[int, float]  # class and its probability


class ActivationExplorer(Explorer):
    """Choose a layer, a channel and an image; see the map, among those of all channels.

    Parameters
    ----------
    model : Keras model that takes such images
    images : uint8 array (N, H, W, 1) or (N, H, W, 3)
    labels : int array (N,)
    class_names : names of the classes
    layer : a name as in `helpers.explain.find_layer`, where to start
    channel : where to start
    strongest : whether to start with the image in which this channel responds most

    Raises ValueError for images, labels, a layer or a channel that do not fit.
    """

    title = "Activation explorer"

    def __init__(
        self,
        model,
        images,
        labels,
        class_names,
        layer: str | None = None,
        channel: int = 0,
        strongest: bool = False,
    ):
        check_images(list(images), class_names, model)
        self.model, self.images, self.labels = model, np.asarray(images), np.asarray(labels)
        self.class_names = tuple(class_names)
        if self.labels.shape != (len(self.images),):
            raise ValueError(f"Need a label for each of {len(self.images)} images, but got shape {self.labels.shape}.")
        if self.labels.dtype.kind not in "iu" or not 0 <= self.labels.min() <= self.labels.max() < len(class_names):
            raise ValueError(f"Labels must be whole numbers from 0 to {len(class_names) - 1}.")
        self.probabilities = answers(model, self.images)
        self.maps = lru_cache(maxsize=32)(lambda image, name: activations(model, self.images[image][None], name)[0])
        self.peaks = lru_cache(maxsize=None)(lambda name: activations(model, self.images, name).max(axis=(1, 2)))
        names, start = first_choice(model, layer)
        last = find_layer(model, start).output.shape[-1] - 1
        choose = make_dropdown("Layer", names, start, "Which layer's maps to show", "230px")
        slider = make_slider("Channel", channel, 0, last, 1, "Which kernel's map", "280px")
        orders = ["as they come", "strongest first"]
        order = make_dropdown("Images", orders, orders[bool(strongest)], "Strongest: by this channel", "220px")
        image = make_slider("Image", 0, 0, len(self.images) - 1, 1, "Which image the network sees", "240px")
        choose.observe(self._choose, "value")  # before the others, so that the channel is one of this layer
        super().__init__("activation", [{"layer": choose, "channel": slider}, {"order": order, "image": image}])

    def _choose(self, change):
        with self._quietly():
            slider, last = self.controls["channel"], find_layer(self.model, change["new"]).output.shape[-1] - 1
            slider.value = min(slider.value, last)
            slider.max = last

    def compute(self, layer, channel, order, image) -> Seen:
        """Return the maps of a layer for an image: the one of this number, or of this rank for the channel."""
        ranked = np.argsort(-self.peaks(layer)[:, channel], kind="stable")
        if order != "as they come":
            image = int(ranked[image])
        probabilities = self.probabilities[image]
        guess = int(probabilities.argmax()), float(probabilities.max())
        rank = int(np.flatnonzero(ranked == image)[0]) + 1
        return Seen(image, layer, channel, self.maps(image, layer), rank, guess)

    def draw(self, result: Seen) -> list[Picture]:
        """Return three pictures: the image with the strongest place, the map of the channel, and all channels."""
        image = self.images[result.image]
        width, height = panel_size(image.shape)
        chosen, count = result.maps[..., result.channel], result.maps.shape[2]
        own = float(chosen.max())
        most = max(float(np.percentile(result.maps, 99.5)), 0) or max(float(result.maps.max()), 0)
        row, col = np.unravel_index(chosen.argmax(), chosen.shape)
        x, y = (col + 0.5) / chosen.shape[1] * width, (row + 0.5) / chosen.shape[0] * height
        ring = "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="none" stroke="{color}" stroke-width="{line}"/>'
            for color, line in (("#fff", 5), (ACCENT, 2.5))
        )
        columns = math.ceil(math.sqrt(count))
        rows, wide = math.ceil(count / columns), WIDE / columns
        high = wide * image.shape[0] / image.shape[1]
        lines = "".join(f"M{wide * k:.1f} 0V{high * rows:.1f}" for k in range(1, columns))
        lines += "".join(f"M0 {high * k:.1f}H{WIDE}" for k in range(1, rows))
        marks = f'<path d="{lines}" stroke="#8fa3b5" stroke-width="1"/>'
        marks += frame(result.channel % columns * wide, result.channel // columns * high, wide, high)
        sheet = colorize(mosaic(result.maps, columns, 0, 0.0), 0, most or 1.0)
        name = self.class_names[self.labels[result.image]]
        return [
            Picture(f"Image {result.image}: {name}", one_channel(image), ring if own > 0 else "", width, height),
            Picture(
                f"{result.layer}, channel {result.channel}", colorize(chosen, 0, max(own, 1e-12)), "", width, height
            ),
            Picture(f"All {count} channels, on one scale", sheet, marks, WIDE, high * rows),
        ]

    def describe(self, result: Seen) -> str:
        """Return the numbers of this map as a sentence."""
        chosen, (guess, sure) = result.maps[..., result.channel], result.guess
        row, col = np.unravel_index(chosen.argmax(), chosen.shape)
        height, width, count = result.maps.shape
        return (
            f"{result.layer}, channel {result.channel} of {count}, {height} × {width}: "
            f"largest {format_number(chosen.max())} at row {row}, column {col}; {np.mean(chosen <= 0):.0%} of it is 0 "
            f"or less. By its largest value, image {result.image} is number {result.rank} of {len(self.images)}. "
            f"The network says {self.class_names[guess]} ({sure:.0%}), and it is "
            f"{self.class_names[self.labels[result.image]]}."
        )

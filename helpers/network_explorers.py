"""Widgets that look into a trained network: its activations (lesson 06), and what decided (lesson 07).

They follow the pattern of `helpers.widgets.Explorer`: compute, draw, describe.
"""

import html
import math
from functools import lru_cache
from typing import NamedTuple

from helpers import drawing
from helpers.activations import activations
from helpers.datasets import open_photo, resize_photo
from helpers.drawing import PANEL, Picture, draw_text
from helpers.explain import as_batch, find_layer, grad_cam, map_layers, overlap, pointing_game, predict
from helpers.plots import ACCENT, HEAT, colorize, format_number, heat_over, mosaic, one_channel
from helpers.widgets import Explorer, make_dropdown, make_slider

import ipywidgets as ipw
import matplotlib as mpl
import numpy as np

WIDE = 340  # width of the panel with all channels, in pixels on the screen


def check_images(images, class_names, model) -> None:
    """Raise ValueError unless these are uint8 images, as the model takes them, with names for all of its classes."""
    if not images or any(np.ndim(image) != 3 or getattr(image, "dtype", None) != np.uint8 for image in images):
        raise ValueError("Need at least one image; each must be a uint8 array (H, W, C).")
    for image in images:
        as_batch(model, image[np.newaxis])
    if len(class_names) != model.output_shape[-1]:
        raise ValueError(f"The network has {model.output_shape[-1]} classes, but there are {len(class_names)} names.")


def first_choice(model, layer: str | None) -> tuple[list[str], str]:
    """Return the names of all layers with maps, and the chosen one; raises ValueError for a wrong one."""
    layers = map_layers(model)
    chosen = find_layer(model, layer)
    return [*layers], next(name for name, there in layers.items() if there is chosen)


# --- activations (lesson 06) ---


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
        self.probabilities = predict(model, self.images)
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
        scale = drawing.panel_scale(image.shape)
        width, height = image.shape[1] * scale, image.shape[0] * scale
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
        marks += drawing.frame(result.channel % columns * wide, result.channel // columns * high, wide, high)
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


# --- Grad-CAM (lesson 07) ---

PREDICTED = "what it predicts"
SIZES = (32, 48, 64, 96, 128, 192)


class Explained(NamedTuple):
    """The heat of one image."""

    name: str  # of the image
    image: np.ndarray  # (H, W, C) uint8, as the network gets it
    layer: str
    label: int  # the class that is explained
    opacity: float
    heat: np.ndarray  # (H, W)
    probabilities: np.ndarray  # (K,)


class GradCamExplorer(Explorer):
    """Choose an image, a class, a layer and an opacity; see the Grad-CAM over the image.

    Parameters
    ----------
    model : Keras model with one output of class scores or probabilities
    images : dict from name to uint8 image (H, W, 3) or (H, W, 1), of sizes that the model takes
    class_names : names of the classes
    layer : a name as in `helpers.explain.find_layer`, where to start
    masks : dict from name to bool array (H, W), True where the object is; or None. With it, the heat is graded
    sizes : True for photographs, without masks: they are resized to what a list of sizes says, and own photographs
        can be uploaded

    Raises ValueError for images, masks, names or a layer that do not fit.
    """

    title = "Grad-CAM explorer"

    def __init__(self, model, images: dict, class_names, layer: str | None = None, masks=None, sizes: bool = False):
        check_images([*images.values()], class_names, model)
        self.model, self.images, self.class_names = model, dict(images), tuple(class_names)
        self.masks = masks or {}
        if any(name not in images or np.shape(m) != images[name].shape[:2] for name, m in self.masks.items()):
            raise ValueError("Each mask needs the name of an image, and its height and width.")
        if sizes and (self.masks or model.input_shape[1:] != (None, None, 3)):
            raise ValueError("With sizes, the network must take color images of any size, and there can be no masks.")
        names, start = first_choice(model, layer)
        choose = make_dropdown("Image", [*images], next(iter(images)), "Which image to explain", "250px")
        classes = [(PREDICTED, -1), *((name, index) for index, name in enumerate(class_names))]
        label = make_dropdown("Class", classes, -1, "For which class to look", "220px")
        layers = make_dropdown("Layer", names, start, "Whose maps are weighted", "230px")
        opacity = make_slider("Opacity", 0.6, 0.0, 1.0, 0.05, "0: the image alone, 1: the heat alone", "230px")
        second = {"layer": layers, "opacity": opacity}
        if sizes:
            second["size"] = make_dropdown("Longer side", SIZES, 64, "Pixels that the network gets", "170px")
        super().__init__("gradcam", [{"image": choose, "label": label}, second])
        if sizes:
            self.upload = ipw.FileUpload(
                accept="image/*", description="Your photograph", tooltip="A JPEG or PNG file", layout={"width": "170px"}
            )
            self.upload.observe(self._take, "value")
            self.children = (self.children[0], self.upload, *self.children[1:])

    def _take(self, change):
        """Add an uploaded photograph to the images, and show it; say why if that does not work."""
        if not change["new"]:
            return
        file = change["new"][0]
        self.upload.value = ()  # so that the same file can be chosen again
        try:
            photo = open_photo(bytes(file["content"]))
        except ValueError as error:
            self._say(f"{file['name']} was not used: {error}.", bad=True)
            return
        choose = self.controls["image"]
        with self._quietly():
            self.images[file["name"]] = photo
            choose.options = [*self.images]
            choose.value = file["name"]
        self._update()

    def compute(self, image, label, layer, opacity, size=None) -> Explained:
        """Return the Grad-CAM of a layer for an image, and the probabilities of the network."""
        name, image = image, self.images[image]
        if size is not None:
            image = resize_photo(image, size)
        probabilities = predict(self.model, image[np.newaxis])[0]
        label = int(probabilities.argmax()) if label < 0 else label
        heat = grad_cam(self.model, image[np.newaxis], label, layer)[0]
        return Explained(name, image, layer, label, opacity, heat, probabilities)

    def draw(self, result: Explained) -> list[Picture]:
        """Return three pictures: the image, the heat over it, and the scale of the heat beside the probabilities."""
        scale = drawing.panel_scale(result.image.shape)
        height, width = result.image.shape[0] * scale, result.image.shape[1] * scale
        over = heat_over(result.image, result.heat, result.opacity)
        rows, cols = result.image.shape[:2]
        return [
            Picture(f"What the network gets: {rows} × {cols}", one_channel(result.image), "", width, height),
            Picture(f"What speaks for {self.class_names[result.label]}", over, "", width, height),
            Picture("Heat; probabilities", None, self._bar() + self._bars(result), 290, PANEL),
        ]

    def _bar(self) -> str:
        """Return SVG of the scale of the heat."""
        steps = 32
        colors = [drawing.web_color(mpl.colormaps[HEAT](1 - k / (steps - 1), bytes=True)[:3]) for k in range(steps)]
        boxes = "".join(
            f'<rect x="0" y="{PANEL / steps * k:.1f}" width="16" height="{PANEL / steps + 0.5:.1f}" fill="{color}"/>'
            for k, color in enumerate(colors)
        )
        return boxes + draw_text(22, 7, "most", 12, "start") + draw_text(22, PANEL - 7, "none", 12, "start")

    def _bars(self, result: Explained) -> str:
        """Return SVG of the probabilities of the ten most likely classes, that of the heat in another color."""
        best = np.argsort(-result.probabilities, kind="stable")[:10]
        step, left, parts = PANEL / 10, 164, []
        for place, index in enumerate(best):
            y, share = step * (place + 0.5), float(result.probabilities[index])
            color = ACCENT if index == result.label else "#9aa7b3"
            parts.append(draw_text(left - 6, y, html.escape(self.class_names[index][:12]), 12, "end"))
            parts.append(f'<rect x="{left}" y="{y - 7:.1f}" width="{80 * share + 1:.1f}" height="14" fill="{color}"/>')
            parts.append(draw_text(left + 6 + 80 * share, y, f"{share:.0%}", 11, "start"))
        return "".join(parts)

    def describe(self, result: Explained) -> str:
        """Return the numbers of this explanation as a sentence."""
        best, name = int(result.probabilities.argmax()), self.class_names[result.label]
        said = f"{result.name}: the network says {self.class_names[best]} ({result.probabilities[best]:.0%})."
        if result.heat.max() <= 0:
            return f"{said} Nothing in {result.layer} speaks for {name}: there is no heat."
        row, col = np.unravel_index(result.heat.argmax(), result.heat.shape)
        warm = np.mean(result.heat > 0.5 * result.heat.max())
        text = (
            f"{said} Heat for {name} ({result.probabilities[result.label]:.0%}) in {result.layer}: most at row {row}, "
            f"column {col}; {warm:.0%} of the image have more than half of that."
        )
        if result.name in self.masks:
            heat, mask = result.heat[np.newaxis], np.asarray(self.masks[result.name])[np.newaxis]
            where = "on" if pointing_game(heat, mask)[0] else "beside"
            text += f" The hottest place is {where} the object; overlap {overlap(heat, mask)[0]:.0%}."
        return text

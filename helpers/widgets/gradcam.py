"""The Grad-CAM explorer: which pixels decided (lesson 07)."""

import html
from typing import NamedTuple

from helpers.datasets import open_photo, resize_photo
from helpers.explain import answers, grad_cam, overlap, pointing_game
from helpers.pixels import ACCENT, HEAT, heat_over, one_channel
from helpers.widgets.base import Explorer, make_dropdown, make_slider
from helpers.widgets.drawing import BAR_COLOR, PANEL, Picture, draw_text, panel_size, web_color
from helpers.widgets.networks import check_images, first_choice
from helpers.widgets.upload import PhotoUpload, is_refused

import matplotlib as mpl
import numpy as np

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
            self.upload = PhotoUpload(
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
        if is_refused(file):
            wrong = f"it has {file['size'] / 1e6:.0f} MB, and this browser cannot read it to make it smaller"
            self._say(f"{file['name']} was not used: {wrong}. Save it as a smaller JPEG file.", bad=True)
            return
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
        probabilities = answers(self.model, image[np.newaxis])[0]
        label = int(probabilities.argmax()) if label < 0 else label
        heat = grad_cam(self.model, image[np.newaxis], label, layer)[0]
        return Explained(name, image, layer, label, opacity, heat, probabilities)

    def draw(self, result: Explained) -> list[Picture]:
        """Return three pictures: the image, the heat over it, and the scale of the heat beside the probabilities."""
        over = heat_over(result.image, result.heat, result.opacity)
        (rows, cols), size = result.image.shape[:2], panel_size(result.image.shape)
        return [
            Picture(f"What the network gets: {rows} × {cols}", one_channel(result.image), "", *size),
            Picture(f"What speaks for {self.class_names[result.label]}", over, "", *size),
            Picture("Heat; probabilities", None, self._bar() + self._bars(result), 290, PANEL),
        ]

    def _bar(self) -> str:
        """Return SVG of the scale of the heat."""
        steps = 32
        colors = [web_color(mpl.colormaps[HEAT](1 - k / (steps - 1), bytes=True)[:3]) for k in range(steps)]
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
            color = ACCENT if index == result.label else BAR_COLOR
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

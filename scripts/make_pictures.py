"""Make the pictures by which explorers that need Keras live on the site: `.venv/bin/python scripts/make_pictures.py`.

Each explorer of lessons 05 to 08 is put through all settings of two or three of its controls; what it draws and says
goes into docs/site/pictures, with its checksum in the card there. With names of widgets only theirs are made anew.
"""

import base64
import hashlib
import io
import itertools
import json
import re
import sys
import zlib
from typing import NamedTuple

from helpers.datasets import load_dataset, load_photo
from helpers.datasets.critters import critter
from helpers.engine import keras
from helpers.files import written_whole
from helpers.lessons import examples
from helpers.models import CLASS_NAMES, load_model
from helpers.widgets.activation import ActivationExplorer
from helpers.widgets.augmentation import AugmentationExplorer
from helpers.widgets.features import FeatureExplorer
from helpers.widgets.gradcam import GradCamExplorer

import numpy as np
from living import PICTURES, described
from PIL import Image

MOST = 2_000_000  # bytes of a file
CARD = PICTURES / "README.md"


class Recipe(NamedTuple):
    """An explorer as a lesson makes it, and which of its controls move on the page."""

    lesson: str
    make: object  # a function without arguments that returns the explorer
    moving: dict  # by name, in their order: the values of each, or None for all that it can have
    quality: int = 80  # of pictures with more colors than a palette has; those with fewer stay exactly as they are


def augmentation() -> AugmentationExplorer:
    """Return the explorer of lesson 05."""
    data = load_dataset("critters")
    shown = examples("05", "explorer", data.name, data.train.labels)
    return AugmentationExplorer(data.train.images[shown], data.train.labels[shown], data.class_names)


def activation() -> ActivationExplorer:
    """Return the explorer of lesson 06."""
    data, network = load_dataset("critters"), load_model("critters")
    images, labels = data.test.images[:60], data.test.labels[:60]
    return ActivationExplorer(network, images, labels, data.class_names, "conv3", channel=15, strongest=True)


def grad_cam() -> GradCamExplorer:
    """Return the explorer of lesson 07 for critters."""
    data = load_dataset("critters")
    names = [f"{k}: {data.class_names[data.test.labels[k]]}" for k in range(40)]
    masks = {name: critter("test", k).mask for k, name in enumerate(names)}
    images = dict(zip(names, data.test.images, strict=False))
    return GradCamExplorer(load_model("critters"), images, data.class_names, masks=masks)


def grad_cam_of_photos() -> GradCamExplorer:
    """Return the explorer of lesson 07 for photographs."""
    there = {name: load_photo(name) for name in ("chelsea", "rocket", "astronaut", "coffee")}
    return GradCamExplorer(load_model("photos"), there, CLASS_NAMES["photos"], sizes=True)


def features() -> FeatureExplorer:
    """Return the explorer of lesson 08."""
    data, photos = load_dataset("critters"), load_model("photos")
    order = np.random.default_rng(0).permutation(len(data.train))
    labels = data.train.labels[order]
    chosen = np.concatenate([order[labels == label][:20] for label in range(len(data.class_names))])
    known, asked = data.train.images[chosen], data.validation.images[:300]
    cuts = ("conv1_relu", "add2", "conv3_relu", "add3", "conv4_relu", "add4")
    body = keras.Model(photos.inputs[0], [photos.get_layer(name).output for name in cuts])
    maps, maps_asked = (dict(zip(cuts, body.predict(images, verbose=0), strict=True)) for images in (known, asked))
    truth, truth_asked = data.train.labels[chosen], data.validation.labels[:300]
    return FeatureExplorer(maps, maps_asked, known, truth, asked, truth_asked, data.class_names, cut="conv4_relu")


PIG_BESIDE_OTHERS = [
    f"{k}: {name}" for k, name in ((0, "cat"), (1, "dog"), (7, "elephant"), (12, "rabbit"), (14, "pig"))
]
RECIPES = {
    "augmentation-explorer": Recipe("05", augmentation, {"name": None, "strength": None}, quality=75),
    "activation-explorer": Recipe("06", activation, {"layer": None, "channel": None}),
    "grad-cam-explorer": Recipe(
        "07",
        grad_cam,
        {"image": PIG_BESIDE_OTHERS, "label": None, "layer": ["conv1", "conv2", "conv3", "conv4", "conv5"]},
    ),
    "grad-cam-explorer-2": Recipe("07", grad_cam_of_photos, {"image": None, "label": None, "size": [32, 64, 128]}),
    "feature-explorer": Recipe("08", features, {"layer": None, "pooling": None, "count": None}),
}
"""By the name of the box on the page."""


class Images:
    """Pictures as WebP, each kept once."""

    def __init__(self, quality: int):
        self.quality, self.kept, self.places = quality, [], {}

    def place(self, pixels: np.ndarray) -> int:
        """Return the place of a uint8 picture (H, W) or (H, W, 3) among those that are kept."""
        key = pixels.shape, pixels.tobytes()
        if key not in self.places:
            self.places[key] = len(self.kept)
            self.kept.append(base64.b64encode(webp(pixels, self.quality)).decode())
        return self.places[key]


def webp(pixels: np.ndarray, quality: int) -> bytes:
    """Return a uint8 picture (H, W) or (H, W, 3) as WebP: exactly, if it has no more than 256 colors."""
    image, buffer = Image.fromarray(pixels).convert("RGB"), io.BytesIO()
    exact = image.getcolors(256) is not None
    image.save(buffer, "webp", lossless=exact, quality=100 if exact else quality, method=6)
    return buffer.getvalue()


def values_of(control, chosen=None) -> list:
    """Return the values that a control has now, or those of them that are chosen."""
    said = described(control)
    if "options" in said:
        values = [value for _, value in said["options"]]
    else:
        values = [*range(said["min"], said["max"] + 1, said["step"])]
    return values if chosen is None else [value for value in values if value in chosen]


def settings_of(twin, moving: dict):
    """Yield all settings of these controls, the others as they are; what one can be may depend on those before."""
    if not moving:
        yield twin.settings()
        return
    (name, chosen), *rest = moving.items()
    for value in values_of(twin.controls[name], chosen):
        with twin._quietly():
            twin.controls[name].value = value
        yield from settings_of(twin, dict(rest))


def reach_of(twin, moving: dict) -> dict:
    """Return for each slider that depends on the control before it: its largest value, and where it is put, if so."""
    found = {}
    for by, name in itertools.pairwise(moving):
        first, slider = twin.controls[by], twin.controls[name]
        most, start = {}, {}
        for value in values_of(first) if hasattr(slider, "max") else ():
            with twin._quietly():
                slider.value = slider.min
                first.value = next(other for other in values_of(first) if other != value)
                slider.value = slider.min
                first.value = value
            most[value] = slider.max
            if slider.value != slider.min:
                start[value] = slider.value
        if len({*most.values()}) > 1:
            found[name] = {"by": by, "most": most, "start": start}
        twin._reset()
    return found


def key_of(moving, settings: dict) -> str:
    """Return how the page finds the frame of these settings."""
    return "|".join(str(settings[name]) for name in moving)


def frame_of(twin, settings: dict, place) -> dict:
    """Return what an explorer shows and says; ``place`` takes pixels, and returns where they are kept."""
    result = twin.compute(**settings)

    def kept(match: re.Match) -> str:
        return f'href="#{place(np.asarray(Image.open(io.BytesIO(base64.b64decode(match[1])))))}"'

    pictures = []
    for title, pixels, marks, width, height in twin.draw(result):
        sharp = pixels is not None and bool(width >= pixels.shape[1])
        marks = re.sub(r'href="data:image/png;base64,([^"]+)"', kept, marks)
        size = round(float(width), 1), round(float(height), 1)
        pictures.append([title, *size, marks, None if pixels is None else place(pixels), sharp])
    return {"text": twin.describe(result), "pictures": pictures}


def controls_of(twin, moving: dict) -> dict:
    """Return what the page shows as controls: all of them, those that do not move disabled."""
    told = {name: described(control) for name, control in twin.controls.items()}
    for name, said in told.items():
        said["disabled"] = name not in moving
        if moving.get(name) is not None:
            said["options"] = [option for option in said["options"] if option[1] in moving[name]]
    return told


def recorded(recipe: Recipe) -> dict:
    """Return all that the page needs: of what `frame_of` returns, texts are packed, pictures stand beside them."""
    twin, images = recipe.make(), Images(recipe.quality)
    start = {"title": twin.title, "lesson": recipe.lesson, "moving": [*recipe.moving]}
    start |= {"controls": controls_of(twin, recipe.moving), "reach": reach_of(twin, recipe.moving)}
    frames = {
        key_of(recipe.moving, settings): frame_of(twin, settings, images.place)
        for settings in settings_of(twin, recipe.moving)
    }
    text = json.dumps(frames, ensure_ascii=False, separators=(",", ":"))
    return {**start, "frames": base64.b64encode(zlib.compress(text.encode(), 9)).decode(), "images": images.kept}


def write_card() -> None:
    """Write sizes and checksums of all files into the card."""
    rows = []
    for path in sorted(PICTURES.glob("*.json")):
        content = path.read_bytes()
        rows.append(f"| `{path.name}` | {len(content)} | `{hashlib.sha256(content).hexdigest()}` |\n")
    text = re.sub(r"(?m)^\| `.*\n", "", CARD.read_text(encoding="utf-8")).rstrip() + "\n"
    with written_whole(CARD) as partial:
        partial.write_text(text + "".join(rows), encoding="utf-8")


def main() -> None:
    """Make the files of the widgets that the command line names, or all."""
    names = sys.argv[1:] or [*RECIPES]
    if unknown := [name for name in names if name not in RECIPES]:
        raise SystemExit(f"There is no {unknown[0]!r}. There are: {', '.join(RECIPES)}.")
    for name in names:
        content = json.dumps(recorded(RECIPES[name]), ensure_ascii=False, separators=(",", ":")) + "\n"
        if len(content.encode()) > MOST:
            raise SystemExit(f"{name} has {len(content.encode()):,} bytes: more than {MOST:,}.")
        with written_whole(PICTURES / f"{name}.json") as partial:
            partial.write_text(content, encoding="utf-8")
        print(f"{name}: {len(content.encode()):,} bytes", flush=True)
    write_card()


if __name__ == "__main__":
    main()

"""What the page docs/your_image.md carries: trained networks as scripts, and images to begin with.

A network is read from its file in data/models, without Keras: making the site shall not wait for it. Its weights are
rounded to some of their 32 bits, taken apart into planes of bytes, and packed by zlib, as docs/site/widgets/network.js
reads them.
"""

import base64
import io
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from helpers.datasets import load_photo, resize_photo
from helpers.datasets.animals import ANIMALS
from helpers.datasets.critters import critter
from helpers.datasets.public import DATASETS
from helpers.pixels import HEAT

import h5py
import matplotlib as mpl
import numpy as np
from living import mounted, signed_colors

MODELS = Path(__file__).resolve().parent.parent / "data" / "models"


class Network(NamedTuple):
    """A network of the page."""

    says: str
    class_names: tuple[str, ...]
    size: int  # of the longer side of an image, in pixels, to begin with
    bits: int  # of each weight that are kept
    layer: str  # whose maps are shown to begin with


NETWORKS = {
    "critters": Network("critters: ten drawn animals", ANIMALS, 64, 28, "conv3"),
    "photos": Network("photos: ten kinds of things", DATASETS["cifar10"].class_names, 32, 25, "conv3_relu"),
}
"""With so many bits, all activations are those of Keras to 1e-4, and both networks take less than 4 MB."""
CRITTERS, PHOTOGRAPHS, SIDE = (12, 1, 28, 7, 9, 14), ("chelsea", "coffee", "astronaut", "rocket"), 96
"""Numbers of test images, names of photographs, and pixels of the longer side of a photograph, to begin with."""

KINDS = {
    "Rescaling": ("rescaling", lambda said: {"scale": said["scale"], "offset": said["offset"]}),
    "Conv2D": (
        "convolution",
        lambda said: {"size": said["kernel_size"][0], "filters": said["filters"], "activation": said["activation"]},
    ),
    "MaxPooling2D": ("max pooling", lambda said: {"size": said["pool_size"][0]}),
    "BatchNormalization": ("normalization", lambda said: {"epsilon": said["epsilon"]}),
    "ReLU": ("relu", lambda _: {}),
    "Add": ("add", lambda _: {}),
    "GlobalAveragePooling2D": ("average pooling", lambda _: {}),
    "Dense": ("dense", lambda said: {"filters": said["units"]}),
}
"""Of each class of Keras: its name in the page, and what of its configuration is needed there."""


def layers_of(name: str) -> tuple[list[dict], np.ndarray]:
    """Return the layers of a network in their order, and all weights, float32, layer after layer."""
    with zipfile.ZipFile(MODELS / f"{name}.keras") as file:
        told = json.loads(file.read("config.json"))["config"]["layers"]
        stored = h5py.File(io.BytesIO(file.read("model.weights.h5")))["layers"]
    layers, arrays, seen = [], [], {}
    for said in told:
        group = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", said["class_name"]).lower()
        number = seen[group] = seen.get(group, -1) + 1
        if said["class_name"] == "InputLayer":
            continue
        kind, of_config = KINDS[said["class_name"]]
        own = stored.get(f"{group}_{number}" if number else group)
        own = [own["vars"][key][()] for key in sorted(own["vars"], key=int)] if own and "vars" in own else []
        given = re.findall(r'"keras_history": \["(\w+)"', json.dumps(said["inbound_nodes"]))
        counts = [array.size for array in own]
        layers.append(
            {"name": said["name"], "kind": kind, "inputs": given, "weights": counts, **of_config(said["config"])}
        )
        arrays += [array.ravel() for array in own]
    return layers, np.concatenate(arrays).astype(np.float32)


def rounded(weights: np.ndarray, bits: int) -> np.ndarray:
    """Return float32 numbers of which the last bits, all but the first ``bits`` of 32, are rounded away.

    >>> rounded(np.array([1 / 3], np.float32), 16).tolist()
    [0.333984375]
    """
    step = 1 << (32 - bits)
    whole = weights.view(np.uint32).astype(np.uint64) + step // 2
    return (whole // step * step).astype(np.uint32).view(np.float32)


def packed(weights: np.ndarray, bits: int) -> tuple[str, int]:
    """Return weights as `weightsOf` of network.js takes them, in base64, and the number of planes."""
    planes = -(-bits // 8)
    by_weight = rounded(weights, bits).astype("<f4").view(np.uint8).reshape(-1, 4)
    content = b"".join(by_weight[:, 3 - plane].tobytes() for plane in range(planes))
    return base64.b64encode(zlib.compress(content, 6)).decode(), planes


def network_script(name: str) -> str:
    """Return the script that brings a network of this name into the page."""
    layers, weights = layers_of(name)
    content, planes = packed(weights, NETWORKS[name].bits)
    data = {"layers": layers, "count": len(weights), "planes": planes, "packed": content}
    said = json.dumps(data, separators=(",", ":"))
    return f"window.cnnNetworks = {{ ...window.cnnNetworks, {name}: {said} }};\n"


def start_images() -> list[dict]:
    """Return the images to begin with, as the page reads them."""
    images = {f"critter {k}, a drawn {ANIMALS[k % len(ANIMALS)]}": critter("test", k).image for k in CRITTERS}
    images |= {f"photograph: {name}": resize_photo(load_photo(name), SIDE) for name in PHOTOGRAPHS}
    return [
        {"name": name, "rows": len(image), "cols": image.shape[1], "bytes": base64.b64encode(image.tobytes()).decode()}
        for name, image in images.items()
    ]


def page_script() -> str:
    """Return the script of the page, which asks for a network when it needs it."""
    heat = mpl.colormaps[HEAT](np.arange(256), bytes=True)[:, :3].tolist()
    networks = {
        name: {"says": network.says, "classes": network.class_names, "size": network.size, "layer": network.layer}
        for name, network in NETWORKS.items()
    }
    data = {"title": "Your image through the network", "networks": networks, "images": start_images()}
    data |= {"signed": signed_colors(), "heat": heat}
    return mounted("your-image", data, "network", "your-image")


def pack_networks(target: Path) -> None:
    """Write all of these scripts into a folder."""
    target.mkdir()
    (target / "your-image.js").write_text(page_script(), encoding="utf-8")
    for name in NETWORKS:
        (target / f"{name}.js").write_text(network_script(name), encoding="utf-8")

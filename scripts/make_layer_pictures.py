"""What a network of keras.applications likes best (lesson 06), and where it looks (lesson 07): data/pictures/.

    .venv/bin/python scripts/make_layer_pictures.py MobileNetV2 [--weights FILE] [--classes 1001] [--folder FOLDER]

Without ``--weights`` those of `make data` are taken. With VGG16 it has only been run with random weights (by a test),
never with trained ones: that file has 553 MB. MobileNetV2 takes about five minutes on two cores.
"""

import argparse
from pathlib import Path

from helpers.activations import best_inputs
from helpers.datasets import load_photo
from helpers.engine import keras
from helpers.explain import grad_cam, predict
from helpers.models import IMAGENET, imagenet_model
from helpers.pixels import heat_over

import numpy as np
from keras import layers
from PIL import Image

FOLDER = Path(__file__).resolve().parent.parent / "data" / "pictures"
BLOCKS = {
    "MobileNetV2": ("Conv1", "block_1_expand", "block_3_expand", "block_6_expand", "block_13_expand"),
    "VGG16": ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3"),
}
CLASSES = {"African elephant": 386, "tabby": 281, "strawberry": 949, "school bus": 779, "zebra": 340, "mushroom": 947}
"""Places among the 1,000 classes; among 1,001 they come one later, since the first is the background."""
LAST = {"MobileNetV2": "out_relu", "VGG16": "block5_conv3"}
PHOTOS = ("chelsea", "coffee", "rocket")


def network(name: str, weights=None, classes: int = 1000, trained: bool = True):
    """Return the network for pixels from 0 to 255, its inner model, or None if its weights are not here."""
    if weights is None:
        model = imagenet_model(name, trained=trained)
        return model and (model, model.get_layer(name))
    inner = getattr(keras.applications, name)(weights=None, classes=classes, name=name)
    inner.load_weights(weights)
    inputs = keras.Input((224, 224, 3))
    prepare = getattr(keras.applications, IMAGENET[name]).preprocess_input
    return keras.Model(inputs, inner(prepare(inputs))), inner


def with_class_maps(name: str, inner):
    """Return a network whose layer ``classes`` has a map for each class, before softmax.

    A dense layer on the mean of each map is a 1 × 1 convolution before that mean. A dense layer on flattened maps is a
    convolution with kernels as large as the maps; the dense layers after it are 1 × 1 convolutions.
    """
    dense = [layer for layer in inner.layers if isinstance(layer, layers.Dense)]
    before = next(layer for layer in inner.layers if isinstance(layer, (layers.Flatten, layers.GlobalAveragePooling2D)))
    x, made = before.input, []
    for place, layer in enumerate(dense):
        size = before.input.shape[1] if isinstance(before, layers.Flatten) and place == 0 else 1
        last = place == len(dense) - 1
        convolution = layers.Conv2D(
            layer.units, size, activation=None if last else "relu", name="classes" if last else None
        )
        x = convolution(x)
        made.append((convolution, layer, size))
    inputs = keras.Input(inner.input_shape[1:])
    body = keras.Model(inner.inputs, x, name=name)
    for convolution, layer, size in made:
        kernel, bias = layer.get_weights()
        convolution.set_weights([kernel.reshape(size, size, -1, layer.units), bias])
    prepare = getattr(keras.applications, IMAGENET[name]).preprocess_input
    return keras.Model(inputs, body(prepare(inputs)))


def sheet(images, columns: int, size: int = 96, colors: int = 64) -> Image.Image:
    """Return a palette picture of images side by side, each ``size`` pixels wide: small enough for a notebook."""
    small = [Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS) for image in images]
    whole = Image.new("RGB", (columns * (size + 2), -(-len(small) // columns) * (size + 2)), "white")
    for place, image in enumerate(small):
        whole.paste(image, (place % columns * (size + 2), place // columns * (size + 2)))
    return whole.quantize(colors)


def squares(size: int) -> np.ndarray:
    """Return the middle of each photograph (N, size, size, 3)."""
    found = []
    for photo in map(load_photo, PHOTOS):
        side = min(photo.shape[:2])
        top, left = ((length - side) // 2 for length in photo.shape[:2])
        cut = Image.fromarray(photo[top : top + side, left : left + side])
        found.append(np.asarray(cut.resize((size, size), Image.Resampling.LANCZOS)))
    return np.stack(found)


def answers(model, inner) -> list[str]:
    """Return for each photograph the class that is named, counted from 0 among 1,000, and that without preparation."""
    images, offset = squares(inner.input_shape[1]), inner.output.shape[-1] - 1000
    lines = []
    for photo, right, wrong in zip(
        PHOTOS, predict(model, images), inner(images.astype("float32")).numpy(), strict=True
    ):
        said = [f"{found.argmax() - offset} ({found.max():.0%})" for found in (right, wrong)]
        lines.append(f"{photo}: class {said[0]}; with pixels from 0 to 255, as they are: {said[1]}")
    return lines


def explained(name: str, model, inner, folder: Path) -> Path:
    """Write the photographs, and below them where something speaks for the class that is named; return the path."""
    images = squares(inner.input_shape[1])
    heats = grad_cam(model, images, None, f"{name}/{LAST[name]}")
    path = folder / f"{name.lower()}_gradcam.png"
    rows = [*images, *(heat_over(image, heat) for image, heat in zip(images, heats, strict=True))]
    sheet(rows, len(images), 192, colors=256).save(path, optimize=True)
    return path


def make(name: str, model, inner, folder: Path, channels: int = 8, steps: int = 64) -> list[Path]:
    """Write one picture of channels, a row for each block, one of classes, one of heat maps; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [best_inputs(model, f"{name}/{layer}", range(channels), steps=steps)[0] for layer in BLOCKS[name]]
    offset = inner.output.shape[-1] - 1000
    places = [place + offset for place in CLASSES.values()]
    of_classes, _ = best_inputs(
        with_class_maps(name, inner), f"{name}/classes", places, steps=2 * steps, variation=0.01
    )
    paths = [folder / f"{name.lower()}_{what}.png" for what in ("blocks", "classes")]
    sheet(np.concatenate(rows), channels).save(paths[0], optimize=True)
    sheet(of_classes, len(places), 144).save(paths[1], optimize=True)
    return [*paths, explained(name, model, inner, folder)]


def main() -> None:
    """Write the pictures of one network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", choices=BLOCKS)
    parser.add_argument("--weights", type=Path, help="a file .weights.h5; those of `make data` by default")
    parser.add_argument("--classes", type=int, default=1000, help="1001 if the first class is the background")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    found = network(options.name, options.weights, options.classes)
    if found is None:
        parser.exit(
            1, f"{options.name}: its weights are not on this computer; `make data DATASETS={options.name}` gets them.\n"
        )
    for path in make(options.name, *found, options.folder):
        print(path, f"{path.stat().st_size:,} bytes")
    print(*answers(*found), sep="\n")


if __name__ == "__main__":
    main()

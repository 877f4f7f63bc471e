"""What the widgets share that look into a trained network: their checks of images and layers (lessons 06 and 07)."""

from helpers.explain import as_batch, class_count, find_layer, map_layers

import numpy as np


def check_images(images, class_names, model) -> None:
    """Raise ValueError unless these are uint8 images, as the model takes them, with names for all of its classes."""
    if not images or any(np.ndim(image) != 3 or getattr(image, "dtype", None) != np.uint8 for image in images):
        raise ValueError("Need at least one image; each must be a uint8 array (H, W, C).")
    for image in images:
        as_batch(model, image[np.newaxis])
    if len(class_names) != class_count(model):
        raise ValueError(f"The network has {class_count(model)} classes, but there are {len(class_names)} names.")


def first_choice(model, layer: str | None) -> tuple[list[str], str]:
    """Return the names of all layers with maps, and the chosen one; raises ValueError for a wrong one."""
    layers = map_layers(model)
    chosen = find_layer(model, layer)
    return [*layers], next(name for name, there in layers.items() if there is chosen)

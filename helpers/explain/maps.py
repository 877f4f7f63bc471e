"""Maps that explain the answer of a network: occlusion, saliency, integrated gradients, CAM, Grad-CAM."""

from functools import lru_cache

from helpers.engine import keras, tf
from helpers.explain.layers import find_step
from helpers.explain.networks import Running, open_model, run_graph
from helpers.explain.outputs import backwards, find_output, kind_of
from helpers.explain.running import (
    answers,
    as_batch,
    as_classes,
    batch_size,
    explained,
    images_like,
    in_batches,
    is_binary,
    warn_of_unknown,
)

import numpy as np


def resize(maps, height: int, width: int) -> np.ndarray:
    """Return maps (N, h, w) enlarged to (N, height, width) by linear interpolation."""
    return tf.image.resize(np.asarray(maps, np.float32)[..., np.newaxis], (height, width)).numpy()[..., 0]


def _prepare(model, images, class_index, output) -> tuple:
    """Return images and classes that fit a model, and the index of the output; warn of unknown scores."""
    images, index = as_batch(model, images), find_output(model, output)
    classes = as_classes(model, class_index, len(images), index)
    warn_of_unknown(model, index)
    return images, classes, index


def grad_cam(model, images, class_index=None, layer: str | None = None, output: str | int | None = None) -> np.ndarray:
    """Return the Grad-CAM of a layer: its maps, weighted with the mean of their gradients, what is negative cut off.

    Built up in lesson 07; Selvaraju and others, "Grad-CAM", 2017. ``layer`` is a name as in
    `helpers.explain.find_layer`. Raises ValueError for images, classes, layers or outputs that do not fit the model.
    """
    images, classes, index = _prepare(model, images, class_index, output)
    return explained(model, images, classes, index, find_step(model, layer, index))


def class_activation_map(model, images, class_index=None, output: str | int | None = None) -> np.ndarray:
    """Return the class activation map (CAM): the last maps, weighted with the class's weights of the dense layer.

    Only for a model that ends with maps, global average pooling and one dense layer. Lesson 07; Zhou and others,
    "Learning deep features for discriminative localization", 2016. Raises ValueError for other models.
    """
    images, index = as_batch(model, images), find_output(model, output)
    classes, graph = as_classes(model, class_index, len(images), index), open_model(model)
    pooling, dense = _pooling_and_dense(graph, index)
    if class_index is None:
        classes = answers(model, images, index).argmax(axis=1)
    kernel = dense.kernel.numpy().astype(np.float32)
    weights = (np.hstack([-kernel, kernel]) if is_binary(graph, index) else kernel).T[classes]
    maps = in_batches(graph, lambda *given: _weighted(graph, pooling)(*map(tf.constant, given)), images, weights)
    return resize(maps, *images.shape[1:3])


def _pooling_and_dense(graph, index) -> tuple:
    """Return the way of the pooling that CAM needs, and the dense layer."""
    last = [(way, step) for way, step in backwards(graph, index) if kind_of(step) != "keeps"]
    if not hasattr(last[0][1], "kernel"):
        last = last[1:]  # a softmax or sigmoid of its own
    (_, dense), (way, pooling) = [*last, (None, None), (None, None)][:2]
    averages = isinstance(pooling, keras.layers.GlobalAveragePooling2D) and isinstance(dense, keras.layers.Dense)
    if not averages or kind_of(dense) not in ("linear", "softmax", "sigmoid"):
        raise ValueError(
            "CAM needs a model that ends with GlobalAveragePooling2D and Dense. Use grad_cam for this one."
        )
    return way, dense


@lru_cache(maxsize=16)
def _weighted(graph, pooling):
    """Return a compiled function of images and weights (N, C): the maps that a pooling takes, weighted and added up."""

    @tf.function(input_signature=[images_like(graph), tf.TensorSpec([None, None], tf.float32)], autograph=False)
    def run(images, weights):
        maps = Running(graph, lambda x: run_graph(graph, x, until=pooling, bare=pooling))(images, training=False)
        return tf.einsum("nhwc,nc->nhw", tf.cast(maps, tf.float32), weights)

    return run.get_concrete_function()


def saliency(model, images, class_index=None, output: str | int | None = None) -> np.ndarray:
    """Return how strongly each pixel would change the score: the largest |gradient| of its channels.

    Lesson 07; Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks", 2013.
    """
    images, classes, index = _prepare(model, images, class_index, output)
    return explained(model, images, classes, index)


def integrated_gradients(
    model, images, class_index=None, steps: int = 32, baseline=127.0, output: str | int | None = None
) -> np.ndarray:
    """Return each pixel's part in the score, compared with that of a baseline: signed, and it adds up.

    The gradient is averaged on ``steps`` (at least 1) images between the baseline, a number or an image, and the
    image. The sum of a map is about the score of the image less that of the baseline. Lesson 07; Sundararajan, Taly,
    Yan, "Axiomatic attribution for deep networks", 2017.
    """
    images, classes, index = _prepare(model, images, class_index, output)
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps must be a whole number of at least 1, but it is {steps!r}.")
    baseline = np.asarray(baseline, np.float32)
    if class_index is None:
        classes = answers(model, images, index).argmax(axis=1).astype(np.int32)  # the same class all the way
    total = np.zeros_like(images)
    for step in range(steps):
        between = baseline + np.float32((step + 0.5) / steps) * (images - baseline)
        total += explained(model, between, classes, index, which=1)
    return ((images - baseline) * total / steps).sum(axis=3)


def occlusion(
    model, images, class_index=None, size: int = 12, stride: int = 4, fill=None, output: str | int | None = None
) -> np.ndarray:
    """Return how much the output for the class falls where a square is covered.

    Parameters
    ----------
    size, stride : height and width of the square, and its steps, in pixels, at least 1; the square is at most as
        large as the image
    fill : pixel values of the square; None for the mean color of the image

    The value of a pixel is the mean over all squares that cover it. The output is the probability if the model ends
    with softmax or sigmoid. Lesson 07; Zeiler, Fergus, "Visualizing and understanding convolutional networks", 2013.
    """
    images = as_batch(model, images)
    number, height, width, _ = images.shape
    if not (isinstance(size, int) and isinstance(stride, int) and 1 <= size <= min(height, width) and stride >= 1):
        raise ValueError(f"size must be from 1 to {min(height, width)}, stride at least 1; got {size!r}, {stride!r}.")
    classes = as_classes(model, class_index, number, output)
    before = answers(model, images, output)
    classes = np.where(classes < 0, before.argmax(axis=1), classes)
    corners = [(top, left) for top in places(height, size, stride) for left in places(width, size, stride)]
    together = batch_size(open_model(model), images.shape[1:])
    maps = np.zeros((number, height, width), np.float32)
    for image, label, probabilities, drop in zip(images, classes, before, maps, strict=True):
        color = image.mean(axis=(0, 1)) if fill is None else fill
        times = np.zeros((height, width), np.float32)
        for start in range(0, len(corners), together):
            part = corners[start : start + together]
            covered = np.repeat(image[np.newaxis], len(part), axis=0)
            for copy, (top, left) in zip(covered, part, strict=True):
                copy[top : top + size, left : left + size] = color
            falls = probabilities[label] - answers(model, covered, output)[:, label]
            for fall, (top, left) in zip(falls, part, strict=True):
                drop[top : top + size, left : left + size] += fall
                times[top : top + size, left : left + size] += 1
        drop /= times
    return maps


def places(length: int, size: int, stride: int) -> list[int]:
    """Return where windows of ``size`` begin, from 0 on in steps; the last one ends at the border."""
    last = length - size
    return [*range(0, last, min(stride, size)), last]

"""What a trained network sees: the maps of its layers, and the images that a channel likes best (lesson 06)."""

from functools import lru_cache

from helpers.engine import tf
from helpers.explain.layers import find_step
from helpers.explain.networks import Running, open_model, run_graph
from helpers.explain.running import as_batch, images_like, in_batches

import numpy as np
from scipy import ndimage


@lru_cache(maxsize=16)
def _maps(graph, way):
    """Return a compiled function from images to the maps of a step."""

    @tf.function(input_signature=[images_like(graph)], autograph=False)
    def run(images):
        maps = Running(graph, lambda x: run_graph(graph, x, until=way))(images, training=False)
        return tf.cast(maps, tf.float32)

    return run.get_concrete_function()


def activations(model, images, layer: str | None = None) -> np.ndarray:
    """Return the maps (N, h, w, C) of a layer, by name as in `helpers.explain.find_layer`, for a batch of images."""
    images, graph, run = (
        as_batch(model, images),
        open_model(model),
        _maps(open_model(model), find_step(model, layer).way),
    )
    return in_batches(graph, lambda part: run(tf.constant(part)), images)


@lru_cache(maxsize=16)
def _ascent(graph, way, smooth):
    """Return a compiled function: images, channels, weight of the variation, if smooth -> activation (N,), gradient.

    The activation is the mean of a map before the ReLU of the layer: after it, a silent channel has the gradient 0.
    """
    signature = [images_like(graph), tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.float32)]

    @tf.function(input_signature=signature, autograph=False)
    def run(images, channels, variation):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            frame = Running(graph, lambda x: run_graph(graph, x, until=way, bare=way))
            maps = tf.cast(frame(images, training=False), tf.float32)
            activation = goal = tf.gather(tf.reduce_mean(maps, axis=(1, 2)), channels, batch_dims=1)
            if smooth:
                pixels = tf.cast(tf.size(images[0]), tf.float32)
                goal = activation - variation * tf.image.total_variation(images) / pixels
        return activation, tape.gradient(goal, images)

    return run.get_concrete_function()


def best_inputs(
    model,
    layer: str | None,
    channels,
    steps: int = 64,
    size: int | None = None,
    rate: float = 6.0,
    jitter: int = 4,
    blur: float = 0.8,
    variation: float = 0.0,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return an image that each channel of a layer likes, made from noise by gradient ascent, and how much it does.

    Parameters
    ----------
    layer : a name as in `helpers.explain.find_layer`
    channels : sequence of K ints
    size : height and width of the images in pixels; None for what the model takes, or 64 where it takes any size
    rate : how far a pixel moves in a step, in gray levels, at the mean of the gradient
    jitter : the image is moved by up to so many pixels before each step, and back after it; 0 for none
    blur : standard deviation in pixels, after every fourth step of the first three quarters; 0 for none
    variation : weight of the mean difference of neighboring pixels, which is subtracted from the activation

    Returns
    -------
    images : uint8 array (K, size, size, C)
    activations : float array (K,), the mean of the channel's map for these images, before the ReLU of the layer

    Raises ValueError for a layer or a channel that is not there, and for a size that the model does not take.
    Lesson 06; Olah, Mordvintsev, Schubert, "Feature visualization", 2017.
    """
    graph, found = open_model(model), find_step(model, layer)
    channels, count = np.asarray(channels, np.int32), found.shape[-1]
    if channels.ndim != 1 or not channels.size or not 0 <= channels.min() <= channels.max() < count:
        raise ValueError(f"channels must be a list of numbers from 0 to {count - 1}, but it is {channels.tolist()}.")
    shape = graph.inputs[0].shape
    size = size or shape[1] or 64
    random = np.random.default_rng(seed)
    images = random.normal(127, 8, (len(channels), size, size, shape[3])).astype(np.float32)
    as_batch(model, images)

    def run(images, weight, which):
        def ascend(*part):
            ascent = _ascent(graph, found.way, bool(variation))
            return ascent(*map(tf.constant, part), tf.constant(weight, tf.float32))[which].numpy()

        return in_batches(graph, ascend, images, channels)

    for step in range(steps):
        shift = tuple(random.integers(-jitter, jitter + 1, 2))
        moved = np.roll(images, shift, (1, 2))
        gradient = run(moved, variation, which=1)
        moved += rate * gradient / (np.abs(gradient).mean(axis=(1, 2, 3), keepdims=True) + 1e-12)
        images = np.clip(np.roll(moved, (-shift[0], -shift[1]), (1, 2)), 0, 255)
        if blur and step % 4 == 3 and step < 0.75 * steps:
            images = ndimage.gaussian_filter(images, (0, blur, blur, 0))
    images = np.rint(images)
    reached = run(images, 0.0, which=0)
    return images.astype(np.uint8), reached

"""What all explanations need: images and classes that fit a model, and functions of TensorFlow, compiled once.

Images go through in batches whose maps need `MEMORY` at most, or one by one. Changed weights count, changed layers do
not.
"""

import math
import warnings
from functools import lru_cache

from helpers.engine import keras, tf
from helpers.explain.networks import Running, open_model, run_graph, steps
from helpers.explain.outputs import ending, find_output, output_names

import numpy as np

BATCH = 256  # images at once, at most
MEMORY = 2**28  # bytes of all maps of these


# --- what fits ---


def as_batch(model, images) -> np.ndarray:
    """Return images as float32 (N, H, W, C); without fractions, where the model takes whole numbers.

    Raises ValueError if the model does not take such images.
    """
    images = np.asarray(images, np.float32)
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(
            f"Need a batch of images, (N, H, W, C), but the shape is {images.shape}. "
            "For a single image write image[np.newaxis]."
        )
    takes = open_model(model).inputs[0]
    pairs = zip(takes.shape[1:], images.shape[1:], strict=False)
    if len(takes.shape) != 4 or any(want not in (None, have) for want, have in pairs):
        raise ValueError(f"The model takes images of shape {takes.shape[1:]}, but these have {images.shape[1:]}.")
    return images.astype(takes.dtype).astype(np.float32) if "int" in takes.dtype else images


def class_count(model, output=None) -> int:
    """Return how many classes an output tells apart: one sigmoid is for two, 0 and 1.

    Raises ValueError for an output that is not one list of scores for an image.
    """
    graph, index = open_model(model), find_output(model, output)
    shape = tuple(graph.outputs[index].shape)
    count = 1 if len(shape) == 1 else shape[-1]
    if count is None or any(size != 1 for size in shape[1:-1]):
        raise ValueError(
            f"Explanations need scores of classes, (N, K), but the output of {model.name!r} has the shape {shape}. "
            "Choose one value for each image, such as the mean of a map, by a layer after it."
        )
    return 2 if is_binary(graph, index) else count


def is_binary(graph, index: int) -> bool:
    """Tell whether an output is one sigmoid unit: the probability of class 1."""
    return ending(graph, index).kind == "sigmoid" and math.prod(graph.outputs[index].shape[1:]) == 1


def as_classes(model, class_index, number: int, output=None) -> np.ndarray:
    """Return a class for each of ``number`` images, −1 for "what the network chooses". Raises ValueError for others."""
    count = class_count(model, output)
    if class_index is None:
        return np.full(number, -1, np.int32)
    classes = np.asarray(class_index)
    fits = classes.dtype.kind in "iu" and classes.shape in ((), (number,))
    if not fits or not 0 <= classes.min() <= classes.max() < count:
        raise ValueError(
            f"class_index must be from 0 to {count - 1}: one int for all images, or {number} of them, one for each "
            f"image. It is {class_index!r}. (find_class gives the index of a name.)"
        )
    return np.broadcast_to(classes, number).astype(np.int32)


# --- batches ---


def batch_size(graph, shape) -> int:
    """Return how many images of a shape (H, W, C) may go through at once."""
    return max(1, min(BATCH, MEMORY // (4 * _numbers(graph, shape))))


@lru_cache(maxsize=64)
def _numbers(graph, shape) -> int:
    """Return how many numbers all steps make of an image; sizes that are not known are those of the image."""
    numbers = math.prod(shape)
    for step in steps(graph):
        known = {1: shape[0], 2: shape[1]} if len(step.shape) == 4 else {}
        numbers += math.prod(
            known.get(axis, 1) if size is None else size for axis, size in enumerate(step.shape[1:], 1)
        )
    return numbers


def in_batches(graph, run, *arrays) -> np.ndarray:
    """Return what a function of a part of each array gives for all of them; the first array are images (N, H, W, C)."""
    size, result = batch_size(graph, arrays[0].shape[1:]), None
    for start in range(0, len(arrays[0]), size):
        found = run(*(array[start : start + size] for array in arrays))
        if result is None:
            result = np.empty((len(arrays[0]), *found.shape[1:]), np.float32)
        result[start : start + size] = found
    return result


# --- compiled functions ---


def images_like(graph):
    """Return what TensorFlow has to know of the images that a graph takes, to compile a function of them."""
    return tf.TensorSpec([None, *graph.inputs[0].shape[1:]], tf.float32)


@lru_cache(maxsize=16)
def _predict(graph, index):
    """Return a compiled function from images to what the network returns."""

    @tf.function(input_signature=[images_like(graph)], autograph=False)
    def run(images):
        outputs = graph(keras.tree.pack_sequence_as(graph.input, [images]), training=False)
        return tf.cast(keras.tree.flatten(outputs)[index], tf.float32)

    return run.get_concrete_function()  # called as it is, TensorFlow does not warn of many compilations


def predict(model, images, output: str | int | None = None) -> np.ndarray:
    """Return what the model says of images, (N, K), in batches; without the preparations of model.predict.

    ``output`` is the name of one of several outputs. Raises ValueError as `helpers.explain.grad_cam` does.
    """
    graph, index, images = open_model(model), find_output(model, output), as_batch(model, images)
    return in_batches(graph, lambda part: _predict(graph, index)(tf.constant(part)).numpy(), images)


def answers(model, images, output: str | int | None = None) -> np.ndarray:
    """Return what the model says of images for each class, (N, K): for one sigmoid unit, 1 − p and p."""
    class_count(model, output)
    said = predict(model, images, output)
    said = said.reshape(len(said), -1)
    return np.hstack([1 - said, said]) if is_binary(open_model(model), find_output(model, output)) else said


def warn_of_unknown(model, index: int) -> None:
    """Warn where the scores before the softmax are not to be found."""
    end = ending(open_model(model), index)
    if not end.known:
        warnings.warn(
            f"The model {model.name!r} ends with {end.kind}: whether there are scores before a softmax in it cannot be "
            "seen, so this is a map of the output as it is.",
            stacklevel=4,
        )


@lru_cache(maxsize=16)
def gradient_maps(graph, index, way):
    """Return a compiled function of images (N, H, W, C) and classes (N,); None where no gradient gets that far.

    It gives the Grad-CAM (N, H, W) of a step; for no way, the saliency and the gradients of the pixels (N, H, W, C).
    """
    missing = []

    @tf.function(input_signature=[images_like(graph), tf.TensorSpec([None], tf.int32)], autograph=False)
    def run(images, classes):
        looked_at = []
        # by default the tape watches the weights as well, and all steps before the layer are differentiated in vain
        with tf.GradientTape(watch_accessed_variables=False) as tape:

            def see(here, result):
                if here == way:
                    tape.watch(result)
                    looked_at.append(result)
                return result

            if way is None:
                see(None, images)
            scores = _scores(graph, index, images, see)
            chosen = tf.where(classes < 0, tf.argmax(scores, axis=1, output_type=tf.int32), classes)
            score = tf.gather(scores, chosen, batch_dims=1)
        gradients = tape.gradient(score, looked_at[-1]) if looked_at else None
        if gradients is None:
            missing.append(way)
            return (images,)
        gradients = tf.cast(gradients, tf.float32)
        if way is None:
            return tf.reduce_max(tf.abs(gradients), axis=3), gradients
        weights = tf.reduce_mean(gradients, axis=(1, 2))
        maps = tf.nn.relu(tf.einsum("nhwc,nc->nhw", tf.cast(looked_at[-1], tf.float32), weights))
        return (tf.image.resize(maps[..., tf.newaxis], tf.shape(images)[1:3])[..., 0],)

    compiled = run.get_concrete_function()
    return None if missing else compiled


def _scores(graph, index, images, see):
    """Return the scores (N, K) of images, before the softmax or sigmoid."""

    def run(images):
        return run_graph(graph, images, [graph.outputs[index]], bare=ending(graph, index).way, see=see)[0]

    scores = tf.cast(Running(graph, run)(images, training=False), tf.float32)
    scores = tf.reshape(scores, [tf.shape(scores)[0], math.prod(scores.shape[1:])])
    return tf.concat([-scores, scores], axis=1) if is_binary(graph, index) else scores


def explained(model, images, classes, index: int, step=None, which: int = 0) -> np.ndarray:
    """Return the maps of a step, or of the pixels, for all images in batches; ``which`` of what `gradient_maps` gives.

    Raises ValueError where no gradient goes from the output to these.
    """
    graph = open_model(model)
    run = gradient_maps(graph, index, step and step.way)
    if run is None:
        end, start = output_names(graph)[index], f"the layer {step.path!r}" if step else "the pixels"
        raise ValueError(
            f"No gradient leads from the output {end!r} back to {start}: choose another layer, or use occlusion, which "
            "needs none."
        )
    return in_batches(graph, lambda *part: run(*map(tf.constant, part))[which].numpy(), images, classes)

"""Which pixels decided? Maps that explain the answer of a network, and grades for them (lesson 07).

Every map function takes any Keras model with one input of images and one output of class scores or probabilities:
Sequential, functional, or with models inside of models. It takes a batch of images as the model does, and a class:

    class_index : int for all images, a sequence of N ints, or None for the class that the network chooses

and returns a float32 array (N, H, W) of the size of the images, not scaled: the more, the more that place speaks for
the class. Scores are those before a final softmax or sigmoid, unless stated otherwise. Functions of TensorFlow are
compiled once for a model and a layer, so that every further call is fast; changed weights count, changed layers do not.
"""

from contextlib import contextmanager
from difflib import get_close_matches
from functools import lru_cache

from helpers.engine import keras, tf

import numpy as np

NOT_SHOWN = (keras.layers.InputLayer, keras.layers.Dropout, keras.layers.SpatialDropout2D)
BATCH = 256  # images that are predicted at once


# --- layers and classes by name ---


def map_layers(model) -> dict[str, keras.Layer]:
    """Return all layers whose output is a stack of maps (N, H, W, C), in order, by name.

    A layer of a model inside of the model is named with its way there: ``"base/conv1"``.
    """
    found = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= {f"{layer.name}/{name}": inner for name, inner in map_layers(layer).items()}
        elif not isinstance(layer, NOT_SHOWN) and len(getattr(layer.output, "shape", ())) == 4:
            found[layer.name] = layer
    return found


def find_layer(model, name: str | None = None) -> keras.Layer:
    """Return the layer of this name, alone or with its way as in `map_layers`.

    None is for the last layer with maps that does not only pool them. Raises ValueError for a name that is not there
    or not unique, and lists the names.
    """
    layers = map_layers(model)
    if name is None:
        layers = {path: layer for path, layer in layers.items() if "Pooling" not in type(layer).__name__}
        if not layers:
            raise ValueError(f"The model {model.name!r} has no layer with maps (N, H, W, C).")
        return [*layers.values()][-1]
    if name in layers:
        return layers[name]
    fits = [path for path in layers if name == path.rpartition("/")[2]]
    if len(fits) == 1:
        return layers[fits[0]]
    if fits:
        raise ValueError(f"There are several layers {name!r}: choose one of {', '.join(fits)}.")
    near = get_close_matches(str(name), layers, 1)
    raise ValueError(
        f"The model {model.name!r} has no layer {name!r} with maps{f'; did you mean {near[0]!r}?' if near else '.'} "
        f"There are: {', '.join(layers) or 'none'}."
    )


def find_class(name: str, class_names) -> int:
    """Return the index of a class. Raises ValueError for a name that is not there, and lists the names."""
    names = list(class_names)
    if name not in names:
        raise ValueError(f"There is no class {name!r}. There are: {', '.join(map(str, names))}.")
    return names.index(name)


# --- what all explanations need ---


def as_batch(model, images) -> np.ndarray:
    """Return images as float32 (N, H, W, C). Raises ValueError if the model does not take such images."""
    images = np.asarray(images, np.float32)
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(
            f"Need a batch of images, (N, H, W, C), but the shape is {images.shape}. "
            "For a single image write image[np.newaxis]."
        )
    wanted = model.input_shape
    pairs = zip(wanted[1:], images.shape[1:], strict=False)
    if len(wanted) != 4 or any(want not in (None, have) for want, have in pairs):
        raise ValueError(f"The model takes images of shape {wanted[1:]}, but these have {images.shape[1:]}.")
    return images


def as_classes(model, class_index, number: int) -> np.ndarray:
    """Return a class for each of ``number`` images, −1 for "what the network chooses". Raises ValueError for others."""
    count = model.output_shape[-1]
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


def _last_step(model):
    """Return the layer at the end of a model, or the operation, such as keras.ops.softmax."""
    last = getattr(model, "operations", model.layers)[-1]
    return _last_step(last) if isinstance(last, keras.Model) else last


@contextmanager
def without_activation(step):
    """Leave out the softmax, sigmoid or ReLU of a layer, or of an operation that is nothing else, while this holds."""
    name = "call" if type(step).__name__ in ("Softmax", "Sigmoid", "ReLU") else "activation"
    if not hasattr(step, name):
        yield
        return
    before = getattr(step, name)
    setattr(step, name, lambda x, *_, **__: x)
    try:
        yield
    finally:
        setattr(step, name, before)


@contextmanager
def recorded(layer, tape=None):
    """Keep what a layer returns, wherever in a model it is, in the list that this gives; a tape watches it."""
    outputs, call = [], layer.call

    def recording(*args, **kwargs):
        outputs.append(call(*args, **kwargs))
        if tape is not None:
            tape.watch(outputs[-1])
        return outputs[-1]

    layer.call = recording
    try:
        yield outputs
    finally:
        layer.call = call


def signature(model):
    """Return what TensorFlow has to know of the images that a model takes, to compile a function of them."""
    return tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)


def in_batches(run, images) -> np.ndarray:
    """Return what a compiled function of images (N, H, W, C) gives for all of them, `BATCH` at a time."""
    return np.concatenate([run(tf.constant(images[i : i + BATCH])).numpy() for i in range(0, len(images), BATCH)])


@lru_cache(maxsize=16)
def _gradient(model, layer):
    """Return a compiled function of images (N, H, W, C) and classes (N,).

    It gives the maps of a layer, or the images for None, the gradient of the scores with respect to these, and the
    scores (N, K).
    """

    @tf.function(input_signature=[signature(model), tf.TensorSpec([None], tf.int32)])
    def run(images, classes):
        with tf.GradientTape() as tape, without_activation(_last_step(model)):
            if layer is None:
                tape.watch(images)
                scores, looked_at = model(images, training=False), images
            else:
                with recorded(layer, tape) as outputs:
                    scores = model(images, training=False)
                looked_at = outputs[-1]
            chosen = tf.where(classes < 0, tf.argmax(scores, axis=1, output_type=tf.int32), classes)
            score = tf.gather(scores, chosen, batch_dims=1)
        return looked_at, tape.gradient(score, looked_at), scores

    return run.get_concrete_function()  # called as it is, TensorFlow does not warn of many compilations


@lru_cache(maxsize=16)
def _predict(model):
    """Return a compiled function from images to what the model returns, softmax included."""
    run = tf.function(lambda images: model(images, training=False), input_signature=[signature(model)])
    return run.get_concrete_function()


@lru_cache(maxsize=16)
def _pooled(model):
    """Return the part of a model up to what its pooling, the last but one layer, takes."""
    return keras.Model(model.inputs[0], model.layers[-2].input)


def predict(model, images) -> np.ndarray:
    """Return what the model says of images, (N, K), `BATCH` at a time; without the preparations of model.predict."""
    return in_batches(_predict(model), as_batch(model, images))


def _gradients(model, layer, images, classes):
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        yield _gradient(model, layer)(tf.constant(images[part]), tf.constant(classes[part]))


def resize(maps, height: int, width: int) -> np.ndarray:
    """Return maps (N, h, w) enlarged to (N, height, width) by linear interpolation."""
    return tf.image.resize(np.asarray(maps, np.float32)[..., np.newaxis], (height, width)).numpy()[..., 0]


# --- maps ---


def grad_cam(model, images, class_index=None, layer: str | None = None) -> np.ndarray:
    """Return the Grad-CAM of a layer: its maps, weighted with the mean of their gradients, what is negative cut off.

    Built up in lesson 07; Selvaraju and others, "Grad-CAM", 2017. ``layer`` is a name as in `find_layer`. Raises
    ValueError for images, classes or layers that do not fit the model.
    """
    images = as_batch(model, images)
    classes, layer = as_classes(model, class_index, len(images)), find_layer(model, layer)
    maps = [
        tf.nn.relu(tf.einsum("nhwc,nc->nhw", found, tf.reduce_mean(gradients, axis=(1, 2))))
        for found, gradients, _ in _gradients(model, layer, images, classes)
    ]
    return resize(np.concatenate(maps), *images.shape[1:3])


def class_activation_map(model, images, class_index=None) -> np.ndarray:
    """Return the class activation map (CAM): the last maps, weighted with the class's weights of the dense layer.

    Only for a model that ends with maps, global average pooling and one dense layer. Lesson 07; Zhou and others,
    "Learning deep features for discriminative localization", 2016. Raises ValueError for other models.
    """
    images = as_batch(model, images)
    classes = as_classes(model, class_index, len(images))
    pooling, dense = [None, *model.layers][-2:]
    if not (isinstance(pooling, keras.layers.GlobalAveragePooling2D) and isinstance(dense, keras.layers.Dense)):
        raise ValueError(
            "CAM needs a model that ends with GlobalAveragePooling2D and Dense. Use grad_cam for this one."
        )
    if class_index is None:
        classes = predict(model, images).argmax(axis=1)
    maps = np.einsum("nhwc,cn->nhw", predict(_pooled(model), images), dense.kernel.numpy()[:, classes])
    return resize(maps, *images.shape[1:3])


def saliency(model, images, class_index=None) -> np.ndarray:
    """Return how strongly each pixel would change the score: the largest |gradient| of its channels.

    Lesson 07; Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks", 2013.
    """
    images = as_batch(model, images)
    classes = as_classes(model, class_index, len(images))
    found = [tf.reduce_max(tf.abs(gradients), axis=3) for _, gradients, _ in _gradients(model, None, images, classes)]
    return np.concatenate(found)


def integrated_gradients(model, images, class_index=None, steps: int = 32, baseline=127.0) -> np.ndarray:
    """Return each pixel's part in the score, compared with that of a baseline: signed, and it adds up.

    The gradient is averaged on ``steps`` (at least 1) images between the baseline, a number or an image, and the
    image. The sum of a map is about the score of the image less that of the baseline. Lesson 07; Sundararajan, Taly,
    Yan, "Axiomatic attribution for deep networks", 2017.
    """
    images = as_batch(model, images)
    classes = as_classes(model, class_index, len(images))
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps must be a whole number of at least 1, but it is {steps!r}.")
    baseline = np.asarray(baseline, np.float32)
    if class_index is None:
        classes = predict(model, images).argmax(axis=1).astype(np.int32)  # the same class all the way
    total = np.zeros_like(images)
    for step in range(steps):
        between = baseline + (step + 0.5) / steps * (images - baseline)
        parts = _gradients(model, None, between.astype(np.float32), classes)
        total += np.concatenate([gradients for _, gradients, _ in parts])
    return ((images - baseline) * total / steps).sum(axis=3)


def occlusion(model, images, class_index=None, size: int = 12, stride: int = 4, fill=None) -> np.ndarray:
    """Return how much the output for the class falls where a square is covered.

    Parameters
    ----------
    size, stride : height and width of the square, and its steps, in pixels, at least 1; the square is at most as
        large as the image
    fill : pixel values of the square; None for the mean color of the image

    The value of a pixel is the mean over all squares that cover it. The output is the probability if the model ends
    with softmax. Lesson 07; Zeiler, Fergus, "Visualizing and understanding convolutional networks", 2013.
    """
    images = as_batch(model, images)
    number, height, width, _ = images.shape
    if not (isinstance(size, int) and isinstance(stride, int) and 1 <= size <= min(height, width) and stride >= 1):
        raise ValueError(f"size must be from 1 to {min(height, width)}, stride at least 1; got {size!r}, {stride!r}.")
    classes = as_classes(model, class_index, number)
    before = predict(model, images)
    classes = np.where(classes < 0, before.argmax(axis=1), classes)
    corners = [(top, left) for top in places(height, size, stride) for left in places(width, size, stride)]
    maps = np.zeros((number, height, width), np.float32)
    for image, label, probabilities, drop in zip(images, classes, before, maps, strict=True):
        color = image.mean(axis=(0, 1)) if fill is None else fill
        times = np.zeros((height, width), np.float32)
        for start in range(0, len(corners), BATCH):
            part = corners[start : start + BATCH]
            covered = np.repeat(image[np.newaxis], len(part), axis=0)
            for copy, (top, left) in zip(covered, part, strict=True):
                copy[top : top + size, left : left + size] = color
            falls = probabilities[label] - predict(model, covered)[:, label]
            for fall, (top, left) in zip(falls, part, strict=True):
                drop[top : top + size, left : left + size] += fall
                times[top : top + size, left : left + size] += 1
        drop /= times
    return maps


def places(length: int, size: int, stride: int) -> list[int]:
    """Return where windows of ``size`` begin, from 0 on in steps; the last one ends at the border."""
    last = length - size
    return [*range(0, last, min(stride, size)), last]


# --- grades, where the truth is known ---


def pointing_game(maps, masks) -> np.ndarray:
    """Return for each map (N, H, W) whether its highest value is inside the mask (N, H, W): a bool array (N,).

    A map with the same value everywhere points nowhere: False. Zhang and others, "Top-down neural attention by
    excitation backprop", 2016. Raises ValueError if the shapes differ.
    """
    maps, masks = _pairs(maps, masks)
    flat = maps.reshape(len(maps), -1)
    return (flat.max(axis=1) > flat.min(axis=1)) & masks.reshape(len(maps), -1)[
        np.arange(len(maps)), flat.argmax(axis=1)
    ]


def overlap(maps, masks) -> np.ndarray:
    """Return how well the hottest pixels of each map, as many as the mask has, agree with the mask: (N,), 0 to 1.

    It is the number of pixels in both, divided by the number in either (intersection over union). Of pixels with the
    same heat, those further up count as hotter. Raises ValueError if the shapes differ.
    """
    maps, masks = _pairs(maps, masks)
    result = np.zeros(len(maps))
    for index, (heat, mask) in enumerate(zip(maps, masks, strict=True)):
        hottest = np.zeros(mask.size, bool)
        hottest[np.argsort(-heat.ravel(), kind="stable")[: mask.sum()]] = True
        result[index] = (hottest & mask.ravel()).sum() / max((hottest | mask.ravel()).sum(), 1)
    return result


def _pairs(maps, masks):
    maps, masks = np.asarray(maps, float), np.asarray(masks, bool)
    if maps.ndim != 3 or maps.shape != masks.shape:
        raise ValueError(f"Need a mask for each map, both (N, H, W), but got {maps.shape} and {masks.shape}.")
    return maps, masks

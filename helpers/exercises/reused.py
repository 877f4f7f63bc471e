"""Two exercises of lesson 08: features that are computed once, and how much a network has forgotten."""

from functools import partial

from helpers.exercises.judges import Exercise, Wrong, as_array, call, difference, expect_function, function, near

import numpy as np

# --- features once ---


def _trained_base():
    """Return a small base whose batch normalization has stored numbers that differ from those of any batch."""
    from helpers.engine import keras

    layers, random = keras.layers, np.random.default_rng(50)
    stack = [keras.Input((8, 10, 3)), layers.Rescaling(1 / 127.5, offset=-1)]
    for name, filters in (("conv1", 4), ("conv2", 5), ("conv3", 6)):
        stack += [layers.Conv2D(filters, 3, padding="same", name=name)]
        stack += [layers.BatchNormalization(name=f"{name}_norm"), layers.ReLU(name=f"{name}_relu")]

    class Base(keras.Sequential):
        """Its layers stand in a row, and it has an input and an output as the networks of the lesson do."""

        input, output = (property(lambda self, of=of: getattr(self, of)[0]) for of in ("inputs", "outputs"))

    base = Base([*stack, layers.GlobalAveragePooling2D(), layers.Dense(3)], name="base")
    base.set_weights([random.uniform(0.2, 1, w.shape) * random.choice([-1, 1], w.shape) for w in base.get_weights()])
    for layer in base.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_variance.assign(np.abs(layer.moving_variance.numpy()))
    return base


_IMAGES = np.random.default_rng(51).integers(0, 256, (7, 8, 10, 3)).astype(np.uint8)
_FEATURE_CASES = [("conv2_relu", _IMAGES), ("conv1", _IMAGES[:1])]


def _features(base, name, images, pool=np.max, training=False, last=False):
    """Return what an answer could: one number for each map of the layer, or what ``pool`` makes of the maps."""
    from helpers.engine import keras

    output = base.outputs[0] if last else base.get_layer(name).output
    maps = np.asarray(keras.Model(base.inputs[0], output)(np.asarray(images, np.float32), training=training))
    return maps if pool is None or maps.ndim < 4 else pool(maps, axis=(1, 2))


def _flat(maps, axis):
    return maps.reshape(len(maps), -1)


def _over_channels(maps, axis):
    return maps.max(axis=3)


def _over_images(maps, axis):
    return maps.max(axis=(0, 1, 2))


_OTHER_FEATURES = [
    (partial(_features, pool=np.mean), "those are means. Take the largest value of each map."),
    (partial(_features, pool=None), "those are the maps. Of each, one number has to be left: the largest."),
    (
        partial(_features, last=True),
        "that is what comes out of the last layer. Cut the base open at the layer that is named.",
    ),
    (partial(_features, pool=_flat), "those are all numbers of the maps, in a row. Take the largest of each map."),
    (
        partial(_features, pool=_over_channels),
        "the largest along the channels is one number for each place. Take it over rows and columns: axes 1 and 2.",
    ),
    (
        lambda base, name, images: _features(base, name, images / 255),
        "your images are from 0 to 1. The base scales them itself, in its first layer: give them as they are.",
    ),
    (
        partial(_features, pool=partial(np.max, keepdims=True)),
        "the axes of rows and columns are still there, with one number each: keepdims keeps them.",
    ),
    (
        lambda base, name, images: _features(base, name, images, pool=_over_images),
        "those are the largest of all images together. Take them for each image: axes 1 and 2.",
    ),
    (partial(_features, pool=np.min), "those are the smallest values. Take the largest."),
    (partial(_features, pool=np.sum), "those are sums. Take the largest value of each map."),
    (lambda base, name, images: _features(base, name, images).T, "it is turned: a row for each image."),
]


def _same(got, want) -> bool:
    return near(got, want, 1e-4)


def _feature_judge(answer) -> None:
    """Judge features_of(base, name, images): the maxima of the maps, by a base that stays as it is."""
    expect_function(answer)
    base, found = _trained_base(), []
    kept, stack = {weight.path: weight.numpy() for weight in base.weights}, [*base.layers]
    for name, images in _FEATURE_CASES:
        where = f"for the layer {name} and {len(images)} images"
        given = call(lambda images, name=name: answer(base, name, images), images.copy(), where=where)
        if base.layers != stack:
            raise Wrong("the base has other layers now. keras.Model(…) cuts it open, and leaves it as it is.")
        changed = {weight.path for weight in base.weights if not np.array_equal(kept[weight.path], weight.numpy())}
        if any("moving" not in path for path in changed):
            raise Wrong("the base has changed: its weights are others now.")
        if changed:
            raise Wrong("the base has changed: batch normalization measures with training=True. Use predict.")
        found.append((name, images, as_array(given, where=f", {where}"), where))
    base = _trained_base()
    right = [_features(base, name, images) for name, images, _, _ in found]
    if all(_same(got, want) for (_, _, got, _), want in zip(found, right, strict=True)):
        return
    for mistake, message in _OTHER_FEATURES:
        if all(_same(got, mistake(base, name, images)) for name, images, got, _ in found):
            raise Wrong(message)
    for (_, _, got, where), want in zip(found, right, strict=True):
        if not _same(got, want):
            raise Wrong(f"{where} {difference(got, want, 1e-4)}.", generic=True)


FEATURES = Exercise(
    _feature_judge,
    "One way through the base for each image. Whatever is trained on these rows takes seconds.",
    (
        "keras.Model(base.inputs[0], base.get_layer(name).output) is the base up to that layer.",
        "predict gives maps (N, h, w, C). Of each map the largest number is wanted.",
        "maps.max(axis=(1, 2)).",
    ),
    _OTHER_FEATURES,
    patience=3,
)

# --- what is forgotten ---


def _forgotten(before, after):
    return float(np.mean(before.argmax(axis=1) != after.argmax(axis=1)))


def _answers(number, classes, changed, seed):
    """Return probabilities before and after, where so many words are others.

    There the two largest have changed places. Elsewhere the network is surer or less sure of its word, and all other
    classes have changed places; but for the last image but one, where the order is as it was, and the last one, where
    all is.
    """
    random = np.random.default_rng(seed)
    before = random.dirichlet(np.ones(classes), number)
    after = before.copy()
    for row, ranks in enumerate(before.argsort(axis=1)):
        moved = ranks[-2:] if row < changed else ranks[: -1 if row < number - 2 else 0]
        after[row, moved] = before[row, moved[::-1]]
    after[changed:] **= random.choice([0.5, 2], (number - changed, 1))
    after[changed:] /= after[changed:].sum(axis=1, keepdims=True)
    after[max(changed, number - 1) :] = before[max(changed, number - 1) :]
    return before, after


_ANSWER_CASES = [
    _answers(8, 4, 2, seed=52),
    _answers(5, 3, 4, seed=53),
    _answers(12, 10, 0, seed=54),
    _answers(1, 5, 1, seed=55),
]

FORGOTTEN = Exercise(
    function(
        _forgotten,
        _ANSWER_CASES,
        [
            (lambda b, a: 1 - _forgotten(b, a), "that is the share of words that stayed. How many are lost?"),
            (lambda b, a: 100 * _forgotten(b, a), "that is in percent. A share is from 0 to 1."),
            (lambda b, a: len(b) * _forgotten(b, a), "that is how many. Divide by the number of images."),
            (
                lambda b, a: float(np.mean(np.any(b != a, axis=1))),
                "probabilities change, and the word may stay. A word is the class with the largest one: argmax.",
            ),
            (
                lambda b, a: float(np.mean(b != a)),
                "probabilities change, and the word may stay. A word is the class with the largest one: argmax.",
            ),
            (
                lambda b, a: float(np.mean(b.max(axis=1) != a.max(axis=1))),
                "that is where it was surer or less sure. It may be as sure of another word: compare the classes.",
            ),
            (
                lambda b, a: float(np.mean((b.argsort(axis=1) != a.argsort(axis=1)).any(axis=1))),
                "you compare the order of all classes. The word is the first of them only: argmax.",
            ),
            (
                lambda b, a: float(np.mean(b.argmin(axis=1) != a.argmin(axis=1))),
                "argmin is the class that it says last. Its word is the one with the largest probability: argmax.",
            ),
            (
                lambda b, a: float(np.sum(b.argmax(axis=1) != a.argmax(axis=1)) / b.shape[1]),
                "divide by the number of images, not by that of the classes.",
            ),
            (
                lambda b, a: float(np.mean(np.abs(b - a))),
                "that is how far probabilities move. Count the images with another word.",
            ),
            (
                lambda b, a: float(np.mean(b.max(axis=1) - a.max(axis=1))),
                "that is how much surer it was. It may be as sure of another word: compare the classes.",
            ),
            (
                lambda b, a: float(np.mean(b.argmax(axis=0) != a.argmax(axis=0))),
                "argmax(axis=0) looks along the images. The classes are axis 1.",
            ),
            (
                lambda b, a: (b.argmax(axis=1) != a.argmax(axis=1)).astype(float),
                "that says it for each image. Return one number, the share.",
            ),
        ],
    ),
    "It needs no labels: what counts is whether the network says what it said before.",
    (
        "Which word does it say to each image, before and after? argmax along the classes.",
        "In how many images do the two differ? The mean of True and False is a share.",
    ),
)

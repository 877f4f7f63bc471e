"""The exercises of lesson 08, transfer learning: right answers, typical mistakes with their messages."""

import collections

from helpers.engine import keras
from helpers.exercises.lesson_08 import TRANSFER_GOAL

import numpy as np
import pandas as pd
from exercise_tools import Answers, dressed, letters, not_written, one_wrong
from network_tools import (
    IMAGES,
    LABELS,
    Later,
    Network,
    beforehand,
    reader,
    scores,
    trained,
    untrained,
)

layers = keras.layers


def thaw(base, prefixes):
    base.trainable = True
    for layer in base.layers:
        is_norm = isinstance(layer, layers.BatchNormalization)
        layer.trainable = layer.name.startswith(tuple(prefixes)) and not is_norm


def thaw_in_two_passes(base, prefixes):
    base.trainable = True
    for layer in base.layers:
        layer.trainable = False
    for layer in base.layers:
        if any(layer.name.startswith(prefix) for prefix in prefixes) and not is_norm(layer):
            layer.trainable = True
    return base


def thaw_in_the_other_order(base, prefixes):
    for layer in reversed(base.layers):
        layer.trainable = True
    base.trainable = True
    for layer in base.layers:
        if type(layer).__name__ != "Conv2D" or not [p for p in prefixes if layer.name.find(p) == 0]:
            layer.trainable = False


def thaw_recursively(layer, prefixes):
    if getattr(layer, "layers", None):
        layer.trainable = True
        for part in layer.layers:
            thaw_recursively(part, prefixes)
    else:
        begins = any(layer.name[: len(prefix)] == prefix for prefix in prefixes)
        layer.trainable = begins and not hasattr(layer, "moving_mean")


def thaw_only(base, prefixes):
    """Forget the frozen base."""
    for layer in base.layers:
        layer.trainable = layer.name.startswith(tuple(prefixes)) and "norm" not in layer.name


def thaw_with(choose, whole=True):
    """Thaw the layers for which choose(layer, prefixes) holds."""

    def answer(base, prefixes):
        base.trainable = whole
        for layer in base.layers:
            layer.trainable = choose(layer, prefixes)

    return answer


def is_norm(layer):
    return isinstance(layer, layers.BatchNormalization)


def freeze_norms_only(base, prefixes):
    for layer in base.layers:
        if is_norm(layer):
            layer.trainable = False


def thaw_what_it_finds(base, prefixes):
    """Leave everything else as it is."""
    base.trainable = True
    for layer in base.layers:
        if layer.name.startswith(tuple(prefixes)):
            layer.trainable = True


def thaw_too_late(base, prefixes):
    for layer in base.layers:
        layer.trainable = layer.name.startswith(tuple(prefixes)) and not is_norm(layer)
    base.trainable = True


def thaw_by_weights(base, prefixes):
    """Stop the training of scale and offset, and not the measuring."""
    base.trainable = True
    for layer in base.layers:
        for weight in layer.weights:
            weight.trainable = layer.name.startswith(tuple(prefixes)) and not is_norm(layer)


def take_apart(base, prefixes):
    while base.layers:
        base.pop()


def running_by_sums(values, window):
    sums = np.concatenate([[0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def running_by_queue(values, window):
    last, result = collections.deque(maxlen=window), []
    for value in values:
        last.append(value)
        result.append(sum(last) / len(last))
    return result


def rolling(values, window, **options):
    return pd.Series(values).rolling(window, **options).mean()


def means_of(part):
    """The mean of part(values, place, window), for each place."""
    return lambda values, window: [np.mean(part(values, i, window)) for i in range(len(values))]


def into(make, begin=False):
    """The moving average, written into an array that is made so; from the first whole window on only, or all of it."""

    def answer(values, window):
        result = make(values)
        for i in range(window - 1 if begin else 0, len(values)):
            result[i] = np.mean(values[max(0, i + 1 - window) : i + 1])
        return result

    return answer


def means_of_means(values, window):
    result = np.array(values, float)
    for i in range(len(result)):
        result[i] = result[: i + 1][-window:].mean()
    return result


def maps_of(base, name, images, **options):
    cut = keras.Model(base.inputs[0], base.get_layer(name).output)
    return cut(np.asarray(images, "float32"), **options).numpy()


def features_by_predict(base, name, images):
    maps = keras.Model(base.inputs[0], base.get_layer(name).output).predict(images, verbose=0)
    return maps.max(axis=(1, 2))


def features_by_input(base, name, images):
    cut = keras.Model(base.input, base.get_layer(name).output)
    return cut.predict(images, verbose=0).max(axis=(1, 2))


def features_by_layers(base, name, images):
    found = images.astype("float32")
    for layer in base.layers:
        found = layer(found, training=False)
        if layer.name == name:
            return [[float(np.max(one[:, :, k])) for k in range(one.shape[2])] for one in found.numpy()]


def features_by_pooling(base, name, images):
    inputs = keras.Input(images.shape[1:])
    whole = keras.Model(base.inputs[0], layers.GlobalMaxPooling2D()(base.get_layer(name).output))
    return keras.Model(inputs, whole(inputs)).predict(images, verbose=0)


def by_batch(base, name, images):
    return maps_of(base, name, images, training=True).max(axis=(1, 2))


def by_pop(base, name, images):
    while base.layers[-1].name != name:
        base.pop()
    return base.predict(images, verbose=0).max(axis=(1, 2))


def frozen_for_good(base, name, images):
    base.trainable = False
    return features_by_predict(base, name, images)


def words(probabilities):
    return [max(range(len(one)), key=lambda k: one[k]) for one in probabilities]


def share_of_others(before, after):
    return sum(a != b for a, b in zip(words(before), words(after), strict=True)) / len(before)


STUBS = {
    1: "?",
    2: lambda base, prefixes: ...,
    3: (..., IMAGES, LABELS),
    4: lambda values, window: ...,
    5: lambda base, name, images: None,
    6: letters("?????"),
    7: "?",
    8: lambda before, after: ...,
    9: letters("???"),
}
RIGHT = {
    1: ["d", " D)", "(d)"],
    2: [
        thaw,
        thaw_in_two_passes,
        thaw_in_the_other_order,
        thaw_recursively,
        thaw_with(lambda layer, prefixes: layer.name.startswith((*prefixes,)) * isinstance(layer, layers.Conv2D)),
    ],
    3: [
        (trained(1.0), IMAGES, LABELS),
        (trained(TRANSFER_GOAL), [*IMAGES], LABELS.tolist()),
        (Later(reader), IMAGES / 1.0, pd.Series(LABELS)),
        (scores(), IMAGES, np.eye(10)[LABELS]),  # no softmax, and one-hot labels
    ],
    4: [
        running_by_sums,
        running_by_queue,
        lambda values, window: rolling(values, window, min_periods=1),
        means_of(lambda values, i, window: values[: i + 1][-window:]),
        lambda values, window: (
            np.convolve(values, np.ones(window))[: len(values)]
            / np.convolve(np.ones(len(values)), np.ones(window))[: len(values)]
        ),
    ],
    5: [features_by_predict, features_by_input, features_by_layers, features_by_pooling, frozen_for_good],
    6: dressed("baccb"),
    7: ["c", "C.", "(c)"],
    8: [
        share_of_others,
        lambda b, a: (b.argmax(1) != a.argmax(1)).mean(),
        lambda b, a: 1 - np.count_nonzero(np.argmax(b, -1) == np.argmax(a, -1)) / b.shape[0],
    ],
    9: dressed("bca"),
}
WRONG = {
    1: [
        ("a", "batch normalization has its own numbers"),
        ("b", "the kernels are trained"),
        ("c", "has changed already"),
    ],
    2: [
        (3, "give the function itself, without parentheses"),
        (lambda base: None, "your function raised TypeError"),
        (lambda base, prefixes: base.get_layer("conv9"), "your function raised ValueError"),
        (
            thaw_with(lambda layer, prefixes: layer.name.startswith(prefixes) and not is_norm(layer)),
            "your function raised TypeError: startswith first arg must be str or a tuple of str, not list, for "
            "prefixes ['conv2']",
        ),
        (thaw_only, "where the whole base was frozen, it stays so, for prefixes ('conv3', 'conv4')"),
        (
            thaw_with(lambda layer, prefixes: layer.name.startswith(tuple(prefixes))),
            "for prefixes ('conv4',), conv4_norm is trained, too: batch normalization has to stay frozen",
        ),
        (thaw_what_it_finds, "for prefixes ('conv4',), every layer is trained. base.trainable = True opens all"),
        (lambda base, prefixes: setattr(base, "trainable", True), "every layer is trained"),
        (
            thaw_with(lambda layer, names: layer.name[: len(names[0])] in names and not is_norm(layer)),
            "for prefixes ('conv1', 'conv3a'), conv3a is still frozen",
        ),
        (thaw_too_late, "for prefixes ('conv3', 'conv4'), every layer is trained. base.trainable = True opens all"),
        (
            thaw_with(lambda layer, prefixes: layer.name.startswith(tuple(prefixes)) and "norm" not in layer.name),
            "for prefixes ('conv',), conv1_bn is trained, too: batch normalization has to stay frozen",
        ),
        (thaw_by_weights, "conv1_bn is trained, too: batch normalization has to stay frozen"),  # it measures
        (lambda base, prefixes: setattr(base, "trainable", False), "The base as a whole is frozen"),
        (freeze_norms_only, "for prefixes ('conv4',), conv1 is trained, too. Freeze all others"),
        (
            thaw_with(lambda layer, prefixes: any(p in layer.name for p in prefixes) and not is_norm(layer)),
            "for prefixes ['conv2'], top_conv2 is trained, too",
        ),
        (
            thaw_with(lambda layer, prefixes: layer.name in prefixes),
            "for prefixes ('conv3', 'conv4'), conv3a is still frozen.",
        ),
        (
            thaw_with(lambda layer, prefixes: layer.name.startswith(prefixes[0]) and not is_norm(layer)),
            "for prefixes ('conv3', 'conv4'), conv4 is still frozen.",
        ),
        (
            thaw_with(lambda layer, prefixes: layer.name[:5] in prefixes and not is_norm(layer)),
            "for prefixes ('conv',), conv1 is still frozen.",
        ),
        (
            thaw_with(lambda layer, prefixes: layer.name.startswith(tuple(prefixes)), whole=False),
            "conv4 is still frozen. The base as a whole is frozen: set base.trainable = True first.",
        ),
        (take_apart, "conv4 is still frozen"),
        (Network(), "give the function itself, without parentheses"),
        (lambda base, prefixes: setattr(base, "_layers", None), "your function raised TypeError"),
    ],
    3: [
        ((trained(TRANSFER_GOAL - 0.01), IMAGES, LABELS), "it gets 84% of the images right. The goal is 85%"),
        ((Later(untrained), IMAGES, LABELS), "of the images right. The goal is 85%"),
        ((beforehand(), IMAGES, LABELS), "was trained beforehand. Train one with x and y"),
        ((scores(0.7), IMAGES, LABELS), "its numbers are no probabilities"),
        ((trained(1), IMAGES[:, 0], LABELS), "it cannot take images of shape"),
        ((trained(1), IMAGES[:9], LABELS[:9]), "for each image it must give 9 numbers"),
        ((trained(1), IMAGES.reshape(len(IMAGES), -1), LABELS), "those are no images: their shape is (200, 192)"),
    ],
    4: [
        (lambda values, window: rolling(values, window, center=True, min_periods=1), "looks into the future"),
        (means_of(lambda values, i, window: values[i : i + window]), "looks into the future"),
        (
            means_of(lambda values, i, window: values[max(0, i - window // 2) : i + window // 2 + 1]),
            "looks into the future",
        ),
        (
            means_of(lambda values, i, window: values[max(0, i - (window - 1) // 2) : i + window // 2 + 1]),
            "looks into the future",
        ),
        (lambda values, window: pd.Series(values).expanding().mean(), "the mean of all values so far"),
        (
            lambda values, window: [sum(values[max(0, i + 1 - window) : i + 1]) / window for i in range(len(values))],
            "at the start you divide by `window`",
        ),
        (lambda values, window: rolling(values, window).dropna(), "the result is shorter than values"),
        (lambda values, window: np.convolve(values, np.full(window, 1 / window), "valid"), "shorter than values"),
        (
            means_of(lambda values, i, window: values[:i][-window:] if i else values[:1]),
            "the value itself has to be among them",
        ),
        (
            lambda values, window: pd.Series(values).rolling(window, min_periods=1).sum(),
            "those are sums. Take means",
        ),
        (lambda values, window: rolling(values, window + 1, min_periods=1), "one value too many"),
        (rolling, "at the start there is NaN"),
        (lambda values, window: np.convolve(values, np.full(window, 1 / window), "same"), "looks into the future"),
        (into(lambda values: np.zeros_like(values)), "it drops the fractions where values are whole numbers"),
        (into(lambda values: np.zeros(len(values)), begin=True), "at the start there are zeros"),
        (into(lambda values: np.array(values, float), begin=True), "at the start you keep the values as they are"),
        (means_of_means, "it takes means of means"),
        (lambda values, window: pd.Series(values).ewm(alpha=0.3, adjust=False).mean(), "the running average of lesson"),
        (lambda values, window: pd.Series(values).ewm(span=window, adjust=False).mean(), "the running average of les"),
        (lambda values, window: np.convolve(values, np.full(window, 1 / window), "full"), "is longer than values"),
        (lambda values, window: values, "it returned 1 at place [1] where 2.5 is right, so [4., 1., 7., 2., 9.]"),
        (lambda values, window: np.mean(values[-window:]), "it returned one number where shape (5,) is right"),
        (lambda values, window: [f"{value:.2f}" for value in values], "must return numbers"),
    ],
    5: [
        (lambda base, name, x: maps_of(base, name, x).mean(axis=(1, 2)), "those are means"),
        (maps_of, "those are the maps"),
        (lambda base, name, x: base.predict(x, verbose=0), "what comes out of the last layer"),
        (lambda base, name, x: maps_of(base, name, x).reshape(len(x), -1), "those are all numbers of the maps"),
        (lambda base, name, x: maps_of(base, name, x).max(axis=-1), "one number for each place"),
        (lambda base, name, x: maps_of(base, name, x).min(axis=(1, 2)), "those are the smallest values"),
        (lambda base, name, x: maps_of(base, name, x).sum(axis=(1, 2)), "those are sums"),
        (lambda base, name, x: features_by_predict(base, name, x).T, "it is turned: a row for each image"),
        (by_batch, "the base has changed: batch normalization measures"),
        (by_pop, "the base has other layers now"),
        (
            lambda base, name, x: base.set_weights([w + 1 for w in base.get_weights()]) or x,
            "its weights are others now",
        ),
        (lambda base, name, x: features_by_predict(base, name, x / 255), "your images are from 0 to 1"),
        (lambda base, name, x: maps_of(base, name, x).max(axis=(1, 2), keepdims=True), "keepdims keeps them"),
        (lambda base, name, x: maps_of(base, name, x).max(axis=(0, 1, 2)), "the largest of all images together"),
        (
            lambda base, name, x: 2 * features_by_predict(base, name, x),
            "for the layer conv2_relu and 7 images it returned",
        ),
        (
            lambda base, name, x: features_by_predict(base, name, x)[:1],
            "it returned shape (1, 5) where (7, 5) is right",
        ),
        (lambda base, name, x: maps_of(base, "conv4", x), "your function raised ValueError"),
        (lambda base, name, x: features_by_predict(base, name, x) * np.nan, "must return numbers"),
        (lambda base, name, x: x.fill(0) or features_by_predict(base, name, x), "your function changed its input"),
        (lambda base, name, x: keras.Model(base.inputs[0], base.get_layer(name).output), "must return numbers"),
        (3, "give the function itself"),
    ],
    6: one_wrong(
        "baccb",
        Aa="both train the same head",
        Ac="frozen in both",
        Bb="proves no equality",
        Bc="Time and parameters are measured",
        Ca="the epochs differ, too",
        Cb="the images differ, too",
        Da="A text is not a measurement",
        Db="other images change more than that",
        Ea="stay frozen",
        Ec="that one is trained",
    ),
    7: [("a", "it takes as long"), ("b", "frozen layers do not move"), ("d", "the rate was three times as high")],
    8: [
        (lambda b, a: 1 - share_of_others(b, a), "the share of words that stayed"),
        (lambda b, a: 100 * share_of_others(b, a), "that is in percent"),
        (lambda b, a: round(len(b) * share_of_others(b, a)), "that is how many"),
        (lambda b, a: (b != a).any(axis=1).mean(), "probabilities change, and the word may stay"),
        (lambda b, a: 1 - np.mean([np.allclose(*pair) for pair in zip(b, a, strict=True)]), "the word may stay"),
        (lambda b, a: (b.argsort(axis=1) != a.argsort(axis=1)).any(axis=1).mean(), "the order of all classes"),
        (lambda b, a: np.mean(b.argmin(axis=1) != a.argmin(axis=1)), "the class that it says last"),
        (lambda b, a: np.mean(b.max(axis=1) != a.max(axis=1)), "where it was surer or less sure"),
        (lambda b, a: len(b) * share_of_others(b, a) / b.shape[1], "not by that of the classes"),
        (lambda b, a: np.mean(b != a), "the class with the largest one: argmax"),
        (lambda b, a: np.mean(abs(a - b)), "how far probabilities move"),
        (lambda b, a: b.max(axis=1).mean() - a.max(axis=1).mean(), "how much surer it was"),
        (lambda b, a: np.mean(b.argmax(axis=0) != a.argmax(axis=0)), "argmax(axis=0) looks along the images"),
        (lambda b, a: [p != q for p, q in zip(words(b), words(a), strict=True)], "Return one number, the share"),
        (lambda b, a: share_of_others(b, a) / 2, "it returned 0.125 where 0.25 is right"),
    ],
    9: one_wrong(
        "bca",
        Aa="not what they are good for",
        Ac="suffers as much without others",
        Ba="the best one so far",
        Bb="learns by heart",
        Cb="the same stamps",
        Cc="can err together",
    ),
}
MISSING = [
    (1, "all", "answer with one of the letters a, b, c, d"),
    (2, None, "define the function"),
    (2, ..., "define the function"),
    (2, not_written, "write the body of the function"),
    (2, lambda base, prefixes: 3, "set layer.trainable, True or False, for each layer of the base"),
    (3, None, "train a network, then give check(3, (my_model, x_test, y_test))"),
    (3, trained(1), "give the trained network and the images: check(3, (my_model, x_test, y_test))"),
    (3, (keras.Model, IMAGES, LABELS), "give the trained network and the images: check(3, (my_model, x_test, y_test))"),
    (3, (trained(1), IMAGES), "give the trained network and the images"),
    (3, (IMAGES, trained(1), LABELS), "give the trained network and the images"),
    (3, (trained(1), IMAGES, LABELS[:9]), "give the images and their labels: check(3, (my_model, x_test"),
    (3, (trained(1), IMAGES, LABELS + 0.5), "give the images and their labels"),
    (4, None, "define the function"),
    (4, not_written, "write the body of the function"),
    (5, None, "define the function"),
    (5, lambda base, name, images: ..., "write the body of the function"),
    (6, letters("ba???"), "C: put one of the letters a, b, c"),
    (7, "low", "answer with one of the letters a, b, c, d"),
    (8, "?", "define the function"),
    (9, letters("b?a"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "08", STUBS, RIGHT, WRONG, MISSING
    returns_no_array = (2,)

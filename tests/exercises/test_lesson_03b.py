"""The exercises of lesson 03b, training a CNN: right answers, typical mistakes with their messages."""

import math
import types

from helpers.engine import keras, tf
from helpers.exercises import fresh, load_checks

import numpy as np
import pytest
from exercise_tools import Answers, dressed, letters, not_written, one_wrong


@pytest.fixture(autouse=True)
def no_lesson_has_loaded_images(monkeypatch):
    """The images here are as large as the digits, and others."""
    monkeypatch.setattr(fresh, "LOADED", {})


def network(parameters=16_938, kinds=("Conv2D", "Flatten", "Dense"), accuracy=1.0, known=1.0, scale=1.0, classes=10):
    """Return something with the face of a trained Keras model, and a dataset of which it gets such shares right."""
    labels = np.arange(200) % 10
    train, validation = (
        types.SimpleNamespace(images=np.full((200, 28, 28, 1), value, np.uint8), labels=labels) for value in (100, 200)
    )

    def predict(given, verbose):
        assert given.max() <= 1
        share = known if given.max() < 0.5 else accuracy
        answers = np.where(np.arange(200) < share * 200, labels, (labels + 1) % 10)
        return scale * np.eye(classes)[answers % classes]

    model = types.SimpleNamespace(
        layers=[type(kind, (), {})() for kind in kinds], count_params=lambda: parameters, predict=predict
    )
    dataset = types.SimpleNamespace(train=train, validation=validation, class_names=tuple("0123456789"))
    return model, dataset


def gradient_by_loop(w, x, y, rate):
    slope = 0
    for one, target in zip(x, y, strict=True):
        slope += 2 * (w * one - target) * one / len(x)
    return [w][0] - slope * rate


def many_steps(w, x, y, rate):
    for _ in range(100):
        w = gradient_by_loop(w, x, y, rate)
    return w


unbuilt = keras.Sequential([keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(10)])


def two_classes(label, p):
    truth = np.eye(len(p))[label]
    return -np.mean(truth * np.log(p) + (1 - truth) * np.log(1 - p))


COUNTS = np.array([[80, 17, 3], [6, 92, 2], [1, 1, 98]])
MATRIX = {"accuracy": 90, "cats_found": 80, "dogs_as_cats": 6}
STUBS = {
    1: lambda w, x, y, learning_rate: ...,
    2: lambda label, probabilities: ...,
    3: (..., None),
    4: letters("???"),
    5: {"accuracy": None, "cats_found": None, "dogs_as_cats": None},
    6: letters("???"),
    7: letters("???"),
}
RIGHT = {
    1: [
        lambda w, x, y, rate: w - rate * 2 / len(x) * np.dot(w * x - y, x),
        lambda w, x, y, rate: w + 2 * rate * np.mean((y - w * x) * x),
        gradient_by_loop,
        lambda w, x, y, rate: tf.constant(w - rate * np.mean(2 * (w * x - y) * x), tf.float32),
    ],
    2: [
        lambda label, p: np.log(1 / p[label]),
        lambda label, p: -np.sum(np.eye(len(p))[label] * np.log(p)),
        lambda label, p: np.array(-math.log([*p][label] + 1e-12)),
        lambda label, p: -np.log(np.float32(p[label] + 1e-6)),
        lambda label, p: keras.losses.SparseCategoricalCrossentropy()(np.array([label]), p[np.newaxis]),
    ],
    3: [network(), network(20_000, ("SeparableConv2D", "Dense"), accuracy=0.95), network(scale=5)],  # no softmax
    4: dressed("cab"),
    5: [
        MATRIX,
        {**MATRIX, "accuracy": 100 * np.trace(COUNTS) / COUNTS.sum()},
        {**MATRIX, "dogs_as_cats": COUNTS[1, 0]},
    ],
    6: dressed("bca"),
    7: dressed("cab"),
}
WRONG = {
    1: [
        (lambda w, x, y, rate: w + rate * np.mean(2 * (w * x - y) * x), "uphill"),
        (lambda w, x, y, rate: w - rate * np.sum(2 * (w * x - y) * x), "mean"),
        (lambda w, x, y, rate: w - rate * np.mean((w * x - y) * x), "factor 2"),
        (lambda w, x, y, rate: w - np.mean(2 * (w * x - y) * x), "learning rate"),
        (lambda w, x, y, rate: w - rate * 2 * (w * x - y) * x, "take the mean"),
        (lambda w, x, y, rate: w - 2 * rate * np.mean(w * x - y), "the inner derivative"),
        (lambda w, x, y, rate: w - rate * np.mean(w * x - y), "the inner derivative"),
        (lambda w, x, y, rate: w - 2 * rate * w * np.mean(w * x - y), "with respect to x"),
        (lambda w, x, y, rate: w - rate * np.dot(w * x - y, x), "half the sum of squares"),
        (many_steps, "the best w, where many steps end"),
        (lambda w, x, y, rate: gradient_by_loop(w, x, y, 0.218), "always the same"),  # the last one of the lesson
        (lambda w, x, y, rate: [gradient_by_loop(w, x, y, rate)], "shape (1,) where one number, in no brackets, is"),
        (lambda w, x, y, rate: w - rate * np.mean((w * x - y) ** 2), "you subtract the loss"),
        (lambda w, x, y, rate: np.mean((w * x - y) ** 2), "that is the loss"),
        (lambda w, x, y, rate: gradient_by_loop(w, x, y, 0.05), "always the same"),
        (lambda w, x, y, rate: 2 * np.dot(w * x - y, x) / len(x), "the gradient, not the new w"),
        (lambda w, x, y, rate: -rate * np.mean(2 * (w * x - y) * x), "Add it to w"),
        (
            lambda w, x, y, rate: (
                w - rate * np.mean(2 * (w * np.array([1, 2, 3]) - np.array([2, 4, 6])) * np.array([1, 2, 3]))
            ),
            "arguments of your function",
        ),
    ],
    2: [
        (lambda label, p: np.log(p[label]), "sign"),
        (lambda label, p: -np.log2(p[label]), "natural logarithm"),
        (lambda label, p: -np.sum(np.log(p)), "true class"),
        (lambda label, p: -np.log(np.sort(p)[-1]), "the most probable class"),
        (lambda label, p: sum(np.delete(p, label)), "without the logarithm"),
        (lambda label, p: np.dot(p, np.log(1 / p)), "the entropy of the prediction alone"),
        (lambda label, p: (1 - p[label]) ** 2, "squared error"),
        (lambda label, p: -np.log(p), "shape"),
        (lambda label, p: -p[label], "minus the probability"),
        (lambda label, p: -np.mean(np.eye(len(p))[label] * np.log(p)), "mean over the classes"),
        (lambda label, p: -np.log(p[label - 1]), "a neighbor"),
        (lambda label, p: -np.log([*p][label + 1]), "a neighbor"),
        (lambda label, p: np.nan, "it returned nan, for (0, "),
        (lambda label, p: p[label], "the probability itself"),
        (lambda label, p: -label * math.log(p[label]), "`label` is the number of a class, no factor"),
        (lambda label, p: -sum(label * np.log(p)), "`label` is the number of a class, no factor"),
        (lambda label, p: -np.mean(label * np.log(p)), "`label` is the number of a class, no factor"),
        (lambda label, p: -math.log(1 - p[label]), "of all others together"),
        (lambda label, p: len(p) * two_classes(label, p), "those of yes or no"),
        (lambda label, p: two_classes(label, p), "those of yes or no"),
        (lambda label, p: -np.log(np.exp(p) / np.exp(p).sum())[label], "probabilities already"),
        (lambda label, p: p[label] * np.log(1 / p[label]), "the factor p is too much"),
    ],
    3: [
        (network(20_001), "it has 20,001 parameters; at most 20,000"),
        (network(kinds=("Flatten", "Dense")), "there is no Conv2D"),
        (network(accuracy=0.1, known=0.1), "Is it trained"),
        (network(accuracy=0.94), "The goal is 95%: close."),
        (network(accuracy=0.7), "The goal is 95%."),
        (network(known=0.9), "Train it on x_train."),
        (network(accuracy=0.63, known=0.59), "The goal is 95%."),  # luck, and no reason to doubt
        (network(accuracy=0.6, known=0.6, scale=3.0), "softmax"),
        ((unbuilt, network()[1]), "begin with keras.Input(…)"),
        (network(kinds=("Conv2D", "Lambda")), "a Lambda layer does not say"),
        (network(classes=5), "it must give 10 numbers"),
    ],
    4: one_wrong(
        "cab",
        Aa="a large loss alone",
        Ab="only the probability of the true class",
        Bb="both saw the same images",
        Bc="would give other networks",
        Ca="held back",
        Cc="nothing says so",
    ),
    5: [
        ({**MATRIX, "accuracy": 0.9}, "in percent"),
        ({**MATRIX, "accuracy": 270}, "Divide by the number of all"),
        ({**MATRIX, "accuracy": 10}, "share of mistakes"),
        ({**MATRIX, "cats_found": 0.8}, "in percent"),
        ({**MATRIX, "cats_found": 100 * 80 / 87}, "Take the row"),
        *(({**MATRIX, "cats_found": number}, "Take the row") for number in (92, 91.95, 80 / 87)),
        *(({**MATRIX, "cats_found": number}, "not of all animals") for number in (80 / 3, 26.7)),
        ({**MATRIX, "cats_found": 20}, "it took for others"),
        ({**MATRIX, "dogs_as_cats": 17}, "cats taken for dogs"),
        ({**MATRIX, "dogs_as_cats": 8}, "all dogs that were taken"),
        ({**MATRIX, "dogs_as_cats": 7}, "owls as well"),
        ({**MATRIX, "dogs_as_cats": 92}, "that it recognized"),
        ({**MATRIX, "dogs_as_cats": 0.06}, "How many of them"),
        ({**MATRIX, "dogs_as_cats": 5}, "too small"),
    ],
    6: one_wrong(
        "bca",
        Aa="needs no more",
        Ac="the layers into which they go",
        Ba="before the first step",
        Bb="begins to count anew",
        Cb="what the optimizer remembers",
        Cc="labels are not kept",
    ),
    7: one_wrong(
        "cab",
        Aa="two pixels of the image",
        Ab="times all strides before it",
        Bb="kernels of 11 × 11",
        Bc="so do many learned ones",
        Ca="only what forgets the place",
        Cc="two pixels further on",
    ),
}
MISSING = [
    (1, None, "define the function"),
    (2, not_written, "write the body of the function"),
    (3, None, "build and train a model, then give check(3, (small_model, dataset))."),
    (3, network()[0], "give the trained model and the dataset: check(3, (small_model, dataset))."),
    (3, (network()[0], None), "give the trained model and the dataset"),
    (
        3,
        (types.SimpleNamespace(history={"loss": [1]}), network()[1]),
        "give the trained model and the dataset: check(3, (small_model, dataset)). What `fit` and `train` return is",
    ),
    (
        3,
        (network, network()[1]),
        "give the trained model and the dataset: check(3, (small_model, dataset)). What builds a network is none yet",
    ),
    (3, network()[::-1], "give the trained model and the dataset"),
    (4, letters("c?b"), "B: put one of the letters a, b, c"),
    (5, {**MATRIX, "accuracy": None}, "fill in accuracy."),
    (6, letters("bc?"), "C: put one of the letters a, b, c"),
    (7, letters("c?b"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "03b", STUBS, RIGHT, WRONG, MISSING


def test_small_network_may_be_nested_and_must_take_the_images(said):
    model, dataset = network()
    load_checks("03b")(3, (types.SimpleNamespace(**vars(model) | {"layers": [model]}), dataset))
    assert said().startswith("✓ yes")

    def predict(given, verbose):
        raise ValueError("expected shape (None, 32, 32, 3)")

    load_checks("03b")(3, (types.SimpleNamespace(**vars(model) | {"predict": predict}), dataset))
    assert "begin with keras.Input((" in said()
    load_checks("03b")(3, model)
    assert said().startswith("… not yet: give the trained model and the dataset")

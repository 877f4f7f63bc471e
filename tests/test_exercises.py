"""Each exercise rejects the stub and typical wrong answers with a hint, and accepts more than one right answer."""

import types

from helpers.checks import load_checks
from helpers.exercises import EXERCISES
from helpers.gabor import gabor_kernel, gabor_response

import numpy as np
import pytest
from scipy import signal

STUBS = {
    "01": {
        1: "?",
        2: lambda image, kernel, stride: ...,
        3: [[None] * 3] * 3,
        4: {"height": None, "channels": None, "parameters": None},
        5: lambda image, size: ...,
    },
    "02": {
        1: {"frequency": ..., "theta": ...},
        2: lambda kernel, bell: ...,
        3: "?",
        4: lambda image: ...,
        5: lambda image, kernel, target: ...,
    },
    "03": {
        1: "?",
        2: {"conv": None, "height": None, "dense": None},
        3: lambda w, x, y, learning_rate: ...,
        4: lambda label, probabilities: ...,
        5: (..., None),
    },
}


def stride_by_slicing(image, kernel, stride):
    return signal.correlate2d(image, kernel, mode="valid")[::stride, ::stride]


def stride_by_range(image, kernel, stride):
    height, width = kernel.shape
    return [
        [
            (image[top : top + height, left : left + width] * kernel).sum()
            for left in range(0, image.shape[1] - width + 1, stride)
        ]
        for top in range(0, image.shape[0] - height + 1, stride)
    ]


def stride_not_multiplied(image, kernel, stride):
    rows, cols = (image.shape[0] - kernel.shape[0]) // stride + 1, (image.shape[1] - kernel.shape[1]) // stride + 1
    result = np.zeros((rows, cols))
    for row in range(rows):
        for col in range(cols):
            result[row, col] = np.sum(image[row : row + kernel.shape[0], col : col + kernel.shape[1]] * kernel)
    return result


def pool_by_reshape(image, size):
    rows, cols = image.shape[0] // size, image.shape[1] // size
    return image[: rows * size, : cols * size].reshape(rows, size, cols, size).mean(axis=(1, 3))


def direction_by_loop(image, angle=np.radians, strength=np.abs, answer=lambda theta: theta):
    best, most = None, -np.inf
    for theta in (0, 30, 60, 90, 120, 150):
        total = strength(gabor_response(image, gabor_kernel(0.1, angle(theta), 4))).sum()
        if total > most:
            best, most = theta, total
    return answer(best)


def direction_by_two_convolutions(image):
    energies = {}
    for theta in range(0, 180, 30):
        kernel = gabor_kernel(0.1, np.radians(theta), 4)
        even, odd = (signal.correlate2d(image, part, mode="valid") for part in (kernel.real, kernel.imag))
        energies[theta] = (even**2 + odd**2).mean()
    return max(energies, key=energies.get)


def gradient_by_convolution(image, kernel, target):
    error = signal.correlate2d(image, kernel, mode="valid") - target
    return signal.correlate2d(image, 2 * error / error.size, mode="valid")


def gradient_by_difference(image, kernel, target):
    gradient = np.zeros(kernel.shape)
    for place in np.ndindex(*kernel.shape):
        losses = []
        for sign in (1, -1):
            moved = kernel.copy()
            moved[place] += sign * 1e-3
            losses.append(np.mean((signal.correlate2d(image, moved, mode="valid") - target) ** 2))
        gradient[place] = (losses[0] - losses[1]) / 2e-3
    return gradient


RIGHT = {
    "01": {
        1: ["b", " B "],
        2: [stride_by_slicing, stride_by_range],
        3: [[[-1, -1, -1], [0, 0, 0], [1, 1, 1]], np.array([[2.0], [-2.0]]), [[3, 10, 3], [0, 0, 0], [-3, -10, -3]]],
        4: [
            {"height": 112, "channels": 64, "parameters": 9472},
            {"height": 112.0, "channels": 64, "parameters": 9408 + 64},
        ],
        5: [pool_by_reshape, lambda image, size: pool_by_reshape(image, size).tolist()],
    },
    "02": {
        1: [{"frequency": 0.125, "theta": 90}, {"frequency": 1 / 8, "theta": np.float64(90)}],
        2: [
            lambda kernel, bell: kernel - kernel.sum() * bell / bell.sum(),
            lambda kernel, bell: kernel - bell**2 * kernel.sum() / (bell**2).sum(),  # fades out even sooner
        ],
        3: ["b", "(B)"],
        4: [direction_by_loop, direction_by_two_convolutions],
        5: [gradient_by_convolution, gradient_by_difference],
    },
    "03": {
        1: ["c", "C"],
        2: [
            {"conv": 51264, "height": 10, "dense": 64010},
            {"conv": 800 * 64 + 64, "height": np.int64(10), "dense": 64010},
        ],
        3: [
            lambda w, x, y, rate: w - rate * 2 / len(x) * np.dot(w * x - y, x),
            lambda w, x, y, rate: w + 2 * rate * np.mean((y - w * x) * x),
        ],
        4: [
            lambda label, p: np.log(1 / p[label]),
            lambda label, p: -np.sum(np.eye(len(p))[label] * np.log(p)),
        ],
    },
}

WRONG = {
    "02": {
        1: [
            ({"frequency": 8, "theta": 90}, "turn it over"),
            ({"frequency": 0.25, "theta": 90}, "half a wave"),
            ({"frequency": 0.125, "theta": 0}, "direction of the stripes"),
            ({"frequency": 0.125, "theta": np.pi / 2}, "radians"),
            ({"frequency": 0.1, "theta": 90}, "10 pixels"),
            ({"frequency": 0.11, "theta": 90}, "too small"),
        ],
        2: [
            (lambda kernel, bell: kernel, "unchanged"),
            (lambda kernel, bell: kernel - kernel.mean(), "corners"),
            (lambda kernel, bell: kernel / kernel.sum(), "the sum is 1"),
            (lambda kernel, bell: kernel - bell, "whole bell"),
            (lambda kernel, bell: kernel * 0, "zeros everywhere"),
            (lambda kernel, bell: bell * kernel.sum() / bell.sum() - kernel, "upside down"),
            (lambda kernel, bell: kernel - bell / 2, "not 0"),
            (lambda kernel, bell: kernel - kernel.sum() * (bell == bell.max()), "one weight took all"),
            (lambda kernel, bell: kernel.sum(), "shape"),
            (lambda kernel: kernel, "raised TypeError"),
        ],
        3: [("a", "out of step"), ("c", "where the peak is"), ("d", "one rule")],
        4: [
            (lambda image: direction_by_loop(image) // 30, "number of the filter"),
            (lambda image: np.radians(direction_by_loop(image)), "return degrees"),
            (lambda image: (direction_by_loop(image) + 90) % 180, "direction of the stripes"),
            (lambda image: direction_by_loop(image, angle=float), "theta in radians"),
            (lambda image: 30, "it returned"),
        ],
        5: [
            (lambda i, k, t: gradient_by_convolution(i, k, t) / 2, "the 2 of the square"),
            (lambda i, k, t: gradient_by_convolution(i, k, t) * t.size, "the sum over all places"),
            (lambda i, k, t: -gradient_by_convolution(i, k, t), "sign is turned"),
            (lambda i, k, t: gradient_by_convolution(i, k, t)[::-1, ::-1], "wrong cells"),
            (lambda i, k, t: gradient_by_convolution(i, k, t).sum(), "shape"),
        ],
    },
    "01": {
        1: [
            ("a", "lower row alone"),
            ("c", "does not average"),
            ("d", "own kernel value"),
        ],
        2: [
            (lambda i, k, s: signal.correlate2d(i, k, mode="valid"), "stride is not used"),
            (stride_not_multiplied, "still moves by one pixel"),
            (lambda i, k, s: signal.convolve2d(i, k, mode="valid")[::s, ::s], "flipped"),
            (lambda i, k, s: stride_by_slicing(i, k, s)[:-1, :-1], "shape"),
            (
                lambda i, k, s: stride_by_slicing(i, k, s)[
                    : (i.shape[0] - k.shape[0] + 1) // s, : (i.shape[1] - k.shape[1] + 1) // s
                ],
                "lost a place",
            ),
            (lambda i, k, s: signal.correlate2d(i[::s, ::s], k, mode="valid"), "left out pixels"),
            (lambda i, k, s: i[s], "shape"),
            (lambda i, k: i, "raised TypeError"),
        ],
        3: [
            ([[-1, 0, 1]] * 3, "vertical edges instead"),
            (np.full((3, 3), 1 / 9), "add up to"),
            (np.zeros((3, 3)), "finds nothing"),
            ([[0, 1, 1], [-1, 0, 1], [-1, -1, 0]], "both directions"),
            ([[0, 1, 0], [1, -4, 1], [0, 1, 0]], "both directions"),
            ([1, 0, -1], "shape"),
            ([[1, -2, 1], [0, 0, 0], [-1, 2, -1]], "no straight edge"),
            ([[1, 0, -1], [0, 0, 0], [-1, 0, 1]], "no straight edge"),
        ],
        4: [
            ({"height": 109, "channels": 64, "parameters": 9472}, "without padding"),
            ({"height": 111, "channels": 64, "parameters": 9472}, "then add 1"),
            ({"height": 112, "channels": 3, "parameters": 9472}, "one channel"),
            ({"height": 112, "channels": 64, "parameters": 9408}, "biases"),
            ({"height": 112, "channels": 64, "parameters": 3200}, "as deep as the image"),
            ({"height": "many", "channels": 64, "parameters": 9472}, "one number"),
        ],
        5: [
            (lambda i, s: pool_by_reshape(i, s) * s * s, "sum of each window"),
            (lambda i, s: i[::s, ::s], "keeps one pixel"),
            (lambda i, s: pool_by_reshape(i, s) * s * s / 4, "only for size 2"),
            (
                lambda i, s: np.array(
                    [
                        [i[r * s : r * s + s, c * s : c * s + s].max() for c in range(i.shape[1] // s)]
                        for r in range(i.shape[0] // s)
                    ]
                ),
                "largest",
            ),
            (lambda i, s: signal.correlate2d(i, np.full((s, s), 1 / s**2), mode="valid"), "overlap"),
            (lambda i, s: i.mean(), "shape"),
        ],
    },
    "03": {
        1: [("a", "what the next layer gets"), ("b", "save just as many"), ("d", "Dense layer now gets fewer")],
        2: [
            ({"conv": 51200, "height": 10, "dense": 64010}, "biases"),
            ({"conv": 1664, "height": 10, "dense": 64010}, "as deep as its input"),
            ({"conv": 51264, "height": 12, "dense": 64010}, "4 pixels"),
            ({"conv": 51264, "height": 10, "dense": 650}, "long list"),
        ],
        3: [
            (lambda w, x, y, rate: w + rate * np.mean(2 * (w * x - y) * x), "uphill"),
            (lambda w, x, y, rate: w - rate * np.sum(2 * (w * x - y) * x), "mean"),
            (lambda w, x, y, rate: w - rate * np.mean((w * x - y) * x), "factor 2"),
            (lambda w, x, y, rate: w - np.mean(2 * (w * x - y) * x), "learning rate"),
            (lambda w, x, y, rate: w - rate * 2 * (w * x - y) * x, "take the mean"),
            (lambda w, x, y, rate: -rate * np.mean(2 * (w * x - y) * x), "Add it to w"),
            (
                lambda w, x, y, rate: (
                    w - rate * np.mean(2 * (w * np.array([1, 2, 3]) - np.array([2, 4, 6])) * np.array([1, 2, 3]))
                ),
                "arguments of your function",
            ),
        ],
        4: [
            (lambda label, p: np.log(p[label]), "sign"),
            (lambda label, p: -np.log2(p[label]), "natural logarithm"),
            (lambda label, p: -np.sum(np.log(p)), "true class"),
            (lambda label, p: (1 - p[label]) ** 2, "squared error"),
            (lambda label, p: -np.log(p), "shape"),
        ],
    },
}


def cases(table):
    return [(lesson, number, answer) for lesson, by in table.items() for number, all_ in by.items() for answer in all_]


@pytest.mark.parametrize("lesson, number", [(lesson, number) for lesson in EXERCISES for number in EXERCISES[lesson]])
def test_stub_says_not_yet(lesson, number, capsys):
    load_checks(lesson)(number, STUBS[lesson][number])
    assert capsys.readouterr().out.startswith("… not yet: ")


@pytest.mark.parametrize("lesson, number, answer", cases(RIGHT))
def test_right_answers_are_accepted(lesson, number, answer, capsys):
    load_checks(lesson)(number, answer)
    assert capsys.readouterr().out.startswith("✓ yes: ")


@pytest.mark.parametrize("lesson, number, case", cases(WRONG))
def test_wrong_answers_get_their_reason_and_a_hint(lesson, number, case, capsys):
    answer, reason = case
    load_checks(lesson)(number, answer)
    said = capsys.readouterr().out
    assert said.startswith("✗ no: ") and reason in said.splitlines()[0]
    assert "hint 1 of" in said


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


@pytest.mark.parametrize(
    "options, said",
    [
        ({}, "✓ yes"),
        ({"parameters": 20_000, "accuracy": 0.95, "kinds": ("SeparableConv2D", "Dense")}, "✓ yes"),
        ({"parameters": 20_001}, "✗ no: it has 20,001 parameters; at most 20,000"),
        ({"kinds": ("Flatten", "Dense")}, "✗ no: there is no Conv2D"),
        ({"accuracy": 0.1, "known": 0.1}, "Is it trained"),
        ({"accuracy": 0.94}, "The goal is 95%: close."),
        ({"accuracy": 0.7}, "The goal is 95%."),
        ({"known": 0.9}, "Train it on x_train."),
        ({"scale": 3.0}, "softmax"),
        ({"classes": 5}, "it must give 10 numbers"),
    ],
)
def test_small_network_exercise(options, said, capsys):
    load_checks("03")(5, network(**options))
    assert said in capsys.readouterr().out


def test_small_network_may_be_nested_and_must_take_the_images(capsys):
    model, dataset = network()
    load_checks("03")(5, (types.SimpleNamespace(**vars(model) | {"layers": [model]}), dataset))
    assert capsys.readouterr().out.startswith("✓ yes")

    def predict(given, verbose):
        raise ValueError("expected shape (None, 32, 32, 3)")

    load_checks("03")(5, (types.SimpleNamespace(**vars(model) | {"predict": predict}), dataset))
    assert "begin with keras.Input(dataset.image_shape)" in capsys.readouterr().out
    load_checks("03")(5, model)
    assert capsys.readouterr().out.startswith("… not yet: give the trained model and the dataset")


def test_every_exercise_is_tried():
    for lesson, exercises in EXERCISES.items():
        assert set(STUBS[lesson]) == set(exercises)
        assert all(len(RIGHT[lesson][number]) >= 2 and len(WRONG[lesson][number]) >= 3 for number in RIGHT[lesson])
        assert set(exercises) - set(RIGHT[lesson]) <= {5}  # lesson 03, exercise 5: its own test above

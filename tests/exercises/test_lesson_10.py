"""The exercises of lesson 10, a CNN in raw TensorFlow: right answers, typical mistakes with their messages."""

import sys

from helpers.convolution import convolve
from helpers.engine import tf

import numpy as np
from exercise_tools import Answers, dressed, letters, not_written, one_wrong
from scipy import signal

SHAPES = {
    "same_height": 11,
    "valid_height": 8,
    "pooled_height": 5,
    "same_width": 10,
    "valid_width": 9,
    "pooled_width": 4,
    "channels": 12,
    "weights": 1008,
}


def mean_loss(logits, labels):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def penalty_step(x, y, w, b, rate, strength):
    with tf.GradientTape() as tape:
        loss = mean_loss(x @ w + b, y) + strength * tf.reduce_sum(w**2)
    for variable, gradient in zip((w, b), tape.gradient(loss, (w, b)), strict=True):
        variable.assign_sub(rate * gradient)
    return loss


def by_hand(x, y, w, b, rate, strength):
    """The same without a tape, in NumPy."""
    x, old, logits = x.numpy(), w.numpy(), (x @ w + b).numpy()
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.eye(logits.shape[1])[y.numpy()]
    error = (probabilities - truth) / len(x)
    w.assign(old - rate * (x.T @ error + 2 * strength * old))
    b.assign(b - rate * error.sum(axis=0))
    return float(-np.mean(np.log(probabilities[truth > 0])) + strength * (old**2).sum())


def in_a_graph(*given):
    return tf.function(penalty_step)(*given)


def without_penalty(x, y, w, b, rate, strength):
    return penalty_step(x, y, w, b, rate, 0.0)


def uphill(x, y, w, b, rate, strength):
    return penalty_step(x, y, w, b, -rate, strength)


def penalty_after_the_tape(x, y, w, b, rate, strength):
    penalty = strength * tf.reduce_sum(w**2)
    return penalty_step(x, y, w, b, rate, 0.0) + penalty


def penalty_on_both(x, y, w, b, rate, strength):
    with tf.GradientTape() as tape:
        loss = mean_loss(x @ w + b, y) + strength * (tf.reduce_sum(w**2) + tf.reduce_sum(b**2))
    gradients = tape.gradient(loss, (w, b))
    w.assign_sub(rate * gradients[0])
    b.assign_sub(rate * gradients[1])
    return loss


def half_of_the_derivative(x, y, w, b, rate, strength):
    loss = mean_loss(x @ w + b, y) + strength * tf.reduce_sum(w**2)
    without = tf.Variable(w)
    penalty_step(x, y, without, b, rate, 0.0)
    w.assign(without - rate * strength * w)
    return loss


def of_the_sum(x, y, w, b, rate, strength):
    with tf.GradientTape() as tape:
        loss = len(x) * mean_loss(x @ w + b, y) + strength * tf.reduce_sum(w**2)
    for variable, gradient in zip((w, b), tape.gradient(loss, (w, b)), strict=True):
        variable.assign_sub(rate * gradient)
    return loss


def with_penalty(penalty):
    def step(x, y, w, b, rate, strength):
        with tf.GradientTape() as tape:
            loss = mean_loss(x @ w + b, y) + penalty(w, strength)
        for variable, gradient in zip((w, b), tape.gradient(loss, (w, b)), strict=True):
            variable.assign_sub(rate * gradient)
        return loss

    return step


def only_for(name):
    """Change w or b only."""

    def step(x, y, w, b, rate, strength):
        given = {"w": w, "b": b}
        return penalty_step(x, y, *(v if key == name else tf.Variable(v) for key, v in given.items()), rate, strength)

    return step


def weights_shrink_first(x, y, w, b, rate, strength):
    w.assign(w * (1 - 2 * rate * strength))
    return penalty_step(x, y, w, b, rate, 0.0)


def new_names(x, y, w, b, rate, strength):
    with tf.GradientTape() as tape:
        loss = mean_loss(x @ w + b, y) + strength * tf.reduce_sum(w**2)
    gradients = tape.gradient(loss, (w, b))
    w, b = w - rate * gradients[0], b - rate * gradients[1]
    return loss


def told_without_penalty(x, y, w, b, rate, strength):
    entropy = mean_loss(x @ w + b, y)
    penalty_step(x, y, w, b, rate, strength)
    return entropy


def told_after_the_step(x, y, w, b, rate, strength):
    penalty_step(x, y, w, b, rate, strength)
    return mean_loss(x @ w + b, y) + strength * tf.reduce_sum(w**2)


def twice(*given):
    penalty_step(*given)
    return penalty_step(*given)


def back(image, kernel, error):
    p = len(kernel) // 2
    return convolve(image, error, padding=p), convolve(error, kernel, padding=p, flip=True)


def back_by_scipy(image, kernel, error):
    p = len(kernel) // 2
    return [
        signal.correlate2d(np.pad(image, p), error, mode="valid"),
        signal.convolve2d(error, kernel, mode="same"),
    ]


def back_by_tape(image, kernel, error):
    image, kernel = tf.Variable(image[None, :, :, None]), tf.Variable(kernel[:, :, None, None])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.nn.conv2d(image, kernel, 1, "SAME")[0, :, :, 0] * error)
    for_kernel, for_image = tape.gradient(loss, (kernel, image))
    return for_kernel[:, :, 0, 0], for_image[0, :, :, 0]


def back_in_place(image, kernel, error):
    for_kernel, for_image = back(image, kernel, error)
    image[:] = for_image
    return for_kernel, image


def without_a_number(x, y, w, b, rate, strength):
    loss = penalty_step(x, y, w, b, rate, strength)
    w.assign(w * np.nan)
    return loss


STUBS = {
    1: dict.fromkeys(SHAPES, ...),
    2: lambda x, rate, noise: ...,
    3: lambda z, out, error: ...,
    4: lambda image, kernel, error: ...,
    5: lambda x, y, w, b, rate, strength: ...,
    6: {"A": "?", "B": "?", "C": "?"},
    7: letters("???"),
    8: letters("???"),
}
RIGHT = {
    1: [SHAPES, {name: float(value) for name, value in SHAPES.items()}, {**SHAPES, "weights": np.int64(1008)}],
    2: [
        lambda x, rate, noise: tf.where(noise < rate, 0.0, x / (1 - rate)),
        lambda x, rate, noise: x * (noise >= rate) / (1 - rate),
        lambda x, rate, noise: x * np.floor(noise + 1 - rate) / (1 - rate),
    ],
    3: [
        lambda z, out, error: (error @ out.T) * (z > 0),
        lambda z, out, error: np.where(z <= 0, 0, np.einsum("nc,uc->nu", error, out)),
        lambda z, out, error: tf.matmul(error, out, transpose_b=True) * tf.sign(tf.nn.relu(z)),
        lambda z, out, error: tf.matmul(error, tf.transpose(out)) * tf.cast(z > 0, tf.float32),
    ],
    4: [back, back_by_scipy, back_by_tape],
    5: [penalty_step, by_hand, in_a_graph],
    6: [{"A": "b", "B": "d", "C": "c"}, {"A": " B", "B": "(d)", "C": "c."}, {"A": ["b"], "B": "D", "C": "c"}],
    7: dressed("bca"),
    8: dressed("cba"),
}
WRONG = {
    1: [
        *(
            ({**SHAPES, name: value}, reason)
            for name, value, reason in (
                ("same_height", 10, "both formulas round up"),
                ("same_height", 7, "2 is for the height"),
                ("same_height", 21, "stride of 2 is not used"),
                ("same_height", 8, "that is VALID"),
                ("same_width", 15, "3 is for the width"),
                ("same_width", 30, "stride of 3 is not used"),
                ("same_width", 9, "that is VALID"),
                ("valid_height", 7, "(21 − 7 + 1) / 2 = 7.5"),
                ("valid_height", 5, "2 is for the height"),
                ("valid_height", 15, "stride of 2 is not used"),
                ("valid_height", 11, "that is SAME"),
                ("valid_height", 9, "7 high and 4 wide"),
                ("valid_width", 14, "3 is for the width"),
                ("valid_width", 27, "stride of 3 is not used"),
                ("valid_width", 10, "that is SAME"),
                ("valid_width", 8, "7 high and 4 wide"),
                ("pooled_height", 4, "(11 − 3 + 1) / 2 = 4.5"),
                ("pooled_height", 6, "that is SAME"),
                ("pooled_height", 9, "2 apart"),
                ("pooled_height", 3, "the result with SAME"),
                ("pooled_width", 5, "that is SAME"),
                ("pooled_width", 8, "2 apart"),
                ("channels", 3, "come in"),
                ("channels", 36, "one map a kernel"),
                ("channels", 8, "images in the batch"),
                ("weights", 84, "one kernel, and there are 12"),
                ("weights", 1020, "biases are a variable of their own"),
                ("weights", 336, "as deep as its input"),
                ("weights", 8064, "share the kernels"),
                ("weights", 700, "too small"),
                ("weights", 1008 + 5j, "must be one number"),
            )
        )
    ],
    2: [
        (lambda x, rate, noise: x * (noise >= rate), "not scaled"),
        (lambda x, rate, noise: x * (noise >= rate) / rate, "divide by 1 − rate"),
        (lambda x, rate, noise: x * (noise >= rate) * (1 - rate), "smaller still"),
        (lambda x, rate, noise: x * (noise < rate) / rate, "as TensorFlow 1 did"),
        (lambda x, rate, noise: x * (noise < rate), "the scale is missing"),
        (lambda x, rate, noise: x * (noise < rate) / (1 - rate), "you keep what has to be dropped"),
        (lambda x, rate, noise: x * (noise < 1 - rate) / (1 - rate), "as the text says"),
        (lambda x, rate, noise: (noise >= rate) / (1 - rate), "Multiply x by it"),
        (lambda x, rate, noise: x * (noise >= rate) * (1 + rate), "1 + rate is too little"),
        (lambda x, rate, noise: x * (noise >= rate) / (noise >= rate).mean(), "not by the one that stayed this time"),
        (lambda x, rate, noise: x / (1 - rate), "the scale is right, but nothing is dropped"),
        (lambda x, rate, noise: x * (noise > rate) / (1 - rate), "where the noise is exactly rate"),
        (lambda x, rate, noise: x, "nothing is dropped"),
        (lambda x, rate, noise: tf.nn.dropout(x, rate, seed=3), "where"),
        (lambda x, rate, noise: x[0], "shape"),
    ],
    3: [
        (lambda z, out, error: error @ out.T, "nothing comes through the ReLU"),
        (lambda z, out, error: z * (error @ out.T), "1 or 0, not z"),
        (lambda z, out, error: np.where(z > 0, z, 0) * (error @ out.T), "not relu(z)"),
        (lambda z, out, error: np.maximum(0, error @ out.T), "not that of the error"),
        (lambda z, out, error: (error @ out.T) * (z > 0) / z.shape[0], "divided by the number of images already"),
        (lambda z, out, error: -(error @ out.T) * (z > 0), "the minus comes later"),
        (lambda z, out, error: (out @ error.T) * (z.T > 0), "the shape of z"),
        (lambda z, out, error: np.where(z > 0, z, 0).T @ error, "the gradient for out"),
        (lambda z, out, error: error @ out, "error @ out.T, transposed"),
        (lambda z, out, error: (error @ out) * (z > 0), "error @ out.T, transposed"),
        (lambda z, out, error: (error @ out.T) * np.sign(z), "np.sign is −1"),
        (lambda z, out, error: (error @ out.T).T, "(images, units). And where z is negative"),
        (lambda z, out, error: (error @ out.T) * (z < 0), "at place [0, "),
    ],
    4: [
        (lambda *given: back(*given)[::-1], "in the wrong order"),
        (
            lambda image, kernel, error: (
                back(image, kernel, error)[0],
                convolve(error, kernel, padding=len(kernel) // 2),
            ),
            "turn the kernel by 180°",
        ),
        (
            lambda image, kernel, error: (
                convolve(image, error, padding=len(kernel) // 2, flip=True),
                back(image, kernel, error)[1],
            ),
            "there the error stays as it is",
        ),
        (lambda image, kernel, error: (convolve(image, error), convolve(error, kernel, flip=True)), "too small"),
        (
            lambda image, kernel, error: (
                convolve(image, error, padding=len(kernel) // 2, flip=True),
                convolve(error, kernel, padding=len(kernel) // 2),
            ),
            "you turn the wrong one",
        ),
        (
            lambda image, kernel, error: (
                back(image, kernel, error)[0],
                back(image, kernel, error)[1] + (len(kernel) > 3),
            ),
            ", for an image of 9 × 8 and a kernel of 5 × 5",
        ),
        (
            lambda image, kernel, error: (
                convolve(image, error, padding=2 * (len(kernel) // 2)),
                back(image, kernel, error)[1],
            ),
            "not that of the kernel",
        ),
        (
            lambda image, kernel, error: (back(image, kernel, error)[0], error),
            "of the gradient for the image, it returned",
        ),
        (
            lambda image, kernel, error: (2 * back(image, kernel, error)[0], error),
            "of the gradient for the kernel, it returned",
        ),
        (lambda *given: [-part for part in back(*given)], "the signs are turned"),
        (lambda *given: [part / given[0].size for part in back(*given)], "you take means"),
        (
            lambda *given: [part * np.nan for part in back(*given)],
            "it returned nan at place [0, 0], for an image of 6 × 7",
        ),
        (back_in_place, "your function changed its input"),
        (lambda image, kernel, error: back(image, kernel, error)[0], "return two arrays"),
        (
            lambda image, kernel, error: (back(image, kernel, error)[0].T, back(image, kernel, error)[1]),
            "of the gradient for the kernel, it returned",
        ),
        (lambda image, kernel, error: ("a", "b"), "must return numbers"),
        (lambda image, kernel, error: (10**400, 1), "must return numbers"),
        (lambda image, kernel, error: [part + 1j for part in back(image, kernel, error)], "must return numbers"),
        (lambda image, kernel, error: sys.exit(0), "raised SystemExit"),
        (lambda image, kernel, error: 1 / 0, "raised ZeroDivisionError"),
    ],
    5: [
        (new_names, "use w.assign_sub"),
        (uphill, "uphill"),
        (without_penalty, "as if there were no penalty"),
        (penalty_after_the_tape, "as if there were no penalty"),
        (half_of_the_derivative, "2 · strength · w"),
        (penalty_on_both, "for w only"),
        (of_the_sum, "not the sum"),
        (with_penalty(lambda w, strength: strength * tf.nn.l2_loss(w)), "as tf.nn.l2_loss is"),
        (with_penalty(lambda w, strength: strength * tf.reduce_mean(w**2)), "yours is the mean"),
        (only_for("w"), "b is as it was"),
        (only_for("b"), "w is as it was"),
        (lambda x, y, w, b, rate, strength: penalty_step(x, y, w, b, 1, strength), "multiply it by rate"),
        (weights_shrink_first, "the loss is not the one before the step: it is "),
        (told_without_penalty, "the one before the step, with its penalty"),
        (told_after_the_step, "the one before the step"),
        (twice, "w is not what one step of gradient descent makes of it: it is "),
        (lambda x, y, w, b, rate, strength: penalty_step(x, y, w, b, 0.1, strength), "the rate is always the same"),
        (without_a_number, "w has numbers that are not finite"),
        (lambda *given: "loss", "must be one number"),
        (lambda x: x, "your function raised TypeError"),
    ],
    6: [
        *(
            ({"A": "b", "B": "d", "C": "c", loop: letter}, reason)
            for loop, letter, reason in (
                ("A", "a", "A: too large a rate"),
                ("A", "c", "A: dropout belongs to training"),
                ("A", "d", "A: no metric"),
                ("A", "e", "A: assign_sub exists only for variables"),
                ("A", "f", "A: assign_sub subtracts"),
                ("B", "a", "B: with too large a rate"),
                ("B", "b", "B: training_step has a tape"),
                ("B", "c", "B: accuracy leaves dropout out"),
                ("B", "e", "B: they are variables"),
                ("B", "f", "B: training_step subtracts"),
                ("C", "a", "C: nothing is trained"),
                ("C", "b", "C: it needs no gradient"),
                ("C", "d", "C: they are the validation images"),
                ("C", "e", "C: nothing is changed"),
                ("C", "f", "C: there is no gradient"),
            )
        ),
    ],
    7: one_wrong(
        "bca",
        Aa="Which of the two results is worth more",
        Ac="only the step was changed",
        Ba="in batches of any size",
        Bb="exactly four times as much",
        Cb="Is it the right loss",
        Cc="different sources",
    ),
    8: one_wrong(
        "cba",
        Aa="do worse even in training",
        Ab="all blocks are computed",
        Ba="speaks for the class",
        Bc="one weight for each map",
        Cb="The network stays as it is",
        Cc="no label is needed",
    ),
}
MISSING = [
    (1, {**SHAPES, "channels": ...}, "fill in channels."),
    (2, not_written, "write the body"),
    (3, None, "define the function"),
    (4, not_written, "write the body"),
    (5, None, "define the function"),
    (6, {"A": "b", "B": "?", "C": "c"}, "B: put one of the letters a, b, c, d, e, f"),
    (6, {"A": "b", "B": "d", "C": "yes"}, "C: answer with one of the letters"),
    (7, letters("b?a"), "B: put one of the letters a, b, c"),
    (8, letters("c?a"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "10", STUBS, RIGHT, WRONG, MISSING
    returns_no_array = (5,)


def test_right_gradients_are_those_of_the_tape():
    """The oracle of exercise 4 itself, with sizes that are not those of its cases."""
    random = np.random.default_rng(3)
    given = random.normal(size=(7, 5)), random.normal(size=(3, 3)), random.normal(size=(7, 5))
    for got, want in zip(back(*given), back_by_tape(*given), strict=True):
        assert np.allclose(got, want)


def test_the_two_checks_of_exercise_7():
    """What its questions say of finite differences, and of a gradient that was not divided by the images."""
    z, truth = np.array([0.3, -1.2, 2.0]), np.array([0.0, 0.0, 1.0])

    def loss(change):
        moved = z + np.array([change, 0, 0])
        return -np.log(np.exp(moved[2]) / np.exp(moved).sum())

    by_hand = (np.exp(z) / np.exp(z).sum() - truth)[0]
    errors = {step: abs((loss(step) - loss(-step)) / (2 * step) - by_hand) for step in (1e-6, 1e-13)}
    assert errors[1e-6] < 1e-9 and 1e-4 < errors[1e-13] < 1e-2

"""The exercises of lesson 10b, optimizers and machines: right answers, typical mistakes with their messages."""

from functools import partial

from helpers.engine import keras

import numpy as np
from exercise_tools import Answers, dressed, letters, not_written, one_wrong

STRAIGHT = "its first step is equally long in both directions: each weight is divided by the size of its own gradient. "
JUMPS = (
    "it jumps from side to side all the way: nothing averages that away, and its first step goes down the steep side. "
)
JUMPS += "That of "
WAYS = {"A": "m", "B": "r", "C": "s", "D": "a"}
STARTS = {"conv": (2 / 576) ** 0.5, "dense": 0.05, "one_by_one": 0.2, "factor": 32}
TRACES = {"python_rates": 2, "tensor_rates": 1, "last_batch": 2, "kept": 1}


def weighed(gradients, sizes):
    return sum(size / sum(sizes) * gradient for gradient, size in zip(gradients, sizes, strict=True))


def adamw(w, gradient, mean, square, count, rate, decay, root=0.5, penalty=0.0, shrink=1.0):
    gradient = gradient + penalty * w
    mean, square = mean + 0.1 * (gradient - mean), square + 0.001 * (gradient**2 - square)
    corrected = rate * (1 - 0.999**count) ** root / (1 - 0.9**count)  # as in the lesson
    return w * (1 - rate * decay * shrink) - corrected * mean / (square**root + 1e-7), mean, square


def keras_adamw(w, gradient, mean, square, count, rate, decay):
    """One step of the optimizer of Keras, brought to the state that is given."""
    variable, optimizer = keras.Variable(w, dtype="float64"), keras.optimizers.AdamW(rate, weight_decay=decay)
    optimizer.build([variable])
    optimizer.iterations.assign(count - 1)
    for state, value in zip((optimizer._momentums[0], optimizer._velocities[0]), (mean, square), strict=True):
        state.assign(value)
    optimizer.apply([keras.ops.convert_to_tensor(gradient, "float64")])
    return variable.numpy(), optimizer._momentums[0].numpy(), optimizer._velocities[0].numpy()


def uncorrected(w, gradient, mean, square, count, rate, decay):
    return adamw(w, gradient, mean, square, 10_000, rate, decay)


def without_root(w, gradient, mean, square, count, rate, decay):
    _, mean, square = adamw(w, gradient, mean, square, count, rate, decay)
    step = mean / (1 - 0.9**count) / (square / (1 - 0.999**count) + 1e-7)
    return w * (1 - rate * decay) - rate * step, mean, square


def along_the_gradient(w, gradient, mean, square, count, rate, decay):
    _, mean, square = adamw(w, gradient, mean, square, count, rate, decay)
    return w * (1 - rate * decay) - rate * gradient / (np.sqrt(square / (1 - 0.999**count)) + 1e-7), mean, square


def uphill(w, gradient, mean, square, count, rate, decay):
    new, *memory = adamw(w, gradient, mean, square, count, rate, decay)
    return 2 * w * (1 - rate * decay) - new, *memory


def as_it_was(w, gradient, mean, square, count, rate, decay):
    _, new_mean, new_square = adamw(w, gradient, mean, square, count, rate, decay)
    spread = square / (1 - 0.999**count)
    return w - rate * (mean / (1 - 0.9**count) / (spread**0.5 + 1e-7) + decay * w), new_mean, new_square


def afterwards(w, gradient, mean, square, count, rate, decay):
    w, *memory = adamw(w, gradient, mean, square, count, rate, 0)
    return w - rate * decay * w, *memory


def step_by_step(
    w,
    gradient,
    mean,
    square,
    count,
    rate,
    decay,
    more=0,
    corrected=(1, 1),
    new=0.1,
    power=2,
    divided=0,
    under=0,
    over=1e-7,
):
    """AdamW in single steps, with a place for each mistake."""
    mean, square = 0.9 * mean + new * gradient, 0.999 * square + 0.001 * gradient**power
    bias = [1 - share ** (count + more) * on for share, on in zip((0.9, 0.999), corrected, strict=True)]
    root = np.sqrt(square / bias[1] + under) + over
    return w - rate * (mean / bias[0] + divided * decay * w) / root - (1 - divided) * rate * decay * w, mean, square


STUBS = {
    1: dict.fromkeys("ABCD", "?"),
    2: dict.fromkeys(STARTS, ...),
    3: dict.fromkeys(TRACES, ...),
    4: lambda gradients, sizes: ...,
    5: lambda w, gradient, mean, square, count, rate, decay: ...,
    6: letters("???"),
}
RIGHT = {
    1: [
        WAYS,
        {name: letter.upper() for name, letter in WAYS.items()},
        {name: [letter] for name, letter in WAYS.items()},
    ],
    2: [STARTS, {"conv": 0.0589, "dense": 0.05, "one_by_one": 1 / 5, "factor": 2.0**5}, {**STARTS, "conv": "0.0589"}],
    3: [
        TRACES,
        {name: float(value) for name, value in TRACES.items()},
        {name: np.int8(n) for name, n in TRACES.items()},
    ],
    4: [
        weighed,
        lambda gradients, sizes: np.average(gradients, axis=0, weights=sizes),
        lambda gradients, sizes: np.einsum("n,n...->...", np.divide(sizes, sum(sizes)), gradients).tolist(),
    ],
    5: [adamw, step_by_step, keras_adamw, lambda *given: np.array(adamw(*given)).tolist()],
    6: dressed("cab"),
}
WRONG = {
    1: [
        *(
            ({**WAYS, way: letter}, f"{way}: {reason}")
            for way, letter, reason in (
                ("A", "s", "it shoots past the star and comes back, like something heavy. SGD stops"),
                ("A", "r", "it shoots past the star and comes back, like something heavy. RMSprop"),
                ("A", "a", "it shoots past the star and comes back, like something heavy. Adam"),
                ("B", "s", "its first step is equally long"),
                (
                    "B",
                    "m",
                    STRAIGHT + "Mom",
                ),
                ("B", "a", "it does not shoot past the star"),
                ("C", "m", "it jumps from side to side all the way: nothing averages that away, and it never shoots"),
                ("C", "r", f"{JUMPS}RMSprop is equally long"),
                ("C", "a", f"{JUMPS}Adam is equally long"),
                ("D", "s", "its first step is equally long"),
                (
                    "D",
                    "m",
                    STRAIGHT + "Mom",
                ),
                ("D", "r", "it swings past the star"),
            )
        )
    ],
    2: [
        *(
            ({**STARTS, name: value}, reason)
            for name, value, reason in (
                ("conv", (2 / 9) ** 0.5, "all 64 channels"),
                ("conv", (2 / 64) ** 0.5, "all 64 channels"),
                ("conv", (2 / 18432) ** 0.5, "that counts all weights"),
                ("conv", (2 / 288) ** 0.5, "3 · 3 · 64 numbers go into one: inputs count, not outputs"),
                ("conv", 0.06, "too large"),
                ("dense", (2 / 810) ** 0.5, "that is for inputs and outputs together"),
                ("dense", 0.049, "too small"),
                ("conv", (2 / 864) ** 0.5, "that is for inputs and outputs together"),
                ("one_by_one", (2 / 60) ** 0.5, "that is for inputs and outputs together"),
                ("one_by_one", 0.02**0.5, "the 2 for the ReLU is missing"),
                ("conv", (1 / 576) ** 0.5, "the 2 for the ReLU is missing"),
                ("conv", 2 / 576, "that is the variance"),
                ("conv", 24, "divide by that"),
                ("dense", 0.2**0.5, "inputs count, not outputs"),
                ("dense", (2 / 8000) ** 0.5, "that counts all weights"),
                ("dense", (1 / 800) ** 0.5, "the 2 for the ReLU is missing"),
                ("dense", 0.0025, "that is the variance"),
                ("one_by_one", 2**0.5, "50 channels go into each number"),
                ("one_by_one", 0.2**0.5, "inputs count, not outputs"),
                ("one_by_one", (2 / 500) ** 0.5, "that counts all weights"),
                ("one_by_one", 0.04, "that is the variance"),
                ("conv", 2 / 24, "inputs count, not outputs; and the 2 is under the root, too"),
                ("dense", 2 / 800**0.5, "the 2 is under the root, too"),
                ("one_by_one", 2 / 50**0.5, "the 2 is under the root, too"),
                ("factor", 5, "that is how many layers there are"),
                ("factor", 1024, "by so much the variance grows"),
                ("factor", 2, "twice as much again"),
                ("factor", 10, "multiplied, not added"),
                ("factor", 25, "5 factors of 2"),
                ("factor", 64, "there are 5 layers"),
                ("factor", 16, "there are 5 layers"),
                ("factor", "many", "must be one number"),
            )
        )
    ],
    3: [
        *(
            ({**TRACES, name: value}, reason)
            for name, value, reason in (
                ("python_rates", 3, "the rate of the first, and so its graph"),
                ("python_rates", 1, "a constant of the graph"),
                ("tensor_rates", 2, "when it runs"),
                ("tensor_rates", 3, "when it runs"),
                ("tensor_rates", 0, "the first call has to trace"),
                ("last_batch", 1, "another shape: 12 images"),
                ("last_batch", 4, "finds both graphs there"),
                ("last_batch", 220, "for each shape, not for each batch"),
                ("last_batch", 110, "for each shape, not for each batch"),
                ("last_batch", 218, "for each shape, not for each batch"),
                ("last_batch", 219, "for each shape, not for each batch"),
                ("kept", 3, "while tracing, and not when the graph runs"),
                ("kept", 0, "there is one trace"),
                ("kept", 7, "too large"),
            )
        )
    ],
    4: [
        (lambda gradients, sizes: np.mean(gradients, axis=0), "the plain mean"),
        (lambda gradients, sizes: np.sum(gradients, axis=0), "the sum is the larger"),
        (lambda gradients, sizes: weighed(gradients, sizes) * sum(sizes), "gradient of the sum over all images"),
        (lambda gradients, sizes: weighed(gradients, sizes) * sum(sizes) / len(sizes), "not by that of the replicas"),
        (lambda gradients, sizes: sum(g / n for g, n in zip(gradients, sizes, strict=True)), "multiply by that first"),
        (lambda gradients, sizes: np.sum(gradients, axis=0) / sum(sizes), "multiply by that first"),
        (lambda gradients, sizes: gradients[0], "left out"),
        (lambda gradients, sizes: gradients, "shape"),
        (lambda g, n: n[0] / sum(n) * g[0] + n[1] / sum(n) * g[1], "there may be any number of replicas"),
        (lambda g, n: np.average(g[:2], axis=0, weights=[n[0], n[1]]), "there may be any number of replicas"),
        (lambda g, n: g[0] * 32 / 44 + g[1] * 12 / 44, "32 and 12 are one example"),
        (lambda g, n: np.tensordot(n, g, 1) / 44, "32 and 12 are one example"),
        (lambda g, n: [one * size / sum(n) for one, size in zip(g, n, strict=True)], "add them up"),
    ],
    5: [
        (uncorrected, "the correction is missing"),
        (without_root, "the root of the mean square"),
        (along_the_gradient, "as in RMSprop"),
        (lambda w, gradient, *given: adamw(w, -gradient, *given), "at place [0, 0]"),
        (
            lambda w, *given: (2 * w * (1 - given[-1] * given[-2]) - adamw(w, *given)[0], *adamw(w, *given)[1:]),
            "uphill",
        ),
        (as_it_was, "up to date"),
        (lambda *given: adamw(*given[:-1], 0, penalty=given[-1]), "that is L2"),
        (lambda *given: adamw(*given[:-1], 0), "that is Adam"),
        (lambda *given: adamw(*given, shrink=1 / given[-2]), "the rate counts for the decay"),
        (lambda *given: adamw(*given, shrink=-1), "has to get smaller"),
        (afterwards, "before the step"),
        (lambda *given: adamw(*given)[0], "return all three"),
        (lambda *given: adamw(*given)[:2], "return all three"),
        (lambda *given: [*adamw(*given), given[0]], "shape"),
        (lambda w, *given: (adamw(w, *given)[0] - w, *adamw(w, *given)[1:]), "that is the step"),
        (lambda *given: (adamw(*given)[0], given[2], given[3]), "the memory is as it was"),
        (
            lambda *given: [*map(np.divide, adamw(*given), (1, 1 - 0.9 ** given[4], 1 - 0.999 ** given[4]))],
            "keep the means as they are",
        ),
        (lambda *given: step_by_step(*given[:4], 1, *given[5:]), "the correction is 1 − 0.9^count"),
        (partial(step_by_step, more=1), "the correction is 1 − 0.9^count"),
        (partial(step_by_step, corrected=(1, 0)), "correct both"),
        (partial(step_by_step, corrected=(0, 1)), "correct both"),
        (partial(step_by_step, power=1), "square is the mean of the gradient squared"),
        (partial(step_by_step, new=1), "that adds gradients up"),
        (partial(step_by_step, divided=1), "you divide the decay, too"),
        (partial(step_by_step, over=0), "a weight without gradient divides 0 by 0"),
        (partial(step_by_step, over=0, under=1e-7), "add the 1e-7 to the root, not under it"),
    ],
    6: one_wrong(
        "cab",
        Aa="the probability of each class",
        Ab="sure and right",
        Bb="an untrained head",
        Bc="the head knows nothing yet",
        Ca="the start is luck, too",
        Cc="still one run of each",
    ),
}
MISSING = [
    (1, {**WAYS, "C": "?"}, "C: put one of the letters a, m, r, s"),
    (2, {**STARTS, "factor": None}, "fill in factor."),
    (3, {**TRACES, "kept": "?"}, "fill in kept."),
    (4, not_written, "write the body"),
    (4, None, "define the function"),
    (5, not_written, "write the body"),
    (6, letters("c?b"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "10b", STUBS, RIGHT, WRONG, MISSING

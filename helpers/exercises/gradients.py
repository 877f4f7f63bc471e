"""Judges of gradients, for lesson 10: what goes back through a convolution (exercise 4), and a step (exercise 5)."""

import copy

from helpers.convolution import convolve
from helpers.exercises.judges import Wrong, as_array, as_number, call, difference, near, random_image

import numpy as np


def _back(image, kernel, error):
    p = len(kernel) // 2
    return convolve(image, error, padding=p), convolve(error, kernel, padding=p, flip=True)


def _not_turned(image, kernel, error):
    return _back(image, kernel, error)[0], _back(image, kernel[::-1, ::-1], error)[1]


def _turned_error(image, kernel, error):
    return _back(image, kernel, error[::-1, ::-1])[0], _back(image, kernel, error)[1]


def _without_zeros(image, kernel, error):
    return convolve(image, error), convolve(error, kernel, flip=True)


def _turned_the_other(image, kernel, error):
    return _turned_error(image, kernel, error)[0], _not_turned(image, kernel, error)[1]


BACK_MISTAKES = [
    (lambda *given: _back(*given)[::-1], "the arrays are right, in the wrong order: first the one for the kernel."),
    (_not_turned, "the gradient for the image is not right: turn the kernel by 180°, once: by flip=True, or by hand."),
    (_turned_error, "the gradient for the kernel is not right: there the error stays as it is."),
    (_turned_the_other, "you turn the wrong one: nothing for the kernel, and for the image the kernel, by 180°."),
    (
        lambda image, kernel, error: tuple(-part for part in _back(image, kernel, error)),
        "the signs are turned. The step goes against the gradient, but later.",
    ),
    (
        lambda image, kernel, error: tuple(part / error.size for part in _back(image, kernel, error)),
        "you take means. Each weight adds up what it did at all places.",
    ),
    (_without_zeros, "the results are too small. Forward there was a border of p zeros: what needs it now?"),
]


def _back_cases() -> list[tuple]:
    random = np.random.default_rng(0)
    shapes = (((6, 7), 3), ((9, 8), 5), ((5, 5), 3))
    return [
        (random_image(*shape, seed=size) / 255, random.normal(size=(size, size)), random.normal(size=shape))
        for shape, size in shapes
    ]


def _of_case(image, kernel, error) -> str:
    return f"for an image of {image.shape[0]} × {image.shape[1]} and a kernel of {len(kernel)} × {len(kernel)}"


def judge_back(answer) -> None:
    """Judge back(image, kernel, error): both gradients, on images and kernels of several sizes."""
    cases, found = _back_cases(), []
    for image, kernel, error in cases:
        where = _of_case(image, kernel, error)
        result = call(answer, *copy.deepcopy((image, kernel, error)), where=where)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise Wrong("return two arrays: the gradient for the kernel, then the one for the image.")
        found.append([as_array(part, where=f", {where}") for part in result])

    def pairs(function):
        return [
            pair for made, case in zip(found, cases, strict=True) for pair in zip(made, function(*case), strict=True)
        ]

    def like(function):
        return all(near(got, want, 1e-5) for got, want in pairs(function))

    if like(_back):
        return
    for mistake, message in BACK_MISTAKES:
        if like(mistake):
            raise Wrong(message)
    for place, (got, want) in enumerate(pairs(_back)):
        name, where = ("kernel", "image")[place % 2], _of_case(*cases[place // 2])
        if got.shape != want.shape:
            raise Wrong(f"the gradient for the {name} has the shape {got.shape}, not that of the {name}, {want.shape}.")
        if not near(got, want, 1e-5):
            raise Wrong(f"of the gradient for the {name}, {difference(got, want, 1e-5)}, {where}.", generic=True)


def _step(of_bias: float = 0.0, of_weights: float = 1.0, direction: float = -1.0, told=None, by=None, moved="wb"):
    """Return a penalty step; the arguments make it wrong: what is punished, the direction, the loss, what changes."""

    def step(x, y, w, b, rate, strength):
        x, y, weights, biases = (np.asarray(array) for array in (x, y, w, b))
        logits = x @ weights + biases
        largest = logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits - largest)
        total = exponentials.sum(axis=1, keepdims=True)
        one_hot = np.eye(logits.shape[1])[y]
        entropy = np.mean(np.sum(one_hot * (largest + np.log(total) - logits), axis=1))
        error = (exponentials / total - one_hot) / (len(x) if by is None else by)
        loss = entropy + strength * np.sum(weights**2)
        if "w" in moved:
            w.assign_add(direction * rate * (x.T @ error + 2 * strength * of_weights * weights))
        if "b" in moved:
            b.assign_add(direction * rate * (error.sum(axis=0) + 2 * strength * of_bias * biases))
        return loss if told is None else told(entropy, loss)

    return step


def _mean_penalty(x, y, w, b, rate, strength):
    return _step()(x, y, w, b, rate, strength / np.size(w))


def _nothing_moves(x, y, w, b, rate, strength):
    return _step()(x, y, *(_variable(np.asarray(array)) for array in (w, b)), rate, strength)


_UNCHANGED = (
    "w and b are as they were. `w = w - …` only gives a new tensor the name w, inside of your function: "
    "use w.assign_sub(…)."
)
_LOSS = "w and b are right, but not the loss: return the one before the step, with its penalty."
STEP_MISTAKES = [
    (_nothing_moves, _UNCHANGED),
    (_step(direction=1.0), "it goes uphill: subtract rate times the gradient."),
    (_step(of_weights=0.0), "w is changed as if there were no penalty: its gradient belongs to the step."),
    (
        _step(of_weights=0.5, told=lambda entropy, loss: (entropy + loss) / 2),
        "the penalty is half of what it should be, as tf.nn.l2_loss is: take the sum of w².",
    ),
    (_mean_penalty, "the penalty is the sum of w², and yours is the mean."),
    (_step(of_weights=0.5), "the derivative of strength · w² is 2 · strength · w. A tape knows that."),
    (_step(of_bias=1.0), "the penalty is for w only; yours changes b, too."),
    (_step(moved="w"), "b is as it was. It gets a step, too, only without the penalty."),
    (_step(moved="b"), "w is as it was. It gets a step, too."),
    (
        lambda x, y, w, b, rate, strength: _step()(x, y, w, b, 1.0, strength),
        "you subtract the whole gradient: multiply it by rate.",
    ),
    (_step(by=1), "the loss is the mean over the batch, not the sum."),
    (
        lambda x, y, w, b, rate, strength: _step()(x, y, w, b, 0.1, strength),
        "the rate is always the same. Use the argument `rate`.",
    ),
    (_step(told=lambda entropy, loss: entropy), _LOSS),  # the others are told by w and b
]


def _variable(array):
    from helpers.engine import tf

    return tf.Variable(array.astype("float32"))


def _step_case(images: int, inputs: int, classes: int, rate: float, strength: float):
    """Return a batch, weights as arrays, rate and strength."""
    random = np.random.default_rng(images)
    x = random.normal(size=(images, inputs)).astype("float32")
    return (
        x,
        random.integers(0, classes, images),
        random.normal(size=(inputs, classes)),
        random.normal(size=classes),
        rate,
        strength,
    )


_STEP_CASES = [_step_case(8, 5, 3, 0.1, 0.05), _step_case(3, 4, 10, 0.5, 0.2)]


def _after(step, case: tuple) -> list[np.ndarray]:
    """Return w and b after a step, and the loss that it returned."""
    from helpers.engine import tf

    x, y, w, b, rate, strength = case
    shapes, (w, b) = (w.shape, b.shape), (_variable(w), _variable(b))
    where = f"for {len(x)} images, rate {rate} and strength {strength}"
    loss = call(step, tf.constant(x), tf.constant(y), w, b, rate, strength, where=where)
    for name, variable, shape in zip("wb", (w, b), shapes, strict=True):
        if not np.isfinite(variable).all() or variable.shape != shape:
            raise Wrong(f"after your step, {name} has numbers that are not finite, or another shape.")
    return [w.numpy(), b.numpy(), np.array(as_number(loss, "the loss that your function returns"))]


def judge_step(answer) -> None:
    """Judge penalty_step(x, y, w, b, rate, strength): w and b afterwards, and the loss, on two batches."""
    found = [_after(answer, case) for case in _STEP_CASES]

    def pairs(step):
        both = zip(found, (_after(step, case) for case in _STEP_CASES), strict=True)
        return [pair for got, want in both for pair in zip(("w", "b", "loss"), got, want, strict=True)]

    def like(step, parts=3):
        return all(near(got, want, 1e-4) for name, got, want in pairs(step) if parts == 3 or name != "loss")

    if like(_step()):
        return
    if like(_step(), 2):
        raise Wrong(_LOSS)
    for parts in (3, 2):  # the loss tells some mistakes apart
        for mistake, message in STEP_MISTAKES[:-1]:
            if like(mistake, parts):
                raise Wrong(message)
    name, got, want = next((name, got, want) for name, got, want in pairs(_step()) if not near(got, want, 1e-4))
    said = difference(got, want, 1e-4).replace("it returned", "it is")
    if name == "loss":
        raise Wrong(f"the loss is not the one before the step: {said}.", generic=True)
    raise Wrong(f"{name} is not what one step of gradient descent makes of it: {said}.", generic=True)

"""The exercises of lesson 10, a CNN in raw TensorFlow: what is right, which mistakes are typical, and the hints."""

from helpers.convolution import convolve
from helpers.exercises.judges import (
    Exercise,
    Wrong,
    as_array,
    as_number,
    call,
    choices,
    function,
    numbers,
    random_image,
)
from helpers.exercises.quizzes import quiz

import numpy as np


def _dropout(x, rate, noise):
    return np.where(noise < rate, 0, x / (1 - rate))


def _dropout_case(rate: float, *shape: int) -> tuple:
    random = np.random.default_rng(len(shape))
    return random.normal(0, 2, shape).astype("float32"), rate, random.random(shape, "float32")


_DROPOUT_CASES = [_dropout_case(0.25, 9), _dropout_case(0.6, 4, 8), _dropout_case(0.1, 2, 3, 5)]


def _hidden_gradient(z, out, error):
    return (error @ out.T) * (z > 0)


def _error_case(images: int, units: int, classes: int) -> tuple:
    random = np.random.default_rng(units)
    shapes = ((images, units), (units, classes), (images, classes))
    return tuple(random.normal(size=shape).astype("float32") for shape in shapes)


_ERROR_CASES = [_error_case(5, 4, 4), _error_case(3, 6, 2), _error_case(1, 3, 5)]


def _back(image, kernel, error):
    p = len(kernel) // 2
    return convolve(image, error, padding=p), convolve(error, kernel, padding=p, flip=True)


def _not_turned(image, kernel, error):
    return _back(image, kernel, error)[0], _back(image, kernel[::-1, ::-1], error)[1]


def _turned_error(image, kernel, error):
    return _back(image, kernel, error[::-1, ::-1])[0], _back(image, kernel, error)[1]


def _without_zeros(image, kernel, error):
    return convolve(image, error), convolve(error, kernel, flip=True)


_BACK_MISTAKES = [
    (lambda *given: _back(*given)[::-1], "the arrays are right, in the wrong order: first the one for the kernel."),
    (_not_turned, "the gradient for the image is not right: turn the kernel by 180°, once: by flip=True, or by hand."),
    (_turned_error, "the gradient for the kernel is not right: there the error stays as it is."),
    (_without_zeros, "the results are too small. Forward there was a border of p zeros: what needs it now?"),
]


def _back_cases() -> list[tuple]:
    random = np.random.default_rng(0)
    shapes = (((6, 7), 3), ((9, 8), 5), ((5, 5), 3))
    return [
        (random_image(*shape, seed=size) / 255, random.normal(size=(size, size)), random.normal(size=shape))
        for shape, size in shapes
    ]


def _judge_back(answer) -> None:
    """Judge back(image, kernel, error): both gradients, on images and kernels of several sizes."""
    cases, found = _back_cases(), []
    for image, kernel, error in cases:
        where = f"for an image of {image.shape[0]} × {image.shape[1]} and a kernel of {len(kernel)} × {len(kernel)}"
        result = call(answer, image.copy(), kernel.copy(), error.copy(), where=where)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise Wrong("return two arrays: the gradient for the kernel, then the one for the image.")
        found.append([as_array(part) for part in result])

    def pairs(function):
        return [
            pair for made, case in zip(found, cases, strict=True) for pair in zip(made, function(*case), strict=True)
        ]

    def like(function):
        return all(got.shape == want.shape and np.allclose(got, want, atol=1e-5) for got, want in pairs(function))

    if like(_back):
        return
    for mistake, message in _BACK_MISTAKES:
        if like(mistake):
            raise Wrong(message)
    for name, (got, want) in zip(("kernel", "image") * len(cases), pairs(_back), strict=True):
        if got.shape != want.shape:
            raise Wrong(f"the gradient for the {name} has the shape {got.shape}, not that of the {name}, {want.shape}.")
        if not np.allclose(got, want, atol=1e-5):
            raise Wrong(f"the gradient for the {name} has the right shape, but other numbers.")


def _step(of_bias: float = 0.0, of_weights: float = 1.0, direction: float = -1.0, told=None, by=None):
    """Return a penalty step; the arguments make it wrong: what is punished, the direction, the loss, how it changes."""

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
        w.assign_add(direction * rate * (x.T @ error + 2 * strength * of_weights * weights))
        b.assign_add(direction * rate * (error.sum(axis=0) + 2 * strength * of_bias * biases))
        return loss if told is None else told(entropy, loss)

    return step


def _nothing_moves(x, y, w, b, rate, strength):
    return _step()(x, y, *(_variable(np.asarray(array)) for array in (w, b)), rate, strength)


_UNCHANGED = (
    "w and b are as they were. `w = w - …` only gives a new tensor the name w, inside of your function: "
    "use w.assign_sub(…)."
)
_LOSS = "w and b are right, but not the loss: return the one before the step, with its penalty."
_STEP_MISTAKES = [
    (_nothing_moves, _UNCHANGED),
    (_step(direction=1.0), "it goes uphill: subtract rate times the gradient."),
    (_step(of_weights=0.0), "w is changed as if there were no penalty: its gradient belongs to the step."),
    (_step(of_weights=0.5), "the derivative of strength · w² is 2 · strength · w. A tape knows that."),
    (_step(of_bias=1.0), "the penalty is for w only; yours changes b, too."),
    (_step(by=1), "the loss is the mean over the batch, not the sum."),
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
    w, b = _variable(w), _variable(b)
    where = f"for {len(x)} images, rate {rate} and strength {strength}"
    loss = call(step, tf.constant(x), tf.constant(y), w, b, rate, strength, where=where)
    return [w.numpy(), b.numpy(), np.array(as_number(loss, "the loss that your function returns"))]


def _judge_step(answer) -> None:
    """Judge penalty_step(x, y, w, b, rate, strength): w and b afterwards, and the loss, on two batches."""
    found = [_after(answer, case) for case in _STEP_CASES]

    def like(step, parts=3):
        pairs = zip(found, (_after(step, case) for case in _STEP_CASES), strict=True)
        return all(
            np.allclose(a, b, atol=1e-4) for got, want in pairs for a, b in zip(got[:parts], want[:parts], strict=True)
        )

    if like(_step()):
        return
    if like(_step(), 2):
        raise Wrong(_LOSS)
    for mistake, message in _STEP_MISTAKES:
        if like(mistake, 2):
            raise Wrong(message)
    raise Wrong("w and b are not what one step of gradient descent makes of them.")


_FAULTS = {
    "A": {
        "a": "too large a rate makes the loss climb, or gives NaN. Here a gradient is None: the tape missed something.",
        "c": "dropout belongs to training, and this is training.",
        "d": "no metric is computed in it.",
        "e": "assign_sub exists only for variables, and the tape follows them by itself. But it must see their use.",
        "f": "assign_sub subtracts. Where does the None come from?",
    },
    "B": {
        "a": "with too large a rate nothing would be right, and here everything is. Everything of what?",
        "b": "training_step has a tape of its own, and the network learns.",
        "c": "accuracy leaves dropout out.",
        "e": "they are variables: the network learns.",
        "f": "training_step subtracts: the network learns.",
    },
    "C": {
        "a": "nothing is trained in it.",
        "b": "it needs no gradient, so it needs no tape.",
        "d": "they are the validation images. But why are there two results for one network?",
        "e": "nothing is changed in it, so that makes no difference.",
        "f": "there is no gradient in it.",
    },
}

EXERCISES: dict[int, Exercise] = {
    1: Exercise(
        numbers(
            {"same_height": 11, "same_width": 10, "valid_height": 8, "valid_width": 9, "channels": 12, "weights": 1008},
            {
                "same_height": {
                    10: "both formulas round up.",
                    7: "the strides are (batch, height, width, channels): 2 is for the height.",
                    21: "the stride of 2 is not used.",
                    8: "that is VALID: under SAME the size of the kernel does not count.",
                },
                "same_width": {
                    15: "the strides are (batch, height, width, channels): 3 is for the width.",
                    30: "the stride of 3 is not used.",
                    9: "that is VALID: under SAME the size of the kernel does not count.",
                },
                "valid_height": {
                    7: "both formulas round up: (21 − 7 + 1) / 2 = 7.5.",
                    5: "the strides are (batch, height, width, channels): 2 is for the height.",
                    15: "the stride of 2 is not used.",
                    11: "that is SAME.",
                    9: "the kernel is 7 high and 4 wide: the first axis is the height.",
                },
                "valid_width": {
                    14: "the strides are (batch, height, width, channels): 3 is for the width.",
                    27: "the stride of 3 is not used.",
                    10: "that is SAME.",
                    8: "the kernel is 7 high and 4 wide: the first axis is the height.",
                },
                "channels": {
                    3: "those are the channels that come in. One map comes out for each kernel.",
                    36: "each kernel adds up what it finds in all 3 channels: one map a kernel.",
                    8: "that is the number of images in the batch.",
                },
                "weights": {
                    84: "that is one kernel, and there are 12.",
                    1020: "the biases are a variable of their own: bias_add.",
                    336: "each kernel is as deep as its input: 3 channels.",
                    8064: "the batch has nothing to do with it: all images share the kernels.",
                },
            },
        ),
        "(8, 11, 10, 12) and (8, 8, 9, 12), with 1,008 weights.",
        (
            "The axes are (batch, height, width, channels), for x, for the strides and for the result.",
            "SAME: W / S. VALID: (W − F + 1) / S. Both are rounded up.",
            "The axes of kernels are (height, width, channels in, channels out).",
        ),
    ),
    2: Exercise(
        function(
            _dropout,
            _DROPOUT_CASES,
            [
                (
                    lambda x, rate, noise: np.where(noise < rate, 0, x),
                    "the right ones are dropped, but the others are not scaled: the sum becomes smaller.",
                ),
                (
                    lambda x, rate, noise: np.where(noise < rate, 0, x / rate),
                    "what stays is a share of 1 − rate, so divide by 1 − rate.",
                ),
                (
                    lambda x, rate, noise: np.where(noise < rate, 0, x * (1 - rate)),
                    "that makes the numbers smaller still: divide by 1 − rate.",
                ),
                (
                    lambda x, rate, noise: np.where(noise < rate, x / rate, 0),
                    "that takes rate for the share to keep, as TensorFlow 1 did. Here it is the share to drop.",
                ),
                (
                    lambda x, rate, noise: np.where(noise < rate, x, 0),
                    "you keep what has to be dropped, and the scale is missing.",
                ),
                (
                    lambda x, rate, noise: np.where(noise < rate, x / (1 - rate), 0),
                    "the scale is right, but you keep what has to be dropped.",
                ),
                (
                    lambda x, rate, noise: np.where(noise < 1 - rate, x / (1 - rate), 0),
                    "scale and share are right. But drop where the noise is smaller than rate, as the text says.",
                ),
                (
                    lambda x, rate, noise: np.where(noise < rate, 0, 1 / (1 - rate)),
                    "that is the mask, with its scale. Multiply x by it.",
                ),
                (lambda x, rate, noise: x, "nothing is dropped."),
            ],
            tolerance=1e-4,
        ),
        "Dropped and scaled, in one line. The mean stays, so nothing has to change in evaluation but the rate.",
        (
            "np.where(condition, a, b): a where the condition holds, b elsewhere.",
            "A share of 1 − rate stays. By what must it be divided so that the sum stays the same on average?",
        ),
    ),
    3: Exercise(
        function(
            _hidden_gradient,
            _ERROR_CASES,
            [
                (
                    lambda z, out, error: error @ out.T,
                    "that is the gradient for h = relu(z). Where z is negative, nothing comes through the ReLU.",
                ),
                (
                    lambda z, out, error: (error @ out.T) * z,
                    "the derivative of relu(z) is 1 or 0, not z.",
                ),
                (
                    lambda z, out, error: (error @ out.T) * np.maximum(z, 0),
                    "the derivative of relu(z) is 1 or 0, not relu(z).",
                ),
                (
                    lambda z, out, error: np.maximum(error @ out.T, 0),
                    "the sign of z decides what comes through, not that of the error.",
                ),
                (
                    lambda z, out, error: _hidden_gradient(z, out, error) / len(z),
                    "the error was divided by the number of images already.",
                ),
                (
                    lambda z, out, error: -_hidden_gradient(z, out, error),
                    "that is against the gradient: the minus comes later, in the step.",
                ),
                (
                    lambda z, out, error: _hidden_gradient(z, out, error).T,
                    "it has to have the shape of z: (images, units).",
                ),
                (
                    lambda z, out, error: np.maximum(z, 0).T @ error,
                    "that is the gradient for out. The one for z has the shape of z.",
                ),
            ],
            tolerance=1e-4,
        ),
        "The error goes back through the same matrix, transposed, and through the open ReLUs only.",
        (
            "Which product of error, (images, classes), and out, (units, classes), has the shape (images, units)?",
            "error @ out.T is the gradient for h. And dh/dz is 1 where z > 0, and 0 elsewhere.",
        ),
    ),
    4: Exercise(
        _judge_back,
        "Three convolutions: one forward, two back, and the border of zeros in all of them.",
        (
            "For the kernel: at which place did each weight meet which pixel? The zeros of the border were met, too.",
            "The result is as large as the kernel, image and error are equally large: how many zeros around the image?",
            "For the image: error with the turned kernel, and so many zeros that the result is as large as the image.",
        ),
        _BACK_MISTAKES,
    ),
    5: Exercise(
        _judge_step,
        "A step with a loss of your own. fit could not have done less.",
        (
            "Compute the whole loss inside of `with tf.GradientTape() as tape:`, the penalty as well.",
            "tape.gradient(loss, (w, b)) gives both gradients; then w.assign_sub(rate * …), and the same for b.",
        ),
        [*_STEP_MISTAKES, (_step(told=lambda entropy, loss: entropy), _LOSS)],
    ),
    6: Exercise(
        choices({"A": "b", "B": "d", "C": "c"}, _FAULTS),
        "All three are found in real programs every week. The last two are silent, which is worse.",
        (
            "A: a gradient is None where the tape saw no way from the weight to the loss.",
            "B and C: which images are looked at, and is every part of the network as it should be for that?",
        ),
    ),
    7: quiz("10"),
}

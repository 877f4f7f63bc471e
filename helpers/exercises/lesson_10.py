"""The exercises of lesson 10, a CNN in raw TensorFlow: what is right, which mistakes are typical, and the hints."""

from helpers.exercises.anew import drawn
from helpers.exercises.gradients import BACK_MISTAKES, STEP_MISTAKES, judge_back, judge_step
from helpers.exercises.judges import Exercise, choices, function
from helpers.exercises.more_arithmetic import raw_shapes
from helpers.exercises.quizzes import quiz

import numpy as np


def _dropout(x, rate, noise):
    return np.where(noise < rate, 0, x / (1 - rate))


def _dropout_case(rate: float, *shape: int) -> tuple:
    random = np.random.default_rng(len(shape))
    x, noise = random.normal(0, 2, shape).astype("float32"), random.random(shape, "float32")
    if rate == 0.25:  # a number that float32 holds exactly
        noise.flat[3] = rate
    return x, rate, noise


_DROPOUT_CASES = [_dropout_case(0.25, 9), _dropout_case(0.6, 4, 8), _dropout_case(0.1, 2, 3, 5)]


def _hidden_gradient(z, out, error):
    return (error @ out.T) * (z > 0)


def _error_case(images: int, units: int, classes: int) -> tuple:
    random = np.random.default_rng(units)
    shapes = ((images, units), (units, classes), (images, classes))
    return tuple(random.normal(size=shape).astype("float32") for shape in shapes)


_ERROR_CASES = [_error_case(5, 4, 4), _error_case(3, 6, 2), _error_case(1, 3, 5)]


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

_SHAPE_HINTS = (
    "The axes are (batch, height, width, channels), for x, for the strides and for the result.",
    "SAME: W / S. VALID: (W − F + 1) / S. Both are rounded up, for a pooling as well.",
    "The axes of kernels are (height, width, channels in, channels out).",
)

EXERCISES: dict[int, Exercise] = {
    1: raw_shapes(
        batch=8,
        height=21,
        width=30,
        kernel_height=7,
        kernel_width=4,
        stride_height=2,
        stride_width=3,
        channels=3,
        kernels=12,
    ).exercise(
        "(8, 11, 10, 12), (8, 8, 9, 12) and, pooled, (8, 5, 4, 12), with 1,008 weights.",
        _SHAPE_HINTS,
        another=drawn(
            raw_shapes,
            _SHAPE_HINTS,
            batch=(8, 16, 32, 50),
            height=range(19, 60),
            width=range(19, 60),
            kernel_height=(5, 6, 7),
            kernel_width=(3, 4),
            stride_height=(2, 4),
            stride_width=(3, 5),
            channels=(3, 4, 6),
            kernels=(10, 12, 20, 24),
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
                (
                    lambda x, rate, noise: np.where(noise < rate, 0, x * (1 + rate)),
                    "1 + rate is too little: a share of 1 − rate stays, so divide by it.",
                ),
                (
                    lambda x, rate, noise: np.where(noise < rate, 0, x) / np.mean(noise >= rate),
                    "divide by 1 − rate, the share that stays on average, not by the one that stayed this time.",
                ),
                (lambda x, rate, noise: x / (1 - rate), "the scale is right, but nothing is dropped."),
                (
                    lambda x, rate, noise: np.where(noise <= rate, 0, x / (1 - rate)),
                    "where the noise is exactly rate, the number stays: smaller is <, not <=.",
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
                    lambda z, out, error: (error @ out) * (z > 0),
                    "each unit of the hidden layer gathers the errors of all classes: error @ out.T, transposed.",
                ),
                (
                    lambda z, out, error: error @ out,
                    "each unit of the hidden layer gathers the errors of all classes: error @ out.T, transposed.",
                ),
                (
                    lambda z, out, error: (error @ out.T) * np.sign(z),
                    "np.sign is −1 where z is negative. There the derivative of relu(z) is 0.",
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
                    lambda z, out, error: out @ error.T,
                    "it has to have the shape of z: (images, units). And where z is negative, nothing comes through.",
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
        judge_back,
        "Three convolutions: one forward, two back, and the border of zeros in all of them.",
        (
            "For the kernel: at which place did each weight meet which pixel? The zeros of the border were met, too.",
            "The result is as large as the kernel, image and error are equally large: how many zeros around the image?",
            "For the image: error with the turned kernel, and so many zeros that the result is as large as the image.",
        ),
        BACK_MISTAKES,
    ),
    5: Exercise(
        judge_step,
        "A step with a loss of your own. fit could not have done less.",
        (
            "Compute the whole loss inside of `with tf.GradientTape() as tape:`, the penalty as well.",
            "tape.gradient(loss, (w, b)) gives both gradients; then w.assign_sub(rate * …), and the same for b.",
        ),
        STEP_MISTAKES,
    ),
    6: Exercise(
        choices({"A": "b", "B": "d", "C": "c"}, _FAULTS),
        "All three are found in real programs every week. The last two are silent, which is worse.",
        (
            "A: a gradient is None where the tape saw no way from the weight to the loss.",
            "B and C: which images are looked at, and is every part of the network as it should be for that?",
        ),
    ),
    7: Exercise(
        choices(
            {"A": "b", "B": "c", "C": "a"},
            {
                "A": {
                    "a": "with the larger step they agree. Which of the two results is worth more?",
                    "c": "kinks are jumps of the slope, wherever you look from. Here only the step was changed.",
                },
                "B": {
                    "a": "the tape follows each operation, in batches of any size.",
                    "b": "rounding changes a seventh digit. What makes it exactly four times as much?",
                },
                "C": {
                    "b": "a smaller rate helps a right gradient of the right loss. Is it the right loss?",
                    "c": "the two come from different sources: a tape, and values of the loss alone.",
                },
            },
        ),
        "Two ways that share nothing: what they agree on is the gradient of the loss that you wrote.",
        (
            "A: the two losses of a difference agree in all but their last digits. What is left of these?",
            "B: the loss is a mean. C: both ways are given a loss. By whom?",
        ),
    ),
    8: quiz("10"),
}

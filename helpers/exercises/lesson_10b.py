"""The exercises of lesson 10b, optimizers and machines: what is right, which mistakes are typical, and the hints."""

from helpers.exercises.anew import drawn
from helpers.exercises.judges import Exercise, choices, function, numbers
from helpers.exercises.more_arithmetic import he_start
from helpers.exercises.quizzes import quiz

import numpy as np

_JUMPS = "it jumps from side to side all the way: nothing averages that away."
_OVERSHOOTS = "it shoots past the star and comes back, like something heavy."
_STRAIGHT = "its first step is equally long in both directions: each weight is divided by the size of its own gradient."

_WAYS = {
    "A": {
        "s": f"{_OVERSHOOTS} SGD stops where the slope stops.",
        "r": f"{_OVERSHOOTS} RMSprop has no memory of its direction.",
        "a": f"{_OVERSHOOTS} Adam does that, too, but its first step is equally long in both directions.",
    },
    "B": {
        "s": f"{_STRAIGHT} SGD goes down the steep side first.",
        "m": f"{_STRAIGHT} Momentum goes down the steep side first.",
        "a": "it does not shoot past the star: it has no memory of its direction.",
    },
    "C": {
        "m": f"{_JUMPS[:-1]}, and it never shoots past the star along the valley.",
        "r": f"{_JUMPS[:-1]}, and its first step goes down the steep side. That of RMSprop is equally long in both.",
        "a": f"{_JUMPS[:-1]}, and its first step goes down the steep side. That of Adam is equally long in both.",
    },
    "D": {
        "s": f"{_STRAIGHT} SGD goes down the steep side first.",
        "m": f"{_STRAIGHT} Momentum goes down the steep side first.",
        "r": "it swings past the star in wide curves: it remembers its direction.",
    },
}


def _combine(gradients, sizes):
    return sum(np.asarray(gradient) * size for gradient, size in zip(gradients, sizes, strict=True)) / sum(sizes)


def _combine_case(sizes: list[int], *shape: int) -> tuple:
    random = np.random.default_rng(sum(sizes))
    return [random.normal(size=shape) for _ in sizes], sizes


_COMBINE_CASES = [
    _combine_case([32, 12], 3),
    _combine_case([8, 1, 7], 2, 2),
    _combine_case([5], 4),
]

_START_HINTS = (
    "√(2 / inputs): how many numbers are multiplied by weights and added up, to make one number?",
    "For a convolution: height × width × channels in. The factor counts once in each layer.",
)


def _adamw(w, gradient, mean, square, count, rate, decay):
    mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
    return w - rate * _adam_step(gradient, mean, square, count) - rate * decay * w, mean, square


def _adam_step(gradient, mean, square, count):
    return mean / (1 - 0.9**count) / ((square / (1 - 0.999**count)) ** 0.5 + 1e-7)


def _averaged(gradient, mean, square):
    return 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2


def _adamw_of(step=_adam_step, shrink=lambda w, step, rate, decay: rate * decay * w, averaged=_averaged):
    """Return the function of a learner who takes such a step, and lets weight and averages change like that."""

    def adamw(w, gradient, mean, square, count, rate, decay):
        mean, square = averaged(gradient, mean, square)
        stepped = rate * step(gradient, mean, square, count)
        return w - stepped - shrink(w, stepped, rate, decay), mean, square

    return adamw


def _with_penalty(w, gradient, mean, square, count, rate, decay):
    return _adamw(w, gradient + decay * w, mean, square, count, rate, 0)


def _with_old_memory(w, gradient, mean, square, count, rate, decay):
    _, new_mean, new_square = _adamw(w, gradient, mean, square, count, rate, decay)
    return w - rate * (_adam_step(gradient, mean, square, count) + decay * w), new_mean, new_square


def _corrected_in_memory(w, gradient, mean, square, count, rate, decay):
    w, mean, square = _adamw(w, gradient, mean, square, count, rate, decay)
    return w, mean / (1 - 0.9**count), square / (1 - 0.999**count)


def _decay_divided(w, gradient, mean, square, count, rate, decay):
    _, mean, square = _adamw(w, gradient, mean, square, count, rate, decay)
    decayed = mean / (1 - 0.9**count) + decay * w
    return w - rate * decayed / ((square / (1 - 0.999**count)) ** 0.5 + 1e-7), mean, square


def _adamw_case(count: int, rate: float, decay: float, *shape: int) -> tuple:
    random = np.random.default_rng(count)
    w, gradient = (random.uniform(0.3, 2, shape) * random.choice((-1, 1), shape) for _ in range(2))
    mean, square = (np.zeros(shape), np.zeros(shape)) if count == 1 else random.uniform(0.2, 1, (2, *shape))
    return w, gradient, mean, square, count, rate, decay


_LATE = (  # one weight that has never had a gradient, and small ones, at which it counts where the 1e-7 stands
    np.array([1.5, -0.5, 2.0]),
    np.array([0.0, 1e-4, -3e-4]),
    np.array([0.0, 2e-4, -1e-4]),
    np.array([0.0, 1e-8, 4e-8]),
    10_000,
    0.1,
    0.5,
)
_ADAMW_CASES = [_adamw_case(1, 0.1, 0.5, 4), _adamw_case(3, 0.2, 0.3, 2, 3), _adamw_case(20, 0.05, 0.9, 5), _LATE]

_POWER = "the correction is 1 − 0.9^count, and 1 − 0.999^count: count is a power, and 1 at the first step."
_BOTH = "both means start from 0: correct both, each by its own share."
_ALL_THREE = "return all three: the new w, the new mean, the new square."

EXERCISES: dict[int, Exercise] = {
    1: Exercise(
        choices({"A": "m", "B": "r", "C": "s", "D": "a"}, _WAYS),
        "Heavy, careful, restless, and both at once.",
        (
            "Which two begin with a step equally long along both axes? They divide by the size of the gradient.",
            "Of these two, and of the others, which one shoots past the star? It remembers its direction.",
        ),
    ),
    2: he_start(kernel=3, channels=64, filters=32, numbers=800, classes=10, narrow=50, layers=5).exercise(
        "0.059, 0.05 and 0.2; and a factor of 2 in five layers is one of 32.",
        _START_HINTS,
        another=drawn(
            he_start,
            _START_HINTS,
            kernel=(3, 5),
            channels=(16, 32, 48, 64),
            filters=(24, 96, 128),
            numbers=(200, 392, 512, 1152),
            classes=(5, 20, 100),
            narrow=(8, 18, 72, 128),
            layers=(4, 5, 6, 7),
        ),
    ),
    3: Exercise(
        numbers(
            {"python_rates": 2, "tensor_rates": 1, "last_batch": 2, "kept": 1},
            {
                "python_rates": {
                    3: "the third call has the rate of the first, and so its graph.",
                    1: "a Python number becomes a constant of the graph: each new one needs another graph.",
                },
                "tensor_rates": {
                    2: "a tensor is given to the graph when it runs: shape and dtype are the same for all.",
                    3: "a tensor is given to the graph when it runs: shape and dtype are the same for all.",
                    0: "the first call has to trace.",
                },
                "last_batch": {
                    1: "the last batch has another shape: 12 images.",
                    4: "the second epoch finds both graphs there.",
                    220: "a graph is kept: it is traced for each shape, not for each batch.",
                    110: "a graph is kept: it is traced for each shape, not for each batch.",
                    218: "a graph is kept: it is traced for each shape, not for each batch.",
                    219: "a graph is kept: it is traced for each shape, not for each batch.",
                },
                "kept": {
                    3: "append is Python: it happens while tracing, and not when the graph runs.",
                    0: "it happens while tracing, and there is one trace.",
                },
            },
        ),
        "One trace for each shape and dtype, and for each Python number; and Python happens only then.",
        (
            "Is there a graph already for this shape, this dtype, this Python number? Then there is no trace.",
            "kept.append is Python, not TensorFlow. When does Python run?",
        ),
    ),
    4: Exercise(
        function(
            _combine,
            _COMBINE_CASES,
            [
                (
                    lambda gradients, sizes: sum(gradients) / len(gradients),
                    "the plain mean counts an image of the small part more than one of the large part.",
                ),
                (
                    lambda gradients, sizes: sum(gradients),
                    "the sum is the larger, the more replicas there are. It must be the mean over all images.",
                ),
                (
                    lambda gradients, sizes: sum(g * n for g, n in zip(gradients, sizes, strict=True)),
                    "that is the gradient of the sum over all images. Divide by their number.",
                ),
                (
                    lambda gradients, sizes: sum(g * n for g, n in zip(gradients, sizes, strict=True)) / len(sizes),
                    "divide by the number of images, not by that of the replicas.",
                ),
                (
                    lambda gradients, sizes: sum(g / n for g, n in zip(gradients, sizes, strict=True)),
                    "each gradient was divided by its own number of images already: multiply by that first.",
                ),
                (
                    lambda gradients, sizes: sum(gradients) / sum(sizes),
                    "each gradient was divided by its own number of images already: multiply by that first.",
                ),
                (
                    lambda gradients, sizes: gradients[0],
                    "the other replicas are left out.",
                ),
                *(
                    (combined, "there may be any number of replicas, also three, or one: go through the whole lists.")
                    for combined in (
                        lambda gradients, sizes: (gradients[0] * sizes[0] + gradients[1] * sizes[1]) / sum(sizes),
                        lambda gradients, sizes: _combine(gradients[:2], [sizes[0], sizes[1]]),
                    )
                ),
                *(
                    (combined, "32 and 12 are one example: take the numbers of images from sizes.")
                    for combined in (
                        lambda gradients, sizes: (32 * gradients[0] + 12 * gradients[1]) / 44,
                        lambda gradients, sizes: _combine(gradients, sizes) * sum(sizes) / 44,
                    )
                ),
                (
                    lambda gradients, sizes: [g * n / sum(sizes) for g, n in zip(gradients, sizes, strict=True)],
                    "those are the parts of all replicas: add them up.",
                ),
            ],
        ),
        "Each image counts the same, wherever it was. That is why a replica divides by the global batch.",
        (
            "A mean times its number of images is a sum. What are all sums together?",
            "Weigh each gradient by sizes[i] / sum(sizes).",
        ),
    ),
    5: Exercise(
        function(
            _adamw,
            _ADAMW_CASES,
            [
                (
                    _adamw_of(lambda gradient, mean, square, count: mean / (square**0.5 + 1e-7)),
                    "the correction is missing: at the beginning both means are too small.",
                ),
                (
                    _adamw_of(
                        lambda gradient, mean, square, count: (
                            mean / (1 - 0.9**count) / (square / (1 - 0.999**count) + 1e-7)
                        )
                    ),
                    "divide by the root of the mean square, not by the mean square.",
                ),
                (
                    _adamw_of(
                        lambda gradient, mean, square, count: gradient / ((square / (1 - 0.999**count)) ** 0.5 + 1e-7)
                    ),
                    "your step goes along the gradient of today, as in RMSprop. Adam goes along the mean.",
                ),
                (_adamw_of(lambda *given: -_adam_step(*given)), "that is uphill: subtract the step."),
                (_with_old_memory, "first bring mean and square up to date, then take the step with them."),
                (
                    _with_penalty,
                    "that is L2: the decay is in the gradient, so Adam divides it by its size. Let w shrink by itself.",
                ),
                (
                    _adamw_of(_adam_step, lambda w, step, rate, decay: 0 * w),
                    "that is Adam: the weight has to shrink as well, by rate · decay · w.",
                ),
                (
                    _adamw_of(_adam_step, lambda w, step, rate, decay: decay * w),
                    "the rate counts for the decay, too: rate · decay · w.",
                ),
                (
                    _adamw_of(_adam_step, lambda w, step, rate, decay: -rate * decay * w),
                    "with decay the weight has to get smaller: subtract rate · decay · w.",
                ),
                (
                    _adamw_of(_adam_step, lambda w, step, rate, decay: rate * decay * (w - step)),
                    "the decay is that of w as it was, before the step.",
                ),
                (lambda *given: _adamw(*given)[0], _ALL_THREE),
                (lambda *given: _adamw(*given)[:2], _ALL_THREE),
                (
                    lambda w, *given: (_adamw(w, *given)[0] - w, *_adamw(w, *given)[1:]),
                    "that is the step. Return the new w: w and the step together.",
                ),
                (
                    lambda *given: (_adamw(*given)[0], *given[2:4]),
                    "the memory is as it was: return the new mean and the new square, for the next step.",
                ),
                (
                    _corrected_in_memory,
                    "keep the means as they are: what is corrected is for this step only. Give it another name.",
                ),
                *(
                    (
                        _adamw_of(
                            lambda gradient, mean, square, count, power=power: _adam_step(
                                gradient, mean, square, power(count)
                            )
                        ),
                        _POWER,
                    )
                    for power in (lambda count: 1, lambda count: count - 1, lambda count: count + 1)
                ),
                (
                    _adamw_of(lambda gradient, mean, square, count: mean / (1 - 0.9**count) / (square**0.5 + 1e-7)),
                    _BOTH,
                ),
                (
                    _adamw_of(
                        lambda gradient, mean, square, count: mean / ((square / (1 - 0.999**count)) ** 0.5 + 1e-7)
                    ),
                    _BOTH,
                ),
                (
                    _adamw_of(
                        averaged=lambda gradient, mean, square: (
                            _averaged(gradient, mean, square)[0],
                            0.999 * square + 0.001 * gradient,
                        )
                    ),
                    "square is the mean of the gradient squared, and so never below 0.",
                ),
                (
                    _adamw_of(
                        averaged=lambda gradient, mean, square: (
                            0.9 * mean + gradient,
                            _averaged(gradient, mean, square)[1],
                        )
                    ),
                    "that adds gradients up, as momentum does. In a mean the new one counts 10%.",
                ),
                (
                    _decay_divided,
                    "you divide the decay, too, by the root. Only the mean is divided; w shrinks beside that.",
                ),
                (
                    _adamw_of(
                        lambda gradient, mean, square, count: (
                            mean / (1 - 0.9**count) / (square / (1 - 0.999**count)) ** 0.5
                        )
                    ),
                    "a weight without gradient divides 0 by 0: add 1e-7 to the root.",
                ),
                (
                    _adamw_of(
                        lambda gradient, mean, square, count: (
                            mean / (1 - 0.9**count) / (square / (1 - 0.999**count) + 1e-7) ** 0.5
                        )
                    ),
                    "add the 1e-7 to the root, not under it.",
                ),
            ],
            tolerance=1e-4,
        ),
        "Momentum, a rate for each weight, a correction, and decay: the rule of most large networks of today.",
        (
            "The new mean is 0.9 · mean + 0.1 · gradient; square likewise, with 0.999 and the gradient squared.",
            "Corrected: mean / (1 − 0.9^count), and square / (1 − 0.999^count).",
            "The new w is w − rate · mean / (√square + 1e-7) − rate · decay · w, both corrected.",
        ),
    ),
    6: quiz("10b"),
}

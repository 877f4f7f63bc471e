"""The exercises of lesson 08, transfer learning: what is right, which mistakes are typical, and the hints."""

from helpers.exercises.fresh import expect_all, expect_fresh, fresh_critters, scaled_like
from helpers.exercises.judges import Exercise, NotYet, Wrong, call, choice, choices, expect_function, function
from helpers.exercises.networks import (
    IMAGES,
    LABELS,
    expect_right,
    stand_in,
    trained_beforehand,
    unpack_images,
)
from helpers.exercises.quizzes import quiz
from helpers.exercises.reused import FEATURES, FORGOTTEN

import numpy as np


def _base():
    """Return a small base with the kinds of layers and names of the photos network, all of it trainable."""
    from helpers.engine import keras

    stack = [keras.Input((8, 8, 3))]
    for name in ("conv1", "conv2", "conv3a", "conv3b", "conv4", "top_conv2"):  # the last only contains a beginning
        norm = f"{name}_bn" if name == "conv1" else f"{name}_norm"  # names tell nothing
        stack += [keras.layers.Conv2D(2, 3, padding="same", name=name)]
        stack += [keras.layers.BatchNormalization(name=norm), keras.layers.ReLU(name=f"{name}_relu")]
    return keras.Sequential(stack, name="base")


def _open_layers(base) -> set[str]:
    """Return the names of the layers that would be trained, or would measure as batch normalization does."""
    open_weights = {id(weight) for weight in base.trainable_weights}
    return {
        layer.name
        for layer in base.layers
        if any(id(weight) in open_weights for weight in layer.weights)
        or (base.trainable and layer.trainable and _measures(layer))
    }


def _measures(layer) -> bool:
    return hasattr(layer, "moving_mean")


def _thawed(answer) -> None:
    """Judge thaw(base, prefixes): convolutions with these names are trained, batch normalization never is."""
    expect_function(answer)
    found, base = [], _base()
    every = _open_layers(base)
    norms = {layer.name for layer in base.layers if _measures(layer)}

    def thawed(prefixes):
        answer(base, prefixes)
        return base.trainable, _open_layers(base)

    tried = (("conv4",), False), (("conv3", "conv4"), True), (["conv2"], True), (("conv",), True)
    for prefixes, frozen in (*tried, (("conv1", "conv3a"), True)):
        base.trainable = not frozen  # and so are all its layers
        before = _open_layers(base)
        whole, now = call(thawed, prefixes, where=f"for prefixes {prefixes}", returns=False)
        found.append((prefixes, whole, before, now))
    if all(now == before for *_, before, now in found):
        raise NotYet("set layer.trainable, True or False, for each layer of the base.")
    for prefixes, whole, before, now in found:
        expected = {name for name in every - norms if name.startswith(tuple(prefixes))}
        if now == before != expected and not whole:
            raise Wrong(f"where the whole base was frozen, it stays so, for prefixes {prefixes}.")
        if now == every:
            raise Wrong(
                f"for prefixes {prefixes}, every layer is trained. base.trainable = True opens all of them: that comes "
                "first, and after it layer.trainable = False for those with other names and for batch normalization."
            )
        if now & norms:
            raise Wrong(
                f"for prefixes {prefixes}, {min(now & norms)} is trained, too: batch normalization has to stay frozen."
            )
        if now - expected:
            raise Wrong(f"for prefixes {prefixes}, {min(now - expected)} is trained, too. Freeze all others.")
        if expected - now:
            all_frozen = "" if whole else " The base as a whole is frozen: set base.trainable = True first."
            raise Wrong(f"for prefixes {prefixes}, {min(expected - now)} is still frozen.{all_frozen}")


def _thawing(choose, whole=True):
    """Return a function that trains the layers for whose names ``choose(name, prefixes)`` holds."""

    def thaw(base, prefixes):
        if whole:
            base.trainable = True
        for layer in base.layers:
            layer.trainable = choose(layer.name, tuple(prefixes))

    return thaw


TRANSFER_GOAL = 0.85  # of the test images, in exercise 3; more than lesson 08 itself reaches before it


def _transferred(answer) -> None:
    """Judge (model, images, labels): the share `TRANSFER_GOAL` of the images right."""
    model, images, labels = unpack_images(answer, "check(3, (my_model, x_test, y_test))")
    known = expect_all(images, labels, "x_test and y_test", 400)
    if trained_beforehand(model, "critters"):
        raise Wrong("that network was trained beforehand. Train one with x and y.")
    untrained = (0.2, ". Is it trained, on images of this scale?")
    share = expect_right(model, images, labels, TRANSFER_GOAL, "it gets {} of the images right", untrained=untrained)
    if known and known.dataset.name == "critters":
        expect_fresh(model, fresh_critters(), TRANSFER_GOAL, scaled_like(images), given=(share, len(labels)))


def _around(values, before, after):
    """Return for each value the mean of it and its neighbors: so many before it, so many after it."""
    return np.array([np.mean(values[max(0, i - before) : i + after + 1]) for i in range(len(values))])


def _moving(values, window):
    return _around(values, window - 1, 0)


_MOVING_CASES = [
    (np.array([4.0, 1.0, 7.0, 2.0, 9.0]), 3),
    (np.array([3.0, 5.0, 1.0]), 1),
    (np.array([1.0, 0.0, 0.0, 0.0, 2.0, 8.0]), 4),
    (np.array([2.0, 6.0]), 5),
    (np.array([3, 4, 6, 1]), 2),
]


_CENTERED = (
    lambda values, window: _around(values, (window - 1) // 2, window // 2),
    lambda values, window: _around(values, window // 2, (window - 1) // 2),
    lambda values, window: _around(values, window // 2, window // 2),
    lambda values, window: _around(values, 0, window - 1),
    lambda values, window: np.convolve(values, np.ones(window) / window, "same"),
)
_SHORTER = (
    lambda values, window: np.convolve(values, np.ones(window) / window, "valid"),
    lambda values, window: _moving(values, window)[window - 1 :],
)


def _copied(values, window):
    """Average in the copy itself, which holds means already."""
    result = np.array(values, float)
    for i in range(len(result)):
        result[i] = np.mean(result[max(0, i + 1 - window) : i + 1])
    return result


def _running(values, weight):
    """Return the running average of lesson 4: each new value has that weight, all earlier ones the rest."""
    result = [float(values[0])]
    for value in values[1:]:
        result.append(weight * value + (1 - weight) * result[-1])
    return np.array(result)


def _start(values, window, kept):
    """Return the moving average, with ``kept`` times the values where there are fewer than `window`."""
    return np.where(np.arange(len(values)) < window - 1, kept * values, _moving(values, window))


def _not_a_number(values, window):
    result = _moving(values, window)
    result[: window - 1] = np.nan
    return result


_RUNNING = "that is the running average of lesson 4. Here `window` values count, all alike, and none before them."


EXERCISES: dict[int, Exercise] = {
    1: Exercise(
        choice(
            "d",
            {
                "a": "batch normalization has its own numbers: scale and offset are trained, mean and variance drift.",
                "b": "the kernels are trained. And fit hands on training=True, so mean and variance drift, too.",
                "c": "what was trained before has changed already, and only compiling again makes it hold from now on.",
            },
        ),
        "Frozen before the training begins, batch normalization included: Keras then uses its stored numbers.",
        (
            "What is trained by gradients, and what is measured from the images?",
            "Which of the four stops both, from the beginning?",
        ),
    ),
    2: Exercise(
        _thawed,
        "With this function you can try every depth: from the head alone to the whole base.",
        (
            "layer.name.startswith(…) also takes a tuple of beginnings: tuple(prefixes).",
            "A layer of batch normalization is one for which isinstance(layer, layers.BatchNormalization) is True.",
            "Set base.trainable = True first: in a frozen base, no layer is trained.",
        ),
        [
            (
                _thawing(lambda name, prefixes: name.startswith(prefixes)),
                "for prefixes ('conv4',), conv4_norm is trained, too: batch normalization has to stay frozen.",
            ),
            (
                _thawing(lambda name, prefixes: not name.endswith(("_norm", "_bn"))),
                "for prefixes ('conv4',), conv1 is trained, too. Freeze all others.",
            ),
            (
                _thawing(lambda name, prefixes: name.startswith(prefixes) and not name.endswith("_norm"), whole=False),
                "where the whole base was frozen, it stays so, for prefixes ('conv3', 'conv4').",
            ),
            (
                _thawing(lambda name, prefixes: name in prefixes),
                "for prefixes ('conv3', 'conv4'), conv3a is still frozen.",
            ),
            (
                _thawing(lambda name, prefixes: name.startswith(prefixes[0]) and not name.endswith("_norm")),
                "for prefixes ('conv3', 'conv4'), conv4 is still frozen.",
            ),
            (
                lambda base, prefixes: setattr(base, "trainable", True),
                "for prefixes ('conv4',), every layer is trained. base.trainable = True opens all of them: that comes "
                "first, and after it layer.trainable = False for those with other names and for batch normalization.",
            ),
            (
                _thawing(lambda name, prefixes: name.startswith(prefixes) and "norm" not in name),
                "for prefixes ('conv',), conv1_bn is trained, too: batch normalization has to stay frozen.",
            ),
            (
                _thawing(lambda name, prefixes: any(p in name for p in prefixes) and not name.endswith("_norm")),
                "for prefixes ['conv2'], top_conv2 is trained, too. Freeze all others.",
            ),
        ],
        patience=3,
    ),
    3: Exercise(
        _transferred,
        "From 20 images of each class, because somebody else has looked at 49,000 others.",
        (
            "Start with the head of way 1, and train layers below it at a low rate.",
            "fine_tune(…) takes any list of names: which convolutions could learn as well?",
            "Give it the names of all convolutions of the base. Batch normalization stays frozen.",
        ),
        [
            ((stand_in(0.8), IMAGES, LABELS), "it gets 80% of the images right. The goal is 85%."),
            (
                (stand_in(name="critters"), IMAGES, LABELS),
                "that network was trained beforehand. Train one with x and y.",
            ),
            (
                (stand_in(0.6, scale=3), IMAGES, LABELS),
                "it gets 60% of the images right, and its numbers are no probabilities: give the last layer "
                'activation="softmax", or train it with a loss that has from_logits=True.',
            ),
            (
                (stand_in(classes=5), IMAGES, LABELS),
                "for each image it must give 10 numbers, but the shape of its answer is (100, 5).",
            ),
        ],
        patience=6,
    ),
    4: Exercise(
        function(
            _moving,
            _MOVING_CASES,
            [
                *(
                    (mistake, "yours looks into the future: take the value and those before it, none after it.")
                    for mistake in _CENTERED
                ),
                (
                    lambda values, window: np.cumsum(values) / np.arange(1, len(values) + 1),
                    "that is the mean of all values so far. Take the last `window` of them.",
                ),
                (
                    lambda values, window: np.convolve(values, np.ones(window) / window)[: len(values)],
                    "at the start you divide by `window`, but there are fewer values: divide by how many there are.",
                ),
                (
                    lambda values, window: _moving(values, window).astype(values.dtype),
                    "it drops the fractions where values are whole numbers, as an array made by np.zeros_like(values) "
                    "does: np.zeros(len(values)) holds fractions.",
                ),
                (
                    lambda values, window: _start(values, window, 0),
                    "at the start there are zeros: take the mean of those that are there.",
                ),
                (
                    lambda values, window: _start(values, window, 1),
                    "at the start you keep the values as they are: take the mean of those that are there.",
                ),
                (
                    _copied,
                    "it takes means of means: read from values, and write into another array.",
                ),
                *(
                    (lambda values, window, weight=weight: _running(values, weight(window)), _RUNNING)
                    for weight in (lambda window: 0.3, lambda window: 2 / (window + 1), lambda window: 1 / window)
                ),
                (
                    lambda values, window: np.convolve(values, np.ones(window) / window),
                    "the result is longer than values: cut it, and mind the start, where there are fewer.",
                ),
                (
                    _not_a_number,
                    "at the start there is NaN, not a number: pandas' rolling needs min_periods=1. Take the mean of "
                    "those that are there.",
                ),
                *(
                    (mistake, "the result is shorter than values. At the start, take the mean of those that are there.")
                    for mistake in _SHORTER
                ),
                (
                    lambda values, window: np.array(
                        [np.mean(values[max(0, i - window) : i]) if i else values[0] for i in range(len(values))]
                    ),
                    "the value itself has to be among them.",
                ),
                (
                    lambda values, window: np.array(
                        [np.sum(values[max(0, i + 1 - window) : i + 1]) for i in range(len(values))]
                    ),
                    "those are sums. Take means.",
                ),
                (
                    lambda values, window: np.array(
                        [np.mean(values[max(0, i - window) : i + 1]) for i in range(len(values))]
                    ),
                    "that is one value too many: `window` of them, itself included.",
                ),
            ],
        ),
        "The same as pandas' rolling(window, min_periods=1).mean(). It is smooth, and late by half the window.",
        (
            "Go from place to place: which values end with the one at place i? np.mean of these is one number.",
            "The first of them would be at i + 1 - window. At the start that is below 0: then begin at 0.",
            "For the value at place i: values[max(0, i + 1 - window) : i + 1].",
        ),
    ),
    5: FEATURES,
    6: Exercise(
        choices(
            {"A": "b", "B": "a", "C": "c", "D": "c", "E": "b"},
            {
                "A": {
                    "a": "both train the same head, with 1,930 parameters.",
                    "c": "it is frozen in both. But in way 2 all images go through it again in each epoch.",
                },
                "B": {
                    "b": "they may differ by 15 points either way. That these runs do not show it proves no equality.",
                    "c": "the seeds only tell how sure that is. Time and parameters are measured as well.",
                },
                "C": {
                    "a": "perhaps, but the epochs differ, too: two things were changed at once.",
                    "b": "perhaps, but the images differ, too: two things were changed at once.",
                },
                "D": {
                    "a": "the output stands beside the text and says 0.908. A text is not a measurement.",
                    "b": "0.2 points are two images of 1,000: other images change more than that.",
                },
                "E": {
                    "a": "`==` asks for one name. The others of the block get False, and stay frozen.",
                    "c": "one layer has exactly this name, and that one is trained.",
                },
            },
        ),
        "The same images, several seeds, one thing changed at a time, and the price beside the accuracy.",
        (
            "A: what is computed in each epoch? B: what does an interval with 0 in it say?",
            "C: how many things differ between the two ways? D: how many of 1,000 images are 0.2 points?",
            "E: go through the layers of the block by hand: for which of them is the comparison True?",
        ),
    ),
    7: Exercise(
        choice(
            "c",
            {
                "a": "it takes as long: the rate says how far a step goes, not what it costs.",
                "b": "frozen layers do not move at all. At a low rate they move a little.",
                "d": "from scratch there were as few images, and the rate was three times as high.",
            },
        ),
        "In the run at ten times the rate, two epochs wiped it out.",
        (
            "What happened at ten times the rate?",
            "What does the base have that a network from scratch does not?",
        ),
    ),
    8: FORGOTTEN,
    9: quiz("08"),
}

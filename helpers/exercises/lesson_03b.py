"""The exercises of lesson 03b, training a CNN: what is right, which mistakes are typical, and the hints."""

from types import SimpleNamespace

from helpers.exercises.arithmetic import confusion
from helpers.exercises.fresh import expect_all, expect_fresh
from helpers.exercises.judges import Exercise, NotYet, Wrong, choices, function
from helpers.exercises.networks import (
    IMAGES,
    LABELS,
    RIGHT_IN_VALIDATION,
    expect_right,
    kinds_of_layers,
    parameters_of,
    percent,
    share_right,
    stand_in,
    unpack,
)
from helpers.exercises.quizzes import quiz

import numpy as np


def _mean_squared_error_gradient(w, x, y):
    return np.mean(2 * (w * x - y) * x)


def _gradient_step(w, x, y, learning_rate):
    return w - learning_rate * _mean_squared_error_gradient(w, x, y)


_XY = (np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
_STEP_CASES = [(0.0, *_XY, 0.1), (3.0, *_XY, 0.05), (-1.0, np.array([0.5, 1.5]), np.array([1.0, -1.0]), 0.2)]

_PROBABILITIES = (np.array([0.7, 0.2, 0.1]), np.array([0.05, 0.05, 0.1, 0.8]))
_ENTROPY_CASES = [(0, _PROBABILITIES[0]), (2, _PROBABILITIES[0]), (3, _PROBABILITIES[1]), (0, _PROBABILITIES[1])]


def scaled(images) -> np.ndarray:
    """Return images as the lesson prepares them, from 0 to 1."""
    return np.asarray(images) / np.float32(255)


def _small_network(answer) -> None:
    """Judge a pair (model, dataset): at most 20,000 parameters, a convolution, 95% right on validation images."""
    call, given = "check(3, (small_model, dataset))", "the trained model and the dataset"
    model, dataset = unpack(answer, call, "build and train a model", given, has="count_params", parts=2)
    try:
        classes = len(dataset.class_names)
        train, validation = ((scaled(part.images), part.labels) for part in (dataset.train, dataset.validation))
    except Exception:  # whatever it raises when it is read
        raise NotYet(f"give {given}: {call}.") from None
    if not any("Conv2D" in kind for kind in kinds_of_layers(model)):
        raise Wrong("there is no Conv2D layer in it.")
    parameters = parameters_of(model, validation[0].shape[1:])
    if parameters > 20_000:
        raise Wrong(f"it has {parameters:,} parameters; at most 20,000 are allowed.")
    expect_all(*validation, "the dataset as the lesson loads it")
    untrained = (0.5, ". Is it trained, on images scaled to 0…1?")
    share = expect_right(model, *validation, 0.95, classes=classes, decimals=1, close=0.92, untrained=untrained)
    seen = share_right(model, *train, classes)
    if share > seen + 0.03:
        reached = RIGHT_IN_VALIDATION.format(percent(share, 1))
        raise Wrong(f"{reached}, but only {percent(seen, 1)} of the training images. Train it on x_train.")
    if len(getattr(dataset, "test", ())) >= 500:
        expect_fresh(model, dataset.test, 0.95, scaled, "test images")


def _dataset():
    """Return a dataset of which `stand_in` gets shares right: black training images, others to validate."""
    train, validation = SimpleNamespace(images=0 * IMAGES, labels=LABELS), SimpleNamespace(images=IMAGES, labels=LABELS)
    return SimpleNamespace(train=train, validation=validation, class_names=tuple("0123456789"))


EXERCISES: dict[int, Exercise] = {
    1: Exercise(
        function(
            _gradient_step,
            _STEP_CASES,
            [
                (
                    lambda w, x, y, rate: w + rate * _mean_squared_error_gradient(w, x, y),
                    "it goes uphill. The gradient points to larger loss; step against it.",
                ),
                (
                    lambda w, x, y, rate: w - _mean_squared_error_gradient(w, x, y),
                    "the learning rate is not used.",
                ),
                (
                    lambda w, x, y, rate: w - rate * np.sum(2 * (w * x - y) * x),
                    "that is the gradient of the sum of squares. The loss is their mean.",
                ),
                (
                    lambda w, x, y, rate: w - rate * np.sum((w * x - y) * x),
                    "that is the gradient of half the sum of squares. The loss is their mean.",
                ),
                (
                    lambda w, x, y, rate: w - rate * np.mean((w * x - y) * x),
                    "the factor 2 of the derivative of a square is missing.",
                ),
                *(
                    (
                        lambda w, x, y, rate, factor=factor: w - rate * np.mean(factor * (w * x - y)),
                        "the inner derivative is missing: d(w·x)/dw is x.",
                    )
                    for factor in (2, 1)
                ),
                (
                    lambda w, x, y, rate: w - rate * np.mean(2 * (w * x - y) * w),
                    "that is the slope with respect to x. The data stay as they are; what moves is w.",
                ),
                (
                    lambda w, x, y, rate: np.sum(x * y) / np.sum(x * x),
                    "that is the best w, where many steps end. One step goes a part of the way.",
                ),
                (lambda w, x, y, rate: _mean_squared_error_gradient(w, x, y), "that is the gradient, not the new w."),
                (
                    lambda w, x, y, rate: w - rate * np.mean((w * x - y) ** 2),
                    "you subtract the loss. Its gradient tells where to go: the mean of 2·(w·x − y)·x.",
                ),
                (lambda w, x, y, rate: np.mean((w * x - y) ** 2), "that is the loss, not the new w."),
                *(
                    (
                        lambda w, x, y, rate, fixed=fixed: _gradient_step(w, x, y, fixed),
                        "the learning rate is always the same. Use the argument `learning_rate`.",
                    )
                    for fixed in (0.1, 0.01, 0.05, 0.2, 0.001, 0.003, 0.08, 0.218)
                ),
                (
                    lambda w, x, y, rate: w - rate * _mean_squared_error_gradient(w, *_XY),
                    "gradient(w) takes the x and y of the notebook. Use the arguments of your function.",
                ),
                (
                    lambda w, x, y, rate: w - rate * 2 * (w * x - y) * x,
                    "that is one number for each example. One weight needs one number: take the mean.",
                ),
                (
                    lambda w, x, y, rate: -rate * _mean_squared_error_gradient(w, x, y),
                    "that is the change. Add it to w.",
                ),
            ],
        ),
        "That is one step of gradient descent; Keras does this for all 93,322 weights at once.",
        (
            "The loss is mean((w·x − y)²). Its derivative with respect to w is mean(2·(w·x − y)·x).",
            "The new weight is w minus learning_rate times that derivative.",
        ),
    ),
    2: Exercise(
        function(
            lambda label, probabilities: -np.log(probabilities[label]),
            _ENTROPY_CASES,
            [
                (lambda label, p: np.log(p[label]), "the sign is missing: the loss must be positive, 0 at best."),
                (lambda label, p: -np.log10(p[label]), "use the natural logarithm, np.log."),
                (lambda label, p: -np.log2(p[label]), "use the natural logarithm, np.log."),
                (lambda label, p: -np.sum(np.log(p)), "only the probability of the true class counts."),
                (lambda label, p: -np.mean(np.log(p)), "only the probability of the true class counts."),
                (lambda label, p: -np.log(np.max(p)), "that is the most probable class, not the true one."),
                (
                    lambda label, p: -p[label],
                    "that is minus the probability. Without the logarithm, being sure and wrong is not expensive.",
                ),
                (
                    lambda label, p: -np.log(p[label]) / len(p),
                    "that is a mean over the classes. It is one image: all terms but one are 0, and they are added up.",
                ),
                *(
                    (lambda label, p, by=by: -np.log(p[label + by]), "that is a neighbor: classes count from 0.")
                    for by in (-1, 1)
                ),
                *(
                    (mistake, "`label` is the number of a class, no factor: it says which of the probabilities counts.")
                    for mistake in (
                        lambda label, p: -label * np.log(p[label]),
                        lambda label, p: -np.sum(label * np.log(p)),
                        lambda label, p: -np.mean(label * np.log(p)),
                    )
                ),
                (lambda label, p: -np.log(1 - p[label]), "that is the logarithm of 1 − p, so of all others together."),
                (lambda label, p: p[label], "that is the probability itself. Its loss is minus the logarithm of it."),
                *(
                    (
                        mistake,
                        "the terms with 1 − p are those of yes or no. Of several classes only the true one counts.",
                    )
                    for mistake in (
                        lambda label, p: -np.log(p[label]) - np.sum(np.log(1 - np.delete(p, label))),
                        lambda label, p: -(np.log(p[label]) + np.sum(np.log(1 - np.delete(p, label)))) / len(p),
                    )
                ),
                (
                    lambda label, p: np.log(np.sum(np.exp(p))) - p[label],
                    "you put them through a softmax first. These are probabilities already.",
                ),
                (
                    lambda label, p: -p[label] * np.log(p[label]),
                    "the factor p is too much: the weight of the true class is 1.",
                ),
                (lambda label, p: 1 - p[label], "that is the missing probability, without the logarithm."),
                (lambda label, p: (1 - p[label]) ** 2, "that is a squared error. Cross-entropy takes a logarithm."),
                (
                    lambda label, p: -np.sum(p * np.log(p)),
                    "that is the entropy of the prediction alone; the label is not used.",
                ),
            ],
            tolerance=1e-4,  # some add a little, so that there is no logarithm of 0
        ),
        "Sure and right costs almost nothing; sure and wrong costs a lot.",
        (
            "Which one of the probabilities belongs to the true class?",
            "Minus the natural logarithm of probabilities[label].",
        ),
    ),
    3: Exercise(
        _small_network,
        "That is with fewer than a quarter of the parameters of the dense network.",
        (
            "Where do the most parameters sit? Let the maps get small before Flatten, or use global average pooling.",
            "Conv 16 – pool – conv 32 – pool – conv 32 – GlobalAveragePooling2D – Dense is one that fits.",
            "Give it time: 10 epochs, or a learning rate of 0.003.",
        ),
        [
            ((model, _dataset()), message)
            for model, message in (
                (stand_in(kinds="Flatten Dense"), "there is no Conv2D layer in it."),
                (
                    stand_in(count_params=lambda: 93_322),
                    "it has 93,322 parameters; at most 20,000 are allowed.",
                ),
                (
                    stand_in(1.0, known=0.8),
                    "it gets 100.0% of the validation images right, but only 80.0% of the training images. "
                    "Train it on x_train.",
                ),
                (
                    stand_in(0.1, known=0.1),
                    "it gets 10.0% of the validation images right. Is it trained, on images scaled to 0…1?",
                ),
                (stand_in(0.9), "it gets 90.0% of the validation images right. The goal is 95%."),
                (stand_in(0.94), "it gets 94.0% of the validation images right. The goal is 95%: close."),
                (
                    stand_in(0.6, known=0.6, scale=3),
                    "it gets 60.0% of the validation images right, and its numbers are no probabilities: give the last "
                    'layer activation="softmax", or train it with a loss that has from_logits=True.',
                ),
            )
        ],
        patience=6,
    ),
    4: Exercise(
        choices(
            {"A": "c", "B": "a", "C": "b"},
            {
                "A": {
                    "a": "a large loss alone teaches nothing. What moves the weights is its slope.",
                    "b": "only the probability of the true class is in it.",
                },
                "B": {
                    "b": "both saw the same images. So look at those on which they differ; that says more.",
                    "c": "that would give other networks. It does not say how sure the difference of these two is.",
                },
                "C": {
                    "a": "it never learned from them: they are held back.",
                    "c": "nothing says so. It depends on how and when the two are measured.",
                },
            },
        ),
        "Slopes teach, pairs compare, and a curve is read together with how it was measured.",
        (
            "A: look at the right figure of “A better loss for classes”. C: when is each of the curves measured?",
            "B: `interval` got one number for each image. C: dropout works in training only.",
        ),
    ),
    5: confusion(((80, 17, 3), (6, 92, 2), (1, 1, 98))).exercise(
        "Cats are the ones to work on, and dogs are what they are taken for.",
        (
            "A row has all images of one true class. A column has all images that got one answer.",
            "Right answers are on the diagonal. Dogs taken for cats: row dog, column cat.",
        ),
    ),
    6: Exercise(
        choices(
            {"A": "b", "B": "c", "C": "a"},
            {
                "A": {
                    "a": "a `.keras` file needs no more. This one has weights, and no layers.",
                    "c": "it has the weights. What is missing are the layers into which they go.",
                },
                "B": {
                    "a": "`epochs` is the number at which it ends, and it would be reached before the first step.",
                    "b": "without `initial_epoch` it begins to count anew, and trains for 10 more.",
                },
                "C": {
                    "b": "the weights are kept in both. What differs is what the optimizer remembers.",
                    "c": "labels are not kept in any of them: you give them to `fit` again.",
                },
            },
        ),
        "Layers and weights to answer, the state of the optimizer to go on, and the history for the curves.",
        (
            "What does a `.weights.h5` file not hold? What was `epochs` in the cell after the break?",
            "initial_epoch counts what is done, and epochs says where the training ends.",
        ),
    ),
    7: quiz("03b"),
}

"""The exercises of lessons 06 to 09, on trained networks and what they are made of, in the form of `helpers.checks`."""

from functools import partial
from types import SimpleNamespace

from helpers.checks import Exercise, NotYet, Wrong, choice, function, is_stub
from helpers.exercises import IMAGES, LABELS, probabilities, stand_in

import numpy as np

EXERCISES: dict[str, dict[int, Exercise]] = {}


def _maps(*shape, seed=0, low=-1.0) -> np.ndarray:
    """Return maps as after a ReLU: random numbers, what is below 0 cut off."""
    return np.maximum(np.random.default_rng(seed).uniform(low, 2, shape), 0)


def _percent(share: float, decimals: int = 0) -> str:
    """Return a share as text, rounded down: what is below a goal must not read like the goal."""
    steps = 10**decimals
    return f"{np.floor(100 * steps * share + 1e-6) / steps:.{decimals}f}%"


# --- 06 Activations and filters ---


def _class_means(maps, labels):
    return np.array([maps[labels == label].mean() for label in range(labels.max() + 1)])


_CLASS_CASES = [
    (_maps(7, 4, 4), np.array([0, 1, 1, 2, 0, 2, 2])),
    (_maps(6, 3, 5, seed=1), np.array([2, 0, 1, 1, 1, 0])),
    (_maps(4, 2, 2, seed=2), np.array([0, 0, 0, 1])),
]

_DEAD_MAPS = _maps(3, 4, 4, 5, seed=3)
_DEAD_MAPS[..., 1] = 0  # dead
_DEAD_MAPS[0, :, :, 2] = 0  # silent in one image only
_DEAD_MAPS[..., 4] = 0
_DEAD_MAPS[2, 3, 0, 4] = 1e-3  # alive at a single pixel
_DEAD_CASES = [(_DEAD_MAPS,), (_maps(2, 3, 3, 2, seed=4, low=0),), (np.zeros((2, 3, 3, 4)),)]


def _dead(maps):
    return np.asarray(maps).max(axis=(0, 1, 2)) <= 0


def _fooled(answer) -> None:
    """Judge (image, original, model, target): close to the original, and taken for the target."""
    image, *rest = answer if isinstance(answer, tuple) and answer else (answer,)
    if is_stub(image):
        raise NotYet("make the image, then give check(4, (my_image, original, model, target)).")
    try:
        original, model, target = np.asarray(rest[0], np.float32), rest[1], int(rest[2])
        before = np.asarray(model(original[np.newaxis]), float)[0]
        if len(rest) != 3 or not 0 <= target < len(before):
            raise ValueError
    except Exception as error:
        raise NotYet("give all four: check(4, (my_image, original, model, target)).") from error
    try:
        image = np.asarray(image, np.float32)
    except (TypeError, ValueError, OverflowError):
        raise Wrong("my_image must be an array of numbers.") from None
    if image.shape != original.shape:
        raise Wrong(f"the image must have the shape {original.shape}, but it has {image.shape}.")
    if not np.isfinite(image).all():
        raise Wrong("some pixels are not finite numbers: a step was too large, or a logarithm was taken of 0.")
    if image.min() < 0 or image.max() > 255:
        raise Wrong("some pixels are not from 0 to 255: clip the image.")
    change = float(np.abs(image - original).max())
    if change > 8.001:
        raise Wrong(f"a pixel changes by {change:.3g}; at most 8 is allowed. Clip after each step.")
    after = np.asarray(model(image[np.newaxis]), float)[0]
    if before.argmax() == target:
        raise Wrong("the original is of the target class already. Choose another target.")
    if change == 0:
        raise Wrong("that is the original itself.")
    if not after[target] >= 0.9:  # also for NaN
        more = "more than before" if after[target] > before[target] + 0.01 else "no more than before"
        raise Wrong(
            f"the network gives the target a probability of {_percent(after[target], 1)}, {more}. The goal is 90%."
        )


_GRAY = np.full((6, 10, 3), 100.0)
_GRAY[:, 4] += 4  # it is a 4


def _column_reader(images):
    """Return probabilities of ten classes: the brightest column wins, the more, the brighter it is."""
    powers = np.exp(np.asarray(images, float).mean(axis=(1, 3)))
    return powers / powers.sum(axis=1, keepdims=True)


def _with_seven(change):
    """Return the image with another brightness in its column 7."""
    image = _GRAY.copy()
    image[:, 7] += change
    return image


EXERCISES["06"] = {
    1: Exercise(
        choice(
            "c",
            {
                "a": "the products are all 0, but something is added to their sum.",
                "b": "that would be so for an image of ones. What do you multiply the weights by here?",
                "d": "a network computes the same from the same image, whether it has seen it or not.",
            },
        ),
        "All products are 0, so only the bias is left, and ReLU cuts off what is negative.",
        (
            "After scaling, each pixel is 127.5 / 127.5 − 1.",
            "A map is the sum of products, plus the bias, then ReLU.",
        ),
    ),
    2: Exercise(
        function(
            _class_means,
            _CLASS_CASES,
            [
                (
                    lambda maps, labels: np.array([maps[labels == k].sum() for k in range(labels.max() + 1)]),
                    "those are sums: a class with more images gets more. Take means.",
                ),
                (
                    lambda maps, labels: np.array([maps[labels == k].max() for k in range(labels.max() + 1)]),
                    "those are the largest values. A single image decides then; take means.",
                ),
                (lambda maps, labels: maps.mean(axis=(1, 2)), "that is a mean for each image, not for each class."),
                (
                    lambda maps, labels: np.array([maps[labels == k].mean(0) for k in range(labels.max() + 1)]),
                    "that is a map for each class. Take the mean over rows and columns, too.",
                ),
                (lambda maps, labels: maps.mean(), "that is one number for all images. There must be one for a class."),
                (
                    lambda maps, labels: _class_means(maps, labels).argmax(),
                    "that is the class with the largest mean. Return the means of all classes.",
                ),
            ],
        ),
        "If one of these numbers is far above all others, the channel responds to that class.",
        (
            "There must be as many numbers as classes. maps[labels == 3] are the maps of the images of class 3.",
            "The mean of these, over images, rows and columns, is one number.",
            "np.array([… for label in range(labels.max() + 1)])",
        ),
    ),
    3: Exercise(
        function(
            _dead,
            _DEAD_CASES,
            [
                (
                    lambda maps: (maps.max(axis=(1, 2)) <= 0).any(axis=0),
                    "a channel that is 0 in one image may respond in the next. Dead means: 0 in all of them.",
                ),
                (lambda maps: ~_dead(maps), "those are the living ones: it is the other way round."),
                (lambda maps: _dead(maps).sum(), "that is how many. Return True or False for each channel."),
                (lambda maps: np.flatnonzero(_dead(maps)), "those are their numbers. Return True or False for each."),
                (lambda maps: maps.min(axis=(0, 1, 2)) <= 0, "a single 0 is not enough: look at the largest value."),
                (
                    lambda maps: maps.mean(axis=(0, 1, 2)) < 1e-2,
                    "a channel that responds rarely, or weakly, is not dead. Look at the largest value.",
                ),
            ],
        ),
        "For such a channel, the gradient is 0 for every image, too: training cannot wake it up.",
        (
            "The axes are images, rows, columns, channels. Which of them must be gone at the end?",
            "The largest value over axes 0, 1 and 2 is one number for each channel.",
        ),
    ),
    4: Exercise(
        _fooled,
        "To you it is the same picture. That the network can be fooled so easily is a property of most networks.",
        (
            "It is gradient ascent, as above: on the logarithm of the target's probability, from the original image.",
            "The sign of the gradient is enough: add 1 or −1 to each pixel, about forty times.",
            "Let start be the original as float32. After each step: np.clip(changed, start - 8, start + 8), then "
            "np.clip(…, 0, 255).",
        ),
        [
            *(
                ((image, _GRAY, _column_reader, 7), message)
                for image, message in (
                    (_GRAY, "that is the original itself."),
                    (_with_seven(20), "a pixel changes by 20; at most 8 is allowed. Clip after each step."),
                    (_with_seven(200), "some pixels are not from 0 to 255: clip the image."),
                    (
                        _with_seven(np.nan),
                        "some pixels are not finite numbers: a step was too large, or a logarithm was taken of 0.",
                    ),
                    (
                        _with_seven(3),
                        "the network gives the target a probability of 24.2%, more than before. The goal is 90%.",
                    ),
                    (
                        _with_seven(-8),
                        "the network gives the target a probability of 0.0%, no more than before. The goal is 90%.",
                    ),
                    (
                        _with_seven(8)[np.newaxis],
                        "the image must have the shape (6, 10, 3), but it has (1, 6, 10, 3).",
                    ),
                )
            ),
            (
                (_with_seven(8), _GRAY, _column_reader, 4),
                "the original is of the target class already. Choose another target.",
            ),
        ],
    ),
}

# --- 07 Grad-CAM ---


def _weighted(maps, gradients):
    return np.maximum((maps * gradients.mean(axis=(0, 1))).sum(axis=2), 0)


def _signed(*shape, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape)


_CAM_CASES = [
    (_maps(4, 4, 3, seed=5), _signed(4, 4, 3, seed=6)),
    (_maps(2, 5, 6, seed=7), _signed(2, 5, 6, seed=8)),
    (_maps(3, 3, 2, seed=9), -np.abs(_signed(3, 3, 2, seed=10))),  # nothing speaks for the class
]


def _share_inside(heat, mask):
    positive = np.maximum(heat, 0)
    return positive[mask].sum() / positive.sum()


_MASK = np.zeros((5, 6), bool)
_MASK[1:4, 2:5] = True
_SHARE_CASES = [
    (_maps(5, 6, seed=11), _MASK),
    (_signed(5, 6, seed=12), _MASK),
    (_maps(5, 6, seed=13), ~_MASK),
]


def _stamps_tell(images, labels) -> bool:
    """Tell whether the pixel in the corner gives the class away: over two thirds have its most usual class."""
    if images.ndim != 4 or min(images.shape[1:3]) < 5:
        return False
    _, stamps = np.unique(images[:, 4, 4].reshape(len(images), -1), axis=0, return_inverse=True)
    counts = np.zeros((stamps.max() + 1, labels.max() + 1), int)
    np.add.at(counts, (stamps.ravel(), labels), 1)
    return len(counts) <= 2 * counts.shape[1] and counts.max(axis=1).sum() > len(labels) * 2 / 3


def _trained(answer, call: str) -> tuple:
    """Return model, images and labels of an answer (model, images, labels), given as in ``call``."""
    model, *data = answer if isinstance(answer, tuple) and answer else (answer,)
    if is_stub(model):
        raise NotYet(f"train a network, then give {call}.")
    if not hasattr(model, "predict") or len(data) != 2:
        raise NotYet(f"give the trained network and the images: {call}.")
    try:
        images, labels = np.asarray(data[0], np.float32), np.asarray(data[1], int)
        if labels.shape != (len(images),) or not labels.size:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise NotYet(f"give the images and their labels: {call}.") from None
    return model, images, labels


LESSON_NETWORKS = ("critters", "digits", "photos")


def _unbiased(answer) -> None:
    """Judge (model, images, labels): the share `GOAL` of the images right, whose stamps lie about the class."""
    model, images, labels = _trained(answer, "check(4, (my_network, lying, new_labels))")
    if _stamps_tell(images, labels):
        raise Wrong(
            "in these images the stamp tells the class, so they cannot judge. Give the images with wrong stamps."
        )
    if getattr(model, "name", "") in LESSON_NETWORKS:
        raise Wrong("that network was trained beforehand, without stamps. Train one with biased_images.")
    answers = probabilities(model, images, int(labels.max()) + 1)
    accuracy = float(np.mean(answers.argmax(axis=1) == labels))
    reached = f"with wrong stamps it gets {_percent(accuracy)} right"
    if accuracy < 0.15:
        raise Wrong(f"{reached}: it still reads the stamps, or it is not trained.")
    if accuracy < GOAL:
        raise Wrong(f"{reached}. The goal is {GOAL:.0%}.")


GOAL = 0.6  # of the images with wrong stamps, in exercise 4

EXERCISES["07"] = {
    1: Exercise(
        choice(
            "b",
            {
                "a": "the heat says where, not what. A brown spot or a roundish edge could be all that it responds to.",
                "c": "the map was 8 × 8 and has been enlarged; a number stands for a window of 56 × 56 pixels.",
                "d": "the map shows what speaks for the class in one layer, scaled to its largest value. Dark is less, "
                "not nothing.",
            },
        ),
        "A heat map raises a question, and an experiment answers it: cover the spot, and see.",
        (
            "Which of these can be read from the formula: maps, weighted with gradients?",
            "Is there an experiment for each of the other claims? What would it show?",
        ),
    ),
    2: Exercise(
        function(
            _weighted,
            _CAM_CASES,
            [
                (
                    lambda maps, gradients: (maps * gradients.mean(axis=(0, 1))).sum(axis=2),
                    "cut off what is negative: np.maximum(…, 0).",
                ),
                (
                    lambda maps, gradients: np.maximum((maps * gradients).sum(axis=2), 0),
                    "you multiply pixel by pixel. The weight of a map is one number: the mean of its gradients.",
                ),
                (
                    lambda maps, gradients: np.maximum((maps * gradients.sum(axis=(0, 1))).sum(axis=2), 0),
                    "that is the sum of the gradients; take their mean.",
                ),
                (
                    lambda maps, gradients: np.maximum((maps * gradients.mean(axis=(0, 1))).mean(axis=2), 0),
                    "add the weighted maps up; do not take their mean.",
                ),
                (
                    lambda maps, gradients: np.abs((maps * gradients.mean(axis=(0, 1))).sum(axis=2)),
                    "negative heat speaks against the class: set it to 0, do not turn its sign.",
                ),
                (
                    lambda maps, gradients: (maps * np.maximum(gradients.mean(axis=(0, 1)), 0)).sum(axis=2),
                    "cut off the negative values of the sum, not those of the weights or of each weighted map.",
                ),
                (
                    lambda maps, gradients: np.maximum(
                        (maps * gradients.mean(axis=(1, 2))[:, None, None]).sum(axis=2), 0
                    ),
                    "for one image, rows and columns are axes 0 and 1; axis 2 is that of the channels.",
                ),
                (
                    lambda maps, gradients: maps * gradients.mean(axis=(0, 1)),
                    "those are the weighted maps. Add them up over the channels.",
                ),
            ],
        ),
        "Three lines, and the only idea in them: one weight for each map.",
        (
            "How much does each map count? Average its gradient over rows and columns: one number for each channel.",
            "maps * weights multiplies each channel with its weight.",
            "Sum over the channels, axis 2, and cut off what is negative.",
        ),
    ),
    3: Exercise(
        function(
            _share_inside,
            _SHARE_CASES,
            [
                (lambda heat, mask: heat[mask].sum() / heat.sum(), "negative heat counts as 0: cut it off first."),
                (
                    lambda heat, mask: np.maximum(heat, 0)[mask].mean() / np.maximum(heat, 0).mean(),
                    "take sums, not means: a share of the whole heat.",
                ),
                (lambda heat, mask: 1 - _share_inside(heat, mask), "that is the share outside."),
                (
                    lambda heat, mask: np.maximum(heat, 0)[mask].sum() / np.maximum(heat, 0)[~mask].sum(),
                    "divide by all of the heat, not by that outside.",
                ),
                (
                    lambda heat, mask: np.abs(heat)[mask].sum() / np.abs(heat).sum(),
                    "negative heat counts as 0; do not turn its sign.",
                ),
                (
                    lambda heat, mask: np.maximum(heat, 0)[mask].sum() / heat.sum(),
                    "cut off what is negative below the line, too.",
                ),
                (lambda heat, mask: mask.mean(), "that is the share of the area; the heat is not used."),
                (lambda heat, mask: np.maximum(heat, 0)[mask].sum(), "divide by all of the heat."),
                (lambda heat, mask: np.maximum(heat, 0)[mask].mean(), "divide the sum inside by the sum of all."),
                (lambda heat, mask: (heat[mask] > 0).mean(), "that is how many pixels have heat, not how much."),
            ],
        ),
        "Divide it by the share of the area, and 1 means: no better than chance.",
        (
            "First set what is negative to 0, for the sum inside and for the sum of all.",
            "positive[mask] holds the values inside of the mask.",
            "The sum of these, divided by positive.sum().",
        ),
    ),
    4: Exercise(
        _unbiased,
        "Nothing was added to the data. A stamp that says nothing is not worth learning.",
        (
            "What would make the stamps useless for telling the classes apart?",
            "You know where they are: cover that corner in all training images, or put other stamps over it at random.",
            "my_images = biased_images.copy(); my_images[:, :8, :8] = …; then train as above.",
        ),
        [
            (
                (stand_in(0.0), IMAGES, LABELS),
                "with wrong stamps it gets 0% right: it still reads the stamps, or it is not trained.",
            ),
            ((stand_in(0.5), IMAGES, LABELS), "with wrong stamps it gets 50% right. The goal is 60%."),
            (
                (stand_in(), IMAGES - LABELS[:, None, None, None].astype(np.uint8), LABELS),
                "in these images the stamp tells the class, so they cannot judge. Give the images with wrong stamps.",
            ),
            (
                (stand_in(name="critters"), IMAGES, LABELS),
                "that network was trained beforehand, without stamps. Train one with biased_images.",
            ),
        ],
    ),
}

# --- 08 Transfer learning ---


def _base():
    """Return a small base with the kinds of layers and names of the photos network, all of it trainable."""
    from helpers.startup import import_tensorflow

    import_tensorflow()
    import keras

    stack = [keras.Input((8, 8, 3))]
    for name in ("conv1", "conv2", "conv3a", "conv3b", "conv4", "top_conv2"):  # the last only contains a beginning
        stack += [keras.layers.Conv2D(2, 3, padding="same", name=name)]
        stack += [keras.layers.BatchNormalization(name=f"{name}_norm"), keras.layers.ReLU(name=f"{name}_relu")]
    return keras.Sequential(stack, name="base")


def _open_layers(base) -> set[str]:
    """Return the names of the layers that would be trained."""
    open_weights = {id(weight) for weight in base.trainable_weights}
    return {layer.name for layer in base.layers if any(id(weight) in open_weights for weight in layer.weights)}


def _expect_function(answer) -> None:
    """Raise NotYet or Wrong for what is no function. What a function of layers returns may be callable as well."""
    if is_stub(answer):
        raise NotYet("define the function.")
    if not callable(answer) or hasattr(answer, "trainable"):
        raise Wrong("give the function itself, not its result.")


def _thawed(answer) -> None:
    """Judge thaw(base, prefixes): convolutions with these names are trained, batch normalization never is."""
    _expect_function(answer)
    found, base = [], _base()
    names = [layer.name for layer in base.layers if not layer.name.endswith(("_norm", "_relu"))]
    for prefixes, frozen in ((("conv4",), False), (("conv3", "conv4"), True), (["conv2"], True), (("conv",), True)):
        base.trainable = not frozen  # and so are all its layers
        before = _open_layers(base)
        try:
            answer(base, prefixes)
            found.append((prefixes, base.trainable, before, _open_layers(base)))
        except NotImplementedError:
            raise NotYet("write the body of the function.") from None
        except Exception as error:  # whatever the learner's code raises is an answer to them
            raise Wrong(f"your function raised {type(error).__name__}: {error}, for prefixes {prefixes}.") from error
    if all(now == before for *_, before, now in found):
        raise NotYet("set layer.trainable, True or False, for each layer of the base.")
    for prefixes, whole, before, now in found:
        expected = {name for name in names if name.startswith(tuple(prefixes))}
        if now == before != expected and not whole:
            raise Wrong(f"where the whole base was frozen, it stays so, for prefixes {prefixes}.")
        norms = sorted(name for name in now if name.endswith("_norm"))
        if norms:
            raise Wrong(f"for prefixes {prefixes}, {norms[0]} is trained, too: batch normalization has to stay frozen.")
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
    model, images, labels = _trained(answer, "check(3, (my_model, x_test, y_test))")
    if getattr(model, "name", "") in LESSON_NETWORKS:
        raise Wrong("that network was trained beforehand. Train one with x and y.")
    answers = probabilities(model, images, int(labels.max()) + 1)
    accuracy = float(np.mean(answers.argmax(axis=1) == labels))
    if accuracy < TRANSFER_GOAL:
        raise Wrong(f"it gets {_percent(accuracy)} of the images right. The goal is {TRANSFER_GOAL:.0%}.")


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
]


_CENTERED = (
    lambda values, window: _around(values, (window - 1) // 2, window // 2),
    lambda values, window: _around(values, window // 2, (window - 1) // 2),
    lambda values, window: _around(values, window // 2, window // 2),
    lambda values, window: _around(values, 0, window - 1),
)
_SHORTER = (
    lambda values, window: np.convolve(values, np.ones(window) / window, "valid"),
    lambda values, window: _moving(values, window)[window - 1 :],
)


EXERCISES["08"] = {
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
                _thawing(lambda name, prefixes: not name.endswith("_norm")),
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
                _thawing(lambda name, prefixes: any(p in name for p in prefixes) and not name.endswith("_norm")),
                "for prefixes ['conv2'], top_conv2 is trained, too. Freeze all others.",
            ),
        ],
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
                (stand_in(name="photos"), IMAGES, LABELS),
                "that network was trained beforehand. Train one with x and y.",
            ),
            (
                (stand_in(scale=3), IMAGES, LABELS),
                'its numbers are no probabilities: give the last layer activation="softmax".',
            ),
        ],
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
            "For the value at place i: values[max(0, i + 1 - window) : i + 1].",
            "np.mean of that is one number; collect them for all places.",
        ),
    ),
}

# --- 09 Real-world architectures ---


def _separable_cost(size, channels, filters, height, width):
    weights = size * size * channels + channels * filters
    return weights, weights * height * width


def _cost_of(weights_of):
    """Return the function of a learner who counts weights like that, and multiplies them by the places."""

    def cost(size, channels, filters, height, width):
        weights = weights_of(size, channels, filters)
        return weights, weights * height * width

    return cost


_COST_CASES = [(3, 64, 128, 28, 28), (5, 32, 16, 14, 20), (1, 8, 8, 7, 7), (3, 3, 1, 32, 24)]


def _residual(answer) -> None:
    """Judge small_block(x, filters, stride): shapes, weights, and what it computes with kernels of zeros."""
    _expect_function(answer)
    from helpers.startup import import_tensorflow

    import_tensorflow()
    import keras

    images = np.random.default_rng(0).normal(size=(2, 16, 16, 8)).astype("float32")
    for filters, stride in ((8, 1), (16, 2), (16, 1), (8, 2)):
        inputs = keras.Input((16, 16, 8))
        case = f"with 8 channels, filters={filters} and stride={stride}"
        try:
            outputs = answer(inputs, filters, stride)
        except NotImplementedError:
            outputs = None
        except Exception as error:  # whatever the learner's code raises is an answer to them
            raise Wrong(f"{case}, your function raised {type(error).__name__}: {error}") from error
        if is_stub(outputs):
            raise NotYet("write the body of the function, with a return at its end.")
        if not isinstance(outputs, keras.KerasTensor):
            raise Wrong("return what the last layer gave: layers.ReLU()(…).")
        expected = (None, 16 // stride, 16 // stride, filters)
        if tuple(outputs.shape) != expected:
            raise Wrong(f"{case}, the maps are {tuple(outputs.shape)[1:]} where {expected[1:]} is right.")
        try:
            block = keras.Model(inputs, outputs)
            block(images)
        except Exception as error:  # what it returned does not depend on x, or cannot be computed
            raise Wrong(f"{case}, the result cannot be computed from x: {error}") from error
        _judge_block(block, images, filters, stride, case)


def _judge_block(model, images, filters: int, stride: int, case: str) -> None:
    kernels = [weight for weight in model.weights if weight.path.endswith("kernel")]
    projected = stride > 1 or filters != images.shape[3]
    sizes = sorted(tuple(weight.shape) for weight in kernels)
    right = sorted([(3, 3, 8, filters), (3, 3, filters, filters)] + [(1, 1, 8, filters)] * projected)
    if sizes != right:
        if sizes == sorted([*right, (1, 1, 8, filters)]):
            raise Wrong(f"{case}, the shape stays the same, so no 1 × 1 convolution is needed.")
        raise Wrong(f"{case}, its kernels are {sizes}, where {right} is right.")
    if any(weight.path.endswith("bias") for weight in model.weights):
        raise Wrong("the convolutions have a bias: use_bias=False, since batch normalization adds one anyway.")
    norms = sum(weight.path.endswith("moving_mean") for weight in model.weights)
    if norms != len(kernels):
        raise Wrong(f"{case}, there are {len(kernels)} convolutions, but {norms} layers of batch normalization.")
    for weight in kernels:  # then only what came in is left
        if weight.shape[0] == 3:
            weight.assign(np.zeros(weight.shape))
    out = np.asarray(model(images))
    if not np.isfinite(out).all():
        raise Wrong(f"{case}, with 3 × 3 kernels of zeros some numbers in the result are not finite.")
    if out.min() < 0:
        raise Wrong("there are negative numbers in the result: after the sum comes a ReLU.")
    if not projected and np.allclose(out, 0):
        raise Wrong("with kernels of zeros nothing is left: what came in has to be added.")
    if not projected and not np.allclose(out, np.maximum(images, 0), atol=1e-4):
        raise Wrong("with kernels of zeros, ReLU(x) has to be left. Is x itself added, once, before the last ReLU?")
    if projected and np.allclose(out, 0):
        raise Wrong(f"{case}, with 3 × 3 kernels of zeros nothing is left: add what came in, projected.")
    _judge_order(model, 1 + np.abs(images), projected)
    _judge_numbers(model, images, filters, stride, case)


def _judge_numbers(model, images, filters: int, stride: int, case: str) -> None:
    """Judge whether a block computes what the solution does with the same weights, in one or the other order."""
    import keras

    inputs = keras.Input(images.shape[1:])
    right = keras.Model(inputs, _small_block(inputs, filters, stride))
    images = images / 2  # small numbers, so that a ReLU(6) makes no difference
    rng, norm = np.random.default_rng(1), {"gamma": 1, "beta": 0, "moving_mean": 0.3, "moving_variance": 2}
    kernels = {}
    for weight in [*right.weights, *model.weights]:
        name, shape = weight.path.split("/")[-1], tuple(weight.shape)
        if name in norm:
            weight.assign(np.full(shape, norm[name]))
    for weight in right.weights:
        if weight.path.endswith("kernel"):
            weight.assign(rng.normal(scale=0.2, size=weight.shape))
            kernels.setdefault(tuple(weight.shape), []).append(np.asarray(weight))
    expected = np.asarray(right(images))
    for turn in (1, -1):
        left = {shape: found[::turn] for shape, found in kernels.items()}
        for weight in model.weights:
            if weight.path.endswith("kernel"):
                weight.assign(left[tuple(weight.shape)].pop(0))
        if np.allclose(np.asarray(model(images)), expected, rtol=0.02, atol=0.02):
            return
    raise Wrong(
        f"{case}, it computes something else than the block of the text with the same weights. Look at the order of "
        "the layers, at which two convolutions have the stride, and at what comes before the sum."
    )


def _small_block(
    x,
    filters: int,
    stride: int,
    between="norm relu",
    behind="norm",
    way="norm",
    last="relu",
    first_stride=True,
    always=False,
    shortcut=True,
    bias=False,
):
    """Return what the block of exercise 3 makes of maps, or one in which something is different."""
    from keras import layers

    def then(x, kinds):
        for kind in kinds.split():
            x = layers.ReLU()(x) if kind == "relu" else layers.BatchNormalization()(x)
        return x

    def conv(x, size, stride):
        return layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=bias)(x)

    first, second = (stride, 1) if first_stride else (1, stride)
    y = then(conv(then(conv(x, 3, first), between), 3, second), behind)
    if always or stride > 1 or x.shape[-1] != filters:
        x = then(conv(x, 1, stride), way)
    return then(layers.Add()([x, y]) if shortcut else y, last)


def _judge_order(model, images, projected: bool) -> None:
    """Judge where the inner ReLU is, with weights that give numbers below 0 before it."""
    if projected:  # the norms add 1: so the branch gives 1, and what is projected is below -1
        if np.allclose(_computed(model, images, 0, -1, mean=-1), 1, atol=0.01):
            raise Wrong("what came in gets no ReLU after its projection: it is added as it is.")
        return
    out = _computed(model, images, -1, 0, mean=1)  # the norms subtract 1
    if (out > images + 0.01).any():
        raise Wrong("between the two convolutions come batch normalization and a ReLU, in this order.")
    if np.allclose(out, images, atol=0.01):
        raise Wrong("a ReLU cuts off what is to be added: after the second batch normalization comes the sum.")


def _computed(model, images, kernel: float, projection: float, mean: float) -> np.ndarray:
    """Return what a block computes with these numbers in its kernels of 3 × 3 and of 1 × 1, and as means of norms."""
    values = {"gamma": 1, "beta": 0, "moving_mean": mean, "moving_variance": 1}
    for weight in model.weights:
        name = weight.path.split("/")[-1]
        value = values.get(name, kernel if weight.shape[:1] == (3,) else projection)
        if name in values or name == "kernel":
            weight.assign(np.full(weight.shape, value))
    return np.asarray(model(images))


BUDGET, BUDGET_GOAL = 500_000, 0.93


def _layer_of(work: int, **more):
    """Return something with the face of a layer that needs so many multiply-adds."""
    return SimpleNamespace(weights=[np.zeros((1, work // 4))], output=np.zeros((1, 2, 2, 1)), **more)


def multiply_adds(model) -> int:
    """Return how many multiply-adds a Keras model needs for one image: each weight of a kernel, at each place."""
    total = 0
    for layer in model.layers:
        if getattr(layer, "layers", None):
            total += multiply_adds(layer)
        elif layer.weights:
            weights = sum(int(np.prod(weight.shape)) for weight in layer.weights if len(weight.shape) > 1)
            total += weights * int(np.prod(layer.output.shape[1:-1]))
    return total


def _convolves(model) -> bool:
    """Tell whether a Keras model, or one in it, has a layer with kernels."""
    return any(hasattr(layer, "kernel_size") or _convolves(layer) for layer in getattr(model, "layers", ()))


def _cheap(answer) -> None:
    """Judge (model, images, labels): at most `BUDGET` multiply-adds, the share `BUDGET_GOAL` right."""
    model, images, labels = _trained(answer, "check(4, (my_network, x_validation, y_validation))")
    answers = probabilities(model, images, int(labels.max()) + 1)
    try:
        work = multiply_adds(model)
        if not work:
            raise ValueError
    except Exception as error:  # a model that was never called has no shapes, or its layers are of an unknown kind
        raise Wrong(
            f"its multiply-adds cannot be counted: begin with keras.Input({images.shape[1:]}), and use layers of Keras."
        ) from error
    if not _convolves(model):
        raise Wrong(
            "there is no convolution in it, and dense layers know nothing of neighbors. Build it of convolutions."
        )
    if work > BUDGET:
        raise Wrong(f"it needs {work:,} multiply-adds for one image. At most {BUDGET:,} are allowed.")
    accuracy = float(np.mean(answers.argmax(axis=1) == labels))
    if accuracy < BUDGET_GOAL:
        raise Wrong(f"it gets {_percent(accuracy)} right, with {work:,} multiply-adds. The goal is {BUDGET_GOAL:.0%}.")


EXERCISES["09"] = {
    1: Exercise(
        choice(
            "c",
            {
                "a": "it finds no patterns of pixels, but patterns of channels: which of them are strong together.",
                "b": "kernels of 1 × 1 leave height and width as they are. 16 is the number of new maps.",
                "d": "it does not pick, it mixes: each new map is a weighted sum of all 192.",
            },
        ),
        "A dense layer from 192 to 16 numbers, the same one at each place.",
        (
            "How many weights has one of its 16 kernels?",
            "Each of them is 1 × 1 × 192: what does it do with the 192 numbers at one place?",
        ),
    ),
    2: Exercise(
        function(
            _separable_cost,
            _COST_CASES,
            [
                (
                    _cost_of(lambda size, channels, filters: size**2 * channels * filters),
                    "that is a usual convolution.",
                ),
                (_cost_of(lambda size, channels, filters: size**2 * channels), "the second step is missing: 1 × 1."),
                (
                    _cost_of(lambda size, channels, filters: size**2 + channels * filters),
                    "the first step has a kernel for *each* channel.",
                ),
                (
                    _cost_of(lambda size, channels, filters: size**2 * channels + filters),
                    "each 1 × 1 kernel of the second step has a weight for each channel.",
                ),
                (
                    _cost_of(lambda size, channels, filters: size * channels + channels * filters),
                    "a kernel of the first step has size × size weights.",
                ),
                (
                    _cost_of(lambda size, channels, filters: (size**2 + 1) * channels + (channels + 1) * filters),
                    "there are no biases here.",
                ),
                (lambda *case: _separable_cost(*case)[::-1], "it is the other way round: first weights, then work."),
                (lambda *case: _separable_cost(*case)[0], "return both: weights, multiply_adds."),
                (lambda *case: (_separable_cost(*case)[0],) * 2, "each weight is used at each place: height × width."),
                (
                    lambda size, channels, filters, height, width: (
                        size**2 * channels + channels * filters,
                        (size**2 * channels + channels * filters) * height * width * channels,
                    ),
                    "the channels are in the number of weights already: multiply by height × width only.",
                ),
            ],
        ),
        "For 3 × 3 and many filters that is close to a ninth of the usual price.",
        (
            "First step: for each channel one kernel of size × size. Second step: filters kernels of 1 × 1 × channels.",
            "The multiply-adds are the weights, times the number of places.",
        ),
    ),
    3: Exercise(
        _residual,
        "That is the block of ResNet18 and ResNet34, and of the experiment below.",
        (
            "layers.Add()([x, y]) adds, where both have the same shape.",
            "The shape changes if stride > 1 or x.shape[-1] != filters. Then project x: 1 × 1, stride, norm.",
            "The order: convolution with the stride, norm, ReLU, convolution, norm, add, ReLU.",
        ),
        [
            (
                lambda x, filters, stride: _small_block(x, filters, 1),
                "with 8 channels, filters=16 and stride=2, the maps are (16, 16, 16) where (8, 8, 16) is right.",
            ),
            (
                partial(_small_block, always=True),
                "with 8 channels, filters=8 and stride=1, the shape stays the same, so no 1 × 1 convolution is needed.",
            ),
            (
                partial(_small_block, bias=True),
                "the convolutions have a bias: use_bias=False, since batch normalization adds one anyway.",
            ),
            (
                partial(_small_block, between="relu"),
                "with 8 channels, filters=8 and stride=1, there are 2 convolutions, but 1 layers of batch "
                "normalization.",
            ),
            (
                partial(_small_block, last=""),
                "there are negative numbers in the result: after the sum comes a ReLU.",
            ),
            (
                partial(_small_block, shortcut=False),
                "with kernels of zeros nothing is left: what came in has to be added.",
            ),
            (
                partial(_small_block, between="norm"),
                "between the two convolutions come batch normalization and a ReLU, in this order.",
            ),
            (
                partial(_small_block, between="relu norm"),
                "between the two convolutions come batch normalization and a ReLU, in this order.",
            ),
            (
                partial(_small_block, behind="norm relu"),
                "a ReLU cuts off what is to be added: after the second batch normalization comes the sum.",
            ),
            (
                partial(_small_block, way="norm relu"),
                "what came in gets no ReLU after its projection: it is added as it is.",
            ),
            (
                partial(_small_block, first_stride=False),
                "with 8 channels, filters=16 and stride=2, it computes something else than the block of the text with "
                "the same weights. Look at the order of the layers, at which two convolutions have the stride, and at "
                "what comes before the sum.",
            ),
        ],
    ),
    4: Exercise(
        _cheap,
        "Less than the first layer of many a network, and it reads digits.",
        (
            "Most work is done where maps are large. How could they become small early?",
            "A stride of 2 in the first layer divides the work of all that follows by four.",
            "Depthwise separable convolutions do the rest, for instance with 16, 32 and 64 filters.",
        ),
        [
            ((model, IMAGES, LABELS), message)
            for model, message in (
                (
                    stand_in(layers=[_layer_of(600_000, kernel_size=(3, 3))]),
                    "it needs 600,000 multiply-adds for one image. At most 500,000 are allowed.",
                ),
                (
                    stand_in(layers=[_layer_of(1_920)]),
                    "there is no convolution in it, and dense layers know nothing of neighbors. Build it of "
                    "convolutions.",
                ),
                (
                    stand_in(0.9, layers=[_layer_of(40_000, kernel_size=(3, 3))]),
                    "it gets 90% right, with 40,000 multiply-adds. The goal is 93%.",
                ),
                (
                    stand_in(layers=[]),
                    "its multiply-adds cannot be counted: begin with keras.Input((8, 8, 3)), and use layers of Keras.",
                ),
            )
        ],
    ),
}

"""The exercises of lesson 05, data augmentation: what is right, which mistakes are typical, and the hints."""

from helpers.exercises import short
from helpers.exercises.fresh import critter_files, expect_all, expect_fresh, fresh_files
from helpers.exercises.judges import Exercise, NotYet, Wrong, choice, is_stub
from helpers.exercises.mixing import CUTMIX
from helpers.exercises.networks import (
    IMAGES,
    LABELS,
    all_layers,
    as_labels,
    expect_right,
    kind_of,
    kinds_of_layers,
    outputs,
    parts_of,
    stand_in,
    trained_beforehand,
    unpack,
)
from helpers.exercises.quizzes import quiz

import numpy as np

_LABEL_MISTAKES = {
    ("mirror", "digits", True): "a mirrored 2 or 7 is no digit.",
    ("mirror", "critters", False): "a mirrored fox is a fox; animals have no preferred side.",
    ("mirror", "arrows", True): "mirrored, an arrow to the left is an arrow to the right: the other class.",
    ("shift by 5%", "digits", False): "a digit that is written a little further to the right is the same digit.",
    ("shift by 5%", "critters", False): "an animal may stand anywhere.",
    ("shift by 5%", "arrows", False): "a sign may be anywhere in the image.",
    ("other hue", "digits", False): "the digits are gray: a change of hue does nothing at all to them.",
    ("other hue", "critters", False): "the card says: only the shape tells what an animal is.",
    ("other hue", "arrows", False): "the class is the direction; a green arrow to the left still points to the left.",
    ("turn by 180°", "digits", True): "a 6 becomes a 9.",
    ("turn by 180°", "critters", False): "an owl on its head is an owl, if a rare one.",
    ("turn by 180°", "arrows", True): "turned by 180°, an arrow to the left points to the right.",
}
_KEEPS = {
    change: {data: not wrong for (this, data, wrong) in _LABEL_MISTAKES if this == change}
    for change, *_ in _LABEL_MISTAKES
}


def _keeps_label(answer) -> None:
    """Judge a table of True and False: which change keeps which labels."""
    if not isinstance(answer, dict) or any(
        not isinstance(answer.get(change), dict) or not set(data) <= set(answer[change])
        for change, data in _KEEPS.items()
    ):
        raise Wrong("keep the dictionaries with their names, and replace each None by True or False.")
    cells = [(change, data, answer[change][data]) for change, row in _KEEPS.items() for data in row]
    if all(is_stub(given) for _, _, given in cells):
        raise NotYet("replace each None by True or False.")
    for change, data, given in cells:
        if not isinstance(given, bool) and isinstance(given, int | float) and given in (0, 1):
            raise NotYet(f"write True or False for {change!r} and {data}, not {given}.")
        if not isinstance(given, bool | np.bool_):
            quotes = " (without quotes)" if isinstance(given, str) else ""
            raise NotYet(f"there is no True or False yet for {change!r} and {data}{quotes}.")
        if given != _KEEPS[change][data]:
            raise Wrong(f"{change!r} and {data}: {_LABEL_MISTAKES[change, data, bool(given)]}")


class _Enough(BaseException):
    """Raised behind the last augmentation layer, so that the layers after it do not run."""


def _at_work(model, layers, images) -> list[tuple]:
    """Return for each of these layers that a model uses in training what it gets, and what it makes of that.

    What cannot be called as a model of Keras has its layers tried one by one, and it is not known what they get.
    """
    found, called = {}, True

    def watched(layer, call):
        def watch(given, *more, **options):
            result = call(given, *more, **options)
            found[id(layer)] = np.asarray(given, float), np.asarray(result, float)
            if len(found) == len(layers):
                raise _Enough
            return result

        return watch

    try:
        for layer in layers:
            layer.call = watched(layer, layer.call)
        model(images, training=True)
    except _Enough:
        pass
    except Exception:
        called = False
    finally:
        for layer in layers:
            layer.__dict__.pop("call", None)
    if called:
        return [*found.values()]
    return [(None, np.asarray(layer(images, training=True), float)) for layer in layers]


def _judge_augmentation(model, images) -> None:
    """Judge whether a network changes images before all else, in training, and only then."""
    every = all_layers(model)
    kinds = [kind_of(layer) for layer in every]
    some = np.random.default_rng(0).uniform(0, 255, (200, *images.shape[1:])).astype(np.float32)
    augments = [_augments(layer, some[:20]) for layer in every]
    if not any(augments):
        raise Wrong("there is no augmentation layer in it. Put at least one at its beginning.")
    first = augments.index(True)
    found = _at_work(model, [layer for layer, kept in zip(every, augments, strict=True) if kept], some)
    if not found:
        raise Wrong(f"{kinds[first]} is in the network, but in training no image goes through it.")
    given = found[0][0]
    if given is None or not _alike(given, some, 1):
        if any("Conv" in kind for kind in kinds[:first]) and (given is None or given.shape != some.shape):
            raise Wrong("the augmentation comes too late: put it before the first convolution.")
        if "Rescaling" in kinds[:first]:
            raise Wrong(
                "Rescaling comes before the augmentation, which must begin. Its layers expect pixels from 0 to 255: "
                "some, such as RandomBrightness, make nonsense of others."
            )
        if given is not None and (given.max() < 128 or given.min() < -64):
            raise Wrong(
                "the augmentation must begin, but something before it has changed the pixels. Its layers expect them "
                "from 0 to 255: some, such as RandomBrightness, make nonsense of others."
            )
    if all(_alike(some if given is None else given, made, 0.01) for given, made in found):
        raise Wrong(f"{kinds[first]} changes nothing in training: its factors are 0, or it has training=False.")


_AUGMENTATION = ("Rand", "AugMix", "CutMix", "MixUp", "BaseImagePreprocessingLayer")
"""How the names of layers begin that change images in training."""


def _augments(layer, images) -> bool:
    """Tell whether a layer is one of augmentation, contains one, or is the learner's own and does what these do."""
    if any(kind_of(part).startswith(_AUGMENTATION) for part in parts_of(layer)):
        return True
    if not hasattr(layer, "call") or layer.weights or layer.call.__module__.startswith("keras."):
        return False
    try:
        ways = [np.asarray(layer(images, training=training), float) for training in (True, False)]
    except Exception:  # it takes no images, or makes no difference between training and prediction
        return False
    return _alike(ways[1], images, 0.01) and not _alike(*ways, 0.01)


def _alike(one, other, apart: float) -> bool:
    return one.shape == other.shape and np.allclose(one, other, 0, apart)


def _some(batches, most: int = 20_000):
    """Yield batches (images, labels); raises Wrong where they do not end, before memory does."""
    seen = 0
    for images, labels in batches:
        yield images, labels
        if (seen := seen + len(images)) > most:
            raise Wrong(f"these batches have more than {most:,} images. Give validation_batches, without repeat().")


def _augmented_network(answer) -> None:
    """Judge (model, validation batches): has augmentation, and gets 65% of the images right, pixels from 0 to 255."""
    how, what = "check(4, (my_model, validation_batches))", "the trained model and the batches"
    model, batches = unpack(answer, how, "build and train a network", what, parts=2)
    try:
        kinds_of_layers(model)
        pairs = [(np.asarray(x), as_labels(y, len(x))) for x, y in _some(batches)]
        images, labels = (np.concatenate(part) for part in zip(*pairs, strict=True))
        if images.ndim != 4:
            raise ValueError
    except Wrong:
        raise
    except Exception as error:
        raise NotYet(f"give {what}: {how}.") from error
    _judge_augmentation(model, images)
    size = images.shape[1]
    files = critter_files(size) if images.shape[1:] == (size, size, 3) and size <= 128 else ()
    known = expect_all(images, labels, "validation_batches", datasets=files, apart=3)
    if known and size != 32:
        raise Wrong(f"these images are {size} × {size}. Give validation_batches: a network for 32 × 32 is wanted.")
    untrained = (0.3, ". Is it trained, with a Rescaling layer after the augmentation?")
    share = expect_right(model, images, labels, 0.65, decimals=1, close=0.61, untrained=untrained)
    answers = [outputs(model, images, int(labels.max()) + 1) for _ in range(2)]
    if not np.allclose(*answers, atol=1e-3):
        raise Wrong(
            "two predictions of the same images differ: augmentation or dropout is at work in prediction, too. Call "
            "the layers without training=True; a class of your own hands it on: call(self, images, training=False)."
        )
    if known:
        expect_fresh(model, fresh_files(), 0.65, given=(share, len(labels)))
    if trained_beforehand(model, "critters", "photos"):
        raise Wrong("a network that was trained beforehand is in it. Train one with train_batches only.")


EXERCISES: dict[int, Exercise] = {
    1: Exercise(
        choice(
            "b",
            {
                "a": "more images help only if their labels are right. What is a 6 turned by 180°?",
                "c": "look at the 6 in the last column but one: whoever sees it says 9.",
                "d": "nothing checks whether label and image fit. That is what makes this mistake so expensive.",
            },
        ),
        "Turned by 180°, a 6 and a 9 are the same picture with two labels; no network can tell them apart.",
        (
            "Turn a sheet of paper with a 6 on it.",
            "The layer changes the image, but never the label.",
        ),
    ),
    2: Exercise(
        _keeps_label,
        "The same change can be right for one task and wrong for the next: it depends on what the label means.",
        (
            "Go through it cell by cell: which word would you say when you see the changed image?",
            "For arrows, ask where the arrow points afterward.",
        ),
        [
            ({**_KEEPS, change: {**_KEEPS[change], data: wrong}}, f"{change!r} and {data}: {message}")
            for (change, data, wrong), message in _LABEL_MISTAKES.items()
        ],
    ),
    3: CUTMIX,
    4: Exercise(
        _augmented_network,
        "The same thousand files, and hardly an image seen twice.",
        (
            "network(light()) is a good one to begin with. Give it more epochs than above.",
            "Stronger augmentation needs still more. A smaller learning rate at the end may make the curve calmer.",
            "Which change of the network helped most in lesson 4? It goes together with augmentation.",
        ),
        [
            ((model, [(IMAGES, LABELS)]), message)
            for model, message in (
                (stand_in(), "there is no augmentation layer in it. Put at least one at its beginning."),
                (
                    stand_in(kinds="Conv2D RandomFlip Dense"),
                    "the augmentation comes too late: put it before the first convolution.",
                ),
                (
                    stand_in(0.1, kinds="RandomFlip Conv2D Dense"),
                    "it gets 10.0% of the validation images right. Is it trained, with a Rescaling layer after the "
                    "augmentation?",
                ),
                (
                    stand_in(0.5, kinds="RandomFlip Conv2D Dense"),
                    "it gets 50.0% of the validation images right. The goal is 65%.",
                ),
                (
                    stand_in(0.64, kinds="RandomFlip Conv2D Dense"),
                    "it gets 64.0% of the validation images right. The goal is 65%: close.",
                ),
                (
                    stand_in(kinds="Rescaling RandomFlip Conv2D Dense"),
                    "Rescaling comes before the augmentation, which must begin. Its layers expect pixels from 0 to "
                    "255: some, such as RandomBrightness, make nonsense of others.",
                ),
            )
        ],
        patience=6,
    ),
    **short.LESSON_05,
    8: quiz("05"),
}

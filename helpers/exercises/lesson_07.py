"""The exercises of lesson 07, Grad-CAM: what is right, which mistakes are typical, and the hints."""

import sys
from functools import partial

from helpers.exercises.fresh import expect_all, expect_fresh, fresh_critters, scaled_like
from helpers.exercises.judges import Exercise, Wrong, choice, choices, function
from helpers.exercises.looking import CAM, OCCLUSION, SALIENCY
from helpers.exercises.networks import (
    IMAGES,
    LABELS,
    LESSON_NETWORKS,
    expect_right,
    random_maps,
    stand_in,
    trained_beforehand,
    unpack_images,
)
from helpers.exercises.quizzes import quiz

import numpy as np


def _weighted(maps, gradients, axis=(0, 1)):
    return np.maximum((maps * gradients.mean(axis=axis, keepdims=True)).sum(axis=2), 0)


def _normalized(maps, gradients, least=0.0):
    heat = _weighted(maps, gradients)
    with np.errstate(invalid="ignore"):
        return heat / max(heat.max(), least)


def _signed(*shape, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape)


_CAM_CASES = [
    (random_maps(4, 4, 3, seed=5), _signed(4, 4, 3, seed=6)),
    (random_maps(2, 5, 6, seed=7), _signed(2, 5, 6, seed=8)),
    (random_maps(3, 3, 2, seed=9), -np.abs(_signed(3, 3, 2, seed=10))),  # nothing speaks for the class
]


def _share_inside(heat, mask):
    positive = np.maximum(heat, 0)
    return positive[mask].sum() / positive.sum()


_MASK = np.zeros((5, 6), bool)
_MASK[1:4, 2:5] = True
_SHARE_CASES = [
    (random_maps(5, 6, seed=11), _MASK),
    (_signed(5, 6, seed=12), _MASK),
    (random_maps(5, 6, seed=13), ~_MASK),
]


def _stamps_tell(images, labels) -> bool:
    """Tell whether the pixel in the corner gives the class away: over two thirds have its most usual class."""
    if images.ndim != 4 or min(images.shape[1:3]) < 5:
        return False
    _, stamps = np.unique(images[:, 4, 4].reshape(len(images), -1), axis=0, return_inverse=True)
    counts = np.zeros((stamps.max() + 1, labels.max() + 1), int)
    np.add.at(counts, (stamps.ravel(), labels), 1)
    return len(counts) <= 2 * counts.shape[1] and counts.max(axis=1).sum() > len(labels) * 2 / 3


GOAL = 0.6  # of the images with wrong stamps, in exercise 4


def _unbiased(answer) -> None:
    """Judge (model, images, labels): the share `GOAL` of the images right, whose stamps lie about the class."""
    model, images, labels = unpack_images(answer, "check(4, (my_network, lying, new_labels))")
    if _stamps_tell(images, labels):
        raise Wrong(
            "in these images the stamp tells the class, so they cannot judge. Give the images with wrong stamps."
        )
    known = expect_all(images, labels, "lying and new_labels")
    critters = known is not None and known.dataset.name == "critters"
    if critters and not _stamped(images, int(labels.max()) + 1):
        raise Wrong("there are no wrong stamps in these images. Give lying as it is.")
    if model is getattr(sys.modules["__main__"], "honest", None):
        raise Wrong("honest was trained on images with other stamps. Train one with biased_images, under another name.")
    if trained_beforehand(model, *LESSON_NETWORKS):
        raise Wrong("that network was trained beforehand, without stamps. Train one with biased_images.")
    untrained = (0.15, ": it still reads the stamps, or it is not trained.")
    share = expect_right(model, images, labels, GOAL, "with wrong stamps it gets {} right", untrained=untrained)
    if critters:
        given = share, len(labels)
        expect_fresh(model, fresh_critters(), GOAL, lambda fresh: _stamped_as(images, fresh), given=given)


def _stamped(images, classes: int) -> bool:
    """Tell whether there are stamps in the corner: squares of one color each, of some colors."""
    corners = images[:, :8, :8].reshape(len(images), 64, -1)
    colors = np.unique(corners[:, 0], axis=0)
    return np.mean(corners == corners[:, :1]) > 0.99 and 1 < len(colors) <= classes


def _stamped_as(images, others) -> np.ndarray:
    """Return other images, scaled as these are, with the stamps of these, whatever they show."""
    others = scaled_like(images)(others)
    others[:, :8, :8] = np.resize(images[:, :8, :8], (len(others), 8, 8, 3))
    return others


EXERCISES: dict[int, Exercise] = {
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
                    lambda maps, gradients: _weighted(gradients, maps),
                    "the maps weigh the gradients. It is the other way round: a map is weighted with its gradient.",
                ),
                *(
                    (
                        lambda maps, gradients, change=change: _weighted(maps, change(gradients)),
                        "keep the signs of the gradients: where they are below 0, a map speaks against the class.",
                    )
                    for change in (np.abs, partial(np.maximum, 0))
                ),
                (
                    lambda maps, gradients: (maps * np.abs(gradients.mean(axis=(0, 1)))).sum(axis=2),
                    "keep the signs of the gradients: where they are below 0, a map speaks against the class.",
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
                *(
                    (
                        partial(_weighted, axis=axis),
                        "the mean is taken over the wrong axes. There must be one weight for each channel: "
                        "gradients.mean(axis=(0, 1)).",
                    )
                    for axis in (None, 2, 0, 1)
                ),
                *(
                    (mistake, "you scale the heat to its largest value. That comes later: here the sum stays as it is.")
                    for mistake in (_normalized, partial(_normalized, least=1e-8), partial(_normalized, least=1e-300))
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
                (lambda heat, mask: 100 * _share_inside(heat, mask), "that is in percent. A share is from 0 to 1."),
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
                (
                    lambda heat, mask: heat[mask].sum() / np.maximum(heat, 0).sum(),
                    "cut off what is negative above the line, too.",
                ),
                (lambda heat, mask: mask.mean(), "that is the share of the area; the heat is not used."),
                (lambda heat, mask: np.maximum(heat, 0)[mask].sum(), "divide by all of the heat."),
                (lambda heat, mask: np.maximum(heat, 0)[mask].mean(), "divide the sum inside by the sum of all."),
                *(
                    (mistake, "that is how many pixels have heat, not how much.")
                    for mistake in (
                        lambda heat, mask: (heat[mask] > 0).mean(),
                        lambda heat, mask: np.average(mask, weights=heat > 0),
                    )
                ),
            ],
        ),
        "Divide it by the share of the area, and 1 means: no better than chance. The middle of the image gets more.",
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
            (
                (stand_in(classes=5), IMAGES, LABELS),
                "for each image it must give 10 numbers, but the shape of its answer is (100, 5).",
            ),
        ],
        patience=6,
    ),
    5: OCCLUSION,
    6: SALIENCY,
    7: CAM,
    8: Exercise(
        choices(
            {"A": "b", "B": "a", "C": "c", "D": "b"},
            {
                "A": {
                    "a": "None takes the class that the network names, and that is pig, if it is right.",
                    "c": "last_name is conv5. The layer is the last argument.",
                },
                "B": {
                    "b": "so does a map that knows nothing of the network: animals are rarely at the border.",
                    "c": "four images in 200 are no difference. It may be as good, and that is little.",
                },
                "C": {
                    "a": "blurring knows nothing of the network, and so cannot explain it better.",
                    "b": "the masks are those of the animals as before. It is the maps that have changed.",
                },
                "D": {
                    "a": "its maps have rows and columns, and each place in them belongs to a window of the image.",
                    "c": "it gets one number for each map. Where that came from was lost before.",
                },
            },
        ),
        "A class, a layer, and a grade beside the grade of what knows nothing.",
        (
            "grad_cam takes the model, the images, the class, the layer, in this order.",
            "B: compare with the middle of the image. C: animals are blobs. D: which result has no rows and columns?",
        ),
    ),
    9: Exercise(
        choices(
            {"A": "c", "B": "b", "C": "a"},
            {
                "A": {
                    "a": "its answers mean nothing now. A map that explained them would have had to change.",
                    "b": "it has changed by little: two maps that have nothing to do with each other are at 0.30.",
                },
                "B": {
                    "a": "of maps that are drawn at random it is near 0. These two are not.",
                    "c": "each image gets its own map. It is the images that are alike.",
                },
                "C": {
                    "b": "the map says what raises one score, not where a thing is. It may lie beside the cup.",
                    "c": "95% means that none of the other nine words fits better. No word for a cup is among them.",
                },
            },
        ),
        "Destroy, compare with the floor, and mind which words the network has.",
        (
            "A: what should happen to an explanation when the answers become noise?",
            "B: where in an image are the animals? C: which ten words can it say?",
        ),
    ),
    10: quiz("07"),
}

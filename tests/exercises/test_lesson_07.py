"""The exercises of lesson 07, Grad-CAM: right answers, typical mistakes with their messages."""

from helpers.exercises.lesson_07 import GOAL

import numpy as np
from exercise_tools import Answers, dressed, letters, one_wrong
from network_tools import IMAGES, LABELS, beforehand, scores, trained

STAMPED = IMAGES.copy()
STAMPED[:, :6, :6, 1] = 20 * LABELS[:, np.newaxis, np.newaxis]


def cam_by_loop(maps, gradients, cut=lambda total: max(total, 0.0), weight=np.mean):
    heat = np.zeros(maps.shape[:2])
    for row, col in np.ndindex(*heat.shape):
        heat[row, col] = cut(sum(weight(gradients[..., k]) * maps[row, col, k] for k in range(maps.shape[2])))
    return heat


def scaled_cam(maps, gradients):
    heat = cam_by_loop(maps, gradients)
    return heat / heat.max() if heat.max() > 0 else heat


def cam_in_place(maps, gradients):
    maps *= gradients.mean(axis=(0, 1))
    return np.maximum(maps.sum(axis=2), 0)


def share_by_loop(heat, mask):
    inside = outside = 0.0
    for value, is_in in zip(heat.ravel(), mask.ravel(), strict=True):
        inside, outside = inside + max(value, 0) * is_in, outside + max(value, 0) * (not is_in)
    return inside / (inside + outside)


STUBS = {
    1: "?",
    2: lambda maps, gradients: ...,
    3: lambda heat, mask: None,
    4: (None, IMAGES, LABELS),
    5: letters("???"),
}
RIGHT = {
    1: ["b", "B.", "'b'"],
    2: [
        cam_by_loop,
        lambda m, g: np.clip(np.tensordot(m, g.mean(axis=(0, 1)), 1), 0, None).tolist(),
        lambda m, g: np.maximum(np.einsum("hwc,c->hw", m, np.einsum("hwc->c", g) / g[..., 0].size), 0),
    ],
    3: [
        share_by_loop,
        lambda h, m: np.where(h > 0, h, 0)[m].sum() / h[h > 0].sum(),
        lambda h, m: [(m * np.clip(h, 0, None) / np.clip(h, 0, None).sum()).sum()][0],
    ],
    4: [
        (trained(1.0), IMAGES, LABELS),
        (trained(GOAL), [*IMAGES], LABELS.tolist()),
        (scores(), IMAGES, np.eye(10)[LABELS]),  # no softmax, and one-hot labels
    ],
    5: dressed("bac"),
}
WRONG = {
    1: [("a", "says where, not what"), ("c", "a window of 56 × 56 pixels"), ("d", "Dark is less, not nothing")],
    2: [
        (lambda m, g: cam_by_loop(m, g, float), "cut off what is negative"),
        (lambda m, g: (m * g).sum(axis=2).clip(0), "you multiply pixel by pixel"),
        (lambda m, g: cam_by_loop(m, g, weight=np.sum), "that is the sum of the gradients"),
        (lambda m, g: cam_by_loop(m, g) / m.shape[2], "do not take their mean"),
        (lambda m, g: cam_by_loop(m, g, abs), "do not turn its sign"),
        (lambda m, g: cam_by_loop(m, g, weight=lambda part: max(part.mean(), 0)), "not those of the weights"),
        (lambda m, g: (m * g.mean(axis=(0, 1))).clip(0).sum(axis=2), "or of each weighted map"),
        (lambda m, g: np.einsum("hwc,h->hw", m, g.mean(axis=(1, 2))).clip(0), "rows and columns are axes 0 and 1"),
        (lambda m, g: m * g.mean(axis=(0, 1)), "Add them up over the channels"),
        (lambda m, g: 2 * cam_by_loop(m, g), "it returned"),
        (lambda m, g: np.maximum((m * g.mean()).sum(axis=2), 0), "over the wrong axes"),
        (lambda m, g: np.maximum(m.sum(axis=2) * g.mean(axis=2), 0), "over the wrong axes"),
        (lambda m, g: cam_by_loop(m, g) / (cam_by_loop(m, g).max() + 1e-9), "to its largest value"),
        (scaled_cam, "to its largest value"),
        (cam_in_place, "your function changed its input"),
        (lambda m, g: cam_by_loop(m, g)[:1], "where (4, 4) is right"),
    ],
    3: [
        (lambda h, m: (h * m).sum() / h.sum(), "cut it off first"),
        (lambda h, m: h.clip(0)[m].mean() / h.clip(0).mean(), "take sums, not means"),
        (lambda h, m: share_by_loop(h, ~m), "the share outside"),
        (lambda h, m: h.clip(0)[m].sum() / h.clip(0)[~m].sum(), "not by that outside"),
        (lambda h, m: abs(h * m).sum() / abs(h).sum(), "do not turn its sign"),
        (lambda h, m: h.clip(0)[m].sum() / h.sum(), "below the line, too"),
        (lambda h, m: m.sum() / m.size, "the share of the area"),
        (lambda h, m: (h.clip(0) * m).sum(), "divide by all of the heat"),
        (lambda h, m: h.clip(0)[m].mean(), "divide the sum inside by the sum of all"),
        (lambda h, m: np.count_nonzero(h[m] > 0) / m.sum(), "how many pixels have heat, not how much"),
        (lambda h, m: share_by_loop(h, m) / 2, "it returned"),
        (lambda h, m: 100 * share_by_loop(h, m), "in percent"),
    ],
    4: [
        ((trained(0.0), IMAGES, LABELS), "with wrong stamps it gets 0% right: it still reads the stamps"),
        ((trained(0.14), IMAGES, LABELS), "it gets 14% right: it still reads the stamps, or it is not trained"),
        ((trained(0.16), IMAGES, LABELS), "it gets 16% right. The goal is 60%"),
        ((trained(GOAL - 0.01), IMAGES, LABELS), "it gets 59% right. The goal is 60%"),
        ((trained(0.0), STAMPED, LABELS), "the stamp tells the class, so they cannot judge"),
        ((beforehand(), IMAGES, LABELS), "was trained beforehand, without stamps"),
        ((trained(1), IMAGES[:, 0], LABELS), "it cannot take images of shape"),
        (
            (trained(1), IMAGES[:9], LABELS[:9]),
            "for each image it must give 9 numbers, but the shape of its answer is (9, 10)",
        ),
    ],
    5: one_wrong(
        "bac",
        Aa="happens once",
        Ac="random once",
        Bb="may wake up",
        Bc="others stand in for it",
        Ca="too small",
        Cb="jumps over the valley",
    ),
}
MISSING = [
    (4, None, "train a network"),
    (4, trained(1), "give the trained network and the images"),
    (4, (trained(1), IMAGES), "give the trained network and the images"),
    (4, (IMAGES, trained(1), LABELS), "give the trained network and the images"),
    (4, (trained(1), IMAGES, LABELS[:9]), "give the images and their labels"),
    (4, (trained(1), IMAGES, LABELS + 0.5), "give the images and their labels"),
    (4, (trained(1), IMAGES, None), "give the images and their labels"),
    (4, (trained(1), IMAGES[:0], LABELS[:0]), "give the images and their labels"),
    (4, (trained(1), "fox", ["a", "b"]), "give the images and their labels"),
    (5, letters("b?c"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "07", STUBS, RIGHT, WRONG, MISSING

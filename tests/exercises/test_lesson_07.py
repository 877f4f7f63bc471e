"""The exercises of lesson 07, Grad-CAM: right answers, typical mistakes with their messages."""

import sys

from helpers.datasets import load_dataset
from helpers.exercises import load_checks
from helpers.exercises.fresh import fresh_critters
from helpers.exercises.lesson_07 import GOAL

import numpy as np
import pytest
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


def fall(
    ask, image, size, step, gray=127, last=1, again=True, corner=False, answer=lambda before, after: before - after
):
    """The mean at each pixel of what ``answer`` makes of the probabilities before and after, square by square."""
    falls, current = [[[] for _ in row] for row in image], np.array(image)
    for top in range(0, image.shape[0] - size + last, step):
        for left in range(0, image.shape[1] - size + last, step):
            if again:
                current = np.array(image)
            current[top : top + size, left : left + size] = gray
            found = answer(*ask(np.stack([image, current])))
            for row, col in np.ndindex(1 if corner else size, 1 if corner else size):
                falls[top + row][left + col].append(found)
    return falls


def fall_by_loop(*given, collect=np.mean, **options):
    return [[collect(found) if found else 0.0 for found in row] for row in fall(*given, **options)]


def fall_in_one_batch(ask, image, size, step):
    corners = [
        (t, left) for t in range(0, len(image) - size + 1, step) for left in range(0, image.shape[1] - size + 1, step)
    ]
    inside = np.zeros((len(corners), *image.shape[:2]), bool)
    for mask, (top, left) in zip(inside, corners, strict=True):
        mask[top : top + size, left : left + size] = True
    drops = ask(image[None]) - ask(np.where(inside[..., None], np.uint8(127), image))
    return np.tensordot(drops, inside, 1) / inside.sum(axis=0)


def fall_by_arrays(ask, image, size, step):
    total, times, before = np.zeros(image.shape[:2]), np.zeros(image.shape[:2], int), ask(image[np.newaxis])
    for top in np.arange(0, image.shape[0] - size + 1, step):
        for left in np.arange(0, image.shape[1] - size + 1, step):
            where = np.zeros(image.shape[:2], bool)
            where[top : top + size, left : left + size] = True
            covered = image.copy()
            covered[where] = 127
            total, times = total + where * (before - ask(covered[np.newaxis])), times + where
    return total / times


def squares_of_falls(ask, image, size, step):
    corners = fall(ask, image, size, step, corner=True)
    return [[found[0] for found in row if found] for row in corners if any(row)]


def fall_in_place(ask, image, size, step):
    return fall_by_loop(ask, image, size, step, image.fill(127) or 127)


def saliency_by_loop(gradient):
    return [[max(map(abs, pixel)) for pixel in row] for row in gradient]


def cam_by_channel(maps, weights, label, weigh=lambda weight: weight):
    return sum(weigh(weights[k, label]) * maps[:, :, k] for k in range(maps.shape[2]))


STUBS = {
    1: "?",
    2: lambda maps, gradients: ...,
    3: lambda heat, mask: None,
    4: (None, IMAGES, LABELS),
    5: lambda ask, image, size, step: None,
    6: lambda gradient: ...,
    7: lambda maps, weights, label: None,
    8: letters("????"),
    9: letters("???"),
    10: letters("???"),
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
    5: [fall_by_loop, fall_in_one_batch, fall_by_arrays],
    6: [
        saliency_by_loop,
        lambda g: np.maximum(g.max(axis=-1), -g.min(axis=-1)),
        lambda g: np.sqrt((g**2).max(2)).astype("float32").astype(float),
    ],
    7: [
        cam_by_channel,
        lambda m, w, k: np.einsum("hwc,c->hw", m, w[:, k]),
        lambda m, w, k: (m @ w)[..., k].tolist(),
    ],
    8: dressed("bacb"),
    9: dressed("cba"),
    10: dressed("bac"),
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
        (lambda m, g: cam_by_loop(g, m), "the maps weigh the gradients"),
        (lambda m, g: cam_by_loop(m, g.clip(0)), "keep the signs of the gradients"),
        (lambda m, g: cam_by_loop(m, abs(g)), "keep the signs of the gradients"),
        (lambda m, g: cam_by_loop(m, g, weight=lambda part: abs(part.mean())), "keep the signs of the gradients"),
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
        (lambda h, m: h[m].sum() / h.clip(0).sum(), "above the line, too"),
        (lambda h, m: (m * (h > 0)).sum() / (h > 0).sum(), "how many pixels have heat, not how much"),
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
    5: [
        (lambda *g: fall_by_loop(*g, answer=lambda before, after: after - before), "it is the other way round"),
        (lambda *g: fall_by_loop(*g, answer=lambda before, after: after), "How far do they fall?"),
        (lambda *g: fall_by_loop(*g, collect=sum), "those are sums"),
        (lambda *g: fall_by_loop(*g, last=0), "the last squares are missing"),
        (
            lambda *g: [[np.mean(found) if found else np.nan for found in row] for row in fall(*g, last=0)],
            "the last squares are missing",
        ),
        (lambda ask, image, size, step: fall_by_loop(ask, image, size, size), "You go on by `size`"),
        (lambda *g: fall_by_loop(*g, collect=lambda found: found[-1]), "takes the place of those before it"),
        (squares_of_falls, "one number for each square"),
        (
            lambda *g: np.array(fall_by_loop(*g, collect=sum)) / np.size(squares_of_falls(*g)),
            "not by how many there are",
        ),
        (lambda *g: fall_by_loop(*g, gray=128), "the squares must be gray: 127"),
        (lambda ask, image, *g: fall_by_loop(ask, image, *g, gray=image.mean()), "the squares must be gray: 127"),
        (lambda *g: fall_by_loop(*g, again=False), "the squares stay covered"),
        (lambda *g: fall_by_loop(*g, gray=0), "the squares must be gray: 127"),
        (lambda *g: fall_by_loop(*g, gray=255), "the squares must be gray: 127"),
        (lambda ask, image, *g: fall_by_loop(ask, image, *g, gray=image.mean(axis=(0, 1))), "must be gray: 127"),
        (lambda *g: fall_by_loop(*g, corner=True), "only the corner of each square"),
        (lambda *g: np.abs(fall_by_loop(*g)), "Keep the sign"),
        (lambda *g: np.maximum(fall_by_loop(*g), 0), "Keep the sign"),
        (lambda *g: fall_by_loop(*g, collect=max), "it returned"),
        (lambda ask, image, size, step: ask(image), "your function raised ValueError: ask gets images (N, 8, 10, 3)"),
        (fall_in_place, "your function changed its input"),
        (lambda ask, image, size, step: fall(ask, image, size, step), "must return numbers"),
    ],
    6: [
        (lambda g: g.max(axis=2), "take sizes first"),
        (lambda g: abs(g.max(axis=2)), "it may be a negative one"),
        (lambda g: abs(g).sum(axis=2), "the sum of the three channels"),
        (lambda g: abs(g).mean(axis=2), "the mean of the three channels"),
        (lambda g: abs(g.mean(axis=2)), "cancel out"),
        (lambda g: np.sqrt((g**2).sum(axis=2)), "the length of the three"),
        (lambda g: np.where(g.max(axis=2) > -g.min(axis=2), g.max(axis=2), g.min(axis=2)), "with its sign"),
        (lambda g: (g * g).max(axis=2), "the square of it"),
        (lambda g: g.clip(0).max(axis=2), "Grad-CAM that cuts them off"),
        (lambda g: abs(g).max(axis=0), "along a row or a column"),
        (lambda g: abs(g).max(axis=1), "The channels are the last axis"),
        (lambda g: abs(g), "three numbers for each pixel"),
        (lambda g: np.array(saliency_by_loop(g)) / np.max(saliency_by_loop(g)), "leave the scale as it is"),
        (lambda g: abs(g).max(), "it returned one number where shape (4, 5) is right"),
        (lambda g: abs(g[..., 0]), "it returned"),
    ],
    7: [
        (lambda m, w, k: m @ w[k], "A column belongs to a class"),
        (lambda m, w, k: cam_by_channel(m, w, k).clip(0), "keeps what speaks against the class"),
        (lambda m, w, k: cam_by_channel(m, w, k) / m.shape[2], "the mean over the channels"),
        (lambda m, w, k: m @ w, "the maps of all classes"),
        (lambda m, w, k: m * w[:, k], "those are the weighted maps"),
        (lambda m, w, k: cam_by_channel(m, w, k).mean(), "that is the score, without the bias"),
        (lambda m, w, k: cam_by_channel(m, w, k, abs), "keep its sign"),
        (lambda m, w, k: cam_by_channel(m, w, k, lambda weight: max(weight, 0)), "against the class: keep it"),
        (lambda m, w, k: m.sum(axis=2), "the weights are not used"),
        (lambda m, w, k: abs(cam_by_channel(m, w, k)), "what is below 0 speaks against the class"),
        (lambda m, w, k: cam_by_channel(m, w, k) / cam_by_channel(m, w, k).max(), "leave the scale as it is"),
        (lambda m, w, k: cam_by_channel(m, w, np.argmax(m.mean(axis=(0, 1)) @ w)), "which the network would name"),
        (lambda m, w, k: cam_by_channel(m, w, k) / (m.shape[0] * m.shape[1]), "do not divide by the number of places"),
        (lambda m, w, k: cam_by_channel(m, w, k - 1), "it returned"),
        (lambda m, w, k: cam_by_channel(m, w, k).T, "it returned"),
    ],
    8: one_wrong(
        "bacb",
        Aa="the class that the network names",
        Ac="The layer is the last argument",
        Bb="knows nothing of the network",
        Bc="four images in 200",
        Ca="cannot explain it better",
        Cb="those of the animals as before",
        Da="a window of the image",
        Dc="was lost before",
    ),
    9: one_wrong(
        "cba",
        Aa="would have had to change",
        Ab="are at 0.30",
        Ba="drawn at random it is near 0",
        Bc="It is the images that are alike",
        Cb="not where a thing is",
        Cc="No word for a cup",
    ),
    10: one_wrong(
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
    (5, lambda ask, image, size, step: None, "write the body of the function"),
    (6, "?", "define the function"),
    (7, None, "define the function"),
    (8, letters("b?cb"), "B: put one of the letters a, b, c"),
    (9, letters("cb?"), "C: put one of the letters a, b, c"),
    (10, letters("b?c"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "07", STUBS, RIGHT, WRONG, MISSING


# --- images of the lesson ---

COLORS = np.random.default_rng(0).integers(0, 256, (10, 3))


def stamped(images, photographers):
    images = images.copy()
    images[:, :8, :8] = COLORS[photographers][:, np.newaxis, np.newaxis]
    return images


@pytest.fixture(scope="module")
def lying():
    """Validation images with wrong stamps, and their labels; the dataset is known as long as it is there."""
    dataset = load_dataset("critters")
    images, labels = dataset.validation
    yield stamped(images, (labels + 1 + np.arange(len(labels)) % 9) % 10), labels
    del dataset


def judge(images, labels, model=None, scale=np.float32):
    load_checks("07")(4, (model or Sharp(images, labels, scale), scale(images), labels))


class Sharp:
    """Something with the face of a network, that knows each image by its lower half, if scaled as it should be."""

    def __init__(self, images, labels, scale):
        fresh, others = fresh_critters()
        known = scale(np.concatenate([images, fresh]))
        self.of = {self.key(image): label for image, label in zip(known, [*labels, *others], strict=True)}

    def key(self, image):
        return np.round(100 * image[32:].astype(float)).astype(int).tobytes()

    def predict(self, images, verbose):
        return np.eye(10)[[self.of.get(self.key(image), 0) for image in images]] + np.arange(10) / 100


@pytest.mark.parametrize("scale", [np.float32, lambda images: images / 255, lambda images: images / 127.5 - 1])
def test_images_may_be_scaled(lying, scale, said):
    images, labels = lying
    judge(images, labels, scale=scale)
    assert said().startswith("✓ yes")


def test_stamps_must_be_there_and_wrong(lying, said):
    images, labels = lying
    dataset = load_dataset("critters")  # the one loaded last is known, as long as it is there
    black, noise = images.copy(), images.copy()
    black[:, :8, :8] = 0
    noise[:, :8, :8] = np.random.default_rng(0).integers(0, 256, (len(images), 1, 1, 3))
    for other in (black, noise, dataset.validation.images):
        judge(other, labels)
        assert said().startswith("✗ no: there are no wrong stamps in these images.")
    judge(stamped(images, labels), labels)
    assert said().startswith("✗ no: in these images the stamp tells the class")


def test_the_honest_network_of_the_lesson_is_no_answer(monkeypatch, said):
    model = trained(1)
    monkeypatch.setattr(sys.modules["__main__"], "honest", model, raising=False)
    judge(IMAGES, LABELS, model)
    assert said().startswith("✗ no: honest was trained on images with other stamps.")
    judge(IMAGES, LABELS, trained(1))
    assert said().startswith("✓ yes")

"""The exercises of lessons 06 and 07: right answers, typical mistakes with their messages, and answers of any kind."""

import types

from helpers.checks import load_checks
from helpers.exercises_networks import EXERCISES, GOAL

import numpy as np
import pytest
from test_exercises import typical_mistakes
from test_exercises_training import FUNCTIONS, VALUES

CLASSES = 10

# --- an image that fools a network: here one that looks at the mean of each column ---

WIDTH = CLASSES
ORIGINAL = np.full((6, WIDTH, 3), 100.0)
ORIGINAL[:, 4] += 4  # it is a 4
TARGET = 7


def network(images):
    """Probabilities (N, 10): the brightest column wins, the more, the brighter it is."""
    columns = np.asarray(images, float).mean(axis=(1, 3))
    powers = np.exp(columns - columns.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fooling(up=8.0, down=0.0):
    image = ORIGINAL.copy()
    image[:, TARGET] += up
    image[:, 4] -= down
    return image


# --- a network that reads stamps, or does not ---

LABELS = np.arange(200) % CLASSES
IMAGES = np.zeros((200, 8, 8, 3), np.uint8)
IMAGES[:, 0, 0, 0] = LABELS


STAMPED = IMAGES.copy()
STAMPED[:, :6, :6, 1] = 20 * LABELS[:, np.newaxis, np.newaxis]


def beforehand():
    return types.SimpleNamespace(predict=trained(1).predict, name="critters")


def trained(right):
    """Something with the face of a trained model that gets such a share right."""

    def predict(images, verbose):
        found = np.asarray(images)[:, 0, 0, 0].astype(int)
        wrong = np.arange(len(found)) >= round(right * len(found))
        return np.eye(CLASSES)[(found + wrong) % CLASSES]

    return types.SimpleNamespace(predict=predict)


# --- functions of a learner ---


def means_by_loop(maps, labels):
    result = []
    for label in range(max(labels) + 1):
        total, count = 0.0, 0
        for one, own in zip(maps, labels, strict=True):
            if own == label:
                total, count = total + np.sum(one), count + np.size(one)
        result.append(total / count)
    return result


def dead_by_loop(maps):
    return [not any((one[..., channel] != 0).any() for one in maps) for channel in range(maps.shape[-1])]


def cam_by_loop(maps, gradients, cut=lambda total: max(total, 0.0), weight=np.mean):
    heat = np.zeros(maps.shape[:2])
    for row, col in np.ndindex(*heat.shape):
        heat[row, col] = cut(sum(weight(gradients[..., k]) * maps[row, col, k] for k in range(maps.shape[2])))
    return heat


def share_by_loop(heat, mask):
    inside = outside = 0.0
    for value, is_in in zip(heat.ravel(), mask.ravel(), strict=True):
        inside, outside = inside + max(value, 0) * is_in, outside + max(value, 0) * (not is_in)
    return inside / (inside + outside)


STUBS = {
    "06": {1: "?", 2: lambda maps, labels: ..., 3: lambda maps: None, 4: (..., ORIGINAL, network, TARGET)},
    "07": {1: "?", 2: lambda maps, gradients: ..., 3: lambda heat, mask: None, 4: (None, IMAGES, LABELS)},
}
RIGHT = {
    "06": {
        1: ["c", " C ", "(c)"],
        2: [means_by_loop, lambda m, y: np.bincount(y, m.mean(axis=(1, 2))) / np.bincount(y)],
        3: [dead_by_loop, lambda m: (m == 0).all(axis=(0, 1, 2)), lambda m: m.sum(axis=(0, 1, 2)) == 0],
        4: [
            (fooling(), ORIGINAL, network, TARGET),
            (fooling(6, 8).astype(np.float32), ORIGINAL.astype(np.uint8), network, np.int64(TARGET)),
            (fooling(8, 8).tolist(), ORIGINAL.tolist(), lambda images: network(images).tolist(), TARGET),
        ],
    },
    "07": {
        1: ["b", "B."],
        2: [
            cam_by_loop,
            lambda m, g: np.clip(np.tensordot(m, g.mean(axis=(0, 1)), 1), 0, None).tolist(),
            lambda m, g: np.maximum(np.einsum("hwc,c->hw", m, np.einsum("hwc->c", g) / g[..., 0].size), 0),
        ],
        3: [share_by_loop, lambda h, m: np.where(h > 0, h, 0)[m].sum() / h[h > 0].sum()],
        4: [(trained(1.0), IMAGES, LABELS), (trained(GOAL), [*IMAGES], LABELS.tolist())],
    },
}
WRONG = {
    "06": {
        1: [("a", "something is added to their sum"), ("b", "an image of ones"), ("d", "the same from the same image")],
        2: [
            (
                lambda m, y: [sum(one.sum() for one, k in zip(m, y, strict=True) if k == c) for c in set(y)],
                "Take means",
            ),
            (lambda m, y: [max(one.max() for one, k in zip(m, y, strict=True) if k == c) for c in set(y)], "largest"),
            (lambda m, y: [one.mean() for one in m], "a mean for each image, not for each class"),
            (lambda m, y: np.mean(m), "one number for all images"),
            (lambda m, y: [np.mean(m[y == k], axis=0) for k in sorted(set(y))], "a map for each class"),
            (lambda m, y: int(np.argmax(means_by_loop(m, y))), "the class with the largest mean"),
            (lambda m, y: means_by_loop(m, y)[::-1], "it returned"),
            (lambda m, y: np.array([means_by_loop(m, y)]), "it returned shape (1, 3) where (3,) is right"),
        ],
        3: [
            (lambda m: [any((one[..., k] == 0).all() for one in m) for k in range(m.shape[-1])], "in all of them"),
            (lambda m: m.any(axis=(0, 1, 2)), "the living ones"),
            (lambda m: sum(dead_by_loop(m)), "that is how many"),
            (lambda m: [k for k, dead in enumerate(dead_by_loop(m)) if dead], "those are their numbers"),
            (lambda m: (m == 0).any(axis=(0, 1, 2)), "a single 0 is not enough"),
            (lambda m: m.mean(axis=(0, 1, 2)) < 0.001, "responds rarely, or weakly, is not dead"),
            (lambda m: (m == 0).all(axis=(1, 2)), "it returned shape (3, 5) where (5,) is right"),
        ],
        4: [
            ((ORIGINAL, ORIGINAL, network, TARGET), "that is the original itself"),
            ((fooling(9), ORIGINAL, network, TARGET), "a pixel changes by 9; at most 8"),
            ((fooling(8.1), ORIGINAL, network, TARGET), "a pixel changes by 8.1; at most 8"),
            ((fooling(2), ORIGINAL, network, TARGET), "a probability of 10.6%, more than before. The goal is 90%"),
            ((fooling(-4), ORIGINAL, network, TARGET), "a probability of 0.0%, no more than before"),
            ((fooling(), ORIGINAL, network, 4), "the original is of the target class already"),
            ((fooling()[:3], ORIGINAL, network, TARGET), "must have the shape (6, 10, 3), but it has (3, 10, 3)"),
            ((fooling()[np.newaxis], ORIGINAL, network, TARGET), "but it has (1, 6, 10, 3)"),
            ((ORIGINAL - 101, ORIGINAL, network, TARGET), "not from 0 to 255: clip the image"),
            ((ORIGINAL + 250, ORIGINAL, network, TARGET), "not from 0 to 255"),
            ((ORIGINAL + np.nan, ORIGINAL, network, TARGET), "not finite numbers"),
            (("image", ORIGINAL, network, TARGET), "must be an array of numbers"),
            (([[1], [2, 3]], ORIGINAL, network, TARGET), "must be an array of numbers"),
        ],
    },
    "07": {
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
    },
}
NOT_YET = [
    ("06", 1, "e", "answer with one of the letters a, b, c, d"),
    ("06", 2, None, "define the function"),
    ("06", 4, None, "make the image"),
    ("06", 4, "?", "make the image"),
    ("06", 4, fooling(), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, network), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, TARGET, network), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, network, None), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, network, "ship"), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, network, CLASSES), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, network, -1), "give all four"),
    ("06", 4, (fooling(), ORIGINAL, network, TARGET, 1), "give all four"),
    ("06", 4, (fooling(), None, network, TARGET), "give all four"),
    ("06", 4, (fooling(), ORIGINAL[0], network, TARGET), "give all four"),
    ("07", 4, None, "train a network"),
    ("07", 4, trained(1), "give the trained network and the images"),
    ("07", 4, (trained(1), IMAGES), "give the trained network and the images"),
    ("07", 4, (IMAGES, trained(1), LABELS), "give the trained network and the images"),
    ("07", 4, (trained(1), IMAGES, LABELS[:9]), "give the images and their labels"),
    ("07", 4, (trained(1), IMAGES, np.eye(10)[LABELS]), "give the images and their labels"),
    ("07", 4, (trained(1), IMAGES, None), "give the images and their labels"),
    ("07", 4, (trained(1), IMAGES[:0], LABELS[:0]), "give the images and their labels"),
    ("07", 4, (trained(1), "fox", ["a", "b"]), "give the images and their labels"),
]


def cases(table):
    return [(lesson, number, answer) for lesson, by in table.items() for number, all_ in by.items() for answer in all_]


every_exercise = pytest.mark.parametrize(
    ("lesson", "number"), [(lesson, number) for lesson in EXERCISES for number in EXERCISES[lesson]]
)


@pytest.fixture
def said(capsys):
    return lambda: capsys.readouterr().out


@every_exercise
def test_stub_says_not_yet(lesson, number, said):
    load_checks(lesson)(number, STUBS[lesson][number])
    assert said().startswith("… not yet: ")


@pytest.mark.parametrize(("lesson", "number", "answer"), cases(RIGHT))
def test_right_answers_are_accepted(lesson, number, answer, said):
    load_checks(lesson)(number, answer)
    assert said() == f"✓ yes: {EXERCISES[lesson][number].praise}\n"
    load_checks(lesson).solution(number, answer)
    assert said() == "✓ yes: this solution passes the check.\n"


@pytest.mark.parametrize(("lesson", "number", "case"), cases(WRONG))
def test_wrong_answers_get_their_reason_and_a_hint(lesson, number, case, said):
    answer, reason = case
    load_checks(lesson)(number, answer)
    text = said()
    assert text.startswith("✗ no: ")
    assert reason in text.splitlines()[0]
    assert f"hint 1 of {len(EXERCISES[lesson][number].hints)}: " in text


@pytest.mark.parametrize(("lesson", "number", "answer", "missing"), NOT_YET)
def test_what_is_missing_is_named(lesson, number, answer, missing, said):
    load_checks(lesson)(number, answer)
    assert said().startswith(f"… not yet: {missing}")


@every_exercise
def test_each_typical_mistake_is_among_the_wrong_answers(lesson, number):
    reasons = [reason for _, reason in WRONG[lesson][number]]
    for _, message in typical_mistakes(EXERCISES[lesson][number]):
        assert any(reason in message for reason in reasons), message


@every_exercise
def test_hints_come_one_by_one(lesson, number, said):
    check, hints = load_checks(lesson), EXERCISES[lesson][number].hints
    assert 2 <= len(hints) == len(set(hints))
    for place, hint in enumerate(hints, start=1):
        check(number, WRONG[lesson][number][0][0])
        assert said().splitlines()[1:] == [f"  hint {place} of {len(hints)}: {hint}"]
    check(number, WRONG[lesson][number][0][0])
    assert said().splitlines()[1:] == ["  All hints are given. Think again, or open the solution below."]
    check(number, RIGHT[lesson][number][0])
    assert said().startswith("✓ yes: ")


def test_an_image_may_change_by_8_gray_levels_and_a_rounding(said):
    load_checks("06")(4, (fooling(8.0005), ORIGINAL, network, TARGET))
    assert said().startswith("✓ yes")
    before = fooling(), ORIGINAL.copy()
    load_checks("06")(4, (before[0], before[1], network, TARGET))
    np.testing.assert_array_equal(before[0], fooling())
    np.testing.assert_array_equal(before[1], ORIGINAL)


def test_a_network_that_answers_nan_passes_nothing(said):
    """NaN is neither above nor below a goal."""
    nan = types.SimpleNamespace(predict=lambda images, verbose: np.full((len(images), 10), np.nan))
    load_checks("06")(4, (fooling(), ORIGINAL, lambda images: network(images) * np.nan, TARGET))
    load_checks("07")(4, (nan, IMAGES, LABELS))
    assert "✓" not in said()


def raising(*_, **__):
    raise KeyError("own code")


FACES = [
    *(raising, len, str, np.mean, types.SimpleNamespace(predict=raising), types.SimpleNamespace(predict=3)),
    *(lambda images: images, lambda images: None, lambda images: 3.0, lambda images: ["a"], lambda images: []),
    *(types.SimpleNamespace(predict=lambda images, verbose, value=value: value) for value in VALUES),
]
TUPLES = [
    *((fooling(), ORIGINAL, face, TARGET) for face in [*FACES, *VALUES]),
    *((value, ORIGINAL, network, TARGET) for value in [*VALUES, *FUNCTIONS]),
    *((fooling(), value, network, TARGET) for value in VALUES),
    *((fooling(), ORIGINAL, network, value) for value in VALUES if value is not True),  # as an index, True is 1
    *((face, IMAGES, LABELS) for face in [*FACES, *VALUES]),
    *((trained(1), value, LABELS) for value in VALUES),
    *((trained(1), IMAGES, value) for value in VALUES),
    *((trained(1), LABELS, IMAGES), (trained(1), LABELS, LABELS), [trained(1), IMAGES, LABELS], ()),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@every_exercise
def test_no_answer_raises(lesson, number, said):
    for answer in [*VALUES, *FUNCTIONS, *(TUPLES if number == 4 else TUPLES[::9])]:
        load_checks(lesson)(number, answer)
        assert said().startswith(("… not yet: ", "✗ no: ")), answer

"""The exercises of lesson 06, activations and filters: right answers, typical mistakes with their messages."""

from helpers.convolution import convolve_volume
from helpers.datasets import critters, load_dataset
from helpers.engine import keras, tf
from helpers.exercises import load_checks
from helpers.exercises.inside import LAYERS
from helpers.models import load_model

import numpy as np
import pytest
from any_answers import FUNCTIONS, VALUES
from exercise_tools import Answers, dressed, letters, one_wrong
from network_tools import CLASSES, FACES
from scipy import ndimage

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


def by_loop(
    image, kernel, bias, cut=lambda total: max(total, 0), pad=np.pad, step=lambda patch, kernel: patch * kernel
):
    k = len(kernel) // 2
    padded = pad(image, ((k, k), (k, k), (0, 0)))
    found = np.zeros(image.shape[:2])
    for row, col in np.ndindex(*found.shape):
        patch = padded[row : row + len(kernel), col : col + len(kernel)]
        found[row, col] = cut(np.sum(step(patch, kernel)) + bias)
    return found


def by_scipy(image, kernel, bias):
    channels = (ndimage.correlate(image[..., k], kernel[..., k], mode="constant") for k in range(image.shape[2]))
    return np.clip(sum(channels) + bias, 0, None).tolist()


def by_keras(image, kernel, bias):
    found = tf.nn.conv2d(image[None].astype("float32"), kernel[..., None].astype("float32"), 1, "SAME") + bias
    return keras.activations.relu(found)[0, :, :, 0]


def by_helper(image, kernel, bias):
    k = len(kernel) // 2
    found = convolve_volume(np.pad(image, ((k, k), (k, k), (0, 0))), kernel[..., None], np.array([bias]))
    return np.where(found > 0, found, 0)[..., 0]


def padded_like(mode):
    return lambda image, widths: np.pad(image, widths, mode=mode)


def window(*numbers):
    return dict(zip(("top", "bottom", "left", "right"), numbers, strict=True))


def right(maps, labels, rest):
    return sum(int(np.argmax(one)) == label for one, label in zip(rest(maps), labels, strict=True)) / len(labels)


def without(maps, channels, keep=False):
    return maps * [float((k in channels) == keep) for k in range(maps.shape[3])]


def lost(maps, labels, rest, channels):
    return right(maps, labels, rest) - right(without(maps, channels), labels, rest)


def lost_by_assignment(maps, labels, rest, channels):
    less = np.array(maps)
    for channel in channels:
        less[:, :, :, channel] = 0
    return (rest(maps).argmax(axis=1) == labels).mean() - (rest(less).argmax(axis=1) == labels).mean()


def lost_in_place(maps, labels, rest, channels):
    before = right(maps, labels, rest)
    maps[..., channels] = 0
    return before - right(maps, labels, rest)


def sure(maps, labels, rest):
    return np.mean([one[label] for one, label in zip(rest(maps), labels, strict=True)])


STUBS = {
    1: "?",
    2: lambda maps, labels: ...,
    3: lambda maps: None,
    4: (..., ORIGINAL, network, TARGET),
    5: "?",
    6: lambda image, kernel, bias: None,
    7: window(*[None] * 4),
    8: letters("???"),
    9: lambda maps, labels, rest, channels: ...,
    10: letters("???"),
}
RIGHT = {
    1: ["c", " C ", "(c)"],
    2: [
        means_by_loop,
        lambda m, y: np.bincount(y, m.mean(axis=(1, 2))) / np.bincount(y),
        lambda m, y: tuple(np.float32(m[y == k].mean()) for k in sorted(set(y.tolist()))),
    ],
    3: [dead_by_loop, lambda m: (m == 0).all(axis=(0, 1, 2)), lambda m: m.sum(axis=(0, 1, 2)) == 0],
    4: [
        (fooling(), ORIGINAL, network, TARGET),
        (fooling(6, 8).astype(np.float32), ORIGINAL.astype(np.uint8), network, np.int64(TARGET)),
        (fooling(8, 8).tolist(), ORIGINAL.tolist(), lambda images: network(images).tolist(), TARGET),
    ],
    5: ["b", "(B)", "b."],
    6: [by_loop, by_scipy, by_keras, by_helper],
    7: [window(12, 31, 36, 55), window("12", 31.0, np.int64(36), np.float32(55)), window(*np.array([12, 31, 36, 55]))],
    8: dressed("bca"),
    9: [
        lost,
        lost_by_assignment,
        lambda m, y, rest, k: np.subtract(*((rest(x).argmax(1) == y).mean() for x in (m, without(m, k)))),
    ],
    10: dressed("cab"),
}
WRONG = {
    1: [("a", "something is added to their sum"), ("b", "an image of ones"), ("d", "the same from the same image")],
    2: [
        (
            lambda m, y: [sum(one.sum() for one, k in zip(m, y, strict=True) if k == c) for c in set(y)],
            "Take means",
        ),
        (lambda m, y: [max(one.max() for one, k in zip(m, y, strict=True) if k == c) for c in set(y)], "largest"),
        (
            lambda m, y: [m[y == k].reshape(sum(y == k), -1).max(1).mean() for k in range(max(y) + 1)],
            "mean of the peaks",
        ),
        (lambda m, y: [m[y == k].sum() / sum(y == k) for k in range(max(y) + 1)], "each map is summed up"),
        (lambda m, y: [m[y == k].sum() / m.size for k in range(max(y) + 1)], "the pixels of all images"),
        (lambda m, y: np.bincount(y, m.mean(axis=(1, 2)), 10) / np.maximum(np.bincount(y, minlength=10), 1), "be ten"),
        (lambda m, y: [m[y == k].mean() if k in y else np.nan for k in range(10)], "labels.max() + 1"),
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
        (lambda m: m.max(axis=(0, 1, 2)) < 1e-2, "responds rarely, or weakly, is not dead"),
        (lambda m: m.max(axis=(0, 1, 2)) < 1e-3, "responds rarely, or weakly, is not dead"),
        (lambda m: np.median(m, axis=(0, 1, 2)) == 0, "responds rarely, or weakly, is not dead"),
        (lambda m: ~m[0].any(axis=(0, 1)), "only one image"),
        (lambda m: ~m[-1].any(axis=(0, 1)), "only one image"),
        (lambda m: m.std(axis=(0, 1, 2)) == 0, "the same everywhere is not dead"),
        (lambda m: (m == 0).all(axis=(1, 2)), "one for each image and channel"),
        (lambda m: (m == 0).all(axis=(1, 2, 3)), "The channels are axis 3"),
        (lambda m: m.max(axis=(0, 1, 2)), "those are the largest values"),
        (lambda m: (m == 0).all(axis=0), "it returned shape (4, 4, 7) where (7,) is right"),
    ],
    4: [
        ((ORIGINAL, ORIGINAL, network, TARGET), "that is the original itself"),
        ((fooling(9), ORIGINAL, network, TARGET), "a pixel changes by 9; at most 8"),
        ((fooling(8.1), ORIGINAL, network, TARGET), "a pixel changes by 8.1; at most 8"),
        ((fooling(2), ORIGINAL, network, TARGET), "a probability of 10.5%, more than before. The goal is 90%"),
        ((fooling(-4), ORIGINAL, network, TARGET), "a probability of 0.0%, no more than before"),
        ((fooling(), ORIGINAL, network, 4), "the original is of the target class already"),
        ((fooling()[:3], ORIGINAL, network, TARGET), "must have the shape (6, 10, 3), but it has (3, 10, 3)"),
        ((fooling()[np.newaxis], ORIGINAL, network, TARGET), "but it has (1, 6, 10, 3)"),
        ((ORIGINAL - 101, ORIGINAL, network, TARGET), "not from 0 to 255: clip the image"),
        ((ORIGINAL + 250, ORIGINAL, network, TARGET), "not from 0 to 255"),
        ((ORIGINAL + np.nan, ORIGINAL, network, TARGET), "not finite numbers"),
        (("image", ORIGINAL, network, TARGET), "must be an array of numbers"),
        (([[1], [2, 3]], ORIGINAL, network, TARGET), "must be an array of numbers, but it is [[1], [2, 3]]"),
    ],
    5: [
        ("a", "probabilities. [2] would be those of a third image"),
        ("c", "gives conv3 the pixels"),
        ("d", "its weights"),
    ],
    6: [
        (lambda i, k, b: by_loop(i, k, b, cut=float), "ReLU is missing"),
        (lambda i, k, b: by_loop(i, k, b, cut=abs), "does not turn its sign"),
        (lambda i, k, b: by_loop(i, k, 0), "the bias is missing"),
        (lambda i, k, b: by_loop(i, k, 0) + b, "the bias comes before ReLU"),
        (lambda i, k, b: by_loop(i, k, 0, step=lambda p, k: p * k + b), "once for each number of the map"),
        (lambda i, k, b: by_loop(i, k[::-1, ::-1], b), "the kernel is turned"),
        (lambda i, k, b: by_loop(i, k, b * k.shape[2]), "not once for each channel"),
        (
            lambda i, k, b: sum(by_loop(i[..., [c]], k[..., [c]], 0) for c in range(i.shape[2])) + b,
            "ReLU comes at the end",
        ),
        (lambda i, k, b: by_keras(i, k, b)[..., None], "where (6, 8) is right, with the right numbers"),
        (
            lambda i, k, b: (
                np.maximum(convolve_volume(i, k[..., None], np.array([b])), 0)[..., 0]
                if len(i) >= len(k)
                else np.zeros((0, i.shape[1] - len(k) + 1))
            ),
            "the map is smaller than the image",
        ),
        *(
            (lambda i, k, b, mode=mode: by_loop(i, k, b, pad=padded_like(mode)), "the border is wrong")
            for mode in ("edge", "reflect", "symmetric", "wrap")
        ),
        (
            lambda i, k, b: np.stack([by_loop(i[..., c : c + 1], k[..., c : c + 1], b) for c in range(i.shape[2])], -1),
            "maps of each channel by itself",
        ),
        (lambda i, k, b: by_loop(i[..., :1], k[..., :1], b), "only the first channel"),
        (lambda i, k, b: by_loop(i, k / i.shape[2], b), "the mean over the channels"),
        (lambda i, k, b: by_loop(i, k, b, step=lambda p, k: np.mean(p * k)), "the mean of the products"),
        (lambda i, k, b: by_loop(i, 2 * k, b), "it returned"),
        (lambda i, k, b: by_loop(i, k, b).T, "it returned"),
        (lambda i, k, b: i.sum(axis=2) + k, "your function raised ValueError"),
    ],
    7: [
        (window(20, 31, 36, 55), "all start 8 earlier"),
        (window(28, 31, 36, 55), "subtract the 8"),
        (window(92, 31, 36, 55), "windows overlap"),
        (window(5, 31, 36, 55), "that is the row of the map"),
        (window(36, 55, 12, 31), "the row comes first"),
        (window(12, 32, 36, 55), "that pixel is not seen any more"),
        (window(12, 15, 36, 55), "each is 20 wide"),
        (window(12, 39, 36, 55), "the first window starts 8 pixels before the image"),
        (window(12, 31, 36, 56), "right = 56: that pixel"),
        (window(12, 31, 11, 55), "that is the column of the map"),
        (window(13, 31, 36, 55), "top = 13 is too large"),
        (window("12, 31", 31, 36, 55), "without a comma"),
    ],
    8: one_wrong(
        "bca",
        Aa="nothing of all other images",
        Ac="Silence it, and compare",
        Ba="more would be seen in them",
        Bb="The window is too small for it",
        Cb="it began as noise",
        Cc="no image of the data ever was",
    ),
    9: [
        (lambda m, y, rest, k: right(without(m, k), y, rest), "the accuracy that is left"),
        (lambda m, y, rest, k: right(m, y, rest), "the accuracy with all channels"),
        (lambda m, y, rest, k: 1 - right(without(m, k), y, rest), "the share of mistakes"),
        (lambda m, y, rest, k: sum(lost(m, y, rest, [one]) for one in k), "one channel after the other"),
        (lambda m, y, rest, k: round(lost(m, y, rest, k), 2), "it returned 0.29 where 0.285714 is right"),
        (
            lambda m, y, rest, k: np.subtract(
                *(np.mean(rest(x)[np.arange(len(y)), y] > 0.5) for x in (m, without(m, k)))
            ),
            "it returned",
        ),
        (lambda m, y, rest, k: -lost(m, y, rest, k), "the other way round"),
        (lambda m, y, rest, k: abs(lost(m, y, rest, k)), "keep the sign"),
        (lambda m, y, rest, k: lost(m, y, rest, k) * (lost(m, y, rest, k) > 0), "Then the loss is below 0"),
        (lambda m, y, rest, k: right(m, y, rest) - right(without(m, k, keep=True), y, rest), "and keep these"),
        (
            lambda m, y, rest, k: (
                lost(m, y, rest, [])
                + right(m, y, rest)
                - right(m * ~np.isin(np.arange(m.shape[1]), k)[:, None, None], y, rest)
            ),
            "you silence rows",
        ),
        (lambda m, y, rest, k: lost(m, y, rest, k[:1]), "only the first of the channels"),
        (lambda m, y, rest, k: 100 * lost(m, y, rest, k), "in percentage points"),
        (lambda m, y, rest, k: int(np.rint(len(y) * lost(m, y, rest, k))), "a number of images"),
        (lambda m, y, rest, k: lost(m, y, rest, k) / right(m, y, rest), "a share of the accuracy"),
        (lambda m, y, rest, k: sure(m, y, rest) - sure(without(m, k), y, rest), "those are probabilities"),
        (lost_in_place, "your function changed its input"),
        (lambda m, y, rest, k: rest(m[..., k]), "your function raised ValueError: rest gets maps (N, h, w, 6)"),
        (lambda m, y, rest, k: lost(m, y, rest, k) / 2, "it returned 0.25 where 0.5 is right"),
    ],
    10: one_wrong(
        "cab",
        Aa="that is training",
        Ab="divided by 0.6 in training",
        Bb="a mirrored 2",
        Bc="a 6 turned by 180°",
        Ca="3 × 3 × 8 weights",
        Cc="biases are missing",
    ),
}
MISSING = [
    (1, "e", "answer with one of the letters a, b, c, d"),
    (2, None, "define the function"),
    (4, None, "make the image"),
    (4, "?", "make the image"),
    (4, fooling(), "give all four"),
    (4, (fooling(), ORIGINAL, network), "give all four"),
    (4, (fooling(), ORIGINAL, TARGET, network), "give all four"),
    (4, (fooling(), ORIGINAL, network, None), "give all four"),
    (4, (fooling(), ORIGINAL, network, "ship"), "give all four"),
    (4, (fooling(), ORIGINAL, network, CLASSES), "give all four"),
    (4, (fooling(), ORIGINAL, network, -1), "give all four"),
    (4, (fooling(), ORIGINAL, network, TARGET, 1), "give all four"),
    (4, (fooling(), None, network, TARGET), "give all four"),
    (4, (fooling(), ORIGINAL[0], network, TARGET), "give all four"),
    (5, "conv3", "answer with one of the letters a, b, c, d"),
    (6, None, "define the function"),
    (7, window(12, None, 36, ...), "fill in bottom, right"),
    (7, [12, 31, 36, 55], "keep the dictionary with the names top, bottom"),
    (8, letters("b?a"), "B: put one of the letters a, b, c"),
    (9, lambda *given: None, "write the body of the function"),
    (10, letters("c?b"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "06", STUBS, RIGHT, WRONG, MISSING


def test_an_image_may_change_by_8_gray_levels_and_a_rounding(said):
    load_checks("06")(4, (fooling(8.0005), ORIGINAL, network, TARGET))
    assert said().startswith("✓ yes")
    before = fooling(), ORIGINAL.copy()
    load_checks("06")(4, (before[0], before[1], network, TARGET))
    np.testing.assert_array_equal(before[0], fooling())
    np.testing.assert_array_equal(before[1], ORIGINAL)


def test_89_96_percent_do_not_read_like_90(said):
    def nearly(images):
        return np.eye(CLASSES)[[4 if (images[0] == ORIGINAL).all() else TARGET]] * 0.8996

    load_checks("06")(4, (fooling(), ORIGINAL, nearly, TARGET))
    assert "a probability of 89.9%, more than before. The goal is 90%." in said()


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
def test_no_image_or_network_raises(said):
    answers = [
        *((fooling(), ORIGINAL, face, TARGET) for face in [*FACES, *VALUES]),
        *((value, ORIGINAL, network, TARGET) for value in [*VALUES, *FUNCTIONS]),
        *((fooling(), value, network, TARGET) for value in VALUES),
        *((fooling(), ORIGINAL, network, value) for value in VALUES if value is not True),  # as an index, True is 1
    ]
    for answer in answers:
        load_checks("06")(4, answer)
        assert said().startswith(("… not yet: ", "✗ no: ")), answer


def test_a_network_that_answers_nan_is_not_fooled(said):
    load_checks("06")(4, (fooling(), ORIGINAL, lambda images: network(images) * np.nan, TARGET))
    assert said().startswith("✗ no: the network gives the target a probability of nan%, no more than before.")


# --- images and networks that come with the lesson ---


@pytest.fixture(scope="module")
def shown():
    """The critters as the lesson loads them, one of them, its network, and what it should be taken for."""
    dataset = load_dataset("critters", limit=200)
    images, labels = dataset.test
    return dataset, images[3], load_model("critters"), (int(labels[3]) - 1) % len(dataset.class_names)


def ascended(original, model, target, steps=30):
    start = original[np.newaxis].astype("float32")
    changed = tf.Variable(start)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            goal = tf.math.log(model(changed)[0, target] + 1e-12)
        changed.assign_add(tf.sign(tape.gradient(goal, changed)))
        changed.assign(tf.clip_by_value(tf.clip_by_value(changed, start - 8, start + 8), 0, 255))
    return changed[0].numpy()


def test_the_network_of_the_lesson_judges_whatever_network_is_given(shown, said):
    _, original, model, target = shown
    fooled = ascended(original, model, target)
    nudged = np.clip(original.astype(float) + 1, 0, 255)

    def obliging(images):
        return np.eye(CLASSES)[[target if np.any(image != original) else (target + 1) % CLASSES for image in images]]

    for given in (model, obliging, keras.Sequential([keras.Input((64, 64, 3)), model])):
        load_checks("06")(4, (fooled, original, given, target))
        assert said().startswith("✓ yes")
        load_checks("06")(4, (nudged, original, given, target))
        assert "The goal is 90%" in said()
    load_checks("06")(4, (original, original, obliging, target))
    assert "that is the original itself" in said()


def test_the_original_is_an_image_of_the_lesson(shown, said):
    _, original, model, target = shown
    other = critters.critter("test", 7, seed=5).image
    load_checks("06")(4, (other, other, model, target))
    assert said().startswith("✗ no: that is no image of this lesson. Give original as it is.")
    near = original.astype(float)
    near[20:40, 20:40] += np.random.default_rng(0).normal(0, 3, (20, 20, 1))
    load_checks("06")(4, (near, near, model, target))  # the image of the lesson is what counts
    assert said().startswith("✗ no: a pixel changes by ")


def test_windows_are_those_of_the_network():
    """The numbers in exercise 7 and in those drawn anew."""
    model, (size, step, start), found = load_model("critters"), (1, 1, 0), {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            start -= layer.kernel_size[0] // 2 * step
            size += (layer.kernel_size[0] - 1) * step
        elif isinstance(layer, keras.layers.MaxPooling2D):
            size, step = size + (layer.pool_size[0] - 1) * step, step * layer.pool_size[0]
        found[layer.name] = (layer.name, size, step, -start)
    assert [*LAYERS] == [found[name] for name in ("conv2", "conv3", "conv4")]

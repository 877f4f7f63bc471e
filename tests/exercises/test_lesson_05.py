"""The exercises of lesson 05, data augmentation: right answers, typical mistakes with their messages."""

from helpers.engine import keras
from helpers.exercises import load_checks

import numpy as np
import pytest
from exercise_tools import Answers, dressed, letters, not_written, one_wrong
from network_tools import LABELS, ROWS, augmented, batches, fake, row_reader


def keeps(**changed):
    """The right table of exercise 2 of lesson 05, but for some cells: ``mirror_arrows=True``."""
    right = {
        "mirror": {"digits": False, "critters": True, "arrows": False},
        "shift by 5%": {"digits": True, "critters": True, "arrows": True},
        "other hue": {"digits": True, "critters": True, "arrows": True},
        "turn by 180°": {"digits": False, "critters": True, "arrows": False},
    }
    for cell, value in changed.items():
        word, data = cell.split("_")
        right[next(change for change in right if change.startswith(word))][data] = value
    return right


def cutmix(image, label, other, other_label, top, left, height, width):
    mixed = image.copy()
    mixed[top : top + height, left : left + width] = other[top : top + height, left : left + width]
    share = height * width / (image.shape[0] * image.shape[1])
    return mixed, (1 - share) * label + share * other_label


def cutmix_by_mask(image, label, other, other_label, top, left, height, width):
    mask = np.zeros(image.shape[:2], bool)
    mask[top : top + height, left : left + width] = True
    share = mask.mean()
    mixed = np.where(mask[..., np.newaxis], other, image)
    return [mixed.tolist(), [float(a + share * (b - a)) for a, b in zip(label, other_label, strict=True)]]


def cutmix_by_loop(image, label, other, other_label, top, left, height, width):
    mixed, taken = np.array(image, "float32"), 0
    for row in range(top, top + height):
        for col in range(left, left + width):
            mixed[row, col] = other[row, col]
            taken += 1
    share = taken / image[..., 0].size
    return mixed, np.float32(label - share * label + share * other_label)


def cutmix_with(pixels=None, label=None):
    """The right function, but for what ``pixels`` or ``label`` make of the same arguments."""

    def answer(*given):
        mixed, mixed_label = cutmix(*given)
        return (pixels(*given) if pixels else mixed), (label(*given) if label else mixed_label)

    return answer


def in_the_corner(image, label, other, other_label, top, left, height, width):
    mixed = image.copy()
    mixed[top : top + height, left : left + width] = other[:height, :width]
    return mixed


def across(image, label, other, other_label, top, left, height, width):
    mixed = image.copy()
    mixed[left : left + width, top : top + height] = other[left : left + width, top : top + height]
    return mixed


def cut_out(image, label, other, other_label, top, left, height, width):
    mixed = image.copy()
    mixed[top : top + height, left : left + width] = 0
    return mixed


def share_set(image, label, other, other_label, top, left, height, width):
    mixed, share = np.zeros(len(label)), height * width / image[..., 0].size
    mixed[label.argmax()], mixed[other_label.argmax()] = 1 - share, share
    return mixed


def share_of_changed_pixels(image, label, other, other_label, *place):
    share = (cutmix(image, label, other, other_label, *place)[0] != image).mean()
    return (1 - share) * label + share * other_label


def without_start(image, label, other, other_label, top, left, height, width):
    mixed = image.copy()
    mixed[top:height, left:width] = other[top:height, left:width]
    return mixed


def into_the_image(image, label, other, other_label, top, left, height, width):
    image[top : top + height, left : left + width] = other[top : top + height, left : left + width]
    return image


def always_augmented():
    """As with augmentation that was called with training=True."""
    network, random = fake(), np.random.default_rng(0)
    sure = network.predict
    network.predict = lambda images, verbose: (
        0.9 * sure(images, verbose) + 0.1 * random.dirichlet(np.ones(10), len(images))
    )
    return network


STRENGTH = {"factor": 0.125, "pixels": 6}
STUBS = {
    1: "?",
    2: {
        change: dict.fromkeys(("digits", "critters", "arrows"))
        for change in ("mirror", "shift by 5%", "other hue", "turn by 180°")
    },
    3: lambda image, label, other, other_label, top, left, height, width: None,
    4: (..., None),
    5: letters("???"),
    6: {"factor": None, "pixels": None},
    7: letters("????"),
    8: letters("???"),
}
RIGHT = {
    1: ["b", "B", ("b",)],
    2: [
        keeps(),
        {change: {data: np.bool_(kept) for data, kept in row.items()} for change, row in keeps().items()},
        keeps() | {"crop": None},
    ],
    3: [cutmix, cutmix_by_mask, cutmix_by_loop],
    4: [
        (fake(), batches()),
        (fake(), batches(0.65)),
        (fake(), [(255 * ROWS, LABELS)]),
    ],
    5: dressed("bac"),
    6: [STRENGTH, {"factor": 45 / 360, "pixels": "6"}, {"factor": "0.125", "pixels": 6.0}],
    7: dressed("bcab"),
    8: dressed("cab"),
}
WRONG = {
    1: [("a", "labels are right"), ("c", "says 9"), ("d", "nothing checks")],
    2: [
        (keeps(mirror_digits=True), "'mirror' and digits: a mirrored 2 or 7"),
        (keeps(mirror_critters=False), "a mirrored fox"),
        (keeps(mirror_arrows=True), "the other class"),
        (keeps(shift_digits=False), "the same digit"),
        (keeps(shift_critters=False), "stand anywhere"),
        (keeps(shift_arrows=np.False_), "anywhere in the image"),
        (keeps(other_digits=False), "the digits are gray"),
        (keeps(other_critters=False), "only the shape"),
        (keeps(other_arrows=False), "a green arrow"),
        (keeps(turn_digits=True), "a 6 becomes a 9"),
        (keeps(turn_critters=False), "an owl on its head"),
        (keeps(turn_arrows=True), "points to the right"),
        ({change: row | {"arrow": 1} for change, row in list(keeps().items())[1:]}, "keep the dictionaries"),
        (
            {change: {"digits": 1, "critters": 1, "arrow": 1} for change in keeps()},  # a name is misspelled
            "keep the dictionaries",
        ),
        ({change: True for change in keeps()}, "keep the dictionaries"),
        ([True] * 12, "keep the dictionaries"),
    ],
    3: [
        (cutmix_with(pixels=lambda image, *_: image), "the image is unchanged"),
        (cutmix_with(pixels=in_the_corner), "from the corner of `other`"),
        (cutmix_with(pixels=lambda a, la, b, lb, *place: cutmix(b, lb, a, la, *place)[0]), "other way round"),
        (cutmix_with(pixels=across), "rows and columns are mixed up"),
        (
            cutmix_with(pixels=lambda a, la, b, lb, t, le, h, w: across(a, la, b, lb, t, le, w, h)),
            "rows and columns are mixed up",
        ),
        (
            cutmix_with(pixels=lambda a, la, b, lb, t, le, h, w: a + h * w / a[..., 0].size * (b - a)),
            "all pixels are mixed, as MixUp does",
        ),
        (cutmix_with(pixels=cut_out), "the rectangle is black"),
        (cutmix_with(pixels=without_start), "Rows top to top + height"),
        (cutmix_with(pixels=into_the_image), "your function changed its input: copy it first"),
        (
            cutmix_with(pixels=lambda a, la, b, lb, *place: into_the_image(b, lb, a, la, *place)),
            "your function changed its input: copy it first",
        ),
        (cutmix_with(pixels=lambda image, *_: image[:4]), "must have the shape (8, 8, 1), but it has (4, 8, 1)"),
        (cutmix_with(pixels=lambda image, *_: None), "but one is None"),
        (cutmix_with(pixels=lambda image, *_: image * np.nan), "but one is nan at place [0, 0, 0]"),
        (lambda *given: cutmix(*given)[::-1], "in the wrong order"),
        (cutmix_with(label=lambda *given: np.round(cutmix(*given)[1])), "or rounded to it"),
        (cutmix_with(label=lambda *given: cutmix(*given)[1].astype(int)), "a share of each class"),
        (cutmix_with(label=lambda *given: [round(share, 2) for share in cutmix(*given)[1]]), "the shares are rounded"),
        (cutmix_with(label=lambda *given: np.round(cutmix(*given)[1], 3)), "the shares are rounded"),
        (cutmix_with(label=share_set), "the second share takes the place of the first"),
        (cutmix_with(label=share_of_changed_pixels), "pixels that are alike in both images count as well"),
        (
            cutmix_with(label=lambda *given: cutmix(*given)[1][None]),
            "the shape (3,), a share of each class, but it has",
        ),
        (
            cutmix_with(label=lambda a, la, b, lb, t, le, h, w: la + h * w / (len(a) + a.shape[1]) * (lb - la)),
            "area of the image: 0.0938 here",  # 3 / 8 for the first case, which is the share of the height
        ),
        (cutmix_with(label=lambda a, la, *_: la), "still that of `image`"),
        (cutmix_with(label=lambda a, la, b, lb, *_: lb), "that of `other` alone"),
        (
            cutmix_with(label=lambda a, la, b, lb, *place: cutmix(a, lb, b, la, *place)[1]),
            "the shares are the wrong way round",
        ),
        (cutmix_with(label=lambda a, la, b, lb, *_: (la + lb) / 2), "half and half"),
        (cutmix_with(label=lambda a, la, b, lb, t, le, h, w: la + h / len(a) * (lb - la)), "not of the height"),
        (cutmix_with(label=lambda a, la, b, lb, t, le, h, w: la + w / a.shape[1] * (lb - la)), "not of the width"),
        (
            cutmix_with(label=lambda a, la, b, lb, t, le, h, w: la + h * w / a.size * (lb - la)),
            "image.size counts the channels",
        ),
        (cutmix_with(label=lambda a, la, b, lb, *_: la + lb), "shares must add up to 1"),
        (cutmix_with(label=lambda a, la, b, lb, *_: 0.8 * la + 0.2 * lb), "area of the image: 0.0938 here"),
        (cutmix_with(label=lambda a, la, b, lb, *_: 3 * la), "a share of each class"),
        (cutmix_with(label=lambda *_: 2), "a share of each class"),
        (cutmix_with(label=lambda *_: None), "but one is None"),
        (cutmix_with(label=lambda *_: "fox"), "arrays of numbers"),
        (lambda *given: cutmix(*given)[0], "return two things"),
        (lambda *given: (*cutmix(*given), 1), "return two things"),
        (lambda image, label: (image, label), "raised TypeError"),
        (cutmix(np.ones((4, 4, 1)), np.ones(2), np.ones((4, 4, 1)), np.ones(2), 0, 0, 1, 1), "without parentheses"),
    ],
    4: [
        ((fake(layers=[keras.layers.Dense(2)]), batches()), "there is no augmentation layer in it"),
        (
            (fake(layers=[keras.layers.Conv2D(4, 3), keras.layers.RandomFlip()]), batches()),
            "the augmentation comes too late: put it before the first convolution.",
        ),
        ((fake(), batches(0.1)), "it gets 10.0% of the validation images right. Is it trained, with a Rescaling layer"),
        ((fake(), batches(0.5)), "it gets 50.0% of the validation images right. The goal is 65%."),
        (
            (row_reader([keras.layers.Rescaling(1 / 255), keras.layers.RandomFlip()]), batches()),
            "Rescaling comes before the augmentation",
        ),
        ((row_reader([keras.layers.RandomTranslation(0, 0)]), batches()), "RandomTranslation changes nothing"),
        ((always_augmented(), batches()), "two predictions of the same images differ"),
        ((fake(), batches(0.64)), "it gets 64.0% of the validation images right. The goal is 65%: close."),
    ],
    5: one_wrong(
        "bac",
        Aa="names of the files",
        Ac="no table is read",
        Bb="before the cache",
        Bc="the first epoch fills it",
        Ca="nothing is kept",
        Cb="size of a batch stays",
    ),
    6: [
        ({**STRENGTH, "factor": 45}, "in degrees"),
        ({**STRENGTH, "factor": 12.5}, "in percent"),
        ({**STRENGTH, "factor": np.pi / 4}, "in radians"),
        ({**STRENGTH, "factor": 0.25}, "up to 90°"),
        ({**STRENGTH, "factor": 0.0625}, "22.5° to each side"),
        ({**STRENGTH, "factor": 0.5}, "up to 180°"),
        ({**STRENGTH, "factor": 8}, "turn it over"),
        ({**STRENGTH, "pixels": 0.1}, "that is the share"),
        ({**STRENGTH, "pixels": 12}, "from the one end to the other"),
        ({**STRENGTH, "pixels": 3}, "not in all"),
        ({**STRENGTH, "pixels": 54}, "stays in the picture"),
        ({**STRENGTH, "pixels": 10}, "a tenth of 60"),
        ({**STRENGTH, "pixels": 7}, "too large"),
    ],
    7: one_wrong(
        "bcab",
        Aa="the label is lost",
        Ac="teach the network little",
        Ba="changed as well",
        Bb="may hide it",
        Cb="many reasons",
        Cc="on all the time",
        Da="one changed image",
        Dc="no weights change",
    ),
    8: one_wrong(
        "cab",
        Aa="the frequency sets how wide",
        Ab="out of step sooner",
        Bb="knows each image by heart",
        Bc="on new images it guesses",
        Ca="shares a few weights",
        Cc="no parameters at all",
    ),
}
MISSING = [
    (1, "no", "answer with one of the letters a, b, c, d"),
    (2, keeps(turn_arrows=None), "there is no True or False yet for 'turn by 180°' and arrows"),
    (2, keeps(mirror_digits="False"), "there is no True or False yet for 'mirror' and digits"),
    (2, keeps(shift_critters=1), "write True or False for 'shift by 5%' and critters, not 1."),
    (2, keeps(turn_digits=0.0), "write True or False for 'turn by 180°' and digits, not 0.0."),
    (2, keeps(mirror_digits=2), "there is no True or False yet for 'mirror' and digits"),
    (3, None, "define the function"),
    (3, not_written, "write the body of the function"),
    (4, (..., batches()), "build and train a network"),
    (4, augmented(), "give the trained model and the batches"),
    (4, (augmented(), None), "give the trained model and the batches"),
    (4, (augmented(), (ROWS, LABELS)), "give the trained model and the batches"),
    (4, (keras.Sequential, batches()), "give the trained model and the batches"),
    (5, letters("b?c"), "B: put one of the letters a, b, c"),
    (6, {"factor": 0.125, "pixels": None}, "fill in pixels."),
    (7, letters("bca?"), "D: put one of the letters a, b, c"),
    (8, letters("c?b"), "B: put one of the letters a, b, c"),
]


class TestAnswers(Answers):
    lesson, stubs, right, wrong, missing = "05", STUBS, RIGHT, WRONG, MISSING


class Turns(keras.layers.Layer):
    """Augmentation in a class of the learner's own, made of layers of Keras."""

    def __init__(self):
        super().__init__()
        self.flip, self.move = keras.layers.RandomFlip("horizontal"), keras.layers.RandomTranslation(0.1, 0.1)

    def call(self, images, training=False):
        return self.move(self.flip(images, training=training), training=training)


class Noise(keras.layers.Layer):
    """The same without any layer of Keras."""

    def call(self, images, training=False):
        return images + keras.random.normal(keras.ops.shape(images)) if training else images


class Fixed(keras.layers.Layer):
    """What changes images in training and prediction alike is none."""

    def call(self, images):
        return images * 0.9


def test_batches_without_end_are_told(said):
    load_checks("05")(4, (augmented(), batches().repeat()))
    assert said() == ("✗ no: these batches have more than 20,000 images. Give validation_batches, without repeat().\n")


def judge(model, right=1.0):
    load_checks("05")(4, (model, batches(right)))


@pytest.mark.parametrize(
    "augmentation",
    [
        [keras.layers.RandomContrast(0.2)],
        [keras.layers.RandAugment()],
        [keras.layers.AugMix()],
        [keras.Sequential([keras.layers.RandomRotation(0.1), keras.layers.RandomZoom(0.1)])],
        [keras.layers.Pipeline([keras.layers.RandomFlip("vertical")])],
        [keras.layers.GaussianNoise(0.1), keras.layers.RandomErasing()],
        [Turns()],
        [Noise()],
    ],
    ids=lambda augmentation: augmentation[-1].name,
)
def test_any_augmentation_counts(augmentation, said):
    judge(row_reader(augmentation, 1 / 255))
    assert said().startswith("✓ yes")


@pytest.mark.parametrize(
    "augmentation",
    [
        [],
        [keras.layers.Rescaling(1)],
        [keras.layers.GaussianNoise(0.1), keras.layers.Dropout(0.1)],
        [keras.layers.Resizing(10, 4)],
        [Fixed()],
    ],
)
def test_a_model_without_augmentation_is_named(augmentation, said):
    judge(row_reader(augmentation, 1 / 255))
    assert said().startswith("✗ no: there is no augmentation layer in it")


def test_augmentation_layers_may_cut_or_seldom_work(said):
    keras.utils.set_random_seed(0)
    judge(row_reader([keras.layers.RandomErasing(factor=0.05)], 1 / 255))
    assert said().startswith("✓ yes")
    judge(row_reader([keras.layers.RandomCrop(8, 3), keras.layers.Resizing(10, 4)], 1 / 255))
    assert said().startswith(("✓ yes", "✗ no: it gets "))


class Own(keras.Model):
    """A network whose layers are named in another order than they work in."""

    def __init__(self, scale, begin=lambda images, flip, training: flip(images, training=training)):
        super().__init__()
        self.conv, self.begin = keras.layers.Conv2D(1, 1), begin
        self.flip, self.rows = keras.layers.RandomFlip("horizontal"), row_reader(scale=scale)

    def call(self, images, training=False):
        self.conv(images)
        return self.rows(self.begin(images, self.flip, training), training=training)


def test_what_counts_is_where_images_go_in_training(said):
    judge(Own(1 / 255))
    assert said().startswith("✓ yes")
    judge(Own(1, lambda images, flip, training: flip(images / 255, training=training)))
    assert "something before it has changed the pixels" in said()
    judge(Own(1 / 255, lambda images, flip, training: images))
    assert said().startswith("✗ no: RandomFlip is in the network, but in training no image goes through it.")
    judge(Own(1 / 255, lambda images, flip, training: flip(images, training=False)))
    assert said().startswith("✗ no: RandomFlip changes nothing in training")
    judge(row_reader([keras.layers.Normalization(mean=0, variance=255**2), keras.layers.RandomFlip("horizontal")]))
    assert said().startswith("✗ no: the augmentation must begin, but something before it has changed the pixels.")


def test_nothing_of_a_network_changes_when_it_is_judged(said):
    model = row_reader([keras.layers.RandomFlip("horizontal"), keras.layers.BatchNormalization()], 1 / 255, knows=False)
    before = model.get_layer(index=1).get_weights()
    judge(model)
    assert said().startswith("✗ no: it gets")
    assert all(map(np.array_equal, before, model.get_layer(index=1).get_weights()))
    assert "call" not in vars(model.get_layer(index=0))


def test_an_augmentation_behind_a_convolution_comes_too_late(said):
    judge(fake(layers=[keras.layers.Conv2D(4, 3), keras.layers.RandomFlip(), keras.layers.Dense(2)]))
    assert said().startswith("✗ no: the augmentation comes too late")


def test_pixels_are_those_of_the_batches(said):
    seen = []
    judge(fake(predict=lambda images, verbose: seen.append(images) or images[:, :, 0, 0] / 255))
    assert said().startswith("✓ yes")
    np.testing.assert_allclose(seen[0], 255 * ROWS, rtol=1e-6)


def test_batches_may_be_of_any_kind(said):
    pairs = list(zip(np.split(255 * ROWS, 4), np.split(LABELS, 4), strict=True))
    answers = [
        batches(),
        batches(size=7),
        batches().cache().prefetch(2),
        batches(one_hot=True),  # as MixUp needs them
        list(batches()),
        pairs,
        ((x.astype(np.uint8), y.tolist()) for x, y in pairs),
    ]
    model = augmented()
    for answer in answers:
        load_checks("05")(4, (model, answer))
        assert said().startswith("✓ yes")

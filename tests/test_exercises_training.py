"""The exercises of lessons 04 and 05: trained models, here with weights set by hand; and answers of any kind."""

import re
import types

from helpers.checks import load_checks
from helpers.exercises import EXERCISES
from helpers.startup import import_tensorflow

import keras
import numpy as np
import pytest
from any_answers import FUNCTIONS, VALUES, mutating, raising
from keras import layers

tf = import_tensorflow()

CLASSES = 10
LABELS = np.arange(200) % CLASSES
IMAGES = np.eye(CLASSES, dtype="float32")[LABELS].reshape(-1, CLASSES, 1, 1) * np.ones((1, 1, 4, 3), "float32")
"""Images of 10 × 4 × 3, from 0 to 1: the bright row tells the class."""


def labels_with(right):
    """Labels of which a model that knows all classes gets that share right."""
    return np.where(np.arange(len(LABELS)) < round(right * len(LABELS)), LABELS, (LABELS + 1) % CLASSES)


def reader(augmentation=(), scale=1.0, knows=True, hidden=0):
    """A Keras model that reads the bright row, or knows nothing."""
    wide = [layers.Dense(hidden, use_bias=False)] if hidden else []
    model = keras.Sequential(
        [
            keras.Input(IMAGES.shape[1:]),
            *augmentation,
            layers.Rescaling(scale),
            layers.Flatten(),
            *wide,
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile(run_eagerly=True)  # faster for a few images
    if knows:
        rows = 5 * np.repeat(np.eye(CLASSES), 12, axis=0)  # 4 × 3 numbers of a row of the image
        model.set_weights([rows, np.zeros(CLASSES)])
    return model


def fake(**changes):
    """Something with the face of a model that gets everything right, as far as needed."""
    face = {
        "layers": [layers.RandomFlip(), layers.Dense(2)],
        "count_params": lambda: 50_000,
        "predict": lambda images, verbose: images[:, :, 0, 0] / images[:, :, 0, 0].sum(axis=1, keepdims=True),
    }
    return types.SimpleNamespace(**face | changes)


def judge_04(model, right=1.0, images=IMAGES):
    load_checks("04")(5, (model, images, labels_with(right)))


def batches(right=1.0, size=64, one_hot=False):
    labels = labels_with(right)
    labels = np.eye(CLASSES, dtype="float32")[labels] if one_hot else labels
    return tf.data.Dataset.from_tensor_slices((255 * IMAGES, labels)).batch(size)


def judge_05(model, right=1.0):
    load_checks("05")(4, (model, batches(right)))


def augmented(**options):
    return reader([layers.RandomFlip("horizontal"), layers.RandomTranslation(0.1, 0.1)], 1 / 255, **options)


TASKS = {
    "04": (judge_04, reader),
    "05": (judge_05, augmented),
}
every_task = pytest.mark.parametrize(("judge", "build"), TASKS.values(), ids=TASKS.keys())


@pytest.fixture
def said(capsys):
    return lambda: capsys.readouterr().out


def goal_of(judge, model, said):
    """The goal as the message for a bad model states it."""
    judge(model, 0.5)
    return int(re.search(r"The goal is (\d+)%", said())[1]) / 100


# --- models that are judged by what they get right ---


@every_task
def test_a_model_at_the_goal_passes_and_one_below_it_does_not(judge, build, said):
    model = build()
    goal = goal_of(judge, model, said)
    for right in (1.0, goal):
        judge(model, right)
        assert said().startswith("✓ yes")
    judge(model, goal - 0.01)
    assert f"it gets {goal - 0.01:.1%} of the validation images right. The goal is {goal:.0%}: close." in said()
    judge(model, goal - 0.1)
    assert f"it gets {goal - 0.1:.1%} of the validation images right. The goal is {goal:.0%}." in said()


@every_task
def test_an_untrained_model_is_asked_for_its_training(judge, build, said):
    keras.utils.set_random_seed(0)
    judge(build(knows=False))
    assert re.search(r"✗ no: it gets \d+\.\d% of the validation images right\. Is it trained", said())


@every_task
@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (3 * np.eye(10)[LABELS], 'its numbers are no probabilities: give the last layer activation="softmax"'),
        (np.eye(10)[LABELS] - 0.5, "its numbers are no probabilities"),
        (np.eye(5)[LABELS % 5], "for each image it must give 10 numbers, but the shape of its answer is (200, 5)"),
        (np.eye(11)[LABELS], "(200, 11)"),
        (LABELS, "(200,)"),
        (np.eye(10)[LABELS].T, "(10, 200)"),
        (np.full((200, 10), np.nan), "it answers NaN: the training went wrong"),
    ],
)
def test_answers_must_be_probabilities_of_all_classes(judge, build, said, answers, reason):
    judge(fake(predict=lambda images, verbose: answers))
    text = said()
    assert text.startswith("✗ no: ")
    assert reason in text.splitlines()[0]


@every_task
def test_a_model_for_other_images_is_named(judge, build, said):
    model = keras.Sequential([keras.Input((5, 5, 1)), layers.RandomFlip(), layers.Flatten(), layers.Dense(10)])
    judge(model)
    assert "✗ no: it cannot take images of shape (10, 4, 3)" in said()


@every_task
def test_a_model_with_another_structure_is_judged_as_well(judge, build, said):
    inner = build()
    inputs = keras.Input(IMAGES.shape[1:])
    for model in (keras.Model(inputs, inner(inputs)), fake()):  # also without compile
        judge(model)
        assert said().startswith("✓ yes")


def test_pixels_of_lesson_04_are_given_as_they_are(said):
    seen = []
    judge_04(fake(predict=lambda images, verbose: seen.append(images) or images[:, :, 0, 0]))
    assert said().startswith("✓ yes")
    np.testing.assert_allclose(seen[0], IMAGES, atol=1e-6)
    judge_04(
        fake(predict=lambda images, verbose: seen.append(images) or images[:, :, 0, 0] / 2 + 0.5), images=2 * IMAGES - 1
    )
    assert said().startswith("✓ yes")
    np.testing.assert_allclose(seen[1], 2 * IMAGES - 1, atol=1e-6)
    judge_04(reader(), images=IMAGES.tolist())
    assert said().startswith("✓ yes")


def test_parameters_of_lesson_04_are_limited(said):
    limit = 50_000
    hidden = limit // (120 + CLASSES)
    for model, passes in (
        (fake(count_params=lambda: limit), True),
        (fake(count_params=lambda: limit + 1), False),
        (reader(knows=False, hidden=hidden), None),  # not too large, but knows nothing
        (reader(knows=False, hidden=hidden + 1), False),
    ):
        judge_04(model)
        text = said()
        if passes is None:
            assert "Is it trained?" in text
        else:
            assert text.startswith("✓ yes" if passes else f"✗ no: it has {model.count_params():,} parameters; at most")
        assert ("(It gets" in text) == (passes is False)


# --- augmentation as a part of the model ---


@pytest.mark.parametrize(
    "augmentation",
    [
        [layers.RandomContrast(0.2)],
        [layers.RandAugment()],
        [layers.AugMix()],
        [keras.Sequential([layers.RandomRotation(0.1), layers.RandomZoom(0.1)])],
        [layers.Pipeline([layers.RandomFlip("vertical")])],
        [layers.GaussianNoise(0.1), layers.RandomErasing()],
    ],
    ids=lambda augmentation: augmentation[-1].name,
)
def test_any_augmentation_counts(augmentation, said):
    judge_05(reader(augmentation, 1 / 255))
    assert said().startswith("✓ yes")


@pytest.mark.parametrize(
    "augmentation",
    [[], [layers.Rescaling(1)], [layers.GaussianNoise(0.1), layers.Dropout(0.1)], [layers.Resizing(10, 4)]],
)
def test_a_model_without_augmentation_is_named(augmentation, said):
    judge_05(reader(augmentation, 1 / 255))
    assert said().startswith("✗ no: there is no augmentation layer in it")


def test_an_augmentation_behind_a_convolution_comes_too_late(said):
    judge_05(fake(layers=[layers.Conv2D(4, 3), layers.RandomFlip(), layers.Dense(2)]))
    assert said().startswith("✗ no: the augmentation comes too late")


def test_pixels_of_lesson_05_are_those_of_the_batches(said):
    seen = []
    judge_05(fake(predict=lambda images, verbose: seen.append(images) or images[:, :, 0, 0] / 255))
    assert said().startswith("✓ yes")
    np.testing.assert_allclose(seen[0], 255 * IMAGES, rtol=1e-6)


def test_batches_may_be_of_any_kind(said):
    pairs = list(zip(np.split(255 * IMAGES, 4), np.split(LABELS, 4), strict=True))
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


# --- answers of any kind ---


MODELS = [
    *(keras.Sequential, keras.Model, keras.Sequential(), keras.Sequential([layers.Dense(3)]), layers.Dense(3)),
    *(fake(predict=raising), fake(predict=lambda images, verbose: "fox"), fake(predict=lambda *_, **__: None)),
    *(fake(predict=lambda images, verbose: [1, [2, 3]]), fake(predict=lambda images, verbose: {"a": images})),
    types.SimpleNamespace(predict=raising),
]
PAIRS = [
    *((model, data) for model in MODELS for data in (None, batches())),
    *((fake(layers=kinds), batches()) for kinds in (None, [], [None], 3)),
    *((model, IMAGES, LABELS) for model in MODELS),
    *((fake(), value) for value in VALUES),
    *((fake(), value, LABELS) for value in VALUES),
    *((fake(), IMAGES, value) for value in VALUES),
    *((fake(), LABELS, IMAGES), (fake(), IMAGES, LABELS[:9]), (fake(), IMAGES[:0], LABELS[:0])),
    *((fake(), [(IMAGES,)]), (fake(), [(IMAGES, None)]), (fake(), [(None, None)]), (fake(), [IMAGES])),
    *((fake(), [(IMAGES, LABELS[:9])]), (fake(), [(IMAGES, np.array(["fox"] * 200))]), (batches(), fake())),
    *((fake(), batches().take(0)), [fake(), batches()]),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize(
    ("lesson", "number"), [(lesson, number) for lesson in ("04", "05") for number in EXERCISES[lesson]]
)
def test_no_answer_raises(lesson, number, said):
    wanted = [*VALUES, *FUNCTIONS, *MODELS, *(PAIRS if (lesson, number) in (("04", 5), ("05", 4)) else PAIRS[:3])]
    for answer in wanted:
        load_checks(lesson)(number, answer)
        assert said().startswith(("… not yet: ", "✗ no: ")), answer


@pytest.mark.parametrize(("lesson", "number", "scale"), [("04", 5, 1), ("05", 4, 255)])
def test_answers_are_not_changed_by_being_judged(lesson, number, scale, said):
    """What a check calls gets its own arguments, so that a network which changes them can spoil no other check."""
    images, labels, seen = scale * IMAGES, LABELS.copy(), []
    data = (images, labels) if lesson == "04" else ([(images, labels)],)
    spoiler = fake(predict=lambda images, verbose: seen.append(images) or mutating(images)[:, :, 0, 0] / scale)
    load_checks(lesson)(number, (spoiler, *data))
    assert said().startswith("✗ no: it gets ")
    assert not np.array_equal(seen[0], images)  # it was changed, indeed
    np.testing.assert_array_equal(images, scale * IMAGES)
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize(
    ("lesson", "answer", "reason"),
    [
        ("04", (None, IMAGES, LABELS), "build and train a network"),
        ("04", reader(), "give the trained model and the images"),
        ("04", (reader(), IMAGES), "give the trained model and the images"),
        ("04", (IMAGES, reader(), LABELS), "give the trained model and the images"),
        ("04", (reader(), None, None), "give the images and their labels"),
        ("04", (reader(), IMAGES[:0], LABELS[:0]), "give the images and their labels"),
        ("04", (reader(), IMAGES, LABELS[:9]), "give the images and their labels"),
        ("04", (reader(), IMAGES, np.eye(CLASSES)[LABELS]), "give the images and their labels"),
        ("05", (..., batches()), "build and train a network"),
        ("05", augmented(), "give the trained model and the batches"),
        ("05", (augmented(), None), "give the trained model and the batches"),
        ("05", (augmented(), (IMAGES, LABELS)), "give the trained model and the batches"),
        ("05", (keras.Sequential, batches()), "give the trained model and the batches"),
    ],
)
def test_what_is_missing_is_named(lesson, answer, reason, said):
    load_checks(lesson)({"04": 5, "05": 4}[lesson], answer)
    assert said().startswith(f"… not yet: {reason}")

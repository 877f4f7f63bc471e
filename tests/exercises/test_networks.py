"""What judges of trained networks share: what they say of a network, and how they count."""

import re
import types

from helpers.engine import keras
from helpers.exercises import load_checks, networks
from helpers.exercises.judges import NotYet, Wrong
from helpers.exercises.lesson_07 import GOAL
from helpers.exercises.lesson_08 import TRANSFER_GOAL
from helpers.exercises.lesson_09 import BUDGET_GOAL
from helpers.exercises.networks import (
    all_layers,
    expect_goal,
    kinds_of_layers,
    multiply_adds,
    outputs,
    parameters_of,
    percent,
    stand_in,
    trained_beforehand,
    unpack_images,
)
from helpers.models import load_model

import numpy as np
import pytest
from exercise_tools import mutating
from network_tools import CLASSES, IMAGES, LABELS, ROWS, augmented, batches, counted, fake, labels_with, row_reader

layers = keras.layers

# --- networks that are judged by what they get right ---


def judge_04(model, right=1.0):
    load_checks("04")(5, (model, ROWS, labels_with(right)))


def judge_05(model, right=1.0):
    load_checks("05")(4, (model, batches(right)))


TASKS = {
    "04": (judge_04, row_reader),
    "05": (judge_05, augmented),
}
every_task = pytest.mark.parametrize(("judge", "build"), TASKS.values(), ids=TASKS.keys())


def goal_of(judge, model, said):
    """The goal as the message for a bad model states it."""
    judge(model, 0.5)
    return int(re.search(r"The goal is (\d+)%", said())[1]) / 100


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
        (3 * np.eye(10)[LABELS - 1], 'its numbers are no probabilities: give the last layer activation="softmax"'),
        (np.eye(10)[LABELS - 1] - 0.5, "its numbers are no probabilities"),
        (np.full((200, 10), 0.1), "it gives all classes the same number"),
        (
            np.eye(5)[LABELS % 5],
            "for each image it must give 10 numbers, but the shape of its answer is (200, 5)",
        ),
        (np.eye(11)[LABELS], "(200, 11)"),
        (LABELS, "(200,)"),
        (np.eye(10)[LABELS].T, "(10, 200)"),
        (np.full((200, 10), np.nan), "it answers NaN: the training went wrong"),
    ],
)
def test_answers_must_be_numbers_for_all_classes(judge, build, said, answers, reason):
    judge(fake(predict=lambda images, verbose: answers))
    text = said()
    assert text.startswith("✗ no: ")
    assert reason in text.splitlines()[0]


@every_task
def test_the_order_decides_where_there_is_no_softmax(judge, build, said):
    judge(fake(predict=lambda images, verbose: 5 - 3 * np.eye(10)[LABELS - 1] + 9 * np.eye(10)[LABELS]))
    assert said().startswith("✓ yes")


@every_task
def test_a_network_trained_without_softmax_by_a_loss_that_knows_is_not_told_to_do_so(judge, build, said):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    judge(fake(predict=lambda images, verbose: 9 * np.eye(10)[LABELS], loss=loss), 0.6)
    assert "of the validation images right. The goal is" in said()


@every_task
def test_outputs_are_one(judge, build, said):
    """A name for it does no harm; two are told."""
    judge(fake(predict=lambda images, verbose: {"animal": np.eye(10)[LABELS]}))
    assert said().startswith("✓ yes")
    judge(fake(predict=lambda images, verbose: [np.eye(10)[LABELS], np.zeros((len(LABELS), 3))]))
    assert said().startswith("✗ no: it has 2 outputs, and one is right")
    judge(fake(predict=lambda images, verbose: "fox"))
    assert said().startswith("✗ no: what it answers are no numbers.")


def test_networks_that_come_with_the_lessons_are_known_in_any_wrapper():
    network = load_model("critters")
    assert trained_beforehand(types.SimpleNamespace(name="photos"), "photos")
    assert not trained_beforehand(network, "photos")
    wrapped = keras.Sequential([keras.Input((32, 32, 3)), layers.Resizing(64, 64), network], name="mine")
    assert trained_beforehand(wrapped, "digits", "critters")
    mine = keras.models.clone_model(network)
    mine.name = "mine"
    assert not trained_beforehand(mine, "critters")
    mine.name = "critters"
    assert not trained_beforehand(mine, "critters"), "a name is no training"
    random = np.random.default_rng(0)
    tuned = [weight + random.normal(0, 0.1 * np.std(weight), weight.shape) for weight in network.get_weights()]
    mine.set_weights(tuned)
    assert trained_beforehand(mine, "critters")


def test_parameters_that_cannot_be_counted():
    assert parameters_of(row_reader(), ROWS.shape[1:]) == 1210
    for model, reason in (
        (keras.Sequential([layers.Dense(3)]), r"begin with keras\.Input"),
        (keras.Sequential([keras.Input((3,)), layers.Lambda(abs)]), "a Lambda layer does not say"),
    ):
        with pytest.raises(Wrong, match=reason):
            parameters_of(model, (3,))


class Around(keras.Model):
    """A class of the learner's own around a network, that was never called."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def call(self, images):
        return self.network(images)


def test_a_class_around_a_network_is_counted():
    assert parameters_of(Around(row_reader()), ROWS.shape[1:]) == 1210


def test_a_subclass_is_of_the_kind_that_it_is_made_from():
    class MyConv(layers.Conv2D):
        pass

    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            self.first = MyConv(2, 3)

    assert kinds_of_layers(keras.Sequential([Own(), layers.ReLU()])) == ["Own", "Conv2D", "ReLU"]


def test_predict_needs_no_verbose():
    class Mine:
        def predict(self, images):
            return np.eye(3)[: len(images)]

    assert outputs(Mine(), np.zeros((3, 4, 4, 1)), 3).shape == (3, 3)


def small(*first):
    return keras.Sequential([keras.Input((8, 8, 1)), *first, layers.Conv2D(20, 3), layers.Flatten(), layers.Dense(10)])


class Behind(keras.Model):
    """A model of ten parameters before another one, which Keras is told of, or not."""

    def __init__(self, model, told: bool):
        super().__init__()
        self.last = layers.Dense(10, use_bias=False)
        self.parts = [model] if told else (lambda: [model])

    def call(self, images, training=False):
        [body] = self.parts() if callable(self.parts) else self.parts
        return self.last(body(images, training=training))


class Constant(layers.Layer):
    """A layer whose weights Keras does not know."""

    def __init__(self, make=np.asarray):
        super().__init__()
        self.hidden = lambda: make(np.ones((3, 3, 1, 30), np.float32))

    def call(self, images):
        return keras.ops.conv(images, self.hidden(), padding="same")


def called(model):
    model(np.zeros((1, 8, 8, 1), np.float32))
    return model


@pytest.mark.parametrize(
    ("model", "hidden"),
    [
        (lambda: called(Behind(small(), False)), 7410),
        (lambda: small(Constant()), 270),
        (lambda: small(Constant(keras.ops.convert_to_tensor)), 270),
    ],
    ids=["a model", "an array", "a tensor"],
)
def test_what_is_hidden_from_keras_is_counted(model, hidden):
    model = model()
    counted = model.count_params()
    with pytest.raises(Wrong, match=f"with {counted + hidden:,} numbers, but says that it has {counted:,} parameters"):
        parameters_of(model, (8, 8, 1))


@pytest.mark.parametrize(
    "model",
    [
        lambda: called(Behind(small(), True)),
        lambda: small(layers.RandomFlip(), layers.RandomRotation(0.1), layers.Dropout(0.3), layers.Rescaling(2.0)),
        lambda: small(layers.Normalization(mean=0.1, variance=0.2), layers.Resizing(16, 16), layers.CenterCrop(8, 8)),
        lambda: small(layers.Conv2D(30, 3), layers.BatchNormalization(), layers.SpatialDropout2D(0.2), layers.PReLU()),
        lambda: small(small(layers.SeparableConv2D(8, 3, padding="same")).layers[0]),
        lambda: small(layers.SpectralNormalization(layers.Conv2D(9, 3)), layers.GroupNormalization(3)),
    ],
    ids=["of ones own", "augmented", "prepared", "normalized", "inside", "wrapped"],
)
def test_nothing_is_hidden_in_an_honest_model(model):
    model = model()
    assert parameters_of(model, (8, 8, 1)) == model.count_params()


@every_task
def test_a_model_for_other_images_is_named(judge, build, said):
    model = keras.Sequential([keras.Input((5, 5, 1)), layers.RandomFlip(), layers.Flatten(), layers.Dense(10)])
    judge(model)
    assert "✗ no: it cannot take images of shape (10, 4, 3)" in said()


def test_what_gives_no_array_is_not_said_to_take_other_images():
    for answer, said in (
        ([np.eye(10), np.zeros((10, 1))], "it has 2 outputs"),
        (np.full((10, 10), "fox"), "what it answers are no numbers"),
    ):
        with pytest.raises(Wrong, match=said):
            networks.outputs(fake(predict=lambda images, verbose, answer=answer: answer), ROWS[:10], 10)


@every_task
def test_a_model_with_another_structure_is_judged_as_well(judge, build, said):
    inner = build()
    inputs = keras.Input(ROWS.shape[1:])
    for model in (keras.Model(inputs, inner(inputs)), fake()):  # also without compile
        judge(model)
        assert said().startswith("✓ yes")


@pytest.mark.parametrize(("lesson", "number", "scale"), [("04", 5, 1), ("05", 4, 255)])
def test_answers_are_not_changed_by_being_judged(lesson, number, scale, said):
    """What a check calls gets its own arguments, so that a network which changes them can spoil no other check."""
    images, labels, seen = scale * ROWS, LABELS.copy(), []
    data = (images, labels) if lesson == "04" else ([(images, labels)],)
    spoiler = fake(predict=lambda images, verbose: seen.append(images) or mutating(images)[:, :, 0, 0] / scale)
    load_checks(lesson)(number, (spoiler, *data))
    assert said().startswith("✗ no: it gets ")
    assert not np.array_equal(seen[0], images)  # it was changed, indeed
    np.testing.assert_array_equal(images, scale * ROWS)
    np.testing.assert_array_equal(labels, LABELS)


JUDGED_BY_IMAGES = [("07", 4), ("08", 3), ("09", 4)]


def test_a_network_that_answers_nan_passes_nothing(said):
    """NaN is neither above nor below a goal."""
    nan = types.SimpleNamespace(predict=lambda images, verbose: np.full((len(images), 10), np.nan))
    for lesson, number in JUDGED_BY_IMAGES:
        load_checks(lesson)(number, (nan, IMAGES, LABELS))
    text = said()
    assert "✓" not in text and text.count("it answers NaN") == len(JUDGED_BY_IMAGES)


@pytest.mark.parametrize(("lesson", "goal"), [("07", GOAL), ("08", TRANSFER_GOAL), ("09", BUDGET_GOAL)])
def test_what_is_below_the_goal_does_not_read_like_the_goal(lesson, goal, said):
    number = dict(JUDGED_BY_IMAGES)[lesson]
    load_checks(lesson)(number, (counted(goal - 0.001, 4), np.tile(IMAGES, (5, 1, 1, 1)), np.tile(LABELS, 5)))
    text = said()
    assert f"it gets {goal - 0.01:.0%} " in text and f"The goal is {goal:.0%}." in text


@pytest.mark.parametrize("goal", [0.95, 0.7, 0.65, 0.9, GOAL, TRANSFER_GOAL, BUDGET_GOAL])
@pytest.mark.parametrize("decimals", [0, 1])
@pytest.mark.parametrize("short", [0.00001, 0.0004, 0.0006, 0.004, 0.006, 0.1])
def test_no_goal_is_met_and_missed_at_once(goal, decimals, short):
    for share in (goal, goal + short):
        assert expect_goal(share, goal, "it gets {} right", decimals) is None
    with pytest.raises(Wrong, match=r"it gets .* right\. The goal is \d+%\.$") as said:
        expect_goal(goal - short, goal, "it gets {} right", decimals)
    printed, stated = (float(number) for number in re.findall(r"([\d.]+)%", str(said.value)))
    assert printed < stated == round(100 * goal)


def test_messages_below_a_goal():
    def said(share):
        with pytest.raises(Wrong) as message:
            expect_goal(share, 0.7, "{} are right", 1, close=0.66, untrained=(0.3, ". Is it trained?"))
        return str(message.value)

    assert said(0.29) == "29.0% are right. Is it trained?"
    assert said(0.3) == "30.0% are right. The goal is 70%."
    assert said(0.66) == "66.0% are right. The goal is 70%."
    assert said(0.6999) == "69.9% are right. The goal is 70%: close."
    assert said(np.nan) == "nan% are right. The goal is 70%."


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [(0, 0, "0%"), (0.29, 0, "29%"), (0.2999, 0, "29%"), (0.58, 1, "58.0%"), (0.99999, 1, "99.9%"), (1, 1, "100.0%")],
)
def test_percent_rounds_down(share, decimals, text):
    assert percent(share, decimals) == text


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(LABELS.tolist(), LABELS), (LABELS[:, np.newaxis], LABELS), (LABELS.astype("float32"), LABELS)]
    + [(np.eye(CLASSES)[LABELS], LABELS)]
    + [
        (labels, None)
        for labels in (LABELS[:9], np.ones((200, 10)), None, "fox", [10**400] * 200, LABELS + 0.5, -LABELS)
    ],
)
def test_there_must_be_a_label_for_each_image(labels, expected):
    network = counted(1, 4)
    if expected is None:
        with pytest.raises(NotYet, match=r"give the images and their labels: check\(4, …\)\."):
            unpack_images((network, IMAGES, labels), "check(4, …)")
    else:
        found = unpack_images((network, IMAGES, labels), "check(4, …)")
        assert found[0] is network and found[1].dtype == np.float32
        np.testing.assert_array_equal(found[2], expected)


# --- multiply-adds of Keras models ---


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: [layers.Conv2D(4, 3, padding="same")], 9 * 3 * 4 * 64),
        (lambda: [layers.Conv2D(4, 3)], 9 * 3 * 4 * 36),
        (lambda: [layers.Conv2D(4, 3, 2, "same")], 9 * 3 * 4 * 16),
        (lambda: [layers.Conv2D(6, 3, padding="same", groups=3)], 9 * 6 * 64),
        (lambda: [layers.DepthwiseConv2D(3, padding="same")], 9 * 3 * 64),
        (lambda: [layers.SeparableConv2D(4, 3, padding="same")], (9 * 3 + 3 * 4) * 64),
        (lambda: [layers.Conv2D(4, 1), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()], 3 * 4 * 64),
        (lambda: [layers.Flatten(), layers.Dense(10), layers.Dropout(0.5)], 192 * 10),
        (lambda: [layers.Dense(10)], 3 * 10 * 64),  # at each place, as a 1 × 1 convolution
        (lambda: [layers.RandomFlip(), layers.Rescaling(1 / 255)], 0),
        (lambda: [keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3)]), layers.Conv2D(2, 1)], 4176),
    ],
)
def test_multiply_adds(make, expected):
    parts = make()
    assert multiply_adds(keras.Sequential([keras.Input((8, 8, 3)), *parts])) == expected
    later = keras.Sequential(make())  # the shape comes with the first images
    later(IMAGES[:2].astype("float32"))
    assert multiply_adds(later) == expected
    assert multiply_adds(later, IMAGES[:2]) == expected
    assert not any("call" in vars(layer) for layer in all_layers(later))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda x, conv: conv(conv(conv(x))), 3 * 9 * 3 * 3 * 64),
        (lambda x, conv: conv(layers.MaxPooling2D(2)(conv(x))), 9 * 3 * 3 * (64 + 16)),
        (
            lambda x, conv: (lambda inner: inner(inner(x)))(keras.Sequential([keras.Input((8, 8, 3)), conv])),
            2 * 81 * 64,
        ),
    ],
)
def test_multiply_adds_count_a_layer_as_often_as_it_is_used(make, expected):
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, make(inputs, layers.Conv2D(3, 3, padding="same")))
    assert multiply_adds(model, IMAGES[:1]) == expected


def test_layers_of_ones_own_are_not_counted():
    class Own(layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight(shape=(3, 3))

        def call(self, images):
            return images @ self.kernel @ self.kernel

    model = keras.Sequential([keras.Input((8, 8, 3)), Own()])
    with pytest.raises(ValueError, match="layers of another kind"):
        multiply_adds(model, IMAGES[:1])


# --- what stands for a network in lists of mistakes ---


@pytest.mark.parametrize("right", [0.0, 0.37, 1.0])
def test_a_stand_in_gets_right_what_it_should(right):
    network = stand_in(right, known=0.5, kinds="Flatten Dense", name="nobody")
    for images, share in ((networks.IMAGES, right), (0 * networks.IMAGES, 0.5)):
        answers = network.predict(images, verbose=0)
        assert answers.shape == (100, 10)
        np.testing.assert_array_equal(answers.sum(axis=1), 1)
        assert np.mean(answers.argmax(axis=1) == networks.LABELS) == share
    assert [type(layer).__name__ for layer in network.layers] == ["Flatten", "Dense"]
    assert network.name == "nobody"

"""helpers.explain: one sigmoid unit is two classes, and the scores are found behind what follows the softmax."""

import warnings

from helpers.datasets import critters, load_dataset
from helpers.engine import keras
from helpers.explain import (
    answers,
    class_activation_map,
    class_count,
    grad_cam,
    integrated_gradients,
    occlusion,
    overlap,
    pointing_game,
    predict,
    saliency,
)

import numpy as np
import pytest

layers = keras.layers
SHAPE = 8, 8, 3
RNG = np.random.default_rng(0)
IMAGES = (RNG.uniform(0, 255, (6, *SHAPE)) * RNG.random((6, 1, 1, 3))).astype(np.float32)


def covered(model, images, class_index=None):
    return occlusion(model, images, class_index, images.shape[1] // 2, images.shape[1] // 2)


MAPS = [grad_cam, class_activation_map, saliency, integrated_gradients, covered]


def network(units, ending, tail=(), sure=1):
    """A network whose weights depend on the units alone; with one unit it is the network with two, less the half."""
    x = inputs = keras.Input(SHAPE)
    dense = layers.Dense(units, activation=ending)
    for layer in (
        layers.Rescaling(1 / 255),
        layers.Conv2D(4, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        dense,
    ):
        x = layer(x)
    inner = keras.Model(inputs, x)
    for step in tail:
        x = step(x)
    rng = np.random.default_rng(4)
    kernel, bias = rng.normal(0, 0.6, (3, 3, 3, 4)), rng.normal(0, 0.2, 4)
    inner.layers[2].set_weights([kernel, bias])
    last = sure * (rng.normal(0, 1, (4, units)) if units > 2 else np.array([[6.0], [-9.0], [5.0], [-3.0]]))
    scores = keras.Model(inputs, dense.input)(IMAGES).numpy() @ last
    shift = -np.median(scores, axis=0)
    if units == 2:
        last, shift = np.hstack([-last, last]) / 2, np.hstack([-shift, shift]) / 2
    dense.set_weights([last, shift])
    return keras.Model(inputs, x)


PAIR = 0, 1  # classes of critters


# --- one sigmoid unit ---

ONE = {
    "Dense": lambda: network(1, "sigmoid"),
    "operation": lambda: network(1, None, [keras.ops.sigmoid]),
    "Activation, dropout, cast": lambda: network(
        1, None, [layers.Activation("sigmoid"), layers.Dropout(0.5), lambda x: keras.ops.cast(x, "float32")]
    ),
    "one number for an image": lambda: network(1, "sigmoid", [layers.Reshape(())]),
}


@pytest.mark.parametrize("kind", ONE)
@pytest.mark.parametrize("classes", [None, 0, 1, [0, 1, 1, 0, 1, 0]])
def test_one_sigmoid_unit_is_a_softmax_of_two(kind, classes):
    """Its score is the difference of the two: twice the score of each."""
    one, two = ONE[kind](), network(2, "softmax")
    assert {*answers(two, IMAGES).argmax(axis=1)} == {0, 1}
    for explanation in MAPS:
        factor = 1 if explanation is covered else 2
        truth = factor * explanation(two, IMAGES, classes)
        assert np.abs(truth).max() > 0
        np.testing.assert_allclose(explanation(one, IMAGES, classes), truth, rtol=0, atol=1e-4 * np.abs(truth).max())


def test_answers_of_one_sigmoid_unit_are_those_of_both_classes():
    one = network(1, "sigmoid")
    p = one(IMAGES).numpy()
    assert (p > 0.5).any() and (p < 0.5).any()
    np.testing.assert_allclose(predict(one, IMAGES), p, atol=1e-6)
    np.testing.assert_allclose(answers(one, IMAGES), np.hstack([1 - p, p]), atol=1e-6)
    assert class_count(one) == 2


@pytest.mark.parametrize("explanation", MAPS)
@pytest.mark.parametrize("wrong", [2, -1, [0, 1, 2, 0, 0, 0]])
def test_one_sigmoid_unit_has_no_third_class(explanation, wrong):
    with pytest.raises(ValueError, match="class_index must be from 0 to 1"):
        explanation(network(1, "sigmoid"), IMAGES, wrong)


def test_one_score_is_no_probability_of_two_classes():
    model = network(1, None)
    assert class_count(model) == 1
    with pytest.raises(ValueError, match="class_index must be from 0 to 0"):
        saliency(model, IMAGES, 1)


def test_several_sigmoid_units_are_classes_of_their_own():
    """With one unit of the weights of class 2, class 1 is what these speak for."""
    model = network(3, "sigmoid")
    assert class_count(model) == 3
    plain = network(3, None)
    np.testing.assert_allclose(saliency(model, IMAGES, 2), saliency(plain, IMAGES, 2), rtol=1e-4, atol=1e-9)


@pytest.fixture(scope="module")
def trained():
    """By number of units: a network trained on two of the critters. Images of the test part, and their masks."""
    dataset, networks = load_dataset("critters"), {}
    images, labels = dataset.train
    some = np.flatnonzero(np.isin(labels, PAIR))[:500]
    test = np.flatnonzero(np.isin(dataset.test.labels, PAIR))[:60]
    for units, ending in ((1, "sigmoid"), (2, "softmax")):
        keras.utils.set_random_seed(3)
        steps = [keras.Input((64, 64, 3)), layers.Rescaling(1 / 127.5, -1)]
        for filters in (8, 16, 32):
            steps += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D()]
        model = keras.Sequential([*steps, layers.GlobalAveragePooling2D(), layers.Dense(units, activation=ending)])
        loss = "binary_crossentropy" if units == 1 else "sparse_categorical_crossentropy"
        model.compile(keras.optimizers.Adam(0.005), loss)
        model.fit(images[some], labels[some] == PAIR[1], batch_size=32, epochs=12, verbose=0)
        networks[units] = model
    masks = np.stack([critters.critter("test", index).mask for index in test])
    return networks, dataset.test.images[test], masks


def test_trained_networks_with_one_unit_and_with_two_look_at_the_animal(trained):
    """Each was trained by itself. What speaks for the class that it chooses is on the animal, the opposite is not."""
    networks, images, masks = trained
    chosen = {units: answers(network, images).argmax(axis=1) for units, network in networks.items()}
    assert np.mean(chosen[1] == chosen[2]) > 0.9
    for units, network in networks.items():
        right, wrong = grad_cam(network, images), grad_cam(network, images, 1 - chosen[units])
        np.testing.assert_array_equal(right, grad_cam(network, images, chosen[units]))
        assert pointing_game(right, masks).mean() > 0.5
        assert overlap(right, masks).mean() > 0.15 + overlap(wrong, masks).mean()


def test_maps_of_a_trained_network_are_the_same_with_one_unit_and_with_two(trained):
    networks, images, masks = trained
    one = networks[1]
    features = one.layers[-2].output
    two = keras.Model(one.inputs, layers.Dense(2, activation="softmax")(features))
    weights, bias = one.layers[-1].get_weights()
    two.layers[-1].set_weights([np.hstack([-weights, weights]) / 2, np.hstack([-bias, bias]) / 2])
    for explanation in MAPS:
        heat, truth = explanation(one, images), explanation(two, images)
        factor = 1 if explanation is covered else 2
        np.testing.assert_allclose(heat, factor * truth, rtol=0, atol=1e-3 * np.abs(factor * truth).max())
        np.testing.assert_allclose(overlap(heat, masks), overlap(truth, masks), atol=0.02)


# --- what follows the softmax ---

KEEPS = {
    "Activation": [layers.Activation("linear", dtype="float32")],
    "Identity": [layers.Identity()],
    "Reshape": [layers.Reshape((1, 3)), layers.Reshape((3,))],
    "Flatten": [layers.Flatten()],
    "Dropout": [layers.Dropout(0.5), layers.GaussianNoise(0.5), layers.AlphaDropout(0.5)],
    "cast": [lambda x: keras.ops.cast(x, "float32")],
    "operations": [lambda x: keras.ops.expand_dims(x, 1), lambda x: keras.ops.squeeze(x, 1)],
    "model": [keras.Sequential([keras.Input((3,)), layers.Dropout(0.5), layers.Identity()])],
}
SOFTMAX = {
    "Dense": ("softmax", []),
    "Softmax": (None, [layers.Softmax()]),
    "operation": (None, [keras.ops.softmax]),
    "function": (keras.ops.softmax, []),
    "layer as function": (layers.Softmax(), []),
    "model": (None, [keras.Sequential([keras.Input((3,)), layers.Activation("softmax")])]),
}


@pytest.mark.parametrize("tail", KEEPS)
def test_scores_are_found_behind_what_changes_nothing(tail):
    """The network is so sure that the gradient of its probabilities is 0."""
    assert_scores_are_found("softmax", KEEPS[tail])


@pytest.mark.parametrize("softmax", SOFTMAX)
def test_scores_are_found_before_any_softmax(softmax):
    ending, tail = SOFTMAX[softmax]
    assert_scores_are_found(ending, [*tail, layers.Dropout(0.5)])


def assert_scores_are_found(ending, tail):
    model, plain = network(3, ending, tail, sure=1000), network(3, None, sure=1000)
    with warnings.catch_warnings(action="error"):
        for explanation in MAPS[:4]:
            truth = explanation(plain, IMAGES, 2)
            assert np.abs(truth).max() > 0.1
            np.testing.assert_allclose(explanation(model, IMAGES, 2), truth, rtol=0, atol=1e-4 * np.abs(truth).max())


UNKNOWN = {
    "log-softmax": ("log_softmax", [], r"Dense '.*' \(log_softmax\)"),
    "log of softmax": ("softmax", [keras.ops.log], "Log 'log"),
    "Lambda": ("softmax", [layers.Lambda(lambda x: 2 * x)], "Lambda 'lambda"),
    "own function": (lambda x: keras.ops.softmax(x), [], r"Dense '.*' \(<lambda>\)"),
    "other function": ("tanh", [], r"Dense '.*' \(tanh\)"),
    "times two": ("softmax", [lambda x: 2 * x], "Multiply 'multiply"),
    "Rescaling": ("softmax", [layers.Rescaling(2.0)], "Rescaling 'rescaling"),
    "mean of probabilities": (
        "softmax",
        [lambda x: layers.Average()([x, keras.ops.sigmoid(x)])],
        "Average 'average",
    ),
    "mean of maps of probabilities": (
        None,
        [layers.Reshape((1, 1, 3)), layers.Softmax(), layers.GlobalAveragePooling2D()],
        "GlobalAveragePooling2D 'global_average",
    ),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_where_scores_are_not_found_a_warning_says_so(kind):
    ending, tail, step = UNKNOWN[kind]
    model = network(3, ending, tail, sure=0.1)
    message = f"ends with {step}.*cannot be seen, so this is a map of the output as it is"
    for explanation in (grad_cam, saliency):
        with pytest.warns(UserWarning, match=message) as said:
            explanation(model, IMAGES, 2)
        assert [warning.filename for warning in said] == [__file__]
    with pytest.warns(UserWarning, match=message):
        parts = integrated_gradients(model, IMAGES, 2, 64)
    difference = (model(IMAGES) - model(np.full_like(IMAGES, 127))).numpy()[:, 2]
    np.testing.assert_allclose(parts.sum(axis=(1, 2)), difference, rtol=0.1, atol=0.02 * np.abs(difference).max())


SCORES = {
    "linear": lambda x: x,
    "sum of scores": lambda x: layers.Add()([x, layers.Dense(3)(x)]),
    "mean of maps": lambda x: layers.GlobalAveragePooling2D()(layers.Conv2D(3, 1)(layers.Reshape((1, 1, 3))(x))),
}


@pytest.mark.parametrize("kind", [*SCORES, "softmax"])
def test_no_warning_where_the_scores_are_known(kind):
    model = network(3, None, [SCORES.get(kind, layers.Softmax())])
    with warnings.catch_warnings(action="error"):
        grad_cam(model, IMAGES)

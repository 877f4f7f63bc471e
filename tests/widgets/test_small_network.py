"""The small network in NumPy, beside `tf.nn`, a gradient tape, finite differences and numbers by hand."""

import copy

from helpers.engine import keras, tf
from helpers.widgets.small_network import (
    BIAS,
    CONV_BIAS,
    KERNELS,
    SHAPES,
    WEIGHTS,
    State,
    backward,
    choose_batch,
    cross_entropy,
    forward,
    softmax,
    start_variables,
    step,
    train,
)

import numpy as np
import pytest
from training_step_tools import NAMES, RATES, STEPS, known_batch, known_forward, known_step, known_training

SOME = {  # name -> images (N, 12, 12, 1)
    "digits": choose_batch()[0],
    "noise": np.random.default_rng(0).random((5, 12, 12, 1)),
    "one": np.random.default_rng(1).random((1, 12, 12, 1)),
    "white": np.ones((2, 12, 12, 1)),  # all numbers of a pooling window are equal
    "black": np.zeros((2, 12, 12, 1)),
}
some_images = pytest.mark.parametrize("images", SOME.values(), ids=[*SOME])


def network(seed=0, bias=0.2):
    """Variables that are nowhere 0."""
    variables, random = start_variables(seed), np.random.default_rng(seed)
    return {name: part + bias * random.normal(size=part.shape) for name, part in variables.items()}


def labels_for(images):
    return np.arange(len(images)) % 10


def mean_loss(variables, images, labels):
    return cross_entropy(forward(variables, images).logits, labels).mean()


# --- the batch and the start ---


def test_the_batch_is_sixteen_small_digits_with_each_class():
    images, labels = choose_batch()
    known, known_labels = known_batch()
    assert images.shape == (16, 12, 12, 1) and images.dtype == float
    assert set(labels) == set(range(10))
    np.testing.assert_array_equal(labels, known_labels)
    np.testing.assert_allclose(images, known, atol=1e-12)
    assert images.min() == 0 and 0.9 < images.max() <= 1


def test_the_start_is_that_of_he():
    many = [start_variables(seed) for seed in range(40)]
    assert tuple(SHAPES) == NAMES == (KERNELS, CONV_BIAS, WEIGHTS, BIAS)
    for name, shape in SHAPES.items():
        values = np.stack([variables[name] for variables in many])
        assert values.shape == (40, *shape)
        if len(shape) == 1:
            assert not values.any()
        else:
            assert values.std() == pytest.approx((2 / np.prod(shape[:-1])) ** 0.5, rel=0.05)
            assert abs(values.mean()) < 0.05
    again = start_variables(7)
    assert all((again[name] == many[7][name]).all() for name in SHAPES)
    assert (many[0][WEIGHTS] != many[1][WEIGHTS]).all()
    assert sum(part.size for part in many[0].values()) == 1050


@pytest.mark.parametrize("seed", [-1, 1.0, "3", None, True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ValueError, match=r"The seed must be a whole number from 0 on, but it is"):
        start_variables(seed)


# --- forward ---


@some_images
@pytest.mark.parametrize("seed", range(3))
def test_forward_is_that_of_tensorflow(images, seed):
    variables = network(seed)
    passed = forward(variables, images)
    maps, pooled, logits = known_forward(variables.values(), images)
    np.testing.assert_allclose(passed.maps, maps, atol=1e-10)
    np.testing.assert_allclose(passed.features, np.reshape(pooled, (len(images), 100)), atol=1e-10)
    np.testing.assert_allclose(passed.logits, logits, atol=1e-10)


def test_forward_by_hand():
    """One bright pixel, a kernel with one weight, one feature that counts."""
    variables = {name: np.zeros(shape) for name, shape in SHAPES.items()}
    image = np.zeros((1, 12, 12, 1))
    image[0, 4, 7] = 0.5
    variables[KERNELS][1, 2, 0, 3] = 4
    variables[CONV_BIAS][:] = [0, 0, 0, 1]
    variables[WEIGHTS][(1 * 5 + 2) * 4 + 3, 6] = 10
    variables[BIAS][6] = -1
    passed = forward(variables, image)
    assert passed.maps[0, 3, 5, 3] == 0.5 * 4 + 1  # row 4 − 1, column 7 − 2
    assert passed.maps.sum() == 100 + 2
    assert passed.features[0, (1 * 5 + 2) * 4 + 3] == 3
    assert passed.logits.tolist() == [[0, 0, 0, 0, 0, 0, 29, 0, 0, 0]]


def test_softmax_and_loss_are_those_of_tensorflow():
    random = np.random.default_rng(0)
    for size in (0.01, 1, 30, 1000):
        logits, labels = size * random.normal(size=(50, 10)), random.integers(0, 10, 50)
        np.testing.assert_allclose(softmax(logits), tf.nn.softmax(logits), atol=1e-12)
        expected = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        np.testing.assert_allclose(cross_entropy(logits, labels), expected, rtol=1e-10, atol=1e-12)
        assert softmax(logits).sum(axis=1) == pytest.approx(1)


def test_huge_logits_do_no_harm():
    logits = np.array([[1e300, 0, -1e300], [-1e9, -1e9, -1e9 - 5]])
    assert softmax(logits)[0].tolist() == [1, 0, 0]
    assert cross_entropy(logits, np.array([0, 2])) == pytest.approx([0, np.log(1 + 2 * np.exp(5.0))])
    assert cross_entropy(logits, np.array([1, 0])) == pytest.approx([1e300, np.log(2 + np.exp(-5.0))])


# --- backward ---


@some_images
@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_those_of_a_gradient_tape(images, seed):
    variables, labels = network(seed), labels_for(images)
    gradients = backward(variables, forward(variables, images), labels)
    assert [*gradients] == [*variables]
    expected = known_step(variables.values(), images, labels)[-1]
    for (name, gradient), known in zip(gradients.items(), expected, strict=True):
        assert gradient.shape == SHAPES[name]
        np.testing.assert_allclose(gradient, known, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("name", SHAPES)
def test_gradients_are_slopes_of_the_loss(name):
    """Central differences, at twenty numbers of each variable."""
    images, labels = choose_batch()
    variables = network(5)
    gradient = backward(variables, forward(variables, images), labels)[name]
    for flat in np.random.default_rng(0).permutation(gradient.size)[:20]:
        index, losses = np.unravel_index(flat, gradient.shape), []
        for way in (1e-6, -1e-6):
            moved = copy.deepcopy(variables)
            moved[name][index] += way
            losses.append(mean_loss(moved, images, labels))
        assert gradient[index] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-7)


def test_equal_numbers_of_a_window_share_the_gradient():
    """On a white image all numbers of a map are equal: each of the 100 places gets its part, and none gets it twice."""
    images, labels, variables = SOME["white"], np.array([3, 4]), network(2)
    passed = forward(variables, images)
    assert (np.ptp(passed.maps, axis=(1, 2)) < 1e-12).all()
    gradients = backward(variables, passed, labels)
    features = (softmax(passed.logits) - np.eye(10)[labels]) @ variables[WEIGHTS].T / 2
    expected = (features.reshape(2, 25, 4) * (passed.maps[:, :1, 0] > 0)).sum(axis=(0, 1))
    np.testing.assert_allclose(gradients[CONV_BIAS], expected, atol=1e-12)
    for index in np.ndindex(3, 3):
        np.testing.assert_allclose(gradients[KERNELS][index][0], expected, atol=1e-12)


def test_what_relu_has_cut_off_gets_no_gradient():
    images, labels = choose_batch()
    variables = network() | {CONV_BIAS: np.array([0.5, -99, 0.5, -99])}
    gradients = backward(variables, forward(variables, images), labels)
    silent = [not gradients[KERNELS][..., k].any() and not gradients[CONV_BIAS][k] for k in range(4)]
    assert silent == [False, True, False, True]
    assert gradients[BIAS].any()


# --- steps ---


def test_a_step_goes_against_the_gradient_and_changes_nothing_that_it_gets():
    variables, gradients = network(1), network(2)
    before = copy.deepcopy((variables, gradients))
    after = step(variables, gradients, 0.25)
    optimizer = keras.optimizers.SGD(0.25)
    known = [keras.Variable(part, dtype="float64") for part in variables.values()]
    optimizer.apply([tf.constant(part) for part in gradients.values()], known)
    for name, expected in zip(SHAPES, known, strict=True):
        np.testing.assert_allclose(after[name], expected, atol=1e-7)  # the rate of Keras is in single precision
        np.testing.assert_array_equal(variables[name], before[0][name])
        np.testing.assert_array_equal(gradients[name], before[1][name])


@pytest.mark.parametrize("rate", RATES)
def test_a_training_is_that_of_tensorflow(rate):
    states = train(start_variables(3), *choose_batch(), rate, STEPS + 1)
    assert len(states) == STEPS + 2
    for state, (variables, logits, losses, gradients) in zip(states, known_training(rate), strict=True):
        for mine, known in ((state.variables, variables), (state.gradients, gradients)):
            for name, expected in zip(NAMES, known, strict=True):
                np.testing.assert_allclose(mine[name], expected, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(state.losses, losses, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(state.forward.logits, logits, rtol=1e-6, atol=1e-6)
        assert state.loss == pytest.approx(losses.mean())
        np.testing.assert_array_equal(state.answers, logits.argmax(axis=1))


def test_no_step_is_one_state():
    (state,) = train(start_variables(0), *choose_batch(), 0.1, 0)
    assert isinstance(state, State)
    assert state.loss == pytest.approx(2.380, abs=5e-4)


@pytest.mark.parametrize("seed", range(30))
def test_numbers_stay_finite_at_the_largest_rate(seed):
    with np.errstate(all="raise", under="ignore"):
        for state in train(start_variables(seed), *choose_batch(), RATES[-1], STEPS + 1):
            parts = [*state.variables.values(), *state.gradients.values(), state.losses, state.forward.logits]
            assert all(np.isfinite(part).all() for part in parts)

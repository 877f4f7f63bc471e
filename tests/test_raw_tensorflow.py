"""The network of lesson 10 beside the same layers of Keras, and its update rules beside the optimizers of Keras."""

import math

from helpers import raw_tensorflow as raw
from helpers.engine import keras, tf

import numpy as np
import pytest
from keras import layers

WIDTHS = (3, 4, 6)


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    return random.random((7, 11, 9, 2)).astype("float32"), random.integers(0, 5, 7)


@pytest.fixture
def weights():
    made = raw.new_weights(raw.weight_shapes((11, 9, 2), 5, WIDTHS), seed=1)
    for name in made:
        if "bias" in name:
            made[name].assign(np.random.default_rng(2).normal(size=made[name].shape))
    return made


def keras_network(weights) -> keras.Sequential:
    """Return the same network, with these weights."""
    model = keras.Sequential(
        [
            keras.Input((11, 9, 2)),
            layers.Conv2D(3, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(padding="same"),
            layers.Conv2D(4, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(padding="same"),
            layers.Flatten(),
            layers.Dense(6, activation="relu"),
            layers.Dense(5),
        ]
    )
    model.set_weights([variable.numpy() for variable in weights.values()])
    return model


def test_the_network_is_that_of_keras(images, weights):
    model = keras_network(weights)
    assert np.allclose(raw.network(images[0], weights), model(images[0]), atol=1e-5)
    hidden = keras.Model(model.inputs[0], model.layers[-2].output)
    assert np.allclose(raw.hidden(images[0], weights), hidden(images[0]), atol=1e-5)


def test_the_helpers_are_the_layers_of_keras(images, weights):
    x, kernels, biases = images[0], weights["conv1"], weights["conv1 bias"]
    for stride in (1, 2, 3):
        layer = layers.Conv2D(3, 5, strides=stride, padding="same", activation="relu")
        layer.build(x.shape)
        layer.set_weights([kernels.numpy(), biases.numpy()])
        assert np.allclose(raw.conv2d(x, kernels, biases, stride), layer(x), atol=1e-5)
    for size in (2, 3):
        assert np.allclose(raw.maxpool2d(x, size), layers.MaxPooling2D(size, padding="same")(x))


def test_loss_and_gradients_are_those_of_keras(images, weights):
    model, (x, labels) = keras_network(weights), images
    with tf.GradientTape() as tape:
        expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, model(x))
    loss, gradients = raw.loss_and_gradients(x, labels, weights)
    assert np.isclose(loss, expected)
    for got, want in zip(gradients.values(), tape.gradient(expected, model.trainable_variables), strict=True):
        assert np.allclose(got, want, atol=1e-5)
    assert [*gradients] == [*weights]


def test_dropout_is_off_unless_asked_for(images, weights):
    same = [raw.network(images[0], weights) for _ in range(2)]
    assert np.array_equal(*same)
    tf.random.set_seed(0)
    different = [raw.network(images[0], weights, 0.5) for _ in range(2)]
    assert not np.allclose(*different)
    losses = [float(raw.loss_and_gradients(*images, weights, 0.5)[0]) for _ in range(2)]
    assert losses[0] != losses[1]


def test_dropout_takes_the_share_to_drop(images, weights):
    """The more is dropped, the more the logits differ from draw to draw."""
    tf.random.set_seed(0)
    spread = {
        rate: np.std([raw.network(images[0], weights, rate) for _ in range(100)], axis=0).mean() for rate in (0.1, 0.8)
    }
    assert spread[0.1] < 0.5 * spread[0.8]


def test_dropout_keeps_the_mean_of_the_logits(images, weights):
    tf.random.set_seed(0)
    dropped = np.mean([raw.network(images[0], weights, 0.4) for _ in range(600)], axis=0)
    assert np.allclose(dropped, raw.network(images[0], weights), rtol=0.12, atol=0.1)


def test_shapes_are_those_of_the_lesson():
    shapes = raw.weight_shapes((28, 28, 1), 10)
    assert shapes == {
        "conv1": (5, 5, 1, 32),
        "conv1 bias": (32,),
        "conv2": (5, 5, 32, 64),
        "conv2 bias": (64,),
        "dense": (7 * 7 * 64, 1024),
        "dense bias": (1024,),
        "out": (1024, 10),
        "out bias": (10,),
    }
    assert sum(math.prod(shape) for shape in shapes.values()) == 3_274_634
    assert raw.weight_shapes((9, 5, 3), 2, (1, 2, 3))["dense"] == (3 * 2 * 2, 3)


def test_starts():
    shapes = raw.weight_shapes((28, 28, 1), 10)
    he, large, wild = (raw.new_weights(shapes, 0, **options) for options in ({}, {"scale": 10}, {"deviation": 1.0}))
    for name, shape in shapes.items():
        inputs = math.prod(shape[:-1])
        if "bias" in name:
            assert not he[name].numpy().any() and not large[name].numpy().any()
        elif math.prod(shape) > 5000:
            assert np.isclose(he[name].numpy().std() * math.sqrt(inputs / 2), 1, atol=0.05)
        assert np.allclose(10 * he[name].numpy(), large[name].numpy(), rtol=1e-4)
        assert tuple(he[name].shape) == shape and he[name].dtype == tf.float32
    assert np.isclose(wild["dense bias"].numpy().std(), 1, atol=0.1) and np.isclose(
        wild["conv2"].numpy().std(), 1, atol=0.05
    )
    again, other = (raw.new_weights(shapes, seed)["out"].numpy() for seed in (0, 1))
    assert np.array_equal(again, he["out"]) and not np.allclose(again, other)


def test_accuracy_counts_all_images_in_parts(weights, images):
    x, labels = (np.concatenate([part] * 200) for part in images)  # 1,400 of them: three parts
    answers = np.argmax(raw.network(images[0], weights), axis=1)
    assert raw.accuracy(x, labels, weights) == pytest.approx(np.mean(answers == images[1]))
    assert raw.accuracy(x, np.concatenate([answers] * 200), weights) == 1
    assert 0 < raw.accuracy(x, np.arange(1400) % 5, weights) < 1


OPTIMIZERS = {
    "SGD": lambda rate: keras.optimizers.SGD(rate),
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "RMSprop": lambda rate: keras.optimizers.RMSprop(rate),
    "Adam": lambda rate: keras.optimizers.Adam(rate),
}


@pytest.mark.parametrize("name", raw.UPDATE_RULES)
@pytest.mark.parametrize("tensors", [False, True])
def test_update_rules_are_the_optimizers_of_keras(name, tensors):
    weight, memory, variable, optimizer = np.ones(4), {}, keras.Variable(np.ones(4)), OPTIMIZERS[name](0.03)
    for gradient in np.random.default_rng(0).normal(size=(30, 4)) * [1, 100, 1e-4, 0]:
        change = raw.UPDATE_RULES[name](tf.constant(gradient) if tensors else gradient, memory, 0.03)
        weight = weight + np.asarray(change)
        optimizer.apply([gradient.astype("float32")], [variable])
        assert np.allclose(weight, variable, rtol=1e-4, atol=1e-5)
    assert np.isfinite(weight).all()

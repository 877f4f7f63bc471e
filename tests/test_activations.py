"""helpers.activations against submodels of Keras; and that what gradient ascent finds is liked by the channel."""

from helpers.activations import activations, best_inputs
from helpers.engine import keras
from helpers.explain import map_layers, running

import numpy as np
import pytest
from keras import layers
from model_tools import all_layers

SIZE = 16
NOISE = np.random.default_rng(0).integers(0, 256, (7, SIZE, SIZE, 3), np.uint8)


def body(silent=False):
    """Two convolutions; the first channel of the second is silent if wanted: its ReLU is 0 for all images."""
    return [
        layers.Rescaling(1 / 127.5, -1),
        layers.Conv2D(4, 3, padding="same", activation="relu", name="first"),
        layers.MaxPooling2D(name="half"),
        layers.Conv2D(6, 3, activation="relu", name="second", bias_initializer=shut if silent else "zeros"),
    ]


def shut(shape, dtype=None):
    return np.array([-100.0] + [0] * (shape[0] - 1), np.float32)


def head():
    return [layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax", name="classes")]


def sequential(size=SIZE, silent=False):
    return keras.Sequential([keras.Input((size, size, 3)), *body(silent), *head()])


def functional(size=SIZE):
    x = inputs = keras.Input((size, size, 3))
    for layer in [*body(), *head()]:
        x = layer(x)
    return keras.Model(inputs, x)


def nested():
    x = inputs = keras.Input((SIZE, SIZE, 3))
    inner = keras.Sequential([keras.Input((SIZE, SIZE, 3)), *body()], name="inner")
    for layer in (inner, *head()):
        x = layer(x)
    return keras.Model(inputs, x)


KINDS = {"Sequential": sequential, "functional": functional, "any size": lambda: functional(None), "nested": nested}


@pytest.fixture(autouse=True, scope="module")
def same_weights():
    keras.utils.set_random_seed(1)


@pytest.fixture(scope="module")
def model():
    return sequential()


def before_relu(model, images, name="second"):
    """What the layer makes of what it gets, without its ReLU, by Keras."""
    layer = model.get_layer(name)
    inputs = keras.Model(model.inputs[0], layer.input)(np.asarray(images, np.float32)).numpy()
    padding = "SAME" if layer.padding == "same" else "VALID"
    convolved = keras.ops.conv(inputs, layer.kernel, padding=padding.lower())
    return np.asarray(convolved) + layer.bias.numpy()


def liked(model, images, channels, name="second"):
    maps = before_relu(model, images, name)
    return np.array([maps[k, ..., channel].mean() for k, channel in enumerate(channels)])


def variation(images):
    images = np.asarray(images, float)
    return np.abs(np.diff(images, axis=1)).mean() + np.abs(np.diff(images, axis=2)).mean()


# --- activations ---


@pytest.mark.parametrize("kind", KINDS)
def test_activations_are_the_outputs_of_the_layer(kind):
    model = KINDS[kind]()
    inner = model.get_layer("inner") if kind == "nested" else model
    for name in ("first", "half", "second"):
        expected = keras.Model(inner.inputs[0], inner.get_layer(name).output)(NOISE.astype("float32")).numpy()
        found = activations(model, NOISE, name)
        assert found.dtype == np.float32
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(activations(model, NOISE), found)  # the last one by default
    if kind == "nested":
        np.testing.assert_array_equal(activations(model, NOISE, "inner/second"), found)


def test_activations_in_batches_are_the_same_in_the_same_order(model, monkeypatch):
    expected = activations(model, NOISE, "first")
    for batch in (1, 3, 7, 100):
        monkeypatch.setattr(running, "BATCH", batch)
        np.testing.assert_allclose(activations(model, NOISE, "first"), expected, atol=1e-6)


def test_activations_of_other_sizes():
    model = functional(None)
    for height, width in ((16, 16), (24, 12)):
        assert activations(model, np.zeros((1, height, width, 3)), "first").shape == (1, height, width, 4)


def test_activations_follow_new_weights():
    model = sequential()
    before = activations(model, NOISE, "first")
    model.get_layer("first").set_weights([np.zeros((3, 3, 3, 4)), np.full(4, 2.5)])
    assert np.ptp(before) > 0
    np.testing.assert_array_equal(activations(model, NOISE, "first"), np.full_like(before, 2.5))


@pytest.mark.parametrize(
    ("images", "layer", "message"),
    [
        (NOISE[0], None, r"Need a batch of images.*write image\[np.newaxis\]"),
        (NOISE[:0], None, "Need a batch of images"),
        (NOISE[:, :8], None, r"takes images of shape \(16, 16, 3\), but these have \(8, 16, 3\)"),
        (NOISE, "third", "has no layer 'third'"),
        (NOISE, "classes", "has no layer 'classes'"),
    ],
)
def test_activations_refuse(model, images, layer, message):
    with pytest.raises(ValueError, match=message):
        activations(model, images, layer)


# --- gradient ascent ---


@pytest.fixture(scope="module")
def found(model):
    return best_inputs(model, "second", range(6), steps=32)


def test_images_and_activations_have_the_size_of_the_model(found):
    images, reached = found
    assert (images.shape, images.dtype) == ((6, SIZE, SIZE, 3), np.uint8)
    assert reached.shape == (6,)


def test_returned_activation_is_the_mean_of_the_map_before_relu(model, found):
    images, reached = found
    np.testing.assert_allclose(reached, liked(model, images, range(6)), rtol=1e-3, atol=1e-4)


def test_a_channel_likes_its_image_better_than_any_other(model, found):
    images, reached = found
    start = best_inputs(model, "second", range(6), steps=0)
    assert np.all(np.abs(start[0].astype(float) - 127) < 60)  # gray noise
    np.testing.assert_allclose(start[1], liked(model, start[0], range(6)), rtol=1e-3, atol=1e-4)
    assert np.all(reached > start[1] + 0.05)
    random = before_relu(model, np.random.default_rng(5).integers(0, 256, (200, SIZE, SIZE, 3))).mean(axis=(1, 2))
    others = before_relu(model, images).mean(axis=(1, 2))  # a row for each image, a column for each channel
    assert np.all(reached > random.max(axis=0))
    assert np.all(others.argmax(axis=0) == np.arange(6))


def test_images_depend_on_their_own_channel_only(model, found):
    some, _ = best_inputs(model, "second", [4, 1], steps=32, jitter=0, blur=0)
    other, _ = best_inputs(model, "second", [4, 0], steps=32, jitter=0, blur=0)
    np.testing.assert_array_equal(some[0], other[0])
    assert not np.array_equal(some[1], other[1])


def test_more_steps_reach_more(model):
    reached = [best_inputs(model, "second", [2, 3], steps=steps)[1] for steps in (4, 16, 64)]
    assert np.all(np.diff(reached, axis=0) > 0)


@pytest.mark.parametrize("options", [{"jitter": 0}, {"blur": 0}, {"jitter": 0, "blur": 0}])
def test_options_for_the_way_change_the_image_and_reach_a_lot(model, found, options):
    images, reached = best_inputs(model, "second", range(6), steps=32, **options)
    assert not np.array_equal(images, found[0])
    assert np.all(reached > 0.9 * found[1])


def test_plain_ascent_is_that_of_an_eager_tape(model):
    """Without jitter, blur and variation: noise, then steps of 6 gray levels in the mean."""
    import tensorflow as tf

    layer = model.get_layer("second")
    inner = keras.Model(model.inputs[0], layer.input)
    image = np.random.default_rng(3).normal(127, 8, (1, SIZE, SIZE, 3)).astype(np.float32)
    for _ in range(5):
        variable = tf.Variable(image)
        with tf.GradientTape() as tape:
            maps = tf.nn.conv2d(inner(variable), layer.kernel, 1, "VALID")
            goal = tf.reduce_mean(maps[..., 1])
        gradient = tape.gradient(goal, variable).numpy()
        image = np.clip(image + 6 * gradient / np.abs(gradient).mean(), 0, 255)
    images, _ = best_inputs(model, "second", [1], steps=5, jitter=0, blur=0, seed=3)
    assert np.abs(images - image).max() <= 0.6


def test_jitter_alone_leaves_the_image_where_it_is(model):
    start = best_inputs(model, "second", [0, 1], steps=0)
    for jitter in (1, 4, 30):
        found = best_inputs(model, "second", [0, 1], steps=3, rate=0, blur=0, jitter=jitter)
        np.testing.assert_array_equal(found[0], start[0])


def test_blur_and_variation_make_images_smoother(model):
    plain = best_inputs(model, "second", range(6), steps=24, blur=0)[0]
    blurred = best_inputs(model, "second", range(6), steps=24, blur=1.5)[0]
    varied = best_inputs(model, "second", range(6), steps=24, blur=0, variation=1.0)[0]
    assert variation(blurred) < 0.9 * variation(plain)
    assert variation(varied) < 0.8 * variation(plain)


def test_a_silent_channel_moves_too():
    keras.utils.set_random_seed(1)
    model = sequential(silent=True)
    assert activations(model, NOISE, "second")[..., 0].max() == 0
    start = best_inputs(model, "second", [0], steps=0)
    images, reached = best_inputs(model, "second", [0], steps=16)
    assert start[1][0] + 0.01 < reached[0] < 0
    assert variation(images) > 1.3 * variation(start[0])


def test_seeds(model):
    options = {"steps": 8}
    first, again, other = (best_inputs(model, "second", [0, 1], seed=seed, **options) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
    np.testing.assert_array_equal(best_inputs(model, "second", [0, 1], **options)[0], first[0])


def test_sizes():
    model = functional(None)
    assert best_inputs(model, "first", [0], steps=1)[0].shape == (1, 64, 64, 3)
    assert best_inputs(model, "first", [0, 3], steps=1, size=20)[0].shape == (2, 20, 20, 3)
    assert best_inputs(model, None, np.array([5]), steps=1, size=33)[0].shape == (1, 33, 33, 3)


def test_images_of_one_channel():
    model = keras.Sequential([keras.Input((12, 12, 1)), layers.Conv2D(2, 3, name="only"), *head()])
    assert best_inputs(model, None, [0], steps=2)[0].shape == (1, 12, 12, 1)


@pytest.mark.parametrize(
    ("layer", "channels", "options", "message"),
    [
        ("third", [0], {}, "has no layer 'third'"),
        ("classes", [0], {}, "has no layer 'classes'"),
        ("second", [6], {}, r"channels must be a list of numbers from 0 to 5, but it is \[6\]"),
        ("second", [0, -1], {}, "channels must be a list"),
        ("second", [], {}, "channels must be a list"),
        ("second", 3, {}, "channels must be a list"),
        ("second", [[0]], {}, "channels must be a list"),
        ("second", [0], {"size": 20}, r"takes images of shape \(16, 16, 3\), but these have \(20, 20, 3\)"),
    ],
)
def test_best_inputs_refuse(model, layer, channels, options, message):
    with pytest.raises(ValueError, match=message):
        best_inputs(model, layer, channels, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_is_as_it_was_afterwards(kind):
    model = KINDS[kind]()
    kept = {layer: layer.activation for layer in all_layers(model) if hasattr(layer, "activation")}
    before, weights = model(NOISE.astype("float32")).numpy(), model.get_weights()
    activations(model, NOISE, "second")
    best_inputs(model, "second", [0], steps=1)
    np.testing.assert_array_equal(model(NOISE.astype("float32")).numpy(), before)
    for weight, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert len(kept) >= 3
    assert all(layer.activation is activation for layer, activation in kept.items())
    for layer in all_layers(model):
        assert layer.call.__func__ is type(layer).call and layer.call.__self__ is layer


def test_a_layer_inside_of_mobilenet():
    whole = keras.applications.MobileNetV2((48, 48, 3), alpha=0.35, weights=None, include_top=False)
    base = keras.Model(whole.inputs[0], whole.get_layer("block_3_depthwise_relu").output, name="base")  # is faster
    inputs = keras.Input((48, 48, 3))
    x = base(keras.applications.mobilenet_v2.preprocess_input(inputs))
    model = keras.Model(inputs, layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(x)))
    assert "base/block_3_expand" in map_layers(model)
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), np.uint8)
    inner = keras.Model(base.inputs[0], base.get_layer("block_3_expand").output)
    expected = inner(images / np.float32(127.5) - 1).numpy()
    np.testing.assert_allclose(activations(model, images, "block_3_expand"), expected, atol=1e-5)
    start = best_inputs(model, "base/block_3_expand", [0, 5], steps=0)[1]
    images, reached = best_inputs(model, "base/block_3_expand", [0, 5], steps=8)
    assert images.shape == (2, 48, 48, 3)
    assert np.all(reached > start)
    recomputed = inner(images / np.float32(127.5) - 1).numpy().mean(axis=(1, 2))[[0, 1], [0, 5]]
    np.testing.assert_allclose(reached, recomputed, rtol=1e-3, atol=1e-5)

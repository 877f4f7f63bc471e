"""helpers.explain against maps by hand, an eager GradientTape, and occlusion one square at a time."""

import logging

from helpers.engine import keras, tf
from helpers.explain import (
    class_activation_map,
    find_class,
    find_layer,
    grad_cam,
    integrated_gradients,
    map_layers,
    occlusion,
    overlap,
    places,
    pointing_game,
    predict,
    resize,
    running,
    saliency,
)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_tools import all_layers
from scipy import ndimage

layers = keras.layers

SIZE = 8, 6
SHAPE = *SIZE, 3


def covered(model, images, class_index=None):
    return occlusion(model, images, class_index, 3, 2)


MAPS = [grad_cam, class_activation_map, saliency, integrated_gradients, covered]


def pictures(number=3, shape=SHAPE, seed=0):
    """Noise, each picture of a color of its own."""
    rng = np.random.default_rng(seed)
    return (rng.uniform(0, 255, (number, *shape)) * rng.random((number, 1, 1, shape[-1]))).astype(np.float32)


def set_weights(model, *weights):
    model.set_weights([np.array(weight, np.float32) for weight in weights])


def zoom(maps, height, width):
    maps = np.asarray(maps)
    factors = 1, height / maps.shape[1], width / maps.shape[2]
    return ndimage.zoom(maps, factors, order=1, mode="nearest", grid_mode=True)


def by_tape(look, images, classes):
    """The maps, their gradients and the scores; ``look`` gives the maps and the scores before the softmax."""
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        maps, scores = look(images, training=False)
        score = tf.gather(scores, classes, batch_dims=1)
    return maps.numpy(), tape.gradient(score, maps).numpy(), scores.numpy()


def grad_cam_by_tape(model, layer, scores, images, classes):
    maps, gradients, _ = by_tape(keras.Model(model.inputs[0], [layer.output, scores]), images, classes)
    heat = (maps * gradients.mean(axis=(1, 2), keepdims=True)).sum(axis=3)
    return zoom(np.maximum(heat, 0), *images.shape[1:3])


def assert_close(found, expected, tolerance=1e-4):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * max(np.abs(expected).max(), 1e-30))


# --- two filters, by hand ---

IMAGE = np.array([[1, 2], [3, 4]], np.float32)[np.newaxis, :, :, np.newaxis]


def two_filters(head, weights, ending="linear"):
    """The first filter gives x, that is [[1, 2], [3, 4]], the second relu(3 - x), that is [[2, 1], [0, 0]]."""
    conv = layers.Conv2D(2, 1, activation="relu", name="conv")
    model = keras.Sequential([keras.Input((2, 2, 1)), conv, head, layers.Dense(2, activation=ending)])
    set_weights(model, [[[[1, -1]]]], [0, 3], weights, [7, -7])
    return model


@pytest.fixture(scope="module", params=["linear", "softmax"])
def averaging(request):
    return two_filters(layers.GlobalAveragePooling2D(), [[2, 1], [-4, 5]], request.param)


def test_grad_cam_by_hand(averaging):
    """The gradients are weights / 4 at each place: 0.5 and -1 for the first class, 0.25 and 1.25 for the second."""
    assert_close(grad_cam(averaging, IMAGE, 0), [[[0, 0], [1.5, 2]]], 1e-6)
    assert_close(grad_cam(averaging, IMAGE, 1), [[[2.75, 1.75], [0.75, 1]]], 1e-6)


def test_cam_by_hand(averaging):
    assert_close(class_activation_map(averaging, IMAGE, 0), [[[-6, 0], [6, 8]]], 1e-6)
    assert_close(class_activation_map(averaging, IMAGE, 1), [[[11, 7], [3, 4]]], 1e-6)


def test_grad_cam_takes_the_mean_of_gradients_that_differ_from_place_to_place():
    """The gradients of the first filter are 1, 2, 3, 6, in the mean 3; those of the second -4, 0, 0, 0: -1."""
    weights = np.zeros((8, 2))
    weights[:, 1] = [1, -4, 2, 0, 3, 0, 6, 0]
    assert_close(grad_cam(two_filters(layers.Flatten(), weights), IMAGE, 1), [[[1, 5], [9, 12]]], 1e-6)


def test_maps_are_enlarged_linearly_after_the_negative_is_cut_off():
    model = keras.Sequential(
        [keras.Input((1, 4, 1)), layers.AveragePooling2D((1, 2), name="mean"), layers.Flatten(), layers.Dense(1)]
    )
    set_weights(model, [[1], [1]], [0])
    heat = grad_cam(model, np.array([-8, -8, 4, 4]).reshape(1, 1, 4, 1), 0, "mean")
    assert_close(heat, [[[0, 1, 3, 4]]])


# --- kinds of models ---


def body():
    """Dropout, which is not shown, and weights that `fill` draws."""
    return [
        layers.Conv2D(4, 3, padding="same", activation="relu", name="first"),
        layers.MaxPooling2D(name="half"),
        layers.Dropout(0.5),
        layers.Conv2D(5, 3, padding="same", activation="relu", name="last"),
    ]


def head(ending="linear"):
    return [layers.GlobalAveragePooling2D(), layers.Dense(3, activation=ending)]


def chain(inputs, steps):
    for step in steps:
        inputs = step(inputs)
    return inputs


def functional(*steps, shape=SHAPE):
    inputs = keras.Input(shape)
    return keras.Model(inputs, chain(inputs, steps))


def sequential(*steps, shape=SHAPE, name=None):
    return keras.Sequential([keras.Input(shape), *steps], name=name)


def frozen(ending):
    base = functional(*body())
    base.trainable = False
    return functional(base, *head(ending))


def two_levels(ending):
    conv, *rest = body()
    inner = functional(*rest, shape=(*SIZE, 4))
    return functional(functional(conv, inner), *head(ending))


KINDS = {
    "functional": lambda: functional(*body(), *head()),
    "functional, softmax": lambda: functional(*body(), *head("softmax")),
    "functional, sigmoid": lambda: functional(*body(), *head("sigmoid")),
    "Softmax layer": lambda: functional(*body(), *head(), layers.Softmax()),
    "Activation layer": lambda: functional(*body(), *head(), layers.Activation("softmax")),
    "softmax operation": lambda: functional(*body(), *head(), keras.ops.softmax),
    "sigmoid operation": lambda: functional(*body(), *head(), keras.ops.sigmoid),
    "Sequential": lambda: sequential(*body(), *head("softmax")),
    "Sequential, Softmax layer": lambda: sequential(*body(), *head(), layers.Softmax()),
    "any size": lambda: functional(*body(), *head("softmax"), shape=(None, None, 3)),
    "functional in functional": lambda: functional(functional(*body()), *head("softmax")),
    "Sequential in Sequential": lambda: sequential(sequential(*body()), *head("softmax")),
    "head as a model": lambda: functional(*body(), sequential(*head("softmax"), shape=(4, 3, 5))),
    "head that ends with an operation": lambda: sequential(
        functional(*body()), functional(*head(), keras.ops.softmax, shape=(4, 3, 5))
    ),
    "frozen base": lambda: frozen("softmax"),
    "two levels": lambda: two_levels("softmax"),
}


def fill(model, seed=1):
    """Draw all weights; the means and variances of batch normalization too, the latter above 0."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed" not in weight.path:
            drawn = rng.normal(0, 0.4, weight.shape)
            weight.assign(np.abs(drawn) + 0.5 if "variance" in weight.path else drawn)
    return model


@pytest.fixture(scope="module")
def plain():
    return fill(KINDS["functional"]())


@pytest.fixture(scope="module")
def truth(plain):
    """Grad-CAM of both convolutions and saliency, for the classes 2, 0, 1, from an eager tape."""
    images, classes = pictures(), [2, 0, 1]
    heat = {
        name: grad_cam_by_tape(plain, plain.get_layer(name), plain.output, images, classes)
        for name in ("first", "last")
    }
    _, gradients, _ = by_tape(lambda images, training: (images, plain(images, training=training)), images, classes)
    return heat | {"saliency": np.abs(gradients).max(axis=3)}


@pytest.mark.parametrize("kind", KINDS)
def test_maps_of_any_kind_of_model_are_those_of_the_eager_tape(kind, truth):
    model, images, classes = fill(KINDS[kind]()), pictures(), [2, 0, 1]
    activations = {layer: layer.activation for layer in all_layers(model) if hasattr(layer, "activation")}
    before = model(images).numpy()
    assert all(truth[name].max() > 0 for name in truth)
    assert_close(grad_cam(model, images, classes), truth["last"])
    assert_close(grad_cam(model, images, classes, "first"), truth["first"])
    assert_close(saliency(model, images, classes), truth["saliency"])

    np.testing.assert_array_equal(model(images).numpy(), before)
    assert all(layer.activation is activation for layer, activation in activations.items())
    for layer in all_layers(model):
        assert layer.call.__func__ is type(layer).call and layer.call.__self__ is layer


def test_weights_of_all_kinds_are_those_of_the_plain_model(plain):
    """Else the test above would compare different networks."""
    for kind, build in KINDS.items():
        for weight, expected in zip(fill(build()).get_weights(), plain.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, expected, kind)


def test_a_failed_call_leaves_the_model_as_it_was():
    class Stubborn(layers.Layer):
        built_once = False

        def call(self, inputs):
            if self.built_once:
                raise RuntimeError("stubborn")
            return inputs

    model = sequential(*body(), Stubborn(), *head("softmax"))
    model.layers[-3].built_once = True
    with pytest.raises(RuntimeError, match="stubborn"):
        grad_cam(model, pictures())
    assert model.layers[-1].activation is keras.activations.softmax
    assert all(layer.call.__func__ is type(layer).call for layer in model.layers)


@pytest.fixture(scope="module")
def many():
    """Augmentation, batch normalization, dropout and a detour, with maps of several sizes."""
    inputs = keras.Input(SHAPE)
    x = chain(
        inputs,
        [
            layers.RandomFlip("horizontal_and_vertical"),
            layers.RandomRotation(0.3),
            layers.RandomTranslation(0.3, 0.3),
            layers.Rescaling(1 / 127.5, -1),
            layers.Conv2D(4, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.SpatialDropout2D(0.5),
        ],
    )
    x = layers.Concatenate()([x, layers.SeparableConv2D(3, 3, padding="same", activation="tanh")(x)])
    x = chain(x, [layers.AveragePooling2D(2), layers.Dropout(0.5), layers.Flatten(), layers.Dense(3)])
    return fill(keras.Model(inputs, layers.Softmax()(x)))


def test_all_layers_of_a_model_with_parts_that_are_random_in_training(many):
    images, classes = pictures(), [2, 0, 1]
    kinds = [type(layer).__name__ for layer in map_layers(many).values()]
    assert kinds[:5] == ["RandomFlip", "RandomRotation", "RandomTranslation", "Rescaling", "Conv2D"]
    assert kinds[5:] == ["BatchNormalization", "ReLU", "SeparableConv2D", "Concatenate", "AveragePooling2D"]
    for name in map_layers(many):
        expected = grad_cam_by_tape(many, many.get_layer(name), many.layers[-2].output, images, classes)
        assert expected.max() > 0, name
        assert_close(grad_cam(many, images, classes, name), expected)
        np.testing.assert_array_equal(grad_cam(many, images, classes, name), grad_cam(many, images, classes, name))


def test_explaining_does_not_touch_the_weights_that_training_alone_changes(many):
    before = many.get_weights()
    for explanation in (grad_cam, saliency, covered):
        explanation(many, pictures(1))
    for weight, expected in zip(many.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_mobilenet():
    model = keras.applications.MobileNetV2((64, 64, 3), alpha=0.35, weights=None, classes=5)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "variance" in weight.path:
            weight.assign(rng.uniform(0.5, 2, weight.shape))
        elif "kernel" in weight.path:
            inputs = np.prod(weight.shape[: 2 if "depthwise" in weight.path else -1])
            weight.assign(rng.normal(0, inputs**-0.5, weight.shape))
    images = pictures(2, (64, 64, 3)) / 127.5 - 1
    classes = predict(model, images).argmax(axis=1)
    assert find_layer(model).name == "out_relu"
    assert len(map_layers(model)) > 150
    scores = keras.ops.matmul(model.layers[-2].output, model.layers[-1].kernel.numpy())
    expected = grad_cam_by_tape(model, model.get_layer("out_relu"), scores, images, classes)
    assert np.ptp(expected, axis=(1, 2)).min() > 0
    assert_close(grad_cam(model, images, classes), expected)


# --- CAM ---


def test_grad_cam_of_an_averaging_network_is_cam_per_place(plain):
    images, classes = pictures(5), [0, 1, 2, 1, 0]
    maps = keras.Model(plain.inputs[0], plain.get_layer("last").output)(images).numpy()
    small = np.einsum("nhwc,cn->nhw", maps, plain.layers[-1].get_weights()[0][:, classes])
    assert small.min() < 0 < small.max()
    assert_close(class_activation_map(plain, images, classes), zoom(small, *SIZE))
    assert_close(grad_cam(plain, images, classes), zoom(np.maximum(small, 0), *SIZE) / small[0].size)


@pytest.mark.parametrize("between", [layers.MaxPooling2D, lambda: keras.ops.tanh, layers.Dropout])
def test_cam_adds_up_to_the_score_whatever_is_before_the_averaging(between):
    between = between(0.5) if between is layers.Dropout else between()
    model = fill(functional(layers.Conv2D(5, 3, padding="same"), between, *head()))
    images = pictures() / 255
    pooled = keras.Model(model.inputs[0], model.layers[-2].input)(images).numpy()
    weights, bias = model.layers[-1].get_weights()
    assert_close(class_activation_map(model, images, 1), zoom(pooled @ weights[:, 1], *SIZE))
    np.testing.assert_allclose((pooled @ weights).mean(axis=(1, 2)) + bias, model(images), atol=1e-5)


# --- classes, batches, repeated calls ---


@pytest.mark.parametrize("explanation", MAPS)
def test_classes(plain, explanation):
    images, chosen = pictures(4), predict(plain, pictures(4)).argmax(axis=1)
    by_class = np.stack([explanation(plain, images, label) for label in range(3)])
    assert by_class.shape == (3, 4, *SIZE)
    assert by_class.dtype == np.float32
    for wanted in (chosen, [0, 2, 1, 0], (1, 1, 2, 0), np.uint8([2, 0, 0, 1])):
        assert_close(explanation(plain, images, wanted), by_class[wanted, np.arange(4)], 1e-5)
    assert_close(explanation(plain, images), by_class[chosen, np.arange(4)], 1e-5)
    assert_close(explanation(plain, images, np.int64(1)), by_class[1], 1e-5)
    assert len({*chosen}) > 1
    assert np.abs(by_class[0] - by_class[1]).max() > 0


@pytest.mark.parametrize("explanation", MAPS)
@pytest.mark.parametrize("classes", [None, [0, 2, 1, 0, 2]])
def test_batches_are_like_single_images(plain, monkeypatch, explanation, classes):
    images = pictures(5)
    singles = [explanation(plain, images[i : i + 1], classes and classes[i])[0] for i in range(5)]
    monkeypatch.setattr(running, "BATCH", 2)
    assert_close(explanation(plain, images, classes), np.stack(singles), 1e-5)


def test_no_more_than_a_batch_at_once(monkeypatch):
    seen = []

    class Seen(layers.Layer):
        def call(self, inputs):
            tf.py_function(lambda x: seen.append(len(x)), [inputs], [])
            return inputs

    model = fill(sequential(Seen(), *body(), *head()))
    seen.clear()
    monkeypatch.setattr(running, "BATCH", 2)
    for explanation in (grad_cam, saliency, covered, predict):
        explanation(model, pictures(5))
    assert {*seen} == {1, 2}


@pytest.mark.parametrize("explanation", MAPS)
def test_images_of_other_types(plain, explanation):
    images = pictures().astype(np.uint8)
    assert_close(explanation(plain, images, 0), explanation(plain, images.astype(np.float32), 0), 1e-6)
    assert_close(explanation(plain, images.tolist(), 0), explanation(plain, images, 0), 1e-6)


def test_images_are_not_changed(plain):
    images = pictures()
    for explanation in MAPS:
        explanation(plain, images)
    np.testing.assert_array_equal(images, pictures())


def test_a_model_of_any_size_takes_images_of_several_sizes(plain):
    model = fill(KINDS["any size"]())
    for size in ((8, 6), (5, 9), (20, 20)):
        images = pictures(2, (*size, 3))
        for explanation in (grad_cam, class_activation_map, saliency):
            assert explanation(model, images, 1).shape == (2, *size)
    assert_close(occlusion(model, pictures(2), 1, 3, 2), occlusion(with_softmax(plain), pictures(2), 1, 3, 2))


def with_softmax(model):
    return keras.Model(model.inputs[0], layers.Softmax()(model.output))


def test_repeated_calls_are_not_traced_again():
    traced = []

    class Count(layers.Layer):
        def call(self, inputs):
            traced.append(self)
            return inputs

    model = fill(sequential(Count(), *body(), *head("softmax"), shape=(None, None, 3)))

    def explain_all():
        traced.clear()
        for name in ("first", None):
            for number, size, classes in ((1, (8, 6), None), (3, (8, 6), 2), (2, (9, 9), [0, 1])):
                grad_cam(model, pictures(number, (*size, 3)), classes, name)
        for explanation in (class_activation_map, saliency, integrated_gradients, covered):
            explanation(model, pictures(2))
        return len(traced)

    assert 0 < explain_all() < 10
    assert explain_all() == 0


def test_changed_weights_count():
    model, images = fill(KINDS["Sequential"]()), pictures()
    before = [explanation(model, images, 1) for explanation in MAPS]
    fill(model, seed=2)
    other = fill(KINDS["functional, softmax"](), seed=2)
    for explanation, old in zip(MAPS, before, strict=True):
        assert np.abs(explanation(model, images, 1) - old).max() > 0
        assert_close(explanation(model, images, 1), explanation(other, images, 1))


def test_many_layers_without_a_warning(capfd, recwarn):
    said = logging.Handler()
    said.records = []
    said.emit = said.records.append
    logging.getLogger().addHandler(said)
    tf.get_logger().addHandler(said)
    model = sequential(*[layers.Conv2D(2, 1) for _ in range(8)], *head())
    try:
        for name in map_layers(model):
            for number in (1, 2):
                grad_cam(model, pictures(number), 0, name)
        for explanation in MAPS:
            explanation(model, pictures())
    finally:
        tf.get_logger().removeHandler(said)
        logging.getLogger().removeHandler(said)
    assert said.records == []
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


# --- gradients of the pixels ---


def linear(shape=SHAPE, classes=3):
    return fill(sequential(layers.Flatten(), layers.Dense(classes, activation="softmax"), shape=shape))


def pixel_weights(model):
    return model.layers[-1].get_weights()[0].T.reshape(-1, *SHAPE)


def test_saliency_of_a_linear_model_is_the_largest_weight():
    model = linear()
    expected = np.abs(pixel_weights(model)[[2, 0, 1]]).max(axis=3)
    assert_close(saliency(model, pictures(), [2, 0, 1]), expected, 1e-6)


@pytest.mark.parametrize("baseline", [127.0, 0, np.float64(3), pictures(1, seed=5)[0], pictures(seed=6).tolist()])
@pytest.mark.parametrize("steps", [1, 3])
def test_integrated_gradients_of_a_linear_model(baseline, steps):
    model, images = linear(), pictures()
    expected = (pixel_weights(model)[[2, 0, 1]] * (images - np.float32(baseline))).sum(axis=3)
    assert_close(integrated_gradients(model, images, [2, 0, 1], steps, baseline), expected, 1e-5)


def test_integrated_gradients_start_at_mid_gray(plain):
    images = pictures()
    assert_close(integrated_gradients(plain, images, 1), integrated_gradients(plain, images, 1, 32, 127), 1e-7)


def scores_of(model, images):
    """Before the softmax."""
    return keras.Model(model.inputs[0], keras.ops.matmul(model.layers[-1].input, model.layers[-1].kernel.numpy()))(
        images
    )


@pytest.mark.parametrize(("activation", "steps", "tolerance"), [("softplus", 64, 1e-3), (keras.ops.square, 1, 1e-4)])
def test_integrated_gradients_add_up_to_the_score(activation, steps, tolerance):
    """The middle of each step makes one step exact for a square, whose gradient is linear."""
    model = fill(
        functional(
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation=activation),
            layers.Flatten(),
            *head("softmax")[1:],
        )
    )
    images = pictures()
    total = integrated_gradients(model, images, [2, 0, 1], steps, 50.0).sum(axis=(1, 2))
    expected = (scores_of(model, images) - scores_of(model, np.full_like(images, 50))).numpy()[range(3), [2, 0, 1]]
    np.testing.assert_allclose(total, expected, rtol=tolerance, atol=tolerance)


def test_integrated_gradients_keep_to_the_class_of_the_image():
    """On the way from black the network chooses another class first."""
    model = sequential(layers.Flatten(), layers.Dense(2), shape=(1, 1, 1))
    set_weights(model, [[0, 2]], [100, 0])
    assert predict(model, np.zeros((1, 1, 1, 1))).argmax() == 0
    assert_close(integrated_gradients(model, np.full((1, 1, 1, 1), 60), baseline=0.0), [[[120]]])


# --- occlusion ---


def slow_occlusion(model, image, label, size, stride, fill):
    """One square at a time, at all multiples of the stride that fit, and at the border."""
    height, width = image.shape[:2]
    before, falls = model.predict_on_batch(image[np.newaxis])[0, label], {}
    for top in {*range(0, height - size, stride), height - size}:
        for left in {*range(0, width - size, stride), width - size}:
            hidden = image.copy()
            hidden[top : top + size, left : left + size] = fill
            falls[top, left] = before - model.predict_on_batch(hidden[np.newaxis])[0, label]
    return [
        [
            np.mean([fall for (top, left), fall in falls.items() if 0 <= y - top < size and 0 <= x - left < size])
            for x in range(width)
        ]
        for y in range(height)
    ]


@pytest.mark.parametrize(("size", "stride"), [(3, 2), (3, 3), (4, 1), (6, 4)])
def test_occlusion_is_that_of_one_square_at_a_time(size, stride):
    model, images, fill_color = fill(KINDS["functional, softmax"]()), pictures(2) / 255, [0.1, 0.9, 0.4]
    mean_colors = images.reshape(2, -1, 3).mean(axis=1)
    for fill_with, colors in ((None, mean_colors), (0.5, [0.5, 0.5]), (fill_color, [fill_color] * 2)):
        found = occlusion(model, images, [2, 0], size, stride, fill_with)
        for one, image, label, color in zip(found, images, [2, 0], colors, strict=True):
            expected = np.array(slow_occlusion(model, image, label, size, stride, color))
            assert np.abs(expected).max() > 1e-4
            assert_close(one, expected, 1e-3)


def test_occlusion_of_a_probability_falls_by_no_more_than_it():
    model, images = fill(KINDS["Softmax layer"]()), pictures()
    falls = occlusion(model, images, None, 3, 1)
    assert falls.max() > 1e-4
    assert (falls <= model(images).numpy().max(axis=1)[:, None, None] + 1e-6).all()


def test_occlusion_with_one_square_is_the_same_everywhere():
    model, image = linear((6, 6, 1), 2), pictures(1, (6, 6, 1)) / 255
    gray = np.full_like(image, 0.2)
    fall = (model(image) - model(gray)).numpy()[0, 1]
    assert_close(occlusion(model, image, 1, 6, 1, 0.2), np.full((1, 6, 6), fall), 1e-5)


@pytest.mark.parametrize(
    ("length", "size", "stride", "expected"),
    [
        (10, 4, 3, [0, 3, 6]),
        (10, 4, 4, [0, 4, 6]),
        (10, 3, 3, [0, 3, 6, 7]),
        (10, 2, 5, [0, 2, 4, 6, 8]),
        (5, 4, 9, [0, 1]),
        (5, 5, 1, [0]),
        (3, 1, 1, [0, 1, 2]),
    ],
)
def test_places(length, size, stride, expected):
    assert places(length, size, stride) == expected


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_places_leave_no_gap_and_do_not_repeat(length, size, stride):
    size = min(size, length)
    found = places(length, size, stride)
    assert found[0] == 0
    assert found[-1] == length - size
    assert all(0 < step <= min(size, stride) for step in np.diff(found))


# --- grades ---


@given(st.integers(0, 99))
def test_pointing_game_and_overlap_are_those_of_sets(seed):
    rng = np.random.default_rng(seed)
    maps, masks = rng.permutation(60).reshape(3, 4, 5) / 7 - 4, rng.random((3, 4, 5)) < 0.4
    for heat, mask, hit, agreement in zip(maps, masks, pointing_game(maps, masks), overlap(maps, masks), strict=True):
        places_of = sorted(np.ndindex(4, 5), key=lambda place, heat=heat: -heat[place])
        inside = {place for place in places_of if mask[place]}
        hottest = {*places_of[: len(inside)]}
        assert hit == (places_of[0] in inside)
        assert agreement == pytest.approx(len(hottest & inside) / len(hottest | inside) if inside else 0)


def test_pointing_game_by_hand():
    maps = [[[0, 1], [3, 2]], [[0, 1], [3, 2]], [[-5, -1], [-2, -3]], [[0.1, 0.1], [0.1, 0.1]], [[7, 0], [0, 7]]]
    masks = [[[0, 0], [1, 0]], [[1, 1], [0, 1]], [[0, 1], [0, 0]], [[1, 1], [1, 1]], [[0, 0], [0, 1]]]
    found = pointing_game(maps, masks)
    assert found.dtype == bool
    assert found.tolist() == [True, False, True, False, False]  # of equal ones, the first counts


def test_pointing_game_with_empty_and_full_masks():
    maps = pictures(2)[..., 0]
    assert pointing_game(maps, np.zeros_like(maps)).tolist() == [False, False]
    assert pointing_game(maps, np.ones_like(maps)).tolist() == [True, True]


def test_overlap_by_hand():
    maps = np.array([[[9, 8, 7], [1, 2, 3]]] * 5)
    masks = [[[1, 1, 0], [0, 0, 0]], [[0, 1, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 1]], [[0] * 3] * 2, [[1] * 3] * 2]
    assert overlap(maps, masks).tolist() == [1, pytest.approx(1 / 3), 0, 0, 1]


def test_overlap_of_equal_values_takes_the_first():
    flat = np.zeros((2, 2, 2))
    assert overlap(flat, [[[1, 1], [0, 0]], [[0, 0], [1, 1]]]).tolist() == [1, 0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.int8, bool, np.float16])
def test_grades_of_maps_of_any_dtype(dtype):
    maps = np.array([[[0, 0, 1], [0, 0, 0]]]).astype(dtype)
    assert overlap(maps, maps > 0).tolist() == [1]
    assert pointing_game(maps, maps > 0).tolist() == [True]


@pytest.mark.parametrize("grade", [pointing_game, overlap])
@pytest.mark.parametrize(("first", "second"), [((2, 3, 4), (2, 4, 3)), ((3, 4), (3, 4)), ((2, 3, 4), (3, 4))])
def test_grades_need_a_mask_for_each_map(grade, first, second):
    with pytest.raises(ValueError, match=r"Need a mask for each map, both \(N, H, W\), but got"):
        grade(np.ones(first), np.ones(second))


def test_resize_is_linear_between_the_middles_of_pixels():
    assert resize([[[0, 4]]], 1, 4).tolist() == [[[0, 1, 3, 4]]]
    maps = pictures(2, (3, 5, 1))[..., 0]
    assert_close(resize(maps, 12, 9), zoom(maps, 12, 9), 1e-6)
    assert_close(resize(maps, 3, 5), maps, 1e-7)


# --- layers and classes by name ---


def test_layers_of_nested_models_have_their_way_in_the_name():
    inner = functional(layers.Conv2D(2, 1, name="conv"), layers.ReLU(name="relu"))
    inner.name = "inner"
    base = sequential(inner, layers.AveragePooling2D(2, name="half"), name="base")
    model = sequential(base, layers.Conv2D(2, 1, name="conv"), *head())
    names = [*map_layers(model)]
    assert names == ["base/inner/conv", "base/inner/relu", "base/half", "conv"]
    assert map_layers(model)["base/inner/conv"] is inner.layers[1]
    assert find_layer(model, "base/inner/conv") is inner.layers[1]
    assert find_layer(model, "relu") is inner.layers[2]
    assert find_layer(model, "conv") is model.layers[1] is find_layer(model)


def test_the_last_layer_that_does_not_only_pool():
    for *steps, expected in (
        [layers.Conv2D(2, 1), layers.ReLU(), layers.MaxPooling2D(), layers.Dropout(0.1), layers.ReLU],
        [layers.Conv2D(2, 1), layers.AveragePooling2D(2), layers.GlobalMaxPooling2D(keepdims=True), layers.Conv2D],
        [layers.Conv2D(2, 1), layers.BatchNormalization(), layers.BatchNormalization],
    ):
        assert isinstance(find_layer(functional(*steps, layers.Flatten(), layers.Dense(2))), expected)


def test_two_layers_of_one_name():
    first, second = (sequential(layers.Conv2D(2, 1, name="conv"), name=name) for name in ("left", "right"))
    model = sequential(first, sequential(layers.ReLU(), shape=(*SIZE, 2)), layers.Conv2D(3, 1), second, *head())
    with pytest.raises(ValueError, match="several layers 'conv': choose one of left/conv, right/conv"):
        find_layer(model, "conv")
    assert find_layer(model, "left/conv") is first.layers[0]
    assert find_layer(model, "right/conv") is second.layers[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("frist", r"no layer 'frist' with maps; did you mean 'first'\? There are: first, half, last\.$"),
        ("conv99", r"no layer 'conv99' with maps\. There are: first, half, last\.$"),
        ("", "no layer '' with maps"),
        (3, "no layer 3 with maps"),
    ],
)
def test_no_such_layer(plain, name, message):
    for find in (find_layer, lambda model, name: grad_cam(model, pictures(), 0, name)):
        with pytest.raises(ValueError, match=message):
            find(plain, name)


def test_layers_without_maps_are_no_layers_to_look_at(plain):
    for layer in plain.layers:
        if layer.name not in ("first", "half", "last"):
            with pytest.raises(ValueError, match="with maps"):
                find_layer(plain, layer.name)


def test_model_without_maps():
    with pytest.raises(ValueError, match=r"has no layer with maps \(N, H, W, C\)"):
        grad_cam(linear(), pictures())
    with pytest.raises(ValueError, match=r"has no layer 'conv' with maps\. There are: none\."):
        grad_cam(linear(), pictures(), layer="conv")


def test_find_class():
    names = np.array(["cat", "dog", "owl"])
    assert [find_class(name, names) for name in ("cat", "owl")] == [0, 2]
    assert find_class("dog", (name for name in names)) == 1
    with pytest.raises(ValueError, match=r"no class 'cow'\. There are: cat, dog, owl\."):
        find_class("cow", names)


# --- what does not fit ---


@pytest.mark.parametrize("explanation", MAPS)
@pytest.mark.parametrize(
    "classes",
    [-1, 3, [0, 1], [0, 1, 3], [0, -1, 2], [[0, 1, 2]], [], 1.0, True, [True, False, True], "owl", [None] * 3],
)
def test_bad_class(plain, explanation, classes):
    message = r"class_index must be from 0 to 2: one int for all images, or 3 of them.*It is .*find_class"
    with pytest.raises(ValueError, match=message):
        explanation(plain, pictures(), classes)


@pytest.mark.parametrize("explanation", [*MAPS, predict])
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (SHAPE, r"batch of images, \(N, H, W, C\), but the shape is \(8, 6, 3\).*image\[np\.newaxis\]"),
        (SIZE, r"batch of images.*the shape is \(8, 6\)"),
        ((0, *SHAPE), r"batch of images.*the shape is \(0, 8, 6, 3\)"),
        ((2, 6, 8, 3), r"takes images of shape \(8, 6, 3\), but these have \(6, 8, 3\)"),
        ((2, *SIZE, 1), r"takes images of shape \(8, 6, 3\), but these have \(8, 6, 1\)"),
    ],
)
def test_bad_images(plain, explanation, shape, message):
    with pytest.raises(ValueError, match=message):
        explanation(plain, np.ones(shape))


def test_images_for_a_model_of_any_size_need_its_channels():
    model = KINDS["any size"]()
    with pytest.raises(ValueError, match=r"takes images of shape \(None, None, 3\), but these have \(8, 6, 1\)"):
        saliency(model, np.ones((2, *SIZE, 1)))


def test_model_that_takes_lists_of_numbers():
    model = sequential(layers.Dense(3), shape=(144,))
    with pytest.raises(ValueError, match=r"takes images of shape \(144,\), but these have \(8, 6, 3\)"):
        saliency(model, pictures())


@pytest.mark.parametrize(
    "steps",
    [
        [layers.Flatten(), layers.Dense(3)],
        [layers.GlobalMaxPooling2D(), layers.Dense(3)],
        [layers.GlobalAveragePooling2D(), layers.Dense(4), layers.Dense(3)],
        [layers.GlobalAveragePooling2D(), layers.Softmax()],
        [layers.GlobalAveragePooling2D()],
    ],
)
def test_cam_of_other_models(steps):
    with pytest.raises(ValueError, match="CAM needs a model that ends with GlobalAveragePooling2D and Dense"):
        class_activation_map(sequential(*steps), pictures())


@pytest.mark.parametrize("steps", [0, -1, 2.5, "3", None])
def test_bad_steps(plain, steps):
    with pytest.raises(ValueError, match="steps must be a whole number of at least 1, but it is "):
        integrated_gradients(plain, pictures(), 0, steps)


@pytest.mark.parametrize(("size", "stride"), [(0, 1), (7, 1), (-1, 1), (2.0, 1), ("2", 1), (2, 0), (2, -1), (2, 1.5)])
def test_bad_squares(plain, size, stride):
    with pytest.raises(ValueError, match="size must be from 1 to 6, stride at least 1; got "):
        occlusion(plain, pictures(), 0, size, stride)

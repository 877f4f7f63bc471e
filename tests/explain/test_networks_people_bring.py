"""helpers.explain on kinds of networks that people bring, against a plain functional network with the same weights."""

import warnings

from helpers.activations import activations, best_inputs
from helpers.engine import keras, tf
from helpers.explain import (
    class_activation_map,
    find_layer,
    grad_cam,
    integrated_gradients,
    map_layers,
    occlusion,
    predict,
    saliency,
)
from helpers.explain.networks import without_activation

import numpy as np
import pytest

layers = keras.layers
SHAPE = 8, 8, 3
IMAGES = np.random.default_rng(0).uniform(0, 255, (3, *SHAPE)).astype(np.float32)


def covered(model, images, class_index=None, output=None):
    return occlusion(model, images, class_index, 4, 4, output=output)


def few_steps(model, images, class_index=None, output=None):
    return integrated_gradients(model, images, class_index, 4, output=output)


MAPS = [grad_cam, class_activation_map, saliency, few_steps, covered]


def body():
    return [
        layers.Rescaling(1 / 255),
        layers.Conv2D(4, 3, activation="relu", name="first"),
        layers.Conv2D(5, 3, activation="relu", name="last"),
    ]


def head(ending="softmax"):
    return [layers.GlobalAveragePooling2D(), layers.Dense(3, activation=ending, name="classes")]


def chain(steps, inputs=None):
    x = inputs = keras.Input(SHAPE) if inputs is None else inputs
    for step in steps:
        x = step(x)
    return keras.Model(inputs, x)


def fill(model):
    rng = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.4, weight.shape))
    return model


@pytest.fixture(scope="module")
def expected():
    plain = fill(chain([*body(), *head()]))
    return [explanation(plain, IMAGES, [1, 2, 1]) for explanation in MAPS]


def with_policy(name, build):
    keras.config.set_dtype_policy(name)
    try:
        return build()
    finally:
        keras.config.set_dtype_policy("float32")


class Own(keras.Model):
    """A subclassed network; its dropout would show if it were on."""

    def __init__(self, **options):
        super().__init__(**options)
        self.steps = [*body(), layers.Dropout(0.5), *head()]

    def call(self, x, training=False):
        for step in self.steps:
            x = step(x, training=training) if isinstance(step, layers.Dropout) else step(x)
        return x


class OwnBody(Own):
    def call(self, x):
        for step in self.steps[:3]:
            x = step(x)
        return x


def called(model):
    model(IMAGES)
    return model


def named_input():
    inputs = keras.Input(SHAPE, name="pixels")
    return keras.Model({"pixels": inputs}, chain([*body(), *head()])(inputs))


def always_dropping():
    inputs = keras.Input(SHAPE)
    x = layers.Dropout(0.5)(chain(body())(inputs), training=True)
    return keras.Model(inputs, chain(head(), keras.Input((4, 4, 5)))(x))


KINDS = {
    "subclassed, called": lambda: called(Own()),
    "subclassed, inside": lambda: chain([Own()]),
    "subclassed body": lambda: chain([OwnBody(), *head()]),
    "Sequential, called": lambda: called(keras.Sequential([*body(), *head()])),
    "mixed float16": lambda: with_policy("mixed_float16", lambda: chain([*body(), *head()])),
    "mixed float16 inside": lambda: with_policy("mixed_float16", lambda: chain([chain(body()), *head()])),
    "mixed bfloat16": lambda: with_policy("mixed_bfloat16", lambda: chain([*body(), *head()])),
    "float64": lambda: with_policy("float64", lambda: chain([*body(), *head()])),
    "input by name": named_input,
    "dropout that is on in prediction": always_dropping,
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_maps_are_those_of_the_plain_network(kind, expected):
    model = fill(KINDS[kind]())
    policies = [layer.dtype_policy for layer in model._flatten_layers()]
    for explanation, truth in zip(MAPS, expected, strict=True):
        assert np.abs(truth).max() > 0
        if "mixed" in kind and explanation is covered:
            continue  # what the network says is not precise
        found = explanation(model, IMAGES, [1, 2, 1])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, truth, rtol=0, atol=1e-4 * np.abs(truth).max())
    assert [layer.dtype_policy for layer in model._flatten_layers()] == policies


def test_small_gradients_of_half_precision_are_no_zeros():
    """1 / 4096 of a weight of 1e-4 is less than float16 can tell from 0."""
    model = with_policy(
        "mixed_float16",
        lambda: keras.Sequential(
            [keras.Input((64, 64, 1)), layers.Conv2D(1, 1), layers.GlobalAveragePooling2D(), layers.Dense(1)]
        ),
    )
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1), np.full((1, 1), 1e-4), np.zeros(1)])
    np.testing.assert_allclose(saliency(model, np.ones((1, 64, 64, 1)), 0), 1e-4 / 4096, rtol=1e-3)


def test_mixed_precision_in_activations_and_best_inputs():
    model = fill(with_policy("mixed_float16", lambda: chain([*body(), *head()])))
    plain = fill(chain([*body(), *head()]))
    maps = activations(model, IMAGES, "first")
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, activations(plain, IMAGES, "first"), rtol=1e-4)
    options = {"steps": 3, "variation": 0.1}
    np.testing.assert_array_equal(
        best_inputs(model, "last", [0, 2], **options)[0], best_inputs(plain, "last", [0, 2], **options)[0]
    )


# --- whole numbers ---


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_whole_numbers_as_input(dtype):
    model, plain = fill(chain([*body(), *head()], keras.Input(SHAPE, dtype=dtype))), fill(chain([*body(), *head()]))
    for explanation in MAPS[:4]:
        found, truth = explanation(model, IMAGES, 1), explanation(plain, np.floor(IMAGES), 1)
        np.testing.assert_allclose(found, truth, rtol=0, atol=1e-5 * np.abs(truth).max())
    np.testing.assert_allclose(predict(model, IMAGES), predict(plain, np.floor(IMAGES)), atol=1e-6)
    assert best_inputs(model, "last", [0], steps=2)[0].shape == (1, *SHAPE)


# --- used twice ---


def test_a_layer_that_is_used_twice_is_explained_where_it_is_used_last():
    twice = layers.Conv2D(3, 3, padding="same", activation="relu", name="twice")
    model = fill(chain([twice, layers.Rescaling(0.1, name="less"), twice, layers.ReLU(name="relu"), *head()]))
    assert [*map_layers(model)] == ["less", "twice", "relu"]
    with tf.GradientTape() as tape:
        maps = twice(twice(IMAGES) * 0.1)
        tape.watch(maps)
        score = tf.matmul(tf.reduce_mean(tf.nn.relu(maps), (1, 2)), model.layers[-1].kernel)[:, 1]
    weights = tf.reduce_mean(tape.gradient(score, maps), (1, 2), keepdims=True)
    truth = tf.nn.relu(tf.reduce_sum(maps * weights, 3)).numpy()
    assert truth.max() > 0
    np.testing.assert_allclose(grad_cam(model, IMAGES, 1, "twice"), truth, atol=1e-4 * truth.max())
    np.testing.assert_allclose(activations(model, IMAGES, "twice"), maps, rtol=1e-4, atol=1e-3)


def test_a_layer_that_another_model_uses_too():
    """There its maps are larger; here they are 1 × 1, so it is not chosen."""
    shared = layers.Conv2D(4, 1, name="shared")
    chain([shared])
    last, pooling = layers.Conv2D(3, 1, name="last"), layers.GlobalMaxPooling2D(keepdims=True)
    model = chain([last, pooling, shared, layers.Flatten()])
    assert find_layer(model).name == "last"


# --- several outputs ---


def two_outputs(as_dict=False):
    inputs = keras.Input(SHAPE)
    maps = chain(body(), inputs).output
    classes = chain(head(), keras.Input((4, 4, 5)))
    shared = layers.Softmax(name="shared")
    outputs = {
        "kind": layers.Identity(name="kind")(classes(maps)),
        "size": shared(layers.Dense(2, name="size")(layers.Flatten()(maps))),
        "color": shared(layers.Dense(2, name="color")(layers.Flatten()(layers.Conv2D(2, 1, name="side")(inputs)))),
    }
    return keras.Model(inputs, outputs if as_dict else [*outputs.values()])


@pytest.mark.parametrize("as_dict", [False, True])
def test_an_output_is_chosen_by_name(as_dict, expected):
    model = two_outputs(as_dict)
    model.get_layer("first").set_weights(fill(chain(body())).get_weights()[:2])
    plain = fill(chain([*body(), *head()]))
    for weight, value in zip(
        [*model.get_layer("first").weights, *model.get_layer("last").weights, *_classes(model).weights],
        plain.get_weights(),
        strict=True,
    ):
        weight.assign(value)
    for explanation, truth in zip(MAPS, expected, strict=True):
        np.testing.assert_allclose(
            explanation(model, IMAGES, [1, 2, 1], output="kind"), truth, atol=1e-4 * np.abs(truth).max()
        )
    assert predict(model, IMAGES, "kind").shape == (3, 3)


def _classes(model):
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def test_each_output_has_its_own_last_layer_and_its_own_softmax():
    model = fill(two_outputs(as_dict=True))
    for name, layer in (("color", "side"), ("size", "last")):
        dense = model.get_layer(name)
        plain = keras.Model(model.inputs, dense.output)
        np.testing.assert_allclose(
            grad_cam(model, IMAGES, 1, output=name), grad_cam(plain, IMAGES, 1, layer), rtol=1e-4, atol=1e-7
        )
        np.testing.assert_allclose(
            saliency(model, IMAGES, 1, output=name), saliency(plain, IMAGES, 1), rtol=1e-4, atol=1e-9
        )


@pytest.mark.parametrize("explanation", [*MAPS, predict])
def test_several_outputs_and_none_is_chosen(explanation):
    names = ["shared", "shared", "kind"]
    model = two_outputs()
    with pytest.raises(ValueError, match="has 3 outputs: choose one by output=, of 'kind', 'shared', 'shared'"):
        explanation(model, IMAGES)
    with pytest.raises(ValueError, match="no single output 'shared': choose one by output="):
        explanation(model, IMAGES, output="shared")
    assert sorted(names) == sorted(model.output_names)
    assert len(explanation(model, IMAGES, output=0)) == 3


def test_a_layer_that_does_not_lead_to_the_output():
    with pytest.raises(ValueError, match="No gradient leads from the output 'color' back to the layer 'last'"):
        grad_cam(two_outputs(as_dict=True), IMAGES, 0, "last", output="color")


def test_an_output_without_gradient():
    model = fill(chain([*body(), *head(), lambda x: keras.ops.one_hot(keras.ops.argmax(x, 1), 3)]))
    for explanation in (grad_cam, saliency):
        with (
            warnings.catch_warnings(action="ignore"),
            pytest.raises(ValueError, match=r"No gradient leads .* occlusion"),
        ):
            explanation(model, IMAGES, 0)
    assert covered(model, IMAGES, 0).shape == (3, 8, 8)


# --- what cannot be explained ---


class Unseen(Own):
    def call(self, x):
        return super().call(tf.identity(x))


def two_inputs():
    inputs, numbers = keras.Input(SHAPE), keras.Input((4,), name="numbers")
    flat = layers.Flatten()(chain(body())(inputs))
    return keras.Model([inputs, numbers], layers.Dense(3)(layers.Concatenate()([flat, numbers])))


def half_built():
    model = Own()
    model.built = True
    model._build_shapes_dict = {"input_shape": (None, *SHAPE)}
    return model


UNFIT = {
    "no model": (lambda: layers.Dense(3), "Need a Keras model, but this is Dense"),
    "not built": (lambda: keras.Sequential([*body(), *head()]), r"is not built yet: begin it with keras\.Input"),
    "empty": (lambda: keras.Sequential(), "is not built yet"),
    "subclassed, not built": (Own, "is not built yet"),
    "subclassed, built without its layers": (half_built, "is not built yet"),
    "subclassed, cannot be seen": (lambda: called(Unseen()), r"Cannot look inside .* keras\.Model\(inputs, outputs\)"),
    "two inputs": (two_inputs, r"has 2 inputs \(.*numbers\), but explanations need one, of images\. Make a model"),
    "channels first": (
        lambda: chain(
            [layers.Conv2D(2, 3, data_format="channels_first", name="odd"), layers.Flatten(), layers.Dense(3)]
        ),
        r"has the layer 'odd' with channels_first.*set_image_data_format\(\"channels_last\"\).*set_weights",
    ),
}


@pytest.mark.parametrize("kind", UNFIT)
@pytest.mark.parametrize(
    "call",
    [
        *MAPS,
        predict,
        activations,
        lambda model, images: best_inputs(model, "first", [0]),
        lambda model, images: map_layers(model),
        lambda model, images: find_layer(model),
    ],
)
def test_a_limit_is_named_with_the_way_out(kind, call):
    build, message = UNFIT[kind]
    with pytest.raises(ValueError, match=message):
        call(build(), IMAGES)


@pytest.mark.parametrize("explanation", MAPS)
def test_maps_of_classes_are_no_classes(explanation):
    model = chain([*body(), layers.Conv2D(3, 1, activation="softmax")])
    with pytest.raises(ValueError, match=r"need scores of classes, \(N, K\), but the output .* \(None, 4, 4, 3\)"):
        explanation(model, IMAGES)


# --- layers that are chosen ---


@pytest.mark.parametrize(
    ("steps", "chosen"),
    [
        ([*body(), layers.GlobalAveragePooling2D(keepdims=True), layers.Conv2D(3, 1), layers.Flatten()], "last"),
        ([*body(), layers.GaussianNoise(0.1), layers.RandomFlip(), layers.Resizing(4, 4), layers.Flatten()], "last"),
        ([*body(), layers.BatchNormalization(name="normal"), layers.AveragePooling2D(2), layers.Flatten()], "normal"),
        ([layers.Dense(4, name="colors"), layers.Flatten()], "colors"),
        ([*body(), layers.ZeroPadding2D(name="wide"), layers.Flatten()], "wide"),
    ],
)
def test_the_last_layer_with_maps_that_are_learned(steps, chosen):
    assert find_layer(chain([*steps, layers.Dense(2)])).name == chosen


@pytest.mark.parametrize(
    "first",
    [
        [layers.Rescaling(1 / 255)],
        [
            layers.RandomFlip(),
            layers.RandomRotation(0.1),
            layers.Resizing(6, 6),
            layers.Normalization(mean=1, variance=2),
        ],
        [layers.BatchNormalization(), layers.LayerNormalization(axis=(1, 2, 3)), layers.PReLU()],
        [layers.Reshape((4, 16, 3)), layers.ZeroPadding2D(), layers.Permute((2, 1, 3))],
        [layers.MaxPooling2D(), layers.GaussianNoise(0.1)],
    ],
)
def test_pixels_that_are_only_prepared_are_no_maps(first):
    model = chain([*first, layers.Flatten(), layers.Dense(3)])
    names = ", ".join(layer.name for layer in first)
    with pytest.raises(ValueError, match=f"no layer with maps .* that are learned. There are: {names}; name one"):
        grad_cam(model, IMAGES, 0)
    assert grad_cam(model, IMAGES, 0, first[0].name).shape == (3, 8, 8)


@pytest.mark.parametrize("kind", ["softmax", None])
def test_a_layer_has_its_activation_again_after_an_error(kind):
    layer = keras.layers.Dense(3, activation=kind)
    before = layer.activation
    with pytest.raises(KeyError), without_activation(layer):
        assert layer.activation is not before and layer.activation(2.0) == 2.0
        raise KeyError
    assert layer.activation is before

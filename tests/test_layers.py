"""helpers.layers against Keras, TensorFlow, and the numbers of the literature."""

import re
from dataclasses import replace

from helpers.engine import keras, tf
from helpers.layers import LAYER_KINDS, LayerSpec, layer_stack, stack_so_far
from helpers.widgets.calculator import STACKS

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# --- stacks of layers ---


def keras_layer(layer):
    window = {"strides": layer.stride, "padding": layer.padding}
    return {
        "Conv2D": lambda: keras.layers.Conv2D(layer.filters, layer.size, **window),
        "MaxPooling2D": lambda: keras.layers.MaxPooling2D(layer.size, **window),
        "AveragePooling2D": lambda: keras.layers.AveragePooling2D(layer.size, **window),
        "Dropout": lambda: keras.layers.Dropout(0.5),
        "Flatten": keras.layers.Flatten,
        "GlobalAveragePooling2D": keras.layers.GlobalAveragePooling2D,
        "Dense": lambda: keras.layers.Dense(layer.filters),
    }[layer.kind]()


def keras_model(input_shape, layers):
    return keras.Sequential([keras.Input(input_shape), *map(keras_layer, layers)])


def assert_like_keras(input_shape, layers):
    rows, model = layer_stack(input_shape, layers), keras_model(input_shape, layers)
    assert [row.kind for row in rows] == [type(layer).__name__ for layer in model.layers]
    assert [row.shape for row in rows] == [layer.output.shape[1:] for layer in model.layers]
    assert [row.parameters for row in rows] == [layer.count_params() for layer in model.layers]
    assert sum(row.parameters for row in rows) == model.count_params()


windows = st.builds(
    LayerSpec,
    st.sampled_from(["Conv2D", "MaxPooling2D", "AveragePooling2D"]),
    st.integers(1, 6),
    st.integers(1, 5),
    st.integers(1, 3),
    st.sampled_from(["valid", "same"]),
)
any_layer = st.one_of(
    windows,
    st.builds(LayerSpec, st.sampled_from(["Dropout", "Flatten", "GlobalAveragePooling2D", "Dense"]), st.just(7)),
)


@given(
    st.tuples(st.integers(1, 24), st.integers(1, 24), st.integers(1, 4)), st.lists(any_layer, min_size=1, max_size=6)
)
@example((8, 8, 1), [LayerSpec("Dense", 7), LayerSpec("Conv2D", 2, 3)])
@example((8, 8, 1), [LayerSpec("Flatten"), LayerSpec("Flatten"), LayerSpec("Dropout"), LayerSpec("Dense", 7)])
@example((8, 8, 1), [LayerSpec("Flatten"), LayerSpec("GlobalAveragePooling2D")])
def test_random_stacks_are_those_of_keras(input_shape, layers):
    try:
        keras_model(input_shape, layers)
    except ValueError:
        with pytest.raises(ValueError, match=r"Layer \d \("):
            layer_stack(input_shape, layers)
    else:
        assert_like_keras(input_shape, layers)


@pytest.mark.parametrize("name", STACKS)
def test_stacks_of_the_calculator_are_those_of_keras(name):
    assert_like_keras(*STACKS[name])


def conv(filters, **settings):
    return LayerSpec("Conv2D", filters, 3, **settings)


HALVE = LayerSpec("MaxPooling2D", size=2, stride=2)
BASE = [conv(32), HALVE, conv(64), HALVE, conv(64)]
SEEDS = {
    "base": (55_744, (28, 28, 1), BASE),
    "flatten": (93_322, (28, 28, 1), [*BASE, LayerSpec("Flatten"), LayerSpec("Dense", 64), LayerSpec("Dense", 10)]),
    "global average": (56_394, (28, 28, 1), [*BASE, LayerSpec("GlobalAveragePooling2D"), LayerSpec("Dense", 10)]),
    "pooling": (
        47_370,
        (32, 32, 3),
        [conv(32), HALVE, conv(32), HALVE, LayerSpec("Flatten"), LayerSpec("Dense", 32), LayerSpec("Dense", 10)],
    ),
    "one more": (
        36_138,
        (32, 32, 3),
        [*[conv(32), HALVE] * 2, conv(32), LayerSpec("Flatten"), LayerSpec("Dense", 32), LayerSpec("Dense", 10)],
    ),
    "no pooling": (261_034, (32, 32, 3), [conv(32), conv(32), LayerSpec("Flatten"), LayerSpec("Dense", 10)]),
    "dense": (307_300, (32, 32, 3), [LayerSpec("Flatten"), LayerSpec("Dense", 100)]),
    "VGG16": (
        14_714_688,
        (224, 224, 3),
        [
            layer
            for filters, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
            for layer in [*[conv(filters, padding="same")] * count, HALVE]
        ],
    ),
}


@pytest.mark.parametrize(("total", "input_shape", "layers"), SEEDS.values(), ids=SEEDS)
def test_parameter_counts_of_the_lessons(total, input_shape, layers):
    assert sum(row.parameters for row in layer_stack(input_shape, layers)) == total


@pytest.mark.parametrize("name", [name for name in SEEDS if name not in ("base", "VGG16")])
def test_seeds_are_those_of_keras(name):
    assert_like_keras(*SEEDS[name][1:])


def test_multiplications_of_vgg16_are_the_published_ones():
    _, input_shape, layers = SEEDS["VGG16"]
    head = [LayerSpec("Flatten"), LayerSpec("Dense", 4096), LayerSpec("Dense", 4096), LayerSpec("Dense", 1000)]
    rows = layer_stack(input_shape, layers + head)
    assert sum(row.multiplications for row in rows) == 15_470_264_320  # 15.47 G
    assert sum(row.parameters for row in rows) == 138_357_544


@given(st.lists(windows, min_size=1, max_size=4), st.integers(0, 2))
def test_multiplications_are_those_that_tensorflow_counts(layers, units):
    layers = [*layers, LayerSpec("Flatten"), LayerSpec("Dense", units)] if units else layers
    try:
        rows = layer_stack((12, 10, 2), layers)
    except ValueError:
        assume(False)
    graph = tf.function(keras_model((12, 10, 2), layers)).get_concrete_function(tf.TensorSpec((1, 12, 10, 2))).graph
    options = {**tf.compat.v1.profiler.ProfileOptionBuilder.float_operation(), "output": "none"}
    node, counted = tf.compat.v1.profiler.profile(graph, cmd="op", options=options), 0
    while node:
        counted += node.float_ops * (node.name in ("Conv2D", "MatMul"))
        node = node.children[0] if node.children else None
    assert sum(row.multiplications for row in rows) * 2 == counted  # a multiplication and an addition each


@given(st.lists(windows.map(lambda layer: replace(layer, filters=1)), min_size=1, max_size=4))
def test_receptive_field_is_what_changes_an_output(layers):
    side = 96
    rows, problem = stack_so_far((side, side, 1), layers)
    assume(not problem and rows[-1].receptive_field < side // 2 and rows[-1].shape[0] > 2)
    model = keras_model((side, side, 1), layers)
    for layer in model.layers:
        layer.set_weights([np.full(weight.shape, float(weight.ndim > 1)) for weight in layer.get_weights()])
    bright_columns = np.eye(side, dtype="float32")[:, None, :, None].repeat(side, axis=1)
    middle = np.asarray(model(bright_columns))[:, rows[-1].shape[0] // 2, rows[-1].shape[1] // 2, 0]
    seen = np.flatnonzero(middle)
    assert seen[-1] - seen[0] + 1 == rows[-1].receptive_field


def test_receptive_field_of_a_number_that_sees_all():
    rows = layer_stack((28, 28, 1), [conv(4), LayerSpec("Flatten"), LayerSpec("Dense", 3), LayerSpec("Dropout")])
    assert [row.receptive_field for row in rows] == [3, 3, None, None]
    assert layer_stack((28, 28, 1), [LayerSpec("GlobalAveragePooling2D")])[0].receptive_field is None


def test_no_layers():
    assert layer_stack((28, 28, 1), []) == []


@pytest.mark.parametrize("kind", sorted({*LAYER_KINDS} - {"Dense", "Dropout", "Flatten"}))
def test_layers_that_need_an_image_cannot_follow_flatten(kind):
    with pytest.raises(ValueError, match=rf"Layer 2 \({kind}\) needs \(height, width, channels\).* a list of 784"):
        layer_stack((28, 28, 1), [LayerSpec("Flatten"), LayerSpec(kind, 8, 3)])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (LayerSpec("Conv3D", 3, 3), "unknown kind. Use one of Conv2D, MaxPooling2D"),
        (LayerSpec("conv2d", 3, 3), "unknown kind. Use one of"),
        (LayerSpec("Conv2D", 3, 3, padding="SAME"), 'padding is "valid" or "same", not \'SAME\''),
        (LayerSpec("Conv2D", 0, 3), "filters must be a whole number"),
        (LayerSpec("Conv2D", 3, 0, padding="same"), "size must be a whole number"),
        (LayerSpec("Conv2D", 3, 3, 0), "stride must be a whole number"),
        (LayerSpec("Conv2D", 3, 3, 0, "same"), "stride must be a whole number"),
        (LayerSpec("Conv2D", 3, 3, 1.5), "stride must be a whole number"),
        (LayerSpec("Conv2D", 3, 9), "covers 9 pixels.*Use a smaller kernel"),
        (LayerSpec("MaxPooling2D", size=9), "covers 9 pixels.*Use a smaller kernel"),
        (LayerSpec("Dense", 0), "number of units must be a whole number"),
    ],
)
def test_layer_refused_by_its_number(layer, message):
    with pytest.raises(ValueError, match=message) as caught:
        layer_stack((8, 8, 1), [LayerSpec("Dropout"), layer])
    assert str(caught.value).startswith(f"Layer 2 ({layer.kind})")


@pytest.mark.parametrize("input_shape", [(), (28, 28), (1, 28, 28, 1)])
def test_input_shape_of_other_length(input_shape):
    with pytest.raises(ValueError, match=r"must be \(height, width, channels\) or \(numbers,\)"):
        layer_stack(input_shape, [LayerSpec("Flatten")])


@pytest.mark.parametrize("input_shape", [(28, 0, 1), (28, 28, None), (-1,), (2.5,)])
def test_input_shape_of_other_numbers(input_shape):
    with pytest.raises(ValueError, match="each axis of the input must be a whole number"):
        layer_stack(input_shape, [LayerSpec("Flatten")])


# --- as far as the layers fit ---


@given(st.sampled_from([*STACKS]), st.data())
def test_stack_so_far_of_layers_that_fit(name, data):
    shape, layers = STACKS[name]
    layers = layers[: data.draw(st.integers(0, len(layers)))]
    assert stack_so_far(shape, layers) == (layer_stack(shape, layers), "")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (LayerSpec("Conv2D", 8, 99), r"Layer {} \(Conv2D\): The kernel covers 99 pixels"),
        (LayerSpec("Conv2D", 0, 3), r"Layer {} \(Conv2D\): filters must be a whole number"),
        (LayerSpec("Dense", 0), r"Layer {} \(Dense\): the number of units must be"),
        (LayerSpec("Conv3D", 8, 3), r"Layer {} \(Conv3D\): unknown kind"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_stack_so_far_stops_at_the_layer_that_does_not_fit(bad, message, place):
    good = [LayerSpec("Conv2D", 8, 3), LayerSpec("MaxPooling2D", size=2, stride=2), LayerSpec("Conv2D", 4, 3)]
    layers = [*good[:place], bad, *good[place:]]
    done, problem = stack_so_far((28, 28, 1), layers)
    assert done == layer_stack((28, 28, 1), layers[:place])
    assert re.match(message.format(place + 1), problem)
    with pytest.raises(ValueError, match=re.escape(problem)):
        layer_stack((28, 28, 1), layers)


def test_stack_so_far_names_only_the_first_problem():
    flatten, pool2 = LayerSpec("Flatten"), LayerSpec("MaxPooling2D", size=2, stride=2)
    done, problem = stack_so_far((8, 8, 3), [flatten, pool2, LayerSpec("Conv2D", 0)])
    assert [row.shape for row in done] == [(192,)]
    assert problem == "Layer 2 (MaxPooling2D) needs (height, width, channels), but here the image is a list of 192."


@pytest.mark.parametrize("layers", [[], [LayerSpec("Flatten")]])
@pytest.mark.parametrize("shape", [(), (8, 8), (0, 8, 1), (8, 8.5, 1)])
def test_stack_so_far_refuses_an_input_shape_that_is_none(shape, layers):
    with pytest.raises(ValueError, match="input"):
        stack_so_far(shape, layers)

"""helpers.floor: operations against counts by hand and those of helpers.layers."""

from helpers.engine import keras
from helpers.floor import count_operations, floor_seconds, layer_seconds, machine_speed
from helpers.layers import LayerSpec, layer_stack
from helpers.recipe import Recipe, build_network, model_of_2017

import numpy as np
import pytest
from keras import layers

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), np.uint8)


def small(frozen=()):
    """A network of which everything is counted by hand."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Rescaling(1 / 255, name="rescaling"),
            layers.Conv2D(4, 3, name="first"),
            layers.BatchNormalization(name="normalization"),
            layers.Conv2D(5, 2, strides=2, use_bias=False, name="second"),
            layers.Flatten(name="flatten"),
            layers.Dense(7, name="dense"),
        ]
    )
    for name in frozen:
        model.get_layer(name).trainable = False
    return model


FORWARD = {"first": 2 * 6 * 6 * 4 * 27, "second": 2 * 3 * 3 * 5 * 16, "dense": 2 * 7 * 45}


def test_operations_by_hand():
    table = count_operations(small())
    assert [*table.index] == ["rescaling", "first", "normalization", "second", "flatten", "dense"]
    assert [*table.columns] == ["kind", "shape", "parameters", "forward", "training", "numbers"]
    assert {name: count for name, count in table["forward"].items() if count} == FORWARD
    assert table["kind"].tolist() == ["Rescaling", "Conv2D", "BatchNormalization", "Conv2D", "Flatten", "Dense"]
    assert table["shape"].tolist()[1:5] == ["6 × 6 × 4", "6 × 6 × 4", "3 × 3 × 5", "45"]
    assert table["parameters"].tolist() == [0, 28 * 4, 4 * 4, 16 * 5, 0, 46 * 7]
    assert table["numbers"].tolist() == [192, 144, 144, 45, 45, 7]


@pytest.mark.parametrize(
    ("frozen", "times"),
    [
        ((), (2, 3, 3)),  # nothing below the first one learns: it needs no gradient of its input
        (("first", "normalization"), (1, 2, 3)),
        (("first",), (1, 3, 3)),  # the normalization learns
        (("second",), (2, 2, 3)),  # hands the gradient on
        (("first", "normalization", "second", "dense"), (1, 1, 1)),
    ],
)
def test_a_step_costs_what_has_to_be_computed(frozen, times):
    training = count_operations(small(frozen))["training"]
    assert [training[name] / FORWARD[name] for name in FORWARD] == list(times)
    assert training.sum() == sum(np.multiply(times, [*FORWARD.values()]))


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_operations_are_twice_the_multiplications_of_a_stack(padding):
    stack = [
        LayerSpec("Conv2D", 6, 3, 2, padding),
        LayerSpec("MaxPooling2D", size=2, stride=2),
        LayerSpec("Conv2D", 5, 2, padding=padding),
        LayerSpec("Dense", 4),  # in each place
        LayerSpec("GlobalAveragePooling2D"),
        LayerSpec("Dense", 3),
    ]
    made = [
        layers.Conv2D(6, 3, 2, padding),
        layers.MaxPooling2D(),
        layers.Conv2D(5, 2, padding=padding),
        layers.Dense(4),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3),
    ]
    rows, table = layer_stack((21, 18, 2), stack), count_operations(keras.Sequential([keras.Input((21, 18, 2)), *made]))
    assert table["forward"].tolist() == [2 * row.multiplications for row in rows]
    assert table["parameters"].tolist() == [row.parameters for row in rows]
    assert table["numbers"].tolist() == [np.prod(row.shape) for row in rows]


def test_the_recipe_is_frozen_at_its_beginning():
    table = count_operations(build_network(IMAGES, 3, Recipe(widths=(4,))))
    whitening, first, second, dense = (row for _, row in table.iterrows() if row["forward"])
    assert (whitening["forward"], whitening["training"]) == (2 * 15 * 15 * 24 * 12,) * 2
    assert first["training"] == 2 * first["forward"] == 4 * 15 * 15 * 4 * 9 * 24
    assert second["training"] == 3 * second["forward"] == 6 * 7 * 7 * 4 * 9 * 4
    assert dense["training"] == 3 * 2 * 4 * 3


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: layers.DepthwiseConv2D(3, name="some"), r"DepthwiseConv2D \(some\) are not counted"),
        (lambda: layers.SeparableConv2D(4, 3, name="some"), r"SeparableConv2D \(some\)"),
        (lambda: layers.Conv2D(8, 3, groups=4, name="some"), r"Conv2D with groups \(some\)"),
        (lambda: layers.Conv2DTranspose(4, 3, name="some"), r"Conv2DTranspose \(some\)"),
        (lambda: keras.Sequential([layers.Conv2D(2, 3)], name="some"), r"Sequential \(some\)"),
    ],
)
def test_what_is_not_counted_is_refused(layer, message):
    model = keras.Sequential([keras.Input((8, 8, 4)), layer()])
    with pytest.raises(ValueError, match=message):
        count_operations(model)


def test_the_floor_is_operations_by_speed():
    model = small()
    operations = 2 * FORWARD["first"] + 3 * FORWARD["second"] + 3 * FORWARD["dense"]
    assert floor_seconds(model, 1000, 1e6) == pytest.approx(operations / 1000)
    assert floor_seconds(model, 3000, 1e6) == pytest.approx(3 * floor_seconds(model, 1000, 1e6))


def test_the_speed_of_this_computer_is_that_of_its_fastest_product(monkeypatch):
    times = iter([0, 0, 0, 4, 5, 5, 7, 8, 8, 11, 99])  # two a product, and one before each
    monkeypatch.setattr("helpers.floor.perf_counter", lambda: next(times))
    assert machine_speed(16, 10) == 2 * 16**3 / 2
    monkeypatch.undo()
    assert 0 < machine_speed(32, 0.01) < float("inf")


NETWORKS = {
    "recipe": lambda: build_network(IMAGES, 3, Recipe(widths=(4,))),
    "whitening learns": lambda: build_network(IMAGES, 3, Recipe(widths=(4,), whitening=False)),
    "2017": lambda: model_of_2017((16, 16, 3), 3),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_is_timed_and_the_network_stays(name):
    model = NETWORKS[name]()
    before = model.get_weights()
    times = layer_seconds(model, IMAGES, repeats=1)
    assert [*times.index] == [*count_operations(model).index]
    assert (times > 0).all()
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)

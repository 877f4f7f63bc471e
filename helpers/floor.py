"""Where the time of a training goes: operations of each layer, the speed of this computer, the floor (lesson 11b)."""

import math
from statistics import median
from time import perf_counter

from helpers.engine import tf

import numpy as np
import pandas as pd
from keras import layers


def count_operations(model) -> pd.DataFrame:
    """Return what each layer of a network costs for one image; only products of convolutions and dense layers count.

    Returns
    -------
    table : DataFrame with a row for each layer, indexed by its name: ``kind``; ``shape`` of what comes out, as text;
        ``parameters``; ``forward``, operations (2 for a multiplication and an addition) for a prediction; ``training``,
        those for a step: the forward pass, the gradient of the weights, where they learn, and that of the input, where
        something below learns, cost the same each; ``numbers`` that come out

    Raises ValueError for a layer that multiplies and is neither Conv2D nor Dense, and for groups.
    """
    rows, below = {}, False
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        numbers = math.prod(layer.output.shape[1:])
        forward = 2 * _products(layer, numbers)
        learns = bool(layer.trainable_variables)
        rows[layer.name] = {
            "kind": type(layer).__name__,
            "shape": " × ".join(map(str, layer.output.shape[1:])),
            "parameters": layer.count_params(),
            "forward": forward,
            "training": forward * (1 + learns + below),
            "numbers": numbers,
        }
        below = below or learns
    return pd.DataFrame.from_dict(rows, orient="index")


def _products(layer, numbers: int) -> int:
    """Return the multiply-adds of a layer for one image: for each number that comes out, one for each weight in it."""
    if isinstance(layer, layers.Dense) or (type(layer) is layers.Conv2D and layer.groups == 1):
        return numbers * math.prod(layer.kernel.shape[:-1])
    if any(len(variable.shape) > 1 for variable in layer.weights):
        kind = type(layer).__name__ + " with groups" * (type(layer) is layers.Conv2D)
        raise ValueError(f"The products of {kind} ({layer.name}) are not counted: those of Conv2D and Dense are.")
    return 0


def machine_speed(size: int = 2048, seconds: float = 2.0) -> float:
    """Return how many operations a second this computer does at best: in one product of two matrices.

    ``size`` is that of the matrices, float32; it is measured again and again for ``seconds``, and the best one counts:
    a moment in which nothing else runs.
    """
    matrix = tf.random.normal((size, size))
    multiply = tf.function(lambda a, b: a @ b)
    multiply(matrix, matrix)
    best, begun = math.inf, perf_counter()
    while perf_counter() - begun < seconds:
        start = perf_counter()
        multiply(matrix, matrix).numpy()
        best = min(best, perf_counter() - start)
    return 2 * size**3 / best


def floor_seconds(model, images: int, speed: float) -> float:
    """Return the seconds below which no training on so many images (times epochs) can come.

    ``speed`` is that of `machine_speed`: everything but the products of convolutions and dense layers is for nothing.
    """
    return float(count_operations(model)["training"].sum()) * images / speed


def layer_seconds(model, images, repeats: int = 7) -> pd.Series:
    """Return the seconds that each layer takes for a training step on a batch, alone: forward and backward.

    ``images`` is the batch (N, H, W, C); the median of ``repeats``. Backward as in `count_operations`. The weights of
    the network stay as they are.
    """
    before = model.get_weights()  # steps move the means of a normalization
    times, below, values = {}, False, {id(model.inputs[0]): tf.convert_to_tensor(np.asarray(images, "float32"))}
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        x = values[id(layer.input)]
        step = tf.function(_step_of(layer, below))
        values[id(layer.output)] = step(x)[0]
        measured = []
        for _ in range(repeats):
            start = perf_counter()
            step(x)[0].numpy()
            measured.append(perf_counter() - start)
        times[layer.name] = median(measured)
        below = below or bool(layer.trainable_variables)
    model.set_weights(before)
    return pd.Series(times, name="seconds")


def _step_of(layer, below: bool):
    """Return a function from what goes into a layer to what comes out, and the gradients that a step needs."""

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, training=True)
        wanted = [*(variable.value for variable in layer.trainable_variables), *([x] if below else [])]
        return outputs, tape.gradient(outputs, wanted) if wanted else []

    return step

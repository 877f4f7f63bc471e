"""A network for digits that is small enough to be seen whole, with its gradients and its steps, in NumPy (lesson 10).

3 × 3 convolution with biases, ReLU, 2 × 2 maximum pooling, a dense layer with biases: 1,050 numbers in four variables,
by name. Everything is computed in double precision, without TensorFlow.
"""

from typing import NamedTuple

from helpers.datasets import load_dataset

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

SHAPES = {"conv kernels": (3, 3, 1, 4), "conv bias": (4,), "dense weights": (100, 10), "dense bias": (10,)}
KERNELS, CONV_BIAS, WEIGHTS, BIAS = SHAPES
IMAGES, CLASSES = 16, 10  # in the batch, and of digits


class Forward(NamedTuple):
    """What the network makes of N images on its way to the logits."""

    patches: np.ndarray  # (N, 10, 10, 1, 3, 3), what the kernels see at each place
    maps: np.ndarray  # (N, 10, 10, 4), after ReLU
    windows: np.ndarray  # (N, 5, 2, 5, 2, 4), the maps again, as pooling sees them
    features: np.ndarray  # (N, 100), pooled and flat
    logits: np.ndarray  # (N, 10)


class State(NamedTuple):
    """The network after some steps, and all that one step of training computes from it."""

    variables: dict[str, np.ndarray]
    forward: Forward
    losses: np.ndarray  # (N,), one for each image
    gradients: dict[str, np.ndarray]  # of the mean of the losses

    @property
    def loss(self) -> float:
        """The mean of the losses."""
        return float(self.losses.mean())

    @property
    def answers(self) -> np.ndarray:
        """The class that the network says, for each image."""
        return self.forward.logits.argmax(axis=1)


def choose_batch() -> tuple[np.ndarray, np.ndarray]:
    """Return 16 training digits, the first of each class among them, as float images (16, 12, 12, 1), and labels.

    Two pixels are cut off at each border, and 2 × 2 pixels become their mean; values are from 0 to 1.
    """
    train = load_dataset("digits").train
    firsts = [int(np.flatnonzero(train.labels == label)[0]) for label in range(CLASSES)]
    others = [index for index in range(IMAGES) if index not in firsts]
    chosen = np.sort([*firsts, *others[: IMAGES - CLASSES]])
    cropped = train.images[chosen, 2:-2, 2:-2] / 255
    return cropped.reshape(IMAGES, 12, 2, 12, 2, 1).mean(axis=(2, 4)), train.labels[chosen]


def start_variables(seed: int) -> dict[str, np.ndarray]:
    """Return the variables of a new network: biases 0, weights normal, of deviation √(2 / inputs) (He et al., 2015).

    Raises ValueError for a seed that is no whole number from 0 on.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"The seed must be a whole number from 0 on, but it is {seed!r}.")
    random = np.random.default_rng(seed)
    return {
        name: random.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape) if len(shape) > 1 else np.zeros(shape)
        for name, shape in SHAPES.items()
    }


def forward(variables, images) -> Forward:
    """Return all that the network computes from images (N, 12, 12, 1)."""
    patches = sliding_window_view(images, (3, 3), axis=(1, 2))
    sums = np.einsum("nyxcij,ijck->nyxk", patches, variables[KERNELS], optimize=True) + variables[CONV_BIAS]
    maps = np.maximum(sums, 0)
    count, height, width, channels = maps.shape
    windows = maps.reshape(count, height // 2, 2, width // 2, 2, channels)
    features = windows.max(axis=(2, 4)).reshape(count, -1)
    return Forward(patches, maps, windows, features, features @ variables[WEIGHTS] + variables[BIAS])


def softmax(logits) -> np.ndarray:
    """Return the probabilities (N, K) of logits (N, K); large logits do no harm."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(logits, labels) -> np.ndarray:
    """Return the losses (N,): minus the logarithm of the probability of the true class, from logits (N, K)."""
    lowered = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(lowered).sum(axis=1)) - lowered[np.arange(len(labels)), labels]


def backward(variables, passed: Forward, labels) -> dict[str, np.ndarray]:
    """Return the gradient of the mean loss for each variable, from the logits back to the kernels.

    Where several numbers of a pooling window are the largest, they share its gradient.
    """
    to_logits = (softmax(passed.logits) - np.eye(CLASSES)[labels]) / len(labels)
    to_features = to_logits @ variables[WEIGHTS].T
    largest = passed.windows == passed.windows.max(axis=(2, 4), keepdims=True)
    count, height, _, width, _, channels = largest.shape
    to_windows = (
        largest / largest.sum(axis=(2, 4), keepdims=True) * to_features.reshape(count, height, 1, width, 1, channels)
    )
    to_maps = to_windows.reshape(passed.maps.shape) * (passed.maps > 0)
    return {
        KERNELS: np.einsum("nyxcij,nyxk->ijck", passed.patches, to_maps, optimize=True),
        CONV_BIAS: to_maps.sum(axis=(0, 1, 2)),
        WEIGHTS: passed.features.T @ to_logits,
        BIAS: to_logits.sum(axis=0),
    }


def step(variables, gradients, rate: float) -> dict[str, np.ndarray]:
    """Return the variables after a step of gradient descent: minus ``rate`` times their gradient."""
    return {name: variables[name] - rate * gradients[name] for name in variables}


def train(variables, images, labels, rate: float, steps: int) -> list[State]:
    """Return the states before the first step, and after each of ``steps`` steps, all on the same images."""
    states = []
    for _ in range(steps + 1):
        passed = forward(variables, images)
        gradients = backward(variables, passed, labels)
        states.append(State(variables, passed, cross_entropy(passed.logits, labels), gradients))
        variables = step(variables, gradients, rate)
    return states

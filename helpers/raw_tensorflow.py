"""A CNN from nothing but functions of TensorFlow: layers, loss and gradients (lesson 10), update rules (lesson 10b)."""

import math

from helpers.engine import tf

import numpy as np

# --- the network (lesson 10) ---


def conv2d(x, kernels, biases, stride: int = 1):
    """Return ReLU(convolution + bias) of maps (N, H, W, C) with kernels (h, w, C, K), SAME: (N, H', W', K)."""
    x = tf.nn.conv2d(x, kernels, strides=[1, stride, stride, 1], padding="SAME")
    return tf.nn.relu(tf.nn.bias_add(x, biases))


def maxpool2d(x, size: int = 2):
    """Return the largest number of each ``size`` × ``size`` window of maps (N, H, W, C), SAME: (N, H', W', C)."""
    return tf.nn.max_pool2d(x, ksize=[1, size, size, 1], strides=[1, size, size, 1], padding="SAME")


def weight_shapes(image_shape, classes: int, widths=(32, 64, 1024)) -> dict[str, tuple]:
    """Return the shapes of all weights by name, in the order of the layers.

    ``image_shape`` is (H, W, C); ``widths`` are the kernels of both convolutions and the units of the hidden layer.
    """
    height, width, channels = image_shape
    first, second, units = widths
    kernels = {
        "conv1": (5, 5, channels, first),
        "conv2": (5, 5, first, second),
        "dense": (math.ceil(height / 4) * math.ceil(width / 4) * second, units),
        "out": (units, classes),
    }
    return {
        key: value for name, shape in kernels.items() for key, value in ((name, shape), (f"{name} bias", shape[-1:]))
    }


def he_deviation(shape) -> float:
    """Return the standard deviation √(2 / inputs) for kernels or dense weights of this shape (He and others, 2015)."""
    return math.sqrt(2 / math.prod(shape[:-1]))


def new_weights(shapes: dict, seed: int, scale: float = 1.0, deviation: float | None = None) -> dict:
    """Return float32 variables with random values of normal distribution, by name.

    Kernels and dense weights have ``scale`` times the deviation of `he_deviation`, and biases are 0. With a
    ``deviation`` all have that one, also biases.
    """
    random = np.random.default_rng(seed)
    weights = {}
    for name, shape in shapes.items():
        spread = (scale * he_deviation(shape) if len(shape) > 1 else 0.0) if deviation is None else deviation
        weights[name] = tf.Variable(random.normal(0, spread, shape).astype("float32"), name=name.replace(" ", "_"))
    return weights


def hidden(x, weights):
    """Return the numbers (N, units) of the hidden layer for images (N, H, W, C) from 0 to 1."""
    x = maxpool2d(conv2d(x, weights["conv1"], weights["conv1 bias"]))
    x = maxpool2d(conv2d(x, weights["conv2"], weights["conv2 bias"]))
    x = tf.reshape(x, (-1, weights["dense"].shape[0]))
    return tf.nn.relu(tf.matmul(x, weights["dense"]) + weights["dense bias"])


def network(x, weights, rate: float = 0.0):
    """Return the logits (N, classes) for images (N, H, W, C) from 0 to 1; ``rate`` of the hidden numbers is dropped."""
    x = tf.nn.dropout(hidden(x, weights), rate)
    return tf.matmul(x, weights["out"]) + weights["out bias"]


def mean_loss(logits, labels):
    """Return the mean cross-entropy of logits (N, classes) and integer labels (N,)."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def loss_and_gradients(x, labels, weights, rate: float = 0.0):
    """Return the mean loss of a batch, and its gradients by the name of the weights; ``rate`` is that of dropout."""
    with tf.GradientTape() as tape:
        loss = mean_loss(network(x, weights, rate), labels)
    return loss, tape.gradient(loss, weights)


def accuracy(images, labels, weights) -> float:
    """Return the share of images (N, H, W, C) from 0 to 1 that are named right, without dropout."""
    parts = [network(images[start : start + 500], weights) for start in range(0, len(images), 500)]
    right = tf.equal(tf.argmax(tf.concat(parts, axis=0), axis=1), labels)
    return float(tf.reduce_mean(tf.cast(right, tf.float32)))


# --- update rules (lesson 10b): each takes a gradient, and a dict that is its memory; it returns what to add ---


def sgd(gradient, memory: dict, rate: float):
    """Return the step of gradient descent: against the gradient; it remembers nothing."""
    return -rate * gradient


def momentum(gradient, memory: dict, rate: float, keep: float = 0.9):
    """Return a step that goes on as before to a share of ``keep``, like a ball with friction (Polyak, 1964)."""
    memory["step"] = keep * memory.get("step", 0.0) - rate * gradient
    return memory["step"]


def rmsprop(gradient, memory: dict, rate: float, keep: float = 0.9, epsilon: float = 1e-7):
    """Return a step in which each weight is divided by how large its gradients were of late (Hinton, 2012)."""
    memory["square"] = keep * memory.get("square", 0.0) + (1 - keep) * gradient**2
    return -rate * gradient / (memory["square"] + epsilon) ** 0.5


def adam(gradient, memory: dict, rate: float, keep: float = 0.9, keep_squares: float = 0.999, epsilon: float = 1e-7):
    """Return a step of Adam: both, with means that do not begin too small (Kingma and Ba, 2014, section 2)."""
    count = memory["count"] = memory.get("count", 0) + 1
    mean = memory["mean"] = keep * memory.get("mean", 0.0) + (1 - keep) * gradient
    square = memory["square"] = keep_squares * memory.get("square", 0.0) + (1 - keep_squares) * gradient**2
    rate = rate * (1 - keep_squares**count) ** 0.5 / (1 - keep**count)
    return -rate * mean / (square**0.5 + epsilon)


UPDATE_RULES = {"SGD": sgd, "momentum": momentum, "RMSprop": rmsprop, "Adam": adam}
"""The update rules of lesson 10b by name."""

"""Train plain and residual networks of 20 and 44 layers as in lesson 09, five times each: data/depth_runs.csv.

Run `.venv/bin/python scripts/make_depth_runs.py`. Networks, loop, gradients and disturbances are those of the lesson's
cells. Accuracies, of training images too, are measured after an epoch, with stored means; *accuracy while learning* is
that of the batches of the epoch, as the lesson draws it.
"""

import sys

from helpers.datasets import load_dataset
from helpers.datasets.measured import make
from helpers.engine import keras, tf
from helpers.training import set_seed

import numpy as np
from keras import layers

TRAINED, VALIDATED, RATE, LOOKS, RATES, BATCHES = 1600, 500, 0.003, (4, 12), (0.001, 0.0003), 5
NAMES = {f"{kind}, {depth} layers": (depth, kind == "residual") for depth in (20, 44) for kind in ("plain", "residual")}


def conv(filters, size, strides=1):
    """Return a convolution without bias, as batch normalization follows."""
    return layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)


def build(depth: int, residual: bool, normalize: bool = True):
    """Return the network of lesson 09 with ``depth`` layers of weights, with or without plus signs."""

    def norm():
        return layers.BatchNormalization(momentum=0.9) if normalize else layers.Activation("linear")

    inputs = keras.Input((28, 28, 1))
    z = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    z = layers.ReLU()(norm()(conv(8, 3, 2)(z)))
    for stage in range(3):
        for block in range((depth - 2) // 6):
            filters, stride = 8 * 2**stage, 2 if stage and not block else 1
            y = layers.ReLU()(norm()(conv(filters, 3, stride)(z)))
            y = norm()(conv(filters, 3)(y))
            if residual:
                if stride > 1 or z.shape[-1] != filters:
                    z = norm()(conv(filters, 1, stride)(z))
                y = layers.Add()([z, y])
            z = layers.ReLU(name=f"end_{stage}_{block}")(y)
    z = layers.GlobalAveragePooling2D()(z)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(z))


def step_of(network, rate):
    """Return a compiled function that trains on one batch, and returns the share of its images that were right."""
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(network.trainable_variables)

    @tf.function
    def step(images, labels):
        with tf.GradientTape() as tape:
            probabilities = network(images, training=True)
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, probabilities))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        return tf.reduce_mean(tf.cast(tf.argmax(probabilities, axis=1) == tf.cast(labels, tf.int64), tf.float32))

    return step


def data() -> tuple:
    """Return the images and labels that the lesson trains on, and those it validates with."""
    digits = load_dataset("digits")
    return digits.train.images[:TRAINED], digits.train.labels[:TRAINED], *(p[:VALIDATED] for p in digits.validation)


def trained(seed: int, name: str, rate: float, looks) -> dict:
    """Train one network; return accuracies by (case, measure, epoch)."""
    x, y, new, labels = data()
    set_seed(seed)
    network = build(*NAMES[name])
    step, order, found = step_of(network, rate), np.random.default_rng(seed), {}
    for epoch in range(1, max(looks) + 1):
        batches = np.array_split(order.permutation(len(x)), max(len(x) // 64, 1))
        right = [float(step(tf.constant(x[batch], tf.float32), tf.constant(y[batch]))) for batch in batches]
        if epoch in looks:
            found[name, "accuracy while learning", epoch] = np.mean(right)
            for measure, images, truth in (("training accuracy", x, y), ("accuracy", new, labels)):
                said = network.predict(images.astype("float32"), batch_size=500, verbose=0)
                found[name, measure, epoch] = np.mean(said.argmax(axis=1) == truth)
    return found


def depth(seed: int) -> dict:
    """R09a: four networks at one rate."""
    found = {}
    for name in NAMES:
        found |= trained(seed, name, RATE, LOOKS)
    return found


def rates(seed: int) -> dict:
    """R09a: the plain networks for four epochs at lower rates."""
    found = {}
    for name in [name for name in NAMES if "plain" in name]:
        for rate in RATES:
            for (case, *rest), value in trained(seed, name, rate, LOOKS[:1]).items():
                found[f"{case}, rate {rate}", *rest] = value
    return found


def gradients(seed: int) -> dict:
    """R09b: how much gradients grow from the last five to the first five convolutions, and what a disturbance becomes.

    Means of several batches, before any training, with batch normalization and without. Growth is a power of ten. The
    disturbance is 1% of the first kernels; ``at`` counts the blocks that it has passed.
    """
    x, y, *_ = data()
    random, found = np.random.default_rng(seed), {}
    chosen = [random.permutation(len(x))[:32] for _ in range(BATCHES)]
    for normalize in (True, False):
        for name, options in NAMES.items():
            case = name if normalize else f"{name}, without normalization"
            set_seed(seed)
            network = build(*options, normalize)
            kernels = [layer.kernel.value for layer in network.layers if getattr(layer, "kernel_size", 0) == (3, 3)]
            blocks = [layer.output for layer in network.layers if layer.name.startswith("end_")]
            body = keras.Model(network.inputs[0], blocks)
            kernel = next(layer for layer in network.layers if layer.weights).kernel
            old, growth, changes = kernel.numpy(), [], []
            for batch in chosen:
                images, labels = tf.constant(x[batch], tf.float32), y[batch]
                with tf.GradientTape() as tape:
                    said = network(images, training=True)
                    loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, said))
                norms = [max(float(tf.norm(g)), 1e-30) for g in tape.gradient(loss, kernels)]
                growth.append(np.log10(np.median(norms[:5]) / np.median(norms[-5:])))
                before = body(images, training=True)
                kernel.assign(old * (1 + 0.01 * random.choice([-1, 1], old.shape)))
                after = body(images, training=True)
                kernel.assign(old)
                changes.append(
                    [float(tf.norm(b - a) / tf.maximum(tf.norm(a), 1e-30)) for a, b in zip(before, after, strict=True)]
                )
            found[case, "growth of gradients, power of ten"] = np.mean(growth)
            for passed, change in enumerate(np.mean(changes, axis=0), start=1):
                found[case, "change", passed] = change
            found[case, "change at the end"] = np.mean(changes, axis=0)[-1]
    return found


EXPERIMENTS = {"depth": depth, "rates": rates, "gradients": gradients}
JUDGED = [
    *(
        ("depth", measure, case, other, at)
        for case, other in (
            ("plain, 44 layers", "plain, 20 layers"),
            ("residual, 44 layers", "plain, 44 layers"),
            ("residual, 44 layers", "residual, 20 layers"),
            ("residual, 20 layers", "plain, 20 layers"),
        )
        for measure in ("training accuracy", "accuracy while learning", "accuracy")
        for at in LOOKS
    ),
    *(("rates", "training accuracy", f"plain, 44 layers, rate {r}", f"plain, 20 layers, rate {r}", 4) for r in RATES),
    *(
        ("gradients", measure, f"plain, 44 layers{end}", f"residual, 44 layers{end}")
        for measure in ("growth of gradients, power of ten", "change at the end")
        for end in ("", ", without normalization")
    ),
    ("gradients", "growth of gradients, power of ten", "plain, 44 layers", "plain, 44 layers, without normalization"),
]

if __name__ == "__main__":
    make("depth_runs", EXPERIMENTS, JUDGED, arguments=sys.argv[1:])

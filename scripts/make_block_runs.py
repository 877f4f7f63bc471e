"""Four questions about architectures, each a small race at equal weights, five times: data/block_runs.csv.

Inception: four branches, one 3 × 3, or a 1 × 1 before it? Widths: growing or shrinking, at equal weights; few or many
first filters? Auxiliary: does a second classifier half way help 44 plain layers (lesson 09)? In a race all get the same
images in the same order. Run `.venv/bin/python scripts/make_block_runs.py`.
"""

import sys
from time import process_time

from helpers.datasets import load_dataset
from helpers.datasets.measured import make
from helpers.engine import keras, tf
from helpers.training import set_seed

import numpy as np
from keras import layers

EPOCHS, BATCH, RATE, LIMIT = 12, 64, 0.003, {"critters": 3000, "digits": 1600}
BUDGET = 60_000
"""Weights of kernels, which the networks of a race come as close to as whole numbers of channels allow."""
KINDS = {
    "inception": ("one 3 × 3", "1 × 1, 3 × 3", "four branches"),
    "widths": ("growing", "constant", "shrinking"),
    "first": ("4 first", "16 first", "64 first"),
    "auxiliary": ("plain, 44 layers", "with auxiliary classifier"),
}


def conv(x, filters: int, size: int, strides: int = 1):
    """Return convolution, batch normalization and ReLU."""
    x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def block(x, kind: str, width: int):
    """Return 4 × width maps, or as many as a plain convolution with this width gives."""
    if kind == "one 3 × 3":
        return conv(x, width, 3)
    if kind == "1 × 1, 3 × 3":
        return conv(conv(x, width, 1), width, 3)
    pooled = layers.MaxPooling2D(3, strides=1, padding="same")(x)
    branches = [conv(x, width, 1), conv(conv(x, width, 1), width, 3), conv(conv(x, width, 1), width, 5)]
    return layers.Concatenate()([*branches, conv(pooled, width, 1)])


def scaled():
    """Return an input of critters at 32 × 32, and its pixels from −1 to 1."""
    inputs = keras.Input((32, 32, 3))
    return inputs, layers.Rescaling(1 / 127.5, offset=-1)(inputs)


def with_blocks(kind: str, width: int):
    """Return a stem, two blocks of this kind, and the largest number of each map."""
    inputs, x = scaled()
    x = layers.MaxPooling2D()(conv(x, 16, 3))
    x = layers.MaxPooling2D()(block(x, kind, width))
    x = layers.GlobalMaxPooling2D()(block(x, kind, width))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


def with_widths(widths):
    """Return three convolutions of 3 × 3, with pooling between them, and the largest number of each map."""
    inputs, x = scaled()
    for place, width in enumerate(widths):
        x = conv(layers.MaxPooling2D()(x) if place else x, width, 3)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.GlobalMaxPooling2D()(x)))


def kernel_weights(model) -> int:
    """Return the number of weights in kernels of convolutions."""
    return sum(int(np.prod(layer.kernel.shape)) for layer in model.layers if isinstance(layer, layers.Conv2D))


def closest(build, budget: int | None = None):
    """Return, of the networks that ``build`` makes of the widths from 1 on, the one nearest to the budget."""
    width, budget = 1, budget or BUDGET
    while kernel_weights(build(width + 1)) <= budget:
        width += 1
    return build(min((width, width + 1), key=lambda w: abs(kernel_weights(build(w)) - budget)))


def plain_44(auxiliary: bool):
    """Return the plain network of 44 layers of lesson 09; with a second output after two of its three stages."""
    inputs, outputs = keras.Input((28, 28, 1)), []
    x = conv(layers.Rescaling(1 / 127.5, offset=-1)(inputs), 8, 3, strides=2)
    for stage in range(3):
        for number in range(14):  # 7 blocks of two layers
            x = conv(x, 8 * 2**stage, 3, strides=2 if stage and not number else 1)
        if stage == 2 or (stage == 1 and auxiliary):
            outputs.insert(0, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x)))
    return keras.Model(inputs, outputs)


def build(race: str, kind: str):
    """Return the network of a race; its first output answers with probabilities."""
    if race == "auxiliary":
        return plain_44(kind == KINDS["auxiliary"][1])
    if race == "inception":
        return closest(lambda width: with_blocks(kind, width))
    if race == "first":
        return with_widths((int(kind.split()[0]), 32, 64))
    shares = {"growing": (1, 2, 4), "constant": (2, 2, 2), "shrinking": (4, 2, 1)}[kind]
    return closest(lambda width: with_widths([width * share for share in shares]))


def step_of(model, optimizer):
    """Return a training step; the loss of a second output counts 0.3, as in Inception's first version."""

    @tf.function
    def step(images, labels):
        with tf.GradientTape() as tape:
            outputs = model(images, training=True)
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            losses = [tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, p)) for p in outputs]
            loss = losses[0] + 0.3 * sum(losses[1:])
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return tf.norm(gradients[0])

    return step


def data(name: str) -> tuple:
    """Return images and labels to train and to validate with; critters averaged to 32 × 32."""
    dataset = load_dataset(name)
    images = [part.images.astype("float32") for part in (dataset.train, dataset.validation)]
    if name == "critters":
        images = [part.reshape(-1, 32, 2, 32, 2, 3).mean(axis=(2, 4)) for part in images]
    return images[0][: LIMIT[name]], dataset.train.labels[: LIMIT[name]], images[1], dataset.validation.labels


def race(seed: int, name: str) -> dict:
    """Train all networks of a race; return accuracies by epoch, weights, and the first gradient of the first kernel."""
    x, y, x_new, y_new = data("digits" if name == "auxiliary" else "critters")
    found = {}
    for kind in KINDS[name]:
        set_seed(seed)
        model = build(name, kind)
        judged = keras.Model(model.inputs, model.outputs[0])  # the second output is for training only
        schedule = keras.optimizers.schedules.CosineDecay(RATE, EPOCHS * (len(x) // BATCH))
        optimizer = keras.optimizers.Adam(schedule)
        optimizer.build(model.trainable_variables)
        step, order, start, norms = step_of(model, optimizer), np.random.default_rng(seed), process_time(), []
        for epoch in range(1, EPOCHS + 1):
            for chosen in np.split(order.permutation(len(x))[: len(x) // BATCH * BATCH], len(x) // BATCH):
                norms.append(step(tf.constant(x[chosen]), tf.constant(y[chosen])))
            if epoch in (4, EPOCHS):
                pairs = (("training accuracy", x, y), ("accuracy", x_new, y_new))
                for measure, images, labels in pairs:
                    said = judged.predict(images, batch_size=500, verbose=0).argmax(axis=1)
                    found[kind, measure, epoch] = np.mean(said == labels)
        found[kind, "weights of kernels"], found[kind, "first gradient"] = kernel_weights(model), float(norms[0])
        found[kind, "processor seconds"] = round(process_time() - start, 1)
    return found


EXPERIMENTS = {name: lambda seed, name=name: race(seed, name) for name in KINDS}
JUDGED = [
    (name, measure, kind, kinds[0], EPOCHS)
    for name, kinds in KINDS.items()
    for kind in kinds[1:]
    for measure in ("training accuracy", "accuracy")
]

if __name__ == "__main__":
    make("block_runs", EXPERIMENTS, JUDGED, arguments=sys.argv[1:])

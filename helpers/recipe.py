"""The recipe of lesson 11: a small network that learns CIFAR-10 in half a minute on two cores, piece by piece.

The lesson writes it out as it is used. Here each piece can also be left out or replaced: lesson 11b asks what each is
worth.
"""

from dataclasses import dataclass, replace

from helpers.datasets.base import Dataset, Split
from helpers.engine import keras
from helpers.training import set_seed

import numpy as np
from keras import layers, ops
from numpy.lib.stride_tricks import sliding_window_view


@dataclass(frozen=True)
class Recipe:
    """All settings of one training; as they are, those of the recipe for 80%. Unknown words raise ValueError."""

    widths: tuple[int, ...] = (32, 64, 128)  # channels of each stage, which has two convolutions and one pooling
    epochs: int = 2
    batch: int = 256
    rate: float = 0.12  # at the beginning; it falls to 0
    schedule: str = "line"  # or "constant"
    optimizer: str = "Muon"  # or "SGD", "AdamW"
    factors: bool = True  # of Muon, for shifts and the last layer
    smoothing: float = 0.0  # of the labels
    shift: int = 0  # pixels, at most, in each direction
    mirror: str = "in turns"  # or "at random", "never"
    whitening: bool = True  # else the first layer learns
    normalization: str = "after pooling"  # or "before pooling", "none"
    unit_length: bool = False  # of the kernels; else they may grow
    activation: str = "relu"
    last_pooling: str = "max"  # or "average"

    def __post_init__(self):
        for name, known in KNOWN.items():
            if (value := getattr(self, name)) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, but it is {value!r}.")


KNOWN = {
    "schedule": ("line", "constant"),
    "optimizer": ("Muon", "SGD", "AdamW"),
    "mirror": ("in turns", "at random", "never"),
    "normalization": ("after pooling", "before pooling", "none"),
    "last_pooling": ("max", "average"),
}
"""What some settings of a `Recipe` may be."""

STANDARD = {
    "80%": Recipe(),
    "85%": Recipe(widths=(64, 128, 128), epochs=5, shift=2),
    "90%": Recipe(widths=(64, 256, 256), epochs=8, shift=2),
}
"""The recipes for CIFAR-10, by the test accuracy that each is made for."""

PIECES = {
    "whole recipe": {},
    "no whitening": {"whitening": False},
    "no normalization": {"normalization": "none"},
    "no normalization, same rate": {"normalization": "none"},
    "normalization before pooling": {"normalization": "before pooling"},
    "no mirror images": {"mirror": "never"},
    "mirror at random": {"mirror": "at random"},
    "half as wide": {"widths": (16, 32, 64)},
    "batch of 64": {"batch": 64},
    "constant rate": {"schedule": "constant"},
    "twice the rate": {"rate": 0.24},
    "SGD instead of Muon": {"optimizer": "SGD"},
    "AdamW instead of Muon": {"optimizer": "AdamW"},
    "Muon without its factors": {"factors": False},
    "mean instead of largest": {"last_pooling": "average"},
    "GELU instead of ReLU": {"activation": "gelu"},
    "with shifts": {"shift": 2},
    "with label smoothing": {"smoothing": 0.2},
    "with kernels of length 1": {"unit_length": True},
}
"""What lesson 11b leaves out, replaces or adds, one at a time."""


# --- the input ---


def shrink(dataset: Dataset, size: int = 32) -> Dataset:
    """Return a dataset with smaller images: means of blocks, as large as leaves ``size`` pixels in height and width."""
    height, width, channels = dataset.image_shape
    block = max(1, min(height, width) // size)

    def smaller(images):
        blocks = images[:, : height // block * block, : width // block * block]
        blocks = blocks.reshape(-1, height // block, block, width // block, block, channels)
        return np.rint(blocks.mean((2, 4))).astype("uint8")

    return replace(dataset, **{part: Split(smaller(i), labels) for part, (i, labels) in dataset.splits().items()})


def statistics(images) -> tuple[float, float]:
    """Return mean and standard deviation of the numbers of the first 5,000 uint8 images (N, H, W, C)."""
    return float(images[:5000].mean()), float(images[:5000].std())


def whitening_kernels(images) -> np.ndarray:
    """Return kernels (2, 2, C, 8 C) whose responses to 2 × 2 patches are uncorrelated, of deviation near 1 (lesson 11).

    The first 4 C are the principal components of the patches of the first 1,000 ``images`` (N, H, W, C), each divided
    by its deviation; the others are their negatives, since a ReLU passes only what is positive.
    """
    mean, deviation = statistics(images)
    patches = sliding_window_view((images[:1000] - mean) / deviation, (2, 2), axis=(1, 2))  # (N, H-1, W-1, C, 2, 2)
    patches = np.moveaxis(patches, 3, 5).reshape(-1, 4 * images.shape[3])
    variances, directions = np.linalg.eigh(np.cov(patches.T))  # a column for each direction
    kernels = (directions / np.sqrt(variances + 0.01)).reshape(2, 2, images.shape[3], -1)
    return np.concatenate([kernels, -kernels], axis=3).astype("float32")


class Views(keras.utils.PyDataset):
    """Batches of all images in random order, each at a random shift, and mirrored in every second epoch (lesson 11).

    Two threads make them in advance. Made in one, they would come by way of the autotuning of tf.data, whose thread at
    times sleeps on after an epoch, for as long as that took (TensorFlow 2.21), and the training waits for it.

    Parameters
    ----------
    images : uint8 array (N, H, W, C)
    targets : array (N, …), what the loss takes
    batch : images in a batch; what is left at the end of an epoch is left out of it
    shift : largest shift in pixels, in each direction; the border is a mirror
    mirror : "in turns", "at random" or "never"
    seed : of all that is random
    """

    def __init__(self, images, targets, batch: int, shift: int = 2, mirror: str = "in turns", seed: int = 0):
        super().__init__(workers=2)  # threads; it also turns off autotuning, which can hold a training up, see above
        padded = np.pad(images, ((0, 0), (shift, shift), (shift, shift), (0, 0)), "reflect")
        both = np.stack([padded, padded[:, :, ::-1]])
        self.windows = sliding_window_view(both, images.shape[1:3], axis=(2, 3))  # views: nothing is copied
        self.targets, self.batch, self.shift, self.mirror = targets, min(batch, len(images)), shift, mirror
        self.random = np.random.default_rng(seed)
        self.mirrored = self.random.integers(0, 2, len(images))
        self.on_epoch_end()

    def on_epoch_end(self):
        """Draw a new order, new shifts, and the other side of each image."""
        self.order = self.random.permutation(len(self.targets))
        self.shifts = self.random.integers(0, 2 * self.shift + 1, (2, len(self.targets)))
        if self.mirror == "at random":
            self.mirrored = self.random.integers(0, 2, len(self.targets))
        else:
            self.mirrored = 1 - self.mirrored if self.mirror == "in turns" else np.zeros(len(self.targets), int)

    def release(self):
        """Let go of the images: Keras keeps what it was trained on as long as the kernel runs."""
        self.windows = None

    def __len__(self):
        return len(self.targets) // self.batch

    def __getitem__(self, step):
        chosen = self.order[step * self.batch :][: self.batch]
        down, right = self.shifts[:, chosen]
        return np.moveaxis(self.windows[self.mirrored[chosen], chosen, down, right], 1, -1), self.targets[chosen]


# --- the step ---


def orthogonal(matrix, steps: int = 3):
    """Pull all singular values of a matrix (rows, columns) towards 1, by ``steps`` of Newton and Schulz (lesson 11)."""
    matrix = matrix / (ops.norm(matrix) + 1e-7)
    for _ in range(steps):
        square = ops.transpose(matrix) @ matrix
        matrix = 3.4445 * matrix + matrix @ (-4.775 * square + 2.0315 * square @ square)
    return matrix


class Muon(keras.optimizers.SGD):
    """SGD with momentum, but for kernels of convolutions the gradient is made orthogonal first (lesson 11).

    After Keller Jordan and others, 2024, who take the momentum first. Biases and shifts take steps twice as long as
    the rate says, dense weights a tenth; without the ``factors``, as long as it says.
    """

    factors = True

    def update_step(self, gradient, variable, learning_rate):
        """Change one variable."""
        if len(variable.shape) == 4:
            columns = ops.reshape(gradient, (-1, gradient.shape[-1]))  # a column for each kernel
            gradient = ops.reshape(orthogonal(columns), gradient.shape)
        elif self.factors:
            learning_rate = learning_rate * (2 if len(variable.shape) == 1 else 0.1)
        super().update_step(gradient, variable, learning_rate)


def make_optimizer(recipe: Recipe, steps: int):
    """Return the optimizer of a recipe, for a training of so many steps."""
    rate = recipe.rate
    if recipe.schedule == "line":
        rate = keras.optimizers.schedules.PolynomialDecay(rate, steps, end_learning_rate=0.0)
    if recipe.optimizer == "AdamW":
        return keras.optimizers.AdamW(rate)
    if recipe.optimizer == "SGD":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    optimizer = Muon(rate, momentum=0.6, nesterov=True)
    optimizer.factors = recipe.factors
    return optimizer


# --- the network ---


def convolution(x, filters: int, recipe: Recipe, *pooling):
    """Return what comes out of a convolution 3 × 3, what follows it, and a ReLU."""
    normalize = recipe.normalization != "none"
    length = keras.constraints.UnitNorm(axis=[0, 1, 2]) if recipe.unit_length else None
    convolve = layers.Conv2D(
        filters,
        3,
        padding="same",
        use_bias=not normalize,
        kernel_initializer="orthogonal",
        kernel_constraint=length,
    )
    normalization = [layers.BatchNormalization(scale=False, momentum=0.6)] if normalize else []
    between = [*normalization, *pooling] if recipe.normalization == "before pooling" else [*pooling, *normalization]
    for layer in (convolve, *between, layers.Activation(recipe.activation)):
        x = layer(x)
    return x


def build_network(images, classes: int, recipe: Recipe = STANDARD["80%"]):
    """Return the network of a recipe, for uint8 images (N, H, W, C), of which the first layer takes its statistics.

    It takes images from 0 to 255, and returns logits (N, classes).
    """
    mean, deviation = statistics(images)
    inputs = keras.Input(images.shape[1:])
    x = layers.Rescaling(1 / deviation, offset=-mean / deviation)(inputs)
    first = layers.Conv2D(8 * images.shape[3], 2, use_bias=False, trainable=not recipe.whitening, name="whitening")
    x = layers.Activation(recipe.activation)(first(x))
    for filters in recipe.widths:
        x = convolution(x, filters, recipe, layers.MaxPooling2D())
        x = convolution(x, filters, recipe)
    last = {"max": layers.GlobalMaxPooling2D, "average": layers.GlobalAveragePooling2D}[recipe.last_pooling]
    outputs = layers.Dense(classes, kernel_initializer=keras.initializers.RandomNormal(stddev=0.01))(last()(x))
    if recipe.whitening:
        first.set_weights([whitening_kernels(images)])
    return keras.Model(inputs, outputs)


def train(images, labels, classes: int, recipe: Recipe = STANDARD["80%"], seed: int = 0, callbacks=()):
    """Train the network of a recipe; return it.

    Parameters
    ----------
    images, labels : uint8 (N, H, W, C) from 0 to 255, and whole numbers (N,) below ``classes``
    seed : of weights, order and views
    callbacks : of Keras
    """
    set_seed(seed)
    targets = keras.utils.to_categorical(labels, classes)
    views = Views(images, targets, recipe.batch, recipe.shift, recipe.mirror, seed)
    model = build_network(images, classes, recipe)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.smoothing)
    model.compile(make_optimizer(recipe, recipe.epochs * len(views)), loss, metrics=["accuracy"])
    model.fit(views, epochs=recipe.epochs, shuffle=False, verbose=0, callbacks=list(callbacks))
    views.release()
    return model


def scores(model, images, mirror: bool = True) -> np.ndarray:
    """Return logits (N, classes) for uint8 images (N, H, W, C): the mean for each image and its mirror image."""
    sides = (images, images[:, :, ::-1]) if mirror else (images,)
    return np.mean([model.predict(side, batch_size=500, verbose=0) for side in sides], axis=0)


# --- the model of 2017 ---


def model_of_2017(image_shape, classes: int, improved: bool = False):
    """Return the network of a tutorial of 2017, which asked its readers to beat it (lesson 11), compiled.

    It takes images from 0 to 255. Two stages of two convolutions, 32 and 64 channels, "valid" padding, and 256 units.
    The ``improved`` one has two convolutions more, of 128 channels; the tutorial does not say of which kind.
    """
    stages = (32, 64, 128) if improved else (32, 64)
    parts = [keras.Input(image_shape), layers.Rescaling(1 / 255)]
    for filters in stages:
        padding = "same" if improved else "valid"
        parts += [layers.Conv2D(filters, 3, padding=padding, activation="relu") for _ in range(2)]
        parts += [layers.MaxPooling2D(), layers.Dropout(0.25)]
    parts += [layers.Flatten(), layers.Dense(256, activation="relu"), layers.Dropout(0.5), layers.Dense(classes)]
    model = keras.Sequential(parts)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss, metrics=["accuracy"])
    return model


def train_2017(images, labels, classes: int, improved: bool = False, epochs: int = 50, seed: int = 0, callbacks=()):
    """Train the model of 2017 as its author did, in batches of 128; the improved one with shifts and mirror images.

    Parameters and result are those of `train`.
    """
    set_seed(seed)
    model, targets = model_of_2017(images.shape[1:], classes, improved), keras.utils.to_categorical(labels, classes)
    views = Views(images, targets, 128, 3 if improved else 0, "at random" if improved else "never", seed)
    model.fit(views, epochs=epochs, shuffle=False, verbose=0, callbacks=list(callbacks))
    views.release()
    return model

"""Compare first layers for digits as in lesson 02, ten times each: data/kernel_runs.csv.

Run `.venv/bin/python scripts/make_kernel_runs.py`. The network and the Gabor bank are those of the lesson's cells, the
validation digits judge. A seed draws the start, the random kernels, and the 200 digits of the small set.
"""

import sys

from helpers.datasets import load_dataset
from helpers.datasets.measured import make
from helpers.engine import keras
from helpers.gabor import gabor_kernel
from helpers.training import set_seed

import numpy as np
from keras import layers
from scipy.ndimage import gaussian_filter

COUNT, SIZE = 16, 9
SETS = {"all digits": (None, 4), "200 digits": (200, 55)}
"""How many, and for how many epochs: about as many steps for both."""
AS_SMOOTH = 0.9
"""The blur, in pixels, that gives random kernels the neighbor correlation of the learned ones, 0.70."""
SETTINGS = [(f, t, s) for f, s in ((0.1, 2), (0.2, 1.5)) for t in np.pi * np.arange(4) / 4]


def unit(kernels) -> np.ndarray:
    """Return kernels (h, w, K) of length 1."""
    return kernels / np.sqrt(np.sum(kernels**2, axis=(0, 1), keepdims=True))


def cropped(kernel) -> np.ndarray:
    """Return the 9 × 9 numbers in the middle of a kernel, with zeros where it is smaller."""
    wide = np.pad(kernel, SIZE)
    top, left = ((size - SIZE) // 2 for size in wide.shape)
    return wide[top : top + SIZE, left : left + SIZE]


def gabor_pair(frequency: float, theta: float, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the even kernel, with sum 0 after cropping, and the odd one."""
    pair, bell = gabor_kernel(frequency, theta, sigma), cropped(gabor_kernel(0, 0, sigma).real)
    even, odd = cropped(pair.real), cropped(pair.imag)
    return even - bell * even.sum() / bell.sum(), odd


def noise_of(seed: int) -> np.ndarray:
    """Return random kernels (9, 9, 16)."""
    return np.random.default_rng(seed).normal(size=(SIZE, SIZE, COUNT))


def smoothed(kernels, blur: float) -> np.ndarray:
    """Return kernels (h, w, K), blurred by so many pixels, with sum 0 and length 1."""
    smooth = gaussian_filter(kernels, (blur, blur, 0), mode="constant")
    return unit(smooth - smooth.mean(axis=(0, 1)))


def banks(seed: int) -> dict:
    """Return kernels (9, 9, 16) for each frozen first layer."""
    noise = noise_of(seed)
    return {
        "Gabor": unit(np.stack([part for each in SETTINGS for part in gabor_pair(*each)], axis=-1)),
        "random": unit(noise),
        "random, sum 0": unit(noise - noise.mean(axis=(0, 1))),
        "random, smooth": smoothed(noise, 1.5),
    }


def network(kernels=None) -> keras.Sequential:
    """Return the network of lesson 02, with these kernels frozen, or with a first layer that learns."""
    first = layers.Conv2D(COUNT, SIZE, padding="same", activation="relu", trainable=kernels is None)
    last = [layers.MaxPooling2D(4), layers.Flatten(), layers.Dense(10, activation="softmax")]
    model = keras.Sequential([keras.Input((28, 28, 1)), first, *last])
    if kernels is not None:
        first.set_weights([kernels[:, :, None], np.zeros(COUNT)])
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def neighbor_correlation(kernels) -> float:
    """Return the correlation of neighboring weights, (h, w, K): 0 for noise, near 1 for what is smooth."""
    pairs = [(kernels[1:], kernels[:-1]), (kernels[:, 1:], kernels[:, :-1])]
    return float(np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs]))


def plane_share(kernels) -> float:
    """Return which share of the squares of kernels (h, w, K) a plane explains; of noise that is 3 of 81."""
    y, x = np.mgrid[: len(kernels), : len(kernels)] - (len(kernels) - 1) / 2
    planes = [part / np.linalg.norm(part) for part in (np.ones_like(x), y, x)]
    along = [(kernels * part[:, :, None]).sum(axis=(0, 1)) for part in planes]
    return float(np.mean(sum(a**2 for a in along) / (kernels**2).sum(axis=(0, 1))))


def race(seed: int, name: str) -> dict:
    """R02: five first layers on one set of training digits."""
    dataset, found, (number, epochs) = load_dataset("digits"), {}, SETS[name]
    chosen = np.random.default_rng(seed).permutation(len(dataset.train.labels))[:number]
    x, y = dataset.train.images[chosen] / 255.0, dataset.train.labels[chosen]
    floor = smoothed(noise_of(seed), AS_SMOOTH)  # nothing is trained behind it
    found["random, as smooth as learned", "neighbor correlation"] = neighbor_correlation(floor)
    found["random, as smooth as learned", "share of a plane"] = plane_share(floor)
    for case, kernels in {**banks(seed), "learned": None}.items():
        set_seed(seed)
        model = network(kernels)
        start = np.squeeze(model.layers[0].get_weights()[0])
        model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
        found[case, "training accuracy"] = model.evaluate(x, y, batch_size=500, verbose=0)[1]
        new = dataset.validation.images / 255.0, dataset.validation.labels
        found[case, "accuracy"] = model.evaluate(*new, batch_size=500, verbose=0)[1]
        for when, weights in (("before", start), ("after", np.squeeze(model.layers[0].get_weights()[0]))):
            if case == "learned" or when == "before":
                label = f"{case}, {when}" if case == "learned" else case
                found[label, "neighbor correlation"] = neighbor_correlation(weights)
                found[label, "share of a plane"] = plane_share(weights)
    return found


EXPERIMENTS = {name: lambda seed, name=name: race(seed, name) for name in SETS}
JUDGED = [
    *(
        (name, "accuracy", case, other)
        for name in SETS
        for case, other in (
            ("learned", "Gabor"),
            ("Gabor", "random"),
            ("Gabor", "random, smooth"),
            ("random, smooth", "random, sum 0"),
            ("random, sum 0", "random"),
        )
    ),
    *(
        (name, measure, "learned, after", other)
        for name in SETS
        for other in ("learned, before", "random, as smooth as learned")
        for measure in ("neighbor correlation", "share of a plane")
    ),
]

if __name__ == "__main__":
    make("kernel_runs", EXPERIMENTS, JUDGED, seeds=range(10), arguments=sys.argv[1:])

"""Kernels from photographs without labels: sparse coding, principal components, noise: data/dictionary_runs.csv.

Two questions, five seeds each: how well does a Gabor function fit each kernel, and how good is the bank as the frozen
first layer of the network of lesson 02? Run `.venv/bin/python scripts/make_dictionary_runs.py`; the kernels of seed 0
are in data/dictionary.npz. A seed draws patches, starts and networks.
"""

import sys
from functools import cache
from itertools import product
from pathlib import Path

from helpers.datasets import load_dataset, load_photo
from helpers.datasets.measured import make, stamp
from helpers.engine import keras
from helpers.files import written_whole
from helpers.training import set_seed

import numpy as np
from keras import layers
from numpy.lib.stride_tricks import sliding_window_view
from scipy.optimize import least_squares
from sklearn.decomposition import PCA, MiniBatchDictionaryLearning

SIZE, COUNT, PATCHES, TRIES = 9, 16, 10_000, 4
PHOTOS = ("camera", "astronaut", "chelsea", "coffee", "brick", "grass")
BANKS = ("sparse coding", "sparse coding, shuffled pixels", "principal components", "noise")
"""The second is the control: the same patches, whose pixels have lost their places."""


def patches_of_photos(seed: int, count: int) -> np.ndarray:
    """Return patches (count, 81) of photographs, each with mean 0; flat ones are left out; deviation 1 over all."""
    random, found = np.random.default_rng(seed), []
    for name in PHOTOS:
        windows = sliding_window_view(load_photo(name, gray=True) / 255.0, (SIZE, SIZE))
        rows, cols = (random.integers(0, limit, count) for limit in windows.shape[:2])
        found.append(windows[rows, cols].reshape(count, -1))
    patches = np.concatenate(found)
    patches -= patches.mean(axis=1, keepdims=True)
    patches = patches[patches.std(axis=1) > 0.02]
    patches /= patches.std(axis=1, keepdims=True)  # a faint edge counts as much as a strong one
    return patches[random.permutation(len(patches))[:count]]


def whitened(patches) -> np.ndarray:
    """Return the patches with equal variance in all directions, near the old axes; the weakest ones are held down."""
    variances, directions = np.linalg.eigh(np.cov(patches.T))
    return patches @ (directions / np.sqrt(np.maximum(variances, 0) + 0.05)) @ directions.T


def bank_of(name: str, seed: int) -> np.ndarray:
    """Return COUNT kernels (COUNT, SIZE, SIZE) of length 1, with sum 0 but for noise of rounding."""
    random = np.random.default_rng(seed)
    patches = patches_of_photos(seed, PATCHES)
    if name == "noise":
        rows = random.normal(size=(COUNT, SIZE * SIZE))
    elif name == "principal components":
        rows = PCA(COUNT, random_state=seed).fit(patches).components_
    else:
        white = whitened(patches)
        order = random.permutation(SIZE * SIZE) if "shuffled" in name else np.arange(SIZE * SIZE)
        options = {"alpha": 1.0, "batch_size": 256, "max_iter": 20, "fit_algorithm": "cd"}
        rows = MiniBatchDictionaryLearning(COUNT, random_state=seed, **options).fit(white[:, order]).components_
    rows = rows - rows.mean(axis=1, keepdims=True)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).reshape(COUNT, SIZE, SIZE)


def wave_and_bell(left, top, wide, long, theta, frequency) -> tuple[np.ndarray, np.ndarray]:
    """Return an even and an odd Gabor function (SIZE, SIZE), centered ``left`` and ``top`` of the middle."""
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    u = (x - left) * np.cos(theta) + (y - top) * np.sin(theta)
    v = (y - top) * np.cos(theta) - (x - left) * np.sin(theta)
    bell = np.exp(-((u / wide) ** 2 + (v / long) ** 2) / 2)
    return bell * np.cos(2 * np.pi * frequency * u), bell * np.sin(2 * np.pi * frequency * u)


@cache
def places_to_start() -> tuple[np.ndarray, np.ndarray]:
    """Return settings (N, 6) of Gabor functions all over a kernel, and each pair of them (N, 2, 81), of length 1."""
    steps = (
        (-3, -1.5, 0, 1.5, 3),
        (1.0, 1.7, 2.8, 4.5),
        np.pi * np.arange(12) / 12,
        (0.03, 0.07, 0.12, 0.18, 0.25, 0.35),
    )
    settings = np.array([(*at, s, s, t, f) for at in product(steps[0], steps[0]) for s, t, f in product(*steps[1:])])
    pairs = np.array([wave_and_bell(*each) for each in settings]).reshape(len(settings), 2, -1)
    even = pairs[:, 0] / np.linalg.norm(pairs[:, 0], axis=1, keepdims=True)
    odd = pairs[:, 1] - even * np.sum(pairs[:, 1] * even, axis=1, keepdims=True)
    return settings, np.stack([even, odd / np.linalg.norm(odd, axis=1, keepdims=True)], axis=1)


def gabor_fit(kernel) -> tuple[float, float]:
    """Return which share of a kernel's squares the best Gabor function explains, 0 to 1, and its sigma in pixels.

    The search begins at the best of a grid, for TRIES frequencies. A wide bell is hardly one: then the kernel is a
    plain wave, as in a Fourier transform.
    """
    settings, pairs = places_to_start()
    explained = np.sum((pairs @ kernel.ravel()) ** 2, axis=1)
    bests = [max(np.flatnonzero(settings[:, 5] == f), key=explained.__getitem__) for f in np.unique(settings[:, 5])]
    best = (0.0, np.nan)

    def rest(given):
        even, odd = wave_and_bell(*given[:6])
        return (given[6] * even + given[7] * odd - kernel).ravel()

    low = [-4, -4, 0.7, 0.7, -7, 0.0, -2, -2]
    high = [4, 4, 6, 6, 7, 0.5, 2, 2]
    for place in sorted(bests, key=explained.__getitem__)[-TRIES:]:
        factors = np.linalg.lstsq(np.array(wave_and_bell(*settings[place])).reshape(2, -1).T, kernel.ravel())[0]
        found = least_squares(rest, [*settings[place], *factors.clip(-1.9, 1.9)], bounds=(low, high), max_nfev=200)
        best = max(best, (1 - 2 * found.cost / np.sum(kernel**2), np.sqrt(found.x[2] * found.x[3])))
    return best


def accuracy_of(bank, seed: int, dataset, epochs: int = 4) -> float:
    """Return the validation accuracy of the network of lesson 02 with this frozen first layer."""
    set_seed(seed)
    first = layers.Conv2D(COUNT, SIZE, padding="same", activation="relu", trainable=False)
    stack = [keras.Input((28, 28, 1)), first, layers.MaxPooling2D(4), layers.Flatten()]
    model = keras.Sequential([*stack, layers.Dense(10, activation="softmax")])
    first.set_weights([np.moveaxis(bank, 0, 2)[:, :, None], np.zeros(COUNT)])
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(dataset.train.images / 255.0, dataset.train.labels, batch_size=64, epochs=epochs, verbose=0)
    return model.evaluate(dataset.validation.images / 255.0, dataset.validation.labels, verbose=0)[1]


def bank(seed: int, name: str) -> dict:
    """Return the numbers of one bank."""
    kernels = bank_of(name, seed)
    fits, sigmas = zip(*map(gabor_fit, kernels), strict=True)
    measured = {"median fit": np.median(fits), "least fit": min(fits), "median sigma": np.median(sigmas)}
    measured["accuracy"] = accuracy_of(kernels, seed, load_dataset("digits"))
    return {(name, measure): value for measure, value in measured.items()}


def banks(seed: int) -> dict:
    """Return the numbers of all banks."""
    found = {}
    for name in BANKS:
        found |= bank(seed, name)
    return found


def write_kernels(path: Path) -> None:
    """Write the banks of seed 0, (16, 9, 9) each, unless they are there."""
    if not path.exists():
        kept = {name.replace(", ", "_").replace(" ", "_"): bank_of(name, 0).astype("float32") for name in BANKS}
        with written_whole(path) as partial:
            np.savez_compressed(partial, **kept)
        stamp(path)


EXPERIMENTS = {"banks": banks}
JUDGED = [
    ("banks", measure, "sparse coding", other)
    for measure in ("median fit", "median sigma", "accuracy")
    for other in BANKS[1:]
]

if __name__ == "__main__":
    write_kernels(make("dictionary_runs", EXPERIMENTS, JUDGED, arguments=sys.argv[1:]).with_name("dictionary.npz"))

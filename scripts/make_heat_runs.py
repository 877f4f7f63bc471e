"""Grade the heat maps of lesson 07 on other images, weights and networks: data/heat_runs.csv.

Run `.venv/bin/python scripts/make_heat_runs.py`. A seed is a draw of critters, of random weights, or of a training;
seed 0 has the images of the lesson. Methods, stamps, small network and its training are stated as in its cells.
"""

import sys

from helpers import explain
from helpers.datasets import critters, load_dataset
from helpers.datasets.measured import make
from helpers.engine import keras
from helpers.models import load_model
from helpers.training import set_seed

import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

GRADED, DESTROYED, TRAINED = 200, 40, 2000
EPOCHS = {"cheater": 3, "honest": 6}
BLUR = 4
METHODS = {
    "occlusion": lambda model, x: explain.occlusion(model, x, size=16, stride=8),
    "saliency": explain.saliency,
    "integrated gradients": lambda model, x: explain.integrated_gradients(model, x, steps=16),
    "Grad-CAM": lambda model, x: explain.grad_cam(model, x, layer="conv5"),
}


def scenes(split: str, number: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images, labels and masks of critters; seed 0 gives the first ones of the dataset."""
    drawn = [critters.critter(split, index, seed=seed) for index in range(number)]
    return np.stack([one.image for one in drawn]), critters.labels(number), np.stack([one.mask for one in drawn])


def share_inside(heat, masks) -> np.ndarray:
    """Return the share of the positive heat inside of each mask, (N,), as in exercise 3; 0 where there is none."""
    positive = np.maximum(heat, 0)
    total = positive.sum(axis=(1, 2))
    return np.divide((positive * masks).sum(axis=(1, 2)), total, out=np.zeros(len(total)), where=total > 0)


def grades(heat, masks) -> dict[str, float]:
    """Return the mean of three grades, and how many maps are the same everywhere: these point nowhere."""
    return {
        "pointing game": explain.pointing_game(heat, masks).mean(),
        "overlap": explain.overlap(heat, masks).mean(),
        "share inside": share_inside(heat, masks).mean(),
        "maps without a peak": int(np.sum(np.ptp(heat, axis=(1, 2)) == 0)),
    }


def middle_of(shape) -> np.ndarray:
    """Return maps (N, H, W) that are highest in the middle of the image."""
    y, x = np.indices(shape[1:]) - (np.array(shape[1:])[:, None, None] - 1) / 2
    return np.broadcast_to(-np.hypot(y, x), shape)


def graded(seed: int) -> dict:
    """R07a: grades of four methods, as they are and blurred, beside maps that know nothing, or the wrong thing."""
    model, (images, _, masks) = load_model("critters"), scenes("test", GRADED, seed)
    heats = {name: np.asarray(method(model, images)) for name, method in METHODS.items()}
    heats |= {f"{name}, blurred": gaussian_filter(heat, (0, BLUR, BLUR)) for name, heat in heats.items()}
    predicted = explain.predict(model, images).argmax(axis=1)
    wrong = (predicted + np.random.default_rng(seed).integers(1, 10, len(images))) % 10
    set_seed(seed)
    untrained = keras.models.clone_model(model)
    heats["middle of the image"] = middle_of(masks.shape)
    heats["Grad-CAM, untrained network"] = explain.grad_cam(untrained, images, layer="conv5")
    heats["Grad-CAM, random class"] = explain.grad_cam(model, images, wrong, "conv5")
    return {(case, name): value for case, heat in heats.items() for name, value in grades(heat, masks).items()}


def likeness(maps, others) -> float:
    """Return the mean rank correlation of pairs of maps; those that are the same everywhere are left out."""
    pairs = [(rankdata(a), rankdata(b)) for a, b in zip(maps, others, strict=True) if np.ptp(a) > 0 and np.ptp(b) > 0]
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs])) if pairs else 0.0


def destroyed(seed: int) -> dict:
    """R07b: likeness to the first maps when 1, 2, … layers from the end have random weights, and two floors.

    The floors are the maps of the next image, and those of the same image for the next class.
    """
    model, (images, labels, _) = load_model("critters"), scenes("test", DESTROYED, seed)
    compared = {
        "Grad-CAM": lambda network, classes: explain.grad_cam(network, images, classes, "conv5"),
        "saliency": lambda network, classes: explain.saliency(network, images, classes),
    }
    first, found = {name: method(model, labels) for name, method in compared.items()}, {}
    for name, method in compared.items():
        found[f"{name}, another image", "likeness"] = likeness(first[name], np.roll(first[name], 1, axis=0))
        found[f"{name}, another class", "likeness"] = likeness(first[name], method(model, (labels + 1) % 10))
    broken = keras.models.clone_model(model)
    broken.set_weights(model.get_weights())
    set_seed(seed)
    fresh = keras.models.clone_model(model)
    for number, layer in enumerate([layer for layer in model.layers if layer.weights][::-1], start=1):
        broken.get_layer(layer.name).set_weights(fresh.get_layer(layer.name).get_weights())
        for name, method in compared.items():
            maps = method(broken, labels)
            found[f"{name}, destroyed", "likeness", number] = likeness(first[name], maps)
            found[f"{name}, destroyed", "maps without a peak", number] = int(np.sum(np.ptp(maps, axis=(1, 2)) == 0))
    return found


def stamped(images, photographers) -> np.ndarray:
    """Return images with the colored stamp of a photographer, 0 to 9, in the upper left corner."""
    colors, copy = (255 * np.array(plt.color_sequences["tab10"])).astype(np.uint8), images.copy()
    copy[:, :8, :8] = colors[photographers][:, None, None]
    return copy


def small_network() -> keras.Sequential:
    """Return the small network of lesson 07."""
    stack = [keras.Input((64, 64, 3)), layers.Rescaling(1 / 127.5, offset=-1)]
    for filters in (16, 32, 64):
        stack += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D()]
    stack += [layers.Conv2D(64, 3, padding="same", activation="relu", name="last"), layers.GlobalMaxPooling2D()]
    return keras.Sequential([*stack, layers.Dense(10, activation="softmax")])


def stamps(seed: int) -> dict:
    """R07c: a network that is trained with true stamps, and one with stamps drawn at random."""
    dataset, found = load_dataset("critters"), {}
    x, y = dataset.train.images[:TRAINED], dataset.train.labels[:TRAINED]
    new, labels = dataset.validation
    random = np.random.default_rng(seed)
    lies = (labels + random.integers(1, 10, len(labels))) % 10
    shown = {"its own stamp": stamped(new, labels), "no stamp": new, "a wrong stamp": stamped(new, lies)}
    corner = np.zeros((GRADED, *new.shape[1:3]), bool)
    corner[:, :16, :16] = True
    masks = np.stack([critters.critter("validation", index).mask for index in range(GRADED)])
    for case, epochs in EPOCHS.items():
        photographers = y if case == "cheater" else np.random.default_rng(seed + 1).integers(0, 10, len(y))
        set_seed(seed)
        network = small_network()
        network.compile(keras.optimizers.Adam(0.002), loss="sparse_categorical_crossentropy")
        network.fit(stamped(x, photographers), y, batch_size=32, epochs=epochs, verbose=0)
        said = {name: explain.predict(network, images).argmax(axis=1) for name, images in shown.items()}
        found |= {(case, f"right with {name}"): np.mean(answers == labels) for name, answers in said.items()}
        found[case, "says what a wrong stamp says"] = np.mean(said["a wrong stamp"] == lies)
        found[case, "answers that change with the stamp"] = np.mean(said["a wrong stamp"] != said["its own stamp"])
        heat = explain.grad_cam(network, shown["its own stamp"][:GRADED], None, "last")
        found[case, "hottest pixel in the corner"] = explain.pointing_game(heat, corner).mean()
        found |= {(case, name): value for name, value in grades(heat, masks).items()}
    found |= {("middle of the image", name): value for name, value in grades(middle_of(masks.shape), masks).items()}
    found["any pixel", "share inside"] = masks.mean()
    return found


EXPERIMENTS = {"graded": graded, "destroyed": destroyed, "stamps": stamps}
JUDGED = [
    *(("graded", "overlap", f"{name}, blurred", name) for name in METHODS),
    *(("graded", "overlap", f"{name}, blurred", "Grad-CAM") for name in list(METHODS)[:3]),
    *(("graded", grade, "Grad-CAM", name) for grade in ("pointing game", "overlap") for name in list(METHODS)[:3]),
    *(
        ("graded", "pointing game", "Grad-CAM", other)
        for other in ("middle of the image", "Grad-CAM, untrained network", "Grad-CAM, random class")
    ),
    *(
        ("destroyed", "likeness", f"{name}, destroyed", f"{name}, another {floor}", (number, 0))
        for name in ("Grad-CAM", "saliency")
        for floor in ("image", "class")
        for number in (1, 6)
    ),
    ("stamps", "right with no stamp", "honest", "cheater"),
    ("stamps", "answers that change with the stamp", "cheater", "honest"),
    ("stamps", "pointing game", "honest", "middle of the image"),
    ("stamps", "share inside", "honest", "any pixel"),
]

if __name__ == "__main__":
    make("heat_runs", EXPERIMENTS, JUDGED, arguments=sys.argv[1:])

"""Reuse a network as in lesson 08, five times each, at equal conditions: data/tuning_runs.csv.

Run `.venv/bin/python scripts/make_tuning_runs.py`. Ways, heads and trainings are those of make_transfer_runs.py,
but for the epochs: a frozen base gets as many as features once, and from scratch with 50 images it gets 40. A seed
draws the images and the start.
"""

import sys

from helpers.datasets import critters, load_dataset, load_photo, resize_photo
from helpers.datasets.measured import make
from helpers.engine import keras
from helpers.models import load_model
from helpers.training import set_seed

import make_transfer_runs as transfer
import numpy as np
from keras import layers
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

EPOCHS = {  # way: images of each class: epochs
    "features once": {10: 40, 20: 40, 50: 40},
    "frozen base": {10: 40, 20: 40, 50: 40},
    "top block": {10: 25, 20: 15, 50: 10},
    "all convolutions": {10: 25, 20: 15, 50: 8},
    "from scratch": {10: 60, 20: 40, 50: 40},
}
LONGER = 10
"""So many times as many epochs get features once in one more case: then it takes no less time than a frozen base."""
PER_CLASS, ASKED, FOLDS, CUTS = 20, 300, 4, ("conv1_relu", "add2", "conv3_relu", "add3", "conv4_relu", "add4")
HEAD, TUNED, SCRATCH, BRIEF = 40, 15, 40, 2


def ways(seed: int, number: int) -> dict:
    """R08a: five ways, with so many images of each class, judged on all test images."""
    transfer.EPOCHS, found = EPOCHS, {}
    for way in EPOCHS:
        row, _ = transfer.run(way, number, seed)
        found[way, "training accuracy"], found[way, "accuracy"] = row["training_accuracy"], row["test_accuracy"]
        found[way, "epochs"], found[way, "seconds"] = EPOCHS[way][number], row["seconds"]
    transfer.EPOCHS = {"features once": {number: LONGER * EPOCHS["features once"][number]}}
    found["features once, longer", "accuracy"] = transfer.run("features once", number, seed)[0]["test_accuracy"]
    transfer.EPOCHS = EPOCHS
    return found


def drawn(seed: int) -> tuple[np.ndarray, ...]:
    """Return the places of 20 training critters of each class, their images and labels, and 300 to validate with."""
    dataset, order = load_dataset("critters"), np.random.default_rng(seed)
    places = [order.permutation(np.flatnonzero(dataset.train.labels == label))[:PER_CLASS] for label in range(10)]
    chosen = np.concatenate(places)
    return chosen, *(array[chosen] for array in dataset.train), *(array[:ASKED] for array in dataset.validation)


def nearest(described, asked) -> np.ndarray:
    """Return for each asked image the index of the nearest one, all numbers scaled to the same deviation."""
    scaler = StandardScaler().fit(described)
    a, b = scaler.transform(asked), scaler.transform(described)
    return np.array([((one - b) ** 2).sum(axis=1).argmin() for one in a])


def neighbors(seed: int) -> dict:
    """R08b: is the nearest image of the same class, is its background alike; and on gray in place of backgrounds?"""
    chosen, x, y, x_new, y_new = drawn(seed)
    scenes, new = (
        [critters.critter(s, int(i)) for i in of] for s, of in (("train", chosen), ("validation", range(ASKED)))
    )
    on_gray = [
        np.stack([np.where(s.mask[..., None], s.image, 127) for s in some]).astype(np.uint8) for some in (scenes, new)
    ]
    behind, behind_new = (np.stack([s.background for s in some]).astype(float) for some in (scenes, new))
    found, base = {}, transfer.body(pretrained=True)
    for ground, pair in (("", (x, x_new)), (", on gray", on_gray)):
        maps = [base.predict(images, batch_size=64, verbose=0) for images in pair]
        described = {
            "pixels": [
                images.reshape(-1, 16, 4, 16, 4, 3).mean(axis=(2, 4)).reshape(len(images), -1) for images in pair
            ],
            "means": [m.mean(axis=(1, 2)) for m in maps],
            "maxima": [m.max(axis=(1, 2)) for m in maps],
        }
        for name, arrays in described.items():
            index = nearest(*arrays)
            found[f"{name}{ground}", "same class"] = np.mean(y[index] == y_new)
            found[f"{name}{ground}", "difference of backgrounds"] = np.abs(behind[index] - behind_new).mean()
    by_chance = np.random.default_rng(seed).integers(0, len(x), len(x_new))
    found["by chance", "difference of backgrounds"] = np.abs(behind[by_chance] - behind_new).mean()
    return found


def cuts(seed: int) -> dict:
    """R08b: features of which layer? Logistic regression, its strength chosen by cross-validation for each cut."""
    _, x, y, x_new, y_new = drawn(seed)
    photos, found = load_model("photos"), {}
    every = keras.Model(photos.inputs[0], [photos.get_layer(name).output for name in CUTS])
    for cut, *maps in zip(
        CUTS, *(every.predict(images, batch_size=64, verbose=0) for images in (x, x_new)), strict=True
    ):
        for pool in (np.max, np.mean):
            a, b = (pool(m, axis=(1, 2)) for m in maps)
            classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
            strengths = {"logisticregression__C": [0.002, 0.01, 0.05, 0.2]}
            fitted = GridSearchCV(classifier, strengths, cv=FOLDS).fit(a, y)
            found[f"{cut}, {'max' if pool is np.max else 'mean'}", "accuracy"] = fitted.score(b, y_new)
    return found


# --- what is forgotten ---


def pieces(seed: int) -> np.ndarray:
    """Return 200 pieces of photographs, (200, 32, 32, 3), the first 50 of Chelsea the cat."""
    random, cut = np.random.default_rng(seed), []
    for name in ("chelsea", "astronaut", "coffee", "rocket"):
        photo = resize_photo(load_photo(name), 64)
        for _ in range(50):
            top, left = random.integers(0, np.array(photo.shape[:2]) - 31)
            cut.append(photo[top : top + 32, left : left + 32])
    return np.stack(cut)


def words_of(base, images) -> np.ndarray:
    """Return what the photos network says, with the weights of ``base`` up to the cut, and its own ones after it."""
    whole = load_model("photos")
    for layer in base.layers:
        whole.get_layer(layer.name).set_weights(layer.get_weights())
    return np.argmax(whole(images.astype("float32"), training=False), axis=1)


def norms_of(base) -> list:
    """Return the layers of batch normalization."""
    return [layer for layer in base.layers if isinstance(layer, layers.BatchNormalization)]


def drift(seed: int) -> dict:
    """R08c: words that stay when a head is trained for an epoch, by what of batch normalization may change."""
    _, x, y, *_ = drawn(seed)
    asked, found = pieces(seed), {}
    old = words_of(transfer.body(pretrained=True), asked)
    for case in ("both", "scale and offset only", "statistics only", "none"):
        set_seed(seed)
        base = transfer.body(pretrained=True)
        for layer in base.layers:
            layer.trainable = layer in norms_of(base) and case != "none"
        for layer in norms_of(base):
            if case == "scale and offset only":
                layer.momentum = 1.0  # so the stored numbers stay
            if case == "statistics only":
                layer.gamma.trainable = layer.beta.trainable = False
        before = [(layer.moving_mean.numpy(), layer.gamma.numpy()) for layer in norms_of(base)]
        inputs = keras.Input((64, 64, 3))
        model = keras.Model(inputs, transfer.head(160)(layers.GlobalMaxPooling2D()(base(inputs))))
        transfer.fit(model, x[::2], y[::2], 1, 0.01)
        after = [(layer.moving_mean.numpy(), layer.gamma.numpy()) for layer in norms_of(base)]
        moved = [[np.array_equal(a, b) for a, b in zip(*pair, strict=True)] for pair in zip(before, after, strict=True)]
        found[case, "same word"] = np.mean(words_of(base, asked) == old)
        found[case, "statistics changed"], found[case, "scales changed"] = 1 - np.all(moved, axis=0).astype(float)
    return found


def tuned(seed: int, names: str, epochs: int, rate: float, trained_head=True, thaw_norms=False, callbacks=()):
    """Return base and model after training the convolutions whose names begin so; the head is that of way 1, or new."""
    _, x, y, *_ = drawn(seed)
    set_seed(seed)
    base, top = transfer.body(pretrained=True), transfer.head(160)
    if trained_head:
        transfer.fit(top, transfer.features(base, x), y, HEAD, 0.01)
    for layer in base.layers:
        norm = isinstance(layer, layers.BatchNormalization)
        layer.trainable = thaw_norms if norm else layer.name.startswith(names)
    model = transfer.join(base, top)
    schedule = keras.optimizers.schedules.CosineDecay(rate, epochs * -(-len(x) // 32))
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return base, model


def forgetting(seed: int) -> dict:
    """R08d: validation and old words after four trainings, beside floors: the commonest old word, pieces shuffled."""
    *_, x_new, y_new = drawn(seed)
    asked, found = pieces(seed), {}
    old = words_of(transfer.body(pretrained=True), asked)
    trainings = {
        "top block, two epochs": ("conv4", BRIEF, 0.001),
        "all, two epochs": ("conv", BRIEF, 0.001),
        "all, two epochs, rate 0.01": ("conv", BRIEF, 0.01),
        "top block, eight epochs": ("conv4", 4 * BRIEF, 0.001),
    }
    for case, options in trainings.items():
        base, model = tuned(seed, *options)
        words = words_of(base, asked)
        found[case, "accuracy"] = model.evaluate(x_new, y_new, batch_size=64, verbose=0)[1]
        found[case, "same word"], found[case, "Chelsea is a cat"] = np.mean(words == old), np.mean(words[:50] == 3)
    base = transfer.body(pretrained=True)
    features = [transfer.features(base, images) for images in (drawn(seed)[1], x_new)]
    set_seed(seed)
    top = transfer.head(160)
    transfer.fit(top, features[0], drawn(seed)[2], HEAD, 0.01)
    found["head only", "accuracy"] = top.evaluate(features[1], y_new, verbose=0)[1]
    found["the commonest old word", "same word"] = np.bincount(old).max() / len(old)
    random = np.random.default_rng(seed)
    pixels = np.stack([random.permutation(piece.reshape(-1, 3)).reshape(piece.shape) for piece in asked])
    found["pieces with shuffled pixels", "same word"] = np.mean(words_of(base, pixels) == old)
    return found


def rules(seed: int) -> dict:
    """R08e: all convolutions for 15 epochs after a head of 40; a new head for all 55; batch normalization thawed."""
    test, found = load_dataset("critters").test, {}
    cases = {
        "trained head": {},
        "new head": {"trained_head": False},
        "new head, as many epochs in all": {"trained_head": False, "epochs": HEAD + TUNED},
        "batch normalization thawed": {"thaw_norms": True},
    }
    for case, options in cases.items():
        _, model = tuned(**{"seed": seed, "names": "conv", "epochs": TUNED, "rate": 0.001} | options)
        found[case, "accuracy"] = model.evaluate(*test, batch_size=64, verbose=0)[1]
    return found


class Sides(keras.callbacks.Callback):
    """Keeps after each epoch which of these images are right."""

    def __init__(self, images, labels):
        super().__init__()
        self.images, self.labels, self.right = images, labels, []

    def on_epoch_end(self, epoch, logs=None):
        said = self.model.predict(self.images, batch_size=100, verbose=0)
        self.right.append(said.argmax(axis=1) == self.labels)


def sides(seed: int) -> dict:
    """R08f: how many of 300 images change sides from epoch to epoch, and how often that is a setback."""
    _, x, y, x_new, y_new = drawn(seed)
    of = {"all convolutions": Sides(x_new, y_new), "from scratch": Sides(x_new, y_new)}
    tuned(seed, "conv", TUNED, 0.001, callbacks=[of["all convolutions"]])
    set_seed(seed)
    model = transfer.join(transfer.body(pretrained=False), transfer.head(160))
    schedule = keras.optimizers.schedules.CosineDecay(0.003, SCRATCH * -(-len(x) // 32))
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=32, epochs=SCRATCH, verbose=0, callbacks=[of["from scratch"]])
    found = {}
    for case, callback in of.items():
        right = np.array(callback.right)
        changed, curve = np.mean(right[1:] != right[:-1], axis=1), right.mean(axis=1)
        found[case, "images that change sides"] = changed.mean()
        found[case, "images that change sides, second half"] = changed[len(changed) // 2 :].mean()
        found[case, "epochs below the one before"] = np.mean(np.diff(curve) < 0)
        found[case, "largest setback"] = max(0.0, -np.diff(curve).min())
    return found


EXPERIMENTS = {
    **{f"{number} images": lambda seed, number=number: ways(seed, number) for number in (20, 10, 50)},
    "neighbors": neighbors,
    "cuts": cuts,
    "drift": drift,
    "forgetting": forgetting,
    "rules": rules,
    "sides": sides,
}
JUDGED = [
    *(
        (f"{number} images", "accuracy", case, other)
        for number in (10, 20, 50)
        for case, other in (
            ("frozen base", "features once"),
            ("frozen base", "features once, longer"),
            ("top block", "features once"),
            ("top block", "from scratch"),
            ("all convolutions", "top block"),
            ("all convolutions", "from scratch"),
            ("features once", "from scratch"),
        )
    ),
    ("neighbors", "same class", "means", "pixels"),
    ("neighbors", "same class", "maxima", "means"),
    ("neighbors", "same class", "maxima, on gray", "means, on gray"),
    *(("neighbors", "difference of backgrounds", name, "by chance") for name in ("pixels", "means", "maxima")),
    *(("cuts", "accuracy", f"{cut}, max", f"{cut}, mean") for cut in CUTS),
    ("cuts", "accuracy", "conv4_relu, max", "add4, max"),
    ("cuts", "accuracy", "add3, max", "conv4_relu, max"),
    *(("drift", "same word", case, "none") for case in ("both", "scale and offset only", "statistics only")),
    ("drift", "same word", "statistics only", "scale and offset only"),
    ("forgetting", "accuracy", "all, two epochs", "head only"),
    ("forgetting", "accuracy", "all, two epochs, rate 0.01", "all, two epochs"),
    ("forgetting", "same word", "all, two epochs", "top block, two epochs"),
    ("forgetting", "same word", "all, two epochs, rate 0.01", "the commonest old word"),
    ("forgetting", "same word", "top block, eight epochs", "top block, two epochs"),
    *(("rules", "accuracy", case, "trained head") for case in ("new head", "new head, as many epochs in all")),
    ("rules", "accuracy", "batch normalization thawed", "trained head"),
    ("sides", "images that change sides", "from scratch", "all convolutions"),
]

if __name__ == "__main__":
    make("tuning_runs", EXPERIMENTS, JUDGED, arguments=sys.argv[1:])

"""Train the networks of lesson 05 with and without augmentation, five times each: data/augmentation_runs.csv.

Run `.venv/bin/python scripts/make_augmentation_runs.py`. Networks, changes and training are those of the lesson's
cells; accuracies are measured after an epoch, with augmentation off, of training images too. Critters are the files of
the lesson, digits 300 that the seed draws.
"""

import sys
from time import perf_counter, sleep

from helpers.datasets import image_folder, load_dataset
from helpers.datasets.measured import make
from helpers.engine import keras, tf
from helpers.training import set_seed

import numpy as np
from keras import layers

LOOKS, RATE = (8, 16, 48), 0.002
DIGITS, DIGIT_LOOKS, DIGIT_RATE, FILES = 300, (10, 60), 0.003, 1000
STRONG = {
    "none": lambda: [],
    "light": lambda: [layers.RandomFlip("horizontal"), layers.RandomTranslation(0.1, 0.1)],
    "strong": lambda: [  # the settings of the tutorials
        layers.RandomRotation(40 / 360, fill_mode="nearest"),
        layers.RandomTranslation(0.2, 0.2, fill_mode="nearest"),
        layers.RandomShear(np.sin(np.radians(0.2)), fill_mode="nearest"),
        layers.RandomZoom(0.2, 0.2, fill_mode="nearest"),
        layers.RandomFlip("horizontal"),
    ],
}
ON_DIGITS = {
    "none": lambda: [],
    "shifts": lambda: [layers.RandomTranslation(0.1, 0.1)],
    "flips": lambda: [layers.RandomFlip("horizontal"), layers.RandomFlip("vertical")],
}


def network(augmentation) -> keras.Sequential:
    """Return the plain network of lessons 04 and 05 behind an augmentation, for critters of 32 × 32 pixels."""
    stack = [keras.Input((32, 32, 3)), *augmentation, layers.Rescaling(1 / 127.5, offset=-1)]
    for filters in (16, 32, 64):
        stack += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D()]
    head = [layers.Flatten(), layers.Dense(256, activation="relu")]
    return keras.Sequential([*stack, *head, layers.Dense(10, activation="softmax")])


def reader(augmentation) -> keras.Sequential:
    """Return the small network that reads digits in lesson 05."""
    stack = [keras.Input((28, 28, 1)), *augmentation, layers.Rescaling(1 / 255)]
    for filters in (16, 32):
        stack += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D()]
    return keras.Sequential([*stack, layers.Flatten(), layers.Dense(10, activation="softmax")])


def files(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the critters of lesson 05, (N, 32, 32, 3), read from files as there, and their labels."""
    options = {"image_size": (32, 32), "interpolation": "area", "crop_to_aspect_ratio": True, "shuffle": False}
    batches = keras.utils.image_dataset_from_directory(
        image_folder("critters") / part, batch_size=100, verbose=False, **options
    )
    return tuple(np.concatenate(arrays)[:FILES] for arrays in zip(*batches.as_numpy_iterator(), strict=True))


def probabilities(model, images) -> np.ndarray:
    """Return what a model says, augmentation off, (N, 10)."""
    return model.predict(images, batch_size=500, verbose=0)


def right(model, images, labels) -> float:
    """Return the share of right answers."""
    return float(np.mean(probabilities(model, images).argmax(axis=1) == labels))


def trained(model, x, y, looks, rate, see) -> None:
    """Train at a constant rate, and call ``see(epoch)`` after the epochs in ``looks``."""
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    for before, epoch in zip((0, *looks), looks, strict=False):
        reported = model.fit(x, y, batch_size=32, epochs=epoch, initial_epoch=before, verbose=0).history["accuracy"]
        see(epoch, reported[-1])


def critters(seed: int) -> dict:
    """R05a, R05c: three augmentations, looked at after 8, 16, 48 epochs; test-time augmentation after 16."""
    (x, y), new, test = map(files, ("train", "validation", "test"))
    found = {}
    for case, make_layers in STRONG.items():
        set_seed(seed)
        model = network(make_layers())

        def see(epoch, reported, case=case, model=model):
            clean, validation = right(model, x, y), right(model, *new)
            found[case, "training accuracy", epoch], found[case, "accuracy", epoch] = clean, validation
            found[case, "gap", epoch] = clean - validation
            found[case, "gap as Keras reports it", epoch] = reported - validation
            if (case, epoch) == ("light", LOOKS[1]):
                found.update(at_test_time(model, *test))

        trained(model, x, y, LOOKS, RATE, see)
    return found


def at_test_time(model, images, labels) -> dict:
    """R05c: right answers of 1, 2, 10 versions, and how often single versions disagree with the first."""
    versions = [np.roll(images, shift, axis=(1, 2)) for shift in ((0, 0), (2, 0), (-2, 0), (0, 2), (0, -2))]
    said = np.stack([probabilities(model, version) for version in [*versions, *(v[:, :, ::-1] for v in versions)]])
    sets = {"one prediction": [0], "with mirror image": [0, 5], "ten versions": [*range(10)]}
    found = {
        (name, "test accuracy"): np.mean(said[of].mean(axis=0).argmax(axis=1) == labels) for name, of in sets.items()
    }
    single = said.argmax(axis=2)
    found["mirror image", "disagrees with the image"] = np.mean(single[5] != single[0])
    found["shifts", "disagrees with the image"] = np.mean(single[1:5] != single[0])
    return found


def digits(seed: int) -> dict:
    """R05b: 300 digits with shifts or flips, after 10 and 60 epochs; validation digits as they are, and shifted."""
    dataset, found = load_dataset("digits"), {}
    chosen = np.random.default_rng(seed).permutation(len(dataset.train.labels))[:DIGITS]
    x, y = dataset.train.images[chosen].astype("float32"), dataset.train.labels[chosen]
    new, labels = dataset.validation.images.astype("float32"), dataset.validation.labels
    moved = [np.roll(new, shift, axis=(1, 2)) for shift in ((2, 0), (-2, 0), (0, 2), (0, -2))]
    for case, make_layers in ON_DIGITS.items():
        set_seed(seed)
        model = reader(make_layers())

        def see(epoch, _, case=case, model=model):
            found[case, "training accuracy", epoch] = right(model, x, y)
            found[case, "accuracy", epoch] = right(model, new, labels)
            found[case, "accuracy, shifted by 2 pixels", epoch] = np.mean([right(model, m, labels) for m in moved])

        trained(model, x, y, DIGIT_LOOKS, DIGIT_RATE, see)
    return found


def pipeline(seed: int) -> dict:
    """R05d: milliseconds of an epoch of 1,000 files, five ways in an order drawn by the seed, and of the pauses alone.

    All rows squeeze the files alike, and none shuffles. Times are for comparison within one seed only.
    """
    paths = [str(path) for path in sorted((image_folder("critters") / "train").glob("*/*"))][:FILES]
    still, found = tf.data.Options(), {}
    still.autotune.enabled = False
    still.experimental_optimization.apply_default_optimizations = False
    still.experimental_optimization.inject_prefetch = False

    def by_hand(size, parallel=None):
        def decode(path):
            return tf.image.resize(tf.io.decode_jpeg(tf.io.read_file(path), channels=3), (size, size))

        return tf.data.Dataset.from_tensor_slices(paths).map(decode, num_parallel_calls=parallel).batch(32)

    rows = {
        f"{name}, {size} pixels": (build, size)
        for size in (64, 256)
        for name, build in {
            "one after the other": lambda size: by_hand(size).with_options(still),
            "with prefetch": lambda size: by_hand(size).prefetch(2).with_options(still),
            "with cache": lambda size: by_hand(size).cache().with_options(still),
            "several at once": lambda size: by_hand(size, 2).with_options(still),
        }.items()
    }
    rows["the pauses alone"] = (lambda size: range(-(-len(paths) // 32)), 0)
    names = [*rows]
    for number in np.random.default_rng(seed).permutation(len(names)):
        build, size = rows[names[number]]
        batches, times = build(size), []
        for _ in range(3):
            start = perf_counter()
            for _ in batches:
                sleep(0.005)
            times.append(perf_counter() - start)
        found[names[number], "milliseconds"] = round(1000 * min(times[1:]), 1)
    return found


EXPERIMENTS = {"critters": critters, "digits": digits, "pipeline": pipeline}
JUDGED = [
    *(("critters", "accuracy", case, "none", at) for case in ("light", "strong") for at in LOOKS),
    *(("critters", "accuracy", "strong", "light", at) for at in LOOKS),
    *(("critters", "gap", case, "none", LOOKS[1]) for case in ("light", "strong")),
    ("critters", "test accuracy", "with mirror image", "one prediction"),
    ("critters", "test accuracy", "ten versions", "one prediction"),
    *(
        ("digits", measure, case, "none", at)
        for measure in ("accuracy", "accuracy, shifted by 2 pixels")
        for case in ("shifts", "flips")
        for at in DIGIT_LOOKS
    ),
    *(
        ("pipeline", "milliseconds", f"{way}, {size} pixels", f"one after the other, {size} pixels")
        for size in (64, 256)
        for way in ("with prefetch", "with cache", "several at once")
    ),
]

if __name__ == "__main__":
    make("augmentation_runs", EXPERIMENTS, JUDGED, arguments=sys.argv[1:])

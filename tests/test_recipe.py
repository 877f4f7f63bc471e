"""helpers.recipe against NumPy, counts by hand, and what each setting says that it does."""

import json
import math
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

from helpers.datasets.base import Dataset, Split
from helpers.engine import keras
from helpers.recipe import (
    PIECES,
    STANDARD,
    Muon,
    Recipe,
    Views,
    build_network,
    make_optimizer,
    model_of_2017,
    orthogonal,
    scores,
    shrink,
    statistics,
    train,
    train_2017,
    whitening_kernels,
)

import numpy as np
import pytest
from keras import layers
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage, signal

TINY = Recipe(widths=(4, 6), epochs=2, batch=8)


def smooth_images(count=60, side=16, channels=3, seed=0):
    """Images whose neighbors are alike, as those of photographs are."""
    noise = np.random.default_rng(seed).normal(size=(count, side, side, channels))
    noise = ndimage.gaussian_filter(noise, (0, 1, 1, 0.4))
    return np.clip(128 + 60 * noise / noise.std(), 0, 255).astype(np.uint8)


def numbered(count, side=6):
    """Images that are told apart by their rows, and from their mirror images by their columns."""
    rows, columns = np.indices((side, side))
    images = (np.arange(count)[:, None, None] * 7 + 2 * rows + 3 * columns) % 256
    return np.repeat(images[..., None], 3, axis=3).astype(np.uint8)


def labels_of(images, classes=3):
    return np.arange(len(images)) % classes


# --- the input ---


def dataset(images):
    part = Split(images, labels_of(images))
    return Dataset(
        "some", part, Split(images[:4], part.labels[:4]), Split(images[4:6], part.labels[4:6]), ("a",), "", ""
    )


@pytest.mark.parametrize(
    ("shape", "size", "small"),
    [
        ((64, 64), 32, (32, 32)),
        ((64, 96), 32, (32, 48)),
        ((65, 99), 32, (32, 49)),
        ((100, 100), 32, (33, 33)),
        ((63, 63), 32, (63, 63)),
        ((5, 7), 2, (2, 3)),
    ],
)
def test_shrink_takes_means_of_whole_blocks(shape, size, small):
    images = np.random.default_rng(0).integers(0, 256, (6, *shape, 3), np.uint8)
    result = shrink(dataset(images), size)
    assert result.image_shape == (*small, 3)
    assert result.train.images.dtype == np.uint8
    block = min(shape) // size or 1
    for image, row, column in ((0, 0, 0), (5, small[0] - 1, small[1] - 1), (2, 1, 0)):
        part = images[image, row * block : (row + 1) * block, column * block : (column + 1) * block]
        np.testing.assert_allclose(result.train.images[image, row, column], part.mean((0, 1)), atol=0.5)


def test_shrink_does_all_parts_and_keeps_labels():
    given = dataset(np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), np.uint8))
    result = shrink(given, 4)
    assert [len(part) for part in result.splits().values()] == [6, 4, 2]
    assert {part.images.shape[1:] for part in result.splits().values()} == {(4, 4, 1)}
    for name, part in result.splits().items():
        np.testing.assert_array_equal(part.labels, given.splits()[name].labels)
    np.testing.assert_array_equal(result.test.images, result.train.images[4:6])


def test_small_images_stay_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (6, 20, 31, 3), np.uint8)
    np.testing.assert_array_equal(shrink(dataset(images)).train.images, images)


def test_statistics_are_those_of_all_numbers():
    images = smooth_images()
    assert statistics(images) == pytest.approx((images.mean(), images.std()))
    assert statistics(np.concatenate([np.full((5000, 1, 1, 1), 7), np.full((9, 1, 1, 1), 200)])) == (7, 0)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_whitened_is_uncorrelated_and_of_deviation_1(channels):
    images, count = smooth_images(200, channels=channels), 4 * channels
    mean, deviation = statistics(images)
    kernels = whitening_kernels(images)
    assert kernels.shape == (2, 2, channels, 2 * count)
    assert kernels.dtype == np.float32
    np.testing.assert_array_equal(kernels[..., count:], -kernels[..., :count])
    scaled = (images - mean) / deviation
    responses = np.stack(
        [
            sum(
                signal.convolve(scaled[..., c], kernels[None, ::-1, ::-1, c, place], "valid", "direct")
                for c in range(channels)
            )
            for place in range(count)
        ],
        axis=-1,
    )
    covariance = np.cov(responses.reshape(-1, count).T)
    plain = np.cov(sliding_window_view(scaled, (2, 2), (1, 2)).swapaxes(3, 5).reshape(-1, count).T)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-3)
    variances = np.linalg.eigvalsh(plain)
    np.testing.assert_allclose(np.diag(covariance), variances / (variances + 0.01), rtol=1e-3)
    assert np.ptp(variances) > 1  # so there was something to do


# --- views ---


def whole_epoch(views):
    batches = [views[step] for step in range(len(views))]
    return np.concatenate([images for images, _ in batches]), np.concatenate([targets for _, targets in batches])


def test_views_are_no_copies():
    views = Views(numbered(10), np.eye(10), 5, shift=4)
    assert views.windows.shape == (2, 10, 9, 9, 3, 6, 6)
    assert not views.windows.flags.owndata
    ends = np.lib.array_utils.byte_bounds(views.windows)
    assert ends[1] - ends[0] == 2 * 10 * 14 * 14 * 3  # all that is kept: padded images, and mirrored


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_each_view_is_a_window_of_the_padded_image(shift):
    images = numbered(12)
    padded = np.pad(images, ((0, 0), (shift, shift), (shift, shift), (0, 0)), "reflect")
    shown, targets = whole_epoch(Views(images, np.eye(12), 4, shift=shift))
    assert shown.shape == images.shape
    assert shown.dtype == np.uint8
    seen = set()
    for view, target in zip(shown, targets, strict=True):
        image = padded[target.argmax()]
        found = [
            (mirrored, down, right)
            for mirrored, side in enumerate((image, image[:, ::-1]))
            for down in range(2 * shift + 1)
            for right in range(2 * shift + 1)
            if np.array_equal(side[down:, right:][:6, :6], view)
        ]
        assert found
        seen.update(found)
    assert {mirrored for mirrored, _, _ in seen} == {0, 1}
    if shift:
        assert len(seen) > 4


def test_all_shifts_come():
    """One white pixel in the middle: where it is says how far the image was shifted."""
    images = np.zeros((400, 7, 7, 1), np.uint8)
    images[:, 3, 3] = 255
    shown, _ = whole_epoch(Views(images, np.zeros((400, 2)), 400, shift=2, mirror="never"))
    places = {tuple(place[:2] - 3) for place in map(np.argwhere, shown) for place in place}
    assert places == {(row, column) for row in range(-2, 3) for column in range(-2, 3)}


def test_without_shift_and_mirror_the_images_come_as_they_are():
    images = numbered(9)
    shown, targets = whole_epoch(Views(images, np.eye(9), 3, shift=0, mirror="never"))
    np.testing.assert_array_equal(shown, images[targets.argmax(1)])
    assert targets.argmax(1).tolist() != list(range(9))  # in random order


@pytest.mark.parametrize("mirror", ["in turns", "at random", "never"])
def test_every_image_comes_once_an_epoch_and_is_mirrored_as_said(mirror):
    images = numbered(40)
    views, sides, orders = Views(images, np.eye(40), 8, shift=0, mirror=mirror), [], []
    for _ in range(4):
        shown, targets = whole_epoch(views)
        order = targets.argmax(1)
        assert sorted(order) == list(range(40))
        side = np.empty(40, int)
        side[order] = [not np.array_equal(view, images[place]) for view, place in zip(shown, order, strict=True)]
        sides.append(side)
        orders.append(order.tolist())
        views.on_epoch_end()
    assert len(set(map(tuple, orders))) == 4
    again = [np.array_equal(side, before) for before, side in pairwise(sides)]
    if mirror == "never":
        assert not np.any(sides)
    elif mirror == "in turns":
        assert all(np.array_equal(side, 1 - before) for before, side in pairwise(sides))
        assert 0 < sides[0].sum() < 40
    else:
        assert not any(again)
        assert not all(np.array_equal(side, 1 - before) for before, side in pairwise(sides))


def test_what_fills_no_batch_is_left_out_until_the_next_epoch():
    views = Views(numbered(10), np.eye(10), 4)
    assert len(views) == 2
    seen = set()
    for _ in range(8):
        _, targets = whole_epoch(views)
        assert len(targets) == len({*targets.argmax(1)}) == 8
        seen |= {*targets.argmax(1)}
        views.on_epoch_end()
    assert seen == {*range(10)}


def test_a_batch_may_be_larger_than_all_images():
    views = Views(numbered(5), np.eye(5), 256)
    assert len(views) == 1
    shown, targets = views[0]
    assert shown.shape == (5, 6, 6, 3)
    assert sorted(targets.argmax(1)) == [0, 1, 2, 3, 4]


def test_the_same_seed_gives_the_same_batches():
    def batches(seed):
        views, found = Views(numbered(12), np.eye(12), 4, seed=seed), []
        for _ in range(2):
            found.append(whole_epoch(views)[0])
            views.on_epoch_end()
        return np.stack(found)

    np.testing.assert_array_equal(batches(3), batches(3))
    assert not np.array_equal(batches(3), batches(4))


# --- the step ---


@pytest.mark.parametrize("shape", [(27, 8), (8, 27), (20, 20), (5, 1)])
def test_orthogonal_keeps_directions_and_pulls_singular_values_to_1(shape):
    matrix = np.random.default_rng(0).normal(size=shape).astype("float32")
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values = values / np.linalg.norm(matrix)
    for _ in range(3):
        values = 3.4445 * values - 4.775 * values**3 + 2.0315 * values**5  # each for itself
    result = np.asarray(orthogonal(matrix))
    np.testing.assert_allclose(result, left * values @ right, atol=2e-4)
    wide = np.linalg.svd(np.asarray(orthogonal(matrix, 6)))[1]
    assert (wide.min() > 0.6 and wide.max() < 1.3) or shape == (20, 20)  # a square has values near 0
    np.testing.assert_allclose(orthogonal(1000 * matrix), result, atol=1e-3)  # of any length


def test_orthogonal_of_zeros_is_zeros():
    np.testing.assert_array_equal(orthogonal(np.zeros((4, 3), "float32")), 0)


def muon_by_hand(weights, gradients, rate, momentum, factors):
    """The steps of Muon with Nesterov's momentum, in NumPy."""
    velocity = np.zeros_like(weights)
    for gradient in gradients:
        change, size = gradient, rate
        if weights.ndim == 4:
            matrix = gradient.reshape(-1, gradient.shape[-1])
            left, values, right = np.linalg.svd(matrix, full_matrices=False)
            values = values / np.linalg.norm(matrix)
            for _ in range(3):
                values = 3.4445 * values - 4.775 * values**3 + 2.0315 * values**5
            change = (left * values @ right).reshape(gradient.shape)
        else:
            size = rate * ({1: 2, 2: 0.1}[weights.ndim] if factors else 1)
        velocity = momentum * velocity - size * change
        weights = weights + momentum * velocity - size * change
    return weights


@pytest.mark.parametrize("factors", [True, False])
@pytest.mark.parametrize("shape", [(3, 3, 4, 6), (6,), (5, 4)])
def test_muon_steps_as_by_hand(shape, factors):
    random = np.random.default_rng(0)
    weights = random.normal(size=shape).astype("float32")
    gradients = random.normal(size=(3, *shape)).astype("float32")
    variable = keras.Variable(weights)
    optimizer = make_optimizer(replace(TINY, rate=0.1, schedule="constant", factors=factors), 3)
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    np.testing.assert_allclose(
        variable.numpy(), muon_by_hand(weights, gradients, 0.1, 0.6, factors), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize(
    ("changes", "kind", "momentum"),
    [
        ({}, Muon, 0.6),
        ({"optimizer": "SGD"}, keras.optimizers.SGD, 0.9),
        ({"optimizer": "AdamW"}, keras.optimizers.AdamW, None),
    ],
)
def test_optimizers_of_a_recipe(changes, kind, momentum):
    optimizer = make_optimizer(replace(TINY, **changes), 100)
    assert type(optimizer) is kind
    assert momentum is None or (optimizer.momentum, optimizer.nesterov) == (momentum, True)


@pytest.mark.parametrize("optimizer", ["Muon", "AdamW"])
def test_the_rate_falls_on_a_line_to_0_or_stays(optimizer):
    recipe = replace(TINY, rate=0.12, optimizer=optimizer)
    falling = make_optimizer(recipe, 100)._learning_rate
    assert [float(falling(step)) for step in (0, 25, 50, 100)] == pytest.approx([0.12, 0.09, 0.06, 0])
    steady = make_optimizer(replace(recipe, schedule="constant"), 100)
    assert float(steady.learning_rate) == pytest.approx(0.12)


# --- the network ---


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_the_recipe_is_built_as_it_says():
    images = smooth_images(side=32)
    model = build_network(images, 10)
    assert model.input_shape == (None, 32, 32, 3)
    assert model.output_shape == (None, 10)
    first, second = ["Conv2D", "MaxPooling2D", "BatchNormalization"], ["Conv2D", "BatchNormalization"]
    stage = [*first, "Activation", *second, "Activation"]
    assert kinds(model) == [
        *["InputLayer", "Rescaling", "Conv2D", "Activation"],
        *(stage * 3),
        *["GlobalMaxPooling2D", "Dense"],
    ]
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [24, 32, 32, 64, 64, 128, 128]
    assert [layer.output.shape[1] for layer in convolutions] == [31, 31, 15, 15, 7, 7, 3]
    pairs = [(24, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]
    by_hand = 2 * 2 * 3 * 24 + sum(9 * before * after + 3 * after for before, after in pairs) + 129 * 10
    assert model.count_params() == by_hand
    assert [layer.use_bias for layer in convolutions] == [False] * 7


@pytest.mark.parametrize("channels", [1, 3])
def test_the_first_layer_has_statistics_and_kernels_of_the_images_and_is_frozen(channels):
    images = smooth_images(channels=channels)
    model = build_network(images, 3, TINY)
    first = model.get_layer("whitening")
    assert not first.trainable_weights
    np.testing.assert_array_equal(first.get_weights()[0], whitening_kernels(images))
    scaled = np.asarray(model.layers[1](images.astype("float32")))
    assert abs(scaled.mean()) < 1e-4
    assert scaled.std() == pytest.approx(1, abs=1e-4)
    assert "whitening" not in "".join(variable.path for variable in model.trainable_variables)


@pytest.mark.parametrize("classes", [2, 10])
def test_the_first_loss_is_that_of_guessing(classes):
    images = smooth_images()
    logits = np.asarray(build_network(images, classes, TINY)(images))
    powers = np.exp(logits - logits.max(1, keepdims=True))
    chances = powers / powers.sum(1, keepdims=True)
    loss = -np.log(chances[np.arange(60), labels_of(images, classes)]).mean()
    assert loss == pytest.approx(math.log(classes), abs=0.1)


def layer_kinds(**changes):
    return kinds(build_network(smooth_images(), 3, replace(TINY, **changes)))


def test_each_setting_of_the_network_does_what_it_says():
    images, usual = smooth_images(), layer_kinds()

    def of_kind(kind, **changes):
        return [layer for layer in build_network(images, 3, replace(TINY, **changes)).layers if isinstance(layer, kind)]

    learned = of_kind(layers.Conv2D, whitening=False)[0]
    assert learned.trainable_weights
    assert not np.allclose(learned.get_weights()[0], whitening_kernels(images))
    place = usual.index("MaxPooling2D")
    assert usual[place : place + 2] == ["MaxPooling2D", "BatchNormalization"]
    before = layer_kinds(normalization="before pooling")
    assert before[place : place + 2] == ["BatchNormalization", "MaxPooling2D"]
    assert sorted(before) == sorted(usual)
    assert layer_kinds(normalization="none") == [kind for kind in usual if kind != "BatchNormalization"]
    assert [layer.use_bias for layer in of_kind(layers.Conv2D, normalization="none")] == [False] + [True] * 4
    assert all(layer.kernel_constraint is None for layer in of_kind(layers.Conv2D, unit_length=False))
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 6)).astype("float32")
    unit = np.asarray(of_kind(layers.Conv2D, unit_length=True)[1].kernel_constraint(kernel))
    np.testing.assert_allclose(np.linalg.norm(unit.reshape(36, 6), axis=0), 1, rtol=1e-5)
    assert {layer.activation.__name__ for layer in of_kind(layers.Activation)} == {"relu"}
    assert {layer.activation.__name__ for layer in of_kind(layers.Activation, activation="gelu")} == {"gelu"}
    assert usual[-2] == "GlobalMaxPooling2D"
    assert layer_kinds(last_pooling="average") == [*usual[:-2], "GlobalAveragePooling2D", "Dense"]
    assert [layer.filters for layer in of_kind(layers.Conv2D, widths=(2, 3))] == [24, 2, 2, 3, 3]


def test_pieces_and_standard_recipes_are_recipes():
    names = {field.name for field in fields(Recipe)}
    for changes in PIECES.values():
        assert {*changes} <= names
        assert replace(Recipe(), **changes) != Recipe() or not changes
    assert PIECES["whole recipe"] == {}
    assert [*STANDARD] == ["80%", "85%", "90%"]
    assert STANDARD["80%"] == Recipe()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": "cosine"}, 'schedule must be one of line, constant, but it is "cosine"'),
        ({"optimizer": "Adam"}, "optimizer must be one of Muon, SGD, AdamW"),
        ({"mirror": True}, "mirror must be one of in turns, at random, never"),
        ({"normalization": "after"}, "normalization must be one of after pooling, before pooling, none"),
        ({"last_pooling": "mean"}, "last_pooling must be one of max, average"),
    ],
)
def test_a_recipe_refuses_what_it_does_not_know(changes, message):
    with pytest.raises(ValueError, match=message.replace('"', ".")):
        Recipe(**changes)


# --- training ---


def bright_and_dark(count=48, side=12):
    """Images of three classes that are told apart by their brightness."""
    labels = np.arange(count) % 3
    noise = np.random.default_rng(0).normal(0, 12, (count, side, side, 3))
    return (noise + 50 + 70 * labels[:, None, None, None]).clip(0, 255).astype(np.uint8), labels


def test_training_is_reproducible_by_its_seed_and_learns():
    images, labels = bright_and_dark()
    recipe = replace(TINY, epochs=3, rate=0.05, unit_length=True)
    model = train(images, labels, 3, recipe, seed=1)
    again, other = train(images, labels, 3, recipe, seed=1), train(images, labels, 3, recipe, seed=2)
    np.testing.assert_array_equal(scores(model, images), scores(again, images))
    assert not np.allclose(scores(model, images), scores(other, images), atol=1e-3)
    assert np.mean(scores(model, images).argmax(1) == labels) > 0.6
    np.testing.assert_array_equal(model.get_layer("whitening").get_weights()[0], whitening_kernels(images))
    kernel = next(layer for layer in model.layers if isinstance(layer, layers.Conv2D) and layer.trainable).kernel
    np.testing.assert_allclose(np.linalg.norm(np.asarray(kernel).reshape(-1, 4), axis=0), 1, rtol=1e-4)


class Seen(keras.callbacks.Callback):
    """Keeps what a training was given."""

    def __init__(self):
        super().__init__()
        self.epochs = self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


def test_training_does_all_epochs_and_uses_the_loss_of_the_recipe():
    images, labels = bright_and_dark(20)
    seen = Seen()
    model = train(images, labels, 3, replace(TINY, smoothing=0.3), callbacks=[seen])
    assert (seen.epochs, seen.batches) == (2, 2 * 2)  # 20 images in batches of 8
    assert model.loss.from_logits
    assert model.loss.label_smoothing == 0.3
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-6)  # it fell to 0 just now


class Brightness:
    """Predicts the mean of the left half of an image."""

    def predict(self, images, batch_size, verbose):
        return images[:, :, : images.shape[2] // 2].mean((1, 2))


def test_scores_are_means_of_both_sides():
    images = np.random.default_rng(0).integers(0, 256, (7, 4, 6, 3), np.uint8)
    left, right = images[:, :, :3].mean((1, 2)), images[:, :, 3:].mean((1, 2))
    np.testing.assert_allclose(scores(Brightness(), images), (left + right) / 2)
    np.testing.assert_allclose(scores(Brightness(), images, mirror=False), left)


# --- the model of 2017 ---


def test_the_model_of_2017_has_the_parameters_of_its_tutorial():
    model = model_of_2017((32, 32, 3), 10)
    convolutions = (27 * 32 + 32) + (9 * 32 * 32 + 32) + (9 * 32 * 64 + 64) + (9 * 64 * 64 + 64)
    assert model.get_layer(index=-3).kernel.shape == (1600, 256)  # 32, 30, 28, 14, 12, 10, 5: 5 × 5 × 64
    assert model.count_params() == convolutions + 1601 * 256 + 257 * 10
    assert [layer.rate for layer in model.layers if isinstance(layer, layers.Dropout)] == [0.25, 0.25, 0.5]


def test_the_improved_one_has_two_convolutions_more():
    model = model_of_2017((32, 32, 3), 10, improved=True)
    pairs = [(3, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]
    convolutions = sum((9 * before + 1) * after for before, after in pairs)
    assert model.count_params() == convolutions + (4 * 4 * 128 + 1) * 256 + 257 * 10


@pytest.mark.parametrize("improved", [False, True])
def test_training_of_2017(improved, monkeypatch):
    used, init = [], Views.__init__
    monkeypatch.setattr(Views, "__init__", lambda self, *given: used.append(given[2:]) or init(self, *given))
    images, labels = bright_and_dark(12, side=16)
    model = train_2017(images, labels, 3, improved, epochs=1, seed=5)
    assert used == [(128, 3, "at random", 5) if improved else (128, 0, "never", 5)]
    assert model.output_shape == (None, 3)
    assert model.optimizer.iterations == 1


@pytest.mark.parametrize("old", [False, True])
def test_the_images_of_a_training_do_not_stay_in_memory(old, monkeypatch):
    """Keras keeps the views of each training; with CIFAR-10 that would be 300 MB for each trial."""
    made = []
    monkeypatch.setattr("helpers.recipe.Views", lambda *given: made.append(Views(*given)) or made[-1])
    images, labels = numbered(8, side=32), np.arange(8) % 2
    if old:
        train_2017(images, labels, 2, epochs=1)
    else:
        train(images, labels, 2, Recipe(epochs=1, batch=4, widths=(4, 4, 4)))
    assert [each.windows for each in made] == [None]


def test_the_recipe_of_the_lesson_is_as_short_as_it_says():
    [path] = Path(__file__).resolve().parent.parent.glob("notebooks/11_*.ipynb")
    cells = {cell["id"]: "".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]}
    parts = ("whitening", "views", "orthogonal", "muon", "network", "build", "train")
    lines = [len(cells[part].splitlines()) for part in parts]
    assert max(lines) <= 30 and sum(lines) == 70 and "all, 70 lines" in cells["twin-text"]

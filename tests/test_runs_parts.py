"""Parts of scripts/make_*_runs.py: what they measure is what they say, on cases whose answer is known."""

import sys

from helpers.datasets import critters
from helpers.engine import keras
from helpers.models import load_model

import numpy as np
import pytest
from script_tools import SCRIPTS, load


@pytest.fixture(autouse=True)
def with_scripts(monkeypatch):
    """Scripts import each other from their own folder."""
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])


class Says:
    """Stands for a network: says these probabilities, whatever it gets, or what a function of the images says."""

    def __init__(self, said):
        self.said = said

    def predict(self, images, **_):
        return self.said(images) if callable(self.said) else self.said


# --- lesson 06 ---


def test_parts_at_peaks():
    channel = load("channel")
    named = np.zeros((2, 4, 4), int)
    named[0, :2, :2] = 1  # fills the first square of the first image
    named[1, 3, 3] = 3  # in the last square of the second one only the pixel in its middle
    maps = np.zeros((2, 2, 2, 2))
    maps[0, 0, 0, 0], maps[1, 1, 1, 0] = 5, 4
    square, pixel = (channel.parts_at_peaks(maps, named, 2, middle=way) for way in (False, True))
    assert square[0].tolist() == [0.5, 0.5, 0, 0, 0, 0] and pixel[0].tolist() == [0, 0.5, 0, 0.5, 0, 0]
    assert np.isnan(square[1]).all()  # a dead channel has no peaks
    assert channel.parts_at_peaks(maps, named, 2, count=1)[0].tolist() == [0, 1, 0, 0, 0, 0]


def test_receptive_fields():
    channel, model = load("channel"), load_model("critters")
    fields = [channel.receptive_field(model, name) for name in channel.LAYERS]
    assert [size for size, *_ in fields] == [5, 10, 20, 40, 56] and [step for _, step, _ in fields] == [1, 2, 4, 8, 8]
    with pytest.raises(ValueError, match="no layer 'conv9'"):
        channel.receptive_field(model, "conv9")


def test_roughness_of_a_chessboard():
    board = 10 * (np.indices((4, 4)).sum(axis=0) % 2)
    assert load("channel").roughness(board[None, :, :, None].astype(np.uint8)) == 10
    assert load("channel").spread([3.0, 1.0, 2.0]) == {"least": 1.0, "median": 2.0, "largest": 3.0}


def test_the_first_critters_are_those_of_the_dataset():
    assert np.array_equal(load("channel").drawn("test", 2, 0)[1].image, critters.critter("test", 1).image)


# --- lesson 07 ---


def test_grades_of_maps_that_are_known():
    heat_script, masks = load("heat"), np.zeros((3, 4, 4), bool)
    masks[:, 1:3, 1:3] = True
    heat = np.zeros((3, 4, 4))
    heat[0, 1, 1], heat[0, 0, 0], heat[0, 3, 3] = 3, 1, -5  # what is negative counts as 0
    heat[1, 0, 0] = 1
    assert heat_script.share_inside(heat, masks).tolist() == [0.75, 0, 0]
    assert heat_script.grades(heat, masks)["maps without a peak"] == 1
    middle = heat_script.middle_of((2, 5, 5))
    assert middle.shape == (2, 5, 5) and middle[1].argmax() == 12 and middle[0, 0, 0] == middle.min()


def test_likeness():
    heat, one = load("heat"), np.arange(16.0).reshape(4, 4)
    same = np.zeros((4, 4))
    assert heat.likeness([one, one], [one**3, -one]) == pytest.approx(0)
    assert heat.likeness([one, same], [one, one]) == pytest.approx(1)  # a map without a peak is left out
    assert heat.likeness([same], [one]) == 0


def test_stamps():
    stamped = load("heat").stamped(np.zeros((2, 64, 64, 3), np.uint8), np.array([0, 1]))
    assert stamped[0, 7, 7].tolist() == [31, 119, 180] and stamped[1, 0, 0].tolist() == [255, 127, 14]
    assert stamped[:, 8:].max() == stamped[:, :, 8:].max() == 0


# --- lesson 03b ---


def test_shuffled_pixels_are_all_there_and_alike_for_all_images():
    cnn, images = load("cnn"), np.arange(2 * 9).reshape(2, 3, 3, 1)
    order = np.random.default_rng(0).permutation(9)
    mixed = cnn.shuffled(images, order)
    assert np.array_equal(mixed[1] - mixed[0], np.full((3, 3, 1), 9)) and sorted(mixed[0].ravel()) == list(range(9))
    assert cnn.shuffled(images, None) is images and not np.array_equal(mixed, images)


def test_shifted_in_four_directions_with_black():
    image = np.zeros((1, 5, 5, 1))
    image[0, 2, 2], image[0, 4, 4] = 1, 2
    shifted = load("cnn").shifted(image, 1)
    places = {tuple(int(k) for k in np.argwhere(moved[0, :, :, 0] == 1)[0]) for moved in shifted}
    assert places == {(1, 2), (3, 2), (2, 1), (2, 3)}
    assert sum(int((moved == 2).sum()) for moved in shifted) == 2  # what leaves does not come back


def test_networks_of_lesson_03b_and_slopes():
    cnn = load("cnn")
    assert [cnn.build(name).count_params() for name in cnn.NETWORKS] == [93_025, 93_322, 56_394]
    model = keras.Sequential([keras.Input((5, 5, 1)), keras.layers.Conv2D(3, 3)])
    y, x = np.mgrid[-1:2, -1:2]
    model.set_weights([np.stack([x, x + 2 * y, np.ones((3, 3))], axis=-1)[:, :, None].astype("float32"), np.zeros(3)])
    assert cnn.slope_share(model) == pytest.approx(2 / 3)


def test_downsampling():
    script = load("downsampling")
    sizes = {way: script.build(way, "Flatten").layers[-3].output.shape[1] for way in script.WAYS}
    assert sizes == {"none": 28, "stride 2": 7, "stride 4": 2, "max 2": 7, "max 3": 4, "max 4": 2, "mean 2": 7}
    model = keras.Sequential([keras.Input((6, 6, 2)), keras.layers.Conv2D(5, 3), keras.layers.GlobalMaxPooling2D()])
    model.add(keras.layers.Dense(7))
    assert script.multiply_adds(model) == 9 * 2 * 5 * 16 + 5 * 7


def test_activations():
    script = load("activation")
    models = {(a, d): script.build(a, d) for a in script.ACTIVATIONS for d in script.DEPTHS}
    counts = {key: sum("Conv2D" in type(layer).__name__ for layer in model.layers) for key, model in models.items()}
    assert all(count == depth for (_, depth), count in counts.items())
    assert all(model.layers[0].activation.__name__ == name for (name, _), model in models.items())


# --- lesson 05 ---


def test_training_goes_on_between_two_looks():
    class Fits:
        def compile(self, *_, **__):
            self.asked = []

        def fit(self, *_, epochs, initial_epoch, **__):
            self.asked.append((initial_epoch, epochs))
            return (
                keras.callbacks.History() if False else type("History", (), {"history": {"accuracy": [epochs / 100]}})
            )

    model, seen = Fits(), []
    load("augmentation").trained(model, None, None, (8, 16, 48), 0.002, lambda *pair: seen.append(pair))
    assert model.asked == [(0, 8), (8, 16), (16, 48)] and seen == [(8, 0.08), (16, 0.16), (48, 0.48)]


def test_versions_at_test_time():
    """A network that looks at the left half only: it is right where the bright pixel is there, 1, else 0."""
    images = np.zeros((2, 8, 8, 3), np.float32)
    images[0, 4, 0], images[1, 4, 7] = 1, 1

    def said(x):
        left = x[:, :, :4].max(axis=(1, 2, 3))
        return np.stack([1 - left, left], axis=1) * [1, 1.5]

    found = load("augmentation").at_test_time(Says(said), images, np.array([1, 1]))
    assert found["one prediction", "test accuracy"] == 0.5 and found["with mirror image", "test accuracy"] == 1
    assert found["mirror image", "disagrees with the image"] == 1
    assert 0 < found["shifts", "disagrees with the image"] < 0.5


# --- lesson 08 ---


def test_nearest_scales_each_number():
    described, asked = np.array([[0.0, 0], [1000, 0], [0, 1]]), np.array([[400.0, 0.9], [900, 0]])
    assert load("tuning").nearest(described, asked).tolist() == [2, 1]


def test_only_what_may_change_changes(monkeypatch):
    tuning = load("tuning")
    monkeypatch.setattr(tuning, "PER_CLASS", 2)
    monkeypatch.setattr(tuning, "pieces", lambda seed: np.zeros((2, 32, 32, 3), np.uint8))
    found = tuning.drift(0)
    changed = {case: (found[case, "statistics changed"], found[case, "scales changed"]) for case, _ in found}
    assert changed == {
        "both": (1, 1),
        "scale and offset only": (0, 1),
        "statistics only": (1, 0),
        "none": (0, 0),
    }
    assert found["none", "same word"] == 1


# --- lesson 09 ---


def test_networks_of_lesson_09():
    depth = load("depth")
    networks = {name: depth.build(*options) for name, options in depth.NAMES.items()}
    assert [model.count_params() for model in networks.values()] == [68_594, 69_426, 167_154, 167_986]
    ends = [layer for layer in networks["plain, 44 layers"].layers if layer.name.startswith("end_")]
    assert len(ends) == 21


def test_races_at_equal_weights(monkeypatch):
    block = load("block")
    monkeypatch.setattr(block, "BUDGET", 12_000)  # a fifth, so that there are fewer networks to build
    made = {race: [block.build(race, kind) for kind in block.KINDS[race]] for race in ("inception", "widths")}
    for models in made.values():
        assert all(abs(block.kernel_weights(model) - block.BUDGET) < 0.15 * block.BUDGET for model in models)
    growing, constant, shrinking = (
        [layer.filters for layer in model.layers if hasattr(layer, "filters")] for model in made["widths"]
    )
    assert growing[0] < growing[2] and constant[0] == constant[2] and shrinking[0] > shrinking[2]
    assert [len(block.build("auxiliary", kind).outputs) for kind in block.KINDS["auxiliary"]] == [1, 2]


# --- lesson 02 ---


def test_random_kernels_are_as_smooth_as_learned_ones():
    kernel = load("kernel")
    kernels = kernel.smoothed(kernel.noise_of(0), kernel.AS_SMOOTH)
    assert kernel.neighbor_correlation(kernels) == pytest.approx(0.7, abs=0.05)
    assert 3 / 81 < kernel.plane_share(kernels) < kernel.plane_share(kernel.banks(0)["random, smooth"])


def test_banks_of_lesson_02():
    kernel = load("kernel")
    banks = kernel.banks(3)
    assert all(np.allclose((bank**2).sum(axis=(0, 1)), 1) and bank.shape == (9, 9, 16) for bank in banks.values())
    assert all(np.allclose(banks[name].sum(axis=(0, 1)), 0) for name in banks if name != "random")
    correlations = {name: kernel.neighbor_correlation(bank) for name, bank in banks.items()}
    assert abs(correlations["random"]) < 0.1 and correlations["random, smooth"] > 0.7
    y, x = np.mgrid[-4:5, -4:5].astype(float)
    assert kernel.plane_share(np.stack([y, 2 * x - y + 3, x * y], axis=-1)) == pytest.approx(2 / 3)


def test_gabor_fits():
    dictionary = load("dictionary")
    y, x = np.mgrid[-4:5, -4:5]
    wave = np.exp(-(x**2 + y**2) / 8) * np.cos(2 * np.pi * 0.2 * x)
    fit, sigma = dictionary.gabor_fit(wave)
    assert fit > 0.98 and 1.7 < sigma < 2.3
    assert dictionary.gabor_fit(np.random.default_rng(0).normal(size=(9, 9)))[0] < 0.6
    patches = np.random.default_rng(0).normal(size=(2000, 3)) @ np.diag([3.0, 2, 1])
    assert np.allclose(np.cov(dictionary.whitened(patches).T), np.eye(3), atol=0.1)


def test_a_bank_has_length_1_and_sum_0(monkeypatch):
    dictionary = load("dictionary")
    monkeypatch.setattr(dictionary, "PATCHES", 300)
    for name in ("principal components", "noise"):
        bank = dictionary.bank_of(name, 0)
        assert np.allclose((bank**2).sum(axis=(1, 2)), 1) and np.allclose(bank.sum(axis=(1, 2)), 0, atol=1e-6)


# --- lesson 04 ---


def test_answers():
    said = np.array([[0.9, 0.1], [0.6, 0.4], [0.45, 0.55], [0.2, 0.8]])
    found = load("remedy").answers(Says(said), None, np.array([0, 1, 1, 0]))
    assert found["accuracy"] == 0.5 and found["wrong answers above 50%"] == 1
    assert found["loss of right answers"] == pytest.approx(-np.log([0.9, 0.55]).mean())
    assert found["loss of wrong answers"] == pytest.approx(-np.log([0.4, 0.2]).mean())


def test_the_best_weights_are_kept():
    best, losses = load("remedy").Best(), (3.0, 1.0, 2.0)
    best.set_model(type("Model", (), {"get_weights": lambda self: self.weights})())
    for epoch, loss in enumerate(losses):
        best.model.weights = epoch
        best.on_epoch_end(epoch, {"val_loss": loss})
    assert (best.epoch, best.weights) == (2, 1)


def test_numbers_removed():
    remedy, inputs = load("remedy"), keras.Input((2,))
    features = keras.layers.Dense(2, kernel_initializer="identity")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="identity")(features))
    images, labels = np.array([[1.0, 0], [0, 1]]), np.array([0, 1])
    assert remedy.right_without(model, images, labels, 0.0, np.random.default_rng(0)) == 1
    assert remedy.right_without(model, images, labels, 0.9, np.random.default_rng(0)) < 1


def test_the_same_animals_on_other_backgrounds(monkeypatch):
    remedy = load("remedy")
    monkeypatch.setattr(remedy, "ANIMALS", 20)
    grounds = remedy.backgrounds(0)
    images = [images for images, _ in grounds.values()]
    assert [*grounds] == ["train", "validation", "test"] and len({len(some) for some in images}) == 1
    assert len(images[0]) >= 15 and not np.allclose(images[0], images[1])


# --- lesson 11 ---


def test_networks_of_the_workshop():
    script = load("workshop")
    networks = {name: script.network((32, 32, 3), 10, **options) for name, options in script.NETWORKS.items()}
    assert [f"{model.count_params():,} weights" for model in networks.values()] == [
        name.removesuffix(", dropout") for name in networks
    ]
    dropped = {
        name: [layer.rate for layer in model.layers if hasattr(layer, "rate")] for name, model in networks.items()
    }
    assert dropped == {name: [0.2] * name.endswith("dropout") for name in networks}

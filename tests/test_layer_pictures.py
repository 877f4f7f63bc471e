"""scripts/make_layer_pictures.py: class maps are what a network computes before its softmax; pictures are written."""

import importlib.util
from pathlib import Path

from helpers.engine import keras
from helpers.training import set_seed

import numpy as np
import pytest
from keras import layers
from PIL import Image

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "make_layer_pictures.py"
spec = importlib.util.spec_from_file_location("make_layer_pictures", SCRIPT)
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)


def small(ending: str):
    """Return a network that ends as MobileNetV2 or VGG16 do, for images of 16 × 16, with ten classes."""
    set_seed(0)
    stack = [keras.Input((16, 16, 3)), layers.Conv2D(6, 3, strides=4, padding="same", activation="relu", name="maps")]
    if ending == "VGG16":
        stack += [layers.Flatten(), layers.Dense(12, activation="relu"), layers.Dense(12, activation="relu")]
    else:
        stack += [layers.GlobalAveragePooling2D()]
    return keras.Sequential([*stack, layers.Dense(10, activation="softmax", bias_initializer="normal")])


@pytest.mark.parametrize("ending", ["MobileNetV2", "VGG16"])
def test_the_mean_of_the_class_maps_is_the_score(ending):
    network = small(ending)
    inner = keras.Model(network.inputs, network.outputs)
    images = np.random.default_rng(0).uniform(0, 255, (3, 16, 16, 3)).astype("float32")
    maps = script.with_class_maps(ending, inner)(images).numpy()
    prepare = getattr(keras.applications, script.IMAGENET[ending]).preprocess_input
    said = inner(prepare(images.copy())).numpy()
    scores = maps.mean(axis=(1, 2))
    softmax = np.exp(scores - scores.max(axis=1, keepdims=True))
    assert maps.shape[1:] == ((1, 1, 10) if ending == "VGG16" else (4, 4, 10))
    assert np.allclose(softmax / softmax.sum(axis=1, keepdims=True), said, atol=1e-4)


def test_a_sheet_has_a_palette_and_room_for_all():
    images = np.random.default_rng(0).integers(0, 256, (5, 20, 20, 3), dtype=np.uint8)
    made = script.sheet(images, 2, size=10)
    assert made.mode == "P" and made.size == (24, 36)
    assert np.asarray(made.convert("RGB"))[-5, -5].tolist() == [255, 255, 255]  # the sixth place is empty


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.matrix) for name in script.BLOCKS])
def test_large_networks_with_random_weights(name, tmp_path):
    set_seed(0)
    found = script.network(name, trained=False)
    paths = script.make(name, *found, tmp_path, channels=1, steps=1)
    assert [path.name for path in paths] == [f"{name.lower()}_{what}.png" for what in ("blocks", "classes", "gradcam")]
    assert all(Image.open(path).mode == "P" for path in paths)

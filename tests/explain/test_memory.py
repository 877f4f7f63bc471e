"""Many large images go through a network in batches whose maps fit into the memory."""

import json
import subprocess
import sys

from helpers.explain import running
from helpers.explain.networks import open_model
from helpers.explain.running import batch_size

import keras
import pytest
from keras import layers


def network(size, filters=4, extra=()):
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            layers.Conv2D(filters, 3, padding="same"),
            layers.Conv2D(8, 3, strides=2, padding="same"),
            *extra,
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def test_batches_are_of_the_size_of_all_maps(monkeypatch):
    """An image of 8 × 8 × 3 makes 8 × 8 × 4, 4 × 4 × 8, as much once more when flat, and 2: 706 numbers of 4 bytes."""
    monkeypatch.setattr(running, "MEMORY", 706 * 4 * 10)
    graph = open_model(network(8))
    assert batch_size(graph, (8, 8, 3)) == 10
    monkeypatch.setattr(running, "MEMORY", 706 * 4 * 10 - 1)
    assert batch_size(graph, (8, 8, 3)) == 9
    monkeypatch.setattr(running, "MEMORY", 1)
    assert batch_size(graph, (8, 8, 3)) == 1
    monkeypatch.setattr(running, "MEMORY", 1e12)
    assert batch_size(graph, (8, 8, 3)) == 256


def test_maps_inside_of_models_count_and_unknown_sizes_are_those_of_the_image():
    inner = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2**14, 3), layers.GlobalAveragePooling2D()])
    graph = open_model(keras.Sequential([keras.Input((None, None, 3)), inner, layers.Dense(2)]))
    assert batch_size(graph, (8, 8, 3)) == 2**28 // (4 * (64 * 2**14 + 2**14 + 64 * 3 + 2))


# The most memory of this program alone: what `resource` says counts that of the program which started it, too.
MEASURED = """
import json, pathlib
from helpers import explain
from helpers.activations import activations, best_inputs
from helpers.engine import keras
import numpy as np

model = keras.applications.MobileNetV2(weights=None)
images = np.random.default_rng(0).integers(0, 256, (200, 224, 224, 3), np.uint8)
done = {"predict": lambda: explain.predict(model, images), "Grad-CAM": lambda: explain.grad_cam(model, images),
        "saliency": lambda: explain.saliency(model, images), "activations": lambda: activations(model, images)}
for name, run in done.items():
    run()
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    done[name] = int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**20
print(json.dumps(done))
"""


@pytest.mark.matrix
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system counts memory in other units")
def test_200_images_through_mobilenet_stay_under_two_gigabytes():
    run = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True)
    assert max(json.loads(run.stdout.splitlines()[-1]).values()) < 2

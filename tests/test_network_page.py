"""Networks that the page of one's own image carries: their weights are those of Keras, and small enough for a page."""

import base64
import json
import re
import zlib

from helpers.datasets import load_dataset
from helpers.models import CLASS_NAMES, load_model

import numpy as np
import pytest
from site_tools import load_script

network_page = load_script("network_page")
NAMES = tuple(network_page.NETWORKS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    network_page.pack_networks(tmp_path_factory.mktemp("site") / "networks")
    return next(tmp_path_factory.getbasetemp().glob("site*/networks"))


@pytest.mark.parametrize("name", NAMES)
def test_layers_and_weights_are_those_of_keras(name):
    model = load_model(name)
    layers, weights = network_page.layers_of(name)
    assert [layer["name"] for layer in layers] == [layer.name for layer in model.layers[1:]]
    start = 0
    for layer, there in zip(layers, model.layers[1:], strict=True):
        for count, array in zip(layer["weights"], there.get_weights(), strict=True):
            assert np.array_equal(weights[start : start + count], array.ravel()), layer["name"]
            start += count
    assert start == len(weights) == model.count_params()
    assert network_page.NETWORKS[name].class_names == CLASS_NAMES[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_computes_layers_as_they_are_here(name):
    """What network.js takes for granted: stride 1, zeros at the border, poolings that do not overlap, no other kind."""
    for layer in load_model(name).layers[1:]:
        said = layer.get_config()
        assert said.get("padding", "same") == ("valid" if "pool_size" in said else "same")
        assert said.get("strides", (1, 1)) == said.get("pool_size", (1, 1))
        assert said.get("dilation_rate", (1, 1)) == (1, 1) and said.get("groups", 1) == 1
        assert said.get("activation", "linear") in ("linear", "relu", "softmax")
        assert (said.get("activation") == "softmax") == (type(layer).__name__ == "Dense")


def test_weights_can_be_unpacked_to_those_bits():
    weights = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    for bits, most in ((32, 0), (28, 2.0**-20), (25, 2.0**-17), (16, 2.0**-8)):
        content, planes = network_page.packed(weights, bits)
        assert planes == (bits + 7) // 8
        read = np.frombuffer(zlib.decompress(base64.b64decode(content)), np.uint8).reshape(planes, -1)
        whole = np.zeros((len(weights), 4), np.uint8)
        whole[:, 4 - planes :] = read[::-1].T
        assert np.abs(whole.view("<f4")[:, 0] / weights - 1).max() <= most
        assert most == 0 or np.abs(whole.view("<f4")[:, 0] / weights - 1).max() > most / 8


def test_both_networks_take_less_than_4_mb(folder):
    sizes = {path.stem: path.stat().st_size for path in folder.iterdir()}
    assert sizes.keys() == {*NAMES, "your-image"}
    assert sum(sizes[name] for name in NAMES) < 4_000_000 and sizes["your-image"] < 300_000


def test_scripts_are_plain_and_ask_for_nothing_outside(folder):
    for path in folder.iterdir():
        assert not re.search(r"(?m)^(import|export) |https?://(?!www\.w3\.org)|\bfetch\(", path.read_text("utf-8"))


def test_images_to_begin_with_are_those_of_the_lessons():
    images = network_page.start_images()
    first = np.frombuffer(base64.b64decode(images[0]["bytes"]), np.uint8).reshape(64, 64, 3)
    test = load_dataset("critters").test
    assert np.array_equal(first, test.images[network_page.CRITTERS[0]])
    for k, image in zip(network_page.CRITTERS, images, strict=False):
        assert image["name"] == f"critter {k}, a drawn {CLASS_NAMES['critters'][test.labels[k]]}"
    assert all(max(image["rows"], image["cols"]) in (64, network_page.SIDE) for image in images)
    assert len(images) == 10 and json.dumps(images)

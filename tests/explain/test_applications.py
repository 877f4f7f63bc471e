"""docs/chosen_layers.md says which layers of keras.applications are chosen; the script that wrote it compares."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "list_chosen_layers.py"
spec = importlib.util.spec_from_file_location("list_chosen_layers", SCRIPT)
chosen_layers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(chosen_layers)

LIGHT = "MobileNet", "MobileNetV3Small"
NAMES = [name if name in LIGHT else pytest.param(name, marks=pytest.mark.matrix) for name in chosen_layers.names()]


@pytest.mark.parametrize("name", NAMES)
def test_the_table_says_what_is_chosen(name):
    assert chosen_layers.row(name) == chosen_layers.rows()[name]


def test_each_network_is_in_the_table_and_no_map_is_of_one_pixel():
    rows = chosen_layers.rows()
    assert [*rows] == chosen_layers.names()
    for line in rows.values():
        height, width, _ = line.split("|")[5].split(" × ")
        assert int(height) > 1 and int(width) > 1

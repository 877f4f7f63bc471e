"""Widgets of the site that live without a kernel: a script for each, with all that it starts from.

A module in docs/site/widgets has the form of anywidget. Here it is joined with what all share, and with the settings
and data of its twin in Python, into one plain script: a page that is opened from the disk may load no module.
Widgets that need Keras show pictures that `scripts/make_pictures.py` has made beforehand, in docs/site/pictures.
"""

import base64
import json
import re
from pathlib import Path

from helpers.convolution import KERNELS
from helpers.datasets import load_dataset
from helpers.layers import LAYER_KINDS
from helpers.pixels import SIGNED
from helpers.widgets.calculator import LAYER_COLORS, SHORT_NAMES, STACKS, TYPICAL, LayerCalculator
from helpers.widgets.costs import CostExplorer
from helpers.widgets.dropout import LIMITS, DropoutExplorer
from helpers.widgets.gabor import GaborExplorer, GaborResponse
from helpers.widgets.stepper import ConvolutionStepper

import matplotlib as mpl
import numpy as np

MODULES = Path(__file__).resolve().parent.parent / "docs" / "site" / "widgets"
PICTURES = MODULES.parent / "pictures"


def stepper() -> tuple:
    """Return the stepper as lesson 01 makes it, its controls, and what else its module needs."""
    image = load_dataset("digits").train.images[12, :, :, 0]
    twin = ConvolutionStepper(image, np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]]), step=242)
    controls = {name: getattr(twin, name) for name in ("preset", "flip", "stride", "padding", "dilation")}
    presets = {name: kernel.tolist() for name, kernel in KERNELS.items()}
    data = {"image": image.tolist(), "kernel": twin.start.tolist(), "presets": presets, "signed": signed_colors()}
    return twin, {**controls, "step": twin.slider}, data


def calculator() -> tuple:
    """Return the same of the calculator of lesson 03."""
    twin = LayerCalculator("Digits, flatten")
    data = {
        "stacks": {name: {"input": shape, "layers": [*map(vars, layers)]} for name, (shape, layers) in STACKS.items()},
        "kinds": LAYER_KINDS,
        "typical": TYPICAL,
        "most": twin.most_layers,
        "colors": LAYER_COLORS,
        "names": SHORT_NAMES,
    }
    return twin, {"preset": twin.preset, "input": twin.input_shape}, data


def dropout() -> tuple:
    """Return the same of the dropout explorer of lesson 04."""
    twin = DropoutExplorer()
    columns = [f"{part}_{metric}" for part in ("training", "val") for metric in LIMITS]
    runs = []
    for rate, rows in twin.runs.groupby("rate"):
        tables = {column: rows.pivot(index="epoch", columns="seed", values=column) for column in columns}
        curves = {column: table.to_numpy().tolist() for column, table in tables.items()}
        runs.append({"rate": rate, "epochs": tables[columns[0]].index.tolist(), **curves})
    return twin, twin.controls, {"runs": runs, "limits": LIMITS}


def gabor() -> tuple:
    """Return the same of the Gabor explorer of lesson 02."""
    twin = GaborExplorer(frequency=0.1, theta=30, sigma=4.0)
    return twin, twin.controls, {"signed": signed_colors()}


def response() -> tuple:
    """Return the same of the Gabor response of lesson 02."""
    twin = GaborResponse(frequency=0.15, theta=0, sigma=3.0)
    images = {
        name: {"rows": len(image), "cols": image.shape[1], "bytes": base64.b64encode(image.tobytes()).decode()}
        for name, image in twin.images.items()
    }
    return twin, twin.controls, {"images": images, "signed": signed_colors()}


def costs() -> tuple:
    """Return the same of the cost explorer of lesson 09."""
    twin = CostExplorer()
    return twin, twin.controls, {}


LIVING = {
    "convolution-stepper": ("01", stepper),
    "layer-calculator": ("03", calculator),
    "dropout-explorer": ("04", dropout),
    "gabor-explorer": ("02", gabor),
    "cost-explorer": ("09", costs),
    "gabor-response": ("02", response),
}
"""By the name of the module, which is that of the box on the page: the lesson, and what makes the twin.

Another lesson may show such a widget with other data: there it stays a still.
"""


def signed_colors() -> list:
    """Return the 256 colors of values with a sign, from the lowest to the highest."""
    return mpl.colormaps[SIGNED](np.arange(256), bytes=True)[:, :3].tolist()


def described(control) -> dict:
    """Return what a page needs to show a slider, a list or a checkbox."""
    said = {"label": control.description, "tooltip": control.tooltip, "value": control.value}
    if hasattr(control, "options"):
        options = control.options.items() if isinstance(control.options, dict) else control.options
        said["options"] = [option if isinstance(option, tuple) else (option, option) for option in options]
    elif hasattr(control, "step"):
        said |= {name: getattr(control, name) for name in ("min", "max", "step")}
        if control.readout:
            said["digits"] = int("0" + re.sub(r"\D", "", control.readout_format))
    return said


def lessons_of_widgets() -> dict[str, str]:
    """Return by its name, which that of the box on the page is, the lesson of each widget that lives."""
    pictured = {path.stem: json.loads(path.read_text(encoding="utf-8"))["lesson"] for path in PICTURES.glob("*.json")}
    return {name: lesson for name, (lesson, _) in LIVING.items()} | pictured


def joined(*modules: str) -> str:
    """Return the code of modules of docs/site/widgets without their imports and exports, one after the other."""
    code = "\n".join((MODULES / f"{module}.js").read_text(encoding="utf-8") for module in modules)
    code = re.sub(r"(?ms)^import .*?;\n", "", code).replace("export default", "const widget =")
    return re.sub(r"(?m)^export ", "", code)


def mounted(name: str, data: dict, *modules: str) -> str:
    """Return the plain script of these modules that brings boxes of this name to life, with what it starts from."""
    start = f"mount({json.dumps(name)}, widget, {json.dumps(data, separators=(',', ':'))});"
    return f'"use strict";\n(() => {{\n{joined("shared", *modules)}\n{start}\n}})();\n'


def script(name: str) -> str:
    """Return the plain script that brings the widget of this name to life on a page."""
    if name not in LIVING:
        return mounted(name, json.loads((PICTURES / f"{name}.json").read_text(encoding="utf-8")), "pictures")
    twin, controls, data = LIVING[name][1]()
    data |= {"title": twin.title, "controls": {key: described(control) for key, control in controls.items()}}
    return mounted(name, data, name)

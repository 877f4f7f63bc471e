"""No widget keeps what it no longer shows: ipywidgets holds every model for ever that is not closed."""

import importlib
import pkgutil

import helpers
from helpers.pixels import png
from helpers.widgets.activation import ActivationExplorer
from helpers.widgets.augmentation import AugmentationExplorer
from helpers.widgets.base import Explorer, LessonWidget
from helpers.widgets.budget import BudgetExplorer
from helpers.widgets.calculator import LayerCalculator
from helpers.widgets.costs import CostExplorer
from helpers.widgets.dropout import DropoutExplorer
from helpers.widgets.features import FeatureExplorer
from helpers.widgets.gabor import GaborExplorer, GaborResponse
from helpers.widgets.gradcam import GradCamExplorer
from helpers.widgets.stepper import ConvolutionStepper
from helpers.widgets.training_step import TrainingStepExplorer

import ipywidgets as ipw
import numpy as np
import pandas as pd
import pytest
from model_tools import network
from widget_tools import drive, noise_image, parts, upload

IMAGES, LABELS, NAMES = noise_image(5, 16, 12, 3), np.array([0, 1, 2, 0, 1]), ("cat", "dog", "owl")
MAPS = {"early": np.random.default_rng(0).random((5, 4, 3, 2)), "late": np.random.default_rng(1).random((5, 2, 2, 6))}
POINTS = pd.DataFrame({"name": ["a"], "operations": [1e13], "accuracy": [0.8]})
WIDGETS = {
    ConvolutionStepper: lambda: ConvolutionStepper(IMAGES[0, ..., 0], np.ones((2, 2))),  # presets have another shape
    GaborExplorer: GaborExplorer,
    GaborResponse: lambda: GaborResponse({"one": IMAGES[0, ..., 0], "other": IMAGES[1, ..., 1]}),
    LayerCalculator: LayerCalculator,
    DropoutExplorer: DropoutExplorer,
    AugmentationExplorer: lambda: AugmentationExplorer(IMAGES, LABELS, NAMES),
    ActivationExplorer: lambda: ActivationExplorer(network(), IMAGES, LABELS, NAMES),
    GradCamExplorer: lambda: GradCamExplorer(network(), {"one": IMAGES[0], "other": IMAGES[1]}, NAMES, sizes=True),
    FeatureExplorer: lambda: FeatureExplorer(MAPS, MAPS, IMAGES, LABELS, IMAGES, LABELS, NAMES),
    CostExplorer: CostExplorer,
    TrainingStepExplorer: TrainingStepExplorer,
    BudgetExplorer: lambda: BudgetExplorer(points=POINTS),
}
every_widget = pytest.mark.parametrize("build", WIDGETS.values(), ids=[kind.__name__ for kind in WIDGETS])


def alive():
    """The ids of all models that ipywidgets keeps, those of layouts, styles and links included."""
    return {*ipw.Widget.get_manager_state(drop_defaults=True)["state"]}


def use(widget, rng):
    """Press each button once, Reset included, upload what can be uploaded, and move some controls in between."""
    for part in parts(widget):
        if isinstance(part, ipw.Button):
            part.click()
    if hasattr(widget, "upload"):
        upload(widget, png(IMAGES[2]))
    drive(widget, rng, 3)
    widget.reset.click()


def subclasses(kind):
    return {kind, *(deeper for child in kind.__subclasses__() for deeper in subclasses(child))}


def test_every_widget_is_tried():
    for module in pkgutil.walk_packages(helpers.__path__, "helpers."):
        importlib.import_module(module.name)
    known = {kind for kind in subclasses(LessonWidget) if kind.__module__.startswith("helpers.")}
    assert known - {LessonWidget, Explorer} == {*WIDGETS}


@every_widget
def test_a_widget_does_not_grow_while_it_is_used(build):
    before, rng = alive(), np.random.default_rng(0)
    widget = build()
    made = len(alive())
    for _ in range(5):
        use(widget, rng)
        assert len(alive()) == made
    widget.close()
    assert alive() == before


@every_widget
def test_what_is_closed_leaves_nothing_and_may_be_closed_again(build):
    other = build()
    before = alive()
    widget = build()
    assert len(alive()) > len(before)
    for _ in range(2):
        widget.close()
        assert alive() == before
    other.reset.click()  # and another one goes on


def test_the_calculator_closes_the_rows_that_go_and_keeps_the_others():
    calculator = LayerCalculator("Digits, flatten")
    first, second = (row["box"] for row in calculator.rows[:2])
    calculator.rows[0]["remove"].click()
    assert first.comm is None and all(part.comm is None for part in (first.layout, *first.children))
    assert second.comm is not None and all(part.comm is not None for part in (second.layout, *second.children))
    assert second in calculator.table.children and first not in calculator.table.children

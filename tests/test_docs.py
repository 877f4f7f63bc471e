"""What stands in the docstrings of helpers is there and runs; and importing a helper loads no more than it needs."""

import doctest
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import helpers

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = ["helpers", *(f"helpers.{module.name}" for module in pkgutil.iter_modules(helpers.__path__))]
WITH_EXAMPLES = {f"helpers.{name}" for name in ("convolution", "critters", "datasets", "drawing", "gabor", "plots")}
LIGHT = [
    f"helpers.{name}" for name in ("convolution", "critters", "plots", "widgets", "datasets", "checks", "exercises")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    result = doctest.testmod(importlib.import_module(name), verbose=False, raise_on_error=False)
    assert result.failed == 0
    assert result.attempted > 0 or name not in WITH_EXAMPLES


def public(module):
    """Yield functions and classes that a module defines itself, and the methods that these classes define."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing) or inspect.isclass(thing):
            yield name, thing
        if inspect.isclass(thing):
            for inner, method in vars(thing).items():
                own = not any(hasattr(base, inner) for base in thing.__bases__)
                if own and not inner.startswith("_") and isinstance(method, FunctionType | staticmethod | property):
                    yield f"{name}.{inner}", method


def documented(name, thing):
    """Tell whether there is a docstring that a person wrote: dataclasses and named tuples make one like a call."""
    text = inspect.getdoc(thing) or ""
    return len(text) > 15 and not text.startswith(f"{name}(")


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_has_a_docstring(name):
    module = importlib.import_module(name)
    assert (module.__doc__ or "").strip()
    assert [what for what, thing in public(module) if not documented(what, thing)] == []


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_name_only_what_exists(name):
    """A reference such as `helpers.checks` or `output_size` in a docstring leads somewhere."""
    module = importlib.import_module(name)
    broken = []
    for what, thing in [(name, module), *public(module)]:
        for reference in re.findall(r"(?<!`)`([a-zA-Z_][\w.]*)`(?!`)", inspect.getdoc(thing) or ""):
            if not resolves(module, thing, reference):
                broken.append((what, reference))
    assert broken == []


def resolves(module, thing, reference):
    if reference.startswith("helpers."):
        parts = reference.split(".")
        owner = importlib.import_module(".".join(parts[:2])) if ".".join(parts[:2]) in MODULES else None
        return owner is not None and all(hasattr(owner, part) for part in parts[2:])
    classes = [owner for owner in vars(module).values() if inspect.isclass(owner)]
    return any(hasattr(owner, reference) for owner in (module, thing, *classes, plt))


@pytest.mark.parametrize("name", ["helpers", ", ".join(LIGHT)], ids=["package", "modules"])
def test_import_loads_no_tensorflow(name):
    code = f"import sys, json, {name}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {module.split(".")[0] for module in json.loads(done.stdout)}
    assert "helpers" in loaded
    assert loaded.isdisjoint({"tensorflow", "keras", "torch", "jax"})
    if name == "helpers":
        assert loaded.isdisjoint({"numpy", "matplotlib", "IPython"})


def test_helpers_choose_the_backend_but_leave_a_choice():
    code = "import os, helpers; print(os.environ['KERAS_BACKEND'])"

    def backend(**environment):
        clean = {"PATH": "/usr/bin", **environment}
        return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean, capture_output=True, text=True).stdout

    assert backend() == "tensorflow\n"
    assert backend(KERAS_BACKEND="jax") == "jax\n"

"""What stands in the docstrings of helpers is there and runs; and importing a helper loads no more than it needs."""

import doctest
import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import FunctionType, ModuleType

import helpers
from helpers.exercises import known_lessons

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).resolve().parent.parent


def modules_of(package) -> list[str]:
    """Return the names of a package and of all modules in it, also of those in packages inside."""
    inside = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [package.__name__, *sorted(module.name for module in inside)]


MODULES = modules_of(helpers)
LIGHT = [
    *("helpers.convolution", "helpers.datasets.critters", "helpers.plots", "helpers.datasets", "helpers.exercises"),
    *("helpers.exercises.judges", "helpers.exercises.networks", "helpers.layers", "helpers.pixels"),
    *(f"helpers.exercises.lesson_{lesson}" for lesson in known_lessons()),
    *(f"helpers.widgets.{name}" for name in ("base", "drawing", "stepper", "gabor", "calculator", "dropout")),
    *(f"helpers.widgets.{name}" for name in ("augmentation", "features", "costs", "training_step")),
]


def test_modules_in_packages_inside_are_found(tmp_path, monkeypatch):
    for file in ("outer_p/__init__.py", "outer_p/flat.py", "outer_p/inner/__init__.py", "outer_p/inner/deep.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module("outer_p")
    assert modules_of(package) == ["outer_p", "outer_p.flat", "outer_p.inner", "outer_p.inner.deep"]
    files = [path for path in Path(helpers.__file__).parent.rglob("*.py") if path.name != "__init__.py"]
    assert {path.stem for path in files} <= {name.rpartition(".")[2] for name in MODULES}


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    """All that look like examples: one in a comment, below a variable, or in a decorated function would never run."""
    module = importlib.import_module(name)
    result = doctest.testmod(module, verbose=False, raise_on_error=False)
    assert result.failed == 0
    written = re.findall(r"^ *>>> (?!.*# doctest: \+SKIP)", inspect.getsource(module), re.MULTILINE)
    assert result.attempted - getattr(result, "skipped", 0) == len(written)


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
    """A reference such as `helpers.exercises` or `output_size` in a docstring leads somewhere."""
    module = importlib.import_module(name)
    assert [(what, text) for what, thing, text in references(module) if not resolves(module, thing, text)] == []


def references(module):
    """Yield the name of a thing, the thing, and each reference in its docstring."""
    for what, thing in [(module.__name__, module), *public(module)]:
        for reference in re.findall(r"(?<!`)`([a-zA-Z_][\w.]*)`(?!`)", inspect.getdoc(thing) or ""):
            yield what, thing, reference


def resolves(module, thing, reference):
    if reference.startswith("helpers."):
        parts = reference.split(".")
        lengths = [length for length in range(1, len(parts) + 1) if ".".join(parts[:length]) in MODULES]
        owner = importlib.import_module(".".join(parts[: lengths[-1]]))
        for part in parts[lengths[-1] :]:
            owner = getattr(owner, part, None)
        return owner is not None
    classes = [owner for owner in vars(module).values() if inspect.isclass(owner)]
    return any(hasattr(owner, reference) for owner in (module, thing, *classes, plt))


def test_what_is_missing_in_docstrings_is_noticed():
    code = (
        '"""`first`, `helpers.exercises.Checks.solution`, `helpers.exercises.Check`, `helpers.check` and `third`."""\n'
        "def first():\n    pass\n"
        "def second():\n    'Return what `nobody` made.'\n"
    )
    module = ModuleType("some_module", "")
    exec(code, vars(module))  # names what is not there
    module.__doc__ = code.split('"""')[1]
    found = [(what, text) for what, thing, text in references(module) if not resolves(module, thing, text)]
    assert found == [
        *(("some_module", text) for text in ("helpers.exercises.Check", "helpers.check", "third")),
        ("second", "nobody"),
    ]
    assert [name for name, thing in public(module) if not documented(name, thing)] == ["first"]
    everything = [text for name in MODULES for *_, text in references(importlib.import_module(name))]
    assert len(everything) > 50  # else nothing was looked at


@pytest.mark.parametrize("name", ["helpers", ", ".join(LIGHT)], ids=["package", "modules"])
def test_import_loads_no_tensorflow(name):
    code = f"import sys, json, {name}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {module.split(".")[0] for module in json.loads(done.stdout)}
    assert "helpers" in loaded
    assert loaded.isdisjoint({"tensorflow", "keras", "torch", "jax"})
    if name == "helpers":
        assert loaded.isdisjoint({"numpy", "matplotlib", "IPython"})


def test_helpers_choose_the_backend_whatever_the_user_has():
    code = "import os, helpers; print(os.environ['KERAS_BACKEND'])"

    def backend(**environment):
        clean = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"} | environment
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert backend() == "tensorflow\n"
    assert backend(KERAS_BACKEND="jax") == "tensorflow\n"

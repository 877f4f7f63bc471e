"""The rooms of helpers: imports run one way, from what a lesson takes in hand down to furniture; modules are short."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (ROOT / "helpers").rglob("*.py")
}
FLOORS = (
    {"start"},
    {"classroom"},
    {"doctor", "exercises", "widgets"},
    {"models", "trials"},
    {"activations", "recipe"},
    {"explain", "training", "raw_tensorflow"},
    {"datasets", "diagrams"},
    {"plots", "gabor", "layers", "floor"},
    {"convolution", "pixels"},
    {"fonts", "progress"},
    {"comparison", "engine", "files", "lessons"},
)
"""What is in helpers, from top to bottom: a room may import from floors below its own, and within itself."""


def imports(name: str) -> set[str]:
    """Return the modules of helpers that a module imports anywhere, also inside of a function."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: write whole names, as in `from helpers.plots import …`"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {full if full in MODULES else node.module for full in inner}
    return {other for other in found if other in MODULES} - {name, "helpers"}


def below(name: str) -> set[str]:
    """Return all modules that a module imports, and that those import."""
    seen, waiting = set(), [name]
    while waiting:
        new = imports(waiting.pop()) - seen
        seen |= new
        waiting += new
    return seen


def floor(name: str) -> int:
    """Return the number of the floor of a module; 0 is the top."""
    return next(number for number, rooms in enumerate(FLOORS) if name.split(".")[1] in rooms)


def test_each_room_has_its_floor():
    rooms = {name.split(".")[1] for name in MODULES if name != "helpers"}
    assert rooms == set().union(*FLOORS), "write new rooms of helpers into FLOORS"
    assert len(MODULES) > 40


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"helpers"}))
def test_imports_run_down(name):
    room = name.split(".")[1]
    up = {other for other in imports(name) if other.split(".")[1] != room and floor(other) <= floor(name)}
    assert not up, f"{name} imports from its own floor or from above: {up}"
    assert name not in below(name), f"{name} imports itself in the end"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_modules_are_short(name):
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= 400

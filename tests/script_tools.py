"""What tests of scripts share."""

import importlib.util
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


def load_plain(name: str):
    """Return scripts/NAME.py as a module; scripts that import others need `SCRIPTS` in sys.path."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(name: str):
    """Return scripts/make_NAME_runs.py as a module."""
    return load_plain(f"make_{name}_runs")

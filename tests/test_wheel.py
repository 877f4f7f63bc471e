"""What environment.yml installs holds every module: an editable install, which `make` resembles, would hide a gap."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIGHT = "helpers.convolution, helpers.gabor, helpers.plots, helpers.datasets, helpers.exercises"


def test_a_wheel_has_all_modules(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(ROOT / "helpers", source / "helpers", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-lessons.md"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", tmp_path, source], check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = {name for name in wheel.namelist() if name.endswith(".py")}
        wheel.extractall(tmp_path / "installed")
    assert packed == {path.relative_to(ROOT).as_posix() for path in (ROOT / "helpers").rglob("*.py")}
    code = f"import sys; sys.path.insert(0, 'installed'); import {LIGHT}; print(helpers.__file__)"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert tmp_path / done.stdout.strip() == tmp_path / "installed" / "helpers" / "__init__.py"

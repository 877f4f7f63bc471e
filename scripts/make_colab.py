"""Write copies of the lessons for Colab into the folder colab: `make colab`. The lessons themselves do not change.

The first cell of a copy brings helpers and data of the version that pyproject.toml names; Colab's own packages stay
as they are, and only what it lacks is added. It needs the public address of the repository, see pyproject.toml.
"""

import json
import tomllib
from pathlib import Path

from helpers.files import written_whole
from helpers.lessons import LESSONS

import nbformat
from packaging.requirements import Requirement
from public import public_addresses

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = {"scikit-learn": "sklearn", "scikit-image": "skimage", "pillow": "PIL"}
"""Packages that are imported by another name."""
FIRST = """# For Colab only: bring what the lessons need. Colab's own packages stay as they are.
import os
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlretrieve

lessons = Path({folder!r}).resolve()
if not lessons.exists():
    archive, _ = urlretrieve({archive!r})
    with tarfile.open(archive) as files:
        files.extractall(lessons.with_suffix(".new"), filter="data")
    [inside] = lessons.with_suffix(".new").iterdir()
    inside.rename(lessons)
missing = [package for package, module in {modules}.items() if find_spec(module) is None]
if missing:
    get_ipython().run_line_magic("pip", "install --quiet " + " ".join(missing))
sys.path.insert(0, str(lessons))
os.chdir(lessons / "notebooks")"""


def first_cell(archive: str, folder: str = "cnn-lessons") -> str:
    """Return the first cell of a copy: ``archive`` is the address of the repository as a tar file."""
    names = [Requirement(text).name for text in PROJECT["dependencies"]]
    modules = {name: MODULES.get(name, name) for name in names if name != "jupyterlab"}
    return FIRST.format(folder=folder, archive=archive, modules=json.dumps(modules))


def write_copies(folder: Path, repository: str) -> list[Path]:
    """Write a copy of each lesson into a folder; return their paths."""
    archive, paths = f"{repository}/archive/refs/tags/v{PROJECT['version']}.tar.gz", []
    folder.mkdir(parents=True, exist_ok=True)
    for lesson in LESSONS:
        notebook = nbformat.read(ROOT / "notebooks" / f"{lesson.stem}.ipynb", as_version=4)
        notebook.cells.insert(0, nbformat.v4.new_code_cell(first_cell(archive), id="colab"))
        paths.append(folder / f"{lesson.stem}.ipynb")
        with written_whole(paths[-1]) as partial:
            nbformat.write(notebook, partial)
    return paths


if __name__ == "__main__":
    address = public_addresses()["repository"]
    if not address:
        raise SystemExit("Say in pyproject.toml, under [tool.cnn-lessons], where the repository is public.")
    print(f"{len(write_copies(ROOT / 'colab', address))} copies are in the folder colab.")

"""Run lessons, or their first cells, in a kernel that gets the environment as it is, and see that the figures appear.

`.ci/run` calls it in a clone in an odd place: `python tests/first_cells.py 01 03:4` for lesson 01 and four cells of 03.
"""

import copy
import sys

import nbformat
from surroundings import NOTEBOOKS, client


def kinds(cell) -> set[str]:
    """Return the MIME types of all outputs of a cell."""
    return {kind for output in cell.outputs for kind in output.get("data", {})}


def run_first_cells(lesson: str, number: int | None = None) -> list:
    """Run the first ``number`` code cells of a lesson ("03"), or all; return them with their outputs.

    Raises AssertionError if a cell shows no figure where one is stored, or if nothing was to be seen.
    """
    stored = nbformat.read(next(NOTEBOOKS.glob(f"{lesson}_*.ipynb")), as_version=4)
    stored.cells = [cell for cell in stored.cells if cell.cell_type == "code"][:number]
    cells = client(copy.deepcopy(stored), timeout=300).execute().cells
    figures = [cell.id for cell in stored.cells if "image/png" in kinds(cell)]
    missing = [new.id for old, new in zip(stored.cells, cells, strict=True) if kinds(old) - kinds(new)]
    assert figures and not missing, f"lesson {lesson}: no figure in {missing or 'any cell'}"
    return cells


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        lesson, _, number = argument.partition(":")
        cells = run_first_cells(lesson, int(number) if number else None)
        print(f"lesson {lesson}: {len(cells)} cells, with {sum('image/png' in kinds(cell) for cell in cells)} figures")

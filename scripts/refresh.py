"""Run lessons from top to bottom in a fresh kernel and store their outputs: `make refresh [LESSON=03]`.

A lesson that fails stays as it was. Widgets are stored as their still picture, without a state that would change with
every run; what the C++ part of a library writes to stderr is not stored.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def chosen(numbers: list[str]) -> list[Path]:
    """Return the notebooks with these numbers ("03"), or all; raises SystemExit for a number without a notebook."""
    if not numbers:
        return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    paths = []
    for number in numbers:
        found = sorted(NOTEBOOKS.glob(f"{number}_*.ipynb"))
        if not found:
            raise SystemExit(
                f"No lesson {number!r} in notebooks/: give its two digits, as in `make refresh LESSON=03`."
            )
        paths += found
    return paths


def tidy(notebook) -> None:
    """Drop from the outputs what belongs to one run or one machine."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)


def refresh(path: Path) -> float:
    """Execute one notebook and replace it by the result; returns the seconds it took."""
    notebook = nbformat.read(path, as_version=4)
    started = time.perf_counter()
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": NOTEBOOKS}},
    )
    client.execute()
    seconds = time.perf_counter() - started
    tidy(notebook)
    partial = path.with_suffix(".partial")
    nbformat.write(notebook, partial)
    os.replace(partial, path)
    return seconds


if __name__ == "__main__":
    failed = False
    for path in chosen(sys.argv[1:]):
        try:
            print(f"{path.name}: {refresh(path):.0f} s", flush=True)
        except CellExecutionError as error:
            failed = True
            print(f"{path.name} failed and stays as it was:\n{error}", flush=True)
    sys.exit(failed)

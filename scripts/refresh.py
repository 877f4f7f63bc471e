"""Run lessons from top to bottom in a fresh kernel and store their outputs: `make refresh [LESSON=03]`.

A lesson that fails stays as it was. Widgets are stored as their still picture, without a state that would change with
every run. Each figure gets the alt text that stands in the metadata of its cell; `--alt-texts` does only that.
"""

import argparse
import base64
import io
import os
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from helpers.files import written_whole
from helpers.lessons import LESSONS, find_lesson
from helpers.progress import OFF, VARIABLE

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def chosen(ids: list[str]) -> list[Path]:
    """Return the notebooks of these lessons ("03"), or all; raises SystemExit for a lesson that there is not."""
    try:
        lessons = [find_lesson(lesson_id) for lesson_id in ids] or LESSONS
    except ValueError as error:
        raise SystemExit(f"{error} For example: `make refresh LESSON=03`.") from None
    return [NOTEBOOKS / f"{lesson.stem}.ipynb" for lesson in lessons]


def seconds_of(cell) -> float:
    """Return how long the kernel worked on a cell, from the times that nbclient recorded."""
    times = cell.metadata.get("execution", {})
    started, ended = times.get("iopub.status.busy"), times.get("iopub.status.idle")
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds() if ended else 0.0


def tidy(notebook) -> None:
    """Drop from the outputs what belongs to one run or one machine; keep the run times, in whole seconds."""
    seconds = [seconds_of(cell) for cell in notebook.cells]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "run_seconds": {"all": round(sum(seconds)), "slowest_cell": round(max(seconds))},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            data.pop(WIDGET_VIEW, None)
            if "image/png" in data:
                data["image/png"] = smaller_png(data["image/png"])
    store_alt_texts(notebook)


def store_alt_texts(notebook) -> None:
    """Write what the metadata of a cell says of its figures, a text for each, into that of the outputs with them."""
    for cell in notebook.cells:
        figures = [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
        for output, text in zip(figures, cell.metadata.get("alt", []), strict=False):  # a test counts them
            output.metadata["image/png"] = {**output.metadata.get("image/png", {}), "alt": text}


def smaller_png(data: str) -> str:
    """Return a base64 PNG with at most 256 colors if that is shorter: a photograph then takes a third of the room."""
    image = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    buffer = io.BytesIO()
    image.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=2).save(buffer, "png", optimize=True)
    return min(base64.b64encode(buffer.getvalue()).decode(), data, key=len)


def execute(path: Path, variables: dict[str, str] | None = None, **options):
    """Return a notebook as a fresh kernel runs it; raises CellExecutionError if a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": NOTEBOOKS}},
        **options,
    )
    client.execute(env={**os.environ, **(variables or {}), VARIABLE: OFF})  # these are no learner's answers
    return notebook


def refresh(path: Path) -> dict:
    """Execute one notebook and replace it by the result; returns the seconds of all cells and of the slowest."""
    notebook = execute(path)
    tidy(notebook)
    save(notebook, path)
    return notebook.metadata.run_seconds


def save(notebook, path: Path) -> None:
    """Replace a notebook, at once and whole."""
    with written_whole(path) as partial:
        nbformat.write(notebook, partial)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="ids, such as 03; all without")
    parser.add_argument("--alt-texts", action="store_true", help="run nothing, only store the alt texts of the figures")
    options = parser.parse_args()
    failed = False
    for path in chosen(options.lessons):
        if options.alt_texts:
            notebook = nbformat.read(path, as_version=4)
            store_alt_texts(notebook)
            save(notebook, path)
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.environ["CNN_LESSONS_RUNS"] = folder  # a learner's log of trials is no place for these
            try:
                seconds = refresh(path)
                print(f"{path.name}: {seconds['all']} s, the slowest cell {seconds['slowest_cell']} s", flush=True)
            except CellExecutionError as error:
                failed = True
                print(f"{path.name} failed and stays as it was:\n{error}", flush=True)
    sys.exit(failed)

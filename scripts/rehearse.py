"""Rehearse the course on this computer: `make rehearse [LESSON=03]`.

The doctor looks at the computer; then all lessons run, in a copy, from top to bottom, each cell timed. Nothing is
stored in the lessons, and nothing is remembered. The times of all cells are in `rehearsal.csv`. The exit status is 1 if
anything is wrong.
"""

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copytree, ignore_patterns

from helpers.progress import OFF, VARIABLE

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from refresh import chosen, seconds_of

ROOT = Path(__file__).resolve().parent.parent
SLOW = 5
"""Seconds from which on a cell is named: long enough to need something to say meanwhile."""


def rehearse(path: Path) -> tuple[list[tuple[str, float]], str]:
    """Run a lesson in its folder; return the seconds of each code cell by its id, and what failed, or ""."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": path.parent}})
    failed = ""
    try:
        client.execute(env={**os.environ, VARIABLE: OFF})
    except CellExecutionError as error:
        failed = f"{error.ename}: {error.evalue}"
    except Exception as error:  # a kernel that dies, or takes too long: the other lessons are still of interest
        failed = str(error) or type(error).__name__
    return [(cell.id, seconds_of(cell)) for cell in notebook.cells if cell.cell_type == "code"], failed


def report(name: str, times: list[tuple[str, float]], failed: str) -> str:
    """Return a line for a lesson, and one for each cell that is slow."""
    lines = [f"{name}: {sum(seconds for _, seconds in times):.0f} s" + (f", FAILED: {failed}" if failed else "")]
    slow = sorted((pair for pair in times if pair[1] >= SLOW), key=lambda pair: -pair[1])
    return "\n".join(lines + [f"  {seconds:4.0f} s  {cell}" for cell, seconds in slow])


def main(ids: list[str]) -> int:
    """Rehearse lessons, and print what was found; return the exit status."""
    wrong = subprocess.run([sys.executable, "-I", ROOT / "scripts" / "doctor.py"]).returncode
    rows = []
    with tempfile.TemporaryDirectory(prefix="cnn-lessons-", ignore_cleanup_errors=True) as folder:
        copy = Path(
            copytree(ROOT / "notebooks", Path(folder, "notebooks"), ignore=ignore_patterns(".*", "runs", "mine"))
        )
        for path in chosen(ids):
            times, failed = rehearse(copy / path.name)
            print(report(path.stem, times, failed), flush=True)
            rows += [(path.stem, cell, f"{seconds:.2f}") for cell, seconds in times]
            wrong = wrong or int(bool(failed))
    with (ROOT / "rehearsal.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("lesson", "cell", "seconds"), *rows])
    print("The seconds of all cells are in rehearsal.csv.", "Not all is well: see above." if wrong else "All is well.")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

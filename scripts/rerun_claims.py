"""Run the lessons with other seeds, and the stored comparisons too: which claims were luck?

    .venv/bin/python scripts/rerun_claims.py lessons [--seeds 1 2 3 4 5] [--lessons 03 07]
    .venv/bin/python scripts/rerun_claims.py tables [--seeds 10 11 12 13 14] [--tables cnn heat] [--folder FOLDER]

*lessons* runs each lesson with another ``SEED`` in its cell of parameters, in a copy, goes on after an error, and lists
the cells that broke. *tables* makes the tables of scripts/make_*_runs.py with other seeds in another folder, and
compares each judged difference with the stored one. Both take hours; *tables* goes on where it was. The exit status is
1 if a cell broke, or a difference has turned or is lost.
"""

import argparse
import importlib.util
import os
import re
import sys
import tempfile
from pathlib import Path
from shutil import copytree, ignore_patterns

from helpers.datasets import base
from helpers.datasets.measured import difference, make, verdict
from helpers.lessons import LESSONS
from helpers.progress import OFF, VARIABLE

import nbformat
import pandas as pd
from nbclient import NotebookClient
from refresh import chosen

SCRIPTS = Path(__file__).resolve().parent
OTHER = "other-seeds"
"""The folder for tables, inside of where the program runs."""


# --- lessons ---


def with_seed(notebook, seed: int) -> bool:
    """Write another ``SEED`` into the cell of parameters; return whether there was one."""
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source, count = re.subn(r"(?m)^SEED = .*$", f"SEED = {seed}", cell.source)
            return bool(count)
    return False


def broken(notebook) -> list[str]:
    """Return a line for each cell of an executed notebook that raised an error: its id, the line, the error."""
    lines = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                trace = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback))
                at = re.search(r"(?m)^-+> *\d+ (.*)$", trace)
                lines.append(f"{cell.id}: {at[1].strip() if at else ''}  [{output.ename} {output.evalue}".strip() + "]")
    return lines


def run_lesson(path: Path, seed: int) -> list[str] | None:
    """Run a lesson with another seed; return what broke, or None where it has no seed."""
    notebook = nbformat.read(path, as_version=4)
    if not with_seed(notebook, seed):
        return None
    resources = {"metadata": {"path": path.parent}}
    client = NotebookClient(notebook, timeout=900, kernel_name="python3", allow_errors=True, resources=resources)
    try:
        client.execute(env={**os.environ, VARIABLE: OFF})
    except Exception as error:  # a kernel that dies, or takes too long: the other lessons are still of interest
        return [*broken(notebook), f"the kernel: {error or type(error).__name__}"]
    return broken(notebook)


def lessons(ids: list[str], seeds: list[int]) -> int:
    """Run lessons with each of the seeds, print what broke, and return how many cells did."""
    count = 0
    with tempfile.TemporaryDirectory(prefix="cnn-lessons-", ignore_cleanup_errors=True) as folder:
        ignore = ignore_patterns(".*", "runs", "mine")
        copy = Path(copytree(SCRIPTS.parent / "notebooks", Path(folder, "notebooks"), ignore=ignore))
        for path in chosen(ids):
            for seed in seeds:
                found = run_lesson(copy / path.name, seed)
                said = "has no SEED" if found is None else "\n  ".join(["holds" if not found else "BROKE", *found])
                print(f"{path.stem}, seed {seed}: {said}", flush=True)
                count += len(found or [])
                if found is None:
                    break
    return count


# --- tables ---


def scripts() -> dict[str, Path]:
    """Return the scripts that write tables of comparisons, by the name of the table without its ending _runs."""
    found = {path.stem.removeprefix("make_").removesuffix("_runs"): path for path in SCRIPTS.glob("make_*_runs.py")}
    return {name: path for name, path in sorted(found.items()) if "measured import make" in path.read_text("utf-8")}


def load(path: Path):
    """Return a script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WORDS = {(0, 0): "none in both", (1, 1): "same", (-1, -1): "same", (1, -1): "TURNED", (-1, 1): "TURNED"}


def compare(stored: pd.DataFrame, other: pd.DataFrame, judged) -> list[tuple[str, str]]:
    """Return for each judged difference what became of it with other seeds, and a line with both intervals.

    "LOST" is a difference that was shown, and is not any more; "new" one that only other seeds show. Either may be
    chance: of twenty intervals one misses. "TURNED" has the other sign now.
    """
    found = []
    for experiment, measure, case, of, *at in judged:
        try:
            pairs = [difference(table, experiment, measure, case, of, *at) for table in (stored, other)]
        except ValueError as error:
            found.append(("MISSING", str(error)))
            continue
        signs = tuple(verdict(*pair) for pair in pairs)
        word = WORDS.get(signs, "LOST" if signs[0] else "new")
        numbers = ", now ".join(f"{mean:+.4f} ± {half:.4f}" for mean, half in pairs)
        found.append((word, f"{experiment}, {measure}{f', at {at[0]}' if at else ''}: {case} less {of}: {numbers}"))
    return found


def tables(chosen_names: list[str], seeds: list[int], folder: Path) -> int:
    """Make tables with other seeds, compare them, print what differs, and return how many are turned or lost."""
    count = 0
    for name in chosen_names or scripts():
        script, stored = load(scripts()[name]), base.DATA / f"{name}_runs.csv"
        if not stored.exists():
            print(f"{name}_runs: there is no stored table")
            continue
        arguments = ["--folder", str(folder), "--seeds", *map(str, seeds)]
        path = make(f"{name}_runs", script.EXPERIMENTS, arguments=arguments)
        verdicts = compare(pd.read_csv(stored), pd.read_csv(path), script.JUDGED)
        words = pd.Series([word for word, _ in verdicts]).value_counts()
        print(f"{name}_runs: {', '.join(f'{number} {word}' for word, number in words.items())}")
        print(*(f"  {word}: {line}" for word, line in verdicts if word not in ("same", "none in both")), sep="\n")
        count += sum(word in ("TURNED", "LOST", "MISSING") for word, _ in verdicts)
    return count


def main(arguments: list[str]) -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    of_lessons, of_tables = kinds.add_parser("lessons"), kinds.add_parser("tables")
    of_lessons.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    to_tenth = [lesson.id for lesson in LESSONS if "01" <= lesson.id < "10"]
    of_lessons.add_argument("--lessons", nargs="+", default=to_tenth)
    of_tables.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12, 13, 14])
    of_tables.add_argument("--tables", nargs="+", choices=[*scripts()], default=[])
    of_tables.add_argument("--folder", type=Path, default=Path(OTHER))
    given = parser.parse_args(arguments)
    if given.kind == "lessons":
        return int(bool(lessons(given.lessons, given.seeds)))
    return int(bool(tables(given.tables, given.seeds, given.folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Write the lessons into a folder to hand out: `make learner`, or `make instructor`, with TO=… for another folder.

For learners: without solutions, notes for instructors, and stored outputs, which show what is asked for; checks still
work. For instructors: solutions and notes are open. Both folders hold all that `make lab` needs.
"""

import os
import re
import sys
from pathlib import Path
from shutil import copy2, copytree, ignore_patterns

from helpers.files import written_whole
from helpers.lessons import LESSONS

import nbformat

ROOT = Path(__file__).resolve().parent.parent
FILES = (
    "Makefile", "README.md", "LICENSE", "LICENSE-lessons.md", "CHANGELOG.md", "CONTRIBUTING.md",
    "environment.yml", "pyproject.toml", "requirements.lock", "requirements-site.lock",
    ".gitignore",
)  # fmt: skip
FOLDERS = ("data", "docs", "helpers", "scripts")
MADE = re.compile(r"(?m)^(?:def )?(\w*solution\w*)(?: =|\()")
"""What a solution defines: its names say so (CONTRIBUTING.md)."""
NOTES = re.compile(r"<details><summary><b>For instructors</b>.*?</details>\n*", re.DOTALL)
GUIDE = re.compile(r"\[([^\]]+)\]\(docs/teaching/[^)]*\)")  # a link to what learners do not get
LATER = "*The solution comes later, from whoever teaches.*"
SHOWS_IT = "*A cell that shows the solution is left out here.*"


def tags(cell) -> set[str]:
    """Return the tags of a cell."""
    return set(cell.metadata.get("tags", []))


def for_learners(notebook) -> None:
    """Take out of a notebook what gives answers away, and what cannot run without that."""
    solutions = "\n".join(cell.source for cell in notebook.cells if "solution" in tags(cell))
    made = set(MADE.findall(solutions))
    for place, cell in enumerate(notebook.cells):
        if "solution" in tags(cell):
            notebook.cells[place] = nbformat.v4.new_markdown_cell(LATER, id=cell.id)
        elif cell.cell_type == "code" and made & set(re.findall(r"\w+", cell.source)):
            notebook.cells[place] = nbformat.v4.new_markdown_cell(SHOWS_IT, id=cell.id)
        elif cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = NOTES.sub("", cell.source).rstrip()


def for_instructors(notebook) -> None:
    """Open the solutions and notes of a notebook."""
    for cell in notebook.cells:
        if "solution" in tags(cell):
            cell.metadata.pop("jupyter", None)
        elif cell.cell_type == "markdown":
            cell.source = cell.source.replace("<details><summary><b>For inst", "<details open><summary><b>For inst")


KINDS = {"learner": for_learners, "instructor": for_instructors}


def write(kind: str, folder: Path) -> None:
    """Write the lessons for one of `KINDS` to a folder; raises ValueError if something is there already."""
    if folder.exists():
        raise ValueError(f"{folder} is there already. Remove it, or name another one: make {kind} TO=…")
    teaching = () if kind == "instructor" else ("teaching",)
    with written_whole(folder) as partial:
        (partial / "notebooks").mkdir(parents=True)
        for name in FILES:
            copy2(ROOT / name, partial / name)
            if teaching and name.endswith(".md"):
                text = (ROOT / name).read_text(encoding="utf-8")
                (partial / name).write_text(GUIDE.sub(r"\1", text), encoding="utf-8")
        for name in FOLDERS:
            copytree(ROOT / name, partial / name, ignore=ignore_patterns("__pycache__", ".*", *teaching))
        for path in (ROOT / "notebooks").glob("*.md"):
            copy2(path, partial / "notebooks" / path.name)
        for lesson in LESSONS:
            notebook = nbformat.read(ROOT / "notebooks" / f"{lesson.stem}.ipynb", as_version=4)
            KINDS[kind](notebook)
            nbformat.write(notebook, partial / "notebooks" / f"{lesson.stem}.ipynb")


if __name__ == "__main__":
    kind = sys.argv[1]
    named = os.environ.get("TO")
    folder = Path(named).expanduser().resolve() if named else ROOT / "hand-out" / kind
    try:
        write(kind, folder)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    print(f"The lessons for {kind}s are in {folder}. `make lab` works there.")

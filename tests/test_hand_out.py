"""What learners get gives nothing away and still answers; what instructors get is open; both are folders to work in."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from helpers.lessons import LESSONS

import nbformat
import pytest
from surroundings import client

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "hand_out.py"

spec = importlib.util.spec_from_file_location("hand_out", SCRIPT)
hand_out = importlib.util.module_from_spec(spec)
spec.loader.exec_module(hand_out)


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """What `make learner` and `make instructor` write."""
    place = tmp_path_factory.mktemp("hand out")
    for kind in hand_out.KINDS:
        hand_out.write(kind, place / kind)
    return {kind: place / kind for kind in hand_out.KINDS}


def pairs(folder: Path):
    """Yield each lesson as it is here and as it is in a folder."""
    for lesson in LESSONS:
        paths = (ROOT / "notebooks", folder / "notebooks")
        yield tuple(nbformat.read(path / f"{lesson.stem}.ipynb", as_version=4) for path in paths)


def test_learners_find_no_answers(folders):
    for old, new in pairs(folders["learner"]):
        nbformat.validate(new)
        assert [cell.id for cell in new.cells] == [cell.id for cell in old.cells]
        assert not [
            cell.id for cell in new.cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)
        ]
        text = "\n".join(cell.source for cell in new.cells)
        solutions = [cell for cell in old.cells if "solution" in hand_out.tags(cell)]
        assert text.count(hand_out.LATER) == len(solutions) >= 2
        assert "check.solution" not in text and not hand_out.MADE.search(text) and "_solution" not in text
        assert "For instructors" not in text and "to expect" not in text and "<details" not in new.cells[0].source


def test_the_rest_is_untouched(folders):
    left_out = []
    for old, new in pairs(folders["learner"]):
        for before, after in zip(old.cells, new.cells, strict=True):
            if after.source == hand_out.SHOWS_IT:
                left_out.append(before.id)
            elif "solution" not in hand_out.tags(before) and before is not old.cells[0]:
                assert (after.source, after.metadata) == (before.source.rstrip(), before.metadata)
        assert new.cells[0].source.startswith(old.cells[0].source.partition("<details>")[0].rstrip())
    assert len(left_out) <= 3  # the figure of exercise 4 in lesson 06 shows its solution


def test_instructors_find_all_open(folders):
    for old, new in pairs(folders["instructor"]):
        assert [cell.get("outputs") for cell in new.cells] == [cell.get("outputs") for cell in old.cells]
        assert new.cells[0].source.count("<details open><summary><b>For instructors</b>") == 1
        solutions = [cell for cell in new.cells if "solution" in hand_out.tags(cell)]
        assert len(solutions) >= 2 and not [cell.id for cell in solutions if "jupyter" in cell.metadata]


def test_the_guide_is_for_instructors(folders):
    assert (folders["instructor"] / "docs" / "teaching" / "README.md").exists()
    assert not (folders["learner"] / "docs" / "teaching").exists()


@pytest.mark.parametrize("kind", hand_out.KINDS)
def test_links_lead_somewhere(folders, kind):
    for path in (*folders[kind].glob("*.md"), *folders[kind].glob("docs/**/*.md")):
        targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
        assert not [target for target in targets if not (path.parent / target).exists()], path.name


@pytest.mark.parametrize("kind", hand_out.KINDS)
def test_a_folder_has_what_make_lab_needs(folders, kind):
    folder = folders[kind]
    named = {*re.findall(r"(?:scripts|benchmarks)/\w+\.py", (ROOT / "Makefile").read_text())}
    assert not [name for name in named if not name.startswith("benchmarks") and not (folder / name).exists()]
    data = {path.relative_to(ROOT) for path in (ROOT / "data").rglob("*") if path.is_file()}
    assert data == {path.relative_to(folder) for path in (folder / "data").rglob("*") if path.is_file()}
    assert not [*folder.rglob("__pycache__"), *folder.rglob("*.partial")]
    assert not [name for name in ("progress", "tests", ".git", ".venv") if (folder / name).exists()]


def test_a_check_still_answers(folders, monkeypatch):
    """In a kernel with the helpers of the folder."""
    folder = folders["learner"]
    monkeypatch.setenv("PYTHONPATH", str(folder))
    notebook = nbformat.read(folder / "notebooks" / "01_convolution_by_hand.ipynb", as_version=4)
    wanted = ("imports", "ex1", "ex1-check")
    cells = {cell.id: cell for cell in notebook.cells}
    assert all(name in cells for name in wanted)
    where = nbformat.v4.new_code_cell("import helpers; print(helpers.__file__)")
    right = nbformat.v4.new_code_cell("check(1, '-600'); check(1, -600); check(1, 'a'); check(1, 'b')")
    notebook.cells = [*(cells[name] for name in wanted), right, where]
    done = client(notebook).execute().cells
    said = ["".join(output.get("text", "") for output in cell.outputs) for cell in done]
    assert said[2].startswith("… not yet: ")
    assert "✗ no: 600 is the lower row alone" in said[3] and "✓ yes: " in said[3]
    assert said[4].strip() == str(folder / "helpers" / "__init__.py")


def test_what_needs_a_solution_goes_with_it():
    """A lesson without its solutions still runs."""
    sources = {
        "a": ("solution", "def mean_solution(x):\n    return x\nmy_solution = 3"),
        "b": ("exercise", "mean_solution(4)"),
        "c": ("check", "print(3)"),
    }
    cells = [
        nbformat.v4.new_code_cell(source, id=name, metadata={"tags": [tag]}) for name, (tag, source) in sources.items()
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    hand_out.for_learners(notebook)
    assert [cell.source for cell in notebook.cells] == [hand_out.LATER, hand_out.SHOWS_IT, "print(3)"]


def run(kind: str, to: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, SCRIPT, kind]
    return subprocess.run(command, env={**os.environ, "TO": str(to)}, capture_output=True, text=True)


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mine.txt").write_text("mine")
    done = run("learner", tmp_path / "here")
    assert done.returncode == 1 and "is there already" in done.stderr
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["mine.txt"]
    done = run("learner", tmp_path / "new")
    assert done.stdout == f"The lessons for learners are in {tmp_path / 'new'}. `make lab` works there.\n"

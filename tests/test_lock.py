"""`make lock` says which packages changed, and which cells of the lessons print something else under them."""

import importlib
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from script_tools import SCRIPTS

ROOT = SCRIPTS.parent


@pytest.fixture(scope="module", autouse=True)
def scripts():
    sys.path.insert(0, str(SCRIPTS))
    yield
    sys.path.remove(str(SCRIPTS))


@pytest.fixture
def lock(tmp_path, monkeypatch):
    """The script, in a folder with two locks, where programs are only noted."""
    lock = importlib.import_module("lock")
    monkeypatch.setattr(lock, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["lock.py", "03"])
    (tmp_path / lock.LOCK).write_text(OLD)
    (tmp_path / lock.SITE).write_text("sphinx==8.2\n")
    return lock


@pytest.fixture
def compare():
    return importlib.import_module("compare_outputs")


OLD = "keras==3.12.0\n    # via cnn-lessons\nnumpy==2.0 ; python_full_version < '3.12'\nnumpy==2.3 ; sys\nold-one==1\n"
NEW = "keras==3.13.0\n    # via tensorflow==2\nnumpy==2.0 ; python_full_version < '3.12'\nnumpy==2.4\nnew[one]==2\n"


def test_what_changed_between_two_locks(lock):
    assert lock.changes(OLD, OLD) == []
    assert lock.changes(OLD, NEW) == [
        "keras 3.12.0 → 3.13.0",
        "new (new) → 2",
        "numpy 2.0, 2.3 → 2.0, 2.4",
        "old-one 1 → (gone)",
    ]


def test_lessons_run_where_their_packages_changed(lock, tmp_path, monkeypatch, capsys):
    asked = []

    def run(command, variables):
        asked.append(" ".join(command[1:]))
        if command[-1] == lock.LOCK:
            (tmp_path / lock.LOCK).write_text(NEW)
        return 0

    monkeypatch.setattr(lock.do, "run", run)
    lock.main()
    assert [line.split(" --")[0] for line in asked] == [
        "-m uv pip compile pyproject.toml",
        "-m uv pip compile pyproject.toml",
        "-I scripts/set_up.py",
        "scripts/make_data.py",
        "scripts/compare_outputs.py",
    ]
    assert asked[1].endswith(f"--constraint {lock.LOCK} -o {lock.SITE}") and asked[-1].endswith(
        "--report lock-report.txt 03"
    )
    text = (tmp_path / lock.REPORT).read_text()
    assert (
        text.startswith("requirements.lock: 4 packages changed\n  keras 3.12.0 → 3.13.0\n") and "site.lock: 0" in text
    )
    assert capsys.readouterr().out.startswith(text)
    asked.clear()
    lock.main()  # again: nothing is newer
    assert len(asked) == 2 and "No lesson has to run" in (tmp_path / lock.REPORT).read_text()


def test_where_it_cannot_be_resolved_nothing_else_is_done(lock, tmp_path, monkeypatch):
    monkeypatch.setattr(lock.do, "run", lambda *_: 2)
    with pytest.raises(SystemExit) as end:
        lock.main()
    assert end.value.code == 2 and not (tmp_path / lock.REPORT).exists()


def test_the_report_is_not_for_git(lock):
    assert f"/{lock.REPORT}\n" in (ROOT / ".gitignore").read_text()


# --- outputs ---


def notebook(*cells):
    """Return a notebook with a text and cells of (source, outputs, tags)."""
    made = [new_markdown_cell("text")]
    for number, (source, outputs, *tags) in enumerate(cells):
        made.append(new_code_cell(source, outputs=outputs, id=f"cell-{number}", metadata={"tags": tags}))
    return new_notebook(cells=made)


def out(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def shown(**data):
    return new_output("display_data", {key.replace("_", "/"): value for key, value in data.items()})


ERROR = new_output("error", ename="NameError", evalue="no x", traceback=[])


def test_cells_that_print_something_else_are_named(compare):
    stored = notebook(
        ("a", [out("one\ntwo\nthree\n")]),
        ("b", [shown(text_plain="<Figure>", image_png="aaa")]),
        ("c", [out("late"), shown(text_plain="4")]),
    )
    run = notebook(
        ("a", [out("one\n2\nthree\n")]),
        ("b", [shown(text_plain="<Figure>", image_png="bbb"), out("a warning", "stderr")]),
        ("c", [out("late\n"), shown(text_plain="5")]),
    )
    assert compare.differences(stored, stored) == []
    assert compare.differences(stored, run) == [(0, "cell-0", ["-two", "+2"]), (2, "cell-2", ["-4", "+5"])]
    with pytest.raises(ValueError, match="two notebooks with other cells"):
        compare.differences(stored, notebook(("a", [])))


def test_what_the_tests_do_not_compare_is_left_out_and_errors_never_are(compare):
    replaced = compare.patterns((ROOT / "tests" / "sanitize.cfg").read_text(encoding="utf-8"))
    assert replaced
    stored = notebook(("a", [out("it took ≈ 3.2 ms, 7 steps")]), ("b", [out("1")], "nbval-ignore-output"), ("c", []))
    run = notebook(("a", [out("it took ≈ −12.9 ms, 7 steps")]), ("b", [out("2")], "nbval-ignore-output"), ("c", []))
    assert compare.differences(stored, run, replaced) == []
    assert compare.differences(stored, run) != []
    run.cells[2].outputs = [ERROR]
    assert compare.differences(stored, run, replaced) == [(1, "cell-1", ["-1", "+NameError: no x"])]


def test_a_long_difference_is_cut(compare):
    stored, run = (notebook(("a", [out("\n".join(f"{sign}{n}" for n in range(30)))])) for sign in "ab")
    ((_, _, lines),) = compare.differences(stored, run)
    assert len(lines) == compare.LONGEST + 1 and lines[-1] == "… 48 lines more"


def test_what_is_said_of_a_lesson(compare):
    assert compare.as_text("03_x", []) == "03_x: as stored"
    text = compare.as_text("03_x", [(4, "count", ["-93,322", "+93,323"]), (5, "next", ["+more"])])
    assert text == "03_x: 2 cells differ\n  cell 4 (count)\n    -93,322\n    +93,323\n  cell 5 (next)\n    +more"


def test_a_lesson_runs_and_is_left_as_it_was(compare, tmp_path, monkeypatch, capsys):
    lesson = notebook(("print('≈ 3')\n1 + 1", [out("≈ 4\n"), shown(text_plain="3")]), ("1 / 0", []))
    nbformat.write(lesson, tmp_path / "01_convolution_by_hand.ipynb")
    before = (tmp_path / "01_convolution_by_hand.ipynb").read_bytes()
    monkeypatch.setattr(importlib.import_module("refresh"), "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["compare_outputs.py", "--report", str(tmp_path / "report.txt"), "01"])
    compare.main()
    said = capsys.readouterr().out
    assert said.startswith(
        "01_convolution_by_hand: 2 cells differ\n  cell 0 (cell-0)\n    -3\n    +2\n  cell 1 (cell-1)\n"
    )
    assert "ZeroDivisionError" in said and (tmp_path / "report.txt").read_text(encoding="utf-8") == said
    assert (tmp_path / "01_convolution_by_hand.ipynb").read_bytes() == before

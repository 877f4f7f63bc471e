"""The list of deliberate faults fits the helpers, and `make faults` tells what tests catch from what they do not."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "try_faults.py"

spec = importlib.util.spec_from_file_location("try_faults", SCRIPT)
try_faults = importlib.util.module_from_spec(spec)
spec.loader.exec_module(try_faults)

FAULTS = try_faults.load_faults()
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "helpers").rglob("*.py"))


def text_of(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


# --- the list ---


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_fits(fault):
    """What it replaces is there once. Where the code has changed, change the fault, or replace it by another one."""
    before = text_of(fault.file)
    after = fault.put_into(before)
    assert after != before and compile(after, fault.file, "exec")
    assert fault.what and all((ROOT / test).is_file() for test in fault.tests)


def test_no_two_faults_are_equal():
    assert len(FAULTS) >= 60
    assert len({(fault.file, fault.put_into(text_of(fault.file))) for fault in FAULTS}) == len(FAULTS)
    assert len({(fault.file, fault.what) for fault in FAULTS}) == len(FAULTS)


def computes(file: str) -> bool:
    """Tell whether a module has more than a docstring, imports, and a list of them."""
    lines = [
        node for node in ast.parse(text_of(file)).body if not isinstance(node, ast.Import | ast.ImportFrom | ast.Expr)
    ]
    return any(not isinstance(node, ast.Assign) or ast.unparse(node.targets[0]) != "__all__" for node in lines)


@pytest.mark.parametrize("file", [file for file in MODULES if computes(file)])
def test_each_module_has_faults_and_tests(file):
    assert sum(fault.file == file for fault in FAULTS) >= 2, "add two to tests/faults.toml, then `make faults`"
    assert try_faults.tests_of(file, ROOT)


# --- the script ---

FILES = {
    "helpers/__init__.py": "",
    "helpers/one.py": "def double(x):\n    return 2 * x\n\n\ndef half(x):\n    return x / 2\n",
    "helpers/inner/__init__.py": "from helpers.inner.two import two\n",
    "helpers/inner/two.py": "two = 2\n",
    "tests/test_one.py": "from helpers.one import double\ndef test_double():\n    assert double(3) == 6\n",
    "tests/test_one_more.py": "def test_nothing():\n    pass\n",
    "tests/test_other.py": "from helpers import inner, one\nfrom helpers.inner import two\n",
    "tests/test_whole.py": "import helpers\n",
    "tests/test_none.py": "import os\n",
    "tests/inner/test_two.py": "import helpers.inner.two\n",
    "tests/inner/test_inner.py": "",
    "tests/browser/test_page.py": "import helpers.one\n",
    "tests/faults.toml": """
        [[fault]]
        file = "helpers/one.py"
        what = "thrice"
        old = "2 * x"
        new = "3 * x"
        [[fault]]
        file = "helpers/one.py"
        what = "a third"
        old = "x / 2"
        new = "x / 3"
        [[fault]]
        file = "helpers/inner/two.py"
        what = "three"
        old = "= 2"
        new = "= 3"
        [[fault]]
        file = "helpers/inner/two.py"
        what = "four"
        old = "two = 4"
        new = "two = 2"
    """,
}


@pytest.fixture
def project(tmp_path) -> Path:
    """Return a small project of the same form, in which git has no files yet."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    if not shutil.which("git"):
        pytest.skip("git is not installed: `apt install git`")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, env=clean(), check=True)
    return tmp_path


def clean() -> dict[str, str]:
    """Return the environment without settings of git and pytest; plugins, which take long to load, are not needed."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTEST_"))}
    return {**own, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def run(project: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "scripts/try_faults.py", *options]
    done = subprocess.run(command, cwd=project, env=clean(), capture_output=True, text=True)
    assert not done.stderr
    return done.returncode, done.stdout


def test_what_is_caught_and_what_survives(project):
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    status, said = run(project, "one-1")
    assert status == 0
    assert "one-1 (thrice): caught by tests/test_one.py::test_double in" in said and "0 survived" in said
    (project / "tests/test_other.py").write_text("from helpers import one\ndef test_half():\n    assert one.half")
    status, said = run(project, "one")
    assert status == 1
    assert "one-2 (a third): SURVIVED" in said and "1 survived: ['one-2']" in said
    after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert {path.name for path in after if after[path] != before.get(path)} == {"test_other.py"}


def test_without_a_fault_the_tests_must_pass(project):
    (project / "tests/test_one_more.py").write_text("def test_nothing():\n    assert 0\n")
    status, said = run(project, "one-1")
    assert status == 2
    assert "tests/test_one_more.py::test_nothing fails without a fault: mend that first." in said
    assert "caught" not in said


def test_a_fault_that_does_not_fit_is_named(project):
    status, said = run(project, "inner.two-2")
    assert (status, said) == (2, "inner.two-2 (four): its text is in helpers/inner/two.py 0 times, not once.\n")
    (project / "helpers/inner/two.py").write_text("two = 4\nmore = two = 4\n")
    assert "2 times, not once" in run(project, "inner.two-2")[1]


def test_faults_are_chosen_by_names_of_modules_and_packages(project):
    faults = try_faults.load_faults(project)

    def names(*asked):
        return [fault.name for fault in try_faults.chosen(faults, asked)]

    assert names() == ["one-1", "one-2", "inner.two-1", "inner.two-2"]
    assert names("one") == ["one-1", "one-2"]
    assert names("inner") == names("inner.two") == ["inner.two-1", "inner.two-2"]
    assert names("inner.two-2", "one-1") == ["one-1", "inner.two-2"]
    for unknown in ("two", "on", "one-3", "inner.two-"):
        with pytest.raises(ValueError, match=rf"There is no fault '{unknown}'. Modules: one, inner\.two\."):
            names(unknown)


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        ("helpers/one.py", ["test_one.py", "test_one_more.py", "test_other.py", "test_whole.py"]),
        ("helpers/inner/two.py", ["inner/test_two.py", "inner/test_inner.py", "test_other.py", "test_whole.py"]),
        ("helpers/inner/__init__.py", ["inner/test_inner.py", "test_other.py", "test_whole.py"]),
        ("helpers/__init__.py", ["test_whole.py"]),
    ],
)
def test_tests_belong_to_what_they_mirror_and_import(project, file, tests):
    assert try_faults.tests_of(file, project) == [f"tests/{test}" for test in tests]


def test_helpers_from_elsewhere_are_refused(project, tmp_path, monkeypatch):
    monkeypatch.setattr(try_faults, "ROOT", project)
    (project / "helpers/__init__.py").unlink()  # then the folder is no package
    try_faults.copy_of_lessons(tmp_path / "copy")
    with pytest.raises(RuntimeError, match="not from the copy in"):
        try_faults.run_tests(tmp_path / "copy", ["tests/test_one.py"])


PROGRAM = """
import os, pathlib, subprocess, sys
import helpers.one
def test_a_program_in_another_folder_and_with_another_path_has_the_fault(tmp_path):
    code, others = "from helpers.one import double; assert double(3) == 6", {**os.environ, "PYTHONPATH": str(tmp_path)}
    for options in ([], ["-I"]):
        subprocess.run([sys.executable, *options, "-c", code], cwd=tmp_path, env=others, check=True)
        assert not [*pathlib.Path(helpers.one.__file__).parent.rglob("*.pyc")]
"""


def test_programs_that_a_test_starts_have_the_fault_as_well(project):
    (project / "tests/test_one.py").write_text(PROGRAM)
    status, said = run(project, "one-1")
    assert status == 0 and "one-1 (thrice): caught by tests/test_one.py::test_a_program_in" in said


def test_tests_that_could_not_run_catch_nothing():
    def ended(status, text=""):
        return try_faults.catcher(subprocess.CompletedProcess([], status, text, ""))

    assert ended(0) is None
    assert (
        ended(1, "..\nFAILED tests/test_a.py::test_b[x y] - assert 0 - 1\n1 failed\n") == "tests/test_a.py::test_b[x y]"
    )
    assert ended(2, "ERROR tests/test_a.py - ImportError: no\n") == "tests/test_a.py"
    for status, text in ((5, ""), (4, "ERROR: file not found"), (1, "")):
        with pytest.raises(RuntimeError, match=f"pytest ended with {status}"):
            ended(status, text)

"""Rules for the tests themselves: none borrows from another, none depends on how busy a machine is, some explore."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

TESTS = Path(__file__).resolve().parent
MODULES = sorted(TESTS.rglob("test_*.py"))
TREES = {path.relative_to(TESTS).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
CLOCKS = {"perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "thread_time", "time", "time_ns"}
ALLOWED = {"test_files.py"}  # which gives files an age


def imports(tree) -> set[str]:
    """Return the modules that a test imports, wherever it does."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def borrowed(tree) -> list[str]:
    """Return the test modules among what a test imports."""
    return sorted(name for name in imports(tree) if any(part.startswith("test_") for part in name.split(".")))


def clocks(tree) -> list[str]:
    """Return the clocks that a test reads: ``time.perf_counter()``, and what it imports from ``time``."""
    read = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "time"
    }
    read |= {name.removeprefix("time.") for name in imports(tree) if name.startswith("time.")}
    return sorted(read & CLOCKS)


def test_all_tests_are_seen():
    assert {"test_tests.py", "widgets/test_stepper.py", "browser/test_lessons.py"} <= set(TREES)


@pytest.mark.parametrize("name", TREES)
def test_no_test_module_imports_another(name):
    """What two of them need stands in a module that is no test; then each can be read, run and changed alone."""
    assert borrowed(TREES[name]) == []


@pytest.mark.parametrize("name", sorted({*TREES} - ALLOWED))
def test_no_test_reads_a_clock(name):
    """On a busy machine everything takes longer: count what is done, and leave times to `make bench`."""
    assert clocks(TREES[name]) == []


@pytest.mark.parametrize(
    ("code", "modules", "read"),
    [
        ("import time\nfrom widget_tools import said\ntime.sleep(1)", [], []),
        ("from test_widgets import said", ["test_widgets", "test_widgets.said"], []),
        ("def f():\n    import tests.test_widgets as w", ["tests.test_widgets"], []),
        ("from tests import test_a", ["tests.test_a"], []),
        ("import time\nstart = time.perf_counter()", [], ["perf_counter"]),
        ("from time import time", [], ["time"]),
        ("import time\nclock = time.process_time", [], ["process_time"]),
    ],
)
def test_the_rules_notice(code, modules, read):
    assert borrowed(ast.parse(code)) == modules
    assert clocks(ast.parse(code)) == read


def test_property_tests_take_the_same_examples_in_each_run():
    """So that a change is what breaks a test."""
    assert settings.get_profile("lessons").derandomize


@given(st.booleans())
def test_property_tests_are_marked(request, _):
    assert request.node.get_closest_marker("property")


def test_other_tests_are_not_marked(request):
    assert not request.node.get_closest_marker("property")


def test_property_tests_explore_if_they_are_told_to():
    """More examples, and others in each run, to find what is wrong: what is said to pytest wins over the conftest."""
    command = [sys.executable, "-m", "pytest", "tests/test_tests.py", "--collect-only", "-v"]
    command += ["--hypothesis-profile=explore", "-p", "no:playwright", "-p", "no:nbval"]
    done = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (header,) = [line for line in done.stdout.splitlines() if line.startswith("hypothesis profile 'explore'")]
    assert "max_examples=400" in header and "derandomize=True" not in header

"""Rules for the tests themselves: none borrows from another, and none depends on how busy a machine is."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
MODULES = sorted(TESTS.rglob("test_*.py"))
TREES = {path.relative_to(TESTS).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
CLOCKS = {"perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "thread_time", "time", "time_ns"}
ALLOWED = {  # what they measure has to be a time
    "test_critters.py",
    "test_datasets.py",
    "test_house.py",
    "test_models.py",
}


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
    assert {"test_tests.py", "test_widgets.py", "browser/test_lessons.py"} <= set(TREES)


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

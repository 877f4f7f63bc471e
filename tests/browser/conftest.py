"""Fixtures of the browser tests: Chromium, JupyterLab, and a page of it (`lab`); see labdriver.py."""

import os
from pathlib import Path

import pytest
from labdriver import CHROMIUM_OPTIONS, NO_CHROMIUM, WINDOW, Lab, find_chromium, run_lab

pytest.register_assert_rewrite("learner", "pages")


def pytest_collection_modifyitems(items):
    """Mark every test of this folder `browser`."""
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Chromium. Without one the browser tests are skipped, but in CI they fail."""
    return find_chromium() or (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_CHROMIUM)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args, chromium):
    """Tell pytest-playwright to start the Chromium of this machine."""
    return {**browser_type_launch_args, "executable_path": chromium, "args": [*CHROMIUM_OPTIONS]}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    """Use the window size of a small laptop."""
    return {**browser_context_args, **WINDOW}


@pytest.fixture(scope="session")
def lab_server(chromium, tmp_path_factory):
    """Run JupyterLab on a copy of the lessons, for all tests."""
    with run_lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture
def lab(page, lab_server):
    """A fresh page of JupyterLab; at the end the kernel is stopped, and no address outside was asked for."""
    lab = Lab(page, lab_server)
    yield lab
    lab.close()
    assert not lab.outside, f"the lessons must work offline, but the page asked for {lab.outside}"

"""Settings of all unit tests: the same examples in each run, no windows, no figures or widgets left open."""

import random
import socket
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import settings

pytest.register_assert_rewrite("widget_tools", "widget_truths", "exercise_tools")  # those of these modules that assert

mpl.use("Agg")  # here only: as MPLBACKEND it would reach the kernels that some tests start

# `--hypothesis-profile=explore`, given to pytest, wins over what is loaded here.
settings.register_profile("lessons", deadline=None, derandomize=True, max_examples=40)
settings.register_profile("explore", deadline=None, derandomize=False, max_examples=400, print_blob=True)
settings.load_profile("lessons")


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items):
    """Mark the property tests, so that `make explore` can run them alone."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("property")


@pytest.fixture(autouse=True)
def same_draws():
    """Each test begins with the same random numbers, whatever ran before it in its process."""
    random.seed(0)  # from here Keras takes the seeds of layers that are given none
    np.random.seed(0)  # noqa: NPY002 - whatever still asks it
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(autouse=True)
def close_widgets():
    """Widgets stay in a registry for ever otherwise."""
    yield
    if "ipywidgets" in sys.modules:
        sys.modules["ipywidgets"].Widget.close_all()


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache folder, so that no test writes to that of the user; it is not made yet."""
    monkeypatch.setenv("CNN_LESSONS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    def refuse(*_):
        raise AssertionError("tried to reach the network")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("SKIMAGE_DATADIR", str(tmp_path))

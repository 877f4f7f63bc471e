"""Settings of all unit tests: the same examples in each run, no windows, no figures left open."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from hypothesis import settings

mpl.use("Agg")  # here only: as MPLBACKEND it would reach the kernels that some tests start

settings.register_profile("lessons", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("lessons")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")

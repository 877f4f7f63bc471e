"""For `make notebooks` (nbval): what a library writes to stderr is not compared with what is stored."""


def pytest_collectstart(collector):
    """Leave stderr out of the comparison: other machines have other warnings of C++ parts."""
    if collector.path.suffix == ".ipynb" and hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)

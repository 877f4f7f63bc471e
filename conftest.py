"""For all tests: a share of the matrix a day; for nbval: kernels without network and without a user's settings."""

import datetime
import os
import shutil
import tempfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def pytest_addoption(parser):
    """Add the options that choose from the tests that are marked `matrix`."""
    parser.addoption(
        "--share-of-the-day", type=int, metavar="N", help="of the selected tests one in N, others each day"
    )


def pytest_collection_modifyitems(config, items):
    """Keep the share of today."""
    shares = config.getoption("--share-of-the-day")
    if shares:
        today = datetime.date.today().toordinal() % shares
        chosen = [item for item in items if zlib.crc32(item.nodeid.encode()) % shares == today]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


def pytest_configure(config):
    """Let no test remember answers. Let nbval's kernels know no network and no settings, and talk through sockets."""
    os.environ["CNN_LESSONS_PROGRESS"] = "off"
    if config.pluginmanager.hasplugin("nbval"):
        from surroundings import sockets, surroundings

        folder = Path(tempfile.mkdtemp(prefix="cnn-lessons-"))
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        os.environ |= {**surroundings(folder), "PYTHONPATH": str(ROOT / "tests" / "offline")}
        import nbval.kernel

        manager = nbval.kernel.KernelManager
        nbval.kernel.KernelManager = lambda **options: manager(**options, **sockets())


def pytest_collectstart(collector):
    """Leave stderr out of the comparison: other machines have other warnings of C++ parts."""
    if collector.path.suffix == ".ipynb" and hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)

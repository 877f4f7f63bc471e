"""For all tests: a share of the matrix a day; for nbval: kernels without network and without a user's settings."""

import datetime
import os
import shutil
import sys
import tempfile
import uuid
import zlib
from pathlib import Path

from jupyter_client.manager import KernelManager

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


def with_sockets(**options) -> KernelManager:
    """Return a manager whose kernel talks through files with a name of their own.

    With ports, two workers that start kernels at once may choose the same one. Such a kernel hangs, or ends.
    """
    return KernelManager(transport="ipc", ip=str(Path(tempfile.gettempdir(), uuid.uuid4().hex)), **options)


def pytest_configure(config):
    """Let nbval's kernels refuse the network (tests/offline), know no settings, and use `with_sockets`."""
    if config.pluginmanager.hasplugin("nbval"):
        from surroundings import surroundings

        folder = Path(tempfile.mkdtemp(prefix="cnn-lessons-"))
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        os.environ |= {**surroundings(folder), "PYTHONPATH": str(ROOT / "tests" / "offline")}
        if sys.platform != "win32":
            import nbval.kernel

            nbval.kernel.KernelManager = with_sockets


def pytest_collectstart(collector):
    """Leave stderr out of the comparison: other machines have other warnings of C++ parts."""
    if collector.path.suffix == ".ipynb" and hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)

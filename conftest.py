"""For `make notebooks` (nbval): kernels that cannot take each other's ports; stderr of libraries is not compared."""

import sys
import tempfile
import uuid
from pathlib import Path

from jupyter_client.manager import KernelManager


def with_sockets(**options) -> KernelManager:
    """Return a manager whose kernel talks through files with a name of their own.

    With ports, two workers that start kernels at once may choose the same one. Such a kernel hangs, or ends.
    """
    return KernelManager(transport="ipc", ip=str(Path(tempfile.gettempdir(), uuid.uuid4().hex)), **options)


def pytest_configure(config):
    """Let nbval use `with_sockets`, where the system has such files."""
    if config.pluginmanager.hasplugin("nbval") and sys.platform != "win32":
        import nbval.kernel

        nbval.kernel.KernelManager = with_sockets


def pytest_collectstart(collector):
    """Leave stderr out of the comparison: other machines have other warnings of C++ parts."""
    if collector.path.suffix == ".ipynb" and hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)

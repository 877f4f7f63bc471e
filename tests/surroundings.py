"""What surrounds a lesson that is tested: the same everywhere, whatever settings and caches a user has."""

import sys
import tempfile
import uuid
from pathlib import Path

from helpers.files import VARIABLE, cache_folder
from helpers.progress import OFF
from helpers.progress import VARIABLE as PROGRESS

from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def surroundings(folder: Path) -> dict[str, str]:
    """Make folders in ``folder``; return the environment variables that lead a kernel or a JupyterLab to them.

    There are no settings of IPython, Jupyter and Keras, no weights of Keras, no memory of answers, no trials, and no
    data in the cache folder but the critters, if they have been drawn. Kernels and extensions are still found, in
    ``sys.prefix``.
    """
    names = {
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "KERAS_HOME": "keras",
        "CNN_LESSONS_RUNS": "runs",
    }
    folders = {name: folder / inner for name, inner in names.items()} | {VARIABLE: cache_with_critters(folder)}
    for path in folders.values():
        path.mkdir(parents=True, exist_ok=True)
    return {name: str(path) for name, path in folders.items()} | {"JUPYTER_PATH": "", PROGRESS: OFF}


def cache_with_critters(folder: Path) -> Path:
    """Make a cache folder in ``folder``, in which there are only the critters, if they have been drawn; return it."""
    cache = folder / "cache"
    cache.mkdir(parents=True)
    for drawn in cache_folder().glob("critters*"):
        (cache / drawn.name).symlink_to(drawn)
    return cache


def sockets() -> dict[str, str]:
    """Return options of a kernel manager whose kernel talks through files with a name of their own.

    With ports, two programs that start kernels at once may choose the same one. Such a kernel hangs, or ends.
    """
    if sys.platform == "win32":
        return {}
    return {"transport": "ipc", "ip": str(Path(tempfile.gettempdir(), uuid.uuid4().hex))}


def client(notebook, **options) -> NotebookClient:
    """Return a client that runs a notebook in the folder of the lessons."""
    manager = AsyncKernelManager(kernel_name="python3", **sockets())
    client = NotebookClient(notebook, km=manager, resources={"metadata": {"path": NOTEBOOKS}}, **options)
    client.owns_km = True  # it ends the kernel when it is done
    return client

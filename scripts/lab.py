"""Start JupyterLab on the lessons: `make lab`."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST = "notebooks/00_start_here.ipynb"


def command() -> list[str]:
    """Return the command line. As root (in a container) JupyterLab must be told that this is wanted."""
    options = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [
        sys.executable, "-m", "jupyterlab",
        f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/{FIRST}", *options, *sys.argv[1:],
    ]  # fmt: skip


def environment() -> dict[str, str]:
    """Return the environment, in which kernels of this Python come before those that a user has named alike."""
    paths = [str(Path(sys.prefix, "share", "jupyter")), os.environ.get("JUPYTER_PATH", "")]
    return {**os.environ, "JUPYTER_PATH": os.pathsep.join(filter(None, paths))}


if __name__ == "__main__":
    print(
        "Starting JupyterLab. If no browser opens, open the address that it prints below. Ctrl+C ends it.",
        flush=True,
    )
    if os.name == "nt":  # where exec does not wait
        from do import run

        sys.exit(run(command(), environment()))
    os.execve(sys.executable, command(), environment())

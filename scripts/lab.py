"""Start JupyterLab on the lessons: `make lab`."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST = "notebooks/01_convolution_by_hand.ipynb"


def command() -> list[str]:
    """Return the command line. As root (in a container) JupyterLab must be told that this is wanted."""
    options = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [
        sys.executable, "-m", "jupyter", "lab",
        f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/{FIRST}", *options, *sys.argv[1:],
    ]  # fmt: skip


if __name__ == "__main__":
    print(
        "Starting JupyterLab. If no browser opens, open the address that it prints below. Ctrl+C ends it.",
        flush=True,
    )
    os.execv(sys.executable, command())

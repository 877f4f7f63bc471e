"""Import TensorFlow without the lines that its C++ part writes on every start."""

import importlib
import os
import re
import sys
import tempfile

HARMLESS = re.compile(
    r"^I\d{4} "  # information only: which CPU instructions are used, that there is no CUDA
    r"|To enable the following instructions: "  # second line of the one on CPU instructions
    r"|All log messages before absl::InitializeLog"
    r"|failed call to cuInit"  # said where there is no GPU
)


def filter_messages(text: str) -> str:
    """Return the lines of ``text`` that are not `HARMLESS`."""
    return "".join(line for line in text.splitlines(keepends=True) if line.strip() and not HARMLESS.search(line))


def import_tensorflow():
    """Import TensorFlow and let it look for a GPU; what it writes to stderr is passed on, less the harmless lines."""
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            tensorflow = importlib.import_module("tensorflow")
            tensorflow.config.list_physical_devices("GPU")
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            caught.seek(0)
            sys.stderr.write(filter_messages(caught.read().decode(errors="replace")))
    return tensorflow

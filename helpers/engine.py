"""TensorFlow and Keras for all helpers: ``from helpers.engine import keras, tf``.

They are imported once, without the lines that the C++ part of TensorFlow writes on every start; Keras gets the settings
that the lessons need, whatever a user has set. Importing this raises RuntimeError where a user's settings do not allow
that; the message says what to change.
"""

import importlib
import os
import re
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

HARMLESS = re.compile(
    r"^I\d{4} "  # information only: which CPU instructions are used, that there is no CUDA
    r"|To enable the following instructions: "  # second line of the one on CPU instructions
    r"|All log messages before absl::InitializeLog"
    r"|failed call to cuInit"  # said where there is no GPU
)


def filter_messages(text: str) -> str:
    """Return the lines of ``text`` that are not `HARMLESS`."""
    return "".join(line for line in text.splitlines(keepends=True) if line.strip() and not HARMLESS.search(line))


@contextmanager
def _only_what_matters():
    """Pass on what is written to stderr, also by C++, less the harmless lines."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            caught.seek(0)
            sys.stderr.write(filter_messages(caught.read().decode(errors="replace")))


def _start() -> tuple:
    """Import TensorFlow and let it look for a GPU, then Keras; return both. Keras gets the settings of the lessons."""
    settings = Path(os.environ.get("KERAS_HOME") or "~/.keras", "keras.json").expanduser()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # no information, such as on the memory of a generator
    try:
        with _only_what_matters():
            tensorflow = importlib.import_module("tensorflow")
            tensorflow.config.list_physical_devices("GPU")
        tensorflow.get_logger().setLevel("WARNING")  # what it tells as INFO is which devices it uses
        keras = importlib.import_module("keras")
    except (AssertionError, AttributeError, TypeError, ValueError) as error:
        if not settings.exists():
            raise
        raise RuntimeError(f"Keras cannot read its settings: mend or delete the file {settings}.") from error
    if keras.config.backend() != "tensorflow":
        raise RuntimeError(
            f"Keras was started with {keras.config.backend()} before the lesson began: restart the kernel, and import "
            "helpers before keras."
        )
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)
    return tensorflow, keras


tf, keras = _start()


def split_cpu(parts: int) -> None:
    """Let TensorFlow see ``parts`` processors, as if the computer had so many devices (lesson 10b).

    Raises RuntimeError if it has begun to compute with another number; says what to do.
    """
    (cpu,) = tf.config.list_physical_devices("CPU")
    if len(tf.config.get_logical_device_configuration(cpu) or [None]) == parts:
        return
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * parts)
    except RuntimeError as error:
        raise RuntimeError("TensorFlow has begun to compute: restart the kernel, and run this cell first.") from error

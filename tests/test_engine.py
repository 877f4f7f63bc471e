"""helpers.engine: TensorFlow starts without a word, and real messages come through. Its settings: test_settings.py."""

import subprocess
import sys
from pathlib import Path

from helpers import engine
from helpers.engine import filter_messages

import pytest

ROOT = Path(__file__).resolve().parent.parent

LOG = """WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795306355.743102   12448 port.cc:153] oneDNN custom operations are on.

I0000 00:00:1795306355.820063   12448 cpu_feature_guard.cc:227] This TensorFlow binary is optimized.
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.
E0000 00:00:1795306361.257481   12448 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error
"""


def test_harmless_messages_are_left_out():
    assert filter_messages(LOG) == ""
    assert filter_messages("") == ""


@pytest.mark.parametrize(
    "line",
    [
        "W0000 00:00:1795306361.257481   12448 cpu_allocator.cc:84] Allocation exceeds 10% of free memory\n",
        "E0000 00:00:1795306361.257481   12448 a.cc:1] something is broken\n",
        "F0000 00:00:1795306361.257481   12448 a.cc:1] something is broken\n",
        "DeprecationWarning: this goes away\n",
        "Illegal instruction",
        "I did not expect that\n",
    ],
)
def test_other_messages_are_passed_on(line):
    assert filter_messages(LOG + line) == line
    assert filter_messages(line.rstrip() + "\n" + LOG) == line.rstrip() + "\n"


def test_what_is_handed_on_is_what_a_lesson_imports():
    assert engine.tf is sys.modules["tensorflow"]
    assert engine.keras is sys.modules["keras"]


def test_start_is_quiet_and_real_messages_come_through():
    code = (
        "import helpers.training, keras, sys, os\n"
        "print('on stdout'); print('on stderr', file=sys.stderr, flush=True); os.write(2, b'on file 2\\n')\n"
        "print(keras.backend.backend())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "on stdout\ntensorflow\n"
    assert done.stderr == "on stderr\non file 2\n"


SPLIT = """
from helpers.engine import split_cpu, tf
{before}
try:
    split_cpu({parts})
    split_cpu({parts})
except RuntimeError as error:
    print(error)
print(len(tf.config.list_logical_devices("CPU")))
"""


@pytest.mark.parametrize(
    ("before", "parts", "said"),
    [
        ("", 3, "3\n"),
        ("", 1, "1\n"),
        ("tf.zeros(1)", 1, "1\n"),
        ("tf.zeros(1)", 2, "TensorFlow has begun to compute: restart the kernel, and run this cell first.\n1\n"),
    ],
)
def test_a_processor_is_split_before_anything_is_computed(before, parts, said):
    code = SPLIT.format(before=before, parts=parts)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (said, "")


def test_a_strategy_says_nothing():
    """What TensorFlow tells as INFO, such as which devices it uses, would be stored in notebooks as an error."""
    code = (
        "from helpers.engine import tf\n"
        "strategy = tf.distribute.MirroredStrategy(['CPU:0'])\n"
        "tf.get_logger().warning('but warnings come through')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == "WARNING:tensorflow:but warnings come through\n"

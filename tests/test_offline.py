"""`make notebooks` runs the lessons with tests/offline on PYTHONPATH: here, that this really cuts the network off."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = "192.0.2.1"  # reserved for documentation: nobody has this address, and nothing is sent to it
REFUSED = "the lessons must work without a network"


def run(code: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    """Run Python code as `make notebooks` would, in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "offline")}
    command = [sys.executable, "-c", f"import socket, subprocess, sys, os\n{code}"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "code",
    [
        f"socket.create_connection(('{OUTSIDE}', 80), timeout=1)",
        f"socket.socket().connect(('{OUTSIDE}', 80))",
        f"socket.socket().connect_ex(('{OUTSIDE}', 80))",
        f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('{OUTSIDE}', 80))",
        "socket.getaddrinfo('example.invalid', 80)",
        "socket.gethostbyname('example.invalid')",
        "import urllib.request; urllib.request.urlopen('http://example.invalid', timeout=1)",
        f"import urllib.request; urllib.request.urlopen('http://{OUTSIDE}', timeout=1)",
    ],
)
def test_outside_is_refused(code):
    done = run(code)
    assert done.returncode != 0
    assert REFUSED in done.stderr.splitlines()[-1]


def test_this_machine_is_reached():
    done = run(
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "for host in ('127.0.0.1', 'localhost'):\n"
        "    socket.create_connection((host, server.getsockname()[1])).close()\n"
        "left, right = socket.socketpair()\n"
        "left.sendall(b'hello')\n"
        "assert right.recv(5) == b'hello'\n"
    )
    assert done.returncode == 0, done.stderr


def test_it_holds_in_processes_that_start_elsewhere(tmp_path):
    """A kernel starts in the folder of its notebook."""
    inner = f"import socket; socket.create_connection(('{OUTSIDE}', 80), timeout=1)"
    done = run(f"os.chdir({str(tmp_path)!r}); subprocess.run([sys.executable, '-c', {inner!r}])")
    assert REFUSED in done.stderr


METHODS, LOOKUPS = {"connect", "connect_ex", "sendto"}, {"getaddrinfo", "gethostbyname", "gethostbyname_ex"}


@pytest.mark.parametrize("offline", [True, False])
def test_it_is_the_folder_on_the_path_that_guards(offline):
    """Without it nothing is replaced, and an address is looked up (in numbers, for which no network is needed)."""
    code = (
        "import json, socket\n"
        "def ours(owner):\n"
        "    return sorted(n for n, f in vars(owner).items() if getattr(f, '__module__', '') == 'sitecustomize')\n"
        "print(json.dumps({'socket': ours(socket.socket), 'module': ours(socket)}))\n"
        f"socket.getaddrinfo('{OUTSIDE}', 80, flags=socket.AI_NUMERICHOST)\n"
    )
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    folder = {"PYTHONPATH": str(ROOT / "tests" / "offline")} if offline else {}
    done = subprocess.run([sys.executable, "-c", code], env=clean | folder, capture_output=True, text=True, timeout=60)
    guarded = {owner: set(names) for owner, names in json.loads(done.stdout).items()}
    assert guarded == {"socket": METHODS if offline else set(), "module": LOOKUPS if offline else set()}
    assert (done.returncode != 0) == offline
    assert (REFUSED in done.stderr) == offline


def test_it_holds_under_nbval_in_any_folder(tmp_path):
    """The root conftest.py leads nbval's kernels to it, whatever the path of the clone is."""
    clone = tmp_path / "with 'quotes', \"quotes\" and $HOME"
    shutil.copytree(ROOT / "tests" / "offline", clone / "tests" / "offline")
    for name in ("conftest.py", "pyproject.toml", "tests/surroundings.py", "tests/sanitize.cfg"):
        shutil.copy(ROOT / name, clone / name)
    asks = (
        f"import socket\ntry:\n    socket.create_connection(('{OUTSIDE}', 80), timeout=1)\nexcept OSError as error:\n"
    )
    cell = nbformat.v4.new_code_cell(f"{asks}    print(error)", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", text=f"{REFUSED}, but something asked for {OUTSIDE}\n")]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), clone / "asks.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "-p", "no:python", "asks.ipynb"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # the helpers that surroundings.py needs
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, timeout=300)
    assert "1 passed" in done.stdout, done.stdout

"""What the doctor sees by trying: settings are read, a step is trained, JupyterLab answers, a widget moves."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from helpers.doctor import FINE, NOTE, WRONG, Check, Finding, computer
from helpers.doctor.computer import ROOT

TRAIN = """
from helpers.engine import keras
import numpy as np
layers = keras.layers
model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2)])
model.compile("sgd", "mse")
before = model.get_weights()[0].copy()
model.fit(np.ones((4, 8, 8, 1)), np.ones((4, 2)), verbose=0)
assert not np.array_equal(before, model.get_weights()[0]), "no weight has changed"
import tensorflow
print(f"Keras {keras.__version__} on TensorFlow {tensorflow.__version__} trains; {keras.config.floatx()}")
"""
DRAW = """
import matplotlib
matplotlib.use("Agg")
from helpers import plots
import matplotlib.pyplot as plt
plots.set_style()
plt.subplots()[0].canvas.draw()
"""
WIDGET = """
import ipywidgets
slider, label = ipywidgets.IntSlider(), ipywidgets.Label()
slider.observe(lambda change: setattr(label, "value", f"got {change.new}"), "value")
"""


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it ended without a word"])[-1][:300]


def run(code: str, seconds: float, environ: Mapping[str, str] = os.environ) -> subprocess.CompletedProcess:
    """Run Python code in a process of its own, in the folder of the lessons; raises subprocess.TimeoutExpired."""
    command = [sys.executable, "-c", code]
    own = {**environ, "CNN_LESSONS_PROGRESS": "off"}
    return subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=seconds)


def keras_settings(environ: Mapping[str, str] = os.environ) -> Finding:
    """Read the user's settings of Keras, if there are any: lessons use none of them, but Keras must be able to."""
    folder = Path(os.path.expanduser(environ.get("KERAS_HOME") or "~/.keras"))
    file = folder / "keras.json"
    if not file.exists():
        return Finding("Keras", FINE, "no settings of your own")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        own = {name for name, usual in KERAS_SETTINGS.items() if found.get(name, usual[0]) not in usual}
    except (OSError, ValueError, AttributeError):
        return Finding("Keras", WRONG, "it cannot read its settings", f"mv {file} {file}.old")
    return Finding("Keras", FINE, f"your {', '.join(sorted(own))} do not count here" if own else "the usual settings")


KERAS_SETTINGS = {
    "floatx": ("float32",),
    "backend": ("tensorflow",),
    "image_data_format": ("channels_last",),
    "epsilon": (1e-7,),
}


def matplotlib_settings(environ: Mapping[str, str] = os.environ, seconds: float = 50) -> Finding:
    """Draw a figure with the user's settings of Matplotlib below those of the lessons."""
    done = run(DRAW, seconds, environ)
    if done.returncode:
        return Finding("Matplotlib", WRONG, _last_line(done.stderr), "mend or rename your file matplotlibrc")
    if done.stderr.strip():
        return Finding("Matplotlib", NOTE, f"it draws, but says: {done.stderr.strip().splitlines()[0][:200]}")
    return Finding("Matplotlib", FINE, "draws a figure")


def training(code: str = TRAIN, seconds: float = 150) -> Finding:
    """Let TensorFlow train a step, in a process of its own."""
    try:
        done = run(code, seconds)
    except subprocess.TimeoutExpired:
        advice = "close other programs, then: make doctor"
        return Finding("training", WRONG, f"not one step within {seconds:g} s", advice)
    if done.returncode < 0:
        said = f"TensorFlow ended by signal {-done.returncode}: this processor or too little memory"
        return Finding("training", WRONG, said, "free memory; a processor without AVX cannot run TensorFlow")
    if done.returncode:
        return Finding("training", WRONG, _last_line(done.stderr), "make clean; make lab")
    return Finding("training", FINE, _last_line(done.stdout))


def ports(taken: Callable[[int], bool] | None = None) -> Finding:
    """Look at the ports of JupyterLab, 8888 and those after it."""
    free = [port for port in range(8888, 8894) if not (taken or _is_taken)(port)]
    if not free:
        advice = "end other servers: .venv/bin/python -m jupyter server stop"
        return Finding("ports", WRONG, "8888 to 8893 are taken, or this computer lets nobody listen", advice)
    if free[0] != 8888:
        return Finding(
            "ports", NOTE, f"8888 is taken; JupyterLab will use {free[0]}", "open the address that it prints"
        )
    return Finding("ports", FINE, "8888 is free")


def _is_taken(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def chromium(find: Callable[[str], str | None] = shutil.which, environ: Mapping[str, str] = os.environ) -> Finding:
    """Look for Chromium, which only the browser tests need."""
    names = [environ["CHROMIUM"]] if environ.get("CHROMIUM") else ["chromium", "chromium-browser", "google-chrome"]
    if any(map(find, names)):
        return Finding("Chromium", FINE, "there, for the tests in the browser")
    return Finding("Chromium", NOTE, "not there; only the tests in the browser need it", "apt install chromium")


# --- JupyterLab, a kernel, a widget ---


def lab_command(port: int) -> list[str]:
    """Return the command that starts JupyterLab on a port, as `make lab` does, but without a browser."""
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    options = ["--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    return [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}", *options, *root]


@contextmanager
def server(command: Callable[[int], Sequence[str]] = lab_command, seconds: float = 90) -> Iterator[tuple[str, str]]:
    """Start a server; gives its address and token once it answers. Raises RuntimeError if it does not."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    token, url = secrets.token_hex(16), f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, tempfile.TemporaryFile() as log:
        own = {"JUPYTER_TOKEN": token, "JUPYTER_RUNTIME_DIR": folder, "CNN_LESSONS_PROGRESS": "off"}
        if not Path("~/.ipython").expanduser().exists():
            own["IPYTHONDIR"] = str(Path(folder, "ipython"))  # nothing is left behind
        own["JUPYTER_PATH"] = os.pathsep.join(
            filter(None, [str(Path(sys.prefix, "share", "jupyter")), os.environ.get("JUPYTER_PATH")])
        )
        program = subprocess.Popen(command(port), env={**os.environ, **own}, stdout=log, stderr=log)
        try:
            end = time.monotonic() + seconds
            while not _answers(f"{url}/api"):
                if program.poll() is not None:
                    log.seek(0)
                    raise RuntimeError(_last_line(log.read().decode(errors="replace")))
                if time.monotonic() > end:
                    raise RuntimeError(f"it does not answer within {seconds:g} s")
                time.sleep(0.2)
            yield url, token
        finally:
            program.terminate()  # it ends its kernels
            try:
                program.wait(15)
            except subprocess.TimeoutExpired:
                program.kill()


def _answers(address: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


class Kernel:
    """A kernel of a server, talked to as a page does, through a websocket; TimeoutError for one that is silent."""

    def __init__(self, url: str, token: str, patience: float = 60):
        import websocket

        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{url}/api/kernels", b'{"name": "python3"}', headers)
        with opener.open(request, timeout=patience) as answer:
            kernel = json.load(answer)["id"]
        address = f"{url.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
        self._end = time.monotonic() + patience
        self._socket = websocket.create_connection(
            address, timeout=patience, header=[f"Authorization: token {token}"], http_no_proxy=["127.0.0.1"]
        )
        self._socket.settimeout(1)  # the server's pings would renew a long one for ever
        self._session = uuid.uuid4().hex

    def send(self, kind: str, content: dict) -> None:
        """Send a message of this kind."""
        header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": self._session, "username": ""}
        header["version"] = "5.3"  # of the protocol
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self._socket.send(json.dumps(message))

    def execute(self, code: str) -> None:
        """Let the kernel run code."""
        self.send("execute_request", {"code": code, "silent": False, "store_history": False, "allow_stdin": False})

    def until(self, wanted: Callable[[str, dict], object]):
        """Return what ``wanted`` makes of kind and content of a message, the first that is something.

        Raises RuntimeError for an error in the kernel.
        """
        import websocket

        while time.monotonic() < self._end:
            try:
                received = self._socket.recv()
            except websocket.WebSocketTimeoutException:
                continue
            if not isinstance(received, str):
                continue
            message = json.loads(received)
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "error":
                raise RuntimeError(f"{content['ename']}: {content['evalue']}")
            if found := wanted(kind, content):
                return found
        raise TimeoutError("the kernel does not answer")

    def close(self) -> None:
        """Close the websocket."""
        self._socket.close()


def printed(kind: str, content: dict) -> str:
    """Return what a message prints, or ""."""
    return content["text"] if kind == "stream" else ""


def slider_of(kind: str, content: dict) -> str:
    """Return the id of the slider that a message makes, or ""."""
    state = content.get("data", {}).get("state", {}) if kind == "comm_open" else {}
    return content["comm_id"] if state.get("_model_name") == "IntSliderModel" else ""


def answer_of(kind: str, content: dict) -> str:
    """Return the text that a label gets by a message, or ""."""
    value = content.get("data", {}).get("state", {}).get("value", "") if kind == "comm_msg" else ""
    return value if isinstance(value, str) and value.startswith("got ") else ""


def jupyter(command: Callable[[int], Sequence[str]] = lab_command, code: str = WIDGET, seconds: float = 90) -> Finding:
    """Start JupyterLab and a kernel, make a slider, move it as a page would, and wait for what Python answers."""
    step, mend = "JupyterLab does not start", "make lab, and read what it prints"
    try:
        with server(command, seconds) as (url, token):
            step, mend = "no kernel runs", "make clean; make lab"
            kernel = Kernel(url, token, seconds)
            try:
                kernel.execute("print('ready')")
                kernel.until(printed)
                step = "a widget does not answer"
                kernel.execute(code)
                slider = kernel.until(slider_of)
                update = {"method": "update", "state": {"value": 7}, "buffer_paths": []}
                kernel.send("comm_msg", {"comm_id": slider, "data": update})
                if kernel.until(answer_of) != "got 7":
                    raise RuntimeError("it answers something else")
            finally:
                kernel.close()
    except Exception as error:  # of the socket, the server, the kernel: whichever it is, this is the finding
        return Finding("JupyterLab", WRONG, f"{step}: {_last_line(str(error))}", mend)
    return Finding("JupyterLab", FINE, "starts, runs a kernel, and a widget answers")


# --- all of them ---


def cache_place() -> Path | None:
    """Return the cache folder; None before anything is installed, or where its variable is wrong."""
    try:
        from helpers.files import cache_folder

        return cache_folder()
    except (ImportError, ValueError):
        return None


BEFORE = (
    Check("Python", computer.python),
    Check(".venv", computer.environment),
    Check("cores", computer.cores),
    Check("memory", computer.memory),
    Check("disk", lambda: computer.disk(cache=cache_place())),
    Check("clock", computer.clock),
    Check("variables", computer.variables),
    Check("writing", computer.writing),
    Check("data", computer.data, 30),
    Check("ports", ports),
    Check("Chromium", chromium),
)
"""What can be looked at before anything is installed."""

AFTER = (
    Check("packages", computer.packages),
    Check("cache", computer.cache, 120),
    Check("Keras", keras_settings),
    Check("Matplotlib", matplotlib_settings, 60),
    Check("training", training, 160),
    Check("JupyterLab", jupyter, 220),
)
"""What needs the packages."""

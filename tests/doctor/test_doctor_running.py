"""What the doctor sees by trying: each thing is broken once, and that is found."""

import http.server
import json
import os
import socket
import sys
import threading
from types import SimpleNamespace

from helpers.doctor import FINE, NOTE, WRONG, running

import pytest
import websocket
from surroundings import surroundings

LONG = 900
"""Seconds that a test may wait on a busy machine."""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Surroundings of this test's own."""
    for name, value in surroundings(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def keras_json(folder, content: str):
    (folder / "keras.json").write_text(content)
    return running.keras_settings({"KERAS_HOME": str(folder)})


def test_settings_of_keras(tmp_path):
    assert running.keras_settings({"KERAS_HOME": str(tmp_path)}).says == "no settings of your own"
    assert keras_json(tmp_path, '{"floatx": "float32", "backend": "tensorflow"}').says == "the usual settings"
    found = keras_json(tmp_path, json.dumps({"floatx": "float16", "backend": "jax"}))
    assert (found.state, found.says) == (FINE, "your backend, floatx do not count here")


@pytest.mark.parametrize("content", ["", "{", "[]", "\udcff"])
def test_settings_that_keras_cannot_read(tmp_path, content):
    (tmp_path / "keras.json").write_bytes(content.encode(errors="surrogateescape"))
    found = running.keras_settings({"KERAS_HOME": str(tmp_path)})
    assert (found.state, found.says) == (WRONG, "it cannot read its settings")
    assert found.mend == f"mv {tmp_path / 'keras.json'} {tmp_path / 'keras.json'}.old"


def test_settings_of_matplotlib(tmp_path):
    def draw(content):
        (tmp_path / "matplotlibrc").write_text(content)
        return running.matplotlib_settings({**os.environ, "MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}, LONG)

    assert draw("figure.dpi: 50\n") == running.Finding("Matplotlib", FINE, "draws a figure")
    odd = draw("figure.dots: 50\n")
    assert odd.state == NOTE and "figure.dots" in odd.says
    (tmp_path / "matplotlibrc").write_bytes(b"\xff\xfe")
    assert (
        running.matplotlib_settings({**os.environ, "MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}, LONG).state != FINE
    )


def test_a_step_is_trained():
    found = running.training(seconds=LONG)
    assert found.state == FINE and "TensorFlow" in found.says and found.says.endswith("trains; float32")


@pytest.mark.parametrize(
    ("code", "seconds", "says"),
    [
        ("raise ImportError('no TensorFlow')", LONG, "ImportError: no TensorFlow"),
        ("import os; os.abort()", LONG, "TensorFlow ended by signal 6"),
        ("import threading; threading.Event().wait()", 0.5, "not one step within 0.5 s"),
        (running.TRAIN.replace('"sgd"', "keras.optimizers.SGD(0.0)"), LONG, "no weight has changed"),
    ],
)
def test_a_training_that_fails(code, seconds, says):
    found = running.training(code, seconds)
    assert found.state == WRONG and says in found.says and found.mend


def test_ports():
    assert running.ports(lambda port: False) == running.Finding("ports", FINE, "8888 is free")
    one = running.ports(lambda port: port < 8890)
    assert (one.state, one.says) == (NOTE, "8888 is taken; JupyterLab will use 8890")
    assert running.ports(lambda port: True).state == WRONG


def test_a_port_that_is_taken_is_noticed():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert running._is_taken(port)
    assert not running._is_taken(port)


def test_chromium():
    assert running.chromium({"google-chrome": "x"}.get, {}).state == FINE
    assert running.chromium({"mine": "x"}.get, {"CHROMIUM": "mine"}).state == FINE
    missing = running.chromium({"chromium": "x"}.get, {"CHROMIUM": "mine"})
    assert (missing.state, missing.mend) == (NOTE, "apt install chromium")


# --- JupyterLab ---


def test_jupyterlab_starts_and_a_widget_answers(own):
    assert running.jupyter(seconds=LONG) == running.Finding(
        "JupyterLab", FINE, "starts, runs a kernel, and a widget answers"
    )


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise ImportError('No module named ipywidgets')", "ImportError: No module named ipywidgets"),
        (running.WIDGET.replace("change.new", "change.old"), "it answers something else"),
    ],
)
def test_a_widget_that_does_not_answer(own, code, says):
    found = running.jupyter(code=code, seconds=LONG)
    assert (found.state, found.says) == (WRONG, f"a widget does not answer: {says}")


def test_a_silent_kernel_is_waited_for_no_longer_than_it_may():
    """Pings of the server renew no patience."""
    kernel, said = (
        object.__new__(running.Kernel),
        iter(["", b"ping", '{"header": {"msg_type": "status"}, "content": {}}']),
    )

    def receive():
        if (text := next(said, None)) is None:
            kernel._end = 0
        if not text:
            raise websocket.WebSocketTimeoutException
        return text

    kernel._socket, kernel._end = SimpleNamespace(recv=receive), float("inf")
    with pytest.raises(TimeoutError, match="the kernel does not answer"):
        kernel.until(running.printed)


def python(*arguments: str):
    """Return what starts Python in place of JupyterLab."""
    return lambda port: [sys.executable, *(argument.replace("PORT", str(port)) for argument in arguments)]


def test_a_jupyterlab_that_does_not_start(own):
    found = running.jupyter(python("-c", "raise SystemExit('No module named jupyterlab')"), seconds=LONG)
    assert (found.state, found.says) == (WRONG, "JupyterLab does not start: No module named jupyterlab")
    silent = running.jupyter(python("-c", "import threading; threading.Event().wait()"), seconds=1)
    assert silent.says == "JupyterLab does not start: it does not answer within 1 s"


def test_a_server_without_kernels(own, tmp_path):
    (tmp_path / "api").write_text("{}")
    found = running.jupyter(
        python("-m", "http.server", "PORT", "--bind", "127.0.0.1", "--directory", str(tmp_path)), seconds=LONG
    )
    assert found.state == WRONG and found.says.startswith("no kernel runs: HTTP Error 501")


def test_a_server_of_somebody_else_is_not_asked(own):
    """A proxy that a user has set gets nothing to see."""
    asked = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(500)

    proxy = http.server.HTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{proxy.server_port}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("http_proxy", address)
            assert not running._answers("http://127.0.0.1:1/api")
    finally:
        proxy.shutdown()
        proxy.server_close()
    assert asked == []

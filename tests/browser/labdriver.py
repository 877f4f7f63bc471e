"""JupyterLab on a copy of the lessons, and a page of headless Chromium that a learner's keys are sent to.

The browser tests and the benchmark of the widgets share it.
"""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import nbformat
from surroundings import surroundings

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
PAGE = 5  # steps that PageUp moves a slider
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
CHROMIUM_OPTIONS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    *(["--no-sandbox"] if IS_ROOT else []),  # root has no sandbox
)
NO_CHROMIUM = "no Chromium found: `apt install chromium`, or name one by the variable CHROMIUM"
WINDOW = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US"}  # of a small laptop
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # each cell is in the page, seen or not
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


def find_chromium() -> str | None:
    """Return the path of a Chromium: what the variable CHROMIUM names, else the first one on PATH."""
    names = (
        [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else ["chromium", "chromium-browser", "google-chrome"]
    )
    return next(filter(None, map(shutil.which, names)), None)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def own_folders(root: Path) -> dict[str, str]:
    """Return the environment of a JupyterLab that knows nothing of its user's settings, and write `SETTINGS`."""
    settings, workspaces = root / "settings", root / "workspaces"
    for plugin, values in SETTINGS.items():
        path = settings / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    own = {"JUPYTERLAB_SETTINGS_DIR": str(settings), "JUPYTERLAB_WORKSPACES_DIR": str(workspaces)}
    return surroundings(root) | own


def wait_until_it_answers(url: str, server: subprocess.Popen, log: Path, seconds: float = 120) -> None:
    """Return once ``url`` answers; raises RuntimeError with the end of the server's log if that takes too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/api", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


@contextmanager
def run_lab(root: Path) -> Iterator[SimpleNamespace]:
    """Run JupyterLab on a copy of the lessons in ``root``; gives its ``url``, ``token`` and the ``folder`` it shows."""
    folder = root / "notebooks"
    shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "runs", "mine"))
    port, token, log = free_port(), secrets.token_hex(16), root / "server.log"
    runtime = tempfile.mkdtemp(prefix="cnn-lessons-")
    short = sys.platform != "win32" and len(runtime) < 50  # the names of sockets have a limit
    options = [
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.terminals_enabled=False",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        *(["--KernelManager.transport=ipc"] if short else []),  # two kernels may choose the same port
        *(["--allow-root"] if IS_ROOT else []),
    ]
    environment = {**os.environ, **own_folders(root), "JUPYTER_TOKEN": token, "JUPYTER_RUNTIME_DIR": runtime}
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(url, server, log)
        yield SimpleNamespace(url=url, token=token, folder=folder, log=log)
    finally:
        server.terminate()  # Jupyter ends its kernels on this signal
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(runtime, ignore_errors=True)


# An exception in the callback of a widget belongs to no cell: it is seen only in what the kernel sends.
LISTEN = """async () => {
    const context = jupyterapp.shell.currentWidget.context;
    await context.ready;
    await context.sessionContext.ready;
    window.lessonProblems = [];
    context.sessionContext.iopubMessage.connect((_, {header, content}) => {
        if (header.msg_type === 'error') lessonProblems.push(content.ename + ': ' + content.evalue);
        if (header.msg_type === 'stream' && content.name === 'stderr') lessonProblems.push('stderr: ' + content.text);
    });
}"""

RUN_ALL = "() => jupyterapp.commands.execute('notebook:run-all-cells')"
RUN_TO_LAST_WIDGET = """async () => {
    const notebook = jupyterapp.shell.currentWidget.content;
    const isStill = output => output.data && 'image/svg+xml' in output.data;
    const last = notebook.widgets.findLastIndex(
        cell => cell.model.type === 'code' && cell.model.outputs.toJSON().some(isStill));
    if (last < 0) throw Error('no widget is stored in this notebook as a still picture');
    notebook.activeCellIndex = last;
    notebook.deselectAll();
    await jupyterapp.commands.execute('notebook:run-all-above');
    notebook.activeCellIndex = last;
    await jupyterapp.commands.execute('notebook:run-cell');
}"""
RUN_OTHERS = """async () => {
    const notebook = jupyterapp.shell.currentWidget.content;
    const others = notebook.widgets.filter(
        cell => cell.model.type === 'code' && !cell.node.querySelector('.jp-OutputArea-output .cnn-widget'));
    for (const cell of others) {
        const before = cell.model.executionCount;
        notebook.activeCellIndex = notebook.widgets.indexOf(cell);
        notebook.deselectAll();
        await jupyterapp.commands.execute('notebook:run-cell');
        if (!(cell.model.executionCount > before)) throw Error(`not run again: ${cell.model.sharedModel.source}`);
    }
}"""

ALL_DONE = """() => {
    const panel = jupyterapp.shell.currentWidget;
    return window.lessonRun !== 'running'
        && panel.sessionContext.session?.kernel?.status === 'idle'
        && ![...document.querySelectorAll('.jp-InputPrompt')].some(prompt => prompt.innerText.includes('*'))
        && ![...document.querySelectorAll('.jp-OutputArea-output')].some(out => /^Loading widget/.test(out.innerText));
}"""


ANSWER_TIME = """([handle, root, selector]) => {
    const last = () => [...root.querySelectorAll(selector)].at(-1);
    const content = element => element && (element.src || element.innerText);
    const before = content(last());
    let pressed;
    handle.addEventListener('keydown', () => { pressed = performance.now(); }, {once: true, capture: true});
    window.answer = new Promise((resolve, reject) => {
        const watch = new MutationObserver(async () => {
            const now = last();
            if (!content(now) || content(now) === before) return;
            watch.disconnect();
            await now.decode?.();
            requestAnimationFrame(() => resolve(performance.now() - pressed));
        });
        watch.observe(root, {subtree: true, childList: true, characterData: true, attributes: true});
        setTimeout(() => reject(Error('no answer within 30 s')), 30_000);
    });
}"""

PNG = "async image => [...new Uint8Array(await (await fetch(image.src)).arrayBuffer())]"


class Slider:
    """One slider of a page, moved by keyboard."""

    def __init__(self, handle):
        self.handle, self.press = handle, handle.press
        self.label = handle.evaluate("it => it.closest('.widget-slider').querySelector('.widget-label').innerText")

    @property
    def value(self) -> float:
        """Where it stands, without the page's rounding (3.0000000000000004); ``aria-valuenow`` has one decimal only."""
        return round(float(self.handle.get_attribute("aria-valuetext")), 9)

    def end(self, key: str) -> float:
        """Return the value that Home or End leads to."""
        return float(self.handle.get_attribute({"Home": "aria-valuemin", "End": "aria-valuemax"}[key]))

    def go(self, value: float) -> None:
        """Move it to one of its values, from the left end."""
        self.press("Home")
        low = self.value
        if value > low:
            self.press("ArrowRight")
            steps = round((value - low) / (self.value - low)) - 1
            for key in ["PageUp"] * (steps // PAGE) + ["ArrowRight"] * (steps % PAGE):
                self.press(key)


class Lab:
    """One page of JupyterLab with one notebook, and what a learner does with it."""

    def __init__(self, page, server):
        self.page, self.server = page, server
        self.outside = []  # addresses that the page asked for and that are not on this machine
        self.broken = []  # exceptions of the page's own scripts
        page.route(re.compile(r"^https?://(?!127\.0\.0\.1[:/])"), self._refuse)
        page.on("pageerror", lambda error: self.broken.append(str(error)))

    def _refuse(self, route):
        self.outside.append(route.request.url)
        route.abort()

    def open(self, name: str) -> None:
        """Open a notebook and wait until its kernel is there."""
        assert (self.server.folder / name).exists(), f"there is no notebook {name}"
        self.page.goto(f"{self.server.url}/lab/workspaces/test/tree/{name}?reset&token={self.server.token}")
        here = "name => window.jupyterapp?.shell?.currentWidget?.context?.path === name"
        self.page.wait_for_function(here, arg=name, timeout=120_000)
        self.page.evaluate(LISTEN)
        self.page.wait_for_function(
            "() => jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'", timeout=120_000
        )

    def run_all(self, seconds: float = 600) -> None:
        """Run all cells and wait until the kernel is idle, no cell shows [*], and the widgets are drawn."""
        self._run(RUN_ALL, seconds)

    def run_to_last_widget(self, seconds: float = 600) -> None:
        """Run all cells up to the last one that shows a widget, and wait as `run_all` does."""
        self._run(RUN_TO_LAST_WIDGET, seconds)

    def run_others(self, seconds: float = 600) -> None:
        """Run, in their order, all code cells again but those that show a widget of the lessons."""
        self._run(RUN_OTHERS, seconds)

    def _run(self, script: str, seconds: float) -> None:
        self.page.evaluate(
            f"""() => {{
                window.lessonRun = 'running';
                ({script})().then(() => {{ lessonRun = 'done'; }}, error => {{ lessonRun = 'failed: ' + error; }});
            }}"""
        )
        self.page.wait_for_function(ALL_DONE, timeout=1000 * seconds)
        outcome = self.page.evaluate("() => lessonRun")
        assert outcome == "done", outcome

    def errors(self) -> list[str]:
        """Return all errors and stderr lines that the kernel sent, for cells and for widgets, and those of the page."""
        self.page.wait_for_timeout(100)
        sent = self.page.evaluate("() => lessonProblems")
        # JupyterLab asks each new kernel for the widgets that it knows from before; there are none
        return [problem for problem in sent if not problem.startswith("stderr: No such comm")] + self.broken

    def widgets(self, selector: str):
        """Return the widgets (a Playwright locator) in all outputs that match a CSS selector."""
        return self.page.locator(f".jp-OutputArea-output {selector}")

    def slider(self, within, label: str):
        """Return the `Slider` with this label inside another element."""
        name = self.page.locator(".widget-label", has_text=re.compile(rf"^\s*{re.escape(label)}\s*$"))
        return Slider(within.locator(".widget-slider", has=name).locator("[role=slider]"))

    def sliders(self, within) -> list[Slider]:
        """Return all sliders inside another element."""
        return [Slider(handle) for handle in within.locator("[role=slider]").all()]

    def dropdown(self, within, label: str):
        """Return the <select> with this label inside another element."""
        name = self.page.locator(".widget-label", has_text=re.compile(rf"^\s*{re.escape(label)}\s*$"))
        return within.locator(".widget-dropdown", has=name).locator("select")

    def choose(self, select, *keys: str) -> None:
        """Open a dropdown by keyboard, press keys in its list, and close it.

        While the list is closed, JupyterLab takes arrows and letters for itself: they move between cells.
        """
        select.focus()
        for key in ("Space", *keys, "Enter"):
            self.page.keyboard.press(key)

    def png(self, image) -> bytes:
        """Return the file that an <img> shows."""
        return bytes(image.evaluate(PNG))

    def answer_time(self, slider: Slider, key: str, within, selector: str) -> float:
        """Press a key on a slider; return the milliseconds until something new is on the screen.

        This is another text, or another picture that is loaded and decoded, in the last element inside ``within``
        that matches ``selector``.
        """
        self.page.evaluate(ANSWER_TIME, [slider.handle.element_handle(), within.element_handle(), selector])
        slider.press(key)
        return self.page.evaluate("() => window.answer")

    def write(self, name: str, *cells: str) -> None:
        """Write a notebook with these code cells beside the lessons, open it and run it."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata.kernelspec = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
        nbformat.write(notebook, self.server.folder / name)
        self.open(name)
        self.run_all()

    def close(self) -> None:
        """End the kernel of the notebook, so that the next test has the memory."""
        self.page.evaluate("() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.shutdown()")

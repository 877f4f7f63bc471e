"""JupyterLab on a copy of the lessons, opened in headless Chromium: the fixture `lab` of the browser tests."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
CHROMIUM_OPTIONS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # each cell is in the page, seen or not
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


def pytest_collection_modifyitems(items):
    """Mark every test of this folder `browser`."""
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker("browser")


def find_chromium() -> str | None:
    """Return the path of a Chromium: what the variable CHROMIUM names, else the first one on PATH."""
    names = (
        [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else ["chromium", "chromium-browser", "google-chrome"]
    )
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Chromium. Without one the browser tests are skipped, but in CI they fail."""
    path = find_chromium()
    if path:
        return path
    reason = "no Chromium found: `apt install chromium`, or name one by the variable CHROMIUM"
    return pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args, chromium):
    """Tell pytest-playwright to start the Chromium of this machine; as root it has no sandbox."""
    options = [*CHROMIUM_OPTIONS, *(["--no-sandbox"] if IS_ROOT else [])]
    return {**browser_type_launch_args, "executable_path": chromium, "args": options}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    """Use the window size of a small laptop."""
    return {**browser_context_args, "viewport": {"width": 1280, "height": 900}, "locale": "en-US"}


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def own_folders(root: Path) -> dict[str, str]:
    """Return the environment of a JupyterLab that knows nothing of its user's settings, and write `SETTINGS`.

    Kernels and extensions are still found: they are in ``sys.prefix``, next to Jupyter's own files.
    """
    names = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    folders = {name: root / folder for name, folder in names.items()}
    for folder in folders.values():
        folder.mkdir(parents=True)
    for plugin, values in SETTINGS.items():
        path = folders["JUPYTERLAB_SETTINGS_DIR"] / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    return {name: str(folder) for name, folder in folders.items()}


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


@pytest.fixture(scope="session")
def lab_server(chromium, tmp_path_factory):
    """Run JupyterLab on a copy of the lessons; gives its ``url``, ``token`` and the ``folder`` it shows."""
    root = tmp_path_factory.mktemp("lab")
    folder = root / "notebooks"
    shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "runs"))
    port, token, log = free_port(), secrets.token_hex(16), root / "server.log"
    options = [
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.terminals_enabled=False",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        *(["--allow-root"] if IS_ROOT else []),
    ]
    environment = {**os.environ, **own_folders(root), "JUPYTER_TOKEN": token}
    environment.pop("MPLBACKEND", None)  # set for the unit tests; here figures are shown
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

RUN_ALL = """() => {
    window.lessonRun = 'running';
    jupyterapp.commands.execute('notebook:run-all-cells').then(
        () => { window.lessonRun = 'done'; }, error => { window.lessonRun = 'failed: ' + error; });
}"""

ALL_DONE = """() => {
    const panel = jupyterapp.shell.currentWidget;
    return window.lessonRun !== 'running'
        && panel.sessionContext.session?.kernel?.status === 'idle'
        && ![...document.querySelectorAll('.jp-InputPrompt')].some(prompt => prompt.innerText.includes('*'))
        && ![...document.querySelectorAll('.jp-OutputArea-output')].some(out => /^Loading widget/.test(out.innerText));
}"""


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
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function(ALL_DONE, timeout=1000 * seconds)

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
        """Return the handle of the slider with this label inside another element; it takes arrow keys, Home, End."""
        name = self.page.locator(".widget-label", has_text=re.compile(rf"^\s*{re.escape(label)}\s*$"))
        return within.locator(".widget-slider", has=name).locator("[role=slider]")

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

    def close(self) -> None:
        """End the kernel of the notebook, so that the next test has the memory."""
        self.page.evaluate("() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.shutdown()")


@pytest.fixture
def lab(page, lab_server):
    """A fresh page of JupyterLab; at the end the kernel is stopped, and no address outside was asked for."""
    lab = Lab(page, lab_server)
    yield lab
    lab.close()
    assert not lab.outside, f"the lessons must work offline, but the page asked for {lab.outside}"

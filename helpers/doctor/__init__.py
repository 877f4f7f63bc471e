"""A check of this computer, before the class and when somebody asks for help: ``make doctor``.

Each check returns a `Finding`: fine, or what is wrong and what mends it. Those of `helpers.doctor.computer` look, most
of them before anything is installed; those of `helpers.doctor.running` try: they start JupyterLab, and train.
"""

import getpass
import json
import platform
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

FINE, NOTE, WRONG = "fine", "note", "wrong"


class Finding(NamedTuple):
    """What a check found: ``state`` is "fine", "note" for what does no harm, or "wrong"; ``mend`` says what to do."""

    name: str
    state: str
    says: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.state:5}  {self.name:12}  {self.says}" + (f"  → {self.mend}" if self.mend else "")


class Check(NamedTuple):
    """A check: what it looks at, the function that does it, and how many seconds it may take."""

    name: str
    look: Callable[[], Finding]
    seconds: float = 20


def bounded(check: Check) -> Finding:
    """Return what a check finds. One that raises, or takes too long, is a finding too."""
    found: list[Finding] = []

    def look():
        try:
            found.append(check.look())
        except subprocess.TimeoutExpired:
            pass  # said below
        except Exception as error:  # whatever it is: the other checks go on
            found.append(Finding(check.name, WRONG, f"{type(error).__name__}: {error}", "tell the authors"))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(check.seconds)
    late = f"no answer within {check.seconds:g} s"
    return found[0] if found else Finding(check.name, WRONG, late, "close other programs, then: make doctor")


def examine(checks: Iterable[Check]) -> Iterator[Finding]:
    """Yield what the checks find, one after the other."""
    return map(bounded, checks)


def status(findings: Iterable[Finding]) -> int:
    """Return the exit status: 1 if anything is wrong, else 0."""
    return int(any(finding.state == WRONG for finding in findings))


# --- for somebody who helps from afar ---


def scrub(text: str, words: Iterable[str] = ()) -> str:
    """Return a text without paths, and without the ``words`` that tell who or where somebody is."""
    for word in sorted(filter(lambda word: len(word) > 1, words), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "<name>", text)
    return re.sub(r"(?<![\w:/.])(?:[A-Za-z]:|<name>)?(?:[\\/][^\s'\":;,()\\/]+)+[\\/]?", "<path>", text)


def private_words() -> set[str]:
    """Return the names of the user and of the computer, and the paths of the home folder and of the lessons."""
    home, lessons = Path.home(), Path(__file__).resolve().parents[2]
    words = {str(home), home.name, str(lessons), socket.gethostname(), platform.node()}
    try:
        return words | {getpass.getuser()}
    except (KeyError, OSError, ImportError):  # a user without a name
        return words


def as_json(findings: Iterable[Finding], words: Iterable[str]) -> str:
    """Return findings as JSON, without paths and names of the user: with it somebody can help from afar."""
    words = [*words]
    found = [{name: scrub(text, words) for name, text in finding._asdict().items()} for finding in findings]
    about = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
    return json.dumps({**about, "findings": found}, indent=1, ensure_ascii=False)

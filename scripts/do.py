"""The verbs of lessons and tests on every system. The Makefile calls this; where there is no make, you do.

    py -3.12 scripts\\do.py lab                      on Windows
    python3.12 scripts/do.py unit -k stepper        elsewhere

What follows the verb goes on to its program. Each verb sets up .venv first when that is needed, and stops at the first
command that fails. Only the standard library is used, since nothing is installed yet.
"""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERBS = {
    "lab": "open the lessons in JupyterLab",
    "doctor": "look at this computer (--json for help from afar)",
    "data": "fill the cache folder before a lesson asks; names of datasets, or all",
    "test": "every check: lint, unit, notebooks, browser",
    "lint": "style of code and notebooks",
    "unit": "tests of helpers, house rules of the notebooks",
    "notebooks": "run each lesson without network and compare with what is stored",
    "browser": "open each lesson in JupyterLab in Chromium and move its widgets",
    "check": "what an author of one lesson needs: --lesson 03 check",
    "test-all": "test, with all that is tried on everything: about an hour",
    "real": "the tests on real datasets",
    "explore": "the property tests on new random examples",
}
KEPT = ("PYTHON", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONUNBUFFERED")
DROPPED = (
    *("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "COLUMNS", "LINES", "FORCE_COLOR"),
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"),
)
"""Settings of a user's of Python, pytest and the terminal that reach the programs, or do not; as in the Makefile."""
THREADS = {"TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""All tests run on all cores, with one thread of TensorFlow for each of them, which is faster in sum."""


def python_of(root, windows=os.name == "nt"):
    """Return the path of the Python in the .venv of a folder."""
    return root.joinpath(".venv", *(("Scripts", "python.exe") if windows else ("bin", "python")))


def notebooks_of(lesson):
    """Return the notebook of a lesson, such as "03", or of all; raises ValueError for one that there is not."""
    found = sorted(ROOT.glob(f"notebooks/{lesson}_*.ipynb" if lesson else "notebooks/*.ipynb"))
    if not found:
        raise ValueError(f"There is no lesson {lesson!r}: name one as its notebook begins, such as 03.")
    return [f"notebooks/{path.name}" for path in found]


def plan(verb, more=(), lesson="", python=None, base=sys.executable):
    """Return the commands of a verb in their order, each once: tuples of words, to be run in the folder of the project.

    ``more`` goes on to the program of the verb, or to each pytest; ``python`` is that of .venv, ``base`` the one that
    sets it up. Raises ValueError for a lesson that there is not, or that is missing.
    """
    python = str(python or python_of(ROOT))
    set_up = (base, "-I", "scripts/set_up.py")
    site, data = (*set_up, "--site"), (python, "scripts/make_data.py")
    pytest = (python, "-m", "pytest", "-n", "auto", "--maxprocesses", "4")  # more need too much memory
    tests = (*pytest, "tests", "--ignore", "tests/browser", "--dist", "worksteal")
    pages = (*pytest, "tests/browser", "--dist", "load")
    nbval = (
        *(*pytest, "--dist", "loadfile", "--nbval", "--nbval-current-env"),
        *("--nbval-sanitize-with", "tests/sanitize.cfg", "--nbval-cell-timeout", "300"),
        *("--nbval-kernel-startup-timeout", "180", "-p", "no:python", "-p", "no:playwright"),
    )
    lint = [set_up, (python, "-m", "ruff", "check", "."), (python, "-m", "ruff", "format", "--check", ".")]
    unit = [site, (*tests, *more)]
    notebooks = [set_up, data, (*nbval, *more, *notebooks_of(lesson))]
    browser = [data, site, (*pages, *more)]
    house = ("tests/test_house.py", "tests/test_as_stored.py", "tests/exercises/test_all.py")
    one = (*pytest, *house, f"tests/exercises/test_lesson_{lesson}.py", "--dist", "worksteal", "-k", lesson, *more)
    if verb == "check" and not lesson:
        raise ValueError("Name a lesson: --lesson 03")
    commands = {
        "lab": [(*set_up, "--or-older"), (python, "scripts/lab.py", *more)],
        "doctor": [(python if os.path.exists(python) else base, "-I", "scripts/doctor.py", *more)],
        "data": [set_up, (*data, *more)],
        "test": [*lint, *unit, *notebooks, *browser],
        "lint": lint,
        "unit": unit,
        "notebooks": notebooks,
        "browser": [set_up, *browser],
        "check": [*lint, data, one, *notebooks],
        "test-all": [
            *(*lint, site, (*tests, "-m", "matrix or not matrix", *more), *notebooks, *browser),
            (*pages, "-m", "browser and matrix", *more),
        ],
        "real": [set_up, data, (*tests, "-m", "real_data", *more)],
        "explore": [site, (*tests, "-m", "property", "--hypothesis-profile", "explore", *more)],
    }
    return list(dict.fromkeys(commands[verb]))


def environment(given):
    """Return the variables that the programs get of these."""
    own = {name for name in given if name.startswith("PYTHON") and name not in KEPT}
    clean = {name: value for name, value in given.items() if name not in own and name not in DROPPED}
    return {**clean, "PYTHONUTF8": "1"}


def run(command, variables):
    """Run a program to its end, and return its exit status. It hears Ctrl+C itself, and what ends this ends it."""
    program = subprocess.Popen(command, cwd=str(ROOT), env=variables)
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    status = program.wait()
    return status if status >= 0 else 128 - status  # as a shell says that a signal ended it


def main():
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        usage="do.py [--dry-run] [--lesson 03] VERB …",
        description="\n".join([__doc__, *(f"  {verb:10} {text}" for verb, text in VERBS.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dry-run", action="store_true", help="only show the commands")
    parser.add_argument("--lesson", default="", metavar="03", help="for check and notebooks")
    parser.add_argument("verb", choices=VERBS, metavar="VERB")
    parser.add_argument("more", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.verb != "doctor" and not (3, 11) <= sys.version_info[:2] <= (3, 13):  # the doctor says it in its way
        found = ".".join(map(str, sys.version_info[:2]))
        sys.exit(
            f"These lessons need Python 3.11, 3.12 or 3.13, and this is {found}.\nInstall one of these and start with "
            f"it: py -3.12 scripts\\do.py {options.verb} on Windows, python3.12 scripts/do.py {options.verb} elsewhere."
        )
    try:
        commands = plan(options.verb, options.more, options.lesson)
    except ValueError as error:
        parser.error(str(error))
    for command in commands:
        is_test = command[1] == "-m"
        if options.dry_run or is_test:
            print(subprocess.list2cmdline(command), flush=True)
        if not options.dry_run:
            status = run(command, {**environment(os.environ), **(THREADS if is_test else {})})
            if status:
                sys.exit(status)


if __name__ == "__main__":
    main()

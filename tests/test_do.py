"""`scripts/do.py` does the verbs of lab and tests on every system, and `make` has no list of its own."""

import ast
import importlib.util
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path, PureWindowsPath

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "do.py"
MAKEFILE = (ROOT / "Makefile").read_text()
spec = importlib.util.spec_from_file_location("do", SCRIPT)
do = importlib.util.module_from_spec(spec)
spec.loader.exec_module(do)

WINDOWS = do.python_of(PureWindowsPath("C:/My lessons"), windows=True)
SET_UP = "py.exe -I scripts/set_up.py"
PYTEST = "python.exe -m pytest -n auto --maxprocesses 4"
UNIT, PAGES = f"{PYTEST} tests --ignore tests/browser --dist worksteal", f"{PYTEST} tests/browser --dist load"
NBVAL = (
    f"{PYTEST} --dist loadfile --nbval --nbval-current-env --nbval-sanitize-with tests/sanitize.cfg "
    "--nbval-cell-timeout 300 --nbval-kernel-startup-timeout 180 -p no:python -p no:playwright"
)
DATA = "python.exe scripts/make_data.py"
LINT = [SET_UP, "python.exe -m ruff check .", "python.exe -m ruff format --check ."]


def on_windows(verb, *more, lesson=""):
    """Return what a verb runs where .venv is that of Windows, without the folder of its Python."""
    commands = do.plan(verb, more, lesson, python=WINDOWS, base="py.exe")
    lines = [" ".join(command) for command in commands]
    return [line.replace(f"{WINDOWS.parent}\\", "") for line in lines]


def test_the_python_of_an_environment_is_found_on_each_system():
    assert str(WINDOWS) == r"C:\My lessons\.venv\Scripts\python.exe"
    assert do.python_of(Path("/lessons"), windows=False) == Path("/lessons/.venv/bin/python")


def test_lab_starts_with_what_is_there():
    assert on_windows("lab", "--no-browser") == [
        f"{SET_UP} --or-older",
        "python.exe scripts/lab.py --no-browser",
    ]


def test_data_passes_names_on():
    assert on_windows("data", "cifar10", "mnist") == [SET_UP, f"{DATA} cifar10 mnist"]


def test_the_doctor_begins_before_anything_is_installed(tmp_path):
    assert on_windows("doctor", "--json") == ["py.exe -I scripts/doctor.py --json"]
    (tmp_path / "python").touch()
    assert do.plan("doctor", python=tmp_path / "python") == [(str(tmp_path / "python"), "-I", "scripts/doctor.py")]


def test_a_test_run_is_lint_unit_notebooks_and_browser():
    notebooks = [f"notebooks/{path.name}" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    assert on_windows("test", "-n0") == [
        *LINT,
        f"{SET_UP} --site",
        f"{UNIT} -n0",
        DATA,
        f"{NBVAL} -n0 {' '.join(notebooks)}",
        f"{PAGES} -n0",
    ]
    parts = [line for verb in ("lint", "unit", "notebooks", "browser") for line in on_windows(verb, "-n0")]
    assert on_windows("test", "-n0") == list(dict.fromkeys(parts)), "and each of them can be had alone"


def test_test_all_has_the_matrix_too():
    lines = on_windows("test-all")
    assert f"{UNIT} -m matrix or not matrix" in lines and lines[-1] == f"{PAGES} -m browser and matrix"
    assert [line for line in on_windows("test") if line not in lines] == [UNIT]


def test_one_lesson_is_checked():
    lines = on_windows("check", "-x", lesson="03")
    assert lines[:3] == LINT and DATA in lines
    assert lines[-2].endswith("tests/exercises/test_lesson_03.py --dist worksteal -k 03 -x")
    assert lines[-1] == f"{NBVAL} -x notebooks/03_building_a_cnn.ipynb"
    with pytest.raises(ValueError, match="Name a lesson: --lesson 03"):
        do.plan("check")
    with pytest.raises(ValueError, match="There is no lesson '99'"):
        do.plan("notebooks", lesson="99")


def test_real_and_explore():
    assert on_windows("real")[-2:] == [DATA, f"{UNIT} -m real_data"]
    assert on_windows("explore")[-1] == f"{UNIT} -m property --hypothesis-profile explore"


@pytest.mark.parametrize("verb", ["notebooks", "browser", "check", "test", "test-all", "real"])
def test_verbs_that_run_lessons_make_their_data_first(verb):
    lines = on_windows(verb, lesson="03")
    used = [place for place, line in enumerate(lines) if "--nbval " in line or PAGES in line or "real_data" in line]
    assert used and lines.count(DATA) == 1 and lines.index(DATA) < min(used)


def test_all_that_is_run_is_there():
    for verb in do.VERBS:
        commands = do.plan(verb, lesson="03")
        assert commands[0][1:3] in [("-I", "scripts/set_up.py"), ("-I", "scripts/doctor.py")]
        words = [word for command in commands for word in command[1:] if re.match(r"(scripts|tests|notebooks)\b", word)]
        assert words and all((ROOT / word).exists() for word in words)


# --- make ---


def test_make_has_no_list_of_its_own():
    recipes = dict(re.findall(r"(?m)^([a-z-]+):.*\n((?:\t.*\n)+)", MAKEFILE))
    for verb in do.VERBS:
        assert re.search(rf"(?m)^\t@\$\(DO\) {verb}( |$)", recipes[verb]), verb
    assert "pytest" not in "".join(recipes[verb] for verb in do.VERBS) and "nbval" not in MAKEFILE


def test_make_and_do_drop_the_same_settings():
    dropped, kept = (
        re.search(pattern, MAKEFILE, re.DOTALL)[1].replace("\\\n", " ").split()
        for pattern in (r"\n\t(PYTEST_ADDOPTS .*?)\nexport", r"filter-out ([\w ]+),")
    )
    assert sorted(dropped) == sorted(do.DROPPED) and sorted(kept) == sorted(do.KEPT)


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed: `apt install make`")
@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (["unit", "PYTEST_ARGS=-k 'a or b' -n0"], ["unit", "-k", "a or b", "-n0"]),
        (["notebooks", "LESSON=03"], ["--lesson", "03", "notebooks"]),
        (["data", "DATASETS=cifar10 mnist"], ["data", "cifar10", "mnist"]),
        (["doctor", "JSON=1"], ["doctor", "--json"]),
        (["lab"], ["lab"]),
    ],
)
def test_make_passes_on_what_is_asked(asked, given):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--dry-run", f"PYTHON={sys.executable}", *asked]
    shown = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=True).stdout
    assert shlex.split(shown.splitlines()[-1]) == [sys.executable, "-I", "scripts/do.py", *given]


# --- running ---


def do_it(*words, **options):
    return subprocess.run([sys.executable, "-I", SCRIPT, *words], capture_output=True, text=True, **options)


def test_a_dry_run_only_shows_the_commands():
    done = do_it("--dry-run", "unit", "-k", "a or b", cwd="/")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 2
    assert lines[1].endswith('--dist worksteal -k "a or b"')


def test_what_cannot_be_done_is_refused():
    done = do_it("check")
    assert done.returncode == 2 and "Name a lesson: --lesson 03" in done.stderr
    done = do_it("tset")
    assert done.returncode == 2 and "invalid choice: 'tset'" in done.stderr


def test_a_python_that_is_too_old_is_told_what_to_do(monkeypatch, capsys):
    ast.parse(SCRIPT.read_text(), feature_version=(3, 7))  # older ones can read it, and so can say it
    for version in ((3, 10, 1), (3, 14, 0)):
        monkeypatch.setattr(sys, "version_info", version)
        monkeypatch.setattr(sys, "argv", ["do.py", "--dry-run", "lab"])
        with pytest.raises(SystemExit, match=rf"(?s)3\.11, 3\.12 or 3\.13, and this is 3\.{version[1]}\..*py -3\.12 "):
            do.main()
    monkeypatch.setattr(sys, "argv", ["do.py", "--dry-run", "doctor"])
    do.main()  # which says it in its own way
    assert "scripts/doctor.py" in capsys.readouterr().out


def test_settings_of_a_user_do_not_reach_the_programs():
    hostile = {"PYTHONPATH": "/theirs", "PYTHONOPTIMIZE": "2", "PYTEST_ADDOPTS": "--cov", "COLUMNS": "40"}
    kept = {"PATH": "p", "PYTHON": "python3", "PYTHONUNBUFFERED": "1", "CNN_LESSONS_REAL_DATA": "/nowhere"}
    assert do.environment({**hostile, **kept}) == {**kept, "PYTHONUTF8": "1"}


def test_the_first_command_that_fails_ends_it(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(sys, "argv", ["do.py", "lint"])
    monkeypatch.setattr(do, "run", lambda command, _: asked.append(command) or (3 if "check" in command else 0))
    with pytest.raises(SystemExit) as end:
        do.main()
    assert end.value.code == 3
    assert asked == do.plan("lint")[:2]
    assert capsys.readouterr().out.endswith("-m ruff check .\n")


def test_tests_run_with_one_thread_each_and_others_as_they_like(monkeypatch):
    threads = {}
    monkeypatch.setattr(sys, "argv", ["do.py", "unit"])
    monkeypatch.setattr(do, "run", lambda command, given: threads.update({command[1]: given.get("OMP_NUM_THREADS")}))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    do.main()
    assert threads == {"-I": None, "-m": "1"}


LONG = f"""import importlib.util, sys
spec = importlib.util.spec_from_file_location("do", {str(SCRIPT)!r})
do = importlib.util.module_from_spec(spec)
spec.loader.exec_module(do)
code = '''
import signal, sys, time
print("here", flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    sys.exit(7)
'''
sys.exit(do.run([sys.executable, "-c", code], None))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are those of Unix")
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 7), (signal.SIGTERM, 143)])
def test_the_program_hears_ctrl_c_itself_and_is_ended_with_this(sent, status):
    program = subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, start_new_session=True)
    assert program.stdout.readline() == b"here\n"
    time.sleep(0.2)
    if sent == signal.SIGINT:
        os.killpg(program.pid, sent)  # as a terminal does
    else:
        program.send_signal(sent)
    assert program.wait(30) == status

"""Put deliberate faults into helpers, one at a time, and see which tests notice: `make faults`.

The faults are in `tests/faults.toml`: each is a mistake that somebody could make. It is put into a copy of the lessons
in a temporary folder, and the tests of its module run there until the first one fails. A fault that survives says
which test is missing; then the exit status is 1. It is 2 if a fault does not fit, or if tests fail without a fault.

    .venv/bin/python scripts/try_faults.py --jobs 2            all
    .venv/bin/python scripts/try_faults.py gabor models-3      those in helpers/gabor.py, and the third in models.py
"""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = "tests/faults.toml"


@dataclass(frozen=True)
class Fault:
    """One mistake: in ``file``, the text ``old``, which is there once, becomes ``new``."""

    name: str  # "models-3": the third one in helpers/models.py
    file: str
    what: str
    old: str
    new: str
    tests: tuple[str, ...] = ()  # where they are, if not where `tests_of` looks

    def put_into(self, text: str) -> str:
        """Return the text of the file with the fault; raises ValueError unless the fault fits."""
        if (times := text.count(self.old)) != 1:
            raise ValueError(f"{self.name} ({self.what}): its text is in {self.file} {times} times, not once.")
        return text.replace(self.old, self.new)


def load_faults(root: Path = ROOT) -> list[Fault]:
    """Return the faults of the list in their order."""
    entries, numbers = tomllib.loads((root / LIST).read_text(encoding="utf-8"))["fault"], {}
    faults = []
    for entry in entries:
        module = entry["file"].removeprefix("helpers/").removesuffix(".py").replace("/", ".")
        number = next(numbers.setdefault(module, count(1)))
        faults.append(Fault(f"{module}-{number}", **entry | {"tests": tuple(entry.get("tests", ()))}))
    return faults


def chosen(faults: list[Fault], names: list[str]) -> list[Fault]:
    """Return the faults with these names, or in these modules or packages; all for no names. Raises ValueError."""

    def fits(fault, name):
        return name in ("", fault.name) or re.fullmatch(rf"{re.escape(name)}(\..+)?-\d+", fault.name)

    for name in names:
        if not any(fits(fault, name) for fault in faults):
            raise ValueError(f"There is no fault {name!r}. Modules: {', '.join(modules(faults))}.")
    return [fault for fault in faults if any(fits(fault, name) for name in names or [""])]


def modules(faults: list[Fault]) -> list[str]:
    """Return the modules that have faults, in order."""
    return [*dict.fromkeys(fault.name.rpartition("-")[0] for fault in faults)]


# --- which tests belong to a module ---


@cache
def imports(path: Path) -> set[str]:
    """Return the dotted names that a test imports; "helpers" only if it imports the package as a whole."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} - {"helpers"} | {f"{node.module}.{name.name}" for name in node.names}
    return found


def tests_of(file: str, root: Path) -> list[str]:
    """Return the test files that belong to a module, nearest first.

    That is the one at the same place under tests/ with the same name, those whose name only goes on, the one with the
    name of the package, those that import the module, then a package that it is in. Tests in the browser are left out.
    """
    path = Path(file).with_suffix("")
    module = ".".join(path.parts).removesuffix(".__init__")
    packages = {module.rsplit(".", depth)[0] for depth in range(1, module.count(".") + 1)}
    beside, ranks = Path("tests", *path.parts[1:-1]), {}
    for test in sorted((root / "tests").rglob("test_*.py")):
        name, names = test.relative_to(root), imports(test)
        if "browser" in name.parts:
            continue
        nearness = (
            name == beside / f"test_{path.name}.py",
            name.parent == beside and name.stem.startswith(f"test_{path.name}_"),
            name.parent == beside and name.stem == f"test_{path.parent.name}",
            module in names,
            bool(packages & names),
        )
        if any(nearness):
            ranks[name.as_posix()] = nearness.index(True)
    return sorted(ranks, key=ranks.get)


# --- trying them ---


def copy_of_lessons(place: Path) -> None:
    """Copy to ``place`` / "lessons" all files that git has or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (place / "lessons" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / "lessons" / name)
    (place / "cache").mkdir()


def run_tests(place: Path, tests: list[str], jobs: int = 1) -> subprocess.CompletedProcess:
    """Run tests in the copy at ``place`` until one fails, with helpers from there, and a cache folder of its own."""
    lessons = place / "lessons"
    python = python_of(place)
    environment = os.environ | {
        "CNN_LESSONS_CACHE": str(place / "cache"),
        "TF_NUM_INTRAOP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("PYTHONPATH", None)
    options = {"env": environment, "capture_output": True, "text": True}
    where = subprocess.run([python, "-c", "import helpers; print(helpers.__file__)"], cwd=place, **options)
    if not Path(where.stdout.strip()).is_relative_to(lessons):
        raise RuntimeError(f"helpers come from {where.stdout.strip() or where.stderr}, not from the copy in {lessons}.")
    command = [python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command + ["-n", str(jobs), "--dist", "worksteal"] * (jobs > 1), cwd=lessons, **options)


def python_of(place: Path) -> Path:
    """Return a Python that has the packages of this one, but the helpers of the copy at ``place``.

    So has each program that a test starts with it, in whatever folder and with whatever options and PYTHONPATH. None
    writes bytecode: that is told apart only by second and size, so that the fault would not be seen.
    """
    if not (place / "venv").exists():
        venv.create(place / "venv", symlinks=True)
        site = next((place / "venv").glob("lib/python*/site-packages"))
        lines = [place / "lessons", sysconfig.get_path("purelib"), "import sys; sys.dont_write_bytecode = True", ""]
        (site / "lessons.pth").write_text("\n".join(map(str, lines)), encoding="utf-8")
    return place / "venv" / "bin" / "python"


def catcher(done: subprocess.CompletedProcess) -> str | None:
    """Return the test that failed, or None if all passed; raises RuntimeError if they could not run."""
    if done.returncode == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    if done.returncode not in (1, 2) or not failed:
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return failed[1]


def attempt(fault: Fault, sound: Path) -> tuple[str | None, float]:
    """Return which test catches a fault, or None, and after how many seconds."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(dir=sound.parent, prefix=f"{fault.name}-") as folder:
        place = Path(folder)
        for part in ("lessons", "cache"):
            shutil.copytree(sound / part, place / part)
        file = place / "lessons" / fault.file
        file.write_text(fault.put_into(file.read_text(encoding="utf-8")), encoding="utf-8")
        tests, caught = [*fault.tests] or tests_of(fault.file, place / "lessons"), None
        for part in (tests[:1], tests[1:]):  # mostly the nearest is enough, and the others take long to be imported
            if part and not caught:
                caught = catcher(run_tests(place, part))
    return caught, time.monotonic() - start


def main() -> int:
    """Try the chosen faults, print a line for each; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="modules, or single faults such as models-3; all by default")
    parser.add_argument("--jobs", type=int, default=1, help="how many faults are tried at once, each in its own copy")
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        sound = Path(folder).resolve() / "sound"
        copy_of_lessons(sound)
        try:
            faults = chosen(load_faults(sound / "lessons"), options.names)
            for fault in faults:
                fault.put_into((sound / "lessons" / fault.file).read_text(encoding="utf-8"))
        except ValueError as error:
            print(error)
            return 2
        tests = {test for fault in faults for test in fault.tests or tests_of(fault.file, sound / "lessons")}
        print(f"{len(faults)} faults. First the tests without a fault: {len(tests)} files …", flush=True)
        done = run_tests(sound, sorted(tests), options.jobs)
        if caught := catcher(done):
            print(f"{done.stdout[-3000:]}\n{caught} fails without a fault: mend that first.")
            return 2
        survivors = []
        with ThreadPoolExecutor(options.jobs) as pool:
            results = pool.map(lambda fault: attempt(fault, sound), faults)
            for fault, (caught, seconds) in zip(faults, results, strict=True):
                end = f"caught by {caught}" if caught else "SURVIVED"
                print(f"{fault.name} ({fault.what}): {end} in {seconds:.0f} s", flush=True)
                survivors += [fault.name] * (not caught)
    print(f"{len(faults)} faults in {time.monotonic() - start:.0f} s; {len(survivors)} survived: {survivors or 'none'}")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())

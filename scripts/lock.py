"""Resolve the newest allowed packages, and say what they change in the lessons: `make lock`.

The locks are written first. Where the packages of the lessons have changed, .venv is set up anew, each lesson (or
LESSON=03) runs in it, and what its cells print is compared with what is stored. All of it is also in lock-report.txt.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))  # which a Python that takes nothing over (-I) does not know
import do  # noqa: E402

LOCK, SITE, REPORT = "requirements.lock", "requirements-site.lock", "lock-report.txt"
OPTIONS = ("--universal", "--python-version", "3.11", "--upgrade", "--no-emit-index-url", "--no-header", "--quiet")


def versions(lock):
    """Return the versions of each package in the text of a lock, in words: some have one for each system."""
    found = {}
    for name, version in re.findall(r"(?m)^([\w.-]+)(?:\[.*\])?==([^\s;]+)", lock):
        found.setdefault(name, []).append(version)
    return {name: ", ".join(each) for name, each in found.items()}


def changes(before, after):
    """Return a line for each package whose version is another one, that is new, or that is gone."""
    old, new = versions(before), versions(after)
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return [f"{name} {old.get(name, '(new)')} → {new.get(name, '(gone)')}" for name in names]


def resolve(python):
    """Write both locks anew; raises SystemExit if that fails."""
    compile_ = (python, "-m", "uv", "pip", "compile", "pyproject.toml", *OPTIONS)
    for more in (("--extra", "dev", "-o", LOCK), ("--extra", "site", "--constraint", LOCK, "-o", SITE)):
        status = do.run((*compile_, *more), do.environment(os.environ))
        if status:
            sys.exit(status)


def report(lines):
    """Print lines, and write them to the end of the report."""
    text = "".join(f"{line}\n" for line in lines)
    print(text, end="", flush=True)
    with (ROOT / REPORT).open("a", encoding="utf-8") as file:
        file.write(text)


def main():
    """Resolve, and run the lessons if that has changed their packages."""
    before = {name: (ROOT / name).read_text(encoding="utf-8") for name in (LOCK, SITE)}
    python = str(do.python_of(ROOT))
    resolve(python)
    changed = {name: changes(text, (ROOT / name).read_text(encoding="utf-8")) for name, text in before.items()}
    (ROOT / REPORT).unlink(missing_ok=True)
    for name, lines in changed.items():
        report([f"{name}: {len(lines)} packages changed", *(f"  {line}" for line in lines)])
    if not changed[LOCK]:
        report(["No lesson has to run: its packages are the same."])
        return
    for command in [*do.plan("data"), (python, "scripts/compare_outputs.py", "--report", REPORT, *sys.argv[1:])]:
        status = do.run(command, do.environment(os.environ))
        if status:
            sys.exit(status)
    print(f"All of this is in {REPORT}.")


if __name__ == "__main__":
    main()

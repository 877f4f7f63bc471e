"""Look at this computer, and say of each thing whether it is fine, or what mends it: `make doctor`.

It begins with any Python, also before anything is installed, and goes on with that of `.venv`, if there is one. The
exit status is 1 if anything is wrong. `--json` prints what somebody who helps from afar needs, without names and paths.
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")


def python_of_lessons():
    """Return the path of the Python in .venv, or "" if it is not there, or runs this already."""
    path = os.path.join(VENV, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))
    return path if os.path.exists(path) and os.path.abspath(sys.prefix) != VENV else ""


def main():
    """Print a line for each finding; return the exit status."""
    from helpers.doctor import WRONG, as_json, examine, private_words, running, status

    findings = []
    for checks in (running.BEFORE, running.AFTER):
        for finding in examine(checks):
            findings.append(finding)
            if "--json" not in sys.argv:
                print(finding, flush=True)
        if any(finding.name == ".venv" and finding.state == WRONG for finding in findings):
            break  # the others need packages
    if "--json" in sys.argv:
        print(as_json(findings, private_words()))
    elif status(findings):
        print("\nMend what is wrong, and run it again. For help from others, send what `make doctor JSON=1` prints.")
    return status(findings)


if __name__ == "__main__":
    if python_of_lessons():
        command = [python_of_lessons(), "-I", os.path.abspath(__file__), *sys.argv[1:]]
        os.execv(command[0], command)
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        version = ".".join(map(str, sys.version_info[:3]))
        print("wrong  Python       ", version, "but 3.11, 3.12 or 3.13 is needed  → make lab PYTHON=python3.12")
        sys.exit(1)
    sys.path.insert(0, ROOT)
    sys.exit(main())

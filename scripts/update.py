"""Get the newest lessons, and keep what was typed: `make update`.

Notebooks that a learner has changed are copied to `notebooks/mine` first. Then the originals are put back, and
`git pull` brings the new ones. If that fails, the changed notebooks are put back. Needs only Python and git.
"""

import datetime
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MINE = "mine"


def git(root: Path, *arguments: str) -> str:
    """Return what git says; raises RuntimeError with its words if it fails."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).decode(errors="replace").strip())
    return done.stdout.decode()


def typed(content: bytes):
    """Return what is typed in a notebook: kind and source of each cell; of what is no notebook the bytes."""
    try:
        cells = json.loads(content)["cells"]
        return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError):
        return content


def changed(root: Path) -> dict[Path, bytes]:
    """Return the notebooks of git that are not as git has them, also if they were only run, with their content."""
    names = git(root, "diff", "--name-only", "--no-renames", "-z", "HEAD", "--", "notebooks/*.ipynb").split("\0")
    return {root / name: (root / name).read_bytes() for name in names if name and (root / name).is_file()}


def keep(path: Path, content: bytes, day: str) -> Path:
    """Write a copy of a notebook beside the others of its learner, under a name that is free; return its path."""
    folder = path.parent / MINE
    folder.mkdir(exist_ok=True)
    number = 1
    while True:
        copy = folder / f"{path.stem}_{day}{f'_{number}' * (number > 1)}{path.suffix}"
        try:
            with copy.open("xb") as file:
                file.write(content)
            return copy
        except FileExistsError:
            if copy.read_bytes() == content:  # kept already, when an update failed
                return copy
            number += 1


def update(root: Path, day: str) -> list[Path]:
    """Bring a clone up to date; return the copies of notebooks in which something was typed.

    Raises RuntimeError if git fails; all notebooks are then as they were.
    """
    notebooks = changed(root)
    kept = []
    for path, content in notebooks.items():
        original = git(root, "show", f"HEAD:{path.relative_to(root).as_posix()}").encode()
        if typed(content) != typed(original):
            kept.append(keep(path, content, day))
    try:
        if notebooks:
            git(root, "checkout", "HEAD", "--", *(str(path.relative_to(root)) for path in notebooks))
        git(root, "pull", "--ff-only")
    except BaseException:  # also when it is stopped
        for path, content in notebooks.items():
            path.write_bytes(content)
        raise
    return kept


if __name__ == "__main__":
    try:
        before = git(ROOT, "rev-parse", "HEAD")
        copies = update(ROOT, datetime.date.today().isoformat())
    except FileNotFoundError:
        sys.exit(
            "git is not installed: `apt install git`. Or get the newest lessons as an archive, in a folder of its own."
        )
    except (RuntimeError, OSError) as error:
        sys.exit(f"{error}\nNothing was updated, and your notebooks are as they were.")
    for copy in copies:
        print(f"What you typed is in {copy.relative_to(ROOT)}.")
    print("The lessons are the newest already." if git(ROOT, "rev-parse", "HEAD") == before else "The lessons are new.")

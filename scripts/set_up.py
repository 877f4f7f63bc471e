"""Set up `.venv` in this folder with the packages of requirements.lock; each verb of the Makefile begins with this.

Where `.venv` is right already, that is seen at once and nothing is done. Else a new one is built beside it, as
`.venv.new`, and takes its place when it is whole: what worked goes on working while that is built, and if it fails
or is stopped. The folder may be renamed or copied: nothing that the verbs use holds its path; the commands in
`.venv/bin`, which do, are mended the next time.

Only the standard library is used, since nothing is installed yet.
"""

import argparse
import hashlib
import importlib.util
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOM = 4e9
"""Bytes of disk that an environment takes while it is built, and a little more."""
STAMP = "cnn-lessons.json"
"""The file in an environment that says for which Python and lock it was made, and where it is; written last."""
REACH = {
    "CACHE_DIR", "CERT", "CLIENT_CERT", "CONFIG_FILE", "CONSTRAINT", "DEFAULT_TIMEOUT", "EXTRA_INDEX_URL", "FIND_LINKS",
    "INDEX_URL", "KEYRING_PROVIDER", "NO_CACHE_DIR", "NO_INDEX", "PROXY", "RETRIES", "TIMEOUT", "TRUSTED_HOST",
}  # fmt: skip
"""The settings of pip that say how packages are reached. A user's others, as PIP_TARGET, would lead them elsewhere."""


class SetUpError(Exception):
    """The environment cannot be made. The message says why, and what to do."""


def set_up(root: Path) -> None:
    """Make ``root``/.venv an environment of this Python with the packages of ``root``/requirements.lock.

    Raises `SetUpError`, or OSError where files cannot be written; a `.venv` that was there is then as it was.
    """
    venv, new, old = (root / name for name in (".venv", ".venv.new", ".venv.old"))
    lock = root / "requirements.lock"
    wanted = {
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "lock": hashlib.sha256(lock.read_bytes()).hexdigest(),
    }
    if is_whole(venv, wanted) and stamp_of(venv)["place"] == str(venv) and not (new.exists() or old.exists()):
        return
    check_place(root)
    with alone(root):
        if not is_whole(venv, wanted):
            if not is_whole(new, wanted):  # it is, if this was stopped just before the exchange
                print(f"Setting up .venv with Python {wanted['python']} (a few minutes, once) …", flush=True)
                remove(new)
                try:
                    build(new, lock)
                except BaseException:  # also when it is stopped
                    remove(new)
                    raise
                stamp(new, wanted)
            exchange(venv, new, old)
        remove(new)
        remove(old)
        mend_paths(venv)
        stamp(venv, wanted)


def stamp_of(venv: Path) -> dict:
    """Return what the stamp of an environment says; empty for one that is not ours, or not whole."""
    try:
        return json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def stamp(venv: Path, wanted: dict) -> None:
    """Write into an environment that it is whole, what it was made for, and where it is."""
    partial = venv / f"{STAMP}.partial"
    partial.write_text(json.dumps({**wanted, "place": str(venv)}), encoding="utf-8")
    os.replace(partial, venv / STAMP)


def is_whole(venv: Path, wanted: dict) -> bool:
    """Tell whether an environment was made to its end, for this Python and lock, and its Python is still there."""
    found = stamp_of(venv)
    return python_of(venv).exists() and wanted == {name: found.get(name) for name in wanted}


def python_of(venv: Path) -> Path:
    """Return the path of the Python of an environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def check_place(root: Path) -> None:
    """Raise `SetUpError` where no environment can be made in a folder, for a reason that can be named beforehand."""
    if os.pathsep in str(root):
        raise SetUpError(f"Python cannot work in a folder with {os.pathsep!r} in its path: rename or move {root}.")
    if not os.access(root, os.W_OK):
        raise SetUpError(f"{root} cannot be written: copy the lessons to a folder of your own, and start there.")
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise SetUpError("The venv module is missing. On Debian and Ubuntu: apt install python3-venv")
    free = shutil.disk_usage(root).free
    if free < ROOM:
        raise SetUpError(f"The disk has {free / 1e9:.1f} GB left, and {ROOM / 1e9:.0f} GB are needed: make room first.")


@contextmanager
def alone(root: Path):
    """Wait until no other program sets up this folder."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (root / ".venv.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another program sets up .venv: waiting for that.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build(venv: Path, lock: Path) -> None:
    """Make an environment with the packages of a lock, which finds the modules of the folder that it is in."""
    call("venv could not make it", sys.executable, "-m", "venv", venv)
    install(venv, lock)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(venv), "platbase": str(venv)}))
    there = {plain(package.name) for package in distributions(path=[str(site)])}
    needed = {plain(name) for name in re.findall(r"(?m)^([\w.-]+)(?:\[.*\])?==\S+$", lock.read_text(encoding="utf-8"))}
    if needed - there:
        raise SetUpError(
            f"pip did not put {', '.join(sorted(needed - there))} into {venv.name}: look for settings that lead "
            "packages elsewhere (pip config list)."
        )
    (site / "cnn-lessons.pth").write_text(f"{os.path.relpath(lock.parent, site)}\n", encoding="utf-8")


def install(venv: Path, lock: Path) -> None:
    """Install the packages of a lock into an environment."""
    options = ["--disable-pip-version-check", "--quiet", "--no-warn-script-location"]
    options += ["--no-user", "--target="]  # against a pip.conf that says otherwise
    what = "pip could not install the packages"
    call(what, python_of(venv), "-m", "pip", "install", *options, "--requirement", lock)


def add(root: Path, lock: Path) -> None:
    """Install what another lock of ``root`` holds beyond its first one, unless it is there already.

    Raises `SetUpError` as `set_up` does. A copy of the lock in the environment says that it is there.
    """
    venv, wanted = root / ".venv", lock.read_bytes()
    there = venv / lock.name
    if there.is_file() and there.read_bytes() == wanted:
        return
    with alone(root):
        print(f"Adding the packages of {lock.name} to .venv …", flush=True)
        install(venv, lock)
        there.write_bytes(wanted)


def call(what: str, *command) -> None:
    """Run a program, without settings of a user's that would lead it elsewhere. Raises `SetUpError` if it fails."""
    keep = {name for name in os.environ if not re.match("PIP_|PYTHON", name)} | {f"PIP_{name}" for name in REACH}
    environment = {name: value for name, value in os.environ.items() if name in keep}
    if subprocess.run(command, env=environment).returncode:
        raise SetUpError(
            f"{what}: the lines above say why. Where that is the network or the disk, mend it and run the same command "
            "again."
        )


def plain(name: str) -> str:
    """Return the name of a package in its one plain form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def exchange(venv: Path, new: Path, old: Path) -> None:
    """Let ``new`` take the place of ``venv``. What is not an environment of ours is kept, under another name."""
    remove(old)
    if os.path.lexists(venv):
        if stamp_of(venv) or list(venv.glob(".ready-*")):  # the latter is the stamp of an older version
            venv.rename(old)
        else:
            kept = next(
                path for n in itertools.count(1) if not os.path.lexists(path := venv.with_name(f".venv.kept{n}"))
            )
            print(f".venv was not made here, or not to its end: it is kept as {kept.name}. Delete it if you can.")
            venv.rename(kept)
    new.rename(venv)


def remove(folder: Path) -> None:
    """Delete a folder of ours; of a link only the link."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def mend_paths(venv: Path) -> None:
    """Let the commands of an environment start the Python that is beside them, where they started another."""
    call("venv could not mend it", sys.executable, "-m", "venv", "--without-pip", venv)  # writes `activate` anew
    first = re.compile(rb"#!(/bin/sh\n'''exec' .*\n' '''|.*python.*)\n")
    line = f"#!/bin/sh\n'''exec' {shlex.quote(str(python_of(venv)))} \"$0\" \"$@\"\n' '''\n"  # paths may have spaces
    for path in python_of(venv).parent.iterdir():
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if found := first.match(content):
                path.write_bytes(os.fsencode(line) + content[found.end() :])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--or-older", action="store_true", help="where that fails, go on with what is there")
    parser.add_argument("--site", action="store_true", help="also with what `make site` needs")
    options = parser.parse_args()
    older_will_do = options.or_older
    try:
        set_up(ROOT)
        if options.site:
            add(ROOT, ROOT / "requirements-site.lock")
    except KeyboardInterrupt:
        sys.exit("Stopped. The same command begins again.")
    except (SetUpError, OSError) as error:
        there = bool(stamp_of(ROOT / ".venv"))
        print(error, "The environment that was there is as it was." if there else "", file=sys.stderr)
        sys.exit(not (there and older_will_do))

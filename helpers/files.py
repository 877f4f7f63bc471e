"""Files that are always whole: written beside and then moved; and one clear error for what cannot be read."""

import atexit
import os
import re
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

VARIABLE = "CNN_LESSONS_CACHE"
ROOT = Path(__file__).resolve().parent.parent
"""The folder of the lessons."""


class NotKeptWarning(UserWarning):
    """Something could not be kept in the cache folder. The message says where it is instead, and what to do."""


class DamagedFileError(ValueError):
    """A file or folder cannot be used as it is. The message names it, and says what is wrong and what mends it."""


def cache_folder() -> Path:
    """Return the folder for data that can be made or downloaded again; it may not exist yet.

    It is what the environment variable ``CNN_LESSONS_CACHE`` names, or else a folder in the user's cache directory.
    Raises ValueError if the variable holds no full path: lessons and `make data` run in different folders.
    """
    named = os.environ.get(VARIABLE)
    folder = Path(os.path.expanduser(named or user_cache_path("cnn-lessons")))
    if not folder.is_absolute():
        raise ValueError(
            f"The environment variable {VARIABLE} must be a full path, such as {Path.home() / 'cnn-data'}, "
            f"but it is {named!r}."
        )
    return folder


@cache
def process_folder() -> Path:
    """Return a temporary folder of this process, the same each time; it is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="cnn-lessons-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# --- reading ---


@contextmanager
def readable(path, mend: str, name=None):
    """Let whatever goes wrong in the ``with`` block, where ``path`` is read, become one `DamagedFileError`.

    Its message names the file, says what is wrong with it, and ends with ``mend``, the advice. What damaged bytes
    raise depends on the reader and on the place of the damage, so it is any exception, but for too little memory.
    """
    try:
        yield
    except (DamagedFileError, MemoryError):
        raise
    except Exception as error:
        wrong = what_is_wrong(Path(path), error)
        if wrong == POINTER:
            mend = "Get the file itself with `git lfs install`, then `git lfs pull`, in the folder of the lessons."
        raise DamagedFileError(f"{name or path} {wrong}. {mend}") from error


@contextmanager
def readable_of_clone(path: Path, otherwise: str = ""):
    """As `readable`, for a file that git has: it gets the file back, or what ``otherwise`` says does.

    Raises FileNotFoundError if the file is missing, with the same advice.
    """
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
    mend = f"Get it back with `git checkout {name}` in the folder of the lessons{otherwise}."
    if not os.path.lexists(path):
        raise FileNotFoundError(f"{name} is missing. {mend}")
    with readable(path, mend, name):
        yield


POINTER = "is only a pointer of Git LFS, not the file itself"


def what_is_wrong(path: Path, error: Exception) -> str:
    """Say what is wrong with a file whose reading raised an error: "is empty"."""
    with suppress(OSError):
        if path.is_dir():
            return "is a folder, where a file should be: move it away"
        with path.open("rb") as file:
            start = file.read(99)
        if not start:
            return "is empty"
        if start.startswith(b"version https://git-lfs"):
            return POINTER
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read ({error.strerror})"
    reason = (str(error).strip().splitlines() or [""])[0][:200]
    return f"is damaged ({reason or type(error).__name__})"


# --- writing ---

IN_USE = "in-use.lock"
"""A file that a program locks as long as it writes beside it: the lock ends with the program, however that ends."""
REPLACED = "replaced"
"""The name in the folder of `written_whole` for what was at the place before, if it has to be moved away first."""
DAY, MINUTE = 86_400, 60


@contextmanager
def written_whole(path):
    """Give the ``with`` block a path beside ``path``, of the same name, for a file or a folder to be written there.

    After the block it is moved to ``path``, so that what is there is always whole, also while two programs write at
    once: of two files the last one stays, of two folders the first. If the block fails, nothing is left of it; what
    programs that were killed have left in the same folder is removed. Raises OSError if the place cannot be written.

    Examples
    --------
    >>> with written_whole("results.txt") as partial:  # doctest: +SKIP
    ...     partial.write_text("all of it")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path.parent)
    beside = Path(tempfile.mkdtemp(prefix=f"{path.name}.", suffix=".partial", dir=path.parent))
    try:
        with FileLock(beside / IN_USE):
            yield beside / path.name
            _move(beside / path.name, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    try:
        os.replace(source, target)
    except OSError:
        if not (source.is_dir() and target.is_dir()):  # of two programs that write a folder, the other was faster
            raise


def _remove_abandoned(folder: Path) -> None:
    """Remove what `written_whole` left in a folder when its program was killed, and nothing else."""
    for beside in folder.glob("*.partial"):
        with suppress(OSError):  # that of another user, or another program was faster
            if _is_abandoned(beside):
                shutil.rmtree(beside)  # refuses a link


def _is_abandoned(beside: Path) -> bool:
    name = re.fullmatch(r"(.+)\.[a-z0-9_]{8}\.partial", beside.name)  # as tempfile names them
    if not name or not beside.is_dir():
        return False
    if not {entry.name for entry in beside.iterdir()} <= {name[1], IN_USE, REPLACED}:
        return False
    age = time.time() - beside.stat().st_mtime
    if not (beside / IN_USE).exists():  # a program that begins right now, or an earlier version of this one
        return age > DAY
    try:
        with FileLock(beside / IN_USE, blocking=False):
            return age > MINUTE
    except Timeout:
        return False  # a program that runs

"""Files that are always whole: where data that can be made again is kept, and writing beside before moving."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

VARIABLE = "CNN_LESSONS_CACHE"


def cache_folder() -> Path:
    """Return the folder for data that can be made or downloaded again; it may not exist yet.

    It is what the environment variable ``CNN_LESSONS_CACHE`` names, or else a folder in the user's cache directory.
    """
    return Path(os.environ.get(VARIABLE) or user_cache_path("cnn-lessons")).expanduser()


@contextmanager
def written_whole(path):
    """Give the ``with`` block a path beside ``path``, of the same name, for a file or a folder to be written there.

    After the block it is moved to ``path``, so that what is there is always whole, also while two programs write at
    once: of two files the last one stays, of two folders the first. If the block fails, nothing is left of it.
    Raises OSError if the place cannot be written.

    Examples
    --------
    >>> with written_whole("results.txt") as partial:  # doctest: +SKIP
    ...     partial.write_text("all of it")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f"{path.name}.", suffix=".partial", dir=path.parent))
    try:
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

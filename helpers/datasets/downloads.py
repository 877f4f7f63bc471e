"""Files of the internet, whole and verified: they are downloaded once, to the cache folder, and go on after a break."""

import errno
import gzip
import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers.datasets.base import progress
from helpers.files import VARIABLE, cache_folder

from filelock import FileLock, Timeout

CHUNK = 1 << 20
"""How many bytes are read, written and counted at once."""
PATIENCE = 30
"""After how many seconds without an answer the connection counts as lost."""
ATTEMPTS = 3
"""How often a connection that breaks off is taken up again, before the error is reported."""


class DownloadError(OSError):
    """A file could not be had. The message says why, and what to do."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of the internet, and what its bytes must be."""

    name: str  # its path in the cache folder: "mnist/train-labels-idx1-ubyte.gz"
    url: str
    size: int  # bytes
    checksum: str  # SHA-256 of its bytes, or MD5 where the publisher states only that
    unpacked: bool = False  # the checksum is that of what is inside of a .gz file: no two programs pack alike

    @property
    def path(self) -> Path:
        """Where it is, or will be."""
        return cache_folder() / self.name


def fetch(file: RemoteFile) -> Path:
    """Return the path of a file whose checksum is right: from the cache folder, or downloaded to it now.

    The file appears under its name when all of it is there and verified. What came before the connection broke is kept
    beside, as ``NAME.part``, and the next call goes on from there. Two programs that ask at once download it once.
    Nothing is written if the file is there, so a cache folder may be read-only. Raises `DownloadError`.
    """
    path = file.path
    if is_sound(file):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            if not is_sound(file):  # another program may have been faster
                _download(file, path)
    except DownloadError:
        raise
    except OSError as error:
        raise DownloadError(_explain(error, file)) from error
    return path


def is_sound(file: RemoteFile) -> bool:
    """Tell whether a file is in the cache folder, whole. Raises `DownloadError` if that cannot be read."""
    path = file.path
    if path.is_dir():
        raise DownloadError(f"{path} is a folder, where a file should be: move it away, then call this again.")
    try:
        return path.is_file() and verified(file, path)
    except OSError as error:
        raise DownloadError(
            f"{path} cannot be read ({error.strerror or error}): allow that, or remove it, then call this again."
        ) from error


@contextmanager
def _alone(path: Path):
    """Wait until no other program downloads this file."""
    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=2)
    except Timeout:
        print(f"{path.name} is being downloaded by another program: waiting for that.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def verified(file: RemoteFile, path: Path) -> bool:
    """Tell whether what is at ``path`` has the checksum of the file."""
    try:
        with gzip.open(path) if file.unpacked else path.open("rb") as stream:
            kind = "md5" if len(file.checksum) == 32 else "sha256"
            return hashlib.file_digest(stream, kind).hexdigest() == file.checksum
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return False


def _download(file: RemoteFile, path: Path) -> None:
    partial = path.with_name(f"{path.name}.part")
    missing = file.size - (partial.stat().st_size if partial.exists() else 0)
    free = shutil.disk_usage(path.parent).free
    if missing > free:
        raise OSError(errno.ENOSPC, f"{missing / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            went_on = _receive(file, partial)
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a redirect to no address
            if not isinstance(error, OSError):
                error = ConnectionError(f"what came is not the answer of a web server: {error!r}")
            lost = not isinstance(error, urllib.error.HTTPError) and error.errno not in (errno.ENOSPC, errno.EACCES)
            if lost and attempt < ATTEMPTS and partial.exists():
                continue
            if error.errno == errno.ENOSPC:
                partial.unlink(missing_ok=True)  # it would keep the disk full
            raise error
        if verified(file, partial):
            os.replace(partial, path)
            return
        partial.unlink()
        if not went_on:
            break
    raise DownloadError(
        f"What {file.url} sent is not the expected file: its checksum differs. Nothing of it is kept. "
        "A login page of the network may have answered instead: open a web page, then try again."
    )


def _receive(file: RemoteFile, partial: Path) -> bool:
    """Write what is missing to ``partial``; return whether a part was there before. Raises OSError if not all came.

    Of a body that is longer than the file, or has no end, little more than the file is read: its checksum will differ.
    """
    start = partial.stat().st_size if partial.exists() else 0
    headers = {"User-Agent": "cnn-lessons"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        answer = urllib.request.urlopen(urllib.request.Request(file.url, headers=headers), timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # the part is as long as the file, or longer: its checksum decides
            raise
        return True
    with answer:
        start = start if answer.status == 206 else 0  # some servers send all of it anyway
        total = start + (getattr(answer, "length", None) or 0)  # None if the server said nothing, or no number
        most = 2 * file.size if file.unpacked else file.size  # other programs pack a file shorter or longer
        with partial.open("ab" if start else "wb") as out, _bar(file, start, total or file.size) as bar:
            while chunk := answer.read(CHUNK):
                out.write(chunk)
                bar.update(len(chunk))
                if out.tell() > most:
                    return start > 0
    if partial.stat().st_size < total:
        raise ConnectionError(f"only {partial.stat().st_size:,} of {total:,} bytes came")
    return start > 0


def _bar(file: RemoteFile, start: int, total: int):
    return progress(desc=Path(file.name).name, initial=start, total=total, unit="B", unit_scale=True, unit_divisor=1000)


def _explain(error: OSError, file: RemoteFile) -> str:
    folder = file.path.parent
    if isinstance(error, urllib.error.HTTPError):
        return (
            f"{file.url} answered {error.code} {error.reason}. Try again later. If this stays so, look for a newer "
            f"version of the lessons, or get the file elsewhere and put it at {file.path}."
        )
    if error.errno == errno.ENOSPC:
        return (
            f"The disk is full ({error.strerror}): make room in {folder}, or name a folder on another disk in the "
            f"environment variable {VARIABLE}."
        )
    if isinstance(error, IsADirectoryError):
        return f"{error.filename} is a folder, where a file should be: move it away, then call this again."
    if isinstance(error, PermissionError | FileExistsError | NotADirectoryError) or error.errno == errno.EROFS:
        damaged = " The file that is there is damaged." if file.path.is_file() else ""
        return (
            f"{folder} cannot be written.{damaged} Name a folder where you may write in the environment variable "
            f"{VARIABLE}."
        )
    return (
        f"{file.url} could not be downloaded ({getattr(error, 'reason', None) or error}). Connect to the network and "
        f"call this again, which goes on where it stopped; or get the file elsewhere and put it at {file.path}."
    )

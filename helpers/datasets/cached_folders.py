"""Folders of many files in the cache: each with a list of its files, so that half of a copy is noticed."""

import os
import zlib
from collections.abc import Callable
from pathlib import Path

from helpers.files import REPLACED, DamagedFileError, written_whole

LIST = "cnn-lessons-files.txt"
"""The list in a folder: how many files it has, then a line for each with its CRC-32, its size in bytes, its name."""


def kept(folder: Path, write: Callable[[Path], object], numbers: dict[str, int] | None = None) -> Path:
    """Return a folder of the cache whose files are as they were written: now, if it is missing or damaged.

    Parameters
    ----------
    folder : where it is, or will be; it appears when all of it is written
    write : takes the path of a folder that is not there yet, and writes it
    numbers : for a folder without a list, which an earlier version wrote: how many files each part must have for the
        folder to be taken as it is; None if it must be written anew

    What is damaged is replaced, after a printed note, when what takes its place is whole. Nothing is written if the
    folder is sound. Raises OSError if the place cannot be written, and whatever ``write`` raises.
    """
    if os.path.lexists(folder):
        wrong = complaint(folder, numbers=numbers)
        if wrong is None:
            return folder
        print(f"NOTE: {folder} is not whole ({wrong}), so it is made anew.")
    with written_whole(folder) as partial:
        write(partial)
        write_list(partial)
        if os.path.lexists(folder) and complaint(folder, numbers=numbers):
            os.replace(folder, partial.parent / REPLACED)  # a link is only unlinked
    return folder


def write_list(folder: Path) -> None:
    """Write the list of all files that are in a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{_checksum(path)} {path.stat().st_size} {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / LIST).write_text("".join([f"{len(files)} files\n", *lines]), encoding="utf-8")


def complaint(folder: Path, content: bool = True, numbers: dict[str, int] | None = None) -> str | None:
    """Say what is wrong with a folder that has a list of its files, or return None if nothing is.

    ``content=False`` compares only names and sizes, without reading the files. Files that are not in the list do not
    matter. ``numbers`` are those of `kept`.
    """
    try:
        text = (folder / LIST).read_text(encoding="utf-8")
    except FileNotFoundError:
        return _complaint_of_numbers(folder, numbers)
    except (OSError, ValueError) as error:
        return f"its list of files, {LIST}, cannot be read ({error})"
    first, *lines = text.splitlines() or [""]
    entries = [line.split(" ", 2) for line in lines]
    if first != f"{len(entries)} files" or any(len(entry) != 3 for entry in entries):
        return f"its list of files, {LIST}, is damaged"
    wrong = [name for crc, size, name in entries if not _is_sound(folder / name, size, crc if content else None)]
    return f"{len(wrong):,} of {len(entries):,} files are missing or damaged, such as {wrong[0]}" if wrong else None


def refuse_damaged(folder: Path) -> None:
    """Raise `DamagedFileError` for a folder of somebody's own, a copy of one of the cache, that is not as in its list.

    A folder without a list, as all others are, is taken as it is.
    """
    if (folder / LIST).exists() and (wrong := complaint(folder)):
        raise DamagedFileError(
            f"{folder} is not whole: {wrong}. Copy it again; or, if you changed it on purpose, remove {LIST} from it."
        )


def _complaint_of_numbers(folder: Path, numbers: dict[str, int] | None) -> str | None:
    if numbers is None or not folder.is_dir():
        return f"its list of files, {LIST}, is missing"
    found = {part: sum(path.stat().st_size > 0 for path in folder.glob(f"{part}/*/*.jpg")) for part in numbers}
    if found == numbers:
        return None
    return f"it has {sum(found.values()):,} of {sum(numbers.values()):,} files, and no list of them"


def _is_sound(path: Path, size: str, checksum: str | None) -> bool:
    try:
        return str(path.stat().st_size) == size and (checksum is None or checksum == _checksum(path))
    except OSError:
        return False


def _checksum(path: Path) -> str:
    return f"{zlib.crc32(path.read_bytes()):08x}"

"""What the doctor sees without starting anything: Python, packages, machine, settings, files."""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from helpers.doctor import FINE, NOTE, WRONG, Finding

ROOT = Path(__file__).resolve().parents[2]
MAKE = "make lab"
ENOUGH_MEMORY, ENOUGH_DISK, ROOM_TO_INSTALL = 2e9, 0.5e9, 4e9
"""Bytes: what a lesson needs, what its files need, what an environment needs while it is built."""


def python(version: Sequence[int] = sys.version_info) -> Finding:
    """Look at the version of Python: 3.11 to 3.13."""
    said = ".".join(map(str, version[:3]))
    if (3, 11) <= tuple(version[:2]) <= (3, 13):
        return Finding("Python", FINE, said)
    return Finding("Python", WRONG, f"{said}, but 3.11, 3.12 or 3.13 is needed", f"{MAKE} PYTHON=python3.12")


def environment(root: Path = ROOT, prefix: str = sys.prefix, there: Mapping[str, str] | None = None) -> Finding:
    """Look at `.venv`: is it whole, and made from the lock of today? Elsewhere, as with conda: are all packages?"""
    stamp = _stamp(root / ".venv")
    if Path(prefix).resolve() != (root / ".venv").resolve():
        missing = packages(root, there)
        if missing.state == FINE:
            return Finding(".venv", NOTE, "the lessons use another environment, which has all packages")
        return Finding(".venv", WRONG, "is not there yet: the packages of the lessons are not installed", MAKE)
    if not stamp:
        return Finding(".venv", WRONG, "stops before its end", MAKE)
    if stamp.get("lock") != hashlib.sha256((root / "requirements.lock").read_bytes()).hexdigest():
        return Finding(".venv", WRONG, "was made from another requirements.lock", MAKE)
    if stamp.get("place") != str(root / ".venv"):
        return Finding(".venv", NOTE, "the folder was moved or copied since", f"{MAKE} mends it")
    return Finding(".venv", FINE, "whole, and made from the lock of today")


def _stamp(venv: Path) -> dict:
    try:
        return json.loads((venv / "cnn-lessons.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def locked(lock: str) -> dict[str, str]:
    """Return the versions that a lock names for this Python and system; without ``packaging`` all that it names."""
    try:
        from packaging.markers import Marker
    except ImportError:
        Marker = None
    rows = re.findall(r"(?m)^([\w.-]+)(?:\[.*\])?==(\S+)(?: ; (.+))?$", lock)
    return {name: version for name, version, marker in rows if not (marker and Marker) or Marker(marker).evaluate()}


def packages(root: Path = ROOT, there: Mapping[str, str] | None = None) -> Finding:
    """Compare the versions of packages with the lock; ``there`` are those that are installed, by plain name."""
    if there is None:
        found = [package for package in metadata.distributions() if package.metadata and package.metadata["Name"]]
        there = {_plain(package.metadata["Name"]): package.version for package in found}
    wanted = {_plain(name): version for name, version in locked((root / "requirements.lock").read_text()).items()}
    missing = [name for name in wanted if name not in there]
    here = [name for name in wanted if name in there]
    others = [f"{name} {there[name]}, not {wanted[name]}" for name in here if there[name] != wanted[name]]
    if missing:
        return Finding("packages", WRONG, f"{_some(missing)} not installed", f"make clean; {MAKE}")
    if others:
        return Finding("packages", WRONG, f"other versions than in the lock: {_some(others)}", f"make clean; {MAKE}")
    return Finding("packages", FINE, f"{len(wanted)}, as in requirements.lock")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def cores(count: int | None = None) -> Finding:
    """Look at the number of processors that this program may use."""
    if count is None:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count < 2:
        return Finding("cores", NOTE, "1: trainings take twice as long as the lessons say", "start them, then read on")
    return Finding("cores", FINE, str(count))


def memory(free: float | None = None) -> Finding:
    """Look at the memory that is free, in bytes: a lesson needs up to 2 GB."""
    free = _free_memory() if free is None else free
    if free is None:
        return Finding("memory", NOTE, "how much is free cannot be seen yet", MAKE)
    if free < ENOUGH_MEMORY:
        advice = "close other programs; in JupyterLab: Kernel › Shut Down All Kernels…"
        return Finding("memory", WRONG, f"{free / 1e9:.1f} GB are free, and a lesson needs 2", advice)
    return Finding("memory", FINE, f"{free / 1e9:.1f} GB are free")


def _free_memory() -> float | None:
    limits = []
    try:
        import psutil

        limits.append(psutil.virtual_memory().available)
    except ImportError:
        try:
            limits.append(1024 * int(re.search(r"MemAvailable: +(\d+)", Path("/proc/meminfo").read_text())[1]))
        except (OSError, TypeError):
            return None
    group = Path("/sys/fs/cgroup")  # a container may have less than its computer
    with suppress(OSError, ValueError):
        limits.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    return min(limits)


def disk(root: Path = ROOT, cache: Path | None = None, usage: Callable = shutil.disk_usage) -> Finding:
    """Look at the room on the disks of the lessons and of the cache folder; before the installation that is 4 GB."""
    need = ENOUGH_DISK if (root / ".venv").exists() else ROOM_TO_INSTALL
    free = usage(root).free
    if free < need:
        return Finding("disk", WRONG, f"{free / 1e9:.1f} GB are free, and {need / 1e9:g} are needed", "make room")
    place = cache
    while place and not place.exists():
        place = place.parent
    if place and usage(place).free < ENOUGH_DISK:
        advice = "make room, or name another folder: CNN_LESSONS_CACHE=/… make lab"
        return Finding("disk", WRONG, f"{usage(place).free / 1e9:.1f} GB are free for the cache folder", advice)
    return Finding("disk", FINE, f"{free / 1e9:.0f} GB are free")


def clock(now: float | None = None, root: Path = ROOT) -> Finding:
    """Compare the clock with the files of the lessons: one that is years behind or ahead breaks downloads and dates."""
    made = (root / "requirements.lock").stat().st_mtime
    now = time.time() if now is None else now
    if made - 86_400 <= now <= made + 20 * 365 * 86_400:
        return Finding("clock", FINE, time.strftime("%Y-%m-%d", time.localtime(now)))
    said = f"it says {time.strftime('%Y-%m-%d', time.localtime(now))}; the files of the lessons are of "
    return Finding("clock", WRONG, said + time.strftime("%Y-%m-%d", time.localtime(made)), "timedatectl set-ntp true")


KNOWN_VARIABLES = re.compile(
    r"(CNN_LESSONS_|KERAS_(?!BACKEND)|TF_(?!CLI|VAR)|MPL|MATPLOTLIB|JUPYTER|OMP_|XLA_|CUDA_|IPYTHON)\w*|\w+_PROXY", re.I
)
"""Those that reach Keras, TensorFlow, figures, JupyterLab and downloads, but for what the lessons set themselves."""


def variables(environ: Mapping[str, str] = os.environ) -> Finding:
    """Look at the environment variables that matter here; values are not told, since they may be private."""
    set_here = sorted(name for name in environ if KNOWN_VARIABLES.fullmatch(name) and environ[name])
    for name in ("CNN_LESSONS_CACHE", "CNN_LESSONS_PROGRESS"):
        value = environ.get(name)
        if value and value != "off" and not Path(os.path.expanduser(value)).is_absolute():
            return Finding("variables", WRONG, f"{name} must be a full path", f"unset {name}")
    for name in ("PYTHONHOME", "PYTHONPATH"):
        if environ.get(name):
            advice = f"unset {name}, or start by: {MAKE}"
            return Finding("variables", NOTE, f"{name} may lead Python to other packages", advice)
    if environ.get("TF_USE_LEGACY_KERAS"):
        return Finding("variables", WRONG, "TF_USE_LEGACY_KERAS asks for an old Keras", "unset TF_USE_LEGACY_KERAS")
    return Finding("variables", FINE, f"set, and no harm: {', '.join(set_here)}" if set_here else "none that matter")


def writing(folders: Iterable[Path] | None = None) -> Finding:
    """Try to write a file in the folders of the lessons, and remove it."""
    for folder in folders or (ROOT, ROOT / "notebooks"):
        try:
            with tempfile.NamedTemporaryFile(dir=folder):
                pass
        except OSError as error:
            advice = "copy the lessons to a folder of your own, and start there"
            return Finding("writing", WRONG, f"{folder} cannot be written ({error.strerror})", advice)
    return Finding("writing", FINE, "the lessons can be saved")


def data(root: Path = ROOT) -> Finding:
    """Compare the files of ``data`` with the checksums on their cards."""
    damaged, count = [], 0
    for card in sorted((root / "data").rglob("*.md")):
        text = card.read_text(encoding="utf-8")
        for path in card.parent.glob(f"{card.stem}.*"):
            if path.suffix in (".npz", ".csv", ".keras") and "| SHA-256 |" in text:
                count += 1
                if hashlib.sha256(path.read_bytes()).hexdigest() not in text:
                    damaged.append(path.relative_to(root).as_posix())
        named = {*re.findall(rf"`({re.escape(card.stem)}\.(?:npz|csv|keras))`(?!, not made yet)", text)}
        damaged += [
            (card.parent / name).relative_to(root).as_posix() for name in named if not (card.parent / name).exists()
        ]
    if damaged:
        return Finding("data", WRONG, f"{_some(damaged)}: missing or damaged", f"git checkout {' '.join(damaged)}")
    return Finding("data", FINE, f"{count} files as on their cards")


def cache() -> Finding:
    """Verify what is in the cache folder: critters, and the public datasets that are there."""
    from helpers.datasets import critters, public
    from helpers.datasets.cached_folders import complaint
    from helpers.datasets.downloads import is_sound
    from helpers.files import cache_folder

    folder, here, broken = cache_folder(), [], []
    drawn = folder / f"critters-v{critters.VERSION}.npz"
    files = folder / f"critters-images-v{critters.VERSION}"
    if drawn.exists():
        (here if _is_whole_zip(drawn) else broken).append("critters")
    if files.exists() and complaint(files):
        broken.append("critters")
    for name, real in public.DATASETS.items():
        if all(file.path.is_file() for file in real.files):
            (here if all(map(is_sound, real.files)) else broken).append(name)
    if (folder / public.PETS).exists():
        wrong = complaint(folder / public.PETS, numbers=public.numbers_of_pets())
        (broken if wrong else here).append("cats_vs_dogs")
    if broken:
        names = [name for name in dict.fromkeys(broken) if name != "critters"]
        asked = f' DATASETS="{" ".join(names)}"' if names else ""
        return Finding("cache", WRONG, f"damaged: {', '.join(dict.fromkeys(broken))}", f"make data{asked}")
    if "critters" not in here or not files.exists():
        return Finding("cache", NOTE, "critters are not drawn yet; a lesson does that when it needs them", "make data")
    return Finding("cache", FINE, f"here and whole: {', '.join(here)}")


def _is_whole_zip(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False

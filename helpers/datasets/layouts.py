"""Which files of a learner's folder belong to which class and which part, and what is left out."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from helpers.datasets.cached_folders import LIST

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff", ".avif",
    ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".tga",
)  # fmt: skip
"""Of files that are read."""
WORDS = {
    "train": {"train", "training"},
    "validation": {"validation", "validate", "valid", "val", "dev", "eval", "evaluation"},
    "test": {"test", "testing"},
}
"""What in the name of a folder says that it is a part, as in "Training set" and "seg_train"."""
SILENT = {"thumbs.db", "desktop.ini", "__macosx", LIST}
"""What systems put into folders, besides all that begins with a dot."""

Pairs = list[tuple[Path, str]]
"""Image files, each with the name of its class."""


@dataclass
class Inside:
    """What is in a folder: images, other files, and folders."""

    path: Path
    images: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    folders: list["Inside"] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name; letters with accents are one letter, as not all systems write them."""
        return unicodedata.normalize("NFC", self.path.name)

    def whole(self, kind: str) -> list[Path]:
        """Return the "images" or "others" in it and in all of its folders."""
        return [*getattr(self, kind), *(path for inner in self.folders for path in inner.whole(kind))]

    def full(self) -> list["Inside"]:
        """Return its folders that hold an image somewhere."""
        return [inner for inner in self.folders if inner.whole("images")]

    def empty(self) -> list["Inside"]:
        """Return the folders, also in its folders, that hold none."""
        found = ([inner] if not inner.whole("images") else inner.empty() for inner in self.folders)
        return [inner for some in found for inner in some]


def find_layout(folder: Path) -> tuple[dict[str, Pairs], list[str]]:
    """Return the images of each part that a folder has, and notes of what is left out, or is not as usual.

    Parts are folders that are named so (`WORDS`, in small or capital letters) and hold folders of classes; without any,
    all is train. A folder around all else is passed by. Images in folders inside of a class belong to it. Raises
    ValueError where that leaves a doubt, and for what cannot be read.
    """
    top = _look(folder)
    root = _pass_by(top)
    named = _find_parts(root)
    parts = {part: _pass_by(inside) for part, inside in named.items()} or {"train": root}
    if not named:
        _refuse_unnamed_parts(root)
    notes = [
        f"The folder {inner.path} is left out: it has no image, and {_count(len(inner.whole('others')), 'other file')}."
        for inner in top.empty()
    ]
    aside = []
    for inner in root.full() if named else []:
        if inner not in named.values():
            aside += inner.whole("images")
            number = _count(len(inner.whole("images")), "image")
            notes.append(f"The folder {inner.path} is left out: {number}, and it is no part.")
    pairs = {part: _classes(inside, notes) for part, inside in parts.items()}
    taken = {path for some in pairs.values() for path, _ in some}.union(aside)
    if loose := [path for path in top.whole("images") if path not in taken]:
        number = _count(len(loose), "image")
        notes.append(f"Left out, in no folder of a class: {number}, such as {loose[0]}.")
    if others := top.whole("others"):
        kinds = Counter(path.suffix.lower() or "without a suffix" for path in others)
        listed = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
        notes.append(
            f"Left out, of other kinds: {_count(len(others), 'file')} ({listed}), such as {others[0]}. "
            "Save images as JPEG or PNG to use them."
        )
    return pairs, notes


def _look(folder: Path, around: tuple[Path, ...] = ()) -> Inside:
    """Return what is in a folder, but for links to those around it; raises ValueError for what may not be read."""
    inside, around = Inside(folder), (*around, folder.resolve())
    try:
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or path.name.lower() in SILENT:
                continue
            if path.is_dir():
                inside.folders += [_look(path, around)] if path.resolve() not in around else []
            else:
                (inside.images if path.suffix.lower() in SUFFIXES else inside.others).append(path)
    except OSError as error:
        raise ValueError(f"{error.filename or folder} cannot be read: allow that, or remove it. ({error})") from error
    return inside


def _pass_by(inside: Inside) -> Inside:
    """Return the innermost folder that holds all images, in at least two folders, or in one that is a class."""
    while not inside.images and len(inside.full()) == 1 and inside.full()[0].full() and not _part(inside.full()[0]):
        inside = inside.full()[0]
    return inside


def _part(inside: Inside) -> str | None:
    """Return which part the name of a folder says: "Training set" is train, and "train or test" is none."""
    words = {word.lower() for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", inside.name)}
    named = [part for part, known in WORDS.items() if words & known]
    return named[0] if len(named) == 1 else None


def _find_parts(root: Inside) -> dict[str, Inside]:
    """Return the folders that are parts; none where no such folder holds folders, as with a class of trains."""
    candidates = [inner for inner in root.folders if _part(inner)]
    if not any(inner.full() for inner in candidates):
        full = root.full()
        if {_part(inner) for inner in full} >= {"train"} and all(_part(inner) for inner in full) and len(full) > 1:
            raise ValueError(
                f"{root.path} has {_listed(full)}, but no folders of classes in them: put the images of each class "
                "into a folder of its own, as in train/cat and train/dog."
            )
        return {}
    parts: dict[str, Inside] = {}
    for inner in candidates:
        if (part := _part(inner)) in parts:
            raise ValueError(
                f"{root.path} has two folders for {part}, {parts[part].path.name} and {inner.path.name}: "
                "rename or remove one of them."
            )
        parts[part] = inner
    if "train" not in parts:
        raise ValueError(f"{root.path} has {_listed(candidates)}, but no folder train: name one so, to learn from.")
    return parts


def _refuse_unnamed_parts(root: Inside) -> None:
    """Raise ValueError if all folders hold the same folders: then they are parts under other names, not classes."""
    full = root.full()
    inner = [{below.name.lower() for below in each.full()} for each in full]
    if len(full) > 1 and len(inner[0]) > 1 and all(names == inner[0] for names in inner):
        raise ValueError(
            f"{root.path} has {_listed(full)}, and in each of them the same folders, {_listed(full[0].full())}: name "
            "the parts train, validation and test, or give the path of one of them."
        )


def _classes(inside: Inside, notes: list[str]) -> Pairs:
    """Return all images in folders of classes; note those that are deeper."""
    pairs = []
    for each in inside.full():
        images = each.whole("images")
        pairs += [(path, each.name) for path in images]
        if deeper := each.full():
            number = _count(len(images) - len(each.images), "image")
            notes.append(f"The class {each.name} also has {number} from inner folders: {_listed(deeper)}.")
    return pairs


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _listed(folders: list[Inside]) -> str:
    return ", ".join(inner.path.name for inner in folders[:6]) + (", …" if len(folders) > 6 else "")

"""What happens to files: each way to damage one, and what a learner must read then."""

import io
import os
import shutil
from pathlib import Path

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 834645\n"


def _folder(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


def _cut(share: float):
    def cut(path: Path) -> None:
        os.truncate(path, int(share * path.stat().st_size))

    return cut


def flip(path: Path, share: float) -> None:
    """Change all bits of the byte in a file that is at this share of its length."""
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 0xFF
    path.write_bytes(content)


DAMAGES = {
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "pointer": (lambda path: path.write_text(POINTER), r"is only a pointer of Git LFS.*`git lfs pull`"),
    "folder": (_folder, "is a folder, where a file should be"),
    "other": (lambda path: path.write_bytes(bytes(range(256)) * 40), "is damaged"),
    **{f"cut at {share}": (_cut(share), "is damaged") for share in (0.1, 0.5, 0.9)},
    "last byte": (lambda path: os.truncate(path, path.stat().st_size - 1), "is damaged"),
}
"""By name: what damages a file, and what the message must say of it, as a regular expression."""


def refuse_to_open(path: Path, monkeypatch) -> None:
    """Let nobody read a file; its permissions would not stop an administrator, who may run the tests."""

    def refuse(file, *rest, real=io.open, **options):
        if not isinstance(file, int) and Path(os.fsdecode(file)) == path:
            raise PermissionError(13, "Permission denied", str(file))
        return real(file, *rest, **options)

    monkeypatch.setattr(io, "open", refuse)


def copied(source: Path, root: Path) -> Path:
    """Copy a file of data/ to the same place in another folder; return where it is."""
    parts = source.parts[source.parts.index("data", len(source.parts) - 3) :]
    target = root.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(source, target))

"""Packages on disk: the shipped modules, templates and demo, and any module folder a person points at.

Knows folders and files. Must not know what a manifest means.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from openprod.model.errors import Missing, Refused
from openprod.model.ids import CONTEXT_MODULE, hash_in

FILES_MAX = 2_000
PACKAGE_BYTES_MAX = 32 << 20

_PACKAGE = Path(__file__).resolve().parents[1]


class NoSuchPackage(Missing):
    """There is no module or template of that name."""

    code = "package.unknown"


class PackageTooLarge(Refused):
    """A module folder holds more than a module may."""

    code = "package.too_large"


@dataclass(frozen=True, slots=True)
class Package:
    """A folder read whole: path within it to bytes, and the hash over all of them."""

    name: str
    folder: Path
    files: dict[str, bytes]

    @property
    def hash(self) -> bytes:
        """The hash of the package: names and contents, each behind its length, in name order."""
        parts: list[bytes] = []
        for name in sorted(self.files):
            for raw in (name.encode(), self.files[name]):
                parts += [len(raw).to_bytes(8, "big"), raw]
        return hash_in(CONTEXT_MODULE, *parts)

    def text(self, name: str) -> str:
        """Returns a file as text; raises Refused where it is not there or not UTF-8."""
        raw = self.files.get(name)
        if raw is None:
            raise Refused(
                f"{self.folder / name} is missing, and the package '{self.name}' needs it. Put the file back."
            )
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Refused(f"{self.folder / name} is not text in UTF-8. Save it as UTF-8 and try again.") from None


def shipped(kind: str) -> Path:
    """Returns the folder of what ships with the program: `modules`, `templates` or `demo`."""
    inside = _PACKAGE / "shipped" / kind
    return inside if inside.is_dir() else _PACKAGE.parents[1] / kind


def shipped_names(kind: str, marker: str) -> list[str]:
    """Returns the names of the shipped packages of a kind: the folders that hold the marker file."""
    folder = shipped(kind)
    return sorted(one.name for one in folder.iterdir() if (one / marker).is_file()) if folder.is_dir() else []


def find(kind: str, reference: str, marker: str) -> Package:
    """Returns a package by shipped name or by folder; raises NoSuchPackage naming what there is."""
    folder = Path(reference)
    if not (folder / marker).is_file():
        folder = shipped(kind) / reference
    if reference in ("", ".", "..") or not (folder / marker).is_file():
        names = ", ".join(shipped_names(kind, marker))
        raise NoSuchPackage(
            f"There is no folder with a {marker} at '{reference}', and none of that name is shipped. Shipped are:"
            f" {names}."
        )
    return read(folder)


def read(folder: Path) -> Package:
    """Returns a folder's files, those of tests and hidden ones left out; raises PackageTooLarge."""
    files: dict[str, bytes] = {}
    size = 0
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file() or any(part.startswith((".", "__")) for part in name.split("/")):
            continue
        size += path.stat().st_size
        if len(files) >= FILES_MAX or size > PACKAGE_BYTES_MAX:
            raise PackageTooLarge(
                f"{folder} holds more than a module may ({FILES_MAX} files, {PACKAGE_BYTES_MAX >> 20} MiB). Keep other"
                " things elsewhere."
            )
        files[name] = path.read_bytes()
    return Package(folder.name, folder, files)

"""Packages: the shipped modules, templates and demo, those a person installed, any folder or pack they point at.

Knows folders, files and the bytes of a pack (docs/formats/module.md). Must not know what a manifest means.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from openprod.model.errors import Missing, Refused
from openprod.model.ids import CONTEXT_MODULE, hash_in

FILES_MAX = 2_000
PACKAGE_BYTES_MAX = 32 << 20
PACK_BYTES_MAX = PACKAGE_BYTES_MAX + (1 << 20)
NAME_CHARACTERS_MAX = 200

PACK_MAGIC = b"openprod module 1\n"
PACK_SUFFIX = ".opmod"

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(list[tuple[str, bytes]])
_PACKAGE = Path(__file__).resolve().parents[1]


class NoSuchPackage(Missing):
    """There is no module or template of that name."""

    code = "package.unknown"


class NotAPack(Refused):
    """A file does not read as a packed module."""

    code = "package.not_a_pack"


class NotInstalled(Missing):
    """This person installed no module of that name."""

    code = "package.not_installed"


class PackageTooLarge(Refused):
    """A module folder holds more than a module may."""

    code = "package.too_large"


@dataclass(frozen=True, slots=True)
class Package:
    """A folder read whole: path within it to bytes, and the hash over all of them."""

    name: str
    folder: Path
    files: dict[str, bytes]

    def pack(self) -> bytes:
        """Returns the package as one run of bytes, the same for the same files wherever and whenever it is made."""
        return PACK_MAGIC + _encode([[name, self.files[name]] for name in sorted(self.files)])

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
    return names_in(shipped(kind), marker)


def find(kind: str, reference: str, marker: str, installed: Path | None = None) -> Package:
    """Returns a package by folder, pack file, or the name of an installed or shipped one.

    Args:
        kind: `modules` or `templates`.
        reference: what somebody named it by.
        marker: the file that makes a folder one of this kind.
        installed: the folder of what this person installed, which goes before what ships under the same name.

    Raises:
        NoSuchPackage: naming what there is.
        NotAPack: a file was named that is none.
    """
    path = Path(reference)
    if path.suffix == PACK_SUFFIX and path.is_file():
        return read_pack(_bytes_of(path), path)
    places = [path, *([installed / reference] if installed is not None else []), shipped(kind) / reference]
    found = next((one for one in places if (one / marker).is_file()), None)
    if reference in ("", ".", "..") or found is None:
        if path.is_file():
            raise NotAPack(f"{path} is no module. Give a folder with a {marker}, or a pack (…{PACK_SUFFIX}).")
        names = ", ".join(shipped_names(kind, marker))
        raise NoSuchPackage(
            f"There is no folder with a {marker} at '{reference}', and none of that name is shipped. Shipped are:"
            f" {names}."
        )
    return read(found)


def names_in(folder: Path, marker: str) -> list[str]:
    """Returns the names of the packages in a folder: the folders in it that hold the marker file."""
    return sorted(one.name for one in folder.iterdir() if (one / marker).is_file()) if folder.is_dir() else []


def read(folder: Path) -> Package:
    """Returns a folder's files, hidden ones left out; raises PackageTooLarge, or NotAPack for a name no pack has."""
    files: dict[str, bytes] = {}
    size = 0
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file() or any(part.startswith((".", "__")) for part in name.split("/")):
            continue
        if not _is_plain(name):
            raise NotAPack(
                f"{path} cannot be in a module: use a name of letters, digits, spaces, - and _, of at most"
                f" {NAME_CHARACTERS_MAX} characters with its folders."
            )
        size += path.stat().st_size
        if len(files) >= FILES_MAX or size > PACKAGE_BYTES_MAX:
            raise _too_large(folder)
        files[name] = path.read_bytes()
    return Package(folder.name, folder, files)


def read_pack(raw: bytes, path: Path) -> Package:
    """Returns the package in a pack's bytes.

    Args:
        raw: the bytes.
        path: what they are called in sentences.

    Raises:
        NotAPack: they are not exactly what `Package.pack` gives for some package.
        PackageTooLarge: they hold more than a module may.
    """
    if not raw.startswith(PACK_MAGIC):
        raise NotAPack(f"{path} is no packed module. Make one with: openprod module pack FOLDER")
    try:
        entries = _decoder.decode(raw[len(PACK_MAGIC) :])
    except (msgspec.DecodeError, UnicodeDecodeError):
        entries = []
    files = dict(entries)
    if len(files) > FILES_MAX or sum(map(len, files.values())) > PACKAGE_BYTES_MAX:
        raise _too_large(path)
    package = Package(path.stem, path, files)
    if not files or not all(map(_is_plain, files)) or package.pack() != raw:
        raise NotAPack(f"{path} is damaged, or was not made by Openprod. Get it again from where it came from.")
    return package


def install(installed: Path, name: str, package: Package, chance: Callable[[int], bytes]) -> Path:
    """Puts a package's files into the folder of installed ones, in place of those it had there; returns the folder.

    Args:
        installed: the folder of installed packages.
        name: the module's name, which becomes the folder's.
        package: what is installed.
        chance: gives random bytes, for the name of the unfinished folder.

    Raises:
        Refused: the files cannot be written; what was installed before stays.
    """
    target = installed / name
    fresh, old = (installed / f".{name}.{chance(8).hex()}.{end}" for end in ("new", "old"))
    try:
        for file, content in package.files.items():
            place = fresh / PurePosixPath(file)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    except OSError as error:
        if old.exists() and not target.exists():
            old.rename(target)
        raise Refused(
            f"The module cannot be installed in {installed} ({error.strerror}). Make room or make it writable, then"
            " try again."
        ) from error
    finally:
        for left in (fresh, old):
            with suppress(OSError):
                shutil.rmtree(left)
    return target


def uninstall(installed: Path, name: str, marker: str) -> None:
    """Takes a package away from the installed ones; raises NotInstalled."""
    if name not in names_in(installed, marker):
        there = ", ".join(names_in(installed, marker))
        raise NotInstalled(
            f"You have not installed a module '{name}'." + (f" You have installed: {there}." if there else "")
        )
    shutil.rmtree(installed / name)


def _is_plain(name: str) -> bool:
    """Tells whether a name in a pack is that of a file inside a folder, as `read` finds them."""
    parts = name.split("/")
    return (
        0 < len(name) <= NAME_CHARACTERS_MAX
        and name.isprintable()
        and "\\" not in name
        and ":" not in name
        and all(part and not part.startswith((".", "__")) for part in parts)
    )


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(PACK_BYTES_MAX + 1)
    except OSError as error:
        raise NotAPack(f"{path} cannot be read: {error.strerror}.") from error
    if len(raw) > PACK_BYTES_MAX:
        raise _too_large(path)
    return raw


def _too_large(place: Path) -> PackageTooLarge:
    return PackageTooLarge(
        f"{place} holds more than a module may ({FILES_MAX} files, {PACKAGE_BYTES_MAX >> 20} MiB). Keep other things"
        " elsewhere."
    )

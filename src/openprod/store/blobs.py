"""Files kept beside the database, each under the BLAKE3 hash of its bytes; kept once, never changed, proven when read.

Knows folders, files and hashes. Must not know which record a file belongs to: `workspace.blobs` does. Everything is
streamed: a file of any size takes a few MiB of memory. Layout: docs/formats/workspace-db.md.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

from openprod.model.errors import Damaged, Missing, Refused
from openprod.model.ids import HASH_BYTES, is_hex
from openprod.model.media import HEAD_BYTES, TAIL_BYTES, media_type
from openprod.model.values import BlobRef

BUFFER_BYTES = 1 << 20
NAME_BYTES_MAX = 255
UNFINISHED = ".incoming"
DAMAGED_SUFFIX = ".damaged"
ABANDONED_S = 24 * 3600
_DIGITS = 2 * HASH_BYTES


class BlobMissing(Missing):
    """A file that the production names is not on this device."""

    code = "blob.missing"


class BlobDamaged(Damaged):
    """A kept file's bytes are not those that were kept."""

    code = "blob.damaged"


class BlobChanged(Refused):
    """A file changed while it was being read."""

    code = "blob.changed"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} changed while it was being read, so nothing was kept. Wait until whatever writes it is done, then"
            " add it again."
        )


class BlobUnreadable(Refused):
    """What was given to be kept is no file that can be read."""

    code = "blob.cannot_read"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be read: {why}. Nothing was kept.")


class BlobNotKept(Refused):
    """A file could not be written into the workspace's folder."""

    code = "blob.not_kept"

    def __init__(self, folder: Path, error: OSError) -> None:
        why = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
        super().__init__(
            f"The file could not be kept in {folder}: {why}. Nothing was changed; make room and try again."
        )


class BlobNotWritten(Refused):
    """A kept file could not be written to where somebody wants it."""

    code = "blob.not_written"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} was not written: {why}.")


class BlobNotThatOne(Refused):
    """Bytes that were offered for a file are not that file's."""

    code = "blob.not_that_one"

    def __init__(self, digest: bytes) -> None:
        super().__init__(
            f"What was offered for the file {digest.hex()[:12]} is not that file: it was damaged or replaced on its"
            " way. Nothing was kept; take it from another device or stick."
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is kept: its hash and its size in bytes."""

    hash: bytes
    size: int


class _Ends:
    """The beginning and the end of what streams by."""

    def __init__(self) -> None:
        self.head = b""
        self.tail = b""

    def see(self, piece: bytes | memoryview) -> None:
        if len(self.head) < HEAD_BYTES:
            self.head += bytes(piece[: HEAD_BYTES - len(self.head)])
        self.tail = bytes(piece[-TAIL_BYTES:]) if len(piece) >= TAIL_BYTES else (self.tail + bytes(piece))[-TAIL_BYTES:]


class _Mark(NamedTuple):
    """What a file's bytes can only have changed behind if this changed too."""

    device: int
    inode: int
    size: int
    changed_ns: int


class Blobs:
    """The files of one workspace.

    Args:
        folder: the workspace's `blobs` folder; made when the first file comes.
        chance: gives random bytes, for names of unfinished files.
        durable: False skips the disk's confirmation, for simulations only.
    """

    def __init__(self, folder: Path, chance: Callable[[int], bytes], *, durable: bool = True) -> None:
        self.folder = folder
        self._chance = chance
        self._is_durable = durable
        self._proven: dict[bytes, _Mark] = {}

    def path(self, digest: bytes) -> Path:
        """Returns where a file of this hash stands, whether it is here or not."""
        text = digest.hex()
        return self.folder / text[:2] / text[2:]

    # -- in

    def add(self, path: Path) -> BlobRef:
        """Keeps a copy of a file and returns what a field refers to it by.

        Raises:
            BlobUnreadable, BlobChanged, BlobNotKept: nothing was kept.
        """
        with _source(path) as source:
            before = os.fstat(source.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise BlobUnreadable(path, "it is not a file")
            ends = _Ends()

            def check(size: int) -> None:
                after = os.fstat(source.fileno())
                is_same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
                if not is_same or size != before.st_size:
                    raise BlobChanged(path)

            try:
                # No further than it was long: what grows as fast as we read would never end.
                kept = self._take(_pieces(source, before.st_size + 1), ends, None, check)
            except _SourceFailed as error:
                raise BlobUnreadable(path, error.why) from error
        return BlobRef(kept.hash, clean_name(path.name), kept.size, media_type(ends.head, ends.tail, path.name))

    def add_bytes(self, raw: bytes, name: str) -> BlobRef:
        """Keeps bytes as a file of a name."""
        ends = _Ends()
        kept = self._take([raw], ends, None, lambda _: None)
        return BlobRef(kept.hash, clean_name(name), kept.size, media_type(ends.head, ends.tail, name))

    def take(self, digest: bytes, pieces: Iterable[bytes]) -> Kept:
        """Keeps a file that came from somewhere else, if it is the one of this hash; raises BlobNotThatOne."""
        return self._take(pieces, _Ends(), digest, lambda _: None)

    def _take(
        self, pieces: Iterable[bytes | memoryview], ends: _Ends, wanted: bytes | None, check: Callable[[int], None]
    ) -> Kept:
        unfinished = self._unfinished()
        try:
            hasher = blake3()
            size = 0
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with FileIO(os.open(unfinished, flags, 0o600), "wb") as target:
                self._clear_up(target)
                for piece in pieces:
                    ends.see(piece)
                    hasher.update(piece)
                    size += len(piece)
                    _write_all(target, piece)
                check(size)
                digest = hasher.digest()
                if wanted is not None and digest != wanted:
                    raise BlobNotThatOne(wanted)
                if self.size_of(digest) == size and self._is_sound(digest):
                    return Kept(digest, size)
                if self._is_durable:
                    os.fsync(target.fileno())
            self._put(unfinished, digest)
            return Kept(digest, size)
        except OSError as error:
            raise BlobNotKept(self.folder, error) from error
        finally:
            with suppress(OSError):
                unfinished.unlink()

    def _unfinished(self) -> Path:
        """Returns a path for a file on its way in."""
        incoming = self.folder / UNFINISHED
        try:
            incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise BlobNotKept(self.folder, error) from error
        return incoming / self._chance(16).hex()

    def _clear_up(self, beside: FileIO) -> None:
        """Takes away what a power cut left unfinished a day or more before this file was begun."""
        now = os.fstat(beside.fileno()).st_mtime
        for path in (self.folder / UNFINISHED).iterdir():
            with suppress(OSError):
                if now - path.lstat().st_mtime > ABANDONED_S:
                    path.unlink()

    def _put(self, unfinished: Path, digest: bytes) -> None:
        """Gives a finished file its name; a damaged one in its place goes, as these are the bytes it should have."""
        path = self.path(digest)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        unfinished.chmod(0o400)
        unfinished.replace(path)
        self._set_aside(path).unlink(missing_ok=True)
        self._proven.pop(digest, None)
        if self._is_durable:
            for folder in (path.parent, self.folder):
                _sync_folder(folder)

    # -- what is here

    def size_of(self, digest: bytes) -> int | None:
        """Returns the size of a file that is here, None where it is not."""
        try:
            found = self.path(digest).lstat()
        except OSError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def all(self) -> Iterator[Kept]:
        """Yields every file that is here, by hash."""
        if not self.folder.is_dir():
            return
        for first in sorted(one for one in self.folder.iterdir() if len(one.name) == 2 and one.is_dir()):
            for path in sorted(first.iterdir()):
                if len(path.name) == _DIGITS - 2 and is_hex(first.name + path.name):
                    digest = bytes.fromhex(first.name + path.name)
                    size = self.size_of(digest)
                    if size is not None:
                        yield Kept(digest, size)

    # -- out

    def open(self, digest: bytes, name: str = "") -> FileIO:
        """Returns a file, proven whole, to be read from its beginning; the caller closes it.

        Args:
            digest: the file's hash.
            name: what sentences call it.

        Raises:
            BlobMissing: it is not on this device.
            BlobDamaged: its bytes are not those that were kept; it was set aside.
        """
        called = f"The file {name or digest.hex()[:12]}"
        try:
            file = self._opened(digest)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                raise self._missing(digest, called) from None
            raise BlobUnreadable(self.path(digest), error.strerror or str(error)) from error
        try:
            if not self._proves(digest, file):
                self.set_aside(digest)
                raise BlobDamaged(
                    f"{called} is damaged on this disk and was set aside. Take it from a device or a stick that has it:"
                    " openprod blob take FOLDER"
                )
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def _opened(self, digest: bytes) -> FileIO:
        return FileIO(os.open(self.path(digest), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")

    def _proves(self, digest: bytes, file: FileIO) -> bool:
        """Tells whether a file's bytes are those of its hash; one that was proven and not touched since is not read."""
        mark = _mark(os.fstat(file.fileno()))
        if self._proven.get(digest) != mark:
            if _hash_of(file) != digest:
                return False
            self._proven[digest] = mark
        return True

    def _missing(self, digest: bytes, called: str) -> BlobMissing | BlobDamaged:
        if self.is_aside(digest):
            return BlobDamaged(
                f"{called} was damaged on this disk and set aside. Take it from a device or a stick that has it:"
                " openprod blob take FOLDER"
            )
        return BlobMissing(
            f"{called} is not on this device. Take it from a device or a stick that has it: openprod blob take FOLDER"
        )

    def read(self, digest: bytes, name: str = "") -> bytes:
        """Returns a whole file, proven; for small ones. Raises as `open`."""
        with self.open(digest, name) as file:
            return file.read()

    def pieces(self, digest: bytes, name: str = "") -> Iterator[bytes]:
        """Yields a proven file piece by piece; raises as `open`."""
        with self.open(digest, name) as file:
            while piece := file.read(BUFFER_BYTES):
                yield piece

    def copy_to(self, digest: bytes, path: Path, name: str = "", *, is_replacing: bool = False) -> None:
        """Writes a proven file to a place outside, whole or not at all.

        Raises:
            BlobMissing, BlobDamaged: as `open`.
            BlobNotWritten: there is a file already, or it cannot be written; what was there is unchanged.
        """
        if path.exists() and not is_replacing:
            raise BlobNotWritten(path, "there is a file of that name already. Give another name, or --yes")
        part = path.with_name(f".{path.name[:100]}.{self._chance(6).hex()}.part")
        try:
            with self.open(digest, name) as source:
                with FileIO(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), "wb") as target:
                    for piece in _pieces(source):
                        _write_all(target, piece)
                    os.fsync(target.fileno())
                part.replace(path)
        except OSError as error:
            raise BlobNotWritten(path, error.strerror or str(error)) from error
        finally:
            with suppress(OSError):
                part.unlink()

    def is_sound(self, digest: bytes) -> bool:
        """Tells whether a file that is here has the bytes it should have; reads it anew and changes nothing."""
        self._proven.pop(digest, None)
        return self._is_sound(digest)

    def _is_sound(self, digest: bytes) -> bool:
        try:
            with self._opened(digest) as file:
                return self._proves(digest, file)
        except OSError:
            return False

    def is_aside(self, digest: bytes) -> bool:
        """Tells whether a file was found damaged and waits for somebody to bring it again."""
        return self._set_aside(self.path(digest)).exists()

    def set_aside(self, digest: bytes) -> None:
        """Takes a damaged file out of the way; it stays on the disk, and is missing until somebody brings it again."""
        path = self.path(digest)
        with suppress(OSError):
            path.replace(self._set_aside(path))

    def _set_aside(self, path: Path) -> Path:
        return path.with_name(path.name + DAMAGED_SUFFIX)


def clean_name(name: str) -> str:
    """Returns a file's name as a field keeps it: no folders, no control characters, at most 255 bytes."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if letter.isprintable()).strip() or "file"
    if len(kept.encode(errors="replace")) <= NAME_BYTES_MAX:
        return kept.encode(errors="replace").decode()
    stem, dot, ending = kept.rpartition(".")
    ending = f"{dot}{ending}" if dot and len(ending) <= 12 else ""
    room = NAME_BYTES_MAX - len(ending.encode(errors="replace"))
    return (stem or kept).encode(errors="replace")[:room].decode(errors="ignore") + ending


class _SourceFailed(Exception):
    """Reading, not writing, failed."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


def _source(path: Path) -> FileIO:
    try:
        # Not blocking: a pipe must not hold us up before we know that it is one.
        return FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as error:
        raise BlobUnreadable(path, error.strerror or str(error)) from error


def _pieces(file: FileIO, most: int | None = None) -> Iterator[memoryview]:
    """Yields what a file holds, about `most` bytes of it, each piece good until the next is asked for."""
    buffer = memoryview(bytearray(BUFFER_BYTES))
    done = 0
    while most is None or done < most:
        try:
            count = file.readinto(buffer)
        except OSError as error:
            raise _SourceFailed(error.strerror or str(error)) from error
        if not count:
            return
        yield buffer[:count]
        done += count


def _hash_of(file: FileIO) -> bytes:
    hasher = blake3()
    for piece in _pieces(file):
        hasher.update(piece)
    return hasher.digest()


def _write_all(target: FileIO, piece: bytes | memoryview) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[target.write(rest) :]


def _mark(found: os.stat_result) -> _Mark:
    return _Mark(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _sync_folder(folder: Path) -> None:
    # Some file systems cannot sync a folder; the file itself is on disk already.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

"""Exchange by file: `.opx` on a stick, or one for each device in a folder that any file-sharing service carries.

Knows files and folders. Must not know what is in a bundle: it proves a file whole, hands the bundles to the workspace,
and writes what the workspace holds. Every file holds all that its writer held, so any number of devices meet in any
order, and reading a file twice, late or after another changes nothing.
"""

from __future__ import annotations

import logging
import os
import secrets
import stat
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Generic, Protocol, TypeVar

from openprod.identity.invite import Invitation
from openprod.identity.keys import is_valid_key, workspace_key_id
from openprod.identity.opx import (
    CHANCE_BYTES,
    FRAME_BYTES,
    MAGIC,
    RECORD_BYTES_MAX,
    START_BYTES,
    ForgedOpx,
    MalformedOpx,
    NotInvitedOpx,
    NotOpx,
    Opener,
    OpxFault,
    OtherWorkspaceOpx,
    Sealer,
    Start,
    Statement,
    StrangerOpx,
    TruncatedOpx,
    chunk_count,
    device_name,
    encode_statement,
    open_box,
    read_start,
    read_statement,
    sign_record,
    statement_message,
    waiting_hash,
)
from openprod.identity.seal import check_opening, proves
from openprod.model.bundle import (
    ADMISSION_CREATOR,
    CHUNKS_MAX,
    Frontier,
    Header,
    Sealed,
    chunks_match,
    decode_header,
    decode_sealed,
    encode_sealed,
    id_of,
)
from openprod.model.errors import Missing, OpenprodError, Refused
from openprod.model.ids import SIGN_OPX, LogId, WorkspaceId
from openprod.model.ops import Malformed

log = logging.getLogger(__name__)

SUFFIX = ".opx"
FILES_MAX = 4_096
LOOSE_ENDS_MAX = 1 << 16

Taken = TypeVar("Taken")
Taken_co = TypeVar("Taken_co", covariant=True)
Progress = Callable[[int, int], None]


def _quietly(done: int, total: int) -> None:
    """Tells nobody."""
    del done, total


Key = tuple[int, bytes, bytes]


class Desk(Protocol[Taken_co]):
    """What this door needs of a workspace; `Taken_co` is the workspace's own report of what it took in."""

    @property
    def workspace_id(self) -> WorkspaceId:
        """The workspace."""
        ...

    @property
    def log_id(self) -> LogId:
        """The log that this device writes."""
        ...

    def sign_with_log(self, prefix: bytes, message: bytes) -> bytes:
        """Returns the log's signature."""
        ...

    def keys(self) -> Sequence[Key]:
        """Returns the workspace keys as (epoch, key, key id), the one in use last."""
        ...

    def frontier(self) -> Frontier:
        """Returns what is applied here."""
        ...

    def open_invitations(self) -> Sequence[bytes]:
        """Returns the public keys of the open invitations, the newest first."""
        ...

    def bundles(self, since: Frontier | None = None) -> Iterator[Sealed]:
        """Yields every bundle that a frontier does not cover, in causal order, those that wait last."""
        ...

    def ingest(self, bundles: Iterable[Sealed]) -> Taken_co:
        """Takes bundles in; those it has already change nothing."""
        ...


class NoFile(Missing):
    """There is no such file."""

    code = "opx.no_file"

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"There is no file {path}. Check the name, and whether the stick or folder is connected.")


class CannotRead(Refused):
    """A file or folder cannot be read."""

    code = "opx.cannot_read"

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"{path} cannot be read: {reason}. Nothing was taken in.")


class CannotWrite(Refused):
    """A file cannot be written."""

    code = "opx.cannot_write"

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"{path} cannot be written: {reason}. What was there before is unchanged.")


class NothingWritten(Refused):
    """This device has no bundle of its own, so nobody could tell who wrote its file."""

    code = "opx.nothing_written"

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{path} was not written: this device has written nothing in this production yet, so others could not tell "
            "whose file it is. Make one change, then sync again."
        )


class TooLarge(Refused):
    """A bundle that fits into no file."""

    code = "opx.too_large"

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{path} was not written: one change is larger than {RECORD_BYTES_MAX >> 20} MiB, the most a file carries."
        )


@dataclass(frozen=True, slots=True)
class FileRead(Generic[Taken]):
    """What became of one file: how many bundles it holds, what the workspace took; a sentence where none were read."""

    name: str
    bundles: int = 0
    taken: Taken | None = None
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Report(Generic[Taken]):
    """What an exchange did: the files looked at, and the file that was written, None where it was up to date."""

    files: tuple[FileRead[Taken], ...]
    written: Path | None = None


@dataclass(frozen=True, slots=True)
class _Proven:
    """A file that proved whole: its statement, how many bundles it holds and where their chains end."""

    statement: Statement
    bundles: int
    tips: frozenset[bytes]
    opened: frozenset[bytes]
    has_genesis: bool


class _File:
    """An open `.opx` file whose clear header was read."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self.name = path.name
        beginning = self._read(START_BYTES)
        self.start: Start = read_start(beginning, self.name)
        self.header = beginning + self._read(self.start.header_bytes - START_BYTES)
        if len(self.header) < self.start.header_bytes:
            raise TruncatedOpx(self.name)

    def _read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            raise CannotRead(self._path, error.strerror or str(error)) from error

    def key(self, keys: Iterable[Key]) -> bytes:
        """Returns the one of our workspace keys that this file was written with."""
        for _, key, key_id in keys:
            if key_id == self.start.key_id:
                return key
        raise OtherWorkspaceOpx(self.name)

    def records(self, key: bytes) -> Iterator[bytes]:
        """Yields every record, each frame proven before what is in it is looked at."""
        self._file.seek(len(self.header))
        opener = Opener(self.header, key, self.name)
        frame = self._read(FRAME_BYTES)
        while True:
            following = self._read(FRAME_BYTES) if len(frame) == FRAME_BYTES else b""
            yield from opener.records(frame, is_last=not following)
            if not following:
                return
            frame = following

    def statement(self, key: bytes) -> Statement:
        """Returns the writer's statement, reading no further than it stands."""
        for record in self.records(key):
            return read_statement(record, self.header, self.name)
        raise MalformedOpx(self.name, "it holds nothing")

    def bundles(self, key: bytes) -> Iterator[Sealed]:
        """Yields the bundles."""
        for at, record in enumerate(self.records(key)):
            if at:
                yield _bundle(record, self.name)

    def prove(self, key: bytes, workspace: WorkspaceId) -> _Proven:
        """Reads the whole file and proves it: every frame, hash and link, and the signature at each chain's end."""
        records = self.records(key)
        statement = read_statement(next(records, b""), self.header, self.name)
        proof = _Proof(workspace, self.name)
        for record in records:
            proof.add(_bundle(record, self.name))
        return proof.finish(statement)


class _Proof:
    """Follows the chains of a file's bundles."""

    def __init__(self, workspace: WorkspaceId, name: str) -> None:
        self._workspace = workspace
        self._name = name
        self._count = 0
        self._ends: dict[bytes, tuple[bytes, bytes]] = {}
        self._logs: set[bytes] = set()
        self._opened: set[bytes] = set()
        self._has_genesis = False

    def add(self, sealed: Sealed) -> None:
        """Looks at one bundle: whole, of this workspace, and where it hangs."""
        header = self._header(sealed)
        bundle = id_of(sealed, self._workspace)
        self._count += 1
        # A log's later bundle names the one before by its hash: a chain's last signature stands for all of it.
        before = self._ends.get(header.prev) if header.prev is not None else None
        if header.prev is not None and before is not None and before[0] == header.log:
            del self._ends[header.prev]
        self._ends[bundle] = header.log, sealed.signature
        if len(self._ends) > LOOSE_ENDS_MAX or len(self._logs) > LOOSE_ENDS_MAX:
            raise MalformedOpx(self._name, "it holds more histories than a production has")
        if header.log not in self._logs:
            if not is_valid_key(header.log):
                raise ForgedOpx(self._name, "A change")
            self._logs.add(header.log)
        if header.opening is not None and check_opening(header):
            self._opened.add(header.log)
            self._has_genesis |= header.opening.admission.kind == ADMISSION_CREATOR

    def _header(self, sealed: Sealed) -> Header:
        try:
            header = decode_header(sealed.header)
        except Malformed as error:
            raise MalformedOpx(self._name, f"a change in it does not read ({error})") from error
        if header.workspace != self._workspace:
            raise MalformedOpx(self._name, "a change in it belongs to another production")
        if not chunks_match(header, sealed.chunks):
            raise ForgedOpx(self._name, "A change")
        return header

    def finish(self, statement: Statement) -> _Proven:
        """Checks the signatures that are left and returns what the file is."""
        for bundle, (writer, signature) in self._ends.items():
            if not proves(writer, bundle, signature):
                raise ForgedOpx(self._name, "A change")
        return _Proven(statement, self._count, frozenset(self._ends), frozenset(self._opened), self._has_genesis)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What an invitation opens in a file: the workspace, its key, and everything its writer held."""

    path: Path
    workspace: WorkspaceId
    epoch: int
    key: bytes
    key_id: bytes
    count: int
    _header: bytes

    def __repr__(self) -> str:
        return f"Bootstrap({self.path.name}, workspace={self.workspace.hex()[:12]}…, {self.count} bundles, key hidden)"

    def bundles(self) -> Iterator[Sealed]:
        """Yields the bundles in the order they were written, from the file as it was proven."""
        with _opened(self.path) as file:
            if file.header != self._header:
                raise MalformedOpx(file.name, "it was replaced while it was being read")
            yield from file.bundles(self.key)


def bootstrap(path: Path, invitation: Invitation) -> Bootstrap:
    """Returns what a joiner without any network needs, from a file proven whole.

    Args:
        path: a file, or a folder of them: then the newest that the invitation opens.
    """
    if not path.is_dir():
        return _bootstrap(path, invitation)
    first_fault: OpenprodError | None = None
    for found in _files(path):
        try:
            return _bootstrap(found, invitation)
        except OpenprodError as fault:
            first_fault = first_fault or fault
    raise first_fault or NoFile(path / f"…{SUFFIX}")


def _bootstrap(path: Path, invitation: Invitation) -> Bootstrap:
    with _opened(path) as file:
        found = open_box(file.header, invitation.seed)
        if found is None:
            raise NotInvitedOpx(file.name)
        epoch, key = found
        workspace = invitation.workspace
        if workspace_key_id(workspace, key) != file.start.key_id:
            raise MalformedOpx(file.name, "its box holds another key than the file says")
        proven = file.prove(key, workspace)
        if not proven.has_genesis:
            raise MalformedOpx(file.name, "the beginning of the production is not in it")
        _check_writer(file.name, proven, ())
        return Bootstrap(path, workspace, epoch, key, file.start.key_id, proven.bundles, file.header)


def read(desk: Desk[Taken], path: Path) -> FileRead[Taken]:
    """Takes in what a file holds and we lack.

    The file is proven whole first; where it does not prove, a sentence says why and nothing was written.
    """
    with _opened(path) as file:
        return _take(desk, file, _quietly)[0]


def write(desk: Desk[Taken], path: Path, *, chance: Callable[[int], bytes] = secrets.token_bytes) -> None:
    """Writes everything this device holds into a file, in place of an `.opx` file that may stand there."""
    _refuse_other_kinds(path)
    _write(desk, path, chance)


def _write(desk: Desk[Taken], path: Path, chance: Callable[[int], bytes]) -> None:
    # Asked first: a copy that never wrote opens its log now, which moves the frontier.
    writer = desk.log_id
    frontier = desk.frontier()
    if not any(one.log == writer for one in frontier):
        raise NothingWritten(path)
    epoch, key, key_id = desk.keys()[-1]
    sealer = Sealer(key, epoch, key_id, desk.open_invitations(), chance(CHANCE_BYTES))
    statement = encode_statement(writer, frontier, _waiting(desk, frontier))
    signed = sign_record(statement, desk.sign_with_log(SIGN_OPX, statement_message(sealer.header, statement)))
    with _replacing(path, chance(6).hex()) as file:
        file.write(sealer.header)
        for frame in sealer.records(_outgoing(desk, signed, path)):
            file.write(frame)
        file.write(sealer.finish())
    log.info("wrote an .opx file of %d bytes", path.stat().st_size)


def sync_file(
    desk: Desk[Taken],
    path: Path,
    *,
    chance: Callable[[int], bytes] = secrets.token_bytes,
    progress: Progress = _quietly,
) -> Report[Taken]:
    """Reads what we lack from a file, then leaves all we hold in it; one that holds that already is not touched.

    Args:
        desk: the workspace.
        path: the file, there or not.
        chance: gives random bytes.
        progress: told how many of a file's bundles were taken in, and of how many.
    """
    try:
        with _opened(path) as file:
            taken, proven = _take(desk, file, progress)
            is_current = file.start.key_id == desk.keys()[-1][2]
    except NoFile:
        write(desk, path, chance=chance)
        return Report((), path)
    if is_current and _holds_all(desk, proven):
        return Report((taken,))
    write(desk, path, chance=chance)
    return Report((taken,), path)


def sync_folder(
    desk: Desk[Taken],
    folder: Path,
    *,
    chance: Callable[[int], bytes] = secrets.token_bytes,
    progress: Progress = _quietly,
) -> Report[Taken]:
    """Reads every device's file in a folder, the newest first, and writes our own where it changed.

    A file that is of another production, half copied or damaged is passed over with a sentence. Copies that a
    file-sharing service made of a device's file are read like any other: after a disk was cloned they may hold what
    nobody else has.
    """
    own = folder / device_name(desk.workspace_id, desk.log_id)
    reads: list[FileRead[Taken]] = []
    seen: set[Statement] = set()
    own_is_whole = False
    for path in _files(folder):
        found: FileRead[Taken] | None
        try:
            with _opened(path) as file:
                found, statement, is_current = _take_from_folder(desk, file, seen, progress, is_own=path == own)
                seen.add(statement)
                own_is_whole |= path == own and is_current
        except (OpxFault, CannotRead, NoFile) as fault:
            found = FileRead(path.name, skipped=str(fault))
        if found is not None:
            reads.append(found)
    frontier = desk.frontier()
    if own_is_whole and Statement(desk.log_id, frontier, _waiting(desk, frontier)) in seen:
        return Report(tuple(reads))
    # Whatever stands under our own name is ours to replace: a service may have left zeros there.
    _write(desk, own, chance)
    return Report(tuple(reads), own)


def _take_from_folder(
    desk: Desk[Taken], file: _File, seen: set[Statement], progress: Progress, *, is_own: bool
) -> tuple[FileRead[Taken] | None, Statement, bool]:
    """Reads a file unless its statement says that nothing is new; the last item: it is our own, whole and current."""
    key = file.key(desk.keys())
    statement = file.statement(key)
    frontier = desk.frontier()
    if is_own and statement == Statement(desk.log_id, frontier, _waiting(desk, frontier)):
        # What others rely on is looked at to its end: a service may have cut it short.
        file.prove(key, desk.workspace_id)
        return None, statement, file.start.key_id == desk.keys()[-1][2]
    if statement in seen:
        return FileRead(file.name, skipped=f"{file.name} is a copy of a file that was just read."), statement, False
    if set(statement.frontier) <= set(frontier) and statement.waiting in (waiting_hash(()), _waiting(desk, frontier)):
        return FileRead(file.name, skipped=f"{file.name} holds nothing new."), statement, False
    return _take(desk, file, progress)[0], statement, False


def _take(desk: Desk[Taken], file: _File, progress: Progress) -> tuple[FileRead[Taken], _Proven]:
    key = file.key(desk.keys())
    proven = file.prove(key, desk.workspace_id)
    _check_writer(file.name, proven, desk.frontier())
    taken = desk.ingest(_told(file.bundles(key), proven.bundles, progress))
    log.info("read an .opx file of %d bundles", proven.bundles)
    return FileRead(file.name, proven.bundles, taken), proven


def _told(bundles: Iterable[Sealed], total: int, progress: Progress) -> Iterator[Sealed]:
    for done, one in enumerate(bundles, 1):
        yield one
        progress(done, total)


def _check_writer(name: str, proven: _Proven, frontier: Frontier) -> None:
    writer = proven.statement.log
    if writer not in proven.opened and all(one.log != writer for one in frontier):
        raise StrangerOpx(name)


def _holds_all(desk: Desk[Taken], proven: _Proven) -> bool:
    frontier = desk.frontier()
    return (
        all(one.tip in proven.tips for one in frontier)
        and set(frontier) == set(proven.statement.frontier)
        and proven.statement.waiting == _waiting(desk, frontier)
    )


def _waiting(desk: Desk[Taken], frontier: Frontier) -> bytes:
    return waiting_hash(id_of(one, desk.workspace_id) for one in desk.bundles(frontier))


def _outgoing(desk: Desk[Taken], signed: bytes, path: Path) -> Iterator[bytes]:
    yield signed
    for sealed in desk.bundles(None):
        record = encode_sealed(sealed)
        if len(record) > RECORD_BYTES_MAX:
            raise TooLarge(path)
        yield record


def _bundle(record: bytes, name: str) -> Sealed:
    chunks = chunk_count(record)
    if chunks is None or chunks > CHUNKS_MAX:
        raise MalformedOpx(name, "a record in it is no change, or says it has too many parts")
    try:
        return decode_sealed(record)
    except Malformed as error:
        raise MalformedOpx(name, f"a change in it does not read ({error})") from error


@contextmanager
def _opened(path: Path) -> Generator[_File]:
    try:
        # Not blocking: a pipe put there under this name must not hold us up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NoFile(path) from error
    except OSError as error:
        raise CannotRead(path, error.strerror or str(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CannotRead(path, "it is no file")
    with os.fdopen(descriptor, "rb") as file:
        yield _File(file, path)


def _files(folder: Path) -> list[Path]:
    """Returns a folder's `.opx` files, the newest first; links and what is no file are left out."""
    found: list[tuple[int, str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.lower().endswith(SUFFIX) or entry.name.startswith("."):
                    continue
                # A service may take a file away while we look.
                with suppress(FileNotFoundError):
                    if entry.is_file(follow_symlinks=False):
                        found.append((-entry.stat(follow_symlinks=False).st_mtime_ns, entry.name))
    except FileNotFoundError as error:
        raise NoFile(folder) from error
    except OSError as error:
        raise CannotRead(folder, error.strerror or str(error)) from error
    return [folder / name for _, name in sorted(found)[:FILES_MAX]]


def _refuse_other_kinds(path: Path) -> None:
    """Refuses to replace a file of another kind: a name mistyped must not cost somebody their paperwork."""
    try:
        with path.open("rb") as file:
            beginning = file.read(len(MAGIC))
    except FileNotFoundError:
        return
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error)) from error
    if beginning and not beginning.startswith(MAGIC):
        raise NotOpx(path.name)


@contextmanager
def _replacing(path: Path, tag: str) -> Generator[BinaryIO]:
    """Opens a file beside `path` that takes its place once it is on disk; an error leaves what was there."""
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{tag}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        # Readable as the folder's owner wants it: what is in it is encrypted, and others are to read it.
        descriptor = os.open(temporary, flags, 0o666)
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error)) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error)) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _sync_folder(folder: Path) -> None:
    # Some file systems of sticks cannot sync a folder; the file itself is on disk already.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

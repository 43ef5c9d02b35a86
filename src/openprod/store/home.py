"""The per-user state directory: who I am, the keys of my logs and workspaces, and how far each log was written.

Knows files and their permissions (byte tables: docs/formats/identity.md). Must not know what keys are used for.
Nothing of this is ever in a workspace folder, which people copy, zip and mail; a copy of such a folder finds no log key
here, or a mark ahead of it, and therefore opens a new log.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import msgspec

from openprod.identity.export import CHANCE_BYTES, NAME_BYTES_MAX, Keyring, Strength, lock, unlock
from openprod.identity.keys import SEED_BYTES, SigningSeed, workspace_key_id
from openprod.model.errors import Damaged, Missing, Refused
from openprod.model.ids import CONTEXT_MARK, HASH_BYTES, KEY_BYTES, ActorId, LogId, WorkspaceId, hash_in, is_hex

HOME_VARIABLE = "OPENPROD_HOME"
DATABASE_NAME = "workspace.db"

_IDENTITY_MAGIC = "openprod identity 1"
_KEYS_MAGIC = "openprod keys 1"
_LOG_MAGIC = "openprod log 1"
_RECOVERY_MAGIC = "openprod recovery 1"
_CONSENTS_MAGIC = "openprod consents 1"
_FILE_BYTES_MAX = 1 << 20

# A mark file is two slots, written in turn: a torn write of one leaves the other.
_SLOT_BYTES = 512
_MARK_BYTES = 8 + HASH_BYTES
_CHECK_BYTES = 8
_TIP_NONE = bytes(HASH_BYTES)


class UnsafeKeyFile(Refused):
    """A file or folder with keys in it can be read by others."""

    code = "home.unsafe"

    def __init__(self, path: Path, mode: int) -> None:
        self.path = path
        wanted = "700" if stat.S_ISDIR(mode) else "600"
        super().__init__(
            f"{path} holds keys and other users of this machine may open it (mode {stat.S_IMODE(mode):o}). "
            f"Close it with: chmod {wanted} '{path}'"
        )


class DamagedKeyFile(Damaged):
    """A file of the state directory does not read as what it should be."""

    code = "home.damaged"

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{path} is damaged: it does not read as a key file of Openprod. Put it back from a backup, or import your "
            "identity again with: openprod identity import FILE"
        )


class NoHome(Refused):
    """The state directory cannot be made or written."""

    code = "home.unwritable"

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(
            f"Openprod cannot keep its keys in {path}: {reason}. Make that folder writable, or choose another one "
            f"with {HOME_VARIABLE}."
        )


class IdentityExists(Refused):
    """There is an identity already, and another one would be another person."""

    code = "home.identity_exists"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"This device already writes as {name}. Another identity would be another person in every history; to use "
            f"one beside it, choose another state directory with {HOME_VARIABLE}."
        )


class NoIdentity(Missing):
    """No identity was created here yet."""

    code = "home.no_identity"

    def __init__(self) -> None:
        super().__init__(
            "There is no identity on this device yet. Create one with: openprod identity create --name NAME"
        )


class BadName(Refused):
    """A person's name is empty or too long."""

    code = "home.bad_name"

    def __init__(self) -> None:
        super().__init__(f"A name needs at least one letter and at most {NAME_BYTES_MAX} bytes. Choose another one.")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who writes on this device: name and actor key."""

    name: str
    seed: SigningSeed

    @property
    def actor(self) -> ActorId:
        """The actor's id, which is their public key."""
        return ActorId(self.seed.public)


@dataclass(frozen=True, slots=True)
class LogKey:
    """The key of a log that this copy of a workspace may continue, and how far it was written when last marked."""

    seed: SigningSeed
    seq: int
    tip: bytes | None

    @property
    def log(self) -> LogId:
        """The log's id, which is its public key."""
        return LogId(self.seed.public)


class WorkspaceKey(NamedTuple):
    """A workspace key with its epoch and public name."""

    epoch: int
    key: bytes
    key_id: bytes

    def __repr__(self) -> str:
        return f"WorkspaceKey(epoch={self.epoch}, key_id={self.key_id.hex()[:12]}…, key hidden)"


class Consent(NamedTuple):
    """This person's word that a package's code may run here: the hash of its files, its name and version, and when.

    The hash covers the manifest too, so a package that changes a file or asks for more is another one.
    """

    hash: bytes
    name: str
    version: str
    at_ms: int


class _IdentityFile(msgspec.Struct, array_like=True, frozen=True):
    magic: str
    name: str
    public: bytes
    seed: bytes

    def __repr__(self) -> str:
        return "_IdentityFile(hidden)"


class _KeysFile(msgspec.Struct, array_like=True, frozen=True):
    magic: str
    workspace: bytes
    keys: tuple[tuple[int, bytes], ...]

    def __repr__(self) -> str:
        return "_KeysFile(hidden)"


class _LogFile(msgspec.Struct, array_like=True, frozen=True):
    magic: str
    workspace: bytes
    path: str
    inode: int
    public: bytes
    seed: bytes

    def __repr__(self) -> str:
        return "_LogFile(hidden)"


class _RecoveryFile(msgspec.Struct, array_like=True, frozen=True):
    magic: str
    workspace: bytes
    public: bytes
    seed: bytes

    def __repr__(self) -> str:
        return "_RecoveryFile(hidden)"


class _ConsentsFile(msgspec.Struct, array_like=True, frozen=True):
    magic: str
    packages: tuple[tuple[bytes, str, str, int], ...]


_File = TypeVar("_File", _IdentityFile, _KeysFile, _LogFile, _RecoveryFile, _ConsentsFile)


class Home:
    """One state directory; two of them on one machine are two devices.

    Args:
        path: the directory; None takes $OPENPROD_HOME, else the platform's place for a user's state.
        chance: gives n random bytes, for the names of temporary files and for the salt of an export.
    """

    def __init__(self, path: str | Path | None = None, *, chance: Callable[[int], bytes] = os.urandom) -> None:
        self.path = Path(path) if path is not None else default_path()
        self._chance = chance
        self._marks: dict[bytes, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the mark files; nothing can be marked until a log key is asked for again."""
        while self._marks:
            os.close(self._marks.popitem()[1])

    @property
    def modules_dir(self) -> Path:
        """The folder of the installed module packages; made when first asked for."""
        found = self.path / "modules"
        self._make_folder(found)
        return found

    @property
    def templates_dir(self) -> Path:
        """The folder of this person's own templates; made when first asked for."""
        found = self.path / "templates"
        self._make_folder(found)
        return found

    @property
    def chance(self) -> Callable[[int], bytes]:
        """Gives random bytes."""
        return self._chance

    # Modules

    def consents(self) -> dict[bytes, Consent]:
        """Returns the packages whose code this person lets run on this device, by the hash of their files."""
        found = self._load(self.path / "consents", _ConsentsFile, _CONSENTS_MAGIC)
        return {} if found is None else {one[0]: Consent(*one) for one in found.packages}

    def keep_consents(self, consents: Iterable[Consent]) -> None:
        """Keeps these consents in place of those there were."""
        entries = tuple(sorted((one.hash, one.name, one.version, one.at_ms) for one in consents))
        self._save(self.path / "consents", _ConsentsFile(_CONSENTS_MAGIC, entries))

    # Identity

    def identity(self) -> Identity | None:
        """Returns who writes here, None where nobody was set up yet."""
        path = self.path / "identity.key"
        found = self._load(path, _IdentityFile, _IDENTITY_MAGIC)
        if found is None:
            return None
        return Identity(found.name, _seed_of(path, found.seed, found.public))

    def need_identity(self) -> Identity:
        """Returns who writes here; raises NoIdentity where nobody was set up yet."""
        found = self.identity()
        if found is None:
            raise NoIdentity
        return found

    def create_identity(self, name: str, seed: bytes) -> Identity:
        """Sets up who writes here, from 32 random bytes; raises IdentityExists where somebody does already."""
        found = self.identity()
        if found is not None:
            raise IdentityExists(found.name)
        return self._save_identity(name, SigningSeed(seed))

    def rename_identity(self, name: str) -> Identity:
        """Changes the name under which this person's identity is kept here; the actor stays."""
        return self._save_identity(name, self.need_identity().seed)

    def export_identity(self, passphrase: str, strength: Strength | None = None) -> bytes:
        """Returns the encrypted export of identity and workspace keys; log keys never leave the device."""
        found = self.need_identity()
        rings = tuple(
            Keyring(workspace, tuple((one.epoch, one.key) for one in self.workspace_keys(workspace)))
            for workspace in self.workspaces()
        )
        return lock(found.seed, found.name, rings, passphrase, self._chance(CHANCE_BYTES), strength)

    def import_identity(self, raw: bytes, passphrase: str) -> Identity:
        """Takes identity and workspace keys from an export; onto the same person it only adds keys.

        Raises IdentityExists where another person writes here; nothing was written then.
        """
        contents = unlock(raw, passphrase)
        seed = SigningSeed(contents.seed)
        found = self.identity()
        if found is not None and found.seed != seed:
            raise IdentityExists(found.name)
        for ring in contents.workspaces:
            for epoch, key in ring.keys:
                self.add_workspace_key(WorkspaceId(ring.workspace), epoch, key)
        return found or self._save_identity(contents.name, seed)

    def _save_identity(self, name: str, seed: SigningSeed) -> Identity:
        kept = name.strip()
        if not kept or len(kept.encode()) > NAME_BYTES_MAX:
            raise BadName
        self._save(self.path / "identity.key", _IdentityFile(_IDENTITY_MAGIC, kept, seed.public, seed.reveal()))
        return Identity(kept, seed)

    # Workspace keys

    def workspaces(self) -> list[WorkspaceId]:
        """Returns the workspaces of which this home has a key, sorted."""
        folder = self.path / "workspaces"
        if not folder.is_dir():
            return []
        names = sorted(one.name for one in folder.iterdir() if (one / "workspace.key").exists())
        return [WorkspaceId(bytes.fromhex(name)) for name in names if len(name) == 2 * HASH_BYTES and is_hex(name)]

    def workspace_keys(self, workspace: WorkspaceId) -> list[WorkspaceKey]:
        """Returns the keys of a workspace, the oldest epoch first; the last is the one in use."""
        path = self._folder(workspace) / "workspace.key"
        found = self._load(path, _KeysFile, _KEYS_MAGIC)
        if found is None:
            return []
        if found.workspace != workspace or any(len(key) != KEY_BYTES for _, key in found.keys):
            raise DamagedKeyFile(path)
        return [WorkspaceKey(epoch, key, workspace_key_id(workspace, key)) for epoch, key in sorted(found.keys)]

    def add_workspace_key(self, workspace: WorkspaceId, epoch: int, key: bytes) -> WorkspaceKey:
        """Keeps a key of a workspace beside those it has; the same one twice is kept once."""
        assert len(key) == KEY_BYTES, "a workspace key has 32 bytes"
        kept = {(one.epoch, one.key) for one in self.workspace_keys(workspace)}
        if (epoch, key) not in kept:
            entries = tuple(sorted(kept | {(epoch, key)}))
            self._save(self._folder(workspace) / "workspace.key", _KeysFile(_KEYS_MAGIC, workspace, entries))
        return WorkspaceKey(epoch, key, workspace_key_id(workspace, key))

    def keep_recovery(self, workspace: WorkspaceId, recovery: SigningSeed) -> None:
        """Keeps the recovery key of a workspace that was started here; it stays on this device, in no export."""
        entry = _RecoveryFile(_RECOVERY_MAGIC, workspace, recovery.public, recovery.reveal())
        self._save(self._folder(workspace) / "recovery.key", entry)

    def recovery(self, workspace: WorkspaceId) -> SigningSeed | None:
        """Returns the recovery key of a workspace, None where it was started elsewhere."""
        path = self._folder(workspace) / "recovery.key"
        found = self._load(path, _RecoveryFile, _RECOVERY_MAGIC)
        if found is None:
            return None
        if found.workspace != workspace:
            raise DamagedKeyFile(path)
        return _seed_of(path, found.seed, found.public)

    # Log keys and marks

    def log_key(self, workspace: WorkspaceId, copy_path: str | Path) -> LogKey | None:
        """Returns the key of the log that this very copy of a workspace may continue, None where there is none.

        A copy is known by the resolved path of its database and the file's inode number, so a copied, restored or
        replaced folder has no key. The number of the disk is not compared: on many systems it changes with every start.
        Whoever asks compares the mark with the database: a mark ahead of it means that the folder was put back from a
        backup.

        Args:
            copy_path: the workspace's folder, or the database file in it.
        """
        place = _place(copy_path)
        if place is None:
            return None
        for path in self._log_files(workspace):
            found = self._load(path, _LogFile, _LOG_MAGIC)
            if found is None or found.workspace != workspace or (found.path, found.inode) != place:
                continue
            seed = _seed_of(path, found.seed, found.public)
            mark = _read_mark(self._mark(workspace, seed.public), seed.public)
            # Without a mark nothing tells how far the log went: only a new log is safe.
            return None if mark is None else LogKey(seed, *mark)
        return None

    def save_log_key(self, workspace: WorkspaceId, copy_path: str | Path, seed: bytes) -> LogKey:
        """Keeps the key of a log that begins in this copy of a workspace, instead of any that this copy had before."""
        place = _place(copy_path)
        if place is None:
            raise NoHome(self.path, f"there is no workspace at {copy_path} to keep a key for")
        secret = SigningSeed(seed)
        path = self._log_path(workspace, secret.public)
        entry = _LogFile(_LOG_MAGIC, workspace, *place, secret.public, secret.reveal())
        descriptor = self._mark(workspace, secret.public)
        _write_mark(descriptor, secret.public, 0, _TIP_NONE)
        os.fsync(descriptor)
        for other in self._log_files(workspace):
            older = self._load(other, _LogFile, _LOG_MAGIC)
            if older is not None and (older.path, older.inode) == place and other != path:
                for gone in (other, other.with_suffix(".mark")):
                    gone.unlink(missing_ok=True)
        self._save(path, entry)
        return LogKey(secret, 0, None)

    def rebind_log_key(self, workspace: WorkspaceId, log: LogId, copy_path: str | Path) -> None:
        """Ties a log key to the file that now stands for the same copy: after a rebuild into a fresh file."""
        path = self._log_path(workspace, log)
        found = self._load(path, _LogFile, _LOG_MAGIC)
        place = _place(copy_path)
        if found is not None and place is not None:
            self._save(path, msgspec.structs.replace(found, path=place[0], inode=place[1]))

    def mark(self, log: LogId, seq: int, tip: bytes, *, fsync: bool = False) -> None:
        """Notes how far a log was written: after each commit, without waiting for the disk unless asked.

        Never goes back. The log is one whose key this home gave or took since it was opened.
        """
        descriptor = self._marks[log]
        # What is written is looked at closely only where it seems to be ahead of us.
        before = _read_mark(descriptor, log) if _seems_ahead(descriptor, seq) else None
        if before is None or before[0] <= seq:
            _write_mark(descriptor, log, seq, tip)
        if fsync:
            os.fsync(descriptor)

    def _mark(self, workspace: WorkspaceId, log: bytes) -> int:
        known = self._marks.get(log)
        if known is not None:
            return known
        path = self._log_path(workspace, log).with_suffix(".mark")
        self._make_folder(path.parent)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise NoHome(self.path, error.strerror or str(error)) from error
        self._marks[log] = descriptor
        return descriptor

    def _log_files(self, workspace: WorkspaceId) -> list[Path]:
        folder = self._folder(workspace)
        return sorted(folder.glob("*.log")) if folder.is_dir() else []

    def _log_path(self, workspace: WorkspaceId, log: bytes) -> Path:
        return self._folder(workspace) / f"{log.hex()}.log"

    # Files

    def _folder(self, workspace: WorkspaceId) -> Path:
        return self.path / "workspaces" / workspace.hex()

    def _load(self, path: Path, kind: type[_File], magic: str) -> _File | None:
        raw = self._read(path)
        if raw is None:
            return None
        try:
            found = msgspec.msgpack.decode(raw, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            # What does not decode is named, not shown: the bytes are secret.
            raise DamagedKeyFile(path) from error
        if found.magic != magic:
            raise DamagedKeyFile(path)
        return found

    def _read(self, path: Path) -> bytes | None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise NoHome(path, error.strerror or str(error)) from error
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            os.close(descriptor)
            raise DamagedKeyFile(path)
        with os.fdopen(descriptor, "rb") as file:
            if mode & 0o077:
                raise UnsafeKeyFile(path, mode)
            self._check_folder()
            raw = file.read(_FILE_BYTES_MAX + 1)
        if len(raw) > _FILE_BYTES_MAX:
            raise DamagedKeyFile(path)
        return raw

    def _check_folder(self) -> None:
        """Refuses a state directory in which others could put files; that they may list it harms nobody."""
        mode = self.path.stat().st_mode
        if mode & 0o022:
            raise UnsafeKeyFile(self.path, mode)

    def _save(self, path: Path, entry: msgspec.Struct) -> None:
        self._make_folder(path.parent)
        self._check_folder()
        temporary = path.with_name(f".{path.name}.{self._chance(8).hex()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(temporary, flags, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(msgspec.msgpack.encode(entry))
                    file.flush()
                    os.fsync(descriptor)
                temporary.replace(path)
            except BaseException:
                with suppress(FileNotFoundError):
                    temporary.unlink()
                raise
            _sync_folder(path.parent)
        except OSError as error:
            raise NoHome(self.path, error.strerror or str(error)) from error

    def _make_folder(self, folder: Path) -> None:
        try:
            for one in reversed([folder, *folder.parents]):
                if not one.is_dir():
                    one.mkdir(mode=0o700 if one.is_relative_to(self.path) else 0o777, exist_ok=True)
        except OSError as error:
            raise NoHome(self.path, error.strerror or str(error)) from error


def default_path() -> Path:
    """Returns the state directory where none is given: $OPENPROD_HOME, else the platform's place for a user's state."""
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).expanduser()
    # Imported here: most calls name a home, and a cold start counts milliseconds.
    from platformdirs import user_state_dir  # noqa: PLC0415

    return Path(user_state_dir("openprod", appauthor=False))


def _place(copy_path: str | Path) -> tuple[str, int] | None:
    """Returns what tells one installed copy from another: the database's resolved path and inode number."""
    path = Path(copy_path)
    database = path / DATABASE_NAME if path.is_dir() else path
    try:
        real = database.resolve(strict=True)
        return str(real), real.stat().st_ino
    except OSError:
        return None


def _seed_of(path: Path, seed: bytes, public: bytes) -> SigningSeed:
    if len(seed) != SEED_BYTES:
        raise DamagedKeyFile(path)
    secret = SigningSeed(seed)
    if secret.public != public:
        raise DamagedKeyFile(path)
    return secret


def _read_mark(descriptor: int, log: bytes) -> tuple[int, bytes | None] | None:
    raw = os.pread(descriptor, _SLOT_BYTES + _MARK_BYTES + _CHECK_BYTES, 0)
    best: tuple[int, bytes | None] | None = None
    for at in (0, _SLOT_BYTES):
        record = raw[at : at + _MARK_BYTES]
        check = raw[at + _MARK_BYTES : at + _MARK_BYTES + _CHECK_BYTES]
        if len(check) < _CHECK_BYTES or check != _mark_check(log, record):
            continue
        seq = int.from_bytes(record[:8], "big")
        if best is None or seq >= best[0]:
            best = seq, record[8:] if seq else None
    return best


def _seems_ahead(descriptor: int, seq: int) -> bool:
    raw = os.pread(descriptor, _SLOT_BYTES + _MARK_BYTES, 0)
    return any(int.from_bytes(raw[at : at + 8], "big") > seq for at in (0, _SLOT_BYTES))


def _write_mark(descriptor: int, log: bytes, seq: int, tip: bytes) -> None:
    record = seq.to_bytes(8, "big") + tip
    os.pwrite(descriptor, record + _mark_check(log, record), _SLOT_BYTES * (seq & 1))


def _mark_check(log: bytes, record: bytes) -> bytes:
    return hash_in(CONTEXT_MARK, log, record)[:_CHECK_BYTES]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""One workspace.db: opened defensively, written in one transaction at a time, errors turned into sentences.

Knows SQLite through apsw, the pragmas and the shape of the schema. Must not know what any row means.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias, cast

import apsw

from openprod.model.errors import Damaged, Missing, OpenprodError, Refused

SCHEMA_VERSION = 1
APPLICATION_ID = 0x4F505244  # "OPRD"
BUSY_MS = 5_000
# SQLite's name for a file that only one connection ever sees.
UNNAMED = ""
CACHE_KIB = 32 * 1024
CHECKPOINT_PAGES = 4_000

SqlValue: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = tuple[Any, ...]
SqlFunction: TypeAlias = tuple[Callable[..., Any], int]


class DatabaseBusy(Refused):
    """Another program holds the workspace's write lock for too long."""

    code = "database.busy"


class NoSpace(Refused):
    """The disk is full."""

    code = "database.no_space"


class NotWritable(Refused):
    """The folder or the file cannot be written."""

    code = "database.not_writable"


class NotAWorkspace(Missing):
    """There is no workspace where one was looked for."""

    code = "database.not_a_workspace"


class NewerWorkspace(Refused):
    """The workspace was written by a newer version of the program."""

    code = "database.newer"


class DatabaseDamaged(Damaged):
    """SQLite cannot read its own file, or the file holds what we never put there."""

    code = "database.damaged"


def schema_statements() -> list[str]:
    """Returns the CREATE statements of every table and index that depends on no module."""
    text = resources.files("openprod.store").joinpath("schema.sql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";") if statement.strip()]


class without_collector:  # noqa: N801 -- used as a function is
    """Keeps Python's cycle collector still inside a batch: it costs more there than the work (storage.md, trap 1)."""

    __slots__ = ("_was_on",)

    def __enter__(self) -> None:
        """Stops it."""
        self._was_on = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        """Lets it go on where it did before."""
        if self._was_on:
            gc.enable()


class Database:
    """A connection to one workspace.db; not locked against threads, its owner does that.

    Args:
        path: the file; made by `create`, else it must be there.
        create: make the file and its tables; Refused if one is there already.
        durable: False skips the disk's confirmation: for simulations and scratch files only.
        functions: SQL functions by name with their number of arguments, all deterministic.
    """

    def __init__(
        self,
        path: str,
        *,
        create: bool = False,
        durable: bool = True,
        functions: Mapping[str, SqlFunction] | None = None,
    ) -> None:
        # What people call it, and the file itself: another one where it is only looked at.
        self.path = self.file = path
        self.is_durable = durable
        is_memory = path == ":memory:"
        if not create and not is_memory and not Path(path).is_file():
            raise NotAWorkspace(
                f"There is no workspace.db at {path}. Give the folder of a workspace, or make one with: openprod init"
                " DIR --name NAME"
            )
        with translated(path):
            flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
            self.connection = apsw.Connection(path, flags=flags)
            self._prepare(functions or {}, durable=durable)
            if create:
                self._create()
            else:
                self._check()
        self.execute = self.connection.execute
        self.executemany = cast("Callable[[str, Iterable[Sequence[object]]], object]", self.connection.executemany)
        self._version = self._data_version()
        self._in_transaction = False
        # Why nothing may be written here, in a sentence; empty where it may.
        self.read_only = ""
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def for_looking(cls, path: str, functions: Mapping[str, SqlFunction]) -> Database:
        """Returns a copy in the temporary folder of a database that cannot be opened where it is.

        SQLite writes beside a file even to read it, so one on a write-protected disk is copied. It goes with `close`.
        """
        if not Path(path).is_file():
            raise NotAWorkspace(f"There is no workspace.db at {path}. Give the folder of a workspace.")
        scratch = tempfile.TemporaryDirectory(prefix="openprod-look-")
        copy = Path(scratch.name) / Path(path).name
        try:
            for suffix in ("", "-wal"):
                if Path(path + suffix).is_file():
                    shutil.copyfile(path + suffix, f"{copy}{suffix}")
            made = cls(str(copy), durable=False, functions=functions)
        except BaseException:
            scratch.cleanup()
            raise
        made.path = path
        made._scratch = scratch
        return made

    def _prepare(self, functions: Mapping[str, SqlFunction], *, durable: bool) -> None:
        connection = self.connection
        connection.set_busy_timeout(BUSY_MS)
        for setting, value in (
            (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
            (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
            (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
            (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
            (apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
            (apsw.SQLITE_DBCONFIG_DQS_DML, 0),
            (apsw.SQLITE_DBCONFIG_DQS_DDL, 0),
        ):
            connection.config(setting, value)
        for name, (function, arity) in functions.items():
            connection.create_scalar_function(name, function, arity, deterministic=True)
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.execute("PRAGMA synchronous=" + ("FULL" if durable else "OFF"))

    def _create(self) -> None:
        connection = self.connection
        if next(connection.execute("SELECT count(*) FROM sqlite_schema"))[0]:
            raise Refused(f"{self.path} already holds a database. Choose another folder.")
        for _ in connection.execute("PRAGMA journal_mode=WAL"):
            pass
        with connection:
            for statement in schema_statements():
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def _check(self) -> None:
        connection = self.connection
        application = next(connection.execute("PRAGMA application_id"))[0]
        version = next(connection.execute("PRAGMA user_version"))[0]
        if application != APPLICATION_ID:
            raise NotAWorkspace(f"{self.path} is a database, but not one of Openprod. Give the folder of a workspace.")
        if version > SCHEMA_VERSION:
            raise NewerWorkspace(
                f"{self.path} was written by a newer Openprod (database version {version}, this one knows"
                f" {SCHEMA_VERSION}). Update Openprod, then open it again; nothing was changed."
            )
        planted = [
            f"{kind} {name}"
            for kind, name in connection.execute(
                "SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'view') ORDER BY name"
            )
        ]
        if planted:
            raise DatabaseDamaged(
                f"{self.path} holds what Openprod never puts there ({', '.join(planted)}), so it was not opened."
                " Somebody or some program changed the file. Get the work back with: openprod rebuild --into"
                " NEW_FOLDER, or join again from a colleague or a stick."
            )
        held = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))
        for statement in schema_statements():
            name = statement.split("(", 1)[0].split()[2]
            if held.get(name) != statement:
                raise DatabaseDamaged(
                    f"The table or index {name} of {self.path} is missing or is not the one Openprod made. Get the"
                    " work back with: openprod rebuild --into NEW_FOLDER"
                )
        for _ in connection.execute("PRAGMA journal_mode=WAL"):
            pass

    def attach_log(self, path: str) -> None:
        """Copies the log of another workspace file into this one, which is empty.

        Bundles, chunks, branches and what they saw.
        """
        self.connection.execute("ATTACH ? AS other", (path,))
        try:
            with self.connection:
                for table in ("log", "bundle", "chunk", "seen"):
                    self.connection.execute(f"INSERT INTO main.{table} SELECT * FROM other.{table}")
        finally:
            self.connection.execute("DETACH other")

    def copied(self, functions: Mapping[str, SqlFunction]) -> Database:
        """Returns a copy of this database as it stands now, in memory up to the cache and in a file without a name.

        SQLite takes that file away with the connection, and the system does if this program is killed.
        """
        copy = Database(UNNAMED, create=True, durable=False, functions=functions)
        with translated(self.path), copy.connection.backup("main", self.connection, "main") as backup:
            while not backup.done:
                backup.step()
        return copy

    def rest(self) -> None:
        """Gives the memory of the cache back; what was only there goes into the file."""
        self.connection.cache_flush()
        self.execute("PRAGMA shrink_memory")

    def dynamic_objects(self) -> dict[str, str]:
        """Returns name to CREATE text of every table and index that is not in the fixed schema."""
        fixed = {statement.split("(", 1)[0].split()[2] for statement in schema_statements()}
        rows = self.connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
        )
        return {name: sql for name, sql in rows if name not in fixed}

    def rows(self, sql: str, bindings: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """Returns all rows of a constant SQL text with its bindings."""
        return self.connection.execute(sql, bindings).fetchall()

    def one(self, sql: str, bindings: Sequence[Any] | Mapping[str, Any] = ()) -> Row | None:
        """Returns the first row, or None."""
        return self.connection.execute(sql, bindings).fetchone()

    def numbers(self, sql: str, numbers: Iterable[int]) -> list[Row]:
        """Returns the rows of a SQL text whose one binding is an array of integers (`IN carray(?)`)."""
        import array  # noqa: PLC0415 -- needed only here and in batches

        packed = array.array("q", numbers)
        return self.connection.execute(sql, (apsw.carray(packed),)).fetchall() if packed else []

    def blobs(self, sql: str, blobs: Sequence[bytes]) -> list[Row]:
        """Returns the rows of a SQL text whose one binding is an array of byte strings (`IN carray(?)`)."""
        return self.connection.execute(sql, (apsw.carray(tuple(blobs)),)).fetchall() if blobs else []

    def changed_elsewhere(self) -> bool:
        """Tells whether another connection committed since the last call."""
        version = self._data_version()
        if version == self._version:
            return False
        self._version = version
        return True

    def _data_version(self) -> int:
        row = self.connection.execute("PRAGMA data_version").fetchone()
        return row[0] if row else 0

    def transaction(self) -> AbstractContextManager[None]:
        """Holds the write lock: all of it is kept, or on any error none.

        Raises DatabaseBusy, NoSpace, NotWritable or Damaged.
        """
        return _Transaction(self)

    def begin(self) -> None:
        """Begins a transaction that holds the write lock; see `transaction`."""
        if self._in_transaction:
            raise AssertionError("a transaction inside a transaction")
        if self.read_only:
            raise NotWritable(self.read_only)
        with translated(self.path):
            self.execute("BEGIN IMMEDIATE")
        self._in_transaction = True

    def end(self, error: BaseException | None) -> None:
        """Ends a transaction: keeps it, or where an error ended it nothing of it; raises ours in place of SQLite's."""
        self._in_transaction = False
        try:
            with translated(self.path):
                if error is None:
                    self.execute("COMMIT")
        finally:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        _raise_ours(self.path, error)

    @property
    def is_in_transaction(self) -> bool:
        """Tells whether a transaction or a snapshot is open."""
        return self.connection.in_transaction

    def snapshot(self) -> AbstractContextManager[None]:
        """Holds one state of the database for several reads."""
        return _Snapshot(self)

    def checkpoint(self) -> None:
        """Moves what the write-ahead log holds into the file, as far as nobody reads it."""
        with translated(self.path):
            self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def optimize(self) -> None:
        """Lets SQLite gather the statistics its planner needs, after many rows came."""
        with translated(self.path):
            self.connection.execute("PRAGMA optimize=0x10002")

    def close(self) -> None:
        """Closes the connection; the file needs nothing more."""
        self.connection.close()
        if self._scratch is not None:
            self._scratch.cleanup()


# Every edit goes through a handful of these. Written as classes they cost a third of what generators do.


class translated:  # noqa: N801 -- used as a function is
    """Turns SQLite's errors inside it into ours, each a sentence that names the file and what to do."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Begins."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raises our error in place of SQLite's."""
        _raise_ours(self._path, error)


class _Snapshot:
    __slots__ = ("_database", "_is_ours")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_ours = False

    def __enter__(self) -> None:
        database = self._database
        self._is_ours = not database.connection.in_transaction
        if self._is_ours:
            with translated(database.path):
                database.execute("BEGIN")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_ours:
            path = self._database.path
            with translated(path):
                self._database.execute("COMMIT")
            _raise_ours(path, error)


class _Transaction:
    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.end(error)


def _raise_ours(path: str, error: BaseException | None) -> None:
    ours = None if error is None else _our_error(path, error)
    if ours is not None:
        raise ours from error


def _our_error(path: str, error: BaseException) -> OpenprodError | None:
    """Returns the error that people are told in place of one of SQLite's, None where it is none of those."""
    path = path or "the folder for temporary files"
    match error:
        case apsw.BusyError() | apsw.LockedError():
            return DatabaseBusy(
                f"Another program has been writing to {path} for more than {BUSY_MS // 1000} seconds. Nothing was"
                " changed; try again in a moment."
            )
        case apsw.FullError():
            return NoSpace(f"The disk that holds {path} is full. Nothing was changed; make room and try again.")
        case apsw.ReadOnlyError() | apsw.CantOpenError() | apsw.PermissionsError() | apsw.AuthError():
            return NotWritable(
                f"{path} cannot be opened for writing ({error}). Check that the folder is there and yours to write;"
                " nothing was changed."
            )
        case apsw.CorruptError() | apsw.NotADBError() | UnicodeDecodeError():
            return DatabaseDamaged(
                f"{path} is damaged: {error}. Run: openprod verify, or join again from a colleague or a stick."
            )
        # Our statements name only what we made: what is not there was taken away, or its name is not what it was.
        case apsw.SQLError() if str(error).startswith(("no such table", "no such column")):
            return DatabaseDamaged(f"{path} is damaged: {error}. Run: openprod rebuild")
        case apsw.IOError():
            return NotWritable(
                f"The disk did not read or write {path} ({error}). Nothing was changed; check the disk and the space"
                " left on it."
            )
        case _:
            return None

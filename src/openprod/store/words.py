"""The index of words: which rows of the read model hold which words, in a file of its own beside the database.

A cache: it may be deleted at any time, and a damaged one is made anew. Knows FTS5 and rows by number. Must not know
what a table means, nor when its rows change: `workspace.indexing` keeps it up to date. Layout:
docs/formats/workspace-db.md.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import apsw
import msgspec

from openprod.store.database import DatabaseBusy, Row

log = logging.getLogger(__name__)

INDEX_NAME = "search.db"
APPLICATION_ID = 0x4F505753  # "OPWS"
VERSION = 1
BUSY_MS = 5_000
TABLE_BITS = 40
"""A row's number in the index is its table's number, shifted by so much, and its own number in that table."""

_FTS = (
    "CREATE VIRTUAL TABLE {}s USING fts5({}, content='', contentless_delete=1, detail=none,"
    " tokenize='unicode61 remove_diacritics 2', prefix='1 2 3')"
)
# Titles apart: a word that stands in every text and in no title is then looked for in a short list.
_SCHEMA = (
    _FTS.format("title", "title"),
    _FTS.format("text", "text"),
    "CREATE TABLE mark(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
)
_SHADOWS = frozenset(f"{name}_{part}" for name in ("titles", "texts") for part in ("data", "idx", "docsize", "config"))


_FIND_TITLES = "SELECT rowid FROM titles WHERE titles MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid LIMIT ?"
_FIND_TEXTS = "SELECT rowid FROM texts WHERE texts MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid LIMIT ?"
_PAGE = 5_000


class Indexed(msgspec.Struct, array_like=True, frozen=True):
    """How far the index goes.

    Attributes:
        place: the place of the last bundle that it takes into account.
        bundle: the id of that bundle.
        tables: for each table its number in the index, and what its rows depend on.
    """

    place: int
    bundle: bytes
    tables: dict[str, tuple[int, bytes]]


NOTHING = Indexed(0, b"", {})


class WordIndex:
    """The words of one workspace; not locked against threads, its owner does that.

    Args:
        path: the file, made when it is first used; None keeps the index in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._connection: apsw.Connection | None = None

    def close(self) -> None:
        """Closes the file; it is opened again when it is used."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def forget(self) -> None:
        """Takes everything out: the rows that it knows by number have other numbers now."""
        if self._connection is None and (self._path is None or not self._path.exists()):
            return
        with self.changing():
            self.clear()

    def indexed(self) -> Indexed:
        """Returns how far the index goes."""
        row = self._open().execute("SELECT value FROM mark WHERE key = 'indexed'").fetchone()
        try:
            return NOTHING if row is None else msgspec.msgpack.decode(row[0], type=Indexed)
        except (msgspec.MsgspecError, TypeError):
            return NOTHING

    @contextmanager
    def changing(self) -> Generator[None]:
        """Holds the index for a change: all of it is kept, or on any error none.

        Raises DatabaseBusy where another program holds it for too long.
        """
        connection = self._open()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except (apsw.BusyError, apsw.LockedError) as error:
            raise DatabaseBusy(
                f"Another program has been reading the words of {self._path} for more than {BUSY_MS // 1000} seconds."
                " Try again in a moment."
            ) from error
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    # -- within a change

    def clear(self) -> None:
        """Takes everything out."""
        connection = self._open()
        connection.execute("DELETE FROM mark")
        connection.execute("INSERT INTO titles(titles) VALUES('delete-all')")
        connection.execute("INSERT INTO texts(texts) VALUES('delete-all')")

    def mark(self, indexed: Indexed) -> None:
        """Writes down how far the index goes now."""
        raw = msgspec.msgpack.encode(indexed)
        self._open().execute("INSERT OR REPLACE INTO mark(key, value) VALUES('indexed', ?)", (raw,))

    def drop_table(self, number: int) -> None:
        """Takes a table's rows out."""
        bounds = (number << TABLE_BITS, (number + 1) << TABLE_BITS)
        self._open().execute("DELETE FROM titles WHERE rowid >= ? AND rowid < ?", bounds)
        self._open().execute("DELETE FROM texts WHERE rowid >= ? AND rowid < ?", bounds)

    def put(self, number: int, rows: Iterable[tuple[int, str, str]], gone: Sequence[int] = ()) -> None:
        """Puts rows of a table in, as (row, title, text); those that may be there already are named in `gone`."""
        connection, low = self._open(), number << TABLE_BITS
        if gone:
            connection.executemany("DELETE FROM titles WHERE rowid = ?", [(low + one,) for one in gone])
            connection.executemany("DELETE FROM texts WHERE rowid = ?", [(low + one,) for one in gone])
        for page in _pages(rows):
            connection.executemany(
                "INSERT INTO titles(rowid, title) VALUES(?, ?)", [(low + row, title) for row, title, _ in page]
            )
            # A search for words of which one is in the title and another below finds both here.
            connection.executemany(
                "INSERT INTO texts(rowid, text) VALUES(?, ?)",
                [(low + row, f"{title} {text}") for row, title, text in page],
            )

    def settle(self) -> None:
        """Joins the pieces that many changes left, so that a search looks in one place."""
        self._open().execute("INSERT INTO titles(titles) VALUES('optimize')")
        self._open().execute("INSERT INTO texts(texts) VALUES('optimize')")

    # -- asking

    def find(self, match: str, numbers: Sequence[int], limit: int, *, is_titled: bool = False) -> list[tuple[int, int]]:
        """Returns up to `limit` rows that an FTS5 expression matches, as (number of the table, row), in that order.

        Args:
            match: the expression.
            numbers: the tables to look in.
            limit: at most so many.
            is_titled: look in titles only.
        """
        connection = self._open()
        found: list[tuple[int, int]] = []
        for first, last in _runs(numbers):
            rows: list[Row] = connection.execute(
                _FIND_TITLES if is_titled else _FIND_TEXTS,
                (match, first << TABLE_BITS, (last + 1) << TABLE_BITS, limit - len(found)),
            ).fetchall()
            found += [(row >> TABLE_BITS, row & ((1 << TABLE_BITS) - 1)) for (row,) in rows]
            if len(found) >= limit:
                break
        return found

    def size_bytes(self) -> int:
        """Returns how large the index is."""
        row = self._open().execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()
        return int(row[0]) if row is not None else 0

    # -- the file

    def _open(self) -> apsw.Connection:
        if self._connection is None:
            self._connection = self._opened()
        return self._connection

    def _opened(self) -> apsw.Connection:
        if self._path is None:
            return _made(":memory:")
        try:
            return _checked(self._path)
        except (apsw.Error, OSError) as error:
            log.info("the index of words is made anew (%s)", type(error).__name__)
        try:
            remove(self._path)
            return _checked(self._path)
        except (apsw.Error, OSError) as error:
            # A folder that cannot be written is searched all the same.
            log.warning("the index of words is kept in memory (%s)", type(error).__name__)
            return _made(":memory:")

    def start_anew(self) -> None:
        """Takes a damaged file away."""
        self.close()
        if self._path is not None:
            with suppress(OSError):
                remove(self._path)


DAMAGED = (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, apsw.IOError)
"""What asking or changing an index ends in whose file is damaged."""


def remove(path: Path) -> None:
    """Deletes an index."""
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _checked(path: Path) -> apsw.Connection:
    """Opens an index, made if it is not there; raises apsw.Error where it is not one that this version made."""
    is_new = not path.exists()
    connection = _made(str(path))
    if is_new:
        path.chmod(0o600)
        return connection
    held = _objects(connection)
    said = [next(connection.execute(f"PRAGMA {name}"))[0] for name in ("application_id", "user_version")]
    if said != [APPLICATION_ID, VERSION] or any(held.get(_name(one)) != one for one in _SCHEMA):
        connection.close()
        raise apsw.NotADBError("not an index that this version made")
    if held.keys() - _SHADOWS - {_name(one) for one in _SCHEMA}:
        connection.close()
        raise apsw.NotADBError("it holds what no index holds")
    return connection


def _objects(connection: apsw.Connection) -> Mapping[str, str]:
    return dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'"))


def _name(statement: str) -> str:
    return statement.split("(", 1)[0].split()[3 if "VIRTUAL" in statement else 2]


def _made(path: str) -> apsw.Connection:
    connection = apsw.Connection(path)
    connection.set_busy_timeout(BUSY_MS)
    for setting, value in (
        (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
        (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
        (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
    ):
        connection.config(setting, value)
    for _ in connection.execute("PRAGMA journal_mode=WAL"):
        pass
    # A power cut may cost the last words, never the file.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA cache_size=-16384")
    if not _objects(connection):
        with connection:
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={VERSION}")
    return connection


def _pages(rows: Iterable[tuple[int, str, str]]) -> Iterator[list[tuple[int, str, str]]]:
    rest = iter(rows)
    while page := list(islice(rest, _PAGE)):
        yield page


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Returns numbers as runs (first, last) of neighbours, in order."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs

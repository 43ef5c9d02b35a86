"""The history in a workspace file that is not sound enough to be opened: read row by row, trusted in nothing.

Knows the tables that hold what was signed. Must not know whether it proves: whoever takes it in checks that.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import apsw

from openprod.model.bundle import Sealed, decode_sealed
from openprod.model.ids import HASH_BYTES, WorkspaceId
from openprod.model.ops import Malformed
from openprod.store.database import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    Database,
    DatabaseDamaged,
    NewerWorkspace,
    NotAWorkspace,
    translated,
)
from openprod.store.log import CHUNK_BITS


@dataclass(frozen=True, slots=True)
class History:
    """Which workspace a file says it is, and every bundle that can still be read from it, in no order."""

    workspace: WorkspaceId
    bundles: Iterator[Sealed]


class _Unsound(Database):
    """A file that is opened as carefully as any, and whose tables need not be as we made them."""

    def _check(self) -> None:
        (application,) = next(self.connection.execute("PRAGMA application_id"))
        (version,) = next(self.connection.execute("PRAGMA user_version"))
        if application != APPLICATION_ID:
            raise NotAWorkspace(f"{self.path} is no database of Openprod. Give the folder of a workspace.")
        if version > SCHEMA_VERSION:
            raise NewerWorkspace(f"{self.path} was written by a newer Openprod. Update Openprod; nothing was changed.")


@contextmanager
def history_of(path: str) -> Generator[History]:
    """Gives the history in a file that may hold anything.

    Raises:
        NotAWorkspace, NewerWorkspace: it is not one of ours.
        DatabaseDamaged: the tables of the history are not there; also while the bundles are read.
    """
    file = _Unsound(path)
    try:
        with _read(path):
            row = file.one("SELECT value FROM meta NOT INDEXED WHERE key = 'workspace'")
        if row is None or not isinstance(row[0], bytes) or len(row[0]) != HASH_BYTES:
            raise DatabaseDamaged(f"{path} does not say which workspace it is. Join again from a colleague or a stick.")
        yield History(WorkspaceId(row[0]), _bundles(file))
    finally:
        file.close()


@contextmanager
def _read(path: str) -> Generator[None]:
    """Turns what SQLite says of this file into a sentence that names it, and not the one it is read into."""
    try:
        with translated(path):
            yield
    except (apsw.SQLError, DatabaseDamaged) as error:
        raise DatabaseDamaged(
            f"{path} does not hold its history any more. Join again from a colleague or a stick."
        ) from error


def _bundles(file: Database) -> Iterator[Sealed]:
    with _read(file.path):
        numbers = [no for (no,) in file.rows("SELECT no FROM bundle NOT INDEXED") if isinstance(no, int)]
        waiting = [sealed for (sealed,) in file.rows("SELECT sealed FROM pending")]
    for number in numbers:
        with _read(file.path):
            found = _bundle(file, number)
        if found is not None:
            yield found
    for sealed in waiting:
        try:
            yield decode_sealed(sealed)
        except (Malformed, TypeError):
            continue


def _bundle(file: Database, number: int) -> Sealed | None:
    row = file.one("SELECT header, signature FROM bundle WHERE no = ?", (number,))
    first, last = number << CHUNK_BITS, (number + 1) << CHUNK_BITS
    chunks = [raw for (raw,) in file.rows("SELECT raw FROM chunk WHERE no >= ? AND no < ? ORDER BY no", (first, last))]
    if row is None or not all(isinstance(raw, bytes) for raw in (*row, *chunks)):
        return None
    return Sealed(row[0], row[1], tuple(chunks))

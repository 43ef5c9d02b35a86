"""Bundles that are here but have no effect yet: waiting for others, held for their clock, or not admitted.

Knows rows; must not know why one waits beyond the word it was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from openprod.model.bundle import Sealed, decode_sealed, encode_sealed
from openprod.store.database import Database, Row

WAITING, HELD, ADMISSION = "waiting", "held", "admission"
_SELECT = "SELECT id, log, seq, reason, detail, claimed, sealed FROM pending"


class Pending(NamedTuple):
    """A bundle that is kept without effect; `claimed_ms` is its author's clock, `detail` what it waits for."""

    id: bytes
    log: bytes
    seq: int
    reason: str
    detail: str
    claimed_ms: int
    sealed: Sealed


def _pending(row: Row) -> Pending:
    bundle, log, seq, reason, detail, claimed_ms, sealed = row
    return Pending(bundle, log, seq, reason, detail, claimed_ms, decode_sealed(sealed))


class PendingShelf:
    """Keeps them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def ids(self) -> list[bytes]:
        """Returns the ids of everything that is kept, log by log in order."""
        return [one for (one,) in self._db.rows("SELECT id FROM pending ORDER BY log, seq, id")]

    def sealed(self, bundle: bytes) -> Sealed | None:
        """Returns a bundle that is kept, None if it is not."""
        row = self._db.one("SELECT sealed FROM pending WHERE id = ?", (bundle,))
        return None if row is None else decode_sealed(row[0])

    def all(self) -> Iterator[Pending]:
        """Yields everything that is kept, log by log in order."""
        for row in self._db.execute(f"{_SELECT} ORDER BY log, seq, id"):
            yield _pending(row)

    @property
    def is_empty(self) -> bool:
        """Tells whether nothing is kept."""
        return self._db.one("SELECT 1 FROM pending LIMIT 1") is None

    def free(self, now_ms: int, limit: int) -> list[Pending]:
        """Returns some of those that may apply now, as far as rows tell: nothing is missing, or a clock got there.

        Args:
            now_ms: the latest claimed time that is not ahead.
            limit: at most so many of those that lack nothing.
        """
        sql = f"{_SELECT} WHERE reason = 'waiting' AND detail = '' ORDER BY log, seq, id LIMIT ?"
        found = self._db.rows(sql, (limit,))
        found += self._db.rows(f"{_SELECT} WHERE reason = 'admission' ORDER BY log, seq, id")
        found += self._db.rows(
            f"{_SELECT} WHERE reason = 'held' AND (claimed <= ? OR id IN (SELECT bundle FROM accepted))"
            " ORDER BY log, seq, id",
            (now_ms,),
        )
        return list(map(_pending, found))

    def after(self, bundle: bytes) -> list[Pending]:
        """Returns those that wait for a bundle before all others that they lack."""
        text = bundle.hex()
        sql = f"{_SELECT} WHERE reason = 'waiting' AND detail >= ?1 AND detail < ?1 || 'g' ORDER BY log, seq, id"
        return list(map(_pending, self._db.rows(sql, (text,))))

    def wake(self) -> None:
        """Marks those whose first lacking bundle is applied by now, in whatever way, as to be looked at again."""
        self._db.execute(
            "UPDATE pending SET detail = '' WHERE reason = 'waiting' AND detail <> ''"
            " AND unhex(substr(detail, 1, 64)) IN (SELECT id FROM bundle)"
        )

    def held_ids(self, ids: Sequence[bytes]) -> set[bytes]:
        """Returns which of these are kept."""
        return {row[0] for row in self._db.blobs("SELECT id FROM pending WHERE id IN carray(?)", ids)}

    def counts(self) -> dict[str, int]:
        """Returns how many are kept for each reason."""
        return dict(self._db.rows("SELECT reason, count(*) FROM pending GROUP BY reason"))

    def put(self, entries: Sequence[Pending]) -> None:
        """Keeps bundles, or changes why they are kept."""
        self._db.executemany(
            "INSERT OR REPLACE INTO pending(id, log, seq, reason, detail, claimed, sealed) VALUES(?, ?, ?, ?, ?, ?, ?)",
            [
                (one.id, one.log, one.seq, one.reason, one.detail, one.claimed_ms, encode_sealed(one.sealed))
                for one in entries
            ],
        )

    def drop(self, ids: Sequence[bytes]) -> None:
        """Forgets bundles that were applied."""
        self._db.executemany("DELETE FROM pending WHERE id = ?", [(one,) for one in ids])

"""Bundles that are here but have no effect yet: waiting for others, held for their clock, or not admitted.

Knows rows; must not know why one waits beyond the word it was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from openprod.model.bundle import Sealed, decode_sealed, encode_sealed
from openprod.store.database import Database

WAITING, HELD, ADMISSION = "waiting", "held", "admission"


class Pending(NamedTuple):
    """A bundle that is kept without effect; `claimed_ms` is its author's clock, `detail` what it waits for."""

    id: bytes
    log: bytes
    seq: int
    reason: str
    detail: str
    claimed_ms: int
    sealed: Sealed


class PendingShelf:
    """Keeps them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> Iterator[Pending]:
        """Yields everything that is kept, log by log in order."""
        for row in self._db.rows(
            "SELECT id, log, seq, reason, detail, claimed, sealed FROM pending ORDER BY log, seq, id"
        ):
            bundle, log, seq, reason, detail, claimed_ms, sealed = row
            yield Pending(bundle, log, seq, reason, detail, claimed_ms, decode_sealed(sealed))

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

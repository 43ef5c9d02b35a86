"""Overlays as stored: local, durable, never synced. One row a staged record, and what each step found there before.

Knows rows; must not know what a staged slot means to people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from openprod.model.ops import Ends, IdPair, KeyPair
from openprod.model.values import Value
from openprod.store.database import Database

Address = tuple[bytes, int]


class StagedSlot(msgspec.Struct, array_like=True, frozen=True):
    """What stands staged in one slot.

    Attributes:
        kind: the number of the op kind that a commit writes (docs/formats/bundle.md).
        value: for values, positions and yes or no; None clears or ends.
        heads: the writes it was staged over, as (bundle id, ordinal); none of them staged themselves.
        ends: for relations, what they join.
        keys, ids: for mappings and merges, the pair.
        carried: for carried values, the op.
    """

    kind: int
    value: Value = None
    heads: tuple[Address, ...] = ()
    ends: Ends | None = None
    keys: KeyPair | None = None
    ids: IdPair | None = None
    carried: Address | None = None


class StagedRecord(msgspec.Struct, array_like=True, frozen=True):
    """What is staged for one subject, by slot key. `table` is where a staged new record is created, else empty."""

    table: str
    slots: dict[str, StagedSlot]


class OverlayRow(NamedTuple):
    """An overlay's row; `made_ms` since 1970 UTC, `records` staged in it."""

    id: bytes
    name: str
    source: str
    made_ms: int
    records: int


_record = msgspec.msgpack.Decoder(StagedRecord)
_before = msgspec.msgpack.Decoder(dict[bytes, tuple[int, bytes] | None])
_encode = msgspec.msgpack.Encoder().encode


class Overlays:
    """Keeps overlays. Every write is called inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> list[OverlayRow]:
        """Returns the overlays, the oldest first."""
        sql = (
            "SELECT id, name, source, made, (SELECT count(*) FROM staged WHERE staged.overlay = overlay.id)"
            " FROM overlay ORDER BY made, id"
        )
        return [OverlayRow(*row) for row in self._db.rows(sql)]

    def find(self, name: str) -> OverlayRow | None:
        """Returns an overlay by name."""
        return next((row for row in self.all() if row.name == name), None)

    def make(self, overlay: bytes, name: str, source: str, made_ms: int) -> None:
        """Makes an empty overlay."""
        self._db.execute(
            "INSERT INTO overlay(id, name, source, made) VALUES(?, ?, ?, ?)", (overlay, name, source, made_ms)
        )

    def rename(self, overlay: bytes, name: str) -> None:
        """Gives an overlay another name."""
        self._db.execute("UPDATE overlay SET name = ? WHERE id = ?", (name, overlay))

    def drop(self, overlay: bytes) -> None:
        """Forgets an overlay and everything in it."""
        for table, column in (("staged", "overlay"), ("step", "overlay"), ("overlay", "id")):
            self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (overlay,))

    def records(self, overlay: bytes) -> dict[bytes, StagedRecord]:
        """Returns everything staged, in the order in which subjects were first staged."""
        rows = self._db.rows("SELECT subject, body FROM staged WHERE overlay = ? ORDER BY n, subject", (overlay,))
        return {subject: _record.decode(body) for subject, body in rows}

    def put(self, overlay: bytes, label: str, records: Mapping[bytes, StagedRecord | None]) -> None:
        """Replaces what is staged for some subjects (None = nothing any more), as one step that `undo` takes back."""
        old = {
            subject: (n, body)
            for subject, n, body in self._db.rows("SELECT subject, n, body FROM staged WHERE overlay = ?", (overlay,))
            if subject in records
        }
        last = self._db.one("SELECT max(n) FROM step WHERE overlay = ?", (overlay,))
        step = (last[0] if last is not None and last[0] is not None else 0) + 1
        before = {subject: old.get(subject) for subject in records}
        self._db.execute(
            "INSERT INTO step(overlay, n, label, before) VALUES(?, ?, ?, ?)", (overlay, step, label, _encode(before))
        )
        gone = [(overlay, subject) for subject, record in records.items() if record is None]
        self._db.executemany("DELETE FROM staged WHERE overlay = ? AND subject = ?", gone)
        rows = [
            (overlay, old[subject][0] if subject in old else step, subject, _encode(record))
            for subject, record in records.items()
            if record is not None
        ]
        self._db.executemany("INSERT OR REPLACE INTO staged(overlay, n, subject, body) VALUES(?, ?, ?, ?)", rows)

    def undo(self, overlay: bytes) -> str | None:
        """Takes the last step back and returns its label, None where there is none."""
        row = self._db.one("SELECT n, label, before FROM step WHERE overlay = ? ORDER BY n DESC LIMIT 1", (overlay,))
        if row is None:
            return None
        before = _before.decode(row[2])
        self._db.executemany("DELETE FROM staged WHERE overlay = ? AND subject = ?", [(overlay, one) for one in before])
        rows = [(overlay, kept[0], subject, kept[1]) for subject, kept in before.items() if kept is not None]
        self._db.executemany("INSERT INTO staged(overlay, n, subject, body) VALUES(?, ?, ?, ?)", rows)
        self._db.execute("DELETE FROM step WHERE overlay = ? AND n = ?", (overlay, row[0]))
        return str(row[1])

    def steps(self, overlay: bytes) -> Iterable[str]:
        """Returns the labels of the steps, the oldest first."""
        return [row[0] for row in self._db.rows("SELECT label FROM step WHERE overlay = ? ORDER BY n", (overlay,))]

"""Overlays as stored: local, durable, never synced. One row a staged record, and what each step found there before.

Knows rows; must not know what a staged slot means to people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from openprod.model.bundle import Cause
from openprod.model.ops import Ends, IdPair, KeyPair
from openprod.model.values import Value
from openprod.store.database import Database

Address = tuple[bytes, int]
SlotName = tuple[bytes, str]

IN_USE = "overlay"
# How the name of an overlay begins that is being filled and that nobody sees before it is whole.
HIDDEN = "\x01"


class StagedSlot(msgspec.Struct, array_like=True, frozen=True):
    """What stands staged in one slot.

    Attributes:
        kind: the number of the op kind that a commit writes (docs/formats/bundle.md); 0 only remembers what was there.
        value: for values, positions and yes or no; None clears or ends.
        heads: the writes it replaces, as (bundle id, ordinal); none of them staged themselves.
        seen: what stood there when it was staged, or when it was decided to keep it; what came later is drift.
        ends: for relations, what they join.
        keys, ids: for mappings and merges, the pair.
        carried: for carried values, the ops.
        behind: the staged slots of the same field that it replaced while the records, or fields, were the same.
        update: for what is typed in a text, all of it as one Yjs update, also of several runs; `value` is then the
            whole text.
    """

    kind: int
    value: Value = None
    heads: tuple[Address, ...] = ()
    seen: tuple[Address, ...] = ()
    ends: Ends | None = None
    keys: KeyPair | None = None
    ids: IdPair | None = None
    carried: tuple[Address, ...] = ()
    behind: tuple[SlotName, ...] = ()
    update: bytes = b""


class StagedRecord(msgspec.Struct, array_like=True, frozen=True):
    """What is staged for one subject, by slot key. `table` is where a staged new record is created, else empty."""

    table: str
    slots: dict[str, StagedSlot]


class OverlayRow(NamedTuple):
    """An overlay's row; `made_ms` since 1970 UTC, `records` staged in it, `rev` counts what was done to it."""

    id: bytes
    name: str
    source: str
    made_ms: int
    records: int
    cause: bytes | None
    rev: int


_record = msgspec.msgpack.Decoder(StagedRecord)
_cause = msgspec.msgpack.Decoder(Cause)
_before = msgspec.msgpack.Decoder(dict[bytes, tuple[int, bytes] | None])
_encode = msgspec.msgpack.Encoder().encode

# How the body of a staged record of what an import remembers begins: it is no work that people look over.
_REMEMBERED = b"\x92" + _encode("core.imports")

Bodies = dict[bytes, tuple[int, bytes] | None]


class Overlays:
    """Keeps overlays. Every write is called inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> list[OverlayRow]:
        """Returns the overlays, the oldest first."""
        sql = (
            "SELECT id, name, source, made, (SELECT count(*) FROM staged WHERE staged.overlay = overlay.id"
            f" AND substr(body, 1, {len(_REMEMBERED)}) <> x'{_REMEMBERED.hex()}'), cause, rev"
            " FROM overlay ORDER BY made, id"
        )
        return [row for row in map(OverlayRow._make, self._db.rows(sql)) if not row.name.startswith(HIDDEN)]

    def hidden(self) -> list[tuple[bytes, int]]:
        """Returns (id, when it was made) of the overlays that are being filled, or were when somebody was stopped."""
        rows = self._db.rows("SELECT id, name, made FROM overlay")
        return [(overlay, made) for overlay, name, made in rows if name.startswith(HIDDEN)]

    def row(self, overlay: bytes) -> OverlayRow | None:
        """Returns an overlay by its id, also one that nobody sees yet."""
        row = self._db.one("SELECT id, name, source, made, 0, cause, rev FROM overlay WHERE id = ?", (overlay,))
        return None if row is None else OverlayRow(*row)

    def find(self, name: str) -> OverlayRow | None:
        """Returns an overlay by name."""
        return next((row for row in self.all() if row.name == name), None)

    def rev(self, overlay: bytes) -> int | None:
        """Returns how often something was done to an overlay, None where it is gone."""
        row = self._db.one("SELECT rev FROM overlay WHERE id = ?", (overlay,))
        return None if row is None else int(row[0])

    def name(self, overlay: bytes) -> str:
        """Returns what an overlay is called, empty where it is gone."""
        row = self._db.one("SELECT name FROM overlay WHERE id = ?", (overlay,))
        return "" if row is None else str(row[0])

    def cause(self, overlay: bytes) -> Cause | None:
        """Returns the cause that a commit has, None for people's own staging."""
        row = self._db.one("SELECT cause FROM overlay WHERE id = ?", (overlay,))
        return None if row is None or row[0] is None else _cause.decode(row[0])

    def in_use(self) -> str | None:
        """Returns the name of the overlay that the command line works in here, None for the production."""
        row = self._db.one(
            "SELECT name FROM overlay JOIN meta ON meta.value = overlay.id WHERE meta.key = ?", (IN_USE,)
        )
        return None if row is None else str(row[0])

    def use(self, overlay: bytes | None) -> None:
        """Lets the command line work in an overlay, or in the production again."""
        if overlay is None:
            self._db.execute("DELETE FROM meta WHERE key = ?", (IN_USE,))
        else:
            self._db.execute("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", (IN_USE, overlay))

    def make(self, overlay: bytes, name: str, source: str, made_ms: int, cause: Cause | None = None) -> None:
        """Makes an empty overlay."""
        kept = None if cause is None else _encode(cause)
        self._db.execute(
            "INSERT INTO overlay(id, name, source, made, cause) VALUES(?, ?, ?, ?, ?)",
            (overlay, name, source, made_ms, kept),
        )

    def rename(self, overlay: bytes, name: str) -> None:
        """Gives an overlay another name."""
        self._db.execute("UPDATE overlay SET name = ? WHERE id = ?", (name, overlay))

    def drop(self, overlay: bytes) -> None:
        """Forgets an overlay and everything in it."""
        for table, column in (("staged", "overlay"), ("step", "overlay"), ("overlay", "id")):
            self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (overlay,))
        self._db.execute("DELETE FROM meta WHERE key = ? AND value = ?", (IN_USE, overlay))

    def records(self, overlay: bytes) -> dict[bytes, StagedRecord]:
        """Returns everything staged, in the order in which subjects were first staged."""
        rows = self._db.rows("SELECT subject, body FROM staged WHERE overlay = ? ORDER BY n, subject", (overlay,))
        return {subject: _record.decode(body) for subject, body in rows}

    def some(self, overlay: bytes, subjects: Iterable[bytes]) -> dict[bytes, StagedRecord]:
        """Returns what is staged for these subjects."""
        return {
            subject: _record.decode(one[1])
            for subject, one in self._bodies(overlay, list(subjects)).items()
            if one is not None
        }

    def _bodies(self, overlay: bytes, subjects: Sequence[bytes]) -> Bodies:
        found: Bodies = dict.fromkeys(subjects)
        # The overlay stands in the text, as `blobs` binds one array only; it is hex made here of sixteen bytes.
        sql = f"SELECT n, subject, body FROM staged WHERE overlay = x'{overlay.hex()}' AND subject IN carray(?)"
        for n, subject, body in self._db.blobs(sql, subjects):
            found[subject] = (n, body)
        return found

    def put(self, overlay: bytes, label: str, records: Mapping[bytes, StagedRecord | None]) -> None:
        """Replaces what is staged for some subjects (None = nothing any more), as one step that `undo` takes back."""
        before = self._bodies(overlay, list(records))
        self._db.execute("DELETE FROM step WHERE overlay = ? AND n < 0", (overlay,))
        last = self._db.one("SELECT max(n) FROM step WHERE overlay = ?", (overlay,))
        step = (last[0] if last is not None and last[0] is not None else 0) + 1
        self._keep_step(overlay, step, label, before)
        after: Bodies = {}
        for subject, record in records.items():
            old = before[subject]
            after[subject] = None if record is None else (old[0] if old is not None else step, _encode(record))
        self._write(overlay, after)

    def undo(self, overlay: bytes) -> str | None:
        """Takes the last step back and returns its label, None where there is none."""
        row = self._db.one(
            "SELECT n, label, before FROM step WHERE overlay = ? AND n > 0 ORDER BY n DESC LIMIT 1", (overlay,)
        )
        return None if row is None else self._swap(overlay, *row)

    def redo(self, overlay: bytes) -> str | None:
        """Takes the step that was taken back last again and returns its label, None where there is none."""
        row = self._db.one(
            "SELECT n, label, before FROM step WHERE overlay = ? AND n < 0 ORDER BY n DESC LIMIT 1", (overlay,)
        )
        return None if row is None else self._swap(overlay, *row)

    def _swap(self, overlay: bytes, step: int, label: str, raw: bytes) -> str:
        """Puts back what a step remembers and remembers in its place what was there; its number changes sign."""
        wanted = _before.decode(raw)
        now = self._bodies(overlay, list(wanted))
        self._db.execute("DELETE FROM step WHERE overlay = ? AND n = ?", (overlay, step))
        self._keep_step(overlay, -step, label, now)
        self._write(overlay, wanted)
        return label

    def _keep_step(self, overlay: bytes, step: int, label: str, before: Bodies) -> None:
        self._db.execute(
            "INSERT INTO step(overlay, n, label, before) VALUES(?, ?, ?, ?)", (overlay, step, label, _encode(before))
        )

    def _write(self, overlay: bytes, bodies: Bodies) -> None:
        gone = [(overlay, subject) for subject, one in bodies.items() if one is None]
        self._db.executemany("DELETE FROM staged WHERE overlay = ? AND subject = ?", gone)
        rows = [(overlay, one[0], subject, one[1]) for subject, one in bodies.items() if one is not None]
        self._db.executemany("INSERT OR REPLACE INTO staged(overlay, n, subject, body) VALUES(?, ?, ?, ?)", rows)
        self._db.execute("UPDATE overlay SET rev = rev + 1 WHERE id = ?", (overlay,))

    def steps(self, overlay: bytes) -> tuple[list[str], list[str]]:
        """Returns the labels of the steps that can be taken back, and of those taken back; the next one last."""
        rows = self._db.rows("SELECT n, label FROM step WHERE overlay = ? ORDER BY n", (overlay,))
        return [label for n, label in rows if n > 0], [label for n, label in rows if n < 0]

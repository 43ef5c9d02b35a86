"""From what an edit wants to ops in chunks, over exactly what its author was looking at.

Knows ops and their form. Asks the desk only what a slot's heads are and were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from openprod.merge.equivalence import Classes
from openprod.merge.relations import between
from openprod.merge.text import Splice
from openprod.model.bundle import Cause
from openprod.model.errors import Refused
from openprod.model.ops import (
    Carry,
    Chunk,
    Ends,
    KnownOp,
    OpRef,
    Relations,
    RelationsPayload,
    Rows,
    RowsPayload,
    TextPayload,
)
from openprod.model.slots import EXISTS
from openprod.model.values import Value
from openprod.store.log import OpAt
from openprod.workspace.text_edit import Typed, Typist

# Whoever needs one cell reads its chunk: small ones, unless a bundle would have too many of them.
BLOCK_ROWS = 250
BLOCK_ROWS_MAX = 1_000
BLOCKS = 1_000
CHUNK_OPS = 4_000
CHUNK_TEXT_BYTES = 1 << 20
BULK_VALUES_MAX = 1_000_000

Heads = tuple[int, ...]
Row = TypeVar("Row", bound=tuple[object, ...])

_encode = msgspec.msgpack.Encoder().encode


class TooMuch(Refused):
    """One edit would hold more values than a bundle may."""

    code = "edit.too_much"


@dataclass(frozen=True, slots=True)
class Place:
    """How far history had come when somebody looked: the next place, the tip of every branch, what was the same."""

    next: int
    seqs: Mapping[int, int]
    mapped: Classes[str]
    same: Classes[bytes]


@dataclass(frozen=True, slots=True)
class Linked:
    """What links add to a bundle: chunks, and the causes their ops name, from the second of the bundle's on."""

    chunks: tuple[Chunk, ...] = ()
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an entry goes in its list: behind or in front of another one, or at the end."""

    anchor: bytes | None
    is_before: bool


class Unordered(Refused):
    """A place was asked for in a relation without an order, or beside an entry that is not in the list."""

    code = "edit.unordered"


class SightDesk(Protocol):
    """What looking needs of the desk."""

    def heads_at(self, uuid: bytes, key: str, start: Place) -> Heads:
        """Returns the heads of a slot as they stood at a place."""
        ...

    def heads_now(self, uuid: bytes, key: str) -> Heads:
        """Returns the heads of a slot."""
        ...

    def is_known(self, uuid: bytes) -> bool:
        """Tells whether anything was ever written to this id."""
        ...

    def is_gone(self, uuid: bytes) -> bool:
        """Tells whether a record is deleted."""
        ...

    def relation_ends(self, uuid: bytes) -> Ends | None:
        """Returns what a relation joins."""
        ...

    def beside(
        self, uuid: bytes, source: bytes, relation: str, anchor: bytes | None, *, is_before: bool
    ) -> tuple[str | None, str | None] | None:
        """Returns the positions between which an entry goes; None where the whole list must be read."""
        ...

    def entries_of(self, source: bytes, relation: str) -> list[tuple[bytes, str | None]]:
        """Returns the relations of a kind from a record with their positions, in order."""
        ...

    @property
    def run(self) -> str:
        """The tag of what this copy inserts."""
        ...

    def op_at(self, oid: int) -> OpAt:
        """Returns an op."""
        ...

    def value_at(self, oid: int) -> Value:
        """Returns what a write to a field said when it was made."""
        ...

    def says(self, oids: Sequence[int]) -> dict[int, Value]:
        """Returns what each of a field's heads says, seen beside the others."""
        ...

    @property
    def typist(self) -> Typist:
        """Who makes updates of texts here."""
        ...

    def address_of(self, oid: int) -> tuple[bytes, int]:
        """Returns an op as (bundle id, ordinal)."""
        ...

    def oid_at(self, address: tuple[bytes, int]) -> int:
        """Returns the local number of an op given as (bundle id, ordinal)."""
        ...


class Sight:
    """What an editor saw: the heads of slots as they stood when the edit began, and a few questions about now."""

    def __init__(self, workspace: SightDesk, start: Place) -> None:
        self._workspace = workspace
        self._start = start

    def heads(self, uuid: bytes, key: str) -> Heads:
        """Returns the heads of a slot as the editor saw them."""
        return self._workspace.heads_at(uuid, key, self._start)

    def heads_now(self, uuid: bytes, key: str) -> Heads:
        """Returns the heads of a slot now."""
        return self._workspace.heads_now(uuid, key)

    def is_known(self, uuid: bytes) -> bool:
        """Tells whether anything was ever written to this id."""
        return self._workspace.is_known(uuid)

    def is_live(self, uuid: bytes, key: str) -> bool:
        """Tells whether one of a structural slot's heads, as seen, is an addition."""
        return any(self._workspace.op_at(oid).is_live for oid in self.heads(uuid, key))

    def has_delete(self, uuid: bytes) -> bool:
        """Tells whether one of the heads of a record's existence, as seen, is a deletion."""
        return any(not self._workspace.op_at(oid).is_live for oid in self.heads(uuid, EXISTS))

    def is_gone(self, uuid: bytes) -> bool:
        """Tells whether a record is deleted now, with no question left."""
        return self._workspace.is_gone(uuid)

    def slots(self, uuid: bytes, key: str) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
        """Returns the subjects and keys that a write to a field covers: its whole class, as the editor saw it."""
        return self._start.same.members(uuid), self._start.mapped.members(key)

    def ends(self, uuid: bytes) -> Ends | None:
        """Returns what a relation joins, None where there is no such relation."""
        return self._workspace.relation_ends(uuid)

    def beside(self, uuid: bytes, source: bytes, relation: str, spot: Spot) -> tuple[str | None, str | None] | None:
        """Returns the positions between which an entry goes; None where the whole list must be read."""
        return self._workspace.beside(uuid, source, relation, spot.anchor, is_before=spot.is_before)

    def entries(self, source: bytes, relation: str) -> list[tuple[bytes, str | None]]:
        """Returns the relations of a kind from a record with their positions, in order."""
        return self._workspace.entries_of(source, relation)

    @property
    def run(self) -> str:
        """The tag of what this copy inserts."""
        return self._workspace.run

    def value(self, oid: int) -> Value:
        """Returns the value an op wrote."""
        return self._workspace.value_at(oid)

    def says(self, oids: Sequence[int]) -> dict[int, Value]:
        """Returns what each of a field's heads says, seen beside the others."""
        return self._workspace.says(oids)

    def typed(self, uuid: bytes, key: str, heads: Heads, splices: Sequence[Splice]) -> Typed | None:
        """Returns the op that changes of a text make, over what of these heads is shown; None for no change."""
        typist = self._workspace.typist
        subjects, keys = self.slots(uuid, key)
        over = typist.shown(heads, self._workspace.says(heads))
        return typist.typed([(one, other) for one in subjects for other in keys], over, splices)

    def retyped(self, uuid: bytes, key: str, heads: Heads, update: bytes) -> Typed | None:
        """Returns the op that makes of a text as it is what was typed over these heads elsewhere; None for nothing."""
        subjects, keys = self.slots(uuid, key)
        slots = [(one, other) for one in subjects for other in keys]
        now = {oid for one, other in slots for oid in self.heads_now(one, other)}
        return self._workspace.typist.retyped(slots, heads, sorted(now), update)

    def taken_back(self, uuid: bytes, key: str, oid: int) -> Typed | None:
        """Returns the op that takes back what an op typed; None where nothing of it is there any more."""
        typist = self._workspace.typist
        subjects, keys = self.slots(uuid, key)
        heads = self.heads(uuid, key)
        over = typist.shown(heads, self._workspace.says(heads))
        return typist.taken_back([(one, other) for one in subjects for other in keys], over, oid)

    def oid(self, address: tuple[bytes, int]) -> int:
        """Returns the local number of an op given as (bundle id, ordinal)."""
        return self._workspace.oid_at(address)

    def address(self, oid: int) -> tuple[bytes, int]:
        """Returns an op as (bundle id, ordinal)."""
        return self._workspace.address_of(oid)


class Lists:
    """The ordered lists that one edit works on, as they will stand once what it placed so far is written."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._lists: dict[tuple[bytes, str], list[tuple[bytes, str | None]]] = {}
        self._placed: dict[tuple[bytes, str], tuple[bytes, str]] = {}

    def place(self, uuid: bytes, source: bytes, relation: str, spot: Spot | None) -> str | None:
        """Returns a position for an entry and takes it into the list; None where no place was asked for."""
        if spot is None:
            return None
        found = self._lists.get((source, relation))
        first = self._placed.get((source, relation))
        if found is None and first is None:
            between_these = self._sight.beside(uuid, source, relation, spot)
            if between_these is not None:
                position = between(*between_these, self._sight.run)
                self._placed[source, relation] = (uuid, position)
                return position
        if found is None:
            found = self._lists[source, relation] = self._sight.entries(source, relation)
            if first is not None:
                others = [entry for entry in found if entry[0] != first[0]]
                found[:] = sorted([*others, first], key=lambda entry: (entry[1] or "", entry[0]))
        found[:] = [entry for entry in found if entry[0] != uuid]
        at = len(found)
        if spot.anchor is not None:
            anchors = [place for place, entry in enumerate(found) if entry[0] == spot.anchor]
            if not anchors:
                raise Unordered(
                    "The entry to place it beside is not in this list. 'openprod relations RECORD' shows it."
                )
            at = anchors[0] + (0 if spot.is_before else 1)
        low = found[at - 1][1] if at else None
        high = found[at][1] if at < len(found) else None
        position = between(low, high, self._sight.run)
        found.insert(at, (uuid, position))
        return position


class ChunkBuilder:
    """Puts ops into chunks of bounded size, each with its own tables of keys, subjects and bundles."""

    def __init__(self, sight: Sight, cause: int = 0) -> None:
        """Starts with nothing; `cause` is the place of its ops' reason in the header's causes."""
        self.sight = sight
        self._cause = cause
        self._chunks: list[Chunk] = []
        self._values = 0
        self._fresh()

    def _fresh(self) -> None:
        self._keys: dict[str, int] = {}
        self._subjects: dict[bytes, int] = {}
        self._bundles: dict[bytes, int] = {}
        self._ops: list[KnownOp] = []
        self._weight = 0

    def add(self, kind: type[KnownOp], subject: bytes, key: str, over: Heads, payload: object) -> None:
        """Adds an op on one slot, which then covers the slot's whole class."""
        subjects, keys = self.sight.slots(subject, key)
        self.add_exactly(kind, subjects, keys, over, payload)

    def add_exactly(
        self, kind: type[KnownOp], subjects: Iterable[bytes], keys: Iterable[str], over: Heads, payload: object
    ) -> None:
        """Adds an op that covers these slots and no others."""
        flat: list[int] = []
        for oid in sorted(over):
            bundle, ordinal = self.sight.address(oid)
            flat += (self._bundles.setdefault(bundle, len(self._bundles)), ordinal)
        self._push(kind, self._pairs(subjects), keys, tuple(flat), payload)
        self._weight += _weight(payload)
        self._values += 1
        if len(self._ops) >= CHUNK_OPS or self._weight > CHUNK_TEXT_BYTES:
            self._close()

    def _push(
        self,
        kind: type[KnownOp],
        subjects: tuple[int, ...],
        keys: Iterable[str],
        over: tuple[int, ...],
        payload: object,
    ) -> None:
        numbers = tuple(self._keys.setdefault(key, len(self._keys)) for key in keys)
        make: type = kind
        self._ops.append(make(self._cause, subjects, numbers, over, payload))

    def add_carry(self, subjects: Iterable[bytes], key: str, oid: int) -> None:
        """Lists another op in further slots."""
        bundle, ordinal = self.sight.address(oid)
        at = self._bundles.setdefault(bundle, len(self._bundles))
        self._push(Carry, self._pairs(subjects), (key,), (), OpRef(at, ordinal))
        self._values += 1
        if len(self._ops) >= CHUNK_OPS:
            self._close()

    def _pairs(self, subjects: Iterable[bytes]) -> tuple[int, ...]:
        """Returns subjects as the (first, count) pairs of an op, one range a subject."""
        return tuple(
            part for subject in subjects for part in (self._subjects.setdefault(subject, len(self._subjects)), 1)
        )

    def add_rows(
        self, table: str, keys: tuple[str, ...], uuids: Sequence[bytes], rows: Sequence[tuple[Value, ...]]
    ) -> None:
        """Adds new records as row blocks."""
        for first, page in self._pages(rows):
            at = self._range(uuids[first : first + len(page)])
            self._push(Rows, at, keys, (), RowsPayload(table, tuple(page)))
            self._count(len(page) * (len(keys) + 2))

    def add_relations(
        self, name: str, keys: tuple[str, ...], uuids: Sequence[bytes], rows: Sequence[tuple[Value, ...]]
    ) -> None:
        """Adds new relations as row blocks."""
        for first, page in self._pages(rows):
            at = self._range(uuids[first : first + len(page)])
            self._push(Relations, at, keys, (), RelationsPayload(name, tuple(page)))
            self._count(len(page) * (len(keys) + 2))

    def _pages(self, rows: Sequence[Row]) -> Iterable[tuple[int, Sequence[Row]]]:
        """Yields (first row, page).

        Pages of a few hundred rows and at most about a mebibyte, a chunk for each full one.
        """
        first = 0
        most = min(max(BLOCK_ROWS, -(-len(rows) // BLOCKS)), BLOCK_ROWS_MAX)
        while first < len(rows):
            count = min(most, len(rows) - first)
            page = rows[first : first + count]
            while (size := len(_encode(page))) > CHUNK_TEXT_BYTES and count > 1:
                count //= 2
                page = rows[first : first + count]
            if self._weight + size > CHUNK_TEXT_BYTES:
                self._close()
            yield first, page
            self._weight += size
            first += count
            if count >= most // 2:
                self._close()

    def _range(self, uuids: Sequence[bytes]) -> tuple[int, int]:
        first = len(self._subjects)
        self._subjects.update(zip(uuids, range(first, first + len(uuids)), strict=True))
        return first, len(self._subjects) - first

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > BULK_VALUES_MAX:
            raise TooMuch(
                f"This would write more than {BULK_VALUES_MAX:,} values at once. Do it in parts, for example 50,000"
                " rows at a time."
            )

    def _close(self) -> None:
        if self._ops:
            self._chunks.append(
                Chunk(tuple(self._keys), b"".join(self._subjects), b"".join(self._bundles), tuple(self._ops))
            )
            self._fresh()

    def finish(self) -> list[Chunk]:
        """Returns the chunks."""
        self._close()
        return self._chunks


def _weight(payload: object) -> int:
    """Returns about how many bytes an op takes."""
    if isinstance(payload, TextPayload):
        return len(payload.update) + 32
    return len(payload.encode()) if isinstance(payload, str) else 32

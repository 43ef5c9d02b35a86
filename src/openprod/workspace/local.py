"""What stays on this device: records of local modules, kept in a log of their own that is never handed out.

A bundle in the making is parted by its tables: what is about a local module's goes into the local log, the rest into
this copy's own. The local log is unsigned and in no frontier, no header's `seen`, no state hash: to others it does not
exist. Nothing that is shared may lead into it. docs/formats/workspace-db.md has where it lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from openprod.catalog.tables import Catalog
from openprod.model.errors import Refused
from openprod.model.ids import HASH_BYTES, id_text
from openprod.model.ops import Carry, Chunk, Ends, KnownOp, Map, Merge, OpRef, Relate, Relations, Rows, subject_indexes
from openprod.model.slots import EXISTS, is_field_key, table_of_member_key
from openprod.model.values import FieldRef, ListValue, RecordRef
from openprod.store.log import ORDINAL_BITS, Log

_ID = 16


class LocalDesk(Protocol):
    """What is asked of the desk."""

    log: Log

    @property
    def catalog(self) -> Catalog:
        """The tables there are."""
        ...

    def is_known(self, uuid: bytes) -> bool:
        """Tells whether anything was ever written to this id."""
        ...

    def heads_now(self, uuid: bytes, key: str) -> tuple[int, ...]:
        """Returns the heads of a slot."""
        ...

    def relation_ends(self, uuid: bytes) -> Ends | None:
        """Returns what a relation joins."""
        ...

    def title(self, uuid: bytes) -> str:
        """Returns what a record is called."""
        ...


class LeavesDevice(Refused):
    """A change would let what stays on this device be seen, or named, by others."""

    code = "local.leaves_device"


def is_local(catalog: Catalog, name: str) -> bool:
    """Tells whether a table's records, or a relation, stay on the device."""
    if not catalog.local:
        return False
    relation = catalog.relations.get(name)
    return name.partition(".")[0] in catalog.local or (
        relation is not None and relation.source.partition(".")[0] in catalog.local
    )


def is_local_key(catalog: Catalog, key: str) -> bool:
    """Tells whether a field's values stay on the device; also of one that people added to a local table."""
    if not catalog.local:
        return False
    found = catalog.find_field(key)
    return is_local(catalog, found.table if found is not None else key.rpartition(".")[0])


def part(desk: LocalDesk, chunks: Sequence[Chunk]) -> tuple[list[Chunk], list[Chunk]]:
    """Returns what of a bundle is for everybody, and what stays on this device.

    Raises:
        LeavesDevice: something for everybody would name, or contain, what stays here; nothing was written.
    """
    if not desk.catalog.local:
        return list(chunks), []
    parting = _Parting(desk, chunks)
    found: tuple[list[Chunk], list[Chunk]] = ([], [])
    for chunk in chunks:
        sides = [parting.stays(chunk, op) for op in chunk.ops]
        for op, stays in zip(chunk.ops, sides, strict=True):
            if not stays:
                parting.check_shared(chunk, op)
        for side, stays in enumerate((False, True)):
            ops = [op for op, one in zip(chunk.ops, sides, strict=True) if one is stays]
            if ops:
                found[side].append(chunk if len(ops) == len(chunk.ops) else _with_only(chunk, ops))
    return found


class _Parting:
    """Decides op by op, knowing which records of the bundle are new and in local tables alone."""

    def __init__(self, desk: LocalDesk, chunks: Sequence[Chunk]) -> None:
        self._desk = desk
        self._catalog = desk.catalog
        local: set[bytes] = set()
        shared: set[bytes] = set()
        for chunk in chunks:
            for op in chunk.ops:
                for table in _tables_put_into(chunk, op):
                    (local if is_local(self._catalog, table) else shared).update(_subjects(chunk, op))
        self._new = {uuid for uuid in local - shared if not desk.is_known(uuid)}
        self._both = local & shared
        self._known: dict[bytes, bool] = {}

    def is_kept_here(self, uuid: bytes) -> bool:
        """Tells whether a record or relation exists on this device only."""
        if uuid in self._new:
            return True
        found = self._known.get(uuid)
        if found is None:
            heads = self._desk.heads_now(uuid, EXISTS)
            ends = None if heads else self._desk.relation_ends(uuid)
            found = self._known[uuid] = (
                is_local(self._catalog, ends.type)
                if ends is not None
                else bool(heads) and all(self._desk.log.is_local(oid >> ORDINAL_BITS) for oid in heads)
            )
        return found

    def stays(self, chunk: Chunk, op: KnownOp) -> bool:
        """Tells whether an op is about what stays here."""
        if isinstance(op, Rows):
            stays = is_local(self._catalog, op.payload.table)
            if stays and not self._both.isdisjoint(_subjects(chunk, op)):
                raise LeavesDevice(
                    f"A record made in {op.payload.table} stays on this device. Make it in the shared table first, then"
                    " put it into the local one."
                )
            return stays
        if isinstance(op, Relations):
            return is_local(self._catalog, op.payload.type)
        if isinstance(op, Relate):
            return is_local(self._catalog, op.payload.type)
        if isinstance(op, Merge):
            return self.is_kept_here(op.payload.low) and self.is_kept_here(op.payload.high)
        keys = [chunk.keys[at] for at in op.keys]
        tables = [table for key in keys if (table := table_of_member_key(key)) is not None]
        if tables:
            return all(is_local(self._catalog, table) for table in tables)
        fields = [key for key in keys if is_field_key(key)]
        if fields:
            return all(is_local_key(self._catalog, key) for key in fields)
        return all(self.is_kept_here(uuid) for uuid in _subjects(chunk, op))

    def check_shared(self, chunk: Chunk, op: KnownOp) -> None:
        """Raises LeavesDevice where an op for everybody is about, or leads to, what stays here."""
        if isinstance(op, Map) and any(is_local_key(self._catalog, key) for key in (op.payload.low, op.payload.high)):
            raise LeavesDevice("A field of a local module cannot be mapped: what it holds stays on this device.")
        named = _named_by(op) if isinstance(op, Merge) else (*_subjects(chunk, op), *_named_by(op))
        for key in (chunk.keys[at] for at in op.keys):
            if is_field_key(key) and is_local_key(self._catalog, key):
                raise LeavesDevice(f"{key} stays on this device, so it cannot be written together with a shared field.")
        for uuid in named:
            if self.is_kept_here(uuid):
                title = self._desk.title(uuid) if self._desk.is_known(uuid) else id_text(uuid)[:13]
                raise LeavesDevice(
                    f"{title} is kept on this device only, and this would let others see it. Make the record where it"
                    " is shared first, then put it into the local table."
                )


def _subjects(chunk: Chunk, op: KnownOp) -> list[bytes]:
    return [chunk.subjects[at * _ID : at * _ID + _ID] for at in subject_indexes(op.subjects)]


def _tables_put_into(chunk: Chunk, op: KnownOp) -> Iterator[str]:
    if isinstance(op, Rows):
        yield op.payload.table
    for key in (chunk.keys[at] for at in op.keys):
        table = table_of_member_key(key)
        if table is not None:
            yield table


def _named_by(op: KnownOp) -> Iterator[bytes]:
    """Yields the records that the contents of an op name."""
    payload: object = op.payload
    if isinstance(op, Merge):
        yield from (op.payload.low, op.payload.high)
    elif isinstance(op, Relate):
        yield from (op.payload.source, op.payload.target)
    elif isinstance(op, Rows | Relations):
        for row in op.payload.rows:
            for value in row:
                yield from _named_in(value)
    else:
        yield from _named_in(payload)


def _named_in(value: object) -> Iterator[bytes]:
    if isinstance(value, RecordRef | FieldRef):
        yield value.id
    elif isinstance(value, ListValue):
        for item in value.items:
            yield from _named_in(item)


def _with_only(chunk: Chunk, ops: Sequence[KnownOp]) -> Chunk:
    """Returns a chunk of some of its ops, with tables of what these name and nothing else."""
    keys: dict[str, int] = {}
    subjects: dict[bytes, int] = {}
    bundles: dict[bytes, int] = {}

    def bundle(at: int) -> int:
        return bundles.setdefault(chunk.bundles[at * HASH_BYTES : (at + 1) * HASH_BYTES], len(bundles))

    # Blocks first: theirs are the subjects that must stand side by side.
    for op in ops:
        if isinstance(op, Rows | Relations):
            for uuid in _subjects(chunk, op):
                subjects.setdefault(uuid, len(subjects))
    made: list[KnownOp] = []
    for op in ops:
        pairs: list[int] = []
        flat = op.subjects
        for first, count in zip(flat[::2], flat[1::2], strict=True):
            uuids = [chunk.subjects[at * _ID : at * _ID + _ID] for at in range(first, first + count)]
            numbers = [subjects.setdefault(uuid, len(subjects)) for uuid in uuids]
            if numbers == list(range(numbers[0], numbers[0] + count)):
                pairs += [numbers[0], count]
            else:
                pairs += [part for number in numbers for part in (number, 1)]
        over = [
            number for at, ordinal in zip(op.over[::2], op.over[1::2], strict=True) for number in (bundle(at), ordinal)
        ]
        changed: dict[str, object] = {
            "subjects": tuple(pairs),
            "keys": tuple(keys.setdefault(chunk.keys[at], len(keys)) for at in op.keys),
            "over": tuple(over),
        }
        if isinstance(op, Carry):
            changed["payload"] = OpRef(bundle(op.payload.bundle), op.payload.ordinal)
        made.append(msgspec.structs.replace(op, **changed))
    return Chunk(tuple(keys), b"".join(subjects), b"".join(bundles), tuple(made))

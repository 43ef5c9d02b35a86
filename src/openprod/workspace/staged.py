"""Between ops and staged slots: what an edit in an overlay leaves in each slot, and the ops that a commit writes of it.

A slot keeps what was staged there last. Ops are made anew from the slots each time, so that what was staged later fits
again where something before it was left out. Knows ops and slots; must not know where overlays are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from openprod.model.errors import Refused
from openprod.model.ops import (
    COLUMNS_MAX,
    Carry,
    Chunk,
    Decide,
    Ends,
    Exist,
    KnownOp,
    ListAdd,
    ListRemove,
    ListReset,
    Map,
    Member,
    Merge,
    Place,
    Relate,
    Relations,
    Rows,
    Set,
    Split,
    Text,
    Unmap,
    Unrelate,
    over_of,
    subject_indexes,
)
from openprod.model.slots import EXISTS, POSITION, RELATION, is_field_key, member_key, table_of_member_key
from openprod.model.values import RecordRef, Value, value_key
from openprod.store.overlays import Address, SlotName, StagedRecord, StagedSlot
from openprod.workspace.building import ChunkBuilder, Sight
from openprod.workspace.desk import Desk, UnknownOp
from openprod.workspace.list_edit import Script, script_of

SET, DECIDE, EXIST, MEMBER, RELATE, UNRELATE, PLACE, TEXT = 1, 3, 4, 5, 6, 7, 9, 10
LIST = 13
MAP, UNMAP, MERGE, SPLIT, CARRY = 14, 15, 16, 17, 18
REMEMBERED = 0
KINDS: Mapping[int, type[KnownOp]] = {
    SET: Set,
    DECIDE: Decide,
    EXIST: Exist,
    MEMBER: Member,
    RELATE: Relate,
    UNRELATE: Unrelate,
    PLACE: Place,
    TEXT: Text,
    LIST: ListReset,
    MAP: Map,
    UNMAP: Unmap,
    MERGE: Merge,
    SPLIT: Split,
    CARRY: Carry,
}
_NUMBERS: Mapping[type[KnownOp], int] = {kind: number for number, kind in KINDS.items()}
STRUCTURE = frozenset((MAP, UNMAP, MERGE, SPLIT))

# What is remembered beside what is staged: that the record was there, that it was in a table, all that was written to
# a record that is staged to go.
SEEN = "@seen"
SEEN_IN = "@seen/in/"
SEEN_ALL = "@seen/all"


class NotInOverlay(Refused):
    """Something that an overlay does not do: it has no peers, no invitations and no history of its own."""

    code = "overlay.not_here"


class Written(NamedTuple):
    """What one op leaves staged for its first subject, and the other slots that the same op covers."""

    subject: bytes
    table: str
    slots: dict[str, StagedSlot]
    others: tuple[SlotName, ...] = ()


def written(chunk: Chunk, op: KnownOp) -> Iterator[Written]:
    """Yields what there is to stage of an op; raises NotInOverlay for ops about people and devices."""
    subjects = [chunk.subjects[at * 16 : at * 16 + 16] for at in subject_indexes(op.subjects)]
    keys = [chunk.keys[key] for key in op.keys]
    heads = over_of(chunk, op)
    others = tuple((subject, key) for subject in subjects for key in keys if (subject, key) != (subjects[0], keys[0]))
    match op:
        case Rows():
            yield from _rows(op, subjects, keys)
        case Relations():
            yield from _relations(op, subjects, keys)
        case Relate():
            yield Written(subjects[0], "", {RELATION: StagedSlot(RELATE, heads=heads, ends=op.payload)})
        case Map():
            yield Written(subjects[0], "", {keys[0]: StagedSlot(MAP, heads=heads, keys=op.payload)})
        case Merge():
            yield Written(subjects[0], "", {keys[0]: StagedSlot(MERGE, heads=heads, ids=op.payload)})
        case Carry():
            bundle = chunk.bundles[op.payload.bundle * 32 : op.payload.bundle * 32 + 32]
            for subject in subjects:
                yield Written(
                    subject, "", {key: StagedSlot(CARRY, carried=((bundle, op.payload.ordinal),)) for key in keys}
                )
        case Set() | Decide() | Exist() | Member() | Place():
            slot = StagedSlot(_NUMBERS[type(op)], value=op.payload, heads=heads)
            yield Written(subjects[0], "", {keys[0]: slot}, others)
        case ListAdd() | ListRemove() | ListReset():
            slot = StagedSlot(LIST, heads=heads, update=script_of(op).packed)
            yield Written(subjects[0], "", {keys[0]: slot}, others)
        case Unrelate() | Unmap() | Split() | Text():
            yield Written(subjects[0], "", {keys[0]: StagedSlot(_NUMBERS[type(op)], heads=heads)}, others)
        case _:
            raise NotInOverlay("Invitations, admissions and clocks are not staged. Do that in the production itself.")


def _rows(op: Rows, subjects: Sequence[bytes], keys: Sequence[str]) -> Iterator[Written]:
    table = op.payload.table
    for subject, row in zip(subjects, op.payload.rows, strict=True):
        slots = {EXISTS: StagedSlot(EXIST, value=True), member_key(table): StagedSlot(MEMBER, value=True)}
        slots |= {key: StagedSlot(SET, value=cell) for key, cell in zip(keys, row, strict=True) if cell is not None}
        yield Written(subject, table, slots)


def _relations(op: Relations, subjects: Sequence[bytes], keys: Sequence[str]) -> Iterator[Written]:
    for subject, row in zip(subjects, op.payload.rows, strict=True):
        source, target, position, *cells = row
        if not isinstance(source, RecordRef) or not isinstance(target, RecordRef):
            continue
        slots = {RELATION: StagedSlot(RELATE, ends=Ends(op.payload.type, source.id, target.id))}
        if position is not None:
            slots[POSITION] = StagedSlot(PLACE, value=position)
        slots |= {key: StagedSlot(SET, value=cell) for key, cell in zip(keys, cells, strict=True) if cell is not None}
        yield Written(subject, "", slots)


# -- back to ops


def birthplace(record: StagedRecord) -> str:
    """Returns the table that a staged new record is made in; empty where it is not made after all."""
    exists = record.slots.get(EXISTS)
    if not record.table or exists is None or exists.value is not True:
        return ""
    home = record.slots.get(member_key(record.table))
    if home is not None and home.value is True:
        return record.table
    tables = [table for key, slot in record.slots.items() if slot.value is True and (table := table_of_member_key(key))]
    return next(iter(tables), "")


class Block(NamedTuple):
    """What was put into row blocks: the subjects, the structural slots and the columns."""

    made: Sequence[tuple[bytes, StagedRecord]]
    taken: frozenset[str]
    keys: Sequence[str]


class Builder:
    """Makes the ops of everything staged.

    Args:
        sight: where the ops go, and which records and fields are the same once the staged merges stand.
        base: what everybody has.
        records: what is staged, by subject.
    """

    def __init__(self, sight: Sight, base: Desk, records: Mapping[bytes, StagedRecord]) -> None:
        self._sight = sight
        self._base = base
        self._records = records
        self._chunks = ChunkBuilder(sight)
        self._replaced: set[SlotName] = set()
        self._carried: dict[SlotName, tuple[Address, ...]] = {}
        base.heads.load(list(records))

    def structure(self) -> None:
        """Adds the mappings and merges and their taking back."""
        for subject, record in self._records.items():
            for key, slot in record.slots.items():
                if slot.kind in STRUCTURE:
                    self._chunks.add_exactly(KINDS[slot.kind], (subject,), (key,), self._over(slot), _payload(slot))

    def rest(self) -> None:
        """Adds everything else: new records and relations in blocks, then op by op."""
        self._replaced = set(self._find_replaced())
        for subject, record in self._records.items():
            for key, slot in record.slots.items():
                if slot.carried:
                    self._carried[subject, key] = slot.carried
        births = {subject: birthplace(record) for subject, record in self._records.items() if record.table}
        unmade = {subject for subject, table in births.items() if not table or (subject, EXISTS) in self._replaced}
        tables: dict[str, list[tuple[bytes, StagedRecord]]] = {}
        types: dict[str, list[tuple[bytes, StagedRecord, Ends]]] = {}
        later: list[tuple[bytes, StagedRecord]] = []
        for subject, record in self._records.items():
            if subject in unmade:
                continue
            made = record.slots.get(RELATION)
            is_new = (made is not None or bool(record.table)) and not self._base.is_known(subject)
            if made is not None and is_new:
                if made.ends is not None and unmade.isdisjoint((made.ends.source, made.ends.target)):
                    types.setdefault(made.ends.type, []).append((subject, record, made.ends))
            elif is_new:
                tables.setdefault(births[subject], []).append((subject, record))
            else:
                later.append((subject, record))
        # All blocks first: a chunk numbers the subjects of a block in a row, which nothing may have named before.
        blocks = [self._add_rows(table, found) for table, found in tables.items()]
        blocks += [self._add_relations(name, some) for name, some in types.items()]
        for (subject, key), carried in self._carried.items():
            for one in carried:
                self._chunks.add_carry((subject,), key, self._sight.oid(one))
        for block in blocks:
            self._add_rest(block)
        for subject, record in later:
            for key, slot in record.slots.items():
                is_making = bool(record.table) and slot.kind in (EXIST, MEMBER)
                now = tuple(ground(self._base, *self._sight.slots(subject, key))) if is_making else slot.heads
                self._add(subject, key, msgspec.structs.replace(slot, heads=now))

    def finish(self) -> list[Chunk]:
        """Returns the chunks."""
        return self._chunks.finish()

    def _find_replaced(self) -> Iterator[SlotName]:
        """Yields the staged slots that another one replaced, as long as both are the same field of one record."""
        for subject, record in self._records.items():
            for key, slot in record.slots.items():
                if slot.behind:
                    subjects, keys = self._sight.slots(subject, key)
                    yield from (one for one in slot.behind if one[0] in subjects and one[1] in keys)

    def _add_rows(self, table: str, made: Sequence[tuple[bytes, StagedRecord]]) -> Block:
        keys = self._columns(made)
        rows = [tuple(self._cell(subject, record, key) for key in keys) for subject, record in made]
        self._chunks.add_rows(table, keys, [subject for subject, _ in made], rows)
        return Block(made, frozenset((EXISTS, member_key(table))), keys)

    def _add_relations(self, name: str, found: Sequence[tuple[bytes, StagedRecord, Ends]]) -> Block:
        made = [(subject, record) for subject, record, _ in found]
        keys = self._columns(made)
        rows: list[tuple[Value, ...]] = []
        for subject, record, ends in found:
            position = record.slots[POSITION].value if POSITION in record.slots else None
            cells = (self._cell(subject, record, key) for key in keys)
            rows.append((RecordRef(ends.source), RecordRef(ends.target), position, *cells))
        self._chunks.add_relations(name, keys, [subject for subject, _ in made], rows)
        return Block(made, frozenset((RELATION, POSITION)), keys)

    def _columns(self, made: Sequence[tuple[bytes, StagedRecord]]) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(key for _, record in made for key, slot in record.slots.items() if _is_cell(key, slot))
        )[:COLUMNS_MAX]

    def _cell(self, subject: bytes, record: StagedRecord, key: str) -> Value:
        slot = record.slots.get(key)
        return slot.value if slot is not None and _is_cell(key, slot) and (subject, key) not in self._replaced else None

    def _add_rest(self, block: Block) -> None:
        """Adds what of new records or relations stands in no block."""
        for subject, record in block.made:
            for key, slot in record.slots.items():
                is_in_block = key in block.taken or (key in block.keys and _is_cell(key, slot))
                is_nothing = slot.kind == SET and slot.value is None
                if not is_in_block and (slot.heads or not is_nothing):
                    self._add(subject, key, slot)

    def _add(self, subject: bytes, key: str, slot: StagedSlot) -> None:
        """Adds the op of one slot, where it still says something."""
        kind = KINDS.get(slot.kind)
        if kind is None or kind is Carry or slot.kind in STRUCTURE or (subject, key) in self._replaced:
            return
        if kind is Text:
            self._add_text(subject, key, slot)
        elif kind is ListReset:
            self._add_list(subject, key, slot)
        elif not is_idle(self._base, self._sight, subject, key, slot):
            subjects, keys = self._sight.slots(subject, key)
            if slot.kind == EXIST:
                subjects = tuple(one for one in subjects if one == subject or self._is_meant(one, slot))
            self._chunks.add_exactly(kind, subjects, keys, self._over(slot, subject, key), _payload(slot))

    def _add_text(self, subject: bytes, key: str, slot: StagedSlot) -> None:
        """Adds what was typed, on the text as it is by now."""
        typed = self._sight.retyped(subject, key, self._over(slot, subject, key), slot.update)
        if typed is not None:
            self._chunks.add(Text, subject, key, typed.over, typed.payload)

    def _add_list(self, subject: bytes, key: str, slot: StagedSlot) -> None:
        """Adds what was put in and taken out, on the list as it is by now."""
        subjects, keys = self._sight.slots(subject, key)
        now = set(ground(self._base, subjects, keys).values())
        seen = {self._base.oid_at(head): self._sight.oid(head) for head in slot.heads}
        ops = [self._base.op_at(oid) for oid in seen if oid in now]

        def write(kind: type[KnownOp], over: tuple[int, ...], payload: object) -> None:
            self._chunks.add(kind, subject, key, tuple(seen[oid] for oid in over), payload)

        Script.of(slot.update).write(write, ops)

    def _is_meant(self, subject: bytes, slot: StagedSlot) -> bool:
        """Tells whether a record was one with the deleted one already when it was deleted, and so goes too."""
        return not ground(self._base, (subject,), (EXISTS,)).keys().isdisjoint(slot.heads)

    def _over(self, slot: StagedSlot, subject: bytes = b"", key: str = "") -> tuple[int, ...]:
        """Returns the writes an op replaces; without those of a record or field that is another one (again)."""
        found: list[int] = []
        subjects, keys = self._sight.slots(subject, key) if key else ((), ())
        carried = {one for name in subjects for other in keys for one in self._carried.get((name, other), ())}
        for address in slot.heads:
            try:
                oid, below = self._sight.oid(address), self._base.oid_at(address)
            except UnknownOp:
                continue
            if not key or address in carried or stands_in(self._base, below, subjects, keys):
                found.append(oid)
        return tuple(found)


def _is_cell(key: str, slot: StagedSlot) -> bool:
    """Tells whether a slot of a new record can stand in a block: a value that replaces nothing."""
    return is_field_key(key) and slot.kind == SET and slot.value is not None and not slot.heads


def _payload(slot: StagedSlot) -> object:
    return slot.ends or slot.keys or slot.ids or slot.value


def stands_in(base: Desk, oid: int, subjects: Sequence[bytes], keys: Sequence[str]) -> bool:
    """Tells whether a write stands in any slot of these records and fields, written or carried there."""
    op = base.op_at(oid)
    is_written = not set(op.subjects).isdisjoint(subjects) and not set(op.keys).isdisjoint(keys)
    return is_written or base.heads.is_carried(oid, subjects, keys)


def ground(base: Desk, subjects: Sequence[bytes], keys: Sequence[str]) -> dict[Address, int]:
    """Returns what everybody has in the slots of these records and fields: ops by (bundle id, ordinal).

    What is the same for everybody counts as one: a record comes with those that it was merged with.
    """
    oids = {oid for subject in subjects for key in keys for oid in base.heads_now(subject, key)}
    return {base.address_of(oid): oid for oid in sorted(oids)}


def has_links(base: Desk) -> bool:
    """Tells whether any tables are linked, so that records may be put into tables by the commit itself."""
    return base.db.one('SELECT 1 FROM "core.links" LIMIT 1') is not None


def is_idle(base: Desk, sight: Sight, subject: bytes, key: str, slot: StagedSlot) -> bool:
    """Tells whether a commit of a slot would say nothing: it is so already, and not in question."""
    if slot.kind in (TEXT, LIST):
        return not slot.update
    if slot.kind in (SET, PLACE):
        now = ground(base, *sight.slots(subject, key))
        if len(now) != 1:
            return not now and slot.value is None
        return set(slot.heads) == now.keys() and value_key(base.value_at(*now.values())) == value_key(slot.value)
    if slot.kind == EXIST:
        lives = [base.op_at(oid).is_live for oid in base.heads_now(subject, EXISTS)]
        return False not in lives if slot.value else base.is_gone(subject)
    is_there = any(base.op_at(oid).is_live for oid in ground(base, *sight.slots(subject, key)).values())
    if slot.kind == MEMBER:
        # A person's putting a record where it is already stands against a removal elsewhere (S-30), and taking one out
        # where it is not keeps a link from putting it there.
        return not is_there and slot.value is not True and not has_links(base)
    return is_there if slot.kind == RELATE else not is_there if slot.kind == UNRELATE else False

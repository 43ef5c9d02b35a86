"""Undo and redo: a new bundle that acts on today's state, never a remembered snapshot (R14).

A person's last bundle is undone whole, or refused with who changed what since, and then the one before is next. Inverse
ops carry the values that were replaced, also none or several. The order of what can be undone is read from the log, so
it survives restarts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from openprod.model.bundle import CAUSE_GENESIS, CAUSE_JOIN, CAUSE_REDO, CAUSE_UNDO, Cause
from openprod.model.errors import Missing, Refused
from openprod.model.ops import (
    Carry,
    Chunk,
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
    width,
)
from openprod.model.slots import EXISTS, RELATION, is_field_key, table_of_member_key
from openprod.model.values import value_key
from openprod.store.log import ORDINAL_BITS, SEQ_BITS, OpAt
from openprod.workspace import reading, wording
from openprod.workspace.building import ChunkBuilder, Sight
from openprod.workspace.desk import Desk
from openprod.workspace.list_edit import is_plain, write_back
from openprod.workspace.together import elements_of
from openprod.workspace.write import Edit

SKIPPED = "undo_skipped"
SKIPPED_MAX = 500
_LASTING = (CAUSE_GENESIS, CAUSE_JOIN)

Slot = tuple[bytes, str]


class NothingToUndo(Missing):
    """There is nothing (more) to undo or redo."""

    code = "undo.nothing"


class CannotUndo(Refused):
    """Somebody changed what a bundle wrote; `reasons` names each place."""

    code = "undo.changed_since"

    def __init__(self, what: str, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        super().__init__(f"Cannot {what}: {reasons[0]}{more}.")


@dataclass(slots=True)
class Stacks:
    """A person's bundles that can be undone and redone, local numbers, the last one at the end."""

    undo: list[int] = field(default_factory=list[int])
    redo: list[int] = field(default_factory=list[int])


def stacks(desk: Desk) -> Stacks:
    """Returns what the person who writes here can undo and redo, as their logs say."""
    identity = desk.home.identity()
    found = Stacks()
    if identity is None:
        return found
    own = {arm.no for arm in desk.log.branches.values() if arm.actor == identity.actor}
    skipped = set(_skipped(desk))
    for number in desk.log.in_order():
        if number >> SEQ_BITS not in own or number in desk.log.unread:
            continue
        causes = desk.log.header(number).causes
        first = causes[0] if causes else None
        if first is None or first.kind in _LASTING or first.auto:
            continue
        target = first.detail[0] if first.detail else None
        if first.kind == CAUSE_UNDO:
            found.undo = [one for one in found.undo if desk.log.id_of(one) != target]
            found.redo.append(number)
        elif first.kind == CAUSE_REDO:
            found.redo = [one for one in found.redo if desk.log.id_of(one) != target]
            found.undo.append(number)
        else:
            found.undo.append(number)
            found.redo = []
    found.undo = [one for one in found.undo if desk.log.id_of(one) not in skipped]
    found.redo = [one for one in found.redo if desk.log.id_of(one) not in skipped]
    return found


def _skipped(desk: Desk) -> list[bytes]:
    row = desk.db.one("SELECT value FROM meta WHERE key = ?", (SKIPPED,))
    return msgspec.msgpack.decode(row[0], type=list[bytes]) if row is not None else []


def skip(desk: Desk, number: int) -> None:
    """Passes over a bundle that cannot be undone, so that the next undo goes on to the one before."""
    kept = [*_skipped(desk), desk.log.id_of(number)][-SKIPPED_MAX:]
    with desk.db.transaction():
        desk.db.execute("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", (SKIPPED, msgspec.msgpack.encode(kept)))


def label_of(desk: Desk, number: int) -> str:
    """Returns what a bundle is called: its label or first change; for an undo or redo, that of what it is about."""
    header = desk.log.header(number)
    cause = header.causes[0] if header.causes else None
    if cause is not None and cause.kind in (CAUSE_UNDO, CAUSE_REDO) and cause.detail:
        about = desk.log.number_of(cause.detail[0]) if isinstance(cause.detail[0], bytes) else None
        if about is not None:
            return label_of(desk, about)
    return header.label or next(
        (shape["text"] for shape in reading.ops_of(desk, number, reading.Names(desk))), "a change"
    )


def cause_for(desk: Desk, number: int, *, is_redo: bool) -> Cause:
    """Returns the cause of undoing or redoing a bundle."""
    return Cause(CAUSE_REDO if is_redo else CAUSE_UNDO, detail=(desk.log.id_of(number),))


def stage(desk: Desk, edit: Edit, number: int, *, what: str, rest: bool) -> None:
    """Adds the inverse of a bundle to an edit.

    Args:
        desk: the workspace.
        edit: what to add to.
        number: the bundle.
        what: "undo" or "redo", for the sentence.
        rest: leave out what others changed since, instead of refusing.

    Raises CannotUndo, when the edit is committed or before; nothing is written then.
    """
    reasons = [reason for _, reason in _obstacles(desk, number)]
    if reasons and not rest:
        raise CannotUndo(what, reasons)

    def build(builder: ChunkBuilder, sight: Sight) -> None:
        blocked = {slot for slot, _ in _obstacles(desk, number)}
        if blocked and not rest:
            raise CannotUndo(what, [reason for _, reason in _obstacles(desk, number)])
        lists: dict[Slot, list[OpAt]] = {}
        for op in _ops(desk, number):
            for slot in _slots(op):
                if slot in blocked:
                    continue
                if isinstance(op.op, ListAdd | ListRemove | ListReset):
                    lists.setdefault(slot, []).append(op)
                else:
                    _invert(desk, builder, sight, op, slot)
        for slot, ops in lists.items():
            _invert_list(desk, builder, sight, slot, ops)

    edit.build_with(build)


def _ops(desk: Desk, number: int) -> Iterator[OpAt]:
    """Yields a bundle's ops and written cells, the last first: what was made last is unmade first."""
    found: list[OpAt] = []
    ordinal = 0
    for index in range(len(desk.log.header(number).chunks)):
        chunk, _ = desk.log.chunk(number, index)
        for op in chunk.ops:
            found.extend(_cells(desk, number, ordinal, chunk, op))
            ordinal += width(op)
    yield from reversed(found)


def _cells(desk: Desk, number: int, ordinal: int, chunk: Chunk, op: KnownOp) -> Iterator[OpAt]:
    del chunk
    for at in range(ordinal, ordinal + width(op)):
        found = desk.op_at(number << ORDINAL_BITS | at)
        if not isinstance(op, Rows | Relations) or found.is_live is not None or found.value is not None:
            yield found


def _slots(op: OpAt) -> list[Slot]:
    """Returns one slot for each class an op covers: its first, as writing there covers the rest."""
    return [(op.subjects[0], op.keys[0])]


def _obstacles(desk: Desk, number: int) -> list[tuple[Slot, str]]:
    """Returns the slots of a bundle that somebody wrote to since, with who and what."""
    found: dict[Slot, str] = {}
    for op in _ops(desk, number):
        for subject, key in _slots(op):
            heads = desk.heads_now(subject, key)
            now = {one for oid in heads for one in _seen_through(desk, oid)}
            then = _seen_through(desk, op.oid)
            if heads != (op.oid,) and now != then and not _goes_on(desk, op, heads):
                newer = [oid for oid in now if oid not in then]
                if newer:
                    found[subject, key] = _reason(desk, subject, key, max(newer, key=desk.log.order_of))
            if key == EXISTS and op.is_live and isinstance(op.op, Rows):
                reason = _later_work(desk, subject, number)
                if reason:
                    found[subject, key] = reason
    # A record that stays because of one later change stays whole.
    kept = {subject for (subject, key) in found if key == EXISTS}
    for op in _ops(desk, number) if kept else ():
        for subject, key in _slots(op):
            if subject in kept:
                found.setdefault((subject, key), found[subject, EXISTS])
    return list(found.items())


def _seen_through(desk: Desk, oid: int) -> set[int]:
    """Returns what a head stands for once this person's own undoing is looked through.

    An op of an undo stands for what the op it took back had replaced: a field undone twice is as it was, not changed.
    """
    found: set[int] = set()
    todo, seen = [oid], set[int]()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        if not _is_own_undoing(desk, one >> ORDINAL_BITS):
            found.add(one)
            continue
        for undone in _behind(desk, desk.op_at(one)):
            todo.extend(before.oid for before in _behind(desk, undone))
    return found


def _is_own_undoing(desk: Desk, number: int) -> bool:
    causes = desk.log.header(number).causes
    is_undoing = bool(causes) and causes[0].kind in (CAUSE_UNDO, CAUSE_REDO)
    return is_undoing and desk.log.branches[number >> SEQ_BITS].actor == desk.home.need_identity().actor


def _later_work(desk: Desk, subject: bytes, number: int) -> str:
    """Returns what somebody else did on a record since a bundle made it, in words; empty if nothing."""
    record = desk.record_of(subject)
    for key in desk.heads.class_slots(record) if record is not None else ():
        text = desk.heads.key_texts[key]
        for oid in desk.heads.united(record, key) if record is not None else ():
            if oid >> ORDINAL_BITS != number and reading.actor_of(desk, oid) != desk.home.need_identity().actor:
                return _reason(desk, subject, text, oid)
    return ""


def _reason(desk: Desk, subject: bytes, key: str, oid: int) -> str:
    name = reading.actor_name(desk, reading.actor_of(desk, oid))
    title = desk.title(subject)
    if not is_field_key(key):
        return f"{title} was changed by {name}"
    return f"the {wording.field_name(reading.field_title(desk, key))} of {title} was changed by {name}"


def _invert(desk: Desk, builder: ChunkBuilder, sight: Sight, op: OpAt, slot: Slot) -> None:
    """Adds the op or ops that take one op back in a slot, over what stands there now."""
    subject, key = slot
    heads = sight.heads(subject, key)
    before = [behind for behind in _behind(desk, op) if desk.stands_in(behind, subject, key)]
    if is_field_key(key):
        if not desk.is_new_since(subject, op.oid >> ORDINAL_BITS):
            _invert_field(desk, builder, sight, op, slot)
    elif key == EXISTS:
        builder.add(Exist, subject, key, heads, not op.is_live)
    elif table_of_member_key(key) is not None:
        if not desk.is_new_since(subject, op.oid >> ORDINAL_BITS):
            builder.add(Member, subject, key, heads, not op.is_live)
    elif key == RELATION:
        ends = desk.relation_ends(subject)
        if op.is_live:
            builder.add(Unrelate, subject, key, heads, None)
        elif ends is not None:
            builder.add(Relate, subject, key, heads, ends)
    elif isinstance(op.op, Place):
        for behind in before:
            builder.add(Place, subject, key, heads, behind.value)
    elif isinstance(op.op, Map):
        builder.add(Unmap, subject, key, heads, None)
    elif isinstance(op.op, Merge):
        builder.add(Split, subject, key, heads, None)
    elif isinstance(op.op, Unmap | Split):
        for behind in before:
            if isinstance(behind.op, Map | Merge):
                builder.add(type(behind.op), subject, key, heads, behind.op.payload)


def _invert_field(desk: Desk, builder: ChunkBuilder, sight: Sight, op: OpAt, slot: Slot) -> None:
    subject, key = slot
    if isinstance(op.op, Text):
        typed = sight.taken_back(subject, key, op.oid)
        if typed is not None:
            builder.add(Text, subject, key, typed.over, typed.payload)
        return
    before = [behind.oid for behind in _behind(desk, op) if desk.stands_in(behind, subject, key)]
    values = list(desk.says(before).values()) if before else [None]
    # What several typed in one text is one value.
    for value in {value_key(one): one for one in values}.values():
        builder.add(Set, subject, key, sight.heads(subject, key), value)


def _invert_list(desk: Desk, builder: ChunkBuilder, sight: Sight, slot: Slot, ops: Sequence[OpAt]) -> None:
    """Adds what takes a bundle's ops on one list back, whatever others put in or took out since."""
    subject, key = slot
    heads = [desk.op_at(oid) for oid in sight.heads(subject, key)]
    found = {one.oid: one for op in ops for one in _behind(desk, op) if desk.stands_in(one, subject, key)}
    # A plain value stays where an element of it goes or moves, and so does what hides one.
    number = ops[0].oid >> ORDINAL_BITS
    for op in heads:
        if (is_plain(op) or isinstance(op.op, ListRemove)) and desk.log.is_past(number, op.oid >> ORDINAL_BITS):
            found[op.oid] = op
    before = elements_of(desk.log, list(found.values()))
    now = {one.id for one in elements_of(desk.log, heads)}

    def write(kind: type[KnownOp], over: tuple[int, ...], payload: object) -> None:
        builder.add(kind, subject, key, over, payload)

    write_back(write, ops, before, heads, now)


def _goes_on(desk: Desk, op: OpAt, heads: Sequence[int]) -> bool:
    """Tells whether what an op typed is in what a field shows, whatever others typed since: so it can be taken back."""
    if isinstance(op.op, ListAdd | ListRemove | ListReset):
        return True
    if not isinstance(op.op, Text):
        return False
    base = desk.texts.base(op.oid)
    on = [one for one in heads if isinstance(desk.op_at(one).op, Text) and desk.texts.base(one) == base]
    shown = desk.typist.shown(heads, desk.says(heads))
    return op.oid in desk.texts.updates(frozenset(on)) and not set(on).isdisjoint(shown)


def _behind(desk: Desk, op: OpAt) -> Iterator[OpAt]:
    """Yields the ops that an op replaced, as far as they are here."""
    if isinstance(op.op, Carry):
        return
    for bundle, ordinal in op.over:
        target = desk.log.number_of(bundle)
        if target is not None and target not in desk.log.unread and desk.log.has_op(target, ordinal):
            yield desk.op_at(target << ORDINAL_BITS | ordinal)

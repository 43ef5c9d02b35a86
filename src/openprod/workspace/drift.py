"""Drift: what everybody's state did under what is staged, and what deciding about it does to the staged slots.

Values, membership, existence, relations and merges. Equal writes are no drift, nor are places in an ordered relation
(of two moves the later one holds), nor what others put into a list or type in a text. Knows staged slots and the desk;
must not know where overlays are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from openprod.model.slots import EXISTS, RELATION, is_field_key, member_key, table_of_member_key
from openprod.model.values import Plain, Value, plain, value_key
from openprod.store.log import OpAt
from openprod.store.overlays import Address, SlotName, StagedRecord, StagedSlot
from openprod.workspace import reading, taking, wording
from openprod.workspace.building import Place as When
from openprod.workspace.desk import Desk
from openprod.workspace.staged import (
    CARRY,
    EXIST,
    LIST,
    MEMBER,
    PLACE,
    RELATE,
    REMEMBERED,
    SEEN,
    SEEN_ALL,
    SEEN_IN,
    SET,
    STRUCTURE,
    TEXT,
    ground,
)


@dataclass(frozen=True, slots=True)
class Drift:
    """A staged slot whose ground moved: who wrote what there since, and when."""

    subject: bytes
    key: str
    title: str
    text: str
    actor_name: str
    at: str
    value: Plain


class Watch:
    """What staged slots stand on.

    Args:
        base: what everybody has; held open for reading by the caller.
        view: the overlay's own desk, which knows what the staged merges and mappings make one.
        since: where whoever stages had looked; None is now. What came after it is drift.
    """

    def __init__(self, base: Desk, view: Desk, since: When | None = None) -> None:
        self._base = base
        self._view = view
        self._since = since

    def remembered(
        self, subject: bytes, old: Mapping[str, StagedSlot], new: Mapping[str, StagedSlot]
    ) -> dict[str, StagedSlot]:
        """Returns what to remember beside the slots that are staged now for a subject that everybody has."""
        found: dict[str, StagedSlot] = {}
        relation = new.get(RELATION)
        is_made = relation is not None and relation.ends is not None and not self._base.is_known(subject)
        is_here = self._base.is_known(subject)
        if SEEN not in old and EXISTS not in new and (is_made or (is_here and relation is None)):
            ends = relation.ends if relation is not None else self._base.relation_ends(subject)
            found[SEEN] = StagedSlot(REMEMBERED, ends=ends)
        for key in new:
            field = self._base.catalog.find_field(key) if is_field_key(key) else None
            name = SEEN_IN + field.table if field is not None else ""
            if field is not None and name not in old and field.table in self._base.member_tables(subject):
                found[name] = StagedSlot(REMEMBERED)
        exists = new.get(EXISTS)
        if exists is not None and exists.value is False:
            found[SEEN_ALL] = StagedSlot(REMEMBERED)
        return {key: self.standing_on(subject, key, slot) for key, slot in found.items()}

    def standing_on(self, subject: bytes, key: str, slot: StagedSlot) -> StagedSlot:
        """Returns a slot that has seen what stands there, as far as whoever stages had looked."""
        if self._since is not None:
            since = self._since
            watched = self._watched(subject, key, slot)
            oids = {oid for one, other in watched for oid in self._base.heads_at(one, other, since)}
            return msgspec.structs.replace(slot, seen=tuple(sorted(map(self._base.address_of, oids))))
        return msgspec.structs.replace(slot, seen=tuple(sorted(self._now(subject, key, slot))))

    def _now(self, subject: bytes, key: str, slot: StagedSlot) -> dict[Address, int]:
        found: dict[Address, int] = {}
        for one, other in self._watched(subject, key, slot):
            found |= ground(self._base, (one,), (other,))
        return found

    def _watched(self, subject: bytes, key: str, slot: StagedSlot) -> Iterable[SlotName]:
        """Returns the slots of everybody's state that a staged one stands on."""
        if key == SEEN:
            if slot.ends is None:
                return [(subject, EXISTS)]
            if self._base.is_known(subject):
                return [(subject, RELATION)]
            return [(slot.ends.source, EXISTS), (slot.ends.target, EXISTS)]
        if key.startswith(SEEN_IN):
            return [(subject, member_key(key.removeprefix(SEEN_IN)))]
        if key == SEEN_ALL:
            record = self._base.record_of(subject)
            texts = self._base.heads.key_texts
            keys = [texts[number] for number in self._base.heads.class_slots(record)] if record is not None else []
            return [(subject, text) for text in keys if text != EXISTS]
        return [(one, other) for one in self._view.subjects_of(subject) for other in self._view.keys_of(key)]

    # -- what moved

    def drift(self, records: Mapping[bytes, StagedRecord]) -> list[Drift]:
        """Returns the staged slots whose ground moved since, with who and when."""
        self._base.heads.load(list(records))
        found: list[Drift] = []
        for subject, record in records.items():
            is_new = bool(record.table) and not self._base.is_known(subject)
            for key, slot in record.slots.items():
                if not is_new or slot.heads:
                    news = self.news(subject, key, slot)
                    if news:
                        found.append(self._told(subject, key, max(news, key=self._base.log.order_of)))
        return sorted(found, key=lambda one: (one.text, one.subject, one.key))

    def news(self, subject: bytes, key: str, slot: StagedSlot) -> list[int]:
        """Returns the writes that came under a staged slot and say something else than it does."""
        if slot.kind in (PLACE, CARRY, LIST):
            return []
        then = set(slot.seen)
        news = [oid for address, oid in self._now(subject, key, slot).items() if address not in then]
        return [oid for oid in news if self._matters(subject, key, slot, self._base.op_at(oid))] if news else []

    def _matters(self, subject: bytes, key: str, slot: StagedSlot, op: OpAt) -> bool:
        base = self._base
        if key == SEEN and slot.ends is not None and base.is_known(subject):
            return op.is_live is False and not self._is_live(subject, RELATION)
        if key == SEEN:
            return op.is_live is False and any(base.is_gone(one) for one in op.subjects)
        if key.startswith(SEEN_IN):
            return op.is_live is False and not self._is_live(subject, member_key(key.removeprefix(SEEN_IN)))
        if key == SEEN_ALL:
            return not op.is_auto and op.is_live is not False
        if slot.kind in (EXIST, MEMBER):
            return op.is_live is not slot.value
        if op.is_live is not None:
            is_live = slot.kind == RELATE or (slot.kind in STRUCTURE and (slot.keys or slot.ids) is not None)
            return op.is_live is not is_live
        if slot.kind == TEXT:
            # What others type in the same text stands beside what is typed here.
            slots = list(self._watched(subject, key, slot))
            return not base.texts.is_on(op.oid, base.texts.standing(slots, map(base.oid_at, slot.heads))[0])
        return value_key(base.value_at(op.oid)) != value_key(slot.value)

    def _is_live(self, subject: bytes, key: str) -> bool:
        return any(self._base.op_at(oid).is_live for oid in self._base.heads_now(subject, key))

    # -- deciding

    def kept(self, subject: bytes, record: StagedRecord, key: str) -> StagedRecord:
        """Returns a staged record that knows what came under one of its slots and stands all the same."""
        slot = record.slots[key]
        news = self.news(subject, key, slot)
        over = tuple(sorted({*slot.heads, *(self._base.address_of(oid) for oid in news)}))
        slots = {**record.slots, key: self.standing_on(subject, key, slot)}
        if slot.kind == TEXT:
            # The text that was typed in is another one by now: mine is what it came to here.
            slots[key] = msgspec.structs.replace(slots[key], kind=SET, heads=over, update=b"")
        elif slot.kind != REMEMBERED:
            slots[key] = msgspec.structs.replace(slots[key], heads=over)
        elif key == SEEN and slot.ends is not None:
            if self._base.is_known(subject):
                slots[RELATION] = StagedSlot(RELATE, heads=over, seen=slots[key].seen, ends=slot.ends)
        elif key == SEEN:
            # Mine is work on a record that somebody deleted: keeping it brings the record back.
            slots[EXISTS] = StagedSlot(EXIST, value=True, heads=slots[key].seen, seen=slots[key].seen)
        elif key.startswith(SEEN_IN):
            member = member_key(key.removeprefix(SEEN_IN))
            slots[member] = StagedSlot(MEMBER, value=True, heads=slots[key].seen, seen=slots[key].seen)
        return StagedRecord(record.table, slots)

    # -- in words

    def _title(self, subject: bytes) -> str:
        return (self._base if self._base.is_known(subject) else self._view).title(subject)

    def _told(self, subject: bytes, key: str, oid: int) -> Drift:
        base = self._base
        op = base.op_at(oid)
        name = reading.actor_name(base, reading.actor_of(base, oid))
        about = (
            next((one for one in op.subjects if one != subject), subject) if self._is_elsewhere(key, op) else subject
        )
        title = self._title(subject)
        value = base.value_at(oid) if op.is_live is None else None
        text = f"{_what(base, self._title(about), key, op, value)} by {name} meanwhile"
        if is_field_key(key) and subject not in op.subjects:
            text = f"{title} became one with another record, and {text}"
        return Drift(subject, key, title, text, name, reading.at_of(base, oid), plain(value))

    def _is_elsewhere(self, key: str, op: OpAt) -> bool:
        """Tells whether what came is about an end of a staged relation."""
        return key == SEEN and EXISTS in op.keys


def _what(base: Desk, title: str, key: str, op: OpAt, value: Value) -> str:
    table = key.removeprefix(SEEN_IN) if key.startswith(SEEN_IN) else table_of_member_key(key)
    if EXISTS in op.keys and op.is_live is not None:
        return f"{title} was {'restored' if op.is_live else 'deleted'}"
    if RELATION in op.keys and op.is_live is not None:
        return f"{title} was {'related again' if op.is_live else 'ended'}"
    if table is not None:
        return f"{title} was {'put into' if op.is_live else 'taken out of'} {table}"
    if is_field_key(op.keys[0]):
        label = wording.field_name(reading.field_title(base, key if is_field_key(key) else op.keys[0]))
        if value is None:
            return f"{wording.possessive(title)} {label} was cleared"
        said = wording.value_text(taking.said(base, value))
        return f"{wording.possessive(title)} {label} was changed to {said}"
    return f"{title} was changed"


def slots_by_word(slots: Mapping[str, StagedSlot], word: str) -> Iterator[str]:
    """Yields the staged slots that a word of a person means: a field's name, `@exists`, `@in/TABLE`."""
    for key, slot in slots.items():
        plain_key = public_key(key)
        if word in (key, plain_key) or (slot.kind != REMEMBERED and word == key.rpartition(".")[2]):
            yield key


def public_key(key: str) -> str:
    """Returns the key by which people and programs name a staged slot."""
    if key in (SEEN, SEEN_ALL):
        return EXISTS
    return member_key(key.removeprefix(SEEN_IN)) if key.startswith(SEEN_IN) else key

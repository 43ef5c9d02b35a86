"""Overlays: a layer of changes above what everybody has, on this device only, until somebody commits it.

An overlay reads everything as if it were committed already: its desk is a copy in memory of the workspace with the
staged ops applied by the very code that applies bundles, so every query, question and history needs no second
mechanism. What is staged is kept slot by slot with the writes it was staged over; where those moved on meanwhile is
drift, and a commit waits until each is decided. A commit is one bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from openprod.identity.seal import chunk_ref
from openprod.model.bundle import (
    ADMISSION_KNOWN,
    CAUSE_OVERLAY,
    FORMAT_VERSION,
    LABEL_BYTES_MAX,
    Admission,
    Bundle,
    Cause,
    Header,
    Opening,
    Sealed,
    encode_header,
)
from openprod.model.errors import Missing, Refused
from openprod.model.hlc import ZERO, Hlc, effective, hlc
from openprod.model.ids import SIGNATURE_BYTES, BundleId, LogId, id_text
from openprod.model.ids import bundle_id as bundle_hash
from openprod.model.ops import (
    COLUMNS_MAX,
    Carry,
    Chunk,
    Decide,
    Ends,
    Exist,
    KnownOp,
    Map,
    Member,
    Merge,
    Place,
    Relate,
    Relations,
    Rows,
    Set,
    Split,
    Unmap,
    Unrelate,
    encode_chunk,
    over_of,
    subject_indexes,
    width,
)
from openprod.model.slots import EXISTS, POSITION, RELATION, is_field_key, member_key, table_of_member_key
from openprod.model.values import Plain, RecordRef, Value, plain, value_key
from openprod.query.functions import SQL_FUNCTIONS
from openprod.store.overlays import Address, OverlayRow, Overlays, StagedRecord, StagedSlot
from openprod.workspace import reading, wording
from openprod.workspace.building import ChunkBuilder, Sight
from openprod.workspace.building import Place as When
from openprod.workspace.desk import Desk
from openprod.workspace.meaning import Changes
from openprod.workspace.shapes import ChangeShape, DriftShape, OverlayShape

KINDS: Mapping[int, type[KnownOp]] = {
    1: Set,
    3: Decide,
    4: Exist,
    5: Member,
    6: Relate,
    7: Unrelate,
    9: Place,
    14: Map,
    15: Unmap,
    16: Merge,
    17: Split,
    18: Carry,
}
_NUMBERS: Mapping[type[KnownOp], int] = {kind: number for number, kind in KINDS.items()}
SEEN = "@seen"


class OverlayExists(Refused):
    """An overlay of that name is there already."""

    code = "overlay.exists"


class UnknownOverlay(Missing):
    """There is no overlay of that name."""

    code = "overlay.unknown"


class UndecidedDrift(Refused):
    """What an overlay was staged over changed meanwhile, and nobody decided yet; `drift` lists it."""

    code = "overlay.undecided_drift"

    def __init__(self, name: str, drift: Sequence[Drift]) -> None:
        self.drift = tuple(drift)
        more = f" (and {len(drift) - 1} more)" if len(drift) > 1 else ""
        super().__init__(
            f"'{name}' cannot be committed yet: {drift[0].text}{more}. Keep yours or take theirs, then commit."
        )


class NothingStaged(Refused):
    """An overlay holds nothing to commit, or not what was named."""

    code = "overlay.nothing_staged"


class NotInOverlay(Refused):
    """Something that an overlay does not do: it has no peers, no invitations and no history of its own."""

    code = "overlay.not_here"


@dataclass(frozen=True, slots=True)
class Drift:
    """A staged slot whose ground moved: who wrote what there since, and when."""

    subject: bytes
    key: str
    text: str
    actor_name: str
    at: str
    value: Plain


@dataclass(frozen=True, slots=True)
class Change:
    """One line of an overlay's change list: what a person approves."""

    record: str
    title: str
    kind: str
    field: str
    old: Plain
    new: Plain
    text: str


class OverlayDesk(Desk):
    """The desk of an overlay: reads a copy with the staged ops applied, and stages instead of sealing."""

    def __init__(self, base: Desk, row: OverlayRow) -> None:
        self.base = base
        self.row = row
        with base.lock:
            base.follow()
            self._base_place = base.log.next_place
            super().__init__(base.folder, base.db.copied(SQL_FUNCTIONS), base.home, base.clock, base.chance)
        self.lock = base.lock
        self._seq = 0
        self._tip: bytes | None = None
        self._mine: set[bytes] = set()
        self._replay()

    # -- following what everybody has

    def follow(self) -> bool:
        """Makes the copy anew where the workspace moved on."""
        if self.db.is_in_transaction:
            return False
        self.base.follow()
        if self.base.log.next_place == self._base_place:
            return False
        listeners = self.listeners
        self.db.close()
        self.__init__(self.base, self.row)
        self.listeners = listeners
        return True

    @contextmanager
    def looking(self) -> Generator[None]:
        """Holds the lock and one state of the copy, made anew first if the workspace moved on."""
        with self.lock:
            self.follow()
            with super().looking():
                yield

    @contextmanager
    def writing(self) -> Generator[None]:
        """Holds the lock and a transaction on the copy, made anew first if the workspace moved on."""
        with self.lock:
            self.follow()
            with super().writing():
                yield

    def _replay(self) -> None:
        records = Overlays(self.base.db).records(self.row.id)
        if records:
            with self.writing():
                self._apply(build_staged(Sight(self, self.place()), records), "")

    # -- staging

    def commit(self, label: str, cause: Cause, start: When, build: Callable[[Sight], list[Chunk]]) -> str | None:
        """Stages what an edit built; returns None, as nothing is sealed."""
        del cause
        with self.lock:
            with self.writing():
                chunks = build(Sight(self, start))
                if not chunks:
                    return None
                self._stage(label, chunks)
                self._apply(chunks, label)
            changes = self.meaning.changes
        self.tell(changes)
        return None

    def _stage(self, label: str, chunks: Sequence[Chunk]) -> None:
        store = Overlays(self.base.db)
        records = store.records(self.row.id)
        changed: dict[bytes, StagedRecord | None] = {}
        for chunk in chunks:
            for op in chunk.ops:
                for subject, table, slots in _slots_of(chunk, op):
                    old = changed.get(subject) or records.get(subject) or StagedRecord("", {})
                    merged = {**old.slots, **{key: self._over(old.slots.get(key), slot) for key, slot in slots.items()}}
                    if not old.slots and not table and not any(key == EXISTS for key in slots):
                        merged[SEEN] = StagedSlot(4, heads=self._base_heads(subject, EXISTS))
                    changed[subject] = StagedRecord(table or old.table, merged)
        with self.base.db.transaction():
            store.put(self.row.id, label, changed)

    def _over(self, old: StagedSlot | None, new: StagedSlot) -> StagedSlot:
        """Returns a staged slot over what everybody has: what it was first staged over counts, not staged ops."""
        heads = old.heads if old is not None else tuple(one for one in new.heads if one[0] not in self._mine)
        return msgspec.structs.replace(new, heads=heads)

    def _base_heads(self, subject: bytes, key: str) -> tuple[Address, ...]:
        self.base.heads.begin()
        return tuple(sorted(self.base.address_of(oid) for oid in self.base.heads_now(subject, key)))

    def _apply(self, chunks: Sequence[Chunk], label: str) -> None:
        """Applies staged ops to the copy, as a bundle of a log that exists nowhere else."""
        log = LogId(self.row.id * 2)
        arms = self.log.branches_of(log)
        actor = self.home.need_identity().actor
        arm = arms[0] if arms else self.log.new_branch(log, None, 0, actor)
        raw = tuple(map(encode_chunk, chunks))
        header = Header(
            version=FORMAT_VERSION,
            workspace=self.id,
            log=log,
            seq=arm.seq + 1,
            prev=arm.tip or None,
            claimed=hlc(max(self.clock(), 0)),
            seen=self._newly_seen(arm),
            view=None,
            unread=tuple(sorted(self.log.unread.values())),
            causes=(Cause(CAUSE_OVERLAY, detail=(self.row.id, self.row.name, self.row.source)),),
            modules=(),
            label=label.encode()[:LABEL_BYTES_MAX].decode(errors="ignore"),
            epoch=0,
            chunks=tuple(
                chunk_ref(one, sum(map(width, chunk.ops)), len(chunk.ops))
                for one, chunk in zip(raw, chunks, strict=True)
            ),
            # Nobody but this copy ever reads it, so nobody has to vouch for it.
            opening=None if arm.seq else Opening(actor, Admission(ADMISSION_KNOWN), bytes(SIGNATURE_BYTES)),
        )
        sealed = Sealed(encode_header(header), b"", raw)
        bundle_id = BundleId(bundle_hash(self.id, sealed.header))
        self._mine.add(bundle_id)
        newest = max((one.eff for one in self.log.branches.values()), default=ZERO)
        self.applier.append_and_take(
            arm, Bundle(bundle_id, header, sealed, tuple(chunks)), effective(Hlc(header.claimed), newest), self.clock()
        )
        self.applier.settle()

    # -- what is staged

    def records(self) -> dict[bytes, StagedRecord]:
        """Returns everything staged, by subject."""
        return Overlays(self.base.db).records(self.row.id)

    def put(self, label: str, records: Mapping[bytes, StagedRecord | None]) -> None:
        """Replaces what is staged for some subjects, as one step that can be undone."""
        with self.lock:
            with self.base.db.transaction():
                Overlays(self.base.db).put(self.row.id, label, records)
            self.renew()

    def undo(self) -> str | None:
        """Takes the last step back; returns its label, None where there is none."""
        with self.lock:
            with self.base.db.transaction():
                label = Overlays(self.base.db).undo(self.row.id)
            self.renew()
            return label

    def renew(self) -> None:
        """Makes the copy anew from what everybody has and what is staged now."""
        self._base_place = -1
        self.follow()
        self.tell(Changes(is_schema=True, is_history=True))

    def drift(self) -> list[Drift]:
        """Returns the staged slots whose ground moved since they were staged, with who and when."""
        base = self.base
        found: list[Drift] = []
        with base.reading():
            for subject, record in self.records().items():
                if record.table:
                    continue
                for key, slot in record.slots.items():
                    what = EXISTS if key == SEEN else key
                    now = base.heads_now(subject, what)
                    then = set(slot.heads)
                    news = [oid for oid in now if base.address_of(oid) not in then]
                    if news and not (key == SEEN and base.op_at(news[0]).is_live):
                        found.append(_drift_of(base, subject, key, max(news, key=base.log.order_of)))
        return sorted(found, key=lambda one: (one.text, one.subject, one.key))

    def keep(self, subject: bytes, key: str) -> None:
        """Keeps what is staged over what came meanwhile: the commit will replace that, knowing of it."""
        record = self._staged(subject, key)
        heads = self._base_heads(subject, EXISTS if key == SEEN else key)
        slots = {**record.slots, key: msgspec.structs.replace(record.slots[key], heads=heads)}
        if key == SEEN and self.base.is_gone(subject):
            # Mine is work on a record that somebody deleted: keeping it brings the record back.
            slots = {**slots, EXISTS: StagedSlot(4, value=True, heads=slots[SEEN].heads)}
        self.put("Keep mine", {subject: StagedRecord(record.table, slots)})

    def theirs(self, subject: bytes, key: str) -> None:
        """Takes what came meanwhile: what was staged there is dropped."""
        if key == SEEN:
            self.put("Use theirs", {subject: None})
            return
        self.knock_out(subject, key, "Use theirs")

    def knock_out(self, subject: bytes, key: str | None, label: str = "Leave out") -> None:
        """Leaves one staged slot out, or (None) everything staged for a record and the relations staged to it."""
        if key is None:
            gone: dict[bytes, StagedRecord | None] = {subject: None}
            for other, record in self.records().items():
                ends = next((slot.ends for slot in record.slots.values() if slot.ends is not None), None)
                if ends is not None and subject in (ends.source, ends.target):
                    gone[other] = None
            if subject not in self.records():
                raise NothingStaged(f"Nothing is staged for {self.title(subject)} in '{self.row.name}'.")
            self.put(label, gone)
            return
        record = self._staged(subject, key)
        slots = {name: slot for name, slot in record.slots.items() if name != key}
        left = [name for name in slots if name != SEEN]
        self.put(label, {subject: StagedRecord(record.table, slots) if left else None})

    def _staged(self, subject: bytes, key: str) -> StagedRecord:
        record = self.records().get(subject)
        if record is None or key not in record.slots:
            raise NothingStaged(f"Nothing is staged in {key} of {self.title(subject)} in '{self.row.name}'.")
        return record

    def changes(self) -> list[Change]:
        """Returns what a commit would change, a line a record or field, as people approve it."""
        found: list[Change] = []
        with self.reading(), self.base.reading():
            for subject, record in self.records().items():
                found.extend(self._changes_of(subject, record))
        return found

    def _changes_of(self, subject: bytes, record: StagedRecord) -> Iterator[Change]:
        title = self.title(subject)
        for key, slot in record.slots.items():
            if key == SEEN or (record.table and key == member_key(record.table)):
                continue
            old = self._value_in(self.base, subject, key) if not record.table else None
            new = self._value_in(self, subject, key)
            kind, text = _words(self, title, key, slot, old, new, is_new=bool(record.table))
            yield Change(id_text(subject), title, kind, key, plain(old), plain(new), text)

    def _value_in(self, desk: Desk, subject: bytes, key: str) -> Value:
        record = desk.record_of(subject)
        number = desk.heads.key_numbers.get(key)
        if record is None or number is None or not is_field_key(key):
            return None
        return desk.meaning.value_of(record, number)

    def commit_all(self, label: str) -> str | None:
        """Writes everything staged as one bundle of the workspace and drops the overlay.

        Returns the bundle's id in hex.

        Raises:
            UndecidedDrift: with the list; nothing was written.
            NothingStaged: it is empty.
        """
        with self.lock:
            drift = self.drift()
            if drift:
                raise UndecidedDrift(self.row.name, drift)
            records = self.records()
            if not records:
                raise NothingStaged(f"Nothing is staged in '{self.row.name}', so there is nothing to commit.")
            cause = Cause(CAUSE_OVERLAY, detail=(self.row.id, self.row.name, self.row.source))
            store = Overlays(self.base.db)

            def build(sight: Sight) -> list[Chunk]:
                # In the transaction of the bundle, so that a power cut leaves either both as they were or both done.
                store.drop(self.row.id)
                return build_staged(sight, records)

            return self.base.commit(label or self.row.name, cause, self.base.place(), build)


# -- between ops and slots


def _slots_of(chunk: Chunk, op: KnownOp) -> Iterator[tuple[bytes, str, dict[str, StagedSlot]]]:
    """Yields (subject, table of a new record, slots) of an op: what there is to stage."""
    subjects = [chunk.subjects[at * 16 : at * 16 + 16] for at in subject_indexes(op.subjects)]
    keys = [chunk.keys[key] for key in op.keys]
    heads = over_of(chunk, op)
    match op:
        case Rows():
            table = op.payload.table
            for subject, row in zip(subjects, op.payload.rows, strict=True):
                slots = {EXISTS: StagedSlot(4, value=True), member_key(table): StagedSlot(5, value=True)}
                slots |= {
                    key: StagedSlot(1, value=cell) for key, cell in zip(keys, row, strict=True) if cell is not None
                }
                yield subject, table, slots
        case Relations():
            for subject, row in zip(subjects, op.payload.rows, strict=True):
                source, target, position, *cells = row
                if isinstance(source, RecordRef) and isinstance(target, RecordRef):
                    ends = Ends(op.payload.type, source.id, target.id)
                    slots = {RELATION: StagedSlot(6, ends=ends)}
                    if position is not None:
                        slots[POSITION] = StagedSlot(9, value=position)
                    slots |= {
                        key: StagedSlot(1, value=cell)
                        for key, cell in zip(keys, cells, strict=True)
                        if cell is not None
                    }
                    yield subject, "", slots
        case Relate():
            yield subjects[0], "", {RELATION: StagedSlot(6, heads=heads, ends=op.payload)}
        case Map():
            yield subjects[0], "", {keys[0]: StagedSlot(14, heads=heads, keys=op.payload)}
        case Merge():
            yield subjects[0], "", {keys[0]: StagedSlot(16, heads=heads, ids=op.payload)}
        case Carry():
            bundle = chunk.bundles[op.payload.bundle * 32 : op.payload.bundle * 32 + 32]
            for subject in subjects:
                yield subject, "", {key: StagedSlot(18, carried=(bundle, op.payload.ordinal)) for key in keys}
        case Set() | Decide() | Exist() | Member() | Place():
            yield subjects[0], "", {keys[0]: StagedSlot(_NUMBERS[type(op)], value=op.payload, heads=heads)}
        case _:
            yield subjects[0], "", {keys[0]: StagedSlot(_NUMBERS.get(type(op), 0), heads=heads)}


def build_staged(sight: Sight, records: Mapping[bytes, StagedRecord]) -> list[Chunk]:
    """Returns the chunks that write everything staged.

    New records in blocks, the rest op by op over what it was staged over.
    """
    builder = ChunkBuilder(sight)
    tables: dict[str, list[tuple[bytes, StagedRecord]]] = {}
    for subject, record in records.items():
        if record.table and _is_made(record):
            tables.setdefault(record.table, []).append((subject, record))
    for table, made in tables.items():
        _build_rows(builder, table, made)
    _build_new_relations(builder, records)
    for subject, record in records.items():
        if record.table:
            continue
        for key, slot in record.slots.items():
            if key != SEEN and not (
                RELATION in record.slots and not record.slots[RELATION].heads and slot.kind in (1, 6, 9)
            ):
                _build_slot(builder, sight, subject, key, slot)
    return builder.finish()


def _is_made(record: StagedRecord) -> bool:
    exists = record.slots.get(EXISTS)
    return exists is not None and exists.value is True


def _build_rows(builder: ChunkBuilder, table: str, made: Sequence[tuple[bytes, StagedRecord]]) -> None:
    keys = tuple(
        dict.fromkeys(
            key
            for _, record in made
            for key, slot in record.slots.items()
            if is_field_key(key) and slot.value is not None
        )
    )[:COLUMNS_MAX]
    rows = [tuple(record.slots[key].value if key in record.slots else None for key in keys) for _, record in made]
    builder.add_rows(table, keys, [subject for subject, _ in made], rows)
    for subject, record in made:
        for key, slot in record.slots.items():
            other = table_of_member_key(key)
            if is_field_key(key) and key not in keys and slot.value is not None:
                builder.add_exactly(Set, (subject,), (key,), (), slot.value)
            elif other is not None and other != table and slot.value is True:
                builder.add_exactly(Member, (subject,), (key,), (), payload=True)


def _build_new_relations(builder: ChunkBuilder, records: Mapping[bytes, StagedRecord]) -> None:
    types: dict[str, list[tuple[bytes, StagedRecord, Ends]]] = {}
    for subject, record in records.items():
        made = record.slots.get(RELATION)
        if made is not None and made.ends is not None and not made.heads:
            types.setdefault(made.ends.type, []).append((subject, record, made.ends))
    for name, found in types.items():
        keys = tuple(dict.fromkeys(key for _, record, _ in found for key in record.slots if is_field_key(key)))[
            :COLUMNS_MAX
        ]
        rows: list[tuple[Value, ...]] = []
        for _, record, ends in found:
            position = record.slots[POSITION].value if POSITION in record.slots else None
            cells = (record.slots[key].value if key in record.slots else None for key in keys)
            rows.append((RecordRef(ends.source), RecordRef(ends.target), position, *cells))
        builder.add_relations(name, keys, [subject for subject, _, _ in found], rows)


def _build_slot(builder: ChunkBuilder, sight: Sight, subject: bytes, key: str, slot: StagedSlot) -> None:
    kind = KINDS.get(slot.kind)
    if kind is None:
        return
    if kind is Carry:
        if slot.carried is not None:
            builder.add_carry((subject,), key, sight.oid(slot.carried))
        return
    over = tuple(sight.oid(address) for address in slot.heads)
    payload: object = slot.value
    if slot.ends is not None or slot.keys is not None or slot.ids is not None:
        payload = slot.ends or slot.keys or slot.ids
    builder.add(kind, subject, key, over, payload)


def _drift_of(base: Desk, subject: bytes, key: str, oid: int) -> Drift:
    op = base.op_at(oid)
    name, at = reading.actor_name(base, reading.actor_of(base, oid)), reading.at_of(base, oid)
    title = base.title(subject)
    table = table_of_member_key(key)
    if key in (SEEN, EXISTS):
        text = f"{title} was {'restored' if op.is_live else 'deleted'} by {name} meanwhile"
    elif table is not None:
        text = f"{title} was {'put into' if op.is_live else 'taken out of'} {table} by {name} meanwhile"
    elif is_field_key(key):
        label = wording.field_name(reading.field_title(base, key))
        text = f"{wording.possessive(title)} {label} was changed to {wording.value_text(op.value)} by {name} meanwhile"
    else:
        text = f"{title} was changed by {name} meanwhile"
    return Drift(subject, key, text, name, at, plain(op.value))


def _words(
    desk: Desk, title: str, key: str, slot: StagedSlot, old: Value, new: Value, *, is_new: bool
) -> tuple[str, str]:
    table = table_of_member_key(key)
    if key == EXISTS:
        if is_new:
            return "create", f"{title} is new"
        return ("restore", f"{title} comes back") if slot.value else ("delete", f"{title} is deleted")
    if table is not None:
        return ("put", f"{title} goes into {table}") if slot.value else ("remove", f"{title} goes out of {table}")
    if key == RELATION:
        return ("relate", title) if slot.ends is not None else ("unrelate", f"{title} ends")
    if not is_field_key(key):
        return "structure", title
    label = wording.field_name(reading.field_title(desk, key))
    if is_new or old is None:
        return "set", f"{wording.possessive(title)} {label} is {wording.value_text(new)}"
    is_same = value_key(old) == value_key(new)
    before = f"{wording.value_text(old)} -> " if not is_same else ""
    return "set", f"{wording.possessive(title)} {label}: {before}{wording.value_text(new)}"


# -- shapes


def overlay_shape(row: OverlayRow) -> OverlayShape:
    """Returns an overlay as it is handed out."""
    return {"name": row.name, "source": row.source, "made": reading.moment(row.made_ms), "records": row.records}


def change_shape(change: Change) -> ChangeShape:
    """Returns a line of a change list as it is handed out."""
    return {
        "record": change.record,
        "title": change.title,
        "kind": change.kind,
        "field": change.field,
        "old": change.old,
        "new": change.new,
        "text": change.text,
    }


def drift_shape(drift: Drift) -> DriftShape:
    """Returns a drift as it is handed out."""
    return {
        "record": id_text(drift.subject),
        "field": EXISTS if drift.key == SEEN else drift.key,
        "text": drift.text,
        "actor_name": drift.actor_name,
        "at": drift.at,
        "value": drift.value,
    }

"""Overlays: a layer of changes above what everybody has, on this device only, until somebody commits it.

An overlay reads everything as if it were committed already: its desk is a copy of the workspace (in memory as far as a
cache goes, the rest in a file without a name) with the staged ops applied by the very code that applies bundles, so
every query, question and history needs no second mechanism. What is staged is kept slot by slot with the writes it was
staged over (`staged`); where those moved on meanwhile is drift (`drift`), and a commit waits until each is decided. A
commit is one bundle.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from blake3 import blake3

from openprod.identity.seal import chunk_ref
from openprod.merge.heads import is_settling
from openprod.merge.text import begun_with
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
from openprod.model.ops import Chunk, Decide, KnownOp, Relate, Relations, Set, Text, encode_chunk, width
from openprod.model.slots import (
    EXISTS,
    MAPPING,
    POSITION,
    RELATION,
    SAME,
    is_field_key,
    member_key,
    table_of_member_key,
)
from openprod.model.values import Plain, RecordRef, Value, plain, value_key
from openprod.query.functions import SQL_FUNCTIONS
from openprod.store.heads import Record
from openprod.store.log import ORDINAL_BITS, Branch, branch_of
from openprod.store.overlays import Address, OverlayRow, Overlays, SlotName, StagedRecord, StagedSlot
from openprod.workspace import local, reading, taking, wording
from openprod.workspace.building import Linked, Place, Sight
from openprod.workspace.desk import Desk
from openprod.workspace.drift import Drift, Watch, public_key, slots_by_word
from openprod.workspace.list_edit import Script
from openprod.workspace.meaning import Changes
from openprod.workspace.shapes import ChangeShape, DriftShape, OverlayShape
from openprod.workspace.staged import (
    CARRY,
    DECIDE,
    EXIST,
    LIST,
    MEMBER,
    REMEMBERED,
    SEEN,
    SEEN_ALL,
    SEEN_IN,
    SET,
    STRUCTURE,
    TEXT,
    Builder,
    Written,
    birthplace,
    ground,
    is_idle,
    written,
)

Classes = Mapping[SlotName, tuple[tuple[bytes, ...], tuple[str, ...]]]

IMPORTS = "core.imports"
CATCH_UP_MAX = 500
COMMIT_TRIES = 20
STAGED_OP_DIGITS = 12


class OverlayExists(Refused):
    """An overlay of that name is there already."""

    code = "overlay.exists"


class UnknownOverlay(Missing):
    """There is no overlay of that name (any more)."""

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


class AutomationAsks(Refused):
    """A script or rule wrote to a field with an open question, which only a person settles (R8)."""

    code = "overlay.open_question"


class _MovedOn(Exception):
    """The workspace went on between the look and the lock; the commit looks again."""


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


class _AsStaged(Sight):
    """What a commit sees: everybody's state, with the records and fields one that are one in the overlay."""

    def __init__(self, base: Desk, view: Desk) -> None:
        super().__init__(base, base.place())
        self._view = view

    def slots(self, uuid: bytes, key: str) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
        """Returns the subjects and keys that a write to a field covers once the overlay is committed."""
        return self._view.subjects_of(uuid), self._view.keys_of(key)


class OverlayDesk(Desk):
    """The desk of an overlay: reads a copy with the staged ops applied, and stages instead of sealing."""

    def __init__(self, base: Desk, row: OverlayRow) -> None:
        self.base = base
        self.row = row
        self._store = Overlays(base.db)
        self._mine: set[bytes] = set()
        self._named: dict[str, tuple[bytes, str]] = {}
        self._names_rev = -1
        self._since: Place | None = None
        with base.lock:
            base.follow()
            self._base_place = base.log.next_place
            self._rev = self._need_rev()
            super().__init__(base.folder, base.db.copied(SQL_FUNCTIONS), base.home, base.clock, base.chance)
            self.lock = base.lock
            self.linked = base.linked
            self._replay()

    def writing_log(self) -> bytes:
        """Returns the id of the log that staged bundles stand in, which exists nowhere else."""
        return self.row.id * 2

    # -- following what everybody has

    def follow(self) -> bool:
        """Brings the copy up to what everybody has and what is staged, also by other programs.

        Raises UnknownOverlay where the overlay was committed or discarded elsewhere.
        """
        if self.db.is_in_transaction:
            return False
        self.base.follow()
        rev = self._need_rev()
        if self.base.log.next_place == self._base_place and rev == self._rev:
            return False
        if rev != self._rev or not self._catch_up():
            self._copy()
        self.has_news = True
        return True

    def _need_rev(self) -> int:
        rev = self._store.rev(self.row.id)
        if rev is None:
            raise UnknownOverlay(f"The overlay '{self.row.name}' is not there any more: it was committed or discarded.")
        return rev

    def is_over(self) -> bool:
        """Tells whether the overlay was committed or discarded, without touching the copy."""
        return self._store.rev(self.row.id) is None

    def version(self) -> tuple[int, int]:
        """Returns what of the workspace and which state of what is staged the copy holds."""
        return self._base_place, self._rev

    def _copy(self) -> None:
        """Makes the copy anew, from what everybody has and what is staged now."""
        old = self.db
        self._base_place = self.base.log.next_place
        self._rev = self._need_rev()
        self.row = self.row._replace(name=self._store.name(self.row.id))
        made = Desk(self.base.folder, self.base.db.copied(SQL_FUNCTIONS), self.home, self.clock, self.chance)
        # Not the lock: other threads wait for it.
        self.db, self.log, self.heads, self.model = made.db, made.log, made.heads, made.model
        self.loader, self.meaning, self.applier, self.texts = made.loader, made.meaning, made.applier, made.texts
        self.pending, self.ingest = made.pending, made.ingest
        self.typist = self._new_typist()
        self.words.forget()
        old.close()
        self._replay()

    def _catch_up(self) -> bool:
        """Applies to the copy what the workspace took in since, where nothing of it touches what is staged.

        Returns False where it does, or where tables, mappings or merges changed: then the copy is made anew.
        """
        numbers: list[int] = []
        for number in self.base.log.in_order(self._base_place - 1):
            numbers.append(number)
            if len(numbers) > CATCH_UP_MAX:
                return False
        bundles = [self.base.log.bundle(number) for number in numbers]
        touched = self._own_subjects()
        if not all(self._is_apart(number, one, touched) for number, one in zip(numbers, bundles, strict=True)):
            return False
        with super().writing():
            self.applier.prefetch(bundles)
            for number, one in zip(numbers, bundles, strict=True):
                arms = self.log.branches_of(one.header.log)
                actor = self.base.log.branches[branch_of(number)].actor
                arm = arms[0] if arms else self.log.new_branch(one.header.log, None, 0, actor)
                stored = self.base.log.row(number)
                self.applier.append_and_take(arm, one, Hlc(stored.eff), stored.at)
            self.applier.settle()
        self._base_place = self.base.log.next_place
        return True

    def _own_subjects(self) -> set[bytes]:
        """Returns every record that what is staged is about, or joins, or makes one with another."""
        found: set[bytes] = set()
        for subject, record in self.records().items():
            found.add(subject)
            found.update(self.subjects_of(subject))
            for slot in record.slots.values():
                if slot.ends is not None:
                    found.update((slot.ends.source, slot.ends.target))
                if slot.ids is not None:
                    found.update((slot.ids.low, slot.ids.high))
        return found

    def _is_apart(self, number: int, bundle: Bundle, own: set[bytes]) -> bool:
        arm = self.base.log.branches[branch_of(number)]
        if bundle.chunks is None or arm.parent is not None or len(self.base.log.branches_of(arm.id)) > 1:
            return False
        if self.applier.is_schema_change(bundle):
            return False
        for chunk in bundle.chunks:
            if MAPPING in chunk.keys or SAME in chunk.keys:
                return False
            raw = chunk.subjects
            if any(raw[at : at + 16] in own for at in range(0, len(raw), 16)):
                return False
            if any(not own.isdisjoint(_ends_in(op)) for op in chunk.ops):
                return False
        return True

    @contextmanager
    def looking(self) -> Generator[None]:
        """Holds the lock and one state of the copy, brought up to date first."""
        with self.lock:
            self.follow()
            with super().looking():
                yield

    @contextmanager
    def writing(self) -> Generator[None]:
        """Holds the lock and a transaction on the copy, brought up to date first."""
        with self.lock:
            self.follow()
            with super().writing():
                yield

    def _replay(self) -> None:
        """Applies everything staged to the fresh copy: mappings and merges first, as the rest is meant with them."""
        self._mine = set()
        self._names_rev = -1
        records = self.records()
        if any(slot.kind in STRUCTURE for record in records.values() for slot in record.slots.values()):
            self._apply_built(records, Builder.structure)
        if records:
            self._apply_built(records, Builder.rest)

    def _apply_built(self, records: Mapping[bytes, StagedRecord], part: Callable[[Builder], None]) -> None:
        with super().writing():
            with self.base.reading():
                builder = Builder(Sight(self, self.place()), self.base, records)
                part(builder)
            chunks = builder.finish()
            if chunks:
                linked = self.linked(self, "", self._cause(), self.place(), chunks)
                self._apply(chunks, "", linked)

    # -- staging

    @contextmanager
    def looked_at(self, place: Place) -> Generator[None]:
        """While it lasts, whoever stages had looked at what everybody had then: what came since is drift."""
        with self.lock:
            self._since = None if self.base.log.next_place == place.next else place
            try:
                yield
            finally:
                self._since = None

    def commit(self, label: str, cause: Cause, start: Place, build: Callable[[Sight], list[Chunk]]) -> str | None:
        """Stages what an edit built; returns None, as nothing is sealed.

        Raises:
            AutomationAsks: a script or rule wrote to a field with an open question; nothing was staged.
        """
        with self.lock:
            with self.writing():
                chunks = build(Sight(self, start))
                if not chunks:
                    return None
                if cause.auto:
                    self._check_automation(chunks)
                local.part(self, chunks)
                before = self._classes() if _has_structure(chunks) else None
                # What links add is not staged: a commit lets them act again, on what is true then.
                self._apply(chunks, label, self.linked(self, label, cause, start, chunks))
                is_same = self._stage(label, chunks, before)
            changes = self.meaning.take_changes()
            if not is_same:
                self._copy()
                changes = Changes(is_schema=True, is_history=True)
        self.tell(changes)
        return None

    def _check_automation(self, chunks: Sequence[Chunk]) -> None:
        for chunk in chunks:
            for op in chunk.ops:
                if isinstance(op, Set | Decide | Text):
                    for one in written(chunk, op):
                        for key in one.slots:
                            if is_settling(self.says(self.heads_now(one.subject, key)).values()):
                                label = wording.field_name(reading.field_title(self, key))
                                raise AutomationAsks(
                                    f"{wording.possessive(self.title(one.subject))} {label} has an open question, which"
                                    " a script or rule does not settle. Decide it, then run it again. See: openprod"
                                    " conflicts"
                                )

    def _classes(self) -> dict[SlotName, tuple[tuple[bytes, ...], tuple[str, ...]]]:
        """Returns for every staged slot which records and fields it is one with."""
        return {
            (subject, key): (self.subjects_of(subject), self.keys_of(key))
            for subject, record in self.records().items()
            for key in record.slots
        }

    def _stage(self, label: str, chunks: Sequence[Chunk], before: Classes | None) -> bool:
        """Keeps what an edit staged; `before` are the classes before its merges, None where it has none.

        Tells whether the copy reads as a commit will. Not where records or fields became one, as what was staged
        already means something else then, nor where a new record is not made after all.
        """
        subjects = {one for chunk in chunks for one in _subjects_in(chunk)}
        known = self._store.some(self.row.id, subjects)
        changed: dict[bytes, StagedRecord] = {}
        now = ChainMap(changed, known)
        with self.base.reading():
            watch = Watch(self.base, self, self._since)
            self.base.heads.load(list(subjects))
            for chunk in chunks:
                for op in chunk.ops:
                    for one in written(chunk, op):
                        if one.table and one.subject not in now:
                            changed[one.subject] = StagedRecord(one.table, one.slots)
                        else:
                            changed[one.subject] = self._over_staged(watch, one, now)
            if before is not None:
                self._follow_classes(before, changed)
            label = label or self._first_words(changed)
        with self.base.db.transaction():
            self._store.put(self.row.id, label, changed)
        self._rev = self._need_rev()
        return before is None and all(not record.table or birthplace(record) for record in changed.values())

    def _first_words(self, changed: Mapping[bytes, StagedRecord]) -> str:
        """Returns what a step of staging without a label is called: what it changes first."""
        sight = _AsStaged(self.base, self)
        told = (one.text for subject in changed for one in self._changes_of(sight, subject, changed[subject]))
        return next(told, "")

    def _over_staged(self, watch: Watch, one: Written, now: Mapping[bytes, StagedRecord]) -> StagedRecord:
        """Returns what stands staged for a subject once an op is staged over what is there `now`."""
        old = now.get(one.subject) or StagedRecord("", {})
        table = one.table or old.table
        slots = {key: self._joined(watch, one, key, old.slots.get(key), now) for key in one.slots}
        if not table:
            slots |= watch.remembered(one.subject, old.slots, slots)
        kept = {**old.slots, **slots}
        if EXISTS in slots and slots[EXISTS].value is True:
            kept.pop(SEEN_ALL, None)
        return StagedRecord(table, kept)

    def _follow_classes(self, before: Classes, changed: dict[bytes, StagedRecord]) -> None:
        """Lets what is staged already follow the merges and mappings that an edit staged, or took back.

        What a slot became one with is no drift: it is there by our own doing. What a slot is no longer one with keeps
        what was written to both.
        """
        records = self.records()
        for (subject, key), (subjects, keys) in before.items():
            record = changed.get(subject) or records[subject]
            slot = record.slots[key]
            now = self.subjects_of(subject), self.keys_of(key)
            if now == (subjects, keys):
                continue
            came = ground(self.base, *now).keys() - ground(self.base, subjects, keys).keys()
            slot = msgspec.structs.replace(slot, seen=tuple(sorted({*slot.seen, *came})))
            changed[subject] = StagedRecord(record.table, {**record.slots, key: slot})
            was = records[subject].slots[key]
            if was.kind in (TEXT, LIST):
                was = msgspec.structs.replace(was, kind=SET, update=b"")
            if was.kind in (SET, DECIDE, EXIST, MEMBER):
                left = {(self.standing(one), self.keys_of(other)[0]) for one in subjects for other in keys}
                for one, other in left - {(self.standing(subject), self.keys_of(key)[0])}:
                    there = changed.get(one) or records.get(one) or StagedRecord("", {})
                    beside = there.slots.get(other)
                    if (beside is None or beside.kind == CARRY) and self._is_staged(one, other):
                        both = (*was.carried, *(beside.carried if beside is not None else ()))
                        copied = msgspec.structs.replace(was, carried=both)
                        changed[one] = StagedRecord(there.table, {**there.slots, other: copied})

    def _is_staged(self, subject: bytes, key: str) -> bool:
        """Tells whether a staged write stands in a slot of the copy."""
        return any(self.log.id_of(oid >> ORDINAL_BITS) in self._mine for oid in self.heads_now(subject, key))

    def _joined(
        self,
        watch: Watch,
        one: Written,
        key: str,
        old: StagedSlot | None,
        others: Mapping[bytes, StagedRecord],
    ) -> StagedSlot:
        """Returns a staged slot that replaces what was staged there, and stands on what everybody has."""
        new = one.slots[key]
        heads = {*(old.heads if old is not None else ()), *(head for head in new.heads if head[0] not in self._mine)}
        if old is not None and old.kind == TEXT:
            heads |= self._on_text(one.subject, key, old)
        behind = dict.fromkeys(old.behind if old is not None else ())
        mine = [self.op_at(self.oid_at(head)) for head in new.heads if head[0] in self._mine] if one.others else []
        for subject, name in one.others:
            slot = others[subject].slots.get(name) if subject in others else None
            if slot is not None and any(subject in op.subjects and name in op.keys for op in mine):
                heads.update(slot.heads)
                behind[subject, name] = None
        if new.kind == CARRY:
            return self._with_carried(old, new)
        carried = old.carried if old is not None else ()
        slot = msgspec.structs.replace(new, heads=tuple(sorted(heads)), behind=tuple(behind), carried=carried)
        if not one.table and self.base.is_known(one.subject):
            slot = watch.standing_on(one.subject, key, slot)
        elif heads:
            slot = msgspec.structs.replace(slot, seen=slot.heads)
        if slot.kind == LIST:
            return self._as_list(one.subject, key, slot, old)
        return self._as_text(one.subject, key, slot) if slot.kind == TEXT else slot

    def _as_list(self, subject: bytes, key: str, slot: StagedSlot, old: StagedSlot | None) -> StagedSlot:
        """Returns a slot with all that was staged for a list; where the list itself is, that is what is staged."""
        heads = self.heads_now(subject, key)
        value = self.says(heads)[heads[0]]
        if not self.base.is_known(subject) or (old is not None and old.kind in (SET, DECIDE)):
            return msgspec.structs.replace(slot, kind=SET, value=value, update=b"")
        before = Script.of(old.update) if old is not None and old.kind == LIST else Script()
        script = before.then(Script.of(slot.update))
        seen = set(slot.heads)
        if not script.is_reset:
            # What others put in since is shown. A list that was emptied keeps what came behind that.
            seen |= ground(self.base, self.subjects_of(subject), self.keys_of(key)).keys()
        return msgspec.structs.replace(slot, value=value, heads=tuple(sorted(seen)), update=script.packed)

    def _on_text(self, subject: bytes, key: str, slot: StagedSlot) -> set[Address]:
        """Returns what everybody has of the text that staged typing goes on with: what others typed since is shown."""
        base = self.base
        subjects, keys = self.subjects_of(subject), self.keys_of(key)
        slots = [(one, other) for one in subjects for other in keys]
        name, _ = base.texts.standing(slots, map(base.oid_at, slot.heads))
        now = ground(base, subjects, keys)
        return {address for address, oid in now.items() if base.texts.is_on(oid, name)}

    def _as_text(self, subject: bytes, key: str, slot: StagedSlot) -> StagedSlot:
        """Returns a slot with all that was typed here; where the text itself is staged, that is what is staged."""
        heads = self.heads_now(subject, key)
        typed = [
            one for one in heads if self.texts.is_typing(one) and self.log.id_of(one >> ORDINAL_BITS) in self._mine
        ]
        value = self.says(heads)[max(typed, key=self.log.order_of)]
        begun_by = begun_with(self.texts.base(typed[0]))
        if begun_by in self._mine or not self.base.is_known(subject):
            return msgspec.structs.replace(slot, kind=SET, value=value)
        slots = [(one, other) for one in self.subjects_of(subject) for other in self.keys_of(key)]
        over = [self.base.oid_at(head) for head in slot.heads]
        update = self.base.typist.staged(slots, over, self.texts, heads)
        return msgspec.structs.replace(slot, value=value, update=update)

    def _with_carried(self, old: StagedSlot | None, new: StagedSlot) -> StagedSlot:
        """Returns a slot that also holds a carried value; one that is staged itself is written instead."""
        (address,) = new.carried
        if address[0] not in self._mine:
            was = old if old is not None else StagedSlot(CARRY)
            return msgspec.structs.replace(was, carried=(*was.carried, address))
        if old is not None and old.kind in (SET, DECIDE):
            return old
        value = self.value_at(self.oid_at(address))
        return StagedSlot(SET, value=value, carried=old.carried if old is not None else ())

    def _apply(self, staged: Sequence[Chunk], label: str, linked: Linked) -> None:
        """Applies staged ops to the copy, as a bundle of a log that exists nowhere else."""
        chunks = [*staged, *linked.chunks]
        log = LogId(self.writing_log())
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
            # The overlay's own time, not now: so the same staged work makes the same ids in every program.
            claimed=hlc(max(self.row.made_ms, 0)),
            seen=self._newly_seen(arm),
            view=None,
            unread=tuple(sorted(self.log.unread.values())),
            causes=(Cause(CAUSE_OVERLAY, detail=(self.row.id,)), *linked.causes),
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

    def _sees_local(self, arm: Branch) -> bool:
        """Tells whether a log may name what stays on this device: an overlay never leaves it."""
        del arm
        return True

    # -- which writes are staged

    is_staging = True

    def is_staged(self, oid: int) -> bool:
        """Tells whether an op is staged and not yet part of the workspace."""
        return self.log.id_of(oid >> ORDINAL_BITS) in self._mine

    def value_below(self, record: Record, key: str) -> Plain:
        """Returns what everybody has in a field that is staged here, None where nobody has the record."""
        uuid = self.heads.uuid_of(record.eid)
        if uuid is None or not self.base.is_known(uuid):
            return None
        with self.base.reading():
            return plain(self._value_in(self.base, uuid, key))

    # -- names of staged writes

    def is_mine(self, bundle: bytes) -> bool:
        """Tells whether a bundle of the copy holds staged work."""
        return bundle in self._mine

    def op_text(self, oid: int) -> str:
        """Returns an op id for people; a staged one's stays the same however often the copy is made anew."""
        if self.log.id_of(oid >> ORDINAL_BITS) not in self._mine:
            return super().op_text(oid)
        op = self.op_at(oid)
        subject, key = op.subjects[0], op.keys[0]
        digest = blake3(self.row.id + subject + key.encode() + value_key(op.value) + bytes([op.is_live or False]))
        text = f"{digest.hexdigest()[:STAGED_OP_DIGITS]}:0"
        self._named[text] = (subject, key)
        return text

    def oid_of(self, text: str) -> int:
        """Returns the local number of an op id; of a staged one, what stands staged in its slot now."""
        named = self._named.get(text) or self._find_named(text)
        if named is not None:
            for oid in self.heads_now(*named):
                if self.log.id_of(oid >> ORDINAL_BITS) in self._mine:
                    return oid
        return super().oid_of(text)

    def _find_named(self, text: str) -> tuple[bytes, str] | None:
        """Looks a staged op up that another program named, by naming everything staged once."""
        if self._names_rev != self._rev:
            self._names_rev = self._rev
            for subject, record in self.records().items():
                for key in record.slots:
                    for oid in self.heads_now(subject, key):
                        self.op_text(oid)
        return self._named.get(text)

    # -- what is staged

    def records(self) -> dict[bytes, StagedRecord]:
        """Returns everything staged, by subject."""
        return self._store.records(self.row.id)

    def steps(self) -> tuple[list[str], list[str]]:
        """Returns the labels of the steps of staging that can be taken back, and of those taken back."""
        return self._store.steps(self.row.id)

    def put(self, label: str, records: Mapping[bytes, StagedRecord | None]) -> None:
        """Replaces what is staged for some subjects, as one step that can be undone."""
        with self.lock:
            self.follow()
            with self.base.db.transaction():
                self._store.put(self.row.id, label, records)
            self._renewed()

    def undo(self) -> str | None:
        """Takes the last step back; returns its label, None where there is none."""
        return self._step(self._store.undo)

    def redo(self) -> str | None:
        """Takes the step that was taken back last again; returns its label, None where there is none."""
        return self._step(self._store.redo)

    def _step(self, move: Callable[[bytes], str | None]) -> str | None:
        with self.lock:
            self.follow()
            with self.base.db.transaction():
                label = move(self.row.id)
            if label is not None:
                self._renewed()
            return label

    def _renewed(self) -> None:
        self.follow()
        self.tell(Changes(is_schema=True, is_history=True))

    def drift(self) -> list[Drift]:
        """Returns the staged slots whose ground moved since they were staged, with who and when."""
        with self.reading(), self.base.reading():
            return Watch(self.base, self).drift(self.records())

    def keep(self, subject: bytes, word: str) -> None:
        """Keeps what is staged over what came meanwhile: the commit will replace that, knowing of it."""
        with self.reading(), self.base.reading():
            watch = Watch(self.base, self)
            found, keys = self._drifting(watch, subject, word)
            record = self.records()[found]
            for key in keys:
                record = watch.kept(found, record, key)
        self.put("Keep mine", {found: record})

    def theirs(self, subject: bytes, word: str) -> None:
        """Takes what came meanwhile: what was staged there is dropped."""
        with self.reading(), self.base.reading():
            found, keys = self._drifting(Watch(self.base, self), subject, word)
            record = self.records()[found]
        gone = set(keys)
        for key in keys:
            if key in (SEEN, EXISTS, RELATION):
                gone = set(record.slots)
            elif key == SEEN_ALL:
                gone.add(EXISTS)
            elif key.startswith(SEEN_IN):
                table = key.removeprefix(SEEN_IN)
                gone |= {one for one in record.slots if self._is_of(one, table)}
        self.put("Use theirs", {found: self._without(record, gone)})

    def _is_of(self, key: str, table: str) -> bool:
        field = self.catalog.find_field(key) if is_field_key(key) else None
        return field is not None and field.table == table

    def _drifting(self, watch: Watch, subject: bytes, word: str) -> tuple[bytes, list[str]]:
        """Returns the staged subject and its slots that a record and a word mean, those under which something moved."""
        found, keys = self.named(subject, word)
        record = self.records()[found]
        moved = [key for key in keys if watch.news(found, key, record.slots[key])]
        return found, moved or keys[:1]

    def named(self, subject: bytes, word: str) -> tuple[bytes, list[str]]:
        """Returns the staged subject, of those that are one record, and its slots that a word means.

        Raises NothingStaged.
        """
        records = self._store.some(self.row.id, self.subjects_of(subject))
        for one, record in records.items():
            keys = list(slots_by_word(record.slots, word))
            if keys:
                return one, keys
        raise NothingStaged(f"Nothing is staged in {word} of {self.title(subject)} in '{self.row.name}'.")

    def knock_out(self, subject: bytes, word: str | None, label: str = "Leave out") -> None:
        """Leaves one staged slot out, or (None) everything staged for a record and what joins it to others."""
        with self.reading():
            if word is None:
                gone = self._everything_of(subject)
            else:
                found, keys = self.named(subject, word)
                record = self.records()[found]
                is_birth = bool(record.table) and EXISTS in keys
                gone = self._everything_of(found) if is_birth else {found: self._without(record, set(keys))}
        self.put(label, gone)

    def _everything_of(self, subject: bytes) -> dict[bytes, StagedRecord | None]:
        own = set(self.subjects_of(subject))
        records = self.records()
        gone: dict[bytes, StagedRecord | None] = {one: None for one in own if one in records}
        for other, record in records.items():
            for slot in record.slots.values():
                ends = (slot.ends.source, slot.ends.target) if slot.ends is not None else ()
                pair = (slot.ids.low, slot.ids.high) if slot.ids is not None else ()
                if not own.isdisjoint((*ends, *pair)):
                    gone[other] = None
        if not gone:
            raise NothingStaged(f"Nothing is staged for {self.title(subject)} in '{self.row.name}'.")
        return gone

    def _without(self, record: StagedRecord, gone: set[str]) -> StagedRecord | None:
        slots = {name: slot for name, slot in record.slots.items() if name not in gone}
        return StagedRecord(record.table, slots) if any(slot.kind != REMEMBERED for slot in slots.values()) else None

    # -- as a change list

    def changes(self) -> list[Change]:
        """Returns what a commit would change, a line a record or field, as people approve it."""
        found: list[Change] = []
        with self.reading(), self.base.reading():
            sight = _AsStaged(self.base, self)
            records = self.records()
            self.base.heads.load(list(records))
            self.heads.load(list(records))
            for subject, record in records.items():
                # What an import remembers for the next one is nothing that people look over.
                if record.table != IMPORTS and (not record.table or birthplace(record)):
                    found.extend(self._changes_of(sight, subject, record))
        return found

    def _changes_of(self, sight: Sight, subject: bytes, record: StagedRecord) -> Iterator[Change]:
        # As everybody knows it, not as it will be called: what a person approves is what becomes of something known.
        title = (self.base if self.base.is_known(subject) else self).title(subject)
        table = birthplace(record)
        for key, slot in record.slots.items():
            if slot.kind in (REMEMBERED, CARRY) or (table and key == member_key(table)):
                continue
            if not table and is_idle(self.base, sight, subject, key, slot):
                continue
            if slot.kind in STRUCTURE:
                yield self._structure_change(subject, key, slot)
                continue
            old = self._value_in(self.base, subject, key) if not table else None
            new = self._value_in(self, subject, key)
            kind, text = self._words(title, key, slot, old, new, made_in=table)
            yield Change(id_text(subject), title, kind, key, plain(old), plain(new), text)

    def _value_in(self, desk: Desk, subject: bytes, key: str) -> Value:
        record = desk.record_of(subject)
        number = desk.heads.key_numbers.get(key)
        if record is None or number is None or not is_field_key(key):
            return None
        return desk.meaning.own_value_of(record, number)

    def _structure_change(self, subject: bytes, key: str, slot: StagedSlot) -> Change:
        if slot.ids is not None:
            title = self.title(slot.ids.low)
            texts = [
                self.base.title(one) if self.base.is_known(one) else title for one in (slot.ids.low, slot.ids.high)
            ]
            return Change(
                id_text(slot.ids.low), title, "merge", key, None, None, f"{texts[0]} and {texts[1]} become one"
            )
        if slot.keys is not None:
            return Change(
                id_text(subject), "", "map", key, None, None, f"{slot.keys.low} and {slot.keys.high} become one"
            )
        kind = "unmap" if key == MAPPING else "split"
        what = "A mapping of fields is taken back" if kind == "unmap" else "A merge of records is taken back"
        return Change(id_text(subject), "", kind, key, None, None, what)

    def _words(
        self, title: str, key: str, slot: StagedSlot, old: Value, new: Value, *, made_in: str
    ) -> tuple[str, str]:
        table = table_of_member_key(key)
        if key == EXISTS:
            if made_in:
                return "create", f"{title} is new in {made_in}"
            return ("restore", f"{title} comes back") if slot.value else ("delete", f"{title} is deleted")
        if table is not None:
            return ("put", f"{title} goes into {table}") if slot.value else ("remove", f"{title} goes out of {table}")
        if key == RELATION:
            return ("relate", title) if slot.ends is not None else ("unrelate", f"{title} ends")
        if key == POSITION:
            return "place", f"{title} gets its place in the list"
        label = wording.field_name(reading.field_title(self, key))
        if old is None:
            return "set", f"{wording.possessive(title)} {label} is {self._shown(new)}"
        before = f"{self._shown(old)} -> " if value_key(old) != value_key(new) else ""
        return "set", f"{wording.possessive(title)} {label}: {before}{self._shown(new)}"

    def _shown(self, value: Value) -> str:
        return wording.value_text(taking.said(self, value))

    # -- becoming real

    def commit_all(self, label: str) -> str | None:
        """Writes everything staged as one bundle of the workspace and drops the overlay.

        Returns the bundle's id in hex, None where nothing of it would change anything.

        Raises:
            UndecidedDrift: with the list; nothing was written.
            NothingStaged: it is empty.
        """
        with self.lock:
            for _ in range(COMMIT_TRIES):
                self.follow()
                try:
                    return self.base.commit(label or self.row.name, self._cause(), self.base.place(), self._build_all)
                except _MovedOn:
                    continue
            raise AssertionError("another program went on writing at every try")

    def _cause(self) -> Cause:
        own = (self.row.id, self.row.name, self.row.source)
        kept = self._store.cause(self.row.id)
        return Cause(CAUSE_OVERLAY, detail=own) if kept is None else Cause(kept.kind, detail=(*kept.detail, *own[:2]))

    def _build_all(self, sight: Sight) -> list[Chunk]:
        """Builds the bundle within its transaction, which drops the overlay too: a power cut leaves both or neither."""
        del sight
        if self.base.log.next_place != self._base_place or self._need_rev() != self._rev:
            raise _MovedOn
        records = self.records()
        if not records:
            raise NothingStaged(f"Nothing is staged in '{self.row.name}', so there is nothing to commit.")
        drift = Watch(self.base, self).drift(records)
        if drift:
            raise UndecidedDrift(self.row.name, drift)
        builder = Builder(_AsStaged(self.base, self), self.base, records)
        builder.structure()
        builder.rest()
        self._store.drop(self.row.id)
        return builder.finish()


def _has_structure(chunks: Sequence[Chunk]) -> bool:
    return any(key in (MAPPING, SAME) for chunk in chunks for key in chunk.keys)


def _subjects_in(chunk: Chunk) -> Iterator[bytes]:
    raw = chunk.subjects
    yield from (raw[at : at + 16] for at in range(0, len(raw), 16))


def _ends_in(op: KnownOp) -> Iterator[bytes]:
    """Yields the records that relations of an op join."""
    if isinstance(op, Relate):
        yield from (op.payload.source, op.payload.target)
    elif isinstance(op, Relations):
        yield from (end.id for row in op.payload.rows for end in row[:2] if isinstance(end, RecordRef))


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
        "title": drift.title,
        "field": public_key(drift.key),
        "text": drift.text,
        "actor_name": drift.actor_name,
        "at": drift.at,
        "value": drift.value,
    }

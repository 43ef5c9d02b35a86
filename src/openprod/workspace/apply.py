"""Applying bundles: from signed ops to heads to the tables people read.

Own edits and received ones both come through here.

Orders the vault's parts and asks `merge` what the heads mean; decides nothing about history (that is `ingest`) and
opens no transaction (its caller holds one).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from openprod.merge import state_hash
from openprod.merge.heads import join
from openprod.model.bundle import Bundle, Header
from openprod.model.hlc import Hlc
from openprod.model.ids import HASH_BYTES
from openprod.model.ops import (
    IMPLIED_COLUMNS,
    Carry,
    Chunk,
    Decide,
    Exist,
    KnownOp,
    ListAdd,
    ListRemove,
    ListReset,
    Relations,
    Rows,
    Set,
    Text,
    subject_ids,
    subject_indexes,
    width,
)
from openprod.model.slots import EXISTS, POSITION, RELATION, member_key
from openprod.model.values import FieldRef, RecordRef
from openprod.store.database import Database
from openprod.store.heads import MANY, Heads, Record
from openprod.store.log import ORDINAL_BITS, ORDINAL_MASK, SEQ_BITS, Branch, Log, OpAt
from openprod.store.read_model import ReadModel
from openprod.workspace.meaning import Meaning
from openprod.workspace.texts import Texts
from openprod.workspace.together import sameness

_DECLARING = ("core.modules", "core.tables", "core.fields", "core.relations", "core.choices")
SCHEMA_TABLES = frozenset((*_DECLARING, "core.settings"))
_SCHEMA_KEYS = tuple(f"{table}." for table in _DECLARING)
_SCHEMA_MEMBERS = frozenset(map(member_key, _DECLARING))
_SCHEMA_LEADS = frozenset(key[:5] for key in (*_SCHEMA_KEYS, *_SCHEMA_MEMBERS))
_FACTORS_KEPT = 10_000
_CARRIED = (Set, Decide, Rows, Relations, Text, ListAdd, ListRemove, ListReset)


SlotText = tuple[bytes, str]
Behind = dict[int, set[SlotText]]


@dataclass(slots=True)
class Reach:
    """What an op may replace.

    Attributes:
        ops: local numbers of ops, in every slot.
        behind: those that stand behind ops unread here, and the slots in which these had replaced them.
        unread: for each slot, how many ops unread here it names there.
    """

    ops: set[int] = field(default_factory=set[int])
    behind: Behind = field(default_factory=dict[int, set[SlotText]])
    unread: dict[SlotText, int] = field(default_factory=dict[SlotText, int])


_NOTHING = Reach()


def _slots_of(chunk: Chunk, op: KnownOp) -> set[SlotText]:
    subjects = subject_ids(chunk, op)
    return {(subject, chunk.keys[key]) for subject in subjects for key in op.keys}


def _is_unwritten(op: OpAt) -> bool:
    """Tells whether a cell of a row block holds nothing, so that it is no write."""
    return isinstance(op.op, Rows | Relations) and op.value is None and op.is_live is None


def _mask(values: Sequence[object], implied: int) -> int:
    mask = implied
    for column, value in enumerate(values):
        if value is not None:
            mask |= 1 << (column + IMPLIED_COLUMNS)
    return mask


class Applier:
    """Applies bundles in causal order. One batch: `begin`, `append_and_take` for each, `settle`."""

    def __init__(
        self, database: Database, log: Log, heads: Heads, model: ReadModel, meaning: Meaning, texts: Texts
    ) -> None:
        self._db = database
        self._texts = texts
        self._log = log
        self._heads = heads
        self._model = model
        self._meaning = meaning
        self._factors: dict[int, tuple[int, int]] = {}
        self._dirty: dict[bytes, tuple[Record, set[int]]] = {}
        self._targets: dict[int, int] = {}
        self.hash = 0
        self.read_hash()

    # -- a batch

    def read_hash(self) -> None:
        """Reads the state hash again, after somebody else's commit or a rollback."""
        # A number that came to nothing is another bundle's next time.
        self._factors.clear()
        row = self._db.one("SELECT value FROM meta WHERE key = 'state_hash'")
        self.hash = int(row[0], 16) if row else 0

    def forget_factors(self) -> None:
        """Forgets what was computed of bundles, after a rollback: their numbers may come to mean others."""
        self._factors.clear()

    def begin(self) -> None:
        """Starts a batch."""
        self._log.begin()
        self._heads.go_on()
        self._dirty = {}
        self._meaning.begin()

    def prefetch(self, bundles: Iterable[Bundle]) -> None:
        """Looks up at once what the ops of these bundles name."""
        subjects: set[bytes] = set()
        named: set[bytes] = set()
        for bundle in bundles:
            for entry in bundle.header.seen:
                named.add(entry.tip)
            for chunk in bundle.chunks or ():
                raw = chunk.subjects
                subjects.update(raw[at : at + 16] for at in range(0, len(raw), 16))
                over = chunk.bundles
                named.update(over[at : at + HASH_BYTES] for at in range(0, len(over), HASH_BYTES))
                for op in chunk.ops:
                    if isinstance(op, Relations):
                        for row in op.payload.rows:
                            subjects.update(end.id for end in row[:2] if isinstance(end, RecordRef))
        self._log.number_many(named)
        self._heads.load(list(subjects))

    def append_and_take(self, branch: Branch, bundle: Bundle, eff: Hlc, at: int) -> int:
        """Puts a bundle into the log and joins its ops to the heads; returns its local number."""
        number = self._log.append(branch, bundle, eff, at)
        self.take(number, bundle)
        return number

    def take(self, number: int, bundle: Bundle) -> None:
        """Joins the ops of a bundle of the log to the heads. `advance` for its author must have run."""
        self._meaning.changes.is_history = True
        if bundle.chunks is None:
            self._take_unread(number, bundle)
            return
        ordinal = 0
        for index, chunk in enumerate(bundle.chunks):
            self._log.keep_unsaved(number, index, chunk, ordinal)
            numbers = self._heads.key_numbers
            keys = [numbers.get(key) or self._heads.key_number(key) for key in chunk.keys]
            self._targets = {}
            by_people = [not cause.auto for cause in bundle.header.causes]
            for op in chunk.ops:
                if (
                    type(op) is Set
                    and by_people[op.cause]
                    and self._take_value(number, ordinal, bundle.header, chunk, op, keys)
                ):
                    ordinal += 1
                    continue
                self._take_op(number, ordinal, bundle.header, chunk, op, keys)
                ordinal += width(op)

    def is_schema_change(self, bundle: Bundle) -> bool:
        """Tells whether a bundle changes which tables there are, so that what follows needs it settled first."""
        for chunk in bundle.chunks or ():
            for key in chunk.keys:
                if key[:5] in _SCHEMA_LEADS and (key.startswith(_SCHEMA_KEYS) or key in _SCHEMA_MEMBERS):
                    return True
            for op in chunk.ops:
                if type(op) is Rows and member_key(op.payload.table) in _SCHEMA_MEMBERS:
                    return True
        return False

    def settle(self) -> None:
        """Writes what the batch means: heads, tables, titles, conflicts, the state hash."""
        self._log.flush()
        dirty = list(self._dirty.values())
        self._warm(dirty)
        for record, keys in dirty:
            self._meaning.settle(record, keys)
        self._dirty = {}
        self.hash %= state_hash.PRIME
        self._meaning.finish()
        if self._meaning.has_joins:
            self._meaning.settle_joins()
        if self._meaning.changes.rows.keys() & SCHEMA_TABLES:
            self._heads.flush()
            self._meaning.renew_catalog()
        self._heads.flush()
        self._db.execute(
            "INSERT OR REPLACE INTO meta(key, value) VALUES('state_hash', ?)", (state_hash.text(self.hash),)
        )

    def _warm(self, dirty: Sequence[tuple[Record, set[int]]]) -> None:
        """Reads at once the bundles whose writes stand beside others in changed slots: what they say is asked for."""
        wanted: set[int] = set()
        for record, keys in dirty:
            for key in keys:
                if record.ver.get(key) == MANY:
                    wanted.update(oid >> ORDINAL_BITS for oid in self._heads.heads(record, key))
        if wanted:
            self._log.warm(wanted)

    # -- ops

    def _take_value(self, number: int, ordinal: int, header: Header, chunk: Chunk, op: Set, keys: list[int]) -> bool:
        """Takes what most ops are: a person's value for one slot, over heads whose bundles are known to count.

        Tells whether it was that; if not, nothing was done.
        """
        subjects, entries = op.subjects, op.over
        if len(subjects) != 2 or subjects[1] != 1 or len(op.keys) != 1:
            return False
        over: set[int] = set()
        for at in range(0, len(entries), 2):
            target = self._targets.get(entries[at]) or self._target(number, header, chunk, entries[at])
            if target is None or target in self._log.unread:
                return False
            over.add(target << ORDINAL_BITS | entries[at + 1])
        oid = number << ORDINAL_BITS | ordinal
        self._meaning.know(oid, op.payload, is_decision=False)
        first = subjects[0] * 16
        record = self._heads.need(chunk.subjects[first : first + 16])
        matched: set[int] = set()
        self._write(record, keys[op.keys[0]], oid, over, matched)
        if len(matched) < len(over):
            self._note_strays(number, ordinal, chunk, op, keys, over - matched)
        return True

    def _take_op(self, number: int, ordinal: int, header: Header, chunk: Chunk, op: KnownOp, keys: list[int]) -> None:
        if type(op) is Rows:
            self._take_rows(number, ordinal, chunk, op, keys)
            return
        if type(op) is Relations:
            self._take_relations(number, ordinal, chunk, op, keys)
            return
        if type(op) is Carry:
            self._take_carry(number, ordinal, header, chunk, op, keys)
            return
        oid = number << ORDINAL_BITS | ordinal
        auto = header.causes[op.cause].auto
        if type(op) is Set or type(op) is Decide:
            self._meaning.know(oid, op.payload, is_decision=type(op) is Decide and not auto)
        over = self._over(number, ordinal, header, chunk, op) if op.over else _NOTHING
        matched: set[int] = set()
        subjects = op.subjects
        if len(subjects) == 2 and subjects[1] == 1 and len(op.keys) == 1:
            first = subjects[0] * 16
            record, key = self._heads.need(chunk.subjects[first : first + 16]), keys[op.keys[0]]
            self._write(record, key, oid, self._reach(oid, op, record, key, over, auto=auto), matched)
        else:
            for at in subject_indexes(subjects):
                record = self._heads.need(chunk.subjects[at * 16 : at * 16 + 16])
                for key in op.keys:
                    reach = self._reach(oid, op, record, keys[key], over, auto=auto)
                    self._write(record, keys[key], oid, reach, matched)
        if len(matched) < len(over.ops):
            self._note_strays(number, ordinal, chunk, op, keys, over.ops - matched)

    def _take_carry(self, number: int, ordinal: int, header: Header, chunk: Chunk, op: Carry, keys: list[int]) -> None:
        """Lists another op in further slots, where nobody replaced it there already."""
        bundle = chunk.bundles[op.payload.bundle * HASH_BYTES : (op.payload.bundle + 1) * HASH_BYTES]
        target = self._log.number_of(bundle)
        if (
            target is None
            or target in self._log.unread
            or bundle in header.unread
            or not self._log.is_past(number, target, self._log.vector(number >> SEQ_BITS))
            or not self._log.has_op(target, op.payload.ordinal)
        ):
            self._flag("void_over", number, ordinal, f"{bundle.hex()[:12]}:{op.payload.ordinal}")
            return
        carried = target << ORDINAL_BITS | op.payload.ordinal
        found = self._log.op_at(carried)
        if found.is_live is not None or _is_unwritten(found) or not isinstance(found.op, _CARRIED):
            self._flag("void_over", number, ordinal, f"{bundle.hex()[:12]}:{op.payload.ordinal}")
            return
        self._list_in(found, number << ORDINAL_BITS | ordinal, chunk, op, keys)
        self._judge_strays_again(carried)

    def _list_in(self, carried: OpAt, by: int, chunk: Chunk, op: Carry, keys: list[int]) -> None:
        """Makes a carried op a head of further slots, but where somebody who is there already replaced it."""
        for at in subject_indexes(op.subjects):
            record = self._heads.need(chunk.subjects[at * 16 : at * 16 + 16])
            for key in (keys[index] for index in op.keys):
                was_there = self._heads.covers(carried, record, key)
                self._db.execute("INSERT OR IGNORE INTO carried VALUES(?, ?, ?, ?)", (record.eid, key, carried.oid, by))
                if was_there:
                    continue
                over = self._reach_again(carried, record, key)
                if self._was_replaced(record, key, carried.oid):
                    self._strike(record, key, over)
                else:
                    self._write(record, key, carried.oid, over, set())

    def _reach_again(self, op: OpAt, record: Record, key: int) -> set[int]:
        """Returns what an op of the log replaces in one slot, as `_over` and `_reach` gave it when it came."""
        number = op.oid >> ORDINAL_BITS
        unread = self._log.header(number).unread
        slot = (record.uuid, self._heads.key_texts[key])
        reach = Reach()
        for bundle, ordinal in op.over:
            target = self._log.number_of(bundle)
            if target is None or bundle in unread or not self._log.is_past(number, target):
                continue
            if target not in self._log.unread:
                reach.ops.add(target << ORDINAL_BITS | ordinal)
            elif self._look_behind(target, ordinal, {slot}, reach.behind):
                reach.unread[slot] = reach.unread.get(slot, 0) + 1
        return self._reach(op.oid, op.op, record, key, reach, auto=op.is_auto)

    def _was_replaced(self, record: Record, key: int, oid: int) -> bool:
        """Tells whether an op was replaced in a slot by what stands there, or by what that replaced."""
        todo = list(self._heads.heads(record, key))
        seen: set[int] = set()
        while todo:
            one = todo.pop()
            if one in seen:
                continue
            seen.add(one)
            over = self._reach_again(self._log.op_at(one), record, key)
            if oid in over:
                return True
            todo += [
                behind
                for behind in over
                if self._is_op(behind) and self._heads.covers(self._log.op_at(behind), record, key)
            ]
        return False

    def _strike(self, record: Record, key: int, over: set[int]) -> None:
        """Takes out of a slot what an op replaces that is itself replaced there."""
        heads = self._heads.heads(record, key)
        gone = [head for head in heads if head in over]
        if gone:
            self._heads.set_heads(record, key, tuple(head for head in heads if head not in over))
            worth = sum(self._worth(head) for head in gone)
            self.hash -= worth * state_hash.slot_factor(record.uuid, self._heads.key_factors[key])
            self._mark(record, key)

    def _judge_strays_again(self, carried: int) -> None:
        """Takes back what was flagged of entries that name no write of any slot of theirs, where a carry makes them."""
        flagged = self._db.rows("SELECT bundle, ordinal FROM flag WHERE kind = 'void_over'")
        for number, ordinal in flagged:
            op = self._log.op_at(number << ORDINAL_BITS | ordinal)
            names_it = any(
                self._log.number_of(bundle) == carried >> ORDINAL_BITS and named == carried & ORDINAL_MASK
                for bundle, named in op.over
            )
            if (names_it or op.oid == carried) and all(self._is_named_with_right(op, *entry) for entry in op.over):
                self._db.execute(
                    "DELETE FROM flag WHERE kind = 'void_over' AND bundle = ? AND ordinal = ?", (number, ordinal)
                )

    def _is_named_with_right(self, op: OpAt, bundle: bytes, ordinal: int) -> bool:
        """Tells whether an entry of `over` counts: of its author's past, and in a slot of its op."""
        number, target = op.oid >> ORDINAL_BITS, self._log.number_of(bundle)
        if target is None or bundle in self._log.header(number).unread or not self._log.is_past(number, target):
            return False
        slots = self._all_slots(op)
        if target in self._log.unread:
            return bool(self._look_behind(target, ordinal, slots, {}))
        oid = target << ORDINAL_BITS | ordinal
        if not self._is_op(oid):
            return False
        other = self._log.op_at(oid)
        return not _is_unwritten(other) and not slots.isdisjoint(self._all_slots(other))

    def _all_slots(self, op: OpAt) -> set[SlotText]:
        return {(subject, key) for subject in op.subjects for key in op.keys} | self._heads.carried_to(op.oid)

    def _write(self, record: Record, key: int, oid: int, over: set[int], matched: set[int]) -> None:
        """Makes an op a head of a slot in place of those it replaces there."""
        heads = self._heads.heads(record, key)
        worth = self._worth(oid)
        for head in heads if over else ():
            if head in over:
                matched.add(head)
                worth -= self._worth(head)
        self._heads.set_heads(record, key, join(heads, oid, over) if heads else (oid,))
        self.hash += worth * state_hash.slot_factor(record.uuid, self._heads.key_factors[key])
        found = self._dirty.get(record.uuid)
        if found is None:
            self._dirty[record.uuid] = (record, {key})
        else:
            found[1].add(key)

    def _mark(self, record: Record, key: int) -> None:
        found = self._dirty.get(record.uuid)
        if found is None:
            self._dirty[record.uuid] = (record, {key})
        else:
            found[1].add(key)

    def _worth(self, oid: int) -> int:
        number = oid >> ORDINAL_BITS
        factors = self._factors.get(number) or self._bundle_factors(number)
        return state_hash.head_value(factors, oid & ORDINAL_MASK)

    def _bundle_factors(self, number: int) -> tuple[int, int]:
        found = self._factors.get(number)
        if found is None:
            if len(self._factors) > _FACTORS_KEPT:
                self._factors.clear()
            # What stays on this device is no part of the state that devices compare.
            is_shared = not self._log.is_local(number)
            found = state_hash.bundle_factors(self._log.id_of(number)) if is_shared else (0, 0)
            self._factors[number] = found
        return found

    def _target(self, number: int, header: Header, chunk: Chunk, index: int) -> int | None:
        """Returns the number of a bundle that a chunk names, None where it is not in the author's past or unread there.

        Those that count are kept for the next op of the chunk.
        """
        bundle = chunk.bundles[index * HASH_BYTES : (index + 1) * HASH_BYTES]
        target = self._log.number_of(bundle)
        if (
            target is None
            or bundle in header.unread
            or not self._log.is_past(number, target, self._log.vector(number >> SEQ_BITS))
        ):
            return None
        if target not in self._log.unread:
            self._targets[index] = target
        return target

    def _over(self, number: int, ordinal: int, header: Header, chunk: Chunk, op: KnownOp) -> Reach:
        """Returns what an op may replace: what its author's past holds, seen through what is unread here."""
        reach = Reach()
        slots: set[SlotText] | None = None
        entries = op.over
        for at in range(0, len(entries), 2):
            replaced = entries[at + 1]
            target = self._targets.get(entries[at])
            if target is not None:
                reach.ops.add(target << ORDINAL_BITS | replaced)
                continue
            target = self._target(number, header, chunk, entries[at])
            if target is not None and target not in self._log.unread:
                reach.ops.add(target << ORDINAL_BITS | replaced)
                continue
            slots = _slots_of(chunk, op) if slots is None else slots
            there = set[SlotText]() if target is None else self._look_behind(target, replaced, slots, reach.behind)
            if not there:
                bundle = chunk.bundles[entries[at] * HASH_BYTES : (entries[at] + 1) * HASH_BYTES]
                self._flag("void_over", number, ordinal, f"{bundle.hex()[:12]}:{replaced}")
            for slot in there:
                reach.unread[slot] = reach.unread.get(slot, 0) + 1
        return reach

    def behind(self, number: int, ordinal: int, slots: set[SlotText]) -> list[int]:
        """Returns what an op of a bundle that has no effect here had replaced in any of these slots."""
        found: Behind = {}
        self._look_behind(number, ordinal, slots, found)
        return list(found)

    def _look_behind(self, number: int, ordinal: int, slots: set[SlotText], behind: Behind) -> set[SlotText]:
        """Adds what an op of a bundle that has no effect here had replaced in these slots, through further such ops.

        Returns the slots among them that it covers.
        """
        there: set[SlotText] = set()
        header = self._log.header(number)
        for envelope in self._log.bundle(number).envelopes:
            common = slots.intersection(envelope.slots)
            if envelope.ordinal != ordinal or not common:
                continue
            there |= common
            for bundle, replaced in envelope.over:
                target = self._log.number_of(bundle)
                if target is None or bundle in header.unread or not self._log.is_past(number, target):
                    continue
                if target in self._log.unread:
                    self._look_behind(target, replaced, common, behind)
                else:
                    behind.setdefault(target << ORDINAL_BITS | replaced, set()).update(common)
        return there

    def _reach(self, oid: int, op: KnownOp, record: Record, key: int, over: Reach, *, auto: bool) -> set[int]:
        """Returns what an op may replace in one slot."""
        if not over.unread and not auto:
            return over.ops
        slot = (record.uuid, self._heads.key_texts[key])
        reach = over.ops | {one for one, slots in over.behind.items() if slot in slots}
        if auto and self._is_beyond_automation(oid, op, record, key, over):
            self._flag("automation", oid >> ORDINAL_BITS, oid & ORDINAL_MASK, "")
            return set()
        return reach

    def _is_beyond_automation(self, oid: int, op: KnownOp, record: Record, key: int, over: Reach) -> bool:
        """Tells whether an automatic op would settle a question in a slot, or bring a record back (R8).

        What is unread here counts as another value than any that is not.
        """
        named = [self._log.op_at(one) for one in over.ops if self._is_op(one)]
        there = [one for one in named if self._is_known_there(oid >> ORDINAL_BITS, one, record, key)]
        unread = over.unread.get((record.uuid, self._heads.key_texts[key]), 0)
        if isinstance(op, Exist):
            says = {one.is_live for one in there}
            return len(says) + bool(unread) > 1 or (op.payload and False in says)
        if not isinstance(op, Set | Decide | Text):
            return False
        return (bool(unread) and bool(there)) or len({sameness(self._texts, one) for one in there}) > 1

    def _is_known_there(self, number: int, op: OpAt, record: Record, key: int) -> bool:
        """Tells whether the author of a bundle saw an op in a slot: written there, or carried there before."""
        if record.uuid in op.subjects and self._heads.key_texts[key] in op.keys:
            return not _is_unwritten(op)
        unread = self._log.header(number).unread
        return any(
            self._log.id_of(by >> ORDINAL_BITS) not in unread and self._log.is_past(number, by >> ORDINAL_BITS)
            for by in self._heads.carriers(op.oid, record, key)
        )

    def _is_op(self, oid: int) -> bool:
        return self._log.has_op(oid >> ORDINAL_BITS, oid & ORDINAL_MASK)

    def _note_strays(
        self, number: int, ordinal: int, chunk: Chunk, op: KnownOp, keys: list[int], strays: set[int]
    ) -> None:
        left = [one for one in strays if not self._is_born_there(one, chunk, op, keys)]
        if left:
            self._flag_strays(number, ordinal, chunk, op, left)

    def _is_born_there(self, oid: int, chunk: Chunk, op: KnownOp, keys: list[int]) -> bool:
        """Tells whether an op of one slot names what its record was born with there, since replaced by others."""
        if len(op.keys) != 1 or op.subjects[1:] != (1,):
            return False
        first = op.subjects[0] * 16
        return self._heads.is_born_with(self._heads.need(chunk.subjects[first : first + 16]), keys[op.keys[0]], oid)

    def _flag_strays(self, number: int, ordinal: int, chunk: Chunk, op: KnownOp, strays: Iterable[int]) -> None:
        """Flags entries of `over` that name no write of any slot the op covers; the others were replaced before."""
        subjects = {chunk.subjects[at * 16 : at * 16 + 16] for at in subject_indexes(op.subjects)}
        keys = {chunk.keys[key] for key in op.keys}
        for oid in strays:
            if self._is_op(oid):
                other = self._log.op_at(oid)
                if (
                    not _is_unwritten(other)
                    and not subjects.isdisjoint(other.subjects)
                    and not keys.isdisjoint(other.keys)
                ):
                    continue
                if self._heads.is_carried(oid, subjects, keys):
                    continue
            bundle = self._log.id_of(oid >> ORDINAL_BITS)
            self._flag("void_over", number, ordinal, f"{bundle.hex()[:12]}:{oid & ORDINAL_MASK}")

    def _flag(self, kind: str, number: int, ordinal: int, detail: str) -> None:
        self._db.execute(
            "INSERT OR IGNORE INTO flag(kind, bundle, ordinal, detail) VALUES(?, ?, ?, ?)",
            (kind, number, ordinal, detail),
        )

    def _take_rows(self, number: int, ordinal: int, chunk: Chunk, op: Rows, keys: list[int]) -> None:
        table = op.payload.table
        columns = (
            self._heads.key_number(EXISTS),
            self._heads.key_number(member_key(table)),
            *(keys[key] for key in op.keys),
        )
        shape = self._heads.shape_number(columns)
        uuids = subject_ids(chunk, op)
        rows = op.payload.rows
        born = number << ORDINAL_BITS | ordinal
        if self._heads.are_new(uuids):
            masks = self._masks(rows, len(columns))
            eids = self._heads.add_block_rows(uuids, born, shape, masks, 1)
            self._add_block_terms(number, ordinal, uuids, columns, masks)
            self._mark_classes(table, uuids, columns)
            self._mark_references(uuids, rows, columns[IMPLIED_COLUMNS:])
            shelf = self._model.shelves.get(table)
            if shelf is None:
                self._db.executemany(
                    "INSERT OR IGNORE INTO loose(key, eid) VALUES(?, ?)", [(columns[1], eid) for eid in eids]
                )
                return
            self._model.insert_block(shelf, eids, [chunk.keys[key] for key in op.keys], rows)
            self._meaning.changes.touch(table, eids)
            return
        for place, (uuid, row) in enumerate(zip(uuids, rows, strict=True)):
            record = self._heads.need(uuid)
            for column, key in enumerate(columns):
                if column < IMPLIED_COLUMNS or row[column - IMPLIED_COLUMNS] is not None:
                    self._write(record, key, born + place * len(columns) + column, set(), set())

    def _mark_classes(self, table: str, uuids: Sequence[bytes], columns: Sequence[int]) -> None:
        """Marks new rows that show, or are shown by, more than what their block says.

        A mapped field says the same in every table that its record is in. A new record is in one only, so what its
        block says stands, but where two fields of that one table are mapped to each other; and a merged record shows
        what the others of its class hold.
        """
        mapped = [key for key in columns if len(self._heads.keys_of(key)) > 1]
        merged = [one for one in uuids if len(self._heads.same.members(one)) > 1] if self._heads.same else []
        here = {self._heads.key_number(key) for key in self._fields_of(table)} if mapped else set[int]()
        doubled = [key for key in mapped if len((here | {*columns}).intersection(self._heads.keys_of(key))) > 1]
        for some, keys in ((uuids if doubled else [], doubled), (merged, mapped)):
            for uuid in some:
                record = self._heads.need(uuid)
                for key in (*keys, columns[0]):
                    self._mark(record, key)

    def _fields_of(self, table: str) -> Iterable[str]:
        shelf = self._model.shelves.get(table)
        return shelf.by_key if shelf is not None else ()

    def _mark_references(self, uuids: Sequence[bytes], rows: Sequence[Sequence[object]], keys: Sequence[int]) -> None:
        """Marks cells of new rows that hold a reference to a field: they may show what is there."""
        for uuid, row in zip(uuids, rows, strict=True):
            if FieldRef in map(type, row):
                for key, value in zip(keys, row, strict=True):
                    if type(value) is FieldRef:
                        self._mark(self._heads.need(uuid), key)

    def _masks(self, rows: Sequence[Sequence[object]], count: int, lead: int = 0, implied: int = 3) -> list[int]:
        """Returns which cells of each row are written.

        `lead` values stand before the fields, `implied` is the mask of the first two.
        """
        full = (1 << count) - 1 if implied == 3 else implied
        return [full if None not in row and not lead else _mask(row[lead:], implied) for row in rows]

    def _add_block_terms(
        self, number: int, ordinal: int, uuids: Sequence[bytes], columns: Sequence[int], masks: Sequence[int]
    ) -> None:
        full = (1 << len(columns)) - 1
        unwritten = [
            (row, column)
            for row, mask in enumerate(masks)
            if mask != full
            for column in range(len(columns))
            if not mask >> column & 1
        ]
        factors = [self._heads.key_factors[key] for key in columns]
        self.hash += state_hash.block_term(self._bundle_factors(number), ordinal, uuids, factors, unwritten)
        self.hash %= state_hash.PRIME

    def _take_relations(self, number: int, ordinal: int, chunk: Chunk, op: Relations, keys: list[int]) -> None:
        columns = (self._heads.key_number(RELATION), self._heads.key_number(POSITION), *(keys[key] for key in op.keys))
        shape = self._heads.shape_number(columns)
        uuids = subject_ids(chunk, op)
        rows = op.payload.rows
        born = number << ORDINAL_BITS | ordinal
        if self._heads.are_new(uuids):
            masks = [self._masks((row,), len(columns), 3, 1 if row[2] is None else 3)[0] for row in rows]
            self._heads.add_block_rows(uuids, born, shape, masks, 0)
            self._add_block_terms(number, ordinal, uuids, columns, masks)
            self._mark_references(uuids, [row[3:] for row in rows], columns[IMPLIED_COLUMNS:])
            for uuid in uuids:
                self._mark(self._heads.need(uuid), columns[0])
            return
        for place, (uuid, row) in enumerate(zip(uuids, rows, strict=True)):
            record = self._heads.need(uuid)
            for column, key in enumerate(columns):
                if column == 0 or row[column + 1] is not None:
                    self._write(record, key, born + place * len(columns) + column, set(), set())

    def _take_unread(self, number: int, bundle: Bundle) -> None:
        """Notes what a bundle without effect here replaced.

        So that nothing false is offered or called current (S-98).
        """
        for envelope in bundle.envelopes:
            behind: Behind = {}
            if envelope.over:
                self._look_behind(number, envelope.ordinal, set(envelope.slots), behind)
            for uuid, text in envelope.slots:
                record = self._heads.fetch(uuid)
                if record is None:
                    continue
                key = self._heads.key_numbers.get(text)
                if key is not None:
                    for head in self._heads.heads(record, key):
                        if (uuid, text) in behind.get(head, ()):
                            self._db.execute(
                                "INSERT OR IGNORE INTO shadow(eid, key, oid) VALUES(?, ?, ?)", (record.eid, key, head)
                            )
                            self._mark(record, key)
                exists = self._heads.key_numbers.get(EXISTS)
                if exists is not None and self._heads.heads(record, exists):
                    self._mark(record, exists)

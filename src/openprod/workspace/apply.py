"""Applying bundles: from signed ops to heads to the tables people read. Own edits and received ones both come through here.

Orders the vault's parts and asks `merge` what the heads mean; decides nothing about history (that is `ingest`) and opens no
transaction (its caller holds one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from openprod.merge import state_hash
from openprod.merge.heads import ExistHead, Head, Life, Work, is_conflict, is_settling, join, life, shown
from openprod.model.bundle import Bundle, Header
from openprod.model.hlc import Hlc, wall_ms
from openprod.model.ids import HASH_BYTES
from openprod.model.ops import (
    IMPLIED_COLUMNS,
    Admit,
    Chunk,
    ClockAccept,
    Decide,
    Exist,
    InviteOpen,
    KnownOp,
    LogClose,
    Relate,
    Relations,
    Rows,
    Set,
    subject_indexes,
    width,
)
from openprod.model.slots import (
    CLOCK,
    EXISTS,
    INVITE,
    LOG,
    POSITION,
    RELATION,
    is_field_key,
    member_key,
    table_of_member_key,
)
from openprod.model.values import Value
from openprod.store.database import Database
from openprod.store.heads import Heads, Record
from openprod.store.log import ORDINAL_BITS, ORDINAL_MASK, SEQ_BITS, Branch, Log, OpAt
from openprod.store.read_model import Column, ReadModel, Shelf
from openprod.workspace.adopt import CatalogLoader

SCHEMA_TABLES = frozenset(("core.modules", "core.tables", "core.fields", "core.settings"))
_SCHEMA_KEYS = ("core.modules.", "core.tables.", "core.fields.")
_FACTORS_KEPT = 50_000
_FILL_PAGE = 2_000


@dataclass(slots=True)
class Changes:
    """What a transaction changed in the tables people read, for those who show them.

    Attributes:
        rows: table or relation name to the local integers of its changed rows.
        keys: the field keys that were written.
        is_schema: whether tables themselves changed.
        is_history: whether history grew at all.
    """

    rows: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    keys: set[str] = field(default_factory=set[str])
    is_schema: bool = False
    is_history: bool = False

    def touch(self, name: str, eids: Iterable[int]) -> None:
        """Notes changed rows of a table or relation."""
        self.rows.setdefault(name, set()).update(eids)


class Applier:
    """Applies bundles in causal order. One batch: `begin`, `append_and_take` for each, `settle`."""

    def __init__(self, database: Database, log: Log, heads: Heads, model: ReadModel, loader: CatalogLoader) -> None:
        self._db = database
        self._log = log
        self._heads = heads
        self._model = model
        self._loader = loader
        self._factors: dict[int, tuple[int, int]] = {}
        self._values: dict[int, tuple[Value, bool]] = {}
        self._dirty: dict[bytes, tuple[Record, set[int]]] = {}
        self._updates: dict[str, list[tuple[object, ...]]] = {}
        self._titles: dict[str, dict[int, Record]] = {}
        self.changes = Changes()
        self.hash = 0
        self.read_hash()

    # -- a batch

    def read_hash(self) -> None:
        """Reads the state hash again, after somebody else's commit or a rollback."""
        row = self._db.one("SELECT value FROM meta WHERE key = 'state_hash'")
        self.hash = int(row[0], 16) if row else 0

    def begin(self) -> None:
        """Starts a batch."""
        self._log.begin()
        self._heads.begin()
        self._values = {}
        self._dirty = {}
        self._updates = {}
        self._titles = {}

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
                            subjects.update(end for end in row[:2] if isinstance(end, bytes))
        self._log.number_many(list(named))
        self._heads.load(list(subjects))

    def append_and_take(self, branch: Branch, bundle: Bundle, eff: Hlc, at: int) -> int:
        """Puts a bundle into the log and joins its ops to the heads; returns its local number."""
        number = self._log.append(branch, bundle, eff, at)
        self.take(number, bundle)
        return number

    def take(self, number: int, bundle: Bundle) -> None:
        """Joins the ops of a bundle of the log to the heads. `advance` for its author must have run."""
        self.changes.is_history = True
        if bundle.chunks is None:
            self._take_unread(number, bundle)
            return
        ordinal = 0
        for index, chunk in enumerate(bundle.chunks):
            self._log.keep_unsaved(number, index, chunk, ordinal)
            keys = [self._heads.key_number(key) for key in chunk.keys]
            for op in chunk.ops:
                self._take_op(number, ordinal, bundle.header, chunk, op, keys)
                ordinal += width(op)

    def is_schema_change(self, bundle: Bundle) -> bool:
        """Tells whether a bundle changes which tables there are, so that what follows needs it settled first."""
        return any(
            key.startswith(_SCHEMA_KEYS) or key in ("@in/core.modules", "@in/core.tables", "@in/core.fields")
            for chunk in bundle.chunks or ()
            for key in (*chunk.keys, *(member_key(op.payload.table) for op in chunk.ops if isinstance(op, Rows)))
        )

    def settle(self) -> None:
        """Writes what the batch means: heads, tables, titles, conflicts, the state hash."""
        self._log.flush()
        for record, keys in list(self._dirty.values()):
            self._settle(record, keys)
        self._dirty = {}
        self._write_updates()
        if self.changes.rows.keys() & SCHEMA_TABLES:
            self._heads.flush()
            self.renew_catalog()
        self._heads.flush()
        self._db.execute("INSERT OR REPLACE INTO meta(key, value) VALUES('state_hash', ?)", (state_hash.text(self.hash),))

    def _write_updates(self) -> None:
        for name, records in self._titles.items():
            shelf = self._model.shelves[name]
            keys = [column.field.key for column in shelf.title_columns]
            titles = [(self._model.title_of(shelf, self.values_of(record, keys)), eid) for eid, record in records.items()]
            self._model.set_titles(name, titles)
        for sql, rows in self._updates.items():
            self._db.executemany(sql, rows)
        self._titles = {}
        self._updates = {}

    # -- ops

    def _take_op(self, number: int, ordinal: int, header: Header, chunk: Chunk, op: KnownOp, keys: list[int]) -> None:
        if isinstance(op, Rows):
            self._take_rows(number, ordinal, chunk, op, keys)
            return
        if isinstance(op, Relations):
            self._take_relations(number, ordinal, chunk, op, keys)
            return
        oid = number << ORDINAL_BITS | ordinal
        auto = header.causes[op.cause].auto
        if isinstance(op, Set | Decide):
            self._values[oid] = (op.payload, isinstance(op, Decide) and not auto)
        over: set[int] = set()
        if op.over:
            over = self._over(number, ordinal, header, chunk, op, auto)
        matched: set[int] = set()
        subjects = op.subjects
        if len(subjects) == 2 and subjects[1] == 1 and len(op.keys) == 1:
            first = subjects[0] * 16
            self._write(self._heads.need(chunk.subjects[first : first + 16]), keys[op.keys[0]], oid, over, matched)
        else:
            for at in subject_indexes(subjects):
                record = self._heads.need(chunk.subjects[at * 16 : at * 16 + 16])
                for key in op.keys:
                    self._write(record, keys[key], oid, over, matched)
        if len(matched) < len(over):
            self._flag_strays(number, ordinal, chunk, op, over - matched)

    def _write(self, record: Record, key: int, oid: int, over: set[int], matched: set[int]) -> None:
        """Makes an op a head of a slot in place of those it replaces there."""
        heads = self._heads.heads(record, key)
        if over:
            gone = [head for head in heads if head in over]
            matched.update(gone)
            for head in gone:
                self.hash -= self._term(record, key, head)
            self._heads.set_heads(record, key, join(heads, oid, over))
        else:
            self._heads.set_heads(record, key, join(heads, oid, ()))
        self.hash += self._term(record, key, oid)
        self._mark(record, key)

    def _mark(self, record: Record, key: int) -> None:
        found = self._dirty.get(record.uuid)
        if found is None:
            self._dirty[record.uuid] = (record, {key})
        else:
            found[1].add(key)

    def _term(self, record: Record, key: int, oid: int) -> int:
        factors = self._bundle_factors(oid >> ORDINAL_BITS)
        return state_hash.head_term(factors, oid & ORDINAL_MASK, record.uuid, self._heads.key_factors[key])

    def _bundle_factors(self, number: int) -> tuple[int, int]:
        found = self._factors.get(number)
        if found is None:
            if len(self._factors) > _FACTORS_KEPT:
                self._factors.clear()
            found = self._factors[number] = state_hash.bundle_factors(self._log.id_of(number))
        return found

    def _over(self, number: int, ordinal: int, header: Header, chunk: Chunk, op: KnownOp, auto: bool) -> set[int]:  # noqa: FBT001 -- a fact of the op
        """Returns the local numbers of the ops that an op may replace: those of its author's past, seen through what is unread here."""
        found: set[int] = set()
        vector = self._log.vector(number >> SEQ_BITS)
        entries = op.over
        for at in range(0, len(entries), 2):
            bundle = chunk.bundles[entries[at] * HASH_BYTES : (entries[at] + 1) * HASH_BYTES]
            self._resolve(number, ordinal, header, vector, (bundle, entries[at + 1]), found)
        if auto and found and self._is_beyond_automation(op, found):
            self._flag("automation", number, ordinal, "")
            return set()
        return found

    def _resolve(
        self, number: int, ordinal: int, header: Header, vector: dict[int, int], entry: tuple[bytes, int], found: set[int]
    ) -> None:
        bundle, replaced = entry
        target = self._log.number_of(bundle)
        if target is None or bundle in header.unread or not self._log.is_past(number, target, vector):
            self._flag("void_over", number, ordinal, f"{bundle.hex()[:12]}:{replaced}")
            return
        if target in self._log.unread:
            found.update(self._behind_unread(target, replaced))
            return
        found.add(target << ORDINAL_BITS | replaced)

    def _behind_unread(self, number: int, ordinal: int) -> set[int]:
        """Returns what an op of a bundle that has no effect here had replaced, through further such ops if need be."""
        found: set[int] = set()
        header = self._log.header(number)
        for envelope in self._log.bundle(number).envelopes:
            if envelope.ordinal != ordinal:
                continue
            for bundle, replaced in envelope.over:
                target = self._log.number_of(bundle)
                if target is None or bundle in header.unread or not self._log.is_past(number, target):
                    continue
                if target in self._log.unread:
                    found |= self._behind_unread(target, replaced)
                else:
                    found.add(target << ORDINAL_BITS | replaced)
        return found

    def _is_beyond_automation(self, op: KnownOp, over: set[int]) -> bool:
        """Tells whether an automatic op would settle a question or bring a record back, which it may not (R8)."""
        if isinstance(op, Exist):
            return op.payload and any(not self.op_at(oid).is_live for oid in over if self._is_op(oid))
        return len(over) > 1 and isinstance(op, Set | Decide) and is_settling(self.op_at(oid).value for oid in over if self._is_op(oid))

    def _is_op(self, oid: int) -> bool:
        return self._log.has_op(oid >> ORDINAL_BITS, oid & ORDINAL_MASK)

    def _flag_strays(self, number: int, ordinal: int, chunk: Chunk, op: KnownOp, strays: set[int]) -> None:
        """Flags entries of `over` that name no write of any slot the op covers; the others were replaced before."""
        subjects = {chunk.subjects[at * 16 : at * 16 + 16] for at in subject_indexes(op.subjects)}
        keys = {chunk.keys[key] for key in op.keys}
        for oid in strays:
            if self._is_op(oid):
                other = self.op_at(oid)
                is_unwritten = isinstance(other.op, Rows | Relations) and other.value is None and is_field_key(other.keys[0])
                if not is_unwritten and not subjects.isdisjoint(other.subjects) and not keys.isdisjoint(other.keys):
                    continue
            bundle = self._log.id_of(oid >> ORDINAL_BITS)
            self._flag("void_over", number, ordinal, f"{bundle.hex()[:12]}:{oid & ORDINAL_MASK}")

    def _flag(self, kind: str, number: int, ordinal: int, detail: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO flag(kind, bundle, ordinal, detail) VALUES(?, ?, ?, ?)", (kind, number, ordinal, detail))

    def _take_rows(self, number: int, ordinal: int, chunk: Chunk, op: Rows, keys: list[int]) -> None:
        table = op.payload.table
        columns = (self._heads.key_number(EXISTS), self._heads.key_number(member_key(table)), *(keys[key] for key in op.keys))
        shape = self._heads.shape_number(columns)
        uuids = [chunk.subjects[at * 16 : at * 16 + 16] for at in subject_indexes(op.subjects)]
        rows = op.payload.rows
        born = number << ORDINAL_BITS | ordinal
        if len(set(uuids)) == len(uuids) and not any(map(self._heads.is_here, uuids)):
            masks = self._masks(rows, len(columns))
            eids = self._heads.add_block_rows(uuids, born, shape, masks, 1)
            self._add_block_terms(number, ordinal, uuids, columns, masks)
            shelf = self._model.shelves.get(table)
            if shelf is None:
                self._db.executemany("INSERT OR IGNORE INTO loose(key, eid) VALUES(?, ?)", [(columns[1], eid) for eid in eids])
                return
            self._model.insert_block(shelf, eids, [chunk.keys[key] for key in op.keys], rows)
            self.changes.touch(table, eids)
            return
        for place, (uuid, row) in enumerate(zip(uuids, rows, strict=True)):
            record = self._heads.need(uuid)
            for column, key in enumerate(columns):
                if column < IMPLIED_COLUMNS or row[column - IMPLIED_COLUMNS] is not None:
                    self._write(record, key, born + place * len(columns) + column, set(), set())

    def _masks(self, rows: Sequence[Sequence[object]], count: int, lead: int = 0, implied: int = 3) -> list[int]:
        """Returns which cells of each row are written; `lead` values stand before the fields, `implied` is the mask of the first two."""
        full = (1 << count) - 1 if implied == 3 else implied  # noqa: PLR2004 -- both implied cells
        masks: list[int] = []
        for row in rows:
            if None not in row and not lead:
                masks.append(full)
                continue
            mask = implied
            for column, value in enumerate(row[lead:]):
                if value is not None:
                    mask |= 1 << (column + IMPLIED_COLUMNS)
            masks.append(mask)
        return masks

    def _add_block_terms(self, number: int, ordinal: int, uuids: Sequence[bytes], columns: Sequence[int], masks: Sequence[int]) -> None:
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
        uuids = [chunk.subjects[at * 16 : at * 16 + 16] for at in subject_indexes(op.subjects)]
        rows = op.payload.rows
        born = number << ORDINAL_BITS | ordinal
        if len(set(uuids)) == len(uuids) and not any(map(self._heads.is_here, uuids)):
            masks = [self._masks((row,), len(columns), 3, 1 if row[2] is None else 3)[0] for row in rows]
            self._heads.add_block_rows(uuids, born, shape, masks, 0)
            self._add_block_terms(number, ordinal, uuids, columns, masks)
            for uuid in uuids:
                self._mark(self._heads.need(uuid), columns[0])
            return
        for place, (uuid, row) in enumerate(zip(uuids, rows, strict=True)):
            record = self._heads.need(uuid)
            for column, key in enumerate(columns):
                if column == 0 or row[column + 1] is not None:
                    self._write(record, key, born + place * len(columns) + column, set(), set())

    def _take_unread(self, number: int, bundle: Bundle) -> None:
        """Notes what a bundle without effect here replaced, so that nothing false is offered or called current (S-98)."""
        for envelope in bundle.envelopes:
            over = self._behind_unread(number, envelope.ordinal) if envelope.over else set[int]()
            for uuid, text in envelope.slots:
                record = self._heads.fetch(uuid)
                if record is None:
                    continue
                key = self._heads.key_numbers.get(text)
                if key is not None:
                    for head in self._heads.heads(record, key):
                        if head in over:
                            self._db.execute("INSERT OR IGNORE INTO shadow(eid, key, oid) VALUES(?, ?, ?)", (record.eid, key, head))
                            self._mark(record, key)
                exists = self._heads.key_numbers.get(EXISTS)
                if exists is not None and self._heads.heads(record, exists):
                    self._mark(record, exists)

    # -- what the heads mean

    def op_at(self, oid: int) -> OpAt:
        """Returns an op by its local number."""
        return self._log.op_at(oid)

    def _value_at(self, oid: int) -> tuple[Value, bool]:
        found = self._values.get(oid)
        if found is None:
            op = self._log.op_at(oid)
            found = (op.value, op.is_decision)
        return found

    def heads_of(self, record: Record, key: int) -> list[Head]:
        """Returns a field's heads with values and order."""
        found: list[Head] = []
        for oid in self._heads.heads(record, key):
            value, is_decision = self._value_at(oid)
            found.append(Head(oid, value, is_decision, self._log.order_of(oid)))
        return found

    def value_of(self, record: Record, key: int) -> Value:
        """Returns the value a field shows, None where it has none."""
        heads = self._heads.heads(record, key)
        if not heads:
            return None
        if len(heads) == 1:
            return self._value_at(heads[0])[0]
        return shown(self.heads_of(record, key)).value

    def values_of(self, record: Record, keys: Iterable[str]) -> dict[str, Value]:
        """Returns the shown values of fields by key, those without one left out."""
        found: dict[str, Value] = {}
        for text in keys:
            key = self._heads.key_numbers.get(text)
            value = self.value_of(record, key) if key is not None else None
            if value is not None:
                found[text] = value
        return found

    def shelf_values(self, record: Record, shelf: Shelf) -> dict[str, Value]:
        """Returns what a record shows in one table, by field key; a blocked field in conflict shows nothing."""
        values = self.values_of(record, shelf.by_key)
        for key, column in shelf.by_key.items():
            if column.field.on_conflict == "block" and key in values and self._is_in_conflict(record, key):
                del values[key]
        return values

    def _is_in_conflict(self, record: Record, text: str) -> bool:
        key = self._heads.key_numbers.get(text)
        return key is not None and len(self._heads.heads(record, key)) > 1 and is_conflict(self.heads_of(record, key))

    def _settle(self, record: Record, keys: set[int]) -> None:
        texts = {key: self._heads.key_texts[key] for key in keys}
        for key, text in texts.items():
            if is_field_key(text):
                self._settle_field(record, key)
                self.changes.keys.add(text)
            elif text in (INVITE, LOG, CLOCK):
                self._settle_structure(record, key)
        relation = self._heads.key_numbers.get(RELATION)
        if relation is not None and self._heads.heads(record, relation):
            self._settle_relation(record, keys, texts)
            return
        self._settle_record(record, keys, texts)

    def _settle_field(self, record: Record, key: int) -> None:
        """Brings the list of open questions up to a field's heads, and forgets shadows of heads that are gone."""
        heads = self._heads.heads(record, key)
        if len(heads) > 1 and is_conflict(self.heads_of(record, key)):
            self._db.execute("INSERT OR IGNORE INTO conflict(eid, key) VALUES(?, ?)", (record.eid, key))
        elif not record.is_fresh and record.ver.get(key) is not None:
            self._db.execute("DELETE FROM conflict WHERE eid = ? AND key = ?", (record.eid, key))
        if self._log.unread:
            for (oid,) in self._db.rows("SELECT oid FROM shadow WHERE eid = ? AND key = ?", (record.eid, key)):
                if oid not in heads:
                    self._db.execute("DELETE FROM shadow WHERE eid = ? AND key = ? AND oid = ?", (record.eid, key, oid))

    def _settle_record(self, record: Record, keys: set[int], texts: Mapping[int, str]) -> None:
        was_alive = record.alive != Life.GONE
        exists = self._heads.key_number(EXISTS)
        if exists in keys or exists in record.ver or not was_alive:
            now = self._life(record, exists)
            if now != record.alive:
                record.alive = int(now)
                record.is_dirty = True
        is_alive = record.alive != Life.GONE
        moved = is_alive != was_alive or any(table_of_member_key(text) is not None for text in texts.values())
        if moved:
            self._place_record(record, is_alive=is_alive)
            if is_alive != was_alive:
                self._settle_relations_at(record)
        elif is_alive:
            self._update_cells(record, texts)

    def _place_record(self, record: Record, *, is_alive: bool) -> None:
        """Puts a record's row into every table it belongs to, and takes it out of the others."""
        for key in self._heads.slots(record):
            table = table_of_member_key(self._heads.key_texts[key])
            if table is None:
                continue
            is_member = any(self.op_at(oid).is_live for oid in self._heads.heads(record, key))
            shelf = self._model.shelves.get(table)
            if shelf is None:
                sql = "INSERT OR IGNORE INTO loose(key, eid) VALUES(?, ?)" if is_member else "DELETE FROM loose WHERE key = ? AND eid = ?"
                self._db.execute(sql, (key, record.eid))
                continue
            self._model.delete_row(table, record.eid)
            if is_member and is_alive:
                self._model.insert_row(shelf, record.eid, self.shelf_values(record, shelf))
            self.changes.touch(table, (record.eid,))

    def _update_cells(self, record: Record, texts: Mapping[int, str]) -> None:
        for key, text in texts.items():
            columns = self._model.columns_of.get(text)
            if not columns:
                continue
            value = self.value_of(record, key)
            for column in columns:
                blocked = column.field.on_conflict == "block" and self._is_in_conflict(record, text)
                self._update_cell(record, column, None if blocked else value)

    def _update_cell(self, record: Record, column: Column, value: Value) -> None:
        self._updates.setdefault(column.update, []).append((*column.cells(value), record.eid))
        self.changes.touch(column.owner, (record.eid,))
        if column.is_in_title:
            self._titles.setdefault(column.owner, {})[record.eid] = record

    def _life(self, record: Record, exists: int) -> Life:
        heads: list[ExistHead] = []
        for oid in self._heads.heads(record, exists):
            op = self.op_at(oid)
            heads.append(ExistHead(oid >> ORDINAL_BITS, bool(op.is_live), op.is_auto))
        deletes = [head.bundle for head in heads if not head.is_live]
        return life(heads, lambda: self._work(record, deletes), self._log.knows)

    def _work(self, record: Record, deletes: Sequence[int]) -> Iterator[Work]:
        for key in self._heads.slots(record):
            text = self._heads.key_texts[key]
            if is_field_key(text) or text == EXISTS or table_of_member_key(text) is not None:
                for oid in self._heads.heads(record, key):
                    yield self._work_at(oid, record.uuid, text)
        yield from self._unread_work(record.uuid, deletes)

    def _work_at(self, oid: int, subject: bytes, key: str) -> Work:
        op = self.op_at(oid)
        return Work(oid >> ORDINAL_BITS, not op.is_auto and op.is_live is not False, lambda: self._work_over(op, subject, key))

    def _work_over(self, op: OpAt, subject: bytes, key: str) -> Iterator[Work]:
        for bundle, ordinal in op.over:
            target = self._log.number_of(bundle)
            if target is None or target in self._log.unread or not self._log.has_op(target, ordinal):
                continue
            oid = target << ORDINAL_BITS | ordinal
            other = self.op_at(oid)
            if subject in other.subjects and key in other.keys:
                yield self._work_at(oid, subject, key)

    def _unread_work(self, subject: bytes, deletes: Sequence[int]) -> Iterator[Work]:
        """Yields work that stands in bundles unread here, or that was unread where a deletion was made."""
        numbers = set(self._log.unread)
        for delete in deletes:
            for bundle in self._log.header(delete).unread:
                number = self._log.number_of(bundle)
                if number is not None:
                    numbers.add(number)
        for number in sorted(numbers):
            bundle = self._log.bundle(number)
            causes = bundle.header.causes
            if bundle.chunks is None:
                for envelope in bundle.envelopes:
                    auto = envelope.cause >= len(causes) or causes[envelope.cause].auto
                    if not auto and any(one == subject for one, _ in envelope.slots):
                        yield Work(number, is_contesting=True, over=tuple)
                continue
            ordinal = 0
            for chunk in bundle.chunks:
                for op in chunk.ops:
                    yield from self._work_in(number, ordinal, chunk, op, subject)
                    ordinal += width(op)

    def _work_in(self, number: int, ordinal: int, chunk: Chunk, op: KnownOp, subject: bytes) -> Iterator[Work]:
        places = [n for n, at in enumerate(subject_indexes(op.subjects)) if chunk.subjects[at * 16 : at * 16 + 16] == subject]
        if not places or isinstance(op, Relations | Relate):
            return
        offset = places[0] * (IMPLIED_COLUMNS + len(op.keys)) if isinstance(op, Rows) else 0
        found = self.op_at(number << ORDINAL_BITS | ordinal + offset)
        if not found.is_auto and found.is_live is not False and (found.is_live or found.value is not None or isinstance(op, Set | Decide)):
            yield Work(number, is_contesting=True, over=tuple)

    # -- relations

    def _settle_relation(self, record: Record, keys: set[int], texts: Mapping[int, str]) -> None:
        relation = self._heads.key_number(RELATION)
        row = self._db.one("SELECT type, src, dst, live FROM edge WHERE eid = ?", (record.eid,))
        if relation in keys or row is None:
            ends = self._ends(record, relation)
            if ends is None:
                return
            type_name, source, target, is_live = ends
            row = (self._heads.key_number(type_name), self._heads.need(source).eid, self._heads.need(target).eid, int(is_live))
            self._db.execute("INSERT OR REPLACE INTO edge(eid, type, src, dst, live) VALUES(?, ?, ?, ?, ?)", (record.eid, *row))
            self._show_relation(record, row)
        elif self._heads.key_numbers.get(POSITION) in keys:
            self._show_relation(record, row)
        else:
            self._update_cells(record, texts)

    def _ends(self, record: Record, relation: int) -> tuple[str, bytes, bytes, bool] | None:
        """Returns type, source, target and whether it stands, from the newest head that makes the relation (or the newest unmade one)."""
        ops = [self.op_at(oid) for oid in self._heads.heads(record, relation)]
        makers = [op for op in ops if op.is_live]
        stands = bool(makers)
        if not makers:
            makers = [made for op in ops for made in self._makers_behind(op, record.uuid)]
        if not makers:
            return None
        newest = max(makers, key=lambda op: self._log.order_of(op.oid))
        if isinstance(newest.op, Relate):
            ends = newest.op.payload
            return ends.type, ends.source, ends.target, stands
        if isinstance(newest.op, Relations):
            row = newest.op.payload.rows[self._block_row(newest)]
            source, target = row[0], row[1]
            if isinstance(source, bytes) and isinstance(target, bytes):
                return newest.op.payload.type, source, target, stands
        return None

    def _block_row(self, found: OpAt) -> int:
        """Returns which row of its block a cell stands in."""
        number, ordinal = found.oid >> ORDINAL_BITS, found.oid & ORDINAL_MASK
        header = self._log.header(number)
        first = 0
        for index, ref in enumerate(header.chunks):
            if ordinal < first + ref.width:
                chunk, starts = self._log.chunk(number, index)
                start = next(start for start, op in zip(reversed(starts), reversed(chunk.ops), strict=True) if start <= ordinal and op == found.op)
                return (ordinal - start) // (IMPLIED_COLUMNS + len(found.op.keys))
            first += ref.width
        raise AssertionError("a cell outside its bundle")

    def _makers_behind(self, op: OpAt, subject: bytes) -> Iterator[OpAt]:
        todo = [op]
        while todo:
            one = todo.pop()
            for bundle, ordinal in one.over:
                target = self._log.number_of(bundle)
                if target is None or target in self._log.unread or not self._log.has_op(target, ordinal):
                    continue
                other = self.op_at(target << ORDINAL_BITS | ordinal)
                if subject not in other.subjects or RELATION not in other.keys:
                    continue
                if other.is_live:
                    yield other
                else:
                    todo.append(other)

    def _show_relation(self, record: Record, row: Sequence[int]) -> None:
        """Puts a relation's row into its table, or takes it out, as it and both its ends are there or not."""
        type_no, src, dst, is_live = row
        name = self._heads.key_texts[type_no]
        shelf = self._model.relations.get(name)
        if shelf is None:
            return
        self.changes.touch(name, (record.eid,))
        self._model.delete_row(name, record.eid)
        if not is_live or not (self._is_alive(src) and self._is_alive(dst)):
            return
        position = self._heads.key_numbers.get(POSITION)
        at = self.value_of(record, position) if position is not None else None
        self._model.insert_relation(shelf, record.eid, (src, dst), at if isinstance(at, str) else None, self.shelf_values(record, shelf))

    def _is_alive(self, eid: int) -> bool:
        for record in self._heads.load_eids((eid,)):
            return record.alive != Life.GONE
        return any(record.eid == eid and record.alive != Life.GONE for record in self._heads.records.values())

    def _settle_relations_at(self, record: Record) -> None:
        rows = self._db.rows(
            "SELECT eid, type, src, dst, live FROM edge WHERE src = ?1 UNION SELECT eid, type, src, dst, live FROM edge WHERE dst = ?1",
            (record.eid,),
        )
        self._heads.flush()
        for eid, *row in rows:
            for relation in self._heads.load_eids((eid,)):
                self._show_relation(relation, row)

    # -- invitations, admissions, clocks

    def _settle_structure(self, record: Record, key: int) -> None:
        for oid in self._heads.heads(record, key):
            op = self.op_at(oid)
            payload = op.op
            if isinstance(payload, Admit):
                self._db.execute("INSERT OR IGNORE INTO admitted(log, actor) VALUES(?, ?)", (payload.payload.log, payload.payload.actor))
            elif isinstance(payload, LogClose):
                self._db.execute("UPDATE log SET closed = 1 WHERE id = ?", (payload.payload.log,))
            elif isinstance(payload, ClockAccept):
                at = wall_ms(Hlc(self._log.header(oid >> ORDINAL_BITS).claimed))
                self._db.execute("INSERT OR IGNORE INTO accepted(bundle, at) VALUES(?, ?)", (payload.payload, at))
                self._db.execute("UPDATE bundle SET at = ? WHERE id = ?", (at, payload.payload))
        if self._heads.key_texts[key] == INVITE:
            self._settle_invite(record, key)

    def _settle_invite(self, record: Record, key: int) -> None:
        ops = [self.op_at(oid) for oid in self._heads.heads(record, key)]
        opened = [op for op in ops if isinstance(op.op, InviteOpen)]
        if opened:
            newest = max(opened, key=lambda op: self._log.order_of(op.oid))
            if isinstance(newest.op, InviteOpen):
                payload = newest.op.payload
                self._db.execute(
                    "INSERT OR REPLACE INTO invite(public, label, open, oid) VALUES(?, ?, 1, ?)", (payload.public_key, payload.label, newest.oid)
                )
            return
        for op in ops:
            for bundle, ordinal in op.over:
                target = self._log.number_of(bundle)
                if target is not None and self._log.has_op(target, ordinal):
                    behind = self.op_at(target << ORDINAL_BITS | ordinal).op
                    if isinstance(behind, InviteOpen):
                        self._db.execute("UPDATE invite SET open = 0 WHERE public = ?", (behind.payload.public_key,))

    # -- tables that come and grow

    def renew_catalog(self) -> None:
        """Reads the catalog again, makes the tables and columns that are new and fills them from the heads."""
        self.changes.is_schema = True
        self._model.use(self._loader.load(), self._loader.venue_zone)
        self._loader.save()
        made, grown = self._model.migrate()
        for name in made:
            if name in self._model.shelves:
                self._fill_table(name)
            else:
                self._fill_relation(name)
        for name, columns in grown.items():
            self._fill_columns(name, columns)
        self._write_updates()

    def _fill_table(self, name: str) -> None:
        key = self._heads.key_numbers.get(member_key(name))
        if key is None:
            return
        eids = [eid for (eid,) in self._db.rows("SELECT eid FROM loose WHERE key = ? ORDER BY eid", (key,))]
        shelf = self._model.shelves[name]
        for page in _pages(eids):
            for record in self._heads.load_eids(page):
                if record.alive != Life.GONE:
                    self._model.insert_row(shelf, record.eid, self.shelf_values(record, shelf))
        self._db.execute("DELETE FROM loose WHERE key = ?", (key,))
        self.changes.touch(name, eids)

    def _fill_relation(self, name: str) -> None:
        key = self._heads.key_numbers.get(name)
        if key is None:
            return
        rows = {eid: row for eid, *row in self._db.rows("SELECT eid, type, src, dst, live FROM edge WHERE type = ?", (key,))}
        for page in _pages(list(rows)):
            for record in self._heads.load_eids(page):
                self._show_relation(record, rows[record.eid])

    def _fill_columns(self, name: str, columns: Sequence[Column]) -> None:
        wanted = [(self._heads.key_numbers.get(column.field.key), column) for column in columns]
        wanted = [(key, column) for key, column in wanted if key is not None]
        if not wanted:
            return
        eids = [eid for (eid,) in self._db.rows(f'SELECT "~eid" FROM "{name}"')]  # noqa: S608 -- a catalog name, checked when read
        for page in _pages(eids):
            for record in self._heads.load_eids(page):
                for key, column in wanted:
                    if key is not None and self._heads.heads(record, key):
                        self._update_cell(record, column, self.value_of(record, key))


def _pages(eids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(eids), _FILL_PAGE):
        yield eids[at : at + _FILL_PAGE]

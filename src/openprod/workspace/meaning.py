"""What the heads mean: from a record's heads to the tables people read, the open questions, who is in and what is held.

Asks `merge` for every decision and writes the answers into the read model. Must not know where the heads came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from openprod.catalog.names import quote
from openprod.merge.heads import ExistHead, Head, Life, Work, is_conflict, life, shown
from openprod.model.hlc import Hlc, wall_ms
from openprod.model.ops import (
    IMPLIED_COLUMNS,
    Admit,
    Chunk,
    ClockAccept,
    Decide,
    InviteOpen,
    KnownOp,
    ListAdd,
    ListRemove,
    ListReset,
    LogClose,
    Map,
    Merge,
    Relate,
    Relations,
    Rows,
    Set,
    Text,
    subject_indexes,
    width,
)
from openprod.model.slots import (
    CLOCK,
    EXISTS,
    INVITE,
    LOG,
    MAPPING,
    POSITION,
    RELATION,
    SAME,
    is_field_key,
    member_key,
    table_of_member_key,
)
from openprod.model.values import FieldRef, RecordRef, Value
from openprod.store.database import Database, SqlValue
from openprod.store.heads import Heads, Record
from openprod.store.log import ORDINAL_BITS, ORDINAL_MASK, Log, OpAt, Together
from openprod.store.read_model import Column, ReadModel, Shelf
from openprod.workspace import together
from openprod.workspace.catalogs import CatalogLoader
from openprod.workspace.smart import Sources
from openprod.workspace.texts import Texts

_FILL_PAGE = 2_000
_FIELD_OPS = (Set, Decide, Text, ListAdd, ListRemove, ListReset)

# The value a field shows, and whether it is in question.
Shown: TypeAlias = tuple[Value, bool]


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


class Meaning:
    """Keeps the read model in step with the heads. One batch: `begin`, `settle` for each changed record, `finish`."""

    def __init__(
        self, database: Database, log: Log, heads: Heads, model: ReadModel, loader: CatalogLoader, texts: Texts
    ) -> None:
        self._db = database
        self._log = log
        self._texts = texts
        self._heads = heads
        self._model = model
        self._loader = loader
        self._values: dict[int, tuple[Value, bool]] = {}
        self._updates: dict[str, dict[int, dict[Column, tuple[SqlValue, ...]]]] = {}
        self._titles: dict[str, dict[int, Record]] = {}
        self._fallbacks: dict[str, dict[int, Record]] = {}
        self._opened: list[tuple[int, int, int]] = []
        self._closed: list[tuple[int, int]] = []
        self._joins: list[tuple[Record, int]] = []
        self.sources = Sources(database, heads, model, self._readable)
        self.changes = Changes()

    def take_changes(self) -> Changes:
        """Hands out what changed since the transaction began, to whoever tells of it; nothing is held on to."""
        changes, self.changes = self.changes, Changes()
        return changes

    def begin(self) -> None:
        """Starts a batch."""
        self._values = {}
        self.sources.begin()
        self._clear()

    def _clear(self) -> None:
        self._updates = {}
        self._titles = {}
        self._fallbacks = {}
        self._opened = []
        self._closed = []

    def know(self, oid: int, value: Value, *, is_decision: bool) -> None:
        """Takes note of what an op of this batch wrote, so that it need not be read back."""
        self._values[oid] = (value, is_decision)

    def finish(self) -> None:
        """Writes the changed cells, titles and questions collected since `begin`."""
        self._renew_takers()
        for name, records in self._fallbacks.items():
            titled = self._titles.setdefault(name, {})
            named = self._model.named(self._model.shelves[name], [eid for eid in records if eid not in titled])
            titled.update((eid, record) for eid, record in records.items() if eid not in named)
        for name, records in self._titles.items():
            if not records:
                continue
            shelf = self._model.shelves[name]
            keys = [column.field.key for column in shelf.title_columns]
            titles = [
                (self._model.title_of(shelf, self.values_of(record, keys)), eid) for eid, record in records.items()
            ]
            self._model.set_titles(name, titles)
        for owner, rows in self._updates.items():
            self._model.update_rows(owner, rows)
            self.changes.touch(owner, rows)
        if self._closed:
            self._db.executemany("DELETE FROM conflict WHERE eid = ? AND key = ?", self._closed)
        if self._opened:
            self._db.executemany("INSERT OR IGNORE INTO conflict(eid, key, main) VALUES(?, ?, ?)", self._opened)
        self._texts.save()
        self._clear()

    # -- values

    def _value_at(self, oid: int) -> tuple[Value | Together, bool]:
        found = self._values.get(oid)
        return self._log.value_at(oid) if found is None else found

    def heads_of(self, record: Record, key: int) -> list[Head]:
        """Returns a field's heads with values and order."""
        return self._heads_among(self._heads.united(record, key))

    def _heads_among(self, oids: Sequence[int]) -> list[Head]:
        found: list[Head] = []
        for oid in oids:
            value, is_decision = self._value_at(oid)
            if isinstance(value, Together):
                said = together.says(self._log, self._texts, oids)
                return [Head(one, said[one], self._value_at(one)[1], self._log.order_of(one)) for one in oids]
            found.append(Head(oid, value, is_decision, self._log.order_of(oid)))
        return found

    def _value_alone(self, oid: int) -> Value:
        """Returns what a field shows that has one head."""
        value, _ = self._value_at(oid)
        return together.says(self._log, self._texts, (oid,))[oid] if isinstance(value, Together) else value

    def value_of(self, record: Record, key: int) -> Value:
        """Returns the value a field shows, None where it has none; of a smart field what its source shows."""
        value = self.own_value_of(record, key)
        return value if type(value) is not FieldRef else self.sources.value(record, key, value)

    def own_value_of(self, record: Record, key: int) -> Value:
        """Returns the value that a field itself holds: of a smart field the reference to its source."""
        heads = self._heads.united(record, key)
        if not heads:
            return None
        if len(heads) == 1:
            return self._value_alone(heads[0])
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

    def _readable(self, record: Record, key: int) -> Value:
        """Returns what a field holds for those who take from it: nothing while a conflict blocks it."""
        text = self._heads.key_texts[key]
        columns = self._model.columns_of.get(text, ())
        if columns and columns[0].field.on_conflict == "block" and self._is_in_conflict(record, text):
            return None
        return self.own_value_of(record, key)

    def _is_in_conflict(self, record: Record, text: str) -> bool:
        key = self._heads.key_numbers.get(text)
        return key is not None and len(self._heads.united(record, key)) > 1 and is_conflict(self.heads_of(record, key))

    def settle(self, record: Record, keys: set[int]) -> None:
        """Brings everything derived up to a record's heads, given which of its slots were written."""
        texts = {key: self._heads.key_texts[key] for key in keys}
        fields: dict[int, Shown] = {}
        for key, text in texts.items():
            if text[0] != "@":
                fields[key] = self._settle_field(record, key)
                self.changes.keys.add(text)
            elif text in (INVITE, LOG, CLOCK):
                self._settle_structure(record, key)
            elif text in (MAPPING, SAME):
                self._joins.append((record, key))
        relation = self._heads.key_numbers.get(RELATION)
        if relation is not None and self._heads.heads(record, relation):
            self._settle_relation(record, keys, fields)
            return
        self._settle_record(record, texts, fields)

    def _settle_field(self, record: Record, key: int) -> Shown:
        """Brings the list of open questions up to a field's heads, and forgets shadows of heads that are gone.

        Returns the value the field shows, and whether it is in question.
        """
        heads = self._heads.heads(record, key)
        if self.sources.is_used or any(type(self._value_at(oid)[0]) is FieldRef for oid in heads):
            said = [self._value_at(oid)[0] for oid in heads]
            self.sources.note(record, key, [value for value in said if not isinstance(value, Together)])
        if self._heads.has_classes:
            first = self._heads.class_of(record)[0]
            is_open = self._note_conflict(first, key)
            value = self.value_of(first, key)
        elif len(heads) > 1:
            several = self.heads_of(record, key)
            value, is_open = shown(several).value, is_conflict(several)
            if is_open:
                self._opened.append((record.eid, key, 1))
            else:
                self._closed.append((record.eid, key))
        else:
            value, is_open = self._value_alone(heads[0]) if heads else None, False
            if (record.eid, key) in self._heads.calmed:
                self._closed.append((record.eid, key))
        if type(value) is FieldRef:
            value = self.sources.value(record, key, value)
        if self._log.unread:
            for (oid,) in self._db.rows("SELECT oid FROM shadow WHERE eid = ? AND key = ?", (record.eid, key)):
                if oid not in heads:
                    self._db.execute("DELETE FROM shadow WHERE eid = ? AND key = ? AND oid = ?", (record.eid, key, oid))
        return value, is_open

    def _note_conflict(self, record: Record, key: int) -> bool:
        """Puts a field of a class on the list of open questions, or takes it off; tells whether it is in question.

        One row a key, the first one counts.
        """
        keys = self._heads.keys_of(key)
        heads = self._heads.united(record, key)
        if len(heads) > 1 and is_conflict(self.heads_of(record, key)):
            rows = [(record.eid, one, int(at == 0)) for at, one in enumerate(keys)]
            self._db.executemany("INSERT OR IGNORE INTO conflict(eid, key, main) VALUES(?, ?, ?)", rows)
            return True
        if not record.is_fresh and (len(keys) > 1 or record.ver.get(key) is not None or self._heads.same):
            self._db.executemany("DELETE FROM conflict WHERE eid = ? AND key = ?", [(record.eid, one) for one in keys])
        return False

    def _settle_class(self, members: Sequence[Record]) -> None:
        """Brings a class of merged records up to its heads: one of them stands for all, the others are out of sight."""
        exists = self._heads.key_number(EXISTS)
        now = max((self._life(one, exists) for one in members), key=_standing)
        for at, one in enumerate(members):
            alive = int(now) if at == 0 else int(Life.GONE)
            if one.alive != alive:
                one.alive = alive
                one.is_dirty = True
                self.sources.note_life(one)
        for table in self._tables_of(members):
            self._place_class(members, table, is_alive=now != Life.GONE)
        for one in members:
            self._settle_relations_at(one)

    def _tables_of(self, records: Iterable[Record]) -> list[str]:
        """Returns the tables that any of these records was ever in."""
        keys = {key for one in records for key in self._heads.slots(one)}
        tables = (table_of_member_key(self._heads.key_texts[key]) for key in keys)
        return sorted(table for table in tables if table is not None)

    def _place_class(self, members: Sequence[Record], table: str, *, is_alive: bool) -> None:
        key = self._heads.key_number(member_key(table))
        is_member = any(self._log.op_at(oid).is_live for one in members for oid in self._heads.heads(one, key))
        shelf = self._model.shelves.get(table)
        if shelf is None:
            for one in members:
                self._db.execute("DELETE FROM loose WHERE key = ? AND eid = ?", (key, one.eid))
            if is_member:
                self._db.execute("INSERT OR IGNORE INTO loose(key, eid) VALUES(?, ?)", (key, members[0].eid))
            return
        for one in members:
            self._model.delete_row(table, one.eid)
        if is_member and is_alive:
            self._model.insert_row(shelf, members[0].eid, self.shelf_values(members[0], shelf))
        self.changes.touch(table, [one.eid for one in members])

    def _settle_record(self, record: Record, texts: Mapping[int, str], fields: Mapping[int, Shown]) -> None:
        if self._heads.same:
            members = self._heads.class_of(record)
            if len(members) > 1:
                self._settle_class(members)
                return
        was_alive = record.alive != Life.GONE
        exists = self._heads.key_number(EXISTS)
        if exists in texts or exists in record.ver or not was_alive:
            now = self._life(record, exists)
            if now != record.alive:
                record.alive = int(now)
                record.is_dirty = True
                self.sources.note_life(record)
        is_alive = record.alive != Life.GONE
        moved = is_alive != was_alive
        if not moved and len(fields) < len(texts):
            moved = not self._heads.member_tables.keys().isdisjoint(texts)
        if moved:
            self._place_record(record, is_alive=is_alive)
            if is_alive != was_alive:
                self._settle_relations_at(record)
        elif is_alive:
            self._update_cells(record, fields)

    def _place_record(self, record: Record, *, is_alive: bool) -> None:
        """Puts a record's row into every table it belongs to, and takes it out of the others."""
        for key in self._heads.slots(record):
            table = self._heads.member_tables.get(key)
            if table is None:
                continue
            is_member = any(self._log.op_at(oid).is_live for oid in self._heads.heads(record, key))
            shelf = self._model.shelves.get(table)
            if shelf is None:
                sql = (
                    "INSERT OR IGNORE INTO loose(key, eid) VALUES(?, ?)"
                    if is_member
                    else "DELETE FROM loose WHERE key = ? AND eid = ?"
                )
                self._db.execute(sql, (key, record.eid))
                continue
            self._model.delete_row(table, record.eid)
            if is_member and is_alive:
                self._model.insert_row(shelf, record.eid, self.shelf_values(record, shelf))
            self.changes.touch(table, (record.eid,))

    def _update_cells(self, record: Record, fields: Mapping[int, Shown]) -> None:
        texts, columns_of = self._heads.key_texts, self._model.columns_of
        for key, (value, is_open) in fields.items():
            text = texts[key]
            for column in self._columns_of(text) if self._heads.has_classes else columns_of.get(text, ()):
                is_blocked = is_open and column.field.on_conflict == "block"
                self._update_cell(record, column, None if is_blocked else value)

    def _shown_in(self, record: Record, column: Column, key: int) -> Value:
        """Returns what a field shows in one column: nothing while it is blocked by a conflict."""
        if column.field.on_conflict == "block" and self._is_in_conflict(record, column.field.key):
            return None
        return self.value_of(record, key)

    def _renew_takers(self) -> None:
        """Shows smart fields anew whose sources changed in this batch."""
        for record, key in self.sources.moved():
            text = self._heads.key_texts[key]
            for column in self._columns_of(text):
                self._update_cell(record, column, self._shown_in(record, column, key))
            self.changes.keys.add(text)

    def _columns_of(self, text: str) -> list[Column]:
        """Returns every column that shows a field, under whichever of its names."""
        texts = self._heads.mapped.members(text)
        return [column for one in texts for column in self._model.columns_of.get(one, [])]

    def _update_cell(self, record: Record, column: Column, value: Value) -> None:
        rows = self._updates.get(column.owner)
        if rows is None:
            rows = self._updates[column.owner] = {}
        cells = rows.get(record.eid)
        if cells is None:
            cells = rows[record.eid] = {}
        cells[column] = column.cells(value)
        if column.is_in_title:
            titles = self._fallbacks if column.is_fallback else self._titles
            titles.setdefault(column.owner, {})[record.eid] = record

    def _life(self, record: Record, exists: int) -> Life:
        heads: list[ExistHead] = []
        for oid in self._heads.heads(record, exists):
            op = self._log.op_at(oid)
            heads.append(ExistHead(oid >> ORDINAL_BITS, bool(op.is_live), op.is_auto))
        deletes = [head.bundle for head in heads if not head.is_live]
        return life(heads, lambda: self._work(record, deletes), self._log.knows)

    def _work(self, record: Record, deletes: Sequence[int]) -> Iterator[Work]:
        for key in self._heads.slots(record):
            text = self._heads.key_texts[key]
            if is_field_key(text) or text == EXISTS or table_of_member_key(text) is not None:
                for oid in self._heads.heads(record, key):
                    yield self._work_at(oid, record.uuid, text)
        yield from self._merges_of(record.uuid)
        yield from self._unread_work(record.uuid, deletes)

    def _merges_of(self, uuid: bytes) -> Iterator[Work]:
        """Yields the merges of a record that stand: whoever deleted it without knowing of them meant something else."""
        same = self._heads.key_numbers.get(SAME)
        if same is None or len(self._heads.same.members(uuid)) == 1:
            return
        for (subject,) in self._db.rows("SELECT subject FROM merged WHERE low = ?1 OR high = ?1", (uuid,)):
            for oid in self._heads.heads(self._heads.need(subject), same):
                op = self._log.op_at(oid)
                if isinstance(op.op, Merge):
                    yield Work(oid >> ORDINAL_BITS, is_contesting=not op.is_auto, over=tuple)

    def _work_at(self, oid: int, subject: bytes, key: str) -> Work:
        op = self._log.op_at(oid)
        number = oid >> ORDINAL_BITS
        # What stays on this device says nothing against a deletion that everybody sees.
        is_contesting = not op.is_auto and op.is_live is not False and not self._log.is_local(number)
        return Work(number, is_contesting, lambda: self._work_over(op, subject, key))

    def _work_over(self, op: OpAt, subject: bytes, key: str) -> Iterator[Work]:
        for bundle, ordinal in op.over:
            target = self._log.number_of(bundle)
            if target is None or target in self._log.unread or not self._log.has_op(target, ordinal):
                continue
            oid = target << ORDINAL_BITS | ordinal
            other = self._log.op_at(oid)
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
        places = [
            n for n, at in enumerate(subject_indexes(op.subjects)) if chunk.subjects[at * 16 : at * 16 + 16] == subject
        ]
        if not places or isinstance(op, Relations | Relate):
            return
        offset = places[0] * (IMPLIED_COLUMNS + len(op.keys)) if isinstance(op, Rows) else 0
        found = self._log.op_at(number << ORDINAL_BITS | ordinal + offset)
        if (
            not found.is_auto
            and found.is_live is not False
            and (found.is_live or found.value is not None or isinstance(op, _FIELD_OPS))
        ):
            yield Work(number, is_contesting=True, over=tuple)

    # -- relations

    def _settle_relation(self, record: Record, keys: set[int], fields: Mapping[int, Shown]) -> None:
        relation = self._heads.key_number(RELATION)
        row = self._db.one("SELECT type, src, dst, live FROM edge WHERE eid = ?", (record.eid,))
        if relation in keys or row is None:
            ends = self._ends(record, relation)
            if ends is None:
                if row is not None:
                    self._end_relation(record, row)
                return
            type_name, source, target, is_live = ends
            if row is not None and self._heads.key_texts[row[0]] != type_name:
                self._end_relation(record, row)
            row = (
                self._heads.key_number(type_name),
                self._heads.class_of(self._heads.need(source))[0].eid,
                self._heads.class_of(self._heads.need(target))[0].eid,
                int(is_live),
            )
            self._db.execute(
                "INSERT OR REPLACE INTO edge(eid, type, src, dst, live) VALUES(?, ?, ?, ?, ?)", (record.eid, *row)
            )
            self.sources.note_life(record)
            self._show_relation(record, row)
        elif self._heads.key_numbers.get(POSITION) in keys:
            self._show_relation(record, row)
        else:
            self._update_cells(record, fields)

    def _end_relation(self, record: Record, row: Sequence[int]) -> None:
        """Takes a relation out of the table of the type that it was of; nothing says any more what it joins."""
        self._db.execute("DELETE FROM edge WHERE eid = ?", (record.eid,))
        self._show_relation(record, (*row[:3], 0))

    def _ends(self, record: Record, relation: int) -> tuple[str, bytes, bytes, bool] | None:
        """Returns type, source, target and whether it stands.

        The newest head that makes the relation says what it joins; where none does, the newest that once did.
        """
        ops = [self._log.op_at(oid) for oid in self._heads.heads(record, relation)]
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
            if isinstance(source, RecordRef) and isinstance(target, RecordRef):
                return newest.op.payload.type, source.id, target.id, stands
        return None

    def _block_row(self, found: OpAt) -> int:
        """Returns which row of its block a cell stands in."""
        number, ordinal = found.oid >> ORDINAL_BITS, found.oid & ORDINAL_MASK
        header = self._log.header(number)
        first = 0
        for index, ref in enumerate(header.chunks):
            if ordinal < first + ref.width:
                chunk, starts = self._log.chunk(number, index)
                start = next(
                    start
                    for start, op in zip(reversed(starts), reversed(chunk.ops), strict=True)
                    if start <= ordinal and op == found.op
                )
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
                other = self._log.op_at(target << ORDINAL_BITS | ordinal)
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
        self._model.insert_relation(
            shelf, record.eid, (src, dst), at if isinstance(at, str) else None, self.shelf_values(record, shelf)
        )

    def _is_alive(self, eid: int) -> bool:
        return any(record.alive != Life.GONE for record in self._heads.load_eids((eid,)))

    def _settle_relations_at(self, record: Record) -> None:
        rows = self._db.rows(
            "SELECT eid, type, src, dst, live FROM edge WHERE src = ?1 UNION SELECT eid, type, src, dst, live FROM edge"
            " WHERE dst = ?1",
            (record.eid,),
        )
        if not rows:
            return
        self._heads.flush()
        for eid, *row in rows:
            for relation in self._heads.load_eids((eid,)):
                self._show_relation(relation, row)

    # -- mappings and merges

    @property
    def has_joins(self) -> bool:
        """Tells whether this batch mapped or merged anything, or took that back."""
        return bool(self._joins)

    def settle_joins(self) -> None:
        """Brings classes up to the mappings and merges of this batch, and what they show with them."""
        joins, self._joins = self._joins, []
        keys: set[str] = set()
        uuids: set[bytes] = set()
        for record, key in joins:
            ops = [self._log.op_at(oid) for oid in self._heads.heads(record, key)]
            makers = [op.op for op in ops if op.is_live]
            table = "mapped" if self._heads.key_texts[key] == MAPPING else "merged"
            before = self._db.one(f"SELECT low, high FROM {table} WHERE subject = ?", (record.uuid,))  # noqa: S608 -- two names
            pair = before
            for maker in makers:
                if isinstance(maker, Map | Merge):
                    pair = (maker.payload.low, maker.payload.high)
            if pair is None:
                continue
            if table == "mapped":
                keys.update(map(str, pair))
            else:
                uuids.update(one for one in pair if isinstance(one, bytes))
            self._db.execute(f"DELETE FROM {table} WHERE subject = ?", (record.uuid,))  # noqa: S608
            if makers:
                self._db.execute(f"INSERT INTO {table}(subject, low, high) VALUES(?, ?, ?)", (record.uuid, *pair))
        keys.update(one for key in tuple(keys) for one in self._heads.mapped.members(key))
        uuids.update(one for uuid in tuple(uuids) for one in self._heads.same.members(uuid))
        self._heads.flush()
        self._heads.read_classes()
        self.sources.note_all()
        keys.update(one for key in tuple(keys) for one in self._heads.mapped.members(key))
        uuids.update(one for uuid in tuple(uuids) for one in self._heads.same.members(uuid))
        if uuids:
            self._renew_records(uuids)
        if keys:
            self._renew_keys(keys)
        self.finish()

    def _renew_records(self, uuids: Iterable[bytes]) -> None:
        """Shows records anew whose classes changed: as one row each class, with its questions and relations."""
        records = [self._heads.need(uuid) for uuid in sorted(uuids)]
        numbers = [record.eid for record in records]
        for eid in numbers:
            self._db.execute("DELETE FROM conflict WHERE eid = ?", (eid,))
        for table in self._tables_of(records):
            if table in self._model.shelves:
                for eid in numbers:
                    self._model.delete_row(table, eid)
                self.changes.touch(table, numbers)
        done: set[int] = set()
        for record in records:
            members = self._heads.class_of(record)
            if members[0].eid in done:
                continue
            done.add(members[0].eid)
            self._settle_class(members)
            for key in self._heads.class_slots(record):
                if is_field_key(self._heads.key_texts[key]):
                    self._note_conflict(members[0], key)
        self._renew_relations(numbers)
        self._renew_references(numbers)

    def _renew_relations(self, eids: Sequence[int]) -> None:
        """Ties relations to whoever stands for their ends now."""
        self._heads.flush()
        marks = ", ".join("?" * len(eids))
        sql = f"SELECT eid FROM edge WHERE src IN ({marks}) OR dst IN ({marks})"  # noqa: S608 -- question marks only
        relation = self._heads.key_number(RELATION)
        for record in self._heads.load_eids(row[0] for row in self._db.rows(sql, (*eids, *eids))):
            self._settle_relation(record, {relation}, {})

    def _renew_references(self, eids: Sequence[int]) -> None:
        """Points record fields at whoever stands for the record they name now."""
        for shelf in (*self._model.shelves.values(), *self._model.relations.values()):
            for column in shelf.columns:
                if column.field.type != "record":
                    continue
                for eid in eids:
                    sql = f'SELECT "~eid" FROM {quote(shelf.name)} WHERE {quote(column.name)} = ?'  # noqa: S608 -- quoted
                    for record in self._heads.load_eids(row[0] for row in self._db.rows(sql, (eid,))):
                        key = self._heads.key_number(column.field.key)
                        self._update_cell(record, column, self._shown_in(record, column, key))

    def _renew_keys(self, keys: Iterable[str]) -> None:
        """Shows fields anew whose mappings changed, in every record that has any of them."""
        numbers = [self._heads.key_number(key) for key in sorted(keys)]
        for number in numbers:
            self._db.execute("DELETE FROM conflict WHERE key = ?", (number,))
        # What is mapped now is one field, with one question and one value, in every table that shows it.
        classes = sorted({self._heads.keys_of(number) for number in numbers})
        fields = [
            (one, [column for key in one for column in self._model.columns_of.get(self._heads.key_texts[key], ())])
            for one in classes
        ]
        held = {column: self._cells_of(column) for _, columns in fields for column in columns}
        rows = {eid for cells in held.values() for eid in cells}
        done: set[int] = set()
        # Those out of sight too: their questions rest until they are back.
        for page in _pages(sorted(rows | self._heads.eids_with(numbers))):
            for record in self._heads.load_eids(page):
                first = self._heads.class_of(record)[0]
                if first.eid in done:
                    continue
                done.add(first.eid)
                for one, columns in fields:
                    self._renew_field(first, one, [(column, held[column]) for column in columns])
        self.changes.keys.update(keys)

    def _cells_of(self, column: Column) -> dict[int, SqlValue]:
        """Returns what stands in a column now, by local integer of the row."""
        sql = f'SELECT "~eid", {quote(column.name)} FROM {quote(column.owner)}'  # noqa: S608 -- quoted
        return dict(self._db.rows(sql))

    def _renew_field(
        self, record: Record, keys: Sequence[int], columns: Iterable[tuple[Column, Mapping[int, SqlValue]]]
    ) -> None:
        """Notes whether a field of a class is in question, and writes the cells of it that are not what they were."""
        heads = self._heads.united(record, keys[0])
        is_open = len(heads) > 1 and is_conflict(self.heads_of(record, keys[0]))
        if is_open:
            self._opened += [(record.eid, key, int(at == 0)) for at, key in enumerate(keys)]
        value: Value = None
        if len(heads) == 1:
            value = self._value_alone(heads[0])
        elif heads:
            value = self.own_value_of(record, keys[0])
        if type(value) is FieldRef:
            value = self.sources.value(record, keys[0], value)
        for column, held in columns:
            if record.eid not in held:
                continue
            cell = None if is_open and column.field.on_conflict == "block" else value
            if column.convert(cell) != held[record.eid]:
                self._update_cell(record, column, cell)

    # -- invitations, admissions, clocks

    def _settle_structure(self, record: Record, key: int) -> None:
        for oid in self._heads.heads(record, key):
            op = self._log.op_at(oid)
            payload = op.op
            if isinstance(payload, Admit):
                self._db.execute(
                    "INSERT OR IGNORE INTO admitted(log, actor) VALUES(?, ?)",
                    (payload.payload.log, payload.payload.actor),
                )
            elif isinstance(payload, LogClose):
                self._db.execute("UPDATE log SET closed = 1 WHERE id = ?", (payload.payload.log,))
            elif isinstance(payload, ClockAccept):
                at = wall_ms(Hlc(self._log.header(oid >> ORDINAL_BITS).claimed))
                # Of several people's acceptances the earliest counts, whichever came here first.
                self._db.execute(
                    "INSERT INTO accepted VALUES(?1, ?2) ON CONFLICT(bundle) DO UPDATE SET at = min(at, ?2)",
                    (payload.payload, at),
                )
                self._db.execute(
                    "UPDATE bundle SET at = (SELECT at FROM accepted WHERE bundle = ?1) WHERE id = ?1",
                    (payload.payload,),
                )
        if self._heads.key_texts[key] == INVITE:
            self._settle_invite(record, key)

    def _settle_invite(self, record: Record, key: int) -> None:
        ops = [self._log.op_at(oid) for oid in self._heads.heads(record, key)]
        opened = [op for op in ops if isinstance(op.op, InviteOpen)]
        if opened:
            newest = max(opened, key=lambda op: self._log.order_of(op.oid))
            if isinstance(newest.op, InviteOpen):
                payload = newest.op.payload
                self._db.execute(
                    "INSERT OR REPLACE INTO invite(public, label, open, oid) VALUES(?, ?, 1, ?)",
                    (payload.public_key, payload.label, newest.oid),
                )
            return
        for op in ops:
            for bundle, ordinal in op.over:
                target = self._log.number_of(bundle)
                if target is not None and self._log.has_op(target, ordinal):
                    behind = self._log.op_at(target << ORDINAL_BITS | ordinal).op
                    if isinstance(behind, InviteOpen):
                        self._db.execute("DELETE FROM invite WHERE public = ?", (behind.payload.public_key,))

    # -- tables that come and grow

    def renew_catalog(self) -> None:
        """Reads the catalog again; makes and fills the tables and columns that are new or changed, drops others."""
        catalog, before = self._loader.load(), self._model.forms()
        if catalog is self._model.catalog and self._loader.venue_zone == self._model.zone:
            return
        self.changes.is_schema = True
        self.sources.note_all()
        self._model.use(catalog, self._loader.venue_zone)
        self._loader.save()
        now = self._model.forms()
        for name, form in before.items():
            if name not in now or not form.grows_to(now[name]):
                self._put_by(name, is_table=form.is_table)
        made, grown = self._model.migrate()
        for name in made:
            if name in self._model.shelves:
                self._fill_table(name)
            else:
                self._fill_relation(name)
        for name, columns in grown.items():
            self._fill_columns(name, columns)
        self.finish()

    def _put_by(self, name: str, *, is_table: bool) -> None:
        """Drops a table or relation; who is in it, deleted ones too, is remembered for when it is made again."""
        key = self._heads.key_numbers.get(member_key(name))
        if is_table and key is not None:
            there = [eid for (eid,) in self._db.rows(f'SELECT "~eid" FROM {quote(name)}')]  # noqa: S608 -- a quoted name
            gone = [eid for (eid,) in self._db.rows("SELECT eid FROM entity WHERE alive = 0")]
            for page in _pages(gone):
                there += [one.eid for one in self._heads.load_eids(page) if self._stands_in(one, key)]
            self._db.executemany(
                "INSERT OR IGNORE INTO loose(key, eid) VALUES(?, ?)", [(key, eid) for eid in sorted(there)]
            )
        self._model.drop(name)

    def _stands_in(self, record: Record, key: int) -> bool:
        """Tells whether a record, itself or as the one that stands for its class, is a member of a table."""
        members = self._heads.class_of(record)
        return members[0].eid == record.eid and any(
            self._log.op_at(oid).is_live for one in members for oid in self._heads.heads(one, key)
        )

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
        rows = {
            eid: row for eid, *row in self._db.rows("SELECT eid, type, src, dst, live FROM edge WHERE type = ?", (key,))
        }
        for page in _pages(list(rows)):
            for record in self._heads.load_eids(page):
                self._show_relation(record, rows[record.eid])

    def _fill_columns(self, name: str, columns: Sequence[Column]) -> None:
        numbers = self._heads.key_numbers
        wanted = [(numbers[column.field.key], column) for column in columns if column.field.key in numbers]
        if not wanted:
            return
        eids = [eid for (eid,) in self._db.rows(f'SELECT "~eid" FROM "{name}"')]  # noqa: S608 -- a catalog name, checked when read
        for page in _pages(eids):
            for record in self._heads.load_eids(page):
                for key, column in wanted:
                    if self._heads.united(record, key):
                        self._update_cell(record, column, self._shown_in(record, column, key))


def _standing(state: Life) -> int:
    """Returns the order of lives among merged records: one that is there for sure counts before a contested one."""
    return (Life.GONE, Life.CONTESTED, Life.ALIVE).index(state)


def _pages(eids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(eids), _FILL_PAGE):
        yield eids[at : at + _FILL_PAGE]

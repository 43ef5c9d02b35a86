"""Edits: what somebody wants changed, checked against the tables, made into ops over exactly what they were looking at.

One edit becomes one bundle; an exception inside it writes nothing. Knows intents and ops; asks the desk (`workspace`)
for what is there and to seal and keep the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec

from openprod.catalog.check import check_fields, check_new, parse, parse_column, unknown_field
from openprod.catalog.tables import Field, Relation, Table
from openprod.merge.lists import Element
from openprod.model.bundle import CAUSE_EDIT, Cause
from openprod.model.errors import Refused
from openprod.model.ids import HASH_BYTES, derived_id, id_text
from openprod.model.ops import (
    COLUMNS_MAX,
    Chunk,
    Decide,
    Ends,
    Exist,
    KnownOp,
    Member,
    Place,
    Relate,
    Set,
    Text,
    Unrelate,
)
from openprod.model.slots import EXISTS, POSITION, RELATION, member_key
from openprod.model.values import BlobRef, FieldRef, ListValue, RecordRef, Value, value_key
from openprod.store.blobs import Blobs
from openprod.store.database import without_collector
from openprod.workspace import smart
from openprod.workspace.building import ChunkBuilder, Heads, Lists, Sight, SightDesk, Spot, TooMuch, Unordered
from openprod.workspace.building import Place as When
from openprod.workspace.drafts import Bulk, Draft, Listing, Typing, Written
from openprod.workspace.list_edit import ListEdit, NotAList, Writes, write_all, write_changes
from openprod.workspace.text_edit import NotAText, TextEdit
from openprod.workspace.through import Through, ThroughDesk

Settle = Callable[["Edit", str, "int | str | None", object], None]


class AmbiguousField(Refused):
    """A short field name means several fields of a record."""

    code = "edit.ambiguous_field"

    def __init__(self, name: str, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        super().__init__(f"'{name}' could be {' or '.join(keys)} of this record. Give the full name.")


class MovedOn(Refused):
    """A field does not hold what its editor expected to find."""

    code = "edit.moved_on"


class NotInTable(Refused):
    """A record is not in the table that was named."""

    code = "edit.not_in_table"


class NothingChosen(Refused):
    """A question was to be settled with neither a choice nor a value."""

    code = "conflict.nothing_chosen"


class NotARelation(Refused):
    """A record was given where a relation's own id is wanted."""

    code = "edit.not_a_relation"


class EditDesk(SightDesk, ThroughDesk, Protocol):
    """What an edit needs of the desk."""

    @property
    def blobs(self) -> Blobs:
        """The files kept beside the database."""
        ...

    def looking(self) -> AbstractContextManager[None]:
        """Holds the lock and one state of the database while an intent is read."""
        ...

    def place(self) -> When:
        """Returns how far history has come."""
        ...

    def new_ids(self, count: int) -> Sequence[bytes]:
        """Returns new record ids."""
        ...

    def oid_of(self, text: str) -> int:
        """Returns the local number of an op id."""
        ...

    def member_tables(self, uuid: bytes) -> list[str]:
        """Returns the tables a record is in."""
        ...

    def text_of(self, heads: Heads, field: Field) -> str:
        """Returns the letters that a field with these heads shows."""
        ...

    def elements(self, heads: Heads, field: Field) -> list[Element]:
        """Returns the elements of a list with these heads."""
        ...

    def relation_ends(self, uuid: bytes) -> Ends | None:
        """Returns what a relation joins, also one that was ended."""
        ...

    def uuid_in(self, text: str, drafts: Mapping[bytes, Draft], bulk: Sequence[Bulk]) -> bytes:
        """Returns the record a reference means."""
        ...

    def commit(self, label: str, cause: Cause, start: When, build: Callable[[Sight], list[Chunk]]) -> str | None:
        """Seals and keeps a bundle."""
        ...


class Edit:
    """Collects changes; a context manager that commits them as one bundle, or nothing on an exception.

    Record arguments take an id, a unique prefix of one, or TABLE:KEY. After the commit, `bundle` is its id in hex (None
    if there was nothing to write), `assumed` what was assumed in reading values, `conflicts` the ids of questions
    it left.
    """

    def __init__(self, workspace: EditDesk, label: str, cause: Cause | None, settle: Settle | None = None) -> None:
        self._workspace = workspace
        self._settle = settle
        self._label = label
        self._cause = cause if cause is not None else Cause(CAUSE_EDIT)
        self._drafts: dict[bytes, Draft] = {}
        self._bulk: list[Bulk] = []
        self._raw: list[tuple[type[KnownOp], bytes, str, object, Heads]] = []
        self._through = Through(workspace, self._drafts)
        self._late: list[Callable[[ChunkBuilder, Sight], None]] = []
        self._is_done = False
        self.start = workspace.place()
        self.bundle: str | None = None
        self.assumed: list[str] = []
        self._expected: list[tuple[bytes, str, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        self._is_done = True

    # -- intents

    def add(self, table: str, /, **fields: object) -> str:
        """Creates a record in a table and returns its id; raises FieldsRefused with every problem."""
        return self.add_record(table, fields)

    def add_record(self, table: str, fields: Mapping[str, object], *, record_id: bytes | None = None) -> str:
        """Creates a record from a mapping of fields, short names or full; `record_id` only for ids that are derived."""
        with self._workspace.looking():
            holder = self._workspace.catalog.table(table)
            checked = check_new(holder, self._with_references(holder, fields))
        self.assumed.extend(checked.assumed)
        uuid = record_id if record_id is not None else self._workspace.new_ids(1)[0]
        self._drafts[uuid] = Draft(
            uuid, table, {key: Written(value, ()) for key, value in checked.values.items() if value is not None}
        )
        return id_text(uuid)

    def add_many(self, table: str, fields: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
        """Creates many records at once: `rows` holds a raw value a field.

        Raises ColumnRefused naming the rows at fault.
        """
        with self._workspace.looking(), without_collector():
            return self._add_many(table, fields, rows)

    def _add_many(self, table: str, fields: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
        holder = self._workspace.catalog.table(table)
        found = [holder.resolve(name) for name in fields]
        for name, one in zip(fields, found, strict=True):
            if one is None:
                raise Refused(unknown_field(holder, name))
        columns = [one for one in found if one is not None]
        turned = list(zip(*rows, strict=True)) if rows else [() for _ in columns]
        values: list[Sequence[Value]] = []
        for column, raws in zip(columns, turned, strict=True):
            parsed, assumed = parse_column(column, self._column_references(column, raws))
            self.assumed.extend(f"Row {row + 1}: {note}" for row, note in assumed)
            self._check_required(column, parsed)
            values.append(parsed)
        given = {column.key for column in columns}
        for column in holder.fields.values():
            if column.key not in given and (column.default is not None or column.required):
                if column.default is None:
                    raise Refused(
                        f"{column.title} ({column.key}) is required in {holder.title}: give it for every row."
                    )
                columns.append(column)
                values.append([column.default] * len(rows))
        if len(columns) > COLUMNS_MAX:
            raise TooMuch(
                f"{len(columns)} fields at once are more than the {COLUMNS_MAX} that one import can write. Import some"
                " of them, then the others."
            )
        uuids: list[bytes] = list(self._workspace.new_ids(len(rows)))
        self._bulk.append(
            Bulk(
                table,
                tuple(column.key for column in columns),
                uuids,
                list(zip(*values, strict=True)) if values else [() for _ in rows],
            )
        )
        return [id_text(uuid) for uuid in uuids]

    def _check_required(self, column: Field, values: Sequence[Value]) -> None:
        if column.required and column.default is None and None in values:
            raise Refused(f"Row {list(values).index(None) + 1}: {column.title} ({column.key}) is required.")

    def set(self, record: str, fields: Mapping[str, object], heads: Mapping[str, Sequence[str]] | None = None) -> None:
        """Writes fields of a record; a value for a smart field is written where that is taken from.

        Args:
            record: which record, or the id of a relation for its properties.
            fields: raw values by short or full field name; None clears.
            heads: for each full field key, the op ids that the author was looking at; without it what was
                there when the edit began.
        """
        shown = heads or {}
        with self._workspace.looking():
            draft = self._draft(self._uuid(record))
            found: list[tuple[bytes, str, Written]] = []
            for holder, names in self._by_holder(draft, fields).items():
                checked = check_fields(self._holder(holder), self._with_references(self._holder(holder), names))
                self.assumed.extend(checked.assumed)
                for key, value in checked.values.items():
                    known = tuple(map(self._workspace.oid_of, shown[key])) if key in shown else None
                    found.append(self._through.written(draft, key, value, known))
        for uuid, key, written in found:
            self._draft(uuid).values[key] = written
            self._draft(uuid).assumed.discard(key)
            self._draft(uuid).texts.pop(key, None)
            self._draft(uuid).lists.pop(key, None)

    def text(self, record: str, key: str, heads: Sequence[str] | None = None) -> TextEdit:
        """Returns a text of a record, to type in: what is typed merges with what others type at the same time.

        Args:
            record: which record.
            key: short or full field name; raises NotAText for a field that does not merge.
            heads: the op ids that the author was looking at; without it what was there when the edit began.
        """
        with self._workspace.looking():
            draft = self._draft(self._uuid(record))
            # Where the field is taken from another record's, that is where somebody types.
            uuid, full, _ = self._through.written(draft, self._field_of(draft, key).key, "", None)
            draft, column = self._draft(uuid), self._workspace.catalog.field(full)
            if column.merge != "crdt":
                raise NotAText(
                    f"{column.title} ({column.key}) is one value and does not merge letter by letter. Set it: openprod"
                    " set RECORD FIELD=VALUE"
                )
            pending = draft.values.get(column.key)
            if draft.is_new or pending is not None:
                return self._pending_text(draft, column, pending)
            typing = draft.texts.get(column.key)
            if typing is None:
                known = tuple(map(self._workspace.oid_of, heads)) if heads is not None else None
                seen = self._workspace.heads_at(draft.uuid, column.key, self.start) if known is None else known
                change = TextEdit(self._workspace.text_of(seen, column), lambda text: _check_text(column, text))
                typing = draft.texts[column.key] = Typing(change, known)
            return typing.change

    def items(self, record: str, key: str, heads: Sequence[str] | None = None) -> ListEdit:
        """Returns a list of a record, to put things in and take them out: what others do to it meanwhile stays.

        Args:
            record: which record.
            key: short or full field name; raises NotAList for a field that holds no list.
            heads: the op ids that the author was looking at; without it what was there when the edit began.
        """
        with self._workspace.looking():
            draft = self._draft(self._uuid(record))
            uuid, full, _ = self._through.written(draft, self._field_of(draft, key).key, None, None)
            draft, column = self._draft(uuid), self._workspace.catalog.field(full)
            if column.type != "list":
                raise NotAList(f"{column.title} ({column.key}) holds one value, not a list. Set it.")
            if draft.is_new or column.key in draft.values:
                raise NotAList(f"{column.title} ({column.key}) is written by this very edit. Give all of it there.")
            listing = draft.lists.get(column.key)
            if listing is None:
                known = tuple(map(self._workspace.oid_of, heads)) if heads is not None else None
                seen = self._workspace.heads_at(draft.uuid, column.key, self.start) if known is None else known
                found = self._workspace.elements(seen, column)
                change = ListEdit(found, self._workspace.run, lambda raw: _read_item(column, raw))
                listing = draft.lists[column.key] = Listing(change, known)
            return listing.change

    def _pending_text(self, draft: Draft, column: Field, pending: Written | None) -> TextEdit:
        """Returns a text that this edit itself sets, to go on with."""
        heads = pending.heads if pending is not None else ()

        def check(text: str) -> None:
            _check_text(column, text)
            draft.values[column.key] = Written(text or None, heads)

        value = pending.value if pending is not None else None
        return TextEdit(value if isinstance(value, str) else "", check)

    def attach(self, record: str, field: str, path: Path, heads: Mapping[str, Sequence[str]] | None = None) -> BlobRef:
        """Keeps a copy of a file and lets a field of a record refer to it; returns what the field holds then.

        Args:
            record: which record.
            field: short or full name of a field for files.
            path: the file.
            heads: as in `set`.

        Raises:
            FieldsRefused: the field is none for files; nothing was kept.
            BlobUnreadable, BlobChanged, BlobNotKept: nothing was kept.
        """
        # Asked before the file is read, which may take a while.
        with self._workspace.looking():
            draft = self._draft(self._uuid(record))
        before = dict(draft.values)
        self.set(record, {field: BlobRef(bytes(HASH_BYTES), path.name, 0, "")}, heads)
        draft.values = before
        ref = self._workspace.blobs.add(path)
        self.set(record, {field: ref}, heads)
        return ref

    def expect(self, record: str, key: str, op: str) -> None:
        """Makes the whole edit depend on a field holding just one change when it is written; MovedOn otherwise.

        Args:
            record: which record.
            key: short or full field name.
            op: the id of the change.
        """
        uuid, oid = self._uuid(record), self._workspace.oid_of(op)
        full = self._field_of(self._draft(uuid), key).key
        source = self._workspace.source_of(uuid, full)
        if source is not None and self._workspace.stands_in(
            self._workspace.op_at(oid), source.end_uuid, source.end_key
        ):
            uuid, full = source.end_uuid, source.end_key
        self._expected.append((uuid, full, oid))

    def clear(self, record: str, key: str) -> None:
        """Clears a field; a smart one is no longer taken from anywhere then, and its source keeps its value."""
        self.set(record, {key: None})

    def refer(self, record: str, key: str, source: str, source_key: str) -> None:
        """Lets a field be taken from a field of another record: it shows that, and editing it edits that.

        Args:
            record: which record, or the id of a relation for a property.
            key: short or full name of its field.
            source: the record to take from.
            source_key: short or full name of the field there.

        Raises:
            CannotTake: another type, a text that merges, or the field itself in the end.
            AmbiguousField, Refused: a name that means several fields, or none.
        """
        with self._workspace.looking():
            draft, there = self._draft(self._uuid(record)), self._uuid(source)
            own = self._field_of(draft, key)
            other = self._field_of(self._draft(there), source_key)
            smart.check_fits(other, own)
            if self._is_away(self._draft(there)):
                raise smart.CannotTake(
                    f"{self._workspace.title(there)} is deleted, so nothing can be taken from it. Restore it first."
                )
            self._through.check_circle(own, draft.uuid, (there, other.key))
        draft.values[own.key] = Written(FieldRef(there, other.key), None)

    def type_here(self, record: str, key: str) -> None:
        """Lets a smart field be typed again: it keeps the value that it shows; raises TypedHere."""
        with self._workspace.looking():
            draft = self._draft(self._uuid(record))
            own = self._field_of(draft, key)
            source = self._workspace.source_of(draft.uuid, own.key)
        if source is None:
            raise smart.TypedHere(
                f"{own.title} ({own.key}) of {self._workspace.title(draft.uuid)} is typed here already."
            )
        draft.values[own.key] = Written(source.value, None)

    def set_property(self, relation_id: str, properties: Mapping[str, object]) -> None:
        """Writes properties of a relation."""
        self.set(relation_id, properties)

    def put(self, record: str, into: str) -> None:
        """Puts a record into a table."""
        with self._workspace.looking():
            self._workspace.catalog.table(into)
            draft = self._draft(self._uuid(record))
        draft.members.pop(into, None)
        draft.members[into] = True

    def remove(self, record: str, from_: str) -> None:
        """Takes a record out of a table; its values stay and come back with it."""
        with self._workspace.looking():
            self._workspace.catalog.table(from_)
            draft = self._draft(self._uuid(record))
            is_there = draft.members.get(from_) is True or (
                draft.table == from_ if draft.is_new else from_ in self._workspace.member_tables(draft.uuid)
            )
            if not is_there:
                raise NotInTable(
                    f"{self._workspace.title(draft.uuid)} is not in {from_}, so it cannot be taken out of it."
                )
        draft.members[from_] = False

    def delete(self, record: str) -> None:
        """Deletes a record; it can be restored. A relation, named by its own id, is ended."""
        with self._workspace.looking():
            draft = self._draft(self._uuid(record))
            is_relation = self._relation_of(draft) is not None
        if is_relation:
            draft.is_unrelated = True
        else:
            draft.exists = False

    def restore(self, record: str) -> None:
        """Brings a deleted record, or a relation that was ended, back."""
        with self._workspace.looking():
            draft = self._draft(self._uuid(record))
            ends = self._relation_of(draft)
        if ends is None:
            draft.exists = True
        else:
            draft.relation, draft.is_unrelated = ends, False

    def relate(self, source: str, relation: str, target: str, /, **properties: object) -> str:
        """Relates two records and returns the relation's own id."""
        return self.relate_records(source, relation, target, properties)

    def relate_records(
        self,
        source: str,
        relation: str,
        target: str,
        properties: Mapping[str, object],
        *,
        after: str | None = None,
        before: str | None = None,
    ) -> str:
        """Relates two records, properties given as a mapping.

        In an ordered relation the new entry comes after or before another one (the id of a relation from the same
        record), else at the end.
        """
        with self._workspace.looking():
            holder = self._workspace.catalog.relation(relation)
            ends = Ends(relation, self._uuid(source), self._uuid(target))
            self._check_source(holder, ends.source)
            checked = check_new(holder, self._with_references(holder, properties))
        self.assumed.extend(checked.assumed)
        uuid = (
            derived_id("relation", relation, ends.source, ends.target)
            if holder.unique
            else self._workspace.new_ids(1)[0]
        )
        given = {one.key for one in map(holder.resolve, properties) if one is not None}
        draft = self._drafts.setdefault(uuid, Draft(uuid))
        draft.relation, draft.is_unrelated = ends, False
        for key, value in checked.values.items():
            if value is not None and (key in given or key not in draft.values):
                draft.values[key] = Written(value, None)
                (draft.assumed.discard if key in given else draft.assumed.add)(key)
        if holder.ordered or after is not None or before is not None:
            self._place(draft, holder, after, before)
        return id_text(uuid)

    def move(self, relation_id: str, *, after: str | None = None, before: str | None = None) -> None:
        """Moves an entry of an ordered relation behind or in front of another one, or to the end."""
        with self._workspace.looking():
            draft = self._draft(self._uuid(relation_id))
            ends = draft.relation or self._workspace.relation_ends(draft.uuid)
            if ends is None:
                raise Unordered(f"{self._workspace.title(draft.uuid)} is no entry of a list. Give a relation's id.")
            self._place(draft, self._workspace.catalog.relation(ends.type), after, before)

    def _place(self, draft: Draft, relation: Relation, after: str | None, before: str | None) -> None:
        if not relation.ordered:
            raise Unordered(f"{relation.title} ({relation.name}) has no order, so nothing can be placed in it.")
        if after is not None and before is not None:
            raise Unordered("Say after which entry, or before which, not both.")
        anchor = after if after is not None else before
        draft.place = Spot(self._uuid(anchor) if anchor is not None else None, is_before=before is not None)

    def unrelate(self, relation_id: str) -> None:
        """Ends a relation, given its id; raises NotARelation."""
        with self._workspace.looking():
            draft = self._draft(self._uuid(relation_id))
            if self._relation_of(draft) is None:
                raise NotARelation(
                    f"{self._workspace.title(draft.uuid)} is a record, not a relation. Give the relation's own id, as"
                    " 'openprod relations RECORD' lists it."
                )
        draft.is_unrelated = True

    def resolve(self, conflict_id: str, *, choose: int | str | None = None, value: object = msgspec.UNSET) -> None:
        """Settles a question: `choose` takes an offered value by number or op id, else `value` is written; None clears.

        Raises NothingChosen where it is given neither.
        """
        if choose is None and value is msgspec.UNSET:
            raise NothingChosen(
                "Say which of the offered values it is to be (choose), or give another one (value); value=None clears."
            )
        if self._settle is None:
            raise AssertionError("only an edit that a workspace gives out settles questions")
        self._settle(self, conflict_id, choose, value)

    def decide(self, uuid: bytes, key: str, value: Value, heads: Heads) -> None:
        """Writes a decision over the heads it settles."""
        self._draft(uuid).values[key] = Written(value, heads, is_decision=True)

    def write_raw(self, kind: type[KnownOp], subject: bytes, key: str, payload: object, over: Heads = ()) -> None:
        """Adds a structural op (invitations, admissions, clocks) as it is."""
        self._raw.append((kind, subject, key, payload, over))

    def build_with(self, build: Callable[[ChunkBuilder, Sight], None]) -> None:
        """Adds ops that can only be known when the bundle is built, under the lock."""
        self._late.append(build)

    def has_new(self, uuid: bytes) -> bool:
        """Tells whether this edit makes the record of this id."""
        return uuid in self._drafts

    # -- helpers of the intents

    def _uuid(self, record: str) -> bytes:
        return self._workspace.uuid_in(record, self._drafts, self._bulk)

    def _draft(self, uuid: bytes) -> Draft:
        found = self._drafts.get(uuid)
        if found is None:
            bulk = next((one for one in self._bulk if uuid in one.places), None)
            found = self._drafts[uuid] = bulk.take(uuid) if bulk is not None else Draft(uuid)
        return found

    def _field_of(self, draft: Draft, name: str) -> Field:
        """Returns the field of a record that a short or full name means."""
        ((holder, _),) = self._by_holder(draft, {name: None}).items()
        found = self._holder(holder).resolve(name)
        return found if found is not None else self._workspace.catalog.field(name)

    def _is_away(self, draft: Draft) -> bool:
        """Tells whether a record is deleted, as this edit leaves it."""
        is_record = not draft.is_new and self._relation_of(draft) is None
        return draft.exists is False or (is_record and draft.exists is None and self._workspace.is_gone(draft.uuid))

    def _relation_of(self, draft: Draft) -> Ends | None:
        """Returns what the relation of a draft joins, None where it is of a record."""
        return draft.relation if draft.relation is not None else self._workspace.relation_ends(draft.uuid)

    def _holder(self, name: str) -> Table | Relation:
        catalog = self._workspace.catalog
        return catalog.relations[name] if name in catalog.relations else catalog.table(name)

    def _by_holder(self, draft: Draft, fields: Mapping[str, object]) -> dict[str, dict[str, object]]:
        """Sorts field names to the tables (or the relation) whose fields they are."""
        holders = self._holders(draft)
        found: dict[str, dict[str, object]] = {}
        for name, raw in fields.items():
            hits = {holder.name: one for holder in holders if (one := holder.resolve(name)) is not None}
            keys = sorted({one.key for one in hits.values()})
            # Fields that people mapped are one, whichever of their names is meant.
            if len({self.start.mapped.of(key) for key in keys}) > 1:
                raise AmbiguousField(name, keys)
            if hits:
                found.setdefault(next(iter(hits)), {})[name] = raw
                continue
            full = self._workspace.catalog.find_field(name)
            if full is None:
                raise Refused(
                    unknown_field(holders[0], name)
                    if holders
                    else f"This record is in no table, so '{name}' means nothing in it."
                )
            found.setdefault(full.table, {})[name] = raw
        return found

    def _holders(self, draft: Draft) -> list[Table | Relation]:
        catalog = self._workspace.catalog
        ends = self._relation_of(draft)
        if ends is not None:
            return [catalog.relations[ends.type]] if ends.type in catalog.relations else []
        names = [draft.table] if draft.table is not None else list(self._workspace.member_tables(draft.uuid))
        names += [name for name, is_in in draft.members.items() if is_in]
        return [catalog.tables[name] for name in dict.fromkeys(names) if name in catalog.tables]

    def _with_references(self, holder: Table | Relation, fields: Mapping[str, object]) -> dict[str, object]:
        """Turns what people give for a record field (TABLE:KEY, a prefix) into the record's id."""
        found = dict(fields)
        for name, raw in fields.items():
            one = holder.resolve(name)
            if one is not None and one.type == "record" and isinstance(raw, str) and raw.strip():
                found[name] = id_text(self._uuid(raw))
        return found

    def _column_references(self, column: Field, raws: Sequence[object]) -> Sequence[object]:
        if column.type != "record":
            return raws
        return [id_text(self._uuid(raw)) if isinstance(raw, str) and raw.strip() else raw for raw in raws]

    def _check_source(self, relation: Relation, source: bytes) -> None:
        """A module may only start its relations in its own table (D11.02); the other end is a hint."""
        draft = self._drafts.get(source)
        tables = set(self._workspace.member_tables(source)) if draft is None or not draft.is_new else {draft.table}
        if draft is not None:
            tables |= {name for name, is_in in draft.members.items() if is_in}
        tables |= {bulk.table for bulk in self._bulk if source in bulk.places}
        if relation.source not in tables:
            raise NotInTable(
                f"{relation.name} goes from records of {relation.source}, and {self._workspace.title(source)} is in"
                " none such. Put it there first, or give the records the other way round."
            )

    # -- committing

    def commit(self) -> None:
        """Writes what was collected as one bundle; nothing where nothing would change. A second call does nothing."""
        if self._is_done:
            return
        self._is_done = True
        if not (self._drafts or self._bulk or self._raw or self._late):
            return
        self.bundle = self._workspace.commit(self._label, self._cause, self.start, self._build)

    def _build(self, sight: Sight) -> list[Chunk]:
        """Returns the chunks of the bundle; called inside the transaction, with a view on what is there."""
        for uuid, key, oid in self._expected:
            if sight.heads_now(uuid, key) != (oid,):
                raise MovedOn(
                    f"{self._workspace.title(uuid)} does not hold just the change you expected in {key} any more, so "
                    f"nothing was written. Look at it again: openprod history {id_text(uuid)} {key}"
                )
        builder = ChunkBuilder(sight)
        self._drop_unmade()
        for bulk in self._bulk:
            builder.add_rows(bulk.table, bulk.keys, *bulk.left())
        self._build_new(builder)
        self._build_relations(builder)
        for draft in self._drafts.values():
            self._build_changes(builder, sight, draft)
        for kind, subject, key, payload, over in self._raw:
            builder.add_exactly(kind, (subject,), (key,), over, payload)
        for build in self._late:
            build(builder, sight)
        return builder.finish()

    def _build_new(self, builder: ChunkBuilder) -> None:
        tables: dict[str, list[Draft]] = {}
        for draft in self._drafts.values():
            if draft.birthplace is not None:
                tables.setdefault(draft.birthplace, []).append(draft)
        for table, drafts in tables.items():
            keys = tuple(dict.fromkeys(key for draft in drafts for key in draft.values))[:COLUMNS_MAX]
            rows = [tuple(draft.values[key].value if key in draft.values else None for key in keys) for draft in drafts]
            builder.add_rows(table, keys, [draft.uuid for draft in drafts], rows)
            for draft in drafts:
                _build_rest(builder, draft, keys)

    def _build_relations(self, builder: ChunkBuilder) -> None:
        types: dict[str, list[Draft]] = {}
        for draft in self._drafts.values():
            if draft.relation is not None and not draft.is_unrelated:
                types.setdefault(draft.relation.type, []).append(draft)
        lists = Lists(builder.sight)
        for name, drafts in types.items():
            known = {draft.uuid for draft in drafts if builder.sight.is_known(draft.uuid)}
            fresh = [draft for draft in drafts if draft.uuid not in known]
            keys = tuple(dict.fromkeys(key for draft in fresh for key in draft.values))[:COLUMNS_MAX]
            rows: list[tuple[Value, ...]] = []
            for draft in fresh:
                if draft.relation is not None:
                    cells = (draft.values[key].value if key in draft.values else None for key in keys)
                    at = lists.place(draft.uuid, draft.relation.source, name, draft.place)
                    rows.append((RecordRef(draft.relation.source), RecordRef(draft.relation.target), at, *cells))
            builder.add_relations(name, keys, [draft.uuid for draft in fresh], rows)
            for draft in drafts:
                if draft.uuid not in known:
                    _build_rest(builder, draft, keys)
                    draft.values, draft.place = {}, None
                    continue
                heads = builder.sight.heads(draft.uuid, RELATION)
                if not builder.sight.is_live(draft.uuid, RELATION) or len(heads) > 1:
                    builder.add(Relate, draft.uuid, RELATION, heads, draft.relation)
        for draft in self._drafts.values():
            self._build_place(builder, lists, draft)

    def _build_place(self, builder: ChunkBuilder, lists: Lists, draft: Draft) -> None:
        """Adds the move of an entry that is there already."""
        if draft.place is None or draft.is_unrelated:
            return
        ends = draft.relation or builder.sight.ends(draft.uuid)
        if ends is None:
            raise Unordered(f"{self._workspace.title(draft.uuid)} is no entry of a list.")
        at = lists.place(draft.uuid, ends.source, ends.type, draft.place)
        if at is not None:
            builder.add(Place, draft.uuid, POSITION, builder.sight.heads(draft.uuid, POSITION), at)

    def _drop_unmade(self) -> None:
        """Forgets relations of a record that this edit makes and takes away again."""
        unmade = {draft.uuid for draft in self._drafts.values() if draft.is_new and draft.birthplace is None}
        for draft in list(self._drafts.values()) if unmade else ():
            if draft.relation is not None and not unmade.isdisjoint((draft.relation.source, draft.relation.target)):
                del self._drafts[draft.uuid]

    def _build_changes(self, builder: ChunkBuilder, sight: Sight, draft: Draft) -> None:
        if draft.is_new:
            home = draft.birthplace
            for table, is_in in draft.members.items():
                if home is not None and is_in and table != home:
                    builder.add(Member, draft.uuid, member_key(table), (), payload=True)
            return
        if draft.exists is not None:
            self._build_existence(builder, sight, draft, is_live=draft.exists)
        for table, is_in in draft.members.items():
            heads = sight.heads(draft.uuid, member_key(table))
            # A person's putting a record where it is already is written: it stands against a removal elsewhere (S-30).
            if is_in or sight.is_live(draft.uuid, member_key(table)):
                builder.add(Member, draft.uuid, member_key(table), heads, is_in)
        if draft.is_unrelated:
            if sight.is_live(draft.uuid, RELATION):
                builder.add(Unrelate, draft.uuid, RELATION, sight.heads(draft.uuid, RELATION), None)
            return
        for key, written in draft.values.items():
            # What somebody chose for a relation that is there already stays; a default is no choice.
            if key in draft.assumed and sight.heads(draft.uuid, key):
                continue
            heads = written.heads if written.heads is not None else sight.heads(draft.uuid, key)
            if written.is_decision:
                builder.add(Decide, draft.uuid, key, heads, written.value)
            elif self._is_settled(sight, draft.uuid, key, heads, written.value):
                continue
            elif self._is_list(key) and not isinstance(written.value, FieldRef):
                write_all(_writer(builder, draft.uuid, key), heads, written.value, sight.run)
            else:
                builder.add(Set, draft.uuid, key, heads, written.value)
        for key, typing in draft.texts.items():
            self._build_text(builder, sight, draft.uuid, key, typing)
        for key, listing in draft.lists.items():
            self._build_list(builder, sight, draft.uuid, key, listing)

    def _is_list(self, key: str) -> bool:
        column = self._workspace.catalog.find_field(key)
        return column is not None and column.type == "list"

    def _build_list(self, builder: ChunkBuilder, sight: Sight, uuid: bytes, key: str, listing: Listing) -> None:
        heads = listing.heads if listing.heads is not None else sight.heads(uuid, key)
        gone, come = listing.change.changes()
        if not gone and not come:
            return
        column = self._workspace.catalog.field(key)
        check_fields(self._holder(column.table), {key: listing.change.values})
        write_changes(_writer(builder, uuid, key), map(self._workspace.op_at, heads), gone, come)

    def _build_text(self, builder: ChunkBuilder, sight: Sight, uuid: bytes, key: str, typing: Typing) -> None:
        heads = typing.heads if typing.heads is not None else sight.heads(uuid, key)
        column = self._workspace.catalog.field(key)
        check_fields(self._holder(column.table), {key: typing.change.text})
        typed = sight.typed(uuid, key, heads, typing.change.splices)
        if typed is not None:
            builder.add(Text, uuid, key, typed.over, typed.payload)

    def _is_settled(self, sight: Sight, uuid: bytes, key: str, heads: Heads, value: Value) -> bool:
        """Tells whether writing a value would change nothing: it is the one, uncontested value already."""
        now = sight.heads_now(uuid, key)
        if not now:
            return value is None
        said = {value_key(one) for one in sight.says(now).values()}
        # What many put into a list is one value.
        is_one = len(now) == 1 or (self._is_list(key) and len(said) == 1)
        return is_one and set(heads) == set(now) and value_key(value) in said

    def _build_existence(self, builder: ChunkBuilder, sight: Sight, draft: Draft, *, is_live: bool) -> None:
        heads = sight.heads(draft.uuid, EXISTS)
        if not heads:
            return
        if is_live and not sight.has_delete(draft.uuid):
            return
        if not is_live and sight.is_gone(draft.uuid):
            return
        builder.add(Exist, draft.uuid, EXISTS, heads, is_live)


def _build_rest(builder: ChunkBuilder, draft: Draft, keys: Sequence[str]) -> None:
    """Adds the values of a new record or relation that found no column in its row block."""
    for key, written in draft.values.items():
        if key not in keys and written.value is not None:
            builder.add(Set, draft.uuid, key, (), written.value)


def _writer(builder: ChunkBuilder, uuid: bytes, key: str) -> Writes:
    def write(kind: type[KnownOp], over: Heads, payload: object) -> None:
        builder.add(kind, uuid, key, over, payload)

    return write


def _read_item(column: Field, raw: object) -> Value:
    """Returns what something given for a list's element means; raises FieldRefused."""
    read = parse(column, [raw])[0]
    return read.items[0] if isinstance(read, ListValue) else None


def _check_text(column: Field, text: str) -> None:
    """Raises FieldRefused where a text is none that the field can hold."""
    parse(column, text)

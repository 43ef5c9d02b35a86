"""A window of a question's rows, with what a grid needs of every cell, all from one state of the workspace.

Values, the writes they come from, which of them compete, and the records that each row is related to. Called with the
desk's lock held; writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openprod.catalog.names import quote
from openprod.catalog.tables import Relation, Table
from openprod.merge.heads import is_conflict
from openprod.model.ids import id_from_text, id_text
from openprod.model.natural import natural_key
from openprod.model.values import plain
from openprod.query.touch import touched
from openprod.store.heads import Record
from openprod.workspace import taking
from openprod.workspace.asking import Asker, Question
from openprod.workspace.desk import Desk
from openprod.workspace.meaning import Changes
from openprod.workspace.shapes import EndShape, RelationColumn, RowShape, Values

ENDS_SHOWN = 200
OUT, IN = "->", "<-"


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of a question and how many there are in all; `touches` names the tables, relations and fields it read."""

    count: int
    rows: list[RowShape]
    touches: frozenset[str]

    def is_touched_by(self, changes: Changes) -> bool:
        """Tells whether a commit may have changed what is in the window, or how many rows there are."""
        return changes.is_schema or touched(self.touches, (*changes.rows, *changes.keys))


def columns(desk: Desk, table: str) -> list[RelationColumn]:
    """Returns the relations that records of a table can have here, as columns, those that start here first."""
    catalog = desk.catalog
    name = catalog.table(table).name
    found: list[RelationColumn] = []
    for one in catalog.relations.values():
        here = [target for target in one.target_hint if target in catalog.tables]
        # A relation into tables of modules that are not used here has nobody to name.
        if one.source == name and not one.hidden and (here or not one.target_hint):
            found.append(_column(one, OUT, one.title, here))
    found.extend(
        _column(one, IN, one.inverse or one.title, [one.source])
        for one in catalog.relations.values()
        if name in one.target_hint and not one.hidden and one.source in catalog.tables
    )
    return found


def _column(relation: Relation, arrow: str, title: str, tables: list[str]) -> RelationColumn:
    return {
        "key": f"{arrow}{relation.name}",
        "relation": relation.name,
        "title": title,
        "is_source": arrow == OUT,
        "tables": tables,
        "ordered": relation.ordered,
    }


def read(desk: Desk, asker: Asker, question: Question, cells: str | None) -> Window:
    """Returns a window of rows.

    Args:
        desk: the workspace.
        asker: answers the question.
        question: the question, with offset and limit.
        cells: the table whose cells the rows show; None for values alone.
    """
    found, touches = asker.window(question)
    offset, limit = question.offset or 0, question.limit
    is_last = limit is None or (len(found) < limit and (offset == 0 or found != []))
    count = offset + len(found) if is_last else asker.count(question)
    rows: list[RowShape] = [
        {"values": values, "heads": {}, "taken": {}, "conflicts": [], "ends": {}, "staged": {}} for values in found
    ]
    if cells is not None:
        table = desk.catalog.table(cells)
        touches |= {table.name, *(key for field in table.fields.values() for key in desk.keys_of(field.key))}
        records = _records(desk, rows)
        touches |= _add_heads(desk, table, rows, records)
        touches |= _add_ends(desk, table, rows, records)
    return Window(count, rows, touches)


def place(desk: Desk, asker: Asker, form: Mapping[str, object], record: bytes) -> int | None:
    """Returns the place of a record among a query's rows, None where it is not among them."""
    wanted = id_text(record)
    # One small column instead of every field: only the order counts.
    table = desk.catalog.tables.get(str(form.get("from")))
    name = next(iter(table.fields.values())).key if table is not None and table.fields else None
    if name is not None and "select" not in form and "group" not in form:
        form = {**form, "select": {"place": name}}
    rows, _ = asker.window(Question(None, None, form, None, None, {}))
    return next((at for at, row in enumerate(rows) if row.get("id") == wanted), None)


def _records(desk: Desk, rows: Sequence[RowShape]) -> list[Record | None]:
    uuids = [id_from_text(str(row["values"]["id"])) for row in rows]
    desk.heads.load(uuids)
    return [desk.heads.fetch(uuid) for uuid in uuids]


def _add_heads(desk: Desk, table: Table, rows: Sequence[RowShape], records: Sequence[Record | None]) -> set[str]:
    """Puts the writes behind each cell into its row; returns the keys of what smart fields among them show."""
    touches: set[str] = set()
    for row, record in zip(rows, records, strict=True) if desk.meaning.sources.is_used else ():
        sources = taking.sources_in(desk, record, (field.key for field in table.fields.values())) if record else {}
        for key, source in sources.items():
            row["taken"][key] = taking.shape(desk, source)
            row["heads"][key] = [desk.op_text(oid) for oid in taking.heads_shown(desk, source, ())]
            touches |= {source.key, source.end_key, *desk.member_tables(source.uuid)}
    for key in (field.key for field in table.fields.values()):
        number = desk.heads.key_numbers.get(key)
        if number is None and len(desk.keys_of(key)) > 1:
            number = desk.heads.key_number(key)
        if number is None:
            continue
        for row, record in zip(rows, records, strict=True):
            oids = desk.heads.united(record, number) if record is not None else ()
            if oids:
                row["heads"][key] = [*(desk.op_text(oid) for oid in oids), *row["heads"].get(key, ())]
                if desk.is_staging and record is not None and any(map(desk.is_staged, oids)):
                    row["staged"][key] = desk.value_below(record, key)
            if len(oids) > 1 and record is not None and is_conflict(desk.meaning.heads_of(record, number)):
                row["conflicts"].append(key)
    return touches


def _add_ends(desk: Desk, table: Table, rows: Sequence[RowShape], records: Sequence[Record | None]) -> set[str]:
    """Puts the other ends of each row's relations into it, those of ordered ones in order, others by title."""
    by_eid = {record.eid: row for row, record in zip(rows, records, strict=True) if record is not None}
    titles: dict[int, tuple[str, str] | None] = {}
    touches: set[str] = set()
    for column in columns(desk, table.name):
        touches |= {column["relation"], *column["tables"]}
        own, other = ('"~src"', '"~dst"') if column["is_source"] else ('"~dst"', '"~src"')
        sql = f'SELECT {own}, {other}, "~eid", "~pos" FROM {quote(column["relation"])} WHERE {own} IN carray(?)'  # noqa: S608 -- catalog names
        grouped: dict[int, list[tuple[str, EndShape]]] = {}
        edges = desk.db.numbers(sql, by_eid)
        properties = _properties(desk, column["relation"], [edge for _, _, edge, _ in edges])
        for eid, end, edge, position in edges:
            if end not in titles:
                titles[end] = _titled(desk, end, touches)
            named = titles[end]
            relation = desk.heads.uuid_of(edge)
            if named is None or relation is None:
                continue
            order = str(position or "") if column["ordered"] and column["is_source"] else natural_key(named[1])
            shape: EndShape = {
                "relation": id_text(relation),
                "record": named[0],
                "title": named[1],
                "properties": properties.get(edge, {}),
            }
            grouped.setdefault(eid, []).append((order, shape))
        for eid, found in grouped.items():
            in_order = sorted(found, key=lambda one: (one[0], one[1]["title"], one[1]["relation"]))
            by_eid[eid]["ends"][column["key"]] = [shape for _, shape in in_order[:ENDS_SHOWN]]
    return touches


def _properties(desk: Desk, relation: str, edges: Sequence[int]) -> dict[int, Values]:
    """Returns the properties that have a value, of relations of one kind, by the relation's number."""
    keys = [field.key for field in desk.catalog.relation(relation).properties.values()]
    if not keys:
        return {}
    uuids = [uuid for uuid in map(desk.heads.uuid_of, edges) if uuid is not None]
    desk.heads.load(uuids)
    found: dict[int, Values] = {}
    for uuid in uuids:
        record = desk.heads.fetch(uuid)
        if record is not None:
            values = desk.meaning.values_of(record, keys)
            found[record.eid] = {key: plain(value) for key, value in values.items() if value is not None}
    return found


def _titled(desk: Desk, eid: int, touches: set[str]) -> tuple[str, str] | None:
    """Returns id and title of a record, and notes the tables that its title may come from."""
    uuid = desk.heads.uuid_of(eid)
    if uuid is None:
        return None
    touches.update(desk.member_tables(uuid))
    return id_text(uuid), desk.title(uuid)

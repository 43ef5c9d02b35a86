"""Whole columns of a table at once, as lists: what an import compares a file with.

Reads the read model as the queries do; writes nothing. Must not know files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from openprod.catalog.names import quote, reader
from openprod.catalog.tables import Field, Relation, Table
from openprod.model.ids import id_text
from openprod.model.values import Plain
from openprod.workspace.desk import Desk


@dataclass(frozen=True, slots=True)
class Columns:
    """Some columns of a table.

    Attributes:
        ids: the records' ids.
        eids: their local numbers.
        values: by field key, the values in that order, in plain form.
    """

    ids: Sequence[str]
    eids: Sequence[int]
    values: Mapping[str, Sequence[Plain]]


def read(desk: Desk, table: Table, fields: Sequence[Field], eids: Iterable[int] | None = None) -> Columns:
    """Returns columns of a table.

    Args:
        desk: the workspace.
        table: the table.
        fields: the fields of it that are wanted.
        eids: the local numbers of the records that are wanted, in any order; None for all.
    """
    shown = [_expression(one) for one in fields]
    sql = ", ".join(['t1."~eid"', "e1.uuid", *shown])
    text = f'SELECT {sql} FROM {quote(table.name)} AS t1 CROSS JOIN entity AS e1 ON e1.eid = t1."~eid"'  # noqa: S608 -- catalog names
    with desk.looking():
        some = f'{text} WHERE t1."~eid" IN carray(?)'
        rows = desk.db.rows(text) if eids is None else desk.db.numbers(some, eids)
    if not rows:
        return Columns((), (), {one.key: () for one in fields})
    numbers, uuids, *columns = zip(*rows, strict=True)
    values: dict[str, Sequence[Plain]] = {}
    for one, column in zip(fields, columns, strict=True):
        if one.type == "record":
            values[one.key] = [id_text(stored) if isinstance(stored, bytes) else None for stored in column]
        elif one.type in ("text", "choice") and set(map(type, column)) <= {str, type(None)}:
            values[one.key] = cast("Sequence[Plain]", column)
        else:
            values[one.key] = list(map(reader(one.type), column))
    return Columns(list(map(id_text, uuids)), cast("Sequence[int]", numbers), values)


def _expression(one: Field) -> str:
    column = f"t1.{quote(one.column)}"
    return column if one.type != "record" else f"(SELECT uuid FROM entity WHERE eid = {column})"  # noqa: S608 -- catalog names


def titles(desk: Desk, table: str) -> dict[str, str]:
    """Returns what each record of a table is called, by its id."""
    sql = f'SELECT uuid, "~title" FROM {quote(table)} CROSS JOIN entity ON eid = "~eid"'  # noqa: S608 -- catalog names
    with desk.looking():
        return {id_text(uuid): title or "" for uuid, title in desk.db.rows(sql)}


def edges(desk: Desk, relation: Relation, *, is_source: bool = True) -> dict[str, dict[str, str]]:
    """Returns what a relation joins: by record, by the record at the other end, the relation's own id.

    Args:
        desk: the workspace.
        relation: the relation.
        is_source: the first record is where it starts; False for where it ends.
    """
    near, far = ('"~src"', '"~dst"') if is_source else ('"~dst"', '"~src"')
    sql = (
        f"SELECT near.uuid, far.uuid, own.uuid FROM {quote(relation.name)} AS edge"  # noqa: S608 -- catalog names
        f" CROSS JOIN entity AS near ON near.eid = edge.{near} CROSS JOIN entity AS far ON far.eid = edge.{far}"
        ' CROSS JOIN entity AS own ON own.eid = edge."~eid" ORDER BY own.uuid DESC'
    )
    found: dict[str, dict[str, str]] = {}
    with desk.looking():
        for one, other, own in desk.db.rows(sql):
            found.setdefault(id_text(one), {})[id_text(other)] = id_text(own)
    return found


def properties(desk: Desk, relation: Relation) -> dict[str, dict[str, Plain]]:
    """Returns the properties of all relations of a kind, in plain form: by the relation's id, by full key."""
    fields = list(relation.properties.values())
    shown = "".join(f", {_expression(one)}" for one in fields)
    sql = f'SELECT own.uuid{shown} FROM {quote(relation.name)} AS t1 CROSS JOIN entity AS own ON own.eid = t1."~eid"'  # noqa: S608 -- catalog names
    readers = [id_or_none if one.type == "record" else reader(one.type) for one in fields]
    with desk.looking():
        return {
            id_text(row[0]): {one.key: read(cell) for one, read, cell in zip(fields, readers, row[1:], strict=True)}
            for row in desk.db.rows(sql)
        }


def id_or_none(stored: object) -> Plain:
    """Returns the id of a record as the statement gives it."""
    return id_text(stored) if isinstance(stored, bytes) else None

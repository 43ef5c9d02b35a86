"""What is to leave as a file: a table or the answer of a query, with the type of every column, whoever writes it then.

Knows how a table's fields and a query's columns become one thing. Must not know any format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from openprod.catalog.tables import Field, FieldType
from openprod.model.errors import Refused

if TYPE_CHECKING:
    from openprod.workspace.view import View

ID = "id"
IDS = "ids"
_NEITHER = (ID, IDS)


class NoSuchColumn(Refused):
    """A row was to be chosen by a column that the answer does not have."""

    code = "export.no_such_column"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: what a program calls it, and the import knows it by.
        title: what people call it.
        type: the type of its values.
        field: the field it shows as it is, None where it is worked out.
    """

    name: str
    title: str
    type: FieldType
    field: Field | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows with their columns.

    Attributes:
        name: the full name of the table or the query.
        title: what people call it.
        table: the full name of the table whose records the rows are, empty where they are no records of one.
        columns: the columns.
        ids: for each row the ids of the records it is of, joined by a plus; empty where it is of none.
        rows: plain values, one for each column.
    """

    name: str
    title: str
    table: str
    columns: tuple[Column, ...]
    ids: list[str]
    rows: list[list[object]]

    def at(self, name: str) -> int | None:
        """Returns the place of a column by its name, None if there is none."""
        return next((place for place, one in enumerate(self.columns) if one.name == name), None)

    def only(self, wanted: Mapping[str, str]) -> Listing:
        """Returns the rows whose columns show these texts, regardless of case; raises NoSuchColumn."""
        places: list[tuple[int, str]] = []
        for name, text in wanted.items():
            place = self.at(name)
            if place is None:
                there = ", ".join(one.name for one in self.columns)
                raise NoSuchColumn(f"{self.name} has no column '{name}'. It has: {there}.")
            places.append((place, text.casefold()))
        kept = [
            (one, row)
            for one, row in zip(self.ids, self.rows, strict=True)
            if all(str(row[place]).casefold() == text for place, text in places)
        ]
        ids, rows = [one for one, _ in kept], [row for _, row in kept]
        return Listing(self.name, self.title, self.table, self.columns, ids, rows)


def of_table(view: View, table: str, fields: Sequence[str] = (), where: str = "", *, is_whole: bool = False) -> Listing:
    """Returns a table.

    Args:
        view: where it is read.
        table: its full name.
        fields: names of the fields to give, in this order; none gives every one that is not hidden.
        where: a condition on the records.
        is_whole: give the hidden fields too: ids by which other programs know their own.

    Raises:
        UnknownName: there is no such table or field.
    """
    found = view.catalog.table(table)
    chosen = [view.catalog.resolve_field(table, name) for name in fields]
    chosen = chosen or [one for one in found.fields.values() if is_whole or not one.hidden]
    names = {f"f{at}": one.key for at, one in enumerate(chosen)}
    form: dict[str, object] = {"from": table, "select": names}
    if where:
        form["where"] = where
    columns = tuple(Column(one.column, one.title or one.name, one.type, one) for one in chosen)
    ids: list[str] = []
    rows: list[list[object]] = []
    for row in view.query(query=form):
        ids.append(str(row[ID]))
        rows.append([row[name] for name in names])
    return Listing(table, found.title, table, columns, ids, rows)


def of_query(view: View, name: str, params: Mapping[str, object] | None = None) -> Listing:
    """Returns the answer of a saved query; raises what asking it raises."""
    ids: list[str] = []
    rows: list[list[object]] = []
    with view.answer(name, params=params) as answer:
        shown = [one for one in answer.columns if one.name not in _NEITHER and one.kind != "id"]
        for row in answer.rows:
            ids.append("+".join(_ids_in(row)))
            rows.append([row.get(one.name) for one in shown])
    columns = tuple(Column(one.name, one.name.replace("_", " ").capitalize(), one.type) for one in shown)
    title = name.rpartition(".")[2].replace("_", " ").capitalize()
    return Listing(name, title, "", columns, ids, rows)


def _ids_in(row: Mapping[str, object]) -> Iterator[str]:
    own, others = row.get(ID), row.get(IDS)
    if isinstance(own, str):
        yield own
    if isinstance(others, dict):
        for _, one in sorted(others.items()):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] (JSON)
            if isinstance(one, str) and one != own:
                yield one

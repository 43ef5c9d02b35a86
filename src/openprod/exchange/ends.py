"""Which records a cell names at the other end of a relation: by id, TABLE:KEY, key, or what they are called.

Knows titles and keys. Must not know files, nor what is done with what is found; a text that fits several is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from openprod.catalog.tables import Field, Table
from openprod.exchange.columns import End
from openprod.exchange.matching import comparable
from openprod.exchange.sheet import plainly
from openprod.model.errors import Missing
from openprod.model.ids import id_from_text
from openprod.workspace import columns

if TYPE_CHECKING:
    from openprod.workspace.view import View

SEPARATORS = re.compile(r"[;\n]")
OFFERED = 3


class EndFinder:
    """Finds records by what a cell says; each table's names are read once."""

    def __init__(self, workspace: View) -> None:
        self._workspace = workspace
        self._names: dict[str, _Names] = {}
        self._found: dict[tuple[tuple[str, ...], str], tuple[str | None, str]] = {}

    def __call__(self, end: End, text: str) -> tuple[list[str], list[str]]:
        """Returns the ids of the records that a cell of a relation names, and why others were not found."""
        found: dict[str, None] = {}
        problems: list[str] = []
        for part in SEPARATORS.split(text):
            part = part.strip().removeprefix("- ").strip()  # noqa: PLW2901 (the same text, bare)
            if not part:
                continue
            record, why = self.find(end.tables, part)
            if record is None and "," in part:
                several = [self.find(end.tables, one.strip()) for one in part.split(",") if one.strip()]
                found.update({one: None for one, _ in several if one is not None})
                problems += [reason for one, reason in several if one is None]
            elif record is None:
                problems.append(why)
            else:
                found[record] = None
        return list(found), problems

    def names_records(self, end: End, cells: Sequence[str]) -> bool:
        """Tells whether half of some cells name records at the other end of a relation."""
        hits = sum(bool(self(end, cell)[0]) for cell in cells)
        return not cells or hits * 2 >= len(cells)

    def find(self, tables: Sequence[str], text: str) -> tuple[str | None, str]:
        """Returns the id of the one record of some tables that a text names, or None and why."""
        key = (tuple(tables), text)
        known = self._found.get(key)
        if known is None:
            known = self._found[key] = self._find(tables, text)
        return known

    def _find(self, tables: Sequence[str], text: str) -> tuple[str | None, str]:
        try:
            id_from_text(text)
        except ValueError:
            pass
        else:
            return text.lower(), ""
        if re.match(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*:", text):
            try:
                return self._workspace.ref(text), ""
            except Missing as error:
                return None, str(error).rstrip(".")
        here = [name for name in tables if name in self._workspace.catalog.tables]
        for way in range(_Names.WAYS):
            hits = {record: None for name in here for record in self.names(name).by(way, text)}
            if len(hits) == 1:
                return next(iter(hits)), ""
            if hits:
                titles = [
                    self.names(name).titles[one] for one in hits for name in here if one in self.names(name).titles
                ]
                return None, f"'{text}' could be {' or '.join(titles[:OFFERED])}"
        listed = " or ".join(self._workspace.catalog.tables[name].title for name in here) or "the tables here"
        return None, f"nothing in {listed} is called '{text}'"

    def names(self, table: str) -> _Names:
        """Returns the names of a table's records."""
        found = self._names.get(table)
        if found is None:
            found = self._names[table] = _Names(self._workspace, self._workspace.catalog.table(table))
        return found


class _Names:
    """What the records of a table are called: by key, by title, by other names, by the end of the title."""

    WAYS = 4

    def __init__(self, workspace: View, table: Table) -> None:
        fields = [one for one in table.fields.values() if one.name in table.key or one.shared_key or _is_name(one)]
        read = columns.read(workspace.desk, table, fields)
        self.titles = columns.titles(workspace.desk, table.name)
        self._key = next((one for one in fields if one.name == table.key[-1]), None) if table.key else None
        if self._key is not None and len(table.key) > 1:
            lead = [one for one in table.key[:-1] if table.fields[one].default is None]
            self._key = None if lead else self._key
        self._ways: list[dict[object, list[str]]] = [{}, {}, {}, {}]
        if self._key is not None:
            for record, value in zip(read.ids, read.values[self._key.key], strict=True):
                self._add(0, comparable(self._key, value), record)
        for record in read.ids:
            title = self.titles.get(record, "")
            self._add(1, plainly(title), record)
            self._add(3, plainly(title.rpartition(" ")[2]), record)
        for one in fields:
            if one.type in ("text", "choice", "natural", "outline"):
                for record, value in zip(read.ids, read.values[one.key], strict=True):
                    self._add(2, plainly(str(value or "")), record)

    def _add(self, way: int, name: object, record: str) -> None:
        if name:
            held = self._ways[way].setdefault(name, [])
            if record not in held[:2]:
                held.append(record)

    def by(self, way: int, text: str) -> Iterable[str]:
        """Returns the records that a text is the name of in one way."""
        if way == 0:
            return self._ways[0].get(comparable(self._key, text), ()) if self._key is not None else ()
        return self._ways[way].get(plainly(text), ())


def _is_name(one: Field) -> bool:
    return one.type == "text" and one.name in ("name", "code", "short", "title", "number")

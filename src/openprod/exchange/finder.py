"""Which record a text means in a field that holds a record, and the new ones that a file names in passing.

Knows keys and the desk's public face. Must not know files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from openprod.catalog.tables import Field
from openprod.exchange.plan import ImportPlan
from openprod.model.errors import Missing
from openprod.model.ids import id_from_text

if TYPE_CHECKING:
    from openprod.workspace.view import View
    from openprod.workspace.write import Edit


@dataclass(frozen=True, slots=True)
class Target:
    """A record that a file names in passing and that is not here yet: the position of an instrument."""

    id: str
    table: str
    field: str
    text: str


class Finder:
    """Finds the record that a text means in a record field: an id, TABLE:KEY, or a key in one of the field's tables.

    A text that is none of these becomes a new record where the field's only table is known by one text, like the
    positions of instruments; the edit it is drafted in is never committed, it only gives the id.
    """

    def __init__(self, workspace: View, edit: Edit) -> None:
        self._workspace = workspace
        self._edit = edit
        self._found: dict[tuple[str, str], str] = {}
        self._targets: dict[str, Target] = {}
        self._by_text: dict[tuple[str, str], str] = {}

    def __call__(self, one: Field, text: str) -> str:
        """Returns the record's id; raises UnknownRecord or AmbiguousRecord."""
        known = self._found.get((one.key, text))
        if known is None:
            known = self._found[one.key, text] = self._find(one, text)
        return known

    def used(self, found: ImportPlan) -> list[Target]:
        """Returns the new records that a plan needs, in the order the file names them."""
        if not self._targets:
            return []
        values = {value for row in found.creates for value in row if isinstance(value, str)}
        values |= {value for update in found.updates for value in update.values.values() if isinstance(value, str)}
        return [target for target in self._targets.values() if target.id in values]

    def _find(self, one: Field, text: str) -> str:
        try:
            id_from_text(text)
        except ValueError:
            pass
        else:
            return text
        if ":" not in text:
            for table in one.target:
                try:
                    return self._workspace.ref(f"{table}:{text}")
                except Missing:
                    continue
        try:
            return self._workspace.ref(text)
        except Missing:
            made = self._made(one, text)
            if made is None:
                raise
            return made

    def _made(self, one: Field, text: str) -> str | None:
        """Returns the id of a new record that is known by this text alone, None where the text does not suffice."""
        if len(one.target) != 1 or one.target[0] not in self._workspace.catalog.tables:
            return None
        table = self._workspace.catalog.table(one.target[0])
        key = table.resolve(table.key[0]) if len(table.key) == 1 else None
        if key is None or key.type != "text":
            return None
        if any(field.required and field.default is None for field in table.fields.values() if field is not key):
            return None
        known = self._by_text.get((table.name, text))
        if known is None:
            known = self._edit.add_record(table.name, {key.name: text})
            self._by_text[table.name, text] = known
            self._targets[known] = Target(known, table.name, key.name, text)
        return known

"""What an edit collects before it becomes ops: a draft a record or relation, and blocks of many new records at once.

Knows nothing but its own shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from openprod.model.ops import Ends
from openprod.model.values import Value
from openprod.workspace.building import Heads, Spot
from openprod.workspace.list_edit import ListEdit
from openprod.workspace.text_edit import TextEdit


@dataclass(slots=True)
class Written:
    """A value to write, over which heads; None = over what the editor saw when the edit began."""

    value: Value
    heads: Heads | None
    is_decision: bool = False


@dataclass(slots=True)
class Typing:
    """What an edit types in a text, over which heads; None = over what the editor saw when the edit began."""

    change: TextEdit
    heads: Heads | None


@dataclass(slots=True)
class Listing:
    """What an edit changes in a list, over which heads; None = over what the editor saw when the edit began."""

    change: ListEdit
    heads: Heads | None


@dataclass(slots=True)
class Draft:
    """What an edit does to one record or relation so far.

    Attributes:
        table: the table that a record made by this edit was added to.
        assumed: those of the values that nobody gave: defaults of a relation's properties.
        texts: what is typed in texts, by field.
        lists: what is put into and taken out of lists, by field.
    """

    uuid: bytes
    table: str | None = None
    values: dict[str, Written] = field(default_factory=dict[str, Written])
    members: dict[str, bool] = field(default_factory=dict[str, bool])
    exists: bool | None = None
    relation: Ends | None = None
    place: Spot | None = None
    is_unrelated: bool = False
    assumed: set[str] = field(default_factory=set[str])
    texts: dict[str, Typing] = field(default_factory=dict[str, Typing])
    lists: dict[str, Listing] = field(default_factory=dict[str, Listing])

    @property
    def is_new(self) -> bool:
        """Tells whether this edit makes the record."""
        return self.table is not None

    @property
    def birthplace(self) -> str | None:
        """The table a new record is made in: the one it was added to or, taken out of that again, the next it is in.

        None where this edit makes no record after all.
        """
        if self.table is None or self.exists is False:
            return None
        if self.members.get(self.table) is not False:
            return self.table
        return next((name for name, is_in in self.members.items() if is_in), None)


@dataclass(slots=True)
class Bulk:
    """Many new records of one table, a value a key; `places` says which row is whose."""

    table: str
    keys: tuple[str, ...]
    uuids: list[bytes]
    rows: list[tuple[Value, ...]]
    places: dict[bytes, int] = field(init=False)

    def __post_init__(self) -> None:
        """Notes where each record stands."""
        self.places = {uuid: place for place, uuid in enumerate(self.uuids)}

    def take(self, uuid: bytes) -> Draft:
        """Takes a record out, as the draft of a new one, because the edit goes on with it."""
        row = self.rows[self.places.pop(uuid)]
        values = {key: Written(one, ()) for key, one in zip(self.keys, row, strict=True) if one is not None}
        return Draft(uuid, self.table, values)

    def left(self) -> tuple[Sequence[bytes], Sequence[tuple[Value, ...]]]:
        """Returns the ids and rows that nobody took out."""
        if len(self.places) == len(self.uuids):
            return self.uuids, self.rows
        return list(self.places), [self.rows[place] for place in self.places.values()]

"""What a page may do in one step: the intents of an edit, and how each reaches the bundle in the making.

Knows the workspace's edit and nothing else of it. Must not know sockets or HTTP, and checks no rule of the data:
the edit does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol, TypedDict

import msgspec
from msgspec import Meta, Struct

from openprod.server.call import IDS_MAX, Args, Given, Name, Text
from openprod.workspace.shapes import Heads

INTENTS_MAX = 20_000


class Intent(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do"):
    """One thing a person wants done; the tag `do` says which."""


class NewEnd(Struct, frozen=True, forbid_unknown_fields=True):
    """A relation that a new record gets: its column (`->NAME` or `<-NAME`) and the record at the other end."""

    column: Annotated[str, Meta(pattern="^(->|<-).", max_length=1_024)]
    record: Name


class Add(Intent, frozen=True, tag="add"):
    """Makes a record in a table, with its first relations."""

    table: Name
    fields: Given = {}
    ends: Annotated[list[NewEnd], Meta(max_length=IDS_MAX)] = []


class SetFields(Intent, frozen=True, tag="set"):
    """Sets fields of a record; `heads` are the writes the person was looking at, by field."""

    record: Name
    fields: Given
    heads: Heads | None = None


class Clear(Intent, frozen=True, tag="clear"):
    """Empties one field of a record."""

    record: Name
    field: Name
    heads: Heads | None = None


class Put(Intent, frozen=True, tag="put"):
    """Puts a record into one more table."""

    record: Name
    into: Name


class Remove(Intent, frozen=True, tag="remove"):
    """Takes a record out of a table."""

    record: Name
    from_: Name = msgspec.field(name="from")


class Delete(Intent, frozen=True, tag="delete"):
    """Deletes a record; it stays in history and can be restored."""

    record: Name


class Restore(Intent, frozen=True, tag="restore"):
    """Brings a deleted record back."""

    record: Name


class Relate(Intent, frozen=True, tag="relate"):
    """Relates two records; in a relation with an order at the end, or behind or in front of another relation."""

    source: Name
    relation: Name
    target: Name
    properties: Given = {}
    after: Name | None = None
    before: Name | None = None


class Move(Intent, frozen=True, tag="move"):
    """Moves an entry of an ordered relation behind or in front of another one, or to the end."""

    relation: Name
    after: Name | None = None
    before: Name | None = None


class Unrelate(Intent, frozen=True, tag="unrelate"):
    """Takes a relation away."""

    relation: Name


class SetProperty(Intent, frozen=True, tag="set_property"):
    """Sets properties of a relation."""

    relation: Name
    properties: Given


class Refer(Intent, frozen=True, tag="refer"):
    """Lets a field be taken from a field of another record: it shows that, and editing it edits that."""

    record: Name
    field: Name
    source: Name
    source_field: Name


class TypeHere(Intent, frozen=True, tag="type_here"):
    """Lets a field that is taken from elsewhere be typed again, with the value it shows."""

    record: Name
    field: Name


AnyIntent = (
    Add
    | SetFields
    | Clear
    | Put
    | Remove
    | Delete
    | Restore
    | Relate
    | Move
    | Unrelate
    | SetProperty
    | Refer
    | TypeHere
)


class Edit(Args, frozen=True):
    """Things to do in one step: all of them or none, one entry in the history."""

    intents: Annotated[list[AnyIntent], Meta(min_length=1, max_length=INTENTS_MAX)]
    label: Text = ""


class Added(TypedDict):
    """Id of the record or relation each intent made, null where it made none."""

    made: list[str | None]


class Editing(Protocol):
    """One bundle in the making; see `openprod.workspace.write.Edit`."""

    def add_record(self, table: str, fields: Mapping[str, object], /) -> str:
        """Makes a record; returns its id."""
        ...

    def set(self, record: str, fields: Mapping[str, object], heads: Mapping[str, Sequence[str]] | None = None) -> None:
        """Writes fields; None clears."""
        ...

    def put(self, record: str, into: str) -> None:
        """Puts a record into a table."""
        ...

    def remove(self, record: str, from_: str) -> None:
        """Takes a record out of a table."""
        ...

    def delete(self, record: str) -> None:
        """Deletes a record."""
        ...

    def restore(self, record: str) -> None:
        """Brings a record back."""
        ...

    def relate_records(
        self,
        source: str,
        relation: str,
        target: str,
        properties: Mapping[str, object],
        /,
        *,
        after: str | None = None,
        before: str | None = None,
    ) -> str:
        """Relates two records; returns the relation's id."""
        ...

    def move(self, relation_id: str, /, *, after: str | None = None, before: str | None = None) -> None:
        """Moves an entry of an ordered relation."""
        ...

    def unrelate(self, relation_id: str) -> None:
        """Takes a relation away."""
        ...

    def set_property(self, relation_id: str, properties: Mapping[str, object]) -> None:
        """Writes properties of a relation."""
        ...

    def refer(self, record: str, key: str, source: str, source_key: str) -> None:
        """Lets a field be taken from a field of another record."""
        ...

    def type_here(self, record: str, key: str) -> None:
        """Lets a field that is taken from elsewhere be typed again."""
        ...


def do(edit: Editing, intent: AnyIntent) -> str | None:
    """Hands one intent to the bundle in the making; returns the id of what it made."""
    match intent:
        case Add():
            return _add(edit, intent)
        case Relate():
            return edit.relate_records(
                intent.source,
                intent.relation,
                intent.target,
                intent.properties,
                after=intent.after,
                before=intent.before,
            )
        case Move():
            edit.move(intent.relation, after=intent.after, before=intent.before)
        case SetFields():
            edit.set(intent.record, intent.fields, heads=intent.heads)
        case Clear():
            edit.set(intent.record, {intent.field: None}, heads=intent.heads)
        case Put():
            edit.put(intent.record, into=intent.into)
        case Remove():
            edit.remove(intent.record, from_=intent.from_)
        case Delete():
            edit.delete(intent.record)
        case Restore():
            edit.restore(intent.record)
        case Unrelate():
            edit.unrelate(intent.relation)
        case SetProperty():
            edit.set_property(intent.relation, intent.properties)
        case Refer():
            edit.refer(intent.record, intent.field, intent.source, intent.source_field)
        case TypeHere():
            edit.type_here(intent.record, intent.field)
    return None


def _add(edit: Editing, intent: Add) -> str:
    record = edit.add_record(intent.table, intent.fields)
    for end in intent.ends:
        ends = (record, end.record) if end.column.startswith("->") else (end.record, record)
        edit.relate_records(ends[0], end.column[2:], ends[1], {})
    return record

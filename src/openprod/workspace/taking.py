"""What people read of smart fields: where each is taken from, and whose heads count as looked at.

Knows the desk and the sentences. How references are followed is `smart`'s, how they are edited `through`'s.
"""

from __future__ import annotations

from collections.abc import Iterable

from openprod.model.ids import id_text
from openprod.model.values import FieldRef, RecordRef, Value
from openprod.store.heads import Record
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import TakenShape
from openprod.workspace.smart import Lead, Source
from openprod.workspace.wording import Words


def sources_in(desk: Desk, record: Record, keys: Iterable[str]) -> dict[str, Source]:
    """Returns what the fields of a record, by full key, are taken from; those that are typed are not in it."""
    if not desk.meaning.sources.is_used:
        return {}
    found = {key: desk.source_of(record.uuid, key) for key in keys}
    return {key: source for key, source in found.items() if source is not None}


def heads_shown(desk: Desk, source: Source | None, own: Iterable[int]) -> list[int]:
    """Returns the writes that somebody who looks at a field looks at: its own, and those of its source."""
    behind = desk.heads_now(source.end_uuid, source.end_key) if source is not None and source.lead == Lead.OK else ()
    return list(dict.fromkeys((*own, *behind)))


def shape(desk: Desk, source: Source) -> TakenShape:
    """Returns what a field is taken from, as it is handed out."""
    return {
        "record": id_text(desk.standing(source.uuid)),
        "title": desk.title(source.uuid) if desk.is_known(source.uuid) else "",
        "field": source.key,
        "end_record": id_text(desk.standing(source.end_uuid)),
        "end_field": source.end_key,
        "state": source.lead.value,
        "text": desk.source_text(source),
    }


def said(desk: Desk, value: Value) -> Value:
    """Returns a value as sentences say it: references by what they refer to."""
    if type(value) is FieldRef:
        return Words(desk.taken_text(value.id, value.key))
    if type(value) is RecordRef and desk.is_known(value.id):
        return Words(desk.title(value.id))
    return value

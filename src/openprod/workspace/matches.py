"""Matches: records that may be one, found by what they have in common. Suggestions only; people merge.

Equal are values that are the same to the letter: a whole natural key within one table, an e-mail address, a mapped
field between records of different tables. Nothing never matches nothing, and what many share identifies nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from openprod.catalog.names import quote
from openprod.catalog.tables import Field, Table
from openprod.model.errors import Missing
from openprod.model.ids import id_text
from openprod.model.slots import SAME
from openprod.workspace.desk import Desk
from openprod.workspace.repair import MATCH_KIND, declined, merge_id
from openprod.workspace.shapes import MatchShape

SHARED_MAX = 5
EMAIL = "email"
# What tells things apart; two with one date or one status have little in common.
TELLING_TYPES = ("text", "natural", "outline", "int", "decimal")

Pair = tuple[bytes, bytes]


class NoMatch(Missing):
    """No suggested merge goes by that id."""

    code = "merge.no_match"


def matches(desk: Desk) -> list[MatchShape]:
    """Returns the suggested merges, by the records' titles; those declined or split are not among them."""
    found: dict[Pair, set[str]] = {}
    for key, groups in _groups(desk):
        for uuids in groups:
            for one, other in _pairs(desk, uuids):
                found.setdefault((one, other), set()).add(key)
    refused = declined(desk, MATCH_KIND)
    shapes = [
        _shape(desk, pair, sorted(keys))
        for pair, keys in found.items()
        if (id_text(pair[0]), id_text(pair[1])) not in refused and not _was_split(desk, pair)
    ]
    return sorted(shapes, key=lambda shape: (shape["text"], shape["id"]))


def find(desk: Desk, reference: str) -> MatchShape:
    """Returns the suggested merge of an id or a beginning of it; raises NoMatch."""
    found = [one for one in matches(desk) if one["id"].startswith(reference)]
    if not reference or len(found) != 1:
        raise NoMatch(f"No merge is suggested under '{reference}'. 'openprod matches' lists those that are.")
    return found[0]


def _shape(desk: Desk, pair: Pair, keys: Sequence[str]) -> MatchShape:
    titles = [desk.title(uuid) for uuid in pair]
    names = " and ".join(dict.fromkeys(_name(desk, key) for key in keys))
    tables = [" and ".join(desk.catalog.table(one).title for one in _tables(desk, uuid)) for uuid in pair]
    text = f"{titles[0]} ({tables[0]}) and {titles[1]} ({tables[1]}) have the same {names}. Are they one?"
    return {
        "id": merge_id(*pair)[:4].hex(),
        "one": id_text(pair[0]),
        "other": id_text(pair[1]),
        "titles": titles,
        "fields": list(keys),
        "text": text,
    }


def _name(desk: Desk, key: str) -> str:
    field = desk.catalog.find_field(key)
    return (field.title if field is not None else key).lower()


def _tables(desk: Desk, uuid: bytes) -> list[str]:
    return [name for name in desk.member_tables(uuid) if name in desk.catalog.tables]


def _pairs(desk: Desk, uuids: Sequence[bytes]) -> Iterator[Pair]:
    """Yields the pairs among records that share a value; none where so many do that it identifies nobody."""
    some = sorted({desk.standing(uuid) for uuid in uuids})
    if len(some) <= SHARED_MAX:
        yield from ((one, other) for at, one in enumerate(some) for other in some[at + 1 :])


def _was_split(desk: Desk, pair: Pair) -> bool:
    """Tells whether people merged these two and took it back: they know better."""
    heads = [
        desk.heads_now(merge_id(one, other), SAME)
        for one in desk.subjects_of(pair[0])
        for other in desk.subjects_of(pair[1])
    ]
    return any(heads)


def _groups(desk: Desk) -> Iterator[tuple[str, list[list[bytes]]]]:
    """Yields (field key, groups of records that hold the same value there)."""
    tables = [table for table in desk.catalog.tables.values() if table.module != "core"]
    for table in tables:
        columns = _key_columns(table)
        if columns:
            yield columns[0].key, _same_in(desk, [(table, columns)])
    emails = [(table, [one]) for table in tables for one in table.fields.values() if one.shared_key == EMAIL]
    if emails:
        yield emails[0][1][0].key, _same_in(desk, emails)
    for keys in desk.heads.mapped.all():
        places = [(table, [one]) for table in tables for one in table.fields.values() if one.key in keys]
        if len({table.name for table, _ in places}) > 1 and places[0][1][0].type in TELLING_TYPES:
            yield keys[0], [group for group in _same_in(desk, places) if _is_across(desk, group)]


def _key_columns(table: Table) -> list[Field]:
    """Returns the fields that tell a table's records apart, those that must be given first; none where nothing must."""
    fields = [table.fields[name] for name in table.key]
    return sorted(fields, key=lambda one: not one.required) if any(one.required for one in fields) else []


def _same_in(desk: Desk, places: Sequence[tuple[Table, Sequence[Field]]]) -> list[list[bytes]]:
    """Returns groups of records that hold the same values in these fields of these tables, to the letter."""
    groups: dict[tuple[object, ...], list[bytes]] = {}
    for table, fields in places:
        shelf = desk.model.shelves.get(table.name)
        if shelf is None:
            continue
        columns = ", ".join(quote(one.sort_column or one.column) for one in fields)
        sql = f'SELECT uuid, {columns} FROM {quote(table.name)} JOIN entity ON eid = "~eid"'  # noqa: S608 -- quoted
        for uuid, *values in desk.db.rows(sql):
            # A required part that is missing matches nothing; others count as they are, and all of them must agree.
            if all(value is not None or not one.required for value, one in zip(values, fields, strict=True)) and any(
                value is not None for value in values
            ):
                groups.setdefault(tuple(values), []).append(uuid)
    return [uuids for uuids in groups.values() if len(set(uuids)) > 1]


def _is_across(desk: Desk, uuids: Sequence[bytes]) -> bool:
    """Tells whether records stand in different tables: two in one table with one name are two who are called so."""
    return len({tuple(_tables(desk, uuid)) for uuid in uuids}) > 1

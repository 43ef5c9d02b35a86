"""SQL names and SQL values of the read model, and what a record is called in a sentence.

Knows how a field's value stands in its column and comes back, the statements that make a table, and titles. Must not
know SQLite's connection, entities' local integers (they are passed in as functions) or where a value came from. Speed
matters here: converters are made once for each column and called for each row.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from openprod.catalog.tables import Field, FieldType, Relation, Table
from openprod.model.values import (
    Date,
    DateTime,
    Decimal,
    Duration,
    Natural,
    Outline,
    Plain,
    RecordRef,
    Time,
    Value,
    decode_value,
    encode_value,
    plain,
    seconds,
    sort_key,
    value_key,
)

SqlValue: TypeAlias = int | float | str | bytes | None
ToSql: TypeAlias = Callable[[Value], SqlValue]
FromSql: TypeAlias = Callable[[SqlValue], Plain]

TITLE_CHARACTERS_MAX = 120
_SQL_TYPES: Mapping[FieldType, str] = {"bool": "INTEGER", "int": "INTEGER", "float": "REAL", "duration": "INTEGER"}
_SQL_TYPES_OTHER: Mapping[FieldType, str] = {"record": "INTEGER", "field": "BLOB", "blob": "BLOB", "list": "BLOB"}
_PLACEHOLDER = re.compile(r"\{([a-z0-9_.]+)\}")


def quote(name: str) -> str:
    """Returns a name as SQL takes it whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def column_names(fields: Mapping[str, Field]) -> list[str]:
    """Returns the names of the SQL columns of fields, in order, sort columns after their own."""
    return [name for name, _ in _columns(fields)]


def ddl(table: Table) -> list[str]:
    """Returns the statements that make a table of the read model."""
    return [_create(table.name, ['"~eid" INTEGER PRIMARY KEY', '"~title" TEXT'], table.fields)]


def relation_ddl(relation: Relation) -> list[str]:
    """Returns the statements that make the table of a relation and its indexes: an ordered one has three."""
    fixed = ['"~eid" INTEGER PRIMARY KEY', '"~src" INTEGER NOT NULL', '"~dst" INTEGER NOT NULL', '"~pos" TEXT']
    name = quote(relation.name)
    found = [
        _create(relation.name, fixed, relation.properties),
        f'CREATE INDEX {quote(relation.name + "~src")} ON {name}("~src","~dst")',
        f'CREATE INDEX {quote(relation.name + "~dst")} ON {name}("~dst","~src")',
    ]
    if relation.ordered:
        found.append(f'CREATE INDEX {quote(relation.name + "~pos")} ON {name}("~src","~pos")')
    return found


def column_ddl(table_name: str, field: Field) -> list[str]:
    """Returns the statements that add a field's columns to a table that is there."""
    return [
        f"ALTER TABLE {quote(table_name)} ADD COLUMN {quote(name)} {kind}"
        for name, kind in _columns({field.column: field})
    ]


def to_sql(field_type: FieldType, value: Value, eid_of: Callable[[bytes], int | None] | None = None) -> SqlValue:
    """Returns how a value stands in the column of a field type; see `converter`."""
    return converter(field_type, eid_of)(value)


def converter(field_type: FieldType, eid_of: Callable[[bytes], int | None] | None = None) -> ToSql:
    """Returns the function that turns values of one field into what stands in its column.

    A value of another type than the field's stands as its msgpack bytes, so nothing is lost or mistaken.

    Args:
        field_type: the field's type.
        eid_of: the local integer of a record's id; without it a record stands as its msgpack bytes.
    """
    if field_type == "record" and eid_of is not None:
        return lambda value: eid_of(value.id) if type(value) is RecordRef else _to_other(value)
    return _TO_SQL[field_type]


def sort_converter(field_type: FieldType, venue_zone: str = "") -> ToSql | None:
    """Returns the function that gives the sort column of a value, or None for types without one.

    Args:
        field_type: the field's type.
        venue_zone: the IANA zone of datetimes that name none; empty takes them as UTC.
    """
    match field_type:
        case "natural":
            return _sort_natural
        case "outline":
            return _sort_outline
        case "decimal":
            return _sort_decimal
        case "datetime":
            return lambda value: utc_text(value, venue_zone) if type(value) is DateTime else None
        case _:
            return None


def from_sql(field_type: FieldType, stored: SqlValue, id_of: Callable[[int], str] | None = None) -> Plain:
    """Returns the plain form of what stands in a column; see `reader`."""
    return reader(field_type, id_of)(stored)


def reader(field_type: FieldType, id_of: Callable[[int], str] | None = None) -> FromSql:
    """Returns the function that turns a column's content into the plain form of `model.values.plain`.

    Args:
        field_type: the field's type.
        id_of: the UUID text of a record's local integer; without it the integer itself is given.
    """
    if field_type == "record" and id_of is not None:
        return lambda stored: id_of(stored) if type(stored) is int else _from_other(stored)
    return _FROM_SQL.get(field_type, _from_other)


def utc_text(moment: DateTime, venue_zone: str = "") -> str:
    """Returns the UTC text by which moments of any zones sort; a zone nobody knows is taken as UTC."""
    try:
        local = dt.datetime.fromisoformat(moment.local)
        zone = zoneinfo.ZoneInfo(moment.zone or venue_zone or "UTC")
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return moment.local
    try:
        return local.replace(tzinfo=zone).astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    except OverflowError:
        return moment.local


def title_fields(table: Table) -> tuple[str, ...]:
    """Returns the names of the fields (as in `Table.fields`) that a record's title may need."""
    names = [*_PLACEHOLDER.findall(table.label), *table.key, *_first_text(table)]
    found = (table.resolve(name) for name in names)
    return tuple(dict.fromkeys(field.column for field in found if field is not None))


def label_fields(table: Table) -> tuple[str, ...]:
    """Returns the names of the fields in a table's label: where any has a value, no other field stands in for it."""
    found = (table.resolve(name) for name in _PLACEHOLDER.findall(table.label))
    return tuple(dict.fromkeys(field.column for field in found if field is not None))


def record_title(table: Table, key_values: Mapping[str, Value], title_of: Callable[[bytes], str] | None = None) -> str:
    """Returns what a record is called in a sentence: "LX 11", in the second list "LX 2/11", else "Untitled cue".

    Args:
        table: the table it is shown in.
        key_values: values by field name, at least of `title_fields(table)`.
        title_of: the title of a record that a field refers to.
    """
    return titler(table, title_of)(key_values)


def titler(table: Table, title_of: Callable[[bytes], str] | None = None) -> Callable[[Mapping[str, Value]], str]:
    """Returns `record_title` for one table, made once for many records."""
    names = [field.column for field in map(table.resolve, _PLACEHOLDER.findall(table.label)) if field is not None]
    pieces = _PLACEHOLDER.split(table.label)
    texts = pieces[0::2]
    anchor = next((index for index, name in enumerate(names) if name in table.key), None)
    lead = list(table.key[: table.key.index(names[anchor])]) if anchor is not None else []
    lead = [name for name in lead if name not in names]
    tail = [name for name in table.key if name not in names and name not in lead] if anchor is not None else []
    defaults = {name: table.fields[name].default for name in (*lead, *tail) if name in table.fields}
    usual = {name: value_key(default) for name, default in defaults.items()}
    fallback = _first_text(table)
    untitled = f"Untitled {table.title.lower()}"

    def shown(value: Value) -> str:
        if type(value) is str:
            return value
        if type(value) is Natural:
            return value.text
        return _shown(value, title_of)

    def differing(values: Mapping[str, Value], among: list[str]) -> list[str]:
        return [
            name
            for name in among
            if (value := values.get(name)) is not None
            and value != defaults.get(name)
            and name in usual
            and value_key(value) != usual[name]
        ]

    def title(values: Mapping[str, Value]) -> str:
        filled = [shown(values.get(name)) for name in names]
        if not any(filled):
            filled_in = next((text for name in fallback if (text := shown(values.get(name)))), "")
            return _short(filled_in) or untitled
        if lead and anchor is not None and (others := differing(values, lead)):
            before = [shown(values.get(name)) for name in lead[lead.index(others[0]) :]]
            filled[anchor] = "/".join([*before, filled[anchor]])
        text = texts[0] + "".join(part + after for part, after in zip(filled, texts[1:], strict=True))
        for name in differing(values, tail) if tail else ():
            text += f" {table.fields[name].title.lower()} {shown(values.get(name))}"
        return _short(text)

    if len(names) != 1:
        return title
    only, (before_it, after_it), usual_parts = names[0], texts, tuple(defaults.items())

    def quick_title(values: Mapping[str, Value]) -> str:
        value = values.get(only)
        found = value.text if type(value) is Natural else value
        if type(found) is str and found:
            for name, default in usual_parts:
                part = values.get(name)
                if part is not None and part != default:
                    return title(values)
            return _short(before_it + found + after_it)
        return title(values)

    return quick_title


def bulk_titler(table: Table) -> Callable[[Mapping[str, Sequence[Value]]], list[str] | None] | None:
    """Returns titles of many new records at once, for tables whose label has one field; None for other tables.

    The function takes columns of values by field name and gives None where a record needs the closer look of `titler`.
    """
    names = [field.column for field in map(table.resolve, _PLACEHOLDER.findall(table.label)) if field is not None]
    texts = _PLACEHOLDER.split(table.label)[0::2]
    if len(names) != 1:
        return None
    only, before, after = names[0], texts[0], texts[1]
    usual = {name: (None, table.fields[name].default) for name in table.key if name != only and only in table.key}

    def titles(columns: Mapping[str, Sequence[Value]]) -> list[str] | None:
        values = columns.get(only)
        if values is None or any(
            not set(columns[name]) <= set(parts) for name, parts in usual.items() if name in columns
        ):
            return None
        kinds = set(map(type, values))
        if kinds == {Natural}:
            found = [f"{before}{value.text}{after}" for value in cast("Sequence[Natural]", values)]
        elif kinds == {str} and all(values):
            found = [f"{before}{value}{after}" for value in values]
        else:
            return None
        return found if max(map(len, found)) <= TITLE_CHARACTERS_MAX and _are_tidy(found) else None

    return titles


def _are_tidy(titles: Sequence[str]) -> bool:
    """Tells whether no title has odd spaces: the only printable white space is the space itself.

    May say no where a title holds the bar that is put between them here.
    """
    joined = "|".join(titles)
    return joined.isprintable() and not any(two in f"|{joined}|" for two in ("  ", "| ", " |"))


def _create(name: str, fixed: list[str], fields: Mapping[str, Field]) -> str:
    columns = [*fixed, *(f"{quote(column)} {kind}" for column, kind in _columns(fields))]
    return f"CREATE TABLE {quote(name)}({', '.join(columns)})"


def _columns(fields: Mapping[str, Field]) -> list[tuple[str, str]]:
    columns: list[tuple[str, str]] = []
    for field in fields.values():
        columns.append((field.column, _SQL_TYPES.get(field.type) or _SQL_TYPES_OTHER.get(field.type, "TEXT")))
        if field.sort_column is not None:
            columns.append((field.sort_column, "TEXT"))
    return columns


def _first_text(table: Table) -> tuple[str, ...]:
    first = next((f.column for f in table.fields.values() if f.type == "text" and not f.hidden), None)
    return () if first is None else (first,)


def _short(text: str) -> str:
    line = text if text.isprintable() and "  " not in text and text == text.strip() else " ".join(text.split())
    return line if len(line) <= TITLE_CHARACTERS_MAX else line[: TITLE_CHARACTERS_MAX - 1] + "…"


def _shown(value: Value, title_of: Callable[[bytes], str] | None) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case RecordRef():
            return title_of(value.id) if title_of is not None else ""
        case _:
            return str(plain(value))


def _to_other(value: Value) -> SqlValue:
    return None if value is None else encode_value(value)


def _to_text(value: Value) -> SqlValue:
    return value if type(value) is str or value is None else encode_value(value)


def _to_bool(value: Value) -> SqlValue:
    return int(value) if type(value) is bool else _to_other(value)


def _to_int(value: Value) -> SqlValue:
    return value if type(value) is int or value is None else encode_value(value)


def _to_float(value: Value) -> SqlValue:
    return float(value) if type(value) is float or type(value) is int else _to_other(value)


def _to_decimal(value: Value) -> SqlValue:
    return value.text if type(value) is Decimal else _to_other(value)


def _to_natural(value: Value) -> SqlValue:
    return value.text if type(value) is Natural else _to_other(value)


def _to_outline(value: Value) -> SqlValue:
    return value.text if type(value) is Outline else _to_other(value)


def _to_date(value: Value) -> SqlValue:
    return value.iso if type(value) is Date else _to_other(value)


def _to_time(value: Value) -> SqlValue:
    return value.text if type(value) is Time else _to_other(value)


def _to_datetime(value: Value) -> SqlValue:
    return str(plain(value)) if type(value) is DateTime else _to_other(value)


def _to_duration(value: Value) -> SqlValue:
    return value.us if type(value) is Duration else _to_other(value)


def _sort_natural(value: Value) -> SqlValue:
    return sort_key(value) if type(value) is Natural else None


def _sort_outline(value: Value) -> SqlValue:
    return sort_key(value) if type(value) is Outline else None


def _sort_decimal(value: Value) -> SqlValue:
    return sort_key(value) if type(value) is Decimal else None


_TO_SQL: Mapping[FieldType, ToSql] = {
    "bool": _to_bool,
    "int": _to_int,
    "float": _to_float,
    "decimal": _to_decimal,
    "text": _to_text,
    "natural": _to_natural,
    "outline": _to_outline,
    "date": _to_date,
    "time": _to_time,
    "datetime": _to_datetime,
    "duration": _to_duration,
    "choice": _to_text,
    "record": _to_other,
    "field": _to_other,
    "blob": _to_other,
    "list": _to_other,
}


def _from_other(stored: SqlValue) -> Plain:
    return plain(decode_value(stored)) if type(stored) is bytes else stored  # pyright: ignore[reportReturnType]


def _from_bool(stored: SqlValue) -> Plain:
    return bool(stored) if type(stored) is int else _from_other(stored)


def _from_duration(stored: SqlValue) -> Plain:
    return seconds(stored) if type(stored) is int else _from_other(stored)


_FROM_SQL: Mapping[FieldType, FromSql] = {"bool": _from_bool, "duration": _from_duration}

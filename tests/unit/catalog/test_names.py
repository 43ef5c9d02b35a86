"""Columns of the read model, and what a record is called."""

from __future__ import annotations

import sqlite3

import pytest

from openprod.catalog.names import (
    column_ddl,
    column_names,
    converter,
    ddl,
    from_sql,
    quote,
    reader,
    record_title,
    relation_ddl,
    sort_converter,
    title_fields,
    to_sql,
    utc_text,
)
from openprod.catalog.tables import FIELD_TYPES, Field, FieldType, Relation, Table
from openprod.model.values import (
    BlobRef,
    Date,
    DateTime,
    Decimal,
    Duration,
    FieldRef,
    ListValue,
    Natural,
    Outline,
    RecordRef,
    Time,
    Value,
    plain,
)

RECORD = bytes(range(16))
EXAMPLES: dict[FieldType, Value] = {
    "bool": True,
    "int": 3,
    "float": 1.5,
    "decimal": Decimal("1.50"),
    "text": "Dawn",
    "natural": Natural("11.5A"),
    "outline": Outline("II.9A"),
    "date": Date("2026-01-12"),
    "time": Time("18:00"),
    "datetime": DateTime("2026-01-12T18:00", "Europe/London"),
    "duration": Duration(2_500_000),
    "choice": "show",
    "record": RecordRef(RECORD),
    "field": FieldRef(RECORD, "a.b.c"),
    "blob": BlobRef(bytes(32), "a.png", 3, "image/png"),
    "list": ListValue((1, "a")),
}


def field(name: str, type_: FieldType, default: Value = None, title: str = "") -> Field:
    return Field(
        key=f"lighting.cues.{name}", name=name, table="lighting.cues", type=type_, title=title or name, default=default
    )


def table(label: str, key: tuple[str, ...], *fields: Field) -> Table:
    return Table(
        name="lighting.cues",
        title="Light cue",
        module="lighting",
        key=key,
        label=label,
        fields={field.name: field for field in fields},
    )


CUES = table(
    "LX {number}",
    ("list", "number", "part"),
    field("list", "natural", Natural("1")),
    field("number", "natural"),
    field("part", "int", title="Part"),
    field("label", "text"),
)


@pytest.mark.parametrize("type_", FIELD_TYPES)
def test_a_value_comes_back_from_its_column(type_: FieldType) -> None:
    value = EXAMPLES[type_]
    assert from_sql(type_, to_sql(type_, value)) == plain(value)
    assert to_sql(type_, None) is None
    assert from_sql(type_, None) is None


@pytest.mark.parametrize("type_", FIELD_TYPES)
@pytest.mark.parametrize("other", FIELD_TYPES)
def test_a_value_of_another_type_is_kept_as_its_bytes(type_: FieldType, other: FieldType) -> None:
    stored = to_sql(type_, EXAMPLES[other])
    assert from_sql(type_, stored) == plain(EXAMPLES[other])
    if type_ != other and {type_, other} != {"text", "choice"} and (type_, other) != ("float", "int"):
        assert type(stored) is bytes


def test_records_stand_as_local_integers_where_these_are_known() -> None:
    stored = converter("record", lambda _: 7)(RecordRef(RECORD))
    assert stored == 7
    assert reader("record", lambda eid: f"record {eid}")(stored) == "record 7"
    assert reader("record", str)(None) is None


def test_the_columns_of_a_table_can_be_made_and_extended() -> None:
    db = sqlite3.connect(":memory:")
    for statement in ddl(CUES):
        db.execute(statement)
    for statement in column_ddl("lighting.cues", field("page", "natural")):
        db.execute(statement)
    names = [row[1] for row in db.execute(f"PRAGMA table_info({quote('lighting.cues')})")]
    assert names == ["~eid", "~title", "list", "list~", "number", "number~", "part", "label", "page", "page~"]
    assert column_names(CUES.fields) == names[2:-2]
    db.close()


def test_a_relation_has_both_directions_indexed() -> None:
    relation = Relation(
        name="casting.plays", title="Plays", inverse="", source="a.b", properties={"cover": field("cover", "bool")}
    )
    db = sqlite3.connect(":memory:")
    for statement in relation_ddl(relation):
        db.execute(statement)
    indexes = {row[1] for row in db.execute(f"PRAGMA index_list({quote('casting.plays')})")}
    assert indexes == {"casting.plays~src", "casting.plays~dst"}
    db.close()


def test_every_type_survives_sqlite_itself() -> None:
    everything = table("", (), *(field(type_, type_) for type_ in FIELD_TYPES))
    db = sqlite3.connect(":memory:")
    db.execute(ddl(everything)[0])
    for type_ in FIELD_TYPES:
        for other in FIELD_TYPES:
            stored = to_sql(type_, EXAMPLES[other])
            db.execute(f"DELETE FROM {quote('lighting.cues')}")
            db.execute(f"INSERT INTO {quote('lighting.cues')}({quote(type_)}) VALUES (?)", (stored,))
            (found,) = db.execute(f"SELECT {quote(type_)} FROM {quote('lighting.cues')}").fetchone()
            assert found == stored
            assert type(found) is type(stored)
    db.close()


def test_quotes_in_a_name_do_no_harm() -> None:
    assert quote('a"b') == '"a""b"'


def test_moments_sort_by_the_instant_they_are() -> None:
    convert = sort_converter("datetime", "Europe/London")
    assert convert is not None
    assert convert(DateTime("2026-07-01T18:00")) == "2026-07-01T17:00:00"
    assert convert(DateTime("2026-07-01T18:00", "Europe/Berlin")) == "2026-07-01T16:00:00"
    assert convert("no moment") is None


@pytest.mark.parametrize(
    "moment", [DateTime("2026-07-01T18:00", "No/Where"), DateTime("banana"), DateTime("0001-01-01T00:00", "Asia/Tokyo")]
)
def test_odd_moments_sort_by_their_text(moment: DateTime) -> None:
    assert utc_text(moment) == moment.local


def test_only_some_types_have_a_sort_column() -> None:
    for type_ in FIELD_TYPES:
        assert (sort_converter(type_) is not None) == (field("x", type_).sort_column is not None)
    natural = sort_converter("natural")
    assert natural is not None
    assert natural("text in a number field") is None


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({"number": Natural("11"), "list": Natural("1")}, "LX 11"),
        ({"number": Natural("11")}, "LX 11"),
        ({"number": Natural("11"), "list": Natural("2")}, "LX 2/11"),
        ({"number": Natural("11"), "list": Natural("1"), "part": 2}, "LX 11 part 2"),
        ({"label": "Dawn"}, "Dawn"),
        ({}, "Untitled light cue"),
        ({"label": "a\n  b" + "x" * 200}, "a b" + "x" * 116 + "…"),
    ],
)
def test_a_cue_is_called_as_people_call_it(values: dict[str, Value], title: str) -> None:
    assert record_title(CUES, values) == title


def test_a_title_may_name_another_record() -> None:
    fixtures = table("{position} {unit}", ("position", "unit"), field("position", "record"), field("unit", "natural"))
    values: dict[str, Value] = {"position": RecordRef(RECORD), "unit": Natural("3")}
    assert record_title(fixtures, values, lambda _: "Bridge 1") == "Bridge 1 3"
    assert record_title(fixtures, values) == "3"


def test_titles_read_values_of_any_type() -> None:
    days = table("{date} {open}", ("date",), field("date", "date"), field("open", "bool"))
    assert record_title(days, {"date": Date("2026-01-12"), "open": True}) == "2026-01-12 yes"


def test_what_a_title_needs_is_known_beforehand() -> None:
    assert title_fields(CUES) == ("number", "list", "part", "label")

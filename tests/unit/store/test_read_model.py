"""The tables people read: made, grown, and filled with what they are told, a block or a row at a time alike."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from openprod.catalog.assembly import catalog_of
from openprod.catalog.core import core_manifest
from openprod.catalog.manifest import read as read_manifest
from openprod.catalog.tables import Catalog
from openprod.model.values import (
    Date,
    DateTime,
    Decimal,
    Duration,
    ListValue,
    Natural,
    Outline,
    RecordRef,
    Time,
    Value,
)
from openprod.store.database import Database
from openprod.store.read_model import ReadModel

TYPES = (
    "bool", "int", "float", "decimal", "text", "natural", "outline", "date", "time", "datetime", "duration", "record",
    "list",
)  # fmt: skip
UNITS = {"duration": ', unit = "s"'}
FIELDS = "\n".join(f'of_{name} = {{ type = "{name}"{UNITS.get(name, "")} }}' for name in TYPES)
LABEL = "{of_natural}"
TEXT = f"""\
[module]
name = "all"
version = "1.0.0"
title = "All"
[table.kinds]
title = "Kinds"
key = ["of_natural"]
label = "{LABEL}"
[table.kinds.fields]
{FIELDS}
[relation.joins]
title = "Joins"
inverse = "Joined by"
source = "kinds"
properties = {{ note = "text" }}
"""
KINDS, JOINS = "all.kinds", "all.joins"

VALUES: list[Value] = [
    None,
    True,
    1,
    1.5,
    "text",
    Decimal("11.50"),
    Natural("11.5A"),
    Outline("II.9A"),
    Date("2026-01-12"),
    Time("18:00"),
    DateTime("2026-06-01T18:00", "Europe/Berlin"),
    DateTime("2026-06-01T18:00", ""),
    Duration(1_500_000),
    RecordRef(bytes(15) + b"\x05"),
    ListValue(("a", 1, True)),
    ListValue(("a", True, 1)),
]


def catalog(text: str = TEXT) -> Catalog:
    return catalog_of(core_manifest(), [read_manifest(text, "all/module.toml")])


@pytest.fixture
def database() -> Generator[Database]:
    made = Database(":memory:", create=True, durable=False)
    yield made
    made.close()


@pytest.fixture
def model(database: Database) -> ReadModel:
    made = ReadModel(database, lambda uuid: uuid[-1])
    made.use(catalog(), "Europe/London")
    made.migrate()
    return made


def kinds(database: Database) -> list[tuple[object, ...]]:
    return database.rows(f'SELECT * FROM "{KINDS}" ORDER BY 1')


@pytest.mark.parametrize("values", [VALUES, VALUES * 3, [VALUES[1], VALUES[2]] * 9, [1, 1.0, True] * 5])
def test_a_block_of_rows_stands_as_each_of_its_rows_would(
    database: Database, model: ReadModel, values: list[Value]
) -> None:
    shelf = model.shelves[KINDS]
    keys = [column.field.key for column in shelf.columns]
    rows = [tuple(value for _ in keys) for value in values]
    model.insert_block(shelf, range(1, len(rows) + 1), keys, rows)
    at_once = kinds(database)
    for eid, row in enumerate(rows, 1):
        model.insert_row(shelf, eid, dict(zip(keys, row, strict=True)))
    assert at_once == kinds(database)
    assert len(at_once) == len(values)


def test_values_stand_readable_and_those_of_a_wrong_type_as_bytes(database: Database, model: ReadModel) -> None:
    shelf = model.shelves[KINDS]
    values: dict[str, Value] = {
        f"{KINDS}.of_{name}": value
        for name, value in zip(
            TYPES,
            (True, 1, 1.5, *VALUES[5:6], "text", *VALUES[6:10], VALUES[11], *VALUES[12:15]),
            strict=True,
        )
    }
    model.insert_row(shelf, 1, values)
    (row,) = database.rows(f'SELECT {", ".join(f"of_{name}" for name in TYPES[:-1])} FROM "{KINDS}"')
    assert row == (
        1,
        1,
        1.5,
        "11.50",
        "text",
        "11.5A",
        "II.9A",
        "2026-01-12",
        "18:00",
        "2026-06-01T18:00",
        1_500_000,
        5,
    )
    assert database.rows(f'SELECT "~title", "of_datetime~" FROM "{KINDS}"') == [("11.5A", "2026-06-01T17:00:00")]
    model.insert_row(shelf, 1, dict.fromkeys(values, ListValue(())))
    (row,) = database.rows(f'SELECT {", ".join(f"typeof(of_{name})" for name in TYPES)} FROM "{KINDS}"')
    assert set(row) == {"blob"}
    assert database.rows(f'SELECT "of_natural~", "of_decimal~", "of_datetime~" FROM "{KINDS}"') == [(None, None, None)]


def test_cue_numbers_and_scenes_sort_as_people_do(database: Database, model: ReadModel) -> None:
    shelf = model.shelves[KINDS]
    numbers = ["9", "10", "011", "11.5", "11.5A", "101"]
    keys = [f"{KINDS}.of_natural", f"{KINDS}.of_decimal"]
    rows: list[tuple[Value, ...]] = [(Natural(text), Decimal(f"-{n}.5")) for n, text in enumerate(numbers)]
    model.insert_block(shelf, range(1, len(rows) + 1), keys, rows)
    by_number = [row[0] for row in database.rows(f'SELECT of_natural FROM "{KINDS}" ORDER BY "of_natural~"')]
    assert by_number == numbers
    by_decimal = [row[0] for row in database.rows(f'SELECT of_natural FROM "{KINDS}" ORDER BY "of_decimal~"')]
    assert by_decimal == numbers[::-1]


def test_relations_stand_with_their_ends_and_are_replaced_whole(database: Database, model: ReadModel) -> None:
    shelf = model.relations[JOINS]
    model.insert_relation(shelf, 9, (1, 2), "a0", {f"{JOINS}.note": "x"})
    model.insert_relation(shelf, 9, (1, 3), None, {})
    assert database.rows(f'SELECT * FROM "{JOINS}"') == [(9, 1, 3, None, None)]
    model.delete_row(JOINS, 9)
    assert database.rows(f'SELECT * FROM "{JOINS}"') == []


def test_a_file_grows_to_the_catalog_and_tells_what_is_new(database: Database, model: ReadModel) -> None:
    before = model.forms()
    later = (
        TEXT.replace("of_bool =", 'more = "natural"\nof_bool =') + '[table.others]\ntitle = "Others"\nlabel = "{x}"\n'
    )
    model.use(catalog(later + '[table.others.fields]\nx = "text"\n'), "Europe/London")
    made, grown = model.migrate()
    assert (made, {name: [one.name for one in columns] for name, columns in grown.items()}) == (
        ["all.others"],
        {KINDS: ["more"]},
    )
    assert model.migrate() == ([], {})
    assert before[KINDS].grows_to(model.forms()[KINDS])
    assert database.rows(f'SELECT "more~" FROM "{KINDS}"') == []
    assert model.strangers() == []


@pytest.mark.parametrize(
    "change",
    [
        ('label = "{of_natural}"', 'label = "No {of_natural}"'),
        ('of_text = { type = "text" }', 'of_text = { type = "natural" }'),
        ('of_text = { type = "text" }', 'of_text = { type = "text", on_conflict = "block" }'),
        ('of_text = { type = "text" }\n', ""),
        ('title = "Kinds"', 'title = "Sorts"'),
    ],
)
def test_what_rows_depend_on_is_more_than_new_columns(model: ReadModel, change: tuple[str, str]) -> None:
    before = model.forms()[KINDS]
    assert change[0] in TEXT
    model.use(catalog(TEXT.replace(*change)), "Europe/London")
    assert not before.grows_to(model.forms()[KINDS])


def test_another_zone_changes_tables_with_moments_only(model: ReadModel) -> None:
    before = model.forms()
    model.use(catalog(), "Europe/Berlin")
    assert [name for name, form in model.forms().items() if not before[name].grows_to(form)] == [KINDS]


def test_tables_that_nothing_explains_are_strangers_and_users_indexes_are_not(
    database: Database, model: ReadModel
) -> None:
    database.execute("CREATE TABLE odd(x)")
    database.execute(f'CREATE INDEX odd2 ON "{KINDS}"(of_text)')
    database.execute(f'CREATE INDEX "ux~mine" ON "{KINDS}"(of_text)')
    assert model.strangers() == ["odd", "odd2"]
    model.drop(KINDS)
    assert KINDS not in database.dynamic_objects()
    model.drop_all()
    assert database.dynamic_objects() == {}

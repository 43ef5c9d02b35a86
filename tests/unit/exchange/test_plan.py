"""A sheet over what is here: which column is which field, which row is which record, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from openprod.catalog.manifest import read
from openprod.catalog.tables import Field, Table
from openprod.exchange.columns import BadColumns, Form, lay_out
from openprod.exchange.csv import read_csv
from openprod.exchange.matching import Here
from openprod.exchange.plan import ImportPlan, plan
from openprod.model.errors import Missing
from openprod.model.values import Plain

MANIFEST = """
[module]
name = "m"
version = "1.0.0"
[table.cues]
key = ["list", "number", "part"]
[table.cues.fields]
list = { type = "natural", default = "1" }
number = { type = "natural", required = true }
part = "int"
label = "text"
up = { type = "duration", unit = "s" }
on = { type = "text", title = "On the word" }
call = "time"
mode = { type = "choice", choices = ["none", "auto"] }
who = { type = "record", target_hint = ["people"] }
[table.people]
key = ["name"]
[table.people.fields]
name = { type = "text", required = true }
email = "text"
[table.events]
key = ["number", "date"]
[table.events.fields]
number = "natural"
date = { type = "date", required = true }
"""
TABLES = {table.name: table for table in read(MANIFEST).tables}
CUES, PEOPLE, EVENTS = TABLES["m.cues"], TABLES["m.people"], TABLES["m.events"]


def planned(
    table: Table,
    text: str,
    here: Sequence[Mapping[str, Plain]] = (),
    *,
    columns: Mapping[str, str] | None = None,
    match: Sequence[str] = (),
    forms: Sequence[Form] = (),
) -> ImportPlan:
    sheet = read_csv(text.encode())
    layout = lay_out(sheet, table, columns=columns, match=match, forms=forms)
    values = {one.key: [row.get(one.name) for row in here] for one in layout.needed()}
    return plan(sheet, table, layout, Here([f"id{n}" for n in range(len(here))], values), find)


def find(_: Field, text: str) -> str:
    if text == "Ann":
        return "01a20dd1-5671-713d-9879-0c10aa04578d"
    raise Missing(f"There is no record '{text}' here.")


def test_columns_are_found_by_short_name_full_key_title_and_the_modules_other_names() -> None:
    form = Form({"Cue No.": "number"}, {}, ())
    found = planned(CUES, "cue no,m.cues.label,ON THE WORD,Up\n1,a,b,3\n", forms=[form])
    assert found.fields == ("m.cues.number", "m.cues.label", "m.cues.on", "m.cues.up")
    assert found.creates == [("1", "a", "b", "3")]
    assert found.assumed == []


def test_what_was_said_about_a_column_wins() -> None:
    found = planned(CUES, "number,label,extra\n1,a,b\n", columns={"extra": "label", "label": ""})
    assert found.fields == ("m.cues.number", "m.cues.label")
    assert found.creates == [("1", "b")]


def test_a_column_that_is_no_field_is_left_out_and_named() -> None:
    found = planned(CUES, "number,lable,conflicts\n1,a,x\n")
    assert found.fields == ("m.cues.number",)
    assert len(found.assumed) == 1
    assert "'lable'" in found.assumed[0]
    assert "label" in found.assumed[0]


def test_the_second_of_two_columns_for_a_field_is_named() -> None:
    found = planned(CUES, "number,label,Label\n1,a,b\n")
    assert found.creates == [("1", "a")]
    assert "both Label" in found.assumed[0]


@pytest.mark.parametrize(
    ("columns", "match", "wanted"),
    [
        ({"nope": "label"}, (), "no column 'nope'"),
        ({"number": "nmber"}, (), "'number'"),
        ({}, ("email",), "email"),
        ({}, ("label",), "Label"),
    ],
)
def test_a_wrong_name_is_refused(columns: Mapping[str, str], match: Sequence[str], wanted: str) -> None:
    with pytest.raises(BadColumns, match=wanted):
        planned(CUES, "number,up\n1,2\n", columns=columns, match=match)


def test_a_file_without_any_field_is_refused() -> None:
    with pytest.raises(BadColumns, match="--columns"):
        planned(CUES, "x,y\n1,2\n")


def test_rows_are_records_by_their_key_in_its_own_order() -> None:
    here: list[Mapping[str, Plain]] = [
        {"list": "1", "number": "11.1", "label": "old"},
        {"list": "2", "number": "11.1", "label": "other"},
        {"list": "1", "number": "12", "part": 1, "label": "same"},
    ]
    found = planned(CUES, "number,part,label\n011.10,,new\n12,1,same\n12,,fresh\n", here)
    assert [(update.record, dict(update.values)) for update in found.updates] == [("id0", {"m.cues.label": "new"})]
    assert (found.matches, found.unchanged, found.gone) == (2, 1, [])
    assert found.creates == [("12", "", "fresh")]


def test_nothing_never_matches_nothing() -> None:
    here: list[Mapping[str, Plain]] = [{"number": None, "date": "2026-01-12"}]
    found = planned(EVENTS, "number,date\n,2026-01-12\n,2026-01-12\n", here)
    assert (found.matches, len(found.creates)) == (0, 2)
    people: list[Mapping[str, Plain]] = [{"name": "Ann", "email": None}]
    found = planned(PEOPLE, "name,email\nAnn,\n", people, match=["email"])
    assert (found.matches, len(found.creates)) == (0, 1)


def test_rows_can_be_found_by_other_fields() -> None:
    here: list[Mapping[str, Plain]] = [{"name": "Ann", "email": "a@x"}, {"name": "Bob", "email": "b@x"}]
    found = planned(PEOPLE, "name,email\nAnna,a@x\n", here, match=["email"])
    assert [(update.record, dict(update.values)) for update in found.updates] == [("id0", {"m.people.name": "Anna"})]


def test_an_id_says_which_record_is_meant() -> None:
    here: list[Mapping[str, Plain]] = [{"name": "Ann"}, {"name": "Ann"}]
    found = planned(PEOPLE, "id,name\nid1,Anna\n,Cyd\n", here)
    assert [update.record for update in found.updates] == ["id1"]
    assert found.creates == [("Cyd",)]


def test_a_row_that_fits_several_records_is_refused() -> None:
    here: list[Mapping[str, Plain]] = [{"name": "Ann"}, {"name": "Ann"}]
    found = planned(PEOPLE, "name\nAnn\n", here)
    assert found.rejected == [(2, "2 records here have the same name; give their ids in a column 'id'")]


def test_a_record_named_twice_in_a_file_is_taken_once() -> None:
    found = planned(PEOPLE, "name\nAnn\nBob\nAnn\n")
    assert len(found.creates) == 2
    assert found.rejected == [(4, "it is the same record as line 2")]


def test_a_value_that_does_not_fit_rejects_its_row_with_every_reason() -> None:
    found = planned(CUES, "number,up,call\n1,soon,7\n2,3,19:00\n,4,\n")
    assert found.creates == [("2", "3", "19:00")]
    assert [line for line, _ in found.rejected] == [2, 4]
    assert "'soon'" in found.rejected[0][1]
    assert "morning or evening" in found.rejected[0][1]
    assert "required" in found.rejected[1][1]


def test_what_was_assumed_is_said_with_its_lines() -> None:
    found = planned(CUES, "number,call\n1,1830\n2,1830\n3,1900\n")
    assert found.assumed == [
        "Call: '1830' read as 18:30 (lines 2, 3)",
        "Call: '1900' read as 19:00 (line 4)",
    ]


def test_an_empty_cell_leaves_what_is_here() -> None:
    found = planned(PEOPLE, "name,email\nAnn,\n", [{"name": "Ann", "email": "a@x"}])
    assert (found.updates, found.unchanged) == ([], 1)
    assert found.assumed == ["1 cell is empty in the file and filled here; what is here stays."]


def test_a_files_words_are_translated_as_the_module_says() -> None:
    form = Form({}, {"mode": {"0": "none", "2": "auto"}}, ())
    found = planned(CUES, "number,mode\n1,2\n2,none\n", forms=[form])
    assert found.creates == [("1", "auto"), ("2", "none")]


def test_records_are_found_by_what_they_are_called() -> None:
    found = planned(CUES, "number,who\n1,Ann\n2,Nobody\n")
    assert found.creates == [("1", "01a20dd1-5671-713d-9879-0c10aa04578d")]
    assert found.rejected[0][0] == 3
    assert "Nobody" in found.rejected[0][1]


def test_a_file_without_the_key_makes_every_row_new() -> None:
    with_none = planned(CUES, "label\na\n")
    assert with_none.assumed == ["Every row is taken to be new, because the file has no column for Number."]
    assert "required" in with_none.rejected[0][1]


def test_the_preview_counts_and_names() -> None:
    found = planned(PEOPLE, 'name,email\nAnn,new\nBob,b@x\n"x"y,z\n', [{"name": "Ann", "email": "a@x"}])
    assert found.preview() == {
        "overlay": None,
        "creates": 1,
        "updates": 1,
        "matches": 1,
        "unchanged": 0,
        "questions": 0,
        "kept": 0,
        "gone": 0,
        "rejected": [{"line": 4, "reason": "a quotation mark stands inside a cell; write it twice"}],
        "assumed": [],
    }

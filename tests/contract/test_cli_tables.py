"""The command line: tables, fields, showing, asking, searching."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from openprod.testing.terminal import Terminal


@pytest.fixture
def cues(terminal: Terminal) -> Terminal:
    """A production with three light cues."""
    terminal.did("add", "lighting.cues", "number=11", "label=Dawn", "page=10", "up=4.5")
    terminal.did("add", "lighting.cues", "number=11.5", "label=Élan vital", "page=2")
    terminal.did("add", "lighting.cues", "number=9", "label=Dusk", "page=10")
    return terminal


def test_tables_leave_the_programs_own_out_unless_asked(terminal: Terminal) -> None:
    names = [one["name"] for one in terminal.asked("tables")]
    assert "lighting.cues" in names
    assert not any(name.startswith("core.") for name in names)
    assert "core.modules" in [one["name"] for one in terminal.asked("tables", "--all")]


def test_tables_count_their_records(cues: Terminal) -> None:
    found = {one["name"]: one for one in cues.asked("tables")}
    assert found["lighting.cues"]["count"] == 3
    assert found["lighting.cues"]["key"] == ["list", "number", "part"]


def test_fields_say_type_choices_and_unit(terminal: Terminal) -> None:
    fields = {one["name"]: one for one in terminal.asked("fields", "lighting.cues")}
    assert fields["up"]["unit"] == "s"
    assert "cut" in fields["cue_status"]["choices"]
    assert fields["number"]["required"]
    assert "duration" in terminal.did("fields", "lighting.cues")


def test_an_unknown_table_is_answered_with_names_that_look_like_it(terminal: Terminal) -> None:
    ran = terminal.run("show", "lightning.cues")
    assert ran.status == 1
    assert "Did you mean 'lighting.cues'" in ran.err


def test_a_table_is_shown_in_its_own_order_with_the_fields_that_have_anything(cues: Terminal) -> None:
    lines = cues.did("show", "lighting.cues").splitlines()
    assert lines[0].split() == ["list", "number", "part", "label", "page", "up"]
    assert [line.split()[1] for line in lines[1:]] == ["9", "11", "11.5"]
    assert "4.5 s" in lines[2]


def test_a_table_is_filtered_sorted_and_cut(cues: Terminal) -> None:
    rows = cues.asked("show", "lighting.cues", "--where", "page == 10", "--sort", "-number", "--fields", "number,label")
    assert [(row["number"], row["label"]) for row in rows] == [("11", "Dawn"), ("9", "Dusk")]
    assert all(row["conflicts"] == [] for row in rows)
    assert len(cues.asked("show", "lighting.cues", "--limit", "1")) == 1


def test_a_long_table_says_that_there_is_more(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "cues.csv"
    file.write_text("number,label\n" + "".join(f"{n},Cue {n}\n" for n in range(1, 151)))
    terminal.did("import", str(file), "--into", "lighting.cues", "--commit")
    ran = terminal.run("show", "lighting.cues")
    assert len(ran.out.splitlines()) == 101
    assert "100 of 150 records" in ran.err
    assert len(terminal.did("show", "lighting.cues", "--all").splitlines()) == 151
    assert len(terminal.asked("show", "lighting.cues")) == 150


def test_a_table_as_csv_reads_back(cues: Terminal) -> None:
    out = cues.did("show", "lighting.cues", "--format", "csv", "--fields", "number,label")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["number"], row["label"]) for row in rows] == [("9", "Dusk"), ("11", "Dawn"), ("11.5", "Élan vital")]


def test_a_cell_cannot_talk_to_the_terminal(terminal: Terminal) -> None:
    terminal.did("add", "lighting.cues", "number=1", "label=\x1b[2J\x1b]0;owned\x07 gone\u202e")
    for command in (("show", "lighting.cues"), ("show", "lighting.cues:1"), ("log",), ("history", "lighting.cues:1")):
        ran = terminal.run(*command)
        assert "\x1b" not in ran.out + ran.err
        assert "\u202e" not in ran.out


def test_a_record_is_the_promised_shape(cues: Terminal) -> None:
    record = cues.asked("show", "lighting.cues:11")
    assert set(record) == {"id", "title", "tables", "origins", "fields", "heads", "taken", "conflicts", "marks"}
    assert record["title"] == "LX 11"
    assert record["fields"]["lighting.cues.up"] == 4.5
    assert cues.asked("show", record["id"][:-4])["id"] == record["id"]


def test_an_ambiguous_prefix_is_refused_with_the_candidates(cues: Terminal) -> None:
    prefix = cues.asked("show", "lighting.cues:11")["id"][:3]
    ran = cues.run("show", prefix)
    assert ran.status == 1
    assert "could be" in ran.err
    assert "LX" in ran.err


def test_a_record_in_words_names_its_fields_by_their_titles(cues: Terminal) -> None:
    out = cues.did("show", "lighting.cues:11")
    assert out.startswith("LX 11\n")
    assert "  Up      4.5 s\n" in out


def test_options_of_tables_are_refused_for_records(cues: Terminal) -> None:
    assert cues.run("show", "lighting.cues:11", "--limit", "1").status == 2


def test_a_condition_is_asked_on_a_table(cues: Terminal) -> None:
    rows = cues.asked("query", 'label CONTAINS "elan"', "--from", "lighting.cues")
    assert [row["number"] for row in rows] == ["11.5"]


def test_a_condition_without_a_table_says_what_is_missing(terminal: Terminal) -> None:
    ran = terminal.run("query", "page == 10")
    assert ran.status == 1
    assert "--from TABLE" in ran.err


def test_a_faulty_condition_is_shown_with_a_caret(terminal: Terminal) -> None:
    ran = terminal.run("query", "page === 10", "--from", "lighting.cues")
    assert ran.status == 1
    assert "^" in ran.err


def test_a_query_from_a_file_takes_parameters(cues: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "q.toml"
    file.write_text('from = "lighting.cues"\nwhere = "page == $limit"\n[select]\nnumber = "number"\n')
    rows = cues.asked("query", "--file", str(file), "--param", "limit=10")
    assert sorted(row["number"] for row in rows) == ["11", "9"]


def test_a_saved_query_is_asked_by_name_and_suggested_when_misspelt(terminal: Terminal) -> None:
    assert terminal.asked("query", "schedule.first_calls") == []
    ran = terminal.run("query", "schedule.first_cals")
    assert ran.status == 1
    assert "schedule.first_calls" in ran.err


def test_a_query_needs_exactly_one_form(terminal: Terminal) -> None:
    assert terminal.run("query").status == 2
    assert terminal.run("query", "a.b", "--file", "x").status == 2


def test_words_are_found_in_every_table(cues: Terminal) -> None:
    cues.did("add", "contacts.people", "name=Dawn Miller")
    found = cues.asked("search", "dawn")
    assert {(one["table"], one["title"]) for one in found} == {
        ("contacts.people", "Dawn Miller"),
        ("lighting.cues", "LX 11"),
    }
    assert "Dawn Miller" in cues.did("search", "dawn")
    assert cues.asked("search", "nothing of the kind") == []


def test_a_table_of_ones_own_takes_records(terminal: Terminal) -> None:
    made = terminal.asked(
        "table", "create", "props", "name:text", "state:choice=wanted,found", "cost:decimal", "--key", "name"
    )
    assert made == {
        "name": "workspace.props",
        "title": "Props",
        "module": "workspace",
        "count": 0,
        "key": ["name"],
        "hidden": False,
    }
    terminal.did("add", "workspace.props", "name=Skull", "state=found", "cost=12.50")
    record = terminal.asked("show", "workspace.props:Skull")
    assert record["title"] == "Skull"
    assert record["fields"]["workspace.props.cost"] == "12.50"


def test_a_field_of_ones_own_is_added_to_a_modules_table(terminal: Terminal) -> None:
    field = terminal.asked("field", "add", "lighting.cues", "gel:text")
    assert field["key"] == "workspace.lighting_cues.gel"
    terminal.did("add", "lighting.cues", "number=1", "gel=L201")
    assert terminal.asked("show", "lighting.cues:1")["fields"]["workspace.lighting_cues.gel"] == "L201"
    terminal.did("set", "lighting.cues:1", "gel=L202")
    assert "L202" in terminal.did("show", "lighting.cues")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("table", "create", "Props", "name:text"), 1, "small letters"),
        (("table", "create", "lighting.props", "name:text"), 1, "workspace.props"),
        (("table", "create", "props", "name"), 2, "name:type"),
        (("table", "create", "props", "name:txt"), 1, "Did you mean 'text'"),
        (("table", "create", "props", "state:choice"), 1, "choices"),
        (("table", "create", "props", "name:text", "name:int"), 2, "given twice"),
        (("table", "create", "props", "name:text", "--key", "number"), 1, "'number'"),
        (("table", "create", "props", "name:text", "--label", "Prop"), 1, "names no field"),
        (("field", "add", "lighting.cues", "label:text"), 1, "already"),
        (("field", "add", "lighting.cue", "gel:text"), 1, "Did you mean"),
        (("field", "add", "lighting.cues", "id:text"), 1, "cannot be a field"),
    ],
)
def test_a_wrong_table_or_field_is_refused_and_nothing_is_written(
    terminal: Terminal, arguments: tuple[str, ...], status: int, words: str
) -> None:
    before = terminal.asked("status")["bundles"]
    ran = terminal.run(*arguments)
    assert (ran.status, words in ran.err) == (status, True), ran.err
    assert terminal.asked("status")["bundles"] == before


def test_json_of_an_empty_table_is_an_empty_list(terminal: Terminal) -> None:
    assert json.loads(terminal.did("show", "lighting.cues", "--json")) == []


def test_checks_count_what_somebody_should_look_at(cues: Terminal) -> None:
    found = {one["name"]: one for one in cues.asked("checks", "lighting.cues")}
    assert set(found) == {"lighting.called_without_word"}
    assert found["lighting.called_without_word"]["count"] == 0
    cues.did("set", "lighting.cues:11", "is_called=yes")
    assert cues.asked("checks", "lighting.cues")[0]["text"] == "1 called cue has no word to be called on"
    assert "lighting.called_without_word" in cues.did("checks")
    assert [row["number"] for row in cues.asked("query", "lighting.called_without_word")] == ["11"]


def test_a_check_of_no_table_is_refused_and_one_that_finds_nothing_is_quiet(terminal: Terminal) -> None:
    assert terminal.run("checks", "lighting.cue").status == 1
    assert "nothing to look at" in terminal.run("checks").err
    assert "lighting.no_channel" in terminal.did("checks", "--all")

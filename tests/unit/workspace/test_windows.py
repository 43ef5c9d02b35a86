"""A window of rows with heads, conflicts and the ends of relations, and what may change it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.e2e.stage import set_up

from openprod.workspace.meaning import Changes
from openprod.workspace.workspace import Workspace

CUES = {"from": "lighting.cues", "sort": {"order": ["number"]}}
PEOPLE = {"from": "contacts.people", "sort": {"order": ["name"]}}


@pytest.fixture
def show(tmp_path: Path) -> Generator[Workspace]:
    with set_up(tmp_path, cues=10) as workspace:
        yield workspace


def test_a_window_has_of_every_cell_what_the_record_has(show: Workspace) -> None:
    window = show.window(CUES, offset=1, limit=3, cells="lighting.cues")
    assert window.count == 10
    assert [row["values"]["number"] for row in window.rows] == ["2", "3", "4"]
    for row in window.rows:
        record = show.record(str(row["values"]["id"]))
        names = {field["key"]: field["name"] for field in show.fields("lighting.cues")}
        assert {key: row["values"][names[key]] for key in record["fields"]} == record["fields"]
        assert row["heads"] == record["heads"]
        assert row["conflicts"] == record["conflicts"]
    assert window.rows[1]["conflicts"] == ["lighting.cues.label"]


def test_the_last_window_and_one_past_the_end_know_how_many_rows_there_are(show: Workspace) -> None:
    assert show.window(CUES, offset=8, limit=5).count == 10
    past = show.window(CUES, offset=20, limit=5)
    assert (past.count, past.rows) == (10, [])


def test_a_mapped_field_shows_the_heads_of_both(show: Workspace) -> None:
    show.create_table("calls", {"note": "text"})
    cue = show.ref("lighting.cues:5")
    with show.edit() as edit:
        edit.put(cue, into="workspace.calls")
        edit.set(cue, {"workspace.calls.note": "Slow"})
    show.map_fields("workspace.calls.note", "lighting.cues.timing_note")
    row = show.window(CUES, offset=4, limit=1, cells="lighting.cues").rows[0]
    record = show.record(cue)
    assert row["values"]["timing_note"] == record["fields"]["lighting.cues.timing_note"] == "Slow"
    assert row["heads"]["lighting.cues.timing_note"] == record["heads"]["lighting.cues.timing_note"]


def test_relations_are_columns_from_both_ends(show: Workspace) -> None:
    assert [(one["key"], one["title"], one["tables"]) for one in show.relation_columns("contacts.people")] == [
        ("->contacts.in_group", "In group", ["contacts.groups"])
    ]
    assert [one["key"] for one in show.relation_columns("contacts.groups")] == ["<-contacts.in_group"]
    with show.edit() as edit:
        jane = show.ref("contacts.people:Jane Doe")
        for name in ("Group 10", "Group 9"):
            edit.relate(jane, "contacts.in_group", edit.add("contacts.groups", name=name))
    jane_row = show.window(PEOPLE, limit=1, cells="contacts.people").rows[0]
    assert [end["title"] for end in jane_row["ends"]["->contacts.in_group"]] == ["Group 9", "Group 10"]
    groups = show.window({"from": "contacts.groups"}, cells="contacts.groups")
    assert {row["ends"]["<-contacts.in_group"][0]["record"] for row in groups.rows} == {jane}


def test_what_may_change_a_window_touches_it_and_nothing_else(show: Workspace) -> None:
    window = show.window(PEOPLE, cells="contacts.people")
    heard: list[Changes] = []
    show.on_changes(heard.append)
    with show.edit() as edit:
        edit.set("lighting.cues:5", {"label": "Elsewhere"})
    with show.edit() as edit:
        group = edit.add("contacts.groups", name="Choir")
    with show.edit() as edit:
        edit.relate(show.ref("contacts.people:Jane Doe"), "contacts.in_group", group)
    assert [window.is_touched_by(changes) for changes in heard] == [False, True, True]


@pytest.mark.parametrize(
    ("typed", "title"),
    [("5", "LX 5"), ("lx 5", "LX 5"), ("LX 10", "LX 10"), ("jane", "Jane Doe"), ("Okafor", "Mina Okafor")],
)
def test_what_is_typed_means_one_record(show: Workspace, typed: str, title: str) -> None:
    (found,) = show.named([typed])
    assert (found["title"], found["why"]) == (title, "")
    assert found["record"] is not None


def test_what_is_typed_may_mean_none_or_several(show: Workspace) -> None:
    with show.edit() as edit:
        edit.add("contacts.people", name="Jane Roe")
    none, several, empty = show.named(["Zoe", "jane", " "], ["contacts.people"])
    assert none["why"] == "Nothing in People is called 'Zoe'. Add it there first, or choose another."
    assert several["why"] == "'jane' could be Jane Doe or Jane Roe. Type more of the name."
    assert none["record"] is several["record"] is empty["record"] is None


def test_a_record_has_a_place_among_the_rows_as_they_are_sorted_and_filtered(show: Workspace) -> None:
    assert show.place(CUES, "lighting.cues:7") == 6
    assert show.place({**CUES, "sort": {"order": ["-label", "number"]}}, "lighting.cues:7") is not None
    assert show.place({**CUES, "where": "number < 5"}, "lighting.cues:7") is None
    ordered = [row["id"] for row in show.query(query={**CUES, "sort": {"order": ["-label", "number"]}})]
    assert [show.place({**CUES, "sort": {"order": ["-label", "number"]}}, str(id)) for id in ordered] == list(range(10))


def test_a_staged_field_comes_with_what_everybody_has_there(show: Workspace) -> None:
    with show.overlay("what if") as view:
        with view.edit() as edit:
            edit.set("lighting.cues:2", {"label": "Noon"})
            edit.add("lighting.cues", number="2.5", label="New")
        first, second, third = view.window(CUES, limit=3, cells="lighting.cues").rows
    assert first["staged"] == {}
    assert second["staged"] == {"lighting.cues.label": "Ghost special"}
    assert third["staged"]["lighting.cues.label"] is None
    assert all(row["staged"] == {} for row in show.window(CUES, cells="lighting.cues").rows)

"""The shared production with its modules kept apart, then joined by confirmed mappings, merges and links.

Contacts, casting and schedule know nothing of each other: the same person is three records under three names of fields.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Generator
from pathlib import Path

import pytest

import openprod
from openprod.workspace.workspace import Workspace

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "production"
PEOPLE, PERFORMERS, ATTENDEES = "contacts.people", "casting.performers", "schedule.attendees"


def rows(name: str) -> list[dict[str, str]]:
    """Returns the rows of a sheet of the shared production."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def ws(tmp_path: Path) -> Generator[Workspace]:
    """The people of the production: everybody in the contacts and on the schedule, the actors in the casting too."""
    made = openprod.init(tmp_path / "show", name="Richard III", home=tmp_path / "home", person="Ann Ash")
    for module in ("contacts", "casting", "schedule"):
        made.adopt(module)
    people = [(f"{one['first_name']} {one['last_name']}", one) for one in rows("contacts.csv")]
    with made.edit("The contact sheet") as edit:
        contacts = [[name, one["email"], one["phone"], one["department"]] for name, one in people]
        edit.add_many(PEOPLE, ("name", "email", "phone", "department"), contacts)
    with made.edit("The cast list") as edit:
        edit.add_many(PERFORMERS, ("name",), [[name] for name, one in people if one["department"] == "Cast"])
    with made.edit("The schedule's own list") as edit:
        edit.add_many(ATTENDEES, ("name", "email"), [[name, one["email"]] for name, one in people])
    yield made
    made.close()


def of(ws: Workspace, table: str) -> dict[str, str]:
    """Returns the ids of a table's records by name."""
    return {str(row["name"]): str(row["id"]) for row in ws.query(from_=table)}


def test_apart_nothing_is_shared_and_nothing_is_joined_unasked(ws: Workspace) -> None:
    ids = [of(ws, table) for table in (PEOPLE, PERFORMERS, ATTENDEES)]
    assert len({one for found in ids for one in found.values()}) == sum(map(len, ids))
    assert ws.mappings() == []
    assert {one["state"] for one in ws.all_mappings()} == {"suggested"}
    with ws.edit() as edit:
        edit.set(next(iter(ids[0].values())), {"name": "Somebody Else"})
    assert set(of(ws, PERFORMERS)) == set(ids[1])


def test_joined_by_confirmed_mappings_and_merges_everybody_is_one_record(ws: Workspace) -> None:
    names = set(of(ws, PEOPLE))
    actors = set(of(ws, PERFORMERS))
    asked = [one["text"] for one in ws.suggested_mappings()]
    assert any("both have a 'name' field. Should these be the same data?" in text for text in asked)
    while suggested := [one for one in ws.suggested_mappings() if "'name'" in one["text"] or "'email'" in one["text"]]:
        ws.confirm_mapping(suggested[0]["id"])
    assert not ws.conflicts(), "values that nobody merged are no question"
    # What is the same to the letter is suggested, one by one, and people say yes to each.
    merged = 0
    while found := ws.matches():
        one, other = found[0]["one"], found[0]["other"]
        assert found[0]["titles"][0] == found[0]["titles"][1]
        ws.merge(one, other)
        merged += 1
    assert merged == len(names) + len(actors)
    ids = [of(ws, table) for table in (PEOPLE, PERFORMERS, ATTENDEES)]
    assert ids[0] == ids[2]
    assert ids[1].items() <= ids[0].items()
    assert not ws.conflicts()
    # One field in every table: an edit on the schedule is the contact sheet's and the cast list's.
    name = min(actors)
    with ws.edit() as edit:
        edit.set(ids[2][name], {f"{ATTENDEES}.name": "Renamed"})
    assert all("Renamed" in of(ws, table) for table in (PEOPLE, PERFORMERS, ATTENDEES))
    assert ws.verify().is_sound
    before = [ws.query(from_=table) for table in (PEOPLE, PERFORMERS, ATTENDEES)]
    ws.rebuild()
    assert [ws.query(from_=table) for table in (PEOPLE, PERFORMERS, ATTENDEES)] == before


def test_who_joins_later_is_put_where_links_say_and_split_again_keeps_what_both_show(ws: Workspace) -> None:
    for pair in ((f"{PEOPLE}.name", f"{PERFORMERS}.name"), (f"{PEOPLE}.name", f"{ATTENDEES}.name")):
        ws.map_fields(*pair)
    assert ws.link_tables(PEOPLE, PERFORMERS, 'department == "Cast"') is not None
    with ws.edit() as edit:
        new = edit.add(PEOPLE, name="Understudy", department="Cast")
    assert PERFORMERS in ws.record(new)["tables"]
    name = min(set(of(ws, ATTENDEES)) & set(of(ws, PEOPLE)))
    one, other = of(ws, PEOPLE)[name], of(ws, ATTENDEES)[name]
    ws.merge(one, other)
    stays, goes = ws.split(max(one, other), [ATTENDEES if other > one else PEOPLE])
    assert {ws.record(record)["title"] for record in (stays, goes)} == {name}


def test_one_name_written_in_two_forms_of_unicode_is_found_as_one_and_never_merged_unasked(ws: Workspace) -> None:
    name = "Jürgen Llŷr"
    composed, split = unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)
    assert composed != split
    with ws.edit() as edit:
        one, other = edit.add(PEOPLE, name=composed), edit.add(ATTENDEES, name=split)
    ws.map_fields(f"{PEOPLE}.name", f"{ATTENDEES}.name")
    assert {found["record"] for text in (composed, split, "jurgen llyr") for found in ws.search(text)} == {one, other}
    assert {one, other}.isdisjoint({end for match in ws.matches() for end in (match["one"], match["other"])})
    assert ws.record(one)["fields"][f"{PEOPLE}.name"] == composed
    assert ws.record(other)["fields"][f"{ATTENDEES}.name"] == split

"""Scenario B: John Smith of the contacts and J. Smith of the schedule are found to be one; and a cue in two books.

Sentence by sentence, from the command line and by the Python interface.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import openprod
from openprod.testing.terminal import Terminal

if TYPE_CHECKING:
    from openprod.workspace.workspace import Workspace

PEOPLE, ATTENDEES = "contacts.people", "schedule.attendees"
QUESTION = "Attendees and People both have a 'name' field. Should these be the same data?"
ASKED = "People and Attendees both have a 'name' field. Should these be the same data?"
LIGHTING, SOUND, CALLING = "lighting.cues", "sound.cues", "sm.cues"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal of a production in which the modules know nothing of each other."""
    made = Terminal(tmp_path / "home", tmp_path / "show")
    made.did("init", str(made.folder), "--name", "Hamlet", "--person", "Ann Ash")
    return made


@pytest.fixture
def ws(tmp_path: Path) -> Generator[Workspace]:
    """The same, from Python."""
    made = openprod.init(tmp_path / "show", name="Hamlet", home=tmp_path / "home", person="Ann Ash")
    for module in ("contacts", "schedule", "lighting", "sound", "sm"):
        made.adopt(module)
    yield made
    made.close()


def test_scenario_b_from_the_command_line(terminal: Terminal) -> None:
    # B1, B2: Contacts has John Smith, Schedule has J. Smith. Two modules are in use, and nothing is shared by itself.
    terminal.did("module", "adopt", "contacts")
    adopted = terminal.run("module", "adopt", "schedule")
    assert ASKED in adopted.err or QUESTION in adopted.err
    john = terminal.asked("add", PEOPLE, "name=John Smith")["id"]
    jay = terminal.asked("add", ATTENDEES, "name=J. Smith")["id"]
    assert all(one["state"] == "suggested" for one in terminal.asked("mappings"))
    # B3: on linking the tables for the first time the mapping is suggested, in words.
    linked = terminal.run("tables", "link", PEOPLE, ATTENDEES)
    (line,) = [one for one in linked.err.splitlines() if "'name' field" in one]
    assert ASKED in line or QUESTION in line
    assert "seldom" not in linked.err
    # B4: the user confirms.
    terminal.did("mapping", "confirm", line.split()[0])
    (confirmed,) = [one for one in terminal.asked("mappings") if one["state"] == "confirmed"]
    assert {confirmed["one"], confirmed["other"]} == {f"{PEOPLE}.name", f"{ATTENDEES}.name"}
    assert any("mapping" in one["label"].lower() for one in terminal.asked("log"))
    # B5: the names are not the same to the letter, so nothing is proposed.
    assert terminal.asked("matches") == []
    # B6: the user recognises them and merges by hand: one record in both tables.
    asked = terminal.run("merge", john, jay, stdin="y\n")
    assert asked.status == 3
    assert "John Smith" in asked.err
    one = terminal.asked("show", jay)
    assert one["id"] == min(john, jay) == terminal.asked("show", john)["id"]
    assert one["tables"] == [PEOPLE, ATTENDEES]
    # B7: a conflict on the name appears.
    (question,) = terminal.asked("conflicts")
    assert {value["value"] for value in question["values"]} == {"John Smith", "J. Smith"}
    # B8: the user resolves it to John Smith.
    terminal.did("resolve", question["id"], "--value", "John Smith")
    # B9: both modules see John Smith.
    for table in (PEOPLE, ATTENDEES):
        assert [row["name"] for row in terminal.asked("show", table)] == ["John Smith"]
    assert terminal.asked("conflicts") == []
    terminal.did("verify")


def test_scenario_b_from_python(ws: Workspace) -> None:
    with ws.edit("B1, B2") as edit:
        john = edit.add(PEOPLE, name="John Smith")
        jay = edit.add(ATTENDEES, name="J. Smith")
    assert ws.link_tables(PEOPLE, ATTENDEES) == ""
    (name,) = [one for one in ws.suggested_mappings(PEOPLE, ATTENDEES) if "'name'" in one["text"]]
    ws.confirm_mapping(name["id"])
    assert ws.matches() == []
    assert sorted(str(ws.differences(john, jay)[0][side]) for side in ("one", "other")) == ["J. Smith", "John Smith"]
    one = ws.merge(john, jay)
    assert ws.record(one)["tables"] == [PEOPLE, ATTENDEES]
    (question,) = ws.conflicts()
    assert sorted(str(value["value"]) for value in question["values"]) == ["J. Smith", "John Smith"]
    ws.resolve(question, value="John Smith")
    for table in (PEOPLE, ATTENDEES):
        assert [row["name"] for row in ws.query(from_=table)] == ["John Smith"]
    assert ws.verify().is_sound
    # The mapping is one field: one history, one question, and either side edits it.
    with ws.edit() as edit:
        edit.set(jay, {f"{ATTENDEES}.name": "John Smyth"})
    assert [row["name"] for row in ws.query(from_=PEOPLE)] == ["John Smyth"]
    assert ws.history(john, f"{PEOPLE}.name")[0]["bundle"] == ws.history(jay, f"{ATTENDEES}.name")[0]["bundle"]


def test_a_rejected_mapping_leaves_two_fields(ws: Workspace) -> None:
    (phone,) = [one for one in ws.suggested_mappings(PEOPLE, ATTENDEES) if "'phone'" in one["text"]]
    ws.reject_mapping(phone["id"])
    with ws.edit() as edit:
        jane = edit.add(PEOPLE, name="Jane", phone="1")
        edit.put(jane, into=ATTENDEES)
        edit.set(jane, {f"{ATTENDEES}.phone": "2"})
    assert [row["phone"] for row in ws.query(from_=PEOPLE)] == ["1"]
    assert phone["id"] not in {one["id"] for one in ws.suggested_mappings()}


def test_the_cue_scenario_from_the_command_line(terminal: Terminal) -> None:
    for module in ("lighting", "sound", "sm"):
        terminal.did("module", "adopt", module)
    terminal.did("map", f"{LIGHTING}.number", f"{CALLING}.number")
    terminal.did("map", f"{SOUND}.number", f"{CALLING}.number")
    terminal.did("add", LIGHTING, "number=11", "label=Dawn")
    terminal.did("add", LIGHTING, "number=11.1", "label=Follows")
    terminal.did("add", SOUND, "number=15", "label=Cock")
    for cue in (f"{LIGHTING}:11", f"{SOUND}:15"):
        terminal.did("put", cue, "--into", CALLING)
    shown = {table: {row["number"] for row in terminal.asked("show", table)} for table in (LIGHTING, SOUND, CALLING)}
    assert shown == {LIGHTING: {"11", "11.1"}, SOUND: {"15"}, CALLING: {"11", "15"}}
    dawn = terminal.asked("show", f"{LIGHTING}:11")["id"]
    terminal.did("set", dawn, f"{CALLING}.number=12")
    assert {row["number"] for row in terminal.asked("show", LIGHTING)} == {"12", "11.1"}


def test_the_cue_scenario_by_a_link_with_a_condition(ws: Workspace) -> None:
    with ws.edit() as edit:
        called, follow = (edit.add(LIGHTING, number=number) for number in ("11", "11.1"))
        edit.set(called, {"is_called": True})
        edit.set(follow, {"is_called": False})
    ws.link_tables(LIGHTING, CALLING, "is_called == true")
    ws.link_tables(SOUND, CALLING)
    with ws.edit() as edit:
        sound = edit.add(SOUND, number="15")
        later = edit.add(LIGHTING, number="12", is_called=True)
    assert sorted(str(row["id"]) for row in ws.query(from_=CALLING)) == sorted((called, sound, later))
    assert sorted(str(row["id"]) for row in ws.query(from_=LIGHTING)) == sorted((called, follow, later))
    assert ws.record(later)["origins"] == {LIGHTING: "person", CALLING: "link"}
    with ws.edit() as edit:
        edit.remove(called, from_=CALLING)
    with ws.edit() as edit:
        edit.set(called, {"label": "Dawn"})
    assert called not in {row["id"] for row in ws.query(from_=CALLING)}
    # Out of its last table a record is out of sight; its history and a way back remain.
    with ws.edit() as edit:
        edit.remove(called, from_=LIGHTING)
    assert ws.record(called)["tables"] == []
    with ws.edit() as edit:
        edit.put(called, into=LIGHTING)
    assert ws.record(called)["fields"][f"{LIGHTING}.label"] == "Dawn"
    assert ws.verify().is_sound

"""Texts that merge, on real workspaces: typing apart and together, setting outright, what others read."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.unit.workspace.company import Company, add, meet

from openprod.catalog.check import FieldRefused
from openprod.model.errors import Refused
from openprod.workspace.text_edit import NoSuchPlace, NotAText
from openprod.workspace.view import View
from openprod.workspace.workspace import Workspace

MODULE = """\
[module]
name = "lab"
version = "1.0.0"
title = "Lab"

[table.cues]
title = "Cues"
label = "LX {number}"

[table.cues.fields]
number = "natural"
notes = { type = "text", merge = "crdt" }
plain = "text"
"""
CUES, NOTES = "lab.cues", "lab.cues.notes"


@pytest.fixture
def company(tmp_path: Path) -> Generator[Company]:
    with Company(tmp_path) as found:
        yield found


@pytest.fixture
def ana(company: Company) -> Workspace:
    return company.found("Ana", module=MODULE)


def type_in(ws: View, cue: str, at: int, text: str, gone: int = 0) -> None:
    with ws.edit("Type") as edit:
        edit.text(cue, "notes").replace(at, gone, text)


def read(ws: View, cue: str) -> object:
    shown = ws.record(cue)["fields"].get(NOTES)
    (row,) = ws.query(from_=CUES)
    assert row["notes"] == shown
    return shown


def test_typing_goes_on_from_what_stands_there(ana: Workspace) -> None:
    cue = add(ana, CUES, number="11", notes="Standby")
    type_in(ana, cue, 7, " LX.")
    type_in(ana, cue, 0, "Now: ")
    assert read(ana, cue) == "Now: Standby LX."
    type_in(ana, cue, 0, "", gone=5)
    assert read(ana, cue) == "Standby LX."


def test_an_empty_text_can_be_typed_in_and_emptied_again(ana: Workspace) -> None:
    cue = add(ana, CUES, number="11")
    type_in(ana, cue, 0, "Go")
    assert read(ana, cue) == "Go"
    type_in(ana, cue, 0, "", gone=2)
    assert read(ana, cue) is None


@pytest.mark.parametrize("given", [None, "On the bell. "])
def test_what_two_type_apart_is_all_there_each_word_unbroken(company: Company, given: str | None) -> None:
    ana = company.found("Ana", module=MODULE)
    ben = company.join("Ben", ana)
    cue = add(ana, CUES, number="11", notes=given)
    meet(ana, ben)
    at = len(given or "")
    for word in ("one", "two", "three"):
        type_in(ana, cue, at, word)
        company.pass_time()
        type_in(ben, cue, at, word.upper())
    meet(ana, ben)
    assert read(ana, cue) == read(ben, cue)
    for word in ("one", "two", "three", "ONE", "TWO", "THREE", given or ""):
        assert word in str(read(ana, cue))
    assert ana.conflicts() == []
    assert ana.status()["state_hash"] == ben.status()["state_hash"]
    type_in(ben, cue, 0, "»")
    meet(ana, ben)
    assert read(ana, cue) == read(ben, cue)


def test_setting_a_text_outright_and_typing_in_it_apart_offers_both(company: Company) -> None:
    ana = company.found("Ana", module=MODULE)
    ben = company.join("Ben", ana)
    cue = add(ana, CUES, number="11", notes="Old")
    meet(ana, ben)
    with ana.edit() as edit:
        edit.set(cue, {"notes": "New"})
    company.pass_time()
    type_in(ben, cue, 3, "er")
    meet(ana, ben)
    (question,) = ana.conflicts()
    assert {str(one["value"]) for one in question["values"]} == {"New", "Older"}
    assert read(ana, cue) == "Older"
    # Typing on goes on with what is shown, and decides nothing.
    type_in(ana, cue, 5, "!")
    meet(ana, ben)
    (question,) = ben.conflicts()
    assert {str(one["value"]) for one in question["values"]} == {"New", "Older!"}
    ben.resolve(question, choose=1)
    type_in(ben, cue, 0, "Very ")
    meet(ana, ben)
    assert ana.conflicts() == []
    assert read(ana, cue) in ("Very New", "Very Older!")


def test_positions_count_characters_whatever_they_weigh(ana: Workspace) -> None:
    cue = add(ana, CUES, number="11", notes="a🎭b")
    type_in(ana, cue, 2, "X")
    type_in(ana, cue, 1, "é", gone=1)
    assert read(ana, cue) == "aéXb"


def test_one_edit_may_do_several_things_to_a_text_and_is_one_op(ana: Workspace) -> None:
    cue = add(ana, CUES, number="11", notes="Standby LX 11")
    with ana.edit("Twice") as edit:
        text = edit.text(cue, "notes")
        text.delete(0, 7).insert(0, "Warn").append(" and 12")
        assert text.text == "Warn LX 11 and 12"
    assert read(ana, cue) == "Warn LX 11 and 12"
    (entry,) = ana.log_entries(1)
    assert len(entry["ops"]) == 1


def test_a_text_made_into_another_one_leaves_alone_what_both_have(company: Company) -> None:
    ana = company.found("Ana", module=MODULE)
    ben = company.join("Ben", ana)
    cue = add(ana, CUES, number="11", notes="Standby LX 11 go")
    meet(ana, ben)
    with ana.edit() as edit:
        edit.text(cue, "notes").become("Standby LX 12 go")
    type_in(ben, cue, 0, "Quiet: ")
    meet(ana, ben)
    assert read(ana, cue) == read(ben, cue) == "Quiet: Standby LX 12 go"


def test_typing_into_what_the_same_edit_made_or_set_is_part_of_it(ana: Workspace) -> None:
    with ana.edit() as edit:
        cue = edit.add(CUES, number="11", notes="Go")
        edit.text(cue, "notes").append(" now")
    assert read(ana, cue) == "Go now"
    with ana.edit() as edit:
        edit.set(cue, {"notes": "Stop"})
        edit.text(cue, "notes").append(" here")
    assert read(ana, cue) == "Stop here"


def test_what_cannot_be_typed_is_refused_and_nothing_written(ana: Workspace) -> None:
    cue = add(ana, CUES, number="11", notes="Go")
    before = ana.status()["bundles"]
    for at, gone in ((3, 0), (0, 3), (-3, 0)):
        with pytest.raises(NoSuchPlace), ana.edit() as edit:
            edit.text(cue, "notes").replace(at, gone, "x")
    with pytest.raises(NotAText), ana.edit() as edit:
        edit.text(cue, "plain")
    with pytest.raises(FieldRefused), ana.edit() as edit:
        edit.text(cue, "notes").append("x" * (5 << 20))
    with pytest.raises(FieldRefused), ana.edit() as edit:
        edit.text(cue, "notes").append("\0")
    assert ana.status()["bundles"] == before
    assert read(ana, cue) == "Go"


def test_a_mebibyte_can_be_pasted(ana: Workspace) -> None:
    cue = add(ana, CUES, number="11")
    type_in(ana, cue, 0, "x" * (1 << 20))
    assert len(str(read(ana, cue))) == 1 << 20


def test_a_text_reads_the_same_after_a_restart_a_rebuild_and_from_a_check(company: Company) -> None:
    ana = company.found("Ana", module=MODULE)
    cue = add(ana, CUES, number="11", notes="Go")
    for at in range(150):
        type_in(ana, cue, at % 7, "abc")
    shown = read(ana, cue)
    assert ana.verify().is_sound
    again = company.again("Ana")
    type_in(again, cue, 0, "»")
    assert read(again, cue) == f"»{shown}"
    again.rebuild()
    assert read(again, cue) == f"»{shown}"
    assert again.verify().is_sound


def test_an_edit_that_comes_to_nothing_leaves_the_next_one_right(company: Company) -> None:
    ana = company.found("Ana", module=MODULE)
    ben = company.join("Ben", ana)
    cue = add(ana, CUES, number="11", notes="Go")
    type_in(ana, cue, 2, "a")

    def fails(*_: object) -> None:
        raise Refused("no")

    edit = ana.edit()
    edit.text(cue, "notes").append("lost")
    edit.build_with(fails)
    with pytest.raises(Refused):
        edit.commit()
    type_in(ana, cue, 3, "b")
    meet(ana, ben)
    assert read(ana, cue) == read(ben, cue) == "Goab"


def test_typing_from_an_older_look_merges_with_what_the_same_person_typed_meanwhile(company: Company) -> None:
    ana = company.found("Ana", module=MODULE)
    ben = company.join("Ben", ana)
    cue = add(ana, CUES, number="11", notes="Go")
    with ana.edit() as late:
        text = late.text(cue, "notes")
        type_in(ana, cue, 0, "Now ")
        text.append("!")
    meet(ana, ben)
    assert read(ana, cue) == read(ben, cue) == "Now Go!"

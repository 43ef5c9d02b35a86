"""Smart fields: shown from elsewhere, edited there, and said to be away where the source is."""

from __future__ import annotations

import pytest
from tests.unit.workspace.company import CREW, CUES, NAME, PEOPLE, PHONE, RUNS, Company, meet

from openprod.model.errors import OpenprodError, Refused
from openprod.workspace.smart import CannotTake, SourceAway, TypedHere
from openprod.workspace.workspace import Workspace

CREW_NAME, TEXT, ROOM = f"{CREW}.name", f"{CUES}.text", f"{CUES}.room"


def refer(ws: Workspace, record: str, key: str, source: str, source_key: str) -> None:
    """Lets a field be taken from another."""
    with ws.edit("Take it from there") as edit:
        edit.refer(record, key, source, source_key)


def put(ws: Workspace, record: str, **fields: object) -> None:
    """Sets fields."""
    with ws.edit() as edit:
        edit.set(record, fields)


def pair(ws: Workspace) -> tuple[str, str]:
    """Returns a person with a phone, and a cue whose text is taken from that."""
    with ws.edit() as edit:
        jane = edit.add(PEOPLE, name="Jane", phone="1")
        cue = edit.add(CUES, number="11")
        edit.refer(cue, "text", jane, "phone")
    return jane, cue


def shown(ws: Workspace, cue: str) -> object:
    """Returns what the cue's text shows in the table, which the record itself must show too."""
    (row,) = [row for row in ws.query(from_=CUES) if row["id"] == cue]
    assert ws.record(cue)["fields"].get(TEXT) == row["text"]
    return row["text"]


def test_a_smart_field_shows_its_source_and_editing_it_edits_the_source(company: Company) -> None:
    ws = company.found()
    jane, cue = pair(ws)
    assert shown(ws, cue) == "1"
    taken = ws.record(cue)["taken"][TEXT]
    assert (taken["record"], taken["title"], taken["field"], taken["state"]) == (jane, "Jane", PHONE, "ok")
    assert taken["text"] == "taken from Jane's phone"
    put(ws, jane, phone="2")
    assert shown(ws, cue) == "2"
    put(ws, cue, text="3")
    assert ws.record(jane)["fields"][PHONE] == "3"
    assert shown(ws, cue) == "3"
    assert ws.record(cue)["taken"]
    assert ws.history(cue, "text")[0]["ops"][0]["text"] == "LX 11's text taken from Jane's phone"
    assert ws.verify().is_sound
    before = ws.query(from_=CUES)
    ws.rebuild()
    assert ws.query(from_=CUES) == before


def test_queries_sorts_and_live_questions_know_the_value_only(company: Company) -> None:
    ws = company.found()
    jane, cue = pair(ws)
    with ws.edit() as edit:
        other = edit.add(CUES, number="12", text="5")
    heard: list[object] = []
    live = ws.subscribe({"from": CUES, "where": 'text == "9"'}, heard.append)
    heard.clear()
    put(ws, jane, phone="9")
    assert heard, "a change of the source is a change of the question"
    assert [row["id"] for row in ws.query('text == "9"', from_=CUES)] == [cue]
    assert [row["id"] for row in ws.query(query={"from": CUES, "sort": {"order": ["text"]}})] == [other, cue]
    live.close()


def test_a_smart_field_is_typed_again_with_or_without_what_it_showed(company: Company) -> None:
    ws = company.found()
    jane, cue = pair(ws)
    with ws.edit() as edit:
        edit.type_here(cue, "text")
    put(ws, jane, phone="2")
    assert (shown(ws, cue), ws.record(cue)["taken"]) == ("1", {})
    refer(ws, cue, "text", jane, "phone")
    assert shown(ws, cue) == "2"
    with ws.edit() as edit:
        edit.clear(cue, "text")
    assert shown(ws, cue) is None
    assert ws.record(jane)["fields"][PHONE] == "2"
    with pytest.raises(TypedHere, match="typed here already"), ws.edit() as edit:
        edit.type_here(cue, "text")
    ws.undo()
    assert shown(ws, cue) == "2"
    ws.undo()
    assert (shown(ws, cue), ws.record(cue)["taken"]) == ("1", {})


def test_a_deleted_source_is_said_to_be_so_shows_nothing_and_is_not_edited_through(company: Company) -> None:
    ws = company.found()
    jane, cue = pair(ws)
    with ws.edit() as edit:
        edit.delete(jane)
    assert shown(ws, cue) is None
    taken = ws.record(cue)["taken"][TEXT]
    assert (taken["state"], taken["text"]) == ("deleted", "taken from Jane's phone, which is deleted")
    with pytest.raises(SourceAway, match="LX 11: Text is taken from Jane's phone, which is deleted"):
        put(ws, cue, text="4")
    with ws.edit() as edit:
        edit.restore(jane)
    assert shown(ws, cue) == "1"
    assert ws.verify().is_sound


def test_what_cannot_be_taken_is_refused_with_the_reason(company: Company) -> None:
    ws = company.found()
    jane, cue = pair(ws)
    with pytest.raises(CannotTake, match="taken from itself in the end"):
        refer(ws, jane, "phone", cue, "text")
    with pytest.raises(CannotTake, match="taken from itself in the end"):
        refer(ws, jane, "phone", jane, "phone")
    with pytest.raises(
        CannotTake, match=r"Up \(lab\.cues\.up\) holds duration, and Name \(lab\.people\.name\) holds text"
    ):
        refer(ws, cue, "up", jane, "name")
    with pytest.raises(Refused, match="no field 'fax'"):
        refer(ws, cue, "text", jane, "fax")
    with pytest.raises(OpenprodError, match="There is no record"):
        refer(ws, cue, "text", "0198c0de-0000-7000-8000-000000000000", "phone")
    assert shown(ws, cue) == "1"
    with ws.edit() as edit:
        gone = edit.add(PEOPLE, name="Gone")
    with ws.edit() as edit:
        edit.delete(gone)
    with pytest.raises(CannotTake, match="Gone is deleted"):
        refer(ws, cue, "text", gone, "phone")


def test_a_chain_shows_its_end_and_an_edit_goes_there(company: Company) -> None:
    ws = company.found()
    jane, cue = pair(ws)
    with ws.edit() as edit:
        tom = edit.add(CREW, name="Tom")
    refer(ws, tom, "name", cue, "text")
    assert ws.record(tom)["title"] == "1"
    put(ws, tom, name="7")
    assert ws.record(jane)["fields"][PHONE] == "7"
    assert [row["name"] for row in ws.query(from_=CREW)] == ["7"]
    assert ws.record(tom)["title"] == "7"
    assert ws.verify().is_sound


def test_a_circle_made_by_two_people_apart_is_shown_as_such_and_shows_nothing(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    with ana.edit() as edit:
        jane, cue = edit.add(PEOPLE, name="Jane", phone="1"), edit.add(CUES, number="11", text="x")
    meet(ana, ben)
    refer(ana, cue, "text", jane, "phone")
    refer(ben, jane, "phone", cue, "text")
    meet(ana, ben)
    for ws in (ana, ben):
        assert ws.record(cue)["taken"][TEXT]["state"] == "circular"
        assert shown(ws, cue) is None
        assert ws.verify().is_sound
    with ben.edit() as edit:
        edit.clear(jane, "phone")
        edit.set(jane, {"phone": "2"})
    meet(ana, ben)
    assert shown(ana, cue) == "2"


def test_a_reference_and_a_typed_value_apart_are_a_question_that_names_the_source(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    with ana.edit() as edit:
        jane, cue = edit.add(PEOPLE, name="Jane", phone="1"), edit.add(CUES, number="11", text="x")
    meet(ana, ben)
    refer(ana, cue, "text", jane, "phone")
    put(ben, cue, text="y")
    meet(ana, ben)
    (question,) = ana.conflicts()
    assert "Ana (taken from Jane's phone)" in question["text"]
    assert '"y"' in question["text"]
    ana.resolve(question, choose=[one["actor_name"] for one in question["values"]].index("Ana") + 1)
    meet(ana, ben)
    assert shown(ben, cue) == "1"


def test_editing_through_carries_what_the_screen_showed(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane, cue = pair(ana)
    meet(ana, ben)
    screen = ben.record(cue)["heads"]
    assert ben.record(jane)["heads"][PHONE][0] in screen[TEXT]
    put(ana, jane, phone="2")
    meet(ana, ben)
    with ben.edit() as edit:
        edit.set(cue, {TEXT: "3"}, screen)
    (question,) = ben.conflicts()
    assert question["record"] == jane
    assert sorted(str(value["value"]) for value in question["values"]) == ["2", "3"]
    # Typed here meanwhile by somebody else: what is saved from the old screen stands beside it.
    ben.resolve(question, choose=1)
    screen = ben.record(cue)["heads"]
    with ben.edit() as edit:
        edit.type_here(cue, "text")
    with ben.edit() as edit:
        edit.set(cue, {TEXT: "9"}, screen)
    (question,) = ben.conflicts()
    assert question["record"] == cue
    assert not [one for one in ben.notices() if one["kind"] == "void_over"]


def test_merges_mappings_and_splits_are_followed(company: Company) -> None:
    ws = company.found()
    jane, cue = pair(ws)
    with ws.edit() as edit:
        twin = edit.add(PEOPLE, name="Jane")
    ws.map_fields(PHONE, CREW_NAME)
    with ws.edit() as edit:
        edit.put(jane, into=CREW)
        edit.set(jane, {CREW_NAME: "2"})
    assert shown(ws, cue) == "2"
    ws.merge(jane, twin)
    put(ws, twin, phone="3")
    assert shown(ws, cue) == "3"
    ws.split(max(jane, twin), [PEOPLE] if jane > twin else [CREW])
    ws.unmap_fields(PHONE, CREW_NAME)
    with ws.edit() as edit:
        edit.set(jane, {CREW_NAME: "4"} if ws.record(jane)["tables"] == [CREW] else {PHONE: "4"})
    assert ws.verify().is_sound
    assert ws.record(cue)["taken"][TEXT]["state"] == "ok"


def test_a_blocked_source_shows_nothing_while_it_is_in_question(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    with ana.edit() as edit:
        one, cue = edit.add(CUES, number="1", room="A"), edit.add(CUES, number="11")
        edit.refer(cue, "text", one, "room")
    meet(ana, ben)
    put(ana, one, room="B")
    put(ben, one, room="C")
    meet(ana, ben)
    assert shown(ana, cue) is None
    ana.resolve(ana.conflicts()[0], value="D")
    assert shown(ana, cue) == "D"


def test_a_property_of_a_relation_may_be_taken_and_given(company: Company) -> None:
    ws = company.found()
    jane, cue = pair(ws)
    with ws.edit() as edit:
        runs = edit.relate(jane, RUNS, cue, note="deck left")
    refer(ws, cue, "text", runs, "note")
    assert shown(ws, cue) == "deck left"
    with ws.edit() as edit:
        edit.unrelate(runs)
    assert ws.record(cue)["taken"][TEXT]["state"] == "deleted"
    assert shown(ws, cue) is None
    with ws.edit() as edit:
        edit.restore(runs)
    refer(ws, runs, "note", jane, "name")
    assert shown(ws, cue) == "Jane"
    assert ws.relations(jane)[0]["properties"][f"{RUNS}.note"] == "Jane"
    assert ws.verify().is_sound


def test_an_overlay_shows_edits_through_and_references_as_if_they_were_committed(company: Company) -> None:
    ws = company.found()
    jane, cue = pair(ws)
    with ws.overlay("what if") as view:
        with view.edit() as edit:
            edit.set(cue, {"text": "2"})
            crew = edit.add(CREW, name="Tom")
            edit.refer(crew, "name", jane, "name")
        assert [row["text"] for row in view.query(from_=CUES)] == ["2"]
        assert [row["name"] for row in view.query(from_=CREW)] == ["Jane"]
        assert any("taken from Jane's name" in one["text"] for one in view.diff())
        assert shown(ws, cue) == "1"
        view.commit()
    assert shown(ws, cue) == "2"
    assert [row["name"] for row in ws.query(from_=CREW)] == ["Jane"]
    assert NAME in {one["field"] for one in ws.record(crew)["taken"].values()}

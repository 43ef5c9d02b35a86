"""Tables linked to each other: who is put where, by whom, and whose word stands."""

from __future__ import annotations

import pytest
from tests.unit.workspace.company import (
    CREW,
    CUES,
    NAME,
    PEOPLE,
    PHONE,
    RUNS,
    Company,
    add,
    cells,
    meet,
    put,
    sound,
)

from openprod.catalog.tables import UnknownName
from openprod.model.bundle import CAUSE_NAMES
from openprod.query.problems import NameProblem
from openprod.workspace.links import LinkedToItself, NotFixed, NotLinked
from openprod.workspace.proposals import NoProposal
from openprod.workspace.workspace import Workspace


def crew(ws: Workspace) -> set[str]:
    """Returns who is in the second table."""
    return {str(row["id"]) for row in ws.query(from_=CREW)}


def test_a_link_puts_existing_and_future_records_in_and_memberships_know_where_they_come_from(
    company: Company,
) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane, ned = add(ana, PEOPLE, name="Jane"), add(ana, PEOPLE, name="Ned")
    with ana.edit() as edit:
        edit.put(ned, into=CREW)
    assert ana.link_tables(PEOPLE, CREW) != ""
    assert crew(ana) == {jane, ned}
    meet(ana, ben)
    before = ben.status()["bundles"]
    with ben.edit("One edit, one bundle") as edit:
        kate = edit.add(PEOPLE, name="Kate")
        (liz,) = edit.add_many(PEOPLE, ["name"], [["Liz"]])
    assert ben.status()["bundles"] == before + 1
    assert crew(ben) == {jane, ned, kate, liz}
    meet(ana, ben)
    assert ana.record(jane)["origins"] == {PEOPLE: "person", CREW: "link"}
    assert ana.record(ned)["origins"] == {PEOPLE: "person", CREW: "person"}
    assert ana.record(kate)["origins"] == {PEOPLE: "person", CREW: "link"}
    assert ana.history(kate)[0]["cause"] == "edit, link"
    assert CAUSE_NAMES[-1] == "link"
    sound(ana, ben)


def test_receiving_makes_no_device_write_and_what_is_lacking_is_said(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    meet(ana, ben)
    ana.link_tables(PEOPLE, CREW)
    kate = add(ben, PEOPLE, name="Kate")
    bundles = ana.status()["bundles"] + 1
    meet(ana, ben)
    assert (ana.status()["bundles"], crew(ana)) == (bundles, set())
    assert [one["lacking"] for one in ben.links()] == [1]
    (notice,) = [one for one in ana.notices() if one["kind"] == "link"]
    assert f"openprod tables link {PEOPLE} {CREW}" in notice["text"]
    ben.link_tables(PEOPLE, CREW)
    meet(ana, ben)
    assert crew(ana) == {kate}
    assert not ana.notices()
    sound(ana, ben)


def test_whom_a_person_took_out_stays_out(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    ana.link_tables(PEOPLE, CREW)
    with ana.edit() as edit:
        edit.remove(jane, from_=CREW)
    put(ana, jane, {"phone": "1"})
    ana.link_tables(PEOPLE, CREW)
    assert crew(ana) == set()
    with ana.edit() as edit:
        edit.put(jane, into=CREW)
    assert ana.record(jane)["origins"][CREW] == "person"
    with ana.edit() as edit:
        liz = edit.add(PEOPLE, name="Liz")
        edit.put(liz, into=CREW)
    assert ana.record(liz)["origins"][CREW] == "person"


def test_a_condition_says_for_which_records_now_and_later(company: Company) -> None:
    ana = company.found()
    jane, ned = add(ana, PEOPLE, name="Jane", phone="1"), add(ana, PEOPLE, name="Ned")
    ana.link_tables(PEOPLE, CREW, "EXISTS phone")
    assert crew(ana) == {jane}
    put(ana, ned, {"phone": "2"})
    kate = add(ana, PEOPLE, name="Kate")
    assert crew(ana) == {jane, ned}
    put(ana, kate, {"name": "Cate"})
    assert crew(ana) == {jane, ned}
    put(ana, jane, {"phone": None})
    assert crew(ana) == {jane, ned}
    assert sorted(cells(ana, PEOPLE, "name")) == [("Cate",), ("Jane",), ("Ned",)]
    sound(ana)


def test_links_in_a_chain_and_in_a_circle_come_to_an_end(company: Company) -> None:
    ana = company.found()
    ana.link_tables(PEOPLE, CREW, "EXISTS name")
    ana.link_tables(CREW, CUES)
    ana.link_tables(CUES, PEOPLE)
    jane = add(ana, PEOPLE, name="Jane")
    assert ana.record(jane)["tables"] == [CREW, CUES, PEOPLE]
    assert ana.history(jane)[0]["cause"] == "edit, link"
    sound(ana)


def test_taking_a_link_back_copies_or_keeps_and_a_new_one_starts_anew(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane, ned = add(ana, PEOPLE, name="Jane"), add(ana, PEOPLE, name="Ned")
    with ana.edit() as edit:
        edit.put(ned, into=CREW)
    ana.map_fields(NAME, "lab.crew.name")
    ana.link_tables(PEOPLE, CREW)
    assert ana.unlink_tables(PEOPLE, CREW) == 1
    assert crew(ana) & {jane, ned} == {ned}
    (copy,) = crew(ana) - {ned}
    assert sorted(str(row[0]) for row in cells(ana, CREW, "name")) == ["Jane", "Ned"]
    put(ana, copy, {"lab.crew.name": "Janet"})
    assert ana.record(jane)["fields"][NAME] == "Jane"
    ana.link_tables(PEOPLE, CREW)
    assert crew(ana) == {copy, jane, ned}
    ana.unlink_tables(PEOPLE, CREW, is_copying=False)
    assert crew(ana) == {copy, jane, ned}
    assert ana.links() == []
    with pytest.raises(NotLinked):
        ana.unlink_tables(PEOPLE, CREW)
    meet(ana, ben)
    sound(ana, ben)


def test_what_cannot_be_linked_is_refused_and_what_is_odd_only_said(company: Company) -> None:
    ana = company.found()
    before = ana.status()["bundles"]
    for source, target, where, error in (
        (PEOPLE, PEOPLE, "", LinkedToItself),
        (PEOPLE, "lab.nothing", "", UnknownName),
        (PEOPLE, CREW, "phone == $me", NotFixed),
        (PEOPLE, CREW, "fone == '1'", NameProblem),
    ):
        with pytest.raises(error):
            ana.link_tables(source, target, where)
    assert ana.status()["bundles"] == before
    assert "seldom" in ana.link_tables(CUES, CREW)


def test_a_deleted_record_is_not_put_anywhere(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane", phone="1")
    with ana.edit() as edit:
        edit.delete(jane)
    ana.link_tables(PEOPLE, CREW)
    with ana.edit() as edit:
        edit.set(jane, {PHONE: "2"})
    assert ana.record(jane)["tables"] == [PEOPLE]
    sound(ana)


def test_a_lost_condition_proposes_the_removal_and_a_persons_word_ends_the_question(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane, ned, tom = (add(ana, PEOPLE, name=name, phone="1") for name in ("Jane", "Ned", "Tom"))
    ana.link_tables(PEOPLE, CREW, "phone == '1'")
    with ana.edit() as edit:
        edit.put(tom, into=CREW)
    assert ana.proposals() == []
    put(ana, jane, {PHONE: "2"})
    put(ana, tom, {PHONE: "2"})
    with ana.edit() as edit:
        edit.remove(ned, from_=PEOPLE)
    assert crew(ana) == {jane, ned, tom}, "nothing happens by itself"
    assert [one["text"] for one in ana.proposals()] == [
        "Jane no longer meets the criteria for Crew. Remove it?",
        "Ned left People, which put it into Crew. Remove it?",
    ]
    assert "2 proposals wait for somebody's yes or no" in next(one["text"] for one in ana.notices())
    meet(ana, ben)
    first, second = ben.proposals()
    ben.answer_proposal(first["id"], is_accepted=True)
    ben.answer_proposal(second["id"][:4], is_accepted=False)
    meet(ana, ben)
    for ws in (ana, ben):
        assert ws.proposals() == []
        assert crew(ws) == {ned, tom}
        assert ws.record(ned)["origins"][CREW] == "person"
    put(ana, jane, {PHONE: "1"})
    assert crew(ana) == {ned, tom}, "who was taken out by hand stays out"
    with pytest.raises(NoProposal):
        ana.answer_proposal(first["id"], is_accepted=True)
    sound(ana, ben)


def test_copies_have_the_relations_of_their_table_with_properties_and_every_device_makes_the_same(
    company: Company,
) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, CREW, name="Jane")
    cue, other = add(ana, CUES, number="1"), add(ana, CUES, number="2")
    ana.link_tables(CREW, PEOPLE)
    with ana.edit() as edit:
        edit.relate(jane, RUNS, cue, note="deck left")
        edit.relate(jane, RUNS, other, cover=True)
    meet(ana, ben)
    for ws in (ana, ben):
        assert ws.unlink_tables(CREW, PEOPLE) == 1
    meet(ana, ben)
    for ws in (ana, ben):
        (copy,) = [str(row["id"]) for row in ws.query(from_=PEOPLE)]
        assert copy != jane
        found = {one["other"]: one for one in ws.relations(copy)}
        assert set(found) == {cue, other}
        assert found[cue]["properties"][f"{RUNS}.note"] == "deck left"
        assert found[other]["properties"][f"{RUNS}.cover"] is True
        assert {one["other"] for one in ws.relations(jane)} == {cue, other}
        assert not ws.conflicts()
    with ana.edit() as edit:
        made = edit.relate(copy, RUNS, cue)
    assert made in {one["id"] for one in ana.relations(copy)}, "a unique relation is the one it was copied as"
    assert len(ana.relations(copy)) == 2
    sound(ana, ben)

"""Saying that things are the same, and taking it back: what is suggested, what is kept apart, what a split leaves."""

from __future__ import annotations

import unicodedata

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
    module_at,
    offered,
    put,
    sound,
    value,
)

from openprod.model.errors import Refused
from openprod.model.ids import id_text
from openprod.workspace.matches import NoMatch
from openprod.workspace.repair import NoSuggestion, NotMapped, NotMerged, SameThing, TypesDiffer
from openprod.workspace.workspace import Workspace

CREW_NAME, RATE = "lab.crew.name", "lab.crew.rate"
BOOK = """\
[module]
name = "book"
version = "1.0.0"
title = "Book"

[table.cards]
title = "Cards"
label = "{name}"

[table.cards.fields]
name = { type = "text", shared_key = "name" }
mail = { type = "text", shared_key = "email" }
born = { type = "date", shared_key = "born" }

[table.seats]
title = "Seats"
key = ["row", "number"]
label = "{row}{number}"

[table.seats.fields]
row = { type = "text", required = true }
number = "int"
"""
DESK = BOOK.replace('"book"', '"desk"').replace('title = "Cards"', 'title = "Slips"').replace("cards", "slips")
CARDS, SLIPS, SEATS = "book.cards", "desk.slips", "book.seats"


def two_books(company: Company) -> Workspace:
    ana = company.found()
    for name, text in (("book", BOOK), ("desk", DESK)):
        ana.adopt(module_at(company.folder / name, text))
    return ana


def test_a_suggestion_is_a_question_that_is_asked_until_it_is_answered(company: Company) -> None:
    ana = two_books(company)
    questions = {one["text"]: one["id"] for one in ana.suggested_mappings(CARDS, SLIPS)}
    name, mail = (
        f"Cards and Slips both have a '{word}' field. Should these be the same data?" for word in ("name", "email")
    )
    assert {name, mail} < set(questions)
    assert ana.mappings() == []
    ana.confirm_mapping(questions[name])
    ana.reject_mapping(questions[mail])
    assert {name, mail}.isdisjoint(one["text"] for one in ana.suggested_mappings())
    assert ana.mappings() == [(f"{CARDS}.name", f"{SLIPS}.name")]
    assert [one["state"] for one in ana.all_mappings()] == ["confirmed", "suggested", "declined"]
    ana.confirm_mapping(questions[mail])
    assert [one["state"] for one in ana.all_mappings()] == ["confirmed", "confirmed", "suggested"]
    ana.unmap_fields(f"{CARDS}.mail", f"{SLIPS}.mail")
    assert questions[mail] in {one["id"] for one in ana.suggested_mappings()}
    with pytest.raises(NoSuggestion):
        ana.confirm_mapping("zz")
    sound(ana)


def test_what_cannot_be_mapped_is_refused_with_the_reason(company: Company) -> None:
    ana = company.found()
    before = ana.status()["bundles"]
    for one, other, error, words in (
        (NAME, RATE, TypesDiffer, "holds text"),
        (NAME, NAME, SameThing, "one field"),
    ):
        with pytest.raises(error, match=words):
            ana.map_fields(one, other)
    with pytest.raises(NotMapped):
        ana.unmap_fields(NAME, CREW_NAME)
    assert ana.status()["bundles"] == before
    ana.map_fields(NAME, CREW_NAME)
    with pytest.raises(SameThing, match="already"):
        ana.map_fields(NAME, CREW_NAME)


def test_an_edit_begun_before_a_mapping_writes_the_field_that_was_on_screen(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Jane")
    with ana.edit() as edit:
        edit.put(jane, into=CREW)
    put(ana, jane, {CREW_NAME: "Rigger"})
    meet(ana, ben)
    ben.map_fields(NAME, CREW_NAME)
    with ana.edit() as slow:
        slow.set(jane, {NAME: "Janet"})
        ana.ingest(ben.bundles())
    assert offered(ana, jane) == [{"Janet", "Rigger"}]
    meet(ana, ben)
    assert offered(ben, jane) == [{"Janet", "Rigger"}]
    sound(ana, ben)


def test_what_is_out_of_sight_while_a_mapping_is_taken_back_comes_back_with_what_it_showed(company: Company) -> None:
    ana = company.found()
    jane, ned, liz = (add(ana, PEOPLE, name=name) for name in ("Jane", "Ned", "Liz"))
    with ana.edit() as edit:
        for one in (jane, ned):
            edit.put(one, into=CREW)
    ana.map_fields(NAME, CREW_NAME)
    with ana.edit() as edit:
        edit.delete(jane)
        edit.remove(ned, from_=CREW)
    ana.unmap_fields(NAME, CREW_NAME)
    with ana.edit() as edit:
        edit.restore(jane)
        edit.put(ned, into=CREW)
        edit.put(liz, into=CREW)
    assert [value(ana, one, CREW_NAME) for one in (jane, ned, liz)] == ["Jane", "Ned", None]
    sound(ana)


def test_records_match_by_key_address_or_mapped_field_and_by_nothing_else(company: Company) -> None:
    ana = two_books(company)
    jane, card, slip = add(ana, PEOPLE, name="Jane"), add(ana, CARDS, name="Jane"), add(ana, SLIPS, name="Jane")
    assert ana.matches() == []
    ana.map_fields(f"{CARDS}.name", f"{SLIPS}.name")
    (match,) = ana.matches()
    assert {match["one"], match["other"]} == {card, slip}
    assert match["text"] == "Jane (Cards) and Jane (Slips) have the same name. Are they one?"
    for name in ("J. Doe", None):
        add(ana, CARDS, **({"name": name} if name else {}))
    add(ana, SLIPS, name="Doe")
    add(ana, SLIPS)
    assert ana.matches() == [match]
    ana.decline_match(match["id"])
    assert ana.matches() == []
    with pytest.raises(NoMatch):
        ana.decline_match(match["id"])
    one, two = add(ana, CARDS, name="A", mail="x@y"), add(ana, CARDS, name="B", mail="x@y")
    seats = [add(ana, SEATS, row=row, number=number) for row, number in (("A", 1), ("A", 1), ("A", 2), ("B", 1))]
    assert sorted(sorted((found["one"], found["other"])) for found in ana.matches()) == sorted(
        [sorted((one, two)), sorted(seats[:2])]
    )
    ana.merge(card, slip)
    ana.split(max(card, slip))
    assert {card, slip}.isdisjoint(found["one"] for found in ana.matches())
    assert value(ana, jane, NAME) == "Jane"
    sound(ana)


@pytest.mark.parametrize("name", ["Jürgen Größe", "Siân Ŵyn", "Anaïs Llŷr"])
def test_names_that_only_look_alike_are_neither_matched_nor_merged_unasked(company: Company, name: str) -> None:
    ana = two_books(company)
    ana.map_fields(f"{CARDS}.name", f"{SLIPS}.name")
    composed, taken_apart = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    add(ana, CARDS, name=composed)
    add(ana, SLIPS, name=taken_apart)
    assert composed != taken_apart
    assert ana.matches() == []
    assert (ana.count(CARDS), ana.count(SLIPS)) == (1, 1)


def test_what_many_share_identifies_nobody(company: Company) -> None:
    ana = two_books(company)
    for number in range(6):
        add(ana, CARDS, name=f"n{number}", mail="office@house")
    assert ana.matches() == []


def test_a_merge_says_beforehand_what_it_will_ask(company: Company) -> None:
    ana = company.found()
    one, two = add(ana, PEOPLE, name="Old", phone="1"), add(ana, PEOPLE, name="J. Smith", phone="1")
    assert ana.differences(one, two) == [{"field": NAME, "one": "Old", "other": "J. Smith"}]
    low = ana.merge(one, two)
    assert low == min(one, two) == ana.ref(one) == ana.ref(two)
    assert offered(ana, low) == [{"Old", "J. Smith"}]
    for reference in (one, two):
        assert ana.record(reference)["id"] == low
    with pytest.raises(SameThing):
        ana.merge(one, two)
    with pytest.raises(SameThing):
        ana.merge(one, one)
    sound(ana)


def test_records_of_one_table_that_were_merged_by_mistake_part_into_the_tables_they_came_from(
    company: Company,
) -> None:
    ana, ben = company.cast("Ana", "Ben")
    one, two = sorted((add(ana, PEOPLE, name="A", phone="1"), add(ana, PEOPLE, name="B", phone="2")))
    names = [value(ana, each, NAME) for each in (one, two)]
    ana.merge(one, two)
    meet(ana, ben)
    assert ana.split(two) == (one, two)
    meet(ana, ben)
    assert sorted(ben.record(each)["tables"] for each in (one, two)) == [[PEOPLE], [PEOPLE]]
    assert {each["id"] for each in ben.query(from_=PEOPLE)} == {one, two}
    assert [value(ben, each, NAME) for each in (one, two)] == names
    assert ben.conflicts() == []
    with pytest.raises(NotMerged):
        ana.split(two)
    sound(ana, ben)


def test_a_split_leaves_something_on_both_sides_or_is_refused(company: Company) -> None:
    ana = company.found()
    one, two = add(ana, PEOPLE, name="A"), add(ana, CREW, name="B")
    ana.merge(one, two)
    for tables in (["lab.cues"], [PEOPLE, CREW, CUES]):
        with pytest.raises(Refused):
            ana.split(one, tables)
    stays, goes = ana.split(max(one, two), [CREW if one < two else PEOPLE])
    assert (ana.record(stays)["tables"], ana.record(goes)["tables"]) == (
        ([PEOPLE], [CREW]) if one < two else ([CREW], [PEOPLE])
    )


def test_relations_and_references_follow_a_merge_and_a_split(company: Company) -> None:
    ana = company.found()
    one, two = sorted((add(ana, PEOPLE, name="A"), add(ana, PEOPLE, name="A")))
    cue = add(ana, CUES, number="1", owner=two)
    with ana.edit() as edit:
        edit.relate(two, RUNS, cue)
    ana.merge(one, two)
    assert [found["other"] for found in ana.relations(cue)] == [one]
    assert cells(ana, CUES, "owner") == [(ana.desk.heads.eid_of(bytes.fromhex(one.replace("-", ""))),)]
    put(ana, two, {PHONE: "3"})
    assert value(ana, one, PHONE) == "3"
    ana.split(two)
    assert [found["other"] for found in ana.relations(cue)] == [two]
    sound(ana)


def test_a_unique_relation_that_a_merge_makes_double_is_made_one_on_a_persons_word_and_nothing_is_lost(
    company: Company,
) -> None:
    ana, ben = company.cast("Ana", "Ben")
    one, other = add(ana, PEOPLE, name="Jane"), add(ana, PEOPLE, name="Jane")
    cue = add(ana, CUES, number="1")
    with ana.edit() as edit:
        edit.relate(one, RUNS, cue, note="deck left")
        edit.relate(other, RUNS, cue, note="deck right", cover=True)
    assert ana.proposals() == []
    meet(ana, ben)
    ana.merge(one, other)
    meet(ana, ben)
    assert len(ana.relations(one)) == 2
    for ws in (ana, ben):
        (proposal,) = ws.proposals()
        assert proposal["text"] == "Jane – Runs – LX 1 is there twice, and Runs is once only. Make them one?"
        ws.answer_proposal(proposal["id"], is_accepted=True)
    meet(ana, ben)
    for ws in (ana, ben):
        assert ws.proposals() == []
        (left,) = ws.relations(one)
        offered = {
            question["field"]: sorted(str(value["value"]) for value in question["values"])
            for question in ws.conflicts(left["id"])
        }
        assert offered[f"{RUNS}.note"] == ["deck left", "deck right"]
        assert ws.verify().is_sound
    for question in ana.conflicts():
        ana.resolve(question, choose=1)
    meet(ana, ben)
    assert not ben.conflicts()
    # Kept twice on purpose: not asked again.
    with ana.edit() as edit:
        edit.restore(next(iter({str(row) for row in _ended(ana, one)})))
    (proposal,) = ana.proposals()
    ana.answer_proposal(proposal["id"], is_accepted=False)
    assert ana.proposals() == []


def _ended(ws: Workspace, record: str) -> list[str]:
    """Returns the ids of relations that were ended."""
    kept = {one["id"] for one in ws.relations(record)}
    rows = ws.desk.db.rows("SELECT uuid FROM edge JOIN entity USING(eid) WHERE live = 0")
    return [id_text(uuid) for (uuid,) in rows if id_text(uuid) not in kept]

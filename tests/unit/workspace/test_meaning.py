"""What heads mean in the tables people read: titles, conflicts, existence, relations, values of odd types."""

from __future__ import annotations

import pytest
from tests.unit.workspace.company import (
    AFTER,
    CREW,
    CUES,
    NAME,
    PEOPLE,
    PHONE,
    RUNS,
    Company,
    add,
    cells,
    guest,
    meet,
    offered,
    put,
    sound,
    table_rows,
    value,
)

from openprod.model.ids import EntityId, id_from_text, id_text
from openprod.model.ops import Ends, Relate, RowsPayload, Unrelate
from openprod.model.ops import Rows as RowsOp
from openprod.model.slots import EXISTS, RELATION
from openprod.model.values import RecordRef, Value
from openprod.testing.device import Draft, draft_exist, draft_later, draft_rows, draft_set

ROOM = "lab.cues.room"


def test_a_blocked_field_shows_nothing_while_it_is_contested(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    cue = add(ana, CUES, number="1", room="A")
    meet(ana, ben)
    put(ana, cue, {"room": "B"})
    put(ben, cue, {"room": "C", "text": "Dawn"})
    meet(ana, ben)
    assert cells(ana, CUES, "room", "text") == [(None, "Dawn")]
    assert offered(ana, cue) == [{"B", "C"}]
    with ana.edit() as edit:
        edit.delete(cue)
    with ana.edit() as edit:
        edit.restore(cue)
    assert cells(ana, CUES, "room") == [(None,)]
    ana.resolve(ana.conflicts()[0], choose=1)
    meet(ana, ben)
    assert cells(ben, CUES, "room") == [(value(ana, cue, ROOM),)]
    sound(ana, ben)


def test_titles_follow_the_key_and_the_shown_value(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    cue = add(ana, CUES, number="11")
    meet(ana, ben)
    put(ana, cue, {"number": "12"})
    company.pass_time()
    put(ben, cue, {"number": "13", "list": "2"})
    meet(ana, ben)
    assert cells(ana, CUES, "~title", "number", "number~") == cells(ben, CUES, "~title", "number", "number~")
    assert ana.record(cue)["title"] == "LX 2/13"
    ana.resolve(ana.conflicts()[0], value="11.10")
    assert cells(ana, CUES, "~title", "number") == [("LX 2/11.10", "11.10")]
    sound(ana)


def test_a_relation_is_shown_while_both_its_ends_are_there(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane, ned, cue = add(ana, PEOPLE, name="Jane"), add(ana, PEOPLE, name="Ned"), add(ana, CUES, number="1")
    with ana.edit() as edit:
        for person in (jane, ned):
            edit.relate(person, RUNS, cue)
    meet(ana, ben)
    with ana.edit() as edit:
        edit.delete(cue)
    with ben.edit() as edit:
        edit.delete(ned)
    meet(ana, ben)
    assert table_rows(ana, RUNS) == []
    with ana.edit() as edit:
        edit.restore(cue)
    meet(ana, ben)
    assert [one["other"] for one in ben.relations(cue)] == [jane]
    with ben.edit() as edit:
        edit.restore(ned)
    meet(ana, ben)
    assert [one["title"] for one in ana.relations(cue)] == ["Jane", "Ned"]
    sound(ana, ben)


def test_questions_about_a_relation_rest_while_an_end_is_gone(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="1")
    with ana.edit() as edit:
        runs = edit.relate(jane, RUNS, cue)
    meet(ana, ben)
    put(ana, runs, {"note": "x"})
    put(ben, runs, {"note": "y"})
    meet(ana, ben)
    assert (offered(ana, runs), ana.status()["conflicts"]) == ([{"x", "y"}], 1)
    with ana.edit() as edit:
        edit.delete(cue)
    assert (ana.conflicts(), ana.status()["conflicts"]) == ([], 0)
    with ana.edit() as edit:
        edit.restore(cue)
    assert offered(ana, runs) == [{"x", "y"}]
    sound(ana)


def test_a_record_in_several_tables_is_shown_in_each_and_in_none_when_deleted(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    with ana.edit() as edit:
        edit.put(jane, into=CREW)
    put(ana, jane, {"lab.crew.name": "Rigger", "phone": "1"})
    assert (cells(ana, PEOPLE, "~title"), cells(ana, CREW, "~title")) == ([("Jane",)], [("Rigger",)])
    with ana.edit() as edit:
        edit.delete(jane)
    assert cells(ana, PEOPLE, "~title") == cells(ana, CREW, "~title") == []
    with ana.edit() as edit:
        edit.remove(jane, from_=PEOPLE)
        edit.restore(jane)
    assert (cells(ana, PEOPLE, "~title"), cells(ana, CREW, "~title")) == ([], [("Rigger",)])
    sound(ana)


def test_automation_neither_contests_a_deletion_nor_brings_a_record_back(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    zoe = guest(company, ana)
    zoe.receive(ana.bundles())
    rule = draft_set(id_from_text(jane), NAME, "Rule", zoe.heads(jane, NAME))
    with ana.edit() as edit:
        edit.delete(jane)
    from openprod.testing.device import AUTOMATION

    zoe.seal([rule], cause=AUTOMATION)
    ana.ingest(zoe.sealed())
    assert ana.record(jane)["marks"] == ["deleted"]
    zoe.receive(ana.bundles())
    zoe.seal([draft_exist(id_from_text(jane), zoe.heads(jane, EXISTS), is_live=True)], cause=AUTOMATION)
    ana.ingest(zoe.sealed())
    assert ana.record(jane)["marks"] == ["deleted"]
    assert [one["kind"] for one in ana.notices()] == ["automation"]
    sound(ana)


def test_work_in_a_bundle_this_version_cannot_read_contests_a_deletion(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    zoe = guest(company, ana, is_newer=True)
    zoe.receive(ana.bundles())
    with ana.edit() as edit:
        edit.delete(jane)
    zoe.seal([draft_set(id_from_text(jane), NAME, "X", zoe.heads(jane, NAME)), draft_later(id_from_text(jane))])
    ana.ingest(zoe.sealed())
    assert set(ana.record(jane)["marks"]) >= {"contested"}
    assert [one["kind"] for one in ana.conflicts()] == ["delete"]
    sound(ana)


# -- bundles no honest desk of this version writes


def test_rows_of_records_that_are_there_or_twice_in_a_block_stand_beside_what_they_met(company: Company) -> None:
    ana = company.found()
    jane = id_from_text(add(ana, PEOPLE, name="Jane"))
    zoe = guest(company, ana)
    one, two = zoe.new_id(), zoe.new_id()
    zoe.seal([draft_rows(PEOPLE, (NAME, PHONE), {one: ("A", "1"), jane: ("Q", None), two: (None, "2")})])
    twice = RowsPayload(PEOPLE, (("A", "1"), ("B", None)))
    zoe.seal([Draft((one,), (NAME, PHONE), (), lambda c, _, k, o: RowsOp(c, (0, 1, 0, 1), k, o, twice))])
    assert ana.ingest(zoe.sealed()).applied == 2
    assert offered(ana, id_text(jane)) == [{"Jane", "Q"}]
    assert offered(ana, id_text(one)) == [{"A", "B"}]
    assert value(ana, id_text(two), PHONE) == "2"
    sound(ana)


def test_values_of_a_wrong_type_stand_as_they_are_and_stop_nothing(company: Company) -> None:
    ana = company.found()
    zoe = guest(company, ana)
    keys = tuple(f"lab.cues.{name}" for name in ("number", "up", "owner", "done", "at", "text"))
    odd: tuple[Value, ...] = (True, 1, 1.0, "x", None)
    made: dict[EntityId, tuple[Value, ...]] = {zoe.new_id(): (one,) * len(keys) for _ in range(4) for one in odd}
    zoe.seal([draft_rows(CUES, keys, made)])
    ana.ingest(zoe.sealed())
    kinds = {ana.desk.db.rows(f"SELECT DISTINCT typeof({name}) FROM '{CUES}'")[0] for name in ("owner", "at")}
    assert kinds <= {("blob",), ("null",)}
    assert cells(ana, CUES, "done").count((1,)) == 4
    first = [id_text(one) for one in made][:5]
    shown = [value(ana, one, "lab.cues.number") for one in first]
    assert (shown, [type(one) for one in shown[:3]]) == ([True, 1, 1.0, "x", None], [bool, int, float])
    for one in first:
        put(ana, one, {"text": "seen"})
    with ana.edit() as edit:
        for one in made:
            edit.put(id_text(one), into=CREW)
    sound(ana)


def test_a_reference_to_what_nobody_made_yet_waits_for_it(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    cue = add(ana, CUES, number="1")
    zoe = guest(company, ana)
    zoe.receive(ana.bundles())
    later = zoe.new_id()
    zoe.seal([draft_set(id_from_text(cue), "lab.cues.owner", RecordRef(later), ())])
    ana.ingest(zoe.sealed())
    assert value(ana, cue, "lab.cues.owner") == id_text(later)
    with ana.edit() as edit:
        edit.add_record(PEOPLE, {"name": "Jane"}, record_id=later)
    meet(ana, ben)
    assert ben.record(id_text(later))["title"] == "Jane"
    sound(ana, ben)


def test_a_relation_ended_through_unread_work_is_ended(company: Company) -> None:
    ana = company.found()
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="1")
    with ana.edit() as edit:
        runs = edit.relate(jane, RUNS, cue)
    zoe = guest(company, ana, is_newer=True)
    zoe.receive(ana.bundles())
    at = id_from_text(runs)
    unread = zoe.seal([Draft((at,), (RELATION,), zoe.heads(runs, RELATION), Unrelate), draft_later(at)])
    zoe.seal([Draft((at,), (RELATION,), ((unread, 0),), Unrelate)])
    ana.ingest(zoe.sealed())
    assert (ana.relations(jane), table_rows(ana, RUNS), ana.status()["unread"]) == ([], [], 1)
    sound(ana)


def test_a_relation_that_becomes_another_kind_leaves_its_old_table(company: Company) -> None:
    ana = company.found()
    one, two = add(ana, CUES, number="1"), add(ana, CUES, number="2")
    with ana.edit() as edit:
        after = edit.relate(one, AFTER, two)
    zoe = guest(company, ana)
    zoe.receive(ana.bundles())
    ends = Ends(RUNS, id_from_text(one), id_from_text(two))
    over = zoe.heads(after, RELATION)
    zoe.seal([Draft((id_from_text(after),), (RELATION,), over, lambda c, s, k, o: Relate(c, s, k, o, ends))])
    ana.ingest(zoe.sealed())
    assert [found["relation"] for found in ana.relations(one)] == [RUNS]
    assert table_rows(ana, AFTER) == []
    sound(ana)


@pytest.mark.parametrize("is_newer", [False, True])
def test_an_edit_that_began_before_others_wrote_over_unread_work_still_commits(
    company: Company,
    is_newer: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Old")
    zoe = guest(company, ana, is_newer=is_newer)
    zoe.receive(ana.bundles())
    at = id_from_text(jane)
    with ana.edit() as slow:
        slow.set(jane, {"name": "Mine"})
        zoe.seal([draft_set(at, NAME, "X", zoe.heads(jane, NAME)), draft_later(at)])
        zoe.seal([draft_set(at, NAME, "X2", zoe.heads(jane, NAME))])
        ana.ingest(zoe.sealed())
    assert offered(ana, jane)[0] == {"Mine", "X2"}
    assert "Old" in [op["value"] for entry in ana.history(jane, "name") for op in entry["ops"]]
    sound(ana)

"""Overlays: what is staged, what drifts under it, what is left out, and what a commit writes."""

from __future__ import annotations

import threading

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
    count_bundles,
    heads_of,
    meet,
    module_at,
    offered,
    put,
    sound,
    value,
)

from openprod.model.bundle import CAUSE_SCRIPT, Cause
from openprod.model.errors import Refused
from openprod.model.ops import ClockAccept
from openprod.model.slots import CLOCK
from openprod.workspace.overlay import (
    AutomationAsks,
    NothingStaged,
    OverlayExists,
    UndecidedDrift,
    UnknownOverlay,
)
from openprod.workspace.past import NoSuchMoment, PastIsRead
from openprod.workspace.staged import NotInOverlay


def test_nothing_of_an_overlay_is_in_the_production_before_its_commit(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    before = ana.status()
    overlay = ana.overlay("what if")
    put(overlay, jane, {"name": "X"})
    add(overlay, PEOPLE, name="New")
    assert ana.status() == before
    assert (value(ana, jane, NAME), value(overlay, jane, NAME)) == ("Jane", "X")
    assert (ana.count(PEOPLE), overlay.count(PEOPLE)) == (1, 2)
    overlay.commit()
    assert count_bundles(ana) == before["bundles"] + 1
    assert value(ana, jane, NAME) == "X"
    sound(ana)


def test_a_change_list_reads_as_people_approve_it(company: Company) -> None:
    ana = company.found()
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="11")
    overlay = ana.overlay("what if")
    put(overlay, jane, {"name": "X"})
    put(overlay, cue, {"owner": jane})
    with overlay.edit() as edit:
        edit.put(jane, into=CREW)
        edit.relate(jane, RUNS, cue)
    nobody = add(overlay, PEOPLE, name="Nobody")
    with overlay.edit() as edit:
        edit.delete(nobody)
    assert [one["text"] for one in overlay.diff()][:4] == [
        'Jane\'s name: "Jane" -> "X"',
        "Jane goes into lab.crew",
        "LX 11's owner is X",
        "X – Runs – LX 11",
    ]
    put(overlay, jane, {NAME: "Jane"})
    assert not [one for one in overlay.diff() if one["field"] == NAME]


def test_what_others_have_changed_meanwhile_is_drift_and_the_same_change_is_none(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane, joan = add(ana, PEOPLE, name="Jane", phone="1"), add(ana, PEOPLE, name="Joan")
    meet(ana, ben)
    overlay = ana.overlay("what if")
    put(overlay, jane, {"name": "X", "phone": "2"})
    put(overlay, joan, {"name": "X"})
    put(ben, jane, {"name": "Y", "phone": "2"})
    meet(ana, ben)
    (drift,) = overlay.drift()
    assert (drift["record"], drift["field"], drift["value"], drift["actor_name"]) == (jane, NAME, "Y", "Ben")
    assert "changed to" in drift["text"]
    with pytest.raises(UndecidedDrift) as refused:
        overlay.commit()
    assert [one.key for one in refused.value.drift] == [NAME]
    overlay.theirs(jane, "name")
    assert (value(overlay, jane, NAME), overlay.drift()) == ("Y", [])
    overlay.commit()
    meet(ana, ben)
    assert (value(ben, jane, NAME), value(ben, joan, NAME), ben.conflicts()) == ("Y", "X", [])


def test_a_record_deleted_under_a_staged_edit_comes_back_or_the_edit_goes(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane, joan = add(ana, PEOPLE, name="Jane"), add(ana, PEOPLE, name="Joan")
    meet(ana, ben)
    overlay = ana.overlay("what if")
    for one in (jane, joan):
        put(overlay, one, {"phone": "1"})
    with ben.edit() as edit:
        edit.delete(jane)
        edit.delete(joan)
    meet(ana, ben)
    assert {one["text"] for one in overlay.drift()} == {
        "Jane was deleted by Ben meanwhile",
        "Joan was deleted by Ben meanwhile",
    }
    overlay.keep(jane, "@exists")
    overlay.theirs(joan, "@exists")
    overlay.commit()
    meet(ana, ben)
    assert [row["name"] for row in ben.query(query={"from": PEOPLE})] == ["Jane"]
    assert ben.conflicts() == []
    sound(ana, ben)


def test_work_under_a_staged_deletion_and_a_lost_membership_are_drift(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane, joan = add(ana, PEOPLE, name="Jane"), add(ana, PEOPLE, name="Joan")
    meet(ana, ben)
    overlay = ana.overlay("what if")
    with overlay.edit() as edit:
        edit.delete(jane)
        edit.set(joan, {PHONE: "1"})
    put(ben, jane, {"phone": "2"})
    with ben.edit() as edit:
        edit.remove(joan, from_=PEOPLE)
    meet(ana, ben)
    assert {(one["record"], one["field"]) for one in overlay.drift()} == {
        (jane, "@exists"),
        (joan, "@in/lab.people"),
    }
    overlay.theirs(jane, "@exists")
    overlay.keep(joan, "@in/lab.people")
    overlay.commit()
    assert {str(row["name"]) for row in ana.query(query={"from": PEOPLE})} == {"Jane", "Joan"}


def test_a_relation_to_a_record_that_went_is_drift(company: Company) -> None:
    ana = company.found()
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="11")
    overlay = ana.overlay("what if")
    with overlay.edit() as edit:
        made = edit.relate(jane, RUNS, cue)
    with ana.edit() as edit:
        edit.delete(cue)
    assert [one["text"] for one in overlay.drift()] == ["LX 11 was deleted by Ana meanwhile"]
    overlay.theirs(made, "@exists")
    assert overlay.diff() == []


def test_a_record_merged_meanwhile_takes_what_is_staged(company: Company) -> None:
    ana = company.found()
    jane, joan = add(ana, PEOPLE, name="Jane"), add(ana, PEOPLE, name="Jane", phone="9")
    overlay = ana.overlay("what if")
    put(overlay, jane, {"phone": "1"})
    put(overlay, joan, {"name": "Joan"})
    ana.merge(jane, joan)
    assert sorted(one["field"] for one in overlay.drift()) == [NAME, PHONE]
    assert all("became one with another record" in one["text"] for one in overlay.drift())
    overlay.keep(jane, "phone")
    overlay.keep(joan, "name")
    overlay.commit()
    assert (value(ana, jane, PHONE), value(ana, joan, NAME), ana.conflicts()) == ("1", "Joan", [])


def test_a_staged_value_over_a_question_settles_it_and_a_scripts_does_not(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben)
    put(ana, jane, {"name": "X"})
    put(ben, jane, {"name": "Y"})
    meet(ana, ben)
    overlay = ana.overlay("what if")
    with pytest.raises(AutomationAsks, match="open question"), overlay.edit("", Cause(CAUSE_SCRIPT, auto=True)) as edit:
        edit.set(jane, {"name": "Z"})
    assert offered(overlay, jane) == [{"X", "Y"}]
    put(overlay, jane, {"name": "Z"})
    assert (overlay.conflicts(), overlay.drift(), offered(ana, jane)) == ([], [], [{"X", "Y"}])
    overlay.commit()
    meet(ana, ben)
    assert (value(ben, jane, NAME), ben.conflicts()) == ("Z", [])


def test_single_fields_and_whole_records_are_left_out_with_what_joins_them(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    overlay = ana.overlay("what if")
    put(overlay, jane, {"name": "X", "phone": "1"})
    new, cue = add(overlay, PEOPLE, name="New"), add(overlay, CUES, number="11")
    with overlay.edit() as edit:
        edit.relate(new, RUNS, cue)
    overlay.knock_out(jane, "name")
    overlay.knock_out(new)
    overlay.knock_out(heads_of(overlay, cue, ["lab.cues.list"])["lab.cues.list"][0])
    with pytest.raises(NothingStaged):
        overlay.knock_out(jane, "name")
    overlay.commit()
    assert (value(ana, jane, NAME), value(ana, jane, PHONE)) == ("Jane", "1")
    assert (ana.count(PEOPLE), ana.relations(cue), value(ana, cue, "lab.cues.list")) == (1, [], None)
    sound(ana)


def test_leaving_a_merge_out_leaves_each_record_its_own(company: Company) -> None:
    ana = company.found()
    jane, joan = add(ana, PEOPLE, name="Jane"), add(ana, PEOPLE, name="Joan")
    overlay = ana.overlay("what if")
    put(overlay, joan, {"phone": "2"})
    overlay.merge(jane, joan)
    overlay.resolve(overlay.conflicts()[0], value="Both")
    (line,) = [one for one in overlay.diff() if one["kind"] == "merge"]
    assert line["text"] in {"Jane and Joan become one", "Joan and Jane become one"}
    assert overlay.count(PEOPLE) == 1
    merge = next(subject for subject, one in overlay.desk.records().items() if "@same" in one.slots)
    overlay.desk.knock_out(merge, "@same")
    assert overlay.count(PEOPLE) == 2
    overlay.commit()
    names = {str(value(ana, one, NAME)) for one in (jane, joan)}
    assert (len(names), "Both" in names, value(ana, joan, PHONE)) == (2, True, "2")
    assert [one["kind"] for one in ana.notices()] == []


def test_mappings_are_staged_and_taken_back(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    with ana.edit() as edit:
        edit.put(jane, into=CREW)
    overlay = ana.overlay("what if")
    overlay.map_fields("lab.people.name", "lab.crew.name")
    put(overlay, jane, {"lab.crew.name": "X"})
    assert value(overlay, jane, NAME) == "X"
    overlay.unmap_fields("lab.people.name", "lab.crew.name")
    assert (value(overlay, jane, NAME), value(overlay, jane, "lab.crew.name")) == ("X", "X")
    overlay.commit()
    assert (value(ana, jane, NAME), value(ana, jane, "lab.crew.name"), ana.mappings()) == ("X", "X", [])


def test_two_overlays_see_the_production_and_never_each_other(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    one, other = ana.overlay("one"), ana.overlay("other")
    put(one, jane, {"name": "X"})
    put(other, jane, {"phone": "1"})
    assert (value(one, jane, PHONE), value(other, jane, NAME)) == (None, "Jane")
    one.commit()
    assert (value(other, jane, NAME), value(other, jane, PHONE), other.drift()) == ("X", "1", [])
    other.commit()
    assert (value(ana, jane, NAME), value(ana, jane, PHONE)) == ("X", "1")


def test_names_are_one_overlays_own(company: Company) -> None:
    ana = company.found()
    overlay = ana.new_overlay("one")
    ana.new_overlay("other")
    for name in ("one", "other"):
        with pytest.raises(OverlayExists):
            ana.new_overlay(name)
    with pytest.raises(OverlayExists):
        overlay.rename("other")
    with pytest.raises(Refused, match="needs a name"):
        ana.new_overlay("  ")
    overlay.rename("new")
    assert {one["name"] for one in ana.overlays()} == {"new", "other"}
    with pytest.raises(UnknownOverlay, match="There are: "):
        ana.open_overlay("one")


def test_an_overlay_outlives_a_restart_and_steps_go_back_and_forth(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    overlay = ana.overlay("what if")
    put(overlay, jane, {"name": "X"})
    put(overlay, jane, {"name": "Y"})
    ana.close()
    again = company.again("Ana").open_overlay("what if")
    assert value(again, jane, NAME) == "Y"
    again.undo()
    assert value(again, jane, NAME) == "X"
    again.redo()
    assert (value(again, jane, NAME), again.can_undo()) == ("Y", ('Jane\'s name: "Jane" -> "Y"', None))


def test_another_program_staging_committing_or_discarding_is_noticed(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    overlay = ana.overlay("what if")
    put(overlay, jane, {"name": "X"})
    second = company.again("Ana")
    beside = second.open_overlay("what if")
    put(beside, jane, {"phone": "1"})
    assert value(overlay, jane, PHONE) == "1"
    put(second, jane, {"name": "Z"})
    assert [one["value"] for one in overlay.drift()] == ["Z"]
    overlay.keep(jane, "name")
    beside.commit()
    assert value(ana, jane, NAME) == "X"
    with pytest.raises(UnknownOverlay):
        put(overlay, jane, {"name": "W"})
    assert ana.overlays() == []


def test_the_copy_follows_what_touches_nothing_staged_without_being_made_anew(company: Company) -> None:
    ana = company.found()
    jane, joan = add(ana, PEOPLE, name="Jane"), add(ana, PEOPLE, name="Joan")
    overlay = ana.overlay("what if")
    put(overlay, jane, {"name": "X"})
    before = overlay.desk.db
    put(ana, joan, {"phone": "1"})
    assert value(overlay, joan, PHONE) == "1"
    assert overlay.desk.db is before
    put(ana, jane, {"phone": "1"})
    assert value(overlay, jane, PHONE) == "1"
    assert overlay.desk.db is not before


def test_what_a_screen_showed_is_known_however_often_the_copy_is_made_anew(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    overlay = ana.overlay("what if")
    put(overlay, jane, {"name": "X"})
    shown = heads_of(overlay, jane, [NAME])
    put(ana, jane, {"phone": "1"})
    assert heads_of(company.again("Ana").open_overlay("what if"), jane, [NAME]) == shown
    with overlay.edit() as edit:
        edit.set(jane, {NAME: "Y"}, heads=shown)
    assert (value(overlay, jane, NAME), overlay.conflicts()) == ("Y", [])


def test_tables_that_arrive_meanwhile_and_tables_that_are_staged(company: Company) -> None:
    ana = company.found(module=None)
    overlay = ana.overlay("what if")
    overlay.create_table("props", {"name": "text"})
    prop = add(overlay, "workspace.props", name="Skull")
    ana.adopt(module_at(company.folder / "lab"))
    jane = add(overlay, PEOPLE, name="Jane")
    assert overlay.count(PEOPLE) == 1
    overlay.commit()
    assert (ana.record(prop)["title"], value(ana, jane, NAME)) == ("Skull", "Jane")
    sound(ana)


def test_links_act_in_an_overlay_and_a_persons_word_stands(company: Company) -> None:
    ana = company.found()
    ana.link_tables(PEOPLE, CREW)
    overlay = ana.overlay("what if")
    jane, kim = add(overlay, PEOPLE, name="Jane"), add(overlay, PEOPLE, name="Kim")
    with overlay.edit() as edit:
        edit.remove(kim, from_=CREW)
    for one in (overlay, ana.open_overlay("what if")):
        assert [one.record(who)["tables"] for who in (jane, kim)] == [[CREW, PEOPLE], [PEOPLE]]
    overlay.commit()
    assert [ana.record(who)["tables"] for who in (jane, kim)] == [[CREW, PEOPLE], [PEOPLE]]
    sound(ana)


def test_history_marks_what_is_staged(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    overlay = ana.overlay("what if")
    put(overlay, jane, {"name": "X"})
    assert [one["cause"] for one in overlay.history(jane, NAME)] == ["staged in what if", "edit"]
    assert overlay.log_entries(1)[0]["cause"] == "staged in what if"
    overlay.commit()
    assert ana.history(jane, NAME)[0]["cause"] == "overlay what if"


def test_a_bulk_of_ten_thousand_is_one_step_and_one_bundle(company: Company) -> None:
    ana = company.found()
    overlay = ana.overlay("bulk")
    with overlay.edit("Bulk") as edit:
        ids = edit.add_many(PEOPLE, ["name"], [[f"P{at}"] for at in range(10_000)])
    put(overlay, ids[7], {"name": "Fixed"})
    before = count_bundles(ana)
    overlay.commit()
    assert (count_bundles(ana), ana.count(PEOPLE), value(ana, ids[7], NAME)) == (before + 1, 10_000, "Fixed")


def test_subscribers_of_an_overlay_hear_of_commits_below(company: Company) -> None:
    ana = company.found()
    overlay = ana.overlay("what if")
    heard = threading.Event()
    overlay.on_change(heard.set)
    add(ana, PEOPLE, name="Jane")
    assert heard.is_set()
    assert overlay.count(PEOPLE) == 1


def test_what_is_not_for_overlays_is_refused_in_a_sentence(company: Company) -> None:
    ana = company.found()
    overlay = ana.overlay("what if")
    with pytest.raises(NotInOverlay), overlay.edit() as edit:
        edit.write_raw(ClockAccept, bytes(16), CLOCK, bytes(32))
    with pytest.raises(NothingStaged):
        overlay.commit()
    assert ana.overlays()[0]["name"] == "what if"


def test_values_of_a_moment_are_brought_back_into_an_overlay(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane", phone="1")
    ana.milestone("Before")
    put(ana, jane, {"name": "X", "phone": "2"})
    with ana.at("Before") as then, ana.overlay("back") as overlay:
        assert value(then, jane, NAME) == "Jane"
        with pytest.raises(PastIsRead):
            put(then, jane, {"name": "no"})
        overlay.bring_back(then, jane, [NAME])
        overlay.commit()
    assert (value(ana, jane, NAME), value(ana, jane, PHONE)) == ("Jane", "2")
    with pytest.raises(NoSuchMoment):
        ana.at("nonsense")


def test_a_moment_holds_what_was_written_up_to_then(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Jane")
    meet(ana, ben)
    company.pass_time(60)
    put(ben, jane, {"name": "X"})
    company.pass_time(60)
    add(ana, CUES, number="1")
    meet(ana, ben)
    with ana.at("2026-11-21T09:30Z") as then:
        assert (value(then, jane, NAME), then.count(CUES)) == ("Jane", 0)
    with ana.at("2026-11-21T10:30Z") as then:
        assert (value(then, jane, NAME), then.count(CUES)) == ("X", 0)
    lines = ana.changes_since("2026-11-21T09:30Z")
    assert [(one["text"], one["actor_name"]) for one in lines if one["table"] == PEOPLE] == [
        ('X\'s name: "Jane" -> "X"', "Ben")
    ]
    assert AFTER in ana.catalog.relations

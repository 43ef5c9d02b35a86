"""Edits: what somebody wants becomes one bundle over exactly what they were looking at, or nothing."""

from __future__ import annotations

import pytest
from tests.unit.workspace.company import (
    CREW,
    CUES,
    LAB,
    NAME,
    PEOPLE,
    PHONE,
    RUNS,
    Company,
    add,
    cells,
    count_bundles,
    meet,
    offered,
    put,
    sound,
    value,
)

from openprod.catalog.check import ColumnRefused, FieldsRefused
from openprod.model.errors import Refused
from openprod.model.ids import derived_id, id_text
from openprod.workspace.write import AmbiguousField, NotARelation, NotInTable

# -- one bundle, or none


def test_an_edit_is_one_bundle_and_tells_its_id(company: Company) -> None:
    ana = company.found()
    before = count_bundles(ana)
    with ana.edit("Two people") as edit:
        edit.add(PEOPLE, name="Jane")
        edit.add(PEOPLE, name="Ned")
    assert count_bundles(ana) == before + 1
    assert ana.log_entries(1)[0]["bundle"] == edit.bundle
    assert ana.log_entries(1)[0]["label"] == "Two people"


def test_an_exception_inside_writes_nothing_and_the_next_edit_is_whole(company: Company) -> None:
    ana = company.found()
    before = ana.frontier()

    def break_off() -> None:
        with ana.edit() as edit:
            edit.add(PEOPLE, name="Jane")
            raise KeyError("stop")

    with pytest.raises(KeyError):
        break_off()
    assert ana.frontier() == before
    add(ana, PEOPLE, name="Ned")
    assert cells(ana, PEOPLE, "name") == [("Ned",)]
    sound(ana)


def test_several_writes_of_one_field_in_an_edit_are_one_write(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    with ana.edit() as edit:
        edit.set(jane, {"phone": "1"})
        edit.set(jane, {"phone": "2"})
        edit.set(jane, {"phone": "3"})
    assert [op["value"] for entry in ana.history(jane, "phone") for op in entry["ops"]] == ["3"]


def test_writing_an_equal_uncontested_value_writes_nothing(company: Company) -> None:
    ana = company.found()
    cue = add(ana, CUES, number="11.1", text="Dawn")
    before = count_bundles(ana)
    with ana.edit() as edit:
        edit.set(cue, {"number": "11.10", "text": "Dawn", "up": None})
    assert (count_bundles(ana), edit.bundle) == (before, None)


def test_a_record_added_and_deleted_in_one_edit_was_never_there(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    before = count_bundles(ana)
    with ana.edit() as edit:
        cue = edit.add(CUES, number="1")
        edit.relate(jane, RUNS, cue)
        edit.delete(cue)
    assert count_bundles(ana) == before
    assert ana.relations(jane) == []


def test_a_record_added_here_and_moved_on_in_one_edit_is_only_where_it_ended(company: Company) -> None:
    ana = company.found()
    with ana.edit() as edit:
        jane = edit.add(PEOPLE, name="Jane")
        edit.put(jane, into=CREW)
        edit.remove(jane, from_=PEOPLE)
    assert ana.record(jane)["tables"] == [CREW]
    assert value(ana, jane, NAME) == "Jane"
    assert cells(ana, PEOPLE, "name") == []
    sound(ana)


def test_put_and_remove_in_one_edit_leave_what_came_last(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    before = count_bundles(ana)
    with ana.edit() as edit:
        edit.put(jane, into=CREW)
        edit.remove(jane, from_=CREW)
    assert (count_bundles(ana), ana.record(jane)["tables"]) == (before, [PEOPLE])
    with ana.edit() as edit:
        edit.remove(jane, from_=PEOPLE)
        edit.put(jane, into=PEOPLE)
    assert ana.record(jane)["tables"] == [PEOPLE]
    with pytest.raises(NotInTable, match=r"is not in lab\.crew"), ana.edit() as edit:
        edit.remove(jane, from_=CREW)


def test_delete_and_restore_bring_a_record_back_with_its_values(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane", phone="1")
    with ana.edit() as edit:
        edit.delete(jane)
    assert (cells(ana, PEOPLE, "name"), ana.record(jane)["marks"]) == ([], ["deleted"])
    before = count_bundles(ana)
    with ana.edit() as edit:
        edit.delete(jane)
    with ana.edit() as edit:
        edit.restore(jane)
    assert count_bundles(ana) == before + 1
    assert cells(ana, PEOPLE, "name", "phone") == [("Jane", "1")]
    sound(ana)


# -- many at once


def test_many_rows_name_the_row_at_fault_and_write_nothing(company: Company) -> None:
    ana = company.found()
    before = count_bundles(ana)
    with pytest.raises(ColumnRefused, match="Row 2"), ana.edit() as edit:
        edit.add_many(CUES, ["number", "up"], [["1", "5"], ["2", "soon"], ["3", "later"]])
    with pytest.raises(Refused, match=r"Row 3: .*required"), ana.edit() as edit:
        edit.add_many(CUES, ["number"], [["1"], ["2"], [None]])
    with pytest.raises(Refused, match="required"), ana.edit() as edit:
        edit.add_many(CUES, ["text"], [["x"]])
    with pytest.raises(Refused, match="colour"), ana.edit() as edit:
        edit.add_many(CUES, ["number", "colour"], [["1", "red"]])
    assert count_bundles(ana) == before


def test_what_an_edit_does_to_rows_it_just_added_is_part_of_their_making(company: Company) -> None:
    ana = company.found()
    with ana.edit() as edit:
        jane, ned, kim, lee = edit.add_many(PEOPLE, ["name"], [["Jane"], ["Ned"], ["Kim"], ["Lee"]])
        edit.set(jane, {"name": "Janet", "phone": "1"})
        edit.delete(ned)
        edit.put(kim, into=CREW)
    assert ana.conflicts() == []
    assert cells(ana, PEOPLE, "name", "phone") == [("Janet", "1"), ("Kim", None), ("Lee", None)]
    assert ana.record(kim)["tables"] == [CREW, PEOPLE]
    assert ana.record(lee)["fields"] == {NAME: "Lee"}
    sound(ana)


def test_a_bundle_of_many_chunks_answers_for_each_of_its_cells(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    with ana.edit() as edit:
        people = edit.add_many(PEOPLE, ["name", "phone"], [[f"P{n:04}", None if n % 7 else n] for n in range(5_000)])
    put(ana, people[2_500], {"phone": "x"})
    put(ana, people[4_999], {"name": "Last"})
    meet(ana, ben)
    for one in (ana, ben):
        assert one.record(people[2_500])["fields"] == {NAME: "P2500", PHONE: "x"}
        assert one.record(people[4_998])["fields"] == {NAME: "P4998", PHONE: "4998"}
        assert value(one, people[4_999], NAME) == "Last"
        assert one.count(PEOPLE) == 5_000
    sound(ana, ben)


def test_records_with_more_fields_than_a_block_has_columns_keep_them_all(company: Company) -> None:
    fields = "\n".join(f'f{n} = "text"' for n in range(90))
    ana = company.found(
        module=f'{LAB}\n[table.wide]\ntitle = "Wide"\nlabel = "{{f0}}"\n[table.wide.fields]\n{fields}\n'
    )
    with ana.edit() as edit:
        one = edit.add_record("lab.wide", {f"f{n}": "x" for n in range(45)})
        two = edit.add_record("lab.wide", {f"f{n}": "y" for n in range(45, 90)})
        all_of_them = edit.add_record("lab.wide", {f"f{n}": "z" for n in range(90)})
    assert [len(ana.record(record)["fields"]) for record in (one, two, all_of_them)] == [45, 45, 90]
    sound(ana)


# -- what the author was looking at


def test_a_save_over_stale_heads_stands_beside_what_it_had_not_seen(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben)
    shown = ana.record(jane)["heads"][NAME]
    put(ben, jane, {"name": "Y"})
    meet(ana, ben)
    with ana.edit() as edit:
        edit.set(jane, {"name": "X"}, heads={NAME: shown})
    meet(ana, ben)
    assert offered(ana, jane) == offered(ben, jane) == [{"X", "Y"}]
    sound(ana, ben)


def test_an_edit_that_began_before_another_commit_did_not_see_it(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Old", phone="1")
    with ana.edit() as slow:
        slow.set(jane, {"name": "X", "phone": "2"})
        put(ana, jane, {"name": "Y"})
    assert offered(ana, jane) == [{"X", "Y"}]
    assert value(ana, jane, PHONE) == "2"
    sound(ana)


def test_an_edit_that_began_before_another_program_committed_did_not_see_it(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Old")
    other = company.again("Ana")
    with ana.edit() as slow:
        slow.set(jane, {"name": "X"})
        put(other, jane, {"name": "Y"})
    assert offered(ana, jane) == offered(other, jane) == [{"X", "Y"}]
    sound(ana, other)


def test_an_edit_that_began_before_a_deletion_contests_it(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Old")
    with ana.edit() as slow:
        slow.set(jane, {"name": "X"})
        with ana.edit() as quick:
            quick.delete(jane)
    assert [one["kind"] for one in ana.conflicts()] == ["delete"]
    assert cells(ana, PEOPLE, "name") == [("X",)]
    sound(ana)


def test_the_same_derived_record_made_twice_at_once_is_one_record(company: Company) -> None:
    ana = company.found()
    other = company.again("Ana")
    uuid = derived_id("a test", "of ids")
    with ana.edit() as slow:
        slow.add_record(PEOPLE, {"name": "Jane", "phone": "1"}, record_id=uuid)
        with other.edit() as quick:
            quick.add_record(PEOPLE, {"name": "Jane", "phone": "2"}, record_id=uuid)
    assert offered(ana, id_text(uuid)) == [{"1", "2"}]
    assert cells(other, PEOPLE, "name") == [("Jane",)]
    sound(ana, other)


def test_typing_over_a_shown_conflict_settles_it(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben)
    put(ana, jane, {"name": "X"})
    put(ben, jane, {"name": "Y"})
    meet(ana, ben)
    put(ana, jane, {"name": value(ana, jane, NAME)})
    meet(ana, ben)
    assert ana.conflicts() == ben.conflicts() == []
    sound(ana, ben)


def test_putting_a_record_where_it_is_stands_against_a_removal_elsewhere(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Jane")
    meet(ana, ben)
    with ana.edit() as edit:
        edit.remove(jane, from_=PEOPLE)
    with ben.edit() as edit:
        edit.put(jane, into=PEOPLE)
    meet(ana, ben)
    assert ana.record(jane)["tables"] == ben.record(jane)["tables"] == [PEOPLE]
    assert ana.conflicts() == []
    sound(ana, ben)


# -- names


def test_a_short_name_that_two_tables_of_a_record_share_is_refused(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    with ana.edit() as edit:
        edit.put(jane, into=CREW)
    with pytest.raises(AmbiguousField, match=r"lab\.crew\.name or lab\.people\.name"), ana.edit() as edit:
        edit.set(jane, {"name": "x"})
    put(ana, jane, {"lab.crew.name": "Rigger", "rate": "12.50"})
    assert cells(ana, CREW, "name", "rate") == [("Rigger", "12.50")]


def test_every_faulty_field_is_named_at_once(company: Company) -> None:
    ana = company.found()
    with pytest.raises(FieldsRefused) as caught, ana.edit() as edit:
        edit.add(CUES, number="1", up="soon", done="perhaps", colour="red")
    assert len(caught.value.problems) == 3


def test_records_are_named_by_prefix_key_or_as_this_edit_made_them(company: Company) -> None:
    ana = company.found()
    cue = add(ana, CUES, number="11")
    with ana.edit() as edit:
        jane = edit.add(PEOPLE, name="Jane")
        edit.set(jane, {"phone": "1"})
        edit.set("lab.cues:11", {"owner": jane, "text": "Dawn"})
        edit.relate(jane, RUNS, cue[:20])
    assert value(ana, cue, "lab.cues.owner") == jane
    assert [one["other"] for one in ana.relations(jane)] == [cue]


# -- relations


def test_a_relation_starts_in_its_own_table(company: Company) -> None:
    ana = company.found()
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="1")
    with pytest.raises(NotInTable, match=r"goes from records of lab\.people"), ana.edit() as edit:
        edit.relate(cue, RUNS, jane)


def test_a_unique_relation_made_on_two_devices_is_one_whose_properties_are_offered(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="1")
    meet(ana, ben)
    with ana.edit() as edit:
        edit.relate(jane, RUNS, cue, note="first")
    with ben.edit() as edit:
        edit.relate(jane, RUNS, cue, note="second")
    meet(ana, ben)
    (one,) = ana.relations(jane)
    assert offered(ben, one["id"]) == [{"first", "second"}]
    assert ana.relations(jane) == ben.relations(jane)
    sound(ana, ben)


def test_relating_again_changes_only_what_is_given(company: Company) -> None:
    ana = company.found()
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="1")
    with ana.edit() as edit:
        edit.relate(jane, RUNS, cue, cover=True)
    with ana.edit() as edit:
        edit.relate(jane, RUNS, cue, note="matinees")
    assert [one["properties"] for one in ana.relations(jane)] == [{"lab.runs.cover": True, "lab.runs.note": "matinees"}]
    before = count_bundles(ana)
    with ana.edit() as edit:
        edit.relate(jane, RUNS, cue)
    assert count_bundles(ana) == before


def test_a_relation_that_was_ended_comes_back_by_restoring_or_relating(company: Company) -> None:
    ana = company.found()
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="1")
    with ana.edit() as edit:
        runs = edit.relate(jane, RUNS, cue, note="x")
    with ana.edit() as edit:
        edit.unrelate(runs)
    assert ana.relations(jane) == []
    with ana.edit() as edit:
        edit.restore(runs)
    assert [one["properties"]["lab.runs.note"] for one in ana.relations(cue)] == ["x"]
    with ana.edit() as edit:
        edit.delete(runs)
        edit.relate(jane, RUNS, cue)
    assert [one["id"] for one in ana.relations(jane)] == [runs]
    sound(ana)


def test_unrelating_a_record_is_refused(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    with pytest.raises(NotARelation, match="Jane is a record"), ana.edit() as edit:
        edit.unrelate(jane)


def test_properties_are_written_like_fields(company: Company) -> None:
    ana = company.found()
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="1")
    with ana.edit() as edit:
        runs = edit.relate(jane, RUNS, cue)
        edit.set_property(runs, {"note": "x"})
    with ana.edit() as edit:
        edit.set_property(runs, {"note": "y", "cover": "yes"})
    assert ana.record(runs)["fields"] == {"lab.runs.cover": True, "lab.runs.note": "y"}
    assert ana.desk.db.rows(f'SELECT cover, note FROM "{RUNS}"') == [(1, "y")]
    sound(ana)

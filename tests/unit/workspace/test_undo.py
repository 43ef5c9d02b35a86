"""Undo and redo: from the log, whole or refused with who changed what, over again as often as one likes."""

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
    count_bundles,
    meet,
    put,
    sound,
    value,
)

from openprod.exchange.stage import import_csv
from openprod.model.errors import Missing
from openprod.workspace.undo import CannotUndo, NothingToUndo
from openprod.workspace.workspace import Workspace


def test_a_value_goes_back_and_forth_as_often_as_one_likes(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane", phone="1")
    put(ana, jane, {"phone": "2"})
    for _ in range(3):
        ana.undo()
        assert value(ana, jane, PHONE) == "1"
        ana.redo()
        assert value(ana, jane, PHONE) == "2"
    sound(ana)


def test_undo_goes_on_to_what_was_done_before_and_a_new_edit_ends_redo(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane", phone="1")
    put(ana, jane, {"phone": "2"})
    put(ana, jane, {"phone": "3"})
    ana.undo()
    ana.undo()
    assert value(ana, jane, PHONE) == "1"
    put(ana, jane, {"name": "Joan"})
    with pytest.raises(NothingToUndo):
        ana.redo()
    ana.undo()
    assert value(ana, jane, NAME) == "Jane"


def test_undo_survives_a_restart(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane", phone="1")
    put(ana, jane, {"phone": "2"})
    ana.close()
    again = company.again("Ana")
    assert again.can_undo()[0] is not None
    again.undo()
    assert value(again, jane, PHONE) == "1"
    assert again.can_undo()[1] is not None


def test_what_somebody_changed_since_is_refused_by_name_and_the_next_undo_goes_on(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old", phone="1")
    put(ana, jane, {"phone": "2"})
    put(ana, jane, {"name": "X"})
    meet(ana, ben)
    put(ben, jane, {"name": "Y"})
    meet(ana, ben)
    before = count_bundles(ana)
    with pytest.raises(CannotUndo, match="the name of Y was changed by Ben"):
        ana.undo()
    assert (value(ana, jane, NAME), count_bundles(ana)) == ("Y", before)
    ana.undo()
    assert (value(ana, jane, NAME), value(ana, jane, PHONE)) == ("Y", "1")


def test_the_rest_of_a_bundle_is_undone_when_asked_for(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old", phone="1")
    put(ana, jane, {"name": "X", "phone": "2"})
    meet(ana, ben)
    put(ben, jane, {"name": "Y"})
    meet(ana, ben)
    ana.undo(rest=True)
    assert (value(ana, jane, NAME), value(ana, jane, PHONE)) == ("Y", "1")


def test_nobody_undoes_what_others_did(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    add(ben, PEOPLE, name="Jane")
    meet(ana, ben)
    label = ana.can_undo()[0]
    assert label is None or "Jane" not in label


def test_an_import_is_undone_whole_and_its_records_can_come_back(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    rows = "".join(f"Person {at}\r\n" for at in range(30))
    import_csv(ana, f"name\r\n{rows}".encode(), "cast.csv", PEOPLE).commit()
    meet(ana, ben)
    before = count_bundles(ana)
    ana.undo()
    meet(ana, ben)
    assert count_bundles(ana) == before + 1
    assert (ana.count(PEOPLE), ben.count(PEOPLE)) == (0, 0)
    ana.redo()
    assert ana.count(PEOPLE) == 30
    sound(ana, ben)


def test_an_import_somebody_worked_on_since_is_not_undone(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    import_csv(ana, b"name\r\nJane\r\nJoan\r\n", "cast.csv", PEOPLE).commit()
    meet(ana, ben)
    jane = str(ben.query('name == "Jane"', PEOPLE)[0]["id"])
    put(ben, jane, {"phone": "1"})
    meet(ana, ben)
    with pytest.raises(CannotUndo, match="Ben"):
        ana.undo()
    assert ana.count(PEOPLE) == 2


def test_deletions_memberships_and_relations_come_back(company: Company) -> None:
    ana = company.found()
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="11")
    with ana.edit() as edit:
        edit.put(jane, into=CREW)
        edit.relate(jane, RUNS, cue, note="left")
    with ana.edit() as edit:
        edit.delete(jane)
    ana.undo()
    assert ana.record(jane)["tables"] == [CREW, PEOPLE]
    assert [one["properties"]["lab.runs.note"] for one in ana.relations(jane)] == ["left"]
    ana.undo()
    assert (ana.record(jane)["tables"], ana.relations(jane)) == ([PEOPLE], [])
    ana.redo()
    assert [one["other"] for one in ana.relations(jane)] == [cue]
    sound(ana)


def test_merges_and_mappings_are_taken_back_and_made_again(company: Company) -> None:
    ana = company.found()
    one, other = add(ana, PEOPLE, name="Jane", phone="1"), add(ana, PEOPLE, name="Jane D.", phone="1")
    ana.merge(one, other)
    assert ana.count(PEOPLE) == 1
    ana.undo()
    assert ana.count(PEOPLE) == 2
    ana.redo()
    assert ana.count(PEOPLE) == 1
    ana.map_fields("lab.people.name", "lab.crew.name")
    ana.undo()
    assert ana.mappings() == []
    sound(ana)


def test_a_question_that_was_settled_is_open_again(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben)
    put(ana, jane, {"name": "X"})
    put(ben, jane, {"name": "Y"})
    meet(ana, ben)
    ana.resolve(ana.conflicts()[0], value="Z")
    ana.undo()
    assert {str(one["value"]) for one in ana.conflicts()[0]["values"]} == {"X", "Y"}


def test_there_may_be_nothing_to_undo(company: Company) -> None:
    ana = company.found(module=None)
    with pytest.raises(Missing, match="nothing to undo"):
        undo_all(ana)


def undo_all(ws: Workspace) -> None:
    """Undoes until there is nothing."""
    for _ in range(50):
        ws.undo()

"""Reading: questions and how they are settled, history in words, status."""

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
    count_bundles,
    guest,
    meet,
    offered,
    put,
    sound,
    value,
)

from openprod.model.errors import Missing, OpenprodError
from openprod.model.ids import id_from_text
from openprod.model.ops import Set
from openprod.testing.device import Draft
from openprod.workspace.reading import NoSuchChoice, UnknownConflict


def contested(company: Company, *names: str) -> str:
    """Returns a record whose name everybody changed apart, all in sync."""
    devices = company.cast(*names)
    jane = add(devices[0], PEOPLE, name="Old")
    meet(*devices)
    for one, name in zip(devices, names, strict=True):
        put(one, jane, {"name": f"{name}'s"})
        company.pass_time()
    meet(*devices)
    return jane


def words(company: Company, record: str) -> list[str]:
    return [op["text"] for entry in company.open[0].history(record) for op in entry["ops"]]


def test_a_question_names_who_wrote_what_and_shows_the_newest(company: Company) -> None:
    jane = contested(company, "Ana", "Ben")
    ana = company.open[0]
    (question,) = ana.conflicts()
    assert question["text"] == (
        "Ben's's name was edited by Ana (\"Ana's\") and Ben (\"Ben's\") since last sync. Choose a value."
    )
    assert [(one["value"], one["actor_name"]) for one in question["values"]] == [("Ana's", "Ana"), ("Ben's", "Ben")]
    assert (question["record"], question["field"], question["kind"]) == (jane, NAME, "value")
    assert question["shown"] == question["values"][1]["op"]
    assert ana.record(jane)["conflicts"] == [NAME]
    assert ana.status()["conflicts"] == 1


@pytest.mark.parametrize("how", ["number", "digits", "op", "value", "beginning"])
def test_a_question_is_settled_by_number_op_or_another_value(company: Company, how: str) -> None:
    jane = contested(company, "Ana", "Ben")
    ana, ben = company.open
    (question,) = ana.conflicts()
    match how:
        case "number":
            ana.resolve(question, choose=1)
        case "digits":
            ana.resolve(question["id"], choose="1")
        case "op":
            ana.resolve(question["id"], choose=question["values"][0]["op"])
        case "beginning":
            ana.resolve(question["id"][:8], choose=1)
        case _:
            ana.resolve(question["id"], value="Ana's")
    meet(ana, ben)
    for one in (ana, ben):
        assert (value(one, jane, NAME), one.conflicts()) == ("Ana's", [])
        assert cells(one, PEOPLE, "name") == [("Ana's",)]
    sound(ana, ben)


def test_choices_that_are_not_offered_are_refused(company: Company) -> None:
    contested(company, "Ana", "Ben")
    ana = company.open[0]
    (question,) = ana.conflicts()
    before = count_bundles(ana)
    for choose in (0, 3, "9"):
        with pytest.raises(NoSuchChoice, match="offers values 1 to 2"):
            ana.resolve(question, choose=choose)
    with pytest.raises(OpenprodError):
        ana.resolve(question, choose="abcdefabcdef:1")
    for unknown in ("", "abc", "0" * 16):
        with pytest.raises(UnknownConflict):
            ana.resolve(unknown, choose=1)
    assert count_bundles(ana) == before


def test_a_question_that_moved_on_is_another_question(company: Company) -> None:
    jane = contested(company, "Ana", "Ben", "Cy")
    ana, ben, _ = company.open
    (question,) = ana.conflicts()
    put(ben, jane, {"name": "Ben again"})
    meet(ana, ben)
    with pytest.raises(UnknownConflict, match="was settled, or somebody's change made it another one"):
        ana.resolve(question, choose=1)
    assert ana.conflicts() == []


def test_a_late_edit_reopens_what_was_decided_and_the_decision_stays_shown(company: Company) -> None:
    ana, ben, cy = company.cast("Ana", "Ben", "Cy")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben, cy)
    put(ana, jane, {"name": "X"})
    put(ben, jane, {"name": "Y"})
    meet(ana, ben)
    ana.resolve(ana.conflicts()[0], value="X")
    company.pass_time()
    put(cy, jane, {"name": "Z"})
    meet(ana, ben, cy)
    for one in (ana, ben, cy):
        assert (offered(one, jane), value(one, jane, NAME)) == ([{"X", "Z"}], "X")
    assert ana.conflicts()[0]["text"] == (
        'X\'s name was decided by Ana ("X"), and edited by Cy ("Z") without knowing of it. Choose a value.'
    )
    sound(ana, ben, cy)


def test_two_who_decide_differently_are_asked_again(company: Company) -> None:
    jane = contested(company, "Ana", "Ben")
    ana, ben = company.open
    (question,) = ana.conflicts()
    ana.resolve(question, choose=1)
    ben.resolve(question, choose=2)
    meet(ana, ben)
    (again,) = ana.conflicts()
    assert (again["kind"], again["id"] != question["id"]) == ("decision", True)
    assert "was decided differently by" in again["text"]
    assert len([text for text in words(company, jane) if "decided" in text]) == 2


def test_who_decided_alike_is_asked_nothing(company: Company) -> None:
    contested(company, "Ana", "Ben")
    ana, ben = company.open
    (question,) = ana.conflicts()
    ana.resolve(question, choose=1)
    ben.resolve(question, choose=1)
    meet(ana, ben)
    assert ana.conflicts() == ben.conflicts() == []
    sound(ana, ben)


@pytest.mark.parametrize(("choose", "marks"), [(1, []), (2, ["deleted"]), ("keep", []), ("delete", ["deleted"])])
def test_a_deletion_of_what_somebody_changed_is_a_question(
    company: Company, choose: int | str, marks: list[str]
) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben)
    with ana.edit() as edit:
        edit.delete(jane)
    put(ben, jane, {"name": "Y"})
    meet(ana, ben)
    (question,) = ana.conflicts()
    assert (question["kind"], question["text"]) == (
        "delete",
        "Y was deleted by Ana and changed by Ben since last sync. Keep it or delete it.",
    )
    assert (ana.record(jane)["marks"], cells(ana, PEOPLE, "name")) == (["contested"], [("Y",)])
    if isinstance(choose, int):
        ana.resolve(question, choose=choose)
    else:
        ana.resolve(question, value=choose)
    meet(ana, ben)
    for one in (ana, ben):
        assert (one.record(jane)["marks"], one.conflicts()) == (marks, [])
    sound(ana, ben)


def test_questions_of_a_deleted_record_rest_until_it_is_back(company: Company) -> None:
    jane = contested(company, "Ana", "Ben")
    ana = company.open[0]
    with ana.edit() as edit:
        edit.delete(jane)
    assert (ana.conflicts(), ana.status()["conflicts"]) == ([], 0)
    with ana.edit() as edit:
        edit.restore(jane)
    assert len(ana.conflicts()) == 1
    sound(ana)


def test_several_questions_are_settled_in_one_edit(company: Company) -> None:
    jane = contested(company, "Ana", "Ben")
    ana, ben = company.open
    put(ana, jane, {"phone": "1"})
    put(ben, jane, {"phone": "2"})
    meet(ana, ben)
    before = count_bundles(ana)
    with ana.edit("Settle") as edit:
        for question in ana.conflicts():
            edit.resolve(question["id"], choose=1)
    assert (count_bundles(ana), ana.conflicts()) == (before + 1, [])


def test_history_says_in_words_what_happened_the_newest_first(company: Company) -> None:
    ana = company.found()
    jane, cue = add(ana, PEOPLE, name="Jane"), add(ana, CUES, number="1", up="5")
    put(ana, jane, {"phone": "1"})
    with ana.edit() as edit:
        edit.clear(jane, "phone")
        edit.put(jane, into=CREW)
    with ana.edit() as edit:
        edit.remove(jane, from_=CREW)
        edit.delete(jane)
    with ana.edit("Back") as edit:
        edit.restore(jane)
    assert words(company, jane) == [
        "Jane restored",
        "Jane deleted",
        "Jane taken out of lab.crew",
        "Jane put into lab.crew",
        "Jane's phone cleared",
        'Jane\'s phone set to "1"',
        "Jane created",
        "Jane put into lab.people",
        'Jane\'s name set to "Jane"',
    ]
    assert ana.history(jane)[0]["label"] == "Back"
    assert [op["value"] for entry in ana.history(jane, PHONE) for op in entry["ops"]] == [None, "1"]
    assert [op["text"] for op in ana.history(cue, "up")[0]["ops"]] == ["LX 1's up set to 5 s"]
    assert ana.history(cue, "room") == []
    with pytest.raises(Missing, match="has no field 'colour'"):
        ana.history(cue, "colour")


def test_history_shows_every_field_that_one_op_wrote(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    zoe = guest(company, ana)
    zoe.receive(ana.bundles())
    over = zoe.heads(jane, NAME)
    zoe.seal([Draft((id_from_text(jane),), (NAME, PHONE), over, lambda c, s, k, o: Set(c, s, k, o, "both"))])
    ana.ingest(zoe.sealed())
    assert sorted(op["field"] for op in ana.history(jane)[0]["ops"]) == [NAME, PHONE]


def test_log_entries_name_bundle_cause_label_and_ops(company: Company) -> None:
    ana = company.found()
    with ana.edit("Cast") as edit:
        people = edit.add_many(PEOPLE, ["name"], [["Jane"], ["Ned"]])
        cue = edit.add(CUES, number="1")
        edit.relate(people[0], RUNS, cue)
    newest, adopted, *_ = ana.log_entries(10)
    assert (newest["label"], newest["cause"], newest["actor_name"]) == ("Cast", "edit", "Ana")
    assert [op["text"] for op in newest["ops"]] == [
        "2 created in lab.people",
        "LX 1 created in lab.cues",
        "1 created in lab.runs",
    ]
    assert adopted["cause"] == "module lab"
    assert len(ana.log_entries(1)) == 1


def test_status_counts_and_notices_are_empty_on_a_quiet_day(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    add(ana, PEOPLE, name="Jane")
    meet(ana, ben)
    status = ana.status()
    assert (status["name"], status["actor_name"], status["logs"]) == ("Hamlet", "Ana", 2)
    assert [status[key] for key in ("conflicts", "pending", "waiting", "held", "admission", "unread")] == [0] * 6
    assert status["frontier"] == ben.status()["frontier"]
    assert status["state_hash"] == ben.status()["state_hash"]
    assert ana.notices() == ben.notices() == []

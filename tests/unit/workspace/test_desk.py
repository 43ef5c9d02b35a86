"""The desk: ids of ops, places in history, and the way to a record."""

from __future__ import annotations

import pytest
from tests.unit.workspace.company import CREW, NAME, PEOPLE, Company, add, guest, meet, put

from openprod.model.ids import id_from_text
from openprod.testing.device import draft_later, draft_set
from openprod.workspace.desk import UnknownOp


def test_an_ops_id_means_that_op_on_every_device(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Jane")
    meet(ana, ben)
    (text,) = ana.record(jane)["heads"][NAME]
    assert ben.record(jane)["heads"][NAME] == [text]
    for one in (ana, ben):
        assert one.desk.op_text(one.desk.oid_of(text)) == text
        assert one.desk.op_at(one.desk.oid_of(text)).value == "Jane"


@pytest.mark.parametrize("text", ["", "abc", "abcdefabcdef", ":1", "abcdefabcdef:x", "zz:1", "abc:1", "abcdefabcdef:1"])
def test_what_is_no_ops_id_or_no_op_here_is_refused(company: Company, text: str) -> None:
    with pytest.raises(UnknownOp):
        company.found().desk.oid_of(text)


def test_an_ordinal_beyond_its_bundle_is_no_op(company: Company) -> None:
    ana = company.found()
    with ana.edit() as edit:
        edit.add(PEOPLE, name="Jane")
    with pytest.raises(UnknownOp):
        ana.desk.oid_of(f"{(edit.bundle or '')[:12]}:99")


def test_heads_as_they_stood_leave_out_what_was_gone_by_then(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben)
    put(ana, jane, {"name": "X"})
    put(ben, jane, {"name": "Y"})
    uuid, place = id_from_text(jane), ana.desk.place()
    then = ana.desk.heads_now(uuid, NAME)
    meet(ana, ben)
    assert len(ana.desk.heads_now(uuid, NAME)) == 2
    # "Old" was replaced by both, and by one of them before the place.
    assert ana.desk.heads_at(uuid, NAME, place) == then
    put(ana, jane, {"name": "Z"})
    assert ana.desk.heads_at(uuid, NAME, place) == then


def test_heads_as_they_stood_are_seen_through_unread_work(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Old")
    zoe = guest(company, ana, is_newer=True)
    zoe.receive(ana.bundles())
    uuid, place = id_from_text(jane), ana.desk.place()
    then = ana.desk.heads_now(uuid, NAME)
    zoe.seal([draft_set(uuid, NAME, "X", zoe.heads(jane, NAME)), draft_later(uuid, CREW)])
    zoe.seal([draft_set(uuid, NAME, "X2", zoe.heads(jane, NAME))])
    ana.ingest(zoe.sealed())
    assert ana.status()["unread"] == 1
    assert ana.desk.heads_at(uuid, NAME, place) == then


def test_a_clock_before_1970_writes_all_the_same(company: Company) -> None:
    ana = company.found()
    company.clock("Ana").set_off(-company.time.now_ms - 5)
    jane = add(ana, PEOPLE, name="Jane")
    assert ana.record(jane)["title"] == "Jane"

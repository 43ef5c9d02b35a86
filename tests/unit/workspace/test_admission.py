"""Who waits at the door: people whose invitation was closed meanwhile, clocks that are ahead, open invitations."""

from __future__ import annotations

import datetime as dt
import os

import pytest
from tests.unit.workspace.company import PEOPLE, Company, add, meet, sound

from openprod.identity.invite import read_invitation
from openprod.model.errors import OpenprodError
from openprod.model.ops import Admit, AdmitPayload
from openprod.model.slots import LOG
from openprod.peers import opx
from openprod.store.home import Home
from openprod.testing.clock import DAY_MS
from openprod.workspace.admission import Ambiguous, BadTerms, NobodyAsks, NoInvitation, NotHeld
from openprod.workspace.opening import NotJoined


def test_whoever_used_an_invitation_that_is_closed_here_waits_until_somebody_lets_them_in(
    company: Company,
) -> None:
    ana, ben = company.cast("Ana", "Ben")
    invitation = ana.invite("Cy")
    meet(ana, ben)
    ana.revoke_invitation(read_invitation(invitation).public.hex()[:8])
    cy = company.join("Cy", ben, invitation=invitation)
    add(cy, PEOPLE, name="Kate")
    meet(ana, cy)
    assert ana.query(from_=PEOPLE) == []
    (asks,) = ana.joiners()
    assert (asks["name"], asks["log"]) == ("Cy", cy.log)
    (notice,) = [one for one in ana.notices() if one["kind"] == "admission"]
    assert f"openprod admit {cy.log[:12]}" in notice["text"]
    assert asks["changes"] == 2
    ana.admit(asks["log"][:8])
    meet(ana, ben)
    meet(ben, cy)
    meet(ana, cy)
    for one in (ana, ben, cy):
        assert [row["name"] for row in one.query(from_=PEOPLE)] == ["Kate"]
        assert (one.joiners(), one.status()["pending"]) == ([], 0)
    assert any("let in" in op["text"] for entry in ana.log_entries() for op in entry["ops"])
    sound(ana, ben, cy)


def test_letting_in_a_log_under_another_persons_name_lets_nobody_in(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    invitation = ana.invite("Cy")
    meet(ana, ben)
    ana.revoke_invitation(ana.invitations()[0]["key"])
    cy = company.join("Cy", ben, invitation=invitation)
    ana.ingest(cy.bundles())
    from openprod.model.ids import derived_id

    log = bytes.fromhex(cy.log)
    with ana.edit() as edit:
        edit.write_raw(Admit, derived_id("log", log), LOG, AdmitPayload(log, bytes(32)))
    ana.release()
    assert [one["log"] for one in ana.joiners()] == [cy.log]
    ana.admit(cy.log)
    assert ana.joiners() == []
    sound(ana)


def test_a_change_held_for_its_clock_is_let_in_by_the_beginning_of_its_id(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    company.clock("Ben").set_off(3 * DAY_MS)
    add(ben, PEOPLE, name="Kate")
    meet(ana, ben)
    (held,) = [one for one in ana.held() if one["reason"] == "held"]
    assert "openprod accept" in ana.notices()[0]["text"]
    ana.accept_clock(str(held["bundle"])[:8])
    assert [row["name"] for row in ana.query(from_=PEOPLE)] == ["Kate"]


def test_what_goes_by_no_such_name_is_refused_and_nothing_is_written(company: Company) -> None:
    ana = company.found()
    ana.invite("one")
    before = ana.status()["bundles"]
    for what, error in (
        (lambda: ana.admit("abcd1234"), NobodyAsks),
        (lambda: ana.accept_clock("no hex"), NotHeld),
        (lambda: ana.revoke_invitation("zz"), NoInvitation),
        (lambda: ana.revoke_invitation("zzzz"), NoInvitation),
    ):
        with pytest.raises(error):
            what()
    assert ana.status()["bundles"] == before
    assert Ambiguous.code == "admission.ambiguous"


def test_how_far_a_log_goes_is_on_the_disk_before_a_file_is_written(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = company.found()
    ana.desk.db.is_durable = True
    add(ana, PEOPLE, name="Kate")
    told: list[str] = []
    mark, replacing = Home.mark, os.replace

    def marked(self: Home, *given: object, fsync: bool = False) -> None:
        told.append("mark, on disk" if fsync else "mark")
        mark(self, *given, fsync=fsync)  # type: ignore[arg-type]

    monkeypatch.setattr(Home, "mark", marked)
    opx.sync_file(ana, company.folder / "stick.opx")
    assert told[0] == "mark, on disk"
    assert replacing is os.replace


def test_an_invitation_for_one_lets_one_in_and_the_next_waits_for_a_member(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    invitation = ana.invite("one of the crew", uses=1)
    meet(ana, ben)
    cy = company.join("Cy", ana, invitation=invitation)
    (shape,) = [one for one in ana.invitations() if one["label"] == "one of the crew"]
    assert (shape["uses"], shape["used"], shape["is_good"]) == (1, 1, False)
    with pytest.raises(NotJoined, match="was for 1 and 1 person used it already"):
        company.join("Dee", ana, invitation=invitation)
    # Somebody who got it from a device that had not heard of the first is let in by a member, or waits.
    zoe = company.join("Zoe", ben, invitation=invitation)
    ana.ingest(zoe.bundles())
    (asks,) = ana.joiners()
    assert asks["name"] == "Zoe"
    ana.admit(asks["log"])
    meet(ana, ben, cy, zoe)
    sound(ana, ben, cy, zoe)
    with pytest.raises(BadTerms, match="lets nobody in"):
        ana.invite(uses=0)


def test_an_invitation_that_ran_out_lets_nobody_in_but_who_came_in_time_may_arrive_late(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    day = ana.notices() == [] and dt.datetime.fromtimestamp(company.clock("Ana")() / 1000, dt.UTC).date()
    assert day
    invitation = ana.invite("today's swing", expires=day.isoformat())
    meet(ana, ben)
    cy = company.join("Cy", ben, invitation=invitation)
    add(cy, PEOPLE, name="Kate")
    company.pass_time(3 * 24 * 60)
    (shape,) = [one for one in ana.invitations() if one["label"] == "today's swing"]
    assert not shape["is_good"]
    assert shape["expires"].startswith(day.isoformat())
    with pytest.raises(NotJoined, match="ran out on"):
        company.join("Dee", ana, invitation=invitation)
    meet(ana, ben, cy)
    assert [row["name"] for row in ana.query(from_=PEOPLE)] == ["Kate"]
    with pytest.raises(BadTerms, match="is over"):
        ana.invite(expires=day.isoformat())
    with pytest.raises(OpenprodError, match="neither a milestone nor a time"):
        ana.invite(expires="soon")

"""Taking bundles in: what applies, what waits and why, and what comes of it in every order of arrival."""

from __future__ import annotations

import shutil
from itertools import permutations
from pathlib import Path

from tests.unit.workspace.company import (
    NAME,
    PEOPLE,
    PHONE,
    Company,
    add,
    guest,
    keys_of,
    meet,
    new_bundles,
    offered,
    put,
    send,
    sound,
    value,
)

from openprod.model.bundle import Sealed
from openprod.model.hlc import hlc
from openprod.model.ids import id_from_text
from openprod.testing.clock import DAY_MS, HOUR_MS
from openprod.testing.desks import put_back_in_place
from openprod.testing.device import draft_set
from openprod.workspace.workspace import Workspace


def kinds(ws: Workspace) -> list[str]:
    return [one["kind"] for one in ws.notices()]


def test_a_bundle_waits_for_what_its_author_had_seen_and_says_for_how_much(company: Company) -> None:
    ana, ben, cy = company.cast("Ana", "Ben", "Cy")
    jane = add(ana, PEOPLE, name="X")
    (first,) = new_bundles(ana, ben)
    send(ana, ben)
    put(ben, jane, {"name": "Y"})
    (second,) = [one for one in new_bundles(ben, cy) if one != first]
    report = cy.ingest([second])
    assert (report.applied, report.waiting, cy.status()["pending"]) == (0, 1, 1)
    assert [one["text"] for one in cy.notices()] == [
        "1 change by Ben waits for 1 earlier one that has not arrived here yet."
    ]
    assert cy.ingest([second]).duplicates == 1
    assert cy.ingest([first]).applied == 2
    assert (value(cy, jane, NAME), cy.notices(), cy.conflicts()) == ("Y", [], [])
    sound(cy)


def test_every_order_of_arrival_gives_the_same(company: Company) -> None:
    ana, ben, cy = company.cast("Ana", "Ben", "Cy")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben, cy)
    put(ana, jane, {"name": "X"})
    put(ben, jane, {"name": "Y"})
    with ana.edit() as edit:
        edit.delete(jane)
    put(ben, jane, {"phone": "1"})
    bundles = [*new_bundles(ana, cy), *new_bundles(ben, cy)]
    meet(ana, ben)
    shutil.copytree(company.folder / "Cy", company.folder / "kept")
    for order in permutations(bundles):
        cy.close()
        put_back_in_place(company.folder / "kept", company.folder / "Cy")
        cy = company.again("Cy")
        for one in order:
            cy.ingest([one])
        assert cy.status()["state_hash"] == ana.status()["state_hash"]
        assert cy.conflicts() == ana.conflicts()
    sound(ana, ben, cy)


def test_a_clock_that_is_ahead_holds_its_bundles_until_the_time_has_come(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben)
    company.clock("Ben").set_off(3 * HOUR_MS)
    put(ben, jane, {"name": "Y"})
    company.clock("Ben").mend()
    put(ben, jane, {"phone": "1"})
    report = send(ben, ana)
    assert (report.held, report.waiting, kinds(ana)) == (1, 1, ["held", "waiting"])
    assert ana.release().applied == 0
    company.pass_time(3 * 60)
    assert (ana.release().applied, value(ana, jane, NAME), value(ana, jane, PHONE)) == (2, "Y", "1")
    sound(ana, ben)


def test_a_held_bundle_is_let_in_for_everybody_and_takes_the_earliest_acceptance(company: Company) -> None:
    ana, ben, cy = company.cast("Ana", "Ben", "Cy")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben, cy)
    company.clock("Ben").set_off(365 * DAY_MS)
    put(ben, jane, {"name": "Y"})
    company.clock("Ben").mend()
    send(ben, ana)
    send(ben, cy)
    for ws in (cy, ana):
        (held,) = ws.held()
        ws.accept_clock(str(held["bundle"]))
        assert value(ws, jane, NAME) == "Y"
        company.pass_time(10)
    meet(ana, cy)
    when = {ws.history(jane, "name")[0]["at"] for ws in (ana, cy)}
    assert len(when) == 1
    cy.rebuild()
    assert cy.history(jane, "name")[0]["at"] in when
    sound(ana, cy)


def test_somebody_who_was_not_let_in_is_named_and_waits(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    text = ana.invite("Zoe")
    key = ana.invitations()[0]["key"]
    before = list(ana.bundles())
    zoe_file = company.folder / "for zoe"
    zoe_file.mkdir()
    from openprod.identity.invite import read_invitation
    from openprod.workspace.opening import join_workspace

    zoe = join_workspace(
        read_invitation(text),
        zoe_file / "show",
        before,
        keys_of(ana),
        home=zoe_file / "home",
        person="Zoe",
        clock=company.clock("Zoe"),
        chance=company.chance.randbytes,
        durable=False,
    )
    company.open.append(zoe)
    ana.revoke_invitation(str(key))
    meet(ana, ben)
    report = send(zoe, ben)
    assert (report.admission, ben.status()["admission"], kinds(ben)) == (1, 1, ["admission"])
    assert ben.count("core.people") == 2


def test_whom_a_colleague_let_in_is_let_in_where_the_invitation_was_closed_meanwhile(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    text = ana.invite("Zoe")
    key = str(ana.invitations()[0]["key"])
    meet(ana, ben)
    ana.revoke_invitation(key)
    zoe = company.join("Zoe", ben, invitation=text)
    band = add(zoe, PEOPLE, name="Will")
    send(zoe, ben)
    assert send(zoe, ana).admission == 1
    assert ana.status()["waiting"] == 1, "what Zoe did waits for her to be let in"
    put(ben, band, {PHONE: "1"})
    send(ben, ana)
    assert (ana.status()["admission"], ana.status()["waiting"]) == (0, 0)
    assert value(ana, band, PHONE) == "1"
    sound(ana, ben)
    # The same where all of it comes at once.
    send(ana, zoe)
    cy = company.join("Cy", ana)
    meet(ana, ben, cy, zoe)
    sound(ana, ben, cy, zoe)


def test_what_was_done_long_ago_is_late_but_not_for_somebody_who_joins(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    add(ben, PEOPLE, name="Old work")
    company.pass_time(30 * 24 * 60)
    cy = company.join("Cy", ana)
    assert cy.notices() == []
    send(ben, ana)
    assert [one["text"] for one in ana.notices()] == [
        "Work by Ben arrived late: it was made 30 days before it came here."
    ]
    ana.rebuild()
    assert kinds(ana) == ["late"]
    for name in ("More", "And more"):
        add(ben, PEOPLE, name=name)
    company.pass_time(20 * 24 * 60)
    send(ben, ana)
    assert [one["text"] for one in ana.notices()] == [
        "Work by Ben arrived late: 3 changes were made 20 to 30 days before they came here."
    ]


def test_both_branches_of_a_copied_disk_count_and_everybody_goes_on(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben)
    ana.close()
    shutil.copytree(company.folder / "Ana", company.folder / "image")
    ana = company.again("Ana")
    put(ana, jane, {"name": "X"})
    meet(ana, ben)
    ana.close()
    put_back_in_place(company.folder / "image", company.folder / "Ana")
    ana = company.again("Ana")
    put(ana, jane, {"name": "Y"})
    meet(ana, ben)
    assert offered(ana, jane) == offered(ben, jane) == [{"X", "Y"}]
    assert kinds(ana) == kinds(ben) == ["fork"]
    log = ana.log
    put(ana, jane, {"phone": "1"})
    assert ana.log != log
    with ben.edit() as slow:
        slow.set(jane, {"phone": "2"})
        put(ana, jane, {"phone": "3"})
        meet(ana, ben)
    meet(ana, ben)
    assert {"2", "3"} in offered(ana, jane)
    assert company.join("Cy", ben).status()["state_hash"]
    sound(ana, ben)


def test_every_program_at_a_folder_goes_on_under_the_fresh_log_of_a_split_one(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben)
    ana.close()
    shutil.copytree(company.folder / "Ana", company.folder / "image")
    ana = company.again("Ana")
    put(ana, jane, {"name": "X"})
    meet(ana, ben)
    ana.close()
    put_back_in_place(company.folder / "image", company.folder / "Ana")
    ana, other = company.again("Ana"), company.again("Ana")
    put(ana, jane, {"name": "Y"})
    split = ana.log
    send(ben, other)
    put(ana, jane, {"phone": "1"})
    put(other, jane, {"phone": "2"})
    assert ana.log == other.log != split
    assert [arm.seq for arm in ana.desk.log.branches_of(bytes.fromhex(split))] == [5, 5]
    meet(ana, ben)
    assert value(ben, jane, PHONE) == "2"
    sound(ana, other, ben)


def test_an_edit_open_while_a_log_splits_saw_the_branch_it_showed(company: Company) -> None:
    ana, ben, cy = company.cast("Ana", "Ben", "Cy")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben, cy)
    ana.close()
    shutil.copytree(company.folder / "Ana", company.folder / "image")
    ana = company.again("Ana")
    with ana.edit() as edit:
        edit.set(jane, {"phone": "1"})
    send(ana, ben)
    ana.close()
    put_back_in_place(company.folder / "image", company.folder / "Ana")
    ana = company.again("Ana")
    add(ana, PEOPLE, name="Somebody else")
    with ben.edit() as slow:
        slow.delete(jane)
        send(ana, ben)
    meet(ana, ben, cy)
    for one in (ana, ben, cy):
        assert one.record(jane)["marks"] == ["deleted"]
    sound(ana, ben, cy)


def test_bytes_that_prove_nothing_are_dropped_with_a_sentence(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    with Company(company.folder / "elsewhere", seed=8) as other:
        stranger = other.found("Zed")
        add(ana, PEOPLE, name="Jane")
        (good,) = new_bundles(ana, ben)
        report = ben.ingest(
            [
                *stranger.bundles(),
                Sealed(good.header, bytes(64), good.chunks),
                Sealed(good.header, good.signature, (b"x",)),
                Sealed(b"nonsense", good.signature, ()),
            ]
        )
    assert len(report.rejected) >= 4
    assert (report.applied, ben.status()["pending"], ben.count(PEOPLE)) == (0, 0, 0)
    assert ben.ingest([good]).applied == 1


def test_a_write_that_claims_what_its_author_cannot_know_is_flagged_in_every_order(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben)
    zoe = guest(company, ana)
    meet(ana, ben)
    zoe.receive(ana.bundles())
    put(ben, jane, {"name": "Y"})
    (unseen,) = new_bundles(ben, ana)
    from openprod.model.bundle import id_of

    zoe.seal([draft_set(id_from_text(jane), NAME, "Z", [(id_of(unseen, ana.workspace_id), 0)])])
    ana.ingest(zoe.sealed())
    ana.ingest([unseen])
    ben.ingest(zoe.sealed())
    assert offered(ana, jane) == offered(ben, jane) == [{"Y", "Z"}]
    assert kinds(ana) == kinds(ben) == ["void_over"]
    meet(ana, ben)
    sound(ana, ben)


def test_a_clock_at_the_end_of_time_neither_stops_nor_moves_anybody(company: Company, tmp_path: Path) -> None:
    assert tmp_path
    ana = company.found()
    jane = add(ana, PEOPLE, name="Old")
    zoe = guest(company, ana)
    zoe.receive(ana.bundles())
    zoe.seal(
        [draft_set(id_from_text(jane), NAME, "Z", zoe.heads(jane, NAME))], claimed=hlc((1 << 64) - 1, (1 << 32) - 1)
    )
    assert ana.ingest(zoe.sealed()).held == 1
    (held,) = ana.held()
    ana.accept_clock(str(held["bundle"]))
    put(ana, jane, {"name": "After"})
    assert (value(ana, jane, NAME), ana.history(jane, "name")[0]["at"]) == ("After", "2026-11-21T09:00:00Z")
    sound(ana)

"""What stays on one device: in no exchange, no file, no state that devices compare, and nothing shared leads to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.workspace.company import Company, add, cells, count_bundles, meet, module_at, sound

from openprod.catalog.strict import ManifestError
from openprod.model.bundle import Sealed
from openprod.peers.opx import sync_file
from openprod.workspace.local import LeavesDevice
from openprod.workspace.opening import rebuild_into
from openprod.workspace.workspace import Workspace

PEOPLE, KEPT, INCIDENTS = "contacts.people", "confidential.people", "confidential.incidents"
ALLERGY = "Penicillin allergy"


def cast(company: Company) -> list[Workspace]:
    ana, ben = company.cast("Ana", "Ben", module=None)
    ana.adopt("contacts")
    ana.adopt("confidential")
    meet(ana, ben)
    return [ana, ben]


def keep(ws: Workspace, text: str = ALLERGY) -> str:
    """Returns a shared person of whom something is kept here."""
    jane = add(ws, PEOPLE, name="Jane", phone="1")
    with ws.edit("Note something") as edit:
        edit.put(jane, into=KEPT)
        edit.set(jane, {f"{KEPT}.medical": text})
    return jane


def handed_out(ws: Workspace) -> bytes:
    def raw(one: Sealed) -> bytes:
        return one.header + b"".join(one.chunks)

    return b"".join(map(raw, ws.bundles()))


def test_what_is_kept_here_reads_like_everything_else_and_reaches_nobody(company: Company) -> None:
    ana, ben = cast(company)
    jane = keep(ana)
    with ana.edit() as edit:
        edit.add(INCIDENTS, date="2026-01-12", person=jane, what="Fell off the rostrum")
    assert cells(ana, KEPT, "medical") == [(ALLERGY,)]
    assert ana.record(jane)["title"] == "Jane"
    assert [row["name"] for row in ana.query("confidential.people.medical == 'Penicillin allergy'", from_=PEOPLE)] == [
        "Jane"
    ]
    meet(ana, ben)
    assert cells(ben, PEOPLE, "name") == [("Jane",)]
    assert ben.count(KEPT) == ben.count(INCIDENTS) == 0
    for secret in (ALLERGY, "confidential.people.medical", "rostrum", "Note something"):
        assert secret.encode() not in handed_out(ana)
    assert ana.status()["state_hash"] == ben.status()["state_hash"]
    assert ana.frontier() == ben.frontier()
    ana.rebuild()
    assert cells(ana, KEPT, "medical") == [(ALLERGY,)]
    assert ana.status()["state_hash"] == ben.status()["state_hash"]
    sound(ana, ben)


def test_a_later_shared_change_does_not_betray_that_there_is_more(company: Company) -> None:
    ana, ben = cast(company)
    jane = keep(ana)
    with ana.edit() as edit:
        edit.set(jane, {f"{PEOPLE}.phone": "2"})
    with ana.edit("Both at once") as edit:
        edit.set(jane, {f"{PEOPLE}.phone": "3", f"{KEPT}.diet": "vegan"})
    meet(ana, ben)
    assert cells(ben, PEOPLE, "phone") == [("3",)]
    assert cells(ana, KEPT, "diet") == [("vegan",)]
    assert b"vegan" not in handed_out(ana)
    assert bytes(ana.desk.log.local) not in handed_out(ana)
    sound(ana, ben)


def test_a_stick_and_the_file_s_other_end_hold_nothing_of_it(company: Company, tmp_path: Path) -> None:
    ana, ben = cast(company)
    keep(ana)
    sync_file(ana, tmp_path / "stick.opx")
    sync_file(ben, tmp_path / "stick.opx")
    assert ben.count(PEOPLE) == 1
    assert ben.count(KEPT) == 0
    assert ALLERGY.encode() not in (ben.path / "workspace.db").read_bytes()


def test_a_person_whom_others_delete_is_gone_here_too_and_comes_back_whole(company: Company) -> None:
    ana, ben = cast(company)
    jane = keep(ana)
    meet(ana, ben)
    with ana.edit() as edit:
        edit.set(jane, {f"{KEPT}.diet": "vegan"})
    with ben.edit() as edit:
        edit.delete(jane)
    meet(ana, ben)
    assert ana.conflicts() == ben.conflicts() == []
    assert ana.count(PEOPLE) == ana.count(KEPT) == 0
    with ben.edit() as edit:
        edit.restore(jane)
    meet(ana, ben)
    assert cells(ana, KEPT, "medical", "diet") == [(ALLERGY, "vegan")]
    sound(ana, ben)


def test_nothing_shared_may_lead_to_it(company: Company) -> None:
    ana, _ = cast(company)
    jane = keep(ana)
    with ana.edit() as edit:
        alone = edit.add(KEPT, legal_name="Nobody else's business")
    ana.add_field(PEOPLE, "twin", {"type": "record"})
    before = count_bundles(ana)
    with pytest.raises(LeavesDevice, match="is kept on this device only"), ana.edit() as edit:
        edit.put(alone, into=PEOPLE)
    with pytest.raises(LeavesDevice), ana.edit() as edit:
        edit.set(jane, {"workspace.contacts_people.twin": alone})
    with pytest.raises(LeavesDevice):
        ana.merge(jane, alone)
    with pytest.raises(LeavesDevice):
        ana.map_fields(f"{KEPT}.legal_name", f"{PEOPLE}.name")
    with pytest.raises(LeavesDevice):
        ana.link_tables(PEOPLE, KEPT)
    with pytest.raises(LeavesDevice), ana.edit() as edit:
        edit.put(edit.add(KEPT, legal_name="New"), into=PEOPLE)
    assert count_bundles(ana) == before


def test_it_can_be_staged_undone_and_seen_as_of_a_moment(company: Company) -> None:
    ana, ben = cast(company)
    jane = keep(ana)
    with ana.edit() as edit:
        edit.set(jane, {f"{KEPT}.medical": "None"})
    ana.undo()
    assert cells(ana, KEPT, "medical") == [(ALLERGY,)]
    with ana.overlay("later") as view:
        with view.edit() as edit:
            edit.set(jane, {f"{KEPT}.medical": "Asthma", f"{PEOPLE}.phone": "9"})
        assert view.record(jane)["fields"][f"{KEPT}.medical"] == "Asthma"
        view.commit()
    assert cells(ana, KEPT, "medical") == [("Asthma",)]
    meet(ana, ben)
    assert cells(ben, PEOPLE, "phone") == [("9",)]
    assert b"Asthma" not in handed_out(ana)
    assert [one["ops"][0]["text"] for one in ana.history(jane, f"{KEPT}.medical")] != []
    sound(ana, ben)


def test_a_module_cannot_begin_to_share_what_it_kept(company: Company) -> None:
    ana, _ = cast(company)
    folder = Path(__file__).parents[3] / "modules" / "confidential" / "module.toml"
    shared = folder.read_text(encoding="utf-8").replace("local = true\n", "").replace('"0.1.0"', '"0.2.0"')
    with pytest.raises(ManifestError, match="the version in use keeps its records on each device"):
        ana.adopt(module_at(company.folder / "shared", shared))


def test_a_file_made_anew_from_a_damaged_one_has_it_still(company: Company) -> None:
    ana, _ = cast(company)
    keep(ana)
    ana.close()
    home = company.folder / "Ana" / "home"
    made, report = rebuild_into(ana.path, company.folder / "anew", home=home, durable=False)
    company.open.append(made)
    assert report.rejected == []
    assert cells(made, KEPT, "medical") == [(ALLERGY,)]
    assert ALLERGY.encode() not in handed_out(made)
    sound(made)

"""The catalog as the core tables say it: the same on every device, whatever somebody wrote into them."""

from __future__ import annotations

import pytest
from tests.unit.workspace.company import CUES, LAB, PEOPLE, Company, add, cells, meet, put, sound

from openprod.workspace.catalogs import version_key


def test_versions_order_by_their_numbers() -> None:
    assert sorted(["1.10.0", "1.9.0", "2", "", "1.9.0-beta"], key=version_key)[-2:] == ["1.10.0", "2"]


def test_a_zone_set_late_orders_moments_that_are_there_already(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    add(ana, CUES, number="1", at="2026-06-01T18:00")
    add(ana, "core.settings", name="zone", value="Europe/Berlin")
    add(ana, CUES, number="2", at="2026-06-01T18:00")
    meet(ana, ben)
    for one in (ana, ben):
        assert cells(one, CUES, "at~") == [("2026-06-01T16:00:00",)] * 2
    sound(ana, ben)


def test_of_two_zones_all_devices_take_the_same(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    for ws, zone in ((ben, "Europe/London"), (ana, "Europe/Berlin")):
        add(ws, "core.settings", name="zone", value=zone)
        add(ws, CUES, number="1", at="2026-06-01T18:00")
    meet(ana, ben)
    assert cells(ana, CUES, "at~") == cells(ben, CUES, "at~")
    sound(ana, ben)


def test_a_manifest_that_is_corrected_counts_at_once(company: Company) -> None:
    ana = company.found()
    other = company.again("Ana")
    module = str(ana.query(from_="core.modules")[0]["id"])
    put(ana, module, {"manifest": LAB.replace('phone = "text"', 'phone = "text"\nfax = "text"')})
    for one in (ana, other):
        assert [field["name"] for field in one.fields(PEOPLE)] == ["name", "phone", "fax"]
    sound(ana)


@pytest.mark.parametrize(
    ("table", "fields"),
    [
        ("core.fields", {"key": "lab.people.name", "table": PEOPLE, "spec": '"natural"'}),
        ("core.fields", {"key": 'x"y', "table": PEOPLE, "spec": '"text"'}),
        ("core.fields", {"key": "workspace.lab_people.z", "table": PEOPLE, "spec": "nonsense"}),
        ("core.fields", {"key": "workspace.lab_people.z", "table": "nowhere", "spec": '"text"'}),
        ("core.fields", {"key": "core.people.zz", "table": "core.people", "spec": '"text"'}),
        ("core.fields", {"key": "lab.runs.zz", "table": "lab.runs", "spec": '"text"'}),
        ("core.tables", {"name": 'x"y', "title": "X"}),
        ("core.tables", {"name": "bundle", "title": "X"}),
        ("core.tables", {"name": "core.people", "title": "X"}),
        ("core.tables", {"name": "lab.people", "title": "X"}),
        ("core.tables", {"name": "workspace.q", "key": "nope,nada", "label": "{x"}),
        ("core.modules", {"name": "core", "version": "9", "manifest": LAB}),
        ("core.modules", {"name": "lab", "version": "9", "manifest": "gar [[bage"}),
        ("core.modules", {"name": "lab", "version": "9" * 40, "hash": "zz", "manifest": LAB}),
        ("core.queries", {"name": "lab.q", "query": "gar [[bage"}),
        ("core.settings", {"name": "zone", "value": "../../etc/passwd"}),
    ],
)
def test_nothing_in_the_core_tables_stops_anybody(company: Company, table: str, fields: dict[str, object]) -> None:
    ana, ben = company.cast("Ana", "Ben")
    with ana.edit() as edit:
        edit.add(table, **fields)
    meet(ana, ben)
    add(ana, PEOPLE, name="Jane")
    add(ben, CUES, number="3", at="2026-06-01T10:00")
    meet(ana, ben)
    assert cells(ben, PEOPLE, "name") == [("Jane",)]
    sound(ana, ben)
    assert company.again("Ana").count(CUES) == 1

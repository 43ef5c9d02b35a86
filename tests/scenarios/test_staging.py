"""Staging as the cases tell it: S-09, S-52, S-53, S-55, S-56 (S-54 waits for text that merges)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from tests.unit.workspace.company import NAME, PEOPLE, Company, add, count_bundles, meet, offered, put, sound, value

import openprod
from openprod.exchange.stage import import_csv
from openprod.model.bundle import CAUSE_SCRIPT, Cause
from openprod.workspace.overlay import AutomationAsks, UndecidedDrift
from openprod.workspace.undo import CannotUndo

POINTS = int(os.environ.get("OPENPROD_KILL_POINTS", "8"))
WORKER = Path(__file__).parent / "worker.py"
NEW, CHANGED = 50, 120


@pytest.fixture
def company(tmp_path: Path) -> Generator[Company]:
    with Company(tmp_path) as made:
        yield made


def test_s09_a_script_in_staging_does_not_settle_a_question(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben)
    put(ana, jane, {"name": "X"})
    put(ben, jane, {"name": "Y"})
    meet(ana, ben)
    overlay = ana.overlay("script")
    with pytest.raises(AutomationAsks, match="open question"), overlay.edit("", Cause(CAUSE_SCRIPT, auto=True)) as edit:
        edit.set(jane, {"name": "Z"})
    assert overlay.diff() == []
    assert (offered(ana, jane), offered(overlay, jane)) == ([{"X", "Y"}], [{"X", "Y"}])


def test_s52_a_commit_waits_until_drift_is_decided(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old")
    meet(ana, ben)
    overlay = ana.overlay("what if")
    put(overlay, jane, {"name": "X"})
    put(ben, jane, {"name": "Y"})
    meet(ana, ben)
    before = count_bundles(ana)
    with pytest.raises(UndecidedDrift, match=r"changed to .*Y.* by Ben meanwhile"):
        overlay.commit()
    assert count_bundles(ana) == before
    overlay.keep(jane, "name")
    overlay.commit()
    meet(ana, ben)
    for one in (ana, ben):
        assert (value(one, jane, NAME), one.conflicts()) == ("X", [])
    sound(ana, ben)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A production with an overlay of new records and changes in it."""
    place = tmp_path_factory.mktemp("staged")
    with openprod.init(place / "w", name="Hamlet", template="stage-management", home=place / "home") as made:
        with made.edit() as edit:
            ids = edit.add_many("contacts.people", ["name"], [[f"Old {at}"] for at in range(CHANGED)])
        with made.overlay("what if") as overlay:
            with overlay.edit() as edit:
                edit.add_many("contacts.people", ["name"], [[f"New {at}"] for at in range(NEW)])
            with overlay.edit() as edit:
                for at, one in enumerate(ids):
                    edit.set(one, {"name": f"Changed {at}"})
    return place


@pytest.mark.parametrize("point", range(POINTS))
def test_s53_a_power_cut_during_commit_leaves_all_or_nothing(staged: Path, tmp_path: Path, point: int) -> None:
    place = tmp_path / "copy"
    shutil.copytree(staged, place)
    child = subprocess.Popen(
        [sys.executable, str(WORKER), "commits", str(place / "w"), str(place / "home"), str(place)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "open"
    assert child.stdout.readline().strip() == "ready"
    with suppress(subprocess.TimeoutExpired):
        child.wait(Random(point).random() * 0.12)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    with openprod.open(place / "w", home=place / "home") as made:
        names = [str(row["name"]) for row in made.query(query={"from": "contacts.people", "limit": 500})]
        left = [one["records"] for one in made.overlays() if one["name"] == "what if"]
        done = (sum(name.startswith("New") for name in names), sum(name.startswith("Changed") for name in names))
        assert (done, left) in [((NEW, CHANGED), []), ((0, 0), [NEW + CHANGED])]
        assert made.verify().damaged == []
        if left:
            with made.open_overlay("what if") as overlay:
                assert overlay.count("contacts.people") == NEW + CHANGED
                overlay.commit()
            assert made.count("contacts.people") == NEW + CHANGED


def test_s55_what_somebody_changed_since_is_not_undone(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Old", phone="1")
    put(ana, jane, {"phone": "2"})
    put(ana, jane, {"name": "X"})
    meet(ana, ben)
    put(ben, jane, {"name": "Y"})
    meet(ana, ben)
    before = count_bundles(ana)
    with pytest.raises(CannotUndo, match="Cannot undo: the name of Y was changed by Ben"):
        ana.undo()
    assert (value(ana, jane, NAME), count_bundles(ana)) == ("Y", before)
    ana.undo()
    assert value(ana, jane, "lab.people.phone") == "1"


def test_s56_an_import_is_undone_by_one_more_bundle(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    before = count_bundles(ana)
    rows = "".join(f"Person {at}\r\n" for at in range(30))
    (overlay,) = import_csv(ana, f"name\r\n{rows}".encode(), "cast.csv", PEOPLE).stage()
    overlay.commit()
    ids = [str(row["id"]) for row in ana.query(query={"from": PEOPLE})]
    ana.undo()
    meet(ana, ben)
    for one in (ana, ben):
        assert (count_bundles(one), one.count(PEOPLE)) == (before + 2, 0)
    with ben.edit() as edit:
        edit.restore(ids[0])
    assert ben.count(PEOPLE) == 1
    sound(ana, ben)

"""A program killed at any instant: nothing it acknowledged is lost, no bundle is half there, and work goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

import openprod
from openprod.model.bundle import id_of
from openprod.workspace.opening import join_workspace
from openprod.workspace.workspace import Workspace

POINTS = int(os.environ.get("OPENPROD_KILL_POINTS", "12"))
WORKER = Path(__file__).parent / "worker.py"
ROWS = 10_000


@dataclass(frozen=True)
class Giver:
    """A device that holds what another one is going to take in; `begun` bundles reach up to the invitation."""

    place: Path
    begun: int
    invitation: str
    keys: list[tuple[int, bytes]]


@pytest.fixture(scope="module")
def giver(tmp_path_factory: pytest.TempPathFactory) -> Giver:
    place = tmp_path_factory.mktemp("giver")
    with openprod.init(place / "w", name="Hamlet", template="stage-management", home=place / "home") as made:
        invitation = made.invite("Bob")
        begun = made.status()["bundles"]
        for number in range(60):
            with made.edit(f"Person {number}") as edit:
                person = edit.add("contacts.people", name=f"Person {number}")
                edit.put(person, into="schedule.attendees")
        for number in range(4):
            with made.edit(f"Block {number}") as edit:
                edit.add_many("contacts.people", ["name"], [[f"Block {number} row {row}"] for row in range(2_000)])
        keys = [(one[0], one[1]) for one in made.keys()]  # noqa: SIM118 -- no mapping: the show's own keys
        return Giver(place, begun, invitation, keys)


def killed(task: str, place: Path, second: Path, random: Random, moments: tuple[int, float]) -> list[str]:
    """Starts a worker, kills it some lines on and some time later, and returns what it had said."""
    lines_max, seconds_max = moments
    child = subprocess.Popen(
        [sys.executable, str(WORKER), task, str(place / "w"), str(place / "home"), str(second)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    said: list[str] = []
    try:
        said += [child.stdout.readline().strip() for _ in range(1 + random.randrange(lines_max))]
        with suppress(subprocess.TimeoutExpired):
            child.wait(random.random() * seconds_max)
    finally:
        child.send_signal(signal.SIGKILL)
        said += [line.strip() for line in child.stdout]
        child.stdout.close()
        child.wait()
    assert said[0] == "open"
    return said[1:]


def look_after(place: Path, check: Callable[[Workspace], None]) -> None:
    """Opens the workspace again as anybody would, checks it, and works on."""
    with openprod.open(place / "w", home=place / "home") as workspace:
        check(workspace)
        assert workspace.verify().damaged == []
        before = workspace.status()
        assert before["pending"] == before["quarantined"] == 0
        with workspace.edit("Go on") as edit:
            edit.add("contacts.groups", name="After")
        assert workspace.status()["bundles"] == before["bundles"] + 1
        assert workspace.status()["logs"] == before["logs"]


def start(place: Path) -> int:
    """Makes a workspace and returns how many bundles it begins with."""
    with openprod.init(place / "w", name="Hamlet", template="stage-management", home=place / "home") as workspace:
        return workspace.status()["bundles"]


@pytest.mark.parametrize("point", range((POINTS + 2) // 3))
def test_an_edit_that_was_acknowledged_survives_a_kill(tmp_path: Path, point: int) -> None:
    begun = start(tmp_path)
    said = killed("edits", tmp_path, tmp_path, Random(f"edit {point}"), (30, 0.05))

    def check(workspace: Workspace) -> None:
        rows = workspace.query(
            query={"from": "contacts.people", "select": {"name": "name", "phone": "phone", "email": "email"}}
        )
        people = {row["name"]: row for row in rows}
        assert len(people) == len(rows) == workspace.count("schedule.attendees")
        # A line was written after its commit: at most one more commit was kept than was said.
        commits = workspace.status()["bundles"] - begun
        assert len(said) <= commits <= len(said) + 1
        assert len(people) == (commits + 1) // 2
        for line in said:
            what, _, number = line.partition(" ")
            assert f"Person {number}" in people
            if what == "phone":
                assert people[f"Person {number}"]["phone"] == number
        assert all(row["phone"] == row["email"] for row in rows)

    look_after(tmp_path, check)


@pytest.mark.parametrize("point", range((POINTS + 1) // 3))
def test_what_was_taken_in_survives_a_kill(tmp_path: Path, giver: Giver, point: int) -> None:
    with openprod.open(giver.place / "w", home=giver.place / "home") as other:
        first = list(other.bundles())[: giver.begun]
        total = other.status()["bundles"]
    with join_workspace(giver.invitation, tmp_path / "w", first, giver.keys, home=tmp_path / "home", person="Bob"):
        pass
    said = killed("ingests", tmp_path, giver.place, Random(f"ingest {point}"), (12, 0.08))

    def check(workspace: Workspace) -> None:
        held = {id_of(one, workspace.workspace_id).hex() for one in workspace.bundles()}
        acknowledged = {name for line in said for name in line.split()[1:]}
        assert acknowledged <= held
        assert len(held) <= total + 1
        blocks = workspace.query(
            query={"from": "contacts.people", "where": 'name LIKE "Block%"', "select": {"name": "name"}}
        )
        assert len(blocks) % 2_000 == 0
        people = workspace.count("contacts.people") - len(blocks)
        assert people == workspace.count("schedule.attendees")
        with openprod.open(giver.place / "w", home=giver.place / "home") as other:
            workspace.ingest(other.bundles())
            assert workspace.count("contacts.people") == other.count("contacts.people")

    look_after(tmp_path, check)


@pytest.mark.parametrize("point", range(POINTS // 3))
def test_an_import_is_there_whole_or_not_at_all_after_a_kill(tmp_path: Path, point: int) -> None:
    begun = start(tmp_path)
    said = killed("imports", tmp_path, tmp_path, Random(f"import {point}"), (4, 0.3))

    def check(workspace: Workspace) -> None:
        done = sum(line.startswith("imported") for line in said)
        rows = workspace.count("contacts.people")
        assert rows in {done * ROWS, (done + 1) * ROWS}
        assert workspace.status()["bundles"] == begun + rows // ROWS

    look_after(tmp_path, check)


@pytest.mark.parametrize("point", range(POINTS // 3))
def test_an_overlay_is_there_whole_or_not_at_all_after_a_kill_while_it_is_staged(tmp_path: Path, point: int) -> None:
    begun = start(tmp_path)
    said = killed("stages", tmp_path, tmp_path, Random(f"stage {point}"), (4, 0.5))

    def check(workspace: Workspace) -> None:
        done = sum(line.startswith("staged") for line in said)
        overlays = [one for one in workspace.overlays() if one["source"].endswith(".csv")]
        assert len(overlays) in {done, done + 1}
        assert {one["records"] for one in overlays} <= {ROWS}
        assert (workspace.status()["bundles"], workspace.count("contacts.people")) == (begun, 0)
        for one in overlays[:1]:
            with workspace.open_overlay(one["name"]) as overlay:
                assert overlay.count("contacts.people") == ROWS

    look_after(tmp_path, check)

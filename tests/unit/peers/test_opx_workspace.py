"""The same door before a real workspace: two and three devices, one stick, no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from openprod.identity.invite import read_invitation
from openprod.identity.opx import NotInvitedOpx
from openprod.peers import opx
from openprod.workspace.opening import init_workspace, join_workspace
from openprod.workspace.workspace import Workspace


def join(invitation: str, source: Path, folder: Path, home: Path, name: str) -> Workspace:
    found = opx.bootstrap(source, read_invitation(invitation))
    return join_workspace(invitation, folder, found.bundles(), [(found.epoch, found.key)], home=home, person=name)


def bundle_count(workspace: Workspace) -> int:
    return len(list(workspace.bundles()))


def test_three_devices_join_and_meet_by_a_stick(tmp_path: Path) -> None:
    stick = tmp_path / "stick.opx"
    with init_workspace(tmp_path / "a", name="Hamlet", home=tmp_path / "home-a", person="Ann") as ann:
        first, second = ann.invite("LX"), ann.invite("SQ")
        opx.sync_file(ann, stick)
        with (
            join(first, stick, tmp_path / "b", tmp_path / "home-b", "Bob") as bob,
            join(second, stick, tmp_path / "c", tmp_path / "home-c", "Cyd") as cyd,
        ):
            for device in (cyd, bob, ann, cyd, bob):
                opx.sync_file(device, stick)
            assert ann.frontier() == bob.frontier() == cyd.frontier()
            assert bundle_count(ann) == bundle_count(bob) == bundle_count(cyd)
            assert opx.sync_file(ann, stick).written is None
            with bob.edit("A person") as edit:
                edit.add("core.people", key="x", name="Somebody")
            for device in (bob, ann, cyd):
                opx.sync_folder(device, tmp_path)
            for device in (ann, bob):
                opx.sync_folder(device, tmp_path)
            assert ann.frontier() == bob.frontier() == cyd.frontier()
            before = {path.name: path.read_bytes() for path in tmp_path.glob("*.opx")}
            for device in (ann, bob, cyd):
                opx.sync_folder(device, tmp_path)
            assert {path.name: path.read_bytes() for path in tmp_path.glob("*.opx")} == before


def test_an_invitation_made_after_the_file_opens_nothing(tmp_path: Path) -> None:
    with init_workspace(tmp_path / "a", name="Hamlet", home=tmp_path / "home-a", person="Ann") as ann:
        opx.sync_file(ann, tmp_path / "stick.opx")
        late = ann.invite("LX")
        with pytest.raises(NotInvitedOpx):
            join(late, tmp_path / "stick.opx", tmp_path / "b", tmp_path / "home-b", "Bob")
        assert not (tmp_path / "b").exists()
        opx.sync_file(ann, tmp_path / "stick.opx")
        join(late, tmp_path / "stick.opx", tmp_path / "b", tmp_path / "home-b", "Bob").close()


def test_reading_a_file_tells_how_far_it_is(tmp_path: Path) -> None:
    stick = tmp_path / "stick.opx"
    told: list[tuple[int, int]] = []
    with init_workspace(tmp_path / "a", name="Hamlet", home=tmp_path / "home-a", person="Ann") as ann:
        invitation = ann.invite("LX")
        opx.sync_file(ann, stick)
        with join(invitation, stick, tmp_path / "b", tmp_path / "home-b", "Bob") as bob:
            opx.sync_file(bob, stick)
            opx.sync_file(ann, stick, progress=lambda done, total: told.append((done, total)))
            total = bundle_count(ann)
            assert told == [(done, total) for done in range(1, total + 1)]

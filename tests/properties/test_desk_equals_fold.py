"""The real desk shows what `fold` says, for every history and every order in which its bundles arrive."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openprod.model.bundle import Sealed
from openprod.testing.clock import FakeClock, TrueTime
from openprod.testing.desks import DeskSeat, Show, make_show
from openprod.testing.device import PaperDevice
from openprod.testing.strategies import HistoryPlayer, scripts
from openprod.testing.world import differences, look_of

MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Stage:
    """A workspace that exists once, and copies of it for each history."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = TrueTime()
        self.show: Show = make_show(folder / "given", ("Ana",), self.time, Random(1))
        (self.ana,) = self.show.seats
        self.given: list[Sealed] = self.ana.sealed()
        self.ana.close()
        self.start_ms = self.time.now_ms

    def player(self, seed: int, n_devices: int) -> HistoryPlayer:
        """Returns a player whose devices, all of paper, have joined the workspace."""
        chance, time = Random(seed), TrueTime(self.start_ms)
        company = self.show.company
        devices = [
            PaperDevice.join_with(name, FakeClock(time), chance, company, self.given)
            for name in ("Ben", "Cy", "Dee")[:n_devices]
        ]
        return HistoryPlayer(chance, time, devices)

    def observer(self, time: TrueTime) -> DeskSeat:
        """Returns a real device that holds just what was given."""
        folder = self.folder / "observer"
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(self.folder / "given" / "Ana", folder)
        return DeskSeat("Observer", folder, FakeClock(time), Random(1))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("stage"))


@MANY
@given(seed=st.integers(0, 1 << 16), script=scripts(16), n_devices=st.integers(1, 3))
def test_any_history_in_any_order_and_grouping_shows_what_fold_says(
    stage: Stage, seed: int, script: list[tuple[str, int, int, int]], n_devices: int
) -> None:
    player = stage.player(seed, n_devices)
    for step in script:
        player.play(*step)
    observer = stage.observer(player.time)
    sealed = player.history.all_sealed()
    player.chance.shuffle(sealed)
    while sealed:
        many = player.chance.randint(1, 6)
        observer.receive(sealed[:many])
        sealed = sealed[many:]
        if player.chance.random() < 0.2:
            compare(observer, "in between")
    compare(observer, "in the end")
    with observer.build():
        observer.ws.rebuild()
    compare(observer, "after a rebuild")
    assert observer.ws.verify().is_sound
    observer.close()


def compare(observer: DeskSeat, when: str) -> None:
    """Checks that a device shows what fold says of the bundles it holds."""
    observer.tick()
    wrong = differences(observer.look(), look_of(*observer.expected()))
    assert not wrong, f"{when}: {wrong}"

"""The worlds in which every case of the semantics is played, one kind of bad weather at a time."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from random import Random

import pytest

from openprod.testing.desks import DeskWorld, Weather
from openprod.testing.world import PaperWorld, World

ORDERS = "all orders"
PUNCTUAL: list[Weather] = ["calm", "restart", "rebuild", "cut"]
WRONG_CLOCKS: list[Weather] = ["all a day slow", "4 min slow", "4 min fast"]


@pytest.fixture(params=[ORDERS, *PUNCTUAL, *WRONG_CLOCKS])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[World]:
    """A world to play a case in."""
    yield from played(request, tmp_path)


@pytest.fixture(params=[ORDERS, *PUNCTUAL])
def punctual_world(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[World]:
    """A world whose clocks are right until the case says otherwise."""
    yield from played(request, tmp_path)


def played(request: pytest.FixtureRequest, folder: Path) -> Generator[World]:
    """Yields the world that a test asks for, and closes it."""
    chance = Random(request.node.name)
    if request.param == ORDERS:
        yield PaperWorld(chance)
        return
    made = DeskWorld(folder, chance, request.param)
    yield made
    made.close()

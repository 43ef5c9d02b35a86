"""The worlds in which every case of the semantics is played, one kind of bad weather at a time."""

from __future__ import annotations

from random import Random

import pytest

from openprod.testing.world import PaperWorld, World


@pytest.fixture(params=["all orders"])
def world(request: pytest.FixtureRequest) -> World:
    """A world to play a case in."""
    return PaperWorld(Random(request.node.name))


@pytest.fixture(params=["all orders"])
def punctual_world(request: pytest.FixtureRequest) -> World:
    """A world whose clocks are right until the case says otherwise."""
    return PaperWorld(Random(request.node.name))

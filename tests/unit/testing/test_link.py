"""The simulated connection: what it may do to bundles, and what it may not."""

from __future__ import annotations

from random import Random

from openprod.model.bundle import Sealed, decode_sealed, encode_sealed
from openprod.testing.link import CALM, STORM, Link, Weather, readable, stream, whole_ones

BUNDLES = [Sealed(bytes((n,)) * (n + 1), bytes(64), (b"body",) * (n % 3)) for n in range(20)]
RAWS = [encode_sealed(sealed) for sealed in BUNDLES]


def test_a_calm_link_brings_everything_once_and_in_order() -> None:
    assert list(Link(Random(1), CALM).carry(BUNDLES)) == RAWS


def test_what_is_delayed_comes_later_and_only_once() -> None:
    link = Link(Random(1), Weather(delay=0.5))
    first = list(link.carry(BUNDLES))
    link.weather = CALM
    second = list(link.carry(()))
    assert sorted(first + second) == sorted(RAWS)
    assert first
    assert second
    assert not list(link.carry(()))


def test_a_storm_loses_doubles_and_spoils_and_is_the_same_for_the_same_seed() -> None:
    arrived = list(Link(Random(3), STORM).carry(BUNDLES))
    assert arrived == list(Link(Random(3), STORM).carry(BUNDLES))
    assert arrived != RAWS
    assert any(raw not in RAWS for raw in arrived)
    assert len(readable(arrived)) <= len(arrived)


def test_a_stream_cut_at_any_byte_gives_the_whole_bundles_before_the_cut() -> None:
    raw = stream(BUNDLES[:4])
    counts = [len(whole_ones(raw[:cut])) for cut in range(len(raw) + 1)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 4)
    assert all(whole_ones(raw[:cut]) == BUNDLES[: counts[cut]] for cut in range(len(raw) + 1))


def test_what_no_longer_decodes_is_left_out_without_an_error() -> None:
    assert readable([RAWS[0], RAWS[0][:-1], b"", b"\xff"]) == [decode_sealed(RAWS[0])]

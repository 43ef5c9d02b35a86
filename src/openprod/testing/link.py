"""A simulated connection for whole bundles: it loses, doubles, delays, reorders and cuts what it carries.

Knows bytes and chance. Must not know what the bytes mean: what arrives is handed over as it arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from openprod.model.bundle import Sealed, decode_sealed, encode_sealed
from openprod.model.ops import Malformed

LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad a link is: the chance, from 0 to 1, of each mishap to one bundle on its way."""

    lose: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    cut: float = 0.0
    flip: float = 0.0
    reorder: bool = False


CALM = Weather()
STORM = Weather(lose=0.15, double=0.15, delay=0.2, cut=0.05, flip=0.05, reorder=True)


@dataclass(slots=True)
class Link:
    """One direction between two devices. What is delayed comes with a later call, if the link is not closed before."""

    chance: Random
    weather: Weather = CALM
    late: list[bytes] = field(default_factory=list[bytes])

    def carry(self, bundles: Iterable[Sealed]) -> Iterator[bytes]:
        """Yields what arrives of some bundles, in the order in which it does; some of it may be no bundle any more."""
        here = self.late
        self.late = []
        for sealed in bundles:
            here.extend(self._send(encode_sealed(sealed)))
        if self.weather.reorder:
            self.chance.shuffle(here)
        yield from here

    def _send(self, raw: bytes) -> Iterator[bytes]:
        if self.chance.random() < self.weather.lose:
            return
        for _ in range(2 if self.chance.random() < self.weather.double else 1):
            one = self._spoil(raw)
            if self.chance.random() < self.weather.delay:
                self.late.append(one)
            else:
                yield one

    def _spoil(self, raw: bytes) -> bytes:
        if self.chance.random() < self.weather.cut:
            return raw[: self.chance.randrange(len(raw))]
        if self.chance.random() < self.weather.flip:
            at = self.chance.randrange(len(raw))
            return raw[:at] + bytes((raw[at] ^ 1 << self.chance.randrange(8),)) + raw[at + 1 :]
        return raw


def stream(bundles: Iterable[Sealed]) -> bytes:
    """Returns bundles as one run of bytes, each behind its length."""
    raws = [encode_sealed(sealed) for sealed in bundles]
    return b"".join(len(raw).to_bytes(LENGTH_BYTES, "big") + raw for raw in raws)


def whole_ones(raw: bytes) -> list[Sealed]:
    """Returns the bundles that a run of bytes, cut anywhere, holds whole."""
    found: list[Sealed] = []
    at = 0
    while at + LENGTH_BYTES <= len(raw):
        end = at + LENGTH_BYTES + int.from_bytes(raw[at : at + LENGTH_BYTES], "big")
        if end > len(raw):
            break
        found.append(decode_sealed(raw[at + LENGTH_BYTES : end]))
        at = end
    return found


def readable(arrived: Iterable[bytes]) -> list[Sealed]:
    """Returns what decodes at all of the things that arrived; nothing of it is proven."""
    found: list[Sealed] = []
    for raw in arrived:
        try:
            found.append(decode_sealed(raw))
        except Malformed:
            continue
    return found

"""The hybrid logical clock: 8 bytes wall milliseconds, 4 bytes counter, big endian, so byte order is clock order.

Knows the arithmetic of stamps. Must not know any device's clock. Rules and edge cases: docs/formats/hlc.md.
"""

from __future__ import annotations

from typing import NewType

Hlc = NewType("Hlc", bytes)

HLC_BYTES = 12
COUNTER_MAX = 0xFFFF_FFFF
WALL_MS_MAX = 0xFFFF_FFFF_FFFF_FFFF
ZERO = Hlc(bytes(HLC_BYTES))


def hlc(wall_ms: int, counter: int = 0) -> Hlc:
    """Returns the stamp of a wall reading (milliseconds since 1970 UTC) and a counter.

    Raises OverflowError outside 8 and 4 bytes.
    """
    return Hlc(wall_ms.to_bytes(8, "big") + counter.to_bytes(4, "big"))


def wall_ms(stamp: Hlc) -> int:
    """Returns the wall part of a stamp in milliseconds since 1970 UTC."""
    return int.from_bytes(stamp[:8], "big")


def counter(stamp: Hlc) -> int:
    """Returns the counter part of a stamp."""
    return int.from_bytes(stamp[8:], "big")


def successor(stamp: Hlc) -> Hlc:
    """Returns the smallest stamp greater than `stamp`.

    A full counter carries into the wall part, nothing wraps to zero.

    At the very end of the scale (which no clock reaches) the greatest stamp is its own successor.
    """
    number = int.from_bytes(stamp, "big")
    return Hlc(min(number + 1, (1 << 96) - 1).to_bytes(HLC_BYTES, "big"))


def effective(claimed: Hlc, past: Hlc) -> Hlc:
    """Returns the stamp that orders a bundle: never before anything its author had applied.

    Args:
        claimed: the author's own clock reading; may have gone backwards.
        past: the greatest effective stamp in the bundle's causal past, ZERO if there is none.

    Source: after Kulkarni et al. 2014, section 3; rules and edge cases in docs/formats/hlc.md.
    """
    return max(claimed, successor(past)) if past != ZERO else claimed

"""Simulated time: one true clock of the world, and devices whose clocks differ from it.

Knows how far each device is off. Must not know the real clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
YEAR_MS = 365 * DAY_MS

# A Saturday morning in tech week: 2026-11-21 09:00 UTC.
START_MS = 1_795_251_600_000


@dataclass(slots=True)
class TrueTime:
    """The time that everybody would read if no clock were wrong, milliseconds since 1970 UTC; moves only when told."""

    now_ms: int = START_MS

    def advance(self, by_ms: int) -> None:
        """Lets time pass."""
        assert by_ms >= 0, "the true time does not go back; a device's clock may"
        self.now_ms += by_ms


@dataclass(slots=True)
class FakeClock:
    """A device's clock; calling it reads it, in milliseconds since 1970 UTC."""

    true: TrueTime = field(default_factory=TrueTime)
    off_ms: int = 0

    def __call__(self) -> int:
        """Returns what this device's clock reads."""
        return self.true.now_ms + self.off_ms

    def set_off(self, off_ms: int) -> None:
        """Makes the clock wrong by so much: positive is fast. It jumps, forwards or backwards."""
        self.off_ms = off_ms

    def mend(self) -> None:
        """Puts the clock right."""
        self.off_ms = 0

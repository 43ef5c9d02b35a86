"""Ranges of times as schedules write them: 2-5, 7:30-10p, 22:00-01:00, and times without am or pm.

12 is noon, 1 to 7 is afternoon or evening, 8 to 11 is morning, an end is the next such time after its start.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

NOON = 12
LAST_AFTERNOON = 7
CLOCK = r"(?:[0-9]{1,2}(?:[:.h][0-9]{2}(?::[0-9]{2})?)?\s*(?:[ap]\.?\s?m?\b\.?)?|noon|midday|midnight)"
BETWEEN = r"(?:-|–|—|\bto\b|\buntil\b|\btill\b|\bbis\b)"
_PARTS = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2})(?::([0-9]{2}))?)?\s*(?:([ap])\.?\s?m?\.?)?", re.IGNORECASE)
_TYPED = re.compile(rf"\s*({CLOCK})\s*{BETWEEN}\s*({CLOCK})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day as it is written; `half` is a or p, `is_exact` where it can only be of 24 hours."""

    hour: int
    minute: int
    second: int
    half: str
    is_exact: bool

    @property
    def is_ambiguous(self) -> bool:
        """Tells whether it could be of the morning or of the evening."""
        return not self.half and not self.is_exact and 1 <= self.hour <= NOON

    def at(self, half: str = "") -> dt.timedelta:
        """Returns it as a time since midnight, of a half of the day where it does not say of which."""
        half = half or self.half
        hour = self.hour % 12 + (12 if half == "p" else 0) if half and 1 <= self.hour <= NOON else self.hour
        return dt.timedelta(hours=hour % 24, minutes=self.minute, seconds=self.second)


def clock_in(text: str) -> Clock | None:
    """Returns the time of day that a text is, None where it is none."""
    text = text.strip().lower()
    if text in ("noon", "midday"):
        return Clock(12, 0, 0, "", is_exact=True)
    if text == "midnight":
        return Clock(0, 0, 0, "", is_exact=True)
    found = _PARTS.fullmatch(text)
    if found is None or int(found[2] or 0) > 59 or int(found[3] or 0) > 59:
        return None
    is_exact = found[3] is not None or (len(found[1]) == 2 and found[1].startswith("0"))
    return Clock(int(found[1]), int(found[2] or 0), int(found[3] or 0), found[4] or "", is_exact)


def read_span(
    start: Clock, end: Clock | None, *, is_24: bool = False, half: str = ""
) -> tuple[dt.timedelta, dt.timedelta | None, bool] | None:
    """Returns start, end and whether a half of the day was assumed; None where there is no such time.

    Args:
        start, end: as written.
        is_24: all times are of 24 hours.
        half: the half of the day that a person says times without one are of: a, p or nothing.
    """
    if (start.hour > NOON and start.half) or start.hour > 24 or (end is not None and end.hour > 24):
        return None
    is_assumed = start.is_ambiguous and not is_24
    begin = start.at() if not is_assumed else _begin(start, end, half)
    if end is None:
        return begin, None, is_assumed
    close = end.at() if not end.is_ambiguous or is_24 else _close(begin, end)
    return begin, close, is_assumed or (end.is_ambiguous and not is_24)


def _begin(start: Clock, end: Clock | None, half: str) -> dt.timedelta:
    early, late = start.at("a"), start.at("p")
    if end is not None and end.half:
        before = [one for one in (late, early) if one < end.at()]
        return before[0] if before else late
    if half:
        return start.at(half)
    return late if start.hour == NOON or start.hour <= LAST_AFTERNOON else early


def _close(begin: dt.timedelta, end: Clock) -> dt.timedelta:
    later = [one for one in sorted((end.at("a"), end.at("p"))) if one > begin]
    return later[0] if later else end.at("a")


def span_in(text: str) -> tuple[str, str, bool] | None:
    """Returns the start and end that a typed range means, and whether a half of the day was assumed; None if none."""
    found = _TYPED.fullmatch(text)
    start, end = (clock_in(found[1]), clock_in(found[2])) if found is not None else (None, None)
    if start is None or end is None:
        return None
    is_24 = any(not one.half and (one.hour > NOON or one.hour == 0) for one in (start, end))
    read = read_span(start, end, is_24=is_24)
    if read is None or read[1] is None:
        return None
    return clock_text(read[0]), clock_text(read[1]), read[2]


def clock_text(time: dt.timedelta) -> str:
    """Returns a time since midnight as HH:MM, with seconds where they are not zero."""
    seconds = int(time.total_seconds()) % 86_400
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text

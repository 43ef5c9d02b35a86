"""Call lists in running text: a line that is a day, under it lines that begin with a time and say who is called.

Knows lines. Must not know which field a column is; the schedule module says that (`[import.call_list]`).
"""

from __future__ import annotations

import re

from openprod.exchange.csv import decode_text
from openprod.exchange.moments import Assume, Times, day_in
from openprod.exchange.sheet import Choice, Sheet, Unreadable, make_sheet, places

HEADER = ("Date", "Time", "Called")
LEAST_DAYS = 2
_TIME = re.compile(
    r"\s*([0-9]{1,2}(?:[:.][0-9]{2})?\s*(?:[ap]\.?m?\.?)?(?:\s*(?:-|–|—|to)\s*(?:[0-9]{1,2}(?:[:.][0-9]{2})?\s*"
    r"(?:[ap]\.?m?\.?)?|tba|tbd|\?))?)\s+[-–:]?\s*(\S.*)",
    re.IGNORECASE,
)


def is_call_list(head: str) -> bool:
    """Tells whether a text is days in lines of their own, with lines under them that begin with a time."""
    lines = [line.strip() for line in head.splitlines() if line.strip()]
    if not lines or not _is_day(lines[0]):
        return False
    days = sum(map(_is_day, lines))
    timed = sum(_timed(line) is not None for line in lines)
    return days >= LEAST_DAYS and timed >= days // 2 and days + timed >= len(lines) * 0.6


def _is_day(line: str) -> bool:
    day = day_in(line)
    return day is not None and not day.rest and day.month != 0 and _timed(line) is None


def _timed(line: str) -> tuple[str, str] | None:
    found = _TIME.fullmatch(line)
    if found is None or Times([], Assume()).read(found[1], 0) is None:
        return None
    return found[1].strip(), found[2].strip()


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the calls of a list, one row each; raises Unreadable."""
    del choice
    text, _, assumed = decode_text(raw)
    rows: list[tuple[int, list[str]]] = []
    bad: list[tuple[int, str]] = []
    untimed: list[int] = []
    day = ""
    for number, whole in enumerate(text.splitlines(), 1):
        line = whole.strip()
        if not line:
            continue
        if _is_day(line):
            day = line.rstrip(":, ")
        elif not day:
            bad.append((number, "it stands above the first day"))
        else:
            timed = _timed(line)
            if timed is None:
                untimed.append(number)
            rows.append((number, [day, *(timed or ("", line))]))
    if not rows:
        raise Unreadable("The text holds no calls: no day with lines under it.")
    if untimed:
        assumed.append(f"Calls without a time are for the day ({places(untimed, 'line')}).")
    return make_sheet(HEADER, rows, bad=bad, assumed=assumed)

"""Lengths of time as people write them: 5 in the field's unit, 11sec, 2m 30s, 1:30."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
from collections.abc import Mapping

from openprod.catalog.tables import Field
from openprod.catalog.typed import NUMBER, NUMBER_CHARACTERS_MAX, NUMBER_COMMA, Parsed, refuse, shown, text_of
from openprod.model.values import INT_MAX, Duration

_UNITS_US: Mapping[str, int] = {
    "us": 1,
    "ms": 1_000,
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", '"', "″"), 1_000_000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "'", "′"), 60_000_000),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600_000_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000_000),
}
DURATION_UNITS = ("us", "ms", "s", "min", "h", "d")
_DURATION = re.compile(r"(?:\s*(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(?:[a-zA-Z]+\.?|[\"'″′]))+\s*([0-9]{1,2})?")
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-zA-Z]+|[\"'″′])")
_FEET = re.compile(r"['′].*[\"″]")
_CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]+):([0-9]{1,2}(?:\.[0-9]*)?)")


def read_duration(field: Field, raw: object) -> Parsed:
    """Returns the length of time that something means, in whole microseconds; raises FieldRefused."""
    unit = field.unit or "s"
    if type(raw) is Duration:
        us, assumed = decimal.Decimal(raw.us), None
    elif isinstance(raw, dt.timedelta):
        us, assumed = decimal.Decimal(raw // dt.timedelta(microseconds=1)), None
    elif type(raw) is int or (type(raw) is float and math.isfinite(raw)):
        us, assumed = decimal.Decimal(repr(raw)) * _UNITS_US[unit], None
    else:
        text = text_of(field, raw, f"no length of time; write it like 5{unit} or 2m 30s")
        us, assumed = _duration_of(field, raw, text, unit)
    whole = us.to_integral_value(decimal.ROUND_HALF_EVEN)
    if whole < 0:
        refuse(field, raw, f"{shown(raw)} is less than nothing; a length of time is not.")
    if whole > INT_MAX:
        refuse(field, raw, f"{shown(raw)} is too long.")
    if whole != us:
        assumed = f"{shown(raw)} rounded to a millionth of a second"
    return Duration(int(whole)), assumed


def _duration_of(field: Field, raw: object, text: str, unit: str) -> tuple[decimal.Decimal, str | None]:
    hint = f"write it like 5{unit}, 2m 30s or 1:30"
    if len(text) > NUMBER_CHARACTERS_MAX:
        refuse(field, raw, f"{shown(raw)} is no length of time; {hint}.")
    if NUMBER.fullmatch(text) is not None:
        return decimal.Decimal(text) * _UNITS_US[unit], None
    if NUMBER_COMMA.fullmatch(text) is not None:
        number = text.replace(",", ".")
        return decimal.Decimal(number) * _UNITS_US[unit], f"{shown(raw)} read as {number}{unit}"
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        return _clock_of(field, raw, clock, unit)
    if _FEET.search(text) is not None:
        refuse(field, raw, f"{shown(raw)} reads as feet and inches; for a length of time write 1m 2s or 1:02.")
    if _DURATION.fullmatch(text) is None:
        refuse(field, raw, f"{shown(raw)} is no length of time; {hint}.")
    total, last = decimal.Decimal(0), 0
    end = 0
    for part in _DURATION_PART.finditer(text):
        size = _UNITS_US.get(part[2].lower())
        if size is None:
            refuse(field, raw, f"'{part[2]}' is no unit of time; {hint}.")
        total += decimal.Decimal(part[1]) * size
        last, end = size, part.end()
    rest = text[end:].strip(" .")
    if rest and last == _UNITS_US["h"]:
        return total + int(rest) * _UNITS_US["min"], f"{shown(raw)} read with {int(rest)} minutes"
    if rest and last == _UNITS_US["min"]:
        return total + int(rest) * _UNITS_US["s"], f"{shown(raw)} read with {int(rest)} seconds"
    if rest:
        refuse(field, raw, f"{shown(raw)} is no length of time; {hint}.")
    return total, None


def _clock_of(field: Field, raw: object, clock: re.Match[str], unit: str) -> tuple[decimal.Decimal, str | None]:
    """Reads h:mm:ss, and a:bb as hours and minutes where the unit is hours or days, else as minutes and seconds."""
    middle, last = decimal.Decimal(clock[2]), decimal.Decimal(clock[3])
    if last >= 60 or (clock[1] and middle >= 60):
        refuse(field, raw, f"{shown(raw)} has more than 59 minutes or seconds; write it like 1:30 or 1:02:30.")
    if clock[1]:
        seconds, assumed = int(clock[1]) * 3600 + middle * 60 + last, None
    elif unit in ("h", "d"):
        seconds, assumed = middle * 3600 + last * 60, f"{shown(raw)} read as {middle} h {last} min"
    else:
        seconds, assumed = middle * 60 + last, f"{shown(raw)} read as {middle} min {last} s"
    return seconds * 1_000_000, assumed

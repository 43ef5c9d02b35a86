"""Dates, times of day and moments as people write them: 12 Jan 2026, 7:30p, 2026-01-12 18:00[Europe/London]."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo

from openprod.catalog.tables import Field
from openprod.catalog.typed import FieldRefused, Parsed, refuse, shown, text_of
from openprod.model.values import Date, DateTime, Time, plain

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DATE_YEAR_FIRST = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_DATE_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_DATE_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_WORDS = re.compile(r"[0-9]+|[^\W\d_]+")
_TIME = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2})(?::([0-9]{2}))?)?\s*([ap])?\.?(?:m\.?)?", re.IGNORECASE)
_TIME_DIGITS = re.compile(r"([0-9]{2})([0-9]{2})\s*(?:([ap])m?)?", re.IGNORECASE)
_MOMENT = re.compile(r"(.+?)(?:\[([^\]]*)\]|(Z|[+-][0-9]{2}:?[0-9]{2}))?", re.IGNORECASE)
_DATE_AND_TIME = re.compile(
    r"(.+?[0-9])(?:T|,?\s+)([0-9]{1,2}[:.h][0-9:]+(?:\s*[ap]\.?m?\.?)?|[0-9]{1,2}\s*[ap]m?|noon|midnight)",
    re.IGNORECASE,
)


def read_date(field: Field, raw: object) -> Parsed:
    """Returns the date that something means; raises FieldRefused."""
    if type(raw) is Date:
        raw = raw.iso
    if type(raw) is dt.date:
        return Date(raw.isoformat()), None
    text = text_of(field, raw, "no date; write it like 2026-01-12")
    year, month, day, assumed = _date_parts(field, raw, text)
    try:
        return Date(dt.date(year, month, day).isoformat()), assumed
    except ValueError:
        refuse(field, raw, f"{shown(raw)} is a day that does not exist; write a date like 2026-01-12.")


def _date_parts(field: Field, raw: object, text: str) -> tuple[int, int, int, str | None]:
    found = _DATE_YEAR_FIRST.fullmatch(text) or _DATE_COMPACT.fullmatch(text)
    if found is not None:
        return int(found[1]), int(found[2]), int(found[3]), None
    found = _DATE_YEAR_LAST.fullmatch(text)
    if found is not None:
        return _date_year_last(field, raw, found)
    return _date_in_words(field, raw, text)


def _date_year_last(field: Field, raw: object, found: re.Match[str]) -> tuple[int, int, int, str | None]:
    first, second = int(found[1]), int(found[3])
    year, assumed = _full_year(found[4])
    if found[2] == "." or first > 12 or first == second:
        return year, second, first, assumed
    if second > 12:
        return year, first, second, assumed
    one, other = f"{year}-{second:02}-{first:02}", f"{year}-{first:02}-{second:02}"
    raise FieldRefused(field, raw, f"{shown(raw)} could be two days; write {one} or {other}.")


def _full_year(text: str) -> tuple[int, str | None]:
    year = int(text)
    return (year, None) if len(text) == 4 else (2000 + year, f"year '{text}' read as {2000 + year}")


def _date_in_words(field: Field, raw: object, text: str) -> tuple[int, int, int, str | None]:
    """Reads "Mon 12 Jan 2026", "January 12, 2026", "12-Jan-26" and the like: one month, one day, one year."""
    numbers: list[str] = []
    month = weekday = None
    for word in _WORDS.findall(text.lower()):
        short = word[:3]
        if word.isdecimal():
            numbers.append(word)
        elif word in _MONTHS or word in _MONTH_NAMES or word == "sept":
            month = _MONTHS.index(short) + 1 if month is None else 0
        elif word in (*_DAYS, *_DAY_NAMES, "tues", "wednes", "thur", "thurs"):
            weekday = _DAYS.index(short)
        elif word not in ("st", "nd", "rd", "th", "of"):
            refuse(field, raw, f"{shown(raw)} is no date; write it like 2026-01-12.")
    if not month or not numbers:
        refuse(field, raw, f"{shown(raw)} is no date; write it like 2026-01-12.")
    if len(numbers) == 1:
        refuse(field, raw, f"{shown(raw)} lacks the year; write it like 2026-01-12.")
    if len(numbers) > 2 or len(numbers[0]) > 2:
        refuse(field, raw, f"{shown(raw)} is no date; write it like 2026-01-12.")
    year, assumed = _full_year(numbers[1])
    day = int(numbers[0])
    if weekday is not None and 1 <= day <= 28 and 1 <= year <= dt.MAXYEAR:
        actual = dt.date(year, month, day).weekday()
        if actual != weekday:
            refuse(field, raw, f"{shown(raw)} is a {_DAY_NAMES[actual].title()}; write the date like 2026-01-12.")
    return year, month, day, assumed


def read_time(field: Field, raw: object) -> Parsed:
    """Returns the time of day that something means; raises FieldRefused."""
    if type(raw) is Time:
        raw = raw.text
    if type(raw) is dt.time:
        return Time(_time_text(raw.hour, raw.minute, raw.second)), None
    text = text_of(field, raw, "no time of day; write it like 18:30")
    return _time_of(field, raw, text)


def _time_of(field: Field, raw: object, text: str) -> tuple[Time, str | None]:
    word = text.lower()
    if word in ("noon", "midday"):
        return Time("12:00"), None
    if word == "midnight":
        return Time("00:00"), None
    found = _TIME.fullmatch(text)
    digits = _TIME_DIGITS.fullmatch(text) if found is None else None
    if found is not None:
        hour, minute, second, half = int(found[1]), int(found[2] or 0), int(found[3] or 0), (found[4] or "").lower()
        if not half and (found[2] is None or "m" in word):
            refuse(field, raw, f"{shown(raw)} could be morning or evening; write 7:00 or 19:00, 7am or 7pm.")
    elif digits is not None:
        hour, minute, second, half = int(digits[1]), int(digits[2]), 0, (digits[3] or "").lower()
    else:
        refuse(field, raw, f"{shown(raw)} is no time of day; write it like 18:30.")
    assumed = None
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif half and hour > 12:
        refuse(field, raw, f"{shown(raw)} says both 24 hours and am or pm; write it like 18:30.")
    if (hour, minute, second) == (24, 0, 0):
        hour, assumed = 0, f"{shown(raw)} read as 00:00"
    if hour > 23 or minute > 59 or second > 59:
        refuse(field, raw, f"{shown(raw)} is no time of day; write it like 18:30.")
    clock = _time_text(hour, minute, second)
    return Time(clock), assumed or (f"{shown(raw)} read as {clock}" if digits is not None else None)


def _time_text(hour: int, minute: int, second: int) -> str:
    return f"{hour:02}:{minute:02}:{second:02}" if second else f"{hour:02}:{minute:02}"


def read_datetime(field: Field, raw: object) -> Parsed:
    """Returns the moment that something means; raises FieldRefused."""
    if type(raw) is DateTime:
        raw = str(plain(raw))
    if isinstance(raw, dt.datetime):
        raw = _moment_text(raw)
    text = text_of(field, raw, "no moment; write it like 2026-01-12 18:30")
    found = _MOMENT.fullmatch(text)
    local, zone, offset = (found[1].strip(), found[2] or "", found[3] or "") if found else (text, "", "")
    if offset and _DATE_YEAR_LAST.fullmatch(text) is None and ":" not in local:
        local, offset = text, ""
    date_text, time_text = _split_moment(local)
    date, assumed_date = read_date(field, date_text)
    if not isinstance(date, Date):
        refuse(field, raw, f"{shown(raw)} is no moment; write it like 2026-01-12 18:30.")
    if time_text:
        time, assumed_time = _time_of(field, raw, time_text)
    else:
        time, assumed_time = Time("00:00"), f"{shown(raw)} read as the beginning of the day"
    if zone and not _is_zone(zone):
        refuse(field, raw, f"'{zone}' is no time zone; write one like Europe/London.")
    moment = DateTime(f"{date.iso}T{time.text}", zone)
    assumed = [note for note in (assumed_date, assumed_time) if note]
    if offset:
        moment = _in_utc(field, raw, moment, offset)
        assumed += [] if offset.upper() == "Z" else [f"{shown(raw)} kept as {plain(moment)}"]
    return moment, "; ".join(assumed) or None


def _moment_text(moment: dt.datetime) -> str:
    if isinstance(moment.tzinfo, zoneinfo.ZoneInfo) and moment.tzinfo.key:
        return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}[{moment.tzinfo.key}]"
    return moment.isoformat(timespec="seconds")


def _split_moment(text: str) -> tuple[str, str]:
    """Returns the date's and the time's text; no time is an empty text."""
    found = _DATE_AND_TIME.fullmatch(text)
    return (found[1], found[2]) if found is not None else (text, "")


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def _in_utc(field: Field, raw: object, moment: DateTime, offset: str) -> DateTime:
    try:
        aware = dt.datetime.fromisoformat(moment.local + offset.upper().replace("Z", "+00:00"))
        utc = aware.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        refuse(field, raw, f"{shown(raw)} is no moment; write it like 2026-01-12 18:30.")
    return DateTime(f"{utc.date().isoformat()}T{_time_text(utc.hour, utc.minute, utc.second)}", "UTC")

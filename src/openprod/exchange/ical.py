"""iCalendar (.ics): the events of a calendar, one row for each day they stand on, by icalendar.

Knows how that library gives events, and how far a repeating one is followed. Must not know which field a column is; the
schedule module says that (`[import.ical]`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, cast
from zoneinfo import ZoneInfo

from openprod.exchange.csv import decode_text
from openprod.exchange.sheet import Choice, Sheet, Unreadable, make_sheet, places
from openprod.exchange.uids import known_again

HEADER = ("UID", "Date", "Start", "End", "Title", "Status", "Location", "Description", "Categories")
STATUSES = {"CONFIRMED": "confirmed", "TENTATIVE": "tentative", "CANCELLED": "cancelled"}
UNTITLED = "Without a title"
REPEATS_MAX = 2_000
REPEAT_DAYS_MAX = 366
DAYS_MAX = 60
TOO_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")
_EVENT = re.compile(r"^BEGIN:VEVENT[ \t]*$.*?^END:VEVENT[ \t]*$", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_ZONES = re.compile(rb"(?:TZID[=:]|X-WR-TIMEZONE:)([^:;\r\n]{1,80})", re.IGNORECASE)
ZONES_MAX = 400
_ZONE = re.compile(r"^X-WR-TIMEZONE:(.+?)\s*$", re.MULTILINE | re.IGNORECASE)

Moment = dt.date | dt.datetime


class _Component(Protocol):
    name: str

    def get(self, name: str) -> object: ...

    def walk(self, name: str) -> Iterable[_Component]: ...


class _Calendar(Protocol):
    def from_ical(self, text: str, multiple: bool) -> list[_Component]: ...  # noqa: FBT001 (the library's own)


class _Rules(Protocol):
    def xafter(self, after: dt.datetime, count: int, inc: bool) -> Iterable[dt.datetime]: ...  # noqa: FBT001


class _RuleOf(Protocol):
    def __call__(self, text: str, *, dtstart: dt.datetime) -> _Rules: ...


def is_ical(head: str) -> bool:
    """Tells whether a text begins with a calendar, or with an event that was cut out of one."""
    return head.lstrip().upper().startswith(("BEGIN:VCALENDAR", "BEGIN:VEVENT"))


@dataclass(slots=True)
class _Found:
    """What was read so far, and what must be said about it."""

    rows: list[tuple[int, list[str]]] = field(default_factory=list[tuple[int, list[str]]])
    bad: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    in_utc: list[int] = field(default_factory=list[int])
    zones: set[str] = field(default_factory=set[str])
    endless: list[int] = field(default_factory=list[int])
    days: list[int] = field(default_factory=list[int])
    untitled: list[int] = field(default_factory=list[int])


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the events of a calendar; raises Unreadable."""
    del choice
    text, _, assumed = decode_text(raw)
    if not is_ical(text):
        raise Unreadable("The file is no calendar: it does not begin with BEGIN:VCALENDAR.")
    if not text.lstrip().upper().startswith("BEGIN:VCALENDAR"):
        text = f"BEGIN:VCALENDAR\r\n{text.strip()}\r\nEND:VCALENDAR\r\n"
    zone = _zone_of(text)
    events = list(_events(text))
    if not events:
        raise Unreadable("The calendar holds no events.")
    found = _Found()
    moved = {(_text(one, "UID"), _day(_moment(one, "RECURRENCE-ID"))) for _, one in events if one is not None}
    for place, event in events:
        if event is None:
            found.bad.append((place, "the event is broken and cannot be read"))
            continue
        try:
            _add(found, place, event, zone, moved)
        except _Faulty as error:
            found.bad.append((place, str(error)))
        except (ValueError, TypeError, AttributeError, OverflowError, KeyError, IndexError, ArithmeticError):
            found.bad.append((place, "the event is broken and cannot be read"))
    assumed += _notes(found)
    header, rows = known_again(HEADER, found.rows, HEADER.index("UID"))
    return make_sheet(header, rows, bad=found.bad, assumed=assumed, unit="entry")


class _Faulty(Exception):
    """One event that cannot become a row."""


def _events(text: str) -> Iterator[tuple[int, _Component | None]]:
    """Yields the events; where the calendar as a whole is broken, those that can be read by themselves."""
    from icalendar import Calendar  # noqa: PLC0415 (only the reading process needs it)

    calendar = cast("_Calendar", cast("object", Calendar))
    try:
        whole = calendar.from_ical(text, multiple=True)
        found = [event for one in whole for event in one.walk("VEVENT")]
    except Exception:  # noqa: BLE001 (the library raises whatever a broken line leads it to)
        found = None
    if found is not None and len(found) >= len(_EVENT.findall(text)):
        yield from enumerate(found, 1)
        return
    for place, one in enumerate(_EVENT.finditer(text), 1):
        try:
            alone = calendar.from_ical(f"BEGIN:VCALENDAR\r\n{one[0]}\r\nEND:VCALENDAR\r\n", multiple=True)
            yield place, next(iter(alone[0].walk("VEVENT")), None)
        except Exception:  # noqa: BLE001 (as above)
            yield place, None


# Uses all that the libraries load only when they first meet it.
_SAMPLE = b"""BEGIN:VCALENDAR
BEGIN:VTIMEZONE
TZID:Nowhere
BEGIN:STANDARD
DTSTART:20200101T000000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20221030T000000Z
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:N
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:a
DTSTART;TZID=Nowhere:20210101T100000
DURATION:PT1H
RRULE:FREQ=DAILY;UNTIL=20210104T100000Z
EXDATE;TZID=Nowhere:20210102T100000
END:VEVENT
END:VCALENDAR
"""


def know_zones(raw: bytes) -> None:
    """Looks the time zones up that a file names, so that they are known when files cannot be opened any more."""
    read(_SAMPLE, Choice())
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON  # noqa: PLC0415 (the reading process only)

    found = {one.decode("utf-8", errors="ignore").strip().strip('"') for one in _ZONES.findall(raw)}
    for name in ("UTC", *sorted(found)[:ZONES_MAX]):
        for one in (name, name.lstrip("/"), WINDOWS_TO_OLSON.get(name, "")):
            with contextlib.suppress(ValueError, OSError, KeyError):
                ZoneInfo(one)


def _zone_of(text: str) -> ZoneInfo | None:
    found = _ZONE.search(text)
    if found is None:
        return None
    try:
        return ZoneInfo(found[1])
    except (ValueError, OSError, KeyError):
        return None


def _add(found: _Found, place: int, event: _Component, zone: ZoneInfo | None, moved: set[tuple[str, str]]) -> None:
    start = _moment(event, "DTSTART")
    if start is None:
        raise _Faulty("the event has no beginning (DTSTART)")
    end = _moment(event, "DTEND")
    length = _between(start, end) or _length(event)
    if length < dt.timedelta(0):
        raise _Faulty("the event ends before it begins")
    title, uid = _text(event, "SUMMARY"), _text(event, "UID")
    if not title:
        title = UNTITLED
        found.untitled.append(place)
    rest = [
        STATUSES.get(_text(event, "STATUS").upper(), ""),
        _text(event, "LOCATION"),
        _text(event, "DESCRIPTION"),
        _listed(event.get("CATEGORIES")),
    ]
    is_moved = event.get("RECURRENCE-ID") is not None
    for one in [start] if is_moved else _occurrences(found, place, event, start):
        if not is_moved and (uid, _day(one)) in moved and uid:
            continue
        for day, begin, close in _parts(found, place, one, length, zone):
            found.rows.append((place, [uid, day, begin, close, title, *rest]))


def _parts(
    found: _Found, place: int, start: Moment, length: dt.timedelta, zone: ZoneInfo | None
) -> Iterator[tuple[str, str, str]]:
    """Yields (day, start, end): one for an event with times, one for each day of one without."""
    if not isinstance(start, dt.datetime):
        count = max(1, length.days)
        if count > DAYS_MAX:
            found.days.append(place)
        for ahead in range(min(count, DAYS_MAX)):
            yield (start + dt.timedelta(days=ahead)).isoformat(), "", ""
        return
    if start.tzinfo is not None:
        name = str(start.tzinfo)
        is_utc = start.utcoffset() == dt.timedelta(0) and name.upper() in ("UTC", "Z", "ETC/UTC", "GMT")
        if is_utc and zone is not None:
            start = start.astimezone(zone)
            found.zones.add(str(zone))
        elif is_utc:
            found.in_utc.append(place)
        else:
            quoted = re.search(r"'(.+)'", name)
            found.zones.add(quoted[1] if quoted else name)
    close = start + length
    if length > dt.timedelta(days=1):
        found.days.append(place)
    yield start.date().isoformat(), _time(start), _time(close) if length else ""


def _occurrences(found: _Found, place: int, event: _Component, start: Moment) -> Iterator[Moment]:
    """Yields when an event happens, as far as it is followed."""
    excluded = {_day_time(one) for one in _moments(event, "EXDATE")}
    given: dict[str, Moment] = {}
    rules = event.get("RRULE")
    if rules is None:
        given[_day_time(start)] = start
    for rule in cast("list[object]", rules) if isinstance(rules, list) else [rules] if rules is not None else []:
        for one in _repeated(found, place, rule, start):
            given[_day_time(one)] = one
    for one in _moments(event, "RDATE"):
        given[_day_time(one)] = one
    for key in sorted(given):
        if key not in excluded and key[:10] not in excluded:
            yield given[key]


def _repeated(found: _Found, place: int, rule: object, start: Moment) -> Iterator[Moment]:
    from dateutil.rrule import rrulestr  # noqa: PLC0415 (only the reading process needs it)

    raw = cast("_ToIcal", rule).to_ical()
    text = raw.decode()
    if any(f"FREQ={word}" in text.upper() for word in TOO_OFTEN):
        raise _Faulty("the event repeats every hour or more often, which no rehearsal does")
    zone = start.tzinfo if isinstance(start, dt.datetime) else None
    begin = start.replace(tzinfo=None) if isinstance(start, dt.datetime) else dt.datetime.combine(start, dt.time())
    if re.search(r"\bCOUNT=", text, re.IGNORECASE):
        text = re.sub(r";?\bUNTIL=[^;]*", "", text, flags=re.IGNORECASE)
    text = re.sub(r"UNTIL=([0-9]{8})(T[0-9]{6})?(Z?)", lambda one: _until(one, zone), text, flags=re.IGNORECASE)
    rules = cast("_RuleOf", cast("object", rrulestr))(text, dtstart=begin)
    last = begin + dt.timedelta(days=REPEAT_DAYS_MAX)
    for count, one in enumerate(rules.xafter(begin, count=REPEATS_MAX + 1, inc=True)):
        if one > last or count >= REPEATS_MAX:
            found.endless.append(place)
            return
        yield one.replace(tzinfo=zone) if isinstance(start, dt.datetime) else one.date()


class _ToIcal(Protocol):
    def to_ical(self) -> bytes: ...


def _until(found: re.Match[str], zone: dt.tzinfo | None) -> str:
    """Returns the end of a rule in the event's own time, as its beginning is given."""
    if found[2] is None:
        return f"UNTIL={found[1]}T235959"
    moment = dt.datetime.strptime(found[1] + found[2], "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC)
    if found[3] and zone is not None:
        moment = moment.astimezone(zone)
    return f"UNTIL={moment:%Y%m%dT%H%M%S}"


def _moment(event: _Component, name: str) -> Moment | None:
    value = event.get(name)
    if isinstance(value, list):
        value = cast("list[object]", value)[0]
    if value is None:
        return None
    moment = getattr(value, "dt", None)
    if not isinstance(moment, dt.date):
        raise _Faulty(f"its {name} is no date")
    return moment


def _moments(event: _Component, name: str) -> Iterator[Moment]:
    value = event.get(name)
    for one in cast("list[object]", value) if isinstance(value, list) else [value] if value is not None else []:
        for inner in cast("list[object]", getattr(one, "dts", [])):
            moment = getattr(inner, "dt", None)
            if isinstance(moment, tuple):
                moment = cast("tuple[object, ...]", moment)[0]
            if isinstance(moment, dt.date):
                yield moment


def _between(start: Moment, end: Moment | None) -> dt.timedelta | None:
    """Returns how long it lasts, None where the end is not given in the same way as the beginning."""
    if isinstance(start, dt.datetime):
        is_same = isinstance(end, dt.datetime) and (start.tzinfo is None) == (end.tzinfo is None)
        return end - start if is_same and isinstance(end, dt.datetime) else None
    return end - start if end is not None and not isinstance(end, dt.datetime) else None


def _length(event: _Component) -> dt.timedelta:
    length = getattr(event.get("DURATION"), "dt", None)
    return length if isinstance(length, dt.timedelta) else dt.timedelta(0)


def _day(moment: Moment | None) -> str:
    return "" if moment is None else moment.isoformat()[:10]


def _day_time(moment: Moment) -> str:
    return moment.replace(tzinfo=None).isoformat() if isinstance(moment, dt.datetime) else moment.isoformat()


def _time(moment: dt.datetime) -> str:
    return f"{moment:%H:%M:%S}".removesuffix(":00")


def _text(event: _Component, name: str) -> str:
    value = event.get(name)
    if isinstance(value, list):
        value = cast("list[object]", value)[0]
    return "" if value is None else str(value).strip()


def _listed(value: object) -> str:
    parts = cast("list[object]", value) if isinstance(value, list) else [value]
    words = [str(word) for one in parts for word in cast("Iterable[object]", getattr(one, "cats", []))]
    return "; ".join(words)


def _notes(found: _Found) -> Iterator[str]:
    zones = sorted(found.zones)
    if found.untitled:
        yield f"Events without a title are called '{UNTITLED}' ({places(found.untitled, 'entry')})."
    if zones:
        yield (
            f"Times are taken as the clock shows them in {', '.join(zones[:5])}"
            f"{' and other zones' if len(zones) > 5 else ''}; the production's own clock should be the same."
        )
    if found.in_utc:
        yield (
            "Times in UTC are kept as they stand, because the calendar does not say where it is "
            f"({places(found.in_utc, 'entry')})."
        )
    if found.endless:
        yield f"Repeating events are followed for {REPEAT_DAYS_MAX} days ({places(found.endless, 'entry')})."
    if found.days:
        yield f"Events over many days are shortened or end on a later day than shown ({places(found.days, 'entry')})."

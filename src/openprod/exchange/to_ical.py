"""Calendars out (.ics): events with a beginning, or whole days, under ids that stay, by icalendar.

Knows how a day and two times become an event. Which field is the day is said by `[import.ical]`, read backwards.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, cast
from zoneinfo import ZoneInfo

from openprod.exchange.ical import HEADER, STATUSES
from openprod.exchange.listing import Listing
from openprod.exchange.uids import own_uid
from openprod.exchange.words import in_words, need

if TYPE_CHECKING:
    from openprod.workspace.view import View

# What columns of queries are called that mean the same.
ALSO = {
    "Date": ("day",),
    "Start": ("call", "first_call", "time", "from"),
    "End": ("release", "until", "to"),
    "Title": ("event", "what", "name"),
    "Location": ("room", "where", "place"),
    "Description": ("note", "notes", "why"),
    "Categories": ("kind",),
}
_WORDS = {ours: theirs for theirs, ours in STATUSES.items()}


class _Event(Protocol):
    def add(self, name: str, value: object) -> None: ...


class _Calendar(_Event, Protocol):
    def add_component(self, component: object) -> None: ...

    def add_missing_timezones(self) -> None: ...

    def to_ical(self) -> bytes: ...


def write(view: View, listing: Listing, now: dt.datetime) -> bytes:
    """Returns a calendar with an event for each row that has a day.

    An event without a time is a whole day; one that ends before it begins ends on the next day. Times are the venue's,
    in the show's zone; where it has none, without one: 19:00 stays 19:00 wherever it is looked at.

    Args:
        view: whose modules say what the columns mean.
        listing: the rows.
        now: the moment of writing, in UTC.

    Raises:
        NotInThisForm: no row has a day, or none a title.
    """
    from icalendar import Calendar  # noqa: PLC0415 (a cold start counts milliseconds)

    rows = in_words(view, listing, "ical", HEADER, ALSO)
    need(rows, listing, ("Date", "Title"), "a calendar")
    calendar = cast("_Calendar", Calendar())
    calendar.add("prodid", "-//Openprod//Openprod//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"{view.name}: {listing.title}")
    zone = _zone(view)
    known: set[str] = set()
    for row_id, row in zip(listing.ids, rows, strict=True):
        day = _day(row["Date"])
        if day is not None:
            calendar.add_component(_event(row_id, row, day, now, known, zone))
    if zone is not None:
        calendar.add_missing_timezones()
    return calendar.to_ical()


def _zone(view: View) -> ZoneInfo | None:
    name = next(one["value"] for one in view.settings() if one["name"] == "zone")
    return ZoneInfo(name) if name else None


def _event(
    row_id: str, row: Mapping[str, str], day: dt.date, now: dt.datetime, known: set[str], zone: ZoneInfo | None
) -> object:
    from icalendar import Event  # noqa: PLC0415 (as above)

    event = cast("_Event", Event())
    uid = row["UID"] or own_uid(row_id)
    start, end = _time(row["Start"]), _time(row["End"])
    begins = dt.datetime.combine(day, start, zone) if start is not None else day
    event.add("uid", uid)
    event.add("dtstamp", now)
    event.add("dtstart", begins)
    if uid in known:
        # Several days of one event of the calendar it came from: each but the first is an occurrence of its own.
        event.add("recurrence-id", begins)
    known.add(uid)
    if start is not None and end is not None:
        ends = dt.datetime.combine(day, end, zone)
        event.add("dtend", ends if end > start else ends + dt.timedelta(days=1))
    event.add("summary", row["Title"])
    status = _WORDS.get(row["Status"])
    if status:
        event.add("status", status)
    for name, word in (("location", "Location"), ("description", "Description")):
        if row[word]:
            event.add(name, row[word])
    if row["Categories"]:
        event.add("categories", [row["Categories"]])
    return event


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _time(text: str) -> dt.time | None:
    try:
        return dt.time.fromisoformat(text) if text else None
    except ValueError:
        return None

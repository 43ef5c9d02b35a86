"""Dates without a year, times without am or pm, ranges, and words beside them: `Sun. 1/18 CANCELED`, `7:30-10`.

A sheet is looked through once: days of the week tell the year, the numbers tell which of two is the month, one time
after 12 tells that all are of 24 hours. What then is still open is taken by a rule, said, and changed by `Assume`.
Pure; must not know records, nor which field is which.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from openprod.catalog.spans import BETWEEN, CLOCK, NOON, clock_in, clock_text, read_span
from openprod.exchange.sheet import places
from openprod.model.errors import Refused

Halves = Literal["", "am", "pm", "24"]
Order = Literal["", "dmy", "mdy"]

YEARS_BACK, YEARS_AHEAD = 12, 4
YEAR_MONTHS = 12
TURN_OF_YEAR_MONTHS = 6
EXAMPLES = 4
_HALVES = {"am": "a", "pm": "p"}
CELL_CHARACTERS_MAX = 2_000

_MONTHS: Mapping[str, int] = {
    **{name.lower(): at for at, name in enumerate(calendar.month_name) if name},
    **{name.lower(): at for at, name in enumerate(calendar.month_abbr) if name},
    "sept": 9, "januar": 1, "februar": 2, "märz": 3, "mai": 5, "juni": 6, "juli": 7, "oktober": 10, "okt": 10,
    "dezember": 12, "dez": 12,
}  # fmt: skip
_DAYS: Mapping[str, int] = {
    **{name.lower(): at for at, name in enumerate(calendar.day_name)},
    **{name.lower(): at for at, name in enumerate(calendar.day_abbr)},
    "tues": 1, "weds": 2, "thur": 3, "thurs": 3, "montag": 0, "dienstag": 1, "mittwoch": 2, "donnerstag": 3,
    "mo": 0, "di": 1, "mi": 2, "do": 3, "fr": 4, "sa": 5, "so": 6, "freitag": 4,
    "samstag": 5, "sonnabend": 5, "sonntag": 6,
}  # fmt: skip
_MONTH_WORDS = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY_WORDS = "|".join(sorted(_DAYS, key=len, reverse=True))
_DATE = re.compile(
    rf"(?:(?P<day>{_DAY_WORDS})\b[\s.,–—-]*)?(?:the\s+)?(?:"
    r"(?P<iso>[0-9]{4})-(?P<iso_month>[0-9]{1,2})-(?P<iso_day>[0-9]{1,2})"
    r"|(?P<first>[0-9]{1,2})(?P<sign>[/.\-])(?P<second>[0-9]{1,2})(?:(?P=sign)(?P<year>[0-9]{4}|[0-9]{2})(?![0-9])|\.?(?![0-9:]))"
    rf"|(?P<named>{_MONTH_WORDS})\b\.?\s*(?P<named_day>[0-9]{{1,2}})(?:st|nd|rd|th)?\b(?!:[0-9])(?:,?\s*(?P<named_year>[0-9]{{4}})\b)?"
    rf"|(?P<before>[0-9]{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?P<after>{_MONTH_WORDS})\b\.?(?:,?\s*(?P<after_year>[0-9]{{4}})\b)?"
    r"|(?P<bare>[0-9]{1,2})(?:st|nd|rd|th)?(?![0-9/.:\-])"
    r")",
    re.IGNORECASE,
)
# Where a point stands behind the month's number too, the day comes first.
_WITH_POINTS = re.compile(r"\D*[0-9]{1,2}\.\s?[0-9]{1,2}\.")
_HEADING = re.compile(rf"\s*(?P<month>{_MONTH_WORDS})\.?\s*(?P<year>[0-9]{{4}})?\s*:?\s*", re.IGNORECASE)
_RANGE = re.compile(
    rf"\s*(?P<start>{CLOCK})\s*{BETWEEN}\s*"
    rf"(?P<end>{CLOCK}|tba|tbd|tbc|\?+|late|end|close)(?![a-z0-9:])\s*(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_SINGLE = re.compile(rf"\s*(?P<start>{CLOCK})(?![0-9:])\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_FRACTION = re.compile(r"0?\.[0-9]{2,}")
_OPEN_END = re.compile(r"tba|tbd|tbc|\?+|late|end|close", re.IGNORECASE)


class BadAssume(Refused):
    """What was said to be assumed about dates and times means nothing."""

    code = "import.assume"


@dataclass(frozen=True, slots=True)
class Assume:
    """What a person says about dates and times where the file does not.

    Attributes:
        year: the year of the first date without one.
        times: am, pm or 24 for times without am or pm; empty takes 12 as noon, 1 to 7 as later, 8 to 11 as morning.
        dates: dmy or mdy where a date could be either.
    """

    year: int | None = None
    times: Halves = ""
    dates: Order = ""


def assume_of(said: Mapping[str, str]) -> Assume:
    """Returns what was said, by the names year, times, dates; raises BadAssume."""
    unknown = next((name for name in said if name not in ("year", "times", "dates")), None)
    if unknown is not None:
        raise BadAssume(
            f"Nothing called '{unknown}' can be assumed. There are year=2026, times=am|pm|24, dates=dmy|mdy."
        )
    year, times, dates = said.get("year", ""), said.get("times", "").lower(), said.get("dates", "").lower()
    if year and not (year.isascii() and year.isdecimal() and 1000 <= int(year) <= dt.MAXYEAR):
        raise BadAssume(f"'{year}' is no year. Write it like year=2026.")
    halves = {"": "", "am": "am", "pm": "pm", "24": "24", "24h": "24"}.get(times)
    if halves is None:
        raise BadAssume(f"'{times}' says nothing about times. Write times=am, times=pm or times=24.")
    if dates not in ("", "dmy", "mdy"):
        raise BadAssume(f"'{dates}' says nothing about dates. Write dates=dmy for day before month, or dates=mdy.")
    return Assume(int(year) if year else None, halves, dates)  # pyright: ignore[reportArgumentType] (looked at above)


@dataclass(frozen=True, slots=True)
class Day:
    """A date as it stands in a cell: what is said of it, and what stands beside it."""

    weekday: int | None
    year: int | None
    month: int | None
    day: int
    first: int | None = None
    rest: str = ""


def day_in(text: str) -> Day | None:
    """Returns the date that a text begins with, None where it begins otherwise."""
    text = text.strip()
    found = _DATE.match(text) if len(text) <= CELL_CHARACTERS_MAX else None
    if found is None:
        return None
    weekday = _DAYS[found["day"].lower()] if found["day"] else None
    rest = text[found.end() :].strip().lstrip(":,;–-").strip()
    if found["iso"]:
        return Day(weekday, int(found["iso"]), int(found["iso_month"]), int(found["iso_day"]), rest=rest)
    if found["first"]:
        year = found["year"]
        full = None if year is None else int(year) if len(year) == 4 else 2000 + int(year)
        if found["sign"] == ".":
            return Day(weekday, full, int(found["second"]), int(found["first"]), rest=rest)
        return Day(weekday, full, None, int(found["second"]), int(found["first"]), rest)
    if found["named"]:
        year = found["named_year"]
        return Day(
            weekday, int(year) if year else None, _MONTHS[found["named"].lower()], int(found["named_day"]), rest=rest
        )
    if found["after"]:
        year = found["after_year"]
        return Day(
            weekday, int(year) if year else None, _MONTHS[found["after"].lower()], int(found["before"]), rest=rest
        )
    return Day(weekday, None, 0, int(found["bare"]), rest=rest)


@dataclass(slots=True)
class _Seen:
    """A date without a year, or with two ways to read it, where it stands: the heading above it counts."""

    text: str
    day: Day
    heading: tuple[int, int | None]


@dataclass(slots=True)
class Remarks:
    """What was assumed, with the places and some examples."""

    lines: list[int] = field(default_factory=list[int])
    examples: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, line: int, text: str, read: str) -> None:
        """Notes a place."""
        self.lines.append(line)
        if len(self.examples) <= EXAMPLES:
            self.examples.setdefault(" ".join(text.split()), read)

    def told(self, sentence: str, unit: str) -> str:
        """Returns the sentence with examples and places."""
        shown = list(self.examples.items())[:EXAMPLES]
        examples = ", ".join(f"'{text}' is {read}" for text, read in shown)
        return f"{sentence}: {examples}{', …' if len(self.examples) > EXAMPLES else ''} ({places(self.lines, unit)})."


class Dates:
    """The dates of one column, after it was looked through.

    Args:
        cells: each row's cell, and whether nothing else stands in the row.
        assume: what a person said.
        today: the day on which this is done.
    """

    def __init__(self, cells: Iterable[tuple[str, bool]], assume: Assume, today: dt.date) -> None:
        self.years = Remarks()
        self.orders = Remarks()
        self._assume = assume
        self._today = today
        self._heading: tuple[int, int | None] = (0, None)
        self._known: dict[tuple[tuple[int, int | None], str], dt.date | str] = {}
        self._has_points = False
        seen = list(self._open(cells))
        self._has_weekdays = any(one.day.weekday is not None for one in seen)
        self._is_order_guessed = False
        self._order = self._order_of(seen)
        self._resolve(seen)
        self._heading = (0, None)

    def _open(self, cells: Iterable[tuple[str, bool]]) -> Iterator[_Seen]:
        heading: tuple[int, int | None] = (0, None)
        known: set[tuple[tuple[int, int | None], str]] = set()
        for text, is_alone in cells:
            if is_alone and (found := heading_in(text)) is not None:
                heading = found
                self._known[heading, text] = ""
                continue
            self._has_points = self._has_points or _WITH_POINTS.match(text) is not None
            day = day_in(text)
            if day is None or (heading, text) in known:
                continue
            is_open = day.year is None or day.month is None or day.rest or day.month == 0
            if is_open:
                known.add((heading, text))
                yield _Seen(text, day, heading)

    def _order_of(self, seen: Sequence[_Seen]) -> Order:
        """Returns which of two numbers is the day, by the numbers, then by the days of the week."""
        if self._assume.dates:
            return self._assume.dates
        pairs = [one.day for one in seen if one.day.first is not None]
        if any((one.first or 0) > YEAR_MONTHS for one in pairs):
            return "dmy"
        if any(one.day > YEAR_MONTHS for one in pairs):
            return "mdy"
        if self._has_points:
            return "dmy"
        fits = {order: self._best_year([self._ordered(one.day, order) for one in seen])[1] for order in ("mdy", "dmy")}
        self._is_order_guessed = fits["dmy"] == fits["mdy"]
        return "dmy" if fits["dmy"] > fits["mdy"] else "mdy"

    def _ordered(self, day: Day, order: str) -> Day:
        if day.first is None:
            return day
        month, number = (day.day, day.first) if order == "dmy" else (day.first, day.day)
        return Day(day.weekday, day.year, month, number, rest=day.rest)

    def _best_year(self, days: Sequence[Day]) -> tuple[int, int]:
        """Returns the year in which most days of the week fit, the one next to today of several, and how many fit."""
        best = (self._today.year, -1, 0)
        for year in range(self._today.year - YEARS_BACK, self._today.year + YEARS_AHEAD + 1):
            dated = [(one, _date(one, at)) for one, at in _in_years(days, year)]
            fit = sum(
                one.weekday is not None and date is not None and date.weekday() == one.weekday for one, date in dated
            )
            first = next((date for one, date in dated if date is not None and one.year is None), None)
            far = abs((first - self._today).days) if first is not None else 0
            if (fit, -far) > (best[1], -best[2]):
                best = (year, fit, far)
        return best[0], best[1]

    def _resolve(self, seen: Sequence[_Seen]) -> None:
        days = [_under(self._ordered(one.day, self._order), one.heading) for one in seen]
        year = self._assume.year or self._best_year(days)[0]
        for one, (day, at) in zip(seen, _in_years(days, year), strict=True):
            date = _date(day, at)
            shown = " ".join(one.text.split())[:40]
            if date is None:
                self._known[one.heading, one.text] = f"'{shown}' is a day that does not exist; write it like 2026-01-12"
            elif day.weekday is not None and date.weekday() != day.weekday:
                name = calendar.day_name[date.weekday()]
                self._known[one.heading, one.text] = (
                    f"'{shown}' is a {name} in {date.year}; write the date with its year, or say --assume year=…"
                )
            else:
                self._known[one.heading, one.text] = date

    def read(self, text: str, line: int, *, is_alone: bool) -> tuple[str, str, str]:
        """Returns a cell as a date that any reader understands, what stands beside it, and why it cannot be read.

        A heading (a month alone in its row) gives nothing at all. Rows come in their order.
        """
        if is_alone and (found := heading_in(text)) is not None:
            self._heading = found
            return "", "", ""
        known = self._known.get((self._heading, text))
        if known is None:
            return text, "", ""
        if isinstance(known, str):
            return "", "", known
        day = day_in(text)
        assert day is not None
        if day.year is None and self._heading[1] is None:
            self.years.add(line, text.partition("\n")[0], known.isoformat())
        elif day.first is not None and day.first <= YEAR_MONTHS and day.day <= YEAR_MONTHS and day.first != day.day:
            self.orders.add(line, text.partition("\n")[0], known.isoformat())
        return known.isoformat(), day.rest, ""

    def told(self, title: str, unit: str) -> Iterator[str]:
        """Yields what was assumed."""
        if self.years.lines:
            why = "whose days of the week fit" if self._has_weekdays else "nearest to today"
            sentence = f"the file names no year, taken is the one {why}; --assume year=2026 says otherwise"
            yield self.years.told(f"{title}: {'the year is as you said' if self._assume.year else sentence}", unit)
        if self.orders.lines and not self._assume.dates:
            named = "the day comes first" if self._order == "dmy" else "the month comes first"
            why = "as nothing in the file says which" if self._is_order_guessed else "as in the other dates"
            yield self.orders.told(f"{title}: {named}, {why}; --assume dates=dmy or mdy says it", unit)


def heading_in(text: str) -> tuple[int, int | None] | None:
    """Returns the month, and the year if it is named, of a text that is the name of a month and nothing else."""
    found = _HEADING.fullmatch(text)
    return None if found is None else (_MONTHS[found["month"].lower()], int(found["year"]) if found["year"] else None)


def _under(day: Day, heading: tuple[int, int | None]) -> Day:
    """Returns a date with the month and year of the heading above it, where it lacks them."""
    month, year = heading
    if day.month == 0 and month:
        return Day(day.weekday, day.year or year, month, day.day, rest=day.rest)
    return Day(day.weekday, year, day.month, day.day, rest=day.rest) if day.year is None and year else day


def _in_years(days: Sequence[Day], year: int) -> Iterator[tuple[Day, int]]:
    """Yields dates in their order with their year; the year turns where the months begin anew."""
    before = 0
    for one in days:
        if one.year is None and one.month:
            if before - one.month >= TURN_OF_YEAR_MONTHS:
                year += 1
            before = one.month
        yield one, one.year if one.year is not None else year


def _date(day: Day, year: int) -> dt.date | None:
    try:
        return dt.date(year, day.month or 0, day.day)
    except (ValueError, OverflowError):
        return None


# -- times


@dataclass(frozen=True, slots=True)
class Span:
    """A time or a range as it is read: what each field takes, and what stands beside it."""

    start: str
    end: str = ""
    rest: str = ""
    is_open: bool = False


class Times:
    """The times of a sheet, after all its columns of times were looked through.

    Args:
        cells: the cells.
        assume: what a person said.
    """

    def __init__(self, cells: Iterable[str], assume: Assume) -> None:
        self._assume = assume
        self.halves = Remarks()
        self.ranges = Remarks()
        self.fractions = Remarks()
        self.is_24 = assume.times == "24" or (not assume.times and any(_is_of_24(text) for text in set(cells)))

    def read(self, text: str, line: int) -> Span | None:
        """Returns what a cell says, None where it is no time at all."""
        if not text.strip() or len(text) > CELL_CHARACTERS_MAX:
            return None
        if _FRACTION.fullmatch(text.strip()):
            whole = clock_text(dt.timedelta(minutes=round(float(text) * 24 * 60)))
            self.fractions.add(line, text, whole)
            return Span(whole)
        found = _RANGE.fullmatch(text) or _SINGLE.fullmatch(text)
        if found is None:
            return None
        groups = found.groupdict()
        start, end = clock_in(groups["start"]), clock_in(groups.get("end") or "")
        if start is None:
            return None
        is_open = _OPEN_END.fullmatch((groups.get("end") or "").strip()) is not None
        if groups.get("end") and end is None and not is_open:
            return None
        read = read_span(start, end, is_24=self.is_24, half=_HALVES.get(self._assume.times, ""))
        if read is None:
            return None
        begin, close, is_assumed = read
        span = Span(clock_text(begin), "" if close is None else clock_text(close), groups["rest"].strip(), is_open)
        if is_assumed:
            shown = text[: found.start("rest")] if groups["rest"] else text
            self.halves.add(line, shown, f"{span.start}{f'-{span.end}' if span.end else ''}")
        return span

    def told(self, title: str, unit: str) -> Iterator[str]:
        """Yields what was assumed."""
        if self.halves.lines:
            rule = {
                "": "12 is noon, 1 to 7 is afternoon or evening, 8 to 11 is morning, an end is the next such time",
                "am": "taken as morning, as you said",
                "pm": "taken as afternoon and evening, as you said",
                "24": "",
            }[self._assume.times]
            more = "" if self._assume.times else "; --assume times=am, pm or 24 says otherwise"
            yield self.halves.told(f"{title}: times without am or pm, {rule}{more}", unit)
        if self.fractions.lines:
            yield self.fractions.told(f"{title}: a fraction of a day, as spreadsheets keep times", unit)


def _is_of_24(text: str) -> bool:
    """Tells whether a cell shows that times are of 24 hours: 19:30, 0:15, 09:00."""
    found = _RANGE.match(text) or _SINGLE.match(text)
    clocks = (
        [clock_in(one) for one in (found["start"], found.groupdict().get("end") or "")] if found is not None else []
    )
    return any(one is not None and not one.half and (one.hour > NOON or one.hour == 0) for one in clocks)


# -- a sheet


class Moments:
    """The dates and times of a sheet, after they were looked through.

    Args:
        rows: the sheet's rows, gone through once for each column of dates and once for all times.
        dates: the places of the columns of dates, by key, with the fields' titles.
        times: the same for times.
        assume: what a person said.
        today: the day on which this is done.
    """

    def __init__(
        self,
        rows: Iterable[Sequence[str]],
        dates: Mapping[str, tuple[int, str]],
        times: Mapping[str, tuple[int, str]],
        assume: Assume,
        today: dt.date,
    ) -> None:
        self._titles = {key: title for key, (_, title) in dates.items()}
        self._places = {key: at for key, (at, _) in dates.items()}
        self.dates = {
            key: Dates(((row[at], is_alone(row, at)) for row in rows if row[at]), assume, today)
            for key, (at, _) in dates.items()
        }
        self.times = Times((row[at] for row in rows for at, _ in times.values()), assume) if times else None

    def is_heading(self, row: Sequence[str]) -> bool:
        """Tells whether a row is nothing but the name of a month in a column of dates."""
        return any(row[at] and is_alone(row, at) and heading_in(row[at]) is not None for at in self._places.values())

    def told(self, unit: str) -> Iterator[str]:
        """Yields what was assumed."""
        for key, one in self.dates.items():
            yield from one.told(self._titles[key], unit)
        if self.times is not None:
            yield from self.times.told("Times", unit)


def is_alone(row: Sequence[str], at: int) -> bool:
    """Tells whether a cell is the only one of its row with anything in it."""
    return not any(cell.strip() for place, cell in enumerate(row) if place != at)

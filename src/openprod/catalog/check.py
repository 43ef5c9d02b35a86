"""What people type, or JSON gives, turned into a field's value, or a sentence saying what is wrong and what to write.

Knows how each field type is read, what is assumed where a text could mean two things, and what a new record needs.
Must not know stored state: a record is referred to by its id, which the caller has found. Local intents only: what
comes in a signed bundle is never refused for its content. The rules in words: docs/authors/module-toml.md.
"""

from __future__ import annotations

import datetime as dt
import decimal
import difflib
import math
import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, NoReturn, TypeAlias, cast

import msgspec

from openprod.catalog.tables import Field, FieldType, Relation, Table, either, near_names
from openprod.model.errors import Refused
from openprod.model.ids import id_from_text
from openprod.model.natural import decimal_key
from openprod.model.values import (
    INT_MAX,
    INT_MIN,
    TEXT_BYTES_MAX,
    BlobRef,
    Date,
    DateTime,
    Decimal,
    Duration,
    FieldRef,
    ListValue,
    Natural,
    Outline,
    RecordRef,
    Time,
    Value,
    ValueRefused,
    check_value,
    is_value,
    plain,
)

Parsed: TypeAlias = tuple[Value, str | None]

NUMBER_CHARACTERS_MAX = 60
NUMBERING_CHARACTERS_MAX = 100
CHOICE_CHARACTERS_MAX = 200
_SHOWN_CHARACTERS = 40
_YES = frozenset(("yes", "y", "true", "t", "on", "1", "x", "✓", "✔"))
_NO = frozenset(("no", "n", "false", "f", "off", "0"))
_INT = re.compile(r"[+-]?[0-9]+(\.0*)?")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_NUMBER_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
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
_CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]+):([0-9]{1,2}(?:\.[0-9]*)?)")


class FieldRefused(Refused):
    """What was given for a field is no value of its type; the sentence says what to write instead."""

    code = "field.refused"

    def __init__(self, field: Field, raw: object, why: str) -> None:
        self.field = field.key
        self.raw = raw
        super().__init__(f"{field.title} ({field.key}): {why}")


class FieldsRefused(Refused):
    """Several fields of one record cannot be taken; `problems` has a sentence for each."""

    code = "fields.refused"

    def __init__(self, table: str, problems: Sequence[str]) -> None:
        self.table = table
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class Checked(NamedTuple):
    """Values by full field key, and a sentence for each thing that was assumed."""

    values: dict[str, Value]
    assumed: tuple[str, ...]


def parse(field: Field, raw: object) -> Parsed:
    """Returns the value that something typed or given means in a field, and what was assumed, if anything.

    Nothing, and text of spaces only, means no value.

    Raises:
        FieldRefused: it is no value of the field's type, or more than the format holds.
    """
    if raw is None or (type(raw) is str and (not raw or raw.isspace())):
        return None, None
    value, assumed = _READERS[field.type](field, raw)
    try:
        check_value(value)
    except ValueRefused as refused:
        raise FieldRefused(field, raw, str(refused)) from None
    return value, f"{field.title}: {assumed}" if assumed else None


def parse_column(field: Field, raws: Sequence[object]) -> tuple[list[Value], list[tuple[int, str]]]:
    """Returns the values of many raws for one field, and (position, what was assumed) where something was.

    Raises:
        ColumnRefused: naming every position that cannot be read.
    """
    quick = _quick_column(field, raws)
    if quick is not None:
        return quick, []
    few = _few_distinct(field, raws)
    if few is not None:
        return few, []
    values: list[Value] = []
    assumed: list[tuple[int, str]] = []
    problems: list[tuple[int, str]] = []
    seen: dict[tuple[type, object], Parsed] = {}
    for position, raw in enumerate(raws):
        known = seen.get((type(raw), raw)) if isinstance(raw, (str, int, float, bool, type(None))) else None
        if known is None:
            try:
                known = parse(field, raw)
            except FieldRefused as refused:
                problems.append((position, str(refused)))
                continue
            if isinstance(raw, (str, int, float, bool, type(None))):
                seen[type(raw), raw] = known
        values.append(known[0])
        if known[1] is not None:
            assumed.append((position, known[1]))
    if problems:
        raise ColumnRefused(field, problems)
    return values, assumed


class ColumnRefused(Refused):
    """Some of many values for a field cannot be taken; `problems` has (position, sentence) for each."""

    code = "column.refused"

    def __init__(self, field: Field, problems: Sequence[tuple[int, str]]) -> None:
        self.field = field.key
        self.problems = tuple(problems)
        more = f" (and {len(problems) - 1} more like this)" if len(problems) > 1 else ""
        super().__init__(f"Row {problems[0][0] + 1}: {problems[0][1]}{more}")


def check_fields(holder: Table | Relation, raws: Mapping[str, object]) -> Checked:
    """Returns the values that a change gives to fields of a table or properties of a relation, by full key.

    Raises:
        FieldsRefused: a name is unknown, given twice, or a value cannot be read, or a required field would be cleared;
            every problem is in it.
    """
    return _checked(holder, raws, is_new=False)


def check_new(holder: Table | Relation, raws: Mapping[str, object]) -> Checked:
    """Returns the values of a new record or relation, defaults among them, by full key; raises like check_fields.

    A required field that is given no value and has no default is a problem too.
    """
    return _checked(holder, raws, is_new=True)


def missing_required(holder: Table | Relation, given: Iterable[str]) -> list[str]:
    """Returns the columns of required fields without a default that are not among the given columns."""
    present = set(given)
    return [
        column
        for column, field in _fields_of(holder).items()
        if field.required and field.default is None and column not in present
    ]


def _checked(holder: Table | Relation, raws: Mapping[str, object], *, is_new: bool) -> Checked:
    problems: list[str] = []
    assumed: list[str] = []
    values: dict[str, Value] = {}
    given: set[str] = set()
    for name, raw in raws.items():
        field = holder.resolve(name)
        if field is None:
            problems.append(unknown_field(holder, name))
            continue
        if field.key in given:
            problems.append(f"{field.title} ({field.key}) is given twice; give it once.")
            continue
        given.add(field.key)
        try:
            value, note = parse(field, raw)
        except FieldRefused as refused:
            problems.append(str(refused))
            continue
        if value is None and field.required and not (is_new and field.default is not None):
            problems.append(_required(field))
        elif not is_new or value is not None:
            values[field.key] = value
        if note is not None:
            assumed.append(note)
    if is_new:
        for field in _fields_of(holder).values():
            if field.default is not None and field.key not in given:
                values[field.key] = field.default
            elif field.required and field.default is None and field.key not in given:
                problems.append(_required(field))
    if problems:
        raise FieldsRefused(holder.name, problems)
    return Checked(values, tuple(assumed))


def unknown_field(holder: Table | Relation, name: str) -> str:
    """Returns the sentence for a field name that a table or relation does not have."""
    near = near_names(name, _fields_of(holder))
    hint = f" Did you mean {either(near)}?" if near else f" 'openprod fields {holder.name}' lists them."
    what = "field" if isinstance(holder, Table) else "property"
    return f"There is no {what} '{name}' in {holder.name}.{hint}"


def _fields_of(holder: Table | Relation) -> dict[str, Field]:
    return holder.fields if isinstance(holder, Table) else holder.properties


def _required(field: Field) -> str:
    return f"{field.title} ({field.key}) is required; give it a value."


def _quick_column(field: Field, raws: Sequence[object]) -> list[Value] | None:
    """Returns the values of a column in which nothing needs a closer look, or None where something does."""
    kinds = set(map(type, raws)) - {type(None)}
    if kinds == {int} and field.type == "int":
        numbers = cast("Sequence[int | None]", raws)
        given = [number for number in numbers if number is not None]
        return list(numbers) if min(given) >= INT_MIN and max(given) <= INT_MAX else None
    if kinds != {str} or field.type not in ("text", "natural", "outline"):
        return None
    texts = cast("Sequence[str | None]", raws)
    filled = [text for text in texts if text]
    joined = "".join(filled)
    longest = max(map(len, filled), default=0)
    if "\0" in joined or not joined.isascii():
        return None
    if field.type == "text":
        if longest > TEXT_BYTES_MAX:
            return None
        if len(filled) == len(texts) and not any(map(str.isspace, filled)):
            return list(texts)
        return [text if text and not text.isspace() else None for text in texts]
    if longest > NUMBERING_CHARACTERS_MAX or not (joined.isalnum() or joined.replace(".", "0").isalnum()):
        return None
    kind = Natural if field.type == "natural" else Outline
    if len(filled) == len(texts):
        return list(map(kind, filled))
    return [kind(text) if text else None for text in texts]


def _few_distinct(field: Field, raws: Sequence[object]) -> list[Value] | None:
    """Returns the values of a column of one plain type whose distinct raws all read without a remark, or None."""
    kinds = set(map(type, raws)) - {type(None)}
    if len(kinds) != 1 or not kinds <= {str, int, float, bool}:
        return None
    known: dict[object, Value] = {}
    for raw in set(raws):
        try:
            value, note = parse(field, raw)
        except FieldRefused:
            return None
        if note is not None:
            return None
        known[raw] = value
    return [known[raw] for raw in raws]


def _refuse(field: Field, raw: object, why: str) -> NoReturn:
    raise FieldRefused(field, raw, why)


def _shown(raw: object) -> str:
    text = str(plain(raw)) if is_value(raw) else str(raw)
    return f"'{text[:_SHOWN_CHARACTERS]}…'" if len(text) > _SHOWN_CHARACTERS else f"'{text}'"


def _text_of(field: Field, raw: object, what: str) -> str:
    if type(raw) is not str:
        _refuse(field, raw, f"{_shown(raw)} is {what}.")
    return raw.strip()


def _read_bool(field: Field, raw: object) -> Parsed:
    if type(raw) is bool:
        return raw, None
    word = str(raw).strip().lower() if isinstance(raw, (str, int)) else ""
    if word in _YES:
        return True, None
    if word in _NO:
        return False, None
    _refuse(field, raw, f"{_shown(raw)} is neither yes nor no; write yes or no.")


def _without_unit(field: Field, text: str) -> str:
    unit = field.unit
    if unit and text.lower().endswith(unit.lower()):
        return text[: -len(unit)].rstrip()
    if unit and not unit.isalnum() and text.startswith(unit):
        return text[len(unit) :].lstrip()
    return text


def _read_int(field: Field, raw: object) -> Parsed:
    if type(raw) is int:
        number = raw
    elif type(raw) is float and raw.is_integer():
        number = int(raw)
    else:
        text = _without_unit(field, _text_of(field, raw, "no whole number; write one like 12"))
        if _INT.fullmatch(text) is None or len(text) > NUMBER_CHARACTERS_MAX:
            _refuse(field, raw, f"{_shown(raw)} is no whole number; write one like 12.")
        number = int(text.partition(".")[0])
    if not INT_MIN <= number <= INT_MAX:
        _refuse(field, raw, f"{_shown(raw)} is too big for a whole number.")
    return number, None


def _number_text(field: Field, raw: object) -> tuple[str, str | None]:
    text = _without_unit(field, _text_of(field, raw, "no number; write one like 2.5")).replace("−", "-")
    assumed = None
    if _NUMBER_COMMA.fullmatch(text) is not None:
        if len(text.partition(",")[2]) == 3:
            _refuse(field, raw, f"{_shown(raw)} could be a thousand or a fraction; write the number without comma.")
        text = text.replace(",", ".")
        assumed = f"{_shown(raw)} read as {text}"
    if _NUMBER.fullmatch(text) is None or len(text) > NUMBER_CHARACTERS_MAX:
        _refuse(field, raw, f"{_shown(raw)} is no number; write one like 2.5.")
    return text, assumed


def _read_float(field: Field, raw: object) -> Parsed:
    if type(raw) is float or type(raw) is int:
        try:
            number, assumed = float(raw), None
        except OverflowError:
            _refuse(field, raw, "the number is too big.")
    else:
        text, assumed = _number_text(field, raw)
        number = float(text)
    if not math.isfinite(number):
        _refuse(field, raw, f"{_shown(raw)} is no number that can be stored.")
    return number + 0.0, assumed


def _read_decimal(field: Field, raw: object) -> Parsed:
    if type(raw) is Decimal and decimal_key(raw.text) is not None:
        return raw, None
    if type(raw) is int:
        return Decimal(str(raw)), None
    if type(raw) is float and math.isfinite(raw):
        return Decimal(_canonical_decimal(f"{decimal.Decimal(repr(raw)):f}")), None
    if isinstance(raw, decimal.Decimal) and raw.is_finite():
        return Decimal(_canonical_decimal(f"{raw:f}")), None
    text, assumed = _number_text(field, raw)
    return Decimal(_canonical_decimal(text)), assumed


def _canonical_decimal(text: str) -> str:
    """Returns a number's text with its digits as typed, without plus, zeros in front, a bare point or minus zero."""
    sign = "-" if text.startswith("-") and text.strip("-0.") else ""
    whole, _, fraction = text.lstrip("+-").partition(".")
    whole = whole.lstrip("0") or "0"
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


def _read_text(field: Field, raw: object) -> Parsed:
    text = str(raw) if type(raw) in (int, float) else raw
    if type(text) is not str:
        _refuse(field, raw, f"{_shown(raw)} is no text.")
    if "\0" in text:
        _refuse(field, raw, "the text holds a zero byte; take it out.")
    return text, None


def _numbering(field: Field, raw: object, what: str) -> str:
    if type(raw) is int and raw >= 0:
        return str(raw)
    if type(raw) is float and math.isfinite(raw) and raw >= 0:
        return _canonical_decimal(f"{decimal.Decimal(repr(raw)):f}").removesuffix(".0")
    text = _text_of(field, raw, what)
    if len(text) > NUMBERING_CHARACTERS_MAX or not text.isprintable():
        _refuse(field, raw, f"{_shown(raw)} is {what}.")
    return text


def _read_natural(field: Field, raw: object) -> Parsed:
    if type(raw) is Natural:
        return raw, None
    return Natural(_numbering(field, raw, "no number as cues have; write one like 11, 11.5 or 11.5A")), None


def _read_outline(field: Field, raw: object) -> Parsed:
    if type(raw) is Outline:
        return raw, None
    return Outline(_numbering(field, raw, "no scene number; write one like 1.10 or II.9A")), None


def _read_date(field: Field, raw: object) -> Parsed:
    if type(raw) is Date:
        raw = raw.iso
    if type(raw) is dt.date:
        return Date(raw.isoformat()), None
    text = _text_of(field, raw, "no date; write it like 2026-01-12")
    year, month, day, assumed = _date_parts(field, raw, text)
    try:
        return Date(dt.date(year, month, day).isoformat()), assumed
    except ValueError:
        _refuse(field, raw, f"{_shown(raw)} is a day that does not exist; write a date like 2026-01-12.")


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
    _refuse(field, raw, f"{_shown(raw)} could be two days; write {one} or {other}.")


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
            _refuse(field, raw, f"{_shown(raw)} is no date; write it like 2026-01-12.")
    if not month or not numbers:
        _refuse(field, raw, f"{_shown(raw)} is no date; write it like 2026-01-12.")
    if len(numbers) == 1:
        _refuse(field, raw, f"{_shown(raw)} lacks the year; write it like 2026-01-12.")
    if len(numbers) > 2 or len(numbers[0]) > 2:
        _refuse(field, raw, f"{_shown(raw)} is no date; write it like 2026-01-12.")
    year, assumed = _full_year(numbers[1])
    day = int(numbers[0])
    if weekday is not None and 1 <= day <= 28 and 1 <= year <= dt.MAXYEAR:
        actual = dt.date(year, month, day).weekday()
        if actual != weekday:
            _refuse(field, raw, f"{_shown(raw)} is a {_DAY_NAMES[actual].title()}; write the date like 2026-01-12.")
    return year, month, day, assumed


def _read_time(field: Field, raw: object) -> Parsed:
    if type(raw) is Time:
        raw = raw.text
    if type(raw) is dt.time:
        return Time(_time_text(raw.hour, raw.minute, raw.second)), None
    text = _text_of(field, raw, "no time of day; write it like 18:30")
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
            _refuse(field, raw, f"{_shown(raw)} could be morning or evening; write 7:00 or 19:00, 7am or 7pm.")
    elif digits is not None:
        hour, minute, second, half = int(digits[1]), int(digits[2]), 0, (digits[3] or "").lower()
    else:
        _refuse(field, raw, f"{_shown(raw)} is no time of day; write it like 18:30.")
    assumed = None
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif half and hour > 12:
        _refuse(field, raw, f"{_shown(raw)} says both 24 hours and am or pm; write it like 18:30.")
    if (hour, minute, second) == (24, 0, 0):
        hour, assumed = 0, f"{_shown(raw)} read as 00:00"
    if hour > 23 or minute > 59 or second > 59:
        _refuse(field, raw, f"{_shown(raw)} is no time of day; write it like 18:30.")
    clock = _time_text(hour, minute, second)
    return Time(clock), assumed or (f"{_shown(raw)} read as {clock}" if digits is not None else None)


def _time_text(hour: int, minute: int, second: int) -> str:
    return f"{hour:02}:{minute:02}:{second:02}" if second else f"{hour:02}:{minute:02}"


def _read_datetime(field: Field, raw: object) -> Parsed:
    if type(raw) is DateTime:
        raw = str(plain(raw))
    if isinstance(raw, dt.datetime):
        raw = _moment_text(raw)
    text = _text_of(field, raw, "no moment; write it like 2026-01-12 18:30")
    found = _MOMENT.fullmatch(text)
    local, zone, offset = (found[1].strip(), found[2] or "", found[3] or "") if found else (text, "", "")
    if offset and _DATE_YEAR_LAST.fullmatch(text) is None and ":" not in local:
        local, offset = text, ""
    date_text, time_text = _split_moment(local)
    date, assumed_date = _read_date(field, date_text)
    if not isinstance(date, Date):
        _refuse(field, raw, f"{_shown(raw)} is no moment; write it like 2026-01-12 18:30.")
    if time_text:
        time, assumed_time = _time_of(field, raw, time_text)
    else:
        time, assumed_time = Time("00:00"), f"{_shown(raw)} read as the beginning of the day"
    if zone and not _is_zone(zone):
        _refuse(field, raw, f"'{zone}' is no time zone; write one like Europe/London.")
    moment = DateTime(f"{date.iso}T{time.text}", zone)
    assumed = [note for note in (assumed_date, assumed_time) if note]
    if offset:
        moment = _in_utc(field, raw, moment, offset)
        assumed += [] if offset.upper() == "Z" else [f"{_shown(raw)} kept as {plain(moment)}"]
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
        _refuse(field, raw, f"{_shown(raw)} is no moment; write it like 2026-01-12 18:30.")
    return DateTime(f"{utc.date().isoformat()}T{_time_text(utc.hour, utc.minute, utc.second)}", "UTC")


def _read_duration(field: Field, raw: object) -> Parsed:
    unit = field.unit or "s"
    if type(raw) is Duration:
        us, assumed = decimal.Decimal(raw.us), None
    elif isinstance(raw, dt.timedelta):
        us, assumed = decimal.Decimal(raw // dt.timedelta(microseconds=1)), None
    elif type(raw) is int or (type(raw) is float and math.isfinite(raw)):
        us, assumed = decimal.Decimal(repr(raw)) * _UNITS_US[unit], None
    else:
        text = _text_of(field, raw, f"no length of time; write it like 5{unit} or 2m 30s")
        us, assumed = _duration_of(field, raw, text, unit)
    whole = us.to_integral_value(decimal.ROUND_HALF_EVEN)
    if whole < 0:
        _refuse(field, raw, f"{_shown(raw)} is less than nothing; a length of time is not.")
    if whole > INT_MAX:
        _refuse(field, raw, f"{_shown(raw)} is too long.")
    if whole != us:
        assumed = f"{_shown(raw)} rounded to a millionth of a second"
    return Duration(int(whole)), assumed


def _duration_of(field: Field, raw: object, text: str, unit: str) -> tuple[decimal.Decimal, str | None]:
    hint = f"write it like 5{unit}, 2m 30s or 1:30"
    if len(text) > NUMBER_CHARACTERS_MAX:
        _refuse(field, raw, f"{_shown(raw)} is no length of time; {hint}.")
    if _NUMBER.fullmatch(text) is not None:
        return decimal.Decimal(text) * _UNITS_US[unit], None
    if _NUMBER_COMMA.fullmatch(text) is not None:
        number = text.replace(",", ".")
        return decimal.Decimal(number) * _UNITS_US[unit], f"{_shown(raw)} read as {number}{unit}"
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        return _clock_of(field, raw, clock, unit)
    if _DURATION.fullmatch(text) is None:
        _refuse(field, raw, f"{_shown(raw)} is no length of time; {hint}.")
    total, last = decimal.Decimal(0), 0
    end = 0
    for part in _DURATION_PART.finditer(text):
        size = _UNITS_US.get(part[2].lower())
        if size is None:
            _refuse(field, raw, f"'{part[2]}' is no unit of time; {hint}.")
        total += decimal.Decimal(part[1]) * size
        last, end = size, part.end()
    rest = text[end:].strip(" .")
    if rest and last == _UNITS_US["h"]:
        return total + int(rest) * _UNITS_US["min"], f"{_shown(raw)} read with {int(rest)} minutes"
    if rest and last == _UNITS_US["min"]:
        return total + int(rest) * _UNITS_US["s"], f"{_shown(raw)} read with {int(rest)} seconds"
    if rest:
        _refuse(field, raw, f"{_shown(raw)} is no length of time; {hint}.")
    return total, None


def _clock_of(field: Field, raw: object, clock: re.Match[str], unit: str) -> tuple[decimal.Decimal, str | None]:
    """Reads h:mm:ss, and a:bb as hours and minutes where the unit is hours or days, else as minutes and seconds."""
    middle, last = decimal.Decimal(clock[2]), decimal.Decimal(clock[3])
    if last >= 60 or (clock[1] and middle >= 60):
        _refuse(field, raw, f"{_shown(raw)} has more than 59 minutes or seconds; write it like 1:30 or 1:02:30.")
    if clock[1]:
        seconds, assumed = int(clock[1]) * 3600 + middle * 60 + last, None
    elif unit in ("h", "d"):
        seconds, assumed = middle * 3600 + last * 60, f"{_shown(raw)} read as {middle} h {last} min"
    else:
        seconds, assumed = middle * 60 + last, f"{_shown(raw)} read as {middle} min {last} s"
    return seconds * 1_000_000, assumed


def _read_choice(field: Field, raw: object) -> Parsed:
    text = str(raw) if type(raw) is int else raw
    word = _text_of(field, text, f"none of {_listed(field.choices)}")
    if word in field.choices:
        return word, None
    folded = {choice.casefold(): choice for choice in reversed(field.choices)}
    if word.casefold() in folded:
        return folded[word.casefold()], None
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.75)
    if field.open:
        if len(word) > CHOICE_CHARACTERS_MAX or not word.isprintable():
            _refuse(field, raw, f"{_shown(raw)} is too long or odd for a choice; write a word or two.")
        return word, f"{_shown(word)} is a new choice; did you mean '{folded[near[0]]}'?" if near else None
    if near:
        _refuse(field, raw, f"{_shown(raw)} is not a choice here; did you mean '{folded[near[0]]}'?")
    _refuse(field, raw, f"{_shown(raw)} is not a choice here; choose {either(field.choices)}.")


def _listed(choices: Sequence[str]) -> str:
    return ", ".join(choices) or "the choices"


def _read_record(field: Field, raw: object) -> Parsed:
    if type(raw) is RecordRef:
        return raw, None
    return RecordRef(_entity(field, raw)), None


def _entity(field: Field, raw: object) -> bytes:
    if type(raw) is bytes and len(raw) == 16:
        return raw
    text = _text_of(field, raw, "no record; give a record's id")
    try:
        return id_from_text(text)
    except ValueError:
        _refuse(field, raw, f"{_shown(raw)} is no record; give its id, or TABLE:KEY like lighting.cues:11.")


def _read_fieldref(field: Field, raw: object) -> Parsed:
    if type(raw) is FieldRef:
        return raw, None
    if isinstance(raw, Mapping):
        given = cast("Mapping[str, object]", raw)
        record, key = given.get("record"), given.get("field")
    else:
        record, _, key = _text_of(field, raw, "no field of a record").partition(" ")
    if type(key) is not str or key.count(".") < 2:
        _refuse(field, record, f"{_shown(record)} names no field; write a record's id, a space and module.table.field.")
    return FieldRef(_entity(field, record), key.strip()), None


def _read_blob(field: Field, raw: object) -> Parsed:
    if type(raw) is BlobRef:
        return raw, None
    try:
        given = msgspec.convert(raw, _BlobShape)
        digest = bytes.fromhex(given.hash)
    except (msgspec.ValidationError, ValueError):
        _refuse(
            field, raw, f"{_shown(raw)} is no file kept here. Put one there with: openprod attach RECORD FIELD FILE"
        )
    return BlobRef(digest, given.name, given.size, given.media), None


class _BlobShape(msgspec.Struct):
    hash: str
    name: str
    size: int
    media: str = ""


def _read_list(field: Field, raw: object) -> Parsed:
    if type(raw) is ListValue:
        raw = raw.items
    if type(raw) is str:
        raw = [part.strip() for part in re.split(r"[,;]", raw) if part.strip()]
    if not isinstance(raw, (list, tuple)):
        _refuse(field, raw, f"{_shown(raw)} is no list; write its parts with commas between them.")
    item = msgspec.structs.replace(field, type=field.item_type)
    parsed = [parse(item, part) for part in cast("Sequence[object]", raw)]
    values = tuple(value for value, _ in parsed if value is not None)
    notes = [note.removeprefix(f"{field.title}: ") for _, note in parsed if note is not None]
    return (ListValue(values) if values else None), "; ".join(notes) or None


_READERS: Mapping[FieldType, Callable[[Field, object], Parsed]] = {
    "bool": _read_bool,
    "int": _read_int,
    "float": _read_float,
    "decimal": _read_decimal,
    "text": _read_text,
    "natural": _read_natural,
    "outline": _read_outline,
    "date": _read_date,
    "time": _read_time,
    "datetime": _read_datetime,
    "duration": _read_duration,
    "choice": _read_choice,
    "record": _read_record,
    "field": _read_fieldref,
    "blob": _read_blob,
    "list": _read_list,
}

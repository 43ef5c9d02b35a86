"""Literals and parameters: what they are worth, and how they compare with a field of each type.

Knows the rules of which types compare. Must not know names or joins. A value that does not compare with a type gives
INCOMPARABLE, and a comparison with it is false.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias, cast

from openprod.catalog.names import SqlValue, utc_text
from openprod.catalog.tables import Field, FieldType
from openprod.model.ids import id_from_text
from openprod.model.natural import decimal_key, natural_key, outline_key
from openprod.model.values import Date, DateTime, Decimal, Duration, Natural, Outline, RecordRef, Time
from openprod.query.conditions import Number, Operator, Scalar
from openprod.query.problems import QueryRefused
from openprod.query.text import LIST_ITEMS_MAX, UNITS_US, duration_us


class ParameterText(str):
    """Text given for a parameter. Command lines give everything as text, so it may stand for a number or yes/no."""

    __slots__ = ()


class Incomparable(enum.Enum):
    """The one mark of a value that does not compare with a type."""

    MARK = "incomparable"


INCOMPARABLE: Final = Incomparable.MARK

Const: TypeAlias = "Scalar | RecordRef | tuple[Const, ...]"
Key: TypeAlias = SqlValue | Incomparable

TEXT_TYPES: frozenset[FieldType] = frozenset(
    ("text", "choice", "natural", "outline", "decimal", "date", "time", "datetime")
)
KEYED_TYPES: frozenset[FieldType] = frozenset(("natural", "outline", "decimal"))
NUMBER_TYPES: frozenset[FieldType] = frozenset(("int", "float"))

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(Z|\+00:00)?(?:\[([\w/+-]*)\])?")
_NUMBER_CHARS_MAX = 60


class ParameterRefused(QueryRefused):
    """A parameter's value is of a kind that no field can hold; `name` is the parameter's."""

    code = "query.parameter_refused"

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(f"The value given for ${name} cannot be compared with anything: {why}.")


def parameter_value(name: str, value: object) -> Const:
    """Returns what a parameter's value means; raises ParameterRefused."""
    match value:
        case None | bool() | Number() | Date() | DateTime() | Duration() | RecordRef():
            return value
        case str():
            return ParameterText(value)
        case Natural() | Outline() | Time():
            return value.text
        case Decimal():
            return Number(value.text)
        case int():
            return Number(str(value))
        case float() | decimal.Decimal():
            return _number(name, value)
        case bytes() if len(value) == 16:
            return RecordRef(value)
        case dt.datetime():
            return _local(value)
        case dt.date():
            return Date(value.isoformat())
        case dt.time():
            return value.isoformat(timespec="seconds").removesuffix(":00")
        case dt.timedelta():
            return Duration(value // dt.timedelta(microseconds=1))
        case list() | tuple() | set() | frozenset():
            return _several(name, cast("Iterable[object]", value))
        case _:
            raise ParameterRefused(name, f"it is a {type(value).__name__}")


def now_value(now: str) -> Const:
    """Returns the moment that a text of a clock names; text that is none is kept as text."""
    return moment(now) or now


def moment(text: str) -> DateTime | None:
    """Returns the moment of "2026-12-01T18:00", with seconds, "Z" or "[zone]" or without; None for other text."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    day, clock, utc, zone = found.groups()
    if not _is_date(day) or not _is_time(clock):
        return None
    return DateTime(f"{day}T{_clock(clock)}", "UTC" if utc else zone or "")


def key_of(value: Const, kind: FieldType, field: Field | None, venue_zone: str) -> Key:
    """Returns what stands for a value where a field of a type is compared: sort text, number, text.

    None (no value) and lists are the caller's; a record is given as its 16 bytes.
    """
    match kind:
        case "natural" | "outline" | "decimal":
            return _keyed(value, kind)
        case "text" | "choice":
            return str(value) if isinstance(value, str) else INCOMPARABLE
        case "int" | "float":
            return _numeric(value)
        case "bool":
            return _boolean(value)
        case "duration":
            return _duration(value, field)
        case "date":
            return _date(value)
        case "time":
            return _time(value)
        case "datetime":
            return _datetime(value, venue_zone)
        case "record":
            return _record(value)
        case "field" | "blob" | "list":
            return INCOMPARABLE


def compare(operator: Operator, left: Const, right: Const, venue_zone: str) -> bool:
    """Returns what a comparison of two constants is: null equals only null, what does not compare is false."""
    if operator == "IN":
        several = right if isinstance(right, tuple) else ()
        return any(compare("==", left, item, venue_zone) for item in several)
    if left is None or right is None:
        return (operator == "==") == (left is right) and operator in {"==", "!="}
    sign = _sign(left, right, venue_zone)
    if sign is None:
        return False
    match operator:
        case "==":
            return sign == 0
        case "!=":
            return sign != 0
        case "<":
            return sign < 0
        case "<=":
            return sign <= 0
        case ">":
            return sign > 0
        case ">=":
            return sign >= 0
        case _:
            return False


def _sign(left: Const, right: Const, venue_zone: str) -> int | None:
    """Returns -1, 0 or 1 as left is before, the same as or after right; None where they do not compare."""
    kind = kind_of(right) if isinstance(left, str) else kind_of(left)
    if kind is None:
        return None
    first, second = key_of(left, kind, None, venue_zone), key_of(right, kind, None, venue_zone)
    match first, second:
        case bytes(), bytes():
            return (first > second) - (first < second)
        case str(), str():
            first, second = text_order(first), text_order(second)
            return (first > second) - (first < second)
        case ((int() | float()), (int() | float())):
            return (first > second) - (first < second)
        case _:
            return None


def text_order(text: str) -> str:
    """Returns text whose order is that of texts: ASCII letters whatever their case, then as written."""
    return f"{text.translate(_LOWER)}\0{text}"


_LOWER: Mapping[int, int] = {letter: letter + 32 for letter in range(ord("A"), ord("Z") + 1)}


def kind_of(value: Const) -> FieldType | None:
    """Returns the type that a constant has by itself, or None for none and for lists."""
    match value:
        case bool():
            return "bool"
        case str():
            return "text"
        case Number():
            return "float"
        case Date():
            return "date"
        case DateTime():
            return "datetime"
        case Duration():
            return "duration"
        case RecordRef():
            return "record"
        case None | tuple():
            return None


def _number(name: str, value: float | decimal.Decimal) -> Number:
    if not math.isfinite(value):
        raise ParameterRefused(name, "it is not finite")
    return Number(f"{decimal.Decimal(str(value)):f}")


def _several(name: str, values: Iterable[object]) -> Const:
    items = tuple(parameter_value(name, item) for item in values)
    if len(items) > LIST_ITEMS_MAX:
        raise ParameterRefused(name, f"a list has at most {LIST_ITEMS_MAX} items")
    return items


def _local(value: dt.datetime) -> DateTime:
    text = value.replace(tzinfo=None).isoformat(timespec="seconds")
    if value.tzinfo is None:
        return DateTime(text)
    in_utc = value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    return DateTime(in_utc, "UTC")


def _keyed(value: Const, kind: FieldType) -> Key:
    match value:
        case Number(text):
            pass
        case str():
            text = value
        case _:
            return INCOMPARABLE
    if kind == "natural":
        return natural_key(text)
    if kind == "outline":
        return outline_key(text)
    found = decimal_key(text)
    return INCOMPARABLE if found is None else found


def _numeric(value: Const) -> Key:
    match value:
        case Number(text):
            pass
        case ParameterText() if len(value) <= _NUMBER_CHARS_MAX and _NUMBER.fullmatch(value):
            text = str(value)
        case _:
            return INCOMPARABLE
    number = decimal.Decimal(text)
    if number == number.to_integral_value() and abs(number) < 1 << 63:
        return int(number)
    return float(number)


def _boolean(value: Const) -> Key:
    match value:
        case bool():
            return int(value)
        case ParameterText() if value.lower() in {"true", "false", "yes", "no"}:
            return int(value.lower() in {"true", "yes"})
        case _:
            return INCOMPARABLE


def _duration(value: Const, field: Field | None) -> Key:
    match value:
        case Duration(us):
            return us
        case Number(text):
            pass
        case str() if (us := duration_us(value)) is not None:
            return us
        case str() if len(value) <= _NUMBER_CHARS_MAX and _NUMBER.fullmatch(value):
            text = str(value)
        case _:
            return INCOMPARABLE
    unit_us = UNITS_US.get(field.unit if field is not None else "s", UNITS_US["s"])
    return int(decimal.Decimal(text) * unit_us)


def _date(value: Const) -> Key:
    match value:
        case Date(iso):
            return iso
        case DateTime(local):
            return local[:10]
        case str() if _is_date(value):
            return str(value)
        case str() if (found := moment(value)) is not None:
            return found.local[:10]
        case _:
            return INCOMPARABLE


def _time(value: Const) -> Key:
    if isinstance(value, str) and _is_time(value):
        return _clock(value)
    return INCOMPARABLE


def _datetime(value: Const, venue_zone: str) -> Key:
    match value:
        case Date(iso):
            return utc_text(DateTime(f"{iso}T00:00"), venue_zone)
        case DateTime():
            return utc_text(value, venue_zone)
        case str() if (found := moment(value)) is not None:
            return utc_text(found, venue_zone)
        case str() if _is_date(value):
            return utc_text(DateTime(f"{value}T00:00"), venue_zone)
        case _:
            return INCOMPARABLE


def _record(value: Const) -> Key:
    match value:
        case RecordRef(id):
            return id
        case str():
            try:
                return id_from_text(value)
            except ValueError:
                return INCOMPARABLE
        case _:
            return INCOMPARABLE


def _is_date(text: str) -> bool:
    try:
        return len(text) == 10 and bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    return found is not None and int(found[1]) < 24 and int(found[2]) < 60 and int(found[3] or 0) < 60


def _clock(text: str) -> str:
    """Returns a time as it is stored: two digits each, without seconds that are zero."""
    hours, *rest = text.split(":")
    full = ":".join([hours.rjust(2, "0"), *rest])
    return full.removesuffix(":00") if full.count(":") == 2 else full

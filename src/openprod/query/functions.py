"""What a generated SELECT asks of Python: word search, regular expressions, case folding, rare comparisons.

Knows pure, deterministic functions of SQL values. Must not know the connection; the store registers SQL_FUNCTIONS on
it. A wrong-typed value (a BLOB) is a value that does not match; nothing here raises on stored content.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol, TypeAlias, cast

import msgspec

from openprod.catalog.names import SqlValue, utc_text
from openprod.model.natural import decimal_key, natural_key, outline_key
from openprod.model.values import DateTime, ListValue, Plain, decode_value, plain, seconds

SqlFunction: TypeAlias = Callable[..., SqlValue]

PATTERN_CHARS_MAX = 1_000
_PATTERN_MEMORY_BYTES_MAX = 4 << 20
_WORD = re.compile(r"[^\W_]+")


class Pattern(Protocol):
    """A compiled pattern of the linear-time engine."""

    def fullmatch(self, text: str, /) -> object:
        """Returns something where the whole text matches, else None."""
        ...


@lru_cache(maxsize=256)
def pattern(text: str) -> Pattern:
    """Returns a compiled full-match pattern; raises ValueError with the reason where it cannot be read."""
    # Most runs never need the engine, and a cold start counts.
    re2 = importlib.import_module("re2")
    options = re2.Options()
    options.max_mem = _PATTERN_MEMORY_BYTES_MAX
    options.log_errors = False
    try:
        return cast("Pattern", re2.compile(text, options))
    except re2.error as error:
        reason = error.args[0] if error.args else b"it is no pattern"
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from error


def matches(value: SqlValue, text: str) -> int:
    """Returns 1 where the whole of a text matches a regular expression, else 0."""
    return int(isinstance(value, str) and pattern(text).fullmatch(value) is not None)


@lru_cache(maxsize=256)
def like_pattern(text: str) -> Pattern:
    """Returns the pattern of a LIKE text, folded: % is any text, _ any one character."""
    parts = {"%": "(?s:.*)", "_": "(?s:.)"}
    return pattern("".join(parts.get(character) or _literal(character) for character in fold_case(text)))


def _literal(character: str) -> str:
    return character if character.isalnum() else f"\\x{{{ord(character):x}}}"


def like(value: SqlValue, text: str) -> int:
    """Returns 1 where a text is like a pattern, whatever the case of letters of any script; else 0."""
    return int(isinstance(value, str) and like_pattern(text).fullmatch(fold_case(value)) is not None)


def fold_case(text: str) -> str:
    """Returns a text with case folded letter by letter: lengths stay, ASCII letters fold among themselves."""
    if text.isascii():
        return text.lower()
    return "".join(map(_fold_letter, text))


def _fold_letter(letter: str) -> str:
    if letter.isascii():
        return letter.lower()
    folded = letter.casefold()
    return folded if len(folded) == 1 and not folded.isascii() else letter


def words(text: str) -> list[str]:
    """Returns the words of a text with case and accents folded: "Crème BRÛLÉE" gives creme, brulee."""
    if not text.isascii():
        pieces = unicodedata.normalize("NFKD", text)
        text = "".join(piece for piece in pieces if not unicodedata.combining(piece)).casefold()
    else:
        text = text.lower()
    return _WORD.findall(text)


def search_words(text: str) -> str:
    """Returns what CONTAINS looks for, as `contains` takes it: folded words; a word before * only begins."""
    found: list[str] = []
    for piece in text.split():
        parts = words(piece)
        if parts and piece.endswith("*"):
            parts[-1] += "*"
        found += parts
    return " ".join(found)


def contains(value: SqlValue, search: str) -> int:
    """Returns 1 where every word of `search` is a word of the text (or, with *, begins one); else 0."""
    if not isinstance(value, str):
        return 0
    here = set(words(value))
    for word in search.split(" "):
        if word.endswith("*"):
            if not any(other.startswith(word[:-1]) for other in here):
                return 0
        elif word not in here:
            return 0
    return 1


def list_has(value: SqlValue, item: SqlValue) -> int:
    """Returns 1 where a stored list holds a text or number."""
    return int(item in _list_items(value))


def key(kind: str, value: SqlValue) -> str | None:
    """Returns the sort key of a plain value taken as natural, outline or decimal, for values of two types compared."""
    if isinstance(value, bytes) or value is None:
        return None
    text = _number_text(value) if isinstance(value, int | float) else value
    match kind:
        case "natural":
            return natural_key(text)
        case "outline":
            return outline_key(text)
        case _:
            return decimal_key(text)


def text(kind: str, value: SqlValue) -> str | None:
    """Returns a stored value as people read it inside a template; None for none."""
    match value:
        case None:
            return None
        case bytes():
            return _plain_text(_decoded(value))
        case str():
            return value
        case _ if kind == "bool":
            return "yes" if value else "no"
        case int() if kind == "duration":
            return f"{_number_text(seconds(value))}s"
        case _:
            return _number_text(value)


def total(values: str | None) -> str | None:
    """Returns the exact sum of a JSON list of decimals, as decimal text; None for an empty list."""
    if values is None:
        return None
    numbers = [str(item) for item in _json_items(values)]
    if not numbers:
        return None
    scale = max(len(number.partition(".")[2]) for number in numbers)
    units = sum(_scaled(number, scale) for number in numbers)
    digits = str(abs(units)).rjust(scale + 1, "0")
    sign = "-" if units < 0 else ""
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else f"{sign}{digits}"


def moment(date: SqlValue, time: SqlValue, after: SqlValue, zone: SqlValue) -> str | None:
    """Returns a day and a time of it as a moment, None where either is none.

    Args:
        date: "2026-01-12".
        time: "18:00".
        after: a time; one before it is of the next day.
        zone: the zone it is local in, for the UTC text by which moments sort; None for the local text.
    """
    try:
        day, clock = dt.date.fromisoformat(str(date)), dt.time.fromisoformat(str(time))
        if after is not None and clock < dt.time.fromisoformat(str(after)):
            day += dt.timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    local = DateTime(dt.datetime.combine(day, clock).isoformat(timespec="seconds"))
    return local.local if zone is None else utc_text(local, str(zone))


def span(start: SqlValue, end: SqlValue) -> int | None:
    """Returns the microseconds from one moment to another, or from a time to the next time of that name."""
    try:
        if isinstance(start, str) and "T" in start:
            gap = dt.datetime.fromisoformat(str(end)) - dt.datetime.fromisoformat(start)
            return gap // dt.timedelta(microseconds=1)
        day = dt.date.min
        first, last = (dt.datetime.combine(day, dt.time.fromisoformat(str(one))) for one in (start, end))
    except ValueError:
        return None
    return ((last - first) % dt.timedelta(days=1)) // dt.timedelta(microseconds=1)


SQL_FUNCTIONS: Mapping[str, tuple[SqlFunction, int]] = {
    "openprod_matches": (matches, 2),
    "openprod_like": (like, 2),
    "openprod_contains": (contains, 2),
    "openprod_list_has": (list_has, 2),
    "openprod_key": (key, 2),
    "openprod_text": (text, 2),
    "openprod_total": (total, 1),
    "openprod_moment": (moment, 4),
    "openprod_span": (span, 2),
}


def _scaled(number: str, scale: int) -> int:
    whole, _, fraction = number.partition(".")
    return int(f"{whole}{fraction.ljust(scale, '0')}" or "0")


def _number_text(value: float) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _json_items(text: str) -> list[object]:
    found: object = json.loads(text)
    return cast("list[object]", found) if isinstance(found, list) else []


def _decoded(value: bytes) -> Plain:
    try:
        return plain(decode_value(value))
    except msgspec.DecodeError:
        return None


def _list_items(value: SqlValue) -> tuple[object, ...]:
    if not isinstance(value, bytes):
        return ()
    try:
        found = decode_value(value)
    except msgspec.DecodeError:
        return ()
    return tuple(map(plain, found.items)) if isinstance(found, ListValue) else ()


def _plain_text(value: Plain) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(item for item in map(_plain_text, value) if item is not None)
        case dict():
            return str(value.get("name") or value.get("record") or "")
        case _:
            return str(value)

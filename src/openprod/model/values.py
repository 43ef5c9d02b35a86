"""Values: what a field can hold, how it is written down, when two are the same, and in which order they come.

Knows the value types, their msgpack form, equality for conflicts, sort keys, the plain form handed out as JSON, and the
limits of the format. Must not know fields, tables or what people type (catalog.check turns that into values). Every
function here takes any value that decodes, however odd its text, and never raises but where it says so.
Byte tables: docs/formats/values.md.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Annotated, TypeAlias, TypeGuard

import msgspec
from msgspec import Meta, Struct

from openprod.model.errors import Refused
from openprod.model.ids import EntityId, id_text
from openprod.model.natural import (
    decimal_key,
    decimal_normal,
    natural_key,
    natural_normal,
    outline_key,
    outline_normal,
)

INT_MIN = -(1 << 63)
INT_MAX = (1 << 63) - 1
TEXT_BYTES_MAX = 1 << 20
NESTING_MAX = 8


class Decimal(Struct, array_like=True, frozen=True, gc=False, tag=1):
    """An exact decimal number; `text` has no exponent and keeps the digits as typed ("1.50")."""

    text: str


class Natural(Struct, array_like=True, frozen=True, gc=False, tag=2):
    """A cue, page or bar number as typed: 11.1 = 11.10 = 011.100, then letters: 11.5A."""

    text: str


class Outline(Struct, array_like=True, frozen=True, gc=False, tag=3):
    """A scene number as typed, compared part by part: 1.9, 1.10, II.9A."""

    text: str


class Date(Struct, array_like=True, frozen=True, gc=False, tag=4):
    """A calendar date, ISO 8601: "2026-01-12"."""

    iso: str


class Time(Struct, array_like=True, frozen=True, gc=False, tag=5):
    """A time of day: "HH:MM", or "HH:MM:SS" where the seconds are not zero."""

    text: str


class DateTime(Struct, array_like=True, frozen=True, gc=False, tag=6):
    """A local moment "YYYY-MM-DDTHH:MM[:SS]" in an IANA zone; an empty zone means the venue's."""

    local: str
    zone: str = ""


class Duration(Struct, array_like=True, frozen=True, gc=False, tag=7):
    """A length of time in whole microseconds."""

    us: int


class RecordRef(Struct, array_like=True, frozen=True, gc=False, tag=8):
    """A reference to a record by its id."""

    id: Annotated[bytes, Meta(min_length=16, max_length=16)]


class FieldRef(Struct, array_like=True, frozen=True, gc=False, tag=9):
    """A reference to one field of one record, by id and full field key."""

    id: Annotated[bytes, Meta(min_length=16, max_length=16)]
    key: str


class BlobRef(Struct, array_like=True, frozen=True, gc=False, tag=10):
    """A reference to a file kept beside the workspace, by its BLAKE3 hash."""

    hash: Annotated[bytes, Meta(min_length=32, max_length=32)]
    name: str
    size: int
    media: str


class ListValue(Struct, array_like=True, frozen=True, tag=11):
    """Several values in order, kept as one."""

    items: tuple[Value, ...]


Value: TypeAlias = (
    bool
    | int
    | float
    | str
    | Decimal
    | Natural
    | Outline
    | Date
    | Time
    | DateTime
    | Duration
    | RecordRef
    | FieldRef
    | BlobRef
    | ListValue
    | None
)
# What plain() gives: what JSON can hold.
Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"

VALUE_TYPES: tuple[type, ...] = (
    type(None),
    bool,
    int,
    float,
    str,
    Decimal,
    Natural,
    Outline,
    Date,
    Time,
    DateTime,
    Duration,
    RecordRef,
    FieldRef,
    BlobRef,
    ListValue,
)
_VALUE_TYPES = frozenset(VALUE_TYPES)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Value)


class ValueRefused(Refused):
    """A value that the format cannot hold."""

    code = "value.refused"


def encode_value(value: Value) -> bytes:
    """Returns the canonical msgpack bytes of a value."""
    return _encoder.encode(value)


def decode_value(data: bytes) -> Value:
    """Returns the value of msgpack bytes; raises msgspec.DecodeError (or its ValidationError) for anything else."""
    return _decoder.decode(data)


def is_value(thing: object) -> TypeGuard[Value]:
    """Tells whether a thing is of one of the value types (not: within the format's limits)."""
    return type(thing) in _VALUE_TYPES


def value_key(value: Value) -> bytes:
    """Returns bytes that are equal exactly for values that are the same, so that they are no conflict.

    Natural 11.1 is 11.10, decimal 1.50 is 1.5, int 1 is float 1.0; int 1 is neither text "1" nor decimal "1".
    """
    if type(value) is str:
        return b"t" + value.encode("utf-8", "surrogatepass")
    if type(value) is Natural:
        return b"n" + natural_normal(value.text).encode()
    return _other_key(value)


def sort_key(value: Value) -> str | None:
    """Returns text whose BINARY order is the order of natural, outline and decimal values; None for all others."""
    match value:
        case Natural():
            return natural_key(value.text)
        case Outline():
            return outline_key(value.text)
        case Decimal():
            return decimal_key(value.text)
        case _:
            return None


def plain(value: Value) -> Plain:
    """Returns the form of a value that JSON can hold and people can read; see docs/formats/values.md for each type."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal() | Natural() | Outline() | Time():
            return value.text
        case Date():
            return value.iso
        case DateTime():
            return f"{value.local}[{value.zone}]" if value.zone else value.local
        case Duration():
            return seconds(value.us)
        case RecordRef():
            return id_text(value.id)
        case FieldRef():
            return {"record": id_text(value.id), "field": value.key}
        case BlobRef():
            return {"hash": value.hash.hex(), "name": value.name, "size": value.size, "media": value.media}
        case ListValue():
            return [plain(item) for item in value.items]


def seconds(us: int) -> int | float:
    """Returns microseconds as seconds: whole where they are whole."""
    whole, rest = divmod(us, 1_000_000)
    return us / 1_000_000 if rest else whole


def record_ref(entity: EntityId) -> RecordRef:
    """Returns the value that refers to a record."""
    return RecordRef(entity)


def check_value(value: object) -> None:
    """Raises ValueRefused for what the format cannot hold: NaN, -0.0, infinite, too big, long or deep, no value."""
    _check(value, 1)


def check_values(values: Iterable[object]) -> None:
    """Raises like check_value for the first value of many that the format cannot hold; fast where all is well."""
    for value in values:
        if type(value) is not str or not value.isascii() or len(value) > TEXT_BYTES_MAX:
            _check(value, 1)


def _check(value: object, depth: int) -> None:
    match value:
        case None | bool():
            pass
        case int():
            _check_int(value)
        case float():
            _check_float(value)
        case str():
            _check_text(value)
        case ListValue():
            if depth > NESTING_MAX:
                raise ValueRefused(f"A list may hold lists only {NESTING_MAX} deep.")
            for item in value.items:
                _check(item, depth + 1)
        case Struct() if type(value) in _VALUE_TYPES:
            _check_struct(value)
        case _:
            raise ValueRefused(f"A {type(value).__name__} is not a value that can be stored.")


def _check_int(value: int) -> None:
    if not INT_MIN <= value <= INT_MAX:
        raise ValueRefused(f"The number {str(value)[:24]}… is too big: whole numbers have at most 64 bits.")


def _check_float(value: float) -> None:
    if not math.isfinite(value):
        raise ValueRefused("A number must be finite: neither infinite nor 'not a number'.")
    if value == 0 and math.copysign(1, value) < 0:
        raise ValueRefused("Minus zero is not stored; write 0.")


def _check_text(value: str) -> None:
    if len(value) <= TEXT_BYTES_MAX // 4 and value.isascii():
        return
    try:
        size_bytes = len(value.encode())
    except UnicodeEncodeError:
        raise ValueRefused("The text holds half of a character (a lone surrogate), which cannot be stored.") from None
    if size_bytes > TEXT_BYTES_MAX:
        raise ValueRefused(f"The text is {size_bytes} bytes long; at most {TEXT_BYTES_MAX} fit into one field.")


def _check_struct(value: Struct) -> None:
    match value:
        case RecordRef() | FieldRef() if len(value.id) != 16:
            raise ValueRefused("A record is referred to by an id of 16 bytes.")
        case BlobRef() if len(value.hash) != 32:
            raise ValueRefused("A file is referred to by a hash of 32 bytes.")
        case _:
            pass
    for part in msgspec.structs.astuple(value):
        if type(part) is int:
            _check_int(part)
        elif type(part) is str:
            _check_text(part)


def _other_key(value: Value) -> bytes:
    match value:
        case None:
            return b"0"
        case bool():
            return b"b1" if value else b"b0"
        case int():
            return b"i%d" % value
        case float():
            return _float_key(value)
        case str() | Natural():
            return value_key(value)
        case Decimal():
            return b"d" + decimal_normal(value.text).encode()
        case Outline():
            return b"o" + outline_normal(value.text).encode()
        case Date():
            return b"D" + value.iso.encode()
        case Time():
            return b"T" + _moment(value.text).encode()
        case DateTime():
            return b"M" + f"{_moment(value.local)}[{value.zone}]".encode()
        case Duration():
            return b"u%d" % value.us
        case RecordRef():
            return b"r" + value.id
        case FieldRef():
            return b"s" + value.id + value.key.encode()
        case BlobRef():
            return b"B" + value.hash + value.name.encode()
        case ListValue():
            return b"l" + b"".join(len(key).to_bytes(4, "big") + key for key in map(value_key, value.items))


def _float_key(value: float) -> bytes:
    if value.is_integer():
        return b"i%d" % int(value)
    return b"f" + struct.pack(">d", value)


def _moment(local: str) -> str:
    """Returns a time or local moment without seconds that are zero."""
    return local[:-3] if local.endswith(":00") and local.count(":") == 2 else local

"""What people type, or JSON gives, turned into a field's value, or a sentence saying what is wrong and what to write.

Knows how each field type is read, what is assumed where a text could mean two things, and what a new record needs.
Must not know stored state: a record is referred to by its id, which the caller has found. Local intents only: what
comes in a signed bundle is never refused for its content. The rules in words: docs/authors/module-toml.md.
"""

from __future__ import annotations

import decimal
import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, cast

import msgspec

from openprod.catalog.clocks import read_date, read_datetime, read_time
from openprod.catalog.lengths import read_duration
from openprod.catalog.spans import span_in
from openprod.catalog.tables import Field, FieldType, Relation, Table, either, near_names
from openprod.catalog.typed import (
    NUMBER,
    NUMBER_CHARACTERS_MAX,
    NUMBER_COMMA,
    FieldRefused,
    Parsed,
    refuse,
    shown,
    text_of,
)
from openprod.model.errors import Refused
from openprod.model.ids import id_from_text
from openprod.model.natural import decimal_key
from openprod.model.values import (
    INT_MAX,
    INT_MIN,
    TEXT_BYTES_MAX,
    BlobRef,
    Decimal,
    FieldRef,
    ListValue,
    Natural,
    Outline,
    RecordRef,
    Value,
    ValueRefused,
    check_value,
)

NUMBERING_CHARACTERS_MAX = 100
# Fields of time that another field of the same table or relation ends.
ENDS: Mapping[str, str] = {"start": "end", "call": "release", "from": "to"}
CHOICE_CHARACTERS_MAX = 200
_YES = frozenset(("yes", "y", "true", "t", "on", "1", "x", "✓", "✔"))
_NO = frozenset(("no", "n", "false", "f", "off", "0"))
_INT = re.compile(r"[+-]?[0-9]+(\.0*)?")


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
    spread, notes = _spread(holder, raws)
    assumed.extend(notes)
    for name, raw in spread.items():
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


def _spread(holder: Table | Relation, raws: Mapping[str, object]) -> tuple[Mapping[str, object], list[str]]:
    """Returns what is given with ranges of times, typed into a field that another one ends, as both; and what was said.

    "2-5" for a start is a start and an end, where no end is given.
    """
    notes: list[str] = []
    found = dict(raws)
    for name, raw in raws.items():
        first = holder.resolve(name) if type(raw) is str else None
        last = _fields_of(holder).get(ENDS.get(first.name, "")) if first is not None else None
        if first is None or last is None or {first.type, last.type} != {"time"} or type(raw) is not str:
            continue
        span = span_in(raw)
        if span is None or any(holder.resolve(other) is last for other in raws):
            continue
        found[name], found[last.key] = span[:2]
        if span[2]:
            notes.append(f"{first.title} and {last.title}: {shown(raw)} read as {span[0]} to {span[1]}")
    return found, notes


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


def _read_bool(field: Field, raw: object) -> Parsed:
    if type(raw) is bool:
        return raw, None
    word = str(raw).strip().lower() if isinstance(raw, (str, int)) else ""
    if word in _YES:
        return True, None
    if word in _NO:
        return False, None
    raise FieldRefused(field, raw, f"{shown(raw)} is neither yes nor no; write yes or no.")


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
        text = _without_unit(field, text_of(field, raw, "no whole number; write one like 12"))
        if _INT.fullmatch(text) is None or len(text) > NUMBER_CHARACTERS_MAX:
            refuse(field, raw, f"{shown(raw)} is no whole number; write one like 12.")
        number = int(text.partition(".")[0])
    if not INT_MIN <= number <= INT_MAX:
        refuse(field, raw, f"{shown(raw)} is too big for a whole number.")
    return number, None


def _number_text(field: Field, raw: object) -> tuple[str, str | None]:
    text = _without_unit(field, text_of(field, raw, "no number; write one like 2.5")).replace("−", "-")
    assumed = None
    if NUMBER_COMMA.fullmatch(text) is not None:
        if len(text.partition(",")[2]) == 3:
            refuse(field, raw, f"{shown(raw)} could be a thousand or a fraction; write the number without comma.")
        text = text.replace(",", ".")
        assumed = f"{shown(raw)} read as {text}"
    if NUMBER.fullmatch(text) is None or len(text) > NUMBER_CHARACTERS_MAX:
        refuse(field, raw, f"{shown(raw)} is no number; write one like 2.5.")
    return text, assumed


def _read_float(field: Field, raw: object) -> Parsed:
    if type(raw) is float or type(raw) is int:
        try:
            number, assumed = float(raw), None
        except OverflowError:
            refuse(field, raw, "the number is too big.")
    else:
        text, assumed = _number_text(field, raw)
        number = float(text)
    if not math.isfinite(number):
        refuse(field, raw, f"{shown(raw)} is no number that can be stored.")
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
        refuse(field, raw, f"{shown(raw)} is no text.")
    if "\0" in text:
        refuse(field, raw, "the text holds a zero byte; take it out.")
    return text, None


def _numbering(field: Field, raw: object, what: str) -> str:
    if type(raw) is int and raw >= 0:
        return str(raw)
    if type(raw) is float and math.isfinite(raw) and raw >= 0:
        return _canonical_decimal(f"{decimal.Decimal(repr(raw)):f}").removesuffix(".0")
    text = text_of(field, raw, what)
    if len(text) > NUMBERING_CHARACTERS_MAX or not text.isprintable():
        refuse(field, raw, f"{shown(raw)} is {what}.")
    return text


def _read_natural(field: Field, raw: object) -> Parsed:
    if type(raw) is Natural:
        return raw, None
    return Natural(_numbering(field, raw, "no number as cues have; write one like 11, 11.5 or 11.5A")), None


def _read_outline(field: Field, raw: object) -> Parsed:
    if type(raw) is Outline:
        return raw, None
    return Outline(_numbering(field, raw, "no scene number; write one like 1.10 or II.9A")), None


def _read_choice(field: Field, raw: object) -> Parsed:
    text = str(raw) if type(raw) is int else raw
    word = text_of(field, text, f"none of {_listed(field.choices)}")
    if word in field.choices:
        return word, None
    folded = {choice.casefold(): choice for choice in reversed(field.choices)}
    if word.casefold() in folded:
        return folded[word.casefold()], None
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.75)
    if field.open:
        if len(word) > CHOICE_CHARACTERS_MAX or not word.isprintable():
            refuse(field, raw, f"{shown(raw)} is too long or odd for a choice; write a word or two.")
        return word, f"{shown(word)} is a new choice; did you mean '{folded[near[0]]}'?" if near else None
    if near:
        refuse(field, raw, f"{shown(raw)} is not a choice here; did you mean '{folded[near[0]]}'?")
    raise FieldRefused(field, raw, f"{shown(raw)} is not a choice here; choose {either(field.choices)}.")


def _listed(choices: Sequence[str]) -> str:
    return ", ".join(choices) or "the choices"


def _read_record(field: Field, raw: object) -> Parsed:
    if type(raw) is RecordRef:
        return raw, None
    return RecordRef(_entity(field, raw)), None


def _entity(field: Field, raw: object) -> bytes:
    if type(raw) is bytes and len(raw) == 16:
        return raw
    text = text_of(field, raw, "no record; give a record's id")
    try:
        return id_from_text(text)
    except ValueError:
        refuse(field, raw, f"{shown(raw)} is no record; give its id, or TABLE:KEY like lighting.cues:11.")


def _read_fieldref(field: Field, raw: object) -> Parsed:
    if type(raw) is FieldRef:
        return raw, None
    if isinstance(raw, Mapping):
        given = cast("Mapping[str, object]", raw)
        record, key = given.get("record"), given.get("field")
    else:
        record, _, key = text_of(field, raw, "no field of a record").partition(" ")
    if type(key) is not str or key.count(".") < 2:
        refuse(field, record, f"{shown(record)} names no field; write a record's id, a space and module.table.field.")
    return FieldRef(_entity(field, record), key.strip()), None


def _read_blob(field: Field, raw: object) -> Parsed:
    if type(raw) is BlobRef:
        return raw, None
    try:
        given = msgspec.convert(raw, _BlobShape)
        digest = bytes.fromhex(given.hash)
    except (msgspec.ValidationError, ValueError):
        refuse(field, raw, f"{shown(raw)} is no file kept here. Put one there with: openprod attach RECORD FIELD FILE")
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
        refuse(field, raw, f"{shown(raw)} is no list; write its parts with commas between them.")
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
    "date": read_date,
    "time": read_time,
    "datetime": read_datetime,
    "duration": read_duration,
    "choice": _read_choice,
    "record": _read_record,
    "field": _read_fieldref,
    "blob": _read_blob,
    "list": _read_list,
}

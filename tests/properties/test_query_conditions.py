"""Compiled conditions against a plain evaluator that knows neither SQL nor the compiler."""

from __future__ import annotations

import re
from decimal import Decimal as Exact
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.query.read_model import AsItIs
from tests.unit.query.small import small

from openprod.model.natural import decimal_normal, natural_key, outline_key
from openprod.model.values import (
    Date,
    DateTime,
    Decimal,
    Duration,
    ListValue,
    Natural,
    Outline,
    Time,
    Value,
)
from openprod.query.conditions import (
    And,
    Comparison,
    Condition,
    Constant,
    Exists,
    Name,
    Not,
    Number,
    Operand,
    Or,
    Path,
    Several,
    Step,
)
from openprod.query.problems import SyntaxProblem
from openprod.query.text import condition_text, parse_condition
from openprod.query.tree import Query

CHOICES = ("SQ", "LX", "VID")
TEXTS = ("", "LX", "SQ", "lx", "Blue wash", "BLUE", "é wash", "É", "11.1", "11.10", "2026-01-12", "18:00", "1.50", "x%")
NUMBERS = ("0", "1", "1.5", "1.50", "11.1", "11.10", "-2", "18")

texts = st.sampled_from(TEXTS)
numbers = st.sampled_from(NUMBERS)
dates = st.sampled_from(("2026-01-12", "2026-01-13")).map(Date)
moments = st.sampled_from(("2026-01-12T00:00", "2026-01-12T18:00", "2026-01-13T00:00")).map(DateTime)
lengths = st.sampled_from((0, 1_000_000, 1_500_000, 11_100_000)).map(Duration)

VALUES: dict[str, st.SearchStrategy[Value]] = {
    "text": texts,
    "choice": st.sampled_from((*CHOICES, "OTHER", "lx")),
    "int": st.sampled_from((0, 1, -2, 18)),
    "float": st.sampled_from((0.0, 1.5, 11.1, -2.0)),
    "dec": numbers.map(Decimal),
    "nat": st.sampled_from((*NUMBERS, "11.1A", "PRE")).map(Natural),
    "out": st.sampled_from(("1.1", "1.10", "II.9A", "11.1")).map(Outline),
    "bool": st.booleans(),
    "date": dates,
    "time": st.sampled_from(("00:00", "18:00", "18:00:30")).map(Time),
    "moment": moments,
    "length": lengths,
    "list": st.lists(texts, max_size=2).map(lambda items: ListValue(tuple(items))),
}
any_value = st.one_of(*VALUES.values())


ENDS = Path("", (Step("m.r", forward=True),))
PATHS = (
    Path("", (Step("m.r", forward=True),), "name"),
    Path("", (Step("m.r", forward=True),), "m.b.rank"),
    Path("", (Step("m.r", forward=True),), "nat"),
    Path("", (Step("m.r", forward=True),), "", "weight"),
)
ABSENT = (Name("ghost.table.field"), Path("", (Step("ghost.rel", forward=True),), "name"))
PATTERNS = {
    "LIKE": ("%", "l_", "%WASH", "É%", "é%", "11.1%", "x%", "____"),
    "CONTAINS": ("wash", "blue WASH", "bl*", "É", "e", "", "…"),
    "MATCHES": (".*", "LX|SQ", "[0-9.]+", "(?i)blue.*", "é wash"),
}
SEARCHABLE = ("text", "choice", "list", "nat", "dec", "date", "time")
COMPARED = ("==", "!=", "<", "<=", ">", ">=")


@st.composite
def records(draw: st.DrawFn) -> dict[str, Value]:
    """Records whose fields are mostly of their own type, sometimes missing, sometimes of another type."""
    record: dict[str, Value] = {}
    for name, values in VALUES.items():
        kind = draw(st.sampled_from(("own", "own", "own", "own", "none", "stray")))
        record[name] = None if kind == "none" else draw(values if kind == "own" else any_value)
    return record


def literal_of(value: Value) -> Constant:
    """Returns a literal that a person would write for a value."""
    match value:
        case bool() | Date() | DateTime() | Duration() | None:
            return Constant(value)
        case int() | float():
            return Constant(Number(str(value)))
        case Decimal() | Natural() | Outline():
            is_number = re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value.text) is not None
            return Constant(Number(value.text) if is_number else value.text)
        case Time():
            return Constant(value.text)
        case ListValue():
            return Constant(str(value.items[0]) if value.items else None)
        case _:
            return Constant(str(value))


@st.composite
def comparisons(draw: st.DrawFn) -> Condition:
    field = draw(st.sampled_from(tuple(VALUES)))
    name = Name(draw(st.sampled_from((field, f"m.a.{field}"))))
    other = Name(draw(st.sampled_from(tuple(VALUES))))
    own = draw(VALUES[field].map(literal_of))
    any_literal = draw(any_value.map(literal_of))
    operator = draw(st.sampled_from(COMPARED))
    match draw(
        st.sampled_from(
            ("own", "own", "own", "any", "in", "field", "path", "several", "search", "search", "absent", "odd")
        )
    ):
        case "own":
            sides: tuple[Operand, Operand] = (name, own)
        case "any":
            sides = (name, any_literal)
        case "in":
            return Comparison("IN", name, Several((own, any_literal, draw(any_value.map(literal_of)))))
        case "field":
            sides = (name, other)
        case "path":
            path = draw(st.sampled_from(PATHS))
            sides = (path, draw(st.sampled_from((own, any_literal, name, draw(st.sampled_from(PATHS))))))
        case "several":
            sides = (Several((other, name)), draw(st.sampled_from((own, any_literal))))
        case "search":
            how = draw(st.sampled_from(("LIKE", "CONTAINS", "MATCHES")))
            looked_at = draw(st.sampled_from((Name(draw(st.sampled_from(SEARCHABLE))), name, PATHS[0])))
            return Comparison(how, looked_at, Constant(draw(st.sampled_from(PATTERNS[how]))))
        case "absent":
            sides = (draw(st.sampled_from(ABSENT)), own)
        case _:
            sides = (draw(any_value.map(literal_of)), any_literal)
    if draw(st.sampled_from((False, False, False, True))):
        sides = (sides[1], sides[0])
    return Comparison(operator, *sides)


@st.composite
def conditions(draw: st.DrawFn, depth: int = 0) -> Condition:
    kinds = ("leaf", "leaf", "not", "and", "or", "exists") if depth < 3 else ("leaf",)
    match draw(st.sampled_from(kinds)):
        case "not":
            return Not(draw(conditions(depth + 1)))
        case "and":
            return And((draw(conditions(depth + 1)), draw(conditions(depth + 1))))
        case "or":
            return Or((draw(conditions(depth + 1)), draw(conditions(depth + 1))))
        case "exists":
            names = tuple(map(Name, VALUES))
            return Exists(draw(st.sampled_from((*names, *PATHS, *ABSENT, ENDS, Several(names[:2])))))
        case _:
            return draw(comparisons())


FIELD_TYPES = {
    "text": str,
    "choice": str,
    "int": int,
    "float": float,
    "dec": Decimal,
    "nat": Natural,
    "out": Outline,
    "bool": bool,
    "date": Date,
    "time": Time,
    "moment": DateTime,
    "length": Duration,
    "list": ListValue,
    "name": str,
    "rank": int,
    "weight": int,
}


class Known:
    """A value looked at: its field, and whether it is a literal."""

    def __init__(self, value: Any, field: str = "", *, is_literal: bool = False) -> None:
        self.value = value
        self.field = field
        self.is_literal = is_literal

    @property
    def is_stray(self) -> bool:
        """Tells whether the value is of another type than its field."""
        if self.is_literal or self.value is None:
            return False
        wanted = FIELD_TYPES[self.field]
        if wanted is float:
            return type(self.value) not in {int, float}
        return type(self.value) is not wanted


class Plain:
    """The rules of conditions in plain Python, over one record and its related records."""

    def __init__(self, record: dict[str, Value], related: list[tuple[dict[str, Value], int | None]]) -> None:
        self.record = record
        self.related = related

    def holds(self, condition: Condition) -> bool:
        match condition:
            case And(parts):
                return all(self.holds(part) for part in parts)
            case Or(parts):
                return any(self.holds(part) for part in parts)
            case Not(inner):
                return not self.holds(inner)
            case Exists(operand):
                if operand == ENDS:
                    return bool(self.related)
                return any(known.value is not None for known in self.values(operand))
            case Comparison(operator, left, right):
                if operator == "IN":
                    assert isinstance(right, Several)
                    return any(
                        self.compared("==", one, Known(cast("Constant", item).value, is_literal=True))
                        for one in self.values(left)
                        for item in right.items
                    )
                return any(
                    self.compared(operator, one, other) for one in self.values(left) for other in self.values(right)
                )

    def values(self, operand: Operand) -> list[Known]:
        """Returns what an operand may be: of a path one for each end, of a list the first present."""
        match operand:
            case Constant(value):
                return [Known(value, is_literal=True)]
            case Name(text):
                return [self.named(text, self.record)]
            case Path(steps=(Step(relation="ghost.rel"),)):
                return []
            case Path(tail=tail, of_relation=of_relation):
                if of_relation:
                    return [Known(weight, "weight") for _, weight in self.related]
                return [self.named(tail, end) for end, _ in self.related]
            case Several(items):
                found = [known for item in items for known in self.values(item)]
                return [next((known for known in found if known.value is not None), found[0])]
            case _:
                raise AssertionError(operand)

    def named(self, text: str, record: dict[str, Value]) -> Known:
        short = text.rpartition(".")[2]
        return Known(None, "text") if text.startswith("ghost") else Known(record.get(short), short)

    def compared(self, operator: str, one: Known, other: Known) -> bool:
        if operator in {"LIKE", "MATCHES", "CONTAINS"}:
            return searched(operator, one, str(other.value))
        if (one.is_literal and one.value is None) or (other.is_literal and other.value is None):
            same = one.value is None and other.value is None
            return same if operator == "==" else not same if operator == "!=" else False
        if one.value is None or other.value is None or one.is_stray or other.is_stray:
            return False
        keys = comparable(one, other)
        if keys is None:
            return False
        first, second = keys
        table = {"==": first == second, "!=": first != second, "<": first < second, ">": first > second}
        table |= {"<=": first <= second, ">=": first >= second}
        return bool(table[operator])


def text_of(known: Known) -> str | None:
    """Returns the text that a value stands as, for LIKE, MATCHES and CONTAINS."""
    match known.value:
        case str():
            return known.value
        case Decimal() | Natural() | Outline() | Time():
            return known.value.text
        case Date():
            return known.value.iso
        case DateTime():
            return known.value.local
        case _:
            return None


def searched(operator: str, known: Known, text: str) -> bool:
    if known.is_literal and not isinstance(known.value, str):
        return False
    if isinstance(known.value, ListValue) and not known.is_stray:
        return operator == "CONTAINS" and text in known.value.items
    value = text_of(known)
    if value is None or known.is_stray:
        return False
    if operator == "LIKE":
        parts = [".*" if one == "%" else "." if one == "_" else re.escape(one) for one in text]
        return re.fullmatch("".join(parts), value, re.IGNORECASE | re.DOTALL) is not None
    if operator == "MATCHES":
        return re.fullmatch(text, value) is not None
    fold = str.maketrans("éÉ", "ee")
    words = re.findall(r"\w+", value.translate(fold).lower())
    for word in text.split():
        cleaned = word.translate(fold).lower().strip("…")
        if cleaned.endswith("*"):
            if not any(one.startswith(cleaned[:-1]) for one in words):
                return False
        elif cleaned and cleaned not in words:
            return False
    return True


def comparable(one: Known, other: Known) -> tuple[Any, Any] | None:
    """Returns two values that Python can order, or None where they are of types that do not compare."""
    if one.is_literal and other.is_literal:
        return literals(one.value, other.value)
    if one.is_literal:
        found = as_field(one.value, other)
        return None if found is None else (found, own_key(other))
    if other.is_literal:
        found = as_field(other.value, one)
        return None if found is None else (own_key(one), found)
    return fields(one, other)


def own_key(known: Known) -> Any:
    value = known.value
    match value:
        case str() if known.field == "choice":
            return (CHOICES.index(value) if value in CHOICES else 3, text_key(value))
        case str():
            return text_key(value)
        case Natural():
            return natural_key(value.text)
        case Outline():
            return outline_key(value.text)
        case Decimal():
            return Exact(value.text)
        case Date():
            return value.iso
        case Time():
            return value.text
        case DateTime():
            return value.local
        case Duration():
            return value.us
        case ListValue():
            return None
        case _:
            return value


def text_key(text: str) -> tuple[str, str]:
    lower = "".join(one.lower() if one.isascii() else one for one in text)
    return lower, text


def as_field(literal: Any, field: Known) -> Any:
    """Returns a literal as a value of a field's type, or None."""
    is_text, is_number = isinstance(literal, str), isinstance(literal, Number)
    text = str(literal.text) if isinstance(literal, Number) else str(literal) if is_text else ""
    is_numeral = numeral(text) is not None
    match FIELD_TYPES[field.field].__name__:
        case "str":
            return own_key(Known(literal, field.field)) if is_text else None
        case "int" | "float":
            return float(text) if is_number else None
        case "bool":
            return literal if isinstance(literal, bool) else None
        case "Decimal":
            return Exact(decimal_normal(text)) if (is_number or is_text) and is_numeral else None
        case "Natural":
            return natural_key(text) if is_number or is_text else None
        case "Outline":
            return outline_key(text) if is_number or is_text else None
        case "Duration":
            if isinstance(literal, Duration):
                return literal.us
            return int(Exact(text) * 1_000_000) if is_numeral else None
        case "Date":
            return day_of(literal)
        case "Time":
            return text if is_text and re.fullmatch(r"\d\d:\d\d(:\d\d)?", text) else None
        case "DateTime":
            return moment_of(literal)
        case _:
            return None


def day_of(literal: Any) -> str | None:
    match literal:
        case Date(iso):
            return iso
        case DateTime(local):
            return local[:10]
        case str() if re.fullmatch(r"\d{4}-\d\d-\d\d", literal):
            return literal
        case _:
            return None


def moment_of(literal: Any) -> str | None:
    match literal:
        case Date(iso):
            return f"{iso}T00:00"
        case DateTime(local):
            return local
        case str() if re.fullmatch(r"\d{4}-\d\d-\d\d", literal):
            return f"{literal}T00:00"
        case _:
            return None


def fields(one: Known, other: Known) -> tuple[Any, Any] | None:
    """Returns keys for two fields' values: of one kind, or one whose text the other's kind can take."""
    kinds: set[Any] = {type(one.value), type(other.value)}
    if ListValue in kinds:
        return None
    if len(kinds) == 1:
        if kinds == {str} and (one.field, other.field) != ("choice", "choice"):
            return text_key(one.value), text_key(other.value)
        return own_key(one), own_key(other)
    if kinds == {int, float}:
        return one.value, other.value
    if kinds == {Date, DateTime}:
        return day_of(one.value), day_of(other.value)
    for kind, key in ((Natural, natural_key), (Outline, outline_key), (Decimal, numeral)):
        if kind in kinds and kinds - {kind} <= {str, int, float}:
            first, second = (key(plain_text(known.value)) for known in (one, other))
            return None if first is None or second is None else (first, second)
    return None


def numeral(text: str) -> Exact | None:
    return Exact(text) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) else None


def plain_text(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return str(value) if isinstance(value, int | str) else str(value.text)


def literals(one: Any, other: Any) -> tuple[Any, Any] | None:
    """Returns keys for two literals."""
    match one, other:
        case bool(), bool():
            return one, other
        case Duration(), Duration():
            return one.us, other.us
        case Number(), Number():
            return Exact(one.text), Exact(other.text)
        case str(), str():
            return text_key(one), text_key(other)
        case (Number() | Duration(), Number() | Duration() | str()) | (str(), Number() | Duration()):
            return mixed_lengths(one, other)
        case Date(), _:
            return pair(day_of(one), day_of(other))
        case DateTime(), _:
            return pair(moment_of(one), moment_of(other))
        case str(), Date():
            return pair(day_of(one), day_of(other))
        case str(), DateTime():
            return pair(moment_of(one), moment_of(other))
        case _:
            return None


def mixed_lengths(one: Any, other: Any) -> tuple[Any, Any] | None:
    if isinstance(one, Number) or (isinstance(one, str) and isinstance(other, Number)):
        return None
    field = Known(Duration(0), "length")
    return pair(as_field(one, field), as_field(other, field))


def pair(one: Any, other: Any) -> tuple[Any, Any] | None:
    return None if one is None or other is None else (one, other)


related_records = st.lists(
    st.tuples(
        st.fixed_dictionaries(
            {
                "name": st.one_of(st.none(), texts, any_value),
                "rank": st.one_of(st.none(), VALUES["int"]),
                "nat": st.one_of(st.none(), VALUES["nat"]),
            }
        ),
        st.one_of(st.none(), VALUES["int"]),
    ),
    max_size=2,
)


@settings(max_examples=120, deadline=None)
@given(
    rows=st.lists(st.tuples(records(), related_records), min_size=1, max_size=4),
    several=st.lists(conditions(), min_size=6, max_size=10),
)
def test_a_compiled_condition_finds_the_records_that_the_plain_rules_find(
    rows: list[tuple[dict[str, Value], list[tuple[dict[str, Value], Any]]]], several: list[Condition]
) -> None:
    model = small()
    ids: list[str] = []
    for record, related in rows:
        eid = model.add("m.a", {name: wrapped(value) for name, value in record.items()})
        ids.append(model.id(eid))
        for end, weight in related:
            target = model.add("m.b", {name: wrapped(value) for name, value in end.items()})
            model.relate("m.r", eid, target, weight=weight)

    for condition in several:
        text = condition_text(condition)
        found = set(model.where("m.a", text))
        wanted = {
            id for id, (record, related) in zip(ids, rows, strict=True) if Plain(record, related).holds(condition)
        }
        assert found == wanted, text


def wrapped(value: Value) -> object:
    """Keeps a value from being read as typed text, so that wrong-typed ones are stored as they are."""
    return AsItIs(value) if isinstance(value, str | int | float) else value


@settings(max_examples=300, deadline=None)
@given(conditions())
def test_a_condition_written_down_and_read_again_is_the_same(condition: Condition) -> None:
    assert parse_condition(condition_text(condition)) == condition


pieces = st.lists(st.sampled_from(("a", "==", "(", ")", "NOT", "->m.r", "[", "1", '"x"')), max_size=8).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | pieces)
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    try:
        parse_condition(text)
    except SyntaxProblem as problem:
        is_placed = problem.line >= 1 and problem.column >= 1 and str(problem).endswith("^")
    else:
        is_placed = True
    assert is_placed


def test_a_query_holds_no_value_of_a_person_in_its_sql() -> None:
    model = small()
    query = Query(from_="m.a", where='text == "zebra" OR nat IN ["zebra", 4242] OR text LIKE "zebra%"')
    assert "zebra" not in model.compiled(query).sql
    assert "4242" not in model.compiled(query).sql

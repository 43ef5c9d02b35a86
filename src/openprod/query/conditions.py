"""The tree of a condition: what was asked, before anybody looks whether the names exist.

Knows the shapes that query text can have. Must not know the catalog or SQL. `at` is the offset in the text, for error
messages only; two trees that say the same are equal wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from openprod.model.values import Date, DateTime, Duration

Operator: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">=", "IN", "LIKE", "MATCHES", "CONTAINS"]
OPERATORS: tuple[Operator, ...] = ("==", "!=", "<", "<=", ">", ">=", "IN", "LIKE", "MATCHES", "CONTAINS")
POSITION = "position"


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written: "11.10" stays so, because a cue number is compared by what was typed."""

    text: str


Scalar: TypeAlias = bool | str | Number | Date | DateTime | Duration | None


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal."""

    value: Scalar
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """`$name`, or `$source.field` in a rule."""

    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A field by short or full name, or a step and a field of it: `label`, `lighting.cues.label`, `person.name`."""

    text: str
    at: int = field(default=0, compare=False)

    @property
    def parts(self) -> tuple[str, ...]:
        """The name between its dots."""
        return tuple(self.text.split("."))


@dataclass(frozen=True, slots=True)
class Step:
    """One relation followed, forwards (`->`) or back (`<-`).

    Args:
        relation: full name of the relation.
        order: a property of the relation that orders the ends (`[entrance]`), or None.
        name: what `@name` calls this step, or "".
    """

    relation: str
    forward: bool
    order: str | None = None
    name: str = ""
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Path:
    """Relations followed one after the other, then what is looked at there.

    Args:
        start: the step it starts from (`scene <-script.appears`), or "" for the row itself.
        tail: a field of the ends (short or full name), or "" for the ends themselves.
        of_relation: a property of the last relation (`[cover]`), or "".
    """

    start: str
    steps: tuple[Step, ...]
    tail: str = ""
    of_relation: str = ""
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class StepProperty:
    """`g[call]`: a property of the relation by which the step called g was reached."""

    step: str
    key: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Several:
    """A list of literals and parameters to look in, or of names of which the first present counts."""

    items: tuple[Operand, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A moment or a length of time worked out from others: `moment(date, start)`, `span(start, end)`."""

    name: str
    arguments: tuple[Operand, ...]
    at: int = field(default=0, compare=False)


Operand: TypeAlias = Constant | Parameter | Name | Path | StepProperty | Several | Call


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands and what is asked between them."""

    operator: Operator
    left: Operand
    right: Operand
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether a field has a value, or a path an end."""

    operand: Operand
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """True exactly where the inner condition is not."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more conditions."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of two or more conditions."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = Comparison | Exists | Not | And | Or


@dataclass(frozen=True, slots=True)
class Template:
    """Text with operands in braces: "{person.name} ({person.role})", cut into texts and operands in turn.

    A template that is one operand and nothing else keeps that operand's type.
    """

    parts: tuple[str | Operand, ...]
    at: int = field(default=0, compare=False)


def operands_of(condition: Condition) -> Iterator[Operand]:
    """Yields every operand of a condition, those inside lists too."""
    match condition:
        case And(parts) | Or(parts):
            for part in parts:
                yield from operands_of(part)
        case Not(inner):
            yield from operands_of(inner)
        case Exists(operand):
            yield from parts_of(operand)
        case Comparison(_, left, right):
            yield from parts_of(left)
            yield from parts_of(right)


def parts_of(operand: Operand) -> Iterator[Operand]:
    """Yields an operand and, of a list or call, everything in it."""
    yield operand
    if isinstance(operand, Several | Call):
        for item in operand.items if isinstance(operand, Several) else operand.arguments:
            yield from parts_of(item)

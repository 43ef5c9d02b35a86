"""The calls around tables and records that only a workspace has: views, checks, and records that are one and the same.

Knows the public API of what can be read and edited. Decides nothing.
"""

from __future__ import annotations

from typing import Annotated, Protocol, TypedDict

from msgspec import Meta, field

from openprod.model.values import Plain
from openprod.server.call import Args, Calls, Name
from openprod.server.calls import Desk
from openprod.workspace.shapes import CheckShape, ViewShape
from openprod.workspace.view import View


class AnyTable(Args, frozen=True):
    """Names a table; null for all."""

    table: Name | None = None


class TwoRecords(Args, frozen=True):
    """Names two records."""

    one: Name
    other: Name


class SplitOff(Args, frozen=True):
    """Names a merged record and the tables that go with the part that is split off; none: those it was in by itself."""

    record: Name
    tables: Annotated[list[Name], Meta(max_length=64)] = field(default_factory=list[Name])


class DifferenceShape(TypedDict):
    """A field in which two records differ, with both values."""

    field: str
    one: Plain
    other: Plain


class MappedPair(TypedDict):
    """Two fields, by full key, that are the same data."""

    one: str
    other: str


class Merged(TypedDict):
    """The id that stands for both records."""

    record: str


class SplitApart(TypedDict):
    """The ids of the record that stays and of the one that goes."""

    stays: str
    goes: str


class RecordsSeat(Protocol):
    """One page's connection, as these calls see it."""

    @property
    def desk(self) -> Desk:
        """What the window reads and writes."""
        ...


def _room(seat: RecordsSeat) -> View:
    desk = seat.desk
    if not isinstance(desk, View):
        raise TypeError("this desk is no workspace")
    return desk


def _differences(seat: RecordsSeat, args: TwoRecords) -> list[DifferenceShape]:
    found = _room(seat).differences(args.one, args.other)
    return [{"field": str(each["field"]), "one": each["one"], "other": each["other"]} for each in found]


def _mapped(seat: RecordsSeat, _: Args) -> list[MappedPair]:
    return [{"one": one, "other": other} for one, other in _room(seat).mappings()]


def _split(seat: RecordsSeat, args: SplitOff) -> SplitApart:
    stays, goes = _room(seat).split(args.record, args.tables)
    return {"stays": stays, "goes": goes}


_call = Calls[RecordsSeat]()

RECORD_CALLS = (
    _call(
        "table.views",
        AnyTable,
        list[ViewShape],
        "The views of a table, or of all: modules' lists, everybody's and this person's own.",
        lambda s, a: _room(s).views(a.table),
    ),
    _call(
        "table.checks",
        AnyTable,
        list[CheckShape],
        "What modules say somebody should look at in a table, or in all, with counts.",
        lambda s, a: _room(s).checks(a.table),
    ),
    _call("table.mapped", Args, list[MappedPair], "Which fields people said are the same data.", _mapped),
    _call(
        "record.differences",
        TwoRecords,
        list[DifferenceShape],
        "In which fields two records differ: what a merge would ask about.",
        _differences,
    ),
    _call(
        "record.merge",
        TwoRecords,
        Merged,
        "Says that two records are one; values that differ become questions.",
        lambda s, a: {"record": _room(s).merge(a.one, a.other)},
    ),
    _call("record.split", SplitOff, SplitApart, "Takes a merge back.", _split),
)

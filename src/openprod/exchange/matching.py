"""Which row of a file is which record here: by its id, by what its own program calls it, as before, by its key. Pure.

Knows what is here and what the same source said last time. Must not know files or what is done with what is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, cast

from openprod.catalog.tables import Field, Table
from openprod.exchange.columns import Layout
from openprod.model.natural import natural_normal
from openprod.model.values import Decimal, Outline, Plain, plain, value_key

T = TypeVar("T")
Key = tuple[object, ...]
Links = Mapping[str, Mapping[str, Mapping[str, str]]]


def _nothing(_places: Iterable[int]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Here:
    """What the table holds.

    Attributes:
        ids: the records' ids.
        values: for each needed field key, the values by place among the ids, in plain form.
        load: brings the values of these places that are not among `values` yet.
        links: for each relation by its key, for each record the records at the other end with the relations' own ids.
    """

    ids: Sequence[str]
    values: Mapping[str, Mapping[int, Plain] | Sequence[Plain]]
    load: Callable[[Iterable[int]], None] = _nothing
    links: Links = field(default_factory=dict[str, "Mapping[str, Mapping[str, str]]"])


@dataclass(slots=True)
class Memory:
    """What a source said before.

    Attributes:
        source: what it is called.
        rows: by record, by field key or relation, what it said; records that it does not name any more are not there.
        setup: how its last file was read, as `stage` keeps it.
        when: when that was, ISO, empty if never.
        file: the last file's name.
    """

    source: str = ""
    rows: dict[str, dict[str, Plain]] = field(default_factory=dict[str, "dict[str, Plain]"])
    setup: Mapping[str, object] = field(default_factory=dict[str, object])
    when: str = ""
    file: str = ""


class Found(NamedTuple):
    """What a row is: a record here by its place; or one that is not here any more; or a reason why it is neither."""

    place: int | None = None
    dead: str | None = None
    problem: str = ""


NEW = Found()


class Matcher:
    """Finds the records of rows."""

    def __init__(self, table: Table, layout: Layout, here: Here, memory: Memory, file_owns: frozenset[str]) -> None:
        self._table = table
        self._layout = layout
        self._here = here
        self._memory = memory
        self._file_owns = file_owns
        self.places = {one: place for place, one in enumerate(here.ids)}
        self._own = self._index(layout.own)
        self._match = self._index(layout.match)
        self._said_own = self._said_index(layout.own)
        self._said = self._said_index(layout.match)

    # -- keys

    def _index(self, fields: Sequence[Field]) -> dict[Key, list[int]]:
        found: dict[Key, list[int]] = {}
        if fields:
            columns = (self._here.values[one.key] for one in fields)
            count = range(len(self._here.ids))
            whole = (list(map(one.__getitem__, count)) if isinstance(one, Mapping) else one for one in columns)
            parts = [comparables(one, column) for one, column in zip(fields, whole, strict=True)]
            lead = self._lead(fields)
            for place, key in enumerate(zip(*parts, strict=True)):
                if _is_whole(key, lead):
                    found.setdefault(key, []).append(place)
        return found

    def _said_index(self, fields: Sequence[Field]) -> dict[Key, str]:
        found: dict[Key, str] = {}
        if fields:
            said = list(self._memory.rows.values())
            parts: list[list[object]] = []
            for one in fields:
                default = default_of(one)
                column = comparables(one, [row.get(one.key) for row in said])
                parts.append([default if part is None else part for part in column])
            lead = self._lead(fields)
            for record, key in zip(self._memory.rows, zip(*parts, strict=True), strict=True):
                if _is_whole(key, lead):
                    found.setdefault(key, record)
        return found

    def _lead(self, fields: Sequence[Field]) -> int | None:
        """Returns the place up to which a key must be filled, None where all of it must be.

        Only the end of a table's own key, or of what another program calls a record (a cue without a part), may be
        missing.
        """
        if fields is self._layout.own:
            return 0
        if tuple(one.name for one in fields) != self._table.key:
            return None
        return next(at for at, one in enumerate(fields) if one.default is None)

    def known(self, fields: Sequence[Field], parts: Sequence[Sequence[object]]) -> list[Key | None]:
        """Returns the keys out of their columns, None where one does not say which record is meant."""
        lead = self._lead(fields)
        return [key if _is_whole(key, lead) else None for key in zip(*parts, strict=True)]

    # -- finding

    def find(self, record: str, own: Key | None, key: Key | None) -> Found:
        """Returns what a row is.

        Args:
            record: what stands in the column of ids.
            own: what its program calls it, None where it says nothing.
            key: its match fields, None where they do not say which record is meant.
        """
        place = self.places.get(record)
        if place is not None:
            return Found(place)
        if own is not None:
            places = self._own.get(own, [])
            if len(places) == 1:
                return Found(places[0])
            said = self._said_own.get(own)
            if said is not None:
                return self._said_record(said)
        if key is None:
            return NEW
        said = self._said.get(key)
        if said is not None and not self._is_named_elsewhere(said, own):
            return self._said_record(said)
        places = [one for one in self._match.get(key, []) if not self._is_other(one, own)]
        if len(places) > 1:
            what = " and ".join(one.title.lower() for one in self._layout.match)
            return Found(problem=f"{len(places)} records here have the same {what}; give their ids in a column 'id'")
        return Found(places[0]) if places else NEW

    def _said_record(self, record: str) -> Found:
        place = self.places.get(record)
        return Found(place) if place is not None else Found(dead=record)

    def _is_named_elsewhere(self, record: str, own: Key | None) -> bool:
        """Tells whether the source calls a record otherwise, so that a row of the same number is another one."""
        if own is None or not self._layout.own:
            return False
        said = self._memory.rows[record].get(self._layout.own[0].key)
        return said is not None and str(said).strip() != str(own[0]).strip() and str(said).strip() in self._file_owns

    def _is_other(self, place: int, own: Key | None) -> bool:
        """Tells whether another row of the file is this record: its program's name for it stands there."""
        if own is None or not self._layout.own:
            return False
        lead = self._here.values[self._layout.own[0].key][place]
        return lead is not None and str(lead).strip() != str(own[0]).strip() and str(lead).strip() in self._file_owns

    # -- files without a key

    def again(
        self, rows: Sequence[int], values: Callable[[int, str], Plain], fields: Sequence[Field], taken: set[str]
    ) -> dict[int, Found]:
        """Returns what rows without a key are, among the records that the source named last time.

        First those that say exactly what was said then, then by what the module names, where just one row and just one
        record have the same.

        Args:
            rows: the rows by place.
            values: gives a row's value by field key, in plain form.
            fields: the fields of the file.
            taken: records that other rows are.
        """
        left = {record: said for record, said in self._memory.rows.items() if record not in taken}
        found: dict[int, Found] = {}
        whole: dict[Key, list[str]] = {}
        for record, said in left.items():
            whole.setdefault(tuple(comparable(one, said.get(one.key)) for one in fields), []).append(record)
        open_rows: list[int] = []
        for row in rows:
            same = whole.get(tuple(comparable(one, values(row, one.key)) for one in fields))
            if same:
                record = same.pop(0)
                del left[record]
                found[row] = self._said_record(record)
            else:
                open_rows.append(row)
        for way in self._layout.again:
            by_row = _grouped((row, tuple(comparable(one, values(row, one.key)) for one in way)) for row in open_rows)
            by_record = _grouped(
                (record, tuple(comparable(one, said.get(one.key)) for one in way)) for record, said in left.items()
            )
            for key, same_rows in by_row.items():
                records = by_record.get(key, [])
                if key and key[0] is not None and len(same_rows) == 1 and len(records) == 1:
                    found[same_rows[0]] = self._said_record(records[0])
                    del left[records[0]]
            open_rows = [row for row in open_rows if row not in found]
        return found


def _grouped(pairs: Iterable[tuple[T, Key]]) -> dict[Key, list[T]]:
    found: dict[Key, list[T]] = {}
    for one, key in pairs:
        found.setdefault(key, []).append(one)
    return found


def _is_whole(key: Key, lead: int | None) -> bool:
    """Tells whether a key says which record is meant."""
    if None not in key:
        return bool(key)
    if lead is None:
        return False
    filled = len(key)
    while filled and key[filled - 1] is None:
        filled -= 1
    return filled > lead and None not in key[:filled]


def default_of(one: Field) -> object:
    """Returns what stands for an empty cell of a field, as it is compared."""
    return None if one.default is None else comparable(one, plain(one.default))


def comparables(one: Field, values: Sequence[Plain]) -> list[object]:
    """Returns `comparable` of a whole column."""
    if one.type in ("text", "choice", "date", "time"):
        if set(map(type, values)) <= {str, type(None)}:
            return [value or None for value in values]
    elif one.type in ("natural", "outline", "decimal") and set(map(type, values)) <= {str, type(None)}:
        known = {value: comparable(one, value) for value in set(cast("Sequence[str | None]", values))}
        return [known[value] for value in cast("Sequence[str | None]", values)]
    return [comparable(one, value) for value in values]


def comparable(one: Field, value: Plain) -> object:
    """Returns what two plain values of a field have in common exactly if they are the same value: 11.1 and 11.10."""
    if value is None or value == "":
        return None
    match one.type:
        case "text" | "choice" | "date" | "time":
            return value if isinstance(value, str) else _hashable(value)
        case "natural":
            return natural_normal(value) if isinstance(value, str) else _hashable(value)
        case "outline":
            return value_key(Outline(value)) if isinstance(value, str) else _hashable(value)
        case "decimal":
            return value_key(Decimal(value)) if isinstance(value, str) else _hashable(value)
        case _:
            return _hashable(value)


def _hashable(value: object) -> object:
    if isinstance(value, list):
        return tuple(_hashable(item) for item in cast("list[object]", value))
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return tuple(sorted((name, _hashable(item)) for name, item in items))
    return (type(value) is bool, value)

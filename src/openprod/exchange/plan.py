"""What an import would do: a sheet and what is here to new records, changes and refusals. Pure; nothing is written.

Knows how columns are found to be fields, how rows are found to be records, and what is assumed on the way. Must not
know files, queries or edits: `stage` brings what is here and carries a plan out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict, cast

from openprod.catalog.check import ColumnRefused, parse_column
from openprod.catalog.tables import Field, Table, either, near_names
from openprod.exchange.sheet import Sheet, plainly
from openprod.model.errors import OpenprodError, Refused
from openprod.model.values import Decimal, Natural, Outline, Plain, Value, plain, value_key

ID_COLUMN = "id"
MARKS_COLUMN = "conflicts"
LINES_SHOWN = 3
LEFT_OUT_APART_MAX = 6

Find = Callable[[Field, str], str]
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


class BadColumns(Refused):
    """What was said about columns or matching does not fit the file or the table."""

    code = "import.columns"


@dataclass(frozen=True, slots=True)
class Form:
    """What a module says about files of one kind.

    Attributes:
        columns: names of columns, each with its field.
        values: for fields, what a file's word means here.
        match: the fields by which a record is known.
        otherwise: for fields, the field of text that takes what they cannot.
    """

    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    match: tuple[str, ...]
    otherwise: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns of a sheet are which fields.

    Attributes:
        fields: the fields, each with the place of its column.
        id_at: the place of the column of record ids, None if there is none.
        match: the fields by which rows are found to be records; empty finds none.
        translations: for field keys, what a file's word means here.
        assumed: sentences.
    """

    fields: tuple[tuple[int, Field], ...]
    id_at: int | None
    match: tuple[Field, ...]
    translations: Mapping[str, Mapping[str, str]]
    assumed: tuple[str, ...]

    def needed(self) -> tuple[Field, ...]:
        """Returns the fields whose values here decide what an import does."""
        found = {one.key: one for one in (*self.match, *(one for _, one in self.fields))}
        return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Here:
    """What the table holds: record ids, and for each needed field key the values in that order, in plain form."""

    ids: Sequence[str]
    values: Mapping[str, Sequence[Plain]]


@dataclass(frozen=True, slots=True)
class Update:
    """New values of a record that is here, by full field key, as they stand in the file."""

    line: int
    record: str
    values: Mapping[str, object]


class Rejected(TypedDict):
    """A line that is left out, and why."""

    line: int
    reason: str


class Preview(TypedDict):
    """What an import would do, in numbers; `gone` counts the records here that the file does not name."""

    overlay: str | None
    creates: int
    updates: int
    matches: int
    unchanged: int
    gone: int
    rejected: list[Rejected]
    assumed: list[str]


@dataclass(slots=True)
class ImportPlan:
    """What an import would do.

    Attributes:
        table: the table it goes into.
        fields: full keys of the fields that new records get, in the order of `creates`.
        creates: the values of each new record, as they stand in the file.
        updates: changes of records that are here.
        matches: how many rows are records that are here, changed or not.
        unchanged: how many of these say nothing new.
        gone: how many records here the file does not name; nothing is done to them.
        rejected: (line, reason) of each line that is left out.
        assumed: sentences.
        unit: what the numbers of lines count: line, row, column or entry.
    """

    table: str
    fields: tuple[str, ...]
    creates: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    updates: list[Update] = field(default_factory=list[Update])
    matches: int = 0
    unchanged: int = 0
    gone: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    assumed: list[str] = field(default_factory=list[str])
    unit: str = "line"

    @property
    def is_empty(self) -> bool:
        """Tells whether nothing would be written."""
        return not (self.creates or self.updates)

    def preview(self, overlay: str | None = None) -> Preview:
        """Returns the plan in numbers."""
        return Preview(
            overlay=overlay,
            creates=len(self.creates),
            updates=len(self.updates),
            matches=self.matches,
            unchanged=self.unchanged,
            gone=self.gone,
            rejected=[Rejected(line=line, reason=reason) for line, reason in self.rejected],
            assumed=list(self.assumed),
        )


# -- columns


def lay_out(
    sheet: Sheet,
    table: Table,
    *,
    columns: Mapping[str, str] | None = None,
    match: Sequence[str] = (),
    forms: Sequence[Form] = (),
) -> Layout:
    """Returns which columns are which fields, by what was said, the modules' names for them, and the fields' own names.

    Args:
        sheet: the file's table.
        table: where it goes.
        columns: header to field name; an empty name leaves the column out.
        match: names of the fields by which rows are found to be records; none takes the module's word or the key.
        forms: what modules say about such files.

    Raises:
        BadColumns: naming a column or field that does not exist, or that nothing in the file is a field.
    """
    said = _said(sheet, table, columns or {})
    aliases = {plainly(name): one for form in forms for name, one in form.columns.items()}
    fields: list[tuple[int, Field]] = []
    taken: dict[str, str] = {}
    assumed: list[str] = []
    left_out: list[str] = []
    id_at: int | None = None
    for at, header in enumerate(sheet.header):
        if header in said and said[header] is None:
            continue
        if plainly(header) == ID_COLUMN and header not in said and table.resolve(ID_COLUMN) is None:
            id_at = at
            continue
        found = said.get(header) or _field_of(table, header, aliases)
        if found is None:
            if header and plainly(header) != MARKS_COLUMN:
                left_out.append(header)
        elif found.key in taken:
            assumed.append(
                f"The columns '{taken[found.key]}' and '{header}' are both {found.title}; the first was taken."
            )
        else:
            taken[found.key] = header
            fields.append((at, found))
    assumed += _left_out(table, left_out)
    if not fields:
        names = ", ".join(name for name, one in table.fields.items() if not one.hidden)
        raise BadColumns(
            f"No column of the file is a field of {table.title}. Its fields are {names}; "
            "name a column with --columns HEADER=FIELD."
        )
    translations = {
        found.key: words for form in forms for name, words in form.values.items() if (found := table.resolve(name))
    }
    given = {one.key for _, one in fields}
    found_match = _match(table, match, forms, given, assumed if id_at is None else [])
    return Layout(tuple(fields), id_at, found_match, translations, tuple(assumed))


def _said(sheet: Sheet, table: Table, columns: Mapping[str, str]) -> dict[str, Field | None]:
    """Returns the fields that were named for columns; None leaves a column out."""
    said: dict[str, Field | None] = {}
    by_name = {plainly(header): header for header in reversed(sheet.header)}
    for name, target in columns.items():
        header = name if name in sheet.header else by_name.get(plainly(name))
        if header is None:
            raise BadColumns(f"The file has no column '{name}'. Its columns are: {', '.join(sheet.header)}.")
        found = table.resolve(target) if target else None
        if target and found is None:
            near = near_names(target, table.fields)
            hint = f" Did you mean {either(near)}?" if near else f" Its fields are {', '.join(table.fields)}."
            raise BadColumns(f"There is no field '{target}' in {table.name}.{hint}")
        said[header] = found
    return said


def _field_of(table: Table, header: str, aliases: Mapping[str, str]) -> Field | None:
    """Returns the field a column is by its whole name, its first line, or its name without what stands in brackets."""
    names = dict.fromkeys((header, header.partition("\n")[0], _BRACKETS.sub("", header)))
    return next((found for name in names if (found := _field_named(table, name.strip(), aliases)) is not None), None)


def _field_named(table: Table, header: str, aliases: Mapping[str, str]) -> Field | None:
    name = plainly(header)
    found = table.resolve(aliases.get(name, "")) or table.resolve(header)
    if found is not None or not name:
        return found
    for one in table.fields.values():
        if name in (plainly(one.name), plainly(one.key)):
            return one
    return next((one for one in table.fields.values() if name == plainly(one.title)), None)


def _left_out(table: Table, headers: Sequence[str]) -> Iterable[str]:
    """Yields a sentence for each column left out; one for all where they are many, as consoles write them."""
    if len(headers) > LEFT_OUT_APART_MAX:
        listed = ", ".join(f"'{header}'" for header in headers)
        yield f"{len(headers)} columns are no fields of {table.title} and were left out: {listed}."
        return
    for header in headers:
        near = near_names(plainly(header), table.fields)
        hint = f" If it is {either(near)}, say --columns '{header}={near[0]}'." if near else ""
        yield f"The column '{header}' is no field of {table.title} and was left out.{hint}"


def _match(
    table: Table, match: Sequence[str], forms: Sequence[Form], given: set[str], assumed: list[str]
) -> tuple[Field, ...]:
    """Returns the fields by which rows are found; nothing where the file lacks what the records are known by."""
    if match:
        found: list[Field] = []
        for name in match:
            one = table.resolve(name)
            if one is None:
                near = near_names(name, table.fields)
                raise BadColumns(
                    f"There is no field '{name}' in {table.name}." + (f" Did you mean {either(near)}?" if near else "")
                )
            if one.key not in given and one.default is None:
                raise BadColumns(f"The file has no column for {one.title} ({one.name}), so rows cannot be found by it.")
            found.append(one)
        return tuple(found)
    names = next((form.match for form in forms if form.match), table.key)
    key = [one for name in names if (one := table.resolve(name)) is not None]
    lead = next((one for one in key if one.default is None), None)
    if lead is None or lead.key not in given:
        why = f"the file has no column for {lead.title}" if lead is not None else f"{table.title} has no key"
        assumed.append(f"Every row is taken to be new, because {why}.")
        return ()
    return tuple(key)


# -- rows


def plan(sheet: Sheet, table: Table, layout: Layout, here: Here, find: Find | None = None) -> ImportPlan:
    """Returns what importing a sheet would do.

    A row is the record that it names by `id`, else the one record whose match fields are equal. No value is equal to
    none, but for what stands last in a table's own key (a cue without a part). An empty cell leaves what is here.

    Args:
        sheet: the file's table.
        table: where it goes.
        layout: its columns, by `lay_out`.
        here: the records there are.
        find: gives the id of the record that a text means in a record field, or raises an OpenprodError.
    """
    return _Planner(sheet, table, layout, here, find).plan()


class _Planner:
    """One sheet on its way to a plan."""

    def __init__(self, sheet: Sheet, table: Table, layout: Layout, here: Here, find: Find | None) -> None:
        self._sheet = sheet
        self._table = table
        self._layout = layout
        self._here = here
        self._find = find
        self._faults: dict[int, list[str]] = {}
        self._notes: dict[str, list[int]] = {}
        self._fields = [one for _, one in layout.fields]
        self._raws: list[list[object]] = []
        self._values: list[list[Value]] = []
        self._kept_empty = 0
        self._plan = ImportPlan(table.name, tuple(one.key for one in self._fields), unit=sheet.unit)

    def plan(self) -> ImportPlan:
        for at, one in self._layout.fields:
            self._read_column(one, [row[at] for row in self._sheet.rows])
        self._place_rows()
        result = self._plan
        result.rejected = sorted([*result.rejected, *self._sheet.bad])
        result.assumed = [*self._sheet.assumed, *self._layout.assumed]
        result.assumed += [f"{note} ({_lines(lines, self._sheet.unit)})" for note, lines in self._notes.items()]
        if self._kept_empty:
            what = "1 cell is" if self._kept_empty == 1 else f"{self._kept_empty:,} cells are"
            result.assumed.append(f"{what} empty in the file and filled here; what is here stays.")
        return result

    # columns to values

    def _read_column(self, one: Field, cells: list[str]) -> None:
        words = self._layout.translations.get(one.key)
        raws: list[object] = list(cells)
        if words:
            raws = [words.get(cell.strip(), cell) for cell in cells]
        if one.type == "record" and self._find is not None:
            raws = [self._record(at, one, cell) for at, cell in enumerate(cells)]
        values: list[Value] = []
        noted: list[tuple[int, str]] = []
        while not values and raws:
            try:
                values, noted = parse_column(one, raws)
            except ColumnRefused as refused:
                for at, why in refused.problems:
                    self._faults.setdefault(at, []).append(why)
                    raws[at] = None
        for at, note in noted:
            self._notes.setdefault(note, []).append(self._sheet.lines[at])
        self._raws.append(raws)
        self._values.append(values)

    def _record(self, at: int, one: Field, cell: str) -> object:
        if not cell.strip() or self._find is None:
            return None
        try:
            return self._find(one, cell.strip())
        except OpenprodError as error:
            self._faults.setdefault(at, []).append(f"{one.title} ({one.key}): {error}")
            return None

    # rows to records

    def _place_rows(self) -> None:
        known = self._known()
        places_by_id = {one: place for place, one in enumerate(self._here.ids)}
        used: dict[object, int] = {}
        matched: set[int] = set()
        keys = self._keys()
        for at, line in enumerate(self._sheet.lines):
            if at in self._faults:
                self._reject(line, " ".join(self._faults[at]))
                continue
            place = places_by_id.get(self._id_in(at))
            places = known.get(keys[at], []) if place is None else [place]
            if len(places) > 1:
                what = self._known_by()
                self._reject(line, f"{len(places)} records here have the same {what}; give their ids in a column 'id'")
                continue
            mark = places[0] if places else keys[at]
            if mark is not None and mark in used:
                self._reject(line, f"it is the same record as {self._sheet.unit} {used[mark]}")
                continue
            used[mark] = line
            if places:
                matched.add(places[0])
                self._match(at, line, places[0])
            else:
                self._create(at, line)
        if self._layout.match or self._layout.id_at is not None:
            self._plan.gone = len(self._here.ids) - len(matched)

    def _id_in(self, at: int) -> str:
        return "" if self._layout.id_at is None else self._sheet.rows[at][self._layout.id_at].strip().lower()

    def _known_by(self) -> str:
        return " and ".join(one.title.lower() for one in self._layout.match)

    def _known(self) -> dict[object, list[int]]:
        """Returns the places of the records here by what they are known by."""
        found: dict[object, list[int]] = {}
        if not self._layout.match:
            return found
        columns = [self._here.values.get(one.key, ()) for one in self._layout.match]
        parts = [
            [_comparable(one, value) for value in column]
            for one, column in zip(self._layout.match, columns, strict=True)
        ]
        for place, key in enumerate(zip(*parts, strict=True)):
            if self._is_known(key):
                found.setdefault(key, []).append(place)
        return found

    def _keys(self) -> list[object]:
        """Returns for each row what it is known by, None where it can only be new."""
        if not self._layout.match:
            return [None] * len(self._sheet.rows)
        places = {one.key: place for place, one in enumerate(self._fields)}
        parts: list[list[object]] = []
        for one in self._layout.match:
            default = None if one.default is None else _comparable(one, plain(one.default))
            place = places.get(one.key)
            if place is None:
                parts.append([default] * len(self._sheet.rows))
            else:
                values = (
                    _comparable(one, plain(value)) if value is not None else default for value in self._values[place]
                )
                parts.append(list(values))
        return [key if self._is_known(key) else None for key in zip(*parts, strict=True)]

    def _is_known(self, key: tuple[object, ...]) -> bool:
        """Tells whether a key says which record is meant: only the end of a table's own key may be missing."""
        if None not in key:
            return bool(key)
        if tuple(one.name for one in self._layout.match) != self._table.key:
            return False
        lead = next(at for at, one in enumerate(self._layout.match) if one.default is None)
        filled = max((at for at, part in enumerate(key) if part is not None), default=-1)
        return filled >= lead and None not in key[: filled + 1]

    def _reject(self, line: int, reason: str) -> None:
        self._plan.rejected.append((line, reason))

    def _create(self, at: int, line: int) -> None:
        row: list[object] = []
        for one, raws, values in zip(self._fields, self._raws, self._values, strict=True):
            if values[at] is None and one.default is not None:
                row.append(one.default)
                continue
            if values[at] is None and one.required:
                self._reject(line, f"{one.title} ({one.key}) is required for a new record")
                return
            row.append(raws[at])
        given = {one.key for one in self._fields}
        for one in self._table.fields.values():
            if one.required and one.default is None and one.key not in given:
                self._reject(
                    line, f"{one.title} ({one.key}) is required for a new record, and the file has no column for it"
                )
                return
        self._plan.creates.append(tuple(row))

    def _match(self, at: int, line: int, place: int) -> None:
        self._plan.matches += 1
        changed: dict[str, object] = {}
        for one, raws, values in zip(self._fields, self._raws, self._values, strict=True):
            held = self._here.values[one.key][place]
            if values[at] is None:
                self._kept_empty += held is not None and held != ""
            elif _comparable(one, plain(values[at])) != _comparable(one, held):
                changed[one.key] = raws[at]
        if changed:
            self._plan.updates.append(Update(line, self._here.ids[place], changed))
        else:
            self._plan.unchanged += 1


def _comparable(one: Field, value: Plain) -> object:
    """Returns what two plain values of a field have in common exactly if they are the same value: 11.1 and 11.10."""
    if value is None or value == "":
        return None
    match one.type:
        case "natural":
            return value_key(Natural(value)) if isinstance(value, str) else _hashable(value)
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


def _lines(lines: Iterable[int], unit: str) -> str:
    numbers = list(lines)
    shown = ", ".join(map(str, numbers[:LINES_SHOWN]))
    if len(numbers) == 1:
        return f"{unit} {shown}"
    more = f" and {len(numbers) - LINES_SHOWN:,} more" if len(numbers) > LINES_SHOWN else ""
    units = "entries" if unit == "entry" else f"{unit}s"
    return f"{units} {shown}{more}"

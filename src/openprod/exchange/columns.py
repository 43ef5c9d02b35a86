"""Which columns of a sheet are which fields or relations: by what was said, remembered, or named. Pure.

Knows names, the modules' words about files, and fields built from several columns. Must not know values or records.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, NamedTuple

from openprod.catalog.tables import Catalog, Field, Relation, Table, either, near_names
from openprod.exchange.sheet import Sheet, plainly
from openprod.model.errors import Refused

ID_COLUMN = "id"
MARKS_COLUMN = "conflicts"
LEFT_OUT_APART_MAX = 6
NOWHERE = -1
SAMPLE = 40
OUT, IN = "->", "<-"

How = Literal["said", "remembered", "module", "name", "built", "aside"]
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_HOLE = re.compile(r"\{([^{}]+)\}")


class BadColumns(Refused):
    """What was said about columns or matching does not fit the file or the table."""

    code = "import.columns"


@dataclass(frozen=True, slots=True)
class Form:
    """What a module says about files of one kind.

    Attributes:
        columns: names of columns, each with its field or relation.
        values: for fields, what a file's word means here.
        match: the fields by which the program that wrote the file knows a record; where there are none, or the file
            has none of them, the table's key counts.
        otherwise: for fields, the field of text that takes what they cannot.
        again: where files have no key, the fields by which a row is found among those that the same source named last
            time, tried one list after the other, each only where exactly one row and one record have the same.
        ranges: for fields of time, the field that takes the end of a range: 7:30-10.
        words: words beside a date or time and what they mean: {"cancel": {"status": "cancelled"}}.
        built: for fields, the text they are built from: "{first_name} {last_name}".
    """

    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    match: tuple[str, ...]
    otherwise: Mapping[str, str] = field(default_factory=dict[str, str])
    again: tuple[tuple[str, ...], ...] = ()
    ranges: Mapping[str, str] = field(default_factory=dict[str, str])
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    built: Mapping[str, str] = field(default_factory=dict[str, str])


class End(NamedTuple):
    """A relation seen from the records of the table a file goes into."""

    relation: Relation
    is_source: bool

    @property
    def key(self) -> str:
        """How it is called beside fields: ->schedule.works_on."""
        return f"{OUT if self.is_source else IN}{self.relation.name}"

    @property
    def title(self) -> str:
        """What it is called on screen."""
        return self.relation.title if self.is_source else self.relation.inverse or self.relation.title

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables in which the other ends are."""
        return self.relation.target_hint if self.is_source else (self.relation.source,)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file and what it is here.

    Attributes:
        header: its name in the file; for a built one what it is built from.
        at: its place; NOWHERE for one that is built, or only takes what others cannot.
        field: the field it is, None where it is a relation.
        end: the relation it is.
        how: what told so.
        parts: for a built one: places of columns, and the texts between them.
    """

    header: str
    at: int
    field: Field | None
    end: End | None = None
    how: How = "name"
    parts: tuple[int | str, ...] = ()

    @property
    def key(self) -> str:
        """The full key of the field, or the relation with its arrow."""
        if self.field is not None:
            return self.field.key
        return self.end.key if self.end is not None else ""

    def text(self, row: Sequence[str]) -> str:
        """Returns what a row has in this column."""
        if self.at >= 0:
            return row[self.at]
        return built(self.parts, row)


def built(parts: Sequence[int | str], row: Sequence[str]) -> str:
    """Returns a text made of several cells; empty where all of them are."""
    if not any(row[one].strip() for one in parts if isinstance(one, int)):
        return ""
    return " ".join("".join(row[one].strip() if isinstance(one, int) else one for one in parts).split()).strip(" ,;-–/")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns of a sheet are which fields.

    Attributes:
        columns: those that are taken.
        id_at: the place of the column of record ids, None if there is none.
        own: the fields by which the program that wrote the file knows a record.
        match: the fields by which rows are found otherwise; empty finds none.
        again: further ways to find rows again among those that the same source named last time.
        translations: for field keys, what a file's word means here.
        otherwise: for field keys, the key of the text field that takes what the field cannot.
        ranges: for field keys, the key of the field that takes the end of a range of times.
        words: words beside a date or time; for each the values, by field key, that it means.
        derived: keys of fields that the file does not hold, but that follow from it.
        assumed: sentences.
    """

    columns: tuple[Column, ...]
    id_at: int | None
    own: tuple[Field, ...]
    match: tuple[Field, ...]
    again: tuple[tuple[Field, ...], ...]
    translations: Mapping[str, Mapping[str, str]]
    otherwise: Mapping[str, str]
    ranges: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]]
    derived: frozenset[str]
    assumed: tuple[str, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that the file gives values for."""
        return tuple(one.field for one in self.columns if one.field is not None)

    @property
    def ends(self) -> tuple[Column, ...]:
        """The columns that are relations."""
        return tuple(one for one in self.columns if one.end is not None)

    def needed(self) -> tuple[Field, ...]:
        """Returns the fields whose values here decide what an import does."""
        return tuple({one.key: one for one in (*self.own, *self.match, *self.fields)}.values())


def lay_out(
    sheet: Sheet,
    table: Table,
    *,
    columns: Mapping[str, str] | None = None,
    remembered: Mapping[str, str] | None = None,
    match: Sequence[str] = (),
    forms: Sequence[Form] = (),
    catalog: Catalog | None = None,
    names_records: Callable[[End, Sequence[str]], bool] | None = None,
) -> Layout:
    """Returns which columns are which fields, by what was said, the modules' names for them, and the fields' own names.

    Args:
        sheet: the file's table.
        table: where it goes.
        columns: header to field or relation; an empty name leaves the column out; several headers with + between them,
            or a text with {header}s, build a field from columns.
        remembered: the same, as it was for the last file of the same source; what does not fit this one is passed over.
        match: names of fields by which rows are found to be records; none takes the module's word or the key.
        forms: what modules say about such files.
        catalog: every table and relation, so that columns may be relations.
        names_records: tells whether cells name records at the other end of a relation, for columns that only look so.

    Raises:
        BadColumns: naming a column or field that does not exist, or that nothing in the file is a field.
    """
    return _Layouter(sheet, table, forms, catalog, names_records).lay_out(columns or {}, remembered or {}, match)


class _Layouter:
    """A sheet's header on its way to a layout."""

    def __init__(
        self,
        sheet: Sheet,
        table: Table,
        forms: Sequence[Form],
        catalog: Catalog | None,
        names_records: Callable[[End, Sequence[str]], bool] | None,
    ) -> None:
        self._sheet = sheet
        self._names_records = names_records
        self._table = table
        self._forms = forms
        self._ends = ends_of(catalog, table) if catalog is not None else []
        self._tables = catalog.tables if catalog is not None else {}
        self._aliases = {plainly(name): one for form in reversed(forms) for name, one in form.columns.items()}
        self._found: list[Column] = []
        self._taken: dict[str, str] = {}
        self._assumed: list[str] = []
        self._left_out: list[tuple[int, str]] = []

    def lay_out(self, columns: Mapping[str, str], remembered: Mapping[str, str], match: Sequence[str]) -> Layout:
        said: dict[str, tuple[Field | End | None, How]] = {}
        for name, target in remembered.items():
            if self._is_built(name):
                self._build_again(name, target)
                continue
            header = self._header(name)
            found = self._target(target) if target else None
            if header is not None and (found is not None or not target):
                said[header] = (found, "remembered")
        for name, target in columns.items():
            if self._is_built(name):
                self._build(name, target)
                continue
            header = self._header(name)
            if header is None:
                raise BadColumns(f"The file has no column '{name}'. Its columns are: {', '.join(self._sheet.header)}.")
            said[header] = (self._target_said(target) if target else None, "said")
        id_at = self._take_columns(said)
        self._build_by_forms()
        used = {part for one in self._found for part in one.parts if isinstance(part, int)}
        self._assumed += _left_out(self._table, [header for at, header in self._left_out if at not in used])
        if not any(one.field or one.end for one in self._found):
            names = ", ".join(name for name, one in self._table.fields.items() if not one.hidden)
            raise BadColumns(
                f"No column of the file is a field of {self._table.title}. Its fields are {names}; "
                "name a column with --columns HEADER=FIELD."
            )
        otherwise = self._by_key(lambda form: form.otherwise)
        ranges = self._by_key(lambda form: form.ranges)
        words = {
            word.casefold(): {
                one.key: value for name, value in meant.items() if (one := self._table.resolve(name)) is not None
            }
            for form in self._forms
            for word, meant in form.words.items()
        }
        self._add_takers(otherwise, ranges, words)
        given = {one.field.key for one in self._found if one.field is not None}
        own = self._own(given, match)
        found_match = self._match(match, given, [] if id_at is not None or own else self._assumed)
        again: list[tuple[Field, ...]] = [
            tuple(one for name in names if (one := self._table.resolve(name)) is not None and one.key in given)
            for form in self._forms
            for names in form.again
        ]
        derived = {plainly(name) for name in self._sheet.derived}
        return Layout(
            tuple(self._found),
            id_at,
            own,
            found_match,
            tuple(one for one in again if one),
            self._translations(),
            otherwise,
            ranges,
            words,
            frozenset(one.key for one in self._found if plainly(one.header) in derived),
            tuple(self._assumed),
        )

    def _translations(self) -> dict[str, Mapping[str, str]]:
        return {
            found.key: words
            for form in self._forms
            for name, words in form.values.items()
            if (found := self._table.resolve(name)) is not None
        }

    def _by_key(self, of: Callable[[Form], Mapping[str, str]]) -> dict[str, str]:
        pairs: dict[str, str] = {}
        for form in reversed(self._forms):
            for name, other in of(form).items():
                one, taker = self._table.resolve(name), self._table.resolve(other)
                if one is not None and taker is not None:
                    pairs[one.key] = taker.key
        return pairs

    # columns

    def _header(self, name: str) -> str | None:
        if name in self._sheet.header:
            return name
        return next((one for one in self._sheet.header if plainly(one) == plainly(name)), None)

    def _target(self, name: str) -> Field | End | None:
        found = self._table.resolve(name)
        return found if found is not None else self._end_named(name)

    def _end_named(self, name: str) -> End | None:
        wanted = plainly(name.removeprefix(OUT).removeprefix(IN))
        arrow = name[:2] if name[:2] in (OUT, IN) else ""
        for one in self._ends:
            names = (one.relation.name, one.relation.name.rpartition(".")[2], one.title)
            if wanted in map(plainly, names) and arrow in ("", one.key[:2]):
                return one
        return None

    def _target_said(self, target: str) -> Field | End:
        found = self._target(target)
        if found is None:
            near = near_names(target, [*self._table.fields, *(one.relation.name for one in self._ends)])
            hint = f" Did you mean {either(near)}?" if near else f" Its fields are {', '.join(self._table.fields)}."
            raise BadColumns(f"There is no field '{target}' in {self._table.name}.{hint}")
        return found

    def _take_columns(self, said: Mapping[str, tuple[Field | End | None, How]]) -> int | None:
        """Takes each column of the file for what it is, and returns the place of the column of ids."""
        left_out: list[tuple[int, str]] = []
        id_at: int | None = None
        guesses: list[tuple[int, str]] = []
        for at, header in enumerate(self._sheet.header):
            if header in said:
                found, how = said[header]
                if found is not None:
                    self._take(header, at, found, how)
                continue
            if plainly(header) == ID_COLUMN and self._table.resolve(ID_COLUMN) is None:
                id_at = at
                continue
            if header:
                guesses.append((at, header))
        for at, header in guesses:
            guessed = self._guess(header)
            if guessed is not None and isinstance(guessed[0], End) and not self._is_end(guessed[0], at):
                names = " or ".join(self._tables[one].title for one in guessed[0].tables if one in self._tables)
                self._assumed.append(
                    f"The column '{header}' looks like {guessed[0].title}, but its cells name no {names} that are here,"
                    f" so it was left out. If they are missing, import them first."
                )
            elif guessed is not None:
                self._take(header, at, *guessed)
            elif plainly(header) != MARKS_COLUMN:
                left_out.append((at, header))
        self._found.sort(key=lambda one: one.at)
        self._left_out = left_out
        return id_at

    def _is_end(self, end: End, at: int) -> bool:
        """Tells whether a column that is called like a relation holds what the records at its other end are called."""
        if self._names_records is None:
            return True
        cells = (row[at].strip() for row in self._sheet.rows)
        return self._names_records(end, list(islice((cell for cell in cells if cell), SAMPLE)))

    def _take(self, header: str, at: int, target: Field | End, how: How) -> None:
        one = (
            Column(header, at, target, None, how)
            if isinstance(target, Field)
            else Column(header, at, None, target, how)
        )
        if one.key in self._taken:
            title = target.title
            self._assumed.append(
                f"The columns '{self._taken[one.key]}' and '{header}' are both {title}; the first was taken."
            )
            return
        self._taken[one.key] = header
        self._found.append(one)

    def _guess(self, header: str) -> tuple[Field | End, How] | None:
        """Returns what a column is by its whole name, its first line, or its name without what stands in brackets."""
        for name in dict.fromkeys((header, header.partition("\n")[0], _BRACKETS.sub("", header))):
            found = self._guess_named(name.strip())
            if found is not None:
                return found
        return None

    def _guess_named(self, header: str) -> tuple[Field | End, How] | None:
        name = plainly(header)
        alias = self._target(self._aliases[name]) if name in self._aliases else None
        if alias is not None:
            return alias, "module"
        found = self._table.resolve(header)
        if found is not None or not name:
            return None if found is None else (found, "name")
        fields = self._table.fields.values()
        for one in fields:
            if name in (plainly(one.name), plainly(one.key)):
                return one, "name"
        titled = next((one for one in fields if name == plainly(one.title)), None) or self._end_named(header)
        if titled is not None:
            return titled, "name"
        end = self._end_into(name)
        return None if end is None else (end, "name")

    def _end_into(self, name: str) -> End | None:
        """Returns the one relation that leads to a table of that name: scene, scenes; none where several do."""
        words = {name, name.removesuffix("_id"), name.removesuffix("_ids")}
        words |= {f"{word}s" for word in words}
        fitting = [
            one
            for one in self._ends
            if one.is_source
            and any(
                plainly(table.rpartition(".")[2]) in words or plainly(self._tables[table].title) in words
                for table in one.tables
                if table in self._tables
            )
        ]
        return fitting[0] if len(fitting) == 1 else None

    # fields built from columns

    def _is_built(self, name: str) -> bool:
        return name not in self._sheet.header and ("+" in name or _HOLE.search(name) is not None)

    def _build(self, template: str, target: str) -> None:
        found = self._target_said(target)
        if not isinstance(found, Field):
            raise BadColumns(f"'{template}' builds a text, and {target} is a relation. Name one column for it.")
        parts = self._parts(template)
        self._taken[found.key] = template
        self._found = [one for one in self._found if one.key != found.key]
        self._found.append(Column(template, NOWHERE, found, None, "built", tuple(parts)))

    def _parts(self, template: str, *, is_strict: bool = True) -> list[int | str]:
        """Returns the places of the columns that a template names, and the texts between; empty if one is missing."""
        pieces = _HOLE.split(template) if _HOLE.search(template) else list(_plus(template))
        found: list[int | str] = []
        for at, piece in enumerate(pieces):
            if at % 2 == 0:
                found.append(piece)
                continue
            header = self._header(piece.strip())
            if header is None and is_strict:
                listed = ", ".join(self._sheet.header)
                raise BadColumns(f"The file has no column '{piece.strip()}'. Its columns are: {listed}.")
            if header is None:
                return []
            found.append(self._sheet.header.index(header))
        return found

    def _build_again(self, template: str, target: str) -> None:
        """Builds a field as it was built last time, where the file still has the columns."""
        found, parts = self._target(target), self._parts(template, is_strict=False)
        if isinstance(found, Field) and parts:
            self._taken[found.key] = template
            self._found.append(Column(template, NOWHERE, found, None, "built", tuple(parts)))

    def _build_by_forms(self) -> None:
        for form in self._forms:
            for name, template in form.built.items():
                one = self._table.resolve(name)
                parts = self._parts(template, is_strict=False)
                if one is not None and parts and one.key not in self._taken:
                    self._taken[one.key] = template
                    self._found.append(Column(template, NOWHERE, one, None, "built", tuple(parts)))
                    named = ", ".join(f"'{self._sheet.header[at]}'" for at in parts if isinstance(at, int))
                    self._assumed.append(f"{one.title} is built from {named}.")

    def _add_takers(
        self,
        otherwise: Mapping[str, str],
        ranges: Mapping[str, str],
        words: Mapping[str, Mapping[str, str]],
    ) -> None:
        """Adds the fields that have no column of their own and take what others cannot."""
        takers = [taker for key, taker in (*otherwise.items(), *ranges.items()) if key in self._taken]
        takers += [key for meant in words.values() for key in meant]
        for key in takers:
            one = self._table.resolve(key)
            if one is not None and key not in self._taken:
                self._taken[key] = ""
                self._found.append(Column("", NOWHERE, one, None, "aside"))

    # by what records are known

    def _own(self, given: set[str], match: Sequence[str]) -> tuple[Field, ...]:
        """Returns the fields by which the program that wrote the file knows a record, where the file has them."""
        names = next((form.match for form in self._forms if form.match), ())
        if not names or names == self._table.key or tuple(match) == names:
            return ()
        found = [one for name in names if (one := self._table.resolve(name)) is not None]
        return tuple(found) if found and found[0].key in given else ()

    def _match(self, match: Sequence[str], given: set[str], assumed: list[str]) -> tuple[Field, ...]:
        """Returns the fields by which rows are found; nothing where the file lacks what the records are known by."""
        table = self._table
        if match:
            found: list[Field] = []
            for name in match:
                one = table.resolve(name)
                if one is None:
                    near = near_names(name, table.fields)
                    hint = f" Did you mean {either(near)}?" if near else ""
                    raise BadColumns(f"There is no field '{name}' in {table.name}.{hint}")
                if one.key not in given and one.default is None:
                    raise BadColumns(
                        f"The file has no column for {one.title} ({one.name}), so rows cannot be found by it."
                    )
                found.append(one)
            return tuple(found)
        key = [one for name in table.key if (one := table.resolve(name)) is not None]
        lead = next((one for one in key if one.default is None), None)
        if lead is None or lead.key not in given:
            why = f"the file has no column for {lead.title}" if lead is not None else f"{table.title} has no key"
            if not any(form.again for form in self._forms):
                assumed.append(f"Every row is taken to be new, because {why}.")
            return ()
        return tuple(key)


def _plus(template: str) -> Iterable[str]:
    """Yields a template of the form a + b as texts and names in turns."""
    yield ""
    for at, name in enumerate(template.split("+")):
        if at:
            yield " "
        yield name
    yield ""


def ends_of(catalog: Catalog, table: Table) -> list[End]:
    """Returns the relations that records of a table can have here, those that start in it first."""
    plain = [
        one
        for one in catalog.relations.values()
        # A cell names no properties, so those that need some cannot be columns.
        if not any(prop.required and prop.default is None for prop in one.properties.values())
    ]
    own = [
        End(one, is_source=True)
        for one in plain
        if one.source == table.name and (not one.target_hint or any(name in catalog.tables for name in one.target_hint))
    ]
    others = [
        End(one, is_source=False) for one in plain if table.name in one.target_hint and one.source in catalog.tables
    ]
    return own + others


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

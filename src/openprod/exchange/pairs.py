"""A file that goes into a relation: a list of pairs, or a matrix with marks where a row and a column meet.

Finds which columns are the two ends and which are properties, and what of it is new: compared with what stands here and
with what the same source said before, as for tables. Must not know files, queries or edits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from openprod.catalog.check import FieldRefused, parse
from openprod.catalog.tables import Catalog, Field, Relation, near_names
from openprod.exchange.columns import BadColumns
from openprod.exchange.matching import Memory, comparable
from openprod.exchange.plan import ImportPlan, Pair, Update
from openprod.exchange.sheet import Sheet, places, plainly
from openprod.model.values import Plain, plain

SOURCE, TARGET, MARKS = "source", "target", "*"
SAMPLE = 60
SHARE = 0.6
SPLIT = (";", "\n")
NO_MARKS = frozenset(("", "-", "–", "—", "0", "no", "n", ".", "false"))
PLAIN_MARKS = frozenset(("x", "✓", "✔", "✗", "•", "●", "*", "y", "yes", "1", "true", "ja"))

Find = Callable[[Sequence[str], str], "tuple[str | None, str]"]
Edges = Mapping[str, Mapping[str, str]]
Properties = Mapping[str, Mapping[str, Plain]]


class Sides(NamedTuple):
    """The tables in which a relation begins, and those in which it ends."""

    source: tuple[str, ...]
    target: tuple[str, ...]


@dataclass(slots=True)
class PairLayout:
    """What the columns of a file of pairs are.

    Attributes:
        source, target: the places of the columns that name the two ends; of a matrix, which side its rows are.
        is_matrix: the header names the records of the other side.
        rows_are_source: for a matrix: its rows are where the relation begins.
        properties: the places of columns, each with its property; of a matrix, the property that its marks are.
        names: for what is shown: header and key of each column taken.
    """

    source: int = -1
    target: int = -1
    is_matrix: bool = False
    rows_are_source: bool = True
    properties: list[tuple[int, Field]] = field(default_factory=list["tuple[int, Field]"])
    names: list[tuple[str, str]] = field(default_factory=list["tuple[str, str]"])
    assumed: list[str] = field(default_factory=list[str])


def lay_out_pairs(
    sheet: Sheet, relation: Relation, catalog: Catalog, columns: Mapping[str, str], find: Find
) -> PairLayout:
    """Returns what the columns of a file of pairs are.

    Args:
        sheet: the file's table.
        relation: where it goes.
        catalog: the tables.
        columns: header to source, target or a property; `*` to the property that the marks of a matrix are.
        find: the record of some tables that a text names.

    Raises:
        BadColumns: the two ends cannot be found.
    """
    return _PairLayouter(sheet, relation, catalog, find).lay_out(columns)


class _PairLayouter:
    """A header on its way to ends and properties."""

    def __init__(self, sheet: Sheet, relation: Relation, catalog: Catalog, find: Find) -> None:
        self._sheet = sheet
        self._relation = relation
        self._catalog = catalog
        self._find = find
        self._sides = sides_of(relation, catalog)
        self._layout = PairLayout()

    def lay_out(self, columns: Mapping[str, str]) -> PairLayout:
        layout = self._layout
        left = self._take_said(columns)
        for at in list(left):
            name = plainly(self._sheet.header[at])
            for side in (SOURCE, TARGET):
                if getattr(layout, side) < 0 and name in self._names(side):
                    setattr(layout, side, at)
                    left.remove(at)
                    break
        if (layout.source < 0 or layout.target < 0) and self._is_matrix(columns):
            return layout
        for side in (SOURCE, TARGET):
            if getattr(layout, side) < 0:
                shares = {at: self._share(at, side) for at in left}
                share, best = max(((one, -at) for at, one in shares.items()), default=(0.0, 0))
                best = -best
                if share < SHARE:
                    self._refuse(side)
                setattr(layout, side, best)
                left.remove(best)
                layout.assumed.append(
                    f"'{self._sheet.header[best]}' is taken for {self._titles(side)}, as its cells name such records;"
                    f" --columns '{self._sheet.header[best]}=' says otherwise."
                )
        self._take_properties(left)
        for side in (SOURCE, TARGET):
            layout.names.append((self._sheet.header[layout.source if side == SOURCE else layout.target], side))
        layout.names += [(self._sheet.header[at], one.key) for at, one in layout.properties]
        return layout

    def _take_said(self, columns: Mapping[str, str]) -> list[int]:
        left = [at for at, name in enumerate(self._sheet.header) if name]
        for name, target in columns.items():
            if name == MARKS:
                continue
            at = next((at for at in left if plainly(self._sheet.header[at]) == plainly(name)), None)
            if at is None:
                raise BadColumns(f"The file has no column '{name}'. Its columns are: {', '.join(self._sheet.header)}.")
            left.remove(at)
            if target in (SOURCE, TARGET):
                setattr(self._layout, target, at)
            elif target:
                self._layout.properties.append((at, self._property(target)))
        return left

    def _property(self, name: str) -> Field:
        found = self._relation.resolve(name)
        if found is None:
            near = near_names(name, self._relation.properties)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            names = ", ".join((SOURCE, TARGET, *self._relation.properties))
            raise BadColumns(f"There is no '{name}' in {self._relation.name}: a column is one of {names}.{hint}")
        return found

    def _take_properties(self, left: Sequence[int]) -> None:
        taken = {one.key for _, one in self._layout.properties}
        for at in left:
            header = self._sheet.header[at]
            found = self._relation.resolve(header) or next(
                (
                    one
                    for one in self._relation.properties.values()
                    if plainly(header) in (plainly(one.name), plainly(one.title))
                ),
                None,
            )
            if found is not None and found.key not in taken:
                taken.add(found.key)
                self._layout.properties.append((at, found))
            elif header and plainly(header) != "id":
                self._layout.assumed.append(
                    f"The column '{header}' is no property of {self._relation.title} and was left out."
                )

    def _names(self, side: str) -> set[str]:
        tables = self._sides.source if side == SOURCE else self._sides.target
        words = {side}
        for name in tables:
            short = plainly(name.rpartition(".")[2])
            one = short.removesuffix("s")
            words |= {short, one, f"{one}_id", plainly(self._catalog.tables[name].title)}
        return words

    def _titles(self, side: str) -> str:
        tables = self._sides.source if side == SOURCE else self._sides.target
        return " or ".join(self._catalog.tables[name].title for name in tables)

    def _share(self, at: int, side: str) -> float:
        """Returns how many of a column's cells name a record of one side."""
        tables = self._sides.source if side == SOURCE else self._sides.target
        cells = [row[at].strip() for _, row in zip(range(SAMPLE), self._sheet.rows, strict=False) if row[at].strip()]
        hits = sum(self._find(tables, parts_of(cell)[0])[0] is not None for cell in cells if parts_of(cell))
        return hits / len(cells) if cells else 0.0

    def _refuse(self, side: str) -> None:
        raise BadColumns(
            f"No column of the file names {self._titles(side)}. Say which one does: --columns 'HEADER={side}'."
        )

    def _is_matrix(self, columns: Mapping[str, str]) -> bool:
        """Takes the file for a matrix where its header names records of one side and its first column of the other."""
        names = self._sheet.header[1:]
        for header_side, row_side in ((TARGET, SOURCE), (SOURCE, TARGET)):
            tables = self._sides.target if header_side == TARGET else self._sides.source
            hits = sum(self._find(tables, name)[0] is not None for name in names if name)
            if len(names) >= 2 and hits >= SHARE * len(names) and self._share(0, row_side) >= SHARE:
                self._layout.is_matrix = True
                self._layout.rows_are_source = row_side == SOURCE
                self._layout.names = [(self._sheet.header[0], row_side)]
                self._take_marks(columns.get(MARKS, ""))
                return True
        return False

    def _take_marks(self, said: str) -> None:
        """Finds the property that the marks are: what was said, else the one of choices that has them all."""
        marks = {cell.strip() for row in self._sheet.rows for cell in row[1:]}
        words = {one for one in marks if one.casefold() not in NO_MARKS and one.casefold() not in PLAIN_MARKS}
        if said:
            self._layout.properties = [(-1, self._property(said))]
        elif words:
            fitting = [
                one
                for one in self._relation.properties.values()
                if one.type == "choice" and all(_fits(one, word) for word in words)
            ]
            if len(fitting) == 1:
                self._layout.properties = [(-1, fitting[0])]
                self._layout.assumed.append(f"The marks are {fitting[0].title}.")
                return
            shown = ", ".join(f"'{one}'" for one in sorted(words)[:5])
            self._layout.assumed.append(
                f"What the marks say ({shown}) is not kept; --columns '*=PROPERTY' keeps it as one of "
                f"{', '.join(self._relation.properties) or 'nothing'}."
            )


def sides_of(relation: Relation, catalog: Catalog) -> Sides:
    """Returns the tables here in which a relation begins and ends."""
    return Sides(
        (relation.source,) if relation.source in catalog.tables else (),
        tuple(name for name in relation.target_hint if name in catalog.tables),
    )


def _fits(one: Field, word: str) -> bool:
    try:
        return not one.open and parse(one, word)[0] is not None
    except FieldRefused:
        return False


def parts_of(cell: str) -> list[str]:
    """Returns the names in a cell that may hold several."""
    parts = [cell]
    for sign in SPLIT:
        parts = [one for part in parts for one in part.split(sign)]
    return [one.strip() for one in parts if one.strip()]


# -- rows


def plan_pairs(
    sheet: Sheet,
    relation: Relation,
    sides: Sides,
    layout: PairLayout,
    here: tuple[Edges, Properties],
    find: Find,
    memory: Memory | None,
) -> ImportPlan:
    """Returns what importing pairs would do.

    Args:
        sheet: the file's table.
        relation: where it goes.
        sides: the tables of both ends.
        layout: the file's columns.
        here: by source and target the relation's id, and by that its properties.
        find: the record of some tables that a text names.
        memory: what the source said before; None remembers nothing.
    """
    return _PairPlanner(sheet, relation, sides, layout, here, find, memory).plan()


class _PairPlanner:
    """Pairs on their way to a plan."""

    def __init__(
        self,
        sheet: Sheet,
        relation: Relation,
        sides: Sides,
        layout: PairLayout,
        here: tuple[Edges, Properties],
        find: Find,
        memory: Memory | None,
    ) -> None:
        self._sheet = sheet
        self._relation = relation
        self._sides = sides
        self._layout = layout
        self._edges, self._properties = here
        self._find = find
        self._memory = memory if memory is not None else Memory()
        self._remembers = memory is not None
        self._used: dict[tuple[str, str], int] = {}
        self._named: set[str] = set()
        self._ended: list[int] = []
        self._said_pairs = {
            (str(said.get(SOURCE)), str(said.get(TARGET))): record for record, said in self._memory.rows.items()
        }
        self._plan = ImportPlan(relation.name, (), unit=sheet.unit)
        self._plan.said_keys = (SOURCE, TARGET, *(one.key for _, one in layout.properties)) if self._remembers else ()

    def plan(self) -> ImportPlan:
        for line, row in zip(self._sheet.lines, self._sheet.rows, strict=True):
            for source, target, cells in self._matrix(line, row) if self._layout.is_matrix else self._pairs(line, row):
                self._take(line, source, target, cells)
        self._tell_gone()
        result = self._plan
        result.rejected = sorted([*result.rejected, *self._sheet.bad])
        result.assumed = [*self._sheet.assumed, *self._layout.assumed]
        if result.kept:
            result.assumed.append(f"{result.kept:,} values that were changed here and not in the file stay.")
        if self._ended:
            result.assumed.append(
                "What was ended here, and is in the file as before, stays ended"
                f" ({places(sorted(set(self._ended)), self._sheet.unit)})."
            )
        return result

    def _pairs(self, line: int, row: Sequence[str]) -> Iterator[tuple[str, str, dict[str, str]]]:
        layout = self._layout
        cells = {one.key: row[at] for at, one in layout.properties}
        sources = self._ends(line, self._sides.source, row[layout.source])
        targets = self._ends(line, self._sides.target, row[layout.target])
        for source in sources:
            for target in targets:
                yield source, target, cells

    def _ends(self, line: int, tables: Sequence[str], cell: str) -> list[str]:
        whole = self._find(tables, cell.strip())[0] if cell.strip() else None
        if whole is not None:
            return [whole]
        parts = parts_of(cell)
        if not parts:
            self._plan.rejected.append((line, "it does not name both ends"))
        found: list[str] = []
        for part in parts:
            record, why = self._find(tables, part)
            if record is None:
                self._plan.rejected.append((line, why))
            else:
                found.append(record)
        return found

    def _matrix(self, line: int, row: Sequence[str]) -> Iterator[tuple[str, str, dict[str, str]]]:
        layout = self._layout
        rows, heads = self._sides if layout.rows_are_source else (self._sides.target, self._sides.source)
        marks = [(at, cell.strip()) for at, cell in enumerate(row) if at and cell.strip().casefold() not in NO_MARKS]
        if not marks:
            return
        record, why = self._find(rows, row[0].strip())
        if record is None:
            self._plan.rejected.append((line, why))
            return
        for at, mark in marks:
            other, reason = self._find(heads, self._sheet.header[at])
            if other is None:
                self._plan.rejected.append((line, f"column '{self._sheet.header[at]}': {reason}"))
                continue
            is_plain = mark.casefold() in PLAIN_MARKS
            cells = {one.key: "" if is_plain else mark for _, one in layout.properties}
            yield (record, other, cells) if layout.rows_are_source else (other, record, cells)

    def _take(self, line: int, source: str, target: str, cells: Mapping[str, str]) -> None:
        first = self._used.setdefault((source, target), line)
        if first != line:
            self._plan.rejected.append((line, f"it joins the same two records as {self._sheet.unit} {first}"))
            return
        values: dict[str, Plain] = {}
        for _, one in self._layout.properties:
            try:
                values[one.key] = plain(parse(one, cells[one.key])[0])
            except FieldRefused as refused:
                self._plan.rejected.append((line, str(refused)))
                return
        record = self._edges.get(source, {}).get(target)
        said = self._said_pairs.get((source, target))
        if said is not None:
            self._named.add(said)
        if record is not None:
            self._match(line, record, (source, target), values, cells)
        elif said is not None:
            self._ended.append(line)
        else:
            given = {key: cells[key] for key, value in values.items() if value is not None}
            self._plan.pairs.append(Pair(line, source, target, given, (source, target, *values.values())))

    def _match(
        self, line: int, record: str, ends: tuple[str, str], values: Mapping[str, Plain], cells: Mapping[str, str]
    ) -> None:
        plan = self._plan
        plan.matches += 1
        self._named.add(record)
        known = self._memory.rows.get(record)
        here = self._properties.get(record, {})
        written: dict[str, object] = {}
        asked: dict[str, object] = {}
        for _, one in self._layout.properties:
            now, held = comparable(one, values[one.key]), comparable(one, here.get(one.key))
            if now == held:
                continue
            before = comparable(one, known[one.key]) if known is not None and one.key in known else None
            is_known = known is not None and one.key in known
            if is_known and now == before:
                plan.kept += 1
            elif is_known and held != before:
                asked[one.key] = cells[one.key] or None
            elif is_known or now is not None:
                written[one.key] = cells[one.key] or None
        if written or asked:
            plan.updates.append(Update(line, record, written, asked))
        else:
            plan.unchanged += 1
        said = (*ends, *values.values())
        if self._remembers and (known is None or tuple(known.get(key) for key in plan.said_keys) != said):
            plan.said[record] = said

    def _tell_gone(self) -> None:
        live = {relation for targets in self._edges.values() for relation in targets.values()}
        left = [record for record in self._memory.rows if record not in self._named]
        self._plan.gone = [record for record in left if record in live]
        for record in self._plan.gone:
            said, here = self._memory.rows[record], self._properties.get(record, {})
            if any(
                one.key in said and comparable(one, said[one.key]) != comparable(one, here.get(one.key))
                for _, one in self._layout.properties
            ):
                self._plan.gone_changed.add(record)
        if self._remembers:
            self._plan.said |= dict.fromkeys(left)

"""What an import would do: a sheet and what is here to new records, changes and refusals. Pure; nothing is written.

A re-import is a three-way merge: where it is known what the same source said last time, only what changed there comes
in, what people changed here stays, and what changed on both sides becomes a question. Rows are taken in blocks, so that
memory does not grow with the file. Must not know files, queries or edits: `stage` brings what is here and carries a
plan out.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypedDict, cast

from openprod.catalog.check import ColumnRefused, parse_column
from openprod.catalog.tables import Field, Table
from openprod.exchange.columns import Column, End, Layout
from openprod.exchange.matching import NEW, Found, Here, Matcher, Memory, comparable, comparables, default_of
from openprod.exchange.moments import Moments, Times
from openprod.exchange.rows import Rows, values
from openprod.exchange.sheet import Sheet, places
from openprod.model.errors import OpenprodError
from openprod.model.values import Plain, Value, plain

BLOCK_ROWS = 20_000
SEEN_WHOLE_MAX = 200_000
AGAIN_ROWS_MAX = 50_000
LINES_SHOWN = 3
UNLINKED_SHOWN = 5
JOINED = "; "

Find = Callable[[Field, str], str]
FindEnd = Callable[[End, str], "tuple[list[str], list[str]]"]


@dataclass(frozen=True, slots=True)
class Update:
    """New values of a record that is here, by full field key, as they stand in the file.

    Attributes:
        line: where they stand.
        record: whose they are.
        values: what is written over what stands here.
        asked: what is written beside what stands here, as both sides changed: a question.
    """

    line: int
    record: str
    values: Mapping[str, object]
    asked: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Link:
    """A relation to make: from a record here (its id) or a new one (its place among the new), to a record here."""

    record: str | int
    end: End
    other: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A relation to make, of a file that goes into one: both ends' ids, its properties, what is remembered of it."""

    line: int
    source: str
    target: str
    values: Mapping[str, object]
    said: tuple[Plain, ...]


class Rejected(TypedDict):
    """A line that is left out, and why."""

    line: int
    reason: str


class Preview(TypedDict):
    """What an import would do, in numbers.

    `questions` counts the values that changed on both sides, `kept` those that people changed here and the source did
    not, `gone` the records that the source named before and does not name any more.
    """

    overlay: str | None
    creates: int
    updates: int
    matches: int
    unchanged: int
    questions: int
    kept: int
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
        create_lines: where each of them stands.
        updates: changes of records that are here.
        links: relations to make.
        unlinks: ids of relations to end.
        pairs: relations to make, where the file goes into a relation.
        matches: how many rows are records that are here, changed or not.
        unchanged: how many of these say nothing new.
        kept: how many values that people changed here stay, as the source says of them what it said before.
        gone: ids of records here that the source named before and does not name now; nothing is done to them.
        gone_changed: those of them in which people changed something since.
        rejected: (line, reason) of each line that is left out.
        assumed: sentences.
        unit: what the numbers of lines count: line, row, column or entry.
        said_keys: the keys of `said` and `said_new`, in order.
        said: what the source says now and did not say before, by record; None where it does not name it any more.
        said_new: the same for each new record, in the order of `creates`; empty where nothing is remembered.
    """

    table: str
    fields: tuple[str, ...]
    creates: Rows[tuple[object, ...]] = field(default_factory=lambda: Rows(values))
    create_lines: array[int] = field(default_factory=lambda: array("L"))
    updates: list[Update] = field(default_factory=list[Update])
    links: list[Link] = field(default_factory=list[Link])
    unlinks: list[str] = field(default_factory=list[str])
    pairs: list[Pair] = field(default_factory=list[Pair])
    matches: int = 0
    unchanged: int = 0
    kept: int = 0
    gone: list[str] = field(default_factory=list[str])
    gone_changed: set[str] = field(default_factory=set[str])
    rejected: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    assumed: list[str] = field(default_factory=list[str])
    unit: str = "line"
    said_keys: tuple[str, ...] = ()
    said: dict[str, tuple[Plain, ...] | None] = field(default_factory=dict[str, "tuple[Plain, ...] | None"])
    said_new: Rows[tuple[object, ...]] = field(default_factory=lambda: Rows(values))

    @property
    def is_empty(self) -> bool:
        """Tells whether nothing would be written."""
        return not (len(self.creates) or self.updates or self.links or self.unlinks or self.pairs)

    @property
    def questions(self) -> int:
        """How many values changed on both sides."""
        return sum(len(one.asked) for one in self.updates)

    def preview(self, overlay: str | None = None) -> Preview:
        """Returns the plan in numbers."""
        return Preview(
            overlay=overlay,
            creates=len(self.creates) + len(self.pairs),
            updates=self.matches - self.unchanged,
            matches=self.matches,
            unchanged=self.unchanged,
            questions=self.questions,
            kept=self.kept,
            gone=len(self.gone),
            rejected=[Rejected(line=line, reason=reason) for line, reason in self.rejected],
            assumed=list(self.assumed),
        )


def plan(
    sheet: Sheet,
    table: Table,
    layout: Layout,
    here: Here,
    find: Find | None = None,
    *,
    find_end: FindEnd | None = None,
    memory: Memory | None = None,
    moments: Moments | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImportPlan:
    """Returns what importing a sheet would do.

    A row is the record that it names by `id`; else the one that its own program calls so; else the one that the same
    source called so before; else the one record whose match fields are equal. No value is equal to none, but for what
    stands last in a table's own key (a cue without a part). An empty cell leaves what is here, unless the source had
    something there before.

    Args:
        sheet: the file's table.
        table: where it goes.
        layout: its columns, by `lay_out`.
        here: the records there are.
        find: gives the id of the record that a text means in a record field, or raises an OpenprodError.
        find_end: gives the ids of the records that a cell of a relation means, and why others were not found.
        memory: what the source said before; None remembers nothing.
        moments: reads dates and times that lack something; None leaves them to the fields' own readers.
        progress: takes (rows done, rows in all).
    """
    return _Planner(sheet, table, layout, here, find, find_end, memory, moments).plan(progress)


@dataclass(slots=True)
class _Block:
    """Some rows on their way: what each column says of each, and what is wrong with them."""

    lines: list[int]
    rows: list[list[str]]
    raws: dict[str, list[object]] = field(default_factory=dict[str, "list[object]"])
    values: dict[str, list[Value]] = field(default_factory=dict[str, "list[Value]"])
    plains: dict[str, list[Plain]] = field(default_factory=dict[str, "list[Plain]"])
    faults: dict[int, list[str]] = field(default_factory=dict[int, "list[str]"])
    headings: set[int] = field(default_factory=set[int])
    links: dict[str, list[list[str]]] = field(default_factory=dict[str, "list[list[str]]"])

    def fault(self, at: int, why: str) -> None:
        self.faults.setdefault(at, []).append(why)


class Seen:
    """Where what rows are known by was first seen; of many rows only a digest is kept, so that memory is small."""

    def __init__(self, count: int) -> None:
        self._lines: dict[object, int] = {}
        self._size = 0 if count <= SEEN_WHOLE_MAX else 1 << (count * 2).bit_length()
        self._digests = array("Q", bytes(8 * self._size))
        self._places = array("L", bytes(array("L").itemsize * self._size))

    def first(self, mark: object, line: int) -> int:
        """Returns the line in which something was first seen, which is this one if it was not."""
        if not self._size:
            return self._lines.setdefault(mark, line)
        digest = int.from_bytes(blake2b(repr(mark).encode(), digest_size=8).digest()) or 1
        at = digest & (self._size - 1)
        while self._digests[at]:
            if self._digests[at] == digest:
                return self._places[at]
            at = (at + 1) & (self._size - 1)
        self._digests[at], self._places[at] = digest, line
        return line


class _Planner:
    """One sheet on its way to a plan."""

    def __init__(
        self,
        sheet: Sheet,
        table: Table,
        layout: Layout,
        here: Here,
        find: Find | None,
        find_end: FindEnd | None,
        memory: Memory | None,
        moments: Moments | None,
    ) -> None:
        self._sheet = sheet
        self._table = table
        self._layout = layout
        self._here = here
        self._find = find
        self._find_end = find_end
        self._memory = memory if memory is not None else Memory()
        self._remembers = memory is not None
        self._moments = moments
        self._fields = list(layout.fields)
        self._by_key = {one.key: one for one in self._fields}
        self._columns = {one.key: one for one in layout.columns}
        self._matcher = Matcher(table, layout, here, self._memory, self._file_owns())
        self._notes: dict[str, list[int]] = {}
        self._aside: dict[str, list[int]] = {}
        self._unlinked: dict[str, dict[str, list[int]]] = {}
        self._headings: list[int] = []
        self._used = Seen(len(sheet.rows))
        self._named: set[str] = set()
        self._matched: set[int] = set()
        self._dead: list[int] = []
        self._kept_empty = 0
        self._plan = ImportPlan(table.name, tuple(one.key for one in self._fields), unit=sheet.unit)
        if self._remembers:
            self._plan.said_keys = tuple(one.key for one in layout.columns)

    def _file_owns(self) -> frozenset[str]:
        own = self._layout.own
        column = next((one for one in self._layout.columns if own and one.key == own[0].key), None)
        return frozenset() if column is None else frozenset(column.text(row).strip() for row in self._sheet.rows)

    def plan(self, progress: Callable[[int, int], None] | None) -> ImportPlan:
        done = 0
        for block in self._blocks():
            self._read(block)
            self._place(block)
            done += len(block.lines)
            if progress is not None:
                progress(done, len(self._sheet.rows))
        self._tell_gone()
        result = self._plan
        result.rejected = sorted([*result.rejected, *self._sheet.bad])
        result.assumed = [*self._sheet.assumed, *self._layout.assumed, *self._told()]
        return result

    def _blocks(self) -> Iterator[_Block]:
        lines: list[int] = []
        rows: list[list[str]] = []
        # Files without a key are compared as a whole.
        size = BLOCK_ROWS if self._layout.match else AGAIN_ROWS_MAX
        for line, row in zip(self._sheet.lines, self._sheet.rows, strict=True):
            lines.append(line)
            rows.append(row)
            if len(lines) >= size:
                yield _Block(lines, rows)
                lines, rows = [], []
        if lines:
            yield _Block(lines, rows)

    def _told(self) -> Iterator[str]:
        unit = self._sheet.unit
        if self._headings:
            yield f"Months that stand alone in a row were taken as headings ({places(self._headings, unit)})."
        if self._moments is not None:
            yield from self._moments.told(unit)
        for sentence, lines in self._aside.items():
            yield f"{sentence} ({places(lines, unit)})."
        yield from (f"{note} ({lines_text(lines, unit)})" for note, lines in self._notes.items())
        for title, whys in self._unlinked.items():
            some = list(whys.items())[:UNLINKED_SHOWN]
            shown = "; ".join(f"{why} ({lines_text(lines, unit)})" for why, lines in some)
            more = f"; and {len(whys) - UNLINKED_SHOWN} more like this" if len(whys) > UNLINKED_SHOWN else ""
            yield f"{title}: {shown}{more}. These relations are left out."
        if self._kept_empty:
            what = "1 cell is" if self._kept_empty == 1 else f"{self._kept_empty:,} cells are"
            yield f"{what} empty in the file and filled here; what is here stays."
        if self._plan.kept:
            what = "1 value that was" if self._plan.kept == 1 else f"{self._plan.kept:,} values that were"
            yield f"{what} changed here and not in the file since last time: what is here stays."
        if self._dead:
            yield (
                "What was deleted or taken out here, and says the same as before, stays so"
                f" ({places(self._dead, unit)})."
            )

    # -- columns to values

    def _read(self, block: _Block) -> None:
        for one in self._layout.columns:
            cells = [one.text(row) if one.at >= 0 or one.parts else "" for row in block.rows]
            words = self._layout.translations.get(one.key)
            block.raws[one.key] = [words.get(cell.strip(), cell) for cell in cells] if words else list(cells)
        if self._moments is not None:
            self._read_moments(block, self._moments)
        for one in self._fields:
            self._read_column(block, one)
        for column in self._layout.ends:
            self._read_links(block, column)

    def _read_moments(self, block: _Block, moments: Moments) -> None:
        for at, row in enumerate(block.rows):
            if moments.is_heading(row):
                block.headings.add(at)
                self._headings.append(block.lines[at])
        for key, dates in moments.dates.items():
            raws = block.raws[key]
            for at, raw in enumerate(raws):
                text = str(raw)
                if text:
                    raws[at], rest, why = dates.read(text, block.lines[at], is_alone=at in block.headings)
                    if why:
                        block.fault(at, f"{self._by_key[key].title} ({key}): {why}.")
                    self._put_rest(block, at, key, rest)
        if moments.times is not None:
            for one in self._fields:
                if one.type == "time" and self._columns[one.key].at >= 0:
                    self._read_times(block, one, moments.times)

    def _read_times(self, block: _Block, one: Field, times: Times) -> None:
        raws = block.raws[one.key]
        ends = block.raws.get(self._layout.ranges.get(one.key, ""))
        for at, raw in enumerate(raws):
            text = str(raw)
            found = times.read(text, block.lines[at]) if text else None
            if found is None:
                continue
            raws[at] = found.start
            if found.end and ends is not None:
                ends[at] = found.end
            elif found.end or found.is_open:
                self._put_rest(block, at, one.key, text.strip())
                continue
            self._put_rest(block, at, one.key, found.rest)

    def _put_rest(self, block: _Block, at: int, key: str, rest: str) -> None:
        """Puts what stands beside a date or time where the module says, and takes the words that mean something."""
        if not rest:
            return
        for word, meant in self._layout.words.items():
            if word in rest.casefold():
                for target, value in meant.items():
                    if target in block.raws and not str(block.raws[target][at]).strip():
                        block.raws[target][at] = value
                        title = self._by_key[target].title
                        self._note(f"{title} is {value} where '{word}' stands beside the date or time", block.lines[at])
        self._put_aside(block, at, key, rest, is_beside=True)

    def _put_aside(self, block: _Block, at: int, key: str, text: str, *, is_beside: bool = False) -> bool:
        taker = self._layout.otherwise.get(key, "")
        target = block.raws.get(taker)
        one = self._by_key.get(taker)
        if target is None or one is None or one.type != "text":
            return False
        held = str(target[at] or "").strip()
        target[at] = f"{held}{JOINED}{text}" if held else text
        what = "What stands beside" if is_beside else "What cannot be read as"
        self._aside.setdefault(f"{what} {self._by_key[key].title} stands as text in {one.title}", []).append(
            block.lines[at]
        )
        return True

    def _note(self, note: str, line: int) -> None:
        self._notes.setdefault(note, []).append(line)

    def _read_column(self, block: _Block, one: Field) -> None:
        raws = block.raws[one.key]
        if one.type == "record" and self._find is not None:
            for at, raw in enumerate(raws):
                raws[at] = self._record(block, at, one, str(raw))
        values: list[Value] = []
        noted: list[tuple[int, str]] = []
        while not values and raws:
            try:
                values, noted = parse_column(one, raws)
            except ColumnRefused as refused:
                for at, why in refused.problems:
                    if not self._put_aside(block, at, one.key, f"{one.title}: {str(raws[at]).strip()}"):
                        block.fault(at, why)
                    raws[at] = None
        for at, note in noted:
            self._note(note, block.lines[at])
        block.values[one.key] = values
        is_plain = one.type in ("text", "choice", "int", "bool", "float")
        block.plains[one.key] = cast("list[Plain]", values) if is_plain else list(map(plain, values))

    def _record(self, block: _Block, at: int, one: Field, cell: str) -> object:
        if not cell.strip() or self._find is None:
            return None
        try:
            return self._find(one, cell.strip())
        except OpenprodError as error:
            block.fault(at, f"{one.title} ({one.key}): {error}")
            return None

    def _read_links(self, block: _Block, column: Column) -> None:
        found: list[list[str]] = []
        for at, raw in enumerate(block.raws[column.key]):
            text = str(raw).strip()
            if not text or self._find_end is None or column.end is None:
                found.append([])
                continue
            ids, problems = self._find_end(column.end, text)
            for why in problems:
                self._unlinked.setdefault(column.end.title, {}).setdefault(why, []).append(block.lines[at])
            found.append(ids)
        block.links[column.key] = found

    # -- rows to records

    def _place(self, block: _Block) -> None:
        own = self._keys(block, self._layout.own)
        keys = self._keys(block, self._layout.match)
        found: list[Found] = []
        for at in range(len(block.lines)):
            record = "" if self._layout.id_at is None else block.rows[at][self._layout.id_at].strip().lower()
            found.append(self._matcher.find(record, own[at], keys[at]))
        if not self._layout.match and self._memory.rows:
            self._find_again(block, found)
        self._here.load(one.place for one in found if one.place is not None)
        for at, line in enumerate(block.lines):
            if at not in block.headings:
                self._place_row(block, at, line, found[at], own[at] or keys[at])

    def _find_again(self, block: _Block, found: list[Found]) -> None:
        open_rows = [
            at for at, one in enumerate(found) if one == NEW and at not in block.headings and at not in block.faults
        ]
        taken = {self._here.ids[one.place] for one in found if one.place is not None}

        def value(at: int, key: str) -> Plain:
            return block.plains[key][at]

        for at, one in self._matcher.again(open_rows, value, self._fields, taken).items():
            found[at] = one

    def _keys(self, block: _Block, fields: Sequence[Field]) -> list[tuple[object, ...] | None]:
        """Returns for each row what it is known by, None where that does not say which record is meant."""
        if not fields:
            return [None] * len(block.lines)
        parts: list[list[object]] = []
        for one in fields:
            default = default_of(one)
            column = block.plains.get(one.key)
            if column is None:
                parts.append([default] * len(block.lines))
            else:
                parts.append([default if part is None else part for part in comparables(one, column)])
        return self._matcher.known(fields, parts)

    def _place_row(self, block: _Block, at: int, line: int, found: Found, key: object) -> None:
        record = self._here.ids[found.place] if found.place is not None else found.dead
        if record is not None:
            self._named.add(record)
        if at in block.faults:
            self._reject(line, " ".join(block.faults[at]))
            return
        if found.problem:
            self._reject(line, found.problem)
            return
        mark = record if record is not None else key
        if mark is not None:
            first = self._used.first(mark, line)
            if first != line:
                self._reject(line, f"it is the same record as {self._sheet.unit} {first}")
                return
        if found.place is not None:
            self._matched.add(found.place)
            self._match(block, at, line, found.place)
        elif found.dead is not None:
            self._bury(block, at, line, found.dead)
        else:
            self._create(block, at, line)

    def _reject(self, line: int, reason: str) -> None:
        self._plan.rejected.append((line, reason))

    def _said(self, block: _Block, at: int) -> tuple[Plain, ...]:
        """Returns what the file says in a row, in the order of the columns."""
        links = block.links
        return tuple(
            [*sorted(links[key][at])] if key in links else block.plains[key][at] for key in self._plan.said_keys
        )

    def _create(self, block: _Block, at: int, line: int) -> None:
        row: list[object] = []
        for one in self._fields:
            value = block.values[one.key][at]
            if value is None and one.default is not None:
                row.append(one.default)
                continue
            if value is None and one.required:
                self._reject(line, f"{one.title} ({one.key}) is required for a new record")
                return
            row.append(block.raws[one.key][at])
        for one in self._table.fields.values():
            if one.required and one.default is None and one.key not in self._by_key:
                self._reject(
                    line,
                    f"{one.title} ({one.key}) is required for a new record, and the file has no column for it. Add one,"
                    f" or say which it is: --columns HEADER={one.name}",
                )
                return
        place = len(self._plan.creates)
        self._plan.creates.append(tuple(row))
        self._plan.create_lines.append(line)
        for column in self._layout.ends:
            if column.end is not None:
                self._plan.links += [Link(place, column.end, other) for other in block.links[column.key][at]]
        if self._remembers:
            self._plan.said_new.append(self._said(block, at))

    def _bury(self, block: _Block, at: int, line: int, record: str) -> None:
        """Leaves a row out whose record was deleted here; only where the file says something new of it is that said."""
        said = self._memory.rows.get(record, {})
        changed = [
            one.title
            for one in self._fields
            if one.key in said and comparable(one, block.plains[one.key][at]) != comparable(one, said[one.key])
        ]
        if changed:
            what = " and ".join(changed[:3])
            self._reject(
                line,
                f"its record was deleted or taken out here, and the file changed its {what}; to take that, bring it"
                f" back first: openprod restore {record}",
            )
        else:
            self._dead.append(line)

    def _match(self, block: _Block, at: int, line: int, place: int) -> None:
        plan = self._plan
        plan.matches += 1
        record = self._here.ids[place]
        known = self._memory.rows.get(record)
        written: dict[str, object] = {}
        asked: dict[str, object] = {}
        for one in self._fields:
            value = block.plains[one.key][at]
            held = self._here.values[one.key][place]
            if value == held and type(value) is type(held):
                continue
            now = comparable(one, value)
            if now == comparable(one, held):
                continue
            match self._verdict(one, now, comparable(one, held), known):
                case "write":
                    written[one.key] = block.raws[one.key][at] if value is not None else None
                case "ask":
                    asked[one.key] = block.raws[one.key][at] if value is not None else None
                case "keep":
                    plan.kept += 1
                case "empty":
                    self._kept_empty += 1
                case "nothing":
                    pass
                case _:
                    self._note(f"{one.title} follows from the file only; what was chosen here stays", line)
        is_linked = self._match_links(block, at, record, known)
        if written or asked:
            plan.updates.append(Update(line, record, written, asked))
        if not (written or asked or is_linked):
            plan.unchanged += 1
        if self._remembers:
            said = self._said(block, at)
            if known is None or any(known.get(key) != value for key, value in zip(plan.said_keys, said, strict=True)):
                plan.said[record] = said

    def _verdict(self, one: Field, now: object, held: object, known: Mapping[str, Plain] | None) -> str:
        """Returns what becomes of a value unlike what stands here: write, ask, keep, empty, nothing or chosen."""
        if known is None or one.key not in known:
            if now is None:
                return "nothing" if self._columns[one.key].how == "aside" else "empty"
            return "chosen" if one.key in self._layout.derived and held is not None else "write"
        before = comparable(one, known[one.key])
        if now == before:
            return "nothing" if now is None else "keep"
        if now is None and one.required:
            return "empty"
        if held == before:
            return "write"
        return "chosen" if one.key in self._layout.derived else "ask"

    def _match_links(self, block: _Block, at: int, record: str, known: Mapping[str, Plain] | None) -> bool:
        is_changed = False
        for column in self._layout.ends:
            if column.end is None:
                continue
            now = block.links[column.key][at]
            here = self._here.links.get(column.key, {}).get(record, {})
            before = known.get(column.key) if known is not None else None
            said = {str(one) for one in before} if isinstance(before, list) else None
            added = [one for one in now if one not in here and (said is None or one not in said)]
            ended = [here[one] for one in (said or ()) if one not in now and one in here]
            self._plan.links += [Link(record, column.end, one) for one in added]
            self._plan.unlinks += ended
            self._plan.kept += sum(1 for one in now if one not in here and said is not None and one in said)
            is_changed = is_changed or bool(added or ended)
        return is_changed

    # -- what the file does not name any more

    def _tell_gone(self) -> None:
        gone = [record for record in self._memory.rows if record not in self._named and record in self._matcher.places]
        if self._layout.id_at is not None and not self._memory.rows:
            gone = [one for place, one in enumerate(self._here.ids) if place not in self._matched]
        self._plan.gone = gone
        self._here.load(self._matcher.places[one] for one in gone if one in self._memory.rows)
        for record in gone:
            said = self._memory.rows.get(record)
            if said is not None and any(
                comparable(one, self._here.values[one.key][self._matcher.places[record]])
                not in (comparable(one, said[one.key]), default_of(one) if said[one.key] is None else None)
                for one in self._fields
                if one.key in said
            ):
                self._plan.gone_changed.add(record)
        if self._remembers:
            self._plan.said |= dict.fromkeys(record for record in self._memory.rows if record not in self._named)


def lines_text(lines: Iterable[int], unit: str) -> str:
    """Returns some lines in words, the first by number: line 3; lines 3, 4, 5 and 103 more."""
    numbers = list(lines)
    shown = ", ".join(map(str, numbers[:LINES_SHOWN]))
    if len(numbers) == 1:
        return f"{unit} {shown}"
    more = f" and {len(numbers) - LINES_SHOWN:,} more" if len(numbers) > LINES_SHOWN else ""
    units = "entries" if unit == "entry" else f"{unit}s"
    return f"{units} {shown}{more}"

"""Asking: a question in any of its forms to rows, and questions that stay asked.

Compiled statements are kept; what a commit touched decides which live questions are asked again.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import zoneinfo
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import cast

import msgspec

from openprod.catalog.check import parse
from openprod.catalog.tables import Catalog, Check, Field, FieldType, near_names
from openprod.model.errors import Missing, OpenprodError, Refused
from openprod.model.ids import EntityId, derived_id
from openprod.query.compile import Compiled, Index, OutColumn, compile_query, count_query
from openprod.query.touch import touched
from openprod.query.tree import Query, read_query
from openprod.workspace.desk import Desk
from openprod.workspace.meaning import Changes

log = logging.getLogger(__name__)

COMPILED_KEPT = 200
# Asked so many times, a question gets an index if one helps.
ASKED_OFTEN = 3
# What a text given for a parameter is read as; others stay as they are given.
READ_TYPES: Mapping[str, FieldType] = {
    "date": "date",
    "time": "time",
    "datetime": "datetime",
    "int": "int",
    "float": "float",
    "bool": "bool",
}

# Where two people saved one under the same name, all devices take the same: the earlier id.
_SAVED = 'SELECT query FROM "core.queries" JOIN entity ON eid = "~eid" WHERE name = ? ORDER BY uuid LIMIT 1'


class UnknownQuery(Missing):
    """No saved query goes by that name."""

    code = "query.unknown"


class NoTable(Refused):
    """A condition was given without the table it is about."""

    code = "query.no_table"


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks.

    Attributes:
        text: a saved query's or a check's name, or a condition on `table`.
        table: the table of a condition; None for a saved query.
        form: the full form as a mapping, instead of text.
        limit, offset: the window, None = all.
        params: the query's parameters.
    """

    text: str | None
    table: str | None
    form: Mapping[str, object] | None
    limit: int | None
    offset: int | None
    params: Mapping[str, object] = field(default_factory=dict[str, object])


Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer while it is being read: what its columns are, and the rows one after the other."""

    columns: tuple[OutColumn, ...]
    rows: Iterator[Row]


def typed(query: Query, given: Mapping[str, object]) -> dict[str, object]:
    """Returns the values of a query's parameters, texts read as the type that the query declares.

    Raises:
        FieldRefused: a text is none of that type.
    """
    found = dict(given)
    for name, spec in query.parameters.items():
        kind = READ_TYPES.get(spec.type)
        raw = found.get(name)
        if kind is not None and isinstance(raw, str):
            one = Field(key=f"${name}", name=name, table="", type=kind, title=spec.title or name)
            found[name] = parse(one, raw)[0]
    return found


def check_form(check: Check) -> str:
    """Returns the query, as JSON, whose rows a check counts."""
    return check.query or msgspec.json.encode({"from": check.table, "where": check.where}).decode()


class Asker:
    """Answers questions from the read model."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._queries: OrderedDict[bytes, Query] = OrderedDict()
        self._compiled: OrderedDict[tuple[object, ...], Compiled] = OrderedDict()
        self._compiled_for: Catalog | None = None
        self._asked: dict[Index, int] = {}
        self._wanted: list[Index] = []

    # -- one answer

    def rows(self, question: Question) -> list[Row]:
        """Returns the rows of a question."""
        with self._desk.reading():
            found = self._rows(self._compile(question))
        self.tend()
        return found

    def tend(self) -> None:
        """Makes the indexes that questions asked here again and again would be quicker with.

        Does nothing within a transaction; a file that cannot be written now is none the worse for it.
        """
        if not self._wanted or self._desk.db.is_in_transaction:
            return
        wanted, self._wanted = self._wanted, []
        with self._desk.lock:
            for index in wanted:
                try:
                    self._desk.model.make_index(*index)
                except OpenprodError as error:
                    log.info("no index was made for %s: %s", index.table, error)
            self._compiled.clear()

    @contextmanager
    def answer(self, question: Question) -> Generator[Answer]:
        """Gives the rows one by one; one state of the database is held until the context ends."""
        with self._desk.reading():
            compiled = self._compile(question)
            found = self._desk.db.execute(compiled.sql, compiled.params)
            yield Answer(compiled.columns, (dict(compiled.row(row)) for row in found))

    def _rows(self, compiled: Compiled) -> list[Row]:
        return cast("list[Row]", list(map(compiled.row, self._desk.db.rows(compiled.sql, compiled.params))))

    def count(self, question: Question) -> int:
        """Returns how many rows a question has in all."""
        with self._desk.reading():
            query = self.query_of(question)
            compiled = count_query(
                query,
                self._desk.catalog,
                typed(query, question.params),
                me=self._me(),
                now=self._now(),
                venue_zone=self._desk.loader.venue_zone,
            )
            row = self._desk.db.one(compiled.sql, compiled.params)
            return int(row[0]) if row is not None else 0

    def explain(self, question: Question) -> str:
        """Returns the SQL, its values and SQLite's plan."""
        with self._desk.reading():
            compiled = self._compile(question)
            plan = self._desk.db.rows(f"EXPLAIN QUERY PLAN {compiled.sql}", compiled.params)
            return "\n".join([compiled.explain(), "", *(f"  {row[3]}" for row in plan)])

    def columns(self, question: Question) -> list[str]:
        """Returns the names of the values in a question's rows, in order."""
        with self._desk.reading():
            return [column.name for column in self._compile(question).columns if column.kind in ("value", "list")]

    def _compile(self, question: Question) -> Compiled:
        """Returns the statement of a question; one that was asked before in the same tables is not made again."""
        found = self._statement(question)
        if found.index is not None:
            times = self._asked[found.index] = self._asked.get(found.index, 0) + 1
            if times == ASKED_OFTEN:
                self._wanted.append(found.index)
        return found

    def _statement(self, question: Question) -> Compiled:
        catalog, zone = self._desk.catalog, self._desk.loader.venue_zone
        if catalog is not self._compiled_for:
            self._compiled.clear()
            self._asked.clear()
            self._compiled_for = catalog
        source, query = self._source_of(question)
        # Who asks and when only matters to a question that says $me or $now; TOML has other ways to write the sign.
        is_told = b"$" in source or b"\\u" in source or b"\\U" in source
        me, now = (self._me(), self._now()) if is_told else (None, "")
        key = (source, me, now, zone, question.limit, question.offset)
        found = self._compiled.get(key) if not question.params else None
        if found is None:
            found = compile_query(
                query,
                catalog,
                typed(query, question.params),
                me=me,
                now=now,
                limit=question.limit,
                offset=question.offset or 0,
                venue_zone=zone,
                has_index=lambda index: self._desk.model.has_index(*index),
            )
            if not question.params:
                self._compiled[key] = found
                if len(self._compiled) > COMPILED_KEPT:
                    self._compiled.popitem(last=False)
        return found

    def _me(self) -> EntityId | None:
        identity = self._desk.home.identity()
        return derived_id("core.people", identity.actor.hex()) if identity is not None else None

    def _now(self) -> str:
        """Returns the venue's local moment: the show's zone, or the device's where it has none."""
        moment = dt.datetime.fromtimestamp(self._desk.clock() / 1000, dt.UTC)
        zone: dt.tzinfo | None = None
        if self._desk.loader.venue_zone:
            try:
                zone = zoneinfo.ZoneInfo(self._desk.loader.venue_zone)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError):
                zone = None
        return moment.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")

    def query_of(self, question: Question) -> Query:
        """Returns the query that a question means; raises UnknownQuery, NoTable or the query's own problems."""
        return self._source_of(question)[1]

    def _source_of(self, question: Question) -> tuple[bytes, Query]:
        """Returns the text of the query that a question means, and the query."""
        if question.form is not None:
            source: str | Mapping[str, object] = question.form
        elif question.table is not None:
            source = {"from": question.table, "where": question.text or ""}
        else:
            source = self._saved(question.text or "")
        key = source.encode() if isinstance(source, str) else msgspec.json.encode(source)
        return key, self._read(key, source)

    def _read(self, key: bytes, source: str | Mapping[str, object]) -> Query:
        found = self._queries.get(key)
        if found is None:
            found = self._queries[key] = read_query(source)
            if len(self._queries) > COMPILED_KEPT:
                self._queries.popitem(last=False)
        return found

    def _saved(self, name: str) -> str:
        row = self._desk.db.one(_SAVED, (name,))
        if row is not None and row[0]:
            return str(row[0])
        check = self._desk.catalog.checks.get(name)
        if check is not None:
            return check_form(check)
        names = [str(one[0]) for one in self._desk.db.rows('SELECT name FROM "core.queries" WHERE name IS NOT NULL')]
        names += self._desk.catalog.checks
        if any(sign in name for sign in "=<> "):
            raise NoTable(f"'{name}' looks like a condition. Say which table it is about, with --from TABLE.")
        near = near_names(name, names)
        hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(sorted(names))}." if names else ""
        raise UnknownQuery(f"There is no saved query '{name}'.{hint}")

    # -- answers that follow

    def window(self, question: Question) -> tuple[list[Row], frozenset[str]]:
        """Returns the rows of a question and the names of the tables and relations it reads."""
        with self._desk.reading():
            compiled = self._compile(question)
            found = self._rows(compiled)
        self.tend()
        return found, compiled.touches


class Live:
    """One question that stays asked: `start` asks first, `hear` again after each commit that may touch it.

    The callback gets a list of changes, to be carried out in order on the rows it holds: {"do": "remove", "at"},
    {"do": "insert", "at", "row"}, {"do": "change", "at", "row"}; first of all the rows themselves as inserts.
    """

    def __init__(self, asker: Asker, question: Question, callback: Callable[[list[Row]], None]) -> None:
        self._asker = asker
        self._question = question
        self._callback = callback
        self._rows: list[Row] = []
        self._touches: frozenset[str] = frozenset()
        # Two threads that commit at once must not hand their changes out in the other order.
        self._lock = threading.RLock()

    def start(self) -> None:
        """Asks for the first time."""
        self._ask()

    def hear(self, changes: Changes) -> None:
        """Asks again where a commit may have changed the answer."""
        if not changes.is_schema and not touched(self._touches, (*changes.rows, *changes.keys)):
            return
        try:
            self._ask()
        except OpenprodError as error:
            # A table it reads was taken out; should it come back, the question is answered again.
            log.info("a live question cannot be answered now: %s", error)

    def move(self, offset: int, limit: int) -> None:
        """Moves the window."""
        with self._lock:
            self._question = replace(self._question, offset=offset, limit=limit)
            self._ask()

    def _ask(self) -> None:
        with self._lock:
            rows, self._touches = self._asker.window(self._question)
            steps = difference(self._rows, rows)
            self._rows = rows
            if steps:
                self._callback(steps)


def difference(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """Returns the steps that turn one list of rows into another: removals, inserts and changes, each with its position.

    Rows are the same row where their ids (of start and ends) are; rows of aggregates, which have none, where they
    are equal.
    """
    steps: list[Row] = []
    wanted = {_identity(row) for row in new}
    held = [row for row in old if _identity(row) in wanted]
    gone = [at for at in range(len(old) - 1, -1, -1) if _identity(old[at]) not in wanted]
    steps.extend({"do": "remove", "at": at} for at in gone)
    places = {_identity(row): at for at, row in enumerate(held)}
    for at, row in enumerate(new):
        key = _identity(row)
        if at < len(held) and _identity(held[at]) == key:
            if held[at] != row:
                steps.append({"do": "change", "at": at, "row": row})
                held[at] = row
            continue
        if key in places:
            was = next(n for n in range(at, len(held)) if _identity(held[n]) == key)
            held.pop(was)
            steps.append({"do": "remove", "at": was})
        held.insert(at, row)
        steps.append({"do": "insert", "at": at, "row": row})
    return steps


def _identity(row: Row) -> str:
    if "id" in row:
        return f"{row['id']} {msgspec.json.encode(row.get('ids')).decode()}"
    return msgspec.json.encode(row).decode()

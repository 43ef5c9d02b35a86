"""A query and a catalog to one parameterised SELECT, and its rows to plain dictionaries.

Knows the order of the stages: start, through, first, group, sort, window. Must not know the connection; the store
runs what it gives, with `functions.SQL_FUNCTIONS` registered.

The stages are common table expressions of local integers only; fields are looked up again where they are needed, by
rowid, which costs less than carrying them. Rows that sort alike come in the order of their record ids, never of local
integers, so that every device shows the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias, cast

from openprod.catalog.names import SqlValue, quote
from openprod.catalog.tables import Catalog, FieldType, near_names
from openprod.model.ids import EntityId, id_text
from openprod.model.values import Plain
from openprod.query.compare import all_of, condition_sql, names_steps
from openprod.query.conditions import And, Condition, StepProperty
from openprod.query.paths import table_named
from openprod.query.problems import NameProblem, ParameterUnknown, QueryFormProblem, Source
from openprod.query.scope import Expr, Node, Scope, Statement, Term, key_terms, order_terms, single
from openprod.query.shown import (
    OutColumn,
    Shown,
    aggregate_expr,
    column_reader,
    grouped,
    items_reader,
    output,
    shown_columns,
    value_of,
)
from openprod.query.text import parse_aggregate, parse_condition, parse_operand
from openprod.query.through import Pairs, origin_of, pairs
from openprod.query.tree import AGGREGATES, Group, Query, parameters_of, row_operands, split_order

Reader: TypeAlias = Callable[[SqlValue], Plain]
# A column and where its conflicts stand: (which list of keys, field key).
_Flag: TypeAlias = tuple[str, tuple[tuple[int, str], ...]]


class Index(NamedTuple):
    """An index that a page would come quicker with: a table and its columns as SQL, those that are compared first."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement ready to run.

    Args:
        sql: one SELECT.
        params: its bound values by name.
        columns: the entries of a row, in order.
        touches: names of the tables and relations it reads.
        absent: names it asks for whose modules are not adopted here; they gave nothing.
        has_id: whether an SQL row begins with a record id; then come those of the steps, the values in the order of
            `readers`, and with `has_flags` the contested keys of each record that `flags` counts.
        index: the index that a page would come quicker with, there or not; None where none would help.
    """

    sql: str
    params: dict[str, SqlValue]
    columns: tuple[OutColumn, ...]
    touches: frozenset[str]
    absent: tuple[str, ...] = ()
    has_id: bool = True
    steps: tuple[str, ...] = ()
    readers: tuple[tuple[str, Reader], ...] = ()
    has_flags: bool = False
    flags: tuple[_Flag, ...] = ()
    index: Index | None = None

    def row(self, found: Sequence[SqlValue]) -> dict[str, Plain]:
        """Returns one SQL row as people's programs see it: plain values by name, the record's id first."""
        row: dict[str, Plain] = {}
        at = 0
        if self.has_id:
            row["id"] = _id(found[0])
            at = 1
        if self.steps:
            row["ids"] = {name: _id(stored) for name, stored in zip(self.steps, found[at:], strict=False)}
            at += len(self.steps)
        for name, read in self.readers:
            row[name] = read(found[at])
            at += 1
        if self.has_flags:
            contested = [set(cast("list[str]", _KEYS(stored))) for stored in found[at:]]
            row["conflicts"] = [name for name, slots in self.flags if any(key in contested[no] for no, key in slots)]
        return row

    def explain(self) -> str:
        """Returns the statement and its bound values for people who want to know."""
        lines = [self.sql, *(f"  :{name} = {value!r}" for name, value in sorted(self.params.items()))]
        if self.absent:
            lines.append(f"  not adopted here, so without rows or values: {', '.join(self.absent)}")
        return "\n".join(lines)


_KEYS: Reader = items_reader("text")


def compile_query(
    query: Query,
    catalog: Catalog,
    params: Mapping[str, object] | None = None,
    *,
    me: EntityId | None = None,
    now: str = "",
    limit: int | None = None,
    offset: int = 0,
    venue_zone: str = "",
    has_index: Callable[[Index], bool] = lambda _: False,
) -> Compiled:
    """Returns the statement of a query.

    Args:
        params: values of the query's parameters.
        me: the record of the person who asks, `$me`.
        now: the local moment, `$now`: "2026-12-01T18:00".
        limit: rows of a window into the result; None for all.
        offset: where the window begins in the result.
        venue_zone: the zone of moments that name none, as the store's sort columns take it.
        has_index: tells whether an index is there.

    Raises:
        NameProblem: a name that nothing here has, with near names.
        SyntaxProblem: a text that cannot be read; both with line, column and caret.
        QueryMismatch, QueryTooBig, ParameterMissing, ParameterRefused.
    """
    return _Compiler(query, _statement(query, catalog, params, me, now, venue_zone), has_index).rows(limit, offset)


def count_query(
    query: Query,
    catalog: Catalog,
    params: Mapping[str, object] | None = None,
    *,
    me: EntityId | None = None,
    now: str = "",
    venue_zone: str = "",
) -> Compiled:
    """Returns the statement that counts a query's rows; its row is {"count": n}. Raises like compile_query."""
    return _Compiler(query, _statement(query, catalog, params, me, now, venue_zone)).count()


def _statement(
    query: Query,
    catalog: Catalog,
    params: Mapping[str, object] | None,
    me: EntityId | None,
    now: str,
    venue_zone: str,
) -> Statement:
    defaults = {name: spec.default for name, spec in query.parameters.items()}
    known = parameters_of(query)
    for name in params or {}:
        if name not in known and "." not in name:
            raise ParameterUnknown(name, tuple(sorted(known)))
    return Statement(catalog, {**defaults, **(params or {})}, me, now, venue_zone)


def _id(stored: SqlValue) -> str | None:
    return id_text(stored) if isinstance(stored, bytes) else None


class _Window(NamedTuple):
    """How many rows at most (None for all) after how many skipped."""

    most: int | None
    skipped: int


_ALL = _Window(None, 0)
# How many rows more than wanted are picked, in case they sort like the last one wanted.
ALIKE_ROWS = 100
INDEX_COLUMNS_MAX = 6
_MOSTLY_UNIQUE: frozenset[FieldType] = frozenset(("text", "natural", "int", "float", "decimal", "datetime", "duration"))


@dataclass(slots=True)
class _Stage:
    """Rows so far: a scope to take names from, conditions still to apply, and ranks of the steps' ends."""

    scope: Scope
    where: list[str] = field(default_factory=list[str])
    ranks: list[str] = field(default_factory=list[str])

    def where_sql(self) -> str:
        condition = all_of(self.where)
        return "" if condition == "1" else f" WHERE {condition}"


class _Compiler:
    """Builds one statement; used once."""

    def __init__(
        self, query: Query, statement: Statement, has_index: Callable[[Index], bool] = lambda _: False
    ) -> None:
        self.query = query
        self.statement = statement
        self.has_index = has_index
        self.ctes: list[str] = []
        self.steps = frozenset(through.name for through in query.through)
        self.source = Source(query.where, "where")
        self.condition = parse_condition(query.where, "where") if query.where else None
        self.needs_ranks = _needs_ranks(query)

    def rows(self, limit: int | None, offset: int) -> Compiled:
        query = self.query
        window = _window(query, limit, offset)
        if query.group is not None:
            return self.grouped_rows(self.stages(), window)
        if window.most is not None and not query.through and query.first is None:
            return self.page_rows(window)
        stage = self.stages()
        columns = shown_columns(stage.scope, query)
        return self.finish(stage, columns, self.order(stage), window, query.offset)

    def count(self) -> Compiled:
        self.needs_ranks = self.query.first is not None and not self.query.first.by
        stage = self.stages()
        if self.query.group is not None:
            by = [grouped(expr)[0] for _, expr in self.group_by(stage)]
            inner = f"SELECT 1 {stage.scope.from_sql()}{stage.where_sql()}{_group_clause(by)}"
        else:
            inner = f"SELECT 1 {stage.scope.from_sql()}{stage.where_sql()}"
        window = _window(self.query, None, 0)
        body = f"SELECT count(*) FROM ({inner}{self.window_sql(window)})"
        return self.compiled(body, [OutColumn("count", "int")], [_as_it_is], has_id=False)

    def stages(self) -> _Stage:
        stage = self.start()
        if self.query.through:
            stage = self.through(stage)
        if self.query.first is not None:
            stage = self.first(stage)
        return stage

    def start(self) -> _Stage:
        """The start's records; conditions on steps wait for the steps."""
        source = Source(self.query.from_, "from")
        table = table_named(self.statement, self.query.from_, source, 0)
        alias = self.statement.alias("t")
        if table is None:
            nothing = Node(f'{alias}."~eid"', (), is_open=True)
            scope = Scope(self.statement, [f'(SELECT 0 AS "~eid" WHERE 0) AS {alias}'], {"": nothing})
        else:
            self.statement.touches.add(table.name)
            node = Node(f'{alias}."~eid"', (table,), aliases={table.name: alias})
            scope = Scope(self.statement, [f"{quote(table.name)} AS {alias}"], {"": node})
        own = [part for part in self.conjuncts() if not names_steps(part, self.steps)]
        return _Stage(scope, [condition_sql(scope, part, self.source) for part in own])

    def conjuncts(self) -> tuple[Condition, ...]:
        if self.condition is None:
            return ()
        return self.condition.parts if isinstance(self.condition, And) else (self.condition,)

    def through(self, start: _Stage) -> _Stage:
        """Joins each step's pairs to the rows."""
        base = start.scope.nodes[""]
        eids = f"SELECT {base.eid} AS e {start.scope.from_sql()}{start.where_sql()}"
        self.ctes.append(f"s AS MATERIALIZED ({eids})")
        wanted = self.step_properties()
        first = self.query.through[0]
        drives = not first.optional and origin_of(first) == ""
        row = Node("u0.a" if drives else "s.e", base.tables, base.is_open)
        scope = Scope(self.statement, [] if drives else ["s"], {"": row})
        stage = _Stage(scope)
        for index, through in enumerate(self.query.through):
            name = f"u{index}"
            origin = origin_of(through)
            if origin not in scope.nodes:
                problem = f"there is no step '{origin}' before '{through.name}'."
                raise NameProblem(
                    problem, Source(through.any[0].path, f"through.{through.name}.any[0].path"), 0, origin
                )
            origin_sql = f"(SELECT DISTINCT b AS e FROM {self.pairs_name(origin)})" if origin else "s"
            found = pairs(
                self.statement,
                through,
                scope.nodes[origin],
                origin_sql,
                wanted.get(through.name, ()),
                is_ranked=self.needs_ranks,
            )
            self.ctes.append(f"{name} AS MATERIALIZED ({found.sql})")
            self.join_pairs(scope, found, name, is_optional=through.optional)
            scope.nodes[through.name] = found.node(name, through.name)
            stage.ranks.append(f"{name}.k")
        later = [part for part in self.conjuncts() if names_steps(part, self.steps)]
        stage.where = [condition_sql(scope, part, self.source) for part in later]
        return stage

    def pairs_name(self, step: str) -> str:
        return f"u{[through.name for through in self.query.through].index(step)}"

    def join_pairs(self, scope: Scope, found: Pairs, name: str, *, is_optional: bool) -> None:
        if not scope.sources:
            scope.sources.append(name)
            return
        kind = "LEFT" if is_optional else "CROSS"
        scope.sources.append(f"{kind} JOIN {name} ON {name}.a={scope.nodes[found.origin].eid}")

    def first(self, stage: _Stage) -> _Stage:
        """Keeps the first row of each group."""
        spec = self.query.first
        assert spec is not None
        scope = stage.scope
        groups = [
            grouped(value_of(scope, self.query, parse_operand(text, "first.of"), Source(text, "first.of")))[0]
            for text in spec.of
        ]
        order = [term for text in spec.by for term in self.order_of(scope, text, "first.by")]
        ties = self.uuids(scope) if spec.by else self.row_order(stage)
        columns: list[str] = []
        nodes: dict[str, Node] = {}
        for index, (name, node) in enumerate(scope.nodes.items()):
            columns.append(f"{node.eid} AS e{index}")
            nodes[name] = self.carried(node, index, columns)
        ranks = [f"{rank} AS k{index}" for index, rank in enumerate(stage.ranks)]
        partition = f"PARTITION BY {','.join(groups)} " if groups else ""
        number = f"row_number() OVER ({partition}ORDER BY {','.join([*map(str, order), *ties])}) AS n"
        inner = f"SELECT {','.join([*columns, *ranks, number])} {scope.from_sql()}{stage.where_sql()}"
        self.ctes.append(f"f AS MATERIALIZED (SELECT * FROM ({inner}) WHERE n=1)")
        kept = Scope(self.statement, ["f"], nodes)
        return _Stage(kept, ranks=[f"f.k{index}" for index in range(len(ranks))])

    def carried(self, node: Node, index: int, columns: list[str]) -> Node:
        """Returns a node over table f, and adds the columns that carry what paths attached to it."""
        kept = Node(f"f.e{index}", node.tables, node.is_open, node.label)
        for place, (name, expr) in enumerate(node.gives.items()):
            columns.append(f"{expr.sql} AS g{index}_{place}")
            kept.gives[name] = Expr(f"f.g{index}_{place}", expr.type, items=True)
        for place, (name, expr) in enumerate(node.properties.items()):
            columns += [f"{expr.sql} AS q{index}_{place}", f"{expr.sort or 'NULL'} AS o{index}_{place}"]
            sort = None if expr.sort is None else f"f.o{index}_{place}"
            kept.properties[name] = Expr(f"f.q{index}_{place}", expr.type, sort, expr.field)
        return kept

    def order(self, stage: _Stage) -> list[str]:
        """Returns the whole order of the rows: as asked (else by key and path), then by record ids."""
        if not self.query.sort.order:
            return self.row_order(stage)
        return [*map(str, self.asked_terms(stage.scope)), *self.uuids(stage.scope)]

    def row_order(self, stage: _Stage) -> list[str]:
        """Returns the order that rows have by themselves: key of the start, its id, place among the start's ends."""
        own = _key_order(stage.scope)
        uuids = self.uuids(stage.scope)
        return [*map(str, own), uuids[0], *stage.ranks, *uuids[1:]]

    def order_of(self, scope: Scope, text: str, place: str) -> list[Term]:
        operand_text, descending = split_order(text)
        source = Source(operand_text, place)
        expr = value_of(scope, self.query, parse_operand(operand_text, place), source)
        return order_terms(scope, expr, descending=descending, source=source, at=0)

    def uuids(self, scope: Scope) -> list[str]:
        """Returns SQL of the record ids of the row's own record and of each step's end."""
        optional = {through.name for through in self.query.through if through.optional}
        names = ["", *(through.name for through in self.query.through)]
        return [scope.uuid(scope.nodes[name], optional=name in optional) for name in names if name in scope.nodes]

    def page_rows(self, window: _Window) -> Compiled:
        """A page of one table: the page is picked first, by local integers, and only its rows are looked at."""
        stage = self.start()
        scope = stage.scope
        terms = self.asked_terms(scope)
        keys = [f"{term.sql} AS k{index}" for index, term in enumerate(terms)]
        over = [term.over(f"k{index}") for index, term in enumerate(terms)]
        ordered = f"ORDER BY {','.join([*map(str, over), 'uuid'])}{self.window_sql(window)}"
        index = _index_for(stage, terms)
        # Rows that come in an index's order are read as far as the page goes, and no further than their like.
        if self.is_mostly_unique(scope) and not (index is not None and self.has_index(index)):
            self.pick(stage, terms, window)
            page = "SELECT g.*,uuid FROM g CROSS JOIN entity ON eid=g.e"
        else:
            uuid = f"{scope.uuid(scope.nodes[''])} AS uuid"
            columns = ",".join([f"{scope.nodes[''].eid} AS e", *keys, uuid])
            page = f"SELECT {columns} {scope.from_sql()}{stage.where_sql()}"
        self.ctes.append(f"h AS MATERIALIZED ({page} {ordered})")
        tables, is_open = scope.nodes[""].tables, scope.nodes[""].is_open
        kept = Scope(self.statement, ["h"], {"": Node("h.e", tables, is_open, entity="h")})
        final = [*(str(term.over(f"h.k{index}")) for index, term in enumerate(terms)), "h.uuid"]
        shown = shown_columns(kept, self.query)
        compiled = self.finish(_Stage(kept), shown, final, _ALL, self.query.offset - window.skipped)
        return replace(compiled, index=index)

    def is_mostly_unique(self, scope: Scope) -> bool:
        """Tells whether rows that sort alike are likely few: ordered by numbers or texts, not by yes/no or choices."""
        if not self.query.sort.order:
            return True
        operand_text, _ = split_order(self.query.sort.order[0])
        source = Source(operand_text, "sort.order")
        expr = value_of(scope, self.query, parse_operand(operand_text, "sort.order"), source)
        return expr.type in _MOSTLY_UNIQUE

    def pick(self, stage: _Stage, terms: Sequence[Term], window: _Window) -> None:
        """Makes table g: at least all rows up to the end of the page.

        Looking up the record id of every row, only to break ties, costs as much as sorting them. So rows are picked
        by the asked order alone, some more than wanted; only where the last of those sorts exactly like the last one
        wanted are all rows up to there picked again.
        """
        scope = stage.scope
        bind = self.statement.bind
        over = [term.over(f"k{index}") for index, term in enumerate(terms)]
        columns = ",".join([f"{scope.nodes[''].eid} AS e", *(f"{term.sql} AS k{n}" for n, term in enumerate(terms))])
        rows = f"SELECT {columns} {scope.from_sql()}"
        order = ",".join(map(str, over)) or "e"
        picked = window.skipped + (window.most or 0)
        alike = f"SELECT DISTINCT {','.join(term.sql for term in over) or '1'} FROM b"
        bound = _Stage(scope, [*stage.where, *_up_to_boundary(terms)])
        sorted_rows = f"SELECT * FROM a ORDER BY {order} LIMIT 1 OFFSET "
        ends = [sorted_rows + bind(max(0, at - 1)) for at in (picked, picked + ALIKE_ROWS)]
        # LIMIT 0 keeps SQLite from even beginning a scan.
        only_if = "LIMIT (SELECT CASE WHEN tied THEN {} END FROM c)"
        self.ctes += [
            f"a AS MATERIALIZED ({rows}{stage.where_sql()} ORDER BY {order} LIMIT {bind(picked + ALIKE_ROWS)})",
            f"b AS MATERIALIZED ({'SELECT * FROM (' + ') UNION ALL SELECT * FROM ('.join(ends)}))",
            f"c AS MATERIALIZED (SELECT count(*)=2 AND (SELECT count(*) FROM ({alike}))=1 AS tied FROM b)",
            f"d AS MATERIALIZED ({rows}{bound.where_sql()} {only_if.format('-1 ELSE 0')})",
            f"g AS (SELECT * FROM (SELECT * FROM a {only_if.format('0 ELSE -1')}) UNION ALL SELECT * FROM d)",
        ]

    def asked_terms(self, scope: Scope) -> list[Term]:
        if self.query.sort.order:
            return [term for text in self.query.sort.order for term in self.order_of(scope, text, "sort.order")]
        return _key_order(scope)

    def finish(
        self, stage: _Stage, shown: Sequence[Shown], order: Sequence[str], window: _Window, number_from: int
    ) -> Compiled:
        """The outermost SELECT of rows that are records.

        Args:
            number_from: how many of its rows come before the one that the running number calls 1.
        """
        steps = [through.name for through in self.query.through]
        selected = [*self.uuids(stage.scope), *(output(stage.scope, column.expr) for column in shown)]
        columns = [OutColumn("id", "record", "id"), *(OutColumn(name, "record", "id") for name in steps)]
        columns += [_out_column(column) for column in shown]
        readers = [column_reader(column.expr) for column in shown]
        order_sql = f" ORDER BY {','.join(order)}"
        flags: list[_Flag] = []
        if self.query.sort.number:
            selected.append(f"row_number() OVER ({order_sql.strip()})-{self.statement.bind(number_from)}")
            columns.append(OutColumn(self.query.sort.number, "int"))
            readers.append(_as_it_is)
        if self.query.conflicts:
            flags, conflicts = _flags(shown)
            selected += conflicts
            columns.append(OutColumn("conflicts", "list", "flag"))
        body = f"SELECT {','.join(selected)} {stage.scope.from_sql()}{stage.where_sql()}{order_sql}"
        return self.compiled(body + self.window_sql(window), columns, readers, has_id=True, steps=steps, flags=flags)

    def group_by(self, stage: _Stage) -> list[tuple[str, Expr]]:
        assert self.query.group is not None
        found: list[tuple[str, Expr]] = []
        for text in self.query.group.by:
            operand = parse_operand(text, "group.by")
            found.append((_short(text), value_of(stage.scope, self.query, operand, Source(text, "group.by"))))
        return found

    def grouped_rows(self, stage: _Stage, window: _Window) -> Compiled:
        """One row per group, ordered by what it is grouped by unless asked otherwise."""
        group = self.query.group
        assert group is not None
        by = self.group_by(stage)
        row_order = self.row_order(stage) if _takes_in_order(group) else []
        selected: list[str] = []
        shown: dict[str, Expr] = {}
        groups: list[str] = []
        for index, (name, expr) in enumerate(by):
            meet, stands = grouped(expr)
            groups.append(meet)
            selected += [f"{stands} AS v{index}", f"{meet} AS s{index}"]
            shown[name] = _over_group(single(expr), index)
        for index, (name, text) in enumerate(group.aggregates.items(), start=len(by)):
            if name in shown:
                raise QueryFormProblem(f"'{name}' is already a column, because rows are grouped by it.", "group")
            expr = self.aggregate(stage, name, text, row_order)
            selected += [f"{expr.sql} AS v{index}", f"{expr.sort or 'NULL'} AS s{index}"]
            shown[name] = _over_group(expr, index)
        inner = f"SELECT {','.join(selected)} {stage.scope.from_sql()}{stage.where_sql()}{_group_clause(groups)}"
        self.ctes.append(f"x AS MATERIALIZED ({inner})")
        return self.group_result(shown, [name for name, _ in by], window)

    def aggregate(self, stage: _Stage, name: str, text: str, row_order: Sequence[str]) -> Expr:
        place = f"group.{name}"
        function, distinct, operand = parse_aggregate(text, AGGREGATES, place)
        source = Source(text, place)
        expr = None if operand is None else value_of(stage.scope, self.query, operand, source)
        return aggregate_expr(stage.scope, function, expr, row_order, distinct=distinct, source=source)

    def group_result(self, shown: Mapping[str, Expr], by: Sequence[str], window: _Window) -> Compiled:
        scope = Scope(self.statement, ["x"], {})
        order: list[str] = []
        for text in self.query.sort.order:
            name, descending = split_order(text)
            order += self.group_order(scope, shown, name, descending=descending)
        for name in by:
            order += self.group_order(scope, shown, name)
        order += [f"{output(scope, shown[name])} NULLS LAST" for name in by]
        selected = [output(scope, expr) for expr in shown.values()]
        columns = [_out_column(Shown(name, expr)) for name, expr in shown.items()]
        readers = [column_reader(expr) for expr in shown.values()]
        order_sql = f" ORDER BY {','.join(order)}" if order else ""
        if self.query.sort.number:
            selected.append(f"row_number() OVER ({order_sql.strip()})-{self.statement.bind(self.query.offset)}")
            columns.append(OutColumn(self.query.sort.number, "int"))
            readers.append(_as_it_is)
        body = f"SELECT {','.join(selected)} {scope.from_sql()}{order_sql}{self.window_sql(window)}"
        return self.compiled(body, columns, readers, has_id=False)

    def group_order(self, scope: Scope, shown: Mapping[str, Expr], name: str, *, descending: bool = False) -> list[str]:
        source = Source(name, "sort.order")
        if name not in shown:
            problem = f"grouped rows have no '{name}'; they have {', '.join(shown)}."
            raise NameProblem(problem, source, 0, name, near_names(name, shown))
        terms = order_terms(scope, shown[name], descending=descending, source=source, at=0)
        return [str(term) for term in terms]

    def window_sql(self, window: _Window) -> str:
        if window.most is None and not window.skipped:
            return ""
        most = self.statement.bind(-1 if window.most is None else window.most)
        return f" LIMIT {most} OFFSET {self.statement.bind(window.skipped)}"

    def step_properties(self) -> dict[str, tuple[str, ...]]:
        """Returns, by step, the properties of its relations that the query asks for anywhere."""
        wanted: dict[str, dict[str, None]] = {}
        for operand in row_operands(self.query):
            if isinstance(operand, StepProperty) and operand.step in self.steps:
                wanted.setdefault(operand.step, {})[operand.key] = None
        return {step: tuple(keys) for step, keys in wanted.items()}

    def compiled(
        self,
        body: str,
        columns: Sequence[OutColumn],
        readers: Sequence[Reader],
        *,
        has_id: bool,
        steps: Sequence[str] = (),
        flags: Sequence[_Flag] = (),
    ) -> Compiled:
        names = [column.name for column in columns if column.kind in {"value", "list"}]
        head = f"WITH {', '.join(self.ctes)} " if self.ctes else ""
        return Compiled(
            head + body,
            self.statement.bound,
            tuple(columns),
            frozenset(self.statement.touches),
            tuple(sorted(self.statement.absent)),
            has_id,
            tuple(steps),
            tuple(zip(names, readers, strict=True)),
            self.query.conflicts,
            tuple(flags),
        )


def _window(query: Query, limit: int | None, offset: int) -> _Window:
    """Returns the window into all rows that a window into the query's own limit and offset is."""
    own = None if query.limit is None else max(0, query.limit - offset)
    counts = [count for count in (own, limit) if count is not None]
    return _Window(min(counts) if counts else None, query.offset + offset)


def _needs_ranks(query: Query) -> bool:
    """Tells whether the place of an end among its start's ends decides anything."""
    if query.first is not None and not query.first.by:
        return True
    return _takes_in_order(query.group) if query.group is not None else not query.sort.order


def _takes_in_order(group: Group) -> bool:
    return any(text.strip().startswith(("list", "first")) for text in group.aggregates.values())


def _key_order(scope: Scope) -> list[Term]:
    node = scope.nodes[""]
    return [term for table in node.tables for term in key_terms(scope, node, table)]


def _index_for(stage: _Stage, terms: Sequence[Term]) -> Index | None:
    """Returns the index in whose order a page of one table would come; None where it is no plain columns that count."""
    node = stage.scope.nodes[""]
    if len(node.aliases) != 1:
        return None
    (table, alias), *_ = node.aliases.items()
    column = rf'{re.escape(alias)}\.("(?:[^"]|"")+")'
    compared = [found[1] for part in stage.where if (found := re.fullmatch(rf"{column}=:p\d+", part))]
    ordered: list[str] = []
    for term in terms:
        found = re.fullmatch(column, term.sql)
        if found is None or term.descending != terms[0].descending:
            break
        ordered.append(f"{found[1]} COLLATE NOCASE" if term.nocase else found[1])
    columns = tuple(dict.fromkeys((*sorted(set(compared)), *ordered)))[:INDEX_COLUMNS_MAX]
    return Index(table, columns) if columns else None


def _up_to_boundary(terms: Sequence[Term]) -> list[str]:
    """Returns the condition on rows that may still be among those that sort like the boundary, or before it."""
    if not terms:
        return []
    first = terms[0]
    collate = " COLLATE NOCASE" if first.nocase else ""
    boundary = "(SELECT k0 FROM b LIMIT 1)"
    return [f"({boundary} IS NULL OR {first.sql}{collate}{'>=' if first.descending else '<='}{boundary})"]


def _group_clause(groups: Sequence[str]) -> str:
    return f" GROUP BY {','.join(groups)}" if groups else ""


def _over_group(expr: Expr, index: int) -> Expr:
    """Returns an expression over the columns of table x that hold it."""
    sort = None if expr.sort is None else f"x.s{index}"
    node = None if expr.node is None else Node(f"x.v{index}", expr.node.tables, expr.node.is_open, expr.node.label)
    return Expr(f"x.v{index}", expr.type, sort, expr.field, node, items=expr.items, is_missing=expr.is_missing)


def _flags(shown: Sequence[Shown]) -> tuple[list[_Flag], list[str]]:
    """Returns which columns show which contested slots, and SQL of the contested keys of each record shown."""
    eids: list[str] = []
    flags: list[_Flag] = []
    for column in shown:
        sources: list[tuple[int, str]] = []
        for eid, key in column.expr.sources:
            if eid not in eids:
                eids.append(eid)
            sources.append((eids.index(eid), key))
        flags.append((column.name, tuple(sources)))
    keys = "SELECT json_group_array(k.key) FROM conflict AS c CROSS JOIN key AS k ON k.no=c.key WHERE c.eid="
    return flags, [f"({keys}{eid})" for eid in eids]


def _out_column(column: Shown) -> OutColumn:
    return OutColumn(column.name, column.expr.type, "list" if column.expr.items else "value")


def _short(text: str) -> str:
    """Returns what a column grouped by an operand is called: its last part where that is a name."""
    tail = text.rpartition(".")[2]
    return tail if tail.isidentifier() else text


def _as_it_is(stored: SqlValue) -> Plain:
    return None if isinstance(stored, bytes) else stored

"""`through`: rows become (row, end) by a union of paths.

Knows how paths, `into`, `give`, `where` and `none` of one step become a common table expression of pairs, each end
once per start. Must not know what is selected from the rows afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from openprod.catalog.names import quote
from openprod.catalog.tables import FieldType, Table
from openprod.query.compare import condition_sql
from openprod.query.conditions import Path
from openprod.query.paths import follow_all, no_tail, path_order, table_named
from openprod.query.problems import NameProblem, QueryMismatch, Source
from openprod.query.scope import Expr, Node, Scope, Statement, Term, relation_property
from openprod.query.shown import clean, template_expr
from openprod.query.text import parse_condition, parse_path, parse_template
from openprod.query.tree import PathSpec, Through


@dataclass(slots=True)
class Pairs:
    """The pairs of one step.

    Args:
        sql: the SELECT of the pairs: start a, end b, rank k, then gives g0… and properties q0….
        origin: the name of the step that it starts from, "" for the row itself.
        tables: where the ends may be.
        gives: type of each give, by name.
        properties: each wanted property of the relations that led there, by name.
    """

    sql: str
    origin: str
    tables: tuple[Table, ...]
    is_open: bool
    gives: dict[str, FieldType] = field(default_factory=dict[str, FieldType])
    properties: dict[str, Expr] = field(default_factory=dict[str, Expr])

    def node(self, alias: str, label: str) -> Node:
        """Returns the end of a pair as a node of a row."""
        gives = {
            name: Expr(f"{alias}.g{index}", kind, items=True) for index, (name, kind) in enumerate(self.gives.items())
        }
        properties = {
            name: Expr(f"{alias}.q{index}", expr.type, None if expr.sort is None else f"{alias}.o{index}", expr.field)
            for index, (name, expr) in enumerate(self.properties.items())
        }
        return Node(f"{alias}.b", self.tables, self.is_open, label, gives=gives, properties=properties)


@dataclass(slots=True)
class _Branch:
    """One path as joins: its scope, where its ends are, what it gives."""

    scope: Scope
    end: Node
    where: list[str]
    order: list[Term]
    gives: dict[str, Expr]


def origin_of(through: Through) -> str:
    """Returns the step that all paths of a step start from; raises QueryMismatch where they differ."""
    origin: str | None = None
    for place, spec in _specs(through):
        path = parse_path(spec.path, place) if spec.path else Path("", ())
        if origin is not None and path.start != origin:
            source = Source(spec.path, place)
            raise QueryMismatch("all paths of one step start from the same place.", source, path.at)
        origin = path.start
    return origin or ""


def pairs(
    statement: Statement,
    through: Through,
    origin: Node,
    origin_sql: str,
    wanted: Sequence[str],
    *,
    is_ranked: bool,
) -> Pairs:
    """Returns the pairs of one step.

    Args:
        origin: the node it starts from, for the fields that gives may name.
        origin_sql: a FROM item with one column e, the local integers to start from.
        wanted: names of properties of the last relations that the query asks for.
        is_ranked: whether the place of an end among its start's ends is needed.
    """
    found = [
        (place, branch)
        for place, spec in _specs(through, none=False)
        if (branch := _branch(statement, through, spec, place, origin, origin_sql)) is not None
    ]
    branches = [branch for _, branch in found]
    result = Pairs("", origin_of(through), *_end_tables(branches, len(through.any)))
    result.gives = _give_types(through, branches)
    result.properties = _properties(through, branches, wanted)
    minus = _minus(statement, through, origin, origin_sql)
    result.sql = _union(result, branches, minus, is_ranked=is_ranked)
    return result


def _specs(through: Through, *, none: bool = True) -> list[tuple[str, PathSpec]]:
    place = f"through.{through.name}"
    found = [(f"{place}.any[{index}].path", spec) for index, spec in enumerate(through.any)]
    if none:
        found += [(f"{place}.none[{index}].path", spec) for index, spec in enumerate(through.none)]
    return found


def _branch(
    statement: Statement, through: Through, spec: PathSpec, place: str, origin: Node, origin_sql: str
) -> _Branch | None:
    """Returns one path as joins, or None where a module it names is not adopted here."""
    if spec.table:
        return _table_branch(statement, through, spec, place, origin, origin_sql)
    source = Source(spec.path, place)
    path = parse_path(spec.path, place)
    no_tail(path, source)
    alias = statement.alias("s")
    start = Node(f"{alias}.e", origin.tables, origin.is_open, origin.label)
    scope = Scope(statement, [f"{origin_sql} AS {alias}"], {"": start})
    where: list[str] = []
    nodes = follow_all(scope, start, path, source, where)
    if nodes is None:
        return None
    end = nodes[-1]
    if spec.into:
        into = table_named(statement, spec.into, Source(spec.into, place.replace(".path", ".into")), 0)
        if into is None:
            return None
        end.tables, end.is_open = (into,), False
        end.aliases[into.name] = statement.alias("t")
        statement.touches.add(into.name)
        link = f'{end.aliases[into.name]}."~eid"={end.eid}'
        scope.sources.append(f"CROSS JOIN {quote(into.name)} AS {end.aliases[into.name]} ON {link}")
    scope.nodes.setdefault(through.name, end)
    gives = _asked(scope, spec, place, where)
    return _Branch(scope, end, where, path_order(scope, path, nodes, source), gives)


def _table_branch(
    statement: Statement, through: Through, spec: PathSpec, place: str, origin: Node, origin_sql: str
) -> _Branch | None:
    """Returns the records of a table for which a condition holds, or None where its module is not adopted here."""
    table = table_named(statement, spec.table, Source(spec.table, place.replace(".path", ".table")), 0)
    if table is None:
        return None
    alias, ends = statement.alias("s"), statement.alias("t")
    start = Node(f"{alias}.e", origin.tables, origin.is_open, origin.label)
    end = Node(f'{ends}."~eid"', (table,), label=table.name, aliases={table.name: ends})
    statement.touches.add(table.name)
    scope = Scope(statement, [f"{origin_sql} AS {alias}"], {"": start})
    # What the start holds is looked up before the table is gone through, so that an equal value finds its records.
    for one in origin.tables:
        scope.join(start, one)
    scope.sources.append(f"CROSS JOIN {quote(table.name)} AS {ends}")
    scope.nodes[through.name] = end
    where: list[str] = []
    gives = _asked(scope, spec, place, where)
    return _Branch(scope, end, where, [], gives)


def _asked(scope: Scope, spec: PathSpec, place: str, where: list[str]) -> dict[str, Expr]:
    """Adds the condition of a path to `where`; returns what it gives to its ends."""
    if spec.where:
        at = place.replace(".path", ".where")
        where.append(condition_sql(scope, parse_condition(spec.where, at), Source(spec.where, at)))
    gives: dict[str, Expr] = {}
    for name, text in spec.give.items():
        at = place.replace(".path", f".give.{name}")
        gives[name] = template_expr(scope, parse_template(text, at), Source(text, at))
    return gives


def _end_tables(branches: Sequence[_Branch], wanted: int) -> tuple[tuple[Table, ...], bool]:
    tables = {table.name: table for branch in branches for table in branch.end.tables}
    is_open = len(branches) < wanted or any(branch.end.is_open for branch in branches)
    return tuple(tables.values()), is_open


def _give_types(through: Through, branches: Sequence[_Branch]) -> dict[str, FieldType]:
    types: dict[str, FieldType] = {}
    for name in dict.fromkeys(name for spec in through.any for name in spec.give):
        kinds: set[FieldType] = {branch.gives[name].type for branch in branches if name in branch.gives}
        types[name] = next(iter(kinds)) if len(kinds) == 1 else "text"
    return types


def _properties(through: Through, branches: Sequence[_Branch], wanted: Sequence[str]) -> dict[str, Expr]:
    """Returns the wanted properties as the first branch that has them tells them."""
    found: dict[str, Expr] = {}
    for name in wanted:
        for branch in branches:
            if branch.end.relation is None:
                continue
            relation, alias = branch.end.relation
            if relation.resolve(name) is not None or name == "position":
                found[name] = relation_property(relation, alias, name, Source(name), 0)
                break
        else:
            if len(branches) == len(through.any):
                problem = f"no relation that leads to '{through.name}' has a property '{name}'."
                raise NameProblem(problem, Source(f"{through.name}[{name}]"), 0, name)
            found[name] = Expr("NULL", "text")
    return found


def _branch_property(branch: _Branch, name: str, kind: FieldType) -> Expr:
    if branch.end.relation is None:
        return Expr("NULL", kind, "NULL")
    relation, alias = branch.end.relation
    known = relation.resolve(name)
    if (known is None and name != "position") or (known is not None and known.type != kind):
        return Expr("NULL", kind, "NULL")
    return relation_property(relation, alias, name, Source(name), 0)


def _minus(statement: Statement, through: Through, origin: Node, origin_sql: str) -> list[str]:
    """Returns conditions on a pair (a, b) that take out the ends of the `none` paths."""
    conditions: list[str] = []
    for index, spec in enumerate(through.none):
        place = f"through.{through.name}.none[{index}].path"
        path = parse_path(spec.path, place)
        quick = _minus_one(statement, spec, path)
        if quick is not None:
            conditions.append(quick)
            continue
        branch = _branch(statement, through, spec, place, origin, origin_sql)
        if branch is not None:
            where = f" WHERE {' AND '.join(branch.where)}" if branch.where else ""
            start = branch.scope.nodes[""].eid
            conditions.append(f"(a,b) NOT IN (SELECT {start},{branch.end.eid} {branch.scope.from_sql()}{where})")
    return conditions


def _minus_one(statement: Statement, spec: PathSpec, path: Path) -> str | None:
    """Returns the condition for a `none` path of one relation and nothing more: a look-up by its index."""
    step, *more = path.steps
    relation = statement.catalog.relations.get(step.relation)
    if relation is None or more or spec.into or spec.where:
        return None
    statement.touches.add(relation.name)
    alias = statement.alias("r")
    start, end = ('"~src"', '"~dst"') if step.forward else ('"~dst"', '"~src"')
    return f"NOT EXISTS(SELECT 1 FROM {quote(relation.name)} AS {alias} WHERE {alias}.{start}=a AND {alias}.{end}=b)"


def _union(result: Pairs, branches: Sequence[_Branch], minus: Sequence[str], *, is_ranked: bool) -> str:
    width = max((len(branch.order) for branch in branches), default=0)
    keeps_order = (is_ranked or bool(result.gives)) and width > 0
    selects = [_select(result, branch, place, width if keeps_order else 0) for place, branch in enumerate(branches)]
    if not selects:
        empty = ["0 AS a", "0 AS b", "0 AS k", *_names(result)]
        return f"SELECT {','.join(empty)} WHERE 0"
    where = f" WHERE {' AND '.join(minus)}" if minus else ""
    if not result.gives and not result.properties and not is_ranked:
        return f"SELECT DISTINCT a,b,0 AS k FROM ({' UNION ALL '.join(selects)}){where}"
    orders = [branch.order for branch in branches]
    nocase = [any(len(order) > index and order[index].nocase for order in orders) for index in range(width)]
    terms = [str(Term(f"c{index}", nocase=folds)) for index, folds in enumerate(nocase) if keeps_order]
    rank = "min(k)"
    body = f"({' UNION ALL '.join(selects)})"
    if is_ranked and width > 0:
        rank = "min(n)"
        body = f"(SELECT *,rank() OVER (ORDER BY {','.join(['k', *terms])}) AS n FROM {body})"
    columns = ["a", "b", f"{rank} AS k"]
    for index in range(len(result.gives)):
        order = ",".join(["k", *terms, f"g{index}"])
        columns.append(f"json_group_array(g{index} ORDER BY {order}) FILTER (WHERE g{index} IS NOT NULL) AS g{index}")
    for index in range(len(result.properties)):
        columns += [f"min(q{index}) AS q{index}", f"min(o{index}) AS o{index}"]
    return f"SELECT {','.join(columns)} FROM {body}{where} GROUP BY a,b"


def _names(result: Pairs) -> list[str]:
    gives = [f"NULL AS g{index}" for index in range(len(result.gives))]
    return gives + [f"NULL AS {letter}{index}" for index in range(len(result.properties)) for letter in "qo"]


def _select(result: Pairs, branch: _Branch, place: int, width: int) -> str:
    columns = [f"{branch.scope.nodes[''].eid} AS a", f"{branch.end.eid} AS b", f"{place} AS k"]
    for index, (name, kind) in enumerate(result.gives.items()):
        columns.append(f"{_give(branch.gives, name, kind)} AS g{index}")
    for index, (name, known) in enumerate(result.properties.items()):
        expr = _branch_property(branch, name, known.type)
        columns += [f"{clean(expr)} AS q{index}", f"{expr.sort or 'NULL'} AS o{index}"]
    for index in range(width):
        columns.append(f"{branch.order[index].sql if index < len(branch.order) else 'NULL'} AS c{index}")
    where = f" WHERE {' AND '.join(branch.where)}" if branch.where else ""
    return f"SELECT {','.join(columns)} {branch.scope.from_sql()}{where}"


def _give(gives: Mapping[str, Expr], name: str, kind: FieldType) -> str:
    expr = gives.get(name)
    if expr is None or expr.is_missing:
        return "NULL"
    return clean(expr) if expr.type == kind else f"openprod_text('{expr.type}',{expr.sql})"

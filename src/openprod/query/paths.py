"""Paths to joins: relations followed from one record to others.

Knows which tables the ends may be in, the order of the ends, and the subqueries for "is there one" and "the first".
Must not know comparisons or stages. Joins along a path keep their order (CROSS JOIN), because each is a look-up by the
index of the relation and SQLite has no statistics to find that out.
"""

from __future__ import annotations

from collections.abc import Callable

from openprod.catalog.names import quote
from openprod.catalog.tables import Relation, Table, near_names
from openprod.query.conditions import Name, Path, Step
from openprod.query.problems import NameProblem, QueryMismatch, Source
from openprod.query.scope import MISSING, Expr, Node, Scope, Statement, Term, order_terms, relation_property
from openprod.query.text import path_text


def origin(scope: Scope, path: Path, source: Source) -> Node:
    """Returns the node that a path starts from; raises NameProblem for a step that is not there."""
    node = scope.nodes.get(path.start)
    if node is None:
        steps = [name for name in scope.nodes if name]
        problem = f"there is no step '{path.start}' before this to start from."
        raise NameProblem(problem, source, path.at, path.start, near_names(path.start, steps))
    return node


def follow(scope: Scope, start: Node, path: Path, source: Source, where: list[str]) -> Node | None:
    """Joins the relations of a path to a scope and returns its end, or None where a module is not adopted here.

    Args:
        where: takes the link to `start` where the scope has no FROM yet (a subquery).
    """
    nodes = follow_all(scope, start, path, source, where)
    return None if nodes is None else nodes[-1]


def follow_all(scope: Scope, start: Node, path: Path, source: Source, where: list[str]) -> list[Node] | None:
    """Does as `follow` and returns the node of every step."""
    relations: list[Relation] = []
    for step in path.steps:
        relation = relation_of(scope.statement, step, source)
        if relation is None:
            return None
        relations.append(relation)
    nodes: list[Node] = []
    for index, (step, relation) in enumerate(zip(path.steps, relations, strict=True)):
        node = _joined(scope, nodes[-1] if nodes else start, step, relation, where)
        if index + 1 < len(relations):
            _narrow(scope.statement, node, path.steps[index + 1], relations[index + 1])
        if step.name:
            scope.nodes[step.name] = node
        nodes.append(node)
    return nodes


def _narrow(statement: Statement, node: Node, following: Step, relation: Relation) -> None:
    """Lets the relation that leads on say where a record between two relations is, too."""
    hints = (relation.source,) if following.forward else relation.target_hint
    here = tuple(statement.catalog.tables[name] for name in hints if name in statement.catalog.tables)
    both = tuple(table for table in node.tables if table in here)
    node.tables = both or (*here, *node.tables)


def relation_of(statement: Statement, step: Step, source: Source) -> Relation | None:
    """Returns the relation of a step, None where its module is not adopted; raises NameProblem."""
    relation = statement.catalog.relations.get(step.relation)
    if relation is None and not statement.is_absent(step.relation):
        near = near_names(step.relation, statement.catalog.relations)
        raise NameProblem(f"there is no relation '{step.relation}'.", source, step.at, step.relation, near)
    return relation


def _joined(scope: Scope, node: Node, step: Step, relation: Relation, where: list[str]) -> Node:
    statement = scope.statement
    statement.touches.add(relation.name)
    alias = statement.alias("r")
    near, far = ('"~src"', '"~dst"') if step.forward else ('"~dst"', '"~src"')
    link = f"{alias}.{near}={node.eid}"
    if scope.sources:
        scope.sources.append(f"CROSS JOIN {quote(relation.name)} AS {alias} ON {link}")
    else:
        scope.sources.append(f"{quote(relation.name)} AS {alias}")
        where.append(link)
    hints = relation.target_hint if step.forward else (relation.source,)
    tables = statement.catalog.tables
    here = tuple(tables[name] for name in hints if name in tables)
    arrow = "->" if step.forward else "<-"
    label = f"{arrow}{relation.name}"
    return Node(f"{alias}.{far}", here, len(here) < len(hints), label, relation=(relation, alias))


def path_order(scope: Scope, path: Path, nodes: list[Node], source: Source) -> list[Term]:
    """Returns the order that a path gives its ends: its [properties], and positions of ordered relations."""
    terms: list[Term] = []
    for step, node in zip(path.steps, nodes, strict=True):
        assert node.relation is not None
        relation, alias = node.relation
        if step.order is not None:
            expr = relation_property(relation, alias, step.order, source, step.at)
            terms += order_terms(scope, expr, descending=False, source=source, at=step.at)
        elif relation.ordered:
            terms.append(Term(f'{alias}."~pos"'))
    return terms


def exists(scope: Scope, path: Path, source: Source, test: Callable[[Scope, Expr], str]) -> str:
    """Returns SQL that is true where some end of a path passes a test of what the path looks at there."""
    inner = scope.inner({})
    where: list[str] = []
    node = follow(inner, origin(scope, path, source), path, source, where)
    if node is None:
        return "0"
    test_sql = test(inner, looked_at(inner, node, path, source))
    if test_sql == "0":
        return "0"
    if test_sql != "1":
        where.append(f"({test_sql})")
    return f"EXISTS(SELECT 1 {inner.from_sql()} WHERE {' AND '.join(where)})"


def looked_at(scope: Scope, node: Node, path: Path, source: Source) -> Expr:
    """Returns what a path looks at where it ends: a property of its last relation, a field, or the record."""
    if path.of_relation:
        assert node.relation is not None
        return relation_property(*node.relation, path.of_relation, source, path.at)
    if path.tail:
        name = Name(path.tail, path.at)
        return scope.at_node(node, name.parts, name, source)
    return scope.record(node)


def first_value(scope: Scope, path: Path, source: Source) -> Expr:
    """Returns what a path looks at at its first end, in the path's order, then by record id; for select and sort."""
    key = path_text(Path(path.start, path.steps))
    if path.of_relation:
        return _first_property(scope, path, source)
    node = scope.first_ends.get(key + path.tail)
    if node is None:
        found = _first_end(scope, path, source)
        if found is None:
            return MISSING
        node = scope.first_ends.setdefault(key + path.tail, found)
    if not path.tail:
        return scope.record(node)
    name = Name(path.tail, path.at)
    return scope.at_node(node, name.parts, name, source)


def _first_end(scope: Scope, path: Path, source: Source) -> Node | None:
    inner = scope.inner({})
    where: list[str] = []
    nodes = follow_all(inner, origin(scope, path, source), path, source, where)
    if nodes is None:
        return None
    end = nodes[-1]
    within = _tables_of_tail(scope, end, path)
    if len(within) == 1:
        alias = scope.statement.alias("t")
        scope.statement.touches.add(within[0].name)
        inner.sources.append(f'CROSS JOIN {quote(within[0].name)} AS {alias} ON {alias}."~eid"={end.eid}')
    subquery = _first(inner, end.eid, path, nodes, source, where)
    return Node(subquery, end.tables, end.is_open, end.label)


def _first_property(scope: Scope, path: Path, source: Source) -> Expr:
    inner = scope.inner({})
    where: list[str] = []
    nodes = follow_all(inner, origin(scope, path, source), path, source, where)
    if nodes is None:
        return MISSING
    found = looked_at(inner, nodes[-1], path, source)
    sql = _first(inner, found.sql, path, nodes, source, where)
    sort = None if found.sort is None else _first(inner, found.sort, path, nodes, source, where)
    return Expr(sql, found.type, sort, found.field)


def _first(inner: Scope, what: str, path: Path, nodes: list[Node], source: Source, where: list[str]) -> str:
    order = [*map(str, path_order(inner, path, nodes, source)), inner.uuid(nodes[-1])]
    from_sql = inner.from_sql()
    return f"(SELECT {what} {from_sql} WHERE {' AND '.join(where)} ORDER BY {','.join(order)} LIMIT 1)"


def _tables_of_tail(scope: Scope, end: Node, path: Path) -> tuple[Table, ...]:
    if not path.tail:
        return ()
    own = tuple(table for table in end.tables if table.resolve(path.tail) is not None)
    if own:
        return own
    known = scope.statement.catalog.find_field(path.tail)
    table = None if known is None else scope.statement.catalog.tables.get(known.table)
    return () if table is None else (table,)


def table_named(statement: Statement, name: str, source: Source, at: int) -> Table | None:
    """Returns a table by full name, None where its module is not adopted; raises NameProblem."""
    table = statement.catalog.tables.get(name)
    if table is None and not statement.is_absent(name):
        near = near_names(name, statement.catalog.tables)
        raise NameProblem(f"there is no table '{name}'.", source, at, name, near)
    return table


def no_tail(path: Path, source: Source) -> None:
    """Refuses a path that looks at a field, where records are wanted."""
    if path.tail or path.of_relation:
        raise QueryMismatch("a path to records is expected here, without a field.", source, path.at)

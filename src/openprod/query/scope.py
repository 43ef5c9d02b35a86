"""Names to SQL: what a name of a query means at a place of the statement, and the joins that this needs.

Knows the statement under construction (bound values, aliases, tables read), the nodes (records) that a row consists
of, and the expressions that names give there. Must not know conditions, paths or the order of the stages.

Every identifier is quoted, every value is bound; nothing a person wrote is put into SQL text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from openprod.catalog.names import SqlValue, quote
from openprod.catalog.tables import Catalog, Field, FieldType, Relation, Table, near_names
from openprod.model.ids import EntityId
from openprod.query.conditions import POSITION, Name, StepProperty
from openprod.query.problems import NameProblem, QueryMismatch, QueryTooBig, Source

# SQLite joins at most 64 tables; the stages add a few of their own.
JOINS_MAX = 50
ALTERNATIVES_MAX = 50
BOUND_MAX = 30_000
RECORD = "record"


@dataclass(slots=True)
class Statement:
    """One SELECT under construction.

    Args:
        params: values of the query's parameters by name, as given.
        me: the person who asks, or None.
        now: the local moment of asking.
        venue_zone: the zone of moments that name none, as the store's sort columns take it.
    """

    catalog: Catalog
    params: Mapping[str, object]
    me: EntityId | None
    now: str
    venue_zone: str = ""
    bound: dict[str, SqlValue] = field(default_factory=dict[str, SqlValue])
    touches: set[str] = field(default_factory=set[str])
    used: set[str] = field(default_factory=set[str])
    absent: set[str] = field(default_factory=set[str])
    _names: dict[tuple[type, SqlValue], str] = field(default_factory=dict[tuple[type, SqlValue], str])
    _aliases: int = 0

    def bind(self, value: SqlValue) -> str:
        """Returns the SQL parameter that stands for a value; the same value gives the same one."""
        known = self._names.get((type(value), value))
        if known is None:
            if len(self._names) == BOUND_MAX:
                raise QueryTooBig(f"The query holds more than {BOUND_MAX} different values.")
            known = f"p{len(self._names)}"
            self._names[type(value), value] = known
            self.bound[known] = value
        return f":{known}"

    def alias(self, letter: str) -> str:
        """Returns a new alias."""
        self._aliases += 1
        return f"{letter}{self._aliases}"

    def is_absent(self, name: str) -> bool:
        """Tells whether a full name's module is not adopted here, and remembers it: such names give nothing."""
        if self.catalog.is_adopted(name):
            return False
        self.absent.add(name)
        return True


@dataclass(slots=True)
class Expr:
    """A value in SQL.

    Args:
        sql: the value as stored; a wrong-typed one is a BLOB here.
        sort: for types with a sort column, SQL of text in their order.
        sources: (SQL of the record's local integer, field key) of what is shown, for conflict flags.
        alternatives: for the first present of several types, the several.
        items: the value is a JSON list of values of `type` (what the paths to an end gave).
        is_missing: the name is of a module that is not adopted: always NULL.
        is_clean: the value is computed, so no wrong-typed one can be among them.
    """

    sql: str
    type: FieldType
    sort: str | None = None
    field: Field | None = None
    node: Node | None = None
    sources: tuple[tuple[str, str], ...] = ()
    alternatives: tuple[Expr, ...] = ()
    items: bool = False
    is_missing: bool = False
    is_clean: bool = False


@dataclass(slots=True)
class Node:
    """A record that a row holds.

    Args:
        eid: SQL of its local integer.
        tables: where it may be, in the order in which its short names are looked up.
        is_open: it may also be in tables that are not here, so unknown short names give nothing.
        label: how it is spoken of in errors.
        aliases: the joined tables, by name.
        gives: what paths attached to it, by name.
        relation: the relation by which it was reached, with its alias.
        properties: SQL of properties of the relations by which it was reached, where those are several.
    """

    eid: str
    tables: tuple[Table, ...]
    is_open: bool = False
    label: str = ""
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    gives: dict[str, Expr] = field(default_factory=dict[str, "Expr"])
    relation: tuple[Relation, str] | None = None
    properties: dict[str, Expr] = field(default_factory=dict[str, "Expr"])
    entity: str = ""


MISSING = Expr("NULL", "text", is_missing=True)


class Scope:
    """A FROM clause that grows by the joins that names need, and the nodes that names start from.

    Args:
        statement: the statement it is part of.
        sources: pieces of FROM so far.
        nodes: the row's own record under "", named steps under their names.
    """

    def __init__(self, statement: Statement, sources: Sequence[str], nodes: Mapping[str, Node]) -> None:
        self.statement = statement
        self.sources = list(sources)
        self.nodes = dict(nodes)
        self.first_ends: dict[str, Node] = {}

    def from_sql(self) -> str:
        """Returns the FROM clause with all joins so far."""
        if len(self.sources) > JOINS_MAX:
            raise QueryTooBig(f"The query reads more than {JOINS_MAX} tables at once; ask for fewer fields or paths.")
        return "FROM " + " ".join(self.sources)

    def inner(self, nodes: Mapping[str, Node]) -> Scope:
        """Returns the scope of a subquery that sees this scope's nodes through copies: its joins are its own."""
        copies = {name: _unjoined(node) for name, node in self.nodes.items()}
        return Scope(self.statement, (), {**copies, **nodes})

    def join(self, node: Node, table: Table) -> str:
        """Returns the alias of a table at a node; joins it where that has not happened."""
        alias = node.aliases.get(table.name)
        if alias is None:
            alias = self.statement.alias("t")
            node.aliases[table.name] = alias
            self.statement.touches.add(table.name)
            self.sources.append(f'LEFT JOIN {quote(table.name)} AS {alias} ON {alias}."~eid"={node.eid}')
        return alias

    def uuid(self, node: Node, *, optional: bool = False) -> str:
        """Returns SQL of a node's record id, by which ties are broken."""
        if not node.entity:
            node.entity = self.statement.alias("e")
            kind = "LEFT" if optional else "CROSS"
            self.sources.append(f"{kind} JOIN entity AS {node.entity} ON {node.entity}.eid={node.eid}")
        return f"{node.entity}.uuid"

    def title(self, node: Node) -> str:
        """Returns SQL of what a node's record is called."""
        titles = [f'{self.join(node, table)}."~title"' for table in node.tables]
        return coalesce(titles) if titles else "NULL"

    def record(self, node: Node) -> Expr:
        """Returns the record itself as a value."""
        return Expr(node.eid, "record", node=node)

    def name(self, name: Name, source: Source) -> Expr:
        """Returns what a name means here; raises NameProblem where nothing has it."""
        head, *rest = name.parts
        step = self.nodes.get(head)
        if step is None:
            return self.at_node(self.nodes[""], name.parts, name, source)
        return self.at_node(step, tuple(rest), name, source) if rest else self.record(step)

    def at_node(self, node: Node, parts: tuple[str, ...], name: Name, source: Source) -> Expr:
        """Returns what a name means at a node."""
        text = ".".join(parts)
        if text in node.gives:
            return node.gives[text]
        own = [(table, found) for table in node.tables if (found := table.resolve(text)) is not None]
        if own:
            return first_present([self.column(node, table, found) for table, found in own])
        if len(parts) == 1:
            if text == RECORD:
                return self.record(node)
            if node.is_open:
                return MISSING
            raise self._unknown(node, text, name, source)
        known = self.statement.catalog.find_field(text)
        if known is not None:
            table = self.statement.catalog.tables.get(known.table)
            if table is None:
                problem = f"'{text}' is a property of a relation; write ->{known.table}[{known.name}]."
                raise QueryMismatch(problem, source, name.at)
            return self.column(node, table, known)
        through = self._record_field(node, parts, name, source)
        if through is not None:
            return through
        if len(parts) > 2 and self.statement.is_absent(text):
            return MISSING
        raise self._unknown(node, text, name, source)

    def column(self, node: Node, table: Table, found: Field) -> Expr:
        """Returns a field of a table at a node."""
        alias = self.join(node, table)
        sort = None if found.sort_column is None else f"{alias}.{quote(found.sort_column)}"
        target = self._target(found, f"{alias}.{quote(found.column)}") if found.type == "record" else None
        sources = ((node.eid, found.key),)
        return Expr(f"{alias}.{quote(found.column)}", found.type, sort, found, target, sources)

    def step_property(self, operand: StepProperty, source: Source) -> Expr:
        """Returns a property of the relation by which a named step was reached."""
        node = self.nodes.get(operand.step)
        if node is None or not operand.step:
            names = [name for name in self.nodes if name]
            problem = f"there is no step '{operand.step}'."
            raise NameProblem(problem, source, operand.at, operand.step, near_names(operand.step, names))
        if operand.key in node.properties:
            return node.properties[operand.key]
        if node.relation is None:
            problem = f"'{operand.step}' is reached by several paths or by none; attach the property with give."
            raise QueryMismatch(problem, source, operand.at)
        return relation_property(*node.relation, operand.key, source, operand.at)

    def _target(self, found: Field, eid: str) -> Node:
        tables = self.statement.catalog.tables
        here = tuple(tables[name] for name in found.target if name in tables)
        return Node(eid, here, len(here) < len(found.target), found.title)

    def _record_field(self, node: Node, parts: tuple[str, ...], name: Name, source: Source) -> Expr | None:
        """Returns a field of the record that a record field refers to (`position.name`), or None."""
        owners = [(table, found) for table in node.tables if (found := table.resolve(parts[0])) is not None]
        if not owners or owners[0][1].type != "record":
            return None
        key = f"{node.eid}.{parts[0]}"
        if key not in self.first_ends:
            target = self.column(node, *owners[0]).node
            assert target is not None
            self.first_ends[key] = target
        return self.at_node(self.first_ends[key], parts[1:], name, source)

    def _unknown(self, node: Node, text: str, name: Name, source: Source) -> NameProblem:
        steps = [step for step in self.nodes if step]
        own = [found.name for table in node.tables for found in table.fields.values()]
        full = [found.key for table in self.statement.catalog.tables.values() for found in table.fields.values()]
        if "." in text:
            near = near_names(text, [*full, *(f"{step}.{short}" for step in steps for short in own)])
            return NameProblem(f"nothing here is called '{text}'.", source, name.at, text, near)
        if not node.tables:
            problem = f"{node.label} leads to records of any table; name the field in full (module.table.field)."
            return NameProblem(problem, source, name.at, text, near_names(text, full))
        where = " or ".join(table.name for table in node.tables)
        near = near_names(text, [*own, *steps]) or near_names(text, full)
        return NameProblem(f"there is no field '{text}' in {where}.", source, name.at, text, near)


def _unjoined(node: Node) -> Node:
    """Returns a node for use inside a subquery: joins made outside may be used, new ones stay inside."""
    return Node(
        node.eid,
        node.tables,
        node.is_open,
        node.label,
        dict(node.aliases),
        dict(node.gives),
        node.relation,
        dict(node.properties),
        node.entity,
    )


def relation_property(relation: Relation, alias: str, key: str, source: Source, at: int) -> Expr:
    """Returns a property of a relation, or its position among the ends; raises NameProblem."""
    found = relation.resolve(key)
    if found is not None:
        sort = None if found.sort_column is None else f"{alias}.{quote(found.sort_column)}"
        sources = ((f'{alias}."~eid"', found.key),)
        return Expr(f"{alias}.{quote(found.column)}", found.type, sort, found, None, sources)
    if key == POSITION:
        return Expr(f'{alias}."~pos"', "text", f'{alias}."~pos"')
    names = [*(field.name for field in relation.properties.values()), POSITION]
    problem = f"{relation.name} has no property '{key}'."
    raise NameProblem(problem, source, at, key, near_names(key, names) or tuple(names[:3]))


def coalesce(texts: Sequence[str]) -> str:
    """Returns SQL of the first of several that is not NULL."""
    return texts[0] if len(texts) == 1 else f"COALESCE({','.join(texts)})"


def first_present(exprs: Sequence[Expr]) -> Expr:
    """Returns the first of several values that is there; of several types they become text where they are shown."""
    if len(exprs) > ALTERNATIVES_MAX:
        raise QueryTooBig(f"A list of which the first present counts has at most {ALTERNATIVES_MAX} items.")
    here = [expr for expr in exprs if not expr.is_missing]
    if not here:
        return MISSING
    if len(here) == 1:
        return here[0]
    sources = tuple(source for expr in here for source in expr.sources)
    flat = [single(expr) for expr in here]
    kinds = {expr.type for expr in flat}
    if len(kinds) > 1:
        shown = coalesce([f"openprod_text('{expr.type}',{expr.sql})" for expr in flat])
        return Expr(shown, "text", None, None, None, sources, tuple(flat))
    sort: str | None = None
    if any(expr.sort is not None for expr in flat):
        cases = " ".join(f"WHEN {expr.sql} IS NOT NULL THEN {expr.sort or expr.sql}" for expr in flat)
        sort = f"CASE {cases} END"
    choices = {expr.field.choices if expr.field is not None else () for expr in flat}
    kept = flat[0].field if len(choices) == 1 else None
    return Expr(coalesce([expr.sql for expr in flat]), flat[0].type, sort, kept, None, sources)


def single(expr: Expr) -> Expr:
    """Returns a value where one is wanted: of a list of what paths gave, the first."""
    if not expr.items:
        return expr
    sql = f"{expr.sql}->>'$[0]'"
    sort = f"openprod_key('{expr.type}',{sql})" if expr.type in {"natural", "outline", "decimal"} else None
    return Expr(sql, expr.type, sort, expr.field, None, expr.sources)


def is_stray(sql: str) -> str:
    """Returns SQL that is true for a wrong-typed value."""
    return f"typeof({sql})='blob'"


@dataclass(frozen=True, slots=True)
class Term:
    """One key of an order: SQL, direction, and whether ASCII letters sort whatever their case."""

    sql: str
    descending: bool = False
    nocase: bool = False

    def __str__(self) -> str:
        return f"{self.sql}{' COLLATE NOCASE' if self.nocase else ''}{' DESC' if self.descending else ''} NULLS LAST"

    def over(self, column: str) -> Term:
        """Returns the term over a column that holds what this one computes."""
        return Term(column, self.descending, self.nocase)


def order_terms(scope: Scope, expr: Expr, *, descending: bool, source: Source, at: int) -> list[Term]:
    """Returns the order of a value: each type in its own order, what is missing last either way."""
    if expr.is_missing:
        return []
    flat = single(expr)
    match flat.type:
        case _ if flat.alternatives:
            return _text_terms(flat.sql, descending=descending)
        case "list" | "blob" | "field":
            raise QueryMismatch(f"rows cannot be ordered by a {flat.type}.", source, at)
        case "record":
            return _record_terms(scope, flat, descending=descending, source=source, at=at)
        case "choice":
            return _choice_terms(scope, flat, descending=descending)
        case _ if flat.sort is not None:
            return [Term(flat.sort, descending)]
        case "text":
            return _text_terms(flat.sql, descending=descending)
        case _:
            return [Term(flat.sql, descending)]


def choice_rank(statement: Statement, expr: Expr) -> str | None:
    """Returns SQL of a choice's place in the declared order, or None where none is declared."""
    choices = expr.field.choices if expr.field is not None else ()
    if not choices:
        return None
    cases = " ".join(f"WHEN {statement.bind(choice)} THEN {place}" for place, choice in enumerate(choices))
    return f"CASE {expr.sql} {cases} ELSE {len(choices)} END"


def _text_terms(sql: str, *, descending: bool) -> list[Term]:
    return [Term(sql, descending, nocase=True), Term(sql, descending)]


def _choice_terms(scope: Scope, expr: Expr, *, descending: bool) -> list[Term]:
    rank = choice_rank(scope.statement, expr)
    if rank is None:
        return _text_terms(expr.sql, descending=descending)
    missing = [Term(f"({expr.sql} IS NULL)")] if descending else []
    return [*missing, Term(rank, descending), *_text_terms(expr.sql, descending=descending)]


def _record_terms(scope: Scope, expr: Expr, *, descending: bool, source: Source, at: int) -> list[Term]:
    if expr.node is None or not expr.node.tables:
        raise QueryMismatch("rows cannot be ordered by records of any table; name a field of them.", source, at)
    terms: list[Term] = []
    for table in expr.node.tables:
        terms += key_terms(scope, expr.node, table, descending=descending, deep=False)
    return terms


def key_terms(scope: Scope, node: Node, table: Table, *, descending: bool = False, deep: bool = True) -> list[Term]:
    """Returns the order of a table's natural key, or of its title where it has none."""
    terms: list[Term] = []
    for key in table.key:
        found = table.resolve(key)
        if found is None or found.type in {"list", "blob", "field"} or (found.type == "record" and not deep):
            continue
        expr = scope.column(node, table, found)
        if found.type == "record" and (expr.node is None or not expr.node.tables):
            continue
        terms += order_terms(scope, expr, descending=descending, source=Source(key), at=0)
    return terms or _text_terms(f'{scope.join(node, table)}."~title"', descending=descending)

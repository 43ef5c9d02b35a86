"""What is selected: columns, templates and aggregates as SQL, and how a column of the result is read.

Knows how a value of each type leaves the statement and becomes plain. Must not know stages or joins.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias, cast

from msgspec import Struct

from openprod.catalog.names import SqlValue, reader
from openprod.catalog.tables import FieldType
from openprod.model.ids import id_text
from openprod.model.values import Plain
from openprod.query.compare import operand_expr
from openprod.query.conditions import Name, Operand, Template
from openprod.query.constants import TEXT_TYPES
from openprod.query.problems import QueryMismatch, Source
from openprod.query.scope import MISSING, Expr, Scope, choice_rank, first_present, is_stray, single
from openprod.query.text import parse_operand, parse_template
from openprod.query.tree import Column, Query, is_template

ColumnKind: TypeAlias = Literal["value", "id", "list", "flag"]


class OutColumn(Struct, frozen=True):
    """One entry of a result row: its name, the type of its values, and what kind of entry it is."""

    name: str
    type: FieldType
    kind: ColumnKind = "value"


class Shown(Struct, frozen=True):
    """One selected column: its name and what it shows."""

    name: str
    expr: Expr


def column_expr(scope: Scope, column: Column, place: str) -> Expr:
    """Returns what a column of `select` shows."""
    if isinstance(column, str):
        return text_expr(scope, column, place)
    return first_present([text_expr(scope, text, place) for text in column])


def text_expr(scope: Scope, text: str, place: str) -> Expr:
    """Returns what an operand or a template shows."""
    source = Source(text, place)
    if is_template(text):
        return template_expr(scope, parse_template(text, place), source)
    return operand_expr(scope, parse_operand(text, place), source)


def template_expr(scope: Scope, template: Template, source: Source) -> Expr:
    """Returns the text of a template; missing where it names values and none is there.

    A template of one operand and nothing else keeps that operand's type; records show their titles.
    """
    exprs = [None if isinstance(part, str) else _titled(scope, part, source) for part in template.parts]
    named = [expr for expr in exprs if expr is not None]
    if len(exprs) == 1 and named:
        return named[0]
    if named and all(expr.is_missing for expr in named):
        return MISSING
    pieces: list[str] = []
    for part, expr in zip(template.parts, exprs, strict=True):
        if expr is None:
            pieces.append(scope.statement.bind(str(part)))
        elif not expr.is_missing:
            pieces.append(f"COALESCE({_text_sql(expr)},'')")
    sql = "||".join(pieces) if pieces else "''"
    present = [expr.sql for expr in named if not expr.is_missing]
    if present:
        sql = f"CASE WHEN {' IS NOT NULL OR '.join(present)} IS NOT NULL THEN {sql} END"
    return Expr(sql, "text", sources=tuple(source for expr in named for source in expr.sources), is_clean=True)


def shown_columns(scope: Scope, query: Query) -> list[Shown]:
    """Returns the selected columns; where nothing is selected, the visible fields and the records of the steps."""
    if query.select:
        return [Shown(name, column_expr(scope, column, f"select.{name}")) for name, column in query.select.items()]
    node = scope.nodes[""]
    columns: list[Shown] = []
    for table in node.tables:
        for name, found in table.fields.items():
            if not found.hidden:
                expr = scope.column(node, table, found)
                columns.append(Shown(found.key if name in {"id", "ids", "conflicts"} else name, expr))
    taken = {column.name for column in columns}
    steps = [through.name for through in query.through if through.name not in taken]
    return [*columns, *(Shown(name, scope.record(scope.nodes[name])) for name in steps)]


def value_of(scope: Scope, query: Query, operand: Operand, source: Source) -> Expr:
    """Returns an operand of `first`, `group` or `sort`: a selected column by name before a field."""
    if isinstance(operand, Name) and operand.text in query.select:
        return column_expr(scope, query.select[operand.text], f"select.{operand.text}")
    return operand_expr(scope, operand, source)


def output(scope: Scope, expr: Expr) -> str:
    """Returns SQL of a value as it leaves the statement: a record as the hex of its id."""
    if expr.is_missing:
        return "NULL"
    if expr.type != "record" or expr.items:
        return expr.sql
    for node in scope.nodes.values():
        if node.eid == expr.sql and node.entity:
            return f"lower(hex({node.entity}.uuid))" if node.label == "" else _hex(f"{node.entity}.uuid")
    looked_up = f"(SELECT lower(hex(uuid)) FROM entity WHERE eid={expr.sql})"
    return f"CASE WHEN {is_stray(expr.sql)} THEN {expr.sql} ELSE {looked_up} END"


def _hex(sql: str) -> str:
    return f"CASE WHEN {sql} IS NOT NULL THEN lower(hex({sql})) END"


def column_reader(expr: Expr) -> Callable[[SqlValue], Plain]:
    """Returns the function that turns what `output` gave into a plain value."""
    if expr.items:
        return items_reader(expr.type)
    return _read_record if expr.type == "record" else reader(expr.type)


def items_reader(kind: FieldType) -> Callable[[SqlValue], Plain]:
    """Returns the function that turns a JSON list of values into a list, each value once, first places kept."""
    read = _read_record if kind == "record" else reader(kind)

    def items(stored: SqlValue) -> Plain:
        if not isinstance(stored, str):
            return []
        found = cast("list[SqlValue]", json.loads(stored))
        return [read(item) for item in dict.fromkeys(found)]

    return items


def _read_record(stored: SqlValue) -> Plain:
    if isinstance(stored, str):
        return id_text(bytes.fromhex(stored))
    return reader("record")(stored)


def _titled(scope: Scope, operand: Operand, source: Source) -> Expr:
    expr = single(operand_expr(scope, operand, source))
    if expr.type != "record" or expr.is_missing:
        return expr
    title = "NULL" if expr.node is None else scope.title(expr.node)
    return Expr(title, "text", sources=expr.sources, is_clean=True)


def _text_sql(expr: Expr) -> str:
    as_text = f"openprod_text('{expr.type}',{expr.sql})"
    if expr.type not in TEXT_TYPES:
        return as_text
    return expr.sql if expr.is_clean else f"CASE WHEN {expr.sql}<x'' THEN {expr.sql} ELSE {as_text} END"


def clean(expr: Expr) -> str:
    """Returns SQL of a value without wrong-typed ones, which JSON and sums cannot hold."""
    if expr.is_clean:
        return expr.sql
    return f"CASE WHEN {expr.sql}<x'' THEN {expr.sql} END"


def grouped(expr: Expr) -> tuple[str, str]:
    """Returns SQL by which equal values meet in one group, and SQL of the value that stands for the group."""
    flat = single(expr)
    if flat.is_missing:
        return "NULL", "NULL"
    if flat.sort is not None:
        return flat.sort, f"min({clean(flat)})"
    return flat.sql, flat.sql


def aggregate_expr(
    scope: Scope,
    function: str,
    operand: Expr | None,
    row_order: Iterable[str],
    *,
    distinct: bool,
    source: Source,
) -> Expr:
    """Returns an aggregate: count, min, max, sum, list or first.

    Args:
        operand: what it is of; None for `count()`, which counts rows.
        row_order: ORDER BY terms by which `list` and `first` take their values.
        distinct: whether equal values count once; records always do.
    """
    if operand is None:
        if function != "count":
            raise QueryMismatch(f"{function} is of something: {function}(field).", source, 0)
        return Expr("count(*)", "int")
    if operand.is_missing:
        return Expr("0", "int") if function == "count" else MISSING
    flat = single(operand)
    match function:
        case "count":
            once = distinct or flat.type == "record"
            return Expr(f"count({f'DISTINCT {flat.sort or flat.sql}' if once else flat.sql})", "int")
        case "sum":
            return _sum(flat, distinct=distinct, source=source)
        case "min" | "max":
            return _extreme(scope, function, flat, source)
        case "list":
            return _list(flat, row_order)
        case _:
            listed = _list(flat, row_order)
            return single(Expr(listed.sql, flat.type, None, flat.field, items=True))


def _sum(expr: Expr, *, distinct: bool, source: Source) -> Expr:
    once = "DISTINCT " if distinct else ""
    match expr.type:
        case "int" | "float" | "duration":
            return Expr(f"sum({once}{clean(expr)})", expr.type, None, expr.field)
        case "decimal":
            kept = f"json_group_array({once}{clean(expr)}) FILTER (WHERE {expr.sort} IS NOT NULL)"
            total = f"openprod_total({kept})"
            return Expr(total, "decimal", f"openprod_key('decimal',{total})", expr.field)
        case _:
            raise QueryMismatch(f"only numbers and lengths of time are summed, not {expr.type}.", source, 0)


def _extreme(scope: Scope, function: str, expr: Expr, source: Source) -> Expr:
    rank = choice_rank(scope.statement, expr) if expr.type == "choice" else None
    if expr.type in {"list", "blob", "field", "record"}:
        raise QueryMismatch(f"{function} is of values that have an order, not of a {expr.type}.", source, 0)
    if expr.sort is None and rank is None:
        return Expr(f"{function}({clean(expr)})", expr.type, None, expr.field)
    direction = " DESC" if function == "max" else ""
    value = clean(expr)
    order = f"{expr.sort or rank}{direction},{value}"
    listed = f"json_group_array({value} ORDER BY {order}) FILTER (WHERE {value} IS NOT NULL)"
    return single(Expr(listed, expr.type, None, expr.field, items=True))


def _list(expr: Expr, row_order: Iterable[str]) -> Expr:
    value = clean(expr)
    if expr.type == "record":
        value = f"(SELECT lower(hex(uuid)) FROM entity WHERE eid={expr.sql})"
    order = ",".join(row_order)
    by = f" ORDER BY {order}" if order else ""
    listed = f"json_group_array({value}{by}) FILTER (WHERE {expr.sql}<x'')"
    return Expr(listed, expr.type, None, expr.field, items=True)

"""Conditions to SQL, in two-valued logic.

Knows what every operator means between every two types. Must not know stages (through, first, group).

The SQL of a condition may be NULL where a value is missing; that counts as false. AND and OR keep this; NOT and what is
true of a missing value say so (IS NOT TRUE). A wrong-typed value stands as a BLOB, which SQLite orders above all text
and numbers: `x < x''` is true exactly for what is neither NULL nor BLOB, and keeps a comparison in reach of an index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openprod.catalog.names import quote
from openprod.catalog.tables import FieldType
from openprod.model.values import RecordRef
from openprod.query.conditions import (
    And,
    Call,
    Comparison,
    Condition,
    Constant,
    Exists,
    Name,
    Not,
    Operand,
    Operator,
    Or,
    Parameter,
    Path,
    Several,
    StepProperty,
    operands_of,
)
from openprod.query.constants import (
    INCOMPARABLE,
    KEYED_TYPES,
    NUMBER_TYPES,
    TEXT_TYPES,
    Const,
    compare,
    key_of,
    now_value,
    parameter_value,
)
from openprod.query.functions import PATTERN_CHARS_MAX, contains, like, matches, pattern, search_words
from openprod.query.paths import exists, first_value, table_named
from openprod.query.problems import ParameterMissing, QueryMismatch, QueryTooBig, Source, SyntaxProblem
from openprod.query.scope import (
    ALTERNATIVES_MAX,
    MISSING,
    Expr,
    Node,
    Scope,
    Statement,
    choice_rank,
    first_present,
    single,
)

_FLIPPED: dict[Operator, Operator] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_SQL_OPERATORS: dict[Operator, str] = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_TABLE = "table"


@dataclass(frozen=True, slots=True)
class _Known:
    """A value known while compiling."""

    value: Const


def condition_sql(scope: Scope, condition: Condition, source: Source) -> str:
    """Returns SQL of a condition; "1" and "0" where it is decided without looking at a record."""
    match condition:
        case And(parts):
            return all_of([condition_sql(scope, part, source) for part in parts])
        case Or(parts):
            return any_of([condition_sql(scope, part, source) for part in parts])
        case Not(inner):
            return _negated(condition_sql(scope, inner, source))
        case Exists(operand):
            return _exists(scope, operand, source)
        case Comparison():
            return _comparison(scope, condition, source)


def all_of(parts: list[str]) -> str:
    """Returns SQL that is true where all parts are."""
    if "0" in parts:
        return "0"
    kept = [part for part in parts if part != "1"]
    return " AND ".join(kept) if len(kept) > 1 else kept[0] if kept else "1"


def any_of(parts: list[str]) -> str:
    """Returns SQL, in parentheses, that is true where some part is."""
    if "1" in parts:
        return "1"
    kept = [part for part in parts if part != "0"]
    return f"({' OR '.join(kept)})" if len(kept) > 1 else kept[0] if kept else "0"


def operand_expr(scope: Scope, operand: Operand, source: Source) -> Expr:
    """Returns an operand as one value: of a path the first end, of a list of names the first present."""
    match operand:
        case Name():
            return scope.name(operand, source)
        case Path():
            return first_value(scope, operand, source)
        case StepProperty():
            return scope.step_property(operand, source)
        case Several(items):
            return first_present([operand_expr(scope, item, source) for item in items])
        case Call():
            return _called(scope, operand, source)
        case Constant() | Parameter():
            return _constant_expr(scope.statement, known_value(scope.statement, operand), operand.at, source)


def known_value(statement: Statement, operand: Constant | Parameter) -> Const:
    """Returns the value of a literal or parameter; raises ParameterMissing, ParameterRefused."""
    if isinstance(operand, Constant):
        return operand.value
    statement.used.add(operand.name)
    if operand.name in statement.params:
        return parameter_value(operand.name, statement.params[operand.name])
    if operand.name == "now":
        return now_value(statement.now)
    if operand.name == "me":
        return None if statement.me is None else RecordRef(statement.me)
    raise ParameterMissing(operand.name)


def names_steps(condition: Condition, steps: frozenset[str]) -> bool:
    """Tells whether a condition looks at any of the named steps."""
    return any(_names_step(operand, steps) for operand in operands_of(condition))


def _names_step(operand: Operand, steps: frozenset[str]) -> bool:
    match operand:
        case Name():
            return operand.parts[0] in steps
        case Path(start):
            return start in steps
        case StepProperty(step):
            return step in steps
        case Several() | Constant() | Parameter() | Call():
            return False


def _called(scope: Scope, call: Call, source: Source) -> Expr:
    """Returns the moment of a day and a time, or the time from one moment (or time of day) to another."""
    given = [single(operand_expr(scope, one, source)) for one in call.arguments]
    if any(one.is_missing for one in given):
        return MISSING
    sources = tuple(source for one in given for source in one.sources)
    kinds = [one.type for one in given]
    if call.name == "moment":
        if kinds[0] != "date" or any(kind not in {"time", "text"} for kind in kinds[1:]):
            raise QueryMismatch("moment takes a date, a time and perhaps the time it comes after.", source, call.at)
        after = given[2].sql if len(given) > 2 else "NULL"
        parts = f"{given[0].sql},{given[1].sql},{after}"
        zone = scope.statement.bind(scope.statement.venue_zone)
        local, utc = f"openprod_moment({parts},NULL)", f"openprod_moment({parts},{zone})"
        return Expr(local, "datetime", utc, sources=sources, is_clean=True)
    if kinds == ["datetime", "datetime"]:
        first, second = (one.sort or one.sql for one in given)
    elif set(kinds) <= {"time", "text"}:
        first, second = (one.sql for one in given)
    else:
        raise QueryMismatch("span takes two times of a day, or two moments.", source, call.at)
    return Expr(f"openprod_span({first},{second})", "duration", sources=sources, is_clean=True)


def _negated(sql: str) -> str:
    if sql in {"0", "1"}:
        return "1" if sql == "0" else "0"
    return f"({sql}) IS NOT TRUE"


def _constant_expr(statement: Statement, value: Const, at: int, source: Source) -> Expr:
    match value:
        case None:
            return MISSING
        case bool():
            return Expr(statement.bind(int(value)), "bool")
        case str():
            return Expr(statement.bind(str(value)), "text")
        case _:
            kind: FieldType | None = "float"
            key = key_of(value, kind, None, statement.venue_zone)
            if key is INCOMPARABLE or not isinstance(key, int | float):
                raise QueryMismatch("only text, numbers and yes/no can stand for a field here.", source, at)
            return Expr(statement.bind(key), "int" if isinstance(key, int) else "float")


def _exists(scope: Scope, operand: Operand, source: Source) -> str:
    match operand:
        case Path():
            bare = not operand.tail and not operand.of_relation
            return exists(scope, operand, source, lambda _, expr: "1" if bare else _is_present(expr))
        case Several(items):
            return any_of([_exists(scope, item, source) for item in items])
        case Constant() | Parameter():
            return "0" if known_value(scope.statement, operand) is None else "1"
        case _:
            return _is_present(operand_expr(scope, operand, source))


def _is_present(expr: Expr) -> str:
    if expr.is_missing:
        return "0"
    return f"{expr.sql}<>'[]'" if expr.items else f"{expr.sql} IS NOT NULL"


def _comparison(scope: Scope, comparison: Comparison, source: Source) -> str:
    left, operator, right = comparison.left, comparison.operator, comparison.right
    member = _membership(scope, comparison, source)
    if member is not None:
        return member
    if operator == "IN" and isinstance(right, Several) and not _is_constant(right):
        if len(right.items) > ALTERNATIVES_MAX:
            raise QueryTooBig(f"A list after IN that names fields has at most {ALTERNATIVES_MAX} items.")
        parts = [Comparison("==", left, item, comparison.at) for item in right.items]
        return any_of([_comparison(scope, part, source) for part in parts])

    def with_left(inner: Scope, first: Expr | _Known) -> str:
        def with_right(innermost: Scope, second: Expr | _Known) -> str:
            return _compared(innermost, operator, first, second, comparison, source)

        return _each(inner, right, source, with_right)

    return _each(scope, left, source, with_left)


def _each(scope: Scope, operand: Operand, source: Source, test: Callable[[Scope, Expr | _Known], str]) -> str:
    """Returns SQL of a test on an operand; of a path, whether any end passes it."""
    if isinstance(operand, Path):
        return exists(scope, operand, source, test)
    if _is_constant(operand):
        return test(scope, _Known(_constant_value(scope.statement, operand)))
    return test(scope, operand_expr(scope, operand, source))


def _is_constant(operand: Operand) -> bool:
    if isinstance(operand, Several):
        return all(_is_constant(item) for item in operand.items)
    return isinstance(operand, Constant | Parameter)


def _constant_value(statement: Statement, operand: Operand) -> Const:
    if isinstance(operand, Constant | Parameter):
        return known_value(statement, operand)
    assert isinstance(operand, Several)
    return _flat(tuple(_constant_value(statement, item) for item in operand.items))


def _flat(values: tuple[Const, ...]) -> tuple[Const, ...]:
    return tuple(item for value in values for item in (value if isinstance(value, tuple) else (value,)))


def _compared(
    scope: Scope, operator: Operator, left: Expr | _Known, right: Expr | _Known, at: Comparison, source: Source
) -> str:
    statement = scope.statement
    if operator in {"LIKE", "MATCHES", "CONTAINS"}:
        return _searched(statement, operator, left, right, at, source)
    match left, right:
        case _Known(first), _Known(second):
            return str(int(compare(operator, first, second, statement.venue_zone)))
        case Expr(), _Known(value):
            return _against_constant(statement, operator, left, value)
        case _Known(value), Expr():
            return _constant_against(statement, operator, value, right)
        case Expr(), Expr():
            return _against_expr(statement, operator, left, right)


def _constant_against(statement: Statement, operator: Operator, value: Const, right: Expr) -> str:
    if operator != "IN":
        return _against_constant(statement, _FLIPPED[operator], right, value)
    if right.items:
        return _against_constant(statement, "==", right, value)
    return _list_has(statement, right, value)


def _list_has(statement: Statement, expr: Expr, value: Const) -> str:
    if expr.type != "list" or not isinstance(value, str):
        return "0"
    return f"openprod_list_has({expr.sql},{statement.bind(str(value))})"


def _spread(statement: Statement, expr: Expr, test: Callable[[Expr], str]) -> str | None:
    """Returns SQL of a test on the first present alternative, or on any item, of a value that has several."""
    if expr.alternatives:
        parts: list[str] = []
        before: list[str] = []
        for one in expr.alternatives:
            parts.append(all_of([*before, test(one)]))
            before.append(f"{one.sql} IS NULL")
        return any_of(parts)
    if expr.items:
        item = f"{statement.alias('j')}.value"
        sort = f"openprod_key('{expr.type}',{item})" if expr.type in KEYED_TYPES else None
        inner = test(Expr(item, expr.type, sort, expr.field))
        each = f"json_each({expr.sql}) AS {item.removesuffix('.value')}"
        return inner if inner == "0" else f"EXISTS(SELECT 1 FROM {each} WHERE {inner})"
    return None


def _against_constant(statement: Statement, operator: Operator, expr: Expr, value: Const) -> str:
    if operator == "IN":
        return _in_constants(statement, expr, value if isinstance(value, tuple) else ())
    if isinstance(value, tuple):
        return "0"
    if value is None:
        return _against_null(operator, expr)
    spread = _spread(statement, expr, lambda one: _against_constant(statement, operator, one, value))
    if spread is not None:
        return spread
    key = key_of(value, expr.type, expr.field, statement.venue_zone)
    if expr.is_missing or key is INCOMPARABLE:
        return "0"
    if expr.type == "record":
        return _against_record(statement, operator, expr, key if isinstance(key, bytes) else b"")
    bound = statement.bind(key)
    if operator == "==":
        return f"{expr.sort or expr.sql}={bound}"
    if expr.sort is not None:
        return f"{expr.sort}{_SQL_OPERATORS[operator]}{bound}"
    if operator != "!=" and expr.type in {"text", "choice"}:
        return _ordered_text(statement, operator, expr, bound, str(key))
    guard = "" if operator in {"<", "<="} else f" AND {expr.sql}<x''"
    return f"{expr.sql}{_SQL_OPERATORS[operator]}{bound}{guard}"


def _against_null(operator: Operator, expr: Expr) -> str:
    match operator:
        case "==":
            return _negated(_is_present(expr)) if expr.items or expr.is_missing else f"{expr.sql} IS NULL"
        case "!=":
            return _is_present(expr)
        case _:
            return "0"


def _against_record(statement: Statement, operator: Operator, expr: Expr, id: bytes) -> str:
    eid = f"(SELECT eid FROM entity WHERE uuid={statement.bind(id)})"
    match operator:
        case "==":
            return f"{expr.sql}={eid}"
        case "!=":
            return f"{expr.sql}<>COALESCE({eid},-1) AND {expr.sql}<x''"
        case _:
            return "0"


def _ordered_text(statement: Statement, operator: Operator, expr: Expr, bound: str, text: str) -> str:
    sign = _SQL_OPERATORS[operator]
    left, right = [f"{expr.sql} COLLATE NOCASE", expr.sql], [bound, bound]
    rank = choice_rank(statement, expr)
    if rank is not None and expr.field is not None:
        choices = expr.field.choices
        left.insert(0, rank)
        right.insert(0, str(choices.index(text) if text in choices else len(choices)))
    return f"{expr.sql}<x'' AND ({','.join(left)}){sign}({','.join(right)})"


def _in_constants(statement: Statement, expr: Expr, values: tuple[Const, ...]) -> str:
    present = tuple(value for value in values if value is not None)
    parts = [_against_null("==", expr)] if len(present) < len(values) else []
    spread = _spread(statement, expr, lambda one: _in_constants(statement, one, present))
    if spread is not None:
        return any_of([*parts, spread])
    found = [key_of(value, expr.type, expr.field, statement.venue_zone) for value in present]
    bound = ",".join(dict.fromkeys(statement.bind(key) for key in found if key is not INCOMPARABLE))
    if bound and not expr.is_missing:
        keys = f"SELECT eid FROM entity WHERE uuid IN ({bound})" if expr.type == "record" else bound
        parts.append(f"{expr.sort or expr.sql} IN ({keys})")
    return any_of(parts)


def _against_expr(statement: Statement, operator: Operator, left: Expr, right: Expr) -> str:
    if left.is_missing or right.is_missing:
        return "0"
    if operator == "IN":
        return _in_expr(statement, left, right)
    spread = _spread(statement, left, lambda one: _against_expr(statement, operator, one, right))
    if spread is None:
        spread = _spread(statement, right, lambda one: _against_expr(statement, operator, left, one))
    if spread is not None:
        return spread
    pair = _common(left, right)
    if pair is None or (left.type == "record" and operator not in {"==", "!="}):
        return "0"
    first, second, is_guarded = pair
    guard = f" AND {first}<x'' AND {second}<x''" if is_guarded else ""
    if operator not in {"==", "!="} and left.type in {"text", "choice"} and right.type in {"text", "choice"}:
        return _ordered_texts(statement, operator, left, right) + guard
    return f"{first}{_SQL_OPERATORS[operator]}{second}{guard}"


def _ordered_texts(statement: Statement, operator: Operator, left: Expr, right: Expr) -> str:
    firsts, seconds = [f"{left.sql} COLLATE NOCASE", left.sql], [right.sql, right.sql]
    ranks = choice_rank(statement, left), choice_rank(statement, right)
    same = left.field is not None and right.field is not None and left.field.choices == right.field.choices
    if same and ranks[0] is not None and ranks[1] is not None:
        firsts.insert(0, ranks[0])
        seconds.insert(0, ranks[1])
    return f"({','.join(firsts)}){_SQL_OPERATORS[operator]}({','.join(seconds)})"


def _in_expr(statement: Statement, left: Expr, right: Expr) -> str:
    if right.items:
        return _against_expr(statement, "==", left, right)
    if right.type != "list" or left.type not in {"text", "choice"}:
        return "0"
    flat = single(left)
    return f"openprod_list_has({right.sql},{flat.sql}) AND {flat.sql} IS NOT NULL"


def _common(left: Expr, right: Expr) -> tuple[str, str, bool] | None:
    """Returns SQL by which two values compare, and whether wrong-typed ones are still among them; None for never."""
    kinds = {left.type, right.type}
    if kinds & {"list", "blob", "field"}:
        return None
    if left.sort is not None and right.sort is not None and len(kinds) == 1:
        return left.sort, right.sort, False
    if len(kinds) == 1 or kinds <= NUMBER_TYPES or kinds == {"text", "choice"}:
        return left.sql, right.sql, True
    if kinds == {"date", "datetime"}:
        first, second = (f"substr({expr.sql},1,10)" if expr.type == "datetime" else expr.sql for expr in (left, right))
        return first, second, True
    keyed = [kind for kind in ("natural", "outline", "decimal") if kind in kinds]
    if len(keyed) == 1 and kinds - {keyed[0]} <= {"int", "float", "text", "choice"}:
        first, second = (
            expr.sort if expr.sort is not None and expr.type == keyed[0] else f"openprod_key('{keyed[0]}',{expr.sql})"
            for expr in (left, right)
        )
        return first, second, False
    return None


def _searched(
    statement: Statement, operator: Operator, left: Expr | _Known, right: Expr | _Known, at: Comparison, source: Source
) -> str:
    where = at.right.at
    if isinstance(right, Expr):
        raise QueryMismatch(f"{operator} takes a text in quotes or a parameter, not a field.", source, where)
    if right.value is None:
        return "0"
    if not isinstance(right.value, str):
        raise QueryMismatch(f"{operator} takes text; put it in quotes.", source, where)
    text = str(right.value)
    if len(text) > PATTERN_CHARS_MAX:
        raise QueryTooBig(
            f"The text after {operator} has {len(text)} characters; at most {PATTERN_CHARS_MAX} are read."
        )
    if operator == "MATCHES":
        try:
            pattern(text)
        except ValueError as error:
            raise SyntaxProblem(
                f"the pattern cannot be read: {error}.", source, where, "a regular expression"
            ) from error
    if isinstance(left, _Known):
        return str(int(isinstance(left.value, str) and _search_known(operator, str(left.value), text)))
    return _search(statement, operator, left, text)


def _search_known(operator: Operator, value: str, text: str) -> bool:
    match operator:
        case "MATCHES":
            return bool(matches(value, text))
        case "LIKE":
            return bool(like(value, text))
        case _:
            words = search_words(text)
            return not words or bool(contains(value, words))


def _search(statement: Statement, operator: Operator, expr: Expr, text: str) -> str:
    spread = _spread(statement, expr, lambda one: _search(statement, operator, one, text))
    if spread is not None:
        return spread
    if expr.is_missing:
        return "0"
    if expr.type == "list" and operator == "CONTAINS":
        return _list_has(statement, expr, text)
    if expr.type not in TEXT_TYPES:
        return "0"
    match operator:
        case "MATCHES":
            return f"openprod_matches({expr.sql},{statement.bind(text)})"
        case "LIKE" if text.isascii():
            return f"{expr.sql} LIKE {statement.bind(text)} AND {expr.sql}<x''"
        case "LIKE":
            return f"openprod_like({expr.sql},{statement.bind(text)})"
        case _:
            words = search_words(text)
            return _contains(statement, expr.sql, words) if words else f"{expr.sql}<x''"


def _contains(statement: Statement, sql: str, words: str) -> str:
    """Returns SQL of a word search; plain ASCII text without the longest word's letters is passed over quickly."""
    search = f"openprod_contains({sql},{statement.bind(words)})"
    longest = max(words.replace("*", "").split(" "), key=len)
    if not longest.isascii():
        return search
    return f"({sql} LIKE {statement.bind(f'%{longest}%')} OR octet_length({sql})<>length({sql})) AND {search}"


def _membership(scope: Scope, comparison: Comparison, source: Source) -> str | None:
    """Returns SQL of `table == "sm.cues"`, or None where the comparison is about something else."""
    operand, other = comparison.left, comparison.right
    if not _is_table(scope, operand):
        if comparison.operator not in _FLIPPED or not _is_table(scope, other):
            return None
        operand, other = other, operand
    if comparison.operator not in {"==", "!=", "IN"} or not _is_constant(other):
        problem = 'a table is compared with ==, != or IN and a name in quotes: table == "module.table".'
        raise QueryMismatch(problem, source, comparison.at)
    value = _constant_value(scope.statement, other)
    names = value if isinstance(value, tuple) else (value,)

    def at_node(inner: Scope, node: Node) -> str:
        member = any_of([_is_member(inner, node, name, source, other.at) for name in names if name is not None])
        return _negated(member) if comparison.operator == "!=" else member

    if isinstance(operand, Path):
        bare = Path(operand.start, operand.steps, at=operand.at)
        return exists(scope, bare, source, lambda inner, expr: "0" if expr.node is None else at_node(inner, expr.node))
    assert isinstance(operand, Name)
    step = operand.parts[0] if len(operand.parts) > 1 else ""
    return at_node(scope, scope.nodes[step])


def _is_table(scope: Scope, operand: Operand) -> bool:
    match operand:
        case Path(tail="table"):
            return True
        case Name(text="table"):
            return not any(table.resolve(_TABLE) for table in scope.nodes[""].tables)
        case Name() if len(operand.parts) == 2 and operand.parts[1] == _TABLE:
            node = scope.nodes.get(operand.parts[0])
            return node is not None and not any(table.resolve(_TABLE) for table in node.tables)
        case _:
            return False


def _is_member(scope: Scope, node: Node, name: Const, source: Source, at: int) -> str:
    if not isinstance(name, str):
        raise QueryMismatch('a table is named in quotes: table == "module.table".', source, at)
    table = table_named(scope.statement, str(name), source, at)
    if table is None:
        return "0"
    if table.name in node.aliases:
        return f'{node.aliases[table.name]}."~eid" IS NOT NULL'
    scope.statement.touches.add(table.name)
    return f'EXISTS(SELECT 1 FROM {quote(table.name)} WHERE "~eid"={node.eid})'

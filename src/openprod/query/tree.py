"""The full form of a query, read from TOML, JSON or Python, with one meaning.

Knows the keys of the form, its limits, and that every text in it can be read. Must not know which tables and fields
exist. What it gives is frozen and holds the texts as written; the compiler reads them against a catalog.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, TypeVar, cast

import msgspec
from msgspec import Struct

from openprod.query.conditions import Operand, Parameter, operands_of, parts_of
from openprod.query.problems import QueryFormProblem, QueryTooBig
from openprod.query.text import (
    TEXT_CHARS_MAX,
    parse_aggregate,
    parse_condition,
    parse_operand,
    parse_path,
    parse_template,
)

QUERY_CHARS_MAX = 65_536
THROUGH_MAX = 8
PATHS_MAX = 32
COLUMNS_MAX = 200
ORDERS_MAX = 16
AGGREGATES = ("count", "min", "max", "sum", "list", "first")
# Names of a row that no column may have.
RESERVED = ("id", "ids", "conflicts")

T = TypeVar("T")
_STEP_NAME = re.compile(r"[^\W\d]\w*")
_LATER = {"as_of": "A query of a past moment", "overlay": "A query inside a chosen overlay"}

# One selected column: an operand, a template with braces, or several of which the first present counts.
Column: TypeAlias = str | tuple[str, ...]


class PathSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """One path of a `through`.

    Attributes:
        path: the relations to follow, or "" where it leads into a whole table.
        into: a table that the ends must be in, or "".
        give: text (a template) attached to every end this path led to, by name.
        where: a condition on the named steps of the path, or "".
        table: the table whose records are the ends, those for which `where` holds, or "".
    """

    path: str = ""
    into: str = ""
    give: dict[str, str] = {}
    where: str = ""
    table: str = ""


class Through(Struct, frozen=True):
    """Rows become (row, end): the ends of a union of paths, each once per start."""

    name: str
    any: tuple[PathSpec, ...]
    none: tuple[PathSpec, ...] = ()
    optional: bool = False


class First(Struct, frozen=True, forbid_unknown_fields=True):
    """One row per group: the first by `by`."""

    of: tuple[str, ...]
    by: tuple[str, ...] = ()


class Group(Struct, frozen=True):
    """One row per combination of `by`, with aggregates by name: {"people": "count(person)"}."""

    by: tuple[str, ...]
    aggregates: dict[str, str]


class Sort(Struct, frozen=True, forbid_unknown_fields=True):
    """The order of the rows ("-date" or "date desc" for the reverse) and the name of a running number, or ""."""

    order: tuple[str, ...] = ()
    number: str = ""


class ParameterSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A parameter that a query declares: it may be left out, and then has its default or none."""

    type: str = "text"
    title: str = ""
    default: Any = None


class Query(Struct, frozen=True, kw_only=True):
    """A whole query. `from_` is the key `from`; for the meaning of each see docs/people/queries.md."""

    from_: str
    where: str = ""
    limit: int | None = None
    offset: int = 0
    conflicts: bool = False
    through: tuple[Through, ...] = ()
    select: dict[str, Column] = {}
    first: First | None = None
    group: Group | None = None
    sort: Sort = Sort()
    parameters: dict[str, ParameterSpec] = {}
    title: str = ""
    help: str = ""


def read_query(source: str | Mapping[str, object]) -> Query:
    """Returns the query of TOML text, JSON text (it begins with a brace) or a mapping with the same keys.

    Raises QueryFormProblem for a wrong form, SyntaxProblem for a text in it that cannot be read, QueryTooBig.
    """
    form = _mapping(source) if isinstance(source, str) else source
    query = _query(form)
    _check_sizes(query)
    _check_names(query)
    _check_texts(query)
    return query


def operands(query: Query) -> Iterator[Operand]:
    """Yields every operand anywhere in a query, those inside lists and templates too."""
    yield from path_operands(query)
    yield from row_operands(query)


def path_operands(query: Query) -> Iterator[Operand]:
    """Yields the operands inside paths: in what they give and in their conditions."""
    for through in query.through:
        for place, spec in _path_specs(through):
            if spec.where:
                yield from operands_of(parse_condition(spec.where, f"{place}.where"))
            for name, text in spec.give.items():
                yield from _shown_operands(text, f"{place}.give.{name}", is_given=True)


def row_operands(query: Query) -> Iterator[Operand]:
    """Yields the operands that are about whole rows: everything outside paths."""
    if query.where:
        yield from operands_of(parse_condition(query.where, "where"))
    for name, column in query.select.items():
        for text in (column,) if isinstance(column, str) else column:
            yield from _shown_operands(text, f"select.{name}")
    for place, text in _operand_texts(query):
        yield from parts_of(parse_operand(text, place))
    if query.group is not None:
        for name, text in query.group.aggregates.items():
            operand = parse_aggregate(text, AGGREGATES, f"group.{name}")[2]
            if operand is not None:
                yield from parts_of(operand)


def parameters_of(query: Query) -> frozenset[str]:
    """Returns the names of the parameters that a query uses or declares; now and me are given by themselves."""
    used = {operand.name for operand in operands(query) if isinstance(operand, Parameter)}
    return frozenset(used | set(query.parameters))


def _shown_operands(text: str, place: str, *, is_given: bool = False) -> Iterator[Operand]:
    if is_given or is_template(text):
        for part in parse_template(text, place).parts:
            if not isinstance(part, str):
                yield from parts_of(part)
    else:
        yield from parts_of(parse_operand(text, place))


def _operand_texts(query: Query) -> Iterator[tuple[str, str]]:
    if query.first is not None:
        yield from (("first.of", text) for text in query.first.of)
        yield from (("first.by", split_order(text)[0]) for text in query.first.by)
    if query.group is not None:
        yield from (("group.by", text) for text in query.group.by)
    yield from (("sort.order", split_order(text)[0]) for text in query.sort.order)


def split_order(text: str) -> tuple[str, bool]:
    """Returns the operand text of one order, and whether it is descending ("-date", "date desc")."""
    stripped = text.strip()
    if stripped.startswith("-") and not stripped.startswith("->"):
        return stripped[1:].strip(), True
    head, _, tail = stripped.rpartition(" ")
    if head and tail.lower() in {"asc", "desc"}:
        return head.strip(), tail.lower() == "desc"
    return stripped, False


def is_template(text: str) -> bool:
    """Tells whether a text of `select` is a template rather than an operand."""
    return "{" in text or "}" in text


def _mapping(text: str) -> Mapping[str, object]:
    if len(text) > QUERY_CHARS_MAX:
        raise QueryTooBig(f"The query is {len(text)} characters long; at most {QUERY_CHARS_MAX} are read.")
    if text.lstrip().startswith("{"):
        try:
            return msgspec.json.decode(text, type=dict[str, object])
        except msgspec.DecodeError as error:
            raise QueryFormProblem(f"The query is not JSON: {error}.") from error
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise QueryFormProblem(f"The query is not TOML: {error}.") from error


def _query(form: Mapping[str, object]) -> Query:
    keys = {name.rstrip("_"): name for name in Query.__struct_fields__}
    for key in form:
        if key in _LATER:
            raise QueryFormProblem(f"{_LATER[key]} is not possible in this version; leave the key out.", key)
        if key not in keys:
            known = ", ".join(sorted(keys))
            raise QueryFormProblem(f"there is no such key in a query. The keys are {known}.", str(key))
    if "from" not in form:
        raise QueryFormProblem('a query says where it starts: from = "module.table".', "from")
    return Query(
        from_=_convert(form["from"], str, "from"),
        where=_convert(form.get("where", ""), str, "where"),
        limit=_count(form, "limit"),
        offset=_count(form, "offset") or 0,
        conflicts=_convert(form.get("conflicts", False), bool, "conflicts"),
        through=_throughs(form.get("through", {})),
        select=_convert(form.get("select", {}), dict[str, Column], "select"),
        first=None if "first" not in form else _convert(form["first"], First, "first"),
        group=None if "group" not in form else _group(form["group"]),
        sort=_convert(form.get("sort", {}), Sort, "sort"),
        parameters=_parameters(form.get("parameters", {})),
        title=_convert(form.get("title", ""), str, "title"),
        help=_convert(form.get("help", ""), str, "help"),
    )


def _convert(value: object, kind: type[T], place: str) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise QueryFormProblem(f"{str(error).replace('`', chr(39)).rstrip('.')}.", place) from error


def _count(form: Mapping[str, object], key: str) -> int | None:
    value = form.get(key)
    if value is None:
        return None
    number = _convert(value, int, key)
    if not 0 <= number < 1 << 62:
        raise QueryFormProblem("a whole number from 0 up is expected.", key)
    return number


def _throughs(form: object) -> tuple[Through, ...]:
    tables = _convert(form, dict[str, dict[str, object]], "through")
    return tuple(_through(name, spec) for name, spec in tables.items())


def _through(name: str, spec: Mapping[str, object]) -> Through:
    place = f"through.{name}"
    for key in spec:
        if key not in {"any", "none", "optional"}:
            raise QueryFormProblem("there is no such key here. The keys are any, none, optional.", f"{place}.{key}")
    paths = _paths(spec.get("any", ()), f"{place}.any")
    if not paths:
        raise QueryFormProblem('at least one path is needed: any = ["->module.relation"].', f"{place}.any")
    none = _paths(spec.get("none", ()), f"{place}.none")
    for index, path in enumerate(paths):
        _check_end(path, f"{place}.any[{index}]")
    for path in none:
        if not path.path or path.table:
            raise QueryFormProblem("ends are taken out by a path.", f"{place}.none")
        if path.give:
            raise QueryFormProblem("ends that are taken out are given nothing.", f"{place}.none")
    return Through(name, paths, none, _convert(spec.get("optional", False), bool, f"{place}.optional"))


def _check_end(spec: PathSpec, place: str) -> None:
    """Refuses what is neither a path nor a whole table with the condition that says which records of it."""
    if bool(spec.path) == bool(spec.table):
        raise QueryFormProblem('give either a path (path = "->module.relation") or a table, with where.', place)
    if spec.table and (not spec.where or spec.into):
        raise QueryFormProblem(
            'a table needs the condition that says which of its records: where = "other.room == room", and no into.',
            place,
        )


def _paths(form: object, place: str) -> tuple[PathSpec, ...]:
    alone = isinstance(form, str | dict)
    found = _convert([cast("object", form)] if alone else form, tuple[str | PathSpec, ...], place)
    return tuple(PathSpec(path) if isinstance(path, str) else path for path in found)


def _group(form: object) -> Group:
    spec = dict(_convert(form, dict[str, object], "group"))
    by = _convert(spec.pop("by", ()), tuple[str, ...], "group.by")
    aggregates = {name: _convert(text, str, f"group.{name}") for name, text in spec.items()}
    if not by and not aggregates:
        raise QueryFormProblem(
            'a group needs by = ["field"], an aggregate (people = "count(person)"), or both.', "group"
        )
    return Group(by, aggregates)


def _parameters(form: object) -> dict[str, ParameterSpec]:
    specs = _convert(form, dict[str, object], "parameters")
    return {
        name: _convert(cast("object", spec), ParameterSpec, f"parameters.{name}")
        if isinstance(spec, dict)
        else ParameterSpec(default=spec)
        for name, spec in specs.items()
    }


def _check_sizes(query: Query) -> None:
    paths = sum(len(through.any) + len(through.none) for through in query.through)
    aggregates = 0 if query.group is None else len(query.group.by) + len(query.group.aggregates)
    orders = [query.sort.order, query.first.of if query.first else (), query.first.by if query.first else ()]
    for count, most, what in (
        (len(query.through), THROUGH_MAX, "through steps"),
        (paths, PATHS_MAX, "paths"),
        (len(query.select), COLUMNS_MAX, "columns"),
        (aggregates, COLUMNS_MAX, "columns"),
        (max(map(len, orders)), ORDERS_MAX, "orders"),
    ):
        if count > most:
            raise QueryTooBig(f"The query has {count} {what}; at most {most} are possible.")
    for place, text in _texts(query):
        if len(text) > TEXT_CHARS_MAX:
            raise QueryTooBig(f"The text of {place} is {len(text)} characters long; at most {TEXT_CHARS_MAX} are read.")


def _check_names(query: Query) -> None:
    for through in query.through:
        place = f"through.{through.name}"
        if not _STEP_NAME.fullmatch(through.name):
            raise QueryFormProblem("a step is named by letters, digits and _, so that person.name can be read.", place)
    groups = {} if query.group is None else query.group.aggregates
    number = {query.sort.number: 0} if query.sort.number else {}
    for place, names in (("select", query.select), ("group", groups), ("sort.number", number)):
        for name in names:
            if name in RESERVED or not name:
                raise QueryFormProblem(f"a column cannot be called '{name}'; rows have that themselves.", place)
    if query.sort.number and query.sort.number in query.select:
        raise QueryFormProblem(f"'{query.sort.number}' is already a column.", "sort.number")
    if query.group is not None and query.conflicts:
        raise QueryFormProblem("grouped rows are no records, so they have no conflict flags.", "conflicts")


def _check_texts(query: Query) -> None:
    for through in query.through:
        for place, spec in _path_specs(through):
            if spec.path:
                parse_path(spec.path, f"{place}.path")
    for _ in operands(query):
        pass


def _path_specs(through: Through) -> Iterator[tuple[str, PathSpec]]:
    for kind, specs in (("any", through.any), ("none", through.none)):
        for index, spec in enumerate(specs):
            yield f"through.{through.name}.{kind}[{index}]", spec


def _texts(query: Query) -> Iterator[tuple[str, str]]:
    yield "where", query.where
    for through in query.through:
        for place, spec in _path_specs(through):
            yield f"{place}.path", spec.path
            yield f"{place}.where", spec.where
            for name, text in spec.give.items():
                yield f"{place}.give.{name}", text

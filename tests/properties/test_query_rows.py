"""Orders, windows, paths, firsts and groups against plain Python over the same few records."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as Exact
from typing import Any, NamedTuple
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.test_query_conditions import CHOICES, VALUES, text_key
from tests.unit.query.read_model import AsItIs, ReadModel
from tests.unit.query.small import small

from openprod.model.natural import natural_key, outline_key
from openprod.model.values import Date, DateTime, Decimal, Duration, Natural, Outline, Time
from openprod.query.tree import PathSpec, Query, Sort, Through, read_query

FEW = settings(max_examples=80, deadline=None)
SORTED = tuple(name for name in VALUES if name != "list")
KEYS: dict[type, Callable[[Any], Any]] = {
    str: text_key,
    Natural: lambda value: natural_key(value.text),
    Outline: lambda value: outline_key(value.text),
    Decimal: lambda value: Exact(value.text),
    Date: lambda value: value.iso,
    Time: lambda value: value.text,
    DateTime: lambda value: value.local,
    Duration: lambda value: value.us,
}

plain_records = st.fixed_dictionaries({name: st.one_of(st.none(), values) for name, values in VALUES.items()})


def key_of(name: str, value: Any) -> Any:
    if name == "choice":
        return CHOICES.index(value) if value in CHOICES else len(CHOICES), text_key(value)
    return next((make(value) for kind, make in KEYS.items() if isinstance(value, kind)), value)


def in_order(rows: list[tuple[str, dict[str, Any]]], orders: list[tuple[str, bool]]) -> list[str]:
    """Returns the ids sorted by the last key first, each time stably; what is missing comes last either way."""
    found = sorted(rows)
    for name, descending in reversed(orders):
        present = [row for row in found if row[1][name] is not None]
        missing = [row for row in found if row[1][name] is None]
        keys: list[Any] = sorted({key_of(name, row[1][name]) for row in present}, reverse=descending)
        found = [row for key in keys for row in present if key_of(name, row[1][name]) == key] + missing
    return [id for id, _ in found]


def add_all(model: ReadModel, records: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    rows: list[tuple[str, dict[str, Any]]] = []
    for record in records:
        eid = model.add("m.a", {name: AsItIs(value) for name, value in record.items()})
        rows.append((model.id(eid), record))
    return rows


@FEW
@given(
    records=st.lists(plain_records, max_size=7),
    orders=st.lists(st.tuples(st.sampled_from(SORTED), st.booleans()), min_size=1, max_size=3),
    size=st.integers(1, 4),
    alike=st.sampled_from((1, 2, 400)),
)
def test_rows_come_in_the_asked_order_and_windows_of_them_fit_together(
    records: list[dict[str, Any]], orders: list[tuple[str, bool]], size: int, alike: int
) -> None:
    model = small()
    rows = add_all(model, records)
    texts = tuple(f"-{name}" if descending else name for name, descending in orders)
    query = Query(from_="m.a", sort=Sort(texts, "no"))

    found = model.query(query)
    assert [row["id"] for row in found] == in_order(rows, orders)
    assert [row["no"] for row in found] == list(range(1, len(rows) + 1))
    # A small number of spare rows makes ties at the end of a window as frequent as they are in large tables.
    with patch("openprod.query.compile.ALIKE_ROWS", alike):
        windows = [model.query(query, limit=size, offset=start) for start in range(0, len(rows) + 1, size)]
    assert [row for window in windows for row in window] == found
    assert model.count(query) == len(rows)


class Edge(NamedTuple):
    """A relation between two records by their places in the lists of as and bs."""

    a: int
    b: int
    weight: int | None


edges = st.lists(
    st.builds(Edge, st.integers(0, 2), st.integers(0, 2), st.one_of(st.none(), st.integers(0, 2))), max_size=6
)
steps = st.sampled_from(("->m.r", "->m.r[weight]", "->m.r <-m.r ->m.r", "->m.r[weight] <-m.r[weight] ->m.r"))


def walk(path: str, start: int, all_edges: list[Edge]) -> list[tuple[list[Any], int]]:
    """Returns (what orders it, end) of a path from an a; an end as often as it is reached."""
    found: list[tuple[list[Any], int]] = [([], start)]
    for step in path.split():
        forward, ordered = step.startswith("->"), step.endswith("]")
        found = [
            ([*keys, *([missing_last(edge.weight)] if ordered else [])], edge.b if forward else edge.a)
            for keys, at in found
            for edge in all_edges
            if (edge.a if forward else edge.b) == at
        ]
    return sorted(found)


def missing_last(weight: int | None) -> tuple[bool, int]:
    return weight is None, weight or 0


@FEW
@given(
    all_edges=edges,
    paths=st.lists(steps, min_size=1, max_size=3),
    none=st.lists(steps, max_size=2),
    optional=st.booleans(),
)
def test_through_gives_each_end_once_with_every_reason_less_the_ends_taken_out(
    all_edges: list[Edge], paths: list[str], none: list[str], *, optional: bool
) -> None:
    model = small()
    starts = [model.add("m.a", {"nat": str(index)}) for index in range(3)]
    ends = [model.add("m.b", {"name": str(index)}) for index in range(3)]
    for edge in all_edges:
        model.relate("m.r", starts[edge.a], ends[edge.b], weight=edge.weight)
    specs = tuple(PathSpec(path, give={"why": f"p{9 - place}"}) for place, path in enumerate(paths))
    through = Through("end", specs, tuple(PathSpec(path) for path in none), optional)
    query = Query(from_="m.a", through=(through,), select={"nat": "nat", "name": "end.name", "why": "end.why"})

    wanted: list[tuple[str, str | None, Any]] = []
    for start in range(3):
        out = {end for path in none for _, end in walk(path, start, all_edges)}
        reached = [(place, *one) for place, path in enumerate(paths) for one in walk(path, start, all_edges)]
        order = sorted((place, keys, model.ids[ends[end]], end) for place, keys, end in reached if end not in out)
        here = list(dict.fromkeys(end for *_, end in order))
        wanted += [
            (
                str(start),
                str(end),
                [f"p{9 - place}" for place in sorted({place for place, _, one in reached if one == end})],
            )
            for end in here
        ]
        if optional and not here:
            wanted.append((str(start), None, []))
    assert [(row["nat"], row["name"], row["why"]) for row in model.query(query)] == wanted
    assert model.count(query) == len(wanted)


@FEW
@given(all_edges=edges, weights=st.booleans())
def test_first_keeps_one_row_of_each_group_and_groups_count_the_rows(all_edges: list[Edge], *, weights: bool) -> None:
    model = small()
    starts = [model.add("m.a", {"nat": str(2 - index), "int": index % 2}) for index in range(3)]
    ends = [model.add("m.b", {"name": str(index), "rank": index}) for index in range(3)]
    for edge in all_edges:
        model.relate("m.r", starts[edge.a], ends[edge.b], weight=edge.weight)
    through = {"end": {"any": ["->m.r"]}}
    by = ["end.rank", "nat"] if weights else ["-end.rank", "nat"]
    first = {
        "from": "m.a",
        "through": through,
        "first": {"of": ["int"], "by": by},
        "select": {"int": "int", "nat": "nat"},
    }
    grouped = {
        "from": "m.a",
        "through": through,
        "group": {
            "by": ["int"],
            "rows": "count()",
            "ends": "count(end)",
            "low": "min(end.rank)",
            "high": "max(nat)",
            "sum": "sum(end.rank)",
            "names": "list(end.name)",
        },
    }

    pairs = sorted({(edge.a, edge.b) for edge in all_edges})
    wanted_first: list[tuple[int, str]] = []
    wanted_groups: list[dict[str, Any]] = []
    for group in sorted({a % 2 for a, _ in pairs}):
        rows = [(2 - a, b) for a, b in pairs if a % 2 == group]
        best = min(rows, key=lambda row: (row[1] if weights else -row[1], row[0]))
        wanted_first.append((group, str(best[0])))
        ranks = [b for _, b in rows]
        wanted_groups.append(
            {
                "int": group,
                "rows": len(rows),
                "ends": len(set(ranks)),
                "low": min(ranks),
                "high": str(max(nat for nat, _ in rows)),
                "sum": sum(ranks),
            }
        )
    assert sorted((row["int"], row["nat"]) for row in model.query(first)) == sorted(wanted_first)
    found = model.query(grouped)
    names = [row.pop("names") for row in found]
    assert found == wanted_groups
    assert [len(one) for one in names if isinstance(one, list)] == [group["ends"] for group in wanted_groups]
    assert model.count(grouped) == len(wanted_groups)
    assert read_query(grouped).group is not None

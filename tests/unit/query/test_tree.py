"""The full form: its keys, its limits, and the same query from TOML, JSON and Python."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from openprod.query import tree
from openprod.query.problems import QueryFormProblem, QueryTooBig, SyntaxProblem
from openprod.query.tree import (
    First,
    Group,
    ParameterSpec,
    PathSpec,
    Query,
    Sort,
    Through,
    parameters_of,
    read_query,
    split_order,
)

FULL = """
title = "First calls"
help = "When everybody is called first."
from = "schedule.events"
where = 'status == "confirmed" AND date == $date'
limit = 500
offset = 2
conflicts = true
[parameters.date]
type = "date"
[parameters]
kind = "run"
[through.person]
any = [
  "->schedule.calls",
  { path = "->schedule.works_on @s <-script.appears[entrance] @c <-casting.plays", into = "contacts.people", GIVEN },
]
none = ["->schedule.excuses"]
optional = true
[select]
first_call = ["call", "start"]
name = "{person.name} ({person.role})"
[first]
of = ["date", "person"]
by = ["first_call", "-number"]
[sort]
order = ["date desc", "name"]
number = "no"
""".replace("GIVEN", 'give = { why = "{c.code} in {s.number}" }, where = "NOT person[cover] == true"')


def test_toml_json_and_python_say_the_same() -> None:
    built = Query(
        title="First calls",
        help="When everybody is called first.",
        from_="schedule.events",
        where='status == "confirmed" AND date == $date',
        limit=500,
        offset=2,
        conflicts=True,
        parameters={"date": ParameterSpec(type="date"), "kind": ParameterSpec(default="run")},
        through=(
            Through(
                "person",
                (
                    PathSpec("->schedule.calls"),
                    PathSpec(
                        "->schedule.works_on @s <-script.appears[entrance] @c <-casting.plays",
                        "contacts.people",
                        {"why": "{c.code} in {s.number}"},
                        "NOT person[cover] == true",
                    ),
                ),
                (PathSpec("->schedule.excuses"),),
                optional=True,
            ),
        ),
        select={"first_call": ("call", "start"), "name": "{person.name} ({person.role})"},
        first=First(("date", "person"), ("first_call", "-number")),
        sort=Sort(("date desc", "name"), "no"),
    )
    toml = FULL.replace('[parameters.date]\ntype = "date"\n[parameters]\n', '[parameters]\ndate = { type = "date" }\n')
    read = read_query(toml)
    assert read == built
    assert read_query(json.dumps(tomllib.loads(toml))) == built
    assert read_query(tomllib.loads(toml)) == built
    assert parameters_of(built) == {"date", "kind"}


def test_a_group_has_aggregates_under_their_own_names() -> None:
    found = read_query('from = "m.a"\n[group]\nby = ["date"]\npeople = "count(person)"\nfirst = "min(start)"')
    assert found.group == Group(("date",), {"people": "count(person)", "first": "min(start)"})


def test_orders_go_down_with_a_minus_or_with_desc() -> None:
    assert split_order("date") == ("date", False)
    assert split_order("-date") == ("date", True)
    assert split_order("date desc") == ("date", True)
    assert split_order("date ASC") == ("date", False)
    assert split_order("->m.r[x]") == ("->m.r[x]", False)
    assert split_order("-->m.r[x]") == ("->m.r[x]", True)
    assert split_order("[a, b]") == ("[a, b]", False)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, 'from = "module.table"'),
    ({"from": 1}, "Expected 'str'"),
    ({"from": "m.a", "were": "x"}, "In were: there is no such key"),
    ({"from": "m.a", "as_of": "2026-01-01"}, "not possible in this version"),
    ({"from": "m.a", "overlay": "x"}, "not possible in this version"),
    ({"from": "m.a", "limit": -1}, "from 0 up"),
    ({"from": "m.a", "limit": "3"}, "In limit: Expected 'int'"),
    ({"from": "m.a", "through": {"x": {}}}, "at least one path"),
    ({"from": "m.a", "through": {"x": {"any": ["->m.r"], "some": 1}}}, "through.x.some"),
    ({"from": "m.a", "through": {"x y": {"any": ["->m.r"]}}}, "letters, digits and _"),
    ({"from": "m.a", "through": {"x": {"any": [{"path": "->m.r", "gives": {}}]}}}, "unknown field"),
    ({"from": "m.a", "through": {"x": {"any": "->m.r", "none": [{"path": "->m.r", "give": {"a": "b"}}]}}}, "none"),
    ({"from": "m.a", "select": {"id": "x"}}, "cannot be called 'id'"),
    ({"from": "m.a", "select": {"x": 1}}, "In select"),
    ({"from": "m.a", "select": {"x": "y"}, "sort": {"number": "x"}}, "already a column"),
    ({"from": "m.a", "group": {}}, "a group needs by"),
    ({"from": "m.a", "group": {"by": ["x"]}, "conflicts": True}, "no conflict flags"),
    ({"from": "m.a", "group": {"by": ["x"], "n": 1}}, "In group.n"),
    ({"from": "m.a", "first": {"by": ["x"]}}, "missing required field 'of'"),
    ({"from": "m.a", "sort": {"by": ["x"]}}, "unknown field 'by'"),
    ({"from": "m.a", "parameters": {"d": {"kind": 1}}}, "parameters.d"),
]


@pytest.mark.parametrize(("form", "said"), WRONG)
def test_a_wrong_form_is_refused_with_its_key(form: dict[str, Any], said: str) -> None:
    with pytest.raises(QueryFormProblem) as caught:
        read_query(form)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("form", "place"),
    [
        ({"where": "a =="}, "where"),
        ({"through": {"p": {"any": ["->m.r", "->"]}}}, "through.p.any[1].path"),
        ({"through": {"p": {"any": ["->m.r"], "none": ["x"]}}}, "through.p.none[0].path"),
        ({"through": {"p": {"any": [{"path": "->m.r", "give": {"why": "{"}}]}}}, "through.p.any[0].give.why"),
        ({"through": {"p": {"any": [{"path": "->m.r", "where": "x"}]}}}, "through.p.any[0].where"),
        ({"select": {"x": "a b"}}, "select.x"),
        ({"select": {"x": ["a", "{b"]}}, "select.x"),
        ({"first": {"of": ["a b"]}}, "first.of"),
        ({"first": {"of": ["a"], "by": ["-"]}}, "first.by"),
        ({"group": {"by": ["a b"]}}, "group.by"),
        ({"group": {"by": ["a"], "n": "avg(x)"}}, "group.n"),
        ({"sort": {"order": ["a ascending"]}}, "sort.order"),
    ],
)
def test_a_text_in_a_query_is_refused_with_the_key_it_stands_under(form: dict[str, Any], place: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        read_query({"from": "m.a", **form})
    assert caught.value.place == place


def test_text_that_is_neither_toml_nor_json_is_refused() -> None:
    with pytest.raises(QueryFormProblem, match=r"not TOML.*line 1"):
        read_query("from = x")
    with pytest.raises(QueryFormProblem, match="not JSON"):
        read_query('{"from": ')


def test_a_query_has_limits() -> None:
    paths = ["->m.r"] * (tree.PATHS_MAX + 1)
    steps = {f"s{index}": {"any": "->m.r"} for index in range(tree.THROUGH_MAX + 1)}
    columns = {f"c{index}": "x" for index in range(tree.COLUMNS_MAX + 1)}
    for form in (
        {"through": {"x": {"any": paths}}},
        {"through": steps},
        {"select": columns},
        {"group": {"by": ["x"], **dict.fromkeys(columns, "count()")}},
        {"sort": {"order": ["x"] * (tree.ORDERS_MAX + 1)}},
        {"where": "x" * 20_000},
    ):
        with pytest.raises(QueryTooBig):
            read_query({"from": "m.a", **form})
    with pytest.raises(QueryTooBig):
        read_query("#" * (tree.QUERY_CHARS_MAX + 1))

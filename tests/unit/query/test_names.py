"""Which names a query may use, and what is said about others."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.query.small import small

from openprod.catalog.tables import UnknownName
from openprod.model.errors import Missing
from openprod.query.problems import NameProblem, ParameterUnknown, QueryMismatch, SyntaxProblem
from openprod.query.tree import Query


def test_a_field_is_named_short_or_in_full() -> None:
    model = small()
    a = model.add("m.a", {"text": "x"})
    for name in ("text", "m.a.text"):
        assert model.where("m.a", f'{name} == "x"') == [model.id(a)]


@pytest.mark.parametrize(
    ("condition", "column", "near"),
    [
        ("txt == 1", 1, "'text'"),
        ("int == 5 AND m.a.tetx == 1", 14, "'m.a.text'"),
        ("->m.rr == 1", 3, "'m.r'"),
        ("->m.r.nam == 1", 1, "'name'"),
        ("->m.r[wieght] == 1", 1, "'weight'"),
        ("step.name == 1", 1, None),
        ("other[call] == 1", 1, None),
        ("other ->m.r == 1", 1, None),
    ],
)
def test_an_unknown_name_is_refused_with_its_place_and_near_names(
    condition: str, column: int, near: str | None
) -> None:
    with pytest.raises(NameProblem) as caught:
        small().where("m.a", condition)
    problem = caught.value
    assert (problem.line, problem.column) == (1, column)
    assert isinstance(problem, UnknownName)
    assert isinstance(problem, Missing)
    if near is not None:
        assert f"Did you mean {near}" in str(problem)
    assert str(problem).endswith("^")


@pytest.mark.parametrize(
    "condition",
    [
        "ghost.table.field == 1",
        "ghost.table.field != 1",
        "->ghost.rel.name == 1",
        "EXISTS ->ghost.rel",
        "EXISTS ->m.r ->ghost.rel",
        "EXISTS ghost.table.field",
        'ghost.table.field LIKE "%"',
        "ghost.table.field IN [1]",
        'table == "ghost.table"',
    ],
)
def test_names_of_modules_that_are_not_adopted_give_nothing(condition: str) -> None:
    model = small()
    a = model.add("m.a", {"text": "x"})
    model.relate("m.r", a, model.add("m.b", {"name": "b"}))
    assert model.where("m.a", condition) == []
    assert model.where("m.a", f"NOT {condition}") == [model.id(a)]


def test_what_was_not_found_for_want_of_a_module_is_listed() -> None:
    model = small()
    model.add("m.a", {"text": "x"})
    compiled = model.compiled({"from": "m.a", "select": {"x": "ghost.a.b", "y": "->ghost.rel.name", "z": "text"}})
    assert compiled.absent == ("ghost.a.b", "ghost.rel")
    assert model.run(compiled)[0] | {"id": ""} == {"id": "", "x": None, "y": None, "z": "x"}
    assert "not adopted here" in compiled.explain()


def test_a_query_from_a_table_that_is_not_adopted_has_no_rows() -> None:
    model = small()
    for form in (
        {"from": "ghost.cues"},
        {"from": "ghost.cues", "where": "called == true", "select": {"x": "label"}, "sort": {"order": ["number"]}},
        {"from": "ghost.cues", "through": {"x": {"any": ["->m.r"]}}, "select": {"x": "x.name"}},
        {"from": "ghost.cues", "group": {"by": ["dept"], "n": "count()"}},
    ):
        assert model.query(form) == []
        assert model.query(form, limit=10) == []
        assert model.count(form) == 0


@pytest.mark.parametrize(
    ("form", "place"),
    [
        ({"from": "m.aa"}, "from"),
        ({"from": "m.a", "select": {"x": "nope"}}, "select.x"),
        ({"from": "m.a", "select": {"x": "{nope}"}}, "select.x"),
        ({"from": "m.a", "sort": {"order": ["nope"]}}, "sort.order"),
        ({"from": "m.a", "first": {"of": ["nope"]}}, "first.of"),
        ({"from": "m.a", "first": {"of": ["text"], "by": ["nope"]}}, "first.by"),
        ({"from": "m.a", "group": {"by": ["nope"]}}, "group.by"),
        ({"from": "m.a", "group": {"by": ["text"], "n": "count(nope)"}}, "group.n"),
        ({"from": "m.a", "group": {"by": ["text"]}, "sort": {"order": ["int"]}}, "sort.order"),
        ({"from": "m.a", "through": {"x": {"any": ["->m.q"]}}}, "through.x.any[0].path"),
        ({"from": "m.a", "through": {"x": {"any": [{"path": "->m.r", "into": "m.c"}]}}}, "through.x.any[0].into"),
        (
            {"from": "m.a", "through": {"x": {"any": [{"path": "->m.r", "give": {"y": "{q.z}"}}]}}},
            "through.x.any[0].give.y",
        ),
        ({"from": "m.a", "through": {"x": {"any": [{"path": "->m.r", "where": "q == 1"}]}}}, "through.x.any[0].where"),
        ({"from": "m.a", "through": {"x": {"any": ["->m.r[q]"]}}, "sort": {}}, "through.x.any[0].path"),
        ({"from": "m.a", "through": {"x": {"any": ["y ->m.r"]}}}, "through.x.any[0].path"),
    ],
)
def test_a_name_problem_says_in_which_part_of_the_query_it_is(form: dict[str, Any], place: str) -> None:
    with pytest.raises(NameProblem) as caught:
        small().query(form)
    assert caught.value.place == place


def test_names_used_for_what_they_are_not_are_refused() -> None:
    model = small()
    for condition in ("m.r.weight == 1",):
        with pytest.raises(QueryMismatch, match=r"->m.r\[weight\]"):
            model.where("m.a", condition)
    for form in (
        {"from": "m.a", "sort": {"order": ["list"]}},
        {"from": "m.a", "group": {"by": ["text"], "n": "sum(text)"}},
        {"from": "m.a", "group": {"by": ["text"], "n": "max(list)"}},
        {"from": "m.a", "group": {"by": ["text"], "n": "min()"}},
        {"from": "m.a", "select": {"x": "@2026-01-12"}},
        {"from": "m.a", "through": {"x": {"any": ["->m.r"]}, "y": {"any": ["->m.r", "x ->m.s"]}}},
    ):
        with pytest.raises(QueryMismatch):
            model.query(form)
    with pytest.raises(SyntaxProblem):
        model.query({"from": "m.a", "through": {"x": {"any": ["->m.r.name"]}}})


def test_a_parameter_that_a_query_does_not_have_is_refused() -> None:
    model = small()
    with pytest.raises(ParameterUnknown, match=r"no parameter \$dat; it has \$date"):
        model.query(Query(from_="m.a", where="date == $date"), dat="2026-01-12")
    with pytest.raises(ParameterUnknown, match="it has none"):
        model.query(Query(from_="m.a"), x=1)

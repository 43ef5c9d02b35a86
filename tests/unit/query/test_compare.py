"""What a condition means for a record, rule by rule; the properties try them all together."""

from __future__ import annotations

import datetime as dt
import decimal
import enum

import pytest
from tests.unit.query.read_model import NOW, AsItIs, ReadModel
from tests.unit.query.small import small

from openprod.model.ids import EntityId
from openprod.model.values import Date, DateTime, Decimal, Duration, Natural, Time
from openprod.query.compile import compile_query
from openprod.query.constants import ParameterRefused
from openprod.query.problems import NameProblem, ParameterMissing, QueryMismatch, QueryTooBig, SyntaxProblem
from openprod.query.tree import Query


def one(**values: object) -> ReadModel:
    model = small()
    model.add("m.a", values)
    return model


def holds(model: ReadModel, condition: str, **params: object) -> bool:
    return bool(model.where("m.a", condition, **params))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("text != 1", False),
        ("NOT text == 1", True),
        ('text == ""', False),
        ("text == null", True),
        ("text != null", False),
        ("int == null", False),
        ("null == null", True),
        ("null != null", False),
        ("int < null", False),
        ("text == secret", False),
        ("EXISTS text", False),
        ("NOT EXISTS text", True),
        ("EXISTS int", True),
        ("NOT (text == null AND int == 5)", False),
        ("EXISTS [text, int]", True),
        ("EXISTS 5", True),
        ("EXISTS null", False),
    ],
)
def test_what_is_missing_compares_false_and_null_equals_only_null(condition: str, *, expected: bool) -> None:
    assert holds(one(int=5), condition) is expected


@pytest.mark.parametrize(
    "condition",
    [
        'int == "5"',
        'int != "5"',
        "int < true",
        "bool > 0",
        "text == 5",
        "text != 5",
        "date == 5",
        'date == "tomorrow"',
        'date != "tomorrow"',
        "time == 18",
        "list == 5",
        "int == text",
        "int != text",
        "nat == bool",
        'dec == "many"',
        'int LIKE "5%"',
        "list < list",
        'int IN [true, "5"]',
    ],
)
def test_types_that_do_not_compare_are_false_either_way(condition: str) -> None:
    model = one(int=5, text="5", bool=True, date="2026-01-12", time="18:00", nat="5", dec="5", list=["5"])
    assert not holds(model, condition)
    assert holds(model, f"NOT {condition}")


def test_a_value_of_another_type_than_its_field_compares_with_nothing_but_is_there() -> None:
    model = one(int=AsItIs("many"), nat=AsItIs(Decimal("5")), text=AsItIs(7))
    for condition in ("int > 1", "int < 1", "int != 1", "nat != 1", "nat > 1", 'text > "a"', 'text LIKE "%"'):
        assert not holds(model, condition), condition
    for condition in ("EXISTS int", "EXISTS nat", "int != null", "NOT text == 7"):
        assert holds(model, condition), condition


def test_numberings_and_decimals_compare_by_their_own_order() -> None:
    model = one(nat="11.5A", out="1.10", dec="1.50", float="2.5")
    for condition in (
        "nat > 11.5",
        "nat < 11.6",
        'nat == "011.50A"',
        "nat < 100",
        "out > 1.9",
        'out == "01.10"',
        "out != 1.1",
        "dec == 1.5",
        "dec < 10",
        "dec > -2",
        "float > dec",
        'nat IN [1, "11.5A"]',
    ):
        assert holds(model, condition), condition


def test_choices_compare_in_their_declared_order_and_others_after_them() -> None:
    assert holds(one(choice="SQ"), 'choice < "LX"')
    assert holds(one(choice="VID"), 'choice > "LX"')
    assert holds(one(choice="AUTO"), 'choice > "VID"')
    assert holds(one(choice="AUTO"), 'choice < "BELLS"')
    assert not holds(one(text="x"), 'choice > "LX"')


def test_texts_compare_exactly_and_are_ordered_whatever_their_case() -> None:
    model = one(text="beta")
    assert not holds(model, 'text == "Beta"')
    assert holds(model, 'text > "Alpha" AND text < "Gamma"')
    assert holds(model, 'text > "Beta"')


def test_times_dates_moments_and_lengths_are_read_as_people_write_them() -> None:
    model = one(date="2026-01-12", time="09:30", moment="2026-01-12T18:00", length=90)
    for condition in (
        "date == @2026-01-12",
        'date >= "2026-01-12"',
        "date == @2026-01-12T23:00",
        'time == "9:30"',
        'time < "10:00:00"',
        "moment > @2026-01-12",
        "moment == @2026-01-12T18:00",
        'moment == "2026-01-12T18:00"',
        "moment == @2026-01-12T19:00[Europe/Rome]",
        "date == moment",
        "length == 90",
        "length == 1min30s",
        'length == "90s"',
        "length < 2min",
        "date == $now",
        "moment > $now",
    ):
        assert holds(model, condition), condition


def test_like_ignores_case_in_every_script_and_knows_two_wildcards() -> None:
    model = one(text="ÉRIC walks\non")
    for condition in ('text LIKE "éric%"', 'text LIKE "%WALKS%"', 'text LIKE "É___ %"', 'text LIKE "%\\non"'):
        assert holds(model, condition), condition
    for condition in ('text LIKE "eric%"', 'text LIKE "ÉRIC"', 'text LIKE "%."'):
        assert not holds(model, condition), condition


def test_matches_is_a_full_match_of_a_pattern_that_is_checked_first() -> None:
    model = one(text="LX 11")
    assert holds(model, 'text MATCHES "LX [0-9]+"')
    assert not holds(model, 'text MATCHES "LX"')
    with pytest.raises(SyntaxProblem, match=r"line 1, column 14: the pattern cannot be read: missing \)"):
        holds(model, 'text MATCHES "("')
    with pytest.raises(QueryTooBig):
        holds(model, f'text MATCHES "{"x" * 1001}"')


def test_contains_finds_whole_words_with_case_and_accents_folded() -> None:
    model = one(text="Crème-brûlée, on the TABLE", list=["dark", "quiet stage"])
    for condition in (
        'text CONTAINS "creme"',
        'text CONTAINS "table BRULEE"',
        'text CONTAINS "brûlée"',
        'text CONTAINS "tab*"',
        'text CONTAINS ""',
        'list CONTAINS "dark"',
        '"quiet stage" IN list',
    ):
        assert holds(model, condition), condition
    for condition in ('text CONTAINS "tab"', 'text CONTAINS "table chair"', 'list CONTAINS "quiet"', '"x" IN list'):
        assert not holds(model, condition), condition


def test_searching_takes_text_not_fields() -> None:
    for condition in ("text LIKE secret", "text CONTAINS 5", "text MATCHES [1]"):
        with pytest.raises(QueryMismatch):
            holds(one(text="x"), condition)
    assert not holds(one(text="x"), "text LIKE $p", p=None)
    assert holds(small_with_literal(), '"LX 1" LIKE "lx%" AND "a b" CONTAINS "b" AND "x" MATCHES "x|y"')


def small_with_literal() -> ReadModel:
    return one(text="x")


def test_a_list_of_names_is_the_first_that_is_there() -> None:
    model = one(int=5, nat="7")
    assert holds(model, "[text, int] == 5")
    assert holds(model, "[int, nat] == 5")
    assert not holds(model, "[int, nat] == 7")
    assert holds(model, "[ghost.a.b, nat] == 7")
    assert holds(model, "5 IN [text, int]")
    assert holds(model, "[text, secret] == null")


def test_a_path_is_true_where_any_end_is() -> None:
    model = small()
    a, empty = model.add("m.a", {"text": "x"}), model.add("m.a", {"text": "y"})
    for name, weight in (("one", 1), ("two", None)):
        model.relate("m.r", a, model.add("m.b", {"name": name, "rank": 5}), weight=weight)
    for condition in (
        "EXISTS ->m.r",
        "EXISTS ->m.r.name",
        '->m.r.name == "two"',
        '->m.r.name != "two"',
        "->m.r[weight] == 1",
        '->m.r <-m.r.text == "x"',
        '->m.r.m.b.name IN ["one"]',
        '->m.r.table == "m.b"',
        '"one" == ->m.r.name',
        "->m.r.rank == ->m.r.rank",
        "->m.r.rank > ->m.r[weight]",
        "EXISTS [->m.r.nat, ->m.r.name]",
    ):
        assert model.where("m.a", condition) == [model.id(a)], condition
    for condition in ("NOT EXISTS ->m.r", 'NOT ->m.r.name == "one"', "NOT ->m.r[weight] == 1"):
        assert model.where("m.a", condition) == [model.id(empty)], condition
    assert model.where("m.b", '<-m.r.text == "x" AND name == "one"') != []


def test_membership_is_asked_of_tables_by_full_name() -> None:
    model = small()
    a = model.add("m.a", {"text": "x"})
    both = model.add("m.a", {"text": "y"})
    model.add("m.b", {"name": "y"}, eid=both)
    assert model.where("m.a", 'table == "m.b"') == [model.id(both)]
    assert model.where("m.a", 'table != "m.b"') == [model.id(a)]
    assert set(model.where("m.a", 'table IN ["m.b", "m.a"]')) == {model.id(a), model.id(both)}
    assert model.where("m.a", 'table == "ghost.a"') == []
    assert len(model.where("m.a", 'table != "ghost.a"')) == 2
    assert model.where("m.a", 'm.b.name == "y"') == [model.id(both)]
    assert "m.b" in model.compiled(Query(from_="m.a", where='table == "m.b"')).touches
    with pytest.raises(NameProblem, match=r"Did you mean 'm\.b'"):
        model.where("m.a", 'table == "m.bb"')
    for condition in ('table < "m.b"', "table == text", "table == 5"):
        with pytest.raises(QueryMismatch):
            model.where("m.a", condition)


def test_a_field_called_table_wins_over_membership_where_the_table_has_one() -> None:
    model = small()
    query = model.add("core.queries", {"name": "m.q", "table": "m.a"})
    assert model.where("core.queries", 'table == "m.a"') == [model.id(query)]


def test_records_are_compared_by_id() -> None:
    model = small()
    b, other = model.add("m.b", {"name": "b", "rank": 3}), model.add("m.b", {"name": "c"})
    a = model.add("m.a", {"record": model.ref(b)})
    for condition, params in (
        ("record == $p", {"p": model.ids[b]}),
        ("record == $p", {"p": model.id(b)}),
        ("record == $p", {"p": model.ref(b)}),
        ("record != $p", {"p": model.id(other)}),
        ("record != $p", {"p": "01900000-0000-7000-8000-000000000000"}),
        ("record IN $p", {"p": [model.id(other), model.id(b)]}),
        ('record.name == "b"', {}),
        ("record.rank == 3", {}),
    ):
        assert model.where("m.a", condition, **params) == [model.id(a)], (condition, params)
    for condition in ("record == $p", "record < $p"):
        assert model.where("m.a", condition, p=model.id(other)) == []
    assert model.where("m.a", 'record == "b"') == []


class Colour(enum.Enum):
    RED = 1


def test_parameters_mean_what_python_or_a_command_line_gives() -> None:
    model = one(
        int=5, text="x", bool=True, date="2026-01-12", time="18:00", moment="2026-01-12T18:00", nat="7", length=5
    )
    utc = dt.datetime(2026, 1, 12, 18, 0, tzinfo=dt.UTC)
    for condition, value in (
        ("int == $p", 5),
        ("int == $p", "5"),
        ("int == $p", 5.0),
        ("int == $p", decimal.Decimal(5)),
        ("int IN $p", [5, None]),
        ("int IN [1, $p]", 5),
        ("bool == $p", True),
        ("bool == $p", "true"),
        ("bool == $p", "yes"),
        ("date == $p", "2026-01-12"),
        ("date == $p", dt.date(2026, 1, 12)),
        ("date == $p", Date("2026-01-12")),
        ("time == $p", dt.time(18, 0)),
        ("time == $p", Time("18:00")),
        ("moment == $p", utc),
        ("moment == $p", utc.replace(tzinfo=None)),
        ("moment == $p", DateTime("2026-01-12T18:00")),
        ("nat == $p", Natural("7.0")),
        ("nat == $p", Decimal("7")),
        ("length == $p", dt.timedelta(seconds=5)),
        ("length == $p", Duration(5_000_000)),
        ("$p == null OR text == $p", None),
        ("$p == null OR text == $p", "x"),
        ("text == $p", "x"),
    ):
        assert holds(model, condition, p=value), (condition, value)
    for wrong in (Colour.RED, float("nan"), {"a": 1}, b"short", list(range(1001))):
        with pytest.raises(ParameterRefused):
            holds(model, "int IN $p", p=wrong)


def test_a_parameter_without_a_value_is_asked_for() -> None:
    with pytest.raises(ParameterMissing, match=r"\$day"):
        holds(one(text="x"), "date == $day")


def test_me_is_the_person_who_asks() -> None:
    model = small()
    b = model.add("m.b", {"name": "me"})
    a = model.add("m.a", {"record": model.ref(b)})
    query = Query(from_="m.a", where="record == $me")
    compiled = compile_query(query, model.catalog, me=EntityId(model.ids[b]), now=NOW)
    assert [row["id"] for row in model.run(compiled)] == [model.id(a)]
    assert model.run(compile_query(query, model.catalog)) == []


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("1 < 2", True),
        ("1 == 1.0", True),
        ('"a" < "B"', True),
        ('1 == "1"', False),
        ("true == 1", False),
        ("@2026-01-12 < @2026-01-12T18:00", False),
        ("@2026-01-12T18:00 > @2026-01-12", True),
        ('"2026-01-12" == @2026-01-12', True),
        ("90s == 1min30s", True),
        ("90s >= 2min", False),
        ("1 <= 1 AND 2 >= 1 AND 1 != 2", True),
        ('"LX" IN ["SQ", "LX"]', True),
        ("null IN [null]", True),
        ("1 IN []", False),
        ("null < 1", False),
    ],
)
def test_literals_are_compared_while_compiling(condition: str, *, expected: bool) -> None:
    model = one(text="x")
    assert holds(model, condition) is expected
    assert "text" not in model.compiled(Query(from_="m.a", where=condition, select={"x": "int"})).sql


def test_lists_of_many_values_are_asked_and_too_many_are_refused() -> None:
    model = small()
    b = model.add("m.b", {"name": "b"})
    a = model.add("m.a", {"int": 999, "nat": "999", "record": model.ref(b)})
    for condition in ("int IN $p", "nat IN $p", "[text, int] IN $p", "[text, nat] IN $p"):
        assert model.where("m.a", condition, p=list(range(1000))) == [model.id(a)], condition
    assert model.where("m.a", "record IN $p", p=[model.id(b)] * 1000) == [model.id(a)]
    assert model.where("m.a", "[text, int] IN [null]") == []
    assert model.where("m.a", "[text, bool] IN [null, 5]") == [model.id(a)]
    many = ",".join(["int"] * 51)
    for condition in (f"[{many}] == 1", f"5 IN [{many}]"):
        with pytest.raises(QueryTooBig):
            model.where("m.a", condition)
    lists = {f"p{n}": [f"{n} {m}" for m in range(1000)] for n in range(31)}
    with pytest.raises(QueryTooBig):
        model.where("m.a", " OR ".join(f"text IN ${name}" for name in lists), **lists)
    assert model.where("m.a", " OR ".join(["int == 999"] * 400)) == [model.id(a)]
    assert model.where("m.a", " AND ".join(["NOT text == 1"] * 400)) == [model.id(a)]

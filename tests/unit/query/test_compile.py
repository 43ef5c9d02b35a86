"""Stages of a full query: what rows come out, in which order, with what in them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.query.read_model import AsItIs, ReadModel
from tests.unit.query.small import small

from openprod.model.values import Decimal
from openprod.query.compile import OutColumn
from openprod.query.problems import QueryFormProblem, QueryTooBig
from openprod.query.tree import read_query


def values(rows: list[dict[str, Any]], *names: str) -> list[Any]:
    """Returns the values of one column, or tuples of several."""
    return [row[names[0]] if len(names) == 1 else tuple(row[name] for name in names) for row in rows]


def company() -> tuple[ReadModel, dict[str, int]]:
    """Three scenes (m.a), three people (m.b), who is in which scene with which weight, and s as a second relation."""
    model = small()
    eids = {f"a{n}": model.add("m.a", {"nat": str(n), "int": n % 2, "text": f"scene {n}"}) for n in (1, 2, 10)}
    eids |= {name: model.add("m.b", {"name": name, "rank": rank}) for rank, name in enumerate(("Ann", "bob", "Cy"))}
    for scene, person, weight in (("a1", "Cy", 1), ("a1", "Ann", 2), ("a2", "bob", 1), ("a2", "bob", 3)):
        model.relate("m.r", eids[scene], eids[person], weight=weight, note=f"{scene}{person}")
    model.relate("m.s", eids["Cy"], eids["bob"])
    model.relate("m.s", eids["Cy"], eids["Ann"])
    return model, eids


def test_by_default_rows_have_the_visible_fields_in_the_order_of_the_natural_key() -> None:
    model, eids = company()
    rows = model.query({"from": "m.a"})
    assert values(rows, "id", "nat") == [
        (model.id(eids[name]), nat) for name, nat in (("a1", "1"), ("a2", "2"), ("a10", "10"))
    ]
    assert next(iter(rows[0])) == "id"
    assert "secret" not in rows[0]
    assert list(rows[0])[1:] == [name for name in model.catalog.table("m.a").fields if name != "secret"]


def test_values_come_out_plain_and_wrong_typed_ones_as_they_are() -> None:
    model, eids = company()
    model.add(
        "m.a",
        {
            "nat": "0",
            "bool": True,
            "length": "1.5",
            "dec": "1.50",
            "list": ["x"],
            "record": model.ref(eids["Ann"]),
            "moment": "2026-01-12T18:00[Europe/Rome]",
            "int": AsItIs(Decimal("7")),
        },
    )
    row = model.query({"from": "m.a", "limit": 1})[0]
    shown = {name: row[name] for name in ("nat", "bool", "length", "dec", "list", "record", "moment", "int", "text")}
    assert shown == {
        "nat": "0",
        "bool": True,
        "length": 1.5,
        "dec": "1.50",
        "list": ["x"],
        "record": model.id(eids["Ann"]),
        "moment": "2026-01-12T18:00[Europe/Rome]",
        "int": "7",
        "text": None,
    }


def test_columns_say_their_types_and_kinds() -> None:
    model, _ = company()
    compiled = model.compiled(
        {
            "from": "m.a",
            "through": {"p": {"any": [{"path": "->m.r", "give": {"why": "x"}}]}},
            "select": {"n": "nat", "who": "p", "why": "p.why"},
            "sort": {"number": "no"},
            "conflicts": True,
        }
    )
    assert compiled.columns == (
        OutColumn("id", "record", "id"),
        OutColumn("p", "record", "id"),
        OutColumn("n", "natural"),
        OutColumn("who", "record"),
        OutColumn("why", "text", "list"),
        OutColumn("no", "int"),
        OutColumn("conflicts", "list", "flag"),
    )


def test_templates_join_values_and_are_missing_where_all_of_them_are() -> None:
    model, eids = company()
    model.add(
        "m.a", {"nat": "3", "bool": True, "length": 90, "record": model.ref(eids["Ann"]), "int": AsItIs(Decimal("7"))}
    )
    rows = model.query(
        {
            "from": "m.a",
            "select": {
                "scene": "{nat}: {text}",
                "odd": "{bool} {length} {record} {int} {record.rank}",
                "alone": "{text}",
                "plain": "{{}}",
                "title": "{record}",
                "own": "<{record.name}>",
            },
            "sort": {"order": ["nat"]},
        }
    )
    assert values(rows, "scene") == ["1: scene 1", "2: scene 2", "3: ", "10: scene 10"]
    assert values(rows, "odd")[2] == "yes 90s Ann 7 0"
    assert values(rows, "odd")[0] == "   1 "
    assert values(rows, "alone") == ["scene 1", "scene 2", None, "scene 10"]
    assert values(rows, "plain")[0] == "{}"
    assert values(rows, "title", "own")[2] == ("Ann", "<Ann>")
    assert values(rows, "own")[0] is None


def test_a_list_of_columns_shows_the_first_that_is_there() -> None:
    model = small()
    model.add("m.a", {"nat": "1", "time": "18:00", "int": 5})
    model.add("m.a", {"nat": "2", "text": "x", "moment": "2026-01-12T18:00"})
    select = {
        "same": ["ghost.a.b", "time"],
        "mixed": ["text", "int"],
        "given": ["text", "{nat}!"],
        "fixed": ["text", "$p"],
    }
    rows = model.query({"from": "m.a", "select": select, "sort": {"order": ["mixed"]}}, p="none")
    assert values(rows, "same", "mixed", "given", "fixed") == [("18:00", "5", "1!", "none"), (None, "x", "x", "x")]


def test_a_path_in_select_shows_its_first_end() -> None:
    model, eids = company()
    select = {
        "who": "->m.r.name",
        "lightest": "->m.r[weight]",
        "record": "->m.r",
        "either": ["->ghost.rel.name", "->m.r.name"],
    }
    order = {"order": ["->m.r[weight]", "nat"]}
    rows = model.query({"from": "m.a", "select": select, "sort": order})
    assert values(rows, "id") == [model.id(eids[name]) for name in ("a1", "a2", "a10")]
    assert values(rows, "who", "either")[1:] == [("bob", "bob"), (None, None)]
    assert values(rows, "record")[1:] == [model.id(eids["bob"]), None]
    assert values(rows, "lightest")[2] is None


def test_sorting_goes_by_type_down_or_up_with_what_is_missing_last() -> None:
    model = small()
    for nat, text, choice in (
        ("10", "b", "VID"),
        ("9", "A", "SQ"),
        ("9.5", None, "LX"),
        (None, "a", None),
        ("1", "B", "HUM"),
    ):
        model.add("m.a", {"nat": nat, "text": text, "choice": choice})

    def order(*texts: str) -> list[Any]:
        return values(model.query({"from": "m.a", "sort": {"order": list(texts)}}), "nat")

    assert order("nat") == ["1", "9", "9.5", "10", None]
    assert order("-nat") == ["10", "9.5", "9", "1", None]
    assert order("text", "nat") == ["9", None, "1", "10", "9.5"]
    assert order("text desc", "nat") == ["10", "1", None, "9", "9.5"]
    assert order("choice") == ["9", "9.5", "10", "1", None]
    assert order("-choice") == ["1", "10", "9.5", "9", None]


def test_rows_that_sort_alike_come_by_record_id_not_by_order_of_arrival() -> None:
    model = small()
    ids = [model.id(model.add("m.a", {"int": 1}, name=name)) for name in "qwertyuiop"]
    assert ids != sorted(ids)
    for form in (
        {"from": "m.a", "sort": {"order": ["int"]}},
        {"from": "m.a", "sort": {"order": ["bool"]}},
        {"from": "m.a"},
    ):
        assert values(model.query(form), "id") == sorted(ids)
        assert values(model.query(form, limit=4, offset=2), "id") == sorted(ids)[2:6]


def test_sorting_by_a_record_goes_by_its_key_and_by_a_position_by_the_order_of_relating() -> None:
    model, eids = company()
    model.add("m.a", {"nat": "3", "record": model.ref(eids["bob"])})
    model.add("m.a", {"nat": "4", "record": model.ref(eids["Ann"])})
    rows = model.query({"from": "m.a", "where": "EXISTS record", "sort": {"order": ["record"]}})
    assert values(rows, "nat") == ["4", "3"]
    through = {"other": {"any": ["->m.s"]}}
    for order in (["other[position]"], []):
        rows = model.query({"from": "m.b", "through": through, "select": {"n": "other.name"}, "sort": {"order": order}})
        assert values(rows, "n") == ["bob", "Ann"]
    rows = model.query({"from": "m.b", "through": through, "select": {"n": "other.name"}, "sort": {"order": ["other"]}})
    assert values(rows, "n") == ["Ann", "bob"]


def test_through_gives_a_row_for_each_end_with_the_ids_of_both() -> None:
    model, eids = company()
    rows = model.query({"from": "m.a", "through": {"who": {"any": ["->m.r[weight]"]}}})
    assert values(rows, "nat") == ["1", "1", "2"]
    assert values(rows, "who") == [model.id(eids[name]) for name in ("Cy", "Ann", "bob")]
    assert rows[0]["id"] == model.id(eids["a1"])
    assert rows[0]["ids"] == {"who": model.id(eids["Cy"])}
    assert list(rows[0])[:2] == ["id", "ids"]


def test_each_path_gives_its_reason_first_path_first_and_each_once() -> None:
    model, _ = company()
    form = {
        "from": "m.a",
        "where": "nat < 3",
        "through": {
            "who": {
                "any": [
                    {"path": "->m.r @p", "give": {"why": "as {p.name}", "kind": "direct"}},
                    {"path": "->m.r @p <-m.r @a ->m.r", "give": {"why": "with {p.name} in {a.nat}"}},
                    {"path": "->m.r", "give": {"why": "noted {who[note]}", "heavy": "{who[weight]}"}},
                ]
            }
        },
        "select": {
            "name": "who.name",
            "why": "who.why",
            "kind": "who.kind",
            "heavy": "who.heavy",
            "one": ["who.heavy", "nat"],
        },
        "sort": {"order": ["nat", "name"]},
    }
    rows = model.query(form)
    assert values(rows, "name") == ["Ann", "Cy", "bob"]
    assert values(rows, "why")[0] == ["as Ann", "with Ann in 1", "with Cy in 1", "noted a1Ann"]
    assert values(rows, "why")[2] == ["as bob", "with bob in 2", "noted a2bob"]
    assert values(rows, "kind") == [["direct"]] * 3
    assert values(rows, "heavy") == [[2], [1], [1, 3]]
    assert values(rows, "one") == ["2", "1", "1"]
    for condition, names in (
        ('who.why == "as Ann"', ["Ann"]),
        ('who.why LIKE "%Cy%"', ["Ann", "Cy"]),
        ('who.why != "as Ann"', ["Ann", "Cy", "bob"]),
        ("who.heavy > 2", ["bob"]),
        ("NOT who.heavy > 1", ["Cy"]),
        ("EXISTS who.kind AND who.rank < 1", ["Ann"]),
        ('"direct" IN who.kind AND who.name IN ["bob"]', ["bob"]),
        ("who.heavy == null", []),
    ):
        assert values(model.query({**form, "where": f"nat < 3 AND {condition}"}), "name") == names, condition


def test_into_keeps_ends_of_one_table_and_none_takes_ends_out() -> None:
    model, eids = company()
    model.add("m.a", {"nat": "5", "text": "Ann too"}, eid=eids["Ann"])
    through: dict[str, Any] = {"who": {"any": [{"path": "->m.r", "into": "m.a"}]}}
    rows = model.query({"from": "m.a", "through": through, "select": {"t": "who.text", "n": "who.m.b.name"}})
    assert values(rows, "t", "n") == [("Ann too", "Ann")]
    for none in (["->m.r <-m.s"], [{"path": "->m.r", "where": "who[weight] == 2"}], [{"path": "->m.r", "into": "m.a"}]):
        through = {"who": {"any": ["->m.r"], "none": none}}
        rows = model.query({"from": "m.a", "through": through, "select": {"n": "who.name"}})
        expected = ["Ann", "bob"] if none == ["->m.r <-m.s"] else ["Cy", "bob"]
        assert sorted(values(rows, "n")) == expected, none
    through = {"who": {"any": ["->m.r", "->ghost.rel"], "none": ["->m.r", "->ghost.rel"]}}
    assert model.query({"from": "m.a", "through": through}) == []


def test_optional_keeps_starts_without_an_end_and_conditions_on_steps_come_after() -> None:
    model, _ = company()
    form: dict[str, Any] = {
        "from": "m.a",
        "through": {"who": {"any": ["->m.r"], "optional": True}},
        "select": {"nat": "nat", "n": "who.name"},
        "sort": {"order": ["nat", "n"]},
    }
    rows = model.query(form)
    assert values(rows, "nat", "n") == [("1", "Ann"), ("1", "Cy"), ("2", "bob"), ("10", None)]
    assert rows[-1]["ids"] == {"who": None}
    rows = model.query({**form, "where": 'int == 0 AND NOT who.name == "bob"'})
    assert values(rows, "nat", "n") == [("10", None)]
    rows = model.query({**form, "where": "EXISTS who OR nat == 10"})
    assert len(rows) == 4


def test_through_may_be_given_several_times_and_go_on_from_an_earlier_step() -> None:
    model, _ = company()
    form: dict[str, Any] = {
        "from": "m.a",
        "through": {
            "who": {"any": ["->m.r"], "optional": True},
            "friend": {"any": [{"path": "who ->m.s", "give": {"via": "{who.name}"}}], "optional": True},
            "again": {"any": ["->m.r"]},
        },
        "select": {"nat": "nat", "who": "who.name", "friend": "friend.name", "again": "again.name"},
        "sort": {"order": ["nat", "who", "friend", "again"]},
    }
    del form["through"]["friend"]["any"][0]["give"]
    rows = model.query(form)
    assert values(rows, "nat", "who", "friend", "again") == [
        ("1", "Ann", None, "Ann"),
        ("1", "Ann", None, "Cy"),
        ("1", "Cy", "Ann", "Ann"),
        ("1", "Cy", "Ann", "Cy"),
        ("1", "Cy", "bob", "Ann"),
        ("1", "Cy", "bob", "Cy"),
        ("2", "bob", None, "bob"),
    ]
    assert model.count(form) == 7


def test_first_keeps_the_first_row_of_each_group_else_the_first_path() -> None:
    model, _ = company()
    form: dict[str, Any] = {
        "from": "m.a",
        "through": {"who": {"any": [{"path": "->m.r[weight]", "give": {"why": "x"}}]}},
        "select": {"nat": "nat", "n": "who.name", "why": "who.why"},
        "first": {"of": ["nat"]},
    }
    assert values(model.query(form), "nat", "n", "why") == [("1", "Cy", ["x"]), ("2", "bob", ["x"])]
    form["first"] = {"of": ["nat"], "by": ["who.rank"]}
    assert values(model.query(form), "n") == ["Ann", "bob"]
    form["first"] = {"of": [], "by": ["-who.rank"]}
    assert values(model.query(form), "n") == ["Cy"]
    form["first"] = {"of": ["int"], "by": ["-nat"]}
    form |= {"through": {}, "select": {"nat": "nat"}}
    assert values(model.query(form), "nat") == ["1", "10"]
    assert model.count(form) == 2


def test_groups_have_aggregates_of_every_kind() -> None:
    model = small()
    b = model.add("m.b", {"name": "b"})
    for row in (
        {
            "int": 1,
            "nat": "9",
            "dec": "1.50",
            "choice": "VID",
            "length": 60,
            "text": "x",
            "record": model.ref(b),
            "time": "18:00",
        },
        {"int": 1, "nat": "10", "dec": "-2", "choice": "SQ", "length": 30, "text": "x", "record": model.ref(b)},
        {"int": 1, "nat": AsItIs("odd"), "float": 2.5},
        {"int": None, "text": "y"},
    ):
        model.add("m.a", row)
    rows = model.query(
        {
            "from": "m.a",
            "group": {
                "by": ["int"],
                "rows": "count()",
                "texts": "count(text)",
                "different": "count(distinct text)",
                "records": "count(record)",
                "low": "min(nat)",
                "high": "max(nat)",
                "cheap": "min(dec)",
                "total": "sum(dec)",
                "long": "sum(length)",
                "float": "sum(float)",
                "late": "max(time)",
                "dept": "min(choice)",
                "last": "max(choice)",
                "list": "list(text)",
                "who": "list(record)",
                "top": "first(nat)",
                "ghost": "max(ghost.a.b)",
                "ghosts": "count(ghost.a.b)",
            },
        }
    )
    assert rows[0] == {
        "int": 1,
        "rows": 3,
        "texts": 2,
        "different": 1,
        "records": 1,
        "low": "9",
        "high": "10",
        "cheap": "-2",
        "total": "-0.50",
        "long": 90,
        "float": 2.5,
        "late": "18:00",
        "dept": "SQ",
        "last": "VID",
        "list": ["x"],
        "who": [model.id(b)],
        "top": "9",
        "ghost": None,
        "ghosts": 0,
    }
    assert rows[1]["int"] is None
    assert (rows[1]["texts"], rows[1]["list"], rows[1]["total"]) == (1, ["y"], None)
    assert "id" not in rows[0]


def test_groups_are_ordered_by_what_they_are_of_or_as_asked() -> None:
    model, eids = company()
    through = {"who": {"any": ["->m.r"]}}
    form: dict[str, Any] = {
        "from": "m.a",
        "through": through,
        "group": {"by": ["who", "int"], "n": "count()", "top": "max(nat)"},
    }
    rows = model.query(form)
    assert values(rows, "who") == [model.id(eids[name]) for name in ("Ann", "bob", "Cy")]
    assert list(rows[0]) == ["who", "int", "n", "top"]
    rows = model.query({**form, "sort": {"order": ["-top", "who"], "number": "no"}, "limit": 2, "offset": 1})
    assert values(rows, "who", "no") == [(model.id(eids["Ann"]), 1), (model.id(eids["Cy"]), 2)]
    assert model.count({**form, "limit": 2}) == 2
    everything = model.query({"from": "m.a", "group": {"n": "count()", "names": "list(nat)"}})
    assert everything == [{"n": 3, "names": ["1", "2", "10"]}]
    selected = model.query({"from": "m.a", "select": {"odd": "{int}!"}, "group": {"by": ["odd"], "n": "count()"}})
    assert selected == [{"odd": "0!", "n": 2}, {"odd": "1!", "n": 1}]
    with pytest.raises(QueryFormProblem, match="already a column"):
        model.query({"from": "m.a", "group": {"by": ["int"], "int": "count()"}})


def test_first_then_group_counts_the_firsts() -> None:
    model, _ = company()
    form = {
        "from": "m.a",
        "through": {"who": {"any": ["->m.r"]}},
        "first": {"of": ["nat"], "by": ["who.rank"]},
        "group": {"by": ["int"], "people": "count(who)", "names": "list(who.name)"},
    }
    assert model.query(form) == [{"int": 0, "people": 1, "names": ["bob"]}, {"int": 1, "people": 1, "names": ["Ann"]}]


def test_a_window_lies_inside_the_querys_own_limit_and_numbers_count_from_its_offset() -> None:
    model = small()
    for number in range(10):
        model.add("m.a", {"nat": str(number)})
    form = {"from": "m.a", "limit": 5, "offset": 2, "sort": {"order": ["nat"], "number": "no"}}
    assert values(model.query(form), "nat", "no") == [(str(n), n - 1) for n in range(2, 7)]
    assert values(model.query(form, limit=2, offset=1), "nat", "no") == [("3", 2), ("4", 3)]
    assert values(model.query(form, limit=9, offset=4), "nat") == ["6"]
    assert model.query(form, limit=9, offset=7) == []
    assert model.query(form, limit=0) == []
    assert values(model.query({"from": "m.a", "offset": 8}), "nat") == ["8", "9"]
    assert model.count(form) == 5
    assert model.count({"from": "m.a", "offset": 8}) == 2
    assert model.count({"from": "m.a", "where": "nat > 7"}) == 2


def test_conflicts_flag_the_columns_that_show_a_contested_value() -> None:
    model, eids = company()
    model.contest(eids["a1"], "m.a.text")
    model.contest(eids["a1"], "m.a.secret")
    model.contest(eids["Cy"], "m.b.name")
    rows = model.query({"from": "m.a", "conflicts": True}, limit=2)
    assert values(rows, "conflicts") == [["text"], []]
    rows = model.query(
        {
            "from": "m.a",
            "conflicts": True,
            "through": {"who": {"any": ["->m.r[weight]"]}},
            "select": {"t": "{nat} {text}", "n": "who.name", "first": ["who.name", "text"], "nat": "nat"},
        }
    )
    assert values(rows, "conflicts") == [["t", "n", "first"], ["t", "first"], []]


def test_the_rows_own_record_is_called_record_where_no_field_is() -> None:
    model, eids = company()
    rows = model.query(
        {"from": "m.b", "select": {"self": "record", "title": "{record}"}, "sort": {"order": ["record"]}}
    )
    assert values(rows, "self", "title")[0] == (model.id(eids["Ann"]), "Ann")


def test_explain_shows_the_statement_and_what_is_bound() -> None:
    model, _ = company()
    shown = model.compiled({"from": "m.a", "where": 'text == "x"'}).explain()
    assert shown.startswith("SELECT ")
    assert ":p0 = 'x'" in shown


def test_a_name_with_quotes_in_it_stays_a_name() -> None:
    model = small()
    table = model.catalog.table("m.a")
    odd = 'x"; DROP TABLE entity; --'
    table.fields[odd] = table.fields["text"].__class__(key=f"m.a.{odd}", name=odd, table="m.a", type="text", title="X")
    model.connection.execute(f'ALTER TABLE "m.a" ADD COLUMN "{odd.replace(chr(34), chr(34) * 2)}" TEXT')
    model.add("m.a", {odd: "y"})
    assert model.query({"from": "m.a"})[0][odd] == "y"


def test_a_query_of_too_many_tables_is_refused() -> None:
    model, _ = company()
    chain = " ".join(["->m.r <-m.r"] * 4)
    select = {f"c{n}": [f"{chain} ->m.r.name"] for n in range(3)}
    with pytest.raises(QueryTooBig):
        model.query({"from": "m.a", "select": select})
    paths = {f"c{n}": f"->m.r[{key}]" for n, key in enumerate(("weight", "note"))}
    assert len(model.query({"from": "m.a", "select": paths})) == 3
    hops = {f"c{n}": "record.name" for n in range(60)}
    assert len(model.query({"from": "m.a", "select": hops})) == 3
    wide = {f"s{n}": {"any": ["->m.r"]} for n in range(8)}
    columns = {f"c{n}{m}": [f"s{n} ->m.s.name", f"s{n} ->m.s.m.a.text"][m] for n in range(8) for m in range(2)}
    columns |= (
        {f"f{n}": f"s{n} <-m.r.text" for n in range(8)}
        | {f"d{n}": f"s{n}.m.a.text" for n in range(8)}
        | {f"e{n}": f"s{n}.name" for n in range(8)}
    )
    with pytest.raises(QueryTooBig, match="tables at once"):
        model.query({"from": "m.a", "through": wide, "select": columns})


def test_the_same_query_is_the_same_statement_whatever_its_values() -> None:
    model, _ = company()
    query = read_query({"from": "m.a", "where": "int == $n AND nat IN [1, $m]"})
    first, second = model.compiled(query, n=1, m=2, limit=10), model.compiled(query, n=5, m=7, limit=20)
    assert first.sql == second.sql

"""Which changes make a subscription ask again."""

from __future__ import annotations

from tests.unit.query.small import small

from openprod.query.touch import touched, touched_of


def test_a_query_is_touched_by_its_tables_relations_and_their_fields() -> None:
    touches = small().compiled({"from": "m.a", "where": '->m.r.name == "x"'}).touches
    assert touches == {"m.a", "m.r", "m.b"}
    for written in ("m.a", "m.a.text", "m.r", "m.r.weight", "m.b.name"):
        assert touched(touches, [written])
    for written in ("m.s", "m.s.x", "core.queries.name", "m"):
        assert not touched(touches, [written])
    assert not touched(touches, [])


def test_a_bare_path_does_not_read_the_table_it_leads_to() -> None:
    assert small().compiled({"from": "m.a", "where": "EXISTS ->m.r"}).touches == {"m.a", "m.r"}


def test_the_touched_subscriptions_are_found_in_their_order() -> None:
    subscriptions = {1: {"m.a"}, 2: {"m.b"}, 3: {"m.a", "m.b"}}
    assert touched_of(subscriptions, ["m.b.name", "m.b.rank"]) == [2, 3]
    assert touched_of(subscriptions, []) == []

from __future__ import annotations

import msgspec
import pytest
from tests.unit.server.fake import cue_desk, seat_at

from openprod.model.errors import Missing
from openprod.server.call import BadArguments, UnknownCall
from openprod.server.every import CALLS, run
from openprod.server.live import PageSeat


def call(seat: PageSeat, name: str, args: object) -> object:
    return run(seat, name, msgspec.json.encode(args))


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize("raw", [b"[]", b"null", b'{"surprise": 1}', b"{", b"3", b'"x"', b"[" * 5000])
def test_every_call_refuses_arguments_of_another_shape(name: str, raw: bytes) -> None:
    with pytest.raises(BadArguments):
        run(seat_at(cue_desk(3)), name, raw)


def test_an_unknown_call_says_so() -> None:
    with pytest.raises(UnknownCall):
        run(seat_at(cue_desk(3)), "workspace.format", b"{}")


def test_several_intents_are_one_step_and_tell_what_they_made() -> None:
    desk = cue_desk(3)
    record = desk.rows["lighting.cues"][0]
    intents = [
        {"do": "set", "record": record, "fields": {"lighting.cues.label": "Noon"}},
        {"do": "add", "table": "contacts.people", "fields": {"name": "Sam"}},
        {"do": "clear", "record": record, "field": "lighting.cues.status"},
        {"do": "relate", "source": record, "relation": "x.y", "target": record},
    ]
    made = call(seat_at(desk), "edit", {"intents": intents})
    person, relation = desk.rows["contacts.people"][-1], f"{record}-x.y-{record}"
    assert made == {"made": [None, person, None, relation]}
    assert desk.value(record, "lighting.cues.label") == "Noon"
    assert desk.value(record, "lighting.cues.status") is None


def test_an_edit_hands_over_the_heads_its_author_was_looking_at() -> None:
    desk = cue_desk(3)
    record = desk.rows["lighting.cues"][0]
    key = "lighting.cues.label"
    looked_at = desk.record(record)["heads"][key]
    desk.write(record, key, "from somebody else", None)
    call(
        seat_at(desk),
        "edit",
        {"intents": [{"do": "set", "record": record, "fields": {key: "mine"}, "heads": {key: looked_at}}]},
    )
    assert desk.record(record)["conflicts"] == [key]


def test_a_question_is_settled_by_a_choice_or_by_a_value_and_never_by_neither() -> None:
    desk = cue_desk(3)
    seat = seat_at(desk)
    question = desk.conflicts()[0]
    for wrong in ({}, {"choose": question["values"][0]["op"], "value": "x"}):
        with pytest.raises(BadArguments):
            call(seat, "conflict.resolve", {"conflict": question["id"], **wrong})
    call(seat, "conflict.resolve", {"conflict": question["id"], "value": None})
    assert desk.conflicts() == []
    assert desk.value(question["record"], question["field"]) is None


def test_titles_of_records_that_are_gone_are_left_out() -> None:
    desk = cue_desk(3)
    record = desk.rows["lighting.cues"][0]
    assert call(seat_at(desk), "record.titles", {"records": [record, "gone"]}) == {record: "LX 1"}


def test_a_live_question_that_ended_says_so() -> None:
    seat = seat_at(cue_desk(3))
    with pytest.raises(Missing):
        call(seat, "query.window", {"sub": 9, "offset": 0, "limit": 10})
    call(seat, "query.unsubscribe", {"sub": 9})


def test_a_page_watches_only_so_many_questions() -> None:
    seat = seat_at(cue_desk(3))
    for _ in range(64):
        call(seat, "query.subscribe", {"query": {"from": "lighting.cues"}, "limit": 1})
    with pytest.raises(Exception, match="64 live questions"):
        call(seat, "query.subscribe", {"query": {"from": "lighting.cues"}, "limit": 1})
    seat.close()
    assert seat.desk.on_changes(lambda _: None) is not None


def test_a_parameter_cannot_take_the_name_of_a_part_of_the_question() -> None:
    with pytest.raises(BadArguments):
        call(seat_at(cue_desk(3)), "query.run", {"query": "x", "params": {"limit": 1}})

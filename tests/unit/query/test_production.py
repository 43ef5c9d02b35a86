"""The two questions that the query form was made for, on a whole production."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.unit.query.production import Production, rows, shipped_query

TEMPLATE = "templates/stage-management"


@cache
def production() -> Production:
    return Production()


def test_first_calls_are_the_388_rows_of_the_answers() -> None:
    found = production().model.query(shipped_query(TEMPLATE, "first_calls"))
    answers = rows("answers_first_calls.csv")

    given: dict[tuple[Any, Any], dict[str, Any]] = {(row["date"], row["name"]): row for row in found}
    assert len(found) == len(answers) == len(given) == 388
    for answer in answers:
        row = given[answer["date"], answer["name"]]
        assert (row["first_call"], row["event_id"], row["room"]) == (
            answer["first_call"],
            answer["event_id"],
            answer["room"],
        )
        assert answer["why"] in row["why"]


def test_first_calls_of_one_day_are_those_rows_of_the_answers() -> None:
    found = production().model.query(shipped_query(TEMPLATE, "first_calls"), date="2026-01-13")
    answers = [row for row in rows("answers_first_calls.csv") if row["date"] == "2026-01-13"]

    assert sorted((str(row["name"]), row["event_id"]) for row in found) == sorted(
        (row["name"], row["event_id"]) for row in answers
    )


def test_called_cues_are_the_416_rows_of_the_answers_in_their_order() -> None:
    found = production().model.query(shipped_query(TEMPLATE, "called_cues"))
    answers = rows("answers_sm_cues.csv")

    shown = [
        [str(row[key] or "") for key in ("order", "dept", "number", "scene", "page", "cue_words")] for row in found
    ]
    assert shown == [list(answer.values()) for answer in answers]
    assert len(shown) == 416


def test_everybody_called_to_each_event_is_as_many_as_the_answers_say() -> None:
    found = production().model.query(shipped_query(TEMPLATE, "day_calls"))
    answers = {row["event_id"]: int(row["called_count"]) for row in rows("answers_event_calls.csv")}

    counts: dict[str, int] = {}
    for row in found:
        counts[str(row["event_id"])] = counts.get(str(row["event_id"]), 0) + 1
    cancelled = {row["event_id"] for row in rows("schedule.csv") if row["status"] == "cancelled"}
    assert counts == {event: count for event, count in answers.items() if count and event not in cancelled}

from __future__ import annotations

import asyncio

from tests.unit.server.fake import Closing, cue_desk

from openprod.server.calls import Row, Watch
from openprod.server.live import Flags, WatchedRows, read_window, row_steps


def a_row(id: str, label: str = "") -> Row:
    return {"values": {"id": id, "label": label}, "heads": {}, "conflicts": []}


def carried_out(before: list[Row], after: list[Row]) -> list[Row]:
    rows = list(before)
    for step in row_steps(before, after) or []:
        match step:
            case {"kind": "remove", "at": at}:
                del rows[at]
            case {"kind": "insert", "at": at, "row": row}:
                rows.insert(at, row)
            case {"kind": "change", "at": at, "row": row}:
                rows[at] = row
            case _:
                raise AssertionError(step)
    return rows


def test_steps_turn_the_window_a_page_has_into_the_one_it_should_have() -> None:
    before = [a_row(id) for id in "abcdef"]
    after = [a_row("x"), a_row("b"), a_row("c", "new"), a_row("y"), a_row("f"), a_row("z")]
    assert carried_out(before, after) == after
    assert carried_out([], after) == after
    assert carried_out(before, []) == []
    assert row_steps(before, before) == []


def test_rows_that_changed_places_are_sent_whole() -> None:
    assert row_steps([a_row("a"), a_row("b")], [a_row("b"), a_row("a")]) is None


def test_a_window_counts_all_rows_and_carries_heads_and_conflicts() -> None:
    desk = cue_desk(10)
    window = read_window(desk, Watch(query={"from": "lighting.cues"}, cells="lighting.cues"), 2, 3)
    assert window["count"] == 10
    assert [row["values"]["number"] for row in window["rows"]] == ["3", "4", "5"]
    assert window["rows"][0]["conflicts"] == ["lighting.cues.label"]
    assert len(window["rows"][0]["heads"]["lighting.cues.label"]) == 2


def test_a_commit_elsewhere_in_the_table_changes_only_the_count() -> None:
    desk = cue_desk(10)
    args = Watch(query={"from": "lighting.cues"}, cells="lighting.cues", limit=3)
    watched = WatchedRows(desk, args, Closing(lambda: None), read_window(desk, args, 0, 3))
    desk.new_record("lighting.cues", {"number": "11"})
    assert watched.changes() == [{"count": 11, "offset": 0, "steps": [], "rows": None}]
    assert watched.changes() == []


def test_a_write_of_an_equal_value_changes_the_heads_a_page_has() -> None:
    desk = cue_desk(3)
    args = Watch(query={"from": "lighting.cues"}, cells="lighting.cues", limit=3)
    watched = WatchedRows(desk, args, Closing(lambda: None), read_window(desk, args, 0, 3))
    record = desk.rows["lighting.cues"][0]
    desk.write(record, "lighting.cues.number", "1", None)
    assert len(watched.changes()) == 1


def test_a_question_marked_many_times_is_taken_once_and_marking_never_waits() -> None:
    async def scenario() -> list[int]:
        flags = Flags(asyncio.get_running_loop())
        for _ in range(10_000):
            flags.mark(7)
            flags.mark(3)
        return await flags.take()

    assert asyncio.run(scenario()) == [3, 7]


def test_flags_that_are_closed_wake_nobody() -> None:
    async def scenario() -> bool:
        flags = Flags(asyncio.get_running_loop())
        flags.close()
        flags.mark(1)
        try:
            await asyncio.wait_for(flags.take(), 0.05)
        except TimeoutError:
            return True
        return False

    assert asyncio.run(scenario())

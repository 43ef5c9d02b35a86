from __future__ import annotations

import asyncio

from tests.unit.server.fake import FakeDesk, cue_desk

from openprod.server.calls import Watch
from openprod.server.live import Flags, WatchedRows, row_steps
from openprod.workspace.meaning import Changes
from openprod.workspace.shapes import RowShape as Row


def a_row(id: str, label: str = "") -> Row:
    return {"values": {"id": id, "label": label}, "heads": {}, "taken": {}, "conflicts": [], "ends": {}, "staged": {}}


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


def watched_cues(rows: int, woken: list[int]) -> tuple[FakeDesk, WatchedRows]:
    desk = cue_desk(rows)
    args = Watch(query={"from": "lighting.cues"}, cells="lighting.cues", limit=3)
    return desk, WatchedRows(desk, args, lambda: woken.append(1))


def test_a_commit_elsewhere_in_the_table_changes_only_the_count() -> None:
    desk, watched = watched_cues(10, [])
    desk.new_record("lighting.cues", {"number": "11"})
    assert watched.changes() == [{"count": 11, "offset": 0, "steps": [], "rows": None}]
    assert watched.changes() == []


def test_a_write_of_an_equal_value_changes_the_heads_a_page_has() -> None:
    desk, watched = watched_cues(3, [])
    desk.write(desk.rows["lighting.cues"][0], "lighting.cues.number", "1", None)
    assert len(watched.changes()) == 1


def test_only_a_commit_that_may_change_the_window_wakes_the_page() -> None:
    woken: list[int] = []
    desk, watched = watched_cues(3, woken)
    for changes in (Changes(rows={"contacts.people": {1}}), Changes(keys={"contacts.people.name"})):
        desk.listeners[0](changes)
    assert woken == []
    for changes in (
        Changes(rows={"lighting.cues": {1}}),
        Changes(keys={"lighting.cues.label"}),
        Changes(is_schema=True),
    ):
        desk.listeners[0](changes)
    assert woken == [1, 1, 1]
    watched.close()
    assert desk.listeners == []


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

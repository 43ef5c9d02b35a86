"""Questions that stay asked: what their callback is told, row by row, in order."""

from __future__ import annotations

from threading import Thread

import pytest
from tests.unit.workspace.company import CREW, CUES, PEOPLE, Company, add, meet, put

from openprod.model.errors import OpenprodError
from openprod.workspace.asking import Row, UnknownQuery, difference
from openprod.workspace.view import View

ALL_PEOPLE: dict[str, object] = {"from": PEOPLE}


class Screen:
    """Holds rows and does to them what it is told."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.steps: list[str] = []

    def take(self, changes: list[Row]) -> None:
        for change in changes:
            at = change["at"]
            assert isinstance(at, int)
            self.steps.append(str(change["do"]))
            if change["do"] != "insert":
                self.rows.pop(at)
            if change["do"] != "remove":
                row = change["row"]
                assert isinstance(row, dict)
                self.rows.insert(at, row)  # pyright: ignore[reportUnknownArgumentType] -- a row

    def names(self) -> list[object]:
        return [row["name"] for row in self.rows]

    def news(self) -> list[str]:
        found, self.steps = self.steps, []
        return found


def test_a_screen_follows_inserts_changes_and_removals(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    screen = Screen()
    watching = ana.subscribe(ALL_PEOPLE, screen.take)
    assert (screen.names(), screen.news()) == (["Jane"], ["insert"])
    ned = add(ana, PEOPLE, name="Ned")
    assert screen.news() == ["insert"]
    put(ana, jane, {"phone": "1"})
    assert (screen.news(), screen.rows[0]["phone"]) == (["change"], "1")
    with ana.edit() as edit:
        edit.delete(jane)
        edit.set(ned, {"name": "Edward"})
        edit.add(PEOPLE, name="Anne")
    assert screen.names() == [row["name"] for row in ana.query(query=ALL_PEOPLE)]
    screen.news()
    add(ana, CUES, number="1")
    assert screen.news() == []
    watching.close()
    watching.close()
    add(ana, PEOPLE, name="Zoe")
    assert screen.news() == []


def test_a_screen_follows_what_others_send_and_other_programs_write(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    other = company.again("Ana")
    screen = Screen()
    ana.subscribe(ALL_PEOPLE, screen.take)
    add(ben, PEOPLE, name="Ben's")
    meet(ana, ben)
    assert screen.names() == ["Ben's"]
    add(other, PEOPLE, name="Other")
    assert ana.poll()
    assert not ana.poll()
    assert sorted(map(str, screen.names())) == ["Ben's", "Other"]


def test_a_window_shows_its_part_and_moves(company: Company) -> None:
    ana = company.found()
    with ana.edit() as edit:
        edit.add_many(PEOPLE, ["name"], [[f"P{n}"] for n in range(10)])
    screen = Screen()
    watching = ana.subscribe(ALL_PEOPLE, screen.take, offset=2, limit=3)
    assert screen.names() == ["P2", "P3", "P4"]
    watching.set_window(3, 4)
    assert screen.names() == ["P3", "P4", "P5", "P6"]
    put(ana, str(ana.query("name == 'P0'", from_=PEOPLE)[0]["id"]), {"name": "Z"})
    assert screen.names() == [row["name"] for row in ana.query(query=ALL_PEOPLE, offset=3, limit=4)]


def test_a_faulty_question_is_refused_when_asked_and_listens_to_nothing(company: Company) -> None:
    ana = company.found()
    with pytest.raises(UnknownQuery):
        ana.subscribe("nothing.such", print)
    with pytest.raises(OpenprodError):
        ana.subscribe({"from": "lab.peple"}, print)
    assert ana.desk.listeners == []


def test_a_question_whose_table_is_taken_out_rests_until_it_is_back(company: Company) -> None:
    ana = company.found()
    add(ana, PEOPLE, name="Jane")
    screen = Screen()
    ana.subscribe(ALL_PEOPLE, screen.take)
    module = str(ana.query(from_="core.modules")[0]["id"])
    with ana.edit() as edit:
        edit.delete(module)
    with ana.edit() as edit:
        edit.restore(module)
    add(ana, PEOPLE, name="Ned")
    assert screen.names() == ["Jane", "Ned"]


def test_a_listener_that_fails_stops_neither_the_commit_nor_the_others(company: Company) -> None:
    ana = company.found()
    heard: list[str] = []

    def fail() -> None:
        raise KeyError("a bug in a view")

    ana.on_change(fail)
    ana.on_change(lambda: heard.append("after"))
    jane = add(ana, PEOPLE, name="Jane")
    assert (ana.record(jane)["title"], heard) == ("Jane", ["after"])


def test_a_callback_may_write_and_what_it_writes_comes_after(company: Company) -> None:
    ana = company.found()
    screen = Screen()

    def answer(changes: list[Row]) -> None:
        screen.take(changes)
        if len(screen.rows) == 1:
            add(ana, PEOPLE, name="Second")

    ana.subscribe(ALL_PEOPLE, answer)
    add(ana, PEOPLE, name="First")
    assert screen.names() == ["First", "Second"]


def test_changes_of_several_threads_arrive_in_an_order_that_fits(company: Company) -> None:
    ana = company.found()
    screen = Screen()
    ana.subscribe(ALL_PEOPLE, screen.take)

    def write(ws: View, name: str) -> None:
        for n in range(10):
            record = add(ws, PEOPLE, name=f"{name}{n}")
            with ws.edit() as edit:
                edit.put(record, into=CREW)
                edit.set(record, {"phone": "1"})

    threads = [Thread(target=write, args=(ana, name)) for name in "ABC"]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert screen.rows == ana.query(query=ALL_PEOPLE)
    assert len(screen.rows) == 30


def test_steps_turn_any_rows_into_any_others() -> None:
    old: list[Row] = [{"id": name, "n": 1} for name in "abcd"]
    new: list[Row] = [{"id": "d", "n": 1}, {"id": "e", "n": 1}, {"id": "b", "n": 2}, {"id": "a", "n": 1}]
    screen = Screen()
    screen.rows = list(old)
    screen.take(difference(old, new))
    assert screen.rows == new
    assert difference(new, new) == []


def test_saved_queries_are_asked_by_name_and_near_names_are_offered(company: Company) -> None:
    ana = company.found()
    add(ana, PEOPLE, name="Jane")
    with ana.edit() as edit:
        edit.add("core.queries", name="lab.everybody", query=f'from = "{PEOPLE}"')
    assert [row["name"] for row in ana.query("lab.everybody")] == ["Jane"]
    with pytest.raises(UnknownQuery, match=r"Did you mean lab\.everybody"):
        ana.query("lab.everbody")
    with pytest.raises(OpenprodError, match="--from TABLE"):
        ana.query("name == 'Jane'")


def test_of_two_queries_of_one_name_all_devices_take_the_same(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    add(ana, PEOPLE, name="Jane")
    for ws, table in ((ben, CREW), (ana, PEOPLE)):
        with ws.edit() as edit:
            edit.add("core.queries", name="mine", query=f'from = "{table}"')
    meet(ana, ben)
    assert ana.query("mine") == ben.query("mine")

"""Every refusal: how to come by it, that it has its code and a sentence, and that nothing was written."""

from __future__ import annotations

import inspect
import re
import socket
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import pytest
from tests.unit.server.fake import cue_desk, seat_at
from tools.error_codes import error_classes, kind_of

from openprod.exchange import demo
from openprod.exchange.demo import build_demo
from openprod.model.errors import Damaged, Missing, OpenprodError, PeerFault, Refused
from openprod.peers import opx
from openprod.server import app
from openprod.server.app import Server, built_page
from openprod.server.every import run
from openprod.store import database, packages
from openprod.testing.kits import stage_module
from openprod.testing.terminal import Terminal
from openprod.workspace.opening import init_workspace, join_workspace, open_workspace
from openprod.workspace.workspace import Workspace


class Stage:
    """A small production that every case may spoil, and the folder around it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.patch = patch
        self.module = stage_module(folder / "stage")
        self.ws = init_workspace(folder / "show", name="Show", home=folder / "home", person="Ana", durable=False)
        self.ws.adopt(str(self.module))
        with self.ws.edit() as edit:
            self.jane = edit.add("stage.people", name="Jane", phone="1")
            self.joan = edit.add("stage.people", name="Joan")

    @property
    def file(self) -> Path:
        return self.folder / "show" / "workspace.db"

    def again(self) -> Workspace:
        """Opens the production anew."""
        self.ws.close()
        self.ws = open_workspace(self.folder / "show", home=self.folder / "home", durable=False)
        return self.ws

    def sql(self, *statements: str) -> None:
        """Changes the file behind the program's back, while nobody has it open."""
        self.ws.close()
        with closing(sqlite3.connect(self.file)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def edit(self, **fields: object) -> None:
        """Writes fields of Jane."""
        with self.ws.edit() as edit:
            edit.set(self.jane, fields)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Stage]:
    made = Stage(tmp_path, monkeypatch)
    yield made
    made.ws.close()


def map_a_text_to_a_duration(stage: Stage) -> None:
    stage.ws.adopt("lighting")
    stage.ws.map_fields("stage.people.name", "lighting.cues.up")


CASES: dict[str, Callable[[Stage], object]] = {}


def case(code: str) -> Callable[[Callable[[Stage], object]], Callable[[Stage], object]]:
    """Notes a way to come by an error."""

    def note(way: Callable[[Stage], object]) -> Callable[[Stage], object]:
        CASES[code] = way
        return way

    return note


CASES.update(
    {
        "adopt.bad_name": lambda stage: stage.ws.create_table("Bad Name", {"a": "text"}),
        "adopt.name_taken": lambda stage: stage.ws.add_field("stage.people", "name", "text"),
        "catalog.unknown_name": lambda stage: stage.ws.fields("stage.peple"),
        "conflict.unknown": lambda stage: stage.ws.resolve("0123456789abcdef", choose=1),
        "database.not_a_workspace": lambda stage: open_workspace(stage.folder, home=stage.folder / "home"),
        "manifest.invalid": lambda stage: stage.ws.create_table("props", {"name": "txt"}),
        "mapping.same": lambda stage: stage.ws.map_fields("stage.people.name", "stage.people.name"),
        "mapping.types_differ": map_a_text_to_a_duration,
        "mapping.unknown": lambda stage: stage.ws.unmap_fields("stage.people.name", "stage.people.phone"),
        "package.unknown": lambda stage: stage.ws.adopt("puppetry"),
        "query.form": lambda stage: stage.ws.query(query={"frm": "stage.people"}),
        "query.mismatch": lambda stage: stage.ws.query("name LIKE phone", from_="stage.people"),
        "query.no_table": lambda stage: stage.ws.query('name == "Jane"'),
        "query.parameter_missing": lambda stage: stage.ws.query("name == $who", from_="stage.people"),
        "query.parameter_refused": lambda stage: stage.ws.query("name == $who", from_="stage.people", who=object()),
        "query.parameter_unknown": lambda stage: stage.ws.query("name == null", from_="stage.people", who="Jane"),
        "query.syntax": lambda stage: stage.ws.query("name ==", from_="stage.people"),
        "query.too_big": lambda stage: stage.ws.query("NOT " * 100 + "true == true", from_="stage.people"),
        "query.unknown": lambda stage: stage.ws.query("stage.everybody"),
        "query.unknown_name": lambda stage: stage.ws.query('nmae == "Jane"', from_="stage.people"),
        "record.ambiguous": lambda stage: stage.ws.record(stage.jane[:6]),
        "record.unknown": lambda stage: stage.ws.record("ffffffff"),
        "workspace.folder_taken": lambda stage: init_workspace(
            stage.folder / "show", name="X", home=stage.folder / "home"
        ),
        "workspace.not_joined": lambda stage: join_workspace(
            stage.ws.invite("Ben"), stage.folder / "bens", [], [], home=stage.folder / "bens-home", person="Ben"
        ),
        "field.refused": lambda stage: stage.ws.desk.model.shelves and parse_a_date(),
        "fields.refused": lambda stage: add(stage, "core.settings", value="x"),
    }
)


def parse_a_date() -> object:
    from openprod.catalog.check import parse
    from openprod.catalog.tables import Field

    return parse(Field(key="a.b.c", name="c", table="a.b", type="date", title="C"), "soon")


def add(stage: Stage, table: str, **fields: object) -> None:
    with stage.ws.edit() as edit:
        edit.add(table, **fields)


@case("column.refused")
def import_words_for_numbers(stage: Stage) -> None:
    stage.ws.create_table("props", {"count": "int"})
    with stage.ws.edit() as edit:
        edit.add_many("workspace.props", ["count"], [[1], ["many"]])


@case("conflict.no_such_choice")
def choose_what_is_not_offered(stage: Stage) -> None:
    first, second = stage.ws.edit(), stage.ws.edit()
    for edit, phone in ((first, "2"), (second, "3")):
        edit.set(stage.jane, {"phone": phone})
        edit.commit()
    stage.ws.resolve(stage.ws.conflicts()[0], choose=3)


@case("database.busy")
def write_while_another_program_does(stage: Stage) -> None:
    stage.patch.setattr(database, "BUSY_MS", 20)
    stage.again()
    other = open_workspace(stage.folder / "show", home=stage.folder / "home", durable=False)
    with closing(other), other.desk.db.transaction():
        stage.edit(phone="2")


@case("database.damaged")
def open_with_a_view_planted(stage: Stage) -> None:
    stage.sql("CREATE VIEW evil AS SELECT 1")
    stage.again()


@case("database.newer")
def open_what_a_newer_version_wrote(stage: Stage) -> None:
    stage.sql("PRAGMA user_version = 99")
    stage.again()


@case("database.no_space")
def write_on_a_full_disk(stage: Stage) -> None:
    execute = stage.ws.desk.db.connection.execute
    pages = next(iter(execute("PRAGMA page_count")))[0]
    list(execute(f"PRAGMA max_page_count = {pages}"))
    stage.edit(name="x" * 500_000)


@case("database.not_writable")
def open_where_nothing_can_be_written(stage: Stage) -> None:
    stage.ws.close()
    (stage.folder / "show" / "workspace.db-wal").mkdir()
    stage.again()


@case("demo.missing")
def make_the_demo_without_its_loader(stage: Stage) -> None:
    def nowhere(_: str) -> Path:
        return stage.folder

    stage.patch.setattr(demo, "shipped", nowhere)
    build_demo(stage.folder / "demo", stage.folder / "home")


@case("edit.ambiguous_field")
def write_a_field_that_two_tables_have(stage: Stage) -> None:
    stage.ws.create_table("crew", {"phone": "text"})
    with stage.ws.edit() as edit:
        edit.put(stage.jane, into="workspace.crew")
    stage.edit(phone="2")


@case("edit.moved_on")
def write_what_was_expected_to_hold_something_else(stage: Stage) -> None:
    op = stage.ws.record(stage.jane)["heads"]["stage.people.phone"][0]
    stage.edit(phone="2")
    with stage.ws.edit() as edit:
        edit.set(stage.jane, {"phone": "3"})
        edit.expect(stage.jane, "phone", op)


@case("edit.not_in_table")
def take_out_of_a_table_it_is_not_in(stage: Stage) -> None:
    with stage.ws.edit() as edit:
        edit.remove(stage.jane, from_="stage.attendees")


@case("edit.too_much")
def write_more_fields_than_an_import_may(stage: Stage) -> None:
    names = [f"f{n}" for n in range(61)]
    stage.ws.create_table("wide", dict.fromkeys(names, "text"))
    with stage.ws.edit() as edit:
        edit.add_many("workspace.wide", names, [["x"] * len(names)])


@case("log.damaged")
def read_a_damaged_change(stage: Stage) -> None:
    stage.sql("UPDATE chunk SET raw = zeroblob(length(raw)) WHERE no = (SELECT max(no) FROM chunk)")
    stage.again().history(stage.jane)


@case("op.unknown")
def write_over_a_change_that_is_not_here(stage: Stage) -> None:
    with stage.ws.edit() as edit:
        edit.set(stage.jane, {"phone": "2"}, heads={"stage.people.phone": ["0123456789ab:0"]})


@case("opx.too_large")
def write_a_file_with_a_huge_change(stage: Stage) -> None:
    stage.patch.setattr(opx, "RECORD_BYTES_MAX", 100)
    opx.sync_file(stage.ws, stage.folder / "stick.opx")


@case("package.too_large")
def adopt_a_folder_with_too_much_in_it(stage: Stage) -> None:
    stage.patch.setattr(packages, "FILES_MAX", 0)
    stage.ws.adopt(str(stage.module))


@case("server.page_not_built")
def serve_without_a_page(stage: Stage) -> None:
    stage.patch.setattr(app, "__file__", str(stage.folder / "a" / "b" / "c" / "d.py"))
    built_page()


@case("server.port_taken")
def serve_on_a_port_in_use(stage: Stage) -> None:
    page = stage.folder / "page"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html>", encoding="utf-8")
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        Server(
            stage.ws,
            port=taken.getsockname()[1],
            page=page,
            state=stage.folder / "home",
            export=str.encode,
        )


@case("workspace.closed")
def use_a_workspace_after_closing_it(stage: Stage) -> None:
    stage.ws.close()
    stage.ws.tables()


@case("edit.unordered")
def place_an_entry_in_a_relation_without_an_order(stage: Stage) -> None:
    with stage.ws.edit() as edit:
        first = edit.relate(stage.jane, "stage.knows", stage.joan)
        edit.move(first, after=first)


@case("merge.not_merged")
def split_what_was_never_merged(stage: Stage) -> None:
    stage.ws.split(stage.jane, ["stage.people"])


@case("server.no_such_subscription")
def look_at_a_live_question_that_ended(_: Stage) -> None:
    run(seat_at(cue_desk(3)), "query.window", b'{"sub": 9, "offset": 0, "limit": 10}')


@case("server.not_staging")
def review_without_standing_in_an_overlay(_: Stage) -> None:
    run(seat_at(cue_desk(3)), "staging.review", b"{}")


@case("server.too_many_subscriptions")
def watch_more_questions_than_a_page_can_show(_: Stage) -> None:
    seat = seat_at(cue_desk(3))
    for _turn in range(100):
        run(seat, "query.subscribe", b'{"query": {"from": "lighting.cues"}, "limit": 1}')


@pytest.mark.parametrize("code", sorted(CASES))
def test_every_refusal_has_its_code_and_a_sentence_and_writes_nothing(stage: Stage, code: str) -> None:
    way = CASES[code]
    with pytest.raises(OpenprodError) as raised:
        way(stage)
    assert raised.value.code == code
    says_something_to_do(str(raised.value))
    if code.startswith("database.") or code in {"log.damaged", "workspace.closed"}:
        return
    assert stage.ws.status()["bundles"] == len(list(stage.ws.bundles()))
    assert stage.ws.record(stage.jane)["title"] == "Jane"


def says_something_to_do(sentence: str) -> None:
    assert re.match(r"[A-Z'\"/0-9a-z]", sentence)
    assert len(sentence) > 20
    assert "Traceback" not in sentence
    assert not re.search(r"<class|0x[0-9a-f]{6}|object at", sentence)


TERMINAL: dict[str, tuple[str, ...]] = {
    "cli.file_there": ("identity", "export", "there.key"),
    "cli.no_such_question": ("resolve", "ffffffff", "--choose", "1"),
    "cli.no_such_place": ("sync", "nowhere.txt"),
    "cli.no_table_or_query": ("export", "stage.peple", "out.csv"),
    "cli.not_readable": ("export", "stage.people", "out.csv", "--format", "eos", "--onto", "nowhere.csv"),
    "cli.query_file": ("query", "--file", "there.key"),
    "export.no_such_column": ("export", "stage.people", "out.csv", "--only", "nmae=Jane"),
    "export.not_in_this_form": ("export", "stage.people", "out.ics"),
    "export.unknown_format": ("export", "stage.people", "out.mp3"),
}


@pytest.mark.parametrize("code", sorted(TERMINAL))
def test_every_refusal_of_the_command_line_has_its_code_and_status_1(stage: Stage, code: str) -> None:
    stage.patch.chdir(stage.folder)
    (stage.folder / "there.key").write_text("a file of mine", encoding="utf-8")
    terminal = Terminal(stage.folder / "home", stage.folder / "show")
    ran = terminal.run("--json", *TERMINAL[code], stdin="long enough\nlong enough\n")
    assert (ran.status, ran.document["error"]["code"]) == (1, code)
    says_something_to_do(ran.document["error"]["message"])
    assert (stage.folder / "there.key").read_text(encoding="utf-8") == "a file of mine"
    assert not list(stage.folder.glob("out.*"))


def test_every_error_is_of_one_of_four_kinds_and_says_in_a_line_what_happened() -> None:
    for error in error_classes():
        if error is OpenprodError:
            continue
        assert issubclass(error, (Refused, Missing, Damaged, PeerFault)), error
        assert kind_of(error) in {"Refused", "Missing", "Damaged", "PeerFault"}
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", error.code), error.code
        assert inspect.getdoc(error)


def test_codes_are_not_shared() -> None:
    codes = [error.code for error in error_classes()]
    assert sorted({code for code in codes if codes.count(code) > 1}) == []

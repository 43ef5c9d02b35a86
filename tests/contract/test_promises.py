"""Promises of docs/invariants.md that no other test shows: what an open workspace does, and what lies in its folder."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Generator
from pathlib import Path

import pytest

import openprod
from openprod.catalog.manifest import read as read_manifest
from openprod.model import ids
from openprod.model.bundle import decode_header, id_of, open_bundle
from openprod.model.errors import OpenprodError
from openprod.model.ops import Carry, KnownOp, Map, Merge, Split, Unmap
from openprod.testing.kits import stage_module
from openprod.workspace.opening import init_workspace, join_workspace, open_workspace
from openprod.workspace.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ws(tmp_path: Path) -> Generator[Workspace]:
    """A small production with the tables of the tests' own module."""
    made = init_workspace(tmp_path / "show", name="Show", home=tmp_path / "home", person="Ana", durable=False)
    made.adopt(str(stage_module(tmp_path / "stage")))
    yield made
    made.close()


@pytest.fixture
def ben(ws: Workspace, tmp_path: Path) -> Generator[Workspace]:
    """A second person's device in the same production."""
    invitation = ws.invite("Ben")
    held = ws.keys()
    keys = [one[:2] for one in held]
    made = join_workspace(
        invitation, tmp_path / "bens", ws.bundles(), keys, home=tmp_path / "bens-home", person="Ben", durable=False
    )
    ws.ingest(made.bundles(ws.frontier()))
    yield made
    made.close()


def bundles_of(ws: Workspace) -> int:
    return ws.status()["bundles"]


def test_an_exception_inside_an_edit_writes_nothing(ws: Workspace) -> None:
    before = ws.status()

    def fail() -> None:
        with ws.edit() as edit:
            edit.add("stage.people", name="Jane")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert ws.status() == before
    assert ws.count("stage.people") == 0


def test_writing_what_is_there_already_writes_nothing(ws: Workspace) -> None:
    with ws.edit() as edit:
        jane = edit.add("stage.people", name="Jane", phone="1")
    before = ws.status()
    with ws.edit() as edit:
        edit.set(jane, {"name": "Jane", "phone": "1"})
    assert edit.bundle is None
    assert ws.status() == before


def test_an_answer_to_a_question_that_moved_on_is_refused(ws: Workspace, ben: Workspace) -> None:
    with ws.edit() as edit:
        jane = edit.add("stage.people", name="Jane", phone="1")
    ben.ingest(ws.bundles(ben.frontier()))
    for device, phone in ((ws, "2"), (ben, "3")):
        with device.edit() as edit:
            edit.set(jane, {"phone": phone})
    ws.ingest(ben.bundles(ws.frontier()))
    [asked] = ws.conflicts()
    with ben.edit() as edit:
        edit.set(jane, {"phone": "4"})
    ws.ingest(ben.bundles(ws.frontier()))
    [now] = ws.conflicts()
    assert now["id"] != asked["id"]
    before = bundles_of(ws)
    with pytest.raises(OpenprodError):
        ws.resolve(asked, choose=1)
    assert bundles_of(ws) == before
    assert [value["value"] for value in ws.conflicts()[0]["values"]] == ["2", "4"]


def test_renaming_a_record_changes_no_other_records_title(tmp_path: Path) -> None:
    with init_workspace(tmp_path / "show", name="Show", home=tmp_path / "home", person="Ana", durable=False) as ws:
        ws.adopt("lighting")
        with ws.edit() as edit:
            bridge = edit.add("lighting.positions", name="Bridge 1")
            fixture = edit.add("lighting.fixtures", position=bridge, unit="3")
        before = ws.record(fixture)["title"]
        with ws.edit() as edit:
            edit.set(bridge, {"name": "Advance truss"})
        assert ws.record(bridge)["title"] == "Advance truss"
        assert ws.record(fixture)["title"] == before
        assert ws.verify().damaged == []


def test_what_is_derived_again_is_what_was_there(ws: Workspace, ben: Workspace) -> None:
    with ws.edit() as edit:
        jane, joan = (edit.add("stage.people", name=name, phone="1") for name in ("Jane", "Joan"))
        edit.relate(jane, "stage.knows", joan, note="since school")
    ben.ingest(ws.bundles(ben.frontier()))
    for device, phone in ((ws, "2"), (ben, "3")):
        with device.edit() as edit:
            edit.set(jane, {"phone": phone})
            edit.delete(joan)
    ws.ingest(ben.bundles(ws.frontier()))

    def seen() -> list[object]:
        return [ws.status(), ws.conflicts(), ws.record(jane), ws.relations(jane), ws.query("", from_="stage.people")]

    before = seen()
    ws.rebuild()
    assert seen() == before
    assert ws.verify().is_sound


def test_a_changed_byte_of_the_log_is_found_and_named(ws: Workspace, tmp_path: Path) -> None:
    with ws.edit() as edit:
        edit.add("stage.people", name="Jane", phone="555-0100")
    ws.close()
    database = tmp_path / "show" / "workspace.db"
    for table, column in (("chunk", "raw"), ("bundle", "header"), ("bundle", "signature")):
        with Changed(database, table, column), again(tmp_path) as damaged:
            assert not damaged.verify().is_sound
            assert re.search(r"Bundle \d+ of log [0-9a-f]{12}", "\n".join(damaged.verify().damaged))
    with again(tmp_path) as whole:
        assert whole.verify().is_sound


class Changed:
    """Flips one bit of the newest row of a table while the context lasts."""

    def __init__(self, database: Path, table: str, column: str) -> None:
        self._database, self._table, self._column = database, table, column
        self._was: tuple[int, bytes] = (0, b"")

    def __enter__(self) -> None:
        with sqlite3.connect(self._database) as connection:
            sql = f"SELECT no, {self._column} FROM {self._table} ORDER BY no DESC LIMIT 1"
            self._was = connection.execute(sql).fetchone()
        connection.close()
        self._put(self._was[1][:-1] + bytes([self._was[1][-1] ^ 1]))

    def __exit__(self, *_: object) -> None:
        self._put(self._was[1])

    def _put(self, raw: bytes) -> None:
        with sqlite3.connect(self._database) as connection:
            connection.execute(f"UPDATE {self._table} SET {self._column} = ? WHERE no = ?", (raw, self._was[0]))
        connection.close()


def again(folder: Path) -> Workspace:
    return open_workspace(folder / "show", home=folder / "home", durable=False)


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER evil AFTER INSERT ON bundle BEGIN DELETE FROM chunk; END",
        "CREATE VIEW evil AS SELECT * FROM bundle",
        "CREATE TABLE evil(x)",
        "CREATE INDEX evil ON bundle(at)",
        "DROP INDEX edge_src",
    ],
)
def test_a_database_with_something_planted_is_not_opened(ws: Workspace, tmp_path: Path, planted: str) -> None:
    ws.close()
    with sqlite3.connect(tmp_path / "show" / "workspace.db") as connection:
        connection.execute(planted)
    connection.close()
    with pytest.raises(OpenprodError) as refused:
        again(tmp_path)
    assert refused.value.code == "database.damaged"
    assert "workspace.db" in str(refused.value)


def test_listeners_hear_of_a_change_once_it_is_there(ws: Workspace, tmp_path: Path) -> None:
    heard: list[int] = []

    def look() -> None:
        with again(tmp_path) as other:
            heard.append(other.count("stage.people"))

    watching = ws.on_change(look)
    with ws.edit() as edit:
        edit.add("stage.people", name="Jane")
        assert heard == []
    watching.close()
    assert heard == [1]


def test_no_secret_lies_in_the_workspace_folder(ws: Workspace, tmp_path: Path) -> None:
    identity = ws.home.need_identity()
    own = ws.desk.own_key()
    assert own is not None
    workspace_keys = ws.keys()
    secrets = {"actor's seed": identity.seed.reveal(), "log's seed": own.seed.reveal(), "key": workspace_keys[0][1]}
    invitation = ws.invite("Ben")
    ws.close()
    for file in (tmp_path / "show").rglob("*"):
        raw = file.read_bytes() if file.is_file() else b""
        assert [name for name, secret in secrets.items() if secret in raw] == []
        assert invitation.encode() not in raw


def test_every_context_is_in_the_registry() -> None:
    named = {name: value for name, value in vars(ids).items() if name.startswith(("CONTEXT_", "SIGN_"))}
    listed = (*ids.HASH_CONTEXTS, *ids.SIGN_CONTEXTS)
    assert sorted(map(str, listed)) == sorted(str(value) for name, value in named.items() if name != "SIGN_CONTEXTS")
    assert len(set(listed)) == len(listed)
    page = (ROOT / "docs/formats/contexts.md").read_text(encoding="utf-8")
    texts = [one if isinstance(one, str) else one.decode().replace("\0", "\\0") for one in listed]
    assert [one for one in texts if f"`{one}`" not in page] == []
    elsewhere = [
        f"{file.name}: {found}"
        for file in (ROOT / "src/openprod").rglob("*.py")
        if file.name != "ids.py"
        for found in re.findall(r"""["']openprod [a-z ]+ v\d""", file.read_text(encoding="utf-8"))
    ]
    assert elsewhere == []


def test_saying_that_things_are_the_same_and_taking_it_back_is_written_as_ops_of_its_own(ws: Workspace) -> None:
    with ws.edit() as edit:
        jane = edit.add("stage.people", name="Jane", phone="1")
        edit.put(jane, into="stage.attendees")
        other = edit.add("stage.attendees", label="J. Doe")
    ws.map_fields("stage.people.name", "stage.attendees.label")
    ws.unmap_fields("stage.people.name", "stage.attendees.label")
    kept = ws.merge(jane, other)
    ws.split(kept, ["stage.attendees"])
    written: set[type[KnownOp]] = set()
    for sealed in ws.bundles():
        header = decode_header(sealed.header)
        opened = open_bundle(id_of(sealed, ws.workspace_id), header, sealed)
        written |= {type(op) for chunk in opened.chunks or () for op in chunk.ops}
    assert {Map, Unmap, Merge, Split, Carry} <= written
    assert ws.verify().damaged == []


def test_a_rule_may_take_out_of_a_table_as_the_page_says() -> None:
    page = (ROOT / "docs/authors/README.md").read_text(encoding="utf-8")
    rule = '[rule.gone]\ntable = "puppets"\nwhen = \'state == "away"\'\nremove_from = "sm.cues"\n'
    manifest = read_manifest(page.partition("```toml puppets/module.toml\n")[2].partition("```")[0] + rule)
    assert manifest.declared["rule"]["gone"]["remove_from"] == "sm.cues"


def test_the_package_offers_just_what_the_documents_show() -> None:
    page = (ROOT / "docs/people/python.md").read_text(encoding="utf-8")
    assert [name for name in openprod.__all__ if name != "Workspace" and f"openprod.{name}" not in page] == []

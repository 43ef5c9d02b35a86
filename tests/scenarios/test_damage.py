"""A bad disk: any bit flips, any end is cut off. It is found, nothing wrong is shown as right, and it heals."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

import openprod
from openprod.model.errors import OpenprodError
from openprod.peers import opx
from openprod.workspace.opening import open_workspace
from openprod.workspace.workspace import Workspace

FLIPS = 40


@dataclass(frozen=True)
class Production:
    """Two devices of one production, closed, and what the first one holds."""

    folder: Path
    home: Path
    peer: Path
    peer_home: Path
    state_hash: str
    tables: dict[str, list[dict[str, object]]]

    def copy(self, target: Path) -> Path:
        """Copies the first device's folder, as a backup program would, and returns its new place."""
        shutil.copytree(self.folder, target)
        return target


def shown(workspace: Workspace) -> dict[str, list[dict[str, object]]]:
    tables = {"lighting.cues": ("number", "label", "page"), "contacts.people": ("name", "email")}
    return {
        table: workspace.query(
            query={"from": table, "select": {name: name for name in fields}, "sort": {"order": [fields[0]]}}
        )
        for table, fields in tables.items()
    }


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Production:
    place = tmp_path_factory.mktemp("damage")
    with openprod.init(place / "a", name="Hamlet", template="stage-management", home=place / "home-a") as ann:
        invitation = ann.invite("Bob")
        with ann.edit("People") as edit:
            edit.add_many(
                "contacts.people", ["name", "email"], [[f"Person {n}", f"p{n}@example.com"] for n in range(40)]
            )
        with ann.edit("Cues") as edit:
            edit.add_many("lighting.cues", ["number", "label"], [[str(n), f"look {n}"] for n in range(60)])
            scene = edit.add("script.scenes", number="1.1", order=1)
        with ann.edit("Where") as edit:
            for n in range(20):
                edit.relate(f"lighting.cues:{n}", "lighting.in_scene", scene)
        opx.write(ann, place / "stick.opx")
        from openprod.identity.invite import read_invitation
        from openprod.workspace.opening import join_workspace

        found = opx.bootstrap(place / "stick.opx", read_invitation(invitation))
        keys = [(found.epoch, found.key)]
        with join_workspace(invitation, place / "b", found.bundles(), keys, home=place / "home-b", person="Bob") as bob:
            for workspace in (ann, bob):
                for n in range(12):
                    with workspace.edit("Labels") as edit:
                        edit.set(f"lighting.cues:{n}", {"label": f"{workspace.log[:6]} {n}", "page": str(n)})
            ann.ingest(bob.bundles())
            bob.ingest(ann.bundles())
        for n in range(5):
            with ann.edit("Settle") as edit:
                edit.resolve(ann.conflicts()[0]["id"], choose=1 + n % 2)
        with openprod.open(place / "b", home=place / "home-b") as bob:
            bob.ingest(ann.bundles())
        assert ann.verify().damaged == []
        held = Production(
            place / "a", place / "home-a", place / "b", place / "home-b", ann.status()["state_hash"], shown(ann)
        )
    # Closing a database moves what its write-ahead log holds into the file.
    assert not (place / "a" / "workspace.db-wal").exists()
    return held


def change(folder: Path, sql: str, *bindings: object) -> None:
    """Changes the file behind the program's back."""
    database = sqlite3.connect(folder / "workspace.db")
    with database:
        database.execute(sql, bindings)
    database.close()


def look(folder: Path, sql: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(folder / "workspace.db")
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


def flipped(raw: bytes, random: Random) -> bytes:
    at = random.randrange(len(raw) * 8)
    changed = bytearray(raw)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


def flip_cell(table: str, column: str, where: str) -> Callable[[Path, Random], None]:
    """Returns what flips one bit of one cell of the log."""

    def damage(folder: Path, random: Random) -> None:
        number, raw = random.choice(look(folder, f"SELECT no, {column} FROM {table} WHERE {where}"))
        assert isinstance(raw, bytes)
        change(folder, f"UPDATE {table} SET {column} = ? WHERE no = ?", flipped(raw, random), number)

    return damage


def cut_cell(table: str, column: str) -> Callable[[Path, Random], None]:
    def damage(folder: Path, random: Random) -> None:
        number, raw = random.choice(look(folder, f"SELECT no, {column} FROM {table}"))
        assert isinstance(raw, bytes)
        change(folder, f"UPDATE {table} SET {column} = ? WHERE no = ?", raw[: random.randrange(len(raw))], number)

    return damage


def lose(sql: str) -> Callable[[Path, Random], None]:
    return lambda folder, _: change(folder, sql)


NEWEST = "no IN (SELECT max(no) FROM bundle GROUP BY no >> 23)"
LOG_DAMAGE = {
    "a header": flip_cell("bundle", "header", "1"),
    "a body": flip_cell("chunk", "raw", "1"),
    "a newest signature": flip_cell("bundle", "signature", NEWEST),
    "an id": flip_cell("bundle", "id", "1"),
    "half a header": cut_cell("bundle", "header"),
    "half a body": cut_cell("chunk", "raw"),
    "a body that is gone": lose("DELETE FROM chunk WHERE no = (SELECT min(no) FROM chunk WHERE no > 1 << 34)"),
    "a bundle that is gone": lose("DELETE FROM bundle WHERE no = (1 << 23) + 5"),
    "the last bundle, gone": lose("DELETE FROM bundle WHERE no = (SELECT max(no) FROM bundle WHERE no < 2 << 23)"),
    "the first bundle, gone": lose("DELETE FROM bundle WHERE no = (1 << 23) + 1"),
}


@pytest.mark.parametrize("what", LOG_DAMAGE)
@pytest.mark.parametrize("seed", range(2))
def test_damage_in_the_log_is_named_set_aside_and_healed(
    production: Production, tmp_path: Path, what: str, seed: int
) -> None:
    folder = production.copy(tmp_path / "a")
    LOG_DAMAGE[what](folder, Random(f"{what} {seed}"))
    with openprod.open(folder, home=production.home) as ann:
        assert shown(ann) == production.tables
        findings = ann.verify()
        assert any(sentence.startswith("Bundle ") for sentence in findings.damaged), findings.damaged
        assert ann.status()["quarantined"] == len(findings.bundles_damaged) > 0
        assert [notice for notice in ann.notices() if notice["kind"] == "damaged"]
        offered = list(ann.bundles())
        with openprod.open(production.peer, home=production.peer_home) as bob:
            report = bob.ingest(offered)
            assert report.rejected == []
            assert report.applied == 0
            report = ann.ingest(bob.bundles(since=ann.frontier()))
        assert report.healed == len(findings.bundles_damaged)
        assert ann.status()["quarantined"] == 0
        assert ann.verify().damaged == []
        assert ann.status()["state_hash"] == production.state_hash
        assert shown(ann) == production.tables
        assert len(list(ann.bundles())) == ann.status()["bundles"]


def test_a_stick_heals_too(production: Production, tmp_path: Path) -> None:
    folder = production.copy(tmp_path / "a")
    with openprod.open(production.peer, home=production.peer_home) as bob:
        opx.write(bob, tmp_path / "stick.opx")
    flip_cell("chunk", "raw", "1")(folder, Random(1))
    with openprod.open(folder, home=production.home) as ann:
        assert not ann.verify().is_sound
        (read,) = opx.sync_file(ann, tmp_path / "stick.opx").files
        assert read.taken is not None
        assert read.taken.healed == 1
        assert ann.verify().is_sound


def test_damage_that_nobody_looked_for_yet_is_not_handed_on(production: Production, tmp_path: Path) -> None:
    folder = production.copy(tmp_path / "a")
    flip_cell("chunk", "raw", "1")(folder, Random(2))
    with openprod.open(folder, home=production.home) as ann:
        assert len(list(ann.bundles())) == ann.status()["bundles"] - 1
        assert ann.status()["quarantined"] == 1


def test_a_damaged_header_is_not_taken_for_a_split_log(production: Production, tmp_path: Path) -> None:
    folder = production.copy(tmp_path / "a")
    flip_cell("bundle", "id", f"NOT {NEWEST}")(folder, Random(3))
    with (
        openprod.open(folder, home=production.home) as ann,
        openprod.open(production.peer, home=production.peer_home) as bob,
    ):
        report = ann.ingest(bob.bundles())
        assert (report.healed, report.applied, report.forked) == (1, 0, [])
        assert ann.verify().is_sound


def test_a_signature_that_another_vouches_for_is_named_and_replaced(production: Production, tmp_path: Path) -> None:
    folder = production.copy(tmp_path / "a")
    flip_cell("bundle", "signature", f"NOT {NEWEST}")(folder, Random(4))
    with (
        openprod.open(folder, home=production.home) as ann,
        openprod.open(production.peer, home=production.peer_home) as bob,
    ):
        findings = ann.verify()
        assert "its signature is damaged" in findings.notes[0]
        ann.ingest(bob.bundles())
        assert ann.verify().notes == []


def test_a_damaged_change_is_never_read_as_if_it_were_right(production: Production, tmp_path: Path) -> None:
    folder = production.copy(tmp_path / "a")
    for number, raw in look(folder, "SELECT no, raw FROM chunk"):
        assert isinstance(number, int)
        assert isinstance(raw, bytes)
        change(folder, "UPDATE chunk SET raw = ? WHERE no = ?", flipped(raw, Random(number)), number)
    with openprod.open(folder, home=production.home) as ann:
        for read in (
            lambda: ann.history("lighting.cues:3"),
            lambda: ann.record("lighting.cues:3"),
            ann.conflicts,
            ann.log_entries,
            lambda: ann.resolve(ann.conflicts()[0], choose=1),
        ):
            with pytest.raises(OpenprodError, match="damaged on this disk"):
                read()
        assert shown(ann) == production.tables


DERIVED_DAMAGE = {
    "a value people read": ("UPDATE \"lighting.cues\" SET label = 'look 51' WHERE number = '50'", "lighting.cues"),
    "a title": ("UPDATE \"lighting.cues\" SET \"~title\" = 'LX 5' WHERE number = '50'", "LX 50"),
    "a sort key": ("UPDATE \"lighting.cues\" SET \"number~\" = 'zz' WHERE number = '50'", "lighting.cues"),
    "a row that is gone": ("DELETE FROM \"contacts.people\" WHERE name = 'Person 7'", "Person 7"),
    "a relation": ('UPDATE "lighting.in_scene" SET "~src" = "~src" + 30 WHERE "~eid" % 7 = 0', "lighting.in_scene"),
    "a relation's end": ("UPDATE edge SET src = src + 1 WHERE eid = (SELECT max(eid) FROM edge)", "relations"),
    "a deleted record": ("UPDATE entity SET alive = 2 WHERE eid = 60", "records"),
    "where a record was born": ("UPDATE entity SET born = born + 1 WHERE eid = 60", "changes count"),
    "what was written later": ("UPDATE entity SET ver = NULL WHERE ver IS NOT NULL AND eid % 3 = 0", "changes count"),
    "which fields were written": ("UPDATE entity SET mask = mask - 4 WHERE eid = 60", "changes count"),
    "an id": ("UPDATE entity SET uuid = zeroblob(16) WHERE eid = 60", ""),
    "an open question": ("DELETE FROM conflict WHERE eid IN (SELECT max(eid) FROM conflict)", "conflicts"),
    "one of its values": ("DELETE FROM head WHERE oid IN (SELECT max(oid) FROM head)", "beside each other"),
    "the state hash": ("UPDATE meta SET value = 'aa' WHERE key = 'state_hash'", "state hash"),
    "a bundle's order": ("UPDATE bundle SET eff = zeroblob(12) WHERE no = (1 << 23) + 9", "Bundle 9|bundle 9"),
    "a bundle's time": ("UPDATE bundle SET at = 12 WHERE no = (1 << 23) + 9", "bundle 9"),
    "a bundle's place": ("UPDATE bundle SET place = 900 WHERE no = (1 << 23) + 9", "bundle 9"),
    "who had seen what": ("DELETE FROM seen WHERE seq = (SELECT max(seq) FROM seen)", "had seen"),
    "who writes a log": ("UPDATE log SET actor = zeroblob(32) WHERE no = 2", "list of logs"),
    "where a log stands": ("UPDATE log SET eff = zeroblob(12) WHERE no = 2", "list of logs"),
    "an invitation": ("UPDATE invite SET open = 1 - open", "invitations"),
    "a field's name": ("UPDATE key SET key = 'lighting.cues.labal' WHERE key = 'lighting.cues.label'", ""),
    "a shape": ("UPDATE shape SET keys = x'93010203' WHERE no = 3", ""),
    "a shape that does not read": ("UPDATE shape SET keys = x'ff' WHERE no = 3", ""),
    "a record's later writes that do not read": ("UPDATE entity SET ver = x'ff' WHERE ver IS NOT NULL", ""),
}


@pytest.mark.parametrize("what", DERIVED_DAMAGE)
def test_damage_in_what_is_derived_is_named_and_mended_by_a_rebuild(
    production: Production, tmp_path: Path, what: str
) -> None:
    folder = production.copy(tmp_path / "a")
    sql, named = DERIVED_DAMAGE[what]
    change(folder, sql)
    try:
        with openprod.open(folder, home=production.home) as ann:
            findings = ann.verify()
            assert findings.damaged, what
            if named:
                assert re.search(named, "\n".join(findings.damaged)), findings.damaged
            assert findings.bundles_damaged == {}
            kinds = {notice["kind"] for notice in ann.notices()}
            assert "derived" in kinds
            ann.rebuild()
            check_mended(ann, production)
    except OpenprodError:
        with open_workspace(folder, home=production.home, repair=True) as ann:
            check_mended(ann, production)


def test_a_table_whose_columns_are_not_what_they_were_is_mended(production: Production, tmp_path: Path) -> None:
    folder = production.copy(tmp_path / "a")
    database = sqlite3.connect(folder / "workspace.db")
    database.execute("PRAGMA writable_schema = ON")
    with database:
        database.execute("UPDATE sqlite_schema SET sql = replace(sql, 'label', 'labfl') WHERE name = 'lighting.cues'")
    database.close()
    with openprod.open(folder, home=production.home) as ann:
        with pytest.raises(OpenprodError, match="Run: openprod rebuild"):
            shown(ann)
        assert "lighting.cues" in "\n".join(ann.verify().damaged)
    with open_workspace(folder, home=production.home, repair=True) as ann:
        check_mended(ann, production)


def check_mended(workspace: Workspace, production: Production) -> None:
    assert workspace.verify().damaged == []
    assert workspace.status()["state_hash"] == production.state_hash
    assert shown(workspace) == production.tables
    assert not [notice for notice in workspace.notices() if notice["kind"] in {"derived", "damaged"}]


def bits(folder: Path, random: Random) -> Iterator[int]:
    size = (folder / "workspace.db").stat().st_size
    for _ in range(FLIPS):
        yield random.randrange(size * 8)


def test_no_flipped_bit_anywhere_in_the_file_shows_a_wrong_value_unnamed(
    production: Production, tmp_path: Path
) -> None:
    random = Random(1485)
    for count, bit in enumerate(bits(production.folder, random)):
        folder = production.copy(tmp_path / f"a{count}")
        raw = bytearray((folder / "workspace.db").read_bytes())
        raw[bit // 8] ^= 1 << bit % 8
        (folder / "workspace.db").write_bytes(raw)
        try:
            with openprod.open(folder, home=production.home) as ann:
                findings = ann.verify()
                if findings.is_sound:
                    assert shown(ann) == production.tables, bit
                    assert ann.status()["state_hash"] == production.state_hash, bit
        except OpenprodError:
            pass
        shutil.rmtree(folder)


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.8, 0.999])
def test_a_file_cut_short_is_named_or_refused(production: Production, tmp_path: Path, kept: float) -> None:
    folder = production.copy(tmp_path / "a")
    raw = (folder / "workspace.db").read_bytes()
    (folder / "workspace.db").write_bytes(raw[: int(len(raw) * kept)])
    with suppress(OpenprodError), openprod.open(folder, home=production.home) as ann:
        assert not ann.verify().is_sound

"""The public face: making, opening, joining, inviting; several programs and threads at one folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Thread

import pytest
from tests.unit.workspace.company import (
    CREW,
    CUES,
    NAME,
    PEOPLE,
    Company,
    add,
    cells,
    count_bundles,
    keys_of,
    meet,
    offered,
    put,
    sound,
    value,
)

import openprod
from openprod.identity.invite import read_invitation
from openprod.model.errors import Missing, OpenprodError
from openprod.store.database import DatabaseDamaged, NotAWorkspace
from openprod.workspace.desk import AmbiguousRecord, UnknownRecord, WorkspaceClosed
from openprod.workspace.opening import FolderTaken, NotJoined, find_workspace, init_workspace, join_workspace
from openprod.workspace.workspace import Workspace

# -- making and opening


def test_a_new_workspace_has_a_name_a_person_and_nothing_else(company: Company) -> None:
    ana = company.found(module=None)
    assert (ana.name, ana.count("core.people"), count_bundles(ana)) == ("Hamlet", 1, 1)
    assert sorted(path.name for path in ana.path.iterdir() if path.is_dir()) == ["blobs", "exports", "imports"]
    with company.again("Ana") as again:
        assert (again.id, again.log, again.actor) == (ana.id, ana.log, ana.actor)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "show").mkdir()
    (tmp_path / "show" / "prompt book.txt").write_text("Act 1", encoding="utf-8")
    with pytest.raises(FolderTaken):
        init_workspace(tmp_path / "show", name="Hamlet", home=tmp_path / "home", person="Ana", durable=False)
    with pytest.raises(OpenprodError):
        init_workspace(
            tmp_path / "new", name="Hamlet", home=tmp_path / "home", person="Ana", template="no such", durable=False
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "show"] or not (tmp_path / "new").exists()
    with pytest.raises(NotAWorkspace):
        openprod.open(tmp_path / "show", home=tmp_path / "home")


def test_a_workspace_is_found_upward_from_within(company: Company) -> None:
    ana = company.found(module=None)
    assert find_workspace(ana.path / "imports") == ana.path
    with pytest.raises(NotAWorkspace, match="openprod init"):
        find_workspace(company.folder)


def test_using_a_closed_workspace_is_refused_with_a_sentence(company: Company) -> None:
    ana = company.found()
    edit = ana.edit()
    edit.add(PEOPLE, name="Jane")
    ana.close()
    ana.close()
    for use in (ana.tables, ana.status, ana.conflicts, ana.frontier, ana.edit, ana.poll, edit.commit):
        with pytest.raises(WorkspaceClosed, match="was closed here"):
            use()
    assert company.again("Ana").count(PEOPLE) == 0


def test_a_planted_table_or_index_is_named_and_the_file_not_opened(company: Company) -> None:
    ana = company.found()
    for sql, name in (
        ("CREATE TABLE planted(x)", "planted"),
        (f'CREATE INDEX spy ON "{PEOPLE}"(name)', "spy"),
        ("CREATE TRIGGER spy2 AFTER INSERT ON bundle BEGIN DELETE FROM bundle; END", "spy2"),
        ("CREATE VIEW spy3 AS SELECT 1", "spy3"),
    ):
        ana.desk.db.connection.config(1010, 0)  # SQLITE_DBCONFIG_DEFENSIVE, as the program that plants it would have
        ana.desk.db.execute(sql)
        with pytest.raises(DatabaseDamaged, match=name):
            company.again("Ana")
        ana.desk.db.execute(f"DROP {sql.split()[1]} {name}")
    assert company.again("Ana").count(PEOPLE) == 0


# -- several at one folder


def test_several_programs_at_one_folder_see_each_others_work(company: Company) -> None:
    ana = company.found()
    other = company.again("Ana")
    jane = add(ana, PEOPLE, name="Jane")
    assert other.record(jane)["title"] == "Jane"
    other.add_field(PEOPLE, "size", "natural")
    put(ana, jane, {"size": "12"})
    with other.edit() as edit:
        edit.put(jane, into=CREW)
    with ana.edit() as edit:
        edit.remove(jane, from_=CREW)
    assert (ana.log, ana.frontier()) == (other.log, other.frontier())
    assert other.record(jane)["tables"] == [PEOPLE]
    sound(ana, other)


def test_threads_and_programs_write_at_once_and_nothing_is_lost(company: Company) -> None:
    ana = company.found()
    other = company.again("Ana")
    people = [add(ana, PEOPLE, name=f"P{n}") for n in range(4)]
    failed: list[BaseException] = []

    def work(ws: Workspace, name: str) -> None:
        try:
            for n in range(15):
                with ws.edit() as edit:
                    edit.set(people[n % 4], {"phone": f"{name}{n}"})
                    edit.put(people[(n + 1) % 4], into=CREW)
                    edit.add(CUES, number=str(n), owner=people[0][:30], text=name)
                assert ws.record(people[0])
                assert ws.query(from_=PEOPLE)
                ws.conflicts()
            ws.add_field(CUES, f"of_{name.lower()}", "text")
        except BaseException as error:  # noqa: BLE001 -- a thread's errors are looked at by the test
            failed.append(error)

    threads = [Thread(target=work, args=(ws, name)) for ws, name in ((ana, "A"), (ana, "B"), (other, "C"))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failed == []
    assert ana.count(CUES) == other.count(CUES) == 45
    assert len(ana.fields(CUES)) == len(other.fields(CUES)) == 8 + 3
    sound(ana, other)


def test_a_commit_that_fails_leaves_everything_as_it_was(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Jane")
    before, state = ana.frontier(), ana.status()["state_hash"]

    def fail() -> None:
        raise OSError("disk")

    with monkeypatch.context() as broken:
        broken.setattr(ana.desk.applier, "settle", fail)
        with pytest.raises(OSError, match="disk"):
            put(ana, jane, {"name": "Lost", "phone": "1"})
        with pytest.raises(OSError, match="disk"):
            ana.add_field(PEOPLE, "size", "text")
        with pytest.raises(OSError, match="disk"):
            add(ana, CUES, number="1", owner=jane)
    assert (ana.frontier(), ana.status()["state_hash"]) == (before, state)
    assert [field["name"] for field in ana.fields(PEOPLE)] == ["name", "phone"]
    put(ana, jane, {"name": "Kept"})
    ana.add_field(PEOPLE, "size", "text")
    meet(ana, ben)
    assert (value(ben, jane, NAME), ben.count(CUES)) == ("Kept", 0)
    sound(ana, ben)


def test_an_ingest_that_fails_leaves_everything_as_it_was(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    ana, ben = company.cast("Ana", "Ben")
    jane = add(ana, PEOPLE, name="Jane")

    def fail() -> None:
        raise OSError("disk")

    with monkeypatch.context() as broken:
        broken.setattr(ben.desk.applier, "settle", fail)
        with pytest.raises(OSError, match="disk"):
            ben.ingest(ana.bundles())
    assert (ben.count(PEOPLE), ben.status()["pending"]) == (0, 0)
    meet(ana, ben)
    assert value(ben, jane, NAME) == "Jane"
    sound(ana, ben)


# -- names of records


def test_prefixes_and_keys_that_fit_several_are_refused_with_candidates(company: Company) -> None:
    ana = company.found()
    one, two = add(ana, CUES, number="11"), add(ana, CUES, number="11", list="2")
    assert ana.ref("lab.cues:11") == one
    assert ana.ref("lab.cues:2/11") == two
    with pytest.raises(AmbiguousRecord, match=r"LX (11|2/11) \(.*\), LX (11|2/11) \("):
        ana.ref(one[:10])
    for unknown in ("lab.cues:12", "ffff", "", "Hamlet", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(UnknownRecord):
            ana.ref(unknown)
    with pytest.raises(UnknownRecord, match="have no key"):
        ana.ref("lab.people:Jane")


# -- joining and inviting


def test_who_joins_is_named_and_may_write_at_once(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    assert sorted(str(row["name"]) for row in ana.query(from_="core.people")) == ["Ana", "Ben"]
    assert (ben.id, ben.name, ben.actor != ana.actor, ben.log != ana.log) == (ana.id, "Hamlet", True, True)
    assert ben.keys() == ana.keys()
    sound(ana, ben)


def test_joining_twice_gives_one_person_two_devices(company: Company) -> None:
    ana, ben = company.cast("Ana", "Ben")
    second = company.join("Ben's tablet", ana, home=company.folder / "Ben" / "home")
    assert (second.actor, second.log != ben.log) == (ben.actor, True)
    assert ana.count("core.people") == 2
    meet(ana, ben, second)
    jane = add(ben, PEOPLE, name="Jane")
    meet(ana, ben, second)
    put(ben, jane, {"name": "X"})
    put(second, jane, {"name": "Y"})
    meet(ana, ben, second)
    assert offered(ana, jane) == [{"X", "Y"}]
    assert {one["actor_name"] for one in ana.conflicts()[0]["values"]} == {"Ben"}
    sound(ana, ben, second)


def test_a_second_device_may_come_from_an_exported_identity(company: Company) -> None:
    from openprod.store.home import Home

    ana, ben = company.cast("Ana", "Ben")
    raw = ben.home.export_identity("a long passphrase for a test")
    moved = Home(company.folder / "tablet", chance=company.chance.randbytes)
    moved.import_identity(raw, "a long passphrase for a test")
    tablet = company.join("Tablet", ana, home=moved)
    assert tablet.actor == ben.actor
    meet(ana, ben, tablet)
    assert ana.count("core.people") == 2
    sound(ana, ben, tablet)


def test_a_revoked_invitation_admits_nobody_any_more(company: Company) -> None:
    ana = company.found()
    text = ana.invite("Ben")
    (one,) = ana.invitations()
    assert one["label"] == "Ben"
    ana.revoke_invitation(str(one["key"]))
    assert ana.invitations() == ana.open_invitations() == []
    with pytest.raises(NotJoined):
        company.join("Ben", ana, invitation=text)
    assert not (company.folder / "Ben" / "show").exists()
    with pytest.raises(Missing):
        ana.revoke_invitation("ab" * 32)
    sound(ana)


def test_joining_with_what_does_not_hold_the_invitation_keeps_nothing(company: Company, tmp_path: Path) -> None:
    ana = company.found()
    old = list(ana.bundles())
    text = ana.invite("Ben")
    with pytest.raises(NotJoined, match="ask for a newer file"):
        join_workspace(
            read_invitation(text), tmp_path / "b", old, keys_of(ana), home=tmp_path / "h", person="Ben", durable=False
        )
    assert not (tmp_path / "b").exists()


def test_a_copied_folder_goes_on_under_a_log_of_its_own(company: Company) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    ana.close()
    shutil.copytree(company.folder / "Ana" / "show", company.folder / "copy")
    ana = company.again("Ana")
    copied = company.at(company.folder / "copy", "Ana")
    put(copied, jane, {"name": "Copy's"})
    put(ana, jane, {"name": "Ana's"})
    meet(ana, copied)
    assert copied.log != ana.log
    assert offered(ana, jane) == [{"Copy's", "Ana's"}]
    assert ana.notices() == []
    sound(ana, copied)


def test_a_workspace_that_never_wrote_introduces_its_person_when_it_has_to(company: Company) -> None:
    ana = company.found()
    ana.close()
    shutil.copytree(company.folder / "Ana" / "show", company.folder / "copy")
    copied = company.at(company.folder / "copy", "Ana")
    assert copied.log == ""
    assert copied.log_id.hex() == copied.log != ""
    assert cells(copied, "core.people", "name") == [("Ana",)]
    sound(copied)

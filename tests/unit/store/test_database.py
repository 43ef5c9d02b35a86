"""One workspace.db: opened defensively, all or nothing, every failure a sentence."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Generator
from pathlib import Path

import apsw
import pytest

from openprod.model.errors import Refused
from openprod.store.database import (
    SCHEMA_VERSION,
    Database,
    DatabaseBusy,
    DatabaseDamaged,
    NewerWorkspace,
    NoSpace,
    NotAWorkspace,
    NotWritable,
    schema_statements,
    translated,
    without_collector,
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "workspace.db")


@pytest.fixture
def database(path: str) -> Generator[Database]:
    made = Database(path, create=True, durable=False)
    yield made
    made.close()


def spoil(path: str, *statements: str) -> None:
    """Writes into the file as any other program could."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def opened(path: str) -> None:
    Database(path, durable=False).close()


def test_a_made_file_opens_again_and_is_not_made_twice(path: str, database: Database) -> None:
    opened(path)
    with pytest.raises(Refused, match="already holds a database"):
        Database(path, create=True)
    assert database.dynamic_objects() == {}


def test_what_is_no_workspace_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(NotAWorkspace, match="openprod init"):
        opened(str(tmp_path / "nothing.db"))
    other = str(tmp_path / "other.db")
    spoil(other, "CREATE TABLE songs(name)")
    with pytest.raises(NotAWorkspace, match="not one of Openprod"):
        opened(other)
    (tmp_path / "text.db").write_text("To be, or not to be" * 100, encoding="utf-8")
    with pytest.raises(DatabaseDamaged):
        opened(str(tmp_path / "text.db"))


def test_a_newer_file_is_refused_and_left_as_it_is(path: str, database: Database) -> None:
    database.close()
    spoil(path, f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    before = Path(path).read_bytes()
    with pytest.raises(NewerWorkspace, match="nothing was changed"):
        opened(path)
    assert Path(path).read_bytes() == before


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        ("CREATE TRIGGER spy AFTER INSERT ON bundle BEGIN DELETE FROM bundle; END", "trigger spy"),
        ("CREATE VIEW spy AS SELECT * FROM bundle", "view spy"),
    ],
)
def test_planted_triggers_and_views_are_named_and_the_file_not_opened(
    path: str, database: Database, planted: str, name: str
) -> None:
    database.close()
    spoil(path, planted)
    with pytest.raises(DatabaseDamaged, match=name):
        opened(path)


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE pending",
        "DROP INDEX bundle_place",
        "ALTER TABLE meta ADD COLUMN more",
        "ALTER TABLE flag RENAME TO flags",
    ],
)
def test_a_fixed_table_that_is_not_ours_any_more_is_not_trusted(path: str, database: Database, change: str) -> None:
    database.close()
    spoil(path, change)
    with pytest.raises(DatabaseDamaged):
        opened(path)


def test_nothing_in_the_file_runs_or_loads_code(database: Database) -> None:
    for sql in (
        "SELECT load_extension('x')",
        "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = '' WHERE name = 'meta'",
        'SELECT "not a column" FROM meta',
    ):
        with pytest.raises(apsw.Error):
            database.rows(sql)


def test_a_transaction_keeps_all_or_nothing(database: Database) -> None:
    def half() -> None:
        with database.transaction():
            database.execute("INSERT INTO meta VALUES('one', 1)")
            raise KeyError("stop")

    with pytest.raises(KeyError):
        half()
    assert database.rows("SELECT * FROM meta") == []
    with database.transaction():
        database.execute("INSERT INTO meta VALUES('two', 2)")
    assert database.one("SELECT * FROM meta") == ("two", 2)


def test_a_snapshot_does_not_see_what_is_committed_meanwhile(path: str, database: Database) -> None:
    other = Database(path, durable=False)
    with database.snapshot():
        assert database.rows("SELECT * FROM meta") == []
        with other.transaction():
            other.execute("INSERT INTO meta VALUES('one', 1)")
        assert database.rows("SELECT * FROM meta") == []
    assert len(database.rows("SELECT * FROM meta")) == 1
    other.close()


def test_what_others_commit_is_noticed_once_and_ones_own_never(path: str, database: Database) -> None:
    other = Database(path, durable=False)
    with database.transaction():
        database.execute("INSERT INTO meta VALUES('own', 1)")
    assert not database.changed_elsewhere()
    with other.transaction():
        other.execute("INSERT INTO meta VALUES('one', 1)")
    assert database.changed_elsewhere()
    assert not database.changed_elsewhere()
    other.close()


def test_a_lock_held_for_too_long_is_a_sentence(path: str, database: Database) -> None:
    other = Database(path, durable=False)
    other.connection.set_busy_timeout(1)
    with (
        database.transaction(),
        pytest.raises(DatabaseBusy, match="Nothing was changed; try again"),
        other.transaction(),
    ):
        pass
    with other.transaction():
        other.execute("INSERT INTO meta VALUES('one', 1)")
    other.close()


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (apsw.FullError, NoSpace),
        (apsw.ReadOnlyError, NotWritable),
        (apsw.CantOpenError, NotWritable),
        (apsw.IOError, NotWritable),
        (apsw.CorruptError, DatabaseDamaged),
        (apsw.LockedError, DatabaseBusy),
    ],
)
def test_errors_of_disk_and_file_are_sentences_that_name_the_file(
    error: type[Exception], ours: type[Exception]
) -> None:
    with pytest.raises(ours, match=r"/show/workspace\.db"), translated("/show/workspace.db"):
        raise error("what SQLite says")


def test_arrays_are_bound_whole_and_empty_ones_ask_nothing(database: Database) -> None:
    with database.transaction():
        database.executemany("INSERT INTO key VALUES(?, ?)", [(n, f"k{n}") for n in range(5)])
        database.execute("INSERT INTO accepted VALUES(?, 1)", (b"a" * 32,))
    assert database.numbers("SELECT no FROM key WHERE no IN carray(?) ORDER BY no", (1, 3, 9)) == [(1,), (3,)]
    assert database.numbers("SELECT no FROM key WHERE no IN carray(?)", ()) == []
    assert database.blobs("SELECT at FROM accepted WHERE bundle IN carray(?)", [b"a" * 32, b"b" * 32]) == [(1,)]
    assert database.blobs("SELECT at FROM accepted WHERE bundle IN carray(?)", []) == []


def test_the_collector_is_as_it_was_after_a_batch() -> None:
    assert gc.isenabled()
    with without_collector():
        assert not gc.isenabled()
        with without_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_each_statement_of_the_schema_makes_one_named_thing() -> None:
    names = [statement.split("(", 1)[0].split()[2] for statement in schema_statements()]
    assert len(names) == len(set(names)) > 10

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openprod.identity.export import Strength, WrongPassphrase
from openprod.identity.keys import SigningSeed
from openprod.model.ids import LogId, WorkspaceId
from openprod.store.home import (
    HOME_VARIABLE,
    BadName,
    DamagedKeyFile,
    Home,
    IdentityExists,
    NoHome,
    NoIdentity,
    UnsafeKeyFile,
    default_path,
)

WORKSPACE = WorkspaceId(b"w" * 32)
OTHER = WorkspaceId(b"o" * 32)
SEED = b"seed seed seed seed seed seed 12"
QUICK = Strength(1, 8 << 10)
PHRASE = "four plain words"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path / "home") as found:
        yield found


def copy_of_workspace(folder: Path, content: str = "") -> Path:
    folder.mkdir()
    (folder / "workspace.db").write_text(content)
    return folder


def test_an_empty_home_knows_nobody(home: Home) -> None:
    assert home.identity() is None
    assert home.workspaces() == []
    assert home.workspace_keys(WORKSPACE) == []
    with pytest.raises(NoIdentity, match="openprod identity create"):
        home.need_identity()
    assert not home.path.exists(), "looking creates nothing"


def test_an_identity_is_there_the_next_time(home: Home) -> None:
    made = home.create_identity("  Jo Ünger ", SEED)
    with Home(home.path) as again:
        found = again.need_identity()
    assert found == made
    assert found.name == "Jo Ünger"
    assert found.actor == SigningSeed(SEED).public


def test_a_second_identity_is_refused_and_the_first_stays(home: Home) -> None:
    made = home.create_identity("Jo", SEED)
    with pytest.raises(IdentityExists, match="already writes as Jo"):
        home.create_identity("Al", b"2" * 32)
    assert home.identity() == made
    assert home.rename_identity("Joan").actor == made.actor


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_a_name_must_be_one(home: Home, name: str) -> None:
    with pytest.raises(BadName):
        home.create_identity(name, SEED)
    assert home.identity() is None


def test_files_and_folders_are_for_their_owner_only_whatever_the_umask(home: Home, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        home.create_identity("Jo", SEED)
        home.add_workspace_key(WORKSPACE, 0, b"k" * 32)
        home.save_log_key(WORKSPACE, copy_of_workspace(tmp_path / "ws"), b"l" * 32)
        assert home.modules_dir.is_dir()
    finally:
        os.umask(before)
    for path in [home.path, *home.path.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert not list(home.path.rglob(".*")), "no temporary file is left"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_key_file_that_others_may_open_is_refused_with_how_to_mend_it(home: Home, mode: int) -> None:
    home.create_identity("Jo", SEED)
    path = home.path / "identity.key"
    path.chmod(mode)
    with pytest.raises(UnsafeKeyFile, match="chmod 600") as caught:
        home.identity()
    assert str(path) in str(caught.value)
    path.chmod(0o600)
    assert home.identity() is not None


def test_a_folder_that_others_may_write_is_refused_and_one_they_may_list_is_not(home: Home) -> None:
    home.create_identity("Jo", SEED)
    home.path.chmod(0o755)
    assert home.identity() is not None
    home.path.chmod(0o777)
    with pytest.raises(UnsafeKeyFile, match="chmod 700"):
        home.identity()
    with pytest.raises(UnsafeKeyFile):
        home.add_workspace_key(WORKSPACE, 0, b"k" * 32)


def test_a_link_in_place_of_a_key_file_is_not_followed(home: Home, tmp_path: Path) -> None:
    home.create_identity("Jo", SEED)
    path = home.path / "identity.key"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NoHome):
        home.identity()


@given(cut=st.integers(0, 80), flip=st.integers(0, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_damaged_identity_is_named_and_never_another_person(home: Home, cut: int, flip: int) -> None:
    path = home.path / "identity.key"
    path.unlink(missing_ok=True)
    made = home.create_identity("Jo", SEED)
    raw = path.read_bytes()
    at = cut % len(raw)
    for bent in (raw[:at], raw[:at] + bytes((raw[at] ^ flip,)) + raw[at + 1 :], raw + b"x"):
        path.write_bytes(bent)
        try:
            found = home.need_identity()
        except (DamagedKeyFile, NoIdentity):
            continue
        assert found.actor == made.actor


def test_a_file_too_large_or_a_folder_in_its_place_is_damaged(home: Home) -> None:
    home.create_identity("Jo", SEED)
    path = home.path / "identity.key"
    path.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(DamagedKeyFile):
        home.identity()
    path.unlink()
    path.mkdir()
    with pytest.raises(DamagedKeyFile):
        home.identity()


def test_a_home_that_cannot_be_made_says_where_and_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Home(tmp_path / "file" / "home") as home, pytest.raises(NoHome, match=HOME_VARIABLE):
        home.create_identity("Jo", SEED)


def test_workspace_keys_are_kept_by_epoch_and_once(home: Home) -> None:
    home.add_workspace_key(WORKSPACE, 1, b"b" * 32)
    first = home.add_workspace_key(WORKSPACE, 0, b"a" * 32)
    home.add_workspace_key(WORKSPACE, 0, b"a" * 32)
    home.add_workspace_key(OTHER, 0, b"c" * 32)
    found = home.workspace_keys(WORKSPACE)
    assert [(one.epoch, one.key) for one in found] == [(0, b"a" * 32), (1, b"b" * 32)]
    assert found[0] == first
    assert home.workspaces() == [OTHER, WORKSPACE]
    assert (b"a" * 32).hex() not in repr(first)
    assert "aaaa" not in repr(found)


def test_keys_of_another_workspace_under_our_name_are_damaged(home: Home) -> None:
    home.add_workspace_key(OTHER, 0, b"c" * 32)
    (home.path / "workspaces" / OTHER.hex()).rename(home.path / "workspaces" / WORKSPACE.hex())
    with pytest.raises(DamagedKeyFile):
        home.workspace_keys(WORKSPACE)


def test_a_recovery_key_stays_where_the_workspace_was_started(home: Home, tmp_path: Path) -> None:
    assert home.recovery(WORKSPACE) is None
    recovery = SigningSeed(b"r" * 32)
    home.create_identity("Jo", SEED)
    home.keep_recovery(WORKSPACE, recovery)
    assert home.recovery(WORKSPACE) == recovery
    with Home(tmp_path / "laptop") as laptop:
        laptop.import_identity(home.export_identity(PHRASE, QUICK), PHRASE)
        assert laptop.recovery(WORKSPACE) is None
    (home.path / "workspaces" / WORKSPACE.hex()).rename(home.path / "workspaces" / OTHER.hex())
    with pytest.raises(DamagedKeyFile):
        home.recovery(OTHER)


def test_a_log_key_belongs_to_one_copy(home: Home, tmp_path: Path) -> None:
    first = copy_of_workspace(tmp_path / "first")
    assert home.log_key(WORKSPACE, first) is None
    made = home.save_log_key(WORKSPACE, first, b"l" * 32)
    assert (made.seq, made.tip) == (0, None)
    assert home.log_key(WORKSPACE, first) == made
    assert home.log_key(WORKSPACE, first / "workspace.db") == made
    assert home.log_key(OTHER, first) is None

    shutil.copytree(first, tmp_path / "second")
    assert home.log_key(WORKSPACE, tmp_path / "second") is None, "a copied folder"
    (tmp_path / "link").symlink_to(first)
    assert home.log_key(WORKSPACE, tmp_path / "link") == made, "the same copy by another name"


def test_a_folder_put_back_from_a_backup_has_no_key(home: Home, tmp_path: Path) -> None:
    folder = copy_of_workspace(tmp_path / "ws", "saturday")
    home.save_log_key(WORKSPACE, folder, b"l" * 32)
    shutil.copy(folder / "workspace.db", tmp_path / "backup.db")
    shutil.copy(tmp_path / "backup.db", folder / "restored.db")
    (folder / "restored.db").replace(folder / "workspace.db")
    assert home.log_key(WORKSPACE, folder) is None


def test_a_file_overwritten_in_place_shows_in_the_mark(home: Home, tmp_path: Path) -> None:
    folder = copy_of_workspace(tmp_path / "ws", "saturday")
    made = home.save_log_key(WORKSPACE, folder, b"l" * 32)
    home.mark(made.log, 7, b"t" * 32)
    (folder / "workspace.db").write_text("friday")
    found = home.log_key(WORKSPACE, folder)
    assert found is not None
    assert (found.seq, found.tip) == (7, b"t" * 32)


def test_a_new_log_of_a_copy_takes_the_place_of_the_one_before(home: Home, tmp_path: Path) -> None:
    folder = copy_of_workspace(tmp_path / "ws")
    elsewhere = copy_of_workspace(tmp_path / "elsewhere")
    kept = home.save_log_key(WORKSPACE, elsewhere, b"e" * 32)
    home.save_log_key(WORKSPACE, folder, b"l" * 32)
    newer = home.save_log_key(WORKSPACE, folder, b"m" * 32)
    assert home.log_key(WORKSPACE, folder) == newer
    assert home.log_key(WORKSPACE, elsewhere) == kept


def test_a_log_key_follows_its_database_into_a_fresh_file(home: Home, tmp_path: Path) -> None:
    folder = copy_of_workspace(tmp_path / "ws")
    made = home.save_log_key(WORKSPACE, folder, b"l" * 32)
    (folder / "fresh.db").write_text("")
    (folder / "fresh.db").replace(folder / "workspace.db")
    assert home.log_key(WORKSPACE, folder) is None
    home.rebind_log_key(WORKSPACE, made.log, folder)
    assert home.log_key(WORKSPACE, folder) == made


def test_no_key_is_kept_for_a_workspace_that_is_not_there(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NoHome, match="no workspace"):
        home.save_log_key(WORKSPACE, tmp_path / "nowhere", b"l" * 32)
    assert home.log_key(WORKSPACE, tmp_path / "nowhere") is None


def test_a_mark_is_read_by_the_next_process_and_never_goes_back(home: Home, tmp_path: Path) -> None:
    folder = copy_of_workspace(tmp_path / "ws")
    log = home.save_log_key(WORKSPACE, folder, b"l" * 32).log
    for seq in (1, 2, 3, 2, 1):
        home.mark(log, seq, bytes((seq,)) * 32, fsync=seq == 3)
    with Home(home.path) as again:
        found = again.log_key(WORKSPACE, folder)
    assert found is not None
    assert (found.seq, found.tip) == (3, b"\x03" * 32)


def test_a_torn_mark_leaves_the_one_before(home: Home, tmp_path: Path) -> None:
    folder = copy_of_workspace(tmp_path / "ws")
    log = home.save_log_key(WORKSPACE, folder, b"l" * 32).log
    home.mark(log, 1, b"1" * 32)
    home.mark(log, 2, b"2" * 32)
    path = home.path / "workspaces" / WORKSPACE.hex() / f"{log.hex()}.mark"
    raw = path.read_bytes()
    path.write_bytes(raw[:20] + b"\xff" + raw[21:])
    found = home.log_key(WORKSPACE, folder)
    assert found is not None
    assert (found.seq, found.tip) == (1, b"1" * 32)


@pytest.mark.parametrize("raw", [b"", bytes(600), b"\xff" * 560])
def test_without_a_mark_that_reads_only_a_new_log_is_safe(home: Home, tmp_path: Path, raw: bytes) -> None:
    folder = copy_of_workspace(tmp_path / "ws")
    log = home.save_log_key(WORKSPACE, folder, b"l" * 32).log
    (home.path / "workspaces" / WORKSPACE.hex() / f"{log.hex()}.mark").write_bytes(raw)
    assert home.log_key(WORKSPACE, folder) is None


def test_a_mark_of_another_log_is_none(home: Home, tmp_path: Path) -> None:
    folder, other = copy_of_workspace(tmp_path / "ws"), copy_of_workspace(tmp_path / "other")
    keys = home.path / "workspaces" / WORKSPACE.hex()
    one, two = home.save_log_key(WORKSPACE, folder, b"1" * 32), home.save_log_key(WORKSPACE, other, b"2" * 32)
    home.mark(one.log, 9, b"t" * 32)
    shutil.copy(keys / f"{one.log.hex()}.mark", keys / f"{two.log.hex()}.mark")
    assert home.log_key(WORKSPACE, other) is None


def test_an_export_carries_person_and_workspaces_but_no_log(home: Home, tmp_path: Path) -> None:
    made = home.create_identity("Jo", SEED)
    home.add_workspace_key(WORKSPACE, 0, b"k" * 32)
    folder = copy_of_workspace(tmp_path / "ws")
    home.save_log_key(WORKSPACE, folder, b"l" * 32)
    raw = home.export_identity(PHRASE, QUICK)
    with Home(tmp_path / "laptop") as laptop:
        assert laptop.import_identity(raw, PHRASE) == made
        assert laptop.workspace_keys(WORKSPACE) == home.workspace_keys(WORKSPACE)
        assert laptop.log_key(WORKSPACE, folder) is None


def test_importing_onto_the_same_person_adds_keys_and_onto_another_nothing(home: Home, tmp_path: Path) -> None:
    home.create_identity("Jo", SEED)
    home.add_workspace_key(WORKSPACE, 0, b"k" * 32)
    raw = home.export_identity(PHRASE, QUICK)
    with Home(tmp_path / "same") as same, Home(tmp_path / "other") as other:
        same.create_identity("Joan", SEED)
        assert same.import_identity(raw, PHRASE).name == "Joan"
        assert same.workspaces() == [WORKSPACE]
        other.create_identity("Al", b"2" * 32)
        with pytest.raises(IdentityExists):
            other.import_identity(raw, PHRASE)
        assert other.workspaces() == []


def test_a_wrong_passphrase_imports_nothing(home: Home, tmp_path: Path) -> None:
    home.create_identity("Jo", SEED)
    raw = home.export_identity(PHRASE, QUICK)
    with Home(tmp_path / "laptop") as laptop, pytest.raises(WrongPassphrase):
        laptop.import_identity(raw, "other plain words")
    assert not (tmp_path / "laptop").exists()


def test_two_exports_differ_in_every_byte_that_depends_on_chance(home: Home) -> None:
    home.create_identity("Jo", SEED)
    assert home.export_identity(PHRASE, QUICK)[22:] != home.export_identity(PHRASE, QUICK)[22:]


def test_the_home_is_named_by_the_environment_or_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert default_path() == tmp_path
    assert Home().path == tmp_path
    monkeypatch.delenv(HOME_VARIABLE)
    assert default_path().name == "openprod"


def test_nothing_that_is_shown_holds_a_secret(home: Home, tmp_path: Path) -> None:
    identity = home.create_identity("Jo", SEED)
    log = home.save_log_key(WORKSPACE, copy_of_workspace(tmp_path / "ws"), b"l" * 32)
    for shown in (repr(identity), repr(log), repr(home)):
        assert "seed seed" not in shown
        assert "llll" not in shown
    assert log.log == LogId(SigningSeed(b"l" * 32).public)

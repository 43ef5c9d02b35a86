"""The command line: starting, status and who writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from openprod.testing.terminal import Terminal

STATUS_KEYS = {
    "workspace", "actor", "frontier", "bundles", "state_hash", "conflicts", "pending", "held", "unread", "quarantined",
    "logs", "name", "path", "actor_name", "log", "waiting", "admission",
}  # fmt: skip


def test_the_version_is_one_line(terminal: Terminal) -> None:
    assert re.fullmatch(r"openprod \d+\.\d+\.\d+\n", terminal.did("--version"))


def test_a_production_is_started_and_says_where_it_is(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home", tmp_path / "lear")
    out = terminal.did("init", str(terminal.folder), "--name", "Lear", "--person", "Ann Ash")
    assert out == f"Lear is in {terminal.folder}. You write there as Ann Ash.\n"
    assert {one.name for one in terminal.folder.iterdir()} >= {"workspace.db", "blobs", "imports", "exports"}


def test_a_production_is_not_started_in_a_folder_that_holds_something(terminal: Terminal) -> None:
    ran = terminal.run("init", str(terminal.folder), "--name", "Again")
    assert ran.status == 1
    assert "is not empty" in ran.err
    assert ran.out == ""


def test_status_as_json_has_the_promised_keys(terminal: Terminal) -> None:
    status = terminal.asked("status")
    assert set(status) == STATUS_KEYS
    assert status["path"] == str(terminal.folder)
    assert status["name"] == "Hamlet"


def test_status_says_in_words_that_nothing_waits(terminal: Terminal) -> None:
    out = terminal.did("status")
    assert "Hamlet" in out
    assert "Ann Ash" in out
    assert re.search(r"to decide +nothing", out)


def test_whoami_names_the_person_and_no_key_that_is_secret(terminal: Terminal) -> None:
    found = terminal.asked("whoami")
    assert found == {"name": "Ann Ash", "actor": terminal.asked("status")["actor"], "home": str(terminal.home)}


def test_whoami_on_a_new_device_says_what_to_do(tmp_path: Path) -> None:
    ran = Terminal(tmp_path / "home", tmp_path / "none").run("whoami")
    assert ran.status == 1
    assert "openprod identity create --name NAME" in ran.err


def test_an_identity_is_created_once(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home", tmp_path / "none")
    assert "You write as Cy" in terminal.did("identity", "create", "--name", "Cy")
    ran = terminal.run("identity", "create", "--name", "Di")
    assert ran.status == 1
    assert "already writes as Cy" in ran.err


def test_an_identity_goes_to_another_device_by_file_and_passphrase(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "me.opi"
    terminal.did("identity", "export", str(file), stdin="correct horse battery staple\n")
    assert file.stat().st_mode & 0o077 == 0
    laptop = Terminal(tmp_path / "laptop", terminal.folder)
    wrong = laptop.run("identity", "import", str(file), stdin="wrong\n")
    assert wrong.status == 1
    laptop.did("identity", "import", str(file), stdin="correct horse battery staple\n")
    assert laptop.asked("whoami")["actor"] == terminal.asked("whoami")["actor"]


def test_an_identity_is_not_written_over_a_file(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "precious"
    file.write_text("precious")
    assert terminal.run("identity", "export", str(file), stdin="a long enough phrase\n").status == 1
    assert file.read_text() == "precious"


def test_the_production_is_found_upward_from_where_one_stands(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(terminal.folder / "imports")
    assert "Hamlet" in Terminal(terminal.home, None).did("status")


def test_where_no_production_is_one_is_told_how_to_name_one(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = Terminal(terminal.home, None).run("status")
    assert ran.status == 1
    assert "--workspace DIR" in ran.err


def test_options_for_every_command_may_stand_behind_it(terminal: Terminal) -> None:
    elsewhere = Terminal(terminal.home, Path("/nowhere"))
    found = elsewhere.run("status", "--json", "--workspace", str(terminal.folder))
    assert found.document["name"] == "Hamlet"

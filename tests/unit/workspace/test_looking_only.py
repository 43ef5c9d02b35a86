"""A workspace on a disk that cannot be written: everything reads, and writing is refused with a sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.unit.workspace.company import PEOPLE, Company, add

from openprod.store.database import NotWritable
from openprod.testing.terminal import Terminal
from openprod.workspace import opening
from openprod.workspace.write import NothingChosen


def locked(path: Path) -> bool:
    """Says of every file that it is not ours to write."""
    return path == Path()


def test_everything_reads_and_every_write_is_refused(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = company.found()
    jane = add(ana, PEOPLE, name="Jane")
    # As a stick pulled out while the program ran: what is not in the file itself yet lies beside it.
    shutil.copytree(company.folder / "Ana" / "show", company.folder / "stick")
    monkeypatch.setattr(opening, "is_writable", locked)
    before = {file: file.read_bytes() for file in (company.folder / "stick").iterdir() if file.is_file()}
    ws = company.at(company.folder / "stick", "Ana")
    assert [row["name"] for row in ws.query(from_=PEOPLE)] == ["Jane"]
    assert ws.record(jane)["title"] == "Jane"
    assert ws.history(jane)
    assert ws.verify().is_sound
    assert ws.status()["state_hash"] == ana.status()["state_hash"]
    with ws.at("2100-01-01") as then:
        assert then.query(from_=PEOPLE)
    with pytest.raises(NotWritable, match="can only be read here, so nothing was written"):
        add(ws, PEOPLE, name="Kate")
    with pytest.raises(NotWritable):
        ws.ingest(ana.bundles())
    ws.close()
    after = {file: file.read_bytes() for file in (company.folder / "stick").iterdir() if file.is_file()}
    assert after == before


def test_commands_that_read_work_and_others_say_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(tmp_path / "home", tmp_path / "show")
    terminal.did("init", str(terminal.folder), "--name", "Hamlet", "--person", "Ann Ash")
    terminal.did("module", "adopt", "contacts")
    terminal.did("add", "contacts.people", "name=Jane")
    monkeypatch.setattr(opening, "is_writable", locked)
    assert [row["name"] for row in terminal.asked("show", "contacts.people")] == ["Jane"]
    for command in (("status",), ("log",), ("tables",), ("conflicts",), ("matches",), ("search", "Jane"), ("verify",)):
        assert terminal.run(*command).status == 0, command
    ran = terminal.run("add", "contacts.people", "name=Kate")
    assert ran.status == 1
    assert "can only be read here" in ran.err


def test_settling_with_neither_a_choice_nor_a_value_is_refused_and_clears_nothing(company: Company) -> None:
    ws = company.found()
    with pytest.raises(NothingChosen, match="which of the offered values"):
        ws.resolve("abcd")

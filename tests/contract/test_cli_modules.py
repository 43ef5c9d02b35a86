"""The command line: modules and templates."""

from __future__ import annotations

from pathlib import Path

import pytest

from openprod.testing.terminal import Terminal

MANIFEST = """[module]
name = "puppets"
version = "1.0.0"
title = "Puppets"
[table.puppets]
key = ["name"]
label = "{name}"
[table.puppets.fields]
name = { type = "text", required = true }
"""


def module(folder: Path, text: str = MANIFEST) -> str:
    made = folder / "puppets"
    made.mkdir(exist_ok=True)
    (made / "module.toml").write_text(text)
    return str(made)


def test_shipped_modules_are_listed_with_the_version_in_use(terminal: Terminal) -> None:
    found = {one["name"]: one for one in terminal.asked("module", "list")}
    assert found["lighting"]["adopted"] == found["lighting"]["version"]
    assert "lighting" in terminal.did("module", "list")


def test_modules_are_listed_where_no_production_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    nobody = Terminal(tmp_path / "home", None)
    assert {one["adopted"] for one in nobody.asked("module", "list")} == {""}
    assert [one["name"] for one in nobody.asked("template", "list")] == ["stage-management"]


def test_a_module_is_adopted_from_a_folder(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.asked("module", "adopt", module(tmp_path)) == {"name": "puppets", "version": "1.0.0"}
    terminal.did("add", "puppets.puppets", "name=Kasper")
    assert "puppets.puppets" in terminal.did("tables")


def test_adopting_twice_changes_nothing(terminal: Terminal) -> None:
    before = terminal.asked("status")["state_hash"]
    terminal.did("module", "adopt", "lighting")
    assert terminal.asked("status")["state_hash"] == before


def test_a_module_that_is_not_there_is_answered_with_those_that_are(terminal: Terminal) -> None:
    ran = terminal.run("module", "adopt", "lightning")
    assert ran.status == 1
    assert "lighting" in ran.err


def test_a_right_module_is_called_right(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.did("module", "check", module(tmp_path)).startswith("puppets 1.0.0 is right")


def test_every_problem_of_a_module_is_said_with_its_line(terminal: Terminal, tmp_path: Path) -> None:
    faulty = MANIFEST.replace('version = "1.0.0"', 'version = "one"').replace('type = "text"', 'type = "txt"')
    faulty += '[query.all]\ntitle = "All"\ntable = "puppets"\n'
    ran = terminal.run("module", "check", module(tmp_path, faulty))
    assert ran.status == 1
    assert "module.toml:3:" in ran.err
    assert "module.toml:9:" in ran.err


def test_a_file_that_a_module_names_and_lacks_is_a_problem(terminal: Terminal, tmp_path: Path) -> None:
    ran = terminal.run(
        "module", "check", module(tmp_path, MANIFEST + '[query.all]\ntitle = "All"\ntable = "puppets"\n')
    )
    assert ran.status == 1
    assert "queries/all.toml" in ran.err

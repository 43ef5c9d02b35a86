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
    assert nobody.asked("template", "show", "stage-management")["confirms"][0]["state"] == ""


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


CODE = MANIFEST + '[capabilities]\ndata = ["read:contacts.people.name"]\n[script.tidy]\nrun = "tidy.lua"\n'


def test_a_module_is_installed_shown_allowed_and_taken_away(terminal: Terminal, tmp_path: Path) -> None:
    folder = module(tmp_path, CODE)
    (Path(folder) / "tidy.lua").write_text("-- tidy")
    assert terminal.asked("module", "install", folder) == {"name": "puppets", "version": "1.0.0"}
    assert "asks to" in terminal.did("module", "show", "puppets")
    terminal.did("module", "adopt", "puppets")
    assert "brought by Ann Ash" in terminal.did("module", "show", "puppets")
    asked = terminal.run("module", "allow", "puppets", stdin="n\n")
    assert "read contacts.people.name; run a script of its own" in asked.err
    assert not terminal.asked("module", "show", "puppets")["is_allowed"]
    assert "may run here" in terminal.did("module", "allow", "puppets", "--yes")
    assert terminal.asked("module", "show", "puppets")["is_allowed"]
    assert "may not run here" in terminal.did("module", "allow", "puppets", "--revoke")
    assert terminal.run("module", "allow", "contacts", "--yes").status == 1
    terminal.did("module", "uninstall", "puppets")
    assert terminal.asked("module", "show", "puppets")["version"] == ""
    assert "Install it with" in terminal.run("module", "list").err
    terminal.did("module", "install", "puppets")
    assert terminal.asked("module", "show", "puppets")["installed"] == "1.0.0"


def test_a_module_is_put_away_and_brought_back(terminal: Terminal) -> None:
    terminal.did("add", "sound.cues", "number=1", "label=Rain")
    assert terminal.asked("module", "remove", "sound")["hidden"] == ["sound.cues", "sound.mics"]
    assert terminal.run("show", "sound.cues").status == 1
    terminal.did("module", "adopt", "sound")
    assert terminal.asked("show", "sound.cues:1")["title"] == "SQ 1"


def test_a_module_is_packed_and_adopted_from_its_pack(terminal: Terminal, tmp_path: Path) -> None:
    packed = terminal.asked("module", "pack", module(tmp_path), "-o", str(tmp_path / "p.opmod"))
    assert packed["hash"] == terminal.asked("module", "check", packed["file"])["hash"]
    assert terminal.run("module", "pack", module(tmp_path), "-o", packed["file"]).status == 1
    terminal.did("module", "adopt", packed["file"])
    assert terminal.asked("module", "show", "puppets")["hash"] == packed["hash"]


def test_a_check_within_a_production_says_what_a_new_version_must_keep(terminal: Terminal, tmp_path: Path) -> None:
    terminal.did("module", "adopt", module(tmp_path))
    newer = MANIFEST.replace("1.0.0", "1.1.0").replace('name = { type = "text", required = true }', 'called = "text"')
    newer = newer.replace('key = ["name"]', 'key = ["called"]').replace('"{name}"', '"{called}"')
    ran = terminal.run("module", "check", module(tmp_path, newer))
    assert ran.status == 1
    assert "module.toml:8: table.puppets.fields: 1.0.0 has the field 'name' here" in ran.err


def test_a_template_says_what_it_confirms_and_what_takes_it_back(joined: Terminal) -> None:
    said = joined.did("template", "show", "stage-management")
    assert "openprod tables unlink contacts.people schedule.attendees" in said
    joined.did("tables", "unlink", "contacts.people", "schedule.attendees")
    found = joined.asked("template", "show", "stage-management")["confirms"]
    links = [one for one in found if one["kind"] == "link"]
    assert [one["state"] for one in links if one["other"] == "schedule.attendees"] == ["revoked"]
    joined.did("template", "apply", "stage-management", "--no-seed")
    assert "revoked" in joined.did("template", "show", "stage-management")


def test_a_template_of_this_show_begins_the_next_one(terminal: Terminal, tmp_path: Path) -> None:
    terminal.did("field", "add", "lighting.cues", "gel:text")
    terminal.did("add", "lighting.cues", "number=1", "gel=L201")
    terminal.did("template", "save", "our-house", "--title", "Our house", "--about", "As we do it.")
    assert "our-house" in terminal.did("template", "list")
    again = Terminal(terminal.home, tmp_path / "next")
    assert "confirmed for everybody here" in again.did(
        "init", str(again.folder), "--name", "Next", "--template", "our-house"
    )
    assert "workspace.lighting_cues.gel" in [one["name"] for one in again.asked("fields", "lighting.cues")]
    assert again.asked("show", "lighting.cues") == []


def test_what_a_template_proposes_is_said_and_waits(tmp_path: Path) -> None:
    desk = Terminal(tmp_path / "home", tmp_path / "show")
    ran = desk.run("init", str(desk.folder), "--name", "Show", "--template", "stage-management", "--person", "Ann")
    assert "9 records to begin with wait in the overlay 'Stage management: to begin with'" in ran.err


def test_tables_fields_and_relations_are_made_and_called_as_people_like(terminal: Terminal) -> None:
    terminal.did("table", "rename", "lighting.cues", "Licht", "--label", "L {number}")
    assert "Licht" in terminal.did("tables")
    terminal.did("add", "lighting.cues", "number=7")
    assert terminal.asked("show", "lighting.cues:7")["title"] == "L 7"
    terminal.did("table", "hide", "lighting.positions")
    assert "lighting.positions" not in terminal.did("tables")
    assert "lighting.positions" in terminal.did("tables", "--all")
    terminal.did("table", "unhide", "lighting.positions")
    assert terminal.asked("field", "rename", "lighting.cues", "label", "Was")["title"] == "Was"
    assert terminal.asked("field", "hide", "lighting.cues", "curve")["hidden"]
    assert not terminal.asked("field", "unhide", "lighting.cues", "curve")["hidden"]
    terminal.did("field", "move", "lighting.cues", "notes", "--first")
    terminal.did("field", "move", "lighting.cues", "page", "--after", "notes")
    assert [one["name"] for one in terminal.asked("fields", "lighting.cues")][:2] == ["notes", "page"]
    assert terminal.run("field", "move", "lighting.cues", "page", "--after", "notes", "--first").status == 2
    assert "wait" in terminal.asked("field", "choice", "lighting.cues", "follow", "wait")["choices"]
    assert "wait" not in terminal.asked("field", "choice", "lighting.cues", "follow", "wait", "--remove")["choices"]
    made = terminal.asked(
        "relation", "create", "lit_by", "script.scenes", "lighting.fixtures", "--property", "how:text", "--title", "Lit"
    )
    assert (made["relation"], made["title"]) == ("workspace.lit_by", "Lit")
    assert (
        terminal.asked("relation", "rename", "workspace.lit_by", "Light", "--inverse", "Lights")["inverse"] == "Lights"
    )
    assert terminal.asked("relation", "hide", "workspace.lit_by")["hidden"]
    assert not terminal.asked("relation", "unhide", "workspace.lit_by")["hidden"]


def test_what_is_confidential_stays_on_the_device(terminal: Terminal, other: Terminal, tmp_path: Path) -> None:
    terminal.did("module", "adopt", "confidential")
    terminal.did("add", "contacts.people", "name=Jane Doe")
    terminal.did("put", "contacts.people:Jane Doe", "--into", "confidential.people")
    terminal.did("set", "contacts.people:Jane Doe", "confidential.people.medical=Penicillin")
    assert "stay on this device" in terminal.did("module", "show", "confidential")
    stick = str(tmp_path / "stick.opx")
    terminal.did("sync", stick)
    other.did("sync", stick)
    assert [row["name"] for row in other.asked("show", "contacts.people")] == ["Jane Doe"]
    assert other.asked("show", "confidential.people") == []
    assert len(terminal.asked("show", "confidential.people")) == 1
    assert b"Penicillin" not in (other.folder / "workspace.db").read_bytes()

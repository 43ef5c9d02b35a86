"""Staging, the time machine and undo at the command line."""

from __future__ import annotations

from pathlib import Path

from openprod.testing.terminal import Terminal


def person(terminal: Terminal, name: str = "Jane Doe") -> str:
    return terminal.asked("add", "contacts.people", f"name={name}")["id"]


def test_an_overlay_is_made_worked_in_and_committed(terminal: Terminal) -> None:
    jane = person(terminal)
    assert "use" in terminal.did("overlay", "new", "what if")
    assert terminal.asked("overlay", "list")[0]["active"] is False
    terminal.did("overlay", "use", "what if")
    ran = terminal.run("set", jane, "phone=555")
    assert ran.status == 0
    assert "In the overlay 'what if'" in ran.err
    assert terminal.asked("show", jane)["fields"]["contacts.people.phone"] == "555"
    assert "555" in terminal.did("overlay", "diff")
    terminal.did("overlay", "leave")
    assert "contacts.people.phone" not in terminal.asked("show", jane)["fields"]
    assert terminal.asked("show", jane, "--overlay", "what if")["fields"]["contacts.people.phone"] == "555"
    done = terminal.asked("overlay", "commit", "--overlay", "what if", "--label", "Phones")
    assert (done["records"], len(done["bundle"])) == (1, 64)
    assert terminal.asked("log", "-n", "1")[0]["cause"] == "overlay what if"
    assert terminal.asked("overlay", "list") == []


def test_what_is_staged_can_be_left_out_undone_renamed_and_discarded(terminal: Terminal) -> None:
    jane = person(terminal)
    terminal.did("overlay", "new", "what if", "--use")
    terminal.did("set", jane, "phone=555", "email=j@example.com")
    terminal.did("overlay", "knockout", jane, "phone")
    assert [one["new"] for one in terminal.asked("overlay", "diff")] == ["j@example.com"]
    terminal.did("overlay", "undo")
    assert len(terminal.asked("overlay", "diff")) == 2
    terminal.did("overlay", "redo")
    op = terminal.asked("show", jane)["heads"]["contacts.people.email"][0]
    terminal.did("overlay", "knockout", op)
    assert terminal.asked("overlay", "diff") == []
    assert terminal.run("overlay", "commit").status == 1
    terminal.did("overlay", "rename", "other")
    terminal.did("overlay", "discard")
    assert terminal.asked("overlay", "list") == []
    ran = terminal.run("overlay", "diff")
    assert (ran.status, "overlay use" in ran.err) == (2, True)


def test_drift_is_listed_and_decided(terminal: Terminal) -> None:
    jane, joan = person(terminal), person(terminal, "Joan")
    terminal.did("overlay", "new", "a")
    for one in (jane, joan):
        terminal.did("set", one, "phone=1", "--overlay", "a")
        terminal.did("set", one, "phone=2")
    ran = terminal.run("overlay", "drift", "--overlay", "a")
    assert (ran.status, ran.out.count("changed to")) == (3, 2)
    ran = terminal.run("overlay", "commit", "--overlay", "a")
    assert (ran.status, "Keep yours or take theirs" in ran.err) == (1, True)
    terminal.did("overlay", "keep", jane, "phone", "--overlay", "a")
    terminal.did("overlay", "theirs", joan, "phone", "--overlay", "a")
    terminal.did("overlay", "commit", "--overlay", "a")
    phones = {row["name"]: row["phone"] for row in terminal.asked("show", "contacts.people")}
    assert phones == {"Jane Doe": "1", "Joan": "2"}


def test_undo_and_redo_take_back_and_do_again(terminal: Terminal) -> None:
    jane = person(terminal)
    terminal.did("set", jane, "phone=1")
    terminal.did("undo")
    assert terminal.asked("show", jane)["fields"].get("contacts.people.phone") is None
    terminal.did("redo", "--rest")
    assert terminal.asked("show", jane)["fields"]["contacts.people.phone"] == "1"
    assert set(terminal.asked("undo")) == {"undone", "undo", "redo"}


def test_history_says_who_when_why_and_what_was_replaced(terminal: Terminal) -> None:
    jane = person(terminal)
    terminal.did("set", jane, "phone=1")
    terminal.did("set", jane, "phone=2")
    terminal.did("undo")
    lines = terminal.did("history", jane, "phone").splitlines()
    assert "Ann Ash" in lines[0]
    assert "undo" in lines[0]
    assert ['"1", was "2"' in line or '"2", was "1"' in line for line in lines[1:4:2]] == [True, True]


def test_the_past_is_shown_and_compared(terminal: Terminal) -> None:
    jane = person(terminal)
    terminal.did("milestone", "Press night")
    terminal.did("set", jane, "phone=1")
    person(terminal, "Joan")
    assert len(terminal.asked("show", "contacts.people")) == 2
    then = terminal.asked("show", "contacts.people", "--as-of", "Press night")
    assert [(row["name"], row["phone"]) for row in then] == [("Jane Doe", None)]
    asked = terminal.asked("query", "EXISTS name", "--from", "contacts.people", "--as-of", "Press night")
    assert [row["name"] for row in asked] == ["Jane Doe"]
    shown = terminal.did("diff", "--since", "Press night")
    assert "Jane Doe's phone is" in shown
    assert "Joan is new" in shown
    kinds = {one["kind"] for one in terminal.asked("diff", "--since", "yesterday", "--until", "Press night")}
    assert "create" in kinds
    assert terminal.run("diff", "--since", "Tuesday last").status == 1
    assert terminal.run("milestone", "Press night").status == 1


def test_without_a_moment_diff_says_what_others_did(terminal: Terminal, other: Terminal, tmp_path: Path) -> None:
    person(terminal)
    stick = str(tmp_path / "stick.opx")
    terminal.did("sync", stick)
    other.did("sync", stick)
    found = other.asked("diff")
    assert [(one["kind"], one["title"], one["actor_name"]) for one in found if one["table"] == "contacts.people"] == [
        ("create", "Jane Doe", "Ann Ash")
    ]


def test_scenario_c_an_import_is_looked_over_corrected_and_committed(terminal: Terminal, tmp_path: Path) -> None:
    for name in ("Ann One", "Ben Two", "Cy Three"):
        person(terminal, name)
    rows = [*("Ann One", "Ben Two", "Cy Three"), "John Smithh", *(f"Actor {at}" for at in range(46))]
    file = tmp_path / "cast.csv"
    file.write_text("name\n" + "\n".join(rows) + "\n", encoding="utf-8")
    said = terminal.did("import", str(file), "--into", "contacts.people", "--match", "name")
    title = next(one["title"] for one in terminal.asked("tables") if one["name"] == "contacts.people")
    assert f"This will create 47 new {title}. 3 match existing records" in said
    assert len(terminal.asked("show", "contacts.people", "--all")) == 3
    assert len(terminal.asked("show", "contacts.people", "--all", "--overlay", "cast.csv")) == 50
    john = terminal.asked("query", 'name == "John Smithh"', "--from", "contacts.people", "--overlay", "cast.csv")[0]
    terminal.did("set", john["id"], "name=John Smith", "--overlay", "cast.csv")
    before = terminal.asked("status")["bundles"]
    terminal.did("overlay", "commit", "--overlay", "cast.csv")
    assert terminal.asked("status")["bundles"] == before + 1
    names = {row["name"] for row in terminal.asked("show", "contacts.people", "--all")}
    assert (len(names), "John Smith" in names, "John Smithh" in names) == (50, True, False)
    assert terminal.asked("log", "-n", "1")[0]["cause"] == "import cast.csv"


def test_scenario_c_a_discarded_import_leaves_nothing(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "cast.csv"
    file.write_text("name\nJane\nJoan\n", encoding="utf-8")
    before = terminal.asked("status")
    terminal.did("import", str(file), "--into", "contacts.people")
    terminal.did("overlay", "discard", "--overlay", "cast.csv")
    assert terminal.asked("status") == before
    assert terminal.asked("overlay", "list") == []


def test_every_command_that_writes_stages_where_people_work_in_an_overlay(terminal: Terminal) -> None:
    jane, joan = person(terminal), person(terminal, "Joan")
    before = terminal.asked("status")["bundles"]
    terminal.did("overlay", "new", "what if", "--use")
    terminal.did("add", "contacts.people", "name=New")
    terminal.did("put", jane, "--into", "schedule.attendees")
    terminal.did("delete", joan)
    terminal.did("table", "create", "puppets", "name:text", "--key", "name")
    terminal.did("add", "workspace.puppets", "name=Punch")
    terminal.did("map", "contacts.people.name", "casting.performers.name")
    assert terminal.asked("status")["bundles"] == before
    assert {row["name"] for row in terminal.asked("show", "contacts.people")} == {"Jane Doe", "New"}
    terminal.did("undo")
    terminal.did("redo")
    terminal.did("overlay", "commit")
    assert terminal.asked("status")["bundles"] == before + 1
    assert [row["name"] for row in terminal.asked("show", "workspace.puppets")] == ["Punch"]
    assert terminal.asked("show", jane)["tables"] == ["contacts.people", "schedule.attendees"]

"""`openprod refer`: a field taken from another record's, shown, edited there, and typed again."""

from __future__ import annotations

from pathlib import Path

import pytest

from openprod.testing.terminal import Terminal

TEXT = "workspace.props.handler"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal of a production with contacts and a table of props."""
    made = Terminal(tmp_path / "home", tmp_path / "show")
    made.did("init", str(made.folder), "--name", "Hamlet", "--person", "Ann Ash")
    made.did("module", "adopt", "contacts")
    made.did("table", "create", "props", "name:text", "handler:text", "phone:text", "qty:int", "--key", "name")
    made.did("add", "contacts.people", "name=Jane Doe", "phone=555-0100")
    made.did("add", "workspace.props", "name=Skull")
    return made


def test_a_field_is_taken_from_another_records_and_edited_there(terminal: Terminal) -> None:
    skull, jane = "workspace.props:Skull", "contacts.people:Jane Doe"
    said = terminal.did("refer", skull, "handler", f"{jane}.name")
    assert "Skull: handler is taken from Jane Doe's name." in said
    terminal.did("refer", skull, "phone", f"{jane}.contacts.people.phone")
    assert [row["handler"] for row in terminal.asked("show", "workspace.props")] == ["Jane Doe"]
    assert "Jane Doe  (taken from Jane Doe's name)" in terminal.did("show", skull)
    ran = terminal.run("set", skull, "phone=555-0199")
    assert ran.status == 0
    assert "Phone is taken from Jane Doe's phone: it was changed there." in ran.err
    assert terminal.asked("show", jane)["fields"]["contacts.people.phone"] == "555-0199"
    assert "Skull: handler is taken from" in terminal.did("refer", skull, "handler")
    assert terminal.asked("query", 'handler == "Jane Doe"', "--from", "workspace.props")


def test_it_is_typed_again_with_or_without_its_value(terminal: Terminal) -> None:
    skull = "workspace.props:Skull"
    terminal.did("refer", skull, "handler", "contacts.people:Jane Doe.name")
    assert "typed here" in terminal.did("refer", skull, "handler", "--typed")
    shape = terminal.asked("show", skull)
    assert (shape["fields"][TEXT], shape["taken"]) == ("Jane Doe", {})
    terminal.did("refer", skull, "handler", "contacts.people:Jane Doe.name")
    ran = terminal.run("clear", skull, "handler")
    assert "It is not any more; what stands there stays." in ran.err
    assert terminal.asked("show", skull)["fields"][TEXT] is None
    assert terminal.asked("show", "contacts.people:Jane Doe")["title"] == "Jane Doe"


def test_what_cannot_be_is_refused_in_a_sentence(terminal: Terminal) -> None:
    skull, jane = "workspace.props:Skull", "contacts.people:Jane Doe"
    ran = terminal.run("refer", skull, "qty", f"{jane}.name")
    assert ran.status == 1
    assert "holds int, and Name (contacts.people.name) holds text" in ran.err
    terminal.did("refer", skull, "handler", f"{jane}.name")
    ran = terminal.run("refer", jane, "name", f"{skull}.handler")
    assert ran.status == 1
    assert "taken from itself in the end" in ran.err
    terminal.did("delete", jane)
    ran = terminal.run("set", skull, "handler=Tom")
    assert ran.status == 1
    assert "which is deleted, so it cannot be edited there" in ran.err
    assert "(taken from Jane Doe's name, which is deleted)" in terminal.did("show", skull)
    assert terminal.run("refer", skull, "handler", "x.y", "--typed").status == 2
    assert terminal.run("refer", skull, "phone", "--typed").status == 1


def test_set_through_a_source_in_question_leaves_the_question(terminal: Terminal) -> None:
    skull, jane = "workspace.props:Skull", "contacts.people:Jane Doe"
    terminal.did("table", "create", "cards", "label:text", "tel:text", "--key", "label")
    terminal.did("put", jane, "--into", "workspace.cards")
    terminal.did("set", terminal.asked("show", jane)["id"], "workspace.cards.tel=555-0200")
    terminal.run("map", "contacts.people.phone", "workspace.cards.tel")
    terminal.did("refer", skull, "phone", f"{jane}.contacts.people.phone")
    ran = terminal.run("set", skull, "phone=1")
    assert ran.status == 3
    (question,) = terminal.asked("conflicts")
    assert "1" in {value["value"] for value in question["values"]}
    assert len(question["values"]) == 2

"""What cannot be mapped, linked, merged or referred to: a sentence says why, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from openprod.testing.terminal import Terminal

NOBODY = "0198c0de-0000-7000-8000-000000000000"
JANE, SKULL = "contacts.people:Jane", "workspace.props:Skull"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal of a production with contacts, cast and props."""
    made = Terminal(tmp_path / "home", tmp_path / "show")
    made.did("init", str(made.folder), "--name", "Hamlet", "--person", "Ann Ash")
    for module in ("contacts", "casting"):
        made.did("module", "adopt", module)
    made.did("table", "create", "props", "name:text", "qty:int", "owner:record", "--key", "name")
    made.did("add", "contacts.people", "name=Jane")
    made.did("add", "workspace.props", "name=Skull")
    return made


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("map", "contacts.people.phone", "workspace.props.qty"), "holds text and Qty (workspace.props.qty) holds int"),
        (("map", "contacts.people.phone", "contacts.people.phone"), "is one field. Name two to map."),
        (("map", "contacts.people.phone", "contacts.people.fax"), "There is no field"),
        (("unmap", "contacts.people.phone", "workspace.props.name"), "are not mapped to each other"),
        (("mapping", "confirm", "ffffffff"), "Nothing is suggested under 'ffffffff'"),
        (("tables", "link", "contacts.people", "contacts.people"), "cannot be linked to itself"),
        (("tables", "link", "contacts.people", "contacts.folk"), "here is no table 'contacts.folk'"),
        (("tables", "link", "contacts.people", "workspace.props", "--where", "fax == 1"), "fax"),
        (("tables", "unlink", "contacts.people", "workspace.props"), "is not linked to"),
        (("merge", JANE, JANE), "is one record already"),
        (("merge", JANE, NOBODY), "There is no record"),
        (("split", JANE), "was not merged with anything"),
        (("put", NOBODY, "--into", "workspace.props"), "There is no record"),
        (("put", JANE, "--into", "workspace.nothing"), "There is no table"),
        (("remove", JANE, "--from", "workspace.props"), "is not in workspace.props"),
        (("relate", JANE, "casting.plays", NOBODY), "There is no record"),
        (("relate", JANE, "casting.nothing", SKULL), "There is no relation"),
        (("set", SKULL, f"owner={NOBODY}"), "There is no record"),
        (("set", SKULL, "qty=many"), "is no whole number"),
        (("refer", SKULL, "name", f"{NOBODY}.name"), "There is no record"),
        (("refer", SKULL, "name", f"{JANE}.fax"), "fax"),
        (("matches", "--decline", "ffffffff"), "No merge is suggested under 'ffffffff'"),
        (("proposals", "--accept", "ffffffff"), "Nothing is proposed under 'ffffffff'"),
        (("resolve", "ffffffff", "--choose", "1"), "No open questions here begin with"),
        (("settings", "colour=red"), "There is no setting 'colour'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_nothing_is_written(
    terminal: Terminal, command: tuple[str, ...], said: str
) -> None:
    before = terminal.asked("status")
    ran = terminal.run("--yes", *command)
    assert ran.status == 1, ran
    assert said in ran.err
    assert "Traceback" not in ran.err
    after = terminal.asked("status")
    assert (after["bundles"], after["state_hash"]) == (before["bundles"], before["state_hash"])


def test_a_lost_condition_is_asked_about_at_the_terminal(terminal: Terminal) -> None:
    terminal.did("tables", "link", "contacts.people", "workspace.props", "--where", 'phone == "1"')
    terminal.did("set", JANE, "phone=1")
    jane = terminal.asked("show", JANE)["id"]
    assert "workspace.props" in terminal.asked("show", jane)["tables"]
    terminal.did("set", jane, "contacts.people.phone=2")
    (proposal,) = terminal.asked("proposals")
    assert proposal["text"] == "Jane no longer meets the criteria for Props. Remove it?"
    assert proposal["text"] in terminal.did("proposals")
    assert "is no longer in workspace.props" in terminal.did("proposals", "--accept", proposal["id"])
    assert terminal.asked("show", jane)["tables"] == ["contacts.people"]

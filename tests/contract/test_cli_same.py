"""The command line: mappings, merges, links, order, and who is let in. Each promise once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openprod.testing.terminal import Terminal

PEOPLE, ATTENDEES = "contacts.people", "schedule.attendees"
MAPPING = {"id", "one", "other", "state", "text"}
LINK = {"id", "source", "target", "where", "lacking"}


def test_mappings_are_listed_confirmed_rejected_made_and_taken_back(terminal: Terminal) -> None:
    found = terminal.asked("mappings")
    assert all(set(one) == MAPPING for one in found)
    name, mail = (next(one for one in found if one["one"].endswith(f".{word}")) for word in ("name", "email"))
    assert terminal.asked("mapping", "confirm", name["id"])["state"] == "confirmed"
    assert terminal.asked("mapping", "reject", mail["id"])["state"] == "declined"
    assert {one["id"]: one["state"] for one in terminal.asked("mappings")}[mail["id"]] == "declined"
    again = terminal.run("mapping", "confirm", name["id"])
    assert (again.status, "openprod mappings" in again.err) == (1, True)
    terminal.did("map", f"{PEOPLE}.phone_2", f"{ATTENDEES}.phone")
    assert "apart again" in terminal.did("unmap", f"{PEOPLE}.phone_2", f"{ATTENDEES}.phone")
    clash = terminal.run("map", f"{PEOPLE}.from", f"{ATTENDEES}.phone")
    assert clash.status == 1
    assert "holds date" in clash.err
    assert terminal.run("map", f"{PEOPLE}.nme", f"{ATTENDEES}.phone").status == 1


def test_a_mapping_that_reveals_a_question_ends_with_three(terminal: Terminal) -> None:
    jane = terminal.asked("add", PEOPLE, "name=Jane", "phone=1")["id"]
    terminal.did("put", jane, "--into", ATTENDEES)
    terminal.did("set", jane, f"{ATTENDEES}.phone=2")
    ran = terminal.run("map", f"{PEOPLE}.phone", f"{ATTENDEES}.phone")
    assert ran.status == 3
    assert "Choose a value" in ran.err
    assert terminal.asked("conflicts")[0]["record"] == jane


def test_merging_shows_what_differs_and_asks(terminal: Terminal) -> None:
    one, two = (terminal.asked("add", PEOPLE, f"name={name}")["id"] for name in ("Old", "J. Smith"))
    no = terminal.run("merge", one, two, stdin="n\n")
    assert no.status == 130
    assert "Old or J. Smith" in no.err
    assert terminal.asked("show", two)["id"] == two
    merged = terminal.asked("merge", one, two, status=3)
    assert merged["id"] == min(one, two)
    assert terminal.run("merge", one, two).status == 1
    parted = terminal.asked("split", max(one, two))
    assert (parted["stays"]["id"], parted["goes"]["id"]) == (min(one, two), max(one, two))
    terminal.did("merge", one, two, "--yes", status=3)
    assert "two again" in terminal.did("split", max(one, two), "--tables", PEOPLE)


def test_matches_are_suggested_and_declined(terminal: Terminal) -> None:
    assert terminal.asked("matches") == []
    for name in ("Jane", "J. Doe"):
        terminal.did("add", PEOPLE, f"name={name}", "email=jane@example.com")
    (match,) = terminal.asked("matches")
    assert "same e-mail" in match["text"]
    assert f"openprod merge {match['one']} {match['other']}" in terminal.did("matches")
    assert "stay two" in terminal.did("matches", "--decline", match["id"])
    assert terminal.asked("matches") == []
    assert terminal.run("matches", "--decline", match["id"]).status == 1


def test_tables_are_linked_listed_and_taken_apart(terminal: Terminal) -> None:
    terminal.did("add", PEOPLE, "name=Jane", "phone=1")
    terminal.did("add", PEOPLE, "name=Ned")
    made = terminal.asked("tables", "link", PEOPLE, ATTENDEES, "--where", "EXISTS phone")
    assert (set(made) - {"put"}, made["put"], made["where"]) == (LINK, 1, "EXISTS phone")
    assert [set(one) for one in terminal.asked("tables", "--links")] == [LINK]
    assert ATTENDEES in terminal.did("tables", "--links")
    assert "contacts" in terminal.did("tables")
    assert terminal.asked("tables", "unlink", PEOPLE, ATTENDEES)["copies"] == 1
    assert terminal.run("tables", "unlink", PEOPLE, ATTENDEES).status == 1
    itself = terminal.run("tables", "link", PEOPLE, PEOPLE)
    assert (itself.status, "itself" in itself.err) == (1, True)
    odd = terminal.run("tables", "link", "lighting.cues", PEOPLE)
    assert (odd.status, "seldom" in odd.err) == (0, True)
    terminal.did("tables", "unlink", "lighting.cues", PEOPLE, "--keep")


def test_entries_of_an_ordered_relation_are_placed_and_moved(terminal: Terminal, tmp_path: Path) -> None:
    module = tmp_path / "book"
    module.mkdir()
    (module / "module.toml").write_text(
        '[module]\nname = "book"\nversion = "1.0.0"\ntitle = "Book"\n[table.pages]\ntitle = "Pages"\nlabel = "{name}"\n'
        '[table.pages.fields]\nname = "text"\n[relation.holds]\ntitle = "Holds"\ninverse = "On"\nsource = "pages"\n'
        "ordered = true\n",
        encoding="utf-8",
    )
    terminal.did("module", "adopt", str(module))
    page, *cues = (terminal.asked("add", "book.pages", f"name={name}")["id"] for name in ("12", "a", "b", "c"))
    first, second = (terminal.asked("relate", page, "book.holds", cue)["id"] for cue in cues[:2])
    third = terminal.asked("relate", page, "book.holds", cues[2], "--after", first)["id"]
    assert [one["id"] for one in terminal.asked("relations", page)] == [first, third, second]
    terminal.did("move", first, "--after", second)
    assert terminal.asked("move", second, "--before", third)["id"] == second
    assert [one["id"] for one in terminal.asked("relations", page)] == [second, third, first]
    terminal.did("move", second)
    assert [one["id"] for one in terminal.asked("relations", page)] == [third, first, second]
    wrong = terminal.run("move", page, "--after", first)
    assert wrong.status == 1


def test_invitations_are_listed_and_closed_and_who_used_them_elsewhere_is_let_in(
    terminal: Terminal, other: Terminal, tmp_path: Path
) -> None:
    stick, late = str(tmp_path / "s.opx"), Terminal(tmp_path / "h3", tmp_path / "w3")
    invitation = terminal.did("invite", "--label", "Cy")
    terminal.did("sync", stick)
    other.did("sync", stick)
    (key,) = [one["key"] for one in terminal.asked("invite", "--list") if one["label"] == "Cy"]
    terminal.did("invite", "--revoke", key[:8])
    assert key not in {one["key"] for one in terminal.asked("invite", "--list")}
    assert terminal.run("invite", "--revoke", key[:8]).status == 1
    late.did("join", "-", str(late.folder), "--from", stick, "--person", "Cy Cypher", stdin=invitation)
    late.did("add", PEOPLE, "name=Kate")
    late.did("sync", stick)
    terminal.did("sync", stick)
    (asks,) = terminal.asked("admit")
    assert (asks["name"], asks["changes"]) == ("Cy Cypher", 2)
    assert "Cy Cypher" in terminal.did("admit")
    assert "openprod admit" in terminal.did("status") + terminal.run("status").err
    terminal.did("admit", asks["log"][:12])
    assert [row["name"] for row in terminal.asked("show", PEOPLE)] == ["Kate"]
    assert terminal.asked("admit") == []
    assert terminal.run("admit", "abcd").status == 1


def test_what_is_held_for_its_clock_is_listed_and_what_is_not_is_refused(terminal: Terminal) -> None:
    assert terminal.asked("accept") == []
    assert "Nothing is held" in terminal.run("accept").err
    ran = terminal.run("--json", "accept", "abcdef")
    assert ran.status == 1
    assert json.loads(ran.out)["error"]["code"] == "admission.not_held"


@pytest.mark.parametrize("command", ["mappings", "matches", "tables", "admit", "accept"])
def test_every_list_is_one_json_document(terminal: Terminal, command: str) -> None:
    assert isinstance(terminal.asked(command), list)

"""The command line: texts that merge."""

from __future__ import annotations

from pathlib import Path

import pytest

from openprod.testing.terminal import Terminal

NOTES = "lighting.cues.notes"


@pytest.fixture
def cue(terminal: Terminal) -> Terminal:
    """A production with one light cue that has notes."""
    terminal.did("add", "lighting.cues", "number=11", "notes=Watch the door.")
    return terminal


def notes(terminal: Terminal) -> str:
    return terminal.did("text", "lighting.cues:11", "notes").removesuffix("\n")


def test_a_text_is_shown_and_typed_in(cue: Terminal) -> None:
    assert notes(cue) == "Watch the door."
    cue.did("text", "lighting.cues:11", "notes", "--append", " Then go.")
    cue.did("text", "lighting.cues:11", "notes", "--insert", "0", "Slowly: ")
    cue.did("text", "lighting.cues:11", "notes", "--replace", "door", "window")
    cue.did("text", "lighting.cues:11", "notes", "--delete", "0", "8")
    assert notes(cue) == "Watch the window. Then go."
    shown = cue.asked("text", "lighting.cues:11", "notes", "--append", "!")
    assert shown["fields"][NOTES] == "Watch the window. Then go.!"


def test_a_text_is_made_what_a_file_or_standard_input_says(cue: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("Watch the back door.", encoding="utf-8")
    cue.did("text", "lighting.cues:11", "notes", "--from", str(file))
    assert notes(cue) == "Watch the back door."
    ran = cue.run("text", "lighting.cues:11", "notes", "--from", "-", stdin="Watch the back door.")
    assert "nothing was written" in ran.err
    cue.did("text", "lighting.cues:11", "notes", "--from", "-", stdin="Go.")
    assert notes(cue) == "Go."


def test_history_says_who_typed_what_and_undo_takes_just_that_back(cue: Terminal) -> None:
    cue.did("text", "lighting.cues:11", "notes", "--append", " Then go.")
    cue.did("text", "lighting.cues:11", "notes", "--delete", "0", "6")
    said = cue.did("history", "lighting.cues:11", "notes")
    assert '"Then go." typed in LX 11\'s notes' in said
    assert "6 characters deleted in LX 11's notes" in said
    cue.did("undo")
    assert notes(cue) == "Watch the door. Then go."
    cue.did("redo")
    assert notes(cue) == "the door. Then go."


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--insert", "99", "x"), 1, "15 characters"),
        (("--delete", "10", "9"), 1, "15 characters"),
        (("--replace", "t", "x"), 2, "times"),
        (("--replace", "curtain", "x"), 2, "is not in the text"),
        (("--append", "x", "--insert", "0", "y"), 2, "one thing"),
        (("--append", "x" * 1_100_000), 1, "at most 1048576"),
    ],
)
def test_what_cannot_be_typed_is_a_sentence_and_nothing_written(
    cue: Terminal, arguments: tuple[str, ...], status: int, said: str
) -> None:
    ran = cue.run("text", "lighting.cues:11", "notes", *arguments)
    assert ran.status == status
    assert said in ran.err
    assert notes(cue) == "Watch the door."


def test_a_field_that_does_not_merge_is_named(cue: Terminal) -> None:
    ran = cue.run("text", "lighting.cues:11", "label", "--append", "x")
    assert ran.status == 1
    assert "does not merge letter by letter" in ran.err


def test_typing_in_an_overlay_is_staged(cue: Terminal) -> None:
    cue.did("overlay", "new", "try")
    cue.did("overlay", "use", "try")
    cue.did("text", "lighting.cues:11", "notes", "--append", " Try.")
    assert notes(cue) == "Watch the door. Try."
    cue.did("overlay", "commit")
    assert notes(cue) == "Watch the door. Try."


def test_a_list_is_shown_and_changed_element_by_element(terminal: Terminal) -> None:
    terminal.did("table", "create", "crew", "name:text", "skills:list")
    terminal.did("add", "workspace.crew", "name=Ann", "skills=fly, deck")
    who = terminal.asked("show", "workspace.crew")[0]["id"]
    terminal.did("items", who, "skills", "--add", "rig", "--add", "drive", "--remove", "deck")
    assert terminal.did("items", who, "skills").split() == ["fly", "rig", "drive"]
    terminal.did("items", who, "skills", "--move", "drive", "--at", "0")
    assert terminal.did("items", who, "skills").split() == ["drive", "fly", "rig"]
    ran = terminal.run("items", who, "skills", "--add", "fly")
    assert "nothing was written" in ran.err
    ran = terminal.run("items", who, "skills", "--remove", "sing")
    assert ran.status == 1
    assert "it holds: drive, fly, rig" in ran.err
    assert terminal.run("items", who, "skills", "--move", "fly").status == 2

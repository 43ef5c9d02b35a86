"""The command line: questions and their settling."""

from __future__ import annotations

from pathlib import Path

import pytest

from openprod.testing.terminal import Terminal

SENTENCE = 'LX 11\'s label was edited by Ann Ash ("Dawn") and Bob Birch ("Sunrise") since last sync. Choose a value.'


@pytest.fixture
def asked(terminal: Terminal, other: Terminal, tmp_path: Path) -> Terminal:
    """A production with one open question: two people wrote LX 11's label."""
    stick = str(tmp_path / "stick.opx")
    terminal.did("add", "lighting.cues", "number=11")
    terminal.did("sync", stick)
    other.did("sync", stick)
    terminal.did("set", "lighting.cues:11", "label=Dawn")
    other.did("set", "lighting.cues:11", "label=Sunrise")
    terminal.did("sync", stick)
    other.did("sync", stick, status=3)
    terminal.did("sync", stick, status=3)
    return terminal


def test_a_question_has_the_promised_shape_and_sentence(asked: Terminal) -> None:
    (question,) = asked.asked("conflicts")
    assert set(question) == {"id", "record", "field", "text", "values", "shown", "kind"}
    assert question["text"] == SENTENCE
    assert [one["value"] for one in question["values"]] == ["Dawn", "Sunrise"]
    assert set(question["values"][0]) == {"op", "value", "actor", "actor_name", "at", "decision"}


def test_questions_in_words_are_numbered_and_one_is_marked(asked: Terminal) -> None:
    out = asked.did("conflicts")
    assert SENTENCE in out
    assert "   1  Dawn  – Ann Ash" in out
    assert "  *2  Sunrise  – Bob Birch" in out


def test_a_question_is_settled_by_number_by_change_or_with_another_value(asked: Terminal) -> None:
    (question,) = asked.asked("conflicts")
    out = asked.did("resolve", question["id"][:6], "--choose", "1")
    assert out == "Settled. It is Dawn now. Nothing is left to decide.\n"
    assert asked.asked("conflicts") == []
    assert asked.run("resolve", question["id"], "--choose", "1").status == 1


def test_a_question_is_settled_by_a_changes_id(asked: Terminal) -> None:
    (question,) = asked.asked("conflicts")
    record = asked.asked("resolve", question["id"], "--choose", question["values"][1]["op"])
    assert record["fields"]["lighting.cues.label"] == "Sunrise"
    assert record["conflicts"] == []


def test_a_question_is_settled_with_a_value_nobody_offered(asked: Terminal) -> None:
    (question,) = asked.asked("conflicts", "--record", "lighting.cues:11")
    assert (
        asked.asked("resolve", question["id"], "--value", "First light")["fields"]["lighting.cues.label"]
        == "First light"
    )


def test_a_question_is_settled_by_naming_the_record_that_has_it(asked: Terminal) -> None:
    assert asked.run("resolve", "contacts.people:Jane", "--choose", "1").status == 1
    asked.did("resolve", "lighting.cues:11", "--choose", "2")
    ran = asked.run("resolve", "lighting.cues:11", "--choose", "2")
    assert ran.status == 1
    assert "has no open questions" in ran.err


def test_choosing_needs_one_of_the_two_ways(asked: Terminal) -> None:
    (question,) = asked.asked("conflicts")
    assert asked.run("resolve", question["id"]).status == 2
    assert asked.run("resolve", question["id"], "--choose", "1", "--value", "x").status == 2


@pytest.mark.parametrize(("choose", "words"), [("3", "1 to 2"), ("0", "1 to 2"), ("nonsense", "nonsense")])
def test_a_choice_that_is_not_offered_is_refused(asked: Terminal, choose: str, words: str) -> None:
    (question,) = asked.asked("conflicts")
    ran = asked.run("resolve", question["id"], "--choose", choose)
    assert ran.status == 1
    assert words in ran.err
    assert len(asked.asked("conflicts")) == 1


def test_a_question_that_is_not_there_says_where_to_look(terminal: Terminal) -> None:
    ran = terminal.run("resolve", "abcdef", "--choose", "1")
    assert ran.status == 1
    assert "openprod conflicts" in ran.err


def test_a_record_deleted_here_and_changed_there_is_asked_about(
    terminal: Terminal, other: Terminal, tmp_path: Path
) -> None:
    stick = str(tmp_path / "stick.opx")
    terminal.did("add", "lighting.cues", "number=11")
    terminal.did("sync", stick)
    other.did("sync", stick)
    terminal.did("delete", "lighting.cues:11")
    other.did("set", "lighting.cues:11", "label=Dawn")
    terminal.did("sync", stick)
    other.did("sync", stick, status=3)
    (question,) = other.asked("conflicts")
    assert question["kind"] == "delete"
    assert "keep it" in other.did("conflicts")
    other.did("resolve", question["id"], "--choose", "1")
    assert other.asked("conflicts") == []
    assert other.asked("show", "lighting.cues:11")["marks"] == []

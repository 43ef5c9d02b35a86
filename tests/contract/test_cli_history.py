"""The command line: log, history, verify, rebuild."""

from __future__ import annotations

import sqlite3

import pytest

from openprod.testing.terminal import Terminal


@pytest.fixture
def cue(terminal: Terminal) -> Terminal:
    """A production with one light cue that was written twice."""
    terminal.did("add", "lighting.cues", "number=11", "label=Dawn")
    terminal.did("set", "lighting.cues:11", "label=Sunrise")
    return terminal


def test_the_log_has_the_newest_change_first(cue: Terminal) -> None:
    entries = cue.asked("log", "-n", "2")
    assert len(entries) == 2
    assert set(entries[0]) == {"bundle", "actor", "actor_name", "at", "cause", "label", "ops"}
    assert entries[0]["ops"][0]["text"] == 'LX 11\'s label set to "Sunrise"'
    assert "Ann Ash" in cue.did("log")


def test_history_tells_how_a_field_came_to_be(cue: Terminal) -> None:
    entries = cue.asked("history", "lighting.cues:11", "label")
    assert [one["ops"][0]["value"] for one in entries] == ["Sunrise", "Dawn"]
    out = cue.did("history", "lighting.cues:11", "label")
    assert entries[0]["ops"][0]["op"] in out


def test_history_of_a_field_that_is_not_there_says_so(cue: Terminal) -> None:
    ran = cue.run("history", "lighting.cues:11", "lable")
    assert ran.status == 1
    assert "lable" in ran.err


def test_verify_says_that_all_is_sound(cue: Terminal) -> None:
    found = cue.asked("verify")
    assert found["sound"]
    assert found["damaged"] == []
    assert found["state_hash"] == cue.asked("status")["state_hash"]
    assert "All is sound" in cue.did("verify")


def test_verify_names_what_is_damaged_and_rebuild_mends_what_does_not_open(cue: Terminal) -> None:
    before = cue.asked("status")["state_hash"]
    for sql, opens in (
        ("UPDATE meta SET value = 'aa' WHERE key = 'state_hash'", True),
        ("UPDATE shape SET keys = x'ff' WHERE no = 1", False),
    ):
        database = sqlite3.connect(cue.folder / "workspace.db")
        with database:
            database.execute(sql)
        database.close()
        ran = cue.run("verify")
        assert ran.status == 1
        assert ("state hash" in ran.out) == opens
        assert "openprod rebuild" in ran.out + ran.err
        assert cue.asked("rebuild")["state_hash"] == before
        assert "All is sound" in cue.did("verify")


def test_rebuild_gives_the_same_state(cue: Terminal) -> None:
    before = cue.asked("status")["state_hash"]
    assert cue.asked("rebuild")["state_hash"] == before
    assert before in cue.did("rebuild")


def test_an_n_that_is_no_number_is_misuse(cue: Terminal) -> None:
    assert cue.run("log", "-n", "many").status == 2
    assert cue.run("log", "-n", "0").status == 2


def test_changes_are_put_together_by_department_author_and_record(cue: Terminal) -> None:
    cue.did("add", "sound.cues", "number=7", "label=Owl")
    for by, words in (
        ("department", ("Lighting (", "Sound (")),
        ("author", ("Ann Ash (",)),
        ("record", ("LX 11, ", "SQ 7, ")),
    ):
        out = cue.did("diff", "--since", "today", "--by", by)
        assert [word for word in words if word not in out] == []


def test_a_value_of_the_past_is_brought_back_into_an_overlay(cue: Terminal) -> None:
    cue.did("milestone", "tech")
    cue.did("set", "lighting.cues:11", "label=Noon")
    cue.did("overlay", "new", "back")
    out = cue.did("overlay", "bring", "lighting.cues:11", "label", "--from", "tech", "--overlay", "back")
    assert "Staged in 'back'" in out
    assert cue.asked("overlay", "diff", "--overlay", "back")[0]["new"] == "Sunrise"
    assert "Noon" in cue.did("show", "lighting.cues")

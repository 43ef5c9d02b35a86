"""The command line: records and relations, and what is left to decide."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

import openprod
from openprod.testing.terminal import Terminal
from openprod.workspace.write import Edit


@pytest.fixture
def cue(terminal: Terminal) -> Terminal:
    """A production with one light cue."""
    terminal.did("add", "lighting.cues", "number=11", "label=Dawn")
    return terminal


def label(terminal: Terminal) -> object:
    return terminal.asked("show", "lighting.cues:11")["fields"].get("lighting.cues.label")


def test_add_gives_the_record(terminal: Terminal) -> None:
    made = terminal.asked("add", "lighting.cues", "number=11", "label=Dawn", "up=1:30")
    assert made["title"] == "LX 11"
    assert made["fields"]["lighting.cues.up"] == 90


def test_add_says_every_problem_at_once_and_writes_nothing(terminal: Terminal) -> None:
    ran = terminal.run("add", "lighting.cues", "up=abc", "lable=x")
    assert ran.status == 1
    assert "abc" in ran.err
    assert "label" in ran.err
    assert terminal.asked("show", "lighting.cues") == []


def test_what_had_to_be_assumed_is_said(terminal: Terminal) -> None:
    ran = terminal.run("add", "schedule.days", "date=3 March 26")
    assert ran.status == 0
    assert "2026" in ran.err


def test_set_writes_and_an_empty_value_clears(cue: Terminal) -> None:
    cue.did("set", "lighting.cues:11", "label=Sunrise", "notes=slow")
    assert label(cue) == "Sunrise"
    cue.did("set", "lighting.cues:11", "label=")
    assert label(cue) is None


def test_setting_what_is_there_already_writes_nothing(cue: Terminal) -> None:
    before = cue.asked("status")["bundles"]
    ran = cue.run("set", "lighting.cues:11", "label=Dawn")
    assert ran.status == 0
    assert "nothing was written" in ran.err
    assert cue.asked("status")["bundles"] == before


def test_a_short_name_means_the_table_that_named_the_record(cue: Terminal) -> None:
    cue.did("put", "lighting.cues:11", "--into", "sm.cues")
    cue.did("set", "lighting.cues:11", "page=12")
    record = cue.asked("show", "lighting.cues:11")
    assert record["fields"]["lighting.cues.page"] == "12"
    ran = cue.run("set", record["id"], "page=13")
    assert ran.status == 1
    assert "lighting.cues.page or sm.cues.page" in ran.err


def test_clear_takes_a_value_away(cue: Terminal) -> None:
    cue.did("clear", "lighting.cues:11", "label")
    assert label(cue) is None


def test_expect_writes_only_over_just_that_change(cue: Terminal) -> None:
    op = cue.asked("show", "lighting.cues:11")["heads"]["lighting.cues.label"][0]
    cue.did("set", "lighting.cues:11", "label=Sunrise", "--expect", op)
    ran = cue.run("set", "lighting.cues:11", "label=Noon", "--expect", op)
    assert ran.status == 1
    assert "nothing was written" in ran.err
    assert label(cue) == "Sunrise"


def test_expect_is_refused_while_a_field_holds_two_values(cue: Terminal, other: Terminal, tmp_path: Path) -> None:
    bring_apart(cue, other, tmp_path)
    heads = cue.asked("show", "lighting.cues:11")["heads"]["lighting.cues.label"]
    assert len(heads) == 2
    assert cue.run("set", "lighting.cues:11", "label=Noon", "--expect", heads[0]).status == 1


def test_expect_is_about_one_field_and_a_change_that_is_here(cue: Terminal) -> None:
    assert cue.run("set", "lighting.cues:11", "label=a", "notes=b", "--expect", "abcdef012345:1").status == 2
    assert cue.run("set", "lighting.cues:11", "label=a", "--expect", "abcdef012345:1").status == 1
    assert cue.run("set", "lighting.cues:11", "label=a", "--expect", "nonsense").status == 1


def bring_apart(one: Terminal, two: Terminal, tmp_path: Path) -> None:
    """Both devices write the label of LX 11, and the first takes in the second's work."""
    stick = str(tmp_path / "apart.opx")
    one.did("sync", stick)
    two.did("sync", stick)
    two.did("set", "lighting.cues:11", "label=Sunrise")
    one.did("set", "lighting.cues:11", "label=Daybreak")
    two.did("sync", stick)
    one.did("sync", stick, status=3)


def test_writing_a_field_in_question_replaces_what_is_shown_and_leaves_the_question(
    cue: Terminal, other: Terminal, tmp_path: Path
) -> None:
    bring_apart(cue, other, tmp_path)
    assert cue.run("set", "lighting.cues:11", "notes=quick").status == 0
    assert "(?)" in cue.did("show", "lighting.cues")
    shown, beside = label(cue), "Sunrise" if label(cue) == "Daybreak" else "Daybreak"
    ran = cue.run("set", "lighting.cues:11", "label=Noon")
    assert ran.status == 3
    assert "openprod resolve" in ran.err
    (question,) = cue.asked("conflicts")
    assert {one["value"] for one in question["values"]} == {beside, "Noon"}
    assert shown not in {one["value"] for one in question["values"]}
    assert cue.run("clear", "lighting.cues:11", "label").status == 3


def test_a_write_that_another_program_overtook_leaves_a_question(
    cue: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_set = Edit.set

    def overtaken(edit: Edit, record: str, *rest: object) -> None:
        monkeypatch.setattr(Edit, "set", edit_set)
        with openprod.open(cue.folder, home=cue.home) as elsewhere, elsewhere.edit() as quicker:
            quicker.set("lighting.cues:11", {"label": "Quicker"})
        cast("Callable[..., None]", edit_set)(edit, record, *rest)

    monkeypatch.setattr(Edit, "set", overtaken)
    ran = cue.run("set", "lighting.cues:11", "label=Slower", "--json")
    assert ran.status == 3
    assert ran.document["conflicts"] == ["lighting.cues.label"]
    assert "Quicker" in ran.err


def test_put_remove_and_come_back(cue: Terminal) -> None:
    assert cue.asked("put", "lighting.cues:11", "--into", "sm.cues")["tables"] == ["lighting.cues", "sm.cues"]
    uuid = cue.asked("show", "lighting.cues:11")["id"]
    assert cue.asked("remove", uuid, "--from", "lighting.cues")["tables"] == ["sm.cues"]
    ran = cue.run("remove", uuid, "--from", "lighting.cues")
    assert ran.status == 1
    assert "is not in lighting.cues" in ran.err
    assert cue.asked("put", uuid, "--into", "lighting.cues")["fields"]["lighting.cues.label"] == "Dawn"


def test_delete_and_restore(cue: Terminal) -> None:
    uuid = cue.asked("show", "lighting.cues:11")["id"]
    out = cue.did("delete", "lighting.cues:11")
    assert f"openprod restore {uuid}" in out
    assert cue.asked("show", uuid)["marks"] == ["deleted"]
    assert cue.asked("show", "lighting.cues") == []
    cue.did("restore", uuid)
    assert label(cue) == "Dawn"


def test_records_are_related_listed_and_parted(terminal: Terminal) -> None:
    terminal.did("add", "casting.performers", "name=Jane Doe")
    terminal.did("add", "casting.roles", "code=HAM", "name=Hamlet")
    ends = ("casting.performers:Jane Doe", "casting.plays", "casting.roles:HAM")
    made = terminal.asked("relate", *ends, "cover=yes")
    assert made["relation"] == "casting.plays"
    assert made["properties"]["casting.plays.cover"] is True
    listed = terminal.asked("relations", "casting.roles:HAM")
    assert [(one["id"], one["is_source"]) for one in listed] == [(made["id"], False)]
    assert "Jane Doe" in terminal.did("relations", "casting.roles:HAM")
    terminal.did("set", made["id"], "cover=no")
    terminal.did("unrelate", *ends)
    assert terminal.asked("relations", "casting.roles:HAM") == []
    assert terminal.run("unrelate", *ends).status == 1


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("add", "lighting.cue", "number=1"), 1, "Did you mean 'lighting.cues'"),
        (("add", "lighting.cues", "number"), 2, "name=value"),
        (("add", "lighting.cues", "number=1", "number=2"), 2, "given twice"),
        (("add", "lighting.cues", "label=x"), 1, "required"),
        (("set", "lighting.cues:99", "label=x"), 1, "There is no record"),
        (("set", "zzz", "label=x"), 1, "There is no record"),
        (("set", "lighting.cues:11"), 2, ""),
        (("set", "lighting.cues:11", "cue_status=gone"), 1, "idea"),
        (("set", "lighting.cues:11", "line=ten"), 1, "ten"),
        (("add", "schedule.days", "date=2026-02-30"), 1, "2026-02-30"),
        (("add", "schedule.days", "date=soon"), 1, "soon"),
        (("set", "lighting.cues:11", "is_called=perhaps"), 1, "perhaps"),
        (("clear", "lighting.cues:11", "nothing"), 1, "nothing"),
        (("put", "lighting.cues:11", "--into", "sm.cue"), 1, "Did you mean"),
        (("relate", "lighting.cues:11", "casting.play", "lighting.cues:11"), 1, "casting.plays"),
        (("relate", "lighting.cues:11", "casting.plays", "lighting.cues:11"), 1, "casting.performers"),
        (("unrelate", "a", "b"), 2, "A RELATION B"),
        (("restore", "0" * 32), 1, "There is no record"),
        (("relations", "lighting.cues:98"), 1, "There is no record"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    cue: Terminal, arguments: tuple[str, ...], status: int, words: str
) -> None:
    before = cue.asked("status")["bundles"]
    ran = cue.run(*arguments)
    assert (ran.status, words in ran.err, ran.out) == (status, True, ""), ran.err
    assert cue.asked("status")["bundles"] == before

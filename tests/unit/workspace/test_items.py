"""Lists that merge, on real workspaces: put in, taken out, moved, written anew, staged, taken back."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.unit.workspace.company import Company, add, meet

from openprod.catalog.check import FieldsRefused
from openprod.workspace.list_edit import NotAList, NotInList
from openprod.workspace.view import View
from openprod.workspace.workspace import Workspace

MODULE = """\
[module]
name = "lab"
version = "1.0.0"
title = "Lab"

[table.cues]
title = "Cues"
label = "LX {number}"

[table.cues.fields]
number = "natural"
tags = "list"
pages = { type = "list", items = "int", required = true, default = [1] }
plain = "text"
"""
CUES, TAGS = "lab.cues", "lab.cues.tags"


@pytest.fixture
def company(tmp_path: Path) -> Generator[Company]:
    with Company(tmp_path) as found:
        yield found


@pytest.fixture
def ana(company: Company) -> Workspace:
    return company.found("Ana", module=MODULE)


@pytest.fixture
def cue(ana: Workspace) -> str:
    return add(ana, CUES, number="11", tags="a, b, c")


def tags(ws: View, cue: str) -> list[str]:
    shown = ws.record(cue)["fields"].get(TAGS)
    (row,) = ws.query(from_=CUES)
    assert row["tags"] == shown
    return [str(one) for one in shown] if isinstance(shown, list) else []


def test_things_are_put_in_taken_out_and_moved(ana: Workspace, cue: str) -> None:
    with ana.edit() as edit:
        edit.items(cue, "tags").add("d").remove("b").move("c", 0).add("a")
    assert tags(ana, cue) == ["c", "a", "d"]
    with ana.edit() as edit:
        edit.items(cue, "tags").add("x", 1).move("c", -1)
    assert tags(ana, cue) == ["x", "a", "c", "d"]
    assert ana.verify().is_sound


def test_a_list_is_written_anew_and_emptied(ana: Workspace, cue: str) -> None:
    with ana.edit() as edit:
        edit.set(cue, {"tags": ["z", "y"]})
    assert tags(ana, cue) == ["z", "y"]
    before = ana.status()["bundles"]
    with ana.edit() as edit:
        edit.set(cue, {"tags": "z, y"})
    assert ana.status()["bundles"] == before
    with ana.edit() as edit:
        edit.clear(cue, "tags")
    assert tags(ana, cue) == []
    with ana.edit() as edit:
        edit.items(cue, "tags").add("new")
    assert tags(ana, cue) == ["new"]


def test_what_cannot_be_done_is_refused_and_nothing_written(ana: Workspace, cue: str) -> None:
    before = ana.status()["bundles"]
    with pytest.raises(NotInList, match="it holds: a, b, c"), ana.edit() as edit:
        edit.items(cue, "tags").remove("x")
    with pytest.raises(NotAList), ana.edit() as edit:
        edit.items(cue, "plain")
    with pytest.raises(FieldsRefused), ana.edit() as edit:
        edit.items(cue, "pages").remove(1)
    assert ana.status()["bundles"] == before


def test_undo_takes_back_what_one_did_to_a_list_and_nothing_else(company: Company, ana: Workspace, cue: str) -> None:
    ben = company.join("Ben", ana)
    with ana.edit("Tags") as edit:
        edit.items(cue, "tags").add("mine").remove("a").move("c", 0)
    meet(ana, ben)
    with ben.edit() as edit:
        edit.items(cue, "tags").add("theirs")
    meet(ana, ben)
    assert tags(ana, cue) == ["c", "b", "mine", "theirs"]
    ana.undo()
    meet(ana, ben)
    assert tags(ben, cue) == ["a", "b", "c", "theirs"]
    ana.redo()
    assert set(tags(ana, cue)) == {"b", "c", "mine", "theirs"}
    with ana.edit("Anew") as edit:
        edit.set(cue, {"tags": ["b", "only"]})
    assert tags(ana, cue) == ["b", "only"]
    ana.undo()
    assert set(tags(ana, cue)) == {"b", "c", "mine", "theirs"}


def test_lists_changed_in_an_overlay_stand_beside_what_others_do_meanwhile(
    company: Company, ana: Workspace, cue: str
) -> None:
    ben = company.join("Ben", ana)
    view = ana.overlay("what if")
    with view.edit() as edit:
        edit.items(cue, "tags").add("mine").remove("a")
    with ben.edit() as edit:
        edit.items(cue, "tags").add("theirs").remove("b")
    meet(ana, ben)
    assert view.drift() == []
    assert set(tags(view, cue)) == {"c", "mine", "theirs"}
    with view.edit() as edit:
        edit.items(cue, "tags").remove("theirs").add("more").remove("mine")
    assert tags(view, cue) == ["c", "more"]
    view.undo()
    view.redo()
    view.commit()
    meet(ana, ben)
    assert tags(ben, cue) == tags(ana, cue) == ["c", "more"]
    assert ben.conflicts() == []


def test_a_list_emptied_in_an_overlay_keeps_what_came_behind_that(company: Company, ana: Workspace, cue: str) -> None:
    ben = company.join("Ben", ana)
    view = ana.overlay("what if")
    with view.edit() as edit:
        edit.set(cue, {"tags": ["low"]})
    with ben.edit() as edit:
        edit.items(cue, "tags").add("urgent")
    meet(ana, ben)
    with view.edit() as edit:
        edit.items(cue, "tags").add("x")
    assert set(tags(view, cue)) == {"low", "urgent", "x"}
    view.commit()
    meet(ana, ben)
    assert set(tags(ben, cue)) == {"low", "urgent", "x"}


def test_lists_survive_a_rebuild_and_say_in_history_who_put_what_in(ana: Workspace, cue: str) -> None:
    with ana.edit() as edit:
        edit.items(cue, "tags").add("d").remove("a")
    ana.rebuild()
    assert tags(ana, cue) == ["b", "c", "d"]
    said = [op["text"] for entry in ana.history(cue, "tags") for op in entry["ops"]]
    assert any('"d" put into LX 11' in text for text in said)

"""Texts typed in overlays: what others type meanwhile stands beside it, and what they set outright is drift."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from tests.unit.workspace.company import Company, add, meet
from tests.unit.workspace.test_texts import CUES, MODULE, NOTES, type_in

from openprod.workspace.overlay import UndecidedDrift
from openprod.workspace.staging import Overlay
from openprod.workspace.view import View
from openprod.workspace.workspace import Workspace


@pytest.fixture
def company(tmp_path: Path) -> Generator[Company]:
    with Company(tmp_path) as found:
        yield found


@pytest.fixture
def ana(company: Company) -> Workspace:
    return company.found("Ana", module=MODULE)


@pytest.fixture
def ben(company: Company, ana: Workspace) -> Workspace:
    return company.join("Ben", ana)


def shown(ws: View, cue: str) -> object:
    return ws.record(cue)["fields"].get(NOTES)


def staged(ws: Workspace, cue: str, at: int, text: str) -> Overlay:
    view = ws.overlay("what if")
    type_in(view, cue, at, text)
    return view


def test_typing_staged_and_typing_that_arrives_stand_together_and_ask_nothing(ana: Workspace, ben: Workspace) -> None:
    cue = add(ana, CUES, number="11", notes="Standby LX.")
    meet(ana, ben)
    view = staged(ana, cue, 11, " Go.")
    type_in(ben, cue, 0, "Quiet: ")
    meet(ana, ben)
    assert shown(ana, cue) == "Quiet: Standby LX."
    assert view.drift() == []
    assert shown(view, cue) == "Quiet: Standby LX. Go."
    type_in(view, cue, 22, " Now!")
    type_in(ben, cue, 7, "please, ")
    meet(ana, ben)
    assert shown(view, cue) == "Quiet: please, Standby LX. Go. Now!"
    (change,) = view.diff()
    assert (change["old"], change["new"]) == ("Quiet: please, Standby LX.", shown(view, cue))
    assert view.commit() is not None
    meet(ana, ben)
    for ws in (ana, ben):
        assert shown(ws, cue) == "Quiet: please, Standby LX. Go. Now!"
        assert ws.conflicts() == []
        assert ws.verify().is_sound


def test_staged_typing_survives_a_restart_and_its_steps_can_be_taken_back(company: Company, ana: Workspace) -> None:
    cue = add(ana, CUES, number="11", notes="Go")
    view = staged(ana, cue, 2, " on")
    type_in(view, cue, 5, " the bell")
    view.undo()
    assert shown(view, cue) == "Go on"
    view.redo()
    again = company.again("Ana")
    view = again.overlay("what if")
    assert shown(view, cue) == "Go on the bell"
    type_in(view, cue, 0, "» ")
    view.commit()
    assert shown(again, cue) == "» Go on the bell"


def test_a_text_set_outright_meanwhile_is_drift_and_mine_is_what_it_came_to(ana: Workspace, ben: Workspace) -> None:
    cue = add(ana, CUES, number="11", notes="Old")
    meet(ana, ben)
    view = staged(ana, cue, 3, "er")
    with ben.edit() as edit:
        edit.set(cue, {"notes": "New"})
    meet(ana, ben)
    with pytest.raises(UndecidedDrift, match='changed to "New"'):
        view.commit()
    view.keep(cue, "notes")
    assert shown(view, cue) == "Older"
    view.commit()
    meet(ana, ben)
    assert shown(ben, cue) == "Older"
    assert ben.conflicts() == []


def test_theirs_drops_what_was_typed(ana: Workspace, ben: Workspace) -> None:
    cue = add(ana, CUES, number="11", notes="Old")
    meet(ana, ben)
    view = staged(ana, cue, 3, "er")
    with ben.edit() as edit:
        edit.set(cue, {"notes": "New"})
    meet(ana, ben)
    view.theirs(cue, "notes")
    assert shown(view, cue) == "New"


def test_typing_on_staged_values_and_new_records_is_what_is_staged(ana: Workspace) -> None:
    cue = add(ana, CUES, number="11")
    with ana.overlay("what if") as view:
        with view.edit() as edit:
            edit.set(cue, {"notes": "Set"})
            fresh = edit.add(CUES, number="12", notes="New")
            empty = edit.add(CUES, number="13")
        for one, at in ((cue, 3), (fresh, 3), (empty, 0)):
            type_in(view, one, at, "!")
            type_in(view, one, at + 1, "?")
        view.commit()
    assert [shown(ana, one) for one in (cue, fresh, empty)] == ["Set!?", "New!?", "!?"]


def test_a_text_set_outright_over_staged_typing_replaces_what_is_shown(ana: Workspace, ben: Workspace) -> None:
    cue = add(ana, CUES, number="11", notes="Old")
    meet(ana, ben)
    view = staged(ana, cue, 3, "er")
    type_in(ben, cue, 0, "Very ")
    meet(ana, ben)
    assert shown(view, cue) == "Very Older"
    with view.edit() as edit:
        edit.set(cue, {"notes": "New"})
    view.commit()
    meet(ana, ben)
    assert shown(ben, cue) == "New"
    assert ben.conflicts() == []


def test_two_type_apart_in_a_field_that_was_empty(ana: Workspace, ben: Workspace) -> None:
    cue = add(ana, CUES, number="11")
    meet(ana, ben)
    view = staged(ana, cue, 0, "one")
    type_in(ben, cue, 0, "two")
    meet(ana, ben)
    assert shown(view, cue) in ("onetwo", "twoone")
    view.commit()
    meet(ana, ben)
    assert shown(ben, cue) == shown(ana, cue)
    assert shown(ben, cue) in ("onetwo", "twoone")

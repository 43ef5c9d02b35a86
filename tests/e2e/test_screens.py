"""The screens beside the tables, in a real browser: what they show, by keyboard, in each theme, and what axe finds."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.play import Play
from tests.e2e.stage import apart

from openprod.workspace.workspace import Workspace


def left_here(show: Workspace, bundles: int) -> None:
    """Lets this person have been here when the workspace had so many bundles."""
    kept = {"left": {show.id: {"bundles": bundles, "at": "2026-01-12T18:40:00+00:00"}}}
    (show.home.path / "screen.json").write_text(json.dumps(kept), encoding="utf-8")


def test_home_says_what_others_changed_since_and_what_waits(play: Play, show: Workspace) -> None:
    left_here(show, 2)
    seen = play("home")
    assert seen["broken"] == []
    assert seen["heading"] == "Home"
    assert "Since you were here" in seen["since"]
    assert len(seen["people"]) == 1
    assert "Jordan Reed" in seen["people"][0]
    assert any("Sunday" in entry for entry in seen["entries"])
    assert any("LX 3" in line for line in seen["waits"])
    assert any("Lighting cues" in table for table in seen["tables"])
    assert seen["record"] == "LX 3"
    assert seen["decide"] == "To decide"
    assert seen["type"] == "big"
    assert seen["after"] == 0
    assert seen["errors"] == []


def test_a_first_visit_says_so_instead_of_listing_everything(play: Play) -> None:
    seen = play("newcomer")
    assert seen["first"] == "This is your first time here"
    assert seen["broken"] == []


def test_a_staged_set_is_filled_reviewed_and_committed_by_keyboard(play: Play, show: Workspace) -> None:
    before = show.status()["bundles"]
    seen = play("staging")
    for audit in ("empty", "table", "page", "drifted"):
        assert seen[audit] == [], audit
    assert seen["there"] == "Dawn, slow"
    assert seen["kept"] is True
    assert ["Noon" in line for line in seen["lines"]] == [True, False]
    assert "Elsewhere" in seen["drift"]
    assert "Choose 1, then commit" in seen["waits"]
    assert seen["committed"] is True
    assert seen["none"] == "You are in the production itself"
    assert seen["errors"] == []
    # What the other window wrote, and the commit.
    assert show.status()["bundles"] == before + 2
    assert show.log_entries(1)[0]["label"] == "Move the tech"
    assert show.overlays() == []


def test_a_staged_set_is_left_recalled_in_another_window_and_discarded(play: Play, show: Workspace) -> None:
    before = show.status()["bundles"]
    seen = play("stashing")
    assert seen["left"] is True
    assert "1 kept" in seen["rail"]
    assert seen["recalled"] is True
    assert seen["lost"] is True
    assert seen["bars"] == 0
    assert show.status()["bundles"] == before


def test_many_questions_are_settled_in_one_step_and_one_is_decided_anew(
    play: Play, show: Workspace, tmp_path: Path
) -> None:
    apart(tmp_path / "one", show, "lighting.cues:7", "label", "Noon", "Dusk")
    apart(tmp_path / "two", show, "contacts.people:Jane Doe", "phone", "1", "2")
    before = show.status()["bundles"]
    seen = play("deciding")
    for audit in ("open", "modal", "decided", "waiting"):
        assert seen[audit] == [], audit
    assert sorted(seen["groups"]) == ["Lighting cues", "People"]
    assert any("Dawn" in line for line in seen["preview"])
    assert show.conflicts() == []
    assert show.record("lighting.cues:7")["fields"]["lighting.cues.label"] == "Noon"
    assert show.record("lighting.cues:3")["fields"]["lighting.cues.label"] == "Sunrise"
    assert show.status()["bundles"] == before + 2
    assert seen["errors"] == []


def test_history_is_filtered_any_moment_is_seen_and_a_value_brought_back(play: Play, show: Workspace) -> None:
    seen = play("history")
    for audit in ("timeline", "past", "compare"):
        assert seen[audit] == [], audit
    assert any("Saturday" in entry for entry in seen["entries"])
    assert seen["then"] is True
    assert seen["readOnly"] == 0
    assert any("Noon" in line for line in seen["lines"])
    assert seen["staged"] is True
    assert show.record("lighting.cues:5")["fields"]["lighting.cues.label"] == "Dawn, slow"
    assert show.overlays() == []
    assert seen["errors"] == []


def test_somebody_is_invited_with_a_word_of_warning_and_everything_is_verified(play: Play, show: Workspace) -> None:
    before = len(show.invitations())
    seen = play("people")
    assert seen["line"].startswith("openprod-invite-")
    assert "for ever" in seen["warning"]
    assert sorted(seen["writers"]) == ["Alex Kim", "Jordan Reed"]
    assert seen["page"] == []
    assert len(show.invitations()) == before
    assert seen["errors"] == []

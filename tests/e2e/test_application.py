"""The application beyond its first page, in a real browser."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.play import Play
from tests.e2e.stage import overtaken

from openprod.workspace.workspace import Workspace


def test_undo_and_redo_by_key_with_the_label_on_the_status_bar(play: Play, show: Workspace) -> None:
    seen = play("undoing")
    assert "Noon" in seen["label"]
    assert seen["undone"] is True
    assert seen["redone"] is True
    assert seen["inEditor"] is True
    assert show.record("lighting.cues:5")["fields"]["lighting.cues.label"] == "Noon"


def test_an_undo_that_would_take_back_somebody_elses_work_says_whose(
    play: Play, show: Workspace, tmp_path: Path
) -> None:
    overtaken(tmp_path / "later", show, "lighting.cues:9", "label", "Mine", "Theirs")
    seen = play("refusing")
    assert "Mine" in seen["before"]
    assert "Jordan Reed" in seen["sentence"]
    assert seen["next"] != seen["before"]
    assert show.record("lighting.cues:9")["fields"]["lighting.cues.label"] == "Theirs"


def test_the_palette_goes_to_tables_finds_records_and_does_things(play: Play) -> None:
    seen = play("palette")
    assert seen["gone"] == "People"
    assert seen["record"] == "LX 33"
    assert seen["row"] == "34"
    assert "Trap glow" in seen["why"]
    assert seen["closed"] == 0
    assert seen["blackout"]["green"] == seen["blackout"]["blue"] == 0
    assert seen["nothing"] == 0
    assert seen["errors"] == []


def test_relations_are_columns_that_take_several_records_by_name(play: Play, show: Workspace) -> None:
    with show.edit() as edit:
        edit.add("contacts.groups", name="Choir")
        edit.add("contacts.groups", name="Crew")
    before = show.status()["bundles"]
    seen = play("relations")
    for step in ("chosen", "two", "pasted", "one", "panel", "gone"):
        assert seen[step] is True, step
    assert seen["refusal"] == "Nothing in Groups is called 'Nobodies'. Add it there first, or choose another."
    assert seen["members"] == [True, True]
    assert seen["sorted"] == 0
    assert seen["errors"] == []
    # Chosen, a second one, a paste, one taken away, one by the panel, one taken away: each is one bundle.
    assert show.status()["bundles"] == before + 6

"""The first page in a real browser, on a real workspace behind the real server."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.play import Browser, Play, played
from tests.e2e.stage import set_up

from openprod.workspace.workspace import Workspace


def test_the_page_opens_with_its_tables_and_keeps_no_secret(play: Play) -> None:
    seen = play("opening")
    assert seen["errors"] == []
    assert {"Lighting cues", "People"} <= set(seen["tables"])
    assert seen["heading"] == ["Lighting cues"]
    assert seen["first"] == "1"
    assert seen["open"] == "1"
    assert seen["hash"] == ""
    assert seen["stored"] == {"local": {}, "cookie": ""}
    assert seen["refused"] == "This window is not connected to the show"


def test_an_edit_is_saved_at_once_and_seen_in_the_other_window(play: Play, show: Workspace) -> None:
    seen = play("editing")
    assert seen["here"] is True
    assert seen["there"] is True
    assert show.record("lighting.cues:5")["fields"]["lighting.cues.label"] == "House lights out"
    assert "soon" in seen["refusal"]
    assert seen["kept"] == "soon"
    assert seen["marked"] == 1
    assert seen["after"] == "6.5"


def test_a_question_is_settled_by_keyboard_and_enter_takes_nothing(play: Play, show: Workspace) -> None:
    seen = play("settling")
    assert "2 competing values" in seen["label"]
    assert sorted(seen["offered"]) == ["Dawn", "Sunrise"]
    assert "Alex Kim" in seen["sentence"]
    assert "Jordan Reed" in seen["sentence"]
    assert seen["afterEnter"] == 2
    assert seen["pills"] == 0
    assert seen["settled"] is True
    assert show.conflicts() == []


def test_a_question_is_settled_in_the_record_panel_which_edits_fields_too(play: Play, show: Workspace) -> None:
    seen = play("panel")
    assert seen["inPanel"] is True
    assert seen["settled"] is True
    assert seen["noted"] is True
    assert seen["panels"] == 0
    assert any("Jordan Reed" in line for line in seen["history"])
    assert show.conflicts() == []


def test_the_keyboard_does_what_a_spreadsheets_does(play: Play, show: Workspace) -> None:
    before = show.status()["bundles"]
    seen = play("keys")
    assert seen["typed"] == [True, True]
    assert seen["f2"] == "Ghost special!"
    assert seen["escape"] is True
    assert seen["copied"] == "ZZ\nYY"
    assert seen["pasted"] == [True, True, True]
    assert seen["cleared"] == [True, True]
    assert seen["rowsAfterDelete"] == "60"
    assert seen["filled"] is True
    assert seen["end"] is True
    assert seen["added"] == "61"
    assert seen["left"] == "H1"
    assert seen["aria"] == {
        "rows": "63",
        "columns": True,
        "many": "true",
        "role": "gridcell",
        "row": "3",
        "selected": 1,
        "stops": 1,
    }
    labels = [entry["label"] for entry in show.log_entries(20)]
    assert "Paste 3 cells" in labels
    assert "Clear 2 cells" in labels
    # Two typed cells, one by F2, one paste, one clearing, one filling, one new record: each is one bundle.
    assert show.status()["bundles"] == before + 7


def test_ten_thousand_rows_scroll_with_a_handful_of_elements(browser: Browser, tmp_path: Path) -> None:
    with set_up(tmp_path, cues=10_000) as workspace:
        seen = played(workspace, browser, "scrolling", tmp_path / "shots")
    assert seen["wrong"] == []
    assert seen["many"] < 80
    assert seen["last"] == 10_000
    assert seen["first"] is True


def test_finding_and_sorting_live_in_the_address(play: Play) -> None:
    seen = play("finding")
    assert seen["address"] == "?filter=moon"
    assert seen["longer"] == "6"
    assert "labl" in seen["fault"]
    assert seen["top"] is True
    assert seen["sort"] == "descending"
    assert seen["bottom"] is True


def test_blackout_lights_no_green_or_blue_pixel(play: Play) -> None:
    seen = play("themes")
    for screen in ("blackout", "decide-blackout"):
        assert seen[screen]["green"] == 0
        assert seen[screen]["blue"] == 0
        assert seen[screen]["mean"] < 0.02
    assert seen["dark"]["mean"] < 0.2
    assert seen["light"]["mean"] > 0.7


def test_no_frame_flashes_white_while_a_dark_show_opens(play: Play) -> None:
    seen = play("flash")
    for theme in ("dark", "blackout"):
        assert seen[theme]["count"] > 1
        assert seen[theme]["brightest"] < 0.2
    assert seen["blackout"]["green"] == 0
    assert seen["blackout"]["blue"] == 0


def test_the_private_page_lets_the_browser_in_and_looks_as_it_did_last_time(play: Play, show: Workspace) -> None:
    (show.home.path / "screen.json").write_text('{"theme": "blackout"}', encoding="utf-8")
    seen = play("handover")
    assert seen["theme"] == "blackout"
    assert seen["green"] == seen["blue"] == 0
    assert list(show.home.path.glob("openprod-*")) == []


def test_what_is_typed_while_the_program_is_away_is_kept_and_sent(play: Play, show: Workspace) -> None:
    seen = play("breaking")
    assert seen["status"] == "Reconnecting"
    assert seen["held"] == "typed while away"
    assert seen["isReadOnly"] is True
    assert seen["saved"] is True
    assert show.record("lighting.cues:8")["fields"]["lighting.cues.label"] == "typed while away"


def test_the_page_cannot_be_made_to_run_or_send_anything_else(play: Play) -> None:
    assert play("policy") | {"errors": []} == {
        "elsewhere": [],
        "errors": [],
        "fetch": "stopped",
        "script": "stopped",
        "html": "stopped",
        "eval": "stopped",
    }

"""Files of other programs into tables: which column is which field, what is found again, what goes where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.exchange.real_files import bytes_of

import openprod
from openprod.exchange.stage import Staged, import_bytes
from openprod.model.bundle import decode_header
from openprod.workspace.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with openprod.init(tmp_path / "w", name="Hamlet", template="stage-management", home=tmp_path / "home") as made:
        yield made


def staged(workspace: Workspace, name: str, into: str, sheet: str = "") -> Staged:
    return import_bytes(workspace, bytes_of(name), Path(name).name, into, sheet=sheet)


@pytest.mark.parametrize(
    ("name", "into", "creates", "rejected"),
    [
        ("usitt-ascii/acda2017_concert1-final.asc", "lighting.cues", 119, 0),
        ("usitt-ascii/wcdt_test.asc", "lighting.cues", 133, 0),
        ("usitt-ascii/olc_sample.asc", "lighting.cues", 63, 2),
        ("eos-csv/reference-eos.csv", "lighting.cues", 5, 0),
        ("cue-sheets/Lighting_Tracking_Sheet_UCO_1346.ods", "lighting.cues", 9, 0),
        ("vectorworks-lightwright-xml/TestFile.xml", "lighting.fixtures", 46, 0),
        ("mvr-gdtf/capture_demo_show.mvr", "lighting.fixtures", 76, 0),
        ("instrument-schedule/wcdt2023_instrument_lineset_colour.ods", "lighting.fixtures", 20, 0),
        ("instrument-schedule/course_channel-hookup.csv", "lighting.fixtures", 12, 0),
        ("qlab-csv/example_all.csv", "sound.cues", 55, 1),
        ("qlab-csv/csv_test_doc.csv", "sound.cues", 59, 0),
        ("sound-lsp/acda_gala.lsp", "sound.cues", 15, 0),
        ("ical/alarm_google_future.ics", "schedule.events", 1, 0),
    ],
)
def test_a_real_file_goes_in_and_the_same_again_changes_nothing(
    workspace: Workspace, name: str, into: str, creates: int, rejected: int
) -> None:
    first = staged(workspace, name, into)
    preview = first.preview()
    assert (preview["creates"], len(preview["rejected"])) == (creates, rejected)
    first.commit()
    assert workspace.count(into) == creates
    again = staged(workspace, name, into).preview()
    assert (again["creates"], again["updates"], again["unchanged"]) == (0, 0, creates)


def test_a_cue_keeps_its_list_its_part_and_who_takes_it(workspace: Workspace) -> None:
    staged(workspace, "eos-csv/reference-eos.csv", "lighting.cues").commit()
    found = workspace.query(
        query={
            "from": "lighting.cues",
            "select": {
                "n": "number",
                "p": "part",
                "f": "follow",
                "t": "follow_time",
                "c": "is_called",
                "i": "console_id",
            },
        }
    )
    seen = [(row["n"], row["p"], row["f"], row["t"], row["c"], row["i"]) for row in found]
    assert sorted(seen, key=lambda one: (one[0], one[1] or 0)) == [
        ("1", None, "none", None, True, "DCID-1"),
        ("2", None, "follow", 3, True, "DCID-2"),
        ("3", None, "none", None, False, "DCID-3"),
        ("4", None, "none", None, True, "DCID-4"),
        ("4", 1, "none", None, False, "DCID-4"),
    ]


def test_positions_that_are_not_here_are_made_and_said(workspace: Workspace) -> None:
    name = "instrument-schedule/wcdt2023_instrument_lineset_colour.ods"
    first = staged(workspace, name, "lighting.fixtures")
    said = [one for one in first.preview()["assumed"] if "Positions" in one]
    names = "FOH Port, FOH Bar SR, FOH Bar CS, FOH Bar SL, FOH Box Boom SR, FOH Box Boom SL"
    assert said == [f"6 records of Positions are named and not here yet; they are made as well: {names}."]
    first.commit()
    assert workspace.count("lighting.positions") == 6
    staged(workspace, name, "lighting.fixtures", sheet="LX Bars 1_2").commit()
    assert workspace.count("lighting.positions") == 8
    unit = workspace.record("lighting.positions:FOH Port")
    assert unit["title"] == "FOH Port"


def test_words_in_a_time_stand_in_the_timing_note(workspace: Workspace) -> None:
    raw = b"number,up,timing_note\n1,5,\n2,w/trac,\n3,7 count,slow\n"
    first = import_bytes(workspace, raw, "cues.csv", "lighting.cues")
    assert "What cannot be read as Up stands as text in Timing note (lines 3, 4)." in first.preview()["assumed"]
    first.commit()
    rows = workspace.query(query={"from": "lighting.cues", "select": {"n": "number", "u": "up", "t": "timing_note"}})
    assert [(row["n"], row["u"], row["t"]) for row in rows] == [
        ("1", 5, None), ("2", None, "Up: w/trac"), ("3", None, "slow; Up: 7 count"),
    ]  # fmt: skip


def test_page_thirtyish_and_trim_tba_stay_as_written(workspace: Workspace) -> None:
    staged(workspace, "qlab-csv/example_all.csv", "sound.cues").commit()
    pages = [row["p"] for row in workspace.query(query={"from": "sound.cues", "select": {"p": "page"}})]
    assert "30ish" in pages
    name = "instrument-schedule/wcdt2023_instrument_lineset_colour.ods"
    lines = import_bytes(
        workspace,
        bytes_of(name),
        name,
        "lighting.positions",
        sheet="Lineset",
        columns={"Line No.": "name", "Show Hang": ""},
    )
    lines.commit()
    trims = [row["t"] for row in workspace.query(query={"from": "lighting.positions", "select": {"t": "trim"}})]
    assert "TBA (cover LX1)" in trims


def test_the_history_names_the_file_and_its_format(workspace: Workspace) -> None:
    staged(workspace, "sound-lsp/acda_gala.lsp", "sound.cues").commit()
    (cause,) = decode_header(list(workspace.bundles())[-1].header).causes
    assert (cause.detail[0], cause.detail[3]) == ("acda_gala.lsp", "lsp")


def test_columns_without_a_name_are_chosen_by_their_place(workspace: Workspace) -> None:
    raw = bytes_of("cue-sheets/qlcplus_show_cues.csv")
    first = import_bytes(workspace, raw, "cues.csv", "lighting.cues", columns={"Column 1": "number"})
    assert first.preview()["creates"] == 121

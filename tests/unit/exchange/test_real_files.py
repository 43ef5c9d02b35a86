"""Every real file is read as what it is, with the counts that its README states, or refused in one sentence."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.unit.exchange.real_files import bytes_of, folder

from openprod.exchange.formats import read_file
from openprod.exchange.sheet import Choice, Sheet, Unreadable

# File, format, rows, places that could not be read. Counts of cues, instruments, fixtures and rows are the README's.
READ = (
    ("usitt-ascii/acda2017_concert1-final.asc", "usitt", 119, 0),
    ("usitt-ascii/acda2017_concert2-final.asc", "usitt", 95, 0),
    ("usitt-ascii/acda2017_concert4-final.asc", "usitt", 102, 0),
    ("usitt-ascii/acda2017_gala_midtech.asc", "usitt", 114, 0),
    ("usitt-ascii/acda2017_raw_descant.asc", "usitt", 18, 0),
    ("usitt-ascii/acda2017_cue_block_grout.asc", "usitt", 6, 0),
    ("usitt-ascii/acda2017_cue_block_wild_heart.asc", "usitt", 10, 0),
    ("usitt-ascii/wcdt2023_prepatch.asc", "usitt", 24, 0),
    ("usitt-ascii/wcdt_test.asc", "usitt", 133, 0),
    ("usitt-ascii/olc_sample.asc", "usitt", 53 + 12, 0),
    ("eos-csv/reference-eos.csv", "eos", 5, 0),
    ("cue-sheets/ACDA_2017_Central_Lighting_Cue_Tracking_Sheet.ods", "ods", 0, 0),
    ("cue-sheets/Lighting_Cue_Tracking_Sheet_BYU_Idaho_Grout.xlsx", "xlsx", 6, 0),
    ("cue-sheets/Lighting_Cue_Tracking_Sheet_Illinois_Heavy_Planet.xlsx", "xlsx", 8, 0),
    ("cue-sheets/Lighting_Tracking_Sheet_Iowa_Nimbus.xlsx", "xlsx", 7, 0),
    ("cue-sheets/Lighting_Tracking_Sheet_Missouri_Your_Silence.xlsx", "xlsx", 3, 0),
    ("cue-sheets/Lighting_Tracking_Sheet_Rockford_Hunt.xlsx", "xlsx", 8, 0),
    ("cue-sheets/Lighting_Tracking_Sheet_Tulsa_Under_The_Skin.xlsx", "xlsx", 4, 0),
    ("cue-sheets/Lighting_Tracking_Sheet_UCO_1346.ods", "ods", 9, 0),
    ("cue-sheets/qlcplus_show_cues.csv", "csv", 121, 0),
    ("cue-sheets/qlcplus_timecode_show.csv", "csv", 132, 0),
    ("cue-sheets/inspector_calls_video_cues.csv", "csv", 204, 0),
    ("cue-sheets/course_cue-list.csv", "csv", 5, 0),
    ("cue-sheets/wcdt2023_cue_order.txt", "csv", 22, 0),
    ("running-order/acda2017_technical_concert_listing.ods", "ods", 13, 0),
    ("running-order/acda2017_all_dances_tech_info.txt", "csv", 224, 0),
    ("qlab-csv/example_all.csv", "qlab", 56, 0),
    ("qlab-csv/csv_test_doc.csv", "qlab", 59, 0),
    ("qlab-csv/simple.csv", "qlab", 55, 0),
    ("sound-lsp/acda_concert_1.lsp", "lsp", 13, 0),
    ("sound-lsp/acda_gala.lsp", "lsp", 15, 0),
    ("instrument-schedule/wcdt2023_instrument_lineset_colour.ods", "ods", 20, 0),
    ("instrument-schedule/acda2017_plotting_systems.ods", "ods", 51, 0),
    ("instrument-schedule/wcdt2023_plot_circuits.xlsx", "xlsx", 17, 0),
    ("instrument-schedule/course_channel-hookup.csv", "csv", 12, 0),
    ("vectorworks-lightwright-xml/TestFile.xml", "vectorworks", 46, 0),
    ("mvr-gdtf/basic_fixture.mvr", "mvr", 1, 0),
    ("mvr-gdtf/capture_demo_show.mvr", "mvr", 76, 0),
    ("mvr-gdtf/BlenderDMX_LED_PAR_64_RGBW_v0.3.gdtf", "gdtf", 1, 0),
    ("schedule/rvco_h2s_rehearsal_schedule_rev1.csv", "csv", 47, 0),
    ("schedule/rvco_h2s_rehearsal_schedule_rev2.csv", "csv", 43, 0),
    ("schedule/rvco_h2s_rehearsal_schedule_rev3.csv", "csv", 43, 0),
    ("schedule/acda2017_technical_schedule.ods", "ods", 21, 0),
    ("schedule/cyt_call_schedule.txt", "call_list", 11, 0),
    ("schedule/cyt_schedules.json", "json", 33, 0),
    ("cast-list/cyt_cast_list_names_replaced.csv", "csv", 156, 0),
    ("ical/alarm_google_future.ics", "ical", 1, 0),
    ("ical/alarm_thunderbird_future.ics", "ical", 1, 0),
    ("ical/america_new_york.ics", "ical", 1, 0),
    ("ical/big_bad_calendar.ics", "ical", 0, 20),
    ("ical/event_with_escaped_characters.ics", "ical", 0, 1),
    ("ical/event_with_recurrence_exdates_on_different_lines.ics", "ical", 10, 0),
    ("ical/issue_1231_recurrence.ics", "ical", 1, 0),
    ("ical/issue_127_categories_with_commas.ics", "ical", 1, 0),
    ("ical/issue_722_missing_timezones.ics", "ical", 2, 2),
    ("ical/issue_722_timezone_transition_ambiguity.ics", "ical", 4, 0),
    ("ical/multiple_timezones.ics", "ical", 3, 0),
    ("ical/timezoned.ics", "ical", 1, 0),
    ("ical/x_location.ics", "ical", 261, 0),
    ("plays/richard3.json", "json", 25, 0),
    ("production/characters.csv", "csv", 55, 0),
    ("production/scenes.csv", "csv", 25, 0),
    ("production/scene_characters.csv", "csv", 152, 0),
    ("production/contacts.csv", "csv", 53, 0),
    ("production/casting.csv", "csv", 57, 0),
    ("production/schedule.csv", "csv", 79, 0),
    ("production/lx_cues.csv", "csv", 407, 0),
    ("production/sound_cues.csv", "csv", 118, 0),
    ("production/answers_clashes.csv", "csv", 49, 0),
    ("production/answers_event_calls.csv", "csv", 79, 0),
    ("production/answers_first_calls.csv", "csv", 388, 0),
    ("production/answers_sm_cues.csv", "csv", 416, 0),
)
REFUSED = (
    ("cue-sheets/wcdt2023_Angels_Rising_cues_2023.docx", "Word document"),
    ("cue-sheets/wcdt2023_seenUnseen_light_cues.docx", "Word document"),
    ("ical/bom_calendar.ics", "holds no events"),
    ("ical/calendar_with_unicode.ics", "holds no events"),
    ("ical/time.ics", "holds no events"),
    ("plays/goethe-goetz-von-berlichingen.tei.xml", "XML of a kind that is not understood"),
)
NO_DATA = {"FORMATS.md", "README.md", "production/derive.py"}


def sheet_of(name: str, choice: Choice | None = None) -> Sheet:
    return read_file(bytes_of(name), Path(name).name, "", choice)[1]


def column(sheet: Sheet, name: str) -> list[str]:
    at = sheet.header.index(name)
    return [row[at] for row in sheet.rows]


@pytest.mark.parametrize(("name", "form", "rows", "bad"), READ)
def test_a_real_file_is_read_as_what_it_is(name: str, form: str, rows: int, bad: int) -> None:
    found, sheet = read_file(bytes_of(name), Path(name).name)
    assert (found.name, len(sheet.rows), len(sheet.bad)) == (form, rows, bad)
    assert all(len(row) == len(sheet.header) for row in sheet.rows)
    assert len(sheet.lines) == len(sheet.rows)


@pytest.mark.parametrize(("name", "words"), REFUSED)
def test_a_real_file_that_is_not_read_is_refused_in_one_sentence(name: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_file(bytes_of(name), Path(name).name)


def test_every_real_file_is_in_these_tables() -> None:
    there = {str(path.relative_to(folder())) for path in folder().rglob("*") if path.is_file()}
    assert there - NO_DATA == {name for name, *_ in READ} | {name for name, _ in REFUSED}


@pytest.mark.parametrize(
    ("name", "points", "labels", "follows"),
    [
        ("acda2017_concert1-final", ["251.5"], 32, 1),
        ("acda2017_concert4-final", ["253.5", "303.5"], 32, 0),
        ("acda2017_gala_midtech", ["603.5"], 23, 0),
        ("wcdt_test", ["116.5", "254.5", "552.1", "552.2"], 0, 3),
        ("wcdt2023_prepatch", [], 19, 0),
    ],
)
def test_an_expression_show_keeps_its_point_cues_labels_and_follows(
    name: str, points: list[str], labels: int, follows: int
) -> None:
    sheet = sheet_of(f"usitt-ascii/{name}.asc")
    assert [number for number in column(sheet, "Cue") if "." in number] == points
    assert sum(map(bool, column(sheet, "Text"))) == labels if labels > 0 else "Text" not in sheet.header
    assert Counter(column(sheet, "Follow"))["follow"] == follows
    assert Counter(column(sheet, "Called"))["no"] == follows


def test_olc_text_in_utf8_wins_and_its_sequences_are_lists() -> None:
    sheet = sheet_of("usitt-ascii/olc_sample.asc")
    assert column(sheet, "Text")[1] == "Entrée Public"
    assert column(sheet, "List").count("1") == 53
    assert column(sheet, "Cue")[:3] == ["1", "2", "1"]


def test_the_eos_reference_has_its_part_its_follow_and_its_scenes() -> None:
    sheet = sheet_of("eos-csv/reference-eos.csv")
    assert column(sheet, "TARGET_ID") == ["1", "2", "3", "4", "4"]
    assert column(sheet, "PART_NUMBER") == ["", "", "", "", "1"]
    assert column(sheet, "FOLLOW") == ["none", "follow", "none", "none", "none"]
    assert column(sheet, "IS_CALLED") == ["yes", "yes", "no", "yes", "no"]
    assert column(sheet, "LABEL")[3] == "Nächster manueller Cue"
    assert column(sheet, "SCENE_TEXT") == ["Prolog", "", "", "Szene 1", ""]


def test_an_instrument_schedule_keeps_its_positions_and_leaves_its_totals() -> None:
    sheet = sheet_of("instrument-schedule/wcdt2023_instrument_lineset_colour.ods")
    assert sheet.name == "FOH Bars"
    assert list(dict.fromkeys(column(sheet, "Section"))) == [
        "FOH Port", "FOH Bar SR", "FOH Bar CS", "FOH Bar SL", "FOH Box Boom SR", "FOH Box Boom SL",
    ]  # fmt: skip
    assert "1150" not in column(sheet, "Wattage")
    assert any("'Lineset'" in sentence for sentence in sheet.assumed)


def test_another_sheet_is_read_by_its_name() -> None:
    sheet = sheet_of("instrument-schedule/wcdt2023_instrument_lineset_colour.ods", Choice(sheet="lineset"))
    assert sheet.header[0] == "Line No."
    assert column(sheet, "Trim Height")[0] == "TBA (cover LX1)"
    assert column(sheet, "Distance From SL")[0] == "1' 3\""


def test_a_cue_tracking_form_is_turned_on_its_side() -> None:
    sheet = sheet_of("cue-sheets/Lighting_Cue_Tracking_Sheet_BYU_Idaho_Grout.xlsx")
    assert sheet.unit == "column"
    assert column(sheet, "Cue Number") == ["1", "2", "3", "4", "5", "6"]
    assert column(sheet, "Fade Time of Cue (REQUIRED)")[:2] == ["11sec", "11sec"]
    assert column(sheet, "To be LABELED - Track Time")[:2] == ["w/trac", "0:27:00"]
    assert "Group 1 (All Frontlight Cool Full Stage): 40" in column(sheet, "Levels")[0]
    assert any("60 times too long" in sentence for sentence in sheet.assumed)


def test_a_plot_keeps_its_instruments_and_accessories() -> None:
    sheet = sheet_of("vectorworks-lightwright-xml/TestFile.xml")
    assert len(sheet.rows) == 46
    assert column(sheet, "Device_Type").count("Accessory") == 7
    assert column(sheet, "Accessories")[6] == "S4B Template Holder; S4A Template Holder"
    assert len(set(column(sheet, "UID"))) == 46
    assert column(sheet, "UniverseAddress")[0] == "11/80"
    assert "0/0" not in column(sheet, "UniverseAddress")
    assert "1500 W" in column(sheet, "Wattage")
    assert column(sheet, "Color")[7] == "R119+G440"


def test_a_scene_keeps_its_fixtures_addresses_and_places() -> None:
    sheet = sheet_of("mvr-gdtf/capture_demo_show.mvr")
    first = dict(zip(sheet.header, sheet.rows[0], strict=True))
    assert first["Address"] == "2/1"
    assert (first["X"], first["Y"], first["Z"]) == ("-6.671", "-0.891", "5.565")
    assert first["Layer"] == "Truss Lights"
    assert first["Footprint"] == "32"


def test_a_qlab_table_keeps_what_people_wrote() -> None:
    sheet = sheet_of("qlab-csv/example_all.csv")
    assert "30ish" in column(sheet, "Page")
    assert column(sheet, "Number").count("PQ 20") == 2
    assert set(column(sheet, "Continue Mode")) <= {"", "none", "auto-continue", "auto-follow"}

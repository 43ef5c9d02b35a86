"""Every real file goes into a table or relation, or says in one sentence why not, as docs/real-files.md tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.exchange.real_files import bytes_of, folder

import openprod
from openprod.exchange.stage import How, import_bytes
from openprod.exchange.staged import Staged
from openprod.model.errors import OpenprodError
from openprod.workspace.workspace import Workspace

LX, SQ, FIX, EV = "lighting.cues", "sound.cues", "lighting.fixtures", "schedule.events"
DOC = Path(__file__).resolve().parents[2] / "docs" / "real-files.md"
PLAIN = How()

# File, where it goes, what is said beside it, new records, lines left out.
IMPORTS: tuple[tuple[str, str, How, int, int], ...] = (
    ("usitt-ascii/acda2017_concert1-final.asc", LX, PLAIN, 119, 0),
    ("usitt-ascii/acda2017_concert2-final.asc", LX, PLAIN, 95, 0),
    ("usitt-ascii/acda2017_concert4-final.asc", LX, PLAIN, 102, 0),
    ("usitt-ascii/acda2017_gala_midtech.asc", LX, PLAIN, 114, 0),
    ("usitt-ascii/acda2017_raw_descant.asc", LX, PLAIN, 18, 0),
    ("usitt-ascii/acda2017_cue_block_grout.asc", LX, PLAIN, 6, 0),
    ("usitt-ascii/acda2017_cue_block_wild_heart.asc", LX, PLAIN, 10, 0),
    ("usitt-ascii/wcdt2023_prepatch.asc", LX, PLAIN, 24, 0),
    ("usitt-ascii/wcdt_test.asc", LX, PLAIN, 133, 0),
    ("usitt-ascii/olc_sample.asc", LX, PLAIN, 63, 2),
    ("eos-csv/reference-eos.csv", LX, PLAIN, 5, 0),
    ("cue-sheets/ACDA_2017_Central_Lighting_Cue_Tracking_Sheet.ods", LX, PLAIN, 0, 0),
    ("cue-sheets/Lighting_Cue_Tracking_Sheet_BYU_Idaho_Grout.xlsx", LX, PLAIN, 6, 0),
    ("cue-sheets/Lighting_Cue_Tracking_Sheet_Illinois_Heavy_Planet.xlsx", LX, PLAIN, 8, 0),
    ("cue-sheets/Lighting_Tracking_Sheet_Iowa_Nimbus.xlsx", LX, PLAIN, 7, 0),
    ("cue-sheets/Lighting_Tracking_Sheet_Missouri_Your_Silence.xlsx", LX, PLAIN, 3, 0),
    ("cue-sheets/Lighting_Tracking_Sheet_Rockford_Hunt.xlsx", LX, PLAIN, 8, 0),
    ("cue-sheets/Lighting_Tracking_Sheet_Tulsa_Under_The_Skin.xlsx", LX, PLAIN, 4, 0),
    ("cue-sheets/Lighting_Tracking_Sheet_UCO_1346.ods", LX, PLAIN, 9, 0),
    ("cue-sheets/qlcplus_show_cues.csv", LX, How({"Column 1": "number"}), 121, 0),
    ("cue-sheets/qlcplus_timecode_show.csv", SQ, How({"TIMECODE": "number", "NAME": "label", "DURATION": ""}), 56, 76),
    ("cue-sheets/inspector_calls_video_cues.csv", SQ, How({"cue": "number", "op": "label", "pars": "notes"}), 100, 104),
    ("cue-sheets/course_cue-list.csv", LX, PLAIN, 5, 0),
    ("running-order/acda2017_technical_concert_listing.ods", "script.scenes",
     How({"PIECE #": "number", "LX BLOCK": "order", "DANCE PIECE TITLE": "title", "PIECE LENGTH": "length"}), 12, 1),
    ("qlab-csv/example_all.csv", SQ, PLAIN, 55, 1),
    ("qlab-csv/csv_test_doc.csv", SQ, PLAIN, 59, 0),
    ("qlab-csv/simple.csv", SQ, PLAIN, 55, 0),
    ("sound-lsp/acda_concert_1.lsp", SQ, PLAIN, 13, 0),
    ("sound-lsp/acda_gala.lsp", SQ, PLAIN, 15, 0),
    ("instrument-schedule/wcdt2023_instrument_lineset_colour.ods", FIX, PLAIN, 20, 0),
    ("instrument-schedule/wcdt2023_plot_circuits.xlsx", FIX, PLAIN, 17, 0),
    ("instrument-schedule/course_channel-hookup.csv", FIX, PLAIN, 12, 0),
    ("vectorworks-lightwright-xml/TestFile.xml", FIX, PLAIN, 46, 0),
    ("mvr-gdtf/basic_fixture.mvr", FIX, PLAIN, 1, 0),
    ("mvr-gdtf/capture_demo_show.mvr", FIX, PLAIN, 76, 0),
    ("mvr-gdtf/BlenderDMX_LED_PAR_64_RGBW_v0.3.gdtf", FIX, PLAIN, 1, 0),
    ("schedule/rvco_h2s_rehearsal_schedule_rev1.csv", EV, PLAIN, 44, 0),
    ("schedule/rvco_h2s_rehearsal_schedule_rev2.csv", EV, PLAIN, 40, 0),
    ("schedule/rvco_h2s_rehearsal_schedule_rev3.csv", EV, PLAIN, 40, 0),
    ("schedule/acda2017_technical_schedule.ods", EV, How({"DANCE PIECE TO TECH": "title"}), 21, 0),
    ("schedule/cyt_call_schedule.txt", EV, PLAIN, 11, 0),
    ("schedule/cyt_schedules.json", EV, PLAIN, 33, 0),
    ("cast-list/cyt_cast_list_names_replaced.csv", "casting.performers", How({"Actor": "name", "Role": ""}), 66, 90),
    ("ical/alarm_google_future.ics", EV, PLAIN, 1, 0),
    ("ical/alarm_thunderbird_future.ics", EV, PLAIN, 1, 0),
    ("ical/america_new_york.ics", EV, PLAIN, 1, 0),
    ("ical/big_bad_calendar.ics", EV, PLAIN, 0, 20),
    ("ical/event_with_escaped_characters.ics", EV, PLAIN, 0, 1),
    ("ical/event_with_recurrence_exdates_on_different_lines.ics", EV, PLAIN, 10, 0),
    ("ical/issue_1231_recurrence.ics", EV, PLAIN, 1, 0),
    ("ical/issue_127_categories_with_commas.ics", EV, PLAIN, 1, 0),
    ("ical/issue_722_missing_timezones.ics", EV, PLAIN, 2, 2),
    ("ical/issue_722_timezone_transition_ambiguity.ics", EV, PLAIN, 4, 0),
    ("ical/multiple_timezones.ics", EV, PLAIN, 3, 0),
    ("ical/timezoned.ics", EV, PLAIN, 1, 0),
    ("ical/x_location.ics", EV, PLAIN, 261, 0),
    ("plays/richard3.json", "script.scenes", How({
        "{sectionNumber}.{chapterNumber}": "number", "chapterNumber": "order", "description": "place",
    }), 25, 0),
    ("production/characters.csv", "script.characters", How({"character_id": "code"}), 55, 0),
    ("production/scenes.csv", "script.scenes", How({"scene": "number", "location": "place"}), 25, 0),
    ("production/contacts.csv", "contacts.people", How({"first_name + last_name": "name"}), 53, 0),
    ("production/schedule.csv", EV, How({"event_id": "number", "type": "kind", "call_time": "call"}), 79, 0),
    ("production/lx_cues.csv", LX, PLAIN, 407, 0),
    ("production/sound_cues.csv", SQ, PLAIN, 118, 0),
)  # fmt: skip
REFUSED = (
    ("cue-sheets/wcdt2023_Angels_Rising_cues_2023.docx", LX, "Word document"),
    ("cue-sheets/wcdt2023_seenUnseen_light_cues.docx", LX, "Word document"),
    ("cue-sheets/wcdt2023_cue_order.txt", LX, "No column of the file"),
    ("running-order/acda2017_all_dances_tech_info.txt", "script.scenes", "No column of the file"),
    ("instrument-schedule/acda2017_plotting_systems.ods", EV, "No column of the file"),
    ("ical/bom_calendar.ics", EV, "holds no events"),
    ("ical/calendar_with_unicode.ics", EV, "holds no events"),
    ("ical/time.ics", EV, "holds no events"),
    ("plays/goethe-goetz-von-berlichingen.tei.xml", "script.scenes", "XML of a kind that is not understood"),
)
# Into relations, once the tables are there; and answers, which are results to compare with.
RELATIONS = ("production/scene_characters.csv", "production/casting.csv")
ANSWERS = ("first_calls", "event_calls", "clashes", "sm_cues")


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with openprod.init(tmp_path / "w", name="Hamlet", template="stage-management", home=tmp_path / "home") as made:
        yield made


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A production in which nothing is ever written."""
    folder = tmp_path_factory.mktemp("untouched")
    with openprod.init(folder / "w", name="Hamlet", template="stage-management", home=folder / "home") as made:
        yield made


def planned(ws: Workspace, name: str, into: str, how: How = PLAIN) -> Staged:
    return import_bytes(ws, bytes_of(name), Path(name).name, into, how=how)


@pytest.mark.parametrize(("name", "into", "how", "creates", "rejected"), IMPORTS, ids=[one[0] for one in IMPORTS])
def test_a_real_file_goes_where_it_belongs(
    untouched: Workspace, name: str, into: str, how: How, creates: int, rejected: int
) -> None:
    preview = planned(untouched, name, into, how).preview()
    assert (preview["creates"], len(preview["rejected"])) == (creates, rejected)
    assert all(line["reason"] for line in preview["rejected"])


@pytest.mark.parametrize(("name", "into", "words"), REFUSED)
def test_a_real_file_that_does_not_go_in_says_why_in_one_sentence(
    untouched: Workspace, name: str, into: str, words: str
) -> None:
    with pytest.raises(OpenprodError, match=words):
        planned(untouched, name, into)


def test_the_table_in_the_docs_names_every_real_file_and_what_came_of_it() -> None:
    there = {str(path.relative_to(folder())) for path in folder().rglob("*") if path.is_file()}
    data = {name for name in there if not name.endswith((".md", ".py"))}
    rows = dict(re.findall(r"^\| `([^`]+)` \|(.*)\|$", DOC.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(rows) == data
    tested = {one[0] for one in IMPORTS} | {one[0] for one in REFUSED} | set(RELATIONS)
    tested |= {f"production/answers_{name}.csv" for name in ANSWERS}
    assert tested == data
    for name, _, _, creates, rejected in IMPORTS:
        assert f" {creates:,} " in rows[name], name
        assert not rejected or f" {rejected} " in rows[name], name


def test_the_three_issues_of_a_real_schedule_come_in_as_differences_a_person_agrees_with(ws: Workspace) -> None:
    notes = {2: 13, 3: 6}
    for issue in (1, 2, 3):
        found = planned(ws, f"schedule/rvco_h2s_rehearsal_schedule_rev{issue}.csv", EV)
        preview = found.preview()
        assert preview["rejected"] == []
        assert any("--assume year=" in one for one in preview["assumed"])
        assert any("--assume times=" in one for one in preview["assumed"])
        (overlay,) = found.stage()
        assert (overlay.conflicts(), overlay.drift()) == ([], [])
        if issue > 1:
            changes = overlay.diff()
            assert (preview["creates"], preview["unchanged"]) == (0, 40 - preview["updates"])
            assert {one["kind"] for one in changes} == {"set"}
            assert sum(one["field"].endswith(".note") for one in changes) == notes[issue]
            assert {one["field"].rpartition(".")[2] for one in changes} <= {"note", "what", "title", "leader"}
        overlay.commit()
    # The four January rehearsals that the second issue leaves out are listed, and still there.
    assert [one["title"] for one in found.gone()][:2] == ["Principal music", "Readthrough, new cast member auditions"]
    assert ws.count(EV) == 44
    rows = {str(row["date"]): row for row in ws.query(from_=EV)}
    assert (rows["2026-01-18"]["status"], rows["2026-01-18"]["note"]) == ("cancelled", "CANCELED (snow)")
    assert (rows["2026-02-02"]["start"], rows["2026-02-02"]["end"]) == ("19:30", "22:00")
    assert (rows["2026-04-18"]["start"], rows["2026-04-18"]["end"], rows["2026-04-18"]["note"]) == (
        "12:00",
        "22:30",
        "SHMS",
    )
    assert rows["2026-04-05"]["title"] == "NO REHEARSAL! (Easter)"


def test_what_was_assumed_of_the_real_schedule_is_changed_by_saying_so(ws: Workspace) -> None:
    how = How(assume={"year": "2015", "times": "am"})
    found = planned(ws, "schedule/rvco_h2s_rehearsal_schedule_rev2.csv", EV, how)
    (overlay,) = found.stage()
    (first, *_) = overlay.query(from_=EV)
    assert (first["date"], first["start"], first["end"]) == ("2015-02-01", "02:00", "05:00")
    overlay.commit()
    again = planned(ws, "schedule/rvco_h2s_rehearsal_schedule_rev3.csv", EV)
    assert again.note.setup["assume"] == {"year": "2015", "times": "am"}
    assert (again.preview()["creates"], again.preview()["updates"]) == (0, 8)


def test_the_cast_list_goes_into_casting_once_roles_and_performers_are_there(ws: Workspace) -> None:
    name = "cast-list/cyt_cast_list_names_replaced.csv"
    for into, how in (
        ("casting.roles", How({"Role": "name"}, ["name"], source="roles")),
        ("casting.performers", How({"Actor": "name", "Role": ""}, source="performers")),
    ):
        (overlay,) = planned(ws, name, into, how).stage()
        overlay.commit()
    found = planned(ws, name, "casting.plays", How(source="plays"))
    assert found.preview()["creates"] == 156

"""Files for other programs: what is written, and that what comes back unchanged changes nothing."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from tests.unit.exchange.real_files import bytes_of

import openprod
from openprod.exchange import paper, to_eos, to_vcard
from openprod.exchange.csv import read_csv
from openprod.exchange.listing import Listing, NoSuchColumn, of_query, of_table
from openprod.exchange.sheet import Unreadable
from openprod.exchange.stage import import_bytes
from openprod.exchange.typesetting import Layout
from openprod.exchange.words import NotInThisForm
from openprod.exchange.writers import UnknownWriter, format_of, write
from openprod.workspace.workspace import Workspace

NOW = dt.datetime(2026, 1, 12, 9, 30, tzinfo=dt.UTC)
NAME = "'=Åse, \"the\" O'Neill; Jr\\"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with openprod.init(tmp_path / "w", name="Hamlet", template="stage-management", home=tmp_path / "home") as made:
        with made.edit() as edit:
            edit.add("contacts.people", name=NAME, email="ase@example.com", phone="+44 20", notes="two\nlines")
            edit.add("contacts.people", name="Bo", company="Éclair; Fils, et cie")
            edit.add("schedule.events", date="2026-01-12", title="Run, late", start="19:00", end="00:30", room="Hall A")
            edit.add("schedule.events", date="2026-01-13", title="Day off", status="confirmed")
            edit.add("lighting.cues", list="1", number="11.10", label="=2+2", up="3", is_called=True, line=12)
            edit.add("lighting.cues", list="1", number="12", label="Dusk\x0bfalls")
            bell = edit.add("sound.cues", number="SQ 10", type="audio", label="Bell", is_called=True)
            edit.set(bell, {"continue": "auto-follow"})
        yield made


def events_in(calendar: bytes) -> list[dict[str, str]]:
    """Returns the lines of each event by their names, in order of the titles."""
    text = calendar.decode().replace("\r\n ", "")
    found = [part.partition("END:VEVENT")[0] for part in text.split("BEGIN:VEVENT\r\n")[1:]]
    events = [{line.partition(":")[0]: line.partition(":")[2] for line in one.splitlines()} for one in found]
    return sorted(events, key=lambda one: one["SUMMARY"])


def written(workspace: Workspace, table: str, form: str) -> bytes:
    """Returns a whole table in a format."""
    return write(workspace, of_table(workspace, table, is_whole=True), form, NOW).raw


@pytest.mark.parametrize(
    ("table", "form", "ending"),
    [
        ("contacts.people", "csv", "csv"),
        ("contacts.people", "tsv", "tsv"),
        ("contacts.people", "json", "json"),
        ("contacts.people", "xlsx", "xlsx"),
        ("contacts.people", "vcard", "vcf"),
        ("schedule.events", "csv", "csv"),
        ("schedule.events", "json", "json"),
        ("schedule.events", "xlsx", "xlsx"),
        ("schedule.events", "ical", "ics"),
        ("lighting.cues", "csv", "csv"),
        ("lighting.cues", "json", "json"),
        ("sound.cues", "qlab", "csv"),
    ],
)
def test_what_is_written_and_read_again_changes_nothing(
    workspace: Workspace, table: str, form: str, ending: str
) -> None:
    preview = import_bytes(workspace, written(workspace, table, form), f"again.{ending}", table).preview()
    assert preview["unchanged"] == workspace.count(table) > 0
    assert (preview["creates"], preview["updates"], preview["gone"], preview["rejected"]) == (0, 0, 0, [])


def test_a_workbook_has_types_and_a_frozen_header_and_no_formulas(workspace: Workspace) -> None:
    with workspace.edit() as edit:
        edit.add("schedule.limits", name="=rest", length="11.5", active=True)
    book = load_workbook(io.BytesIO(written(workspace, "schedule.events", "xlsx")))
    sheet = book.active
    assert sheet is not None
    assert (sheet.title, sheet.freeze_panes, sheet.column_dimensions["A"].hidden) == ("Events", "B2", True)
    names = [str(cell.value) for cell in sheet[1]]
    row = dict(zip(names, [cell.value for cell in sheet[2]], strict=True))
    assert row["date"] == dt.datetime(2026, 1, 12)  # noqa: DTZ001 (a day in a sheet has no zone)
    assert row["start"] == dt.time(19, 0)
    limits = load_workbook(io.BytesIO(written(workspace, "schedule.limits", "xlsx"))).active
    assert limits is not None
    cells = {str(name.value): cell for name, cell in zip(limits[1], limits[2], strict=True)}
    assert (cells["name"].value, cells["name"].data_type) == ("=rest", "s")
    assert cells["active"].value is True


def test_letters_that_a_workbook_cannot_hold_are_marked(workspace: Workspace) -> None:
    sheet = load_workbook(io.BytesIO(written(workspace, "lighting.cues", "xlsx"))).active
    assert sheet is not None
    assert "Dusk\N{REPLACEMENT CHARACTER}falls" in [cell.value for row in sheet.rows for cell in row]


def test_a_calendar_keeps_its_ids_and_ends_on_the_next_day(workspace: Workspace) -> None:
    first, second = (written(workspace, "schedule.events", "ical") for _ in range(2))
    assert first == second
    off, run = events_in(first)
    assert (run["DTSTART"], run["DTEND"]) == ("20260112T190000", "20260113T003000")
    assert (run["SUMMARY"], run["LOCATION"]) == ("Run\\, late", "Hall A")
    assert off["DTSTART;VALUE=DATE"] == "20260113"
    assert off["STATUS"] == "CONFIRMED"
    with workspace.edit() as edit:
        (event,) = workspace.query(from_="schedule.events", text='title == "Run, late"')
        edit.set(str(event["id"]), {"title": "Run"})
    again = {one["UID"] for one in events_in(written(workspace, "schedule.events", "ical"))}
    assert again == {off["UID"], run["UID"]}


def test_a_calendar_of_a_show_with_a_zone_says_the_zone(workspace: Workspace) -> None:
    workspace.change_settings({"zone": "Europe/London"})
    raw = written(workspace, "schedule.events", "ical")
    assert b"BEGIN:VTIMEZONE\r\nTZID:Europe/London" in raw
    _, run = events_in(raw)
    assert run["DTSTART;TZID=Europe/London"] == "20260112T190000"
    preview = import_bytes(workspace, raw, "again.ics", "schedule.events").preview()
    assert (preview["unchanged"], preview["updates"]) == (2, 0)


def test_an_answer_about_people_is_a_calendar_of_one_person(workspace: Workspace) -> None:
    with workspace.edit() as edit:
        people = [edit.add("contacts.people", name=name) for name in ("Ann", "Bob")]
        event = edit.add("schedule.events", date="2026-01-14", title="Fight", start="10:00", status="confirmed")
        for one in people:
            edit.relate(event, "schedule.calls", one)
    calls = of_query(workspace, "schedule.day_calls").only({"name": "ann"})
    (event_of_ann,) = events_in(write(workspace, calls, "ical", NOW).raw)
    assert event_of_ann["SUMMARY"] == "Fight"
    with pytest.raises(NoSuchColumn, match=r"no column 'who'. It has: date, call"):
        calls.only({"who": "Ann"})


def test_a_table_that_says_no_day_is_no_calendar(workspace: Workspace) -> None:
    with pytest.raises(NotInThisForm, match="nothing in it says the date"):
        written(workspace, "contacts.people", "ical")


def test_long_lines_of_a_card_are_folded_between_letters(workspace: Workspace) -> None:
    with workspace.edit() as edit:
        edit.add("contacts.people", name="Łucja " * 30)
    raw = to_vcard.write(workspace, of_table(workspace, "contacts.people", where='name LIKE "Łucja%"'))
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    assert raw.decode().replace("\r\n ", "").count("Łucja") == 60


def test_qlab_gets_the_columns_it_needs_and_the_numbers_of_its_modes(workspace: Workspace) -> None:
    sheet = read_csv(written(workspace, "sound.cues", "qlab"))
    assert sheet.header == ("Number", "Type", "Name", "Continue Mode")
    assert sheet.rows == [["SQ 10", "audio", "Bell", "2"]]


def test_json_holds_values_as_they_are(workspace: Workspace) -> None:
    (first, _) = json.loads(written(workspace, "schedule.events", "json"))
    assert (first["date"], first["start"], first["room"]) == ("2026-01-12", "19:00", "Hall A")


EOS = (
    b"\xef\xbb\xbfSTART_TARGETS\r\n"
    b"TARGET_TYPE,TARGET_TYPE_AS_TEXT,TARGET_LIST_NUMBER,TARGET_ID,TARGET_DCID,PART_NUMBER,LABEL,TIME_DATA,FOLLOW,CUE_NOTES\r\n"
    b'1,Cue,0,001.500,A,, "Dawn",3.0,F3,"a ""b"", c"\n'
    b"1,Cue,1,2,B,,Noon,5,,\r\n"
    b"9,Group,,1,,,Front,,,\r\n"
    b"END_TARGETS\r\n"
)


def eos(workspace: Workspace) -> Listing:
    """Returns the cues as they are written for the console."""
    return of_table(workspace, "lighting.cues", is_whole=True)


def test_a_consoles_export_stays_byte_for_byte_where_nothing_changed(tmp_path: Path) -> None:
    with openprod.init(tmp_path / "w", name="Show", template="stage-management", home=tmp_path / "home") as workspace:
        import_bytes(workspace, EOS, "show.csv", "lighting.cues").commit()
        raw, notes = to_eos.write_onto(workspace, eos(workspace), EOS)
        assert raw == EOS
        assert notes == ["Nothing differs from that file; it was written as it is."]


def test_only_changed_cells_are_replaced_in_a_consoles_export(tmp_path: Path) -> None:
    with openprod.init(tmp_path / "w", name="Show", template="stage-management", home=tmp_path / "home") as workspace:
        import_bytes(workspace, EOS, "show.csv", "lighting.cues").commit()
        with workspace.edit() as edit:
            edit.set("lighting.cues:1.5", {"label": "Dusk, slow", "follow": "hang", "follow_time": "2"})
            edit.set("lighting.cues:2", {"number": "2.5"})
            edit.add("lighting.cues", number="77")
        raw, notes = to_eos.write_onto(workspace, eos(workspace), EOS)
    changed = EOS.replace(b' "Dawn"', b'"Dusk, slow"').replace(b"F3", b"H2").replace(b",1,2,B", b",1,2.5,B")
    assert raw == changed
    assert notes == [
        "Replaced 3 cells of 2 cues.",
        "Not in that file, and so not written: cues 1/77. Make them on the console.",
    ]


def test_a_real_consoles_export_comes_back_as_it_was(tmp_path: Path) -> None:
    real = bytes_of("eos-csv/reference-eos.csv")
    with openprod.init(tmp_path / "w", name="Show", template="stage-management", home=tmp_path / "home") as workspace:
        import_bytes(workspace, real, "show.csv", "lighting.cues").commit()
        assert to_eos.write_onto(workspace, eos(workspace), real)[0] == real
        with workspace.edit() as edit:
            edit.set("lighting.cues:1", {"label": "Schwarz"})
        raw, _ = to_eos.write_onto(workspace, eos(workspace), real)
    assert raw == real.replace(b"DCID-1,,Blackout", b"DCID-1,,Schwarz")


def test_what_is_no_consoles_export_is_not_written_onto(workspace: Workspace) -> None:
    with pytest.raises(Unreadable, match="holds no cues"):
        to_eos.write_onto(workspace, eos(workspace), b"a,b\r\n1,2\r\n")


def test_without_a_consoles_export_the_file_says_that_it_is_for_reading(workspace: Workspace) -> None:
    done = write(workspace, eos(workspace), "eos", NOW)
    assert done.raw.startswith(b"For reading only")
    assert done.notes == [to_eos.FOR_READING]


def test_paper_has_every_row_and_the_page_at_the_foot(workspace: Workspace) -> None:
    raw = write(workspace, of_table(workspace, "contacts.people"), "pdf", NOW).raw
    assert raw.startswith(b"%PDF-")
    empty = write(workspace, of_table(workspace, "contacts.people", where='name == "x"'), "pdf", NOW).raw
    assert empty.startswith(b"%PDF-")


def test_paper_is_of_the_shows_size_and_its_clock(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []

    def typeset(layout: Layout, data: str, *, title: str) -> bytes:
        given.append(json.loads(data))
        return layout.main.encode() + title.encode()

    monkeypatch.setattr(paper, "typeset", typeset)
    workspace.change_settings({"paper": "Letter", "clock": "12"})
    events = of_table(workspace, "schedule.events", ["title", "start"])
    paper.write(workspace, events, NOW, group="title")
    paper.write(workspace, events, NOW, sheet="A3")
    first, second = given
    assert (first["paper"], second["paper"]) == ("us-letter", "a3")
    assert first["moment"] == "2026-01-12 9:30a"
    assert [one["title"] for one in first["columns"]] == ["Start"]
    assert {one["title"]: one["rows"] for one in first["groups"]} == {"Run, late": [["7:00p"]], "Day off": [[""]]}


def test_a_files_ending_says_what_it_is() -> None:
    assert [format_of(name) for name in ("a.CSV", "b.xlsx", "c.ics", "d.vcf", "e", "x.y/f", "-")] == [
        "csv", "xlsx", "ical", "vcard", "csv", "csv", "csv",
    ]  # fmt: skip
    assert format_of("a.csv", "qlab") == "qlab"
    with pytest.raises(UnknownWriter, match=r"its ending is none of \.csv"):
        format_of("show.mp3")
    with pytest.raises(UnknownWriter, match="There is no format 'word'"):
        format_of("a.csv", "word")

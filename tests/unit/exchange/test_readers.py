"""What each reader makes of its format, on small files written here."""

from __future__ import annotations

import io
import zipfile

import pytest

from openprod.exchange import eos, ical, json_rows, lightwright, lsp, mvr, ods, qlab, usitt, vcard, vectorworks
from openprod.exchange.calling import Cue, called
from openprod.exchange.formats import FORMATS, detect, read_file
from openprod.exchange.sheet import BadChoice, Choice, Sheet, Unreadable, canonical_number

ANY = Choice()
EOS_HEAD = "TARGET_TYPE_AS_TEXT,TARGET_LIST_NUMBER,TARGET_ID,PART_NUMBER,LABEL,FOLLOW,LINK"


def rows_of(sheet: Sheet, *names: str) -> list[tuple[str, ...]]:
    places = [sheet.header.index(name) if name in sheet.header else None for name in names]
    return [tuple("" if at is None else row[at] for at in places) for row in sheet.rows]


def zipped(parts: dict[str, bytes | str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return target.getvalue()


# -- numbers and calling


def test_a_cue_number_is_written_without_what_does_not_count() -> None:
    assert [canonical_number(one) for one in ("001.500", "100.0", "11.10", "0.5", "PRE", "1.2.3", "0")] == [
        "1.5", "100", "11.1", "0.5", "PRE", "1.2.3", "0",
    ]  # fmt: skip


def test_a_follow_leads_to_the_next_cue_of_its_own_list() -> None:
    cues = [Cue("1", "1", "", runs_on=True), Cue("2", "1", "", runs_on=False), Cue("1", "2", "", runs_on=False)]
    assert called(cues) == ["yes", "yes", "no"]


def test_a_linked_follow_leads_forward_and_a_loop_is_still_taken() -> None:
    cues = [
        Cue("1", "1", "", runs_on=True, link="3"),
        Cue("1", "2", "", runs_on=False),
        Cue("1", "3", "", runs_on=True, link="2"),
    ]
    assert called(cues) == ["yes", "yes", "no"]


# -- Eos


def test_eos_is_read_by_names_in_any_case_with_a_second_header_and_without_an_end() -> None:
    head = EOS_HEAD.lower()
    raw = f"START_TARGETS\n{head}\r\nCue,0,001.500,,Dawn,F3,\n{head}\nCue,1,2.0,,Day,H2.5,\n\nCue,1,3,,Dusk,,\n"
    sheet = eos.read(raw.encode(), ANY)
    assert rows_of(sheet, "TARGET_LIST_NUMBER", "TARGET_ID", "FOLLOW", "FOLLOW_TIME", "IS_CALLED") == [
        ("1", "1.5", "follow", "3", "yes"), ("1", "2", "hang", "2.5", "no"), ("1", "3", "none", "", "no"),
    ]  # fmt: skip
    assert any("Cue list 0 is read as list 1 (line 3)" in sentence for sentence in sheet.assumed)


def test_eos_keeps_cues_only_and_counts_what_it_leaves_out() -> None:
    raw = (
        f"START_LEVELS\nA,B\n1,2\nEND_LEVELS\nSTART_TARGETS\n{EOS_HEAD}\nGroup,,1,,Wash,,\nCue,1,1,,Dawn,,\n"
        "Cue,1,,,No,,\nEND_TARGETS\nSTART_SHOWCONTROL\nX\nEND_SHOWCONTROL\n"
    )
    sheet = eos.read(raw.encode(), ANY)
    assert rows_of(sheet, "LABEL") == [("Dawn",)]
    assert sheet.bad == [(9, "the cue has no number (TARGET_ID)")]
    assert "Only cues were read; left out: 1 Group." in sheet.assumed


def test_eos_without_cues_or_header_is_refused() -> None:
    for raw in (b"START_TARGETS\nEND_TARGETS\n", b"START_TARGETS\nCue,1,1\nEND_TARGETS\n"):
        with pytest.raises(Unreadable):
            eos.read(raw, ANY)


# -- USITT


def test_usitt_of_eos_has_lists_parts_delays_and_unicode_labels() -> None:
    raw = (
        "Ident 3:0\n$CueList 2\n  Text Spots\nCue 1 2\n   Text Cafe\n   $$UText 4300 6100 6600 E900\n"
        "   $$TimeUp 5 1 1 1\n   $$Hang 2\n   Part 1\n    Up 3\nCue 2.50/1 2\n$Cue 3 2\n$$Block\n"
        "$$Follow 4\n$$SceneText Storm\nEnddata\nCue 9\n"
    )
    sheet = usitt.read(raw.encode(), ANY)
    assert rows_of(sheet, "List", "Cue", "Part", "Text", "Up", "Up delay", "Follow", "Follow time") == [
        ("2", "1", "", "Café", "5", "1", "hang", "2"),
        ("2", "1", "1", "", "3", "", "none", ""),
        ("2", "2.5", "1", "", "", "", "none", ""),
        ("2", "3", "", "", "", "", "follow", "4"),
    ]
    assert rows_of(sheet, "Called", "Block", "Scene text")[3] == ("no", "yes", "Storm")


def test_usitt_needs_no_head_no_indent_and_no_case() -> None:
    raw = b"CUE 100.0\nDOWN 5 0\nCHAN\nFOLLOWON 10\ncue 101\ncue\n"
    assert usitt.is_usitt(raw.decode())
    sheet = usitt.read(raw, ANY)
    assert rows_of(sheet, "Cue", "Down", "Follow time", "Called") == [("100", "5", "10", "yes"), ("101", "", "", "no")]
    assert sheet.bad == [(6, "'cue ' has no cue number")]


# -- QLab, Linux Show Player, Lightwright


def test_qlab_knows_the_spellings_of_its_continue_mode() -> None:
    raw = b"Type,Number,Name,continueMode,Follow,,\nAUDIO,1,a,,2,,\nmic,2,b,1,,,\nfade,3,c,7,,,\n"
    sheet = qlab.read(raw, ANY)
    assert rows_of(sheet, "Type", "Continue Mode", "Called") == [
        ("audio", "auto-follow", "yes"), ("mic", "auto-continue", "no"), ("fade", "", "no"),
    ]  # fmt: skip
    assert any("(line 4)" in sentence for sentence in sheet.assumed)


def test_a_sound_list_with_its_own_called_column_is_a_plain_table() -> None:
    raw = b"number,type,name,called,continue_mode\n1,audio,x,Y,1\n"
    assert detect(raw, "x.csv")[0].name == "csv"
    assert rows_of(qlab.read(raw, ANY), "called", "Called") == [("Y", "")]


def test_a_session_names_files_without_folders_and_follows_its_next_actions() -> None:
    raw = (
        b'{"cues": [{"_type_": "MediaCue", "index": 0, "name": "a", "duration": 1500, "next_action": "TriggerAfterEnd",'
        b'"_media_": {"elements": {"UriInput": {"uri": "file:///home/someone/a%20b.wav"}}}},'
        b'{"index": 1, "name": "b"}, 3]}'
    )
    sheet = lsp.read(raw, ANY)
    assert rows_of(sheet, "Number", "File", "Duration", "Continue Mode", "Called") == [
        ("1", "a b.wav", "1.5s", "auto-follow", "yes"), ("2", "", "", "", "no"),
    ]  # fmt: skip
    assert sheet.bad == [(3, "it is no cue")]


def test_a_lightwright_text_is_told_by_its_tabs_and_names() -> None:
    raw = b"Unit Number\tPosition\tChannel\tWattage\n1\tLX1\t5\t1.5kW\n"
    assert detect(raw, "hookup.txt")[0].name == "lightwright_text"
    assert rows_of(lightwright.read(raw, ANY), "Channel", "Wattage") == [("5", "1500 W")]


# -- XML and zip


def test_a_data_exchange_names_instruments_without_uid_and_leaves_the_deleted_out() -> None:
    raw = (
        b"<SLData><InstrumentData><Action>Update</Action><UID_1><UID>1</UID><Universe>2</Universe>"
        b"<DMX_Address>7</DMX_Address></UID_1><UID_2><Action>Delete</Action><UID>2</UID></UID_2>"
        b"<UID_3><Channel>3</Channel></UID_3>"
        b"<UID_4><UID>4</UID><UniverseAddress>0/0</UniverseAddress></UID_4></InstrumentData></SLData>"
    )
    sheet = vectorworks.read(raw, ANY)
    assert rows_of(sheet, "UID", "UniverseAddress") == [("1", "2/7"), ("4", "")]
    assert sheet.bad == [(3, "the instrument 'UID_3' has no UID")]
    assert any("deleted" in sentence for sentence in sheet.assumed)


SCENE = """<GeneralSceneDescription verMajor="1" verMinor="6"><Scene><AUXData><Position uuid="P" name="LX1"/></AUXData>
<Layers><Layer name="Rig"><ChildList><GroupObject name="Wash"><ChildList><Fixture uuid="A" name="Par"><GDTFSpec/>
<Addresses><Address break="0">512</Address><Address break="1">513</Address><Address>x</Address></Addresses>
<FixtureID/><UnitNumber>3</UnitNumber><Position>P</Position><Matrix>{1,0,0}{0,1,0}{0,0,1}{oops}</Matrix></Fixture>
</ChildList></GroupObject><Truss uuid="T"/><Fixture name="lost"/></ChildList></Layer></Layers></Scene>
</GeneralSceneDescription>\0"""


def test_a_scene_nests_and_its_faulty_values_are_left_open() -> None:
    sheet = mvr.read(zipped({"GeneralSceneDescription.xml": SCENE}), ANY)
    assert rows_of(sheet, "UUID", "Unit", "Type", "Address", "Position", "Layer", "Group") == [
        ("a", "3", "Par", "1/512; 2/1", "LX1", "Rig", "Wash")
    ]
    assert sheet.bad == [(2, "the fixture has no uuid")]


def test_a_scene_with_a_broken_fixture_type_is_read_and_says_so() -> None:
    scene = SCENE.replace("<GDTFSpec/>", "<GDTFSpec>Par</GDTFSpec>")
    sheet = mvr.read(zipped({"GeneralSceneDescription.xml": scene, "Par.gdtf": b"nothing"}), ANY)
    assert any("'Par.gdtf' in the scene cannot be read" in sentence for sentence in sheet.assumed)


def ods_of(body: str) -> bytes:
    head = (
        '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    )
    tail = "</office:spreadsheet></office:body></office:document-content>"
    mime = "application/vnd.oasis.opendocument.spreadsheet"
    return zipped({"mimetype": mime, "content.xml": head + body + tail})


def test_ods_cells_are_read_by_their_kind_and_repeats_are_bounded() -> None:
    text = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = f"<table:table-row>{''.join(text.format(cell) for cell in 'NU')}</table:table-row>"
    values = (
        '<table:table-row><table:table-cell office:value-type="float" office:value="11.10"><text:p>x</text:p>'
        '</table:table-cell><table:table-cell office:value-type="time" office:time-value="PT00H00M27S"/>'
        "</table:table-row>"
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16000"/>'
        "</table:table-row>"
    )
    raw = ods_of(f'<table:table table:name="Cues">{rows}{values}</table:table>')
    assert detect(raw, "x.ods")[0].name == "ods"
    sheet = ods.read(raw, ANY)
    assert sheet.rows == [["11.1", "0:00:27"]]
    with pytest.raises(BadChoice, match="There are: Cues"):
        ods.read(raw, Choice(sheet="Nothing"))


def test_an_ods_row_of_too_many_cells_is_refused() -> None:
    cell = '<table:table-cell table:number-columns-repeated="90000"><text:p>a</text:p></table:table-cell>'
    with pytest.raises(Unreadable, match="columns"):
        ods.read(ods_of(f"<table:table><table:table-row>{cell}</table:table-row></table:table>"), ANY)


# -- calendars, address books, JSON

CALENDAR = """BEGIN:VCALENDAR
BEGIN:VEVENT
UID:a
SUMMARY:Act one\\, again
DTSTART;TZID=Europe/London:20260302T190000
DTEND;TZID=Europe/London:20260302T223000
RRULE:FREQ=WEEKLY;COUNT=3
EXDATE;TZID=Europe/London:20260309T190000
END:VEVENT
BEGIN:VEVENT
UID:a
SUMMARY:Act one later
RECURRENCE-ID;TZID=Europe/London:20260316T190000
DTSTART;TZID=Europe/London:20260317T200000
END:VEVENT
BEGIN:VEVENT
UID:b
SUMMARY:Get-in
STATUS:TENTATIVE
DTSTART;VALUE=DATE:20260401
DTEND;VALUE=DATE:20260403
END:VEVENT
BEGIN:VEVENT
UID:c
SUMMARY:Often
DTSTART:20260401T000000Z
RRULE:FREQ=SECONDLY
END:VEVENT
END:VCALENDAR
"""


def test_a_calendar_gives_a_row_for_each_day_it_means() -> None:
    sheet = ical.read(CALENDAR.encode(), ANY)
    assert rows_of(sheet, "UID", "Date", "Start", "End", "Title", "Status") == [
        ("a", "2026-03-02", "19:00", "22:30", "Act one, again", ""),
        ("a", "2026-03-17", "20:00", "", "Act one later", ""),
        ("b", "2026-04-01", "", "", "Get-in", "tentative"),
        ("b", "2026-04-02", "", "", "Get-in", "tentative"),
    ]
    assert sheet.bad == [(4, "the event repeats every hour or more often, which no rehearsal does")]
    assert any("Europe/London" in sentence for sentence in sheet.assumed)


def test_times_in_utc_become_the_calendars_own_where_it_says_so() -> None:
    event = "BEGIN:VEVENT\nSUMMARY:x\nDTSTART:20260701T180000Z\nEND:VEVENT\n"
    here = ical.read(f"BEGIN:VCALENDAR\nX-WR-TIMEZONE:Europe/Berlin\n{event}END:VCALENDAR\n".encode(), ANY)
    nowhere = ical.read(f"BEGIN:VCALENDAR\n{event}END:VCALENDAR\n".encode(), ANY)
    assert rows_of(here, "Start") == [("20:00",)]
    assert rows_of(nowhere, "Start") == [("18:00",)]
    assert any("UTC" in sentence for sentence in nowhere.assumed)


def test_cards_of_all_three_versions_are_read() -> None:
    raw = (
        "BEGIN:VCARD\r\nVERSION:2.1\r\nN:Doe;Jane\r\nTEL;CELL:1\r\nTEL;HOME;PREF:2\r\n"
        "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:caf=C3=A9 =\r\nau lait\r\nEND:VCARD\r\n"
        "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Bob B\\, Jr\r\nitem1.EMAIL;PREF=2:b@example.com\r\n"
        "EMAIL;PREF=1:a@example.com\r\nORG:Props;Stage\r\nNOTE:one\r\n  two\r\nEND:VCARD\r\n"
        "BEGIN:VCARD\r\nTEL:3\r\nEND:VCARD\r\nBEGIN:VCARD\r\n"
    )
    sheet = vcard.read(raw.encode(), ANY)
    assert rows_of(sheet, "Name", "Sorted as", "E-mail", "Phone", "Second phone", "Company") == [
        ("Jane Doe", "Doe, Jane", "", "2", "1", ""),
        ("Bob B, Jr", "", "a@example.com", "", "", "Props / Stage"),
    ]
    assert rows_of(sheet, "Notes") == [("café au lait",), ("one two",)]
    assert [reason for _, reason in sheet.bad] == [
        "the card has no name (FN or N)",
        "the card is not closed by END:VCARD",
    ]


def test_json_finds_its_rows_wherever_they_stand() -> None:
    for text, rows in (
        ('[{"a": 1.50, "b": {"c": true}}, 5]', [["1.5", "yes"]]),
        ('{"show": "x", "rows": [{"a": ["x", "y"]}]}', [["x; y"]]),
        ('{"a": 1}\n{"a": null, "b": 2}\n', [["1", ""], ["", "2"]]),
        ('{"mon": [{"t": "7"}], "tue": [{"t": "8"}]}', [["mon", "7"], ["tue", "8"]]),
        ('{"x": {"a": "1"}, "y": {"a": "2"}}', [["x", "1"], ["y", "2"]]),
    ):
        assert json_rows.read(text.encode(), ANY).rows == rows


def test_json_that_is_none_is_refused_in_a_sentence() -> None:
    for text in ("[" * 200_000, '{"a": NaN}', '{"a": 1', '"x"', '{"a": [1, 2]}', '[{"a": 1}]x'):
        with pytest.raises(Unreadable):
            json_rows.read(text.encode(), ANY)


# -- which kind


def test_a_wrong_ending_is_said_and_the_content_wins() -> None:
    form, sheet = read_file(b"BEGIN:VCARD\nFN:Ann\nEND:VCARD\n", "people.csv")
    assert form.name == "vcard"
    assert sheet.assumed[0].startswith("The file's name ends in .csv as a table in text")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"%PDF-1.7", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "old Office file"),
        (b"PK\x03\x04....word/document.xml", "Word"),
        (b"PK\x03\x04....nothing known", "Unpack it"),
        (b"<html><table/></html>", "web page"),
        (b"<?xml version='1.0'?><!-- x --><TEI/>", "'TEI'"),
        (bytes(range(256)) * 20, "no text file"),
    ],
)
def test_what_is_not_read_is_refused_with_what_to_do(raw: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_file(raw, "x.csv")


def test_a_format_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(Unreadable, match="vectorworks"):
        read_file(b"a,b\n", "x.csv", "nothing")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_file_said_to_be_what_it_is_not_is_refused_or_read_as_rows(name: str) -> None:
    for raw in (b"a,b\n1,2\n", b"<x/>", b"{}", b"PK\x03\x04", b"\x00\x01\x02\xff" * 99, b"BEGIN:VCARD"):
        try:
            _, sheet = read_file(raw, "x", name)
        except (Unreadable, BadChoice):
            continue
        assert all(len(row) == len(sheet.header) for row in sheet.rows)

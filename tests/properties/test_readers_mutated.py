"""Whatever is done to a file, its reader gives rows or the declared error, and never anything else."""

from __future__ import annotations

import io
import zipfile

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openprod.exchange.formats import FORMATS, detect, read_here
from openprod.exchange.grid import table
from openprod.exchange.sheet import BadChoice, Choice, Unreadable

ODS = (
    b'<d xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    b' xmlns:t="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    b' xmlns:x="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
    b'<b><s><t:table t:name="A"><t:table-row><t:table-cell><x:p>Cue</x:p></t:table-cell>'
    b'<t:table-cell t:number-columns-repeated="2"'
    b' office:value-type="float" office:value="1.5"/>'
    b'<t:table-cell office:value-type="time" office:time-value="PT1H2M3S"/></t:table-row></t:table></s></b></d>'
)

MVR = (
    b'<GeneralSceneDescription><Scene><Layers><Layer name="a"><ChildList><GroupObject name="g"><ChildList>'
    b'<Fixture uuid="u"><Matrix>{1,0,0}{0,1,0}{0,0,1}{1,2,3}</Matrix><Addresses><Address>513</Address></Addresses>'
    b"</Fixture></ChildList></GroupObject></ChildList></Layer></Layers></Scene></GeneralSceneDescription>"
)
GDTF = (
    b'<GDTF><FixtureType Name="a"><DMXModes><DMXMode Name="m"><DMXChannels><DMXChannel Offset="1,2"/></DMXChannels>'
    b'</DMXMode></DMXModes><Weight Value="3"/></FixtureType></GDTF>'
)
PARTS = {"ods": ("content.xml", ODS), "mvr": ("GeneralSceneDescription.xml", MVR), "gdtf": ("description.xml", GDTF)}


def zipped(name: str, part: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, part)
    return target.getvalue()


def workbook() -> bytes:
    from openpyxl import Workbook

    made = Workbook()
    sheet = made.worksheets[0]
    for row in (["Cue", "Up", "Label"], [1, 2.5, "a"], [2, None, "=1+1"]):
        sheet.append(row)
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


SEEDS = {
    "csv": b'a,b\n1,"2\n3"\n',
    "eos": (
        b"START_TARGETS\nTARGET_TYPE_AS_TEXT,TARGET_ID,FOLLOW,LINK,PART_NUMBER\nCue,1,F3,1/2,\nCue,2,H,,1\n"
        b"END_TARGETS\n"
    ),
    "usitt": (
        b"Ident 3:0\nCue 1.5 2\n Text a\n Up 3 1\n$$UText 4300\nFollowon 2\nLink 3\nPart 1\n Down 2\n$CUE 2 4\n"
        b"Enddata\n"
    ),
    "qlab": b"Number,Type,Name,Follow\n1,audio,x,1\n2,mic,y,7\n",
    "call_list": b"Friday September 12:\n5:30-8:30 FULL CAST\nSaturday 13 Sept\nFull Cast\n",
    "lightwright_text": b"Unit Number\tChannel\tPosition\tWattage\n1\t2\tLX1\t1.5kW\n",
    "json": b'[{"a": 1, "b": [1, {"c": null}], "d": {"e": true}}]',
    "lsp": b'{"cues": [{"index": 0, "name": "a", "duration": 10, "_media_": {"elements": {"U": {"uri": "file:///a/b"}}}}]}',
    "vcard": b"BEGIN:VCARD\nN:a;b\nTEL;PREF=1:3\nNOTE;ENCODING=QUOTED-PRINTABLE:=C3=A9\nEND:VCARD\n",
    "ical": (
        b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART;TZID=Europe/London:20260302T190000\nDTEND:20260302T200000Z\n"
        b"RRULE:FREQ=WEEKLY;COUNT=3;UNTIL=20260402\nEXDATE:20260309T190000\nEND:VEVENT\nEND:VCALENDAR\n"
    ),
    "vectorworks": (
        b"<SLData><InstrumentData><U><UID>1</UID><Wattage>1 kW</Wattage><Accessories><A><Inst_Type>x</Inst_Type></A>"
        b"</Accessories></U></InstrumentData></SLData>"
    ),
    "mvr": zipped("GeneralSceneDescription.xml", MVR),
    "gdtf": zipped("description.xml", GDTF),
    "ods": zipped("content.xml", ODS),
    "xlsx": workbook(),
}


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """Draws a file with some of its bytes cut, doubled, replaced or put in."""
    raw = bytearray(seed)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(raw) - 1, 0)))
        length = draw(st.integers(0, 12))
        match draw(st.sampled_from(("cut", "double", "replace", "insert", "end"))):
            case "cut":
                del raw[at : at + length]
            case "double":
                raw[at:at] = raw[at : at + length] * draw(st.integers(1, 3))
            case "replace":
                raw[at : at + 1] = draw(st.binary(min_size=1, max_size=2))
            case "insert":
                raw[at:at] = draw(st.sampled_from(TOKENS))
            case _:
                del raw[at:]
    return bytes(raw)


TOKENS = (
    b"\0", b"\xff\xfe", b'"', b"\r", b"\n", b"\t", b",", b"9" * 40, b"-1", b"1e999", b"NaN", b"<", b"&x;", b"]]>", b"/",
    b"@", b"\xc3", b"\xf0\x9f\x8e\xad", b"=", b"{", b"[", b":", b";", b"99999999T999999Z", b"P", b"Cue ", b"Part ",
    b"BEGIN:VEVENT\n",
)  # fmt: skip


def check(name: str, raw: bytes) -> None:
    try:
        sheet = read_here(FORMATS[name], raw, Choice())
    except (Unreadable, BadChoice):
        return
    assert len(sheet.rows) == len(sheet.lines)
    assert all(len(row) == len(sheet.header) for row in sheet.rows)
    assert all(reason for _, reason in sheet.bad)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), name=st.sampled_from(sorted(SEEDS)))
def test_a_mutated_file_is_read_or_refused(data: st.DataObject, name: str) -> None:
    check(name, data.draw(mutated(SEEDS[name])))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(PARTS)))
def test_a_mutated_part_of_an_archive_is_read_or_refused(data: st.DataObject, name: str) -> None:
    part, seed = PARTS[name]
    check(name, zipped(part, data.draw(mutated(seed))))


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=400), name=st.sampled_from(sorted(set(SEEDS) - {"xlsx"})))
def test_any_bytes_are_read_or_refused_by_any_reader(raw: bytes, name: str) -> None:
    check(name, raw)


@settings(max_examples=200, deadline=None)
@given(raw=st.one_of(st.binary(max_size=200), st.sampled_from(sorted(SEEDS.values())).flatmap(mutated)))
def test_the_kind_of_any_file_is_found_or_refused(raw: bytes) -> None:
    try:
        form, _ = detect(raw, "x.csv")
    except Unreadable:
        return
    assert form.name in FORMATS


CELLS = st.sampled_from(
    ("", "a", "Cue", "1", "2", "3", "4.5", "Total", "LX Bar 1", "0:27:00", "2026-01-12", "Name", "Unit:", "x" * 130)
)


@given(rows=st.lists(st.lists(CELLS, max_size=7), max_size=14), header=st.integers(0, 5))
def test_any_sheet_of_cells_is_a_table_or_refused(rows: list[list[str]], header: int) -> None:
    filled = [(at, row) for at, row in enumerate(rows, 1) if any(row)]
    try:
        sheet = table(filled, Choice(header=header, names=("name", "unit")))
    except (Unreadable, BadChoice):
        return
    assert all(len(row) == len(sheet.header) for row in sheet.rows)
    assert set(sheet.lines) <= set(range(1, 16))


def test_every_format_has_a_seed() -> None:
    assert set(SEEDS) == set(FORMATS)

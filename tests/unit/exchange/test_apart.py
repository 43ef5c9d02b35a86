"""The reading process: bombs, hangs, crashes and lies end in a sentence."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import msgspec
import pytest

from openprod.exchange import sandbox
from openprod.exchange.apart import Block, End, Failure, Limits, read_apart
from openprod.exchange.formats import read_file
from openprod.exchange.outside import DEPTH_MAX, ENTRIES_MAX, elements, open_zip
from openprod.exchange.sheet import BadChoice, Choice, Unreadable

ANY = Choice()
LAUGHS = "".join(f'<!ENTITY l{at} "{"&l%d;" % (at - 1) * 10}">' for at in range(1, 10))  # noqa: UP031 (an & and a %)
BOMB = f'<?xml version="1.0"?><!DOCTYPE SLData [<!ENTITY l0 "ha">{LAUGHS}]><SLData><x>&l9;</x></SLData>'.encode()
SHEET = b"<SLData><InstrumentData><U><UID>1</UID></U></InstrumentData></SLData>"


def archive(parts: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, part in parts.items():
            made.writestr(name, part)
    return target.getvalue()


def program(text: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", text)


def answering(*messages: Block | End | Failure) -> tuple[str, ...]:
    raw = b"".join(len(one).to_bytes(4) + one for one in map(msgspec.msgpack.encode, messages))
    return program(f"import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write({raw!r})")


END = End(("a",), [], (), "", "", "row", "")


def test_an_entity_bomb_is_refused_before_it_goes_off() -> None:
    started = time.monotonic()
    with pytest.raises(Unreadable, match="entities"):
        read_file(BOMB, "plot.xml", "vectorworks")
    with pytest.raises(Unreadable, match="entities"):
        read_file(archive({"GeneralSceneDescription.xml": BOMB}), "show.mvr")
    with pytest.raises(Unreadable, match="entities"):
        read_file(archive({"xl/workbook.xml": BOMB}), "book.xlsx")
    assert time.monotonic() - started < 20


def test_an_entity_bomb_in_a_sheet_is_refused_as_well() -> None:
    from openpyxl import Workbook

    made, target, changed = Workbook(), io.BytesIO(), io.BytesIO()
    made.worksheets[0].append(["Name", "Phone"])
    made.save(target)
    with zipfile.ZipFile(target) as source, zipfile.ZipFile(changed, "w") as copy:
        for name in source.namelist():
            part = source.read(name)
            doctype = BOMB[BOMB.index(b"<!DOCTYPE") : BOMB.index(b"]>") + 2] if name.endswith("sheet1.xml") else b""
            copy.writestr(name, doctype + part if not part.startswith(b"<?xml") else part)
    with pytest.raises(Unreadable, match="entities"):
        read_file(changed.getvalue(), "book.xlsx")


def test_an_external_entity_is_refused() -> None:
    text = b'<!DOCTYPE SLData [<!ENTITY x SYSTEM "file:///etc/hostname">]><SLData>&x;</SLData>'
    with pytest.raises(Unreadable, match="entities"):
        list(elements(text))


def test_a_zip_bomb_is_refused_by_its_directory() -> None:
    bomb = archive({"xl/workbook.xml": b" " * (64 << 20)})
    assert len(bomb) < 100_000
    with pytest.raises(Unreadable, match="times its size"):
        read_file(bomb, "book.xlsx")


def test_an_archive_of_too_many_parts_or_with_a_password_is_refused() -> None:
    many = archive({f"{at}": b"" for at in range(ENTRIES_MAX + 1)})
    with pytest.raises(Unreadable, match="parts"):
        open_zip(many, "an Excel workbook")
    locked = bytearray(archive({"xl/workbook.xml": b"x"}))
    at = locked.index(b"PK\x01\x02")
    locked[at + 8] |= 1
    with pytest.raises(Unreadable, match="password"):
        open_zip(bytes(locked), "an Excel workbook")


def test_an_archive_that_lies_about_a_size_is_refused() -> None:
    raw = bytearray(archive({"GeneralSceneDescription.xml": b"<x/>" * 100_000}))
    at = raw.index(b"PK\x01\x02")
    raw[at + 24 : at + 28] = (10).to_bytes(4, "little")
    with pytest.raises(Unreadable, match="damaged"):
        read_file(bytes(raw), "show.mvr")


def test_xml_that_is_nested_too_deeply_is_refused() -> None:
    deep = b"<SLData>" + b"<a>" * DEPTH_MAX + b"</a>" * DEPTH_MAX + b"</SLData>"
    with pytest.raises(Unreadable, match="nested"):
        read_file(deep, "plot.xml")


def test_a_workbook_whose_cell_is_beyond_every_sheet_is_refused() -> None:
    head = b'<?xml version="1.0"?>'
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rels = b"http://schemas.openxmlformats.org/package/2006/relationships"
    office = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "[Content_Types].xml": head + b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        b'<Override PartName="/xl/workbook.xml"'
        b' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": head
        + b'<Relationships xmlns="%s"><Relationship Id="r" Type="%s/officeDocument" Target="xl/workbook.xml"/>'
        b"</Relationships>" % (rels, office),
        "xl/workbook.xml": head
        + b'<workbook xmlns="%s" xmlns:r="%s"><sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>'
        % (main, office),
        "xl/_rels/workbook.xml.rels": head
        + b'<Relationships xmlns="%s"><Relationship Id="r1" Type="%s/worksheet" Target="worksheets/sheet1.xml"/>'
        b"</Relationships>" % (rels, office),
        "xl/worksheets/sheet1.xml": head
        + b'<worksheet xmlns="%s"><sheetData><row r="1"><c r="A1" t="str"><v>Name</v></c></row>'
        b'<row r="99999999999"><c r="A99999999999" t="str"><v>x</v></c></row></sheetData></worksheet>' % main,
    }
    with pytest.raises(Unreadable, match="rows"):
        read_file(archive(parts), "book.xlsx")


def test_a_process_that_hangs_is_killed_from_outside() -> None:
    started = time.monotonic()
    with pytest.raises(Unreadable, match="took longer than"):
        read_apart("vectorworks", SHEET, ANY, Limits(seconds=0.5), program("import time; time.sleep(60)"))
    assert time.monotonic() - started < 10


def test_a_process_that_ignores_its_file_and_its_signals_is_killed_as_well() -> None:
    text = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(1)"
    with pytest.raises(Unreadable, match="took longer"):
        read_apart("vectorworks", SHEET * 100_000, ANY, Limits(seconds=0.5), program(text))


def test_a_process_without_memory_says_so() -> None:
    big = b"<SLData><InstrumentData><U><UID>1</UID><a>" + b"x" * (120 << 20) + b"</a></U></InstrumentData></SLData>"
    with pytest.raises(Unreadable, match="more memory"):
        read_apart("vectorworks", big, ANY, Limits(memory_bytes=200 << 20, seconds=60))


@pytest.mark.parametrize(
    "command",
    [
        program("raise SystemExit(3)"),
        program("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
        program("import sys; sys.stdout.buffer.write(b'\\xff' * 1000)"),
        program("import sys; sys.stdout.buffer.write((3).to_bytes(4) + b'abc')"),
        program("import sys\nwhile True: sys.stdout.buffer.write((4).to_bytes(4) + b'\\x93\\xa1b\\x90')"),
        answering(Block([1], [["x"]])),
        answering(Block([1], [["x", "y"]]), END),
        answering(Block([1, 2], [["x"]]), END),
        answering(Failure("")),
    ],
)
def test_an_answer_that_is_none_is_not_believed(command: tuple[str, ...]) -> None:
    with pytest.raises(Unreadable, match="ended in the middle"):
        read_apart("vectorworks", SHEET, ANY, Limits(seconds=30), command)


def test_a_whole_answer_is_the_sheet_and_a_failure_its_sentence() -> None:
    sheet = read_apart("vectorworks", SHEET, ANY, None, answering(Block([4], [["x"]]), END))
    assert (sheet.header, sheet.rows, list(sheet.lines)) == (("a",), [["x"]], [4])
    with pytest.raises(BadChoice, match=r"No such sheet\."):
        read_apart("vectorworks", SHEET, ANY, None, answering(Failure("No such sheet.", is_choice=True)))


def test_the_process_has_no_environment_and_none_of_our_files(tmp_path: Path) -> None:
    text = (
        "import os, sys\n"
        "sys.stdin.buffer.read()\n"
        "there = os.path.isdir('/proc/self/fd')\n"
        "left = [one for one in os.listdir('/proc/self/fd') if int(one) > 2] if there else []\n"
        "names = sorted(set(os.environ) - {'LC_CTYPE', '__CF_USER_TEXT_ENCODING'})\n"
        "print(names, len(left) <= 1, os.getcwd(), file=open(sys.argv[1], 'w'))\n"
    )
    ours = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(ours, True)  # noqa: FBT003 (the library has no name for it)
    target = tmp_path / "seen"
    try:
        with pytest.raises(Unreadable):
            read_apart("vectorworks", SHEET, ANY, Limits(seconds=30), (*program(text), str(target)))
    finally:
        os.close(ours)
    assert target.read_text() == "[] True /\n"


@pytest.mark.skipif(not sandbox.is_known(), reason="this system has no seccomp that we know")
@pytest.mark.parametrize(
    "act",
    [
        "open('/etc/hostname')",
        "open('/tmp/openprod-escape', 'w')",
        "__import__('socket').socket()",
        "__import__('os').fork()",
        "__import__('os').execv('/bin/true', ['true'])",
        "__import__('os').kill(1, 0)",
        "__import__('os').listdir('/')",
    ],
)
def test_a_sealed_process_opens_nothing_and_starts_nothing(act: str) -> None:
    code = (
        "import os, socket, sys\n"
        "from openprod.exchange.sandbox import seal\n"
        "assert seal()\n"
        f"try:\n    {act}\n"
        "except (PermissionError, ImportError) as error:\n    os.write(1, type(error).__name__.encode())\n"
        "else:\n    os.write(1, b'done')\n"
        "os.write(1, b' ' + str(sum(range(1000))).encode())\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ran.stdout == b"PermissionError 499500", ran.stderr


def test_where_there_is_no_such_filter_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    assert not sandbox.is_known()
    assert not sandbox.seal()

"""Which kinds of file are read, how each is told from its content, and by what it is read.

Knows names, endings and first signs. Must not know how a format is read; each has a file of its own.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import cast

from openprod.exchange.sheet import COLUMNS_MAX, FILE_BYTES_MAX, Choice, Sheet, Unreadable

HEAD_BYTES = 1 << 16
ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

Reader = Callable[[bytes, Choice], Sheet]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A kind of file.

    Attributes:
        name: how `--format` and modules call it.
        title: how people call it, to follow "is".
        endings: the endings such files have.
        reader: module and function that read it.
        is_apart: it is read in a process of its own.
        usual: the table it is usually imported into.
        forms: the formats for which a module's words about columns count here.
    """

    name: str
    title: str
    endings: tuple[str, ...]
    reader: tuple[str, str]
    is_apart: bool
    usual: str
    forms: tuple[str, ...]


def _format(
    name: str,
    title: str,
    endings: str,
    module: str,
    usual: str,
    *,
    read: str = "read",
    apart: bool = False,
    forms: str = "",
) -> FileFormat:
    kinds = (name, *forms.split())
    return FileFormat(name, title, tuple(endings.split()), (module, read), apart, usual, kinds)


FORMATS = {
    one.name: one
    for one in (
        _format("csv", "a table in text (CSV, TSV)", ".csv .tsv .tab .txt", "formats", "", read="read_table"),
        _format("xlsx", "an Excel workbook", ".xlsx .xlsm", "xlsx", "", apart=True, forms="csv"),
        _format("ods", "an OpenDocument spreadsheet", ".ods", "ods", "", apart=True, forms="csv"),
        _format("json", "JSON", ".json .jsonl .ndjson", "json_rows", "", forms="csv"),
        _format("eos", "an Eos CSV export", ".csv", "eos", "lighting.cues"),
        _format("usitt", "USITT ASCII", ".asc .alq .txt", "usitt", "lighting.cues"),
        _format("vectorworks", "a Vectorworks Data Exchange", ".xml", "vectorworks", "lighting.fixtures", apart=True),
        _format("lightwright_text", "a Lightwright text", ".txt .csv .tsv", "lightwright", "lighting.fixtures"),
        _format("mvr", "an MVR scene", ".mvr", "mvr", "lighting.fixtures", apart=True),
        _format("gdtf", "a GDTF fixture type", ".gdtf", "mvr", "", read="read_type", apart=True, forms="mvr"),
        _format("qlab", "a QLab table", ".csv .tsv .txt", "qlab", "sound.cues"),
        _format("lsp", "a Linux Show Player session", ".lsp", "lsp", "sound.cues"),
        _format("call_list", "a call list in text", ".txt", "call_list", "schedule.events"),
        _format("ical", "an iCalendar file", ".ics .ical .ifb", "ical", "schedule.events", apart=True),
        _format("vcard", "a vCard file", ".vcf .vcard", "vcard", "contacts.people"),
    )
}  # fmt: skip

# What is known and not read: first bytes, and what a person can do.
OTHERS = (
    (OLE, "This is an old Office file (.xls) or one with a password. Save it as .xlsx without one and import that."),
    (b"%PDF", "This is a PDF, a picture of a table and not the table. Import the file it was printed from."),
    (b"{\\rtf", "This is a text document (RTF). Copy its table into a spreadsheet, save that and import it."),
    (b"\x1f\x8b", "This is a packed file (gzip). Unpack it and import what is in it."),
    (b"7z\xbc\xaf", "This is a packed file (7z). Unpack it and import what is in it."),
    (b"Rar!", "This is a packed file (RAR). Unpack it and import what is in it."),
    (b"\x89PNG", "This is a picture. Import the table it shows, as CSV or from a spreadsheet."),
    (b"\xff\xd8\xff", "This is a picture. Import the table it shows, as CSV or from a spreadsheet."),
    (b"GIF8", "This is a picture. Import the table it shows, as CSV or from a spreadsheet."),
    (b"SQLite format 3", "This is a database, not a table. Export the table from the program that wrote it."),
    (b"\x7fELF", "This is a program, not a table."),
)  # fmt: skip
# Parts of zip archives by which those are told that are none of ours.
ZIPS = (
    (b"word/document.xml", "This is a Word document. Copy its table into a spreadsheet, save that and import it."),
    (b"ppt/presentation.xml", "This is a PowerPoint document. Copy its table into a spreadsheet and import that."),
    (b"xl/workbook.bin", "This is an Excel workbook in binary form (.xlsb). Save it as .xlsx and import that."),
    (b"Index/Document.iwa", "This is an Apple Numbers, Pages or Keynote document. Export it as Excel and import that."),
    (b"opendocument.text", "This is a text document (.odt). Copy its table into a spreadsheet and import that."),
)  # fmt: skip


def format_named(name: str) -> FileFormat:
    """Returns a format by its name; raises Unreadable."""
    found = FORMATS.get(name)
    if found is None:
        raise Unreadable(f"There is no format '{name}'. There are: {', '.join(FORMATS)}.")
    return found


def detect(raw: bytes, name: str) -> tuple[FileFormat, list[str]]:
    """Returns what kind of file it is by its content, and what must be said where its name says otherwise.

    Args:
        raw: the file's bytes.
        name: its name.

    Raises:
        Unreadable: it is empty, too large, or of a kind that is not read, with what to do.
    """
    check_size(raw)
    found = FORMATS[_kind(raw)]
    ending = PurePath(name).suffix.lower()
    by_name = [one for one in FORMATS.values() if ending in one.endings]
    if found in by_name or not by_name:
        return found, []
    return found, [
        f"The file's name ends in {ending} as {by_name[0].title} does, but it is {found.title} and was read as that."
    ]


def check_size(raw: bytes) -> None:
    """Raises Unreadable for a file that is empty or too large."""
    if not raw.strip(b"\xef\xbb\xbf\r\n\t \0"):
        raise Unreadable("The file is empty. Save or export it again from the program it comes from.")
    if len(raw) > FILE_BYTES_MAX:
        raise Unreadable(f"The file is larger than {FILE_BYTES_MAX >> 20} MiB. Split it and import the parts.")


def _kind(raw: bytes) -> str:
    for start, sentence in OTHERS:
        if raw.startswith(start):
            raise Unreadable(sentence)
    if raw.startswith(ZIP):
        return _zip_kind(raw)
    head = _head(raw)
    if head is None:
        return "csv"
    return _text_kind(head)


def _zip_kind(raw: bytes) -> str:
    """Returns what an archive is by the names in it, which stand there unpacked; nothing is unpacked for this."""
    for part, sentence in ZIPS:
        if part in raw:
            raise Unreadable(sentence)
    if b"xl/workbook.xml" in raw:
        return "xlsx"
    if b"GeneralSceneDescription.xml" in raw:
        return "mvr"
    if b"opendocument.spreadsheet" in raw[:HEAD_BYTES] or b"content.xml" in raw:
        return "ods"
    if b"description.xml" in raw:
        return "gdtf"
    raise Unreadable("This is a packed file (zip). Unpack it and import what is in it.")


def _head(raw: bytes) -> str | None:
    """Returns the beginning of a text, None where it is none."""
    from openprod.exchange.csv import NotCsv, decode_text  # noqa: PLC0415 (csv is only needed for text)

    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw[:4096]:
        try:
            return decode_text(raw[: HEAD_BYTES & ~1])[0]
        except NotCsv:
            return None
    return raw[:HEAD_BYTES].decode("utf-8", errors="replace").removeprefix("\ufeff")


def _text_kind(head: str) -> str:
    from openprod.exchange import (  # noqa: PLC0415 (text only)
        call_list,
        eos,
        ical,
        lightwright,
        lsp,
        qlab,
        usitt,
        vcard,
    )

    stripped = head.lstrip()
    if ical.is_ical(head):
        return "ical"
    if vcard.is_vcard(head):
        return "vcard"
    if stripped.startswith(("{", "[")):
        return "lsp" if lsp.is_lsp(head) else "json"
    if stripped.startswith("<"):
        return _xml_kind(stripped)
    if eos.is_eos(head):
        return "eos"
    if usitt.is_usitt(head):
        return "usitt"
    if call_list.is_call_list(head):
        return "call_list"
    lines = [line for line in head.splitlines()[:20] if line.strip()]
    separator, header = _header(lines[0] if lines else "")
    if lightwright.is_lightwright(header, separator):
        return "lightwright_text"
    return "qlab" if qlab.is_qlab(header) else "csv"


def _xml_kind(head: str) -> str:
    root = re.search(r"<([A-Za-z_][\w.:-]*)", re.sub(r"<[?!][^>]*>", "", head))
    name = root[1].rpartition(":")[2] if root else ""
    if name == "SLData":
        return "vectorworks"
    if name.lower() in ("html", "table"):
        raise Unreadable("This is a web page. Copy its table into a spreadsheet, save that and import it.")
    if name in ("document", "Workbook"):
        raise Unreadable("This is a spreadsheet as plain XML. Save it as .xlsx or .ods and import that.")
    what = f" (it begins with '{name[:40]}')" if name else ""
    raise Unreadable(
        f"This is XML of a kind that is not understood{what}. Known is the Data Exchange of Vectorworks (SLData)."
    )


def _header(line: str) -> tuple[str, list[str]]:
    separator = max(("\t", ",", ";"), key=line.count)
    return separator, [cell.strip().strip('"') for cell in line.split(separator)]


# -- reading


def read_table(raw: bytes, choice: Choice) -> Sheet:
    """Returns a table in text; raises Unreadable, BadChoice."""
    from openprod.exchange.csv import read_csv  # noqa: PLC0415 (csv is only needed for text)

    return read_csv(raw, choice.header)


def read_here(form: FileFormat, raw: bytes, choice: Choice) -> Sheet:
    """Reads a file in this process; raises Unreadable, BadChoice."""
    module = importlib.import_module(f"openprod.exchange.{form.reader[0]}")
    reader = cast("Reader", getattr(module, form.reader[1]))
    return named(reader(raw, choice))


def read_file(raw: bytes, name: str, form: str = "", choice: Choice | None = None) -> tuple[FileFormat, Sheet]:
    """Returns what kind of file it is and its table; formats that ask for it are read in a process of their own.

    Args:
        raw: the file's bytes.
        name: its name.
        form: the name of its format, empty to find it.
        choice: which sheet and header row.

    Raises:
        Unreadable, BadChoice: with what to do.
    """
    check_size(raw)
    found, assumed = (format_named(form), list[str]()) if form else detect(raw, name)
    choice = choice or Choice()
    if found.is_apart:
        from openprod.exchange.apart import read_apart  # noqa: PLC0415 (only such formats start a process)

        sheet = read_apart(found.name, raw, choice)
    else:
        sheet = read_here(found, raw, choice)
    return found, replace(sheet, assumed=(*assumed, *sheet.assumed)) if assumed else sheet


def named(sheet: Sheet) -> Sheet:
    """Returns a sheet whose columns with cells and without a name are called by their place, so they can be chosen."""
    if all(sheet.header) or len(sheet.header) > COLUMNS_MAX:
        return sheet
    header = [
        name or (f"Column {at + 1}" if any(row[at] for row in sheet.rows) else "")
        for at, name in enumerate(sheet.header)
    ]
    return replace(sheet, header=tuple(header))

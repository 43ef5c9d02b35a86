"""OpenDocument spreadsheets (.ods): the cells of a sheet as text.

Knows the XML of such files. Must not know what a header or a title is; that is `grid`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from openprod.exchange.grid import Row, choose
from openprod.exchange.outside import elements, entry_bytes, open_zip, tag_of
from openprod.exchange.sheet import CELL_CHARACTERS_MAX, COLUMNS_MAX, Choice, Sheet, Unreadable, number_text

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

WHAT = "an OpenDocument spreadsheet"
CONTENT = "content.xml"
MANIFEST = "META-INF/manifest.xml"
REPEAT_MAX = 1_048_576
COLUMN_PLACES_MAX = 16_384
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_LENGTH = re.compile(r"(-?)P(?:([0-9]+)D)?T?(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9.]+)S)?")


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the table in a sheet of a spreadsheet; raises Unreadable, BadChoice."""
    archive = open_zip(raw, WHAT)
    names = set(archive.namelist())
    if MANIFEST in names and b"encryption-data" in entry_bytes(archive, MANIFEST):
        raise Unreadable("The file is protected by a password. Take the protection off and import it again.")
    content = entry_bytes(archive, CONTENT)
    sheets = _sheet_names(content)
    if not sheets:
        raise Unreadable(f"The file is not {WHAT}: it has no sheets.")
    return choose(sheets, lambda at: _rows(content, at), choice)


def _sheet_names(content: bytes) -> list[str]:
    found: list[str] = []
    for event, element, depth in elements(content):
        if event == "start" and element.tag == f"{_TABLE}table" and depth == 4:
            found.append(element.get(f"{_TABLE}name", f"Sheet {len(found) + 1}"))
        elif event == "end" and element.tag == f"{_TABLE}table-row":
            element.clear()
    return found


def _rows(content: bytes, wanted: int) -> Iterator[Row]:
    at, number = -1, 0
    for event, element, depth in elements(content):
        if element.tag == f"{_TABLE}table" and depth == 4:
            if event == "start":
                at += 1
            elif at == wanted:
                return
            else:
                element.clear()
        elif event == "end" and element.tag == f"{_TABLE}table-row":
            if at == wanted:
                repeat = _repeat(element, "number-rows-repeated")
                cells = _cells(element)
                if cells:
                    for ahead in range(1, repeat + 1):
                        yield number + ahead, list(cells)
                number += repeat
                if number > REPEAT_MAX:
                    return
            element.clear()


def _repeat(element: Element, name: str) -> int:
    text = element.get(_TABLE + name, "1")
    return min(int(text), REPEAT_MAX) if text.isascii() and text.isdecimal() and len(text) < 10 else 1


def _cells(row: Element) -> list[str]:
    """Returns a row's cells up to the last that holds anything."""
    cells: list[str] = []
    gap = 0
    for cell in row:
        if tag_of(cell) not in ("table-cell", "covered-table-cell"):
            continue
        repeat = _repeat(cell, "number-columns-repeated")
        text = _cell(cell)
        if not text:
            gap += repeat
            continue
        if len(cells) + gap > COLUMN_PLACES_MAX or repeat > COLUMNS_MAX:
            raise Unreadable(f"A row has more than {COLUMN_PLACES_MAX:,} columns, or one cell {repeat:,} times.")
        cells += [""] * gap
        cells += [text] * repeat
        gap = 0
    return cells


def _cell(cell: Element) -> str:
    kind = cell.get(f"{_OFFICE}value-type", "")
    if kind in ("float", "percentage", "currency"):
        return _number(cell.get(f"{_OFFICE}value", ""))
    if kind == "date":
        date = cell.get(f"{_OFFICE}date-value", "")
        return date.replace("T", " ").partition(".")[0].removesuffix(" 00:00:00")
    if kind == "time":
        return _clock(cell.get(f"{_OFFICE}time-value", ""))
    if kind == "boolean":
        return "yes" if cell.get(f"{_OFFICE}boolean-value") == "true" else "no"
    return "\n".join(_words(part) for part in cell if part.tag == f"{_TEXT}p").strip()


def _words(paragraph: Element) -> str:
    """Returns the text of a paragraph, whose blanks and breaks are elements of their own."""
    parts = [paragraph.text or ""]
    for inner in paragraph:
        match tag_of(inner):
            case "s":
                count = inner.get(f"{_TEXT}c", "1")
                parts.append(
                    " "
                    * (
                        min(int(count), CELL_CHARACTERS_MAX)
                        if count.isascii() and count.isdecimal() and len(count) < 8
                        else 1
                    )
                )
            case "tab":
                parts.append("\t")
            case "line-break":
                parts.append("\n")
            case "annotation" | "ruby-text":
                pass
            case _:
                parts.append(_words(inner))
        parts.append(inner.tail or "")
    return "".join(parts)


def _number(text: str) -> str:
    try:
        return number_text(float(text))
    except ValueError:
        return text


def _clock(text: str) -> str:
    """Returns a time value as h:mm:ss: PT00H08M45S is 0:08:45."""
    found = _LENGTH.fullmatch(text)
    if found is None or any(len(part or "") > 12 for part in found.groups()):
        return text
    sign, days, hours, minutes, seconds = found.groups()
    whole, point, rest = (seconds or "0").partition(".")
    rest = rest.rstrip("0")
    return (
        f"{sign}{int(days or 0) * 24 + int(hours or 0)}:{int(minutes or 0):02}:{int(whole or 0):02}"
        f"{point + rest if rest.isdecimal() else ''}"
    )

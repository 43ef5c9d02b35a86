"""Excel workbooks (.xlsx, .xlsm): the cells of a sheet as text, by openpyxl. Macros are neither run nor read.

Knows how that library gives values. Must not know what a header or a title is; that is `grid`.
"""

from __future__ import annotations

import datetime as dt
import decimal
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, Protocol, cast

from openprod.exchange.grid import Row, choose
from openprod.exchange.outside import ENTITIES, elements, entry_bytes, open_zip
from openprod.exchange.sheet import (
    CELL_CHARACTERS_MAX,
    BadChoice,
    Choice,
    Sheet,
    Unreadable,
    duration_text,
    number_text,
)

WHAT = "an Excel workbook"
ROWS_MAX = 1_048_576
WORKBOOK = "xl/workbook.xml"
MACROS = "xl/vbaProject.bin"


class _Worksheet(Protocol):
    title: str
    sheet_state: str

    def reset_dimensions(self) -> None: ...

    def iter_rows(self, *, values_only: bool) -> Iterable[Sequence[object]]: ...


class _Workbook(Protocol):
    worksheets: list[_Worksheet]


class _Load(Protocol):
    def __call__(self, file: BinaryIO, *, read_only: bool, data_only: bool, keep_links: bool) -> _Workbook: ...


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the table in a sheet of a workbook; raises Unreadable, BadChoice."""
    from defusedxml import DefusedXmlException  # noqa: PLC0415 (only the reading process needs it)

    archive = open_zip(raw, WHAT)
    names = set(archive.namelist())
    if WORKBOOK not in names:
        raise Unreadable(f"The file is not {WHAT}: it has no '{WORKBOOK}'.")
    for _ in elements(entry_bytes(archive, WORKBOOK)):
        pass  # An entity bomb or broken XML is refused with our own sentence before the library sees it.
    try:
        sheets = [one for one in _load(archive.fp) if one.sheet_state == "visible"]
        found = choose([one.title for one in sheets], lambda at: _rows(sheets[at]), choice)
    except (Unreadable, BadChoice, MemoryError):
        raise
    except Exception as error:  # The library raises whatever the XML leads it to, some of it inside a ValueError.
        if any(isinstance(one, DefusedXmlException) for one in _causes(error)):
            raise Unreadable(ENTITIES) from error
        raise Unreadable("The workbook is damaged or made by a program that writes it otherwise than Excel.") from error
    notes: list[str] = []
    if MACROS in names:
        notes.append("The workbook has macros; they were neither run nor read.")
    return replace(found, assumed=(*notes, *found.assumed))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _load(file: object) -> list[_Worksheet]:
    from openpyxl import load_workbook  # noqa: PLC0415

    load = cast("_Load", load_workbook)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load(cast("BinaryIO", file), read_only=True, data_only=True, keep_links=False).worksheets


def _rows(sheet: _Worksheet) -> Iterator[Row]:
    sheet.reset_dimensions()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            if number > ROWS_MAX:
                raise Unreadable(f"The sheet has more than {ROWS_MAX:,} rows, more than a sheet can have.")
            cells = [cell_text(value) for value in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                yield number, cells


def cell_text(value: object) -> str:
    """Returns a cell's value as text: dates as ISO, clock times as h:mm:ss, 40.0 as 40."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value.replace("_x000D_", "").strip() if len(value) <= CELL_CHARACTERS_MAX else value
        case int():
            return str(value)
        case float() | decimal.Decimal():
            return number_text(value)
        case dt.datetime():
            text = value.isoformat(" ", "seconds")
            return text.removesuffix(" 00:00:00")
        case dt.date():
            return value.isoformat()
        case dt.time():
            return duration_text(dt.timedelta(hours=value.hour, minutes=value.minute, seconds=value.second))
        case dt.timedelta():
            return duration_text(value)
        case _:
            return str(value)

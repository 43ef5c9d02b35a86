"""Excel workbooks out: one sheet, values with their types, the header frozen, widths that fit, by openpyxl.

Knows how plain values become cells. What begins like a formula stays a text.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable
from typing import Protocol, cast

from openprod.exchange.export import NotWritten, text_of
from openprod.exchange.listing import ID, Column, Listing

CELL_MAX = 32_767
ROWS_MAX = 1_048_575
WIDTH_MIN, WIDTH_MAX = 6, 60
_FIRST_DAY = dt.date(1900, 3, 1)  # Excel counts a day too many before it
_FORMATS = {"date": "yyyy-mm-dd", "time": "hh:mm", "datetime": "yyyy-mm-dd hh:mm"}
_TITLE_LETTERS = str.maketrans("[]:*?/\\", "       ")


class _Cell(Protocol):
    value: object
    data_type: str
    number_format: str
    font: object


class _Width(Protocol):
    width: float
    hidden: bool


class _Sheet(Protocol):
    freeze_panes: str
    column_dimensions: dict[str, _Width]

    def append(self, row: Iterable[object]) -> None: ...


def write(listing: Listing) -> bytes:
    """Returns a workbook of one sheet.

    The first column holds the records' ids, hidden, so that an import of the file knows them again.

    Raises:
        NotWritten: more rows, or more text in one cell, than such a file can hold.
    """
    from openpyxl import Workbook  # noqa: PLC0415 (a cold start counts milliseconds)
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 (as above)
    from openpyxl.styles import Font  # noqa: PLC0415 (as above)
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 (as above)

    if len(listing.rows) > ROWS_MAX:
        raise NotWritten(f"A sheet holds {ROWS_MAX:,} rows, and this has {len(listing.rows):,}. Write it as CSV.")
    book = Workbook(write_only=True)
    title = " ".join(listing.title.translate(_TITLE_LETTERS).split())[:31] or "Sheet"
    made_sheet = book.create_sheet(title)
    sheet = cast("_Sheet", cast("object", made_sheet))
    has_ids = bool(listing.table)
    first = 2 if has_ids else 1
    sheet.freeze_panes = "B2" if has_ids else "A2"
    if has_ids:
        sheet.column_dimensions["A"].hidden = True
    for at, width in enumerate(_widths(listing), first):
        sheet.column_dimensions[get_column_letter(at)].width = width

    def cell(value: object, look: str = "") -> _Cell:
        made = cast("_Cell", cast("object", WriteOnlyCell(made_sheet, value=cast("str", value))))
        if isinstance(value, str):
            made.data_type = "s"
        if look:
            made.number_format = look
        return made

    names = ([ID] if has_ids else []) + [one.name for one in listing.columns]
    header = [cell(name) for name in names]
    for one in header:
        one.font = Font(bold=True)
    sheet.append(header)
    for row_id, row in zip(listing.ids, listing.rows, strict=True):
        cells = [cell(row_id)] if has_ids else []
        for column, value in zip(listing.columns, row, strict=True):
            shown = _shown(listing, column, value)
            cells.append(cell(shown, _look(column, shown)))
        sheet.append(cells)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _look(column: Column, shown: object) -> str:
    if isinstance(shown, str):
        return "@"
    return _FORMATS.get(column.type, "")


def _shown(listing: Listing, column: Column, value: object) -> object:
    """Returns a value as a cell holds it: a number, a yes or no, a day, a time, or a text."""
    if value is None or isinstance(value, bool | int | float):
        # Whole numbers beyond these come back as others: a sheet counts in floating point.
        is_exact = not isinstance(value, int) or abs(value) <= 2**53
        return value if is_exact else str(value)
    if isinstance(value, str):
        found = _moment(column.type, value)
        if found is not None:
            return found
        if column.type == "decimal":
            return _number(value)
    return _text(listing, column, text_of(value))


def _number(text: str) -> object:
    """Returns a decimal as a number where that says the same."""
    number = float(text)
    return number if len(text.lstrip("-").replace(".", "").lstrip("0")) <= 15 else text


def _moment(kind: str, text: str) -> dt.date | dt.time | None:
    """Returns a day or time as such; None for what a sheet cannot say: before 1900, or in a zone."""
    try:
        if kind == "time":
            return dt.time.fromisoformat(text)
        if kind not in ("date", "datetime"):
            return None
        found = dt.date.fromisoformat(text) if kind == "date" else dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    day = found.date() if isinstance(found, dt.datetime) else found
    return found if day >= _FIRST_DAY else None


def _text(listing: Listing, column: Column, text: str) -> str:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415 (as above)

    if len(text) > CELL_MAX:
        raise NotWritten(
            f"A cell of a sheet holds {CELL_MAX:,} characters, and '{column.title}' has a text of {len(text):,} in"
            f" {listing.title}. Leave that field out, or write CSV."
        )
    return ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text)


def _widths(listing: Listing) -> list[float]:
    """Returns a width for every column, by its name and its first thousand values."""
    found: list[float] = []
    for at, column in enumerate(listing.columns):
        lengths = [len(line) for row in listing.rows[:1_000] for line in text_of(row[at]).split("\n")[:1]]
        longest = max([len(column.name), *lengths])
        found.append(float(min(max(longest + 2, WIDTH_MIN), WIDTH_MAX)))
    return found

"""A table as it stands in a file, whatever the kind of file: what every reader gives and what a plan is made of.

Knows the shape, the limits that every reader keeps, and how numbers and times stand in a cell. Must not know formats.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openprod.exchange.rows import Rows
from openprod.model.errors import Refused

FILE_BYTES_MAX = 256 << 20
ROWS_MAX = 2_000_000
COLUMNS_MAX = 1_000
CELL_CHARACTERS_MAX = 1 << 20
ADDRESSES_SHOWN = 5
_DIGITS = re.compile(r"[0-9]+(\.[0-9]+)?")


class Unreadable(Refused):
    """A file that cannot be read as what it is said to be, or as anything."""

    code = "import.unreadable"


class BadChoice(Refused):
    """A sheet or a header row that the file does not have, or that this kind of file cannot have."""

    code = "import.choice"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person said about a file, and what the table it goes into makes likely.

    Attributes:
        sheet: the name or number of a sheet; empty takes the first that holds a table.
        header: the row or line that names the columns, from 1; 0 finds it.
        names: plain names by which the columns may be known, so that the row that names them can be told.
    """

    sheet: str = ""
    header: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it stands in a file.

    Attributes:
        header: the names of the columns, as written.
        rows: the cells of each row, as many as the header has; an empty text is an empty cell.
        lines: for each row, where it stands in the file, from 1, counted in `unit`.
        bad: (place, reason) for each place that could not be read as a row.
        encoding: how a text file was encoded: utf-8, utf-16 or cp1252.
        separator: what stands between the cells of a text file.
        assumed: a sentence for each thing that the file does not say itself.
        unit: what the places count: line, row, column (of a form with cues as columns) or entry.
        name: the name of the sheet in a workbook.
        sheets: the names of all sheets of a workbook.
        above: the texts that stand above the table.
        derived: names of columns that the file does not hold but that follow from it: who is called.
    """

    header: tuple[str, ...]
    rows: list[list[str]] | Rows[list[str]]
    lines: Sequence[int]
    bad: list[tuple[int, str]]
    encoding: str = ""
    separator: str = ""
    assumed: tuple[str, ...] = ()
    unit: str = "line"
    name: str = ""
    derived: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    above: tuple[str, ...] = ()


def make_sheet(
    header: Sequence[str],
    rows: Iterable[tuple[int, Sequence[str]]],
    *,
    bad: Iterable[tuple[int, str]] = (),
    assumed: Iterable[str] = (),
    unit: str = "line",
    derived: tuple[str, ...] = (),
) -> Sheet:
    """Returns a sheet of (place, cells), without the columns that no row fills; raises Unreadable where too large."""
    held: list[list[str]] = []
    lines: list[int] = []
    refused = list(bad)
    for line, cells in rows:
        if any(len(cell) > CELL_CHARACTERS_MAX for cell in cells):
            refused.append((line, f"a cell is longer than {CELL_CHARACTERS_MAX:,} characters"))
            continue
        held.append([*cells, *[""] * (len(header) - len(cells))])
        lines.append(line)
        if len(held) > ROWS_MAX:
            raise Unreadable(f"The file has more than {ROWS_MAX:,} rows. Split it and import the parts.")
    filled = [at for at in range(len(header)) if any(row[at] for row in held)]
    if len(filled) < len(header) and held:
        held = [[row[at] for at in filled] for row in held]
        header = [header[at] for at in filled]
    return Sheet(tuple(header), held, lines, sorted(refused), assumed=tuple(assumed), unit=unit, derived=derived)


def plainly(name: str) -> str:
    """Returns a column's name as it is compared: small letters, figures and underlines."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(one))
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")


def canonical_number(text: str) -> str:
    """Returns a cue's number without what does not count: 001.500 is 1.5, 100.0 is 100; other texts as they are."""
    text = text.strip()
    if not _DIGITS.fullmatch(text):
        return text
    whole, _, part = text.partition(".")
    part = part.rstrip("0")
    return f"{whole.lstrip('0') or '0'}{'.' if part else ''}{part}"


def number_text(value: float | decimal.Decimal) -> str:
    """Returns a number as people write it: 40, 11.1, without an exponent and without the noise of binary fractions."""
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 (only NaN differs from itself)
            return str(value)
        value = decimal.Decimal(format(value, ".15g"))
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration_text(length: dt.timedelta) -> str:
    """Returns a length or a clock time as hours, minutes and seconds: 0:27:00."""
    seconds = length.total_seconds()
    whole = int(seconds)
    rest = number_text(round(seconds - whole, 6)).removeprefix("0")
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}{rest}"


def places(numbers: Sequence[int], unit: str = "row") -> str:
    """Returns where something stands, for a sentence: row 7; rows 7, 13 and 2 more."""
    shown = ", ".join(map(str, numbers[:ADDRESSES_SHOWN]))
    if len(numbers) == 1:
        return f"{unit} {shown}"
    more = f" and {len(numbers) - ADDRESSES_SHOWN:,} more" if len(numbers) > ADDRESSES_SHOWN else ""
    units = "entries" if unit == "entry" else f"{unit}s"
    return f"{units} {shown}{more}"

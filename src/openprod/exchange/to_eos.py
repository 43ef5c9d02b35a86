"""Eos CSV out: the console's own last export with only the changed cells replaced, all else byte for byte.

Knows where the cells of such a file stand. Which field is which is said by `[import.eos]`, read backwards. Without a
file of the console there is nothing to be true to: what is written then says on top that it is for reading only.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from openprod.catalog.check import parse
from openprod.exchange.csv import decode_text, write_csv
from openprod.exchange.eos import CALLED, FOLLOW, FOLLOW_TIME, LIST, NUMBER, PART, TARGETS, read
from openprod.exchange.listing import Listing
from openprod.exchange.sheet import Choice, Unreadable, canonical_number
from openprod.exchange.words import columns_for, in_words, need
from openprod.model.errors import Refused
from openprod.model.values import value_key

if TYPE_CHECKING:
    from openprod.catalog.tables import Field
    from openprod.workspace.view import View

DCID = "TARGET_DCID"
FOR_READING = "For reading only: made by Openprod, not an export of the console. Do not import it there."
READING_HEADER = (
    LIST, NUMBER, DCID, PART, "LABEL", "TIME_DATA", "DOWN_TIME", FOLLOW, "LINK", "CUE_NOTES", "SCENE_TEXT", "SCENE_END",
)  # fmt: skip
_LETTERS = {"follow": "F", "hang": "H", "none": "", "": ""}
_CELL = re.compile(r'"(?:[^"]|"")*"|[^,\r\n]*')
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class _Record:
    """One record of the file: where it stands, its cells, and the names of its columns."""

    start: int
    end: int
    cells: list[str]
    header: list[str]


def write_for_reading(view: View, listing: Listing) -> bytes:
    """Returns the cues in the columns of the console, marked as no file for it; raises NotInThisForm."""
    rows = in_words(view, listing, "eos", (*READING_HEADER, FOLLOW_TIME), {})
    need(rows, listing, (NUMBER,), "an Eos export")
    for row in rows:
        row[FOLLOW] = _follow(row[FOLLOW], row[FOLLOW_TIME])
    head = f"{FOR_READING}\r\n{TARGETS}\r\n".encode()
    body = write_csv(READING_HEADER, ([row[name] for name in READING_HEADER] for row in rows))
    return head + body + b"END_TARGETS\r\n"


def write_onto(view: View, listing: Listing, last: bytes) -> tuple[bytes, list[str]]:
    """Returns the console's last export with the cells that say something else here replaced, and what to know.

    A cue is known by the console's own id and its part, then by list, number and part. A cell that our own import would
    read as what is here stays as it is, however it is written.

    Args:
        view: whose modules say what the columns mean.
        listing: the cues.
        last: the console's export.

    Raises:
        Unreadable: it is none, or is written in a way that cannot be kept.
    """
    text, encoding, _ = decode_text(last)
    sheet = read(last, Choice())
    mark = last[: len(last) - len(text.encode(encoding, errors="replace"))]
    if mark + text.encode(encoding, errors="replace") != last:
        raise Unreadable("The letters of this file cannot be kept as they are. Export it from the console again.")
    records = dict(_records(text))
    places = columns_for(view, listing, "eos", sheet.header, {})
    ours = in_words(view, listing, "eos", sheet.header, {})
    by_id = {(row[DCID], _number_of(row)[2]): row for row in ours if row.get(DCID)}
    by_number = {_number_of(row): row for row in ours}
    # Whether a cue is called is worked out while reading; no cell of the file says it.
    fields = {word: listing.columns[place].field for word, place in places.items() if word != CALLED}
    parts: list[tuple[int, int, str]] = []
    met: set[int] = set()
    lone, cells = 0, 0
    for line, said in zip(sheet.lines, sheet.rows, strict=True):
        theirs = dict(zip(sheet.header, said, strict=True))
        found = by_id.get((theirs.get(DCID, ""), _number_of(theirs)[2])) or by_number.get(_number_of(theirs))
        if found is None:
            lone += 1
            continue
        met.add(id(found))
        changed = _changed(fields, theirs, found)
        if changed:
            record = records[line]
            cells += len(changed)
            parts.append((record.start, record.end, _replaced(text[record.start : record.end], record, changed)))
    notes = [_counted(cells, len(parts))]
    new = [row for row in ours if id(row) not in met]
    if new:
        names = ", ".join("/".join(_number_of(row)).strip("/") for row in new[:_SHOWN])
        more = f" and {len(new) - _SHOWN} more" if len(new) > _SHOWN else ""
        notes.append(f"Not in that file, and so not written: cues {names}{more}. Make them on the console.")
    if lone:
        notes.append(f"{lone} cues of that file are not here; they stay as they are.")
    return mark + _spliced(text, parts).encode(encoding), notes


def _counted(cells: int, cues: int) -> str:
    if not cells:
        return "Nothing differs from that file; it was written as it is."
    return f"Replaced {cells} {'cell' if cells == 1 else 'cells'} of {cues} {'cue' if cues == 1 else 'cues'}."


def _number_of(row: Mapping[str, str]) -> tuple[str, str, str]:
    part = canonical_number(row.get(PART, ""))
    return canonical_number(row.get(LIST, "")) or "1", canonical_number(row[NUMBER]), "" if part == "0" else part


def _follow(word: str, time: str) -> str:
    letter = _LETTERS.get(word, "")
    return f"{letter}{time}" if letter else ""


def _changed(fields: Mapping[str, Field | None], theirs: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """Returns the cells whose values differ, by their columns, with the text that is to stand there."""
    found: dict[str, str] = {}
    for word, field in fields.items():
        if field is None or _is_same(field, theirs.get(word, ""), ours[word]):
            continue
        if word in (FOLLOW, FOLLOW_TIME):
            found[FOLLOW] = _follow(ours.get(FOLLOW, ""), ours.get(FOLLOW_TIME, ""))
        else:
            found[word] = ours[word]
    return found


def _is_same(field: Field, theirs: str, ours: str) -> bool:
    if theirs == ours:
        return True
    try:
        return value_key(parse(field, theirs or None)[0]) == value_key(parse(field, ours or None)[0])
    except Refused:
        # The import could not put it into this field either: what stands there is not ours to judge.
        return not ours


def _records(text: str) -> Iterator[tuple[int, _Record]]:
    """Yields every record of the file with the line it begins in, its place, and the last line of names above it."""
    offset = 0

    def lines() -> Iterator[str]:
        nonlocal offset
        for line in io.StringIO(text, newline=""):
            offset += len(line)
            yield line

    reader = csv.reader(lines())
    header: list[str] = []
    start, line = 0, 1
    for cells in reader:
        names = [cell.strip().upper() for cell in cells]
        if NUMBER in names:
            header = names
        yield line, _Record(start, offset, cells, header)
        start, line = offset, reader.line_num + 1


def _replaced(raw: str, record: _Record, changed: Mapping[str, str]) -> str:
    """Returns a record's text with some cells replaced."""
    spans: list[tuple[int, int]] = []
    at = 0
    for _ in record.cells:
        found = _CELL.match(raw, at)
        if found is None:
            break
        spans.append(found.span())
        at = found.end() + 1
    if [_unquoted(raw[start:end]) for start, end in spans] != record.cells:
        raise Unreadable("A line of this file is quoted as it cannot be kept. Export it from the console again.")
    places = {name: place for place, name in enumerate(record.header) if place < len(spans)}
    lacking = [name for name in changed if name not in places]
    if lacking:
        raise Unreadable(f"The file has no column {lacking[0]}, which changed. Export it from the console with it.")
    return _spliced(raw, sorted((*spans[places[name]], _quoted(cell)) for name, cell in changed.items()))


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def _quoted(cell: str) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"' if any(letter in cell for letter in ',"\r\n') else cell


def _spliced(text: str, parts: Sequence[tuple[int, int, str]]) -> str:
    """Returns a text with some of its parts replaced; in order, and none within another."""
    pieces: list[str] = []
    at = 0
    for start, end, piece in parts:
        pieces += (text[at:start], piece)
        at = end
    return "".join([*pieces, text[at:]])

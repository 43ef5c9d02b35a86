"""Eos CSV, as the console exports it: the cues among the targets, with their list, part and times.

Knows the sections of such a file and the words of its columns. Must not know which field a column is; the lighting
module says that (`[import.eos]`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

from openprod.exchange.calling import SAID, Cue, called
from openprod.exchange.csv import CELL_CHARACTERS_MAX, decode_text
from openprod.exchange.sheet import Choice, Sheet, Unreadable, canonical_number, make_sheet, places

TARGETS = "START_TARGETS"
TYPE, LIST, NUMBER, PART = "TARGET_TYPE_AS_TEXT", "TARGET_LIST_NUMBER", "TARGET_ID", "PART_NUMBER"
FOLLOW, FOLLOW_TIME, LINK, CALLED = "FOLLOW", "FOLLOW_TIME", "LINK", "IS_CALLED"
CUE, CUE_TYPE = "cue", "1"
_MARK = re.compile(r"(START|END)_[A-Z_]+")
_FOLLOW = re.compile(r"([FH])\s*([0-9]*\.?[0-9]+)?", re.IGNORECASE)


def is_eos(head: str) -> bool:
    """Tells whether a text begins with a section of such an export."""
    return any(line.strip().strip(",;").upper().startswith("START_") for line in head.splitlines()[:5])


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the cues of an Eos CSV export, one row for each cue and each part; raises Unreadable."""
    del choice
    text, _, assumed = decode_text(raw)
    others: dict[str, int] = {}
    bad: list[tuple[int, str]] = []
    found: list[tuple[int, dict[str, str]]] = []
    names: dict[str, None] = {}
    for line, row in _targets(text, bad):
        kind = (row.get(TYPE) or "").strip()
        if kind.casefold() != CUE and not (not kind and row.get("TARGET_TYPE") == CUE_TYPE):
            others[kind or "nameless"] = others.get(kind or "nameless", 0) + 1
            continue
        if not row.get(NUMBER):
            bad.append((line, "the cue has no number (TARGET_ID)"))
            continue
        found.append((line, row))
        names.update(dict.fromkeys(row))
    if not found and not bad:
        raise Unreadable(
            "The file holds no cues. Export the cue list from the console with its targets and import that."
        )
    if others:
        count = ", ".join(f"{number} {kind}" for kind, number in sorted(others.items()))
        assumed.append(f"Only cues were read; left out: {count}.")
    cells = [_cells(row) for _, row in found]
    _add_called(cells)
    assumed.append(SAID.format(follow="follow or hang"))
    _tell_lists(found, cells, assumed)
    header = [*names, *(one for one in (FOLLOW_TIME, CALLED) if one not in names)]
    rows = ((line, [row.get(name, "") for name in header]) for (line, _), row in zip(found, cells, strict=True))
    return make_sheet(header, rows, bad=bad, assumed=assumed, derived=(CALLED,))


def _targets(text: str, bad: list[tuple[int, str]]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields the rows of every section of targets by their columns' names; ends may lack and headers stand twice."""
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    reader = csv.reader(io.StringIO(text, newline=""))
    is_target, header, line = False, list[str](), 0
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            bad.append((line, f"a cell is longer than {CELL_CHARACTERS_MAX:,} characters"))
            continue
        cells = [cell.strip() for cell in row]
        mark = cells[0].upper() if cells and not any(cells[1:]) else ""
        if _MARK.fullmatch(mark):
            is_target, header = mark == TARGETS, []
        elif not any(cells) or not is_target:
            continue
        elif NUMBER in (upper := [cell.upper() for cell in cells]):
            header = upper
        elif not header:
            raise Unreadable(f"Line {line} should name the columns of the targets (TARGET_TYPE, TARGET_ID, …).")
        elif any(cells[len(header) :]):
            bad.append((line, f"it has {len(cells)} cells where the header names {len(header)} columns"))
        else:
            yield line, {name: cell for name, cell in zip(header, cells, strict=False) if name}


def _cells(row: Mapping[str, str]) -> dict[str, str]:
    cells = dict(row)
    list_number = canonical_number(cells.get(LIST, ""))
    cells[LIST] = "1" if list_number in ("", "0") else list_number
    cells[NUMBER] = canonical_number(cells[NUMBER])
    if PART in cells:
        part = canonical_number(cells[PART])
        cells[PART] = "" if part == "0" else part
    follow = _FOLLOW.fullmatch(cells.get(FOLLOW, ""))
    if follow is not None:
        cells[FOLLOW] = "follow" if follow[1] in "Ff" else "hang"
        cells[FOLLOW_TIME] = follow[2] or ""
    elif not cells.get(FOLLOW):
        cells[FOLLOW] = "none"
    return cells


def _add_called(cells: Sequence[dict[str, str]]) -> None:
    cues = [
        Cue(row[LIST], row[NUMBER], row.get(PART, ""), row[FOLLOW] in ("follow", "hang"), _link(row.get(LINK, "")))
        for row in cells
    ]
    for row, word in zip(cells, called(cues), strict=True):
        row[CALLED] = word


def _link(text: str) -> str:
    return canonical_number(text.rpartition("/")[2])


def _tell_lists(
    found: Sequence[tuple[int, Mapping[str, str]]], cells: Sequence[Mapping[str, str]], assumed: list[str]
) -> None:
    at_zero = [line for line, row in found if canonical_number(row.get(LIST, "")) == "0"]
    if at_zero:
        assumed.append(f"Cue list 0 is read as list 1 ({places(at_zero, 'line')}).")
    lists = sorted({row[LIST] for row in cells})
    if len(lists) > 1:
        assumed.append(f"The file holds {len(lists)} cue lists: {', '.join(lists)}.")

"""Words where a number or a time should be: `w/trac`, `TBA`, `7 count` go as text into the field that a module names.

Knows sheets and fields. Must not know formats nor which field takes what; modules say that (`otherwise`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from openprod.catalog.check import ColumnRefused, parse_column
from openprod.catalog.tables import Field, Table
from openprod.exchange.sheet import Sheet, places

JOINED = "; "


def set_aside(sheet: Sheet, fields: Sequence[tuple[int, Field]], table: Table, otherwise: Mapping[str, str]) -> Sheet:
    """Returns a sheet whose unreadable cells stand as text in another field's column, and says where.

    Args:
        sheet: the file's table.
        fields: its columns by place, as laid out.
        table: where it goes.
        otherwise: names of fields, each with the field that takes what it cannot.
    """
    by_name = {one.name: at for at, one in fields}
    for name, other in otherwise.items():
        target = table.resolve(other)
        at = by_name.get(name)
        if at is None or target is None or target.type != "text":
            continue
        one = next(field for place, field in fields if place == at)
        faulty = _faulty(one, [row[at] for row in sheet.rows])
        if faulty:
            sheet, by_name = _moved(sheet, at, faulty, one, target, by_name)
    return sheet


def _faulty(one: Field, cells: Sequence[str]) -> list[int]:
    try:
        parse_column(one, cells)
    except ColumnRefused as refused:
        return [at for at, _ in refused.problems]
    return []


def _moved(
    sheet: Sheet, at: int, faulty: Sequence[int], one: Field, target: Field, by_name: Mapping[str, int]
) -> tuple[Sheet, dict[str, int]]:
    rows = [list(row) for row in sheet.rows]
    header = sheet.header
    to = by_name.get(target.name)
    if to is None:
        to = len(header)
        header = (*header, target.key)
        for row in rows:
            row.append("")
    for place in faulty:
        row = rows[place]
        words = f"{one.title}: {row[at].strip()}"
        row[to] = f"{row[to]}{JOINED}{words}" if row[to] else words
        row[at] = ""
    where = places([sheet.lines[place] for place in faulty], sheet.unit)
    note = f"What cannot be read as {one.title} stands as text in {target.title} ({where})."
    moved = replace(sheet, header=header, rows=rows, assumed=(*sheet.assumed, note))
    return moved, {**by_name, target.name: to}

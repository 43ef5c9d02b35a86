"""Tables and answers as files for spreadsheets. What is exported and imported again, unchanged, changes nothing.

Knows how values stand in a file. Must not know how they are kept.
"""

from __future__ import annotations

import decimal
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from openprod.catalog.tables import Field
from openprod.exchange.columns import ID_COLUMN, MARKS_COLUMN
from openprod.exchange.csv import write_csv
from openprod.model.errors import Refused

if TYPE_CHECKING:
    from openprod.workspace.workspace import Workspace

JOINED = "; "


class NotWritten(Refused):
    """The file could not be written; nothing was changed."""

    code = "export.not_written"


def export_table(
    workspace: Workspace,
    table: str,
    *,
    fields: Sequence[str] = (),
    where: str = "",
    marks: bool = False,
    bom: bool = False,
) -> bytes:
    """Returns a table as CSV: the records' ids, then every field that is not hidden under its short name.

    Args:
        workspace: whose table.
        table: its full name.
        fields: names of the fields to give, in this order; none gives all.
        where: a condition on the records.
        marks: add a column that names the fields in conflict.
        bom: begin with the mark by which Excel knows UTF-8.
    """
    found = workspace.catalog.table(table)
    chosen = [workspace.catalog.resolve_field(table, name) for name in fields]
    chosen = chosen or [one for one in found.fields.values() if not one.hidden]
    names = {f"f{at}": one.key for at, one in enumerate(chosen)}
    form: dict[str, object] = {"from": table, "select": names, "conflicts": marks}
    if where:
        form["where"] = where
    writers = [writer_of(one) for one in chosen]
    header = [ID_COLUMN, *(one.column for one in chosen), *([MARKS_COLUMN] if marks else [])]
    columns = {name: one.column for name, one in zip(names, chosen, strict=True)}
    rows: list[list[str]] = []
    for row in workspace.query(query=form):
        cells = [str(row["id"]), *(write(row[name]) for name, write in zip(names, writers, strict=True))]
        if marks:
            cells.append(JOINED.join(columns[name] for name in cast("Sequence[str]", row["conflicts"])))
        rows.append(cells)
    return write_csv(header, rows, bom=bom)


def export_rows(rows: Iterable[Mapping[str, object]], columns: Sequence[str] = (), *, bom: bool = False) -> bytes:
    """Returns the rows of a query as CSV, without their ids; lists are joined.

    Args:
        rows: the rows.
        columns: the names to give, in order; none takes those of the first row.
        bom: begin with the mark by which Excel knows UTF-8.
    """
    held = list(rows)
    first: Mapping[str, object] = held[0] if held else {}
    names = list(columns) or [name for name in first if name not in (ID_COLUMN, "ids")]
    return write_csv(names, ([text_of(row.get(name)) for name in names] for row in held), bom=bom)


def export_query(
    workspace: Workspace, name: str, *, params: Mapping[str, object] | None = None, bom: bool = False
) -> bytes:
    """Returns the answer of a saved query as CSV."""
    given: dict[str, Any] = dict(params or {})
    return export_rows(workspace.query(name, **given), bom=bom)


def write_file(file: str | Path, raw: bytes) -> None:
    """Writes a file whole or not at all; raises NotWritten."""
    path = Path(file)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as target:
            target.write(raw)
            target.flush()
            os.fsync(target.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise NotWritten(
            f"{path} cannot be written ({error.strerror}). Choose a folder that is yours to write."
        ) from error


def writer_of(one: Field) -> Callable[[object], str]:
    """Returns the function that gives a field's plain value as the text that its import reads as the same value."""
    if one.type == "duration":
        return _duration_in_seconds if one.unit in ("", "s") else _duration_with_unit
    return text_of


def text_of(value: object) -> str:
    """Returns a plain value as it stands in a cell."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case int():
            return str(value)
        case float():
            return number_text(value)
        case list():
            return JOINED.join(text_of(item) for item in cast("list[object]", value))
        case _:
            return json.dumps(value, ensure_ascii=False, sort_keys=True)


def number_text(number: float) -> str:
    """Returns a number without an exponent: 0.0000001."""
    text = f"{decimal.Decimal(repr(number)):f}"
    return text.removesuffix(".0")


def _duration_in_seconds(value: object) -> str:
    return text_of(value)


def _duration_with_unit(value: object) -> str:
    return f"{text_of(value)}s" if isinstance(value, (int, float)) else text_of(value)

"""The formats that can be written, each by the ending of a file's name or by its own name.

Knows which writer makes which file. Must not know where the file goes.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from openprod.exchange.csv import write_csv
from openprod.exchange.export import text_of, writer_of
from openprod.exchange.listing import ID, Listing
from openprod.model.errors import Refused

if TYPE_CHECKING:
    from openprod.workspace.view import View

ENDINGS: Mapping[str, str] = {
    ".csv": "csv", ".txt": "csv", "": "csv", ".tsv": "tsv", ".json": "json", ".xlsx": "xlsx", ".ics": "ical",
    ".vcf": "vcard", ".pdf": "pdf",
}  # fmt: skip
FORMATS: Mapping[str, str] = {
    "csv": "comma-separated values, for spreadsheets",
    "tsv": "tab-separated values",
    "json": "a list of objects",
    "xlsx": "an Excel workbook",
    "ical": "a calendar (.ics)",
    "vcard": "an address book (.vcf)",
    "qlab": "a table for the scripts that fill QLab",
    "eos": "the console's own last export with the changed cells replaced (--onto), or a table for reading",
    "pdf": "paper",
}


class UnknownWriter(Refused):
    """The file's name ends in nothing that can be written."""

    code = "export.unknown_format"


@dataclass(frozen=True, slots=True)
class Written:
    """A file's bytes, and what is to be known about them."""

    raw: bytes
    notes: list[str] = field(default_factory=list[str])


def format_of(file: str, named: str = "") -> str:
    """Returns the format that a file is to be written in; raises UnknownWriter.

    Args:
        file: the file's name.
        named: the format, where a person said it.
    """
    if named:
        if named not in FORMATS:
            raise UnknownWriter(f"There is no format '{named}'. There are: {', '.join(FORMATS)}.")
        return named
    ending = file[file.rindex(".") :].lower() if "." in file.replace("\\", "/").rpartition("/")[2] else ""
    if ending not in ENDINGS:
        known = ", ".join(one for one in ENDINGS if one)
        raise UnknownWriter(f"{file} cannot be written: its ending is none of {known}. Choose one, or give --format.")
    return ENDINGS[ending]


def write(
    view: View, listing: Listing, form: str, now: dt.datetime, *, bom: bool = False, onto: bytes | None = None
) -> Written:
    """Returns a listing in a format.

    Args:
        view: whose modules say what columns mean.
        listing: the rows.
        form: the format.
        now: the moment, with its zone.
        bom: begin CSV with the mark by which Excel knows UTF-8.
        onto: for eos, the console's last export.

    Raises:
        NotWritten, NotInThisForm, Unreadable: it cannot be.
    """
    match form:
        case "json":
            return Written(_json(listing))
        case "xlsx":
            from openprod.exchange import to_xlsx  # noqa: PLC0415 (each writer's library is loaded when it is asked for)

            return Written(to_xlsx.write(listing))
        case "ical":
            from openprod.exchange import to_ical  # noqa: PLC0415

            return Written(to_ical.write(view, listing, now.astimezone(dt.UTC)))
        case "vcard":
            from openprod.exchange import to_vcard  # noqa: PLC0415

            return Written(to_vcard.write(view, listing))
        case "qlab":
            from openprod.exchange import to_qlab  # noqa: PLC0415

            return Written(to_qlab.write(view, listing))
        case "eos":
            from openprod.exchange import to_eos  # noqa: PLC0415

            if onto is None:
                return Written(to_eos.write_for_reading(view, listing), [to_eos.FOR_READING])
            return Written(*to_eos.write_onto(view, listing, onto))
        case "pdf":
            from openprod.exchange import paper  # noqa: PLC0415

            return Written(paper.write(view, listing, now))
        case _:
            return Written(_separated(listing, "\t" if form == "tsv" else ",", bom=bom))


def _separated(listing: Listing, separator: str, *, bom: bool) -> bytes:
    writers = [writer_of(one.field) if one.field is not None else text_of for one in listing.columns]
    names = [one.name for one in listing.columns]
    rows = ([write(value) for write, value in zip(writers, row, strict=True)] for row in listing.rows)
    if not listing.table:
        return write_csv(names, rows, bom=bom, separator=separator)
    known = ([one, *row] for one, row in zip(listing.ids, rows, strict=True))
    return write_csv([ID, *names], known, bom=bom, separator=separator)


def _json(listing: Listing) -> bytes:
    names = [one.name for one in listing.columns]
    made: list[dict[str, object]] = []
    for row_id, row in zip(listing.ids, listing.rows, strict=True):
        given: dict[str, object] = {ID: row_id} if row_id else {}
        made.append(given | dict(zip(names, row, strict=True)))
    return (json.dumps(made, ensure_ascii=False, indent=1) + "\n").encode()

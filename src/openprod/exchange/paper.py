"""Lists on paper: any table or answer as a PDF that is legible in black and white, by typst.

Knows which columns need room and how values read for people. Must not know what a list is about.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, cast

from openprod.exchange.export import text_of
from openprod.exchange.listing import Listing
from openprod.exchange.typesetting import Layout, typeset
from openprod.model.hours import hour
from openprod.workspace.modules import Adopted, adopted, package_of

# What the show's setting calls a sheet, and what typst does.
SHEETS = {"A4": "a4", "Letter": "us-letter", "A3": "a3", "Legal": "us-legal", "Tabloid": "us-tabloid"}
SHORT = 14
WIDE_MAX = 6
LANDSCAPE_FROM = 7
SIZES = ((5, 10.0), (8, 9.0), (12, 8.0), (99, 7.0))
_NUMBERS = ("int", "float", "decimal", "duration")


if TYPE_CHECKING:
    from openprod.workspace.view import View


def write(
    view: View,
    listing: Listing,
    now: dt.datetime,
    *,
    sheet: str = "",
    group: str = "",
    note: str = "",
    layout: Layout | None = None,
) -> bytes:
    """Returns a PDF: title, the rows with the columns' names on every page, the moment and the page at the foot.

    Columns that are empty in every row are left out; seven or more turn the page.

    Args:
        view: whose settings say the size of the sheets and how times are written.
        listing: the rows, in their order.
        now: the moment of writing, local.
        sheet: the size of the sheets, where it is not the show's: A4, Letter, A3, Legal or Tabloid.
        group: the name of a column by whose values the rows stand together under headings; empty for none.
        note: a line under the title.
        layout: how it looks, where not as every list.

    Raises:
        NotWritten: it cannot be set; a layout's mistake is named.
        NoSuchColumn: there is no column to group by.
    """
    if group:
        listing.only({group: ""})
    at = listing.at(group) if group else None
    settings = {one["name"]: one["value"] for one in view.settings()}
    kinds = [one.type for one in listing.columns]
    hours = settings["clock"]
    rows = [[_read(value, kind, hours) for value, kind in zip(row, kinds, strict=True)] for row in listing.rows]
    kept = [place for place in range(len(listing.columns)) if place != at and any(row[place] for row in rows)]
    kept = kept or [place for place in range(len(listing.columns)) if place != at]
    data = {
        "title": listing.title,
        "note": note,
        "show": view.name,
        "moment": f"{now:%Y-%m-%d} {hour(f'{now:%H:%M}', hours)}",
        "paper": SHEETS[sheet or settings["paper"]],
        "landscape": len(kept) >= LANDSCAPE_FROM,
        "size": next(size for most, size in SIZES if len(kept) <= most),
        "columns": [
            {
                "name": listing.columns[place].name,
                "title": listing.columns[place].title,
                "number": listing.columns[place].type in _NUMBERS,
                "wide": _wide([row[place] for row in rows]),
            }
            for place in kept
        ],
        "groups": [
            {"title": title, "rows": [[row[place] for place in kept] for row in some]}
            for title, some in _grouped(rows, at)
        ],
    }
    return typeset(layout or _usual(), json.dumps(data), title=listing.title)


def _usual() -> Layout:
    """Returns how every list looks that has no layout of its own."""
    return Layout(
        "paper.typ", {"paper.typ": files("openprod.exchange").joinpath("paper.typ").read_bytes()}, is_ours=True
    )


@dataclass(frozen=True, slots=True)
class Paper:
    """A list with a layout of its own, as a module declares it: its full name, title, and its saved query's name."""

    name: str
    title: str
    query: str
    module: Adopted
    file: str


def papers(view: View) -> list[Paper]:
    """Returns what the modules adopted here declare to be set on paper with a layout of their own."""
    found: list[Paper] = []
    with view.desk.reading():
        for module in adopted(view.desk):
            manifest = module.manifest()
            if manifest is None or view.catalog.modules.get(module.name) != module.version:
                continue
            queries = {one.file: one.name for one in manifest.queries}
            for short, entry in manifest.declared.get("paper", {}).items():
                name, query = f"{module.name}.{short}", queries.get(str(entry.get("query", "")), "")
                if query:
                    title = str(entry.get("title", "") or short.replace("_", " ").capitalize())
                    found.append(Paper(name, title, query, module, str(entry.get("layout", ""))))
    return found


def layout_of(view: View, paper: Paper) -> Layout:
    """Returns a module's own layout with all its files; raises PackageLacking where they are not on this device."""
    with view.desk.reading():
        return Layout(paper.file, package_of(view.desk, paper.module).files)


def _grouped(rows: Sequence[Sequence[str]], at: int | None) -> list[tuple[str, list[Sequence[str]]]]:
    """Returns the rows under their headings, in their order: what stands apart stays apart."""
    if at is None:
        return [("", list(rows))]
    return [(title or "—", list(some)) for title, some in itertools.groupby(rows, key=lambda row: row[at])]


def _wide(texts: Sequence[str]) -> float:
    """Returns a column's share of the width: 0 for one that takes what it needs, more for longer texts."""
    lengths = sorted(len(text) for text in texts if text)
    if not lengths or lengths[-1] <= SHORT:
        return 0
    usual = lengths[len(lengths) * 9 // 10]
    return round(min(max((usual / SHORT) ** 0.5, 1), WIDE_MAX), 2)


def _read(value: object, kind: str, hours: str) -> str:
    """Returns a value as people read it on paper: yes or nothing, and no seconds that are none."""
    if value is False:
        return ""
    if kind == "time" and isinstance(value, str):
        return hour(value, hours)
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        return str(named.get("name") or named.get("title") or text_of(named))
    return text_of(value)

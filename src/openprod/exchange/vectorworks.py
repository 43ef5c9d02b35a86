"""Vectorworks and Lightwright Data Exchange (.xml): the instruments of a light plot.

Knows the elements of such files. Must not know which field an element is; the lighting module says that
(`[import.vectorworks]`).
"""

from __future__ import annotations

import decimal
import re
from typing import TYPE_CHECKING

from openprod.exchange.outside import elements, tag_of, text_in
from openprod.exchange.sheet import COLUMNS_MAX, Choice, Sheet, Unreadable, make_sheet, number_text, places

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ROOT, INSTRUMENTS, ACCESSORIES, ACTION = "SLData", "InstrumentData", "Accessories", "Action"
DELETE = "delete"
NO_ADDRESS = "0/0"
ADDRESS = "UniverseAddress"
_KILOWATTS = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)\s*kw", re.IGNORECASE)


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the instruments of a Data Exchange file, one row each; raises Unreadable."""
    del choice
    header: dict[str, None] = {}
    rows: list[tuple[int, dict[str, str]]] = []
    deleted: list[int] = []
    bad: list[tuple[int, str]] = []
    root, inside, place = "", False, 0
    for event, element, depth in elements(raw):
        name = tag_of(element)
        if depth == 1:
            root = name
            if root != ROOT:
                raise Unreadable(f"This is XML of a kind that is not understood ('{root}' instead of '{ROOT}').")
        elif depth == 2:
            inside = event == "start" and name == INSTRUMENTS
            if event == "end":
                element.clear()
        elif depth == 3 and inside and event == "end" and len(element):
            place += 1
            cells = _cells(element)
            element.clear()
            if not cells.get("UID"):
                bad.append((place, f"the instrument '{name}' has no UID"))
            elif cells.pop(ACTION, "").casefold() == DELETE:
                deleted.append(place)
            else:
                header.update(dict.fromkeys(cells))
                rows.append((place, cells))
            if len(header) > COLUMNS_MAX:
                raise Unreadable(f"The instruments have more than {COLUMNS_MAX:,} different fields.")
    if not rows and not bad and not deleted:
        raise Unreadable("The file holds no instruments. Export the data exchange with 'Entire Plot' and import that.")
    assumed: list[str] = []
    if deleted:
        assumed.append(f"Instruments that the file says are deleted were left out ({places(deleted, 'entry')}).")
    return make_sheet(
        list(header),
        ((at, [row.get(name, "") for name in header]) for at, row in rows),
        bad=bad,
        assumed=assumed,
        unit="entry",
    )


def _cells(instrument: Element) -> dict[str, str]:
    cells: dict[str, str] = {}
    for part in instrument:
        name = tag_of(part)
        if name == ACCESSORIES:
            cells[name] = "; ".join(filter(None, (_accessory(one) for one in part)))
        elif not len(part):
            cells[name] = text_in(part)
    if not cells.get(ADDRESS) and cells.get("Universe") and cells.get("DMX_Address"):
        cells[ADDRESS] = f"{cells['Universe']}/{cells['DMX_Address']}"
    if cells.get(ADDRESS) in (NO_ADDRESS, "0"):
        cells[ADDRESS] = ""
    if ADDRESS in cells:
        cells.pop("DMX_Address", None)
    if "Wattage" in cells:
        cells["Wattage"] = watts(cells["Wattage"])
    return cells


def watts(text: str) -> str:
    """Returns a power in watts: 1.5 kW is 1500 W; anything else as it stands."""
    found = _KILOWATTS.fullmatch(text)
    return f"{number_text(decimal.Decimal(found[1]) * 1000)} W" if found is not None else text


def _accessory(part: Element) -> str:
    """Returns what an accessory is called."""
    found = {tag_of(one): text_in(one) for one in part}
    return found.get("Inst_Type") or found.get("Symbol_Name") or found.get("Device_Type") or ""

"""Lightwright and Vectorworks as plain text: one instrument a line, tabs between, the chosen fields as header.

Knows by what such a file is told from other tables. Must not know which field a column is; the lighting module says
that (`[import.lightwright_text]`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from openprod.exchange.csv import read_csv
from openprod.exchange.sheet import Choice, Sheet, plainly
from openprod.exchange.vectorworks import watts

KNOWN = frozenset(
    [
        "uid",
        "unit",
        "unit_number",
        "channel",
        "dimmer",
        "circuit",
        "circuit_name",
        "circuit_number",
        "position",
        "instrument_type",
        "inst_type",
        "type",
        "purpose",
        "color",
        "colour",
        "gobo",
        "gobo_1",
        "gobo_2",
        "template",
        "wattage",
        "address",
        "dmx_address",
        "universe",
        "universe_address",
        "focus",
        "lightwright_id",
        "device_type",
        "symbol_name",
        "accessories",
    ]
)
LEAST = 3


def is_lightwright(header: Sequence[str], separator: str) -> bool:
    """Tells whether a header separated by tabs names an instrument's fields."""
    names = {plainly(name) for name in header}
    return separator == "\t" and len(names & KNOWN) >= LEAST and bool(names & {"channel", "unit", "unit_number", "uid"})


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the instruments of such a text; raises Unreadable, BadChoice."""
    sheet = read_csv(raw, choice.header)
    at = next((at for at, name in enumerate(sheet.header) if plainly(name) == "wattage"), None)
    if at is None:
        return sheet
    return replace(sheet, rows=[[*row[:at], watts(row[at]), *row[at + 1 :]] for row in sheet.rows])

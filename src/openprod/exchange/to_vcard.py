"""Address books out (.vcf): one card for each person, version 3.0, which every program reads.

Knows the lines of a card. Which field is the phone is said by `[import.vcard]`, read backwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from openprod.exchange.listing import Listing
from openprod.exchange.uids import own_uid
from openprod.exchange.vcard import HEADER
from openprod.exchange.words import in_words, need

if TYPE_CHECKING:
    from openprod.workspace.view import View

ALSO = {"E-mail": ("email",), "Second phone": ("phone_2", "mobile"), "Notes": ("note",), "Role": ("job",)}
OCTETS_MAX = 75
_SPECIAL = re.compile(r"([\\,;])")
_LINES = {
    "Pronouns": "PRONOUNS",
    "E-mail": "EMAIL;TYPE=INTERNET",
    "Phone": "TEL;TYPE=VOICE,PREF",
    "Second phone": "TEL;TYPE=VOICE",
    "Company": "ORG",
    "Role": "ROLE",
    "Categories": "CATEGORIES",
    "Notes": "NOTE",
}


def write(view: View, listing: Listing) -> bytes:
    """Returns a card for each row that has a name; raises NotInThisForm where none has."""
    rows = in_words(view, listing, "vcard", HEADER, ALSO)
    need(rows, listing, ("Name",), "an address book")
    lines = (line for row_id, row in zip(listing.ids, rows, strict=True) if row["Name"] for line in _card(row_id, row))
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line)).encode()


def _card(row_id: str, row: Mapping[str, str]) -> Iterator[str]:
    family, _, given = (part.strip() for part in row["Sorted as"].partition(","))
    yield "BEGIN:VCARD"
    yield "VERSION:3.0"
    yield f"UID:{row['UID'] or own_uid(row_id)}"
    yield f"FN:{_value(row['Name'])}"
    yield f"N:{_value(family)};{_value(given)};;;" if family else f"N:;{_value(row['Name'])};;;"
    for word, name in _LINES.items():
        if row[word]:
            yield f"{name}:{_value(row[word])}"
    yield "END:VCARD"


def _value(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text).replace("\r\n", "\n").replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Yields a content line in pieces of at most 75 octets, each but the first behind a blank (RFC 2426, 2.6)."""
    piece, size = "", 0
    for letter in line:
        octets = len(letter.encode())
        if size + octets > OCTETS_MAX:
            yield piece
            piece, size = " ", 1
        piece += letter
        size += octets
    yield piece

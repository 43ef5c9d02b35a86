"""vCard (.vcf): people out of an address book, versions 2.1, 3.0 and 4.0.

Knows the lines of the format. Must not know which field a column is; the contacts module says that (`[import.vcard]`).
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass

from openprod.exchange.csv import decode_text
from openprod.exchange.sheet import Choice, Sheet, Unreadable, make_sheet
from openprod.exchange.uids import known_again

HEADER = (
    "UID",
    "Name",
    "Sorted as",
    "Pronouns",
    "E-mail",
    "Phone",
    "Second phone",
    "Company",
    "Role",
    "Categories",
    "Notes",
)
_PROPERTY = re.compile(r"(?:([A-Za-z0-9-]+)\.)?([A-Za-z0-9-]+)((?:;(?:\"[^\"]*\"|[^:;\"])*)*):(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\([nN;,:\\])")


def is_vcard(head: str) -> bool:
    """Tells whether a text begins with a card."""
    return head.lstrip().upper().startswith("BEGIN:VCARD")


@dataclass(frozen=True, slots=True)
class _Property:
    name: str
    parameters: str
    value: str

    @property
    def rank(self) -> int:
        """Tells how much it is preferred: the less, the more."""
        level = re.search(r"PREF=(\d{1,3})", self.parameters)
        if level is not None:
            return int(level[1])
        return 1 if "PREF" in self.parameters else 100


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the people of a vCard file, one row for each card; raises Unreadable."""
    del choice
    text, _, assumed = decode_text(raw)
    bad: list[tuple[int, str]] = []
    rows: list[tuple[int, list[str]]] = []
    photos = 0
    for line, card in _cards(text, bad):
        cells = _cells(card)
        photos += any(one.name == "PHOTO" for one in card)
        if cells["Name"]:
            rows.append((line, [cells.get(name, "") for name in HEADER]))
        else:
            bad.append((line, "the card has no name (FN or N)"))
    if not rows and not bad:
        raise Unreadable("The file holds no card: none of its lines is BEGIN:VCARD.")
    if photos:
        assumed.append(f"Photos of {photos} cards were left out.")
    header, rows = known_again(HEADER, rows, HEADER.index("UID"))
    return make_sheet(header, rows, bad=bad, assumed=assumed)


def _cards(text: str, bad: list[tuple[int, str]]) -> Iterator[tuple[int, list[_Property]]]:
    start, card = 0, list[_Property]()
    for line, content in _unfolded(text):
        mark = content.strip().upper()
        if mark == "BEGIN:VCARD":
            if start:
                bad.append((start, "the card is not closed by END:VCARD"))
            start, card = line, []
        elif mark == "END:VCARD":
            if start:
                yield start, card
            start = 0
        elif start and (found := _PROPERTY.fullmatch(content)) is not None:
            card.append(_Property(found[2].upper(), found[3].upper(), _value(found[3].upper(), found[4])))
    if start:
        bad.append((start, "the card is not closed by END:VCARD"))


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Yields the content lines with the line each begins in: a line that begins with a blank goes on with the last."""
    start, parts = 0, list[str]()
    is_soft = False
    for line, one in enumerate(text.splitlines(), 1):
        if parts and is_soft:
            parts.append("\n" + one)
        elif parts and one[:1] in (" ", "\t"):
            parts.append(one[1:])
        else:
            if parts:
                yield start, "".join(parts)
            start, parts = line, [one]
        is_soft = one.endswith("=") and "QUOTED-PRINTABLE" in parts[0].upper()
    if parts:
        yield start, "".join(parts)


def _value(parameters: str, value: str) -> str:
    if "QUOTED-PRINTABLE" not in parameters:
        return value
    charset = re.search(r"CHARSET=\"?([A-Z0-9-]+)", parameters)
    try:
        raw = quopri.decodestring(value.encode("utf-8"))
        return raw.decode(charset[1] if charset else "utf-8", errors="replace")
    except (LookupError, ValueError, binascii.Error):
        return value


def _plain(value: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value).strip()


def _fields(value: str) -> list[str]:
    """Returns the parts of a value with semicolons, empty ones too."""
    return [_plain(part) for part in re.split(r"(?<!\\);", value)]


def _cells(card: list[_Property]) -> dict[str, str]:
    """Returns what is kept of a card; birthdays and addresses are not."""

    def of(name: str) -> list[str]:
        found = sorted((one for one in card if one.name == name and one.value.strip()), key=lambda one: one.rank)
        return [one.value for one in found]

    names = [_fields(value) for value in of("N")[:1]]
    family, given, more = ([*names[0], "", "", ""][:3]) if names else ("", "", "")
    phones = [_plain(value).removeprefix("tel:") for value in of("TEL")]
    companies = [" / ".join(filter(None, _fields(value))) for value in of("ORG")]
    full = next(iter(_plain(value) for value in of("FN")), "")
    return {
        "UID": next(iter(of("UID")), "").strip(),
        "Name": full or " ".join(filter(None, (given, more, family))) or next(iter(companies), ""),
        "Sorted as": ", ".join(filter(None, (family, given))) if family else "",
        "Pronouns": next(iter(_plain(value) for value in of("PRONOUNS")), ""),
        "E-mail": next(iter(_plain(value) for value in of("EMAIL")), ""),
        "Phone": phones[0] if phones else "",
        "Second phone": phones[1] if len(phones) > 1 else "",
        "Company": companies[0] if companies else "",
        "Role": next(iter(_plain(value) for value in [*of("ROLE"), *of("TITLE")]), ""),
        "Categories": next(iter(_plain(value) for value in of("CATEGORIES")), ""),
        "Notes": "\n".join(_plain(value) for value in of("NOTE")),
    }

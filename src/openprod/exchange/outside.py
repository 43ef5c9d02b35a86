"""Zip archives and XML from outside, bounded before they are decoded. Used inside the reading process only.

Knows what is refused: too many or too large entries, bombs, encryption, document types and entities, deep nesting. Must
not know any format.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Protocol, cast
from xml.etree.ElementTree import ParseError

from openprod.exchange.sheet import FILE_BYTES_MAX, Unreadable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ENTRIES_MAX = 20_000
ENTRY_BYTES_MAX = 512 << 20
UNPACKED_BYTES_MAX = 1 << 30
RATIO_MAX = 250
RATIO_FREE_BYTES = 32 << 20
DEPTH_MAX = 200
ELEMENTS_MAX = 50_000_000
ENTITIES = "The file defines a document type or entities, which can be made to fill the memory; it was not read."
_ENCRYPTED = 0x1


class _Iterparse(Protocol):
    def __call__(
        self, source: IO[bytes], events: tuple[str, ...], *, forbid_dtd: bool
    ) -> Iterator[tuple[str, Element]]: ...


def open_zip(raw: bytes, what: str) -> zipfile.ZipFile:
    """Returns an archive whose directory was looked at and nothing else; raises Unreadable.

    Args:
        raw: the file's bytes.
        what: what it should be, for sentences: "an Excel workbook".
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        entries = archive.infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError, NotImplementedError, OverflowError) as error:
        raise Unreadable(f"The file is damaged or no {_bare(what)} at all: it cannot be unpacked.") from error
    if len(entries) > ENTRIES_MAX:
        raise Unreadable(f"The file holds {len(entries):,} parts, more than {what} has ({ENTRIES_MAX:,} at most).")
    total = sum(entry.file_size for entry in entries)
    if total > UNPACKED_BYTES_MAX or any(entry.file_size > ENTRY_BYTES_MAX for entry in entries):
        raise Unreadable(f"Unpacked, the file would be {total >> 20:,} MiB; {UNPACKED_BYTES_MAX >> 20:,} can be read.")
    if total > RATIO_FREE_BYTES and total > RATIO_MAX * max(len(raw), 1):
        raise Unreadable(
            f"The file unpacks to more than {RATIO_MAX} times its size, as no {_bare(what)} does; it was not opened."
        )
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise Unreadable("The file is protected by a password. Take the protection off and import it again.")
    return archive


def _bare(what: str) -> str:
    return what.partition(" ")[2] or what


def entry_bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    """Returns one part of an archive, no longer than its directory says; raises Unreadable."""
    try:
        with archive.open(name) as part:
            raw = part.read(ENTRY_BYTES_MAX + 1)
    except KeyError as error:
        raise Unreadable(f"The file lacks its part '{name}', so it cannot be read.") from error
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Unreadable(f"The file is damaged: its part '{name}' cannot be unpacked.") from error
    if len(raw) > ENTRY_BYTES_MAX:
        raise Unreadable(f"The part '{name}' of the file is larger than {ENTRY_BYTES_MAX >> 20} MiB unpacked.")
    return raw


def elements(raw: bytes, events: tuple[str, ...] = ("start", "end")) -> Iterator[tuple[str, Element, int]]:
    """Yields what an XML text holds as (event, element, depth from 1).

    Args:
        raw: the text in any encoding XML may have.
        events: start, end or both.

    Raises:
        Unreadable: it is broken, nested too deeply, or has a document type, of which entity bombs are made.
    """
    from defusedxml import DefusedXmlException  # noqa: PLC0415 (only the reading process needs it)
    from defusedxml import ElementTree as defused  # noqa: PLC0415, N813

    if len(raw) > max(FILE_BYTES_MAX, ENTRY_BYTES_MAX):
        raise Unreadable("The XML is too large to be read.")
    iterparse = cast("_Iterparse", cast("Callable[..., object]", getattr(defused, "iterparse")))  # noqa: B009
    depth = count = 0
    try:
        for event, element in iterparse(io.BytesIO(raw.rstrip(b"\0")), ("start", "end"), forbid_dtd=True):
            if event == "start":
                depth += 1
                count += 1
                if depth > DEPTH_MAX:
                    raise Unreadable(f"The XML is nested more than {DEPTH_MAX} deep.")
                if count > ELEMENTS_MAX:
                    raise Unreadable(f"The XML has more than {ELEMENTS_MAX:,} elements.")
            if event in events:
                yield event, element, depth
            if event == "end":
                depth -= 1
    except DefusedXmlException as error:
        raise Unreadable(ENTITIES) from error
    except ParseError as error:
        line, column = error.position
        raise Unreadable(f"The XML is broken at line {line}, column {column + 1}.") from error
    except (ValueError, LookupError) as error:
        raise Unreadable("The XML is in an encoding that cannot be read.") from error


def tag_of(element: Element) -> str:
    """Returns an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def text_in(element: Element | None) -> str:
    """Returns the text directly in an element."""
    return (element.text or "").strip() if element is not None else ""

"""What kind of file some bytes are, told by the bytes: a short table of the formats a production passes around.

Knows magic numbers. Must not know files: whoever asks hands in the beginning and the end. The name is asked only where
bytes cannot tell (a comma-separated table is text like any other), and never turns a file into something that acts.
"""

from __future__ import annotations

HEAD_BYTES = 4_096
"""How much of a file's beginning `media_type` looks at."""
TAIL_BYTES = 65_536
"""How much of its end: the list of what is in a ZIP file stands there."""

UNKNOWN = "application/octet-stream"
TEXT = "text/plain"

# (offset, bytes, type); the first that fits counts.
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"AC10", "image/vnd.dwg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"MThd", "audio/midi"),
    (0, b"\x1aE\xdf\xa3", "video/x-matroska"),
    (0, b"glTF", "model/gltf-binary"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"\x00\x01\x00\x00\x00", "font/ttf"),
    (0, b"OTTO", "font/otf"),
    (0, b"wOF2", "font/woff2"),
    (0, b"\x89OPX\r\n\x1a\n", "application/x-openprod-opx"),
)
_RIFF = {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"avif": "image/avif",
}
# Names in a ZIP file that say what it is.
_ZIPPED: tuple[tuple[bytes, str], ...] = (
    (b"GeneralSceneDescription.xml", "application/x-mvr"),
    (b"word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/presentation.xml", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    (b"META-INF/container.xml", "application/epub+zip"),
    (b"description.xml", "application/x-gdtf"),
)
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_MIMETYPE_AT = 30
# Text whose kind only the name tells; nothing here is run or drawn by a browser.
_TEXT_ENDINGS = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "md": "text/markdown",
    "ics": "text/calendar",
    "vcf": "text/vcard",
}
_CONTROLS = frozenset(range(32)) - {9, 10, 12, 13, 27}


def media_type(head: bytes, tail: bytes, name: str) -> str:
    """Returns the media type of a file.

    Args:
        head: its first HEAD_BYTES bytes, or all it has.
        tail: its last TAIL_BYTES bytes, or all it has.
        name: its name; only the ending counts, and only among kinds of plain text.
    """
    if not head:
        return TEXT
    if head.startswith(_ZIP_STARTS):
        return _zipped(head, tail)
    for offset, magic, found in _MAGIC:
        if head.startswith(magic, offset):
            return found
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE6 == 0xE2:
        return "audio/mpeg"
    return _textual(head, name)


def _zipped(head: bytes, tail: bytes) -> str:
    # Open documents and EPUB say it themselves, in a first entry that is not compressed.
    if head[_MIMETYPE_AT : _MIMETYPE_AT + 8] == b"mimetype":
        size = int.from_bytes(head[22:26], "little")
        start = _MIMETYPE_AT + 8 + int.from_bytes(head[28:30], "little")
        said = head[start : start + min(size, 100)]
        if said.startswith(b"application/") and said.isascii() and b" " not in said:
            return said.decode().strip()
    for inside, found in _ZIPPED:
        if inside in tail or inside in head:
            return found
    return "application/zip"


def _textual(head: bytes, name: str) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return TEXT
    text = head.removeprefix(b"\xef\xbb\xbf")
    if not _CONTROLS.isdisjoint(text) or not _is_utf8(text):
        return UNKNOWN
    start = text.lstrip()[:256].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    if start.startswith((b"<?xml", b"<svg", b"<!--")) and b"<svg" in text.lower():
        return "image/svg+xml"
    if start.startswith(b"<?xml"):
        return "application/xml"
    return _TEXT_ENDINGS.get(name.rpartition(".")[2].lower(), TEXT)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        # The last letter may be cut off where the head ends.
        return len(text) >= HEAD_BYTES - 3 and error.start >= len(text) - 3
    return True

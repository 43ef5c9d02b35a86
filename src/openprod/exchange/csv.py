"""Comma-separated text: bytes to rows with their line numbers, and rows to bytes.

Knows encodings, separators, quotation marks and the sign that keeps a spreadsheet from running a text as a formula.
Must not know what a column means; that is `plan`.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import BinaryIO

from openprod.exchange.rows import Rows, cells
from openprod.exchange.sheet import (
    CELL_CHARACTERS_MAX,
    COLUMNS_MAX,
    FILE_BYTES_MAX,
    ROWS_MAX,
    BadChoice,
    Sheet,
    Unreadable,
)

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "upright strokes"}
BOM = "\ufeff"
LINE_CHARACTERS_MAX = 16 << 20
WIDE_NOTE = "The file is taken to be UTF-16, though it does not say so."
CP1252_NOTE = "The file is not UTF-8, so its letters are taken to be Windows-1252. Look at names with accents."
_BROKEN = "The file cannot be read as text ({codec} breaks at byte {at:,}). Save it as CSV in UTF-8 and import that."
_CHUNK_BYTES = 1 << 20
_BLOCK_ROWS = 2_000
_SAMPLE_ROWS = 50
_SAMPLE_CHARACTERS = 1 << 18
_OPEN_QUOTES_MAX = 20
_ENCODINGS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_PROBED_BYTES = 4_096
_FORMULA = re.compile(r"[=@\t\r]|[+-](?!$)")
Block = tuple[list[int], list[list[str]]]
_NUMBER = re.compile(r"[+-]([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


class NotCsv(Unreadable):
    """The bytes are no comma-separated text that can be read."""

    code = "csv.unreadable"


# -- reading


def read_csv(raw: bytes | BinaryIO, header: int = 0, progress: Callable[[int, int], None] | None = None) -> Sheet:
    """Returns the table that a file's bytes hold; memory does not grow with the file.

    Args:
        raw: the file's bytes, or the file itself, open for reading from any place.
        header: the line that names the columns, from 1; 0 takes the first that is not empty.
        progress: takes (bytes read, bytes in all).

    Raises:
        NotCsv: it is no text, is too large, or has no line that names columns.
        BadChoice: there is no such line.
    """
    file = io.BytesIO(raw) if isinstance(raw, bytes) else raw
    size = file.seek(0, os.SEEK_END)
    if size > FILE_BYTES_MAX:
        raise NotCsv(f"The file is larger than {FILE_BYTES_MAX >> 20} MiB. Split it and import the parts.")
    codec, encoding, assumed = _codec(file)
    text = _Lines(file, codec, size, progress)
    first = next(text.after(0), "")
    skipped = 0
    named = re.fullmatch(r'"?sep=(.)"?\s*', first)
    if named is not None and named[1] in SEPARATORS:
        separator, skipped = named[1], 1
    else:
        separator = _separator(text.sample())
        if separator != ",":
            assumed.append(f"The cells are taken to be separated by {SEPARATORS[separator]}.")
    text.watch(separator)
    bad: list[tuple[int, str]] = []
    blocks = _rows(text, skipped, separator, bad)
    if header:
        blocks = _from(blocks, header)
    sheet = _sheet(text, blocks, bad, (encoding, separator), assumed)
    return replace(sheet, bad=[one for one in sheet.bad if one[0] > header]) if header else sheet


def _from(blocks: Iterator[Block], header: int) -> Iterator[Block]:
    """Yields the rows from a line on; raises BadChoice where no row begins there."""
    for lines, rows in blocks:
        if lines and lines[-1] >= header:
            if header not in lines:
                break
            at = lines.index(header)
            yield lines[at:], rows[at:]
            yield from blocks
            return
    raise BadChoice(f"Line {header} of the file begins no row, so it cannot name the columns.")


class _Lines:
    """The lines of a text file, from any of them on.

    Attributes:
        has_marks: whether a cell may begin with an apostrophe, in what was read up to now.
    """

    def __init__(self, file: BinaryIO, codec: str, size: int, progress: Callable[[int, int], None] | None) -> None:
        self._file = file
        self._codec = codec
        self._size = size
        self._progress = progress
        self._marks: tuple[str, ...] = ()
        self.has_marks = False

    def watch(self, separator: str) -> None:
        """Says what stands between the cells, so that `has_marks` is kept from now on."""
        self._marks = tuple(f"{before}'" for before in (separator, "\r", "\n", '"'))

    def sample(self) -> str:
        """Returns the beginning of the text."""
        return next(self._pieces(_SAMPLE_CHARACTERS), "")

    def after(self, count: int) -> Iterator[str]:
        """Yields the lines after the first `count`; raises NotCsv for one that is far too long."""
        # No loop of our own goes over the lines: that is half of what reading them costs.
        lines = chain.from_iterable(io.StringIO(one, newline="") for one in self._whole())
        return islice(lines, count, None) if count else lines

    def _whole(self) -> Iterator[str]:
        """Yields the text in pieces that end with a line."""
        held: list[str] = []
        length = done = 0
        for piece in self._pieces(_CHUNK_BYTES):
            # What ends with \\r may go on with \\n.
            end = max(piece.rfind("\n"), piece.rfind("\r", 0, -1)) + 1
            if end:
                whole = "".join((*held, piece[:end]))
                self.has_marks = self.has_marks or whole[:1] == "'" or any(mark in whole for mark in self._marks)
                if length + end >= LINE_CHARACTERS_MAX:
                    self._check_length(whole, done)
                yield whole
                done += 1
                held, length = [], 0
                self._tell()
            held.append(piece[end:])
            length += len(piece) - end
            if length >= LINE_CHARACTERS_MAX:
                self._check_length("".join(held), done)
        if length:
            self.has_marks = True
            yield "".join(held)

    def _check_length(self, text: str, pieces: int) -> None:
        """Raises NotCsv where a line of a text is too long; `pieces` were read before it."""
        before = 0
        for number, line in enumerate(io.StringIO(text, newline=""), start=1):
            if len(line) >= LINE_CHARACTERS_MAX:
                before = sum(1 for one in islice(self._whole(), pieces) for _ in io.StringIO(one, newline=""))
                raise NotCsv(
                    f"Line {before + number:,} of the file is longer than {LINE_CHARACTERS_MAX:,} characters, as no"
                    " table's is. Export it again with one row a line."
                )

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(min(self._file.tell(), self._size), self._size)

    def _pieces(self, size: int) -> Iterator[str]:
        """Yields the text, decoded so many bytes at a time."""
        self._file.seek(0)
        decoder = codecs.getincrementaldecoder(self._codec)()
        is_first = True
        while chunk := self._file.read(size):
            text = decoder.decode(chunk)
            if is_first:
                text = text.removeprefix(BOM)
                is_first = not text
            if text:
                yield text


def _codec(file: BinaryIO) -> tuple[str, str, list[str]]:
    """Returns how a file is to be decoded, what its encoding is called, and what had to be assumed; raises NotCsv."""
    file.seek(0)
    probe = file.read(_PROBED_BYTES)
    for mark, codec in _ENCODINGS:
        if probe.startswith(mark):
            _check(file, codec)
            return codec, "utf-8" if codec == "utf-8-sig" else codec, []
    if b"\0" in probe:
        codec = _wide(probe)
        _check(file, codec)
        return codec, "utf-16", [WIDE_NOTE]
    if _broken_at(file, "utf-8") is None:
        return "utf-8", "utf-8", []
    _check(file, "cp1252")
    return "cp1252", "cp1252", [CP1252_NOTE]


def _broken_at(file: BinaryIO, codec: str) -> int | None:
    """Returns near which byte a file cannot be decoded, None where all of it can."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(codec)()
    at = 0
    try:
        while chunk := file.read(_CHUNK_BYTES):
            decoder.decode(chunk)
            at += len(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return at + error.start
    return None


def _check(file: BinaryIO, codec: str) -> None:
    at = _broken_at(file, codec)
    if at is not None:
        raise NotCsv(_BROKEN.format(codec=codec, at=at))


def decode_text(raw: bytes) -> tuple[str, str, list[str]]:
    """Returns a file's text, its encoding, and what had to be assumed; raises NotCsv for bytes that are no text."""
    for mark, codec in _ENCODINGS:
        if raw.startswith(mark):
            return _strictly(raw, codec), "utf-8" if codec == "utf-8-sig" else codec, []
    probe = raw[:_PROBED_BYTES]
    if b"\0" in probe:
        codec = _wide(probe)
        return _strictly(raw, codec), "utf-16", [WIDE_NOTE]
    try:
        return raw.decode("utf-8"), "utf-8", []
    except UnicodeDecodeError:
        return _strictly(raw, "cp1252"), "cp1252", [CP1252_NOTE]


def _wide(probe: bytes) -> str:
    """Returns which UTF-16 a text without a mark is in; raises NotCsv for bytes that are none."""
    zeros_before, zeros_behind = probe[0::2].count(0), probe[1::2].count(0)
    if zeros_behind > len(probe) // 4 and not zeros_before:
        return "utf-16-le"
    if zeros_before > len(probe) // 4 and not zeros_behind:
        return "utf-16-be"
    raise NotCsv("This is no text file. Save the table as CSV (comma-separated values, UTF-8) and import that.")


def _strictly(raw: bytes, codec: str) -> str:
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError as error:
        raise NotCsv(_BROKEN.format(codec=codec, at=error.start)) from error
    return text.removeprefix(BOM)


def _separator(text: str) -> str:
    """Returns the separator that splits the first rows most evenly; a comma where none splits them at all."""
    sample = text[:_SAMPLE_CHARACTERS]
    best, best_score = ",", (0.0, 0)
    for separator in SEPARATORS:
        counts = _widths(sample, separator)
        if not counts or counts[0] < 2:
            continue
        usual = Counter(counts).most_common(1)[0][0]
        score = (sum(count == usual for count in counts) / len(counts) if usual > 1 else 0.0, counts[0])
        if score > best_score:
            best, best_score = separator, score
    return best


def _widths(sample: str, separator: str) -> list[int]:
    """Returns how many cells each of the first rows would have with a separator."""
    counts: list[int] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=separator):
            if any(row):
                counts.append(len(row))
            if len(counts) >= _SAMPLE_ROWS:
                break
    except csv.Error:
        pass
    return counts


def _rows(text: _Lines, skipped: int, separator: str, bad: list[tuple[int, str]]) -> Iterator[Block]:
    """Yields rows with the line each begins in; what could not be read goes to `bad`, and reading goes on after it."""
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    start, is_more, left_open, count = skipped, True, 0, 0
    while is_more:
        reader = csv.reader(text.after(start), delimiter=separator, strict=True)
        is_more = False
        line = start + 1
        lines: list[int] = []
        rows: list[list[str]] = []
        while True:
            try:
                for row in reader:
                    if row and (row[0] or any(row)):
                        lines.append(line)
                        rows.append(row)
                    line = start + 1 + reader.line_num
                    if len(rows) >= _BLOCK_ROWS:
                        break
                is_end = len(rows) < _BLOCK_ROWS
            except csv.Error as error:
                if is_end := "end of data" in str(error):
                    bad.append((line, "a quotation mark opens here and is never closed"))
                    left_open += 1
                    start, is_more = line, left_open < _OPEN_QUOTES_MAX
                else:
                    bad.append((line, _reason(error)))
                    line = start + 1 + reader.line_num
            yield lines, rows
            count += len(rows)
            if count > ROWS_MAX:
                raise NotCsv(f"The file has more than {ROWS_MAX:,} rows. Split it and import the parts.")
            lines, rows = [], []
            if is_end:
                break


def _reason(error: csv.Error) -> str:
    if "field limit" in str(error):
        return f"a cell is longer than {CELL_CHARACTERS_MAX:,} characters"
    return "a quotation mark stands inside a cell; write it twice"


def _sheet(
    text: _Lines, blocks: Iterator[Block], bad: list[tuple[int, str]], found: tuple[str, str], assumed: list[str]
) -> Sheet:
    names: list[str] | None = None
    kept = Rows(cells)
    lines = array("L")
    header: list[str] = []
    named = used = most = 0
    for places, rows in blocks:
        if names is None:
            if not rows:
                continue
            names = rows[0]
            header = [opened(name).strip() for name in names]
            named = used = max((at + 1 for at, name in enumerate(header) if name), default=0)
            most = len(header)
            del places[0], rows[0]
        if used < most or not set(map(len, rows)) <= {most}:
            used = _fit(places, rows, (named, used, most), bad)
        if text.has_marks:
            for row in rows:
                if "\0'" in "\0".join(("", *row)):
                    row[:] = map(opened, row)
        kept.extend(rows)
        lines.extend(places)
    if names is None:
        raise NotCsv("The file has no line that names its columns. Its first line should be like: name,email,phone")
    width = max(named, used)
    if width > COLUMNS_MAX:
        raise NotCsv(f"The file has {width:,} columns; {COLUMNS_MAX:,} can be read. Leave some out.")
    if width < most:
        kept.cut(width)
    return Sheet(tuple(header[:width]), kept, lines, sorted(bad), *found, tuple(assumed))


def _fit(lines: list[int], rows: list[list[str]], widths: tuple[int, int, int], bad: list[tuple[int, str]]) -> int:
    """Makes rows as wide as the first line and takes those out that are wider; returns up to where cells are filled.

    Args:
        lines: where the rows begin.
        rows: the rows, which are changed, as `lines` is.
        widths: how many columns are named, how many are filled as far as is known, how many the first line has.
        bad: where those go that have more cells than columns.
    """
    named, used, most = widths
    fitting: list[tuple[int, list[str]]] = []
    for line, found in zip(lines, rows, strict=True):
        row = found
        if len(row) != most:
            if any(row[most:]):
                bad.append((line, f"it has {len(row)} cells where the first line names {max(named, used)} columns"))
                continue
            row = [*row[:most], *[""] * (most - len(row))]
        if used < most and any(row[used:]):
            used = max(at + 1 for at in range(used, most) if row[at])
        fitting.append((line, row))
    lines[:] = [line for line, _ in fitting]
    rows[:] = [row for _, row in fitting]
    return used


# -- formulas


def is_formula(text: str) -> bool:
    """Tells whether a spreadsheet may run a text instead of showing it."""
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None


def closed(text: str) -> str:
    """Returns a text as it may stand in a spreadsheet: formulas, and what looks like one kept so, get a mark."""
    return f"'{text}" if text and is_formula(text.lstrip("'")) else text


def opened(text: str) -> str:
    """Returns the text that `closed` was given."""
    return text[1:] if text[:1] == "'" and is_formula(text.lstrip("'")) else text


# -- writing


def write_csv(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, bom: bool = False, separator: str = ","
) -> bytes:
    """Returns a table as comma-separated text in UTF-8 with CRLF line ends, safe to open in a spreadsheet.

    Args:
        header: the names of the columns.
        rows: the cells.
        bom: begin with the mark by which Excel knows UTF-8.
        separator: what stands between the cells.
    """
    target = io.StringIO(newline="")
    if bom:
        target.write(BOM)
    writer = csv.writer(target, delimiter=separator, lineterminator="\r\n")
    writer.writerow([closed(name) for name in header])
    for row in rows:
        writer.writerow([closed(cell) for cell in row])
    return target.getvalue().encode()

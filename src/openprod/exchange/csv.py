"""Comma-separated text: bytes to rows with their line numbers, and rows to bytes.

Knows encodings, separators, quotation marks and the sign that keeps a spreadsheet from running a text as a formula.
Must not know what a column means; that is `plan`.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence

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
_SAMPLE_ROWS = 50
_SAMPLE_CHARACTERS = 1 << 18
_OPEN_QUOTES_MAX = 20
_ENCODINGS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_PROBED_BYTES = 4_096
_FORMULA = re.compile(r"[=@\t\r]|[+-](?!$)")
_NUMBER = re.compile(r"[+-]([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


class NotCsv(Unreadable):
    """The bytes are no comma-separated text that can be read."""

    code = "csv.unreadable"


# -- reading


def read_csv(raw: bytes, header: int = 0) -> Sheet:
    """Returns the table that a file's bytes hold.

    Args:
        raw: the file's bytes.
        header: the line that names the columns, from 1; 0 takes the first that is not empty.

    Raises:
        NotCsv: it is no text, is too large, or has no line that names columns.
        BadChoice: there is no such line.
    """
    if len(raw) > FILE_BYTES_MAX:
        raise NotCsv(f"The file is larger than {FILE_BYTES_MAX >> 20} MiB. Split it and import the parts.")
    text, encoding, assumed = decode_text(raw)
    lines = list(io.StringIO(text, newline=""))
    skipped = 0
    named = re.fullmatch(r'"?sep=(.)"?\s*', lines[0]) if lines else None
    if named is not None and named[1] in SEPARATORS:
        separator, skipped = named[1], 1
    else:
        separator = _separator(text)
        if separator != ",":
            assumed.append(f"The cells are taken to be separated by {SEPARATORS[separator]}.")
    rows, numbers, bad = _rows(lines, skipped, separator)
    if header:
        if header not in numbers:
            raise BadChoice(f"Line {header} of the file begins no row, so it cannot name the columns.")
        at = numbers.index(header)
        rows, numbers, bad = rows[at:], numbers[at:], [one for one in bad if one[0] > header]
    return _sheet(rows, numbers, bad, (encoding, separator), assumed)


def decode_text(raw: bytes) -> tuple[str, str, list[str]]:
    """Returns a file's text, its encoding, and what had to be assumed; raises NotCsv for bytes that are no text."""
    for mark, codec in _ENCODINGS:
        if raw.startswith(mark):
            return _strictly(raw, codec), "utf-8" if codec == "utf-8-sig" else codec, []
    probe = raw[:_PROBED_BYTES]
    if b"\0" in probe:
        codec = _wide(probe)
        return _strictly(raw, codec), "utf-16", ["The file is taken to be UTF-16, though it does not say so."]
    try:
        return raw.decode("utf-8"), "utf-8", []
    except UnicodeDecodeError:
        text = _strictly(raw, "cp1252")
        note = "The file is not UTF-8, so its letters are taken to be Windows-1252. Look at names with accents."
        return text, "cp1252", [note]


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
        raise NotCsv(
            f"The file cannot be read as text ({codec} breaks at byte {error.start:,}). "
            "Save it as CSV in UTF-8 and import that."
        ) from error
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


def _rows(
    lines: Sequence[str], skipped: int, separator: str
) -> tuple[list[list[str]], list[int], list[tuple[int, str]]]:
    """Returns rows, the line each begins in, and what could not be read; goes on after a faulty line."""
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    rows: list[list[str]] = []
    numbers: list[int] = []
    bad: list[tuple[int, str]] = []
    start, is_more, left_open = skipped, True, 0
    while is_more:
        reader = csv.reader(iter(lines[start:] if start else lines), delimiter=separator, strict=True)
        before = 0
        while True:
            try:
                row = next(reader)
            except StopIteration:
                is_more = False
                break
            except csv.Error as error:
                line = start + before + 1
                if "end of data" in str(error):
                    bad.append((line, "a quotation mark opens here and is never closed"))
                    left_open += 1
                    start, is_more = line, left_open < _OPEN_QUOTES_MAX
                    break
                bad.append((line, _reason(error)))
                before = reader.line_num
                continue
            if any(row):
                rows.append(row)
                numbers.append(start + before + 1)
                if len(rows) > ROWS_MAX:
                    raise NotCsv(f"The file has more than {ROWS_MAX:,} rows. Split it and import the parts.")
            before = reader.line_num
    return rows, numbers, bad


def _reason(error: csv.Error) -> str:
    if "field limit" in str(error):
        return f"a cell is longer than {CELL_CHARACTERS_MAX:,} characters"
    return "a quotation mark stands inside a cell; write it twice"


def _sheet(
    rows: list[list[str]], numbers: list[int], bad: list[tuple[int, str]], found: tuple[str, str], assumed: list[str]
) -> Sheet:
    if not rows:
        raise NotCsv("The file has no line that names its columns. Its first line should be like: name,email,phone")
    header = [opened(name).strip() for name in rows[0]]
    named = max((at + 1 for at, name in enumerate(header) if name), default=0)
    used = (at for row in rows[1:] for at in range(named, min(len(row), len(header))) if row[at])
    del header[max(named, max(used, default=-1) + 1) :]
    width = len(header)
    if width > COLUMNS_MAX:
        raise NotCsv(f"The file has {width:,} columns; {COLUMNS_MAX:,} can be read. Leave some out.")
    kept: list[list[str]] = []
    lines: list[int] = []
    for found_row, line in zip(rows[1:], numbers[1:], strict=True):
        row = found_row
        if len(row) != width:
            if any(row[width:]):
                bad.append((line, f"it has {len(row)} cells where the first line names {width} columns"))
                continue
            row = [*row[:width], *[""] * (width - len(row))]
        kept.append([opened(cell) for cell in row] if any(cell[:1] == "'" for cell in row) else row)
        lines.append(line)
    return Sheet(tuple(header), kept, lines, sorted(bad), *found, tuple(assumed))


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

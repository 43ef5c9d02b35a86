"""What a command prints: one JSON document, a table, or sentences. Everything said to people goes to stderr.

Knows the terminal. Text from records may come from anybody, so nothing of it reaches a terminal as a control sequence.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, cast

from openprod.model.hours import hour

WIDTH_PIPED = 10_000
COLUMN_MAX = 40
ROWS_AT_ONCE = 500
_HIDDEN = {
    code: "\ufffd"
    for span in ((0x00, 0x20), (0x7F, 0xA0), (0x200B, 0x2010), (0x2028, 0x202F), (0x2060, 0x2070), (0xFEFF, 0xFF00))
    for code in range(*span)
}
_LINES = {code: mark for code, mark in _HIDDEN.items() if code != 0x0A}

_begun = False


def clean(text: str, *, lines: bool = False) -> str:
    """Returns a text without what a terminal would obey or hide; line breaks become spaces unless asked for."""
    return text.translate(_LINES) if lines else text.replace("\r\n", " ").replace("\n", " ").translate(_HIDDEN)


def say(sentence: str) -> None:
    """Says something to the person, on stderr."""
    try:
        print(clean(sentence, lines=True), file=sys.stderr)  # noqa: T201 -- the door to the terminal
    except OSError:
        return


def line(text: str = "") -> None:
    """Prints one line of what was asked for, on stdout."""
    _write(clean(text, lines=True) + "\n")


def file(raw: bytes) -> None:
    """Writes a file's bytes to stdout as they are."""
    stream: BinaryIO | None = getattr(sys.stdout, "buffer", None)
    if stream is None:
        _write(raw.decode())
        return
    sys.stdout.flush()
    stream.write(raw)
    stream.flush()


def _write(text: str) -> None:
    sys.stdout.write(text)


def flush() -> None:
    """Sends what was printed on its way, before something long begins."""
    sys.stdout.flush()


def begin() -> None:
    """Forgets what an earlier call in the same process printed."""
    global _begun  # noqa: PLW0603 -- one call, one stdout
    _begun = False


def has_begun() -> bool:
    """Tells whether a JSON document was begun, so that no second one follows."""
    return _begun


def document(value: object) -> None:
    """Prints one JSON document."""
    import msgspec

    _begin()
    _write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def stream(rows: Iterable[object]) -> None:
    """Prints one JSON document, a list, row by row as they come."""
    import msgspec

    encode = msgspec.json.encode
    _begin()
    batch: list[str] = []
    mark = "[\n"
    for row in rows:
        batch.append(encode(row).decode())
        if len(batch) == ROWS_AT_ONCE:
            _write(mark + ",\n".join(batch))
            mark = ",\n"
            batch.clear()
    if batch:
        _write(mark + ",\n".join(batch))
        mark = ",\n"
    _write("[]\n" if mark == "[\n" else "\n]\n")


def _begin() -> None:
    global _begun  # noqa: PLW0603 -- one call, one stdout
    _begun = True


def csv_rows(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints comma-separated text, safe to open in a spreadsheet, a few rows at a time."""
    from openprod.exchange.csv import write_csv

    _write(write_csv(header, ()).decode())
    batch: list[Sequence[str]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS_AT_ONCE:
            _write(_body(batch))
            batch.clear()
    _write(_body(batch))


def _body(rows: Sequence[Sequence[str]]) -> str:
    from openprod.exchange.csv import write_csv

    return write_csv((), rows).decode().partition("\r\n")[2]


def is_terminal() -> bool:
    """Tells whether stdout is a terminal."""
    return sys.stdout.isatty()


def width() -> int:
    """Returns how many columns there are to write in; without end where nobody looks."""
    if not is_terminal():
        return WIDTH_PIPED
    import shutil

    return shutil.get_terminal_size().columns


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> None:
    """Prints a table, cells cut at the terminal's edge; `right` are the columns whose cells stand to the right.

    Written by hand: a library for tables takes longer to load than everything else that `show` does.
    """
    lines = [[clean(name) for name in header], *([clean(cell) for cell in row] for row in rows)]
    most = COLUMN_MAX if is_terminal() else WIDTH_PIPED
    widths = [min(max(_wide(row[at]) for row in lines), most) for at in range(len(header))]
    room = width()
    for number, row in enumerate(lines):
        cells = [_cell_to(text, widths[at], is_right=at in right) for at, text in enumerate(row)]
        text = _cut("  ".join(cells).rstrip(), room)
        _write(f"\x1b[1m{text}\x1b[0m\n" if number == 0 and is_terminal() else f"{text}\n")


def _cell_to(text: str, wide: int, *, is_right: bool) -> str:
    shown = _cut(text, wide)
    blank = " " * (wide - _wide(shown))
    return blank + shown if is_right else shown + blank


def _cut(text: str, wide: int) -> str:
    """Returns a text cut to so many columns, with a sign that something is missing."""
    if _wide(text) <= wide:
        return text
    kept = text
    while kept and _wide(kept) > wide - 1:
        kept = kept[:-1]
    return f"{kept}…"


def _wide(text: str) -> int:
    """Returns how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def fitting(header: Sequence[str], rows: Sequence[Sequence[str]], needed: int) -> list[int]:
    """Returns the columns that are worth showing: those with anything in them, as many as the terminal has room for.

    Args:
        header: the names of the columns.
        rows: the cells.
        needed: how many of the first columns are shown in any case.
    """
    room = width()
    kept: list[int] = []
    for at, name in enumerate(header):
        longest = max((_wide(row[at]) for row in rows), default=0)
        if at >= needed and longest == 0 and rows:
            continue
        wide = min(max(longest, len(name)), COLUMN_MAX) + 2
        if at >= needed and wide > room and kept:
            continue
        room -= wide
        kept.append(at)
    return kept


def counted(count: int, what: str) -> str:
    """Returns a number with what it counts: 1 record, 3 records."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def system_sentence(error: OSError) -> str:
    """Returns what the operating system refused, as a sentence."""
    where = f"{error.filename}: " if error.filename is not None else ""
    why = error.strerror or type(error).__name__
    return f"{where}{why}. Check that the place is there, is yours to use, and has room left."


# -- values


def cell(value: object, kind: str = "text", title_of: Callable[[str], str] | None = None, clock: str = "24") -> str:
    """Returns a plain value as people read it in a table.

    Args:
        value: what `plain` gives.
        kind: the field's type.
        title_of: names the record of an id.
        clock: how many hours the show's clock has, 12 or 24.
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_cells(cast("list[object]", value), kind, title_of, clock))
        case dict():
            return _named(cast("Mapping[str, object]", value))
        case str() if kind == "record" and title_of is not None:
            return title_of(value)
        case int() | float() if kind == "duration":
            from openprod.workspace.wording import duration_text

            return duration_text(round(value * 1_000_000))
        case str() if kind == "datetime":
            date, _, rest = value.partition("T")
            time, bracket, zone = rest.partition("[")
            return f"{date} {hour(time, clock)}{bracket}{zone}" if rest else value
        case str() if kind == "time":
            return hour(value, clock)
        case _:
            return str(value)


def _named(value: Mapping[str, object]) -> str:
    """Returns a file, or a reference to a field, as people read it."""
    name = str(value.get("name", ""))
    return f"{name} (not on this device)" if value.get("here") is False else name


def _cells(values: Iterable[object], kind: str, title_of: Callable[[str], str] | None, clock: str) -> Iterator[str]:
    for value in values:
        yield cell(value, kind, title_of, clock)


def moment(text: str) -> str:
    """Returns a moment in UTC as this device's clock would have shown it."""
    import datetime as dt

    try:
        local = dt.datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        return text
    return local.strftime("%Y-%m-%d %H:%M")


def pairs(values: Mapping[str, str]) -> None:
    """Prints names and values below each other."""
    wide = max(map(len, values), default=0)
    for name, value in values.items():
        line(f"  {clean(name):<{wide}}  {clean(value)}")

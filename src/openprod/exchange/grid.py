"""Spreadsheets made for the eye: finds the table in a sheet of cells, or the form whose columns are cues.

Knows title blocks, header rows, headings between rows, totals and forms. Must not know file formats or fields; the
names by which columns may be known are given.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from openprod.exchange.sheet import BadChoice, Choice, Sheet, Unreadable, canonical_number, make_sheet, places, plainly

Row = tuple[int, list[str]]

SAMPLE_ROWS = 200
ABOVE_MAX = 40
HEADER_SHARE = 0.6
NAME_CHARACTERS_MAX = 120
FORM_CUES_LEAST = 3
SECTION = "Section"
LEVELS = "Levels"
SHORT_CLOCK_HOURS = 6
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*\s*%?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*")
_CLOCK = re.compile(r"([0-9]+):[0-9]{2}:[0-9]{2}(\.[0-9]+)?")
_TOTAL = re.compile(r"\s*(grand\s*|sub-?\s*)?total\b|\s*sum\b|\s*(gesamt)?summe\b|\s*gesamt\b", re.IGNORECASE)
_CUE_WORD = re.compile(r"\b(cue|lx|sq|q)\b", re.IGNORECASE)


# -- sheets of a workbook


def choose(names: Sequence[str], rows_of: Callable[[int], Iterable[Row]], choice: Choice) -> Sheet:
    """Returns the table of the sheet that was chosen, or of the first that holds one.

    Args:
        names: the sheets' names in their order.
        rows_of: gives the rows of a sheet by its place, those with anything in them.
        choice: what a person said.

    Raises:
        BadChoice: there is no such sheet or row.
        Unreadable: no sheet holds a table.
    """
    if choice.sheet:
        at = _sheet_at(names, choice.sheet)
        return replace(table(rows_of(at), choice), name=names[at], sheets=tuple(names))
    why = Unreadable("The workbook has no sheet with anything in it.")
    for at, name in enumerate(names):
        try:
            found = table(rows_of(at), choice)
        except Unreadable as error:
            if str(error) != EMPTY:
                why = Unreadable(f"Sheet '{name}': {error}")
            continue
        if not found.rows and at + 1 < len(names):
            continue
        others = [one for one in names if one != name]
        assumed = found.assumed
        if others:
            listed = ", ".join(f"'{one}'" for one in others[:12])
            assumed = (f"Sheet '{name}' was read. The others are chosen with --sheet: {listed}.", *assumed)
        return replace(found, name=name, assumed=assumed, sheets=tuple(names))
    raise why


EMPTY = "The sheet is empty."


def _sheet_at(names: Sequence[str], wanted: str) -> int:
    for at, name in enumerate(names):
        if name.strip().casefold() == wanted.strip().casefold():
            return at
    if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1
    raise BadChoice(f"There is no sheet '{wanted}'. There are: {', '.join(names[:20])}.")


# -- one sheet


def table(rows: Iterable[Row], choice: Choice) -> Sheet:
    """Returns the table in a sheet's rows, or its form turned on its side; raises Unreadable, BadChoice."""
    running = iter(rows)
    sample = list(itertools.islice(running, SAMPLE_ROWS))
    if not sample:
        raise Unreadable(EMPTY)
    if choice.header:
        while sample and sample[0][0] < choice.header:
            sample = [*sample[1:], *itertools.islice(running, 1)]
        if not sample or sample[0][0] != choice.header:
            raise BadChoice(f"Row {choice.header} of the sheet is empty, so it cannot name the columns.")
        head = 0
        form = 0 if _is_form_head(sample[0][1]) else None
    else:
        form = next((at for at, (_, cells) in enumerate(sample) if _is_form_head(cells)), None)
        head = _header_at(sample, choice.names)
    if form is not None:
        return _form(itertools.chain(sample[form:], running))
    if head is None:
        raise Unreadable(
            "no row looks like the names of columns; where it is a table, say which row names them with --header."
        )
    above = tuple(cell.strip() for _, cells in sample[:head] for _, cell in _filled(cells))[:ABOVE_MAX]
    has_title = head > 0 and not choice.header
    return replace(_table(sample[head], itertools.chain(sample[head + 1 :], running), has_title=has_title), above=above)


def _is_value(text: str) -> bool:
    """Tells whether a text is a number, date or clock time, as names of columns are not."""
    return (
        _NUMBER.fullmatch(text) is not None or _DATE.fullmatch(text) is not None or _CLOCK.fullmatch(text) is not None
    )


def _filled(cells: Sequence[str]) -> list[tuple[int, str]]:
    return [(at, cell) for at, cell in enumerate(cells) if cell.strip()]


def _header_at(sample: Sequence[Row], names: Sequence[str]) -> int | None:
    """Returns where the row that names the columns is: the one with most known names, else the first that looks so."""
    known = frozenset(names)
    scores = [sum(plainly(cell) in known for _, cell in _filled(cells)) for _, cells in sample]
    best = max(scores)
    if best >= 2:
        return scores.index(best)
    width = max(len(_filled(cells)) for _, cells in sample)
    if width == 1:
        return 0
    least = max(2, -int(-width * HEADER_SHARE // 1))
    for at, (_, cells) in enumerate(sample):
        filled = [cell.strip() for _, cell in _filled(cells)]
        if len(filled) >= least and not any(
            _is_value(cell) or cell.endswith(":") or len(cell) > NAME_CHARACTERS_MAX for cell in filled
        ):
            return at
    return None


def _table(head: Row, rows: Iterable[Row], *, has_title: bool) -> Sheet:
    """Returns the rows under a header; headings among them become a column, totals and notes are left out and named."""
    header_row, cells = head
    columns = [at for at, _ in _filled(cells)]
    columns = list(range(columns[0], columns[-1] + 1))
    header = [cells[at].strip() for at in columns]
    reader = _Body(columns, header)
    kept = list(reader.read(header_row, rows))
    assumed = [f"Row {header_row} names the columns."] if has_title else []
    if any(section for _, _, section in kept):
        header = [*header, SECTION]
    else:
        reader.headings = []
    if reader.headings:
        assumed.append(f"Headings stand in a column '{SECTION}' of the rows below them ({places(reader.headings)}).")
    for what, numbers in (
        ("Totals were left out", reader.totals),
        ("Notes beside the table were left out", reader.notes),
        ("The names of the columns stand there again and were left out", reader.again),
    ):
        if numbers:
            assumed.append(f"{what} ({places(numbers)}).")
    extra = [section for _, _, section in kept] if len(header) > len(columns) else None
    held = [(no, [*row, extra[at]] if extra is not None else row) for at, (no, row, _) in enumerate(kept)]
    sheet = make_sheet(header, held, assumed=assumed, unit="row")
    return replace(sheet, assumed=(*sheet.assumed, *short_clocks(sheet)))


class _Body:
    """The rows under a header, told apart."""

    def __init__(self, columns: Sequence[int], header: Sequence[str]) -> None:
        self.headings: list[int] = []
        self.totals: list[int] = []
        self.notes: list[int] = []
        self.again: list[int] = []
        self._columns = columns
        self._names = [name.casefold() for name in header]
        self._rows = 0
        self._rows_with_lead = 0

    def read(self, header_row: int, rows: Iterable[Row]) -> Iterator[tuple[int, list[str], str]]:
        """Yields (row, cells, heading above it)."""
        section, before = "", header_row
        for (number, cells), after in _with_next(rows):
            row = [cells[at].strip() if at < len(cells) else "" for at in self._columns]
            filled = _filled(row)
            is_apart = number - before > 1 or (after is not None and after - number > 1)
            before = number
            if not filled:
                self.notes.append(number)
            elif [cell.casefold() for cell in row] == self._names:
                self.again.append(number)
            elif len(filled) == 1 and len(row) > 2 and is_apart and not _is_value(filled[0][1]):
                if filled[0][0] <= 1:
                    section = filled[0][1]
                    self.headings.append(number)
                else:
                    self.notes.append(number)
            elif self._is_total(row, filled):
                self.totals.append(number)
            else:
                self._rows += 1
                self._rows_with_lead += bool(row[0])
                yield number, row, section

    def _is_total(self, row: Sequence[str], filled: Sequence[tuple[int, str]]) -> bool:
        if (len(filled) <= 2 or not row[0]) and any(_TOTAL.match(cell) for _, cell in filled):
            return True
        return (
            len(filled) <= 2
            and not row[0]
            and all(_is_value(cell) for _, cell in filled)
            and self._rows > 0
            and self._rows_with_lead >= 0.8 * self._rows
        )


def _with_next(rows: Iterable[Row]) -> Iterator[tuple[Row, int | None]]:
    """Yields each row with the number of the one after it."""
    held: Row | None = None
    for row in rows:
        if held is not None:
            yield held, row[0]
        held = row
    if held is not None:
        yield held, None


def short_clocks(sheet: Sheet) -> Iterator[str]:
    """Yields what must be said of columns with short clock times, which may be minutes and seconds."""
    for at, name in enumerate(sheet.header):
        short = [
            line
            for line, row in zip(sheet.lines, sheet.rows, strict=True)
            if (clock := _CLOCK.fullmatch(row[at])) is not None and int(clock[1]) < SHORT_CLOCK_HOURS
        ]
        if short:
            yield (
                f"'{name}' is read as hours, minutes and seconds, as the spreadsheet keeps it; where minutes and "
                f"seconds were typed, that is 60 times too long ({places(short, sheet.unit)})."
            )


# -- forms: cues are columns


def _is_form_head(cells: Sequence[str]) -> bool:
    """Tells whether a row is a word for cues and then rising numbers."""
    filled = _filled(cells)
    if len(filled) <= FORM_CUES_LEAST or not _CUE_WORD.search(filled[0][1]):
        return False
    numbers = [cell.strip() for _, cell in filled[1:]]
    if not all(re.fullmatch(r"[0-9]+(\.[0-9]+)?", one) for one in numbers):
        return False
    return all(float(one) < float(other) for one, other in itertools.pairwise(numbers))


def _form(rows: Iterable[Row]) -> Sheet:
    """Returns one row for each cue of a form: its attributes, and the levels of the blocks below as one text."""
    running = iter(rows)
    _, head = next(running)
    lead = _filled(head)[0][1].strip()
    numbers = {at: cell.strip() for at, cell in _filled(head)[1:]}
    first = min(numbers)
    attributes: dict[str, dict[int, str]] = {}
    levels: dict[int, list[str]] = {at: [] for at in numbers}
    block = ""
    for _, cells in running:
        labels = [cell.strip() for cell in cells[:first] if cell.strip()]
        values = {at: cells[at].strip() for at in numbers if at < len(cells) and cells[at].strip()}
        if values == numbers:
            block = labels[0] if labels else "Level"
        elif not labels or not values:
            continue
        elif block:
            name = f"{block} {labels[0]}" if _NUMBER.fullmatch(labels[0]) else labels[0].capitalize()
            more = " ".join(labels[1:])
            for at, value in values.items():
                levels[at].append(f"{name}{f' ({more})' if more else ''}: {value}")
        else:
            attributes.setdefault(labels[0], {}).update(values)
    return _turned(lead, numbers, attributes, levels)


def _turned(
    lead: str,
    numbers: Mapping[int, str],
    attributes: Mapping[str, Mapping[int, str]],
    levels: Mapping[int, Sequence[str]],
) -> Sheet:
    filled = [at for at in numbers if levels[at] or any(at in values for values in attributes.values())]
    empty = [canonical_number(number) for at, number in numbers.items() if at not in filled]
    assumed = [
        f"The sheet is a form whose columns are cues: each column became a row, and its levels one text in '{LEVELS}'."
    ]
    if empty:
        assumed.append(f"Cues with nothing filled in were left out: {', '.join(empty)}.")
    header = [lead, *attributes, LEVELS]
    rows = (
        (at + 1, [numbers[at], *(values.get(at, "") for values in attributes.values()), "\n".join(levels[at])])
        for at in filled
    )
    sheet = make_sheet(header, rows, assumed=assumed, unit="column")
    return replace(sheet, assumed=(*sheet.assumed, *short_clocks(sheet)))

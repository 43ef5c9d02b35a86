"""QLab tables: cue lists as CSV or TSV that scripts put into QLab or take out of it.

Knows the many spellings of the columns and what the continue mode means. Must not know which field a column is; the
sound module says that (`[import.qlab]`).
"""

from __future__ import annotations

from collections.abc import Iterable

from openprod.exchange.calling import SAID, Cue, called
from openprod.exchange.csv import read_csv
from openprod.exchange.sheet import Choice, Sheet, make_sheet, places, plainly

MODES = {
    "0": "none", "1": "auto-continue", "2": "auto-follow", "none": "none", "do not continue": "none",
    "auto-continue": "auto-continue", "auto continue": "auto-continue", "auto-follow": "auto-follow",
    "auto follow": "auto-follow",
}  # fmt: skip
CONTINUE = ("continue_mode", "continuemode", "follow")
NEEDED = ("number", "type", "name")
# Columns of tables of our own and of other trades, which may have those three as well.
NOT_QLAB = {"id", "called", "is_called", "cue_words", "script_line", "instrument_type", "email", "e_mail", "phone"}


def is_qlab(header: Iterable[str]) -> bool:
    """Tells whether a table's first line names what every QLab table has."""
    names = {plainly(name) for name in header}
    return names.issuperset(NEEDED) and not names & NOT_QLAB


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the cues of a QLab table; raises Unreadable, BadChoice."""
    sheet = read_csv(raw, choice.header)
    names = [plainly(name) for name in sheet.header]
    modes = [at for name in CONTINUE for at, one in enumerate(names) if one == name]
    kept = [at for at, name in enumerate(sheet.header) if name and at not in modes]
    number_at, type_at = (names.index(one) if one in names else None for one in ("number", "type"))
    strange: list[int] = []
    rows: list[tuple[int, list[str]]] = []
    cues: list[Cue] = []
    for line, cells in zip(sheet.lines, sheet.rows, strict=True):
        said = next((cells[at].strip() for at in modes if cells[at].strip()), "")
        mode = MODES.get(said.casefold(), "")
        if said and not mode:
            strange.append(line)
        row = [cells[at].strip().lower() if at == type_at else cells[at] for at in kept]
        rows.append((line, [*row, mode]))
        number = cells[number_at].strip() if number_at is not None else ""
        cues.append(Cue("", f"{number}\0{line}", "", mode in ("auto-continue", "auto-follow")))
    header = [*(sheet.header[at] for at in kept), "Continue Mode"]
    assumed = list(sheet.assumed)
    if strange:
        assumed.append(
            f"A continue mode other than 0, 1 or 2 means nothing and was left out ({places(strange, 'line')})."
        )
    derived: tuple[str, ...] = ()
    if modes and not {"called", "is_called"} & set(names):
        derived = ("Called",)
        header.append("Called")
        rows = [(line, [*row, word]) for (line, row), word in zip(rows, called(cues), strict=True)]
        assumed.append(SAID.format(follow="auto-continue or auto-follow"))
    return make_sheet(header, rows, bad=sheet.bad, assumed=assumed, derived=derived)

"""Ids by which calendars and address books know their entries: theirs, and those that we gave them.

What we wrote is known again by the record's own id, so an export that comes back changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

OWN_MARK = "@openprod"
ID = "id"


def own_uid(row_id: str) -> str:
    """Returns the id by which another program's file knows a row, always the same one."""
    return f"{row_id}{OWN_MARK}"


def known_again(
    header: Sequence[str], rows: Sequence[tuple[int, list[str]]], at: int
) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    """Returns header and rows of a file with the ids of our own records in a column of their own, if there are any.

    Args:
        header: the columns.
        rows: (place in the file, cells) of each row.
        at: the place of the column with the file's own ids, from which ours are taken out.
    """
    if not any(cells[at].endswith(OWN_MARK) for _, cells in rows):
        return tuple(header), list(rows)
    found: list[tuple[int, list[str]]] = []
    for place, cells in rows:
        uid = cells[at]
        own = uid.removesuffix(OWN_MARK) if uid.endswith(OWN_MARK) else ""
        theirs = "" if own else uid
        found.append((place, [own, *cells[:at], theirs, *cells[at + 1 :]]))
    return (ID, *header), found

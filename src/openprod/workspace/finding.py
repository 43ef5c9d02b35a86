"""Finding records by words, as people remember them: in what they are called first, then in what is written in them.

Asks the index of words (`indexing`); called with the desk's lock held; writes nothing into the workspace. Words match
from their beginning, with case and accents folded, as CONTAINS does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from openprod.catalog.names import quote
from openprod.catalog.tables import Table
from openprod.model.ids import id_text
from openprod.query.functions import contains, search_words, words
from openprod.workspace import indexing
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import FoundShape, NamedShape

WHY_MAX = 120
CANDIDATES_MAX = 200
NAMED_MAX = 60
OFFERED = 3


def find(desk: Desk, text: str, tables: Sequence[str], limit: int) -> list[FoundShape]:
    """Returns records with every word of a text in their title, then those with it in their fields; best first.

    A word may be the beginning of one; whole words count before beginnings, short titles before long ones.

    Args:
        desk: the workspace.
        text: words; without any, the first records of the tables by title.
        tables: where to look; every table but the core's own where none is named.
        limit: at most so many.
    """
    catalog = desk.catalog
    wanted = [catalog.table(name) for name in tables] or [
        table for table in catalog.tables.values() if table.module != "core"
    ]
    sought = search_words(text).split()
    if not sought:
        return _first(desk, wanted, limit)
    hits = _hits(desk, [one.rstrip("*") for one in sought], wanted, limit)
    return [shape for hit in hits if (shape := _found(desk, hit, sought)) is not None]


class _Hit(NamedTuple):
    """A row that holds what was looked for."""

    eid: int
    title: str
    table: str
    is_titled: bool


def _first(desk: Desk, tables: Sequence[Table], limit: int) -> list[FoundShape]:
    """Returns the first records of tables by title."""
    rows = [
        (str(title or ""), at, eid)
        for at, table in enumerate(tables)
        for eid, title in desk.db.rows(
            f'SELECT "~eid", "~title" FROM {quote(table.name)} ORDER BY "~title" LIMIT ?',  # noqa: S608 -- catalog names
            (limit,),
        )
    ]
    hits = {eid: _Hit(eid, title, tables[at].name, is_titled=True) for title, at, eid in sorted(rows, reverse=True)}
    found = [shape for hit in reversed(hits.values()) if (shape := _found(desk, hit, ())) is not None]
    return found[:limit]


def _hits(desk: Desk, sought: Sequence[str], tables: Sequence[Table], limit: int) -> list[_Hit]:
    """Returns rows by rank: all words whole in the title, begun in it, whole anywhere, begun anywhere."""
    numbers = {name: number for name, (number, _) in indexing.catch_up(desk).tables.items()}
    names = {numbers[table.name]: table.name for table in tables if table.name in numbers}
    whole = " ".join(f'"{word}"' for word in sought)
    begun = " ".join(f'"{word}"*' for word in sought)
    # While somebody types, the last word is the one that is not whole yet.
    typed = f"{whole}*"
    found: dict[int, _Hit] = {}
    for expression, is_titled in (
        (whole, True),
        (typed, True),
        (begun, True),
        (whole, False),
        (typed, False),
        (begun, False),
    ):
        if expression != typed and expression == begun and found and not is_titled:
            continue
        # More than this are not looked at: of ten thousand that begin alike, nobody reads which comes first.
        rows = desk.words.find(expression, list(names), CANDIDATES_MAX + limit, is_titled=is_titled)
        by_table: dict[int, list[int]] = {}
        for number, eid in rows:
            by_table.setdefault(number, []).append(eid)
        tier = [
            (len(title) if is_titled else 0, title if is_titled else "", at, _Hit(eid, title, names[number], is_titled))
            for at, (number, eids) in enumerate(by_table.items())
            for eid, title in _titles(desk, names[number], eids)
        ]
        for *_, hit in sorted(tier, key=lambda one: one[:3]):
            found.setdefault(hit.eid, hit)
        if len(found) >= limit:
            break
    return list(found.values())[:limit]


def _titles(desk: Desk, table: str, eids: Sequence[int]) -> list[tuple[int, str]]:
    sql = f'SELECT "~eid", "~title" FROM {quote(table)} WHERE "~eid" IN carray(?)'  # noqa: S608 -- catalog names
    return [(eid, str(title or "")) for eid, title in desk.db.numbers(sql, eids)]


def _found(desk: Desk, hit: _Hit, sought: Sequence[str]) -> FoundShape | None:
    uuid = desk.heads.uuid_of(hit.eid)
    if uuid is None:
        return None
    why = "" if hit.is_titled else _why(desk, hit, sought)
    return {"record": id_text(uuid), "title": hit.title, "table": hit.table, "why": why}


def _why(desk: Desk, hit: _Hit, sought: Sequence[str]) -> str:
    """Returns the first field of a row that holds any of the words, with what it says."""
    fields = indexing.text_fields(desk.model.shelves[hit.table])
    columns = ", ".join(indexing.text_sql(field) for field in fields)
    sql = f'SELECT {columns} FROM {quote(hit.table)} WHERE "~eid" = ?'  # noqa: S608 -- catalog names
    values = (desk.db.one(sql, (hit.eid,)) if fields else None) or ()
    for field, value in zip(fields, values, strict=False):
        if any(contains(value, f"{word.rstrip('*')}*") for word in sought):
            return f"{field.title}: {str(value)[:WHY_MAX]}"
    return ""


def named(desk: Desk, text: str, tables: Sequence[str]) -> NamedShape:
    """Returns the one record that a person means by what they typed, or why there is none.

    The title itself comes first, then titles that end with the words ("1.2" for Scene 1.2), then those that have them
    in a row, then the only one that has their beginnings.
    """
    wanted = " ".join(words(text))
    candidates = [one for one in find(desk, text, tables, NAMED_MAX) if wanted and not one["why"]]
    tests: tuple[Callable[[str], bool], ...] = (
        lambda title: title == wanted,
        lambda title: f" {title}".endswith(f" {wanted}"),
        lambda title: f" {wanted} " in f" {title} ",
        lambda _: True,
    )
    for test in tests:
        fitting = [one for one in candidates if test(" ".join(words(one["title"])))]
        if len(fitting) == 1:
            return {"text": text, "record": fitting[0]["record"], "title": fitting[0]["title"], "why": ""}
        if fitting:
            offered = " or ".join(one["title"] for one in fitting[:OFFERED])
            more = f", or {len(fitting) - OFFERED} more" if len(fitting) > OFFERED else ""
            return _unnamed(text, f"'{text}' could be {offered}{more}. Type more of the name.")
    titles = " or ".join(desk.catalog.table(name).title for name in tables) or "the tables here"
    return _unnamed(text, f"Nothing in {titles} is called '{text}'. Add it there first, or choose another.")


def _unnamed(text: str, why: str) -> NamedShape:
    return {"text": text, "record": None, "title": "", "why": why}

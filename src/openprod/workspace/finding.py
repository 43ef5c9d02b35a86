"""Finding records by words, as people remember them: in what they are called first, then in what is written in them.

Reads the read model; called with the desk's lock held; writes nothing. Words match from their beginning, with case and
accents folded, as CONTAINS does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from openprod.catalog.names import quote
from openprod.catalog.tables import Table
from openprod.model.ids import id_text
from openprod.query.functions import contains, search_words, words
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import FoundShape, NamedShape

TEXTUAL = frozenset({"text", "choice", "natural", "outline"})
WHY_MAX = 120
CANDIDATES_MAX = 60
OFFERED = 3


def find(desk: Desk, text: str, tables: Sequence[str], limit: int) -> list[FoundShape]:
    """Returns records with every word of a text in their title, then those with it in their fields; best first.

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
    # Every word may be the beginning of one.
    search = " ".join(f"{word.rstrip('*')}*" for word in search_words(text).split())
    found: dict[int, tuple[str, Table, str]] = {}
    titled = [
        (len(title) if search else 0, title, at, eid)
        for at, table in enumerate(wanted)
        for eid, title in _titled(desk, table, search, limit)
    ]
    for _, title, at, eid in sorted(titled):
        found.setdefault(eid, (title, wanted[at], ""))
    for table in wanted if search else ():
        if len(found) >= limit:
            break
        for eid, title, why in _written(desk, table, search, limit):
            found.setdefault(eid, (title, table, why))
    made: list[FoundShape] = []
    for eid, (title, table, why) in list(found.items())[:limit]:
        uuid = desk.heads.uuid_of(eid)
        if uuid is not None:
            made.append({"record": id_text(uuid), "title": title, "table": table.name, "why": why})
    return made


def _titled(desk: Desk, table: Table, search: str, limit: int) -> list[tuple[int, str]]:
    where = 'WHERE openprod_contains("~title", ?1)' if search else ""
    # The shorter a title, the more of it is what was typed.
    order = 'length("~title"), "~title"' if search else '"~title"'
    sql = f'SELECT "~eid", "~title" FROM {quote(table.name)} {where} ORDER BY {order} LIMIT ?2'  # noqa: S608 -- catalog names
    return [(eid, str(title or "")) for eid, title in desk.db.rows(sql, (search, limit))]


def _written(desk: Desk, table: Table, search: str, limit: int) -> list[tuple[int, str, str]]:
    """Returns (row, title, the field that has it) of records with the words anywhere in their texts."""
    fields = [field for field in table.fields.values() if field.type in TEXTUAL]
    if not fields:
        return []
    texts = [f"iif(typeof({quote(field.column)}) = 'text', {quote(field.column)}, '')" for field in fields]
    whole = " || ' ' || ".join(['"~title"', *texts])
    columns = ", ".join(['"~eid"', '"~title"', *texts])
    sql = f"SELECT {columns} FROM {quote(table.name)} WHERE openprod_contains({whole}, ?1) LIMIT ?2"  # noqa: S608 -- catalog names
    made: list[tuple[int, str, str]] = []
    for eid, title, *values in desk.db.rows(sql, (search, limit)):
        why = next(
            (
                f"{field.title}: {str(value)[:WHY_MAX]}"
                for field, value in zip(fields, values, strict=True)
                if any(contains(value, word) for word in search.split(" "))
            ),
            "",
        )
        made.append((eid, str(title or ""), why))
    return made


def named(desk: Desk, text: str, tables: Sequence[str]) -> NamedShape:
    """Returns the one record that a person means by what they typed, or why there is none.

    The title itself comes first, then titles that end with the words ("1.2" for Scene 1.2), then those that have them
    in a row, then the only one that has their beginnings.
    """
    wanted = " ".join(words(text))
    candidates = [one for one in find(desk, text, tables, CANDIDATES_MAX) if wanted and not one["why"]]
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

"""Keeps the index of words up to date: when somebody searches, it takes in what was applied since it was last used.

Knows which rows a bundle may have changed. Writing and ingesting pay nothing for it, and it is right whoever wrote
meanwhile, in this program or another (docs/decisions: the index of words is a file beside the database).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from blake3 import blake3

from openprod.catalog.names import quote
from openprod.catalog.tables import Field
from openprod.model.ops import Map, Merge, over_of
from openprod.model.slots import MAPPING, SAME
from openprod.query.functions import words
from openprod.store.database import without_collector
from openprod.store.log import ORDINAL_BITS
from openprod.store.read_model import Shelf
from openprod.store.words import DAMAGED, NOTHING, Indexed

if TYPE_CHECKING:
    from openprod.model.ops import Chunk
    from openprod.workspace.desk import Desk

WRITTEN = frozenset({"text", "choice", "natural", "outline"})
TOLD = frozenset({"blob", "list"})
"""Types whose values have words in them but stand in their columns as bytes."""

CORE_FIRST = 1 << 20
"""Numbers of the core's own tables in the index, which are only looked in where they are named, begin here."""

BUNDLES_MAX = 2_000
_PAGE = 20_000


def catch_up(desk: Desk) -> Indexed:
    """Brings the index up to what is applied here and returns what it covers; a damaged one is made anew."""
    try:
        return _caught_up(desk)
    except DAMAGED:
        desk.words.start_anew()
        return _caught_up(desk)


def _caught_up(desk: Desk) -> Indexed:
    before = desk.words.indexed()
    place = desk.log.next_place - 1
    forms = _forms(desk)
    now = Indexed(place, _bundle_at(desk, place), _numbered(before, forms))
    if before == now:
        return now
    with desk.words.changing(), without_collector():
        # Behind the lock: another program may have done it meanwhile.
        before = desk.words.indexed()
        if before.place > place or before.bundle != _bundle_at(desk, before.place):
            desk.words.clear()
            before = NOTHING
        now = Indexed(place, _bundle_at(desk, place), _numbered(before, forms))
        since = list(desk.log.in_order(before.place)) if before.place else []
        changed = {name for name in forms if before.tables.get(name) != now.tables[name]}
        if len(since) > BUNDLES_MAX:
            changed = set(forms)
        rows, keys = _touched(desk, since) if changed != set(forms) else (set[int](), set[str]())
        changed |= {field.table for key in keys if (field := desk.catalog.find_field(key)) is not None} & forms.keys()
        for name in before.tables.keys() - now.tables.keys():
            desk.words.drop_table(before.tables[name][0])
        for name, (number, _) in now.tables.items():
            shelf = desk.model.shelves[name]
            if name in changed:
                if name in before.tables:
                    desk.words.drop_table(before.tables[name][0])
                desk.words.put(number, _rows(desk, shelf, None))
            elif rows:
                desk.words.put(number, _rows(desk, shelf, rows), sorted(rows))
        if not before.place or len(since) > BUNDLES_MAX:
            desk.words.settle()
        desk.words.mark(now)
    return now


def _bundle_at(desk: Desk, place: int) -> bytes:
    row = desk.db.one("SELECT id FROM bundle WHERE place = ?", (place,))
    return bytes(row[0]) if row is not None else b""


def _forms(desk: Desk) -> dict[str, bytes]:
    """Returns for every table what its words depend on besides its rows."""
    return {name: form_of(shelf) for name, shelf in desk.model.shelves.items()}


@lru_cache(maxsize=1_000)
def form_of(shelf: Shelf) -> bytes:
    """Returns what the words of a table's rows depend on besides the rows: how a title is made, which fields count."""
    fields = [(column.name, column.field.type) for column in shelf.columns if column.field.type in WRITTEN | TOLD]
    return blake3(repr((shelf.form("").title, fields)).encode()).digest(12)


def _numbered(before: Indexed, forms: dict[str, bytes]) -> dict[str, tuple[int, bytes]]:
    """Returns every table's number in the index: the one it has, else the next free one of its kind."""
    used = {number for name, (number, _) in before.tables.items() if name in forms}
    found: dict[str, tuple[int, bytes]] = {}
    free = {False: 1, True: CORE_FIRST}
    for name, form in forms.items():
        known = before.tables.get(name)
        is_core = name.startswith("core.")
        if known is None:
            while free[is_core] in used:
                free[is_core] += 1
            used.add(free[is_core])
        found[name] = (known[0] if known is not None else free[is_core], form)
    return found


# -- what changed


def _touched(desk: Desk, numbers: Sequence[int]) -> tuple[set[int], set[str]]:
    """Returns the local numbers of the records whose rows some bundles may have changed, and the fields they mapped."""
    uuids: set[bytes] = set()
    keys: set[str] = set()
    for number in numbers:
        if number in desk.log.unread:
            continue
        for index in range(len(desk.log.header(number).chunks)):
            chunk, _ = desk.log.chunk(number, index)
            raw = chunk.subjects
            uuids.update(raw[at : at + 16] for at in range(0, len(raw), 16))
            for low, high in _joined(desk, chunk):
                if isinstance(low, str):
                    keys.update((low, str(high)))
                elif isinstance(high, bytes):
                    uuids.update((low, high))
    keys.update(one for key in tuple(keys) for one in desk.keys_of(key))
    if desk.heads.same:
        uuids.update(one for uuid in tuple(uuids) for one in desk.subjects_of(uuid))
    rows = {eid for (eid,) in desk.db.blobs("SELECT eid FROM entity WHERE uuid IN carray(?)", sorted(uuids))}
    # And whoever takes a field from one of these, or from one that takes it from there.
    todo = rows
    while todo:
        todo = {eid for (eid,) in desk.db.numbers("SELECT eid FROM taken WHERE source IN carray(?)", todo)} - rows
        rows |= todo
    return rows, keys


def _joined(desk: Desk, chunk: Chunk) -> Iterator[tuple[str | bytes, str | bytes]]:
    """Yields the pairs that a chunk says are the same, or no longer are."""
    if MAPPING not in chunk.keys and SAME not in chunk.keys:
        return
    for op in chunk.ops:
        if isinstance(op, Map | Merge):
            yield op.payload.low, op.payload.high
        elif chunk.keys[op.keys[0]] in (MAPPING, SAME):
            for bundle, ordinal in over_of(chunk, op):
                target = desk.log.number_of(bundle)
                if target is not None and desk.log.has_op(target, ordinal):
                    behind = desk.op_at(target << ORDINAL_BITS | ordinal).op
                    if isinstance(behind, Map | Merge):
                        yield behind.payload.low, behind.payload.high


# -- the rows


def _rows(desk: Desk, shelf: Shelf, only: Iterable[int] | None) -> Iterator[tuple[int, str, str]]:
    """Yields (row, title, text) of a table's rows, folded as words are looked for."""
    texts = " || ' ' || ".join(text_sql(field) for field in text_fields(shelf)) or "''"
    sql = f'SELECT "~eid", "~title", {texts} FROM {quote(shelf.name)}'  # noqa: S608 -- catalog names
    if only is not None:
        found = desk.db.numbers(f'{sql} WHERE "~eid" IN carray(?)', sorted(only))
        yield from ((eid, folded(title), folded(text)) for eid, title, text in found)
        return
    last = -1
    while True:
        page = desk.db.rows(f'{sql} WHERE "~eid" > ? ORDER BY "~eid" LIMIT ?', (last, _PAGE))
        for eid, title, text in page:
            yield eid, folded(title), folded(text)
        if len(page) < _PAGE:
            return
        last = page[-1][0]


def text_fields(shelf: Shelf) -> list[Field]:
    """Returns the fields of a table that words are looked for in."""
    return [column.field for column in shelf.columns if column.field.type in WRITTEN | TOLD]


def text_sql(field: Field) -> str:
    """Returns the SQL of a field's words: of a file its name, of a list its items."""
    column = quote(field.column)
    if field.type in TOLD:
        return f"coalesce(openprod_text('{field.type}', {column}), '')"
    return f"iif(typeof({column}) = 'text', {column}, '')"


def folded(text: object) -> str:
    """Returns a text as its words are kept: what is plain ASCII is folded by the index itself."""
    if not isinstance(text, str):
        return ""
    return text if text.isascii() else " ".join(words(text))

"""What is kept beside the log compared with what the log gives: each difference named in a sentence.

Knows the tables that are derived and how their rows are told apart without local integers. Derives nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from openprod.catalog.names import quote
from openprod.catalog.tables import unpack
from openprod.merge.state_hash import text as hash_text
from openprod.store.database import Database
from openprod.store.heads import MANY
from openprod.store.log import SEQ_BITS, seq_of

if TYPE_CHECKING:
    from openprod.workspace.desk import Desk

NAMED_MAX = 3
MEND = "Run: openprod rebuild"

_BUNDLES = "SELECT no, place, hex(eff), at, unread IS NULL FROM bundle ORDER BY no"
_BRANCHES = "SELECT no, hex(id), parent, fork_seq, hex(actor), seq, hex(tip), hex(eff), closed FROM log ORDER BY no"
_LISTS: Mapping[str, str] = {
    "what each log had seen": "SELECT log, other, seq, other_seq FROM seen ORDER BY 1, 2, 3",
    "the list of records": "SELECT uuid, alive FROM entity WHERE born OR ver IS NOT NULL ORDER BY 1",
    "the list of conflicts": "SELECT uuid, key.key FROM conflict LEFT JOIN entity USING(eid)"
    " LEFT JOIN key ON key.no = conflict.key ORDER BY 1, 2",
    "the list of values that stand beside each other": "SELECT uuid, key.key, oid FROM head"
    " LEFT JOIN entity USING(eid) LEFT JOIN key ON key.no = head.key ORDER BY 1, 2, 3",
    "the list of values that are hidden": "SELECT uuid, key.key, oid FROM shadow"
    " LEFT JOIN entity USING(eid) LEFT JOIN key ON key.no = shadow.key ORDER BY 1, 2, 3",
    "the list of values carried along": "SELECT uuid, key.key, oid, by FROM carried"
    " LEFT JOIN entity USING(eid) LEFT JOIN key ON key.no = carried.key ORDER BY 1, 2, 3, 4",
    "the list of fields taken from others": "SELECT one.uuid, key.key, other.uuid, field.key FROM taken"
    " LEFT JOIN entity one USING(eid) LEFT JOIN key ON key.no = taken.key LEFT JOIN entity other ON other.eid = source"
    " LEFT JOIN key field ON field.no = taken.field ORDER BY 1, 2, 3, 4",
    "the list of mapped fields": "SELECT subject, low, high FROM mapped ORDER BY 1",
    "the list of merged records": "SELECT subject, low, high FROM merged ORDER BY 1",
    "the list of relations": "SELECT one.uuid, key.key, source.uuid, target.uuid, live FROM edge"
    " LEFT JOIN entity one USING(eid) LEFT JOIN key ON key.no = edge.type"
    " LEFT JOIN entity source ON source.eid = src LEFT JOIN entity target ON target.eid = dst ORDER BY 1",
    "the list of records of unknown tables": "SELECT key.key, uuid FROM loose"
    " LEFT JOIN entity USING(eid) LEFT JOIN key ON key.no = loose.key ORDER BY 1, 2",
    "the list of invitations": "SELECT public, label, open, oid FROM invite ORDER BY 1",
    "the list of those let in": "SELECT log, actor FROM admitted ORDER BY 1, 2",
    "the list of accepted clocks": "SELECT bundle, at FROM accepted ORDER BY 1",
}

Rows = list[tuple[object, ...]]


def differences(desk: Desk, given: Desk) -> Iterator[str]:
    """Yields a sentence for each thing that differs between what is kept and what the log gives."""
    yield from _bundles(desk, given)
    if desk.db.rows(_BRANCHES) != given.db.rows(_BRANCHES):
        yield f"The list of logs is not what the log gives. {MEND}"
    kept_hash = desk.db.one("SELECT value FROM meta WHERE key = 'state_hash'")
    true_hash = hash_text(given.applier.hash)
    if kept_hash is None or kept_hash[0] != true_hash:
        yield f"The state hash is {kept_hash[0] if kept_hash else 'missing'}, but the log gives {true_hash}. {MEND}"
    if _catalog_differs(desk.db, given.db):
        yield f"The list of tables and fields is not what the log gives. {MEND}"
    for name, sql in _LISTS.items():
        if desk.db.rows(sql) != given.db.rows(sql):
            yield f"{name.capitalize()} is not what the log gives. {MEND}"
    yield from _writes(desk, given)
    for name in sorted({*given.model.shelves, *given.model.relations}):
        shelf = given.model.shelves.get(name) or given.model.relations[name]
        records = {column.name for column in shelf.columns if column.field.type == "record"}
        difference = _table(desk.db, given.db, name, records)
        if difference:
            yield f"The table {name} is not what the log gives: {difference}. {MEND}"


def _bundles(desk: Desk, given: Desk) -> Iterator[str]:
    kept = {row[0]: row for row in desk.db.rows(_BUNDLES)}
    true = {row[0]: row for row in given.db.rows(_BUNDLES)}
    wrong = sorted(no for no in true.keys() | kept.keys() if true.get(no) != kept.get(no))
    for no in wrong[:NAMED_MAX]:
        arm = given.log.branches.get(no >> SEQ_BITS)
        name = arm.id.hex()[:12] if arm is not None else "?"
        yield f"The order or time kept for bundle {seq_of(no)} of log {name} is not what the log gives. {MEND}"
    if len(wrong) > NAMED_MAX:
        yield f"The order or time kept for {len(wrong) - NAMED_MAX} more bundles is not what the log gives. {MEND}"


def _catalog_differs(kept: Database, given: Database) -> bool:
    """Tells whether the kept catalog says something else; one that another version wrote is not read at all."""
    rows = [database.one("SELECT value FROM meta WHERE key = 'catalog'") for database in (kept, given)]
    if rows[0] is None or rows[1] is None:
        return False
    try:
        (mark, packed), (true_mark, true_packed) = [
            msgspec.msgpack.decode(row[0], type=tuple[bytes, bytes]) for row in rows if row is not None
        ]
        return mark == true_mark and packed != true_packed and unpack(packed) != unpack(true_packed)
    except (msgspec.MsgspecError, TypeError, ValueError):
        return False


# -- heads


def _writes(desk: Desk, given: Desk) -> Iterator[str]:
    """Compares which write stands in every slot."""
    kept, true = _Slots(desk.db), _Slots(given.db)
    is_same = (kept.keys, kept.shapes) == (true.keys, true.shapes)
    wrong: list[bytes] = []
    for uuid in true.rows.keys() | kept.rows.keys():
        mine, theirs = kept.rows.get(uuid), true.rows.get(uuid)
        if is_same and mine == theirs:
            continue
        if kept.of(mine) != true.of(theirs):
            wrong.append(uuid)
    if wrong:
        names = sorted(_title(given, uuid) for uuid in wrong[:NAMED_MAX])
        yield f"Which changes count is not what the log gives: {_named(names, len(wrong))}. {MEND}"


def _title(desk: Desk, uuid: bytes) -> str:
    return desk.title(uuid)


class _Slots:
    """The rows that say which write stands in which slot, of one file."""

    def __init__(self, database: Database) -> None:
        self.keys: dict[object, object] = dict(database.rows("SELECT no, key FROM key"))
        self.shapes: dict[object, object] = dict(database.rows("SELECT no, keys FROM shape"))
        rows = database.rows("SELECT uuid, born, shape, mask, ver FROM entity WHERE born OR ver IS NOT NULL")
        self.rows: dict[bytes, tuple[object, ...]] = {row[0]: row[1:] for row in rows}

    def of(self, row: Sequence[object] | None) -> dict[object, object] | str:
        """Returns a record's slots by key with the write that stands there; a word for a row that does not read."""
        if row is None:
            return "nothing"
        born, shape, mask, ver = row
        try:
            found: dict[object, object] = {}
            if isinstance(born, int) and born and isinstance(mask, int):
                raw = self.shapes[shape]
                columns = msgspec.msgpack.decode(raw, type=tuple[int, ...]) if isinstance(raw, bytes) else ()
                found = {self.keys[key]: born + at for at, key in enumerate(columns) if mask >> at & 1}
            later = msgspec.msgpack.decode(ver, type=dict[int, int]) if isinstance(ver, bytes) else {}
            found.update({self.keys[key]: "many" if oid == MANY else oid for key, oid in later.items()})
        except (msgspec.MsgspecError, KeyError, ValueError):
            return "damaged"
        return found


# -- the tables people read


def _table(kept: Database, given: Database, name: str, records: set[str]) -> str:
    """Returns which rows of a table differ, in words; empty if none does."""
    columns, kept_columns = _columns_of(given, name), _columns_of(kept, name)
    if not kept_columns:
        return "it is missing" if columns else ""
    if sorted(kept_columns) != sorted(columns):
        return "its columns are others"
    rows, kept_rows = _rows_of(given, name, columns, records), _rows_of(kept, name, columns, records)
    if rows == kept_rows:
        return ""
    at, titled = columns.index("~eid"), columns.index("~title") if "~title" in columns else None
    true_by_id = {row[at]: row for row in rows}
    kept_by_id = {row[at]: row for row in kept_rows}
    named: list[str] = []
    wrong = [one for one in {**true_by_id, **kept_by_id} if true_by_id.get(one) != kept_by_id.get(one)]
    for one in wrong[:NAMED_MAX]:
        row, other = true_by_id.get(one), kept_by_id.get(one)
        title = str((row or other or ())[titled]) if titled is not None else "a relation"
        which = [column for column, a, b in zip(columns, row or (), other or (), strict=False) if a != b]
        named.append(f"{title} ({', '.join(which)})" if which else title)
    return _named(named, len(wrong)) if wrong else "a row stands there twice"


def _named(names: Sequence[str], count: int) -> str:
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return ", ".join(names) + more


def _columns_of(database: Database, name: str) -> list[str]:
    return [row[1] for row in database.rows(f"PRAGMA table_info({quote(name)})")]


def _rows_of(database: Database, name: str, columns: Sequence[str], records: set[str]) -> Rows:
    """Returns a table's rows with local integers turned into ids, sorted by id."""
    shown: list[str] = []
    for column in columns:
        is_reference = column in ("~eid", "~src", "~dst") or column in records
        as_id = f"coalesce((SELECT uuid FROM entity WHERE eid = {quote(column)}), {quote(column)})"  # noqa: S608 -- quoted
        shown.append(as_id if is_reference else quote(column))
    order = shown[columns.index("~eid")]
    sql = f"SELECT {', '.join(shown)} FROM {quote(name)} ORDER BY {order}"  # noqa: S608 -- quoted catalog names
    return database.rows(sql)

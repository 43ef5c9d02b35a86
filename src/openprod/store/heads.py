"""The derived truth: which writes are the heads of every slot, a compact row a record.

A record's row says which block it was born in; that answers for every slot not written since. Slots written since
stand in a small map; slots with several heads in a table of their own. Knows rows; must not know what a head means.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import NamedTuple

import msgspec

from openprod.merge.equivalence import Classes
from openprod.merge.state_hash import key_factor
from openprod.model.slots import table_of_member_key
from openprod.store.database import Database, DatabaseDamaged
from openprod.store.log import OpAt

MANY = -1
_RECORDS_KEPT = 64

_ver_decoder = msgspec.msgpack.Decoder(dict[int, int])
_keys_decoder = msgspec.msgpack.Decoder(tuple[int, ...])
_encode = msgspec.msgpack.Encoder().encode


class _Block(NamedTuple):
    """New records of one block of this batch, in rising order of their local integers."""

    eids: range
    cells: range
    shape: int
    masks: Sequence[int]
    alive: int


class Record:
    """A record's, a relation's or another subject's heads, while a batch works on it.

    Attributes:
        born: the local number of its block row's first cell, 0 if it was in none.
        mask: bit n says that cell n of that row was written.
        ver: key number to the one head written since, MANY where there are several.
        many: key number to heads, for the slots with several; loaded as needed.
    """

    __slots__ = ("alive", "born", "eid", "is_dirty", "is_fresh", "many", "mask", "shape", "uuid", "ver")

    def __init__(
        self, eid: int, uuid: bytes, alive: int, born: int, shape: int, mask: int, ver: dict[int, int]
    ) -> None:
        self.eid = eid
        self.uuid = uuid
        self.alive = alive
        self.born = born
        self.shape = shape
        self.mask = mask
        self.ver = ver
        self.many: dict[int, tuple[int, ...]] | None = None
        self.is_fresh = False
        self.is_dirty = False


class Heads:
    """Loads and saves records' heads. One batch at a time: `begin`, work, `flush`.

    Attributes:
        has_classes: whether any field is mapped or any record merged.
        member_tables: key number to table, for the keys of membership.
        calmed: the slots (local integer, key number) that had several heads and in this batch came to have one.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self.key_numbers: dict[str, int] = {}
        self.key_texts: dict[int, str] = {}
        self.key_factors: dict[int, int] = {}
        self.member_tables: dict[int, str] = {}
        self.shapes: dict[int, tuple[int, ...]] = {0: ()}
        self._shape_numbers: dict[tuple[int, ...], int] = {}
        self.next_eid = 1
        self.records: dict[bytes, Record] = {}
        self._looked_up: set[bytes] = set()
        self._blocks: list[_Block] = []
        self._block_eids: dict[bytes, int] = {}
        self._fresh_rows: list[tuple[object, ...]] = []
        self._unsaved: dict[int, bytes] = {}
        self._many_changed: dict[tuple[int, int], tuple[int, ...]] = {}
        self.calmed: set[tuple[int, int]] = set()
        self.mapped: Classes[str] = Classes()
        self.same: Classes[bytes] = Classes()
        self.has_classes = False
        self.refresh()

    def refresh(self) -> None:
        """Reads the small tables again, after somebody else's commit or a rollback."""
        self.key_numbers.clear()
        self.key_texts.clear()
        self.member_tables.clear()
        for no, text in self._db.rows("SELECT no, key FROM key"):
            self._know_key(no, text)
        self.shapes = {0: ()}
        self._shape_numbers.clear()
        for no, keys in self._db.rows("SELECT no, keys FROM shape"):
            self.shapes[no] = found = _keys_decoder.decode(keys)
            self._shape_numbers[found] = no
        row = self._db.one("SELECT max(eid) FROM entity")
        self.next_eid = (row[0] if row and row[0] is not None else 0) + 1
        self.read_classes()
        self.begin()

    def read_classes(self) -> None:
        """Reads again which fields are mapped and which records are merged."""
        self.mapped = Classes(self._db.rows("SELECT low, high FROM mapped"))
        self.same = Classes(self._db.rows("SELECT low, high FROM merged"))
        self.has_classes = bool(self.mapped) or bool(self.same)

    def go_on(self) -> None:
        """Ends the last batch; a few records it saved stay at hand, so the database must be as it left it."""
        records = self.records
        if len(records) > _RECORDS_KEPT:
            records = {}
        elif self._has_fresh:
            # Rows that were made room for and never saved.
            records = {uuid: one for uuid, one in records.items() if not one.is_dirty}
        self.begin()
        self.records = records

    def begin(self) -> None:
        """Forgets the last batch and every record."""
        self.records = {}
        self._has_fresh = False
        self._looked_up = set()
        self._blocks = []
        self._block_eids = {}
        self._fresh_rows = []
        self._unsaved = {}
        self._many_changed = {}
        self.calmed = set()

    # -- keys and shapes

    def _know_key(self, no: int, text: str) -> None:
        self.key_numbers[text] = no
        self.key_texts[no] = text
        self.key_factors[no] = key_factor(text)
        table = table_of_member_key(text)
        if table is not None:
            self.member_tables[no] = table

    def key_number(self, text: str) -> int:
        """Returns the local number of a slot key, giving it one if it has none."""
        found = self.key_numbers.get(text)
        if found is None:
            found = len(self.key_texts) + 1
            self._db.execute("INSERT INTO key(no, key) VALUES(?, ?)", (found, text))
            self._know_key(found, text)
        return found

    def shape_number(self, keys: tuple[int, ...]) -> int:
        """Returns the local number of a block's columns, giving it one if it has none."""
        found = self._shape_numbers.get(keys)
        if found is None:
            found = len(self.shapes)
            self._db.execute("INSERT INTO shape(no, keys) VALUES(?, ?)", (found, _encode(keys)))
            self.shapes[found] = keys
            self._shape_numbers[keys] = found
        return found

    # -- records

    def load(self, uuids: Sequence[bytes]) -> None:
        """Brings records into the batch at once; those that are nowhere yet are simply not there."""
        looked_up = self._looked_up
        wanted = [
            uuid
            for uuid in uuids
            if uuid not in looked_up and uuid not in self.records and uuid not in self._block_eids
        ]
        looked_up.update(wanted)
        sql = "SELECT eid, uuid, alive, born, shape, mask, ver FROM entity WHERE uuid IN carray(?)"
        for row in self._db.blobs(sql, wanted):
            self._take(row)

    def load_eids(self, eids: Iterable[int]) -> list[Record]:
        """Returns records by local integer, those of this batch that are not written yet first."""
        eids = list(eids)
        sql = "SELECT eid, uuid, alive, born, shape, mask, ver FROM entity WHERE eid IN carray(?)"
        found = [self.need(self._unsaved[eid]) for eid in eids if eid in self._unsaved] if self._unsaved else []
        for row in self._db.numbers(sql, eids):
            known = self.find(row[1])
            found.append(known if known is not None else self._take(row))
        return found

    def _take(self, row: tuple[int, bytes, int, int, int, int, bytes | None]) -> Record:
        eid, uuid, alive, born, shape, mask, ver = row
        try:
            later = _ver_decoder.decode(ver) if ver is not None else {}
        except (msgspec.MsgspecError, TypeError) as error:
            raise DatabaseDamaged(
                f"What {self._db.path} says of record {uuid.hex()} is damaged. Run: openprod rebuild"
            ) from error
        record = Record(eid, uuid, alive, born, shape, mask, later)
        self.records[uuid] = record
        return record

    def find(self, uuid: bytes) -> Record | None:
        """Returns a record of this batch, None if it is not loaded or nowhere."""
        found = self.records.get(uuid)
        if found is None:
            eid = self._block_eids.get(uuid)
            if eid is not None:
                block = self._blocks[bisect_right(self._blocks, eid, key=lambda one: one.eids.start) - 1]
                row = eid - block.eids.start
                found = Record(eid, uuid, block.alive, block.cells[row], block.shape, block.masks[row], {})
                self.records[uuid] = found
        return found

    def fetch(self, uuid: bytes) -> Record | None:
        """Returns a record, loading it if need be; None if it is nowhere."""
        found = self.records.get(uuid) or self.find(uuid)
        if found is None and uuid not in self._looked_up:
            self._looked_up.add(uuid)
            row = self._db.one("SELECT eid, uuid, alive, born, shape, mask, ver FROM entity WHERE uuid = ?", (uuid,))
            found = None if row is None else self._take(row)
        return found

    def need(self, uuid: bytes) -> Record:
        """Returns a record, making an empty row for it where there is none."""
        found = self.fetch(uuid)
        if found is None:
            self._has_fresh = True
            found = Record(self.next_eid, uuid, 0, 0, 0, 0, {})
            found.is_fresh = found.is_dirty = True
            self._unsaved[found.eid] = uuid
            self.next_eid += 1
            self.records[uuid] = found
        return found

    def are_new(self, uuids: Sequence[bytes]) -> bool:
        """Tells whether these are distinct and nothing was ever written about any of them."""
        some = set(uuids)
        # New records' ids follow on each other in time: one look tells that none of theirs is here.
        between = "SELECT 1 FROM entity WHERE uuid BETWEEN ? AND ? LIMIT 1"
        if some and self._db.one(between, (min(some), max(some))) is not None:
            self.load(uuids)
        # The views' own test goes through the few, however many this batch knows.
        return (
            len(some) == len(uuids)
            and self.records.keys().isdisjoint(some)
            and self._block_eids.keys().isdisjoint(some)
        )

    def add_block_rows(self, uuids: Sequence[bytes], born: int, shape: int, masks: Sequence[int], alive: int) -> range:
        """Adds the rows of subjects that a block creates and that are nowhere yet; returns their local integers.

        Args:
            uuids: one a row of the block.
            born: the local number of the block's first cell.
            shape: its columns.
            masks: for each row, which cells were written.
            alive: 1 for records, 0 for relations.
        """
        eids = range(self.next_eid, self.next_eid + len(uuids))
        self.next_eid = eids.stop
        width = len(self.shapes[shape])
        self._unsaved.update(zip(eids, uuids, strict=True))
        cells = range(born, born + width * len(uuids), width)
        self._block_eids.update(zip(uuids, eids, strict=True))
        self._blocks.append(_Block(eids, cells, shape, masks, alive))
        self._fresh_rows.extend(zip(eids, uuids, repeat(alive), cells, repeat(shape), masks, repeat(None)))
        return eids

    # -- heads

    def heads(self, record: Record, key: int) -> tuple[int, ...]:
        """Returns the heads of a slot, local op numbers in no particular order."""
        one = record.ver.get(key)
        if one is not None:
            return (one,) if one != MANY else self._many(record)[key]
        if record.born:
            keys = self.shapes[record.shape]
            if key in keys:
                column = keys.index(key)
                if record.mask >> column & 1:
                    return (record.born + column,)
        return ()

    def is_born_with(self, record: Record, key: int, oid: int) -> bool:
        """Tells whether an op is the cell that a record's own block wrote into a slot."""
        column = oid - record.born
        keys = self.shapes[record.shape]
        return bool(record.born and 0 <= column < len(keys) and keys[column] == key and record.mask >> column & 1)

    def _many(self, record: Record) -> dict[int, tuple[int, ...]]:
        found = record.many
        if found is None:
            found = record.many = {}
            for key, oid in self._db.rows("SELECT key, oid FROM head WHERE eid = ? ORDER BY key, oid", (record.eid,)):
                found[key] = (*found.get(key, ()), oid)
        return found

    # -- classes

    def class_of(self, record: Record) -> list[Record]:
        """Returns the records that this one is merged with, itself among them, the one that stands for all first."""
        if not self.same:
            return [record]
        uuids = self.same.members(record.uuid)
        if len(uuids) == 1:
            return [record]
        self.load(uuids)
        return [self.need(uuid) for uuid in uuids]

    def keys_of(self, key: int) -> tuple[int, ...]:
        """Returns the keys that this one is mapped to, itself among them, the one that stands for all first."""
        if not self.mapped:
            return (key,)
        texts = self.mapped.members(self.key_texts[key])
        return (key,) if len(texts) == 1 else tuple(map(self.key_number, texts))

    def united(self, record: Record, key: int) -> tuple[int, ...]:
        """Returns the heads of a slot's whole class, each op once."""
        if not self.has_classes:
            return self.heads(record, key)
        found: dict[int, None] = {}
        keys = self.keys_of(key)
        for one in self.class_of(record):
            for other in keys:
                found.update(dict.fromkeys(self.heads(one, other)))
        return tuple(found)

    def class_slots(self, record: Record) -> list[int]:
        """Returns the key numbers of every slot that any record of a class was ever written in."""
        members = self.class_of(record)
        if len(members) == 1:
            return self.slots(record)
        return list(dict.fromkeys(key for one in members for key in self.slots(one)))

    def covers(self, op: OpAt, record: Record, key: int) -> bool:
        """Tells whether an op stands in a slot, written or carried there, replaced since or not."""
        if record.uuid in op.subjects and self.key_texts[key] in op.keys:
            return True
        sql = "SELECT 1 FROM carried WHERE eid = ? AND key = ? AND oid = ?"
        return self._db.one(sql, (record.eid, key, op.oid)) is not None

    def carried_to(self, oid: int) -> set[tuple[bytes, str]]:
        """Returns the slots that an op was carried into: record and full key."""
        rows = self._db.rows(
            "SELECT uuid, key.key FROM carried JOIN entity USING(eid) JOIN key ON key.no = carried.key WHERE oid = ?",
            (oid,),
        )
        return {(uuid, key) for uuid, key in rows}

    def carriers(self, oid: int, record: Record, key: int) -> list[int]:
        """Returns the carries that list an op in a slot."""
        sql = "SELECT by FROM carried WHERE eid = ? AND key = ? AND oid = ?"
        return [by for (by,) in self._db.rows(sql, (record.eid, key, oid))]

    def is_carried(self, oid: int, subjects: Iterable[bytes], keys: Iterable[str]) -> bool:
        """Tells whether an op was carried into any of these slots."""
        wanted_subjects, wanted_keys = set(subjects), set(keys)
        return any(uuid in wanted_subjects and key in wanted_keys for uuid, key in self.carried_to(oid))

    def set_heads(self, record: Record, key: int, heads: tuple[int, ...]) -> None:
        """Replaces a slot's heads (there is at least one)."""
        record.is_dirty = True
        was = record.ver.get(key)
        if len(heads) == 1:
            record.ver[key] = heads[0]
            if was == MANY:
                self._many(record).pop(key, None)
                self._many_changed[record.eid, key] = ()
                self.calmed.add((record.eid, key))
        else:
            if was != MANY:
                if record.many is None and MANY not in record.ver.values():
                    record.many = {}
                record.ver[key] = MANY
            self._many(record)[key] = heads
            self._many_changed[record.eid, key] = heads

    def slots(self, record: Record) -> list[int]:
        """Returns the key numbers of every slot of a record that was ever written."""
        found = (
            [key for column, key in enumerate(self.shapes[record.shape]) if record.mask >> column & 1]
            if record.born
            else []
        )
        known = set(found)
        return [*found, *(key for key in record.ver if key not in known)]

    def eids_with(self, keys: Iterable[int]) -> set[int]:
        """Returns the local integers of all that may have been written in any of these slots, as saved.

        Their block held one, or they were written since.
        """
        wanted = set(keys)
        shapes = [no for no, columns in self.shapes.items() if wanted.intersection(columns)]
        found = {eid for (eid,) in self._db.numbers("SELECT eid FROM entity WHERE shape IN carray(?)", shapes)}
        return found | {eid for (eid,) in self._db.rows("SELECT eid FROM entity WHERE ver IS NOT NULL")}

    # -- saving

    def flush(self) -> None:
        """Writes what the batch changed; the batch stays loaded."""
        many = self._db.executemany
        self._unsaved = {}
        self._has_fresh = False
        if self._fresh_rows:
            many("INSERT INTO entity VALUES(?, ?, ?, ?, ?, ?, ?)", self._fresh_rows)
            self._fresh_rows = []
        fresh: list[tuple[object, ...]] = []
        changed: list[tuple[object, ...]] = []
        for record in self.records.values():
            if not record.is_dirty:
                continue
            record.is_dirty = False
            ver = _encode(record.ver) if record.ver else None
            if record.is_fresh:
                record.is_fresh = False
                fresh.append((record.eid, record.uuid, record.alive, record.born, record.shape, record.mask, ver))
            else:
                changed.append((record.alive, ver, record.eid))
        if fresh:
            many("INSERT INTO entity VALUES(?, ?, ?, ?, ?, ?, ?)", fresh)
        if changed:
            many("UPDATE entity SET alive = ?, ver = ? WHERE eid = ?", changed)
        if self._many_changed:
            many("DELETE FROM head WHERE eid = ? AND key = ?", list(self._many_changed))
            rows = [(eid, key, oid) for (eid, key), heads in self._many_changed.items() for oid in heads]
            many("INSERT INTO head VALUES(?, ?, ?)", rows)
            self._many_changed = {}

    # -- small look-ups

    def uuid_of(self, eid: int) -> bytes | None:
        """Returns the id behind a local integer."""
        row = self._db.one("SELECT uuid FROM entity WHERE eid = ?", (eid,))
        return row[0] if row else None

    def eid_of(self, uuid: bytes) -> int | None:
        """Returns the local integer of an id, None if it was never heard of."""
        record = self.find(uuid)
        if record is not None:
            return record.eid
        row = self._db.one("SELECT eid FROM entity WHERE uuid = ?", (uuid,))
        return row[0] if row else None

"""Smart fields: a field that is taken from a field of another record, shows what that shows, and edits it.

A slot whose value is a field reference, in a field that does not itself hold references, is taken from there. Follows
such references through mapped fields and merged records, says where they lead or why they lead nowhere, and keeps the
list of who takes from whom, so that a change of a source is shown wherever it is taken to. Knows heads and the catalog;
must not know how values get into tables (`meaning`) nor how people ask (`write`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from openprod.catalog.tables import Field, FieldType
from openprod.merge.heads import Life
from openprod.model.errors import Refused
from openprod.model.slots import EXISTS, RELATION
from openprod.model.values import FieldRef, Value
from openprod.store.database import Database
from openprod.store.heads import Heads, Record
from openprod.store.read_model import ReadModel

# Types whose values read alike, so that one may be taken from the other.
_ALIKE: tuple[frozenset[FieldType], ...] = (frozenset(("text", "choice")),)


class CannotTake(Refused):
    """A field cannot be taken from that one: another type, a text that merges, or itself in the end."""

    code = "smart.cannot_take"


class SourceAway(Refused):
    """A smart field cannot be edited through, as its source is deleted, not there, or it takes from itself."""

    code = "smart.source_away"


class TypedHere(Refused):
    """A field is not taken from anywhere, so there is nothing to end."""

    code = "smart.typed_here"


class Lead(StrEnum):
    """Where a reference leads."""

    OK = "ok"
    CIRCULAR = "circular"
    DELETED = "deleted"
    BROKEN = "broken"


class Source(NamedTuple):
    """What a smart field is taken from.

    Attributes:
        lead: whether it can be read, and why not.
        uuid, key: the first record and field, as named in the reference, by which people know it.
        end_uuid, end_key: the last one of a chain: what is shown, and what an edit writes to.
        value: what is shown, None where it cannot be read.
    """

    lead: Lead
    uuid: bytes
    key: str
    end_uuid: bytes
    end_key: str
    value: Value


def fits(source: Field, target: Field) -> bool:
    """Tells whether a field may be taken from another one: they hold the same kind of thing."""
    kinds = {source.type, target.type}
    is_alike = len(kinds) == 1 or any(kinds <= alike for alike in _ALIKE)
    is_list_alike = source.type != "list" or source.item_type == target.item_type
    return is_alike and is_list_alike and target.type != "field" and target.merge != "crdt"


def check_fits(source: Field, target: Field) -> None:
    """Raises CannotTake where one field's values cannot stand in the other."""
    if fits(source, target):
        return
    if target.merge == "crdt":
        why = "is a text that several people type in at once. Only fields with one value are taken from elsewhere"
    elif target.type == "field":
        why = "holds references itself. Set it as any field"
    else:
        why = f"holds {_kind(target)}, and {source.title} ({source.key}) holds {_kind(source)}"
    raise CannotTake(f"{target.title} ({target.key}) {why}.")


def _kind(field: Field) -> str:
    return f"a list of {field.item_type}" if field.type == "list" else field.type


class Sources:
    """Follows references, and knows which slots hold one.

    Args:
        own_value: the value that a record's field holds itself, which may be a reference.
    """

    def __init__(
        self, database: Database, heads: Heads, model: ReadModel, own_value: Callable[[Record, int], Value]
    ) -> None:
        self._db = database
        self._heads = heads
        self._model = model
        self._own_value = own_value
        self._is_used: bool | None = None
        self._moved: set[tuple[int, int | None]] = set()
        self._is_all = False

    def begin(self) -> None:
        """Starts a batch."""
        self._is_used = None
        self._moved = set()
        self._is_all = False

    @property
    def is_used(self) -> bool:
        """Tells whether any field at all is taken from another."""
        if self._is_used is None:
            self._is_used = self._db.one("SELECT 1 FROM taken LIMIT 1") is not None
        return self._is_used

    def is_smart(self, text: str) -> bool:
        """Tells whether a reference in a field, by full key, says where its value is taken from.

        It does not where the field is one that holds references.
        """
        columns = self._model.columns_of.get(text)
        return columns is None or columns[0].field.type != "field"

    def follow(self, record: Record, key: int, reference: FieldRef) -> Source:
        """Returns where a field's reference leads."""
        first = (reference.id, reference.key)
        seen = {(self._heads.class_of(record)[0].eid, self._heads.keys_of(key)[0])}
        while True:
            found = self._heads.fetch(reference.id)
            number = self._heads.key_numbers.get(reference.key)
            if found is None or not self._is_declared(reference.key) or not self._was_made(found):
                return Source(Lead.BROKEN, *first, *first, None)
            stands = self._heads.class_of(found)[0]
            if self._is_gone(stands):
                return Source(Lead.DELETED, *first, *first, None)
            end = (bytes(stands.uuid), reference.key)
            if number is None and len(self._heads.mapped.members(reference.key)) > 1:
                number = self._heads.key_number(reference.key)
            if number is None:
                return Source(Lead.OK, *first, *end, None)
            slot = (stands.eid, self._heads.keys_of(number)[0])
            if slot in seen:
                return Source(Lead.CIRCULAR, *first, *first, None)
            seen.add(slot)
            value = self._own_value(stands, number)
            if type(value) is not FieldRef or not self.is_smart(reference.key):
                return Source(Lead.OK, *first, *end, value)
            reference = value

    def value(self, record: Record, key: int, reference: FieldRef) -> Value:
        """Returns what a field shows that holds this reference; nothing where it leads nowhere."""
        return self.follow(record, key, reference).value if self.is_smart(self._heads.key_texts[key]) else reference

    def _is_declared(self, text: str) -> bool:
        return text in self._model.columns_of

    def _was_made(self, record: Record) -> bool:
        """Tells whether a subject was ever created as a record, or as a relation, by it or one it was merged with."""
        numbers = [self._heads.key_numbers.get(key) for key in (EXISTS, RELATION)]
        return any(
            number is not None and self._heads.heads(one, number)
            for one in self._heads.class_of(record)
            for number in numbers
        )

    def _is_gone(self, record: Record) -> bool:
        relation = self._heads.key_numbers.get(RELATION)
        if relation is not None and self._heads.heads(record, relation):
            row = self._db.one("SELECT live FROM edge WHERE eid = ?", (record.eid,))
            return row is None or not row[0]
        return record.alive == Life.GONE

    # -- who takes from whom

    def note(self, record: Record, key: int, values: Iterable[Value]) -> None:
        """Brings the list up to what a slot's heads hold, and notes that the slot changed."""
        wanted = {
            (self._heads.need(value.id).eid, self._heads.key_number(value.key))
            for value in values
            if type(value) is FieldRef
        }
        if self.is_used:
            known = set(self._db.rows("SELECT source, field FROM taken WHERE eid = ? AND key = ?", (record.eid, key)))
            gone = [(record.eid, key, *one) for one in known - wanted]
            if gone:
                self._db.executemany("DELETE FROM taken WHERE eid = ? AND key = ? AND source = ? AND field = ?", gone)
            self._moved.add((record.eid, key))
            wanted -= known
        if wanted:
            self._is_used = True
            self._db.executemany("INSERT INTO taken VALUES(?, ?, ?, ?)", [(record.eid, key, *one) for one in wanted])
            self._moved.add((record.eid, key))

    def note_life(self, record: Record) -> None:
        """Notes that a record or relation came or went."""
        if self.is_used:
            self._moved.add((record.eid, None))

    def note_all(self) -> None:
        """Notes that which fields or records are one, or which there are, has changed."""
        self._is_all = True

    def moved(self) -> Iterator[tuple[Record, int]]:
        """Yields each record and field that takes from what moved in this batch, through others too; forgets them.

        The record is the one that stands for its class.
        """
        moved, is_all = self._moved, self._is_all
        self._moved, self._is_all = set(), False
        if not (moved or is_all) or not self.is_used:
            return
        self._heads.flush()
        everyone = "SELECT DISTINCT eid, key FROM taken ORDER BY 1, 2"
        rows = self._db.rows(everyone) if is_all else self._takers(moved)
        done: set[tuple[int, int]] = set()
        for eid, key in rows:
            for record in self._heads.load_eids((eid,)):
                stands = self._heads.class_of(record)[0]
                slot = (stands.eid, self._heads.keys_of(key)[0])
                if slot not in done:
                    done.add(slot)
                    yield stands, key

    def _takers(self, moved: set[tuple[int, int | None]]) -> list[tuple[int, int]]:
        found: dict[tuple[int, int], None] = {}
        todo = sorted(moved, key=lambda one: (one[0], one[1] or 0))
        while todo:
            eid, key = todo.pop()
            for source in self._class_of(eid):
                for row in self._db.rows("SELECT eid, key, field FROM taken WHERE source = ?", (source,)):
                    if key is not None and row[2] not in self._heads.keys_of(key):
                        continue
                    slot = (row[0], row[1])
                    if slot not in found:
                        found[slot] = None
                        todo.append(slot)
        return list(found)

    def _class_of(self, eid: int) -> list[int]:
        if not self._heads.same:
            return [eid]
        return [one.eid for record in self._heads.load_eids((eid,)) for one in self._heads.class_of(record)]

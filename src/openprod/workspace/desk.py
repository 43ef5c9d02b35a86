"""The desk: one open workspace, its parts, its lock, and the one way in which an edit becomes history.

Orders store, merge and identity; the clock and chance are handed in. Shapes and sentences for people are made elsewhere
(`shapes`, `wording`, `reading`), intents become ops in `write`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from openprod.catalog.check import parse
from openprod.catalog.names import quote
from openprod.catalog.tables import Catalog, Field, Table
from openprod.identity.seal import chunk_ref, opening, seal
from openprod.merge.heads import Life
from openprod.merge.lists import Element
from openprod.merge.relations import DIGITS, RUN_CHARACTERS
from openprod.model.bundle import (
    ADMISSION_KNOWN,
    FORMAT_VERSION,
    LABEL_BYTES_MAX,
    SEQ_MAX,
    Admission,
    Bundle,
    Cause,
    Header,
    ModuleVersion,
    Opening,
    Sealed,
    Seen,
    chunks_match,
    decode_header,
    encode_header,
    open_bundle,
)
from openprod.model.errors import Missing, OpenprodError, Refused
from openprod.model.hlc import Hlc, effective, hlc
from openprod.model.ids import (
    SIGNATURE_BYTES,
    BundleId,
    EntityId,
    LogId,
    WorkspaceId,
    entity_ids,
    id_from_text,
    id_text,
    is_hex,
)
from openprod.model.ids import bundle_id as bundle_hash
from openprod.model.natural import natural_key
from openprod.model.ops import Chunk, Ends, Rows, encode_chunk, width
from openprod.model.slots import EXISTS, POSITION, RELATION
from openprod.model.values import FieldRef, Plain, Value, sort_key, value_key
from openprod.store.blobs import Blobs
from openprod.store.database import UNNAMED, Database, without_collector
from openprod.store.heads import Heads, Record
from openprod.store.home import Home, LogKey
from openprod.store.log import ORDINAL_BITS, ORDINAL_MASK, SEQ_BITS, Branch, Log, OpAt, Together
from openprod.store.pending import PendingShelf
from openprod.store.read_model import ReadModel
from openprod.store.texts import TextShelf
from openprod.store.words import INDEX_NAME, WordIndex
from openprod.workspace import local, together, wording
from openprod.workspace.apply import Applier
from openprod.workspace.building import Linked, Place, Sight
from openprod.workspace.catalogs import CatalogLoader
from openprod.workspace.drafts import Bulk, Draft
from openprod.workspace.ingest import Ingest
from openprod.workspace.list_edit import NotAList
from openprod.workspace.meaning import Changes, Meaning
from openprod.workspace.moments import Moments
from openprod.workspace.smart import Source
from openprod.workspace.text_edit import NotAText, Typist
from openprod.workspace.texts import Texts
from openprod.workspace.write import Edit

log = logging.getLogger(__name__)

DATABASE_NAME = "workspace.db"
BLOBS_FOLDER = "blobs"
_WITHOUT_A_FILE = (":memory:", UNNAMED)
UUID_TEXT = 36
CANDIDATES_SHOWN = 5
# How many entries of a list are looked at around a place.
_NEAR = 8


class UnknownRecord(Missing):
    """No record goes by that id, prefix or key."""

    code = "record.unknown"


class AmbiguousRecord(Refused):
    """A prefix or key means several records."""

    code = "record.ambiguous"

    def __init__(self, reference: str, candidates: Sequence[str], more: int) -> None:
        self.candidates = tuple(candidates)
        rest = f" and {more} more" if more else ""
        super().__init__(f"'{reference}' could be {', '.join(candidates)}{rest}. Give more of the id or of the key.")


class UnknownOp(Missing):
    """No change goes by that id."""

    code = "op.unknown"


class WorkspaceClosed(Refused):
    """A workspace was used after it had been closed."""

    code = "workspace.closed"

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} was closed here. Open it again to go on.")


class Desk:
    """One open workspace. Safe from any thread: `lock` is held for every use of the database."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        home: Home,
        clock: Callable[[], int],
        chance: Callable[[int], bytes],
    ) -> None:
        self.folder = folder
        self.db = database
        self.home = home
        self.clock = clock
        self.chance = chance
        self.lock = threading.RLock()
        self.moments: Moments[Desk] = Moments()
        self.words = WordIndex(None if database.path in _WITHOUT_A_FILE else folder / INDEX_NAME)
        self.blobs = Blobs(folder / BLOBS_FOLDER, chance, durable=database.is_durable)
        self.id = WorkspaceId(self._meta("workspace"))
        self.log = Log(database, self.id)
        self.heads = Heads(database)
        self.model = ReadModel(database, lambda uuid: self.heads.need(self.standing(uuid)).eid)
        self.loader = CatalogLoader(database)
        self.texts = Texts(self.log, TextShelf(database))
        self.typist = self._new_typist()
        self.meaning = Meaning(database, self.log, self.heads, self.model, self.loader, self.texts)
        self.applier = Applier(database, self.log, self.heads, self.model, self.meaning, self.texts)
        self.pending = PendingShelf(database)
        self.ingest = Ingest(database, self.log, self.pending, self.applier, self.id)
        self.model.use(self.loader.load(), self.loader.venue_zone)
        self.listeners: list[Callable[[Changes], None]] = []
        # Another program committed and listeners here were not told yet.
        self.has_news = False
        self._is_closed = False
        self._key: LogKey | None = None
        self._has_looked_for_key = False
        self._given_up: set[bytes] = set()
        self.admission: Admission | None = None
        # What tables linked to each other add to a bundle before it is sealed.
        self.linked: Callable[[Desk, str, Cause, Place, Sequence[Chunk]], Linked] = _links_nothing
        self._run = _run_tag(chance(RUN_CHARACTERS))

    def _meta(self, key: str) -> bytes:
        row = self.db.one("SELECT value FROM meta WHERE key = ?", (key,))
        if row is None:
            raise Missing(f"{self.db.path} does not say which workspace it is. Run: openprod verify")
        return bytes(row[0])

    @property
    def catalog(self) -> Catalog:
        """The tables, fields and relations there are."""
        return self.model.catalog

    # -- following other programs

    def close(self) -> None:
        """Closes the file and forgets the keys; a second call does nothing."""
        with self.lock:
            self._is_closed = True
            self.moments.forget()
            self.db.close()
            self.words.close()
            self.home.close()

    def close_copy(self) -> None:
        """Gives back the memory of a copy; the keys are another desk's."""
        with self.lock:
            self.db.close()
            self.words.close()

    def check_open(self) -> None:
        """Raises WorkspaceClosed after `close`."""
        if self._is_closed:
            raise WorkspaceClosed(self.folder)

    def follow(self) -> bool:
        """Catches up with what another program committed to the same file; tells whether there was anything."""
        self.check_open()
        if not self.db.changed_elsewhere():
            return False
        self.has_news = True
        # It may have seen our log split, or have opened another.
        self._has_looked_for_key = False
        self.forget()
        return True

    def forget(self) -> None:
        """Drops every cache: after somebody else's commit, or a transaction of ours that came to nothing."""
        self.log.refresh()
        self.texts.forget()
        self.heads.refresh()
        self.applier.begin()
        self.applier.read_hash()
        catalog = self.loader.load()
        if catalog is not self.model.catalog or self.loader.venue_zone != self.model.zone:
            self.model.use(catalog, self.loader.venue_zone)

    def _open_snapshot(self) -> AbstractContextManager[None]:
        self.check_open()
        return self.db.snapshot()

    @contextmanager
    def looking(self) -> Generator[None]:
        """Holds the lock and one state of the database, and catches up with it."""
        with self.lock, self._open_snapshot():
            # Behind the snapshot, not before it: what another program commits in between would be read with old caches.
            self.follow()
            yield

    @contextmanager
    def reading(self) -> Generator[None]:
        """As `looking`, with nothing kept from before: for whoever reads many records."""
        with self.looking():
            self.heads.begin()
            yield

    @contextmanager
    def writing(self) -> Generator[None]:
        """Holds the lock and a transaction; on any error nothing is written and caches are read anew."""
        with self.lock:
            self.check_open()
            try:
                with self.db.transaction(), without_collector():
                    self.follow()
                    self.applier.begin()
                    self.meaning.changes = Changes()
                    yield
                self.heads.go_on()
            except BaseException:
                # The numbers of what came to nothing are given out again, to other bundles.
                self.log.forget_all_bytes()
                self.applier.forget_factors()
                self.forget()
                raise

    def tell(self, changes: Changes) -> None:
        """Lets listeners know, after the commit; one that fails is written down and stops neither commit nor others."""
        for listener in list(self.listeners):
            try:
                listener(changes)
            except Exception:
                log.exception("a listener failed")

    # -- who writes here

    @property
    def run(self) -> str:
        """The tag of what this copy inserts into ordered lists: its log's, so that a restart goes on with a run."""
        key = self.own_key()
        return self._run if key is None else _run_tag(key.log[:RUN_CHARACTERS])

    def own_key(self) -> LogKey | None:
        """Returns the key of the log this copy may continue, None where it has to open a new one."""
        if not self._has_looked_for_key:
            self._has_looked_for_key = True
            self._key = self._usable(self.home.log_key(self.id, self.folder / DATABASE_NAME))
        return self._key

    def _usable(self, key: LogKey | None) -> LogKey | None:
        """Returns a key whose log may go on, else None.

        A mark ahead of the database (a restored backup), a fork, a closing or the end of its numbers ends a log for us.
        """
        if key is None or key.log in self._given_up:
            return None
        arms = self.log.branches_of(key.log)
        if not arms:
            return key if key.seq == 0 else None
        arm = arms[0]
        if len(arms) > 1 or arm.closed or key.seq > arm.seq or arm.seq >= SEQ_MAX:
            return None
        if key.seq and self.log.id_of(arm.no << SEQ_BITS | key.seq) != key.tip:
            return None
        return key

    def fix_mark(self) -> None:
        """Puts how far our log goes on the disk, outside the workspace, before anything of it is handed out."""
        key = self.own_key() if self.db.is_durable else None
        arms = self.log.branches_of(key.log) if key is not None else []
        if key is not None and arms and arms[0].seq:
            self.home.mark(LogId(key.log), arms[0].seq, arms[0].tip, fsync=True)

    def give_up_log(self) -> None:
        """Ends the use of our log: somebody else was seen writing to it; the next edit opens a new one."""
        if self._key is not None:
            self._given_up.add(self._key.log)
        self._key = None
        self._has_looked_for_key = True

    def open_log(self) -> LogKey:
        """Returns the key to write with, making a new log's if need be."""
        key = self.own_key()
        if key is None:
            key = self.home.save_log_key(self.id, self.folder / DATABASE_NAME, self.chance(32))
            self._key = key
        return key

    # -- ids and addresses

    def new_ids(self, count: int) -> list[EntityId]:
        """Returns new record ids, ascending."""
        return entity_ids(max(self.clock(), 0), self.chance(10 * count))

    def address_of(self, oid: int) -> tuple[bytes, int]:
        """Returns an op as (bundle id, ordinal)."""
        return self.log.id_of(oid >> ORDINAL_BITS), oid & ORDINAL_MASK

    def oid_at(self, address: tuple[bytes, int]) -> int:
        """Returns the local number of an op given as (bundle id, ordinal); raises UnknownOp."""
        bundle, ordinal = address
        number = self.log.number_of(bundle)
        if number is None:
            raise UnknownOp(f"There is no change {bundle.hex()[:12]}:{ordinal} here.")
        return number << ORDINAL_BITS | ordinal

    is_staging = False
    """Whether writes here are staged instead of sealed."""

    def is_staged(self, oid: int) -> bool:
        """Tells whether an op is staged and not yet part of the workspace."""
        del oid
        return False

    def value_below(self, record: Record, key: str) -> Plain:
        """Returns what everybody has in a field that is staged here."""
        del record, key
        return None

    def op_text(self, oid: int) -> str:
        """Returns an op id for people."""
        bundle, ordinal = self.address_of(oid)
        return f"{bundle.hex()[:12]}:{ordinal}"

    def oid_of(self, text: str) -> int:
        """Returns the local number of an op id; raises UnknownOp."""
        bundle, _, ordinal = text.partition(":")
        if not is_hex(bundle) or not ordinal.isdigit() or not 6 <= len(bundle) <= 64:
            raise UnknownOp(
                f"'{text}' is no change's id. They look like 3f2a90c1d4e5:7; 'openprod history RECORD' shows them."
            )
        low = bytes.fromhex((bundle + "0" * 64)[:64])
        high = bytes.fromhex((bundle + "f" * 64)[:64])
        rows = self.db.rows("SELECT no FROM bundle WHERE id BETWEEN ? AND ? LIMIT 2", (low, high))
        if len(rows) != 1 or not self.log.has_op(rows[0][0], int(ordinal)):
            raise UnknownOp(f"There is no change {text} here.")
        return rows[0][0] << ORDINAL_BITS | int(ordinal)

    def op_at(self, oid: int) -> OpAt:
        """Returns an op by its local number."""
        return self.log.op_at(oid)

    def says(self, oids: Sequence[int]) -> dict[int, Value]:
        """Returns what each of a field's heads says, seen beside the others."""
        return together.says(self.log, self.texts, oids)

    def _new_typist(self) -> Typist:
        return Typist(self.log, self.texts, self.chance, self.writing_log)

    def writing_log(self) -> bytes:
        """Returns the id of the log that the next bundle stands in."""
        return self.open_log().log

    def text_of(self, heads: Sequence[int], field: Field) -> str:
        """Returns the letters that a field with these heads shows; raises NotAText where it shows something else."""
        said = self.says(heads)
        shown = self.typist.shown(heads, said)
        value = said[shown[0]] if shown else None
        if value is not None and not isinstance(value, str):
            raise NotAText(f"{field.title} ({field.key}) holds something else than text here. Set it outright first.")
        return value or ""

    def elements(self, heads: Sequence[int], field: Field) -> list[Element]:
        """Returns the elements of a list with these heads; raises NotAList where it has an open question."""
        ops = [self.op_at(oid) for oid in heads]
        if len({value_key(one) for one in self.says(heads).values()}) > 1:
            raise NotAList(
                f"{field.title} ({field.key}) has an open question. Decide it first, then change the list: openprod"
                " conflicts"
            )
        return together.elements_of(self.log, ops)

    def value_at(self, oid: int) -> Value:
        """Returns what a write to a field said when it was made; a text's, all of it as it stood then."""
        value, _ = self.log.value_at(oid)
        return self.says((oid,))[oid] if isinstance(value, Together) else value

    # -- what is there

    def place(self) -> Place:
        """Returns how far history has come."""
        with self.lock:
            self.follow()
            seqs = {no: arm.seq for no, arm in self.log.branches.items()}
            return Place(self.log.next_place, seqs, self.heads.mapped, self.heads.same)

    def record_of(self, uuid: bytes) -> Record | None:
        """Returns the heads of whatever stands for a subject, None where nothing was ever written to it."""
        found = self.heads.fetch(uuid)
        return found if found is None else self.heads.class_of(found)[0]

    def standing(self, uuid: bytes) -> bytes:
        """Returns the id that stands for a record: the smallest of those it was merged with."""
        return self.heads.same.of(uuid)

    def subjects_of(self, uuid: bytes) -> tuple[bytes, ...]:
        """Returns the ids of a merged record, the one that stands for all first."""
        return self.heads.same.members(uuid)

    def keys_of(self, key: str) -> tuple[str, ...]:
        """Returns the keys of a mapped field, the one that stands for all first."""
        return self.heads.mapped.members(key)

    def heads_now(self, uuid: bytes, key: str) -> tuple[int, ...]:
        """Returns the heads of a slot."""
        record = self.heads.fetch(uuid)
        number = self.heads.key_numbers.get(key)
        if number is None and len(self.keys_of(key)) > 1:
            number = self.heads.key_number(key)
        return () if record is None or number is None else self.heads.united(record, number)

    def stands_in(self, op: OpAt, uuid: bytes, key: str) -> bool:
        """Tells whether an op was written, or carried, to any slot of the class of a record's field."""
        return self._covers_any(op, self.subjects_of(uuid), self.keys_of(key))

    def _covers_any(self, op: OpAt, subjects: Sequence[bytes], keys: Sequence[str]) -> bool:
        if any(one in subjects for one in op.subjects) and any(one in keys for one in op.keys):
            return True
        records = [record for one in subjects if (record := self.heads.fetch(one)) is not None]
        numbers = [number for one in keys if (number := self.heads.key_numbers.get(one)) is not None]
        return any(self.heads.covers(op, record, number) for record in records for number in numbers)

    def heads_at(self, uuid: bytes, key: str, start: Place) -> tuple[int, ...]:
        """Returns the heads of a slot as they stood at a place: of what came later, what it had replaced.

        What the slot was the same as is what was so then: an editor shows the field as it was defined when it opened.
        """
        if start.next == self.log.next_place:
            return self.heads_now(uuid, key)
        subjects, keys = start.same.members(uuid), start.mapped.members(key)
        now = {
            oid
            for one in subjects
            if (record := self.heads.fetch(one)) is not None
            for other in keys
            if (number := self.heads.key_numbers.get(other)) is not None
            for oid in self.heads.heads(record, number)
        }
        found: set[int] = set()
        todo, met = sorted(now), set(now)
        while todo:
            oid = todo.pop()
            if self.log.row(oid >> ORDINAL_BITS).place < start.next:
                found.add(oid)
                continue
            behind = [one.oid for one in self._replaced_in(self.log.op_at(oid), subjects, keys) if one.oid not in met]
            met.update(behind)
            todo += behind
        # What two wrote over apart was gone already where only one of them is later than the place.
        todo, met = list(found) if len(found) > 1 else [], set[int]()
        while todo:
            later = self.log.op_at(todo.pop())
            behind = [one.oid for one in self._replaced_in(later, subjects, keys) if one.oid not in met]
            met.update(behind)
            todo += behind
        return tuple(sorted(found - met))

    def replaced_by(self, op: OpAt, uuid: bytes, key: str) -> list[OpAt]:
        """Returns the writes of a slot that a write names as replaced, seen through what is unread here."""
        return self._replaced_in(op, self.subjects_of(uuid), self.keys_of(key))

    def _replaced_in(self, op: OpAt, subjects: Sequence[bytes], keys: Sequence[str]) -> list[OpAt]:
        found: set[int] = set()
        for bundle, ordinal in op.over:
            target = self.log.number_of(bundle)
            if target is None:
                continue
            if target in self.log.unread:
                slots = {(one, text) for one in subjects for text in keys}
                found.update(self.applier.behind(target, ordinal, slots))
            else:
                found.add(target << ORDINAL_BITS | ordinal)
        ops = [self.log.op_at(one) for one in sorted(found) if self.log.has_op(one >> ORDINAL_BITS, one & ORDINAL_MASK)]
        return [one for one in ops if self._covers_any(one, subjects, keys)]

    def is_known(self, uuid: bytes) -> bool:
        """Tells whether anything was ever written to this id."""
        record = self.heads.fetch(uuid)
        return record is not None and bool(record.born or record.ver)

    def is_new_since(self, uuid: bytes, number: int) -> bool:
        """Tells whether a bundle made this record or relation, so that taking that back takes everything back."""
        record = self.heads.fetch(uuid)
        return record is not None and record.born >> ORDINAL_BITS == number

    def is_gone(self, uuid: bytes) -> bool:
        """Tells whether a record is deleted, with no question left."""
        record = self.record_of(uuid)
        return record is None or record.alive == Life.GONE

    def member_tables(self, uuid: bytes) -> list[str]:
        """Returns the full names of the tables a record is in, sorted; whether it is alive plays no part."""
        record = self.heads.fetch(uuid)
        if record is None:
            return []
        found: list[str] = []
        for key in self.heads.class_slots(record):
            table = self.heads.member_tables.get(key)
            if table is not None and any(
                self.heads.is_born_with(record, key, oid) or self.log.op_at(oid).is_live
                for oid in self.heads.united(record, key)
            ):
                found.append(table)
        return sorted(found)

    def entries_of(self, source: bytes, relation: str) -> list[tuple[bytes, str | None]]:
        """Returns the relations of a kind from a record with their positions, in order; those without one first."""
        record = self.record_of(source)
        if record is None or relation not in self.model.relations:
            return []
        name = quote(relation)
        # A quoted catalog name; equal positions come in the order of their ids, everywhere alike.
        sql = f'SELECT uuid, "~pos" FROM {name} CROSS JOIN entity ON eid = "~eid" WHERE "~src" = ? ORDER BY 2, 1'  # noqa: S608
        return [(uuid, position) for uuid, position in self.db.rows(sql, (record.eid,))]

    def beside(
        self, uuid: bytes, source: bytes, relation: str, anchor: bytes | None, *, is_before: bool
    ) -> tuple[str | None, str | None] | None:
        """Returns the positions between which an entry goes, without reading the whole list; None where that must be.

        Args:
            uuid: the entry, which may be in the list already.
            source: whose list.
            relation: which list.
            anchor: the entry to go behind or in front of; None for the end.
            is_before: in front of it.
        """
        record = self.record_of(source)
        if record is None or relation not in self.model.relations:
            return None
        # A quoted catalog name.
        lead = f'SELECT uuid, "~pos" FROM {quote(relation)} CROSS JOIN entity ON eid = "~eid" WHERE "~src" = ?'  # noqa: S608
        if anchor is None:
            rows = self.db.rows(f'{lead} ORDER BY "~pos" DESC LIMIT ?', (record.eid, _NEAR))
            last = max((row[1] for row in rows if row[0] != uuid and row[1] is not None), default=None)
            return (last, None) if last is not None else None
        at = self.record_of(anchor)
        number = self.heads.key_numbers.get(POSITION)
        place = self.meaning.value_of(at, number) if at is not None and number is not None else None
        if not isinstance(place, str) or anchor == uuid:
            return None
        behind = self.db.rows(f'{lead} AND "~pos" >= ? ORDER BY "~pos" LIMIT ?', (record.eid, place, _NEAR))
        front = self.db.rows(f'{lead} AND "~pos" <= ? ORDER BY "~pos" DESC LIMIT ?', (record.eid, place, _NEAR))
        near = sorted({row for row in (*behind, *front) if row[0] != uuid and row[1] is not None}, key=_by_place)
        places = [row[0] for row in near]
        if anchor not in places or [row[1] for row in near].count(place) >= _NEAR - 1:
            return None
        index = places.index(anchor) + (0 if is_before else 1)
        is_edge = (index == 0 and len(front) == _NEAR) or (index == len(near) and len(behind) == _NEAR)
        if is_edge:
            return None
        low = near[index - 1][1] if index else None
        return low, near[index][1] if index < len(near) else None

    def relation_ends(self, uuid: bytes) -> Ends | None:
        """Returns what the relation of this id joins, also one that was ended; None if it is no relation's."""
        record = self.heads.fetch(uuid)
        if record is None or not is_relation(record, self.heads):
            return None
        row = self.db.one("SELECT type, src, dst FROM edge WHERE eid = ?", (record.eid,))
        if row is None:
            return None
        source, target = self.heads.uuid_of(row[1]), self.heads.uuid_of(row[2])
        return None if source is None or target is None else Ends(self.heads.key_texts[row[0]], source, target)

    def title(self, uuid: bytes) -> str:
        """Returns what a record is called.

        Its title in the first of its tables that is here, in the catalog's order.
        """
        record = self.record_of(uuid)
        tables = set(self.member_tables(uuid))
        for name in self.catalog.tables:
            if name in tables and record is not None:
                return self.title_in(record, name)
        ends = None if record is None else self.db.one("SELECT type, src, dst FROM edge WHERE eid = ?", (record.eid,))
        if ends is not None:
            relation = self.catalog.relations.get(self.heads.key_texts[ends[0]])
            sides = [self.heads.uuid_of(ends[1]), self.heads.uuid_of(ends[2])]
            names = [self.title(side) if side is not None else "?" for side in sides]
            return f"{names[0]} – {relation.title if relation else self.heads.key_texts[ends[0]]} – {names[1]}"
        return f"the record {id_text(uuid)[:13]}"

    def title_in(self, record: Record, table: str) -> str:
        """Returns a record's title in one table, also while it is deleted."""
        shelf = self.model.shelves[table]
        return self.model.title_of(shelf, self.meaning.shelf_values(record, shelf))

    # -- smart fields

    def reference_of(self, uuid: bytes, key: str) -> FieldRef | None:
        """Returns the reference that a field takes its value by, None where it is typed."""
        record, number = self.record_of(uuid), self.heads.key_numbers.get(key)
        if number is None and len(self.keys_of(key)) > 1:
            number = self.heads.key_number(key)
        if record is None or number is None or not self.meaning.sources.is_smart(key):
            return None
        value = self.meaning.own_value_of(record, number)
        return value if type(value) is FieldRef else None

    def source_of(self, uuid: bytes, key: str) -> Source | None:
        """Returns what a field is taken from, None where it is typed."""
        reference, record = self.reference_of(uuid, key), self.record_of(uuid)
        if reference is None or record is None:
            return None
        return self.meaning.sources.follow(record, self.heads.key_number(key), reference)

    def source_text(self, source: Source) -> str:
        """Returns where a field is taken from, in words, and why it cannot be read where that is so."""
        return self.taken_text(source.uuid, source.key) + wording.AWAY[source.lead.value]

    def taken_text(self, uuid: bytes, key: str) -> str:
        """Returns a reference to a field in words: taken from Jane Doe's phone."""
        field = self.catalog.find_field(key)
        title = self.title(uuid) if self.is_known(uuid) else "a record that is not here"
        return f"taken from {wording.possessive(title)} {wording.field_name(field.title) if field is not None else key}"

    # -- references people give

    def uuid_in(self, text: str, drafts: Mapping[bytes, Draft], bulk: Sequence[Bulk]) -> bytes:
        """Returns the record that an id, a unique prefix or TABLE:KEY means, the new ones of an edit among them.

        An id that was merged into another means the one that stands for it.
        """
        return self.standing(self._uuid_in(text, drafts, bulk))

    def _uuid_in(self, text: str, drafts: Mapping[bytes, Draft], bulk: Sequence[Bulk]) -> bytes:
        if len(text) == UUID_TEXT:
            try:
                uuid = id_from_text(text)
            except ValueError:
                return self.find(text)
            if uuid in drafts or any(uuid in one.places for one in bulk) or self.is_known(uuid):
                return uuid
        return self.find(text)

    def find(self, text: str) -> bytes:
        """Returns the record that an id, a unique prefix or TABLE:KEY means.

        Raises UnknownRecord or AmbiguousRecord.
        """
        table, colon, key = text.partition(":")
        if colon and "." in table:
            return self._find_by_key(text, self.catalog.table(table), key)
        digits = text.replace("-", "").lower()
        if not digits or not is_hex(digits) or len(digits) > 32:
            raise UnknownRecord(
                f"There is no record '{text}'. Give its id, the beginning of it, or TABLE:KEY such as lighting.cues:11."
            )
        low = bytes.fromhex((digits + "0" * 32)[:32])
        high = bytes.fromhex((digits + "f" * 32)[:32])
        rows = self.db.rows("SELECT uuid FROM entity WHERE uuid BETWEEN ? AND ? LIMIT 50", (low, high))
        return self._only(text, [row[0] for row in rows if self.is_known(row[0])])

    def _only(self, text: str, hits: Sequence[bytes]) -> bytes:
        found = list(dict.fromkeys(map(self.standing, hits)))
        if not found:
            raise UnknownRecord(f"There is no record '{text}' here.")
        if len(found) > 1:
            shown = [f"{self.title(uuid)} ({id_text(uuid)})" for uuid in found[:CANDIDATES_SHOWN]]
            raise AmbiguousRecord(text, shown, len(found) - len(shown))
        return found[0]

    def _find_by_key(self, text: str, table: Table, key: str) -> bytes:
        if not table.key:
            raise UnknownRecord(
                f"The records of {table.name} have no key of their own. Give the record's id instead of '{text}'."
            )
        parts = key.split("/")
        found: list[bytes] = []
        for lead in range(len(table.key) - len(parts) + 1):
            if all(table.fields[name].default is not None for name in table.key[:lead]):
                found += [uuid for uuid in self._with_key(table, parts, lead) if uuid not in found]
        return self._only(text, found)

    def _with_key(self, table: Table, parts: Sequence[str], lead: int) -> list[bytes]:
        """Returns the records whose key is: defaults for `lead` parts, then these parts, then nothing."""
        tests: list[str] = []
        bindings: list[object] = []
        for place, name in enumerate(table.key):
            field = table.fields[name]
            if place < lead:
                value: Value = field.default
            elif place < lead + len(parts):
                try:
                    value = parse(field, parts[place - lead])[0]
                except OpenprodError:
                    return []
            else:
                value = None
            column = self.model.shelves[table.name].by_key[field.key]
            if value is None:
                tests.append(f"{quote(column.name)} IS NULL")
            elif field.sort_column is not None:
                tests.append(f"{quote(field.sort_column)} = ?")
                bindings.append(sort_key(value) or natural_key(str(value)))
            else:
                tests.append(f"{quote(column.name)} = ?")
                bindings.append(column.convert(value))
        source = f'{quote(table.name)} CROSS JOIN entity ON eid = "~eid"'
        # Every name in it is quoted, every value bound.
        sql = f"SELECT entity.uuid FROM {source} WHERE {' AND '.join(tests)} ORDER BY entity.uuid LIMIT 50"  # noqa: S608
        return [row[0] for row in self.db.rows(sql, bindings)]

    # -- the write path

    def edit(self, label: str = "", cause: Cause | None = None) -> Edit:
        """Returns a new edit; see `write.Edit`."""
        return Edit(self, label, cause)

    def commit(self, label: str, cause: Cause, start: Place, build: Callable[[Sight], list[Chunk]]) -> str | None:
        """Seals and keeps what an edit built, as one bundle.

        Returns its id in hex, None where there was nothing to write.
        """
        with self.lock:
            with self.writing():
                chunks = build(Sight(self, start))
                if not chunks:
                    return None
                linked = self.linked(self, label, cause, start, chunks)
                causes = (cause, *linked.causes)
                shared, kept = local.part(self, [*chunks, *linked.chunks])
                written = self._write(label, causes, start, shared) if shared else None
                own = self._write_here(label, causes, kept) if kept else None
            if written is not None:
                self.home.mark(LogId(written[0].log), written[1].header.seq, written[1].id)
            changes = self.meaning.take_changes()
        self.tell(changes)
        bundle = written[1] if written is not None else own
        return None if bundle is None else bundle.id.hex()

    @contextmanager
    def trying(self, label: str, causes: tuple[Cause, ...], start: Place, chunks: list[Chunk]) -> Generator[None]:
        """Lets the tables show, inside, what these chunks would make of them; then all is as it was before.

        Within a transaction that its caller holds.
        """
        self.db.execute("SAVEPOINT trying")
        try:
            self._write(label, causes, start, chunks)
            yield
        finally:
            self.db.execute("ROLLBACK TO trying")
            self.db.execute("RELEASE trying")
            self.forget()
            self.meaning.changes = Changes()

    def _write(self, label: str, causes: tuple[Cause, ...], start: Place, chunks: list[Chunk]) -> tuple[LogKey, Bundle]:
        key = self.open_log()
        arms = self.log.branches_of(key.log)
        arm = arms[0] if arms else self.log.new_branch(key.log, None, 0, self.home.need_identity().actor)
        admission = self.admission or Admission(ADMISSION_KNOWN)
        seed = self.home.need_identity().seed if arm.seq == 0 else None
        first = opening(seed, self.id, LogId(key.log), admission) if seed is not None else None
        header, raw = self._header(LogId(key.log), arm, label, causes, start, chunks, first)
        bundle_id, sealed = seal(header, raw, key.seed, self.id)
        bundle = Bundle(bundle_id, header, sealed, tuple(chunks))
        eff = effective(Hlc(header.claimed), self.log.past_eff(header))
        self.applier.append_and_take(arm, bundle, eff, self.clock_ms(header))
        self.applier.settle()
        return key, bundle

    def _write_here(self, label: str, causes: tuple[Cause, ...], chunks: list[Chunk]) -> Bundle:
        """Keeps a bundle of what stays on this device, which nobody has to vouch for."""
        log_id, actor = LogId(self.log.local), self.home.need_identity().actor
        arms = self.log.branches_of(log_id)
        arm = arms[0] if arms else self.log.new_branch(log_id, None, 0, actor)
        nobody = Opening(actor, Admission(ADMISSION_KNOWN), bytes(SIGNATURE_BYTES))
        header, raw = self._header(log_id, arm, label, causes, None, chunks, nobody)
        sealed = Sealed(encode_header(header), b"", raw)
        bundle = Bundle(BundleId(bundle_hash(self.id, sealed.header)), header, sealed, tuple(chunks))
        eff = effective(Hlc(header.claimed), self.log.past_eff(header))
        self.applier.append_and_take(arm, bundle, eff, self.clock_ms(header))
        self.applier.settle()
        return bundle

    def take_here(self, kept: Sequence[Sealed]) -> None:
        """Takes in what stays on this device, from a damaged file of it; what does not read is left out."""
        with self.lock, self.writing():
            for sealed in kept:
                bundle_id = BundleId(bundle_hash(self.id, sealed.header))
                bundle = open_bundle(bundle_id, decode_header(sealed.header), sealed)
                header = bundle.header
                arms = self.log.branches_of(header.log)
                arm = arms[0] if arms else self.log.new_branch(header.log, None, 0, self.home.need_identity().actor)
                follows = header.seq == arm.seq + 1 and header.prev == (arm.tip or None)
                if bundle.chunks is None or not follows or not chunks_match(header, sealed.chunks):
                    continue
                eff = effective(Hlc(header.claimed), self.log.past_eff(header))
                self.applier.append_and_take(arm, bundle, eff, self.clock_ms(header))
                self.applier.settle()

    def clock_ms(self, header: Header) -> int:
        """Returns a header's claimed wall time in milliseconds since 1970 UTC."""
        return int.from_bytes(header.claimed[:8], "big")

    def _header(
        self,
        log_id: LogId,
        arm: Branch,
        label: str,
        causes: tuple[Cause, ...],
        start: Place | None,
        chunks: list[Chunk],
        first: Opening | None,
    ) -> tuple[Header, tuple[bytes, ...]]:
        raw = tuple(map(encode_chunk, chunks))
        refs = tuple(
            chunk_ref(one, sum(map(width, chunk.ops)), len(chunk.ops)) for one, chunk in zip(raw, chunks, strict=True)
        )
        is_first = arm.seq == 0
        header = Header(
            version=FORMAT_VERSION,
            workspace=self.id,
            log=log_id,
            seq=arm.seq + 1,
            prev=None if is_first else arm.tip,
            claimed=hlc(max(self.clock(), 0)),
            seen=self._newly_seen(arm),
            view=self._view(arm, start) if start is not None else None,
            unread=tuple(sorted(self.log.unread.values())),
            causes=causes,
            modules=self._modules_of(chunks),
            label=label.encode()[:LABEL_BYTES_MAX].decode(errors="ignore"),
            epoch=0,
            chunks=refs,
            opening=first if is_first else None,
        )
        return header, raw

    def _newly_seen(self, arm: Branch) -> tuple[Seen, ...]:
        vector = self.log.vector(arm.no)
        found = [
            Seen(other.id, other.seq, other.tip)
            for other in (self.log.branches.values() if self._sees_local(arm) else self.log.shared_branches())
            if other.no != arm.no and other.seq > max(vector.get(other.no, 0), other.fork_seq)
        ]
        return tuple(sorted(found))

    def _sees_local(self, arm: Branch) -> bool:
        """Tells whether a log may name what stays on this device: it does itself."""
        return arm.id == self.log.local

    def _view(self, arm: Branch, start: Place) -> tuple[Seen, ...] | None:
        """Returns where the editor's screen lagged behind what is applied, None where it did not."""
        if start.next == self.log.next_place:
            return None
        moved = {one.id for one in self.log.shared_branches() if one.seq > max(start.seqs.get(one.no, 0), one.fork_seq)}
        if not arm.seq:
            moved.discard(arm.id)
        found: list[Seen] = []
        for log in moved:
            # A log that is listed is known as far as its entries reach: every arm that was there has one.
            tips = {one.no: start.seqs.get(one.no, 0) for one in self.log.branches_of(log)}
            shown = [
                Seen(log, seq, self.log.id_of(no << SEQ_BITS | seq))
                for no, seq in tips.items()
                if seq > self.log.branches[no].fork_seq
            ]
            found += shown or [Seen(log, 0, b"")]
        return tuple(sorted(found)) or None

    def _modules_of(self, chunks: Sequence[Chunk]) -> tuple[ModuleVersion, ...]:
        names: set[str] = set()
        for chunk in chunks:
            names.update(key.partition(".")[0] for key in chunk.keys if not key.startswith("@"))
            names.update(op.payload.table.partition(".")[0] for op in chunk.ops if isinstance(op, Rows))
        versions = self.loader.versions
        return tuple(versions[name] for name in sorted(names) if name in versions)


def _by_place(row: tuple[bytes, str]) -> tuple[str, bytes]:
    return row[1], row[0]


def _run_tag(chance: bytes) -> str:
    """Returns the tag of what one copy inserts into ordered lists, from a byte a character."""
    return "".join(DIGITS[byte % len(DIGITS)] for byte in chance)


def is_relation(record: Record, heads: Heads) -> bool:
    """Tells whether a subject is a relation."""
    key = heads.key_numbers.get(RELATION)
    return key is not None and bool(heads.heads(record, key))


def is_record(record: Record, heads: Heads) -> bool:
    """Tells whether a subject was ever created as a record."""
    key = heads.key_numbers.get(EXISTS)
    return key is not None and bool(heads.heads(record, key))


def _links_nothing(desk: Desk, label: str, cause: Cause, place: Place, chunks: Sequence[Chunk]) -> Linked:
    del desk, label, cause, place, chunks
    return Linked()

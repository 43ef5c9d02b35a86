"""The log as stored: bundles as they were signed, under local integers, and what each author knew.

A bundle's local number is branch << 23 | seq; an op's is that << 20 | ordinal. A branch is a log, or one arm of a
forked log. Local numbers never leave the device and decide no order. Knows rows and bytes; must not know what ops
mean.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from openprod.model.bundle import (
    Bundle,
    Frontier,
    Header,
    Sealed,
    Seen,
    open_bundle,
    read_header,
)
from openprod.model.errors import Damaged
from openprod.model.hlc import ZERO, Hlc
from openprod.model.ids import BundleId, WorkspaceId, bundle_id, chunk_hash, derived_id
from openprod.model.ops import (
    IMPLIED_COLUMNS,
    Chunk,
    Decide,
    Exist,
    KnownOp,
    ListAdd,
    ListRemove,
    ListReset,
    Malformed,
    Member,
    Place,
    Relations,
    Rows,
    Set,
    Text,
    over_of,
    read_chunk,
    subject_ids,
    subject_indexes,
    width,
)
from openprod.model.slots import EXISTS, POSITION, RELATION, member_key
from openprod.model.values import Value
from openprod.store.blocks import RowBlock, read_block
from openprod.store.database import Database

SEQ_BITS = 23
ORDINAL_BITS = 20
CHUNK_BITS = 11
SEQ_MASK = (1 << SEQ_BITS) - 1
ORDINAL_MASK = (1 << ORDINAL_BITS) - 1
LOGS_MAX = 1 << 20

# Decoded chunks are kept by what they weigh: their cells, and something for each.
_CELLS_KEPT = 100_000
_CHUNK_CELLS_MIN = 32
_HEADERS_KEPT = 4_096
_ORDERS_KEPT = 20_000
_IDS_KEPT = 50_000
_FIRSTS_KEPT = 1_000
_BLOCKS_KEPT = 100


# In place of a chunk that is not kept.
_NOTHING: tuple[Chunk, Sequence[int], int] = (Chunk((), b"", b"", ()), (), 0)


class LogDamaged(Damaged):
    """A stored bundle's bytes are not the ones that were signed."""

    code = "log.damaged"


@dataclass(slots=True)
class Branch:
    """One arm of a log: its number, the log's id, where it left its parent arm, who writes, and its applied tip."""

    no: int
    id: bytes
    parent: int | None
    fork_seq: int
    actor: bytes
    seq: int
    tip: bytes
    eff: Hlc
    closed: bool


class Together:
    """In place of a value: what an op says only beside the others of its field, a text's or a list's."""


TOGETHER = Together()
TOGETHER_KINDS = (Text, ListAdd, ListRemove, ListReset)


class OpAt(NamedTuple):
    """An op, or a row block's cell, found by its local number.

    `is_live` is what an existence, membership or relation op says; None for values. `keys` and `subjects` say its
    slots.
    """

    oid: int
    value: Value
    is_live: bool | None
    is_decision: bool
    is_auto: bool
    over: tuple[tuple[bytes, int], ...]
    subjects: tuple[bytes, ...]
    keys: tuple[str, ...]
    op: KnownOp


class StoredBundle(NamedTuple):
    """A bundle's row."""

    no: int
    id: bytes
    place: int
    eff: bytes
    at: int
    unread: str | None


def branch_of(number: int) -> int:
    """Returns the branch of a bundle's local number."""
    return number >> SEQ_BITS


def seq_of(number: int) -> int:
    """Returns the place in its log of a bundle's local number."""
    return number & SEQ_MASK


class Log:
    """Reads and appends bundles. Its caches follow the database.

    `refresh` after somebody else's commit or a rollback.
    """

    def __init__(self, database: Database, workspace: WorkspaceId) -> None:
        self._db = database
        self._workspace = workspace
        # The log of what stays on this device: nobody has its key, so nobody else can write it.
        self.local = bytes(derived_id("local log", workspace.hex()) * 2)
        self.branches: dict[int, Branch] = {}
        self._by_log: dict[bytes, list[int]] = {}
        self._children: dict[int, list[int]] = {}
        self._vectors: dict[int, dict[int, int]] = {}
        self._ids: dict[int, bytes] = {}
        self._numbers: dict[bytes, int] = {}
        self._headers: OrderedDict[int, Header] = OrderedDict()
        self._chunks: OrderedDict[int, tuple[Chunk, Sequence[int], int]] = OrderedDict()
        self._cells_kept = 0
        self._blocks: OrderedDict[int, RowBlock | None] = OrderedDict()
        self._unsaved: dict[int, tuple[Chunk, Sequence[int], int]] = {}
        self._orders: dict[int, tuple[bytes, bytes]] = {}
        self._firsts: dict[int, list[int]] = {}
        self.next_place = 1
        self.unread: dict[int, bytes] = {}
        self._bundle_rows: list[tuple[object, ...]] = []
        self._chunk_rows: list[tuple[object, ...]] = []
        self._seen_rows: list[tuple[int, int, int, int]] = []
        self._moved: set[int] = set()
        self._fresh: dict[int, tuple[Bundle, Hlc]] = {}
        self.refresh()

    # -- caches

    def refresh(self) -> None:
        """Reads the branches again and forgets everything else: a number may stand for another bundle now."""
        self.branches.clear()
        self._by_log.clear()
        self._children.clear()
        self._vectors.clear()
        self._numbers.clear()
        self._ids.clear()
        self._orders.clear()
        self._firsts.clear()
        self._headers.clear()
        self._chunks.clear()
        self._blocks.clear()
        self._cells_kept = 0
        rows = self._db.rows("SELECT no, id, parent, fork_seq, actor, seq, tip, eff, closed FROM log ORDER BY no")
        for no, log, parent, fork_seq, actor, seq, tip, eff, closed in rows:
            self._know_branch(Branch(no, log, parent, fork_seq, actor, seq, tip, Hlc(eff), bool(closed)))
        self.begin()
        row = self._db.one("SELECT max(place) FROM bundle")
        self.next_place = (row[0] if row and row[0] is not None else 0) + 1
        self.unread = dict(self._db.rows("SELECT no, id FROM bundle WHERE unread IS NOT NULL"))

    def _know_branch(self, branch: Branch) -> None:
        self.branches[branch.no] = branch
        self._by_log.setdefault(branch.id, []).append(branch.no)
        if branch.parent is not None:
            self._children.setdefault(branch.parent, []).append(branch.no)

    def is_local(self, number: int) -> bool:
        """Tells whether a bundle stays on this device."""
        return self.branches[branch_of(number)].id == self.local

    def shared_branches(self) -> list[Branch]:
        """Returns the arms of every log but that of what stays on this device."""
        return [arm for arm in self.branches.values() if arm.id != self.local]

    def branches_of(self, log: bytes) -> list[Branch]:
        """Returns the arms of a log that are here, the first one first."""
        return [self.branches[no] for no in self._by_log.get(log, ())]

    def actor_is_here(self, actor: bytes, but_log: bytes) -> bool:
        """Tells whether another admitted log of this person is here."""
        return any(branch.actor == actor and branch.id != but_log for branch in self.shared_branches())

    # -- numbers and ids

    def number_of(self, bundle: bytes) -> int | None:
        """Returns the local number of an applied bundle, None if it is not applied here."""
        found = self._numbers.get(bundle)
        if found is None:
            row = self._db.one("SELECT no FROM bundle WHERE id = ?", (bundle,))
            if row is None:
                return None
            found = int(row[0])
            self._remember(found, bundle)
        return found

    def number_many(self, bundles: Iterable[bytes]) -> set[bytes]:
        """Looks many ids up at once, so that `number_of` answers from memory; returns those that are applied here."""
        wanted = set(bundles)
        known = {one for one in wanted if one in self._numbers}
        for no, bundle in self._db.blobs("SELECT no, id FROM bundle WHERE id IN carray(?)", list(wanted - known)):
            self._remember(no, bundle)
            known.add(bundle)
        return known

    def id_of(self, number: int) -> bytes:
        """Returns the id of an applied bundle by its local number."""
        found = self._ids.get(number)
        if found is None:
            row = self._db.one("SELECT id FROM bundle WHERE no = ?", (number,))
            if row is None:
                raise LogDamaged(
                    f"The workspace names a bundle (number {number}) that its log does not hold. Run: openprod verify"
                )
            found = bytes(row[0])
            self._remember(number, found)
        return found

    def _remember(self, number: int, bundle: bytes) -> None:
        if len(self._ids) > _IDS_KEPT:
            self._ids.clear()
            self._numbers.clear()
        self._ids[number] = bundle
        self._numbers[bundle] = number

    def row(self, number: int) -> StoredBundle:
        """Returns a bundle's row."""
        row = self._db.one("SELECT no, id, place, eff, at, unread FROM bundle WHERE no = ?", (number,))
        if row is None:
            raise LogDamaged(
                f"The workspace names a bundle (number {number}) that its log does not hold. Run: openprod verify"
            )
        return StoredBundle(*row)

    def stored(self, numbers: Iterable[int]) -> list[StoredBundle]:
        """Returns the rows of many bundles, in no particular order."""
        sql = "SELECT no, id, place, eff, at, unread FROM bundle WHERE no IN carray(?)"
        return [StoredBundle(*row) for row in self._db.numbers(sql, numbers)]

    def order_of(self, oid: int) -> tuple[bytes, bytes, int]:
        """Returns an op's place in canonical order: (effective stamp, bundle id, ordinal)."""
        number = oid >> ORDINAL_BITS
        found = self._orders.get(number)
        if found is None:
            stored = self.row(number)
            found = self._keep_order(number, stored.eff, stored.id)
        return *found, oid & ORDINAL_MASK

    def _keep_order(self, number: int, eff: bytes, bundle: bytes) -> tuple[bytes, bytes]:
        if len(self._orders) > _ORDERS_KEPT:
            self._orders.clear()
        found = self._orders[number] = (eff, bundle)
        return found

    # -- who knew what

    def vector(self, branch: int) -> dict[int, int]:
        """Returns what a branch's tip had applied: other branch to seq. The caller may advance it."""
        found = self._vectors.get(branch)
        if found is None:
            arm = self.branches.get(branch)
            found = self.vector_at(branch << SEQ_BITS | arm.seq) if arm else {}
            self._vectors[branch] = found
        return found

    def vector_at(self, number: int) -> dict[int, int]:
        """Returns what the author of a bundle had applied when writing it: other branch to seq."""
        found: dict[int, int] = {}
        for branch, seq in self._line(number):
            for other, other_seq in self._db.rows(
                "SELECT other, max(other_seq) FROM seen WHERE log = ? AND seq <= ? GROUP BY other", (branch, seq)
            ):
                found[other] = max(found.get(other, 0), other_seq)
            for row_branch, other, row_seq, other_seq in self._seen_rows:
                if row_branch == branch and row_seq <= seq:
                    found[other] = max(found.get(other, 0), other_seq)
        return found

    def _line(self, number: int) -> Iterator[tuple[int, int]]:
        """Yields (branch, seq): a bundle's own arm up to it, then the arms it grew from up to where it left them."""
        branch: int | None = branch_of(number)
        seq = seq_of(number)
        while branch is not None:
            yield branch, seq
            arm = self.branches[branch]
            branch, seq = arm.parent, arm.fork_seq

    def is_past(self, number: int, before: int, vector: dict[int, int] | None = None) -> bool:
        """Tells whether bundle `before` is in the causal past of bundle `number`.

        Args:
            number: the later bundle.
            before: the earlier one.
            vector: `vector_at(number)` if the caller has it.
        """
        branch, seq = branch_of(before), seq_of(before)
        if branch == branch_of(number):
            return seq < seq_of(number)
        if vector is not None and vector.get(branch, 0) >= seq:
            return True
        if any(own == branch and seq <= own_seq for own, own_seq in self._line(number)):
            return True
        return self._covers(self.vector_at(number) if vector is None else vector, branch, seq)

    def _covers(self, vector: dict[int, int], branch: int, seq: int) -> bool:
        if vector.get(branch, 0) >= seq:
            return True
        return any(
            seq <= self.branches[child].fork_seq and self._covers_any(vector, child)
            for child in self._children.get(branch, ())
        )

    def _covers_any(self, vector: dict[int, int], branch: int) -> bool:
        return branch in vector or any(self._covers_any(vector, child) for child in self._children.get(branch, ()))

    def knows(self, number: int, other: int) -> bool:
        """Tells whether the author of bundle `number` knew bundle `other`: applied, read, and on screen."""
        if number == other:
            return True
        if not self.is_past(number, other):
            return False
        header = self.header(number)
        if header.unread and self.id_of(other) in header.unread:
            return False
        if header.view is None:
            return True
        other_log = self.branches[branch_of(other)].id
        tips = [entry for entry in header.view if entry.log == other_log]
        return not tips or any(self._within(entry, other) for entry in tips)

    def _within(self, entry: Seen, other: int) -> bool:
        tip = self.number_of(entry.tip) if entry.seq else None
        return tip is not None and any(
            branch == branch_of(other) and seq_of(other) <= seq for branch, seq in self._line(tip)
        )

    # -- bytes

    def header(self, number: int) -> Header:
        """Returns a bundle's decoded header; raises LogDamaged where its bytes do not decode."""
        found = self._headers.get(number)
        if found is None and number in self._fresh:
            found = self._fresh[number][0].header
        if found is None:
            row = self._db.one("SELECT header FROM bundle WHERE no = ?", (number,))
            if row is None:
                raise LogDamaged(
                    f"The workspace names a bundle (number {number}) that its log does not hold. Run: openprod verify"
                )
            found = self._read_header(number, self.id_of(number), row[0])
        return found

    def _read_header(self, number: int, bundle: bytes, raw: bytes) -> Header:
        if type(raw) is not bytes or bundle_id(self._workspace, raw) != bundle:
            raise LogDamaged(
                f"A stored bundle ({seq_of(number)} of its log) is damaged on this disk. Run: openprod verify"
            )
        try:
            found = read_header(raw)
        except Malformed as error:
            raise LogDamaged(
                f"A stored bundle (number {number}) does not decode: {error}. Run: openprod verify"
            ) from error
        self.keep_header(number, found)
        return found

    @property
    def workspace(self) -> WorkspaceId:
        """The workspace whose log this is."""
        return self._workspace

    def look(self, number: int) -> tuple[bytes, bytes] | None:
        """Returns a bundle's id and header as they stand, unchecked; None where there are none, or no bytes."""
        row = self._db.one("SELECT id, header FROM bundle WHERE no = ?", (number,))
        return None if row is None or type(row[0]) is not bytes or type(row[1]) is not bytes else (row[0], row[1])

    def forget_all_bytes(self) -> None:
        """Forgets everything that was decoded, after a rollback: its numbers may come to mean other bundles."""
        self._headers.clear()
        self._chunks.clear()
        self._blocks.clear()
        self._cells_kept = 0
        self._orders.clear()
        self._firsts.clear()

    def forget_bytes(self, number: int) -> None:
        """Forgets what was decoded of a bundle whose stored bytes are replaced."""
        self._headers.pop(number, None)
        self._firsts.pop(number, None)
        for key in [key for key in self._chunks if key >> CHUNK_BITS == number]:
            self._cells_kept -= self._chunks.pop(key)[2]
        for key in [key for key in self._blocks if key >> CHUNK_BITS == number]:
            del self._blocks[key]

    def keep_header(self, number: int, header: Header) -> None:
        """Keeps a decoded header at hand."""
        self._headers[number] = header
        if len(self._headers) > _HEADERS_KEPT:
            self._headers.popitem(last=False)

    def chunk(self, number: int, index: int) -> tuple[Chunk, Sequence[int]]:
        """Returns a bundle's decoded chunk and the first ordinal of each of its ops."""
        key = number << CHUNK_BITS | index
        found = self._unsaved.get(key)
        if found is None:
            found = self._chunks.get(key)
            if found is not None:
                self._chunks.move_to_end(key)
        if found is None:
            found = self._read_chunk(number, index, self._stored_chunk(key))
        return found[0], found[1]

    def _stored_chunk(self, key: int) -> bytes | None:
        row = self._db.one("SELECT raw FROM chunk WHERE no = ?", (key,))
        return row[0] if row is not None else None

    def warm(self, numbers: Iterable[int]) -> None:
        """Reads what the first chunk of many bundles says at once, so that `op_at` and `order_of` answer from memory.

        What is damaged is left for whoever asks for it.
        """
        missing = {
            number
            for number in numbers
            if number << CHUNK_BITS not in self._chunks and number << CHUNK_BITS not in self._unsaved
        }
        sql = (
            "SELECT bundle.no, id, eff, header, raw FROM bundle JOIN chunk ON chunk.no = bundle.no"
            f" << {CHUNK_BITS} WHERE bundle.no IN carray(?)"
        )
        for number, bundle, eff, header, raw in self._db.numbers(sql, sorted(missing)):
            self._keep_order(number, eff, bundle)
            with suppress(LogDamaged):
                if number not in self._headers:
                    self._read_header(number, bundle, header)
                self._read_chunk(number, 0, raw)

    def _read_chunk(self, number: int, index: int, raw: bytes | None) -> tuple[Chunk, Sequence[int], int]:
        header = self.header(number)
        raw = self._whole(number, index, header, raw)
        try:
            chunk = read_chunk(raw)
        except Malformed as error:
            raise LogDamaged(
                f"A stored bundle (number {number}) does not decode: {error}. Run: openprod verify"
            ) from error
        first = self._firsts_of(number, header)[index] if index else 0
        return self.keep_chunk(number, index, chunk, first)

    def _whole(self, number: int, index: int, header: Header, raw: bytes | None) -> bytes:
        """Returns a chunk's bytes if they are those that its header names; raises LogDamaged."""
        if raw is None:
            raise LogDamaged(f"A stored bundle (number {number}) lacks a part of its body. Run: openprod verify")
        if type(raw) is not bytes or chunk_hash(raw) != header.chunks[index].hash:
            raise LogDamaged(
                f"A stored bundle ({self.id_of(number).hex()[:12]}, number {seq_of(number)} of its log) is damaged on"
                " this disk. Run: openprod verify"
            )
        return raw

    def _block(self, number: int, index: int, header: Header) -> RowBlock | None:
        """Returns a chunk that is one row block, to read single rows from; None where it is anything else.

        None too where the chunk is decoded already.
        """
        ref, key = header.chunks[index], number << CHUNK_BITS | index
        if ref.ops != 1 or ref.width == 1 or key in self._chunks or key in self._unsaved:
            return None
        if key in self._blocks:
            self._blocks.move_to_end(key)
            return self._blocks[key]
        found = self._blocks[key] = read_block(self._whole(number, index, header, self._stored_chunk(key)))
        if len(self._blocks) > _BLOCKS_KEPT:
            self._blocks.popitem(last=False)
        return found

    def keep_chunk(self, number: int, index: int, chunk: Chunk, first: int) -> tuple[Chunk, Sequence[int], int]:
        """Keeps a decoded chunk at hand; `first` is its first ordinal.

        Returns it with the first ordinal of each op, and what it weighs.
        """
        cells = self.header(number).chunks[index].width
        starts: Sequence[int] = range(first, first + cells)
        if cells != len(chunk.ops):
            starts = list(accumulate(map(width, chunk.ops[:-1]), initial=first))
        found = (chunk, starts, max(cells, _CHUNK_CELLS_MIN))
        key = number << CHUNK_BITS | index
        self._cells_kept += found[2] - self._chunks.pop(key, _NOTHING)[2]
        self._chunks[key] = found
        while self._cells_kept > _CELLS_KEPT and len(self._chunks) > 1:
            self._cells_kept -= self._chunks.popitem(last=False)[1][2]
        return found

    def keep_unsaved(self, number: int, index: int, chunk: Chunk, first: int) -> None:
        """Keeps a chunk whose bytes `flush` has yet to write."""
        self._unsaved[number << CHUNK_BITS | index] = self.keep_chunk(number, index, chunk, first)

    def op_at(self, oid: int) -> OpAt:
        """Returns the op or cell with a local number; raises LogDamaged where the log does not hold it."""
        number, ordinal = oid >> ORDINAL_BITS, oid & ORDINAL_MASK
        header = self.header(number)
        chunk, starts = self.chunk(number, self._chunk_of(number, header, ordinal))
        at = bisect_right(starts, ordinal) - 1
        return describe(oid, chunk, chunk.ops[at], ordinal - starts[at], header)

    def _chunk_of(self, number: int, header: Header, ordinal: int) -> int:
        """Returns the index of the chunk that an ordinal stands in; raises LogDamaged where it stands in none."""
        chunks = header.chunks
        if len(chunks) == 1 and ordinal < chunks[0].width:
            return 0
        firsts = self._firsts_of(number, header)
        if ordinal >= firsts[-1]:
            raise LogDamaged(f"A write names change {ordinal} of a bundle that has fewer. Run: openprod verify")
        return bisect_right(firsts, ordinal) - 1

    def _firsts_of(self, number: int, header: Header) -> list[int]:
        """Returns the first ordinal of each chunk of a bundle, and how many it has in all."""
        found = self._firsts.get(number)
        if found is None:
            if len(self._firsts) > _FIRSTS_KEPT:
                self._firsts.clear()
            found = self._firsts[number] = list(accumulate((ref.width for ref in header.chunks), initial=0))
        return found

    def value_at(self, oid: int) -> tuple[Value | Together, bool]:
        """Returns what the op or cell with a local number wrote and whether it was a decision; raises like `op_at`."""
        number, ordinal = oid >> ORDINAL_BITS, oid & ORDINAL_MASK
        header = self.header(number)
        index = self._chunk_of(number, header, ordinal)
        block = self._block(number, index, header)
        if block is not None:
            return block.value(ordinal - (self._firsts_of(number, header)[index] if index else 0)), False
        chunk, starts = self.chunk(number, index)
        at = bisect_right(starts, ordinal) - 1
        op = chunk.ops[at]
        if type(op) is Set:
            return op.payload, False
        if type(op) is Rows:
            row, column = divmod(ordinal - starts[at], IMPLIED_COLUMNS + len(op.keys))
            return op.payload.rows[row][column - IMPLIED_COLUMNS] if column >= IMPLIED_COLUMNS else None, False
        if isinstance(op, TOGETHER_KINDS):
            return TOGETHER, False
        found = describe(oid, chunk, op, ordinal - starts[at], header)
        return found.value, found.is_decision

    def has_op(self, number: int, ordinal: int) -> bool:
        """Tells whether an applied bundle has an op of that ordinal."""
        return 0 <= ordinal < self._firsts_of(number, self.header(number))[-1]

    def sealed(self, number: int) -> Sealed:
        """Returns a bundle's bytes as they were signed."""
        row = self._db.one("SELECT header, signature FROM bundle WHERE no = ?", (number,))
        if row is None:
            raise LogDamaged(
                f"The workspace names a bundle (number {number}) that its log does not hold. Run: openprod verify"
            )
        chunks = self._db.rows(
            "SELECT raw FROM chunk WHERE no >= ? AND no < ? ORDER BY no",
            (number << CHUNK_BITS, (number + 1) << CHUNK_BITS),
        )
        return Sealed(row[0], row[1], tuple(chunk for (chunk,) in chunks))

    def bundle(self, number: int) -> Bundle:
        """Returns an applied bundle decoded, as at ingest."""
        if number in self._fresh:
            return self._fresh[number][0]
        sealed = self.sealed(number)
        return open_bundle(BundleId(self.id_of(number)), self.header(number), sealed)

    def in_order(self, after_place: int = 0) -> Iterator[int]:
        """Yields the numbers of bundles in the order they were applied here, which is a causal one."""
        place = after_place
        while rows := self._db.rows("SELECT no, place FROM bundle WHERE place > ? ORDER BY place LIMIT 1000", (place,)):
            yield from (number for number, _ in rows)
            place = rows[-1][1]

    # -- tips

    def frontier(self) -> Frontier:
        """Returns the applied tip of every branch that another does not go on from at its very end."""
        return tuple(sorted(Seen(arm.id, arm.seq, arm.tip) for arm in self.shared_branches() if arm.seq))

    def past_eff(self, header: Header) -> Hlc:
        """Returns the greatest effective stamp among the tips a header names; ZERO if it names none."""
        best = ZERO
        ids = [entry.tip for entry in header.seen]
        if header.prev is not None:
            ids.append(header.prev)
        for one in ids:
            number = self.number_of(one)
            if number is None:
                continue
            arm = self.branches[branch_of(number)]
            eff = arm.eff if arm.seq == seq_of(number) else self._eff_of(number)
            best = max(best, eff)
        return best

    def _eff_of(self, number: int) -> Hlc:
        """Returns the stamp that orders a bundle, also of one whose row `flush` has yet to write."""
        fresh = self._fresh.get(number)
        return fresh[1] if fresh is not None else Hlc(self.row(number).eff)

    # -- writing

    def new_branch(self, log: bytes, parent: int | None, fork_seq: int, actor: bytes) -> Branch:
        """Makes room for a log, or for an arm of one."""
        no = max(self.branches, default=0) + 1
        if no >= LOGS_MAX:
            raise LogDamaged("The workspace has more logs than it can hold.")
        tip = b"" if parent is None else self.id_of(parent << SEQ_BITS | fork_seq)
        eff = ZERO if parent is None else self._eff_of(parent << SEQ_BITS | fork_seq)
        branch = Branch(no, log, parent, fork_seq, actor, fork_seq, tip, eff, closed=False)
        self._db.execute(
            "INSERT INTO log(no, id, parent, fork_seq, actor, seq, tip, eff) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            (no, log, parent, fork_seq, actor, fork_seq, tip, eff),
        )
        self._know_branch(branch)
        self._vectors[no] = {} if parent is None else self.vector_at(parent << SEQ_BITS | fork_seq)
        return branch

    def advance(self, branch: int, header: Header) -> list[tuple[int, int]]:
        """Moves a branch's vector on by what a header has newly seen; returns (other branch, seq) of what moved."""
        vector = self.vector(branch)
        moved: list[tuple[int, int]] = []
        for entry in header.seen:
            tip = self.number_of(entry.tip)
            if tip is not None and vector.get(branch_of(tip), 0) < seq_of(tip):
                vector[branch_of(tip)] = seq_of(tip)
                moved.append((branch_of(tip), seq_of(tip)))
        return moved

    def rewind(self) -> None:
        """Forgets what every author knew, so that a rebuild can follow history from its beginning with `advance`."""
        self._vectors = {
            arm.no: {} if arm.parent is None else self.vector_at(arm.parent << SEQ_BITS | arm.fork_seq)
            for arm in self.branches.values()
        }

    def append(self, branch: Branch, bundle: Bundle, eff: Hlc, at: int) -> int:
        """Advances a branch by a bundle in memory and returns its number; `flush` writes the rows of many at once."""
        number = branch.no << SEQ_BITS | bundle.header.seq
        branch.seq, branch.tip, branch.eff = bundle.header.seq, bundle.id, eff
        self._remember(number, bundle.id)
        self._keep_order(number, eff, bundle.id)
        self.keep_header(number, bundle.header)
        if bundle.header.seen:
            moved = self.advance(branch.no, bundle.header)
            self._seen_rows.extend((branch.no, other, bundle.header.seq, seq) for other, seq in moved)
        unread = bundle.unread_reason if bundle.chunks is None else None
        if unread is not None:
            self.unread[number] = bundle.id
        sealed = bundle.sealed
        self._bundle_rows.append((number, bundle.id, self.next_place, eff, at, unread, sealed.header, sealed.signature))
        self._chunk_rows.extend((number << CHUNK_BITS | index, raw) for index, raw in enumerate(sealed.chunks))
        self._moved.add(branch.no)
        self._fresh[number] = (bundle, eff)
        self.next_place += 1
        return number

    def judge(self, number: int, bundle: Bundle) -> None:
        """Notes anew whether a stored bundle has an effect in this version, which may have learned to read it since."""
        reason = bundle.unread_reason if bundle.chunks is None else None
        if (reason is None) == (number not in self.unread):
            return
        self._db.execute("UPDATE bundle SET unread = ? WHERE no = ?", (reason, number))
        if reason is None:
            del self.unread[number]
        else:
            self.unread[number] = bundle.id

    def begin(self) -> None:
        """Starts collecting appended rows."""
        self._bundle_rows, self._chunk_rows, self._seen_rows, self._moved = [], [], [], set()
        self._unsaved = {}
        self._fresh = {}

    def flush(self) -> None:
        """Writes the rows collected since `begin`."""
        many = self._db.executemany
        many("INSERT INTO bundle VALUES(?, ?, ?, ?, ?, ?, ?, ?)", self._bundle_rows)
        many("INSERT INTO chunk VALUES(?, ?)", self._chunk_rows)
        if self._seen_rows:
            many("INSERT INTO seen VALUES(?, ?, ?, ?)", self._seen_rows)
        arms = [self.branches[no] for no in self._moved]
        many(
            "UPDATE log SET seq = ?, tip = ?, eff = ? WHERE no = ?",
            [(arm.seq, arm.tip, arm.eff, arm.no) for arm in arms],
        )
        self.begin()


def describe(oid: int, chunk: Chunk, op: KnownOp, offset: int, header: Header) -> OpAt:
    """Returns an op, or the cell of a row block at an offset, with its slots and what it says."""
    auto = header.causes[op.cause].auto
    if isinstance(op, Rows | Relations):
        return _describe_cell(oid, chunk, op, offset, auto=auto)
    subjects = tuple(subject_ids(chunk, op))
    keys = tuple([chunk.keys[key] for key in op.keys])
    over = over_of(chunk, op)
    if isinstance(op, Set | Decide):
        return OpAt(oid, op.payload, None, isinstance(op, Decide) and not auto, auto, over, subjects, keys, op)
    if isinstance(op, Place | Text | ListAdd | ListRemove | ListReset):
        value = op.payload if isinstance(op, Place) else None
        return OpAt(oid, value, None, is_decision=False, is_auto=auto, over=over, subjects=subjects, keys=keys, op=op)
    is_live = op.payload if isinstance(op, Exist | Member) else op.payload is not None
    return OpAt(oid, None, is_live, is_decision=False, is_auto=auto, over=over, subjects=subjects, keys=keys, op=op)


def _describe_cell(oid: int, chunk: Chunk, op: Rows | Relations, offset: int, *, auto: bool) -> OpAt:
    row, column = divmod(offset, IMPLIED_COLUMNS + len(op.keys))
    subjects = op.subjects
    # One range is what writers make; several are allowed.
    at = subjects[0] + row if len(subjects) == 2 else list(subject_indexes(subjects))[row]
    who = (chunk.subjects[at * 16 : at * 16 + 16],)
    if column >= IMPLIED_COLUMNS:
        lead = 0 if isinstance(op, Rows) else 3
        value, is_live = op.payload.rows[row][lead + column - IMPLIED_COLUMNS], None
        key = chunk.keys[op.keys[column - IMPLIED_COLUMNS]]
    elif isinstance(op, Rows):
        value, is_live = None, True
        key = EXISTS if column == 0 else member_key(op.payload.table)
    else:
        value, is_live = (None, True) if column == 0 else (op.payload.rows[row][2], None)
        key = RELATION if column == 0 else POSITION
    return OpAt(oid, value, is_live, is_decision=False, is_auto=auto, over=(), subjects=who, keys=(key,), op=op)

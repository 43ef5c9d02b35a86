"""What the log's own tables say beside the signed bytes, worked out again from these: branches, order, stamps, vectors.

Knows rows and headers. Must not know what ops mean, nor who holds the file open.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openprod.model.bundle import Header, decode_header
from openprod.model.hlc import ZERO, Hlc, effective, wall_ms
from openprod.model.ids import WorkspaceId, bundle_id
from openprod.model.ops import Malformed
from openprod.store.database import Database
from openprod.store.log import LogDamaged, branch_of, seq_of

_AT_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored bundle's header under its local number, and the place it stands at now."""

    no: int
    id: bytes
    header: Header
    place: int

    def needs(self) -> list[bytes]:
        """Returns the ids of the bundles that come before it."""
        before = [entry.tip for entry in self.header.seen]
        return before if self.header.prev is None else [self.header.prev, *before]


def relink(database: Database, workspace: WorkspaceId) -> None:
    """Writes branches, places, stamps and vectors anew from the headers. Call inside a transaction.

    Raises LogDamaged where a header is not the one that was signed, or one is missing; then nothing may be kept.
    """
    kept = [_kept(row, workspace) for row in database.rows("SELECT no, id, header, place FROM bundle ORDER BY no")]
    numbers = {one.id: one.no for one in kept}
    parents = _parents(kept, numbers)
    effs = _in_order(database, kept, numbers)
    seen = _seen(kept, numbers, parents)
    database.execute("DELETE FROM log")
    database.executemany("INSERT INTO log VALUES(?, ?, ?, ?, ?, ?, ?, ?, 0)", _branches(kept, parents, effs))
    database.execute("DELETE FROM seen")
    database.executemany("INSERT INTO seen VALUES(?, ?, ?, ?)", seen)


def _kept(row: Sequence[object], workspace: WorkspaceId) -> Kept:
    no, kept_id, raw, place = row
    if not isinstance(no, int) or not isinstance(raw, bytes) or not isinstance(kept_id, bytes):
        raise _damaged(no)
    try:
        header = decode_header(raw)
    except Malformed as error:
        raise _damaged(no) from error
    if bundle_id(workspace, raw) != kept_id or header.seq != seq_of(no):
        raise _damaged(no)
    return Kept(no, kept_id, header, place if isinstance(place, int) else _AT_MAX)


def _damaged(no: object) -> LogDamaged:
    return LogDamaged(f"Bundle {no} of the log is damaged on this disk. Run: openprod verify")


def _parents(kept: Sequence[Kept], numbers: dict[bytes, int]) -> dict[int, int | None]:
    """Returns for each branch the number of the bundle that it grew from, None for the first arm of a log."""
    found: dict[int, int | None] = {}
    before: Kept | None = None
    for one in kept:
        branch = branch_of(one.no)
        is_first = before is None or branch_of(before.no) != branch
        previous = None if one.header.prev is None else numbers.get(one.header.prev)
        if is_first:
            found[branch] = previous
        if (one.header.prev is not None and previous is None) or (
            not is_first and before is not None and previous != before.no
        ):
            raise LogDamaged(
                f"The bundle before number {one.no} of the log is missing on this disk. Run: openprod verify"
            )
        before = one
    return found


def _in_order(database: Database, kept: Sequence[Kept], numbers: dict[bytes, int]) -> dict[int, Hlc]:
    """Gives every bundle its place in a causal order, the one it had as far as that is one, and its stamp."""
    open_needs: dict[int, int] = {}
    blocks: dict[int, list[Kept]] = {}
    ready: list[tuple[int, int, Kept]] = []
    for one in kept:
        needs = {numbers.get(need) for need in one.needs()}
        if None in needs:
            raise LogDamaged(f"A bundle that number {one.no} of the log had seen is missing. Run: openprod verify")
        open_needs[one.no] = len(needs)
        for need in needs:
            if need is not None:
                blocks.setdefault(need, []).append(one)
        if not needs:
            heapq.heappush(ready, (one.place, one.no, one))
    effs: dict[int, Hlc] = {}
    rows: list[tuple[object, ...]] = []
    while ready:
        one = heapq.heappop(ready)[2]
        past = max((effs[numbers[need]] for need in one.needs()), default=ZERO)
        claimed = Hlc(one.header.claimed)
        effs[one.no] = effective(claimed, past)
        rows.append((len(rows) + 1, effs[one.no], min(wall_ms(claimed), _AT_MAX), one.no))
        for other in blocks.get(one.no, ()):
            open_needs[other.no] -= 1
            if not open_needs[other.no]:
                heapq.heappush(ready, (other.place, other.no, other))
    if len(rows) != len(kept):
        raise LogDamaged("Bundles of the log wait for each other on this disk. Run: openprod verify")
    database.executemany("UPDATE bundle SET place = ?1, eff = ?2, at = ?3 WHERE no = ?4", rows)
    return effs


def _seen(
    kept: Iterable[Kept], numbers: dict[bytes, int], parents: dict[int, int | None]
) -> list[tuple[int, int, int, int]]:
    """Returns (branch, other branch, seq, other's seq) for each step in what an author knew."""
    moves: dict[int, list[tuple[int, int, int]]] = {branch: [] for branch in parents}
    vectors: dict[int, dict[int, int]] = {}
    # A branch stands after the one it grew from: its number was given later.
    for one in kept:
        branch = branch_of(one.no)
        if branch not in vectors:
            vectors[branch] = _vector_at(parents[branch], moves, parents)
        vector = vectors[branch]
        for entry in one.header.seen:
            tip = numbers[entry.tip]
            if vector.get(branch_of(tip), 0) < seq_of(tip):
                vector[branch_of(tip)] = seq_of(tip)
                moves[branch].append((branch_of(tip), one.header.seq, seq_of(tip)))
    return [(branch, *move) for branch, found in moves.items() for move in found]


def _vector_at(
    number: int | None, moves: dict[int, list[tuple[int, int, int]]], parents: dict[int, int | None]
) -> dict[int, int]:
    """Returns what the author of a bundle had applied: along its arm, then those it grew from."""
    found: dict[int, int] = {}
    while number is not None:
        for other, seq, other_seq in moves[branch_of(number)]:
            if seq <= seq_of(number):
                found[other] = max(found.get(other, 0), other_seq)
        number = parents[branch_of(number)]
    return found


def _branches(kept: Sequence[Kept], parents: dict[int, int | None], effs: dict[int, Hlc]) -> list[tuple[object, ...]]:
    firsts: dict[int, Kept] = {}
    lasts: dict[int, Kept] = {}
    for one in kept:
        firsts.setdefault(branch_of(one.no), one)
        lasts[branch_of(one.no)] = one
    rows: list[tuple[object, ...]] = []
    actors: dict[int, bytes] = {}
    for branch, parent in parents.items():
        opening = firsts[branch].header.opening
        actors[branch] = opening.actor if opening is not None else b"" if parent is None else actors[branch_of(parent)]
        last = lasts[branch]
        grown = (None, 0) if parent is None else (branch_of(parent), seq_of(parent))
        rows.append((branch, last.header.log, *grown, actors[branch], last.header.seq, last.id, effs[last.no]))
    return rows

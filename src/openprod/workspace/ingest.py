"""Taking bundles in: proofs, causal order, what waits and why. The second of the desk's two entrances.

Nothing authentic is refused: it applies, or it waits and is counted. Bytes that prove nothing are dropped and named in
the report. Knows history; leaves what ops mean to `apply`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from openprod.identity.seal import check_opening, proves
from openprod.model import bundle as bundles
from openprod.model.bundle import (
    Bundle,
    Header,
    Sealed,
    Seen,
    chunks_match,
    decode_header,
    open_bundle,
)
from openprod.model.hlc import Hlc, effective, wall_ms
from openprod.model.ids import BundleId, WorkspaceId, bundle_id
from openprod.model.ops import InviteOpen, InvitePayload, Malformed
from openprod.store.database import Database
from openprod.store.log import SEQ_BITS, Branch, Log, branch_of, seq_of
from openprod.store.pending import ADMISSION, HELD, WAITING, Pending, PendingShelf
from openprod.store.quarantine import Healer, Quarantine
from openprod.workspace.apply import Applier

log = logging.getLogger(__name__)

DRIFT_MS_MAX = 5 * 60 * 1000
LATE_MS = 7 * 24 * 3600 * 1000
BATCH_BUNDLES = 2_000
BATCH_BYTES = 8 << 20
# What is looked at before any of it applies, and how many bundles one transaction applies.
PORTION_BUNDLES = 4_000
PORTION_BYTES = 16 << 20
ROUND_BUNDLES = 20_000


@dataclass(slots=True)
class Report:
    """What came of taking bundles in.

    Attributes:
        applied: bundles that took effect now, waiting ones that others released among them.
        duplicates: bundles that were here already.
        healed: damaged copies here that were replaced by good ones.
        waiting, held, admission: kept without effect now, by reason.
        unread: applied for the order of history, but not understood by this version.
        rejected: a sentence for each bundle whose bytes were dropped.
        forked: ids of logs (hex) that were seen to split.
    """

    applied: int = 0
    duplicates: int = 0
    healed: int = 0
    waiting: int = 0
    held: int = 0
    admission: int = 0
    unread: int = 0
    rejected: list[str] = field(default_factory=list[str])
    forked: list[str] = field(default_factory=list[str])

    @property
    def is_news(self) -> bool:
        """Tells whether anything took effect."""
        return self.applied > 0 or self.healed > 0


def portions(sealed_bundles: Iterable[Sealed]) -> Iterator[tuple[list[Sealed], bool]]:
    """Yields bundles in portions that fit into memory, each with whether it is the last; one empty one for none."""
    portion: list[Sealed] = []
    size = 0
    for sealed in sealed_bundles:
        if len(portion) >= PORTION_BUNDLES or size > PORTION_BYTES:
            yield portion, False
            portion, size = [], 0
        portion.append(sealed)
        size += len(sealed.header) + sum(map(len, sealed.chunks))
    yield portion, True


class Candidate(NamedTuple):
    """A proven bundle that has yet to apply."""

    id: BundleId
    header: Header
    sealed: Sealed


class Ingest:
    """Takes bundles in within a transaction that its caller holds."""

    def __init__(
        self, database: Database, history: Log, pending: PendingShelf, applier: Applier, workspace: WorkspaceId
    ) -> None:
        self._db = database
        self._log = history
        self._pending = pending
        self.quarantine = Quarantine(database)
        self._applier = applier
        self._workspace = workspace
        self._is_first = False
        self._doubtful: list[Candidate] = []
        self._is_awake = False
        self._vouched: set[bytes] = set()
        self.has_more = False

    def begin(self) -> None:
        """Starts taking in: any number of rounds of `prove` and `apply`, each in a transaction of its own."""
        # To somebody who joins, what was done before is not late.
        self._is_first = not self._log.branches
        self._doubtful = []
        self._is_awake = False
        self.has_more = False

    def prove(self, sealed_bundles: Iterable[Sealed], report: Report, *, is_last: bool) -> list[Candidate]:
        """Returns the bundles that are authentic and not here yet; what is not is dropped and named in the report.

        A good signature vouches for all that its bundle reaches back to by `prev` (architecture section 3), so of each
        unbroken run of a log only the newest signature is checked. Where more is to come, a bundle whose own signature
        is bad may yet be vouched for and is put by for the next round.
        """
        found: dict[bytes, Candidate] = {one.id: one for one in self._doubtful}
        self._doubtful = []
        for sealed in sealed_bundles:
            candidate = self._read(sealed, report)
            if candidate is None:
                continue
            if candidate.id in found:
                report.duplicates += 1
                continue
            found[candidate.id] = candidate
        known = self._log.number_many(found)
        self._heal(found, known, report)
        kept = self._pending.held_ids(list(found))
        fresh = [one for one in found.values() if one.id not in kept and one.id not in known]
        report.duplicates += len(found) - len(fresh)
        return self._proven(fresh, report, is_last=is_last)

    def _heal(self, found: dict[bytes, Candidate], known: AbstractSet[bytes], report: Report) -> None:
        """Takes out the bundles that are here in a damaged copy, and puts them in its place."""
        healer = Healer(self._log, self.quarantine)
        damaged = self.quarantine.bundles()
        for one in found.values():
            arms = self._log.branches_of(one.header.log)
            if one.id not in known and any(one.header.seq <= arm.seq for arm in arms):
                healer.suspect(one.header.log, one.header.seq)
                damaged = self.quarantine.bundles()
        for one in [one for one in found.values() if one.id in healer.wanted]:
            is_opened = one.header.opening is None or check_opening(one.header)
            number = healer.wanted.get(one.id)
            if number is not None and is_opened and proves(one.header.log, one.id, one.sealed.signature):
                healer.heal(number, one.id, one.sealed)
                report.healed += number in damaged
                report.duplicates += number not in damaged
                del found[one.id]

    def _read(self, sealed: Sealed, report: Report) -> Candidate | None:
        try:
            header = decode_header(sealed.header)
        except Malformed as error:
            report.rejected.append(f"A bundle was dropped because its header cannot be read: {error}.")
            return None
        if header.workspace != self._workspace:
            report.rejected.append("A bundle was dropped because it belongs to another production.")
            return None
        if not chunks_match(header, sealed.chunks):
            report.rejected.append(
                f"Bundle {header.seq} of log {header.log.hex()[:12]} was dropped because its contents are damaged. It"
                " will be asked for elsewhere."
            )
            return None
        return Candidate(bundle_id(self._workspace, sealed.header), header, sealed)

    def _proven(self, fresh: Sequence[Candidate], report: Report, *, is_last: bool) -> list[Candidate]:
        good: set[bytes] = set()
        by_id: dict[bytes, Candidate] = {one.id: one for one in fresh}
        vouched: set[bytes] = set()
        for one in sorted(fresh, key=lambda one: (one.header.log, -one.header.seq)):
            is_good = one.id in vouched or proves(one.header.log, one.id, one.sealed.signature)
            if not is_good and not is_last and len(self._doubtful) < BATCH_BUNDLES:
                self._doubtful.append(one)
                continue
            if not is_good or not (one.header.opening is None or check_opening(one.header)):
                report.rejected.append(
                    f"Bundle {one.header.seq} of log {one.header.log.hex()[:12]} was dropped because its signature is"
                    " not that log's. Nothing of it was kept."
                )
                continue
            good.add(one.id)
            previous = by_id.get(one.header.prev) if one.header.prev is not None else None
            if (
                previous is not None
                and previous.header.log == one.header.log
                and previous.header.seq == one.header.seq - 1
            ):
                vouched.add(previous.id)
        return [one for one in fresh if one.id in good]

    def apply(self, fresh: Sequence[Candidate], now_ms: int, report: Report) -> None:
        """Applies what can apply, pending bundles that it releases included, and keeps the rest with its reason."""
        is_quiet = self._pending.is_empty
        if not is_quiet and not self._is_awake:
            self._pending.wake()
        self._is_awake = True
        queue = _Queue(self._log, lambda bundle: () if is_quiet else self._whole(self._pending.after(bundle)))
        queue.add(fresh)
        if not is_quiet:
            queue.add(self._whole(self._pending.free(now_ms + DRIFT_MS_MAX, BATCH_BUNDLES)), is_kept=True)
        before, taken = report.applied, 0
        while taken < ROUND_BUNDLES:
            batch: list[tuple[Bundle, Candidate]] = []
            size = 0
            for one in queue.ready():
                if self._why_not(one, now_ms) is not None:
                    queue.put_off(one)
                    continue
                bundle = open_bundle(one.id, one.header, one.sealed)
                batch.append((bundle, one))
                size += sum(map(len, one.sealed.chunks)) + len(one.sealed.header)
                queue.done(one)
                if len(batch) >= BATCH_BUNDLES or size > BATCH_BYTES or self._ends_batch(bundle):
                    break
            if not batch:
                if not self._vouch(queue):
                    break
                queue.try_again()
                continue
            self._apply_batch(batch, now_ms, report)
            taken += len(batch)
            queue.try_again()
        self._pending.drop(queue.released)
        self._keep(queue.left(), now_ms, report)
        self.has_more = report.applied > before and not self._pending.is_empty

    def _whole(self, kept: Iterable[Pending]) -> list[Candidate]:
        return [one for one in map(self._still_whole, kept) if one is not None]

    def _still_whole(self, one: Pending) -> Candidate | None:
        """Returns a bundle that waits as it came; None, and it is forgotten, where it was damaged meanwhile."""
        try:
            header = decode_header(one.sealed.header)
        except Malformed:
            header = None
        if (
            header is not None
            and bundle_id(self._workspace, one.sealed.header) == one.id
            and chunks_match(header, one.sealed.chunks)
        ):
            return Candidate(BundleId(one.id), header, one.sealed)
        log.warning("bundle %s, which waited here, is damaged and was dropped", one.id.hex()[:12])
        self._pending.drop((one.id,))
        return None

    def _ends_batch(self, bundle: Bundle) -> bool:
        """Tells whether what follows may depend on what this bundle says about tables, members or clocks."""
        if self._applier.is_schema_change(bundle) or bundle.header.seq == 1:
            return True
        for chunk in bundle.chunks or ():
            for key in chunk.keys:
                if key[0] == "@" and key.startswith(("@invite", "@log", "@clock")):
                    return True
        return False

    def _apply_batch(self, batch: Sequence[tuple[Bundle, Candidate]], now_ms: int, report: Report) -> None:
        self._applier.begin()
        self._applier.prefetch(bundle for bundle, _ in batch)
        accepted = dict(
            self._db.blobs("SELECT bundle, at FROM accepted WHERE bundle IN carray(?)", [one.id for _, one in batch])
        )
        late: list[tuple[int, str]] = []
        for bundle, one in batch:
            branch = self._branch_for(one.header, report)
            eff = effective(Hlc(one.header.claimed), self._log.past_eff(one.header))
            claimed_ms = wall_ms(Hlc(one.header.claimed))
            at = int(accepted.get(one.id, claimed_ms))
            number = self._applier.append_and_take(branch, bundle, eff, min(at, (1 << 63) - 1))
            if now_ms - claimed_ms > LATE_MS and not self._is_first:
                late.append((number, str(now_ms - claimed_ms)))
            report.applied += 1
            report.unread += bundle.chunks is None
        if late:
            sql = "INSERT OR IGNORE INTO flag(kind, bundle, ordinal, detail) VALUES('late', ?, 0, ?)"
            self._db.executemany(sql, late)
        self._applier.settle()

    def _branch_for(self, header: Header, report: Report) -> Branch:
        """Returns the arm that a bundle continues; a log's second bundle of one number begins a new arm (a fork)."""
        if header.prev is None:
            actor = header.opening.actor if header.opening is not None else b""
            if self._log.branches_of(header.log):
                self._note_fork(header, report)
            return self._log.new_branch(header.log, None, 0, actor)
        previous = self._log.number_of(header.prev)
        if previous is None:
            raise AssertionError("a bundle whose predecessor is not applied")
        parent = self._log.branches[branch_of(previous)]
        if parent.seq == seq_of(previous):
            return parent
        self._note_fork(header, report)
        return self._log.new_branch(header.log, parent.no, header.seq - 1, parent.actor)

    def _note_fork(self, header: Header, report: Report) -> None:
        log.warning("log %s splits at %s", header.log.hex()[:12], header.seq)
        report.forked.append(header.log.hex())
        first = self._log.branches_of(header.log)[0]
        number = first.no << SEQ_BITS | header.seq
        self._db.execute(
            "INSERT OR IGNORE INTO flag(kind, bundle, ordinal, detail) VALUES('fork', ?, 0, ?)",
            (number, header.log.hex()),
        )

    # -- why a bundle waits

    def _why_not(self, one: Candidate, now_ms: int) -> tuple[str, str] | None:
        header = one.header
        if header.opening is not None and not self._is_admitted(header):
            return ADMISSION, header.opening.actor.hex()
        if (
            wall_ms(Hlc(header.claimed)) - now_ms > DRIFT_MS_MAX
            and self._db.one("SELECT 1 FROM accepted WHERE bundle = ?", (one.id,)) is None
        ):
            return HELD, str(wall_ms(Hlc(header.claimed)) - DRIFT_MS_MAX)
        return None

    def _is_admitted(self, header: Header) -> bool:
        opening = header.opening
        if opening is None:
            return True
        named = (header.log, opening.actor)
        if header.log in self._vouched or self._db.one("SELECT 1 FROM admitted WHERE log = ? AND actor = ?", named):
            return True
        match opening.admission.kind:
            case bundles.ADMISSION_CREATOR:
                # `check_opening` proved that actor, recovery key and nonce give this workspace's id.
                return True
            case bundles.ADMISSION_INVITATION:
                public = opening.admission.data[0]
                row = self._db.one("SELECT oid FROM invite WHERE public = ? AND open = 1", (public,))
                terms = self.terms_of(row[0]) if row is not None else None
                return terms is not None and self._is_within(terms, public, opening.actor, header)
            case bundles.ADMISSION_KNOWN:
                return self._log.actor_is_here(opening.actor, header.log)
            case _:
                return False

    def terms_of(self, oid: int) -> InvitePayload | None:
        """Returns the terms of an invitation, by the local number of the op that opened it."""
        op = self._log.op_at(oid).op
        return op.payload if isinstance(op, InviteOpen) else None

    def joined_by(self, public: bytes) -> set[bytes]:
        """Returns the people who joined by an invitation, as far as is known here."""
        found: set[bytes] = set()
        for arm in self._log.branches.values():
            opening = self._log.header(arm.no << SEQ_BITS | 1).opening if arm.parent is None and arm.seq else None
            admission = opening.admission if opening is not None else None
            is_invited = admission is not None and admission.kind == bundles.ADMISSION_INVITATION
            if opening is not None and is_invited and opening.admission.data[0] == public:
                found.add(opening.actor)
        return found

    def _is_within(self, terms: InvitePayload, public: bytes, actor: bytes, header: Header) -> bool:
        """Tells whether somebody who used an invitation kept its terms: in time by their own clock, not one too many.

        By their own, because what joined in time may come here late; the invitation's key is what keeps others out.
        """
        if terms.expires_ms is not None and wall_ms(Hlc(header.claimed)) > terms.expires_ms:
            return False
        return terms.uses is None or len(self.joined_by(public) | {actor}) <= terms.uses

    def _vouch(self, queue: _Queue) -> bool:
        """Admits logs that bundles of admitted logs name as seen; tells whether any is new.

        Whoever wrote those had admitted it. Without this, two people wait for each other for good where one let in a
        newcomer and the other, who had not heard of that, closed the invitation.
        """
        if not queue.is_put_off:
            return False
        held = {one.id: one.header for one in queue.left()}
        held |= {one.id: one.header for one in self._whole(one for one in self._pending.all() if one.id not in held)}
        openings = [one for one in held.values() if one.opening is not None]
        asking = {one.log for one in openings if not self._is_admitted(one)}
        trusted = {one.log for one in openings} - asking
        found = {entry.log for entry in self._named(held.values(), trusted) if entry.tip in held} & asking
        while found - self._vouched:
            self._vouched |= found
            trusted |= found
            found = {entry.log for entry in self._named(held.values(), trusted) if entry.tip in held} & asking
        return not asking.isdisjoint(self._vouched)

    def _named(self, headers: Iterable[Header], trusted: AbstractSet[bytes]) -> Iterator[Seen]:
        for one in headers:
            if one.log in trusted or self._log.branches_of(one.log):
                yield from one.seen

    def _keep(self, left: Iterable[Candidate], now_ms: int, report: Report) -> None:
        entries: list[Pending] = []
        for one in left:
            missing = self._missing(one.header)
            why = (WAITING, missing) if missing else self._why_not(one, now_ms) or (WAITING, "")
            entries.append(
                Pending(
                    one.id,
                    one.header.log,
                    one.header.seq,
                    *why,
                    min(wall_ms(Hlc(one.header.claimed)), (1 << 63) - 1),
                    one.sealed,
                )
            )
        self._pending.put(entries)
        counts = self._pending.counts()
        report.waiting, report.held, report.admission = (counts.get(one, 0) for one in (WAITING, HELD, ADMISSION))

    def _missing(self, header: Header) -> str:
        """Returns the ids, in hex, of the bundles named as seen that are not applied here."""
        return " ".join(one.hex() for one in _needs(header) if self._log.number_of(one) is None)


def _needs(header: Header) -> Iterator[bytes]:
    if header.prev is not None:
        yield header.prev
    for entry in header.seen:
        yield entry.tip


class _Queue:
    """Bundles in causal order: each comes up once everything its author had applied is done.

    Args:
        history: what is applied.
        waiting_for: gives the bundles that are kept elsewhere and wait for one, when that is done.

    Attributes:
        released: the ids of bundles that were kept and are done.
    """

    def __init__(self, history: Log, waiting_for: Callable[[bytes], Sequence[Candidate]]) -> None:
        self._log = history
        self._waiting_for = waiting_for
        self._all: dict[bytes, Candidate] = {}
        self._kept: set[bytes] = set()
        self._done: set[bytes] = set()
        self._blocks: dict[bytes, list[Candidate]] = {}
        self._open: dict[bytes, int] = {}
        self._ready: list[Candidate] = []
        self._put_off: list[Candidate] = []
        self.released: list[bytes] = []

    def add(self, todo: Sequence[Candidate], *, is_kept: bool = False) -> None:
        """Takes bundles on; the first one comes up first."""
        known = self._log.number_many(need for one in todo for need in _needs(one.header))
        free: list[Candidate] = []
        for one in todo:
            if one.id in self._all:
                continue
            self._all[one.id] = one
            if is_kept:
                self._kept.add(one.id)
            missing = {need for need in _needs(one.header) if need not in self._done and need not in known}
            self._open[one.id] = len(missing)
            for need in missing:
                self._blocks.setdefault(need, []).append(one)
            if not missing:
                free.append(one)
        self._ready.extend(reversed(free))

    def ready(self) -> Iterator[Candidate]:
        """Yields what can apply, in an order that respects causes; the caller says `done` or `put_off` for each."""
        while self._ready:
            yield self._ready.pop()

    def done(self, one: Candidate) -> None:
        """Says that a bundle is taken, and lets what waited for it come up."""
        del self._all[one.id], self._open[one.id]
        self._done.add(one.id)
        if one.id in self._kept:
            self.released.append(one.id)
        kept = self._waiting_for(one.id)
        if kept:
            self.add(kept, is_kept=True)
        released = self._blocks.pop(one.id, [])
        for other in reversed(released):
            self._open[other.id] -= 1
            if self._open[other.id] == 0:
                self._ready.append(other)

    def put_off(self, one: Candidate) -> None:
        """Says that a bundle has to wait for something other than a bundle."""
        self._put_off.append(one)

    def try_again(self) -> None:
        """Lets what was put off come up once more: an admission or an accepted clock may have arrived."""
        self._ready.extend(reversed(self._put_off))
        self._put_off = []

    @property
    def is_put_off(self) -> bool:
        """Tells whether any has to wait for something other than a bundle."""
        return bool(self._put_off)

    def left(self) -> list[Candidate]:
        """Returns what did not apply."""
        return list(self._all.values())

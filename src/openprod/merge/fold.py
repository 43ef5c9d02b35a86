"""Fold: the meaning of a set of bundles, in plain Python, held in memory and computed from nothing each time.

This is the yardstick for everything that is quicker. It knows what bundles say and what they mean together; it knows no
storage, no order of arrival and no shortcut, and shares no code with the incremental rooms it is compared with (but the
words of `model` and the terms of the state hash). Bundles handed in are taken to be proven (`identity.seal`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from openprod.merge.equivalence import Classes
from openprod.merge.fold_slots import Together
from openprod.merge.fold_writes import FIELD_DEEDS, Deed, Held, OpId, Slot, Write
from openprod.merge.state_hash import PRIME, bundle_factors, head_term, key_factor
from openprod.model.bundle import (
    ADMISSION_CREATOR,
    ADMISSION_INVITATION,
    ADMISSION_KNOWN,
    Bundle,
    Header,
    Opening,
)
from openprod.model.hlc import ZERO, Hlc, effective, wall_ms
from openprod.model.ids import HASH_BYTES, ActorId, BundleId, EntityId, workspace_id
from openprod.model.ops import (
    Admit,
    Carry,
    Chunk,
    ClockAccept,
    Decide,
    Ends,
    Exist,
    IdPair,
    InviteClose,
    InviteOpen,
    InvitePayload,
    KeyPair,
    KnownOp,
    ListAdd,
    ListRemove,
    ListReset,
    Map,
    Member,
    Merge,
    Place,
    Relate,
    Relations,
    Rows,
    Set,
    Split,
    Text,
    Unmap,
    Unrelate,
    over_of,
    subject,
    subject_indexes,
    width,
)
from openprod.model.slots import (
    EXISTS,
    MAPPING,
    POSITION,
    RELATION,
    SAME,
    is_field_key,
    member_key,
    table_of_member_key,
)
from openprod.model.values import RecordRef, Value, value_key

CLOCK_AHEAD_MS_MAX = 5 * 60 * 1000

Pending: TypeAlias = Literal["waiting", "held", "admission"]


@dataclass(frozen=True, slots=True)
class Offer:
    """One value to choose from: its newest write stands for all the heads that hold it."""

    value: Value
    newest: Write
    heads: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation that exists, as its newest head makes it; shown while both its ends are alive."""

    type: str
    source: EntityId
    target: EntityId
    shown: bool


@dataclass(frozen=True, slots=True, order=True)
class Flag:
    """Something a person can find and look at: `kind`, and the op, slot or log it is about, empty where about none."""

    kind: Literal["void_over", "automation", "contested", "replaced_unread", "fork"]
    bundle: bytes = b""
    ordinal: int = 0
    subject: bytes = b""
    key: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What a set of bundles means: every write that has an effect, those left in each slot, and what follows.

    `heads` are slot by slot, as the state hash sums them. Everything else is of classes: a record stands under the
    smallest id it was merged with, a field under the smallest key it was mapped to.
    """

    mapped: Classes[str]
    same: Classes[bytes]
    writes: Mapping[OpId, Write]
    heads: Mapping[Slot, tuple[Write, ...]]
    alive: frozenset[EntityId]
    contested: frozenset[EntityId]
    members: Mapping[str, frozenset[EntityId]]
    relations: Mapping[EntityId, Relation]
    flags: frozenset[Flag]
    unread: frozenset[BundleId]
    state_hash: int
    together: Together = field(compare=False, repr=False)

    def united(self, slot: Slot) -> tuple[Write, ...]:
        """Returns the heads of a slot's whole class, each op once, the newest last."""
        found = {
            head.id: head
            for entity in self.same.members(slot[0])
            for key in self.mapped.members(slot[1])
            for head in self.heads.get((EntityId(entity), key), ())
        }
        return tuple(sorted(found.values(), key=lambda head: head.order))

    def shown(self, slot: Slot) -> Write | None:
        """Returns the write that a field slot shows: the newest decision among its heads, else the newest head."""
        heads = self.united(slot)
        return newest([head for head in heads if head.decision] or heads)

    def value(self, slot: Slot) -> Value:
        """Returns the value that a field slot shows, None where there is none."""
        shown = self.shown(slot)
        return self.together.says(self.united(slot))[shown.id] if shown else None

    def offers(self, slot: Slot) -> tuple[Offer, ...]:
        """Returns the distinct values among a field slot's heads, in the order of the newest write of each."""
        by_value: dict[bytes, list[Write]] = defaultdict(list)
        heads = self.united(slot)
        says = self.together.says(heads)
        for head in heads:
            by_value[value_key(says[head.id]) if head.deed in FIELD_DEEDS else head.sameness].append(head)
        found = [Offer(says[heads[-1].id], heads[-1], tuple(heads)) for heads in by_value.values()]
        return tuple(sorted(found, key=lambda offer: offer.newest.order))

    @property
    def conflicts(self) -> dict[Slot, tuple[Offer, ...]]:
        """The open questions about values; those on records and relations that are out of sight rest."""
        found: dict[Slot, tuple[Offer, ...]] = {}
        for slot in sorted({(EntityId(self.same.of(entity)), self.mapped.of(key)) for entity, key in self.heads}):
            entity, key = slot
            relation = self.relations.get(entity)
            in_sight = relation.shown if relation else entity in self.alive
            if is_field_key(key) and in_sight and len(self.offers(slot)) > 1:
                found[slot] = self.offers(slot)
        return found


@dataclass(frozen=True, slots=True)
class Sifted:
    """Which of the bundles at hand apply, in an order in which they may, and why the others do not."""

    applied: tuple[Bundle, ...]
    pending: Mapping[BundleId, Pending]


def newest(writes: Iterable[Write]) -> Write | None:
    """Returns the last of some writes in canonical order, None of none."""
    return max(writes, key=lambda write: write.order, default=None)


def fold(bundles: Iterable[Bundle]) -> State:
    """Returns what a set of applied bundles means.

    Args:
        bundles: closed under "its author had applied", in any order, any of them several times.
    """
    return _Folding({bundle.id: bundle for bundle in bundles}).state()


def sift(bundles: Iterable[Bundle], now_ms: int | None = None, trusted: Iterable[bytes] = ()) -> Sifted:
    """Returns which bundles apply on a device that holds just these.

    Args:
        bundles: in any order, any of them several times.
        now_ms: the device's clock; None holds nothing for its clock.
        trusted: ids never held for the clock: what the device wrote, or applied before its clock went back.
    """
    return _Sifting({bundle.id: bundle for bundle in bundles}, now_ms, accepted=set(trusted)).sifted()


def writes_of(bundle: Bundle, eff: Hlc = ZERO) -> Iterator[Write]:
    """Yields a bundle's writes in the order of their ordinals; ghosts where the bundle has no effect here."""
    causes = bundle.header.causes
    if bundle.chunks is None:
        for seen in bundle.envelopes:
            auto = seen.cause < len(causes) and causes[seen.cause].auto
            yield Write(bundle.id, seen.ordinal, "unknown", frozenset(seen.slots), None, seen.over, eff, auto)
        return
    base = 0
    for chunk in bundle.chunks:
        for op in chunk.ops:
            auto = causes[op.cause].auto
            for ordinal, deed, slots, holds in _deeds(chunk, op):
                decision = isinstance(op, Decide) and not auto
                over = over_of(chunk, op)
                yield Write(bundle.id, base + ordinal, deed, slots, holds, over, eff, auto, decision)
            base += width(op)


def _deeds(chunk: Chunk, op: KnownOp) -> Iterator[tuple[int, Deed, frozenset[Slot], Held]]:
    """Yields (ordinal within the op, deed, slots, what is held): one, or one for each written cell of a row block."""
    subjects = [subject(chunk, at) for at in subject_indexes(op.subjects)]
    keys = [chunk.keys[at] for at in op.keys]
    slots = frozenset((one, key) for one in subjects for key in keys)
    match op:
        case Rows():
            table = op.payload.table
            for at, (one, row) in enumerate(zip(subjects, op.payload.rows, strict=True)):
                yield from _cells(at, one, [(EXISTS, "exist", True), (member_key(table), "member", True)], keys, row)
        case Relations():
            for at, (one, row) in enumerate(zip(subjects, op.payload.rows, strict=True)):
                source, target, position, *properties = row
                assert isinstance(source, RecordRef)
                assert isinstance(target, RecordRef)
                ends = Ends(op.payload.type, source.id, target.id)
                yield from _cells(
                    at, one, [(RELATION, "relate", ends), (POSITION, "place", position)], keys, properties
                )
        case Set() | Decide():
            yield 0, "value", slots, op.payload
        case Exist():
            yield 0, "exist", slots, op.payload
        case Member():
            yield 0, "member", slots, op.payload
        case Relate():
            yield 0, "relate", slots, op.payload
        case Unrelate():
            yield 0, "unrelate", slots, None
        case Place():
            yield 0, "place", slots, op.payload
        case Text():
            yield 0, "text", slots, op.payload
        case ListAdd():
            yield 0, "add", slots, op.payload
        case ListRemove():
            yield 0, "take", slots, op.payload
        case ListReset():
            yield 0, "reset", slots, None
        case Map() | Merge():
            yield 0, "join", slots, op.payload
        case Unmap() | Split():
            yield 0, "part", slots, None
        case Carry():
            bundle = chunk.bundles[op.payload.bundle * HASH_BYTES : (op.payload.bundle + 1) * HASH_BYTES]
            yield 0, "carry", slots, (bundle, op.payload.ordinal)
        case _:
            yield 0, "control", slots, op.payload


def _cells(
    at: int, entity: EntityId, implied: list[tuple[str, Deed, Held]], keys: list[str], row: Iterable[Held]
) -> Iterator[tuple[int, Deed, frozenset[Slot], Held]]:
    """Yields the written cells of row number `at`: the implied columns, then the fields; None is a cell not written."""
    cells: list[tuple[str, Deed, Held]] = [*implied]
    cells.extend((key, "value", cell) for key, cell in zip(keys, row, strict=True))
    for column, (key, deed, holds) in enumerate(cells):
        if holds is not None:
            yield at * len(cells) + column, deed, frozenset({(entity, key)}), holds


def _is_work(write: Write) -> bool:
    """Tells whether a write is a person's and something a deletion must have seen: a value, an addition, a return."""
    addition = write.deed in ("member", "exist") and write.holds is True
    return not write.auto and (addition or write.deed == "unknown" or write.deed in FIELD_DEEDS)


class _History:
    """Who had applied what, and what they knew of it, by what the headers declare."""

    def __init__(self, bundles: dict[BundleId, Bundle]) -> None:
        self.bundles = bundles
        self._chain: dict[bytes, frozenset[bytes]] = {}
        self._past: dict[bytes, frozenset[bytes]] = {}
        self._eff: dict[bytes, Hlc] = {}
        for bundle in in_causal_order(bundles):
            self._add(bundle)

    def _add(self, bundle: Bundle) -> None:
        header, prev = bundle.header, bundle.header.prev
        self._chain[bundle.id] = self.chain(prev) | {bundle.id}
        past = (self._past.get(prev, frozenset()) | {prev}) if prev else frozenset[bytes]()
        self._past[bundle.id] = past.union(*(self.chain(seen.tip) for seen in header.seen))
        greatest = max((self._eff.get(one, ZERO) for one in builds_on(header)), default=ZERO)
        self._eff[bundle.id] = effective(Hlc(header.claimed), greatest)

    def chain(self, tip: bytes | None) -> frozenset[bytes]:
        """Returns a bundle and all before it in its log."""
        return self._chain.get(tip, frozenset()) if tip else frozenset()

    def past(self, bundle: BundleId) -> frozenset[bytes]:
        """Returns every bundle that the author of this one had applied, as its log declares."""
        return self._past[bundle]

    def eff(self, bundle: BundleId) -> Hlc:
        """Returns the stamp that orders a bundle."""
        return self._eff[bundle]

    def knows(self, bundle: BundleId, other: BundleId) -> bool:
        """Tells whether the author of `bundle` knew what `other` says: applied, readable there, and on the screen."""
        if other == bundle:
            return True
        header = self.bundles[bundle].header
        if other not in self.past(bundle) or other in header.unread:
            return False
        on_screen = [seen for seen in header.view or () if seen.log == self.bundles[other].header.log]
        return not on_screen or any(other in self.chain(seen.tip) for seen in on_screen)


def builds_on(header: Header) -> list[bytes]:
    """Returns the ids a header names as applied before it: its predecessor and the tips it has seen."""
    return ([header.prev] if header.prev else []) + [seen.tip for seen in header.seen]


def in_causal_order(bundles: Mapping[BundleId, Bundle]) -> list[Bundle]:
    """Returns bundles so that each comes behind those it builds on, as far as these are among them."""
    done: dict[bytes, Bundle] = {}
    stack = sorted(bundles, reverse=True)
    while stack:
        one = bundles[stack[-1]]
        missing = [BundleId(x) for x in builds_on(one.header) if x not in done and x in bundles]
        if missing:
            stack += missing
        else:
            done[one.id] = one
            stack.pop()
    return list(done.values())


class _Folding:
    """One computation of a state: what replaced what, then what is left, then what that means."""

    def __init__(self, bundles: dict[BundleId, Bundle]) -> None:
        self.history = _History(bundles)
        self.flags: set[Flag] = set()
        self.writes: dict[OpId, Write] = {}
        self.ghosts: dict[OpId, Write] = {}
        self.replaced: dict[OpId, set[tuple[OpId, Slot]]] = {}
        for bundle in bundles.values():
            into = self.writes if bundle.chunks is not None else self.ghosts
            into.update((write.id, write) for write in writes_of(bundle, self.history.eff(bundle.id)))
        self.touching: dict[EntityId, list[Write]] = defaultdict(list)
        self.carried: dict[OpId, list[tuple[BundleId, frozenset[Slot]]]] = defaultdict(list)
        # Before carries list ops in further slots: a text is named after where it was typed.
        self.together = Together(self.writes, self.history.knows)
        self.together.read(self._before)
        self._carry()
        for write in (*self.writes.values(), *self.ghosts.values()):
            for entity in {entity for entity, _ in write.slots}:
                self.touching[entity].append(write)
        self.heads = self._find_heads()
        self.mapped = Classes(pair for pair in self._joined(MAPPING, KeyPair))
        self.same = Classes(pair for pair in self._joined(SAME, IdPair))
        self.merges: dict[bytes, list[Write]] = defaultdict(list)
        for head in [head for (_, key), heads in self.heads.items() if key == SAME for head in heads]:
            for entity in (head.holds.low, head.holds.high) if isinstance(head.holds, IdPair) else ():
                self.merges[entity].append(head)

    def _joined(self, key: str, kind: type[KeyPair | IdPair]) -> Iterator[tuple[Any, Any]]:
        """Yields the pairs that stand: those with an addition among their heads."""
        for (_, slot_key), heads in self.heads.items():
            for head in heads if slot_key == key else ():
                if isinstance(head.holds, kind):
                    yield head.holds.low, head.holds.high

    def _carry(self) -> None:
        """Lists ops in the further slots that carries name; a carry is no write of its own."""
        for carry in [write for write in self.writes.values() if write.deed == "carry"]:
            del self.writes[carry.id]
            assert isinstance(carry.holds, tuple)
            bundle, ordinal = carry.holds
            other = self.writes.get((bundle, ordinal))
            unread = self.history.bundles[carry.bundle].header.unread
            if (
                other is None
                or bundle not in self.history.past(carry.bundle)
                or bundle in unread
                or other.deed not in FIELD_DEEDS
            ):
                self.flags.add(Flag("void_over", carry.bundle, carry.ordinal))
                continue
            self.carried[other.id].append((carry.bundle, carry.slots - other.slots))
        for one, carries in self.carried.items():
            slots = self.writes[one].slots.union(*(further for _, further in carries))
            self.writes[one] = replace(self.writes[one], slots=slots)

    def _before(self, write: Write) -> list[Write]:
        """Returns the writes of a field that a write names, of those its author had applied and could read."""
        past = self.history.past(write.bundle)
        unread = self.history.bundles[write.bundle].header.unread
        named = [self.writes[one] for one in sorted(set(write.over)) if one in self.writes]
        return [one for one in named if one.deed in ("value", "text") and one.bundle in past - set(unread)]

    def _standing(self) -> tuple[frozenset[EntityId], frozenset[EntityId]]:
        """Returns the records that are there, by the id they stand under, and those among them that are contested."""
        entities = {entity for entity, key in self.heads if key == EXISTS}
        apart = {entity for entity in entities if self._contested(entity)}
        plain = {EntityId(self.same.of(entity)) for entity in entities - apart if not self._deletes(entity)}
        contested = {EntityId(self.same.of(entity)) for entity in apart} - plain
        return frozenset(plain | contested), frozenset(contested)

    def state(self) -> State:
        alive, contested = self._standing()
        self.flags.update(Flag("contested", subject=entity) for entity in contested)
        self._flag_forks()
        return State(
            mapped=self.mapped,
            same=self.same,
            writes=self.writes,
            heads=self.heads,
            alive=alive,
            contested=contested,
            members=self._members(),
            relations=self._relations(alive),
            flags=frozenset(self.flags),
            unread=frozenset(bundle.id for bundle in self.history.bundles.values() if bundle.chunks is None),
            state_hash=self._state_hash(),
            together=self.together,
        )

    # --- what replaced what -----------------------------------------------------------------------------------------

    def _find_heads(self) -> dict[Slot, tuple[Write, ...]]:
        replaced: set[tuple[OpId, Slot]] = set()
        for write in self.writes.values():
            self.replaced[write.id] = self._replaced_by(write)
            replaced |= self.replaced[write.id]
        left: dict[Slot, list[Write]] = defaultdict(list)
        for write in sorted(self.writes.values(), key=lambda write: write.order):
            for slot in write.slots:
                if (write.id, slot) not in replaced:
                    left[slot].append(write)
        self._flag_replaced_by_unread(left)
        return {slot: tuple(left[slot]) for slot in sorted(left)}

    def _replaced_by(self, write: Write) -> set[tuple[OpId, Slot]]:
        """Returns what an effective write replaces, and in which slot; flags the entries that are void."""
        counting = self._counting(write)
        if len(counting) < len(set(write.over)):
            self.flags.add(Flag("void_over", write.bundle, write.ordinal))
        found: set[tuple[OpId, Slot]] = set()
        for slot in write.slots:
            there = [other for other in counting if slot in other.slots]
            if write.auto and self._is_beyond_automation(write, self._known_there(write, there, slot)):
                self.flags.add(Flag("automation", write.bundle, write.ordinal))
                continue
            for other in there:
                found |= self._gone(other, slot)
        return found

    def _known_there(self, write: Write, there: list[Write], slot: Slot) -> list[Write]:
        """Returns those that the author of a write saw in a slot: what somebody carries there later was not there."""
        past = self.history.past(write.bundle)
        unread = self.history.bundles[write.bundle].header.unread
        found: list[Write] = []
        for other in there:
            carriers = [bundle for bundle, slots in self.carried.get(other.id, ()) if slot in slots]
            if not carriers or any(bundle in past and bundle not in unread for bundle in carriers):
                found.append(other)
        return found

    def _is_beyond_automation(self, write: Write, replaced: list[Write]) -> bool:
        """Tells whether an automatic write would settle a question or revive a deleted record: it may not (R8)."""
        revives = write.deed == "exist" and write.holds is True and any(other.holds is False for other in replaced)
        asked = {self.together.sameness(other) for other in replaced}
        settles = write.deed in ("value", "text", "exist") and len(asked) > 1
        return revives or settles

    def _counting(self, write: Write) -> list[Write]:
        """Returns the writes and ghosts that a write's or ghost's `over` names with right."""
        past = self.history.past(write.bundle)
        unread = self.history.bundles[write.bundle].header.unread
        found: list[Write] = []
        for bundle, ordinal in sorted(set(write.over)):
            other = self.writes.get((bundle, ordinal)) or self.ghosts.get((bundle, ordinal))
            if other and bundle in past and bundle not in unread and write.slots & other.slots:
                found.append(other)
        return found

    def _gone(self, other: Write, slot: Slot) -> set[tuple[OpId, Slot]]:
        """Returns what goes from a slot where `other` is replaced there: itself, or what stands behind a ghost."""
        gone: set[tuple[OpId, Slot]] = set()
        stack, met = [other], {other.id}
        while stack:
            one = stack.pop()
            if one.deed != "unknown":
                gone.add((one.id, slot))
                continue
            behind = [two for two in self._counting(one) if slot in two.slots and two.id not in met]
            met |= {two.id for two in behind}
            stack += behind
        return gone

    def _flag_replaced_by_unread(self, left: Mapping[Slot, list[Write]]) -> None:
        for ghost in self.ghosts.values():
            for slot in ghost.slots:
                gone = self._gone(ghost, slot)
                if any((head.id, slot) in gone for head in left.get(slot, ())):
                    self.flags.add(Flag("replaced_unread", subject=slot[0], key=slot[1]))

    # --- what is left means -----------------------------------------------------------------------------------------

    def _deletes(self, entity: EntityId) -> list[Write]:
        return [head for head in self.heads[entity, EXISTS] if head.holds is False]

    def _contested(self, entity: EntityId) -> bool:
        """Tells whether a record has been deleted and yet stays visible."""
        deletes = self._deletes(entity)
        if not deletes:
            return False
        if any(head.holds is True and not head.auto for head in self.heads[entity, EXISTS]):
            return True
        work = [*self._work_behind_heads(entity, deletes), *self._unread_work(entity, deletes)]
        merges = [head for head in self.merges.get(entity, ()) if not head.auto]
        return any(self._stands_apart(one, deletes) for one in [*filter(_is_work, work), *merges])

    def _work_behind_heads(self, entity: EntityId, deletes: list[Write]) -> Iterator[Write]:
        """Yields what stands on a record, and what it replaced, as far back as no deletion knew who replaced it."""
        stack = [(head, slot) for slot, heads in self.heads.items() if slot[0] == entity for head in heads]
        met: set[tuple[OpId, Slot]] = set()
        while stack:
            one, slot = stack.pop()
            if (one.id, slot) in met or any(self.history.knows(delete.bundle, one.bundle) for delete in deletes):
                continue
            met.add((one.id, slot))
            yield one
            stack += [(self.writes[behind], slot) for behind, there in self.replaced[one.id] if there == slot]

    def _unread_work(self, entity: EntityId, deletes: list[Write]) -> Iterator[Write]:
        """Yields work that is unread here, or was where a deletion was made: nobody there can have dealt with it."""
        unread = {one for delete in deletes for one in self.history.bundles[delete.bundle].header.unread}
        for write in self.touching.get(entity, ()):
            if write.deed == "unknown" or write.bundle in unread:
                yield write

    def _stands_apart(self, work: Write, deletes: list[Write]) -> bool:
        """Tells whether no delete knew this work and this work knew no delete."""
        knows = self.history.knows
        return not any(knows(one.bundle, work.bundle) or knows(work.bundle, one.bundle) for one in deletes)

    def _members(self) -> dict[str, frozenset[EntityId]]:
        found: dict[str, set[EntityId]] = defaultdict(set)
        for (entity, key), heads in self.heads.items():
            table = table_of_member_key(key)
            if table is not None and any(head.holds is True for head in heads):
                found[table].add(EntityId(self.same.of(entity)))
        return {table: frozenset(found[table]) for table in sorted(found)}

    def _relations(self, alive: frozenset[EntityId]) -> dict[EntityId, Relation]:
        found: dict[EntityId, Relation] = {}
        for (entity, key), heads in self.heads.items():
            made = newest(head for head in heads if head.deed == "relate") if key == RELATION else None
            if key != RELATION or made is None:
                continue
            assert isinstance(made.holds, Ends)
            source = EntityId(self.same.of(made.holds.source))
            target = EntityId(self.same.of(made.holds.target))
            found[entity] = Relation(made.holds.type, source, target, {source, target} <= alive)
        return found

    def _flag_forks(self) -> None:
        places: dict[tuple[bytes, int], int] = defaultdict(int)
        for bundle in self.history.bundles.values():
            places[bundle.header.log, bundle.header.seq] += 1
        self.flags.update(Flag("fork", bundle=log) for (log, _), many in places.items() if many > 1)

    def _state_hash(self) -> int:
        total = 0
        for (entity, key), heads in self.heads.items():
            for head in heads:
                total += head_term(bundle_factors(head.bundle), head.ordinal, entity, key_factor(key))
        return total % PRIME


@dataclass(slots=True)
class _Sifting:
    """One look at the bundles at hand: round after round, what may apply does."""

    bundles: dict[BundleId, Bundle]
    now_ms: int | None
    applied: dict[bytes, Bundle] = field(default_factory=dict[bytes, Bundle])
    accepted: set[bytes] = field(default_factory=set[bytes])
    invited: dict[bytes, set[OpId]] = field(default_factory=dict[bytes, set[OpId]])
    terms: dict[OpId, InvitePayload] = field(default_factory=dict[OpId, InvitePayload])
    used: dict[bytes, set[bytes]] = field(default_factory=dict[bytes, set[bytes]])
    closed: set[OpId] = field(default_factory=set[OpId])
    let_in: set[tuple[bytes, bytes]] = field(default_factory=set[tuple[bytes, bytes]])
    actors: set[bytes] = field(default_factory=set[bytes])
    vouched: set[bytes] = field(default_factory=set[bytes])

    def sifted(self) -> Sifted:
        """Returns what applies and what does not, once nothing moves any more."""
        waiting = [self.bundles[one] for one in sorted(self.bundles)]
        moved = True
        while moved:
            ready = [bundle for bundle in waiting if self.obstacle(bundle) is None]
            for bundle in ready:
                self._apply(bundle)
            waiting = [bundle for bundle in waiting if bundle.id not in self.applied]
            moved = bool(ready) or self._vouch()
        pending: dict[BundleId, Pending] = {}
        for bundle in waiting:
            reason = self.obstacle(bundle)
            assert reason is not None
            pending[bundle.id] = reason
        return Sifted(tuple(in_causal_order({BundleId(one): self.applied[one] for one in self.applied})), pending)

    def obstacle(self, bundle: Bundle) -> Pending | None:
        """Returns why a bundle may not apply yet, None where it may."""
        header = bundle.header
        if any(one not in self.applied for one in builds_on(header)):
            return "waiting"
        if header.opening is not None and not self._admitted(header, header.opening):
            return "admission"
        early = self.now_ms is not None and wall_ms(Hlc(header.claimed)) > self.now_ms + CLOCK_AHEAD_MS_MAX
        return "held" if early and bundle.id not in self.accepted else None

    def _vouch(self) -> bool:
        """Lets in the logs that an admitted log names, by a bundle that is at hand; tells whether any is new."""
        before = len(self.vouched)
        openings = {one.header.log: one.header.opening for one in self.bundles.values() if one.header.opening}
        trusted = {one.header.log for one in self.applied.values()}
        trusted |= {one.header.log for one in self.bundles.values() if self._opens(one.header)}
        fresh = trusted
        while fresh:
            named = {
                entry.log
                for one in self.bundles.values()
                if one.header.log in fresh
                for entry in one.header.seen
                if BundleId(entry.tip) in self.bundles and entry.log in openings
            }
            fresh = named - trusted
            trusted |= fresh
            self.vouched |= fresh
        return len(self.vouched) > before

    def _opens(self, header: Header) -> bool:
        return header.opening is not None and self._admitted(header, header.opening)

    def _admitted(self, header: Header, opening: Opening) -> bool:
        if header.log in self.vouched:
            return True
        kind, data = opening.admission.kind, opening.admission.data
        if (header.log, opening.actor) in self.let_in:
            return True
        if kind == ADMISSION_CREATOR:
            return len(data) == 2 and workspace_id(ActorId(opening.actor), *data) == header.workspace
        if kind == ADMISSION_INVITATION:
            stand = self.invited.get(data[0], set[OpId]()) - self.closed if data else set[OpId]()
            return any(self._is_within(self.terms[one], data[0], header, opening) for one in stand)
        return kind == ADMISSION_KNOWN and opening.actor in self.actors

    def _is_within(self, terms: InvitePayload, public: bytes, header: Header, opening: Opening) -> bool:
        """Tells whether somebody who used an invitation kept its terms."""
        if terms.expires_ms is not None and wall_ms(Hlc(header.claimed)) > terms.expires_ms:
            return False
        return terms.uses is None or len(self.used.get(public, set[bytes]()) | {opening.actor}) <= terms.uses

    def _apply(self, bundle: Bundle) -> None:
        self.applied[bundle.id] = bundle
        opening = bundle.header.opening
        if opening is not None:
            self.actors.add(opening.actor)
            if opening.admission.kind == ADMISSION_INVITATION:
                self.used.setdefault(opening.admission.data[0], set()).add(opening.actor)
        ordinal = 0
        for chunk in bundle.chunks or ():
            for op in chunk.ops:
                self._take(chunk, op, (bundle.id, ordinal))
                ordinal += width(op)

    def _take(self, chunk: Chunk, op: KnownOp, at: OpId) -> None:
        match op:
            case ClockAccept():
                self.accepted.add(op.payload)
            case InviteOpen():
                self.invited.setdefault(op.payload.public_key, set()).add(at)
                self.terms[at] = op.payload
            case InviteClose():
                self.closed.update(over_of(chunk, op))
            case Admit():
                self.let_in.add((op.payload.log, op.payload.actor))
            case _:
                pass

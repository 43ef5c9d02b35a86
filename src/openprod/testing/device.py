"""A device made of paper: it signs real bundles, keeps what it is given, and computes everything anew with `fold`.

Slow and plain on purpose. It knows the whole meaning of history through `merge.fold` and nothing of a database, so that
what the real desk does can be compared with it. It can also write what no honest desk would, for tests of bad history.
Records, relations and bundles are named by text, as people and the desk name them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, nullcontext
from copy import copy
from dataclasses import dataclass, field
from random import Random
from typing import Self, TypeAlias, TypeVar

import msgspec

from openprod.identity import keys, seal
from openprod.identity.keys import SigningSeed
from openprod.merge.equivalence import Classes
from openprod.merge.fold import OpId, Sifted, State, fold, newest, sift
from openprod.merge.lists import Element, element_id
from openprod.merge.relations import between, spread
from openprod.merge.text import Splice
from openprod.model import ops
from openprod.model.bundle import (
    ADMISSION_INVITATION,
    ADMISSION_KNOWN,
    CAUSE_EDIT,
    CAUSE_RULE,
    FORMAT_VERSION,
    Admission,
    Bundle,
    Cause,
    Frontier,
    Header,
    Sealed,
    Seen,
    chunks_match,
    decode_header,
    id_of,
    open_bundle,
)
from openprod.model.hlc import hlc
from openprod.model.ids import (
    SIGN_ADMISSION,
    ActorId,
    BundleId,
    EntityId,
    LogId,
    WorkspaceId,
    derived_id,
    entity_ids,
    id_from_text,
    id_text,
    workspace_id,
)
from openprod.model.ops import (
    Carry,
    Chunk,
    ClockAccept,
    Decide,
    Ends,
    Exist,
    IdPair,
    InviteOpen,
    InvitePayload,
    KeyPair,
    KnownOp,
    ListAdd,
    ListItem,
    ListRemove,
    ListReset,
    Malformed,
    Map,
    Member,
    Merge,
    OpRef,
    Place,
    Relate,
    Rows,
    RowsPayload,
    Set,
    Split,
    Text,
    TextPayload,
    Unmap,
    Unrelate,
    encode_chunk,
    width,
)
from openprod.model.slots import CLOCK, EXISTS, INVITE, MAPPING, POSITION, RELATION, SAME, member_key
from openprod.model.text_update import ENCODING, client_of
from openprod.model.values import FieldRef, Value
from openprod.testing.clock import FakeClock

PERSON = Cause(CAUSE_EDIT)
AUTOMATION = Cause(CAUSE_RULE, auto=True, detail=(bytes(16), CAUSE_EDIT))

Indexes: TypeAlias = tuple[int, ...]
MakeOp: TypeAlias = Callable[[int, Indexes, Indexes, Indexes], KnownOp]

# What only the newer build writes to.
LATER_TABLE = "stage.attendees"
# What the module of the cases declares of its relations.
ORDERED_RELATION = "stage.order"
UNIQUE_RELATION = "stage.friend"
_T = TypeVar("_T")


class LaterMember(Member, tag=99, array_like=True, frozen=True, gc=False):
    """An op of a kind that this version does not know and the newer build of the tests does: another way to put in."""


class LaterChunk(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A body chunk as the newer build reads and writes it."""

    keys: tuple[str, ...]
    subjects: bytes
    bundles: bytes
    ops: tuple[KnownOp | LaterMember, ...]


@contextmanager
def newer_build() -> Generator[None]:
    """Lets this process read like the newer build inside; bundles of the older one mean the same to it."""
    words = ops.__dict__
    older = words["_chunk_decoder"]
    words["_chunk_decoder"] = msgspec.msgpack.Decoder(LaterChunk)
    try:
        yield
    finally:
        words["_chunk_decoder"] = older


@dataclass(frozen=True, slots=True)
class Draft:
    """An op before it is in a chunk: records x keys, what it replaces, and how the op itself is made of its indexes.

    `carried` is the op that a carry lists.
    """

    records: tuple[EntityId, ...]
    keys: tuple[str, ...]
    over: tuple[OpId, ...]
    make: MakeOp
    carried: OpId | None = None


@dataclass(slots=True)
class ChunkMaker:
    """Gathers drafts into one body chunk with its tables of keys, subjects and bundles."""

    keys: list[str] = field(default_factory=list[str])
    subjects: list[bytes] = field(default_factory=list[bytes])
    bundles: list[bytes] = field(default_factory=list[bytes])
    ops: list[KnownOp] = field(default_factory=list[KnownOp])

    def add(self, draft: Draft, cause: int = 0) -> None:
        """Adds an op."""
        subjects = tuple(n for record in draft.records for n in (_index(self.subjects, bytes(record)), 1))
        at = tuple(_index(self.keys, key) for key in draft.keys)
        over = tuple(n for bundle, ordinal in draft.over for n in (_index(self.bundles, bundle), ordinal))
        made = draft.make(cause, subjects, at, over)
        if draft.carried is not None:
            bundle, ordinal = draft.carried
            made = Carry(cause, subjects, at, (), OpRef(_index(self.bundles, bundle), ordinal))
        self.ops.append(made)

    def made(self) -> tuple[bytes, int, int]:
        """Returns the chunk's bytes, the ordinals it uses and the number of its ops."""
        chunk = Chunk(tuple(self.keys), b"".join(self.subjects), b"".join(self.bundles), tuple(self.ops))
        return encode_chunk(chunk), sum(map(width, self.ops)), len(self.ops)


def _index(of: list[_T], one: _T) -> int:
    if one not in of:
        of.append(one)
    return of.index(one)


def draft_set(record: EntityId, key: str, value: Value, over: Iterable[OpId]) -> Draft:
    """Returns the draft of a value written into one slot."""
    return Draft((record,), (key,), tuple(over), lambda c, s, k, o: Set(c, s, k, o, value))


def draft_decide(record: EntityId, key: str, value: Value, over: Iterable[OpId]) -> Draft:
    """Returns the draft of a decision."""
    return Draft((record,), (key,), tuple(over), lambda c, s, k, o: Decide(c, s, k, o, value))


def draft_exist(record: EntityId, over: Iterable[OpId], is_live: bool) -> Draft:  # noqa: FBT001 -- it is what is written
    """Returns the draft of a deletion, or of a return."""
    return Draft((record,), (EXISTS,), tuple(over), lambda c, s, k, o: Exist(c, s, k, o, is_live))


def draft_rows(table: str, fields: tuple[str, ...], rows: dict[EntityId, tuple[Value, ...]]) -> Draft:
    """Returns the draft of a block of new records; values in the order of the fields, None is not written."""
    payload = RowsPayload(table, tuple(rows.values()))
    return Draft(tuple(rows), fields, (), lambda c, s, k, o: Rows(c, s, k, o, payload))


def draft_later(record: EntityId, table: str = LATER_TABLE, over: Iterable[OpId] = ()) -> Draft:
    """Returns the draft of an op that only the newer build understands: it puts a record into a table."""
    return Draft((record,), (member_key(table),), tuple(over), lambda c, s, k, o: LaterMember(c, s, k, o, payload=True))


def draft_carry(records: tuple[EntityId, ...], key: str, op: OpId) -> Draft:
    """Returns the draft that lists an op in further slots, under its own identity."""
    return Draft(records, (key,), (), lambda c, s, k, o: Carry(c, s, k, o, OpRef(0, 0)), op)


def draft_accept(bundle: BundleId) -> Draft:
    """Returns the draft that lets a bundle in which is held for its clock."""
    return Draft((derived_id("clock", bundle),), (CLOCK,), (), lambda c, s, k, o: ClockAccept(c, s, k, o, bundle))


@dataclass(frozen=True, slots=True)
class Company:
    """What everybody of one workspace shares: its id, and the invitation that is open in it."""

    workspace: WorkspaceId
    invitation: SigningSeed


class PaperDevice:
    """One device of one person.

    Attributes:
        bundles: everything held, by id.
        had: each bundle written here to the ids that were applied when it was.

    Args:
        is_newer: True for the newer build, which understands `LaterMember`.
    """

    def __init__(
        self,
        name: str,
        clock: FakeClock,
        chance: Random,
        company: Company,
        actor: SigningSeed,
        *,
        is_newer: bool = False,
    ) -> None:
        self.name = name
        self.clock = clock
        self.company = company
        self.actor = actor
        self.is_newer = is_newer
        self.bundles: dict[BundleId, Bundle] = {}
        self.had: dict[BundleId, frozenset[BundleId]] = {}
        self._chance = chance
        self._log = SigningSeed(chance.randbytes(32))
        self._run = chance.randbytes(4).hex()
        self._tip: BundleId | None = None
        self._applied: set[bytes] = set()
        self._drafts: list[Draft] | None = None
        self._sifted: Sifted | None = None
        self._state: State | None = None

    # --- how devices come about -------------------------------------------------------------------------------------

    @classmethod
    def found(cls, name: str, clock: FakeClock, chance: Random, *, is_newer: bool = False) -> Self:
        """Returns the first device of a new workspace, with an invitation open in it."""
        actor, recovery, invitation = (SigningSeed(chance.randbytes(32)) for _ in range(3))
        nonce = chance.randbytes(32)
        workspace = workspace_id(ActorId(actor.public), recovery.public, nonce)
        device = cls(name, clock, chance, Company(workspace, invitation), actor, is_newer=is_newer)
        payload = InvitePayload(invitation.public, "everybody", None, None)
        subject = derived_id("invite", invitation.public)
        draft = Draft((subject,), (INVITE,), (), lambda c, s, k, o: InviteOpen(c, s, k, o, payload))
        device.seal([draft], admission=seal.creator_admission(recovery.public, nonce))
        return device

    @classmethod
    def join(cls, name: str, clock: FakeClock, chance: Random, source: PaperDevice, *, is_newer: bool = False) -> Self:
        """Returns a new person's device that has got everything from `source` and was admitted by the invitation."""
        return cls.join_with(name, clock, chance, source.company, source.sealed(), is_newer=is_newer)

    @classmethod
    def join_with(
        cls,
        name: str,
        clock: FakeClock,
        chance: Random,
        company: Company,
        bundles: Iterable[Sealed],
        *,
        is_newer: bool = False,
    ) -> Self:
        """Returns a new person's device that has got these bundles and was admitted by the invitation."""
        device = cls(name, clock, chance, company, SigningSeed(chance.randbytes(32)), is_newer=is_newer)
        device.receive(bundles)
        message = company.workspace + device.actor.public + device.log
        signed = keys.sign(company.invitation, SIGN_ADMISSION, message)
        device.seal([], admission=Admission(ADMISSION_INVITATION, (company.invitation.public, signed)))
        return device

    def twin(self, name: str) -> Self:
        """Returns a device with a copy of this one's disk, keys included: from here on the log may fork."""
        other = copy(self)
        other.detach(name)
        return other

    def detach(self, name: str) -> None:
        """Takes a name and copies of what a shallow copy shares with its original."""
        self.name = name
        self.bundles = dict(self.bundles)
        self.had = dict(self.had)
        self._applied = set(self._applied)
        self._forget()

    def open_fresh_log(self) -> None:
        """Goes on under a new log of the same person, as a device does that finds its log has split."""
        self._log = SigningSeed(self._chance.randbytes(32))
        self._tip = None
        self.seal([], admission=Admission(ADMISSION_KNOWN))

    @property
    def has_split(self) -> bool:
        """Tells whether somebody else, with these keys, has written on this device's log."""
        own: set[bytes] = set()
        at = self._tip
        while at:
            own.add(at)
            at = _before(self.bundles, at)
        return any(bundle.header.log == self.log and one not in own for one, bundle in self.bundles.items())

    def upgrade(self) -> None:
        """Installs the newer build: what had no effect is read anew."""
        self.is_newer = True
        self.bundles = {
            one: self._opened(bundle.id, bundle.header, bundle.sealed) for one, bundle in self.bundles.items()
        }
        self._forget()

    # --- what it holds ----------------------------------------------------------------------------------------------

    @property
    def log(self) -> LogId:
        """The log this device writes."""
        return LogId(self._log.public)

    @property
    def tip(self) -> BundleId | None:
        """The last bundle of this device's log."""
        return self._tip

    @property
    def sifted(self) -> Sifted:
        """What applies here at this moment and what does not."""
        if self._sifted is None:
            self._sifted = sift(self.bundles.values(), self.clock(), self._applied)
            self._applied |= {bundle.id for bundle in self._sifted.applied}
        return self._sifted

    @property
    def state(self) -> State:
        """What everything applied here means."""
        if self._state is None:
            self._state = fold(self.sifted.applied)
        return self._state

    @property
    def frontier(self) -> Frontier:
        """The tips of all logs and branches applied here."""
        applied = self.sifted.applied
        inner = {bundle.header.prev for bundle in applied}
        tips = [Seen(one.header.log, one.header.seq, one.id) for one in applied if one.id not in inner]
        return tuple(sorted(tips))

    def sealed(self) -> list[Sealed]:
        """Returns everything held, also what has no effect here, in an order in which it could apply."""
        applied = [bundle.sealed for bundle in self.sifted.applied]
        return applied + [self.bundles[one].sealed for one in sorted(self.sifted.pending)]

    def receive(self, bundles: Iterable[Sealed]) -> None:
        """Takes in what is authentic and of this workspace; drops the rest."""
        for sealed in bundles:
            try:
                header = decode_header(sealed.header)
            except Malformed:
                continue
            one = id_of(sealed, self.company.workspace)
            opens = header.opening is None or seal.check_opening(header)
            if opens and seal.prove(sealed, self.company.workspace) and chunks_match(header, sealed.chunks):
                self.bundles.setdefault(one, self._opened(one, header, sealed))
        self._forget()

    def tick(self) -> None:
        """Looks at the clock again: what was held may apply by now."""
        self._forget()

    def _forget(self) -> None:
        self._sifted = None
        self._state = None

    def _opened(self, one: BundleId, header: Header, sealed: Sealed) -> Bundle:
        with newer_build() if self.is_newer else nullcontext():
            return open_bundle(one, header, sealed)

    # --- writing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def edit(self) -> Generator[None]:
        """Gathers all that is written inside into one bundle."""
        self._drafts = []
        yield
        drafts, self._drafts = self._drafts, None
        self.seal(drafts)

    def seal(
        self,
        drafts: Sequence[Draft],
        *,
        cause: Cause = PERSON,
        admission: Admission | None = None,
        view: Frontier | None = None,
        claimed: bytes | None = None,
    ) -> BundleId:
        """Writes a bundle of these drafts and returns its id."""
        if admission is None and self.has_split:
            self.open_fresh_log()
        maker = ChunkMaker()
        for draft in drafts:
            maker.add(draft)
        raw, used, n_ops = maker.made()
        body = (raw,) if drafts else ()
        prev = self.bundles[self._tip] if self._tip else None
        header = Header(
            version=FORMAT_VERSION,
            workspace=self.company.workspace,
            log=self.log,
            seq=prev.header.seq + 1 if prev else 1,
            prev=self._tip,
            claimed=claimed or hlc(self.clock()),
            seen=self._newly_seen(),
            view=view,
            unread=tuple(sorted(bundle.id for bundle in self.sifted.applied if bundle.chunks is None)),
            causes=(cause,),
            modules=(),
            label="",
            epoch=0,
            chunks=tuple(seal.chunk_ref(raw, used, n_ops) for raw in body),
            opening=seal.opening(self.actor, self.company.workspace, self.log, admission) if admission else None,
        )
        one, sealed = seal.seal(header, body, self._log, self.company.workspace)
        self.had[one] = frozenset(bundle.id for bundle in self.sifted.applied)
        self.bundles[one] = self._opened(one, header, sealed)
        self._applied.add(one)
        self._tip = one
        self._forget()
        return one

    def _newly_seen(self) -> tuple[Seen, ...]:
        """Returns the tips of other logs and branches that this log has not declared yet."""
        declared: set[bytes] = set()
        at = self._tip
        while at:
            declared |= {at, *(seen.tip for seen in self.bundles[at].header.seen)}
            at = _before(self.bundles, at)
        for one in list(declared):
            before = _before(self.bundles, one)
            while before and before not in declared:
                declared.add(before)
                before = _before(self.bundles, before)
        return tuple(seen for seen in self.frontier if seen.tip not in declared)

    def _write(self, draft: Draft) -> None:
        if self._drafts is None:
            self.seal([draft])
        else:
            self._drafts.append(draft)

    def heads(self, record: str, key: str) -> tuple[OpId, ...]:
        """Returns what stands in a slot's class: what an editor opened now would show, and a save of it replace."""
        return tuple(head.id for head in self.state.united((id_from_text(record), key)))

    def own_heads(self, subject: EntityId, key: str) -> tuple[OpId, ...]:
        """Returns what stands in just one slot."""
        return tuple(head.id for head in self.state.heads.get((subject, key), ()))

    def members(self, record: str) -> tuple[EntityId, ...]:
        """Returns the ids that a record is known by here."""
        return tuple(EntityId(one) for one in self.state.same.members(id_from_text(record)))

    def new_id(self) -> EntityId:
        """Returns a fresh record id."""
        return entity_ids(self.clock(), self._chance.randbytes(10))[0]

    def add(self, table: str, fields: dict[str, Value]) -> str:
        """Creates a record with values by full field key; returns its id."""
        return self.add_many(table, tuple(fields), [tuple(fields.values())])[0]

    def add_many(self, table: str, fields: tuple[str, ...], rows: list[tuple[Value, ...]]) -> list[str]:
        """Creates many records of one table; returns their ids."""
        made = {self.new_id(): row for row in rows}
        self._write(draft_rows(table, fields, made))
        return [id_text(one) for one in made]

    def set(self, record: str, key: str, value: Value, heads: Sequence[OpId] | None = None) -> None:
        """Writes a value over what stands there, or over `heads` where the screen showed something else."""
        record, key = self._source(record, key) if value is not None else (record, key)
        over = self.heads(record, key) if heads is None else heads
        keys = self.state.mapped.members(key)
        self._write(Draft(self.members(record), keys, tuple(over), lambda c, s, k, o: Set(c, s, k, o, value)))

    def refer(self, record: str, key: str, source: str, source_key: str) -> None:
        """Lets a field be taken from a field of another record."""
        value = FieldRef(EntityId(self.state.same.of(id_from_text(source))), source_key)
        over, keys = self.heads(record, key), self.state.mapped.members(key)
        self._write(Draft(self.members(record), keys, over, lambda c, s, k, o: Set(c, s, k, o, value)))

    def _source(self, record: str, key: str) -> tuple[str, str]:
        """Returns the field that an edit of a field goes to: where it is taken from, through others too."""
        value = self.state.value((EntityId(self.state.same.of(id_from_text(record))), key))
        return self._source(id_text(value.id), value.key) if isinstance(value, FieldRef) else (record, key)

    def decide(self, record: str, key: str, value: Value) -> None:
        """Settles what a field offers."""
        keys, over = self.state.mapped.members(key), self.heads(record, key)
        self._write(Draft(self.members(record), keys, over, lambda c, s, k, o: Decide(c, s, k, o, value)))

    def type(self, record: str, key: str, at: int, gone: int, text: str) -> None:
        """Types in the text that is shown, each time under a run of its own; places beyond the end mean the end."""
        slot = (id_from_text(record), key)
        keys, together = self.state.mapped.members(key), self.state.together
        shown = self.state.shown(slot)
        over = [offer.heads for offer in self.state.offers(slot) if shown in offer.heads]
        before = list(over[0]) if over else []
        members = self.members(record)
        place = together.standing([(one, other) for one in members for other in keys], before)
        document = together.document(place.base, place.on)
        first = min(at, len(document.text))
        run = self._chance.getrandbits(64)
        gone = min(gone, len(document.text) - first)
        update = document.typed(client_of(self.log, run), [Splice(first, gone, text)])
        if update:
            payload = TextPayload(run, 0, ENCODING, update)
            ids = tuple(write.id for write in before)
            self._write(Draft(members, keys, ids, lambda c, s, k, o: Text(c, s, k, o, payload)))

    def put_in(self, record: str, key: str, value: str, at: int = 99) -> None:
        """Puts something into a list, or moves it there."""
        now = [one for one in self._elements(record, key) if one.value != value]
        place = min(at, len(now))
        low = now[place - 1].position if place else None
        high = now[place].position if place < len(now) else None
        known = next((one.id for one in self._elements(record, key) if one.value == value), element_id(value, 0))
        item = ListItem(known, between(low, high, self._run), value)
        self._write(self._list_draft(record, key, known, lambda c, s, k, o: ListAdd(c, s, k, o, item)))

    def take_out(self, record: str, key: str, value: str) -> None:
        """Takes something out of a list, if it is in it."""
        for one in self._elements(record, key):
            if one.value == value:
                draft = self._list_draft(record, key, one.id, lambda c, s, k, o, e=one.id: ListRemove(c, s, k, o, e))
                self._write(draft)

    def refill(self, record: str, key: str, values: Sequence[str]) -> None:
        """Writes a list anew."""
        members, keys = self.members(record), self.state.mapped.members(key)
        drafts = [Draft(members, keys, self.heads(record, key), ListReset)]
        for at, value in enumerate(values):
            item = ListItem(element_id(value, 0), spread(at + 1, self._run)[at], value)
            drafts.append(Draft(members, keys, (), lambda c, s, k, o, i=item: ListAdd(c, s, k, o, i)))
        self._write_all(drafts)

    def _elements(self, record: str, key: str) -> list[Element]:
        return self.state.together.elements(self.state.united((id_from_text(record), key)))

    def _list_draft(self, record: str, key: str, element: bytes, make: MakeOp) -> Draft:
        heads = self.state.united((id_from_text(record), key))
        over = [one.id for one in heads if isinstance(one.holds, ListItem) and one.holds.element == element]
        return Draft(self.members(record), self.state.mapped.members(key), tuple(over), make)

    def delete(self, record: str) -> None:
        """Deletes a record."""
        self._structure(record, EXISTS, lambda c, s, k, o: Exist(c, s, k, o, payload=False))

    def restore(self, record: str) -> None:
        """Brings a deleted record back."""
        self._structure(record, EXISTS, lambda c, s, k, o: Exist(c, s, k, o, payload=True))

    def put(self, record: str, table: str) -> None:
        """Puts a record into a table."""
        self._structure(record, member_key(table), lambda c, s, k, o: Member(c, s, k, o, payload=True))

    def remove(self, record: str, table: str) -> None:
        """Takes a record out of a table."""
        self._structure(record, member_key(table), lambda c, s, k, o: Member(c, s, k, o, payload=False))

    def relate(
        self,
        source: str,
        relation: str,
        target: str,
        properties: dict[str, Value] | None = None,
        *,
        after: str | None = None,
    ) -> str:
        """Makes a relation with properties by full key; returns its id. In an ordered one behind an entry, or last."""
        ends = Ends(relation, id_from_text(source), id_from_text(target))
        is_unique = relation == UNIQUE_RELATION
        one = derived_id("relation", relation, ends.source, ends.target) if is_unique else self.new_id()
        over = self.own_heads(one, RELATION)
        drafts = [Draft((one,), (RELATION,), over, lambda c, s, k, o: Relate(c, s, k, o, ends))]
        drafts += [draft_set(one, key, value, self.own_heads(one, key)) for key, value in (properties or {}).items()]
        if relation == ORDERED_RELATION:
            drafts.append(self._draft_place(one, ends, after, is_before=False))
        self._write_all(drafts)
        return id_text(one)

    def move(self, relation: str, *, after: str | None = None, before: str | None = None) -> None:
        """Moves an entry of an ordered relation."""
        one = id_from_text(relation)
        made = self.state.relations[one]
        ends = Ends(made.type, made.source, made.target)
        anchor = after if after is not None else before
        self._write(self._draft_place(one, ends, anchor, is_before=before is not None))

    def _draft_place(self, one: EntityId, ends: Ends, anchor: str | None, *, is_before: bool) -> Draft:
        entries = [(place, other) for place, other in self._entries(ends) if other != one]
        at = len(entries)
        if anchor is not None:
            at = [other for _, other in entries].index(id_from_text(anchor)) + (0 if is_before else 1)
        low = entries[at - 1][0] if at else None
        high = entries[at][0] if at < len(entries) else None
        position = between(low, high, self._run)
        return Draft((one,), (POSITION,), self.own_heads(one, POSITION), lambda c, s, k, o: Place(c, s, k, o, position))

    def _entries(self, ends: Ends) -> list[tuple[str, EntityId]]:
        """Returns the entries that are shown of a list, in order, with their positions."""
        state = self.state
        found: list[tuple[str, EntityId]] = []
        for one, made in state.relations.items():
            if made.type == ends.type and made.source == state.same.of(ends.source) and made.shown:
                place = newest(state.heads.get((one, POSITION), ()))
                found.append((str(place.holds) if place is not None else "", one))
        return sorted(found)

    def unrelate(self, relation: str) -> None:
        """Ends a relation."""
        self._structure(relation, RELATION, Unrelate)

    def restore_relation(self, relation: str) -> None:
        """Brings one that was ended back."""
        one = id_from_text(relation)
        made = newest(
            write for write in self.state.writes.values() if write.deed == "relate" and (one, RELATION) in write.slots
        )
        assert made is not None
        ends = made.holds
        assert isinstance(ends, Ends)
        self._structure(relation, RELATION, lambda c, s, k, o: Relate(c, s, k, o, ends))

    def accept_held(self) -> None:
        """Lets in what is held here for its clock; everybody gets to know."""
        for one in [one for one, reason in sorted(self.sifted.pending.items()) if reason == "held"]:
            self._write(draft_accept(one))

    # --- the same things --------------------------------------------------------------------------------------------

    def map_fields(self, one: str, other: str) -> None:
        """Says that two fields are the same data."""
        pair = KeyPair(*sorted((one, other)))
        subject = derived_id("map", pair.low, pair.high)
        over = self.own_heads(subject, MAPPING)
        self._write(Draft((subject,), (MAPPING,), over, lambda c, s, k, o: Map(c, s, k, o, pair)))

    def unmap_fields(self, one: str, other: str) -> None:
        """Takes that back; what only the other side held is listed on both."""
        low, high = sorted((one, other))
        subject = derived_id("map", low, high)
        drafts = [Draft((subject,), (MAPPING,), self.own_heads(subject, MAPPING), Unmap)]
        left = Classes(
            (head.holds.low, head.holds.high)
            for (at, _), heads in self.state.heads.items()
            for head in heads
            if at != subject and isinstance(head.holds, KeyPair)
        )
        if left.of(low) != left.of(high):
            for part in (left.members(low), left.members(high)):
                drafts += self._carries_of_fields(part)
        self._write_all(drafts)

    def _carries_of_fields(self, part: Sequence[str]) -> list[Draft]:
        tables = {member_key(key.rpartition(".")[0]) for key in part}
        found: list[Draft] = []
        for one in sorted({self.state.same.of(entity) for entity, key in self.state.heads if key in tables}):
            members = tuple(EntityId(other) for other in self.state.same.members(one))
            if not any(self.own_heads(member, key) for member in members for key in part):
                found += [draft_carry(members, part[0], op) for op in self.heads(id_text(one), part[0])]
        return found

    def merge(self, one: str, other: str) -> None:
        """Says that two records are one."""
        low, high = sorted(self.state.same.of(id_from_text(ref)) for ref in (one, other))
        self._write_all([] if low == high else [self._draft_merge(low, high)])

    def _draft_merge(self, low: bytes, high: bytes) -> Draft:
        subject = derived_id("merge", low, high)
        over = self.own_heads(subject, SAME)
        return Draft((subject,), (SAME,), over, lambda c, s, k, o: Merge(c, s, k, o, IdPair(low, high)))

    def split(self, record: str, tables: Sequence[str]) -> None:
        """Takes that back: this record goes, with these tables; what a table shows goes where the table goes."""
        goes = id_from_text(record)
        members = self.members(record)
        stay = [one for one in members if one != goes]
        if not stay:
            return
        left: list[tuple[bytes, bytes]] = []
        drafts: list[Draft] = []
        for (subject, key), heads in self.state.heads.items():
            pairs = [head.holds for head in heads if key == SAME and isinstance(head.holds, IdPair)]
            if any(goes in (pair.low, pair.high) for pair in pairs):
                drafts.append(Draft((subject,), (SAME,), self.own_heads(subject, SAME), Split))
            else:
                left += [(pair.low, pair.high) for pair in pairs]
        parts = sorted({Classes(left).of(one) for one in stay})
        drafts += [self._draft_merge(parts[0], part) for part in parts[1:]]
        now = {table for table, who in self.state.members.items() if self.state.same.of(goes) in who}
        for side, wanted in (([goes], set(tables)), (stay, now - set(tables))):
            for table in sorted(now):
                drafts += self._memberships(side, table, wanted=table in wanted)
            drafts += self._carries_of_record(side, wanted)
        self._write_all(drafts)

    def link(self, source: str, target: str) -> None:
        """Puts who is in one table into another one; a device of paper does no more for a link than that."""
        key = member_key(target)
        self._write_all(
            [
                Draft((one,), (key,), self.own_heads(one, key), lambda c, s, k, o: Member(c, s, k, o, payload=True))
                for one in sorted(self.state.members[source])
            ]
        )

    def unlink(self, source: str, target: str) -> None:
        """Makes copies of what the second table shows of records of both, and takes these out of it."""
        key, drafts = member_key(target), list[Draft]()
        for one in sorted(self.state.members[source] & self.state.members.get(target, frozenset())):
            copy_id = derived_id("copy", one, target)
            over = self.own_heads(one, key)
            drafts += [
                draft_exist(copy_id, (), is_live=True),
                Draft((copy_id,), (key,), (), lambda c, s, k, o: Member(c, s, k, o, payload=True)),
                Draft((one,), (key,), over, lambda c, s, k, o: Member(c, s, k, o, payload=False)),
            ]
            for name in sorted({name for _, name in self.state.heads if name.startswith(f"{target}.")}):
                drafts += [draft_carry((copy_id,), name, op) for op in self.heads(id_text(one), name)]
        self._write_all(drafts)

    def _memberships(self, side: Sequence[EntityId], table: str, *, wanted: bool) -> list[Draft]:
        key = member_key(table)
        found: list[Draft] = []
        for at, one in enumerate(side):
            is_in = any(head.holds is True for head in self.state.heads.get((one, key), ()))
            is_wanted = wanted and (at == 0 or is_in)
            if is_in != is_wanted:
                found.append(
                    Draft(
                        (one,), (key,), self.own_heads(one, key), lambda c, s, k, o, v=is_wanted: Member(c, s, k, o, v)
                    )
                )
        return found

    def _carries_of_record(self, side: Sequence[EntityId], tables: Iterable[str]) -> list[Draft]:
        """Lists, for one side of a split, what its tables show but only the other side's ids hold."""
        found: list[Draft] = []
        for table in sorted(tables):
            for key in sorted({key for _, key in self.state.heads if key.startswith(f"{table}.")}):
                keys = self.state.mapped.members(key)
                if not any(self.own_heads(one, other) for one in side for other in keys):
                    found += [draft_carry(tuple(side), key, op) for op in self.heads(id_text(side[0]), key)]
        return found

    def _structure(self, subject: str, key: str, make: MakeOp) -> None:
        self._write(Draft(self.members(subject), (key,), self.heads(subject, key), make))

    def _write_all(self, drafts: list[Draft]) -> None:
        if self._drafts is None:
            self.seal(drafts)
        else:
            self._drafts += drafts


def _before(bundles: dict[BundleId, Bundle], one: bytes) -> BundleId | None:
    bundle = bundles.get(BundleId(one))
    return BundleId(bundle.header.prev) if bundle and bundle.header.prev else None

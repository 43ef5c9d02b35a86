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
from openprod.merge.fold import OpId, Sifted, State, fold, sift
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
    Chunk,
    ClockAccept,
    Decide,
    Ends,
    Exist,
    InviteOpen,
    InvitePayload,
    KnownOp,
    Malformed,
    Member,
    Relate,
    Rows,
    RowsPayload,
    Set,
    Unrelate,
    encode_chunk,
    width,
)
from openprod.model.slots import CLOCK, EXISTS, INVITE, RELATION, member_key
from openprod.model.values import Value
from openprod.testing.clock import FakeClock

PERSON = Cause(CAUSE_EDIT)
AUTOMATION = Cause(CAUSE_RULE, auto=True, detail=(bytes(16), CAUSE_EDIT))

Indexes: TypeAlias = tuple[int, ...]
MakeOp: TypeAlias = Callable[[int, Indexes, Indexes, Indexes], KnownOp]

# What only the newer build writes to.
LATER_TABLE = "stage.attendees"
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
    """An op before it is in a chunk: records x keys, what it replaces, and how the op itself is made of its indexes."""

    records: tuple[EntityId, ...]
    keys: tuple[str, ...]
    over: tuple[OpId, ...]
    make: MakeOp


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
        self.ops.append(draft.make(cause, subjects, at, over))

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
        """Returns what stands in a slot: what an editor opened now would show, and a save of it replace."""
        return tuple(head.id for head in self.state.heads.get((id_from_text(record), key), ()))

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
        over = self.heads(record, key) if heads is None else heads
        self._write(draft_set(id_from_text(record), key, value, over))

    def decide(self, record: str, key: str, value: Value) -> None:
        """Settles what a field offers."""
        self._write(draft_decide(id_from_text(record), key, value, self.heads(record, key)))

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

    def relate(self, source: str, relation: str, target: str, properties: dict[str, Value] | None = None) -> str:
        """Makes a relation with properties by full key; returns its id."""
        ends = Ends(relation, id_from_text(source), id_from_text(target))
        one = self.new_id()
        drafts = [Draft((one,), (RELATION,), (), lambda c, s, k, o: Relate(c, s, k, o, ends))]
        drafts += [draft_set(one, key, value, ()) for key, value in (properties or {}).items()]
        if self._drafts is None:
            self.seal(drafts)
        else:
            self._drafts += drafts
        return id_text(one)

    def unrelate(self, relation: str) -> None:
        """Ends a relation."""
        self._structure(relation, RELATION, Unrelate)

    def accept_held(self) -> None:
        """Lets in what is held here for its clock; everybody gets to know."""
        for one in [one for one, reason in sorted(self.sifted.pending.items()) if reason == "held"]:
            self._write(draft_accept(one))

    def _structure(self, subject: str, key: str, make: MakeOp) -> None:
        self._write(Draft((id_from_text(subject),), (key,), self.heads(subject, key), make))


def _before(bundles: dict[BundleId, Bundle], one: bytes) -> BundleId | None:
    bundle = bundles.get(BundleId(one))
    return BundleId(bundle.header.prev) if bundle and bundle.header.prev else None

"""A workspace made of paper: holds bundles in memory, takes in what proves and hangs together, as peers see a desk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from openprod.identity.keys import SigningSeed, sign, workspace_key_id
from openprod.identity.seal import check_opening, chunk_ref, creator_admission, opening, seal
from openprod.model.bundle import (
    ADMISSION_KNOWN,
    Admission,
    Cause,
    Frontier,
    Header,
    Sealed,
    Seen,
    decode_header,
    id_of,
)
from openprod.model.hlc import hlc
from openprod.model.ids import ActorId, LogId, WorkspaceId, workspace_id
from openprod.model.ops import Chunk, Set, encode_chunk

ACTOR = SigningSeed(b"actor".ljust(32))
RECOVERY = SigningSeed(b"recovery".ljust(32)).public
NONCE = b"n" * 32
WORKSPACE = workspace_id(ActorId(ACTOR.public), RECOVERY, NONCE)
KEY = b"k" * 32


def chance(size: int) -> bytes:
    """The same bytes every time, which no real writer may use."""
    return bytes(range(256))[:size]


@dataclass
class Desk:
    """One device's bundles; `written` counts how often others' bundles were handed in."""

    seed: SigningSeed
    workspace_id: WorkspaceId = WORKSPACE
    key: bytes = KEY
    actor: SigningSeed = ACTOR
    admission: Admission = field(default_factory=lambda: Admission(ADMISSION_KNOWN))
    invitations: list[bytes] = field(default_factory=list[bytes])
    held: dict[bytes, Sealed] = field(default_factory=dict[bytes, Sealed])
    waiting: dict[bytes, Sealed] = field(default_factory=dict[bytes, Sealed])
    tips: dict[tuple[bytes, bytes], Seen] = field(default_factory=dict[tuple[bytes, bytes], Seen])
    ingests: int = 0

    @property
    def log_id(self) -> LogId:
        return LogId(self.seed.public)

    def sign_with_log(self, prefix: bytes, message: bytes) -> bytes:
        return sign(self.seed, prefix, message)

    def keys(self) -> list[tuple[int, bytes, bytes]]:
        return [(0, self.key, workspace_key_id(self.workspace_id, self.key))]

    def frontier(self) -> Frontier:
        return tuple(sorted(self.tips.values()))

    def open_invitations(self) -> list[bytes]:
        return self.invitations

    def bundles(self, since: Frontier | None = None) -> Iterator[Sealed]:
        if since is None:
            yield from self.held.values()
        else:
            assert since == self.frontier()
        yield from self.waiting.values()

    def ingest(self, bundles: Iterable[Sealed]) -> int:
        fresh = [one for one in bundles if id_of(one, self.workspace_id) not in self.held | self.waiting]
        self.ingests += 1
        for sealed in fresh:
            self.apply(sealed)
        return len(fresh)

    def apply(self, sealed: Sealed) -> None:
        header = decode_header(sealed.header)
        bundle = id_of(sealed, self.workspace_id)
        if header.prev is not None and header.prev not in self.held:
            self.waiting[bundle] = sealed
            return
        assert header.opening is None or check_opening(header)
        self.held[bundle] = sealed
        self.tips.pop((header.log, header.prev or b""), None)
        self.tips[header.log, bundle] = Seen(header.log, header.seq, bundle)
        for other in [one for one in self.waiting.values() if decode_header(one.header).prev == bundle]:
            del self.waiting[id_of(other, self.workspace_id)]
            self.apply(other)

    def last(self) -> Seen | None:
        own = [one for one in self.tips.values() if one.log == self.log_id]
        return max(own, key=lambda one: one.seq) if own else None

    def make(self, text: str, size: int = 0, before: Seen | None = None) -> Sealed:
        """Seals the next bundle of this device's log, or one behind `before`, without keeping it."""
        last = before or self.last()
        chunk = encode_chunk(
            Chunk(("lighting.cues.label",), b"e" * 16, b"", (Set(0, (0, 1), (0,), (), text + "x" * size),))
        )
        header = Header(
            version=1,
            workspace=self.workspace_id,
            log=self.log_id,
            seq=last.seq + 1 if last else 1,
            prev=last.tip if last else None,
            claimed=hlc(1_760_000_000_000),
            seen=(),
            view=None,
            unread=(),
            causes=(Cause(1),),
            modules=(),
            label="",
            epoch=0,
            chunks=(chunk_ref(chunk, 1, 1),),
            opening=None if last else opening(self.actor, self.workspace_id, self.log_id, self.admission),
        )
        return seal(header, (chunk,), self.seed, self.workspace_id)[1]

    def write(self, text: str, size: int = 0) -> Sealed:
        """Seals and keeps the next bundle of this device's log."""
        sealed = self.make(text, size)
        self.apply(sealed)
        return sealed


def device(name: str, *, bundles: int = 1) -> Desk:
    """A device of one person; the one named `creator` began the workspace."""
    admission = creator_admission(RECOVERY, NONCE) if name == "creator" else Admission(ADMISSION_KNOWN)
    made = Desk(SigningSeed(name.encode().ljust(32)), admission=admission)
    for at in range(bundles):
        made.write(f"{name} {at}")
    return made

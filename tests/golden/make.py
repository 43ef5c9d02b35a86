"""Makes the golden bytes of every format from fixed seeds and randoms: `python -m tests.golden.make` writes them anew.

A difference to what is checked in is a change of format. It breaks workspaces of people who have one, so it is never
made by running this: it is a new format version with a decision record.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from openprod.exchange.memory import Said, pack
from openprod.identity.export import CHANCE_BYTES as EXPORT_CHANCE_BYTES
from openprod.identity.export import Keyring, Strength, lock
from openprod.identity.invite import Invitation, admission_for, invitation_text, new_invitation
from openprod.identity.keys import SigningSeed, sign, workspace_key_id
from openprod.identity.opx import (
    CHANCE_BYTES,
    Sealer,
    device_name,
    encode_statement,
    sign_record,
    statement_message,
    waiting_hash,
)
from openprod.identity.seal import chunk_ref, creator_admission, opening, seal
from openprod.merge.lists import element_id
from openprod.merge.text import base_of_op, base_of_slots
from openprod.model.bundle import (
    CAUSE_GENESIS,
    CAUSE_IMPORT,
    CAUSE_JOIN,
    CAUSE_MODULE,
    CAUSE_OVERLAY,
    Cause,
    Header,
    ModuleVersion,
    Sealed,
    Seen,
    encode_sealed,
)
from openprod.model.hlc import COUNTER_MAX, ZERO, Hlc, effective, hlc, successor
from openprod.model.ids import (
    CONTEXT_STATE,
    HASH_CONTEXTS,
    SIGN_CONTEXTS,
    SIGN_OPX,
    ActorId,
    LogId,
    derived_id,
    entity_ids,
    hash_in,
    id_text,
    op_text,
    workspace_id,
)
from openprod.model.ops import (
    Admit,
    AdmitPayload,
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
    ListItem,
    ListRemove,
    ListReset,
    LogClose,
    LogClosePayload,
    Map,
    Member,
    Merge,
    OpRef,
    Place,
    Relate,
    Relations,
    RelationsPayload,
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
from openprod.model.text_update import ENCODING, base_client, client_of, seed, varint
from openprod.model.values import Natural, RecordRef

FOLDER = Path(__file__).parent

ACTOR = SigningSeed(bytes(range(0x20)))
LOG = SigningSeed(bytes(range(0x20, 0x40)))
RECOVERY = SigningSeed(bytes(range(0x40, 0x60)))
JOINER = SigningSeed(bytes(range(0x60, 0x80)))
JOINER_LOG = SigningSeed(bytes(range(0x80, 0xA0)))
NONCE = bytes(range(0xA0, 0xC0))
INVITE_SEED = bytes(range(0xC0, 0xE0))
WORKSPACE_KEY = bytes(range(0xE0, 0x100))
WORKSPACE = workspace_id(ActorId(ACTOR.public), RECOVERY.public, NONCE)
INVITATION: Invitation = new_invitation(WORKSPACE, INVITE_SEED, "Richard III")
WALL_MS = 1_768_215_600_000

SUBJECTS = entity_ids(WALL_MS, bytes(range(40)))
JANE, RICHARD, RELATION, CUE = SUBJECTS
BEFORE = bytes(range(0x30, 0x50))

# The text "Standby" begins with an op; behind its letters LOG types " 🎭" in one run, then deletes " ".
TEXT_RUN = 0x0102030405060708
TEXT_BASE = base_of_op(BEFORE, 7)
TEXT_BEGINS = seed(base_client(TEXT_BASE), "Standby")
_TYPIST = client_of(LOG.public, TEXT_RUN)
_BEHIND = varint(base_client(TEXT_BASE)) + varint(6)
TYPED = b"\x01\x01" + varint(_TYPIST) + b"\x00\x84" + _BEHIND + b"\x05" + " 🎭".encode() + b"\x00"
DELETED = b"\x00\x01" + varint(_TYPIST) + b"\x01\x00\x01"
POSITION = "a0!00000000!a0!!"

KEYS: dict[str, tuple[str, ...]] = {
    "exist": ("@exists",),
    "member": ("@in/lighting.cues",),
    "relation": ("@rel",),
    "place": ("@pos",),
    "invite": ("@invite",),
    "log": ("@log",),
    "clock": ("@clock",),
    "mapping": ("@map",),
    "same": ("@same",),
    "fields": ("lighting.cues.number", "lighting.cues.label"),
    "property": ("casting.plays.cover",),
}

OPS: dict[str, tuple[str, KnownOp]] = {
    "1 set": ("fields", Set(0, (3, 1), (1,), (0, 7), "Dawn")),
    "1 set, cleared": ("fields", Set(0, (0, 2, 3, 1), (0, 1), (), None)),
    "2 rows": (
        "fields",
        Rows(1, (0, 2), (0, 1), (), RowsPayload("lighting.cues", ((Natural("11"), "Dawn"), (Natural("11.5"), None)))),
    ),
    "3 decide": ("fields", Decide(0, (3, 1), (1,), (0, 7, 0, 12), "Sunrise")),
    "4 exist": ("exist", Exist(0, (3, 1), (0,), (), payload=True)),
    "4 exist, deleted": ("exist", Exist(0, (3, 1), (0,), (0, 0), payload=False)),
    "5 member": ("member", Member(0, (3, 1), (0,), (), payload=True)),
    "6 relate": ("relation", Relate(0, (2, 1), (0,), (), Ends("casting.plays", JANE, RICHARD))),
    "7 unrelate": ("relation", Unrelate(0, (2, 1), (0,), (0, 3))),
    "8 relations": (
        "property",
        Relations(
            0,
            (2, 1),
            (0,),
            (),
            RelationsPayload("casting.plays", ((RecordRef(JANE), RecordRef(RICHARD), "a0", False),)),
        ),
    ),
    "9 place": ("place", Place(0, (2, 1), (0,), (0, 4), "a0V")),
    "10 text": ("fields", Text(0, (3, 1), (1,), (0, 7), TextPayload(TEXT_RUN, 0, ENCODING, TYPED))),
    "10 text, deleted": ("fields", Text(0, (3, 1), (1,), (0, 7), TextPayload(TEXT_RUN, 3, ENCODING, DELETED))),
    "11 list_add": ("fields", ListAdd(0, (3, 1), (1,), (), ListItem(element_id("low", 0), POSITION, "low"))),
    "12 list_remove": ("fields", ListRemove(0, (3, 1), (1,), (0, 9), element_id("low", 0))),
    "13 list_reset": ("fields", ListReset(0, (3, 1), (1,), (0, 7, 0, 9))),
    "14 map": ("mapping", Map(0, (0, 1), (0,), (), KeyPair("lighting.cues.label", "sound.cues.label"))),
    "15 unmap": ("mapping", Unmap(0, (0, 1), (0,), (0, 6))),
    "16 merge": ("same", Merge(0, (0, 1), (0,), (), IdPair(JANE, RICHARD))),
    "17 split": ("same", Split(0, (0, 1), (0,), (0, 6))),
    "18 carry": ("fields", Carry(0, (3, 1), (1,), (), OpRef(0, 7))),
    "32 invite_open": ("invite", InviteOpen(0, (0, 1), (0,), (), InvitePayload(INVITATION.public, "LX", None, 3))),
    "33 invite_close": ("invite", InviteClose(0, (0, 1), (0,), (0, 5))),
    "34 admit": ("log", Admit(0, (0, 1), (0,), (), AdmitPayload(JOINER_LOG.public, JOINER.public))),
    "35 log_close": ("log", LogClose(0, (0, 1), (0,), (), LogClosePayload(JOINER_LOG.public, 9, BEFORE))),
    "36 clock_accept": ("clock", ClockAccept(0, (0, 1), (0,), (), BEFORE)),
}


def chunk_of(keys: str, op: KnownOp) -> bytes:
    """Returns a chunk with one op; every chunk has the same table of subjects and of bundles."""
    return encode_chunk(Chunk(KEYS[keys], b"".join(SUBJECTS), BEFORE, (op,)))


def chunks() -> dict[str, bytes]:
    """Returns a chunk for every op kind that this version gives effect to."""
    return {name: chunk_of(keys, op) for name, (keys, op) in OPS.items()}


def headers() -> dict[str, tuple[Header, tuple[bytes, ...], SigningSeed]]:
    """Returns the headers of the golden bundles with their chunks and the seed that seals them."""
    made = chunks()
    bodies = {name: made[name] for name in ("2 rows", "8 relations")}
    genesis = opening(ACTOR, WORKSPACE, LogId(LOG.public), creator_admission(RECOVERY.public, NONCE))
    joined = admission_for(INVITATION, ActorId(JOINER.public), LogId(JOINER_LOG.public))
    first = Header(
        version=1,
        workspace=WORKSPACE,
        log=LOG.public,
        seq=1,
        prev=None,
        claimed=hlc(WALL_MS),
        seen=(),
        view=None,
        unread=(),
        causes=(Cause(CAUSE_GENESIS),),
        modules=(),
        label="",
        epoch=0,
        chunks=(),
        opening=genesis,
    )
    join = replace(
        first,
        log=JOINER_LOG.public,
        claimed=hlc(WALL_MS + 1),
        seen=(Seen(LOG.public, 1, BEFORE),),
        causes=(Cause(CAUSE_JOIN),),
        chunks=(chunk_ref(made["4 exist"], 1, 1),),
        opening=opening(JOINER, WORKSPACE, LogId(JOINER_LOG.public), joined),
    )
    full = Header(
        version=1,
        workspace=WORKSPACE,
        log=LOG.public,
        seq=70_000,
        prev=BEFORE,
        claimed=hlc(WALL_MS + 60_000, 7),
        seen=tuple(sorted((Seen(JOINER_LOG.public, 300, BEFORE), Seen(RECOVERY.public, 2, NONCE)))),
        view=(Seen(JOINER_LOG.public, 0, b""),),
        unread=(BEFORE, NONCE),
        causes=(
            Cause(CAUSE_IMPORT, False, ("cues.csv", BEFORE, CUE, "csv")),  # noqa: FBT003 -- as the table has it
            Cause(CAUSE_OVERLAY, False, (CUE, "what if", "")),  # noqa: FBT003
            Cause(CAUSE_MODULE, True, ("lighting", "1.0.0")),  # noqa: FBT003
        ),
        modules=(ModuleVersion("lighting", "1.0.0", BEFORE), ModuleVersion("sound", "1.2.0", NONCE)),
        label="Add the Danes – Ünger’s list",
        epoch=1,
        chunks=tuple(chunk_ref(raw, width(OPS[name][1]), 1) for name, raw in bodies.items()),
        opening=None,
    )
    return {
        "genesis": (first, (), LOG),
        "join": (join, (made["4 exist"],), JOINER_LOG),
        "full": (full, tuple(bodies.values()), LOG),
    }


def bundles() -> dict[str, tuple[bytes, Sealed]]:
    """Returns the golden bundles with their ids."""
    return {name: seal(header, body, seed, WORKSPACE) for name, (header, body, seed) in headers().items()}


def opx_file() -> bytes:
    """Returns a small `.opx` file with one box, from fixed randoms."""
    made = bundles()
    sealer = Sealer(
        WORKSPACE_KEY,
        0,
        workspace_key_id(WORKSPACE, WORKSPACE_KEY),
        (INVITATION.public,),
        bytes(range(CHANCE_BYTES)),
    )
    frontier = tuple(sorted((Seen(LOG.public, 1, made["genesis"][0]), Seen(JOINER_LOG.public, 1, made["join"][0]))))
    said = encode_statement(LogId(LOG.public), frontier, waiting_hash((made["full"][0],)))
    signed = sign_record(said, sign(LOG, SIGN_OPX, statement_message(sealer.header, said)))
    body = b"".join(sealer.records([signed, *(encode_sealed(sealed) for _, sealed in made.values())]))
    return sealer.header + body + sealer.finish()


def identity_file() -> bytes:
    """Returns a small identity export, at the least cost that is allowed."""
    rings = (Keyring(WORKSPACE, ((0, WORKSPACE_KEY),)),)
    chance = bytes(range(EXPORT_CHANCE_BYTES))
    return lock(ACTOR, "Jo Ünger", rings, "four plain words", chance, Strength(1, 8 << 10))


def _clocks() -> dict[str, bytes]:
    end = Hlc(b"\xff" * 12)
    return {
        "zero": ZERO,
        "wall": hlc(WALL_MS),
        "wall and counter": hlc(WALL_MS, 7),
        "successor": successor(hlc(WALL_MS, 7)),
        "successor of a full counter": successor(hlc(WALL_MS, COUNTER_MAX)),
        "successor of the end": successor(end),
        "effective, clock ahead": effective(hlc(WALL_MS + 5), hlc(WALL_MS, 7)),
        "effective, clock behind": effective(hlc(WALL_MS - 5), hlc(WALL_MS, 7)),
    }


def _ids() -> dict[str, bytes]:
    found: dict[str, bytes] = {f"entity {at}": one for at, one in enumerate(SUBJECTS)}
    found["workspace"] = WORKSPACE
    found["derived invite"] = derived_id("invite", INVITATION.public)
    found["derived log"] = derived_id("log", LOG.public)
    found["derived clock"] = derived_id("clock", BEFORE)
    found["derived two names"] = derived_id("ab", "c")
    found["op"] = op_text(BEFORE, 12).encode()
    found["key id"] = workspace_key_id(WORKSPACE, WORKSPACE_KEY)
    found["state"] = hash_in(CONTEXT_STATE, b"lighting.cues.label")
    found |= {f"context {context}": hash_in(context, b"abc") for context in HASH_CONTEXTS}
    return found


def _signatures() -> dict[str, bytes]:
    found = {"actor": ACTOR.public, "log": LOG.public, "invitation": INVITATION.public}
    found |= {f"sign {prefix[:-1].decode()}": sign(LOG, prefix, b"abc") for prefix in SIGN_CONTEXTS}
    return found


def _bundles() -> Iterator[tuple[str, bytes]]:
    for name, (bundle, sealed) in bundles().items():
        yield f"{name}, header", sealed.header
        yield f"{name}, id", bundle
        yield f"{name}, sealed", encode_sealed(sealed)


def _texts() -> dict[str, bytes]:
    empty = base_of_slots([(CUE, "lighting.cues.notes"), (CUE, "lighting.cues.label")])
    return {
        "name of a text that an op begins": TEXT_BASE,
        "name of a text that begins with nothing": empty,
        "client of its letters": varint(base_client(TEXT_BASE)),
        "client of a log and a run": varint(_TYPIST),
        "Standby": TEXT_BEGINS,
        "nothing": seed(base_client(empty), ""),
        "typed behind it": TYPED,
        "deleted again": DELETED,
        "the letters then": "Standby🎭".encode(),
        "element low": element_id("low", 0),
        "element low, the second": element_id("low", 1),
    }


def _imports() -> dict[str, bytes]:
    rows: list[Said] = [(id_text(CUE), ("1.5", ["a", "b"], None)), (id_text(CUE[::-1]), None)]
    (text,) = pack(("lighting.cues.number", "->lighting.in_scene", "lighting.cues.label"), rows)
    unpacked = zlib.decompress(base64.b64decode(text))
    # Stored, not squeezed: how well a library squeezes is no part of the format.
    return {"said, unpacked": unpacked, "said": base64.b64encode(zlib.compress(unpacked, 0))}


def vectors() -> dict[str, dict[str, bytes]]:
    """Returns every golden vector: file name, then name and bytes."""
    return {
        "hlc.txt": _clocks(),
        "ids.txt": _ids(),
        "signatures.txt": _signatures(),
        "chunks.txt": chunks(),
        "bundles.txt": dict(_bundles()),
        "invitation.txt": {"text": invitation_text(INVITATION).encode()},
        "opx.txt": {"file": opx_file(), "device name": device_name(WORKSPACE, LogId(LOG.public)).encode()},
        "identity.txt": {"file": identity_file()},
        "text.txt": _texts(),
        "imports.txt": _imports(),
    }


def text_of(entries: dict[str, bytes]) -> str:
    """Returns vectors as they stand in a file: a line for each, name and hexadecimal bytes."""
    return "".join(f"{name} = {raw.hex()}\n" for name, raw in entries.items())


def read(text: str) -> dict[str, bytes]:
    """Returns the vectors in a file."""
    lines = (line.rsplit(" = ", 1) for line in text.splitlines())
    return {name: bytes.fromhex(raw) for name, raw in lines}


def main() -> None:
    """Writes all files anew."""
    for name, entries in vectors().items():
        (FOLDER / name).write_text(text_of(entries), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

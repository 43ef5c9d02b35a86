"""Identifiers and the one registry of hashing and signing contexts.

Knows how ids look as bytes and as text, and how they are derived. Must not know chance or time: random bytes and
milliseconds are passed in. Byte tables: docs/formats/bundle.md.
"""

from __future__ import annotations

import re
import struct
import uuid
from typing import NewType

from blake3 import blake3

EntityId = NewType("EntityId", bytes)
LogId = NewType("LogId", bytes)
ActorId = NewType("ActorId", bytes)
BundleId = NewType("BundleId", bytes)
WorkspaceId = NewType("WorkspaceId", bytes)

ENTITY_BYTES = 16
HASH_BYTES = 32
KEY_BYTES = 32
SIGNATURE_BYTES = 64

# Hashing contexts (BLAKE3 derive_key). Never reuse or change one: docs/formats/contexts.md lists them all.
CONTEXT_HEADER = "openprod header v1"
CONTEXT_CHUNK = "openprod chunk v1"
CONTEXT_GENESIS = "openprod genesis v1"
CONTEXT_DERIVED_ID = "openprod derived id v1"
CONTEXT_MODULE = "openprod module v1"
CONTEXT_STATE = "openprod state v1"
CONTEXT_INVITE = "openprod invite v1"
CONTEXT_INVITE_TEXT = "openprod invite text v1"
CONTEXT_KEY_ID = "openprod key id v1"
CONTEXT_OPX_KEY = "openprod opx key v1"
CONTEXT_OPX_STATEMENT = "openprod opx statement v1"
CONTEXT_OPX_WAITING = "openprod opx waiting v1"
CONTEXT_OPX_NAME = "openprod opx name v1"
CONTEXT_MARK = "openprod mark v1"
CONTEXT_TEXT = "openprod text v1"
HASH_CONTEXTS = (
    CONTEXT_HEADER,
    CONTEXT_CHUNK,
    CONTEXT_GENESIS,
    CONTEXT_DERIVED_ID,
    CONTEXT_MODULE,
    CONTEXT_STATE,
    CONTEXT_INVITE,
    CONTEXT_INVITE_TEXT,
    CONTEXT_KEY_ID,
    CONTEXT_OPX_KEY,
    CONTEXT_OPX_STATEMENT,
    CONTEXT_OPX_WAITING,
    CONTEXT_OPX_NAME,
    CONTEXT_MARK,
    CONTEXT_TEXT,
)

# Signing prefixes: what is signed is prefix || message, so a signature for one purpose is none for another.
SIGN_BUNDLE = b"openprod sign bundle v1\0"
SIGN_LOG = b"openprod sign log v1\0"
SIGN_ADMISSION = b"openprod sign admission v1\0"
SIGN_OPX = b"openprod sign opx v1\0"
SIGN_LAN = b"openprod sign lan v1\0"
SIGN_RECEIPT = b"openprod sign receipt v1\0"
SIGN_RECOVERY = b"openprod sign recovery v1\0"
SIGN_CONTEXTS = (SIGN_BUNDLE, SIGN_LOG, SIGN_ADMISSION, SIGN_OPX, SIGN_LAN, SIGN_RECEIPT, SIGN_RECOVERY)

_COUNTS = 0x1000
_VARIANT = 1 << 63
_RANDOM_BITS = (1 << 62) - 1
_HEX = re.compile(r"[0-9a-f]+")


def hash_in(context: str, *parts: bytes) -> bytes:
    """Returns the 32-byte BLAKE3 of `parts` joined, under a context of the registry.

    Parts are joined as they are: a caller whose parts vary in length puts lengths between them.
    """
    hasher = blake3(derive_key_context=context)
    for part in parts:
        hasher.update(part)
    return hasher.digest()


def chunk_hash(chunk: bytes) -> bytes:
    """Returns the hash under which a bundle's header names one of its body chunks."""
    return blake3(chunk, derive_key_context=CONTEXT_CHUNK).digest()


def bundle_id(workspace: WorkspaceId, header: bytes) -> BundleId:
    """Returns the id of the bundle whose sealed header bytes these are."""
    return BundleId(blake3(workspace + header, derive_key_context=CONTEXT_HEADER).digest())


def workspace_id(creator: ActorId, recovery: bytes, nonce: bytes) -> WorkspaceId:
    """Returns the workspace id that a genesis of creator, recovery public key and 32 random bytes gives."""
    return WorkspaceId(hash_in(CONTEXT_GENESIS, creator, recovery, nonce))


def derived_id(*names: str | bytes) -> EntityId:
    """Returns the entity id that everybody derives alike from the same names (marked as UUID version 8).

    Each name is preceded by its length, so ("ab", "c") and ("a", "bc") differ.
    """
    parts: list[bytes] = []
    for name in names:
        raw = name.encode() if isinstance(name, str) else name
        parts += [len(raw).to_bytes(4, "big"), raw]
    digest = bytearray(hash_in(CONTEXT_DERIVED_ID, *parts)[:16])
    digest[6] = (digest[6] & 0x0F) | 0x80
    digest[8] = (digest[8] & 0x3F) | 0x80
    return EntityId(bytes(digest))


def entity_ids(wall_ms: int, chance: bytes) -> list[EntityId]:
    """Returns UUIDv7 ids, one for each 10 bytes of `chance`, ascending (RFC 9562, method 1: a counter after the time).

    Args:
        wall_ms: milliseconds since 1970 UTC, the ids' time part (48 bits).
        chance: random bytes, a multiple of 10 long.
    """
    start = int.from_bytes(chance[:2], "big") & 0x7FF
    tails = struct.unpack(f">{len(chance) // 10}Q", chance[2 * (len(chance) // 10) :])
    found: list[EntityId] = []
    for page in range(0, len(tails), _COUNTS):
        # Past 12 bits the counter carries into the time part, as RFC 9562 section 6.2 allows.
        for carry, first, last in ((0, start, _COUNTS), (1, 0, start)):
            lead = (wall_ms + page // _COUNTS + carry << 16 | 0x7000) + first
            low = page + carry * (_COUNTS - start)
            some = tails[low : min(low + last - first, page + _COUNTS)]
            found += [
                EntityId((lead + n << 64 | _VARIANT | tail & _RANDOM_BITS).to_bytes(16, "big"))
                for n, tail in enumerate(some)
            ]
    return found


def id_text(entity: bytes) -> str:
    """Returns an entity id as people and files see it: lower-case dashed UUID text."""
    h = entity.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def id_from_text(text: str) -> EntityId:
    """Returns the entity id that a full UUID text names; raises ValueError for anything else."""
    if len(text) == 36 and text[8] == text[13] == text[18] == text[23] == "-":
        raw = bytes.fromhex(text.replace("-", ""))
        if len(raw) == ENTITY_BYTES:
            return EntityId(raw)
    return EntityId(uuid.UUID(text).bytes)


def op_text(bundle: bytes, ordinal: int) -> str:
    """Returns an op id for people: the first 12 hex digits of its bundle's id, a colon, its number in the bundle."""
    return f"{bundle.hex()[:12]}:{ordinal}"


def is_hex(text: str) -> bool:
    """Tells whether a text consists of lower-case hexadecimal digits only."""
    return _HEX.fullmatch(text) is not None

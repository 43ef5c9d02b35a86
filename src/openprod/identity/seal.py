"""Sealing a bundle and proving one: hash, signature, and who stands behind a log.

Knows keys and the bytes of a header. Must not know what the ops in a bundle mean, nor which admissions are
open: whether an invitation was open or an actor known is decided by `workspace` from the history it holds.
"""

from __future__ import annotations

from openprod.identity.keys import SigningSeed, is_valid_key, sign, verify
from openprod.model.bundle import (
    ADMISSION_ASKS,
    ADMISSION_CREATOR,
    ADMISSION_INVITATION,
    ADMISSION_KNOWN,
    Admission,
    ChunkRef,
    Header,
    Opening,
    Sealed,
    decode_header,
    encode_header,
)
from openprod.model.ids import (
    HASH_BYTES,
    SIGN_ADMISSION,
    SIGN_BUNDLE,
    SIGN_LOG,
    ActorId,
    BundleId,
    LogId,
    WorkspaceId,
    bundle_id,
    chunk_hash,
    workspace_id,
)
from openprod.model.ops import Malformed


def chunk_ref(raw: bytes, width: int, ops: int) -> ChunkRef:
    """Returns the entry by which a header names a body chunk of `width` ordinals in `ops` ops."""
    return ChunkRef(chunk_hash(raw), len(raw), width, ops)


def seal(
    header: Header, chunks: tuple[bytes, ...], log_seed: SigningSeed, workspace: WorkspaceId
) -> tuple[BundleId, Sealed]:
    """Returns a bundle's id and its signed bytes; the header already names its chunks, nothing is filled in."""
    assert header.log == log_seed.public, "a bundle is sealed by its own log's key"
    assert header.workspace == workspace, "a bundle is sealed in its own workspace"
    assert len(header.chunks) == len(chunks), "a header names each of its chunks"
    raw = encode_header(header)
    bundle = bundle_id(workspace, raw)
    return bundle, Sealed(raw, sign(log_seed, SIGN_BUNDLE, bundle), chunks)


def proves(log: bytes, bundle: bytes, signature: bytes) -> bool:
    """Tells whether a signature makes a bundle id its log's own; for callers that hold the decoded header."""
    return verify(log, SIGN_BUNDLE, bundle, signature)


def prove(sealed: Sealed, workspace: WorkspaceId) -> bool:
    """Tells whether a sealed bundle of this workspace carries a good signature of the log its header names.

    Says nothing of its chunks: that they are the ones the header names is `model.bundle.chunks_match`.
    """
    try:
        header = decode_header(sealed.header)
    except Malformed:
        return False
    return header.workspace == workspace and proves(header.log, bundle_id(workspace, sealed.header), sealed.signature)


def creator_admission(recovery: bytes, nonce: bytes) -> Admission:
    """Returns the admission of the log that begins a workspace.

    Args:
        recovery: the Ed25519 public key whose holder may one day recover the workspace; a valid key.
        nonce: the 32 random bytes of the workspace's id.
    """
    return Admission(ADMISSION_CREATOR, (recovery, nonce))


def opening(actor_seed: SigningSeed, workspace: WorkspaceId, log: LogId, admission: Admission) -> Opening:
    """Returns the statement, signed by the actor, that a log is theirs."""
    actor = actor_seed.public
    return Opening(actor, admission, sign(actor_seed, SIGN_LOG, workspace + log))


def check_opening(header: Header) -> bool:
    """Tells whether a log's first header proves what it says: actor, keys, genesis or the invitation's signature.

    True is not yet admitted: an invitation must have been open, a known actor known, an asking log let in.
    """
    found = header.opening
    if found is None or not is_valid_key(header.log) or not is_valid_key(found.actor):
        return False
    if not verify(found.actor, SIGN_LOG, header.workspace + header.log, found.signature):
        return False
    return _admission_holds(header, ActorId(found.actor), found.admission)


def _admission_holds(header: Header, actor: ActorId, admission: Admission) -> bool:
    data = admission.data
    if admission.kind == ADMISSION_CREATOR and len(data) == 2:
        recovery, nonce = data
        made = workspace_id(actor, recovery, nonce) == header.workspace
        return made and len(nonce) == HASH_BYTES and is_valid_key(recovery)
    if admission.kind == ADMISSION_INVITATION and len(data) == 2:
        key, signature = data
        return is_valid_key(key) and verify(key, SIGN_ADMISSION, header.workspace + actor + header.log, signature)
    return admission.kind in (ADMISSION_KNOWN, ADMISSION_ASKS) and not data

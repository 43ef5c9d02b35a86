from __future__ import annotations

import msgspec
import pytest

from openprod.identity.invite import admission_for, new_invitation
from openprod.identity.keys import SigningSeed
from openprod.identity.seal import check_opening, chunk_ref, creator_admission, opening, prove, proves, seal
from openprod.model.bundle import (
    ADMISSION_ASKS,
    ADMISSION_CREATOR,
    ADMISSION_INVITATION,
    ADMISSION_KNOWN,
    Admission,
    Cause,
    Header,
    Opening,
    Sealed,
    chunks_match,
    decode_header,
    decode_sealed,
    encode_sealed,
    id_of,
)
from openprod.model.hlc import hlc
from openprod.model.ids import ActorId, LogId, WorkspaceId, workspace_id
from openprod.model.ops import Chunk, Exist, encode_chunk

ACTOR = SigningSeed(b"actor".ljust(32))
LOG = SigningSeed(b"log".ljust(32))
RECOVERY = SigningSeed(b"recovery".ljust(32)).public
NONCE = b"n" * 32
WORKSPACE = workspace_id(ActorId(ACTOR.public), RECOVERY, NONCE)
OTHER = WorkspaceId(b"o" * 32)
CHUNK = encode_chunk(Chunk(("@exists",), b"e" * 16, b"", (Exist(0, (0, 1), (0,), (), payload=True),)))


def header_with(found: Opening, workspace: WorkspaceId = WORKSPACE) -> Header:
    return Header(
        version=1,
        workspace=workspace,
        log=LOG.public,
        seq=1,
        prev=None,
        claimed=hlc(1_760_000_000_000),
        seen=(),
        view=None,
        unread=(),
        causes=(Cause(0),),
        modules=(),
        label="",
        epoch=0,
        chunks=(chunk_ref(CHUNK, 1, 1),),
        opening=found,
    )


def by_creator() -> Header:
    return header_with(opening(ACTOR, WORKSPACE, LogId(LOG.public), creator_admission(RECOVERY, NONCE)))


def test_a_sealed_bundle_proves_in_its_own_workspace_only() -> None:
    bundle, sealed = seal(by_creator(), (CHUNK,), LOG, WORKSPACE)
    assert prove(sealed, WORKSPACE)
    assert not prove(sealed, OTHER)
    assert id_of(sealed, WORKSPACE) == bundle
    assert proves(LOG.public, bundle, sealed.signature)
    assert chunks_match(decode_header(sealed.header), sealed.chunks)


def test_the_bytes_that_were_signed_are_the_bytes_that_travel() -> None:
    _, sealed = seal(by_creator(), (CHUNK,), LOG, WORKSPACE)
    assert decode_sealed(encode_sealed(sealed)) == sealed


def test_every_bit_of_header_and_signature_counts() -> None:
    _, sealed = seal(by_creator(), (CHUNK,), LOG, WORKSPACE)
    for at in range(0, len(sealed.header), 3):
        bent = sealed.header[:at] + bytes((sealed.header[at] ^ 4,)) + sealed.header[at + 1 :]
        assert not prove(Sealed(bent, sealed.signature, sealed.chunks), WORKSPACE)
    for at in range(64):
        bent = sealed.signature[:at] + bytes((sealed.signature[at] ^ 4,)) + sealed.signature[at + 1 :]
        assert not prove(Sealed(sealed.header, bent, sealed.chunks), WORKSPACE)


def test_a_changed_chunk_is_not_the_one_the_header_names() -> None:
    _, sealed = seal(by_creator(), (CHUNK,), LOG, WORKSPACE)
    header = decode_header(sealed.header)
    assert not chunks_match(header, (CHUNK[:-1] + b"\xc2",))
    assert not chunks_match(header, ())
    assert not chunks_match(header, (CHUNK, CHUNK))


def test_a_bundle_is_sealed_by_its_own_log_in_its_own_workspace() -> None:
    with pytest.raises(AssertionError):
        seal(by_creator(), (CHUNK,), ACTOR, WORKSPACE)
    with pytest.raises(AssertionError):
        seal(by_creator(), (CHUNK,), LOG, OTHER)
    with pytest.raises(AssertionError):
        seal(by_creator(), (), LOG, WORKSPACE)


def test_the_genesis_proves_the_workspace_id() -> None:
    assert check_opening(by_creator())
    for recovery, nonce in ((LOG.public, NONCE), (RECOVERY, b"m" * 32), (RECOVERY, NONCE[:31])):
        forged = opening(ACTOR, WORKSPACE, LogId(LOG.public), creator_admission(recovery, nonce))
        assert not check_opening(header_with(forged))


def test_nobody_opens_a_log_for_somebody_else() -> None:
    stranger = SigningSeed(b"stranger".ljust(32))
    good = opening(ACTOR, WORKSPACE, LogId(LOG.public), Admission(ADMISSION_KNOWN))
    assert check_opening(header_with(good))
    forged = opening(stranger, WORKSPACE, LogId(LOG.public), Admission(ADMISSION_KNOWN))
    assert not check_opening(header_with(msgspec.structs.replace(forged, actor=ACTOR.public)))
    assert not check_opening(header_with(good, OTHER)), "an opening belongs to one workspace"
    moved = opening(ACTOR, WORKSPACE, LogId(stranger.public), Admission(ADMISSION_KNOWN))
    assert not check_opening(header_with(moved)), "an opening belongs to one log"


def test_an_invitation_admits_the_one_who_holds_its_seed() -> None:
    invitation = new_invitation(WORKSPACE, b"i" * 32, "Hamlet")
    admission = admission_for(invitation, ActorId(ACTOR.public), LogId(LOG.public))
    assert admission.kind == ADMISSION_INVITATION
    assert admission.data[0] == invitation.public
    assert check_opening(header_with(opening(ACTOR, WORKSPACE, LogId(LOG.public), admission)))

    for_another = admission_for(invitation, ActorId(LOG.public), LogId(LOG.public))
    assert not check_opening(header_with(opening(ACTOR, WORKSPACE, LogId(LOG.public), for_another)))
    elsewhere = admission_for(new_invitation(OTHER, b"i" * 32, ""), ActorId(ACTOR.public), LogId(LOG.public))
    assert not check_opening(header_with(opening(ACTOR, WORKSPACE, LogId(LOG.public), elsewhere)))


@pytest.mark.parametrize(
    "admission",
    [
        Admission(ADMISSION_CREATOR),
        Admission(ADMISSION_CREATOR, (RECOVERY,)),
        Admission(ADMISSION_INVITATION, (RECOVERY,)),
        Admission(ADMISSION_INVITATION, (b"", b"")),
        Admission(ADMISSION_INVITATION, (b"\x01" + bytes(31), b"\x01" + bytes(63))),
        Admission(ADMISSION_KNOWN, (b"x",)),
        Admission(ADMISSION_ASKS, (b"x",)),
        Admission(4),
    ],
)
def test_an_admission_of_a_wrong_form_proves_nothing(admission: Admission) -> None:
    assert not check_opening(header_with(opening(ACTOR, WORKSPACE, LogId(LOG.public), admission)))


def test_a_key_of_small_order_opens_no_log() -> None:
    point = b"\x01" + bytes(31)
    good = opening(ACTOR, WORKSPACE, LogId(LOG.public), Admission(ADMISSION_KNOWN))
    assert not check_opening(header_with(msgspec.structs.replace(good, actor=point)))
    assert not check_opening(msgspec.structs.replace(header_with(good), log=point))
    assert not check_opening(msgspec.structs.replace(header_with(good), opening=None))


def test_bytes_that_are_no_header_prove_nothing() -> None:
    assert not prove(Sealed(b"", b"", ()), WORKSPACE)
    assert not prove(Sealed(b"\x93\x01\x02\x03", bytes(64), ()), WORKSPACE)

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprod.identity.keys import SigningSeed, is_valid_key, public_of, sign, verify, workspace_key_id
from openprod.model.ids import SIGN_BUNDLE, SIGN_CONTEXTS, SIGN_LOG, WorkspaceId

SEED = SigningSeed(bytes(range(32)))
IDENTITY_POINT = b"\x01" + bytes(31)
SMALL_ORDER = bytes(32)


@given(st.binary(max_size=200), st.sampled_from(SIGN_CONTEXTS))
def test_what_is_signed_verifies_under_the_same_prefix_only(message: bytes, prefix: bytes) -> None:
    signature = sign(SEED, prefix, message)
    assert verify(public_of(SEED), prefix, message, signature)
    for other in SIGN_CONTEXTS:
        assert verify(public_of(SEED), other, message, signature) == (other == prefix)


def test_one_changed_bit_of_message_key_or_signature_does_not_verify() -> None:
    signature = sign(SEED, SIGN_BUNDLE, b"cue 11")
    assert not verify(public_of(SEED), SIGN_BUNDLE, b"cue 12", signature)
    assert not verify(SigningSeed(bytes(32)).public, SIGN_BUNDLE, b"cue 11", signature)
    for at in range(64):
        bent = signature[:at] + bytes((signature[at] ^ 1,)) + signature[at + 1 :]
        assert not verify(public_of(SEED), SIGN_BUNDLE, b"cue 11", bent)


def test_wrong_lengths_are_not_good_and_raise_nothing() -> None:
    signature = sign(SEED, SIGN_LOG, b"")
    assert not verify(public_of(SEED)[:31], SIGN_LOG, b"", signature)
    assert not verify(public_of(SEED), SIGN_LOG, b"", signature[:63])
    assert not verify(b"", SIGN_LOG, b"", b"")


def test_points_whose_signatures_nobody_made_are_no_keys() -> None:
    assert is_valid_key(public_of(SEED))
    assert not is_valid_key(IDENTITY_POINT)
    assert not is_valid_key(SMALL_ORDER)
    assert not is_valid_key(b"\xff" * 32)
    assert not is_valid_key(public_of(SEED)[:31])
    # The signature (R = identity, S = 0) would hold for any message if the identity were taken as a key.
    assert not verify(IDENTITY_POINT, SIGN_BUNDLE, b"anything", IDENTITY_POINT + bytes(32))


def test_a_seed_shows_its_public_half_only() -> None:
    seed = SigningSeed(b"secret secret secret secret 1234")
    for shown in (repr(seed), str(seed), f"{seed}", repr([seed]), repr({"seed": seed})):
        assert "secret secret" not in shown
        assert seed.reveal().hex() not in shown
        assert seed.public.hex()[:12] in shown
    with pytest.raises(TypeError):
        pickle.dumps(seed)


def test_seeds_are_equal_where_their_keys_are() -> None:
    assert SigningSeed(bytes(32)) == SigningSeed(bytes(32))
    assert len({SigningSeed(bytes(32)), SigningSeed(bytes(32)), SEED}) == 2
    assert SEED.reveal() == bytes(range(32))


def test_a_workspace_key_has_another_name_in_another_workspace() -> None:
    one, other = WorkspaceId(bytes(32)), WorkspaceId(b"\x01" * 32)
    assert workspace_key_id(one, b"k" * 32) != workspace_key_id(other, b"k" * 32)
    assert workspace_key_id(one, b"k" * 32) != workspace_key_id(one, b"l" * 32)

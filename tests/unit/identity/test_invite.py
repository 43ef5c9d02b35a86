from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprod.identity.invite import (
    PREFIX,
    IncompleteInvitation,
    NewerInvitation,
    NotAnInvitation,
    invitation_text,
    invite_public,
    new_invitation,
    read_invitation,
)
from openprod.model.ids import CONTEXT_INVITE_TEXT, WorkspaceId, hash_in

WORKSPACE = WorkspaceId(bytes(range(32)))
INVITATION = new_invitation(WORKSPACE, b"s" * 32, "Richard III")
TEXT = invitation_text(INVITATION)


def raw_text(raw: bytes) -> str:
    checked = raw + hash_in(CONTEXT_INVITE_TEXT, raw)[:5]
    return PREFIX + base64.b32encode(checked).decode().rstrip("=").lower()


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.text(max_size=60))
def test_an_invitation_comes_back_from_its_text(workspace: bytes, seed: bytes, name: str) -> None:
    made = new_invitation(WorkspaceId(workspace), seed, name)
    assert read_invitation(invitation_text(made)) == made


def test_it_is_one_line_of_small_letters_and_digits() -> None:
    body = TEXT.removeprefix(PREFIX)
    assert body.isascii()
    assert body.isalnum()
    assert body == body.lower()


def test_what_mail_programs_do_to_a_line_does_not_matter() -> None:
    broken = "\r\n > ".join((TEXT[:40], TEXT[40:90], TEXT[90:])).replace(">", "")
    assert read_invitation(broken) == INVITATION
    assert read_invitation(f"  “{TEXT.upper()}”. ") == INVITATION
    assert read_invitation(f"Join us with: {TEXT}\n") == INVITATION


def test_any_changed_or_missing_letter_is_noticed() -> None:
    start = len(PREFIX)
    for at in range(start, len(TEXT)):
        with pytest.raises(IncompleteInvitation, match="not complete"):
            read_invitation(TEXT[:at] + ("a" if TEXT[at] != "a" else "b") + TEXT[at + 1 :])
        with pytest.raises(IncompleteInvitation):
            read_invitation(TEXT[:at])


@pytest.mark.parametrize("text", ["", "hello", "openprod-invit", "https://example.org", PREFIX[:-1], "x" * 5_000])
def test_what_is_no_invitation_is_said_to_be_none(text: str) -> None:
    with pytest.raises(NotAnInvitation, match="no invitation") as caught:
        read_invitation(text)
    assert caught.value.code == "invite.not_one"


@given(st.text(max_size=200))
def test_whatever_is_pasted_gets_a_sentence(text: str) -> None:
    for pasted in (text, PREFIX + text):
        with pytest.raises((NotAnInvitation, IncompleteInvitation)):
            read_invitation(pasted)


def test_a_newer_form_asks_for_an_update() -> None:
    with pytest.raises(NewerInvitation, match="Update"):
        read_invitation(raw_text(b"\x02" + bytes(80)))


@pytest.mark.parametrize(
    "raw",
    [
        b"\x01",
        b"\x01" + bytes(64),
        b"\x01" + bytes(64) + b"\x05" + b"abc",
        b"\x01" + bytes(64) + b"\x02" + b"\xff\xff",
        b"\x01" + bytes(64) + b"\x03" + b"a\nb",
    ],
)
def test_parts_that_do_not_fit_are_refused_though_the_checksum_holds(raw: bytes) -> None:
    with pytest.raises(IncompleteInvitation):
        read_invitation(raw_text(raw))


def test_a_long_or_tricky_name_is_made_to_fit() -> None:
    made = new_invitation(WORKSPACE, b"s" * 32, "\u202eä\n" * 200)
    assert made.name == "ä" * 50
    assert read_invitation(invitation_text(made)) == made


def test_the_seed_stays_out_of_representations() -> None:
    assert (b"s" * 32).hex() not in repr(INVITATION)
    assert "Signing" not in repr(INVITATION)
    assert invite_public(INVITATION) == INVITATION.seed.public

"""Invitations: a line of letters that lets somebody in, and the admission that it proves.

Knows the byte table of docs/formats/invitation.md. Must not know whether an invitation is still open, nor chance: the
seed is passed in. An invitation is a secret: with a file of the workspace it reads everything.
"""

from __future__ import annotations

import base64
import binascii
import unicodedata
from dataclasses import dataclass, field

from openprod.identity.keys import SEED_BYTES, SigningSeed, sign
from openprod.model.bundle import ADMISSION_INVITATION, Admission
from openprod.model.errors import Refused
from openprod.model.ids import (
    CONTEXT_INVITE_TEXT,
    HASH_BYTES,
    SIGN_ADMISSION,
    ActorId,
    LogId,
    WorkspaceId,
    hash_in,
)

PREFIX = "openprod-invite-"
VERSION = 1
NAME_BYTES_MAX = 100
TEXT_CHARACTERS_MAX = 1_000
_CHECK_BYTES = 5
_FIXED_BYTES = 1 + HASH_BYTES + SEED_BYTES + 1


class NotAnInvitation(Refused):
    """A text that is no invitation at all."""

    code = "invite.not_one"

    def __init__(self) -> None:
        super().__init__(
            f"This is no invitation: one begins with “{PREFIX}”. Paste the whole line that “openprod invite” printed."
        )


class IncompleteInvitation(Refused):
    """An invitation with letters missing, added or changed."""

    code = "invite.incomplete"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"The invitation is not complete: {reason}. Copy the whole line again, from “{PREFIX}” to its last letter."
        )


class NewerInvitation(Refused):
    """An invitation in a form that this version does not know."""

    code = "invite.newer"

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(
            f"The invitation was made by a newer Openprod (form {version}). Update this device, then join again."
        )


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an invitation holds: the workspace, its name for people, and the seed of the invitation's key."""

    workspace: WorkspaceId
    name: str
    seed: SigningSeed = field(repr=False)

    @property
    def public(self) -> bytes:
        """The invitation's public key, as `invite_open` names it."""
        return self.seed.public


def new_invitation(workspace: WorkspaceId, seed: bytes, name: str) -> Invitation:
    """Returns an invitation into a workspace, from 32 random bytes.

    Args:
        name: what the joiner reads before they have anything else: the production's name. It is cut to 100 bytes, and
            letters that would not be seen are left out.
    """
    seen = "".join(letter for letter in name if not _is_hidden(letter))
    kept = seen.encode()[:NAME_BYTES_MAX].decode(errors="ignore")
    return Invitation(workspace, kept, SigningSeed(seed))


def invite_public(invitation: Invitation) -> bytes:
    """Returns the public key that a member's `invite_open` op names for this invitation."""
    return invitation.public


def admission_for(invitation: Invitation, actor: ActorId, log: LogId) -> Admission:
    """Returns the admission of a joiner's first log: the invitation's signature over workspace ‖ actor ‖ log."""
    signature = sign(invitation.seed, SIGN_ADMISSION, invitation.workspace + actor + log)
    return Admission(ADMISSION_INVITATION, (invitation.public, signature))


def invitation_text(invitation: Invitation) -> str:
    """Returns the one line to hand on; it is a secret and belongs into no log."""
    name = invitation.name.encode()
    raw = b"".join((bytes((VERSION,)), invitation.workspace, invitation.seed.reveal(), bytes((len(name),)), name))
    checked = raw + hash_in(CONTEXT_INVITE_TEXT, raw)[:_CHECK_BYTES]
    return PREFIX + base64.b32encode(checked).decode().rstrip("=").lower()


def read_invitation(text: str) -> Invitation:
    """Returns the invitation in a text as people paste it: white space, line breaks and capitals do not matter."""
    letters = "".join(text[: 2 * TEXT_CHARACTERS_MAX].split()).strip("<>\"'“”.,;").lower()
    at = letters.find(PREFIX)
    if at < 0 or len(text) > 2 * TEXT_CHARACTERS_MAX:
        raise NotAnInvitation
    body = letters[at + len(PREFIX) :]
    try:
        checked = base64.b32decode(body.upper() + "=" * (-len(body) % 8))
    except (binascii.Error, ValueError):
        raise IncompleteInvitation("it has letters that no invitation has, or ends too early") from None
    raw, check = checked[:-_CHECK_BYTES], checked[-_CHECK_BYTES:]
    if len(check) < _CHECK_BYTES or hash_in(CONTEXT_INVITE_TEXT, raw)[:_CHECK_BYTES] != check:
        raise IncompleteInvitation("some letters are missing or changed")
    return _parse(raw, body)


def _parse(raw: bytes, body: str) -> Invitation:
    if raw and raw[0] != VERSION:
        raise NewerInvitation(raw[0])
    name = raw[_FIXED_BYTES:]
    if len(raw) < _FIXED_BYTES or raw[_FIXED_BYTES - 1] != len(name) or len(name) > NAME_BYTES_MAX:
        raise IncompleteInvitation("its parts do not fit together")
    workspace = WorkspaceId(raw[1 : 1 + HASH_BYTES])
    seed = raw[1 + HASH_BYTES : 1 + HASH_BYTES + SEED_BYTES]
    try:
        found = Invitation(workspace, name.decode(), SigningSeed(seed))
    except UnicodeDecodeError:
        raise IncompleteInvitation("its name is no text") from None
    if any(map(_is_hidden, found.name)) or invitation_text(found) != PREFIX + body:
        raise IncompleteInvitation("it is not written the way Openprod writes one")
    return found


def _is_hidden(letter: str) -> bool:
    """Tells whether a letter could forge a line or hide itself where a name is shown."""
    return unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}

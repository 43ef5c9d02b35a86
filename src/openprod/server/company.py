"""The calls about who else has this production: who wrote, open invitations, and whether everything is sound.

Knows the workspace's public API. Decides nothing.
"""

from __future__ import annotations

from typing import Annotated, Protocol, TypedDict

from msgspec import Meta

from openprod.server.call import Args, Calls, Done, Name
from openprod.workspace.shapes import InvitationShape
from openprod.workspace.workspace import Workspace


class Invite(Args, frozen=True):
    """Whom an invitation is for, how many may use it (null: any number), and until which day (null: for good)."""

    label: Annotated[str, Meta(max_length=200)] = ""
    uses: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    expires: Name | None = None


class OneInvitation(Args, frozen=True):
    """Names an invitation by its key."""

    key: Name


class Invited(TypedDict):
    """The line to give away; it is shown once and kept nowhere."""

    text: str


class Soundness(TypedDict):
    """How many bundles were checked, a sentence for each thing that is damaged, and for each that is merely odd."""

    bundles: int
    damaged: list[str]
    notes: list[str]


class CompanySeat(Protocol):
    """A page's connection, as these calls see it."""

    @property
    def workspace(self) -> Workspace:
        """The production itself."""
        ...


def _revoke(seat: CompanySeat, args: OneInvitation) -> Done:
    seat.workspace.revoke_invitation(args.key)
    return {"done": True}


def _verify(seat: CompanySeat, _: Args) -> Soundness:
    found = seat.workspace.verify()
    return {"bundles": found.bundles, "damaged": found.damaged, "notes": found.notes}


_call = Calls[CompanySeat]()

PEOPLE_CALLS = (
    _call(
        "invitation.list",
        Args,
        list[InvitationShape],
        "The open invitations with their terms.",
        lambda s, _: s.workspace.invitations(),
    ),
    _call(
        "invitation.open",
        Invite,
        Invited,
        "Opens an invitation and gives its line.",
        lambda s, a: {"text": s.workspace.invite(a.label, uses=a.uses, expires=a.expires)},
    ),
    _call("invitation.revoke", OneInvitation, Done, "Closes an invitation.", _revoke),
    _call("workspace.verify", Args, Soundness, "Proves that nothing is damaged, or names what is.", _verify),
)

"""The calls for what waits: several questions settled in one go, changes held back, people who ask to be let in.

Knows the workspace's public API. Decides nothing.
"""

from __future__ import annotations

from typing import Annotated, Protocol, TypedDict

from msgspec import Meta, Struct

from openprod.server.call import Args, Calls, Done, Name, Text
from openprod.workspace.shapes import JoinerShape, NoticeShape
from openprod.workspace.view import View
from openprod.workspace.workspace import Workspace

CHOICES_MAX = 500


class Choosing(Struct, frozen=True, forbid_unknown_fields=True):
    """A question, and the write whose value settles it."""

    conflict: Name
    choose: Name


class Settle(Args, frozen=True):
    """Questions to settle in one go: all of them or none."""

    choices: Annotated[list[Choosing], Meta(min_length=1, max_length=CHOICES_MAX)]
    label: Text = ""


class OneBundle(Args, frozen=True):
    """Names a held change by its bundle."""

    bundle: Name


class OneLog(Args, frozen=True):
    """Names who waits to be let in by their log."""

    log: Name


class HeldShape(TypedDict):
    """A change that has no effect yet: `reason` is waiting, held (its author's clock is ahead) or admission."""

    bundle: str
    reason: str


class WaitingShape(TypedDict):
    """Everything that waits or is damaged: in sentences, and what a person can do something about."""

    notices: list[NoticeShape]
    held: list[HeldShape]
    joiners: list[JoinerShape]


class WaitingSeat(Protocol):
    """A page's connection, as these calls see it."""

    @property
    def view(self) -> View:
        """The production, overlay or moment that this window stands in."""
        ...

    @property
    def workspace(self) -> Workspace:
        """The production itself."""
        ...


def _settle(seat: WaitingSeat, args: Settle) -> Done:
    with seat.view.edit(args.label) as edit:
        for choice in args.choices:
            edit.resolve(choice.conflict, choose=choice.choose)
    return {"done": True}


def _waiting(seat: WaitingSeat, _: Args) -> WaitingShape:
    workspace = seat.workspace
    held: list[HeldShape] = [{"bundle": str(one["bundle"]), "reason": str(one["reason"])} for one in workspace.held()]
    return {"notices": workspace.notices(), "held": held, "joiners": workspace.joiners()}


def _accept(seat: WaitingSeat, args: OneBundle) -> Done:
    seat.workspace.accept_clock(args.bundle)
    return {"done": True}


def _admit(seat: WaitingSeat, args: OneLog) -> Done:
    seat.workspace.admit(args.log)
    return {"done": True}


_call = Calls[WaitingSeat]()

WAITING_CALLS = (
    _call("conflict.settle", Settle, Done, "Settles several questions as one step.", _settle),
    _call("waiting.list", Args, WaitingShape, "What waits or is damaged, and who asks to be let in.", _waiting),
    _call("waiting.accept", OneBundle, Done, "Lets a change in whose author's clock is ahead.", _accept),
    _call("waiting.admit", OneLog, Done, "Lets somebody in who asks.", _admit),
)

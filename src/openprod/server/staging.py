"""The calls for staging: which overlay a window stands in, what is staged there, and what becomes of it.

Knows the seat's place and the overlay's public API. Decides nothing.
"""

from __future__ import annotations

from typing import Annotated, Protocol, TypedDict

from msgspec import Meta, Struct

from openprod.server.call import Args, Calls, Done, Name
from openprod.server.standing import Standing
from openprod.workspace.shapes import ChangeShape, DriftShape, OverlayShape
from openprod.workspace.staging import Overlay
from openprod.workspace.workspace import Workspace

CHANGES_MAX = 2_000
SLOTS_MAX = 2_000


class OneOverlay(Args, frozen=True):
    """Names an overlay."""

    name: Name


class Enter(Args, frozen=True):
    """Where a window wants to stand: the overlay's name, null for the production as it is."""

    name: Name | None


class FirstChanges(Args, frozen=True):
    """How many of the lines to give."""

    limit: Annotated[int, Meta(ge=1, le=CHANGES_MAX)] = 500


class StagedSlotName(Struct, frozen=True, forbid_unknown_fields=True):
    """A staged field of a record (or `@exists`, `@in/TABLE`); null for everything staged for the record."""

    record: Name
    field: Name | None = None


class SomeSlots(Args, frozen=True):
    """Names what is staged, by record and field."""

    slots: Annotated[list[StagedSlotName], Meta(min_length=1, max_length=SLOTS_MAX)]


class CommitAs(Args, frozen=True):
    """What the commit is called in the history; empty for the overlay's name."""

    label: Annotated[str, Meta(max_length=200)] = ""


class Review(TypedDict):
    """What a commit would change, as its first lines with how many there are, and what waits for a decision."""

    count: int
    changes: list[ChangeShape]
    drift: list[DriftShape]


class Committed(TypedDict):
    """The bundle that a commit became, null where nothing of it would change anything."""

    bundle: str | None


class StagingSeat(Protocol):
    """A page's connection, as these calls see it."""

    @property
    def workspace(self) -> Workspace:
        """The production itself."""
        ...

    @property
    def overlay(self) -> Overlay:
        """The overlay this window stands in; raises NotStaging."""
        ...

    def standing(self) -> Standing:
        """Returns where this window stands."""
        ...

    def enter_overlay(self, name: str, *, is_new: bool = False) -> Standing:
        """Lets this window stand in an overlay."""
        ...

    def enter_now(self) -> Standing:
        """Lets this window stand in the production as it is."""
        ...

    def rename(self, name: str) -> Standing:
        """Gives the overlay of this window another name."""
        ...

    def tell_all(self) -> None:
        """Lets every window look again at what it shows of staging."""
        ...


def _use(seat: StagingSeat, args: Enter) -> Standing:
    return seat.enter_now() if args.name is None else seat.enter_overlay(args.name)


def _new(seat: StagingSeat, args: OneOverlay) -> Standing:
    standing = seat.enter_overlay(args.name, is_new=True)
    seat.tell_all()
    return standing


def _review(seat: StagingSeat, args: FirstChanges) -> Review:
    changes = seat.overlay.diff()
    return {"count": len(changes), "changes": changes[: args.limit], "drift": seat.overlay.drift()}


def _leave_out(seat: StagingSeat, args: SomeSlots) -> Done:
    for slot in args.slots:
        seat.overlay.knock_out(slot.record, slot.field)
    return {"done": True}


def _keep(seat: StagingSeat, args: SomeSlots) -> Done:
    for slot in args.slots:
        seat.overlay.keep(slot.record, slot.field or "@exists")
    return {"done": True}


def _theirs(seat: StagingSeat, args: SomeSlots) -> Done:
    for slot in args.slots:
        seat.overlay.theirs(slot.record, slot.field or "@exists")
    return {"done": True}


def _commit(seat: StagingSeat, args: CommitAs) -> Committed:
    bundle = seat.overlay.commit(args.label)
    seat.enter_now()
    seat.tell_all()
    return {"bundle": bundle}


def _discard(seat: StagingSeat, args: OneOverlay) -> Done:
    standing = seat.standing()
    if (standing["kind"], standing["name"]) == ("staging", args.name):
        seat.overlay.discard()
        seat.enter_now()
    else:
        seat.workspace.open_overlay(args.name).discard()
    seat.tell_all()
    return {"done": True}


_call = Calls[StagingSeat]()

STAGING_CALLS = (
    _call(
        "staging.list",
        Args,
        list[OverlayShape],
        "The overlays of this device, the oldest first.",
        lambda s, _: s.workspace.overlays(),
    ),
    _call("staging.new", OneOverlay, Standing, "Makes an overlay; this window stands in it from now on.", _new),
    _call("staging.use", Enter, Standing, "Lets this window stand in an overlay, or in the production.", _use),
    _call("staging.review", FirstChanges, Review, "What a commit would change, and what waits.", _review),
    _call("staging.leave_out", SomeSlots, Done, "Leaves staged fields or records out.", _leave_out),
    _call("staging.keep", SomeSlots, Done, "Keeps what is staged although somebody changed it meanwhile.", _keep),
    _call("staging.theirs", SomeSlots, Done, "Takes what came meanwhile instead of what is staged.", _theirs),
    _call("staging.commit", CommitAs, Committed, "Makes everything staged real, as one change.", _commit),
    _call("staging.discard", OneOverlay, Done, "Drops an overlay and everything in it.", _discard),
    _call(
        "staging.rename",
        OneOverlay,
        Standing,
        "Gives the overlay of this window another name.",
        lambda s, a: s.rename(a.name),
    ),
)

"""The calls for looking back: the history by pages, any table as of a moment, what changed between two, bringing back.

Knows the seat's place and the workspace's public API. Decides nothing.
"""

from __future__ import annotations

from typing import Annotated, Protocol, TypedDict

from msgspec import Meta

from openprod.server.call import Args, Calls, Done, Name, Text
from openprod.server.standing import Standing
from openprod.workspace.shapes import DecisionShape, HistoryPage, SinceShape
from openprod.workspace.staging import Overlay
from openprod.workspace.workspace import Workspace

MILESTONES = "core.milestones"
LINES_MAX = 2_000


class Page(Args, frozen=True):
    """A page of the history: `before` is what the page above gave as next; the rest narrows it down."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    before: int | None = None
    actor: Annotated[str, Meta(max_length=64)] = ""
    table: Text = ""
    words: Text = ""


class OneMoment(Args, frozen=True):
    """A moment: a time, a date (its end), yesterday, today, or a milestone's name; null for now."""

    moment: Name | None


class Between(Args, frozen=True):
    """Two moments to compare; null for now, or, as the first one, for when this copy last wrote."""

    since: Name | None = None
    until: Name | None = None
    limit: Annotated[int, Meta(ge=1, le=LINES_MAX)] = 500


class BringBack(Args, frozen=True):
    """Fields of a record (full keys) whose values at a moment are to be staged."""

    moment: Name
    record: Name
    fields: Annotated[list[Name], Meta(min_length=1, max_length=256)]


class NewMilestone(Args, frozen=True):
    """What this moment is to be called."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]


class Decided(Args, frozen=True):
    """How many decisions to give."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class MilestoneShape(TypedDict):
    """A named moment, when it was named and by whom."""

    name: str
    at: str
    actor_name: str


class Compared(TypedDict):
    """What changed between two moments, as its first lines with how many there are."""

    count: int
    lines: list[SinceShape]


class PastSeat(Protocol):
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

    def enter_past(self, moment: str) -> Standing:
        """Lets this window stand at a moment."""
        ...

    def enter_now(self) -> Standing:
        """Lets this window stand in the production as it is."""
        ...

    def enter_overlay(self, name: str, *, is_new: bool = False) -> Standing:
        """Lets this window stand in an overlay."""
        ...

    def tell_all(self) -> None:
        """Lets every window look again at what its frame shows."""
        ...


def _see(seat: PastSeat, args: OneMoment) -> Standing:
    return seat.enter_now() if args.moment is None else seat.enter_past(args.moment)


def _compare(seat: PastSeat, args: Between) -> Compared:
    lines = seat.workspace.changes_since(args.since, args.until)
    return {"count": len(lines), "lines": lines[: args.limit]}


def _bring_back(seat: PastSeat, args: BringBack) -> Standing:
    if seat.standing()["kind"] != "staging":
        name = f"Back to {args.moment}"
        known = {one["name"] for one in seat.workspace.overlays()}
        seat.enter_overlay(name, is_new=name not in known)
    then = seat.workspace.at(args.moment)
    try:
        seat.overlay.bring_back(then, args.record, args.fields)
    finally:
        then.close()
    seat.tell_all()
    return seat.standing()


def _milestones(seat: PastSeat, _: Args) -> list[MilestoneShape]:
    found: list[MilestoneShape] = []
    for row in seat.workspace.query(query={"from": MILESTONES}):
        entries = seat.workspace.history(str(row["id"]))
        first = entries[-1]
        found.append({"name": str(row["name"]), "at": first["at"], "actor_name": first["actor_name"]})
    return sorted(found, key=lambda one: one["at"], reverse=True)


def _milestone(seat: PastSeat, args: NewMilestone) -> Done:
    seat.workspace.milestone(args.name)
    return {"done": True}


_call = Calls[PastSeat]()

PAST_CALLS = (
    _call(
        "history.page",
        Page,
        HistoryPage,
        "A page of the history, the newest first.",
        lambda s, a: s.workspace.history_page(a.limit, before=a.before, actor=a.actor, table=a.table, words=a.words),
    ),
    _call("past.see", OneMoment, Standing, "Lets this window stand at a moment of the past, or now.", _see),
    _call("past.compare", Between, Compared, "What changed between two moments, a line a field.", _compare),
    _call("past.bring_back", BringBack, Standing, "Stages values as they were at a moment.", _bring_back),
    _call("past.milestones", Args, list[MilestoneShape], "The named moments, the newest first.", _milestones),
    _call("past.milestone", NewMilestone, Done, "Gives this moment a name, for everybody.", _milestone),
    _call(
        "conflict.decided",
        Decided,
        list[DecisionShape],
        "What was decided lately, and what there was to choose from.",
        lambda s, a: s.workspace.decisions(a.limit),
    ),
)

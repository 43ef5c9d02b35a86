"""What a person comes back to: where they left a production, and what others wrote into it since.

Knows the desk. Must not know where the place is kept (`app`) or who asks (`live`).
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Protocol, TypedDict

import msgspec

from openprod.server.call import Args, Calls, Done
from openprod.server.calls import Desk
from openprod.workspace.opening import wall_clock
from openprod.workspace.shapes import ConflictShape, LogEntry, NoticeShape

SINCE_MAX = 200
CHANGES_MAX = 12


class Left(msgspec.Struct, frozen=True):
    """Where somebody left: how many bundles the workspace had, and when (ISO 8601 in UTC)."""

    bundles: int
    at: str


class Home(TypedDict):
    """What a person comes back to.

    `left` is when they were last here, empty where they never were; `since` are the entries that others wrote after
    that, the newest first, `more` how many are left out; `staged` the overlays of this device.
    """

    left: str
    since: list[LogEntry]
    more: int
    conflicts: list[ConflictShape]
    notices: list[NoticeShape]


class Visit:
    """One run of the program as one visit of this person: what came before it is old, until they say it is all seen."""

    def __init__(
        self, desk: Desk, left: Left | None, keep: Callable[[Left], None], clock: Callable[[], int] = wall_clock
    ) -> None:
        self._clock = clock
        self._desk = desk
        self._left = left
        self._keep = keep
        self._lock = threading.Lock()

    def home(self) -> Home:
        """Returns what this person comes back to."""
        with self._lock:
            left = self._left
        status = self._desk.status()
        fresh = max(0, status["bundles"] - left.bundles) if left is not None else 0
        entries = self._desk.log_entries(min(fresh, SINCE_MAX)) if fresh else []
        return {
            "left": left.at if left is not None else "",
            "since": [shortened(one, CHANGES_MAX) for one in entries if one["actor"] != status["actor"]],
            "more": max(0, fresh - SINCE_MAX),
            "conflicts": self._desk.conflicts(),
            "notices": self._desk.notices(),
        }

    def see_all(self) -> None:
        """Takes everything that is here now for seen."""
        left = self._now()
        with self._lock:
            self._left = left
        self._keep(left)

    def end(self) -> None:
        """Keeps where this person leaves; raises what the desk raises where it cannot be read any more."""
        self._keep(self._now())

    def _now(self) -> Left:
        now = dt.datetime.fromtimestamp(self._clock() / 1000, dt.UTC)
        return Left(self._desk.status()["bundles"], now.isoformat(timespec="seconds"))


def shortened(entry: LogEntry, changes: int) -> LogEntry:
    """Returns an entry of the history with at most so many of its changes."""
    return {**entry, "ops": entry["ops"][:changes]}


class VisitSeat(Protocol):
    """A page's connection, as these calls see it."""

    @property
    def visit(self) -> Visit:
        """The visit that this run of the program is."""
        ...


def _see_all(seat: VisitSeat, _: Args) -> Done:
    seat.visit.see_all()
    return {"done": True}


_call = Calls[VisitSeat]()
VISIT_CALLS = (
    _call("home", Args, Home, "What a person comes back to.", lambda s, _: s.visit.home()),
    _call("home.seen", Args, Done, "Takes everything that is here now for seen.", _see_all),
)

"""Where windows stand: in the production as it is, in an overlay, or at a moment of the past.

A window reads and writes through the place it stands in; overlays and pasts that several windows stand in are opened
once. Knows the workspace. Must not know what a window shows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal, TypedDict

from openprod.model.errors import Missing
from openprod.workspace.moment import Past
from openprod.workspace.overlay import UnknownOverlay
from openprod.workspace.staging import Overlay
from openprod.workspace.workspace import Workspace

Kind = Literal["now", "staging", "past"]


class Standing(TypedDict):
    """Where a window stands: `name` is the overlay's or the moment's, empty for the production as it is.

    `records` is how many records are staged, `drift` how many changes of others under them wait for a decision, `kept`
    how many overlays this device has.
    """

    kind: Kind
    name: str
    records: int
    drift: int
    kept: int


class NotStaging(Missing):
    """Something of an overlay was asked for in a window that stands in none."""

    code = "server.not_staging"

    def __init__(self) -> None:
        super().__init__("This window is not in a staged set. Open one under Staging first.")


class Place:
    """An open place and how many windows stand in it."""

    def __init__(self, room: Overlay | Past, name: str) -> None:
        self.room = room
        self.name = name
        self.windows = 0
        self.is_over = False
        self._counted: tuple[object, int] | None = None

    @property
    def kind(self) -> Kind:
        """Whether it is an overlay or a past."""
        return "past" if isinstance(self.room, Past) else "staging"

    def check(self) -> None:
        """Raises UnknownOverlay where the overlay was committed or discarded, here or by another program."""
        if isinstance(self.room, Overlay):
            if not self.is_over:
                self.is_over = self.room.is_over()
            if self.is_over:
                raise UnknownOverlay(
                    f"The staged set '{self.name}' is not there any more: it was committed or discarded. You are back"
                    " in the production; nothing was written."
                )

    def drift(self) -> int:
        """Returns how many changes of others wait for a decision; counted again only where something moved."""
        if not isinstance(self.room, Overlay):
            return 0
        version = self.room.version()
        if self._counted is None or self._counted[0] != version:
            self._counted = (version, len(self.room.drift()))
        return self._counted[1]


class Places:
    """The overlays and pasts that windows of this run stand in."""

    def __init__(self, workspace: Callable[[], Workspace]) -> None:
        self._workspace = workspace
        self._open: dict[tuple[Kind, str], Place] = {}
        self._lock = threading.Lock()

    def enter_overlay(self, name: str, *, is_new: bool = False) -> Place:
        """Returns the overlay of a name, opened once; raises UnknownOverlay, or OverlayExists where it is to be new."""
        with self._lock:
            if is_new:
                return self._keep("staging", self._workspace().new_overlay(name), name)
            found = self._open.get(("staging", name))
            if found is not None and not found.is_over:
                found.windows += 1
                return found
            return self._keep("staging", self._workspace().open_overlay(name), name)

    def enter_past(self, moment: str) -> Place:
        """Returns everything as it was at a moment, derived once; raises NoSuchMoment."""
        with self._lock:
            found = self._open.get(("past", moment))
            if found is not None:
                found.windows += 1
                return found
            return self._keep("past", self._workspace().at(moment), moment)

    def leave(self, place: Place) -> None:
        """Lets a window go; the last one closes the place."""
        with self._lock:
            place.windows -= 1
            if place.windows > 0:
                return
            if self._open.get((place.kind, place.name)) is place:
                del self._open[place.kind, place.name]
            place.room.close()

    def rename(self, place: Place, overlay: Overlay, name: str) -> None:
        """Gives the overlay another name; raises OverlayExists."""
        with self._lock:
            overlay.rename(name)
            self._open.pop(("staging", place.name), None)
            place.name = name
            self._open["staging", name] = place

    def _keep(self, kind: Kind, room: Overlay | Past, name: str) -> Place:
        place = Place(room, name)
        place.windows = 1
        self._open[kind, name] = place
        return place

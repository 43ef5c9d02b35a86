"""A moment of the past as a view: everything reads, nothing writes."""

from __future__ import annotations

from openprod.model.bundle import Cause
from openprod.workspace import (
    past,
)
from openprod.workspace.desk import Desk
from openprod.workspace.view import View
from openprod.workspace.write import Edit


class Past(View):
    """A workspace as it was at a moment: everything reads, nothing writes."""

    def __init__(self, base: View, desk: Desk, moment: str) -> None:
        super().__init__(desk)
        self.base = base
        self.moment = moment
        self._is_left = False

    def close(self) -> None:
        """Leaves the moment; its copy is kept a while for the next look. A second call does nothing."""
        with self.base.desk.lock:
            if not self._is_left:
                self._is_left = True
                self.base.desk.moments.leave(self.desk)

    def edit(self, label: str = "", cause: Cause | None = None) -> Edit:
        """Refused: the past is not written."""
        del label, cause
        raise past.PastIsRead(
            f"Nothing is written into the past ({self.moment}). Bring back what you want of it into an overlay."
        )

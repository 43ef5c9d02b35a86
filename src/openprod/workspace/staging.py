"""An overlay as a view: reads as if it were committed, stages what is edited, and ends in a commit or in nothing."""

from __future__ import annotations

from collections.abc import Sequence

from openprod.model.errors import Refused
from openprod.model.ops import Set as SetOp
from openprod.store.overlays import Overlays
from openprod.workspace import (
    undo,
)
from openprod.workspace.building import ChunkBuilder, Sight
from openprod.workspace.meaning import Changes
from openprod.workspace.moment import Past
from openprod.workspace.overlay import (
    OverlayDesk,
    OverlayExists,
    change_shape,
    drift_shape,
)
from openprod.workspace.shapes import (
    ChangeShape,
    DriftShape,
    LogEntry,
)
from openprod.workspace.view import View

OVERLAY_NAME_MAX = 200


class Overlay(View):
    """What is staged under a name, above everything that is there.

    Everything reads as if it were committed, edits are staged, nothing leaves the device.
    """

    desk: OverlayDesk

    def __init__(self, base: View, desk: OverlayDesk, wanted: str = "") -> None:
        super().__init__(desk)
        self.desk = desk
        self._wanted = wanted
        self.base = base
        self._watching = base.on_changes(self._hear)

    def _hear(self, changes: Changes) -> None:
        """Passes on what changed below."""
        self.desk.tell(changes)

    @property
    def title(self) -> str:
        """The overlay's name."""
        return self._wanted or self.desk.row.name

    def show(self) -> None:
        """Lets everybody here see an overlay that was hidden while it was filled; raises OverlayExists."""
        wanted, self._wanted = self._wanted, ""
        if wanted:
            self.rename(wanted)

    def version(self) -> object:
        """Returns what changes whenever what is staged, or what it is staged over, does."""
        with self.desk.reading():
            return self.desk.version()

    def is_over(self) -> bool:
        """Tells whether it was committed or discarded, here or by another program."""
        with self.base.desk.lock:
            return self.desk.is_over()

    def close(self) -> None:
        """Forgets the copy; what is staged stays, in the workspace's file."""
        with self.desk.lock:
            self._watching.close()
            self.desk.db.close()

    # -- what is staged

    def diff(self) -> list[ChangeShape]:
        """Returns what a commit would change, a line a field, as a person approves it."""
        return [change_shape(one) for one in self.desk.changes()]

    def drift(self) -> list[DriftShape]:
        """Returns what changed under it meanwhile and waits for a decision."""
        return [drift_shape(one) for one in self.desk.drift()]

    def keep(self, record: str, field: str) -> None:
        """Keeps what is staged in a field (or `@exists`, `@in/TABLE`) although somebody changed it meanwhile."""
        self.desk.keep(self._subject(record), field)

    def theirs(self, record: str, field: str) -> None:
        """Takes what came meanwhile; what was staged there is dropped."""
        self.desk.theirs(self._subject(record), field)

    def knock_out(self, record: str, field: str | None = None) -> None:
        """Leaves one staged field out, or everything staged for a record. A staged change's own id names its slot."""
        if field is None and ":" in record and record.partition(":")[2].isdigit():
            with self.desk.reading():
                op = self.desk.op_at(self.desk.oid_of(record))
            self.desk.knock_out(op.subjects[0], op.keys[0])
            return
        self.desk.knock_out(self._subject(record), field)

    def _subject(self, record: str) -> bytes:
        with self.desk.reading():
            return self.desk.uuid_in(record, {}, ())

    def bring_back(self, then: Past, record: str, fields: Sequence[str]) -> None:
        """Stages the values that some fields of a record, by full key, had at a moment."""
        subject = self._subject(record)
        with then.desk.reading():
            found = then.desk.record_of(subject)
            values = then.desk.meaning.values_of(found, fields) if found is not None else {}

        def build(builder: ChunkBuilder, sight: Sight) -> None:
            for key in fields:
                builder.add(SetOp, subject, key, sight.heads(subject, key), values.get(key))

        with self.edit(f"Bring back from {then.moment}") as edit:
            edit.build_with(build)

    def undo(self, *, rest: bool = False) -> str:
        """Takes the last step of staging back and returns its label; raises NothingToUndo."""
        del rest
        return self._stepped("undo", self.desk.undo())

    def redo(self, *, rest: bool = False) -> str:
        """Takes the step that was taken back last again and returns its label; raises NothingToUndo."""
        del rest
        return self._stepped("redo", self.desk.redo())

    def _stepped(self, what: str, label: str | None) -> str:
        if label is None:
            raise undo.NothingToUndo(f"There is nothing to {what} in '{self.title}'.")
        return label or "a change"

    def can_undo(self) -> tuple[str | None, str | None]:
        """Returns the labels of what undo and redo would do here, None where there is nothing."""
        with self.desk.reading():
            labels = [steps[-1] or "a change" if steps else None for steps in self.desk.steps()]
        return labels[0], labels[1]

    # -- its end

    def commit(self, label: str = "") -> str | None:
        """Writes everything staged as one bundle and ends the overlay.

        Returns the bundle's id in hex, None where nothing of it would change anything; raises UndecidedDrift or
        NothingStaged.
        """
        bundle = self.desk.commit_all(label)
        self.close()
        return bundle

    def discard(self) -> None:
        """Drops the overlay and everything in it; what everybody has is untouched."""
        with self.desk.lock, self.desk.base.db.transaction():
            Overlays(self.desk.base.db).drop(self.desk.row.id)
        self.close()

    def rename(self, name: str) -> None:
        """Gives the overlay another name; raises OverlayExists."""
        with self.desk.lock:
            store = Overlays(self.desk.base.db)
            with self.desk.base.db.transaction():
                checked_name(store, name)
                store.rename(self.desk.row.id, name)
            self.desk.row = self.desk.row._replace(name=name)

    # -- history, with what is staged marked so

    def history(self, record: str, field: str | None = None) -> list[LogEntry]:
        """Returns every change of a record or of one field, the newest first, staged ones marked so."""
        return self._marked(super().history(record, field))

    def log_entries(self, limit: int = 50) -> list[LogEntry]:
        """Returns the last bundles, the newest first, what is staged marked so."""
        return self._marked(super().log_entries(limit))

    def _marked(self, entries: list[LogEntry]) -> list[LogEntry]:
        for entry in entries:
            if self.desk.is_mine(bytes.fromhex(entry["bundle"])):
                entry["cause"] = f"staged in {self.title}"
        return entries


def checked_name(store: Overlays, name: str) -> None:
    """Raises OverlayExists where an overlay of that name is there, Refused where it is no name."""
    if not name.strip() or len(name) > OVERLAY_NAME_MAX:
        raise Refused(f"An overlay needs a name of 1 to {OVERLAY_NAME_MAX} characters.")
    if store.find(name) is not None:
        raise OverlayExists(f"There is an overlay '{name}' already. Choose another name.")

"""The production itself: a view of what everybody has, and what goes in and out of it.

Exchange with other devices, who is in, overlays and moments above it, and the care of its file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from openprod.catalog.templates import Template
from openprod.identity.invite import invitation_text, new_invitation
from openprod.identity.keys import sign
from openprod.model.bundle import Cause, Frontier, Sealed
from openprod.model.ids import LogId, derived_id, id_text
from openprod.model.ops import InviteOpen
from openprod.model.slots import INVITE
from openprod.model.values import BlobRef
from openprod.store.blobs import Blobs
from openprod.store.overlays import HIDDEN, OverlayRow, Overlays
from openprod.workspace import (
    admission,
    blobs,
    heal,
    past,
    verify,
)
from openprod.workspace.desk import BLOBS_FOLDER, DATABASE_NAME
from openprod.workspace.ingest import Report, portions
from openprod.workspace.meaning import Changes
from openprod.workspace.moment import Past
from openprod.workspace.overlay import (
    OverlayDesk,
    UnknownOverlay,
    overlay_shape,
)
from openprod.workspace.shapes import (
    InvitationShape,
    JoinerShape,
    OverlayShape,
)
from openprod.workspace.staging import Overlay, checked_name
from openprod.workspace.templating import seed_name, stage_seed
from openprod.workspace.view import View

# A hidden overlay that is older was left behind by a program that was stopped.
LEFT_BEHIND_MS = 6 * 3_600_000


class Workspace(View):
    """One open production. A context manager; safe from any thread."""

    # -- what it is

    @property
    def log_id(self) -> LogId:
        """The id of the log this copy writes; a copy that never wrote opens one, by introducing its person."""
        with self.desk.lock:
            if self.desk.own_key() is None:
                self._introduce()
            return self.desk.open_log().log

    def _introduce(self) -> None:
        """Writes this person's name, which opens the log."""
        identity = self.desk.home.need_identity()
        uuid = derived_id("core.people", identity.actor.hex())
        with self.edit("Hello") as edit:
            if self.desk.is_known(uuid):
                edit.put(id_text(uuid), into="core.people")
            else:
                edit.add_record("core.people", {"key": identity.actor.hex(), "name": identity.name}, record_id=uuid)

    # -- exchange

    def frontier(self) -> Frontier:
        """Returns what is applied here."""
        with self.desk.lock:
            self.desk.follow()
            return heal.frontier(self.desk.log, self.desk.ingest.quarantine)

    def bundles(self, since: Frontier | None = None) -> Iterator[Sealed]:
        """Yields the bundles a frontier does not cover, in causal order, those that wait here last."""
        desk = self.desk
        with desk.lock:
            desk.follow()
            # What others are to know of our log must be on our disk first, or a power cut could make it say less.
            desk.fix_mark()
            known = verify.covered(desk.log, since or ())
            numbers = [one for one in desk.log.in_order() if one not in known and not desk.log.is_local(one)]
            waiting = desk.pending.ids()
        for number in numbers:
            with desk.lock:
                sealed = heal.sound(desk, number)
            if sealed is not None:
                yield sealed
        for bundle in waiting:
            with desk.lock:
                kept = desk.pending.sealed(bundle)
            if kept is not None:
                yield kept

    def ingest(self, bundles: Iterable[Sealed]) -> Report:
        """Takes bundles in: what is authentic applies or waits, what is not is dropped and named in the report.

        However many come, a few thousand are held at a time: each portion is kept, or on any error none of it; the
        portions before it stay. Listeners hear of each.
        """
        report = Report()
        with self.desk.lock:
            self.desk.ingest.begin()
        for portion, is_last in portions(bundles):
            self._take_in(portion, report, is_last=is_last)
        while self.desk.ingest.has_more:
            self._take_in((), report, is_last=True)
        return report

    def _take_in(self, portion: Sequence[Sealed], report: Report, *, is_last: bool) -> None:
        desk = self.desk
        with desk.lock:
            news, healed = report.applied + report.healed, report.healed
            with desk.writing():
                fresh = desk.ingest.prove(portion, report, is_last=is_last)
                if report.healed > healed and not desk.ingest.quarantine.bundles():
                    verify.rebuild(desk)
                desk.ingest.apply(fresh, desk.clock(), report)
                own = desk.own_key()
                if own is not None and (own.log.hex() in report.forked or self._is_written_elsewhere(own.log, own.seq)):
                    desk.give_up_log()
            changes = desk.meaning.take_changes()
        if report.applied + report.healed > news:
            desk.tell(changes)

    def _is_written_elsewhere(self, log: LogId, mark: int) -> bool:
        """Tells whether our own log came back with more in it than this copy ever wrote: somebody else has its key."""
        arms = self.desk.log.branches_of(log)
        key = self.desk.home.log_key(self.desk.id, self.desk.folder / DATABASE_NAME)
        return bool(arms) and arms[0].seq > max(mark, key.seq if key is not None else 0)

    def release(self) -> Report:
        """Tries again what waits: a clock may have been reached."""
        return self.ingest(())

    def accept_clock(self, bundle: str) -> None:
        """Accepts a bundle (a beginning of its id) held as its author's clock is ahead; everybody hears of it."""
        with self.edit("Accept a change with a wrong clock") as edit, self.desk.reading():
            admission.stage_accept(self.desk, edit, bundle)
        self.release()

    def joiners(self) -> list[JoinerShape]:
        """Returns who waits to be let in: somebody used an invitation that is closed here, or asks."""
        with self.desk.reading():
            return admission.joiners(self.desk)

    def admit(self, log: str) -> None:
        """Lets a log in (a beginning of its id) that waits; everybody hears of it, and what waited for it applies."""
        with self.edit("Let somebody in") as edit, self.desk.reading():
            admission.stage_admit(self.desk, edit, log)
        self.release()

    def held(self) -> list[dict[str, object]]:
        """Returns the bundles that have no effect yet: id, log, seq, reason and what they wait for."""
        with self.desk.reading():
            return [
                {
                    "bundle": one.id.hex(),
                    "log": one.log.hex(),
                    "seq": one.seq,
                    "reason": one.reason,
                    "detail": one.detail,
                }
                for one in self.desk.pending.all()
            ]

    def sign_with_log(self, prefix: bytes, message: bytes) -> bytes:
        """Returns the signature of this copy's log over prefix and message."""
        with self.desk.lock:
            return sign(self.desk.open_log().seed, prefix, message)

    def keys(self) -> list[tuple[int, bytes, bytes]]:
        """Returns the workspace keys as (epoch, key, key id), the one in use last."""
        return [(one.epoch, one.key, one.key_id) for one in self.desk.home.workspace_keys(self.desk.id)]

    def invite(self, label: str = "", *, uses: int | None = None, expires: str | None = None) -> str:
        """Opens an invitation and returns its text: whoever has it, and a file or a connection, is in.

        Args:
            label: whom it is for.
            uses: for how many people; None for any number.
            expires: the day, or day and time, until which it can be used (2026-01-12: until its end); None for good.
        """
        desk = self.desk
        invitation = new_invitation(desk.id, desk.chance(32), self.name)
        with desk.reading():
            until = past.ms_of(desk, expires) if expires is not None else None
        payload = admission.terms(invitation.public, label, uses, until, desk.clock())
        with self.edit("Invite somebody") as edit:
            edit.write_raw(InviteOpen, derived_id("invite", invitation.public), INVITE, payload)
        return invitation_text(invitation)

    def invitations(self) -> list[InvitationShape]:
        """Returns the open invitations with their terms."""
        with self.desk.reading():
            return admission.invitations(self.desk)

    def open_invitations(self) -> list[bytes]:
        """Returns the public keys of the open invitations that still let somebody in, the newest first."""
        with self.desk.reading():
            return [bytes.fromhex(one["key"]) for one in admission.invitations(self.desk) if one["is_good"]]

    def revoke_invitation(self, key: str) -> None:
        """Closes an invitation, given its public key in hex or a beginning of it.

        Whoever did not use it yet, as far as is known here, has to be admitted by a member.
        """
        with self.edit("Close an invitation") as edit, self.desk.reading():
            admission.stage_revoke(self.desk, edit, key)

    # -- files that devices exchange

    def blobs_lacking(self) -> list[BlobRef]:
        """Returns the files that the history names and that are not on this device."""
        with self.desk.reading():
            return list(blobs.lacking(self.desk).values())

    def blobs_held(self) -> list[BlobRef]:
        """Returns the files that the history names and that are on this device."""
        with self.desk.reading():
            return list(blobs.held(self.desk).values())

    def take_blobs(self, folder: str | Path) -> int:
        """Takes files that are lacking here from a stick, or from a copy of the production; returns how many.

        Each is kept only if its bytes are those that the history names.
        """
        with self.desk.lock:
            return blobs.bring(self.desk, self._blobs_in(Path(folder)))

    def give_blobs(self, folder: str | Path) -> int:
        """Puts the files of the production into a folder, in the clear, for `take_blobs`; returns how many were new."""
        with self.desk.lock:
            return blobs.give(self.desk, self._blobs_in(Path(folder)))

    def _blobs_in(self, folder: Path) -> Blobs:
        self.desk.check_open()
        if not folder.is_dir():
            raise blobs.NoSuchFolder(
                f"There is no folder {folder}. Check the name, and whether the stick is connected."
            )
        inside = folder if folder.name == BLOBS_FOLDER else folder / BLOBS_FOLDER
        return Blobs(inside, self.desk.chance, durable=self.desk.db.is_durable)

    # -- the time machine

    def at(self, moment: str) -> Past:
        """Returns everything as it was at a time, a date (its end) or a milestone; close it when done.

        The first look derives it from the history, which takes as long as a rebuild of what was there then. The last
        few moments are kept, as long as no work with an earlier clock arrives that belongs to them.
        """
        desk = self.desk
        with desk.lock:
            with desk.reading():
                found = past.moment_of(desk, moment)
            copy = desk.moments.look_at(found.bundles, lambda: verify.derive_copy(desk, found.bundles))
            return Past(self, copy, moment)

    # -- staging

    def overlays(self) -> list[OverlayShape]:
        """Returns the overlays of this device, the oldest first."""
        with self.desk.reading():
            return [overlay_shape(row) for row in Overlays(self.desk.db).all()]

    def overlay(self, name: str, *, source: str = "", cause: Cause | None = None) -> Overlay:
        """Returns the overlay of a name, made if it is not there.

        Reads and edits as a workspace does, on this device only.

        Args:
            name: what people call it.
            source: what fills it, if not a person's hand: an import's file, a script.
            cause: the cause that its commit has, if not the overlay itself.
        """
        with self.desk.lock:
            self.desk.follow()
            if Overlays(self.desk.db).find(name) is None:
                return self.new_overlay(name, source=source, cause=cause)
            return self.open_overlay(name)

    def new_overlay(
        self, name: str, *, source: str = "", cause: Cause | None = None, is_hidden: bool = False
    ) -> Overlay:
        """Returns a new overlay; raises OverlayExists where there is one of that name.

        `is_hidden` leaves it out of every list until its `show`: for whoever fills it first. What was left behind like
        that, because the program was stopped in the middle, goes with the next one.
        """
        with self.desk.lock:
            store = Overlays(self.desk.db)
            overlay, now = self.desk.chance(16), self.desk.clock()
            with self.desk.db.transaction():
                # Within the transaction, as another program may be making it right now.
                checked_name(store, name)
                for left, made in store.hidden():
                    if now - made > LEFT_BEHIND_MS:
                        store.drop(left)
                store.make(overlay, f"{HIDDEN}{overlay.hex()}" if is_hidden else name, source, now, cause)
            row = store.row(overlay)
            if row is None:
                raise AssertionError("an overlay that was just made is not there")
            return Overlay(self, OverlayDesk(self.desk, row), wanted=name if is_hidden else "")

    def open_overlay(self, name: str) -> Overlay:
        """Returns the overlay of a name; raises UnknownOverlay naming what there is."""
        with self.desk.lock:
            return Overlay(self, OverlayDesk(self.desk, self._overlay_row(name)))

    def _overlay_row(self, name: str) -> OverlayRow:
        self.desk.follow()
        rows = Overlays(self.desk.db).all()
        row = next((one for one in rows if one.name == name), None)
        if row is None:
            names = ", ".join(one.name for one in rows)
            there = f"There are: {names}." if names else "There are none yet."
            raise UnknownOverlay(f"There is no overlay '{name}'. {there}")
        return row

    def _stage_seed(self, template: Template) -> None:
        """Stages a template's records in an overlay of their own, for a look; not again where that is there already."""
        name = seed_name(template)
        if any(one["name"] == name for one in self.overlays()):
            return
        view = self.new_overlay(name, source=template.name)
        try:
            if not stage_seed(view.desk, template):
                view.discard()
        finally:
            view.close()

    def overlay_in_use(self) -> str | None:
        """Returns the name of the overlay that the command line works in here, None for the production itself."""
        with self.desk.reading():
            return Overlays(self.desk.db).in_use()

    def use_overlay(self, name: str | None) -> None:
        """Lets the command line work in an overlay here, or (None) in the production; raises UnknownOverlay."""
        with self.desk.lock:
            found = None if name is None else self._overlay_row(name).id
            with self.desk.db.transaction():
                Overlays(self.desk.db).use(found)

    # -- care

    def verify(self, progress: Callable[[int, int], None] | None = None) -> verify.Findings:
        """Checks every hash, signature, link and derived row; what is damaged is set aside and named from then on."""
        with self.desk.lock:
            self.desk.follow()
            findings = verify.check(self.desk, progress)
            heal.keep(self.desk, findings)
        return findings

    def rebuild(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Derives everything from the log again."""
        with self.desk.lock, self.desk.writing():
            verify.rebuild(self.desk, progress)
        self.desk.tell(Changes(is_schema=True, is_history=True))

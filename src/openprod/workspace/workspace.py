"""The public face of a workspace: what Python callers, the command line and the local server use.

Every method takes the desk's lock, asks `reading`, `write` or `ingest`, and hands out plain dictionaries (`shapes`).
The real clock and real chance enter here, as default arguments.
"""

from __future__ import annotations

import getpass
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from openprod.catalog.tables import Catalog
from openprod.identity.invite import Invitation, admission_for, invitation_text, new_invitation, read_invitation
from openprod.identity.keys import SigningSeed, sign
from openprod.identity.seal import creator_admission
from openprod.model.bundle import CAUSE_EDIT, CAUSE_GENESIS, CAUSE_JOIN, CAUSE_LINK, Cause, Frontier, Sealed
from openprod.model.errors import Refused
from openprod.model.ids import ActorId, LogId, WorkspaceId, derived_id, id_text, workspace_id
from openprod.model.ops import InviteOpen, InvitePayload
from openprod.model.ops import Set as SetOp
from openprod.model.slots import INVITE
from openprod.model.values import Plain
from openprod.query.functions import SQL_FUNCTIONS
from openprod.store.database import Database, DatabaseDamaged, NotAWorkspace, translated
from openprod.store.home import Home
from openprod.store.overlays import OverlayRow, Overlays
from openprod.workspace import (
    admission,
    adopt,
    finding,
    heal,
    links,
    matches,
    past,
    reading,
    repair,
    undo,
    verify,
    windows,
)
from openprod.workspace.asking import Answer, Asker, Live, Question
from openprod.workspace.building import ChunkBuilder, Sight
from openprod.workspace.desk import DATABASE_NAME, Desk
from openprod.workspace.ingest import Report, portions
from openprod.workspace.meaning import Changes
from openprod.workspace.overlay import (
    OverlayDesk,
    OverlayExists,
    UnknownOverlay,
    change_shape,
    drift_shape,
    overlay_shape,
)
from openprod.workspace.shapes import (
    ChangeShape,
    ConflictShape,
    DriftShape,
    FieldShape,
    FoundShape,
    InvitationShape,
    JoinerShape,
    LinkShape,
    LogEntry,
    MappingShape,
    MatchShape,
    NamedShape,
    NoticeShape,
    OverlayShape,
    RecordShape,
    RelationColumn,
    RelationShape,
    SinceShape,
    StatusShape,
    TableShape,
)
from openprod.workspace.staged import NotInOverlay
from openprod.workspace.write import Edit

Clock = Callable[[], int]
Chance = Callable[[int], bytes]

NAME_SETTING = "name"
MILESTONES = "core.milestones"
OVERLAY_NAME_MAX = 200
FOLDERS = ("blobs", "imports", "exports")


def wall_clock() -> int:
    """Returns the device's clock: milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class FolderTaken(Refused):
    """The folder for a new workspace holds something already."""

    code = "workspace.folder_taken"


class NotJoined(Refused):
    """What was given to join with does not bring in the whole beginning of the workspace."""

    code = "workspace.not_joined"


class Watching:
    """A listener's place in the list; `close` takes it out."""

    def __init__(self, listeners: list[Callable[[Changes], None]], listener: Callable[[Changes], None]) -> None:
        self._listeners = listeners
        self._listener = listener
        listeners.append(listener)

    def close(self) -> None:
        """Stops listening; a second call does nothing."""
        if self._listener in self._listeners:
            self._listeners.remove(self._listener)


class Subscription(Watching):
    """A question that stays asked, with the window of its rows that is kept up to date."""

    def __init__(self, listeners: list[Callable[[Changes], None]], live: Live) -> None:
        super().__init__(listeners, live.hear)
        self._live = live
        try:
            # Behind the listening, not before it: a commit in between would be missed.
            live.start()
        except BaseException:
            self.close()
            raise

    def set_window(self, offset: int, limit: int) -> None:
        """Moves the window; the callback gets what that changes."""
        self._live.move(offset, limit)


class Workspace:
    """One open production. A context manager; safe from any thread.

    Records are named by id, a unique beginning of it, or TABLE:KEY (`lighting.cues:11`).
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.linked = links.acted
        self._asker = Asker(desk)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file and forgets the keys."""
        self.desk.close()

    # -- what it is

    @property
    def id(self) -> str:
        """The workspace's id in hex."""
        return self.desk.id.hex()

    @property
    def workspace_id(self) -> WorkspaceId:
        """The workspace's id."""
        return self.desk.id

    @property
    def path(self) -> Path:
        """The workspace's folder."""
        return self.desk.folder

    @property
    def home(self) -> Home:
        """The per-user state directory that this workspace writes with."""
        return self.desk.home

    @property
    def name(self) -> str:
        """What the production is called; the folder's name where nobody named it."""
        with self.desk.reading():
            record = self.desk.record_of(derived_id("core.settings", NAME_SETTING))
            eid = record.eid if record is not None else 0
            row = self.desk.db.one('SELECT value FROM "core.settings" WHERE "~eid" = ?', (eid,))
            return row[0] if row is not None and isinstance(row[0], str) and row[0] else self.desk.folder.name

    @property
    def actor(self) -> str:
        """The key, in hex, of the person who writes here."""
        return self.desk.home.need_identity().actor.hex()

    @property
    def log(self) -> str:
        """The id, in hex, of the log this copy writes; empty before its first edit."""
        key = self.desk.own_key()
        return key.log.hex() if key is not None else ""

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

    @property
    def catalog(self) -> Catalog:
        """The tables, fields and relations there are."""
        with self.desk.lock:
            self.desk.follow()
            return self.desk.catalog

    def status(self) -> StatusShape:
        """Returns where this workspace stands."""
        name = self.name
        with self.desk.reading():
            return reading.status(self.desk, name)

    def notices(self) -> list[NoticeShape]:
        """Returns what is worth knowing and blocks nothing."""
        with self.desk.reading():
            return reading.notices(self.desk, self.desk.clock())

    # -- tables and records

    def tables(self) -> list[TableShape]:
        """Returns every table with its number of records."""
        with self.desk.reading():
            return reading.tables(self.desk)

    def fields(self, table: str) -> list[FieldShape]:
        """Returns a table's fields in order."""
        with self.desk.reading():
            return reading.fields(self.desk, table)

    def ref(self, text: str) -> str:
        """Returns the id that a reference means; raises UnknownRecord or AmbiguousRecord."""
        with self.desk.reading():
            return id_text(self.desk.uuid_in(text, {}, ()))

    def record(self, record: str) -> RecordShape:
        """Returns a record, deleted ones too."""
        with self.desk.reading():
            return reading.record(self.desk, self.desk.uuid_in(record, {}, ()))

    def find(self, text: str, tables: Sequence[str] = (), limit: int = 20) -> list[FoundShape]:
        """Returns records by words in their titles, then in their fields; see `finding.find`."""
        with self.desk.reading():
            return finding.find(self.desk, text, tables, limit)

    def named(self, texts: Sequence[str], tables: Sequence[str] = ()) -> list[NamedShape]:
        """Returns which record each typed text means, or why it means none; see `finding.named`."""
        with self.desk.reading():
            return [finding.named(self.desk, text, tables) for text in texts]

    def relation_columns(self, table: str) -> list[RelationColumn]:
        """Returns the relations that records of a table can have, each as a column."""
        with self.desk.reading():
            return windows.columns(self.desk, table)

    def relations(self, record: str) -> list[RelationShape]:
        """Returns a record's relations."""
        with self.desk.reading():
            return reading.relations(self.desk, self.desk.uuid_in(record, {}, ()))

    def edit(self, label: str = "", cause: Cause | None = None) -> Edit:
        """Returns an edit: a context manager whose changes become one bundle, or nothing on an exception."""
        return Edit(self.desk, label, cause if cause is not None else Cause(CAUSE_EDIT), self._settle)

    def _settle(self, edit: Edit, question: str, choose: int | str | None, value: object) -> None:
        with self.desk.reading():
            reading.stage_resolution(self.desk, edit, question, choose, value)

    # -- queries

    def query(
        self,
        text: str | None = None,
        from_: str | None = None,
        query: Mapping[str, object] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        **params: object,
    ) -> list[dict[str, object]]:
        """Returns the rows of a saved query's name, a condition with `from_`, or the full form as a mapping."""
        return self._asker.rows(Question(text, from_, query, limit, offset, params))

    def answer(
        self,
        text: str | None = None,
        from_: str | None = None,
        query: Mapping[str, object] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        params: Mapping[str, object] | None = None,
    ) -> AbstractContextManager[Answer]:
        """Returns a context that gives a question's columns and its rows one by one, however many there are."""
        return self._asker.answer(Question(text, from_, query, limit, offset, params or {}))

    def count(self, table: str, where: str | None = None) -> int:
        """Returns how many records of a table a condition holds for."""
        return self._asker.count(Question(where, table, None, None, None, {}))

    def count_query(self, query: Mapping[str, object], **params: object) -> int:
        """Returns how many rows a query in full form has, its own limit aside."""
        return self._asker.count(Question(None, None, query, None, None, params))

    def window(
        self, query: Mapping[str, object], *, offset: int = 0, limit: int = 200, cells: str | None = None
    ) -> windows.Window:
        """Returns a window of a query's rows from one state of the workspace; see `windows.read`.

        With `cells`, a table whose cells the rows show, each row has heads, conflicts and the ends of its relations.
        """
        with self.desk.reading():
            question = Question(None, None, query, limit, offset, {})
            return windows.read(self.desk, self._asker, question, cells)

    def place(self, query: Mapping[str, object], record: str) -> int | None:
        """Returns the place of a record among a query's rows, from 0; None where it is not among them."""
        with self.desk.reading():
            return windows.place(self.desk, self._asker, query, self.desk.uuid_in(record, {}, ()))

    def explain(
        self,
        text: str | None = None,
        from_: str | None = None,
        query: Mapping[str, object] | None = None,
        **params: object,
    ) -> str:
        """Returns the SQL of a query and SQLite's plan for it."""
        return self._asker.explain(Question(text, from_, query, None, None, params))

    def subscribe(
        self,
        query: Mapping[str, object] | str,
        callback: Callable[[list[dict[str, object]]], None],
        offset: int = 0,
        limit: int = 200,
        **params: object,
    ) -> Subscription:
        """Calls back with row-level changes after each commit that touches a query; see `asking.Live`."""
        text, full = (query, None) if isinstance(query, str) else (None, query)
        live = Live(self._asker, Question(text, None, full, limit, offset, params), callback)
        return Subscription(self.desk.listeners, live)

    def on_changes(self, listener: Callable[[Changes], None]) -> Watching:
        """Calls back after each commit with what it changed."""
        return Watching(self.desk.listeners, listener)

    def on_change(self, callback: Callable[[], None]) -> Watching:
        """Calls back after each commit."""
        return self.on_changes(lambda _: callback())

    def poll(self) -> bool:
        """Notices what other programs committed to the same file, and lets listeners know.

        Tells whether there was anything.
        """
        with self.desk.lock:
            self.desk.follow()
            if not self.desk.has_news:
                return False
            self.desk.has_news = False
        self.desk.tell(Changes(is_schema=True, is_history=True))
        return True

    # -- questions and history

    def conflicts(self, record: str | None = None) -> list[ConflictShape]:
        """Returns the open questions, all or one record's."""
        with self.desk.reading():
            return reading.conflicts(self.desk, self.desk.uuid_in(record, {}, ()) if record is not None else None)

    def resolve(self, conflict: str | ConflictShape, *, choose: int | str | None = None, value: object = None) -> None:
        """Settles a question with an offered value (number from 1, or op id) or another value."""
        question = conflict if isinstance(conflict, str) else conflict["id"]
        with self.edit("Settle a question") as edit:
            edit.resolve(question, choose=choose, value=value)

    def history(self, record: str, field: str | None = None) -> list[LogEntry]:
        """Returns every change of a record or of one field, the newest first."""
        with self.desk.reading():
            return reading.history(self.desk, self.desk.uuid_in(record, {}, ()), field)

    def replaced(self, record: str, field: str, op: str) -> list[str]:
        """Returns in words what a change, by its id, replaced in a field (full key) of a record."""
        with self.desk.reading():
            return reading.replaced_texts(self.desk, self.desk.uuid_in(record, {}, ()), field, op)

    def log_entries(self, limit: int = 50) -> list[LogEntry]:
        """Returns the last bundles, the newest first."""
        with self.desk.reading():
            return reading.log_entries(self.desk, limit)

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
            numbers = [number for number in desk.log.in_order() if number not in known]
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

    def invite(self, label: str = "") -> str:
        """Opens an invitation and returns its text: whoever has it, and a file or a connection, is in."""
        desk = self.desk
        invitation = new_invitation(desk.id, desk.chance(32), self.name)
        payload = InvitePayload(invitation.public, label, None, None)
        with self.edit("Invite somebody") as edit:
            edit.write_raw(InviteOpen, derived_id("invite", invitation.public), INVITE, payload)
        return invitation_text(invitation)

    def invitations(self) -> list[InvitationShape]:
        """Returns the open invitations: public key and label."""
        with self.desk.reading():
            return admission.invitations(self.desk)

    def open_invitations(self) -> list[bytes]:
        """Returns the public keys of the open invitations, the newest first."""
        with self.desk.reading():
            return [
                public for (public,) in self.desk.db.rows("SELECT public FROM invite WHERE open = 1 ORDER BY oid DESC")
            ]

    def revoke_invitation(self, key: str) -> None:
        """Closes an invitation, given its public key in hex or a beginning of it.

        Whoever did not use it yet, as far as is known here, has to be admitted by a member.
        """
        with self.edit("Close an invitation") as edit, self.desk.reading():
            admission.stage_revoke(self.desk, edit, key)

    # -- modules

    def adopt(self, module: str) -> str:
        """Puts a module (shipped name or folder) into the workspace for everybody; returns its name."""
        return adopt.adopt(self.desk, module).name

    def apply_template(self, template: str) -> str:
        """Adopts a template's modules and brings its queries; returns its name."""
        return adopt.apply_template(self.desk, template).name

    def create_table(
        self, name: str, fields: Mapping[str, object], *, title: str = "", key: Sequence[str] = (), label: str = ""
    ) -> str:
        """Makes a table of this production's own and returns its full name; see `adopt.create_table`."""
        return adopt.create_table(self.desk, adopt.NewTable(name, fields, title, tuple(key), label))

    def add_field(self, table: str, name: str, spec: object) -> str:
        """Adds a field to a table, a module's or one's own, and returns its full key; see `adopt.add_field`."""
        return adopt.add_field(self.desk, table, name, spec)

    # -- the same things

    def map_fields(self, one: str, other: str) -> None:
        """Says that two fields, by full key, are the same data from now on; values that differ become questions."""
        with self.edit(f"Map {one} and {other}") as edit, self.desk.lock:
            repair.stage_map(self.desk, edit, one, other)

    def unmap_fields(self, one: str, other: str) -> None:
        """Takes a mapping back; both sides keep what they showed."""
        with self.edit(f"Unmap {one} and {other}") as edit, self.desk.lock:
            repair.stage_unmap(self.desk, edit, one, other)

    def mappings(self) -> list[tuple[str, str]]:
        """Returns the pairs of fields that people mapped."""
        with self.desk.reading():
            return repair.pairs(self.desk)

    def all_mappings(self) -> list[MappingShape]:
        """Returns the mappings that people confirmed, those that modules suggest, and those that people declined."""
        with self.desk.reading():
            return repair.mapping_shapes(self.desk)

    def suggested_mappings(self, *tables: str) -> list[MappingShape]:
        """Returns the mappings that modules hint at and nobody decided about, all or between fields of these tables."""
        with self.desk.reading():
            found = repair.suggestions(self.desk)
        if not tables:
            return found
        return [one for one in found if {one["one"].rpartition(".")[0], one["other"].rpartition(".")[0]} <= {*tables}]

    def confirm_mapping(self, mapping: str) -> MappingShape:
        """Says that what a mapping suggests is so, given its id or a beginning of it."""
        with self.edit("Confirm a mapping") as edit, self.desk.reading():
            found = repair.find_mapping(self.desk, mapping)
            repair.stage_map(self.desk, edit, found["one"], found["other"])
        return found

    def reject_mapping(self, mapping: str) -> MappingShape:
        """Says that two fields are to be kept apart, so that nobody is asked again."""
        with self.edit("Keep two fields apart") as edit, self.desk.reading():
            found = repair.find_mapping(self.desk, mapping)
            repair.stage_decline(self.desk, edit, repair.MAPPING_KIND, found["one"], found["other"])
        return found

    def matches(self) -> list[MatchShape]:
        """Returns the records that may be one, by what they have in common to the letter; nothing follows by itself."""
        with self.desk.reading():
            return matches.matches(self.desk)

    def decline_match(self, match: str) -> MatchShape:
        """Says that two records are not one, so that nobody is asked again."""
        with self.edit("Keep two records apart") as edit, self.desk.reading():
            found = matches.find(self.desk, match)
            repair.stage_decline(self.desk, edit, repair.MATCH_KIND, found["one"], found["other"])
        return found

    def merge(self, one: str, other: str) -> str:
        """Says that two records are one; returns the id that stands for it. Values that differ become questions."""
        with self.edit("Merge two records") as edit, self.desk.lock:
            uuids = [self.desk.uuid_in(reference, {}, ()) for reference in (one, other)]
            repair.stage_merge(self.desk, edit, *uuids)
        return self.ref(one)

    def differences(self, one: str, other: str) -> list[Mapping[str, Plain]]:
        """Returns the fields in which two records differ: what a merge would ask about."""
        with self.desk.reading():
            return repair.differences(self.desk, *(self.desk.uuid_in(reference, {}, ()) for reference in (one, other)))

    def split(self, record: str, tables: Sequence[str] = ()) -> tuple[str, str]:
        """Takes a merge back: one of the records goes, with these tables, or with those it was in by itself.

        Which one goes is `record`, where that is the whole id of one that was merged into another; else the one that
        was itself in most of the tables. Returns the ids that stay and go.
        """
        with self.edit("Split a record") as edit, self.desk.reading():
            uuid = self.desk.uuid_in(record, {}, ())
            named = next((one for one in self.desk.subjects_of(uuid) if id_text(one) == record.lower()), None)
            goes = repair.stage_split(self.desk, edit, uuid, tables, named)
        return self.ref(record if named != goes else id_text(uuid)), id_text(goes)

    # -- undo

    def undo(self, *, rest: bool = False) -> str:
        """Takes back the last thing this person did, as a new bundle; returns what it was.

        Raises:
            CannotUndo: somebody changed it since; the next call goes on to what was done before. With `rest` only what
                nobody changed is taken back.
            NothingToUndo: there is nothing.
        """
        return self._take_back("undo", rest=rest)

    def redo(self, *, rest: bool = False) -> str:
        """Does again what was undone last; raises as `undo`."""
        return self._take_back("redo", rest=rest)

    def _take_back(self, what: Literal["undo", "redo"], *, rest: bool) -> str:
        desk = self.desk
        with desk.lock:
            with desk.reading():
                found = undo.stacks(desk)
                numbers = found.undo if what == "undo" else found.redo
                if not numbers:
                    raise undo.NothingToUndo(f"There is nothing to {what}.")
                label = undo.label_of(desk, numbers[-1])
                cause = undo.cause_for(desk, numbers[-1], is_redo=what == "redo")
            try:
                with self.edit(f"{what.capitalize()}: {label}", cause) as edit, desk.looking():
                    undo.stage(desk, edit, numbers[-1], what=what, rest=rest)
            except undo.CannotUndo:
                undo.skip(desk, numbers[-1])
                raise
        return label

    def can_undo(self) -> tuple[str | None, str | None]:
        """Returns the labels of what undo and redo would take back and do again, None where there is nothing."""
        with self.desk.reading():
            found = undo.stacks(self.desk)
            labels = [undo.label_of(self.desk, some[-1]) if some else None for some in (found.undo, found.redo)]
        return labels[0], labels[1]

    # -- the time machine

    def at(self, moment: str) -> Past:
        """Returns everything as it was at a time, a date (its end) or a milestone; close it when done.

        Derives it anew from the history, which takes as long as a rebuild of what was there then.
        """
        with self.desk.lock:
            with self.desk.reading():
                found = past.moment_of(self.desk, moment)
            return Past(self, verify.derive_copy(self.desk, found.bundles), moment)

    def milestone(self, name: str) -> str:
        """Gives this moment a name, for everybody; returns the record's id. Raises Refused where the name is taken."""
        with self.desk.reading():
            if self.desk.db.one('SELECT 1 FROM "core.milestones" WHERE name = ?', (name,)) is not None:
                raise Refused(f"There is a milestone '{name}' already. Choose another name.")
            frontier = past.frontier_text(self.desk)
        with self.edit(f"Milestone {name}") as edit:
            return edit.add(MILESTONES, name=name, frontier=frontier)

    def changes_since(self, moment: str | None = None, until: str | None = None) -> list[SinceShape]:
        """Returns what changed since a moment (and until another), by table, record and author.

        Without a moment: since this copy last wrote, which is what others did meanwhile.
        """
        desk = self.desk
        with desk.reading():
            then = past.moment_of(desk, moment) if moment is not None else past.since_last_writing(desk)
            now = past.moment_of(desk, until).bundles if until is not None else None
            return past.since(desk, then.bundles, now)

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

    def new_overlay(self, name: str, *, source: str = "", cause: Cause | None = None) -> Overlay:
        """Returns a new overlay; raises OverlayExists where there is one of that name."""
        with self.desk.lock:
            store = Overlays(self.desk.db)
            with self.desk.db.transaction():
                # Within the transaction, as another program may be making it right now.
                checked_name(store, name)
                store.make(self.desk.chance(16), name, source, self.desk.clock(), cause)
            row = store.find(name)
            if row is None:
                raise AssertionError("an overlay that was just made is not there")
            return Overlay(self, OverlayDesk(self.desk, row))

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

    # -- tables whose records are in others too

    def link_tables(self, source: str, target: str, where: str = "") -> str:
        """Links a table to another one: its records, all or those of a condition, are in both from now on.

        Those that are there already are put into the second one now. Returns what is odd about it, empty if nothing.
        """
        with (
            self.edit(f"Link {source} to {target}", Cause(CAUSE_LINK, detail=(links.link_id(source, target),))) as edit,
            self.desk.reading(),
        ):
            links.stage_link(self.desk, edit, source, target, where)
            return links.warning(self.desk, source, target)

    def unlink_tables(self, source: str, target: str, *, is_copying: bool = True) -> int:
        """Takes a link back; returns how many copies the second table got.

        Records that the link put there are copied, so both tables keep what they show and go their own ways from now
        on; without copying they stay in both, as if a person had put them there.
        """
        cause = Cause(CAUSE_LINK, detail=(links.link_id(source, target),))
        with self.edit(f"Unlink {source} from {target}", cause) as edit, self.desk.reading():
            return links.stage_unlink(self.desk, edit, source, target, is_copying=is_copying)

    def links(self) -> list[LinkShape]:
        """Returns the links between tables, with how many records of others' making they still have to be put."""
        with self.desk.reading():
            lacking = {link.id: count for link, count in links.lacking(self.desk)}
            return [
                {
                    "id": id_text(one.id),
                    "source": one.source,
                    "target": one.target,
                    "where": one.where,
                    "lacking": lacking.get(one.id, 0),
                }
                for one in links.all_links(self.desk)
            ]

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


class Past(Workspace):
    """A workspace as it was at a moment: everything reads, nothing writes."""

    def __init__(self, base: Workspace, desk: Desk, moment: str) -> None:
        super().__init__(desk)
        self.base = base
        self.moment = moment

    def close(self) -> None:
        """Forgets the copy."""
        with self.desk.lock:
            self.desk.db.close()

    def edit(self, label: str = "", cause: Cause | None = None) -> Edit:
        """Refused: the past is not written."""
        del label, cause
        raise past.PastIsRead(
            f"Nothing is written into the past ({self.moment}). Bring back what you want of it into an overlay."
        )

    def ingest(self, bundles: Iterable[Sealed]) -> Report:
        """Refused: the past is not written."""
        del bundles
        raise past.PastIsRead("Nothing comes into the past. Sync the production itself.")


class Overlay(Workspace):
    """An overlay as a workspace.

    Everything reads as if it were committed, edits are staged, nothing leaves the device.
    """

    desk: OverlayDesk

    def __init__(self, base: Workspace, desk: OverlayDesk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.base = base
        self._watching = base.on_changes(self._hear)

    def _hear(self, changes: Changes) -> None:
        """Passes on what changed below."""
        self.desk.tell(changes)

    @property
    def title(self) -> str:
        """The overlay's name."""
        return self.desk.row.name

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

    # -- what an overlay does not do

    def ingest(self, bundles: Iterable[Sealed]) -> Report:
        """Refused: what others wrote comes into the workspace, and every overlay sees it there."""
        del bundles
        raise NotInOverlay("An overlay takes nothing in from others. Sync the production itself; the overlay follows.")

    def invite(self, label: str = "") -> str:
        """Refused: people are invited to the production."""
        del label
        raise NotInOverlay("Nobody can be invited into an overlay. Invite them to the production.")

    def bundles(self, since: Frontier | None = None) -> Iterator[Sealed]:
        """Refused: nothing of an overlay leaves the device."""
        del since
        raise NotInOverlay("Nothing of an overlay leaves this device until it is committed.")

    def verify(self, progress: Callable[[int, int], None] | None = None) -> verify.Findings:
        """Refused: an overlay is a copy in memory."""
        del progress
        raise NotInOverlay("An overlay has nothing of its own to check. Check the production itself.")

    def rebuild(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Refused: an overlay is a copy in memory."""
        del progress
        raise NotInOverlay("An overlay is derived anew each time it is opened. Rebuild the production itself.")

    def overlay(self, name: str, *, source: str = "", cause: Cause | None = None) -> Overlay:
        """Refused: overlays see the production and themselves, never each other."""
        del name, source, cause
        raise NotInOverlay("An overlay cannot hold another one. Make it beside this one.")


def checked_name(store: Overlays, name: str) -> None:
    """Raises OverlayExists where an overlay of that name is there, Refused where it is no name."""
    if not name.strip() or len(name) > OVERLAY_NAME_MAX:
        raise Refused(f"An overlay needs a name of 1 to {OVERLAY_NAME_MAX} characters.")
    if store.find(name) is not None:
        raise OverlayExists(f"There is an overlay '{name}' already. Choose another name.")


# -- opening, making, joining


def open_workspace(
    path: str | Path,
    *,
    home: Home | str | Path | None = None,
    clock: Clock = wall_clock,
    chance: Chance = secrets.token_bytes,
    durable: bool = True,
    repair: bool = False,
) -> Workspace:
    """Opens a workspace's folder.

    Args:
        path: the folder.
        home: the per-user state directory; None takes $OPENPROD_HOME, else the platform's place.
        clock: gives milliseconds since 1970 UTC.
        chance: gives n random bytes.
        durable: False skips the disk's confirmation, for simulations only.
        repair: derive everything from the log again, for a file whose derived part is too damaged to be opened.

    Raises:
        NotAWorkspace, NewerWorkspace, DatabaseDamaged, NotWritable: nothing was changed.
    """
    folder = Path(path)
    if folder.is_file() and folder.name == DATABASE_NAME:
        folder = folder.parent
    database = Database(str(folder / DATABASE_NAME), durable=durable, functions=SQL_FUNCTIONS)
    if repair:
        try:
            heal.strip(database)
        except BaseException:
            database.close()
            raise
    opened = Workspace(_desk(folder, database, home, clock, chance))
    if repair:
        opened.rebuild()
    return opened


def _desk(folder: Path, database: Database, home: Home | str | Path | None, clock: Clock, chance: Chance) -> Desk:
    try:
        with translated(database.path):
            desk = Desk(folder, database, home if isinstance(home, Home) else Home(home, chance=chance), clock, chance)
            verify.check_strangers(desk)
            verify.catch_up(desk)
    except verify.UNREADABLE as error:
        database.close()
        raise DatabaseDamaged(
            f"{database.path} is damaged in what is derived from its log. Run: openprod rebuild"
        ) from error
    except BaseException:
        database.close()
        raise
    return desk


def init_workspace(
    path: str | Path,
    *,
    name: str,
    template: str | None = None,
    home: Home | str | Path | None = None,
    person: str | None = None,
    clock: Clock = wall_clock,
    chance: Chance = secrets.token_bytes,
    durable: bool = True,
) -> Workspace:
    """Makes a new workspace in a folder that is empty or not there yet.

    Args:
        path: the folder.
        name: what the production is called.
        template: a template's name or folder, or None for a bare one.
        person: the name of whoever starts it, where this device has no identity yet.
        home, clock, chance, durable: as in `open_workspace`.
    """
    if template is not None:
        adopt.read_template_package(template)
    state = home if isinstance(home, Home) else Home(home, chance=chance)
    identity = state.identity() or state.create_identity(person or _login_name(), chance(32))
    recovery, nonce = SigningSeed(chance(32)), chance(32)
    workspace = workspace_id(ActorId(identity.actor), recovery.public, nonce)
    made = _make(Path(path), workspace, state, clock, chance, durable=durable)
    desk = made.desk
    state.add_workspace_key(workspace, 0, chance(32))
    state.keep_recovery(workspace, recovery)
    desk.admission = creator_admission(recovery.public, nonce)
    with made.edit(f"Start {name}", Cause(CAUSE_GENESIS)) as edit:
        edit.add_record(
            "core.settings", {"name": NAME_SETTING, "value": name}, record_id=derived_id("core.settings", NAME_SETTING)
        )
        uuid = derived_id("core.people", identity.actor.hex())
        edit.add_record("core.people", {"key": identity.actor.hex(), "name": identity.name}, record_id=uuid)
    if template is not None:
        made.apply_template(template)
    return made


def join_workspace(
    invitation: str | Invitation,
    path: str | Path,
    bundles: Iterable[Sealed],
    keys: Iterable[tuple[int, bytes]],
    *,
    home: Home | str | Path | None = None,
    person: str | None = None,
    clock: Clock = wall_clock,
    chance: Chance = secrets.token_bytes,
    durable: bool = True,
) -> Workspace:
    """Joins a workspace from its bundles, as an `.opx` file or a colleague gives them.

    Args:
        invitation: the invitation, or its text.
        path: the folder to make.
        bundles: what the giver holds, in any order.
        keys: the workspace keys, (epoch, key).
        person: the joiner's name, where this device has no identity yet.
        home, clock, chance, durable: as in `open_workspace`.

    Raises:
        NotJoined: what was given does not hold the invitation's opening; nothing was kept.
    """
    invited = invitation if isinstance(invitation, Invitation) else read_invitation(invitation)
    state = home if isinstance(home, Home) else Home(home, chance=chance)
    identity = state.identity() or state.create_identity(person or _login_name(), chance(32))
    made = _make(Path(path), WorkspaceId(invited.workspace), state, clock, chance, durable=durable)
    desk = made.desk
    try:
        report = made.ingest(bundles)
        if invited.public not in made.open_invitations():
            reason = (
                report.rejected[0]
                if report.rejected
                else (
                    "It does not hold the change that opened your invitation; ask for a newer file, or for a new"
                    " invitation."
                )
            )
            raise NotJoined(f"You could not join with this file. {reason}")
        for epoch, key in keys:
            state.add_workspace_key(desk.id, epoch, key)
        log = desk.open_log()
        is_member = desk.log.actor_is_here(identity.actor, b"")
        desk.admission = None if is_member else admission_for(invited, ActorId(identity.actor), log.log)
        with made.edit(f"{identity.name} joins", Cause(CAUSE_JOIN)) as edit:
            uuid = derived_id("core.people", identity.actor.hex())
            if desk.is_known(uuid):
                edit.put(id_text(uuid), into="core.people")
            else:
                edit.add_record("core.people", {"key": identity.actor.hex(), "name": identity.name}, record_id=uuid)
    except BaseException:
        made.close()
        _unmake(Path(path))
        raise
    return made


def rebuild_into(
    path: str | Path,
    into: str | Path,
    *,
    home: Home | str | Path | None = None,
    clock: Clock = wall_clock,
    chance: Chance = secrets.token_bytes,
    durable: bool = True,
) -> tuple[Workspace, Report]:
    """Makes a fresh workspace from the history in a file that cannot be opened any more; that file stays as it is.

    Every bundle is proven as if a stranger had sent it, and everything else is derived anew. What waits for others
    comes along; what was damaged is named in the report.

    Args:
        path: the folder of the old workspace.
        into: the folder to make.
        home, clock, chance, durable: as in `open_workspace`.

    Raises:
        DatabaseDamaged: there is no history in it that proves; nothing was kept.
    """
    from openprod.store.salvage import history_of  # noqa: PLC0415 -- seldom needed, and a cold start counts milliseconds

    database = Path(path) / DATABASE_NAME
    state = home if isinstance(home, Home) else Home(home, chance=chance)
    with history_of(str(database)) as history:
        made = _make(Path(into), history.workspace, state, clock, chance, durable=durable)
        try:
            report = made.ingest(history.bundles)
            if not report.applied:
                raise DatabaseDamaged(
                    f"Nothing in {database} proves to be this production's history. Join again from a colleague or a"
                    " stick."
                )
        except BaseException:
            made.close()
            _unmake(Path(into))
            raise
    return made, report


def _make(
    folder: Path, workspace: WorkspaceId, home: Home, clock: Clock, chance: Chance, *, durable: bool
) -> Workspace:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderTaken(f"{folder} is not empty, and a workspace needs a folder of its own. Choose another one.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FOLDERS:
            (folder / name).mkdir()
        database = Database(str(folder / DATABASE_NAME), create=True, durable=durable, functions=SQL_FUNCTIONS)
        (folder / DATABASE_NAME).chmod(0o600)
    except OSError as error:
        raise Refused(
            f"The folder {folder} cannot be made ({error.strerror}). Choose a place that is yours to write."
        ) from error
    try:
        with database.transaction():
            database.execute("INSERT INTO meta(key, value) VALUES('workspace', ?)", (workspace,))
        made = Workspace(_desk_without_tables(folder, database, home, clock, chance))
    except BaseException:
        database.close()
        _unmake(folder)
        raise
    return made


def _desk_without_tables(folder: Path, database: Database, home: Home, clock: Clock, chance: Chance) -> Desk:
    desk = Desk(folder, database, home, clock, chance)
    with desk.writing():
        desk.model.migrate()
    return desk


def _unmake(folder: Path) -> None:
    """Takes away what `_make` made, and nothing else."""
    for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-shm"):
        (folder / name).unlink(missing_ok=True)
    for name in FOLDERS:
        if (folder / name).is_dir() and not any((folder / name).iterdir()):
            (folder / name).rmdir()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "Somebody"


def find_workspace(start: Path) -> Path:
    """Returns the nearest folder upward that holds a workspace, as git finds its own; raises NotAWorkspace."""
    for folder in (start, *start.parents):
        if (folder / DATABASE_NAME).is_file():
            return folder
    raise NotAWorkspace(
        f"There is no workspace in {start} or above it. Go to one, give --workspace DIR, or make one with: openprod"
        " init DIR --name NAME"
    )

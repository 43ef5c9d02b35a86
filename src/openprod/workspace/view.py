"""What can be read and edited, the same in a production, in an overlay above it and in a moment of its past.

Every method takes the desk's lock, asks `reading`, `write` and their neighbours, and hands out plain dictionaries
(`shapes`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec

from openprod.catalog.tables import Catalog
from openprod.model.bundle import CAUSE_EDIT, CAUSE_LINK, Cause
from openprod.model.errors import Refused
from openprod.model.ids import WorkspaceId, derived_id, id_text
from openprod.model.values import BlobRef, Plain
from openprod.store.home import Home
from openprod.workspace import (
    checks,
    finding,
    issues,
    links,
    lists,
    matches,
    past,
    proposals,
    reading,
    repair,
    settings,
    timeline,
    undo,
    windows,
)
from openprod.workspace.asking import Answer, Asker, Live, Question
from openprod.workspace.desk import Desk
from openprod.workspace.meaning import Changes
from openprod.workspace.setup import SetUp
from openprod.workspace.shapes import (
    BlobShape,
    CheckShape,
    ConflictShape,
    DecisionShape,
    FieldShape,
    FoundShape,
    HistoryPage,
    IssueShape,
    LinkShape,
    LogEntry,
    MappingShape,
    MatchShape,
    NamedShape,
    NoticeShape,
    ProposalShape,
    RecordShape,
    RelationColumn,
    RelationShape,
    SettingShape,
    SinceShape,
    StatusShape,
    TableShape,
    ViewShape,
)
from openprod.workspace.watching import Subscription, Watching
from openprod.workspace.write import Edit

NAME_SETTING = "name"
MILESTONES = "core.milestones"


class View(SetUp):
    """Tables, records, questions and history as they are somewhere. A context manager; safe from any thread.

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
            return [*reading.notices(self.desk, self.desk.clock()), *issues.notices(self.desk)]

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

    def search(self, text: str, tables: Sequence[str] = (), limit: int = 20) -> list[FoundShape]:
        """Returns records by words in their titles, then in their fields, best first; see `finding.find`."""
        with self.desk.looking():
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

    # -- files

    def attach(
        self, record: str, field: str, path: str | Path, heads: Mapping[str, Sequence[str]] | None = None
    ) -> BlobRef:
        """Keeps a copy of a file and lets a field of a record refer to it, as one edit; see `Edit.attach`."""
        file = Path(path)
        with self.edit(f"Attach {file.name}") as edit:
            return edit.attach(record, field, file, heads)

    def keep_blob(self, path: str | Path) -> BlobRef:
        """Keeps a copy of a file that no field refers to yet; raises BlobUnreadable, BlobChanged or BlobNotKept."""
        self.desk.check_open()
        return self.desk.blobs.add(Path(path))

    def blobs(self) -> list[BlobShape]:
        """Returns every kept file: those that records show, earlier issues, staged and unused ones."""
        with self.desk.reading():
            return issues.listing(self.desk)

    def blob(self, text: str) -> BlobRef:
        """Returns the kept file that a hash, or a beginning of one, means; raises NoSuchFile or AmbiguousFile."""
        with self.desk.reading():
            return issues.find(self.desk, text)

    def open_blob(self, ref: BlobRef) -> FileIO:
        """Returns a kept file, proven whole, to be read and closed; raises BlobMissing or BlobDamaged."""
        self.desk.check_open()
        return self.desk.blobs.open(ref.hash, ref.name)

    def export_blob(self, ref: BlobRef, path: str | Path, *, is_replacing: bool = False) -> None:
        """Writes a kept file, proven, to a place outside; raises BlobMissing, BlobDamaged or BlobNotWritten."""
        self.desk.check_open()
        self.desk.blobs.copy_to(ref.hash, Path(path), ref.name, is_replacing=is_replacing)

    def issues(self, record: str, field: str) -> list[IssueShape]:
        """Returns every file that a field of a record ever held, the newest first: the issues of a draft."""
        with self.desk.reading():
            uuid = self.desk.uuid_in(record, {}, ())
            return issues.issues(self.desk, uuid, reading.field_key(self.desk, uuid, field))

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

    def checks(self, table: str | None = None) -> list[CheckShape]:
        """Returns what modules say somebody should look at, all or over one table, each with its count.

        `query` with a check's name returns what it found.
        """
        with self.desk.reading():
            return checks.checks(self.desk, self._asker, table)

    def views(self, table: str | None = None) -> list[ViewShape]:
        """Returns the views of one table or of all: modules' lists, those that everybody has, this person's own."""
        with self.desk.reading():
            return lists.views(self.desk, self._asker, self.actor, table)

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
            found = windows.read(self.desk, self._asker, question, cells)
        self._asker.tend()
        return found

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

    def resolve(
        self, conflict: str | ConflictShape, *, choose: int | str | None = None, value: object = msgspec.UNSET
    ) -> None:
        """Settles a question with an offered value (number from 1, or op id) or another value, None to clear.

        Raises NothingChosen where it is given neither.
        """
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

    def history_page(
        self, limit: int = 50, *, before: int | None = None, actor: str = "", table: str = "", words: str = ""
    ) -> HistoryPage:
        """Returns a page of the history, filtered by person, table and words; see `timeline.page`."""
        with self.desk.reading():
            return timeline.page(self.desk, limit, before=before, actor=actor, table=table, words=words)

    def decisions(self, limit: int = 50) -> list[DecisionShape]:
        """Returns what people decided about fields, the newest first."""
        with self.desk.reading():
            return timeline.decisions(self.desk, limit)

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

    # -- settings of the show

    def settings(self) -> list[SettingShape]:
        """Returns the settings of the show: name, zone, clock (12 or 24 hours), paper."""
        with self.desk.reading():
            return settings.settings(self.desk)

    def change_settings(self, values: Mapping[str, str]) -> None:
        """Sets settings for everybody, empty for the default; raises BadSetting, and nothing is written."""
        with self.edit(f"Set {', '.join(values)}") as edit, self.desk.reading():
            settings.stage(self.desk, edit, values)

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

    def proposals(self) -> list[ProposalShape]:
        """Returns what a person may want done: lost conditions of links, relations that are there twice."""
        with self.desk.reading():
            return proposals.proposals(self.desk)

    def answer_proposal(self, proposal: str, *, is_accepted: bool) -> ProposalShape:
        """Does what is proposed, or lets things be for good, given the proposal's id or a beginning of it."""
        label = "Do what was proposed" if is_accepted else "Let things be"
        with self.edit(label) as edit, self.desk.reading():
            found = proposals.find(self.desk, proposal)
            proposals.stage(self.desk, edit, found, is_accepted=is_accepted)
        return found

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

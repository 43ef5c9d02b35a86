"""The calls a page may make over the socket: their names, what they take and give back, and the one line each needs.

Knows the workspace's public API and the JSON shapes. Must not know sockets or HTTP, and decides nothing: every call
hands its arguments to the desk and hands back what the desk says. `docs/api.md` and `web/src/wire/` are generated from
this list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Literal, Protocol, TypedDict

import msgspec
from msgspec import Meta

from openprod.model.errors import Missing
from openprod.server.call import IDS_MAX, Args, BadArguments, Call, Calls, Done, Given, Name, Text
from openprod.server.intents import Added, Edit, Editing, do
from openprod.server.standing import Standing
from openprod.workspace.meaning import Changes
from openprod.workspace.shapes import (
    ConflictShape,
    FieldShape,
    FoundShape,
    LogEntry,
    NamedShape,
    NoticeShape,
    RecordShape,
    RelationColumn,
    RelationShape,
    RowShape,
    StatusShape,
    TableShape,
)
from openprod.workspace.windows import Window

WINDOW_ROWS_MAX = 500

Position = Annotated[int, Meta(ge=0, le=2**53)]
Rows = Annotated[int, Meta(ge=0, le=WINDOW_ROWS_MAX)]


# --- what calls take -------------------------------------------------------------------------------------------------


class OneTable(Args, frozen=True):
    """Names a table."""

    table: Name


class Typed(Args, frozen=True):
    """What somebody typed to name records, and the tables they may be in; none means any."""

    texts: Annotated[list[Text], Meta(max_length=IDS_MAX)]
    tables: Annotated[list[Name], Meta(max_length=64)] = msgspec.field(default_factory=list[Name])


class OneRecord(Args, frozen=True):
    """Names a record by its id."""

    record: Name


class OneSlot(Args, frozen=True):
    """Names a record and, to narrow it down, one of its fields."""

    record: Name
    field: Name | None = None


class SomeRecords(Args, frozen=True):
    """Names several records by their ids."""

    records: Annotated[list[Name], Meta(max_length=IDS_MAX)]


class Words(Args, frozen=True):
    """Words to find records by; `tables` narrows down where."""

    text: Text
    tables: Annotated[list[Name], Meta(max_length=64)] = msgspec.field(default_factory=list[Name])
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class Ask(Args, frozen=True):
    """A question: a saved query's name, a condition text with `from`, or the full form."""

    query: Text | Given
    from_: Name | None = msgspec.field(default=None, name="from")
    params: Given = msgspec.field(default_factory=Given)
    offset: Position = 0
    limit: Rows = 200


class Watch(Args, frozen=True):
    """A question whose rows are to be kept up to date, a window of them at a time.

    `cells` names a table whose cells the rows show: each row then carries the heads and conflicts of its cells.
    """

    query: Given
    cells: Name | None = None
    offset: Position = 0
    limit: Rows = 200


class Among(Args, frozen=True):
    """A question, and a record that may be among its rows."""

    query: Given
    record: Name


class MoveWindow(Args, frozen=True):
    """Moves the window of a live question."""

    sub: int
    offset: Position
    limit: Rows


class OneSub(Args, frozen=True):
    """Names a live question by the number its subscription gave."""

    sub: int


class Resolve(Args, frozen=True):
    """Settles a question: `choose` one of its writes, or give another `value`; exactly one of the two."""

    conflict: Name
    choose: Name | None = None
    value: object | msgspec.UnsetType = msgspec.UNSET


class TakeBack(Args, frozen=True):
    """How to undo or redo: with `rest`, what others changed since is left as it is instead of stopping the whole."""

    rest: bool = False


class Last(Args, frozen=True):
    """How many entries to give, the newest first."""

    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100


class Export(Args, frozen=True):
    """A table to write to a file."""

    table: Name
    format: Literal["csv"] = "csv"


class Prefer(Args, frozen=True):
    """How this person likes the screen; kept on this machine, never shared. What is left out stays as it is."""

    theme: Literal["light", "dark", "blackout"] | None = None
    size: Literal["normal", "big", "wall"] | None = None


# --- what calls give back --------------------------------------------------------------------------------------------


class Overview(TypedDict):
    """What the frame of the page shows; `undo` and `redo` say what those would do, null where there is nothing."""

    status: StatusShape
    tables: list[TableShape]
    undo: str | None
    redo: str | None
    standing: Standing


class Watching(TypedDict):
    """A live overview: `{"sub", "changes": [Overview]}` follows after each change."""

    sub: int
    overview: Overview


class RowWindow(TypedDict):
    """A window of rows, and how many rows there are in all."""

    count: int
    offset: int
    rows: list[RowShape]


class Subscribed(TypedDict):
    """The number of a live question and its first window."""

    sub: int
    window: RowWindow


class Place(TypedDict):
    """A record's place among a question's rows, from 0; null where it is not among them."""

    place: int | None


class Open(TypedDict):
    """What needs somebody's decision, and what is only worth knowing."""

    conflicts: list[ConflictShape]
    notices: list[NoticeShape]


class TakenBack(TypedDict):
    """What was undone or done again."""

    label: str


class Ticket(TypedDict):
    """Where the browser may fetch the file, once, within a minute."""

    path: str


# --- the desk, as far as this room needs it --------------------------------------------------------------------------
# `openprod.workspace.view.View` is one; so is the small one that the tests of this room alone use.


class Closing(Protocol):
    """Something that goes on until it is closed."""

    def close(self) -> None:
        """Ends it."""
        ...


class Desk(Protocol):
    """The part of the workspace's public API that pages use."""

    @property
    def name(self) -> str:
        """What the production is called."""
        ...

    @property
    def id(self) -> str:
        """The workspace's id in hex."""
        ...

    def edit(self, label: str = "", cause: None = None) -> AbstractContextManager[Editing]:
        """Returns an edit whose changes become one bundle, or nothing on an exception."""
        ...

    def record(self, record: str, /) -> RecordShape:
        """Returns a record."""
        ...

    def search(self, text: str, tables: Sequence[str] = (), limit: int = 20) -> list[FoundShape]:
        """Returns records by words."""
        ...

    def named(self, texts: Sequence[str], tables: Sequence[str] = ()) -> list[NamedShape]:
        """Returns which record each typed text means."""
        ...

    def relation_columns(self, table: str, /) -> list[RelationColumn]:
        """Returns a table's relations as columns."""
        ...

    def relations(self, record: str, /) -> list[RelationShape]:
        """Returns a record's relations."""
        ...

    def tables(self) -> list[TableShape]:
        """Returns every table."""
        ...

    def fields(self, table: str, /) -> list[FieldShape]:
        """Returns a table's fields."""
        ...

    def query(
        self,
        text: str | None = None,
        from_: str | None = None,
        query: Mapping[str, object] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        **params: object,
    ) -> list[dict[str, object]]:
        """Returns rows."""
        ...

    def window(
        self, query: Mapping[str, object], *, offset: int = 0, limit: int = 200, cells: str | None = None
    ) -> Window:
        """Returns a window of a question's rows from one state."""
        ...

    def place(self, query: Mapping[str, object], record: str) -> int | None:
        """Returns a record's place among a question's rows."""
        ...

    def on_changes(self, listener: Callable[[Changes], None], /) -> Closing:
        """Calls back after each commit with what it changed."""
        ...

    def poll(self) -> bool:
        """Notices what other programs committed."""
        ...

    def conflicts(self) -> list[ConflictShape]:
        """Returns the open questions."""
        ...

    def notices(self) -> list[NoticeShape]:
        """Returns what is worth knowing."""
        ...

    def resolve(self, conflict: str, /, *, choose: str | int | None = None, value: object = None) -> None:
        """Settles a question."""
        ...

    def history(self, record: str, field: str | None = None, /) -> list[LogEntry]:
        """Returns a record's changes, the newest first."""
        ...

    def log_entries(self, limit: int, /) -> list[LogEntry]:
        """Returns the last bundles, the newest first."""
        ...

    def status(self) -> StatusShape:
        """Returns where the workspace stands."""
        ...

    def undo(self, *, rest: bool = False) -> str:
        """Takes back what this person did last; returns what it was."""
        ...

    def redo(self, *, rest: bool = False) -> str:
        """Does again what was taken back last; returns what it was."""
        ...

    def can_undo(self) -> tuple[str | None, str | None]:
        """Returns what undo and redo would do."""
        ...


class Seat(Protocol):
    """One page's connection, as the calls see it."""

    @property
    def desk(self) -> Desk:
        """The workspace."""
        ...

    def overview(self) -> Overview:
        """Reads what the frame shows."""
        ...

    def watch_overview(self) -> Watching:
        """Starts to keep the frame up to date."""
        ...

    def watch(self, args: Watch) -> Subscribed:
        """Starts a live question."""
        ...

    def move(self, args: MoveWindow) -> RowWindow:
        """Moves a live question's window."""
        ...

    def unwatch(self, sub: int) -> None:
        """Ends a live question."""
        ...

    def export(self, table: str) -> Ticket:
        """Makes a file and a ticket for it."""
        ...

    def prefer(self, theme: str | None, size: str | None) -> None:
        """Keeps how the screen should look."""
        ...


# --- the calls -------------------------------------------------------------------------------------------------------


_call = Calls[Seat]()
_RESERVED = frozenset({"text", "from_", "query", "limit", "offset"})


def _ask(seat: Seat, args: Ask) -> list[dict[str, object]]:
    clash = sorted(_RESERVED & args.params.keys())
    if clash:
        raise BadArguments("query.run", f"a parameter cannot be called {clash[0]}")
    text, full = (args.query, None) if isinstance(args.query, str) else (None, args.query)
    return seat.desk.query(text, from_=args.from_, query=full, limit=args.limit, offset=args.offset, **args.params)


def _unwatch(seat: Seat, args: OneSub) -> Done:
    seat.unwatch(args.sub)
    return {"done": True}


def _edit(seat: Seat, args: Edit) -> Added:
    with seat.desk.edit(args.label) as edit:
        return {"made": [do(edit, intent) for intent in args.intents]}


def _open(seat: Seat, _: Args) -> Open:
    return {"conflicts": seat.desk.conflicts(), "notices": seat.desk.notices()}


def _resolve(seat: Seat, args: Resolve) -> Done:
    if (args.choose is None) == (args.value is msgspec.UNSET):
        raise BadArguments("conflict.resolve", "give either choose or value")
    if args.choose is not None:
        seat.desk.resolve(args.conflict, choose=args.choose)
    else:
        seat.desk.resolve(args.conflict, value=args.value)
    return {"done": True}


def _titles(seat: Seat, args: SomeRecords) -> dict[str, str]:
    titles: dict[str, str] = {}
    for record in args.records:
        try:
            titles[record] = seat.desk.record(record)["title"]
        except Missing:
            continue
    return titles


def _prefer(seat: Seat, args: Prefer) -> Done:
    seat.prefer(args.theme, args.size)
    return {"done": True}


TABLE_CALLS: Mapping[str, Call[Seat]] = {
    call.name: call
    for call in (
        _call(
            "workspace.status",
            Args,
            Overview,
            "Where this workspace stands, and its tables.",
            lambda s, _: s.overview(),
        ),
        _call("workspace.watch", Args, Watching, "The same, kept up to date.", lambda s, _: s.watch_overview()),
        _call("tables.list", Args, list[TableShape], "The tables of this workspace.", lambda s, _: s.desk.tables()),
        _call(
            "table.fields",
            OneTable,
            list[FieldShape],
            "The fields of a table, in order.",
            lambda s, a: s.desk.fields(a.table),
        ),
        _call(
            "table.relations",
            OneTable,
            list[RelationColumn],
            "The relations that a table's records can have, as columns.",
            lambda s, a: s.desk.relation_columns(a.table),
        ),
        _call("query.run", Ask, list[dict[str, object]], "The rows a question has now.", _ask),
        _call(
            "query.subscribe",
            Watch,
            Subscribed,
            "A window of a question's rows, kept up to date.",
            lambda s, a: s.watch(a),
        ),
        _call("query.window", MoveWindow, RowWindow, "Moves a live question's window.", lambda s, a: s.move(a)),
        _call(
            "query.place",
            Among,
            Place,
            "Where a record is among a question's rows.",
            lambda s, a: {"place": s.desk.place(a.query, a.record)},
        ),
        _call("query.unsubscribe", OneSub, Done, "Ends a live question.", _unwatch),
        _call(
            "record.get",
            OneRecord,
            RecordShape,
            "A record with the heads of its fields.",
            lambda s, a: s.desk.record(a.record),
        ),
        _call(
            "record.find",
            Words,
            list[FoundShape],
            "Records by words in what they are called, then in what is written in them.",
            lambda s, a: s.desk.search(a.text, a.tables, a.limit),
        ),
        _call(
            "record.named",
            Typed,
            list[NamedShape],
            "Which record each typed text means, or why it means none.",
            lambda s, a: s.desk.named(a.texts, a.tables),
        ),
        _call(
            "record.relations",
            OneRecord,
            list[RelationShape],
            "What a record is related to.",
            lambda s, a: s.desk.relations(a.record),
        ),
        _call("record.titles", SomeRecords, dict[str, str], "What several records are called, by id.", _titles),
        _call(
            "record.history",
            OneSlot,
            list[LogEntry],
            "Who changed a record, or one field of it, and when.",
            lambda s, a: s.desk.history(a.record, a.field),
        ),
        _call("edit", Edit, Added, "Does several things as one step.", _edit),
        _call(
            "undo",
            TakeBack,
            TakenBack,
            "Takes back what this person did last.",
            lambda s, a: {"label": s.desk.undo(rest=a.rest)},
        ),
        _call(
            "redo",
            TakeBack,
            TakenBack,
            "Does again what was taken back last.",
            lambda s, a: {"label": s.desk.redo(rest=a.rest)},
        ),
        _call("conflict.list", Args, Open, "What needs a decision.", _open),
        _call("conflict.resolve", Resolve, Done, "Settles a question.", _resolve),
        _call(
            "log.list",
            Last,
            list[LogEntry],
            "The newest entries of the history.",
            lambda s, a: s.desk.log_entries(a.limit),
        ),
        _call(
            "export",
            Export,
            Ticket,
            "Makes a file of a table; gives a one-use path to fetch it.",
            lambda s, a: s.export(a.table),
        ),
        _call("screen.prefer", Prefer, Done, "Keeps how this person likes the screen, on this machine.", _prefer),
    )
}

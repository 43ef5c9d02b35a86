"""One page's conversation over its WebSocket: the handshake, calls in order, and live questions kept up to date.

Knows frames, back-pressure and which window of rows a page looks at. Must not know what a call does (`calls`) or who
may come in (`guard`). The workspace's thread only ever sets a flag here: a slow page waits for itself and holds up
nobody, and what it missed meanwhile is one comparison of its window, not a queue.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final, Literal, NotRequired, Protocol, TypedDict, TypeVar

import msgspec
from msgspec import Struct
from starlette.websockets import WebSocket, WebSocketDisconnect

from openprod.model.errors import Missing, OpenprodError, Refused
from openprod.server import calls
from openprod.server.calls import Closing, Desk, Overview, RowWindow, Subscribed, Ticket, Watching
from openprod.server.every import run
from openprod.server.guard import Door
from openprod.server.standing import NotStaging, Place, Places, Standing
from openprod.server.visit import Visit
from openprod.workspace.meaning import Changes
from openprod.workspace.moment import Past
from openprod.workspace.overlay import UnknownOverlay
from openprod.workspace.shapes import OverlayShape, RowShape
from openprod.workspace.staging import Overlay
from openprod.workspace.view import View
from openprod.workspace.windows import Window
from openprod.workspace.workspace import Workspace

log = logging.getLogger(__name__)
T = TypeVar("T")

FRAME_BYTES_MAX: Final = 4 * 1024 * 1024
HELLO_SECONDS_MAX: Final = 10.0
REPLIES_WAITING_MAX: Final = 32
SUBSCRIPTIONS_MAX: Final = 64

NOT_LET_IN: Final = 4401
"""Close code for a page without a good code or token: it should say so and not try again."""


class TooManySubscriptions(Refused):
    """One page watches more questions than a page can show."""

    code = "server.too_many_subscriptions"

    def __init__(self) -> None:
        super().__init__(
            f"This page watches {SUBSCRIPTIONS_MAX} live questions already. Close some of its tables first."
        )


class NoSuchSubscription(Missing):
    """The page names a live question that has ended."""

    code = "server.no_such_subscription"

    def __init__(self, sub: int) -> None:
        super().__init__(f"Live question {sub} has ended. Reload the page.")
        self.sub = sub


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    """What the page shows at the door: a one-use code, or the token it got for one."""

    code: str | None = None
    token: str | None = None


class Hello(Struct, frozen=True, forbid_unknown_fields=True):
    """The first frame of every conversation."""

    hello: Credentials


class Frame(Struct, frozen=True, forbid_unknown_fields=True):
    """A call: the page's number for it, its name, its arguments still undecoded."""

    id: int
    call: str
    args: msgspec.Raw = msgspec.Raw(b"{}")


class ErrorShape(TypedDict):
    """What went wrong: a stable code and one sentence for people."""

    code: str
    message: str


class RowChange(TypedDict):
    """One step from the window a page has to the window it should have, applied in order; a removal has no row."""

    kind: Literal["insert", "change", "remove"]
    at: int
    row: NotRequired[RowShape]


class RowsChanged(TypedDict):
    """What a live question's window became; with `rows` in full where steps would be longer."""

    count: int
    offset: int
    steps: list[RowChange] | None
    rows: list[RowShape] | None


def row_steps(before: list[RowShape], after: list[RowShape]) -> list[RowChange] | None:
    """Returns the steps that turn one window of rows into another, None where they cannot be told step by step.

    That is where rows changed places among themselves, or are groups, which have no id.

    Removals come first, from the bottom up, then insertions and changes from the top down, so that `at` is always the
    place in the list as it is when the step's turn comes.
    """
    if any("id" not in row["values"] for row in (*before, *after)):
        return None
    then = {str(row["values"]["id"]): row for row in before}
    now = [str(row["values"]["id"]) for row in after]
    staying = set(now)
    if [id for id in then if id in staying] != [id for id in now if id in then]:
        return None
    steps: list[RowChange] = [
        {"kind": "remove", "at": at} for at, id in reversed(list(enumerate(then))) if id not in staying
    ]
    for at, (id, row) in enumerate(zip(now, after, strict=True)):
        if id not in then:
            steps.append({"kind": "insert", "at": at, "row": row})
        elif then[id] != row:
            steps.append({"kind": "change", "at": at, "row": row})
    return steps


class Watched(Protocol):
    """Something a page wants to be told about."""

    def changes(self) -> list[object]:
        """Returns what became of it since it was last told; nothing where it is as the page has it."""
        ...

    def turn(self, desk: Desk) -> None:
        """Reads from another desk from now on."""
        ...

    def close(self) -> None:
        """Stops listening."""
        ...


@dataclass(slots=True)
class WatchedRows:
    """A window of a live question, and the rows the page has of it."""

    desk: Desk
    args: calls.Watch
    wake: Callable[[], None]
    subscription: Closing = field(init=False)
    _window: Window | None = None
    _is_told: bool = True

    def __post_init__(self) -> None:
        """Listens first, then reads, so that nothing falls between."""
        self.subscription = self.desk.on_changes(self._hear)
        try:
            self._window = self._read()
        except BaseException:
            self.subscription.close()
            raise

    def _hear(self, changes: Changes) -> None:
        """Wakes the page where a commit may have changed the window; before the first reading everything may have."""
        if self._window is None or self._window.is_touched_by(changes):
            self.wake()

    @property
    def window(self) -> Window:
        """The rows the page has."""
        return self._window if self._window is not None else self._read()

    def _read(self) -> Window:
        args = self.args
        return self.desk.window(args.query, offset=args.offset, limit=args.limit, cells=args.cells)

    def shape(self) -> RowWindow:
        """Returns the window as the page gets it."""
        return {"count": self.window.count, "offset": self.args.offset, "rows": self.window.rows}

    def move(self, offset: int, limit: int) -> RowWindow:
        """Looks at another part of the rows from now on, and returns it."""
        self.args = msgspec.structs.replace(self.args, offset=offset, limit=limit)
        self._window = self._read()
        return self.shape()

    def turn(self, desk: Desk) -> None:
        """Reads the same question from another desk from now on."""
        self.subscription.close()
        self.desk = desk
        self._is_told = False
        self.subscription = desk.on_changes(self._hear)
        self.wake()

    def changes(self) -> list[object]:
        """Reads the window again; returns what became of it, nothing where it is as the page has it."""
        before, is_told = self._window, self._is_told
        self._is_told = False  # until it could be read
        after = self._window = self._read()
        self._is_told = True
        if is_told and before is not None and (before.count, before.rows) == (after.count, after.rows):
            return []
        steps = row_steps(before.rows, after.rows) if is_told and before is not None else None
        changed: RowsChanged = {
            "count": after.count,
            "offset": self.args.offset,
            "steps": steps,
            "rows": after.rows if steps is None else None,
        }
        return [changed]

    def close(self) -> None:
        """Stops listening."""
        self.subscription.close()


@dataclass(slots=True)
class WatchedOverview:
    """The frame of the page: name, tables with counts, open questions, where the window stands."""

    seat: PageSeat
    wake: Callable[[], None]
    subscription: Closing = field(init=False)
    overview: Overview = field(init=False)

    def __post_init__(self) -> None:
        """Listens first, then reads, so that nothing falls between."""
        self.subscription = self.seat.desk.on_changes(lambda _: self.wake())
        self.overview = self.seat.overview()

    def changes(self) -> list[object]:
        """Looks again; returns the overview if it changed."""
        before, self.overview = self.overview, self.seat.overview()
        return [] if before == self.overview else [self.overview]

    def turn(self, desk: Desk) -> None:
        """Listens to another desk from now on."""
        self.subscription.close()
        self.subscription = desk.on_changes(lambda _: self.wake())
        self.wake()

    def close(self) -> None:
        """Stops listening."""
        self.subscription.close()


@dataclass(slots=True)
class House:
    """What all pages of one server share."""

    desk: Desk
    door: Door
    pool: Executor
    export: Callable[[str], Ticket]
    prefer: Callable[[str | None, str | None], None]
    visit: Visit
    places: Places = field(init=False)
    _seats: list[PageSeat] = field(default_factory=list["PageSeat"])

    def __post_init__(self) -> None:
        """Keeps the places of this run."""
        self.places = Places(lambda: self.workspace)

    @property
    def workspace(self) -> Workspace:
        """The production with all a workspace can do."""
        if not isinstance(self.desk, Workspace):
            raise TypeError("this desk is no workspace")
        return self.desk

    def overlays(self) -> list[OverlayShape]:
        """Returns the overlays of this device; a desk that is no workspace has none."""
        return self.desk.overlays() if isinstance(self.desk, Workspace) else []

    def seat(self, seat: PageSeat) -> None:
        """Notes a window that is there."""
        self._seats.append(seat)

    def unseat(self, seat: PageSeat) -> None:
        """Forgets a window that went away."""
        if seat in self._seats:
            self._seats.remove(seat)

    def tell_all(self) -> None:
        """Lets every window look again at what its frame shows."""
        for seat in list(self._seats):
            seat.look_again()


@dataclass(slots=True)
class PageSeat:
    """One page's place at the desk; its calls run one after the other on the house's threads, never on the loop."""

    house: House
    wake: Callable[[int], None]
    watched: dict[int, Watched] = field(default_factory=dict[int, Watched])
    _place: Place | None = None
    _last: int = 0

    def __post_init__(self) -> None:
        """Takes its place among the windows."""
        self.house.seat(self)

    # -- where the window stands

    @property
    def desk(self) -> Desk:
        """The workspace as this window reads and writes it."""
        return self.house.desk if self._place is None else self._place.room

    @property
    def view(self) -> View:
        """The production, overlay or moment that this window stands in."""
        return self.house.workspace if self._place is None else self._place.room

    @property
    def workspace(self) -> Workspace:
        """The production itself."""
        return self.house.workspace

    @property
    def overlay(self) -> Overlay:
        """The overlay this window stands in; raises NotStaging."""
        if self._place is None or not isinstance(self._place.room, Overlay):
            raise NotStaging
        return self._place.room

    def check(self) -> None:
        """Goes back to the production where the window's overlay is not there any more, and raises UnknownOverlay."""
        if self._place is not None:
            try:
                self._place.check()
            except UnknownOverlay:
                self._stand_in(None)
                raise

    def standing(self) -> Standing:
        """Returns where this window stands."""
        place, overlays = self._place, self.house.overlays()
        records = {one["name"]: one["records"] for one in overlays}
        if place is None:
            return {"kind": "now", "name": "", "records": 0, "drift": 0, "kept": len(overlays)}
        return {
            "kind": place.kind,
            "name": place.name,
            "records": records.get(place.name, 0) if place.kind == "staging" else 0,
            "drift": place.drift(),
            "kept": len(overlays),
        }

    def enter_overlay(self, name: str, *, is_new: bool = False) -> Standing:
        """Lets this window stand in an overlay."""
        return self._stand_in(self.house.places.enter_overlay(name, is_new=is_new))

    def enter_past(self, moment: str) -> Standing:
        """Lets this window stand at a moment of the past; what it shows is read there, and nothing is written."""
        return self._stand_in(self.house.places.enter_past(moment))

    def enter_now(self) -> Standing:
        """Lets this window stand in the production as it is."""
        return self._stand_in(None)

    def _stand_in(self, place: Place | None) -> Standing:
        before, self._place = self._place, place
        for watched in self.watched.values():
            watched.turn(self.desk)
        if before is not None:
            self.house.places.leave(before)
        return self.standing()

    def rename(self, name: str) -> Standing:
        """Gives the overlay of this window another name."""
        overlay, place = self.overlay, self._place
        if place is not None:
            self.house.places.rename(place, overlay, name)
        self.tell_all()
        return self.standing()

    def tell_all(self) -> None:
        """Lets every window look again at what its frame shows."""
        self.house.tell_all()

    def look_again(self) -> None:
        """Marks the frame of this window as perhaps changed; safe from any thread."""
        for sub, watched in list(self.watched.items()):
            if isinstance(watched, WatchedOverview):
                self.wake(sub)

    # -- what it watches

    def overview(self) -> Overview:
        """Reads what the frame shows."""
        desk = self.desk
        undo, redo = (None, None) if isinstance(desk, Past) else desk.can_undo()
        return {
            "status": desk.status(),
            "tables": desk.tables(),
            "undo": undo,
            "redo": redo,
            "standing": self.standing(),
        }

    def watch_overview(self) -> Watching:
        """Starts to keep the frame up to date."""
        sub = self._next()
        watched = WatchedOverview(self, lambda: self.wake(sub))
        self.watched[sub] = watched
        return {"sub": sub, "overview": watched.overview}

    def watch(self, args: calls.Watch) -> Subscribed:
        """Starts a live question."""
        sub = self._next()
        rows = WatchedRows(self.desk, args, lambda: self.wake(sub))
        self.watched[sub] = rows
        return {"sub": sub, "window": rows.shape()}

    def move(self, args: calls.MoveWindow) -> RowWindow:
        """Moves a live question's window."""
        match self.watched.get(args.sub):
            case WatchedRows() as rows:
                return rows.move(args.offset, args.limit)
            case _:
                raise NoSuchSubscription(args.sub)

    def unwatch(self, sub: int) -> None:
        """Ends a live question; one that has ended already is no fault."""
        watched = self.watched.pop(sub, None)
        if watched is not None:
            watched.close()

    def export(self, table: str) -> Ticket:
        """Makes a file and a ticket for it."""
        return self.house.export(table)

    @property
    def visit(self) -> Visit:
        """The visit that this run of the program is."""
        return self.house.visit

    def prefer(self, theme: str | None, size: str | None) -> None:
        """Keeps how the screen should look."""
        self.house.prefer(theme, size)

    def close(self) -> None:
        """Ends every live question of this page, and gives its place up."""
        self.house.unseat(self)
        for sub in list(self.watched):
            self.unwatch(sub)
        if self._place is not None:
            self.house.places.leave(self._place)
            self._place = None

    def _next(self) -> int:
        if len(self.watched) >= SUBSCRIPTIONS_MAX:
            raise TooManySubscriptions
        self._last += 1
        return self._last


class Flags:
    """Which live questions may have changed, set by any thread, taken by the event loop.

    A question marked a thousand times before the page is ready for it costs one entry and one wake-up.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._marked: set[int] = set()
        self._ready = asyncio.Event()
        self._closed = False

    def mark(self, sub: int) -> None:
        """Notes that a question may have changed; safe from any thread, returns at once."""
        with self._lock:
            is_first = not self._marked and not self._closed
            if not self._closed:
                self._marked.add(sub)
            if is_first:
                self._loop.call_soon_threadsafe(self._ready.set)

    def close(self) -> None:
        """Wakes the loop no more."""
        with self._lock:
            self._closed = True

    async def take(self) -> list[int]:
        """Waits until something is marked and takes all of it."""
        await self._ready.wait()
        with self._lock:
            self._ready.clear()
            marked, self._marked = sorted(self._marked), set()
        return marked


class Conversation:
    """Drives one socket: reads calls, runs them in order, sends replies and changes through one bounded outbox."""

    def __init__(self, socket: WebSocket, house: House) -> None:
        self._socket = socket
        self._house = house
        self._loop = asyncio.get_running_loop()
        self._flags = Flags(self._loop)
        self._seat = PageSeat(house, self._flags.mark)
        self._outbox: asyncio.Queue[str] = asyncio.Queue(REPLIES_WAITING_MAX)
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Talks until the page goes away; then nothing of it is left."""
        if not await self._let_in():
            return
        helpers = [asyncio.create_task(self._send()), asyncio.create_task(self._push())]
        try:
            while True:
                await self._answer(await self._socket.receive_text())
        except (WebSocketDisconnect, KeyError):
            pass
        finally:
            self._flags.close()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            async with self._turn:
                await self._in_pool(self._seat.close)

    async def _let_in(self) -> bool:
        await self._socket.accept()
        try:
            text = await asyncio.wait_for(self._socket.receive_text(), HELLO_SECONDS_MAX)
            shown = msgspec.json.decode(text, type=Hello).hello
        except (TimeoutError, WebSocketDisconnect, KeyError, msgspec.MsgspecError):
            shown = Credentials()
        token = self._token_for(shown)
        if token is None:
            message = "This window is not connected to the show. Open Openprod again to get a new one."
            error: ErrorShape = {"code": "server.not_let_in", "message": message}
            await self._close_with(error)
            return False
        await self._socket.send_text(_encoded({"hello": {"token": token, "workspace": self._house.desk.id}}))
        return True

    def _token_for(self, shown: Credentials) -> str | None:
        if shown.token is not None:
            return shown.token if self._house.door.knows(shown.token) else None
        return None if shown.code is None else self._house.door.swap(shown.code)

    async def _close_with(self, error: ErrorShape) -> None:
        try:
            await self._socket.send_text(_encoded({"error": error}))
            await self._socket.close(NOT_LET_IN)
        except (WebSocketDisconnect, RuntimeError):
            log.debug("page went away before it was told")

    async def _answer(self, text: str) -> None:
        """Runs a call; its reply is in the outbox before the next turn, so replies and changes keep their order."""
        async with self._turn:
            try:
                frame = msgspec.json.decode(text, type=Frame)
            except (msgspec.MsgspecError, RecursionError):
                message = "The page sent something that is not a call. Reload it."
                error: ErrorShape = {"code": "server.bad_frame", "message": message}
                await self._outbox.put(_encoded({"id": None, "error": error}))
                return
            await self._outbox.put(await self._in_pool(lambda: _reply(self._seat, frame)))

    async def _push(self) -> None:
        while True:
            for sub in await self._flags.take():
                async with self._turn:
                    frame = await self._in_pool(lambda sub=sub: self._news(sub))
                    if frame is not None:
                        await self._outbox.put(frame)

    def _news(self, sub: int) -> str | None:
        watched = self._seat.watched.get(sub)
        if watched is None:
            return None
        try:
            self._seat.check()
            changes = watched.changes()
        except OpenprodError as error:
            return _encoded({"sub": sub, "error": _shape(error)})
        return _encoded({"sub": sub, "changes": changes}) if changes else None

    async def _send(self) -> None:
        """Sends what is in the outbox; once the page is gone the rest is dropped, so nobody waits for room in it."""
        is_there = True
        while True:
            frame = await self._outbox.get()
            if not is_there:
                continue
            try:
                await self._socket.send_text(frame)
            except (WebSocketDisconnect, RuntimeError):
                log.debug("page went away")
                is_there = False

    async def _in_pool(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._house.pool, work)


def _reply(seat: PageSeat, frame: Frame) -> str:
    try:
        seat.check()
        return _encoded({"id": frame.id, "result": run(seat, frame.call, frame.args)})
    except OpenprodError as error:
        return _encoded({"id": frame.id, "error": _shape(error)})
    except Exception:
        # The one place where a fault of ours meets a page: it is logged, said plainly, and stops just this call.
        log.exception("call %s failed", frame.call)
        message = "Something is wrong in Openprod itself; nothing was written. The log has the details."
        fault: ErrorShape = {"code": "server.fault", "message": message}
        return _encoded({"id": frame.id, "error": fault})


def _shape(error: OpenprodError) -> ErrorShape:
    return {"code": error.code, "message": str(error)}


def _encoded(frame: Mapping[str, object]) -> str:
    return msgspec.json.encode(frame).decode()

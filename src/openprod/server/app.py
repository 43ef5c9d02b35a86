"""The local server: a socket on loopback, the built page, the live line, one-use downloads, how a browser is let in.

Knows HTTP, files and the browser. Must not know what a call means; it holds no secret longer than the run and writes
none into a log, an address or a command line.
"""

from __future__ import annotations

import asyncio
import html
import json
import logging
import os
import shutil
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, get_args

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from openprod.exchange.export import export_table
from openprod.model.errors import Missing, OpenprodError, Refused
from openprod.server.calls import Desk, Ticket
from openprod.server.guard import Door, Guard
from openprod.server.live import FRAME_BYTES_MAX, Conversation, House
from openprod.server.visit import Left, Visit
from openprod.workspace.workspace import Workspace

log = logging.getLogger(__name__)

Theme = Literal["light", "dark", "blackout"]
Size = Literal["normal", "big", "wall"]

THREADS: Final = 4
OTHERS_SECONDS: Final = 0.3
_MEDIA: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}


class PageNotBuilt(Missing):
    """The web page's files are not where this program looks for them."""

    code = "server.page_not_built"

    def __init__(self) -> None:
        super().__init__("The web page has not been built. Run `make build` in the source folder, then start again.")


class PortTaken(Refused):
    """The wanted port is in use or not allowed."""

    code = "server.port_taken"

    def __init__(self, port: int, why: str) -> None:
        super().__init__(
            f"Port {port} cannot be used ({why}). Choose another with --port, or leave it out to get a free one."
        )
        self.port = port


def built_page() -> Path:
    """Returns the folder of the built page: inside an installed program, else in the tree it runs from.

    Raises:
        PageNotBuilt: there is none.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "static", here.parents[2] / "web" / "dist"):
        if (folder / "index.html").is_file():
            return folder
    raise PageNotBuilt


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept between runs: theme and type size, and where this person left each workspace, by its id."""

    theme: str | None = None
    size: str | None = None
    left: dict[str, Left] = {}


@dataclass(slots=True)
class Preferences:
    """How this person likes the screen, and where they left; one small file in the state directory, or nothing."""

    file: Path | None

    def _kept(self) -> Kept:
        if self.file is None:
            return Kept()
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=Kept)
        except (OSError, msgspec.MsgspecError):
            return Kept()

    def _keep(self, kept: Kept) -> None:
        """Writes the file; a folder that cannot be written only means that it is asked for again."""
        if self.file is None:
            return
        try:
            _write_private(self.file, msgspec.json.encode(kept).decode())
        except OSError as error:
            log.warning("screen preference not kept: %s", error.strerror)

    def theme(self) -> Theme | None:
        """Returns the chosen theme; None where none was chosen or the file says something else."""
        theme = self._kept().theme
        return next((known for known in get_args(Theme) if known == theme), None)

    def size(self) -> Size | None:
        """Returns the chosen type size; None where none was chosen or the file says something else."""
        size = self._kept().size
        return next((known for known in get_args(Size) if known == size), None)

    def prefer(self, theme: str | None, size: str | None) -> None:
        """Keeps a theme, a type size or both; None leaves the one as it is."""
        kept = self._kept()
        self._keep(msgspec.structs.replace(kept, theme=theme or kept.theme, size=size or kept.size))

    def left(self, workspace: str) -> Left | None:
        """Returns where this person left a workspace, None where they never were in it."""
        return self._kept().left.get(workspace)

    def leave(self, workspace: str, left: Left) -> None:
        """Keeps where this person leaves a workspace."""
        kept = self._kept()
        self._keep(msgspec.structs.replace(kept, left={**kept.left, workspace: left}))

    def look(self) -> str:
        """Returns what the address of the page says about how it should look."""
        chosen = {"theme": self.theme(), "size": self.size()}
        return "".join(f"&{name}={value}" for name, value in chosen.items() if value is not None)


def _write_private(file: Path, text: str) -> None:
    """Writes a file that only this user may read, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
    Path(name).replace(file)


@dataclass(slots=True)
class Shelf:
    """Files made for a page, each to be fetched once by its ticket."""

    door: Door
    make: Callable[[str], bytes]
    _files: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def export(self, table: str) -> Ticket:
        """Makes the file of a table and a ticket for it."""
        made = self.make(table)
        path = self.door.new_ticket(f"{table}.csv")
        while len(self._files) >= 8:
            del self._files[next(iter(self._files))]
        self._files[path] = made
        return {"path": path}

    async def take(self, request: Request) -> Response:
        """Hands a file out, once."""
        path = request.url.path
        made = self._files.pop(path, None)
        if not self.door.spend(str(request.path_params["ticket"]), path) or made is None:
            return PlainTextResponse("This download has been used or is too old. Ask for it again.\n", status_code=410)
        name = str(request.path_params["name"])
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return Response(made, media_type="text/csv; charset=utf-8", headers=headers)


@dataclass(slots=True)
class Page:
    """The data-free shell: the same files for everybody, with no token and no content."""

    folder: Path

    async def serve(self, request: Request) -> Response:
        """Returns a built file, or the shell for any address the page itself knows."""
        wanted = request.path_params.get("path", "")
        file = self._file(str(wanted))
        if file is None:
            return PlainTextResponse("Not here.\n", status_code=404)
        return FileResponse(file, media_type=_MEDIA.get(file.suffix, "application/octet-stream"))

    def _file(self, wanted: str) -> Path | None:
        last = wanted.rsplit("/", 1)[-1]
        if wanted.startswith("table/") or wanted == "" or "." not in last:
            return self.folder / "index.html"
        file = (self.folder / wanted).resolve()
        return file if file.is_file() and file.is_relative_to(self.folder.resolve()) else None


class Server:
    """One run of the local server on its own thread; a context manager that ends it.

    Args:
        desk: the workspace.
        port: 0 takes a free one.
        page: folder of the built page.
        state: the user's state directory, for the screen preference and the page that lets a browser in.
        export: makes the bytes of a table's file.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        port: int = 0,
        page: Path | None = None,
        state: Path | None = None,
        export: Callable[[str], bytes],
    ) -> None:
        self.door = Door()
        self._desk = desk
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._preferences = Preferences(None if state is None else state / "screen.json")
        self._state = state
        self._handed: list[Path] = []
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="openprod-call")
        shelf = Shelf(self.door, export)
        self._visit = Visit(desk, self._preferences.left(desk.id), lambda left: self._preferences.leave(desk.id, left))
        house = House(desk, self.door, self._pool, shelf.export, self._preferences.prefer, self._visit)

        async def live(websocket: WebSocket) -> None:
            await Conversation(websocket, house).run()

        inner = Starlette(
            routes=[
                WebSocketRoute("/api/live", live),
                Route("/take/{ticket}/{name}", shelf.take),
                Route("/{path:path}", Page(page or built_page()).serve),
            ]
        )
        self._guard = Guard(inner, f"127.0.0.1:{self.port}")
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                self._guard,
                log_config=None,
                log_level="warning",  # below, it logs addresses and whole frames: tickets, codes, what people write
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                ws="websockets-sansio",
                ws_max_size=FRAME_BYTES_MAX,
                ws_per_message_deflate=False,
                limit_concurrency=256,
                timeout_graceful_shutdown=2,
            )
        )
        self._thread = threading.Thread(target=self._run, name="openprod-server", daemon=True)
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch_others, name="openprod-others", daemon=True)

    @property
    def origin(self) -> str:
        """The address of the page, without the code that lets a browser in."""
        return self._guard.origin

    def entrance(self) -> str:
        """Returns an address that lets one browser in once, within a minute. It is a secret: never log or print it."""
        return f"{self.origin}/#code={self.door.new_code()}{self._preferences.look()}"

    def open_browser(self, opens: Callable[[str], bool] = webbrowser.open) -> Path:
        """Opens the browser on a private local page that hands the one-use code over; returns that page's file.

        The code so never stands on a command line, where other users of the machine could read it.
        """
        folder = Path(tempfile.mkdtemp(prefix="openprod-", dir=self._state))
        self._handed.append(folder)
        file = folder / "open.html"
        _write_private(file, handover(self.entrance(), self._preferences.theme()))
        opens(file.as_uri())
        return file

    def start(self) -> Self:
        """Starts to answer; returns once the socket does."""
        self._thread.start()
        self._watcher.start()
        return self

    def wait(self) -> None:
        """Waits until the server ends; Ctrl C ends it."""
        try:
            while self._thread.is_alive():
                self._thread.join(0.5)
        except KeyboardInterrupt:
            self.stop()

    def stop(self) -> None:
        """Says goodbye to every page and ends."""
        self._uvicorn.should_exit = True
        self._ended.set()
        for thread in (self._thread, self._watcher):
            if thread.is_alive():
                thread.join(10)
        self._socket.close()
        try:
            self._visit.end()
        except OpenprodError as error:
            log.warning("where you left could not be kept: %s", error.code)
        for folder in self._handed:
            shutil.rmtree(folder, ignore_errors=True)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _watch_others(self) -> None:
        """Lets pages know what other programs (the command line, an import) commit to the same workspace."""
        while not self._ended.wait(OTHERS_SECONDS):
            try:
                self._desk.poll()
            except OpenprodError as error:
                log.warning("could not look for others' changes: %s", error.code)

    def _run(self) -> None:
        asyncio.run(self._uvicorn.serve(sockets=[self._socket]))


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise PortTaken(port, getattr(error, "strerror", None) or "out of range") from error
    listening.listen(128)
    return listening


_GROUNDS: Final = {"light": ("#FAFAF8", "#5E5B52"), "dark": ("#141416", "#A3A19A"), "blackout": ("#000000", "#C00000")}


def handover(address: str, theme: Theme | None) -> str:
    """Returns the private page that sends the browser on; dark unless light was chosen, so that nothing flashes."""
    ground, ink = _GROUNDS[theme or "dark"]
    scheme = "light" if theme == "light" else "dark"
    target = json.dumps(address).replace("<", "\\u003c")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Openprod</title>'
        f'<meta name="color-scheme" content="{scheme}"><meta name="referrer" content="no-referrer">'
        f"<style>html{{background:{ground};color:{ink};font:15px system-ui,sans-serif}}</style>"
        f"<p>{html.escape('Opening your show…')}<script>location.replace({target})</script></html>"
    )


def serve(workspace: Workspace, port: int = 0, *, open_browser: bool = True) -> None:
    """Serves a workspace to this user's browser until Ctrl C.

    Args:
        workspace: the open workspace.
        port: the loopback port; 0 takes a free one.
        open_browser: whether to open the browser now.

    Raises:
        PageNotBuilt: the page's files are missing.
        PortTaken: the port cannot be used.
    """

    def export(table: str) -> bytes:
        return export_table(workspace, table)

    with Server(workspace, port=port, state=workspace.home.path, export=export) as server:
        log.info("serving on port %d", server.port)
        if open_browser:
            server.open_browser()
        server.wait()

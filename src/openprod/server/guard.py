"""The door of the local server: who may come in, and what a browser is told never to do.

Knows codes, tokens, tickets, the Host, Origin and peer checks, and the headers of every answer. Must not know a call
or a workspace: what somebody may do once inside is not decided here. Rules: the "Local server" part of
docs/threats.md.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

CODE_SECONDS_MAX: Final = 60.0
TICKET_SECONDS_MAX: Final = 60.0
OPEN_MAX: Final = 64
"""Codes or tickets waiting to be used; past that the oldest ends, so nobody can fill memory with them."""

_RULES: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self'",
    "connect-src {origin} {socket}",
    "manifest-src 'none'",
    "worker-src 'none'",
    "frame-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
POLICY: Final = "; ".join(_RULES)

_HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), usb=(), serial=(), payment=()"),
    # A port may have belonged to someone else before, and may again: nothing of ours is kept under it.
    ("Cache-Control", "no-store"),
)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@dataclass(slots=True)
class Door:
    """Hands out and checks the three kinds of secret of one run of the server; keeps only their hashes.

    A *code* is good once, for 60 seconds, and is swapped for a *token*; a token is good until the server ends; a
    *ticket* is good once, for 60 seconds, for one path.

    Args:
        clock: seconds that never go backwards.
        fresh: gives a new unguessable text.
    """

    clock: Callable[[], float] = time.monotonic
    fresh: Callable[[], str] = lambda: secrets.token_urlsafe(32)
    _codes: dict[bytes, float] = field(default_factory=dict[bytes, float], repr=False)
    _tokens: set[bytes] = field(default_factory=set[bytes], repr=False)
    _tickets: dict[bytes, tuple[str, float]] = field(default_factory=dict[bytes, tuple[str, float]], repr=False)

    def new_code(self) -> str:
        """Returns a one-use code that a page can swap for a token within 60 seconds."""
        code = self.fresh()
        while len(self._codes) >= OPEN_MAX:
            del self._codes[next(iter(self._codes))]
        self._codes[_digest(code)] = self.clock() + CODE_SECONDS_MAX
        return code

    def swap(self, code: str) -> str | None:
        """Spends a code and returns a new token; None where the code is unknown, used or too old."""
        ends = self._codes.pop(_digest(code), None)
        if ends is None or self.clock() > ends:
            return None
        token = self.fresh()
        self._tokens.add(_digest(token))
        return token

    def knows(self, token: str) -> bool:
        """Tells whether the token was handed out by this run of the server."""
        return _digest(token) in self._tokens

    def new_ticket(self, name: str) -> str:
        """Returns a one-use path under which the browser may fetch one file called `name` within 60 seconds."""
        ticket = self.fresh()
        while len(self._tickets) >= OPEN_MAX:
            del self._tickets[next(iter(self._tickets))]
        path = f"/take/{ticket}/{name}"
        self._tickets[_digest(ticket)] = (path, self.clock() + TICKET_SECONDS_MAX)
        return path

    def spend(self, ticket: str, path: str) -> bool:
        """Uses up a ticket; false where it is unknown, used, too old or made for another path."""
        bound, ends = self._tickets.pop(_digest(ticket), ("", 0.0))
        return bound == path and self.clock() <= ends


def socket_owner(table: str, client_port: int, server_port: int) -> int | None:
    """Returns the user id that owns the client's end of a loopback connection, None where the table does not show it.

    Args:
        table: the text of Linux's /proc/net/tcp: columns local address, remote address, state, ..., uid, with
            addresses as hexadecimal "ADDRESS:PORT".
        client_port: the port the connection comes from.
        server_port: the port it came to.
    """
    ours, theirs = f":{client_port:04X}", f":{server_port:04X}"
    for line in table.splitlines()[1:]:
        columns = line.split()
        if len(columns) > 7 and columns[1].endswith(ours) and columns[2].endswith(theirs) and columns[7].isdecimal():
            return int(columns[7])
    return None


def _is_our_user(client_port: int, server_port: int) -> bool:
    """Tells whether the peer's socket is this user's; where the system has no such table the token alone decides."""
    if not sys.platform.startswith("linux"):
        return True
    try:
        table = Path("/proc/net/tcp").read_text(encoding="ascii")
    except OSError:
        return True
    return socket_owner(table, client_port, server_port) == os.getuid()


@dataclass(slots=True)
class Guard:
    """ASGI middleware that answers only our own page on our own address, from our own user, and adds the headers.

    Args:
        app: what lies behind the door.
        host: the one Host header answered, "127.0.0.1:PORT".
        is_our_user: (client port, server port) -> whether that connection comes from this user.
    """

    app: ASGIApp
    host: str
    is_our_user: Callable[[int, int], bool] = _is_our_user

    @property
    def origin(self) -> str:
        """The one Origin answered."""
        return f"http://{self.host}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets the request through, or refuses it without a word about why (the reason is in the log)."""
        if scope["type"] not in {"http", "websocket"}:
            return
        reason = self._objection(scope)
        if reason is not None:
            log.warning("request refused: %s", reason)
            await _refuse(scope, receive, send)
            return
        await self.app(scope, receive, self._with_headers(send))

    def _objection(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if hosts != [self.host]:
            return "host"
        if scope["type"] == "websocket":
            if origins != [self.origin]:
                return "origin"
        elif scope["method"] not in {"GET", "HEAD"}:
            return "method"
        elif origins and origins != [self.origin]:
            return "origin"
        return self._peer_objection(scope)

    def _peer_objection(self, scope: Scope) -> str | None:
        client: object = scope.get("client")
        server: object = scope.get("server")
        match client, server:
            case (str() as address, int() as port), (str(), int() as ours):
                if address != "127.0.0.1":
                    return "address"
                return None if self.is_our_user(port, ours) else "user"
            case _:
                return "address"

    def _with_headers(self, send: Send) -> Send:
        policy = POLICY.format(origin=self.origin, socket=f"ws://{self.host}")

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", policy)
                for name, value in _HEADERS:
                    headers[name] = value
            await send(message)

        return answered


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await PlainTextResponse("Not here.\n", status_code=403)(scope, receive, send)

from __future__ import annotations

import os
from itertools import count

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Scope

from openprod.server.guard import OPEN_MAX, Door, Guard, socket_owner

HOST = "127.0.0.1:4000"
ORIGIN = f"http://{HOST}"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def a_door() -> tuple[Door, Clock]:
    clock, numbers = Clock(), count()
    return Door(clock=clock, fresh=lambda: f"secret{next(numbers)}"), clock


def test_a_code_lets_one_page_in_once() -> None:
    door, _ = a_door()
    code = door.new_code()
    token = door.swap(code)
    assert token is not None
    assert door.knows(token)
    assert door.swap(code) is None


def test_a_code_is_too_old_after_a_minute_and_guessing_spends_nothing() -> None:
    door, clock = a_door()
    code = door.new_code()
    assert door.swap("guess") is None
    clock.now += 60.5
    assert door.swap(code) is None
    assert not door.knows("guess")


def test_a_ticket_is_good_once_for_its_own_path() -> None:
    door, clock = a_door()
    path = door.new_ticket("cues.csv")
    ticket = path.split("/")[2]
    assert not door.spend(ticket, f"/take/{ticket}/people.csv")
    assert not door.spend(ticket, path)
    again = door.new_ticket("cues.csv")
    assert door.spend(again.split("/")[2], again)
    late = door.new_ticket("cues.csv")
    clock.now += 61
    assert not door.spend(late.split("/")[2], late)


def test_unused_codes_do_not_pile_up() -> None:
    door, _ = a_door()
    codes = [door.new_code() for _ in range(OPEN_MAX + 1)]
    assert door.swap(codes[0]) is None
    assert door.swap(codes[-1]) is not None


def test_a_door_shows_no_secret_when_printed() -> None:
    door, _ = a_door()
    assert door.new_code() not in repr(door)


TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0FA0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1215 1 0000 100 0 0 10 0
   1: 0100007F:C350 0100007F:0FA0 01 00000000:00000000 00:00000000 00000000  1001        0 1216 1 0000 20 4 30 10 -1
   2: 0100007F:0FA0 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 1217 1 0000 20 4 30 10 -1
"""


def test_the_owner_of_the_clients_end_is_read_from_the_sockets_of_the_system() -> None:
    assert socket_owner(TABLE, 0xC350, 0x0FA0) == 1001
    assert socket_owner(TABLE, 0xC351, 0x0FA0) is None
    assert socket_owner("", 1, 2) is None
    assert socket_owner("head\nshort line\n", 1, 2) is None


async def _asked(guard: Guard, **changed: object) -> tuple[int, dict[str, str]]:
    headers = [(b"host", HOST.encode())]
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 4000),
        **changed,
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"} if scope["type"] == "websocket" else {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await guard(scope, receive, send)
    start = sent[0]
    told = {name.decode().lower(): value.decode() for name, value in start.get("headers", [])}
    return start.get("status", start.get("code", 0)), told


def _guard(*, is_ours: bool = True) -> Guard:
    return Guard(PlainTextResponse("shell"), HOST, lambda _client, _server: is_ours)


def _run(guard: Guard, **changed: object) -> tuple[int, dict[str, str]]:
    import asyncio

    return asyncio.run(_asked(guard, **changed))


def test_our_own_page_is_answered_with_every_header() -> None:
    status, headers = _run(_guard())
    assert status == 200
    policy = headers["content-security-policy"]
    for rule in (
        "default-src 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        f"connect-src {ORIGIN} ws://{HOST}",
    ):
        assert rule in policy
    assert "unsafe" not in policy
    assert "blob:" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers
    assert "set-cookie" not in headers


@pytest.mark.parametrize(
    "changed",
    [
        {"headers": []},
        {"headers": [(b"host", b"localhost:4000")]},
        {"headers": [(b"host", b"evil.example")]},
        {"headers": [(b"host", HOST.encode()), (b"host", HOST.encode())]},
        {"headers": [(b"host", HOST.encode()), (b"origin", b"http://evil.example")]},
        {"headers": [(b"host", HOST.encode()), (b"origin", b"null")]},
        {"method": "POST"},
        {"method": "OPTIONS"},
        {"client": ("192.168.1.5", 50000)},
        {"client": None},
    ],
)
def test_anything_else_is_refused_without_a_word(changed: dict[str, object]) -> None:
    status, headers = _run(_guard(), **changed)
    assert status == 403
    assert "content-security-policy" not in headers


def test_another_user_of_the_machine_is_refused() -> None:
    assert _run(_guard(is_ours=False))[0] == 403


@pytest.mark.parametrize(
    "origin", [None, "http://evil.example", "null", "http://localhost:4000", "https://127.0.0.1:4000", f"{ORIGIN}/"]
)
def test_a_socket_needs_exactly_our_origin(origin: str | None) -> None:
    headers = [(b"host", HOST.encode())] + ([] if origin is None else [(b"origin", origin.encode())])
    status, _ = _run(_guard(), type="websocket", headers=headers)
    assert status == 1008


def test_this_process_owns_its_own_connections() -> None:
    import socket
    import sys
    from pathlib import Path

    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux has this table")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with socket.create_connection(listening.getsockname()) as client:
            table = Path("/proc/net/tcp").read_text(encoding="ascii")
            assert socket_owner(table, client.getsockname()[1], listening.getsockname()[1]) == os.getuid()

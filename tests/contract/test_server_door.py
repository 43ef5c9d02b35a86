"""The local server from outside: who is answered, what a page may do, that secrets are spent and appear nowhere."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import stat
from collections.abc import Awaitable, Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, is_typeddict
from urllib.parse import urlsplit

import pytest
from tests.e2e.stage import apart, set_up
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from openprod.exchange.export import export_table
from openprod.server.app import PortTaken, Server
from openprod.server.describe import members, plain_type
from openprod.server.every import CALLS
from openprod.workspace.workspace import Workspace

Reply = dict[str, Any]
T = TypeVar("T")


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Workspace]:
    with set_up(tmp_path, cues=12) as workspace:
        yield workspace


@pytest.fixture
def server(show: Workspace, tmp_path: Path) -> Iterator[Server]:
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Openprod</title>", encoding="utf-8")
    (page / "assets" / "index-1.js").write_text("export {};", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    made = Server(show, page=page, state=tmp_path / "state", export=lambda table: export_table(show, table))
    (tmp_path / "state").mkdir()
    with made:
        yield made


def code_of(server: Server) -> str:
    return server.entrance().split("#code=")[1].split("&")[0]


def fetched(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in ({"Host": f"127.0.0.1:{server.port}"} | headers).items():
            if value:
                connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def talked(server: Server, say: Callable[[ClientConnection], Awaitable[T]], first: object = None) -> T:
    async def conversation() -> T:
        async with connect(f"ws://127.0.0.1:{server.port}/api/live", origin=server.origin) as line:  # pyright: ignore[reportArgumentType]
            await line.send(json.dumps(first if first is not None else {"hello": {"code": code_of(server)}}))
            assert "token" in json.loads(await line.recv())["hello"]
            return await say(line)

    return asyncio.run(conversation())


async def called(line: ClientConnection, name: str, args: object, number: int = 1) -> Reply:
    await line.send(json.dumps({"id": number, "call": name, "args": args}))
    while True:
        reply: Reply = json.loads(await line.recv())
        if reply.get("id") == number:
            return reply


def test_only_the_one_right_combination_of_host_origin_and_secret_is_let_in(server: Server) -> None:
    async def attempt(host: str, origin: str | None, secret: dict[str, str]) -> bool:
        headers = {} if origin is None else {"Origin": origin}
        uri = f"ws://{host}/api/live"
        try:
            async with connect(uri, additional_headers=headers, host="127.0.0.1", port=server.port) as line:
                await line.send(json.dumps({"hello": secret}))
                return "hello" in json.loads(await line.recv())
        except (InvalidStatus, ConnectionClosed):
            return False

    async def attempts() -> list[tuple[str, str | None, bool, bool]]:
        hosts = (f"127.0.0.1:{server.port}", f"localhost:{server.port}", "evil.example", "127.0.0.1:1")
        origins = (server.origin, None, "null", "http://evil.example", f"http://localhost:{server.port}")
        made: list[tuple[str, str | None, bool, bool]] = []
        for host, origin, is_good in itertools.product(hosts, origins, (True, False)):
            secret = {"code": code_of(server)} if is_good else {"token": "guess"}
            made.append((host, origin, is_good, await attempt(host, origin, secret)))
        return made

    let_in = [one[:3] for one in asyncio.run(attempts()) if one[3]]
    assert let_in == [(f"127.0.0.1:{server.port}", server.origin, True)]


def test_a_code_opens_one_window_and_its_token_opens_it_again(server: Server) -> None:
    async def hello(first: object) -> Reply:
        async with connect(f"ws://127.0.0.1:{server.port}/api/live", origin=server.origin) as line:  # pyright: ignore[reportArgumentType]
            await line.send(json.dumps(first))
            return json.loads(await line.recv())

    code = code_of(server)
    token = asyncio.run(hello({"hello": {"code": code}}))["hello"]["token"]
    assert asyncio.run(hello({"hello": {"code": code}}))["error"]["code"] == "server.not_let_in"
    assert asyncio.run(hello({"hello": {"token": token}}))["hello"]["token"] == token
    strange: list[object] = [
        {},
        {"hello": {}},
        {"hello": {"token": ""}},
        [],
        "x",
        {"id": 1, "call": "edit", "args": {}},
    ]
    for wrong in strange:
        assert asyncio.run(hello(wrong))["error"]["code"] == "server.not_let_in"


def test_nothing_but_the_shell_is_served_without_a_token(server: Server) -> None:
    assert fetched(server, "/")[0] == 200
    assert fetched(server, "/table/lighting.cues")[2] == fetched(server, "/")[2]
    assert fetched(server, "/assets/index-1.js")[1]["content-type"].startswith("text/javascript")
    for path in (
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "//secret.txt",
        "/secret.txt",
    ):
        assert b"secret" not in fetched(server, path)[2]
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert fetched(server, "/", method)[0] == 403
    assert fetched(server, "/", Host="evil.example")[0] == 403
    assert fetched(server, "/", Origin="http://evil.example")[0] == 403
    assert fetched(server, "/", Host="")[0] in {400, 403}


def test_every_answer_carries_the_policy_and_no_cookie(server: Server) -> None:
    for path in ("/", "/assets/index-1.js", "/missing.js", "/take/x/y.csv"):
        headers = fetched(server, path)[1]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert not {"set-cookie", "access-control-allow-origin", "server"} & headers.keys()


def test_a_file_is_fetched_once_by_its_ticket(server: Server) -> None:
    path = talked(server, lambda line: called(line, "export", {"table": "lighting.cues"}))["result"]["path"]
    other = path.replace("lighting.cues", "contacts.people")
    status, headers, body = fetched(server, path)
    assert status == 200
    assert headers["content-disposition"] == 'attachment; filename="lighting.cues.csv"'
    assert "sandbox" in headers["content-security-policy"]
    assert body.count(b"\n") == 13
    assert fetched(server, path)[0] == 410
    assert fetched(server, other)[0] == 410


def fits(value: object, hint: object) -> bool:
    """Tells whether a reply is of the declared type, with no member missing and none too many."""
    hint = plain_type(hint)
    inner = get_args(hint)
    if hint is object or get_origin(hint) is Literal:
        return hint is object or value in inner
    if get_origin(hint) is list:
        return isinstance(value, list) and all(fits(one, inner[0]) for one in cast("list[object]", value))
    if get_origin(hint) is dict:
        return isinstance(value, dict) and all(fits(one, inner[1]) for one in cast("Reply", value).values())
    if inner:
        return any(fits(value, one) for one in inner)
    if isinstance(hint, type) and is_typeddict(hint):
        wanted = {one.name: one.type for one in members(hint)}
        found = cast("Reply", value)
        return found.keys() == wanted.keys() and all(fits(found[name], one) for name, one in wanted.items())
    return isinstance(hint, type) and type(value) is hint


REFUSED = {"invitation.revoke", "waiting.accept", "waiting.admit"}
"""Calls about what is not the case in this small show."""


def test_every_call_answers_in_the_shape_it_declares(server: Server, show: Workspace, tmp_path: Path) -> None:
    cue = show.ref("lighting.cues:3")
    conflict = show.conflicts()[0]
    apart(tmp_path / "later", show, "lighting.cues:7", "label", "Noon", "Dusk")
    (late,) = show.conflicts("lighting.cues:7")
    people = [show.ref(f"contacts.people:{name}") for name in ("Jane Doe", "Mina Okafor")]

    def staged(**fields: object) -> Reply:
        return {
            "do": "set",
            "record": cue,
            "fields": {f"lighting.cues.{name}": value for name, value in fields.items()},
        }

    asked: list[tuple[str, object]] = [
        ("workspace.status", {}),
        ("workspace.watch", {}),
        ("home", {}),
        ("home.seen", {}),
        ("tables.list", {}),
        ("table.fields", {"table": "lighting.cues"}),
        ("table.relations", {"table": "contacts.people"}),
        ("query.run", {"query": "number > 3", "from": "lighting.cues", "limit": 5}),
        ("query.subscribe", {"query": {"from": "lighting.cues"}, "cells": "lighting.cues", "limit": 5}),
        ("query.window", {"sub": 2, "offset": 5, "limit": 5}),
        ("query.place", {"query": {"from": "lighting.cues", "sort": {"order": ["number"]}}, "record": cue}),
        ("query.unsubscribe", {"sub": 2}),
        ("record.get", {"record": cue}),
        ("record.find", {"text": "LX 3", "tables": ["lighting.cues"]}),
        ("record.named", {"texts": ["3", "nobody"], "tables": ["lighting.cues"]}),
        ("record.relations", {"record": cue}),
        ("record.titles", {"records": [cue]}),
        ("record.history", {"record": cue, "field": "lighting.cues.label"}),
        (
            "edit",
            {"intents": [{"do": "set", "record": cue, "fields": {"lighting.cues.notes": "Fog"}}], "label": "A note"},
        ),
        ("conflict.list", {}),
        ("conflict.resolve", {"conflict": conflict["id"], "choose": conflict["values"][0]["op"]}),
        ("conflict.settle", {"choices": [{"conflict": late["id"], "choose": late["values"][1]["op"]}]}),
        ("conflict.decided", {}),
        ("waiting.list", {}),
        ("invitation.open", {"label": "Ben", "uses": 1}),
        ("invitation.list", {}),
        ("invitation.revoke", {"key": "0" * 64}),
        ("workspace.verify", {}),
        ("waiting.accept", {"bundle": "0" * 12}),
        ("waiting.admit", {"log": "0" * 12}),
        ("history.page", {"limit": 2, "table": "lighting.cues", "words": "note"}),
        ("past.milestone", {"name": "First day"}),
        ("past.milestones", {}),
        ("past.compare", {"since": "First day"}),
        ("log.list", {"limit": 3}),
        ("undo", {}),
        ("redo", {}),
        ("export", {"table": "contacts.people"}),
        ("screen.prefer", {"theme": "blackout"}),
        ("staging.list", {}),
        ("staging.new", {"name": "what if"}),
        ("edit", {"intents": [staged(notes="Haze", up=9, label="Noon")]}),
        ("staging.leave_out", {"slots": [{"record": cue, "field": "lighting.cues.label"}]}),
        ("staging.use", {"name": None}),
        ("edit", {"intents": [staged(notes="Smoke", up=3)]}),
        ("staging.use", {"name": "what if"}),
        ("staging.review", {}),
        ("staging.keep", {"slots": [{"record": cue, "field": "lighting.cues.notes"}]}),
        ("staging.theirs", {"slots": [{"record": cue, "field": "lighting.cues.up"}]}),
        ("staging.rename", {"name": "what then"}),
        ("staging.commit", {}),
        ("past.see", {"moment": "First day"}),
        ("past.see", {"moment": None}),
        ("past.bring_back", {"moment": "First day", "record": cue, "fields": ["lighting.cues.up"]}),
        ("staging.use", {"name": None}),
        ("table.views", {"table": None}),
        ("table.checks", {"table": "lighting.cues"}),
        ("table.mapped", {}),
        ("record.differences", {"one": people[0], "other": people[1]}),
        ("record.merge", {"one": people[0], "other": people[1]}),
        ("record.split", {"record": people[0]}),
        ("staging.new", {"name": "no more"}),
        ("staging.discard", {"name": "no more"}),
        ("staging.discard", {"name": "Back to First day"}),
    ]
    assert {name for name, _ in asked} == CALLS.keys()

    async def all_of_them(line: ClientConnection) -> list[Reply]:
        return [await called(line, name, args, number) for number, (name, args) in enumerate(asked, 1)]

    for (name, _), reply in zip(asked, talked(server, all_of_them), strict=True):
        assert ("error" in reply) == (name in REFUSED), (name, reply)
        assert name in REFUSED or fits(reply["result"], CALLS[name].gives), (name, reply)
    assert show.conflicts() == []
    assert "A note" in [one["label"] for one in show.log_entries(20)]
    assert show.record(cue)["fields"]["lighting.cues.notes"] == "Haze"
    assert show.overlays() == []
    assert "theme=blackout" in server.entrance()


def test_an_edit_that_is_refused_says_why_and_writes_nothing(server: Server, show: Workspace) -> None:
    before = show.status()["state_hash"]
    cue = show.ref("lighting.cues:3")
    intents = [
        {"do": "set", "record": cue, "fields": {"lighting.cues.label": "never written"}},
        {"do": "set", "record": cue, "fields": {"lighting.cues.up": "soon"}},
    ]
    reply = talked(server, lambda line: called(line, "edit", {"intents": intents}))
    assert "soon" in reply["error"]["message"]
    assert show.status()["state_hash"] == before


def test_an_edit_over_what_moved_on_is_kept_beside_it_as_a_question(server: Server, show: Workspace) -> None:
    cue, key = show.ref("lighting.cues:5"), "lighting.cues.label"
    looked_at = show.record(cue)["heads"][key]
    with show.edit("Somebody else") as edit:
        edit.set(cue, {key: "theirs"})
    intents = [{"do": "set", "record": cue, "fields": {key: "mine"}, "heads": {key: looked_at}}]
    talked(server, lambda line: called(line, "edit", {"intents": intents}))
    assert show.record(cue)["conflicts"] == [key]
    open_values = [one["value"] for conflict in show.conflicts(cue) for one in conflict["values"]]
    assert sorted(map(str, open_values)) == ["mine", "theirs"]


def test_a_change_made_elsewhere_reaches_every_page(server: Server, show: Workspace) -> None:
    async def watch(line: ClientConnection) -> Reply:
        args = {
            "query": {"from": "contacts.people", "sort": {"order": ["name"]}},
            "cells": "contacts.people",
            "limit": 10,
        }
        sub = (await called(line, "query.subscribe", args))["result"]["sub"]
        await asyncio.to_thread(add_person)
        while True:
            frame: Reply = json.loads(await line.recv())
            if frame.get("sub") == sub:
                return frame["changes"][0]

    def add_person() -> None:
        with show.edit() as edit:
            edit.add("contacts.people", name="Lena Abel")

    change = talked(server, watch)
    assert change["count"] == 4
    assert [(step["kind"], step["at"]) for step in change["steps"]] == [("insert", 1)]


def test_another_program_on_the_same_workspace_is_noticed(server: Server, show: Workspace) -> None:
    from openprod.workspace.opening import open_workspace

    def other_program() -> None:
        with open_workspace(show.path, home=show.home.path) as again, again.edit("From the command line") as edit:
            edit.add("contacts.people", name="Zoe")

    async def watch(line: ClientConnection) -> int:
        sub = (await called(line, "workspace.watch", {}))["result"]["sub"]
        await asyncio.to_thread(other_program)
        while True:
            frame: Reply = json.loads(await asyncio.wait_for(line.recv(), 10))
            if frame.get("sub") == sub:
                return next(
                    table["count"] for table in frame["changes"][0]["tables"] if table["name"] == "contacts.people"
                )

    assert talked(server, watch) == 4


def test_frames_that_are_no_calls_are_answered_and_huge_ones_end_the_conversation(server: Server) -> None:
    async def say(line: ClientConnection) -> list[str]:
        codes: list[str] = []
        for frame in ("", "[]", "{}", '{"id":1}', '{"id":"x","call":"edit"}', "[" * 20_000):
            await line.send(frame)
            codes.append(json.loads(await line.recv())["error"]["code"])
        with pytest.raises((ConnectionClosed, ConnectionError)):
            await called(line, "x" * 5_000_000, {})
        return codes

    assert set(talked(server, say)) == {"server.bad_frame"}
    assert fetched(server, "/")[0] == 200


def test_a_page_that_does_not_read_holds_up_nobody(server: Server, show: Workspace) -> None:
    async def lazy(line: ClientConnection) -> None:
        args = {"query": {"from": "lighting.cues"}, "cells": "lighting.cues", "limit": 500}
        for number in range(2, 30):
            await line.send(json.dumps({"id": number, "call": "query.subscribe", "args": args}))
        line.transport.pause_reading()
        await asyncio.to_thread(many_edits)
        line.transport.resume_reading()

    def many_edits() -> None:
        for number in range(40):
            with show.edit() as edit:
                edit.add("contacts.people", name=f"Person {number}")

    talked(server, lazy)
    assert show.count("contacts.people") == 43


def test_secrets_are_in_no_log_and_the_private_page_is_private(
    server: Server, show: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    opened: list[str] = []

    def open_it(address: str) -> bool:
        opened.append(address)
        return True

    file = server.open_browser(open_it)
    text = file.read_text(encoding="utf-8")
    code = text.split("#code=")[1].split('"')[0].split("&")[0]
    assert opened == [file.as_uri()]
    assert code not in opened[0]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    talked(server, lambda line: called(line, "tables.list", {}), {"hello": {"code": code}})
    path = talked(server, lambda line: called(line, "export", {"table": "lighting.cues"}))["result"]["path"]
    fetched(server, path)
    ours = [record for record in caplog.records if record.name.startswith(("openprod", "uvicorn", "asyncio"))]
    logged = "\n".join(f"{record.name}: {record.getMessage()}" for record in ours)
    assert code not in logged
    assert path.split("/")[2] not in logged
    assert show.record("lighting.cues:3")["title"] not in logged


def test_a_port_that_is_taken_is_a_sentence(server: Server, show: Workspace) -> None:
    with pytest.raises(PortTaken, match=str(server.port)):
        Server(show, port=server.port, export=lambda _: b"")
    assert urlsplit(server.origin).hostname == "127.0.0.1"

"""Writes down the calls: `docs/api.md` for people, `web/src/wire/calls.ts` with types and validators for the page.

Knows the list of calls and how their types read in TypeScript. Must not know what a call does. Run it after a change to
`calls`, `live` or the desk's shapes: `python -m openprod.server.describe`; a test compares the files with what it
makes.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import (
    Final,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import msgspec
from msgspec import Struct

from openprod.server.call import Args, Call
from openprod.server.calls import Overview
from openprod.server.every import CALLS, EverySeat
from openprod.server.intents import AnyIntent
from openprod.server.live import Credentials, ErrorShape, RowsChanged

API_FILE: Final = "docs/api.md"
WIRE_FILE: Final = "web/src/wire/calls.ts"

_WORDS: Final = {str: "string", int: "number", float: "number", bool: "boolean", object: "Plain", type(None): "null"}
_NAMES: Final = {"Args": "Nothing"}
_CHECKS: Final = {str: "text", int: "whole", float: "number", bool: "flag", object: "plain", type(None): "nothing"}


class Member(typing.NamedTuple):
    """One member of a shape: its name on the wire, its type, whether it may be left out."""

    name: str
    type: object
    is_optional: bool


def members(shape: type) -> list[Member]:
    """Lists what a struct or typed dict consists of, in order; a struct's tag comes first."""
    hints = get_type_hints(shape, include_extras=True)
    if is_typeddict(shape):
        return [Member(name, hint, get_origin(hint) is NotRequired) for name, hint in hints.items()]
    info = msgspec.inspect.type_info(shape)
    assert isinstance(info, msgspec.inspect.StructType)
    tag = [] if info.tag is None else [Member(str(info.tag_field), Literal[info.tag], is_optional=False)]
    return tag + [Member(one.encode_name, hints[one.name], not one.required) for one in info.fields]


def plain_type(hint: object) -> object:
    """Takes off what only a decoder needs: limits and marks of presence."""
    while get_origin(hint) in {typing.Annotated, Required, NotRequired}:
        hint = get_args(hint)[0]
    # `Plain` names itself, which only a type checker can follow: it is any JSON value.
    return object if get_origin(hint) in {Union, types.UnionType} and "ForwardRef" in repr(hint) else hint


def name(shape: type) -> str:
    """Returns what a shape is called in TypeScript, where some names are taken."""
    return _NAMES.get(shape.__name__, shape.__name__)


def typescript(hint: object) -> str:
    """Returns the TypeScript type of a Python type of the wire."""
    hint = plain_type(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return " | ".join(dict.fromkeys(typescript(one) for one in arguments if one is not msgspec.UnsetType))
    if origin is Literal:
        return " | ".join(f'"{one}"' for one in arguments)
    if origin is list:
        inner = typescript(arguments[0])
        return f"readonly ({inner})[]" if "|" in inner else f"readonly {inner}[]"
    if origin is dict:
        return f"{{ readonly [key: string]: {typescript(arguments[1])} }}"
    return _WORDS.get(hint) or name(hint) if isinstance(hint, type) else "Plain"


def check(hint: object) -> str:
    """Returns the TypeScript expression that checks a value of a Python type of the wire."""
    hint = plain_type(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        if object in arguments:
            return "plain"
        return f"either({', '.join(check(one) for one in arguments)})"
    if origin is Literal:
        return "oneOf(" + ", ".join(f'"{one}"' for one in arguments) + ")"
    if origin is list:
        return f"listOf({check(arguments[0])})"
    if origin is dict:
        return f"mapOf({check(arguments[1])})"
    if isinstance(hint, type) and hint in _CHECKS:
        return _CHECKS[hint]
    assert isinstance(hint, type)
    return f"check{name(hint)}"


def shapes_within(hints: Iterable[object]) -> Iterator[type]:
    """Yields every named shape that the given types consist of, each before those that use it, each once."""
    seen: set[type] = set()

    def visit(hint: object) -> Iterator[type]:
        hint = plain_type(hint)
        if isinstance(hint, type) and (is_typeddict(hint) or issubclass(hint, Struct)):
            if hint in seen:
                return
            seen.add(hint)
            for member in members(hint):
                yield from visit(member.type)
            yield hint
            return
        for inner in get_args(hint):
            yield from visit(inner)

    for hint in hints:
        yield from visit(hint)


def sentence(shape: type) -> str:
    """Returns the first sentence of a shape's docstring."""
    return (inspect.getdoc(shape) or "").split("\n\n")[0].replace("\n", " ")


def _interface(shape: type) -> str:
    if not members(shape):
        return f"/** {sentence(shape)} */\nexport type {name(shape)} = {{ readonly [key: string]: never }};"
    lines = [f"/** {sentence(shape)} */", f"export interface {name(shape)} {{"]
    for member in members(shape):
        mark = "?" if member.is_optional else ""
        lines.append(f"  readonly {_key(member.name)}{mark}: {typescript(member.type)};")
    return "\n".join([*lines, "}"])


def _key(name: str) -> str:
    return name if name.isidentifier() else f'"{name}"'


def _checker(shape: type) -> str:
    lines = [f"export const check{name(shape)}: Check<{name(shape)}> = shape<{name(shape)}>({{"]
    for member in members(shape):
        inner = check(member.type)
        lines.append(f"  {_key(member.name)}: {f'optional({inner})' if member.is_optional else inner},")
    return "\n".join([*lines, "});"])


_HELPERS: Final = (
    "either",
    "flag",
    "listOf",
    "mapOf",
    "nothing",
    "number",
    "oneOf",
    "optional",
    "plain",
    "shape",
    "text",
    "whole",
)


def _import(checks: Iterable[str]) -> str:
    text = "\n".join(checks)
    used = ["type Check", "type Plain", *(one for one in _HELPERS if re.search(rf"\b{one}\b", text))]
    return "import { " + ", ".join(used) + ' } from "../lib/check.ts";'


def wire() -> str:
    """Returns the text of the page's generated types and validators."""
    given = list(shapes_within([Args] + [call.args for call in CALLS.values()] + [AnyIntent, Credentials]))
    got = list(shapes_within([call.gives for call in CALLS.values()] + [Overview, RowsChanged, ErrorShape]))
    calls = [
        f'  readonly "{call.name}": {{ readonly args: {name(call.args)}; readonly result: {typescript(call.gives)} }};'
        for call in CALLS.values()
    ]
    results = [f'  "{call.name}": {check(call.gives)},' for call in CALLS.values()]
    parts = [
        "// Generated by `python -m openprod.server.describe` from the program's own list of calls; a test compares.",
        _import([*calls, *results, *map(_checker, got)]),
        *(_interface(shape) for shape in dict.fromkeys([*given, *got])),
        *(_checker(shape) for shape in got),
        f"export type AnyIntent = {typescript(AnyIntent)};",
        "\n".join(["export interface Calls {", *calls, "}"]),
        "\n".join(
            ['export const results: { readonly [K in keyof Calls]: Check<Calls[K]["result"]> } = {', *results, "};"]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _told(call: Call[EverySeat]) -> str:
    rows = [
        f"| `{one.name}` | `{_read(one.type)}` | {'may be left out' if one.is_optional else ''} |"
        for one in members(call.args)
    ]
    table = ["", "| takes | type | |", "|---|---|---|", *rows] if rows else ["", "Takes nothing."]
    return "\n".join([f"### `{call.name}`", "", call.about, *table, "", f"Gives `{_read(call.gives)}`."])


def _read(hint: object) -> str:
    return (
        typescript(hint)
        .replace("readonly ", "")
        .replace("Readonly<Record<string, ", "{text: ")
        .replace(">>", "}")
        .replace("|", "or")
    )


def _shape_told(shape: type) -> str:
    rows = [
        f"| `{one.name}` | `{_read(one.type)}` | {'may be left out' if one.is_optional else ''} |"
        for one in members(shape)
    ]
    return "\n".join([f"### {name(shape)}", "", sentence(shape), "", "| member | type | |", "|---|---|---|", *rows])


HEAD: Final = """# The calls of the local server

Generated by `python -m openprod.server.describe`; a test compares. The page and the program talk in JSON text frames
over one WebSocket, `/api/live`, on loopback. `Plain` is any JSON value.

| frame | from | meaning |
|---|---|---|
| `{"hello": {"code"}}` or `{"hello": {"token"}}` | page | first frame: a one-use code, or the token it gave |
| `{"hello": {"token", "workspace"}}` | program | let in |
| `{"id", "call", "args"}` | page | a call; `id` is the page's own number |
| `{"id", "result"}` | program | what it gave |
| `{"id", "error": {"code", "message"}}` | program | why not, in one sentence; nothing was written |
| `{"sub", "changes": [...]}` | program | what became of something watched: `Overview` or `RowsChanged` |
| `{"sub", "error": {"code", "message"}}` | program | something watched cannot be read any more |
| `{"error": {"code", "message"}}` | program | not let in; the socket closes with 4401 |

A frame is at most 4 MiB. Files are fetched by a one-use path that is good for a minute.
"""


def api() -> str:
    """Returns the text of `docs/api.md`."""
    shapes = dict.fromkeys(
        [*shapes_within([AnyIntent]), *shapes_within([call.gives for call in CALLS.values()] + [Overview, RowsChanged])]
    )
    parts = [HEAD, "## Calls\n", *(_told(call) + "\n" for call in CALLS.values()), "## Shapes\n"]
    return "\n".join([*parts, *(_shape_told(shape) + "\n" for shape in shapes)]).rstrip() + "\n"


def main(root: Path) -> None:
    """Writes both files below the source folder."""
    for name, made in ((API_FILE, api()), (WIRE_FILE, wire())):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(__file__).resolve().parents[3])

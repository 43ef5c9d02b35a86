"""`template.toml` read: which modules a kind of show begins with, and what joins them.

Knows the template's form. Must not know files or modules themselves: text comes in, names go out. Links, maps and rules
are checked for shape and kept as declared, for the rooms that confirm them with people.
"""

from __future__ import annotations

import re

from msgspec import Struct

from openprod.catalog.manifest import QueryFile
from openprod.catalog.strict import ManifestError, Reader

_FULL_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_LINK = re.compile(r"([a-z0-9_.]+)(?:\[([^\]]+)\])?\s*(<->|->)\s*([a-z0-9_.]+)")


class Link(Struct, frozen=True, kw_only=True):
    """Two tables whose records are the same people or things; `both` says that each brings its records to the other."""

    source: str
    target: str
    only: str = ""
    both: bool = False


class Template(Struct, frozen=True, kw_only=True):
    """What a new workspace begins with.

    Attributes:
        modules: names of the modules to adopt, in this order.
        queries: saved queries under their full names; one that a module brought is replaced.
        links: tables to link.
        maps: shared keys of fields to map where linked tables both have them.
        never: field names that are never mapped.
        rules: names of modules' rules (module.rule) to offer.
    """

    name: str
    title: str
    help: str = ""
    modules: tuple[str, ...] = ()
    queries: tuple[QueryFile, ...] = ()
    links: tuple[Link, ...] = ()
    maps: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


def read(text: str, file: str = "template.toml") -> Template:
    """Returns the template of a text; raises ManifestError with every problem found."""
    reader = Reader(text, file)
    reader.known((), reader.data, ("template", "query"))
    path = ("template",)
    head = reader.mapping(path, reader.data.get("template", {}))
    reader.known(path, head, ("name", "title", "help", "modules", "links", "maps", "never", "rules"))
    name = reader.text(path, head, "name")
    if re.fullmatch(r"[a-z][a-z0-9-]*", name) is None:
        reader.problem((*path, "name"), f"'{name}' cannot be a template's name: use small letters, digits and -.")
    modules = reader.texts(path, head, "modules")
    if not modules:
        reader.problem((*path, "modules"), 'the template has no modules. Add modules = ["contacts", "script"].')
    for module in modules:
        reader.name((*path, "modules"), module, "module")
    template = Template(
        name=name,
        title=reader.text(path, head, "title") or name.replace("-", " ").capitalize(),
        help=reader.text(path, head, "help"),
        modules=modules,
        queries=_queries(reader),
        links=_links(reader, reader.texts(path, head, "links")),
        maps=reader.texts(path, head, "maps"),
        never=reader.texts(path, head, "never"),
        rules=reader.texts(path, head, "rules"),
    )
    reader.finish()
    return template


def _queries(reader: Reader) -> tuple[QueryFile, ...]:
    found: list[QueryFile] = []
    for name, raw in reader.mapping(("query",), reader.data.get("query", {})).items():
        path = ("query", name)
        data = reader.mapping(path, raw)
        reader.known(path, data, ("title", "file", "table", "help"))
        if _FULL_NAME.fullmatch(name) is None:
            reader.problem(path, f"'{name}' must be a full name in quotes, like [query.\"schedule.first_calls\"].")
        found.append(
            QueryFile(
                name=name,
                title=reader.text(path, data, "title") or name.partition(".")[2].replace("_", " ").capitalize(),
                file=reader.path(path, data, "file", f"queries/{name}.toml"),
                table=reader.text(path, data, "table"),
                help=reader.text(path, data, "help"),
            )
        )
    return tuple(found)


def _links(reader: Reader, texts: tuple[str, ...]) -> tuple[Link, ...]:
    links: list[Link] = []
    for text in texts:
        found = _LINK.fullmatch(text)
        if found is None or any(_FULL_NAME.fullmatch(name) is None for name in (found[1], found[4])):
            reader.problem(
                ("template", "links"), f"'{text}' is no link. Write one like \"contacts.people -> schedule.attendees\"."
            )
            continue
        links.append(Link(source=found[1], only=found[2] or "", target=found[4], both=found[3] == "<->"))
    return tuple(links)


__all__ = ["Link", "ManifestError", "Template", "read"]

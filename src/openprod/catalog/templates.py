"""`template.toml` read: which modules a kind of show begins with, what joins them, and what it begins with.

Knows the template's form, and which fields of a catalog its shared keys mean. Must not know files or modules
themselves: text comes in, names go out. Rules are checked for shape and kept as declared, for the room that will offer
them.
"""

from __future__ import annotations

import re
from typing import cast

from msgspec import Struct

from openprod.catalog.manifest import QueryFile
from openprod.catalog.strict import ManifestError, Reader
from openprod.catalog.tables import Catalog, Field

_FULL_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_FIELD = r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*"
_PAIR = re.compile(rf"({_FIELD})\s*<->\s*({_FIELD})")
_SHARED_KEY = re.compile(r"[a-z][a-z0-9_]*")
SEED_ROWS_MAX = 1_000
_LINK = re.compile(r"([a-z0-9_.]+)(?:\[([^\]]+)\])?\s*(<->|->)\s*([a-z0-9_.]+)(?:\s+where\s+(.+))?", re.DOTALL)


class Link(Struct, frozen=True, kw_only=True):
    """Two tables whose records are the same people or things.

    Attributes:
        only: the department whose records it is about, or "".
        where: the condition for which records, or "".
        both: each brings its records to the other.
    """

    source: str
    target: str
    only: str = ""
    where: str = ""
    both: bool = False


class Seed(Struct, frozen=True, kw_only=True):
    """Records that a template proposes for one table: values by field name, as people type them."""

    table: str
    rows: tuple[dict[str, object], ...]


class Template(Struct, frozen=True, kw_only=True):
    """What a new workspace begins with.

    Attributes:
        modules: names of the modules to adopt, in this order.
        queries: saved queries under their full names; one that a module brought is replaced.
        links: tables to link.
        maps: shared keys of fields to map, and pairs of full field keys.
        never: field names that are never mapped.
        rules: names of modules' rules (module.rule) to offer.
        seed: records to begin with, staged for a look.
        setup: the file that says what a show made of its tables, or "".
    """

    name: str
    title: str
    help: str = ""
    modules: tuple[str, ...] = ()
    queries: tuple[QueryFile, ...] = ()
    links: tuple[Link, ...] = ()
    maps: tuple[str | tuple[str, str], ...] = ()
    never: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    seed: tuple[Seed, ...] = ()
    setup: str = ""


def read(text: str, file: str = "template.toml") -> Template:
    """Returns the template of a text; raises ManifestError with every problem found."""
    reader = Reader(text, file)
    reader.known((), reader.data, ("template", "query", "seed"))
    path = ("template",)
    head = reader.mapping(path, reader.data.get("template", {}))
    reader.known(path, head, ("name", "title", "help", "modules", "links", "maps", "never", "rules", "setup"))
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
        maps=_maps(reader, reader.texts(path, head, "maps")),
        never=reader.texts(path, head, "never"),
        rules=reader.texts(path, head, "rules"),
        seed=_seed(reader),
        setup=reader.path(path, head, "setup"),
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


def _maps(reader: Reader, texts: tuple[str, ...]) -> tuple[str | tuple[str, str], ...]:
    found: list[str | tuple[str, str]] = []
    for text in texts:
        pair = _PAIR.fullmatch(text)
        if pair is not None:
            found.append((pair[1], pair[2]))
        elif _SHARED_KEY.fullmatch(text) is not None:
            found.append(text)
        else:
            example = 'a shared key like "name", or a pair like "lighting.cues.label <-> sm.cues.what"'
            reader.problem(("template", "maps"), f"'{text}' is nothing to map. Write {example}.")
    return tuple(found)


def _seed(reader: Reader) -> tuple[Seed, ...]:
    found: list[Seed] = []
    for name, raw in reader.mapping(("seed",), reader.data.get("seed", {})).items():
        path = ("seed", name)
        data = reader.mapping(path, raw)
        reader.known(path, data, ("table", "rows"))
        table = reader.text(path, data, "table")
        if _FULL_NAME.fullmatch(table) is None:
            reader.problem(
                (*path, "table"), f"'{table}' is no table's name. Write it in full, like \"contacts.groups\"."
            )
        rows = data.get("rows", [])
        given = cast("list[object]", rows) if isinstance(rows, list) else []
        kept = [reader.mapping((*path, "rows"), row) for row in given]
        if not kept or len(kept) > SEED_ROWS_MAX:
            reader.problem(path, f'between one and {SEED_ROWS_MAX} rows are needed: rows = [{{ name = "Cast" }}].')
        found.append(Seed(table=table, rows=tuple(kept)))
    return tuple(found)


def mapped_fields(template: Template, catalog: Catalog) -> list[tuple[str, str]]:
    """Returns the pairs of full field keys that a template says are the same data, as far as a catalog has them.

    A shared key means every field that carries it; each is paired with the one in the table that says it goes well with
    most others, so that taking one back leaves the others as they were.
    """

    def hub(field: Field) -> tuple[int, int, str]:
        module = field.key.partition(".")[0]
        place = template.modules.index(module) if module in template.modules else len(template.modules)
        return -len(catalog.tables[field.table].links_well_with), place, field.key

    fields = sorted((field for table in catalog.tables.values() for field in table.fields.values()), key=hub)
    here = {field.key: field for field in fields}
    found: list[tuple[str, str]] = []
    for wanted in template.maps:
        if isinstance(wanted, tuple):
            pairs = [wanted]
        else:
            keys = [one.key for one in fields if one.shared_key == wanted and one.name not in template.never]
            pairs = [(keys[0], key) for key in keys[1:]]
        for one, other in pairs:
            if one in here and other in here and here[one].type == here[other].type:
                found.append((one, other) if one < other else (other, one))
    return list(dict.fromkeys(found))


def _links(reader: Reader, texts: tuple[str, ...]) -> tuple[Link, ...]:
    links: list[Link] = []
    for text in texts:
        found = _LINK.fullmatch(text)
        if found is None or any(_FULL_NAME.fullmatch(name) is None for name in (found[1], found[4])):
            reader.problem(
                ("template", "links"), f"'{text}' is no link. Write one like \"contacts.people -> schedule.attendees\"."
            )
            continue
        if found[5] and (found[2] or found[3] == "<->"):
            reader.problem(("template", "links"), f"'{text}': a link with where goes one way and has no brackets.")
        links.append(
            Link(
                source=found[1],
                only=found[2] or "",
                target=found[4],
                where=found[5] or "",
                both=found[3] == "<->",
            )
        )
    return tuple(links)


__all__ = ["Link", "ManifestError", "Seed", "Template", "mapped_fields", "read"]

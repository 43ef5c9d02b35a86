"""`module.toml` read into tables, fields and relations, strictly, with every problem named at once.

Knows the manifest's form (docs/authors/module-toml.md). Must not know files: text comes in, with the name it is called
by in problems; nor what becomes of it (`assembly`). Lists, imports, rules, scripts, views and papers are checked for
shape and kept as declared; nothing is run here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import msgspec
from msgspec import Struct

from openprod.catalog.check import FieldRefused, parse
from openprod.catalog.growth import note_circles, note_growth
from openprod.catalog.lengths import DURATION_UNITS
from openprod.catalog.strict import ManifestError, Problem, Raw, Reader, is_inside
from openprod.catalog.tables import (
    CORE,
    FIELD_TYPES,
    WORKSPACE,
    Check,
    Field,
    FieldType,
    Relation,
    ShippedList,
    Table,
    either,
    near_names,
)
from openprod.model.values import TEXT_BYTES_MAX, Value

RESERVED_MODULES = (CORE, WORKSPACE)
# SQLite keeps names that begin so for itself.
RESERVED_LEAD = "sqlite_"
TABLES_MAX = 200
FIELDS_MAX = 500
RESERVED_FIELDS = frozenset(
    ("id", "ids", "table", "true", "false", "null", "and", "or", "not", "in", "like", "matches", "contains", "exists")
)
_FULL_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+){1,2}(-[a-z0-9.]+)?")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SECTIONS = (
    "module", "capabilities", "table", "relation", "query", "list", "check", "import", "rule", "script", "view",
    "paper",
)  # fmt: skip
_FIELD_KEYS = (
    "type", "title", "help", "required", "default", "choices", "open", "unit", "format", "hidden", "shared_key",
    "merge", "on_conflict", "target_hint", "items",
)  # fmt: skip
_UNIT_TYPES = frozenset(("duration", "int", "float", "decimal"))

# The sections that are only declared: for each key what it must be.
_TEXT = "a text"
_TEXTS = "a list of texts"
_PATH = "a path in the package"
_MAP = "a table"
_SHAPES: Mapping[str, Mapping[str, str]] = {
    "query": {"title": _TEXT, "file": _PATH, "table": _TEXT, "help": _TEXT},
    "list": {
        "title": _TEXT, "table": _TEXT, "where": _TEXT, "query": _PATH, "order": _TEXTS, "group": _TEXTS,
        "fields": _TEXTS,
    },
    "check": {"title": _TEXT, "sentence": _TEXT, "one": _TEXT, "table": _TEXT, "where": _TEXT, "query": _MAP},
    "import": {
        "title": _TEXT, "table": _TEXT, "format": _TEXT, "match": _TEXTS, "again": _TEXTS, "columns": _MAP,
        "values": _MAP, "otherwise": _MAP, "ranges": _MAP, "words": _MAP, "built": _MAP,
    },
    "rule": {
        "title": _TEXT, "table": _TEXT, "when": _TEXT, "add_to": _TEXT, "remove_from": _TEXT, "set": _MAP,
        "fill": _MAP, "mode": _TEXT,
    },
    "script": {"title": _TEXT, "run": _PATH, "mode": _TEXT, "trigger": _MAP, "parameters": _MAP, "help": _TEXT},
    "view": {"title": _TEXT, "source": _PATH, "table": _TEXT},
    "paper": {"title": _TEXT, "query": _PATH, "layout": _PATH},
}  # fmt: skip
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "check": ("sentence", "table"),
    "import": ("table",),
    "rule": ("table", "when"),
    "script": ("run",),
    "view": ("source",),
    "paper": ("query", "layout"),
}


class QueryFile(Struct, frozen=True, kw_only=True):
    """A query that a package brings: its full name, and the file of the package that holds it."""

    name: str
    title: str
    file: str
    table: str = ""
    help: str = ""


class Manifest(Struct, frozen=True, kw_only=True):
    """A module as declared.

    Attributes:
        local: whether its records stay on the device where they are written.
        declared: the sections that are kept as they are: list, import, rule, script, view, paper; in each
            the entries by name.
    """

    name: str
    version: str
    title: str
    help: str = ""
    local: bool = False
    capabilities: dict[str, tuple[str, ...]] = {}
    tables: tuple[Table, ...] = ()
    relations: tuple[Relation, ...] = ()
    queries: tuple[QueryFile, ...] = ()
    checks: tuple[Check, ...] = ()
    lists: tuple[ShippedList, ...] = ()
    declared: dict[str, dict[str, Raw]] = {}

    def files(self) -> tuple[str, ...]:
        """Returns the paths of every file of the package that the manifest names."""
        named = [query.file for query in self.queries]
        for section, entries in self.declared.items():
            paths = [key for key, shape in _SHAPES[section].items() if shape == _PATH]
            named += [str(entry[key]) for entry in entries.values() for key in paths if key in entry]
        return tuple(dict.fromkeys(named))


def read(text: str, file: str = "module.toml") -> Manifest:
    """Returns the module that a manifest declares.

    Args:
        text: the manifest.
        file: what it is called in problems.

    Raises:
        ManifestError: with every problem found, each with line and key.
    """
    reader = _reader(text, file)
    manifest = _module(reader)
    reader.finish()
    return manifest


def read_update(text: str, file: str, older: Iterable[Manifest]) -> Manifest:
    """Returns the module that a manifest declares, which is to go on from older versions of it.

    Args:
        text: the manifest.
        file: what it is called in problems.
        older: the versions in use, whose tables, fields and relations it must keep.

    Raises:
        ManifestError: with every problem found, each with line and key.
    """
    reader = _reader(text, file)
    manifest = _module(reader)
    for one in older:
        old, new = ([*found.tables, *found.relations] for found in (one, manifest))
        note_growth(reader, old, new, one.version)
    reader.finish()
    return manifest


def _reader(text: str, file: str) -> Reader:
    if len(text.encode(errors="replace")) > TEXT_BYTES_MAX:
        much = f"the manifest is longer than {TEXT_BYTES_MAX >> 20} MiB. Move queries, scripts and texts into files."
        raise ManifestError([Problem(file, 1, "", much)])
    return Reader(text, file)


def read_field(table: str, key: str, spec: object, file: str = "field") -> Field:
    """Returns the field of a spec: a type's name, or a mapping with the keys a manifest's field has.

    Raises:
        ManifestError: with every problem found.
    """
    reader = Reader("", file)
    name = key.rpartition(".")[2]
    found = _field(reader, (name,), table, name, spec, key=key)
    reader.finish()
    assert found is not None
    return found


def _module(reader: Reader) -> Manifest:
    data = reader.data
    reader.known((), data, _SECTIONS)
    head = reader.mapping(("module",), data.get("module", {}))
    reader.known(("module",), head, ("name", "version", "title", "help", "local"))
    name = reader.text(("module",), head, "name")
    if not name:
        reader.problem(("module", "name"), 'the module has no name. Add a section [module] with name = "lighting".')
    elif reader.name(("module", "name"), name, "module") and name in RESERVED_MODULES:
        reader.problem(("module", "name"), f"'{name}' is kept for Openprod itself. Choose another name.")
    elif name.startswith(RESERVED_LEAD):
        reader.problem(("module", "name"), f"names that begin with '{RESERVED_LEAD}' are kept. Choose another name.")
    version = reader.text(("module",), head, "version")
    if _VERSION.fullmatch(version) is None:
        reader.problem(("module", "version"), f"'{version}' is no version. Write one like \"1.0.0\".")
    tables = _tables(reader, name)
    note_circles(reader, tables)
    relations = _relations(reader, name, tables)
    queries, declared = _queries(reader, name, tables), _declared(reader, tables)
    return Manifest(
        name=name,
        version=version,
        title=reader.text(("module",), head, "title") or name.replace("_", " ").capitalize(),
        help=reader.text(("module",), head, "help"),
        local=reader.flag(("module",), head, "local"),
        capabilities=_capabilities(reader),
        tables=tuple(tables.values()),
        relations=relations,
        queries=queries,
        checks=_checks(reader, name, tables),
        lists=tuple(_list(name, short, data, queries) for short, data in declared.get("list", {}).items()),
        declared=declared,
    )


def _capabilities(reader: Reader) -> dict[str, tuple[str, ...]]:
    path = ("capabilities",)
    data = reader.mapping(path, reader.data.get("capabilities", {}))
    reader.known(path, data, ("files", "data"))
    found: dict[str, tuple[str, ...]] = {}
    for key in ("files", "data"):
        grants = reader.texts(path, data, key)
        for grant in grants:
            verb, _, where = grant.partition(":")
            if verb not in ("read", "write") or not where or (key == "files" and not is_inside(where)):
                example = "read:imports/*" if key == "files" else "read:contacts.people.name"
                reader.problem((*path, key), f"'{grant}' is no grant. Write one like \"{example}\".")
        if grants:
            found[key] = grants
    return found


def _tables(reader: Reader, module: str) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    if len(reader.mapping(("table",), reader.data.get("table", {}))) > TABLES_MAX:
        reader.problem(("table",), f"the module has more than {TABLES_MAX} tables. Make it two modules.")
    for short, raw in reader.mapping(("table",), reader.data.get("table", {})).items():
        path = ("table", short)
        data = reader.mapping(path, raw)
        reader.known(path, data, ("title", "key", "label", "links_well_with", "fields"))
        reader.name(path, short, "table")
        name = f"{module}.{short}"
        fields: dict[str, Field] = {}
        for field_name, spec in reader.mapping((*path, "fields"), data.get("fields", {})).items():
            field = _field(reader, (*path, "fields", field_name), name, field_name, spec)
            if field is not None:
                fields[field_name] = field
        if len(fields) > FIELDS_MAX:
            reader.problem((*path, "fields"), f"the table has more than {FIELDS_MAX} fields. Make it two tables.")
        if not data.get("fields"):
            reader.problem(path, f'the table has no fields. Add [table.{short}.fields.name] with type = "text".')
        tables[short] = Table(
            name=name,
            title=reader.text(path, data, "title") or short.replace("_", " ").capitalize(),
            module=module,
            key=_key(reader, path, data, fields),
            label=_label(reader, path, data, fields),
            fields=fields,
            links_well_with=_full_names(reader, path, data, "links_well_with", {}),
        )
    return tables


def _key(reader: Reader, path: tuple[str, ...], data: Raw, fields: Mapping[str, Field]) -> tuple[str, ...]:
    key = reader.texts(path, data, "key")
    for name in key:
        if name not in fields:
            _no_such_field(reader, (*path, "key"), name, fields)
        elif fields[name].merge == "crdt" or fields[name].type in ("list", "blob"):
            reader.problem((*path, "key"), f"'{name}' cannot be part of the key: its type has no fixed form.")
    if len(set(key)) != len(key):
        reader.problem((*path, "key"), "a field stands twice in the key. Name each once.")
    return key


def _label(reader: Reader, path: tuple[str, ...], data: Raw, fields: Mapping[str, Field]) -> str:
    label = reader.text(path, data, "label")
    if not label and fields:
        return "{" + next(iter(fields)) + "}"
    named = _PLACEHOLDER.findall(label)
    for name in named:
        if name not in fields:
            _no_such_field(reader, (*path, "label"), name, fields)
    if label and not named:
        reader.problem((*path, "label"), 'the label names no field. Write one like "LX {number}".')
    return label


def _no_such_field(reader: Reader, path: tuple[str, ...], name: str, fields: Mapping[str, Field]) -> None:
    near = near_names(name, fields)
    hint = f"Did you mean {either(near)}?" if near else f"The fields are {', '.join(fields)}."
    reader.problem(path, f"there is no field '{name}' in this table. {hint}")


def _field(reader: Reader, path: tuple[str, ...], table: str, name: str, spec: object, key: str = "") -> Field | None:
    problems_before = len(reader.problems)
    reader.name(path, name, "field")
    if name in RESERVED_FIELDS:
        reader.problem(path, f"'{name}' means something in queries and cannot be a field. Choose another name.")
    data: Raw = {"type": spec} if isinstance(spec, str) else reader.mapping(path, spec)
    if isinstance(spec, (str, dict)):
        reader.known(path, data, _FIELD_KEYS)
    field_type = _type(reader, path, data, "type")
    item_type = _type(reader, path, data, "items") if "items" in data else "text"
    if field_type is None or item_type is None:
        return None
    field = Field(
        key=key or f"{table}.{name}",
        name=name,
        table=table,
        type=field_type,
        title=reader.text(path, data, "title") or name.replace("_", " ").capitalize(),
        help=reader.text(path, data, "help"),
        required=reader.flag(path, data, "required"),
        choices=reader.texts(path, data, "choices"),
        open=reader.flag(path, data, "open"),
        unit=reader.text(path, data, "unit"),
        format=reader.text(path, data, "format"),
        hidden=reader.flag(path, data, "hidden"),
        shared_key=reader.text(path, data, "shared_key"),
        merge="crdt" if reader.one_of(path, data, "merge", ("scalar", "crdt")) == "crdt" else "scalar",
        on_conflict="block" if reader.one_of(path, data, "on_conflict", ("show", "block")) == "block" else "show",
        target=_full_names(reader, path, data, "target_hint", {}, table.partition(".")[0]),
        item_type=item_type,
    )
    _check_field(reader, path, data, field)
    if "default" in data and len(reader.problems) == problems_before:
        field = msgspec.structs.replace(field, default=_default(reader, path, data, field))
    return field


def _type(reader: Reader, path: tuple[str, ...], data: Raw, key: str) -> FieldType | None:
    if key not in data:
        reader.problem(path, f'the field has no type. Add type = "text", or one of {", ".join(FIELD_TYPES)}.')
        return None
    found = reader.text(path, data, key)
    if found in FIELD_TYPES:
        return found
    if isinstance(data[key], str):
        near = near_names(found, FIELD_TYPES)
        hint = f"Did you mean {either(near)}?" if near else f"The types are {', '.join(FIELD_TYPES)}."
        reader.problem((*path, key), f"'{found}' is no field type. {hint}")
    return None


def _check_field(reader: Reader, path: tuple[str, ...], data: Raw, field: Field) -> None:
    chooses = "choice" in (field.type, field.item_type if field.type == "list" else "")
    if "choices" in data and not chooses:
        reader.problem((*path, "choices"), f'only a choice has choices. Write type = "choice", not "{field.type}".')
    if len(set(field.choices)) != len(field.choices) or "" in field.choices:
        reader.problem((*path, "choices"), "a choice stands twice or is empty. Name each once.")
    if chooses and not field.choices and not field.open:
        reader.problem(path, 'the choice has no choices. Add choices = ["a", "b"], or open = true.')
    if field.open and not chooses:
        reader.problem((*path, "open"), "only a choice can be open.")
    if field.type == "duration" and field.unit and field.unit not in DURATION_UNITS:
        reader.problem((*path, "unit"), f"'{field.unit}' is no unit of time. Write {either(DURATION_UNITS)}.")
    if field.unit and field.type not in _UNIT_TYPES:
        reader.problem((*path, "unit"), f'only numbers and durations have a unit, not "{field.type}".')
    if field.merge == "crdt" and field.type != "text":
        reader.problem((*path, "merge"), f'only text can merge letter by letter, not "{field.type}".')
    if field.target and field.type not in ("record", "list"):
        reader.problem((*path, "target_hint"), 'only a record field has a target. Write type = "record".')
    if "items" in data and field.type != "list":
        reader.problem((*path, "items"), 'only a list has items. Write type = "list".')
    if field.type == "list" and field.item_type in ("list", "blob"):
        reader.problem((*path, "items"), f'a list cannot hold "{field.item_type}".')


def _default(reader: Reader, path: tuple[str, ...], data: Raw, field: Field) -> Value:
    try:
        return parse(field, data["default"])[0]
    except FieldRefused as refused:
        reader.problem((*path, "default"), f"the default does not fit: {str(refused).partition('): ')[2]}")
        return None


def _full_names(
    reader: Reader,
    path: tuple[str, ...],
    data: Raw,
    key: str,
    local: Mapping[str, Table],
    module: str = "",
) -> tuple[str, ...]:
    """Returns names of tables in full; a name without a point is one of the module's own."""
    found: list[str] = []
    for name in reader.texts(path, data, key):
        full = f"{module}.{name}" if module and "." not in name else name
        own = full.partition(".")[0] == module
        if _FULL_NAME.fullmatch(full) is None:
            reader.problem((*path, key), f"'{name}' is no table's name. Write it in full, like \"sm.cues\".")
        elif own and local and full.partition(".")[2] not in local:
            _no_such_table(reader, (*path, key), name, local)
        found.append(full)
    return tuple(found)


def _no_such_table(reader: Reader, path: tuple[str, ...], name: str, local: Mapping[str, Table]) -> None:
    near = near_names(name.rpartition(".")[2], local)
    hint = f"Did you mean {either(near)}?" if near else f"The tables are {', '.join(local)}."
    reader.problem(path, f"there is no table '{name}' in this module. {hint}")


def _relations(reader: Reader, module: str, tables: Mapping[str, Table]) -> tuple[Relation, ...]:
    relations: list[Relation] = []
    for short, raw in reader.mapping(("relation",), reader.data.get("relation", {})).items():
        path = ("relation", short)
        data = reader.mapping(path, raw)
        reader.known(path, data, ("title", "inverse", "source", "target_hint", "ordered", "unique", "properties"))
        reader.name(path, short, "relation")
        if short in tables:
            reader.problem(path, f"'{short}' is a table of this module too. Choose another name for the relation.")
        name = f"{module}.{short}"
        source = reader.text(path, data, "source")
        full = source if "." in source else f"{module}.{source}"
        if not source:
            reader.problem(path, 'the relation has no source. Add source = "cues", the table it starts in.')
        elif full.partition(".")[0] == module and full.partition(".")[2] not in tables:
            _no_such_table(reader, (*path, "source"), source, tables)
        properties: dict[str, Field] = {}
        for property_name, spec in reader.mapping((*path, "properties"), data.get("properties", {})).items():
            field = _field(reader, (*path, "properties", property_name), name, property_name, spec)
            if field is not None:
                properties[property_name] = field
        title = reader.text(path, data, "title") or short.replace("_", " ").capitalize()
        relations.append(
            Relation(
                name=name,
                title=title,
                inverse=reader.text(path, data, "inverse") or f"{title} (back)",
                source=full,
                target_hint=_full_names(reader, path, data, "target_hint", tables, module),
                ordered=reader.flag(path, data, "ordered"),
                unique=reader.flag(path, data, "unique"),
                properties=properties,
            )
        )
    return tuple(relations)


def _queries(reader: Reader, module: str, tables: Mapping[str, Table]) -> tuple[QueryFile, ...]:
    found: list[QueryFile] = []
    for short, data in _entries(reader, "query", tables).items():
        path = ("query", short)
        table = reader.text(path, data, "table")
        found.append(
            QueryFile(
                name=f"{module}.{short}",
                title=reader.text(path, data, "title") or short.replace("_", " ").capitalize(),
                file=reader.path(path, data, "file", f"queries/{short}.toml"),
                table=table if "." in table or not table else f"{module}.{table}",
                help=reader.text(path, data, "help"),
            )
        )
    return tuple(found)


def _checks(reader: Reader, module: str, tables: Mapping[str, Table]) -> tuple[Check, ...]:
    found: list[Check] = []
    for short, data in _entries(reader, "check", tables).items():
        path = ("check", short)
        if "where" not in data and "query" not in data:
            reader.problem(path, 'the check asks nothing. Add where = "NOT EXISTS name", or a query.')
        sentence, table = reader.text(path, data, "sentence"), reader.text(path, data, "table")
        if sentence and "{count}" not in sentence:
            reader.problem(
                (*path, "sentence"), 'the sentence does not say how many. Write one like "{count} have none".'
            )
        query = data.get("query")
        try:
            encoded = "" if query is None else msgspec.json.encode(query).decode()
        except (TypeError, OverflowError):
            reader.problem((*path, "query"), "a query holds texts, numbers, lists and tables only.")
            encoded = ""
        found.append(
            Check(
                name=f"{module}.{short}",
                title=reader.text(path, data, "title") or short.replace("_", " ").capitalize(),
                table=table if "." in table or not table else f"{module}.{table}",
                sentence=sentence,
                one=reader.text(path, data, "one"),
                where=reader.text(path, data, "where"),
                query=encoded,
            )
        )
    return tuple(found)


def _list(module: str, short: str, data: Raw, queries: Sequence[QueryFile]) -> ShippedList:
    """Returns a list as declared; one with a query takes condition and order from the saved query of that file."""
    table = str(data.get("table", ""))
    texts = {key: tuple(map(str, cast("list[object]", data.get(key, ())))) for key in ("order", "group", "fields")}
    named = next((one.name for one in queries if one.file == data.get("query")), "")
    return ShippedList(
        name=f"{module}.{short}",
        title=str(data.get("title") or short.replace("_", " ").capitalize()),
        table=table if "." in table or not table else f"{module}.{table}",
        where=str(data.get("where", "")),
        order=texts["order"],
        group=next(iter(texts["group"]), ""),
        fields=texts["fields"],
        query=named if "." in named or not named else f"{module}.{named}",
    )


def _declared(reader: Reader, tables: Mapping[str, Table]) -> dict[str, dict[str, Raw]]:
    return {
        section: entries
        for section in _SHAPES
        if section not in ("query", "check") and (entries := _entries(reader, section, tables))
    }


def _entries(reader: Reader, section: str, tables: Mapping[str, Table]) -> dict[str, Raw]:
    """Returns the entries of a declared section, each checked for shape."""
    shape = _SHAPES[section]
    entries: dict[str, Raw] = {}
    for short, raw in reader.mapping((section,), reader.data.get(section, {})).items():
        path = (section, short)
        data = reader.mapping(path, raw)
        reader.known(path, data, tuple(shape))
        reader.name(path, short, section)
        for key in data:
            if key in shape:
                _CHECKS[shape[key]](reader, path, data, key)
        table = data.get("table")
        if isinstance(table, str) and "." not in table and table not in tables:
            _no_such_table(reader, (*path, "table"), table, tables)
        for key in _NEEDED.get(section, ()):
            if key not in data:
                reader.problem(path, f"the {section} has no {key}. Add {key} = {_example(shape[key])}.")
        if section in ("list", "check") and "where" in data and "query" in data:
            reader.problem((*path, "where"), "give either where or query, not both.")
        entries[short] = data
    return entries


def _example(shape: str) -> str:
    return '"folder/file"' if shape == _PATH else '"…"'


def _check_map(reader: Reader, path: tuple[str, ...], data: Raw, key: str) -> None:
    reader.mapping((*path, key), data[key])


_CHECKS: Mapping[str, Callable[[Reader, tuple[str, ...], Raw, str], object]] = {
    _TEXT: lambda reader, path, data, key: reader.text(path, data, key),
    _TEXTS: lambda reader, path, data, key: reader.texts(path, data, key),
    _PATH: lambda reader, path, data, key: reader.path(path, data, key),
    _MAP: _check_map,
}

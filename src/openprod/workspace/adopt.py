"""Modules in a workspace: adopting one, applying a template.

An adopted module is a record in core.modules that carries its manifest, so a device that joins sees every table without
having the package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from openprod.catalog.manifest import Manifest, read_field, user_field_key
from openprod.catalog.manifest import read as read_manifest
from openprod.catalog.tables import WORKSPACE
from openprod.catalog.templates import Template
from openprod.catalog.templates import read as read_template
from openprod.model.bundle import CAUSE_MODULE, CAUSE_TEMPLATE, Cause
from openprod.model.errors import Refused
from openprod.model.ids import derived_id, id_text
from openprod.store import packages
from openprod.workspace.catalogs import MODULE_FILE
from openprod.workspace.desk import Desk
from openprod.workspace.write import Edit

TEMPLATE_FILE = "template.toml"
NAME_CHARACTERS_MAX = 60
_SHORT_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PLACEHOLDER = re.compile(r"\{([a-z0-9_.]+)\}")


class NameTaken(Refused):
    """A table or field of that name is there already."""

    code = "adopt.name_taken"


class BadName(Refused):
    """What was given is no name for a table."""

    code = "adopt.bad_name"


@dataclass(frozen=True, slots=True)
class NewTable:
    """A table that a person makes: short name, fields (name to type or spec), title, natural key, label."""

    name: str
    fields: Mapping[str, object]
    title: str = ""
    key: tuple[str, ...] = ()
    label: str = ""


def read_module(reference: str) -> tuple[packages.Package, Manifest]:
    """Returns a module package and its manifest, by shipped name or folder; raises NoSuchPackage or ManifestError."""
    package = packages.find("modules", reference, MODULE_FILE)
    return package, read_manifest(package.text(MODULE_FILE), str(package.folder / MODULE_FILE))


def read_template_package(reference: str) -> tuple[packages.Package, Template]:
    """Returns a template package and what it says, by shipped name or folder."""
    package = packages.find("templates", reference, TEMPLATE_FILE)
    return package, read_template(package.text(TEMPLATE_FILE), str(package.folder / TEMPLATE_FILE))


def adopt(desk: Desk, reference: str) -> Manifest:
    """Puts a module's schema and saved queries into the workspace, for everybody.

    The same version twice changes nothing.
    """
    package, manifest = read_module(reference)
    cause = Cause(CAUSE_MODULE, detail=(manifest.name, manifest.version))
    with desk.edit(f"Use {manifest.title} in this show", cause) as edit:
        stage_module(desk, edit, package, manifest, {})
    return manifest


def stage_module(
    desk: Desk, edit: Edit, package: packages.Package, manifest: Manifest, queries: dict[str, str]
) -> None:
    """Adds a module's records to an edit; `queries` collects the ids of those it makes, by full name."""
    uuid = derived_id("core.modules", manifest.name, manifest.version)
    fields = {
        "name": manifest.name,
        "version": manifest.version,
        "hash": package.hash.hex(),
        "manifest": package.text(MODULE_FILE),
    }
    _put(desk, edit, "core.modules", uuid, fields)
    for query in manifest.queries:
        name = query.name if "." in query.name else f"{manifest.name}.{query.name}"
        _put_query(desk, edit, name, query.title, query.table, package.text(query.file), manifest.name)
        queries[name] = manifest.name


def _put_query(desk: Desk, edit: Edit, name: str, title: str, table: str, text: str, origin: str) -> None:
    fields = {"name": name, "title": title, "table": table, "query": text, "module": origin}
    _put(desk, edit, "core.queries", derived_id("core.queries", name), fields)


def _put(desk: Desk, edit: Edit, table: str, uuid: bytes, fields: dict[str, object] | dict[str, str]) -> None:
    """Creates a record whose id is derived, or brings an existing one up to these values."""
    with desk.looking():
        is_known = desk.is_known(uuid)
        is_member = table in desk.member_tables(uuid)
    if edit.has_new(uuid) or is_known:
        if is_known:
            edit.restore(id_text(uuid))
            if not is_member:
                edit.put(id_text(uuid), into=table)
        edit.set(id_text(uuid), {f"{table}.{name}": value for name, value in fields.items()})
    else:
        edit.add_record(table, fields, record_id=uuid)


def apply_template(desk: Desk, reference: str) -> Template:
    """Adopts a template's modules and brings its saved queries, as one bundle."""
    package, template = read_template_package(reference)
    found = [read_module(name) for name in template.modules]
    with desk.edit(f"Start from {template.title}", Cause(CAUSE_TEMPLATE, detail=(template.name,))) as edit:
        made: dict[str, str] = {}
        for module, manifest in found:
            stage_module(desk, edit, module, manifest, made)
        for query in template.queries:
            _put_query(desk, edit, query.name, query.title, query.table, package.text(query.file), template.name)
    return template


def create_table(desk: Desk, wanted: NewTable) -> str:
    """Makes a table that no module brings, as records of core.tables and core.fields, in one bundle.

    Returns:
        The table's full name.

    Raises:
        BadName, NameTaken: the table cannot be called that.
        ManifestError: with every problem of its fields.
        Refused: it has no fields, or its key or label names one that it does not have.
    """
    name = _full_table_name(desk, wanted.name)
    specs = {short: _checked_spec(name, short, spec) for short, spec in wanted.fields.items()}
    if not specs:
        raise Refused(f"{name} would have no fields. Name at least one, with its type: name:text")
    label = wanted.label or "{" + (wanted.key[0] if wanted.key else next(iter(specs))) + "}"
    named = [*wanted.key, *_PLACEHOLDER.findall(label)]
    missing = [short for short in named if short not in specs]
    if missing:
        raise Refused(
            f"{name} would have no field '{missing[0]}', which its key or label names. Its fields are:"
            f" {', '.join(specs)}."
        )
    if not _PLACEHOLDER.search(label):
        raise Refused(f"The label '{label}' names no field. Write one like \"{{{next(iter(specs))}}}\".")
    with desk.edit(f"New table {name}") as edit:
        fields = {"name": name, "title": wanted.title, "key": ",".join(wanted.key), "label": label}
        _put(desk, edit, "core.tables", derived_id("core.tables", name), fields)
        for short, spec in specs.items():
            _put_field(desk, edit, name, short, spec)
    return name


def add_field(desk: Desk, table: str, name: str, spec: object) -> str:
    """Adds a field to a table, as a record of core.fields.

    Args:
        desk: the workspace.
        table: the full name of the table.
        name: the field's short name.
        spec: a type's name, or a mapping with the keys that a field has in module.toml.

    Returns:
        The field's full key.

    Raises:
        UnknownName, NameTaken, ManifestError: nothing was written.
    """
    with desk.lock:
        desk.follow()
        holder = desk.catalog.table(table)
    if holder.resolve(name) is not None:
        raise NameTaken(f"{holder.title} ({table}) has a field '{name}' already. Choose another name.")
    text = _checked_spec(table, name, spec)
    with desk.edit(f"New field {name} in {table}") as edit:
        return _put_field(desk, edit, table, name, text)


def _full_table_name(desk: Desk, wanted: str) -> str:
    module, dot, short = wanted.rpartition(".")
    if (dot and module != WORKSPACE) or _SHORT_NAME.fullmatch(short) is None or len(short) > NAME_CHARACTERS_MAX:
        raise BadName(
            f"A table cannot be called '{wanted}': use small letters, digits and _, beginning with a letter, such as"
            f" props. Its full name is then {WORKSPACE}.props."
        )
    name = f"{WORKSPACE}.{short}"
    with desk.lock:
        desk.follow()
        if name in desk.catalog.tables:
            raise NameTaken(
                f"There is a table {name} already. Choose another name, or add to it with: openprod field add {name}"
                " FIELD:TYPE"
            )
    return name


def _checked_spec(table: str, name: str, spec: object) -> str:
    """Returns a field's spec as JSON once it reads; raises ManifestError."""
    read_field(table, user_field_key(table, name), spec, f"{table}.{name}")
    return msgspec.json.encode(spec).decode()


def _put_field(desk: Desk, edit: Edit, table: str, name: str, spec: str) -> str:
    key = user_field_key(table, name)
    _put(desk, edit, "core.fields", derived_id("core.fields", key), {"key": key, "table": table, "spec": spec})
    return key

"""Templates in a workspace: what one brings and confirms, whether that still stands, and one made of this show.

Choosing a template is the consent to what it lists: modules, mappings, links, saved queries, and what it makes of the
tables. Each can be taken back like any other, and what somebody took back or kept apart is not confirmed again. Records
to begin with are never written by it; whoever applies it stages them (`Workspace.apply_template`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from openprod.catalog.assembly import catalog_of
from openprod.catalog.core import core_manifest
from openprod.catalog.manifest import Manifest
from openprod.catalog.manifest import read as read_manifest
from openprod.catalog.strict import ManifestError, Problem
from openprod.catalog.templates import Link, Template, mapped_fields
from openprod.model.bundle import CAUSE_TEMPLATE, Cause
from openprod.model.errors import Missing, Refused
from openprod.model.ids import EntityId, derived_id
from openprod.model.slots import MAPPING
from openprod.store import packages
from openprod.store.home import Home
from openprod.workspace import adopt, links, modules, repair
from openprod.workspace.catalogs import MODULE_FILE
from openprod.workspace.desk import Desk
from openprod.workspace.modules import TEMPLATE_FILE
from openprod.workspace.shapes import ConfirmedShape, TemplateShape
from openprod.workspace.shaping import CHOICES, FIELDS, RELATIONS, TABLES
from openprod.workspace.write import Edit

SETUP_FILE = "setup.json"
SETTINGS = "core.settings"
# Settings that belong to one production, not to a kind of show.
_OWN_SETTINGS = frozenset(("name", "zone", "demo"))
# What of the core tables is set-up, and by which fields a record's id is derived.
_SETUP: Mapping[str, tuple[str, ...]] = {
    TABLES: ("name",),
    FIELDS: ("key",),
    RELATIONS: ("name",),
    CHOICES: ("field", "choice"),
    adopt.QUERIES: ("name",),
    SETTINGS: ("name",),
    repair.DECLINED: ("kind", "one", "other"),
}
_decoder = msgspec.json.Decoder(dict[str, list[dict[str, object]]])

Found = tuple[packages.Package, Manifest]


class TemplateTaken(Refused):
    """There is a template of that name already."""

    code = "template.taken"


def apply(desk: Desk, reference: str) -> Template:
    """Adopts a template's modules, brings its queries, and confirms what it lists, in two bundles; seeds nothing.

    Raises:
        NoSuchPackage, ManifestError: nothing was written.
    """
    package, template = modules.read_template_package(reference, desk.home)
    found = [_module(desk.home, package, name) for name in template.modules]
    setup = _setup_of(package, template)
    for one, manifest in found:
        modules.check_package(one, manifest)
        adopt.check_growth(desk, one, manifest)
    cause = Cause(CAUSE_TEMPLATE, detail=(template.name,))
    with desk.edit(f"Start from {template.title}", cause) as edit:
        for one, manifest in found:
            adopt.stage_module(desk, edit, one, manifest)
        for query in template.queries:
            parts = (query.title, query.table, package.text(query.file), template.name)
            adopt.stage_query(desk, edit, query.name, parts, is_replacing=True)
        _stage_setup(desk, edit, setup)
    with desk.edit(f"What {template.title} confirms", cause) as edit, desk.reading():
        for one, other in mapped_fields(template, desk.catalog):
            if _mapping_state(desk, one, other) == "open":
                repair.stage_map(desk, edit, one, other)
        for source, target, where in _links(template):
            if _link_state(desk, source, target) == "open":
                links.stage_link(desk, edit, source, target, where)
    return template


def _module(home: Home, package: packages.Package, name: str) -> Found:
    """Returns a module that a template names: packed in the template, else this person's own, else a shipped one."""
    file = f"modules/{name}{packages.PACK_SUFFIX}"
    if file not in package.files:
        return modules.read_module(name, home)
    inner = packages.read_pack(package.files[file], package.folder / file)
    return inner, read_manifest(inner.text(MODULE_FILE), modules.place(inner))


def _links(template: Template) -> Iterator[tuple[str, str, str]]:
    """Yields (table, other table, condition) of each link, those both ways as two."""
    for link in template.links:
        yield link.source, link.target, _where(link)
        if link.both:
            yield link.target, link.source, ""


def _where(link: Link) -> str:
    if link.where:
        return link.where
    return f"department == {msgspec.json.encode(link.only).decode()}" if link.only else ""


def _mapping_state(desk: Desk, one: str, other: str) -> str:
    """Returns whether a mapping is confirmed, was revoked or declined by somebody, or is open."""
    if desk.heads.mapped.of(one) == desk.heads.mapped.of(other):
        return "confirmed"
    if (one, other) in repair.declined(desk, repair.MAPPING_KIND):
        return "kept apart"
    return "revoked" if desk.heads_now(repair.map_id(one, other), MAPPING) else "open"


def _link_state(desk: Desk, source: str, target: str) -> str:
    if source not in desk.catalog.tables or target not in desk.catalog.tables:
        return "not here"
    if any((one.source, one.target) == (source, target) for one in links.all_links(desk)):
        return "confirmed"
    return "revoked" if desk.is_known(links.link_id(source, target)) else "open"


def seed_name(template: Template) -> str:
    """Returns the name of the overlay in which a template's records are staged."""
    return f"{template.title}: to begin with"


def stage_seed(desk: Desk, template: Template) -> int:
    """Writes, on an overlay's desk, the records that a template proposes and that are not there; returns how many.

    Raises ManifestError where one of them does not fit its table.
    """
    count = 0
    with desk.edit(f"To begin with, from {template.title}") as edit:
        for seed in template.seed:
            for row in seed.rows:
                if seed.table in desk.catalog.tables and not _is_there(desk, seed.table, row):
                    try:
                        edit.add_record(seed.table, row)
                    except Refused as error:
                        where = ("seed", seed.table)
                        raise ManifestError([Problem(TEMPLATE_FILE, 1, ".".join(where), str(error))]) from error
                    count += 1
    return count


def _is_there(desk: Desk, table: str, row: Mapping[str, object]) -> bool:
    key = desk.catalog.table(table).key
    parts = [str(row.get(name, "")) for name in key]
    if not any(parts):
        return False
    try:
        with desk.looking():
            desk.find(f"{table}:{'/'.join(parts)}")
    except Missing:
        return False
    except Refused:
        return True
    return True


# -- what one is


def listing(home: Home) -> list[Template]:
    """Returns the templates that ship, then those that this person saved."""
    own = packages.names_in(home.templates_dir, TEMPLATE_FILE)
    names = [*(name for name in packages.shipped_names("templates", TEMPLATE_FILE) if name not in own), *own]
    found: list[Template] = []
    for name in names:
        try:
            found.append(modules.read_template_package(name, home)[1])
        except ManifestError as error:
            found.append(Template(name=name, title=name, help=str(error).splitlines()[0]))
    return found


def shape(reference: str, home: Home, desk: Desk | None = None) -> TemplateShape:
    """Returns what a template brings and confirms, and, where a production is given, whether that stands there."""
    package, template = modules.read_template_package(reference, home)
    catalog = catalog_of(core_manifest(), [_module(home, package, name)[1] for name in template.modules])
    confirms: list[ConfirmedShape] = []
    for one, other in mapped_fields(template, catalog):
        state = _mapping_state(desk, one, other) if desk is not None else ""
        confirms.append(
            {
                "kind": "mapping",
                "one": one,
                "other": other,
                "where": "",
                "state": state,
                "revoke": f"unmap {one} {other}",
            }
        )
    for source, target, where in _links(template):
        state = _link_state(desk, source, target) if desk is not None else ""
        revoke = f"tables unlink {source} {target}"
        confirms.append(
            {"kind": "link", "one": source, "other": target, "where": where, "state": state, "revoke": revoke}
        )
    return {
        "name": template.name,
        "title": template.title,
        "help": template.help,
        "modules": list(template.modules),
        "confirms": confirms,
        "queries": [query.name for query in template.queries],
        "seed": [{"table": seed.table, "rows": len(seed.rows)} for seed in template.seed],
    }


# -- what a show made of its tables


def _setup_of(package: packages.Package, template: Template) -> dict[str, list[dict[str, object]]]:
    if not template.setup:
        return {}
    place = modules.place(package, template.setup)
    try:
        found = _decoder.decode(package.text(template.setup))
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ManifestError(
            [Problem(place, 1, "", f"the file does not read: {error}. Save the template anew.")]
        ) from None
    strange = sorted(found.keys() - _SETUP.keys())
    lacking = [
        (table, key)
        for table, rows in found.items()
        for row in rows
        for key in _SETUP.get(table, ())
        if not row.get(key)
    ]
    if strange or lacking:
        what = f"'{strange[0]}' is no set-up" if strange else f"a record of {lacking[0][0]} has no {lacking[0][1]}"
        raise ManifestError([Problem(place, 1, "", f"{what}. Save the template anew.")])
    return found


def _stage_setup(desk: Desk, edit: Edit, setup: Mapping[str, Sequence[Mapping[str, object]]]) -> None:
    for table, rows in setup.items():
        for row in rows:
            parts = [str(row[key]) for key in _SETUP[table]]
            uuid = derived_id(table, *parts)
            if not desk.is_known(uuid):
                edit.add_record(table, dict(row), record_id=EntityId(uuid))


def save(desk: Desk, folder: Path, name: str, title: str = "", help_text: str = "") -> Path:
    """Makes a template of this show's set-up, without its records and history; returns the template's folder.

    Modules, links, mappings and what is kept apart, saved queries that are not a module's own, and everything that
    people made of the tables. Modules that do not ship with Openprod are packed into it.

    Args:
        desk: the workspace.
        folder: where to make the template's folder.
        name: the template's name, which becomes the folder's.
        title: what it is called; the name where empty.
        help_text: what it is for, in a sentence.

    Raises:
        TemplateTaken: there is something of that name; nothing was changed.
        ManifestError: the name is none. PackageLacking: a module's files are not on this device.
    """
    target = folder / name
    with desk.reading():
        files = _files(desk, name, title or name.replace("-", " ").capitalize(), help_text)
    modules.read_template(files[TEMPLATE_FILE].decode(), TEMPLATE_FILE)
    if target.exists():
        raise TemplateTaken(f"{target} is there already. Choose another name, or take that folder away first.")
    packages.install(folder, name, packages.Package(name, target, files), desk.chance)
    return target


def _files(desk: Desk, name: str, title: str, help_text: str) -> dict[str, bytes]:
    used = {one.name: one for one in modules.adopted(desk)}
    files: dict[str, bytes] = {}
    for one in used.values():
        package = modules.package_of(desk, one)
        shipped = one.name in packages.shipped_names("modules", MODULE_FILE)
        if not shipped or modules.read_module(one.name)[0].hash != package.hash:
            files[f"modules/{one.name}{packages.PACK_SUFFIX}"] = package.pack()
    setup = {table: rows for table in _SETUP if (rows := list(_rows(desk, table)))}
    lines = [
        "[template]",
        f"name = {_toml(name)}",
        f"title = {_toml(title)}",
        f"help = {_toml(help_text)}",
        f"modules = {_toml(list(used))}",
        f"links = {_toml([_link_text(link) for link in links.all_links(desk)])}",
        f"maps = {_toml([f'{one} <-> {other}' for one, other in repair.pairs(desk)])}",
    ]
    if setup:
        lines.append(f"setup = {_toml(SETUP_FILE)}")
        files[SETUP_FILE] = msgspec.json.format(msgspec.json.encode(setup), indent=2)
    files[TEMPLATE_FILE] = "\n".join([*lines, ""]).encode()
    return files


def _link_text(link: links.Link) -> str:
    return f"{link.source} -> {link.target}" + (f" where {link.where}" if link.where else "")


def _rows(desk: Desk, table: str) -> Iterator[dict[str, object]]:
    """Yields the set-up records of a core table; of the saved queries those that no module would bring again."""
    fields = desk.catalog.table(table).fields
    listed = ", ".join(f'"{column}"' for column in fields)
    key = _SETUP[table][0]
    # Names of our own tables and columns.
    source = f'"{table}" CROSS JOIN entity ON eid = "~eid" WHERE "{key}" IS NOT NULL ORDER BY uuid'
    for uuid, *values in desk.db.rows(f"SELECT uuid, {listed} FROM {source}"):  # noqa: S608
        row: dict[str, object] = {
            name: bool(value) if field.type == "bool" else value
            for (name, field), value in zip(fields.items(), values, strict=True)
            if isinstance(value, str | int)
        }
        if table == SETTINGS and (row["name"] in _OWN_SETTINGS or row.get("record")):
            continue
        if table == repair.DECLINED and row.get("kind") != repair.MAPPING_KIND:
            continue
        is_brought = table == adopt.QUERIES and row.get("module") in desk.catalog.modules
        if is_brought and not adopt.is_persons(desk, uuid, f"{adopt.QUERIES}.query"):
            continue
        yield row


def _toml(value: object) -> str:
    """Returns a text or list of texts as TOML."""
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")

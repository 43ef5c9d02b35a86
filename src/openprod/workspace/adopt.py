"""Modules in a workspace: adopting one for everybody, taking it out of sight again.

An adopted module is a record in core.modules that carries its manifest, so a device that joins sees every table without
having the package; the package itself comes along as a file. Several versions stand side by side (`catalogs`).
"""

from __future__ import annotations

from collections.abc import Mapping

from openprod.catalog.manifest import Manifest, read_update
from openprod.catalog.strict import ManifestError, Problem
from openprod.model.bundle import CAUSE_MODULE, CAUSE_TEMPLATE, Cause
from openprod.model.errors import Refused
from openprod.model.ids import derived_id, id_text
from openprod.store import packages
from openprod.store.log import ORDINAL_BITS
from openprod.workspace import modules
from openprod.workspace.catalogs import MODULE_FILE
from openprod.workspace.desk import Desk
from openprod.workspace.write import Edit

QUERIES = "core.queries"


class ModuleNotUsed(Refused):
    """A module is not one that the production uses."""

    code = "adopt.not_used"


def adopt(desk: Desk, reference: str) -> Manifest:
    """Puts a module's schema, saved queries and package into the workspace, for everybody.

    The same version twice changes nothing. A version that takes away or changes what one in use declares is refused.

    Args:
        desk: the workspace.
        reference: a folder, a pack, or the name of an installed or shipped module.
    """
    package, manifest = modules.read_module(reference, desk.home)
    modules.check_package(package, manifest)
    check_growth(desk, package, manifest)
    with desk.edit(
        f"Use {manifest.title} in this show", Cause(CAUSE_MODULE, detail=(manifest.name, manifest.version))
    ) as edit:
        stage_module(desk, edit, package, manifest)
    return manifest


def check_growth(desk: Desk, package: packages.Package, manifest: Manifest) -> None:
    """Raises ManifestError where a module takes away or changes what a version in use declares.

    While a module is at 0.x, adopting the same version again may change it: it is being written.
    """
    with desk.reading():
        used = modules.adopted(desk, manifest.name)
    is_draft = manifest.version.startswith("0.")
    older = [one for one in used if not (is_draft and one.version == manifest.version)]
    found = [known for one in older if (known := one.manifest()) is not None]
    if any(known.local != manifest.local for known in found):
        was = "keeps its records on each device" if not manifest.local else "shares its records"
        raise ManifestError(
            [
                Problem(
                    modules.place(package),
                    1,
                    "module.local",
                    f"the version in use {was}, which cannot change. Give a module that does otherwise a new name.",
                )
            ]
        )
    read_update(package.text(MODULE_FILE), modules.place(package), found)


def stage_module(desk: Desk, edit: Edit, package: packages.Package, manifest: Manifest) -> None:
    """Adds a module's records to an edit; its files are kept beside the database."""
    kept = desk.blobs.add_bytes(package.pack(), f"{manifest.name}-{manifest.version}{packages.PACK_SUFFIX}")
    fields: dict[str, object] = {
        "name": manifest.name,
        "version": manifest.version,
        "hash": package.hash.hex(),
        "manifest": package.text(MODULE_FILE),
        "package": kept,
    }
    put_record(desk, edit, modules.MODULES, derived_id(modules.MODULES, manifest.name, manifest.version), fields)
    for query in manifest.queries:
        stage_query(desk, edit, query.name, (query.title, query.table, package.text(query.file), manifest.name))


def stage_query(
    desk: Desk, edit: Edit, name: str, query: tuple[str, str, str, str], *, is_replacing: bool = False
) -> None:
    """Adds a saved query to an edit, unless a person changed the one of its name, or something else brought it.

    Args:
        desk: the workspace.
        edit: the edit.
        name: its full name.
        query: its title, table, text, and the module or template that brings it.
        is_replacing: a template's goes in place of a module's.
    """
    uuid = derived_id(QUERIES, name)
    title, table, text, origin = query
    fields = {"name": name, "title": title, "table": table, "query": text, "module": origin}
    with desk.looking():
        is_kept = desk.is_known(uuid) and (
            is_persons(desk, uuid, f"{QUERIES}.query") or not (is_replacing or _origin(desk, uuid) in ("", origin))
        )
    if is_kept:
        bring_back(desk, edit, QUERIES, uuid)
    else:
        put_record(desk, edit, QUERIES, uuid, fields)


def _origin(desk: Desk, uuid: bytes) -> str:
    record = desk.record_of(uuid)
    found = {} if record is None else desk.meaning.values_of(record, (f"{QUERIES}.module",))
    return str(found.get(f"{QUERIES}.module", ""))


def is_persons(desk: Desk, uuid: bytes, key: str) -> bool:
    """Tells whether what stands in a field was written by a person, not brought by a module or template."""
    causes = [
        desk.log.header(oid >> ORDINAL_BITS).causes[desk.op_at(oid).op.cause] for oid in desk.heads_now(uuid, key)
    ]
    return any(cause.kind not in (CAUSE_MODULE, CAUSE_TEMPLATE) for cause in causes)


def bring_back(desk: Desk, edit: Edit, table: str, uuid: bytes) -> None:
    """Adds to an edit that a record that was there is in its table again; nothing where it is."""
    with desk.looking():
        is_member = table in desk.member_tables(uuid)
    edit.restore(id_text(uuid))
    if not is_member:
        edit.put(id_text(uuid), into=table)


def put_record(desk: Desk, edit: Edit, table: str, uuid: bytes, fields: Mapping[str, object]) -> None:
    """Adds to an edit a record whose id is derived, or brings the one that is there up to these values."""
    with desk.looking():
        is_known = desk.is_known(uuid)
    if not is_known and not edit.has_new(uuid):
        edit.add_record(table, fields, record_id=uuid)
        return
    if is_known:
        bring_back(desk, edit, table, uuid)
    edit.set(id_text(uuid), {f"{table}.{name}": value for name, value in fields.items()})


def remove(desk: Desk, name: str) -> list[str]:
    """Takes a module out of sight for everybody: its tables, relations and saved queries; deletes nothing.

    Adopting it again shows everything as it was. Returns the full names of the tables that are hidden now.

    Raises:
        ModuleNotUsed: the production does not use it.
    """
    with desk.reading():
        versions = [derived_id(modules.MODULES, one.name, one.version) for one in modules.adopted(desk, name)]
        hidden = [table.name for table in desk.catalog.tables.values() if table.module == name]
        rows = desk.db.rows(
            'SELECT uuid FROM "core.queries" CROSS JOIN entity ON eid = "~eid" WHERE module = ?', (name,)
        )
    if not versions:
        used = ", ".join(sorted(desk.catalog.modules.keys() - {"core", "workspace"})) or "none"
        raise ModuleNotUsed(f"This production does not use a module '{name}'. It uses: {used}.")
    with desk.edit(f"Put {name} away", Cause(CAUSE_MODULE, detail=(name,))) as edit:
        for uuid in versions:
            edit.remove(id_text(uuid), from_=modules.MODULES)
        for (uuid,) in rows:
            edit.remove(id_text(uuid), from_=QUERIES)
    return hidden

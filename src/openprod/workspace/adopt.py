"""Modules in a workspace: reading the catalog from what was adopted, adopting a module, applying a template.

An adopted module is a record in core.modules that carries its manifest, so a device that joins sees every table without
having the package. Several versions may stand side by side; the highest counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from openprod.catalog.core import core_manifest
from openprod.catalog.manifest import Manifest, UserField, UserTable, catalog_of
from openprod.catalog.manifest import read as read_manifest
from openprod.catalog.strict import ManifestError
from openprod.catalog.tables import Catalog, pack, unpack
from openprod.catalog.templates import Template
from openprod.catalog.templates import read as read_template
from openprod.model.bundle import CAUSE_MODULE, CAUSE_TEMPLATE, Cause, ModuleVersion
from openprod.model.ids import derived_id, id_text
from openprod.store import packages
from openprod.store.database import Database

if TYPE_CHECKING:
    from openprod.workspace.desk import Desk
    from openprod.workspace.write import Edit

MODULE_FILE = "module.toml"
TEMPLATE_FILE = "template.toml"
_NUMBER = re.compile(r"[0-9]+")


class CatalogLoader:
    """Reads the catalog from the core tables; unchanged ones cost one look at their fingerprint."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._fingerprint = b""
        self._catalog: Catalog | None = None
        self._fresh: tuple[bytes, bytes] | None = None
        self.venue_zone = ""
        self.versions: dict[str, ModuleVersion] = {}

    def load(self) -> Catalog:
        """Returns the catalog of what is adopted now; the same object as long as nothing changed."""
        if "core.modules" not in self._db.dynamic_objects():
            return self._keep(b"", catalog_of(core_manifest(), ()))
        modules = self._db.rows('SELECT name, version, hash, manifest FROM "core.modules" WHERE name IS NOT NULL ORDER BY name, version')
        tables = self._db.rows('SELECT name, title, key, label FROM "core.tables" WHERE name IS NOT NULL ORDER BY name')
        fields = self._db.rows('SELECT key, "table", spec FROM "core.fields" WHERE key IS NOT NULL ORDER BY key')
        zone = self._db.one("""SELECT value FROM "core.settings" WHERE name = 'zone'""")
        self.venue_zone = str(zone[0] or "") if zone else ""
        fingerprint = msgspec.msgpack.encode([[row[:3] for row in modules], tables, fields])
        if self._catalog is not None and fingerprint == self._fingerprint:
            return self._catalog
        self.versions = _versions(modules)
        cached = self._cached(fingerprint)
        if cached is not None:
            return self._keep(fingerprint, cached)
        catalog = catalog_of(
            core_manifest(),
            _highest(modules),
            [UserTable(name=name, title=title or "", key=tuple((key or "").split(",")) if key else (), label=label or "") for name, title, key, label in tables],
            [UserField(key=key, table=table or "", spec=spec or "null") for key, table, spec in fields],
        )
        self._fresh = (fingerprint, pack(catalog))
        return self._keep(fingerprint, catalog)

    def _keep(self, fingerprint: bytes, catalog: Catalog) -> Catalog:
        self._fingerprint = fingerprint
        self._catalog = catalog
        return catalog

    def _cached(self, fingerprint: bytes) -> Catalog | None:
        """Returns the catalog kept in the file, if it was made of just this; the file is ours, so it is decoded by type only."""
        row = self._db.one("SELECT value FROM meta WHERE key = 'catalog'")
        if row is None:
            return None
        try:
            kept, packed = msgspec.msgpack.decode(row[0], type=tuple[bytes, bytes])
            return unpack(packed) if kept == fingerprint else None
        except msgspec.DecodeError:
            return None

    def save(self) -> None:
        """Keeps a newly read catalog in the file, for a quick start next time. Call inside a transaction."""
        if self._fresh is not None:
            self._db.execute("INSERT OR REPLACE INTO meta(key, value) VALUES('catalog', ?)", (msgspec.msgpack.encode(self._fresh),))
            self._fresh = None


def _versions(rows: list[tuple[str, str | None, str | None, str | None]]) -> dict[str, ModuleVersion]:
    found: dict[str, ModuleVersion] = {}
    for name, version, digest, _ in sorted(rows, key=lambda row: version_key(row[1] or "")):
        try:
            found[name] = ModuleVersion(name, version or "", bytes.fromhex(digest or ""))
        except ValueError:
            continue
    return found


def _highest(rows: list[tuple[str, str | None, str | None, str | None]]) -> list[Manifest]:
    """Returns the manifest of the highest version of each module; one that does not read gives way to the next lower."""
    found: dict[str, Manifest] = {}
    for name, _, _, text in sorted(rows, key=lambda row: version_key(row[1] or "")):
        try:
            manifest = read_manifest(text or "", f"{name}/{MODULE_FILE}")
        except ManifestError:
            continue
        found[name] = manifest
    return list(found.values())


def version_key(version: str) -> tuple[int, ...]:
    """Returns the order of versions: 1.10.0 after 1.9.0."""
    return tuple(int(number) for number in _NUMBER.findall(version))


def read_module(reference: str) -> tuple[packages.Package, Manifest]:
    """Returns a module package and its manifest, by shipped name or folder; raises NoSuchPackage or ManifestError."""
    package = packages.find("modules", reference, MODULE_FILE)
    return package, read_manifest(package.text(MODULE_FILE), str(package.folder / MODULE_FILE))


def read_template_package(reference: str) -> tuple[packages.Package, Template]:
    """Returns a template package and what it says, by shipped name or folder."""
    package = packages.find("templates", reference, TEMPLATE_FILE)
    return package, read_template(package.text(TEMPLATE_FILE), str(package.folder / TEMPLATE_FILE))


def adopt(desk: Desk, reference: str) -> Manifest:
    """Puts a module's schema and saved queries into the workspace, for everybody; the same version twice changes nothing."""
    package, manifest = read_module(reference)
    cause = Cause(CAUSE_MODULE, detail=(manifest.name, manifest.version))
    with desk.edit(f"Use {manifest.title} in this show", cause) as edit:
        stage_module(desk, edit, package, manifest, {})
    return manifest


def stage_module(desk: Desk, edit: Edit, package: packages.Package, manifest: Manifest, queries: dict[str, str]) -> None:
    """Adds a module's records to an edit; `queries` collects the ids of those it makes, by full name."""
    uuid = derived_id("core.modules", manifest.name, manifest.version)
    fields = {"name": manifest.name, "version": manifest.version, "hash": package.hash.hex(), "manifest": package.text(MODULE_FILE)}
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
    if edit.has_new(uuid) or desk.is_known(uuid):
        if desk.is_known(uuid):
            edit.restore(id_text(uuid))
            if table not in desk.member_tables(uuid):
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

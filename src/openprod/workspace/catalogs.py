"""The catalog of a workspace, read from the core tables: adopted modules, tables and fields that people made.

Several versions of a module may stand side by side; the highest counts. Must not know how they got there.
"""

from __future__ import annotations

import re

import msgspec

from openprod.catalog.core import core_manifest
from openprod.catalog.manifest import Manifest, UserField, UserTable, catalog_of
from openprod.catalog.manifest import read as read_manifest
from openprod.catalog.strict import ManifestError
from openprod.catalog.tables import Catalog, pack, unpack
from openprod.model.bundle import ModuleVersion
from openprod.model.ids import CONTEXT_STATE, hash_in
from openprod.store.database import Database

MODULE_FILE = "module.toml"
# Where two people set it as two records, all devices take the same one: the later id.
_ZONE = """
    SELECT value FROM "core.settings" JOIN entity ON eid = "~eid" WHERE name = 'zone' AND typeof(value) = 'text'
    ORDER BY uuid DESC LIMIT 1"""
# Raised when what is kept of the same declarations changes, so that no older catalog is taken for the present one.
_CATALOG_FORM = 3
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
        modules = self._db.rows(
            'SELECT name, version, hash, manifest FROM "core.modules" WHERE name IS NOT NULL ORDER BY 1, 2, 3, 4'
        )
        tables = self._db.rows(
            'SELECT name, title, key, label FROM "core.tables" WHERE name IS NOT NULL ORDER BY 1, 2, 3, 4'
        )
        fields = self._db.rows('SELECT key, "table", spec FROM "core.fields" WHERE key IS NOT NULL ORDER BY 1, 2, 3')
        zone = self._db.one(_ZONE)
        self.venue_zone = zone[0] if zone else ""
        fingerprint = hash_in(CONTEXT_STATE, msgspec.msgpack.encode([_CATALOG_FORM, modules, tables, fields]))
        if self._catalog is not None and fingerprint == self._fingerprint:
            return self._catalog
        self.versions = _versions(modules)
        cached = self._cached(fingerprint)
        if cached is not None:
            return self._keep(fingerprint, cached)
        catalog = catalog_of(
            core_manifest(),
            _highest(modules),
            [
                UserTable(
                    name=name, title=title or "", key=tuple((key or "").split(",")) if key else (), label=label or ""
                )
                for name, title, key, label in tables
            ],
            [UserField(key=key, table=table or "", spec=spec or "null") for key, table, spec in fields],
        )
        self._fresh = (fingerprint, pack(catalog))
        return self._keep(fingerprint, catalog)

    def _keep(self, fingerprint: bytes, catalog: Catalog) -> Catalog:
        self._fingerprint = fingerprint
        self._catalog = catalog
        return catalog

    def _cached(self, fingerprint: bytes) -> Catalog | None:
        """Returns the catalog kept in the file, if it was made of just this.

        The file is ours, so it is decoded by type only.
        """
        row = self._db.one("SELECT value FROM meta WHERE key = 'catalog'")
        if row is None:
            return None
        try:
            kept, packed = msgspec.msgpack.decode(row[0], type=tuple[bytes, bytes])
            return unpack(packed) if kept == fingerprint else None
        except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
            return None

    def save(self) -> None:
        """Keeps a newly read catalog in the file, for a quick start next time. Call inside a transaction."""
        if self._fresh is not None:
            self._db.execute(
                "INSERT OR REPLACE INTO meta(key, value) VALUES('catalog', ?)", (msgspec.msgpack.encode(self._fresh),)
            )
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
    """Returns the manifest of the highest version of each module.

    One that does not read gives way to the next lower.
    """
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

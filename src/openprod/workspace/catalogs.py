"""The catalog of a workspace, read from the core tables: adopted modules, tables and fields that people made.

Several versions of a module may stand side by side; the highest counts. Must not know how they got there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from openprod.catalog.assembly import UserChoice, UserField, UserRelation, UserTable, Wishes, catalog_of
from openprod.catalog.core import core_manifest
from openprod.catalog.growth import joined_relations, joined_tables
from openprod.catalog.manifest import Manifest
from openprod.catalog.manifest import read as read_manifest
from openprod.catalog.strict import ManifestError
from openprod.catalog.tables import Catalog, pack, unpack
from openprod.model.bundle import ModuleVersion
from openprod.model.ids import CONTEXT_STATE, hash_in
from openprod.store.database import Database, SqlValue

MODULE_FILE = "module.toml"
# Where two people set it as two records, all devices take the same one: the later id.
_ZONE = """
    SELECT value FROM "core.settings" JOIN entity ON eid = "~eid" WHERE name = 'zone' AND typeof(value) = 'text'
    ORDER BY uuid DESC LIMIT 1"""
# Raised when what is kept of the same declarations changes, so that no older catalog is taken for the present one.
_CATALOG_FORM = 5
# What people make of the tables, by the core table that says so; the first column tells what it is about.
_WISHES: Mapping[str, tuple[str, ...]] = {
    "core.tables": ("name", "title", "key", "label", "hidden"),
    "core.fields": ("key", "table", "spec", "title", "hidden", "after"),
    "core.relations": (
        "name", "title", "inverse", "source", "target", "ordered", "unique", "properties", "hidden",
    ),
    "core.choices": ("field", "choice", "order~"),
}  # fmt: skip
_Rows = Sequence[tuple[SqlValue, ...]]
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
        wishes = [self._wished(table) for table in _WISHES]
        zone = self._db.one(_ZONE)
        self.venue_zone = zone[0] if zone else ""
        fingerprint = hash_in(CONTEXT_STATE, msgspec.msgpack.encode([_CATALOG_FORM, modules, wishes]))
        if self._catalog is not None and fingerprint == self._fingerprint:
            return self._catalog
        self.versions = _versions(modules)
        cached = self._cached(fingerprint)
        if cached is not None:
            return self._keep(fingerprint, cached)
        catalog = catalog_of(core_manifest(), _highest(modules), _wishes(*wishes))
        self._fresh = (fingerprint, pack(catalog))
        return self._keep(fingerprint, catalog)

    def _wished(self, table: str) -> list[tuple[SqlValue, ...]]:
        """Returns what one of the core tables says that people made of the tables."""
        # A file that an older version wrote lacks a table or column until it is brought up to this one.
        here = {row[1] for row in self._db.rows(f'PRAGMA table_info("{table}")')}
        columns = [f'"{column}"' if column in here else "NULL" for column in _WISHES[table]]
        if columns[0] == "NULL":
            return []
        # Names of our own tables and columns.
        sql = f'SELECT {", ".join(columns)} FROM "{table}" WHERE {columns[0]} IS NOT NULL'  # noqa: S608
        return sorted(self._db.rows(sql), key=repr)

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


def _wishes(tables: _Rows, fields: _Rows, relations: _Rows, choices: _Rows) -> Wishes:
    """Returns the rows of the core tables as what people made of the tables."""
    return Wishes(
        tables=[
            UserTable(name=_text(name), title=_text(title), key=_names(key), label=_text(label), hidden=_flag(hidden))
            for name, title, key, label, hidden in tables
        ],
        fields=[
            UserField(
                key=_text(key),
                table=_text(table),
                spec=_text(spec),
                title=_text(title),
                hidden=_flag(hidden),
                after=_text(after),
            )
            for key, table, spec, title, hidden, after in fields
        ],
        relations=[
            UserRelation(
                name=_text(name),
                title=_text(title),
                inverse=_text(inverse),
                source=_text(source),
                target=_names(target),
                ordered=bool(_flag(ordered)),
                unique=bool(_flag(unique)),
                properties=_text(properties),
                hidden=_flag(hidden),
            )
            for name, title, inverse, source, target, ordered, unique, properties, hidden in relations
        ],
        choices=[
            UserChoice(field=_text(field), choice=_text(choice))
            for field, choice, _ in sorted(choices, key=lambda row: (_text(row[2]), _text(row[1])))
        ],
    )


def _text(stored: SqlValue) -> str:
    return stored if isinstance(stored, str) else ""


def _flag(stored: SqlValue) -> bool | None:
    return bool(stored) if isinstance(stored, int) else None


def _names(stored: SqlValue) -> tuple[str, ...]:
    return tuple(name.strip() for name in _text(stored).split(",") if name.strip())


def _versions(rows: list[tuple[str, str | None, str | None, str | None]]) -> dict[str, ModuleVersion]:
    found: dict[str, ModuleVersion] = {}
    for name, version, digest, _ in sorted(rows, key=lambda row: version_key(row[1] or "")):
        try:
            found[name] = ModuleVersion(name, version or "", bytes.fromhex(digest or ""))
        except ValueError:
            continue
    return found


def _highest(rows: list[tuple[str, str | None, str | None, str | None]]) -> list[Manifest]:
    """Returns each module as its versions declare it together: the highest one's word counts, nothing is taken away.

    A version that does not read plays no part.
    """
    found: dict[str, Manifest] = {}
    for name, _, _, text in sorted(rows, key=lambda row: version_key(row[1] or "")):
        try:
            manifest = read_manifest(text or "", f"{name}/{MODULE_FILE}")
        except ManifestError:
            continue
        older = found.get(name)
        if older is not None and manifest.name == older.name:
            manifest = msgspec.structs.replace(
                manifest,
                # What one version promised to keep here, no other lets go.
                local=older.local or manifest.local,
                tables=joined_tables(older.tables, manifest.tables),
                relations=joined_relations(older.relations, manifest.relations),
            )
        found[name] = manifest
    return list(found.values())


def version_key(version: str) -> tuple[int, ...]:
    """Returns the order of versions: 1.10.0 after 1.9.0."""
    return tuple(int(number) for number in _NUMBER.findall(version))

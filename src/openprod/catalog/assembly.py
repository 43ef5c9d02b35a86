"""One catalog out of what modules declare and what people made of it in this production.

Knows how a person's tables, fields, relations, titles, places and choices stand beside and above a module's, so that a
module's update keeps them. Must not know where either is kept. Never raises: what cannot be understood is left out and
named in the catalog's `problems`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from openprod.catalog.manifest import Manifest, read_field
from openprod.catalog.strict import ManifestError
from openprod.catalog.tables import CORE, WORKSPACE, Catalog, Field, Relation, Table

FIRST = "-"
_FULL_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_PLACEHOLDER = re.compile(r"\{([a-z0-9_.]+)\}")
_T = TypeVar("_T", Table, Relation, Field)


class UserTable(Struct, frozen=True, kw_only=True):
    """A table that a person made (its name begins with "workspace."), or what they make of a module's.

    A record of core.tables. Empty texts and None leave a module's word as it is.
    """

    name: str
    title: str = ""
    key: tuple[str, ...] = ()
    label: str = ""
    hidden: bool | None = None


class UserField(Struct, frozen=True, kw_only=True):
    """A field that a person added, or what they made of a module's: a record of core.fields.

    Attributes:
        key: the full key.
        table: the table it is shown in.
        spec: of an added one, JSON with the keys that a manifest's field has.
        title, hidden: in place of the declared ones, where given.
        after: the full key of the field that it stands behind; "-" puts it first, empty leaves it where it is.
    """

    key: str
    table: str = ""
    spec: str = ""
    title: str = ""
    hidden: bool | None = None
    after: str = ""


class UserRelation(Struct, frozen=True, kw_only=True):
    """A relation that a person made, or what they call a module's: a record of core.relations.

    `properties` is JSON: a spec for each name, as a manifest's properties have.
    """

    name: str
    title: str = ""
    inverse: str = ""
    source: str = ""
    target: tuple[str, ...] = ()
    ordered: bool = False
    unique: bool = False
    properties: str = ""
    hidden: bool | None = None


class UserChoice(Struct, frozen=True, kw_only=True):
    """One more thing that a field of choices offers: a record of core.choices."""

    field: str
    choice: str


class Wishes(Struct, frozen=True, kw_only=True):
    """Everything that people made of the tables."""

    tables: Sequence[UserTable] = ()
    fields: Sequence[UserField] = ()
    relations: Sequence[UserRelation] = ()
    choices: Sequence[UserChoice] = ()


def catalog_of(core: Manifest, modules: Iterable[Manifest], wishes: Wishes | None = None) -> Catalog:
    """Returns the catalog of the core's tables, modules, and what people made of them."""
    # A record that is in a local table too is called by what it is elsewhere.
    manifests = [core, *sorted(modules, key=lambda manifest: (manifest.local, manifest.name))]
    made = _Assembly(manifests)
    if wishes is not None:
        made.take(wishes)
    return Catalog(
        modules={WORKSPACE: "", **{manifest.name: manifest.version for manifest in manifests}},
        tables=made.tables,
        relations=made.relations,
        checks={check.name: check for manifest in manifests for check in manifest.checks},
        lists={one.name: one for manifest in manifests for one in manifest.lists},
        local=tuple(manifest.name for manifest in manifests if manifest.local),
        problems=tuple(made.problems),
    )


def user_field_key(table: str, name: str) -> str:
    """Returns the full key of a field that a person adds: workspace.props.colour, workspace.lighting_cues.gel."""
    module, _, short = table.partition(".")
    return f"{table}.{name}" if module == WORKSPACE else f"{WORKSPACE}.{module}_{short}.{name}"


class _Assembly:
    """Tables and relations while people's wishes are taken in, each kind in the order of its names."""

    def __init__(self, manifests: Sequence[Manifest]) -> None:
        self.tables = {table.name: table for manifest in manifests for table in manifest.tables}
        self.relations = {relation.name: relation for manifest in manifests for relation in manifest.relations}
        self.problems: list[str] = []
        self._declared = {field.key for table in self.tables.values() for field in table.fields.values()}

    def take(self, wishes: Wishes) -> None:
        """Takes in what people made."""
        for table in sorted(wishes.tables, key=lambda one: one.name):
            self._table(table)
        fields = sorted(wishes.fields, key=lambda one: one.key)
        for field in fields:
            if field.key not in self._declared:
                self._add_field(field)
        for relation in sorted(wishes.relations, key=lambda one: one.name):
            self._relation(relation)
        for field in fields:
            self._shape_field(field)
        for choice in wishes.choices:
            self._choice(choice)
        for name in sorted({field.table for field in fields if field.after} & self.tables.keys()):
            table = self.tables[name]
            after = {field.key: field.after for field in fields if field.after and field.table == name}
            self.tables[name] = msgspec.structs.replace(table, fields=_in_order(table.fields, after))

    def _table(self, made: UserTable) -> None:
        known = self.tables.get(made.name)
        if known is not None and known.module not in (CORE, WORKSPACE):
            label = made.label if _fits(made.label, known) else ""
            self.tables[made.name] = _renamed(known, title=made.title, label=label, hidden=made.hidden)
        elif _FULL_NAME.fullmatch(made.name) is None or known is not None or made.name in self.relations:
            self.problems.append(f"The table '{made.name}' cannot be shown: its name is taken or not a name.")
        else:
            self.tables[made.name] = Table(
                name=made.name,
                title=made.title or _title(made.name),
                module=WORKSPACE,
                key=made.key,
                label=made.label,
                fields={},
                hidden=bool(made.hidden),
            )

    def _add_field(self, added: UserField) -> None:
        table = self.tables.get(added.table)
        if table is None:
            why = f"there is no table '{added.table}' here."
        elif added.key.count(".") != 2:
            why = "it is not named like workspace.table.field."
        else:
            try:
                field = read_field(table.name, added.key, msgspec.json.decode(added.spec or "null"), added.key)
            except (ManifestError, msgspec.DecodeError) as error:
                self.problems.append(f"The field '{added.key}' cannot be shown: {error}")
                return
            if field.column not in table.fields:
                fields = {**table.fields, field.column: field}
                self.tables[table.name] = msgspec.structs.replace(table, fields=fields)
                return
            why = f"{table.name} has a field of that name."
        self.problems.append(f"The field '{added.key}' cannot be shown: {why}")

    def _shape_field(self, wish: UserField) -> None:
        table = self.tables.get(wish.table)
        column = next((name for name, one in table.fields.items() if one.key == wish.key), None) if table else None
        if table is None or column is None or table.module == CORE:
            return
        shaped = _renamed(table.fields[column], title=wish.title, hidden=wish.hidden)
        self.tables[table.name] = msgspec.structs.replace(table, fields={**table.fields, column: shaped})

    def _relation(self, made: UserRelation) -> None:
        known = self.relations.get(made.name)
        if known is not None:
            self.relations[made.name] = _renamed(known, title=made.title, inverse=made.inverse, hidden=made.hidden)
            return
        if (
            made.name.partition(".")[0] != WORKSPACE
            or _FULL_NAME.fullmatch(made.name) is None
            or made.name in self.tables
        ):
            self.problems.append(f"The relation '{made.name}' cannot be shown: its name is taken or not a name.")
            return
        try:
            properties = _properties(made)
        except (ManifestError, msgspec.DecodeError, msgspec.ValidationError) as error:
            self.problems.append(f"The relation '{made.name}' cannot be shown: {error}")
            return
        title = made.title or _title(made.name)
        self.relations[made.name] = Relation(
            name=made.name,
            title=title,
            inverse=made.inverse or f"{title} (back)",
            source=made.source,
            target_hint=made.target,
            ordered=made.ordered,
            unique=made.unique,
            properties=properties,
            hidden=bool(made.hidden),
        )

    def _choice(self, wish: UserChoice) -> None:
        for holders in (self.tables, self.relations):
            for holder in list(holders.values()):
                fields = holder.fields if isinstance(holder, Table) else holder.properties
                column = next((name for name, one in fields.items() if one.key == wish.field), None)
                if column is None or not _chooses(fields[column]) or wish.choice in ("", *fields[column].choices):
                    continue
                field = msgspec.structs.replace(fields[column], choices=(*fields[column].choices, wish.choice))
                if isinstance(holder, Table):
                    self.tables[holder.name] = msgspec.structs.replace(holder, fields={**fields, column: field})
                else:
                    self.relations[holder.name] = msgspec.structs.replace(holder, properties={**fields, column: field})


def _chooses(field: Field) -> bool:
    return "choice" in (field.type, field.item_type if field.type == "list" else "")


def _title(name: str) -> str:
    return name.partition(".")[2].replace("_", " ").capitalize()


def _fits(label: str, table: Table) -> bool:
    """Tells whether a label names fields of a table and nothing else."""
    named = _PLACEHOLDER.findall(label)
    return bool(named) and all(table.resolve(name) is not None for name in named)


def _renamed(one: _T, *, hidden: bool | None, **texts: str) -> _T:
    changes: dict[str, object] = {name: text for name, text in texts.items() if text}
    if hidden is not None:
        changes["hidden"] = hidden
    return msgspec.structs.replace(one, **changes)


def _properties(made: UserRelation) -> dict[str, Field]:
    specs = msgspec.json.decode(made.properties or "{}", type=dict[str, object])
    return {name: read_field(made.name, f"{made.name}.{name}", spec, made.name) for name, spec in specs.items()}


def _in_order(fields: Mapping[str, Field], after: Mapping[str, str]) -> dict[str, Field]:
    """Returns fields with those that have a word for it behind the ones they name, in front of all others for "-".

    Words that lead round in a circle, or to no field of the table, count for nothing.
    """
    columns = {field.key: column for column, field in fields.items()}
    behind: dict[str, list[str]] = {}
    for key in columns:
        if after.get(key) == FIRST or after.get(key) in columns:
            behind.setdefault(after[key], []).append(key)
    placed: dict[str, None] = {}

    def place(key: str) -> None:
        if key not in placed:
            placed[key] = None
            for one in behind.get(key, ()):
                place(one)

    for key in behind.get(FIRST, ()):
        place(key)
    moved = {key for keys in behind.values() for key in keys}
    for key in columns:
        if key not in moved:
            place(key)
    for key in columns:
        place(key)
    return {columns[key]: fields[columns[key]] for key in placed}

"""Tables, fields and relations as everybody above sees them, and the catalog that finds them by name.

Knows the shapes and how a name is looked up, with near names for a wrong one. Must not know where a declaration came
from (manifest, core, a person) nor how a value is checked or stored.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, get_args

import msgspec
from msgspec import Struct

from openprod.model.errors import Missing
from openprod.model.values import Value

FieldType: TypeAlias = Literal[
    "bool",
    "int",
    "float",
    "decimal",
    "text",
    "natural",
    "outline",
    "date",
    "time",
    "datetime",
    "duration",
    "choice",
    "record",
    "field",
    "blob",
    "list",
]
FIELD_TYPES: tuple[FieldType, ...] = get_args(FieldType)
SORTED_TYPES: frozenset[FieldType] = frozenset(("natural", "outline", "decimal", "datetime"))
CORE = "core"
WORKSPACE = "workspace"
NEAR_MAX = 3


class UnknownName(Missing):
    """A table, field or relation of that name does not exist; `near` holds names that look like it."""

    code = "catalog.unknown_name"

    def __init__(self, kind: str, name: str, near: tuple[str, ...], place: str = "") -> None:
        self.kind = kind
        self.name = name
        self.near = near
        hint = f" Did you mean {either(near)}?" if near else ""
        super().__init__(f"There is no {kind} '{name}'{place}.{hint}")


class Field(Struct, frozen=True, kw_only=True):
    """One field of a table, or one property of a relation (whose name then stands in `table`).

    Attributes:
        key: the full name, module.table.field; where values are kept under.
        name: the short name.
        table: the table it is shown in, which need not be the one in its key.
        unit: what a bare number means, for numbers and durations.
        target: the tables a record field points into, as a hint.
        item_type: what a list holds.
    """

    key: str
    name: str
    table: str
    type: FieldType
    title: str
    help: str = ""
    required: bool = False
    default: Value = None
    choices: tuple[str, ...] = ()
    open: bool = False
    unit: str = ""
    format: str = ""
    hidden: bool = False
    shared_key: str = ""
    merge: Literal["scalar", "crdt"] = "scalar"
    on_conflict: Literal["show", "block"] = "show"
    target: tuple[str, ...] = ()
    item_type: FieldType = "text"

    @property
    def column(self) -> str:
        """The name of its SQL column: the short name in its own table, else the full key."""
        return self.name if self.key == f"{self.table}.{self.name}" else self.key

    @property
    def sort_column(self) -> str | None:
        """The name of the SQL column that holds its order, where the value's own column does not."""
        return f"{self.column}~" if self.type in SORTED_TYPES else None


class Table(Struct, frozen=True, kw_only=True):
    """A table: its fields in order by column name, its natural key, and how a record is called in sentences.

    A hidden one is there for queries and commands, but not shown in lists of tables.
    """

    name: str
    title: str
    module: str
    key: tuple[str, ...] = ()
    label: str = ""
    fields: dict[str, Field]
    links_well_with: tuple[str, ...] = ()
    hidden: bool = False

    def resolve(self, name: str) -> Field | None:
        """Returns the field of a short name or full key, or None; an own short name wins over another module's."""
        found = self.fields.get(name)
        if found is not None:
            return found
        for field in self.fields.values():
            if name in (field.key, field.name):
                return field
        return None


class Relation(Struct, frozen=True, kw_only=True):
    """A kind of edge from records of `source` to records; `target_hint` says into which tables it usually leads."""

    name: str
    title: str
    inverse: str
    source: str
    target_hint: tuple[str, ...] = ()
    ordered: bool = False
    unique: bool = False
    properties: dict[str, Field] = {}
    hidden: bool = False

    def resolve(self, name: str) -> Field | None:
        """Returns the property of a short name or full key, or None."""
        found = self.properties.get(name)
        if found is not None:
            return found
        return next((field for field in self.properties.values() if field.key == name), None)


class Check(Struct, frozen=True, kw_only=True):
    """Something in a table that somebody should look at: a condition or query, and what its count is said with.

    Attributes:
        name: the full name, module.check.
        sentence: with {count}; `one` where there is one.
        where: the condition on the table's records that finds them; empty where there is a query.
        query: the query in full form, as JSON; empty where there is a condition.
    """

    name: str
    title: str
    table: str
    sentence: str
    one: str = ""
    where: str = ""
    query: str = ""


class ShippedList(Struct, frozen=True, kw_only=True):
    """A view of a table that a module brings.

    Attributes:
        name: the full name, module.list.
        where: the condition on the table's records; empty for all.
        order: orders as a query's sort has them.
        group: the field whose values are headings, or "".
        fields: names of the columns in sight; empty for all.
        query: the full name of the saved query that it takes condition and order from, or "".
    """

    name: str
    title: str
    table: str
    where: str = ""
    order: tuple[str, ...] = ()
    group: str = ""
    fields: tuple[str, ...] = ()
    query: str = ""


class Catalog(Struct, frozen=True, kw_only=True):
    """Everything that can be named in one workspace.

    Attributes:
        modules: name to version of each module adopted here, core and workspace among them.
        checks, lists: by full name.
        local: names of the modules whose records stay on the device.
        problems: sentences about declarations that were left out because they cannot be understood.
    """

    modules: dict[str, str]
    tables: dict[str, Table]
    relations: dict[str, Relation]
    checks: dict[str, Check] = {}
    lists: dict[str, ShippedList] = {}
    local: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def table(self, name: str) -> Table:
        """Returns a table by full name; raises UnknownName."""
        found = self.tables.get(name)
        if found is None:
            raise UnknownName("table", name, near_names(name, self.tables))
        return found

    def relation(self, name: str) -> Relation:
        """Returns a relation by full name; raises UnknownName."""
        found = self.relations.get(name)
        if found is None:
            raise UnknownName("relation", name, near_names(name, self.relations))
        return found

    def find_field(self, key: str) -> Field | None:
        """Returns the field or relation property of a full key, or None."""
        owner = key.rpartition(".")[0]
        holder = self.tables.get(owner) or self.relations.get(owner)
        found = holder.resolve(key) if holder is not None else None
        if found is not None:
            return found
        return next((table.fields[key] for table in self.tables.values() if key in table.fields), None)

    def field(self, key: str) -> Field:
        """Returns the field or relation property of a full key; raises UnknownName."""
        found = self.find_field(key)
        if found is None:
            raise UnknownName("field", key, near_names(key, self._field_keys()))
        return found

    def resolve_field(self, table_name: str, name: str) -> Field:
        """Returns the field that a short name or full key means in a table (or relation); raises UnknownName."""
        holder = self.relations.get(table_name) or self.table(table_name)
        found = holder.resolve(name)
        if found is None:
            fields = holder.fields if isinstance(holder, Table) else holder.properties
            raise UnknownName("field", name, near_names(name, fields), f" in {table_name}")
        return found

    def is_adopted(self, name: str) -> bool:
        """Tells whether the module that a full name begins with is adopted here."""
        return name.partition(".")[0] in self.modules

    def relations_at(self, table_name: str) -> tuple[Relation, ...]:
        """Returns the relations that start in a table or are hinted to end there."""
        return tuple(
            relation
            for relation in self.relations.values()
            if relation.source == table_name or table_name in relation.target_hint
        )

    def _field_keys(self) -> list[str]:
        return [
            *(field.key for table in self.tables.values() for field in table.fields.values()),
            *(field.key for relation in self.relations.values() for field in relation.properties.values()),
        ]


_catalog_decoder = msgspec.msgpack.Decoder(Catalog)


def pack(catalog: Catalog) -> bytes:
    """Returns a catalog as bytes for a cache: reading them is much quicker than reading the manifests again."""
    return msgspec.msgpack.encode(catalog)


def unpack(data: bytes) -> Catalog:
    """Returns the catalog of `pack`; raises msgspec.DecodeError where another version wrote the bytes."""
    return _catalog_decoder.decode(data)


def near_names(name: str, names: Iterable[str] | Mapping[str, object]) -> tuple[str, ...]:
    """Returns up to three names that a person may have meant: the same last part first, then the like-looking."""
    pool = sorted(names)
    short = name.rpartition(".")[2]
    same = [other for other in pool if other != name and other.rpartition(".")[2] == short]
    lower = {other.lower(): other for other in pool}
    alike = [lower[found] for found in difflib.get_close_matches(name.lower(), lower, n=NEAR_MAX, cutoff=0.7)]
    return tuple(dict.fromkeys([*same, *alike]))[:NEAR_MAX]


def either(names: Iterable[str]) -> str:
    """Returns names as a choice in a sentence: 'a', 'b' or 'c'."""
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"

"""The read model: one plain SQL table for each user table and each relation, kept in step by whoever applies writes.

Knows SQL and the catalog's columns. Must not know heads: it is told which value is shown where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from openprod.catalog.names import (
    ToSql,
    bulk_titler,
    column_ddl,
    converter,
    ddl,
    label_fields,
    quote,
    relation_ddl,
    sort_converter,
    title_fields,
    titler,
)
from openprod.catalog.tables import Catalog, Field, FieldType, Relation, Table
from openprod.model.natural import natural_keys
from openprod.model.values import ListValue, Natural, Value
from openprod.store.database import Database, SqlValue

USER_INDEX_PREFIX = "ux~"
# A page of fewer rows is sorted in a few milliseconds.
INDEXED_ROWS_MIN = 20_000
INDEXES_MAX = 6
_SAMPLE = 1_000


class Column:
    """How one field's value gets into its table: the converters, and its part of the SQL for changed cells.

    Attributes:
        is_in_title: whether a record's title may depend on it.
        is_fallback: whether it does so only where nothing that the title is made of has a value.
    """

    __slots__ = ("assignment", "convert", "field", "is_fallback", "is_in_title", "name", "owner", "sort")

    def __init__(
        self, owner: str, field: Field, convert: ToSql, sort: ToSql | None, *, is_in_title: bool, is_fallback: bool
    ) -> None:
        self.owner = owner
        self.field = field
        self.name = field.column
        self.convert = convert
        self.sort = sort
        self.is_in_title = is_in_title
        self.is_fallback = is_fallback
        extra = f", {quote(field.sort_column)} = ?" if field.sort_column is not None else ""
        self.assignment = f"{quote(field.column)} = ?{extra}"

    def many(self, values: Sequence[Value]) -> Sequence[SqlValue]:
        """Returns what stands in the column for many values.

        Those that stand as they are are not touched one by one.
        """
        plain = _PLAIN.get(self.field.type)
        if plain is not None and plain.issuperset(map(type, values)):
            return values  # pyright: ignore[reportReturnType] -- the line above proved each to be a plain SQL value
        if self.field.type == "record":
            return list(map(self.convert, values))
        return _mapped(self.convert, values)

    def many_sorted(self, values: Sequence[Value], sort: ToSql) -> tuple[Sequence[SqlValue], Sequence[SqlValue]]:
        """Returns what stands in the column and in its sort column for many values."""
        if self.field.type == "natural" and set(map(type, values)) == {Natural}:
            texts = [value.text for value in cast("Sequence[Natural]", values)]
            distinct = set(texts)
            if len(distinct) * 2 > len(texts):
                return texts, natural_keys(texts)
            few = list(distinct)
            keys = dict(zip(few, natural_keys(few), strict=True))
            return texts, [keys[text] for text in texts]
        return _mapped(self.convert, values), _mapped(sort, values)

    def cells(self, value: Value) -> tuple[SqlValue, ...]:
        """Returns what stands in the column and, where there is one, in its sort column."""
        if self.sort is None:
            return (self.convert(value),)
        return (self.convert(value), self.sort(value))


# Types whose values may show nothing in a title though something stands in their column.
_UNTOLD: frozenset[FieldType] = frozenset(("record", "field", "blob", "list"))
_PLAIN: Mapping[FieldType, frozenset[type]] = {
    "text": frozenset((str, type(None))),
    "choice": frozenset((str, type(None))),
    "int": frozenset((int, type(None))),
    "float": frozenset((float, type(None))),
    "bool": frozenset((bool, type(None))),
}


_ALIKE = frozenset((bool, int, float, ListValue))


def _mapped(convert: ToSql, values: Sequence[Value]) -> list[SqlValue]:
    """Returns converted values; where a few come often, as page and list numbers do, each is converted once."""
    sample = values[:_SAMPLE]
    # True, 1 and 1.0 are one to a dictionary, and so are lists of them.
    if len(set(sample)) * 2 > len(sample) or not _ALIKE.isdisjoint(map(type, values)):
        return list(map(convert, values))
    known: dict[Value, SqlValue] = {}
    return [known[value] if value in known else known.setdefault(value, convert(value)) for value in values]


class Form(NamedTuple):
    """What of a table's declaration its rows depend on; where that changes they are made anew.

    Attributes:
        is_table: False for a relation.
        title: what a record is called by.
        columns: (key, column, type, on_conflict) of each field.
        zone: the show's zone, by which moments in the table are ordered; None where it holds none.
    """

    is_table: bool
    title: tuple[object, ...]
    columns: frozenset[tuple[str, str, str, str]]
    zone: str | None

    def grows_to(self, later: Form) -> bool:
        """Tells whether a later form differs by new columns at most."""
        return self[:2] == later[:2] and self.columns <= later.columns and self.zone in (None, later.zone)


class Shelf:
    """One table of the read model with everything precomputed for writing to it."""

    __slots__ = ("by_key", "columns", "is_named", "name", "relation", "table", "title", "title_columns", "title_many")

    def __init__(self, table: Table | None, relation: Relation | None, columns: list[Column]) -> None:
        holder = table or relation
        if holder is None:
            raise AssertionError("a shelf holds a table or a relation")
        self.name = holder.name
        self.table = table
        self.relation = relation
        self.columns = columns
        self.by_key = {column.field.key: column for column in columns}
        self.title = titler(table) if table is not None else None
        self.title_many = bulk_titler(table) if table is not None else None
        wanted: set[str] = set(title_fields(table)) if table is not None else set()
        self.title_columns = [column for column in columns if column.name in wanted]
        # SQL for "what the title is made of has a value", as far as SQL can tell: see `ReadModel.named`.
        label = set(label_fields(table)) if table is not None else set[str]()
        tests = [
            f"({quote(column.name)} <> '' AND typeof({quote(column.name)}) <> 'blob')"
            for column in columns
            if column.name in label and column.field.type not in _UNTOLD
        ]
        self.is_named = " OR ".join(tests)

    def form(self, zone: str) -> Form:
        """Returns what the rows of this table depend on."""
        table = self.table
        title = (
            ()
            if table is None
            else (
                table.label,
                table.key,
                table.title,
                title_fields(table),
                [table.fields[name].default for name in table.key if name in table.fields],
            )
        )
        fields = [column.field for column in self.columns]
        return Form(
            table is not None,
            title,
            frozenset((field.key, field.column, field.type, field.on_conflict) for field in fields),
            zone if any(field.type == "datetime" for field in fields) else None,
        )


class ReadModel:
    """Makes the tables that a catalog asks for and writes rows into them."""

    def __init__(self, database: Database, eid_of: Callable[[bytes], int | None]) -> None:
        self._db = database
        self._eid_of = eid_of
        self.catalog = Catalog(modules={}, tables={}, relations={})
        self.zone = ""
        self.shelves: dict[str, Shelf] = {}
        self.relations: dict[str, Shelf] = {}
        self.columns_of: dict[str, list[Column]] = {}
        self._inserts: dict[tuple[str, str, tuple[str, ...]], str] = {}
        self._changes: dict[tuple[str, tuple[Column, ...]], str] = {}

    def use(self, catalog: Catalog, venue_zone: str = "") -> None:
        """Takes a catalog on; touches no table."""
        self.catalog = catalog
        self.zone = venue_zone
        self.shelves = {
            table.name: Shelf(table, None, self._columns(table.name, table.fields, venue_zone, table))
            for table in catalog.tables.values()
        }
        self.relations = {
            relation.name: Shelf(None, relation, self._columns(relation.name, relation.properties, venue_zone, None))
            for relation in catalog.relations.values()
        }
        self.columns_of = {}
        for shelf in (*self.shelves.values(), *self.relations.values()):
            for column in shelf.columns:
                self.columns_of.setdefault(column.field.key, []).append(column)
        self._inserts.clear()
        self._changes.clear()

    def _columns(self, owner: str, fields: Mapping[str, Field], zone: str, table: Table | None) -> list[Column]:
        titled = set(title_fields(table)) if table is not None else set[str]()
        leading = {*label_fields(table), *table.key} if table is not None else set[str]()
        return [
            Column(
                owner,
                field,
                converter(field.type, self._eid_of),
                sort_converter(field.type, zone),
                is_in_title=field.column in titled,
                is_fallback=field.column not in leading,
            )
            for field in fields.values()
        ]

    def migrate(self) -> tuple[list[str], dict[str, list[Column]]]:
        """Brings the tables of the file up to the catalog. Call inside a transaction.

        Returns:
            The names of tables and relations made now, and, for those that were there, the columns added
            now: both still to be filled by the caller.
        """
        held = self._db.dynamic_objects()
        made: list[str] = []
        grown: dict[str, list[Column]] = {}
        for shelf in (*self.shelves.values(), *self.relations.values()):
            if shelf.name not in held:
                for statement in self._ddl(shelf):
                    self._db.execute(statement)
                made.append(shelf.name)
                continue
            there = {row[1] for row in self._db.rows(f"PRAGMA table_info({quote(shelf.name)})")}
            for column in shelf.columns:
                if column.name not in there:
                    for statement in column_ddl(shelf.name, column.field):
                        self._db.execute(statement)
                    grown.setdefault(shelf.name, []).append(column)
        return made, grown

    def forms(self) -> dict[str, Form]:
        """Returns the form of every table and relation."""
        return {shelf.name: shelf.form(self.zone) for shelf in (*self.shelves.values(), *self.relations.values())}

    def drop(self, name: str) -> None:
        """Drops a table or relation with its indexes."""
        self._db.execute(f"DROP TABLE IF EXISTS {quote(name)}")

    def _ddl(self, shelf: Shelf) -> list[str]:
        if shelf.table is not None:
            return ddl(shelf.table)
        return relation_ddl(shelf.relation) if shelf.relation is not None else []

    def drop_all(self) -> None:
        """Drops every table and index that is not in the fixed schema."""
        for name, sql in self._db.dynamic_objects().items():
            if sql.startswith("CREATE TABLE"):
                self._db.execute(f"DROP TABLE {quote(name)}")

    def has_index(self, table: str, columns: Sequence[str]) -> bool:
        """Tells whether a table has an index that `make_index` made over these columns."""
        sql = "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?"
        return self._db.one(sql, (_index_name(table, columns),)) is not None

    def make_index(self, table: str, columns: Sequence[str]) -> bool:
        """Makes an index over columns, given as SQL, in a transaction of its own; losing it again loses nothing.

        Returns whether it did: not for a table of few rows, nor beyond a few indexes for each table, as every edit
        and import pays for them.
        """
        name = quote(table)
        sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND name GLOB ?"
        held = self._db.one(sql, (table, f"{USER_INDEX_PREFIX}*"))
        if held is None or held[0] >= INDEXES_MAX or self.has_index(table, columns):
            return False
        if self._db.one(f"SELECT 1 FROM {name} LIMIT 1 OFFSET ?", (INDEXED_ROWS_MIN - 1,)) is None:
            return False
        with self._db.transaction():
            self._db.execute(f"CREATE INDEX {quote(_index_name(table, columns))} ON {name}({', '.join(columns)})")
        return True

    def strangers(self) -> list[str]:
        """Returns the tables and indexes in the file that neither the fixed schema nor the catalog explains."""
        wanted: set[str] = set(self.shelves) | set(self.relations)
        wanted |= {f"{name}~{word}" for name in self.relations for word in ("src", "dst", "pos")}
        return sorted(
            name for name in self._db.dynamic_objects() if name not in wanted and not name.startswith(USER_INDEX_PREFIX)
        )

    # -- rows

    def insert_block(
        self, shelf: Shelf, eids: Sequence[int], keys: Sequence[str], rows: Sequence[Sequence[Value]]
    ) -> None:
        """Inserts the rows of a block of new records; `rows` holds a value a key, None = none."""
        names: list[str] = ["~eid", "~title"]
        cells: list[Iterable[SqlValue]] = []
        by_name: dict[str, Sequence[Value]] = {}
        turned = list(zip(*rows, strict=True)) if keys else []
        for key, values in zip(keys, turned, strict=True):
            column = shelf.by_key.get(key)
            if column is None:
                continue
            names.append(column.name)
            if column.is_in_title:
                by_name[column.name] = values
            if column.sort is None or column.field.sort_column is None:
                cells.append(column.many(values))
                continue
            names.append(column.field.sort_column)
            cells.extend(column.many_sorted(values, column.sort))
        titles = self._titles(shelf, by_name, len(eids))
        sql = self._insert(shelf.name, tuple(names), "INSERT")
        self._db.executemany(sql, zip(eids, titles, *cells, strict=True))

    def _titles(self, shelf: Shelf, by_name: Mapping[str, Sequence[Value]], count: int) -> list[str]:
        title = shelf.title
        if title is None:
            return [""] * count
        quick = shelf.title_many(by_name) if shelf.title_many is not None else None
        if quick is not None:
            return quick
        names = list(by_name)
        if not names:
            return [title({})] * count
        return [title(dict(zip(names, row, strict=True))) for row in zip(*by_name.values(), strict=True)]

    def insert_row(self, shelf: Shelf, eid: int, values: Mapping[str, Value]) -> None:
        """Inserts or replaces a record's row; `values` by field key, those without a value left out."""
        names: list[str] = ["~eid", "~title"]
        cells: list[SqlValue] = [eid, self.title_of(shelf, values)]
        for key, value in values.items():
            column = shelf.by_key.get(key)
            if column is None or value is None:
                continue
            names.append(column.name)
            if column.field.sort_column is not None:
                names.append(column.field.sort_column)
            cells.extend(column.cells(value))
        self._db.execute(self._insert(shelf.name, tuple(names)), cells)

    def title_of(self, shelf: Shelf, values: Mapping[str, Value]) -> str:
        """Returns a record's title from its values by field key."""
        if shelf.title is None:
            return ""
        return shelf.title({column.name: values.get(column.field.key) for column in shelf.title_columns})

    def insert_relation(
        self, shelf: Shelf, eid: int, ends: tuple[int, int], position: str | None, values: Mapping[str, Value]
    ) -> None:
        """Inserts or replaces a relation's row."""
        names: list[str] = ["~eid", "~src", "~dst", "~pos"]
        cells: list[SqlValue] = [eid, *ends, position]
        for key, value in values.items():
            column = shelf.by_key.get(key)
            if column is None or value is None:
                continue
            names.append(column.name)
            if column.field.sort_column is not None:
                names.append(column.field.sort_column)
            cells.extend(column.cells(value))
        self._db.execute(self._insert(shelf.name, tuple(names)), cells)

    def _insert(self, table: str, names: tuple[str, ...], verb: str = "INSERT OR REPLACE") -> str:
        key = (verb, table, names)
        found = self._inserts.get(key)
        if found is None:
            marks = ", ".join("?" * len(names))
            found = f"{verb} INTO {quote(table)}({', '.join(map(quote, names))}) VALUES({marks})"
            self._inserts[key] = found
        return found

    def delete_row(self, name: str, eid: int) -> None:
        """Takes a record or relation out of a table of the read model."""
        self._db.execute(f'DELETE FROM {quote(name)} WHERE "~eid" = ?', (eid,))

    def update_rows(self, owner: str, rows: Mapping[int, Mapping[Column, tuple[SqlValue, ...]]]) -> None:
        """Writes changed cells by local integer and column; rows in which the same columns change go together."""
        groups: dict[tuple[Column, ...], list[list[SqlValue]]] = {}
        for eid, cells in rows.items():
            flat = [value for some in cells.values() for value in some]
            flat.append(eid)
            groups.setdefault(tuple(cells), []).append(flat)
        for columns, group in groups.items():
            sql = self._changes.get((owner, columns))
            if sql is None:
                changes = ", ".join(column.assignment for column in columns)
                sql = f'UPDATE {quote(owner)} SET {changes} WHERE "~eid" = ?'
                self._changes[owner, columns] = sql
            self._db.executemany(sql, group)

    def named(self, shelf: Shelf, eids: Sequence[int]) -> set[int]:
        """Returns which of these records have something to make a title of, so that a fallback plays no part in it."""
        if not shelf.is_named:
            return set()
        sql = f'SELECT "~eid" FROM {quote(shelf.name)} WHERE ({shelf.is_named}) AND "~eid" '
        # One record is what an edit is about, and an array for it costs more than the look.
        found = self._db.rows(f"{sql}= ?", eids) if len(eids) == 1 else self._db.numbers(f"{sql}IN carray(?)", eids)
        return {eid for (eid,) in found}

    def set_titles(self, name: str, titles: Sequence[tuple[str, int]]) -> None:
        """Writes (title, local integer) pairs."""
        self._db.executemany(f'UPDATE {quote(name)} SET "~title" = ? WHERE "~eid" = ?', titles)


def _index_name(table: str, columns: Sequence[str]) -> str:
    return USER_INDEX_PREFIX + "~".join((table, *(column.replace('"', "") for column in columns)))

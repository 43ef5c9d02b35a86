"""A read model in memory, laid out as the store lays it out, to run what the query room compiles."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import apsw

from openprod.catalog.check import parse
from openprod.catalog.names import SqlValue, converter, ddl, quote, record_title, relation_ddl, sort_converter
from openprod.catalog.tables import Catalog, Field
from openprod.model.ids import EntityId, derived_id, id_text
from openprod.model.values import Plain, RecordRef, Value, is_value
from openprod.query.compile import Compiled, compile_query, count_query
from openprod.query.functions import SQL_FUNCTIONS
from openprod.query.tree import Query, read_query

NOW = "2026-01-12T12:00"


class AsItIs(NamedTuple):
    """A value that is stored as it is, whatever the field's type."""

    value: Value


class ReadModel:
    """Tables of one catalog, filled by name; ids are derived from a running number, so runs are alike."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.connection = apsw.Connection(":memory:")
        for name, (function, count) in SQL_FUNCTIONS.items():
            self.connection.create_scalar_function(name, function, count, deterministic=True)
        run = self.connection.execute
        run("CREATE TABLE entity(eid INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE)")
        run("CREATE TABLE key(no INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE)")
        run("CREATE TABLE conflict(eid INT NOT NULL, key INT NOT NULL, PRIMARY KEY(eid, key)) WITHOUT ROWID")
        for table in catalog.tables.values():
            for statement in ddl(table):
                run(statement)
        for relation in catalog.relations.values():
            for statement in relation_ddl(relation):
                run(statement)
        self.ids: dict[int, EntityId] = {}
        self.eids: dict[bytes, int] = {}

    def entity(self, name: str = "") -> int:
        eid = len(self.ids) + 1
        uuid = derived_id("test", name or str(eid))
        self.connection.execute("INSERT INTO entity VALUES(?,?)", (eid, uuid))
        self.ids[eid] = uuid
        self.eids[uuid] = eid
        return eid

    def id(self, eid: int) -> str:
        return id_text(self.ids[eid])

    def add(self, table_name: str, values: Mapping[str, object], *, eid: int | None = None, name: str = "") -> int:
        """Puts a record into a table; a `Value` stands as it is, even one of the wrong type."""
        table = self.catalog.table(table_name)
        eid = self.entity(name) if eid is None else eid
        parsed: dict[str, Value] = {}
        cells: dict[str, SqlValue] = {"~eid": eid}
        for field_name, raw in values.items():
            field = self.catalog.resolve_field(table_name, field_name)
            value = self.value(field, raw)
            parsed[field.column] = value
            cells |= self.cells(field, value)
        cells["~title"] = record_title(table, parsed)
        self.insert(table_name, cells)
        return eid

    def relate(self, relation_name: str, source: int, target: int, *, name: str = "", **properties: object) -> int:
        relation = self.catalog.relation(relation_name)
        eid = self.entity(name)
        cells: dict[str, SqlValue] = {"~eid": eid, "~src": source, "~dst": target, "~pos": f"{eid:08d}"}
        for key, raw in properties.items():
            field = relation.resolve(key)
            assert field is not None
            cells |= self.cells(field, self.value(field, raw))
        self.insert(relation_name, cells)
        return eid

    def value(self, field: Field, raw: object) -> Value:
        if isinstance(raw, AsItIs):
            return raw.value
        return raw if is_value(raw) and not isinstance(raw, str | int | float) else parse(field, raw)[0]

    def cells(self, field: Field, value: Value) -> dict[str, SqlValue]:
        def eid_of(uuid: bytes) -> int | None:
            return self.eids.get(uuid)

        cells: dict[str, SqlValue] = {field.column: converter(field.type, eid_of)(value)}
        sort = sort_converter(field.type)
        if field.sort_column is not None and sort is not None:
            cells[field.sort_column] = sort(value)
        return cells

    def insert(self, table: str, cells: Mapping[str, SqlValue]) -> None:
        columns = ",".join(map(quote, cells))
        marks = ",".join("?" * len(cells))
        self.connection.execute(f"INSERT INTO {quote(table)}({columns}) VALUES({marks})", tuple(cells.values()))

    def contest(self, eid: int, key: str) -> None:
        self.connection.execute("INSERT OR IGNORE INTO key(key) VALUES(?)", (key,))
        self.connection.execute("INSERT INTO conflict SELECT ?, no FROM key WHERE key=?", (eid, key))

    def ref(self, eid: int) -> RecordRef:
        return RecordRef(self.ids[eid])

    def run(self, compiled: Compiled) -> list[dict[str, Plain]]:
        return [compiled.row(row) for row in self.connection.execute(compiled.sql, compiled.params)]

    def query(
        self, query: Query | str | Mapping[str, object], *, limit: int | None = None, offset: int = 0, **params: object
    ) -> list[dict[str, Plain]]:
        compiled = self.compiled(query, limit=limit, offset=offset, **params)
        return self.run(compiled)

    def compiled(
        self, query: Query | str | Mapping[str, object], *, limit: int | None = None, offset: int = 0, **params: object
    ) -> Compiled:
        read = query if isinstance(query, Query) else read_query(query)
        compiler = partial(compile_query, read, self.catalog, params, now=NOW)
        return compiler(limit=limit, offset=offset)

    def count(self, query: Query | str | Mapping[str, object], **params: object) -> Plain:
        read = query if isinstance(query, Query) else read_query(query)
        return self.run(count_query(read, self.catalog, params))[0]["count"]

    def where(self, table: str, condition: str, **params: object) -> list[str]:
        """Returns the ids of the records of a table for which a condition is true."""
        compiled = compile_query(Query(from_=table, where=condition), self.catalog, params, now=NOW)
        return [str(row["id"]) for row in self.run(compiled)]

"""A desk without history: what the server uses of a workspace, in memory, for tests of the server alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from openprod.model.errors import Missing, Refused
from openprod.model.values import Plain
from openprod.server.guard import Door
from openprod.server.live import House, PageSeat
from openprod.server.visit import Visit
from openprod.workspace.meaning import Changes
from openprod.workspace.shapes import (
    ConflictShape,
    ConflictValue,
    FieldShape,
    FoundShape,
    LogEntry,
    NamedShape,
    NoticeShape,
    RecordShape,
    RelationColumn,
    RelationShape,
    RowShape,
    StatusShape,
    TableShape,
)
from openprod.workspace.windows import Window

ME, OTHER = "aa" * 32, "bb" * 32


def a_field(table: str, name: str, kind: str, **more: object) -> FieldShape:
    shape: FieldShape = {
        "key": f"{table}.{name}",
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "type": kind,
        "help": "",
        "required": False,
        "choices": [],
        "open": False,
        "unit": "",
        "hidden": False,
        "target": [],
    }
    shape.update(more)  # pyright: ignore[reportCallIssue, reportArgumentType]
    return shape


def as_plain(value: object) -> Plain:
    return value if isinstance(value, bool | int | float | str) else None


@dataclass
class Closing:
    then: Callable[[], None]

    def close(self) -> None:
        self.then()


@dataclass
class Slot:
    """Heads of one cell: op -> (value, actor, at)."""

    heads: dict[str, tuple[object, str, str]] = field(default_factory=dict[str, tuple[object, str, str]])

    def shown(self) -> object:
        return list(self.heads.values())[-1][0] if self.heads else None

    def is_open(self) -> bool:
        return len({repr(value) for value, _, _ in self.heads.values()}) > 1


class FakeDesk:
    name: str = "Richard III"
    id: str = "cc" * 32
    actor = ME

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.shapes: dict[str, list[FieldShape]] = {}
        self.titles: dict[str, str] = {}
        self.rows: dict[str, list[str]] = {}
        self.slots: dict[tuple[str, str], Slot] = {}
        self.listeners: list[Callable[[Changes], None]] = []
        self.log: list[LogEntry] = []
        self.ops = 0

    def table(self, name: str, title: str, *fields: FieldShape) -> None:
        self.shapes[name], self.titles[name], self.rows[name] = list(fields), title, []

    # -- writing

    def new_op(self) -> str:
        self.ops += 1
        return f"{self.ops:012x}:0"

    def write(self, record: str, key: str, value: object, heads: list[str] | None, actor: str = ME) -> None:
        slot = self.slots.setdefault((record, key), Slot())
        for op in list(slot.heads) if heads is None else heads:
            slot.heads.pop(op, None)
        op = self.new_op()
        slot.heads[op] = (value, actor, "2026-01-12T18:40:00Z")
        self.log.append(
            {
                "bundle": op[:12] * 5,
                "actor": actor,
                "actor_name": "Alex" if actor == ME else "Jordan",
                "at": "2026-01-12T18:40:00Z",
                "cause": "edit",
                "label": f"{key} set",
                "ops": [
                    {
                        "op": op,
                        "kind": "set",
                        "record": record,
                        "title": "",
                        "field": key,
                        "value": as_plain(value),
                        "text": f"{key} set to {value}",
                    }
                ],
            }
        )

    def new_record(self, table: str, fields: Mapping[str, object]) -> str:
        number = 1_000_000 * len(self.rows) + len(self.slots)
        record = f"00000000-0000-7000-8000-{number:012d}"
        self.rows[table].append(record)
        for key, value in fields.items():
            self.write(record, key if "." in key else f"{table}.{key}", value, None)
        return record

    @contextmanager
    def edit(self, label: str = "", cause: None = None) -> Generator[FakeEdit]:
        del label, cause
        with self.lock:
            yield FakeEdit(self)
        self.tell()

    def tell(self) -> None:
        for listener in list(self.listeners):
            listener(Changes(is_schema=True))

    # -- reading

    def record(self, record: str) -> RecordShape:
        with self.lock:
            tables = [table for table, rows in self.rows.items() if record in set(rows)]
            if not tables:
                raise Missing(f"There is no record {record}.")
            keys = [shape["key"] for table in tables for shape in self.shapes[table]]
            return {
                "id": record,
                "title": f"LX {self.value(record, keys[0])}",
                "tables": tables,
                "origins": dict.fromkeys(tables, "person"),
                "fields": {key: as_plain(self.value(record, key)) for key in keys if (record, key) in self.slots},
                "heads": {key: list(self.slots[record, key].heads) for key in keys if (record, key) in self.slots},
                "taken": {},
                "conflicts": [key for key in keys if (record, key) in self.slots and self.slots[record, key].is_open()],
                "marks": [],
            }

    def value(self, record: str, key: str) -> object:
        slot = self.slots.get((record, key))
        return None if slot is None else slot.shown()

    def search(self, text: str, tables: Sequence[str] = (), limit: int = 20) -> list[FoundShape]:
        del text, tables, limit
        return []

    def relations(self, record: str) -> list[RelationShape]:
        del record
        return []

    def tables(self) -> list[TableShape]:
        with self.lock:
            return [
                {
                    "name": name,
                    "title": title,
                    "module": name.split(".", maxsplit=1)[0],
                    "count": len(self.rows[name]),
                    "key": [],
                    "hidden": False,
                }
                for name, title in self.titles.items()
            ]

    def fields(self, table: str) -> list[FieldShape]:
        if table not in self.shapes:
            raise Missing(f"There is no table {table}.")
        return self.shapes[table]

    def query(
        self,
        text: str | None = None,
        from_: str | None = None,
        query: Mapping[str, object] | None = None,
        limit: int | None = None,
        offset: int | None = None,
        **params: object,
    ) -> list[dict[str, object]]:
        del text, params
        with self.lock:
            table = str((query or {}).get("from", from_))
            names = {shape["name"]: shape["key"] for shape in self.fields(table)}
            where = str((query or {}).get("where") or "")
            records = self.matching(table, where)
            order = (query or {}).get("sort")
            if isinstance(order, dict):
                for term in reversed(order["order"]):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
                    name = str(term).removesuffix(" desc").lstrip("-")  # pyright: ignore[reportUnknownArgumentType]
                    records.sort(
                        key=lambda id, key=names[name]: str(self.value(id, key)).zfill(9),
                        reverse=str(term).startswith("-") or str(term).endswith(" desc"),  # pyright: ignore[reportUnknownArgumentType]
                    )
            start = offset or 0
            window = records[start : None if limit is None else start + limit]
            return [{"id": id, **{name: self.value(id, key) for name, key in names.items()}} for id in window]

    def matching(self, table: str, where: str) -> list[str]:
        wanted = re.findall(r'"%?([^"%]*)%?"', where)
        if not where:
            return list(self.rows[table])
        if not wanted:
            raise Refused(f"I cannot read {where!r}: expected a comparison.")
        keys = [shape["key"] for shape in self.shapes[table]]
        return [
            id
            for id in self.rows[table]
            if any(wanted[0].lower() in str(self.value(id, key) or "").lower() for key in keys)
        ]

    def window(
        self, query: Mapping[str, object], *, offset: int = 0, limit: int = 200, cells: str | None = None
    ) -> Window:
        with self.lock:
            found = self.query(query=query, limit=limit, offset=offset)
            rows: list[RowShape] = []
            for values in found:
                heads = {} if cells is None else self.record(str(values["id"]))["heads"]
                conflicts = [] if cells is None else self.record(str(values["id"]))["conflicts"]
                rows.append(
                    {"values": values, "heads": heads, "taken": {}, "conflicts": conflicts, "ends": {}, "staged": {}}
                )
            return Window(self.count_query(query), rows, frozenset({str(query["from"])}))

    def place(self, query: Mapping[str, object], record: str) -> int | None:
        found = [row["id"] for row in self.query(query=query)]
        return found.index(record) if record in found else None

    def named(self, texts: Sequence[str], tables: Sequence[str] = ()) -> list[NamedShape]:
        return [{"text": text, "record": None, "title": "", "why": f"nothing in {tables}"} for text in texts]

    def relation_columns(self, table: str) -> list[RelationColumn]:
        del table
        return []

    def count_query(self, query: Mapping[str, object]) -> int:
        with self.lock:
            return len(self.matching(str(query["from"]), str(query.get("where") or "")))

    def poll(self) -> bool:
        return False

    def on_changes(self, listener: Callable[[Changes], None]) -> Closing:
        self.listeners.append(listener)
        return Closing(lambda: self.listeners.remove(listener))

    def conflicts(self) -> list[ConflictShape]:
        with self.lock:
            return [self.conflict(record, key, slot) for (record, key), slot in self.slots.items() if slot.is_open()]

    def conflict(self, record: str, key: str, slot: Slot) -> ConflictShape:
        values: list[ConflictValue] = [
            {
                "op": op,
                "value": as_plain(value),
                "actor": actor,
                "actor_name": "Alex" if actor == ME else "Jordan",
                "at": at,
                "decision": False,
            }
            for op, (value, actor, at) in slot.heads.items()
        ]
        said = " and ".join(f"{one['actor_name']} ({one['value']!r})" for one in values)
        title = self.record(record)["title"]
        return {
            "id": f"{record}/{key}/{'-'.join(slot.heads)}",
            "record": record,
            "field": key,
            "text": f"{title}'s {key.rsplit('.', 1)[-1]} was edited by {said} since last sync. Choose a value.",
            "values": values,
            "shown": list(slot.heads)[-1],
            "kind": "value",
        }

    def notices(self) -> list[NoticeShape]:
        return []

    def resolve(self, conflict: str, *, choose: str | int | None = None, value: object = None) -> None:
        with self.lock:
            record, key, heads = conflict.split("/")
            slot = self.slots[record, key]
            if "-".join(slot.heads) != heads:
                raise Refused("The question has changed meanwhile. Look again, then choose.")
            chosen = value if choose is None else slot.heads[str(choose)][0]
            self.write(record, key, chosen, None)
        self.tell()

    def undo(self, *, rest: bool = False) -> str:
        raise Missing(f"There is nothing to undo ({rest=}).")

    def redo(self, *, rest: bool = False) -> str:
        raise Missing(f"There is nothing to redo ({rest=}).")

    def can_undo(self) -> tuple[str | None, str | None]:
        return (self.log[-1]["label"] if self.log else None), None

    def history(self, record: str, field: str | None = None) -> list[LogEntry]:
        return [
            entry
            for entry in reversed(self.log)
            for op in entry["ops"]
            if op["record"] == record and field in {None, op["field"]}
        ]

    def log_entries(self, limit: int) -> list[LogEntry]:
        return list(reversed(self.log))[:limit]

    def status(self) -> StatusShape:
        return {
            "name": self.name,
            "workspace": self.id,
            "path": "",
            "actor": self.actor,
            "actor_name": "Alex",
            "log": "",
            "logs": 1,
            "frontier": [],
            "bundles": len(self.log),
            "state_hash": "",
            "conflicts": sum(slot.is_open() for slot in self.slots.values()),
            "pending": 0,
            "waiting": 0,
            "held": 0,
            "admission": 0,
            "unread": 0,
            "quarantined": 0,
        }


@dataclass
class FakeEdit:
    desk: FakeDesk

    def add_record(self, table: str, fields: Mapping[str, object]) -> str:
        return self.desk.new_record(table, fields)

    def set(self, record: str, fields: Mapping[str, object], heads: Mapping[str, Sequence[str]] | None = None) -> None:
        for key, value in fields.items():
            if key.endswith(".up") and not isinstance(value, int | float) and not str(value).replace(".", "").isdigit():
                raise Refused(f"{value!r} is not a length of time. Write seconds, as 5 or 2.5.")
            self.desk.write(record, key, value, None if heads is None else list(heads.get(key, [])))

    def put(self, record: str, into: str) -> None:
        self.desk.rows[into].append(record)

    def remove(self, record: str, from_: str) -> None:
        self.desk.rows[from_].remove(record)

    def delete(self, record: str) -> None:
        for rows in self.desk.rows.values():
            if record in rows:
                rows.remove(record)

    def restore(self, record: str) -> None:
        raise Missing(f"There is no deleted record {record}.")

    def relate_records(
        self,
        source: str,
        relation: str,
        target: str,
        properties: Mapping[str, object],
        /,
        *,
        after: str | None = None,
        before: str | None = None,
    ) -> str:
        del properties, after, before
        return f"{source}-{relation}-{target}"

    def move(self, relation_id: str, /, *, after: str | None = None, before: str | None = None) -> None:
        raise Missing(f"There is no relation {relation_id} to put behind {after} or before {before}.")

    def unrelate(self, relation_id: str) -> None:
        raise Missing(f"There is no relation {relation_id}.")

    def set_property(self, relation_id: str, properties: Mapping[str, object]) -> None:
        raise Missing(f"There is no relation {relation_id}: {sorted(properties)}.")

    def refer(self, record: str, key: str, source: str, source_key: str) -> None:
        raise Missing(f"There is no field {source_key} of {source} for {key} of {record}.")

    def type_here(self, record: str, key: str) -> None:
        raise Missing(f"{key} of {record} is typed here already.")


def cue_desk(rows: int = 60) -> FakeDesk:
    """A desk with two tables and one open question on the third cue's label."""
    desk = FakeDesk()
    desk.table(
        "lighting.cues",
        "Lighting cues",
        a_field("lighting.cues", "number", "natural", title="Cue", required=True),
        a_field("lighting.cues", "label", "text"),
        a_field("lighting.cues", "up", "duration", unit="s", title="Time"),
        a_field("lighting.cues", "is_called", "bool", title="Called"),
        a_field("lighting.cues", "status", "choice", choices=["placed", "rehearsed", "locked"]),
        a_field("lighting.cues", "notes", "text"),
    )
    desk.table(
        "contacts.people",
        "People",
        a_field("contacts.people", "name", "text"),
        a_field("contacts.people", "phone", "text"),
    )
    words = ("House to half", "Battlements, moon", "Ghost special", "Lose the moon", "Trap glow", "Dawn, slow")
    for number in range(1, rows + 1):
        record = desk.new_record(
            "lighting.cues",
            {
                "number": str(number),
                "label": words[number % len(words)],
                "up": number % 9 + 0.5,
                "is_called": number % 3 != 0,
                "status": ("placed", "rehearsed", "locked")[number % 3],
            },
        )
        if number == 3:
            slot = desk.slots[record, "lighting.cues.label"]
            base = list(slot.heads)
            desk.write(record, "lighting.cues.label", "Sunrise", base, actor=OTHER)
            slot.heads[desk.new_op()] = ("Dawn", ME, "2026-01-11T11:12:00Z")
    for name in ("Jane Doe", "Mina Okafor"):
        desk.new_record("contacts.people", {"name": name, "phone": "555-0100"})
    return desk


def seat_at(desk: FakeDesk) -> PageSeat:
    """A page's seat at a desk, without a server."""
    visit = Visit(desk, None, lambda _: None)
    house = House(
        desk,
        Door(),
        ThreadPoolExecutor(1),
        lambda table: {"path": f"/take/x/{table}.csv"},
        lambda _theme, _size: None,
        visit,
    )
    return PageSeat(house, lambda _: None)

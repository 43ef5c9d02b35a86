"""Whatever people do, the tables in the file are what `fold` says of the bundles, and what a rebuild gives.

Two real workspaces, with tables and fields that come, change and go while records are in them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.workspace.company import AFTER, CREW, CUES, LAB, PEOPLE, RUNS, Company, meet, module_at, send, sound

from openprod.catalog.names import to_sql
from openprod.merge.fold import State, fold
from openprod.merge.state_hash import text as hash_text
from openprod.model.bundle import decode_header, id_of, open_bundle
from openprod.model.errors import Missing, OpenprodError, Refused
from openprod.model.ids import EntityId
from openprod.store.database import SqlValue
from openprod.store.read_model import Shelf
from openprod.workspace.view import View
from openprod.workspace.workspace import Workspace

TABLES = (CUES, PEOPLE, CREW, "workspace.props")
RAW: dict[str, tuple[str, ...]] = {
    "text": ("X", "Y", "Z"),
    "natural": ("1", "2", "11.5", "11.50"),
    "decimal": ("1", "1.50", "1.5"),
    "datetime": ("2026-06-01T18:00", "2026-12-01T18:00", "2026-06-01T18:00[Europe/Paris]"),
    "date": ("2026-06-01", "2026-06-02"),
    "bool": ("yes", "no"),
    "duration": ("5", "4.5"),
}
KINDS = ("text", "natural", "decimal", "datetime", "date", "bool")
NEWER = (
    LAB.replace('"1.0.0"', '"1.1.0"')
    .replace("LX {number}", "Cue {number}")
    .replace('text = "text"', 'text = "natural"')
)


class Troupe:
    """Two devices and what was made on them; every step is chosen by chance, and refusals are part of the game."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.company = Company(folder, seed)
        self.devices = self.company.cast("Ana", "Ben")
        self.chance = Random(seed)
        first = self.devices[0]
        with first.edit() as edit:
            self.records = [edit.add(PEOPLE, name="Jane"), edit.add(CUES, number="1"), edit.add(CREW, name="Rigger")]
        meet(*self.devices)
        self.modules: list[str] = []
        self.relations: list[str] = []
        self.steps: dict[str, Callable[[Workspace], object]] = {
            "add": self.add,
            "many": self.many,
            "set": self.write,
            "several": self.several,
            "stale": self.stale,
            "exist": self.exist,
            "move": self.move,
            "relate": self.relate,
            "property": self.property,
            "unrelate": self.unrelate,
            "resolve": self.resolve,
            "field": self.field,
            "table": self.table,
            "module": self.module,
            "newer": self.newer,
            "zone": self.zone,
            "fail": self.fail,
            "send": self.send,
            "meet": lambda _: meet(*self.devices),
        }

    def step(self, name: str, device: int) -> None:
        self.company.pass_time()
        with suppress(Refused, Missing):
            self.steps[name](self.devices[device])

    def pick(self) -> str:
        return self.chance.choice(self.records)

    def values(self, ws: View, record: str) -> dict[str, object]:
        """Returns a few values, mostly such as the fields of a record take."""
        tables = [name for name in ws.record(record)["tables"] if name in ws.catalog.tables]
        known = [field for name in tables for field in ws.fields(name)]
        found: dict[str, object] = {}
        for field in self.chance.sample(known, min(len(known), self.chance.randint(1, 3))):
            raws = RAW.get(field["type"], ("X", "1"))
            found[field["key"]] = self.pick() if field["type"] == "record" else self.chance.choice((*raws, None))
        return found

    def add(self, ws: View) -> None:
        table = self.chance.choice([name for name in TABLES if name in ws.catalog.tables] or [CUES])
        with ws.edit() as edit:
            made = edit.add_record(table, {"number": self.chance.choice(RAW["natural"])} if table == CUES else {})
        self.records.append(made)
        self.write(ws, made)

    def many(self, ws: Workspace) -> None:
        with ws.edit() as edit:
            made = edit.add_many(PEOPLE, ["name", "phone"], [[self.chance.choice("UVW"), None] for _ in range(4)])
            edit.set(made[0], {"phone": "2"})
            edit.delete(made[1])
            edit.put(made[2], into=CREW)
        self.records += [one for one in made if one != made[1]]

    def write(self, ws: View, record: str = "") -> None:
        record = record or self.pick()
        with ws.edit() as edit:
            edit.set(record, self.values(ws, record))

    def several(self, ws: Workspace) -> None:
        with ws.edit() as edit:
            for record in (self.pick(), self.pick(), self.pick()):
                edit.set(record, self.values(ws, record))
            edit.delete(self.pick())
            edit.restore(self.pick())

    def stale(self, ws: Workspace) -> None:
        other = next(one for one in self.devices if one is not ws)
        with ws.edit() as slow:
            record = self.pick()
            slow.set(record, self.values(ws, record))
            slow.put(self.pick(), into=self.chance.choice((PEOPLE, CREW, CUES)))
            with suppress(Refused, Missing):
                self.write(ws, self.chance.choice((record, self.pick())))
            send(other, ws)

    def exist(self, ws: Workspace) -> None:
        with ws.edit() as edit:
            (edit.delete if self.chance.random() < 0.6 else edit.restore)(self.pick())

    def move(self, ws: Workspace) -> None:
        table = self.chance.choice(TABLES)
        with ws.edit() as edit:
            if self.chance.random() < 0.5:
                edit.put(self.pick(), into=table)
            else:
                edit.remove(self.pick(), from_=table)

    def relate(self, ws: Workspace) -> None:
        relation = self.chance.choice((RUNS, AFTER))
        sources = [str(row["id"]) for row in ws.query(from_=PEOPLE if relation == RUNS else CUES)] or [self.pick()]
        with ws.edit() as edit:
            made = edit.relate(self.chance.choice(sources), relation, self.pick())
        self.relations.append(made)

    def property(self, ws: Workspace) -> None:
        if self.relations:
            with ws.edit() as edit:
                edit.set_property(self.chance.choice(self.relations), {"note": self.chance.choice("XYZ")})

    def unrelate(self, ws: Workspace) -> None:
        if self.relations:
            with ws.edit() as edit:
                (edit.unrelate if self.chance.random() < 0.6 else edit.restore)(self.chance.choice(self.relations))

    def resolve(self, ws: Workspace) -> None:
        questions = ws.conflicts()
        if questions:
            ws.resolve(self.chance.choice(questions), choose=1)

    def field(self, ws: Workspace) -> None:
        name = self.chance.choice(("size", "weight"))
        ws.add_field(self.chance.choice(TABLES), name, self.chance.choice(KINDS))

    def table(self, ws: Workspace) -> None:
        ws.create_table("props", {"what": "text", "size": self.chance.choice(KINDS)})

    def module(self, ws: Workspace) -> None:
        found = [str(row["id"]) for row in ws.query(from_="core.modules")]
        self.modules += [one for one in found if one not in self.modules]
        gone = [one for one in self.modules if one not in found]
        one = self.chance.choice(gone or found)
        with ws.edit() as edit:
            (edit.restore if gone else edit.delete)(one)

    def newer(self, ws: Workspace) -> None:
        ws.adopt(module_at(self.company.folder / "newer", NEWER))

    def zone(self, ws: Workspace) -> None:
        zone = self.chance.choice(("Europe/Berlin", "America/New_York", ""))
        with ws.edit() as edit:
            edit.add("core.settings", name="zone", value=zone)

    def fail(self, ws: Workspace) -> None:
        """Lets a commit fail behind everything it wrote."""
        settle = ws.desk.applier.settle

        def broken() -> None:
            settle()
            raise Refused("the disk is full")

        ws.desk.applier.settle = broken
        try:
            self.add(ws)
        finally:
            ws.desk.applier.settle = settle

    def send(self, ws: Workspace) -> None:
        other = next(one for one in self.devices if one is not ws)
        send(other, ws)


def folded(ws: Workspace) -> State:
    """Returns what the bundles that a device holds mean."""
    return fold(
        open_bundle(id_of(sealed, ws.workspace_id), decode_header(sealed.header), sealed) for sealed in ws.bundles()
    )


def is_as_folded(ws: Workspace) -> None:
    """Makes sure that every table of the file holds the rows, and every row the values, that fold gives."""
    state = folded(ws)
    assert ws.status()["state_hash"] == hash_text(state.state_hash)
    numbers: dict[bytes, int] = dict(ws.desk.db.rows("SELECT uuid, eid FROM entity"))
    for name, shelf in ws.desk.model.shelves.items():
        wanted = {numbers[one] for one in state.members.get(name, frozenset()) & state.alive}
        rows = _rows(ws, shelf)
        assert rows.keys() == wanted, name
        for one in state.members.get(name, frozenset()) & state.alive:
            assert rows[numbers[one]] == _cells(state, one, shelf, numbers), (name, one.hex())
    for name, shelf in ws.desk.model.relations.items():
        shown = {numbers[one] for one, relation in state.relations.items() if relation.type == name and relation.shown}
        assert _rows(ws, shelf).keys() == shown, name
    open_questions = {(one["record"], one["field"]) for one in ws.conflicts() if one["kind"] != "delete"}
    assert len(open_questions) == len(state.conflicts)


def _rows(ws: Workspace, shelf: Shelf) -> dict[int, tuple[SqlValue, ...]]:
    names = "".join(f', "{column.name}"' for column in shelf.columns)
    return {row[0]: tuple(row[1:]) for row in ws.desk.db.rows(f'SELECT "~eid"{names} FROM "{shelf.name}"')}


def _cells(state: State, one: EntityId, shelf: Shelf, numbers: dict[bytes, int]) -> tuple[SqlValue, ...]:
    found: list[SqlValue] = []
    for column in shelf.columns:
        slot = (one, column.field.key)
        is_blocked = column.field.on_conflict == "block" and len(state.offers(slot)) > 1
        found.append(None if is_blocked else to_sql(column.field.type, state.value(slot), numbers.get))
    return tuple(found)


STEPS = (
    "add", "add", "many", "set", "set", "set", "several", "stale", "exist", "exist", "move", "relate", "relate",
    "property", "unrelate", "resolve", "field", "table", "module", "newer", "zone", "fail", "send", "meet",
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 1 << 16),
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 1)), min_size=4, max_size=30),
)
def test_tables_are_what_fold_says_and_a_rebuild_gives(seed: int, steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        troupe = Troupe(Path(folder), seed)
        with troupe.company:
            for name, device in steps:
                troupe.step(name, device)
            for one in troupe.devices:
                is_as_folded(one)
                sound(one)
            meet(*troupe.devices)
            for one in troupe.devices:
                is_as_folded(one)
            sound(*troupe.devices)
            shown = [table["name"] for table in troupe.devices[0].tables()]
            assert shown == [table["name"] for table in troupe.devices[1].tables()]
            again = troupe.company.again("Ana")
            again.rebuild()
            is_as_folded(again)
            assert again.status()["state_hash"] == troupe.devices[1].status()["state_hash"]


def test_the_game_is_worth_playing() -> None:
    """A long game makes records, relations, questions and refusals; else the property above shows nothing."""
    with tempfile.TemporaryDirectory() as folder:
        troupe = Troupe(Path(folder), 3)
        with troupe.company:
            for n in range(80):
                troupe.step(STEPS[(n * 7) % len(STEPS)], n % 2)
            meet(*troupe.devices)
            ana = troupe.devices[0]
            assert len(troupe.records) > 10
            assert troupe.relations
            assert ana.status()["conflicts"] + len(ana.history(troupe.records[0])) > 1
            try:
                is_as_folded(ana)
                sound(ana)
            except OpenprodError as error:
                raise AssertionError(str(error)) from error

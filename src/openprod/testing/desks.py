"""Real workspaces as seats of a world: files on a disk, a fake clock, seeded chance, and one kind of bad weather.

What a desk shows is read through the public API only. What it must show is `fold` of the bundles it holds.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from random import Random
from typing import Literal, TypeAlias, TypeVar

from openprod.identity.invite import read_invitation
from openprod.merge.fold import Sifted, State, fold, sift
from openprod.model.bundle import Bundle, Frontier, Sealed, decode_header, id_of, open_bundle
from openprod.model.ids import id_from_text, id_text
from openprod.model.values import Plain, Value
from openprod.testing.clock import DAY_MS, MINUTE_MS, FakeClock, TrueTime
from openprod.testing.device import Company, newer_build
from openprod.testing.kits import stage_module
from openprod.testing.link import stream, whole_ones
from openprod.testing.world import (
    MODULE,
    ORDER,
    TABLE_FIELDS,
    Check,
    Field,
    Look,
    PaperSeat,
    Seat,
    Token,
    differences,
    look_of,
)
from openprod.workspace.opening import init_workspace, join_workspace, open_workspace
from openprod.workspace.workspace import Workspace
from openprod.workspace.write import Edit

Weather: TypeAlias = Literal["calm", "restart", "rebuild", "cut", "all a day slow", "4 min slow", "4 min fast"]
_T = TypeVar("_T")

READ_MARK = "replaced by work this version cannot read yet"
NOTICE_KINDS = ("void_over", "automation", "fork")


class DeskSeat:
    """One real workspace in a folder of its own, with a state directory of its own."""

    def __init__(self, name: str, folder: Path, clock: FakeClock, chance: Random) -> None:
        self.name = name
        self.folder = folder
        self.clock = clock
        self.chance = chance
        self.is_newer = False
        self.restarts_always = False
        self._edit: Edit | None = None
        self._open: Workspace | None = None

    # --- opening and closing ----------------------------------------------------------------------------------------

    @property
    def ws(self) -> Workspace:
        """The open workspace; opens it where it is closed."""
        if self._open is None:
            with self.build():
                self._open = open_workspace(
                    self.folder / "show",
                    home=self.folder / "home",
                    clock=self.clock,
                    chance=self.chance.randbytes,
                    durable=False,
                )
        return self._open

    def use(self, made: Workspace) -> None:
        """Takes a workspace that was just made."""
        self._open = made

    def close(self) -> None:
        """Closes the workspace; the next use opens it."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def leave_open(self) -> DeskSeat:
        """Leaves the open workspace as it is, as a killed program does; returns a seat that can close it later."""
        left = DeskSeat(self.name, self.folder, self.clock, self.chance)
        left.use(self.ws)
        self._open = None
        return left

    def restart(self) -> None:
        """Closes and opens again."""
        self.close()
        assert self.ws

    @contextmanager
    def build(self) -> Generator[None]:
        """Lets the program inside be the build that this device has."""
        with ExitStack() as stack:
            if self.is_newer:
                stack.enter_context(newer_build())
            yield

    def upgrade(self) -> None:
        """Installs the newer build; opening with it is all that a person does."""
        self.close()
        self.is_newer = True
        with self.build():
            assert self.ws

    # --- what people do ---------------------------------------------------------------------------------------------

    @contextmanager
    def edit(self) -> Generator[None]:
        """Gathers what is written inside into one bundle."""
        with self.build():
            with self.ws.edit() as edit:
                self._edit = edit
                try:
                    yield
                finally:
                    self._edit = None
            self._after()

    def _do(self, what: Callable[[Edit], _T]) -> _T:
        if self._edit is not None:
            return what(self._edit)
        with self.build():
            with self.ws.edit() as edit:
                done = what(edit)
            self._after()
        return done

    def _after(self) -> None:
        if self.restarts_always:
            self.restart()

    def add(self, table: str, fields: dict[str, Value]) -> str:
        """Creates a record."""
        return self._do(lambda edit: edit.add_record(table, fields))

    def add_many(self, table: str, fields: tuple[str, ...], rows: list[tuple[Value, ...]]) -> list[str]:
        """Creates many records of one table."""
        return self._do(lambda edit: edit.add_many(table, fields, rows))

    def heads(self, record: str, key: str) -> Token:
        """Returns what an editor opened now would show."""
        with self.build():
            texts = self.ws.record(record)["heads"].get(key, [])
        parts = [text.partition(":") for text in texts]
        return [(bytes.fromhex(bundle), int(ordinal)) for bundle, _, ordinal in parts]

    def set(self, record: str, key: str, value: Value, heads: Token | None = None) -> None:
        """Writes a value over what stands there, or over what an editor showed."""
        shown = None if heads is None else {key: [f"{bundle.hex()[:12]}:{ordinal}" for bundle, ordinal in heads]}
        self._do(lambda edit: edit.set(record, {key: value}, heads=shown))

    def type(self, record: str, key: str, at: int, gone: int, text: str) -> None:
        """Types in the text that is shown; places beyond the end mean the end."""

        def typed(edit: Edit) -> None:
            shown = edit.text(record, key)
            first = min(at, len(shown.text))
            shown.replace(first, min(gone, len(shown.text) - first), text)

        self._do(typed)

    def put_in(self, record: str, key: str, value: str, at: int = 99) -> None:
        """Puts something into a list, or moves it there."""

        def put(edit: Edit) -> None:
            items = edit.items(record, key)
            (items.move if value in items.values else items.add)(value, at)

        self._do(put)

    def take_out(self, record: str, key: str, value: str) -> None:
        """Takes something out of a list, if it is in it."""

        def take(edit: Edit) -> None:
            items = edit.items(record, key)
            if value in items.values:
                items.remove(value)

        self._do(take)

    def refill(self, record: str, key: str, values: Sequence[str]) -> None:
        """Writes a list anew."""
        self._do(lambda edit: edit.set(record, {key: list(values)}))

    def decide(self, record: str, key: str, value: Value) -> None:
        """Settles an open question."""
        with self.build():
            (question,) = [one for one in self.ws.conflicts(record) if one["field"] == key]
        self._do(lambda edit: edit.resolve(question["id"], value=value))

    def delete(self, record: str) -> None:
        """Deletes a record."""
        self._do(lambda edit: edit.delete(record))

    def restore(self, record: str) -> None:
        """Brings it back."""
        self._do(lambda edit: edit.restore(record))

    def put(self, record: str, table: str) -> None:
        """Puts a record into a table."""
        self._do(lambda edit: edit.put(record, into=table))

    def remove(self, record: str, table: str) -> None:
        """Takes it out."""
        self._do(lambda edit: edit.remove(record, from_=table))

    def relate(
        self,
        source: str,
        relation: str,
        target: str,
        properties: dict[str, Value] | None = None,
        *,
        after: str | None = None,
    ) -> str:
        """Makes a relation."""
        return self._do(lambda edit: edit.relate_records(source, relation, target, properties or {}, after=after))

    def move(self, relation: str, *, after: str | None = None, before: str | None = None) -> None:
        """Moves an entry of an ordered relation."""
        self._do(lambda edit: edit.move(relation, after=after, before=before))

    def refer(self, record: str, key: str, source: str, source_key: str) -> None:
        """Lets a field be taken from a field of another record."""
        self._do(lambda edit: edit.refer(record, key, source, source_key))

    def map_fields(self, one: str, other: str) -> None:
        """Says that two fields are the same data."""
        self._at_desk(lambda ws: ws.map_fields(one, other))

    def unmap_fields(self, one: str, other: str) -> None:
        """Takes that back."""
        self._at_desk(lambda ws: ws.unmap_fields(one, other))

    def merge(self, one: str, other: str) -> None:
        """Says that two records are one."""
        self._at_desk(lambda ws: ws.merge(one, other))

    def split(self, record: str, tables: Sequence[str]) -> None:
        """Takes that back."""
        self._at_desk(lambda ws: ws.split(record, tables))

    def link(self, source: str, target: str) -> None:
        """Links a table to another one."""
        self._at_desk(lambda ws: ws.link_tables(source, target))

    def unlink(self, source: str, target: str) -> None:
        """Takes that back."""
        self._at_desk(lambda ws: ws.unlink_tables(source, target))

    def _at_desk(self, what: Callable[[Workspace], object]) -> None:
        with self.build():
            what(self.ws)
            self._after()

    def unrelate(self, relation: str) -> None:
        """Ends a relation."""
        self._do(lambda edit: edit.unrelate(relation))

    def restore_relation(self, relation: str) -> None:
        """Brings one that was ended back."""
        self._do(lambda edit: edit.restore(relation))

    def accept_held(self) -> None:
        """Lets in what is held here for its clock."""
        with self.build():
            # One after another, as one that is let in may bring what lets others in.
            while held := [str(one["bundle"]) for one in self.ws.held() if one["reason"] == "held"]:
                self.ws.accept_clock(held[0])

    # --- exchange ---------------------------------------------------------------------------------------------------

    def sealed(self) -> list[Sealed]:
        """Returns all bundles held, as sealed."""
        return list(self.ws.bundles())

    @property
    def frontier(self) -> Frontier:
        """What is applied here."""
        return self.ws.frontier()

    def lacking(self, other: Seat) -> list[Sealed]:
        """Returns what of everything held here another device may lack."""
        return list(self.ws.bundles(since=other.frontier))

    def receive(self, bundles: Iterable[Sealed]) -> None:
        """Takes bundles in."""
        with self.build():
            self.ws.ingest(bundles)
            self._after()

    def tick(self) -> None:
        """Looks at the clock again, as a running program does now and then."""
        with self.build():
            self.ws.release()

    # --- looking ----------------------------------------------------------------------------------------------------

    def opened(self) -> list[Bundle]:
        """Returns all bundles held, decoded as this device's build decodes them."""
        found: list[Bundle] = []
        with self.build():
            for sealed in self.sealed():
                header = decode_header(sealed.header)
                found.append(open_bundle(id_of(sealed, self.ws.workspace_id), header, sealed))
        return found

    def expected(self) -> tuple[State, Sifted]:
        """Returns what this device must show, by `fold` of the bundles it says it has applied; and what waits."""
        bundles = self.opened()
        applied = {bundle.id for bundle in bundles} - {bytes.fromhex(str(one["bundle"])) for one in self.ws.held()}
        sifted = sift(bundles, self.clock(), applied)
        return fold(sifted.applied), sifted

    def look(self) -> Look:
        """Returns what the device shows, read through the public API."""
        state, _ = self.expected()
        with self.build():
            return Looking(self.ws, state).look()


@dataclass(slots=True)
class Looking:
    """Reads what a workspace shows about every record that the bundles it holds write to."""

    ws: Workspace
    state: State
    shown: dict[Field, Plain] = field(default_factory=dict[Field, Plain])
    alive: set[str] = field(default_factory=set[str])
    contested: set[str] = field(default_factory=set[str])
    relations: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    lists: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict[tuple[str, str], tuple[str, ...]])
    is_marked: bool = False

    def look(self) -> Look:
        """Returns it all."""
        ours = {entity for entity, key in self.state.heads if key.startswith((MODULE, "@in/" + MODULE))}
        for entity in sorted(ours):
            self._see(id_text(entity))
        questions = [one for one in self.ws.conflicts() if one["field"].startswith(MODULE)]
        deleted = {one["record"] for one in self.ws.conflicts() if one["kind"] == "delete"}
        assert deleted == self.contested, "the list of questions and the records' own marks differ"
        status = self.ws.status()
        assert status["conflicts"] == len(self.ws.conflicts())
        flagged = {str(one["kind"]) for one in self.ws.notices()} & set(NOTICE_KINDS)
        pending = {reason: status[reason] for reason in ("waiting", "held", "admission") if status[reason]}
        return Look(
            shown=self.shown,
            offers={
                (one["record"], one["field"]): tuple(sorted(repr(v["value"]) for v in one["values"]))
                for one in questions
            },
            deciders={(one["record"], one["field"]): sum(v["decision"] for v in one["values"]) for one in questions},
            settled=self._settled(),
            alive=frozenset(self.alive),
            contested=frozenset(self.contested),
            members=self._members(),
            relations=frozenset(self.relations),
            lists=self.lists,
            flagged=frozenset(flagged | ({"replaced_unread"} if self.is_marked else set())),
            pending=pending,
            unread=status["unread"],
            state_hash=status["state_hash"],
        )

    def _see(self, record: str) -> None:
        found = self.ws.record(record)
        if READ_MARK in found["marks"]:
            self.is_marked = True
        if "deleted" in found["marks"]:
            return
        record = found["id"]
        if "relation" in found["marks"]:
            relation = self.state.relations.get(id_from_text(record))
            if relation is not None and relation.shown:
                self.shown.update({(record, key): value for key, value in found["fields"].items()})
            return
        self.alive.add(record)
        if "contested" in found["marks"]:
            self.contested.add(record)
        self.shown.update({(record, key): value for key, value in found["fields"].items() if key.startswith(MODULE)})
        entries: list[str] = []
        for one in self.ws.relations(record):
            if one["is_source"] and one["relation"].startswith(MODULE):
                self.relations.add((one["relation"], record, one["other"]))
                entries += [one["id"]] if one["relation"] == ORDER else []
        if entries:
            self.lists[ORDER, record] = tuple(entries)

    def _members(self) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for table in self.ws.tables():
            if table["name"].startswith(MODULE):
                rows = self.ws.query(from_=table["name"], limit=10_000)
                assert len(rows) == table["count"]
                if rows:
                    found[table["name"]] = frozenset(str(row["id"]) for row in rows)
                for row, key in product(rows, TABLE_FIELDS[table["name"]]):
                    told = self.shown.get((str(row["id"]), key))
                    cell = row[key.rpartition(".")[2]]
                    assert cell == told, f"{row['id']}'s {key} is {cell} in the table and {told} in the record"
        return found

    def _settled(self) -> dict[Field, tuple[str, ...]]:
        """Returns what `fold` says, having made sure that every replaced value is in the history people read."""
        wanted = look_of(self.state).settled
        for (record, key), values in wanted.items():
            if values:
                past = {repr(op["value"]) for entry in self.ws.history(record, key) for op in entry["ops"]}
                assert set(values) <= past, f"the history of {key} has {past} and lacks some of {values}"
        return wanted


@dataclass(slots=True)
class DeskWorld:
    """Real workspaces in one kind of bad weather; at each check they must also show what `fold` says."""

    folder: Path
    chance: Random
    weather: Weather = "calm"
    time: TrueTime = field(default_factory=TrueTime)
    seats: list[DeskSeat | PaperSeat] = field(default_factory=list[DeskSeat | PaperSeat])
    company: Company | None = None

    @property
    def is_punctual(self) -> bool:
        """True where all clocks are right."""
        return self.weather in ("calm", "restart", "rebuild", "cut")

    def cast(self, *names: str) -> list[Seat]:
        """Returns devices of so many people who have joined one workspace and are in sync."""
        made = make_show(self.folder, names, self.time, self.chance)
        self.company = made.company
        self.seats = [*made.seats]
        for seat in made.seats:
            seat.restarts_always = self.weather == "restart"
        self.begin(*made.seats)
        return [*made.seats]

    def begin(self, *seats: Seat) -> None:
        """Ends what is given: from here on clocks are wrong."""
        for seat in self.seats:
            seat.clock.mend()
        self.sync(*seats)
        self.pass_time(MINUTE_MS)
        off = {
            "all a day slow": (-DAY_MS, -DAY_MS),
            "4 min slow": (-4 * MINUTE_MS, 0),
            "4 min fast": (4 * MINUTE_MS, 0),
        }
        for at, seat in enumerate(self.seats):
            seat.clock.set_off(off.get(self.weather, (0, 0))[at % 2])

    def sync(self, *seats: Seat) -> None:
        """Lets devices exchange what the other lacks."""
        self.pass_time(MINUTE_MS)
        for _ in range(2):
            for one in seats:
                for other in seats:
                    if one is not other:
                        self.carry(one, other, one.lacking(other))
        self.pass_time(MINUTE_MS)

    def carry(self, source: Seat, to: Seat, bundles: Iterable[Sealed]) -> None:
        """Brings just these bundles of one device to another."""
        assert source is not to
        assert isinstance(to, DeskSeat | PaperSeat)
        whole = list(bundles)
        if self.weather == "cut":
            raw = stream(whole)
            to.receive(whole_ones(raw[: self.chance.randrange(len(raw) + 1)]))
        to.receive(whole)

    def pass_time(self, by_ms: int) -> None:
        """Lets time pass for everybody."""
        self.time.advance(by_ms)
        for seat in self.seats:
            seat.tick()

    def set_clock(self, seat: Seat, off_ms: int) -> None:
        """Makes a device's clock wrong by so much."""
        assert isinstance(seat, DeskSeat | PaperSeat)
        seat.clock.set_off(off_ms)
        seat.tick()

    def back_up(self, seat: Seat) -> Callable[[], None]:
        """Copies a device's whole disk; calling what is returned puts the copy back, every file in its place."""
        assert isinstance(seat, DeskSeat)
        seat.close()
        copy = self.folder / f"backup of {seat.name} {len(list(self.folder.iterdir()))}"
        shutil.copytree(seat.folder, copy)

        def put_back() -> None:
            seat.close()
            put_back_in_place(copy, seat.folder)

        return put_back

    def guest(self, name: str, source: Seat, *, is_newer: bool = False) -> PaperSeat:
        """Returns one more device, of paper."""
        assert self.company is not None
        made = PaperSeat.join_with(
            name, FakeClock(self.time), self.chance, self.company, source.sealed(), is_newer=is_newer
        )
        self.seats.append(made)
        self.begin(source, made)
        return made

    def upgrade(self, seat: Seat) -> None:
        """Installs the newer build."""
        assert isinstance(seat, DeskSeat | PaperSeat)
        seat.upgrade()

    def then(self, check: Check, *seats: Seat) -> None:
        """Checks what each of these devices shows, and that it is what `fold` says of its bundles."""
        if not self.is_punctual:
            for seat in self.seats:
                seat.clock.mend()
                seat.tick()
        for seat in seats:
            assert isinstance(seat, DeskSeat)
            if self.weather == "rebuild":
                with seat.build():
                    seat.ws.rebuild()
            if self.weather == "restart":
                seat.restart()
            look = seat.look()
            wrong = differences(look, look_of(*seat.expected()))
            assert not wrong, f"{seat.name}'s device shows something else than fold: {wrong}"
            check(look)

    def close(self) -> None:
        """Closes every workspace."""
        for seat in self.seats:
            if isinstance(seat, DeskSeat):
                seat.close()


@dataclass(frozen=True, slots=True)
class Show:
    """A workspace that several real devices have joined, and what a paper device needs to join it too."""

    seats: tuple[DeskSeat, ...]
    company: Company


def make_show(folder: Path, names: tuple[str, ...], time: TrueTime, chance: Random) -> Show:
    """Returns devices of so many people who have joined one workspace with the module of the cases; not yet in sync."""
    seats = [DeskSeat(name, folder / name, FakeClock(time), Random(chance.randbytes(8))) for name in names]
    first, *others = seats
    first.folder.mkdir(parents=True)
    first.use(
        init_workspace(
            first.folder / "show",
            name="Richard III",
            home=first.folder / "home",
            person=first.name,
            clock=first.clock,
            chance=first.chance.randbytes,
            durable=False,
        )
    )
    first.ws.adopt(str(stage_module(folder / "stage")))
    invitation = read_invitation(first.ws.invite("everybody"))
    given_keys = first.ws.keys()
    for seat in others:
        time.advance(MINUTE_MS)
        seat.folder.mkdir(parents=True)
        seat.use(
            join_workspace(
                invitation,
                seat.folder / "show",
                first.ws.bundles(),
                [(epoch, key) for epoch, key, _ in given_keys],
                home=seat.folder / "home",
                person=seat.name,
                clock=seat.clock,
                chance=seat.chance.randbytes,
                durable=False,
            )
        )
        first.ws.ingest(seat.ws.bundles())
    return Show(tuple(seats), Company(first.ws.workspace_id, invitation.seed))


def put_back_in_place(copy: Path, folder: Path) -> None:
    """Makes a folder's files what they were in a copy, keeping the files themselves, as a restored disk image does."""
    kept = {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder) not in kept:
            path.unlink()
    for relative in sorted(kept):
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        is_new = not target.exists()
        with target.open("wb") as file:
            file.write((copy / relative).read_bytes())
        if is_new:
            shutil.copymode(copy / relative, target)

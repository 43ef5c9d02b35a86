"""Worlds for cases: the same short history of what people do, played on paper or on real workspaces in bad weather.

A case is written once against `World` and `Seat` and says what every device must show. Knows how to play, carry and
look. Must not know any case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from itertools import permutations
from random import Random
from typing import Protocol, TypeAlias, cast

from openprod.merge.fold import Sifted, Slot, State, newest
from openprod.merge.state_hash import text as hash_text
from openprod.model.bundle import Frontier, Sealed, decode_header, id_of
from openprod.model.ids import EntityId, id_text
from openprod.model.slots import POSITION, is_field_key
from openprod.model.values import FieldRef, Plain, Value, plain
from openprod.testing.clock import MINUTE_MS, FakeClock, TrueTime
from openprod.testing.device import PaperDevice

PEOPLE = "stage.people"
NOTES = "stage.people.notes"
ATTENDEES = "stage.attendees"
NAME, PHONE, EMAIL = "stage.people.name", "stage.people.phone", "stage.people.email"
LABEL = "stage.attendees.label"
TAGS = "stage.people.tags"
REMARKS = "stage.attendees.remarks"
KNOWS = "stage.knows"
ORDER, WORD = "stage.order", "stage.order.word"
FRIEND, SINCE = "stage.friend", "stage.friend.since"
TABLE_FIELDS = {PEOPLE: (NAME, PHONE, EMAIL, NOTES, TAGS), ATTENDEES: (LABEL, REMARKS)}

# The module whose tables the cases play with; what a look tells is about these only.
MODULE = "stage."

Field: TypeAlias = tuple[str, str]
Token: TypeAlias = Sequence[tuple[bytes, int]]


@dataclass(frozen=True, slots=True)
class Look:
    """What one device shows of the module's records: text ids, plain values.

    Attributes:
        shown: (record, full key) to the value shown, of records that are alive and relations that are shown.
        offers: (record, full key) to the distinct values of an open question, each as `repr` of its plain form, sorted.
        deciders: (record, full key) of an open question to how many of its values somebody decided.
        settled: (record, full key) to the distinct values that the shown write replaced, written like offers.
        contested: records that were deleted by somebody who had not seen somebody's work.
        lists: (ordered relation, record) to the ids of the entries in order.
        flagged: the kinds of what else a person can find.
        pending: how many bundles have no effect yet, by reason.
        unread: how many bundles have no effect in this version.
    """

    shown: dict[Field, Plain]
    offers: dict[Field, tuple[str, ...]]
    deciders: dict[Field, int]
    settled: dict[Field, tuple[str, ...]]
    alive: frozenset[str]
    contested: frozenset[str]
    members: dict[str, frozenset[str]]
    relations: frozenset[tuple[str, str, str]]
    lists: dict[tuple[str, str], tuple[str, ...]]
    flagged: frozenset[str]
    pending: dict[str, int]
    unread: int
    state_hash: str

    def offered(self, record: str, key: str) -> set[Plain]:
        """Returns what a field offers as a set, empty where nothing is open. Texts and None only."""
        return {None if one == "None" else one[1:-1] for one in self.offers.get((record, key), ())}


def differences(one: Look, other: Look) -> list[str]:
    """Returns what two looks disagree on, a line for each part."""
    found: list[str] = []
    for part in fields(Look):
        first: object = getattr(one, part.name)
        second: object = getattr(other, part.name)
        if first != second:
            found.append(f"{part.name}: {_what_only(first, second)} against {_what_only(second, first)}")
    return found


def _what_only(first: object, second: object) -> object:
    """Returns what of a set or mapping the other has not, so that a failure is short enough to read."""
    if isinstance(first, dict) and isinstance(second, dict):
        one = cast("dict[object, object]", first)
        other = cast("dict[object, object]", second)
        return {key: value for key, value in one.items() if key not in other or other[key] != value}
    if isinstance(first, frozenset) and isinstance(second, frozenset):
        return set(cast("frozenset[object]", first) - cast("frozenset[object]", second))
    return cast("object", first)


class Seat(Protocol):
    """A device as a case uses it. Everything is named by text ids and full keys; None as a value clears."""

    name: str

    def add(self, table: str, fields: dict[str, Value]) -> str:
        """Creates a record."""
        ...

    def heads(self, record: str, key: str) -> Token:
        """Returns what an editor opened now would show."""
        ...

    def set(self, record: str, key: str, value: Value, heads: Token | None = None) -> None:
        """Writes a value over what stands there, or over what an editor showed."""
        ...

    def type(self, record: str, key: str, at: int, gone: int, text: str) -> None:
        """Types in the text that is shown; places beyond the end mean the end."""
        ...

    def put_in(self, record: str, key: str, value: str, at: int = 99) -> None:
        """Puts something into a list, or moves it there."""
        ...

    def take_out(self, record: str, key: str, value: str) -> None:
        """Takes something out of a list, if it is in it."""
        ...

    def refill(self, record: str, key: str, values: Sequence[str]) -> None:
        """Writes a list anew."""
        ...

    def decide(self, record: str, key: str, value: Value) -> None:
        """Settles an open question."""
        ...

    def delete(self, record: str) -> None:
        """Deletes a record."""
        ...

    def restore(self, record: str) -> None:
        """Brings it back."""
        ...

    def put(self, record: str, table: str) -> None:
        """Puts a record into a table."""
        ...

    def remove(self, record: str, table: str) -> None:
        """Takes it out."""
        ...

    def relate(
        self,
        source: str,
        relation: str,
        target: str,
        properties: dict[str, Value] | None = None,
        *,
        after: str | None = None,
    ) -> str:
        """Makes a relation; in an ordered one behind another entry, else at the end."""
        ...

    def move(self, relation: str, *, after: str | None = None, before: str | None = None) -> None:
        """Moves an entry of an ordered relation behind or in front of another one."""
        ...

    def refer(self, record: str, key: str, source: str, source_key: str) -> None:
        """Lets a field be taken from a field of another record."""
        ...

    def map_fields(self, one: str, other: str) -> None:
        """Says that two fields are the same data."""
        ...

    def unmap_fields(self, one: str, other: str) -> None:
        """Takes that back."""
        ...

    def merge(self, one: str, other: str) -> None:
        """Says that two records are one."""
        ...

    def split(self, record: str, tables: Sequence[str]) -> None:
        """Takes that back: this record goes, with these tables."""
        ...

    def link(self, source: str, target: str) -> None:
        """Links a table to another one: who is in the first is in the second."""
        ...

    def unlink(self, source: str, target: str) -> None:
        """Takes that back; the second table gets copies."""
        ...

    def unrelate(self, relation: str) -> None:
        """Ends a relation."""
        ...

    def restore_relation(self, relation: str) -> None:
        """Brings a relation that was ended back."""
        ...

    def accept_held(self) -> None:
        """Lets in what is held here for its clock."""
        ...

    def edit(self) -> AbstractContextManager[None]:
        """Gathers what is written inside into one bundle."""
        ...

    def sealed(self) -> list[Sealed]:
        """Returns all bundles held, as sealed."""
        ...

    @property
    def frontier(self) -> Frontier:
        """What is applied here."""
        ...

    def lacking(self, other: Seat) -> list[Sealed]:
        """Returns what of everything held here another device may lack."""
        ...

    def look(self) -> Look:
        """Returns what the device shows."""
        ...


Check: TypeAlias = Callable[[Look], None]


class World(Protocol):
    """Where a case is played."""

    @property
    def is_punctual(self) -> bool:
        """True where all clocks are right, so that a case may say what is shown by who wrote last."""
        ...

    def cast(self, *names: str) -> list[Seat]:
        """Returns devices of so many people who have joined one workspace and are in sync."""
        ...

    def begin(self, *seats: Seat) -> None:
        """Ends what is given: syncs these, and from here on the world's weather plays."""
        ...

    def sync(self, *seats: Seat) -> None:
        """Lets devices exchange everything they hold, in both directions."""
        ...

    def carry(self, source: Seat, to: Seat, bundles: Iterable[Sealed]) -> None:
        """Brings just these bundles of one device to another."""
        ...

    def pass_time(self, by_ms: int) -> None:
        """Lets time pass for everybody."""
        ...

    def set_clock(self, seat: Seat, off_ms: int) -> None:
        """Makes a device's clock wrong by so much; 0 mends it."""
        ...

    def back_up(self, seat: Seat) -> Callable[[], None]:
        """Copies a device's whole disk; calling what is returned puts the copy back."""
        ...

    def guest(self, name: str, source: Seat, *, is_newer: bool = False) -> PaperSeat:
        """Returns one more device, always of paper, joined from `source`: it may write what no honest desk would."""
        ...

    def upgrade(self, seat: Seat) -> None:
        """Installs the build that guests have who are newer."""
        ...

    def then(self, check: Check, *seats: Seat) -> None:
        """Checks what each of these devices shows."""
        ...


def look_of(state: State, sifted: Sifted | None = None) -> Look:
    """Returns the look that a fold says a device must have."""
    relations = {id_text(one): made for one, made in state.relations.items() if made.type.startswith(MODULE)}
    slots = _shown_slots(state)
    ours = {slot: offers for slot, offers in state.conflicts.items() if slot[1].startswith(MODULE)}
    pending: dict[str, int] = {}
    for reason in sifted.pending.values() if sifted else ():
        pending[reason] = pending.get(reason, 0) + 1
    return Look(
        shown={(id_text(entity), key): plain(shown_value(state, (entity, key))) for entity, key in slots},
        offers={
            (id_text(entity), key): tuple(sorted(repr(plain(offer.value)) for offer in offers))
            for (entity, key), offers in ours.items()
        },
        deciders={
            (id_text(entity), key): sum(any(head.decision for head in offer.heads) for offer in offers)
            for (entity, key), offers in ours.items()
        },
        settled={(id_text(entity), key): _settled(state, (entity, key)) for entity, key in slots},
        alive=_ids(one for one in state.alive if is_ours(state, one)),
        contested=_ids(state.contested),
        members={
            table: _ids(members & state.alive)
            for table, members in state.members.items()
            if table.startswith(MODULE) and members & state.alive
        },
        relations=frozenset(
            (made.type, id_text(made.source), id_text(made.target)) for made in relations.values() if made.shown
        ),
        lists=_lists(state),
        flagged=frozenset(flag.kind for flag in state.flags) - {"contested"},
        pending=pending,
        unread=len(state.unread),
        state_hash=hash_text(state.state_hash),
    )


def shown_value(state: State, slot: Slot) -> Value:
    """Returns what a field shows: of a smart one what its source shows, nothing where that leads nowhere."""
    seen: set[Slot] = set()
    while True:
        entity = EntityId(state.same.of(slot[0]))
        at = (entity, state.mapped.of(slot[1]))
        is_there = entity in state.relations or entity in state.alive
        if at in seen or (seen and not is_there):
            return None
        seen.add(at)
        value = state.value((entity, slot[1]))
        if not isinstance(value, FieldRef):
            return value
        slot = (EntityId(value.id), value.key)


def _shown_slots(state: State) -> list[Slot]:
    """Returns the slots that a device shows, by the record that stands for its class: all that were ever written.

    And those that a table shows only because a field is mapped to another.
    """
    visible = state.alive | {one for one, made in state.relations.items() if made.shown}
    found = {(EntityId(state.same.of(entity)), key) for entity, key in state.heads if is_shown_key(key)}
    for table, keys in TABLE_FIELDS.items():
        for entity in state.members.get(table, ()):
            found |= {(entity, key) for key in keys if state.united((entity, key))}
    return sorted(slot for slot in found if slot[0] in visible)


def is_shown_key(key: str) -> bool:
    """Tells whether a slot key is a field of the module's."""
    return key.startswith(MODULE) and is_field_key(key)


def _settled(state: State, slot: Slot) -> tuple[str, ...]:
    shown = state.shown(slot)
    replaced = [state.writes[one] for one in (shown.over if shown else ()) if one in state.writes]
    there = {(EntityId(one), key) for one in state.same.members(slot[0]) for key in state.mapped.members(slot[1])}
    # What was typed is in the history as it was typed.
    return tuple(sorted({repr(plain(one.value)) for one in replaced if there & one.slots and one.deed == "value"}))


def is_ours(state: State, entity: bytes) -> bool:
    """Tells whether a record, or one that it was merged with, is in the module's tables or has fields of them."""
    members = set(state.same.members(entity))
    return any(one in members and key.startswith(("@in/" + MODULE, MODULE)) for one, key in state.heads)


def _lists(state: State) -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for one, made in state.relations.items():
        if made.type == ORDER and made.shown:
            entries = found.setdefault((made.type, id_text(made.source)), [])
            entries.append((position_of(state, one), id_text(one)))
    return {where: tuple(one for _, one in sorted(entries)) for where, entries in found.items()}


def position_of(state: State, relation: EntityId) -> str:
    """Returns the newest position of an entry, empty where it has none."""
    place = newest(state.heads.get((relation, POSITION), ()))
    return place.holds if place is not None and isinstance(place.holds, str) else ""


def _ids(entities: Iterable[EntityId]) -> frozenset[str]:
    return frozenset(id_text(one) for one in entities)


class PaperSeat(PaperDevice):
    """A paper device as a case uses it."""

    def lacking(self, other: Seat) -> list[Sealed]:
        """Returns everything: paper does not count what the other holds."""
        assert other is not self
        return self.sealed()

    def look(self) -> Look:
        """Returns what the device shows."""
        return look_of(self.state, self.sifted)


ORDERS_RANDOM = 100
ALL_ORDERS_BUNDLES_MAX = 5


@dataclass(slots=True)
class PaperWorld:
    """Everything in memory; at each check, fresh devices get the same bundles in every order and must show the same."""

    chance: Random
    time: TrueTime = field(default_factory=TrueTime)
    is_punctual: bool = True
    seats: list[PaperSeat] = field(default_factory=list[PaperSeat])
    given: list[Sealed] = field(default_factory=list[Sealed])

    def cast(self, *names: str) -> list[Seat]:
        """Returns devices of so many people who have joined one workspace and are in sync."""
        first = PaperSeat.found(names[0], FakeClock(self.time), self.chance)
        self.seats = [first]
        for name in names[1:]:
            self.pass_time(MINUTE_MS)
            self.seats.append(PaperSeat.join(name, FakeClock(self.time), self.chance, first))
            first.receive(self.seats[-1].sealed())
        self.begin(*self.seats)
        return [*self.seats]

    def begin(self, *seats: Seat) -> None:
        """Ends what is given."""
        self.sync(*seats)
        self.given = seats[0].sealed()
        self.pass_time(MINUTE_MS)

    def sync(self, *seats: Seat) -> None:
        """Lets devices exchange everything they hold."""
        self.pass_time(MINUTE_MS)
        for _ in range(2):
            for one in seats:
                for other in seats:
                    self.carry(one, other, one.sealed())
        self.pass_time(MINUTE_MS)

    def carry(self, source: Seat, to: Seat, bundles: Iterable[Sealed]) -> None:
        """Brings just these bundles of one device to another."""
        if source is not to:
            self.own(to).receive(bundles)

    def pass_time(self, by_ms: int) -> None:
        """Lets time pass for everybody."""
        self.time.advance(by_ms)
        for seat in self.seats:
            seat.tick()

    def set_clock(self, seat: Seat, off_ms: int) -> None:
        """Makes a device's clock wrong by so much."""
        self.own(seat).clock.set_off(off_ms)
        self.own(seat).tick()

    def back_up(self, seat: Seat) -> Callable[[], None]:
        """Copies a device's memory; calling what is returned puts the copy back."""
        device = self.own(seat)
        kept = device.twin(device.name)

        def put_back() -> None:
            vars(device).update(vars(kept.twin(kept.name)))

        return put_back

    def guest(self, name: str, source: Seat, *, is_newer: bool = False) -> PaperSeat:
        """Returns one more device."""
        clock = FakeClock(self.time)
        self.seats.append(PaperSeat.join(name, clock, self.chance, self.own(source), is_newer=is_newer))
        self.begin(source, self.seats[-1])
        return self.seats[-1]

    def upgrade(self, seat: Seat) -> None:
        """Installs the newer build."""
        self.own(seat).upgrade()

    def then(self, check: Check, *seats: Seat) -> None:
        """Checks what each of these shows, then what a device shows that got the same in every other order."""
        for seat in map(self.own, seats):
            look = seat.look()
            check(look)
            for order in self._orders(seat):
                late = self._deliver(seat, order)
                assert late.frontier == seat.frontier, f"{seat.name}'s bundles apply differently in another order"
                assert not differences(late.look(), look), f"{seat.name}'s bundles mean something else in another order"

    def own(self, seat: Seat) -> PaperSeat:
        """Returns a seat of this world as what it is."""
        assert isinstance(seat, PaperSeat)
        return seat

    def _orders(self, seat: PaperSeat) -> Iterable[Sequence[Sealed]]:
        given = {id_of(sealed, seat.company.workspace) for sealed in self.given}
        new = [bundle.sealed for one, bundle in seat.bundles.items() if one not in given]
        if len(new) <= ALL_ORDERS_BUNDLES_MAX:
            return permutations(new)
        return [self.chance.sample(new, len(new)) for _ in range(ORDERS_RANDOM)]

    def _deliver(self, seat: PaperSeat, order: Sequence[Sealed]) -> PaperSeat:
        """Returns a device that got what is given, then these one by one, some of them again and again."""
        clock = FakeClock(self.time, seat.clock.off_ms)
        late = PaperSeat(seat.name, clock, self.chance, seat.company, seat.actor, is_newer=seat.is_newer)
        late.receive(self.given)
        for at, sealed in enumerate(order):
            late.receive([sealed, order[self.chance.randrange(at + 1)]])
            assert late.sifted.applied
        return late


def last_of(seat: Seat, log: bytes, many: int = 1) -> list[Sealed]:
    """Returns the last so many bundles of one log among those that a device holds."""
    own = [sealed for sealed in seat.sealed() if decode_header(sealed.header).log == log]
    own.sort(key=lambda sealed: decode_header(sealed.header).seq)
    return own[-many:]

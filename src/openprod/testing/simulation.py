"""The simulator: several real workspaces, one seed, and everything that goes wrong between people and machines.

The seed decides who writes what, which links lose, double, delay, cut and reorder, who is apart, whose clock is wrong,
who restarts, is killed, restores a backup or copies a disk. In the end everything heals, and every device must show
what `fold` says of all the bundles there are. Same seed, same trace.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from openprod.merge.fold import builds_on, fold, sift
from openprod.model.bundle import Bundle, Seen, decode_header, id_of, open_bundle
from openprod.model.errors import Missing, Refused
from openprod.model.ids import EntityId, id_from_text, id_text
from openprod.model.ops import Set
from openprod.model.slots import EXISTS
from openprod.testing.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, YEAR_MS, FakeClock, TrueTime
from openprod.testing.desks import DeskSeat, Show, make_show, put_back_in_place
from openprod.testing.device import AUTOMATION, PERSON, Draft, draft_exist, draft_later, draft_set
from openprod.testing.link import CALM, STORM, Link, readable
from openprod.testing.trace import Trace
from openprod.testing.world import (
    ATTENDEES,
    EMAIL,
    KNOWS,
    LABEL,
    NAME,
    NOTES,
    ORDER,
    PEOPLE,
    PHONE,
    REMARKS,
    TAGS,
    PaperSeat,
    Token,
    differences,
    look_of,
)

SEED_VARIABLE = "OPENPROD_SIM_SEED"
SEEDS_VARIABLE = "OPENPROD_SIM_SEEDS"
SEEDS_USUAL = 300

NAMES = ("Ana", "Ben", "Cy", "Dee", "Eve")
FIELDS = (NAME, PHONE, EMAIL)
# What people map: across tables, within one, and in a chain.
PAIRS = ((NAME, LABEL), (PHONE, LABEL), (NAME, EMAIL), (NOTES, REMARKS))
NOTE = "stage.knows.note"
VALUES = ("U", "V", "W", "X", "Y", "Z", None)
SKEWS_MS = (0, 0, -DAY_MS, -4 * MINUTE_MS, 4 * MINUTE_MS, 3 * HOUR_MS, YEAR_MS, -HOUR_MS)
BUNDLES_MAX = 500
SEATS_MAX = 5
STEPS = 100
STEPS_SHOWN = 120
# People work on the same few records and relations most of the time, or nothing ever meets.
HOT = 4

WORDS: dict[str, int] = {
    "write": 50,
    "misbehave": 12,
    "meet": 20,
    "part": 3,
    "weather": 3,
    "clock": 4,
    "restart": 3,
    "kill": 3,
    "back up": 2,
    "put back": 3,
    "clone": 1,
    "rebuild": 1,
    "accept": 2,
    "look": 2,
}
VERBS: dict[str, int] = {
    "add": 2,
    "rows": 1,
    "set": 18,
    "stale": 9,
    "many": 4,
    "delete": 6,
    "restore": 5,
    "put": 4,
    "remove": 4,
    "relate": 4,
    "property": 5,
    "unrelate": 3,
    "decide": 10,
    "settle": 5,
    "map": 2,
    "unmap": 2,
    "merge": 3,
    "split": 3,
    "order": 3,
    "move": 3,
    "refer": 3,
    "type": 12,
    "write text": 2,
    "put in": 5,
    "take out": 3,
    "refill": 2,
}


def seeds() -> list[int]:
    """Returns the seeds to run: the one that is asked for, or as many as are asked for, from 1 on."""
    one = os.environ.get(SEED_VARIABLE)
    return [int(one)] if one else list(range(1, int(os.environ.get(SEEDS_VARIABLE, SEEDS_USUAL)) + 1))


class SimulationFailed(AssertionError):
    """A seed at the end of which a device did not show what it must; the message says how to see it again."""

    def __init__(self, seed: int, trace: Trace, reason: str) -> None:
        self.seed = seed
        super().__init__(f"{reason}\n\nThe last steps:\n{trace.text(STEPS_SHOWN)}\n\nAgain: {SEED_VARIABLE}={seed}")


@dataclass(slots=True)
class Kept:
    """A copy of a device's folder, and whether its state directory is part of it."""

    seat: DeskSeat
    copy: Path
    is_whole_disk: bool


@dataclass(slots=True)
class Simulation:
    """One run of one seed in a folder."""

    seed: int
    folder: Path
    steps: int = STEPS
    trace: Trace = field(default_factory=Trace)
    chance: Random = field(init=False)
    time: TrueTime = field(default_factory=TrueTime)
    show: Show = field(init=False)
    seats: list[DeskSeat] = field(init=False)
    guest: PaperSeat | None = None
    links: dict[tuple[str, str], Link] = field(default_factory=dict[tuple[str, str], Link])
    apart: set[str] = field(default_factory=set[str])
    records: list[str] = field(default_factory=list[str])
    relations: list[str] = field(default_factory=list[str])
    entries: list[str] = field(default_factory=list[str])
    screens: list[tuple[str, str, str, Token]] = field(default_factory=list[tuple[str, str, str, Token]])
    kept: list[Kept] = field(default_factory=list[Kept])
    dead: list[DeskSeat] = field(default_factory=list[DeskSeat])

    def __post_init__(self) -> None:
        """Seeds chance."""
        self.chance = Random(self.seed)

    def run(self) -> Trace:
        """Plays the seed and returns its trace; raises SimulationFailed."""
        try:
            self._begin()
            for _ in range(self.steps):
                self._step()
            self._heal()
            self._compare()
        except Exception as error:
            reason = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
            raise SimulationFailed(self.seed, self.trace, reason) from error
        finally:
            for seat in (*self.seats, *self.dead):
                seat.close()
        return self.trace

    # --- the beginning ----------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.seats = []
        names = NAMES[: self.chance.choice((2, 2, 3, 3, 4, 5))]
        self.show = make_show(self.folder, names, self.time, self.chance)
        self.seats = list(self.show.seats)
        if self.chance.random() < 0.4:
            first = self.seats[0]
            clock = FakeClock(self.time)
            self.guest = PaperSeat.join_with(
                "Zoe", clock, self.chance, self.show.company, first.sealed(), is_newer=True
            )
        self.records = [self.seats[0].add(PEOPLE, {NAME: name}) for name in ("Richard", "Anne", "Hastings")]
        for _ in range(2):
            for one, other in self._pairs():
                other.receive(one.sealed())
        self._note("all", f"{len(self.seats)} devices{' and a guest' if self.guest else ''}")

    # --- steps ------------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        self.time.advance(self.chance.choice((0, SECOND_MS, MINUTE_MS, 10 * MINUTE_MS, HOUR_MS)))
        word = self._any_of(WORDS)
        seat = self.chance.choice(self.seats)
        match word:
            case "write":
                self._write(seat)
            case "misbehave" if self.guest:
                self._misbehave(self.guest)
            case "meet":
                self._meet()
            case "part":
                self.apart = {one.name for one in self.seats if self.chance.random() < 0.3}
                self._note("all", f"apart: {sorted(self.apart)}")
            case "weather":
                one, other = self.chance.sample(self._everybody(), 2)
                self._link(one, other).weather = self.chance.choice((CALM, STORM))
            case "clock":
                seat.clock.set_off(self.chance.choice(SKEWS_MS))
                seat.tick()
                self._note(seat.name, f"clock off by {seat.clock.off_ms}")
            case "restart":
                seat.restart()
                self._note(seat.name, "restarts")
            case "kill":
                self._kill(seat)
            case "back up":
                self._back_up(seat)
            case "put back" if self.kept:
                self._put_back(self.chance.choice(self.kept))
            case "clone" if len(self.seats) < SEATS_MAX:
                self._clone(seat)
            case "rebuild":
                seat.ws.rebuild()
                self._note(seat.name, f"rebuilds {self._hash(seat)}")
            case "accept":
                seat.accept_held()
                self._note(seat.name, f"accepts what is held {self._hash(seat)}")
            case "look":
                self._check(seat, "in between")
            case _:
                self._meet()

    def _any_of(self, weights: dict[str, int]) -> str:
        return self.chance.choices(list(weights), list(weights.values()))[0]

    def _some(self, ids: list[str]) -> str:
        """Returns one of these ids, most often one of the hot ones."""
        return self.chance.choice(ids[:HOT] if self.chance.random() < 0.75 else ids)

    def _note(self, who: str, what: str) -> None:
        self.trace.note(who, what)

    def _hash(self, seat: DeskSeat) -> str:
        status = seat.ws.status()
        return f"-> {status['state_hash'][:8]} {status['bundles']}+{status['pending']}"

    # --- writing ----------------------------------------------------------------------------------------------------

    def _write(self, seat: DeskSeat) -> None:
        verb = self._any_of(VERBS)
        record = self._some(self.records)
        key = self.chance.choice((*FIELDS, *FIELDS, LABEL))
        value = self.chance.choice(VALUES)
        table = self.chance.choice((PEOPLE, ATTENDEES))
        try:
            done = self._do(seat, verb, record, key, value, table)
            self.screens.append((seat.name, record, key, seat.heads(record, key)))
        except (Refused, Missing) as error:
            done = f"refused: {type(error).__name__}"
        self._note(seat.name, f"{verb} {record[-6:]} {key} {value} {done} {self._hash(seat)}")

    def _do(self, seat: DeskSeat, verb: str, record: str, key: str, value: str | None, table: str) -> str:
        match verb:
            case "add":
                is_in = key.startswith(f"{table}.")
                self.records.append(seat.add(table, {key: value or "N"} if is_in else {}))
            case "rows":
                rows = [tuple(self.chance.choice(VALUES) for _ in FIELDS) for _ in range(self.chance.randint(1, 5))]
                self.records += seat.add_many(PEOPLE, FIELDS, [(*row,) for row in rows])
            case "set":
                seat.set(record, key, value)
            case "stale":
                return self._stale(seat, value)
            case "type":
                return self._type(seat, record)
            case "put in":
                seat.put_in(record, TAGS, self.chance.choice("UVW"), self.chance.randrange(3))
            case "take out":
                seat.take_out(record, TAGS, self.chance.choice("UVW"))
            case "refill":
                seat.refill(record, TAGS, self.chance.sample("UVW", self.chance.randrange(4)))
            case "write text":
                seat.set(record, self.chance.choice((NOTES, REMARKS)), value and value * 3)
            case "many":
                with seat.edit():
                    for one in self.chance.sample(self.records, min(3, len(self.records))):
                        seat.set(one, key, value)
            case "delete" | "restore":
                (seat.delete if verb == "delete" else seat.restore)(record)
            case "put" | "remove":
                (seat.put if verb == "put" else seat.remove)(record, table)
            case "relate":
                self.relations.append(seat.relate(record, KNOWS, self._some(self.records), {NOTE: value or "N"}))
            case "property" if self.relations:
                seat.set(self._some(self.relations), NOTE, value)
            case "unrelate" if self.relations:
                seat.unrelate(self._some(self.relations))
            case "map" | "unmap":
                (seat.map_fields if verb == "map" else seat.unmap_fields)(*self.chance.choice(PAIRS))
            case "refer":
                source = self.chance.choice((*FIELDS, LABEL))
                seat.refer(record, key, self._some(self.records), source)
                return f"from {source}"
            case "merge":
                seat.merge(record, self._some(self.records))
            case "split":
                seat.split(record, [table])
            case "order":
                self.entries.append(seat.relate(self._some(self.records), ORDER, record))
            case "move" if self.entries:
                return self._move(seat)
            case "decide":
                return self._decide(seat, "value" if self.chance.random() < 0.8 else "delete", value)
            case _:
                return self._decide(seat, "any", value)
        return ""

    def _type(self, seat: DeskSeat | PaperSeat, record: str) -> str:
        """Types in a text: at a place, some letters go and some come."""
        at, gone, many = self.chance.randrange(12), self.chance.choice((0, 0, 0, 1, 4)), self.chance.randint(0, 5)
        key = self.chance.choice((NOTES, NOTES, NOTES, REMARKS))
        text = self.chance.choice("abc🎭é") * many
        seat.type(record, key, at, gone, text)
        return f"{key} at {at}: {gone} go, {text} comes"

    def _move(self, seat: DeskSeat) -> str:
        """Moves an entry behind another one, most often of the same list."""
        entry, anchor = self._some(self.entries), self._some(self.entries)
        seat.move(entry, after=anchor)
        return f"{entry[-6:]} behind {anchor[-6:]}"

    def _stale(self, seat: DeskSeat, value: str | None) -> str:
        """Saves from an editor that was opened some time ago."""
        own = [screen for screen in self.screens if screen[0] == seat.name]
        if not own:
            return "no editor open"
        _, record, key, heads = self.chance.choice(own[-8:])
        seat.set(record, key, value, heads)
        return f"over {len(heads)} shown in {record[-6:]} {key}"

    def _decide(self, seat: DeskSeat, kind: str, value: str | None) -> str:
        questions = seat.ws.conflicts()
        if kind != "any":
            questions = [one for one in questions if (one["kind"] == "delete") == (kind == "delete")]
        if not questions:
            return "nothing to decide"
        question = self.chance.choice(sorted(questions, key=lambda one: one["id"]))
        if question["kind"] == "delete" or self.chance.random() < 0.7:
            seat.ws.resolve(question, choose=self.chance.randint(1, len(question["values"])))
        else:
            seat.ws.resolve(question, value=value)
        return f"{question['kind']} {question['id']}"

    def _misbehave(self, guest: PaperSeat) -> None:
        """Lets the guest write what no honest desk of this version would."""
        record = id_from_text(self._some(self.records))
        key = self.chance.choice(FIELDS)
        value = self.chance.choice(VALUES)
        heads = guest.state.heads
        mine = tuple(head.id for head in heads.get((record, key), ()))
        kinds = (
            "type",
            "type",
            "list",
            "auto",
            "auto exist",
            "odd over",
            "wide",
            "wide",
            "later",
            "later too",
            "narrow",
            "narrow",
            "plain",
        )
        kind = self.chance.choice(kinds)
        match kind:
            case "type":
                key = self._type(guest, id_text(record))
            case "list":
                key = TAGS
                odd = self.chance.choice((guest.put_in, guest.take_out))
                odd(id_text(record), key, self.chance.choice("UVW"))
            case "auto":
                guest.seal([draft_set(record, key, value, mine)], cause=AUTOMATION)
            case "auto exist":
                over = [head.id for head in heads.get((record, EXISTS), ())]
                guest.seal([draft_exist(record, over, self.chance.random() < 0.5)], cause=AUTOMATION)
            case "odd over":
                everything = sorted(guest.state.writes)
                odd = self.chance.sample(everything, min(3, len(everything)))
                stranger = (self.chance.randbytes(32), 1)
                guest.seal([draft_set(record, key, value, [*mine, *odd, stranger])])
            case "wide":
                both = (record, id_from_text(self._some(self.records)))
                over = [head.id for one in both for name in FIELDS for head in heads.get((one, name), ())]
                cause = self.chance.choice((AUTOMATION, PERSON))
                draft = Draft(
                    tuple(dict.fromkeys(both)),
                    FIELDS,
                    tuple(dict.fromkeys(over)),
                    lambda c, s, k, o: Set(c, s, k, o, value),
                )
                guest.seal([draft], cause=cause)
            case "later":
                guest.seal([draft_set(record, key, value, mine), draft_later(record)])
            case "narrow":
                self._narrow(guest, record, key, value)
            case "later too":
                guest.seal([draft_later(record)])
            case _:
                guest.seal([draft_set(record, key, value, mine)])
        self._note(
            guest.name, f"{kind} {record.hex()[-6:]} {key} {value} -> {guest.tip.hex()[:8] if guest.tip else ''}"
        )

    def _narrow(self, guest: PaperSeat, record: EntityId, key: str, value: str | None) -> None:
        """Writes, or deletes, from a screen that had not shown all that the device had applied."""
        others = [bundle for bundle in guest.sifted.applied if bundle.header.log != guest.log]
        shown = self.chance.sample(others, min(2, len(others)))
        tips = {one.header.log: Seen(one.header.log, one.header.seq, one.id) for one in shown}
        view = tuple(sorted(tip if self.chance.random() < 0.7 else Seen(tip.log, 0, b"") for tip in tips.values()))
        heads = guest.state.heads
        if self.chance.random() < 0.5:
            over = [head.id for head in heads.get((record, EXISTS), ())]
            guest.seal([draft_exist(record, over, is_live=False)], view=view)
        else:
            over = [head.id for head in heads.get((record, key), ())]
            guest.seal([draft_set(record, key, value, over)], view=view)

    # --- meeting ----------------------------------------------------------------------------------------------------

    def _everybody(self) -> list[DeskSeat | PaperSeat]:
        return [*self.seats, *([self.guest] if self.guest else [])]

    def _pairs(self) -> Iterator[tuple[DeskSeat | PaperSeat, DeskSeat | PaperSeat]]:
        for one in self._everybody():
            for other in self._everybody():
                if one is not other:
                    yield one, other

    def _link(self, one: DeskSeat | PaperSeat, other: DeskSeat | PaperSeat) -> Link:
        if (one.name, other.name) not in self.links:
            weather = STORM if self.chance.random() < 0.4 else CALM
            self.links[one.name, other.name] = Link(self.chance, weather)
        return self.links[one.name, other.name]

    def _meet(self) -> None:
        one, other = self.chance.sample(self._everybody(), 2)
        if (one.name in self.apart) != (other.name in self.apart):
            self._note(one.name, f"cannot reach {other.name}")
            return
        for source, to in ((one, other), (other, one)):
            self._send(source, to)
        self._note(
            one.name, f"meets {other.name} {' '.join(self._hash(x) for x in (one, other) if isinstance(x, DeskSeat))}"
        )

    def _send(self, source: DeskSeat | PaperSeat, to: DeskSeat | PaperSeat) -> None:
        arrived = readable(self._link(source, to).carry(source.lacking(to)))
        if not arrived:
            return
        cut = self.chance.randrange(len(arrived) + 1)
        for part in (arrived[:cut], arrived[cut:]):
            to.receive(part)

    # --- accidents --------------------------------------------------------------------------------------------------

    def _kill(self, seat: DeskSeat) -> None:
        """Leaves a program as it is, connection open and all, and starts another one on the same files."""
        self.dead.append(seat.leave_open())
        assert seat.ws
        self._note(seat.name, f"is killed and starts again {self._hash(seat)}")

    def _bury(self, seat: DeskSeat) -> None:
        seat.close()
        for one in self.dead:
            if one.folder == seat.folder:
                one.close()

    def _back_up(self, seat: DeskSeat) -> None:
        self._bury(seat)
        is_whole_disk = self.chance.random() < 0.5
        copy = self.folder / "backups" / str(len(self.kept))
        shutil.copytree(seat.folder if is_whole_disk else seat.folder / "show", copy)
        self.kept.append(Kept(seat, copy, is_whole_disk))
        self._note(seat.name, f"is backed up{' with keys' if is_whole_disk else ''}")

    def _put_back(self, kept: Kept) -> None:
        self._bury(kept.seat)
        target = kept.seat.folder if kept.is_whole_disk else kept.seat.folder / "show"
        if kept.is_whole_disk or self.chance.random() < 0.5:
            put_back_in_place(kept.copy, target)
            how = "in place"
        else:
            # The old files are moved aside and kept, so that no new one gets the inode number of an old one.
            target.rename(self.folder / "backups" / f"old {len(self.trace.steps)}")
            shutil.copytree(kept.copy, target)
            how = "anew"
        self._note(
            kept.seat.name, f"is put back {how}{' with keys' if kept.is_whole_disk else ''} {self._hash(kept.seat)}"
        )

    def _clone(self, seat: DeskSeat) -> None:
        self._bury(seat)
        name = f"{seat.name}{len(self.seats)}"
        shutil.copytree(seat.folder, self.folder / name)
        clock = FakeClock(self.time, seat.clock.off_ms)
        self.seats.append(DeskSeat(name, self.folder / name, clock, Random(self.chance.randbytes(8))))
        self._note(seat.name, f"is cloned as {name} {self._hash(self.seats[-1])}")

    # --- the end ----------------------------------------------------------------------------------------------------

    def _heal(self) -> None:
        self.apart = set()
        self.links = {}
        for seat in self._everybody():
            seat.clock.mend()
        self.time.advance(2 * YEAR_MS)
        for seat in self._everybody():
            seat.tick()
        for _ in range(2):
            for one, other in self._pairs():
                other.receive(one.lacking(other))
        self._note("all", f"heal {' '.join(self._hash(seat) for seat in self.seats)}")

    def _compare(self) -> None:
        found: dict[bytes, Bundle] = {}
        workspace = self.show.company.workspace
        for seat in self._everybody():
            for sealed in seat.sealed():
                header = decode_header(sealed.header)
                one = id_of(sealed, workspace)
                if one not in found:
                    found[one] = open_bundle(one, header, sealed)
        assert len(found) <= BUNDLES_MAX, f"{len(found)} bundles are more than a seed may make"
        sifted = sift(found.values())
        for one, reason in sifted.pending.items():
            # What a restored backup took from its author before anybody had it, others wait for in vain.
            needs = builds_on(found[one].header)
            assert reason == "waiting", f"{one.hex()[:12]} stays {reason}"
            assert any(need not in found or need in sifted.pending for need in needs), f"{one.hex()[:12]} never applies"
        wanted = look_of(fold(sifted.applied), sifted)
        for seat in self.seats:
            assert len(seat.sealed()) == len(found), f"{seat.name} does not hold everything"
            assert seat.frontier == self.seats[0].frontier, f"{seat.name} has applied something else"
            wrong = differences(seat.look(), wanted)
            assert not wrong, f"{seat.name} shows something else than fold: {wrong}"
        checked = self.chance.choice(self.seats)
        findings = checked.ws.verify()
        assert findings.is_sound, f"{checked.name} is damaged: {findings.damaged}"
        self._note("all", f"equal: {wanted.state_hash[:8]}, {len(found)} bundles")

    def _check(self, seat: DeskSeat, when: str) -> None:
        seat.tick()
        state, sifted = seat.expected()
        wrong = differences(seat.look(), look_of(state, sifted))
        assert not wrong, f"{seat.name} shows something else than fold {when}: {wrong}"
        self._note(seat.name, f"looks {self._hash(seat)}")

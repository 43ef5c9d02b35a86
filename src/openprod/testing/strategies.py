"""Hypothesis strategies: values, chunks, headers, sealed bundles, and whole histories of devices made of paper.

Generators are never narrowed to make a test pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from openprod.merge.fold import OpId
from openprod.model.bundle import (
    CAUSE_NAMES,
    FORMAT_VERSION,
    Admission,
    Cause,
    ChunkRef,
    Header,
    ModuleVersion,
    Opening,
    Sealed,
    Seen,
    encode_header,
)
from openprod.model.ids import BundleId, chunk_hash, id_from_text
from openprod.model.ops import (
    Chunk,
    Decide,
    Ends,
    Exist,
    InviteClose,
    KnownOp,
    Member,
    Place,
    Relate,
    Relations,
    RelationsPayload,
    Rows,
    RowsPayload,
    Set,
    Text,
    TextPayload,
    Unrelate,
    encode_chunk,
    width,
)
from openprod.model.slots import EXISTS, INVITE, POSITION, RELATION
from openprod.model.text_update import client_of, read_update
from openprod.model.values import (
    BlobRef,
    Date,
    DateTime,
    Decimal,
    Duration,
    FieldRef,
    ListValue,
    Natural,
    Outline,
    RecordRef,
    Time,
    Value,
)
from openprod.testing.clock import HOUR_MS, MINUTE_MS, SECOND_MS, FakeClock, TrueTime
from openprod.testing.device import AUTOMATION, PERSON, Draft, PaperDevice, draft_exist, draft_later, draft_set

INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
FIELDS = ("stage.people.name", "stage.people.phone")
TABLES = ("stage.people", "stage.attendees")
LABEL = "stage.attendees.label"
KNOWS = "stage.knows"
NOTE = "stage.knows.note"
ORDER = "stage.order"
TAGS = "stage.people.tags"
NOTES, REMARKS = "stage.people.notes", "stage.attendees.remarks"
# What people map: across tables, within one, and in a chain.
PAIRS = ((FIELDS[0], LABEL), (FIELDS[1], LABEL), FIELDS, (NOTES, REMARKS))
DEVICES_MAX = 5


def ids() -> st.SearchStrategy[bytes]:
    """Returns record ids."""
    return st.binary(min_size=16, max_size=16)


def hashes() -> st.SearchStrategy[bytes]:
    """Returns hashes and keys."""
    return st.binary(min_size=32, max_size=32)


def values() -> st.SearchStrategy[Value]:
    """Returns values of every type that a bundle can hold, odd texts included."""
    floats = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0 if number else 0.0)
    texts = st.text(max_size=12)
    plain: st.SearchStrategy[Value] = st.one_of(
        st.none(),
        st.booleans(),
        INT64,
        floats,
        texts,
        st.builds(Decimal, texts),
        st.builds(Natural, texts),
        st.builds(Outline, texts),
        st.builds(Date, texts),
        st.builds(Time, texts),
        st.builds(DateTime, texts, texts),
        st.builds(Duration, INT64),
        st.builds(RecordRef, ids()),
        st.builds(FieldRef, ids(), texts),
        st.builds(BlobRef, hashes(), texts, st.integers(0, 1 << 40), texts),
    )
    return st.recursive(plain, lambda inner: st.lists(inner, max_size=3).map(_list_value), max_leaves=4)


def _list_value(items: list[Value]) -> Value:
    return ListValue(tuple(items))


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    """Returns valid body chunks with ops of most kinds."""
    fields = draw(st.lists(st.sampled_from((*FIELDS, NOTE, "x.y.z")), unique=True, min_size=1, max_size=4))
    keys = (*fields, EXISTS, RELATION, POSITION, INVITE, *(f"@in/{table}" for table in TABLES))
    subjects = draw(st.lists(ids(), unique=True, min_size=1, max_size=5))
    bundles = draw(st.lists(hashes(), unique=True, max_size=3))
    ops = draw(st.lists(_ops(len(fields), keys, len(subjects), len(bundles)), max_size=5))
    return Chunk(keys, b"".join(subjects), b"".join(bundles), tuple(ops))


@st.composite
def _ops(draw: st.DrawFn, n_fields: int, keys: tuple[str, ...], n_subjects: int, n_bundles: int) -> KnownOp:
    first = draw(st.integers(0, n_subjects - 1))
    count = draw(st.integers(1, n_subjects - first))
    subjects = (first, count)
    entries = st.tuples(st.integers(0, max(n_bundles - 1, 0)), st.integers(0, 9))
    over = tuple(n for pair in draw(st.lists(entries, max_size=3 if n_bundles else 0)) for n in pair)
    fields = tuple(draw(st.lists(st.integers(0, n_fields - 1), unique=True, min_size=1, max_size=3)))

    def at(key: str) -> tuple[int, ...]:
        return (keys.index(key),)

    cells = st.tuples(*(values() for _ in fields))
    rows = tuple(draw(st.lists(cells, min_size=count, max_size=count)))
    ref = st.builds(RecordRef, ids())
    ends = [(draw(ref), draw(ref), draw(st.one_of(st.none(), st.text(max_size=3)))) for _ in rows]
    tied = tuple((*end, *row) for end, row in zip(ends, rows, strict=True))
    return draw(
        st.sampled_from(
            [
                Set(0, subjects, fields, over, draw(values())),
                Decide(0, subjects, fields, over, draw(values())),
                Rows(0, subjects, fields, (), RowsPayload(TABLES[0], rows)),
                Relations(0, subjects, fields, (), RelationsPayload(KNOWS, tied)),
                Exist(0, subjects, at(EXISTS), over, draw(st.booleans())),
                Member(0, subjects, at("@in/stage.people"), over, draw(st.booleans())),
                Relate(0, subjects, at(RELATION), over, Ends(KNOWS, draw(ids()), draw(ids()))),
                Unrelate(0, subjects, at(RELATION), over),
                Place(0, subjects, at(POSITION), over, draw(st.text(max_size=3))),
                InviteClose(0, subjects, at(INVITE), over),
            ]
        )
    )


@st.composite
def headers(draw: st.DrawFn, body: tuple[Chunk, ...] = ()) -> Header:
    """Returns valid headers that name these chunks."""
    seq = draw(st.integers(1, 1 << 20))
    seen = st.builds(Seen, hashes(), st.integers(1, 99), hashes())
    views = st.one_of(seen, hashes().map(lambda log: Seen(log, 0, b"")))
    details = st.lists(st.one_of(st.text(max_size=4), st.binary(max_size=4), st.integers(0, 9)), max_size=3).map(tuple)
    causes = st.builds(Cause, st.integers(0, len(CAUSE_NAMES)), st.booleans(), details)
    modules = st.builds(ModuleVersion, st.text(max_size=5), st.text(max_size=5), hashes())
    admissions = st.builds(Admission, st.integers(0, 4), st.lists(hashes(), max_size=2).map(tuple))
    openings = st.builds(Opening, hashes(), admissions, st.binary(min_size=64, max_size=64))
    raws = [encode_chunk(chunk) for chunk in body]
    sizes = [(len(chunk.ops), sum(map(width, chunk.ops))) for chunk in body]
    return Header(
        version=FORMAT_VERSION,
        workspace=draw(hashes()),
        log=draw(hashes()),
        seq=seq,
        prev=None if seq == 1 else draw(hashes()),
        claimed=draw(st.binary(min_size=12, max_size=12)),
        seen=tuple(sorted(draw(st.sets(seen, max_size=3)))),
        view=draw(st.one_of(st.none(), st.sets(views, max_size=2).map(sorted).map(tuple))),
        unread=tuple(sorted(draw(st.sets(hashes(), max_size=2)))),
        causes=tuple(draw(st.lists(causes, min_size=1, max_size=2))),
        modules=tuple(draw(st.lists(modules, max_size=2))),
        label=draw(st.text(max_size=20)),
        epoch=draw(st.integers(0, 3)),
        chunks=tuple(
            ChunkRef(chunk_hash(raw), len(raw), used, n_ops) for raw, (n_ops, used) in zip(raws, sizes, strict=True)
        ),
        opening=draw(openings) if seq == 1 else None,
    )


@st.composite
def sealed_bundles(draw: st.DrawFn) -> Sealed:
    """Returns sealed bundles of valid form whose signature is any bytes."""
    body = tuple(draw(st.lists(chunks(), max_size=2)))
    header = draw(headers(body))
    signature = draw(st.binary(min_size=64, max_size=64))
    return Sealed(encode_header(header), signature, tuple(encode_chunk(chunk) for chunk in body))


@dataclass(slots=True)
class History:
    """Devices made of paper that have written together."""

    devices: list[PaperDevice]

    @property
    def had(self) -> dict[BundleId, frozenset[BundleId]]:
        """Each bundle to the ids that were applied on its author's device when it was written."""
        return {one: had for device in self.devices for one, had in device.had.items()}

    def all_sealed(self) -> list[Sealed]:
        """Returns every bundle that any device holds, once."""
        found = {one: bundle.sealed for device in self.devices for one, bundle in device.bundles.items()}
        return [found[one] for one in sorted(found)]


class HistoryPlayer:
    """Plays verbs on paper devices. Every verb works in every state: a drawn list of numbers is always a history."""

    # Written several times: what people do most.
    VERBS = (
        *("add", "rows", "set", "set", "set", "stale_set", "decide", "clear", "delete", "restore", "put", "remove"),
        *("relate", "unrelate", "wide", "wide_auto", "auto", "auto_exist", "odd_over", "later", "narrow", "twin"),
        *("map", "unmap", "merge", "merge", "split", "order", "move"),
        *("type", "type", "type", "type_over", "type_odd", "write_text"),
        *("put_in", "put_in", "take_out", "refill", "put_in_over", "write_list"),
        *("skew", "sync", "sync", "sync", "all"),
    )

    def __init__(self, chance: Random, time: TrueTime, devices: list[PaperDevice]) -> None:
        self.chance = chance
        self.time = time
        self.devices = devices
        self.history = History(devices)
        self.tokens: list[tuple[str, str, tuple[OpId, ...]]] = []
        self.relations: list[str] = []
        self.entries: list[str] = []
        self.records = [devices[0].add(TABLES[0], {FIELDS[0]: name}) for name in ("Old", "Older")]
        self.all_meet()

    @classmethod
    def of_strangers(cls, seed: int, n_devices: int) -> HistoryPlayer:
        """Returns a player whose devices have a new workspace among themselves."""
        chance, time = Random(seed), TrueTime()
        first = PaperDevice.found("Ana", FakeClock(time), chance)
        names = ("Ben", "Cy", "Dee", "Eve")[: n_devices - 1]
        return cls(chance, time, [first, *(PaperDevice.join(name, FakeClock(time), chance, first) for name in names)])

    def play(self, verb: str, device: int, one: int, two: int) -> None:
        """Does one thing; the numbers choose device, record, field and value."""
        self.time.advance(SECOND_MS * (two + 1))
        who = self.devices[device % len(self.devices)]
        record = self.records[one % len(self.records)]
        key = (*FIELDS, LABEL)[two % 3]
        self._do(verb, who, record, key, one, two)
        self.tokens.append((record, key, who.heads(record, key)))

    def all_meet(self) -> None:
        """Brings every device everything."""
        for _ in range(2):
            for source in self.devices:
                for other in self.devices:
                    other.receive(source.sealed())

    def _do(self, verb: str, who: PaperDevice, record: str, key: str, one: int, two: int) -> None:
        value = "UVWXYZ"[two % 6]
        match verb:
            case "add":
                self.records.append(who.add(TABLES[two % 2], {key: value}))
            case "rows":
                rows: list[tuple[Value, ...]] = [(value, None), (None, value), (value, "1")]
                self.records += who.add_many(TABLES[two % 2], FIELDS, rows)
            case "set":
                who.set(record, key, value)
            case "stale_set":
                stale_record, stale_key, heads = (
                    self.tokens[one % len(self.tokens)] if self.tokens else (record, key, ())
                )
                who.set(stale_record, stale_key, value, heads)
            case "type":
                who.type(record, (NOTES, REMARKS)[one % 2], two, (one + two) % 3, value * (two % 4))
            case "type_over":
                who.type(record, key, two, one % 2, value)
            case "type_odd":
                self._type_odd(who, record, one, two)
            case "write_text":
                who.set(record, (NOTES, REMARKS)[one % 2], None if two % 5 == 0 else value * 3)
            case "put_in" | "put_in_over":
                who.put_in(record, TAGS if verb == "put_in" else key, value, one % 4)
            case "take_out":
                who.take_out(record, TAGS, value)
            case "refill":
                who.refill(record, TAGS, "UVW"[: two % 4])
            case "write_list":
                who.set(record, TAGS, ListValue(tuple("UVWU"[: 1 + one % 4])))
            case "decide":
                who.decide(record, key, value)
            case "clear":
                who.set(record, key, None)
            case "delete" | "restore":
                getattr(who, verb)(record)
            case "put" | "remove":
                getattr(who, verb)(record, TABLES[two % 2])
            case "relate":
                target = self.records[two % len(self.records)]
                self.relations.append(who.relate(record, KNOWS, target, {NOTE: value}))
            case "map" | "unmap":
                (who.map_fields if verb == "map" else who.unmap_fields)(*PAIRS[two % len(PAIRS)])
            case "merge":
                who.merge(record, self.records[two % len(self.records)])
            case "split":
                who.split(record, [TABLES[two % 2]])
            case "order":
                target = self.records[two % len(self.records)]
                self.entries.append(who.relate(self.records[0], ORDER, target))
            case "move" if self.entries:
                self._move(who, self.entries[one % len(self.entries)], self.entries[two % len(self.entries)])
            case "unrelate" if self.relations:
                who.unrelate(self.relations[one % len(self.relations)])
            case "wide" | "wide_auto":
                cause = AUTOMATION if verb == "wide_auto" else PERSON
                self._wide(who, [record, self.records[two % len(self.records)]], value, cause)
            case "narrow":
                self._narrow(who, record, key, value, two)
            case "twin" if len(self.devices) < DEVICES_MAX:
                self.devices.append(who.twin(f"{who.name} again"))
            case "auto":
                heads = who.heads(record, key)
                who.seal([draft_set(id_from_text(record), key, value, heads)], cause=AUTOMATION)
            case "auto_exist":
                who.seal([draft_exist(id_from_text(record), who.heads(record, EXISTS), two % 2 == 1)], cause=AUTOMATION)
            case "odd_over":
                named = [token[2] for token in self.tokens[-4:]]
                over = {op for ops in named for op in ops} | {(bundle, two) for bundle in list(who.bundles)[-2:]}
                who.seal([draft_set(id_from_text(record), key, value, sorted(over))])
            case "later":
                entity = id_from_text(record)
                who.seal([draft_set(entity, key, value, who.heads(record, key)), draft_later(entity)])
            case "sync":
                other = self.devices[one % len(self.devices)]
                other.receive(who.sealed())
                who.receive(other.sealed())
            case "skew":
                who.clock.set_off((0, -HOUR_MS, 4 * MINUTE_MS, -4 * MINUTE_MS)[two % 4])
            case "all":
                self.all_meet()
            case _:
                pass

    def _type_odd(self, who: PaperDevice, record: str, one: int, two: int) -> None:
        """Sends again, or for another text, or over anything, what was typed somewhere."""
        typed = [write for write in who.state.writes.values() if write.deed == "text"]
        if not typed:
            return
        write = sorted(typed, key=lambda write: write.order)[one % len(typed)]
        assert isinstance(write.holds, TextPayload)
        payload = write.holds
        if read_update(payload.update).client not in (None, client_of(who.log, payload.run)):
            return
        heads = who.heads(record, NOTES) if two % 2 else write.over
        draft = Draft((id_from_text(record),), (NOTES,), tuple(heads), lambda c, s, k, o: Text(c, s, k, o, payload))
        who.seal([draft], cause=AUTOMATION if two % 5 == 0 else PERSON)

    def _move(self, who: PaperDevice, entry: str, anchor: str) -> None:
        """Moves an entry behind another one of the same list, where its device shows both."""
        made = [who.state.relations.get(id_from_text(one)) for one in (entry, anchor)]
        if entry != anchor and all(one is not None and one.shown for one in made):
            who.move(entry, after=anchor)

    def _narrow(self, who: PaperDevice, record: str, key: str, value: str, two: int) -> None:
        """Writes, or deletes, from a screen that had not shown all that the device had applied."""
        others = [bundle for bundle in who.sifted.applied if bundle.header.log != who.log]
        tips = {one.header.log: Seen(one.header.log, one.header.seq, one.id) for one in others[: two + 1]}
        view = tuple(sorted(tip if two % 3 else Seen(tip.log, 0, b"") for tip in tips.values()))
        entity = id_from_text(record)
        if two % 2:
            who.seal([draft_set(entity, key, value, who.heads(record, key))], view=view)
        else:
            who.seal([draft_exist(entity, who.heads(record, EXISTS), is_live=False)], view=view)

    def _wide(self, who: PaperDevice, records: list[str], value: str, cause: Cause) -> None:
        """Writes one value into many slots by one op, over whatever stands in any of them."""
        entities = tuple(dict.fromkeys(map(id_from_text, records)))
        over = dict.fromkeys(op for record in records for key in FIELDS for op in who.heads(record, key))
        who.seal([Draft(entities, FIELDS, tuple(over), lambda c, s, k, o: Set(c, s, k, o, value))], cause=cause)


@st.composite
def histories(draw: st.DrawFn, *, steps_max: int = 14) -> History:
    """Returns histories of two or three devices that wrote, read stale screens, misbehaved and met now and then."""
    player = HistoryPlayer.of_strangers(draw(st.integers(0, 1 << 16)), draw(st.integers(2, 3)))
    for step in draw(scripts(steps_max)):
        player.play(*step)
    return player.history


def scripts(steps_max: int) -> st.SearchStrategy[list[tuple[str, int, int, int]]]:
    """Returns lists of what `HistoryPlayer.play` takes."""
    small = st.integers(0, 11)
    steps = st.tuples(st.sampled_from(HistoryPlayer.VERBS), st.integers(0, DEVICES_MAX - 1), small, small)
    return st.lists(steps, max_size=steps_max)

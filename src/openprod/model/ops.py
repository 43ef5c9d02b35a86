"""Ops and the body chunks that hold them: canonical bytes in, checked structures out, and back.

Knows every op kind of docs/formats/bundle.md and what makes a chunk malformed. Must not know what ops mean together
(that is `merge`) nor what a module declares (that is `catalog`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from openprod.model.ids import ENTITY_BYTES, HASH_BYTES, EntityId
from openprod.model.slots import CLOCK, EXISTS, INVITE, LOG, MAPPING, MEMBER_PREFIX, POSITION, RELATION, SAME
from openprod.model.text_update import ENCODING, RUN_BYTES, BadUpdate, client_of, read_update
from openprod.model.values import RecordRef, Value, check_value

CHUNK_BYTES_MAX = 4 << 20
OPS_MAX = 65_536
ROWS_MAX = 4_096
COLUMNS_MAX = 60
KEYS_MAX = 4_096
KEY_BYTES_MAX = 255
SUBJECTS_MAX = 65_536
OVER_MAX = 4_096
SLOTS_MAX = 4_096

# Columns that a row block writes without naming them: existence and membership, or the relation and its position.
IMPLIED_COLUMNS = 2


class Op(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The envelope every op has.

    `subjects` are (first, count) pairs, `over` (bundle index, ordinal) pairs, both flat.
    """

    cause: int
    subjects: tuple[int, ...]
    keys: tuple[int, ...]
    over: tuple[int, ...]


class Set(Op, tag=1, array_like=True, frozen=True, gc=False):
    """Writes a value into every slot it covers; None clears."""

    payload: Value


class RowsPayload(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The table the records are created in and their values, one tuple a record; None = not written."""

    table: str
    rows: tuple[tuple[Value, ...], ...]


class Rows(Op, tag=2, array_like=True, frozen=True, gc=False):
    """Creates many records in one table; one ordinal a cell, two implied columns before the fields."""

    payload: RowsPayload


class Decide(Op, tag=3, array_like=True, frozen=True, gc=False):
    """Settles the heads it names with a value: a person's decision."""

    payload: Value


class Exist(Op, tag=4, array_like=True, frozen=True, gc=False):
    """Creates or restores (True), or deletes (False)."""

    payload: bool


class Member(Op, tag=5, array_like=True, frozen=True, gc=False):
    """Puts into (True) or takes out of (False) the table that its key names."""

    payload: bool


class Ends(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a relation joins: its type and the records it goes from and to."""

    type: str
    source: bytes
    target: bytes


class Relate(Op, tag=6, array_like=True, frozen=True, gc=False):
    """Makes a relation, whose own id is the subject."""

    payload: Ends


class Unrelate(Op, tag=7, array_like=True, frozen=True, gc=False):
    """Ends a relation."""

    payload: None = None


class RelationsPayload(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Many relations of one type; a row is (source RecordRef, target RecordRef, position or None, properties ...)."""

    type: str
    rows: tuple[tuple[Value, ...], ...]


class Relations(Op, tag=8, array_like=True, frozen=True, gc=False):
    """Makes many relations of one type; one ordinal a cell, columns `@rel` and `@pos` before the properties."""

    payload: RelationsPayload


class Place(Op, tag=9, array_like=True, frozen=True, gc=False):
    """Gives a relation a position among its siblings."""

    payload: str


class TextPayload(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What somebody typed: the run its letters belong to, that writer's count before them, encoding and bytes."""

    run: int
    clock: int
    encoding: int
    update: bytes


class Text(Op, tag=10, array_like=True, frozen=True, gc=False):
    """Goes on with a text: letters that merge with what others type at the same time."""

    payload: TextPayload


class ListItem(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An element of a list: its id, where it stands, and what it is."""

    element: bytes
    position: str
    value: Value


class ListAdd(Op, tag=11, array_like=True, frozen=True, gc=False):
    """Puts an element into a list, or to another place in it."""

    payload: ListItem


class ListRemove(Op, tag=12, array_like=True, frozen=True, gc=False):
    """Takes an element out of a list."""

    payload: bytes


class ListReset(Op, tag=13, array_like=True, frozen=True, gc=False):
    """Empties a list of what its author saw in it."""

    payload: None = None


class KeyPair(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Two field keys, the smaller first."""

    low: str
    high: str


class Map(Op, tag=14, array_like=True, frozen=True, gc=False):
    """Says that two fields are the same data; the subject derives from the pair."""

    payload: KeyPair


class Unmap(Op, tag=15, array_like=True, frozen=True, gc=False):
    """Takes a mapping back."""

    payload: None = None


class IdPair(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Two record ids, the smaller first."""

    low: bytes
    high: bytes


class Merge(Op, tag=16, array_like=True, frozen=True, gc=False):
    """Says that two records are the same; the subject derives from the pair."""

    payload: IdPair


class Split(Op, tag=17, array_like=True, frozen=True, gc=False):
    """Takes a merge back."""

    payload: None = None


class OpRef(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An op by its bundle, an index of the chunk's `bundles`, and its ordinal there."""

    bundle: int
    ordinal: int


class Carry(Op, tag=18, array_like=True, frozen=True, gc=False):
    """Lists another op, under that op's own identity, in the slots this one covers."""

    payload: OpRef


class InvitePayload(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An invitation's public key and its terms; `expires_ms` since 1970 UTC."""

    public_key: bytes
    label: str
    expires_ms: int | None
    uses: int | None


class InviteOpen(Op, tag=32, array_like=True, frozen=True, gc=False):
    """Opens an invitation: whoever holds its seed may join."""

    payload: InvitePayload


class InviteClose(Op, tag=33, array_like=True, frozen=True, gc=False):
    """Revokes an invitation."""

    payload: None = None


class AdmitPayload(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The log let in and the person it writes for."""

    log: bytes
    actor: bytes


class Admit(Op, tag=34, array_like=True, frozen=True, gc=False):
    """Lets a log in that asked."""

    payload: AdmitPayload


class LogClosePayload(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The log that its writer will not continue, and where it ended."""

    log: bytes
    seq: int
    tip: bytes


class LogClose(Op, tag=35, array_like=True, frozen=True, gc=False):
    """Says that a log ends here and another of the same person goes on."""

    payload: LogClosePayload


class ClockAccept(Op, tag=36, array_like=True, frozen=True, gc=False):
    """Accepts a bundle that was held for its clock; people read this op's time for it."""

    payload: bytes


KnownOp: TypeAlias = (
    Set
    | Rows
    | Decide
    | Exist
    | Member
    | Relate
    | Unrelate
    | Relations
    | Place
    | Text
    | ListAdd
    | ListRemove
    | ListReset
    | Map
    | Unmap
    | Merge
    | Split
    | Carry
    | InviteOpen
    | InviteClose
    | Admit
    | LogClose
    | ClockAccept
)


class Chunk(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A body chunk whose ops are all of kinds this version knows."""

    keys: tuple[str, ...]
    subjects: bytes
    bundles: bytes
    ops: tuple[KnownOp, ...]


class AnyOp(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An op of whatever kind, by its envelope only."""

    kind: int
    cause: int
    subjects: tuple[int, ...]
    keys: tuple[int, ...]
    over: tuple[int, ...]
    payload: msgspec.Raw


class AnyChunk(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A body chunk with ops of kinds this version may not know."""

    keys: tuple[str, ...]
    subjects: bytes
    bundles: bytes
    ops: tuple[AnyOp, ...]


class Malformed(Exception):
    """Authentic bytes that are no valid chunk or header of this version; the bundle is kept and has no effect."""


class Envelope(NamedTuple):
    """What is readable of an op whatever its kind: the slots it covers and the ops it replaces."""

    kind: int
    cause: int
    ordinal: int
    slots: tuple[tuple[EntityId, str], ...]
    over: tuple[tuple[bytes, int], ...]


_chunk_decoder = msgspec.msgpack.Decoder(Chunk)
_any_decoder = msgspec.msgpack.Decoder(AnyChunk)
_encoder = msgspec.msgpack.Encoder()

# A float's nine bytes that are -0.0, NaN or infinite: no such bytes in a chunk, no such float in it.
_ODD_FLOAT = re.compile(rb"\xcb(?:\x80\x00{7}|[\x7f\xff][\xf0-\xff])", re.DOTALL)
_FIXED_KEY: dict[type[Op], str] = {
    Exist: EXISTS,
    Relate: RELATION,
    Unrelate: RELATION,
    Place: POSITION,
    Map: MAPPING,
    Unmap: MAPPING,
    Merge: SAME,
    Split: SAME,
    InviteOpen: INVITE,
    InviteClose: INVITE,
    Admit: LOG,
    LogClose: LOG,
    ClockAccept: CLOCK,
}


def encode_chunk(chunk: Chunk) -> bytes:
    """Returns a chunk's canonical bytes."""
    return _encoder.encode(chunk)


def width(op: KnownOp) -> int:
    """Returns how many ordinals an op takes: one, or one a cell for row blocks."""
    if type(op) is Rows or type(op) is Relations:
        return len(op.payload.rows) * (IMPLIED_COLUMNS + len(op.keys))
    return 1


def subject_indexes(subjects: Sequence[int]) -> Iterator[int]:
    """Yields the indexes that flat (first, count) pairs stand for."""
    for at in range(0, len(subjects), 2):
        yield from range(subjects[at], subjects[at] + subjects[at + 1])


def subject(chunk: Chunk | AnyChunk, index: int) -> EntityId:
    """Returns the id at an index of the chunk's subjects."""
    return EntityId(chunk.subjects[index * ENTITY_BYTES : (index + 1) * ENTITY_BYTES])


def subject_ids(chunk: Chunk, op: Op) -> list[bytes]:
    """Returns the ids that an op writes to, in order."""
    raw, pairs = chunk.subjects, op.subjects
    found: list[bytes] = []
    for at in range(0, len(pairs), 2):
        first, end = pairs[at] * ENTITY_BYTES, (pairs[at] + pairs[at + 1]) * ENTITY_BYTES
        found += [raw[start : start + ENTITY_BYTES] for start in range(first, end, ENTITY_BYTES)]
    return found


def over_of(chunk: Chunk | AnyChunk, op: Op | AnyOp) -> tuple[tuple[bytes, int], ...]:
    """Returns the ops that an op replaces, as (bundle id, ordinal)."""
    over = op.over
    if not over:
        return ()
    table = chunk.bundles
    return tuple(
        (table[over[at] * HASH_BYTES : (over[at] + 1) * HASH_BYTES], over[at + 1]) for at in range(0, len(over), 2)
    )


def decode_chunk(raw: bytes) -> Chunk:
    """Returns the chunk that these bytes are; raises Malformed with the reason where they are none of this version.

    Checks form only: canonical encoding, limits, indexes in range, keys that fit the kinds, storable values.
    """
    if len(raw) > CHUNK_BYTES_MAX:
        raise Malformed("a chunk is larger than 4 MiB")
    chunk = read_chunk(raw)
    if _encoder.encode(chunk) != raw:
        raise Malformed("a chunk is not in canonical form")
    check_chunk(chunk)
    if _ODD_FLOAT.search(raw):
        _check_floats(chunk)
    return chunk


def read_chunk(raw: bytes) -> Chunk:
    """Returns the chunk that these bytes are, which `decode_chunk` accepted before and whose hash is as it was then.

    Raises Malformed.
    """
    try:
        return _chunk_decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(f"a chunk does not decode: {error}") from error


def check_chunk(chunk: Chunk) -> None:
    """Raises Malformed where a decoded chunk breaks a limit or names what it does not hold."""
    keys, n_subjects, n_bundles = _check_tables(chunk)
    if len(chunk.ops) > OPS_MAX:
        raise Malformed("a chunk has more than 65,536 ops")
    n_keys = len(keys)
    for op in chunk.ops:
        # What edits are made of, one value written to one slot over one other, is looked at on the spot.
        if type(op) is Set and len(op.subjects) == 2 and len(op.keys) == 1 and len(op.over) <= 2:
            first, many = op.subjects
            key, over = op.keys[0], op.over
            if (
                many == 1
                and 0 <= first < n_subjects
                and 0 <= key < n_keys
                and keys[key][0] != "@"
                and (not over or (len(over) == 2 and 0 <= over[0] < n_bundles and 0 <= over[1] < 1 << 20))
                and op.cause >= 0
            ):
                continue
        count = _check_envelope(op, n_keys, n_subjects, n_bundles)
        _check_kind(op, keys, count)


def _check_tables(chunk: Chunk | AnyChunk) -> tuple[tuple[str, ...], int, int]:
    keys = chunk.keys
    if len(keys) > KEYS_MAX or len(set(keys)) != len(keys):
        raise Malformed("a chunk's keys repeat or are too many")
    for key in keys:
        if not key or len(key.encode()) > KEY_BYTES_MAX:
            raise Malformed("a slot key is empty or longer than 255 bytes")
    n_subjects, odd_subject = divmod(len(chunk.subjects), ENTITY_BYTES)
    n_bundles, odd_bundle = divmod(len(chunk.bundles), HASH_BYTES)
    if odd_subject or odd_bundle or n_subjects > SUBJECTS_MAX:
        raise Malformed("a chunk's table of subjects or bundles has a wrong length")
    return keys, n_subjects, n_bundles


def _check_envelope(op: Op | AnyOp, n_keys: int, n_subjects: int, n_bundles: int) -> int:
    """Checks indexes; returns how many subjects the op covers."""
    count = 0
    pairs = op.subjects
    if len(pairs) % 2 or not pairs:
        raise Malformed("an op's subjects are not pairs")
    for at in range(0, len(pairs), 2):
        first, many = pairs[at], pairs[at + 1]
        if first < 0 or many < 1 or first + many > n_subjects:
            raise Malformed("an op names a subject that its chunk does not hold")
        count += many
    for key in op.keys:
        if not 0 <= key < n_keys:
            raise Malformed("an op names a key that its chunk does not hold")
    over = op.over
    if over:
        if len(over) % 2 or len(over) > OVER_MAX * 2:
            raise Malformed("an op's list of replaced ops is not pairs or too long")
        for at in range(0, len(over), 2):
            if not 0 <= over[at] < n_bundles or not 0 <= over[at + 1] < 1 << 20:
                raise Malformed("an op replaces an op of a bundle that its chunk does not name")
    if op.cause < 0:
        raise Malformed("an op names no cause")
    return count


def _check_kind(op: KnownOp, keys: tuple[str, ...], count: int) -> None:
    kind = type(op)
    if isinstance(op, Set | Decide | Text | ListAdd | ListRemove | ListReset):
        if not op.keys or count * len(op.keys) > SLOTS_MAX:
            raise Malformed("a value is written to no field, or to too many")
        for key in op.keys:
            if keys[key].startswith("@"):
                raise Malformed("a value is written to a structural key")
        if isinstance(op, Text):
            _check_text(op.payload)
        elif isinstance(op, ListAdd | ListRemove):
            _check_element(op)
        return
    if isinstance(op, Rows | Relations):
        _check_block(op, keys, count)
        return
    if isinstance(op, Carry):
        if (
            not op.keys
            or op.over
            or count * len(op.keys) > SLOTS_MAX
            or any(keys[key].startswith("@") for key in op.keys)
        ):
            raise Malformed("a carried op is listed in no field, in too many, or replaces something")
        if op.payload.bundle < 0 or not 0 <= op.payload.ordinal < 1 << 20:
            raise Malformed("a carried op is none that a bundle can hold")
        return
    if len(op.keys) != 1 or count > SLOTS_MAX:
        raise Malformed("a structural op covers more than one key")
    key = keys[op.keys[0]]
    wanted = _FIXED_KEY.get(kind)
    if (key != wanted) if wanted is not None else not key.startswith(MEMBER_PREFIX):
        raise Malformed("a structural op has a key of another kind")
    if isinstance(op, Relate) and not _ends_fit(op.payload.source, op.payload.target):
        raise Malformed("a relation's end is no record id")
    if isinstance(op, Map | Merge):
        _check_pair(op, count)


def _check_text(payload: TextPayload) -> None:
    if payload.encoding != ENCODING:
        raise Malformed("a text's update is in an encoding that this version does not know")
    if not 0 <= payload.run < 1 << (8 * RUN_BYTES):
        raise Malformed("a text's update names no run")
    try:
        update = read_update(payload.update)
    except BadUpdate as error:
        raise Malformed(str(error)) from error
    if update.client is not None and update.clock != payload.clock:
        raise Malformed("a text's update begins at another count than it says")


def check_writer(chunk: Chunk, log: bytes) -> None:
    """Raises Malformed where a chunk of this log types under anybody else's client id."""
    for op in chunk.ops:
        if isinstance(op, Text):
            client = read_update(op.payload.update).client
            if client is not None and client != client_of(log, op.payload.run):
                raise Malformed("a text's update types under the name of another writer")


def _check_element(op: ListAdd | ListRemove) -> None:
    element = op.payload.element if isinstance(op, ListAdd) else op.payload
    if len(element) != ENTITY_BYTES:
        raise Malformed("a list's element has no id")


def _check_pair(op: Map | Merge, count: int) -> None:
    low, high = op.payload.low, op.payload.high
    if count != 1 or not low or not high or len({low, high}) != 2:
        raise Malformed("a mapping or merge joins something with itself or with nothing")
    if isinstance(op, Merge) and not _ends_fit(op.payload.low, op.payload.high):
        raise Malformed("a merge joins what is no record id")


def _check_block(op: Rows | Relations, keys: tuple[str, ...], count: int) -> None:
    rows = op.payload.rows
    if op.over or len(rows) != count or not 1 <= len(rows) <= ROWS_MAX or len(op.keys) > COLUMNS_MAX:
        raise Malformed("a row block replaces something, or its rows and subjects differ in number")
    for key in op.keys:
        if keys[key].startswith("@"):
            raise Malformed("a row block writes a structural key")
    columns = len(op.keys) + (3 if isinstance(op, Relations) else 0)
    if any(len(row) != columns for row in rows):
        raise Malformed("a row block's rows differ in length from its columns")
    if isinstance(op, Relations):
        for row in rows:
            if not isinstance(row[0], RecordRef) or not isinstance(row[1], RecordRef):
                raise Malformed("a relation's end is no record id")
            if not (row[2] is None or isinstance(row[2], str)):
                raise Malformed("a relation's position is no text")


def _ends_fit(source: object, target: object) -> bool:
    return isinstance(source, bytes) and isinstance(target, bytes) and len(source) == ENTITY_BYTES == len(target)


def _check_floats(chunk: Chunk) -> None:
    """Checks every value one by one.

    Only reached where bytes that look like an odd float occur, maybe inside a text.
    """
    for op in chunk.ops:
        if isinstance(op, Set | Decide):
            _check_stored(op.payload)
        elif isinstance(op, ListAdd):
            _check_stored(op.payload.value)
        elif isinstance(op, Rows | Relations):
            for row in op.payload.rows:
                for cell in row:
                    _check_stored(cell)


def _check_stored(value: Value) -> None:
    try:
        check_value(value)
    except ValueError as error:
        raise Malformed(str(error)) from error


def decode_envelopes(raw: bytes, first_ordinal: int) -> list[Envelope] | None:
    """Returns the envelopes of a chunk's ops whatever their kinds, None where not even that can be read.

    Ordinals are exact up to the first op of an unknown kind and a guess behind it, as only its own version knows
    how many it takes.
    """
    try:
        chunk = _any_decoder.decode(raw)
        keys, n_subjects, n_bundles = _check_tables(chunk)
        found: list[Envelope] = []
        ordinal = first_ordinal
        for op in chunk.ops:
            count = _check_envelope(op, len(keys), n_subjects, n_bundles)
            block = op.kind in (2, 8)
            slots = () if count * max(len(op.keys), 1) > SLOTS_MAX else _slots(chunk, op)
            found.append(Envelope(op.kind, op.cause, ordinal, slots, over_of(chunk, op)))
            ordinal += count * (IMPLIED_COLUMNS + len(op.keys)) if block else 1
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, Malformed):
        return None
    return found


def _slots(chunk: AnyChunk, op: AnyOp) -> tuple[tuple[EntityId, str], ...]:
    return tuple((subject(chunk, at), chunk.keys[key]) for at in subject_indexes(op.subjects) for key in op.keys)

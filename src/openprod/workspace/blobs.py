"""Which kept files the production's history names, which of them are here, and which nobody names.

Knows where in the history a reference to a file stands. Must not know files and folders (`store.blobs`) or shapes
(`issues`). A file that is missing or damaged never changes what the history means: only reading the file fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from openprod.model.errors import Missing
from openprod.model.ops import Decide, Relations, Rows, Set, subject_indexes, width
from openprod.model.values import BlobRef, ListValue, Value
from openprod.store.blobs import Blobs
from openprod.store.database import Database
from openprod.store.log import CHUNK_BITS, ORDINAL_BITS, LogDamaged, OpAt
from openprod.store.overlays import Overlays

if TYPE_CHECKING:
    from openprod.workspace.desk import Desk

# How a reference to a file begins, byte for byte: an array of five, the tag 10, 32 bytes (docs/formats/values.md).
_REFERENCE = b"\x95\x0a\xc4\x20"
_HASH = re.compile(re.escape(_REFERENCE) + rb"(.{32})", re.DOTALL)
_MEND = "Take it from a device or a stick that has it: openprod blob take FOLDER"
_RELATION_LEAD = 3
_ROW_LEAD = 2


class NoSuchFolder(Missing):
    """There is no folder to take files from or to give them to."""

    code = "blob.no_such_folder"


class Use(NamedTuple):
    """A place of the history that names a file: the op, and the slot it wrote."""

    oid: int
    subject: bytes
    key: str
    ref: BlobRef


def uses(desk: Desk) -> list[Use]:
    """Returns every place of the applied history that names a file, in the order in which it came here.

    What is damaged on this disk is left out: `verify` names it, and the notices tell of it.
    """
    numbers = [no for (no,) in desk.db.rows("SELECT no FROM chunk WHERE instr(raw, ?) ORDER BY no", (_REFERENCE,))]
    found: list[Use] = []
    for no in numbers:
        number, index = no >> CHUNK_BITS, no & ((1 << CHUNK_BITS) - 1)
        if number in desk.log.unread:
            continue
        try:
            found += _uses_in(desk, number, index)
        except LogDamaged:
            continue
    return sorted(found, key=lambda use: desk.log.order_of(use.oid))


def _uses_in(desk: Desk, number: int, index: int) -> Iterator[Use]:
    chunk, starts = desk.log.chunk(number, index)
    for op, start in zip(chunk.ops, starts, strict=True):
        first = number << ORDINAL_BITS | start
        subjects = [chunk.subjects[at * 16 : at * 16 + 16] for at in subject_indexes(op.subjects)]
        if isinstance(op, Rows | Relations):
            lead = _RELATION_LEAD if isinstance(op, Relations) else 0
            step = width(op) // max(len(subjects), 1)
            for row, (subject, values) in enumerate(zip(subjects, op.payload.rows, strict=True)):
                for column, key in enumerate(op.keys):
                    for ref in _refs_in(values[lead + column]):
                        yield Use(first + row * step + _ROW_LEAD + column, subject, chunk.keys[key], ref)
        elif isinstance(op, Set | Decide):
            for ref in _refs_in(op.payload):
                for subject in subjects:
                    for key in op.keys:
                        yield Use(first, subject, chunk.keys[key], ref)


def _refs_in(value: Value) -> Iterator[BlobRef]:
    if isinstance(value, BlobRef):
        yield value
    elif isinstance(value, ListValue):
        for item in value.items:
            yield from _refs_in(item)


def names(desk: Desk) -> dict[bytes, BlobRef]:
    """Returns the files that the history names by hash, each with the newest name it has there."""
    return {use.ref.hash: use.ref for use in uses(desk)}


def lacking(desk: Desk) -> dict[bytes, BlobRef]:
    """Returns those of them that are not on this device."""
    return {digest: ref for digest, ref in names(desk).items() if desk.blobs.size_of(digest) is None}


def held(desk: Desk) -> dict[bytes, BlobRef]:
    """Returns those of them that are, and that others may have: not those of records that stay on this device."""
    shared = {use.ref.hash: use.ref for use in uses(desk) if not desk.log.is_local(use.oid >> ORDINAL_BITS)}
    return {digest: ref for digest, ref in shared.items() if desk.blobs.size_of(digest) is not None}


def staged(desk: Desk) -> dict[bytes, BlobRef]:
    """Returns the files that overlays of this device name."""
    store = Overlays(desk.db)
    return {
        ref.hash: ref
        for row in store.all()
        for record in store.records(row.id).values()
        for slot in record.slots.values()
        for ref in _refs_in(slot.value)
    }


def waiting(database: Database) -> set[bytes]:
    """Returns the hashes of files that bundles seem to name which have no effect here yet."""
    raws = [raw for (raw,) in database.rows("SELECT sealed FROM pending WHERE instr(sealed, ?)", (_REFERENCE,))]
    raws += [
        raw
        for (raw,) in database.rows(
            "SELECT raw FROM chunk JOIN bundle ON bundle.no = chunk.no >> ?1 WHERE unread IS NOT NULL"
            " AND instr(raw, ?2)",
            (CHUNK_BITS, _REFERENCE),
        )
    ]
    return {digest for raw in raws for digest in _HASH.findall(raw)}


def issue(desk: Desk, oid: int, uuid: bytes, key: str) -> int:
    """Returns which issue of a draft a write is: one more than the files it and its forerunners replaced.

    It never changes, whatever else arrives: two people who each make a fourth issue apart made two fourth issues.
    """
    return sum(isinstance(one.value, BlobRef) for one in behind(desk, [oid], uuid, key))


def behind(desk: Desk, oids: Iterable[int], uuid: bytes, key: str) -> list[OpAt]:
    """Returns writes to a slot with everything that they, and what they replaced, replaced there."""
    todo = [desk.op_at(oid) for oid in oids]
    met: dict[int, OpAt] = {}
    while todo:
        one = todo.pop()
        if one.oid not in met:
            met[one.oid] = one
            todo += desk.replaced_by(one, uuid, key)
    return list(met.values())


class Condition(NamedTuple):
    """What a look at every file that the history names found: a sentence each, and the hashes of those now damaged."""

    damaged: dict[bytes, str]
    aside: list[str]
    missing: list[str]


def condition(desk: Desk) -> Condition:
    """Reads every file that the history names and says which are damaged, or not here; changes nothing."""
    found = Condition({}, [], [])
    for digest, ref in names(desk).items():
        if desk.blobs.size_of(digest) is None:
            if desk.blobs.is_aside(digest):
                found.aside.append(f"The file {ref.name} was found damaged and set aside. {_MEND}")
            else:
                found.missing.append(f"The file {ref.name} is not on this device. {_MEND}")
        elif not desk.blobs.is_sound(digest):
            found.damaged[digest] = f"The file {ref.name} is damaged on this disk. It is set aside. {_MEND}"
    return found


def bring(desk: Desk, other: Blobs) -> int:
    """Takes the files that are lacking here from another workspace's folder, as far as they are sound there."""
    count = 0
    for digest, ref in lacking(desk).items():
        if other.is_sound(digest):
            desk.blobs.take(digest, other.pieces(digest, ref.name))
            count += 1
    return count


def give(desk: Desk, other: Blobs) -> int:
    """Puts the files that the history names and that are sound here into another folder; returns how many it lacked."""
    count = 0
    for digest, ref in held(desk).items():
        if other.size_of(digest) != ref.size and desk.blobs.is_sound(digest):
            other.take(digest, desk.blobs.pieces(digest, ref.name))
            count += 1
    return count


def unnamed(desk: Desk, known: Mapping[bytes, BlobRef]) -> list[bytes]:
    """Returns the files on this disk that neither the known ones nor anything that waits name."""
    waits = waiting(desk.db)
    return [one.hash for one in desk.blobs.all() if one.hash not in known and one.hash not in waits]

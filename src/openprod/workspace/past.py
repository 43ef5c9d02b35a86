"""The time machine: everything as it was at a moment or a milestone, and what came since.

A moment is the applied bundles whose time is up to then and whose whole past is in; a milestone is what was applied
when somebody named it. The past is derived anew in memory by the code that derives the present. Knows history; must
not write any.
"""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from openprod.merge.heads import Head, shown
from openprod.model.bundle import Seen
from openprod.model.errors import Missing, Refused
from openprod.model.ids import id_text
from openprod.model.ops import Relations, Rows, subject_indexes, width
from openprod.model.slots import EXISTS, RELATION, is_field_key, table_of_member_key
from openprod.model.values import Value, plain, value_key
from openprod.store.log import ORDINAL_BITS, branch_of
from openprod.workspace import reading, taking, wording
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import SinceShape
from openprod.workspace.verify import covered

YESTERDAY, TODAY = "yesterday", "today"
DAY = dt.timedelta(days=1)


class NoSuchMoment(Missing):
    """What was given is neither a time nor a milestone's name."""

    code = "past.no_such_moment"


class PastIsRead(Refused):
    """Somebody tried to write into the past."""

    code = "past.read_only"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of the past: what people call it, and the local numbers of the bundles that were there."""

    name: str
    bundles: frozenset[int]


def moment_of(desk: Desk, text: str) -> Moment:
    """Returns the moment that a time, a date, `today`, `yesterday` or a milestone's name means; raises NoSuchMoment.

    A date means its end for what was there; `today` and `yesterday` mean their beginning, as in "since yesterday".
    """
    row = desk.db.one(
        'SELECT frontier FROM "core.milestones" JOIN entity ON eid = "~eid" WHERE name = ? ORDER BY uuid LIMIT 1',
        (text,),
    )
    if row is not None:
        return Moment(text, frozenset(_of_frontier(desk, str(row[0] or ""))))
    ms = ms_of(desk, text)
    row = desk.db.one("SELECT count(*), total(at) FROM accepted") or (0, 0.0)
    bundles = desk.moments.up_to(
        ms, desk.log.next_place - 1, (row[0], row[1]), lambda place, known: up_to(desk, ms, place, known)
    )
    return Moment(text, bundles)


def up_to(desk: Desk, ms: int, after_place: int = 0, known: frozenset[int] = frozenset()) -> frozenset[int]:
    """Returns the applied bundles whose time is up to a moment and whose whole past is in.

    Args:
        desk: the workspace.
        ms: the moment, in milliseconds since 1970 UTC.
        after_place: only bundles that came behind this place are looked at …
        known: … as these are what the others give.
    """
    found: set[int] = set(known)
    for number in desk.log.in_order(after_place):
        if desk.log.row(number).at > ms:
            continue
        header = desk.log.header(number)
        past = [entry.tip for entry in header.seen]
        if header.prev is not None:
            past.append(header.prev)
        if all(desk.log.number_of(one) in found for one in past):
            found.add(number)
    return frozenset(found)


def frontier_text(desk: Desk) -> str:
    """Returns what is applied here as a milestone keeps it."""
    return json.dumps([[one.log.hex(), one.seq, one.tip.hex()] for one in desk.log.frontier()])


def _of_frontier(desk: Desk, text: str) -> set[int]:
    try:
        entries = cast("list[list[str | int]]", json.loads(text))
        frontier = tuple(Seen(bytes.fromhex(str(log)), int(seq), bytes.fromhex(str(tip))) for log, seq, tip in entries)
    except (ValueError, TypeError):
        raise NoSuchMoment("This milestone does not say what was there then. Give a time instead.") from None
    return covered(desk.log, frontier)


def ms_of(desk: Desk, text: str) -> int:
    """Returns the moment that a time, a date (its end), `today` or `yesterday` means, ms since 1970 UTC.

    In the show's zone where it names none. Raises NoSuchMoment.
    """
    zone = _zone(desk)
    now = dt.datetime.fromtimestamp(desk.clock() / 1000, zone)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if text in (TODAY, YESTERDAY):
        found = midnight if text == TODAY else midnight - DAY
    else:
        try:
            found = dt.datetime.fromisoformat(text)
        except ValueError:
            raise NoSuchMoment(
                f"'{text}' is neither a milestone nor a time. Give one like 2026-11-20, 2026-11-20T23:00, yesterday or"
                " today; milestones are in: openprod show core.milestones"
            ) from None
        if len(text) == len("2026-11-20"):
            found += DAY - dt.timedelta(microseconds=1)
        if found.tzinfo is None:
            found = found.replace(tzinfo=zone)
    return int(found.timestamp() * 1000)


def _zone(desk: Desk) -> dt.tzinfo:
    """Returns the zone that times are meant in: the venue's, or the device's."""
    if desk.loader.venue_zone:
        try:
            return zoneinfo.ZoneInfo(desk.loader.venue_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            pass
    return dt.datetime.fromtimestamp(desk.clock() / 1000, dt.UTC).astimezone().tzinfo or dt.UTC


# -- what came since


def since_last_writing(desk: Desk) -> Moment:
    """Returns the moment when this copy last wrote: what came later came from others, by syncing."""
    key = desk.own_key()
    found: set[int] = set()
    kept: set[int] = set()
    for number in desk.log.in_order():
        found.add(number)
        if key is not None and desk.log.branches[branch_of(number)].id == key.log:
            kept = set(found)
    return Moment("", frozenset(kept))


def since(desk: Desk, then: Collection[int], now: Collection[int] | None = None) -> list[SinceShape]:
    """Returns what changed between two moments, a line a field, by table, then record, then author.

    Args:
        desk: the workspace.
        then: the bundles that were there at the first moment.
        now: those of the second; None for everything applied.
    """
    later = [number for number in desk.log.in_order() if number not in then and (now is None or number in now)]
    touched: dict[tuple[bytes, str], int] = {}
    for number in later:
        for subject, key, oid in _slots_of(desk, number):
            touched[subject, key] = oid

    def was(number: int) -> bool:
        return number in then

    def is_now(number: int) -> bool:
        return now is None or number in now

    lines = [
        line
        for (subject, key), oid in touched.items()
        if (line := _line(desk, subject, key, oid, was, is_now)) is not None
    ]
    return sorted(
        lines, key=lambda line: (line["table"], line["title"], line["record"], line["actor_name"], line["text"])
    )


def _slots_of(desk: Desk, number: int) -> Iterator[tuple[bytes, str, int]]:
    """Yields the slots that a bundle wrote, new records and relations by their existence only."""
    if number in desk.log.unread:
        return
    ordinal = 0
    for index in range(len(desk.log.header(number).chunks)):
        chunk, _ = desk.log.chunk(number, index)
        for op in chunk.ops:
            subjects = [chunk.subjects[at * 16 : at * 16 + 16] for at in subject_indexes(op.subjects)]
            if isinstance(op, Rows | Relations):
                step = width(op) // max(len(subjects), 1)
                key = EXISTS if isinstance(op, Rows) else RELATION
                for at, subject in enumerate(subjects):
                    yield subject, key, number << ORDINAL_BITS | (ordinal + at * step)
            else:
                yield subjects[0], chunk.keys[op.keys[0]], number << ORDINAL_BITS | ordinal
            ordinal += width(op)


def heads_in(desk: Desk, uuid: bytes, key: str, is_there: Callable[[int], bool]) -> tuple[int, ...]:
    """Returns the heads of a slot as they stood with some of the bundles: of what came later, what it replaced."""
    found: set[int] = set()
    todo, met = list(desk.heads_now(uuid, key)), set[int]()
    while todo:
        oid = todo.pop()
        if oid in met:
            continue
        met.add(oid)
        if is_there(oid >> ORDINAL_BITS):
            found.add(oid)
        else:
            todo += [one.oid for one in desk.replaced_by(desk.op_at(oid), uuid, key)]
    behind: set[int] = set()
    todo = list(found)
    while todo and len(found) > 1:
        for one in desk.replaced_by(desk.op_at(todo.pop()), uuid, key):
            if one.oid not in behind:
                behind.add(one.oid)
                todo.append(one.oid)
    return tuple(sorted(found - behind))


def _line(
    desk: Desk,
    subject: bytes,
    key: str,
    oid: int,
    was_there: Callable[[int], bool],
    is_there: Callable[[int], bool],
) -> SinceShape | None:
    before, after = (heads_in(desk, subject, key, one) for one in (was_there, is_there))
    newest = max(after, key=desk.log.order_of) if after else oid
    old, new = _value(desk, before), _value(desk, after)
    title, table = desk.title(subject), next(iter(desk.member_tables(subject)), "")
    lives = [any(desk.op_at(one).is_live for one in heads) for heads in (before, after)]
    if is_field_key(key):
        if (value_key(old), bool(before)) == (value_key(new), bool(after)) and len(after) == 1:
            return None
        field = desk.catalog.find_field(key)
        table = field.table if field is not None else table
        label = wording.field_name(reading.field_title(desk, key))
        shift = f"{_shown(desk, old)} -> {_shown(desk, new)}" if before else f"is {_shown(desk, new)}"
        text, kind = f"{wording.possessive(title)} {label}{':' if before else ''} {shift}", "set"
    elif key == EXISTS:
        if lives[0] == lives[1]:
            return None
        kind = "delete" if not lives[1] else "create" if not before else "restore"
        text = f"{title} {'is new' if kind == 'create' else 'came back' if kind == 'restore' else 'was deleted'}"
    elif key == RELATION or table_of_member_key(key) is not None:
        if lives[0] == lives[1]:
            return None
        member = table_of_member_key(key)
        table = member or table
        kind = ("put" if lives[1] else "remove") if member else ("relate" if lives[1] else "unrelate")
        text = f"{title} {'came into' if lives[1] else 'went out of'} {member}" if member else title
        text = f"{text} ended" if kind == "unrelate" else text
    else:
        return None
    return {
        "record": id_text(subject),
        "title": title,
        "table": table,
        "kind": kind,
        "field": key,
        "old": plain(old),
        "new": plain(new),
        "text": text,
        "actor_name": reading.actor_name(desk, reading.actor_of(desk, newest)),
        "at": reading.at_of(desk, newest),
    }


def _value(desk: Desk, oids: Sequence[int]) -> Value:
    ops = {oid: desk.op_at(oid) for oid in oids}
    heads = [
        Head(oid, op.value, op.is_decision and not op.is_auto, desk.log.order_of(oid))
        for oid, op in ops.items()
        if op.is_live is None
    ]
    return shown(heads).value if heads else None


def _shown(desk: Desk, value: Value) -> str:
    return wording.value_text(taking.said(desk, value))

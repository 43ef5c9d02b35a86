"""Heads: the writes to a slot that nobody replaced there, which of them is shown, and what is on offer.

Knows the rules of architecture.md section 4 for one slot and one record. Must not know storage: heads come in as facts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from openprod.model.values import Value, value_key

Order = tuple[bytes, bytes, int]


@dataclass(frozen=True, slots=True)
class Head:
    """One head of a field: its op's local number, value, and its place in canonical order."""

    oid: int
    value: Value
    is_decision: bool
    order: Order


@dataclass(frozen=True, slots=True)
class Offer:
    """One of the values a person can choose from, and every head that holds it, the newest first."""

    value: Value
    heads: tuple[Head, ...]


class Life(IntEnum):
    """Whether a record is there. CONTESTED: deleted by somebody who had not seen somebody's work on it; it stays."""

    GONE = 0
    ALIVE = 1
    CONTESTED = 2


@dataclass(frozen=True, slots=True)
class ExistHead:
    """One head of a record's existence: the bundle that wrote it, what it says, and whether automation did."""

    bundle: int
    is_live: bool
    is_auto: bool


@dataclass(frozen=True, slots=True)
class Work:
    """A write on a record, for telling whether a deletion had seen it.

    Attributes:
        bundle: the bundle that wrote it.
        is_contesting: a person's value, addition or restore; not a removal, not automation.
        over: looks up the writes it replaced, only asked for where it matters.
    """

    bundle: int
    is_contesting: bool
    over: Callable[[], Iterable[Work]]


def join(heads: Sequence[int], op: int, replaced: Collection[int]) -> tuple[int, ...]:
    """Returns a slot's heads after an op that replaces some of them."""
    if not replaced:
        return (*heads, op)
    return (*(head for head in heads if head not in replaced), op)


def shown(heads: Sequence[Head]) -> Head:
    """Returns the head whose value is read meanwhile.

    The newest decision if there is one, else the newest write (R6).
    """
    decisions = [head for head in heads if head.is_decision]
    return max(decisions or heads, key=lambda head: head.order)


def offers(heads: Iterable[Head]) -> list[Offer]:
    """Returns the distinct values among heads, in the order of their oldest heads, so that choice 1 stays choice 1."""
    groups: dict[bytes, list[Head]] = {}
    for head in sorted(heads, key=lambda head: head.order):
        groups.setdefault(value_key(head.value), []).append(head)
    return [Offer(group[-1].value, tuple(reversed(group))) for group in groups.values()]


def is_conflict(heads: Sequence[Head]) -> bool:
    """Tells whether heads hold more than one distinct value (R5)."""
    return len(heads) > 1 and len({value_key(head.value) for head in heads}) > 1


def is_settling(values: Iterable[Value]) -> bool:
    """Tells whether replacing these values at once would settle a question, which automation may not (R8)."""
    return len({value_key(value) for value in values}) > 1


def life(heads: Sequence[ExistHead], work: Callable[[], Iterable[Work]], knows: Callable[[int, int], bool]) -> Life:
    """Returns whether a record is there (R10, architecture section 4 "Existence").

    Args:
        heads: the heads of its existence.
        work: looks up the heads of everything else on it; asked for only where a deletion stands.
        knows: whether the author of one bundle knew another.
    """
    deletes = [head.bundle for head in heads if not head.is_live]
    if not deletes:
        return Life.ALIVE if heads else Life.GONE
    if any(head.is_live and not head.is_auto for head in heads):
        return Life.CONTESTED
    return Life.CONTESTED if _is_contested(work(), deletes, knows) else Life.GONE


def _is_contested(work: Iterable[Work], deletes: Sequence[int], knows: Callable[[int, int], bool]) -> bool:
    todo = list(work)
    while todo:
        one = todo.pop()
        if any(knows(delete, one.bundle) for delete in deletes):
            continue
        if one.is_contesting and not any(knows(one.bundle, delete) for delete in deletes):
            return True
        todo.extend(one.over())
    return False

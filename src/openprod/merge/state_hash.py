"""The state hash: one number over every head, updated by adding and taking away, equal where the state is equal.

A linear form, so that a block of rows is summed at once: a head adds (A + ordinal x B) x E x F modulo the prime
2^127 - 1, where A and B come from its bundle's id, E from the subject, F from the slot's key. It detects faults; it
proves nothing against somebody who wants two states to collide, which equal frontiers do.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul

from openprod.model.ids import CONTEXT_STATE, hash_in

PRIME = (1 << 127) - 1


def bundle_factors(bundle: bytes) -> tuple[int, int]:
    """Returns A and B of a bundle, from its 32-byte id."""
    return int.from_bytes(bundle[:16], "big") % PRIME, int.from_bytes(bundle[16:], "big") % PRIME | 1


def key_factor(key: str) -> int:
    """Returns F of a slot key."""
    return int.from_bytes(hash_in(CONTEXT_STATE, key.encode())[:16], "big") % PRIME


def subject_factor(subject: bytes) -> int:
    """Returns E of a subject, from its 16-byte id."""
    return (int.from_bytes(subject, "big") + 1) % PRIME


def head_value(factors: tuple[int, int], ordinal: int) -> int:
    """Returns what a head is worth before its slot comes in; `factors` of its bundle. Not reduced."""
    return factors[0] + ordinal * factors[1]


def slot_factor(subject: bytes, key: int) -> int:
    """Returns what the worth of a slot's heads is multiplied by; `key` the factor of its key. Not reduced."""
    return (int.from_bytes(subject, "big") + 1) * key


def head_term(factors: tuple[int, int], ordinal: int, subject: bytes, key: int) -> int:
    """Returns what one head adds; `factors` of its bundle, `key` the factor of its slot's key."""
    return head_value(factors, ordinal) * slot_factor(subject, key) % PRIME


def block_term(
    factors: tuple[int, int],
    base: int,
    subjects: Sequence[bytes],
    keys: Sequence[int],
    unwritten: Sequence[tuple[int, int]],
) -> int:
    """Returns what a row block adds: the sum of `head_term` over its cells, in time linear in rows plus columns.

    Args:
        factors: of the block's bundle.
        base: the block's first ordinal.
        subjects: one id a row.
        keys: one key factor a column, the implied columns first.
        unwritten: (row, column) of the cells that hold nothing.
    """
    a, b = factors
    columns = len(keys)
    per_key = sum(keys)
    first_row = sum((a + (base + column) * b) * key for column, key in enumerate(keys))
    step = columns * b * per_key
    # The sum over rows of E x (first_row + row x step), its two parts each in one go.
    factors_of_rows = [number + 1 for number in map(int.from_bytes, subjects)]
    total = first_row * sum(factors_of_rows) + step * sum(map(mul, range(len(subjects)), factors_of_rows))
    for row, column in unwritten:
        total -= head_term(factors, base + row * columns + column, subjects[row], keys[column])
    return total % PRIME


def text(total: int) -> str:
    """Returns a state hash for people and peers: 32 hex digits."""
    return f"{total % PRIME:032x}"

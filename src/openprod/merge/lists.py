"""Lists that merge: which elements a list has and in which order, from the writes to it that nobody replaced.

An element stands while any addition of it does; an addition goes only where somebody who saw it took it out or emptied
the list. Plain list values, as imports and new records bring them, give their elements too. Knows the heads of one
slot. Must not know storage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from openprod.merge.relations import DIGITS, RUN_CHARACTERS, spread
from openprod.model.ids import derived_id
from openprod.model.values import ListValue, Value, value_key

ListDeed: TypeAlias = Literal["value", "add", "remove", "reset"]
Order = tuple[bytes, bytes, int]


@dataclass(frozen=True, slots=True)
class ListHead:
    """One head of a list.

    Attributes:
        deed: a plain value, an element put in, one taken out, or the list emptied.
        value: the plain value, or the element's.
        element, position: for elements.
        order: its place in canonical order, bundle and ordinal within.
    """

    deed: ListDeed
    value: Value
    element: bytes
    position: str
    order: Order


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a list as it stands."""

    id: bytes
    position: str
    value: Value


def element_id(value: Value, nth: int) -> bytes:
    """Returns the id of an element: the same value put in twice apart is one element; `nth` counts equal ones."""
    return derived_id("element", value_key(value), nth.to_bytes(4, "big"))


def parts(value: Value) -> Sequence[Value]:
    """Returns what a plain value gives a list."""
    if isinstance(value, ListValue):
        return value.items
    return () if value is None else (value,)


def elements_of(value: Value, run: bytes) -> list[Element]:
    """Returns the elements of a plain value, those of one written list in its order; `run` says whose they are."""
    items = parts(value)
    tag = "".join(DIGITS[byte % len(DIGITS)] for byte in run[:RUN_CHARACTERS])
    many: dict[bytes, int] = {}
    found: list[Element] = []
    for item, position in zip(items, spread(len(items), tag), strict=True):
        nth = many[value_key(item)] = many.get(value_key(item), -1) + 1
        found.append(Element(element_id(item, nth), position, item))
    return found


def elements(heads: Iterable[ListHead], knows: Callable[[ListHead, ListHead], bool]) -> list[Element]:
    """Returns a list's elements in order.

    Args:
        heads: the writes to it that nobody replaced.
        knows: whether the author of the first knew the second.
    """
    heads = sorted(heads, key=lambda head: head.order)
    removed = [head for head in heads if head.deed == "remove"]
    found: dict[bytes, Element] = {}
    for head in heads:
        for one in elements_of(head.value, head.order[1]) if head.deed == "value" else ():
            if not any(gone.element == one.id and knows(gone, head) for gone in removed):
                found[one.id] = one
    for head in heads:
        if head.deed == "add":
            found[head.element] = Element(head.element, head.position, head.value)
    return sorted(found.values(), key=lambda one: (one.position, one.id))


def value_of(found: Sequence[Element]) -> Value:
    """Returns a list's value, None for one without elements."""
    return ListValue(tuple(one.value for one in found)) if found else None

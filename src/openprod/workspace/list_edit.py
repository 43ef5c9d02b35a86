"""Changing lists: from what a person puts in, takes out and moves to ops on the list's elements.

Knows elements and places. Must not know which field it is, nor how ops are put into a bundle (that is `write`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, Self

import msgspec

from openprod.merge.lists import Element, element_id, elements_of, parts
from openprod.merge.relations import between, spread
from openprod.model.errors import Refused
from openprod.model.ops import KnownOp, ListAdd, ListItem, ListRemove, ListReset
from openprod.model.values import Value, plain, value_key
from openprod.store.log import OpAt


class NotAList(Refused):
    """Something was put into, or taken out of, a field that holds no list, or one with an open question."""

    code = "list.not_a_list"


class NotInList(Refused):
    """Something was to be taken out or moved that is not in the list."""

    code = "list.not_in_it"


class Writes(Protocol):
    """Takes the ops of a list, one by one: kind, what it replaces, payload."""

    def __call__(self, kind: type[KnownOp], over: tuple[int, ...], payload: object) -> None:
        """Takes one op."""
        ...


class ListEdit:
    """A list as an edit sees and changes it; a value stands in it once.

    Places count from 0, negative ones from the end. Raises what reading a value raises, and NotInList.
    """

    def __init__(self, found: Sequence[Element], run: str, read: Callable[[object], Value]) -> None:
        self.before = list(found)
        self._now = list(found)
        self._run = run
        self._read = read

    @property
    def values(self) -> list[Value]:
        """What is in the list now."""
        return [one.value for one in self._now]

    def add(self, value: object, at: int | None = None) -> ListEdit:
        """Puts something in at a place, or at the end; what is in the list already stays where it is."""
        read = self._read(value)
        if read is not None and self._find(read) is None:
            self._place(element_id(read, 0), read, at)
        return self

    def remove(self, value: object) -> ListEdit:
        """Takes something out."""
        self._now.remove(self._need(value))
        return self

    def move(self, value: object, at: int) -> ListEdit:
        """Moves something to a place, counted without it."""
        one = self._need(value)
        self._now.remove(one)
        self._place(one.id, one.value, at)
        return self

    def _find(self, value: Value) -> Element | None:
        return next((one for one in self._now if value_key(one.value) == value_key(value)), None)

    def _need(self, value: object) -> Element:
        read = self._read(value)
        found = self._find(read)
        if found is None:
            inside = ", ".join(str(plain(one)) for one in self.values) or "nothing"
            raise NotInList(f"'{plain(read)}' is not in the list; it holds: {inside}.")
        return found

    def _place(self, element: bytes, value: Value, at: int | None) -> None:
        place = len(self._now) if at is None else max(0, min(at if at >= 0 else len(self._now) + at, len(self._now)))
        low = self._now[place - 1].position if place else None
        high = self._now[place].position if place < len(self._now) else None
        self._now.insert(place, Element(element, between(low, high, self._run), value))

    def changes(self) -> tuple[list[Element], list[Element]]:
        """Returns what goes, and what comes or is moved."""
        now = {one.id for one in self._now}
        return [one for one in self.before if one.id not in now], [one for one in self._now if one not in self.before]


def write_changes(write: Writes, heads: Iterable[OpAt], gone: Sequence[Element], come: Sequence[Element]) -> None:
    """Writes what goes and what comes in a list with these heads."""
    heads = list(heads)
    plain_ids = {one.id for op in heads if is_plain(op) for one in elements_of(op.value, bytes(8))}
    # What is left of taking out and emptying says nothing any more, unless it hides an element of a plain value.
    swept = [
        op.oid
        for op in heads
        if isinstance(op.op, ListReset) or (isinstance(op.op, ListRemove) and op.op.payload not in plain_ids)
    ]
    for one in gone:
        write(ListRemove, (*_adding(heads, one.id), *swept), one.id)
    for one in come:
        write(ListAdd, (*_adding(heads, one.id), *swept), ListItem(one.id, one.position, one.value))


def write_all(write: Writes, heads: tuple[int, ...], value: Value, run: str) -> None:
    """Writes a list anew: what was in it goes, as far as its author saw it."""
    if heads:
        write(ListReset, heads, None)
    for one in fresh(value, run):
        write(ListAdd, (), ListItem(one.id, one.position, one.value))


def fresh(value: Value, run: str) -> list[Element]:
    """Returns the elements of a list that is written anew."""
    found = elements_of(value, bytes(8))
    return [Element(one.id, place, one.value) for one, place in zip(found, spread(len(found), run), strict=True)]


def write_back(
    write: Writes, ops: Sequence[OpAt], before: Sequence[Element], heads: Sequence[OpAt], now: set[bytes]
) -> None:
    """Writes what takes ops on one list back.

    Args:
        write: takes the ops.
        ops: those of one bundle.
        before: the elements that they had replaced, taken out or moved.
        heads: the list's heads now.
        now: the ids of its elements now.
    """
    items = {one.id: ListItem(one.id, one.position, one.value) for one in before}
    added = {op.op.payload.element for op in ops if isinstance(op.op, ListAdd)}
    gone = {op.op.payload for op in ops if isinstance(op.op, ListRemove)}
    is_reset = any(isinstance(op.op, ListReset) for op in ops)
    for element in sorted(added & now):
        over = tuple(_adding(heads, element))
        if element in items:
            write(ListAdd, over, items[element])
        else:
            write(ListRemove, over, element)
    for element, item in items.items():
        if element not in added and element not in now and (is_reset or element in gone):
            write(ListAdd, (), item)


class Script(msgspec.Struct, array_like=True, frozen=True):
    """What is staged for a list: whether it is emptied first, which elements go, which come or are moved."""

    is_reset: bool = False
    gone: tuple[bytes, ...] = ()
    come: tuple[ListItem, ...] = ()

    @classmethod
    def of(cls, raw: bytes) -> Self:
        """Returns what `packed` gave."""
        return msgspec.msgpack.decode(raw, type=cls)

    @property
    def packed(self) -> bytes:
        """The script as it is kept."""
        return msgspec.msgpack.encode(self)

    def then(self, later: Script) -> Script:
        """Returns this and a later script as one."""
        if later.is_reset:
            return later
        gone = (*(one for one in self.gone if one not in later.gone), *later.gone)
        again = {*later.gone, *(one.element for one in later.come)}
        return Script(self.is_reset, gone, (*(one for one in self.come if one.element not in again), *later.come))

    def write(self, write: Writes, heads: Sequence[OpAt]) -> None:
        """Writes what is staged over those heads of the list that its author saw and that stand."""
        if self.is_reset:
            if heads:
                write(ListReset, tuple(op.oid for op in heads), None)
            for item in self.come:
                write(ListAdd, (), item)
            return
        there = {op.op.payload.element for op in heads if isinstance(op.op, ListAdd)}
        there |= {one.id for op in heads if is_plain(op) for one in elements_of(op.value, bytes(8))}
        gone = [Element(one, "", None) for one in self.gone if one in there]
        write_changes(write, heads, gone, [Element(one.element, one.position, one.value) for one in self.come])


def script_of(op: ListAdd | ListRemove | ListReset) -> Script:
    """Returns what one op on a list does."""
    if isinstance(op, ListAdd):
        return Script(come=(op.payload,))
    return Script(gone=(op.payload,)) if isinstance(op, ListRemove) else Script(is_reset=True)


def is_plain(op: OpAt) -> bool:
    """Tells whether a head of a list is a plain value."""
    return not isinstance(op.op, ListAdd | ListRemove | ListReset) and bool(parts(op.value))


def _adding(heads: Iterable[OpAt], element: bytes) -> list[int]:
    return [op.oid for op in heads if isinstance(op.op, ListAdd) and op.op.payload.element == element]
